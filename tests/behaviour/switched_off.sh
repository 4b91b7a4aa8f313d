#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Where there shall be no page there is none: no memory, no descriptor, no file, with TARE=off, and in a program that
# runs with another user's rights, whatever else the environment says. A program with timers runs as ever.
# shellcheck disable=SC2154 # what helpers/script.bash sets
source "$(dirname "$0")/helpers/script.bash"
needs tare hello "$helpers/load" "$helpers/load_static"
PATH=$bin:$helpers:$PATH
cd "$scratch" || exit 1

# traces PID: what of tare's is in the process: mappings and descriptors.
traces() {
    grep -E 'tare-(page|set)|/report|/page' "/proc/$1/maps"
    readlink "/proc/$1/fd"/* | grep -E 'tare-(page|set)|/report|/page'
}

# no_traces WHAT PID: it counts, waits, and ends when the file `go` is there.
no_traces() {
    eventually test -e ready
    equal "$1" "$(traces "$2")" ""
    : >go
    wait "$2"
    equal "exit code, $1" $? 6
    rm -f ready go
}

begin_case "this test would notice a page"
load count 3 ready ready await go exit 6 &
eventually test -e ready
check "a page in memory" test "$(traces $! | wc -l)" -ge 2 # its descriptor, and what of it is mapped
: >go
wait $!
rm -f ready go

begin_case "TARE=off: no page, and what else is asked for is not done"
for word in off 0; do
    TARE=$word TARE_ENABLE='*' TARE_PAGE=page TARE_REPORT=report load count 3 ready ready await go exit 6 &
    no_traces "TARE=$word" $!
    equal "files" "$(ls)" ""
done
equal "output" "$(TARE=off TARE_REPORT=stderr hello 2>&1)" "prime number 10000 is 104729"

begin_case "TARE=off with libtare-libc.so"
if [ -n "${TARE_SANITIZER:-}" ]; then
    skip_case "a sanitizer takes libc's calls for itself"
elif [ ! -e "$lib/libtare-libc.so" ]; then
    skip_case "built without libtare-libc.so"
else
    TARE=off TARE_REPORT=report LD_PRELOAD=$lib/libtare-libc.so load ready ready await go exit 6 &
    no_traces "libc" $!
    equal "files" "$(ls)" ""
fi

begin_case "a set-user-ID program: none of it"
setuid_case() {
    [ "$(id -u)" -eq 0 ] || { skip_case "not root: no program can be given to another user"; return; }
    command -v setpriv >/dev/null || { skip_case "no setpriv"; return; }
    chmod 777 .
    cp "$helpers/load_static" other_users && chown 65534:65534 other_users && chmod 4755 other_users
    local -a as=(setpriv --reuid=65533 --regid=65533 --clear-groups)
    "${as[@]}" ./other_users 2>err || { skip_case "another user cannot start it here: $(head -n 1 err)"; return; }
    rm -f err
    local files pid
    files=$(ls)
    TARE_ENABLE='*' TARE_PAGE=$scratch/page TARE_REPORT=$scratch/report \
        "${as[@]}" ./other_users count 3 ready ready await go exit 6 &
    pid=$!
    eventually test -e ready
    if [ "$(stat -c %u ready)" != 65534 ]; then
        skip_case "set-user-ID has no effect on this file system"
        : >go
        wait "$pid"
        return
    fi
    no_traces "set-user-ID" "$pid"
    equal "files" "$(ls)" "$files"

    "${as[@]}" tare run ./other_users count 3 exit 6 >/dev/null 2>"$scratch/err"
    equal "exit code under tare run" $? 6
    one_line "errors under tare run" err
    "${as[@]}" tare run --libc ./other_users count 3 exit 6 >/dev/null 2>"$scratch/err"
    equal "exit code under tare run --libc" $? 125
    one_line "errors under tare run --libc" err
    matches "what it says" "$(<err)" "*runs with another user's or group's rights*"
}
setuid_case

finish
