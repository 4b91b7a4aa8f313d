#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# --lock: measurements wait for each other, and for nobody else.

load common

eval "common_$(declare -f teardown)"
teardown() {
    common_teardown
    [ -z "${shared:-}" ] || rm -r "$shared"
}

# Runs "$@" in the background, with its output in out and err, and returns when it says that it waits.
start_waiting() {
    "$@" 3>&- >out 2>err &
    waiting=$!
    started+=("$waiting")
    await grep -q '^tare: waiting for ' err
}

# So that teardown leaves no program of a killed tare behind. $child is the first.
also_end_child_of() {
    local children
    read -r -a children <"/proc/$1/task/$1/children" || true # it has no line end
    child=${children[0]}
    [ -n "$child" ]
    started+=("${children[@]}")
}

# $pid holds the lock until it gets SIGTERM, which it passes on to its program, $child.
start_holder() {
    start tare run --lock scenes sleep
    also_end_child_of "$pid"
}

not_waiting() {
    run -0 --separate-stderr timeout 20 "$@"
    expect "standard error" "$stderr" ""
}

@test "the second measurement waits for the first, and says so" {
    start_holder
    first=$pid
    start_waiting tare run --lock scenes exit 5
    expect err "$(<err)" "tare: waiting for 'tare run scenes sleep' (pid $first) to end"
    kill -TERM "$first"
    code=0
    wait "$waiting" || code=$?
    [ "$code" -eq 5 ]
    output=$(<out)
    [ "$(calls scenes::step)" -eq 3 ]
}

@test "the program does not run while tare waits" {
    start_holder
    start_waiting tare run --lock touch it-ran
    [ ! -e it-ran ]
    kill -TERM "$waiting"
    code=0
    wait "$waiting" || code=$?
    [ "$code" -eq 143 ]
    [ ! -e it-ran ]
}

@test "without --lock nobody waits, nor is waited for" {
    start_holder
    not_waiting tare run scenes exit 0
    [ "$(calls scenes::step)" -eq 3 ]
    kill -TERM "$pid"
    start tare run scenes sleep
    also_end_child_of "$pid"
    not_waiting tare run --lock scenes exit 0
}

@test "a holder that was killed blocks nobody, although its program lives on" {
    start_holder
    kill -KILL "$pid"
    { wait "$pid"; } 2>/dev/null || true
    kill -0 "$child"
    not_waiting tare run --lock scenes exit 0
}

@test "a holder that was killed in a later pass blocks nobody, either" {
    # The output of later passes is read by a helper, which lives as long as anybody writes.
    tare run --lock --repeat 2 sh -c 'echo pass >>passes; [ "$(wc -l <passes)" -lt 2 ] || exec sleep 60' >/dev/null 2>&1 3>&- &
    first=$!
    started+=("$first")
    second_pass() { [ "$(wc -l <passes)" -eq 2 ]; }
    await second_pass
    also_end_child_of "$first"
    kill -KILL "$first"
    { wait "$first"; } 2>/dev/null || true
    not_waiting tare run --lock scenes exit 0
}

@test "what a program left in the background does not keep the lock" {
    for passes in 1 2; do
        tare run --lock --repeat "$passes" sh -c 'setsid sleep 60 & echo $! >>left' >/dev/null 2>&1 3>&-
        while read -r pid; do
            started+=("$pid")
            kill -0 "$pid"
        done <left
        not_waiting tare run --lock scenes exit 0
    done
}

@test "the measured program does not have the lock's file open" {
    run -0 --separate-stderr tare run --lock ls -l /proc/self/fd
    [[ $output != *"$TARE_LOCK_FILE"* ]]
}

@test "a tare that is measured by the holder does not wait for it" {
    run -0 --separate-stderr timeout 20 tare run --lock -- tare run --lock scenes exit 0
    [ "$(calls scenes::step)" -eq 3 ]
    [[ $stderr != *waiting* ]]
    run -0 --separate-stderr timeout 20 tare run --lock --repeat 2 -- sh -c 'tare run --lock -- tare run --lock scenes exit 0'
    [[ $stderr != *waiting* ]]
}

@test "a mark of an earlier measurement opens no door" {
    mark=$(tare run --lock sh -c 'echo $TARE_LOCK' 2>/dev/null)
    [ "${#mark}" -eq 16 ]
    start_holder
    TARE_LOCK=$mark start_waiting tare run --lock scenes exit 0
}

@test "on a terminal the wait is shown, and Ctrl-C ends it" {
    start_holder
    run -130 on_terminal --at "waiting for 'tare run scenes sleep' (pid $pid) to end, for 1 s so far" ^C tare run --lock touch it-ran
    [ ! -e it-ran ]
}

@test "flock(1) on the file takes part" {
    command -v flock >/dev/null || skip "no flock(1)"
    flock "$TARE_LOCK_FILE" sleep 60 >/dev/null 2>&1 3>&- &
    holder=$!
    started+=("$holder")
    locked() { ! flock --nonblock "$TARE_LOCK_FILE" true; }
    await locked
    also_end_child_of "$holder"
    start_waiting tare run --lock scenes exit 0
    expect err "$(<err)" "tare: waiting for another measurement to end"
    kill -KILL "$holder" "$child"
    wait "$waiting"
}

@test "attach: waits before its time begins, and not where there is none" {
    start scenes spin
    spinning=$pid
    start_holder
    not_waiting tare attach --lock "$spinning"
    start_waiting tare attach --lock --for 0.2 "$spinning"
    [ "$(in_ps "$spinning" enabled)" -eq 0 ]
    kill -TERM "$pid"
    wait "$waiting"
    output=$(<out)
    [ "$(calls scenes::step)" -gt 0 ]
}

@test "a link, a pipe or a folder in the file's place: a message, and nothing is touched" {
    echo "dear data" >victim
    ln -s "$PWD/victim" link
    ln victim hard
    mkfifo pipe
    mkdir folder
    for name in link hard pipe folder; do
        TARE_LOCK_FILE=$PWD/$name run -125 --separate-stderr tare run --lock touch it-ran
        expect "$name" "$stderr" "tare: '$PWD/$name' is no lock: it is a link, a device or a file of another kind; remove it, or set TARE_LOCK_FILE"
        [ ! -e it-ran ]
    done
    [ "$(<victim)" = "dear data" ]
    start scenes sleep
    TARE_LOCK_FILE=$PWD/link run -2 tare attach --lock --for 0.1 "$pid"
}

@test "a folder that is not there" {
    TARE_LOCK_FILE=/nonexistent/lock run -125 --separate-stderr tare run --lock touch it-ran
    expect message "$stderr" "tare: cannot lock '/nonexistent/lock': No such file or directory"
    [ ! -e it-ran ]
}

@test "users take turns, whoever made the file" {
    [ "$(id -u)" -eq 0 ] || skip "only root can be two users"
    command -v setpriv >/dev/null || skip "no setpriv"
    other=(setpriv --reuid 65534 --regid 65534 --clear-groups)
    "${other[@]}" tare --version >/dev/null 2>&1 || skip "another user cannot run '$build_dir/bin/tare'"
    shared=$(mktemp -d /tmp/tare-test-XXXXXX)
    chmod 1777 "$shared"
    for first in other root; do
        export TARE_LOCK_FILE=$shared/$first
        if [ "$first" = other ]; then
            (umask 077 && "${other[@]}" tare run --lock true) 2>/dev/null
        else
            (umask 077 && tare run --lock true) 2>/dev/null
        fi
        not_waiting tare run --lock scenes exit 0
        not_waiting "${other[@]}" tare run --lock scenes exit 0
        start_holder
        start_waiting "${other[@]}" tare run --lock scenes exit 0
        kill -TERM "$pid"
        wait "$waiting"
    done
}

@test "a file that may not be written to is no lock for those who may not" {
    [ "$(id -u)" -eq 0 ] || skip "only root can be two users"
    command -v setpriv >/dev/null || skip "no setpriv"
    other=(setpriv --reuid 65534 --regid 65534 --clear-groups)
    "${other[@]}" tare --version >/dev/null 2>&1 || skip "another user cannot run '$build_dir/bin/tare'"
    shared=$(mktemp -d /tmp/tare-test-XXXXXX)
    chmod 1777 "$shared"
    export TARE_LOCK_FILE=$shared/lock
    touch "$TARE_LOCK_FILE"
    chmod 644 "$TARE_LOCK_FILE"
    run -125 --separate-stderr "${other[@]}" tare run --lock touch it-ran
    expect message "$stderr" "tare: cannot lock '$TARE_LOCK_FILE': it may not be written to; *"
}
