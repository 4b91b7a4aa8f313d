#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# tare history add and import, and --history: where what is added belongs, by git, and what is said of what cannot be kept.

load common

needs_history() {
    command -v git >/dev/null || skip "no git"
    tare info --format json | python -c 'import json, sys
libraries = json.load(sys.stdin)["libraries"]
sys.exit(0 if libraries["sqlite3"] and libraries["zlib"] else 1)' || skip "built without SQLite or zlib"
}

a_repository() {
    git init -q -b main .
    git config user.email a@example.org
    git config user.name A
    git commit -q --allow-empty -m "the first"
}

# result NAME [KEY=VALUE...]: NAME.json of true, with other members in its environment; an empty value takes one out.
result() {
    [ -e base.json ] || tare stat -o base.json -- true >/dev/null
    python - "$@" <<'END'
import json, sys
document = json.load(open("base.json", encoding="utf-8"))
document["started"] = "2026-01-01T00:00:%02dZ" % (sum(map(ord, sys.argv[1])) % 60)
for change in sys.argv[2:]:
    key, value = change.split("=", 1)
    document["environment"].pop(key, None)
    if value:
        document["environment"][key] = value
json.dump(document, open(sys.argv[1] + ".json", "w", encoding="utf-8"))
END
}

ordinals() {
    python - <<'END'
import sqlite3
print(*sorted(row[0] for row in sqlite3.connect(".tare/history.db").execute("SELECT ordinal FROM tare_commits")))
END
}

# git that says in git.log what it was asked, for `tare`.
watch_git() {
    mkdir -p "$BATS_TEST_TMPDIR/watch"
    printf '#!/bin/sh\necho "$*" >>"%s"\nexec "%s" "$@"\n' "$PWD/git.log" "$(command -v git)" >"$BATS_TEST_TMPDIR/watch/git"
    chmod +x "$BATS_TEST_TMPDIR/watch/git"
}

watched() {
    rm -f git.log
    PATH=$BATS_TEST_TMPDIR/watch:$PATH "$@"
}

@test "adding asks git for nothing that grows with the repository, once an ancestor is known" {
    needs_history
    a_repository
    watch_git
    for i in 2 3 4; do git commit -q --allow-empty -m "number $i"; done
    result four
    run -0 watched tare history add four.json
    [ "$(ordinals)" = 4 ]
    # Nothing but where it is: the commit's place is known.
    result again
    run -0 watched tare history add again.json
    run -1 grep -E 'status|rev-list' git.log
    # A later one is counted from that one.
    git commit -q --allow-empty -m "number 5"
    git commit -q --allow-empty -m "number 6"
    rm base.json
    result six
    run -0 watched tare history add six.json
    [ "$(ordinals)" = "4 6" ]
    run -1 grep -E 'status|--count' git.log
    grep -q 'rev-list --first-parent --max-count' git.log
    # What says nothing of its commit has that of HEAD, with all that git knows.
    result bare commit= commit_dirty= commit_parents= commit_time_s= commit_subject=
    run -0 watched tare history add bare.json
    grep -q status git.log
    run -0 tare history show --runs --format json
    python - "$output" "$(git rev-parse HEAD)" <<'END'
import json, sys
runs = json.loads(sys.argv[1])["runs"]
assert [run["commit"]["id"] for run in runs].count(sys.argv[2]) == 2, runs
assert all(run["dirty"] is False or run["dirty"] == 0 for run in runs), runs
END
    run -0 tare history fsck
}

@test "a repository that git will not have is not taken for none" {
    needs_history
    a_repository
    result one
    mkdir deep
    cd deep
    GIT_TEST_ASSUME_DIFFERENT_OWNER=1 git rev-parse 2>/dev/null && skip "this git takes repositories of anybody"
    export GIT_TEST_ASSUME_DIFFERENT_OWNER=1
    for command in "add ../one.json" "show" "check"; do
        # shellcheck disable=SC2086 # words
        run -2 --separate-stderr tare history $command
        expect stderr "$stderr" "tare: which project is it? git will not have the repository around this folder (detected dubious ownership*): allow it with 'git config --global --add safe.directory FOLDER', or give --project"
    done
    run -125 --separate-stderr tare stat --history -- true # before anything is measured
    expect stderr "$stderr" "*which project is it?*"
    run -0 --separate-stderr tare history add --db h.db --project p ../one.json
    expect stderr "$stderr" "tare: warning: git will not have the repository around this folder (detected dubious ownership*): what it would know of commits and branches is missing"
    run -2 --separate-stderr tare history add --db h.db --project p --commit HEAD ../one.json
    expect stderr "$stderr" "*there is no commit 'HEAD'*git will not have the repository*"
    [ ! -e .tare ] && [ ! -e ../.tare ]
}

@test "a file called HEAD is no trouble" {
    needs_history
    a_repository
    echo 1 >HEAD
    echo 1 >main
    git add HEAD main
    git commit -qm "files"
    result one commit= commit_dirty= commit_parents= commit_time_s= commit_subject=
    run -0 tare history add one.json
    [ "$(ordinals)" = 2 ]
    run -0 tare history show --runs
    expect runs "$output" "*$(git rev-parse --short=7 HEAD)*"
}

@test "the same counts of another commit are another point, and of the same commit nothing" {
    needs_history
    a_repository
    printf '49,,page-faults,496681,100.00,,\n' >sort.csv
    run -0 tare history import --commit HEAD sort.csv
    expect output "$output" "added 1 result: 1 point in 1 series"
    git commit -q --allow-empty -m "the second"
    run -0 tare history import --commit HEAD sort.csv
    expect output "$output" "added 1 result: 1 point in 1 series"
    run -0 tare history import --commit HEAD sort.csv
    expect output "$output" "added nothing: the result was there already"
    [ "$(ordinals)" = "1 2" ]
    run -0 tare history show --format json
    python - "$output" <<'END'
import json, sys
series, = json.loads(sys.argv[1])["series"]
assert len(series["points"]) == 2, series
END
    run -0 tare history fsck
    run -0 tare history merge --db other.db .tare/history.db
    run -0 tare history fsck --db other.db
    run -0 tare history export --all --to back
    for file in back/*; do cmp sort.csv "$file"; done
}

@test "what is given to the wrong one of add and import" {
    needs_history
    a_repository
    printf '49,,page-faults,496681,100.00,,\n' >sort.csv
    printf '{"results":[{"command":"c","times":[1]}]}' >h.json
    run -2 --separate-stderr tare history add h.json
    expect stderr "$stderr" "tare: cannot add 'h.json': it is a file of hyperfine: give it to 'tare history import'"
    run -2 --separate-stderr tare history add sort.csv
    expect stderr "$stderr" "tare: cannot add 'sort.csv': it is a file of perf-stat: give it to 'tare history import'"
    result one
    mkdir both own
    cp one.json h.json both
    mv one.json own
    run -0 --separate-stderr tare history import both
    expect stderr "$stderr" "tare: warning: left out 1 result of tare itself, as 'both/one.json': give them to 'tare history add'"
    run -2 --separate-stderr tare history import own
    expect stderr "$stderr" "tare: there are only results of tare itself in the folder 'own': give them to 'tare history add'"
    # asv's list of benchmarks is not a result, and need not be named.
    mkdir asv
    mv h.json asv
    echo '{"time_x": {"unit": "seconds"}, "version": 2}' >asv/benchmarks.json
    run -0 --separate-stderr tare history import --project q asv
    expect stderr "$stderr" ""
}

@test "--link has to be one" {
    needs_history
    result one
    for link in ftp://example.org/ javascript:x https:// http://user@example.org/ 'https://example.org/"x'; do
        run -2 --separate-stderr tare history add --db h.db --link "$link" one.json
        expect stderr "$stderr" "tare: '*' for --link is no URL of a page: *"
    done
    run -0 tare history add --db h.db --link https://example.org/job/1 one.json
}

@test "what was interrupted, or killed, is not kept by --history" {
    needs_history
    export TARE_DB=h.db TARE_PROJECT=p
    run --separate-stderr tare run --history -- sh -c 'kill -TERM $$'
    expect stderr "$stderr" "*the history does not get this result, which is of a program that a signal ended: 'tare history add' adds one all the same"
    run --separate-stderr timeout 60 tare stat --timeout 30 --history -- sh -c 'trap "exit 0" TERM; kill -TERM $PPID; sleep 0.3'
    expect stderr "$stderr" "*the history does not get this result, which is of a measurement that was interrupted: *"
    [ ! -e h.db ]
    run -0 --separate-stderr tare stat --history -- true
    expect stderr "$stderr" "*kept in 'h.db': * points"
}
