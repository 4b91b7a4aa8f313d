// SPDX-License-Identifier: MIT
// The live page of tare serve in a browser, with a server that only pretends (mock_serve.js).
"use strict";
const {test, before, after} = require("node:test");
const assert = require("node:assert/strict");
const fs = require("node:fs");
const path = require("node:path");
const browser = require("./browser.js");
const {live, row, start, stop, text, texts, until} = require("./live_page.js");

before(start);
after(stop);

test("each kind of instrument has its place, with units, and unknown is a dash", async () => {
    const {page, close} = await live();
    assert.match(await text(page, "#process-facts"),
        /server --fast <b>bold<\/b> · processor 42\.0 % · memory 118 MiB · 4 threads/);
    assert.match(await text(page, "#process-facts"), /lost: 2 threads/);
    assert.equal(await text(page, "#window"), "1.00 s");
    const [rate, net, p50, p99, busy, calls, total] = await texts(row(page, "timers", "http::parse_request"));
    assert.match(rate, /^[\d.]+( k)?\/s$/);
    assert.match(net, /^\d+ ns ± 3\.10 ns$/);
    assert.match(p50, /^\d+(\.\d+)? ns$/);
    assert.match(p99, /^[\d.]+ (ns|µs)$/);
    assert.match(busy, /^[\d.]+ %$/);
    assert.match(calls, /^[\d,]+$/);
    assert.match(total, /^[\d.]+ (ns|µs|ms)$/);
    await row(page, "gauges", "http.nobody_knows").scrollIntoViewIfNeeded();
    const unknown = row(page, "gauges", "http.nobody_knows").locator("td").first();
    assert.equal(await unknown.textContent(), "–");
    assert.equal(await unknown.getAttribute("title"), "unknown");
    assert.match((await texts(row(page, "counters", "http.sent_total")))[0], /^[\d.]+ (B|KiB)\/s$/);
    assert.match(
        (await texts(row(page, "gauges", "memory.committed_bytes{region=guest_ram}")))[2], /^7\.00 MiB$/);
    assert.match((await texts(row(page, "histograms", "http.answer_ns")))[1], /^[\d.]+ (µs|ms)$/);
    assert.equal(
        await page.locator("#table-histograms th:visible", {hasText: "p99.9"}).count(), 0); // it is not sent
    const states = await texts(row(page, "states", "worker.doing"));
    assert.equal(states[1], "idle 50.0 %, parse 30.0 %, wait for the disk 20.0 %");
    assert.equal(states[2], "1 in idle, 1 in wait for the disk");
    assert.equal(await row(page, "states", "worker.doing").locator(".share i").count(), 3);
    assert.match((await texts(page.locator("#derived-jit tr.row").first()))[0], /^9\d\.\d %$/);
    assert.deepEqual(
        (await texts(page.locator("#derived-cpu tr.row").first())).slice(0, 2), ["–", "1235 MIPS"]);
    const key = await texts(page.locator("#table-hotspots tr.row").nth(1));
    assert.match(key[0], /^[\d,]+ instructions$/);
    assert.equal(key[1], "- 100 instructions");
    assert.match(key[2], /^9\.\d( to 9\.\d)? %$/);
    const fps = await page.locator("#panel-frames .fps tr").evaluateAll(
        (lines) => lines.map((line) => [...line.children].map((cell) => cell.textContent)));
    assert.deepEqual(fps[0], ["", "in the window", "total"]);
    assert.deepEqual(fps.slice(4), [
        ["rate", "60.0 frames/s", ""], ["1 / mean frame time", "58.2 fps", "57.5 fps"],
        ["1 / median", "62.1 fps", "61.1 fps"], ["1 % low", "25.0 fps", "24.0 fps"],
        ["0.1 % low", "25.0 fps", "20.0 fps"], ["mean", "17.2 ms", "17.4 ms"], ["p50", "16.1 ms", "16.2 ms"],
        ["p95", "18.0 ms", "18.5 ms"], ["p99", "40.0 ms", "41.0 ms"], ["scatter (CoV)", "21.0 %", "25.0 %"],
        ["cpu, mean", "8.00 ms", "7.00 ms"], ["gpu, mean", "–", "–"]
    ]);
    for (const id of ["jit", "gfx", "memory", "cpu", "latency"]) {
        assert.ok(await page.locator(`#panel-${id}`).isVisible(), id);
    }
    await close();
});

test("charts move, and their tables with them", async () => {
    const {page, close} = await live();
    await page.waitForSelector("#charts canvas");
    const picture = () => page.locator("#charts canvas").first().evaluate((canvas) => canvas.toDataURL());
    const first = await picture();
    const figures = () => page.locator("#charts figure table tbody").first().textContent();
    const said = await figures();
    await until("another picture", async () => await picture() !== first && await figures() !== said);
    // A press on a name makes a chart of it, another one takes it away.
    const name = row(page, "counters", "http.requests_total").locator(".name");
    await name.click();
    assert.equal(await name.getAttribute("aria-pressed"), "true");
    const chart = page.locator("#charts figure[aria-label='http.requests_total']");
    await chart.locator("canvas").waitFor();
    await chart.locator("summary").click();
    await until("five points in the table", async () => await chart.locator("details tbody tr").count() >= 5);
    const past = await chart.locator("details tbody td").allTextContents();
    assert.ok(past.every((value) => /^(–|[\d.]+( k)?\/s)$/.test(value)), past.join());
    assert.ok(past.filter((value) => value !== "–").length >= 3);
    // What it did before anybody looked is there, too: as much as of the first chart.
    await chart.getByRole("button", {name: "remove the chart of http.requests_total"}).click();
    assert.equal(await chart.count(), 0);
    assert.equal(await name.getAttribute("aria-pressed"), "false");
    for (const [table, of] of [
             ["states", "worker.doing"], ["histograms", "http.answer_ns"], ["gauges", "http.connections"]]) {
        await row(page, table, of).locator(".name").click();
        await page.locator(`#charts figure[aria-label='${of}'] canvas`).waitFor();
    }
    await page.locator("#derived-jit .name").first().click();
    await page.locator("#charts figure[aria-label='jit.cache.hit_rate'] canvas").waitFor();
    assert.deepEqual(await page.locator("#charts figure[aria-label='worker.doing'] table tbody")
                         .first()
                         .locator("th")
                         .allTextContents(),
        ["idle", "parse", "wait for the disk"]);
    await page.click("text=Remove all");
    assert.equal(await page.locator("#charts figure").count(), 0);
    assert.ok(await page.locator("#watched-none").isVisible());
    await close();
});

test("frames: slow ones are marked, in the picture and in words", async () => {
    const {page, close} = await live();
    await page.locator("#panel-frames").scrollIntoViewIfNeeded();
    await page.locator("#panel-frames canvas").waitFor();
    await until(
        "a slow frame", async () => /[1-9]\d* slow/.test(await text(page, "#panel-frames figure > table")));
    await page.locator("#panel-frames summary").click();
    await page.locator("#panel-frames details td", {hasText: "slow"}).first().waitFor();
    // Where the picture is red, nothing but a slow frame is.
    const red = () => page.locator("#panel-frames canvas").evaluate((canvas) => {
        const {data} = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
        let n = 0;
        for (let i = 0; i < data.length; i += 4) {
            n += data[i] > 150 && data[i + 1] < 40 && data[i + 2] < 70 && data[i + 3] > 200 ? 1 : 0;
        }
        return n;
    });
    await until("red rings", async () => await red() > 10);
    await close();
});

test("a switch says what the server says, and posts what it is asked", async () => {
    const {page, mock, close} = await live();
    const line = row(page, "timers", "http::parse_request");
    const toggle = line.getByRole("switch");
    assert.equal(await toggle.getAttribute("aria-checked"), "true");
    mock.silentSwitch = true;
    await toggle.click();
    await until("a post", () => mock.posts.length === 1);
    assert.deepEqual(mock.posts[0], ["/api/v1/switch", {id: 1000, enabled: false}, "application/json"]);
    assert.equal(await toggle.getAttribute("aria-checked"), "true"); // nothing was switched yet
    mock.silentSwitch = false;
    mock.instruments[0].enabled = false;
    mock.shape++;
    await page.locator("#table-timers [role=switch][aria-checked=false]").waitFor();
    assert.equal(await toggle.textContent(), "off");
    await until("no calls", async () => (await texts(line))[0] === "off"); // which is not 0
    assert.deepEqual((await texts(line)).slice(1, 5), ["–", "–", "–", "–"]);
    const counted = (await texts(line))[5];
    const passed = mock.number;
    await until("some samples", () => mock.number > passed + 4);
    assert.equal((await texts(line))[5], counted);
    await toggle.click();
    await page
        .locator("#table-timers [role=switch][aria-checked=true][aria-label='http::parse_request records']")
        .waitFor();
    assert.deepEqual(mock.posts[1][1], {id: 1000, enabled: true});
    mock.refuse = {status: 403, error: "the process 4711 belongs to somebody else"};
    await toggle.click();
    await page.getByRole("alert").waitFor();
    assert.match(await text(page, "#notes"),
        /^cannot switch 'http::parse_request': the process 4711 belongs to somebody else$/);
    assert.equal(await toggle.textContent(), "on");
    await close([/status of 403/]);
});

test("a reset asks first", async () => {
    const {page, mock, close} = await live();
    const reset = page.getByRole("button", {name: "reset http::send"});
    await reset.click();
    assert.match(await text(page, "#confirm-text"), /'http::send'/);
    assert.equal(await page.evaluate(() => document.activeElement.id), "confirm-no"); // Enter harms nothing
    await page.keyboard.press("Escape");
    await page.waitForSelector("#confirm:not([open])", {state: "attached"});
    await reset.click();
    await page.click("#confirm-no");
    await page.waitForSelector("#confirm:not([open])", {state: "attached"});
    assert.deepEqual(mock.posts, []);
    await reset.click();
    await page.click("#confirm-yes");
    await until("a post", () => mock.posts.length === 1);
    assert.deepEqual(mock.posts[0].slice(0, 2), ["/api/v1/reset", {id: 1001}]);
    await page.click("#reset-all");
    await page.click("#confirm-yes");
    await until("another", () => mock.posts.length === 2);
    assert.deepEqual(mock.posts[1].slice(0, 2), ["/api/v1/reset", {id: "all"}]);
    await close();
});

test("a capture is started, stopped, downloaded and discarded", async () => {
    const {page, mock, close} = await live();
    await until("its state", async () => await text(page, "#capture-state") === "no capture");
    assert.equal(await page.locator("#capture-download").getAttribute("href"), null);
    await page.click("#capture-start");
    await page.locator("#capture-state", {hasText: /^running, [1-9]\d* samples$/}).waitFor();
    await page.click("#capture-stop");
    await page.locator("#capture-state", {hasText: /^stopped, [1-9]\d* samples$/}).waitFor();
    const waiting = page.waitForEvent("download");
    await page.click("#capture-download");
    const download = await waiting;
    assert.equal(download.suggestedFilename(), "capture.json");
    const file = path.join(browser.work, "capture.json");
    await download.saveAs(file);
    const result = JSON.parse(fs.readFileSync(file, "utf8"));
    assert.equal(result.schema, "tare-result");
    assert.ok(result.capture.samples > 0);
    await page.click("#capture-reset");
    await page.click("#confirm-yes");
    await page.locator("#capture-state", {hasText: "no capture"}).waitFor();
    assert.deepEqual(mock.posts.map(([where, body]) => [where, body.action]),
        ["start", "stop", "reset"].map((action) => ["/api/v1/capture", action]));
    await close();
});

test("names that try to be markup are text", async () => {
    const {page, close} = await live();
    assert.equal(await page.title(), "tare: live");
    assert.equal(await page.locator("img").count(), 0);
    assert.equal(await page.evaluate(() => document.querySelectorAll("script").length), 1);
    await page.click("#unwatch");
    const name = page.locator("#table-timers .name", {hasText: "<img src=x onerror="});
    await name.click();
    assert.equal(await page.locator("#charts figure").count(), 2);
    await name.locator("xpath=ancestor::tr").getByText("reset").click();
    assert.match(await text(page, "#confirm-text"), /<\/script><script>document\.title='owned'<\/script>/);
    await page.keyboard.press("Escape");
    assert.equal(await page.title(), "tare: live");
    await close();
});

test("tables are sorted and filtered", async () => {
    const {page, mock, close} = await live({timers: 60});
    const head = page.locator("#table-timers thead th");
    assert.equal(await head.nth(5).getAttribute("aria-sort"), "descending");
    await head.nth(0).getByRole("button").click();
    assert.equal(await head.nth(0).getAttribute("aria-sort"), "ascending");
    assert.equal(await head.nth(5).getAttribute("aria-sort"), "none");
    const names = () => page.locator("#table-timers tr.row .name").allTextContents();
    const first = await names();
    assert.deepEqual(first, [...first].sort((a, b) => a.localeCompare(b, "en", {numeric: true})));
    await head.nth(0).getByRole("button").click();
    assert.equal(await head.nth(0).getAttribute("aria-sort"), "descending");
    assert.notDeepEqual(await names(), first);
    assert.equal(await page.locator("#table-timers").getAttribute("aria-rowcount"), "61");
    await page.keyboard.press("/");
    await page.keyboard.type("MANY3 step");
    assert.equal(await page.locator("#panel-timers .bar .quiet").textContent(), "6 of 60");
    assert.deepEqual([...new Set((await names()).map((name) => name.slice(0, 10)))], ["many3::ste"]);
    assert.ok(await page.locator("#panel-counters").getByText("no name matches the filter").isVisible());
    await page.keyboard.press("Escape");
    assert.equal(await page.locator("#panel-timers .bar .quiet").textContent(), "60");
    // Rows stay where they are while one of them has the focus.
    await head.nth(1).getByRole("button").click();
    await page.locator("#table-timers tr.row .name").nth(2).focus();
    const held = await names();
    const before = await page.locator("#table-timers tr.row td").first().textContent();
    await until("other figures",
        async () => await page.locator("#table-timers tr.row td").first().textContent() !== before);
    assert.deepEqual(await names(), held);
    mock.shape++; // nor when something else came or went
    const number = mock.number;
    await until("a reading of all", () => mock.number > number + 4);
    assert.deepEqual(await names(), held);
    await close();
});

test("what is frozen stays as it is, and goes on without a hole", async () => {
    const {page, mock, close} = await live();
    const shown = () => text(page, "#tables");
    await page.click("#freeze");
    assert.ok(await page.locator("#frozen").isVisible());
    const before = await shown();
    const number = mock.number;
    await until("some samples", () => mock.number > number + 5);
    assert.equal(await shown(), before);
    // Also what is drawn only now, as it comes in sight, or is asked for, is of then.
    await page.locator("#panel-hotspots").scrollIntoViewIfNeeded();
    const late = await text(page, "#table-counters");
    await page.locator("#table-counters thead button").first().click();
    await page.locator("#table-counters thead button").nth(1).click();
    await until("more samples", () => mock.number > number + 10);
    assert.equal(await text(page, "#table-counters"), late);
    mock.shape++;
    await until("more samples", () => mock.number > number + 14);
    assert.equal(await text(page, "#table-counters"), late);
    await page.click("#freeze");
    await until("other figures", async () => await shown() !== before);
    await page.locator("#charts summary").first().click();
    const past = () => page.locator("#charts details").first().locator("td").allTextContents();
    await until(
        "what it did meanwhile", async () => (await past()).filter((value) => value !== "–").length >= 5);
    await close();
});

test("a lost connection is said, and comes back by itself", async () => {
    const {page, mock, close} = await live({processes: 2});
    assert.equal(await text(page, "#connection"), "connected");
    const states = await page.evaluateHandle(() => {
        const seen = [];
        new MutationObserver(() => seen.push(document.getElementById("connection").textContent))
            .observe(
                document.getElementById("connection"), {childList: true, characterData: true, subtree: true});
        return seen;
    });
    const port = mock.port;
    await mock.stop();
    await page.waitForSelector("#connection[data-state=lost]");
    await until("old data", async () => parseFloat(await text(page, "#age")) >= 1);
    await mock.start(port);
    await page.waitForSelector("#connection[data-state=open]");
    assert.deepEqual([...new Set(await states.jsonValue())], ["connection lost, trying again", "connected"]);
    await page.selectOption("#process", {label: "other (4712)"});
    assert.ok(await page.locator("#panel-timers").isHidden());
    await page.selectOption("#process", {label: "server (4711)"});
    assert.ok(await page.locator("#panel-timers").isVisible());
    await close([/ERR_CONNECTION_REFUSED|ERR_INCOMPLETE|ERR_CONNECTION_RESET|ERR_EMPTY/]);
});
