// SPDX-License-Identifier: MIT
// The live page of tare serve in a browser, with a server that only pretends (mock_serve.js): whether
// everybody can read it, and whether it stays smooth.
"use strict";
const {test, before, after} = require("node:test");
const assert = require("node:assert/strict");
const path = require("node:path");
const browser = require("./browser.js");
const {live, row, start, stop, until} = require("./live_page.js");

before(start);
after(stop);

// WCAG 2.1, relative luminance and contrast, of what is on the screen.
function contrasts() {
    const luminance = ([r, g, b]) => {
        const [x, y, z] =
            [r, g, b].map((c) => c / 255).map((c) => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
        return 0.2126 * x + 0.7152 * y + 0.0722 * z;
    };
    const parse = (colour) => (colour.match(/[\d.]+/g) || []).map(Number);
    const contrast = (a, b) => {
        const [low, high] = [luminance(a), luminance(b)].sort((x, y) => x - y);
        return (high + 0.05) / (low + 0.05);
    };
    const paper = (element) => {
        for (let at = element; at !== null; at = at.parentElement) {
            const colour = parse(getComputedStyle(at).backgroundColor);
            if (colour.length === 3 || colour[3] === 1) {
                return colour;
            }
        }
        return [255, 255, 255];
    };
    const bad = [];
    for (const element of document.querySelectorAll("body *")) {
        const own =
            [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim() !== "");
        if (own && element.getClientRects().length > 0 &&
            element.closest("[aria-hidden], noscript, script") === null) {
            const ratio = contrast(parse(getComputedStyle(element).color), paper(element));
            if (ratio < 4.5) {
                bad.push(`${element.tagName}.${element.className} '${element.textContent.slice(0, 30)}' ${
                    ratio.toFixed(2)}`);
            }
        }
    }
    const style = getComputedStyle(document.documentElement);
    const hex = (name) => {
        const text = style.getPropertyValue(name).trim();
        return [1, 3, 5].map((at) => parseInt(text.slice(at, at + 2), 16));
    };
    for (let i = 0; i < 8; i++) {
        const ratio = contrast(hex(`--s${i}`), hex("--paper"));
        if (!(ratio >= 3)) {
            bad.push(`series ${i} ${ratio.toFixed(2)}`);
        }
    }
    for (const name of ["--focus", "--edge"]) {
        if (!(contrast(hex(name), hex("--panel")) >= 3)) {
            bad.push(name);
        }
    }
    return bad;
}

for (const colorScheme of ["light", "dark"]) {
    test(`${colorScheme}: everything can be read, wide and narrow`, async () => {
        const {page, close, mock} = await live({timers: 40}, {colorScheme});
        assert.equal(await page.evaluate(() => document.documentElement.dataset.theme), colorScheme);
        mock.instruments.find((each) => each.name === "requests_total").enabled = false;
        mock.shape++;
        await page.locator("[role=switch][aria-checked=false]").first().waitFor();
        assert.deepEqual(await page.evaluate(contrasts), []);
        const shots = process.env.TARE_WEB_SHOTS; // a folder for who wants to look
        for (const width of [1280, 600, 360]) {
            await page.setViewportSize({width, height: 800});
            await until(`nothing to the right at ${width} px`,
                () => page.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth));
            if (shots) {
                await page.waitForTimeout(1500);
                await page.screenshot(
                    {path: path.join(shots, `live-${colorScheme}-${width}.png`), fullPage: true});
            }
        }
        const canvas = () => page.locator("#charts canvas").first().evaluate((it) => it.toDataURL());
        const other = colorScheme === "light" ? "dark" : "light";
        await page.click("#freeze");
        const before = await canvas();
        await page.selectOption("#theme", other);
        assert.equal(await page.evaluate(() => document.documentElement.dataset.theme), other);
        await until("a chart in other colours", async () => await canvas() !== before);
        assert.deepEqual(await page.evaluate(contrasts), []);
        await page.reload();
        assert.equal(await page.evaluate(() => document.documentElement.dataset.theme), other); // it is kept
        await close();
    });
}

test("a phone shows names that differ, a figure and the switch; a wide screen is used", async () => {
    const {page, mock, close} = await live({}, {viewport: {width: 390, height: 844}});
    const long = "a_name_that_goes_on_and_on_until_it_ends_in_";
    const more = ["one", "two"].map((end, i) => ({...mock.instruments[1], id: 3000 + i, name: long + end}));
    mock.instruments.push(...more);
    mock.shape++;
    await row(page, "timers", long + "two").waitFor();
    await row(page, "timers", long + "two").scrollIntoViewIfNeeded();
    const wrong = await page.evaluate(() => {
        const bad = [];
        for (const line of document.querySelectorAll("tr.row:has(.switch)")) {
            const name = line.querySelector(".name").textContent;
            const figure = [...line.cells].find((cell) => cell.tagName === "TD" && cell.offsetWidth > 0);
            const box = figure.getBoundingClientRect(), toggle = line.querySelector(".switch");
            const side = line.querySelector("td.last").getBoundingClientRect();
            if (figure.className === "" && box.right > side.left + 0.5) {
                bad.push(`${name}: '${figure.textContent}' is not in sight`);
            }
            if (side.right > innerWidth || toggle.getBoundingClientRect().left < side.left) {
                bad.push(`${name}: the switch is not in sight`);
            }
            const end = line.querySelector(".name span:last-child");
            if (end.scrollHeight > end.clientHeight + 1 || end.textContent === "") {
                bad.push(`${name}: its end is cut off`);
            }
            if (Math.abs(line.getBoundingClientRect().height - 54) > 0.5) {
                bad.push(`${name}: ${line.getBoundingClientRect().height} px high`);
            }
        }
        return bad;
    });
    assert.deepEqual(wrong, []);
    await page.setViewportSize({width: 1400, height: 900});
    await until("lower rows", () => page.evaluate(
        () => document.querySelector("#table-timers tr.row").getBoundingClientRect().height === 30));
    await page.locator("#panel-frames figure").waitFor();
    const [chart, figures] = await Promise.all(["figure", ".figures"].map(
        (part) => page.locator(`#panel-frames ${part}`).boundingBox()));
    assert.ok(chart.width > 800 && figures.x > chart.x + chart.width && figures.y < chart.y + 50); // beside it
    assert.ok(figures.x + figures.width > 1300);
    await page.locator("#charts figure button").first().click(); // of a timer: both charts
    await row(page, "counters", "http.requests_total").locator(".name").click();
    await until("one wide chart", () => page.evaluate(() => {
        const all = document.querySelectorAll("#charts figure");
        return all.length === 1 && all[0].querySelector("canvas") !== null &&
            all[0].querySelector("canvas").getBoundingClientRect().width > 1200;
    }));
    await close();
});

test("what can be pressed can be reached and seen by keys alone", async () => {
    const {page, mock, close} = await live();
    const reached = new Set();
    let unseen = [];
    for (let i = 0; i < 140; i++) {
        await page.keyboard.press("Tab");
        const now = await page.evaluate(() => {
            const it = document.activeElement;
            if (it === document.body) {
                return null;
            }
            const style = getComputedStyle(it), box = it.getBoundingClientRect();
            const name = it.id || it.dataset.does || it.getAttribute("aria-label") || it.textContent.trim();
            return {
                name,
                outline: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2,
                seen: box.width > 0 && box.height > 0 && box.bottom > 0 && box.top < innerHeight &&
                    box.right > 0 && box.left < innerWidth
            };
        });
        if (now === null) {
            break;
        }
        reached.add(now.name);
        unseen = unseen.concat(now.outline && now.seen ? [] : [now]);
    }
    assert.deepEqual(unseen, []);
    for (const control of ["To the figures", "process", "freeze", "theme", "keys-open", "capture-start", "span",
             "unwatch", "filter", "reset-all", "watch", "switch", "reset", "Timers", "Hotspots", "name", "busy",
             "All points as a table"]) {
        assert.ok(reached.has(control), `${control} is not among ${[...reached].join(", ")}`);
    }
    // In a table: down to the next row's switch, which Space presses.
    await page.locator("#table-counters [data-does=switch]").first().focus();
    const of = () => page.evaluate(() => document.activeElement.getAttribute("aria-label"));
    const first = await of ();
    await page.keyboard.press("ArrowDown");
    assert.notEqual(await of (), first);
    assert.match(await of (), / records$/);
    const target = (await of ()).replace(" records", "");
    await page.keyboard.press("Space");
    await until("a post", () => mock.posts.length === 1);
    const id = mock.instruments.find((each) => each.module + "." + each.name === target).id;
    assert.deepEqual(mock.posts[0][1], {id, enabled: false});
    await page.locator(`#table-counters [aria-label="${target} records"][aria-checked=false]`).waitFor();
    assert.equal(await of (), target + " records"); // the focus stays with it
    // Single keys, and what they do.
    await page.keyboard.press("?");
    assert.ok(await page.locator("dialog#keys[open]").isVisible());
    await page.keyboard.press("f"); // not in a dialog
    await page.keyboard.press("Escape");
    assert.equal(await page.getAttribute("#freeze", "aria-pressed"), "false");
    await page.keyboard.press("f");
    assert.equal(await page.getAttribute("#freeze", "aria-pressed"), "true");
    await page.keyboard.press("f");
    await page.keyboard.press("p");
    assert.equal(await page.evaluate(() => document.activeElement.id), "process");
    await page.locator("#freeze").focus();
    await page.keyboard.press("c");
    await until("a capture", () => mock.capture.running);
    await page.click("#keys-open");
    await page.uncheck("#keys-on"); // who speaks to the machine can switch them off
    await page.keyboard.press("Escape");
    await page.keyboard.press("f");
    assert.equal(await page.getAttribute("#freeze", "aria-pressed"), "false");
    await close();
});

test("it is told to assistive technology", async () => {
    const {page, close} = await live({timers: 100});
    await row(page, "states", "worker.doing").locator(".name").click();
    const wrong = await page.evaluate(() => {
        const bad = [];
        const name = (it) => (it.getAttribute("aria-label") || it.textContent || it.title || "").trim() ||
            (it.labels && it.labels.length > 0 ? it.labels[0].textContent.trim() : "");
        document.querySelectorAll("button, select, input, a").forEach((it) => {
            const labelled = it.matches("select, input") ? it.labels.length > 0 || it.hasAttribute("aria-label")
                                                         : name(it) !== "";
            if (!labelled) {
                bad.push("no name: " + it.outerHTML.slice(0, 80));
            }
        });
        document.querySelectorAll("table").forEach((it) => {
            if (it.caption === null || it.caption.textContent === "") {
                bad.push("no caption: " + it.id);
            }
            if ([...it.tHead.querySelectorAll("th")].some((head) => head.scope !== "col")) {
                bad.push("a head without scope: " + it.id);
            }
            if ([...it.tBodies[0].rows].some(
                    (line) => line.className === "row" && line.cells[0].scope !== "row")) {
                bad.push("a row without a head: " + it.id);
            }
        });
        document.querySelectorAll("canvas").forEach((it) => {
            if (it.closest("[aria-hidden=true]") === null ||
                it.closest("figure").querySelector("table") === null) {
                bad.push("a picture without a table");
            }
        });
        document.querySelectorAll("section").forEach((it) => {
            const title = document.getElementById(it.getAttribute("aria-labelledby"));
            if (title === null || title.tagName !== "H2") {
                bad.push("a section without a title: " + it.id);
            }
        });
        document.querySelectorAll("[tabindex]").forEach((it) => {
            if (it.tabIndex > 0) {
                bad.push("an order of its own: " + it.outerHTML.slice(0, 80));
            }
        });
        const ids = [...document.querySelectorAll("[id]")].map((it) => it.id);
        ids.filter((id, i) => ids.indexOf(id) !== i).forEach((id) => bad.push("twice: " + id));
        document.querySelectorAll("[style]").forEach((it) => {
            if (it.outerHTML.includes("javascript:")) {
                bad.push("a style that acts");
            }
        });
        return bad;
    });
    assert.deepEqual(wrong, []);
    assert.deepEqual(
        await page.locator("[aria-live]").evaluateAll((all) => all.map((it) => it.id)), ["connection"]);
    for (const role of ["banner", "navigation", "main", "contentinfo", "search"]) {
        assert.equal(await page.getByRole(role).count(), 1, role);
    }
    assert.equal(await page.locator("html").getAttribute("lang"), "en");
    assert.equal(await page.locator("h1").count(), 1);
    // Rows that are not there are counted, and rows say which they are.
    assert.equal(await page.locator("#table-timers").getAttribute("aria-rowcount"), "101");
    assert.equal(await page.locator("#table-timers tr.row").first().getAttribute("aria-rowindex"), "2");
    await page.locator("#panel-timers .wide").evaluate((box) => { box.scrollTop = box.scrollHeight; });
    await page.locator("#table-timers tr.row[aria-rowindex='101']").waitFor();
    assert.ok(await page.locator("#table-timers tr.row").count() < 50);
    await close();
});

test("1,000 instruments at 4 Hz stay smooth", async () => {
    // What handling an event and drawing takes is measured around the page's own functions.
    const {page, mock, close} = await live({timers: 1000}, {}, () => {
        window.spent = {sample: [], snapshot: [], frame: [], touched: 0, long: []};
        const add = EventTarget.prototype.addEventListener;
        EventSource.prototype.addEventListener = function(name, act) {
            add.call(this, name, (event) => {
                const begin = performance.now();
                act(event);
                (window.spent[name] || []).push(performance.now() - begin);
            });
        };
        const frame = window.requestAnimationFrame;
        window.requestAnimationFrame = (act) => frame((time) => {
            const begin = performance.now();
            act(time);
            window.spent.frame.push(performance.now() - begin);
        });
        new PerformanceObserver(
            (list) => list.getEntries().forEach((entry) => window.spent.long.push(entry.duration)))
            .observe({type: "longtask"});
    });
    await page.locator("#panel-timers").evaluate((panel) => panel.scrollIntoView());
    await until("some samples", () => page.evaluate(() => window.spent.sample.length >= 4));
    await page.evaluate(() => {
        window.spent.sample.length = window.spent.frame.length = window.spent.long.length = 0;
        window.changes = new Set();
        new MutationObserver((list) => list.forEach((each) => window.changes.add(each.target)))
            .observe(
                document.getElementById("table-timers"), {childList: true, subtree: true, characterData: true});
    });
    await until("more samples", () => page.evaluate(() => window.spent.sample.length >= 24));
    const spent = await page.evaluate(() => ({
        ...window.spent,
        changed: window.changes.size,
        rows: document.querySelectorAll("#table-timers tr.row").length
    }));
    const mean = (all) => all.length === 0 ? 0 : all.reduce((a, b) => a + b, 0) / all.length;
    console.log(`# of ${spent.sample.length} samples: event ${mean(spent.sample).toFixed(1)} ms, drawing ${
                    mean(spent.frame).toFixed(1)} ms, ` +
        `${spent.long.length} long tasks, ${spent.rows} rows drawn`);
    assert.ok(mean(spent.sample) < 20, `an event takes ${mean(spent.sample)} ms`);
    assert.ok(mean(spent.frame) < 50, `drawing takes ${mean(spent.frame)} ms`);
    assert.ok(mean(spent.long) < 100, `a long task takes ${mean(spent.long)} ms`);
    assert.ok(spent.frame.length <= spent.sample.length + 4,
        `${spent.frame.length} frames for ${spent.sample.length} samples`);
    assert.ok(
        spent.rows < 60 && spent.changed <= spent.rows * 10, `${spent.rows} rows, ${spent.changed} cells`);
    assert.equal(mock.instruments.filter((each) => each.kind === "timer").length, 1000);
    await close();
});
