#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# tare record, and what tare report makes of captures.

load common
load record_helpers

@test "a capture has every instrument, and exactly what was counted" {
    start instruments 1000
    tare record "$pid" --for 0.3 --interval 0.1 -o cap.json
    [ "$(capture_of cap.json 'r["kind"]' 'len(c["at_ns"])' 'c["samples_missed"] + len(c["at_ns"])' 'v("beats", "total")[-1]' \
        'i("beats")["help"]' 'v("sizes", "count")[-1]' 'v("work", "calls")[-1]' 'v("depth", "value")[-1]' \
        'v("never_known", "value")[-1]' 'i("mode")["names"]' 'v("view", "frames")[-1]' \
        'sum(k["weight"] for k in i("keys")["keys"])' 'len(c["processes"][0]["threads"])' | tail -n +4)" = "1000
Beats of the loop.
1000
1000
9.0
None
['idle', 'busy']
1000
3000
1" ]
    [ "$(capture_of cap.json 'r["kind"]')" = capture ]
    # Late ticks are counted as missed: with them there are four.
    [ "$(capture_of cap.json 'c["samples_missed"] + len(c["at_ns"])')" -eq 4 ]
}

@test "a capture is as the schema says" {
    start instruments
    tare record "$pid" --for 0.2 --interval 0.05 -o cap.json
    python -c 'import jsonschema' 2>/dev/null || skip "no python3-jsonschema"
    python "$here/check_result.py" schema "$source_dir/docs/result.schema.json" cap.json
}

@test "it is shown again in every format" {
    start instruments 1000
    tare record "$pid" --for 0.2 --interval 0.1 -o cap.json
    run -0 tare report cap.json
    expect output "$output" "* samples over *, one every 0.1 s; *pid $pid: instruments*panel::work *1000 *panel.beats *1000 *"
    expect output "$output" "*panel.mode: idle *"
    [[ $output != *panel.nothing* ]]
    expect output "$output" "*panel.sizes: p50 *panel.sizes: p99 *"
    run -0 tare report cap.json --format markdown
    expect output "$output" "*| panel.beats | 1000 | 1000 |*"
    tare report cap.json -o cap.csv
    grep -q "^0,$pid,instruments,counter,panel.beats,,total,,1000$" cap.csv
    grep -q "^0,$pid,instruments,counter,panel.io.bytes,direction=in,total,bytes,100000$" cap.csv
    # JSON again is the same document.
    tare report cap.json --format json >again.json
    cmp cap.json again.json
}

@test "a table keeps to the width, and values have their units" {
    start instruments 1000
    tare record "$pid" --for 0.2 --interval 0.1 -o cap.json
    tare report cap.json --all >table
    [ "$(LC_ALL=C.UTF-8 wc -L <table)" -le 97 ]
    run -0 cat table
    expect output "$output" "*panel.io.bytes{direction=in} *100000 B *"
}

@test "a name that says no format gets what can be read again" {
    start instruments 10
    tare record "$pid" --for 0.1 --interval 0.1 -o cap.foo
    [ "$(capture_of cap.foo 'r["kind"]')" = capture ]
    run -0 tare record "$pid" --for 0.1 --interval 0.1
    expect output "$output" "* samples over *pid $pid: instruments*"
}

@test "a trace has spans, counters and names, and keeps to the format's rules" {
    start telemetry
    tare record "$pid" --for 0.5 --interval 0.1 -o cap.json
    tare report cap.json -o cap.trace.json
    tare report cap.json --format chrome-trace >again.json
    cmp cap.trace.json again.json
    run -0 python "$here/check_trace.py" cap.trace.json X C M
    [ "${lines[0]}" -gt 0 ] && [ "${lines[1]}" -gt 0 ] && [ "${lines[2]}" -gt 2 ]
    [ "$(capture_of cap.json 'len(i("view")["frames"])')" -eq "$(grep -c '"name":"\(slow \)\?frame [0-9]*"' cap.trace.json)" ]
    # At once, too.
    tare record "$pid" --for 0.1 --interval 0.05 -o direct.trace.json
    python "$here/check_trace.py" direct.trace.json
}

@test "spans of states are what the threads were in" {
    start states log.txt
    tare record "$pid" --for 3 --interval 0.25 -o cap.json
    kill "$pid"
    wait "$pid"
    tare report cap.json -o cap.trace.json
    run -0 python "$here/check_trace.py" cap.trace.json --states log.txt idle busy blocked
    # Of each: spans of one state, those with a known end, those of several, ms without any.
    expect threads "$output" $'fast * * * *\npairs * * * 0.0\nslow * * * 0.0\nstill 1 0 0 0.0'
    local name one known several rest
    while read -r name one known several rest; do
        case $name in
        fast) [ "$several" -ge 1 ] && [ "$one" -ge 1 ] ;;
        slow | pairs) [ "$known" -ge 1 ] ;;
        esac || fail "of $name there are $one, $known and $several spans"
    done <<<"$output"
    # The tracks are the threads', by their names.
    grep -q '"tid":[0-9]*,"name":"thread_name","args":{"name":"slow"}' cap.trace.json
    ! grep -q '"tid":1[0-9]*,"name":"thread_name","args":{"name":"slow' <(grep '"tid":1[0-9]\{9\}' cap.trace.json)
}

@test "a trace says when a value was unknown" {
    start unknowns
    kill -USR1 "$pid"
    tare record "$pid" --for 4 --interval 0.1 -o cap.trace.json 3>&- &
    local recorder=$!
    started+=("$recorder")
    until_recording "$recorder"
    sleep 1.5
    kill -USR2 "$pid"
    wait "$recorder"
    python "$here/check_trace.py" cap.trace.json
    grep -q '"name":"thread_name","args":{"name":"doubt.level is unknown"}' cap.trace.json
    [ "$(grep -c '"ph":"X".*"name":"doubt.level is unknown","ts":0.000,' cap.trace.json)" -eq 1 ]
    [ "$(grep -c '"ph":"X".*"name":"doubt.count is unknown","ts":0.000,' cap.trace.json)" -eq 1 ]
    ! grep '"ph":"X".*doubt.steady is unknown' cap.trace.json || fail 'that one never was'
}

@test "a process is recorded by the name that it was started by, or by that of its program" {
    ln -s "$(command -v instruments)" panel-of-mine
    PATH=$PWD:$PATH start panel-of-mine
    for name in panel-of-mine 'panel-of*' instruments; do
        tare record "$name" --for 0.1 --interval 0.1 -o cap.json
        [ "$(capture_of cap.json '[p["pid"] for p in c["processes"] if p["name"] == "panel-of-mine"] == ['"$pid"']')" = True ]
    done
    [ "$(in_ps "$pid" name)" = panel-of-mine ]
}

@test "frames are kept one by one, with their parts" {
    start telemetry
    tare record "$pid" --for 0.5 --interval 0.1 -o cap.json
    capture_of cap.json '[f["number"] for f in i("view")["frames"]] == sorted({f["number"] for f in i("view")["frames"]}) or 1/0' \
        'all(f["ns"] > 0 and abs(f["parts_ns"][0] - 1e6) < 1e3 and f["parts_ns"][1] is None for f in i("view")["frames"]) or 1/0' \
        'v("view", "frames")[-1] - v("view", "frames")[0] >= len(i("view")["frames"]) + i("view")["frames_missed"] - 1 or 1/0'
}

@test "by a name, and all of that name" {
    start instruments
    start instruments
    tare record 'instr*' --for 0.2 --interval 0.1 -o cap.json
    [ "$(capture_of cap.json 'len(c["processes"])')" -ge 2 ]
}

@test "the process's end keeps what is there" {
    start telemetry
    tare record "$pid" --interval 0.05 -o cap.json 3>&- &
    local recorder=$! recorded=$pid
    started+=("$recorder")
    until_recording "$recorder"
    kill "$recorded"
    wait "$recorder"
    [ "$(capture_of cap.json 'c["processes"][0]["alive"]' 'r["incomplete"]' 'r["notes"]')" = "False
False
['the process ended meanwhile']" ]
    run -0 tare report cap.json
    expect output "$output" "*pid $recorded: telemetry, which has ended*note: the process ended meanwhile*"
}

@test "Ctrl-C keeps what is there" {
    start instruments
    tare record "$pid" --for 60 -o cap.json 3>&- &
    local recorder=$!
    started+=("$recorder")
    until_recording "$recorder"
    kill -INT "$recorder"
    wait "$recorder"
    [ "$(capture_of cap.json 'r["incomplete"]' 'len(c["at_ns"]) > 0')" = "True
True" ]
}

@test "a capture is bounded, and what is dropped is counted" {
    start instruments
    tare record "$pid" --for 1 --interval 0.05 --max-samples 3 -o cap.json
    [ "$(capture_of cap.json 'len(c["at_ns"])' 'c["samples_dropped"] + c["samples_missed"]')" = "3
18" ]
    run -0 tare report cap.json
    expect output "$output" "3 samples over * dropped*"
    # Without an end, there is one then.
    tare record "$pid" --interval 0.05 --max-samples 3 -o cap.json
    [ "$(capture_of cap.json 'len(c["at_ns"])' 'c["samples_dropped"]')" = "3
0" ]
}

@test "--enable switches on for as long as it is recorded" {
    start scenes spin
    has_enabled "$pid" 0
    tare record "$pid" --enable 'scenes::*' --for 0.5 --interval 0.1 -o cap.json
    [ "$(capture_of cap.json 'v("step", "calls")[-1] > v("step", "calls")[0]')" = True ]
    has_enabled "$pid" 0
    refuse "no instrument matches 'nothing::*': *" "$pid" --enable 'nothing::*' --for 0.1
    has_enabled "$pid" 0
}

@test "what cannot be recorded is said in a line, and nothing is written" {
    start scenes sleep
    refuse "no process given: *"
    refuse "one process or name at a time: *" 1 2
    refuse "no process 4194303: 'tare ps' lists those that have a page" 4194303 -o cap.json
    refuse "no process 'nobody-has-this-name' has a page: *" nobody-has-this-name -o cap.json
    refuse "'0' is no number from 0.01 to 3600 for --interval" "$pid" --interval 0
    refuse "'x' is not a number of seconds above 0 for --for" "$pid" --for x
    refuse "a capture has no format 'svg': use json, chrome, table, csv or markdown" "$pid" --format svg
    refuse "a capture has no format 'xml': use json, chrome, table, csv or markdown" "$pid" --format xml
    refuse "a capture has no such format: *" "$pid" -o cap.svg
    refuse "cannot create 'missing/cap.json': No such file or directory" "$pid" -o missing/cap.json
    sleep 60 3>&- &
    local other=$!
    started+=("$other")
    refuse "process $other has no page *" "$other" -o cap.json
    [ ! -e cap.json ]
}

@test "damaged captures are refused, options that are not theirs too" {
    start instruments 10
    tare record "$pid" --for 0.1 --interval 0.1 -o cap.json
    head -c 5000 cap.json >cut.json
    run -2 --separate-stderr tare report cut.json
    expect stderr "$stderr" "tare: cannot read 'cut.json': result is cut short in line *"
    sed 's/"capture": {/"capture": null, "other": {/' cap.json >without.json
    run -2 --separate-stderr tare report without.json
    expect stderr "$stderr" "tare: cannot read 'without.json': not a whole result: 'capture' is missing"
    run -2 --separate-stderr tare report cap.json --columns name
    expect stderr "$stderr" "tare: --columns is not for captures"
    run -2 --separate-stderr tare report cap.json --callers main
    expect stderr "$stderr" "tare: --callers is for profiles, and this is a result of kind 'capture'"
    run -2 --separate-stderr tare report cap.json -o cap.svg
    expect stderr "$stderr" "tare: 'svg' is a format of profiles, and this is a capture: use table, json, csv, markdown or chrome (.trace.json)"
    tare report cap.json -o cap.trace.json
    run -2 --separate-stderr tare report cap.trace.json
    expect stderr "$stderr" "tare: cannot read 'cap.trace.json': not a result, but a trace that tare wrote, for ui.perfetto.dev: *"
    run -2 --separate-stderr tare report cap.json --format pprof
    expect stderr "$stderr" "tare: 'pprof' is a format of profiles, and this is a capture: *"
}
