// SPDX-License-Identifier: MIT
// A flame graph that can be zoomed and searched, in place of the still one that the file shows without a
// script.
//
// The whole tree is in #data (view/flame_data.c has its form); only frames that are wide enough to be seen are
// drawn, anew at each step. Names come from measured programs: they are put in as text, and never as markup.
(function() {
"use strict";
var SVG = "http://www.w3.org/2000/svg", HTML = "http://www.w3.org/1999/xhtml";
var ROW = 18, BOX = 17, MOST = 8000, MARGIN = 8, Z = 1.959963984540054;
var KIND = ["program", "library", "kernel", "made at run time", "unknown", "timer", ""];
var svg = document.getElementById("flame");
var data = JSON.parse(document.getElementById("data").textContent);
var alone = document.documentElement === svg;

// The tree: a node's descendants are those behind it, up to end[].

function numbers(text) {
    var all = [];
    text.split(",").forEach(function(item) {
        if (item.charAt(0) === "*") {
            for (var zeros = parseInt(item.slice(1), 36); zeros > 0; zeros--) {
                all.push(0);
            }
        } else {
            all.push(item === "" ? 0 : parseInt(item, 36));
        }
    });
    return all;
}
var word = numbers(data.node), up = numbers(data.up), count = word.length;
var kinds = numbers(data.kind), objects = numbers(data.object), files = numbers(data.file),
    lines = numbers(data.line);
var parent = new Int32Array(count), depth = new Int32Array(count), end = new Int32Array(count);
var self = data.self.map(numbers), total = [], start = [];
var selfSamples = data.samples === undefined ? null : numbers(data.samples), samples = null;

function fn(i) {
    return word[i] >> 1;
}
function inlined(i) {
    return (word[i] & 1) === 1;
}

function sums(column) {
    var sum = Float64Array.from(column);
    for (var i = count - 1; i > 0; i--) {
        sum[parent[i]] += sum[i];
    }
    return sum;
}

(function() {
var i, side, child, at;
parent[0] = -1;
for (i = 1; i < count; i++) {
    at = i - 1;
    for (var n = up[i]; n > 0; n--) {
        at = parent[at];
    }
    parent[i] = at;
    depth[i] = depth[at] + 1;
}
for (i = count - 1; i >= 0; i--) {
    end[i] = Math.max(end[i], i + 1);
    if (i > 0) {
        end[parent[i]] = Math.max(end[parent[i]], end[i]);
    }
}
samples = selfSamples && sums(selfSamples);
for (side = 0; side < self.length; side++) {
    total[side] = sums(self[side]);
    start[side] = new Float64Array(count);
    for (i = 0; i < count; i++) {
        at = start[side][i];
        for (child = i + 1; child < end[i]; child = end[child]) {
            start[side][child] = at;
            at += total[side][child];
        }
    }
}
})();

// Texts

function grouped(n) {
    return String(Math.round(n)).replace(/\B(?=(\d{3})+$)/g, ",");
}
function percent(share) {
    var p = 100 * share, size = Math.abs(p);
    return p.toFixed(size >= 0.995 || size === 0 ? 1 : size >= 0.0995 ? 2 : 3);
}
function time(ns) {
    var units = [["s", 1e9], ["ms", 1e6], ["µs", 1e3]];
    for (var i = 0; i < units.length; i++) {
        if (ns >= units[i][1]) {
            return (ns / units[i][1]).toPrecision(3) + " " + units[i][0];
        }
    }
    return grouped(ns) + " ns";
}
function amount(side, weight) {
    var ofUnit = weight * data.sides[side].unit;
    return data.unit === "ns" ? time(ofUnit) : data.unit === "samples" ? "" : grouped(ofUnit) + " " + data.unit;
}
function wilson(share, n) {
    var z2 = Z * Z;
    var middle = (share + z2 / (2 * n)) / (1 + z2 / n);
    return Math.abs(middle - share) + Z / (1 + z2 / n) * Math.sqrt(share * (1 - share) / n + z2 / (4 * n * n));
}
function share(side, weight) {
    var of = data.sides[side], p = total[side][0] > 0 ? weight / total[side][0] : NaN;
    return of.samples > 0 ? percent(p) + " % ± " + percent(wilson(p, of.effective)) + " %" : "-";
}
// As tare__flame_change() in view/flame_figures.c.
function change(now, before) {
    var weights = [now, before], p = [], variance = 0;
    var totals = data.sides.map(function(s, side) {
        return total[side][0] * s.unit;
    });
    var largest = Math.max(totals[0], totals[1]);
    data.sides.forEach(function(s, side) {
        p[side] = weights[side] * s.unit / (data.normalized ? totals[side] : largest);
        var n = s.effective;
        if (data.normalized) {
            var q = (p[side] * n + 1) / (n + 2);
            variance += q * (1 - q) / (n + 2);
        } else {
            var worth = totals[side] / n / largest;
            variance += (p[side] / worth + 1) * worth * worth;
        }
    });
    var difference = p[0] - p[1];
    return isFinite(difference + variance) ? (difference > 0 ? "+" : "") + percent(difference) + " ± " +
                                                 percent(Z * Math.sqrt(variance)) + " points"
                                           : "-";
}
// [what, figures, where]
function describe(i) {
    var f = fn(i), figures = [], n = null;
    var sides = data.sides.length > 1;
    data.sides.forEach(function(side, s) {
        var weight = total[s][i], parts = [];
        n = side.uniform ? weight : s === 0 && samples ? samples[i] : null;
        if (n !== null) {
            parts.push(grouped(n) + (n === 1 ? " sample" : " samples"));
        }
        if (i > 0) {
            parts.push(share(s, weight));
        }
        if (amount(s, weight) !== "") {
            parts.push(amount(s, weight));
        }
        if (!data.reverse && self[s][i] > 0) {
            parts.push("self " + share(s, self[s][i]));
        }
        figures.push((sides ? (s === 0 ? "B: " : "A: ") : "") + parts.join(", "));
    });
    if (sides && i > 0) {
        figures.push("B - A: " + change(total[0][i], total[1][i]));
    }
    var where = [];
    if (data.objects[objects[f]] !== "") {
        where.push(data.objects[objects[f]]);
    }
    if (kinds[f] !== 6 && KIND[kinds[f]] !== data.objects[objects[f]]) {
        where.push(KIND[kinds[f]]);
    }
    if (inlined(i)) {
        where.push("inlined");
    }
    if (data.files[files[f]] !== "") {
        where.push(data.files[files[f]] + (lines[f] > 0 ? ":" + lines[f] : ""));
    }
    return [data.names[f], figures.join("; "), where.join(", ")];
}

// Elements

function make(space, name, attributes, children) {
    var element = document.createElementNS(space, name);
    Object.keys(attributes || {}).forEach(function(key) {
        element.setAttribute(key, attributes[key]);
    });
    (children || []).forEach(function(child) {
        element.appendChild(typeof child === "string" ? document.createTextNode(child) : child);
    });
    return element;
}
function button(text, title, act) {
    var made = make(HTML, "button", {type: "button", title: title}, [text]);
    made.addEventListener("click", act);
    return made;
}

var field = make(HTML, "input", {
    type: "search",
    id: "search",
    placeholder: "search: a regular expression",
    "aria-label": "search functions, a regular expression",
    autocomplete: "off",
    spellcheck: "false"
});
var found = make(HTML, "output", {id: "found", role: "status"});
var backButton = button("Back", "to the zoom before (Backspace)", back);
var resetButton = button("Reset", "the whole graph, and no search", reset);
var flipButton = button("Upside down", "the base at the other end", flip);
var widthsButton = button("Widths of A", "as wide as in A: shows what is in A alone", otherWidths);
var detail = make(HTML, "div", {"class": "detail", id: "detail"});
var bar = make(HTML, "div", {"class": "bar", role: "toolbar", "aria-label": "flame graph"},
    [field, backButton, resetButton, flipButton].concat(data.sides.length > 1 ? [widthsButton] : [], [found]));
var leftOut = make(HTML, "p", {id: "left-out"});
var still = document.getElementById("still");
var top = null, bottom = null;

function legendItem(item) {
    var swatch = make(
        SVG, "svg", {"aria-hidden": "true"}, [make(SVG, "rect", {"class": item[0], width: 14, height: 14})]);
    if (item[0] === "h") { // the hatch is on top of something
        swatch.insertBefore(make(SVG, "rect", {"class": "a0", width: 14, height: 14}), swatch.firstChild);
    }
    return make(HTML, "li", {}, [swatch, item[1]]);
}

if (alone) {
    var head = data.lines.map(function(line) {
        return make(HTML, "p", {}, [line]);
    });
    head.unshift(make(HTML, "h1", {}, [data.title]));
    top = make(SVG, "foreignObject", {x: MARGIN, y: MARGIN},
        [make(HTML, "div", {"class": "ui"}, head.concat([bar, detail]))]);
    bottom = make(SVG, "foreignObject", {x: MARGIN}, [make(HTML, "div", {"class": "ui"}, [
        leftOut, make(HTML, "ul", {"class": "legend", "aria-label": "colours"}, data.legend.map(legendItem))
    ])]);
    [field, backButton, resetButton, flipButton, widthsButton].forEach(function(part) {
        part.setAttribute("tabindex", 1);
    });
} else {
    document.getElementById("top").append(bar, detail);
    document.getElementById("bottom").prepend(leftOut);
}
still.remove();
var frames = make(SVG, "g", {
    id: "frames",
    role: "tree",
    "aria-label": "flame graph: arrow keys move, Enter zooms, " +
                      "Backspace goes back, / searches"
});
svg.appendChild(frames);
if (alone) { // what is last is in front; by their tabindex the buttons come before the graph
    svg.appendChild(bottom);
    svg.appendChild(top);
}
var rings = [
    make(SVG, "rect", {"class": "ring o", visibility: "hidden"}),
    make(SVG, "rect", {"class": "ring", visibility: "hidden"})
];

// State

var zoomed = 0, current = 0, side = 0, inverted = data.inverted, history = [], hits = null;
var drawn = new Map(), rows = [], rowCount = 0, charWidth = 7.22;

function frameClass(i) {
    if (data.step !== undefined) {
        var step = data.step.charCodeAt(i) - 101; // 'e' is none
        return step === 0 ? "z" : (step > 0 ? "q" : "m") + Math.abs(step);
    }
    var f = fn(i), name = data.names[f], sum = 0;
    for (var at = 0; at < name.length; at++) {
        sum += name.charCodeAt(at);
    }
    return "abcdefg"[kinds[f]] + sum % 3;
}

// How many characters fit; those that take two columns in a monospaced font count twice.
function label(text, room) {
    var columns = 0, kept = "", fits = Math.floor(room / charWidth),
        characters = Array.from(text.slice(0, 2 * fits + 8));
    if (fits < 3) {
        return "";
    }
    for (var i = 0; i < characters.length; i++) {
        var wide = characters[i].codePointAt(0) >= 0x1100 ? 2 : 1;
        if (columns + wide > fits) {
            return Array.from(kept).slice(0, -1).join("") + "…";
        }
        columns += wide;
        kept += characters[i];
    }
    return kept.length < text.length ? kept.slice(0, -1) + "…" : kept;
}

function choose(scale) {
    var sizes = total[side], chosen = [], i;
    for (i = zoomed; i < end[zoomed];) {
        if (sizes[i] > 0 && sizes[i] * scale >= data.min) {
            chosen.push(i++);
        } else {
            i = end[i];
        }
    }
    var least = data.min;
    if (chosen.length > MOST) {
        var small = chosen
                        .map(function(n) {
                            return sizes[n];
                        })
                        .sort(function(a, b) {
                            return b - a;
                        })[MOST];
        least = small * scale;
        chosen = chosen.filter(function(n) {
            return sizes[n] > small;
        });
    }
    var hidden = -chosen.length, shown = 0;
    for (i = zoomed; i < end[zoomed]; i++) {
        hidden += sizes[i] > 0 ? 1 : 0;
    }
    chosen.forEach(function(n) {
        shown += self[side][n];
    });
    leftOut.textContent =
        hidden === 0
            ? ""
            : grouped(hidden) + (hidden === 1 ? " frame" : " frames") + " narrower than " +
                  String(parseFloat(least.toPrecision(3))) + " px " + (hidden === 1 ? "is" : "are") +
                  " not drawn, but in grey: " + percent(Math.max(0, 1 - shown / sizes[zoomed])) + " % of " +
                  (zoomed === 0 ? "all" : "these") + " samples end there; zoom in to see them";
    return chosen;
}

function rowOf(level) {
    return (inverted ? level : rowCount - 1 - level) * ROW;
}

function add(i, x, width) {
    var isAbove = i !== zoomed && end[i] >= end[zoomed] && zoomed > i;
    var y = rowOf(depth[i]);
    var shown = width > 3 ? width - 1 : width > 1 ? width - 0.3 : width;
    var text = describe(i),
        box = {x: x.toFixed(2), y: y, width: shown.toFixed(2), height: BOX, "class": frameClass(i)};
    var group = make(SVG, "g",
        {"class": "f" + (isAbove ? " up" : ""), role: "treeitem", "aria-level": depth[i] + 1, tabindex: -1},
        [make(SVG, "title", {}, [text.filter(Boolean).join("\n")]), make(SVG, "rect", box)]);
    if (inlined(i) && width >= 4) {
        box["class"] = "h";
        group.appendChild(make(SVG, "rect", box));
    }
    var short = label(data.names[fn(i)], width - 6);
    if (short !== "") {
        group.appendChild(make(SVG, "text", {x: (x + 3).toFixed(2), y: y + 12.5}, [short]));
    }
    group.node = i;
    group.box = [x, y, Math.max(shown, 3)];
    drawn.set(i, group);
    (rows[depth[i]] = rows[depth[i]] || []).push(i);
    return group;
}

// Where children of a frame are too narrow, one grey box stands for them: their stacks do not end here.
function addRest(i, scale, all) {
    var from = 0, to = 0, begin = start[side][zoomed];
    function flush() {
        if ((to - from) * scale >= 0.3) {
            all.appendChild(make(SVG, "rect", {
                x: ((from - begin) * scale).toFixed(2),
                "class": "r",
                height: BOX,
                y: rowOf(depth[i] + 1),
                width: ((to - from) * scale).toFixed(2)
            }));
        }
    }
    for (var child = i + 1; child < end[i]; child = end[child]) {
        if (drawn.has(child) || total[side][child] === 0) {
            continue;
        }
        if (start[side][child] !== to) {
            flush();
            from = start[side][child];
        }
        to = start[side][child] + total[side][child];
    }
    flush();
}

function pageWidth() {
    if (!alone) {
        return svg.parentNode.clientWidth;
    }
    var view = window.visualViewport;
    return Math.floor(view ? view.width * view.scale : window.innerWidth);
}

function draw() {
    var width = Math.max(200, pageWidth()), edge = alone ? MARGIN : 0, inner = width - 2 * edge;
    var scale = total[side][zoomed] > 0 ? inner / total[side][zoomed] : 0,
        hadFocus = frames.contains(document.activeElement);
    var chosen = choose(scale), above = [], at, deepest = 0;
    for (at = parent[zoomed]; at >= 0; at = parent[at]) {
        above.unshift(at);
    }
    chosen.forEach(function(i) {
        deepest = Math.max(deepest, depth[i] + (end[i] > i + 1 ? 1 : 0));
    });
    rowCount = Math.max(rowCount, deepest + 1);
    drawn = new Map();
    rows = [];
    frames.textContent = "";
    var all = document.createDocumentFragment();
    above.forEach(function(i) {
        all.appendChild(add(i, 0, inner));
    });
    chosen.forEach(function(i) {
        all.appendChild(add(i, (start[side][i] - start[side][zoomed]) * scale, total[side][i] * scale));
    });
    chosen.forEach(function(i) {
        addRest(i, scale, all);
    });
    rings.forEach(function(ring) {
        ring.setAttribute("visibility", "hidden");
        all.appendChild(ring);
    });
    frames.appendChild(all);
    place(width, inner, edge);
    if (!drawn.has(current)) {
        current = zoomed;
    }
    if (drawn.has(current)) {
        drawn.get(current).setAttribute("tabindex", 0);
        if (hadFocus) {
            drawn.get(current).focus({preventScroll: true});
        }
    }
    backButton.disabled = history.length === 0;
    mark();
    show(current);
}

// Above, the graph, below: how high the texts are, only the browser knows.
function place(width, inner, edge) {
    var y = 0, height = rowCount * ROW;
    svg.removeAttribute("style"); // by which the still one shrinks with its window
    svg.setAttribute("width", width);
    if (alone) {
        y = fit(top, MARGIN, inner) + 4;
    }
    frames.setAttribute("transform", "translate(" + edge + " " + y + ")");
    y += height;
    if (bottom !== null) {
        y = fit(bottom, y + 6, inner) + MARGIN;
    }
    svg.setAttribute("height", Math.ceil(y));
    svg.setAttribute("viewBox", "0 0 " + width + " " + Math.ceil(y));
    pin();
}
function fit(part, y, width) {
    part.setAttribute("y", y);
    part.setAttribute("width", width);
    part.setAttribute("height", 10000);
    var height = Math.ceil(part.firstChild.getBoundingClientRect().height / zoomOfPage()) + 2;
    part.setAttribute("height", height);
    return y + height;
}
function zoomOfPage() { // what the viewBox does to px
    var matrix = svg.getScreenCTM();
    return matrix && matrix.a > 0 && alone ? matrix.a : 1;
}

// Buttons and figures stay in sight while a high graph is scrolled.
function barOffset() {
    return bar.getBoundingClientRect().top - bar.parentNode.getBoundingClientRect().top;
}
function pin() {
    var over = window.scrollY - barOffset();
    if (alone) {
        top.setAttribute("transform", "translate(0 " + Math.max(0, over) + ")");
    } else {
        bar.parentNode.style.top = (MARGIN - barOffset()) + "px";
    }
}
function keepInSight(group) {
    var box = group.getBoundingClientRect(), free = detail.getBoundingClientRect().bottom + 4;
    if (box.top < free) {
        window.scrollBy(0, box.top - free);
    } else if (box.bottom > window.innerHeight) {
        window.scrollBy(0, box.bottom - window.innerHeight + 4);
    }
}
// Title and figures come first. Of a graph whose base is then more than a window away, nothing but the narrow
// ends of its deepest stacks would be seen: that one is seen from its base on.
function showBase() {
    var base = drawn.get(zoomed);
    if (base !== undefined && !inverted &&
        base.getBoundingClientRect().bottom + window.scrollY > 2 * window.innerHeight) {
        window.scrollBy(0, base.getBoundingClientRect().bottom + 60 - window.innerHeight);
    }
}

function show(i) {
    var text = describe(i);
    detail.textContent = "";
    detail.append(make(HTML, "b", {}, [text[0]]), make(HTML, "div", {"class": "figures"}, [text[1]]),
        make(HTML, "div", {}, [text[2]]));
}

function focusOn(i) {
    if (drawn.has(current)) {
        drawn.get(current).setAttribute("tabindex", -1);
    }
    current = i;
    drawn.get(i).setAttribute("tabindex", 0);
    drawn.get(i).focus({preventScroll: true});
    keepInSight(drawn.get(i));
}

function zoom(i, forgets) {
    if (i !== zoomed) {
        if (!forgets) {
            history.push(zoomed);
        }
        zoomed = i;
        current = i;
        draw();
    }
}
function back() {
    if (history.length > 0) {
        zoom(history.pop(), true);
    }
}
function reset() {
    field.value = "";
    search();
    history = [];
    zoom(0, true);
    backButton.disabled = true;
}
function flip() {
    inverted = !inverted;
    flipButton.setAttribute("aria-pressed", inverted !== data.inverted);
    draw();
    window.scrollTo(0, 0);
    showBase();
}
function otherWidths() {
    side = 1 - side;
    widthsButton.setAttribute("aria-pressed", side === 1);
    zoomed = total[side][zoomed] > 0 ? zoomed : 0;
    draw();
    search();
}

// Search

function search() {
    var text = field.value, pattern = null;
    field.removeAttribute("aria-invalid");
    hits = null;
    found.textContent = "";
    if (text !== "") {
        try { // without a capital letter, case is of no importance
            pattern = new RegExp(text, /[A-Z]/.test(text.replace(/\\./g, "")) ? "" : "i");
        } catch (problem) {
            field.setAttribute("aria-invalid", "true");
            found.textContent = "no regular expression";
        }
    }
    if (pattern !== null) {
        hits = data.names.map(function(name) {
            return pattern.test(name);
        });
        var sum = 0, functions = hits.filter(Boolean).length;
        for (var i = 0; i < count;) { // each stack once
            if (hits[fn(i)]) {
                sum += total[side][i];
                i = end[i];
            } else {
                i++;
            }
        }
        found.textContent = functions === 0 ? "nothing matches"
                                            : "matched: " + share(side, sum) + " in " + grouped(functions) +
                                                  (functions === 1 ? " function" : " functions");
    }
    mark();
}
function mark() {
    drawn.forEach(function(group, i) {
        group.classList.toggle("hit", hits !== null && hits[fn(i)]);
        group.classList.toggle("dim", hits !== null && !hits[fn(i)]);
    });
}
function firstHit(behind) {
    var all = Array.from(drawn.keys()).filter(function(i) {
        return hits !== null && hits[fn(i)];
    });
    var next = all.filter(function(i) {
        return i > behind;
    });
    return next.length > 0 ? next[0] : all.length > 0 ? all[0] : -1;
}

// Hands

function nodeOf(target) {
    var group = target.closest ? target.closest("g.f") : null;
    return group === null || group.node === undefined ? -1 : group.node;
}
frames.addEventListener("click", function(event) {
    var i = nodeOf(event.target);
    if (i >= 0) {
        current = i;
        zoom(i);
    }
});
frames.addEventListener("mouseover", function(event) {
    var i = nodeOf(event.target);
    if (i >= 0) {
        show(i);
    }
});
frames.addEventListener("mouseleave", function() {
    show(current);
});
// On an element of SVG, Chromium takes a listener for focus as a wish to have it.
document.addEventListener("focusin", function(event) {
    var i = nodeOf(event.target), group = drawn.get(i);
    if (group === undefined) {
        return;
    }
    show(i);
    rings.forEach(function(ring) {
        ring.setAttribute("x", group.box[0]);
        ring.setAttribute("y", group.box[1]);
        ring.setAttribute("width", group.box[2]);
        ring.setAttribute("height", BOX);
        ring.setAttribute("visibility", group.matches(":focus-visible") ? "visible" : "hidden");
    });
});
document.addEventListener("focusout", function() {
    rings.forEach(function(ring) {
        ring.setAttribute("visibility", "hidden");
    });
});
field.addEventListener("input", search);

function beside(i, by) {
    var row = rows[depth[i]], at = row.indexOf(i) + by;
    return at >= 0 && at < row.length ? row[at] : -1;
}
function above(i) { // the widest call that is drawn
    for (var child = i + 1, best = -1; child < end[i]; child = end[child]) {
        if (drawn.has(child) && (best < 0 || total[side][child] > total[side][best])) {
            best = child;
        }
    }
    return best;
}
function key(event, i) {
    switch (event.key) {
    case "ArrowUp":
        return inverted ? parent[i] : above(i);
    case "ArrowDown":
        return inverted ? above(i) : parent[i];
    case "ArrowLeft":
        return beside(i, -1);
    case "ArrowRight":
        return beside(i, 1);
    case "Home":
        return 0;
    case "n":
        return firstHit(i);
    default:
        return -2;
    }
}
document.addEventListener("keydown", function(event) {
    var target = event.target, i = frames.contains(target) ? nodeOf(target) : -1;
    var plain = !event.ctrlKey && !event.metaKey && !event.altKey;
    if (target === field) {
        if (event.key === "Escape" || (event.key === "Enter" && plain)) {
            event.preventDefault();
            if (event.key === "Escape") {
                field.value = "";
                search();
            }
            var hit = firstHit(-1);
            focusOn(hit >= 0 ? hit : drawn.has(current) ? current : zoomed);
        }
        return;
    }
    if ((event.key === "f" && (event.ctrlKey || event.metaKey) && !event.altKey) ||
        (event.key === "/" && plain)) {
        event.preventDefault();
        field.focus();
        field.select();
        return;
    }
    if (!plain) {
        return;
    }
    if (event.key === "Escape" || event.key === "Backspace") {
        event.preventDefault();
        back();
    } else if (i >= 0 && (event.key === "Enter" || event.key === " ")) {
        event.preventDefault();
        current = i;
        zoom(i);
    } else if (i >= 0) {
        var to = key(event, i);
        if (to > -2) {
            event.preventDefault();
        }
        if (to >= 0 && drawn.has(to)) {
            focusOn(to);
        }
    }
});

// A row of the page's table: where that function is.
Array.prototype.forEach.call(document.querySelectorAll("button[data-f]"), function(row) {
    row.addEventListener("click", function() {
        field.value =
            "^" + data.names[Number(row.getAttribute("data-f"))].replace(/[.*+?^${}()|[\]\\/]/g, "\\$&") + "$";
        search();
        field.scrollIntoView({block: "nearest"});
        field.focus();
    });
});

var waiting = 0;
window.addEventListener("resize", function() {
    cancelAnimationFrame(waiting);
    waiting = requestAnimationFrame(draw);
});

["beforeprint", "afterprint"].forEach(function(event) { // on paper, without what is to be pressed
    window.addEventListener(event, function() {
        document.documentElement.classList.toggle("printing", event === "beforeprint");
        draw();
    });
});

(function() { // how wide the font is that there is
var probe = make(SVG, "text", {}, ["0".repeat(100)]);
svg.appendChild(probe);
charWidth = probe.getComputedTextLength() / 100 || charWidth;
probe.remove();
})();
draw();
showBase();
window.addEventListener("scroll", pin);
})();
