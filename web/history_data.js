// SPDX-License-Identifier: MIT
// The object that the page is sent ("tare-history-page", docs/dashboard.md): read, checked, and made ready to
// be shown. Nothing in it is trusted: a series that does not fit together is left out, and the page says so.

// In the order in which they are listed; each has a sign beside its word, so that colour is never alone.
export const STATUSES = [
    {name: "regressed", sign: "✕", tone: "bad", means: "a confirmed change for the worse"},
    {name: "over budget", sign: "▲", tone: "bad", means: "beyond a limit of the budget"},
    {name: "suspected", sign: "?", tone: "warn", means: "seen in too few points: measure again"},
    {name: "improved", sign: "✓", tone: "good", means: "a confirmed change for the better"}, {
        name: "changed",
        sign: "◆",
        tone: "note",
        means: "changed, but below the margin, accepted, or nobody knows which way is worse"
    },
    {name: "unstable", sign: "≈", tone: "warn", means: "scatters too much to judge"},
    {name: "too few", sign: "…", tone: "quiet", means: "too few points to judge"},
    {name: "steady", sign: "=", tone: "quiet", means: "no change, or old ones alone"}
];
const RANKS = new Map(STATUSES.map((status, i) => [status.name, i]));
export function statusOf(series) {
    return STATUSES[series.rank];
}

export const WEIGHTS = {
    counts: "counts",
    old: "before what is asked about, or accepted",
    undone: "taken back by a later change",
    small: "below the margin",
    "many series": "among so many series it may be chance"
};

export class Unreadable extends Error {}

function isObject(value) {
    return value !== null && typeof value === "object" && !Array.isArray(value);
}
function words(value) {
    return typeof value === "string" ? value : "";
}
function figure(value) {
    return typeof value === "number" && Number.isFinite(value) ? value : NaN;
}
// By an index, which may be anything.
function entryOf(list, index) {
    return (Number.isInteger(index) && list[index]) || null;
}
function listOf(value) {
    return Array.isArray(value) ? value : [];
}

// A column of n entries; one of which nothing is known may be null as a whole.
function column(table, name, n, needed) {
    const entries = table[name];
    if ((entries === null || entries === undefined) && !needed) {
        return null;
    }
    if (!Array.isArray(entries) || entries.length !== n) {
        throw new Unreadable(`'${name}' has not ${n} entries`);
    }
    return entries;
}
// One of whole numbers: as they are; as what each adds to the one before; or as steps, with how often each comes.
function wholes(table, name, n, needed) {
    const entries = table[name];
    if (!isObject(entries)) {
        const plain = column(table, name, n, needed);
        return plain === null ? null : Float64Array.from(plain, figure);
    }
    const read = new Float64Array(n);
    let sum = 0, i = 0;
    if (Array.isArray(entries.deltas)) {
        for (const delta of column(entries, "deltas", n, true)) {
            sum += figure(delta);
            read[i++] = sum;
        }
        return read;
    }
    const steps = listOf(entries.steps);
    for (let k = 0; k + 1 < steps.length; k += 2) {
        const step = figure(steps[k]), times = steps[k + 1];
        if (!Number.isInteger(times) || times < 1 || times > n - i) {
            throw new Unreadable(`'${name}' has not ${n} entries`);
        }
        for (const end = i + times; i < end; i++) {
            sum += step;
            read[i] = sum;
        }
    }
    if (i !== n) {
        throw new Unreadable(`'${name}' has not ${n} entries`);
    }
    return read;
}
// One of texts: as they are, or each once, and which one it is. The text of entry i, or "".
function texts(table, name, n) {
    const entries = table[name];
    if (!isObject(entries)) {
        const plain = column(table, name, n, false);
        return (i) => plain === null ? "" : words(plain[i]);
    }
    const which = wholes(entries, "at", n, true), list = listOf(entries.texts);
    return (i) => words(list[which[i]]);
}
export function at(entries, i) {
    return entries === null ? NaN : figure(entries[i]);
}

function readCommits(table) {
    if (!isObject(table) || !Array.isArray(table.id)) {
        throw new Unreadable("'commits' is missing");
    }
    const n = table.id.length;
    const [time, ordinal] = ["time", "ordinal"].map((name) => wholes(table, name, n, false));
    const [subject, link] = ["subject", "link"].map((name) => texts(table, name, n));
    return table.id.map((id, i) => ({
        id: words(id),
        ms: at(time, i) * 1000,
        ordinal: at(ordinal, i),
        subject: subject(i),
        link: link(i).replaceAll("{commit}", encodeURIComponent(words(id)))
    }));
}

const RUNS_MOST = 2 ** 24;

// Made when they are asked for: there can be as many as points.
class Runs {
    constructor(table, commits) {
        const n = isObject(table) ? table.count : undefined;
        if (!Number.isInteger(n) || n < 0 || n > RUNS_MOST) {
            throw new Unreadable("'runs' is missing");
        }
        this.count = n;
        [this.started, this.commit, this.dirty] =
            ["started", "commit", "dirty"].map((name) => wholes(table, name, n, false));
        [this.branch, this.link, this.tool] = ["branch", "link", "tool"].map((name) => texts(table, name, n));
        this.commits = commits;
        this.made = new Map();
    }
    has(i) {
        return Number.isInteger(i) && i >= 0 && i < this.count;
    }
    of(i) {
        let run = this.made.get(i);
        if (run === undefined) {
            run = {
                ms: at(this.started, i),
                commit: this.commit === null ? null : entryOf(this.commits, this.commit[i]),
                branch: this.branch(i),
                dirty: this.dirty === null ? -1 : this.dirty[i],
                link: this.link(i),
                tool: this.tool(i)
            };
            this.made.set(i, run);
        }
        return run;
    }
    branches() {
        return new Set(Array.from({length: this.count}, (_, i) => this.branch(i)));
    }
}

// The ends of intervals, from how far they are from the value.
function ends(table, name, value, side) {
    const distances = column(table, name, value.length, false);
    return distances === null ? null
                              : Float64Array.from(distances, (distance, i) => value[i] + side * figure(distance));
}
function parts(table, name, n, pieces, about) {
    const found = wholes(table, name, n, false);
    return found === null ? null : found.map((count) => about + count / pieces);
}

function readPoints(table, runs) {
    if (!isObject(table) || !Array.isArray(table.value)) {
        throw new Unreadable("its points are missing");
    }
    const {value} = table, n = value.length;
    const run = wholes(table, "run", n, true);
    for (let i = 0; i < n; i++) {
        if (!runs.has(run[i])) {
            throw new Unreadable(`point ${i} is of no run`);
        }
        if (!Number.isFinite(value[i])) {
            throw new Unreadable(`point ${i} has no value`);
        }
    }
    return {
        count: n,
        run,
        value,
        low: ends(table, "below", value, -1),
        high: ends(table, "above", value, 1),
        n: wholes(table, "n", n, false),
        dropped: wholes(table, "dropped", n, false),
        stolen: parts(table, "stolen_thousandths", n, 1000, 0),
        control: parts(table, "control_ten_thousandths", n, 10000, 1)
    };
}

function readChange(change, count, commits) {
    if (!isObject(change) || !Number.isInteger(change.at) || change.at < 0 || change.at >= count) {
        throw new Unreadable("a change is at no point");
    }
    const place = (value) => Number.isInteger(value) ? Math.max(0, Math.min(count - 1, value)) : change.at;
    const read = {
        at: change.at,
        low: Math.min(place(change.low), change.at),
        high: Math.max(place(change.high), change.at),
        drift: change.kind === "drift",
        weight: words(change.weight),
        direction: change.direction === "worse" || change.direction === "better" ? change.direction : "",
        good: entryOf(commits, change.good),
        bad: entryOf(commits, change.bad),
        likely: entryOf(commits, change.likely)
    };
    for (const name of ["p", "adjusted", "before", "after", "shift", "shift_low", "shift_high", "ratio",
             "ratio_low", "ratio_high"]) {
        read[name] = figure(change[name]);
    }
    return read;
}

function readBudget(budget) {
    return isObject(budget) ? {
        direction: words(budget.direction),
        target: figure(budget.target),
        targetText: words(budget.target_text),
        critical: figure(budget.critical),
        criticalText: words(budget.critical_text),
        judgement: words(budget.judgement)
    }
                            : null;
}

function readSeries(entry, page) {
    if (!isObject(entry) || words(entry.id) === "") {
        throw new Unreadable("it has no id");
    }
    const rank = RANKS.get(entry.status);
    if (rank === undefined) {
        throw new Unreadable(`its status is unknown: '${String(entry.status).slice(0, 40)}'`);
    }
    const series = {
        id: entry.id,
        rank,
        status: entry.status,
        machine: entryOf(page.machines, entry.machine),
        machineIndex: entryOf(page.machines, entry.machine) === null ? -1 : entry.machine,
        better: entry.better === "lower" || entry.better === "higher" ? entry.better : "",
        budget: readBudget(entry.budget),
        advice: words(entry.advice),
        points: readPoints(entry.points, page.runs)
    };
    for (const name
             of ["title", "project", "suite", "name", "arguments", "metric", "unit", "harness", "settings"]) {
        series[name] = words(entry[name]);
    }
    series.title = series.title || series.name || series.id;
    for (const name of ["last", "previous", "baseline", "against", "ratio", "level", "level_from", "spread",
             "autocorrelation", "smallest"]) {
        series[name] = figure(entry[name]);
    }
    series.changes = listOf(entry.changes).map((each) => readChange(each, series.points.count, page.commits));
    series.about = entryOf(series.changes, entry.change);
    const suspicion = entry.suspicion;
    series.suspicion = isObject(suspicion) && suspicion.count > 0 ? {
        count: figure(suspicion.count),
        level: figure(suspicion.level),
        shift: figure(suspicion.shift),
        ratio: figure(suspicion.ratio),
        p: figure(suspicion.p),
        direction: words(suspicion.direction)
    }
                                                                  : null;
    const last = series.points.count - 1;
    series.lastRun = last < 0 ? null : page.runs.of(series.points.run[last]);
    series.lastLow = last < 0 ? NaN : at(series.points.low, last);
    series.lastHigh = last < 0 ? NaN : at(series.points.high, last);
    series.size = sizeOf(series);
    series.constant = isConstant(series);
    // What is the same in all of them was measured elsewhere, or otherwise.
    series.group = JSON.stringify(
        [series.project, series.suite, series.name, series.arguments, series.metric, series.unit]);
    series.machineName = machineName(series.machine);
    return series;
}

// What its status is about: a ratio and the levels before and behind; NaN where they are unknown. From 0 there is
// no ratio.
export function moveOf({status, suspicion, about, ratio}) {
    if (status === "suspected" && suspicion !== null) {
        return {ratio: suspicion.ratio, before: suspicion.level, after: suspicion.level + suspicion.shift};
    }
    return about !== null ? about : {ratio, before: NaN, after: NaN};
}
// That ratio, to sort by: from 0 is above all that there are, to 0 below.
export function judgedBy(series) {
    const {ratio, before, after} = moveOf(series);
    return Number.isFinite(ratio) || !Number.isFinite(after - before) ? ratio
        : after > before                                              ? Number.MAX_VALUE
                                                                      : 0;
}
// How much it changed, on a scale on which half and double are equal. What has levels and no ratio is beyond all
// others.
function sizeOf(series) {
    const {ratio, before, after} = moveOf(series);
    const size = Math.abs(Math.log(ratio));
    return Number.isFinite(size) ? size : Number.isFinite(after - before) ? Infinity : 0;
}

// Whether it never changed: one value, at least twice, and nothing to say of it.
function isConstant({points: {count, value}, status}) {
    return count > 1 && (status === "steady" || status === "too few") && value.every((each) => each === value[0]);
}

// Where it was measured, in short.
export function machineName(machine) {
    if (machine === null) {
        return "unknown machine";
    }
    const what = (machine.parts.cpu_model || machine.parts.machine || "").slice(0, 60) ||
        (machine.fingerprint === "" ? "unknown machine" : "machine");
    return machine.fingerprint === "" ? what : `${what} (${machine.fingerprint.slice(0, 8)})`;
}

// In what the other one was measured otherwise: [[what, here, there]].
export function differences(series, other) {
    const found = [];
    if (series.machineIndex !== other.machineIndex) {
        const here = series.machine === null ? {} : series.machine.parts;
        const there = other.machine === null ? {} : other.machine.parts;
        for (const part of new Set([...Object.keys(here), ...Object.keys(there)])) {
            if (here[part] !== there[part]) {
                found.push([part.replace(/_/g, " "), here[part] || "unknown", there[part] || "unknown"]);
            }
        }
        if (found.length === 0) {
            found.push(["machine", machineName(series.machine), machineName(other.machine)]);
        }
    }
    for (const part of ["harness", "settings"]) {
        if (series[part] !== other[part]) {
            found.push([part, series[part] || "unknown", other[part] || "unknown"]);
        }
    }
    return found;
}

function readMachine(machine) {
    const parts = {};
    if (isObject(machine) && isObject(machine.parts)) {
        for (const [name, value] of Object.entries(machine.parts)) {
            parts[name] = typeof value === "string" ? value : "";
        }
    }
    return {fingerprint: isObject(machine) ? words(machine.fingerprint) : "", parts};
}

const NEWEST = 1; // schema_version

// What the text says. Throws Unreadable, with what to say instead of a page.
export function readPage(text) {
    let object;
    try {
        object = JSON.parse(text);
    } catch (error) {
        throw new Unreadable(`the data of this page is damaged: ${error.message}`);
    }
    if (!isObject(object) || object.schema !== "tare-history-page") {
        throw new Unreadable("the data of this page is not a history of tare");
    }
    if (object.schema_version !== NEWEST) {
        throw new Unreadable(`the data of this page is of schema_version ${
            String(object.schema_version).slice(0, 20)}, and this page reads ${
            NEWEST}: open it with the page of the tare that wrote it`);
    }
    const page = {
        title: words(object.title),
        project: words(object.project),
        branch: isObject(object.rule) ? words(object.rule.branch) : "",
        version: words(object.tare_version),
        made: Date.parse(words(object.made)),
        rule: isObject(object.rule) ? object.rule : {},
        machines: listOf(object.machines).map(readMachine),
        problems: []
    };
    try {
        page.commits = readCommits(object.commits);
        page.runs = new Runs(object.runs, page.commits);
        if (!Array.isArray(object.series)) {
            throw new Unreadable("'series' is missing");
        }
    } catch (error) {
        if (error instanceof Unreadable) {
            throw new Unreadable(`the data of this page is damaged: ${error.message}`);
        }
        throw error;
    }
    page.baselines = listOf(object.baselines).filter(isObject).map((each) => ({
        name: words(each.name),
        commit: entryOf(page.commits, each.commit),
        ms: figure(each.set),
        reason: words(each.reason),
        selection: words(each.selection)
    }));
    page.series = [];
    page.byId = new Map();
    object.series.forEach((entry, i) => {
        try {
            const series = readSeries(entry, page);
            if (page.byId.has(series.id)) {
                throw new Unreadable("its id is there twice");
            }
            page.series.push(series);
            page.byId.set(series.id, series);
        } catch (error) {
            if (!(error instanceof Unreadable)) {
                throw error;
            }
            const name = isObject(entry) ? words(entry.title).slice(0, 200) : "";
            page.problems.push(
                `series ${i + 1}${name === "" ? "" : ` '${name}'`} is damaged and left out: ${error.message}`);
        }
    });
    page.groups =
        Map.groupBy === undefined ? groupsOf(page.series) : Map.groupBy(page.series, (series) => series.group);
    page.groups.forEach((group) => tellApart(group, page));
    return page;
}
// Where it was measured, and otherwise how, in as far as it tells it from others of the same name.
function tellApart(group, page) {
    const differs = (of) => group.some((series) => of(series) !== of(group[0]));
    const machines = differs((series) => series.machineIndex);
    const [harness, settings] = ["harness", "settings"].map((name) => differs((series) => series[name]));
    for (const series of group) {
        series.where =
            [
                page.project === "" ? series.project : "", machines ? series.machineName : "",
                harness ? series.harness : "", settings ? series.settings : ""
            ].filter((each) => each !== "")
                .join(", ");
        series.full = series.where === "" ? series.title : `${series.title} – ${series.where}`;
        series.search = [
            series.title, series.project, series.metric, series.machineName, series.harness
        ].join(" ").toLowerCase();
    }
}
function groupsOf(all) {
    const groups = new Map();
    for (const series of all) {
        groups.set(series.group, [...(groups.get(series.group) || []), series]);
    }
    return groups;
}

// Sorted by what changed: the worst first, and of those the greatest.
export function byChange(a, b) {
    return a.rank - b.rank || Number(b.size > a.size) - Number(b.size < a.size);
}

// The modules and suites that it is of: its own, and that of a timer inside a benchmark.
export function partsOf(series) {
    const timer = /^(.+?)::.+\.net_avg$/.exec(series.metric);
    return [series.suite, timer === null ? "" : timer[1]].filter((part) => part !== "");
}

// The branches of the runs in which it was measured.
export function branchesOf(series, runs) {
    if (series.branches === undefined) {
        series.branches = new Set(Array.from(series.points.run, (run) => runs.branch(run)));
    }
    return series.branches;
}
