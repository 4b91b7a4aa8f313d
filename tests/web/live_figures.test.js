// SPDX-License-Identifier: MIT
// The live page of tare serve in a browser, with a server that only pretends (mock_serve.js): which figures are
// there, and which are not.
"use strict";
const {test, before, after} = require("node:test");
const assert = require("node:assert/strict");
const {live, row, start, stop, text, texts, until} = require("./live_page.js");
const {COLUMNS} = require("./mock_serve.js");

before(start);
after(stop);

test("what has ended stays in sight until somebody chooses", async () => {
    const {page, mock, close} = await live({processes: 2, names: ["server", "server"]});
    const line = row(page, "counters", "http.sent_total");
    await until("a rate", async () => /^\d.* (B|KiB)\/s$/.test((await texts(line))[0]));
    mock.ended.add(0);
    mock.shape++;
    await page.locator("#ended").waitFor();
    assert.match(await text(page, "#ended"), /^server \(4711\) has ended\. .*Show server \(4712\)$/);
    assert.match(await text(page, "#process-facts"), /^has ended · .*processor 42\.0 %/);
    const [rate, , total] = await texts(line);
    assert.match(rate, /^\d.* (B|KiB)\/s$/); // as it was, which nobody can tell any more
    await until("a mark in the choice",
        async () => /server \(4711\), ended/.test(await text(page, "#process")));
    // Also when the server has nothing more of it, and others come and go.
    mock.gone.add(0);
    mock.shape++;
    const number = mock.number;
    await until("some samples", () => mock.number > number + 4);
    assert.match(await text(page, "#ended"), /^server \(4711\) has ended\./);
    assert.deepEqual([(await texts(line))[0], (await texts(line))[2]], [rate, total]);
    await page.click("#next");
    assert.ok(await page.locator("#ended").isHidden());
    assert.equal(await page.locator("#process").inputValue(), "11");
    assert.ok(await page.locator("#panel-counters").isHidden());
    await close();
});

test("what measuring takes is said, and when it is much", async () => {
    const {page, mock, close} = await live();
    const said = () => page.locator("p:has(> #measuring)");
    assert.equal((await said().innerText()).trim(), "measuring takes 3.0 % of its processor time");
    mock.measuring = 0.13;
    await until("a warning", async () => /13\.0 % .*: much/.test(await said().innerText()));
    mock.measuring = null;
    await until("nothing, as nothing is known", async () => await said().isHidden());
    await close();
});

test("what a set has and never used is folded away", async () => {
    const {page, mock, close} = await live();
    const rows = () => page.locator("#table-counters .name").allTextContents();
    const more = page.locator("#panel-counters .fold");
    assert.ok(!(await rows()).includes("jit.cache.eviction_total"));
    await until("all but one, as they count",
        async () => await more.textContent() === "Show 1 of a set, which never counted anything");
    assert.equal(await page.locator("#panel-counters .bar .quiet").textContent(),
        String(mock.instruments.filter((each) => each.kind === "counter").length));
    await more.click();
    assert.ok((await rows()).includes("jit.cache.eviction_total"));
    assert.equal(await more.getAttribute("aria-expanded"), "true");
    await more.click();
    await page.fill("#filter", "eviction"); // who looks for it finds it
    assert.deepEqual(await rows(), ["jit.cache.eviction_total"]);
    await page.fill("#filter", "");
    mock.instruments.find((each) => each.idle).idle = false;
    await until("it, as it counts", async () => (await rows()).includes("jit.cache.eviction_total"));
    assert.ok(await more.isHidden());
    await close();
});

test("percentiles that are sent are there; figures of a moment are of now", async () => {
    const columns = {...COLUMNS, histogram: [...COLUMNS.histogram, "rolling.p90", "rolling.p999"]};
    const {page, close} = await live({columns});
    assert.deepEqual((await page.locator("#table-histograms thead th:visible").allTextContents()).slice(2, 7),
        ["p50", "p90", "p95", "p99", "p99.9"]);
    const cells = await row(page, "histograms", "http.answer_ns").locator("td:visible").allTextContents();
    cells.slice(1, 7).forEach((cell) => assert.match(cell, /^[\d.]+ (µs|ms)$/));
    assert.deepEqual((await texts(page.locator("#derived-memory tr.row"))).slice(0, 2), ["50.0 %", ""]);
    await close();
});

test("percentiles since the start stand beside those of the window; of rates, p5 too", async () => {
    const totals = ["p05", "p50", "p90", "p95", "p99", "p999"].map((name) => "total." + name);
    const columns = {
        ...COLUMNS,
        timer: [
            ...COLUMNS.timer, "total.net_avg_error_ns", "total.net_p50_ns", "total.net_p95_ns",
            "total.net_p99_ns"
        ],
        histogram:
            [...COLUMNS.histogram, "rolling.p90", "rolling.p999", "rolling.p05", ...totals]
    };
    const {page, mock, close} = await live({columns});
    const cell = async (kind, name, title) => {
        const heads = await page.locator(`#table-${kind} thead th`).allTextContents();
        assert.ok(heads.includes(title), `${title} in ${heads}`);
        return row(page, kind, name).locator("th, td").nth(heads.indexOf(title)).textContent();
    };
    assert.equal(await cell("timers", "http::send", "net average ±, total"), "250 ns ± 2.50 ns");
    assert.equal(await cell("timers", "http::send", "p50, total"), "210 ns");
    assert.equal(await cell("timers", "http::send", "p99, total"), "1.51 µs");
    const answers = (title) => cell("histograms", "http.answer_ns", `${title}, total`);
    assert.deepEqual(await Promise.all(["p50", "p90", "p95", "p99", "p99.9"].map(answers)),
        ["910 µs", "1.60 ms", "2.10 ms", "5.10 ms", "9.10 ms"]);
    const latency = row(page, "latency", "latency.input_to_present_ns");
    assert.match(await latency.textContent(), /p50 [^,]*, p99 .* values, p50 910 µs, p99 5\.10 ms/);
    // The slow end of a rate is the low one.
    assert.equal(await page.locator("#table-histograms th:visible", {hasText: /^p5\b/}).count(), 0);
    mock.instruments.push({...mock.instruments.find((each) => each.name === "answer_ns"),
        id: 2000, module: "cpu", name: "batch_rate", unit: "instructions/ms"});
    mock.shape++;
    await row(page, "cpu", "cpu.batch_rate").waitFor();
    assert.match(await row(page, "cpu", "cpu.batch_rate").textContent(), /p5 [^,]*, p50 .* values, p5 510,000 [^,]*, p50 910,000 /);
    assert.equal(await page.locator("#table-histograms th:visible", {hasText: /^p5\b/}).count(), 2);
    await row(page, "cpu", "cpu.batch_rate").locator(".name").click();
    const chart = page.locator("#charts figure[aria-label='cpu.batch_rate'] > table tbody th");
    assert.deepEqual(await chart.allTextContents(), ["p5", "p50", "p95", "p99"]);
    await close();
});

test("paper gets all rows, of one reading", async () => {
    const {page, close} = await live({timers: 100});
    await page.locator("#panel-hotspots").scrollIntoViewIfNeeded();
    assert.ok(await page.locator("#table-timers tr.row").count() < 60);
    await until("frames have come", // the first reading, of totals only, has none
        () => page.evaluate(() => /^[1-9]/.test(document.querySelector("#panel-frames figure > table tbody th").textContent)));
    const stale = await page.evaluate(() => {
        dispatchEvent(new Event("beforeprint"));
        const total = (table) => [...document.querySelectorAll(`#${table} tr.row`)]
                                     .find((line) => line.textContent.includes("cpu.instructions_total"))
                                     .cells[3].textContent;
        return [
            document.querySelectorAll("#table-timers tr.row").length, total("table-counters"),
            total("table-cpu"), document.querySelector("#panel-frames figure > table tbody th").textContent
        ];
    });
    assert.equal(stale[0], 100);
    assert.equal(stale[1], stale[2]);
    assert.match(stale[3], /^[1-9]\d* frames$/);
    await page.evaluate(() => dispatchEvent(new Event("afterprint")));
    assert.ok(await page.locator("#table-timers tr.row").count() < 60);
    await close();
});
