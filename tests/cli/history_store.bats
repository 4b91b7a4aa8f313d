#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# The store of tare history on a PostgreSQL server, which is started once for all: the same tests as on SQLite. And
# on both, the numbers of writers and kills that only make test has the time for.

load common
load postgres

# run_on NAME ENVIRONMENT...: a program of tests/unit.
run_on() {
    local program=$build_dir/tests/unit/$1
    shift
    [ -x "$program" ] || skip "no $(basename "$program") in this build"
    env "$@" "$program" >out 2>&1 || fail "$(grep -v -e ' RUN ' -e ' OK \]' out)"
    grep -q 'PASSED' out
}

setup_file() {
    load postgres
    # In a subshell of its own bats would keep the server's descriptors.
    if [ -x "${TARE_BUILD_DIR:-$BATS_TEST_DIRNAME/../../build/fast}/tests/unit/unit_store" ]; then
        postgres_scratch=$(mktemp -d /tmp/tare-pg.XXXXXX)
        chmod 755 "$postgres_scratch"
        postgres_begin "$postgres_scratch/pg" || true
    fi
    export postgres_scratch postgres_url postgres_reason
}

teardown_file() {
    load postgres
    postgres_stop
}

needs_postgres() {
    [ -n "${postgres_url:-}" ] || skip "${postgres_reason:-built without the store}"
    [ "$(tare info --format json | python3 -c 'import json, sys
print(json.load(sys.stdin)["libraries"].get("libpq"))')" != None ] || skip 'built without libpq'
}

@test "on PostgreSQL the store does what it does on SQLite" {
    needs_postgres
    run_on unit_store "TARE_TEST_POSTGRESQL=$postgres_url"
}

@test "8 writers of 500 results each, and 100 kills: SQLite" {
    run_on unit_store_writers TARE_TEST_STORES=full
}

@test "8 writers of 500 results each, and 100 kills: PostgreSQL" {
    needs_postgres
    run_on unit_store_writers TARE_TEST_STORES=full "TARE_TEST_POSTGRESQL=$postgres_url"
}
