// SPDX-License-Identifier: MIT
// One series, opened: its chart with the series of the same benchmark from elsewhere, the chosen point in
// words, its changes, and all points as a table and as CSV. And two series compared.
import {HistoryChart, LINE_DASHES, changeMark} from "./history_chart.js";
import {WEIGHTS, at, differences, machineName, statusOf} from "./history_data.js";
import {
    againstText,
    chanceText,
    changeText,
    csvLine,
    intervalText,
    longId,
    many,
    momentText,
    moveRangeText,
    shareText,
    shortId,
    valueText,
    webAddress
} from "./history_format.js";
import {sortable, svg} from "./history_list.js";
import {el, setAttribute, setText} from "./live_dom.js";
import {UNKNOWN, count, known} from "./live_format.js";

const LINES_AT_FIRST = 6; // segments that are shown unasked
const LINES_MOST = 40;

// A link if it leads to the web, else its text.
export function linkOr(address, text, className) {
    const href = webAddress(address);
    return href === null
        ? el("span", {class: className || null}, text)
        : el("a", {class: className || null, href, rel: "noopener noreferrer", referrerpolicy: "no-referrer"},
              text);
}

// In a sentence there is room for more of its id.
export function commitNode(commit, long) {
    return commit === null
        ? el("span", {}, "no commit")
        : linkOr(commit.link, (long === true ? longId : shortId)(commit.id) || "commit", "mono");
}

export function dirtyText(dirty) {
    return dirty === 1 ? "with changes not committed" : dirty === 0 ? "clean" : "";
}

function save(name, text, type) {
    const url = URL.createObjectURL(new Blob([text], {type}));
    const link = el("a", {href: url, download: name});
    link.click();
    setTimeout(() => URL.revokeObjectURL(url), 10000);
}
export function fileName(text) {
    return text.replace(/[^\w.-]+/g, "_").replace(/^[._]+/, "").slice(0, 100) || "series";
}

const iso = (ms) => known(ms) && !Number.isNaN(new Date(ms).getTime()) ? new Date(ms).toISOString() : "";
export function pointsCsv(series, runs) {
    const {points} = series;
    let text = csvLine([
        "series", "metric", "unit", "machine", "commit", "subject", "committed", "measured", "branch", "dirty",
        "tool", "link", "value", "low", "high", "n", "rounds_dropped", "stolen", "control_ratio"
    ]);
    for (let i = 0; i < points.count; i++) {
        const run = runs.of(points.run[i]), {commit} = run;
        text += csvLine([
            series.title, series.metric, series.unit, series.machine === null ? "" : series.machine.fingerprint,
            commit === null ? "" : commit.id, commit === null ? "" : commit.subject,
            commit === null ? "" : iso(commit.ms), iso(run.ms), run.branch,
            run.dirty === 1       ? "yes"
                : run.dirty === 0 ? "no"
                                  : "",
            run.tool, run.link, points.value[i], at(points.low, i), at(points.high, i), at(points.n, i),
            at(points.dropped, i), at(points.stolen, i), at(points.control, i)
        ]);
    }
    return text;
}

function pointFacts(series, i, runs) {
    const {points} = series, run = runs.of(points.run[i]), {commit} = run;
    const value = points.value[i];
    const facts = [
        ["value", el("b", {}, intervalText(value, at(points.low, i), at(points.high, i), series.unit))],
        ["to the one before", i > 0 ? againstText(value, points.value[i - 1]) : UNKNOWN]
    ];
    if (commit !== null) {
        const where = el("span", {}, commitNode(commit, true), " ", el("span", {class: "subject"}, commit.subject));
        facts.push(["commit", where], ["committed", momentText(commit.ms)]);
    } else {
        facts.push(["commit", "unknown"]);
    }
    facts.push(["measured", momentText(run.ms)]);
    const what =
        [run.branch === "" ? "" : `branch ${run.branch}`, dirtyText(run.dirty), run.tool].filter(Boolean);
    const address = webAddress(run.link);
    const runNode = el("span", {}, what.join(", "));
    if (run.link !== "") {
        runNode.append(what.length > 0 ? ", " : "",
            linkOr(run.link, address === null ? run.link : "the job that measured it"));
    }
    if (runNode.textContent !== "") {
        facts.push(["run", runNode]);
    }
    const rounds = [
        known(at(points.n, i)) ? many(at(points.n, i), "value") : "",
        at(points.dropped, i) > 0 ? `${many(at(points.dropped, i), "round")} dropped` : "",
        known(at(points.stolen, i)) ? `${shareText(at(points.stolen, i))} of the time stolen` : "",
        known(at(points.control, i)) ? `control ${changeText(at(points.control, i))}` : ""
    ].filter(Boolean).join(", ");
    if (rounds !== "") {
        facts.push(["made of", rounds]);
    }
    return facts;
}

// The chosen point, beneath a chart; `said` goes to screen readers, too.
class PointPanel {
    constructor(hint) {
        this.list = el("dl", {class: "point"});
        this.hint = el("p", {class: "quiet point-hint"}, hint);
        this.said = el("p", {class: "unseen", role: "status", "aria-live": "polite"});
        this.element = el("div", {class: "point-box"}, this.hint, this.list, this.said);
    }
    show(series, i, runs, title, say) {
        if (i >= series.points.count) {
            return;
        }
        const facts = pointFacts(series, i, runs);
        if (title !== "") {
            facts.unshift(["line", el("span", {class: "subject"}, title)]);
        }
        this.hint.hidden = true;
        this.list.replaceChildren(
            ...facts.map(([what, node]) => el("div", {}, el("dt", {}, what), el("dd", {}, node))));
        if (say) {
            const run = runs.of(series.points.run[i]);
            setText(this.said,
                `point ${i + 1} of ${series.points.count}: ${
                    intervalText(series.points.value[i], at(series.points.low, i), at(series.points.high, i),
                        series.unit)}, ${
                    run.commit === null ? "no commit"
                                        : `commit ${longId(run.commit.id)} ${run.commit.subject}`}`);
        }
    }
}

function lineMark(color, extra) {
    return svg("svg",
        {viewBox: "0 0 30 10", class: `line-mark ${extra || `s${color % 8}`}`, "aria-hidden": "true"},
        svg("line", {
            x1: "0",
            x2: "30",
            y1: "5",
            y2: "5",
            "stroke-dasharray": (extra === undefined
                    ? LINE_DASHES[color % 8]
                    : {target: [8, 4], baseline: [2, 4], level: [2, 2], bandmark: []}[extra] ||
                        []).join(" ")
        }));
}

const KEYS_HINT = "Point at the chart, or focus it and use the arrow keys, to see a point. " +
    "Zoom: drag across, Ctrl and wheel, or the keys + − 0.";

function zoomButtons(chart) {
    const button = (text, what, does) =>
        el("button", {type: "button", class: "small", "aria-label": what, title: what, onclick: does}, text);
    return el("div", {class: "zoom controls"}, button("+", "zoom in", () => chart().zoomBy(0.6)),
        button("−", "zoom out", () => chart().zoomBy(1 / 0.6)),
        button("All", "show all points", () => chart().zoomOut()));
}

export function changeRows(series) {
    return series.changes.map((change) => {
        const range = el("span", {});
        range.append(change.good === null ? "?" : commitNode(change.good), " … ",
            change.bad === null ? "?" : commitNode(change.bad));
        const about = change.likely || change.bad;
        if (change.likely !== null && change.likely !== change.bad) {
            range.append(", most likely ", commitNode(change.likely));
        }
        if (about !== null) {
            range.append(" ", el("span", {class: "subject"}, about.subject));
        }
        const sign = change.direction === "worse" ? "✕ worse"
            : change.direction === "better"       ? "✓ better"
                                                  : "◆ changed";
        return [
            el("span", {
                class: change.weight !== "counts"   ? ""
                    : change.direction === "worse"  ? "bad"
                    : change.direction === "better" ? "good"
                                                    : ""
            },
                sign),
            change.drift ? "drift" : "step", {text: moveRangeText(change, series.unit), value: change.ratio},
            `${valueText(change.before, series.unit)} → ${valueText(change.after, series.unit)}`, range,
            {text: chanceText(change.p), value: change.p},
            {text: chanceText(change.adjusted), value: change.adjusted}, WEIGHTS[change.weight] || change.weight
        ];
    });
}
const CHANGE_HEADS = [
    {title: "Change"}, {title: "Kind", left: true}, {title: "Size (95 %)"}, {title: "Levels"},
    {title: "Last before … first behind", left: true}, {title: "p"}, {title: "p, all series"},
    {title: "For the gate", left: true}
];

function summaryOf(series, page) {
    const {points} = series, first = points.count > 0 ? page.runs.of(points.run[0]) : null;
    const parts = [
        points.count === 0
            ? "no points"
            : `${many(points.count, "point")}, ${momentText(first.ms)} to ${momentText(series.lastRun.ms)}`,
        `last ${intervalText(series.last, series.lastLow, series.lastHigh, series.unit)}`
    ];
    if (known(series.previous)) {
        parts.push(`${againstText(series.last, series.previous)} to the one before`);
    }
    if (known(series.level)) {
        parts.push(`level now ${valueText(series.level, series.unit)}${
            known(series.level_from) && points.count > series.level_from
                ? `, of the last ${many(points.count - series.level_from, "point")}`
                : ""}`);
    }
    if (known(series.against)) {
        parts.push(`${valueText(series.against, series.unit)} at what it is judged against`);
    }
    if (known(series.baseline)) {
        parts.push(`baseline ${valueText(series.baseline, series.unit)}`);
    }
    if (known(series.spread)) {
        parts.push(`scatter ${shareText(series.spread)}`);
    }
    if (known(series.autocorrelation)) {
        parts.push(`autocorrelation ${series.autocorrelation.toFixed(2)}`);
    }
    if (series.smallest > 0) {
        parts.push(`a step of ${shareText(series.smallest)} would show within 5 points`);
    }
    if (series.better !== "") {
        parts.push(`${series.better} is better`);
    }
    return parts.join(" · ");
}

function remarks(series) {
    const found = [];
    const {suspicion, budget} = series;
    if (suspicion !== null) {
        const which = suspicion.count === 1 ? "newest point is" : `newest ${suspicion.count} points are`;
        found.push([
            suspicion.direction === "worse" ? "warn" : "quiet",
            `The ${which} ${
                known(suspicion.ratio)
                    ? changeText(suspicion.ratio)
                    : `at ${valueText(suspicion.level + suspicion.shift, series.unit)},`} off the level ${
                valueText(suspicion.level,
                    series.unit)} (p ${chanceText(suspicion.p)}): too few to judge, so measure again.`
        ]);
    }
    if (budget !== null) {
        const limit = (word, value, text) =>
            known(value) || text !== "" ? `${word} ${text || valueText(value, series.unit)}` : "";
        const limits = [
            limit("target", budget.target, budget.targetText),
            limit("critical", budget.critical, budget.criticalText)
        ].filter(Boolean);
        found.push([
            budget.judgement === "fail"       ? "bad"
                : budget.judgement === "warn" ? "warn"
                                              : "quiet",
            `Budget: ${
                budget.direction === "at_least" ? "at least "
                    : budget.direction === "at_most"
                    ? "at most "
                    : ""}${[...limits, budget.judgement || "unknown"].join(", ")}.`
        ]);
    }
    if (series.advice !== "") {
        found.push(["quiet", `To make it steadier: ${series.advice}`]);
    }
    return found;
}

export class Detail {
    // page(): what was read; state: what is shown; changed(): it is another one now
    constructor(series, {page, state, changed, close, compare}) {
        Object.assign(this, {series, page, state, changed});
        this.title = el("h3", {class: "title", tabindex: "-1"});
        this.comparing =
            el("button", {type: "button", class: "small", onclick: () => compare(this.series)}, "Compare");
        this.facts = el("p", {class: "facts"});
        this.remarks = el("ul", {class: "remarks"});
        this.notes = el("p", {class: "quiet"});
        this.legend = el("ul", {class: "legend"});
        this.panel = new PointPanel(KEYS_HINT);
        this.changes = el("div", {class: "changes"});
        this.points = el("details", {ontoggle: () => this.showPoints()},
            el("summary", {}, "All points as a table"), el("div", {}));
        this.csv = el("button", {
            type: "button",
            class: "small",
            onclick: () => save(`${fileName(this.series.title)}.csv`, pointsCsv(this.series, this.page().runs),
                "text/csv;charset=utf-8")
        },
            "CSV");
        this.setLines();
        this.chart = new HistoryChart({
            label: "",
            lines: this.lines,
            runs: page().runs,
            unit: series.unit,
            facts: true,
            options: () => ({byTime: state().time, log: state().log, hidden: this.hidden()}),
            onPoint: (line, i, said) => {
                const of = this.lines[line].series;
                this.panel.show(of, i, this.page().runs, line === 0 ? "" : this.nameOf(of), said);
            },
            onZoom: (zoom) => {
                if (zoom === null) {
                    state().zoom.delete(this.series.id);
                } else {
                    state().zoom.set(this.series.id, zoom);
                }
                changed(false);
            },
            onDrawn: () => this.showNotes()
        });
        this.element = el("figure", {class: "detail-box"},
            el("figcaption", {}, this.title,
                el("span", {class: "controls"}, this.comparing, " ", this.csv, " ",
                    el("button", {
                        type: "button",
                        class: "small",
                        onclick: () => close(this.series),
                        "aria-label": "close this series"
                    },
                        "✕ Close"))),
            this.facts, this.remarks, this.chart.element, this.legend,
            el("div", {class: "under"}, zoomButtons(() => this.chart), this.notes), this.panel.element,
            this.changes, this.points);
        this.element.addEventListener("keydown", (event) => {
            if (event.key === "Escape") {
                event.preventDefault();
                close(this.series);
            }
        });
        this.showTexts();
        this.applyZoom();
    }

    setLines() {
        const group = this.page().groups.get(this.series.group) || [this.series];
        const others = group.filter((other) => other !== this.series);
        others.sort(
            (a, b) => (b.lastRun === null ? 0 : b.lastRun.ms) - (a.lastRun === null ? 0 : a.lastRun.ms));
        this.left = Math.max(0, others.length - LINES_MOST);
        this.lines = [this.series, ...others.slice(0, LINES_MOST)].map(
            (series, color) => ({series, color, by: 1, band: color === 0}));
    }
    nameOf(other) {
        const found = differences(this.series, other);
        return found.length === 0 ? other.title
                                  : found.slice(0, 4).map(([what, , there]) => `${what} ${there}`).join(", ") +
                (found.length > 4 ? ", …" : "");
    }
    isHidden(line) {
        const key = `${this.series.id}~${this.lines[line].series.id}`;
        return line > 0 && (line < LINES_AT_FIRST ? this.state().off.has(key) : !this.state().on.has(key));
    }
    hidden() {
        return new Set(this.lines.map((_, line) => line).filter((line) => this.isHidden(line)));
    }
    turn(line, on) {
        const key = `${this.series.id}~${this.lines[line].series.id}`, state = this.state();
        if (line < LINES_AT_FIRST) {
            state.off[on ? "delete" : "add"](key);
        } else {
            state.on[on ? "add" : "delete"](key);
        }
        this.chart.draw();
        this.changed(false);
    }

    showTexts() {
        const {series} = this, status = statusOf(series), page = this.page();
        this.title.replaceChildren(
            el("span", {class: `status ${status.tone}`},
                el("span", {class: "sign", "aria-hidden": "true"}, status.sign), status.name),
            " ", el("span", {class: "subject"}, series.title), " ",
            el("small", {class: "quiet"},
                [machineName(series.machine), series.harness].filter(Boolean).join(", ")));
        this.element?.setAttribute("aria-label", series.title);
        setText(this.facts, summaryOf(series, page));
        this.remarks.replaceChildren(...remarks(series).map(([tone, text]) => el("li", {class: tone}, text)));
        this.remarks.hidden = this.remarks.children.length === 0;
        const marks = series.changes.map((change) => changeMark(change, series.unit)).join("; ");
        setAttribute(this.chart.element, "aria-label",
            `${series.title}: ${summaryOf(series, page)}. ${
                marks === "" ? "No change was found." : `Changes: ${marks}.`} Arrow keys choose a point.`);
        this.showLegend();
        this.changes.replaceChildren(series.changes.length === 0
                ? el("p", {class: "quiet"}, "No change was found in it.")
                : sortable(
                      {caption: `changes of ${series.title}`, heads: CHANGE_HEADS, rows: changeRows(series)}));
        this.showNotes();
        setText(this.points.firstChild, `All ${many(series.points.count, "point")} as a table`);
        this.showPoints();
    }
    showLegend() {
        const {series} = this;
        const item = (mark, ...text) => el("li", {}, mark, ...text);
        const own = [item(lineMark(0),
            this.lines.length > 1 ? `this series: ${machineName(series.machine)}` : series.metric || "value")];
        if (series.points.low !== null && series.points.high !== null) {
            own.push(item(lineMark(0, "bandmark"), "its interval"));
        }
        const others = this.lines.slice(1).map((line, n) => {
            const box = el("input", {type: "checkbox", onchange: () => this.turn(n + 1, box.checked)});
            box.checked = !this.isHidden(n + 1);
            return el("li", {},
                el("label", {}, box, lineMark(line.color),
                    el("span", {class: "subject"}, this.nameOf(line.series))));
        });
        const marks = [];
        if (series.changes.length > 0) {
            marks.push(item(lineMark(0, "level"), "levels"),
                item(lineMark(0, "changemark"), "change, in grey where it may be"));
        }
        const limits = [
            ["target", series.budget?.target], ["critical", series.budget?.critical],
            ["baseline", series.baseline]
        ];
        for (const [kind, value] of limits) {
            if (known(value)) {
                marks.push(item(lineMark(0, kind), kind));
            }
        }
        this.legend.replaceChildren(...own, ...marks, ...others);
    }
    showNotes() {
        const notes = [];
        if (this.state().log && this.chart.below > 0) {
            notes.push(`${many(this.chart.below, "value")} not above 0 ${
                this.chart.below === 1 ? "is" : "are"} not shown: the scale is logarithmic`);
        }
        if (this.left > 0) {
            notes.push(`${
                many(this.left, "series",
                    "series")} more of the same from elsewhere are not drawn: they stand in the list`);
        }
        setText(this.notes, notes.join("; "));
    }
    showPoints() {
        const box = this.points.lastChild;
        if (!this.points.open) {
            box.replaceChildren();
            return;
        }
        const {series} = this, {runs} = this.page(), {points} = series, rows = [];
        for (let i = points.count - 1; i >= 0; i--) {
            const run = runs.of(points.run[i]), {commit} = run;
            const [low, high] = [at(points.low, i), at(points.high, i)];
            rows.push([
                run.commit === null ? "–" : commitNode(commit),
                commit === null ? "" : el("span", {class: "subject"}, commit.subject),
                {text: momentText(run.ms), value: run.ms},
                {text: intervalText(points.value[i], low, high, series.unit), value: points.value[i]},
                {text: count(at(points.n, i)), value: at(points.n, i)},
                {text: count(at(points.dropped, i)), value: at(points.dropped, i)},
                {text: shareText(at(points.stolen, i)), value: at(points.stolen, i)},
                {text: changeText(at(points.control, i)), value: at(points.control, i)}, run.branch,
                run.dirty === 1       ? "yes"
                    : run.dirty === 0 ? "no"
                                      : "–",
                run.tool
            ]);
        }
        box.replaceChildren(sortable({
            caption: `points of ${series.title}`,
            heads: [
                {title: "Commit"}, {title: "Subject", left: true}, {title: "Measured"}, {title: "Value"},
                {title: "n"}, {title: "Dropped"}, {title: "Stolen"}, {title: "Control"},
                {title: "Branch", left: true}, {title: "Dirty", left: true}, {title: "Tool", left: true}
            ],
            rows
        }));
    }

    applyZoom() {
        const wanted = this.state().zoom.get(this.series.id);
        this.chart.setZoom(wanted === undefined ? null : wanted);
    }
    // Another axis, scale, range or theme.
    redraw() {
        this.chart.layOut();
        this.applyZoom();
        this.showLegend();
        this.showNotes();
    }
    // The same series as it is now.
    refresh(series) {
        this.series = series;
        this.setLines();
        this.chart.runs = this.page().runs;
        this.chart.chosen = null;
        this.chart.set(this.lines, series.unit);
        this.showTexts();
        this.applyZoom();
    }
    release() {
        this.chart.release();
    }
}

// Two series in one chart: as ratios to the median of what each was first, or, in the same unit, as they are.
const REFERENCE = 10; // points
function referenceOf(series) {
    const first = series.points.value.slice(0, REFERENCE).sort((a, b) => a - b);
    return first.length === 0 ? NaN : first[first.length >> 1];
}

export class Comparison {
    constructor({page, state, changed}) {
        Object.assign(this, {page, state, changed});
        this.selects = [0, 1].map((n) => {
            const select =
                el("select", {id: `compare-${n}`, "aria-label": n === 0 ? "first series" : "second series"});
            select.addEventListener("change", () => {
                state().compare[n] = select.value;
                state().zoom.delete("compare");
                changed(true);
            });
            return select;
        });
        this.raw = el("input", {type: "checkbox", id: "compare-raw"});
        this.raw.addEventListener("change", () => {
            state().raw = this.raw.checked;
            changed(true);
        });
        this.rawLabel = el("label", {class: "field"}, this.raw, " in their unit");
        this.text = el("p", {id: "compare-text"});
        this.legend = el("ul", {class: "legend"});
        this.panel = new PointPanel(KEYS_HINT);
        this.chart = null;
        this.chartBox = el("div");
        this.element = el("section", {id: "compare", "aria-labelledby": "compare-title", hidden: true},
            el("div", {class: "bar"}, el("h2", {id: "compare-title", tabindex: "-1"}, "Comparison"),
                el("button", {
                    type: "button",
                    class: "small controls",
                    onclick: () => {
                        state().compare = ["", ""];
                        state().zoom.delete("compare");
                        changed(true);
                        document.getElementById("overview-title").focus();
                    }
                },
                    "✕ Close")),
            el("div", {class: "bar controls"}, ...this.selects, this.rawLabel), this.text, this.chartBox,
            this.legend, el("div", {class: "under"}, zoomButtons(() => this.chart)), this.panel.element);
    }

    fillSelects() {
        const all = this.page().series.slice().sort((a, b) => a.title.localeCompare(b.title, "en"));
        this.selects.forEach((select, n) => {
            select.replaceChildren(el("option", {value: ""}, n === 0 ? "a series …" : "and another one …"),
                ...all.map((series) => el("option", {value: series.id}, series.full)));
        });
        this.filled = this.page();
    }

    show() {
        const {compare} = this.state();
        const picked = compare.map((id) => this.page().byId.get(id) || null);
        this.element.hidden = compare.every((id) => id === "");
        if (this.element.hidden) {
            this.drop();
            return;
        }
        if (this.filled !== this.page()) {
            this.fillSelects();
        }
        this.selects.forEach((select, n) => { select.value = picked[n] === null ? "" : picked[n].id; });
        const [a, b] = picked;
        const both = a !== null && b !== null;
        const same = both && a.unit === b.unit;
        this.raw.disabled = !same;
        this.raw.checked = same && this.state().raw;
        this.chartBox.hidden = this.legend.hidden = this.panel.element.hidden = !both;
        this.element.querySelector(".under").hidden = !both;
        if (!both) {
            const missing = compare.some((id, n) => id !== "" && picked[n] === null);
            setText(this.text,
                missing ? "A series of this link is not in this page."
                        : "Choose two series, here or by their own buttons “Compare”.");
            this.drop();
            return;
        }
        const raw = this.raw.checked;
        const by = picked.map((series) => raw ? 1 : referenceOf(series));
        if (by.some((each) => !(each > 0))) {
            setText(this.text, "They cannot be compared as ratios: one of them begins at 0 or below.");
            this.chartBox.hidden = true;
            this.drop();
            return;
        }
        setText(this.text,
            [
                raw ? `In ${a.unit || "their unit"}.`
                    : `Each as a ratio to the median of its first ${REFERENCE} points.`,
                `Now: ${
                    picked
                        .map((series, n) =>
                                 raw ? valueText(series.last, series.unit) : changeText(series.last / by[n]))
                        .join(" and ")}`,
                same ? `; the second is ${againstText(b.last, a.last)} to the first.` : "."
            ].join(" ")
                .replace(" ;", ";")
                .replace(" .", "."));
        const lines = picked.map((series, n) => ({series, color: n, by: by[n], band: true}));
        this.legend.replaceChildren(...lines.map(
            ({series, color}) => el("li", {}, lineMark(color), el("span", {class: "subject"}, series.full))));
        const unit = raw ? a.unit : "ratio";
        if (this.chart === null) {
            this.chart = new HistoryChart({
                label: "",
                lines,
                runs: this.page().runs,
                unit,
                facts: false,
                options: () => ({byTime: this.state().time, log: this.state().log, hidden: new Set()}),
                onPoint: (line, i, said) => {
                    const of = this.chart.lines[line].series;
                    this.panel.show(of, i, this.page().runs, of.full, said);
                },
                onZoom: (zoom) => {
                    if (zoom === null) {
                        this.state().zoom.delete("compare");
                    } else {
                        this.state().zoom.set("compare", zoom);
                    }
                    this.changed(false);
                }
            });
            this.chartBox.replaceChildren(this.chart.element);
        } else {
            this.chart.runs = this.page().runs;
            this.chart.lines = lines;
            this.chart.unit = unit;
            this.chart.chosen = null;
            this.chart.layOut();
        }
        setAttribute(this.chart.element, "aria-label",
            `${a.title} and ${b.title}: ${
                this.text.textContent} Arrow keys choose a point, up and down the line.`);
        const wanted = this.state().zoom.get("compare");
        this.chart.setZoom(wanted === undefined ? null : wanted);
    }
    drop() {
        if (this.chart !== null) {
            this.chart.release();
            this.chart = null;
            this.chartBox.replaceChildren();
        }
    }
}
