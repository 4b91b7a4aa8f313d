#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# What other tracers cost on this machine, in the same sitting as bench-cost: one event or traced call each, with the floor of
# two bare time stamp reads measured beside it. A peer that is not installed, or does not run here, is a visible skip.
set -u
here=$(cd "$(dirname "$0")" && pwd)
scratch=$(mktemp -d) || exit 1
session=tare-peer-$$
cleanup() {
    command -v lttng >/dev/null && lttng destroy "$session" >/dev/null 2>&1
    [ -s "$scratch/sessiond.pid" ] && kill "$(cat "$scratch/sessiond.pid")" 2>/dev/null
    rm -rf "$scratch"
}
trap cleanup EXIT
export LTTNG_HOME=$scratch

# row NAME "COST FLOOR"
row() {
    awk -v name="$1" -v text="$2" 'BEGIN { n = split(text, v, " ");
        if (n != 2 || v[2] <= 0) { printf "%-66s skipped: no figure\n", name; exit }
        printf "%-66s %8.1f ns  %6.2f x a bare pair of %.1f ns\n", name, v[1], v[1] / v[2], v[2] }'
}

echo
echo "Peers, for comparison (their own overhead only; neither subtracts it):"
if ! command -v uftrace >/dev/null; then
    echo "uftrace: skipped, not installed"
elif ! cc -O2 -pg -o "$scratch/function" "$here/function.c" 2>"$scratch/log"; then
    echo "uftrace: skipped, cannot compile: $(head -n 1 "$scratch/log")"
else
    row "uftrace: a call traced with -pg" "$(uftrace record --no-event -d "$scratch/data" "$scratch/function" 2>/dev/null | tail -n 1)"
fi

if ! command -v lttng >/dev/null; then
    echo "LTTng-UST: skipped, not installed"
elif ! cc -O2 -I"$here" -o "$scratch/lttng" "$here/lttng.c" -llttng-ust -ldl 2>"$scratch/log"; then
    echo "LTTng-UST: skipped, cannot compile: $(head -n 1 "$scratch/log")"
else
    row "LTTng-UST: an event, disabled" "$("$scratch/lttng" 2>/dev/null | tail -n 1)"
    if { pgrep -x lttng-sessiond >/dev/null || lttng-sessiond --daemonize --pidfile="$scratch/sessiond.pid"; } >/dev/null 2>&1 &&
        lttng create "$session" --output="$scratch/trace" >/dev/null 2>&1 &&
        lttng enable-channel -u -s "$session" --subbuf-size 8M --num-subbuf 4 --overwrite peer >/dev/null 2>&1 &&
        lttng enable-event -u -s "$session" -c peer 'tare_peer:*' >/dev/null 2>&1 && lttng start "$session" >/dev/null 2>&1; then
        row "LTTng-UST: an event, recorded" "$("$scratch/lttng" 2>/dev/null | tail -n 1)"
        lttng stop "$session" >/dev/null 2>&1
    else
        echo "LTTng-UST: skipped, no session daemon here"
    fi
fi
