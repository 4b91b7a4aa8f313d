#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# tare history check: the gate. What counts as a change, and how series are judged, is tests/unit/test_history_check.c's.

load common

setup_file() {
    export TARE_HISTORY_CHECK_BASE=$BATS_FILE_TMPDIR/base.json
}

needs_history() {
    unset TARE_DB TARE_PROJECT GITHUB_ACTIONS GITLAB_CI CI
    export TARE_DB=$PWD/history.db TARE_PROJECT=sample
    run tare history show
    [[ $output != *"was built without"* ]] || skip "built without SQLite"
    [ -s "$TARE_HISTORY_CHECK_BASE" ] || tare run -o "$TARE_HISTORY_CHECK_BASE" true 2>/dev/null
}

needs_inih() {
    tare info --format json | python -c 'import json, sys; sys.exit(json.load(sys.stdin)["libraries"]["inih"] is None)' ||
        skip "built without inih"
}

# results FIRST COUNT NAME=NS...: result-NNN.json of that many runs of benchmarks, an hour and a commit apart, from run FIRST on.
results() {
    python - "$here" "$TARE_HISTORY_CHECK_BASE" "$@" <<'PYTHON'
import datetime
import json
import os
import statistics
import sys

sys.path.insert(0, sys.argv[1])
sys.dont_write_bytecode = True
import make_results

base, first, count, benchmarks = sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), sys.argv[5:]
for number in range(first, first + count):
    path = f"result-{number:03}.json"
    make_results.bench(base, path, str(number), *benchmarks)
    result = make_results.load(path)
    for benchmark in result["bench"]["benchmarks"]:
        for arm in benchmark["arms"]:
            values = sorted(arm["values_ns"])
            arm["summary"].update({"median_ns": statistics.median(values), "median_low_ns": values[13], "median_high_ns": values[26]})
    started = datetime.datetime.fromtimestamp(1700000000 + 3600 * number, datetime.timezone.utc)
    result["started"] = started.strftime("%Y-%m-%dT%H:%M:%SZ")
    result["environment"]["commit"] = f"{number:06x}" + 34 * "0"
    result["environment"]["branch"] = os.environ.get("BRANCH")
    result["command"] = ["bench", "./ring bench", "--time", "1", "-o", "it.json", "--history=else.db"]
    make_results.save(path, result)
PYTHON
}

# add FIRST COUNT NAME=NS...: such results are in the history.
add() {
    results "$@"
    tare history add result-*.json >/dev/null
    rm result-*.json
}

# in_json EXPRESSION: of the document in $output.
in_json() {
    python -c 'import json, sys
document = json.loads(sys.argv[1])
series = {one["name"]: one for one in document["series"]}
print(eval(sys.argv[2]))' "$output" "$1"
}

@test "what stays is 0, a step for the worse is 1, one for the better 0" {
    needs_history
    add 0 20 stays=50 slow=100 fast=100
    run -0 tare history check
    expect report "$output" $'3 series of \'sample\': 3 steady\nJudged are changes within the newest 50 points *'
    add 20 15 stays=50 slow=110 fast=90
    run -1 tare history check
    expect report "$output" $'regressed    program::slow median\n             +* to do: git log --oneline *..*improved     program::fast median\n             -*\n\n3 series of \'sample\': 1 regressed, 1 improved, 1 steady\n*'
    run -0 tare history check '*fast*' '*stays*'
    run -0 tare history check --fail-on nothing
    run -0 tare history check --margin 20%
    expect report "$output" $'*changed      program::slow median\n*below the*margin*'
}

@test "a size whose interval is not known says so, and why" {
    needs_history
    # They depend on each other, so that 12 points before and 3 behind bound nothing.
    python - >past.json <<'END'
import hashlib, json
values = [100 + 0.1 * n for n in range(12)] + [200, 200.1, 200.2]
entries = [{
    "commit": {"id": hashlib.sha1(b"%d" % n).hexdigest(), "message": "m", "timestamp": f"2024-01-{n + 1:02}T00:00:00+00:00"},
    "date": 1704067200000 + n * 86400000,
    "tool": "customSmallerIsBetter",
    "benches": [{"name": "ring::write", "value": value, "unit": "ns"}],
} for n, value in enumerate(values)]
print(json.dumps({"lastUpdate": 0, "repoUrl": "", "entries": {"Benchmark": entries}}))
END
    tare history import past.json >/dev/null
    run -1 tare history check --format json
    [ "$(in_json '[(change["shift_low"], change["ratio_high"]) for change in document["series"][0]["changes"]]')" = "[(None, None)]" ]
    run -1 tare history check
    expect size "$output" "regressed *+99.0 % (interval unknown: too few points), from 100.5 ns to*"
    run -1 tare history check --format markdown
    expect size "$output" "*+99.0 %*interval unknown: too few points*"
    run -0 tare history html --markdown
    expect size "$output" "*| +99.0 % (interval unknown: too few points) |*"
}

@test "JSON is as its schema says, and Markdown has a table" {
    needs_history
    add 0 20 stays=50 slow=100
    add 20 15 stays=50 slow=110
    add 35 1 stays=60 slow=110 young=7
    run -1 tare history check --format json
    [ "$(in_json 'document["verdict"], document["suspected"], series["slow"]["status"], series["young"]["status"]')" = "('fail', True, 'regressed', 'too few')" ]
    [ "$(in_json 'int(series["slow"]["changes"][0]["good"][:6], 16) < 20 <= int(series["slow"]["changes"][0]["bad"][:6], 16)')" = True ]
    if python -c 'import jsonschema' 2>/dev/null; then
        printf '%s' "$output" >check.json
        python -c 'import json, jsonschema, sys
jsonschema.Draft202012Validator(json.load(open(sys.argv[1]))).validate(json.load(open("check.json")))' "$source_dir/docs/history-check.schema.json"
    fi
    run -1 tare history check -o check.md
    [ -z "$output" ]
    expect markdown "$(cat check.md)" $'### It got worse\n\n*\n| **regressed** | program::slow median | +*\n| **suspected** | program::stays median | +*'
}

@test "with too few points nothing is judged, and that is said" {
    needs_history
    add 0 4 slow=100
    run -0 tare history check
    [ "$output" = $'1 series of \'sample\': 1 with too few points\nno change could be judged: a series needs 10 points, and the fullest lacks 6' ]
}

@test "one point is suspected, with the command to measure again" {
    needs_history
    add 0 20 slow=100
    add 20 1 slow=130
    run -0 tare history check
    expect report "$output" $'suspected    program::slow median\n*the newest point alone*\n             to do: measure again: *'
    run -0 tare history check --format json
    [ "$(in_json 'document["rerun"]')" = "TARE_PROJECT=sample tare bench --history=$TARE_DB './ring bench' --time 1" ]
    mkdir "it's" && cp history.db "it's/a store.db"
    run -0 tare history check --format json --db "it's/a store.db"
    [ "$(in_json 'document["rerun"]')" = "TARE_PROJECT=sample tare bench --history='it'\\''s/a store.db' './ring bench' --time 1" ]
    mkdir .tare && mv history.db .tare/
    TARE_DB="" run -0 tare history check --format json
    [ "$(in_json 'document["rerun"]')" = "TARE_PROJECT=sample tare bench --history './ring bench' --time 1" ]
    TARE_DB="" run -1 tare history check --fail-on suspected
}

@test "measuring again settles it, in either direction" {
    needs_history
    add 0 30 slow=100 odd=100
    add 30 1 slow=130 odd=130
    results 31 12 slow=130 odd=100
    mkdir next && mv result-*.json next/
    run -1 --separate-stderr tare history check --reruns 12 --rerun 'f=$(ls next/*.json | head -n 1) && echo noise && tare history add "$f" && mv "$f" .'
    expect report "$output" $'regressed    program::slow median\n*'
    [[ $output != *noise* && $output != *odd* ]]
    expect progress "$stderr" $'2 suspected: measuring again, 1 of 12 at most: f=*\nnoise\nadded 1 result*1 suspected: measuring again, 2 of 12*'
}

@test "measuring again that adds nothing is given up, and one that fails is trouble" {
    needs_history
    add 0 20 slow=100
    add 20 1 slow=130
    run -0 --separate-stderr tare history check --rerun 'echo x >>ran'
    [ "$(wc -l <ran)" = 1 ]
    expect report "$output" $'suspected *\nnote: measuring again added no point to these series, so it was given up*'
    run -2 --separate-stderr tare history check --rerun 'exit 7'
    [ -z "$output" ]
    expect stderr "$stderr" $'1 suspected: measuring again, 1 of 3 at most: exit 7\ntare: \'exit 7\' failed with exit code 7'
    run -0 tare history check --rerun 'echo x >>ran' --reruns 0
    [ "$(wc -l <ran)" = 1 ]
}

@test "a signal ends measuring again, and what is there is reported" {
    needs_history
    add 0 20 slow=100
    add 20 1 slow=130
    mkfifo begun
    tare history check --rerun 'echo >begun; exec sleep 60' >report 2>/dev/null &
    pid=$!
    started+=("$pid")
    read -r <begun
    kill -TERM "$pid"
    code=0
    wait "$pid" || code=$?
    [ "$code" = 2 ]
    expect report "$(cat report)" $'suspected *\nnote: interrupted: measuring again did not end\n*'
}

@test "since, against and a baseline say from where on changes count" {
    needs_history
    add 0 20 slow=100
    add 20 20 slow=110
    run -1 tare history check --since "$(printf '%06x' 12)"
    run -0 tare history check --since "$(printf '%06x' 30)"
    expect report "$output" "1 series of 'sample': 1 steady*Judged are changes since '00001e'*"
    run -0 tare history check --since 2100-01-01
    run -1 tare history check --against "$(printf '%06x' 12)"
    expect report "$output" $'regressed *against \'00000c\'*'
    run -0 tare history check --against "$(printf '%06x' 30)"
    run -2 tare history check --against 0123456
    tare history baseline set --commit "$(printf '%06x' 30)" --reason 'we want it'
    run -0 tare history check
    expect report "$output" $'*Judged are changes behind the baseline \'default\'*'
    run -2 tare history check --baseline other
    expect error "$output" "tare: unknown baseline 'other': *"
}

@test "the newest values are held to a budget, and what is unknown does not pass" {
    needs_history
    needs_inih
    add 0 20 slow=100 other=100
    printf '%s\n' '[slow.median]' 'at-most = 150 ns' >perf.ini
    run -0 tare history check --budget perf.ini
    printf '%s\n' '[slow.median]' 'at-most = 50 ns' >perf.ini
    run -1 tare history check --budget perf.ini
    expect report "$output" $'over budget  program::slow median\n             the newest value, *, is to be at most 50 ns\n*'
    printf '%s\n' '[program::slow.median]' 'at-most = 1.5' 'relative-to = other.median' >perf.ini
    run -0 tare history check --budget perf.ini
    printf '%s\n' '[slow.median]' 'at-most = 1.5' 'relative-to = baseline' >perf.ini
    run -2 tare history check --budget perf.ini
    expect error "$output" "tare: perf.ini:3: 'slow.median' is relative to a baseline, and none is given*"
    tare history baseline set --series '*other*'
    run -1 tare history check --budget perf.ini
    expect report "$output" $'over budget  program::slow median\n             unknown to the budget: the baseline does not have it\n*'
    printf '%s\n' '[slwo.median]' 'at-most = 50 ns' >perf.ini
    run -2 tare history check --budget perf.ini
    expect error "$output" "tare: perf.ini:1: unknown metric 'slwo.median': *"
    run -0 tare history check '*other*' --budget perf.ini
}

@test "the newest run's branch is judged, and the report says so" {
    needs_history
    BRANCH=main add 0 20 slow=100
    BRANCH=feature add 20 15 slow=110
    run -0 tare history check
    expect report "$output" "1 series of 'sample' on branch 'feature': 1 steady*"
    run -0 tare history check --branch main
    expect report "$output" "1 series of 'sample' on branch 'main': 1 steady*"
    run -1 tare history check --against "$(printf '%06x' 19)"
    expect report "$output" $'regressed *1 series of \'sample\' on branch \'feature\': 1 regressed\nJudged is the level now against *'
    run -2 tare history check --branch other
    [ "$output" = "tare: no points of the branch 'other': there are 'main', 'feature'" ] ||
        [ "$output" = "tare: no points of the branch 'other': there are 'feature', 'main'" ]
}

@test "the branch that is checked out goes first, where the history has points of it" {
    needs_history
    command -v git >/dev/null || skip "no git"
    git init -q -b main . 2>/dev/null || skip "a git without branches by name"
    git -c user.name=a -c user.email=a@b commit -q --allow-empty -m first
    BRANCH=main add 0 20 slow=100
    BRANCH=feature add 20 15 slow=110
    run -0 tare history check
    expect report "$output" $'1 series of \'sample\' on branch \'main\': 1 steady\nnote: judged is the branch \'main\', which is checked out; the newest result is of\n      \'feature\': --branch chooses\n*'
    git checkout -q -b feature
    run -0 tare history check
    expect report "$output" $'1 series of \'sample\' on branch \'feature\': 1 steady\nJudged*'
    git checkout -q -b third
    run -0 tare history check --format json
    [ "$(in_json 'document["branch"], len(document["notes"])')" = "('feature', 1)" ]
}

@test "against what nothing is behind, nothing is judged, and that is said" {
    needs_history
    add 0 20 slow=100
    run -0 tare history check --against "$(printf '%06x' 19)"
    expect report "$output" $'*: 1 steady\nnote: nothing was measured behind \'000013\' yet, so nothing is judged\n*'
    run -0 tare history check --against "$(printf '%06x' 18)"
    [[ $output != *"nothing was measured"* ]]
}

@test "mistakes are told, and judge nothing" {
    needs_history
    run -2 tare history check
    expect error "$output" "tare: there is no history *"
    add 0 3 slow=100
    run -2 tare history check --fail-on suspect
    [ "$output" = "tare: unknown word 'suspect' for --fail-on: did you mean 'suspected'?" ]
    run -2 tare history check --format csv
    [ "$output" = "tare: unknown format 'csv': one of table, json, markdown" ]
    run -2 tare history check -o check.csv
    run -2 tare history check --rerun ''
    run -2 tare history check --budget missing.ini
    run -2 tare history check 'nothing*'
}
