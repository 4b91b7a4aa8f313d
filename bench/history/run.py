#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""`make bench-history`: what a store of 1,000,000 points takes, in Markdown.

    bench/history/run.py BUILD [--runs N] [--series N] [--engine sqlite|postgresql|both] [--keep FOLDER]

A store of 1,000 series in 1,000 runs, with 20 values of blocks each, is made through the library
(tare_store_add_all(), bench/history/store.c; which noise is in it stands there). Then results are added and the store is
checked: by the command, as its users do, in a git work tree, and by the library alone, which leaves out the start of the
process, git and the parsing of the result. Beside each figure stands a floor of the same run: plain SQLite that writes the
same figures into a table without any index, an empty `tare history`, reading the file with cat.

What is judged, of SQLite and of PostgreSQL (a server that this starts, where its programs are here):
  adding a result of one series and of 1,000, by the library (opening, adding, closing) and by the command: 20 ms at most,
  in the middle and for 95 of 100
  checking 1,000 series of 1,000 points, by the command: 2 s at most
  the database without raw results: 250 bytes a point at most
With fewer runs or series than that nothing is judged.

Exits 0 if all of it was reached, 1 if something was missed, 2 where it could not be measured or was missed while others
took much of the processors (bench/quiet.py).
"""
import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(HERE, os.pardir))
sys.dont_write_bytecode = True
import quiet  # noqa: E402

ADD_MS, CHECK_MS, BYTES = 20.0, 2000.0, 250.0
SERIES, RUNS, BLOCKS = 1000, 1000, 20
PROJECT = "bench-history"


class Failure(Exception):
    """What could not be done, and why."""


class Skipped(Exception):
    """What this machine has not, and why."""


def quantile(values, share):
    values = sorted(values)
    at = (len(values) - 1) * share
    low = int(at)
    high = min(low + 1, len(values) - 1)
    return values[low] + (values[high] - values[low]) * (at - low)


def run(*command, **options):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False, **options)
    if done.returncode != 0:
        raise Failure("'%s' exits with %d: %s" % (" ".join(command[:4]), done.returncode,
                                                  (done.stderr or done.stdout).strip()[:400]))
    return done.stdout


def figures(text):
    """What bench-history-store says: lists of figures by name."""
    found = {}
    for line in text.splitlines():
        name, value = line.split()
        found.setdefault(name, []).append(float(value))
    return found


def timed(*command, accept=(0,)):
    """Milliseconds from before the process is made to its end, by which its output is thrown away."""
    start = time.monotonic()
    pid = os.posix_spawn(command[0], command, os.environ,
                         file_actions=[(os.POSIX_SPAWN_OPEN, fd, "/dev/null", os.O_WRONLY, 0) for fd in (1, 2)])
    _, status = os.waitpid(pid, 0)
    ms = (time.monotonic() - start) * 1e3
    if os.waitstatus_to_exitcode(status) not in accept:
        raise Failure("'%s' exits with %d" % (" ".join(command[:4]), os.waitstatus_to_exitcode(status)))
    return ms


class Results:
    """Results as `tare bench` writes them: one that was measured here, with other names and figures."""

    def __init__(self, build, folder):
        base = os.path.join(folder, "base.json")
        run(build + "/bin/tare", "bench", "--no-counts", "--no-lock", "--time", "0.1", "-o", base,
            build + "/bin/bench-verdicts-chain-1000")
        with open(base, encoding="utf-8") as file:
            self.base = json.load(file)
        self.folder = folder
        self.made = 0
        self.random = random.Random(1)

    def make(self, series):
        """A new one, later than all before. Returns its path."""
        result = json.loads(json.dumps(self.base))
        model = result["bench"]["benchmarks"][0]
        self.made += 1
        result["started"] = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(1800000000 + 60 * self.made))
        result["bench"]["benchmarks"] = []
        for i in range(series):
            one = json.loads(json.dumps(model))
            arm = one["arms"][0]
            one["bench"] = one["name"] = "step_%04d" % i
            ns = 5 * 200000 ** (i * 0.618034 % 1) * (1.05 if i % 20 == 7 else 1)  # as bench/history/store.c has it
            values = [ns * (1 + 0.01 * self.random.gauss(0, 1)) for _ in range(BLOCKS)]
            arm["values_ns"] = values
            arm["rounds"], arm["dropped"] = list(range(1, BLOCKS + 1)), [False] * BLOCKS
            ordered = sorted(values)
            arm["summary"].update({
                "n": BLOCKS, "median_ns": quantile(values, 0.5), "median_low_ns": ordered[5], "median_high_ns": ordered[14],
                "min_ns": ordered[0], "max_ns": ordered[-1], "p50_ns": quantile(values, 0.5)})
            arm["summary"]["outliers"] = {"low_severe": 0, "low_mild": 0, "normal": BLOCKS, "high_mild": 0,
                                          "high_severe": 0}
            one["contamination"].update({"rounds": BLOCKS, "dropped": 0})
            result["bench"]["benchmarks"].append(one)
        path = os.path.join(self.folder, "result-%04d.json" % self.made)
        with open(path, "w", encoding="utf-8") as file:
            json.dump(result, file)
        return path


class Judge:
    def __init__(self, judges):
        self.judges = judges
        self.missed = False

    def row(self, what, figure, unit, floor=None, floor_what="", limit=None):
        """A line of the table; the floor is what `figure` is divided by."""
        text = "| %s | %s %s |" % (what, self.number(figure), unit)
        text += " %.1f x %s |" % (figure / floor, floor_what) if floor else " |"
        if limit is None:
            text += " |"
        else:
            met = figure <= limit
            text += " %g%s |" % (limit, ": met" if met else ": MISSED" if self.judges else ": not judged")
            self.missed |= self.judges and not met
        print(text, flush=True)

    @staticmethod
    def number(value):
        return "%.0f" % value if value >= 100 else "%.1f" % value if value >= 10 else "%.2f" % value


class Sqlite:
    name = "SQLite"

    def __init__(self, folder):
        self.where = os.path.join(folder, "history.db")

    def bytes(self):
        run("sqlite3", self.where, "PRAGMA wal_checkpoint(TRUNCATE)")
        return sum(os.path.getsize(self.where + end) for end in ("", "-wal", "-journal") if os.path.exists(self.where + end))

    def read_floor_ms(self):
        return min(timed("/bin/cat", self.where) for _ in range(3))

    def pids(self):
        return []

    def stop(self):
        pass


class Postgresql:
    name = "PostgreSQL"

    def __init__(self, folder):
        self.folder = os.path.join(folder, "postgresql")
        done = subprocess.run([os.path.join(ROOT, "tests/cli/postgres.bash"), "start", self.folder], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, check=False)
        if done.returncode == 77:
            raise Skipped("PostgreSQL: %s" % done.stderr.strip())
        if done.returncode != 0:
            raise Failure("the server did not start: %s" % done.stderr.strip())
        self.where = done.stdout.strip()

    def ask(self, sql):
        return run("psql", "-X", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d", self.where, "-c", sql).strip()

    def bytes(self):
        """Tables with their indexes and what is stored outside of them."""
        self.ask("CHECKPOINT")
        return int(self.ask("SELECT sum(pg_total_relation_size(c.oid)) FROM pg_class c JOIN pg_namespace n"
                            " ON n.oid = c.relnamespace WHERE c.relkind = 'r'"
                            " AND n.nspname NOT IN ('pg_catalog', 'information_schema')"))

    def read_floor_ms(self):
        return None

    def pids(self):
        """The server's first process, which waits for those that have served us; its time is none of others."""
        for at, _, files in os.walk(self.folder):
            if "postmaster.pid" in files:
                with open(os.path.join(at, "postmaster.pid"), encoding="utf-8") as file:
                    return [int(file.readline())]
        raise Failure("the server has no postmaster.pid in '%s'" % self.folder)

    def stop(self):
        run(os.path.join(ROOT, "tests/cli/postgres.bash"), "stop", self.folder)


def measure(build, engine, results, series, runs, judge, floors):
    tare, store = build + "/bin/tare", build + "/bin/bench-history-store"
    common = ["--db", engine.where, "--project", PROJECT]
    built = figures(run(store, "build", engine.where, results.make(series), str(runs)))
    points = built["points"][0]
    if built["series"][0] != series:
        raise Failure("the store has %d series, not %d: 'tare history add' makes several of a benchmark"
                      % (built["series"][0], series))
    print("\n### %s: %d series x %d runs, %d points\n" % (engine.name, series, runs, points))
    print("| what | figure | to its floor | at most |\n| --- | ---: | ---: | --- |")
    judge.row("the whole store, %d runs in a transaction" % 20, built["seconds"][0], "s", floors["bulk_s"], "SQLite's own insert")
    judge.row("database without raw results", engine.bytes() / points, "bytes a point", 8.0 * (BLOCKS + 3), "the doubles in it",
              BYTES)

    for count, rounds in ((1, 60), (series, 20)):
        what = "add, a result of %d series" % count
        library = figures(run(store, "add", engine.where, *[results.make(count) for _ in range(rounds)]))
        whole = library["whole_ms"]
        judged = ADD_MS
        judge.row(what + ", the library: p50", quantile(whole, 0.5), "ms", floors["insert_ms"][count], "SQLite's own insert",
                  judged)
        judge.row(what + ", the library: p95", quantile(whole, 0.95), "ms", limit=judged)
        for part, name in (("open", "opening"), ("add", "adding"), ("close", "closing")):
            judge.row(what + ", of that %s: p50" % name, quantile(library[part + "_ms"], 0.5), "ms")
        command = [timed(tare, "history", "add", *common, results.make(count)) for _ in range(rounds)]
        judge.row(what + ", the command: p50", quantile(command, 0.5), "ms", floors["start_ms"], "its start", judged)
        judge.row(what + ", the command: p95", quantile(command, 0.95), "ms", limit=judged)

    library = figures(run(store, "check", engine.where, "3"))
    if library["read_points"][0] < points:
        raise Failure("%d points were read of %d" % (library["read_points"][0], points))
    read_floor = engine.read_floor_ms()
    judge.row("check, the library: reading", quantile(library["read_ms"], 0.5), "ms", read_floor, "cat")
    judge.row("check, the library: judging", quantile(library["check_ms"], 0.5), "ms")
    command = [timed(tare, "history", "check", *common, "--fail-on", "nothing") for _ in range(5)]
    judge.row("check, the command: p50", quantile(command, 0.5), "ms", read_floor, "cat", CHECK_MS)
    judge.row("check, the command: most of 5", max(command), "ms", limit=CHECK_MS)


def measure_floors(build, results, series, runs, folder):
    store = build + "/bin/bench-history-store"
    path = os.path.join(folder, "plain.db")
    bulk = figures(run(store, "bulk", path, results.make(series), str(runs)))
    floors = {"bulk_s": bulk["seconds"][0], "insert_ms": {}}
    for count, rounds in ((1, 60), (series, 20)):
        made = figures(run(store, "insert", path, *[results.make(count) for _ in range(rounds)]))
        floors["insert_ms"][count] = quantile(made["insert_ms"], 0.5)
    os.unlink(path)
    floors["start_ms"] = quantile([timed(build + "/bin/tare", "history", "show", "--db", os.path.join(folder, "none.db"),
                                         accept=(0, 2)) for _ in range(20)], 0.5)
    print("floors: SQLite's own insert of the same figures %.2f s; of one result of 1 and of %d series %.2f and %.2f ms;"
          " 'tare history' with nothing to do %.1f ms"
          % (floors["bulk_s"], series, floors["insert_ms"][1], floors["insert_ms"][series], floors["start_ms"]))
    return floors


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build")
    parser.add_argument("--runs", type=int, default=RUNS)
    parser.add_argument("--series", type=int, default=SERIES)
    parser.add_argument("--engine", choices=("sqlite", "postgresql", "both"), default="both")
    parser.add_argument("--keep", metavar="FOLDER", help="make all in this folder, and leave it")
    options = parser.parse_args()
    if not os.path.exists(options.build + "/bin/bench-history-store"):
        sys.exit("bench-history: no '%s/bin/bench-history-store': built without SQLite?" % options.build)
    build = os.path.abspath(options.build)
    folder = os.path.abspath(options.keep) if options.keep else tempfile.mkdtemp(prefix="tare-bench-history.")
    os.makedirs(folder, exist_ok=True)
    os.chmod(folder, 0o755)  # the server's user comes by
    for name in ("TARE_DB", "TARE_PROJECT", "CI", "GITHUB_ACTIONS", "GITLAB_CI"):
        os.environ.pop(name, None)
    judge = Judge(options.runs >= RUNS and options.series >= SERIES)
    noisy = False
    try:
        os.chdir(folder)
        run("git", "init", "-q", ".")
        run("git", "-c", "user.name=bench", "-c", "user.email=bench", "commit", "-q", "--allow-empty", "-m", "nothing")
        results = Results(build, folder)
        floors = measure_floors(build, results, options.series, options.runs, folder)
        for kind in (Sqlite, Postgresql):
            if options.engine not in ("both", kind.name.lower()):
                continue
            try:
                engine = kind(folder)
            except Skipped as why:
                print("\n%s" % why)
                continue
            watch = quiet.Quiet(engine.pids())
            try:
                measure(build, engine, results, options.series, options.runs, judge, floors)
                noisy |= watch.say()
            finally:
                engine.stop()
    except (Failure, OSError) as failure:
        print("bench-history: %s" % failure, file=sys.stderr)
        return 2
    finally:
        os.chdir("/")
        if not options.keep:
            shutil.rmtree(folder, ignore_errors=True)
    return 0 if not judge.missed else 2 if noisy else 1


if __name__ == "__main__":
    sys.exit(main())
