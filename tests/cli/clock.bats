#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# What a result says of the clock it was measured with, and of what happened to it meanwhile.

load common

# field EXPRESSION: of the clock in the JSON document result.json.
field() {
    python -c 'import json, sys
clock = json.load(open("result.json"))["clock"]
print(eval(sys.argv[1]))' "$1"
}

needs_migrations() {
    grep -q '^se.nr_migrations' /proc/self/sched 2>/dev/null || skip "this kernel does not count moves in /proc/PID/sched"
}

needs_processors_0_and_1() {
    taskset -c 0,1 true 2>/dev/null || skip "no taskset, or no processors 0 and 1"
    taskset -c 1 true 2>/dev/null || skip "processor 1 is not for us"
}

@test "every table names the clock, its rate, the error of that, and its steps" {
    for format in table markdown; do
        run -0 tare run --format "$format" scenes exit 0
        line=$(tail -n 1 <<<"$output")
        [[ $line =~ ^clock\ .*,\ [0-9.]+\ MHz\ ±\ [0-9.]+\ ppm,\ steps\ of\ [0-9.]+\ ns\; ]] || fail "$format" "$line"
    done
}

@test "the clock is watched while the program runs" {
    run -0 tare run -o result.json sh -c 'scenes exit 0; sleep 0.35; scenes exit 0'
    [ "$(field 'clock["watch_points"] >= 5')" = True ] || fail "points" "$(field 'clock["watch_points"]')"
    [ "$(field '3.4e8 < clock["watched_ns"] < 1e11')" = True ]
    [ "$(field 'clock["suspended_ns"] is None or clock["suspended_ns"] >= 0')" = True ]
    if [ "$(field 'clock["name"]')" != clock ]; then
        [ "$(field 'clock["steps"] >= 0 and clock["step_ns"] >= 0 and clock["rate_change_ppm"] >= 0')" = True ]
    fi
    [ "$(field 'clock["counter_traps"] in (True, False)')" = True ]
}

@test "clock 'clock' is not the counter: what that does is not known" {
    run -0 tare run --clock clock -o result.json scenes exit 0
    [ "$(field '[clock["name"], clock["steps"], clock["step_ns"], clock["rate_change_ppm"]]')" = "['clock', None, None, None]" ]
    [ "$(field 'clock["watch_points"] >= 3')" = True ]
}

@test "a process that is attached to is watched for as long as that takes" {
    start scenes spin
    run -0 tare attach --for 0.3 "$pid" -o result.json
    [ "$(field 'clock["watch_points"] >= 3 and 3e8 <= clock["watched_ns"] < 1e11')" = True ]
    run -0 tare attach "$pid" -o result.json
    [ "$(field '[clock["watch_points"], clock["steps"], clock["suspended_ns"], clock["migrations"]]')" = "[None, None, None, None]" ]
}

@test "a pinned program stays where it is" {
    needs_migrations
    run -0 tare run --pin 0 -o result.json scenes children 3
    [ "$(field 'clock["migrations"]')" = 0 ]
    run -0 tare report result.json
    [[ $output != *pinned* ]]
}

@test "a pinned program that does not is told" {
    needs_migrations
    needs_processors_0_and_1
    run -0 tare run --pin 0 -o result.json sh -c 'sleep 0.3; taskset -pc 1 $$ >taskset.out; exec scenes exit 0' # it has been seen before
    [ "$(field 'clock["migrations"] >= 1')" = True ]
    run -0 tare report result.json
    expect output "$output" $'*\nnote: thread * ran on processor 1, although the program was pinned to processor 0: it, or somebody else, changed what it may run on\n*'
}

@test "one that gives itself more processors is told, too" {
    needs_processors_0_and_1
    run -0 tare run --pin 0 sh -c 'taskset -pc 0,1 $$ >taskset.out; exec scenes exit 0'
    expect output "$output" $'*\nnote: thread *, although the program was pinned to processor 0: it, or somebody else, changed *\n*'
}

@test "moves of a program that is not pinned are counted" {
    needs_migrations
    needs_processors_0_and_1
    run -0 tare run -o result.json sh -c 'for cpu in 0 1 0 1; do taskset -pc $cpu $$ >taskset.out; done; exec scenes exit 0'
    [ "$(field 'clock["migrations"] >= 3')" = True ] || fail "migrations" "$(field 'clock["migrations"]')"
    run -0 tare report result.json
    [[ $output != *"moved between"* ]]
}

@test "an unknown clock: one line, and nothing has changed" {
    echo before >result.json
    run -125 --separate-stderr tare run --clock sundial -o result.json touch it-ran
    expect stderr "$stderr" "tare: unknown clock 'sundial': one of tsc-ordered, tsc, clock"
    [ -z "$output" ]
    [ "$(cat result.json)" = before ]
    [ ! -e it-ran ]
}

@test "an unknown clock in TARE_CLOCK: one line, and the default" {
    tare run -o result.json scenes exit 0
    default=$(field 'clock["name"]')
    TARE_CLOCK=sundial run -0 --separate-stderr tare run -o result.json scenes exit 0
    expect stderr "$stderr" "tare: warning: unknown clock 'sundial' in TARE_CLOCK is ignored: one of tsc-ordered, tsc, clock"
    [ "$(field 'clock["name"]')" = "$default" ]
    for fine in clock ''; do
        TARE_CLOCK=$fine run -0 --separate-stderr tare run -o result.json scenes exit 0
        [ -z "$stderr" ] || fail "with '$fine'" "$stderr"
    done
    TARE_CLOCK=sundial run -0 --separate-stderr tare run --clock clock -o result.json scenes exit 0
    [ -z "$stderr" ]
}
