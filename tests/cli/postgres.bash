#!/bin/bash
# SPDX-License-Identifier: MIT
# A PostgreSQL server for tests: in a scratch folder, on a socket in it, without a network and without care for power
# losses. As a script:
#
#   postgres.bash start FOLDER     makes FOLDER, starts a server, prints its URL; exits 77, with the reason, if it cannot
#   postgres.bash stop FOLDER      stops it at once, and removes FOLDER
#   postgres.bash run COMMAND...   starts one, runs COMMAND with TARE_TEST_POSTGRESQL=URL (empty, with the reason on
#                                  stderr, if there is none), stops it
#
# Loaded into bats: postgres_start sets $postgres_url, or skips; postgres_stop, in teardown. A server refuses to run as
# root: then another user runs it, who has to be able to get at the folder, which bats' own is not.

# The folder of the newest server programs; nothing if there are none.
postgres_programs() {
    local folder newest=
    for folder in /usr/lib/postgresql/*/bin /usr/pgsql-*/bin /usr/libexec/postgresql /usr/local/pgsql/bin; do
        [ -x "$folder/initdb" ] && [ -x "$folder/postgres" ] && newest=$folder
    done
    if [ -z "$newest" ] && command -v initdb >/dev/null && command -v postgres >/dev/null; then
        newest=$(dirname "$(command -v initdb)")
    fi
    printf '%s' "$newest"
}

# postgres_as COMMAND...: as a user that a server accepts.
postgres_as() {
    if [ "$(id -u)" = 0 ]; then
        setpriv --reuid="$postgres_user" --regid="$(id -g "$postgres_user")" --clear-groups env HOME=/nonexistent "$@"
    else
        "$@"
    fi
}

# postgres_begin FOLDER: sets $postgres_url, or $postgres_reason and returns 77.
postgres_begin() {
    local folder=$1 programs
    postgres_reason='' postgres_url=''
    programs=$(postgres_programs)
    if [ -z "$programs" ]; then
        postgres_reason='no PostgreSQL server (initdb, postgres)'
        return 77
    fi
    postgres_user=$(id -un)
    if [ "$(id -u)" = 0 ]; then
        if ! command -v setpriv >/dev/null; then
            postgres_reason='no setpriv, and PostgreSQL does not run as root'
            return 77
        fi
        postgres_user=postgres
        id -u postgres >/dev/null 2>&1 || postgres_user=nobody
    fi
    # The path of a socket has 107 bytes.
    if [ ${#folder} -gt 80 ]; then
        postgres_reason="the path of the scratch folder is too long for a socket: '$folder'"
        return 77
    fi
    mkdir -p "$folder" || return
    [ "$(id -u)" != 0 ] || chown "$postgres_user" "$folder"
    if ! (cd "$folder" && postgres_as env LC_ALL=C.UTF-8 "$programs/initdb" -D "$folder/data" -U tare --auth=trust -E UTF8 \
            --no-sync >"$folder.log" 2>&1); then
        postgres_reason="initdb failed: $(tail -n 1 "$folder.log")"
        rm -rf "$folder" "$folder.log"
        return 77
    fi
    if ! (cd "$folder" && postgres_as "$programs/pg_ctl" -D "$folder/data" -w -t 60 -l "$folder/log" start -o "-c listen_addresses= \
            -c unix_socket_directories=$folder -c fsync=off -c full_page_writes=off -c max_connections=60 \
            -c shared_buffers=16MB -c autovacuum=off" >>"$folder.log" 2>&1 3>&-); then
        postgres_reason="the server did not start: $(tail -n 1 "$folder/log" 2>/dev/null)"
        rm -rf "$folder" "$folder.log"
        return 77
    fi
    rm -f "$folder.log"
    postgres_url="postgresql://tare@/postgres?host=$folder"
}

postgres_stop() {
    local folder=${1:-${postgres_scratch:+$postgres_scratch/pg}} programs user
    [ -n "$folder" ] || return 0
    programs=$(postgres_programs)
    if [ -n "$programs" ] && [ -f "$folder/data/postmaster.pid" ]; then
        user=$(stat -c %U "$folder/data")
        postgres_user=$user
        (cd "$folder" && postgres_as "$programs/pg_ctl" -D "$folder/data" -w -m immediate stop) >/dev/null 2>&1
    fi
    rm -rf "$folder"
    [ -z "${postgres_scratch:-}" ] || rm -rf "$postgres_scratch"
}

# For bats.
postgres_start() {
    local code=0
    postgres_scratch=$(mktemp -d /tmp/tare-pg.XXXXXX) && chmod 755 "$postgres_scratch" || return
    postgres_begin "$postgres_scratch/pg" || code=$?
    [ $code = 0 ] || rm -rf "$postgres_scratch"
    [ $code = 0 ] || skip "$postgres_reason"
}

if [ "${BASH_SOURCE[0]}" = "$0" ]; then
    case ${1:-} in
    start)
        postgres_begin "${2:?usage: postgres.bash start FOLDER}"
        code=$?
        [ $code = 0 ] && printf '%s\n' "$postgres_url"
        [ $code = 0 ] || echo "skipped: $postgres_reason" >&2
        exit $code
        ;;
    stop)
        postgres_stop "${2:?usage: postgres.bash stop FOLDER}"
        ;;
    run)
        shift
        postgres_scratch=$(mktemp -d /tmp/tare-pg.XXXXXX) && chmod 755 "$postgres_scratch" || exit
        trap postgres_stop EXIT
        trap 'exit 143' TERM INT HUP
        postgres_begin "$postgres_scratch/pg" || echo "skipped on PostgreSQL: $postgres_reason" >&2
        TARE_TEST_POSTGRESQL=$postgres_url "$@"
        ;;
    *)
        echo 'usage: postgres.bash start FOLDER | stop FOLDER | run COMMAND...' >&2
        exit 2
        ;;
    esac
fi
