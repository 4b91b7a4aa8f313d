#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# tare report: a profile in the forms that other viewers open. What is in them is tests/unit/test_profile_exports.c,
# what viewers make of them tests/web/.

load common

# A profile that every tare can read.
stacks() {
    printf '%s\n' 'main;work;inner 30' 'main;work 10' 'main;idle 2' >stacks.folded
}

needs_zlib() {
    tare info | grep -q '^zlib  *[0-9]' || skip "built without zlib"
}

@test "folded stacks come out as they went in, sorted" {
    stacks
    run -0 --separate-stderr tare report stacks.folded --format folded
    expect output "$output" $'main;idle 2\nmain;work 10\nmain;work;inner 30'
    expect stderr "$stderr" ''
}

@test "the format follows the end of the file's name" {
    stacks
    for suffix in folded speedscope.json firefox.json trace.json chrome.json; do
        run -0 tare report stacks.folded -o "out.$suffix"
    done
    grep -qx 'main;work 10' out.folded
    grep -q 'speedscope.app/file-format-schema' out.speedscope.json
    grep -q '"preprocessedProfileVersion":60' out.firefox.json
    grep -q '"traceEvents":' out.trace.json
    cmp out.trace.json out.chrome.json
    for file in out.*.json; do
        python -c 'import json, sys; json.load(open(sys.argv[1]))' "$file"
    done
    # .json alone stays tare's own, which can be shown again.
    run -0 tare report stacks.folded -o own.json
    run -0 tare report own.json --format folded
    expect output "$output" $'main;idle 2\nmain;work 10\nmain;work;inner 30'
}

@test "pprof is a gzip file" {
    needs_zlib
    stacks
    run -0 tare report stacks.folded -o out.pb.gz
    gzip -t out.pb.gz
    tare report stacks.folded --format pprof >other
    cmp out.pb.gz other
    gzip -dc out.pb.gz | grep -aq inner
}

@test "without zlib, pprof is refused before anything is written" {
    tare info | grep -q '^zlib  *not built in' || skip "built with zlib"
    stacks
    run -2 --separate-stderr tare report stacks.folded -o out.pb.gz
    expect stderr "$stderr" "tare: no format 'pprof': this tare was built without zlib (zlib1g-dev)"
    [ ! -e out.pb.gz ]
}

@test "a result that is no profile is refused with a line" {
    run -0 tare run -o run.json -- nested
    for format in folded pprof speedscope firefox chrome; do
        [ "$format" != pprof ] || tare info | grep -q '^zlib  *[0-9]' || continue
        run -2 --separate-stderr tare report run.json --format "$format"
        expect stderr "$stderr" "tare: '$format' is a format of profiles, and this is a run: use table, json, csv or markdown"
    done
    run -2 --separate-stderr tare report run.json -o run.speedscope.json
    expect stderr "$stderr" "tare: 'speedscope' is a format of profiles, and this is a run: *"
    [ ! -e run.speedscope.json ]
}

@test "commands without profiles do not offer these formats" {
    run -125 --separate-stderr tare run --format pprof -- nested
    expect stderr "$stderr" "tare: unknown format 'pprof': one of table, json, csv, markdown"
    run -0 tare run --help
    [[ $output != *pprof* ]]
    run -0 tare report --help
    [[ $output == *pprof* ]]
}

@test "a near miss of a format is named" {
    stacks
    run -2 --separate-stderr tare report stacks.folded --format speedscoop
    expect stderr "$stderr" "tare: unknown format 'speedscoop': did you mean 'speedscope'?"
}

@test "what chooses rows of a table is refused: these formats hold the whole profile" {
    stacks
    run -2 --separate-stderr tare report stacks.folded --top 1 --format folded
    expect stderr "$stderr" "tare: --top is for tables: the format that was asked for holds the whole profile"
}

@test "a file that cannot be written leaves the old one" {
    [ -w /dev/full ] || skip "no /dev/full"
    stacks
    run -2 --separate-stderr tare report stacks.folded --format speedscope -o /dev/full
    expect stderr "$stderr" "tare: cannot write '/dev/full': No space left on device"
    for i in {1..2000}; do echo "main;a_function_with_a_long_name_$i 1"; done >many.folded
    echo old >out.folded
    run -2 --separate-stderr bash -c 'ulimit -f 8; exec tare report many.folded -o out.folded'
    expect stderr "$stderr" "tare: cannot write 'out.folded': File too large"
    [ "$(cat out.folded)" = old ]
}
