#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# tare bench with command lines: what is run when, and how it is told. bench.bats has programs with benchmarks in them.

load common
load bench_helpers

# How often a line is in the log.
count() {
    grep -cxF -- "$1" log || true
}

# What is run

@test "a command is timed as a whole, and JSON says so" {
    run -0 --separate-stderr tare bench --time 0.3 -o result.json 'sleep 0.02'
    [ "$stderr" = "" ]
    expect_said "*sleep 0.02 * ms *per operation: * syscalls,*"
    is_valid result.json
    look result.json <<'END'
one = b["sleep 0.02"]
assert one["command"] is True and one["bench"] is None and one["comparisons"] == [], one
a, = one["arms"]
assert a["label"] == "A" and a["what"] == "sleep 0.02" and a["iterations"] == a["samples"] == 1, a
assert len(a["values_ns"]) == len(a["rounds"]) == len(a["dropped"]) == one["contamination"]["rounds"] >= 2, a
assert a["summary"]["min_ns"] > 15e6 and a["failure"] is None and a["exit_code"] is None, a
assert a["loop_ns"] is None and a["start_ns"] > 0 and r["bench"]["settings"]["block_ns"] is None, a
per_op = a["per_op"]
assert per_op["syscalls"] > 10 and per_op["page_faults"] > 0 and per_op["context_switches"] > 0, per_op
assert per_op["user_ns"] >= 0 and per_op["system_ns"] >= 0, per_op
END
}

@test "commands are compared with the first one" {
    run -1 --separate-stderr tare bench --time 20 --no-counts --alpha 0.5 -o result.json 'sleep 0.005' 'sleep 0.03' --vs 'sleep 0.031'
    expect output "$output" "A  sleep 0.005
B  sleep 0.03
C  sleep 0.031

*=> B is * slower (*=> C is * slower (*2 comparisons: 2 slower*"
    is_valid result.json
    look result.json <<'END'
one = b["sleep 0.005"]
assert [(a["label"], a["what"], a["control"]) for a in one["arms"]] == [
    ("A", "sleep 0.005", False), ("A'", "sleep 0.005", True), ("B", "sleep 0.03", False), ("C", "sleep 0.031", False)]
assert [c["verdict"] for c in one["comparisons"]] == ["slower", "slower"], one["comparisons"]
END
}

@test "what takes next to nothing beside the shell's start is compared all the same" {
    run -1 tare bench --time 4 --no-counts -o result.json : 'sleep 0.2'
    expect_said "*=> B is *slower (*"
    look result.json <<'END'
found, = b[":"]["comparisons"]
assert found["verdict"] == "slower", found
assert found["ratio"] is not None or found["reason"].endswith("there is no ratio"), found
END
    is_valid result.json
    tare report result.json
}

@test "too few rounds: how many it takes, and how long" {
    run -0 tare bench --time 1 --no-counts -o result.json 'sleep 0.3' 'sleep 0.6'
    expect_said "*=> B is unresolved: too few rounds for an interval: 8 that count tell large differences (some * s: --time *), 16 small ones*"
    look result.json <<'END'
found, = b["sleep 0.3"]["comparisons"]
assert found["units"] < found["units_needed"] == 4 and found["smallest_change"] is None, found
END
}

@test "there is a value, however short the time" {
    tare bench --time 0.001 --no-counts -o result.json 'sleep 0.05'
    look result.json <<<'assert arm("sleep 0.05")["summary"]["n"] == 1 and arm("sleep 0.05")["first_ns"] > 40e6'
}

@test "one slow round does not end a comparison" {
    cat >now-and-then <<'END'
#!/bin/sh
echo run >>log
[ "$(wc -l <log)" -eq 12 ] && exec sleep 1.5
exec sleep 0.02
END
    chmod +x now-and-then
    tare bench --time 4 --no-counts --seed 1 --shell none --fail-on nothing -o result.json ./now-and-then ./now-and-then
    look result.json <<'END'
assert r["bench"]["benchmarks"][0]["contamination"]["rounds"] > 4, r["bench"]["benchmarks"][0]["contamination"]
END
}

@test "what the machine did is told of each round, and the sums are those of the rounds" {
    tare bench "${quick[@]}" --time 0.3 --fail-on nothing -o result.json 'sleep 0.01' 'sleep 0.02'
    is_valid result.json
    look result.json <<'END'
seen = b["sleep 0.01"]["contamination"]
each = seen["each_round"]
assert set(each) == {"wall_ns", "measured_ns", "steal_ns", "wait_ns", "pressure_ns", "frequency_hz", "involuntary", "migrations"}, each
for name, column in each.items():
    assert len(column) == seen["rounds"] >= 1, (name, column)
    known = [value for value in column if value is not None]
    if name != "frequency_hz":
        assert (seen[name] is None) == (known == []) and abs((seen[name] or 0) - sum(known)) <= 1e-6 * abs(sum(known)) + 1, (name, seen)
assert all(ns > 40e6 for ns in each["wall_ns"]), each
END
}

@test "hooks run around each execution, and setup and cleanup once" {
    hook() { printf 'echo %s >>log' "$1"; }
    tare bench --time 0.1 --no-counts --setup "$(hook setup)" --prepare "$(hook prepare)" --conclude "$(hook conclude)" \
        --cleanup "$(hook cleanup)" -o result.json "$(hook run)"
    rounds=$(look result.json <<<'print(r["bench"]["benchmarks"][0]["contamination"]["rounds"])')
    [ "$(count run)" -eq "$rounds" ]
    tr '\n' ' ' <log | grep -qxE 'setup (prepare run conclude )+cleanup ' || fail "$(<log)"
}

@test "hooks that are given once serve all, those that are given for each their own" {
    tare bench "${quick[@]}" --setup 'echo setup >>log' --prepare 'echo prepare >>log' --cleanup 'echo cleanup >>log' \
        --fail-on nothing 'echo A >>log' 'echo B >>log'
    [ "$(count setup)" -eq 1 ]
    [ "$(count cleanup)" -eq 1 ]
    [ "$(count prepare)" -eq "$(($(count A) + $(count B)))" ]
    rm log
    tare bench "${quick[@]}" --setup 'echo setup A >>log' --setup 'echo setup B >>log' --prepare 'echo before A >>log' \
        --prepare 'echo before B >>log' --conclude 'echo behind A >>log' --conclude 'echo behind B >>log' \
        --cleanup 'echo cleanup A >>log' --cleanup 'echo cleanup B >>log' --fail-on nothing 'echo A >>log' 'echo B >>log'
    tr '\n' '.' <log | grep -qxE '(setup A.setup B.)(before A.A.behind A.|before B.B.behind B.)+(cleanup A.cleanup B.)' || fail "$(<log)"
    run -2 --separate-stderr tare bench --prepare a --prepare b 'echo A >>log' 'echo B >>log' 'echo C >>log'
    [ "$stderr" = "tare: --prepare is given 2 times for 3 commands: give it once for all, or once for each" ]
    for hook in setup conclude cleanup; do
        run -2 tare bench --$hook a --$hook b 'true'
    done
}

@test "a hook that fails ends the call, and cleanup runs all the same" {
    for hook in setup prepare conclude; do
        rm -f log result.json
        run -2 --separate-stderr tare bench "${quick[@]}" --$hook 'echo it cannot be >&2; exit 3' --cleanup 'echo cleanup >>log' -o result.json 'echo run >>log'
        [ "$stderr" = "tare: --$hook 'echo it cannot be >&2; exit 3' exited with code 3: it cannot be" ]
        [ "$(count cleanup)" -eq 1 ]
        [ "$(count run)" -eq "$([ $hook = conclude ] && echo 1 || echo 0)" ]
        # What was measured before it is not lost; here that is nothing.
        if [ -e result.json ]; then
            is_valid result.json
            look result.json <<<'assert r["incomplete"] is True and r["bench"]["benchmarks"][0]["arms"][0]["summary"]["n"] == 0'
        fi
    done
    run -2 --separate-stderr tare bench "${quick[@]}" --cleanup 'exit 4' 'true'
    [ "$stderr" = "tare: --cleanup 'exit 4' exited with code 4" ]
    run -2 --separate-stderr tare bench --time 60 --no-counts --prepare 'echo >>log; [ "$(wc -l <log)" -le 4 ]' -o result.json 'sleep 0.001'
    look result.json <<<'assert r["incomplete"] is True and arm("sleep 0.001")["summary"]["n"] >= 1'
    # shellcheck disable=SC2016 # the hook's shell
    run -2 --separate-stderr tare bench "${quick[@]}" --setup 'kill -9 $$' 'true'
    expect stderr "$stderr" "tare: --setup 'kill -9 \$\$' was killed by signal 9 (Killed)"
    run -2 --separate-stderr tare bench "${quick[@]}" --shell none --setup 'no-such-program x' 'true'
    [ "$stderr" = "tare: cannot run 'no-such-program': No such file or directory" ]
}

@test "a call that a hook ended says that, and not that it was interrupted" {
    for hook in prepare conclude; do
        run -2 tare bench "${quick[@]}" --$hook 'exit 3' -o result.json 'sleep 0.01'
        expect_said "*INCOMPLETE: --$hook 'exit 3' exited with code 3, so that this*"
        [[ $output != *interrupted* ]]
        is_valid result.json
        look result.json <<<"assert r['incomplete'] is True and r['bench']['ended_by'] == \"--$hook 'exit 3' exited with code 3\", r['bench']['ended_by']"
        run -0 tare report --format markdown result.json
        expect_said "*INCOMPLETE*: --$hook 'exit 3' exited with code 3, so that this*"
    done
}

@test "where A fails, that is why there is no verdict" {
    run -1 tare bench "${quick[@]}" -o result.json 'exit 3' 'sleep 0.01'
    expect_said "*one of the two failed*"
    look result.json <<<'assert r["bench"]["benchmarks"][0]["comparisons"][0]["reason"] == "one of the two failed"'
    [ "$(look result.json <<<'print(r["bench"]["ended_by"])')" = None ]
}

@test "cleanup runs behind a command that fails" {
    run -1 tare bench "${quick[@]}" --cleanup 'echo cleanup >>log' false
    [ "$(count cleanup)" -eq 1 ]
}

@test "--warmup executes each command as often before it is measured" {
    tare bench "${quick[@]}" --warmup 5 --prepare 'echo prepare >>log' -o result.json --fail-on nothing 'echo A >>log' 'echo B >>log'
    rounds=$(look result.json <<<'print(r["bench"]["benchmarks"][0]["contamination"]["rounds"])')
    [ "$(count A)" -eq $((2 * rounds + 5)) ]
    [ "$(count B)" -eq $((rounds + 5)) ]
    [ "$(count prepare)" -eq $((3 * rounds + 10)) ]
}

@test "counting executes it again, unless that takes too long, or not at all" {
    tare bench --time 0.02 -o result.json 'echo run >>log'
    [ "$(count run)" -gt "$(look result.json <<<'print(r["bench"]["benchmarks"][0]["contamination"]["rounds"])')" ]
    rm log
    tare bench --time 0.02 -o result.json 'echo run >>log; sleep 2.1'
    [ "$(count run)" -eq 1 ]
    look result.json <<<'assert r["bench"]["benchmarks"][0]["arms"][0]["per_op"]["syscalls"] is None'
}

@test "the first execution is told apart, with and without --warmup" {
    for options in '' '--warmup 2'; do
        rm -f there
        # shellcheck disable=SC2086 # words
        run -0 tare bench --time 1 --no-counts $options -o result.json '[ -e there ] || { sleep 0.4; touch there; }; sleep 0.01'
        expect_said "*first * ms, *"
        look result.json <<'END'
a = r["bench"]["benchmarks"][0]["arms"][0]
assert a["first_ns"] > 0.4e9 and a["summary"]["median_ns"] < 0.3e9, a
END
    done
}

# The shell

@test "the start of the shell is subtracted, and told" {
    printf '#!/bin/sh\nsleep 0.03\nexec sh "$@"\n' >slow-shell
    chmod +x slow-shell
    run -0 tare bench --time 1 --no-counts --shell ./slow-shell -o result.json 'sleep 0.03'
    expect_said "*start of the shell:* ms*subtracted*"
    look result.json <<'END'
a = r["bench"]["benchmarks"][0]["arms"][0]
assert a["start_ns"] > 30e6, a
# It takes 60 ms and more, of which half is the shell's.
assert 20e6 < a["summary"]["min_ns"] < 60e6 and a["summary"]["min_ns"] + a["start_ns"] > 60e6, a
END
    tare bench "${quick[@]}" --shell none -o result.json 'sleep 0.01'
    look result.json <<<'assert arm("sleep 0.01")["start_ns"] is None and arm("sleep 0.01")["summary"]["min_ns"] > 10e6'
}

@test "what is subtracted comes from starts among the rounds, and its error is in the interval" {
    # Slow before the first round alone.
    cat >odd-shell <<'END'
#!/bin/sh
if [ -z "$2" ]; then
    echo start >>log
    [ "$(wc -l <log)" -gt 25 ] || sleep 0.1
fi
exec sh "$@"
END
    chmod +x odd-shell
    tare bench --time 3 --no-counts --seed 1 --shell ./odd-shell -o result.json ':'
    look result.json <<'END'
a = r["bench"]["benchmarks"][0]["arms"][0]
assert a["summary"]["n"] >= 8 and a["start_ns"] < 100e6 and a["summary"]["median_ns"] > -50e6, (a["start_ns"], a["summary"])
END
    # Each second start is slow: the command, which is as fast as the others, may take less than nothing, or more.
    cat >odd-shell <<'END'
#!/bin/sh
if [ -z "$2" ]; then
    echo start >>log
    [ "$(($(wc -l <log) % 2))" -eq 0 ] || sleep 0.06
fi
exec sh "$@"
END
    tare bench --time 3 --no-counts --seed 1 --shell ./odd-shell -o result.json ':'
    look result.json <<'END'
s = r["bench"]["benchmarks"][0]["arms"][0]["summary"]
assert s["n"] >= 8 and s["median_high_ns"] - s["median_low_ns"] > 50e6, s
END
    # A takes 90 to 150 ms, B 50 ms more: 1.33 to 1.55 times as long.
    tare bench --time 6 --no-counts --seed 1 --shell ./odd-shell --fail-on nothing -o result.json 'sleep 0.15' 'sleep 0.2'
    look result.json <<'END'
c, = b["sleep 0.15"]["comparisons"]
assert c["low"] is None or c["low"] > 1 and c["high"] - c["low"] > 0.15 or c["verdict"] == "unresolved", c
END
}

@test "--shell picks the shell, of commands and of hooks" {
    # shellcheck disable=SC2016 # the command's shell
    tare bench "${quick[@]}" --shell bash --setup 'echo "setup ${BASH_VERSION:+bash}" >>log' 'echo "${BASH_VERSION:+bash}" >>log'
    [ "$(head -n 2 log)" = $'setup bash\nbash' ]
    run -2 --separate-stderr tare bench --shell no-such-shell true
    [ "$stderr" = "tare: cannot run the shell 'no-such-shell': No such file or directory; --shell none runs commands without one" ]
    run -2 --separate-stderr tare bench --shell false true
    expect stderr "$stderr" "tare: '*/false -c \"\"' fails: --shell none runs commands without it"
}

@test "without a shell, blanks separate, and quotes and backslashes keep together" {
    run -0 --separate-stderr tare bench "${quick[@]}" --shell none --show-output --format csv "printf '[%s]\n'  'a  b' \"c 'd' \\\"e\\\"\" f\\ g '' h\"i\"'j' 'k\\l' \$HOME *"
    [ "$(head -n 8 <<<"$output")" = '[a  b]
[c '"'d'"' "e"]
[f g]
[]
[hij]
[k\l]
[$HOME]
[*]' ]
    run -2 --separate-stderr tare bench --shell none "echo 'a"
    [ "$stderr" = "tare: cannot read the command 'echo 'a': a quote is not closed" ]
    run -2 --separate-stderr tare bench --shell none 'no-such-program | cat'
    [ "$stderr" = "tare: cannot run 'no-such-program': No such file or directory; it needs a shell: leave out --shell none" ]
}

@test "what cannot be run: an empty command, a folder, a file that is not executable, nothing at all" {
    touch plain-file
    mkdir folder
    for command in '' '  '; do
        for shell in sh none; do
            run -2 --separate-stderr tare bench "${quick[@]}" --shell $shell "$command"
            [ "$output" = "" ]
            expect stderr "$stderr" "tare: cannot r* the command '$command': it is empty"
        done
    done
    for what in ./folder ./plain-file ./missing; do
        for shell in sh none; do
            run -2 --separate-stderr tare bench "${quick[@]}" --shell $shell $what
            [ "$output" = "" ]
            expect stderr "$stderr" "tare: cannot run '$what': *"
        done
    done
    run -1 --separate-stderr tare bench "${quick[@]}" 'no-such-program'
    expect output "$output" "*no-such-program
    failed: exited with code 127: *not found*1 of 1 benchmarks failed*"
    [ "$stderr" = "" ]
    run -1 tare bench "${quick[@]}" './folder with arguments'
    expect output "$output" "*./folder with arguments
    failed: exited with code 126: *"
    run -2 --separate-stderr tare bench --shell none 'no-such-program x'
    [ "$stderr" = "tare: cannot run 'no-such-program': No such file or directory" ]
}

# Streams

@test "standard input is empty, or the file of --input" {
    echo 'what it reads' >text
    tare bench "${quick[@]}" 'cat >>log; echo end >>log'
    [ "$(sort -u log)" = end ]
    rm log
    tare bench "${quick[@]}" --input text 'cat >>log'
    [ "$(sort -u log)" = "what it reads" ]
    run -2 --separate-stderr tare bench --setup 'echo setup >>setup.log' --input missing cat
    [ "$stderr" = "tare: cannot read 'missing': No such file or directory" ]
    [ ! -e setup.log ]
}

@test "what commands print is not shown, unless it is asked for" {
    run -0 --separate-stderr tare bench "${quick[@]}" --setup 'echo from setup' 'echo it said; echo it complained >&2'
    [[ $output != *$'\n'"it said"* && $output != *"from setup"* ]]
    [ "$stderr" = "" ]
    run -0 --separate-stderr tare bench "${quick[@]}" --show-output --setup 'echo from setup' 'echo it said; echo it complained >&2'
    [[ $output == "from setup"$'\n'"it said"* ]]
    [[ $stderr == "it complained"* ]]
}

@test "a command that prints more than a pipe holds does not stop" {
    tare bench "${quick[@]}" -o result.json 'head -c 3000000 /dev/zero; head -c 3000000 /dev/zero >&2'
    look result.json <<<'assert r["bench"]["benchmarks"][0]["arms"][0]["failure"] is None'
}

# Failures

@test "a command that exits with another code is named, with what it said" {
    run -1 --separate-stderr tare bench "${quick[@]}" -o result.json 'echo it broke >&2; exit 3'
    [ "$stderr" = "" ]
    expect output "$output" "*
    failed: exited with code 3: it broke
*1 of 1 benchmarks failed*"
    look result.json <<<'assert r["bench"]["benchmarks"][0]["arms"][0]["failure"] == "exited with code 3: it broke"'
    # shellcheck disable=SC2016 # the command's shell
    run -1 tare bench "${quick[@]}" 'kill -SEGV $$'
    expect_said "*failed: crashed: signal 11 (Segmentation fault)*"
    # B alone: A is still there
    run -1 tare bench "${quick[@]}" --fail-on nothing -o result.json 'sleep 0.01' 'exit 5'
    look result.json <<'END'
assert [a["failure"] for a in b["sleep 0.01"]["arms"]] == [None, None, "exited with code 5"]
assert b["sleep 0.01"]["comparisons"][0]["verdict"] == "unresolved"
END
}

@test "--ignore-failure measures it, and says the code" {
    run -0 tare bench "${quick[@]}" -i -o result.json 'sleep 0.01; exit 3'
    expect_said "*exited 3*"
    look result.json <<'END'
a = r["bench"]["benchmarks"][0]["arms"][0]
assert a["exit_code"] == 3 and a["failure"] is None and a["summary"]["n"] >= 1, a
END
    # A signal is no exit.
    # shellcheck disable=SC2016 # the command's shell
    run -1 tare bench "${quick[@]}" -i 'kill -9 $$'
    expect_said "*failed: crashed: signal 9 (Killed)*"
}

@test "--timeout ends a command and what it started" {
    copy_program scenes
    run -1 tare bench --time 0.1 --timeout 0.5 --shell none './scenes sleep'
    expect_said "*failed: took longer than 0.5 s (--timeout)*"
    is_gone scenes
    run -1 tare bench --time 0.1 --timeout 0.5 './scenes sleep & wait'
    is_gone scenes
}

@test "what a command leaves behind is killed, and that is said" {
    copy_program scenes
    run -0 tare bench "${quick[@]}" './scenes sleep >/dev/null 2>&1 & true'
    expect_said "*note: *: it left processes running*they were killed*"
    is_gone scenes
}

# Names

@test "--name names the benchmark, and tare compare finds it by that" {
    tare bench "${quick[@]}" --name ours -o old.json 'sleep 0.01'
    tare bench "${quick[@]}" --name ours -o new.json 'sleep 0.010'
    look old.json <<<'assert list(b) == ["ours"] and arm("ours")["what"] == "sleep 0.01"'
    run tare compare old.json new.json
    [ "$status" -ne 2 ]
    [[ $output == *ours* ]]
    run -2 --separate-stderr tare bench --name '' 'sleep 0.01'
    [ "$stderr" = "tare: the name for --name is empty" ]
}

@test "a command line may hold anything, and a terminal does not obey it" {
    for command in $'true "\e[2J" \n true' $'true \xff\xfe' 'true "|" `true` \| ,;"' "true 'ü' '日本'"; do
        run tare bench "${quick[@]}" -i -o result.json "$command"
        [[ $output != *$'\e'* ]]
        is_valid result.json
        for format in table json csv markdown; do
            run -0 --separate-stderr tare report --format $format result.json
            [ "$stderr" = "" ]
        done
        run -0 tare report result.json
        [[ $output != *$'\e'* ]]
    done
}

@test "table, JSON, CSV and Markdown come from a result as well" {
    run -0 tare bench --time 0.1 --fail-on nothing -o result.json 'sleep 0.01' 'sleep 0.011'
    shown=$output
    run -0 tare report result.json
    [ "$output" = "$shown" ]
    tare report -o twice.json result.json
    cmp result.json twice.json
    [ "$(tare report --format csv result.json | wc -l)" -eq 4 ]
    run -0 tare report --format markdown result.json
    expect_said "*sleep 0.011*"
    run -0 tare doctor --against result.json
}

@test "--pin keeps a command to one processor" {
    cpu=$(taskset -cp $$ | sed 's/.*[^0-9]//') # the last that we may use
    tare bench "${quick[@]}" --pin "$cpu" 'nproc >>log'
    [ "$(sort -u log)" = 1 ]
}

# Interrupted

@test "Ctrl-C gives the verdict so far, and cleanup runs" {
    background tare bench --time 3600 --setup 'echo setup >>log' --cleanup 'echo cleanup >>log' -o result.json 'echo run >>log; sleep 0.01' 'echo run >>log; sleep 0.03'
    ran_often() { [ "$(count run)" -gt 40 ]; }
    await ran_often
    kill -INT "$pid"
    code_of "$pid"
    [ "$code" -eq 130 ]
    [ "$(<err)" = "" ]
    expect out "$(<out)" "*=> B is *INCOMPLETE: interrupted, so that this is what there was until then*"
    [ "$(count cleanup)" -eq 1 ]
    [ "$(tail -n 1 log)" = cleanup ]
    is_valid result.json
    look result.json <<'END'
one, = r["bench"]["benchmarks"]
assert r["incomplete"] is True and one["contamination"]["rounds"] > 10 and len(one["comparisons"]) == 1, one
END
}

@test "Ctrl-C in setup: cleanup runs, and the command does not" {
    copy_program scenes
    background tare bench --time 3600 --setup 'exec ./scenes sleep' --cleanup 'echo cleanup >>log' 'echo run >>log'
    await lives scenes
    kill -INT "$pid"
    code_of "$pid"
    [ "$code" -eq 130 ]
    is_gone scenes
    [ "$(<log)" = cleanup ]
}

@test "a cleanup that takes long can be interrupted, too" {
    copy_program scenes
    background tare bench "${quick[@]}" --cleanup 'exec ./scenes sleep' 'true'
    await lives scenes
    kill -TERM "$pid"
    code_of "$pid"
    [ "$code" -eq 143 ]
    is_gone scenes
}
