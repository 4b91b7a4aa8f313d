#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# The benchmarks of the suite `os` that one process does for itself (calls, signals, memory, files): each gives a figure, or
# says why it cannot. Their folder is used by nobody else, is made again where it is not as it should be, and is gone
# afterwards; whoever is killed leaves no process, and nothing that --clean does not remove.
# shellcheck disable=SC2154,SC2317 # what helpers/script.bash sets, and calls
source "$(dirname "$0")/helpers/script.bash"
os=${TARE_SUITES_DIR:-$bin/../libexec/tare/suites}/os/os
needs "$os"
mkdir "$scratch/files"
export TARE_SUITE_DIR=$scratch/files
unset TARE_BENCH_DRIVE
cd "$scratch" || exit 1
own='call_*,signal_*,mem_*,file_*'
place=$TARE_SUITE_DIR/tare-suite-os.$(id -u)
cases=$("$os" --list --filter "$own") || skip_all "the suite's program does not list its cases"

# judge WHAT: of the JSON in `out`, every case is there, and none failed but those that were skipped.
judge() {
    equal "$1: cases" "$(grep -o '"name": "[a-z_0-9/]*", "bench"' out | cut -d'"' -f4)" "$cases"
    equal "$1: failures" "$(grep '"failed": "' out | grep -v '"failed": "skipped: ')" ""
    equal "$1: cases without a figure" "$(grep '"failed": null' out | grep -vE '"median_ns": [0-9]+\.[0-9]')" ""
    equal "$1: errors" "$(<err)" ""
}

# skipped: how many in `out`, and of which reasons.
skipped() {
    grep -o '"failed": "skipped: [^"]*' out | cut -d'"' -f4 | sort | uniq -c | sed 's/^ *//'
}

# block CASE SAMPLES SAMPLE_NS: in the place of this shell, as tare bench would have it; what it says is in `said`.
block() {
    local number
    number=$("$os" --list | grep -nx "$1" | cut -d: -f1)
    : >said
    TARE_BENCH_DRIVE="fd=9 job=block case=$((number - 1)) samples=$2 sample_ns=$3" exec "$os" 9>said
}

drive() {
    (block "$1" 1 100000)
}

# start CASE: a long one in the background, which is `using`.
start() {
    block "$1" 4096 10000000 &
    using=$!
    started+=("$using")
    eventually is_os
}

is_os() {
    grep -q tare-bench said && [ "$(cat "/proc/$using/comm")" = os ]
}

begin_case "each gives a figure, or says why it cannot"
"$os" --filter "$own" --time 0.005 --format json >out 2>err
equal "exit code" $? 0
judge "as it is"
if [ "$(nproc)" -ge 2 ]; then
    equal "skipped" "$(skipped | grep -v ThreadSanitizer)" ""
fi
equal "what is left" "$(ls -A "$TARE_SUITE_DIR")" ""

begin_case "with one processor, what needs two is skipped, and says so"
if command -v taskset >/dev/null; then
    allowed=$(taskset -cp $$ | sed 's/.*: *//; s/[^0-9].*//')
    taskset -c "$allowed" "$os" --filter 'signal_thread_*,mem_shootdown,mem_release' --time 0.005 --format json >out 2>err
    equal "exit code" $? 0
    matches "skipped" "$(skipped)" "2 skipped: it needs two processors*"
    equal "all" "$(grep -c '"median_ns"' out)" 3
else
    skip_case "no taskset"
fi

begin_case "an ordinary user can measure them, too"
if [ "$(id -u)" -ne 0 ] || ! command -v setpriv >/dev/null; then
    skip_case "not root, or no setpriv: cannot become somebody else"
elif ! setpriv --reuid=65534 --regid=65534 --clear-groups "$os" --list >/dev/null 2>&1; then
    skip_case "another user cannot run what was built"
else
    chmod 711 "$scratch"
    mkdir others
    chmod 1777 others
    TARE_SUITE_DIR=$scratch/others setpriv --reuid=65534 --regid=65534 --clear-groups \
        "$os" --filter "$own" --time 0.001 --format json >out 2>err
    equal "exit code" $? 0
    judge "as nobody"
    [ "$(nproc)" -lt 2 ] || equal "skipped" "$(skipped | grep -v ThreadSanitizer)" ""
    equal "what is left" "$(ls -A others)" ""
fi

begin_case "what was made stays for the processes that follow, until it is cleaned"
drive file_list/10 || fail "it was not measured: $(<said)"
drive file_read || fail "it was not measured: $(<said)"
drive file_rename || fail "it was not measured: $(<said)"
equal "where" "$("$os" --where)" "$place"
equal "mode" "$(stat -c '%a %u' "$place")" "700 $(id -u)"
equal "what is there" "$(cd "$place" && echo *)" "data list-10"
before=$(stat -c '%i %y' "$place/data" "$place/list-10")
drive file_list/10 && drive file_read && drive mem_fault_file
equal "made once" "$(stat -c '%i %y' "$place/data" "$place/list-10")" "$before"

begin_case "and is made again where it is not as it should be"
rm "$place/list-10/entry-00003"
truncate -s 5000 "$place/data"
drive file_list/10 || fail "it was not measured: $(<said)"
drive file_read || fail "it was not measured: $(<said)"
equal "entries" "$(find "$place/list-10" -type f | wc -l)" 10
equal "size" "$(stat -c %s "$place/data")" 16777216
printf x | dd of="$place/data" bs=1 seek=40960 conv=notrunc status=none
touch "$place/list-10/more"
drive file_list/10 && drive file_write_random_fsync
equal "entries" "$(find "$place/list-10" -type f | wc -l)" 10
equal "a block" "$(od -An -tu8 -j 40960 -N 8 "$place/data" | tr -d ' ')" 10
equal "what is there" "$(cd "$place" && echo *)" "data list-10"

is_locked() {
    ! flock --nonblock --exclusive "$place" true
}

begin_case "while it is in use, it is not cleaned"
if command -v flock >/dev/null; then
    start file_read
    eventually is_locked
    "$os" --clean 2>err
    equal "exit code" $? 1
    matches "errors" "$(<err)" "os: cannot lock '$place': *"
    [ -d "$place/list-10" ] || fail "it was removed"
    kill -KILL "$using"
    wait "$using" 2>/dev/null
else
    skip_case "no flock to look with"
fi

begin_case "who is killed leaves no process, and what --clean removes"
for case in file_create_unlink mem_cow signal_thread_free mem_shootdown; do
    if [ "$case" = mem_shootdown ] && [ "$(nproc)" -lt 2 ]; then
        continue
    fi
    start "$case"
    [ "$case" != mem_cow ] || ! command -v pgrep >/dev/null || eventually pgrep -P "$using"
    [ "$case" != file_create_unlink ] || eventually ls -d "$place/work-$using"
    others=$(pgrep -P "$using" 2>/dev/null)
    kill -KILL "$using"
    wait "$using" 2>/dev/null
    for pid in $using $others; do
        eventually has_ended "$pid"
    done
done
[ -n "$(ls -d "$place"/work-* 2>/dev/null)" ] || fail "nothing was left to be removed"
check "cleaned" "$os" --clean
equal "what is left" "$(ls -A "$TARE_SUITE_DIR")" ""
check "cleaned again" "$os" --clean

begin_case "what is not the suite's is not removed, and not used"
mkdir "$place"
chmod 700 "$place"
touch "$place/mine"
"$os" --filter file_list/10 --time 0.001 >out 2>err
equal "exit code" $? 1
equal "errors" "$(<err)" "os: cannot remove '$place': there is something else in it"
equal "what is there" "$(ls -A "$place")" mine
chmod 755 "$place"
"$os" --filter file_list/10 --time 0.001 --format json >out 2>err
matches "of others" "$(skipped)" "1 skipped: cannot use '$place': *TARE_SUITE_DIR*"
equal "what is there" "$(ls -A "$place")" mine
rm -r "$place"
mkdir elsewhere
chmod 700 elsewhere
touch elsewhere/list-1
ln -s "$scratch/elsewhere" "$place"
"$os" --filter file_list/10 --time 0.001 --format json >out 2>err
matches "behind a link" "$(skipped)" "1 skipped: cannot open '$place': *TARE_SUITE_DIR*"
check_not "cleaned behind a link" "$os" --clean 2>err
equal "what is there" "$(ls -A elsewhere)" list-1
rm "$place"

begin_case "without a folder for files, what needs one is skipped"
TARE_SUITE_DIR=$scratch/none "$os" --filter "$own" --time 0.001 --format json >out 2>err
equal "exit code" $? 0
judge "without"
equal "skipped" "$(skipped | grep -v -e 'two processors' -e ThreadSanitizer)" \
    "12 skipped: cannot make '$scratch/none/tare-suite-os.$(id -u)': No such file or directory (TARE_SUITE_DIR names another folder)"

begin_case "scopes that nobody reads take next to nothing"
# The vDSO's clock is the shortest there is. Its timer is disabled while it is timed; with TARE=off there is none at all. The
# fastest samples are compared: they know least of what else the machine does.
"$os" --filter call_clock_vdso --time 0.2 --format json >with 2>err
TARE=off "$os" --filter call_clock_vdso --time 0.2 --format json >without 2>err
fastest() {
    grep -oE '"min_ns": [0-9.]+' "$1" | cut -d' ' -f2
}
awk -v with="$(fastest with)" -v without="$(fastest without)" 'BEGIN { exit !(without > 0 && with < 2 * without + 5) }' ||
    fail "with: $(fastest with) ns, without: $(fastest without) ns"

finish
