#!/bin/bash
# SPDX-License-Identifier: MIT
# Runs the tests of a build directory. The last line of stdout reads "N passed, N failed, N skipped".
#
#   scripts/run-tests.sh BUILD-DIRECTORY [ctest options]
set -u

build=${1:?usage: scripts/run-tests.sh BUILD-DIRECTORY [ctest options]}
shift
here=$(cd "$(dirname "$0")" && pwd)
results=$(cd "$build" && pwd)/test-results.xml
rm -f "$results"

# Two at a time are only those tests that say they may be, which wait most of the time; the others are RUN_SERIAL.
# ctest keeps 1 KiB of a passed test's output unless told otherwise: the summary counts the cases in it.
ctest --test-dir "$build" --parallel 2 --output-on-failure --no-tests=error --test-output-size-passed 4000000 \
    --test-output-size-failed 4000000 --output-junit "$results" "$@"
code=$?
python3 "$here/test-summary.py" "$results" $code
