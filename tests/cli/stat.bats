#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# tare stat: counters, resources, and the peak of the heap.

load common

# may_count EVENT: else the reason is shown, and the test is skipped.
may_count() {
    local reason
    reason=$(tare stat -e "$1" --format json -- true | python -c 'import json, sys
print(json.load(sys.stdin)["stat"]["rows"][0]["reason"] or "")')
    [ -z "$reason" ] || skip "$1: $reason"
}

# value NAME: of the JSON result in $output.
value() {
    python -c 'import json, sys
stat = json.loads(sys.argv[1])["stat"]
print([row["value"] for row in stat["rows"] if row["name"] == sys.argv[2]][0])' "$output" "$1"
}

@test "a table of counters and resources, with a reason for each that is unknown" {
    run -0 --separate-stderr tare stat -- scenes exit 0
    expect output "$output" $'scenes exit 0, 1 run\n\ncounter *value*per second\ntask-clock *\nwall *\nuser *\nsystem *'
    run -0 --separate-stderr tare stat --format json -- scenes exit 0
    python - "$output" <<'END'
import json, sys
result = json.loads(sys.argv[1])
assert result["kind"] == "stat", result["kind"]
rows = {row["name"]: row for row in result["stat"]["rows"]}
for name in ("task-clock", "cycles", "instructions", "page-faults", "wall", "user", "max-rss"):
    assert name in rows, rows.keys()
    assert rows[name]["value"] is not None or rows[name]["reason"], rows[name]
assert rows["wall"]["value"] > 0 and rows["wall"]["unit"] == "ns", rows["wall"]
assert rows["faults-without-io"]["value"] > 0, rows
END
}

@test "the exit code is the program's" {
    run -7 tare stat -- scenes exit 7
    run -137 --separate-stderr tare stat -- sh -c 'kill -9 $$'
    expect stderr "$stderr" "tare: 'sh' was killed by signal 9 (Killed): what was counted until then follows"
    expect output "$output" $'sh -c *\n\ncounter *'
}

@test "the largest memory of a program is its own, not that of tare" {
    run -0 --separate-stderr tare stat --format json -- python3 -c 'b = bytearray(9 << 20); print(end="")'
    [ "$(value max-rss | cut -d. -f1)" -gt $((9 << 20)) ]
    run -0 --separate-stderr tare stat --format json -- scenes exit 0
    python - "$output" <<'END'
import json, sys
rows = {row["name"]: row for row in json.loads(sys.argv[1])["stat"]["rows"]}
rss = rows["max-rss"]
assert rss["value"] is not None or "that its process had before the program began" in rss["reason"], rss
# Counted from the exec on, as the kernel's counters are: what tare's copy did before is not in it.
if rows["minor-faults"]["value"] is not None and not rows["minor-faults"]["user_only"]:
    assert rows["faults-without-io"]["value"] < rows["minor-faults"]["value"] + 25, rows
END
}

@test "a program that cannot be run: 127, 126, and nothing on standard output" {
    run -127 --separate-stderr tare stat -- no-such-program
    expect stderr "$stderr" "tare: cannot run 'no-such-program': No such file or directory"
    [ -z "$output" ]
    touch plain
    run -126 --separate-stderr tare stat -- ./plain
    expect stderr "$stderr" "tare: cannot run './plain': Permission denied"
    [ -z "$output" ]
}

@test "the program's streams are its own" {
    run -0 --separate-stderr bash -c 'echo in | tare stat -o result.json -- sh -c "cat; echo err >&2"'
    expect output "$output" in
    expect stderr "$stderr" err
    [ -s result.json ]
}

@test "a thread and a child are counted with the program" {
    may_count task-clock
    # The same work in the program itself, and in a child of it.
    work='i=0; while [ $i -lt 100000 ]; do i=$((i + 1)); done'
    run -0 --separate-stderr tare stat -e task-clock --format json -- sh -c "$work"
    own=$(value task-clock)
    run -0 --separate-stderr tare stat -e task-clock --format json -- sh -c "($work) & wait"
    child=$(value task-clock)
    python -c 'import sys; own, child = map(float, sys.argv[1:]); assert child > own / 5, (own, child)' "$own" "$child"
}

@test "--repeat: means with their interval, of as many values" {
    run -0 --separate-stderr tare stat -n 3 --format json -- scenes exit 0
    python - "$output" <<'END'
import json, sys
result = json.loads(sys.argv[1])
stat = result["stat"]
assert stat["runs"] == 3 and len(result["passes"]) == 3, stat["runs"]
wall = [row for row in stat["rows"] if row["name"] == "wall"][0]
assert len(wall["values"]) == 3 and min(wall["values"]) > 0, wall
assert abs(wall["value"] - sum(wall["values"]) / 3) < 1, wall
assert wall["error"] > 0, wall
END
    run -0 --separate-stderr tare stat -n 3 -- scenes exit 0
    expect output "$output" $'scenes exit 0, 3 runs\n\ncounter *value *±*per second*Means of 3 runs; ± is half of their 95 % interval.'
}

@test "--repeat: a file is read by each run, output is shown once" {
    echo line >input
    run -0 --separate-stderr tare stat -n 3 -o result.json -- sh -c 'cat; cat input >>seen' <input
    expect output "$output" line
    [ "$(wc -l <seen)" = 3 ]
}

@test "--event: those that are asked for, once each, in that order" {
    run -0 --separate-stderr tare stat -e page-faults,task-clock -e faults:u,page-faults --format csv -- true
    expect output "$output" $'counter,source,unit,value,error,per_second,running,user_only,reason\npage-faults,kernel,*\ntask-clock,kernel,ns,*\nfaults:u,kernel,*\nwall,usage,ns,*'
}

@test "an event that does not exist: the near one is named" {
    run -125 --separate-stderr tare stat -e cycels -- true
    expect stderr "$stderr" "tare: unknown event 'cycels': did you mean 'cycles'?"
    run -125 --separate-stderr tare stat -e cycles:z -- true
    expect stderr "$stderr" "tare: unknown modifier ':z' of 'cycles': *"
    run -125 --separate-stderr tare stat -e , -- true
    expect stderr "$stderr" "tare: '' is no event"
}

@test "without a counter of the processor the others are there, and a line says why" {
    reason=$(tare stat -e cycles --format json -- true | python -c 'import json, sys
print(json.load(sys.stdin)["stat"]["rows"][0]["reason"] or "")')
    [ -n "$reason" ] || skip "this machine has counters of the processor"
    run -0 --separate-stderr tare stat -e cycles,instructions -- true
    expect output "$output" $'*\ncycles *-*\ninstructions *-*\nwall *\n\ncycles, instructions: '"$reason"*
}

@test "reasons are wrapped to the terminal" {
    reason=$(tare stat -e cycles --format json -- true | python -c 'import json, sys
print(json.load(sys.stdin)["stat"]["rows"][0]["reason"] or "")')
    [ -n "$reason" ] || skip "this machine has counters of the processor"
    run -0 on_terminal --columns 80 tare stat -e cycles,instructions -- true
    expect output "$output" $'*\ncycles, instructions: *'
    ! grep -E '.{81}' <<<"$output" || fail "wider than the terminal"
    [[ $(tr -s '\n ' ' ' <<<"$output") == *"cycles, instructions: $reason"* ]]
}

@test "what the processor counts has a ratio" {
    may_count cycles
    run -0 --separate-stderr tare stat -e cycles,instructions -- true
    expect output "$output" $'*\n* instructions per cycle*'
}

@test "--pid: another user's process is an error, with the cause" {
    [ "$(id -u)" = 0 ] || skip "needs root, to be somebody else"
    command -v setpriv >/dev/null || skip "no setpriv"
    chmod 755 "$BATS_TEST_TMPDIR"
    run -125 --separate-stderr setpriv --reuid 65534 --regid 65534 --clear-groups "$(command -v tare)" stat --pid 1 --for 9
    [[ $stderr != *"Permission denied"* ]] || skip "nobody cannot reach this build"
    [ -z "$output" ]
    expect stderr "$stderr" "tare: nothing of process 1 can be counted: it is another user's: run tare as that user or as root"
}

@test "--pid: for a while, of a process that runs" {
    start sh -c 'echo ready; while :; do :; done'
    run -0 --separate-stderr tare stat -e task-clock --pid "$pid" --for 0.3
    expect output "$output" "process $pid"$'\n\ncounter *task-clock *'
    run -125 --separate-stderr tare stat --pid 4194305 --for 1
    expect stderr "$stderr" "tare: there is no process 4194305"
}

@test "--pid: a process that has ended, and that nobody has waited for" {
    start_zombie
    run -125 --separate-stderr tare stat --pid "$zombie" --for 0.1
    expect stderr "$stderr" "tare: process $zombie has ended: its parent has not asked how"
    [ -z "$output" ]
}

@test "--pid: ends with the process, also if nobody waits for it" {
    may_count task-clock
    start python3 -c 'import os, time
child = os.fork()
if child == 0:
    time.sleep(2)
    os._exit(0)
open("child", "w").write(str(child))
print("ready", flush=True)
time.sleep(600)'
    run -0 --separate-stderr timeout -k 9 60 tare stat -e task-clock --pid "$(cat child)" --for 500 -o result.json
    run -0 --separate-stderr tare report result.json
    expect output "$output" "*the process ended before the time was over*"
}

@test "wrong command lines: one line each" {
    run -125 --separate-stderr tare stat
    expect stderr "$stderr" "tare: no program given: *"
    run -125 --separate-stderr tare stat --pid 1 -- true
    expect stderr "$stderr" "tare: --pid takes no program: leave one of them out"
    run -125 --separate-stderr tare stat --for 1 -- true
    expect stderr "$stderr" "tare: --for is for --pid: --timeout ends a program"
    run -125 --separate-stderr tare stat --stacks -- true
    expect stderr "$stderr" "tare: --stacks is for --massif"
    run -125 --separate-stderr tare stat --massif -n 2 -- true
    expect stderr "$stderr" "tare: --massif runs the program once*"
}

@test "--timeout ends the program: 124, and what was counted" {
    run -124 --separate-stderr tare stat --timeout 0.2 -- sleep 60
    expect stderr "$stderr" "tare: 'sleep' was ended after 0.2 s: what was counted until then follows"
    expect output "$output" $'sleep 60, 1 run\n\n*'
}

@test "tare report shows it again" {
    run -0 --separate-stderr tare stat -n 2 -- true
    tare stat -n 2 -o result.json -- true
    for format in table csv markdown; do
        run -0 --separate-stderr tare report result.json --format "$format"
        expect output "$output" '*task-clock*wall*'
    done
    run -0 --separate-stderr tare report result.json --format json
    python -c 'import json, sys; a, b = json.loads(sys.argv[1]), json.load(open("result.json")); assert a["stat"] == b["stat"]' "$output"
}

@test "output that cannot be written is said before the program runs" {
    run -125 --separate-stderr tare stat -o /nonexistent/result.json -- touch ran
    expect stderr "$stderr" "tare: cannot create '/nonexistent/result.json': No such file or directory"
    [ ! -e ran ]
}

@test "--massif: the peak and who asked for it" {
    command -v valgrind >/dev/null || skip "no valgrind"
    not_with_sanitizer "does not run under valgrind"
    cat >heap.c <<'END'
#include <stdlib.h>
__attribute__((noinline)) void *big(void) { return calloc(1, 3000000); }
__attribute__((noinline)) void *small(void) { return calloc(1, 40000); }
int main(void) { void *a = big(), *b = small(); __asm__ volatile("" : : "r"(a), "r"(b)); free(a); free(b); return 5; }
END
    command -v cc >/dev/null || skip "no cc"
    cc -g -O1 heap.c -o heap
    run -5 --separate-stderr tare stat --massif -- ./heap
    expect output "$output" $'./heap, under massif\n\npeak 2.9 MiB: heap 2.9 MiB, *\n*3000000 *98.7 %  big *heap.c:2*\n*40000 *1.3 %  small *heap.c:3*'
    run -5 --separate-stderr tare stat --massif --format json -- ./heap
    python -c 'import json, sys
massif = json.loads(sys.argv[1])["stat"]["massif"]
assert massif["heap_bytes"] == 3040000 and massif["sites"][0]["bytes"] == 3000000, massif' "$output"
    leftovers=$(find "${TMPDIR:-/tmp}" -maxdepth 1 -name 'tare-massif-*' -newer heap)
    [ -z "$leftovers" ] || fail "left behind: $leftovers"
}

@test "--massif: of several processes the one with the highest peak, which is named" {
    command -v valgrind >/dev/null || skip "no valgrind"
    not_with_sanitizer "does not run under valgrind"
    command -v cc >/dev/null || skip "no cc"
    cat >family.c <<'END'
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
int main(int count, char **words)
{
    (void)words;
    void *volatile own = malloc(10 << 20);
    if (count > 1 && fork() == 0) {
        void *volatile more = malloc(50 << 20);
        free(more);
        return 0;
    }
    wait(NULL);
    free(own);
    return 0;
}
END
    cc -g -O1 family.c -o family
    run -5 --separate-stderr tare stat --massif -- sh -c './family; exit 5'
    expect output "$output" $'*peak 10.0 MiB*\nnote: the peak is of the process * (./family)*1 other had a lower one*'
    run -0 --separate-stderr tare stat --massif -- ./family fork
    expect output "$output" $'*peak 60.0 MiB*\nnote: the peak is of the process * (./family fork): 1 other*'
    run -0 --separate-stderr tare stat --massif -- ./family
    [[ "$output" != *note:* ]] || fail "a note on one process: $output"
}

@test "--massif: a program that is ended shows what there was until then, and one that is killed says so" {
    command -v valgrind >/dev/null || skip "no valgrind"
    not_with_sanitizer "does not run under valgrind"
    run -124 --separate-stderr tare stat --massif --timeout 1 -- sleep 600
    expect stderr "$stderr" "tare: 'sleep' was ended after 1 s: the peak until then follows"
    expect output "$output" $'sleep 600, under massif\n\npeak *'
    run -124 --separate-stderr tare stat --massif --timeout 1 -- sh -c 'trap "" TERM; while :; do :; done'
    expect stderr "$stderr" "tare: 'sh' was ended after 1 s, and massif wrote nothing"
    [ -z "$output" ]
}

@test "--massif without valgrind: one line" {
    mkdir empty
    ln -s "$(command -v tare)" /bin/true empty
    run -125 --separate-stderr env PATH="$PWD/empty" tare stat --massif -- true
    expect stderr "$stderr" "tare: cannot find 'valgrind', whose massif measures the heap: install it"
}
