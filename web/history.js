// SPDX-License-Identifier: MIT
// The dashboard of tare history: reads the data in the page (or asks a server for them, again and again), and
// shows what the address says is to be seen. Every name in the data is from elsewhere, and is shown as text.
import {look} from "./history_chart.js";
import {STATUSES, Unreadable, branchesOf, machineName, partsOf, readPage, statusOf} from "./history_data.js";
import {Comparison, Detail, commitNode, dirtyText, linkOr} from "./history_detail.js";
import {againstText, intervalText, longId, many, momentText, shareText, valueText} from "./history_format.js";
import {List, sortable} from "./history_list.js";
import {emptyState, readState, writeState} from "./history_state.js";
import {byId, el, setAttribute, setText} from "./live_dom.js";
import {known} from "./live_format.js";

const ASK_MS = 10000, STALE_MS = 35000;

let page = null; // what was read
let state = readState(location.hash);
let list = null, comparison = null;
const details = new Map(); // id -> Detail

function remember(name) {
    try {
        return localStorage.getItem(`tare.${name}`);
    } catch {
        return null;
    }
}
function keepChoice(name, value) {
    try {
        localStorage.setItem(`tare.${name}`, value);
    } catch {
        // then not
    }
}

function trouble(text) {
    byId("trouble").hidden = text === "";
    setText(byId("trouble"), text);
}

// The address

function writeAddress(push) {
    const hash = writeState(state);
    if (hash === location.hash.replace(/^#/, "")) {
        return;
    }
    const address = `${location.pathname}${location.search}${hash === "" ? "" : `#${hash}`}`;
    try {
        window.history[push ? "pushState" : "replaceState"](null, "", address);
    } catch {
        location.hash = hash; // where a document may not name its own address
    }
}
// Something else is to be seen; `step`: that the way back leads out of.
function changed(step) {
    writeAddress(step);
    if (step) {
        show();
    }
}

// What is shown

function matches(series, words) {
    return words.every((word) => series.search.includes(word)) &&
        (state.suite === "" || partsOf(series).includes(state.suite)) &&
        (state.machine === "" || (series.machine !== null && series.machine.fingerprint === state.machine)) &&
        (state.branch === "" || branchesOf(series, page.runs).has(state.branch));
}

function detailOf(series) {
    let detail = details.get(series.id);
    if (detail === undefined) {
        detail = new Detail(series,
            {page: () => page, state: () => state, changed, close: (each) => toggle(each), compare: pick});
        details.set(series.id, detail);
    }
    return detail.element;
}

function toggle(series) {
    const opens = !state.open.includes(series.id);
    state.open = opens ? [...state.open, series.id] : state.open.filter((id) => id !== series.id);
    changed(true);
    if (opens) {
        const detail = details.get(series.id);
        if (detail !== undefined) {
            const row = list.rows.get(series.id);
            if (row.getBoundingClientRect().bottom + detail.element.offsetHeight > innerHeight) {
                row.scrollIntoView({block: "start"});
            }
        }
    } else {
        list.focus(series.id);
    }
}

// The first one, the second one, then the second one anew.
function pick(series) {
    const [a, b] = state.compare;
    state.compare = a === "" || a === series.id ? [series.id, b === series.id ? "" : b] : [a, series.id];
    state.zoom.delete("compare");
    changed(true);
    byId("compare-title").focus({preventScroll: true});
    byId("compare").scrollIntoView({block: "start"});
}

function showStatuses(all) {
    const box = byId("statuses");
    const counts = new Map(STATUSES.map((status) => [status.name, 0]));
    all.forEach((series) => counts.set(statusOf(series).name, counts.get(statusOf(series).name) + 1));
    if (box.children.length === 0) {
        const make = (name, tone, sign, means) => el("button", {
            type: "button",
            class: `status ${tone}`,
            title: means,
            "data-status": name,
            onclick: () => {
                state.status = state.status === name ? "" : name;
                changed(true);
            }
        },
            el("span", {class: "sign", "aria-hidden": "true"}, sign), el("b", {}),
            ` ${name === "" ? "all" : name}`);
        box.append(make("", "quiet", "", "all series"),
            ...STATUSES.map(({name, tone, sign, means}) => make(name, tone, sign, means)));
    }
    for (const button of box.children) {
        const name = button.dataset.status;
        const n = name === "" ? all.length : counts.get(name);
        setText(button.querySelector("b"), String(n));
        setAttribute(button, "aria-pressed", String(state.status === name));
        button.hidden = n === 0 && name !== "" && state.status !== name;
    }
}

function fillSelect(select, all, options, value) {
    const key = JSON.stringify([all, options]);
    if (select.tareKey !== key) {
        select.tareKey = key;
        select.replaceChildren(
            el("option", {value: ""}, all), ...options.map(([id, text]) => el("option", {value: id}, text)));
    }
    select.value = value;
    if (select.value !== value) { // a link from a page that had more
        select.append(el("option", {value}, `${value.slice(0, 40)} (none)`));
        select.value = value;
    }
    select.parentElement.hidden = options.length < 2 && value === "";
}

function show() {
    if (page === null) {
        return;
    }
    // Only what is in this page is open; others stay in the address for when they come.
    const words = state.q.toLowerCase().split(/\s+/).filter((word) => word !== "");
    const found = page.series.filter((series) => matches(series, words));
    const shown =
        state.status === "" ? found : found.filter((series) => statusOf(series).name === state.status);
    showStatuses(found);
    if (document.activeElement !== byId("q")) {
        byId("q").value = state.q;
    }
    fillSelect(byId("suite"), "all", page.suites.map((suite) => [suite, suite]), state.suite);
    fillSelect(byId("machine"), "all",
        page.machines.map((machine) => [machine.fingerprint, machineName(machine)]), state.machine);
    fillSelect(byId("branch"), "all", page.branches.map((branch) => [branch, branch]), state.branch);
    byId("axis").value = state.time ? "time" : "commits";
    byId("scale").value = state.log ? "log" : "linear";
    const filtered =
        [state.q, state.suite, state.machine, state.branch, state.status].some((each) => each !== "");
    byId("clear").hidden = !filtered;
    byId("close-all").hidden = state.open.length === 0;
    setText(byId("shown"),
        filtered ? `${shown.length} of ${many(page.series.length, "series", "series")}`
                 : many(page.series.length, "series", "series"));
    byId("none").hidden = shown.length > 0;
    setText(byId("none"),
        page.series.length === 0 ? "This history has no series yet: `tare history add RESULT` brings some."
                                 : "No series is like that.");
    byId("list").hidden = shown.length === 0;
    const listed = withoutConstants(shown, filtered);

    for (const [id, detail] of details) {
        if (!state.open.includes(id)) {
            detail.release();
            details.delete(id);
        }
    }
    const ids = new Set(shown.map((series) => series.id));
    const away = state.open.filter((id) => page.byId.has(id) && !ids.has(id)).length;
    const gone = state.open.filter((id) => !page.byId.has(id)).length;
    const notes = [
        away > 0 ? `${many(away, "open series is", "open series are")} hidden by the filter.` : "",
        gone > 0
            ? `${many(gone, "series", "series")} of this link ${gone === 1 ? "is" : "are"} not in this page.`
            : ""
    ].filter(Boolean);
    byId("hidden-open").hidden = notes.length === 0;
    setText(byId("hidden-open"), notes.join(" "));
    list.show(listed, state.open);
    comparison.show();
    lastRun.show(listed);
}

// What never changed is folded away, unless it is all that there is, or was looked for.
function withoutConstants(shown, filtered) {
    const constants = shown.filter((series) => series.constant && !state.open.includes(series.id));
    const may = !filtered && constants.length > 0 && constants.length < shown.length;
    const text = `${many(constants.length, "series", "series")} never changed`;
    byId("constants").hidden = !may;
    setText(byId("constants").firstChild, state.all ? `Hide: ${text}` : `${text}: show`);
    return may && !state.all ? shown.filter((series) => !constants.includes(series)) : shown;
}

// The last run: all series that were measured at the newest commit, or else in the newest run.
const lastRun = {
    series: [],
    stale: true,
    seen: false,
    show(series) {
        this.series = series;
        this.stale = true;
        if (this.seen || look.printing) {
            this.draw();
        }
    },
    draw() {
        if (!this.stale || page === null) {
            return;
        }
        this.stale = false;
        const newest = page.series.reduce(
            (best, {lastRun: run}) =>
                run !== null && known(run.ms) && (best === null || run.ms > best.ms) ? run : best,
            null);
        const isOf = (run) =>
            run !== null && (run === newest || (newest.commit !== null && run.commit === newest.commit));
        const about = byId("last-run-about");
        if (newest === null) {
            about.replaceChildren("Nothing was measured yet.");
            byId("last-run-table").replaceChildren();
            return;
        }
        const rows = this.series.filter((series) => isOf(series.lastRun));
        const runs = [...new Set(rows.map((series) => series.lastRun))].sort((a, b) => a.ms - b.ms);
        const several = runs.length > 1;
        about.replaceChildren(several
                ? `Measured ${momentText(runs[0].ms)} to ${momentText(runs[runs.length - 1].ms)}, in ${
                      runs.length} runs`
                : `Measured ${momentText(newest.ms)}`,
            newest.commit === null ? ", of no known commit" : ", commit ",
            newest.commit === null ? "" : commitNode(newest.commit, true), " ",
            el("span", {class: "subject"}, newest.commit === null ? "" : newest.commit.subject),
            [
                newest.branch === "" ? "" : `, branch ${newest.branch}`,
                newest.dirty === 1 ? `, ${dirtyText(1)}` : ""
            ].join(""),
            newest.link === "" || several ? "" : ", ",
            newest.link === "" || several ? "" : linkOr(newest.link, "job"),
            `: ${many(rows.length, "series", "series")} of those above.`);
        const ratio = (a, b) => known(a) && known(b) && b > 0 ? a / b : NaN;
        rows.sort((a, b) => (Math.abs(Math.log(ratio(b.last, b.previous))) || 0) -
                (Math.abs(Math.log(ratio(a.last, a.previous))) || 0));
        byId("last-run-table").replaceChildren(rows.length === 0 ? "" : sortable({
            caption: "the last run",
            heads: [
                {title: "Series"}, {title: "Last"}, {title: "Previous"}, {title: "To previous"},
                {title: "Baseline"}, {title: "To baseline"}, {title: "Status", left: true},
                ...(several ? [{title: "Measured"}] : [])
            ],
            rows: rows.map(
                (series) => [el("button", {type: "button", class: "name", onclick: () => reveal(series)},
                                 series.full),
                    {
                        text: intervalText(series.last, series.lastLow, series.lastHigh, series.unit),
                        value: series.last
                    },
                    {text: valueText(series.previous, series.unit), value: series.previous}, {
                        text: againstText(series.last, series.previous),
                        value: ratio(series.last, series.previous)
                    },
                    {text: valueText(series.baseline, series.unit), value: series.baseline}, {
                        text: againstText(series.last, series.baseline),
                        value: ratio(series.last, series.baseline)
                    },
                    el("span", {class: `status ${statusOf(series).tone}`},
                        el("span", {class: "sign", "aria-hidden": "true"}, statusOf(series).sign),
                        statusOf(series).name),
                    ...(several ? [{text: momentText(series.lastRun.ms), value: series.lastRun.ms}] : [])])
        }));
    }
};
function reveal(series) {
    if (!state.open.includes(series.id)) {
        state.open = [...state.open, series.id];
        changed(true);
    }
    list.focus(series.id);
    list.rows.get(series.id)?.scrollIntoView({block: "start"});
}

function showJudging() {
    const {rule} = page, parts = [];
    const behind = known(rule.since_ms) ? `behind ${momentText(rule.since_ms)}`
        : typeof rule.since === "string" ? `behind commit ${longId(rule.since)}`
        : typeof rule.against === "string" ? `against commit ${longId(rule.against)}`
        : typeof rule.baseline === "string" ? `behind the baseline '${rule.baseline}'`
        : known(rule.window) ? `within the newest ${rule.window} points`
                             : "";
    parts.push(el("p", {},
        [
            behind === "" ? "" : `Changes ${behind} count`,
            known(rule.margin) ? `from ${shareText(rule.margin)} on` : "",
            known(rule.alpha)
                ? `at a chance of ${shareText(rule.alpha)} for a series without a change, and over all series`
                : ""
        ].filter(Boolean)
                .join(", ") +
            "."));
    if (page.baselines.length > 0) {
        parts.push(sortable({
            caption: "baselines",
            heads: [
                {title: "Baseline"}, {title: "Commit", left: true}, {title: "Set"}, {title: "For", left: true},
                {title: "Reason", left: true}
            ],
            rows: page.baselines.map(
                (each) => [each.name, each.commit === null ? "all until then" : commitNode(each.commit),
                    {text: momentText(each.ms), value: each.ms}, each.selection,
                    el("span", {class: "subject"}, each.reason)])
        }));
    }
    if (page.machines.length > 0) {
        parts.push(sortable({
            caption: "machines",
            heads:
                [{title: "Machine"}, {title: "What it is, and how it was set", left: true}, {title: "Series"}],
            rows: page.machines.map(
                (machine, i) => [machineName(machine),
                    el("span", {class: "parts"},
                        Object.entries(machine.parts)
                                .filter(([, value]) => value !== "")
                                .map(([name, value]) => `${name.replace(/_/g, " ")} ${value}`)
                                .join(", ") ||
                            "unknown"),
                    {
                        text: String(page.series.filter((series) => series.machineIndex === i).length),
                        value: page.series.filter((series) => series.machineIndex === i).length
                    }])
        }));
    }
    byId("judging-text").replaceChildren(...parts);
}

function showAbout() {
    document.title = page.title || (page.project === "" ? "tare: history" : `${page.project}: history`);
    byId("title").replaceChildren(
        ...(page.title !== "" ? [page.title]
                              : [page.project || "tare", " ", el("span", {class: "quiet"}, "history")]));
    const points = page.series.reduce((sum, series) => sum + series.points.count, 0);
    setText(byId("about"), [
        page.title !== "" && page.project !== "" && !page.title.includes(page.project)
            ? `project ${page.project}`
            : "",
        `${many(points, "point")} in ${many(page.series.length, "series", "series")}`,
        page.branch === "" ? "" : `branch ${page.branch}`, many(page.machines.length, "machine"), `made ${momentText(page.made)}`,
        page.version === "" ? "" : `tare ${page.version}`
    ].filter(Boolean).join(" · "));
    byId("problems").hidden = page.problems.length === 0;
    const most = 10;
    byId("problems")
        .replaceChildren(...page.problems.slice(0, most).map((text) => el("li", {}, text)),
            ...(page.problems.length > most ? [el("li", {}, `and ${page.problems.length - most} more`)] : []));
}

// Takes new data: what is open, seen and has the focus stays.
function take(text) {
    let read;
    try {
        read = readPage(text);
    } catch (error) {
        if (!(error instanceof Unreadable)) {
            throw error;
        }
        trouble(`${error.message}.`);
        return false;
    }
    trouble("");
    const first = page === null;
    page = read;
    const sorted = new Intl.Collator("en", {numeric: true}).compare;
    page.suites = [...new Set(page.series.flatMap(partsOf))].sort(sorted);
    page.branches =
        [...page.runs.branches()].filter((branch) => branch !== "").sort(sorted);
    byId("main").hidden = false;
    if (first) {
        list = new List({
            table: byId("list"),
            detailOf,
            onToggle: toggle,
            onSort: (key, down) => {
                state.sort = key;
                state.down = down;
                changed(true);
            },
            wanted: () => state
        });
        comparison = new Comparison({page: () => page, state: () => state, changed});
        byId("compare-place").replaceWith(comparison.element);
        new IntersectionObserver((seen) => {
            lastRun.seen = seen[seen.length - 1].isIntersecting;
            if (lastRun.seen) {
                lastRun.draw();
            }
        }, {rootMargin: "300px"}).observe(byId("last-run"));
    } else {
        for (const [id, detail] of details) {
            const series = page.byId.get(id);
            if (series === undefined) {
                detail.release();
                details.delete(id);
            } else {
                detail.refresh(series);
            }
        }
    }
    showAbout();
    show();
    showJudging();
    return true;
}

// Another axis, scale or theme.
function redrawCharts() {
    details.forEach((detail) => detail.redraw());
    comparison?.show();
}

// Controls

byId("q").addEventListener("input", () => {
    state.q = byId("q").value;
    writeAddress(false);
    show();
});
byId("q").addEventListener("keydown", (event) => {
    if (event.key === "Escape" && state.q !== "") {
        event.preventDefault();
        byId("q").value = state.q = "";
        writeAddress(false);
        show();
    } else if (event.key === "ArrowDown" && list !== null && list.order.length > 0) {
        event.preventDefault();
        list.focus(list.order[0].id);
    }
});
for (const name of ["suite", "machine", "branch"]) {
    byId(name).addEventListener("change", () => {
        state[name] = byId(name).value;
        changed(true);
    });
}
byId("clear").addEventListener("click", () => {
    const none = emptyState();
    for (const name of ["q", "suite", "machine", "branch", "status"]) {
        state[name] = none[name];
    }
    byId("q").value = "";
    changed(true);
    byId("q").focus();
});
byId("constants").firstChild.addEventListener("click", () => {
    state.all = !state.all;
    changed(true);
});
byId("close-all").addEventListener("click", () => {
    state.open = [];
    changed(true);
    byId("overview-title").focus();
});
byId("axis").addEventListener("change", () => {
    state.time = byId("axis").value === "time";
    changed(true);
    redrawCharts();
});
byId("scale").addEventListener("change", () => {
    state.log = byId("scale").value === "log";
    changed(true);
    redrawCharts();
});
byId("skip").addEventListener("click", (event) => {
    event.preventDefault(); // the address is for what is shown
    byId("overview-title").focus();
    byId("overview").scrollIntoView();
});
function fromAddress() {
    const now = writeState(state);
    state = readState(location.hash);
    if (writeState(state) !== now) {
        byId("q").value = state.q;
        show();
        redrawCharts();
    }
}
addEventListener("popstate", fromAddress);
addEventListener("hashchange", fromAddress);

const dark = matchMedia("(prefers-color-scheme: dark)");
function showTheme() {
    const choice = byId("theme").value;
    const now = look.printing ? "print" : choice === "auto" ? (dark.matches ? "dark" : "light") : choice;
    if (document.documentElement.dataset.theme !== now) {
        document.documentElement.dataset.theme = now;
        redrawCharts();
    }
}
if (["light", "dark"].includes(remember("theme"))) {
    byId("theme").value = remember("theme");
}
showTheme();
dark.addEventListener("change", showTheme);
byId("theme").addEventListener("change", () => {
    keepChoice("theme", byId("theme").value);
    showTheme();
});

// Paper: black on white, everything that is open, and rows that were out of sight, too.
function print(on) {
    if (look.printing === on) {
        return;
    }
    look.printing = on;
    if (on && list !== null) {
        list.drawAll();
        lastRun.draw();
    }
    showTheme();
}
addEventListener("beforeprint", () => print(true));
addEventListener("afterprint", () => print(false));
matchMedia("print").addEventListener("change", (event) => print(event.matches));

const KEYS = [
    ["?", "these keys", () => byId("keys").showModal()],
    [
        "/", "search",
        () => {
            byId("q").focus();
            byId("q").select();
        }
    ],
    [
        "t", "light, dark, as the system",
        () => {
            const order = ["auto", "light", "dark"];
            byId("theme").value = order[(order.indexOf(byId("theme").value) + 1) % 3];
            byId("theme").dispatchEvent(new Event("change"));
        }
    ],
    ["x", "charts by commit or by time", () => turnSelect("axis")],
    ["l", "linear or logarithmic scale", () => turnSelect("scale")]
];
function turnSelect(id) {
    byId(id).selectedIndex = 1 - byId(id).selectedIndex;
    byId(id).dispatchEvent(new Event("change"));
}
byId("keys-list")
    .append(...[...KEYS, ["↑ ↓ Home End", "in the list: another row; Enter opens it and closes it"],
        ["Esc", "in an open series: close it; in the search: empty it"],
        ["← → Home End", "in a chart: another point"], ["↑ ↓", "in a chart: another line"],
        ["+ − 0", "in a chart: zoom in, out, show everything"]]
                .flatMap(([key, what]) => [el("dt", {}, el("kbd", {}, key)), el("dd", {}, what)]));
byId("keys-on").checked = remember("keys") !== "off";
byId("keys-on").addEventListener("change", () => keepChoice("keys", byId("keys-on").checked ? "on" : "off"));
byId("keys-open").addEventListener("click", () => byId("keys").showModal());
document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || event.defaultPrevented || page === null ||
        !byId("keys-on").checked || document.querySelector("dialog[open]") !== null ||
        event.target.closest("input, select, textarea") !== null) {
        return;
    }
    const key = KEYS.find(([name]) => name === event.key);
    if (key !== undefined) {
        event.preventDefault();
        key[2]();
    }
});

// Live

// What a server answers instead of data.
function errorIn(text) {
    try {
        const {error} = JSON.parse(text);
        return typeof error === "string" ? error.slice(0, 500) : "";
    } catch {
        return "";
    }
}

class Live {
    constructor(address) {
        this.address = address;
        this.tag = null;
        this.text = null;
        this.good = NaN; // when it answered last
        this.why = "";
        this.said = ""; // by the server, instead of data
        byId("live").hidden = false;
        this.say("connecting", "asking the server");
        this.ask();
        setInterval(() => this.showAge(), 1000);
        document.addEventListener("visibilitychange", () => {
            if (!document.hidden) {
                this.ask();
            }
        });
    }
    say(name, text) {
        setAttribute(byId("live"), "data-state", name);
        setText(byId("live"), text);
    }
    async ask() {
        clearTimeout(this.timer);
        if (this.asking) {
            return;
        }
        this.asking = true;
        this.said = "";
        try {
            const answer = await fetch(this.address, {cache: "no-cache", signal: AbortSignal.timeout(30000)});
            const text = await answer.text();
            this.said = answer.ok ? "" : errorIn(text);
            if (!answer.ok) {
                throw new Error(`the server says ${answer.status}`);
            }
            // What is the same is not read again: what is shown stays untouched.
            if (text !== this.text) {
                this.text = text;
                take(text);
            }
            this.good = Date.now();
            this.why = "";
        } catch (error) {
            this.why = error instanceof Error ? error.message : String(error);
        }
        this.asking = false;
        this.showAge();
        this.timer = setTimeout(() => this.ask(), ASK_MS);
    }
    showAge() {
        const clock = known(this.good) ? new Date(this.good).toLocaleTimeString("en-GB") : "";
        if (this.why !== "" && this.said !== "") {
            this.say("lost",
                `${clock === "" ? "" : `stale: as it was at ${clock}; `}the server says: ${this.said}`);
        } else if (this.why !== "" || Date.now() - this.good > STALE_MS) {
            this.say("lost",
                clock === "" ? `no answer from the server (${this.why})`
                             : `stale: as it was at ${clock}, no answer since${
                                   this.why === "" ? "" : ` (${this.why})`}`);
        } else if (clock !== "") {
            this.say("open", `live: as of ${clock}`);
        }
    }
}

const data = byId("data");
const address = document.querySelector("meta[name=tare-live]")?.content || "";
const mayAsk = /^\/(?!\/)/.test(address) && /^https?:$/.test(location.protocol);
if (data !== null) {
    take(data.textContent);
} else if (!mayAsk) {
    trouble("there are no data in this page: `tare history html -o FILE` writes one that has.");
}
if (mayAsk) {
    new Live(address);
}
