#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Each example runs, says by its exit code that its answer is right, and reports its timers with the number of
# calls that its source implies; when nobody asks for a report, it prints its answer alone. Prints TAP.
# Environment: TARE_BIN_DIR, or TARE_BUILD_DIR whose bin/ it is.
set -u

bin=${TARE_BIN_DIR:-${TARE_BUILD_DIR:?set TARE_BIN_DIR to the folder of the built programs}/bin}
if [ ! -e "$bin/hello" ]; then
    echo "no '$bin/hello': the examples were not built"
    exit 77
fi
scratch=$(mktemp -d "${TMPDIR:-/tmp}/tare-examples.XXXXXX") || exit 1
trap 'rm -rf -- "$scratch"' EXIT
unset TARE TARE_ENABLE TARE_PAGE TARE_CLOCK TARE_HISTOGRAM TARE_TIMERS TARE_THREADS TARE_REPORT
plugin=$bin/plugin.so # beside the programs, or in the folder of libraries beside theirs
[ -e "$plugin" ] || plugin=$(find "$bin/../lib" -name plugin.so -print -quit)
count=0
failures=0

# verdict STATUS WHAT: one TAP line; of a failure, the output follows.
verdict() {
    count=$((count + 1))
    if [ "$1" -eq 0 ]; then
        echo "ok $count $2"
    else
        failures=$((failures + 1))
        echo "not ok $count $2"
        sed 's/^/# /' "$scratch/out" "$scratch/err"
    fi
}

# check NAME "TIMER CALLS"... -- COMMAND...: run it with a report, and look for each timer's row.
check() {
    local name=$1 row timer calls
    local -a rows=()
    shift
    while [ "$1" != -- ]; do
        rows+=("$1")
        shift
    done
    shift
    TARE_REPORT=stdout "$@" >"$scratch/out" 2>"$scratch/err"
    verdict $? "$name ends well"
    for row in "${rows[@]}"; do
        read -r timer calls <<<"$row"
        grep -Eq "^${name}::${timer} +${calls} |^plugin::${timer} +${calls} " "$scratch/out"
        verdict $? "$name reports '$timer' with $calls calls"
    done
    [ ! -s "$scratch/err" ]
    verdict $? "$name is silent on stderr"
}

# quiet NAME COMMAND...: nothing asks for a measurement, so there is none.
quiet() {
    local name=$1
    shift
    "$@" >"$scratch/out" 2>"$scratch/err" && [ "$(wc -l <"$scratch/out")" -eq 1 ] && [ ! -s "$scratch/err" ]
    verdict $? "$name, not measured, prints its one line"
}

check hello 'next_prime 10000' -- "$bin/hello"
check nested 'sort 20' 'quicksort [0-9]+' 'compare [0-9]+' -- "$bin/nested"
check threads 'deposit 80000' 'locked 80000' -- "$bin/threads"
check span 'request 9997' -- "$bin/span" # of 10,000 requests, 3 are empty and dropped
check plugin_host 'load 3' 'use 3' 'checksum 30000' -- "$bin/plugin_host" "$plugin"
for example in counters hello nested threads span; do
    quiet "$example" "$bin/$example"
done
quiet plugin_host "$bin/plugin_host" "$plugin"

# It measures by itself, in eight rows; what they say is a matter of the machine.
if [ -e "$bin/accuracy" ]; then
    "$bin/accuracy" >"$scratch/out" 2>"$scratch/err"
    verdict $? "accuracy ends well"
    [ "$(grep -Ec '^( +-?[0-9]+\.[0-9]){3}$' "$scratch/out")" -eq 8 ]
    verdict $? "accuracy prints its eight rows of figures"
else
    count=$((count + 1))
    echo "ok $count accuracy # skip it was not built"
fi

# So do benchmarks: each of the seven cases in a row.
"$bin/ring_bench" --time 0.02 >"$scratch/out" 2>"$scratch/err"
verdict $? "ring_bench ends well"
[ "$(grep -Ec '^ring_[a-z]+(/[0-9]+|/threads:[0-9])? ' "$scratch/out")" -eq 7 ]
verdict $? "ring_bench prints its seven cases"

echo "1..$count"
[ "$failures" -eq 0 ]
