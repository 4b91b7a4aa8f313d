#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# The templates for CI services (docs/ci.md): every shell step is run as it stands there, in a clone of a small project. What is
# an action of the service itself (checkout, uploads, Pages) is left out; the output names it.

load common

needs_history() {
    tare info --format json | python -c 'import json, sys
libraries = json.load(sys.stdin)["libraries"]
sys.exit(0 if libraries["sqlite3"] and libraries["zlib"] else 1)' || skip "built without SQLite or zlib"
}

# A project with one benchmark, in a bare repository and a clone of it. Its `make build-all` makes the program under the name
# that the templates have; how long it works is a number in work.h, and a second benchmark fails where that says so.
make_project() {
    not_with_sanitizer "programs are built without it" || return
    command -v cc >/dev/null && command -v make >/dev/null || skip "no cc or no make"
    python -c 'import yaml' 2>/dev/null || skip "no python3-yaml"
    needs_history
    unset TARE_DB TARE_PROJECT CI HISTORY_REMOTE HISTORY_BRANCH HISTORY_TRIES HISTORY_PUSH_TOKEN
    for variable in $(compgen -e | grep -E '^(GITHUB|GITLAB|CI|RUNNER)_' || true); do
        unset "$variable"
    done
    export GIT_CONFIG_GLOBAL=$BATS_TEST_TMPDIR/gitconfig GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@b
    export TARE_CFLAGS="-O2 -I$source_dir/include"
    export TARE_LIBS="-L$build_dir/lib -ltare-bench -ltare -lm -lpthread -Wl,-rpath,$build_dir/lib"
    git init -q --bare -b main origin.git
    git clone -q origin.git project 2>/dev/null
    cd project
    mkdir -p scripts bench/own
    cp "$source_dir/scripts/history-branch.sh" scripts/
    printf '#!/bin/sh\necho "$@" >>deps-log\n' >scripts/deps.sh
    printf '#!/bin/sh\nexec tare bench --no-counts --no-lock --time 0.05 --history build/fast/bin/bench-own\n' \
        >scripts/perf-history.sh
    chmod +x scripts/*
    printf '%s\n' build/ .tare/ deps-log comparison.* pages/ public/ >.gitignore
    cat >Makefile <<'END'
build-all: build/fast/bin/bench-own
build/fast/bin/bench-own: bench/own/work.c bench/own/work.h
	mkdir -p build/fast/bin
	cc $(TARE_CFLAGS) bench/own/work.c -o $@ $(TARE_LIBS)
END
    cat >bench/own/work.c <<'END'
#include <tare/bench.h>
#include "work.h"
TARE_BENCH(work)
{
    TARE_EACH(b)
    {
        for (unsigned i = 0; i < WORK; i++) {
            tare_forget(i);
        }
    }
}
#ifdef BROKEN
TARE_BENCH(broken)
{
    tare_require(b == 0);
}
#endif
TARE_BENCH_MAIN();
END
    echo '#define WORK 500u' >bench/own/work.h
    git add -A
    git commit -q -m 'work: begin'
    git push -q origin HEAD:main
}

# change NUMBER: a commit in which the benchmark works so long.
change() {
    echo "#define WORK ${1}u" >bench/own/work.h
    git commit -q -am "work: $1"
}

# no_base: the branch bare, at origin, has no benchmark, and the branch first, which is checked out, adds it.
no_base() {
    git checkout -q --orphan bare
    git rm -rq --cached bench
    git commit -q -m 'nothing to measure yet'
    git push -q origin bare
    git checkout -q -b first
    git add bench
    git commit -q -m 'bench: begin'
}

# made OUT SEED NAME=NS [STARTED]: a result like base.json of one benchmark that takes so long.
made() {
    python - "$@" <<'END'
import json, random, sys
out, seed, (name, ns), started = sys.argv[1], sys.argv[2], sys.argv[3].split("="), sys.argv[4:]
result = json.load(open("base.json"))
one = result["bench"]["benchmarks"][0]
arm, draw = one["arms"][0], random.Random(int(seed))
values = [float(ns) * (1 + 0.005 * draw.gauss(0, 1)) for _ in range(21)]
one["name"] = one["bench"] = name
one["contamination"].update({"rounds": 21, "dropped": 0})
one["contamination"].pop("each_round", None)
arm.update({"values_ns": values, "rounds": list(range(1, 22)), "dropped": [False] * 21})
arm["summary"].update({"n": 21, "median_ns": sorted(values)[10], "median_low_ns": sorted(values)[5],
                       "median_high_ns": sorted(values)[15],
                       "outliers": {"low_severe": 0, "low_mild": 0, "normal": 21, "high_mild": 0, "high_severe": 0}})
result["environment"].update({"commit": None, "commit_dirty": None})
if started:
    result["started"] = started[0]
json.dump(result, open(out, "w"))
END
}

github() {
    GITHUB_STEP_SUMMARY=$BATS_TEST_TMPDIR/summary python "$here/ci_steps.py" github "$source_dir/.github/workflows/$1" "${@:2}"
}

runs() {
    tare history show --runs --format csv "$@" | tail -n +2 | wc -l
}

@test "templates are YAML, with the least permissions, and no script has an expression in it" {
    python -c 'import yaml' 2>/dev/null || skip "no python3-yaml"
    python "$here/ci_steps.py" parse "$source_dir"/.github/workflows/*.yml "$source_dir/docs/ci/gitlab-ci.yml"
}

@test "a pull request that makes it slower fails, with the verdict in the summary, and one that does not passes" {
    make_project
    git checkout -q -b slower
    change 50000
    git checkout -q main
    echo more >README # the base has gone on: what is compared with is where the branch left it
    git add README
    git commit -q -m 'docs: more'
    git push -q origin main
    git checkout -q slower
    export SECONDS_EACH=40 # it ends as soon as it is certain
    run -1 github perf-pull-request.yml compare github.event.pull_request.head.sha="$(git rev-parse HEAD)" GITHUB_BASE_REF=main
    expect output "$output" "*left out: actions/checkout@v4*-- Compare with the base*slower*left out: actions/upload-artifact@v4*"
    expect summary "$(<"$BATS_TEST_TMPDIR/summary")" "*|*work*|*slower*"
    [ -s comparison.json ]
    [ "$(cat deps-log)" = "--for build" ]

    git checkout -q -b other main
    echo 'More.' >README
    git commit -q -am 'docs: other words'
    rm -rf build "$BATS_TEST_TMPDIR/summary"
    SECONDS_EACH=1 run -0 github perf-pull-request.yml compare GITHUB_BASE_REF=main
    expect summary "$(<"$BATS_TEST_TMPDIR/summary")" "*|*work*|*"
}

@test "the first pull request, whose base has no benchmarks, says so and passes; a SOURCE that is not there does not" {
    make_project
    no_base
    run -0 github perf-pull-request.yml compare GITHUB_BASE_REF=bare
    expect output "$output" "*::notice::Nothing was compared: the base, $(git rev-parse --short=12 bare), has no 'bench/own' yet.
*"
    expect summary "$(<"$BATS_TEST_TMPDIR/summary")" "Nothing was compared: the base, *"
    [ ! -e comparison.json ]
    SOURCE=bench/onw run -2 github perf-pull-request.yml compare GITHUB_BASE_REF=bare
    expect output "$output" "*there is no 'bench/onw' here: SOURCE is to name the benchmarks
*"
    run ! github perf-pull-request.yml compare GITHUB_BASE_REF=nowhere
}

@test "nights add to the branch, and the page and the summary are of all of them" {
    make_project
    local server=(GITHUB_SERVER_URL=https://git.example GITHUB_REPOSITORY=a/project)
    # As in a container, where the checkout belongs to somebody else; the other end is a server.
    export GIT_TEST_ASSUME_DIFFERENT_OWNER=1
    git config --global --add safe.directory "$BATS_TEST_TMPDIR/work/origin.git"
    run ! git status
    run -0 github perf-nightly.yml measure "${server[@]}"
    expect output "$output" "*there is no branch 'tare-history' yet*-- Keep the history*left out: actions/upload-pages-artifact@v3*"
    unset GIT_TEST_ASSUME_DIFFERENT_OWNER
    [ "$(git -C ../origin.git rev-list --count tare-history)" = 1 ]

    # The next night is another machine's clone, which has nothing but the branch.
    change 501
    git push -q origin HEAD:main
    cd ..
    git clone -q origin.git second
    cd second
    rm -f "$BATS_TEST_TMPDIR/summary"
    run -0 github perf-nightly.yml measure "${server[@]}"
    [ "$(runs)" = 2 ]
    [ "$(git -C ../origin.git rev-list --count tare-history)" = 1 ]
    [ "$(git -C ../origin.git ls-tree --name-only tare-history)" = history.db ]
    git -C ../origin.git show tare-history:history.db >kept.db
    [ "$(runs --db kept.db)" = 2 ]
    tare history fsck --db kept.db
    grep -q 'https://git.example/a/project/commit/' pages/index.html
    expect summary "$(<"$BATS_TEST_TMPDIR/summary")" "*work*"
}

@test "a night on which something got worse is kept and shown, and then fails" {
    make_project
    make build-all >/dev/null
    tare bench --no-counts --no-lock --time 0.05 -o base.json build/fast/bin/bench-own >/dev/null
    for ((i = 1; i <= 30; i++)); do # a year before: a step up, and then the same for long
        git commit -q --allow-empty -m "night $i"
        made "night-$i.json" "$i" past=$((i <= 20 ? 100 : 130)) "2025-11-$(printf %02d "$i")T03:00:00Z"
        tare history add --dirty no "night-$i.json" >/dev/null
    done
    git push -q origin HEAD:main
    run -1 github perf-nightly.yml measure GITHUB_SERVER_URL=https://git.example GITHUB_REPOSITORY=a/project
    expect output "$output" "*past*-- Keep the history*-- Show it*-- Fail if something got worse*"
    git -C ../origin.git show tare-history:history.db >kept.db
    [ "$(runs --db kept.db)" -ge 31 ]
    expect summary "$(<"$BATS_TEST_TMPDIR/summary")" "*past*"
}

@test "a benchmark that fails fails the night, and the others' is judged, kept and shown" {
    make_project
    echo '#define BROKEN' >>bench/own/work.h
    git commit -q -am 'work: break another'
    run -1 github perf-nightly.yml measure GITHUB_SERVER_URL=https://git.example GITHUB_REPOSITORY=a/project
    expect output "$output" "*-- Measure*broken*failed*-- Judge*-- Keep the history*-- Show it*left out: actions/upload-pages-artifact@v3*"
    [[ $output != *"not reached"* ]] || fail "$output"
    git -C ../origin.git show tare-history:history.db >kept.db
    expect kept "$(tare history show --db kept.db --format csv)" "*,work,*"
    expect summary "$(<"$BATS_TEST_TMPDIR/summary")" "*work*"
    grep -q 'https://git.example/a/project/commit/' pages/index.html

    # What is not even built is not judged, and the branch stays as it is.
    before=$(git -C ../origin.git rev-parse tare-history)
    echo '#error no' >>bench/own/work.h
    run -2 github perf-nightly.yml measure GITHUB_SERVER_URL=https://git.example GITHUB_REPOSITORY=a/project
    expect output "$output" "*-- Build*not reached: Get the history*not reached: Measure*not reached: Judge*not reached: Keep*not reached: Show*"
    [ "$(git -C ../origin.git rev-parse tare-history)" = "$before" ]
}

@test "the branch loses nothing to jobs that write at once" {
    make_project
    make build-all >/dev/null
    tare bench --no-counts --no-lock --time 0.05 -o base.json build/fast/bin/bench-own >/dev/null
    local i jobs=()
    for i in 1 2 3 4; do
        git clone -q ../origin.git "../job-$i"
        made "result-$i.json" "$i" work="$((100 + i))"
        (cd "../job-$i" && scripts/history-branch.sh get && tare history add "../project/result-$i.json" >/dev/null)
    done
    for i in 1 2 3 4; do
        (cd "../job-$i" && HISTORY_TRIES=40 scripts/history-branch.sh keep) 3>&- &
        jobs+=($!)
    done
    for i in "${jobs[@]}"; do
        wait "$i"
    done
    git -C ../origin.git show tare-history:history.db >kept.db
    [ "$(runs --db kept.db)" = 4 ]
    tare history fsck --db kept.db
}

@test "what is taken away stays away, also while another job writes" {
    make_project
    make build-all >/dev/null
    tare bench --no-counts --no-lock --time 0.05 -o base.json build/fast/bin/bench-own >/dev/null
    for i in 1 2 3 4; do made "result-$i.json" "$i" work="$((100 + i))"; done
    tare history add result-1.json result-2.json result-3.json >/dev/null
    tare history baseline set --reason why >/dev/null
    scripts/history-branch.sh keep
    # Another job has put a result there when the first push is tried: the command runs again, on both histories.
    git clone -q ../origin.git ../job
    (cd ../job && scripts/history-branch.sh get && tare history add ../project/result-4.json >/dev/null)
    cat >lose.sh <<'END'
echo >>calls
[ -e ../job/kept ] || (cd ../job && unset TARE_DB && scripts/history-branch.sh keep && touch kept) || exit
tare history prune --keep 2 >/dev/null
tare history baseline remove >/dev/null
END
    run -0 scripts/history-branch.sh change bash lose.sh
    [ "$(wc -l <calls)" -ge 2 ]
    git -C ../origin.git show tare-history:history.db >kept.db
    [ "$(runs --db kept.db)" = 2 ]
    [ "$(tare history baseline show --db kept.db --format json | grep -c why)" = 0 ]
    # And the local history is as the branch, so that the next 'keep' brings nothing back.
    scripts/history-branch.sh keep
    git -C ../origin.git show tare-history:history.db >kept.db
    [ "$(runs --db kept.db)" = 2 ]

    tip=$(git -C ../origin.git rev-parse tare-history)
    run -1 scripts/history-branch.sh change false
    expect output "$output" "*history-branch: 'false' failed: 'tare-history' is as it was"
    [ "$(git -C ../origin.git rev-parse tare-history)" = "$tip" ]
    run -2 scripts/history-branch.sh change
}

@test "a remote that cannot be reached is not taken for one without a history" {
    make_project
    make build-all >/dev/null
    scripts/perf-history.sh >/dev/null
    HISTORY_REMOTE=../nowhere.git run -1 scripts/history-branch.sh get
    expect output "$output" "*history-branch: cannot read 'tare-history' of '../nowhere.git'"
    HISTORY_REMOTE=../nowhere.git run -1 scripts/history-branch.sh keep
    expect output "$output" "*history-branch: cannot read 'tare-history' of '../nowhere.git'"
    run -2 scripts/history-branch.sh
    run -2 scripts/history-branch.sh lose
}

@test "GitLab's jobs do the same" {
    make_project
    mkdir stubs
    printf '#!/bin/sh\necho "apt-get $*"\n' >stubs/apt-get # the image's packages are not ours to install
    chmod +x stubs/apt-get
    PATH=$PWD/stubs:$PATH
    gitlab() {
        python "$here/ci_steps.py" gitlab "$source_dir/docs/ci/gitlab-ci.yml" "$@"
    }
    # The project's address is one of a server; git finds it here.
    export GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0="url.file://$BATS_TEST_TMPDIR/work/origin.git.insteadOf" \
        GIT_CONFIG_VALUE_0=https://gitlab.example/a/project.git HISTORY_PUSH_TOKEN=secret
    run -0 gitlab perf-nightly CI_PROJECT_URL=https://gitlab.example/a/project
    [[ $output != *secret* ]]
    git -C ../origin.git show tare-history:history.db >kept.db
    [ "$(runs --db kept.db)" = 1 ]
    grep -q 'https://gitlab.example/a/project/-/commit/' public/index.html
    [ -s public/history.md ]
    run -0 gitlab pages

    git checkout -q -b slower
    change 50000
    SECONDS_EACH=40 run -1 gitlab perf-merge-request CI_MERGE_REQUEST_DIFF_BASE_SHA="$(git rev-parse main)"
    expect comparison.md "$(<comparison.md)" "*|*work*|*slower*"

    rm -rf build public .tare comparison.*
    echo '#define BROKEN' >>bench/own/work.h
    git commit -q -am 'work: break another'
    run -1 gitlab perf-nightly CI_PROJECT_URL=https://gitlab.example/a/project
    expect output "$output" "*broken*failed*measuring ended with 1, as said above*"
    git -C ../origin.git show tare-history:history.db >kept.db
    [ "$(runs --db kept.db)" = 2 ]
    expect history.md "$(<public/history.md)" "*work*"

    git checkout -q -f main
    no_base
    run -0 gitlab perf-merge-request CI_MERGE_REQUEST_DIFF_BASE_SHA="$(git rev-parse bare)"
    expect comparison.md "$(<comparison.md)" "Nothing was compared: the base, $(git rev-parse bare), has no 'bench/own' yet."
    run ! gitlab perf-merge-request CI_MERGE_REQUEST_DIFF_BASE_SHA=0123456789012345678901234567890123456789
}

@test "our own benchmarks are measured and kept" {
    [ -x "$build_dir/bin/bench-own" ] && [ -x "$build_dir/bin/ring_bench" ] || skip "no bench-own or no ring_bench in the build"
    needs_history
    export TARE_DB=$PWD/own.db TARE_PROJECT=own
    PERF_SECONDS=0.02 run -0 "$source_dir/scripts/perf-history.sh" "$build_dir"
    [ "$(runs)" = 2 ]
    run -0 tare history show --format csv
    expect series "$output" "*page_again*result_read*ring_write*"
    run -2 "$source_dir/scripts/perf-history.sh" "$PWD/nowhere"
    expect output "$output" "perf-history: no '$PWD/nowhere/bin/bench-own', build it first with 'make'*"
}
