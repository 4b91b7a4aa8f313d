#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# `tare suite`, as its users see it. What the suites' programs do is tested in tests/behaviour/suite_*.sh.

load common

fits_schema() {
    python "$here/check_result.py" schema "$source_dir/docs/result.schema.json" "$@"
}

quickly=(--time 0.02 --no-counts --no-lock)

@test "suites and their benchmarks are listed, with what they do" {
    run -0 tare suite --list
    for suite in os syscalls ffi; do
        expect "$suite" "$output" "*$suite  *"
    done
    run -0 tare suite os --list
    expect os "$output" "*Calls: *call_getppid *syscall(SYS_getppid)*"
    run -0 tare suite os --list --filter 'pipe*'
    [[ $output != *call_getppid* ]]
    run -0 tare suite os --list --quick
    quick=${#lines[@]}
    run -0 tare suite os --list
    [ "$quick" -lt "${#lines[@]}" ]
}

@test "wrong words: one line, the nearest one, exit code 2" {
    run -2 tare suite
    expect none "$output" "tare: which suite? *"
    run -2 tare suite oss
    expect near "$output" "*no suite 'oss': did you mean 'os'?"
    run -2 tare suite os ffi
    expect two "$output" "*'ffi' is one too many"
    run -2 tare suite ffi --sides ctype
    expect side "$output" "*no side 'ctype'*"
    run -2 tare suite os --filter call_getppidd
    expect filter "$output" "*no benchmark of the suite 'os'*did you mean 'call_getppid'?"
    run -2 tare suite os --format pprof
    expect format "$output" "*one of table, json, csv, markdown, svg, html"
    run -2 tare suite os --budget missing.ini
    expect budget "$output" "*cannot open 'missing.ini': No such file or directory"
    run -2 tare suite os --time nine
    run -2 tare suite os -o missing/r.json
    for line in "${lines[@]}"; do [[ $line == tare:* ]] || fail "$line"; done
}

@test "a benchmark is measured, and its result is one of tare bench with a part for the suite" {
    run -0 tare suite os --filter 'call_getppid,call_getpid' "${quickly[@]}" --budget none -o r.json
    expect table "$output" "Suite os*clocksource: *2 of * benchmarks: about * s*Calls*median*call_getppid * ns*2 measured, 0 skipped, 0 failed*"
    fits_schema r.json
    python -c 'import json
r = json.load(open("r.json"))
s = r["suite"]
assert r["kind"] == "bench" and s["name"] == "os" and not s["quick"], s
assert [i["benchmark"] for i in s["items"]] == [b["name"] for b in r["bench"]["benchmarks"]], s["items"]
assert all(i["group"] == "Calls" and i["about"] for i in s["items"])
assert {f["name"] for f in s["facts"]} >= {"mitigations", "clocksource", "quota", "file system"}
for b in r["bench"]["benchmarks"]:
    assert b["contamination"]["rounds"] >= 10, b["contamination"] # of which some may have been dropped
    timer = b["arms"][0]["timers"][0]
    assert timer["module"] == "os" and 0.99 < timer["calls"] < 1.01 and timer["net_p99_ns"] is not None, timer
'
    for format in table csv markdown svg html json; do
        run -0 tare report --format $format r.json
        [[ ${output//\\/} == *call_getppid* ]] || fail "$format" "$output"
    done
    tare report --format svg r.json | python -c 'import sys, xml.dom.minidom; xml.dom.minidom.parse(sys.stdin)'
    tare suite os --filter call_getppid "${quickly[@]}" --budget none -o later.json >/dev/null
    run -0 tare compare --fail-on nothing r.json later.json
    run -0 tare history add --db h.db r.json
}

@test "the suite's own budget is judged, one that is given instead, or none" {
    run -0 tare suite os --filter call_getppid "${quickly[@]}"
    expect own "$output" "*Budget*pass *call_getppid.median*of the budget's * metrics were not measured*"
    printf '[call_getppid.median]\nat-most = 0.001 ns\n' >b.ini
    run -1 tare suite os --filter call_getppid "${quickly[@]}" --budget b.ini
    expect given "$output" "*Budget*fail *call_getppid.median*"
    run -0 tare suite os --filter call_getppid "${quickly[@]}" --budget none
    [[ $output != *Budget* ]]
}

@test "every suite has a budget of its own, with ratios and what follows" {
    [ -x "$build_dir/libexec/tare/suites/ffi/c" ] || skip "the suite ffi was left out of the build"
    # Whether it is kept to is no matter here: others may use the machine.
    run tare suite ffi --sides c-plt,ctypes --filter add_i32 "${quickly[@]}" -o r.json
    [ "$status" -le 1 ]
    [[ $output != *p99\ of\ one* ]] || fail "$output" # of what has none
    expect ratio "$output" "*Budget*add_i32.c-plt.ratio *4 *8*of the budget's * metrics were not measured*"
    for line in "${lines[@]}"; do [ "${#line}" -le 80 ] || fail "$line"; done
    printf '[add_i32.c-plt.crossing]\nat-least = -1 s\n' >b.ini
    run -0 tare check r.json --budget b.ini
    expect crossing "$output" "*pass*add_i32.c-plt.crossing*"
    run -0 tare suite ffi --sides c-plt --filter add_i32 "${quickly[@]}" --budget b.ini
    expect given "$output" "*Budget*pass *add_i32.c-plt.crossing*"
}

@test "a side beside itself in another build: both columns and the difference, without budget and hypotheses" {
    [ -x "$build_dir/libexec/tare/suites/ffi/c" ] || skip "the suite ffi was left out of the build"
    mkdir -p two/libexec/tare
    ln -s "$build_dir/libexec/tare/suites" two/libexec/tare/suites
    run -0 tare suite ffi --sides c-plt --against two/ --filter 'noop,add_i32' "${quickly[@]}" -o r.json
    expect columns "$output" "*c-plt *± *c-plt@two *± *ratio*add_i32 * ns * ns * x*4 measured, 0 skipped, 0 failed*"
    [[ $output != *Hypotheses* && $output != *Budget* ]] || fail "$output"
    fits_schema r.json
    python -c 'import json
r = json.load(open("r.json"))
assert [s["label"] for s in r["suite"]["sides"]] == ["c-plt", "c-plt@two"], r["suite"]["sides"]
for one in r["bench"]["benchmarks"]:
    assert {"c-plt", "c-plt@two"} <= {arm["label"] for arm in one["arms"]} and len(one["comparisons"]) == 1, one
'
    run -2 tare suite ffi --against two --filter noop
    expect unnamed "$output" "tare: --against compares one side: name it with --sides"
    run -2 tare suite ffi --sides c-plt --against nowhere --filter noop "${quickly[@]}"
    expect nowhere "$output" "tare: *c-plt@nowhere*"
}

@test "dual-suite.sh: each side that is there beside its twin, the others named" {
    [ -x "$build_dir/libexec/tare/suites/ffi/c" ] || skip "the suite ffi was left out of the build"
    mkdir two few
    ln -s "$build_dir/libexec" two/libexec
    ln -s "$(command -v grep)" few/grep # and no node, no luajit
    run -0 env PATH="$PWD/few" "$source_dir/scripts/dual-suite.sh" "$build_dir" two --filter return_int "${quickly[@]}"
    for side in c c-plt c-noplt c-dlopen; do
        expect "$side" "$output" "*$side: C, *$side@two: C, *return_int *2 measured, 0 skipped, 0 failed*"
    done
    for side in n-api luajit; do
        expect "$side" "$output" "*skipped: $side: *"
    done
    run -1 "$source_dir/scripts/dual-suite.sh" "$build_dir"
    expect usage "$output" "*usage: scripts/dual-suite.sh FAST-BUILD INSTRUMENTED-BUILD*"
}

@test "what it made for itself is gone when it is over" {
    mkdir files
    export TARE_SUITE_DIR=$PWD/files
    run tare suite os --filter file_list/10 "${quickly[@]}" --budget none
    [ "$status" -eq 0 ] || fail "$output"
    expect facts "$output" "*file system: *, of *files*"
    [ -z "$(ls -A files)" ]
}

@test "Ctrl-C: what was measured is shown and written, and nothing is left" {
    mkdir files
    export TARE_SUITE_DIR=$PWD/files
    env --default-signal=INT tare suite os --filter 'call_getppid,file_list' --no-lock --time 30 --no-counts -o r.json >said 2>&1 3>&- &
    pid=$!
    started+=("$pid")
    await grep -q '^call_getppid' said
    kill -INT "$pid"
    code=0
    wait "$pid" || code=$?
    [ "$code" -eq 130 ]
    expect said "$(cat said)" "*call_getppid*interrupted: the rest was not measured*"
    [ "$(python -c 'import json; r = json.load(open("r.json")); print(r["incomplete"], r["bench"]["benchmarks"][0]["name"])')" = "True call_getppid" ]
    [ -z "$(ls -A files)" ]
}

@test "a side that is not there is skipped, and what to install is said" {
    [ -x "$build_dir/libexec/tare/suites/ffi/c" ] || skip "the suite ffi was left out of the build"
    mkdir empty
    run -0 env PATH="$build_dir/bin:$PWD/empty" "$build_dir/bin/tare" suite ffi --sides luajit,c-plt --filter return_int "${quickly[@]}" -o r.json
    expect skipped "$output" "*luajit: *; skipped: *install luajit*return_int*1 side skipped*"
    fits_schema r.json
}

@test "several sides: ratios, and what follows" {
    [ -x "$build_dir/libexec/tare/suites/ffi/c" ] || skip "the suite ffi was left out of the build"
    run -0 tare suite ffi --sides c-plt,c-dlopen --filter 'noop,add_i32' "${quickly[@]}" --budget none -o r.json
    expect matrix "$output" "*Net time of a call*c-dlopen*add_i32 * x*Hypotheses*unresolved*not measured*"
    fits_schema r.json
    run -0 tare report r.json --format markdown
    expect markdown "$output" "*| call | c | c-plt | c-dlopen |*"
}

@test "80 columns, and no terminal: no line is longer, none ends in blanks" {
    run -0 tare suite os --filter 'call_getppid,pipe_throughput_same/64' "${quickly[@]}" --full
    for line in "${lines[@]}"; do
        [ "${#line}" -le 80 ] || fail "$line"
        [[ $line != *' ' ]] || fail "'$line'"
    done
}

@test "results on other file systems are not compared as if they were alike" {
    kind=$(stat -f -c %T .)
    other=/dev/shm
    [ -w "$other" ] && [ "$(stat -f -c %T "$other")" != "$kind" ] || skip "no second kind of file system to write to"
    mkdir files
    # What is measured is no matter: where files would be made is part of every result of this suite.
    TARE_SUITE_DIR=$PWD/files tare suite os --filter call_getppid "${quickly[@]}" --budget none -o one.json >/dev/null
    TARE_SUITE_DIR=$PWD/files tare suite os --filter call_getppid "${quickly[@]}" --budget none -o again.json >/dev/null
    TARE_SUITE_DIR=$other tare suite os --filter call_getppid "${quickly[@]}" --budget none -o two.json >/dev/null
    fits_schema one.json two.json
    python -c 'import json
one, again, two = (json.load(open(name + ".json"))["fingerprint"] for name in ("one", "again", "two"))
assert one == again
assert one["hash"] != two["hash"] and one["parts"]["settings"] != two["parts"]["settings"], two
assert "file_system=tmpfs" in two["parts"]["settings"] and "quota=" in two["parts"]["settings"], two
'
    run -2 tare compare one.json two.json
    expect refused "$output" "*not measured alike*settings*file_system=*file_system=tmpfs*"
    run -0 tare compare --fail-on nothing one.json again.json
}

@test "what makes no files has no file system in its result" {
    [ -x "$build_dir/libexec/tare/suites/ffi/c" ] || skip "the suite ffi was left out of the build"
    tare suite ffi --sides c-plt --filter return_int "${quickly[@]}" -o r.json >/dev/null
    python -c 'import json
r = json.load(open("r.json"))
assert "file_system" not in r["fingerprint"]["parts"]["settings"]
assert "file system" not in [f["name"] for f in r["suite"]["facts"]]
'
}

@test "how long it takes is said on standard error where the table is not shown" {
    run -0 --separate-stderr tare suite os --filter 'call_getppid,call_getpid' "${quickly[@]}" --budget none --format json
    expect length "$stderr" "tare: suite os: 2 of * benchmarks: about * s"
    python -c 'import json, sys; json.load(sys.stdin)' <<<"$output"
}

@test "p99 stands beside every median, also below it; notes are shown" {
    tare suite os --filter 'pipe_throughput_same/64,call_write_null' "${quickly[@]}" --budget none -o r.json >/dev/null
    # Of another time, as both are known to come.
    python -c 'import json
r = json.load(open("r.json"))
for one in r["bench"]["benchmarks"]:
    for timer in one["arms"][0]["timers"]:
        timer["net_p99_ns"] = one["arms"][0]["summary"]["median_ns"] / 2
r["notes"] = ["something was left out"]
json.dump(r, open("below.json", "w"))
'
    tare report --format csv below.json | python -c 'import csv, sys
rows = [row for row in csv.DictReader(sys.stdin) if row["kind"] == "benchmark"]
assert len(rows) == 2 and all(0 < float(row["p99_ns"]) < float(row["value"]) for row in rows), rows
'
    run -0 tare report below.json
    expect note "$output" "*note: something was left out*"
    [[ $(grep '^call_write_null' <<<"$output") =~ ^call_write_null\ +[0-9.]+\ ns\ +[0-9.-]+(\ %)?\ +[0-9.]+\ ns ]] || fail "$output"
}
