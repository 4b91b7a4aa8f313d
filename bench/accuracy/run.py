#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""`make bench-accuracy`: work of known cost, as tare and other tools report it, in Markdown.

    bench/accuracy/run.py BUILD [ROUNDS]

The same rungs (rungs.c) are compiled for each tool with its own marks, and once more without any, in the same program:
the time of that copy's long loops is the truth against which the tool's report is held. All programs run once in each
round (9 unless ROUNDS says otherwise), so that what changes on the machine changes for all; the figures are medians over
rounds.

A tool that is not installed, or does not work here, is a line that says so. What the tools leave behind is removed:
their data is in a temporary directory, and a session daemon of LTTng is ended if it was started here.
"""

import contextlib
import glob
import json
import math
import os
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

HERE = "bench/accuracy"
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
RUNGS = ["chain-5", "chain-10", "chain-20", "chain-50", "chain-200", "chain-1k", "system-call",
         "nest-a", "nest-b", "nest-c", "nest-d"]
UNITS_NS = {"ns": 1, "us": 1e3, "ms": 1e6, "s": 1e9, "m": 60e9}
TIMEOUT_S = 120
FLAGS = ["-O2", "-g1", "-DNDEBUG", "-D_GNU_SOURCE", "-Wall", "-Wextra", f"-I{ROOT}", f"-I{ROOT}/include"]


class Unavailable(Exception):
    """The tool cannot be measured, and why."""


def run(command, where=ROOT, environment=None):
    """Its standard output and standard error; Unavailable if it fails."""
    name = os.path.basename(command[0])
    try:
        child = subprocess.Popen(command, cwd=where, env=environment, text=True, errors="replace",
                                 stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    except OSError as failure:
        raise Unavailable(f"cannot run '{command[0]}': {failure.strerror}") from None
    try:
        out, complaints = child.communicate(timeout=TIMEOUT_S)
    except subprocess.TimeoutExpired:
        raise Unavailable(f"'{name}' takes more than {TIMEOUT_S} s") from None
    finally:
        end(child)
    if child.returncode != 0:
        said = [line.strip() for line in (complaints + out).splitlines() if line.strip()]
        wrong = next((line for line in said if "error" in line.lower()), said[-1] if said else "it said nothing")
        raise Unavailable(f"'{name}' failed with exit status {child.returncode}: {wrong}")
    return out, complaints


def end(child):
    """Ends it, if it runs, in the way that lets it clean up."""
    if child.poll() is None:
        child.terminate()
        try:
            child.wait(timeout=15)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def compiler(language):
    return (os.environ.get("CC") or "cc").split() if language == "c" else (os.environ.get("CXX") or "c++").split()


def version_in(text):
    found = re.search(r"\d+(\.\d+)+", text)
    return found.group() if found else "of unknown version"


def said_by(program, word):
    """{NAME: NS} of its lines "WORD NAME NS"."""
    lines = (line.split() for line in program.splitlines())
    return {words[1]: float(words[2]) for words in lines if len(words) == 3 and words[0] == word}


class Tool:
    """A program with the marks of a tool. `columns` are the names of its figures."""

    def __init__(self, name, columns, scratch, cpu):
        self.name, self.columns = name, columns
        self.scratch = os.path.join(scratch, re.sub(r"\W", "-", name))
        self.cpu = str(cpu)
        self.program = os.path.join(self.scratch, "program")
        self.version = None

    def compile(self, marks, main=("main.c",), flags=(), marked_flags=(), libraries=()):
        os.makedirs(self.scratch)
        objects = []
        copies = [("rungs.c", "bare", []),
                  ("rungs.c", "marked", [f'-DMARKS="{HERE}/{marks}"', *marked_flags]), ("truth.c", "truth", [])]
        copies += [(source, source, []) for source in main]
        for source, name, extra in copies:
            objects.append(os.path.join(self.scratch, name + ".o"))
            command = compiler("c") if source.endswith(".c") else [*compiler("c++"), "-std=c++17"]
            run([*command, *FLAGS, *flags, *extra, "-c", f"{HERE}/{source}", "-o", objects[-1]])
        link = compiler("c") if all(source.endswith(".c") for source in main) else compiler("c++")
        run([*link, *marked_flags, "-o", self.program, *objects, *libraries])

    def prepare(self):
        """Compiles it, and finds out the tool's version, where it has one."""
        raise NotImplementedError

    def measure(self):
        """{column: ({rung: reported ns}, {rung: true ns})} of one run."""
        raise NotImplementedError


class Pair(Tool):
    def prepare(self):
        self.compile("marks-pair.h")

    def measure(self):
        out, _ = run([self.program, self.cpu])
        reported = said_by(out, "pair")
        if any(math.isnan(value) for value in reported.values()):
            raise Unavailable("there is no counter that programs can read")
        return {self.columns[0]: (reported, said_by(out, "truth"))}


class Benchmark(Tool):
    def prepare(self):
        try:
            self.compile("marks-benchmark.h", main=["benchmark.cc"], libraries=["-lbenchmark", "-lpthread"])
        except Unavailable as failure:
            raise Unavailable("not installed" if "benchmark/benchmark.h" in str(failure) else failure) from None
        self.version = "Google Benchmark"
        with contextlib.suppress(Unavailable):
            self.version += " " + run(["pkg-config", "--modversion", "benchmark"])[0].strip()

    def measure(self):
        out, _ = run([self.program, "--benchmark_format=json", "--benchmark_min_time=0.01", self.cpu])
        figures = {column: ({}, {}) for column in self.columns}
        result = json.loads(out)
        if result.get("context", {}).get("library_build_type") == "debug" and "debug" not in self.version:
            self.version += " (a debug build)"
        for entry in result["benchmarks"]:
            way, rung = entry["name"].split("/")
            reported, truth = figures[self.columns[0 if way == "loop" else 1]]
            reported[rung] = entry["real_time"] * UNITS_NS[entry["time_unit"]]
            truth[rung] = entry["truth"]
        return figures


class Uftrace(Tool):
    def prepare(self):
        if shutil.which("uftrace") is None:
            raise Unavailable("not installed")
        self.compile("marks-function.h", flags=["-DRUNGS_ARE_FUNCTIONS"], marked_flags=["-pg"])
        self.version = "uftrace " + version_in(run(["uftrace", "--version"])[0])

    def measure(self):
        data = os.path.join(self.scratch, "data")
        shutil.rmtree(data, ignore_errors=True)
        # Calls of libc are not traced: it would be one more event in the system call.
        out, _ = run(["uftrace", "record", "--no-event", "--no-libcall", "-d", data, self.program, self.cpu],
                     where=self.scratch)
        report, _ = run(["uftrace", "report", "--no-pager", "-d", data, "-f", "total-avg"], where=self.scratch)
        reported = {}
        for line in report.splitlines():
            words = line.split()
            if len(words) == 3 and words[1] in UNITS_NS and words[2].replace("_", "-") in RUNGS:
                reported[words[2].replace("_", "-")] = float(words[0]) * UNITS_NS[words[1]]
        return {self.columns[0]: (reported, said_by(out, "truth"))}


class Lttng(Tool):
    """Uses the session daemon that runs here, or starts one for as long as it is needed."""

    LEFT = ("/dev/shm/lttng-ust-wait-*", "/var/run/lttng")

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.environment = {**os.environ, "LTTNG_HOME": self.scratch}
        self.reader = shutil.which("babeltrace2") or shutil.which("babeltrace")
        self.daemon = None
        self.before = {path for pattern in self.LEFT for path in glob.glob(pattern)}
        self.session = f"tare-accuracy-{os.getpid()}"
        self.sessions = 0

    def lttng(self, *arguments):
        return run(["lttng", "--no-sessiond", *arguments], environment=self.environment)

    def answers(self):
        with contextlib.suppress(Unavailable):
            self.lttng("list")
            return True
        return False

    def prepare(self):
        if shutil.which("lttng") is None or shutil.which("lttng-sessiond") is None:
            raise Unavailable("not installed")
        if self.reader is None:
            raise Unavailable("'babeltrace2', which reads its traces, is not installed")
        self.compile("marks-lttng.h", main=["main.c", "lttng.c"], libraries=["-llttng-ust", "-ldl"])
        if not self.answers():
            self.daemon = subprocess.Popen(["lttng-sessiond", "--no-kernel"], env=self.environment,
                                           stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                           stderr=subprocess.DEVNULL, cwd=self.scratch)
            until = time.monotonic() + 10
            while not self.answers():
                if self.daemon.poll() is not None or time.monotonic() > until:
                    raise Unavailable("its session daemon does not start here")
                time.sleep(0.1)
        self.version = "LTTng " + version_in(run(["lttng", "--version"])[0])

    def measure(self):
        trace = os.path.join(self.scratch, f"trace-{self.sessions}")
        session = f"{self.session}-{self.sessions}"
        self.sessions += 1
        self.lttng("create", session, f"--output={trace}")
        try:
            self.lttng("enable-channel", "-u", "-s", session, "--subbuf-size", "4M", "--num-subbuf", "4", "scopes")
            self.lttng("enable-event", "-u", "-s", session, "-c", "scopes", "tare_accuracy:*")
            self.lttng("start", session)
            out, _ = run([self.program, self.cpu], environment=self.environment)
            self.lttng("stop", session)
        finally:
            with contextlib.suppress(Unavailable):
                self.lttng("destroy", session)
        text, complaints = run([self.reader, "--clock-cycles", "--no-delta", trace])
        shutil.rmtree(trace, ignore_errors=True)
        if "discarded" in complaints:
            raise Unavailable("it discarded events")
        return {self.columns[0]: (self.means(text), said_by(out, "truth"))}

    @staticmethod
    def means(text):
        """Of end less begin, for each rung. "[STAMP] HOST PROVIDER:EVENT: {...}, { rung = N }"; the stamp is in ns."""
        event = re.compile(r"^\[(\d+)\].*tare_accuracy:(begin|end):.*\brung = (\d+)", re.M)
        begun, totals, calls = {}, [0] * len(RUNGS), [0] * len(RUNGS)
        for stamp, kind, number in event.findall(text):
            number = int(number)
            if kind == "begin":
                begun[number] = int(stamp)
            else:
                totals[number] += int(stamp) - begun.pop(number)
                calls[number] += 1
        return {rung: totals[i] / calls[i] for i, rung in enumerate(RUNGS) if calls[i] != 0}

    def release(self):
        if self.daemon is None:
            return
        end(self.daemon)
        for path in (path for pattern in self.LEFT for path in glob.glob(pattern)):
            if path not in self.before:
                with contextlib.suppress(OSError):
                    shutil.rmtree(path) if os.path.isdir(path) else os.unlink(path)


class Tare(Tool):
    def __init__(self, name, columns, scratch, cpu, build, clock):
        super().__init__(name, columns, scratch, cpu)
        self.build, self.clock = build, clock

    def prepare(self):
        libraries = glob.glob(os.path.join(self.build, "lib*", "**", "libtare.so"), recursive=True)
        if not libraries:
            raise Unavailable(f"no libtare.so in '{self.build}'")
        folder = os.path.dirname(libraries[0])
        self.compile("marks-tare.h", libraries=[f"-L{folder}", "-ltare", f"-Wl,-rpath,{folder}"])
        self.version = "tare " + version_in(run([os.path.join(self.build, "bin", "tare"), "--version"])[0])

    def measure(self):
        result = os.path.join(self.scratch, "result.json")
        out, _ = run([os.path.join(self.build, "bin", "tare"), "run", "--clock", self.clock, "--format", "json",
                      "-o", result, self.program, self.cpu])
        raw, net = {}, {}
        with open(result, encoding="utf-8") as file:
            for timer in json.load(file)["timers"]:
                raw[timer["name"]] = timer["figures"]["raw_avg_ns"]
                net[timer["name"]] = timer["figures"]["net_avg_ns"]
        truth = said_by(out, "truth")
        return dict(zip(self.columns, ((raw, truth), (net, truth))))


def markdown(head, rows):
    widths = [max(len(row[i]) for row in [head, *rows]) for i in range(len(head))]
    lines = ["| " + " | ".join(cell.ljust(width) if i == 0 else cell.rjust(width)
                               for i, (cell, width) in enumerate(zip(row, widths))) + " |" for row in [head, *rows]]
    rule = ["-" * width if i == 0 else "-" * (width - 1) + ":" for i, width in enumerate(widths)]
    lines.insert(1, "| " + " | ".join(rule) + " |")
    return "\n".join(lines)


def number(value, form):
    return "-" if value is None else format(value, form)


def median(values):
    known = [value for value in values if value is not None]
    return statistics.median(known) if known else None


def scatter(values):
    """Half the interquartile range."""
    known = [value for value in values if value is not None]
    if len(known) < 4:
        return None
    low, _, high = statistics.quantiles(known, n=4)
    return (high - low) / 2


def tables(columns, rounds):
    """Both tables; rounds[column] is a list of ({rung: reported}, {rung: truth})."""
    def reported(column, rung):
        return [one[rung] for one, _ in rounds[column]]

    def errors(column, rung):
        return [None if one[rung] is None else one[rung] - truth[rung] for one, truth in rounds[column]]

    def true(rung):
        return median([truth[rung] for column in columns for _, truth in rounds[column]])

    first = [[rung, number(true(rung), ".1f"), *(number(median(reported(c, rung)), ".1f") for c in columns)]
             for rung in RUNGS]
    second = [[rung, *(number(median(errors(c, rung)), "+.1f") for c in columns)] for rung in RUNGS]
    second.append(["*scatter*", *(number(median([scatter(errors(c, rung)) for rung in RUNGS]), ".1f")
                                  for c in columns)])
    return markdown(["rung", "truth", *columns], first), markdown(["rung", *columns], second)


def skip(tool, failure):
    print(f"{tool.name}: {failure}", flush=True)


def measure_all(tools, count):
    rounds = {}
    for tool in list(tools):
        try:
            tool.prepare()
        except Unavailable as failure:
            skip(tool, failure)
            tools.remove(tool)
    for i in range(count):
        if sys.stderr.isatty():
            print(f"\rround {i + 1} of {count} ", end="", file=sys.stderr, flush=True)
        for tool in list(tools):
            try:
                for column, (reported, truth) in tool.measure().items():
                    for rung in RUNGS:
                        if rung not in reported or rung not in truth:
                            raise Unavailable(f"it does not report '{rung}'")
                    rounds.setdefault(column, []).append((reported, truth))
            except (Unavailable, OSError, KeyError, ValueError) as failure:
                skip(tool, failure if isinstance(failure, Unavailable) else f"its figures cannot be read: {failure!r}")
                tools.remove(tool)
                for column in tool.columns:
                    rounds.pop(column, None)
    if sys.stderr.isatty():
        print("\r\033[K", end="", file=sys.stderr, flush=True)
    return rounds


def main():
    if len(sys.argv) not in (2, 3) or (len(sys.argv) == 3 and not re.fullmatch("[1-9][0-9]{0,2}", sys.argv[2])):
        print("usage: bench/accuracy/run.py BUILD [ROUNDS]", file=sys.stderr)
        return 2
    build, count = os.path.abspath(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) == 3 else 9
    for interrupt in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(interrupt, lambda number, _: sys.exit(128 + number))
    cpu = max(os.sched_getaffinity(0))
    with tempfile.TemporaryDirectory(prefix="tare-accuracy-") as scratch:
        lttng = Lttng("LTTng-UST", ["LTTng-UST"], scratch, cpu)
        tools = [
            Pair("rdtsc pair", ["rdtsc pair"], scratch, cpu),
            Benchmark("Google Benchmark", ["GB, loop", "GB, in situ"], scratch, cpu),
            Uftrace("uftrace", ["uftrace"], scratch, cpu),
            lttng,
            Tare("tare", ["tare raw", "**tare net**"], scratch, cpu, build, "tsc-ordered"),
            Tare("tare on the clock tsc", ["tsc raw", "tsc net"], scratch, cpu, build, "tsc"),
            Tare("tare on the clock clock", ["clock raw", "clock net"], scratch, cpu, build, "clock"),
        ]
        columns = [column for tool in tools for column in tool.columns]
        wanted = len(tools)
        try:
            rounds = measure_all(tools, count)
        finally:
            lttng.release()
    columns = [column for column in columns if column in rounds]
    if not columns:
        print("nothing could be measured", file=sys.stderr)
        return 1
    reports, errors = tables(columns, rounds)
    if len(tools) < wanted:
        print()
    print("Mean time of a scope in ns, as reported; truth is the same work in a long loop without marks:\n")
    print(reports)
    print("\nReport less truth, in ns; *scatter* is half the interquartile range of the rounds, of the rung in the middle:\n")
    print(errors)
    versions = list(dict.fromkeys(tool.version for tool in tools if tool.version))
    print(f"\nMedians of {count} round{'s'[count == 1:]}. {', '.join(versions)}.")
    return 0 if any(isinstance(tool, Tare) for tool in tools) else 1


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
