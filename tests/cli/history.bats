#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# tare history: what is kept, where, and what is said when it cannot be. What check says is in history_check.bats, the page in
# history_html.bats, PostgreSQL in history_store.bats.

load common

needs_history() {
    tare info --format json | python -c 'import json, sys
libraries = json.load(sys.stdin)["libraries"]
sys.exit(0 if libraries["sqlite3"] and libraries["zlib"] else 1)' || skip "built without SQLite or zlib"
}

# results N: files 1.json ... of one program, a day between two, that name no commit; wall times of 1000 + N ns.
results() {
    tare stat -o base.json -- true >/dev/null
    python - "$1" <<'END'
import datetime, json, sys
document = json.load(open("base.json", encoding="utf-8"))
document["environment"].pop("commit", None)
for n in range(1, int(sys.argv[1]) + 1):
    day = datetime.datetime(2026, 1, 1) + datetime.timedelta(days=n)
    document["started"] = day.strftime("%Y-%m-%dT%H:%M:%SZ")
    wall, = [row for row in document["stat"]["rows"] if row["name"] == "wall"]
    wall["value"], wall["values"] = 1000.0 + n, [1000.0 + n]
    with open(f"{n}.json", "w", encoding="utf-8") as file:
        json.dump(document, file, indent=n % 3)
END
}

# hyperfine NAME SECONDS DAY: such a file.
hyperfine() {
    printf '{"results": [{"command": "%s", "mean": %s, "stddev": 0.001, "median": %s, "user": 0.1, "system": 0.1, "min": %s, "max": %s, "times": [%s, %s]}]}\n' \
        "$1" "$2" "$2" "$2" "$2" "$2" "$2"
}

a_repository() {
    git init -q -b main .
    git config user.email a@example.org
    git config user.name A
    git remote add origin https://example.org/team/rings.git
    echo 1 >file
    git add file
    git commit -qm "the first"
}

rows() {
    tare history show --format csv "$@" | tail -n +2 | wc -l
}

@test "measure twice with --history, and show it" {
    needs_history
    a_repository
    mkdir deep
    cd deep
    run -0 --separate-stderr tare bench --no-lock --no-counts --time 0.1 --filter 'ring_write/64' --history "$build_dir/bin/ring_bench"
    expect kept "$stderr" "*kept in '../.tare/history.db': * point*"
    run -0 --separate-stderr tare bench --no-lock --no-counts --time 0.1 --filter 'ring_write/64' --history "$build_dir/bin/ring_bench"
    cd ..
    run -0 --separate-stderr tare history show '*median'
    expect table "$output" "series * points * last * median * trend * commit*
ring_bench::ring_write/64 median * 2 * $(git rev-parse --short=8 HEAD)"
    [ "$(tare history show --format json | python -c 'import json, sys; print(json.load(sys.stdin)["project"])')" = rings ]
    # The history is nothing that git would take for a change.
    [ -z "$(git status --porcelain)" ]
    run -0 tare history check
    run -0 tare history fsck
}

@test "every command with --history keeps its result, and says so" {
    needs_history
    export TARE_DB=h.db TARE_PROJECT=demo
    run -0 --separate-stderr tare stat --history -- true
    expect stat "$stderr" "*kept in 'h.db': * points"
    run -0 --separate-stderr tare run --history scenes exit
    expect run "$stderr" "*kept in 'h.db': * points"
    run -0 --separate-stderr tare run --history=other.db -o r.json scenes exit
    expect other "$stderr" "*kept in 'other.db': * points"
    # As if it had been added: the same bytes are there already.
    run -0 tare history add --db other.db r.json
    expect again "$output" "added nothing: the result was there already"
    run -0 --separate-stderr tare record --history=captures.db --interval 0.02 -o c.json -- scenes lines < <(echo one; sleep 0.3; echo two)
    expect record "$stderr" "*kept in 'captures.db': * points*"
    [ "$(tare history show --runs --format csv | cut -d, -f4 | sort | tr '\n' ' ')" = "kind run stat " ]
}

@test "add: counts, once each, from files and standard input, and nothing of a list with a wrong one" {
    needs_history
    results 4
    export TARE_DB=h.db TARE_PROJECT=demo
    run -0 tare history add 1.json
    expect one "$output" "added 1 result: * points in * series"
    run -0 tare history add 1.json 2.json
    expect two "$output" "added 1 result: * points in * series; 1 was there already"
    run -0 tare history add - <3.json
    run -0 tare history add 1.json 2.json 3.json
    expect three "$output" "added nothing: the results were there already"
    echo '{"schema": "tare-result"' >broken.json
    run -2 tare history add 4.json broken.json
    expect broken "$output" "tare: cannot add 'broken.json': *"
    [ "${#lines[@]}" -eq 1 ]
    run -2 tare history add missing.json
    expect missing "$output" "tare: cannot read 'missing.json': No such file or directory"
    run -2 tare history add .
    expect folder "$output" "tare: cannot read '.': Is a directory"
    run -2 tare history add /dev/null
    run -2 tare history add
    [ "$(tare history show --runs --format csv | wc -l)" -eq 4 ]
}

@test "add: the commit that is named, its branch, link and state; a whole id also without git" {
    needs_history
    results 2
    a_repository
    first=$(git rev-parse HEAD)
    echo 2 >file
    git commit -qam "the second"
    run -0 tare history add --commit HEAD~1 --branch side --link https://example.org/job/7 --dirty yes 1.json
    tare history show --points --format csv 'true wall' >points.csv
    grep -q ",$first,.*,side,yes,https://example.org/job/7,tare " points.csv || fail "$(cat points.csv)"
    run -2 tare history add --commit nonsense 2.json
    expect revision "$output" "tare: *nonsense*"
    run -2 tare history add --link 'javascript:alert(1)' 2.json
    expect link "$output" "tare: 'javascript:alert(1)' for --link is no URL of a page*"
    run -2 tare history add --dirty perhaps 2.json
    mkdir "$BATS_TEST_TMPDIR/elsewhere"
    cp 2.json "$BATS_TEST_TMPDIR/elsewhere"
    cd "$BATS_TEST_TMPDIR/elsewhere"
    GIT_CEILING_DIRECTORIES=$BATS_TEST_TMPDIR run -0 tare history add --commit "$first" 2.json
    GIT_CEILING_DIRECTORIES=$BATS_TEST_TMPDIR run -0 tare history show --runs --format csv
    expect default "$output" "*,default,stat,2026-01-03T00:00:00Z,$first,*"
}

@test "where there is no git, and none in PATH, the history is in the current folder" {
    needs_history
    results 1
    mkdir bare
    ln -s "$(command -v tare)" bare/tare
    PATH=$PWD/bare run -0 "$(command -v tare)" history add 1.json
    [ -e .tare/history.db ]
    [ "$(cat .tare/.gitignore)" = '*' ]
    PATH=$PWD/bare run -0 "$(command -v tare)" history show --format json
    expect project "$output" '*"project":"default"*'
}

@test "show: patterns, dates, the newest, machines, and what there is none of" {
    needs_history
    results 9
    export TARE_DB=h.db TARE_PROJECT=demo
    tare history add ?.json
    [ "$(rows 'true wall' --points)" -eq 9 ]
    [ "$(rows 'true wall' --points --last 3)" -eq 3 ]
    [ "$(rows 'true wall' --points --since 2026-01-08)" -eq 3 ]
    [ "$(rows 'true wall' --points --since 2026-01-07T00:00:01Z)" -eq 3 ]
    [ "$(rows 'true wall' --points --since '20000 days')" -eq 9 ]
    [ "$(rows --runs --last 2)" -eq 2 ]
    [ "$(rows --runs --since 2026-01-08)" -eq 3 ]
    hash=$(tare history show --format csv 'true wall' | tail -1 | cut -d, -f7)
    [ "$(rows 'true wall' --machine "${hash:0:6}")" -eq 1 ]
    run -2 tare history show --machine 0123456789
    expect machine "$output" "tare: 'h.db' has no such points of the project 'demo'"
    run -2 tare history show 'nothing*'
    expect pattern "$output" "tare: no points of series like 'nothing*': 'tare history show' lists the series"
    run -2 tare history show --project other
    expect project "$output" "tare: 'h.db' has nothing of the project 'other', only of 'demo': choose with --project"
    run -2 tare history show --since 2026-02-30
    run -2 tare history show --db none.db
    expect none "$output" "tare: there is no history 'none.db' yet: 'tare history add', or --history of tare run, makes it"
    [ ! -e none.db ]
    run -2 tare history show --columns name
}

@test "show: table, trend, Markdown, CSV and JSON" {
    needs_history
    results 9
    export TARE_DB=h.db TARE_PROJECT=demo
    tare history add ?.json
    run -0 tare history show 'true wall'
    expect table "$output" "series     points     last   median  trend * spread  commit
true wall       9  1.009µs  1.005µs  *▄*▅*  0.3 %  -"
    LC_ALL=C run -0 tare history show 'true wall'
    expect ascii "$output" "*1.009us  1.005us  *:*=*"
    [[ $output != *[$'\x80'-$'\xff']* ]]
    run -0 tare history show 'true wall' --format markdown
    expect markdown "$output" "| series | points | last | median | trend | spread | commit |
| :--- | ---: | ---: | ---: | :--- | ---: | :--- |
| true wall | 9 | 1.009µs | 1.005µs | * |"
    run -0 tare history show 'true wall' --points --format csv
    expect csv "${lines[0]}" "project,suite,name,arguments,metric,unit,fingerprint,harness,settings,run,started,commit,*,value,low,high,*"
    expect csv "${lines[9]}" "demo,true,,,wall,ns,*,2026-01-10T00:00:00Z,*,1009,*"
    tare history show 'true wall' -o points.json
    python - <<'END'
import json
document = json.load(open("points.json", encoding="utf-8"))
assert document["schema"] == "tare-history" and document["schema_version"] == 1, document
series, = document["series"]
assert series["title"] == "true wall" and series["better"] == "lower", series
assert [point["value"] for point in series["points"]] == list(range(1001, 1010)), series
assert series["points"][0]["commit"] is None and series["points"][0]["branch"] is None
END
    # Escape sequences only where they are wanted.
    run -0 tare history show --color always
    expect colour "$output" $'\e[1mseries*'
    NO_COLOR=1 on_terminal tare history show >screen
    ! grep -q $'\e\[1m' screen
    on_terminal tare history show >screen
    grep -q $'\e\[1m' screen
}

@test "show: a terminal of 80 columns, also with long names" {
    needs_history
    export TARE_DB=h.db TARE_PROJECT=demo
    hyperfine "a/very/long/path/to/the/program --with-many-options --and --some=more --of=them" 1.5 >h.json
    tare history import h.json
    for what in '' --points --runs; do
        # shellcheck disable=SC2086 # perhaps no word
        on_terminal --columns 80 tare history show --color never $what | tr -d '\r' >screen
        [ "$(wc -L <screen)" -le 80 ] || fail "$(cat screen)"
    done
    on_terminal --columns 80 tare history show --color never | grep -q '…' || fail "nothing was cut"
    [ "$(tare history show | wc -L)" -gt 80 ]
}

@test "show: on a narrow terminal machine and trend go before a name is cut" {
    needs_history
    results 3
    export TARE_DB=h.db TARE_PROJECT=demo
    tare history add ?.json
    hyperfine "some/folder/with/a/program and words" 1.5 >h.json
    tare history import h.json
    on_terminal --columns 80 tare history show --color never | tr -d '\r' >screen
    grep -q '^series  *last  *median  *spread  *commit$' screen || fail "$(cat screen)"
    grep -q 'and words median ' screen || fail "$(cat screen)"
    ! grep -q ' $' screen || fail "blanks at the end"
    on_terminal --columns 200 tare history show --color never | grep -q 'machine  *trend' || fail "not when there is room"
}

@test "show: what never changed is counted, and shown where it is asked for" {
    needs_history
    results 3
    export TARE_DB=h.db TARE_PROJECT=demo
    tare history add ?.json
    run -0 tare history show
    expect folded "$output" "series *true wall *3  1.003µs  1.002µs * series never changed: --all shows them"
    [ "$(grep -c '^true' <<<"$output")" -eq 1 ]
    run -0 tare history show --all
    [ "$(grep -c '^true' <<<"$output")" -eq "$(rows)" ]
    [[ $output != *"never changed"* ]]
    run -0 tare history show 'true user'
    expect pattern "$output" "series *true user *"
    [[ $output != *[▁▂▃▄▅▆▇█]* ]]
}

@test "show: one branch, which is said; --all has every one; of an unknown one those there are" {
    needs_history
    results 5
    a_repository
    tare history add --branch main 1.json 2.json
    tare history add --branch side 3.json 4.json 5.json
    [ "$(rows 'true wall' --points)" -eq 2 ] # which is checked out
    run -0 tare history show 'true wall'
    expect main "$output" "*branch 'main'; * points of others are left out: --branch NAME, or --all"
    git checkout -q -b other
    [ "$(rows 'true wall' --points)" -eq 3 ] # of the newest result
    [ "$(rows 'true wall' --points --last 2)" -eq 2 ]
    [ "$(rows 'true wall' --points --branch main)" -eq 2 ]
    [ "$(rows 'true wall' --points --all)" -eq 5 ]
    [ "$(rows --runs)" -eq 5 ]
    run -0 tare history show 'true wall' --all
    expect all "$output" "*points of several branches, in one order: 'main', 'side'"
    tare history show 'true wall' --format json | python -c 'import json, sys; assert json.load(sys.stdin)["branch"] == "side"'
    run -2 tare history show --branch mian
    expect unknown "$output" "tare: no points of the branch 'mian': there are 'main', 'side'"
    run -2 tare history show --runs --branch mian
    run -2 tare history show --points --runs
    expect both "$output" "tare: --points and --runs: give one of the two"
}

@test "show --points: the larger side of the interval; blocks' values are in what export gives" {
    needs_history
    results 1
    export TARE_DB=h.db TARE_PROJECT=demo
    tare history add 1.json
    mkdir -p criterion/hash/new
    python -c 'import json
estimate = {"confidence_interval": {"confidence_level": 0.95, "lower_bound": 995.0, "upper_bound": 1020.0},
            "point_estimate": 1000.0, "standard_error": 5.0}
names = ["mean", "median", "median_abs_dev", "slope", "std_dev"]
json.dump({name: estimate for name in names}, open("criterion/hash/new/estimates.json", "w", encoding="utf-8"))'
    tare history import --from criterion criterion
    run -0 tare history show --points '*hash*'
    expect error "$output" "series * value  ± 95 % *1.000µs   2.0 %*"
    [[ $(tare history show --points --format json) != *'"values"'* ]]
    [[ $(tare history export --all --format json) == *'"values":'* ]]
}

@test "bench --history FILE: the '=' is missing" {
    needs_history
    run -2 tare bench "$build_dir/bin/ring_bench" --history h.db
    expect missing "$output" "tare: cannot run 'h.db': it is no program; if the history is meant, write --history=h.db"
    run -2 tare bench --history ./h.db "$build_dir/bin/ring_bench"
    expect before "$output" "*write --history=./h.db"
}

@test "show says what differs where a benchmark has several series" {
    needs_history
    results 2
    export TARE_DB=h.db TARE_PROJECT=demo
    tare history add 1.json
    run -0 tare history show
    [[ $output != *"in several series"* ]]
    python - <<'END'
import json
document = json.load(open("2.json", encoding="utf-8"))
document["fingerprint"]["hash"] = "f" * 64
document["fingerprint"]["parts"]["kernel"] = "9.9.9"
json.dump(document, open("2.json", "w", encoding="utf-8"))
END
    tare history add 2.json
    run -0 tare history show
    expect note "$output" "*'true'*: points in several series, as these differ: *"
    # Which of them is first goes by the hash of the machine, which is another one on each.
    local kernel text
    kernel=$(python -c 'import json; print(json.load(open("1.json"))["fingerprint"]["parts"]["kernel"][:60])')
    text=$(tr -s ' \n' '  ' <<<"$output")
    [[ $text == *"kernel: '9.9.9' and '$kernel"* || $text == *"kernel: '$kernel"*"' and '9.9.9'"* ]] ||
        fail "not both kernels: $text"
    expect machine "$output" "series * machine *"
    [ "$(tare history show --format csv 'true wall' | tail -n +2 | cut -d, -f7 | sort -u | wc -l)" -eq 2 ]
    run -0 tare history show --format markdown
    expect markdown "$output" "*points in several series, as these differ: *"
}

@test "of settings it says the words that differ, once for all metrics" {
    needs_history
    results 4
    export TARE_DB=h.db TARE_PROJECT=demo
    python - <<'END'
import json
shared = " ".join(f"setting_{n}=as_usual" for n in range(8))
for n, own in enumerate(["", " functions=all", " functions=h", " functions=i"], 1):
    document = json.load(open(f"{n}.json", encoding="utf-8"))
    document["fingerprint"]["parts"]["settings"] = shared + own + " last=same"
    json.dump(document, open(f"{n}.json", "w", encoding="utf-8"))
END
    tare history add 1.json 2.json 3.json
    run -0 --separate-stderr tare history show
    [ "$(grep -c 'in several series' <<<"$output")" -eq 1 ] || fail "not once" "$output"
    [[ $(tr -s ' \n' '  ' <<<"$output") == *"differ: settings: none, 'functions=all' and 'functions=h' "* ]] ||
        fail "not what differs" "$output"
    tare history add 4.json
    run -0 --separate-stderr tare history show
    [[ $(tr -s ' \n' '  ' <<<"$output") == *"settings: none, 'functions=all', 'functions=h' and 1 more "* ]] ||
        fail "not how many more" "$output"
    # What is too long is cut, unless the cut is what tells two apart.
    rm h.db
    python - <<'END'
import json
for n, own in enumerate([f"only={80 * 'x'}a{80 * 'x'}", f"only={80 * 'x'}b{80 * 'x'}", f"only={80 * 'y'}"], 1):
    document = json.load(open(f"{n}.json", encoding="utf-8"))
    document["fingerprint"]["parts"]["settings"] = own
    json.dump(document, open(f"{n}.json", "w", encoding="utf-8"))
END
    tare history add 1.json 2.json 3.json
    run -0 --separate-stderr tare history show
    local flat
    flat=$(tr -d ' \n' <<<"$output")
    [[ $flat == *"xb$(printf 'x%.0s' {1..80})'"* && $flat != *"xa$(printf 'x%.0s' {1..80})'"* && $flat == *"y...y"* ]] ||
        fail "not told apart" "$output"
}

@test "export gives back byte for byte what was added" {
    needs_history
    results 3
    export TARE_DB=h.db TARE_PROJECT=demo
    tare history add 1.json 2.json 3.json
    for n in 1 2 3; do
        digest=$(sha256sum $n.json)
        tare history export "${digest:0:10}" | cmp - $n.json
        tare history export "${digest:0:64}" -o out.json
        cmp out.json $n.json
    done
    run -0 tare history export --all --to all
    expect wrote "$output" "wrote 3 results to 'all'"
    [ "$(cat all/*.json | sha256sum)" = "$(cat "$(ls all/* | sed -n 1p)" "$(ls all/* | sed -n 2p)" "$(ls all/* | sed -n 3p)" | sha256sum)" ]
    [ "$(basename -s .json all/* | sort)" = "$(tare history show --runs | tail -n +2 | cut -d' ' -f1 | sort)" ]
    for file in all/*.json; do
        cmp "$file" 1.json || cmp "$file" 2.json || cmp "$file" 3.json || fail "'$file' is none of them"
        tare history export "$(basename "$file" .json)" | cmp - "$file"
    done
    run -2 tare history export --all
    expect several "$output" "tare: 3 results do not go into one file: give --to FOLDER*"
    run -2 tare history export
    run -2 tare history export 0123456789
    expect unknown "$output" "tare: there is no run '0123456789': 'tare history show --runs' lists them"
    tare history export --all --format csv -o points.csv
    cmp points.csv <(tare history show --points --format csv)
    tare history export --all --format json | python -c 'import json, sys; assert len(json.load(sys.stdin)["series"]) > 3'
    [ "$(tare history export --format csv "${digest:0:10}" | tail -n +2 | cut -d, -f11 | sort -u)" = 2026-01-04T00:00:00Z ]
    # Also when the rest was pruned.
    tare history prune --raws --before 2026-01-04
    tare history export "${digest:0:10}" | cmp - 3.json
    digest=$(sha256sum 1.json)
    run -2 tare history export "${digest:0:10}"
    expect pruned "$output" "tare: the raw result of '${digest:0:8}' is not kept: --format json gives its points"
    run -0 tare history export --all --to rest
    expect warning "$output" "tare: warning: of 2 of 3 results the raw one is not kept any more*"
}

@test "import: files, folders, standard input, a dry run, and nothing where one is wrong" {
    needs_history
    export TARE_DB=h.db TARE_PROJECT=demo
    hyperfine one 1.5 >one.json
    hyperfine two 2.5 >two.json
    run -0 tare history import --dry-run one.json
    expect dry "$output" "one.json: 1 result of hyperfine, *
would add 1 result: * points in * series"
    [ ! -e h.db ]
    run -0 tare history import one.json
    expect one "$output" "added 1 result: * points in * series"
    run -0 tare history import one.json two.json
    expect two "$output" "added 1 result; 1 was there already"
    hyperfine three 3.5 | tare history import --from hyperfine -
    [ "$(tare history show --runs --format csv | wc -l)" -eq 4 ]
    mkdir -p folder/deep
    hyperfine four 4.5 >folder/deep/four.json
    echo '{"something": "else"}' >folder/other.json
    run -0 tare history import folder
    expect folder "$output" "tare: warning: left out 'folder/other.json', which is of no known format
added 1 result: * points in * series"
    run -2 tare history import folder/other.json
    expect unknown "$output" "tare: cannot import 'folder/other.json': *"
    hyperfine five 5.5 >five.json
    run -2 tare history import five.json folder/other.json
    [ "$(tare history show --runs --format csv | wc -l)" -eq 5 ]
    mkdir empty
    run -2 tare history import empty
    expect empty "$output" "tare: there is nothing in the folder 'empty' that can be imported*"
    run -2 tare history import --from hyperfin one.json
    expect near "$output" "tare: unknown format 'hyperfin': did you mean 'hyperfine'?"
    # What the file does not say is not made up of where we are.
    tare history show --points --format csv >points.csv
    [ "$(tail -n +2 points.csv | cut -d, -f12 | sort -u)" = "" ]
}

@test "merge brings what is missing, of other projects, too, and once" {
    needs_history
    results 4
    tare history add --db a.db --project one 1.json 2.json
    tare history add --db b.db --project two 2.json 3.json 4.json
    tare history baseline set --db b.db --project two --reason because
    run -0 tare history merge --db a.db b.db
    expect first "$output" "merged 'b.db': 3 results, * points in * series, 1 baseline"
    run -0 tare history merge --db a.db b.db
    expect second "$output" "merged 'b.db': all of it was there already"
    [ "$(rows --db a.db --project two --runs)" -eq 3 ]
    [ "$(rows --db a.db --project one --runs)" -eq 2 ]
    digest=$(sha256sum 4.json)
    tare history export --db a.db --project two "${digest:0:12}" | cmp - 4.json
    run -2 tare history merge --db a.db ./a.db
    expect itself "$output" "tare: './a.db' is the history itself"
    run -2 tare history merge --db a.db missing.db
    expect missing "$output" "tare: there is no history 'missing.db': *"
    run -2 tare history merge --db a.db 1.json
    expect "no history" "$output" "tare: '1.json' is not a history: *"
    run -0 tare history fsck --db a.db
}

@test "prune says what goes, and a dry run lets it stay" {
    needs_history
    results 6
    export TARE_DB=h.db TARE_PROJECT=demo
    tare history add ?.json
    run -2 tare history prune
    run -2 tare history prune --before yesterweek
    expect date "$output" "tare: 'yesterweek' for --before is no date: give one like 2026-11-22, or '30 days'"
    run -0 tare history prune --before 2026-01-04 --dry-run
    expect dry "$output" "would remove * points, 2 results and 2 raw results"
    [ "$(rows --runs)" -eq 6 ]
    run -0 tare history prune --before 2026-01-04
    expect gone "$output" "removed * points, 2 results and 2 raw results"
    [ "$(rows --runs)" -eq 4 ]
    run -0 tare history prune --keep 3
    [ "$(rows --points 'true wall')" -eq 3 ]
    run -0 tare history prune 'true user'
    [ "$(rows --points 'true wall')" -eq 3 ]
    run -2 tare history show 'true user'
    run -0 tare history prune --keep 3
    expect nothing "$output" "removed nothing"
    run -0 tare history fsck
}

@test "baseline: set, show, move, remove; of a revision without a result its ancestor" {
    needs_history
    results 3
    a_repository
    first=$(git rev-parse HEAD)
    tare history add --commit "$first" 1.json
    echo 2 >file
    git commit -qam "not measured"
    run -0 --separate-stderr tare history baseline set --commit HEAD --reason "it is so"
    expect set "$output" "set the baseline 'default': changes up to commit ${first:0:8} are accepted"
    expect ancestor "$stderr" "tare: warning: there is no result of 'HEAD' (*): taking that of its ancestor ${first:0:12}"
    run -0 tare history baseline set release --series '*wall'
    run -0 tare history baseline show
    expect table "$output" "baseline  up to     set (UTC) * series  reason
default   ${first:0:8}  * it is so
release   then      * *wall   -"
    tare history baseline show --format json | python -c 'import json, sys
document = json.load(sys.stdin)
assert [b["name"] for b in document["baselines"]] == ["default", "release"], document'
    run -0 tare history baseline set release --commit "$first"
    expect moved "$output" "moved the baseline 'release' from 20*Z: changes up to commit ${first:0:8} are accepted"
    run -0 tare history baseline set release
    expect again "$output" "moved the baseline 'release' from commit ${first:0:8}: changes up to now are accepted"
    run -0 tare history baseline remove release
    run -2 tare history baseline remove release
    expect removed "$output" "tare: there is no baseline 'release' of the project 'rings': 'tare history baseline show' lists them"
    run -2 tare history baseline set --commit nonsense
    expect nonsense "$output" "tare: 'nonsense' for --commit is no revision: git knows no such commit, nor does the history"
    run -2 tare history baseline set --series 'nothing*'
    run -2 tare history baseline
    run -2 tare history baseline sho
    expect near "$output" "tare: unknown 'sho' of 'tare history baseline': did you mean 'show'?"
    run -2 tare history baseline show --reason x
    run -2 tare history baseline set one two
    run -0 tare history baseline remove
    expect default "$output" "removed the baseline 'default'"
    run -2 tare history baseline remove
}

@test "fsck: fine, damaged, and no history at all" {
    needs_history
    results 2
    tare history add --db h.db 1.json 2.json
    run -0 tare history fsck --db h.db
    expect fine "$output" "nothing is wrong with 'h.db': 2 results, * points in * series"
    python - <<'END'
import sqlite3
database = sqlite3.connect("h.db")
table, = [name for name, in database.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name LIKE '%raw%'")]
column, = [row[1] for row in database.execute(f"PRAGMA table_info({table})") if row[2].upper() in ("BLOB", "BYTEA") ][:1]
database.execute(f"UPDATE {table} SET {column} = zeroblob(20) WHERE run IN (SELECT run FROM {table} LIMIT 1)")
database.commit()
END
    run -1 --separate-stderr tare history fsck --db h.db
    [ "${#lines[@]}" -ge 1 ]
    expect damaged "$stderr" "tare: 'h.db' is damaged: * wrong"
    # So much that nothing else can be looked at: that is still damage, and no failure of fsck.
    python - <<'END'
import sqlite3
for name, statement in (("schema.db", "UPDATE sqlite_master SET sql = 'CREATE TABLR x' WHERE name = 'tare_series'"),
                        ("version.db", "DELETE FROM tare_meta")):
    open(name, "wb").write(open("h.db", "rb").read())
    database = sqlite3.connect(name)
    database.execute("PRAGMA writable_schema = ON")
    database.execute(statement)
    database.commit()
whole = bytearray(open("h.db", "rb").read())
page = int.from_bytes(whole[16:18], "big")
for at in range(page, len(whole), page): # all pages but the first, which has the schema
    whole[at] ^= 0x55
open("pages.db", "wb").write(whole)
END
    for name in schema version pages; do
        run -1 --separate-stderr tare history fsck --db $name.db
        [[ $output == *"damaged"* || $output == *"malformed"* ]] || fail "of $name.db fsck says" "$output" "$stderr"
        expect "$name.db" "$stderr" "tare: '$name.db' is damaged: * wrong"
    done
    # And nobody takes it for a new one.
    cp version.db before.db
    for command in "add 1.json" "show"; do
        run -2 tare history $command --db version.db
        expect "$command" "$output" "tare: the history 'version.db' is damaged: it does not say its version; restore it from a copy"
    done
    cmp version.db before.db
    echo 'no database' >no.db
    run -2 tare history fsck --db no.db
    [ "${#lines[@]}" -eq 1 ]
    run -2 tare history add --db no.db 1.json
    [ "$(cat no.db)" = 'no database' ]
}

@test "what cannot be kept is said, costs the exit code, and does not lose the result" {
    needs_history
    # Before anything is measured, where that can be known.
    run -125 --separate-stderr tare run --history=missing/folder/h.db scenes lines
    expect run "$stderr" "tare: cannot make 'missing/folder/h.db': No such file or directory"
    [ "$output" = "" ]
    run -2 --separate-stderr tare bench --history=missing/folder/h.db --time 0.1 true
    expect bench "$stderr" "tare: cannot make 'missing/folder/h.db': No such file or directory"
    mkdir folder
    run -125 --separate-stderr tare stat --history=folder -- true
    expect folder "$stderr" "tare: 'folder' is not a history: it is a folder"
    run -125 --separate-stderr tare stat --history= -- true
    # And after it: the program takes the folder away.
    mkdir gone
    run -125 --separate-stderr tare stat -o r.json --history=gone/deep/h.db -- rmdir gone
    expect lost "$stderr" "*tare: *gone/deep*
tare: the result was not added to the history: 'tare history add' can add the file"
    run -0 tare history add --db h.db r.json
}

@test "full: standard output, a file, the history" {
    needs_history
    results 3
    tare history add --db h.db 1.json
    for command in "show" "export --all" "export --all --format csv" "fsck" "add 1.json" "show --runs --format json"; do
        # shellcheck disable=SC2086 # several words
        run bash -c "tare history $command --db h.db 2>&1 >/dev/full"
        [ "$status" -eq 2 ] || fail "$command exits with $status"
        expect "$command" "$output" "tare: cannot write to standard output: No space left on device"
    done
    run -2 tare history show --db h.db -o /dev/full
    expect file "$output" "tare: cannot write '/dev/full': No space left on device"
    cp h.db before.db
    run -2 bash -c "ulimit -f $(($(stat -c %s h.db) / 1024 + 1)); tare history add --db h.db base.json 2.json 3.json"
    expect history "${lines[0]}" "tare: there is no room left for the history 'h.db': nothing was changed"
    run -0 tare history fsck --db h.db
}

@test "no permission: one line, and nothing is made" {
    needs_history
    results 1
    mkdir closed
    tare history add --db closed/h.db 1.json
    chmod 0444 closed/h.db
    chmod 0555 closed
    chmod 0755 .
    for folder in "$BATS_TEST_TMPDIR" "$BATS_FILE_TMPDIR" "$BATS_SUITE_TMPDIR" "$BATS_RUN_TMPDIR" "$(dirname "$BATS_TEST_TMPDIR")"; do
        chmod a+x "$folder" # others have to get here
    done
    as=()
    if [ "$(id -u)" -eq 0 ]; then
        setpriv --reuid=65534 --regid=65534 --clear-groups test -x "$build_dir/libexec/tare/tare-history" -a -r 1.json ||
            skip "root may write everywhere, and another user cannot reach the build"
        as=(setpriv --reuid=65534 --regid=65534 --clear-groups)
    fi
    run -2 "${as[@]}" tare history add --db closed/new.db 1.json
    expect new "$output" "tare: *closed/new.db*"
    [ "${#lines[@]}" -eq 1 ]
    run -2 "${as[@]}" tare history prune --db closed/h.db --keep 1
    [ "${#lines[@]}" -eq 1 ]
    run -0 "${as[@]}" tare history show --db closed/h.db || fail "$output"
    run -125 "${as[@]}" tare stat --history=closed/new.db -- true
    [ ! -e closed/new.db ]
    chmod 0755 closed
}

# Whether the process waits, and would be told of Ctrl-C.
is_reading() {
    grep -q '^SigCgt:.*[2367abef]$' "/proc/$1/status" && grep -q '^State:.S' "/proc/$1/status"
}

@test "Ctrl-C while it reads: one line, and nothing was added" {
    needs_history
    mkfifo never
    exec {hold}<>never
    # What a shell starts in the background ignores Ctrl-C.
    env --default-signal=INT tare history import --db h.db - 2>said <never 3>&- &
    pid=$!
    started+=("$pid")
    await is_reading "$pid"
    kill -INT "$pid"
    wait "$pid" || code=$?
    exec {hold}>&-
    [ "$code" -eq 130 ]
    expect said "$(cat said)" "tare: interrupted: nothing was added"
    [ ! -e h.db ]
}

@test "a password in a URL is shown to nobody" {
    needs_history
    results 1
    url='postgresql://somebody:geheim@127.0.0.1:1/perf?password=auchgeheim'
    for arguments in "show" "add 1.json" "fsck" "merge --db h.db $url" "check" "html -o x.html"; do
        # shellcheck disable=SC2086 # several words
        TARE_DB=$url run -2 tare history $arguments
        [[ $output != *geheim* ]] || fail "$arguments" "$output"
        run -2 tare history show --db "$url"
        [[ $output != *geheim* ]] || fail "$output"
    done
    run -125 tare stat --history="$url" -- true
    [[ $output != *geheim* ]] || fail "$output"
    # Nor to those who look at command lines.
    mkfifo never
    exec {hold}<>never
    env --default-signal=INT tare history import --db "$url" - <never 2>said 3>&- &
    pid=$!
    started+=("$pid")
    await is_reading "$pid"
    tr '\0' ' ' <"/proc/$pid/cmdline" >seen
    kill "$pid"
    exec {hold}>&-
    expect seen "$(cat seen)" 'import --db postgresql://somebody:***@127.0.0.1:1/perf?password=*** - '
}

@test "a tare without SQLite, or without libpq, says so" {
    tare info --format json | python -c 'import json, sys
libraries = json.load(sys.stdin)["libraries"]
sys.exit(1 if libraries["sqlite3"] and libraries["zlib"] else 0)' || skip "built with SQLite: there is nothing to miss"
    run -2 tare history show
    expect history "$output" "tare: this tare keeps no history: it was built without *"
    run -125 tare run --history scenes exit
    expect run "$output" "*this tare keeps no history: it was built without *"
}
