// SPDX-License-Identifier: MIT
// A server that speaks as `tare serve` does (docs/serve.md), of a program that does not exist: what the live
// page makes of each kind of figure can be tested without waiting for one. By hand: `node mock_serve.js [PORT
// [TIMERS]]`.
"use strict";
const crypto = require("node:crypto");
const fs = require("node:fs");
const http = require("node:http");
const path = require("node:path");

const PAGE = path.join(__dirname, "../../web/dist/live.html");

const COLUMNS = {
    timer: [
        "total.count", "total.net_total_ns", "total.net_avg_ns", "rolling.count", "rolling.per_s",
        "rolling.net_total_ns", "rolling.net_avg_ns", "rolling.net_avg_error_ns", "rolling.net_p50_ns",
        "rolling.net_p95_ns", "rolling.net_p99_ns", "rolling.busy_share"
    ],
    counter: ["total.total", "rolling.total", "rolling.per_s"],
    gauge: ["total.value", "total.peak", "rolling.value"],
    histogram: [
        "total.count", "total.sum", "total.mean", "rolling.count", "rolling.per_s", "rolling.mean",
        "rolling.p50", "rolling.p95", "rolling.p99"
    ],
    state: ["total.changes", "rolling.changes", "states"],
    topk: ["total.total", "total.hits", "rolling.total", "rolling.per_s", "keys"],
    frames: [
        "total.count", "total.frames_dropped", "total.frames_slow", "rolling.count", "rolling.per_s",
        "rolling.frames_dropped", "rolling.avg_fps", "rolling.median_fps", "rolling.low_1_fps",
        "rolling.low_01_fps", "rolling.mean_ms", "rolling.p50_ms", "rolling.p95_ms", "rolling.p99_ms",
        "rolling.cov", "parts", "rolling.frames_slow", "total.recent_frames", "total.avg_fps",
        "total.median_fps", "total.low_1_fps", "total.low_01_fps", "total.mean_ms", "total.p50_ms",
        "total.p95_ms", "total.p99_ms", "total.cov", "total_parts"
    ]
};

// How the document names what a sample has under another name.
const IN_DOCUMENT = {
    timer: {"total.count": "calls", "rolling.count": "calls", "rolling.per_s": "calls_per_s"},
    gauge: {"rolling.value": "change"},
    histogram:
        {"total.sum": "total", "total.mean": "avg", "rolling.mean": "avg", "rolling.per_s": "count_per_s"},
    topk: {"total.total": "weight", "rolling.total": "weight", "rolling.per_s": "weight_per_s"},
    frames: {
        "total.count": "frames",
        "total.frames_dropped": "dropped",
        "total.frames_slow": "slow",
        "rolling.count": "frames",
        "rolling.per_s": "frames_per_s",
        "rolling.frames_dropped": "dropped",
        "rolling.mean_ms": "avg_ns",
        "rolling.p50_ms": "p50_ns",
        "rolling.p95_ms": "p95_ns",
        "rolling.p99_ms": "p99_ns",
        "rolling.frames_slow": "slow",
        "total.mean_ms": "avg_ns",
        "total.p50_ms": "p50_ns",
        "total.p95_ms": "p95_ns",
        "total.p99_ms": "p99_ns"
    }
};

const UNITS = {
    gauge: "bytes",
    counter: "bytes",
    histogram: "ns"
};

// The usual program: one of everything, sets, names that try to be markup, and `timers` timers.
function instruments(timers) {
    const all = [];
    const add = (kind, module, name, more) =>
        all.push({kind, module, name, unit: null, help: null, labels: {}, ...more});
    add("timer", "http", "parse_request", {help: "Reads a request"});
    add("timer", "http", "send", {});
    add("timer", "<img src=x onerror=\"document.title='owned'\">",
        "</script><script>document.title='owned'</script>", {});
    for (let i = all.length; i < timers; i++) {
        add("timer", "many" + i % 10, `step_${String(i).padStart(4, "0")}`, {});
    }
    add("counter", "http", "requests_total", {help: "Requests that were answered"});
    add("counter", "http", "sent_total", {unit: "bytes"});
    add("gauge", "http", "connections", {});
    add("gauge", "http", "nobody_knows", {unit: "bytes"});
    add("histogram", "http", "answer_ns", {unit: "ns"});
    add("state", "worker", "doing", {states: ["idle", "parse", "wait for the disk"]});
    add("frames", "view", "main_view", {parts: ["cpu", "gpu"]});
    add("topk", "vm", "hot_blocks", {unit: "instructions"});
    add("counter", "jit", "compile_ns_total", {unit: "ns"});
    add("counter", "jit", "cache.lookup_hit_total", {});
    add("gauge", "memory", "committed_bytes", {unit: "bytes", labels: {region: "guest_ram"}});
    add("gauge", "gfx", "gpu_timing_enabled", {});
    add("counter", "cpu", "instructions_total", {});
    add("counter", "jit", "cache.eviction_total", {idle: true}); // there, as all of its set, and never used
    add("histogram", "latency", "input_to_present_ns", {unit: "ns"});
    all.forEach((each, i) => {
        each.id = 1000 + i;
        each.enabled = true;
        each.count = 0;
    });
    return all;
}

class Mock {
    constructor(options = {}) {
        this.intervalMs = options.intervalMs || 250;
        this.instruments = instruments(options.timers || 3);
        this.posts = []; // [path, body]
        this.requests = [];
        this.clients = new Set();
        this.refuse = null; // {status, error}: the answer to every POST
        this.silentSwitch = false; // a switch is accepted, and does not happen
        this.shape = 1;
        this.number = 0;
        this.processes = options.processes || 1;
        this.names = options.names || ["server", "other"];
        this.ended = new Set(); // of the processes, from 0 on: it has, and what it said last is there
        this.gone = new Set(); // nothing is there of it any more
        this.measuring = options.measuring ?? 0.03;
        this.columns = options.columns || COLUMNS;
        this.capture = {running: false, samples: 0, dropped: 0};
        this.frame = 0;
        this.headers = [];
        this.tick = 0;
        this.page = fs.readFileSync(PAGE, "utf8");
        const hash = (tag) => {
            const parts = [...this.page.matchAll(new RegExp(`<${tag}[^>]*>(.*?)</${tag}>`, "gs"))];
            return "'sha256-" + crypto.createHash("sha256").update(parts[0][1]).digest("base64") + "'";
        };
        this.policy = `default-src 'none'; script-src ${hash("script")}; style-src ${
                          hash("style")}; connect-src 'self'; ` +
            "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
    }

    start(port = 0) {
        this.server = http.createServer((request, response) => this.answer(request, response));
        return new Promise((resolve) => this.server.listen(port, "127.0.0.1", () => {
            this.port = this.server.address().port;
            this.origin = `http://127.0.0.1:${this.port}`;
            this.timer = setInterval(() => this.poll(), this.intervalMs);
            resolve(this);
        }));
    }

    // Ends every stream; with `entirely` it is not there any more, until start(port).
    cut() {
        this.clients.forEach((client) => client.destroy());
        this.clients.clear();
    }
    stop() {
        clearInterval(this.timer);
        this.cut();
        this.server.closeAllConnections();
        return new Promise((resolve) => this.server.close(resolve));
    }

    answer(request, response) {
        const {pathname} = new URL(request.url, "http://localhost");
        this.requests.push(`${request.method} ${pathname}`);
        const send = (status, body, type = "application/json") => {
            response.writeHead(status, {
                "Content-Type": type,
                "Content-Security-Policy": this.policy,
                "Cache-Control": "no-store",
                "X-Content-Type-Options": "nosniff",
                "Referrer-Policy": "no-referrer"
            });
            response.end(body);
        };
        if (request.method === "POST") {
            let text = "";
            request.on("data", (part) => { text += part; });
            request.on(
                "end", () => this.act(pathname, request.headers["content-type"], JSON.parse(text), send));
        } else if (pathname === "/") {
            send(200, this.page, "text/html; charset=utf-8");
        } else if (pathname === "/api/v1/snapshot") {
            send(200, JSON.stringify(this.document()));
        } else if (pathname === "/api/v1/capture") {
            send(200, JSON.stringify(this.capture));
        } else if (pathname === "/api/v1/result") {
            this.capture.samples > 0
                ? send(200, JSON.stringify({schema: "tare-result", schema_version: 1, capture: this.capture}))
                : send(409, JSON.stringify({error: "nothing is captured"}));
        } else if (pathname === "/api/v1/stream") {
            response.writeHead(200, {"Content-Type": "text/event-stream", "Cache-Control": "no-store"});
            response.write("retry: 1000\n\n");
            this.event(response, "beat", {});
            this.clients.add(response);
            request.on("close", () => this.clients.delete(response));
            this.event(response, "snapshot", this.snapshot());
        } else {
            send(404, JSON.stringify({error: `there is no '${pathname}'`}));
        }
    }

    act(pathname, type, body, send) {
        this.posts.push([pathname, body, type]);
        if (this.refuse !== null) {
            send(this.refuse.status, JSON.stringify({error: this.refuse.error}));
            return;
        }
        if (pathname === "/api/v1/switch") {
            const found = this.instruments.find((each) => String(each.id) === String(body.id));
            if (!this.silentSwitch) {
                found.enabled = body.enabled;
                this.shape++;
            }
        } else if (pathname === "/api/v1/reset") {
            this.instruments.filter((each) => body.id === "all" || String(each.id) === String(body.id))
                .forEach((each) => { each.count = 0; });
        } else if (pathname === "/api/v1/capture") {
            this.capture.running = body.action === "start";
            if (body.action !== "stop") {
                this.capture.samples = 0;
            }
        }
        send(200, "{\"ok\":true}");
    }

    event(client, name, data) {
        client.write(`event: ${name}\ndata: ${typeof data === "string" ? data : JSON.stringify(data)}\n\n`);
    }

    poll() {
        this.tick++;
        this.number++;
        this.capture.samples += this.capture.running ? 1 : 0;
        this.instruments.forEach((each, i) => { each.count += each.enabled && !each.idle ? 100 + i % 7 : 0; });
        this.newFrames = [];
        for (let i = 0; i < 15; i++) {
            const slow = this.frame % 50 === 49;
            this.newFrames.push([this.frame++, slow ? 4e7 : 1.6e7 + 2e6 * Math.sin(this.frame), slow ? 1 : 0]);
        }
        const other = this.sent !== this.shape;
        this.sent = this.shape;
        const text = JSON.stringify(other ? this.snapshot() : this.sample());
        this.clients.forEach((client) => this.event(client, other ? "snapshot" : "sample", text));
    }

    // The figures of an instrument, in the order of its columns.
    figures(each) {
        const wave = 1 + 0.5 * Math.sin(this.tick / 5 + each.id);
        const on = each.enabled && !each.idle && !this.ended.has(0);
        const n = this.instruments.indexOf(each) % 7 + 1;
        switch (each.kind) {
        case "timer":
            return [
                each.count, each.count * 250 * n, 250, on ? 400 : 0, on ? 400 * wave * n : 0, on ? 1e5 : 0,
                on ? 250 * wave : null, on ? 3.1 : null, on ? 200 * wave : null, on ? 800 * wave : null,
                on ? 1500 * wave * n : null, on ? 0.0123 * wave * n : 0,
                ...[2.5, 210, 810, 1510].slice(0, this.columns.timer.length - COLUMNS.timer.length)
            ];
        case "counter":
            return this.ended.has(0) ? [each.count, null, null]
                                     : [each.count, on ? 400 : 0, on ? 1600 * wave : 0];
        case "gauge":
            return each.name === "nobody_knows" || each.name === "gpu_timing_enabled"
                ? [null, null, null]
                : [4096 * 1024 * wave, 7 * 1024 * 1024, -1024];
        case "histogram":
            return [
                each.count, each.count * 1e6, 1e6, 400, 1600, 1e6 * wave, 9e5 * wave, 2e6 * wave, 5e6 * wave,
                // Of servers that send more: p90, p99.9, p5, and those since the start.
                ...[1.5e6 * wave, 9e6 * wave, 5e5 * wave, 5.1e5, 9.1e5, 1.6e6, 2.1e6, 5.1e6, 9.1e6].slice(
                    0, this.columns.histogram.length - COLUMNS.histogram.length)
            ];
        case "state":
            return [each.count, 40, [[1, 6e9, 5e8, 0.5], [0, 3e9, 3e8, 0.3], [1, 1e9, 2e8, 0.2]]];
        case "topk":
            return [
                1e6 + each.count, each.count, 400, 1600,
                [...Array(20).keys()].map(
                    (k) => ["0x" + (0x7f0000 + 16 * k).toString(16), 100000 - 4000 * k + this.tick, k * 100,
                        5000 - k, k === 19 ? null : 40 - k])
            ];
        default:
            return [
                this.frame, 3, Math.floor(this.frame / 50), 60, 60, 0, 58.2, 62.1, 25, 25, 17.2, 16.1, 18, 40,
                0.21, [8e6, null], 1, Math.min(this.frame, 600), 57.5, 61.1, 24, 20, 17.4, 16.2, 18.5, 41, 0.25,
                [7e6, null]
            ];
        }
    }

    sample() {
        return {
            unix_ms: Date.now(),
            number: this.number,
            window_s: 1.0,
            shape: this.shape,
            full: false,
            values: this.gone.has(0) ? [] : this.instruments.map((each, n) => [n, ...this.figures(each)]),
            frames: this.gone.has(0)
                ? {}
                : Object.fromEntries(this.instruments.flatMap(
                      (each, n) => each.kind === "frames" && each.enabled ? [[n, this.newFrames || []]] : [])),
            processes: this.processList().map(
                (p) => this.ended.has(p) ? [10 + p, 0, null, null, 0, null]
                                         : [10 + p, 1, 0.42, 123456789, 4, this.measuring]),
            derived: this.gone.has(0)
                ? []
                : [[0, [0.9, 0.97 + 0.02 * Math.sin(this.tick)], [1234.5, null], [0.5, null]]]
        };
    }

    snapshot() {
        return {
            shape: this.shape,
            interval_ms: this.intervalMs,
            window_ms: 1000,
            columns: this.columns,
            document: this.document()
        };
    }

    processList() {
        return [...Array(this.processes).keys()].filter((p) => !this.gone.has(p));
    }

    document() {
        const derived = [
            {
                name: "jit.cache.hit_rate",
                unit: "ratio",
                help: "hits / (hits + misses)",
                total: 0.9,
                rolling: 0.97
            },
            {name: "cpu.mips", unit: "MIPS", help: "instructions / time", total: 1234.5, rolling: null}, {
                name: "memory.all.committed_share",
                unit: "ratio",
                help: "committed / configured, now",
                of_moment: true,
                total: 0.5,
                rolling: null
            }
        ];
        const lost = {instruments: 0, threads: 2, scopes: 0, dropped_scopes: 0, extras: 0};
        const processes = this.processList().map((p) => ({
            id: 10 + p,
            pid: 4711 + p,
            name: this.names[p],
            executable: "/usr/bin/server",
            command: "server --fast <b>bold</b>",
            started: "2026-01-02T03:04:05.678Z",
            alive: !this.ended.has(p),
            age_s: 100,
            window_s: 1,
            cpu_total_ns: 5e9,
            cpu_share: this.ended.has(p) ? null : 0.42,
            resident_bytes: this.ended.has(p) ? null : 123456789,
            measuring_share: this.ended.has(p) ? null : this.measuring,
            clock: "tsc-ordered",
            threads: 4,
            thread_list: [],
            lost,
            instruments: p === 0 ? this.instruments.map((each) => this.inDocument(each)) : [],
            derived: p === 0 ? derived : []
        }));
        return {
            schema: "tare-live",
            schema_version: 1,
            unix_ms: Date.now(),
            window_s: 1.0,
            number: this.number,
            shape: this.shape,
            denied: 0,
            processes
        };
    }

    inDocument(each) {
        const made = {
            id: each.id,
            kind: each.kind,
            module: each.module,
            name: each.name,
            unit: each.unit,
            labels: each.labels,
            help: each.help,
            full_name: each.module + (each.kind === "timer" ? "::" : ".") + each.name +
                (Object.keys(each.labels).length > 0
                        ? `{${Object.entries(each.labels).map((pair) => pair.join("=")).join(",")}}`
                        : ""),
            file: "server.c",
            line: 12,
            enabled: each.enabled,
            loaded: true,
            total: {known: true},
            rolling: {known: true}
        };
        const values = this.figures(each);
        this.columns[each.kind].forEach((column, i) => {
            const [part, member] = column.split(".");
            if (member !== undefined) {
                const name = (IN_DOCUMENT[each.kind] || {})[column] || member;
                made[part][name] = values[i] !== null && column.endsWith("_ms") && name.endsWith("_ns")
                    ? values[i] * 1e6
                    : values[i];
            }
        });
        if (each.kind === "state") {
            made.total.states = each.states.map(
                (name, i) => ({name, threads: values[2][i][0], time_ns: values[2][i][1], share: null}));
            made.rolling.states = each.states.map(
                (name, i) =>
                    ({name, threads: values[2][i][0], time_ns: values[2][i][2], share: values[2][i][3]}));
        } else if (each.kind === "topk") {
            made.size = 256;
            made.total.keys = values[4].map(
                ([key, weight, error, hits]) => ({key, weight, error, hits, share: weight / 1e6}));
            made.rolling.keys =
                values[4].map(([key, , , , now]) => ({key, weight: now, error: 0, hits: 1, share: 0.1}));
        } else if (each.kind === "frames") {
            Object.assign(
                made, {size: 1024, parts: each.parts, slow_over_ns: 3e7, last: [], last_left_out: 0, slow: []});
            made.rolling.part_avg_ns = values[15];
            made.total.part_avg_ns = values[27];
        }
        return made;
    }
}

module.exports = {
    COLUMNS,
    Mock
};

if (require.main === module) {
    new Mock({timers: Number(process.argv[3]) || 3})
        .start(Number(process.argv[2]) || 0)
        .then((mock) => console.log(mock.origin));
}
