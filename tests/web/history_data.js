// SPDX-License-Identifier: MIT
// Makes the data of the dashboard's page as `tare history html` writes them: of each status one, of the same
// benchmark on several machines, without commits, hostile in each of its strings, large, empty, damaged.
"use strict";

// Deterministic: mulberry32.
function generator(seed) {
    let state = seed >>> 0;
    return () => {
        state = (state + 0x6d2b79f5) >>> 0;
        let t = state;
        t = Math.imul(t ^ (t >>> 15), t | 1);
        t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
        return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
    };
}
const hex = (n, digits) => n.toString(16).padStart(digits, "0").slice(-digits);
// As much as C writes of a double.
const rounded = (value, digits = 9) => Number(value.toPrecision(digits));

const DAY = 86400;
const FIRST = Date.UTC(2026, 5, 1, 9, 30) / 1000;

// count commits, a day each; a run for each of them and each machine.
class Maker {
    constructor(commits, {machines = 1, seed = 7, link = true, step = DAY} = {}) {
        this.random = generator(seed);
        const id =
            Array.from({length: commits}, (_, i) => hex(Math.imul(i + 1, 0x9e3779b1) >>> 0, 8).repeat(5));
        this.object = {
            schema: "tare-history-page",
            schema_version: 1,
            tare_version: "0.9.0",
            made: new Date((FIRST + commits * step) * 1000).toISOString(),
            title: "",
            project: "demo",
            rule: {
                margin: 0.01,
                alpha: 0.01,
                window: 50,
                since: null,
                since_ms: null,
                against: null,
                baseline: null,
                branch: null
            },
            commits: {
                id,
                time: id.map((_, i) => FIRST + i * step),
                ordinal: id.map((_, i) => i),
                subject: id.map((_, i) => `parser: change number ${i}`),
                link: id.map((each) => link ? `https://example.org/demo/commit/${each}` : null)
            },
            runs: {count: 0, started: [], commit: [], branch: [], dirty: [], link: [], tool: []},
            machines: Array.from({length: machines}, (_, m) => ({
                fingerprint: hex(0x5eed1234 + m * 0x1111111, 8) + "00",
                parts: {
                    machine: "x86_64",
                    cpu_model: m === 0 ? "AMD EPYC" : `Other CPU ${m}`,
                    kernel: `6.${1 + m}`,
                    governor: "performance"
                }
            })),
            baselines: [],
            series: []
        };
        const {runs} = this.object;
        for (let m = 0; m < machines; m++) {
            for (let i = 0; i < commits; i++) {
                runs.count++;
                runs.started.push((FIRST + i * step + 3600 + m * 60) * 1000);
                runs.commit.push(i);
                runs.branch.push(i % 10 === 9 ? "feature/x" : "main");
                runs.dirty.push(i % 25 === 24 ? 1 : 0);
                runs.link.push(i % 2 === 0 ? `https://ci.example.org/job/${i}` : null);
                runs.tool.push("tare 0.9.0");
            }
        }
        this.commits = commits;
    }

    normal() {
        return Math.sqrt(-2 * Math.log(this.random() || 1e-9)) * Math.cos(2 * Math.PI * this.random());
    }

    // level(i): what point i is about. over: fields that are other than usual.
    add(over = {}, {level = () => 1000, spread = 0.01, from = 0, to = this.commits, machine = 0} = {}) {
        const n = this.object.series.length;
        const points = {
            run: [],
            value: [],
            below: [],
            above: [],
            n: [],
            dropped: [],
            stolen_thousandths: null,
            control_ten_thousandths: []
        };
        for (let i = from; i < to; i++) {
            const value = level(i) * (1 + spread * this.normal()), half = Math.abs(value) * spread;
            points.run.push(machine * this.commits + i);
            points.value.push(rounded(value));
            points.below.push(rounded(half, 3));
            points.above.push(rounded(half, 3));
            points.n.push(30);
            points.dropped.push(i % 7 === 0 ? 2 : 0);
            points.control_ten_thousandths.push(Math.round(20 * this.normal()));
        }
        const count = points.value.length, values = points.value;
        const name = `bench_${n}`;
        this.object.series.push({
            id: hex(Math.imul(n + 1, 0xc2b2ae35) >>> 0, 8) + hex(n, 8),
            title: `parse::${name} median`,
            suite: "parse",
            name,
            arguments: "",
            metric: "median",
            unit: "ns",
            machine,
            harness: "tare 0.9.0",
            settings: "blocks 30",
            better: "lower",
            status: "steady",
            last: count > 0 ? values[count - 1] : null,
            previous: count > 1 ? values[count - 2] : null,
            baseline: null,
            against: null,
            ratio: null,
            level: count > 0 ? values.slice(-20).sort((a, b) => a - b)[Math.min(10, count >> 1)] : null,
            level_from: 0,
            spread,
            autocorrelation: 0.03,
            smallest: 3 * spread,
            advice: null,
            mixed: false,
            budget: null,
            changes: [],
            suspicion: null,
            points,
            ...over
        });
        return this.object.series[n];
    }

    change(at, ratio, over = {}) {
        return {
            at,
            low: at - 1,
            high: at + 1,
            kind: "step",
            weight: "counts",
            direction: ratio > 1 ? "worse" : "better",
            p: 2e-9,
            adjusted: 5e-8,
            before: 1000,
            after: 1000 * ratio,
            shift: 1000 * (ratio - 1),
            shift_low: 900 * (ratio - 1),
            shift_high: 1100 * (ratio - 1),
            ratio,
            ratio_low: ratio - 0.01,
            ratio_high: ratio + 0.01,
            good: at - 1,
            bad: at,
            likely: at,
            ...over
        };
    }
}

// One of each status, and what else there is to see.
function small() {
    const maker = new Maker(60, {machines: 2});
    maker.object.title = "Speed of demo";
    const step = (at, ratio) => ({level: (i) => i < at ? 1000 : 1000 * ratio});
    maker.add({status: "steady"});
    const regressed = maker.add(
        {status: "regressed", ratio: 1.12, changes: [maker.change(45, 1.12)], level_from: 45, mixed: true},
        step(45, 1.12));
    maker.add({
        status: "regressed",
        ratio: 1.31,
        changes: [maker.change(20, 0.9, {weight: "old"}), maker.change(50, 1.31)],
        level_from: 50
    },
        {level: (i) => i < 20 ? 1111
                : i < 50      ? 1000
                              : 1310});
    maker.add({
        status: "over budget",
        suite: "memory",
        title: "memory::arena/size=64 peak_bytes",
        name: "arena",
        arguments: "size=64",
        metric: "peak_bytes",
        unit: "bytes",
        budget: {
            direction: "at_most",
            target: 900000,
            target_text: "900 kB",
            critical: 1000000,
            critical_text: "1 MB",
            judgement: "fail"
        }
    },
        {level: () => 1048576, spread: 0.001});
    maker.add({
        status: "suspected",
        suspicion: {count: 1, level: 1000, shift: 80, ratio: 1.08, p: 0.002, direction: "worse"}
    },
        {level: (i) => i === 59 ? 1080 : 1000});
    maker.add(
        {status: "improved", ratio: 0.8, baseline: 1001, changes: [maker.change(30, 0.8)], level_from: 30},
        step(30, 0.8));
    maker.add({
        status: "changed",
        suite: "memory",
        unit: "count",
        metric: "allocations",
        title: "memory::pool allocations",
        name: "pool",
        better: null,
        ratio: 1.002,
        changes: [maker.change(40, 1.002, {weight: "small", direction: null, kind: "drift"})]
    },
        {level: (i) => i < 40 ? 1000 : 1002, spread: 0});
    maker.add({status: "unstable", advice: "pin it to one processor, and take more rounds"}, {spread: 0.3});
    maker.add({status: "too few"}, {from: 56});
    // The same elsewhere.
    const {id, points, last, previous, level, ...same} = regressed;
    maker.add({
        ...same,
        id: "00000000000000ff",
        machine: 1,
        status: "steady",
        changes: [],
        ratio: null,
        level_from: 0
    },
        {level: () => 1400, machine: 1, from: 10});
    maker.add({
        status: "steady",
        unit: "1/s",
        metric: "rate",
        title: "parse::throughput rate",
        name: "throughput",
        better: "higher"
    },
        {level: () => 2.5e6});
    maker.object.baselines.push({
        name: "default",
        commit: 25,
        set: FIRST * 1000 + 25 * DAY * 1000,
        reason: "release 1.0",
        selection: "*"
    });
    return maker.object;
}

// Without commits, without intervals, without anything that may be missing.
function bare() {
    const maker = new Maker(12, {link: false});
    const {object} = maker;
    object.commits = {id: [], time: null, ordinal: null, subject: null, link: null};
    object.runs = {...object.runs, commit: null, branch: null, dirty: null, link: null};
    object.project = null;
    const unknown = {
        better: null,
        machine: -1,
        settings: "",
        harness: "",
        last: null,
        previous: null,
        level: null,
        level_from: null,
        spread: null,
        autocorrelation: null,
        smallest: null,
        status: "too few"
    };
    const series = maker.add(unknown);
    for (const name of ["below", "above", "n", "dropped", "stolen_thousandths", "control_ten_thousandths"]) {
        series.points[name] = null;
    }
    const empty = maker.add({...unknown, title: "nothing"}, {from: 0, to: 0});
    empty.points = {...series.points, run: [], value: []};
    return object;
}

// Negative, zero, enormous and tiny values; points of one commit measured again and again.
function odd() {
    const maker = new Maker(30);
    maker.add({unit: "ratio", title: "below zero", better: null}, {level: (i) => i - 15, spread: 0});
    maker.add({unit: "ns", title: "wide"}, {level: (i) => 10 ** (i / 3)});
    maker.add({unit: "widgets per fortnight", title: "an unknown unit"});
    maker.add({unit: "share", title: "a share"}, {level: () => 0.42});
    const again = maker.add({title: "again and again"});
    again.points.run = again.points.run.map((_, i) => Math.floor(i / 6));
    const unordered = maker.add({title: "one commit, then another, then the first"});
    unordered.points.run = unordered.points.run.map((_, i) => [3, 9, 3, 20, 1][i % 5]);
    const flat = maker.add({
        title: "flat",
        budget: {
            direction: "at_most",
            target: 1e6,
            target_text: "",
            critical: null,
            critical_text: "",
            judgement: "pass"
        }
    },
        {level: () => 5, spread: 0});
    flat.points.below = flat.points.above = flat.points.value.map(() => 0);
    return maker.object;
}

const MARKUP = "<img src=x onerror=\"window.pwned=1\"><script>window.pwned=1</script>";
const ADDRESSES = [
    "javascript:window.pwned=1", "data:text/html,<script>window.pwned=1</script>", "JaVaScRiPt:window.pwned=1",
    " javascript:window.pwned=1", "file:///etc/passwd", "vbscript:x", "https:javascript:window.pwned=1",
    "//evil.example/", "http://", "https://evil.example/\"onmouseover=\"window.pwned=1"
];
function hostile() {
    const maker = new Maker(24);
    const {object} = maker;
    object.title = `title ${MARKUP}`;
    object.project = MARKUP;
    object.tare_version = MARKUP;
    object.commits.subject = object.commits.subject.map((_, i) => `</script>${MARKUP} \u202e${i}`);
    object.commits.link = object.commits.link.map((_, i) => ADDRESSES[i % ADDRESSES.length]);
    object.commits.id[3] = MARKUP;
    object.runs.branch = object.runs.branch.map((_, i) => i % 2 === 0 ? MARKUP : "=cmd|' /C calc'!A0");
    object.runs.tool = object.runs.tool.map(() => MARKUP);
    object.runs.link = object.runs.link.map((_, i) => ADDRESSES[(i + 3) % ADDRESSES.length]);
    object.machines[0] = {fingerprint: MARKUP, parts: {cpu_model: MARKUP, [MARKUP]: MARKUP, __proto__x: "1"}};
    object.baselines.push({name: MARKUP, commit: 3, set: 0, reason: MARKUP, selection: MARKUP});
    const names = {
        suite: MARKUP,
        name: MARKUP,
        arguments: MARKUP,
        metric: MARKUP,
        unit: MARKUP,
        harness: MARKUP,
        settings: MARKUP
    };
    maker.add({
        ...names,
        title: `=HYPERLINK("${MARKUP}")`,
        advice: MARKUP,
        status: "regressed",
        ratio: 1.2,
        changes: [maker.change(12, 1.2, {weight: MARKUP})],
        budget: {
            direction: MARKUP,
            target: 1100,
            target_text: MARKUP,
            critical: 1200,
            critical_text: MARKUP,
            judgement: MARKUP
        }
    },
        {level: (i) => i < 12 ? 1000 : 1200});
    maker.add({...names, settings: "other", title: "__proto__"});
    maker.add({
        title: "constructor",
        unit: "constructor",
        suite: "__proto__",
        suspicion: {count: 1, level: 1, shift: 1, ratio: 1.1, p: 0.1, direction: MARKUP}
    });
    maker.add({title: "x".repeat(5000)});
    maker.add({title: "\u202egnp.elif\u0000\n\ttab"});
    return object;
}

function large(series = 300, points = 1000) {
    const maker = new Maker(points, {step: 3600 * 6});
    const statuses =
        ["regressed", "over budget", "suspected", "unstable", "improved", "changed", "too few", "steady"];
    for (let s = 0; s < series; s++) {
        const status = s < 40 ? statuses[s % 8] : "steady", ratio = 1 + 0.01 * (s % 23);
        const changes = status === "regressed" ? [maker.change(points - 40, ratio)] : [];
        maker.add({
            status,
            changes,
            ratio: changes.length > 0 ? ratio : null,
            suite: `suite_${s % 12}`,
            title: `suite_${s % 12}::bench_${s} median`
        },
            {level: (i) => (200 + 37 * s) * (changes.length > 0 && i >= points - 40 ? ratio : 1)});
    }
    return maker.object;
}

// As the page holds them.
function scriptOf(object) {
    const text = typeof object === "string" ? object : JSON.stringify(object);
    return `<script type="application/json" id="data">${text.replace(/</g, "\\u003c")}</script>`;
}

module.exports = {
    Maker,
    MARKUP,
    bare,
    generator,
    hostile,
    large,
    odd,
    scriptOf,
    small
};
