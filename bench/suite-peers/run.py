#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""`make bench-peers`: what `tare suite os` and other tools make of the same thing, in Markdown.

    bench/suite-peers/run.py BUILD [ROUNDS]

In each round (15 unless ROUNDS says otherwise, at least 6) each benchmark of ours and its peer run one behind the other, in an
order that turns from round to round; the ratio ours / theirs is the median over rounds, its interval that of the sign test
(95 % at least). In a round both are the lowest of 7 short processes: most tools print a mean, which has in it whatever else
the machine did, and that only adds.

Two kinds of pairs: those that measure the same by their definitions have to agree within 15 %; the others differ by
definition, as docs/suites.md says, and are shown. A pair of the first kind agrees where the whole interval lies within 15 %,
differs where all of it lies beyond, and is unresolved else. A tool that is not installed is skipped, with its package.

Exits 0 if all pairs that have to agree do, 1 if one differs, 3 if none differs and one is unresolved, 2 where none could be
measured, or where not all agree and others took much of the processors meanwhile (bench/quiet.py).
"""

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

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "bench"))
import quiet  # noqa: E402

TIMEOUT_S = 60
PROCESSES = 7  # of each in a round
SAMPLES, SAMPLE_NS = 12, 400_000  # of ours, as `tare bench` asks for them
WITHIN = 1.15
PINNED = min(os.sched_getaffinity(0))  # what is measured on one processor is on this one
PACKAGES = {"perf": "linux-perf", "hyperfine": "hyperfine", "stress-ng": "stress-ng", "sysbench": "sysbench"}


class Failure(Exception):
    """What could not be done, and why."""


class Skip(Exception):
    """What cannot be measured here, and why."""


def run(command, cwd, cpu=None, environment=None, pass_fds=()):
    """What it prints; Failure if it fails. With `cpu` it runs on that processor alone."""
    name = os.path.basename(command[0])
    try:
        done = subprocess.run(command, cwd=cwd, env=environment, text=True, errors="replace", pass_fds=pass_fds,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              timeout=TIMEOUT_S, check=False,
                              preexec_fn=None if cpu is None else lambda: os.sched_setaffinity(0, [cpu]))
    except OSError as failure:
        raise Failure(f"cannot run '{command[0]}': {failure.strerror}") from None
    except subprocess.TimeoutExpired:
        raise Failure(f"'{name}' takes more than {TIMEOUT_S} s") from None
    if done.returncode != 0:
        said = [line.strip() for line in done.stdout.splitlines() if line.strip()]
        raise Failure(f"'{name}' failed with exit status {done.returncode}: {said[-1] if said else 'it said nothing'}")
    return done.stdout


def number(pattern, text, tool):
    """The number that the pattern's group holds."""
    found = re.search(pattern, text)
    if found is None:
        raise Failure(f"what '{tool}' prints is not understood")
    return float(found.group(1))


class Program:
    """One of ours, by the lines in which `tare bench` drives it (harness/lines.h)."""

    def __init__(self, path, scratch):
        self.path, self.scratch = path, scratch
        self.cases = {line[2]: line[1] for line in self.drive("job=list") if line[0] == "case"}

    def drive(self, job, cpu=None):
        read_end, write_end = os.pipe()
        with open(read_end, encoding="utf-8", errors="replace") as lines:
            try:
                run([self.path], self.scratch, cpu, environment={**os.environ, "TARE_BENCH_DRIVE": f"fd={write_end} {job}"},
                    pass_fds=[write_end])
            except Failure:
                pass  # its reason is in the lines
            finally:
                os.close(write_end)
            told = [line.split() for line in lines if line.strip()]  # a few lines: they fit into the pipe
        failed = [" ".join(line[1:]) for line in told if line[0] == "failed"]
        if failed and failed[0].startswith("skipped: "):
            raise Skip(failed[0][len("skipped: "):])
        if told[-1:] != [["end"]]:
            raise Failure(f"'{os.path.basename(self.path)}': {failed[0] if failed else 'it did not end well'}")
        return told

    def block(self, case, cpu):
        told = self.drive(f"job=block case={self.cases[case]} samples={SAMPLES} sample_ns={SAMPLE_NS}", cpu)
        return statistics.median(float(line[2]) / int(line[1]) for line in told if line[0] == "sample")

    def measure(self, case, cpu=None):
        """ns of an iteration."""
        if case not in self.cases:
            raise Failure(f"the suite has no case '{case}'")
        return min(self.block(case, cpu) for _ in range(PROCESSES))


class Peers:
    """What others print, in ns for one of what our iteration does."""

    def __init__(self, build, scratch):
        self.scratch = scratch
        self.nothing = os.path.join(build, "libexec", "tare", "suites", "os", "nothing")
        self.filled = False

    def syscall(self):
        return 1e3 * number(r"([\d.]+) usecs/op",
                            run(["perf", "bench", "syscall", "basic", "-l", "40000"], self.scratch), "perf")

    def pipe_same(self):
        return 1e3 * number(r"([\d.]+) usecs/op",
                            run(["perf", "bench", "sched", "pipe", "-l", "10000"], self.scratch, PINNED), "perf")

    def pipe_free(self):
        return 1e3 * number(r"([\d.]+) usecs/op",
                            run(["perf", "bench", "sched", "pipe", "-l", "10000"], self.scratch), "perf")

    def memcpy(self):
        text = run(["perf", "bench", "mem", "memcpy", "-s", "1MB", "-l", "100", "-f", "default"], self.scratch)
        found = re.search(r"([\d.]+) ([KMG])B/sec", text)
        if found is None:
            raise Failure("what 'perf' prints is not understood")
        return 2**20 / (float(found.group(1)) * 1024 ** " KMG".index(found.group(2))) * 1e9

    def hyperfine(self, *command):
        out = os.path.join(self.scratch, "hyperfine.json")
        run(["hyperfine", "-N", "--warmup", "1", "--runs", "12", "--style", "none", "--export-json", out,
             " ".join(command)], self.scratch)
        with open(out, encoding="utf-8") as file:
            return 1e9 * json.load(file)["results"][0]["median"]

    def spawn_nothing(self):
        return self.hyperfine(f"'{self.nothing}'")

    def spawn_true(self):
        return self.hyperfine("/bin/true")

    def shell(self):
        return self.hyperfine("/bin/sh", "-c", "true")

    def stress(self, stressor, count):
        text = run(["stress-ng", f"--{stressor}", "1", f"--{stressor}-ops", str(count), "--timeout", "20", "--metrics"],
                   self.scratch, PINNED)
        found = re.search(rf"\] {stressor} +(\d+) +([\d.]+) ", text)
        if found is None or int(found.group(1)) == 0:
            raise Failure("what 'stress-ng' prints is not understood")
        # Its seconds have but two decimals, its rate has more.
        return 1e9 / number(rf"\] {stressor} +\d+ +[\d.]+ +[\d.]+ +[\d.]+ +([\d.]+) ", text, "stress-ng")

    def stress_switch(self):
        text = run(["stress-ng", "--switch", "1", "--switch-ops", "5000", "--timeout", "20", "--metrics"], self.scratch,
                   PINNED)
        return number(r"([\d.]+) nanosecs per context switch", text, "stress-ng")

    def stress_fork(self):
        return self.stress("fork", 300)

    def sysbench(self, events, *options):
        text = run(["sysbench", *options, "--threads=1", "--time=0", f"--events={events}", "run"], self.scratch)
        return 1e9 * number(r"total time: +([\d.]+)s", text, "sysbench") / \
            number(r"total number of events: +(\d+)", text, "sysbench")

    def yields(self):
        return self.sysbench(30, "threads", "--thread-yields=1000", "--thread-locks=1") / 1000

    def random_read(self):
        files = ["fileio", "--file-num=1", "--file-total-size=16M", "--file-block-size=4096", "--file-test-mode=rndrd"]
        if not self.filled:
            run(["sysbench", *files, "prepare"], self.scratch)
            self.filled = True
        return self.sysbench(20000, *files)

    def empty_event(self):
        """What sysbench does for each event, whatever it is."""
        return self.sysbench(50000, "threads", "--thread-yields=0", "--thread-locks=1")


class Pair:
    """A case of ours and what a tool makes of the same; `less` is subtracted from theirs."""

    def __init__(self, program, case, tool, what, measure, same, less=None):
        self.program, self.case, self.tool, self.what, self.same = program, case, tool, what, same
        self.measure, self.less = measure, less
        self.cpu = PINNED if "one processor" in what or tool == "stress-ng" else None
        self.ours, self.theirs, self.skipped = [], [], None

    def measure_ours(self):
        self.ours.append(self.program.measure(self.case, self.cpu))

    def measure_theirs(self):
        lowest = min(self.measure() for _ in range(PROCESSES))
        self.theirs.append(lowest - (min(self.less() for _ in range(PROCESSES)) if self.less is not None else 0))

    def round(self, number_of_round):
        halves = [self.measure_ours, self.measure_theirs]
        for half in halves if number_of_round % 2 == 0 else reversed(halves):
            half()

    def ratio(self):
        """Median over rounds, and the ends of its interval."""
        ratios = sorted(a / b for a, b in zip(self.ours, self.theirs))
        n, below, rank = len(ratios), 0.0, 0
        while True:
            below += math.comb(n, rank) / 2**n  # that so few lie below the true median
            if 2 * below > 0.05 or rank + 1 > n // 2:
                break
            rank += 1
        rank = max(rank, 1)
        return statistics.median(ratios), ratios[rank - 1], ratios[n - rank]

    def verdict(self):
        _, low, high = self.ratio()
        if not self.same:
            return "by definition"
        if low > WITHIN or high < 1 / WITHIN:
            return "**differs**"
        return "agrees" if 1 / WITHIN <= low and high <= WITHIN else "unresolved"


def ns(value):
    for unit, size in (("ms", 1e6), ("µs", 1e3)):
        if value >= size:
            return f"{value / size:.3g} {unit}"
    return f"{value:.3g} ns"


def markdown(head, rows):
    widths = [max(len(row[i]) for row in [head, *rows]) for i in range(len(head))]
    lines = ["| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths)) + " |" for row in [head, *rows]]
    lines.insert(1, "| " + " | ".join("-" * width for width in widths) + " |")
    return "\n".join(lines)


def compile_as_peers(build, scratch):
    path = os.path.join(scratch, "as_peers")
    lib = os.path.join(build, "lib")
    run([*(os.environ.get("CC") or "cc").split(), "-std=c17", "-O2", "-DNDEBUG", "-D_GNU_SOURCE", f"-I{ROOT}/include",
         f"-I{build}/include", os.path.join(ROOT, "bench", "suite-peers", "as_peers.c"), "-o", path,
         os.path.join(lib, "libtare-bench.a"), os.path.join(lib, "libtare.a"), "-lm", "-lpthread"], scratch)
    return Program(path, scratch)


def all_pairs(build, scratch):
    suite = Program(os.path.join(build, "libexec", "tare", "suites", "os", "os"), scratch)
    peers = Peers(build, scratch)
    alike = compile_as_peers(build, scratch)
    return suite, [
        Pair(suite, "call_getppid", "perf", "perf bench syscall basic", peers.syscall, True),
        Pair(suite, "pipe_round_same", "perf", "perf bench sched pipe, on one processor", peers.pipe_same, True),
        Pair(suite, "pipe_round_free", "perf", "perf bench sched pipe", peers.pipe_free, False),
        Pair(alike, "memcpy_1mib", "perf", "perf bench mem memcpy, 1 MB, libc's", peers.memcpy, True),
        Pair(suite, "proc_posix_spawn", "hyperfine", "hyperfine -N nothing", peers.spawn_nothing, True),
        Pair(suite, "proc_spawn", "hyperfine", "hyperfine -N /bin/true", peers.spawn_true, True),
        Pair(suite, "proc_shell", "hyperfine", "hyperfine -N '/bin/sh -c true'", peers.shell, True),
        Pair(suite, "file_read_random", "sysbench", "sysbench fileio, rndrd, 4 KiB", peers.random_read, False),
        Pair(suite, "file_read_random", "sysbench", "the same, less an empty event", peers.random_read, False,
             less=peers.empty_event),
        Pair(suite, "yield_alone", "sysbench", "sysbench threads, one yield of one thread", peers.yields, False),
        Pair(alike, "yield_locked", "sysbench", "the same", peers.yields, True),
        Pair(suite, "switch_ring_same/2", "stress-ng", "stress-ng --switch 1, on one processor", peers.stress_switch, False),
        Pair(alike, "packet_write", "stress-ng", "the same", peers.stress_switch, True),
        Pair(suite, "proc_fork", "stress-ng", "stress-ng --fork 1, on one processor", peers.stress_fork, False),
    ]


def measure_all(pairs, rounds):
    for i in range(rounds):
        for pair in pairs:
            if sys.stderr.isatty():
                print(f"\r\033[Kround {i + 1} of {rounds}: {pair.what}", end="", file=sys.stderr, flush=True)
            try:
                if pair.skipped is None:
                    pair.round(i)
            except Skip as skip:
                pair.skipped = str(skip)
    if sys.stderr.isatty():
        print("\r\033[K", end="", file=sys.stderr, flush=True)


def show(pairs, rounds):
    rows = []
    for pair in pairs:
        if pair.skipped is None:
            middle, low, high = pair.ratio()
            rows.append([pair.case, pair.what, ns(statistics.median(pair.ours)), ns(statistics.median(pair.theirs)),
                         f"{middle:.2f} ({low:.2f} to {high:.2f})", pair.verdict()])
        else:
            rows.append([pair.case, pair.what, "-", "-", "-", f"skipped: {pair.skipped}"])
    print(markdown(["ours", "theirs", "ours", "theirs", "ours / theirs", "within 15 %"], rows))
    print(f"\nMedians of {rounds} rounds; intervals of 95 % at least.")


def main():
    if len(sys.argv) not in (2, 3) or (len(sys.argv) == 3 and not re.fullmatch("[1-9][0-9]{0,2}", sys.argv[2])) or \
            (len(sys.argv) == 3 and int(sys.argv[2]) < 6):
        print("usage: bench/suite-peers/run.py BUILD [ROUNDS, at least 6]", file=sys.stderr)
        return 2
    build, rounds = os.path.abspath(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) == 3 else 15
    for interrupt in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(interrupt, lambda taken, _: sys.exit(128 + taken))
    with tempfile.TemporaryDirectory(prefix="tare-peers-") as scratch:
        os.environ["TARE_SUITE_DIR"] = scratch  # both read files of one file system
        try:
            suite, pairs = all_pairs(build, scratch)
            for pair in pairs:
                if shutil.which(pair.tool) is None:
                    pair.skipped = f"no '{pair.tool}': install {PACKAGES[pair.tool]}"
            watch = quiet.Quiet([])
            measure_all(pairs, rounds)
            run([suite.path, "--clean"], scratch)
        except (Failure, OSError, KeyError, ValueError) as failure:
            said = failure if isinstance(failure, Failure) else f"figures cannot be read: {failure!r}"
            print(f"run.py: {said}", file=sys.stderr)
            return 2
        show(pairs, rounds)
        noisy = watch.say()
    judged = {pair.verdict() for pair in pairs if pair.same and pair.skipped is None}
    if judged == {"agrees"}:
        return 0
    return 2 if noisy or not judged else 1 if "**differs**" in judged else 3


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
