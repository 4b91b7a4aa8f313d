// SPDX-License-Identifier: MIT
// The parts of the live page that need no browser: texts of figures, the past, what events say.
"use strict";
const {test} = require("node:test");
const assert = require("node:assert/strict");
const path = require("node:path");
const {pathToFileURL} = require("node:url");
const {Mock} = require("./mock_serve.js");

const load = (name) => import(pathToFileURL(path.join(__dirname, "../../web", name)).href);

test("what is unknown is a dash, and 0 is not", async () => {
    const f = await load("live_format.js");
    for (const show
             of [f.time, f.bytes, f.count, f.number, f.percent, f.rate, f.fps, f.amount, f.keyText, f.age]) {
        for (const unknown of [null, undefined, NaN, Infinity, "x".length === 2]) {
            assert.equal(show(unknown, "ns"), "–", `${show.name}(${unknown})`);
        }
        assert.match(show(0, "ns"), /^0/, show.name);
    }
});

test("times, sizes and counts have units and three digits", async () => {
    const f = await load("live_format.js");
    const cases = [
        [f.time(0.5), "0.500 ns"], [f.time(-3.21), "-3.21 ns"], [f.time(12.34), "12.3 ns"],
        [f.time(999.4), "999 ns"], [f.time(999.6), "1.00 µs"], [f.time(1e3), "1.00 µs"],
        [f.time(1.5e6), "1.50 ms"], [f.time(2.5e9), "2.50 s"], [f.time(119e9), "119 s"],
        [f.time(125e9), "2 min 5 s"], [f.time(7200e9), "2 h"], [f.time(90000e9), "1 d 1 h"],
        [f.bytes(1), "1.00 B"], [f.bytes(1024), "1.00 KiB"], [f.bytes(1023.9), "1.00 KiB"],
        [f.bytes(5 * 2 ** 30), "5.00 GiB"], [f.bytes(-1024), "-1.00 KiB"], [f.count(1234567), "1,234,567"],
        [f.count(12.5e9), "12.5 G"], [f.number(9999), "9999"], [f.number(12345), "12.3 k"],
        [f.percent(0.123), "12.3 %"], [f.percent(0.00012), "0.012 %"], [f.percent(1.5), "150.0 %"],
        [f.fps(59.94), "59.9 fps"], [f.fps(3536499), "3.54 M fps"], [f.amount(13, "1"), "13"],
        [f.rate(1234567), "1.23 M/s"], [f.rate(2048, "bytes"), "2.00 KiB/s"], [f.rate(5e6, "ns"), "5.00 ms/s"],
        [f.rate(12, "draws"), "12.0 draws/s"], [f.amount(1500, "us"), "1.50 ms"],
        [f.amount(0.5, "ratio"), "50.0 %"], [f.amount(3, null), "3"],
        [f.amount(3, "constructor"), "3 constructor"], [f.amount(7, "MiB"), "7.00 MiB"],
        [f.keyText("0xffffffffffffffff"), "0xffffffffffffffff"], [f.keyText(17), "17"], [f.age(1234), "1.2 s"]
    ];
    for (const [is, should] of cases) {
        assert.equal(is, should);
    }
});

test("the past is bounded, and has gaps", async () => {
    const {History, RING, SERIES_MOST} = await load("live_ring.js");
    const history = new History();
    for (let i = 0; i < RING + 100; i++) {
        history.begin(1000 + i);
        history.set("a", i % 10 === 0 ? null : i);
    }
    const times = [], columns = [[], []];
    assert.equal(history.copy(["a", "nobody"], 0, 1e9, times, columns), RING);
    assert.equal(times[0], 1100);
    assert.deepEqual(columns[0].slice(0, 3), [null, 101, 102]);
    assert.ok(columns[1].every((value) => value === null));
    history.begin(99999);
    assert.equal(
        history.copy(["a"], 99990, 1e9, times, columns), 1); // what was not set is not what was there before
    assert.deepEqual(columns[0], [null]);
    assert.equal(history.copy(["a"], 2001, 2010, times, columns), 10);
    assert.equal(history.last(), 99999);
    for (let i = 0; i < SERIES_MOST + 10; i++) {
        history.set("s" + i, 1);
    }
    assert.equal(history.series.size, SERIES_MOST);
    history.set("wanted", 1, true);
    assert.equal(history.series.size, SERIES_MOST + 1);
});

test("samples and document say the same under other names", async () => {
    const {Model} = await load("live_model.js");
    const mock = new Mock();
    mock.poll();
    const model = new Model();
    model.snapshot(JSON.parse(JSON.stringify(mock.snapshot())));
    const figures = () => JSON.stringify(
        model.processes[0].rows.map((row) => [row.full, row.v, row.states, row.keys, row.partMeans]));
    const fromDocument = figures();
    assert.equal(model.sample(JSON.parse(JSON.stringify(mock.sample()))), true);
    assert.equal(figures(), fromDocument);
    const frames = model.processes[0].rows.find((row) => row.kind === "frames");
    assert.equal(frames.v.p99, 4e7); // ms on the wire, ns here
    assert.equal(frames.list.length, 15);
    // Whatever is not known to a later page or server does no harm.
    assert.equal(model.sample({
        shape: mock.shape,
        unix_ms: Date.now(),
        values: [[9999, 1], [0]],
        frames: {"77": []},
        processes: [[1]],
        derived: [[5, [1, 2]]]
    }),
        true);
    assert.equal(model.sample({shape: mock.shape + 1, values: []}), false);
    const strange =
        [{id: 5, kind: "nova", module: "m", name: "n"}, {id: 6, kind: "counter", module: "m", name: "c"}];
    const other = new Model();
    other.snapshot({...mock.snapshot(), document: {processes: [{id: 1, pid: 1, instruments: strange}]}});
    assert.deepEqual(other.processes[0].rows.map((row) => row.full), ["m.n", "m.c"]);
});

test("frames that were counted anew begin a new list", async () => {
    const {Model} = await load("live_model.js");
    const model = new Model();
    const row = {list: []};
    model.addFrames(row, [5, 6, 7].map((number) => ({number, ns: 1, slow: false})));
    model.addFrames(row, [6, 7, 8].map((number) => ({number, ns: 1, slow: false})));
    assert.deepEqual(row.list.map((frame) => frame.number), [5, 6, 7, 8]);
    model.addFrames(row, [0, 1].map((number) => ({number, ns: 1, slow: false})));
    assert.deepEqual(row.list.map((frame) => frame.number), [0, 1]);
    for (let number = 2; number < 5000; number++) {
        model.addFrames(row, [{number, ns: 1, slow: false}]);
    }
    assert.ok(row.list.length <= 600);
});

test("a beat keeps a stream, and silence is by the interval", async (t) => {
    const {Stream} = await load("live_api.js");
    const sources = [], timers = [];
    let now = 0;
    t.mock.method(performance, "now", () => now);
    t.mock.method(globalThis, "setInterval", (act) => timers.push(act));
    t.mock.method(globalThis, "setTimeout", () => 0);
    globalThis.EventSource = class {
        constructor() {
            this.acts = {};
            sources.push(this);
        }
        addEventListener(name, act) {
            this.acts[name] = act;
        }
        close() {
            this.closed = true;
        }
    };
    t.after(() => { delete globalThis.EventSource; });
    const states = [];
    const lost = (seconds) => {
        now += 1000 * seconds;
        timers[0]();
        return sources[0].closed === true;
    };
    new Stream("/", {state: (name) => states.push(name), snapshot: () => true, sample: () => true});
    const say = (name, text) => sources[0].acts[name]({data: text});
    say("snapshot", "{\"interval_ms\":250}");
    assert.equal(lost(15), false);
    say("beat", "{}");
    assert.equal(lost(15), false); // 30 s after the last figures
    say("snapshot", "{\"interval_ms\":60000}");
    assert.equal(lost(170), false);
    assert.equal(lost(20), true);
    assert.deepEqual(states, ["connecting", "open", "lost"]);
});

test("a process is known again by what it is, also by another server", async () => {
    const {Model} = await load("live_model.js");
    const mock = new Mock({processes: 2}), model = new Model();
    const show = (change) => {
        const event = mock.snapshot();
        change(event.document.processes);
        model.snapshot(event);
        return [model.shown.id, model.shown.pid, model.shown.alive];
    };
    model.snapshot(mock.snapshot());
    model.shown = model.processes[0];
    assert.deepEqual(show((all) => all.forEach((each, i) => { each.id = 90 + i; })), ["90", 4711, true]);
    // Its number alone does not make it the same: this one began later.
    const total = model.shown.rows[3].v.total;
    assert.deepEqual(show((all) => { all[0].started = "2026-02-02T00:00:00Z"; }), ["90", 4711, false]);
    assert.equal(model.shown.rows[3].v.total, total);
    assert.equal(model.processes.length, 3);
    model.shown = model.processes[1];
    show(() => {});
    assert.equal(model.processes.length, 2); // nobody looks at it any more
});
