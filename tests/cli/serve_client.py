# SPDX-License-Identifier: MIT
"""What the tests of tare serve need of a client, over real sockets.

    serve_client.py request METHOD URL [-H 'Name: value']... [-d BODY]    status line, headers, blank line, body
    serve_client.py events URL COUNT        so many events of the stream, as JSON: [{"event":..., "data":...}, ...]
    serve_client.py streams URL N SAMPLES [SECONDS]     N clients at a time, until each has a snapshot and so many samples,
                                            and none less than half of what another one has; fails after so long
    serve_client.py unfair N EVERY          is a server of a stream for N clients: the first gets every sample, the others
                                            every so manyth. Prints its address first
    serve_client.py beat URL                waits for a heartbeat
    serve_client.py slow URL COUNT          asks for /api/v1/result so often, reads nothing of it, and says how many were
                                            refused; /health answers meanwhile
    serve_client.py stuck URL               reads nothing of a stream, until the server has let it go
    serve_client.py drip URL [body]         a request, a byte a second, until the server has had enough; or its body
    serve_client.py raw URL TEXT [TIMES PART]...    sends TEXT, then each PART so many times, all with \\r and the like in
                                            them and HOST for our name; the codes of the answers, and the last body
    serve_client.py full URL [HEADER]       opens streams until there can be no more; then /health and /metrics still answer,
                                            and so does the stream when they have gone
    serve_client.py idle URL COUNT [HEADER] so many connections that say nothing; /health answers all the same, and
                                            how many of them were let go
    serve_client.py gone URL                half a request from clients that are gone with it: let go long before a silent one is;
                                            clients that only say that they will ask no more get all their answers
    serve_client.py during URL              asks for /api/v1/result, until another request was answered and samples of the
                                            stream came while it was being made
    serve_client.py garbage URL COUNT SEED  so many random requests; then the server still answers
    serve_client.py sink FILE CODE...       answers POSTs with these codes in turn, then 204; bodies go to FILE.
                                            Prints its address first
"""
import http.client
import http.server
import json
import random
import selectors
import socket
import sys
import time
from urllib.parse import urlsplit

PATIENCE_S = 60
TOKEN = []  # headers that a request needs


def connect(url):
    parts = urlsplit(url)
    sock = socket.create_connection((parts.hostname, parts.port), timeout=PATIENCE_S)
    return parts, sock


def request(method, url, headers, body):
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=PATIENCE_S)
    path = parts.path + ("?" + parts.query if parts.query else "")
    connection.putrequest(method, path, skip_host=any(h.lower().startswith("host:") for h in headers),
                          skip_accept_encoding=True)
    for header in headers:
        name, value = header.split(":", 1)
        connection.putheader(name, value.strip())
    if body is not None:
        connection.putheader("Content-Length", str(len(body)))
    connection.endheaders(body.encode() if body is not None else None)
    answer = connection.getresponse()
    return answer.status, answer.getheaders(), answer.read().decode("utf-8", "replace")


def metric(url, name):
    for line in request("GET", url + "metrics", [], None)[2].splitlines():
        if line.startswith(name + " "):
            return float(line.split()[1])
    raise SystemExit("no metric '%s'" % name)


class Stream:
    beats = False

    def __init__(self, url, receive_buffer=None):
        parts = urlsplit(url)
        self.sock = socket.socket()
        self.sock.settimeout(PATIENCE_S)
        if receive_buffer:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.sock.connect((parts.hostname, parts.port))
        self.sock.sendall(b"GET /api/v1/stream HTTP/1.1\r\nHost: %s\r\n\r\n" % parts.netloc.encode())
        self.text, self.in_body = b"", False

    def read(self):
        """What came, as events; None: the end."""
        data = self.sock.recv(1 << 18)
        if not data:
            return None
        self.text += data
        if not self.in_body:
            head, found, rest = self.text.partition(b"\r\n\r\n")
            if not found:
                return []
            assert head.startswith(b"HTTP/1.1 200"), head
            assert b"text/event-stream" in head, head
            self.text, self.in_body = rest, True
        *whole, self.text = self.text.split(b"\n\n")
        events = []
        for block in whole:
            lines = dict(line.split(b": ", 1) for line in block.split(b"\n") if line and line[:1] != b":")
            if b"event" in lines and (self.beats or lines[b"event"] != b"beat"):
                events.append((lines[b"event"].decode(), lines[b"data"]))
        return events


def events(url, count):
    stream, got = Stream(url), []
    while len(got) < count:
        more = stream.read()
        assert more is not None, "the stream ended"
        got += [{"event": name, "data": json.loads(data)} for name, data in more]
    print(json.dumps(got[:count]))


def fair(got, samples):
    return min(got) >= samples and min(got) >= 0.5 * max(got)


def streams(url, count, samples, patience_s):
    selector, clients = selectors.DefaultSelector(), []
    for _ in range(count):
        client = Stream(url)
        client.snapshots = client.samples = 0
        client.sock.setblocking(False)
        selector.register(client.sock, selectors.EVENT_READ, client)
        clients.append(client)
    end = time.monotonic() + patience_s
    # There is time enough for all, but not for some at the cost of others, however many they get in the end.
    while not fair([client.samples for client in clients], samples):
        assert time.monotonic() < end, "starved: %s" % sorted(c.samples for c in clients)
        for key, _ in selector.select(1):
            got = key.data.read()
            assert got is not None, "a stream ended"
            for name, data in got:
                if name == "snapshot":
                    key.data.snapshots += 1
                else:
                    assert key.data.snapshots >= 1, "a sample before the snapshot"
                    assert data.startswith(b"{") and data.endswith(b"}"), data[:100]
                    key.data.samples += 1
    print("clients: %d, fewest samples: %d, most: %d" %
          (count, min(c.samples for c in clients), max(c.samples for c in clients)))


def unfair(count, every):
    server = socket.create_server(("127.0.0.1", 0), backlog=count)
    print("http://127.0.0.1:%d/" % server.getsockname()[1], flush=True)
    clients = [server.accept()[0] for _ in range(count)]
    for sock in clients:
        sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\nevent: snapshot\ndata: {}\n\n")
    # By count, not by the clock: as unfair on a machine that is busy.
    number = 0
    while True:
        for n, sock in enumerate(clients):
            if n == 0 or number % every == 0:
                try:
                    sock.sendall(b'event: sample\ndata: {"number":%d}\n\n' % number)
                except OSError:
                    return
        number += 1
        time.sleep(0.005)


def beat(url):
    stream, got = Stream(url), []
    stream.beats = True
    while "beat" not in got:
        more = stream.read()
        assert more is not None, "the stream ended"
        got += [name for name, data in more if json.loads(data) is not None]
    print("%d before" % (len(got) - 1))


def slow(url, count):
    clients, refused = [], 0
    for _ in range(count):
        sock = socket.socket()
        sock.settimeout(PATIENCE_S)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        parts = urlsplit(url)
        sock.connect((parts.hostname, parts.port))
        sock.sendall(b"GET /api/v1/result HTTP/1.1\r\nHost: %s\r\n\r\n" % parts.netloc.encode())
        refused += sock.recv(12) == b"HTTP/1.1 503"
        clients.append(sock)
    assert request("GET", url + "health", [], None)[0] == 200
    print(refused)


def stuck(url):
    client = Stream(url, receive_buffer=4096)
    end = time.monotonic() + 2 * PATIENCE_S
    while metric(url, "tare_serve_streams") < 1:
        time.sleep(0.05)
    while metric(url, "tare_serve_streams") > 0:
        assert time.monotonic() < end, "it is still there"
        time.sleep(0.2)
    client.sock.close()
    print("dropped")


def drip(url, of_body):
    parts, sock = connect(url)
    end = time.monotonic() + 2 * PATIENCE_S
    sock.settimeout(1)
    text = b"GET /health HTTP/1.1\r\nHost: " + parts.netloc.encode() + b"\r\nX-A: "
    if of_body:
        text = (b"POST /api/v1/reset HTTP/1.1\r\nHost: " + parts.netloc.encode() +
                b"\r\nContent-Type: application/json\r\nContent-Length: 4000\r\n\r\n")
    try:
        sock.sendall(text)
        while time.monotonic() < end:
            try:
                if sock.recv(1) == b"":
                    print("dropped")
                    return
            except socket.timeout:
                sock.sendall(b"a")
    except (ConnectionResetError, BrokenPipeError):
        print("dropped")
        return
    raise SystemExit("it waits for ever")


def all_of(sock):
    text = b""
    try:
        while True:
            data = sock.recv(1 << 16)
            if not data:
                break
            text += data
    except ConnectionResetError:
        pass
    return text


def raw(url, words):
    parts, sock = connect(url)

    def bytes_of(word):
        return word.encode().decode("unicode_escape").encode("latin-1").replace(b"HOST", parts.netloc.encode())

    try:
        sock.sendall(bytes_of(words[0]))
        for times, part in zip(words[1::2], words[2::2]):
            for _ in range(int(times)):
                sock.sendall(bytes_of(part))
    except (BrokenPipeError, ConnectionResetError):
        pass
    text, codes = all_of(sock), []
    while text:
        head, _, text = text.partition(b"\r\n\r\n")
        codes.append(head.split(b" ")[1].decode())
        if codes[-1] == "100":
            continue
        sizes = [int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")]
        if codes[-1] == "400":  # the last; libmicrohttpd has some of its own, with the head twice
            body = text
            break
        body, text = text[:sizes[0]], text[sizes[0]:]
    print(*codes, body.decode())


def full(url):
    streams = []
    while True:
        status, headers, text = stream_status(url, streams)
        if status != 200:
            break
    retry = dict((name.lower(), value) for name, value in headers).get("retry-after")
    error = json.loads(text)["error"]
    for path in ("health", "metrics"):
        assert request("GET", url + path, TOKEN, None)[0] == 200, path
    print("%d streams, then %d: %s; try again after %s s" % (len(streams), status, error, retry))
    for sock in streams:
        sock.close()
    end = time.monotonic() + PATIENCE_S
    while stream_status(url, [])[0] != 200:
        assert time.monotonic() < end, "there is no room again"
        time.sleep(0.1)


def stream_status(url, streams):
    """Of one more stream, whose socket is added to the list if it is one."""
    parts, sock = connect(url)
    sock.sendall(b"".join([b"GET /api/v1/stream HTTP/1.1\r\nHost: %s\r\n" % parts.netloc.encode()] +
                          [header.encode() + b"\r\n" for header in TOKEN] + [b"Connection: close\r\n\r\n"]))
    head = b""
    while b"\r\n\r\n" not in head:
        data = sock.recv(4096)
        assert data, "no answer"
        head += data
    head, _, rest = head.partition(b"\r\n\r\n")
    status = int(head.split(b" ")[1])
    if status == 200:
        streams.append(sock)
        return status, [], ""
    text = rest + all_of(sock)
    sock.close()
    headers = [line.decode().split(": ", 1) for line in head.split(b"\r\n")[1:]]
    return status, headers, text.decode()


def idle(url, count):
    held, gone = [], 0
    for n in range(count):
        sock = connect(url)[1]
        sock.sendall(b"GET /health HTTP/1.1\r\n" if n % 2 else b"")
        held.append(sock)
    assert request("GET", url + "health", TOKEN, None)[0] == 200
    for sock in held:
        sock.setblocking(False)
        try:
            gone += sock.recv(1) == b""
        except BlockingIOError:
            pass
        except ConnectionResetError:
            gone += 1
    print("answered; let go: %d" % gone)


def gone(url):
    held = []
    for _ in range(40):
        parts, sock = connect(url)
        sock.sendall(b"GET /health HTTP/1.1\r\nHost: %s\r\n" % parts.netloc.encode())
        sock.shutdown(socket.SHUT_WR)
        held.append(sock)
    parts, asking = connect(url)
    asking.sendall(b"GET /metrics HTTP/1.1\r\nHost: %s\r\n\r\n" % parts.netloc.encode() * 40)
    asking.shutdown(socket.SHUT_WR)
    begin = time.monotonic()
    for sock in held:
        all_of(sock)
    seconds = time.monotonic() - begin
    assert seconds < 12, "they were held for %.1f s" % seconds  # 15 s is what silence gets
    print("let go; answers: %d" % all_of(asking).count(b"HTTP/1.1 200"))


def during(url):
    parts = urlsplit(url)
    stream = Stream(url)
    while not stream.read():
        pass
    end = time.monotonic() + 2 * PATIENCE_S
    while time.monotonic() < end:
        sock = connect(url)[1]
        sock.sendall(b"GET /api/v1/result HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n" % parts.netloc.encode())
        assert request("GET", url + "health", [], None)[0] == 200
        selector, samples, early = selectors.DefaultSelector(), 0, False
        selector.register(sock, selectors.EVENT_READ)
        early = bool(selector.select(0))
        selector.register(stream.sock, selectors.EVENT_READ)
        while not early:
            ready = {key.fileobj for key, _ in selector.select(PATIENCE_S)}
            if sock in ready:
                break
            samples += len([name for name, _ in stream.read() if name == "sample"])
        text = all_of(sock)
        sock.close()
        assert text.startswith(b"HTTP/1.1 200"), text[:300]
        document = json.loads(text.partition(b"\r\n\r\n")[2])
        assert document["kind"] == "capture" and len(document["capture"]["at_ns"]) > 0
        # One may have been on its way when we asked.
        if not early and samples >= 3:
            print("answered, and samples meanwhile")
            return
    raise SystemExit("the server did nothing else meanwhile")


def random_request(chance, netloc):
    def noise(most):
        return bytes(chance.randrange(256) for _ in range(chance.randrange(most)))

    method = chance.choice([b"GET", b"POST", b"HEAD", b"PUT", b"DELETE", b"OPTIONS", b"TRACE", b"", noise(20)])
    path = chance.choice([b"/", b"/metrics", b"/api/v1/switch", b"/api/v1/reset", b"/api/v1/capture", b"/api/v1/snapshot",
                          b"/%00%ff%2e", b"/?token=%ff", b"*", b"//", b"/" + noise(50), b"/" + b"a" * chance.randrange(70000)])
    lines = [method + b" " + path + b" " + chance.choice([b"HTTP/1.1", b"HTTP/1.0", b"HTTP/9.9", b"", noise(9)])]
    if chance.random() < 0.8:
        lines.append(b"Host: " + chance.choice([netloc, b"evil.example", b"[", noise(30)]))
    for _ in range(chance.randrange(5)):
        lines.append(chance.choice([
            b"Content-Length: " + chance.choice([b"5", b"0", b"-1", b"99999999999999999999", b"5000", noise(5)]),
            b"Transfer-Encoding: chunked", b"Content-Type: application/json", b"Origin: http://evil.example",
            b"Cookie: " + noise(60), b"Authorization: Bearer " + noise(40), b"Accept: " + noise(40),
            b"Expect: 100-continue", noise(30) + b": " + noise(30), b"X: " + b"y" * chance.randrange(70000)]))
    body = chance.choice([b"", b"{}", b'{"id":1,"enabled":0}', b'{"id":"all"', b"[" * 3000, b"5\r\nhello\r\n0\r\n\r\n", noise(6000)])
    text = b"\r\n".join(lines) + b"\r\n\r\n" + body
    if chance.random() < 0.3:
        text = text[:chance.randrange(len(text))]
    if chance.random() < 0.2:
        at = chance.randrange(len(text))
        text = text[:at] + noise(8) + text[at + 1:]
    return text


def garbage(url, count, seed):
    chance = random.Random(seed)
    for _ in range(count):
        parts, sock = connect(url)
        try:
            sock.sendall(random_request(chance, parts.netloc.encode()))
            if chance.random() < 0.7:
                sock.shutdown(socket.SHUT_WR)
                sock.settimeout(5)
                sock.recv(65536)
        except OSError:
            pass
        sock.close()
    status, _, body = request("GET", url + "health", [], None)
    assert status == 200 and json.loads(body)["status"] == "ok", (status, body)
    print("alive")


def sink(path, codes):
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            code = codes.pop(0) if codes else 204
            with open(path, "ab") as out:
                auth = self.headers.get("Authorization", "")
                out.write(b"# %d%s\n" % (code, (" " + auth if auth else "").encode()) + body)
            self.send_response(code)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *arguments):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    print("http://127.0.0.1:%d/" % server.server_port, flush=True)
    server.serve_forever()


def main(words):
    what = words[0]
    if what == "request":
        headers, body, rest = [], None, words[3:]
        while rest:
            if rest[0] == "-H":
                headers.append(rest[1])
            else:
                body = rest[1]
            rest = rest[2:]
        status, got, text = request(words[1], words[2], headers, body)
        print(status)
        for name, value in got:
            print("%s: %s" % (name.lower(), value))
        print()
        print(text)
    elif what == "events":
        events(words[1], int(words[2]))
    elif what == "streams":
        streams(words[1], int(words[2]), int(words[3]), float(words[4]) if len(words) > 4 else 2 * PATIENCE_S)
    elif what == "unfair":
        unfair(int(words[1]), int(words[2]))
    elif what == "stuck":
        stuck(words[1])
    elif what == "beat":
        beat(words[1])
    elif what == "slow":
        slow(words[1], int(words[2]))
    elif what == "drip":
        drip(words[1], len(words) > 2)
    elif what == "raw":
        raw(words[1], words[2:])
    elif what == "full":
        TOKEN.extend(words[2:])
        full(words[1])
    elif what == "idle":
        TOKEN.extend(words[3:])
        idle(words[1], int(words[2]))
    elif what == "gone":
        gone(words[1])
    elif what == "during":
        during(words[1])
    elif what == "garbage":
        garbage(words[1], int(words[2]), int(words[3]))
    elif what == "sink":
        sink(words[1], [int(code) for code in words[2:]])
    else:
        raise SystemExit(__doc__)


main(sys.argv[1:])
