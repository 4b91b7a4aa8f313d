// SPDX-License-Identifier: MIT
// The overview: a row for each series, sorted and filtered, with a line of its past drawn once it is in sight;
// open ones have their details in a row beneath. One of the rows has the focus at a time: arrows go on from it.
import {byChange, judgedBy, moveOf, statusOf} from "./history_data.js";
import {againstText, dayText, intervalText, longId, moveText, shortId} from "./history_format.js";
import {el, setAttribute, setText} from "./live_dom.js";
import {UNKNOWN, known} from "./live_format.js";

const SPARK_WIDTH = 120, SPARK_HEIGHT = 28, SPARK_EDGE = 3; // px, as in history.css
const AT_ONCE = 60; // rows that are made before the first picture; the others follow it
const EACH_TIME = 150;
const SVG = "http://www.w3.org/2000/svg";

export function svg(name, attributes, ...children) {
    const made = document.createElementNS(SVG, name);
    Object.entries(attributes).forEach(([key, value]) => made.setAttribute(key, value));
    made.append(...children);
    return made;
}

// The past as one path: for each pixel across, from the least to the most of the values there.
export function sparkPath(values) {
    const n = values.length;
    let least = Infinity, most = -Infinity;
    for (const value of values) {
        least = Math.min(least, value);
        most = Math.max(most, value);
    }
    const height = most - least, wide = SPARK_WIDTH - 2 * SPARK_EDGE, high = SPARK_HEIGHT - 2 * SPARK_EDGE;
    const y = (value) =>
        (SPARK_HEIGHT - SPARK_EDGE - (height > 0 ? (value - least) / height : 0.5) * high).toFixed(1);
    const x = (i) => SPARK_EDGE + (n > 1 ? i / (n - 1) : 1) * wide;
    let path = "";
    if (n === 1) {
        path = `M${SPARK_EDGE} ${y(values[0])}L${x(0)} ${y(values[0])}`;
    } else if (n <= wide) {
        values.forEach((value, i) => { path += `${i === 0 ? "M" : "L"}${x(i).toFixed(1)} ${y(value)}`; });
    } else {
        let i = 0;
        for (let column = 0; column < wide; column++) {
            const end = Math.max(i + 1, Math.round((column + 1) * n / wide));
            let low = values[i], high1 = values[i];
            for (; i < end && i < n; i++) {
                low = Math.min(low, values[i]);
                high1 = Math.max(high1, values[i]);
            }
            const across = (SPARK_EDGE + column).toFixed(0);
            path += `${column === 0 ? "M" : "L"}${across} ${y(low)}L${across} ${y(high1)}`;
        }
    }
    return {path, x: (i) => x(i).toFixed(1), y};
}

function spark(series) {
    const values = series.points.value;
    if (values.length === 0) {
        return "";
    }
    const {path, x, y} = sparkPath(values), last = values.length - 1;
    return svg("svg", {viewBox: `0 0 ${SPARK_WIDTH} ${SPARK_HEIGHT}`, class: "spark", "aria-hidden": "true"},
        ...series.changes.map((change) => svg("path", {
            class: change.weight !== "counts"   ? "mark-small"
                : change.direction === "worse"  ? "mark-bad"
                : change.direction === "better" ? "mark-good"
                                                : "mark-small",
            d: `M${x(change.at)} 0V${SPARK_HEIGHT}`
        })),
        svg("path", {class: "line", d: path}), svg("circle", {cx: x(last), cy: y(values[last]), r: "2.5"}));
}

function changedAt(series) {
    const counted = series.changes.filter((change) => change.weight === "counts");
    return counted.length > 0 ? counted[counted.length - 1] : null;
}

const ratioOf = (a, b) => known(a) && known(b) && b > 0 ? a / b : NaN;
const lastTo = (series, of) => ratioOf(series.last, series[of]);

export const COLUMNS = [
    {key: "status", title: "Status", left: true, compare: byChange, hint: "what changed most is first"},
    {key: "name", title: "Series", left: true, text: (series) => series.title}, {
        key: "change",
        title: "Change",
        value: judgedBy,
        hint:
            "the size of the change that the status is about; of what is suspected, the newest points to the level",
        text: (series) => moveText(moveOf(series), series.unit)
    },
    {
        key: "last",
        title: "Last",
        value: (series) => series.last,
        hint: "the newest value, with its interval",
        text: (series) => intervalText(series.last, series.lastLow, series.lastHigh, series.unit)
    },
    {
        key: "previous",
        title: "To previous",
        value: (series) => lastTo(series, "previous"),
        hint: "the newest value to the one before",
        text: (series) => againstText(series.last, series.previous)
    },
    {
        key: "baseline",
        title: "To baseline",
        extra: true,
        value: (series) => lastTo(series, "baseline"),
        hint: "the newest value to the baseline's level",
        text: (series) => againstText(series.last, series.baseline)
    },
    {
        key: "when",
        title: "Newest",
        extra: true,
        value: (series) => series.lastRun === null ? NaN : series.lastRun.ms,
        hint: "when the newest point was measured, and of which commit"
    },
    {key: "past", title: "Past", none: true}
];

export class List {
    // detailOf(series): element, made when it is opened; onToggle(series), onSort(key, down)
    constructor({table, detailOf, onToggle, onSort, wanted}) {
        Object.assign(this, {table, detailOf, onToggle, onSort, wanted});
        this.rows = new Map();
        this.details = new Map();
        this.order = [];
        this.made = 0;
        this.focusId = null;
        this.heads = new Map();
        const line = el("tr");
        for (const column of COLUMNS) {
            const head = el("th", {scope: "col", class: this.classOf(column), title: column.hint || null});
            head.append(column.none
                    ? el("span", {}, column.title)
                    : el("button", {type: "button", onclick: () => this.sortBy(column)}, column.title));
            this.heads.set(column.key, head);
            line.append(head);
        }
        this.body = el("tbody");
        table.append(el("caption", {class: "unseen"}, "All series"), el("thead", {}, line), this.body);
        this.body.addEventListener("keydown", (event) => this.key(event));
        this.body.addEventListener("click", (event) => {
            const row = event.target.closest("tr.row");
            if (row !== null && event.target.closest("a, button, input, select") === null &&
                String(getSelection()) === "") {
                this.onToggle(row.tareSeries);
            }
        });
        this.body.addEventListener("focusin", (event) => {
            const row = event.target.closest("tr.row");
            if (row !== null) {
                this.setFocusable(row.tareSeries.id);
            }
        });
        this.sight = new IntersectionObserver((seen) => {
            for (const each of seen) {
                if (each.isIntersecting) {
                    this.drawSpark(each.target.parentElement);
                }
            }
        }, {rootMargin: "200px"});
    }

    classOf(column) {
        return `c-${column.key}${column.left ? " n" : ""}${column.extra ? " extra" : ""}`;
    }
    sortBy(column) {
        const {sort, down} = this.wanted();
        // Names and statuses from the first on, figures from the largest on.
        this.onSort(column.key, sort === column.key ? !down : column.left !== true);
    }

    makeRow(series) {
        const name = el("button", {type: "button", class: "name", "aria-expanded": "false", tabindex: "-1"});
        name.addEventListener("click", () => this.onToggle(row.tareSeries));
        const row = el("tr", {class: "row"},
            ...COLUMNS.map((column) => column.key === "name"
                    ? el("th", {scope: "row", class: this.classOf(column)}, name, el("small", {class: "where"}))
                    : el("td", {class: this.classOf(column), "data-title": column.title})));
        row.tareName = name;
        const past = row.lastChild;
        past.append(el("div", {class: "spark-box"}));
        this.sight.observe(past.firstChild);
        this.rows.set(series.id, row);
        this.fill(row, series);
        return row;
    }
    fill(row, series) {
        if (row.tareSeries === series) {
            return;
        }
        row.tareSeries = series;
        const status = statusOf(series);
        COLUMNS.forEach((column, i) => {
            const cell = row.children[i];
            if (column.key === "status") {
                cell.replaceChildren(el("span", {class: `status ${status.tone}`},
                    el("span", {class: "sign", "aria-hidden": "true"}, status.sign), status.name));
                setAttribute(cell, "title", status.means);
            } else if (column.key === "name") {
                setText(row.tareName, series.title);
                setText(cell.lastChild, series.where);
            } else if (column.key === "when") {
                const run = series.lastRun;
                const text = run === null ? UNKNOWN : [
                    dayText(run.ms), run.commit === null ? "" : shortId(run.commit.id)
                ].filter(Boolean).join(" ");
                setText(cell, text);
            } else if (column.text !== undefined) {
                setText(cell, column.text(series));
            }
        });
        const change = changedAt(series);
        const better = change === null ? "" : change.direction;
        const cell = row.querySelector(".c-change");
        const since = change === null ? null : change.likely || change.bad;
        setAttribute(cell, "title",
            since === null ? null : `since ${longId(since.id)} ${since.subject}`.slice(0, 300));
        cell.classList.toggle("bad", better === "worse" && series.status === "regressed");
        cell.classList.toggle("good", better === "better" && series.status === "improved");
        row.tareDrawn = false;
        if (row.tareSeen) {
            this.drawSpark(row.lastChild);
        }
    }
    drawSpark(cell) {
        const row = cell.parentElement;
        row.tareSeen = true;
        if (!row.tareDrawn) {
            row.tareDrawn = true;
            cell.firstChild.replaceChildren(spark(row.tareSeries));
        }
    }
    drawAll() {
        this.makeUpTo(this.order.length);
        this.rows.forEach((row) => {
            if (row.isConnected) {
                this.drawSpark(row.lastChild);
            }
        });
    }

    // all: those to show, in any order; open: ids.
    show(all, open) {
        const {sort, down} = this.wanted();
        const column = COLUMNS.find((each) => each.key === sort && !each.none) || COLUMNS[0];
        const order = all.slice();
        const way = down ? -1 : 1;
        if (column.compare) {
            order.sort((a, b) => way * column.compare(a, b) || textOrder.compare(a.title, b.title));
        } else if (column.value) {
            order.sort((a, b) => {
                const [x, y] = [column.value(a), column.value(b)];
                return !known(x) || !known(y) ? Number(!known(x)) - Number(!known(y)) || byChange(a, b)
                                              : way * (x - y) || byChange(a, b);
            });
        } else {
            order.sort((a, b) => way * textOrder.compare(column.text(a), column.text(b)));
        }
        this.heads.forEach((head, key) => setAttribute(head, "aria-sort",
                               key === column.key ? (down ? "descending" : "ascending") : null));
        const focused = document.activeElement;
        this.order = order;
        this.open = new Set(open);
        // As many as there were, or a page that is scrolled would jump; and what is open, as a link leads to
        // it.
        const least = order.reduce((last, series, i) => this.open.has(series.id) ? i + 1 : last, this.made);
        this.made = 0;
        const lines = this.linesUpTo(Math.max(AT_ONCE, least));
        if (lines.length !== this.body.children.length ||
            lines.some((line, i) => this.body.children[i] !== line)) {
            this.body.replaceChildren(...lines);
            if (focused !== null && focused !== document.activeElement && focused.isConnected) {
                focused.focus({preventScroll: true});
            }
        }
        if (order.length > 0 && !order.some((series) => series.id === this.focusId)) {
            this.setFocusable(order[0].id);
        } else if (this.focusId !== null) {
            this.setFocusable(this.focusId);
        }
        setAttribute(this.table, "aria-rowcount", String(order.length + 1));
        this.later();
    }
    later() {
        if (this.made < this.order.length && !this.waiting) {
            this.waiting = true;
            requestAnimationFrame(() => setTimeout(() => {
                this.waiting = false;
                this.makeUpTo(this.made + EACH_TIME);
                this.later();
            }));
        }
    }
    makeUpTo(count) {
        if (count > this.made) {
            this.body.append(...this.linesUpTo(count));
        }
    }
    linesUpTo(count) {
        const lines = [];
        for (; this.made < Math.min(count, this.order.length); this.made++) {
            const series = this.order[this.made];
            const row = this.rows.get(series.id) || this.makeRow(series);
            this.fill(row, series);
            const isOpen = this.open.has(series.id);
            setAttribute(row.tareName, "aria-expanded", String(isOpen));
            row.classList.toggle("open", isOpen);
            lines.push(row);
            if (isOpen) {
                let detail = this.details.get(series.id);
                if (detail === undefined) {
                    detail = el("tr", {class: "detail"}, el("td", {colspan: COLUMNS.length}));
                    this.details.set(series.id, detail);
                }
                const made = this.detailOf(series);
                if (detail.firstChild.firstChild !== made) {
                    detail.firstChild.replaceChildren(made);
                }
                lines.push(detail);
            } else {
                this.details.delete(series.id);
            }
        }
        return lines;
    }

    setFocusable(id) {
        if (this.focusId !== id) {
            const before = this.rows.get(this.focusId);
            if (before !== undefined) {
                setAttribute(before.tareName, "tabindex", "-1");
            }
            this.focusId = id;
        }
        const row = this.rows.get(id);
        if (row !== undefined) {
            setAttribute(row.tareName, "tabindex", "0");
        }
    }
    focus(id) {
        const n = this.order.findIndex((series) => series.id === id);
        if (n >= 0) {
            this.makeUpTo(n + 1);
            this.setFocusable(id);
            this.rows.get(id).tareName.focus();
            this.rows.get(id).scrollIntoView({block: "nearest"});
        }
    }
    key(event) {
        if (!event.target.classList.contains("name") || event.ctrlKey || event.altKey || event.metaKey) {
            return;
        }
        const now = this.order.findIndex((series) => series.id === event.target.closest("tr").tareSeries.id);
        const last = this.order.length - 1;
        const next = {
            ArrowDown: Math.min(last, now + 1),
            ArrowUp: Math.max(0, now - 1),
            PageDown: Math.min(last, now + 10),
            PageUp: Math.max(0, now - 10),
            Home: 0,
            End: last
        }[event.key];
        if (next !== undefined) {
            event.preventDefault();
            this.focus(this.order[next].id);
        }
    }
}

const textOrder = new Intl.Collator("en", {numeric: true});

// A table of text cells that is sorted by its heads: [[cell...]...]; a cell is text, or {text, value}, or an
// element.
export function sortable({caption, heads, rows, className}) {
    const body = el("tbody");
    const keyOf = (cell) => cell === null || typeof cell !== "object" ? cell
        : cell instanceof Node                                        ? cell.textContent
                                                                      : cell.value;
    let by = -1, down = false;
    const fillBody = () => {
        const order = by < 0 ? rows : rows.slice().sort((a, b) => {
            const [x, y] = [keyOf(a[by]), keyOf(b[by])];
            if (typeof x === "number" && typeof y === "number") {
                return !known(x) || !known(y) ? Number(!known(x)) - Number(!known(y)) : (down ? y - x : x - y);
            }
            return (down ? -1 : 1) * textOrder.compare(String(x), String(y));
        });
        body.replaceChildren(...order.map(
            (cells) => el("tr", {},
                ...cells.map((cell, i) => el(i === 0 ? "th" : "td",
                                 i === 0 ? {scope: "row", class: "n"} : {class: heads[i].left ? "n" : null},
                                 cell instanceof Node                            ? cell
                                     : cell !== null && typeof cell === "object" ? cell.text
                                                                                 : cell)))));
    };
    const line = el("tr", {}, ...heads.map((head, i) => {
        const made = el("th", {scope: "col", class: i === 0 || head.left ? "n" : null},
            el("button", {
                type: "button",
                onclick: () => {
                    down = by === i ? !down : i > 0 && !head.left;
                    by = i;
                    [...line.children].forEach((each, n) => setAttribute(each, "aria-sort",
                                                   n === by ? (down ? "descending" : "ascending") : null));
                    fillBody();
                }
            },
                head.title));
        return made;
    }));
    fillBody();
    return el("div", {class: "wide", role: "region", tabindex: "0", "aria-label": caption},
        el("table", {class: className || null}, el("caption", {class: "unseen"}, caption),
            el("thead", {}, line), body));
}
