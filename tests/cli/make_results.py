#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Makes results up, from one that was measured here (so that its fingerprint is that of this machine).

    make_results.py bench BASE OUT SEED NAME=NS...   benchmarks with an arm A of 40 processes that scatter by 0.5 %
    make_results.py timers BASE OUT NAME=NS,HALF...  timers with such a net average, and half the width of its interval
    make_results.py profile OUT STACKS               a profile; in each line of the file STACKS "COUNT TIMER THREAD
                                                     FRAME;FRAME...", the outermost first, a frame as
                                                     NAME|OBJECT|FILE:LINE:DECLARED[|inlined]; - for none
    make_results.py set FILE PATH VALUE ...          changes values; PATH as in fingerprint.parts.kernel, VALUE in JSON
"""

import json
import random
import sys


def load(path):
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def save(path, document):
    with open(path, "w", encoding="utf-8") as file:
        json.dump(document, file)


def arm(label, ns, generator, count=40):
    values = [ns * (1 + 0.005 * generator.gauss(0, 1)) for _ in range(count)]
    return {
        "label": label,
        "control": False,
        "what": "./program",
        "exit_code": None,
        "summary": {"n": count, "outliers": {"low_severe": 0, "low_mild": 0, "normal": count, "high_mild": 0, "high_severe": 0},
                    "modes": {"more": False, "modes": []}},
        "per_op": {},
        "timers": [],
        "values_ns": values,
        "rounds": list(range(1, count + 1)),
        "dropped": [False] * count,
    }


def bench(base, out, seed, *benchmarks):
    generator = random.Random(int(seed))
    document = load(base)
    document.update({"kind": "bench", "timers": [], "processes": [], "passes": [], "notes": []})
    document["bench"] = {
        "settings": {"comparisons": 0, "seed": "1", "pin": None},
        "growths": [],
        "benchmarks": [
            {
                "name": name,
                "bench": name.split("/")[0],
                "threads": 1,
                "command": False,
                "layouts": 1,
                "args": [float(name.split("/")[1])] if "/" in name else [],
                "contamination": {"rounds": 40, "dropped": 0, "rule_suspended": False},
                "comparisons": [],
                "arms": [arm("A", float(ns), generator)],
            }
            for name, ns in (benchmark.rsplit("=", 1) for benchmark in benchmarks)
        ],
    }
    save(out, document)


def timers(base, out, *named):
    document = load(base)
    model = document["timers"][0]
    document["timers"] = []
    for name, ns, half in ((one.rsplit("=", 1)[0], *map(float, one.rsplit("=", 1)[1].split(","))) for one in named):
        timer = json.loads(json.dumps(model))
        timer.update({"module": "m", "name": name})
        timer["figures"].update({
            "calls": 1000,
            "outermost_calls": 1000,
            "net_avg_ns": ns,
            "net_total_ns": ns * 1000,
            "net_avg_error_ns": half,
            "net_avg_low_ns": ns - half,
            "net_avg_high_ns": ns + half,
            "net_avg_limit_ns": half,
            "net_avg_error_sampling_ns": half / 2,
        })
        document["timers"].append(timer)
    save(out, document)


class Numbers(dict):
    """Numbers things in the order in which they come; None stays None."""

    def of(self, thing):
        return None if thing is None else self.setdefault(thing, len(self))


def profile(out, stacks):
    objects, strings, frames, nodes, threads, timers = (Numbers() for _ in range(6))
    samples = []
    for line in open(stacks, encoding="utf-8"):
        count, timer, thread, *stack = line.rstrip("\n").split(" ", 3)
        node = None
        for frame in stack[0].split(";") if stack and stack[0] != "-" else []:
            name, binary, place, *inlined = frame.split("|")
            file, number, declared = place.split(":") if place != "-" else (None, "0", "0")
            node = nodes.of((node, frames.of((
                strings.of(name if name != "-" else None), objects.of(binary if binary != "-" else None), strings.of(file),
                int(number), int(declared), None if name != "-" else f"0x{0x1000 + len(frames):x}",
                int(bool(inlined)), int(binary == "[kernel]")))))
        timer = timers.of(tuple(timer.split("::"))) if timer != "-" else None
        thread = threads.of(int(thread)) if thread != "-" else None
        samples += [(node, timer, thread)] * int(count)
    columns = ("function", "object", "file", "line", "function_line", "address", "inlined", "kernel")
    cost = {"n": 0}
    save(out, {
        "schema": "tare-result", "schema_version": 1, "kind": "profile", "started": "2026-01-02T03:04:05Z",
        "environment": {}, "passes": [], "timers": [], "processes": [], "notes": [], "incomplete": False,
        "clock": {"invariant_tsc": False, "inner": cost, "outer": cost, "inner_at_exit": cost, "outer_at_exit": cost},
        "lost": {"instruments": 0, "threads": 0, "scopes": 0, "dropped_scopes": 0, "processes": 0},
        "profile": {
            "mode": "fp", "reason": "the binary keeps frame pointers", "event": "cpu-clock", "unit": "ns",
            "frequency_hz": 99, "interval_ns": 10101010, "wall_ns": len(samples) * 10101010,
            "by_timer": bool(timers), "off_cpu": False, "lost": 0, "truncated": 0, "threads_missed": 0,
            "unknown": sum(node is None or list(frames)[list(nodes)[node][1]][0] is None for node, _, _ in samples),
            "recorder": None, "overhead": None,
            "objects": [{"path": path, "kind": "kernel" if path == "[kernel]" else "file", "flags": []} for path in objects],
            "strings": list(strings),
            "frames": {name: [frame[i] for frame in frames] for i, name in enumerate(columns)},
            "nodes": {"parent": [node[0] for node in nodes], "frame": [node[1] for node in nodes]},
            "processes": [{"pid": 10, "command": "./shop"}],
            "threads": [{"process": 0, "tid": tid, "name": f"worker{tid}"} for tid in threads],
            "timers": [{"module": module, "name": name} for module, name in timers],
            "samples": {
                "weight": [10000000] * len(samples),
                "node": [sample[0] for sample in samples],
                "time_ns": [i * 10101010 for i in range(len(samples))],
                "timer": [sample[1] for sample in samples],
                "thread": [sample[2] for sample in samples],
                "truncated": [],
            },
        },
    })


def set_values(path, *changes):
    document = load(path)
    for place, value in zip(changes[::2], changes[1::2], strict=True):
        *outer, last = [int(key) if key.isdigit() else key for key in place.split(".")]
        at = document
        for key in outer:
            at = at[key]
        at[last] = json.loads(value)
    save(path, document)


if __name__ == "__main__":
    {"bench": bench, "timers": timers, "profile": profile, "set": set_values}[sys.argv[1]](*sys.argv[2:])
