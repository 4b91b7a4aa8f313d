#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# docs/fleet.md: its statements and commands are run as they stand there, against a PostgreSQL server of this test's own.

load common
load postgres.bash

# Of the document: the block of SQL that begins with the comment "-- NAME:".
block() {
    awk -v name="-- $1:" '/^```/ { if (on) exit; fresh = 1; next } fresh { on = index($0, name) == 1; fresh = 0 } on' \
        "$source_dir/docs/fleet.md"
}

sql() {
    psql -X -q -A -t -v ON_ERROR_STOP=1 -d "$url" "$@"
}

# as USER COMMAND...: tare history with the URL of that user.
as() {
    tare history "${@:2}" --db "${url/tare@/$1@}" --project ring
}

teardown() {
    postgres_stop
}

@test "a writer adds and cannot take away, a reader reads, a keeper prunes, and partitions change nothing" {
    command -v psql >/dev/null || skip "no psql"
    local library
    for library in sqlite3 zlib libpq; do
        tare info | grep -Eq "^$library +[0-9]" || skip "built without $library"
    done
    unset TARE_DB TARE_PROJECT
    postgres_start
    url=$postgres_url

    tare bench --no-counts --no-lock --time 0.02 -o first.json bench_cases_100 >/dev/null
    tare bench --no-counts --no-lock --time 0.02 -o second.json bench_cases_100 >/dev/null
    tare bench --no-counts --no-lock --time 0.02 -o third.json bench_cases_100 >/dev/null
    block roles | sql -f -
    sql -c 'CREATE ROLE ann LOGIN IN ROLE tare_owner; CREATE ROLE w7 LOGIN IN ROLE tare_writer;
        CREATE ROLE eve LOGIN IN ROLE tare_reader; CREATE ROLE kim LOGIN IN ROLE tare_keeper'
    block schema | sql -f -

    # Nobody but the owner makes tables; they belong to the role.
    run -2 as w7 add first.json
    tare history add --project ring --db "${url/tare@/ann@}&options=-crole%3Dtare_owner" first.json
    [ "$(sql -c "SELECT DISTINCT tableowner FROM pg_tables WHERE tablename LIKE 'tare%'")" = tare_owner ]
    block rights | sql -f -

    # Writers.
    as w7 add first.json second.json
    as w7 check >/dev/null
    tare history add --db offline.db --project ring third.json
    tare history merge --db "${url/tare@/w7@}" offline.db
    [ "$(sql -c 'SELECT count(*) FROM tare_runs')" = 3 ]
    run -2 as w7 prune --keep 1
    run -2 as w7 baseline set
    for statement in 'DELETE FROM tare_runs' 'UPDATE tare_runs SET dirty = 1' 'DELETE FROM tare_raws' 'DROP TABLE tare_runs' \
        'CREATE TABLE mine (x INT)' "UPDATE tare_meta SET value = 9"; do
        run ! psql -X -q -v ON_ERROR_STOP=1 -d "${url/tare@/w7@}" -c "$statement"
    done

    # Readers.
    as eve show >/dev/null
    as eve fsck
    tare history merge --db copy.db "${url/tare@/eve@}"
    [ "$(tare history show --runs --format csv --db copy.db --project ring | tail -n +2 | wc -l)" = 3 ]
    run -2 as eve add third.json
    expect output "$output" "tare: *does not allow it*"

    # Partitions, with what is in them.
    block partitions | sql -f -
    block rights | sql -f -
    tare bench --no-counts --no-lock --time 0.02 -o fourth.json bench_cases_100 >/dev/null
    as w7 add fourth.json
    as w7 add fourth.json
    [ "$(sql -c 'SELECT count(*) FROM tare_runs')" = 4 ]
    as eve fsck

    # The keeper.
    as kim baseline set release --reason 'as it was'
    as kim baseline remove release
    as kim prune --raws --before '2000-01-01'
    as kim prune --keep 1
    [ "$(sql -c 'SELECT count(*) FROM tare_runs')" = 1 ]
}
