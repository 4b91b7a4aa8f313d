#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# The sides of the suite ffi in Python: each gives the results of vectors.txt byte for byte, has the cases of the side in C,
# makes each call to its end or says what is missing, notices a library that computes something else, and shows the library's
# timers; its loop is subtracted; the modules keep frame pointers where the profile says so; nothing is written when it runs.
# shellcheck disable=SC2154 # what helpers/script.bash sets
source "$(dirname "$0")/helpers/script.bash"
ffi=${TARE_SUITES_DIR:-$bin/../libexec/tare/suites}/ffi
[ -e "$ffi/python/interpreter" ] || skip_all "no sides in Python: they were not built"
ffi=$(cd "$ffi" && pwd)
unset TARE_BENCH_DRIVE TARE_SUITE_PYTHON_STARTED PYTHONPERFSUPPORT
interpreter=$(<"$ffi/python/interpreter")
cd "$scratch" || exit 1
sides=()
for name in capi pybind11 pyo3 cffi_api cffi_abi ctypes; do
    if [ -e "$ffi/python/side_$name.py" ]; then
        sides+=("$name")
    else
        begin_case "$name"
        skip_case "it was not built"
    fi
done
grep -v '^#' "$ffi/vectors.txt" | grep . >expected
before=$(find "$ffi/python" -printf '%p %s %T@\n' | sort)

# side NAME ARGUMENTS...
side() {
    "$interpreter" "$ffi/python/side_$1.py" "${@:2}"
}

# job NAME WORDS: what it tells its driver is in `said`.
job() {
    TARE_BENCH_DRIVE="fd=9 $2" side "$1" 9>said >stdout 2>err
}

# What is said of waiting, where the kernel counts it.
waits=
[ -e /proc/thread-self/schedstat ] && read -r ran _ <"/proc/$$/schedstat" && [ "$ran" -ne 0 ] && waits='wait '

# number CASE: of a case, the same on all sides.
number() {
    echo $(($(side ctypes list | grep -nx "$1" | cut -d: -f1) - 1))
}

begin_case "all have the cases of the side in C"
if [ -x "$ffi/c" ]; then
    "$ffi/c" --list | sort >wanted
    for name in "${sides[@]}"; do
        side "$name" list | sort >sorted
        check "$name" diff wanted sorted
        job "$name" job=list
        equal "$name told" "$(awk '$1 == "case" { print $3 }' said)" "$(side "$name" list)"
    done
else
    skip_case "no side in C here"
fi

for name in "${sides[@]}"; do
    begin_case "$name gives the results of vectors.txt"
    side "$name" check <"$ffi/vectors.txt" >got 2>err
    equal "exit code" $? 0
    check "results" diff expected got
    equal "errors" "$(<err)" ""
    echo 'add_i99 1 2 = 3' | side "$name" check >got 2>err
    equal "exit code of what is unknown" $? 1
    equal "what is unknown" "$(<err)" "add_i99: unknown"

    side "$name" verify >got 2>err
    equal "exit code of verify" $? 0
    equal "verify" "$(cat got err)" ""

    begin_case "$name makes each call to its end"
    at=0
    for one in $(side "$name" list); do
        job "$name" "job=block case=$at samples=2 sample_ns=1000 iterations=3"
        code=$?
        if [ "$code" -eq 1 ] && grep -q '^failed skipped: it needs NumPy' said; then
            at=$((at + 1))
            continue
        fi
        equal "$one: exit code" "$code" 0
        equal "$one: lines" "$(sed -E 's/ .*//' said | sort -u | tr '\n' ' ')" \
            "$(grep -q ^bytes said && echo -n 'bytes ')cpu end first involuntary loop migrations sample tare-bench $waits"
        equal "$one: first line" "$(head -n 1 said)" "tare-bench 1"
        equal "$one: samples" "$(grep -c '^sample 3 ' said)" 2
        equal "$one: printed" "$(cat stdout err)" ""
        at=$((at + 1))
    done

    begin_case "$name: what the loop takes is subtracted, and work is not"
    at=$(number noop)
    check "empty" job "$name" "job=block case=$at samples=9 sample_ns=200000 empty=1"
    empty=$(awk '$1 == "sample" { print $3 / $2 }' said | sort -g | sed -n 5p)
    loop=$(awk '$1 == "loop" { print $2 }' said)
    check "empty: $empty ns of $loop ns" awk -v e="$empty" -v l="$loop" 'BEGIN { exit !(l > 0 && e < l && e > -l) }'
    check "large" job "$name" "job=block case=$(number matmul/64) samples=3 sample_ns=100000"
    large=$(awk '$1 == "sample" { print $3 / $2 }' said | sort -g | sed -n 2p)
    check "small" job "$name" "job=block case=$(number matmul/8) samples=3 sample_ns=100000"
    small=$(awk '$1 == "sample" { print $3 / $2 }' said | sort -g | sed -n 2p)
    check "64 x 64: $large ns, 8 x 8: $small ns" awk -v l="$large" -v s="$small" 'BEGIN { exit !(l > 5 * s && s > 0) }'

    begin_case "$name: benchlib's timers count just the calls that are asked for"
    TARE_REPORT=$scratch/report job "$name" "job=exact case=$(number add_i32) iterations=1000"
    equal "exit code" $? 0
    matches "report" "$(grep '^benchlib::' report)" "benchlib::add_i32 *[^0-9]1000[^0-9]*"

    begin_case "$name refuses what is no job in one line"
    for words in job=block job=exact job=other job= "job=block case=1 sample_ns=0" "job=block case=x iterations=1" \
        "job=block iterations=1 samples=0" "job=block iterations=1 samples=4097" "job=block iterations=-5" \
        "job=block iterations=1e3" "job=block iterations=1125899906842625" "job=exact iterations=1 colour=2" \
        "job=list fd=4294967296" "job=block iterations=1 case"; do
        job "$name" "$words"
        equal "$words: exit code" $? 2
        equal "$words: lines" "$(wc -l <err) $(wc -c <said)" "1 0"
    done
    job "$name" "job=block case=9999 iterations=1"
    equal "no such case: exit code" $? 1
    equal "no such case" "$(tail -n 1 said)" "failed there is no case of that number"
    side "$name" run nothing 1 2>err
    equal "run of nothing: exit code" $? 2
    equal "run of nothing" "$(<err)" "no case 'nothing': 'list' names them"
done

begin_case "a library that computes something else is noticed"
printf '#include <stdint.h>\nint32_t bl_add_i32(int32_t a, int32_t b);\nint32_t bl_add_i32(int32_t a, int32_t b) { return a - b; }\n' \
    >wrong.c
mkdir wrong
if "${CC:-cc}" -shared -fPIC wrong.c -o wrong/libbenchlib.so -Wl,--no-as-needed "$ffi/libbenchlib.so" \
    -Wl,-rpath,"$ffi" 2>err; then
    cp -r "$ffi/python" "$ffi/vectors.txt" wrong/
    for name in "${sides[@]}"; do
        # One that is linked asks for functions by name, the others for a library by its place.
        TARE_BENCH_DRIVE="fd=9 job=block case=$(number add_i32) samples=1 iterations=1" \
            LD_PRELOAD=$scratch/wrong/libbenchlib.so "$interpreter" "wrong/python/side_$name.py" 9>said 2>err
        equal "$name: exit code" $? 1
        equal "$name" "$(tail -n 1 said)" "failed add_i32 gives 38 instead of 42"
        LD_PRELOAD=$scratch/wrong/libbenchlib.so "$interpreter" "wrong/python/side_$name.py" verify 2>err
        equal "$name: exit code of verify" $? 1
        matches "$name: verify" "$(<err)" "it gives add_i32 *, where vectors.txt has add_i32 *"
    done
else
    skip_case "no compiler"
fi

begin_case "the harness: what is skipped, fails, or leaves by an exception says so"
cat >cases_of_all_kinds.py <<'END'
import sys
sys.path.insert(0, sys.argv.pop(1))
sys.dont_write_bytecode = True
from harness import Call, Case, Failed, Skip, drive

def skips():
    raise Skip("no such thing here")

def wrong():
    raise Failed("1 instead of 2")

cases = [Case("skips", (), skips), Case("wrong", (), lambda: Call("pass", {}, wrong)),
         Case("raises", (3,), lambda: Call("1 // x", {"x": 0})), Case("fine", (), lambda: Call("x = 1", {"x": 0}, bytes=8))]
sys.exit(drive(cases))
END
told() {
    TARE_BENCH_DRIVE="fd=9 job=block samples=1 iterations=2 case=$1" "$interpreter" cases_of_all_kinds.py "$ffi/python" 9>said
    equal "case $1: exit code" $? "$2"
    matches "case $1" "$(tail -n 1 said)" "$3"
}
told 0 1 "failed skipped: no such thing here"
told 1 1 "failed 1 instead of 2"
told 2 1 "failed ZeroDivisionError: *"
told 3 0 "end"
equal "bytes" "$(grep '^bytes' said)" "bytes 8"

begin_case "samples are told while they are taken"
: >said
TARE_BENCH_DRIVE="fd=9 job=block case=$(number noop) samples=4000 sample_ns=30000000" \
    "$interpreter" "$ffi/python/side_ctypes.py" 9>said 2>err &
started+=($!)
eventually grep -q '^sample ' said || fail "there is no sample after ten seconds"
kill -KILL $!
wait $! 2>/dev/null
equal "first" "$(head -n 1 said)" "tare-bench 1"
check_not "the end" grep -qx end said
job ctypes "job=count case=$(number noop) iterations=10"
equal "count" "$(<said)" "tare-bench 1
end"

begin_case "modules refuse what C could not take"
cat >refused.py <<'END'
import array, sys
sys.path.insert(0, sys.argv[1])
sys.dont_write_bytecode = True
import start

class Boom(Exception):
    pass

def boom(*arguments):
    raise Boom

lib = start.native(sys.argv[2], "")().lib
v = array.array("d", [1, 2, 3])
for number, call in enumerate([
        lambda: lib.add_i32(1 << 31, 0), lambda: lib.add_u32(-1, 0), lambda: lib.add_i32("a", 1), lambda: lib.add_i32(1),
        lambda: lib.str_length(b"a\0b"), lambda: lib.str_length("x"), lambda: lib.array_sum([1.0]),
        lambda: lib.array_sum(array.array("f", [1])), lambda: lib.array_scale(memoryview(v).toreadonly(), 2.0),
        lambda: lib.array_sum(memoryview(v)[::2]), lambda: lib.array_sum_strided(v, 3, 2), lambda: lib.dot(v, v[:2]),
        lambda: lib.matmul(v, v, v, 2), lambda: lib.matmul(v, v, v, 1 << 40), lambda: lib.vector_add(v, v, v[:1]),
        lambda: lib.str_length_utf8_copied(1), lambda: lib.array_sum_strided_copied(v, 3, 2), lambda: lib.norm_copied([1.0]),
        lambda: lib.array_fill_i32_copied(v, 1), lambda: lib.array_fill_i32_copied(b"abcd", 1), lambda: lib.dot_copied(v, v[:2]),
        lambda: lib.matmul_copied(v, v, v, 2), lambda: lib.matmul_copied(v, v, v, 1 << 40), lambda: lib.pairs_copied(b"abc"),
        lambda: lib.point_norm2_copied(None), lambda: lib.record_sum_copied(None),
        lambda: lib.point_add(1, 2), lambda: lib.point_norm2(None), lambda: lib.record_sum(None),
        lambda: lib.Record(1, (1.0,) * 7, (1,) * 6, b"x"), lambda: lib.Record(1, (1.0,) * 8, (1,) * 6, b"x" * 16),
        lambda: lib.block_make(1)[16], lambda: lib.callback_once(lambda x: "a", 1), lambda: lib.array_sum_list([1, "a"]),
        lambda: lib.callback_once(boom, 1), lambda: lib.callback_iterate(boom, 5), lambda: lib.callback_transform(v, boom)]):
    try:
        print("number %d gave %r" % (number, call()))
    except (ArithmeticError, BufferError, LookupError, TypeError, ValueError, RuntimeError):
        pass
    except Boom:
        number >= 34 or print("number", number)
nested = lib.callback_once(lambda x: lib.callback_once(lambda y: y + 1, x) + 1, 1)
nested == 3 or print("nested:", nested)
END
for name in "${sides[@]}"; do
    case $name in c[ft]*) continue ;; esac
    "$interpreter" refused.py "$ffi/python" "benchlib_$name" >out 2>&1
    equal "$name: exit code" $? 0
    equal "$name" "$(<out)" ""
done

begin_case "frame pointers are kept as the profile says"
type=$(sed -n 's/^CMAKE_BUILD_TYPE:[A-Z]*=//p' "$bin/../CMakeCache.txt" 2>/dev/null)
if [ "$type" != Fast ] && [ "$type" != Instrumented ]; then
    skip_case "the build is of type '$type'"
elif ! "$bin/tare" doctor "$ffi/libbenchlib.so" | grep -q '^  frame pointers  *[yn]'; then
    skip_case "tare doctor cannot tell: libelf"
else
    wanted=$([ "$type" = Fast ] && echo no || echo yes)
    for file in "$ffi"/python/benchlib_*.so; do
        case $file in *pyo3*) continue ;; esac
        check "$file" grep -q "^  frame pointers  *$wanted" <("$bin/tare" doctor "$file")
    done
    # Rust's own library comes compiled, without them, so that only functions of our own file are looked at.
    if [ -e "$ffi/python/side_pyo3.py" ] && command -v objdump >/dev/null && [[ $(uname -m) == x86_64 ]]; then
        objdump -d --no-show-raw-insn "$ffi"/python/benchlib_pyo3*.so |
            awk '/^[0-9a-f]+ <_ZN13benchlib_pyo3.*>:$/ { getline a; getline b; all++
                 kept += a ~ /push +%rbp/ && b ~ /mov +%rsp,%rbp/ } END { print all + 0, kept + 0 }' >rust
        read -r all kept <rust
        check "functions of ours: $all" [ "$all" -ge 50 ]
        equal "kept in $kept of $all" "$((kept * 10 >= all * 9)) $((kept * 10 <= all))" \
            "$([ "$type" = Fast ] && echo '0 1' || echo '1 0')"
    fi
fi

# Python names its functions to a profiler from 3.12 on; ctypes takes any Python. A shim may be in PATH, and start nothing.
begin_case "tare profile shows Python's functions and C's in one stack"
named=
for candidate in python3.{12..14} ~/.pyenv/versions/3.1[2-9]*/bin/python3 "$interpreter"; do
    if "$candidate" -sc 'import ctypes, sys; sys.activate_stack_trampoline("perf")' 2>err; then
        named=$candidate
        break
    fi
done
if [ -n "$(find "$lib" "$bin"/../lib* -name libtare-profile.so -print -quit 2>/dev/null)" ]; then
    mode=built-in
elif perf record -q -o perf.data -e cpu-clock true 2>err; then
    mode=dwarf
else
    mode=
fi
if [ -z "$named" ]; then
    skip_case "no Python of 3.12 or later that can name its functions"
elif [ -z "$mode" ]; then
    skip_case "built without libtare-profile.so, and perf is not there or forbidden"
else
    # Python leaves the file with the names where it is.
    # shellcheck disable=SC2016 # for that shell
    check "$named, $mode" env PYTHONPERFSUPPORT=1 "$bin/tare" profile -F 997 --mode "$mode" -o stacks.folded -- \
        sh -c 'echo $$ >pid; exec "$@"' sh "$named" -sB "$ffi/python/side_ctypes.py" run pairs/256 0.5 >out 2>err
    rm -f -- "/tmp/perf-$(<pid).map"
    check "stacks: $(tail -n 5 out err stacks.folded)" grep -Eq '^(.*;)?py::run:.*;_PyEval_EvalFrameDefault;.*;bl_pairs(;| )' stacks.folded
fi

begin_case "nothing was written beside the programs"
equal "files" "$(find "$ffi/python" -printf '%p %s %T@\n' | sort)" "$before"

finish
