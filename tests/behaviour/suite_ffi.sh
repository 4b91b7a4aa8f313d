#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# The sides of the suite ffi in C, Node.js and LuaJIT: each gives the results of vectors.txt byte for byte, has the benchmarks of
# the table and no others, runs each of them to its end, notices a library that computes something else, and shows the library's
# timers; and each calls in the way that it is named after. (Those in Python have a test of their own.) Prints TAP.
# Environment: TARE_BUILD_DIR, TARE_SOURCE_DIR; LUAJIT: another luajit than the one in PATH.
set -u

build=${TARE_BUILD_DIR:?set TARE_BUILD_DIR to the build tree}
source=${TARE_SOURCE_DIR:-$(cd "$(dirname "$0")/../.." && pwd)}/suites/ffi
ffi=$build/libexec/tare/suites/ffi
if [ ! -e "$ffi/c" ]; then
    echo "no '$ffi/c': the suites were not built"
    exit 77
fi
scratch=$(mktemp -d "${TMPDIR:-/tmp}/tare-suite-ffi.XXXXXX") || exit 1
trap 'rm -rf -- "$scratch"' EXIT
unset TARE TARE_ENABLE TARE_PAGE TARE_CLOCK TARE_REPORT TARE_HISTOGRAM TARE_TIMERS TARE_THREADS TARE_BENCH_DRIVE
count=0
failures=0
: >"$scratch/out"
: >"$scratch/err"

# verdict STATUS WHAT: one TAP line; of a failure, the output follows.
verdict() {
    count=$((count + 1))
    if [ "$1" -eq 0 ]; then
        echo "ok $count $2"
    else
        failures=$((failures + 1))
        echo "not ok $count $2"
        head -n 40 "$scratch/out" "$scratch/err" | sed 's/^/# /'
    fi
}

skip() { # WHAT REASON
    count=$((count + 1))
    echo "ok $count $1 # skip $2"
}

# job SIDE "WORDS": what the side says to a driver, in $scratch/out.
job() {
    TARE_BENCH_DRIVE="fd=9 $2" ${side[$1]} 9>"$scratch/out" >"$scratch/stdout" 2>"$scratch/err"
}

# case_of SIDE NAME: the number of its benchmark of that name.
case_of() {
    sed -n "s|^case \([0-9]*\) $2 .*|\1|p" "$scratch/list.$1"
}

declare -A side=([c]=$ffi/c [c-plt]=$ffi/c-plt [c-noplt]=$ffi/c-noplt [c-dlopen]=$ffi/c-dlopen)
sides=(c c-plt c-noplt c-dlopen)
if [ ! -e "$ffi/node/side.js" ]; then
    skip 'n-api' 'it was not built: libnode-dev'
elif ! command -v node >/dev/null; then
    skip 'n-api' 'no node: nodejs'
else
    side[n-api]="node $ffi/node/side.js"
    sides+=(n-api)
fi
if [ ! -e "$ffi/luajit/side.lua" ]; then
    skip 'luajit' 'it was not built'
elif ! command -v "${LUAJIT:-luajit}" >/dev/null; then
    skip 'luajit' 'no luajit: luajit'
else
    side[luajit]="${LUAJIT:-luajit} $ffi/luajit/side.lua"
    sides+=(luajit)
fi

grep -v '^#' "$ffi/vectors.txt" | grep . >"$scratch/expected"
[ "$(wc -l <"$scratch/expected")" -gt 150 ]
verdict $? 'vectors.txt has calls'

for name in "${sides[@]}"; do
    ${side[$name]} check <"$ffi/vectors.txt" >"$scratch/got" 2>"$scratch/err"
    status=$?
    diff "$scratch/expected" "$scratch/got" >"$scratch/out" && [ "$status" -eq 0 ] && [ ! -s "$scratch/err" ]
    verdict $? "$name gives the results of vectors.txt, byte for byte"

    echo 'add_i99 1 2 = 3' | ${side[$name]} check >"$scratch/out" 2>"$scratch/err"
    [ $? -eq 1 ] && grep -qx 'add_i99: unknown' "$scratch/err"
    verdict $? "$name says which function it does not know"

    TARE_BENCH_DRIVE='fd=77 job=block case=0 sample_ns=1000' ${side[$name]} >"$scratch/out" 2>"$scratch/err" 77>&-
    [ $? -eq 2 ] && [ "$(wc -l <"$scratch/err")" -eq 1 ] && [ ! -s "$scratch/out" ]
    verdict $? "$name refuses a job without a descriptor in one line"

    ${side[$name]} verify >"$scratch/out" 2>"$scratch/err" && [ ! -s "$scratch/out" ] && [ ! -s "$scratch/err" ]
    verdict $? "$name verifies itself"

    # As harness/drive.c has it; suite_ffi_python.sh has the same list.
    bad=0
    for words in job=block job=exact job=other job= 'job=block case=1 sample_ns=0' 'job=block case=x iterations=1' \
        'job=block iterations=1 samples=0' 'job=block iterations=1 samples=4097' 'job=block iterations=-5' \
        'job=block iterations=1e3' 'job=block iterations=1125899906842625' 'job=exact iterations=1 colour=2' \
        'job=list fd=4294967296' 'job=block iterations=1 case'; do
        job "$name" "$words"
        if [ $? -ne 2 ] || [ "$(wc -l <"$scratch/err")" -ne 1 ] || [ -s "$scratch/out" ]; then
            bad=1
            verdict 1 "$name refuses '$words'"
        fi
    done
    verdict "$bad" "$name refuses what is no job in one line"
    job "$name" 'job=block case=9999 iterations=1'
    [ $? -eq 1 ] && [ "$(tail -n 1 "$scratch/out")" = 'failed there is no case of that number' ]
    verdict $? "$name says that there is no case of a number"
done

# The table's names, and the sides' with arguments: the same on all, but for NumPy's.
sed -n 's/.*\.bench = "\([^"]*\)".*/\1/p' "$source"/about_*.c | sort >"$scratch/table"
for name in "${sides[@]}"; do
    job "$name" job=list && cp "$scratch/out" "$scratch/list.$name"
    awk '$1 == "case" && !(/ threads=1 / && / bench=[a-z0-9_]+ line=[0-9]+/) { exit 1 }' "$scratch/out"
    verdict $? "$name lists them as a driver reads it"
    awk '$1 == "case" { print $3 }' "$scratch/out" | sort >"$scratch/cases.$name"
    sed 's|/.*||' "$scratch/cases.$name" | sort -u | diff "$scratch/table" - >"$scratch/out"
    case $name in
    c*) [ ! -s "$scratch/out" ] ;;
    *) [ "$(grep -c '^<' "$scratch/out")" -eq 9 ] && ! grep '^[<>]' "$scratch/out" | grep -qvx '< [a-z0-9_]*_numpy' ;;
    esac
    verdict $? "$name has the benchmarks of the table"
    grep -v '_numpy' "$scratch/cases.c" >"$scratch/common"
    grep -v '_numpy' "$scratch/cases.$name" | diff "$scratch/common" - >"$scratch/out"
    verdict $? "$name has the same cases as c"
done

for name in "${sides[@]}"; do
    bad=0 ran=0
    while read -r word number case _; do
        [ "$word" = case ] || continue
        job "$name" "job=block case=$number samples=2 sample_ns=1000 iterations=3"
        status=$?
        ran=$((ran + 1))
        # The version first, `end` last, two samples of three iterations, the first call apart, no word elsewhere.
        if [ "$status" -ne 0 ] || [ "$(head -n 1 "$scratch/out")" != 'tare-bench 1' ] ||
            [ "$(tail -n 1 "$scratch/out")" != end ] || [ "$(grep -c '^sample 3 ' "$scratch/out")" -ne 2 ] ||
            ! grep -Eqx 'first -?[0-9.]+' "$scratch/out" || [ -s "$scratch/stdout" ] || [ -s "$scratch/err" ]; then
            bad=1
            verdict 1 "$name: $case"
        fi
    done <"$scratch/list.$name"
    [ "$bad" -eq 0 ] && [ "$ran" -gt 60 ]
    verdict $? "$name runs each of its $ran benchmarks to the end"
done

# What a driver sees of one that is ended in the middle: whole lines, the samples among them, and who said it.
for name in "${sides[@]}"; do
    : >"$scratch/out"
    TARE_BENCH_DRIVE="fd=9 job=block case=$(case_of "$name" noop) samples=4000 sample_ns=30000000" \
        ${side[$name]} 9>"$scratch/out" 2>"$scratch/err" &
    end=$((SECONDS + 30))
    until grep -q '^sample ' "$scratch/out" || [ "$SECONDS" -ge "$end" ]; do
        sleep 0.05
    done
    kill -KILL $!
    wait $! 2>/dev/null
    awk 'NR == 1 { good = $0 == "tare-bench 1" } { seen[$1] = 1 } $1 == "sample" && NF != 3 { good = 0 }
         END { exit !(good && seen["loop"] && seen["first"] && seen["sample"] && !seen["end"]) }' "$scratch/out"
    verdict $? "$name tells samples while it takes them"

    job "$name" "job=count case=$(case_of "$name" noop) iterations=10" &&
        [ "$(tail -n 1 "$scratch/out")" = end ] && ! grep -q '^sample ' "$scratch/out"
    verdict $? "$name has no sample where it is to count"
done

# A kernel that counts nothing writes zeros: then it is unknown how long a thread waited, and not 0.
cat >"$scratch/zeros.js" <<'END'
const fs = require('fs');
const read = fs.readFileSync;
fs.readFileSync = (path, ...rest) => (String(path).endsWith('/schedstat') ? '0 0 0\n' : read(path, ...rest));
END
cat >"$scratch/zeros.lua" <<'END'
local open = io.open
io.open = function(path, ...)
    return open(path:find("/schedstat$") and os.getenv("ZEROS") or path, ...)
end
END
echo '0 0 0' >"$scratch/zeros"
for name in n-api luajit; do
    [ -n "${side[$name]:-}" ] || continue
    ZEROS=$scratch/zeros NODE_OPTIONS="--require $scratch/zeros.js" LUA_INIT="@$scratch/zeros.lua" \
        job "$name" "job=block case=$(case_of "$name" noop) samples=2 sample_ns=100000" &&
        [ "$(tail -n 1 "$scratch/out")" = end ] && grep -q '^cpu ' "$scratch/out" && ! grep -q '^wait' "$scratch/out"
    verdict $? "$name says nothing of waiting where the kernel does not count it"
done

# Work that is some hundred times another's takes longer, by whatever clock.
per_iteration() { # SIDE CASE: ns, in the middle of the samples
    job "$1" "job=block case=$(case_of "$1" "$2") samples=9 sample_ns=100000" &&
        awk '$1 == "sample" { print $3 / $2 }' "$scratch/out" | sort -g | sed -n 5p
}
for name in "${sides[@]}"; do
    few=$(per_iteration "$name" matmul/2)
    many=$(per_iteration "$name" matmul/64)
    awk -v few="$few" -v many="$many" 'BEGIN { exit !(many > 50 * few && few > 0) }'
    verdict $? "$name: a product of 64 x 64 takes longer than one of 2 x 2 ($few ns, $many ns)"
done

# The timers are in the one page of the process, and count what the loop does: and what checks it, in C.
for name in "${sides[@]}"; do
    TARE_REPORT=$scratch/report TARE_BENCH_DRIVE="fd=9 job=exact case=$(case_of "$name" add_i32) iterations=1000" \
        ${side[$name]} 9>"$scratch/out" 2>"$scratch/err" && grep -Eq '^benchlib::add_i32 +100[01] ' "$scratch/report"
    verdict $? "$name: the timer benchlib::add_i32 counts 1000 iterations"
done

# A library that is wrong: for those who call by name, put before the real one; for those who open it, beside a copy of them.
printf '#include <stdint.h>\nint32_t bl_add_i32(int32_t a, int32_t b);\nint32_t bl_add_i32(int32_t a, int32_t b) { return a - b; }\n' \
    >"$scratch/wrong.c"
if [ -n "${TARE_SANITIZER:-}" ]; then
    skip 'a wrong result is a failure' 'what is preloaded comes before the sanitizer'
elif "${CC:-cc}" -shared -fPIC "$scratch/wrong.c" -o "$scratch/wrong.so" 2>"$scratch/err"; then
    mkdir "$scratch/wrong"
    # What is copied finds libtare no more by where it lies.
    LD_LIBRARY_PATH=${LD_LIBRARY_PATH:-}:$(ldd "$ffi/c-dlopen" | sed -n 's|.* => \(/.*\)/libtare\.so\..*|\1|p')
    export LD_LIBRARY_PATH
    cp -r "$ffi"/c-dlopen "$ffi"/vectors.txt "$scratch/wrong"
    [ ! -d "$ffi/luajit" ] || cp -r "$ffi/luajit" "$scratch/wrong"
    "${CC:-cc}" -shared -fPIC "$scratch/wrong.c" -o "$scratch/wrong/libbenchlib.so" -Wl,--no-as-needed \
        "$ffi/libbenchlib.so" -Wl,-rpath,"$(cd "$ffi" && pwd)"
    for name in "${sides[@]}"; do
        if [ "$name" = c ]; then
            skip "$name fails where the result is wrong" 'benchlib is part of the program'
            continue
        fi
        case $name in c-dlopen | luajit) side[$name]=${side[$name]//$ffi/$scratch/wrong} ;; esac
        LD_PRELOAD=$scratch/wrong.so job "$name" "job=block case=$(case_of "$name" add_i32) samples=1 sample_ns=1000"
        [ $? -eq 1 ] && grep -q '^failed ' "$scratch/out" && ! grep -qx end "$scratch/out"
        verdict $? "$name fails where the result is wrong"
        LD_PRELOAD=$scratch/wrong.so ${side[$name]} check <"$ffi/vectors.txt" 2>"$scratch/err" | cmp -s "$scratch/expected" -
        [ $? -eq 1 ]
        verdict $? "$name: the check sees a wrong result"
        LD_PRELOAD=$scratch/wrong.so ${side[$name]} verify >"$scratch/out" 2>"$scratch/err"
        [ $? -eq 1 ] && [ ! -s "$scratch/out" ] && [ "$(wc -l <"$scratch/err")" -eq 1 ] &&
            grep -q '^it gives add_i32 .*, where vectors.txt has add_i32 ' "$scratch/err"
        verdict $? "$name: verify names the call that gives a wrong result"
    done
    unset LD_LIBRARY_PATH
else
    skip 'a wrong result is a failure' "no compiler '${CC:-cc}'"
fi

# How they call: in the machine code.
if command -v objdump >/dev/null; then
    for name in c c-plt c-noplt c-dlopen; do
        objdump -d "$ffi/$name" >"$scratch/code"
        plt=$(grep -Ec '(call|jmp|bl|b)q? .*<bl_[a-z0-9_]+@plt>' "$scratch/code")
        direct=$(grep -Ec '(call|jmp|bl|b)q? .*<bl_[a-z0-9_]+>$' "$scratch/code")
        echo "$name: $plt calls through the PLT, $direct direct ones" >"$scratch/out"
        case $name in
        c) [ "$plt" -eq 0 ] && [ "$direct" -gt 50 ] ;;
        c-plt) [ "$plt" -gt 50 ] && [ "$direct" -eq 0 ] ;;
        *) [ "$plt" -eq 0 ] && [ "$direct" -eq 0 ] ;;
        esac
        verdict $? "$name calls benchlib as it is named after"
    done
    ! readelf -d "$ffi/c-plt" | grep -qw NOW
    verdict $? 'c-plt is bound at the first call'
else
    skip 'c calls benchlib without the PLT' 'no objdump: binutils'
fi

# The profile's flags, as the machine code has them.
type=$(sed -n 's/^CMAKE_BUILD_TYPE:[A-Z]*=//p' "$build/CMakeCache.txt")
if [ "$type" != Fast ] && [ "$type" != Instrumented ]; then
    skip 'frame pointers are as the profile says' "the build is of type '$type'"
elif ! "$build/bin/tare" doctor "$ffi/c" >"$scratch/out" 2>"$scratch/err" || ! grep -q '^  frame pointers  *[yn]' "$scratch/out"; then
    skip 'frame pointers are as the profile says' 'tare doctor cannot tell: libelf'
else
    wanted=$([ "$type" = Fast ] && echo no || echo yes)
    for file in libbenchlib.so c c-plt c-noplt c-dlopen node/benchlib.node; do
        [ -e "$ffi/$file" ] || continue
        "$build/bin/tare" doctor "$ffi/$file" >"$scratch/out" 2>"$scratch/err" &&
            grep -q "^  frame pointers  *$wanted" "$scratch/out"
        verdict $? "$file: frame pointers are kept in a build of type $type: $wanted"
    done
fi

echo "1..$count"
[ "$failures" -eq 0 ]
