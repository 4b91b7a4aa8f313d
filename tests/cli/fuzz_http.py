# SPDX-License-Identifier: MIT
"""Requests that nobody should send, thousands of them, to a real tare serve.

    fuzz_http.py PID [BATCH]

PID is a program of our own, the only process that the server looks into: what the requests switch and void is its.
Batch after batch of connections sends what a grammar of requests and of their mistakes makes up. After each batch the
server has to answer, to have let go of what the batch held open, and to have sent nothing but whole events in a stream
that was read meanwhile; in the end it has to end as it should, the program as it was before.

Environment: TARE_FUZZ_SECONDS (8), TARE_SEED (1). A batch is made of the seed and its number alone: what fails says
both, and `fuzz_http.py PID BATCH` sends that one again.
"""
import json
import os
import random
import select
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time

SECONDS = float(os.environ.get("TARE_FUZZ_SECONDS", "8"))
SEED = os.environ.get("TARE_SEED", "1")
PATIENCE_S = 60  # for what has to happen in the end; a busy machine takes its time
BATCH = 40  # connections of one batch, open at the same time
WARM = 6  # batches before memory is compared: by then each buffer has been as large as it gets
MEMORY_MB = 96  # a capture, at most 32 MiB, its document being made, and what malloc keeps
TOKEN = "0123456789abcdefghijklmn"
ROUTES = ["/", "/health", "/metrics", "/api/v1/snapshot", "/api/v1/stream", "/api/v1/result", "/api/v1/capture",
          "/api/v1/switch", "/api/v1/reset"]
POSTS = ROUTES[-3:]
# docs/serve.md, and what libmicrohttpd says by itself. No 500: nothing is wrong with the machine.
STATUSES = {100, 200, 303, 400, 401, 403, 404, 405, 408, 409, 411, 413, 414, 415, 417, 431, 501, 503, 505}


def check(holds, *what):
    if not holds:
        raise AssertionError(" ".join(str(each) for each in what))


def wait_for(what, done):
    end = time.monotonic() + PATIENCE_S
    while not done():
        check(time.monotonic() < end, "waited in vain:", what)
        time.sleep(0.01)


class Server:
    def __init__(self, pid, folder, token):
        self.errors = open(os.path.join(folder, "serve.err"), "w+b")
        arguments = ["tare", "serve", "--listen", "127.0.0.1:0", "--interval", "0.02"]
        self.headers = []
        if token:
            path = os.path.join(folder, "token")
            with open(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600), "w") as out:
                out.write(TOKEN + "\n")
            arguments += ["--token-file", path]
            self.headers = ["Authorization: Bearer " + TOKEN]
        # Freed memory is kept back by the sanitizers, and would look like memory that is never freed.
        environment = dict(os.environ, ASAN_OPTIONS=os.environ.get("ASAN_OPTIONS", "") + ":quarantine_size_mb=8")
        self.process = subprocess.Popen(arguments + [str(pid)], stdout=subprocess.DEVNULL, stderr=self.errors,
                                        env=environment)
        wait_for("the server listens", lambda: self.process.poll() is not None or b"listening on" in self.said())
        line = [line for line in self.said().splitlines() if line.startswith(b"listening on ")]
        check(line, "the server did not start:", self.said())
        self.name = line[0].split()[2].decode()[len("http://"):].rstrip("/")
        self.port = int(self.name.split(":")[1])

    def said(self):
        self.errors.seek(0)
        return self.errors.read()

    def connect(self):
        sock = socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE_S)
        return sock

    def ask(self, method, path, body=None):
        """A request as it should be: the status, and the body."""
        lines = ["%s %s HTTP/1.1" % (method, path), "Host: " + self.name, "Connection: close"] + self.headers
        if body is not None:
            lines += ["Content-Type: application/json", "Content-Length: %d" % len(body), "Origin: http://" + self.name]
        with self.connect() as sock:
            sock.sendall(("\r\n".join(lines) + "\r\n\r\n" + (body or "")).encode())
            text = b""
            while True:
                data = sock.recv(1 << 18)
                if not data:
                    break
                text += data
        head, _, rest = text.partition(b"\r\n\r\n")
        check(head.startswith(b"HTTP/1.1 "), method, path, "was answered", text[:200])
        return int(head.split()[1]), rest

    def files(self):
        return len(os.listdir("/proc/%d/fd" % self.process.pid))

    def memory_mb(self):
        with open("/proc/%d/status" % self.process.pid) as status:
            return next(int(line.split()[1]) for line in status if line.startswith("VmRSS:")) / 1024

    def end(self):
        self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(PATIENCE_S)
        said = self.said()
        check(status == 0, "the server ended with", status, said.decode("utf-8", "replace"))
        for word in (b"Sanitizer", b"runtime error"):
            check(word not in said, said.decode("utf-8", "replace"))


class Stream:
    """Reads events as they come, and finds each whole and in order."""

    def __init__(self, server):
        self.sock = server.connect()
        lines = ["GET /api/v1/stream HTTP/1.1", "Host: " + server.name] + server.headers
        self.sock.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        self.text, self.shape, self.number, self.events, self.head = b"", None, None, 0, False

    def read(self):
        while select.select([self.sock], [], [], 0)[0]:
            data = self.sock.recv(1 << 18)
            check(data, "the stream ended")
            self.text += data
            if not self.head:
                head, found, rest = self.text.partition(b"\r\n\r\n")
                if not found:
                    continue
                check(head.startswith(b"HTTP/1.1 200"), "the stream was answered", head)
                self.text, self.head = rest, True
            *whole, self.text = self.text.split(b"\n\n")
            for block in whole:
                self.event(block)

    def event(self, block):
        lines = [line for line in block.split(b"\n") if line and not line.startswith((b":", b"retry:"))]
        if not lines:
            return
        check(len(lines) == 2 and lines[0].startswith(b"event: ") and lines[1].startswith(b"data: "),
              "an event of", lines)
        name, data = lines[0][7:].decode(), json.loads(lines[1][6:].decode("utf-8"))
        self.events += 1
        if name == "beat":
            check(data == {}, "a beat with", data)
            return
        check(name in ("snapshot", "sample"), "an event", name)
        check(name == "snapshot" or data["shape"] == self.shape, "a sample of a shape that was not said")
        number = data["document"]["number"] if name == "snapshot" else data["number"]
        check(self.number is None or number > self.number or name == "snapshot", "samples in another order")
        self.shape, self.number = data["shape"], number


class Maker:
    """Makes up requests. `ids` are those of instruments that there are."""

    def __init__(self, chance, server, ids):
        self.chance, self.server, self.ids = chance, server, ids

    def one_of(self, *choices):
        return self.chance.choice(choices)

    def rarely(self, share=0.1):
        return self.chance.random() < share

    def noise(self, most):
        return bytes(self.chance.randrange(256) for _ in range(self.chance.randrange(most)))

    def number(self):
        text = self.one_of("0", "1", "-1", "-0", "+1", "007", "1e3", "1e999", "-1e-999", "0x10", "4096", "4097", "65536",
                           "2147483648", "4294967296", "9223372036854775807", "9223372036854775808",
                           "18446744073709551615", "18446744073709551616", "9" * 400, "1." + "0" * 60 + "1", "NaN",
                           "Infinity", "1 2", "", " 5", "5 ", "5,5")
        return text

    def escape(self, path):
        return "".join("%%%02X" % ord(c) if self.rarely(0.2) else c for c in path)

    def target(self):
        path = self.chance.choice(ROUTES)
        if self.rarely(0.15):
            path = self.escape(path)
        if self.rarely():
            path = self.one_of(
                "*", "", "//", "/.", "/..%2f..%2fetc/passwd", path + "/", path + "%00", path + "%", path + "%4",
                path + "%zz", path.upper(), "/" + "a" * self.chance.randrange(40000), path + "#x", "\\" + path,
                "http://" + self.server.name + path, "http://evil.example" + path, "http://" + path, "http://[",
                "HTTP://" + self.server.name, "/%ff%fe%c0%80", "/" + "%25" * 50 + "41")
        if self.rarely(0.25):
            path += "?" + self.one_of(
                "timers=summary", "timers=histogram", "timers", "timers=&timers=", "token=" + TOKEN, "token=",
                "token=%00", "&" * 500, "=", "a=" + "b" * self.chance.randrange(3000), "timers=" + self.number(),
                "%zz=%", "?" * 20, ";".join("x=%d" % n for n in range(200)))
        return path.encode()

    def body(self):
        """What a POST says; sometimes as it should."""
        instrument = self.one_of(
            str(self.chance.choice(self.ids)), '"%s"' % self.chance.choice(self.ids), self.number(),
            '"%s"' % self.number(), '"all"', "null", "[]", "{}", '"\\u0000"', '"' + "1" * 300 + '"')
        enabled = self.one_of("true", "false", "true", "false", "1", '"true"', "null", self.number())
        action = self.one_of('"start"', '"stop"', '"reset"', '"explode"', '""', "null", "7")
        text = self.one_of(
            '{"id":%s,"enabled":%s}' % (instrument, enabled), '{"id":%s}' % instrument, '{"action":%s}' % action,
            '{"id":%s,"id":%s,"enabled":%s}' % (instrument, instrument, enabled))
        if self.rarely(0.15):
            text = self.one_of(
                "[" * 4000, '{"a":' * 600, '{"id":', text[:self.chance.randrange(len(text))], text + text,
                " " * 4096, '{"id":"\\ud800"}', '{"action":"start"' + " " * 4000 + "}", "\ufeff" + text,
                text + "\0", '"' + "x" * self.chance.randrange(6000), "null", '{"action":"st\\u0061rt"}', "x" * 70000)
        data = text.encode("utf-8", "surrogatepass")
        if self.rarely():
            data = self.spoil(data)
        return data

    def spoil(self, data):
        data = bytearray(data)
        for _ in range(self.chance.randrange(1, 5)):
            at = self.chance.randrange(len(data) + 1)
            how = self.chance.randrange(5)
            if how == 0:
                data[at:at + self.chance.randrange(1, 9)] = b""
            elif how == 1:
                data[at:at] = self.noise(9)
            elif how == 2 and at < len(data):
                data[at] ^= 1 << self.chance.randrange(8)
            elif how == 3:
                data[at:at] = data[at:at + self.chance.randrange(1, 200)] * self.chance.randrange(1, 20)
            else:
                data[at:at] = self.one_of(b"\0", b"\r\n", b"\n", b"\r", b":", b" ", b"\t", b"\xff", b"\r\n\r\n", b"%00")
        return bytes(data)

    def chunks(self, body):
        text, at = b"", 0
        while at < len(body):
            size = self.chance.randrange(1, 1 + self.one_of(8, 1000, 100000))
            part = body[at:at + size]
            says = b"%x" % len(part)
            if self.rarely(0.08):
                says = self.one_of(
                    b"", b"-1", b"0", b"fffffffffffffffff", b"ffffffffffffffff", b"7fffffffffffffff", b"x",
                    b"00000000000003", b" 5", b"%X" % (len(part) + 1), b"5" * 300)
            extension = b";name=" + self.noise(20).hex().encode() if self.rarely() else b""
            text += says + extension + b"\r\n" + part + b"\r\n"
            at += size
        if self.rarely(0.15):
            return text  # without an end
        return text + b"0\r\n" + self.one_of(b"", b"X-After: all\r\n", b"Content-Length: 5\r\n") + b"\r\n"

    def header(self):
        n = self.chance.randrange(12)
        if n == 0:
            return b"Content-Length: " + self.number().encode()
        if n == 1:
            return b"Transfer-Encoding: " + self.one_of(
                b"chunked", b"Chunked", b"gzip", b"gzip, chunked", b"chunked, chunked", b"identity", b"")
        if n == 2:
            return b"Expect: " + self.one_of(b"100-continue", b"nothing", b"")
        if n == 3:
            return b"Origin: " + self.one_of(
                b"null", b"http://evil.example", b"http://" + self.server.name.encode(), b"http://", b"")
        if n == 4:
            return b"Accept: " + self.one_of(
                b"application/openmetrics-text", b"application/openmetrics-text;q=0.5,text/plain;q=" +
                self.number().encode(), b"*/*;q=," * 100, b";q=1", b",,,,", b"text/*;q=0.0.0.1")
        if n == 5:
            return b"Cookie: " + self.one_of(
                b"tare_token_%d=" % self.server.port + TOKEN.encode(), b"=;" * 300, self.noise(60), b";;;; ")
        if n == 6:
            return b"Authorization: " + self.one_of(
                b"Bearer " + TOKEN.encode(), b"Bearer", b"bearer   " + TOKEN.encode() + b"  ", b"Basic Og==",
                b"Bearer " + b"x" * 5000)
        if n == 7:
            return b"Host: " + self.one_of(
                self.server.name.encode(), b"", b"[", b"[::1", b"localhost:99999", b"a" * 400, b"evil.example")
        if n == 8:
            return b"Connection: " + self.one_of(b"close", b"keep-alive", b"upgrade", b"close, keep-alive")
        if n == 9:
            return b"Sec-Fetch-Site: " + self.one_of(b"cross-site", b"same-origin", b"none", b"")
        if n == 10:
            return b"X-%d: " % self.chance.randrange(1000) + b"y" * self.chance.randrange(self.one_of(10, 2000, 40000))
        return self.one_of(
            self.noise(30) + b": " + self.noise(30), b" folded", b":", b"Host : x", b"Upgrade: h2c",
            b"Range: bytes=0-0,1-", b"If-None-Match: *", b"Accept-Encoding: gzip", b"\tx", b"X\0Y: z")

    def request(self):
        method = self.one_of(b"GET", b"GET", b"POST", b"POST", b"POST", b"HEAD")
        target, body = self.target(), b""
        lines = [b"Host: " + self.server.name.encode()] + [header.encode() for header in self.server.headers]
        if method == b"POST":
            if not self.rarely():
                target = self.chance.choice(POSTS).encode()
            lines.append(b"Content-Type: application/json")
            if not self.rarely(0.3):
                lines.append(b"Origin: http://" + self.server.name.encode())
            body = self.body()
            if self.rarely(0.25):
                lines.append(b"Transfer-Encoding: chunked")
                body = self.chunks(body)
            else:
                lines.append(b"Content-Length: %d" % (len(body) if not self.rarely() else self.chance.randrange(9000)))
        if self.rarely(0.15):
            method = self.one_of(
                b"PUT", b"DELETE", b"OPTIONS", b"TRACE", b"CONNECT", b"PATCH", b"get", b"", b"G" * 300, self.noise(12))
        while self.rarely(0.4):
            lines.insert(self.chance.randrange(len(lines) + 1), self.header())
        if self.rarely(0.03):
            lines += [b"X-%d: %d" % (n, n) for n in range(self.one_of(100, 1000, 5000))]
        if self.rarely(0.05):
            del lines[self.chance.randrange(len(lines))]
        version = b"HTTP/1.1"
        if self.rarely(0.08):
            version = self.one_of(b"HTTP/1.0", b"HTTP/2.0", b"HTTP/1.9", b"HTTP/", b"", b"HTTP/1.1 ")
        end = self.one_of(b"\n", b"\r", b"\r\r\n") if self.rarely(0.04) else b"\r\n"
        text = end.join([b" ".join([method, target, version])] + lines) + end + end + body
        return self.spoil(text) if self.rarely(0.12) else text

    def connection(self):
        """What one connection sends, piece by piece, and how it ends."""
        text = b"".join(self.request() for _ in range(self.one_of(1, 1, 1, 2, 5)))
        if self.rarely(0.15):
            text = text[:self.chance.randrange(len(text) + 1)]
        cuts = sorted(self.chance.randrange(len(text) + 1) for _ in range(self.one_of(0, 0, 1, 3)))
        pieces = [text[a:b] for a, b in zip([0] + cuts, cuts + [len(text)])]
        return pieces, self.one_of("read", "read", "read", "shut", "reset", "close", "little")


def look_at_answer(text):
    """What came, as far as it is whole, has to be an answer that is documented."""
    if not text:
        return 0
    head, found, body = text.partition(b"\r\n\r\n")
    words = head.split(None, 2)
    check(text[:7] == b"HTTP/1."[:len(text)], "an answer that is none:", text[:200])
    if not found:
        return 0
    status = int(words[1])
    check(status in STATUSES, "an answer that is not documented:", head, body[:300])
    fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:] if b": " in line)
    size = int(fields.get(b"content-length", b"-1"))
    # Of a HEAD, what comes next is another answer.
    if fields.get(b"content-type") == b"application/json" and 0 < size <= len(body) and not body.startswith(b"HTTP/1."):
        json.loads(body[:size].decode("utf-8"))
    return status


def run_batch(server, stream, maker, counts):
    plans = [maker.connection() for _ in range(BATCH)]
    open_ones = []
    for pieces, way in plans:
        sock = server.connect()
        sock.setblocking(False)
        open_ones.append([sock, pieces, way])
    # A piece of each in turn: they are all under way at the same time.
    for step in range(max(len(pieces) for pieces, _ in plans)):
        for sock, pieces, _ in open_ones:
            if step < len(pieces) and pieces[step]:
                try:
                    sock.send(pieces[step])
                except OSError:
                    pass  # it has been answered and closed, or takes no more: then half of it is what it gets
        stream.read()
    end = time.monotonic() + 0.05
    for sock, _, way in open_ones:
        try:
            if way == "shut":
                sock.shutdown(socket.SHUT_WR)
            if way in ("read", "shut"):
                text = b""
                while select.select([sock], [], [], max(0, end - time.monotonic()))[0]:
                    data = sock.recv(1 << 16)
                    text += data
                    if not data or len(text) > 1 << 18:
                        break
                status = look_at_answer(text)
                counts[status] = counts.get(status, 0) + 1
            elif way == "little" and select.select([sock], [], [], 0)[0]:
                sock.recv(10)
            elif way == "reset":
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        except OSError:
            pass
        sock.close()
    stream.read()


def look_at_server(server, files):
    status, body = server.ask("GET", "/health")
    check(status == 200 and json.loads(body)["status"] == "ok", "/health said", status, body)
    # Those of the last batches may be there yet: the server looks for who has gone once a second.
    check(server.files() - files < 600, "the server has", server.files(), "files open, and had", files)


def instruments(server):
    status, body = server.ask("GET", "/api/v1/snapshot")
    check(status == 200, "the snapshot said", status, body[:300])
    processes = json.loads(body)["processes"]
    check(len(processes) == 1 and processes[0]["alive"], "the program is not what it was")
    return processes[0]["instruments"]


def switched(server):
    return {each["full_name"] if "full_name" in each else (each["name"], str(each.get("labels"))): each["enabled"]
            for each in instruments(server)}


def fuzz(pid, token, until, numbers, counts):
    with tempfile.TemporaryDirectory() as folder:
        server = Server(pid, folder, token)
        try:
            before = switched(server)
            ids = [each["id"] for each in instruments(server)]
            stream = Stream(server)
            wait_for("the first event", lambda: stream.read() or stream.events > 0)
            files, memory, number = server.files(), None, -1
            for number in numbers:
                try:
                    maker = Maker(random.Random("%s/%d" % (SEED, number)), server, ids)
                    run_batch(server, stream, maker, counts)
                    look_at_server(server, files)
                except Exception as error:
                    ended = server.process.poll()
                    said = server.said().decode("utf-8", "replace")
                    raise SystemExit("seed %s, batch %d: %s%s" % (
                        SEED, number, str(error) or repr(error),
                        "" if ended is None else "\nthe server has ended (%d): %s" % (ended, said))) from error
                if number % 4 == 3:  # so that captures do not grow for as long as this runs
                    server.ask("POST", "/api/v1/capture", '{"action":"stop"}')
                    server.ask("POST", "/api/v1/capture", '{"action":"reset"}')
                if number == WARM:
                    memory = server.memory_mb()
                late = time.monotonic() - until  # on a machine that is very busy, until there was one good answer
                if late > PATIENCE_S or (late > 0 and counts.get(200, 0) > 0):
                    break
            grown = server.memory_mb() - memory if memory is not None else 0
            check(grown < MEMORY_MB, "the server has grown by %.0f MB in %d batches" % (grown, number + 1))
            let_go = time.monotonic()
            wait_for("the server lets go of connections", lambda: stream.read() or server.files() <= files)
            print("all connections let go after %.1f s" % (time.monotonic() - let_go))
            events = stream.events
            wait_for("the stream goes on", lambda: stream.read() or stream.events > events)
            stream.sock.close()
        finally:
            if server.process.poll() is None:
                server.end()
        server = Server(pid, folder, False)
        try:
            check(switched(server) == before, "instruments were not put back as they were")
            first = [each["total"]["total"] for each in instruments(server) if each["name"] == "beats"]
            wait_for("the program goes on",
                     lambda: [each["total"]["total"] for each in instruments(server) if each["name"] == "beats"] != first)
        finally:
            server.end()
        return number + 1, grown


def main():
    pid = int(sys.argv[1])
    only = int(sys.argv[2]) if len(sys.argv) > 2 else None
    for token in (False, True):
        counts = {}
        begin = time.monotonic()
        numbers = [only] if only is not None else range(10 ** 9)
        batches, grown = fuzz(pid, token, begin + SECONDS / 2, numbers, counts)
        print("seed %s, %s token: %d connections, answers %s; memory %+.1f MB" %
              (SEED, "with a" if token else "no", batches * BATCH,
               " ".join("%s:%d" % (status or "none", many) for status, many in sorted(counts.items())), grown),
              flush=True)
        check(only is not None or counts.get(200, 0) > 0, "no request was understood: the grammar is wrong")


main()
