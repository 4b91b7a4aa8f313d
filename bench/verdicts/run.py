#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""`make bench-verdicts`: are the verdicts of `tare bench --vs` right? Counts them where the truth is known.

    bench/verdicts/run.py BUILD [--only WHAT,...] [--tries N] [--resume] [--write] ...

Every try is one call of `tare bench` with its default settings, and one line in BUILD/verdicts/tries.jsonl. Ctrl-C
and crashes lose the try that was running; --resume goes on from there, with the same programs. The document is
made from that file alone (report.py): docs/verdicts.md when everything was measured, else BUILD/verdicts/verdicts.md.

Exits 0 if all figures were reached, 1 if one was missed, 2 on wrong usage or where something could not be measured
to its end.
"""

import sys

sys.dont_write_bytecode = True  # nothing is left beside the sources

import argparse
import contextlib
import datetime
import hashlib
import json
import math
import os
import platform
import re
import shutil
import signal
import tempfile
import time

import rates
import report
from machine import ROOT, Failure, Load, Lock, first_line, output_of, run

GRACE_S = 60  # that `tare bench` may take beyond its time, before it is called a hang
FAILURES_MAX = 3  # in a row
TRUTH_S = 60
COUNTED_CALLS = 1000
COMMAND_S = 0.02  # of a run of the commands that hyperfine is given
HYPERFINE_S = 10  # of both commands, as tare's default


class Unavailable(Exception):
    """A tool that is not here."""


def say(line):
    clear_progress()
    print(line, flush=True)


def complain(line):
    clear_progress()
    print(f"run.py: {line}", file=sys.stderr, flush=True)


def clear_progress():
    if sys.stderr.isatty():
        print("\r\033[K", end="", file=sys.stderr, flush=True)


def duration(seconds):
    minutes = round(seconds / 60)
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{minutes} min" if minutes < 100 else f"{minutes // 60} h {minutes % 60} min"


# ---- a try


def read_result(path):
    """Of the one comparison in a result of `tare bench`: what is kept of it."""
    try:
        with open(path, encoding="utf-8") as file:
            result = json.load(file)
        benchmark, = result["bench"]["benchmarks"]
        comparison, = benchmark["comparisons"]
        spoilt = benchmark["contamination"]
        failed = next((arm["failure"] for arm in benchmark["arms"] if arm["failure"] is not None), None)
        if failed is not None:
            raise Failure(failed)
        kept = {name: comparison[name] for name in (
            "verdict", "ratio", "low", "high", "confidence", "control_differs", "control_ratio", "control_low",
            "control_high", "smallest_change", "units", "units_needed", "decided_early", "reason")}
        kept.update({name: spoilt[name] for name in (
            "rounds", "dropped", "rule_suspended", "steal_ns", "wait_ns", "measured_ns", "involuntary", "migrations")})
        kept["spent_s"] = benchmark["spent_ns"] / 1e9
        kept["a_ns"] = benchmark["arms"][0]["summary"]["median_ns"]
        kept["a_cv"] = benchmark["arms"][0]["summary"]["cv"]
        # What a process of each arm did: arms that do not do the same are not fairly compared.
        kept["arms"] = [[arm.get(name) for name in ("label", "iterations", "samples", "warmup", "loop_ns")]
                        for arm in benchmark["arms"]]
        kept["settings"] = result["bench"]["settings"]
    except FileNotFoundError:
        raise Failure("there is no result") from None
    except (OSError, ValueError, KeyError, TypeError) as failure:
        raise Failure(f"the result cannot be read: {failure!r}") from None
    if kept["verdict"] not in report.VERDICTS:
        raise Failure(f"unknown verdict '{kept['verdict']}'")
    return kept


class Bench:
    """Everything that a try needs."""

    def __init__(self, build, tare, scratch, seed):
        self.build, self.tare, self.scratch, self.seed = build, tare, scratch, seed
        self.lock = Lock()

    def program(self, name):
        return os.path.join(self.build, "bin", "bench-verdicts-" + name)

    def copies(self, name):
        """Two copies of a program, whose names have different lengths: so has what lies on their stacks."""
        folder = os.path.join(self.scratch, "bin")
        if not os.path.isdir(folder):
            os.mkdir(folder)
            for entry in os.listdir(self.build):
                if entry.startswith("lib"):  # that programs find beside their folder
                    os.symlink(os.path.join(self.build, entry), os.path.join(self.scratch, entry))
        paths = [os.path.join(folder, name), os.path.join(folder, name + "-by-a-longer-name")]
        for path in paths:
            if not os.path.exists(path):
                shutil.copy2(self.program(name), path)
        return paths

    def compare(self, a, b, options, time_s, load=None):
        """`tare bench a --vs b`, with the lock held and, where there is one, under the load."""
        path = os.path.join(self.scratch, "result.json")
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)
        command = [self.tare, "bench", a, "--vs", b, *options, "--format", "json", "-o", path]
        with self.lock.held() as (environment, waited_s), load or contextlib.nullcontext():
            start = time.monotonic()
            status, _, complaints = run(command, time_s + GRACE_S, environment)
            figures = {"wall_s": time.monotonic() - start, "waited_s": waited_s, "exit": status}
            if load is not None:
                figures.update(load.figures())
        try:
            figures.update(read_result(path))
        except Failure as failure:
            said = f": {first_line(complaints)}" if complaints.strip() else ""
            raise Failure(f"{failure} (exit status {status}{said})") from None
        figures["command"] = ["tare", *(os.path.basename(word) for word in command[1:-4])]
        return figures


def even_case(number):
    return ("chain-1000", "lookup")[number % 2]


def itself(bench, number):
    name = even_case(number)
    path = bench.program(name)
    return {"case": name, "truth": 1.0, **bench.compare(path, path, [], 10)}


def itself_loaded(bench, number):
    name = even_case(number)
    path = bench.program(name)
    # Both processors in turn, so that it is not always the one on which the kernel likes to start things.
    cpus = sorted(os.sched_getaffinity(0))
    load = Load(bench.seed + number, cpus[number // 2 % len(cpus)])
    return {"case": name, "truth": 1.0, **bench.compare(path, path, [], 10, load)}


def copies(bench, number):
    name = even_case(number)
    paths = bench.copies(name)
    if number // 2 % 2 == 1:
        paths.reverse()
    return {"case": name, "truth": 1.0, **bench.compare(*paths, [], 10)}


def chains_apart(steps, options, time_s):
    """A try with the chains of 1000 and of `steps`; every other one the other way around."""
    def measure(bench, number):
        paths = [bench.program("chain-1000"), bench.program(f"chain-{steps}")]
        true = steps / 1000
        if number % 2 == 1:
            paths.reverse()
            true = 1 / true
        return {"case": f"chain-{steps}", "truth": true, **bench.compare(*paths, options, time_s)}
    return measure


def command_of(bench, steps, calls):
    return f"{bench.program('chains')} run {steps} {calls}"


def commands_apart(steps):
    """A try with the same chains as commands: tare, and hyperfine with as much time."""
    def measure(bench, number):
        hyperfine = shutil.which("hyperfine")
        if hyperfine is None:
            raise Unavailable("hyperfine is not installed")
        start = time.monotonic()
        output_of(command_of(bench, 1000, 1000).split())
        output_of(command_of(bench, 1000, 20000).split())
        calls = max(1000, round(COMMAND_S / (time.monotonic() - start) * 21000))
        pair = [command_of(bench, 1000, calls), command_of(bench, steps, calls)]
        true = steps / 1000
        if number % 2 == 1:
            pair.reverse()
            true = 1 / true
        path = os.path.join(bench.scratch, "hyperfine.json")
        runs = max(2, round(HYPERFINE_S / 2 / COMMAND_S) - 3)
        command = [hyperfine, "-N", "--style", "none", "--warmup", "3", "--runs", str(runs), "--export-json", path,
                   *pair]

        def sequentially():
            with bench.lock.held() as (environment, _):
                begun = time.monotonic()
                status, _, complaints = run(command, HYPERFINE_S + GRACE_S, environment)
                took_s = time.monotonic() - begun
            if status != 0:
                raise Failure(f"hyperfine failed with exit status {status}: {first_line(complaints)}")
            try:
                with open(path, encoding="utf-8") as file:
                    times = [entry["times"] for entry in json.load(file)["results"]]
            except (OSError, ValueError, KeyError) as failure:
                raise Failure(f"hyperfine's result cannot be read: {failure!r}") from None
            return {"peer_wall_s": took_s, **judge_apart(*times)}

        # Neither always has what the other left behind.
        first, second = (sequentially, lambda: bench.compare(*pair, ["--shell", "none"], 10))
        if number // 2 % 2 == 1:
            first, second = second, first
        figures = {"case": f"command-{steps}", "truth": true, **first()}
        return {**figures, **second()}
    return measure


def judge_apart(a, b):
    """What one who holds the two lists of times against each other would say, by three habits."""
    mean_a, square_a = rates.squared_error(a)
    mean_b, square_b = rates.squared_error(b)
    ratio = mean_b / mean_a
    # As hyperfine prints "1.01 +- 0.02 times faster": its propagation of both standard deviations.
    sigma = max(ratio, 1 / ratio) * math.hypot(math.sqrt(square_a * len(a)) / mean_a,
                                               math.sqrt(square_b * len(b)) / mean_b)
    return {"peer_ratio": ratio, "peer_runs": len(a) + len(b),
            "peer_sigma": max(ratio, 1 / ratio) - 1 > sigma,
            "peer_errors": abs(mean_b - mean_a) > math.sqrt(square_a) + math.sqrt(square_b),
            "peer_welch": rates.welch(a, b) < report.ALPHA}


MEASURES = {
    "1": itself,
    "2": chains_apart(1010, [], 10),
    "3": chains_apart(1005, ["--time", "60"], 60),
    "4": itself_loaded,
    "copies": copies,
    "peer-same": commands_apart(1000),
    "peer-1%": commands_apart(1010),
}


# ---- what is known beforehand


def measure_truth(bench, seconds):
    """How the chains differ, by callgrind's count of instructions and by a clock; without tare."""
    truth = {"seconds": seconds, "instructions": {}, "no_instructions": None, "ns": {}, "ratios": {}}
    program = bench.program("chains")
    if shutil.which("valgrind") is None:
        truth["no_instructions"] = "valgrind is not installed"
    else:
        for steps in (1000, 1005, 1010):
            try:
                status, _, said = run(["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null",
                                       f"--toggle-collect=verdicts_chain_{steps}", program, "run", str(steps),
                                       str(COUNTED_CALLS)], 120)
                counted = re.search(r"Collected : (\d+)", said)
                if status != 0 or counted is None:
                    raise Failure(f"callgrind failed with exit status {status}: {first_line(said)}")
                truth["instructions"][str(steps)] = int(counted.group(1)) / COUNTED_CALLS
            except Failure as failure:
                truth["no_instructions"] = str(failure)
                break
    with bench.lock.held():
        lines = output_of([program, "truth", str(seconds)], seconds + 60)
    for words in (line.split() for line in lines.splitlines()):
        if words[0] == "chain":
            truth["ns"][words[1]] = float(words[2])
        elif words[0] == "ratio":
            truth["ratios"][words[1]] = [float(word) for word in words[2:5]] + [int(words[5])]
    return truth


def git(*arguments):
    with contextlib.suppress(Failure):
        status, out, _ = run(["git", *arguments], 30)
        if status == 0:
            return out.strip()
    return None


def processor():
    with contextlib.suppress(OSError), open("/proc/cpuinfo", encoding="utf-8") as file:
        found = re.search(r"^model name\s*: (.*)$", file.read(), re.M)
        if found:
            return found.group(1).strip()
    return platform.machine()


def describe(bench):
    """What the tries are made with, and where. Two sets of tries with the same `programs` belong together."""
    programs = {}
    for path in [bench.tare, *(bench.program(name) for name in ("chain-1000", "chain-1005", "chain-1010", "lookup",
                                                                "chains"))]:
        try:
            with open(path, "rb") as file:
                programs[os.path.basename(path)] = hashlib.sha256(file.read()).hexdigest()
        except OSError as failure:
            raise Failure(f"cannot read '{path}': {failure.strerror}: build it with 'make'") from None
    commit = git("rev-parse", "--short=12", "HEAD")
    changed = git("status", "--porcelain", "--untracked-files=no")
    return {"figure": "setup", "programs": programs, "commit": commit, "changed": bool(changed), "seed": bench.seed,
            "started": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
            "processor": processor(), "processors": len(os.sched_getaffinity(0)), "kernel": platform.release(),
            "info": output_of([bench.tare, "info"])}


# ---- the file of tries


class Tries:
    """One line of JSON for each, written at once: what was measured stays."""

    def __init__(self, path, resume):
        self.path, self.records = path, []
        os.makedirs(os.path.dirname(path), exist_ok=True)
        if os.path.exists(path):
            if resume:
                self.read()
            else:
                os.replace(path, path + ".before")
        elif resume:
            complain(f"nothing to resume in '{path}': starting anew")
        self.file = open(path, "a", encoding="utf-8")

    def read(self):
        with open(self.path, encoding="utf-8") as file:
            text = file.read()
        whole = text.rpartition("\n")[0]  # what a crash cut off in the middle is measured again
        try:
            self.records = [json.loads(line) for line in whole.splitlines()]
        except ValueError:
            raise Failure(f"'{self.path}' is damaged: start anew, without --resume") from None
        if len(text) > len(whole) + 1:
            with open(self.path, "w", encoding="utf-8") as file:
                file.write(whole + "\n")

    def add(self, record):
        self.records.append(record)
        self.file.write(json.dumps(record) + "\n")
        self.file.flush()
        os.fsync(self.file.fileno())

    def of(self, figure):
        return [record for record in self.records if record["figure"] == figure]

    def done(self, figure):
        return {record["try"] for record in self.of(figure) if "failed" not in record}


def verdict_line(record):
    if "failed" in record:
        return f"failed: {record['failed']}"
    interval = f"{record['low']:.4f} to {record['high']:.4f}" if record["low"] is not None else "no interval"
    ratio = f"{record['ratio']:.4f}" if record["ratio"] is not None else "-"
    wrong = "" if report.is_right(record) else "  WRONG" if report.is_false(record) else "  missed"
    line = (f"{record['verdict']:<10} {ratio} ({interval}) in {record['spent_s']:.1f} s, {record['rounds']} rounds, "
            f"{record['dropped']} dropped{', control differs' if record['control_differs'] else ''}{wrong}")
    if "load_had" in record:
        line += f", load {100 * record['load_had']:.0f} %"
    if "peer_welch" in record:
        line += "; hyperfine: " + ("different" if record["peer_welch"] else "not different")
    return line


class Progress:
    """What is left, by what such tries have taken so far; before the first, by what they may take at most."""

    def __init__(self, wanted, tries):
        self.left = {key: [n for n in range(count) if n not in tries.done(key)] for key, count in wanted.items()}
        self.took = {key: [] for key in wanted}

    def left_s(self):
        total = 0.0
        for key, numbers in self.left.items():
            took = self.took[key]
            total += len(numbers) * (sum(took) / len(took) if took else report.FIGURES[key].most_s)
        return total

    def show(self, key, number, count):
        if sys.stderr.isatty():
            print(f"\r\033[K{key}: try {number + 1} of {count}, at most {duration(self.left_s())} left in all",
                  end="", file=sys.stderr, flush=True)


def measure(bench, tries, wanted):
    """All that is left of the wanted tries, one figure after the other."""
    progress = Progress(wanted, tries)
    say(f"at most {duration(progress.left_s())}; every try is kept in '{tries.path}'")
    for key, count in wanted.items():
        in_a_row = 0
        if progress.left[key]:
            say(f"\n{key}: {report.FIGURES[key].title}")
        while progress.left[key]:
            number = progress.left[key][0]
            progress.show(key, number, count)
            start = time.monotonic()
            try:
                record = MEASURES[key](bench, number)
                in_a_row = 0
            except Unavailable as failure:
                say(f"  skipped: {failure}")
                tries.add({"figure": key, "try": number, "skipped": str(failure)})
                progress.left[key] = []
                break
            except Failure as failure:
                record = {"failed": str(failure)}
                in_a_row += 1
            record = {"figure": key, "try": number, **record}
            tries.add(record)
            progress.took[key].append(time.monotonic() - start)
            progress.left[key].pop(0)
            say(f"  {number + 1:>3} {record.get('case', ''):<12} {verdict_line(record)}")
            if in_a_row >= FAILURES_MAX:
                raise Failure(f"{in_a_row} tries failed in a row: giving up ('--resume' goes on)")
    clear_progress()


def write_whole(path, text):
    fd, temporary = tempfile.mkstemp(dir=os.path.dirname(path), prefix=".verdicts-")
    try:
        with os.fdopen(fd, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def parse():
    parser = argparse.ArgumentParser(description="Counts the verdicts of `tare bench --vs` where the truth is known.",
                                     epilog="WHAT: " + ", ".join(report.FIGURES) + " (the first four are the claims)")
    parser.add_argument("build", metavar="BUILD", help="the build directory: build/fast")
    parser.add_argument("--only", metavar="WHAT,...", help="only these figures")
    parser.add_argument("--tries", type=int, metavar="N", help="so many of each, instead of their own numbers")
    parser.add_argument("--resume", action="store_true", help="go on where the last call stopped")
    parser.add_argument("--report", action="store_true", help="measure nothing, write the document anew")
    parser.add_argument("--write", action="store_true", help="write docs/verdicts.md though not all was measured")
    parser.add_argument("--docs", default=os.path.join(ROOT, "docs", "verdicts.md"), help=argparse.SUPPRESS)
    parser.add_argument("--tare", metavar="PATH", help="this command instead of BUILD/bin/tare")
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="of the load's phases (default 1)")
    parser.add_argument("--truth", type=float, default=TRUTH_S, metavar="SECONDS",
                        help=f"calibrate the chains for so long (default {TRUTH_S})")
    options = parser.parse_args()
    wanted = dict((key, figure.tries) for key, figure in report.FIGURES.items())
    if options.only is not None:
        unknown = [key for key in options.only.split(",") if key not in wanted]
        if unknown:
            parser.error(f"unknown figure '{unknown[0]}': one of {', '.join(wanted)}")
        wanted = {key: wanted[key] for key in wanted if key in options.only.split(",")}
    if options.tries is not None:
        if options.tries < 1:
            parser.error("--tries wants a number from 1")
        wanted = dict.fromkeys(wanted, options.tries)
    return options, wanted


def main():
    options, wanted = parse()
    for interrupt in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(interrupt, lambda number, _: sys.exit(128 + number))
    build = os.path.abspath(options.build)
    tare = os.path.abspath(options.tare or os.path.join(build, "bin", "tare"))
    folder = os.path.join(build, "verdicts")
    status = 0
    with tempfile.TemporaryDirectory(prefix="tare-verdicts-") as scratch:
        bench = Bench(build, tare, scratch, options.seed)
        try:
            setup = None if options.report else describe(bench)
            tries = Tries(os.path.join(folder, "tries.jsonl"), options.resume or options.report)
            before = tries.of("setup")
            if options.report:
                if not before:
                    raise Failure("there is nothing to report yet")
            elif before and before[0]["programs"] != setup["programs"]:
                raise Failure("the programs are not those of the tries so far: start anew, without --resume")
            elif not before:
                tries.add(setup)
            if not options.report and not tries.of("truth"):
                say(f"what is true: counting, and {duration(options.truth)} of calibration")
                tries.add({"figure": "truth", **measure_truth(bench, options.truth)})
            if not options.report:
                measure(bench, tries, wanted)
        except Failure as failure:
            complain(failure)
            status = 2
            if "tries" not in locals():
                return status
        except KeyboardInterrupt:
            clear_progress()
            complain("interrupted: what was measured is kept, '--resume' goes on")
            status = 130
    summary = report.Summary(tries.records)
    path = os.path.join(folder, "verdicts.md")
    if summary.complete or options.write:
        path = options.docs
    write_whole(path, summary.document())
    say("\n" + summary.table())
    say(f"\n{'everything was measured' if summary.complete else 'not everything was measured'}: see '{path}'")
    return status or (2 if not summary.complete else 0 if summary.reached else 1)


if __name__ == "__main__":
    try:
        exit_status = main()
        sys.stdout.flush()
        sys.exit(exit_status)
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
