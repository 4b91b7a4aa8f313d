# SPDX-License-Identifier: MIT
# tare run --functions: what the user sees. That the counts are right, in all the ways that compilers mark functions,
# is tests/behaviour/functions_are_timed.sh.

load common.bash

setup_file() {
    export CC=${CC:-cc}
}

needs_functions() {
    [ "${TARE_HAVE_PRELOAD:-}" != 0 ] || skip "built without libtare-functions.so"
    [ -z "${TARE_SANITIZER:-}" ] || skip "a sanitizer takes calls for itself"
    command -v "$CC" >/dev/null || skip "no compiler '$CC'"
}

# program NAME FLAG...: a small one, three of whose functions are called 10, 20 and 40 times.
program() {
    local name=$1
    shift
    cat >"$name.c" <<'SOURCE'
#define APART __attribute__((noinline))
#define WORK(x) do { for (int i = 0; i < 9; i++) { x = x * 3 + 1; __asm__ volatile("" : "+r"(x)); } } while (0)
APART int leaf(int x) { WORK(x); return x; }
APART int tiny(int x) { __asm__ volatile("" : "+r"(x)); return x; }
APART int middle(int x) { int y = leaf(x) + leaf(x + 1) + tiny(x); WORK(y); return y; }
APART int outer(int x) { int y = middle(x) + middle(x + 1); WORK(y); return y; }
int main(int argc, char **argv) { (void)argv; int sum = 0; for (int i = 0; i < 10; i++) { sum += outer(i + argc); } return sum == 1; }
SOURCE
    "$CC" -O2 -g "$@" -o "$name" "$name.c"
}

@test "--functions times every function, and says how many" {
    needs_functions
    program traced -finstrument-functions
    run -0 --separate-stderr tare run --functions ./traced
    [ "$(calls traced::outer)" -eq 10 ]
    [ "$(calls traced::middle)" -eq 20 ]
    [ "$(calls traced::leaf)" -eq 40 ]
    [ "$(calls traced::main)" -eq 1 ]
    [ -z "$(calls traced::tiny)" ]
    expect output "$output" "*note: 4 of 5 functions of 'traced' are timed (-finstrument-functions); left out: 1 below 16 bytes of code*"
    run -0 --separate-stderr tare run --functions --format json ./traced
    expect output "$output" '*"name": "leaf"*"file": "*traced.c"*"line": 3*'
}

@test "--functions=GLOB chooses, ! leaves out, a name is kept however small" {
    needs_functions
    program traced -finstrument-functions
    run -0 --separate-stderr tare run --functions='*,!mid*,!traced::main' --functions=tiny ./traced
    [ "$(calls traced::outer)" -eq 10 ]
    [ "$(calls traced::leaf)" -eq 40 ]
    [ "$(calls traced::tiny)" -eq 20 ]
    [ -z "$(calls traced::middle)$(calls traced::main)" ]
    run -0 --separate-stderr tare run --functions-min-size 0 --functions='!leaf' ./traced
    [ "$(calls traced::tiny)" -eq 20 ]
    [ -z "$(calls traced::leaf)" ]
    run -0 --separate-stderr tare run --functions --only 'traced::leaf' ./traced
    [ "$(calls traced::leaf)" -eq 40 ]
    [ -z "$(calls traced::middle)" ]
}

@test "--functions with -pg leaves no gmon.out, and times as often" {
    needs_functions
    [ "$(uname -m)" = x86_64 ] || skip "-pg is understood on x86-64 alone"
    program profiled -pg
    run -0 --separate-stderr tare run --functions ./profiled
    [ "$(calls profiled::leaf)" -eq 40 ]
    [ ! -e gmon.out ]
}

@test "--functions with room for calls: too little is said" {
    needs_functions
    [ "$(uname -m)" = x86_64 ] || skip "-fpatchable-function-entry is understood on x86-64 alone"
    program roomy -fpatchable-function-entry=5 || skip "'$CC' knows no -fpatchable-function-entry"
    run -0 --separate-stderr tare run --functions ./roomy
    [ "$(calls roomy::leaf)" -eq 40 ]
    program narrow -fpatchable-function-entry=2
    run -0 --separate-stderr tare run --functions --format json ./narrow
    expect output "$output" "*functions have less room than the 5 bytes that a call takes, and are not timed: build with -fpatchable-function-entry=5*"
}

@test "--functions and a program without calls at its functions: said before it runs" {
    needs_functions
    run -125 --separate-stderr tare run --functions plain
    [ -z "$output" ]
    expect stderr "$stderr" "tare: '*plain' has no calls at its functions: build it with -finstrument-functions or -pg (see 'tare flags --functions')"
}

@test "--functions that leave nothing, and what else can be wrong: one line" {
    needs_functions
    program traced -finstrument-functions
    run -125 --separate-stderr tare run --functions=nothing ./traced
    expect stderr "$stderr" "tare: no function of './traced' is left to be timed: 5 were not asked for, 0 are smaller than 16 bytes (--functions-min-size)"
    run -125 --separate-stderr tare run --functions= ./traced
    expect stderr "$stderr" "tare: --functions= needs a pattern"
    run -125 --separate-stderr tare run --functions-in missing ./traced
    expect stderr "$stderr" "tare: cannot open 'missing': No such file or directory"
    run -125 --separate-stderr tare run --functions-min-size x ./traced
    expect stderr "$stderr" "tare: 'x' is not a number from 0 to 1000000000 for --functions-min-size"
    TARE_TIMERS=many run -125 --separate-stderr tare run --functions ./traced
    expect stderr "$stderr" "tare: 'many' is not a number from 2 to * for TARE_TIMERS"
    strip traced
    run -125 --separate-stderr tare run --functions ./traced
    expect stderr "$stderr" "tare: './traced' has no symbols, so its functions are not known: do not strip it"
}

@test "--functions: small functions that call others are timed, others are named" {
    needs_functions
    cat >callers.c <<'SOURCE'
#define APART __attribute__((noinline))
APART int leaf(int x) { for (int i = 0; i < 99; i++) { x = x * 3 + 1; __asm__ volatile("" : "+r"(x)); } return x + x * 7 + x / 77; }
APART int adds(int x) { return leaf(x) + 1; }
APART int passes(int x) { return leaf(x); }
APART int through(int (*f)(int), int x) { return f(x) + 1; }
APART int tiny(int x) { __asm__ volatile("" : "+r"(x)); return x; }
APART int driver(int x) { int s = 0; for (int i = 0; i < 10; i++) s += adds(x) + passes(x) + through(leaf, x) + tiny(x); return s; }
int main(int c, char **v) { (void)v; return driver(c) == 1; }
SOURCE
    flags=(-finstrument-functions)
    [ "$(uname -m)" != x86_64 ] || flags+=(-pg '-pg -mfentry' -fpatchable-function-entry=5 '-pg -fno-pie -no-pie')
    for flag in "${flags[@]}"; do
        # shellcheck disable=SC2086
        "$CC" -O2 $flag -o callers callers.c || continue
        run -0 --separate-stderr tare run --functions ./callers
        for name in adds passes through; do
            [ "$(calls callers::$name)" -eq 10 ] || fail "$flag: $name" "$output"
        done
        [ -z "$(calls callers::tiny)" ] || fail "$flag: tiny" "$output"
        expect "$flag" "$output" "*left out: * below 16 bytes of code without calls (*tiny*; see --functions-min-size)*"
    done
}

@test "--functions: a mistyped name gets the near one" {
    needs_functions
    program traced -finstrument-functions
    run -125 --separate-stderr tare run --functions=midle ./traced
    expect stderr "$stderr" "tare: no function of './traced' is left to be timed: *; did you mean 'middle'?"
    run -125 --separate-stderr tare run --functions=traced::outr ./traced
    expect stderr "$stderr" "tare: no function of './traced' is left to be timed: *; did you mean 'traced::outer'?"
    run -0 --separate-stderr tare run --functions='outer,!midle' ./traced
    expect stderr "$stderr" "tare: warning: no function is named 'midle': did you mean 'middle'?"
    run -0 --separate-stderr tare run --functions=outer,leaf ./traced
    [ -z "$stderr" ]
}

@test "--functions: functions of one name are counted as the one timer that they are" {
    needs_functions
    cat >one.c <<'SOURCE'
#define WORK(x) do { for (int i = 0; i < 9; i++) { x = x * 3 + 1; __asm__ volatile("" : "+r"(x)); } } while (0)
__attribute__((noinline)) int spin(int x) { WORK(x); WORK(x); return x; }
__attribute__((noinline)) int again(int x) __asm__("spin.constprop.0");
__attribute__((noinline)) int again(int x) { WORK(x); WORK(x); return x + 1; }
int main(int c, char **v) { (void)v; return spin(c) + again(c) == 1; }
SOURCE
    "$CC" -O2 -finstrument-functions -o one one.c
    run -0 --separate-stderr tare run --functions='sp*' ./one
    [ "$(calls one::spin)" -eq 2 ]
    expect output "$output" "*note: 1 of 2 functions of 'one' are timed *"
}

@test "--functions-in: what a script starts" {
    needs_functions
    program traced -finstrument-functions
    printf '#!/bin/sh\n./traced\n./traced\n' >script
    chmod +x script
    run -0 --separate-stderr tare run --functions-in traced ./script
    [ "$(calls traced::leaf)" -eq 80 ]
    run -125 --separate-stderr tare run --functions ./script
    expect stderr "$stderr" "tare: './script' is no ELF program: name what it starts with --functions-in FILE"
    run -125 --separate-stderr tare run --functions-in "$(command -v plain)" ./script
    expect stderr "$stderr" "tare: '*plain' was not built with calls at its functions: *"
}

@test "--functions where they do not fit: the largest, and a note" {
    needs_functions
    program traced -finstrument-functions
    TARE_TIMERS=6 run -0 --separate-stderr tare run --functions --functions-min-size 0 ./traced
    expect output "$output" "*note: 2 more functions, of * bytes and less, did not fit: the largest are timed; choose with --functions=GLOB, or set TARE_TIMERS higher*"
}

@test "--functions beside --libc, --exclusive and --repeat" {
    needs_functions
    program traced -finstrument-functions
    run -0 --separate-stderr tare run --functions --libc --repeat 3 ./traced
    [ "$(calls traced::leaf)" -eq 120 ]
    run -0 --separate-stderr tare run --functions=leaf,outer --exclusive ./traced
    [ "$(calls traced::outer)" -eq 10 ]
    expect output "$output" "*note: in an exclusive pass the other functions' calls of the hooks remain*"
}

@test "a program that ends in a timed function passes its exit code through" {
    needs_functions
    cat >ends.c <<'SOURCE'
#include <stdlib.h>
__attribute__((noinline)) void leaves(int code) { exit(code); }
int main(void) { leaves(7); return 0; }
SOURCE
    "$CC" -O2 -finstrument-functions -o ends ends.c
    run -7 --separate-stderr tare run --functions --functions-min-size 0 ./ends
}
