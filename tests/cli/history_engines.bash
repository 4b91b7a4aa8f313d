# SPDX-License-Identifier: MIT
# What history_engines.bats has to run the same commands on a SQLite file and on a PostgreSQL server.

# needs_both: a server, and a tare that has both engines; or the test is skipped.
needs_both() {
    local missing
    missing=$(tare info --format json | python -c 'import json, sys
libraries = json.load(sys.stdin)["libraries"]
print(" ".join(name for name in ("sqlite3", "zlib", "libpq") if not libraries.get(name)))')
    [ -z "$missing" ] || skip "built without $missing"
    [ -n "${postgres_url:-}" ] || skip "${postgres_reason:-no PostgreSQL server}"
    command -v psql >/dev/null || skip "no psql"
}

# on_both FUNCTION: runs it twice, in a folder of its own, with an empty history: $db, which is TARE_DB. What `tell` and
# `keep` wrote has to be the same of both.
on_both() {
    local name
    needs_both
    unset TARE_PROJECT GITHUB_ACTIONS GITLAB_CI CI
    for engine in sqlite postgresql; do
        mkdir -p "$engine"
        cd "$engine"
        empty_history first
        db=$fresh
        export TARE_DB=$db TARE_PROJECT=demo
        "$1"
        cd ..
    done
    [ -s sqlite/said ] || fail "nothing was said"
    cmp -s sqlite/said postgresql/said || fail "$(diff -u sqlite/said postgresql/said)"
    for name in sqlite/kept.*; do
        [ -e "$name" ] || continue
        [ -s "$name" ] || fail "'$name' is empty"
        cmp -s "$name" "postgresql/${name#sqlite/}" || fail "$(diff -u "$name" "postgresql/${name#sqlite/}" | head -c 2000)"
    done
}

# empty_history NAME [ENGINE]: sets $fresh to where one is: a file that is not there yet, or a database of this test's own.
empty_history() {
    if [ "${2:-$engine}" = sqlite ]; then
        fresh=$PWD/$1.db
        return
    fi
    local database="$1_$BATS_TEST_NUMBER"
    psql -X -q -d "$postgres_url" -c "CREATE DATABASE $database TEMPLATE template0"
    fresh=${postgres_url/\/postgres\?//$database?}
}

# same TEXT: without what has to differ: where a history is, in quotes if it needs them for a shell, and what the time is. Lines
# break elsewhere where a name is longer, so a line that goes on is put behind its beginning.
same() {
    local text=$1 now day
    text=${text//"$db"/FIRST}
    text=${text//"='FIRST'"/=FIRST}
    if [ -n "${second:-}" ]; then
        text=${text//"$second"/SECOND}
        text=${text//"='SECOND'"/=SECOND}
    fi
    for day in today yesterday; do # yesterday: midnight may be between the two
        now=${now:+$now|}$(date -u -d "$day" +%F)
    done
    sed -Ez "s/($now)[T ][0-9:]+Z?/NOW/g; s/\n {2,}/ /g" <<<"$text"
}

# tell CODE ARGUMENTS...: tare history, which exits so. Sets $output, of both streams; it, and the command, are compared.
tell() {
    local code=$1
    shift
    run "-$code" tare history "$@"
    same "\$ tare history $*
$output" >>said
}

# keep NAME ARGUMENTS...: what tare history prints is compared, as it is.
keep() {
    tare history "${@:2}" >"kept.$1"
}
