#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# tare compare: results against each other. They are made up (make_results.py), but for one that is measured first, so that
# what they differ in is known.

load common

make() {
    python "$here/make_results.py" "$@"
}

# base.json is measured; old.json, new.json and again.json have benchmarks.
make_benchmarks() {
    tare run -o base.json scenes exit 0
    make bench base.json old.json 1 ring_write/64=12.3 ring_read=100 pool=5000 lock=20 gone=7
    make bench base.json new.json 2 ring_write/64=13.4 ring_read=95 pool=5000 lock=20 added=8
    make bench base.json again.json 3 ring_write/64=12.3 ring_read=110 pool=5000 lock=20
}

make_timers() {
    tare run -o base.json scenes exit 0
    make timers base.json old.json slower=100,0.5 faster=100,0.5 same=100,0.1 open=100,5 grown=0.2,1 tiny=0.2,1
    make timers base.json new.json slower=104,0.5 faster=96,0.5 same=100.05,0.1 open=104,5 grown=50,1 tiny=0.3,1
}

# verdict NAME: of the table in $output.
verdict() {
    awk -v name="$1" '$1 == name { print $NF }' <<<"$output"
}

of_json() {
    python -c 'import json, sys
document = json.loads(sys.stdin.read())
print(eval(sys.argv[1], {"d": document, "r": {row["name"]: row for row in document["new"][0]["rows"]}}))' "$1" <<<"$output"
}

@test "benchmarks have verdicts, with a change and its interval" {
    make_benchmarks
    run -1 --separate-stderr tare compare old.json new.json
    [ -z "$stderr" ]
    [ "$(verdict ring_write/64) $(verdict ring_read) $(verdict gone) $(verdict added)" = "slower faster removed added" ]
    expect title "$output" "*4 benchmarks in 'old.json' and 'new.json': 1 slower, 1 faster,*"
    expect change "$output" "*ring_write/64 * ns * ns  +?.? % (+?.? to +?*)* slower*"
    expect caveat "$output" "*have no pairs of rounds and no control arm*'tare bench A --vs B'*"
    [ "$(wc -L <<<"$output")" -le 80 ] || fail "wider than 80" "$output"
}

@test "timers have verdicts by their net time and its error" {
    make_timers
    run -1 --separate-stderr tare compare old.json new.json
    [ "$(verdict m::slower) $(verdict m::faster) $(verdict m::same) $(verdict m::open)" = "slower faster same unresolved" ]
    [ "$(verdict m::grown) $(verdict m::tiny)" = "slower unresolved" ]
    expect unresolved "$output" "*m::open * +4.0 % (seen from * %)  unresolved*"
    expect bound "$output" "*m::grown * < 1.000 ns * over * × *slower*"
    expect note "$output" "*note: m::tiny: below the detection limit in both results*"
    [ "$(wc -L <<<"$output")" -le 80 ] || fail "wider than 80" "$output"
}

@test "results of tare run can be compared as they are" {
    for i in 1 2; do
        tare run --repeat 8 -o "$i.json" nested
    done
    run -0 --separate-stderr tare compare --fail-on nothing 1.json 2.json
    [ "$(grep -c '^nested::' <<<"$output")" -eq 3 ]
    run -0 --separate-stderr tare compare --fail-on nothing 1.json - <2.json
    expect output "$output" "*3 timers in '1.json' and 'standard input'*"
}

@test "--fail-on decides on the exit code, and the margin on what counts" {
    make_benchmarks
    code() {
        local got=0
        tare compare "$@" >/dev/null || got=$?
        echo "$got"
    }
    [ "$(code old.json new.json)" = 1 ]
    [ "$(code --fail-on nothing old.json new.json)" = 0 ]
    [ "$(code --filter ring_read old.json new.json)" = 0 ]
    [ "$(code --filter ring_read --fail-on slower old.json new.json)" = 0 ]
    [ "$(code --filter ring_read --fail-on different old.json new.json)" = 1 ]
    [ "$(code --filter 'ring_write*' --fail-on different old.json new.json)" = 1 ]
    [ "$(code --margin 20 old.json new.json)" = 0 ]
    [ "$(code --margin 20% --fail-on different old.json new.json)" = 0 ]
    [ "$(code --filter ring_read --control again.json --fail-on different old.json new.json)" = 0 ]
    [ "$(code --filter ring_read --control again.json --fail-on unresolved old.json new.json)" = 3 ]
    run -1 tare compare --filter 'ring_write*' old.json new.json
    run -0 tare compare --filter 'ring_write*' --margin 20 old.json new.json
    [ "$(verdict ring_write/64)" = slower ]
    expect note "$output" "*note: there is a change, within the margin of 20 %: ring_write/64*"
}

@test "a benchmark that fails in the new result alone: exit 1" {
    make_benchmarks
    make set new.json bench.benchmarks.2.arms.0.failure '"tare_require(x == 3) in a.c:20"'
    run -1 tare compare --filter pool old.json new.json
    [ "$(verdict pool)" = unresolved ]
    expect note "$output" "*note: pool: failed in the new result: tare_require(x == 3) in a.c:20*"
    run -0 tare compare --filter pool --fail-on nothing old.json new.json
    run -0 tare compare --filter pool new.json old.json
}

@test "where the old code differs from itself, nothing is resolved" {
    make_benchmarks
    run -1 --separate-stderr tare compare --control again.json old.json new.json
    [ "$(verdict ring_read) $(verdict ring_write/64)" = "unresolved slower" ]
    expect note "$output" "*note: ring_read: the old code differs from itself in the control*"
    expect caveat "$output" "*'again.json', the old code once more, is a control of that*"
    run -1 --separate-stderr tare compare --control again.json --format json old.json new.json
    [ "$(of_json 'r["ring_read"]["control"]["differs"], r["ring_write/64"]["control"]["differs"]')" = "(True, False)" ]
    [ "$(of_json 'd["control"]["file"], r["gone"]["control"]')" = "('again.json', None)" ]
}

@test "several new results: each against the old one, in a table of its own" {
    make_benchmarks
    run -1 --separate-stderr tare compare old.json new.json again.json
    expect first "$output" "*in 'old.json' and 'new.json': *in 'old.json' and 'again.json': *"
    run -1 --separate-stderr tare compare --format json old.json new.json again.json
    [ "$(of_json 'd["comparisons"], [n["file"] for n in d["new"]]')" = "(8, ['new.json', 'again.json'])" ]
}

@test "--arm: another arm of both" {
    make_benchmarks
    for file in old new; do
        python - "$file.json" <<'END'
import json, sys
document = json.load(open(sys.argv[1]))
for benchmark in document["bench"]["benchmarks"]:
    arm = json.loads(json.dumps(benchmark["arms"][0]))
    arm["label"] = "B"
    arm["values_ns"] = [value * (2 if sys.argv[1] == "old.json" else 1) for value in arm["values_ns"]]
    benchmark["arms"].append(arm)
json.dump(document, open(sys.argv[1], "w"))
END
    done
    run -0 tare compare --arm B old.json new.json
    [ "$(verdict ring_write/64) $(verdict pool)" = "faster faster" ]
    run -2 tare compare --arm C old.json new.json
    expect message "$output" "tare: 'old.json' has no arm 'C': see 'tare report old.json'"
}

@test "JSON is as the schema says, and says what the table says" {
    make_benchmarks
    tare compare --fail-on nothing -o benchmarks.json old.json new.json
    tare compare --fail-on nothing --control again.json -o control.json old.json new.json
    make set again.json fingerprint.parts.kernel '"9.9"' fingerprint.hash "\"$(printf '%064d' 0)\""
    tare compare --fail-on nothing --force -o forced.json old.json again.json
    make_timers
    make set new.json incomplete true
    tare compare --fail-on nothing -o timers.json old.json new.json
    python "$here/check_result.py" schema "$source_dir/docs/comparison.schema.json" benchmarks.json control.json forced.json timers.json
    output=$(<forced.json)
    [ "$(of_json 'd["new"][0]["measured_alike"], [p["name"] for p in d["new"][0]["differs_in"]]')" = "(False, ['kernel'])" ]
    output=$(<timers.json)
    [ "$(of_json 'r["slower"]["verdict"], r["slower"]["ratio"] == 1.04, r["slower"]["old"]["calls"]')" = "('slower', True, 1000)" ]
    [ "$(of_json 'r["grown"]["ratio"], r["grown"]["high"], r["grown"]["low"] > 5, r["tiny"]["why"]')" = "(None, None, True, 'below the detection limit in both results')" ]
    [ "$(of_json 'd["of"], d["paired"], d["new"][0]["counts"]["slower"], d["new"][0]["incomplete"]')" = "('timers', False, 2, True)" ]
}

@test "Markdown for a pull request: changes first, the rest folded away" {
    make_benchmarks
    run -1 --separate-stderr tare compare --format markdown old.json new.json
    expect heading "${lines[0]}" "### 4 benchmarks in 'old.json' and 'new\\.json': 1 slower, 1 faster,*"
    expect changes "$output" $'*| ring\\_write/64 | * | **slower** |\n*<details>\n<summary>* the same or unresolved</summary>*| lock |*</details>*'
    expect words "$output" "*<summary>How this was judged, and what it cannot know</summary>*control arm*</details>*"
    [ "$(grep -c '^<details>' <<<"$output")" = "$(grep -c '^</details>' <<<"$output")" ]
    tare compare --fail-on nothing -o comment.md old.json new.json
    [ "$(<comment.md)" = "$output" ]
}

@test "CSV has a line for each row" {
    make_benchmarks
    tare compare --fail-on nothing -o table.csv old.json new.json again.json
    python - <<'END'
import csv
rows = list(csv.DictReader(open("table.csv", encoding="utf-8"), strict=True))
assert len(rows) == 6 + 5, rows
row = next(row for row in rows if row["name"] == "ring_write/64" and row["file"] == "new.json")
assert row["verdict"] == "slower" and float(row["ratio_low"]) > 1 and row["old_count"] == "40", row
gone = next(row for row in rows if row["presence"] == "removed")
assert gone["verdict"] == gone["ratio"] == gone["new_ns"] == "", gone
END
}

@test "--sort and --columns" {
    make_benchmarks
    order() {
        tare compare --fail-on nothing --columns name "$@" old.json new.json | sed -n '/^name/,/^$/p' | tail -n +2 | tr '\n' ' '
    }
    [ "$(order | cut -d' ' -f1)" = ring_write/64 ]
    [ "$(order --sort name)" = "added gone lock pool ring_read ring_write/64  " ]
    for column in $(tare compare --columns help | cut -d' ' -f1); do
        run -1 tare compare --columns "name,$column" old.json new.json
        grep -q "\*$column\*" "$source_dir/docs/man/tare-compare.1.scd" || fail "'$column' is not in the man page"
    done
    run -2 tare compare --columns name,verdit old.json new.json
    expect message "$output" "tare: unknown column 'verdit': did you mean 'verdict'?"
    run -2 tare compare --format csv --columns name old.json new.json
    expect message "$output" "tare: --columns is for tables: CSV and JSON always have everything"
}

@test "other fingerprints are refused, with what differs; --force compares all the same, with a warning" {
    make_benchmarks
    make set new.json fingerprint.parts.kernel '"9.9 \u001b[2J"' fingerprint.parts.governor '"performance"' fingerprint.hash "\"$(printf '%064d' 0)\""
    run -2 --separate-stderr tare compare old.json new.json
    [ -z "$output" ]
    expect message "$stderr" "tare: 'old.json' and 'new.json' were not measured alike: 2 parts of the fingerprint differ; --force compares them all the same
kernel
    old.json: *
    new.json: 9.9 \\x1B[2J
governor
    old.json: *
    new.json: performance"
    run -1 --separate-stderr tare compare --force old.json new.json
    [ -z "$stderr" ]
    expect warning "${lines[0]}" "warning: 'old.json' and 'new.json' were not measured alike, they differ in*"
    make set new.json fingerprint null
    run -2 --separate-stderr tare compare old.json new.json
    expect message "$stderr" "tare: 'new.json' has no fingerprint, so whether 'old.json' was measured alike is unknown: measure again, or --force"
    run -1 tare compare --force old.json new.json
    expect warning "${lines[0]}" "warning: 'new.json' has no fingerprint: *"
    run -2 --separate-stderr tare compare --control new.json old.json again.json
    expect message "$stderr" "tare: 'new.json' has no fingerprint, *"
}

@test "what cannot be compared: one line, exit 2" {
    make_benchmarks
    cp old.json benchmarks.json
    cp base.json timers.json
    cp base.json copy.json
    make set base.json kind '"weather"'
    make timers timers.json other.json a=1,0.1
    make bench timers.json nothing.json 1
    make bench timers.json strange.json 1 other=5
    sed 's/"schema_version": 1/"schema_version": 999/' timers.json >newer.json
    head -c 500 timers.json >short.json
    refuse() {
        local expected=$1
        shift
        run -2 tare compare "$@"
        [ "${#lines[@]}" -eq 1 ] || fail "$*: not one line" "$output"
        expect "$*" "$output" "tare: $expected"
    }
    refuse "no results given: tare compare*"
    refuse "one result is not enough: tare compare*" old.json
    refuse "'old.json' is given twice: compare two results" old.json old.json
    refuse "'old.json' is given twice: compare two results" old.json new.json --control old.json
    refuse "'old.json' and 'benchmarks.json' are the same: compare two results" old.json benchmarks.json
    refuse "'timers.json' and 'copy.json' are the same: compare two results" timers.json copy.json
    refuse "'old.json' has benchmarks and 'timers.json' has timers: *" old.json timers.json
    refuse "'timers.json' has timers and 'old.json' has benchmarks: *" timers.json old.json
    refuse "'base.json' is a result of kind 'weather': *" base.json timers.json
    refuse "cannot read 'newer.json': result has schema version 999, *: use a newer tare" old.json newer.json
    refuse "cannot read 'short.json': result is cut short in line *" short.json old.json
    refuse "cannot read 'missing.json': No such file or directory" old.json missing.json
    refuse "cannot read '.': *" old.json .
    refuse "'nothing.json' has no benchmarks to compare" old.json nothing.json
    refuse "'old.json' and 'strange.json' have no benchmark in common: 'ring_write/64' is in the first, 'other' in the second" old.json strange.json
    refuse "no benchmark of 'old.json' or 'new.json' matches 'x*'" --filter 'x*' old.json new.json
    refuse "--arm is for results of 'tare bench': 'timers.json' has timers" --arm B timers.json other.json
    refuse "'0' is no number from 0.01 to 50 for --margin" --margin 0 old.json new.json
    refuse "'1' is no number from 1e-09 to 0.5 for --alpha" --alpha 1 old.json new.json
    refuse "unknown word 'slow' for --fail-on: did you mean 'slower'?" --fail-on slow old.json new.json
    refuse "unknown word 'xxxxxxxx' for --sort: one of effect, name" --sort xxxxxxxx old.json new.json
    refuse "'standard input' is given twice: compare two results" - - <timers.json
    refuse "cannot create 'no/where.json': No such file or directory" -o no/where.json old.json new.json
}

@test "a terminal is not overrun, and has colour" {
    make_timers
    for columns in 60 80 120; do
        run -1 on_terminal --columns "$columns" tare compare old.json new.json
        plain=$(sed $'s/\033\\[[0-9;]*m//g; s/\r//' <<<"$output")
        [ "$(wc -L <<<"$plain")" -le "$columns" ] || fail "wider than $columns" "$plain"
        [[ $output == *$'\033[1;31mslower\033[0m'* ]] || fail "no colour"
    done
    NO_COLOR=1 run -1 on_terminal tare compare old.json new.json
    [[ $output != *$'\033['* ]] || fail "colour"
}

@test "in ASCII where there is no UTF-8" {
    make_timers
    for format in table markdown; do
        LC_ALL=C run -1 --separate-stderr tare compare --format $format old.json new.json
        ! LC_ALL=C grep -q '[^ -~]' <<<"$output" || fail "not ASCII" "$output"
    done
}

@test "output that cannot be written: a message and a code" {
    make_benchmarks
    for format in table json csv markdown; do
        run -2 bash -c "tare compare --format $format old.json new.json 2>&1 >/dev/full"
        [ "$output" = "tare: cannot write to standard output: No space left on device" ]
    done
}
