#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# The benchmarks of the suite `os` in which others take part (processes, threads, terminals): each gives a figure, or says
# why it cannot. Nobody is left behind, whether they end, fail, or are killed, and a party that dies ends the wait for it.
# shellcheck disable=SC2154 # what helpers/script.bash sets
source "$(dirname "$0")/helpers/script.bash"
os=${TARE_SUITES_DIR:-$bin/../libexec/tare/suites}/os/os
needs "$os"
mkdir "$scratch/tmp"
export TMPDIR=$scratch/tmp
cd "$scratch" || exit 1

own='pipe_*,unix_*,socketpair_*,eventfd_*,futex_*,poll_*,epoll_*,switch_*,yield_*,thread_*,proc_*,pty_*'
cases=$("$os" --list --filter "$own") || skip_all "the suite's program does not list its cases"

# judge WHAT: of the JSON in `out`, every case is there, and none failed but those that were skipped.
judge() {
    equal "$1: cases" "$(grep -o '"name": "[a-z_0-9/]*", "bench"' out | cut -d'"' -f4)" "$cases"
    equal "$1: failures" "$(grep '"failed": "' out | grep -v '"failed": "skipped: ')" ""
    equal "$1: cases without a figure" "$(grep '"failed": null' out | grep -vE '"median_ns": [0-9]+\.[0-9]')" ""
    equal "$1: errors" "$(<err)" ""
}

begin_case "each gives a figure, or says why it cannot"
"$os" --filter "$own" --time 0.005 --format json >out 2>err
equal "exit code" $? 0
judge "as it is"
[ "$(nproc)" -lt 2 ] || check_not "skipped with two processors" grep -q 'two processors' out

begin_case "each case is placed in three ways"
for name in pipe_round unix_round socketpair_round eventfd_round futex_round pipe_throughput unix_throughput switch_ring \
    switch_threads pty_round pty_throughput; do
    equal "$name" "$(grep -oE "^${name}_(same|other|free)" <<<"$cases" | sort -u | tr '\n' ' ')" \
        "${name}_free ${name}_other ${name}_same "
done

begin_case "with one processor, what needs two is skipped, and says so"
if command -v taskset >/dev/null; then
    allowed=$(taskset -cp $$ | sed 's/.*: *//; s/[^0-9].*//')
    taskset -c "$allowed" "$os" --filter '*_round_*' --time 0.005 --format json >out 2>err
    equal "exit code" $? 0
    equal "skipped" "$(grep -c '"failed": "skipped: it needs two processors' out)" 6
    equal "all" "$(grep -c '"median_ns"' out)" 12
else
    skip_case "no taskset"
fi

begin_case "with few descriptors nothing runs out of them: each case gives its own back"
(ulimit -n 64 && exec "$os" --filter "$own" --time 0.001 --format json) >out 2>err
equal "exit code" $? 0
judge "with 64"
equal "skipped" "$(grep '"failed": "skipped: the limit of open files' out | cut -d'"' -f4 | tr '\n' ' ')" \
    "poll_fds/1 poll_fds/10 poll_fds/100 poll_fds/1000 epoll_fds/1 epoll_fds/10 epoll_fds/100 epoll_fds/1000 "

begin_case "an ordinary user can measure them, too"
if [ "$(id -u)" -ne 0 ] || ! command -v setpriv >/dev/null; then
    skip_case "not root, or no setpriv: cannot become somebody else"
elif ! setpriv --reuid=65534 --regid=65534 --clear-groups "$os" --list >/dev/null 2>&1; then
    skip_case "another user cannot run what was built"
else
    setpriv --reuid=65534 --regid=65534 --clear-groups "$os" --filter "$own" --time 0.001 --format json >out 2>err
    equal "exit code" $? 0
    judge "as nobody"
fi

parties_of() {
    pgrep -P "$1"
}

all_ended() {
    local pid
    for pid; do
        has_ended "$pid" || return 1
    done
}

# start CASE: measures it for a long time, in the background; `measuring` is its process, `parties` are the others.
start() {
    "$os" --filter "$1" --time 600 >out 2>err &
    measuring=$!
    started+=("$measuring")
    eventually parties_of "$measuring"
    mapfile -t parties < <(parties_of "$measuring")
}

for name in pipe_round_same eventfd_round_free futex_round_free pipe_throughput_free/65536 unix_throughput_free/1048576 \
    switch_ring_free/8 pty_round_free pty_throughput_free/4096; do
    begin_case "$name: a party that dies is noticed"
    if [ "${TARE_SANITIZER:-}" = tsan ]; then
        skip_case "this sanitizer keeps signals back while a call waits"
    else
        start "$name"
        kill -KILL "${parties[-1]}"
        eventually has_ended "$measuring" || kill -KILL "$measuring"
        wait "$measuring" 2>/dev/null
        equal "exit code" $? 1
        check "it says that it failed" grep -qE 'failed: .*tare_require' out
        check "the others have ended" all_ended "${parties[@]}"
        started=()
    fi

    begin_case "$name: parties die with who measures"
    start "$name"
    kill -KILL "$measuring"
    wait "$measuring" 2>/dev/null
    eventually all_ended "${parties[@]}"
    started=()
done

begin_case "no files are left"
equal "files" "$(find "$TMPDIR" -mindepth 1)" ""

finish
