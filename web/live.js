// SPDX-License-Identifier: MIT
// The live page of tare serve: takes the events of the stream, and draws at most once for each.
import {get, post, Stream} from "./live_api.js";
import {TimeChart, clock} from "./live_chart.js";
import {byId, el, setAttribute, setText} from "./live_dom.js";
import {UNKNOWN, age, amount, bytes, fps, known, percent, rate, time} from "./live_format.js";
import {Model, slowIsLow} from "./live_model.js";
import {derivedText, makePanels} from "./live_panels.js";

const model = new Model();
const page = {
    process: null, // that is shown: model.shown, or how it was when it was frozen
    frozen: null, // since when, in seconds since 1970
    isWatched: (row) => model.watchedNames.has(row.full),
    carries: (kind, name) =>
        model.columns[kind] !== undefined && model.columns[kind].places.some((place) => place.name === name),
    press
};
const panels = makePanels(page);
const charts = new Map(); // "id/metric" -> TimeChart
let drawing = false; // a frame is asked for
let arrived = NaN; // when the last event came
let interesting = true; // nobody has chosen charts yet

// What the browser keeps for the next visit; without leave to do so, nothing.
function recall(name) {
    try {
        return localStorage.getItem("tare." + name);
    } catch {
        return null;
    }
}
function keep(name, value) {
    try {
        localStorage.setItem("tare." + name, value);
    } catch {
        // then not
    }
}

// Says that something could not be done, where a screen reader hears it.
function complain(text) {
    byId("notes").hidden = false;
    byId("notes").replaceChildren(el("span", {role: "alert"}, text));
}

function confirmed(title, text, yes) {
    const dialog = byId("confirm");
    byId("confirm-title").textContent = title;
    byId("confirm-text").textContent = text;
    byId("confirm-yes").textContent = yes;
    dialog.returnValue = "no";
    dialog.showModal();
    byId("confirm-no").focus();
    return new Promise((resolve) => {
        dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), {once: true});
    });
}

// Charts

// For each kind: what of it is drawn in which charts.
const CHARTS = {
    timer: [
        {what: "calls", series: [["rate", "calls"]], show: () => (value) => rate(value)}, {
            what: "net time of a call",
            series: [["netAvg", "average"], ["p50", "p50"], ["p99", "p99"]],
            show: () => time
        }
    ],
    counter: [{what: "rate", series: [["rate", "rate"]], show: (row) => (value) => rate(value, row.unit)}],
    gauge: [{what: "value", series: [["value", "value"]], show: (row) => (value) => amount(value, row.unit)}],
    histogram: [{
        what: "percentiles",
        series: [["p50", "p50"], ["p95", "p95"], ["p99", "p99"]],
        show: (row) => (value) => amount(value, row.unit)
    }],
    topk: [{what: "weight", series: [["rate", "all keys"]], show: (row) => (value) => rate(value, row.unit)}],
    frames: [{
        what: "rates",
        series: [
            ["rate", "frames/s"], ["avgFps", "1 / mean frame time"], ["medianFps", "1 / median"],
            ["low1Fps", "1 % low"]
        ],
        show: () => fps
    }]
};

function seconds() {
    return Number(byId("span").value);
}

function chartsOf(row) {
    const unwatch = () => watch(row, false);
    const common = {history: model.history, span: seconds, until: () => page.frozen, remove: unwatch};
    if (row.kind === "derived") {
        return [[
            row.id, () => new TimeChart({
                ...common,
                title: row.full,
                note: row.help,
                series: [{key: row.id, label: row.ofNow ? "value" : "in the window"}],
                show: (value) => derivedText(value ?? NaN, row.unit)
            })
        ]];
    }
    if (row.kind === "state") {
        return [[
            `${row.id}/states`, () => new TimeChart({
                ...common,
                title: row.full,
                note: "share of time",
                stacked: true,
                show: percent,
                series: row.states.map((state) => ({key: state.key, label: state.name}))
            })
        ]];
    }
    return (CHARTS[row.kind] || []).map((spec) => [`${row.id}/${spec.what}`, () => new TimeChart({
        ...common,
        title: row.full,
        note: spec.what,
        show: spec.show(row),
        binary: row.unit === "bytes",
        series: [...slowIsLow(row) ? [["p05", "p5"]] : [], ...spec.series].map(
            ([name, label]) => ({key: `${row.id}/${name}`, label}))
    })]);
}

function watch(row, on) {
    interesting = false;
    if (on) {
        model.watchedNames.add(row.full);
    } else {
        model.watchedNames.delete(row.full);
    }
    const focus = document.activeElement;
    showCharts();
    if (!on && focus !== null && !focus.isConnected) {
        byId("watched-title").focus();
    }
    panels.forEach((panel) => panel.draw());
}

// Those of the process that is shown, of the instruments that are watched.
function showCharts() {
    const wanted = new Map();
    if (page.process !== null && model.watchedNames.size > 0) {
        for (const row of [...page.process.rows, ...page.process.derived]) {
            if (model.watchedNames.has(row.full)) {
                chartsOf(row).forEach(([key, make]) => wanted.set(key, make));
            }
        }
    }
    for (const [key, chart] of charts) {
        if (!wanted.has(key)) {
            chart.release();
            charts.delete(key);
        }
    }
    for (const [key, make] of wanted) {
        if (!charts.has(key)) {
            const chart = make();
            charts.set(key, chart);
            byId("charts").append(chart.element);
            chart.draw();
        }
    }
    byId("watched-none").hidden = charts.size > 0;
    byId("unwatch").hidden = charts.size === 0;
}

// At first, the busiest timer is a chart; what has no timers shows what it has, and of counters one that moves.
// Rates of other units do not compare, but a sum of times, which stands still where nothing goes wrong, is none
// of the first to be looked at. A window has to be over before anybody knows.
function firstChart() {
    if (!interesting || page.process === null || page.process.rows.length === 0) {
        return;
    }
    const kinds = ["timer", "counter", "gauge", "histogram", "state"];
    for (const kind of kinds) {
        const rows = page.process.rows.filter((row) => row.kind === kind && row.enabled);
        if (rows.length > 0) {
            const moves = kind === "counter" || kind === "histogram";
            if (moves && page.process.alive && !rows.some((row) => known(row.v.rate))) {
                return;
            }
            const weight = (row) => known(row.v.netTotal) ? row.v.netTotal
                : moves && known(row.v.rate)              ? row.v.rate * (row.unit === "ns" ? 1e-9 : 1)
                                                          : 0;
            model.watchedNames.add(rows.reduce((a, b) => weight(b) > weight(a) ? b : a).full);
            interesting = false;
            return;
        }
    }
}

// What is pressed in a table

async function press(what, row) {
    if (what === "watch") {
        watch(row, !page.isWatched(row));
    } else if (what === "switch" && row.asked === undefined) {
        row.asked = !row.enabled;
        panels.forEach((panel) => panel.draw());
        try {
            await post("/api/v1/switch", {id: row.number, enabled: row.asked});
            // The row changes with the next snapshot event, which says so; without one, it is free again.
            setTimeout(() => settle(row), 3000);
        } catch (error) {
            complain(`cannot switch '${row.full}': ${error.message}`);
            settle(row);
        }
    } else if (what === "reset") {
        if (await confirmed("Reset?", `What '${row.full}' has counted so far will be lost.`, "Reset")) {
            await reset(row.number, row.full);
        }
    }
}
function settle(row) {
    row.asked = undefined;
    panels.forEach((panel) => panel.draw());
}
async function reset(id, name) {
    try {
        await post("/api/v1/reset", {id});
    } catch (error) {
        complain(`cannot reset '${name}': ${error.message}`);
    }
}

// Drawing

function label(process) {
    return `${process.name || "?"} (${process.pid})${process.alive ? "" : ", ended"}`;
}
// In the choice: a server that began anew may have given the id of what it does not know to another.
function valueOf(process) {
    return process.gone ? process.id + "-gone" : process.id;
}

// What is shown stays so until somebody chooses, also when it has ended, unless there was nothing to see in it.
function showProcesses() {
    const choice = byId("process");
    if (model.shown === null || (!page.chosen && model.shown.rows.length === 0)) {
        const all = model.processes;
        model.shown = all.find((process) => process.alive && process.rows.length > 0) || all[0] || null;
    }
    const text = model.processes.map((process) => valueOf(process) + label(process)).join("\n");
    if (choice.tareText !== text) {
        choice.tareText = text;
        choice.replaceChildren(...(model.processes.length === 0
                ? [el("option", {value: ""}, "no process with instruments")]
                : model.processes.map((process) => el("option", {value: valueOf(process)}, label(process)))));
    }
    const shown = model.shown;
    page.process = shown === null || page.frozen === null ? shown : still(shown);
    if (shown !== null) {
        choice.value = valueOf(shown);
    }
}

// The end of what is shown, and the way to what came after it.
function showEnd() {
    const shown = page.process, note = byId("ended");
    const next = shown === null || shown.alive ? undefined
                                               : model.processes.find((process) => process.alive &&
                                                         process.name === shown.name);
    const text = shown === null || shown.alive ? "" : `${shown.id} ${next === undefined ? "" : next.id}`;
    if (note.tareText === text) {
        return;
    }
    note.tareText = text;
    note.hidden = text === "";
    note.replaceChildren(...(text === "" ? [] : [
        el("b", {}, `${shown.name || "?"} (${shown.pid}) has ended. `),
        "These are the last figures, those of the window as they were before the end. ", next === undefined
            ? ""
            : el("button", {type: "button", id: "next", onclick: () => choose(next)}, `Show ${label(next)}`)
    ]));
}
function choose(process) {
    page.chosen = true;
    model.shown = process;
    shape();
    drawNow();
    byId("process").focus();
}

// As it is now: the model goes on.
function still(process) {
    return {
        ...process,
        derived: process.derived.map((each) => ({...each})),
        rows: process.rows.map((row) => ({
            ...row,
            v: {...row.v},
            keys: row.keys,
            partMeans: row.partMeans,
            partMeansTotal: row.partMeansTotal,
            states: row.states && row.states.map((state) => ({...state})),
            list: row.list && row.list.slice()
        }))
    };
}

function showHeader() {
    const process = page.process;
    if (page.frozen === null) {
        setText(byId("window"), time(model.windowS * 1e9));
        setText(byId("read-at"), model.unixMs > 0 ? clock(model.unixMs / 1000) : UNKNOWN);
    }
    showEnd();
    showMeasuring();
    const facts = process === null ? [] : [
        process.alive ? null : "has ended", process.command || process.executable,
        `processor ${percent(process.cpuShare)}`, `memory ${bytes(process.resident)}`,
        known(process.threads)
            ? `${process.threads} ${process.threads === 1 ? "thread" : "threads"} with instruments`
            : null,
        process.clock ? `clock ${process.clock}` : null,
        process.started ? `since ${process.started.replace("T", " ").replace(/\.\d+/, "").replace("Z", " UTC")}`
                        : null,
        process.lost.length > 0 ? `lost: ${process.lost.join(", ")}` : null,
        model.denied > 0 ? `${model.denied} other processes may not be looked into` : null
    ];
    setText(byId("process-facts"), facts.filter((text) => text !== null && text !== "").join(" · "));
}

// What measuring takes of what the process takes.
const MUCH = 0.1;
function showMeasuring() {
    const share = page.process === null ? NaN : page.process.measuring;
    byId("measuring").parentElement.hidden = !known(share);
    setText(byId("measuring"), percent(share));
    const much = share > MUCH;
    byId("measuring").classList.toggle("warn", much);
    byId("measuring-much").hidden = !much;
}

function shape() {
    showProcesses();
    firstChart();
    panels.forEach((panel) => panel.set(page.process));
    showCharts();
}

// What is out of sight is drawn seldom, for who reads it by other means than eyes, and then all at once.
const SELDOM = 4; // samples
let drawn = 0;
function drawNow() {
    const all = drawn++ % SELDOM === 0;
    charts.forEach((chart) => chart.draw(all));
    panels.forEach((panel) => panel.refresh(all));
    showHeader();
}

// Also what is out of sight, whole: for paper, and for what is saved. All of it is of one reading.
function drawAll(whole) {
    panels.forEach((panel) => panel.drawAll(whole));
    charts.forEach((chart) => chart.draw(true));
    showHeader();
}
addEventListener("beforeprint", () => drawAll(true));
addEventListener("afterprint", () => drawAll(false));
addEventListener("blur", () => drawAll(false)); // on the way to the browser's menus

let otherShape = false;
function drawSoon() {
    if (drawing || page.frozen !== null) {
        return;
    }
    drawing = true;
    requestAnimationFrame(() => {
        drawing = false;
        if (page.frozen !== null) {
            return;
        }
        if (otherShape) {
            otherShape = false;
            shape();
        } else if (interesting) {
            firstChart();
            if (!interesting) {
                showCharts();
                panels.forEach((panel) => panel.draw());
            }
        }
        drawNow();
    });
}

new Stream("/api/v1/stream", {
    state(name, text) {
        setAttribute(byId("connection"), "data-state", name);
        setText(byId("connection"), text);
    },
    snapshot(event) {
        arrived = performance.now();
        model.snapshot(event);
        otherShape = true;
        drawSoon();
        return true;
    },
    sample(event) {
        arrived = performance.now();
        const understood = model.sample(event);
        drawSoon();
        return understood;
    }
});
setInterval(() => {
    const ms = performance.now() - arrived;
    setText(byId("age"), age(ms));
    byId("age").classList.toggle("bad", ms > Math.max(5000, 3 * model.intervalMs));
}, 500);

// Controls

byId("process").addEventListener("change", (event) => {
    const process = model.processes.find((each) => valueOf(each) === event.target.value);
    if (process !== undefined) {
        choose(process);
    }
});

function freeze(on) {
    page.frozen = on ? model.history.last() : null;
    if (on) {
        charts.forEach((chart) => chart.draw(true));
    }
    setAttribute(byId("freeze"), "aria-pressed", String(on));
    byId("frozen").hidden = !on;
    shape();
    drawNow();
}
byId("freeze").addEventListener("click", () => freeze(page.frozen === null));

const dark = matchMedia("(prefers-color-scheme: dark)");
function showTheme() {
    const choice = byId("theme").value;
    const now = choice === "auto" ? (dark.matches ? "dark" : "light") : choice;
    if (document.documentElement.dataset.theme !== now) {
        document.documentElement.dataset.theme = now;
        charts.forEach((chart) => chart.retheme());
        panels.forEach((panel) => panel.retheme());
    }
}
if (["light", "dark"].includes(recall("theme"))) {
    byId("theme").value = recall("theme");
}
showTheme();
dark.addEventListener("change", showTheme);
byId("theme").addEventListener("change", () => {
    keep("theme", byId("theme").value);
    showTheme();
});

byId("span").addEventListener("change", () => charts.forEach((chart) => chart.draw()));
byId("unwatch").addEventListener("click", () => {
    model.watchedNames.clear();
    interesting = false;
    showCharts();
    panels.forEach((panel) => panel.draw());
    byId("watched-title").focus();
});

const filter = el("input",
    {type: "search", id: "filter", placeholder: "part of a name", autocomplete: "off", spellcheck: "false"});
filter.addEventListener("input", () => {
    const words = filter.value.toLowerCase().split(/\s+/).filter((word) => word !== "");
    const matches = (row) => words.every((word) => (row.search || row.full.toLowerCase()).includes(word));
    panels.forEach((panel) => panel.filter(matches, words.length > 0));
});
const resetAll = el("button", {type: "button", id: "reset-all"}, "Reset all …");
setAttribute(resetAll, "title", "void what all instruments counted (r)");
resetAll.addEventListener("click", async () => {
    if (await confirmed("Reset all?", "What all instruments of all processes have counted so far will be lost.",
            "Reset all")) {
        await reset("all", "all");
    }
});
const filterLabel = el("label", {class: "field", "for": "filter"}, "Filter");
const filterBar = el("div", {class: "bar filters", role: "search", "aria-label": "instruments"});
filterBar.append(filterLabel, filter, resetAll);
byId("tables").append(filterBar, ...panels.map((panel) => panel.element));
const link = (to, text) => el("li", {}, el("a", {href: to}, text));
const links = [link("#capture", "Capture"), link("#watched", "Charts"), ...panels.map((panel) => panel.link)];
byId("panels").firstElementChild.append(...links);

// The capture

const capture = {
    running: false,
    samples: 0,
    dropped: 0,
    timer: 0
};
function showCapture(state) {
    if (state !== null && typeof state === "object" && typeof state.running === "boolean") {
        capture.running = state.running;
        capture.samples = known(state.samples) ? state.samples : 0;
        capture.dropped = known(state.dropped) ? state.dropped : 0;
    }
    const {running, samples, dropped} = capture;
    byId("capture-start").disabled = running;
    byId("capture-stop").disabled = !running;
    byId("capture-reset").disabled = samples === 0 && !running;
    const download = byId("capture-download");
    setAttribute(download, "aria-disabled", samples > 0 ? null : "true");
    setAttribute(download, "href", samples > 0 ? "/api/v1/result" : null);
    setText(byId("capture-state"),
        (running              ? "running, "
                : samples > 0 ? "stopped, "
                              : "no capture") +
            (running || samples > 0 ? `${samples} samples` : "") + (dropped > 0 ? `, ${dropped} dropped` : ""));
}
async function readCapture() {
    clearTimeout(capture.timer);
    try {
        showCapture(await get("/api/v1/capture"));
    } catch {
        // The connection's state says what there is to say.
    }
    capture.timer = setTimeout(readCapture, capture.running ? 1000 : 5000);
}
async function askCapture(action) {
    const focus = document.activeElement;
    try {
        await post("/api/v1/capture", {action});
    } catch (error) {
        complain(`cannot ${action} the capture: ${error.message}`);
    }
    await readCapture();
    // A button that is off now cannot keep the focus.
    if (focus !== null && focus.disabled) {
        byId(action === "start" ? "capture-stop" : "capture-start").focus();
    }
}
byId("capture-start").addEventListener("click", () => askCapture("start"));
byId("capture-stop").addEventListener("click", () => askCapture("stop"));
byId("capture-reset").addEventListener("click", async () => {
    if (await confirmed("Discard the capture?",
            "The samples captured so far will be lost, unless they were downloaded.", "Discard")) {
        await askCapture("reset");
    }
});
readCapture();

// Keys

const KEYS = [
    ["?", "these keys", () => byId("keys").showModal()], ["/", "filter the tables", () => filter.focus()],
    ["p", "choose the process", () => byId("process").focus()],
    ["f", "freeze what is shown, or go on", () => freeze(page.frozen === null)],
    [
        "t", "light, dark, as the system",
        () => {
            const order = ["auto", "light", "dark"];
            byId("theme").value = order[(order.indexOf(byId("theme").value) + 1) % 3];
            byId("theme").dispatchEvent(new Event("change"));
        }
    ],
    ["c", "start or stop the capture", () => askCapture(capture.running ? "stop" : "start")],
    ["r", "reset all, after a question", () => resetAll.click()]
];
byId("keys-list").append(...[...KEYS, ["↑ ↓", "in a table: the same control of the row above, below"], [
    "Esc", "leave a dialog; in the filter: show everything"
]].flatMap(([key, what]) => [el("dt", {}, el("kbd", {}, key)), el("dd", {}, what)]));
byId("keys-open").addEventListener("click", () => byId("keys").showModal());
byId("keys-on").checked = recall("keys") !== "off";
byId("keys-on").addEventListener("change", () => keep("keys", byId("keys-on").checked ? "on" : "off"));
document.addEventListener("keydown", (event) => {
    if (event.target === filter && event.key === "Escape") {
        filter.value = "";
        filter.dispatchEvent(new Event("input"));
        return;
    }
    if ((event.ctrlKey || event.metaKey) && event.key === "s") {
        drawAll(false); // what the browser is about to save
        return;
    }
    if (event.ctrlKey || event.altKey || event.metaKey || !byId("keys-on").checked ||
        document.querySelector("dialog[open]") !== null ||
        event.target.closest("input, select, textarea") !== null) {
        return;
    }
    const found = KEYS.find(([key]) => key === event.key);
    if (found !== undefined) {
        event.preventDefault();
        found[2]();
    }
});
byId("watched-title").tabIndex = -1;
setText(byId("age"), UNKNOWN);
