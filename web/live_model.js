// SPDX-License-Identifier: MIT
// What the server's events say, as rows for the page (docs/serve.md has the events, docs/live.schema.json the
// document in them). Figures that a sample does not carry are not taken from the document either: they would
// stand still while the others move.
import {History} from "./live_ring.js";

// For each kind: a figure's name here, and the paths under which it comes, in samples or in the document. Times
// are ns here; a path that ends in _ms is multiplied.
const FIGURES = {
    timer: {
        count: ["total.count", "total.calls"],
        netTotal: ["total.net_total_ns"],
        netAvgTotal: ["total.net_avg_ns"],
        countNow: ["rolling.count", "rolling.calls"],
        rate: ["rolling.per_s", "rolling.calls_per_s"],
        netAvg: ["rolling.net_avg_ns"],
        netAvgError: ["rolling.net_avg_error_ns"],
        p50: ["rolling.net_p50_ns"],
        p95: ["rolling.net_p95_ns"],
        p99: ["rolling.net_p99_ns"],
        busy: ["rolling.busy_share"],
        p50Total: ["total.net_p50_ns"],
        p99Total: ["total.net_p99_ns"],
        netAvgTotalError: ["total.net_avg_error_ns"]
    },
    counter: {total: ["total.total"], now: ["rolling.total"], rate: ["rolling.per_s"]},
    gauge: {value: ["total.value"], peak: ["total.peak"], change: ["rolling.value", "rolling.change"]},
    histogram: {
        count: ["total.count"],
        mean: ["total.mean", "total.avg"],
        countNow: ["rolling.count"],
        rate: ["rolling.per_s", "rolling.count_per_s"],
        meanNow: ["rolling.mean", "rolling.avg"],
        p05: ["rolling.p05"],
        p50: ["rolling.p50"],
        p90: ["rolling.p90"],
        p95: ["rolling.p95"],
        p99: ["rolling.p99"],
        p999: ["rolling.p999"],
        p05Total: ["total.p05"],
        p50Total: ["total.p50"],
        p90Total: ["total.p90"],
        p95Total: ["total.p95"],
        p99Total: ["total.p99"],
        p999Total: ["total.p999"]
    },
    state: {changes: ["total.changes"], changesNow: ["rolling.changes"]},
    topk: {
        total: ["total.total", "total.weight"],
        hits: ["total.hits"],
        now: ["rolling.total", "rolling.weight"],
        rate: ["rolling.per_s", "rolling.weight_per_s"]
    },
    frames: {
        count: ["total.count", "total.frames"],
        dropped: ["total.frames_dropped", "total.dropped"],
        slow: ["total.frames_slow", "total.slow"],
        countNow: ["rolling.count", "rolling.frames"],
        rate: ["rolling.per_s", "rolling.frames_per_s"],
        droppedNow: ["rolling.frames_dropped", "rolling.dropped"],
        avgFps: ["rolling.avg_fps"],
        medianFps: ["rolling.median_fps"],
        low1Fps: ["rolling.low_1_fps"],
        low01Fps: ["rolling.low_01_fps"],
        mean: ["rolling.mean_ms", "rolling.avg_ns", "rolling.mean_ns"],
        p50: ["rolling.p50_ms", "rolling.p50_ns"],
        p95: ["rolling.p95_ms", "rolling.p95_ns"],
        p99: ["rolling.p99_ms", "rolling.p99_ns"],
        cov: ["rolling.cov"],
        slowNow: ["rolling.frames_slow", "rolling.slow"],
        recent: ["total.recent_frames"], // of which those below are
        avgFpsTotal: ["total.avg_fps"],
        medianFpsTotal: ["total.median_fps"],
        low1FpsTotal: ["total.low_1_fps"],
        low01FpsTotal: ["total.low_01_fps"],
        meanTotal: ["total.mean_ms", "total.avg_ns"],
        p50Total: ["total.p50_ms", "total.p50_ns"],
        p95Total: ["total.p95_ms", "total.p95_ns"],
        p99Total: ["total.p99_ms", "total.p99_ns"],
        covTotal: ["total.cov"]
    }
};
// Of which the past is kept for every instrument, as there may be thousands; of those in a chart, all are.
const PAST = {
    timer: ["rate", "netAvg"],
    counter: ["rate"],
    gauge: ["value"],
    histogram: ["p50", "p99"],
    state: [],
    topk: ["rate"],
    frames: ["rate", "low1Fps"]
};
// Of the ready-made sets (tare/jit.h and so on): a program has all instruments of one, and uses some.
const SETS = new Set(["jit", "gfx", "memory", "cpu", "latency"]);
const FRAMES_MOST = 600; // kept for the chart of frames

function scaleOf(path) {
    return path.endsWith("_ms") ? 1e6 : 1;
}
function figure(value, scale) {
    return typeof value === "number" ? value * scale : NaN;
}
function textOf(value) {
    return typeof value === "string" ? value : "";
}
function listOf(value) {
    return Array.isArray(value) ? value : [];
}
// Once a process has ended, nothing more is said of its window: what was said last stays.
function unlessEnded(now, last, ended) {
    return ended && Number.isNaN(now) && last !== undefined ? last : now;
}

// Whether it never counted anything: not as far as is known, but for sure.
export function neverUsed(row) {
    switch (row.kind) {
    case "gauge":
        return Number.isNaN(row.v.value) && Number.isNaN(row.v.peak);
    case "state":
        return row.v.changes === 0 && row.states.every((state) => state.threads === 0 && state.total === 0);
    case "counter":
    case "topk":
        return row.v.total === 0;
    default:
        return row.v.count === 0;
    }
}

// Of rates (tare/cpu.h) the slow end is the low one.
export function slowIsLow(row) {
    return row.kind === "histogram" && row.module === "cpu";
}

// What a derived figure is now: of the last window, or of this moment, in which case `total` has it.
export function derivedNow(each) {
    return each.ofNow ? each.total : each.rolling;
}

// The one of these that is `other`. Ids are those of a server, which may have begun anew since; yet they come
// first, as there may be two pages of a process that executed itself anew.
function find(processes, other) {
    const started = textOf(other.started), executable = textOf(other.executable);
    const same = processes.filter((each) => each.pid === other.pid && each.started === started &&
            each.executable === executable);
    return same.find((each) => each.id === String(other.id)) || (started === "" ? undefined : same[0]);
}

export class Model {
    constructor() {
        this.history = new History();
        this.processes = [];
        this.byNumber = []; // n of the stream -> row
        this.columns = {};
        this.watchedNames = new Set();
        this.unixMs = NaN;
        this.windowS = NaN;
        this.intervalMs = 250;
        this.denied = 0;
        this.number = null;
        this.shape = null;
        this.shown = null; // the process that is looked at, which stays when the server has no more of it
    }

    snapshot(event) {
        const document = event.document;
        this.intervalMs = event.interval_ms > 0 ? event.interval_ms : 250;
        this.shape = event.shape;
        this.readColumns(event.columns || {});
        const before = this.processes;
        this.byNumber = [];
        this.denied = document.denied || 0;
        this.processes = listOf(document.processes)
                             .map((process) => this.readProcess(process, find(before, process)));
        if (this.shown !== null) {
            const found = find(this.processes, this.shown);
            if (found === undefined) { // it stays, behind the others, which the stream counts
                this.processes.push(Object.assign(this.shown, {alive: false, gone: true}));
                this.shown.rows.forEach((row) => { row.ended = true; });
            } else {
                this.shown = found;
            }
        }
        this.dropPast();
        this.point(document.unix_ms, document.window_s, document.number);
    }

    // False: it is of another shape than what we know, and cannot be understood.
    sample(event) {
        if (event.shape !== this.shape) {
            return false;
        }
        for (const [id, alive, cpu, resident, threads, measuring] of listOf(event.processes)) {
            const process = this.processes.find((each) => each.id === String(id) && !each.gone);
            if (process !== undefined) {
                process.alive = alive === 1 || alive === true;
                process.rows.forEach((row) => { row.ended = !process.alive; });
                process.cpuShare = unlessEnded(figure(cpu, 1), process.cpuShare, !process.alive);
                process.resident = unlessEnded(figure(resident, 1), process.resident, !process.alive);
                process.threads = figure(threads, 1);
                if (measuring !== undefined) {
                    process.measuring = unlessEnded(figure(measuring, 1), process.measuring, !process.alive);
                }
            }
        }
        for (const values of listOf(event.values)) {
            const row = this.byNumber[values[0]];
            if (row !== undefined) {
                this.readValues(row, values);
            }
        }
        for (const [n, frames] of Object.entries(event.frames || {})) {
            const row = this.byNumber[Number(n)];
            if (row !== undefined) {
                this.addFrames(row, frames.map(([number, ns,
                    slow]) => ({number, ns: figure(ns, 1), slow: slow === 1 || slow === true})));
            }
        }
        for (const [p, ...figures] of listOf(event.derived)) {
            const process = this.processes[p];
            if (process !== undefined) {
                figures.forEach(([total, rolling], i) => {
                    const each = process.derived[i];
                    if (each !== undefined) {
                        each.total = unlessEnded(figure(total, 1), each.total, !process.alive);
                        each.rolling = unlessEnded(figure(rolling, 1), each.rolling, !process.alive);
                    }
                });
            }
        }
        this.point(event.unix_ms, event.window_s, event.number);
        return true;
    }

    readColumns(columns) {
        this.columns = {};
        for (const [kind, figures] of Object.entries(FIGURES)) {
            const paths = listOf(columns[kind]);
            const places = [];
            for (const [name, known] of Object.entries(figures)) {
                const at = paths.findIndex((path) => known.includes(path));
                if (at >= 0) {
                    places.push({name, at: at + 1, scale: scaleOf(paths[at]), paths: known});
                }
            }
            const place = (name) => paths.indexOf(name) + 1;
            this.columns[kind] = {places, states: place("states"), keys: place("keys"), parts: place("parts"),
                totalParts: place("total_parts")};
        }
    }

    // `before`: the same process, as it was in the last snapshot; or undefined.
    readProcess(from, before) {
        const lost = from.lost || {}, ended = from.alive === false;
        const last = before === undefined || !ended ? {} : before;
        const process = {
            id: String(from.id),
            pid: from.pid,
            name: textOf(from.name),
            command: textOf(from.command),
            executable: textOf(from.executable),
            started: textOf(from.started),
            alive: !ended,
            cpuShare: unlessEnded(figure(from.cpu_share, 1), last.cpuShare, ended),
            resident: unlessEnded(figure(from.resident_bytes, 1), last.resident, ended),
            measuring: unlessEnded(figure(from.measuring_share, 1), last.measuring, ended),
            threads: figure(from.threads, 1),
            clock: textOf(from.clock),
            lost: Object.entries(lost).filter(([, many]) => many > 0).map(([what,
                many]) => `${many} ${what.replaceAll("_", " ")}`)
        };
        const rows = new Map((before === undefined ? [] : before.rows).map((row) => [row.id, row]));
        process.rows = listOf(from.instruments).map((instrument) => {
            const row = this.readInstrument(instrument, rows.get(String(instrument.id)), ended);
            this.byNumber.push(row);
            return row;
        });
        process.derived = listOf(from.derived).map((each, i) => {
            const old = ended && before !== undefined && before.derived[i] || {};
            return {
                id: `d:${process.id}:${each.name}`,
                kind: "derived",
                full: textOf(each.name),
                unit: textOf(each.unit),
                help: textOf(each.help),
                ofNow: each.of_moment === true,
                total: unlessEnded(figure(each.total, 1), old.total, ended),
                rolling: unlessEnded(figure(each.rolling, 1), old.rolling, ended)
            };
        });
        return process;
    }

    // `ended`: its process has; `before`: the same instrument, if it was in the last snapshot.
    readInstrument(from, before, ended) {
        const full = textOf(from.full_name) ||
            `${textOf(from.module)}${from.kind === "timer" ? "::" : "."}${textOf(from.name)}`;
        const row = {
            id: String(from.id),
            number: from.id,
            kind: textOf(from.kind),
            module: textOf(from.module),
            full,
            search: full.toLowerCase(),
            unit: textOf(from.unit),
            help: textOf(from.help),
            where: from.file ? `${from.file}:${from.line}` : "",
            enabled: from.enabled !== false,
            loaded: from.loaded !== false,
            ofSet: SETS.has(full.split(/[.:]/, 1)[0]),
            ended,
            v: {},
            past: []
        };
        const columns = this.columns[row.kind];
        if (columns === undefined) {
            return row; // of a kind that this page does not know
        }
        row.past = PAST[row.kind].map((name) => [name, `${row.id}/${name}`]);
        row.all = Object.keys(FIGURES[row.kind]).map((name) => [name, `${row.id}/${name}`]);
        for (const name of Object.keys(FIGURES[row.kind])) {
            row.v[name] = NaN;
        }
        for (const {name, paths} of columns.places) {
            for (const path of paths) {
                const [part, member] = path.split(".");
                if (from[part] && from[part].known !== false && from[part][member] !== undefined) {
                    row.v[name] = figure(from[part][member], scaleOf(path));
                    break;
                }
            }
        }
        const last = ended && before !== undefined && before.kind === row.kind ? before : undefined;
        if (last !== undefined) {
            Object.keys(row.v).forEach((name) => {
                row.v[name] = unlessEnded(row.v[name], last.v[name], true);
            });
        }
        if (row.kind === "state") {
            const old = (i) => last && last.states[i] || {};
            const rolling = listOf(from.rolling && from.rolling.states);
            const said = listOf(from.total && from.total.states);
            // After a reset nothing is said of them until a thread has entered one; they are the same.
            const states = said.length > 0 || before === undefined || before.kind !== row.kind
                ? said
                : before.states.map(({name}) => ({name}));
            row.states = states.map((state, i) => ({
                name: textOf(state.name),
                threads: figure(state.threads, 1),
                total: figure(state.time_ns ?? state.ns, 1),
                now: unlessEnded(
                    rolling[i] ? figure(rolling[i].time_ns ?? rolling[i].ns, 1) : NaN, old(i).now, ended),
                share: unlessEnded(rolling[i] ? figure(rolling[i].share, 1) : NaN, old(i).share, ended),
                key: `${row.id}/state${i}`
            }));
        } else if (row.kind === "topk") {
            const grown = new Map(listOf(from.rolling &&
                from.rolling.keys).map((each) => [String(each.key), figure(each.weight, 1)]));
            row.size = figure(from.size, 1);
            row.keys = listOf(from.total && from.total.keys).slice(0, 32).map((each) => ({
                id: String(each.key),
                key: each.key,
                weight: figure(each.weight, 1),
                error: figure(each.error, 1),
                hits: figure(each.hits, 1),
                now: grown.get(String(each.key)) ?? NaN
            }));
        } else if (row.kind === "frames") {
            row.parts = listOf(from.parts).map(textOf);
            row.partMeans =
                listOf(from.rolling && (from.rolling.part_avg_ns || from.rolling.parts))
                    .map((ns, i) => unlessEnded(figure(ns, 1), last && last.partMeans[i], ended));
            row.partMeansTotal = listOf(from.total && from.total.part_avg_ns).map((ns) => figure(ns, 1));
            row.over = figure(from.slow_over_ns, 1);
            row.list = before && before.list ? before.list : [];
            this.addFrames(row, listOf(from.last).map((frame) => ({
                number: frame.number,
                ns: figure(frame.time_ns ?? frame.ns, 1),
                slow: frame.slow === true
            })));
        }
        return row;
    }

    readValues(row, values) {
        const columns = this.columns[row.kind];
        if (columns === undefined) {
            return;
        }
        for (const {name, at, scale} of columns.places) {
            row.v[name] = unlessEnded(figure(values[at], scale), row.v[name], row.ended);
        }
        if (columns.states > 0 && row.states) {
            listOf(values[columns.states]).forEach(([threads, total, now, share], i) => {
                const state = row.states[i];
                if (state !== undefined) {
                    Object.assign(state, {
                        threads: figure(threads, 1),
                        total: figure(total, 1),
                        now: unlessEnded(figure(now, 1), state.now, row.ended),
                        share: unlessEnded(figure(share, 1), state.share, row.ended)
                    });
                }
            });
        }
        if (columns.keys > 0 && Array.isArray(values[columns.keys])) {
            row.keys = values[columns.keys].map(([key, weight, error, hits, now]) => ({
                id: String(key),
                key,
                weight: figure(weight, 1),
                error: figure(error, 1),
                hits: figure(hits, 1),
                now: figure(now, 1)
            }));
        }
        if (columns.parts > 0 && Array.isArray(values[columns.parts])) {
            row.partMeans = values[columns.parts].map(
                (ns, i) => unlessEnded(figure(ns, 1), (row.partMeans || [])[i], row.ended));
        }
        if (columns.totalParts > 0 && Array.isArray(values[columns.totalParts])) {
            row.partMeansTotal = values[columns.totalParts].map((ns) => figure(ns, 1));
        }
    }

    addFrames(row, frames) {
        if (!row.list) {
            return;
        }
        for (const frame of frames) {
            const last = row.list.length > 0 ? row.list[row.list.length - 1].number : -1;
            if (frame.number > last) {
                row.list.push(frame);
            } else if (frame.number === 0 || frame.number + FRAMES_MOST < last) {
                row.list.length = 0; // counted anew, after a reset
                row.list.push(frame);
            }
        }
        row.list.splice(0, Math.max(0, row.list.length - FRAMES_MOST));
    }

    point(unixMs, windowS, number) {
        const seconds = unixMs / 1000;
        // Not drawn across what was not seen: a lost connection, samples that were skipped for this client.
        if (this.unixMs > 0 && unixMs - this.unixMs > Math.max(3 * this.intervalMs, 2000)) {
            this.history.gap(this.unixMs / 1000 + 0.001);
        }
        this.unixMs = unixMs;
        this.windowS = figure(windowS, 1);
        this.number = number;
        this.history.begin(seconds);
        for (const process of this.processes.filter((each) => each.alive)) {
            for (const row of process.rows.filter((each) => each.enabled)) { // else it would seem to be 0
                const watched = this.watchedNames.size > 0 && this.watchedNames.has(row.full);
                for (const [name, key] of watched ? row.all || [] : row.past) {
                    this.history.set(key, row.v[name], watched);
                }
                if (watched && row.states) {
                    row.states.forEach((state) => this.history.set(state.key, state.share, true));
                }
            }
            for (const each of process.derived) {
                this.history.set(each.id, derivedNow(each), true);
            }
        }
    }

    // The past of instruments that are gone is of no use: their ids do not come again.
    dropPast() {
        const ids = new Set();
        for (const process of this.processes) {
            process.rows.forEach((row) => ids.add(row.id));
            process.derived.forEach((each) => ids.add(each.id));
        }
        for (const key of this.history.series.keys()) {
            const end = key.indexOf("/");
            if (!ids.has(end < 0 ? key : key.slice(0, end)) && !ids.has(key)) {
                this.history.series.delete(key);
            }
        }
    }
}
