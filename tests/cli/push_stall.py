# SPDX-License-Identifier: MIT
"""push_stall.py PID: pushes what the process counts to a store that takes the first batch and never answers. When far
more batches have been read than may wait in memory, tare serve is killed with SIGKILL and started again; the store
then answers byte by byte, late, and at last as it should. Everything that lay on disk is there, each sample once.
Works in the current folder."""
import http.server
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
import urllib.parse

INTERVAL_S = 0.1
lock = threading.Lock()
stalls = threading.Event()
have = {}       # time -> series -> how often
answers = [0]   # of the import, since it answers
waiting = [0]   # requests that were read, and got no answer


def labels_of(line):
    name = re.match(r"[^{ ]+", line).group()
    pairs = re.findall(r'([A-Za-z_0-9]+)="((?:[^"\\]|\\.)*)"', line) if line[len(name)] == "{" else []
    unescaped = {key: re.sub(r"\\(.)", lambda m: "\n" if m.group(1) == "n" else m.group(1), value)
                 for key, value in pairs}
    return json.dumps(dict(unescaped, __name__=name), sort_keys=True)


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        if self.path == "/api/v1/export":
            self.export(urllib.parse.parse_qs(body))
            return
        with lock:
            for line in body.splitlines():
                series = have.setdefault(int(line.rsplit(" ", 1)[1]), {})
                series[labels_of(line)] = series.get(labels_of(line), 0) + 1
        if stalls.is_set():
            waiting[0] += 1
            while stalls.is_set():
                time.sleep(0.01)
            return
        answers[0] += 1
        if 4 <= answers[0] <= 5:
            time.sleep(2)
        answer = b"HTTP/1.1 204 No Content\r\n\r\n"
        for byte in answer if answers[0] <= 3 else []:
            self.wfile.write(bytes([byte]))
            time.sleep(0.02)
        self.wfile.write(answer if answers[0] > 3 else b"")

    def export(self, arguments):
        start, end = (round(float(arguments[key][0]) * 1000) for key in ("start", "end"))
        with lock:
            rows = [json.dumps({"metric": json.loads(series), "values": [1], "timestamps": [at]})
                    for at in have if start <= at <= end for series in have[at]]
        text = "".join(row + "\n" for row in rows).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *arguments):
        pass


class Server(http.server.ThreadingHTTPServer):
    def handle_error(self, request, client_address):
        pass  # who was killed hears no answer


def wait_for(what, check, patience_s=60):
    end = time.monotonic() + patience_s
    while not check():
        if time.monotonic() > end:
            raise SystemExit("waited in vain for " + what)
        time.sleep(0.02)


def start_serve():
    with open("serve.err", "w"):
        pass
    process = subprocess.Popen(
        ["tare", "serve", "--listen", "127.0.0.1:0", "--push", "http://127.0.0.1:%d/api/v1/import/prometheus" %
         server.server_port, "--push-dir", "spool", "--push-interval", str(INTERVAL_S), sys.argv[1]],
        stderr=open("serve.err", "a"))
    wait_for("tare serve", lambda: "listening on" in open("serve.err").read())
    return process


def spooled():
    """The times of the batches that the spool holds."""
    times = set()
    for name in os.listdir("spool") if os.path.isdir("spool") else []:
        if name.endswith(".spool"):
            with open(os.path.join("spool", name), "rb") as file:
                data, at = file.read(), 0
            while len(data) - at >= 32 and data[at:at + 4] == b"TSP1":
                size = int.from_bytes(data[at + 4:at + 8], "little")
                if at + 32 + size > len(data):
                    break
                times.add(int.from_bytes(data[at + 16:at + 24], "little"))
                at += 32 + size
    return times


server = Server(("127.0.0.1", 0), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
stalls.set()
serve = start_serve()
try:
    wait_for("a request", lambda: waiting[0] > 0)
    before = len(spooled())
    wait_for("batches on disk", lambda: len(spooled()) >= before + 40)
    assert answers[0] == 0 and len(have) == 1, "it was not held up: %d requests" % waiting[0]
    serve.send_signal(signal.SIGKILL)
    serve.wait()
    promised = spooled()
    assert len(promised) >= 41 and set(have) <= promised
    stalls.clear()
    serve = start_serve()
    wait_for("what lay on disk", lambda: promised <= set(have))
    newest = max(have)
    wait_for("what came after", lambda: sum(at > newest for at in list(have)) >= 4)
    serve.send_signal(signal.SIGTERM)
    assert serve.wait() == 0
    promised |= spooled()
    assert promised <= set(have), "lost: %s" % sorted(promised - set(have))
    twice = {at for at, series in have.items() if set(series.values()) != {1}}
    assert not twice, "twice: %s" % sorted(twice)
    assert "lost" not in open("serve.err").read(), open("serve.err").read()
    print("%d batches, each once" % len(have))
finally:
    if serve.poll() is None:
        serve.kill()
        serve.wait()
