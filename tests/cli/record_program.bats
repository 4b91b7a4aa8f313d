#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# tare record -- PROGRAM: from its start to its end.

load common
load record_helpers

# names_of FILE: the processes, and whether they live.
names_of() {
    capture_of "$1" '" ".join(sorted(p["name"] for p in c["processes"]))'
}

# last FILE PROCESS INSTRUMENT COLUMN: the last value, summed up over the processes and instruments of these names.
last() {
    capture_of "$1" "sum(x['values'][-1] for p in c['processes'] if p['name'] == '$2' for i in p['instruments']
        if i['name'] == '$3' for x in i['series']['columns'] if x['name'] == '$4')"
}

@test "a program is recorded until it ends, and nothing of what it counted is lost" {
    seq 1000 >lines
    tare record --interval 0.02 -o cap.json -- scenes lines <lines >lines.out
    tare run -o run.json -- scenes lines <lines >run.out
    cmp lines.out run.out
    python - <<'PYTHON'
import json
calls = {t["name"]: t["figures"]["calls"] for t in json.load(open("run.json"))["timers"]}
process, = json.load(open("cap.json"))["capture"]["processes"]
assert not process["alive"]
seen = {i["name"]: [c["values"] for c in i["series"]["columns"] if c["name"] == "calls"][0][-1] for i in process["instruments"]}
assert {name: seen[name] for name in calls} == calls and max(calls.values()) > 0, (seen, calls)
PYTHON
    [ "$(capture_of cap.json 'r["notes"]' 'r["incomplete"]')" = "['the program ended with exit code 0']
False" ]
    run -0 tare report cap.json
    expect output "$output" "*: scenes, which has ended*note: the program ended with exit code 0*"
    python -c 'import jsonschema' 2>/dev/null || skip "no python3-jsonschema"
    python "$here/check_result.py" schema "$source_dir/docs/result.schema.json" cap.json
}

@test "programs without instruments are recorded with --libc: the same counts as tare run has" {
    needs_preload
    not_with_sanitizer "its runtime has to come first among the libraries"
    command -v sqlite3 >/dev/null || skip "no sqlite3"
    local query='create table t(x); insert into t values(1),(2),(3); select sum(x) from t'
    mkdir folder && seq 1000 >folder/file
    local -a program
    for program in "sqlite3 :memory: '$query'" "tar cf out.tar folder"; do
        eval "set -- $program"
        tare record --libc --interval 0.01 -o cap.json -- "$@" >record.out
        tare run --libc -o run.json -- "$@" >run.out
        cmp record.out run.out
        [ "$(names_of cap.json)" = "$1" ]
        local name
        for name in malloc write; do
            [ "$(last cap.json "$1" "$name" calls)" = "$(python -c 'import json, sys
print(sum(t["figures"]["calls"] for t in json.load(open("run.json"))["timers"] if t["name"] == sys.argv[1]))' "$name")" ]
        done
        [ "$(last cap.json "$1" malloc calls)" -gt 0 ]
    done
}

@test "what takes the time is told as tare run tells it, and what of it was measuring" {
    needs_preload
    not_with_sanitizer "its runtime has to come first among the libraries"
    command -v sqlite3 >/dev/null || skip "no sqlite3"
    local query="with recursive c(i) as (select 1 union all select i+1 from c where i<100000) select count(printf('%d',i)) from c"
    tare record --libc --interval 0.02 -o cap.json -- sqlite3 :memory: "$query" >out 2>err
    tare run --libc -o run.json -- sqlite3 :memory: "$query" >out
    # The same calls, and of this many and short ones measuring takes a lot.
    python - <<'PYTHON'
import json
run, cap = json.load(open("run.json")), json.load(open("cap.json"))
assert cap["command"] == run["command"] and cap["command"][0] == "sqlite3", cap["command"]
assert 0.1 < cap["measuring_share"] <= 1 and abs(cap["measuring_ns"] / cap["cpu_ns"] - cap["measuring_share"]) < 1e-9, cap["measuring_share"]
process, = cap["capture"]["processes"]
mine = {i["name"]: {c["name"]: c["values"][-1] for c in i["series"]["columns"]} for i in process["instruments"]}
assert abs(sum(i["measuring_ns"] for i in mine.values()) - cap["measuring_ns"]) < 1
for timer in run["timers"]:
    figures, columns = timer["figures"], mine[timer["name"]]
    assert columns["calls"] == figures["calls"] and columns["outermost_calls"] == figures["outermost_calls"], timer["name"]
    if figures["calls"] != 0:
        assert columns["net_total_ns"] is not None and columns["total_net_p50_ns"] is not None, columns
PYTHON
    expect stderr "$(cat err)" "tare: warning: measuring took * % of this run: libc::*; leave * out with --enable '*'"
    run -0 tare report cap.json
    expect output "$output" "*timer *calls *net *p50 *p99 *net total *busy*libc::malloc * %*instrument *first *last *libc::malloc *"
    expect output "$output" "*measuring took * % of this run: * processor time*"
    # The order is that of the total, or what was asked for.
    tare report cap.json --sort=-calls | awk '/^timer/ {on = 1; next} on && NF == 0 {exit} on {print $(NF - 6)}' >calls
    [ "$(wc -l <calls)" -gt 3 ]
    sort -n calls | cmp - calls
    run -2 --separate-stderr tare report cap.json --sort within
    expect stderr "$stderr" "tare: the timers of a capture cannot be sorted by 'within': by name, calls, *"
    # Little is said in a line, without a warning; the table says it itself.
    run -0 --separate-stderr tare record -o few.json -- scenes lines <<<"one"
    expect stderr "$stderr" "tare: measuring took ?.? % of this run: * of * processor time"
    run -0 --separate-stderr tare record -- scenes lines <<<"one"
    [ -z "$stderr" ]
    expect output "$output" "*measuring took ?.? % of this run: * of * processor time*"
}

@test "one that ends at once is recorded, each time" {
    needs_preload
    not_with_sanitizer "its runtime has to come first among the libraries"
    local i
    for i in {1..10}; do
        tare record --libc -o "cap$i.json" -- true
        [ "$(names_of "cap$i.json")" = true ]
    done
}

@test "what it starts, and what it becomes by exec, is recorded, too" {
    needs_preload
    not_with_sanitizer "its runtime has to come first among the libraries"
    run -3 tare record --libc --interval 0.02 -o cap.json -- sh -c 'seq 3 | sort -r; (exec seq 4); exit 3'
    [ "$(names_of cap.json | tr ' ' '\n' | grep -c '^seq$')" -eq 2 ]
    [[ " $(names_of cap.json) " == *" sort "* ]]
    tare record --libc --interval 0.02 -o exec.json -- env X=1 sh -c 'exec seq 5'
    [[ " $(names_of exec.json) " == *" seq "* ]]
    [ "$(capture_of exec.json 'any(p["alive"] for p in c["processes"])')" = False ]
    [ "$(capture_of exec.json 'len({p["pid"] for p in c["processes"]})')" = 1 ]
}

@test "its input, output and exit code are its own" {
    needs_preload
    not_with_sanitizer "its runtime has to come first among the libraries"
    run -7 --separate-stderr tare record --libc -o cap.json -- sh -c 'cat; exit 7' <<<"through"
    [ "$output" = through ]
    [ "$(capture_of cap.json 'r["notes"]')" = "['the program ended with exit code 7']" ]
    run -127 tare record -- nothing-is-called-so
    run -126 tare record -- /etc/passwd
}

@test "a program without instruments is said to have none, in a line, and nothing is written" {
    run -125 --separate-stderr tare record -o cap.json -- true
    expect stderr "$stderr" "tare: 'true' has no instruments: it does not use libtare; 'tare record --libc' times its calls of libc"
    [ ! -e cap.json ]
    run -3 --separate-stderr tare record -o cap.json -- sh -c 'exit 3'
    [ "$(wc -l <<<"$stderr")" -eq 1 ]
    [ ! -e cap.json ]
    run -125 --separate-stderr tare record --enable 'nothing::*' -o cap.json -- scenes exit
    expect stderr "$stderr" "tare: no instrument matches 'nothing::*': without --enable, all are recorded"
    [ ! -e cap.json ]
    # Nor when the time is up before it ends.
    run -125 --separate-stderr tare record --enable 'nothing::*' --for 0.1 --interval 0.05 --timeout 1 -o cap.json -- scenes sleep
    expect stderr "$stderr" "tare: no instrument matches 'nothing::*': without --enable, all are recorded"
    [ ! -e cap.json ]
    # Where it cannot be written is said before the program runs.
    run -2 --separate-stderr tare record -o missing/cap.json -- touch ran
    [ ! -e ran ]
}

@test "killed, it ends the capture, which says so" {
    tare record --interval 0.05 -o cap.json -- telemetry >out 2>err 3>&- &
    local recorder=$!
    started+=("$recorder")
    await grep -q ready out
    local child
    child=$(pgrep -P "$recorder" telemetry)
    kill -KILL "$child"
    local code=0
    wait "$recorder" || code=$?
    [ "$code" -eq 137 ]
    expect stderr "$(cat err)" "tare: 'telemetry' was killed by signal 9 (Killed): what was recorded until then follows*"
    [ "$(capture_of cap.json 'r["notes"]' 'c["processes"][0]["alive"]')" = "['the program was killed by signal 9 (Killed)']
False" ]
    run -0 tare report cap.json
    expect output "$output" "*note: the program was killed by signal 9 (Killed)*"
}

@test "a signal is passed on, and the capture is written whole" {
    tare record --for 60 --interval 0.05 -o cap.json -- telemetry >out 3>&- &
    local recorder=$!
    started+=("$recorder")
    await grep -q ready out
    kill -TERM "$recorder" # which the program heeds by ending well
    wait "$recorder"
    [ "$(capture_of cap.json 'r["incomplete"]' 'len(c["at_ns"]) > 0' 'v("view", "frames")[-1] > 0')" = "True
True
True" ]
    tare record --interval 0.05 -o int.json -- scenes sleep >later 3>&- &
    recorder=$!
    started+=("$recorder")
    await grep -q ready later
    kill -TERM "$recorder"
    local code=0
    wait "$recorder" || code=$?
    [ "$code" -eq 143 ]
    [ "$(capture_of int.json 'r["notes"]')" = "['the program was killed by signal 15 (Terminated)']" ]
}

@test "killed by SIGKILL, tare leaves what was there, and nothing half-written" {
    echo old >cap.json
    tare record --interval 0.05 -o cap.json -- telemetry >out 3>&- &
    local recorder=$!
    await grep -q ready out
    local child
    child=$(pgrep -P "$recorder" telemetry)
    started+=("$child")
    kill -KILL "$recorder"
    wait "$recorder" || true
    [ "$(cat cap.json)" = old ]
    [ "$(ls -A)" = "cap.json
out" ]
    kill -0 "$child" # it runs on
}

@test "where there is no room for it, the old file stays, and a line says so" {
    run -125 --separate-stderr tare record --format json -o /dev/full -- scenes exit
    expect stderr "$stderr" "tare: cannot write '/dev/full': No space left on device"
    mkdir small
    unshare -m mount -t tmpfs none small 2>/dev/null || skip "nothing can be mounted here"
    # shellcheck disable=SC2016
    run -0 --separate-stderr unshare -m sh -c 'mount -t tmpfs -o size=4k none small && echo old >small/cap.json
tare record -o small/cap.json -- scenes exit 2>err
echo "$? $(cat small/cap.json) $(ls -A small)"'
    [ "$output" = "125 old cap.json" ]
    expect stderr "$(cat err)" "tare: cannot write 'small/cap.json': No space left on device"
    [ "$(wc -l <err)" -eq 1 ]
}

@test "when the time is up, the capture is there, and the program runs on" {
    tare record --for 0.2 --interval 0.1 -o cap.json -- telemetry >out 3>&- &
    local recorder=$!
    started+=("$recorder")
    await test -s cap.json
    [ "$(capture_of cap.json 'r["notes"]' 'c["processes"][0]["alive"]' 'len(c["at_ns"]) + c["samples_missed"]')" = "['the program ran on']
True
3" ]
    kill -0 "$(pgrep -P "$recorder" telemetry)"
    kill -TERM "$recorder"
    wait "$recorder"
    run -124 tare record --timeout 0.3 -o late.json -- scenes sleep
    [ "$(capture_of late.json 'r["notes"]')" = "['the program was ended after 0.3 s']" ]
}

@test "options of programs are not for processes that run" {
    refuse "--libc is for a program that is started: tare record --libc ... -- PROGRAM" --libc 1
    refuse "--pin is for a program that is started: *" 1 --pin 0
    refuse "one process or name at a time: *" 1 -- true
    refuse "no process given: *" --libc
    run -2 --separate-stderr tare record --clock sundial -- true
    expect stderr "$stderr" "tare: unknown clock 'sundial': one of tsc-ordered, tsc, clock"
}

@test "only what --enable names counts, from the start" {
    tare record --enable 'scenes::line' --interval 0.05 -o cap.json -- scenes lines <<<"one" >out
    [ "$(last cap.json scenes line calls)" -gt 0 ]
    [ "$(last cap.json scenes outer_step calls)" -eq 0 ]
}

@test "many in trouble are one line and a count, and what they counted is there once they have ended" {
    # shellcheck disable=SC2016
    (ulimit -n 32 && exec tare record --interval 0.05 -o cap.json -- sh -c '
        trap "kill \$all; wait; exit 0" TERM
        for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31 32 33 34 35 36 37 38 39 40; do
            scenes sleep & all="$all $!"
        done
        wait') >out 2>err 3>&- &
    local recorder=$!
    started+=("$recorder")
    await grep -q "Too many open files" err
    await has_lines 40 out
    sleep 0.5
    kill -TERM "$recorder"
    wait "$recorder"
    local said
    said=$(grep -v "^tare: measuring took" err)
    [ "$(wc -l <<<"$said")" -eq 2 ] || fail "$said"
    expect "the errors" "$said" "tare: warning: cannot read the page of process *: Too many open files
tare: warning: * more processes could not be read at times"
    [ "$(capture_of cap.json 'r["notes"]' 'len(c["processes"])')" = "['the program ended with exit code 0']
40" ]
}

has_lines() {
    [ "$(grep -c ready "$2")" -eq "$1" ]
}

@test "processes that are not in the capture are counted in it, and said to be missing" {
    # Who finds no page leaves nothing but a count; a page that says nonsense is here one of a process that has ended.
    cat >spoil.py <<'PYTHON'
import os, struct, subprocess, sys
name = os.environ["TARE_PAGE"].removeprefix("set:")
ended = subprocess.Popen(["true"])
ended.wait()
with open(name, "r+b", buffering=0) as pages:
    first, stride, most, following = struct.unpack("<4Q", os.pread(pages.fileno(), 32, 16))
    if sys.argv[1] == "nonsense":
        page = bytearray(4096)
        struct.pack_into("<I", page, 28, 1)
        struct.pack_into("<I", page, 192, ended.pid)
        struct.pack_into("<Q", page, 2496, os.stat("/proc/self/ns/pid").st_ino)
        os.pwrite(pages.fileno(), page, first + following * stride)
        os.pwrite(pages.fileno(), struct.pack("<Q", following + 1), 40)
    else:
        os.pwrite(pages.fileno(), struct.pack("<Q", most + 3), 40)
PYTHON
    run -0 --separate-stderr tare record -o cap.json -- sh -c 'scenes exit; python3 spoil.py nonsense'
    expect stderr "$stderr" "*tare: warning: 1 process could not be read, and is not in this capture: *"
    [ "$(grep -v "measuring took" <<<"$stderr" | wc -l)" -eq 1 ]
    [ "$(capture_of cap.json '[n.partition(": ")[0] for n in r["notes"]]' 'len(c["processes"])')" = "['the program ended with exit code 0', '1 process could not be read, and is not in this capture']
1" ]
    run -0 --separate-stderr tare record -o cap.json -- sh -c 'scenes exit; python3 spoil.py lost'
    local lost="3 processes found none of the 65536 pages free, and are not in this capture"
    [ "$(grep -v "measuring took" <<<"$stderr")" = "tare: warning: $lost" ]
    [ "$(capture_of cap.json 'r["notes"]')" = "['the program ended with exit code 0', '$lost']" ]
    run -0 tare report cap.json
    expect output "$output" "*note: $lost*"
}

# has_reaped PID: it has no child, or none any more.
has_reaped() {
    ! pgrep -P "$1"
}

# lets_end PID: its program has ended, and SIGTERM, 15, is not held back any more: while it waits for signals, the
# kernel shows them as not blocked.
lets_end() {
    local mask
    has_reaped "$1" || return
    mask=$(awk '$1 == "SigBlk:" { print $2 }' "/proc/$1/status")
    ((!(16#$mask >> 14 & 1)))
}

@test "a reader that never comes is not waited for against a signal" {
    mkfifo pipe
    tare record --format json -o pipe -- telemetry >out 3>&- &
    local recorder=$! code=0
    started+=("$recorder")
    await grep -q ready out
    kill -TERM "$recorder" # the program's, which ends by it
    await lets_end "$recorder"
    kill -TERM "$recorder"
    wait "$recorder" || code=$?
    [ "$code" -eq 143 ]
}

# writes PID: in a thread of its own, which the name tells from those of a sanitizer.
writes() {
    grep -q '^tare-write$' "/proc/$1/task/"*/comm
}

@test "while a slow reader is waited for, signals are passed on, and the time limit is heeded" {
    mkfifo pipe
    tare record --for 0.2 --interval 0.1 --format json -o pipe -- telemetry >out 3>&- &
    local recorder=$! code=0
    started+=("$recorder")
    await grep -q ready out
    await writes "$recorder"
    kill -TERM "$recorder"
    await has_reaped "$recorder"
    cat pipe >cap.json
    wait "$recorder"
    [ "$(capture_of cap.json 'r["notes"]' 'r["incomplete"]')" = "['the program ran on']
False" ]
    tare record --for 0.1 --interval 0.05 --timeout 1 --format json -o pipe -- scenes sleep >out 3>&- &
    recorder=$!
    started+=("$recorder")
    await writes "$recorder"
    await has_reaped "$recorder"
    cat pipe >cap.json
    wait "$recorder" || code=$?
    [ "$code" -eq 124 ]
    [ "$(capture_of cap.json 'r["notes"]')" = "['the program ran on']" ]
}
