#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# An ordinary user can measure, and has a page of his own that no other ordinary user can read: neither through tare, nor
# through /proc, nor in a file. What others have is said to be denied, in one line, or not shown at all.
# shellcheck disable=SC2154 # what helpers/script.bash sets
source "$(dirname "$0")/helpers/script.bash"
[ "$(id -u)" -eq 0 ] || skip_all "not root: cannot become somebody else"
command -v setpriv >/dev/null || skip_all "no setpriv"
needs tare hello "$helpers/load"
have_python || skip_all "no python3 to read results with"
PATH=$bin:$helpers:$PATH
chmod 711 "$scratch"
cd "$scratch" || exit 1
one=(setpriv --reuid=65534 --regid=65534 --clear-groups)
two=(setpriv --reuid=65533 --regid=65533 --clear-groups)
mkdir one two root
chown 65534:65534 one
chown 65533:65533 two
"${one[@]}" hello >/dev/null 2>err || skip_all "another user cannot run what was built: $(head -n 1 err)"

begin_case "an ordinary user measures a program"
(cd one && "${one[@]}" tare run --max-overhead 100 --format json -o result.json hello >out 2>err)
equal "exit code" $? 0
equal "output" "$(<one/out)" "prime number 10000 is 104729"
equal "errors" "$(<one/err)" ""
equal "calls" "$(of_result one/result.json 'timers["hello::next_prime"]["calls"]')" 10000

begin_case "and one that nobody instrumented"
if [ -n "${TARE_SANITIZER:-}" ]; then
    skip_case "a sanitizer takes libc's calls for itself"
else
    echo text >one/text
    (cd one && "${one[@]}" tare run --libc --format json -o result.json dd status=none if=text bs=1 >out 2>err)
    equal "exit code" $? 0
    equal "output" "$(<one/out)" text
    equal "calls" "$(of_result one/result.json 'timers["libc::write"]["calls"]')" 5
fi

# start_as FOLDER COMMAND...: an endless program with a page in memory and one with a page in a file; their ids are in
# `memory` and `file`.
start_as() {
    local where=$1
    shift
    (cd "$where" && TARE_ENABLE='*' exec "$@" load count 3 ready memory endless) &
    memory=$!
    (cd "$where" && TARE_PAGE=page exec "$@" load count 3 ready file endless) &
    file=$!
    started+=("$memory" "$file")
    eventually test -e "$where/memory"
    eventually test -e "$where/file"
}

# sees COMMAND...: how many of the two `tare ps` shows to the user that the command makes us.
sees() {
    "$@" tare ps --format json | python -c 'import json, sys
print(sum(p["pid"] in map(int, sys.argv[1:]) for p in json.load(sys.stdin)))' "$memory" "$file"
}

# page_link PID: which of its descriptors is the page.
page_link() {
    local fd
    for fd in "/proc/$1/fd"/*; do
        [[ $(readlink "$fd") == */memfd:tare-page* || $(readlink "$fd") == */page ]] && echo "$fd"
    done
}

# denied FOLDER COMMAND...: to the user that the command makes us, the two that run in the folder are closed.
denied() {
    local where=$1 pid link
    shift
    equal "what tare ps shows" "$(sees "$@" 2>err)" 0
    equal "errors of tare ps" "$(<err)" ""
    for pid in "$memory" "$file"; do
        "$@" tare attach "$pid" >out 2>err
        equal "exit code of tare attach" $? 2
        equal "its output" "$(<out)" ""
        one_line "its errors" err
        matches "its errors" "$(<err)" "*$pid*Permission denied"
        link=$(page_link "$pid")
        check "there is a page" test -n "$link"
        check_not "reading the page through $link" "$@" head -c 8 "$link" 2>/dev/null
        # shellcheck disable=SC2016 # for the inner shell
        check_not "writing" "$@" sh -c 'exec 3>>"$1"' - "$link" 2>/dev/null
    done
    "$@" tare report "$where/page" >out 2>err
    equal "exit code of tare report" $? 2
    one_line "its errors" err
    matches "its errors" "$(<err)" "tare: cannot open '$where/page': Permission denied"
}

begin_case "root's pages are closed to him"
chmod 755 root
start_as root env
equal "what tare ps shows to root" "$(sees env)" 2
denied root "${one[@]}"

begin_case "an ordinary user's pages are closed to another, and open to himself"
chmod 755 one
start_as one "${one[@]}"
equal "what tare ps shows to himself" "$(sees "${one[@]}")" 2
denied one "${two[@]}"
"${one[@]}" tare attach "$memory" >out 2>err
equal "exit code of his tare attach" $? 0
check "his counts" grep -q '^load::work ' out

begin_case "the pages of his tare run, too"
(cd two && exec "${two[@]}" tare run -o result.json load count 3 ready run endless 2>err) &
tare=$!
started+=("$tare")
eventually test -e two/run
set_link=
for fd in "/proc/$tare/fd"/*; do
    [[ $(readlink "$fd") == */memfd:tare-set* ]] && set_link=$fd
done
check "there is a set" test -n "$set_link"
check_not "reading it" "${one[@]}" head -c 8 "$set_link" 2>/dev/null
check "its user reads it" "${two[@]}" head -c 8 "$set_link" >/dev/null
kill -TERM "$tare"
wait "$tare"
equal "exit code" $? 143
matches "errors" "$(<two/err)" "tare: 'load' was killed by signal 15*"

begin_case "a file of somebody else is not written"
for path in root/page one/page; do
    before=$(stat -c "%i %u" "$path")
    "${two[@]}" env "TARE_PAGE=$path" hello >out 2>err
    equal "exit code" $? 0
    one_line "errors" err
    equal "$path" "$(stat -c '%i %u' "$path")" "$before"
done

finish
