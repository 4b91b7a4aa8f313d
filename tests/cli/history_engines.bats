#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# tare history on a SQLite file and on a PostgreSQL server: each test is run on both, and both have to say the same. What
# it is that they say is looked at in detail in history*.bats; the store below the command is history_store.bats'.

load common
load history_engines
load postgres
load serve_helpers

setup_file() {
    load postgres
    postgres_scratch=$(mktemp -d /tmp/tare-pg.XXXXXX)
    chmod 755 "$postgres_scratch"
    postgres_begin "$postgres_scratch/pg" || true
    export postgres_scratch postgres_url postgres_reason
}

teardown_file() {
    load postgres
    postgres_stop
}

# results FIRST COUNT NAME=NS...: NNN.json of that many runs of these benchmarks, an hour and a commit apart.
results() {
    [ -s "$BATS_FILE_TMPDIR/base.json" ] || tare run -o "$BATS_FILE_TMPDIR/base.json" true 2>/dev/null
    python - "$here" "$BATS_FILE_TMPDIR/base.json" "$@" <<'END'
import datetime, statistics, sys
sys.path.insert(0, sys.argv[1])
sys.dont_write_bytecode = True
import make_results
base, first, count, benchmarks = sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), sys.argv[5:]
for number in range(first, first + count):
    path = f"{number:03}.json"
    make_results.bench(base, path, str(number), *benchmarks)
    result = make_results.load(path)
    for benchmark in result["bench"]["benchmarks"]:
        for arm in benchmark["arms"]:
            values = sorted(arm["values_ns"])
            arm["summary"].update({"median_ns": statistics.median(values), "median_low_ns": values[13], "median_high_ns": values[26]})
    started = datetime.datetime(2026, 1, 1, tzinfo=datetime.timezone.utc) + datetime.timedelta(hours=number)
    result["started"] = started.strftime("%Y-%m-%dT%H:%M:%SZ")
    result["environment"].update({"commit": f"{number:06x}" + 34 * "0", "branch": "main" if number % 2 == 0 else None})
    result["command"] = ["bench", "./ring bench"]
    make_results.save(path, result)
END
}

adding() {
    results 0 4 write=100 read=50
    tell 0 add 000.json
    expect first "$output" "added 1 result: * points in * series"
    tell 0 add 000.json 001.json
    expect second "$output" "added 1 result: * points in * series; 1 was there already"
    tell 0 add - <002.json
    tell 0 add 000.json 001.json 002.json
    expect again "$output" "added nothing: the results were there already"
    echo '{"schema": "tare-result"' >broken.json
    tell 2 add 003.json broken.json
    tell 0 add --commit "$(printf %040d 300)" --branch side --dirty yes --link https://example.org/job/7 003.json
    tell 0 fsck
    keep runs.csv show --runs --format csv
    [ "$(wc -l <kept.runs.csv)" = 5 ]
    tell 0 add --project other 000.json
    keep others.csv show --project other --points --format csv
}

@test "add: once each, from files and standard input, and nothing of a list with a wrong one" {
    on_both adding
}

measuring() {
    results 0 1 write=100
    tell 0 add 000.json
    run -0 --separate-stderr tare stat --history -- true
    expect kept "$(same "$stderr")" "*kept in 'FIRST': * points"
    run -0 --separate-stderr tare stat --history="$db" -- true
    run -0 tare history show 'true wall' --points --format csv
    [ "${#lines[@]}" = 3 ]
    tare history fsck # says how many points, and not each run has the same counters
}

@test "--history of a command that measures" {
    on_both measuring
}

showing() {
    results 0 9 write=100 'wr\"i,te=70' zeit-µ=50
    sed -Ei 's/("hash": *").{8}/\1ffffffff/' 008.json # another machine
    tare history add ???.json
    local way
    for way in '' --points --runs '--runs --last 2' '--points --last 3' '--since 2026-01-01T05:00:00Z' '--points --since 000004' \
        '--branch main --points' '--clean --points' '*write*'; do
        # shellcheck disable=SC2086 # several words
        tell 0 show $way
    done
    for way in table json csv markdown; do
        tell 0 show --format "$way"
        tell 0 show --points --format "$way"
        tell 0 show --runs --format "$way"
    done
    tell 2 show 'nothing*'
    tell 2 show --machine 0123456789abcdef
    tell 2 show --project nobody
}

@test "show: series, points and runs, in each form, whichever are asked for" {
    on_both showing
}

judging() {
    results 0 20 stays=50 slow=100 fast=100
    tare history add 0??.json
    tell 0 check
    results 20 15 stays=50 slow=110 fast=90
    tare history add 02?.json 03?.json
    tell 1 check
    expect report "$output" "regressed *slow median*improved *fast median*1 regressed, 1 improved, 1 steady*"
    tell 1 check --format json
    tell 1 check --format markdown
    tell 0 check --margin 20%
    tell 0 check '*fast*'
    tell 1 check --since 000012
    tell 0 check --since 00001e
    tell 1 check --against 00000c
    tell 2 check --against 0123456
    tell 1 check --branch main
    printf '%s\n' '[slow.median]' 'at-most = 50 ns' >perf.ini
    tell "$(tare info --format json | python -c 'import json, sys
print(1 if json.load(sys.stdin)["libraries"]["inih"] else 2)')" check --budget perf.ini
}

@test "check: regressed, improved, within the margin, since and against, over budget" {
    on_both judging
}

suspecting() {
    results 0 30 slow=100 odd=100
    results 30 1 slow=130 odd=130
    tare history add 0??.json
    tell 0 check
    expect report "$output" "suspected *median*measure again*2 suspected*"
    tell 1 check --fail-on suspected
    results 31 12 slow=130 odd=100
    mkdir next
    mv 03[1-9].json 04?.json next/
    # shellcheck disable=SC2016 # its shell expands it
    tell 1 check --reruns 12 --rerun 'f=$(ls next/*.json | head -n 1) && tare history add "$f" && mv "$f" .'
    expect report "$output" "*regressed *slow median*"
    [ "$(ls next | wc -l)" -lt 12 ]
    ls next >>said
}

@test "check: what was seen once is suspected, and measuring again settles it" {
    on_both suspecting
}

accepting() {
    results 0 20 slow=100
    results 20 15 slow=110
    tare history add 0??.json
    tell 1 check
    tell 0 baseline set --commit 00001e --reason "we want it, 'so' \"there\""
    tell 0 check
    expect report "$output" "*Judged are changes behind the baseline 'default'*"
    tell 0 baseline set release --series '*slow*'
    tell 0 baseline show
    tell 0 baseline show --format json
    tell 2 check --baseline other
    tell 0 baseline set release --commit 000002 # moves it
    tell 1 check --baseline release
    tell 0 baseline remove default
    tell 2 baseline remove default
    tell 2 baseline set --commit nonsense
    tell 1 check
    tell 0 fsck
}

@test "baseline: set, moved, shown, judged by, removed" {
    on_both accepting
}

exporting() {
    results 0 3 write=100 'read "µ"=50'
    printf '\n\n' >>001.json # bytes of no meaning are bytes
    tare history add 000.json 001.json 002.json
    local n digest
    for n in 000 001 002; do
        digest=$(sha256sum $n.json)
        tare history export "${digest:0:12}" >raw
        cmp raw $n.json
    done
    tell 0 export --all --to all
    [ "$(cat all/*.json | wc -c)" = "$(cat 00?.json | wc -c)" ]
    ls all >>said
    keep points.csv export --all --format csv
    keep points.json export --all --format json
    keep one.json export --format json "${digest:0:12}"
    tell 2 export 0123456789
    tell 2 export --all
}

@test "export: byte for byte what was added, and points as CSV and JSON" {
    on_both exporting
}

importing() {
    [ -s ../data.js ] || { printf 'window.BENCHMARK_DATA = ' && python "$here/make_history.py" 3 20; } >../data.js
    printf '{"results": [{"command": "sleep 1; rm -rf \\"x\\"", "mean": 1.5, "stddev": 0.001, "median": 1.5, "user": 0.1, "system": 0.1, "min": 1.4, "max": 1.6, "times": [1.4, 1.6]}]}\n' >h.json
    touch -d 2026-01-05T00:00:00Z h.json # when it was measured: the file itself does not say
    tell 0 import --dry-run ../data.js
    [ ! -e first.db ]
    tell 0 import ../data.js
    expect added "$output" "added 20 results: 60 points in 3 series"
    tell 0 import ../data.js
    expect again "$output" "added nothing: the results were there already"
    tell 0 import --from hyperfine --commit 0123456789012345678901234567890123456789 --branch main h.json
    tell 0 import --project other - <h.json # of now, as standard input has no date
    echo '{"something": "else"}' >other.json
    tell 2 import h.json other.json
    keep points.csv show --points --format csv
    keep back.json export --all --format json
    tell 0 fsck
}

@test "import: github-action-benchmark's data, hyperfine's, again, and what is neither" {
    on_both importing
}

# From the engine that is tested to the other one, and back.
merging() {
    local other=sqlite
    [ "$engine" = postgresql ] || other=postgresql
    results 0 6 write=100 read=50
    tare history add 000.json 001.json 002.json
    tare history baseline set --commit 000001 --reason because >/dev/null
    empty_history second "$other"
    second=$fresh
    tare history add --db "$second" 002.json 003.json >/dev/null
    tare history add --db "$second" --project other 004.json 005.json >/dev/null
    tell 0 merge "$second"
    tell 0 merge "$second"
    expect again "$output" "merged '*': all of it was there already"
    tell 0 merge --db "$second" "$db"
    tell 0 merge --db "$second" "$db"
    for way in "--points --format csv" "--runs --format csv" "--project other --points --format json"; do
        # shellcheck disable=SC2086 # several words
        tare history show $way >ours
        # shellcheck disable=SC2086
        tare history show --db "$second" $way >theirs
        cmp ours theirs
        cat ours >>said
    done
    tare history html --data | sed 's/"made":"[^"]*"//' >ours
    tare history html --data --db "$second" | sed 's/"made":"[^"]*"//' >theirs
    cmp ours theirs
    tell 0 fsck
    tell 0 fsck --db "$second"
    for n in 000 003; do
        digest=$(sha256sum $n.json)
        tare history export --db "$second" "${digest:0:12}" | cmp - $n.json
        tare history export "${digest:0:12}" | cmp - $n.json
    done
}

@test "merge: from one engine into the other, and back" {
    on_both merging
}

pruning() {
    results 0 6 write=100 read=50
    tare history add 00?.json
    tell 2 prune
    tell 0 prune --before 2026-01-01T02:00:00Z --dry-run
    expect dry "$output" "would remove * points, 2 results and 2 raw results"
    keep all.csv show --runs --format csv
    [ "$(wc -l <kept.all.csv)" = 7 ]
    tell 0 prune --before 2026-01-01T02:00:00Z
    tell 0 prune --keep 3
    tell 0 prune --raws --before 2026-01-01T04:00:00Z
    digest=$(sha256sum 003.json)
    tell 2 export "${digest:0:12}"
    digest=$(sha256sum 005.json)
    tare history export "${digest:0:12}" | cmp - 005.json
    tell 0 prune '*read*'
    tell 0 prune --keep 3
    expect nothing "$output" "removed nothing"
    keep left.csv show --points --format csv
    tell 0 fsck
}

@test "prune: a dry run, by date, by number, raw results, series" {
    on_both pruning
}

drawing() {
    [ -s ../past.json ] || python "$here/make_history.py" 8 60 >../past.json
    tare history import ../past.json >/dev/null
    results 0 12 write=100
    tare history add 0??.json >/dev/null
    tare history html --data | sed 's/"made":"[^"]*"//' >kept.data.json
    grep -q '"status":"regressed"' kept.data.json
    tare history baseline set --commit 000004 >/dev/null
    tare history html --data --against 000002 '*write*' | sed -E 's/"made":"[^"]*"//; s/"set":[0-9]+/"set":0/' >kept.against.json
    keep page.md html --markdown
    tare history html -o page.html
    grep -q '<script type="application/json" id="data">' page.html
    tell 2 html --data 'nothing*'
}

@test "html: the data are the same up to the time, and so is the Markdown" {
    on_both drawing
}

serving() {
    results 0 12 write=100
    tare history add 0??.json >>said
    begin_serving --history="$db" --interval 1 called-so-by-nobody
    ask_for 200 GET /api/v1/history
    end_serving
    sed 's/"made":"[^"]*"//' <<<"$body" >kept.data.json
    tare history html --data | sed 's/"made":"[^"]*"//' | cmp - kept.data.json
}

@test "serve --history: what it sends is the same" {
    needs_server
    on_both serving
}
