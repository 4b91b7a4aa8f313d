#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# tare bench with programs that have benchmarks in them. What it does, not how fast: what is asserted of times holds on
# a machine whose processors are busy with other things. bench_commands.bats has command lines.

load common
load bench_helpers

# The row of a benchmark in the table.
row() {
    awk -v name="$1" '$1 == name' <<<"$output"
}

# What is there

@test "--list names the benchmarks in the order of the source, and measures nothing" {
    run -0 --separate-stderr tare bench --list bench_cases_100
    [ "$output" = "steady
allocates
asks
shared/threads:2
linear/100
linear/400
linear/1600
linear/6400
right_at_100
only_here" ]
    [ "$stderr" = "" ]
    run -0 --separate-stderr tare bench -l bench_faults # of which some would crash, and one hang
    [ "${lines[0]}" = right ]
}

@test "--filter takes patterns of cases and of benchmarks, and commas between them" {
    run -0 tare bench --list --filter 'linear/1*,a[ls]*' bench_cases_100
    [ "$output" = "allocates
asks
linear/100
linear/1600" ]
    run -0 tare bench --list --filter linear bench_cases_100
    [ "${#lines[@]}" -eq 4 ]
    run -0 --separate-stderr tare bench --filter 'only_here,linear/100' "${quick[@]}" -o result.json bench_cases_100
    [ -n "$(row only_here)" ]
    [ -n "$(row linear/100)" ]
    [ "$stderr" = "" ]
    look result.json <<<'assert sorted(b) == ["linear/100", "only_here"], b.keys()'
}

@test "a filter that nothing matches: did you mean" {
    run -2 --separate-stderr tare bench --filter stedy bench_cases_100
    [ "$output" = "" ]
    [ "$stderr" = "tare: no benchmark of 'bench_cases_100' matches 'stedy': did you mean 'steady'?" ]
    run -2 --separate-stderr tare bench --filter 'x*' --list bench_cases_100
    [ "$output" = "" ]
    [ "$stderr" = "tare: no benchmark of 'bench_cases_100' matches 'x*': 'tare bench --list bench_cases_100' names them" ]
}

@test "a program that cannot say what benchmarks it has" {
    for program in bench_same_case bench_twice; do
        run -2 --separate-stderr tare bench "$program"
        [ "$output" = "" ]
        [ "$(wc -l <<<"$stderr")" -eq 1 ]
        expect stderr "$stderr" "tare: '$program' does not list its benchmarks: *is declared twice*"
    done
}

# Figures

@test "JSON is as the schema says" {
    tare bench --time 0.02 --filter 'shared*,linear' -o all.json bench_cases_100
    tare bench --time 0.02 --filter timed -o timed.json bench_timed
    tare bench --time 0.2 --filter 'steady,only_here' -o compared.json bench_cases_100 bench_cases_100 --vs bench_cases_200 --fail-on nothing
    run -1 tare bench --time 0.02 --timeout 1 --filter 'wrong,crashes,forks' -o faults.json bench_faults
    run -1 tare bench "${quick[@]}" --filter right_at_100 -o b_fails.json bench_cases_100 bench_cases_200
    is_valid all.json timed.json compared.json faults.json b_fails.json
    run -0 tare bench "${quick[@]}" --filter only_here --format json bench_cases_100
    python -c 'import json, sys; assert json.loads(sys.argv[1])["kind"] == "bench"' "$output"
}

@test "JSON holds every value, with its round, and what was decided before" {
    tare bench --time 0.5 --filter steady --seed 123456789012345 --margin 2% --alpha 0.01 -o result.json bench_cases_100 --vs bench_cases_100
    look result.json <<'END'
assert r["kind"] == "bench" and r["incomplete"] is False and r["command"][0] == "bench", r["command"]
settings = r["bench"]["settings"]
assert settings["time_s"] == 0.5 and settings["margin"] == 0.02 and settings["alpha"] == 0.01, settings
assert settings["seed"] == "123456789012345" and settings["comparisons"] == 1 and settings["pin"] is None, settings
one = b["steady"]
assert (one["bench"], one["args"], one["threads"], one["command"], one["layouts"]) == ("steady", [], 1, False, 1), one
assert one["file"].endswith("bench_cases.c") and one["line"] > 0, one
rounds, dropped = one["contamination"]["rounds"], one["contamination"]["dropped"]
assert [a["label"] for a in one["arms"]] == ["A", "A'", "B"] and [a["control"] for a in one["arms"]] == [False, True, False]
for a in one["arms"]:
    values = a["values_ns"]
    assert len(values) == len(a["rounds"]) == len(a["dropped"]) == rounds >= 1, a
    assert a["rounds"] == list(range(1, rounds + 1)) and sum(a["dropped"]) == dropped, a
    kept = [value for value, left_out in zip(values, a["dropped"]) if not left_out]
    summary = a["summary"]
    assert summary["n"] == len(kept) and summary["min_ns"] == min(kept) and summary["max_ns"] == max(kept), summary
    assert summary["min_ns"] <= summary["median_ns"] == summary["p50_ns"] <= summary["p95_ns"] <= summary["p99_ns"] <= summary["max_ns"]
    assert all(value > 0 for value in values) and a["iterations"] >= 1 and a["samples"] == 12, a
    assert a["loop_ns"] >= 0 and a["first_ns"] > 0 and a["failure"] is None and a["start_ns"] is None, a
assert one["arms"][0]["iterations"] == one["arms"][1]["iterations"] and one["arms"][0]["warmup"] == one["arms"][2]["warmup"]
comparison, = one["comparisons"]
assert comparison["arm"] == 2 and comparison["units"] <= rounds / 2, comparison
for ratio in (comparison["ratio"], comparison["control_ratio"]):
    assert ratio is None or 0.5 < ratio < 2, comparison # None: too few rounds
END
}

@test "of long iterations as few as can be are spent on finding out how long they are" {
    tare bench --time 0.02 --no-counts -o result.json bench_slow
    # Two to find out, of which the first is cold, and two of the round.
    [ "$(wc -l <log)" -eq 4 ]
    rm log
    run tare bench --time 0.1 --no-counts --fail-on nothing -o result.json bench_slow --vs bench_slow
    [ "$(wc -l <log)" -eq 8 ] # those of A, and of a round of three
    look result.json <<<'assert all(one["summary"]["n"] == 1 and one["samples"] == 1 for one in b["slow"]["arms"]), b["slow"]["arms"]'
    is_valid result.json
}

@test "of one program alone there is one arm, and no comparison" {
    tare bench --time 0.05 --filter only_here -o result.json bench_cases_100
    look result.json <<'END'
one = b["only_here"]
assert [a["label"] for a in one["arms"]] == ["A"] and one["comparisons"] == [], one
assert r["bench"]["settings"]["comparisons"] == 0
END
}

@test "each is compared with the first one, whether by --vs or without" {
    tare bench "${quick[@]}" --filter linear/100 -o result.json bench_cases_100 bench_cases_125 --vs bench_cases_200 --fail-on nothing
    look result.json <<'END'
one = b["linear/100"]
assert [(a["label"], a["what"]) for a in one["arms"]] == [
    ("A", "bench_cases_100"), ("A'", "bench_cases_100"), ("B", "bench_cases_125"), ("C", "bench_cases_200")], one["arms"]
assert [c["arm"] for c in one["comparisons"]] == [2, 3] and r["bench"]["settings"]["comparisons"] == 2
END
}

@test "per operation: one system call, one allocation of 64 bytes, and nothing of the set-up" {
    not_with_sanitizer "it has an allocator of its own"
    needs_preload
    run -0 tare bench --time 0.05 --filter 'allocates,asks,steady' -o result.json bench_cases_100
    expect_said "*allocates *1 allocation, 64 bytes allocated,*no syscalls*asks *1 syscall,*no allocations*"
    look result.json <<'END'
counted = {name: [one["arms"][0]["per_op"][what] for what in ("syscalls", "allocations", "allocated_bytes")] for name, one in b.items()}
assert counted == {"steady": [0, 0, 0], "allocates": [0, 1, 64], "asks": [1, 0, 0]}, counted
assert arm("asks")["per_op"]["page_faults"] is not None and arm("asks")["per_op"]["context_switches"] is not None
END
}

@test "of a loop that does nothing, what comes behind it is not counted" {
    for _ in 1 2 3; do
        tare bench --time 0.02 --filter nothing -o result.json bench_rare
        look result.json <<'END'
syscalls = arm("nothing")["per_op"]["syscalls"]
assert syscalls is None or syscalls < 0.001, syscalls
END
    done
}

@test "work that comes rarely is told of A, not of A once more, nor where all rounds were disturbed" {
    run -0 tare bench --time 0.5 --no-counts --filter rarely --fail-on nothing -o result.json bench_rare --vs bench_rare
    [[ $output != *"rarely, A'"* ]]
    look result.json <<'END'
told = any("rarely, A: on average over whole processes" in note for note in r["notes"])
assert not (told and b["rarely"]["contamination"]["rule_suspended"]), r["notes"]
END
}

@test "--no-counts leaves all of that unknown" {
    tare bench "${quick[@]}" --filter asks -o result.json bench_cases_100
    look result.json <<<'assert set(arm("asks")["per_op"].values()) == {None}, arm("asks")["per_op"]'
}

@test "timers inside: how often for each operation, and their net time" {
    run -0 tare bench --time 0.1 --filter timed,steady -o result.json bench_timed
    expect_said "*timer cases::within: 1 call, net *"
    look result.json <<'END'
timer, = arm("timed")["timers"]
assert timer["module"] == "cases" and timer["name"] == "within" and timer["calls"] == 1, timer
assert 0.3 < timer["net_ns"] / arm("timed")["summary"]["median_ns"] < 100 and timer["net_error_ns"] > 0, timer
assert arm("steady")["timers"] == []
END
}

@test "throughput, where the benchmark says what an iteration handles" {
    run -0 tare bench "${quick[@]}" --filter 'steady,asks' -o result.json bench_cases_100
    expect_said "*steady *B/s*asks *items/s*"
    look result.json <<'END'
assert arm("steady")["bytes_per_op"] == 1000 and arm("steady")["items_per_op"] is None
assert arm("asks")["items_per_op"] == 1 and arm("asks")["bytes_per_op"] is None
END
}

@test "a sweep says what its time grows with" {
    not_with_sanitizer "its own time is most of it"
    # How long that takes to see depends on what else the machine does.
    for time in 0.3 1 3; do
        run -0 tare bench --time $time --no-counts --filter linear -o result.json bench_cases_100
        [[ $output != *"linear grows as O(n): "* ]] || break
    done
    expect_said "*linear grows as O(n): *"
    look result.json <<'END'
growth, = r["bench"]["growths"]
assert (growth["bench"], growth["arm"], growth["arg"], growth["best"]) == ("linear", 0, 0, "O(n)"), growth
assert [one["args"] for one in r["bench"]["benchmarks"]] == [[100], [400], [1600], [6400]]
END
}

@test "--instructions counts them by valgrind, and without it says so" {
    not_with_sanitizer "valgrind does not run such programs"
    command -v valgrind >/dev/null || skip "no valgrind"
    valgrind --tool=none bench_cases_100 --list >/dev/null 2>&1 || skip "valgrind cannot read what this compiler makes"
    tare bench "${quick[@]}" --instructions --filter linear/1600 --fail-on nothing -o result.json bench_cases_100 bench_cases_200
    look result.json <<'END'
once, twice = [arm("linear/1600", label)["per_op"]["valgrind_instructions"] for label in "AB"]
assert once > 1600 and 1.95 < twice / once < 2.05, (once, twice)
END
    mkdir tools
    ln -s "$(command -v sh)" tools/sh
    run -0 env PATH="$build_dir/bin:$PWD/tools" tare bench "${quick[@]}" --instructions --filter linear/1600 -o result.json "$build_dir/tests/programs/bench_cases_100"
    [[ $(tr -s '\n ' ' ' <<<"$output") == *"cannot find 'valgrind'"* ]]
    look result.json <<<'assert arm("linear/1600")["per_op"]["valgrind_instructions"] is None'
}

@test "threads are threads" {
    tare bench "${quick[@]}" --filter 'shared*' -o result.json bench_cases_100
    look result.json <<'END'
one = b["shared/threads:2"]
assert one["threads"] == 2 and one["bench"] == "shared" and arm("shared/threads:2")["summary"]["n"] >= 1, one
END
}

@test "an iteration that takes longer than a process is meant to" {
    tare bench --time 0.5 --no-counts --filter slow -o result.json bench_faults
    look result.json <<'END'
one = arm("slow")
assert one["iterations"] == one["samples"] == 1 and one["summary"]["min_ns"] > 99e6, one
END
}

# Verdicts

# What differs by that much is found in a second; it ends by itself then.
compare=(--time 12 --no-counts --alpha 0.5)

@test "twice the work is slower, and exit 1" {
    run -1 --separate-stderr tare bench "${compare[@]}" --filter linear/1600 -o result.json bench_cases_100 --vs bench_cases_200
    expect_said "*=> B is * slower (*decided in * rounds*"
    [ "$stderr" = "" ]
    look result.json <<'END'
comparison, = b["linear/1600"]["comparisons"]
assert comparison["verdict"] == "slower" and comparison["decided_early"] and comparison["stop"], comparison
assert comparison["within_margin"] is False and comparison["reason"] is None, comparison
assert 1 < comparison["low"] <= comparison["ratio"] <= comparison["high"] and 1.5 < comparison["ratio"] < 3, comparison
END
}

@test "--fail-on says what is a failure" {
    slower=(bench_cases_100 --vs bench_cases_200) faster=(bench_cases_200 --vs bench_cases_100)
    run -0 tare bench "${compare[@]}" --filter steady --fail-on nothing "${slower[@]}"
    expect_said "*=> B is * slower (*"
    run -1 tare bench "${compare[@]}" --filter steady --fail-on different "${slower[@]}"
    run -0 tare bench "${compare[@]}" --filter steady "${faster[@]}"
    expect_said "*=> B is * faster (*"
    run -1 tare bench "${compare[@]}" --filter steady --fail-on different "${faster[@]}"
    for code in 'slower 0' 'different 0' 'unresolved 3' 'nothing 0'; do # there is no time for a verdict
        run -"${code#* }" tare bench --time 0.001 --no-counts --filter steady --fail-on "${code% *}" "${slower[@]}"
        expect_said "*=> B is unresolved: too few rounds for an interval*"
    done
    run -2 --separate-stderr tare bench --fail-on slow "${slower[@]}"
    [ "$stderr" = "tare: unknown word 'slow' for --fail-on: did you mean 'slower'?" ]
}

@test "slower by less than the margin is no failure" {
    # On a machine that is busy enough the interval may reach beyond: then it is one.
    run tare bench --time 10 --no-counts --alpha 0.0001 --filter linear/1600 --margin 50 -o result.json bench_cases_100 --vs bench_cases_125
    look result.json <<END
comparison, = b["linear/1600"]["comparisons"]
assert comparison["verdict"] in ("slower", "same", "unresolved"), comparison
assert $status == (comparison["verdict"] == "slower" and not comparison["within_margin"]), comparison
assert comparison["within_margin"] == ("less than the margin" in " ".join("""$output""".split())), comparison
END
}

@test "the same file is neither faster nor slower" {
    run -0 tare bench --time 1 --no-counts --filter steady --fail-on different -o result.json bench_cases_100 --vs bench_cases_100
    look result.json <<<'assert b["steady"]["comparisons"][0]["verdict"] in ("same", "unresolved"), b["steady"]["comparisons"]'
}

@test "what only one of them has is said" {
    run -0 tare bench "${quick[@]}" --filter 'only_here,linear/100' --fail-on nothing -o result.json bench_cases_100 --vs bench_cases_200
    expect_said "*note: only_here, bench_cases_200: it has no benchmark of that name*"
    look result.json <<<'assert b["only_here"]["comparisons"] == [] and len(b["linear/100"]["comparisons"]) == 1'
    run -0 tare bench "${quick[@]}" --filter 'only_here,linear/100' --fail-on nothing bench_cases_200 --vs bench_cases_100
    expect_said "*note: only_here, bench_cases_200: it has no benchmark of that name*"
}

@test "what only the second has is measured as well as what only the first has" {
    run -0 tare bench "${quick[@]}" --filter 'only_here,linear/100' --fail-on nothing -o result.json bench_cases_200 --vs bench_cases_100
    is_valid result.json
    look result.json <<'END'
assert [one["label"] for one in b["only_here"]["arms"]] == ["B"] and arm("only_here", "B")["summary"]["n"] > 0, b["only_here"]
assert b["only_here"]["comparisons"] == [] and len(b["linear/100"]["comparisons"]) == 1
END
    tare report result.json
    run -0 tare bench "${quick[@]}" --filter only_here --fail-on nothing bench_cases_200 --vs bench_cases_100
    [[ $output == *only_here* ]]
}

@test "a seed gives the same order, and is told" {
    # Each process of the benchmark leaves a letter; the first rounds are the same, later ones may not have come.
    for run in one two other; do
        : >$run.log
        enough() { [ "$(wc -l <"$run.log")" -ge 24 ]; }
        background tare bench --shell none --no-counts --time 3600 --seed "$([ $run = other ] && echo 8 || echo 7)" -o $run.json \
            "sh -c 'echo A >>$run.log'" "sh -c 'echo B >>$run.log'" --vs "sh -c 'echo C >>$run.log'"
        await enough
        kill -INT "$pid"
        code_of "$pid"
        [ "$code" -eq 130 ]
        head -n 24 $run.log >$run.order
    done
    cmp one.order two.order
    run ! cmp -s one.order other.order
    look one.json <<<'assert r["bench"]["settings"]["seed"] == "7"'
    # Four arms, of which one is A again, in rounds of which each second one mirrors the one before it.
    python - <<'END'
order = [line.strip() for line in open("other.order")]
for unit in range(0, 24, 8):
    first, second = order[unit:unit + 4], order[unit + 4:unit + 8]
    assert sorted(first) == ["A", "A", "B", "C"] and second == first[::-1], order
END
    run -0 tare report --full one.json
    [[ $output == *"seed 7"* ]]
    # Without --seed it is drawn.
    for run in one two; do
        tare bench "${quick[@]}" --filter only_here -o $run.json bench_cases_100
    done
    [ "$(look one.json <<<'print(r["bench"]["settings"]["seed"])')" != "$(look two.json <<<'print(r["bench"]["settings"]["seed"])')" ]
}

# How it is shown

@test "the table of bench is that of report, with what may be added to both" {
    for options in '' '--full --plot --color always'; do
        # shellcheck disable=SC2086 # words
        run -0 --separate-stderr --keep-empty-lines tare bench "${quick[@]}" $options --filter 'steady,linear' --fail-on nothing -o result.json bench_cases_100 bench_cases_200
        [ "$stderr" = "" ]
        shown=$output
        # shellcheck disable=SC2086 # words
        run -0 --separate-stderr --keep-empty-lines tare report $options result.json
        [ "$output" = "$shown" ] || fail "$(diff <(echo "$shown") <(echo "$output"))"
    done
}

@test "no line is wider than 80 columns" {
    run -0 --keep-empty-lines tare bench --time 0.05 --full --plot --fail-on nothing --filter 'steady,shared*,asks' bench_cases_100 bench_cases_200
    while IFS= read -r line; do
        [ ${#line} -le 80 ] || fail "${#line} columns: $line"
    done <<<"$output"
}

@test "--full has all statistics, --plot a histogram" {
    run -0 tare bench "${quick[@]}" --filter only_here bench_cases_100
    [[ $output != *" sd "* && $output != *█* ]]
    run -0 tare bench "${quick[@]}" --filter only_here --full bench_cases_100
    expect_said "*median*MAD*mean*sd*CV*min*p50*p95*p99*max*outliers: *"
    run -0 tare bench "${quick[@]}" --filter only_here --plot bench_cases_100
    expect_said "*│*█*"
}

@test "CSV has a line for each arm, with the figures of JSON" {
    tare bench --time 0.05 --filter 'linear/100,asks' --fail-on nothing -o result.json bench_cases_100 bench_cases_200
    tare report -o result.csv result.json
    python - <<'END'
import csv, json
benchmarks = json.load(open("result.json"))["bench"]["benchmarks"]
rows = list(csv.DictReader(open("result.csv", newline=""), strict=True))
arms = [(one, arm) for one in benchmarks for arm in one["arms"]]
assert len(rows) == len(arms) == 6, len(rows)
def same(text, value):
    return text == "" if value is None else float(text) == value
for row, (one, arm) in zip(rows, arms):
    assert row["benchmark"] == one["name"] and row["arm"] == arm["label"] and row["what"] == arm["what"], row
    for field in ("median_ns", "median_low_ns", "mad_ns", "mean_ns", "cv", "min_ns", "p95_ns", "p99_ns"):
        assert same(row[field], arm["summary"][field]), (field, row[field], arm["summary"][field])
    assert same(row["syscalls_per_op"], arm["per_op"]["syscalls"]) and int(row["n"]) == arm["summary"]["n"], row
    comparison = [c for c in one["comparisons"] if one["arms"][c["arm"]] is arm]
    assert row["verdict"] == (comparison[0]["verdict"] if comparison else ""), row
    assert int(row["rounds"]) == one["contamination"]["rounds"], row
END
    run -0 --separate-stderr tare bench "${quick[@]}" --filter only_here --format csv bench_cases_100
    [ "${#lines[@]}" -eq 2 ]
}

@test "Markdown has a table and names each benchmark" {
    run -0 --separate-stderr tare bench "${quick[@]}" --filter 'linear/100,asks' --fail-on nothing --format markdown bench_cases_100 bench_cases_200
    [ "$stderr" = "" ]
    for name in asks linear/100; do
        grep -q "^|.*$name" <<<"$output" || fail "no row of '$name'" "$output"
    done
    run -0 tare bench "${quick[@]}" --filter only_here -o result.md bench_cases_100
    [[ $output == benchmark* && $(<result.md) == "| benchmark "* ]] # the table beside it
}

@test "a result that was written and read again is the same" {
    tare bench --time 0.05 --filter 'asks,timed' -o once.json bench_timed --vs bench_timed
    tare report -o twice.json once.json
    cmp once.json twice.json
}

@test "a result of benchmarks says of which machine it is" {
    tare bench "${quick[@]}" --filter only_here -o result.json bench_cases_100
    run -0 --separate-stderr tare doctor --against result.json
    expect_said "same machine as that of 'result.json'*"
}

@test "progress is for terminals" {
    run -0 --separate-stderr tare bench --time 0.2 --no-counts --filter 'linear/100,asks' bench_cases_100
    [ "$stderr" = "" ]
    [[ $output != *$'\r'* && $output != *$'\e'* ]]
    # What is left is that of the whole call.
    run -0 on_terminal tare bench --time 1 --no-counts --filter 'linear/100,asks' bench_cases_100
    expect_said "*1 of 2: asks, round 1, 2 s left of all at most*2 of 2: linear/100, round 1, 1 s left of all at most*linear/100 *"
    run -0 on_terminal --stderr err tare bench "${quick[@]}" --filter only_here bench_cases_100
    [ ! -s err ]
}

# Where it goes

@test "a file is there whole or not at all" {
    [ "$(id -u)" -eq 0 ] && unshare -m mount -t tmpfs none . 2>/dev/null || skip "no file system of our own can be mounted: only root may"
    mkdir small
    # shellcheck disable=SC2016 # the inner shell's
    run -2 --separate-stderr unshare -m sh -ec 'mount -t tmpfs -o size=4k none small
        echo old >small/result.json
        code=0
        tare bench --time 0.02 --no-counts --filter linear -o small/result.json bench_cases_100 || code=$?
        ls -A small >left
        cp small/result.json kept
        exit $code'
    [ "$stderr" = "tare: cannot write 'small/result.json': No space left on device" ]
    [ "$(<left)" = result.json ]
    [ "$(<kept)" = old ]
}

@test "output that cannot be written is an error" {
    run -2 --separate-stderr tare bench "${quick[@]}" --filter only_here --format json -o /dev/full bench_cases_100
    [ "$stderr" = "tare: cannot write '/dev/full': No space left on device" ]
    for format in table json csv markdown; do
        run -2 --separate-stderr bash -c "tare bench --time 0.02 --no-counts --filter only_here --format $format bench_cases_100 >/dev/full"
        expect stderr "$stderr" "tare: cannot write to standard output: No space left on device"
    done
    run -2 --separate-stderr bash -c 'tare bench --list bench_cases_100 >/dev/full'
}

@test "what cannot be written is said before anything is measured" {
    for file in missing/result.json .; do
        run -2 --separate-stderr timeout 20 tare bench -o $file bench_faults # it would hang
        [ "$output" = "" ]
        expect stderr "$stderr" "tare: cannot * '$file': *"
    done
}

# What goes wrong

@test "each kind of failure is named, and the rest goes on" {
    copy_program bench_faults
    run -1 --separate-stderr tare bench --time 0.02 --timeout 1.5 -o result.json ./bench_faults
    [ "$stderr" = "" ]
    expect output "$output" "*
wrong
    failed: tare_require(answer == 42) in*bench_faults.c:*
no_loop
    failed: it never gets to a TARE_EACH loop
left_early
    failed: it leaves its TARE_EACH loop early
*
crashes
    failed: crashed: signal 6 (Aborted)
exits
    failed: exited with code 7
exits_well
    failed: ended before its benchmark did: does it exit() or close all files?
*
hangs
    failed: took longer than 1.5 s (--timeout)
*
7 of 16 benchmarks failed
*"
    expect_said "*note: prints, A: it prints while it is measured, which costs time: 'printed by*benchmark'*"
    expect_said "*note: forks, A: it left processes running behind it*they were killed*"
    is_gone bench_faults
    look result.json <<'END'
failed = [name for name, one in b.items() if one["arms"][0]["failure"] is not None]
assert failed == ["wrong", "no_loop", "left_early", "crashes", "exits", "exits_well", "hangs"], failed
for name, one in b.items():
    assert (one["arms"][0]["summary"]["n"] == 0) == (name in failed), name
END
}

@test "B fails where A does not" {
    run -1 --separate-stderr tare bench --time 0.1 --no-counts --filter 'right_at_100,linear/100' --fail-on nothing -o result.json bench_cases_100 --vs bench_cases_200
    expect output "$output" "*linear/100*right_at_100
  => B *
     failed: tare_require(WORK == 100) in*"
    look result.json <<'END'
assert arm("right_at_100", "B")["failure"].startswith("tare_require(WORK == 100) in "), arm("right_at_100", "B")
assert arm("right_at_100", "A")["failure"] is None and b["right_at_100"]["comparisons"][0]["verdict"] == "unresolved"
assert arm("linear/100", "B")["summary"]["n"] > 0
END
}

@test "a program for another processor, or none at all" {
    copy_program bench_cases_100
    # e_machine: AArch64, or x86-64 where that is ours
    printf '%b' "$([ "$(uname -m)" = aarch64 ] && echo '\x3e' || echo '\xb7')" | dd of=bench_cases_100 bs=1 seek=18 conv=notrunc status=none
    run -2 --separate-stderr tare bench ./bench_cases_100
    [ "$output" = "" ]
    [ "$stderr" = "tare: cannot run './bench_cases_100': it is for another processor" ]
    run -2 --separate-stderr tare bench
    expect stderr "$stderr" "tare: what is to be measured? *"
}

@test "programs and commands do not mix, unless programs are timed as commands" {
    for second in 'plain' 'sleep 0.01' .; do
        run -2 --separate-stderr tare bench bench_cases_100 --vs "$second"
        [ "$output" = "" ]
        [ "$stderr" = "tare: '$second' has no benchmarks in it (TARE_BENCH), and what it is compared with has: --command times all of them as command lines" ]
    done
    run -2 --separate-stderr tare bench bench_cases_100 --vs ./missing
    [ "$stderr" = "tare: cannot run './missing': No such file or directory" ]
    run -0 tare bench --command --ignore-failure "${quick[@]}" -o result.json bench_twice plain --fail-on nothing
    look result.json <<<'assert b["bench_twice"]["command"] and arm("bench_twice", "A")["exit_code"] == 2, b'
}

@test "options for commands are refused with programs, and the other way round" {
    for option in '--setup x' '--prepare x' '--conclude x' '--cleanup x' '--input /dev/null' '--warmup 1' '--name x' --ignore-failure --show-output; do
        # shellcheck disable=SC2086 # words
        run -2 --separate-stderr tare bench "${quick[@]}" --filter only_here $option bench_cases_100
        [ "$output" = "" ] || fail "$option is taken"
        expect stderr "$stderr" "tare: *${option%% *}* for commands*"
    done
    for option in --list '--filter x' '--vs-rev HEAD' '--relink 2'; do
        # shellcheck disable=SC2086 # words
        run -2 --separate-stderr tare bench $option plain
        [ "$output" = "" ]
        expect stderr "$stderr" "tare: ${option% *} is for programs with benchmarks in them (TARE_BENCH): 'plain' has none"
    done
}

@test "wrong numbers are refused, each with its option" {
    for option in time timeout margin alpha pin seed warmup relink; do
        for value in x '' -1 nan inf 1e400 99999999999999999999 5x; do
            run -2 --separate-stderr timeout 20 tare bench --"$option" "$value" bench_faults # it would hang
            [ "$output" = "" ]
            expect stderr "$stderr" "tare: '$value' is no* for --$option"
        done
    done
    for option in time timeout margin alpha relink; do
        run -2 timeout 20 tare bench --"$option" 0 bench_faults
    done
    for wrong in 'margin 60' 'alpha 0.6' 'relink 1' 'relink 1001'; do
        # shellcheck disable=SC2086 # words
        run -2 --separate-stderr timeout 20 tare bench --$wrong bench_faults
        expect stderr "$stderr" "tare: '${wrong#* }' is no*"
    done
}

@test "--pin to a processor that is not there" {
    run -2 --separate-stderr timeout 20 tare bench --pin 1023 bench_faults
    [ "$output" = "" ]
    [ "$stderr" = "tare: cannot use processor 1023: there is none of that number, or none for this process" ]
    cpu=$(taskset -cp $$ | sed 's/.*[^0-9]//') # the last that we may use
    tare bench "${quick[@]}" --filter only_here --pin "$cpu" -o result.json bench_cases_100
    look result.json <<<"assert r['bench']['settings']['pin'] == $cpu"
}

@test "too many to compare" {
    programs=()
    for i in {1..16}; do
        programs+=(bench_cases_100)
    done
    run -2 --separate-stderr tare bench "${programs[@]}"
    [ "$stderr" = "tare: 16 are too many to compare: 15 at most in one call" ]
    run -2 --separate-stderr tare bench "${programs[@]/#/--vs=}" bench_cases_100
    [ "$stderr" = "tare: --vs is given too often: 15 times at most" ]
}

# Interrupted

is_at_hangs() {
    grep -q '^right ' out && lives bench_faults
}

@test "Ctrl-C gives what there is, and leaves nobody behind" {
    copy_program bench_faults
    background tare bench --filter 'right,hangs,linear' --time 0.1 --no-counts -o result.json ./bench_faults
    await is_at_hangs
    kill -INT "$pid"
    code_of "$pid"
    [ "$code" -eq 130 ]
    [ "$(<err)" = "" ]
    expect out "$(<out)" "*right *INCOMPLETE: interrupted, so that this is what there was until then*"
    [[ $(<out) != *linear/* ]]
    is_gone bench_faults
    is_valid result.json
    look result.json <<<'assert r["incomplete"] is True and arm("right")["summary"]["n"] >= 1 and set(b) <= {"right", "hangs"}, b.keys()'
    run -0 tare report result.json
    expect_said "*INCOMPLETE*"
}

@test "Ctrl-C on a terminal gives the verdict so far" {
    copy_program bench_cases_100
    # It is typed when the progress line says 3, or 30 and some rounds.
    run -130 on_terminal --at 'round 3' ^C tare bench --filter right_at_100 --time 3600 -o result.json ./bench_cases_100 --vs ./bench_cases_100
    expect_said "*right_at_100*=> B is *INCOMPLETE: interrupted*"
    is_gone bench_cases_100
    look result.json <<'END'
comparison, = b["right_at_100"]["comparisons"]
assert r["incomplete"] is True and comparison["decided_early"] is False, comparison
assert len(arm("right_at_100")["values_ns"]) == b["right_at_100"]["contamination"]["rounds"]
END
}

@test "SIGTERM ends it as well" {
    copy_program bench_faults
    background tare bench "${quick[@]}" --filter 'right,hangs' -o result.json ./bench_faults
    await is_at_hangs
    kill -TERM "$pid"
    code_of "$pid"
    [ "$code" -eq 143 ]
    is_gone bench_faults
    is_valid result.json
    look result.json <<<'assert r["incomplete"] is True'
}

# The lock

@test "one measurement waits for the other" {
    mkfifo gate
    background tare bench --time 0.01 --no-counts 'cat gate'
    holder=$pid
    await test -s "$TARE_LOCK_FILE"
    run -0 --separate-stderr timeout 20 tare bench --no-lock "${quick[@]}" --filter only_here bench_cases_100
    [ "$stderr" = "" ]
    run -0 --separate-stderr timeout 20 tare bench --list bench_cases_100
    [ "$stderr" = "" ]
    mkdir second third
    for waiting in second third; do
        cd $waiting
        background tare bench "${quick[@]}" --filter only_here bench_cases_100
        eval "$waiting=\$pid"
        cd ..
        await test -s $waiting/err
        expect err "$(<$waiting/err)" "tare: waiting for 'tare bench *cat gate' (pid $holder) to end"
        [ ! -s $waiting/out ]
    done
    # shellcheck disable=SC2154 # set above
    kill -INT "$third"
    code_of "$third"
    [ "$code" -eq 130 ]
    [ "$(wc -l <third/err)" -eq 1 ]
    kill -TERM "$holder"
    code_of "$holder"
    [ "$code" -eq 143 ]
    # shellcheck disable=SC2154
    code_of "$second"
    [ "$code" -eq 0 ]
    expect out "$(<second/out)" "*only_here *"
}
