// SPDX-License-Identifier: MIT
// What is shown, as the part of the address behind "#", so that a link shows the same: what is looked for, the
// order, the open series, the comparison, the charts' axes and what of them is seen.

const MOST = 50; // of each list in an address: what anybody wrote there is not trusted

export function emptyState() {
    return {
        q: "",
        suite: "",
        machine: "",
        status: "",
        branch: "",
        sort: "status",
        down: false,
        open: [], // ids of series
        compare: ["", ""],
        raw: false, // the comparison in its unit, not as a ratio
        time: false, // the x axis is time, not commits
        log: false,
        all: false, // also those that never changed
        zoom: new Map(), // id of a series, or "compare" -> the points at both ends, as HistoryChart.keyOf() has them
        off: new Set(), // "id~other": lines that are not shown in the chart of a series
        on: new Set() // and those that are, though they are not at first
    };
}

export function writeState(state) {
    const out = new URLSearchParams();
    const set = (name, value, none) => {
        if (value !== none && value !== "") {
            out.set(name, value);
        }
    };
    for (const name of ["q", "suite", "machine", "status", "branch"]) {
        set(name, state[name]);
    }
    set("sort", (state.down ? "-" : "") + state.sort, "status");
    set("open", state.open.join(","));
    set("compare", state.compare.join(","), ",");
    set("raw", state.raw ? "1" : "");
    set("all", state.all ? "1" : "");
    set("x", state.time ? "time" : "");
    set("scale", state.log ? "log" : "");
    set("zoom", [...state.zoom].map(([id, [from, to]]) => `${id}:${from}:${to}`).join(","));
    set("off", [...state.off].join(","));
    set("on", [...state.on].join(","));
    return out.toString().replace(/%2C/g, ",").replace(/%3A/g, ":").replace(/%7E/g, "~");
}

export function readState(hash) {
    const state = emptyState();
    const given = new URLSearchParams(hash.replace(/^#/, ""));
    const text = (name) => (given.get(name) || "").slice(0, 1000);
    const list = (name) => (given.get(name) || "").split(",").filter((each) => each !== "").slice(0, MOST);
    for (const name of ["q", "suite", "machine", "status", "branch"]) {
        state[name] = text(name);
    }
    const sort = text("sort");
    if (sort !== "") {
        state.down = sort.startsWith("-");
        state.sort = sort.replace(/^-/, "");
    }
    state.open = [...new Set(list("open"))];
    const [a, b] = text("compare").split(",");
    state.compare = [a || "", b || ""];
    state.raw = given.get("raw") === "1";
    state.all = given.get("all") === "1";
    state.time = given.get("x") === "time";
    state.log = given.get("scale") === "log";
    for (const each of list("zoom")) {
        const [id, from, to] = each.split(":");
        if (id && from && to) {
            state.zoom.set(id, [from, to]);
        }
    }
    state.off = new Set(list("off"));
    state.on = new Set(list("on"));
    return state;
}
