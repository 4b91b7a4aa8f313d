#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""`make bench-profile`: what profiling costs, and whether two ways of it agree, in Markdown.

    bench/profile/run.py BUILD [--short]

- the built-in sampler at 99 and 997 Hz against no profiling, in paired and interleaved runs (`tare profile
  --measure-overhead`), of a program that computes and does nothing else; perf's modes beside it where they work;
- the shares of the ten hottest functions by the built-in sampler and by perf with frame pointers, 10 s at 997 Hz;
- a profile of 100,000 samples with copied stacks (dwarf) to a flame graph: time and memory;
- the size of a flame graph of 10,000 distinct stacks (that it opens and zooms in Chromium: tests/web/flame.test.js).

Where the kernel looks at processor time on its tick, the built-in sampler has no more samples than ticks, at 997 Hz too:
each counts for all that were due. How many samples there were stands in the rows.

--short: a tenth of the time, for trying it out; the figures are then not what is asked for.
Exits 0 if the figures were reached, 1 if one was missed, 2 where something could not be measured.
"""

import json
import math
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time

LIMIT_99, LIMIT_997 = 0.01, 0.03
POINTS, ERRORS = 0.02, 3
SVG_S, SVG_BYTES, STACKS_BYTES = 5, 500e6, 3e6
TIMEOUT_S = 600


class Failure(Exception):
    """What could not be done, and why."""


def run(command, **options):
    try:
        done = subprocess.run(command, text=True, errors="replace", capture_output=True, timeout=TIMEOUT_S,
                              stdin=subprocess.DEVNULL, check=False, **options)
    except (OSError, subprocess.TimeoutExpired) as failure:
        raise Failure(f"cannot run '{' '.join(command)}': {failure}") from None
    if done.returncode != 0:
        said = (done.stderr.strip() or done.stdout.strip()).splitlines()
        raise Failure(f"'{' '.join(command)}' failed with {done.returncode}: {said[-1] if said else 'it said nothing'}")
    return done.stdout


def profile(tare, options, program, path):
    run([tare, "profile", *options, "--format", "json", "-o", path, "--", *program])
    with open(path, encoding="utf-8") as file:
        return json.load(file)["profile"]


def shares(one):
    """Self share of each function, and how many samples the weights are worth (Kish)."""
    frames, nodes, samples, strings = one["frames"], one["nodes"], one["samples"], one["strings"]
    weights, squares, total = {}, 0, 0
    for node, weight in zip(samples["node"], samples["weight"]):
        text = None if node is None else frames["function"][nodes["frame"][node]]
        name = None if text is None else strings[text]
        weights[name] = weights.get(name, 0) + weight
        total += weight
        squares += weight * weight
    return {name: weight / total for name, weight in weights.items()}, total * total / squares if squares else 0


def overhead(tare, work, mode, hz, path):
    one = profile(tare, ["--mode", mode, "-F", str(hz), "--measure-overhead"], work, path)["overhead"]
    if one is None or None in (one["ratio"], one["low"], one["high"]):
        raise Failure("the machine was too noisy to tell")
    return one["ratio"] - 1, one["low"] - 1, one["high"] - 1


def family_bytes(pid):
    """Memory of a process and its descendants now: what is theirs alone, and their share of the rest (PSS)."""
    total, todo = 0, [pid]
    while todo:
        one = todo.pop()
        try:
            with open(f"/proc/{one}/smaps_rollup", encoding="ascii") as file:
                total += sum(int(line.split()[1]) for line in file if line.startswith("Pss:")) * 1024
            for task in os.listdir(f"/proc/{one}/task"):
                with open(f"/proc/{one}/task/{task}/children", encoding="ascii") as file:
                    todo += [int(word) for word in file.read().split()]
        except (OSError, ValueError):
            pass
    return total


def seconds_and_peak(command):
    """How long a command takes, and what it and its children have at most, looked at 100 times a second."""
    began = time.monotonic()
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                          text=True, errors="replace") as child:
        peak = 0
        while child.poll() is None:
            peak = max(peak, family_bytes(child.pid))
            time.sleep(0.01)
        seconds = time.monotonic() - began
        said = child.stderr.read().strip().splitlines()
    if child.returncode != 0:
        raise Failure(f"'{' '.join(command)}' failed: {said[-1] if said else child.returncode}")
    return seconds, peak


def many_stacks(path, count):
    """Folded stacks: so many different ones, some 20 deep, as a large program has them."""
    random.seed(1)
    with open(path, "w", encoding="utf-8") as file:
        for i in range(count):
            depth = random.randint(8, 30)
            names = [f"module_{i * 7919 % 97 // (1 + level)}::function_{(i >> max(0, 14 - level)) % 9973}"
                     for level in range(depth)]
            file.write(";".join(["main", *names, f"leaf_{i}"]) + f" {random.randint(1, 50)}\n")


class Report:
    missed = failed = False

    def line(self, what, limit, reached, fine):
        self.missed |= not fine
        print(f"| {what} | {limit} | {reached} | {'yes' if fine else 'NO'} |", flush=True)

    def attempt(self, what, limit, work):
        try:
            work()
        except Failure as failure:
            self.failed = True
            print(f"| {what} | {limit} | not measured: {failure} | - |", flush=True)


def main():
    arguments = [word for word in sys.argv[1:] if word != "--short"]
    short = "--short" in sys.argv[1:]
    if len(arguments) != 1:
        print("usage: bench/profile/run.py BUILD [--short]", file=sys.stderr)
        return 2
    tare = os.path.join(arguments[0], "bin", "tare")
    steps = [os.path.join(arguments[0], "bin", "bench-profile-steps"), "100" if short else "1000"]
    work = [os.path.join(arguments[0], "bin", "bench-profile-work"), "1" if short else "10"]
    scratch = tempfile.mkdtemp(prefix="tare-bench-")
    path = os.path.join(scratch, "profile.json")
    report = Report()
    print("| what | at most | reached | kept |\n| --- | --- | --- | --- |")

    def costs(mode, hz, limit):
        def measure():
            ratio, low, high = overhead(tare, steps, mode, hz, path)
            if limit is not None and (high - low) / 2 > limit:
                raise Failure(f"{100 * low:+.2f} to {100 * high:+.2f} %: too noisy to tell {100 * limit:g} %")
            text = f"{100 * ratio:+.2f} % ({100 * low:+.2f} to {100 * high:+.2f} %)"
            if limit is None:
                print(f"| {mode} at {hz} Hz, against none | - | {text} | - |", flush=True)
            else:
                report.line(f"{mode} sampler at {hz} Hz, against none", f"{100 * limit:g} %", text, ratio <= limit)
        return measure

    for mode, hz, limit in (("built-in", 99, LIMIT_99), ("built-in", 997, LIMIT_997)):
        report.attempt(f"{mode} sampler at {hz} Hz, against none", f"{100 * limit:g} %", costs(mode, hz, limit))
    for mode in ("fp", "dwarf"):
        for hz in (997,):
            report.attempt(f"{mode} at {hz} Hz, against none", "-", costs(mode, hz, None))

    def agree():
        ours, n_ours = shares(profile(tare, ["--mode", "built-in", "-F", "997"], work, path))
        theirs, n_theirs = shares(profile(tare, ["--mode", "fp", "-F", "997"], work, path))
        hottest = sorted((name for name in theirs if name is not None), key=theirs.get, reverse=True)[:10]
        if len(hottest) < 10 or min(n_ours, n_theirs) < 1000 and not short:
            raise Failure(f"{len(hottest)} functions, {n_ours:.0f} and {n_theirs:.0f} samples: too few")
        worst, fine = 0, True
        for name in hottest:
            a, b = ours.get(name, 0), theirs[name]
            error = math.sqrt(a * (1 - a) / n_ours + b * (1 - b) / n_theirs)
            worst = max(worst, abs(a - b))
            fine &= abs(a - b) <= max(POINTS, ERRORS * error)
        report.line("shares of the ten hottest functions, built-in against perf fp, 10 s at 997 Hz",
                    "2 points or 3 standard errors",
                    f"{100 * worst:.2f} points at worst ({n_ours:.0f} and {n_theirs:.0f} samples' worth)", fine)

    report.attempt("shares of the ten hottest functions", "2 points or 3 standard errors", agree)

    def dwarf():
        perf = shutil.which("perf")
        if perf is None:
            raise Failure("no perf")
        data, svg = os.path.join(scratch, "perf.data"), os.path.join(scratch, "flame.svg")
        seconds = 1 if short else 13
        run([perf, "record", "-q", "-e", "cpu-clock:u", "-F", "10000", "--call-graph", "dwarf,8192", "-o", data, "--",
             work[0], str(seconds), "20"])
        took, peak = seconds_and_peak([tare, "flame", data, "-o", svg])
        kept = os.path.join(scratch, "kept.json")
        run([tare, "report", data, "--format", "json", "-o", kept])
        with open(kept, encoding="utf-8") as file:
            samples = len(json.load(file)["profile"]["samples"]["node"])
        if samples < 100000 and not short:
            raise Failure(f"only {samples:,} samples")
        again, peak_again = seconds_and_peak([tare, "flame", kept, "-o", svg])
        report.line(f"dwarf profile of {samples:,} samples to SVG, from perf.data ({os.path.getsize(data) / 1e6:.0f} MB)",
                    "5 s, 500 MB", f"{took:.1f} s, {peak / 1e6:.0f} MB", took <= SVG_S and peak <= SVG_BYTES)
        report.line("the same from the profile as `tare profile` keeps it", "5 s, 500 MB",
                    f"{again:.1f} s, {peak_again / 1e6:.0f} MB", again <= SVG_S and peak_again <= SVG_BYTES)

    report.attempt("dwarf profile of 100,000 samples to SVG", "5 s, 500 MB", dwarf)

    def stacks():
        folded, svg = os.path.join(scratch, "many.folded"), os.path.join(scratch, "many.svg")
        many_stacks(folded, 10000)
        run([tare, "flame", folded, "-o", svg])
        size = os.path.getsize(svg)
        if size < 100000:
            raise Failure(f"an SVG of {size} bytes holds no 10,000 stacks")
        report.line("SVG of 10,000 distinct stacks", "3 MB", f"{size / 1e6:.2f} MB", size <= STACKS_BYTES)

    report.attempt("SVG of 10,000 distinct stacks", "3 MB", stacks)
    shutil.rmtree(scratch, ignore_errors=True)
    return 2 if report.failed else 1 if report.missed else 0


if __name__ == "__main__":
    sys.exit(main())
