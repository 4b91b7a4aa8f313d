// SPDX-License-Identifier: MIT
// The dashboard of tare history in a browser, from a file: what it shows, and how it is used.
"use strict";
const {test, before, after} = require("node:test");
const assert = require("node:assert/strict");
const fs = require("node:fs");
const {Maker, large, small} = require("./history_data.js");
const {dashboard, hash, names, row, start, stop, text} = require("./history_page.js");

before(start);
after(stop);

const REGRESSED = "parse::bench_1 median";
const plot = (page) => page.locator(".detail-box .u-over").first();
const shownRange = (page) =>
    page.locator(".detail-box canvas").first().evaluate((canvas) => canvas.toDataURL());

test("the overview is sorted by what changed, with statuses in words and figures with intervals", async () => {
    const {page, close} = await dashboard(small());
    assert.deepEqual(await names(page), [
        "parse::bench_2 median", "parse::bench_1 median", "memory::arena/size=64 peak_bytes",
        "parse::bench_4 median", "parse::bench_5 median", "memory::pool allocations", "parse::bench_7 median",
        "parse::bench_8 median", "parse::bench_0 median", "parse::bench_1 median", "parse::throughput rate"
    ]);
    const cells = await row(page, REGRESSED).locator("td").allTextContents();
    assert.equal(cells[0], "✕regressed");
    assert.equal(cells[1], "+12.0 %");
    assert.match(cells[2], /^1\.\d{3} ± 0\.011 µs$/);
    assert.match(cells[3], /^[+−][\d.]+ %$/);
    assert.equal(cells[4], "–");
    assert.match(cells[5], /^2026-07-30 [0-9a-f]{8}$/);
    assert.equal(await row(page, REGRESSED).locator("svg .line").count(), 1);
    // Where the same was measured elsewhere, it says where.
    assert.equal(await row(page, REGRESSED).locator("small").textContent(), "AMD EPYC (5eed1234)");
    assert.deepEqual(await page.locator("#statuses button:visible").allTextContents(), [
        "11 all", "✕2 regressed", "▲1 over budget", "?1 suspected", "✓1 improved", "◆1 changed", "≈1 unstable",
        "…1 too few", "=3 steady"
    ]);
    // By another column, and back.
    await page.click("#list th.c-last button");
    assert.equal((await names(page))[0], "parse::throughput rate");
    assert.equal(await page.locator("#list th.c-last").getAttribute("aria-sort"), "descending");
    await page.click("#list th.c-last button");
    assert.equal((await names(page)).at(-1), "parse::throughput rate");
    await page.click("#list th.c-name button");
    assert.equal((await names(page))[0], "memory::arena/size=64 peak_bytes");
    assert.equal(await hash(page), "#sort=name");
    await close();
});

test("every change has its size: below the margin, from 0, and where its interval is not known", async () => {
    const maker = new Maker(60), count = {unit: "count", better: null, title: "b from nothing"};
    const step = (at, before, after) => ({level: (i) => i < at ? before : after, spread: 0});
    const none = {ratio: null, ratio_low: null, ratio_high: null};
    maker.add({
        status: "changed",
        title: "a large",
        ratio: 1.055,
        change: 0,
        changes: [maker.change(40, 1.055, {direction: null})]
    },
        step(40, 1000, 1055));
    maker.add({
        ...count,
        status: "changed",
        change: 0,
        changes: [maker.change(40, 2, {...none, direction: null, before: 0, after: 5, shift: 5})]
    },
        step(40, 0, 5));
    maker.add({
        status: "changed",
        title: "c small",
        ratio: 1.0051,
        change: 0,
        changes: [maker.change(40, 1.0051, {weight: "small"})]
    },
        step(40, 1000, 1005.1));
    maker.add({
        status: "suspected",
        title: "d suspected",
        unit: "count",
        suspicion: {count: 1, level: 0, shift: 7, ratio: null, p: 0.002, direction: "worse"}
    },
        step(59, 0, 7));
    maker.add({
        status: "regressed",
        title: "e without an interval",
        ratio: 2,
        change: 0,
        changes: [maker.change(57, 2, {ratio_low: null, ratio_high: null, shift_low: null, shift_high: null})]
    },
        step(57, 1000, 2000));
    const {page, close} = await dashboard(maker.object);
    // Of those that changed, what came from 0 is first: no ratio is as large.
    assert.deepEqual(await names(page),
        ["e without an interval", "d suspected", "b from nothing", "a large", "c small"]);
    assert.deepEqual(await page.locator("#list tbody td.c-change").allTextContents(),
        ["+100 %", "0 → 7", "0 → 5", "+5.5 %", "+0.51 %"]);
    await page.click("#list th.c-change button");
    assert.deepEqual((await page.locator("#list tbody td.c-change").allTextContents()).slice(2),
        ["+100 %", "+5.5 %", "+0.51 %"]);
    await page.click("#list th.c-status button");
    await row(page, "e without").locator(".name").click();
    assert.ok((await text(page, ".detail-box")).includes("+100 % (interval unknown: too few points)"));
    await close();
});

test("a module is found in benchmarks, too, that have timers of it inside", async () => {
    const maker = new Maker(12);
    maker.add({suite: "ring_bench", title: "benchmark"});
    maker.add({suite: "ring_bench", title: "timer inside", metric: "fdtables::close.net_avg"});
    maker.add({suite: "fdtables", title: "timer", metric: "net_avg"});
    const {page, close} = await dashboard(maker.object);
    assert.deepEqual(
        await page.locator("#suite option").allTextContents(), ["all", "fdtables", "ring_bench"]);
    await page.selectOption("#suite", "fdtables");
    assert.deepEqual((await names(page)).sort(), ["timer", "timer inside"]);
    await page.selectOption("#suite", "ring_bench");
    assert.deepEqual((await names(page)).sort(), ["benchmark", "timer inside"]);
    await close();
});

test("search and filters, which the address keeps", async () => {
    const {page, close} = await dashboard(small());
    await page.fill("#q", "BENCH_1 parse");
    assert.deepEqual(await names(page), [REGRESSED, REGRESSED]);
    assert.equal(await text(page, "#shown"), "2 of 11 series");
    await page.selectOption("#machine", {index: 2});
    assert.equal((await names(page)).length, 1);
    await page.click("#clear");
    await page.selectOption("#suite", "memory");
    assert.deepEqual(await names(page), ["memory::arena/size=64 peak_bytes", "memory::pool allocations"]);
    await page.selectOption("#suite", "");
    await page.click("#statuses button[data-status=regressed]");
    assert.equal((await names(page)).length, 2);
    assert.equal(
        await page.locator("#statuses button[data-status=regressed]").getAttribute("aria-pressed"), "true");
    await page.selectOption("#branch", "feature/x");
    assert.equal(await hash(page), "#status=regressed&branch=feature/x");
    await page.fill("#q", "nothing is called that");
    assert.equal(await text(page, "#none"), "No series is like that.");
    await page.focus("#q");
    await page.keyboard.press("Escape");
    assert.equal((await names(page)).length, 2);
    // Back is out of the last choice.
    await page.goBack();
    assert.equal(await page.inputValue("#branch"), "");
    await page.goBack();
    assert.equal((await names(page)).length, 11);
    await page.goForward();
    assert.equal((await names(page)).length, 2);
    await close();
});

test("a chart: hover says the commit, with links of the web alone", async () => {
    const {page, close} = await dashboard(small());
    await row(page, REGRESSED).locator(".name").click();
    await plot(page).waitFor();
    assert.match(await text(page, ".detail-box .facts"),
        /60 points, 2026-06-01 10:30 UTC to .* · level now .* of the last 15 points/);
    const box = await plot(page).boundingBox();
    await page.mouse.move(box.x + box.width / 2, box.y + box.height - 30);
    const point = page.locator(".detail-box .point");
    await point.locator("dd").first().waitFor();
    assert.match(await point.textContent(), /value1\.0\d+ ± 0\.010 µs|value\d{3}\.\d ± \d+\.\d ns/);
    assert.match(await point.textContent(), /commit[0-9a-f]{12} parser: change number (29|30)/);
    assert.match(await point.textContent(),
        /measured2026-0\d-\d\d 10:30 UTCrunbranch (main|feature\/x), clean, tare 0\.9\.0/);
    const links = await point.locator("a").evaluateAll((all) => all.map((a) => [a.protocol, a.rel]));
    assert.ok(links.length >= 1);
    assert.ok(links.every(([protocol, rel]) => protocol === "https:" && rel === "noopener noreferrer"));
    // Another machine's line is named by what differs, and can be left out.
    assert.match(await text(page, ".detail-box .legend"), /cpu model Other CPU 1, kernel 6\.2/);
    const before = await shownRange(page);
    await page.locator(".detail-box .legend input").uncheck();
    assert.notEqual(await shownRange(page), before);
    assert.match(await hash(page), /off=[0-9a-f]{16}~00000000000000ff/);
    // The change, in words.
    const change = await page.locator(".changes tbody tr").first().locator("th, td").allTextContents();
    assert.deepEqual([change[0], change[1], change[2], change[5], change[7]],
        ["✕ worse", "step", "+12.0 % (+11.0 % to +13.0 %)", "2e-9", "counts"]);
    assert.match(change[4], /^[0-9a-f]{8} … [0-9a-f]{8} parser: change number 45$/);
    await close();
});

test("the picture has the change, the limits, the band", async () => {
    const {page, close} = await dashboard(small());
    const count = (colour) => page.locator(".detail-box canvas").first().evaluate((canvas, [r, g, b]) => {
        const {data} = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
        let n = 0;
        for (let i = 0; i < data.length; i += 4) {
            n += Math.abs(data[i] - r) + Math.abs(data[i + 1] - g) + Math.abs(data[i + 2] - b) < 12 &&
                    data[i + 3] > 200
                ? 1
                : 0;
        }
        return n;
    }, colour);
    await row(page, REGRESSED).locator(".name").click();
    await plot(page).waitFor();
    assert.ok(await count([0xb0, 0x00, 0x20]) > 200, "the change for the worse");
    assert.ok(await count([0xd5, 0x5e, 0x00]) > 100, "the other machine");
    await page.click(".detail-box button[aria-label='close this series']");
    await row(page, "memory::arena").locator(".name").click();
    await plot(page).waitFor();
    assert.ok(await count([0xb0, 0x00, 0x20]) > 800, "critical");
    assert.ok(await count([0x8a, 0x4b, 0x00]) > 300, "target");
    assert.match(
        await text(page, ".detail-box .remarks"), /Budget: at most target 900 kB, critical 1 MB, fail\./);
    await close([/willReadFrequently/]);
});

test("zoom by dragging, wheel, keys and buttons; a link shows the same, on either axis", async () => {
    const {page, close, address} = await dashboard(small());
    await row(page, REGRESSED).locator(".name").click();
    await plot(page).waitFor();
    const whole = await shownRange(page);
    const box = await plot(page).boundingBox();
    await page.mouse.move(box.x + box.width * 0.5, box.y + 60);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width * 0.9, box.y + 80, {steps: 4});
    await page.mouse.up();
    await page.waitForFunction(() => location.hash.includes("zoom="));
    const zoomed = await shownRange(page);
    assert.notEqual(zoomed, whole);
    const address2 = await page.evaluate(() => location.hash);
    assert.match(decodeURIComponent(address2), /zoom=[0-9a-f]{16}:[0-9a-z]+:[0-9a-z]+$/);
    await page.keyboard.press("t"); // elsewhere, a key is no zoom
    await page.keyboard.press("t");
    await page.keyboard.press("t");
    const chart = page.locator(".detail-box .chart-box");
    await chart.focus();
    await page.keyboard.press("0");
    await page.waitForFunction(() => !location.hash.includes("zoom="));
    await page.keyboard.press("+");
    await page.waitForFunction(() => location.hash.includes("zoom="));
    await page.keyboard.press("-");
    await page.keyboard.press("-");
    await page.waitForFunction(() => !location.hash.includes("zoom="));
    // With the focus there, the wheel is for the chart, else for the page.
    await page.mouse.move(box.x + box.width * 0.5, box.y + 100);
    await page.mouse.wheel(0, -100);
    await page.waitForFunction(() => location.hash.includes("zoom="));
    await page.click(".detail-box button[aria-label='show all points']");
    await page.waitForFunction(() => !location.hash.includes("zoom="));
    await page.evaluate(() => document.activeElement.blur());
    await page.mouse.move(box.x + box.width * 0.5, box.y + 100);
    await page.mouse.wheel(0, 100);
    await page.waitForFunction(() => scrollY > 0);
    assert.ok(!(await hash(page)).includes("zoom="));
    await close();

    const again = await dashboard(small(), {hash: address2});
    await plot(again.page).waitFor();
    assert.deepEqual(await again.page.locator("tr.row.open .name").allTextContents(), [REGRESSED]);
    const ids = () => again.page.evaluate(() => location.hash);
    assert.equal(await ids(), address2);
    const byCommit = await shownRange(again.page);
    await again.page.selectOption("#axis", "time");
    assert.notEqual(await shownRange(again.page), byCommit);
    assert.match(await ids(), /x=time/);
    assert.match(decodeURIComponent(await ids()), new RegExp(decodeURIComponent(address2).match(/zoom=.*/)[0]));
    await again.page.selectOption("#scale", "log");
    await again.page.goBack();
    await again.page.goBack();
    assert.equal(await ids(), address2);
    assert.equal(await again.page.inputValue("#axis"), "commits");
    assert.equal(await shownRange(again.page), byCommit);
    await again.close();
    assert.ok(address.startsWith("file:"));
});

test("two series in one chart, as ratios or in their unit", async () => {
    const {page, close} = await dashboard(small());
    await row(page, REGRESSED).locator(".name").click();
    await page.locator(".detail-box").getByText("Compare").click();
    assert.ok(await page.locator("#compare").isVisible());
    assert.match(await text(page, "#compare-text"), /Choose two series/);
    await page.selectOption("#compare-1", {label: "parse::bench_5 median"});
    await page.locator("#compare canvas").waitFor();
    assert.match(await text(page, "#compare-text"),
        /ratio to the median of its first 10 points\. Now: \+\d.*; the second is −2\d\.\d % to the first/);
    const ratios = await page.locator("#compare canvas").evaluate((canvas) => canvas.toDataURL());
    await page.check("#compare-raw");
    assert.match(await text(page, "#compare-text"), /^In ns\. Now: 1\.\d+ µs and \d{3}\.\d ns/);
    assert.notEqual(await page.locator("#compare canvas").evaluate((canvas) => canvas.toDataURL()), ratios);
    const link = await page.evaluate(() => location.hash);
    // Of different units there are but ratios.
    await page.selectOption("#compare-1", {label: "memory::arena/size=64 peak_bytes"});
    assert.ok(await page.locator("#compare-raw").isDisabled());
    await page.locator("#compare").getByText("✕ Close").click();
    assert.ok(!await page.locator("#compare").isVisible());
    await close();
    const again = await dashboard(small(), {hash: link});
    await again.page.locator("#compare canvas").waitFor();
    assert.ok(await again.page.isChecked("#compare-raw"));
    await again.close();
});

test("everything by keyboard", async () => {
    const {page, close} = await dashboard(small());
    await page.keyboard.press("Tab");
    assert.equal(await page.evaluate(() => document.activeElement.className), "skip");
    assert.ok(await page.locator(".skip").evaluate((skip) => skip.getBoundingClientRect().left >= 0));
    await page.keyboard.press("Enter");
    assert.equal(await page.evaluate(() => document.activeElement.id), "overview-title");
    assert.equal(await page.evaluate(() => location.hash), "");
    // One stop for the whole list; arrows within it.
    assert.equal(await page.locator("#list .name[tabindex='0']").count(), 1);
    await page.locator("#list .name[tabindex='0']").focus();
    const focused = () => page.evaluate(() => document.activeElement.textContent);
    await page.keyboard.press("ArrowDown");
    assert.equal(await focused(), REGRESSED);
    await page.keyboard.press("End");
    assert.equal(await focused(), "parse::throughput rate");
    await page.keyboard.press("Home");
    await page.keyboard.press("ArrowDown");
    assert.equal(await page.locator("#list .name[tabindex='0']").count(), 1);
    const outline = await page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle);
    assert.equal(outline, "solid");
    await page.keyboard.press("Enter");
    await plot(page).waitFor();
    assert.equal(await page.evaluate(() => document.activeElement.getAttribute("aria-expanded")), "true");
    for (let i = 0; i < 10 && !await page.evaluate(() => document.activeElement.className === "chart-box");
         i++) {
        await page.keyboard.press("Tab");
    }
    const said = () => text(page, ".detail-box [role=status]");
    assert.match(await page.evaluate(() => document.activeElement.getAttribute("aria-label")),
        /^parse::bench_1 median: 60 points, .*Changes: ✕ \+12\.0 %, p 2e-9\. Arrow keys choose a point\.$/);
    await page.keyboard.press("End");
    assert.match(
        await said(), /^point 60 of 60: 1\.\d+ ± 0\.011 µs, commit [0-9a-f]{12} parser: change number 59$/);
    await page.keyboard.press("ArrowLeft");
    assert.match(await said(), /^point 59 of 60/);
    await page.keyboard.press("ArrowDown"); // the other machine's
    assert.match(await said(), /^point 49 of 50: 1\.4\d+ ± 0\.014 µs/);
    assert.match(await text(page, ".detail-box .point"), /linecpu model Other CPU 1/);
    await page.keyboard.press("Escape");
    assert.equal(await page.locator("tr.detail").count(), 0);
    assert.equal(await focused(), REGRESSED);
    await page.keyboard.press("/");
    assert.equal(await page.evaluate(() => document.activeElement.id), "q");
    await page.keyboard.type("pool");
    await page.keyboard.press("ArrowDown");
    assert.equal(await focused(), "memory::pool allocations");
    await page.keyboard.press("?");
    assert.ok(await page.locator("#keys").isVisible());
    await page.keyboard.press("Escape");
    await page.keyboard.press("l");
    assert.equal(await page.inputValue("#scale"), "log");
    // Who speaks to their computer can have single keys do nothing.
    await page.click("#keys-open");
    await page.uncheck("#keys-on");
    await page.keyboard.press("Escape");
    await page.keyboard.press("l");
    assert.equal(await page.inputValue("#scale"), "log");
    await close();
});

test("all points as a table, and as CSV that no spreadsheet runs", async () => {
    const data = small();
    data.commits.subject[59] = "=1+1, \"quoted\"";
    data.commits.subject[58] = "-2";
    const {page, close} = await dashboard(data);
    await row(page, REGRESSED).locator(".name").click();
    await page.click(".detail-box summary");
    const table = page.locator(".detail-box details table");
    await table.locator("tbody tr").first().waitFor();
    assert.equal(await table.locator("tbody tr").count(), 60);
    assert.match((await table.locator("tbody tr").first().textContent()),
        /=1\+1, "quoted"2026-07-30 10:30 UTC1\.\d+ ± 0\.011 µs30/);
    await table.getByText("Value").click();
    const values = await table.locator("tbody tr td:nth-child(4)").allTextContents();
    assert.match(values[0], /^1\.1[2-9]/);
    const [download] =
        await Promise.all([page.waitForEvent("download"), page.getByRole("button", {name: "CSV"}).click()]);
    assert.equal(download.suggestedFilename(), "parse_bench_1_median.csv");
    const lines = fs.readFileSync(await download.path(), "utf8").split("\r\n");
    assert.equal(lines.length, 62);
    assert.match(lines[0],
        /^series,metric,unit,machine,commit,subject,committed,measured,branch,dirty,tool,link,value,low,high,n,/);
    assert.match(lines[60],
        /,"'=1\+1, ""quoted""",2026-07-30T09:30:00\.000Z,2026-07-30T10:30:00\.000Z,feature\/x,no,tare 0\.9\.0,,\d/);
    assert.match(lines[59], /,"'-2",/);
    const series = data.series.find((each) => each.title === REGRESSED);
    assert.equal(Number(lines[60].split(",").at(-7)), series.points.value[59]);
    await close();
});

test("the last run, to the previous one and to the baseline", async () => {
    const {page, close} = await dashboard(small());
    await page.locator("#last-run").scrollIntoViewIfNeeded();
    const line = page.locator("#last-run-table tbody tr", {hasText: "parse::bench_5"});
    await line.waitFor();
    const cells = await line.locator("td").allTextContents();
    assert.match(cells[0], /^80\d\.\d ± 8\.0 ns$/);
    assert.equal(cells[3], "1.001 µs");
    assert.match(cells[4], /^−(19|20)\.\d %$/);
    assert.match(await text(page, "#last-run-about"),
        /Measured 2026-07-30 .*commit [0-9a-f]{12} parser: change number 59.*: 11 series/);
    await line.locator(".name").click();
    assert.deepEqual(await page.locator("tr.row.open .name").allTextContents(), ["parse::bench_5 median"]);
    assert.match(await text(page, "#judging-text"), /within the newest 50 points count, from 1\.0 % on/);
    assert.match(await text(page, "#judging-text"), /default.*release 1\.0/);
    await close();
});

test("dark by the system and by choice; narrow, as a great zoom makes it; still", async () => {
    const {page, close} = await dashboard(small(), {colorScheme: "dark", reducedMotion: "reduce"});
    const paper = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    assert.equal(await paper(), "rgb(21, 23, 28)");
    await row(page, REGRESSED).locator(".name").click();
    await plot(page).waitFor();
    const darkOne = await shownRange(page);
    await page.selectOption("#theme", "light");
    assert.equal(await paper(), "rgb(255, 255, 255)");
    assert.notEqual(await shownRange(page), darkOne);
    await page.reload();
    assert.equal(await page.inputValue("#theme"), "light");
    await plot(page).waitFor();
    for (const width of [400, 320, 640, 1000]) {
        await page.setViewportSize({width, height: 800});
        assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), `${width} px`);
        await page.waitForFunction(
            () => document.querySelector(".uplot").offsetWidth <= document.querySelector(".plot").clientWidth);
    }
    await page.setViewportSize({width: 400, height: 800});
    for (const name of [".c-status", ".c-last", ".c-change", ".c-previous"]) {
        assert.ok(await row(page, REGRESSED).locator(name).isVisible(), name);
    }
    await close();
});

test("paper: black on white, open charts, no controls, all rows", async () => {
    const {page, close} = await dashboard(small(), {colorScheme: "dark"});
    await row(page, REGRESSED).locator(".name").click();
    await plot(page).waitFor();
    const width = await page.locator(".detail-box canvas").evaluate((canvas) => canvas.width);
    await page.emulateMedia({media: "print"});
    await page.waitForFunction(() => document.documentElement.dataset.theme === "print");
    assert.equal(
        await page.evaluate(() => getComputedStyle(document.body).backgroundColor), "rgb(255, 255, 255)");
    assert.ok(await page.locator(".detail-box canvas").isVisible());
    for (const hidden
             of ["#filters", "#theme", ".detail-box .zoom", ".detail-box figcaption .controls", "details"]) {
        assert.ok(!await page.locator(hidden).first().isVisible(), hidden);
    }
    assert.equal(await page.locator("#last-run-table tbody tr").count(), 11);
    assert.equal(await page.locator("#list .spark").count(), 11);
    // Nothing in the picture is coloured.
    assert.ok(await page.locator(".detail-box canvas").evaluate((canvas) => {
        const {data} = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
        let ink = 0;
        for (let i = 0; i < data.length; i += 4) {
            if (Math.max(data[i], data[i + 1], data[i + 2]) - Math.min(data[i], data[i + 1], data[i + 2]) > 3) {
                return false;
            }
            ink += data[i + 3] > 200 && data[i] < 60 ? 1 : 0;
        }
        return ink > 500 && canvas.width > 1300; // sharp
    }));
    await page.emulateMedia({media: null});
    await page.waitForFunction(() => document.documentElement.dataset.theme === "dark");
    await page.waitForFunction((w) => document.querySelector(".detail-box canvas").width === w, width);
    const pdf = await page.pdf({format: "A4"});
    assert.ok(pdf.length > 20000);
    await close();
});

test("what never changed is folded away, unless it is looked for, and its line is flat", async () => {
    const data = small();
    for (const [n, series] of data.series.entries()) {
        if (n === 0 || n === 10) {
            series.points.value = series.points.value.map(() => 7);
            series.points.below = series.points.above = null;
        }
    }
    const {points} = data.series[8]; // too few: here one
    for (const name of Object.keys(points)) {
        points[name] = points[name]?.slice(0, 1) ?? null;
    }
    data.rule.branch = "main";
    const {page, close} = await dashboard(data);
    assert.match(await text(page, "#about"), / · branch main · /);
    assert.equal((await names(page)).length, 9);
    assert.equal(await text(page, "#constants"), "2 series never changed: show");
    assert.equal(
        await row(page, "parse::bench_8").locator(".spark .line").getAttribute("d"), "M3 14.0L117 14.0");
    await page.click("#constants button");
    assert.equal((await names(page)).length, 11);
    assert.match(await hash(page), /^#all=1$/);
    await page.click("#constants button");
    await page.fill("#q", "bench_0");
    assert.deepEqual(await names(page), ["parse::bench_0 median"]);
    await row(page, "parse::bench_0").locator(".name").click();
    await page.fill("#q", "");
    assert.equal((await names(page)).length, 10, "what is open stays");
    await close();
});

test("several runs of one commit: the last run's table says when each was measured", async () => {
    const data = small();
    const {page, close} = await dashboard(data);
    await page.locator("#last-run").scrollIntoViewIfNeeded();
    const line = page.locator("#last-run-table tbody tr", {hasText: "parse::bench_5"});
    await line.waitFor();
    assert.match(await text(page, "#last-run-about"),
        /^Measured 2026-07-30 10:30 UTC to 2026-07-30 10:31 UTC, in 2 runs, commit /);
    assert.equal(await line.locator("td").last().textContent(), "2026-07-30 10:30 UTC");
    await close();
});

test("a drift names its range, and the commit that most likely made a step is named", async () => {
    const data = small();
    Object.assign(data.series[1].changes[0], {good: 40, bad: 50, likely: 45});
    Object.assign(data.series[2].changes[1], {kind: "drift", good: 20, bad: 50, likely: -1});
    const {page, close} = await dashboard(data);
    for (const name of [REGRESSED, "parse::bench_2 median"]) {
        await row(page, name).locator(".name").click();
    }
    const range = (n, line) => page.locator(".changes").nth(n).locator("tbody tr").nth(line).locator("td").nth(3);
    assert.match(await range(1, 0).textContent(),
        /^[0-9a-f]{8} … [0-9a-f]{8}, most likely [0-9a-f]{8} parser: change number 45$/);
    assert.match(await range(0, 1).textContent(), /^[0-9a-f]{8} … [0-9a-f]{8} parser: change number 50$/);
    await close();
});

test("300 series of 1,000 points are there at once", async () => {
    const data = JSON.stringify(large());
    assert.ok(data.length < 15e6);
    const {page, close} = await dashboard(data, {
        script: () => {
            const look = () => requestAnimationFrame(() => {
                if (document.querySelectorAll("#list tr.row svg").length > 0) {
                    setTimeout(() => { window.shownMs = performance.now(); });
                } else {
                    look();
                }
            });
            look();
        }
    });
    await page.waitForFunction(() => window.shownMs > 0);
    const ms = await page.evaluate(() => window.shownMs);
    console.log(`rows were there after ${ms.toFixed(0)} ms`);
    assert.ok(ms < 10000); // 2 s on a machine that does nothing else
    // Lines of the past are drawn where somebody looks.
    await page.waitForFunction(() => document.querySelectorAll("#list tr.row").length === 300);
    const drawn = await page.locator("#list .spark").count();
    assert.ok(drawn > 5 && drawn < 100, `${drawn} drawn`);
    await page.locator("#list tr.row").last().scrollIntoViewIfNeeded();
    await page.locator("#list tr.row").last().locator("svg").waitFor();
    assert.ok(await page.locator("#list .spark").count() < 200);
    await page.locator("#list tr.row .name").last().click();
    await plot(page).waitFor();
    await close();
});
