# SPDX-License-Identifier: MIT
"""serve_victoria.py PID [HOW]: pushes what the process counts into a VictoriaMetrics of its own, kills both sides with
SIGKILL again and again, and then asks for every sample: those that the spool had taken are there, each once
and with its count, though the store does not drop what it has already. HOW:

    single   to the node itself
    cluster  to the paths of the cluster alone, one host for what writes and another one for what asks, which
             --push-ask names; proxies in front of the node, which answer 502 while it is away
    blind    the same without --push-ask: what cannot be asked is sent twice, and the store drops it
    agent    through vmagent, which is not killed, and the node is asked: what vmagent had taken and not passed on yet
             when tare serve was killed, the node does not know of, and it is sent twice

Works in the current folder."""
import http.client
import http.server
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request


def free_port():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


PORT, AGENT_PORT = free_port(), free_port()
BASE = "http://127.0.0.1:%d" % PORT
HOW = sys.argv[2] if len(sys.argv) > 2 else "single"


def get(path, **arguments):
    with urllib.request.urlopen(BASE + path + "?" + urllib.parse.urlencode(arguments), timeout=30) as answer:
        return answer.read().decode()


def wait_for(what, check, patience_s=60):
    end = time.monotonic() + patience_s
    while True:
        try:
            found = check()
            if found:
                return found
        except OSError:
            pass
        if time.monotonic() > end:
            raise SystemExit("waited in vain for " + what)
        time.sleep(0.1)


def start_proxy(path, behind):
    """What the cluster serves at this path is what the node serves at the other one. The proxy's address."""
    class Proxy(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            body, status, text = self.rfile.read(int(self.headers["Content-Length"])), 400, b"unsupported path"
            if self.path == path:
                try:
                    with urllib.request.urlopen(urllib.request.Request(BASE + behind, body), timeout=30) as answer:
                        status, text = answer.status, answer.read()
                except urllib.error.HTTPError as answer:
                    status, text = answer.code, b""
                except (OSError, http.client.HTTPException):
                    status, text = 502, b""
            self.send_response(status)
            if status != 204:
                self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            if status != 204:
                self.wfile.write(text)

        def log_message(self, *arguments):
            pass

    class Server(http.server.ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, request, client_address):
            pass  # who was killed hears no answer

    server = Server(("127.0.0.1", 0), Proxy)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return "http://127.0.0.1:%d%s" % (server.server_port, path)


def start_agent():
    process = subprocess.Popen(
        ["vmagent", "-remoteWrite.url=%s/api/v1/write" % BASE, "-remoteWrite.tmpDataPath=agent",
         "-httpListenAddr=127.0.0.1:%d" % AGENT_PORT, "-loggerLevel=ERROR", "-memory.allowedBytes=100MB"],
        stdout=open("agent.err", "a"), stderr=subprocess.STDOUT)
    wait_for("vmagent", lambda: urllib.request.urlopen("http://127.0.0.1:%d/health" % AGENT_PORT).status == 200)
    return process


def start_victoria():
    process = subprocess.Popen(
        ["victoria-metrics", "-storageDataPath=vm", "-httpListenAddr=127.0.0.1:%d" % PORT, "-loggerLevel=ERROR",
         "-retentionPeriod=1y", "-memory.allowedBytes=200MB"] +
        (["-dedup.minScrapeInterval=1ms"] if HOW == "blind" else []),
        stdout=open("victoria.err", "a"), stderr=subprocess.STDOUT)
    wait_for("VictoriaMetrics", lambda: get("/health") == "OK")
    return process


def start_serve():
    with open("serve.err", "w"):
        pass
    process = subprocess.Popen(
        ["tare", "serve", "--listen", "127.0.0.1:0", "--push", import_url, *ask, "--push-dir", "spool",
         "--push-interval", "0.25", sys.argv[1]], stderr=open("serve.err", "a"))
    wait_for("tare serve", lambda: "listening on" in open("serve.err").read())
    return process


def export(match):
    """Without dropping what is there twice, unless the store is to do that."""
    raw = {} if HOW == "blind" else {"reduce_mem_usage": "1"}
    return get("/api/v1/export", **{"match[]": match}, **raw).splitlines()


def samples():
    """time -> values of the counter, as they lie in the store."""
    got = {}
    for line in export("panel_beats_total"):
        row = json.loads(line)
        for value, at in zip(row["values"], row["timestamps"]):
            got.setdefault(at, []).append(value)
    return got


def spooled():
    """time -> value of the counter, of whatever the spool holds now: what was promised, and may not have arrived."""
    values = {}
    for name in os.listdir("spool"):
        if name.endswith(".spool"):
            with open(os.path.join("spool", name), "rb") as file:
                data, at = file.read(), 0
            while len(data) - at >= 32 and data[at:at + 4] == b"TSP1":
                size = int.from_bytes(data[at + 4:at + 8], "little")
                if at + 32 + size > len(data):
                    break
                value = re.search(rb"^panel_beats_total\S* (\d+)", data[at + 32:at + 32 + size], re.M)
                values[int.from_bytes(data[at + 16:at + 24], "little")] = int(value.group(1))
                at += 32 + size
    return values


def held_up():
    """How often it was said that the other side is away."""
    return open("serve.err").read().count("cannot push to")


import_url, ask = BASE + "/api/v1/import/prometheus", []
if HOW in ("cluster", "blind"):
    import_url = start_proxy("/insert/0/prometheus/api/v1/import/prometheus", "/api/v1/import/prometheus")
    if HOW == "cluster":
        ask = ["--push-ask", start_proxy("/select/0/prometheus/api/v1/export", "/api/v1/export")]
elif HOW == "agent":
    import_url = "http://127.0.0.1:%d/api/v1/import/prometheus" % AGENT_PORT
    ask = ["--push-ask", BASE + "/api/v1/export"]

promised, unconfirmed = {}, set()
victoria = start_victoria()
agent = start_agent() if HOW == "agent" else None
serve = start_serve()
try:
    wait_for("samples", lambda: len(samples()) >= 4)
    for kill_serve in (True,) if HOW == "agent" else (False, True) if HOW == "cluster" else (False, True, False):
        promised |= spooled()
        victim = serve if kill_serve else victoria
        said = held_up()
        victim.send_signal(signal.SIGKILL)
        victim.wait()
        if kill_serve:
            promised |= spooled()
            unconfirmed |= set(spooled()) if HOW == "agent" else set()
            serve = start_serve()
        else:
            wait_for("a push that fails", lambda: held_up() > said)
            before = len(spooled())
            wait_for("a backlog", lambda: len(spooled()) >= before + 4)
            promised |= spooled()
            victoria = start_victoria()
        newest = max(promised)
        wait_for("what came after", lambda: sum(at > newest for at in samples()) >= 4)
    promised |= spooled()
    serve.send_signal(signal.SIGTERM)
    assert serve.wait() == 0
    promised |= spooled()
    # The store shows what it took within a second or so, and the last sample not always last.
    wait_for("the last sample", lambda: max(promised) in samples())
    until = time.monotonic() + 60
    while (missing := sorted(set(promised) - set(got := samples()))) and time.monotonic() < until:
        time.sleep(0.1)
    assert not missing, "lost: %s of %d" % (missing, len(promised))
    twice = {at: values for at, values in got.items()
             if len(values) != 1 and not (at in unconfirmed and values == [promised[at]] * 2)}
    assert not twice, "twice: %s" % twice
    wait_for("all series", lambda: len(export('{__name__!=""}')) > 10)
    for line in export('{__name__!=""}'):
        times = [at for at in json.loads(line)["timestamps"] if at not in unconfirmed]
        assert len(times) == len(set(times)), "twice: %s" % line[:200]
    wrong = {at: (got[at], value) for at, value in promised.items() if set(got[at]) != {value}}
    assert not wrong, "other values: %s" % wrong
    blind = [line for line in open("serve.err") if "cannot be asked what has arrived: it answered 400" in line]
    assert len(blind) == (HOW == "blind"), blind
    print("%d samples, each once" % len(got))
finally:
    for process in (victoria, serve, agent):
        if process is not None and process.poll() is None:
            process.kill()
            process.wait()
