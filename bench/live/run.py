#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""`make bench-live`: what being watched costs the program, and what watching takes, in Markdown.

    bench/live/run.py BUILD [--seconds S]

A program of 1,000 instruments works and prints how long each block of its work took. `tare serve` watches it at 4 Hz
with one reader on its stream, and is stopped and continued (SIGSTOP, SIGCONT) in turns of a second, in the order on off
off on: so the same process is measured with and without, close together and balanced. The first block after each change
is left out. The figure is the median over pairs of turns of (time when watched / time when not) - 1, with an interval of
95 % by the sign test. The processor time of `tare serve` is that of its turns.

Two controls: neighbouring turns that are alike, both watched or both not, which should not differ, and what others took of the
processors meanwhile (bench/quiet.py). Where the first differ by more than the limit in the middle, or others took much, what is
missed says nothing of tare.

A program is no more slower than the limit where the whole interval lies below it, and is slower where all of it lies above. Else
it is not known: more seconds make the interval narrower.

Exits 0 if the figures were reached, 1 if one was missed, 2 where something could not be measured, is not known, or was missed amid
noise.
"""

import os
import re
import signal
import subprocess
import sys
import threading
import time
import urllib.request

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir))
sys.dont_write_bytecode = True
import quiet  # noqa: E402

SLOWER_LIMIT, SERVE_LIMIT = 0.005, 0.02
TURN_S = 1.0


class Failure(Exception):
    """What could not be done, and why."""


def sign_test_interval(values, confidence=0.95):
    """Of the median, by order statistics: the narrowest symmetric pair that covers it with at least `confidence`."""
    values = sorted(values)
    n = len(values)
    below = [1.0]
    for k in range(1, n + 1):
        below.append(below[-1] * (n - k + 1) / k)
    total, tail, rank = 2.0 ** n, 0.0, 0
    while rank < n // 2 and (tail + below[rank]) / total <= (1 - confidence) / 2:
        tail += below[rank]
        rank += 1
    if rank == 0:
        return values[0], values[-1]
    return values[rank - 1], values[n - rank]


def median(values):
    values = sorted(values)
    middle = len(values) // 2
    return values[middle] if len(values) % 2 else (values[middle - 1] + values[middle]) / 2


def verdict(low, high, limit):
    """Of a figure whose interval is from low to high: True: it is within the limit; False: it is not; None: not known."""
    return True if high <= limit else False if low > limit else None


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Program:
    """The watched program, whose lines are collected as they come."""

    def __init__(self, path):
        self.process = subprocess.Popen([path], stdout=subprocess.PIPE, text=True)
        self.blocks = []
        threading.Thread(target=self.collect, daemon=True).start()

    def collect(self):
        for line in self.process.stdout:
            end_ns, took_ns = line.split()
            self.blocks.append((int(end_ns), int(took_ns)))

    def end(self):
        self.process.kill()
        self.process.wait()


class Server:
    """`tare serve`, and a reader on its stream."""

    def __init__(self, tare, pid):
        self.process = subprocess.Popen([tare, "serve", "--listen", "127.0.0.1:0", str(pid)], stderr=subprocess.PIPE,
                                        text=True)
        self.events = 0
        self.url = None
        for line in self.process.stderr:
            found = re.search(r"http://[^ /]+/", line)
            if found:
                self.url = found.group(0)
                break
        if self.url is None:
            raise Failure("'tare serve' did not say where it listens")
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        try:
            with urllib.request.urlopen(self.url + "api/v1/stream", timeout=60) as stream:
                for line in stream:
                    self.events += line.startswith(b"event: sample")
        except OSError:
            pass

    def end(self):
        self.process.send_signal(signal.SIGCONT)
        self.process.terminate()
        self.process.wait()


def turns(program, server, seconds):
    """Alternates, and returns the turns: (watched?, begin ns, end ns, processor seconds of the server)."""
    seen, order = [], [True, False, False, True]
    pid = server.process.pid
    for i in range(max(8, int(seconds / TURN_S) // 4 * 4)):
        watched = order[i % 4]
        os.kill(pid, signal.SIGCONT if watched else signal.SIGSTOP)
        before, begin = cpu_seconds(pid), time.monotonic_ns()
        time.sleep(TURN_S)
        seen.append((watched, begin, time.monotonic_ns(), cpu_seconds(pid) - before))
        if program.process.poll() is not None or server.process.poll() is not None:
            raise Failure("a program ended before its time")
    return seen


def mean_in(blocks, begin, end):
    """Mean time of the blocks that lie in a turn as a whole, less the first."""
    inside = [took for at, took in blocks if at - took >= begin and at <= end][1:]
    return sum(inside) / len(inside) if inside else None


def main():
    arguments = sys.argv[1:]
    seconds = 120.0
    if len(arguments) == 3 and arguments[1] == "--seconds":
        seconds = float(arguments[2])
    elif len(arguments) != 1:
        print(__doc__, file=sys.stderr)
        return 2
    build = arguments[0]
    program = Program(os.path.join(build, "bin", "bench-watched"))
    server = None
    try:
        time.sleep(0.5)
        server = Server(os.path.join(build, "bin", "tare"), program.process.pid)
        time.sleep(2)
        events = server.events
        control = quiet.Quiet([program.process.pid, server.process.pid])
        seen = turns(program, server, seconds)
        others = control.others()
        events = server.events - events
    finally:
        if server is not None:
            server.end()
        program.end()
    ratios = []
    for i in range(0, len(seen) - 1, 2):
        means = {}
        for watched, begin, end, _ in seen[i:i + 2]:
            means[watched] = mean_in(program.blocks, begin, end)
        if means.get(True) and means.get(False):
            ratios.append(means[True] / means[False] - 1)
    if len(ratios) < 4:
        raise Failure("too few blocks of work in each turn")
    alike = []
    for i in range(1, len(seen) - 1, 2):
        first, second = (mean_in(program.blocks, begin, end) for _, begin, end, _ in seen[i:i + 2])
        if first and second:
            alike.append(second / first - 1)
    if len(alike) < 4:
        raise Failure("too few blocks of work in each turn")
    low, high = sign_test_interval(ratios)
    on = [turn for turn in seen if turn[0]]
    on_s = sum((end - begin) / 1e9 for _, begin, end, _ in on)
    share = sum(turn[3] for turn in on) / on_s
    slower = median(ratios)
    print("| what | at most | reached |\n| --- | --- | --- |")
    print(f"| a program of 1,000 instruments is slower while watched at 4 Hz | {SLOWER_LIMIT:.1%} | {slower:+.2%} "
          f"({low:+.2%} to {high:+.2%}; {len(ratios)} pairs of turns) |")
    print(f"| processor time of `tare serve`, one reader on its stream | {SERVE_LIMIT:.0%} | {share:.2%} "
          f"({events / on_s:.1f} events a second) |")
    print(f"| control: a turn to the one before, of the same kind | | {median(alike):+.2%} |")
    print(f"| control: of one processor, what others took | {quiet.OTHERS_MOST:.0%} | {others:.0%} |")
    noisy = others > quiet.OTHERS_MOST or abs(median(alike)) > SLOWER_LIMIT
    reached = verdict(low, high, SLOWER_LIMIT)
    if share > SERVE_LIMIT or events <= on_s:
        reached = False
    print("\n" + {True: "met", False: "NOT MET", None: "not known"}[reached] +
          (": noisy, what is missed says nothing" if noisy else ""))
    return 0 if reached else 1 if reached is False and not noisy else 2


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (Failure, OSError) as failure:
        print(f"bench-live: {failure}", file=sys.stderr)
        sys.exit(2)
