// SPDX-License-Identifier: MIT
// The server: its stream, which is opened again when it is lost, and what it can be asked to do.

const SILENT_MS = 20000; // an open stream that says nothing for so long, or for three polls, is taken for dead
const AGAIN_MS = [500, 1000, 2000, 4000, 8000];

// on: {state(name, text), snapshot(object), sample(object)}
export class Stream {
    constructor(path, on) {
        this.path = path;
        this.on = on;
        this.tries = 0;
        this.source = null;
        this.lastMs = performance.now();
        this.silentMs = SILENT_MS;
        this.ever = false;
        setInterval(() => {
            if (this.source !== null && performance.now() - this.lastMs > this.silentMs) {
                this.lost();
            }
        }, 1000);
        this.open();
    }

    open() {
        if (this.tries === 0) {
            this.on.state("connecting", "connecting");
        }
        this.lastMs = performance.now();
        const source = new EventSource(this.path);
        this.source = source;
        // Once an answer is there it is open; that data comes is what counts for the reader.
        source.addEventListener("snapshot", (event) => this.take(source, "snapshot", event.data));
        source.addEventListener("sample", (event) => this.take(source, "sample", event.data));
        // Nothing is new, but it is there.
        source.addEventListener("beat", () => {
            if (this.source === source) {
                this.lastMs = performance.now();
            }
        });
        source.addEventListener("error", () => {
            if (this.source === source) {
                this.lost();
            }
        });
    }

    take(source, name, text) {
        if (this.source !== source) {
            return;
        }
        this.lastMs = performance.now();
        let event = null;
        try {
            event = JSON.parse(text);
        } catch {
            this.lost(); // cut off, or not ours: begin anew
            return;
        }
        if (name === "snapshot" && event !== null && event.interval_ms > 0) {
            this.silentMs = Math.max(SILENT_MS, 3 * event.interval_ms);
        }
        if (this.on[name](event) === false) {
            this.lost();
            return;
        }
        if (this.state !== "open") {
            this.state = "open";
            this.ever = true;
            this.tries = 0;
            this.on.state("open", "connected");
        }
    }

    lost() {
        this.source.close();
        this.source = null;
        this.state = "lost";
        this.on.state("lost", this.ever ? "connection lost, trying again" : "no connection, trying again");
        const wait = AGAIN_MS[Math.min(this.tries, AGAIN_MS.length - 1)];
        this.tries++;
        setTimeout(() => this.open(), wait);
    }
}

// The answer as an object; an Error with one line if there is none, or it says so.
async function ask(path, options) {
    let response = null;
    try {
        response = await fetch(path, {credentials: "same-origin", cache: "no-store", ...options});
    } catch {
        throw new Error("the server does not answer");
    }
    let body = null;
    try {
        body = await response.json();
    } catch {
        body = null;
    }
    if (!response.ok) {
        throw new Error(body !== null && typeof body.error === "string" ? body.error
                                                                        : `the server says ${response.status}`);
    }
    return body;
}

export function post(path, body) {
    return ask(
        path, {method: "POST", headers: {"Content-Type": "application/json"}, body: JSON.stringify(body)});
}
export function get(path) {
    return ask(path, {method: "GET"});
}
