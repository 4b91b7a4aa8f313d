# SPDX-License-Identifier: MIT
"""Benchmarks in Python, as `tare bench` drives them: one job, told in the lines of harness/lines.h.

A case is a call, as source text. It is compiled into a function that makes the call n times, in the loop of least cost that
Python has, and the function is timed as a whole: what is read twice is the clock, not once for each call. What the same
function takes with nothing in its loop is measured in the same process, and subtracted. The collector of reference cycles
(gc) is off while samples are taken, as it would come up in some of them and not in others; what a call allocates is freed by
its reference count as ever.

Set-up happens once for each process. The first call is made and timed before anything else is called of it; then its result
is checked, and a wrong one fails the benchmark instead of being timed.
"""
import fcntl
import gc
import os
import resource
import sys
import time

from itertools import repeat

LINES_VERSION = 1
SAMPLES_MAX = 4096
ITERATIONS_MAX = 1 << 50
GROWTH_MAX = 16  # from one run to the next, while the number of iterations is looked for
SLOW_NS = 1e9  # a first iteration that takes so long is taken at its word
COST_ROUNDS = 11
COST_ITERATIONS = 2048
LOOK_NS = 100_000_000  # samples are told some ten times a second at most, as writing wakes the reader up

RAW = getattr(time, "CLOCK_MONOTONIC_RAW", time.CLOCK_MONOTONIC)
now_of = time.clock_gettime_ns


class Skip(Exception):
    """What cannot be measured here, and is no failure. The text says why, and what to install."""


class Failed(Exception):
    """A result that is not what it has to be."""


class Call:
    """A call to be timed, and what belongs to it.

    text: an expression or statements; names: what it refers to, as local variables of the loop. check(): takes nothing,
    raises Failed where the call does not do what it should; it is called once, behind the first call. bytes, items: of an
    iteration. keep: what has to live as long, as cffi's library, which closes with its last reference.
    """

    def __init__(self, text, names, check=None, bytes=None, items=None, keep=None):
        self.text = text
        self.names = names
        self.check = check
        self.bytes = bytes
        self.items = items
        self.keep = keep


class Case:
    """A benchmark with arguments: a row of the list. make() sets it up and returns its Call, or raises Skip."""

    def __init__(self, bench, args, make):
        self.bench = bench
        self.args = tuple(args)
        self.make = make

    @property
    def name(self):
        return "/".join([self.bench] + [str(arg) for arg in self.args])


LOOP = """\
def run(n_, {parameters}):
    began = now_(RAW_)
    for _ in repeat_(None, n_):
        {text}
    return now_(RAW_) - began
"""


def compile_loop(text, names):
    """A function of n that returns nanoseconds. Names are default values, which makes them local variables."""
    own = {"now_": now_of, "RAW_": RAW, "repeat_": repeat}
    known = dict(names)
    known.update(own)
    source = LOOP.format(parameters=", ".join("%s=%s" % (name, name) for name in known),
                         text="\n        ".join(text.strip().split("\n")))
    exec(compile(source, "<%s>" % text.split("\n")[0], "exec"), known)  # pylint: disable=exec-used
    return known["run"]


def median(values):
    ordered = sorted(values)
    half = len(ordered) // 2
    return ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2


class Costs:
    """What two readings of the clock take (reading), and an iteration of the loop without work (loop); ns."""

    def __init__(self, names):
        empty = compile_loop("pass", names)
        single, many = [], []
        for _ in range(COST_ROUNDS):
            single.append(empty(1))
            many.append(empty(COST_ITERATIONS))
        one = median(single)
        # The least: it has no way to be faster than it is, and many to be slower.
        self.loop = max(0.0, (min(many) - one) / (COST_ITERATIONS - 1))
        self.reading = max(0.0, one - self.loop)

    def net(self, iterations, ns):
        return ns - self.reading - iterations * self.loop


def waited_ns():
    """What this thread could have run and did not; None where the kernel does not count it."""
    try:
        with open("/proc/thread-self/schedstat", "rb", buffering=0) as file:
            ran, waited = file.read(128).split()[:2]
    except (OSError, ValueError):
        return None
    return int(waited) if int(ran) != 0 else None


def processor():
    """Which one this thread last ran on; None where that is not told."""
    try:
        with open("/proc/thread-self/stat", "rb", buffering=0) as file:
            return int(file.read(1024).rsplit(b")", 1)[1].split()[36])
    except (OSError, ValueError, IndexError):
        return None


class Speech:
    """What is said to the driver, in a few writes. A forked child says nothing."""

    def __init__(self, fd):
        self.fd = fd
        self.pid = os.getpid()
        self.lines = []

    def say(self, line):
        self.lines.append(line)

    def flush(self):
        data = "".join(line + "\n" for line in self.lines).encode("ascii", "replace")
        self.lines = []
        while data and os.getpid() == self.pid:
            try:
                data = data[os.write(self.fd, data):]
            except OSError:
                break  # who asked has gone

    def failed(self, why):
        text = " ".join(str(why).split())
        self.say("failed " + "".join(c if " " <= c <= "~" else "?" for c in text)[:1000])
        self.flush()


def scale(run, costs, sample_ns):
    """The number of iterations that takes about sample_ns, by longer and longer runs."""
    iterations = 1
    while True:
        ns = max(run(iterations) - costs.reading, 1)
        wanted = round(iterations * sample_ns / ns)
        if ns >= sample_ns / 2 or iterations >= ITERATIONS_MAX:
            return max(1, min(wanted, ITERATIONS_MAX))
        iterations = min(wanted, iterations * GROWTH_MAX)


class Block:
    """The job `block`."""

    def __init__(self, speech, call, job):
        self.speech = speech
        self.call = call
        self.job = job
        self.run = compile_loop("pass" if job["empty"] else call.text, call.names)
        self.told_ns = now_of(RAW)

    def tell(self, samples):
        for iterations, ns in samples:
            self.speech.say("sample %d %.1f" % (iterations, ns))
        samples.clear()
        self.speech.flush()

    def measure(self):
        first_ns = self.run(1)
        if not self.job["empty"] and self.call.check is not None:
            self.call.check()
        costs = Costs(self.call.names)
        self.speech.say("loop %.4f" % costs.loop)
        self.speech.say("first %.1f" % costs.net(1, first_ns))
        iterations = self.job["iterations"] or 1
        if not self.job["iterations"] and first_ns < SLOW_NS:
            iterations = scale(self.run, costs, self.job["sample_ns"])
        run = self.run
        samples = []
        cpu = processor()
        waited = waited_ns()
        involuntary = resource.getrusage(resource.RUSAGE_SELF).ru_nivcsw
        cpu_ns = time.process_time_ns()
        for _ in range(self.job["samples"]):
            samples.append((iterations, costs.net(iterations, run(iterations))))
            if now_of(RAW) - self.told_ns >= LOOK_NS:
                self.tell(samples)
                self.told_ns = now_of(RAW)
        cpu_ns = time.process_time_ns() - cpu_ns
        involuntary = resource.getrusage(resource.RUSAGE_SELF).ru_nivcsw - involuntary
        now_waited = waited_ns()
        now_cpu = processor()
        self.tell(samples)
        if waited is not None and now_waited is not None:
            self.speech.say("wait %d" % max(0, now_waited - waited))
        if cpu is not None and now_cpu is not None:
            self.speech.say("migrations %d" % (cpu != now_cpu))
        self.speech.say("cpu %d" % cpu_ns)
        self.speech.say("involuntary %d" % involuntary)
        say_kind(self.speech, self.call)


def say_kind(speech, call):
    if call.bytes is not None:
        speech.say("bytes %d" % call.bytes)
    if call.items is not None:
        speech.say("items %d" % call.items)


def do_exact(speech, call, job):
    """Only so many iterations, and nothing else is called, as others count them."""
    run = compile_loop("pass" if job["empty"] else call.text, call.names)
    speech.say("sample %d %.1f" % (job["iterations"], run(job["iterations"])))
    say_kind(speech, call)


def parse_job(text):
    """A dictionary, or None if it is no job."""
    job = {"job": "", "fd": -1, "case": 0, "samples": 1, "sample_ns": 0, "iterations": 0, "empty": 0}
    for word in text.split():
        name, equals, value = word.partition("=")
        if not equals or name not in job:
            return None
        if name == "job":
            job[name] = value
        elif value.isascii() and value.isdigit() and len(value) <= 18:
            job[name] = int(value)
        else:
            return None
    kind = job["job"]
    fine = (0 <= job["fd"] < 1 << 31 and 1 <= job["samples"] <= SAMPLES_MAX and job["iterations"] <= ITERATIONS_MAX and
            (kind == "list" or (kind in ("exact", "count") and job["iterations"] > 0) or
             (kind == "block" and (job["iterations"] > 0 or job["sample_ns"] > 0))))
    return job if fine else None


def do_job(speech, cases, job):
    """The exit code."""
    if job["job"] == "list":
        for number, case in enumerate(cases):
            args = " args=" + ",".join(str(arg) for arg in case.args) if case.args else ""
            speech.say("case %d %s threads=1%s bench=%s line=0" % (number, case.name, args, case.bench))
        return 0
    if job["case"] >= len(cases):
        speech.failed("there is no case of that number")
        return 1
    speech.flush()  # so that whatever happens now, it is known who said it
    try:
        call = cases[job["case"]].make()
        gc.collect()
        gc.disable()
        if job["job"] == "block":
            Block(speech, call, job).measure()
        elif job["job"] == "exact":
            do_exact(speech, call, job)
        # Of `count` there is nothing that could be said: what Python's own objects take would be in it.
    except Skip as reason:
        speech.failed("skipped: %s" % reason)
        return 1
    except Exception as error:  # pylint: disable=broad-except
        speech.failed("%s: %s" % (type(error).__name__, error) if not isinstance(error, Failed) else error)
        return 1
    return 0


def drive(cases):
    """Does the job that TARE_BENCH_DRIVE names. The exit code; None: there is none."""
    text = os.environ.get("TARE_BENCH_DRIVE")
    if text is None:
        return None
    job = parse_job(text)
    try:
        flags = fcntl.fcntl(job["fd"], fcntl.F_GETFD) if job else None
    except OSError:
        flags = None
    if flags is None:
        print("'%s' in TARE_BENCH_DRIVE is no job, or its descriptor is not open: it is for 'tare bench'" % text,
              file=sys.stderr)
        return 2
    del os.environ["TARE_BENCH_DRIVE"]
    fcntl.fcntl(job["fd"], fcntl.F_SETFD, flags | fcntl.FD_CLOEXEC)
    speech = Speech(job["fd"])
    speech.say("tare-bench %d" % LINES_VERSION)
    code = do_job(speech, cases, job)
    if code == 0:
        speech.say("end")
    speech.flush()
    return code
