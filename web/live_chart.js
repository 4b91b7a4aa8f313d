// SPDX-License-Identifier: MIT
// Charts by uPlot (a global: build.js puts it in front), each with a table of the same figures beside it. What
// a canvas shows nobody's screen reader tells; the table is for everybody.
import {el, setText} from "./live_dom.js";
import {known} from "./live_format.js";

/* global uPlot */
const HEIGHT = 170, HIGH = 240, WIDE = 800; // px
function heightOf(width) {
    return width > WIDE ? HIGH : HEIGHT;
}
const DASHES = [[], [], [6, 4], [2, 3], [10, 3], [4, 2]];
const POWERS = Array.from({length: 64}, (_, i) => 2 ** i);
const ROWS_MOST = 60; // of the table of all points

function theme() {
    const style = getComputedStyle(document.documentElement);
    const of = (name) => style.getPropertyValue(name).trim();
    return {
        ink: of("--quiet"),
        grid: of("--grid"),
        bad: of("--bad"),
        series: [0, 1, 2, 3, 4, 5, 6, 7].map((i) => of("--s" + i))
    };
}

export function clock(seconds) {
    return new Date(seconds * 1000).toLocaleTimeString("en-GB");
}

// From 0, or from what is below it, with room above; around 0 if nothing is known.
function range(self, low, high) {
    if (!known(low) || !known(high)) {
        return [0, 1];
    }
    const least = Math.min(0, low), most = Math.max(0, high);
    const room = (most - least) * 0.08 || 1;
    return [low < 0 ? least - room : 0, high > 0 ? most + room : room];
}

// The frame around all kinds of charts: heading, plot, figures, all points.
class Card {
    constructor({title, note, remove}) {
        const heading = el("h3", {}, title);
        if (note) {
            heading.append(" ", el("small", {class: "quiet"}, note));
        }
        this.plotBox = el("div", {class: "plot", "aria-hidden": "true"});
        this.figures = el("tbody");
        this.figuresHead = el("tr");
        this.points = el("tbody");
        this.pointsHead = el("tr");
        this.details =
            el("details", {ontoggle: () => this.showPoints()}, el("summary", {}, "All points as a table"),
                el("div", {class: "wide", role: "region", tabindex: "0", "aria-label": `points of ${title}`},
                    el("table", {}, el("caption", {class: "unseen"}, `${title}: the last points`),
                        el("thead", {}, this.pointsHead), this.points)));
        this.element = el("figure", {class: "chart", "aria-label": title},
            el("figcaption", {}, heading,
                remove ? el("button", {
                    type: "button",
                    onclick: remove,
                    "aria-label": `remove the chart of ${title}`,
                    title: "remove this chart"
                },
                             "✕")
                       : ""),
            this.plotBox,
            el("table", {}, el("caption", {class: "unseen"}, `${title}: figures of what is shown`),
                el("thead", {}, this.figuresHead), this.figures),
            this.details);
        this.plot = null;
        this.inSight = true;
        this.sized = new ResizeObserver(() => {
            const width = this.plotBox.clientWidth;
            if (this.plot !== null && width > 0 && width !== this.plot.width) {
                this.plot.setSize({width, height: heightOf(width)});
            }
        });
        this.sized.observe(this.plotBox);
        this.sight = new IntersectionObserver((entries) => {
            this.inSight = entries[entries.length - 1].isIntersecting;
            if (this.inSight) {
                this.draw();
            }
        }, {rootMargin: "50px"});
        this.sight.observe(this.element);
    }

    setData(data) {
        if (this.plot === null) {
            const width = this.plotBox.clientWidth;
            if (width > 0) {
                this.plot = new uPlot(this.options(width), data, this.plotBox);
            }
        } else {
            this.plot.setData(data);
        }
    }

    // Colours are those of the moment in which a plot is made.
    retheme() {
        if (this.plot !== null) {
            this.plot.destroy();
            this.plot = null;
        }
        this.draw();
    }

    release() {
        this.sized.disconnect();
        this.sight.disconnect();
        if (this.plot !== null) {
            this.plot.destroy();
        }
        this.element.remove();
    }

    // Sets a table's rows: the same cells as long as there are as many.
    fill(body, rows, marks) {
        while (body.rows.length > rows.length) {
            body.lastChild.remove();
        }
        rows.forEach((cells, r) => {
            let line = body.rows[r];
            if (line === undefined) {
                line = el("tr");
                cells.forEach((_, c) => line.append(c === 0 ? el("th", {scope: "row", class: "n"}) : el("td")));
                body.append(line);
                if (marks) {
                    line.firstChild.append(el("span", {class: marks[r], "aria-hidden": "true"}), el("span"));
                }
            }
            cells.forEach(
                (text, c) => setText(c === 0 && marks ? line.firstChild.lastChild : line.children[c], text));
        });
    }
    head(row, titles) {
        if (row.children.length !== titles.length) {
            row.replaceChildren(...titles.map((_, c) => el("th", {scope: "col", class: c === 0 ? "n" : null})));
        }
        titles.forEach((title, c) => setText(row.children[c], title));
    }

    // `binary`: of bytes, whose units are powers of two.
    axes(look, show, time, binary) {
        const common = {
            stroke: look.ink,
            grid: {stroke: look.grid, width: 1},
            ticks: {stroke: look.grid, width: 1},
            font: "12px system-ui, sans-serif"
        };
        return [
            {
                ...common,
                space: 70,
                values: time ? (self, at) => at.map(clock) : (self, at) => at.map((n) => String(n))
            },
            {
                ...common,
                size: 80,
                values: (self, at) => at.map((value) => show(value)),
                ...(binary ? {incrs: POWERS} : {})
            }
        ];
    }
}

// Series over the last time.
export class TimeChart extends Card {
    // series: [{key, label}] of the history; show(value): text with a unit; stacked: areas on top of each other
    // span: () => seconds; until: () => when it is frozen, or null
    constructor({title, note, series, show, stacked, binary, history, span, until, remove}) {
        super({title, note, remove});
        this.binary = binary === true;
        this.series = series;
        this.show = show;
        this.stacked = stacked === true;
        this.history = history;
        this.span = span;
        this.until = until;
        this.times = [];
        this.values = series.map(() => []);
        this.stack = series.map(() => []);
        this.cursor = null;
        this.now = 0;
        this.head(this.pointsHead, ["time", ...series.map((each) => each.label)]);
        this.draw();
    }

    options(width) {
        const look = theme();
        const options = {
            width,
            height: heightOf(width),
            legend: {show: false},
            pxAlign: 0,
            cursor: {y: false, drag: {x: false, y: false}, points: {size: 6}},
            scales: {
                x: {time: true, range: () => [this.now - this.span(), this.now]},
                y: {range: this.stacked ? () => [0, 1] : range}
            },
            axes: this.axes(look, this.show, true, this.binary),
            series: [
                {}, ...this.series.map((each, i) => ({
                    label: String(i),
                    stroke: look.series[i % 8],
                    width: 2,
                    dash: DASHES[i % DASHES.length],
                    spanGaps: false,
                    points: {show: false},
                    fill: this.stacked ? look.series[i % 8] + "55" : undefined
                }))
            ],
            hooks: {
                setCursor: [(self) => {
                    const at = self.cursor.idx;
                    const now = at === null || at === undefined || self.cursor.left < 0 ? null : at;
                    if (now !== this.cursor) {
                        this.cursor = now;
                        this.showFigures();
                    }
                }]
            }
        };
        return options;
    }

    // `all`: also out of sight.
    draw(all) {
        if ((!this.inSight && all !== true) || !this.element.isConnected) {
            return;
        }
        // Frozen, it stays as it is, also when the past has gone on beyond that.
        const now = this.until() ?? this.history.last();
        if (now !== this.now || this.times.length === 0 || this.drawnSpan !== this.span()) {
            this.drawnSpan = this.span();
            this.now = now;
            this.history.copy(
                this.series.map((each) => each.key), this.now - this.span(), this.now, this.times, this.values);
        }
        let drawn = this.values;
        if (this.stacked) {
            drawn = this.stack;
            this.times.forEach((_, i) => {
                let sum = 0;
                this.series.forEach((each, s) => {
                    const value = this.values[s][i];
                    sum = value === null ? sum : sum + value;
                    this.stack[s][i] = value === null ? null : sum;
                });
            });
            this.stack.forEach((column) => { column.length = this.times.length; });
        }
        this.setData([this.times, ...drawn]);
        this.showFigures();
        this.showPoints();
    }

    showFigures() {
        const last = this.times.length - 1;
        const at = this.cursor !== null && this.cursor <= last ? this.cursor : last;
        const when = this.cursor === null || last < 0 ? "now" : "at " + clock(this.times[at]);
        this.head(this.figuresHead, ["", when, "mean", "min", "max"]);
        this.fill(this.figures, this.series.map((each, s) => {
            let sum = 0, n = 0, least = Infinity, most = -Infinity;
            for (const value of this.values[s]) {
                if (value !== null) {
                    sum += value;
                    n++;
                    least = Math.min(least, value);
                    most = Math.max(most, value);
                }
            }
            const value = at >= 0 ? this.values[s][at] : null;
            return [
                each.label, this.show(value),
                ...[sum / n, least, most].map((figure) => this.show(n > 0 ? figure : null))
            ];
        }),
            this.series.map((_, i) => `mark c${i % 8} dash${Math.max(0, (i % 6) - 1)}`));
    }

    showPoints() {
        if (!this.details.open) {
            return;
        }
        const rows = [];
        for (let i = this.times.length - 1; i >= 0 && rows.length < ROWS_MOST; i--) {
            rows.push([clock(this.times[i]), ...this.values.map((column) => this.show(column[i]))]);
        }
        this.fill(this.points, rows);
    }
}

// The last frames one by one; slow ones stand out by colour and by a ring around them.
export class FrameChart extends Card {
    // frames: () => {list: [{number, ns, slow}], over: ns or null}
    constructor({title, note, frames, show}) {
        super({title, note});
        this.frames = frames;
        this.show = show;
        this.head(this.pointsHead, ["frame", "time", "slow"]);
        this.head(this.figuresHead, ["", "last", "mean", "min", "max"]);
    }

    options(width) {
        const look = theme();
        return {
            width,
            height: heightOf(width),
            legend: {show: false},
            pxAlign: 0,
            cursor: {y: false, drag: {x: false, y: false}, points: {show: false}},
            scales: {x: {time: false}, y: {range}},
            axes: this.axes(look, this.show, false),
            series: [
                {}, {stroke: look.series[0], width: 1.5, points: {show: false}}, {
                    stroke: look.bad,
                    width: 0,
                    paths: () => null,
                    points: {show: true, size: 9, width: 2, stroke: look.bad, fill: "transparent"}
                },
                {stroke: look.series[1], width: 1.5, dash: [6, 4], points: {show: false}}
            ]
        };
    }

    draw(all) {
        if ((!this.inSight && all !== true) || !this.element.isConnected) {
            return;
        }
        const {list, over} = this.frames();
        this.list = list;
        const line = known(over) ? over : null;
        // No line across frames that were not seen.
        const points = list.flatMap((frame, i) => i > 0 && frame.number > list[i - 1].number + 1
                ? [{number: frame.number - 0.5, ns: null, slow: false}, frame]
                : [frame]);
        this.setData([
            points.map((frame) => frame.number), points.map((frame) => known(frame.ns) ? frame.ns : null),
            points.map((frame) => frame.slow ? frame.ns : null), points.map(() => line)
        ]);
        const figures = (label, some) => {
            const times = some.map((frame) => frame.ns).filter(known), n = times.length;
            if (n === 0) {
                return [label, ...Array(4).fill(this.show(null))];
            }
            const sum = times.reduce((a, b) => a + b, 0);
            return [label, ...[times[n - 1], sum / n, Math.min(...times), Math.max(...times)].map(this.show)];
        };
        const slow = list.filter((frame) => frame.slow);
        this.fill(this.figures,
            [
                figures(`${list.length} frames`, list), figures(`${slow.length} slow`, slow),
                ["slow is over", this.show(line), "", "", ""]
            ],
            ["mark c0", "mark dot bad", "mark c1 dash1"]);
        this.showPoints();
    }

    showPoints() {
        if (this.details.open && this.list) {
            this.fill(this.points,
                this.list.slice(-ROWS_MOST)
                    .reverse()
                    .map((frame) => [String(frame.number), this.show(frame.ns), frame.slow ? "slow" : ""]));
        }
    }
}
