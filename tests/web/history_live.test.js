// SPDX-License-Identifier: MIT
// The dashboard as a server sends it: it asks again, keeps what its reader has in view, and says when it is
// stale.
"use strict";
const {test, before, after} = require("node:test");
const assert = require("node:assert/strict");
const http = require("node:http");
const {small} = require("./history_data.js");
const {livePage, names, openAt, row, start, stop, text} = require("./history_page.js");

before(start);
after(stop);

class Server {
    constructor() {
        this.data = JSON.stringify(small());
        this.fails = false;
        this.says = "no";
        this.asked = 0;
        this.same = 0;
        this.server = http.createServer((request, response) => {
            if (request.url === "/history") {
                response.setHeader("Content-Type", "text/html; charset=utf-8");
                response.end(livePage);
            } else if (request.url === "/api/v1/history" && !this.fails) {
                this.asked++;
                const tag = `"${this.data.length}-${this.data.slice(0, 200).length}"`;
                response.setHeader("ETag", tag);
                response.setHeader("Cache-Control", "no-cache");
                if (request.headers["if-none-match"] === tag) {
                    this.same++;
                    response.statusCode = 304;
                    response.end();
                    return;
                }
                response.setHeader("Content-Type", "application/json");
                response.end(this.data);
            } else {
                response.statusCode = this.fails ? 503 : 404;
                response.end(this.fails ? this.says : "no");
            }
        });
    }
    listen() {
        return new Promise((resolve) => {
            this.server.listen(0, "127.0.0.1", () => {
                this.origin = `http://127.0.0.1:${this.server.address().port}`;
                resolve(this);
            });
        });
    }
    stop() {
        this.server.closeAllConnections();
        return new Promise((resolve) => { this.server.close(resolve); });
    }
}

test("new points come; what is open, zoomed, typed and chosen stays; silence is said", async (t) => {
    const server = await new Server().listen();
    t.after(() => server.stop());
    // The page's ten seconds are a tenth of one here.
    const {page, close} = await openAt(`${server.origin}/history`, {
        script: () => {
            const wait = window.setTimeout;
            window.setTimeout = (does, ms, ...more) => wait(does, ms === 10000 ? 100 : ms, ...more);
        }
    },
        (url) => url.startsWith(server.origin + "/") || url.startsWith("data:,"));
    assert.match(await text(page, "#live"), /^live: as of \d\d:\d\d:\d\d$/);
    await page.fill("#q", "bench");
    await row(page, "parse::bench_1").locator(".name").click();
    const chart = page.locator(".detail-box .chart-box");
    await chart.focus();
    await page.keyboard.press("+");
    await page.waitForFunction(() => location.hash.includes("zoom="));
    const address = await page.evaluate(() => location.hash);
    const asked = server.asked;
    await page.waitForFunction(() => true);
    while (server.asked < asked + 3) {
        await new Promise((resolve) => { setTimeout(resolve, 50); });
    }
    assert.ok(server.same >= 1, "what is the same is not sent again");
    assert.ok(await page.evaluate(() => document.activeElement.className === "chart-box"));
    // The regression is gone.
    const data = small();
    const series = data.series.find((each) => each.title === "parse::bench_1 median" && each.machine === 0);
    Object.assign(series, {status: "improved", ratio: 0.5, last: 500});
    data.title = "Another title";
    server.data = JSON.stringify(data);
    await page.waitForFunction(() => document.title === "Another title");
    assert.equal(await page.evaluate(() => location.hash), address);
    assert.equal(await page.inputValue("#q"), "bench");
    assert.match(await row(page, "parse::bench_1").textContent(), /improved.*−50\.0 %/);
    assert.match(await text(page, ".detail-box h3"), /improved/);
    assert.equal(await page.locator(".detail-box canvas").count(), 1);
    assert.ok(await page.evaluate(() => document.activeElement.className === "chart-box"), "the focus stays");
    assert.deepEqual(await page.locator("tr.row.open .name").allTextContents(), ["parse::bench_1 median"]);
    // Damage is said, and what was there stays.
    server.data = "{";
    await page.waitForSelector("#trouble:not([hidden])");
    assert.ok((await names(page)).length > 3);
    server.data = JSON.stringify(small());
    await page.waitForSelector("#trouble", {state: "hidden"});
    server.fails = true;
    await page.waitForSelector("#live[data-state=lost]");
    assert.match(await text(page, "#live"),
        /^stale: as it was at \d\d:\d\d:\d\d, no answer since \(the server says 503\)$/);
    assert.ok((await names(page)).length > 3);
    server.says = JSON.stringify({error: "no database 'perf.db' <b>"});
    await page.waitForFunction(() => /; the server says: no database 'perf\.db' <b>$/.test(
        document.querySelector("#live").textContent));
    server.fails = false;
    await page.waitForSelector("#live[data-state=open]");
    await close([/503/]);
});
