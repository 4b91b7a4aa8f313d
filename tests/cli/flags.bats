#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# tare flags: what is printed can be given to the compiler and to the build systems, and does what it says.

load common

# a_program: prog.c, of two functions that call others, and the Makefile and CMakeLists.txt to build it.
a_program() {
    cat >prog.c <<'END'
#include <stdio.h>
__attribute__((noinline)) int inner(int n) { return printf("%d\n", n); }
__attribute__((noinline)) int outer(int n) { return inner(n + 1); }
int main(int argc, char **argv) { (void)argv; return outer(argc) < 0; }
END
    printf 'prog: prog.c\n\t$(CC) $(CFLAGS) $(LDFLAGS) -o $@ prog.c\n' >Makefile
    printf 'cmake_minimum_required(VERSION 3.20)\nproject(p C)\nadd_executable(prog prog.c)\n' >CMakeLists.txt
}

disassembly() {
    objdump -d --no-show-raw-insn --disassemble="$2" "$1"
}

@test "fast by default, for C" {
    run -0 tare flags
    expect output "$output" "-O3 -march=native -mtune=native -g1 -fvisibility=hidden"
}

@test "instrumented adds frame pointers, and callers stay on the stack" {
    command -v objdump >/dev/null || skip "no objdump"
    a_program
    for compiler in gcc clang; do
        command -v $compiler >/dev/null || continue
        # shellcheck disable=SC2046
        $compiler $(tare flags --compiler $compiler) -o fast prog.c
        # shellcheck disable=SC2046
        $compiler $(tare flags --profile instrumented --compiler $compiler) -o instrumented prog.c
        run -0 disassembly fast outer
        expect "$compiler: a sibling call" "$output" "*jmp*<inner>*"
        run -0 disassembly instrumented outer
        expect "$compiler: a call, in a frame" "$output" "*push*%rbp*call*<inner>*"
    done
}

@test "each profile, language and compiler builds a program that runs" {
    a_program
    cp prog.c prog.cc
    for profile in fast instrumented portable lto; do
        for compiler in gcc:c:prog.c clang:c:prog.c g++:c++:prog.cc clang++:c++:prog.cc; do
            IFS=: read -r cc language source <<<"$compiler"
            command -v "$cc" >/dev/null || continue
            [ $profile/${cc%++} != lto/clang ] || command -v ld.lld >/dev/null || continue
            family=clang
            [ "${cc#g}" = "$cc" ] || family=gcc
            # shellcheck disable=SC2046
            "$cc" $(tare flags --profile $profile --lang "$language" --compiler $family) -o prog "$source" || fail "$profile with $cc"
            [ "$(./prog)" = 2 ] || fail "$profile with $cc does not run"
        done
    done
}

@test "guided by a run: gcc" {
    command -v gcc >/dev/null || skip "no gcc"
    a_program
    # shellcheck disable=SC2046
    gcc $(tare flags --profile pgo-generate) -o prog prog.c
    ./prog
    # shellcheck disable=SC2046
    run -0 gcc $(tare flags --profile pgo-use) -Wmissing-profile -Werror -o prog prog.c
    [ "$(./prog)" = 2 ]
}

@test "for make and CMake" {
    a_program
    eval make -s "$(tare flags --profile instrumented --for make)"
    [ "$(./prog)" = 2 ]
    command -v cmake >/dev/null || skip "no cmake"
    eval cmake -B built "$(tare flags --profile instrumented --for cmake)" >/dev/null
    cmake --build built >/dev/null
    [ "$(built/prog)" = 2 ]
    grep -qxF "CMAKE_C_FLAGS:STRING=$(tare flags --profile instrumented)" built/CMakeCache.txt
}

@test "for Meson" {
    command -v meson >/dev/null && command -v ninja >/dev/null || skip "no meson, or no ninja"
    a_program
    printf "project('p', 'c')\nexecutable('prog', 'prog.c')\n" >meson.build
    eval meson setup built "$(tare flags --profile instrumented --for meson)" >/dev/null
    ninja -C built >/dev/null
    [ "$(built/prog)" = 2 ]
    grep -q -- -fno-omit-frame-pointer built/compile_commands.json
}

@test "for Cargo" {
    run -0 tare flags --lang rust --profile instrumented --for cargo
    expect output "$output" "CARGO_PROFILE_RELEASE_OPT_LEVEL=3 CARGO_PROFILE_RELEASE_DEBUG=line-tables-only RUSTFLAGS='-C target-cpu=native -C force-frame-pointers=yes'"
    command -v cargo >/dev/null && cargo --version >/dev/null 2>&1 || skip "no cargo"
    mkdir src
    printf '[package]\nname = "prog"\nversion = "0.1.0"\nedition = "2018"\n' >Cargo.toml
    printf 'fn main() { println!("2"); }\n' >src/main.rs
    eval env "$output" cargo build -q --release --offline
    [ "$(target/release/prog)" = 2 ]
}

@test "functions for tare run" {
    run -0 tare flags --functions
    expect output "$output" "* -finstrument-functions"
    run -0 tare flags --functions=instrument
    expect output "$output" "* -finstrument-functions"
    run -0 tare flags --functions=patchable
    expect output "$output" "* -fpatchable-function-entry=5"
    run -0 tare flags --functions=pg --for make
    expect output "$output" "CFLAGS='* -pg' LDFLAGS='-pg'"
    run -2 tare flags --functions=patchabel
    expect output "$output" "tare: unknown way to mark functions 'patchabel': did you mean 'patchable'?"
    run -2 tare flags --functions=x
    expect output "$output" "tare: unknown way to mark functions 'x': one of instrument, pg, patchable"
    run -2 tare flags --functions --lang rust
    expect output "$output" "tare: rustc has no flag for --functions: *"
}

@test "the list has each profile, and each is known" {
    run -0 tare flags --list
    [ "${#lines[@]}" -ge 6 ]
    for line in "${lines[@]}"; do
        run -0 tare flags --profile "${line%% *}"
        [ "${#lines[@]}" -eq 1 ]
    done
}

@test "what does not go together, and what is unknown" {
    run -2 tare flags --profile fats
    expect output "$output" "tare: unknown profile 'fats': did you mean 'fast'?"
    run -2 tare flags --for cargo
    expect output "$output" "tare: cargo builds Rust: give --lang rust with it"
    run -2 tare flags --lang rust --for make
    expect output "$output" "tare: Rust is built by cargo: not by 'make'"
    run -2 tare flags --lang rust --compiler clang
    expect output "$output" "tare: --compiler is for c and c++: *"
    run -2 tare flags fast
    expect output "$output" "tare: 'fast' is one word too many: *"
}

@test "our own presets are made of it" {
    run -0 tare info
    profile=$(sed -n 's/^build *\([a-z]*\),.*/\1/p' <<<"$output")
    [ "$profile" = fast ] || skip "this build is '$profile'"
    expect output "$output" "*flags     $(tare flags --profile portable)"$'\n'"*"
}
