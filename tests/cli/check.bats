#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# tare check: a result against its budget. What a budget can say, and how a value is judged, is tests/unit/test_budget.c's.

load common

# The full sample of the unit tests: made up, so that figures can be asserted.
sample() {
    cp "$source_dir/tests/fuzz/corpus/result/bench.json" bench.json
}

needs_inih() {
    tare info --format json | python -c 'import json, sys; sys.exit(json.load(sys.stdin)["libraries"]["inih"] is None)' ||
        skip "built without inih"
}

# budget LINE...: writes perf.ini.
budget() {
    printf '%s\n' "$@" >perf.ini
}

# in_json EXPRESSION: of the document in $output.
in_json() {
    python -c 'import json, sys
document = json.loads(sys.argv[1])
print(eval(sys.argv[2]))' "$output" "$1"
}

# change FILE PYTHON: a statement about `result`.
change() {
    python -c 'import json, sys
result = json.load(open(sys.argv[1]))
exec(sys.argv[2])
json.dump(result, open(sys.argv[1], "w"))' "$@"
}

@test "pass and warn are 0, fail and unknown are 1" {
    needs_inih
    sample
    budget '[ring_write/64.median]' 'at-most = 11 ns'
    run -0 tare check bench.json --budget perf.ini
    expect table "$output" $'judgement  metric *\npass       ring_write/64.median  10.000ns  9.667ns to 10.100ns  ≤ 11 ns         -  +9.1 %\n\n1 metric: 1 within the budget\nintervals are of 95 %'
    budget '[ring_write/64.median]' 'at-most = 9 ns' 'critical = 10 ns'
    run -0 tare check bench.json --budget perf.ini
    expect table "$output" $'*\nwarn ~ *-11.1 %\n\n1 metric: 1 beyond a target\n~ judged by the value; *'
    budget '[ring_write/64.median]' 'at-most = 9 ns'
    run -1 tare check bench.json --budget perf.ini
    expect table "$output" $'*\nfail   *\n\n1 metric: 1 over the budget\n*'
    budget '[sleep 0.1 | cat.median]' 'at-most = 1 s'
    run -1 tare check bench.json --budget perf.ini
    expect table "$output" $'*\nunknown *\n\n1 metric: 1 unknown\nunknown: sleep 0.1 | cat.median: its value is unknown'
    budget '[sleep 0.1 | cat.median]' 'informational = yes' '[ring_write/64.median]' 'at-most = 9 ns' 'informational = yes'
    run -0 tare check bench.json --budget perf.ini
    expect table "$output" $'*\ninfo *\ninfo *\n\n2 metrics: 2 for information\n*'
}

@test "why a benchmark is unknown is what it says itself" {
    needs_inih
    sample
    change bench.json 'arm = result["bench"]["benchmarks"][1]["arms"][0]; arm["failure"] = "ended by signal 11\x1b[2J"'
    budget '[sleep 0.1 | cat.median]' 'at-most = 1 s'
    run -1 tare check bench.json --budget perf.ini
    expect table "$output" $'*\nunknown: sleep 0.1 | cat.median: ended by signal 11\\x1B[2J'
}

@test "timers of a run are judged, too" {
    needs_inih
    tare run -o result.json nested
    budget '[nested::sort.net_avg]' 'at-most = 1 s' '[nested::sort.calls]' 'at-least = 1' '[lost_scopes]' 'at-most = 0' \
        '[wall]' 'at-most = 100 s'
    run -0 tare check result.json --budget perf.ini
    expect table "$output" $'*\npass *\npass *\npass *\npass *\n\n4 metrics: 4 within the budget\n*'
    expect table "$output" $'*nested::sort.calls *exact*'
}

@test "every metric that is listed can be put into a budget as it stands" {
    needs_inih
    sample
    tare run -o odd.json odd_names
    tare run -o nested.json nested
    for result in bench.json odd.json nested.json; do
        run -0 --separate-stderr tare check "$result" --list-metrics
        [ "${#lines[@]}" -gt 20 ]
        printf '%s\n' "${lines[@]:1}" | sed 's/\(.*\]\)  .*/\1\ninformational = yes/' >perf.ini
        for locale in C.UTF-8 C; do
            LC_ALL=$locale run -0 --separate-stderr tare check "$result" --budget perf.ini --format json
            [ "$(in_json 'len(document["metrics"])')" = "$(grep -c informational perf.ini)" ]
        done
        LC_ALL=C tare check "$result" --list-metrics | tail -n +2 | sed 's/\(.*\]\)  .*/\1\ninformational = yes/' >ascii.ini
        ! LC_ALL=C grep -q '[^ -~]' ascii.ini || fail "not ASCII"
        run -0 tare check "$result" --budget ascii.ini
    done
}

@test "a mistake in a budget is told with its line, and judges nothing" {
    needs_inih
    sample
    budget '[ring_write/64.median]' 'at-mots = 3 ns'
    run -2 --separate-stderr tare check bench.json --budget perf.ini
    [ -z "$output" ]
    [ "$stderr" = "tare: perf.ini:2: unknown key 'at-mots': did you mean 'at-most'?" ]
    budget '[ring_write/64.median]' 'colour = red'
    run -2 --separate-stderr tare check bench.json --budget perf.ini
    [ "$stderr" = "tare: perf.ini:2: unknown key 'colour': one of at-most, at-least, target, critical, relative-to, informational" ]
    budget '[ring_write/64.median]' 'at-most = 3 ns' '' 'at-most = 3 ns'
    run -2 --separate-stderr tare check bench.json --budget perf.ini
    [ "$stderr" = "tare: perf.ini:4: 'at-most' is there twice: it is in line 2 already" ]
    budget '[ring_write/64.median]' 'at-most = 3 ns' '[ring_write/64.median]' 'at-most = 3 ns'
    run -2 --separate-stderr tare check bench.json --budget perf.ini
    [ "$stderr" = "tare: perf.ini:3: '[ring_write/64.median]' is there twice: it is in line 1 already" ]
    budget '; nothing'
    run -2 --separate-stderr tare check bench.json --budget perf.ini
    [ "$stderr" = "tare: perf.ini: there is no section in it: a budget of nothing would pass whatever was measured" ]
}

@test "names that are not in the result are errors, all of them at once" {
    needs_inih
    sample
    budget '[ring_write/64.medain]' 'at-most = 3 ns' '[ring_write/64.median]' 'at-most = 3 MB/s' '[x]' 'at-most = 1'
    run -2 --separate-stderr tare check bench.json --budget perf.ini
    [ -z "$output" ]
    expect error "$stderr" "tare: perf.ini:1: unknown metric 'ring_write/64.medain': did you mean 'ring_write/64.median'?
tare: perf.ini:4: '3 MB/s' is no limit for 'ring_write/64.median', which is a time, as 5.2 us
tare: perf.ini:5: unknown metric 'x': 'tare check RESULT --list-metrics' lists those there are"
}

@test "limits can be relative to a baseline" {
    needs_inih
    tare run -o old.json nested
    set_figures() {
        change "$1" 'figures = [t for t in result["timers"] if t["name"] == "sort"][0]["figures"]
figures.update({"net_avg_ns": '"$2"', "net_avg_low_ns": '"$2"' * 0.98, "net_avg_high_ns": '"$2"' * 1.02, "net_avg_error_sampling_ns": 1})'
    }
    set_figures old.json 100
    cp old.json new.json
    set_figures new.json 150
    budget '[nested::sort.net_avg]' 'relative-to = baseline' 'at-most = 105 %' '[nested::sort.calls]' 'relative-to = baseline' 'at-least = 1' 'critical = 0.5'
    run -1 tare check new.json --budget perf.ini --baseline old.json
    expect table "$output" $'*\nfail       nested::sort.net_avg  1.5000  1.4582 to 1.5430  ≤ 105 %         -  -42.9 %\npass       nested::sort.calls    1.0000             exact      ≥ 1     ≥ 0.5    0.0 %\n*\nnested::sort.net_avg: 150.000ns, relative to 100.000ns of the baseline\n*'
    run -0 tare check old.json --budget perf.ini --baseline old.json
    run -2 --separate-stderr tare check new.json --budget perf.ini
    expect error "$stderr" $'tare: perf.ini:2: \'nested::sort.net_avg\' is relative to a baseline, and none is given\n*:5: *'
    change old.json 'result["timers"] = [t for t in result["timers"] if t["name"] != "sort"]'
    run -1 tare check new.json --budget perf.ini --baseline old.json
    expect table "$output" $'*\nunknown: nested::sort.net_avg: the baseline does not have it\n*'
}

@test "a baseline of another machine is refused, unless by force" {
    needs_inih
    tare run -o old.json nested
    cp old.json new.json
    cp old.json unknown.json
    change old.json 'result["fingerprint"]["parts"]["kernel"] = "another"; result["fingerprint"]["hash"] = "0" * 64'
    change unknown.json 'result["fingerprint"] = None'
    budget '[nested::sort.calls]' 'relative-to = baseline' 'at-most = 1'
    run -2 --separate-stderr tare check new.json --budget perf.ini --baseline old.json
    [ -z "$output" ]
    expect error "$stderr" "tare: 'old.json' and 'new.json' were not measured alike: *--force*"
    run -0 tare check new.json --budget perf.ini --baseline old.json --force
    expect table "$output" $'*\nnote: the baseline was not measured alike: --force'
    run -2 --separate-stderr tare check new.json --budget perf.ini --baseline unknown.json
    expect error "$stderr" "tare: 'unknown.json' has no fingerprint, *"
    run -0 tare check new.json --budget perf.ini --baseline unknown.json --force
    sample
    run -2 --separate-stderr tare check new.json --budget perf.ini --baseline bench.json
    expect error "$stderr" "tare: 'bench.json' is a result of kind 'bench', *"
    budget '[nested::sort.calls]' 'at-least = 1'
    run -0 --separate-stderr tare check new.json --budget perf.ini --baseline old.json
    expect warning "$stderr" "tare: warning: no metric of 'perf.ini' is relative to a baseline: *"
}

@test "an incomplete result is said to be one" {
    needs_inih
    sample
    change bench.json 'result["incomplete"] = True'
    budget '[ring_write/64.median]' 'at-most = 1 s'
    run -0 tare check bench.json --budget perf.ini
    expect table "$output" $'*\nnote: the result is incomplete: its measurement was interrupted'
}

@test "JSON has all of it" {
    needs_inih
    sample
    budget '[ring_write/64.median]' 'at-most = 10.05 ns' 'critical = 12 ns' '[ring_write/64.B.median]' \
        'relative-to = ring_write/64.median' 'at-most = 120 %' '[sleep 0.1 | cat.median]' 'at-most = 1 s'
    run -1 --separate-stderr tare check bench.json --budget perf.ini --format json
    python - "$output" <<'END'
import json, sys
check = json.loads(sys.argv[1])
assert check["schema"] == "tare-check" and check["schema_version"] == 1 and check["verdict"] == "fail", check
assert check["counts"] == {"pass": 2, "warn": 0, "fail": 0, "unknown": 1, "info": 0}, check
median, ratio, unknown = check["metrics"]
assert median["metric"] == "ring_write/64.median" and median["line"] == 1 and median["judgement"] == "pass", median
assert median["value"] == 10 and median["unit"] == "ns" and median["within_error"] is True, median
assert median["target"] == 10.05 and median["critical"] == 12 and median["direction"] == "at-most", median
assert abs(median["left_share"] - 0.05 / 10.05) < 1e-9 and median["measured"] is None, median
assert ratio["unit"] == "ratio" and abs(ratio["value"] - 1.1) < 1e-9 and ratio["target"] == 1.2, ratio
assert ratio["measured"]["value"] == 11 and ratio["base"]["value"] == 10, ratio
assert ratio["relative_to"] == "ring_write/64.median" and 1 < ratio["low"] < 1.1 < ratio["high"] < 1.2, ratio
assert unknown["value"] is None and unknown["judgement"] == "unknown" and unknown["why"], unknown
END
    run -1 tare check bench.json --budget perf.ini -o check.json
    [ -z "$output" ]
    [ "$(cat check.json)" = "$(tare check bench.json --budget perf.ini --format json)" ]
    run -0 --separate-stderr tare check bench.json --list-metrics --format json
    [ "$(in_json '[m["value"] for m in document["metrics"] if m["metric"] == "ring_write/64.median"]')" = '[10.0]' ]
}

@test "Markdown, and a file by its suffix" {
    needs_inih
    sample
    budget '[ring_write/64.median]' 'at-most = 11 ns'
    tare check bench.json --budget perf.ini -o check.md
    expect Markdown "$(cat check.md)" $'| judgement | metric | *\n| :--- | :--- | ---: *\n| pass | ring\\_write/64.median | 10.000ns | *\n- 1 metric: *'
    run -2 --separate-stderr tare check bench.json --budget perf.ini -o check.csv
    expect error "$stderr" "tare: a check has no CSV, *"
    [ ! -e check.csv ]
    run -2 --separate-stderr tare check bench.json --budget perf.ini --format csv
    expect error "$stderr" "tare: unknown format 'csv': one of table, json, markdown"
}

@test "colour as asked for, and an intelligible table without UTF-8" {
    needs_inih
    sample
    budget '[ring_write/64.median]' 'at-most = 11 ns' '[ring_write/64.min]' 'at-most = 1 ns'
    run -1 tare check bench.json --budget perf.ini --color always
    expect table "$output" $'*\033[1;32mpass *\033[1;31mfail *'
    run -1 tare check bench.json --budget perf.ini
    ! grep -q $'\033' <<<"$output" || fail "$output"
    LC_ALL=C run -1 tare check bench.json --budget perf.ini
    expect table "$output" $'*\npass *<= 11 ns *'
    ! LC_ALL=C grep -q '[^ -~]' <<<"$output" || fail "$output"
    run -1 on_terminal --columns 60 tare check bench.json --budget perf.ini
    expect table "$output" $'*no room for the columns critical and left*'
}

@test "the result or the budget can come from standard input" {
    needs_inih
    sample
    budget '[ring_write/64.median]' 'at-most = 11 ns'
    expected=$(tare check bench.json --budget perf.ini)
    [ "$(tare check - --budget perf.ini <bench.json)" = "$expected" ]
    [ "$(tare check bench.json --budget - <perf.ini)" = "$expected" ]
    run -2 --separate-stderr tare check - --budget - <bench.json
    expect error "$stderr" "tare: only one file can be standard input"
}

@test "what is wrong with the command line or a file is one line" {
    needs_inih
    sample
    budget '[ring_write/64.median]' 'at-most = 11 ns'
    run -2 --separate-stderr tare check
    expect error "$stderr" "tare: no result given: *"
    run -2 --separate-stderr tare check bench.json
    expect error "$stderr" "tare: no budget given: *"
    run -2 --separate-stderr tare check bench.json bench.json --budget perf.ini
    expect error "$stderr" "tare: one result at a time: *"
    run -2 --separate-stderr tare check bench.json --list-metrics --budget perf.ini
    expect error "$stderr" "tare: --list-metrics goes with RESULT alone: *"
    run -2 --separate-stderr tare check missing.json --budget perf.ini
    [ "$stderr" = "tare: cannot read 'missing.json': No such file or directory" ]
    run -2 --separate-stderr tare check bench.json --budget missing.ini
    [ "$stderr" = "tare: cannot open 'missing.ini': No such file or directory" ]
    run -2 --separate-stderr tare check bench.json --budget .
    [ "$stderr" = "tare: cannot read '.': Is a directory" ]
    run -2 --separate-stderr tare check perf.ini --budget perf.ini
    expect error "$stderr" "tare: cannot read 'perf.ini': result is not JSON: *"
    head -c 2000000 /dev/zero >large.ini
    run -2 --separate-stderr tare check bench.json --budget large.ini
    expect error "$stderr" "tare: cannot read 'large.ini': it is larger than a budget, 1 MiB"
    [ "${#stderr_lines[@]}" -eq 1 ]
}

@test "output that cannot be written is trouble, not an answer" {
    needs_inih
    sample
    budget '[ring_write/64.median]' 'at-most = 11 ns'
    for format in table json markdown; do
        run -2 bash -c "tare check bench.json --budget perf.ini --format $format 2>&1 >/dev/full"
        expect error "$output" "tare: cannot write to standard output: *"
    done
}

@test "a result of tare bench is as the schema says, and can be shown and compared with this machine" {
    sample
    python "$here/check_result.py" schema "$source_dir/docs/result.schema.json" bench.json
    run -0 tare report bench.json
    expect report "$output" '*ring_write/64*'
    tare report -o again.json bench.json
    cmp bench.json again.json
    run -2 tare doctor --against bench.json # it has no fingerprint
    tare run -o nested.json nested
    change bench.json 'result["fingerprint"] = json.load(open("nested.json"))["fingerprint"]'
    run -0 tare doctor --against bench.json
    change bench.json 'result["bench"] = None'
    run -2 tare report bench.json
    expect error "$output" "tare: cannot read 'bench.json': not a whole result: 'bench' is missing"
}
