# SPDX-License-Identifier: MIT
"""What a try needs of the machine: programs that are run to their end, the lock, and the load."""

import contextlib
import fcntl
import os
import random
import secrets
import signal
import stat
import subprocess
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


class Failure(Exception):
    """A try or a measurement that could not be made, and why."""


def end(child):
    """Ends it, if it runs, in the way that lets it clean up."""
    if child.poll() is None:
        child.terminate()
        try:
            child.wait(timeout=15)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def run(command, timeout_s, environment=None, pass_fds=()):
    """Exit status, standard output and standard error."""
    name = os.path.basename(command[0])
    try:
        child = subprocess.Popen(command, cwd=ROOT, env=environment, text=True, errors="replace", pass_fds=pass_fds,
                                 stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    except OSError as failure:
        raise Failure(f"cannot run '{command[0]}': {failure.strerror}") from None
    try:
        out, complaints = child.communicate(timeout=timeout_s)
    except subprocess.TimeoutExpired:
        raise Failure(f"'{name}' takes more than {timeout_s:.0f} s") from None
    finally:
        end(child)
    return child.returncode, out, complaints


def output_of(command, timeout_s=60):
    status, out, complaints = run(command, timeout_s)
    if status != 0:
        raise Failure(f"'{os.path.basename(command[0])}' failed with exit status {status}: {first_line(complaints)}")
    return out


def first_line(text):
    return next((line.strip() for line in text.splitlines() if line.strip()), "it said nothing")


class Lock:
    """The lock that all measurements on this machine take turns by (record/lock.h), held for one try: what is
    waited for it is not in the try's time. The tare that is called finds TARE_LOCK, and so does not wait for us."""

    def __init__(self):
        folders = (folder for folder in ("/run/lock", "/var/lock", "/tmp") if self.is_for_all(folder))
        self.path = os.environ.get("TARE_LOCK_FILE") or next((os.path.join(one, "tare.lock") for one in folders), None)

    @staticmethod
    def is_for_all(folder):
        with contextlib.suppress(OSError):
            mode = os.stat(folder).st_mode
            return stat.S_ISDIR(mode) and mode & 0o1003 == 0o1003
        return False

    def open(self):
        flags = os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
        for _ in range(100):
            with contextlib.suppress(FileNotFoundError):
                return os.open(self.path, flags)
            before = os.umask(0)
            try:
                return os.open(self.path, flags | os.O_CREAT | os.O_EXCL, 0o666)
            except FileExistsError:
                continue
            finally:
                os.umask(before)
        raise Failure(f"cannot open the lock '{self.path}'")

    @contextlib.contextmanager
    def held(self):
        """Gives the environment for those who are measured, and how long this waited."""
        if self.path is None:
            yield dict(os.environ), 0.0
            return
        start = time.monotonic()
        while True:
            fd = self.open()
            fcntl.flock(fd, fcntl.LOCK_EX)
            there = os.fstat(fd)
            with contextlib.suppress(FileNotFoundError):
                if os.path.samestat(there, os.lstat(self.path)):
                    break
            os.close(fd)
        try:
            if not stat.S_ISREG(there.st_mode) or there.st_nlink > 1 or there.st_size > 4096:
                raise Failure(f"'{self.path}' is no lock: remove it")
            mark = secrets.token_hex(8)
            os.ftruncate(fd, 0)
            os.pwrite(fd, f"{mark} {os.getpid()} bench-verdicts\n".encode(), 0)
            yield {**os.environ, "TARE_LOCK": mark}, time.monotonic() - start
            os.ftruncate(fd, 0)
        finally:
            os.close(fd)


def be_load(seed, cpu):
    """Runs until its parent is gone or ends it."""
    os.sched_setaffinity(0, {cpu})
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = os.getppid()
    phases = random.Random(seed)
    busy = phases.random() < 0.5
    while os.getppid() == parent:
        until = time.monotonic() + phases.uniform(0.5, 2)
        if busy:
            while time.monotonic() < until:
                pass
        else:
            time.sleep(max(0.0, until - time.monotonic()))
        busy = not busy


def load_phases(seed, seconds):
    """How long the load of that seed means to be busy in its first `seconds`."""
    phases = random.Random(seed)
    busy = phases.random() < 0.5
    at = on = 0.0
    while at < seconds:
        length = min(phases.uniform(0.5, 2), seconds - at)
        on += length if busy else 0
        at += length
        busy = not busy
    return on


class Load:
    """A process that keeps one processor busy, on and off: this file, as a program. It runs inside a `with`."""

    def __init__(self, seed, cpu):
        self.seed, self.cpu = seed, cpu

    def __enter__(self):
        self.child = subprocess.Popen([sys.executable, os.path.abspath(__file__), str(self.seed), str(self.cpu)],
                                      stdin=subprocess.DEVNULL)
        self.start, self.start_cpu = time.monotonic(), self.processor_s()
        return self

    def processor_s(self):
        """The processor time that it has had."""
        with open(f"/proc/{self.child.pid}/stat", encoding="utf-8") as file:
            fields = file.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def figures(self):
        if self.child.poll() is not None:
            raise Failure(f"the load ended by itself with exit status {self.child.returncode}")
        seconds = time.monotonic() - self.start
        return {"load_meant": load_phases(self.seed, seconds) / seconds,
                "load_had": (self.processor_s() - self.start_cpu) / seconds, "load_cpu": self.cpu}

    def __exit__(self, *_):
        end(self.child)


if __name__ == "__main__":
    be_load(int(sys.argv[1]), int(sys.argv[2]))
