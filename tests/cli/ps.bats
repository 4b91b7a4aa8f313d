#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# tare ps: which live processes have a page.

load common

# row PID: its line, without the blanks before it.
row() {
    tare ps | awk -v pid="$1" '$1 == pid { $1 = $1; print }'
}

@test "a process with its own page" {
    start env TARE_ENABLE='*' scenes sleep
    expect row "$(row "$pid")" "$pid 4 4 1 2 0 memory */tests/programs/scenes"
    expect heading "$(tare ps | head -n 1)" " *pid *timers *enabled *threads *calls *others *page *program"
}

@test "a process whose timers are not enabled" {
    start scenes sleep
    expect row "$(row "$pid")" "$pid 4 0 ? 0 0 memory */scenes"
}

@test "a process with a page in a file" {
    start env TARE_PAGE="$PWD/page" scenes sleep
    expect row "$(row "$pid")" "$pid 4 4 1 2 0 file */scenes"
}

@test "a process under tare run" {
    start tare run --only scenes::step scenes sleep
    program=$(pgrep -P "$pid" -x scenes)
    expect row "$(row "$program")" "$program 4 1 1 2 0 run */scenes"
    kill "$program"
}

@test "a program that tare run --libc measures" {
    not_with_sanitizer "it does not start behind another preloaded library"
    needs_preload
    start tare run --libc plain wait
    program=$(pgrep -P "$pid" -x plain)
    expect row "$(row "$program")" "$program * * 1 * 0 run */plain"
    kill "$program"
}

@test "instruments that are no timers are counted" {
    start instruments 5
    read -ra columns <<<"$(row "$pid")"
    [ "${columns[1]}" -eq 1 ]
    [ "${columns[4]}" -eq 5 ]
    [ "${columns[5]}" -eq 9 ]
}

@test "a process that has ended is gone" {
    start scenes sleep
    [ -n "$(row "$pid")" ]
    kill -KILL "$pid"
    wait "$pid" || true
    [ -z "$(row "$pid")" ]
}

@test "a process with TARE=off, or without libtare, has none" {
    start env TARE=off scenes sleep
    [ -z "$(row "$pid")" ]
    start plain wait
    [ -z "$(row "$pid")" ]
}

@test "JSON" {
    start env TARE_ENABLE='*' scenes sleep
    tare ps --format json | python -c '
import json, sys
rows = [row for row in json.load(sys.stdin) if row["pid"] == int(sys.argv[1])]
assert len(rows) == 1, rows
executable = rows[0].pop("executable")
assert executable.endswith("/scenes"), executable
assert rows[0] == {"pid": int(sys.argv[1]), "timers": 4, "enabled": 4, "threads": 1, "calls": 2, "others": 0,
                   "page": "memory", "name": "scenes"}, rows
' "$pid"
}

@test "output that cannot be written: a message and a code" {
    start scenes sleep
    for format in table json; do
        run -2 bash -c "tare ps --format $format 2>&1 >/dev/full"
        expect output "$output" "tare: cannot write to standard output: No space left on device"
    done
}
