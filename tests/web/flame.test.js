// SPDX-License-Identifier: MIT
// Flame graphs in a browser: alone as SVG, in a page, and without a script.
"use strict";
const {test, before, after} = require("node:test");
const assert = require("node:assert/strict");
const fs = require("node:fs");
const path = require("node:path");
const {start, stop, run, open, work} = require("./browser.js");

before(async () => {
    run("web_pages", ".");
    await start();
});
after(stop);

// The frame of that function (the first that is drawn), and how wide it is.
const frame = (page, name) =>
    page.locator(`xpath=(//*[@id="frames"]/*[*[local-name()="title" and contains(text(), "${name}")]])[1]`);
const width = async (page, name) =>
    Number(await frame(page, name).locator("rect").first().getAttribute("width"));
const drawn = (page) => page.locator("#frames g.f").count();
const text = (page, selector) => page.locator(selector).textContent();
const focused = (page) => page.evaluate(() => {
    const title = document.activeElement.querySelector("title");
    return title === null ? document.activeElement.id : title.textContent.split("\n")[0];
});
async function closeClean(page) {
    assert.deepEqual(page.complaints, []);
    await page.context().close();
}

for (const kind of ["svg", "html"]) {
    test(`${kind}: 10,000 stacks are at most 3 MB, open and zoom`, async () => {
        assert.ok(fs.statSync(path.join(work, "many." + kind)).size <= 3e6);
        const page = await open("many." + kind);
        const atFirst = await drawn(page);
        assert.ok(atFirst > 1000 && atFirst <= 8000, String(atFirst));
        assert.match(await text(page, "#left-out"), /^[\d,]+ frames narrower than [\d.]+ px are not drawn/);
        assert.equal(await page.locator("#still").count(), 0);
        // Stage after stage, until what was too narrow to be drawn is seen.
        for (let stage = 0; stage < 4; stage++) {
            const before = await drawn(page);
            await frame(page, `many::stage${stage}::`).click();
            const full = await width(page, `many::stage${stage}::`);
            assert.ok(full > 1150, `stage ${stage} is ${full} px wide`);
            assert.ok(await drawn(page) < before || stage === 0);
        }
        await frame(page, "many::leaf<").click();
        assert.ok(await width(page, "many::leaf<") > 1150);
        assert.equal(await text(page, "#left-out"), "");
        await page.click("text=Reset");
        assert.equal(await drawn(page), atFirst);
        await closeClean(page);
    });

    test(`${kind}: keys move, zoom and go back`, async () => {
        const page = await open("kinds." + kind);
        await page.locator("#frames g.f[tabindex='0']").focus();
        assert.equal(await focused(page), "all");
        await page.keyboard.press("ArrowUp");
        assert.equal(await focused(page), "http::parse");
        await page.keyboard.press("ArrowRight");
        assert.equal(await focused(page), "http::send");
        await page.keyboard.press("ArrowUp");
        assert.equal(await focused(page), "__libc_start_main");
        assert.equal(await page.locator("#frames .ring[visibility='visible']").count(),
            2); // it can be seen where one is
        await page.keyboard.press("ArrowDown");
        const before = await width(page, "http::send");
        await page.keyboard.press("Enter");
        assert.ok(await width(page, "http::send") > 1.5 * before);
        assert.equal(await focused(page), "http::send");
        assert.equal(await frame(page, "http::parse").count(), 0);
        await page.keyboard.press("ArrowUp");
        await page.keyboard.press("Enter");
        await page.keyboard.press("Backspace");
        await page.keyboard.press("Escape");
        assert.equal(await width(page, "http::send"), before);
        await page.keyboard.press("Home");
        assert.equal(await focused(page), "all");
        await page.keyboard.press("Shift+Tab"); // out of the graph, to the buttons
        assert.equal(await page.evaluate(() => document.activeElement.textContent), "Upside down");
        await closeClean(page);
    });

    test(`${kind}: search says which share matches`, async () => {
        const page = await open("kinds." + kind);
        await page.keyboard.press("/");
        assert.equal(await focused(page), "search");
        await page.keyboard.type("NEXT_token");
        assert.equal(await text(page, "#found"), "nothing matches"); // a capital letter means itself
        await page.fill("#search", "next_token|__memcmp.*");
        // 180 of 788, of which the calls within are not counted again
        assert.match(await text(page, "#found"), /^matched: 22\.8 % ± 3\.1 % in 2 functions$/);
        assert.equal(await page.locator("#frames .hit").count(), 2);
        assert.ok(await page.locator("#frames .dim").count() > 10);
        await page.keyboard.press("Enter");
        assert.equal(await focused(page), "next_token");
        await page.keyboard.press("Control+f");
        assert.equal(await focused(page), "search");
        await page.fill("#search", "(");
        assert.equal(await text(page, "#found"), "no regular expression");
        assert.equal(await page.getAttribute("#search", "aria-invalid"), "true");
        await page.keyboard.press("Escape");
        assert.equal(await page.locator("#frames .dim").count(), 0);
        assert.equal(await page.locator("#search").evaluate((field) => field.value), "");
        await closeClean(page);
    });

    test(`${kind}: names that try to be markup are text`, async () => {
        const page = await open("hostile." + kind);
        await page.locator("#frames g.f").last().click();
        await page.click("text=Reset");
        assert.notEqual(await page.title(), "owned");
        assert.equal(await page.locator("img").count(), 0);
        assert.equal(
            await page.evaluate(() => document.querySelectorAll("script").length), 2); // data, and ours
        const titles = await page.locator("#frames g.f title").allTextContents();
        const names = titles.map((title) => title.split("\n")[0]);
        for (const name of ["<script>document.title='owned'</script>",
                 "]]><img src=x onerror=\"document.title='owned'\">", "&lt;&amp;'\"\\u003c\\\\",
                 "control\\x01\\x02\\x1B[31m\\x0D\\x0A\\x09\\x7F", "not UTF-8 \\xFF\\xFE\\xC3( \\xED\\xA0\\x80",
                 "right to left \\u202E evil", "函数名字 🔥 функция", "__proto__", "[empty name]"]) {
            assert.ok(names.includes(name), name);
        }
        assert.ok(names.some((name) => name.length === 20000)); // the longest is not cut
        await closeClean(page);
    });

    test(`${kind}: two profiles: more, less, the same, and what is gone`, async () => {
        const page = await open("diff." + kind);
        const colour = (name) => frame(page, name).locator("rect").first().getAttribute("class");
        assert.match(await colour("tcp_sendmsg"), /^q[34]$/);
        assert.match(await colour("next_token"), /^m[34]$/);
        assert.equal(await colour("serve_forever"), "z");
        assert.equal(await colour("all"), "z");
        const share = await frame(page, "tcp_sendmsg").locator("title").textContent();
        assert.match(share, /B: 210 samples, 26\.6 % ± [\d.]+ %/);
        assert.match(share, /A: 90 samples, 11\.4 % ± [\d.]+ %/);
        assert.match(share, /B - A: \+15\.2 ± [\d.]+ points/);
        assert.equal(await frame(page, "log_old_way").count(), 0);
        await page.click("text=Widths of A");
        assert.equal(await frame(page, "log_old_way").count(), 1);
        assert.equal(await frame(page, "log_new_way").count(), 0);
        await page.click("text=Widths of A");
        assert.equal(await frame(page, "log_new_way").count(), 1);
        await closeClean(page);
    });

    test(`${kind}: without a script, the whole graph stands still`, async () => {
        const page = await open("kinds." + kind, {javaScriptEnabled: false});
        assert.equal(await page.locator("#frames").count(), 0);
        const titles = await page.locator("#still title").allTextContents();
        assert.ok(titles.some((title) => /^tcp_sendmsg\n210 samples, 26\.6 % ± 3\.2\n\[kernel\]$/.test(title)),
            titles.join("|"));
        assert.ok(titles.some((title) => /^next_token\n.*\nserver, inlined\nparse\.c:18$/.test(title)));
        const labels = await page.locator("#still text").allTextContents();
        assert.ok(labels.includes("parse_request") && labels.includes("http::send"));
        await page.context().close();
        const narrow = await open("kinds." + kind, {javaScriptEnabled: false, viewport: {width: 600, height: 800}});
        const box = await narrow.locator("#flame").boundingBox();
        assert.ok(box.width <= 600 && box.width > 540, `${box.width} px`);
        await narrow.context().close();
    });

    test(`${kind}: an empty profile and a very deep one`, async () => {
        const none = await open("none." + kind);
        assert.match(
            await none.locator("#flame, #top").first().textContent(), /no samples: there is nothing to show/);
        await closeClean(none);
        const deep = await open("deep." + kind);
        assert.equal(await drawn(deep), 401);
        // It is seen from its base on, and what there is to press stays in sight, all the way up.
        const seen = async (element) => element.evaluate((part) => {
            const box = part.getBoundingClientRect();
            return box.top >= 0 && box.bottom <= window.innerHeight;
        });
        assert.ok(await seen(frame(deep, "all")));
        assert.ok(await seen(deep.locator("#search")));
        await frame(deep, "all").focus();
        for (let i = 0; i < 60; i++) {
            await deep.keyboard.press("ArrowUp");
        }
        assert.equal(await deep.evaluate(() => document.activeElement.getAttribute("aria-level")), "61");
        await deep.waitForFunction(() => {
            const box = document.activeElement.getBoundingClientRect();
            const bar = document.getElementById("detail").getBoundingClientRect();
            return bar.top >= 0 && box.top >= bar.bottom && box.bottom <= window.innerHeight;
        });
        await closeClean(deep);
        // A window that holds more than half of the graph shows the title first.
        const high = await open("deep." + kind, {viewport: {width: 1200, height: 4500}});
        assert.equal(await high.evaluate(() => window.scrollY), 0);
        assert.ok(await high.evaluate(() => document.documentElement.scrollHeight > window.innerHeight));
        await closeClean(high);
    });

    test(`${kind}: it follows the width of its window, light and dark`, async () => {
        for (const colorScheme of ["light", "dark"]) {
            const page = await open("kinds." + kind, {viewport: {width: 600, height: 800}, colorScheme});
            for (const px of [600, 360, 1000]) {
                await page.setViewportSize({width: px, height: 800});
                await page.waitForFunction((most) => {
                    const wide = document.getElementById("flame").getBoundingClientRect().width;
                    return wide <= most && wide > most - 60;
                }, px);
                const over =
                    await page.evaluate(() => document.documentElement.scrollWidth > window.innerWidth);
                assert.equal(over, false, `${px} px: there is nothing to the right`);
            }
            await closeClean(page);
        }
    });
}

test("html: a row of the table finds its function", async () => {
    const page = await open("kinds.html");
    const row = page.locator("tbody tr", {hasText: "parse_request"});
    assert.deepEqual((await row.locator("td").allTextContents()).slice(1), ["10.2", "± 2.3", "36.2", "± 3.4"]);
    await row.locator("button").click();
    assert.equal(await page.locator("#search").evaluate((field) => field.value), "^parse_request$");
    assert.match(await text(page, "#found"), /^matched: 36\.2 %/);
    const facts = await text(page, "dl");
    assert.match(facts, /mode\s*dwarf/);
    assert.match(facts, /reason\s*the program keeps no frame pointers/);
    assert.match(facts, /truncated stacks\s*40/);
    await closeClean(page);
});

test("the graph can be turned, and told to assistive technology", async () => {
    const page = await open("threads.svg");
    const top = async (name) => Number(await frame(page, name).locator("rect").first().getAttribute("y"));
    assert.ok(await top("all") < await top("serve_forever"));
    await page.click("text=Upside down");
    assert.ok(await top("all") > await top("serve_forever"));
    assert.equal(await frame(page, "worker (4712)").getAttribute("aria-level"), "2");
    assert.equal(await page.getByRole("treeitem", {name: /serve_forever/}).count(), 1);
    assert.equal(await page.getByRole("tree").count(), 1);
    await closeClean(page);
});
