// SPDX-License-Identifier: MIT
// A table of any number of rows of which only those in sight exist. Sorted by a press on a column's head; a row
// is an object with an `id`.
//
// While the pointer is over the rows, or one of their controls has the focus, rows keep their places, so that
// nobody presses what has just moved there. Rows have one height, which live.css gives, too: a greater one on
// narrow screens, where names take several lines.
import {el, setText, setAttribute} from "./live_dom.js";

// px, as tr.row in live.css
const ROW = 30, ROW_NARROW = 54;
const narrow = matchMedia("(max-width: 600px)");
const MORE = 4; // rows drawn beyond either edge
const FIRST = 24; // before the height of the box is known
let seen = null; // one observer for all boxes: what is out of sight is not drawn
function watchSight(box, table) {
    if (seen === null) {
        seen = new IntersectionObserver((entries) => {
            for (const entry of entries) {
                entry.target.tareTable.inSight = entry.isIntersecting;
                if (entry.isIntersecting) {
                    entry.target.tareTable.draw();
                }
            }
        }, {rootMargin: "100px"});
    }
    box.tareTable = table;
    seen.observe(box);
}

// Made once: localeCompare() with options makes one for each comparison.
const collator = new Intl.Collator("en", {numeric: true});
function compare(a, b) {
    if (typeof a === "string" || typeof b === "string") {
        return collator.compare(String(a), String(b));
    }
    return a - b;
}
function unknown(value) {
    return value === null || value === undefined || Number.isNaN(value);
}

function classes(column, name) {
    const all = [name || column.left ? "n" : "", column.extra ? "extra" : "", column.last ? "last" : "",
        column.wraps ? "wraps" : ""];
    return all.filter((each) => each !== "").join(" ") || null;
}

export class Table {
    // columns: [{key, title, hint, name, left, text(row), value(row), make(cell), update(row, cell, other)}]
    // One is the row's name; `left` is text, not a figure. `value` sorts; without it the column cannot be
    // sorted by. `make` fills a cell once, `update` sets what it shows, `other` than before or again of the
    // same row; without them it is `text`. `extra` is not there on narrow screens; `wraps` takes lines there;
    // `last` is always in sight, at the right. `note` stands above the table. fold: {of(row), text(many)}: rows
    // that are there only when they are asked for, or looked for.
    constructor({id, caption, note, columns, sort, down, press, none, fold}) {
        this.columns = columns;
        this.rows = [];
        this.order = [];
        this.filter = () => true;
        this.filtered = false;
        this.fold = fold || null;
        this.folded = 0;
        this.unfolded = false;
        this.entire = false; // all rows are there, for paper
        this.sortKey = sort;
        this.down = down === true;
        this.pool = [];
        this.inSight = false;
        this.row = narrow.matches ? ROW_NARROW : ROW;
        this.height = FIRST * this.row;
        this.top = 0;
        this.pointed = false;
        this.moving = false; // the focus is on its way to another row
        this.press = press || (() => {});
        this.heads = columns.map((column) => {
            const head = el("th",
                {scope: "col", class: classes(column, column.name), title: column.hint || null});
            if (column.value !== undefined) {
                head.append(
                    el("button", {type: "button", onclick: () => this.sortBy(column.key)}, column.title));
            } else {
                head.append(el("span", {}, column.title));
            }
            return head;
        });
        this.caption = el("caption", {class: "unseen"}, caption);
        this.above = el("tr", {class: "space", "aria-hidden": "true"}, el("td", {colspan: columns.length}));
        this.below = el("tr", {class: "space", "aria-hidden": "true"}, el("td", {colspan: columns.length}));
        this.body = el("tbody", {}, this.above, this.below);
        this.element = el("table", {id}, this.caption,
            el("thead", {}, el("tr", {"aria-rowindex": "1"}, ...this.heads)), this.body);
        this.box =
            el("div", {class: "wide", role: "region", tabindex: "0", "aria-label": caption}, this.element);
        this.empty = el("p", {class: "none", hidden: true}, none || "nothing matches");
        this.more = el("button", {type: "button", class: "fold", hidden: true, "aria-expanded": "false"},
            "Show more");
        this.more.addEventListener("click", () => {
            this.unfolded = !this.unfolded;
            this.arrange();
            this.draw();
        });
        this.whole =
            el("div", {}, note ? el("p", {class: "quiet"}, note) : "", this.box, this.empty, this.more);

        this.box.addEventListener("scroll", () => {
            this.top = this.box.scrollTop;
            this.draw();
        }, {passive: true});
        new ResizeObserver(() => {
            const height = this.box.clientHeight;
            if (height > 0 && height !== this.height) {
                this.height = height;
                this.draw();
            }
        }).observe(this.box);
        narrow.addEventListener("change", () => {
            this.row = narrow.matches ? ROW_NARROW : ROW;
            this.above.tareRows = this.below.tareRows = undefined;
            this.draw();
        });
        this.body.addEventListener("pointerenter", () => { this.pointed = true; });
        this.body.addEventListener("pointerleave", () => { this.pointed = false; });
        this.body.addEventListener("click", (event) => {
            const control = event.target.closest("[data-does]");
            const line = event.target.closest("tr.row");
            if (control !== null && line !== null && line.tareRow !== null) {
                this.press(control.dataset.does, line.tareRow, control);
            }
        });
        this.body.addEventListener("keydown", (event) => this.key(event));
        watchSight(this.box, this);
        this.showSort();
    }

    sortBy(key) {
        if (this.sortKey === key) {
            this.down = !this.down;
        } else {
            this.sortKey = key;
            // Names from the first on, figures from the largest on.
            this.down = !this.columns.find((column) => column.key === key).name;
        }
        this.showSort();
        this.arrange();
        this.draw();
    }

    // A column of figures that the server does not send is not there.
    hide(key, hidden) {
        const at = this.columns.findIndex((column) => column.key === key);
        if (this.heads[at].hidden !== hidden) {
            this.columns[at].hidden = hidden;
            this.heads[at].hidden = hidden;
            this.pool.forEach((line) => { line.children[at].hidden = hidden; });
        }
    }

    showSort() {
        this.heads.forEach((head, i) => {
            const column = this.columns[i];
            if (column.value !== undefined) {
                setAttribute(head, "aria-sort",
                    column.key === this.sortKey ? (this.down ? "descending" : "ascending") : "none");
            }
        });
    }

    // Other rows, or another filter. While they are held, rows that were there keep their places.
    setRows(rows) {
        const places = new Map(this.held() ? this.order.map((row, at) => [row.id, at]) : []);
        this.rows = rows;
        this.arrange();
        const place = (row) => places.has(row.id) ? places.get(row.id) : places.size;
        this.order.sort((a, b) => place(a) - place(b)); // what came keeps its order among itself, at the end
    }
    // `some`: only some are looked for.
    setFilter(filter, some) {
        this.filter = filter;
        this.filtered = some === true;
        this.box.scrollTop = 0;
        this.top = 0;
        this.arrange();
        this.draw();
    }

    arrange() {
        const column = this.columns.find((each) => each.key === this.sortKey);
        let order = this.rows.filter(this.filter);
        this.idle = this.folded = 0;
        if (this.fold !== null && !this.filtered) {
            const used = order.filter((row) => !this.fold.of(row));
            this.idle = order.length - used.length;
            if (!this.unfolded) {
                order = used;
                this.folded = this.idle;
            }
        }
        if (column !== undefined && column.value !== undefined) {
            const values = new Map(order.map((row) => [row, column.value(row)]));
            const way = this.down ? -1 : 1;
            order.sort((a, b) => {
                const x = values.get(a), y = values.get(b);
                if (unknown(x) || unknown(y)) { // last, whichever way it is sorted
                    return Number(unknown(x)) - Number(unknown(y)) || compare(a.id, b.id);
                }
                return way * compare(x, y) || compare(a.id, b.id);
            });
        }
        this.order = order;
        this.arranged = true;
    }

    held() {
        return this.pointed || this.moving || this.body.contains(document.activeElement);
    }

    // New figures in the same rows. `all`: also out of sight.
    refresh(all) {
        this.arranged = false;
        if (this.inSight || all) {
            this.draw();
        }
    }

    draw() {
        if (!this.arranged && !this.held()) {
            this.arrange();
        }
        const count = this.order.length, row = this.row;
        const empty = count === 0 && this.folded === 0;
        if (this.empty.hidden === empty || this.element.hidden !== (count === 0)) {
            this.empty.hidden = !empty;
            this.element.hidden = count === 0;
            this.box.hidden = count === 0 && !empty;
        }
        this.showFold();
        const first = this.entire ? 0 : Math.max(0, Math.min(Math.floor(this.top / row) - MORE, count - 1));
        const last = this.entire ? count : Math.min(count, Math.ceil((this.top + this.height) / row) + MORE);
        const focused = this.body.contains(document.activeElement) ? document.activeElement : null;
        const focusedRow = focused === null ? null : focused.closest("tr.row").tareRow;
        setAttribute(this.element, "aria-rowcount", String(count + 1));
        this.space(this.above, first);
        this.space(this.below, count - last);
        this.place(this.order.slice(first, last), first);
        this.keepFocus(focused, focusedRow);
    }

    // Also out of sight; `whole`: also the rows beyond the edges, until it is said otherwise.
    drawAll(whole) {
        this.entire = whole;
        this.draw();
    }

    showFold() {
        if (this.fold === null) {
            return;
        }
        const hidden = this.idle === 0;
        if (this.more.hidden !== hidden) {
            this.more.hidden = hidden;
        }
        setAttribute(this.more, "aria-expanded", String(this.unfolded));
        setText(this.more, `${this.unfolded ? "Hide" : "Show"} ${this.fold.text(this.idle)}`);
    }

    space(line, rows) {
        if (line.tareRows !== rows) {
            line.tareRows = rows;
            line.firstChild.style.height = rows * this.row + "px";
        }
    }

    // A row that stays in sight keeps its elements, wherever it goes: what somebody is about to press is of the
    // row that it was of when they looked.
    place(rows, first) {
        const wanted = new Set(rows.map((row) => row.id));
        const free = this.pool.filter((line) => !wanted.has(line.tareRow.id));
        const lines = new Map(this.pool.map((line) => [line.tareRow.id, line]));
        this.pool = rows.map((row) => lines.get(row.id) || free.pop() || this.makeLine());
        free.forEach((line) => line.remove());
        let at = this.above.nextSibling;
        this.pool.forEach((line, i) => {
            if (line === at) {
                at = at.nextSibling;
            } else {
                this.body.insertBefore(line, at);
            }
            this.fill(line, rows[i], first + i);
        });
    }

    makeLine() {
        const line = el("tr", {class: "row"});
        this.columns.forEach((column) => {
            line.append(column.name
                    ? el("th", {scope: "row", class: "n"})
                    : el("td", {class: classes(column, false), hidden: column.hidden === true}));
        });
        return line;
    }

    fill(line, row, number) {
        setAttribute(line, "aria-rowindex", String(number + 2));
        const other = line.tareRow !== row;
        line.tareRow = row;
        const off = row.enabled === false;
        if (line.tareOff !== off) {
            line.tareOff = off;
            line.classList.toggle("off", off);
        }
        this.columns.forEach((column, i) => {
            const cell = line.children[i];
            if (column.make !== undefined) {
                if (cell.firstChild === null) {
                    column.make(cell);
                }
                column.update(row, cell, other);
            } else {
                const text = column.text(row);
                setText(cell, text);
                setAttribute(cell, "title", text === "–" ? "unknown" : column.left ? text : null);
            }
        });
    }

    // The control that has the focus is that of a row, not of a place.
    keepFocus(focused, row) {
        if (focused === null || row === null) {
            return;
        }
        const line = this.pool.find((each) => each.tareRow.id === row.id);
        const control = line && line.querySelector(`[data-does="${focused.dataset.does}"]`);
        if (!control) {
            this.box.focus({preventScroll: true}); // its row is out of sight, or gone
        } else if (document.activeElement !== control) {
            control.focus({preventScroll: true});
        }
    }

    // Up and down, from a control to the same one of the next row.
    key(event) {
        const step = {ArrowDown: 1, ArrowUp: -1}[event.key];
        const control = event.target.closest("[data-does]");
        if (step === undefined || control === null || event.ctrlKey || event.altKey || event.metaKey) {
            return;
        }
        event.preventDefault();
        const row = control.closest("tr.row").tareRow;
        const at = this.order.findIndex((each) => each.id === row.id) + step;
        if (at < 0 || at >= this.order.length) {
            return;
        }
        const head = this.element.tHead.offsetHeight, top = at * this.row;
        if (top < this.top) {
            this.box.scrollTop = top;
        } else if (top + this.row + head > this.top + this.height) {
            this.box.scrollTop = top + this.row + head - this.height;
        }
        this.top = this.box.scrollTop;
        const next = this.order[at];
        // The place first, then the focus: what is drawn now would else follow the row that had it.
        this.moving = true;
        control.blur();
        this.draw();
        this.moving = false;
        const line = this.pool.find((each) => each.tareRow.id === next.id);
        const same = line && line.querySelector(`[data-does="${control.dataset.does}"]`);
        (same || this.box).focus({preventScroll: true});
    }
}
