#!/bin/bash
# SPDX-License-Identifier: MIT
# What the instrumented build costs each binding of the suite ffi: both builds of each side in turns, with the difference.
#
#   scripts/dual-suite.sh FAST-BUILD INSTRUMENTED-BUILD [options of tare suite]
#
# Exits 0, or with the code of the first side that could not be compared; sides that are not there are skipped, and named.
set -u
fast=${1:?usage: scripts/dual-suite.sh FAST-BUILD INSTRUMENTED-BUILD [options of tare suite]}
instrumented=${2:?usage: scripts/dual-suite.sh FAST-BUILD INSTRUMENTED-BUILD [options of tare suite]}
shift 2
code=0
while IFS= read -r line; do
    read -r _ side _ <<<"$line"
    if [[ $line == *'; skipped: '* ]]; then
        echo "skipped: $side: ${line##*; skipped: }"
        continue
    fi
    "$fast/bin/tare" suite ffi --sides "$side" --against "$instrumented" "$@" </dev/null || {
        failed=$?
        [ "$failed" -lt 128 ] || exit "$failed"
        code=${code/#0/$failed}
    }
done < <("$fast/bin/tare" suite ffi --list | grep '^side ')
exit "$code"
