#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# tare list: what a program and its libraries declare, without running it.

load common

@test "each timer with its place and its object" {
    run -0 tare list scenes
    [ "${#lines[@]}" -eq 4 ]
    expect output "$output" "*scenes::step *tests/cli/programs/scenes.c:*(*scenes)*"
    line=$(grep -n 'TARE_TIMER(step)' "$source_dir/tests/cli/programs/scenes.c" | cut -d: -f1)
    grep -q "^scenes::step .*/scenes.c:$line  " <<<"$output"
}

@test "the program is not run" {
    cp "$build_dir/tests/programs/scenes" .
    chmod -x scenes
    run -0 --separate-stderr tare list ./scenes
    [ "${#lines[@]}" -eq 4 ]
}

@test "timers of libraries are listed, and a library alone" {
    run -0 tare list syscall-path
    expect output "$output" "*fdtables::close_virtualfd *fdtables.c:*(libfdtables.so)*"
    run -0 tare list "$build_dir/lib/libfdtables.so"
    expect output "$output" "*fdtables::close_virtualfd *"
}

@test "what tare run --all shows, tare list lists" {
    for program in scenes hello nested threads span; do
        listed=$(tare list "$program" | cut -d' ' -f1 | sort)
        tare run --all -o ran.csv "$program" exit 0
        ran=$(tail -n +2 ran.csv | sed 's/,/::/; s/,.*//' | sort)
        [ "$listed" = "$ran" ] || fail "$program: '$listed' listed, '$ran' ran"
    done
}

@test "JSON" {
    run -0 --separate-stderr tare list --format json syscall-path
    python - "$output" <<'END'
import json, sys
document = json.loads(sys.argv[1])
assert document["schema"] == "tare-list" and document["schema_version"] == 1, document
timers = {timer["module"] + "::" + timer["name"]: timer for timer in document["timers"]}
assert timers["fdtables::close_virtualfd"]["object"] == "libfdtables.so", timers
assert timers["fdtables::close_virtualfd"]["line"] > 0, timers
counted = sum(item["timers"] for item in document["objects"])
assert counted == len(timers), (counted, len(timers))
END
}

@test "other instruments are listed with their kinds" {
    run -0 --separate-stderr tare list instruments
    [ "${#lines[@]}" -eq 10 ]
    expect "the timer" "${lines[0]}" "panel::work  *  timer  *instruments.c:*"
    expect output "$output" "*panel.io.bytes{direction=in} *counter  */instruments.c:*"
    expect output "$output" "*panel.io.bytes{direction=out}  counter  *"
    expect output "$output" "*panel.keys  *  topk  *"
    expect output "$output" "*panel.view  *  frames  *"
    run -0 --separate-stderr tare list --format json instruments
    python - "$output" <<'END'
import json, sys
document = json.loads(sys.argv[1])
assert [timer["name"] for timer in document["timers"]] == ["work"], document
others = {(other["name"], other["labels"]): other for other in document["instruments"]}
assert len(others) == 9, others
bytes_in = others["io.bytes", "direction=in"]
assert bytes_in["kind"] == "counter" and bytes_in["unit"] == "bytes" and bytes_in["help"] == "Bytes moved.", bytes_in
depth = others["depth", None]
assert depth["kind"] == "gauge" and depth["unit"] is None and depth["line"] > 0, depth
assert sum(item["instruments"] for item in document["objects"]) == 9, document["objects"]
END
}

@test "a library that is not found is named, and the rest is listed" {
    cp "$build_dir/bin/syscall-path" . # its libraries are looked for beside it
    run -0 --separate-stderr env -u LD_LIBRARY_PATH tare list ./syscall-path
    expect stderr "$stderr" "*tare: warning: library 'libfdtables.so' was not found: its timers are missing here*"
    expect output "$output" "*lind_boot::*"
}

@test "a program that was cut anywhere gives one line of error" {
    program=$build_dir/tests/programs/scenes
    size=$(stat -c %s "$program")
    for length in 0 3 10 63 64 200 1000 $((size / 2)) $((size - 1)); do
        head -c "$length" "$program" >cut
        run -2 tare list ./cut
        [ "${#lines[@]}" -eq 1 ] || fail "cut to $length bytes" "$output"
        expect "cut to $length bytes" "$output" "tare: './cut' *"
    done
}

@test "names that were not meant well do no harm" {
    run -0 tare list odd_names
    [ "${#lines[@]}" -eq 6 ]
    [ -z "$(tr -d '\n -\377' <<<"$output")" ]
    expect output "$output" "*odd::user\\u202Etxt.exe *"
    [ "$(LC_ALL=C tare list odd_names | LC_ALL=C grep -c '[^ -~]')" -eq 0 ]
    tare list --format json odd_names | python -c 'import json, sys; assert len(json.load(sys.stdin)["timers"]) == 6'
}

@test "output that cannot be written: a message and a code" {
    for format in table json; do
        run -2 bash -c "tare list --format $format scenes 2>&1 >/dev/full"
        expect output "${lines[0]}" "tare: cannot write *"
        run -2 bash -c "tare list --format $format scenes 2>&1 >&-"
        expect output "${lines[0]}" "tare: cannot write *"
    done
}
