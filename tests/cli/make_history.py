#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Makes a past up, as github-action-benchmark's data, which `tare history import` reads: one run a commit, all benchmarks
in each, values that scatter by 1 %, each with an interval. Every seventh benchmark steps up by 10 % in the middle.

    make_history.py [--apart] BENCHMARKS RUNS [NAME [SUBJECT]]   on standard output; of NAME, a {} in it is the benchmark's
                                                                 number. --apart: each benchmark is a run of its own
"""

import datetime
import hashlib
import json
import random
import sys

START = datetime.datetime(2024, 1, 1, tzinfo=datetime.timezone.utc)


def main():
    apart = sys.argv[1] == "--apart"
    del sys.argv[1 : 1 + apart]
    benchmarks, runs = int(sys.argv[1]), int(sys.argv[2])
    name = sys.argv[3] if len(sys.argv) > 3 else "ring::write_{}"
    subject = sys.argv[4] if len(sys.argv) > 4 else "ring: wait less, and never twice"
    generator = random.Random(7)
    levels = [100 * 1.02**n for n in range(benchmarks)]
    entries = []
    for run in range(runs):
        at = START + datetime.timedelta(hours=8 * run)
        identity = hashlib.sha1(b"commit %d" % run).hexdigest()
        benches = []
        for n, level in enumerate(levels):
            step = 1.1 if n % 7 == 0 and run >= runs // 2 else 1
            value = level * step * (1 + 0.01 * generator.gauss(0, 1))
            benches.append({
                "name": name.replace("{}", str(n)),
                "value": round(value, 6),
                "unit": "ns",
                "range": "± %.6f" % (value * 0.004 * (1 + generator.random())),
            })
        for n, each in enumerate([[bench] for bench in benches] if apart else [benches]):
            entries.append({
                "commit": {
                    "author": {"name": "A"},
                    "id": identity,
                    "message": subject + "\n\nMore.",
                    "timestamp": at.isoformat(),
                    "url": "https://example.org/demo/commit/" + identity,
                },
                "date": int(at.timestamp() * 1000) + 7013 * n + (7919 * n + 104729 * run) % 2000 * (n > 0),
                "tool": "customSmallerIsBetter",
                "benches": each,
            })
    past = {"lastUpdate": 0, "repoUrl": "https://example.org/demo", "entries": {"Benchmark": entries}}
    sys.stdout.write(json.dumps(past))  # dump() takes three times as long


main()
