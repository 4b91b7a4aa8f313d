// SPDX-License-Identifier: MIT
// The parts of the dashboard that need no browser: texts of figures, CSV, addresses, places of points, links'
// state.
"use strict";
const {test} = require("node:test");
const assert = require("node:assert/strict");
const path = require("node:path");
const {pathToFileURL} = require("node:url");
const {Maker, generator, odd, small} = require("./history_data.js");

const load = (name) => import(pathToFileURL(path.join(__dirname, "../../web", name)).href);

test("values have the digits that their interval leaves, in the unit of their size", async () => {
    const f = await load("history_format.js");
    assert.equal(f.intervalText(1234.5678, 1222.2, 1246.9, "ns"), "1.235 ± 0.012 µs");
    assert.equal(f.intervalText(1234.5678, 1230, 1300, "ns"), "1.235 (1.230 to 1.300) µs");
    assert.equal(f.intervalText(1234.5678, null, NaN, "ns"), "1.235 µs");
    assert.equal(f.intervalText(NaN, 1, 2, "ns"), "–");
    assert.equal(f.intervalText(5, 5, 5, "count"), "5");
    assert.equal(f.valueText(123456, "count"), "123,456");
    assert.equal(f.valueText(1048576, "bytes"), "1.049 MB");
    assert.equal(f.valueText(4000, "bytes"), "4 kB");
    assert.equal(f.valueText(2.5e9, "bytes/s"), "2.500 GB/s");
    assert.equal(f.intervalText(2.5e9, 2.4e9, 2.6e9, "B/s"), "2.50 ± 0.10 GB/s");
    assert.equal(f.valueText(250, "1/s"), "250 /s");
    assert.equal(f.valueText(2.5e6, "1/s"), "2.500 M/s");
    assert.equal(f.valueText(0.0421, "share"), "4.210 %");
    assert.equal(f.valueText(0, "ns"), "0 ns");
    assert.equal(f.valueText(-12.5, "ns"), "-12.50 ns");
    assert.equal(f.valueText(1.5, "ratio"), "1.500");
    assert.equal(f.valueText(3.25, "widgets"), "3.250 widgets");
    assert.equal(f.valueText(2, "constructor"), "2 constructor");
    assert.equal(f.valueText(2.5, "ms"), "2.500 ms");
    for (const unknown of [null, undefined, NaN, Infinity]) {
        assert.equal(f.valueText(unknown, "ns"), "–");
        assert.equal(f.changeText(unknown), "–");
    }
    assert.deepEqual([1.052, 0.9, 1, 3.14159, 1.00001, 1.0042, 123].map(f.changeText),
        ["+5.2 %", "−10.0 %", "0 %", "× 3.14", "± 0.00 %", "+0.42 %", "× 123"]);
    assert.equal(f.againstText(1, 0), "–");
    assert.equal(f.moveText({ratio: 1.0051, before: 1, after: 2}, "ns"), "+0.51 %");
    assert.equal(f.moveText({ratio: NaN, before: 0, after: 5}, "count"), "0 → 5");
    assert.equal(f.moveText({ratio: NaN, before: NaN, after: NaN}, "count"), "–");
    assert.equal(
        f.moveRangeText({ratio: 2, ratio_low: 1.9, ratio_high: 2.1}, "ns"), "+100 % (+90.0 % to +110 %)");
    assert.equal(f.moveRangeText({ratio: 2, ratio_low: NaN, ratio_high: NaN}, "ns"),
        "+100 % (interval unknown: too few points)");
    assert.equal(f.moveRangeText({ratio: NaN, ratio_low: NaN, ratio_high: NaN, before: 0, after: 5}, "count"),
        "0 → 5");
    assert.deepEqual([0.5, 0.02, 2e-9, 0].map(f.chanceText), ["0.50", "0.020", "2e-9", "< 1e-300"]);
});

test("marks of an axis are of one unit and can be told apart", async () => {
    const {axisTexts} = await load("history_format.js");
    assert.deepEqual(axisTexts([980, 1000, 1020], "ns", false), ["0.98 µs", "1 µs", "1.02 µs"]);
    assert.deepEqual(axisTexts([0, 250, 500], "ns", false), ["0 ns", "250 ns", "500 ns"]);
    assert.deepEqual(axisTexts([1000.25, 1000.5, 1000.75], "count", false), ["1000.25", "1000.5", "1000.75"]);
    assert.deepEqual(axisTexts([10, 1e4, 1e9], "ns", true), ["10 ns", "10 µs", "1 s"]);
    assert.deepEqual(axisTexts([null, 1], "", false), ["", "1"]);
    for (const unit of ["ns", "bytes", "", "ratio", "share"]) {
        for (const step of [1e-6, 0.003, 0.25, 7, 1e9]) {
            const marks = axisTexts([1, 2, 3, 4].map((n) => n * step), unit, false);
            assert.equal(new Set(marks).size, 4, `${marks} ${unit}`);
        }
    }
});

test("cells of CSV: quoted, and never a formula", async () => {
    const {csvLine} = await load("history_format.js");
    assert.equal(
        csvLine(["a", "b,c", "d\"e", "f\ng", 1.5, -2, NaN, ""]), "a,\"b,c\",\"d\"\"e\",\"f\ng\",1.5,-2,,\r\n");
    for (const text of ["=1", "+1", "-1", "@x", "\t=1", "\r=1", " =1", "\n@x", "＝1"]) {
        assert.match(csvLine([text]), /^"?'/, JSON.stringify(text));
    }
});

test("addresses that may be pressed are of the web", async () => {
    const {webAddress} = await load("history_format.js");
    for (const bad of ["javascript:alert(1)", " javascript:alert(1)", "java\nscript:x", "data:text/html,x",
             "file:///x", "//x.org/", "https:javascript:x", "x.org", "", "http://", "ftp://x.org",
             "https://a b/"]) {
        assert.equal(webAddress(bad), null, bad);
    }
    assert.equal(webAddress("HTTPS://x.org/a\"b"), "https://x.org/a%22b");
});

test("what is seen as an address, and back", async () => {
    const s = await load("history_state.js");
    const state = s.emptyState();
    assert.equal(s.writeState(state), "");
    Object.assign(state, {
        q: "a&b=c #%",
        suite: "x/y",
        machine: "ff",
        status: "over budget",
        branch: "é",
        sort: "last",
        down: true,
        open: ["1", "2"],
        compare: ["1", ""],
        raw: true,
        time: true,
        log: true
    });
    state.zoom.set("1", ["aa", "bb"]);
    state.off.add("1~2");
    assert.deepEqual(s.readState("#" + s.writeState(state)), state);
    assert.deepEqual(s.readState("#open=1,1,,2&zoom=x,y:z"), {...s.emptyState(), open: ["1", "2"]});
    assert.equal(s.readState("#open=" +
                      "a,b,c,d,".repeat(9999))
                     .open.length,
        4);
    assert.equal(s.readState("#q=" +
                      "x".repeat(1e5))
                     .q.length,
        1000);
});

test("points have places of their own, in order; the same commit is one place", async () => {
    const {readPage} = await load("history_data.js");
    const {layOut} = await load("history_chart.js");
    for (const object of [small(), odd()]) {
        const page = readPage(JSON.stringify(object));
        assert.deepEqual(page.problems, []);
        for (const series of page.series) {
            const lines = page.groups.get(series.group).map((each) => ({series: each}));
            for (const byTime of [false, true]) {
                const {xs, ofX, xOf, order} = layOut(lines, page.runs, byTime);
                assert.ok(xs.every((x, i) => i === 0 || x > xs[i - 1]));
                lines.forEach((line, n) => {
                    assert.equal(order[n].length, line.series.points.count);
                    assert.equal(new Set(xOf[n]).size, line.series.points.count);
                });
                assert.ok(ofX.every(
                    (entries) => new Set(entries.map((entry) => entry.line)).size === entries.length));
            }
            // By commits, the first line is in the order in which it is given: its changes are at places of it.
            const {order} = layOut([{series}], page.runs, false);
            assert.deepEqual(order[0], order[0].map((_, i) => i), series.title);
        }
    }
    // Of two machines, one commit is one place.
    const maker = new Maker(5, {machines: 2});
    maker.add();
    maker.add({settings: "other"}, {machine: 1});
    const page = readPage(JSON.stringify(maker.object));
    const {xs} = layOut(page.series.map((series) => ({series})), page.runs, false);
    assert.deepEqual(xs, [0, 1, 2, 3, 4]);
});

test("columns say the same in each of their forms", async () => {
    const {readPage} = await load("history_data.js");
    const plain = small(), packed = small();
    const deltas = (list) => ({deltas: list.map((each, i) => each - (i > 0 ? list[i - 1] : 0))});
    const steps = (list) => {
        const found = [];
        deltas(list).deltas.forEach((delta) => {
            if (found.length > 0 && found[found.length - 2] === delta) {
                found[found.length - 1]++;
            } else {
                found.push(delta, 1);
            }
        });
        return {steps: found};
    };
    const texts = (list) => {
        const all = [...new Set(list.filter((each) => each !== null))];
        return {texts: all, at: steps(list.map((each) => all.indexOf(each)))};
    };
    Object.assign(packed.runs, {
        started: deltas(plain.runs.started),
        commit: steps(plain.runs.commit),
        dirty: steps(plain.runs.dirty),
        branch: texts(plain.runs.branch),
        link: texts(plain.runs.link),
        tool: texts(plain.runs.tool)
    });
    Object.assign(packed.commits, {
        time: steps(plain.commits.time),
        ordinal: steps(plain.commits.ordinal),
        link: texts(plain.commits.link.map(() => "https://example.org/demo/commit/{commit}"))
    });
    packed.series.forEach(({points}) => {
        for (const name of ["run", "n", "dropped"]) {
            points[name] = points.run.length > 0 ? steps(points[name]) : points[name];
        }
    });
    const [a, b] = [plain, packed].map((object) => readPage(JSON.stringify(object)));
    assert.deepEqual(b.problems, []);
    assert.deepEqual(b.commits, a.commits);
    for (let i = 0; i < a.runs.count; i++) {
        assert.deepEqual(b.runs.of(i), a.runs.of(i));
    }
    b.series.forEach((series, i) => assert.deepEqual(series.points, a.series[i].points));
    // Damaged ones are no columns.
    for (const [column, pattern] of [[{steps: [1, 1e9]}, /entries/], [{steps: [1, -1]}, /entries/],
             [{steps: [1, 3]}, /entries/], [{deltas: [1]}, /entries/], [{}, /entries/], ["x", /entries/]]) {
        const other = small();
        other.runs.started = column;
        assert.throws(() => readPage(JSON.stringify(other)), pattern);
    }
    for (const count of [-1, 1.5, 1e12, null]) {
        const other = small();
        other.runs.count = count;
        assert.throws(() => readPage(JSON.stringify(other)), /'runs' is missing/);
    }
});

test("what differs between two series is named", async () => {
    const {readPage, differences} = await load("history_data.js");
    const page = readPage(JSON.stringify(small()));
    const [a, b] = page.groups.get(page.series[1].group);
    assert.deepEqual(differences(a, b), [["cpu model", "AMD EPYC", "Other CPU 1"], ["kernel", "6.1", "6.2"]]);
});

test("whatever stands in the data, it is read or refused in words", async () => {
    const {readPage, Unreadable} = await load("history_data.js");
    const random = generator(11);
    const pick = (list) => list[Math.floor(random() * list.length)];
    const text = JSON.stringify(small());
    const values = [null, true, -1, 1e300, 0.5, "", "length", "__proto__", [], {}, [[]], {length: 3}, "x".repeat(9)];
    let refused = 0;
    for (let i = 0; i < 400; i++) {
        const object = JSON.parse(text);
        for (let changes = 0; changes < 3; changes++) {
            let at = object;
            for (let depth = 0; depth < 7; depth++) {
                const key = pick(Object.keys(at));
                if (key === undefined) {
                    break;
                }
                if (at[key] === null || typeof at[key] !== "object" || random() < 0.15) {
                    at[key] = pick(values);
                    break;
                }
                at = at[key];
            }
        }
        try {
            const page = readPage(JSON.stringify(object));
            assert.equal(page.series.length + page.problems.length, object.series.length);
        } catch (error) {
            assert.ok(error instanceof Unreadable, error.stack);
            refused++;
        }
    }
    assert.ok(refused > 20 && refused < 390, `${refused} refused`);
});
