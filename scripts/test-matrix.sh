#!/bin/bash
# SPDX-License-Identifier: MIT
# The tests with other compilers, options, C libraries and processors than `make test` has. Each leg prints a line; what
# this machine cannot do is a skip that says so. The last line sums up: "N passed, N failed, N skipped".
#
#   scripts/test-matrix.sh [LEG...]       all legs, or those named: headers debug asan clang tsan musl aarch64
#
# A leg builds in build/matrix/LEG and leaves its log there. To add one: a function leg_NAME that calls record or skip,
# and its name in `all`.
set -u
cd "$(dirname "$0")/.." || exit 1

all=(headers debug asan clang tsan musl aarch64)
jobs=$(nproc 2>/dev/null || echo 2)
consumer=tests/install/consumer.c
consumer_sets=tests/install/consumer_sets.c
passed=0 failed=0 skipped=0
runner=() # what the tests are run through
generator='Unix Makefiles'
if command -v ninja >/dev/null; then
    generator=Ninja
fi

have() { command -v "$1" >/dev/null; }

say() { # leg, counts
    passed=$((passed + $2)) failed=$((failed + $3)) skipped=$((skipped + $4))
    printf '%-8s %s passed, %s failed, %s skipped%s\n' "$1:" "$2" "$3" "$4" "${5:+ ($5)}"
}

skip() { # leg, reason
    skipped=$((skipped + 1))
    printf '%-8s skipped: %s\n' "$1:" "$2"
}

# Configure, build and test one leg: leg, then options for cmake, --, options for ctest. What has nothing to do with what a
# leg is for, is left out by the labels of tests/CMakeLists.txt:
#
#                                       make test   debug   asan   clang
#     what browsers make of pages (web)   if it can   yes     no     no
#     servers of others (stores)          yes         no      no     no
#     text, scripts, scale (once)         yes         no      no     no
#     what is shown, kept, sent (twice)   yes         no      yes    no
#     all else                            yes         yes     yes    yes
#
# The binding in Rust takes half a minute to be built, of which no compiler of C knows: `make test` has it.
# The packages that web needs come with those of the matrix; they may not be there before.
# tsan has units and what runs inside programs, without those of one thread (single) and once; aarch64 has what can be
# built there.
tested_build() {
    local leg=$1 directory=build/matrix/$1 cmake_options=() began=$SECONDS
    shift
    while [ $# -gt 0 ] && [ "$1" != -- ]; do
        cmake_options+=("$1")
        shift
    done
    [ $# -eq 0 ] || shift
    local log=$directory/log
    mkdir -p "$directory"
    if ! { cmake --fresh -S . -B "$directory" -G "$generator" -DTARE_WERROR=ON -DTARE_SUITE_PYO3=OFF "${cmake_options[@]}" &&
        cmake --build "$directory" --parallel "$jobs"; } >"$log" 2>&1; then
        grep -E 'error:|Error|undefined reference|FAILED' "$log" | head -n 20 | sed 's/^/    /'
        say "$leg" 0 1 0 "does not build: see $log"
        return
    fi
    "${runner[@]}" scripts/run-tests.sh "$directory" "$@" >>"$log" 2>&1
    # The notes of the summary stand at the end; the tests' own words before it may look like them.
    sed -n '/^Total Test time/,$p' "$log" | grep -E '^(FAILED: |skipped: )' | sed 's/^/    /'
    local p f s
    if ! read -r p _ f _ s _ <<<"$(tail -n 1 "$log" | grep -E '^[0-9]+ passed, ')"; then
        say "$leg" 0 1 0 "no summary: see $log"
        return
    fi
    say "$leg" "$p" "$f" "$s" "$((SECONDS - began)) s$([ "$f" = 0 ] || echo "; see $log")"
}

# The public headers in each language and with each compiler, with and without TARE_DISABLE.
leg_headers() {
    local directory=build/matrix/headers p=0 f=0 s=0 combination compiler standard language define
    mkdir -p "$directory"
    : >"$directory/log"
    for combination in gcc:c11 gcc:c17 g++:c++17 clang:c11 clang:c17 clang++:c++17; do
        compiler=${combination%%:*} standard=${combination#*:}
        language=c
        [ "$standard" = "${standard#c++}" ] || language=c++
        for define in TARE_MATRIX TARE_DISABLE; do
            if ! have "$compiler"; then
                s=$((s + 1))
                echo "    skipped: $compiler -std=$standard: no $compiler here"
            elif header_compiles "$compiler" "$language" "$standard" "$define" "$directory" >>"$directory/log" 2>&1; then
                p=$((p + 1))
            else
                f=$((f + 1))
                echo "    FAILED:  $compiler -std=$standard -D$define: see $directory/log"
            fi
        done
    done
    say headers $p $f $s
}

# With TARE_DISABLE the object may hold neither a symbol nor a section of ours; without it, it must hold them.
header_compiles() {
    local object=$5/$1-$3-$4.o
    local options=(-x "$2" -std="$3" -D"$4" -Iinclude -Wall -Wextra -Wpedantic -Werror -O1)
    printf '#include <tare/%s.h>\n' page bench frame jit gfx cpu memory latency |
        "$1" "${options[@]}" -fsyntax-only - || return 1
    if [ "$2" = c++ ]; then # what users like to be told of their casts, they must not be told of those in our macros
        options+=(-Wold-style-cast -Wzero-as-null-pointer-constant)
        [ "$1" != g++ ] || options+=(-Wuseless-cast)
        "$1" "${options[@]}" -fsyntax-only tests/install/consumer_warnings.cpp || return 1
    fi
    local ours source
    for source in $consumer $consumer_sets; do
        "$1" "${options[@]}" -c $source -o "$object" || return 1
        ours=$(nm "$object" && readelf -SW "$object") || return 1
        if [ "$4" = TARE_DISABLE ]; then
            ! grep -i tare <<<"$ours" || return 1
        else
            grep -q tare_timers <<<"$ours" || return 1
        fi
    done
}

leg_debug() {
    tested_build debug -DCMAKE_BUILD_TYPE=Debug -DCMAKE_C_COMPILER=gcc -DCMAKE_CXX_COMPILER=g++ -- -LE 'stores|once|twice'
}

leg_asan() {
    tested_build asan -DCMAKE_BUILD_TYPE=Asan -DCMAKE_C_COMPILER=gcc -DCMAKE_CXX_COMPILER=g++ -- -LE 'web|stores|once'
}

leg_clang() {
    if ! have clang; then
        skip clang "no clang here"
        return
    fi
    tested_build clang -DCMAKE_BUILD_TYPE=Fast -DCMAKE_C_COMPILER=clang -DCMAKE_CXX_COMPILER=clang++ -- -LE 'web|stores|once|twice'
}

# ThreadSanitizer wants the address space as it was before mappings were strewn over 2^32 pages: setarch -R sees to it.
leg_tsan() {
    local probe=build/matrix/tsan/probe
    mkdir -p build/matrix/tsan
    if ! echo 'int main(void) { return 0; }' | gcc -fsanitize=thread -x c - -o $probe 2>/dev/null; then
        skip tsan "gcc has no ThreadSanitizer here"
        return
    fi
    if ! setarch -R $probe 2>/dev/null; then
        skip tsan "programs with ThreadSanitizer do not start here"
        return
    fi
    runner=(setarch -R)
    tested_build tsan -DCMAKE_BUILD_TYPE=Tsan -DCMAKE_C_COMPILER=gcc -DCMAKE_CXX_COMPILER=g++ -- -L 'unit|behaviour' -LE 'once|single'
    runner=()
}

# The libraries against musl, all that is built there, and a program of libtare.a that runs without any library.
leg_musl() {
    if ! have musl-gcc; then
        skip musl "no musl-gcc here"
        return
    fi
    local directory=build/matrix/musl
    mkdir -p $directory
    if { cmake --fresh -S . -B $directory -G "$generator" -DTARE_WERROR=ON -DCMAKE_C_COMPILER=musl-gcc \
        -DTARE_BUILD_COMMAND=OFF -DTARE_BUILD_TESTS=OFF -DTARE_BUILD_EXAMPLES=OFF &&
        cmake --build $directory --parallel "$jobs" &&
        musl-gcc -static -std=c17 -Wall -Wextra -Iinclude $consumer $directory/lib/libtare.a -o $directory/consumer &&
        $directory/consumer &&
        musl-gcc -static -std=c17 -Wall -Wextra -Iinclude $consumer_sets $directory/lib/libtare.a \
            -o $directory/consumer_sets &&
        $directory/consumer_sets &&
        musl-gcc -static -std=c17 -Wall -Wextra -O2 -Iinclude tests/install/consumer_bench.c $directory/lib/libtare-bench.a \
            $directory/lib/libtare.a -o $directory/consumer_bench &&
        $directory/consumer_bench --time 0.02; } >$directory/log 2>&1; then
        say musl 1 0 0
    else
        tail -n 15 $directory/log | sed 's/^/    /'
        say musl 0 1 0 "see $directory/log"
    fi
}

# The runtime, the reader and the tests that need no library, on another processor. qemu runs the programs.
leg_aarch64() {
    if ! have aarch64-linux-gnu-gcc || ! have qemu-aarch64; then
        skip aarch64 "needs aarch64-linux-gnu-gcc and qemu-aarch64"
        return
    fi
    tested_build aarch64 -DCMAKE_BUILD_TYPE=Fast -DCMAKE_TOOLCHAIN_FILE="$PWD/cmake/aarch64-linux-gnu.cmake" \
        -DTARE_BUILD_COMMAND=OFF -- -L 'unit|behaviour|fuzz'
}

legs=("${all[@]}")
[ $# -eq 0 ] || legs=("$@")
for leg in "${legs[@]}"; do
    if ! declare -F "leg_$leg" >/dev/null; then
        echo "no leg '$leg'; there are: ${all[*]}" >&2
        exit 2
    fi
done
for leg in "${legs[@]}"; do
    "leg_$leg"
done

echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
