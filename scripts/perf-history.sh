#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Measures our own benchmarks, a small and fixed set, and adds them to the history: what `make perf-history` and the nightly
# job run. Under a minute on a quiet machine.
#
#   scripts/perf-history.sh [BUILD]     default: build/fast
#
# Environment: TARE_DB, TARE_PROJECT as in tare-history(1); PERF_SECONDS for each benchmark at most (2).
#
# Exits 0, or with what `tare bench` said: 1 if a benchmark failed, 2 if something could not be measured or kept. The others
# are measured all the same.
set -u
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 2
build=${1:-build/fast}

worst=0
for program in bench-own ring_bench; do
    if [ ! -x "$build/bin/$program" ]; then
        echo "perf-history: no '$build/bin/$program', build it first with 'make'" >&2
        worst=2
        continue
    fi
    code=0
    "$build/bin/tare" bench --time "${PERF_SECONDS:-2}" --history "$build/bin/$program" || code=$?
    [ "$code" -le "$worst" ] || worst=$code
done
exit "$worst"
