#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""`make bench-loops`: what the loops of <tare/bench.h> take, beside those of Google Benchmark, in Markdown.

    bench/loops/run.py BUILD [ROUNDS]

Both programs run once in each round (21 unless ROUNDS says otherwise); figures are medians over rounds. What a loop
takes is told by a clock that the benchmark itself reads around it, not by either library. Where Google Benchmark is
not installed, what is compared with it is skipped, and a line says so.

Exits 0 if the figures were reached, 1 if one was missed, 2 where something could not be measured.
"""

import json
import os
import re
import signal
import statistics
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
CASES = ["empty", "work", "with", "with_work", "with_setup_and_work"]
# Runs of 3 to 5 ms: more often than not nothing interrupts them, and what is done once, some 4 us, is lost in them.
ITERATIONS = {"empty": 15_000_000, "work": 60_000, "with": 60_000, "with_work": 40_000, "with_setup_and_work": 20_000}
SAMPLES, SAMPLE_NS = 12, 400_000  # as `tare bench` asks of a process
TIMEOUT_S = 60
EMPTY_NS = 0.4
SHARE = 1 / 5


class Failure(Exception):
    """What could not be done, and why."""


def run(command, environment=None, pass_fds=()):
    """Its standard output; Failure if it fails."""
    name = os.path.basename(command[0])
    try:
        done = subprocess.run(command, cwd=ROOT, env=environment, text=True, errors="replace", pass_fds=pass_fds,
                              stdin=subprocess.DEVNULL, capture_output=True, timeout=TIMEOUT_S, check=False)
    except OSError as failure:
        raise Failure(f"cannot run '{command[0]}': {failure.strerror}") from None
    except subprocess.TimeoutExpired:
        raise Failure(f"'{name}' takes more than {TIMEOUT_S} s") from None
    if done.returncode != 0:
        said = [line.strip() for line in (done.stderr + done.stdout).splitlines() if line.strip()]
        wrong = next((line for line in said if "error" in line.lower()), said[-1] if said else "it said nothing")
        raise Failure(f"'{name}' failed with exit status {done.returncode}: {wrong}")
    return done.stdout


def drive(program, job):
    """The lines that a benchmark program tells its driver (harness/lines.h), and what it printed."""
    read_end, write_end = os.pipe()
    try:
        with open(read_end, encoding="utf-8", errors="replace") as lines:
            try:
                out = run([program], {**os.environ, "TARE_BENCH_DRIVE": f"fd={write_end} {job}"}, [write_end])
            finally:
                os.close(write_end)
            told = [line.split() for line in lines]  # a few lines: they fit into the pipe
    except ValueError:
        raise Failure("what the program tells cannot be read") from None
    if told[-1:] != [["end"]]:
        raise Failure("; ".join(" ".join(line) for line in told if line[0] == "failed") or
                      "the program did not end well")
    return told, out


class Tare:
    name = "tare"

    def __init__(self, build):
        self.program = os.path.join(build, "bin", "bench-loops")
        self.indices = {}
        for line in drive(self.program, "job=list")[0]:
            if line[0] == "case":
                self.indices[line[2]] = line[1]
        self.version = run([os.path.join(build, "bin", "tare"), "--version"]).strip()

    def wall_ns(self, case):
        """Of an iteration, by the clock in the benchmark."""
        count = ITERATIONS[case]
        _, out = drive(self.program, f"job=exact case={self.indices[case]} iterations={count}")
        wall = re.search(r"^wall (\d+)$", out, re.M)
        if wall is None:
            raise Failure(f"'{case}' did not tell what it measured")
        return int(wall.group(1)) / count

    def reported_ns(self, case):
        """Of an iteration, as `tare bench` takes it from one process."""
        told, _ = drive(self.program, f"job=block case={self.indices[case]} samples={SAMPLES} sample_ns={SAMPLE_NS}")
        samples = [float(line[2]) / int(line[1]) for line in told if line[0] == "sample"]
        if len(samples) != SAMPLES:
            raise Failure(f"'{case}' took {len(samples)} samples instead of {SAMPLES}")
        return statistics.median(samples)

    def measure(self):
        """{case: (wall ns, reported ns)} of an iteration."""
        return {case: (self.wall_ns(case), self.reported_ns(case)) for case in CASES}


class Benchmark:
    name = "Google Benchmark"

    def __init__(self, scratch):
        self.program = os.path.join(scratch, "benchmark")
        compiler = (os.environ.get("CXX") or "c++").split()
        try:
            run([*compiler, "-std=c++17", "-O2", "-DNDEBUG", "-D_GNU_SOURCE", f"-I{ROOT}", "bench/loops/benchmark.cc",
                 "-o", self.program, "-lbenchmark", "-lpthread"])
        except Failure as failure:
            raise Failure("not installed" if "benchmark/benchmark.h" in str(failure) else failure) from None
        self.version = self.name
        try:
            self.version += " " + run(["pkg-config", "--modversion", "benchmark"]).strip()
        except Failure:
            pass

    def measure(self):
        figures = {}
        for entry in json.loads(run([self.program, "--benchmark_format=json"]))["benchmarks"]:
            unit = {"ns": 1, "us": 1e3, "ms": 1e6}[entry["time_unit"]]
            figures[entry["name"].split("/")[0]] = entry["wall"], entry["real_time"] * unit
        if sorted(figures) != sorted(CASES):
            raise Failure("it does not report all loops")
        return figures


def markdown(head, rows):
    widths = [max(len(row[i]) for row in [head, *rows]) for i in range(len(head))]
    lines = ["| " + " | ".join(cell.ljust(width) if i == 0 else cell.rjust(width)
                               for i, (cell, width) in enumerate(zip(row, widths))) + " |" for row in [head, *rows]]
    rule = ["-" * width if i == 0 else "-" * (width - 1) + ":" for i, width in enumerate(widths)]
    lines.insert(1, "| " + " | ".join(rule) + " |")
    return "\n".join(lines)


def measure_all(tools, count):
    """{tool's name: {case: (median wall ns, median reported ns)}}"""
    rounds = {tool.name: [] for tool in tools}
    for i in range(count):
        if sys.stderr.isatty():
            print(f"\rround {i + 1} of {count} ", end="", file=sys.stderr, flush=True)
        for tool in tools if i % 2 == 0 else reversed(tools):
            rounds[tool.name].append(tool.measure())
    if sys.stderr.isatty():
        print("\r\033[K", end="", file=sys.stderr, flush=True)
    return {name: {case: tuple(statistics.median(one[case][i] for one in all_rounds) for i in (0, 1)) for case in CASES}
            for name, all_rounds in rounds.items()}


def show(tools, figures, count):
    """Prints the tables. Returns whether all was reached."""
    tare = figures["tare"]
    empty, with_set_up = tare["empty"][0], tare["with"][0]
    rows = [["an empty TARE_EACH, each iteration", f"{EMPTY_NS} ns", f"{empty:.2f} ns",
             "reached" if empty <= EMPTY_NS else "**missed**"]]
    reached = empty <= EMPTY_NS
    what = "TARE_EACH_WITH, each iteration, to PauseTiming() and ResumeTiming()"
    if "Google Benchmark" in figures:
        peer = figures["Google Benchmark"]["with"][0]
        reached &= with_set_up <= SHARE * peer
        rows.append([what, f"{SHARE:.2f} x", f"{with_set_up / peer:.3f} x ({with_set_up:.1f} ns to {peer:.1f} ns)",
                     "reached" if with_set_up <= SHARE * peer else "**missed**"])
    else:
        rows.append([what, f"{SHARE:.2f} x", f"- ({with_set_up:.1f} ns to -)", "skipped"])
    print(markdown(["what a loop takes of wall time", "at most", "measured", ""], rows))
    true = tare["work"][0] - empty
    print("\nAll loops, in ns for each iteration: what it takes by the clock around the loop, and what is reported. "
          f"The work takes {true:.1f}, the set-up twice that:\n")
    names = {"empty": "empty loop", "work": "work", "with": "per-iteration set-up: none, no work",
             "with_work": "... none, work", "with_setup_and_work": "... set-up, work"}
    print(markdown(["", *(f"{tool.name}: {kind}" for tool in tools for kind in ("wall", "reported"))],
                   [[names[case], *(f"{figures[tool.name][case][i]:.2f}" for tool in tools for i in (0, 1))]
                    for case in CASES]))
    print(f"\nMedians of {count} round{'s'[count == 1:]}. {', '.join(tool.version for tool in tools)}.")
    return reached


def main():
    if len(sys.argv) not in (2, 3) or (len(sys.argv) == 3 and not re.fullmatch("[1-9][0-9]{0,2}", sys.argv[2])):
        print("usage: bench/loops/run.py BUILD [ROUNDS]", file=sys.stderr)
        return 2
    build, count = os.path.abspath(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) == 3 else 21
    for interrupt in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(interrupt, lambda number, _: sys.exit(128 + number))
    with tempfile.TemporaryDirectory(prefix="tare-loops-") as scratch:
        try:
            tools = [Tare(build)]
            try:
                tools.append(Benchmark(scratch))
            except Failure as failure:
                print(f"Google Benchmark: skipped, {failure}\n", flush=True)
            figures = measure_all(tools, count)
        except (Failure, OSError, KeyError, ValueError) as failure:
            said = failure if isinstance(failure, Failure) else f"figures cannot be read: {failure!r}"
            print(f"run.py: {said}", file=sys.stderr)
            return 2
    return 0 if show(tools, figures, count) else 1


if __name__ == "__main__":
    try:
        status = main()
        sys.stdout.flush()
        sys.exit(status)
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
