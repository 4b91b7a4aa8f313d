#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Functions of a program that knows nothing of tare are counted exactly, in each way that compilers can mark them,
# whatever the program does: recursion, threads, longjmp, exceptions, fork, signals, libraries that come later. And
# the program does the same as without. Compilers and flags that are not there are skipped, by name.
set -u

if [ "${TARE_HAVE_PRELOAD:-}" = 0 ]; then
    echo "skipped: built without libtare-functions.so"
    exit 77
fi
if [ -n "${TARE_SANITIZER:-}" ]; then
    echo "skipped: a sanitizer takes calls for itself"
    exit 77
fi
command -v tare >/dev/null || { echo "skipped: built without the command"; exit 77; }
here=$(cd "$(dirname "$0")" && pwd)
scratch=$(mktemp -d "${TMPDIR:-/tmp}/tare-functions.XXXXXX") || exit 1
trap 'rm -rf -- "$scratch"' EXIT
cd "$scratch" || exit 1
unset TARE TARE_ENABLE TARE_PAGE TARE_CLOCK TARE_REPORT TARE_HISTOGRAM TARE_TIMERS TARE_THREADS LD_PRELOAD
export LC_ALL=C
failures=0
checked=0

fail() {
    echo "not ok: $way: $*"
    failures=$((failures + 1))
}

# counts PROGRAM NAME=CALLS... -- ARGUMENT...: what was counted; `module:` is that of the program unless given.
counts() {
    local program=$1 expected one name calls
    local -a wanted=() options=()
    shift
    while [ "$1" != -- ]; do
        case $1 in
            --*) options+=("$1") ;;
            *) wanted+=("$1") ;;
        esac
        shift
    done
    shift
    checked=$((checked + 1))
    rm -f out.csv
    timeout 60 tare run --functions --functions-min-size 0 "${options[@]}" --format csv --all -o out.csv -- \
        "./$program" "$@" >said 2>&1
    local code=$?
    [ "$code" -eq 0 ] || { fail "$program $*: exit code $code: $(cat said)"; return; }
    [ ! -e gmon.out ] || { fail "$program $*: gmon.out was written"; rm -f gmon.out; }
    for one in "${wanted[@]}"; do
        name=${one%=*} expected=${one#*=}
        case $name in *::*) ;; *) name=$program::$name ;; esac
        calls=$(awk -F, -v module="${name%%::*}" -v name="${name#*::}" '
            NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next }
            $at["module"] == module && $at["name"] == name { print $at["calls"] }' out.csv)
        [ "$calls" = "$expected" ] || fail "$program $*: $name was called '$calls' times, and not $expected"
    done
}

# deep: calls that no frame was left for are in a note, so that none is missing.
deep() {
    local calls lost
    counts p main=1 leaf=1 -- deep
    calls=$(awk -F, '$1 == "p" && $2 == "recursion" { print $3 }' out.csv)
    lost=$(timeout 60 tare run --functions --functions-min-size 0 -- ./p deep 2>&1 |
        sed -n 's/^note: \([0-9]*\) calls were not timed, or not to their end: .*/\1/p')
    [ "$((calls + ${lost:-0}))" = 140011 ] || fail "p deep: '$calls' calls and '$lost' lost are not 140011"
}

# late: room for calls that is found when there are other threads is used where that takes one store. gcc leaves
# as many instructions as bytes, of which a thread may have executed some.
late() {
    local times=11
    [ "$(uname -m)" = x86_64 ] || return
    "$compiler" -O2 -g -fPIC -shared -fpatchable-function-entry=5 -o libroom.so "$here/helpers/functions_library.c" \
        2>said || { echo "skipped: $way: room for calls, late: not understood"; return; }
    [ "$compiler" = gcc ] && times=0
    counts p loads=3 libloaded.so::loaded_function=11 "libroom.so::loaded_function=$times" \
        "libroom.so::within_library=$times" --functions-in=libloaded.so --functions-in=libroom.so \
        -- late ./libroom.so ./libloaded.so
    [ "$compiler" = gcc ] || return
    tare run --functions --functions-min-size 0 --functions-in=libloaded.so --functions-in=libroom.so -- \
        ./p late ./libroom.so ./libloaded.so 2>&1 | grep -q '^note: [0-9]* functions are not timed: room' ||
        fail "p late: no note of functions that were left out"
}

try() {
    local compiler=$1 flags=$2
    way="$compiler $flags"
    command -v "$compiler" >/dev/null || { echo "skipped: no $compiler"; return; }
    # shellcheck disable=SC2086 # several flags
    if ! "$compiler" -O2 -g $flags -o p "$here/helpers/functions.c" -pthread -ldl -rdynamic 2>said; then
        if echo 'int main(void) { return 0; }' | "$compiler" $flags -xc - -o /dev/null 2>/dev/null; then
            fail "does not compile: $(cat said)"
        else
            echo "skipped: $way: not understood"
        fi
        return
    fi
    counts p leaf=220 leaf_void=120 middle=110 outer=100 jumps=10 jumps_void=10 main=1 -- calls
    counts p recursion=51 -- recursion
    counts p leaf_void=100 many=100 sum=100 precise=100 pair=100 arguments=1 -- arguments
    counts p tries=100 leaf=100 main=1 -- longjmp
    counts p thread=8 outer=8000 middle=8000 leaf=16000 leaf_void=8000 -- threads
    counts p leaf=8 -- exits
    counts p raises=500 leaf=500 leaf_void=1000 jumps_void=500 on_signal=500 signals=1 -- signals
    counts p raises=500 leaf=500 leaf_void=1000 jumps_void=500 on_signal=500 signals=1 -- aside
    counts p main=1 interrupted=1 -- interrupted
    counts p leaf=8 forks=1 main=1 -- fork
    deep
    counts p main=1 aligned=100 aligned_arguments=100 -- aligned
    counts p main=1 leaf=400 -- waiting
    counts p main=1 moves=1 leaf=400 -- moved
    counts p main=1 moves=1 leaf=400 -- orphaned
    counts p main=1 unmaps=1 leaf=1 -- unmapped
    counts p main=1 coroutine=1 leaf=5 leaf_void=6 -- coroutine
    counts p leaf=220 middle=0 main=0 --only='p::leaf' -- calls
    # shellcheck disable=SC2086
    "$compiler" -O2 -g -fPIC -shared $flags -o libloaded.so "$here/helpers/functions_library.c" ||
        fail "no library"
    # A library whose functions have but room for calls is given these when the program starts, or never.
    case $flags in -fin*) ;; *) counts p ping=100001 pong=100000 -- chain ;; esac
    case $flags in *patchable*) return ;; esac
    counts p loads=1 libloaded.so::loaded_function=11 libloaded.so::within_library=11 --functions-in=libloaded.so \
        -- dlopen ./libloaded.so
    counts p loads=1 -- dlopen ./libloaded.so
    late
}

# Exceptions. clang's -finstrument-functions has no call where a function is left by one: these are not counted.
try_cxx() {
    local compiler=$1 flags=$2 left=$3
    way="$compiler $flags"
    command -v "$compiler" >/dev/null || { echo "skipped: no $compiler"; return; }
    # shellcheck disable=SC2086
    "$compiler" -O2 -g $flags -o x "$here/helpers/functions_cxx.cpp" 2>said || { echo "skipped: $way: $(head -n 1 said)"; return; }
    counts x main=1 'x::(anonymous namespace)::catches(int)=100' 'x::(anonymous namespace)::leaf(int)=600' \
        'x::(anonymous namespace)::catches_again(int)=100' 'x::(anonymous namespace)::cleaned::~cleaned()=200' \
        "x::(anonymous namespace)::throws(int)=$((2 * left))" "x::(anonymous namespace)::passes(int)=$((2 * left))" \
        "x::(anonymous namespace)::throws_on(int)=$left" --
}

ulimit -S -s 65536 2>/dev/null
for compiler in gcc clang; do
    try "$compiler" -finstrument-functions
    case $(uname -m) in
        x86_64)
            try "$compiler" -pg
            try "$compiler" '-pg -mfentry'
            try "$compiler" -fpatchable-function-entry=5
            try "$compiler" '-fpatchable-function-entry=16 -fcf-protection'
            ;;
        *) echo "skipped: -pg, -fpatchable-function-entry: on x86-64 alone" ;;
    esac
done
for compiler in g++ clang++; do
    case $compiler in g++) left=100 ;; *) left=0 ;; esac
    try_cxx "$compiler" -finstrument-functions "$left"
    [ "$(uname -m)" = x86_64 ] || continue
    try_cxx "$compiler" -pg 100
    try_cxx "$compiler" '-pg -mfentry' 100
    try_cxx "$compiler" -fpatchable-function-entry=5 100
done

echo "$checked runs"
[ "$checked" -gt 0 ] && [ "$failures" -eq 0 ]
