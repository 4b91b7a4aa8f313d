// SPDX-License-Identifier: MIT
// The dashboard takes nothing in its data for more than text, says what is damaged, and shows what is odd.
"use strict";
const {test, before, after} = require("node:test");
const assert = require("node:assert/strict");
const fs = require("node:fs");
const path = require("node:path");
const {pathToFileURL} = require("node:url");
const browser = require("./browser.js");
const {Maker, MARKUP, bare, hostile, odd, small} = require("./history_data.js");
const {dashboard, html, names, openAt, row, start, stop, text} = require("./history_page.js");

before(start);
after(stop);

test("markup and addresses of scripts stay text, wherever they stand", async () => {
    const data = hostile();
    const {page, close} = await dashboard(data);
    assert.equal((await names(page)).length, data.series.length);
    // Everything that there is to open, to choose and to look at.
    for (let i = 0; i < data.series.length; i++) {
        await page.locator("#list tr.row .name").nth(i).click();
    }
    await page.locator(".detail-box canvas").first().waitFor();
    for (const summary of await page.locator(".detail-box summary").all()) {
        await summary.click();
    }
    await page.locator(".detail-box").first().getByText("Compare").click();
    await page.selectOption("#compare-1", {index: 2});
    for (const chart of await page.locator(".chart-box").all()) {
        await chart.focus();
        for (const key of ["End", "ArrowLeft", "ArrowLeft", "ArrowLeft", "ArrowLeft", "ArrowDown"]) {
            await page.keyboard.press(key);
        }
    }
    await page.locator("#last-run").scrollIntoViewIfNeeded();
    await page.locator("#judging").scrollIntoViewIfNeeded();
    await page.locator("#last-run-table tbody tr").first().waitFor();
    assert.match(await text(page, "#title"), /<img src=x onerror/);
    assert.equal((await text(page, ".detail-box h3 .subject")), data.series[0].title);
    assert.ok((await text(page, "#judging-text")).includes(MARKUP));
    assert.equal(await page.locator("img, iframe, object, embed, base, form:not([method=dialog])").count(), 0);
    assert.equal(await page.locator("script").count(), 2); // the data and the page's own
    assert.equal(await page.evaluate(() => window.pwned), undefined);
    // No link leads to anything but the web, and none carries an event handler.
    const links = await page.locator("a[href]").evaluateAll(
        (all) => all.map((a) => [a.getAttribute("href"), a.attributes.length]));
    const leading = links.filter(([href]) => href !== "#overview");
    assert.ok(leading.length > 0);
    assert.deepEqual(leading.filter(([
        href
    ]) => !/^https?:\/\/evil\.example\/%22onmouseover=%22window\.pwned=1$|^https:\/\/javascript:?/.test(href)),
        []);
    assert.equal(
        await page.locator("a[href^='javascript' i], a[href^='data:text' i], a[href^='file' i]").count(), 0);
    assert.equal(await page.locator("[onmouseover], [onerror], [onclick], [style*=url]").count(), 0);
    // The CSV of a name that is a formula.
    const [download] = await Promise.all([
        page.waitForEvent("download"),
        page.locator(".detail-box").first().getByRole("button", {name: "CSV"}).click()
    ]);
    const csv = fs.readFileSync(await download.path(), "utf8");
    assert.ok(!/(^|,|\n)"?[=+@-](?!\d)/.test(csv.replace(/""/g, "")), "a cell that begins a formula");
    assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth));
    await close();
});

test("what was not known is a dash; no commits, no intervals, no points", async () => {
    const {page, close} = await dashboard(bare());
    const cells = await row(page, "nothing").locator("td").allTextContents();
    assert.deepEqual(cells.slice(1, 6), ["–", "–", "–", "–", "–"]);
    await row(page, "nothing").locator(".name").click();
    assert.match(await text(page, ".detail-box .facts"), /^no points · last –$/);
    await page.locator(".detail-box .chart-box").focus();
    await page.keyboard.press("ArrowRight");
    await row(page, "parse::").locator(".name").click();
    const box = page.locator(".detail-box", {hasText: "parse::bench_0"});
    await box.locator(".chart-box").focus();
    await page.keyboard.press("Home");
    assert.match(await box.locator(".point").textContent(),
        /to the one before–commitunknownmeasured2026-06-01 10:30 UTC/);
    await box.locator("summary").click();
    await box.locator("details tbody tr").first().waitFor();
    assert.equal(await box.locator("details tbody tr").count(), 12);
    await close();
});

test("values below 0, enormous ones, one commit many times", async () => {
    const data = odd();
    const {page, close} = await dashboard(data, {hash: "#scale=log&all=1"});
    for (let i = 0; i < data.series.length; i++) {
        await page.locator("#list tr.row .name").nth(i).click();
    }
    const of = (name) => page.locator(".detail-box").filter({has: page.locator("h3", {hasText: name})});
    await of ("below zero").locator("canvas").scrollIntoViewIfNeeded();
    assert.match(
        await of ("below zero").textContent(), /16 values not above 0 are not shown: the scale is logarithmic/);
    assert.match(await of ("wide").locator(".facts").textContent(), /last \d\.\d+ ± [\d.]+ s/);
    // Each point can be chosen, also of those at one commit, and in the order in which they are given.
    for (const name of ["again and again", "one commit, then another"]) {
        const chart = of(name).locator(".chart-box");
        await chart.focus();
        await page.keyboard.press("Home");
        const seen = [];
        for (let i = 0; i < 30; i++) {
            seen.push((await of (name).locator("[role=status]").textContent()).match(/^point (\d+) of 30/)[1]);
            await page.keyboard.press("ArrowRight");
        }
        assert.equal(new Set(seen).size, 30, name);
        if (name === "again and again") {
            assert.deepEqual(seen, seen.map((_, i) => String(i + 1)));
        }
    }
    await page.selectOption("#axis", "time");
    await page.selectOption("#scale", "linear");
    await close();
});

test("what cannot be read is said, and not a blank page", async () => {
    const said = async (data, pattern) => {
        const {page, close} = await dashboard(data);
        assert.match(await text(page, "#trouble"), pattern);
        assert.ok(await page.locator("#trouble").isVisible());
        assert.ok(!await page.locator("#main").isVisible());
        await close();
    };
    await said("{\"schema\": \"tare-his", /^the data of this page is damaged: .*JSON/);
    await said("[]", /not a history of tare/);
    await said({...small(), schema_version: 2}, /of schema_version 2, and this page reads 1/);
    // The same without a browser.
    const {readPage, Unreadable} =
        await import(pathToFileURL(path.join(__dirname, "../../web/history_data.js")).href);
    const short = small();
    short.runs.started.pop();
    for (const [data, pattern] of [[[], /not a history of tare/], [null, /not a history of tare/],
             ["text", /not a history of tare/], [{...small(), schema: "tare-result"}, /not a history of tare/],
             [{...small(), schema_version: "1"}, /of schema_version 1, and/],
             [{...small(), series: null}, /damaged: 'series' is missing/],
             [{...small(), commits: null}, /damaged: 'commits' is missing/],
             [short, /damaged: 'started' has not \d+ entries/]]) {
        assert.throws(() => readPage(JSON.stringify(data)),
            (error) => error instanceof Unreadable && pattern.test(error.message));
    }
    // Indices that are none.
    const odds = small();
    odds.runs.commit[0] = "length";
    odds.baselines[0].commit = "length";
    odds.series[0].machine = "length";
    odds.series[1].points.run[0] = "length";
    const page = readPage(JSON.stringify(odds));
    assert.equal(page.runs.of(0).commit, null);
    assert.equal(page.baselines[0].commit, null);
    assert.equal(page.series[0].machine, null);
    assert.deepEqual(page.problems.length, 1);
});

test("a page without data says how to get some", async () => {
    const file = path.join(browser.work, "none.html");
    fs.writeFileSync(file, html);
    const address = pathToFileURL(file).href;
    const {page, close} = await openAt(address, {}, (url) => url === address || url.startsWith("data:,"));
    assert.match(await text(page, "#trouble"), /no data in this page: `tare history html -o FILE`/);
    await close();
});

test("a damaged series is left out, and said", async () => {
    const data = small();
    data.series[0].points.value.pop();
    data.series[1].status = "splendid";
    data.series[2].points.run[5] = 100000;
    data.series[3].changes = [{at: 1e9}];
    data.series[4].points.value[3] = null;
    data.series[5] = null;
    data.series[6].id = data.series[7].id;
    const {page, close} = await dashboard(data);
    assert.equal((await names(page)).length, 11 - 7);
    const problems = await page.locator("#problems li").allTextContents();
    assert.equal(problems.length, 7);
    assert.match(
        problems[0], /^series 1 'parse::bench_0 median' is damaged and left out: 'run' has not 59 entries$/);
    assert.match(problems[1], /its status is unknown: 'splendid'/);
    assert.match(problems[5], /^series 6 is damaged/);
    await close();
});

test("an empty history, and links to what is not there", async () => {
    const empty = new Maker(0).object;
    const first = await dashboard(empty);
    assert.match(await text(first.page, "#none"), /no series yet: `tare history add RESULT`/);
    await first.close();
    const {page, close} = await dashboard(small(), {
        hash:
            "#open=ffff,%3Cimg%3E&compare=nobody,nothing&sort=nonsense&zoom=a:b:c,x&suite=gone&status=odd&machine=%00&x=%F0%28"
    });
    assert.match(await text(page, "#hidden-open"), /2 series of this link are not in this page/);
    assert.match(await text(page, "#compare-text"), /not in this page/);
    assert.equal(await text(page, "#none"), "No series is like that.");
    await page.click("#clear");
    assert.equal((await names(page)).length, 11);
    await close();
});
