// SPDX-License-Identifier: MIT
// The dashboard's charts by uPlot (a global: build.js puts it in front): lines of series over commits or time,
// with what is known of them drawn in. What a canvas shows no screen reader tells: beside each chart stand the
// chosen point in words, the changes and all points as tables (history_detail.js).
import {at} from "./history_data.js";
import {axisTexts, chanceText, dayText, moveText, shortId, valueText} from "./history_format.js";
import {el} from "./live_dom.js";
import {known} from "./live_format.js";

/* global uPlot */
const CHART_HEIGHT = 300, CHART_LOW = 240, CHART_NARROW = 500; // px
const PRINT_WIDTH = 660; // px of A4 and of Letter, in margins
export const LINE_DASHES = [[], [8, 4], [2, 3], [10, 3, 2, 3], [5, 2], [14, 4], [1, 4], [8, 2, 2, 2, 2, 2]];
const FAR = 2; // a limit so many heights of the data away, and 30 % of it, is said, not drawn

export const look = {
    printing: false
};
function colours() {
    const style = getComputedStyle(document.documentElement);
    const of = (name) => style.getPropertyValue(name).trim();
    return {
        ink: of("--ink"),
        quiet: of("--quiet"),
        grid: of("--grid"),
        paper: of("--paper"),
        bad: of("--bad"),
        good: of("--good"),
        warn: of("--warn"),
        lines: [0, 1, 2, 3, 4, 5, 6, 7].map((i) => of("--s" + i))
    };
}

// Where points stand. By commits: a place for each, in the order of the first line, into which what others know
// is put; points of one commit stand beside each other within it. By time: of the commit, else of the
// measuring.
function placesByTime(entries) {
    for (const entry of entries) {
        const {commit, ms} = entry.run;
        entry.x = (commit !== null && known(commit.ms) ? commit.ms : known(ms) ? ms : 0) / 1000;
    }
    return null;
}
function placesByCommit(entries) {
    const every = (of) => entries.every(({run}) => run.commit !== null && known(of(run.commit)));
    const key = every((commit) => commit.ordinal) ? (run) => run.commit.ordinal
        : every((commit) => commit.ms)            ? (run) => run.commit.ms
                                                  : (run) => known(run.ms) ? run.ms : 0;
    const places = [], byName = new Map();
    let most = -Infinity, before = null, line = -1;
    for (const entry of entries) {
        if (entry.line !== line) {
            before = null;
            line = entry.line;
        }
        const name = entry.run.commit || entry.run;
        // The first line has its own order, whatever the keys say: its changes are at places of it.
        most = line === 0 ? Math.max(most, key(entry.run)) : key(entry.run);
        let place = byName.get(name);
        if (place === undefined || (line === 0 && before !== null && place !== before)) {
            place = {key: most, order: places.length, run: entry.run, counts: []};
            places.push(place);
            byName.set(name, place);
        }
        entry.place = place;
        entry.nth = place.counts[line] = (place.counts[line] || 0) + 1;
        before = place;
    }
    places.sort((a, b) => a.key - b.key || a.order - b.order);
    places.forEach((place, i) => { place.x = i; });
    for (const entry of entries) {
        entry.x = entry.place.x + 0.8 * (entry.nth - 1) / entry.place.counts[entry.line];
    }
    return places;
}

export function layOut(lines, runs, byTime) {
    const entries = [];
    lines.forEach(({series}, line) => {
        for (let i = 0; i < series.points.count; i++) {
            entries.push({line, i, run: runs.of(series.points.run[i]), x: 0, place: null, nth: 0});
        }
    });
    const places = byTime ? placesByTime(entries) : placesByCommit(entries);
    // No two points of a line at one x: one of them could not be drawn.
    entries.sort((a, b) => a.x - b.x || a.line - b.line || a.i - b.i);
    const lastOf = [];
    for (const entry of entries) {
        const last = lastOf[entry.line];
        if (last !== undefined && entry.x <= last) {
            entry.x = last + 0.001;
        }
        lastOf[entry.line] = entry.x;
    }
    entries.sort((a, b) => a.x - b.x || a.line - b.line);
    const xs = [], ofX = [];
    const xOf = lines.map(({series}) => new Float64Array(series.points.count));
    const order = lines.map(() => []); // points from left to right
    for (const entry of entries) {
        if (xs.length === 0 || xs[xs.length - 1] !== entry.x) {
            xs.push(entry.x);
            ofX.push([]);
        }
        ofX[ofX.length - 1].push(entry);
        xOf[entry.line][entry.i] = entry.x;
        order[entry.line].push(entry.i);
    }
    return {xs, ofX, xOf, order, places, byTime};
}

export class HistoryChart {
    // lines: [{series, color, by (what values are divided by), band}]; of the first one changes, levels, limits
    // are drawn if `facts`. options: () => {byTime, log, hidden: Set of indices}. onPoint(line, i, said):
    // chosen; onZoom(range): keys of the points at both ends, or null
    constructor({label, lines, runs, unit, facts, options, onPoint, onZoom, onDrawn}) {
        Object.assign(this, {lines, runs, unit, facts, options, onPoint, onZoom, onDrawn});
        this.plot = null;
        this.view = null; // what of x is shown; null: all
        this.zoom = null; // the same, as keys of points
        this.chosen = null;
        this.notes = [];
        this.box = el("div", {class: "plot", "aria-hidden": "true"});
        this.element = el("div", {
            class: "chart-box",
            tabindex: "0",
            role: "group",
            "aria-roledescription": "chart",
            "aria-label": label
        },
            this.box);
        this.element.addEventListener("keydown", (event) => this.key(event));
        this.box.addEventListener("wheel", (event) => this.wheel(event), {passive: false});
        this.sized = new ResizeObserver(() => {
            const width = this.box.clientWidth;
            if (!look.printing && width > 0 && (this.plot === null || width !== this.plot.width)) {
                this.draw();
            }
        });
        this.sized.observe(this.box);
        this.layOut();
    }

    set(lines, unit) {
        this.lines = lines;
        this.unit = unit;
        this.layOut();
        this.setZoom(this.zoom);
    }

    layOut() {
        const {byTime} = this.options();
        this.at = layOut(this.lines, this.runs, byTime);
    }

    span() {
        const {xs} = this.at;
        const first = xs[0] ?? 0, last = xs[xs.length - 1] ?? 1;
        const room = this.at.byTime ? (last - first) * 0.02 || 3600 : 0.6;
        return [first - room, last + room];
    }
    range() {
        return this.view || this.span();
    }

    // When a point was measured, and which of those it is that were then: by that it is found again when there
    // are more points, or another axis.
    keysOf({series}) {
        const seen = new Map();
        return Array.from(series.points.run, (index) => {
            const {ms} = this.runs.of(index), nth = seen.get(ms) || 0;
            seen.set(ms, nth + 1);
            return `${known(ms) ? ms.toString(36) : ""}${nth > 0 ? `.${nth}` : ""}`;
        });
    }
    keyOf({line, i}) {
        return this.keysOf(this.lines[line])[i];
    }
    placeOf(key) {
        const all = this.lines.map((line, n) => this.at.xOf[n][this.keysOf(line).indexOf(key)]);
        return all.find((x) => x !== undefined);
    }
    setZoom(zoom) {
        this.zoom = null;
        this.view = null;
        if (zoom !== null) {
            const places = zoom.map((key) => this.placeOf(key));
            if (places.every((x) => x !== undefined)) {
                this.zoom = zoom;
                const [low, high] = [Math.min(...places), Math.max(...places)];
                const [first, last] = this.span();
                const room = this.at.byTime ? Math.max((high - low) * 0.02, (last - first) / 1000) : 0.5;
                this.view = [low - room, high + room];
            }
        }
        this.draw();
    }
    show(low, high) {
        const [first, last] = this.span();
        const least = this.at.byTime ? (last - first) / Math.max(50, 4 * this.at.xs.length) : 2;
        const width = Math.max(least, high - low);
        const middle = (low + high) / 2;
        let from = middle - width / 2, to = middle + width / 2;
        if (width >= (last - first) * 0.999) {
            this.view = this.zoom = null;
        } else {
            if (from < first) {
                [from, to] = [first, first + width];
            } else if (to > last) {
                [from, to] = [last - width, last];
            }
            this.view = [from, to];
            const inside =
                this.at.xs.map((x, k) => k).filter((k) => this.at.xs[k] >= from && this.at.xs[k] <= to);
            this.zoom = inside.length === 0
                ? null
                : [inside[0], inside[inside.length - 1]].map((k) => this.keyOf(this.at.ofX[k][0]));
        }
        this.redraw();
        this.onZoom(this.zoom);
    }
    zoomBy(factor, about) {
        const [low, high] = this.range();
        const middle =
            about ?? (this.chosen !== null && this.inView(this.chosenX()) ? this.chosenX() : (low + high) / 2);
        this.show(middle - (middle - low) * factor, middle + (high - middle) * factor);
    }
    zoomOut() {
        this.view = this.zoom = null;
        this.redraw();
        this.onZoom(null);
    }
    chosenX() {
        return this.at.xOf[this.chosen.line][this.chosen.i];
    }
    inView(x) {
        const [low, high] = this.range();
        return x >= low && x <= high;
    }

    key(event) {
        if (event.ctrlKey || event.altKey || event.metaKey || event.target !== this.element) {
            return;
        }
        const moves = {ArrowLeft: -1, ArrowRight: 1, PageUp: -10, PageDown: 10, Home: -Infinity, End: Infinity};
        if (event.key in moves) {
            this.move(moves[event.key]);
        } else if (event.key === "ArrowUp" || event.key === "ArrowDown") {
            this.otherLine(event.key === "ArrowUp" ? -1 : 1);
        } else if (event.key === "+" || event.key === "=") {
            this.zoomBy(0.6);
        } else if (event.key === "-") {
            this.zoomBy(1 / 0.6);
        } else if (event.key === "0") {
            this.zoomOut();
        } else {
            return;
        }
        event.preventDefault();
        event.stopPropagation();
    }
    move(by) {
        const line = this.chosen === null ? this.shown()[0] : this.chosen.line;
        const order = line === undefined ? [] : this.at.order[line];
        if (order.length === 0) {
            return;
        }
        const now =
            this.chosen === null ? (by < 0 ? order.length : order.length - 2) : order.indexOf(this.chosen.i);
        const next = Math.max(0, Math.min(order.length - 1, now + by));
        this.choose(line, order[next], true);
        const x = this.chosenX();
        if (!this.inView(x)) {
            const [low, high] = this.range(), width = high - low;
            const from = x < low ? x - 0.1 * width : x - 0.9 * width;
            this.show(from, from + width);
        }
    }
    otherLine(by) {
        const shown = this.shown();
        if (this.chosen === null || shown.length < 2) {
            this.move(0);
            return;
        }
        const line = shown[(shown.indexOf(this.chosen.line) + by + shown.length) % shown.length];
        const x = this.chosenX();
        const near = this.at.order[line].reduce((best, i) => best === -1 ||
                    Math.abs(this.at.xOf[line][i] - x) < Math.abs(this.at.xOf[line][best] - x)
                ? i
                : best,
            -1);
        if (near >= 0) {
            this.choose(line, near, true);
        }
    }
    shown() {
        const {hidden} = this.options();
        return this.lines.map((_, i) => i)
            .filter((i) => !hidden.has(i) && this.lines[i].series.points.count > 0);
    }
    choose(line, i, said) {
        if (this.chosen !== null && this.chosen.line === line && this.chosen.i === i && !said) {
            return;
        }
        this.chosen = {line, i};
        this.showDot();
        this.onPoint(line, i, said === true);
    }

    // A wheel is for the page, unless the chart has the focus, or Ctrl says that it is meant.
    wheel(event) {
        if (this.plot === null ||
            !(event.ctrlKey || event.metaKey || this.element.contains(document.activeElement))) {
            return;
        }
        event.preventDefault();
        const left = event.clientX - this.plot.over.getBoundingClientRect().left;
        this.zoomBy(event.deltaY < 0 ? 0.8 : 1.25, this.plot.posToVal(left, "x"));
    }

    value(line, i) {
        return this.lines[line].series.points.value[i] / this.lines[line].by;
    }
    data(log) {
        const {hidden} = this.options();
        const n = this.at.xs.length, columns = [this.at.xs];
        let below = 0;
        this.lines.forEach(({series, by, band}, line) => {
            const value = new Array(n).fill(null), low = new Array(n).fill(null),
                  high = new Array(n).fill(null);
            if (!hidden.has(line)) {
                this.at.ofX.forEach((entries, k) => {
                    for (const entry of entries) {
                        if (entry.line !== line) {
                            continue;
                        }
                        const {points} = series, v = points.value[entry.i] / by;
                        if (log && v <= 0) {
                            below++;
                            continue;
                        }
                        value[k] = v;
                        const [l, h] = [at(points.low, entry.i) / by, at(points.high, entry.i) / by];
                        if (band && known(l) && known(h)) {
                            low[k] = log && l <= 0 ? v : l;
                            high[k] = h;
                        }
                    }
                });
            }
            columns.push(value);
            if (band) {
                columns.push(low, high);
            }
        });
        this.below = below;
        return columns;
    }

    // From what is in view, with room for words above; limits that are near belong to it.
    rangeY(low, high, log) {
        let [least, most] = [low, high];
        if (!known(least) || !known(most)) {
            return log ? [1, 10] : [0, 1];
        }
        const height = Math.max(most - least, Math.abs(most) * 0.01, 1e-12);
        this.notes = [];
        for (const limit of this.limits()) {
            const far = Math.max(FAR * height, 0.3 * Math.max(Math.abs(low), Math.abs(high)));
            if (limit.value > high + far || limit.value < low - far || (log && limit.value <= 0)) {
                this.notes.push(limit);
            } else {
                [least, most] = [Math.min(least, limit.value), Math.max(most, limit.value)];
            }
        }
        if (log) {
            const factor = (most / least) ** 0.1 || 1.01;
            return [least / Math.max(factor, 1.005), most * Math.max(factor ** 2.2, 1.01)];
        }
        const room = (most - least) * 0.08 || Math.abs(most) * 0.01 || 1;
        // 0 is there if it is near; below it only if the data are.
        const from = least - room;
        return [least >= 0 && (from < 0 || least < (most - least) * 0.25) ? 0 : from, most + 2.6 * room];
    }
    limits() {
        const {hidden} = this.options();
        if (!this.facts || hidden.has(0) || this.lines.length === 0) {
            return [];
        }
        const {series} = this.lines[0], found = [];
        if (series.budget !== null) {
            const {target, targetText, critical, criticalText} = series.budget;
            if (known(target)) {
                found.push({kind: "target", value: target, text: targetText});
            }
            if (known(critical)) {
                found.push({kind: "critical", value: critical, text: criticalText});
            }
        }
        if (known(series.baseline)) {
            found.push({kind: "baseline", value: series.baseline, text: ""});
        }
        return found;
    }

    options4(width, height, k, log) {
        const c = this.colours = colours(), {byTime} = this.at;
        const series = [{}], bands = [];
        this.lines.forEach(({color, band}) => {
            const stroke = c.lines[color % 8];
            const width = (color === 0 ? 1.6 : 1.8) * k;
            series.push({
                stroke,
                width,
                dash: LINE_DASHES[color % 8].map((n) => n * k),
                spanGaps: true,
                points: {size: 5 * k, width: k, fill: stroke, stroke, space: 9 * k}
            });
            if (band) {
                const none = {stroke: "transparent", width: 0, spanGaps: true, points: {show: false}};
                series.push(none, {...none});
                bands.push({series: [series.length - 1, series.length - 2], fill: stroke + "38"});
            }
        });
        const axis = {
            stroke: c.quiet,
            grid: {stroke: c.grid, width: k},
            ticks: {stroke: c.grid, width: k, size: 5 * k},
            gap: 4 * k,
            font: `${12 * k}px system-ui, "DejaVu Sans", sans-serif`
        };
        const narrowTicks = (self, axisAt, min, max) => ticksBetween(min, max, Math.max(2, height / (45 * k)));
        return {
            width,
            height,
            legend: {show: false},
            padding: [8 * k, 14 * k, 0, 0],
            cursor: {
                y: false,
                drag: {x: true, y: false, setScale: false, dist: 4},
                points: {show: false},
                bind: {
                    dblclick: () => () => {
                        this.zoomOut();
                        return null;
                    }
                }
            },
            scales: {
                x: {time: byTime, range: () => this.range()},
                y: {distr: log ? 3 : 1, range: (self, low, high) => this.rangeY(low, high, log)}
            },
            axes: [
                byTime ? {...axis, space: 80 * k, size: 44 * k, values: (self, marks) => timeTicks(marks)} : {
                    ...axis,
                    space: 84 * k,
                    size: 44 * k,
                    incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 50000, 100000],
                    values: (self, marks) => marks.map((x) => this.placeText(x))
                },
                {
                    ...axis,
                    size: (self, texts) => Math.max(44 * k,
                        ...(texts || [])
                            .map((text) =>
                                     text === "" || text === null ? 0 : (String(text).length * 7.2 + 14) * k)),
                    space: 34 * k,
                    ...(log ? {
                        splits: (self, axisAt, min, max) =>
                            max / min < 20 ? narrowTicks(self, axisAt, min, max) : decades(min, max)
                    }
                            : {}),
                    filter: (self, marks) => marks,
                    values: (self, marks) => axisTexts(marks, this.unit, log)
                }
            ],
            series,
            bands,
            hooks: {
                drawClear: [(self) => this.under(self)],
                draw: [(self) => this.over(self, k)],
                setSelect: [(self) => {
                    const {left, width: wide} = self.select;
                    if (wide > 0) {
                        const [low, high] = [self.posToVal(left, "x"), self.posToVal(left + wide, "x")];
                        self.setSelect({left: 0, top: 0, width: 0, height: 0}, false);
                        this.show(low, high);
                    }
                }],
                setCursor: [(self) => this.hover(self)]
            }
        };
    }
    placeText(x) {
        const place = Number.isInteger(x) ? this.at.places[x] : undefined;
        if (place === undefined) {
            return "";
        }
        const {commit, ms} = place.run;
        const when = dayText(commit !== null && known(commit.ms) ? commit.ms : ms);
        return commit === null ? `–\n${when}` : `${shortId(commit.id)}\n${when}`;
    }

    draw() {
        if (this.plot !== null) {
            this.plot.destroy();
            this.plot = null;
        }
        this.box.replaceChildren();
        const wide = look.printing ? PRINT_WIDTH : this.box.clientWidth;
        if (wide <= 0) {
            return;
        }
        // For paper twice as large, which style shows at half its size: a screen's pixels are coarse there.
        const k = look.printing ? 2 : 1;
        const height = wide < CHART_NARROW ? CHART_LOW : CHART_HEIGHT;
        const log = this.options().log;
        this.element.classList.toggle("twice", k === 2);
        this.plot = new uPlot(this.options4(wide * k, height * k, k, log), this.data(log), this.box);
        this.dot = el("div", {class: "dot", hidden: true});
        this.plot.over.append(this.dot);
        this.showDot();
        this.onDrawn?.();
    }
    // The same data, another part of them.
    redraw() {
        if (this.plot === null) {
            this.draw();
        } else {
            const [min, max] = this.range();
            this.plot.setScale("x", {min, max});
            this.showDot();
        }
    }

    hover(self) {
        const {left, top, idx} = self.cursor;
        if (left < 0 || idx === null || idx === undefined) {
            return;
        }
        let best = null, nearest = Infinity;
        for (const line of this.shown()) {
            const order = this.at.order[line], xOf = this.at.xOf[line];
            const x = self.posToVal(left, "x");
            let low = 0, high = order.length - 1;
            while (low < high) {
                const middle = (low + high) >> 1;
                if (xOf[order[middle]] < x) {
                    low = middle + 1;
                } else {
                    high = middle;
                }
            }
            for (const k of [low - 1, low]) {
                const i = order[k];
                if (i === undefined) {
                    continue;
                }
                const across = Math.abs(self.valToPos(xOf[i], "x") - left);
                const down = Math.abs(self.valToPos(this.value(line, i), "y") - top);
                // Along x first: nobody aims at the height of a point.
                const far = across + 0.2 * (Number.isFinite(down) ? down : 1000);
                if (far < nearest) {
                    nearest = far;
                    best = [line, i];
                }
            }
        }
        if (best !== null) {
            this.choose(best[0], best[1], false);
        }
    }
    showDot() {
        if (this.plot === null || this.dot === undefined) {
            return;
        }
        const hidden = this.chosen === null || !this.shown().includes(this.chosen.line) ||
            this.at.xOf[this.chosen.line][this.chosen.i] === undefined || !this.inView(this.chosenX());
        this.dot.hidden = hidden;
        if (!hidden) {
            queueMicrotask(() => { // behind uPlot's own, which sets the scales
                if (this.plot !== null && this.chosen !== null) {
                    const x = this.plot.valToPos(this.chosenX(), "x");
                    const y = this.plot.valToPos(this.value(this.chosen.line, this.chosen.i), "y");
                    this.dot.style.transform = `translate(${x}px, ${y}px)`;
                }
            });
        }
    }

    // Between two points, where a change is.
    xBefore(i) {
        const x = this.at.xOf[0];
        return i > 0 ? (x[i - 1] + x[i]) / 2 : x[i] - (this.at.byTime ? 0 : 0.5);
    }

    // Beneath the lines: where a change may lie, and the levels between changes.
    under(self) {
        const {hidden} = this.options();
        if (!this.facts || hidden.has(0)) {
            return;
        }
        const {ctx, bbox} = self, {series} = this.lines[0];
        ctx.save();
        ctx.beginPath();
        ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
        ctx.clip();
        for (const change of series.changes) {
            const [left, right] =
                [this.xBefore(change.low), this.xBefore(change.high)].map((x) => self.valToPos(x, "x", true));
            ctx.fillStyle = this.colours.grid;
            ctx.fillRect(Math.min(left, right), bbox.top, Math.abs(right - left), bbox.height);
        }
        ctx.restore();
    }

    over(self, k) {
        const {hidden} = this.options();
        if (!this.facts || hidden.has(0) || this.at.xs.length === 0) {
            return;
        }
        const {ctx, bbox} = self, {series} = this.lines[0], ratio = uPlot.pxRatio, px = k * ratio;
        const c = this.colours, count = series.points.count;
        const [left, right, top, bottom] =
            [bbox.left, bbox.left + bbox.width, bbox.top, bbox.top + bbox.height];
        ctx.save();
        ctx.beginPath();
        ctx.rect(left, top, bbox.width, bbox.height);
        ctx.clip();
        ctx.textAlign = "left";
        ctx.textBaseline = "alphabetic";
        ctx.font = `${11.5 * px}px system-ui, "DejaVu Sans", sans-serif`;
        // Levels
        ctx.strokeStyle = c.ink;
        ctx.lineWidth = 1.5 * px;
        ctx.setLineDash([2 * px, 2 * px]);
        const steps = series.changes;
        steps.forEach((change, n) => {
            const next = n + 1 < steps.length ? steps[n + 1].at : count;
            const segments = n === 0 ? [[0, change.at, change.before], [change.at, next, change.after]]
                                     : [[change.at, next, change.after]];
            for (const [from, to, level] of change.drift ? [] : segments) {
                if (known(level) && to > from) {
                    const y = self.valToPos(level, "y", true);
                    ctx.beginPath();
                    ctx.moveTo(self.valToPos(this.at.xOf[0][from], "x", true), y);
                    ctx.lineTo(self.valToPos(this.at.xOf[0][to - 1], "x", true), y);
                    ctx.stroke();
                }
            }
        });
        // Limits
        const styles = {target: [c.warn, [8, 4]], critical: [c.bad, []], baseline: [c.good, [2, 4]]};
        const limits = this.limits().map(
            (limit) => ({...limit, far: this.notes.some((note) => note.kind === limit.kind)}));
        const placed = [];
        for (const limit of limits) {
            const [colour, dash] = styles[limit.kind];
            ctx.strokeStyle = ctx.fillStyle = colour;
            const y = limit.far ? (limit.value > 0 && self.scales.y.max < limit.value ? top : bottom)
                                : self.valToPos(limit.value, "y", true);
            if (!limit.far) {
                ctx.setLineDash(dash.map((n) => n * px));
                ctx.lineWidth = (limit.kind === "critical" ? 2 : 1.5) * px;
                ctx.beginPath();
                ctx.moveTo(left, y);
                ctx.lineTo(right, y);
                ctx.stroke();
            }
            const above = limit.far ? y === bottom : y - top > 34 * px;
            const text = `${limit.kind} ${limit.text.slice(0, 30) || valueText(limit.value, this.unit)}${
                limit.far ? (above ? " ↓" : " ↑") : ""}`;
            let yText = above ? y - 4 * px : y + 12 * px;
            const xText = left + 6 * px;
            while (placed.some((other) => Math.abs(other - yText) < 12 * px)) {
                yText += (above ? -13 : 13) * px;
            }
            placed.push(yText);
            halo(ctx, text, xText, yText, c.paper, px);
        }
        // Changes: a sign and its size beside the line, in the first row that has room.
        const rows = [-Infinity, -Infinity, -Infinity];
        for (const change of steps) {
            const x = self.valToPos(this.xBefore(change.at), "x", true);
            if (x < left - 1 || x > right + 1) {
                continue;
            }
            const counts = change.weight === "counts";
            ctx.strokeStyle = ctx.fillStyle = !counts ? c.quiet
                : change.direction === "worse"        ? c.bad
                : change.direction === "better"       ? c.good
                                                      : c.ink;
            ctx.setLineDash(counts ? [] : [4 * px, 3 * px]);
            ctx.lineWidth = (counts ? 2 : 1.2) * px;
            ctx.beginPath();
            ctx.moveTo(x, top);
            ctx.lineTo(x, bottom);
            ctx.stroke();
            const text = changeMark(change, series.unit);
            const wide = ctx.measureText(text).width, gap = 6 * px;
            const from = x + gap + wide <= right ? x + gap : x - gap - wide;
            const row = rows.findIndex((end) => end < from - gap);
            if (row >= 0) {
                rows[row] = from + wide;
                halo(ctx, text, from, top + (13 + 14 * row) * px, c.paper, px);
            }
        }
        ctx.restore();
    }

    release() {
        this.sized.disconnect();
        if (this.plot !== null) {
            this.plot.destroy();
            this.plot = null;
        }
    }
}

export function changeMark(change, unit) {
    const sign = change.direction === "worse" ? "✕" : change.direction === "better" ? "✓" : "◆";
    return `${sign} ${moveText(change, unit)}${change.drift ? " drift" : ""}, p ${chanceText(change.p)}`;
}

// Words that can be read on whatever is under them.
function halo(ctx, text, x, y, paper, px) {
    ctx.setLineDash([]);
    const stroke = ctx.strokeStyle, width = ctx.lineWidth;
    ctx.strokeStyle = paper;
    ctx.lineWidth = 4 * px;
    ctx.lineJoin = "round";
    ctx.strokeText(text, x, y);
    ctx.fillText(text, x, y);
    ctx.strokeStyle = stroke;
    ctx.lineWidth = width;
}

function ticksBetween(low, high, most) {
    const size = 10 ** Math.floor(Math.log10((high - low) / most));
    const step = [1, 2, 5, 10].map((n) => n * size).find((each) => (high - low) / each <= most) || 10 * size;
    const found = [];
    for (let n = Math.ceil(low / step); n * step <= high && found.length < 100; n++) {
        found.push(Number((n * step).toPrecision(12)));
    }
    return found;
}
function decades(low, high) {
    const found = [], first = Math.floor(Math.log10(low)), last = Math.ceil(Math.log10(high));
    const steps = last - first <= 3 ? [1, 2, 5] : [1];
    const jump = Math.max(1, Math.ceil((last - first) / 10));
    for (let e = first; e <= last; e += jump) {
        for (const n of steps) {
            const value = Number(`${n}e${e}`);
            if (value >= low && value <= high) {
                found.push(value);
            }
        }
    }
    return found;
}
function timeTicks(marks) {
    const close = marks.length > 1 && marks[1] - marks[0] < 86400;
    return marks.map((seconds, i) => {
        const date = new Date(Math.round(seconds / 60) * 60000); // of sums of fractions
        const clock =
            `${String(date.getHours()).padStart(2, "0")}:${String(date.getMinutes()).padStart(2, "0")}`;
        const day = dayText(seconds * 1000);
        const again = i > 0 && dayText(marks[i - 1] * 1000) === day;
        return close ? `${clock}\n${again ? "" : day}` : day;
    });
}
