#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Where the executable lies in a build folder of CMake, Meson or Cargo, the other revision is configured as that one
# was, whatever the generator, and in the same place; the same sources make the same program.
# shellcheck disable=SC2154,SC2016 # what helpers/*.bash set; CMake has dollars of its own
source "$(dirname "$0")/helpers/script.bash"
source "$(dirname "$0")/helpers/project.bash"

# new_project FOLDER: two revisions, for CMake and Meson, of a program that prints 1 or 2, its options and flags.
new_project() {
    mkdir -p "$1/source"
    cd "$1" || exit 1
    git init -q .
    cat >source/main.c <<'END'
#include <stdio.h>
int number(void);
int main(void)
{
#ifdef NDEBUG
    printf("fast ");
#endif
    printf("%d %s %s\n", number(), OPTION, FLAG);
    return sizeof(__FILE__) == 1;
}
END
    echo 'int number(void) { return 1; }' >source/number.c
    cat >source/CMakeLists.txt <<'END'
cmake_minimum_required(VERSION 3.10)
project(example C)
set(OPTION "unset" CACHE STRING "an option")
option(SWITCH "another" OFF)
find_file(PREBUILT prebuilt.h PATHS ${CMAKE_CURRENT_SOURCE_DIR}/../built NO_DEFAULT_PATH)
configure_file(option.h.in option.h)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
add_library(number STATIC number.c)
add_executable(prog main.c)
target_include_directories(prog PRIVATE ${CMAKE_CURRENT_BINARY_DIR})
target_compile_options(prog PRIVATE -include option.h)
target_link_libraries(prog number)
add_executable(broken broken.c)
END
    echo '#error "is not to be built"' >source/broken.c
    printf '%s\n' '#define OPTION "@OPTION@"' '#cmakedefine SWITCH' '#ifdef SWITCH' '#include "@PREBUILT@"' '#endif' \
        >source/option.h.in
    printf '/build/\n/built/\n' >.gitignore
    git add .
    git commit -qm one
    echo 'int number(void) { return 2; }' >source/number.c
    git commit -qam two
    mkdir built
    echo '#define FLAG FLAG_OF_BUILD "!"' >built/prebuilt.h
}

# by_cmake NAME BUILD-FOLDER OPTION...
by_cmake() {
    local name=$1 folder=$2 before
    shift 2
    if ! { cmake -S source -B "$folder" -DCMAKE_C_COMPILER="$CC" -DSWITCH=ON \
        -DOPTION='x]=] ${y} \; $<1:z>' -DCMAKE_C_FLAGS="-I\"$PWD/built\" -DFLAG_OF_BUILD='\"f g\"'" "$@" &&
        cmake --build "$folder" --target prog --config Release; } >"$scratch/log" 2>&1; then
        fail "cannot be built here" "$(tail -n 20 "$scratch/log")"
        return
    fi
    local program
    program=$(find "$folder" -name prog -type f)
    before=$(find . "$folder" -path ./.git -prune -o -type f -printf '%p %i %T@\n' | sort)
    build_revision "$program" HEAD~1
    equal "$name: A prints" "$("$program")" 'fast 2 x]=] ${y} ; $<1:z> f g!'
    equal "$name: B prints" "$printed" 'fast 1 x]=] ${y} ; $<1:z> f g!' || cat "$scratch/err"
    matches "$name: it says how" "$(value notice)" "building *cmake --build *CMakeCache.txt' has it"
    equal "$name: what was there" \
        "$(find . "$folder" -path ./.git -prune -o -type f -printf '%p %i %T@\n' | sort)" "$before"
    nothing_left
    build_revision "$program" HEAD
    equal "$name: the same revision, in size" "$(size -A "$scratch/B" | tail -n +2)" \
        "$(size -A "$program" | tail -n +2)"
}

project="$scratch/it's a project of which the path is long enough"
new_project "$project"

begin_case "CMake"
if command -v cmake >/dev/null && command -v make >/dev/null; then
    by_cmake "make" build/with/make -G 'Unix Makefiles' -DCMAKE_BUILD_TYPE=Release
    if command -v ninja >/dev/null; then
        by_cmake "ninja" build/ninja -G Ninja -DCMAKE_BUILD_TYPE=Release
        by_cmake "several configurations" build/multi -G 'Ninja Multi-Config'
    else
        skip_case "no ninja: make alone"
    fi
    by_cmake "beside the work tree" "$scratch/beside" -G 'Unix Makefiles' -DCMAKE_BUILD_TYPE=Release
else
    skip_case "no cmake, or no make"
fi

begin_case "a build folder that was configured for other sources"
mkdir -p build/foreign "$scratch/elsewhere"
printf '#!/bin/sh\n' >build/foreign/prog
chmod +x build/foreign/prog
printf 'CMAKE_HOME_DIRECTORY:INTERNAL=%s\n' "$scratch/elsewhere" >build/foreign/CMakeCache.txt
revision worktree build/foreign/prog HEAD >"$scratch/out" 2>"$scratch/err"
equal "exit code" $? 1
matches "it says so" "$(head -n 1 "$scratch/err")" "error: 'build/foreign/prog' is not in a git repository*"
printf 'CMAKE_HOME_DIRECTORY:INTERNAL=%s\n' "$scratch/gone" >build/foreign/CMakeCache.txt
revision worktree build/foreign/prog HEAD >"$scratch/out" 2>"$scratch/err"
matches "sources that are gone" "$(head -n 1 "$scratch/err")" \
    "error: '*/build/foreign' was configured for the sources in *"
nothing_left

begin_case "Meson"
if command -v meson >/dev/null && command -v ninja >/dev/null; then
    cat >meson.build <<'END'
project('example', 'c')
executable('prog', 'source/main.c', 'source/number.c',
    c_args: ['-DOPTION="@0@"'.format(get_option('words')), '-DFLAG="-"'])
executable('broken', 'source/broken.c', build_by_default: false)
END
    echo "option('words', type: 'string', value: 'unset')" >meson_options.txt
    git add meson.build meson_options.txt
    git commit -qm meson
    echo 'int number(void) { return 3; }' >source/number.c
    git commit -qam three
    if meson setup build/meson . -Dbuildtype=release -Db_ndebug=if-release "-Dwords=it's set" >"$scratch/log" 2>&1 &&
        ninja -C build/meson >>"$scratch/log"; then
        build_revision build/meson/prog HEAD~1
        equal "A prints" "$(build/meson/prog)" "fast 3 it's set -"
        equal "B prints" "$printed" "fast 2 it's set -"
        nothing_left
    else
        fail "cannot be built here" "$(tail -n 20 "$scratch/log")"
    fi
else
    skip_case "no meson, or no ninja"
fi

begin_case "Cargo"
if command -v cargo >/dev/null && cargo --version >/dev/null 2>&1; then
    mkdir -p "$scratch/rust/src"
    cd "$scratch/rust" || exit 1
    git init -q .
    printf '[package]\nname = "prog"\nversion = "1.0.0"\nedition = "2018"\n' >Cargo.toml
    echo 'fn main() { println!("{} {}", 1, cfg!(debug_assertions)); }' >src/main.rs
    echo /target >.gitignore
    git add .
    git commit -qm one
    sed -i 's/1, /2, /' src/main.rs
    git commit -qam two
    if cargo build --offline --release >"$scratch/log" 2>&1; then
        build_revision target/release/prog HEAD~1
        equal "A prints" "$(target/release/prog)" "2 false"
        equal "B prints" "$printed" "1 false"
        CARGO_TARGET_DIR=$PWD/target build_revision target/release/prog HEAD~1
        equal "A prints, with one folder for all" "$(target/release/prog)" "2 false"
        equal "B prints, with one folder for all" "$printed" "1 false"
        nothing_left
    else
        skip_case "cargo cannot build here: $(tail -n 1 "$scratch/log")"
    fi
else
    skip_case "no cargo"
fi

finish
