#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# `make bench-live` says "met" only where the whole interval is within the limit, "NOT MET" only where none of it is, and
# else that it is not known, whatever the median is. Made-up intervals: this takes no measurement.
# shellcheck disable=SC2154 # what helpers/script.bash sets
source "$(dirname "$0")/helpers/script.bash"
have_python || skip_all "no python3 to run the script with"
script=$folder/../../bench/live/run.py
[ -f "$script" ] || skip_all "no sources beside the tests"

begin_case "within the limit, beyond it, and on both sides"
while read -r low high expected; do
    equal "$low to $high" "$(python - "$script" "$low" "$high" 2>&1 <<'END'
import importlib.util, sys
spec = importlib.util.spec_from_file_location("bench_live", sys.argv[1])
bench = importlib.util.module_from_spec(spec)
spec.loader.exec_module(bench)
print(bench.verdict(float(sys.argv[2]), float(sys.argv[3]), bench.SLOWER_LIMIT))
END
)" "$expected"
done <<END
-0.002 0.004 True
0.001 0.005 True
-0.03 0.04 None
0.004 0.0068 None
0.006 0.009 False
END
finish
