#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# tare history import: files of other tools, on their way into the history and out of it again. What becomes of which
# figure is in tests/unit/test_import*.c.

load common

needs_history() {
    tare info --format json | python -c 'import json, sys
libraries = json.load(sys.stdin)["libraries"]
sys.exit(0 if libraries["sqlite3"] and libraries["zlib"] else 1)' || skip "built without SQLite or zlib"
}

entry() { # COMMIT VALUE
    printf '{"commit":{"id":"%s","message":"Change %s\\n\\nbody","timestamp":"2019-11-28T16:36:14Z","url":"https://github.com/o/r/commit/%s"},"date":%s,"tool":"cargo","benches":[{"name":"fib","unit":"ns/iter","value":%s}]}' \
        "$1" "$1" "$1" "${3:-1574927127603}" "$2"
}

@test "what hyperfine has just measured" {
    needs_history
    command -v hyperfine >/dev/null || skip "no hyperfine"
    hyperfine -N -r 3 -n nothing true --export-json h.json >/dev/null 2>&1 || skip "hyperfine does not run here"
    run -0 --separate-stderr tare history import --db h.db --project p h.json
    expect output "$output" "added 1 result: 3 points in 3 series"
    run -0 --separate-stderr tare history show --db h.db --project p --format json
    python - "$output" <<'END'
import json, sys
wrote = json.load(open("h.json"))["results"][0]
series = {s["metric"]: s for s in json.loads(sys.argv[1])["series"]}
for metric in "median", "user", "system":
    kept = series[metric]
    assert kept["name"] == "nothing" and kept["unit"] == "ns" and kept["better"] == "lower", kept
    assert abs(kept["points"][0]["value"] - wrote[metric] * 1e9) <= 1e-3, (kept, wrote)
END
    run -0 --separate-stderr tare history import --db h.db --project p h.json
    expect output "$output" "added nothing: the result was there already"
    run -0 --separate-stderr tare history export --db h.db --project p --all -o back.json
    cmp h.json back.json
}

@test "a data.js that has grown by one commit adds one result" {
    needs_history
    echo "window.BENCHMARK_DATA = {\"lastUpdate\":1,\"entries\":{\"S\":[$(entry aaaa1111 100)]}}" >data.js
    run -0 --separate-stderr tare history import --db h.db --project p data.js
    expect output "$output" "added 1 result: 1 point in 1 series"
    echo "window.BENCHMARK_DATA = {\"lastUpdate\":2,\"entries\":{\"S\":[$(entry aaaa1111 100),$(entry bbbb2222 101 1574928127603)]}}" >data.js
    run -0 --separate-stderr tare history import --db h.db --project p data.js
    expect output "$output" "added 1 result; 1 was there already"
    run -0 --separate-stderr tare history import --db h.db --project p data.js
    expect output "$output" "added nothing: the results were there already"
}

@test "a folder of criterion, without the runs before" {
    needs_history
    run -0 --separate-stderr tare history import --db h.db --project p "$source_dir/tests/unit/fixtures/import/criterion"
    expect output "$output" "added 3 results: 5 points in 5 series"
    run -0 tare history show --db h.db --project p
    expect output "$output" '*fib 12*sum/bytes/64*sum/flat*'
    run -0 --separate-stderr tare history export --db h.db --project p --all --to back # as one JSON object each
    run -0 --separate-stderr tare history import --db h.db --project p back
    expect output "$output" "added nothing: the results were there already"
}

@test "standard input, with the commit that was measured" {
    needs_history
    git init -q . && git -c user.name=a -c user.email=a@b commit -q --allow-empty -m first
    printf '0.50,msec,task-clock,496681,100.00,,\n49,,page-faults,496681,100.00,,\n' >perf.csv
    run -0 --separate-stderr tare history import --db h.db --project p --commit HEAD - <perf.csv
    expect output "$output" "added 1 result: 2 points in 2 series"
    run -0 tare history show --db h.db --project p
    expect output "$output" "*perf stat*$(git rev-parse --short=7 HEAD)*"
}

@test "files that name no machine: --machine keeps those of several apart" {
    needs_history
    for i in 1 2 3 4; do
        echo "{\"results\":[{\"command\":\"gzip\",\"mean\":$i.5,\"stddev\":0.1,\"median\":$i.5,\"user\":1,\"system\":0.1,\"min\":$i,\"max\":$((i + 1)),\"times\":[$i.25,$i.5,$i.75],\"exit_codes\":[0,0,0]}]}" >"$i.json"
    done
    tare history import --db h.db --project p 1.json >/dev/null
    tare history import --db h.db --project p --machine m7 2.json >/dev/null
    tare history import --db h.db --project p --machine m8 3.json >/dev/null
    tare history import --db h.db --project p --machine m7 4.json >/dev/null
    run -0 --separate-stderr tare history show --db h.db --project p --format json 'gzip median'
    python - "$output" <<'END'
import json, sys
series = json.loads(sys.argv[1])["series"]
points = sorted(sorted(p["value"] for p in s["points"]) for s in series)
assert points == [[1.5e9], [2.5e9, 4.5e9], [3.5e9]], points
END
    run -0 tare history show --db h.db --project p --all
    expect output "$output" "*differ*name: *m7*m8*"
    # What a file says itself stays, and the name comes beside it.
    echo '{"context":{"num_cpus":4,"caches":[{"type":"Data","level":1,"size":32768,"num_sharing":1}],"executable":"./b"},"benchmarks":[{"name":"BM","run_type":"iteration","iterations":1,"real_time":1,"cpu_time":1,"time_unit":"ns"}]}' >g.json
    sed 's/"real_time":1/"real_time":2/' g.json >g2.json
    tare history import --db g.db --project p g.json >/dev/null
    tare history import --db g.db --project p --machine m7 g2.json >/dev/null
    run -0 tare history show --db g.db --project p --all
    expect output "$output" "*differ*name: *m7*"
    sed 's/"num_cpus":4,//; s/"real_time":1/"real_time":3/' g.json >g3.json # too little to be a machine
    tare history import --db g.db --project p --machine m7 g3.json >/dev/null
    [ "$(tare history show --db g.db --project p --all --format json | python -c 'import json, sys
print(sum(s["metric"] == "real_time" for s in json.load(sys.stdin)["series"]))')" = 3 ]
    for name in '' "$(printf '%0201d' 0)"; do
        run -2 tare history import --db h.db --machine "$name" 1.json
        expect message "$output" "tare: the name for --machine has to have 1 to 200 bytes"
    done
}

@test "--dry-run says what would be added, and adds nothing" {
    needs_history
    echo "{\"entries\":{\"S\":[$(entry aaaa1111 100)]}}" >data.json
    run -0 --separate-stderr tare history import --db h.db --project p --dry-run data.json
    expect output "$output" $'*data.json: 1 result of github-action-benchmark, 1 point, *commit aaaa1111*\nwould add 1 result: 1 point in 1 series'
    [ ! -e h.db ]
}

@test "one file that is damaged: nothing of all is added, and the error says where" {
    needs_history
    echo "{\"entries\":{\"S\":[$(entry aaaa1111 100)]}}" >good.json
    echo "{\"entries\":{\"S\":[$(entry aaaa1111 '"much"')]}}" >bad.json
    run -2 --separate-stderr tare history import --db h.db --project p good.json bad.json
    expect stderr "$stderr" "tare: cannot import 'bad.json': 'entries.S[0].benches[0].value' is not a number"
    [ ! -e h.db ]
    run -2 --separate-stderr tare history import --db h.db --from pyperf good.json
    expect stderr "$stderr" "tare: cannot import 'good.json': 'benchmarks' is missing"
    run -2 --separate-stderr tare history import --db h.db --from pypref good.json
    expect stderr "$stderr" "tare: unknown format 'pypref': did you mean 'pyperf'?"
    echo hello >text
    run -2 --separate-stderr tare history import --db h.db text
    expect stderr "$stderr" "tare: cannot import 'text': it is no file of a tool that is known (google-benchmark, *): say with --from which one wrote it"
}
