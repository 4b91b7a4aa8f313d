#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# What `tare run` makes of a tree of processes: the counts of all of them, exactly, however many come and go, at the
# same time or one after the other; the memory of those that have ended is given back while others run; who runs on is
# shown as running; the time limit ends all of them; and a process that becomes another program counts as both.
# shellcheck disable=SC2154 # what helpers/script.bash sets
source "$(dirname "$0")/helpers/script.bash"
needs tare "$helpers/load"
have_python || skip_all "no python3 to read results with"
PATH=$bin:$helpers:$PATH
cd "$scratch" || exit 1

# Blocks of 512 bytes that the set of the running tare occupies.
set_blocks() {
    local fd
    for fd in "/proc/$1/fd"/*; do
        if [[ $(readlink "$fd") == "/memfd:tare-set (deleted)" ]]; then
            stat -L -c %b "$fd"
            return
        fi
    done
    return 1
}

blocks_at_most() {
    [ "$(set_blocks "$1")" -le "$2" ]
}

begin_case "300 short processes, four at a time: exact, and their memory is given back meanwhile"
cat >many.sh <<'END'
load count 5 ready live await leave &
for batch in 1 2 3; do
    for i in $(seq 25); do
        load count 7 & a=$!
        load count 8 & b=$!
        load count 9 & c=$!
        load count 10
        wait $a $b $c # not -n, which passes over those that ended before
    done
    : >done.$batch
    while [ ! -e go.$batch ]; do sleep 0.005; done
done
: >leave
wait
END
tare run --format json -o many.json bash many.sh 2>many.err &
tare=$!
started+=("$tare")
eventually test -e live
one_page=$(set_blocks "$tare") # and the little that there is before the first page
check "a page takes memory" test "$one_page" -gt 16
for batch in 1 2 3; do
    eventually test -e "done.$batch"
    eventually blocks_at_most "$tare" "$one_page"
    : >"go.$batch"
done
wait "$tare"
equal "exit code" $? 0
equal "errors" "$(<many.err)" ""
equal "calls" "$(of_result many.json 'timers["load::work"]["calls"], scopes("load::work")')" "(2555, 2555)"
equal "processes" "$(of_result many.json 'len(processes), len({p["pid"] for p in processes}), result["lost"]["processes"]')" "(301, 301, 0)"
equal "ends" "$(of_result many.json '{p["end"] for p in processes}')" "{'unknown'}" # they were no children of tare's

begin_case "a pipeline: both sides"
tare run --format json -o pipe.json sh -c 'load count 100 print x | load count 2000' 2>err
equal "exit code" $? 0
equal "calls" "$(of_result pipe.json 'timers["load::work"]["calls"], len(processes)')" "(2100, 2)"

begin_case "children made by fork: all of them"
tare run --format json -o forks.json load count 3 forks 50 2>err
equal "exit code" $? 0
equal "calls" "$(of_result forks.json 'timers["load::work"]["calls"], timers["load::child"]["calls"], len(processes)')" \
    "(3, 500, 51)"

begin_case "a daemon left behind is shown as running, and runs on"
tare run --format json -o daemon.json load count 3 leave "$scratch/enough" 2>err
equal "exit code" $? 0
daemon=$(of_result daemon.json '[p["pid"] for p in processes if p["end"] == "running"][0]')
started+=("$daemon")
equal "calls" "$(of_result daemon.json 'timers["load::work"]["calls"], timers["load::daemon_work"]["calls"]')" "(3, 10)"
equal "ends" "$(of_result daemon.json 'sorted((p["end"], p["code"] is None) for p in processes)')" \
    "[('exited', False), ('running', True)]"
check "the daemon" kill -0 "$daemon"
tare run --per-process load leave "$scratch/enough" >table 2>err
check "the table says so" grep -q '/load, running$' table
: >enough
eventually has_ended "$daemon"

begin_case "the time limit ends children, too"
cat >forever.sh <<'END'
load count 2 ready one endless & echo $! >one.pid
load count 2 ready two endless & echo $! >two.pid
wait
END
tare run --timeout 0.3 --format json -o forever.json bash forever.sh 2>err
equal "exit code" $? 124
for file in one.pid two.pid; do
    started+=("$(<$file)")
    check "end of a child" has_ended "$(<$file)"
done
check "what they had counted is there" test "$(of_result forever.json 'timers["load::work"]["calls"]')" -ge 4
equal "processes" "$(of_result forever.json 'len(processes)')" 2

begin_case "the time limit ends a child that ignores SIGTERM and whose parent has ended"
tare run --timeout 0.1 --format json -o stubborn.json sh -c 'load count 2 stubborn & echo $! >stubborn.pid; wait' 2>err
equal "exit code" $? 124
started+=("$(<stubborn.pid)")
check "its end" has_ended "$(<stubborn.pid)"
check "what it had counted is there" test "$(of_result stubborn.json 'timers["load::work"]["calls"]')" -ge 2
equal "ends" "$(of_result stubborn.json '[p["end"] for p in processes]')" "['unknown']"

begin_case "a process that becomes another program counts as both"
tare run --format json -o exec.json load count 3 exec count 40 exec count 500 exit 6 2>err
equal "exit code" $? 6
equal "calls" "$(of_result exec.json 'timers["load::work"]["calls"], len(processes), len({p["pid"] for p in processes})')" \
    "(543, 3, 1)"
tare run --format json -o exec.json sh -c 'load count 1; exec load count 3 forks 2 exec count 40' 2>err
equal "calls of a tree" "$(of_result exec.json 'timers["load::work"]["calls"], timers["load::child"]["calls"]')" "(44, 20)"

finish
