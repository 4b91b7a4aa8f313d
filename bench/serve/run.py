#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""`make bench-serve`: the processor time of `tare serve` at 4 Hz, in Markdown.

    bench/serve/run.py BUILD [--seconds S]

A program of 1,000 instruments that all change (bench/live/watched.c) is watched with nobody on the stream, with one
client, and with 200. Processor time is user and system time of the server (/proc/PID/task) in percent of one processor; what
a client reads each second, and the fewest and most samples that one of them got, stand beside it.

What is judged: the processor time with one client, at most 2 %; with 200, at most 10 %; and no client starves: the one
that got the fewest samples got 80 % of the four a second that are due at least, and 80 % of what the luckiest got.

Exits 0 if all of it was reached, 1 if something was missed, 2 where it could not be measured or was missed while others took
much of the processors (bench/quiet.py).
"""
import os
import selectors
import socket
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir))
sys.dont_write_bytecode = True
import quiet  # noqa: E402

CLIENTS = (0, 1, 200)
CPU_MOST = {1: 0.02, 200: 0.1}
SAMPLES_DUE = 4.0  # a second
FAIR = 0.8


def cpu_s(pid):
    """By the scheduler's own account, in ns, not by its ticks."""
    total = 0
    for thread in os.listdir("/proc/%d/task" % pid):
        with open("/proc/%d/task/%s/schedstat" % (pid, thread)) as file:
            total += int(file.read().split()[0])
    return total / 1e9


def connect(port):
    sock = socket.create_connection(("127.0.0.1", port))
    sock.sendall(b"GET /api/v1/stream HTTP/1.1\r\nHost: localhost\r\n\r\n")
    sock.setblocking(False)
    return sock


def read_for(clients, seconds):
    """Bytes and samples of each client in that time."""
    selector = selectors.DefaultSelector()
    got = {sock: [0, 0] for sock in clients}
    for sock in clients:
        selector.register(sock, selectors.EVENT_READ)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        for key, _ in selector.select(max(0.0, min(0.1, end - time.monotonic()))):
            data = key.fileobj.recv(1 << 20)
            if not data:
                sys.exit("bench-serve: a stream ended")
            got[key.fileobj][0] += len(data)
            got[key.fileobj][1] += data.count(b"event: sample\n")
        if not clients:
            time.sleep(max(0.0, end - time.monotonic()))
    selector.close()
    return list(got.values())


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    build, seconds = sys.argv[1], 10.0
    if "--seconds" in sys.argv:
        seconds = float(sys.argv[sys.argv.index("--seconds") + 1])
    program = subprocess.Popen([build + "/bin/bench-watched"], stdout=subprocess.PIPE)
    server = None
    try:
        program.stdout.readline()
        # Nobody reads on: the program waits in write() once the pipe is full, so it is drained meanwhile.
        drain = subprocess.Popen(["cat"], stdin=program.stdout, stdout=subprocess.DEVNULL)
        server = subprocess.Popen([build + "/bin/tare", "serve", "--listen", "127.0.0.1:0", str(program.pid)],
                                  stderr=subprocess.PIPE, text=True)
        line = server.stderr.readline()
        if not line.startswith("listening on "):
            print("bench-serve: " + line, file=sys.stderr)
            return 2
        port = int(line.strip().rstrip("/").rsplit(":", 1)[1])
        print("| clients | % of one processor | KB/s to each | samples/s, fewest | most |")
        print("| --- | --- | --- | --- | --- |")
        said, missed = [], False
        control = quiet.Quiet([program.pid, server.pid, drain.pid])
        for count in CLIENTS:
            clients = [connect(port) for _ in range(count)]
            read_for(clients, 2)
            before, begin = cpu_s(server.pid), time.monotonic()
            got = read_for(clients, seconds)
            took = time.monotonic() - begin
            share = (cpu_s(server.pid) - before) / took
            rates = [samples / took for _, samples in got] or [0.0]
            size = sum(size for size, _ in got) / max(1, count) / took / 1000
            print("| %d | %.2f | %.0f | %.1f | %.1f |" % (count, share * 100, size, min(rates), max(rates)))
            for sock in clients:
                sock.close()
            if count == 0:
                continue
            for what, value, limit, reached in (
                    ("% of one processor, at most", share * 100, CPU_MOST[count] * 100, share <= CPU_MOST[count]),
                    ("samples/s, fewest, at least", min(rates), FAIR * SAMPLES_DUE, min(rates) >= FAIR * SAMPLES_DUE),
                    ("fewest by most, at least", min(rates) / max(max(rates), 1e-9), FAIR,
                     min(rates) >= FAIR * max(rates) > 0)):
                missed |= not reached
                said.append("| %d | %s | %.2f | %.2f | %s |" % (count, what, limit, value, "met" if reached else "NOT MET"))
        print("\n| clients | what | limit | measured | |\n| --- | --- | --- | --- | --- |\n" + "\n".join(said))
        noisy = control.say()
        return 0 if not missed else 2 if noisy else 1
    finally:
        for process in (server, program):
            if process is not None:
                process.kill()
                process.wait()


sys.exit(main())
