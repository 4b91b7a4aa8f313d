// SPDX-License-Identifier: MIT
// The panels below the charts: for each kind of instrument a table, for each set (tare/jit.h and so on) one of
// all that belongs to it. A panel without anything in it is not shown.
import {el, setAttribute, setText} from "./live_dom.js";
import {
    UNKNOWN, amount, count, fps, keyText, known, number, percent, rate, short, time, unitWord
} from "./live_format.js";
import {FrameChart} from "./live_chart.js";
import {derivedNow, neverUsed, slowIsLow} from "./live_model.js";
import {Table} from "./live_table.js";

// A cell whose text is a figure.
function plain(key, title, text, value, hint) {
    return {key, title, text, value, hint};
}

// One of the window. What is off does nothing in it, which is not the same as 0.
function recent(key, title, text, value, hint) {
    return plain(key, title, (row) => row.enabled ? text(row) : UNKNOWN,
        (row) => row.enabled ? value(row) : NaN, hint);
}
// The first of them, which says so.
function leading(key, title, text, value, hint) {
    return {...recent(key, title, text, value, hint), text: (row) => row.enabled ? text(row) : "off"};
}

// Cut, if there is no room, in its middle: what names begin and end with tells them apart.
const END_MOST = 34; // characters, which fit on two lines of a phone
function halves(name) {
    const labels = name.indexOf("{");
    const at = Math.max(...["::", "."].map((dot) => {
        const found = name.lastIndexOf(dot, labels < 0 ? name.length : labels);
        return found < 0 ? 0 : found + dot.length;
    }));
    const cut = Math.max(at, name.length - END_MOST);
    return [name.slice(0, cut), name.slice(cut)];
}

// The name: pressed, the instrument is a chart.
function nameColumn(page) {
    return {
        key: "name",
        title: "name",
        name: true,
        value: (row) => row.full,
        make(cell) {
            cell.append(
                el("button", {type: "button", class: "name", "data-does": "watch", "aria-pressed": "false"},
                    el("span"), el("span")));
        },
        update(row, cell, other) {
            const button = cell.firstChild;
            if (other) {
                halves(row.full).forEach((part, i) => setText(button.children[i], part));
                const facts =
                    [row.full, row.help, row.where, row.loaded === false ? "its library is not loaded" : ""];
                setAttribute(button, "title", facts.filter((text) => text).join("\n"));
            }
            setAttribute(button, "aria-pressed", String(page.isWatched(row)));
        }
    };
}

// On or off is what the server last said, not what was asked for.
function switchColumn() {
    return {
        key: "switch",
        title: "on or off",
        last: true,
        value: (row) => row.enabled ? 1 : 0,
        make(cell) {
            cell.append(el("button", {type: "button", role: "switch", class: "switch", "data-does": "switch"}),
                " ",
                el("button",
                    {type: "button", class: "reset", "data-does": "reset", title: "void what it counted"},
                    "reset"));
        },
        update(row, cell, other) {
            const [toggle, reset] = cell.children;
            if (other) {
                setAttribute(toggle, "aria-label", `${row.full} records`);
                setAttribute(reset, "aria-label", `reset ${row.full}`);
            }
            setAttribute(toggle, "aria-checked", String(row.enabled));
            setAttribute(toggle, "aria-busy", row.asked === undefined ? null : "true");
            setText(toggle, row.asked !== undefined ? "…" : row.enabled ? "on" : "off");
        }
    };
}

function inUnit(name) {
    return (row) => amount(row.v[name], row.unit);
}
function inShort(name) {
    return (row) => short(row.v[name], row.unit);
}
function of (name) {
    return (row) => row.v[name];
}
// Either all figures of a row to the last one, or none.
function gaugeText(name) {
    return (row) => {
        const whole = [row.v.value, row.v.change, row.v.peak]
                          .every((value) => Number.isNaN(value) || Number.isInteger(value));
        const word = unitWord(row.unit), text = short(row.v[name], row.unit);
        return whole ? amount(row.v[name], row.unit) : text !== UNKNOWN && word ? `${text} ${word}` : text;
    };
}

function netText(net, error) {
    const text = time(net);
    return text === UNKNOWN || Number.isNaN(error) ? text : `${text} ± ${time(error)}`;
}

// Beside a figure of the window, the same since the start, where it is sent and there is room.
function totals(...columns) {
    return columns.map(([key, title, text, name]) => ({
        ...plain(`${key}-total`, title, text, of(name), "since the start or the last reset"),
        needs: name,
        extra: true
    }));
}

const PERCENTILES =
    [["p50", "p50"], ["p90", "p90"], ["p95", "p95"], ["p99", "p99"], ["p999", "p99.9"], ["p05", "p5"]];

// Time in each state, as one bar; the column beside it says the same in words.
function shareColumn() {
    return {
        key: "bar",
        title: "time in each",
        left: true,
        extra: true,
        make(cell) {
            cell.append(el("div", {class: "share", "aria-hidden": "true"}));
        },
        update(row, cell) {
            const bar = cell.firstChild;
            while (bar.children.length > row.states.length) {
                bar.lastChild.remove();
            }
            row.states.forEach((state, i) => {
                const part = bar.children[i] || bar.appendChild(el("i", {class: `c${i % 8}`}));
                const grow = String(state.share > 0 ? Math.round(state.share * 1000) : 0);
                if (part.style.flexGrow !== grow) {
                    part.style.flexGrow = grow;
                }
            });
        }
    };
}
function statesText(row) {
    return !row.enabled ? "off" : row.states.map((state) => `${state.name} ${percent(state.share)}`).join(", ");
}
function threadsText(row) {
    if (row.states.every((state) => Number.isNaN(state.threads))) {
        return UNKNOWN;
    }
    const some = row.states.filter((state) => state.threads > 0);
    return some.length === 0 ? "none" : some.map((state) => `${state.threads} in ${state.name}`).join(", ");
}

const KINDS = {
    timer: {
        title: "Timers",
        note: "Net times, in the window where it does not say total.",
        sort: "busy",
        down: true,
        columns: [
            leading("rate", "calls", (row) => rate(row.v.rate), of("rate"), "calls per second"),
            recent("net", "net average ±", (row) => netText(row.v.netAvg, row.v.netAvgError), of("netAvg"),
                "less what measuring costs, with half its 95 % interval"),
            recent("p50", "p50", (row) => time(row.v.p50), of("p50"), "half of the calls took less"),
            recent("p99", "p99", (row) => time(row.v.p99), of("p99"), "99 % of the calls took less"),
            recent("busy", "busy", (row) => percent(row.v.busy), of("busy"),
                "share of the window, all threads together"),
            plain("count", "calls, total", (row) => count(row.v.count), of("count")),
            plain("total", "net, total", (row) => time(row.v.netTotal), of("netTotal")),
            ...totals(
                [
                    "net", "net average ±, total",
                    (row) => netText(row.v.netAvgTotal, row.v.netAvgTotalError), "netAvgTotal"
                ],
                ["p50", "p50, total", (row) => time(row.v.p50Total), "p50Total"],
                ["p99", "p99, total", (row) => time(row.v.p99Total), "p99Total"])
        ]
    },
    counter: {
        title: "Counters",
        sort: "rate",
        down: true,
        columns: [
            leading(
                "rate", "rate", (row) => rate(row.v.rate, row.unit), of("rate"), "per second, in the window"),
            {...recent("now", "in the window", inUnit("now"), of("now")), extra: true},
            plain("total", "total", inUnit("total"), of("total"))
        ]
    },
    gauge: {
        title: "Gauges",
        sort: "name",
        down: false,
        columns: [
            plain("value", "value", gaugeText("value"), of("value"), "what was set last"),
            leading("change", "change", gaugeText("change"), of("change"), "in the window"),
            plain("peak", "peak", gaugeText("peak"), of("peak"), "since the start or the last reset")
        ]
    },
    histogram: {
        title: "Histograms",
        note: "In the window where it does not say total.",
        sort: "rate",
        down: true,
        columns: [
            leading("rate", "values", (row) => rate(row.v.rate), of("rate"), "values per second"),
            ...PERCENTILES.map(
                ([name, title]) => ({...recent(name, title, inShort(name), of(name)), needs: name})),
            recent("mean", "mean", inShort("meanNow"), of("meanNow"), "of the window"),
            {
                key: "unit",
                title: "unit",
                left: true,
                text: (row) => unitWord(row.unit),
                value: (row) => unitWord(row.unit)
            },
            plain("count", "values, total", (row) => count(row.v.count), of("count")),
            plain("all", "mean, total", inShort("mean"), of("mean")),
            ...totals(...PERCENTILES.map(
                ([name, title]) => [name, `${title}, total`, inShort(`${name}Total`), `${name}Total`]))
        ]
    },
    state: {
        title: "States",
        note: "Shares of the threads' time in the window.",
        sort: "name",
        down: false,
        columns: [
            shareColumn(), {key: "words", title: "shares", left: true, text: statesText},
            {key: "threads", title: "threads now", left: true, text: threadsText},
            plain("changes", "changes, total", (row) => count(row.v.changes), of("changes"))
        ]
    }
};

// A histogram's middle and its slow end.
function ends(row, which) {
    const text = (name) => amount(row.v[name + which], row.unit);
    return slowIsLow(row) ? `p5 ${text("p05")}, p50 ${text("p50")}` : `p50 ${text("p50")}, p99 ${text("p99")}`;
}

// What one line can say of an instrument of any kind.
function mainNow(row) {
    if (!row.enabled) {
        return "off";
    }
    switch (row.kind) {
    case "timer":
        return `${rate(row.v.rate)}, ${time(row.v.netAvg)} net`;
    case "counter":
        return rate(row.v.rate, row.unit);
    case "gauge":
        return amount(row.v.value, row.unit);
    case "histogram":
        return ends(row, "");
    case "state":
        return statesText(row);
    case "topk":
        return rate(row.v.rate, row.unit);
    case "frames":
        return fps(row.v.rate);
    default:
        return UNKNOWN;
    }
}
function mainTotal(row) {
    switch (row.kind) {
    case "timer":
        return `${count(row.v.count)} calls, ${time(row.v.netTotal)} net`;
    case "counter":
    case "topk":
        return amount(row.v.total, row.unit);
    case "gauge":
        return `peak ${amount(row.v.peak, row.unit)}`;
    case "histogram":
        return `${count(row.v.count)} values, ${ends(row, "Total")}`;
    case "state":
        return `${count(row.v.changes)} changes`;
    case "frames":
        return `${count(row.v.count)} frames`;
    default:
        return UNKNOWN;
    }
}

export function derivedText(value, unit) {
    return unit === "1/s" ? rate(value) : amount(value, unit);
}

class Panel {
    constructor(id, title) {
        this.id = id;
        this.title = title;
        this.heading = el("h2", {id: `${id}-title`}, title);
        this.many = el("span", {class: "quiet"});
        this.element =
            el("section", {id: `panel-${id}`, "aria-labelledby": `${id}-title`, tabindex: "-1", hidden: true},
                el("div", {class: "bar"}, this.heading, this.many));
        this.link = el("li", {hidden: true}, el("a", {href: `#panel-${id}`}, title));
        this.tables = [];
    }
    show(visible, text) {
        if (this.element.hidden === visible) {
            this.element.hidden = !visible;
            this.link.hidden = !visible;
        }
        setText(this.many, text);
    }
    filter(matches, some) {
        this.tables.forEach((table) => table.setFilter(matches, some));
        this.showMany();
    }
    showMany() {
        const all = this.tables.reduce((sum, table) => sum + table.rows.length, 0);
        const shown = this.tables.reduce((sum, table) => sum + table.order.length + table.folded, 0);
        this.show(all > 0, shown === all ? count(all) : `${count(shown)} of ${count(all)}`);
    }
    // `all`: also what is out of sight.
    refresh(all) {
        this.tables.forEach((table) => table.refresh(all));
    }
    // At once, also what is out of sight: somebody has pressed something.
    draw() {
        this.tables.forEach((table) => table.draw());
    }
    drawAll(whole) {
        this.tables.forEach((table) => table.drawAll(whole));
    }
    retheme() {
    }
}

// A program that uses a set has all its instruments, also those of what it does not do.
const FOLD = {
    of: (row) => row.ofSet && neverUsed(row),
    text: (many) => many === 1 ? "1 of a set, which never counted anything"
                               : `${count(many)} of sets, which never counted anything`
};

// All instruments of one kind.
class KindPanel extends Panel {
    constructor(page, kind) {
        const spec = KINDS[kind];
        super(kind + "s", spec.title);
        this.kind = kind;
        this.page = page;
        this.table = new Table({
            id: `table-${kind}s`,
            caption: spec.title,
            note: spec.note,
            sort: spec.sort,
            down: spec.down,
            columns: [nameColumn(page), ...spec.columns, switchColumn()],
            press: page.press,
            fold: FOLD,
            none: "no name matches the filter"
        });
        this.tables = [this.table];
        this.element.append(this.table.whole);
    }
    set(process) {
        for (const {key, needs} of KINDS[this.kind].columns) {
            if (needs !== undefined) {
                this.table.hide(key, !this.page.carries(this.kind, needs));
            }
        }
        const rows = process === null ? [] : process.rows.filter((row) => row.kind === this.kind);
        if (this.kind === "histogram") {
            this.table.hide("unit", rows.every((row) => unitWord(row.unit) === ""));
            if (!rows.some(slowIsLow)) {
                ["p05", "p05-total"].forEach((key) => this.table.hide(key, true));
            }
        }
        this.table.setRows(rows);
        this.showMany();
        this.table.draw();
    }
}

// A set: tare/jit.h and so on. What follows from its figures stands beside them.
class SetPanel extends Panel {
    constructor(page, module, title) {
        super(module, title);
        this.belongs = new RegExp(`^${module}(?:[.:]|$)`);
        this.table = new Table({
            id: `table-${module}`,
            caption: `${title}: instruments`,
            sort: "name",
            press: page.press,
            fold: FOLD,
            none: "no name matches the filter",
            columns: [
                nameColumn(page), {
                    key: "kind",
                    title: "kind",
                    left: true,
                    extra: true,
                    text: (row) => row.kind,
                    value: (row) => row.kind
                },
                {key: "now", title: "now", wraps: true, text: mainNow, hint: "in the window"},
                {
                    key: "total",
                    title: "total",
                    wraps: true,
                    text: mainTotal,
                    hint: "since the start or the last reset"
                },
                switchColumn()
            ]
        });
        this.derived = new Table({
            id: `derived-${module}`,
            caption: `${title}: derived figures`,
            note: "What follows from several instruments.",
            sort: "name",
            press: page.press,
            none: "no name matches the filter",
            columns: [
                nameColumn(page),
                plain("rolling", "now", (row) => derivedText(derivedNow(row), row.unit), derivedNow,
                    "in the window, or at this moment"),
                plain("total", "total", (row) => row.ofNow ? "" : derivedText(row.total, row.unit),
                    (row) => row.ofNow ? NaN : row.total, "since the start or the last reset"),
                {key: "help", title: "how", left: true, wraps: true, text: (row) => row.help}
            ]
        });
        this.tables = [this.derived, this.table];
        this.element.append(this.derived.whole, this.table.whole);
    }
    set(process) {
        const own = (row) => this.belongs.test(row.full);
        this.table.setRows(process === null ? [] : process.rows.filter(own));
        this.derived.setRows(process === null ? [] : process.derived.filter(own));
        this.derived.whole.hidden = this.derived.rows.length === 0;
        this.table.whole.hidden = this.table.rows.length === 0;
        this.showMany();
        this.tables.forEach((table) => table.draw());
    }
}

// The heaviest keys of one top-k, which is chosen.
class HotspotPanel extends Panel {
    constructor() {
        super("hotspots", "Hotspots");
        this.choice = el("select", {id: "hotspots-of"});
        this.label = el("label", {class: "field"}, "of ", this.choice);
        this.facts = el("p", {class: "quiet"});
        this.table = new Table({
            id: "table-hotspots",
            caption: "Heaviest keys",
            note: "A key has at most the weight that is shown, and at least that less its error.",
            sort: "weight",
            down: true,
            none: "nothing was counted",
            columns: [
                {key: "key", title: "key", name: true, text: (row) => keyText(row.key), value: (row) => row.id},
                plain("weight", "weight, total", (row) => amount(row.weight, this.unit()), (row) => row.weight),
                plain("error", "error",
                    (row) => row.error === row.error ? "- " + amount(row.error, this.unit()) : UNKNOWN,
                    (row) => row.error, "so much less it may be"),
                plain("share", "share", (row) => this.share(row), (row) => row.weight,
                    "of the weight of all keys, from at least to at most"),
                plain("hits", "hits", (row) => count(row.hits), (row) => row.hits),
                plain("now", "in the window", (row) => amount(row.now, this.unit()), (row) => row.now)
            ]
        });
        this.tables = [];
        this.rows = [];
        this.element.firstChild.append(this.label);
        this.element.append(this.facts, this.table.whole);
        this.choice.addEventListener("change", () => { this.refresh(); });
    }
    row() {
        return this.rows.find((row) => row.id === this.choice.value) || this.rows[0];
    }
    unit() {
        return this.row() ? this.row().unit : "";
    }
    share(key) {
        const total = this.row().v.total;
        const least = percent((key.weight - key.error) / total), most = percent(key.weight / total);
        return least === most                       ? most
            : least === UNKNOWN || most === UNKNOWN ? most
                                                    : `${least.replace(" %", "")} to ${most}`;
    }
    set(process) {
        const chosen = this.choice.value;
        this.rows = process === null ? [] : process.rows.filter((row) => row.kind === "topk");
        this.choice.replaceChildren(...this.rows.map((row) => el("option", {value: row.id}, row.full)));
        if (this.rows.some((row) => row.id === chosen)) {
            this.choice.value = chosen;
        }
        this.label.hidden = this.rows.length < 2;
        this.show(this.rows.length > 0, count(this.rows.length));
        this.refresh();
    }
    filter() {
    }
    drawAll(whole) {
        this.refresh();
        this.table.drawAll(whole);
    }
    refresh() {
        const row = this.row();
        if (row === undefined) {
            this.table.setRows([]);
            return;
        }
        setText(this.facts,
            `${row.full}: ${amount(row.v.total, row.unit)} in ${count(row.v.hits)} hits, now ${
                row.enabled ? rate(row.v.rate, row.unit) : "off"}; ` +
                `each thread keeps ${count(row.size)} keys`);
        this.table.rows = row.keys || [];
        if (this.table.order.length !== this.table.rows.length || !this.table.held()) {
            this.table.arrange();
        } else { // in their places, with new figures
            const now = new Map(this.table.rows.map((each) => [each.id, each]));
            this.table.order = this.table.order.map((each) => now.get(each.id) || each);
        }
        this.table.draw();
    }
}

class FramesPanel extends Panel {
    constructor() {
        super("frames", "Frames");
        this.views = new Map();
        this.box = el("div", {class: "charts"});
        this.element.append(this.box);
    }
    set(process) {
        const rows = process === null ? [] : process.rows.filter((row) => row.kind === "frames");
        const ids = new Set(rows.map((row) => row.id));
        for (const [id, view] of this.views) {
            if (!ids.has(id)) {
                view.chart.release();
                view.whole.remove();
                this.views.delete(id);
            }
        }
        for (const row of rows) {
            if (!this.views.has(row.id)) {
                this.views.set(row.id, this.make(row));
            }
            this.views.get(row.id).row = row;
        }
        this.show(rows.length > 0, count(rows.length));
        this.refresh();
    }
    make(row) {
        const view = {row};
        view.note = el("p", {class: "quiet"});
        view.list = el("tbody");
        const head = (text) => el("th", {scope: "col"}, text);
        view.figures = el("div", {class: "figures"},
            el("table", {class: "fps"}, el("caption", {class: "unseen"}, `${row.full}: figures`),
                el("thead", {}, el("tr", {}, el("td"), head("in the window"), head("total"))), view.list),
            view.note);
        view.chart = new FrameChart({
            title: row.full,
            note: "time of each frame",
            show: time,
            frames: () => ({list: view.row.list, over: view.row.over})
        });
        view.whole = el("div", {class: "frames"}, view.chart.element, view.figures);
        this.box.append(view.whole);
        return view;
    }
    refresh(all) {
        for (const view of this.views.values()) {
            const row = view.row, v = row.v;
            const totals = row.partMeansTotal || [];
            const facts = [
                ["frames", count(v.countNow), count(v.count)],
                ["slow", count(v.slowNow), count(v.slow)], ["dropped", count(v.droppedNow), count(v.dropped)],
                ["rate", row.enabled ? known(v.rate) ? `${number(v.rate)} frames/s` : UNKNOWN : "off", ""],
                ["1 / mean frame time", fps(v.avgFps), fps(v.avgFpsTotal)],
                ["1 / median", fps(v.medianFps), fps(v.medianFpsTotal)],
                ["1 % low", fps(v.low1Fps), fps(v.low1FpsTotal)],
                ["0.1 % low", fps(v.low01Fps), fps(v.low01FpsTotal)],
                ["mean", time(v.mean), time(v.meanTotal)], ["p50", time(v.p50), time(v.p50Total)],
                ["p95", time(v.p95), time(v.p95Total)], ["p99", time(v.p99), time(v.p99Total)],
                ["scatter (CoV)", percent(v.cov), percent(v.covTotal)],
                ...row.parts.map((part, i) => [`${part}, mean`, time(row.partMeans[i]), time(totals[i])])
            ];
            facts.forEach(([label, ...texts], i) => {
                const line = view.list.children[i] ||
                    view.list.appendChild(
                        el("tr", {}, el("th", {scope: "row", class: "n"}), el("td"), el("td")));
                setText(line.firstChild, label);
                texts.forEach((text, t) => {
                    setText(line.children[t + 1], text);
                    setAttribute(line.children[t + 1], "title", text === UNKNOWN ? "unknown" : null);
                });
            });
            // A program keeps the last ones, in a ring.
            setText(view.note, v.recent < v.count
                    ? `From “1 / mean frame time” on, total is the last ${count(v.recent)} frames.`
                    : "");
            while (view.list.children.length > facts.length) {
                view.list.lastChild.remove();
            }
            view.chart.draw(all);
        }
    }
    filter() {
    }
    drawAll() {
        this.refresh(true);
    }
    retheme() {
        this.views.forEach((view) => view.chart.retheme());
    }
}

export function makePanels(page) {
    return [
        new FramesPanel(page), new KindPanel(page, "timer"), new KindPanel(page, "counter"),
        new KindPanel(page, "gauge"), new KindPanel(page, "histogram"), new KindPanel(page, "state"),
        new SetPanel(page, "jit", "JIT"), new SetPanel(page, "gfx", "Graphics"),
        new SetPanel(page, "memory", "Memory"), new SetPanel(page, "cpu", "Processor"),
        new SetPanel(page, "latency", "Latency"), new HotspotPanel(page)
    ];
}
