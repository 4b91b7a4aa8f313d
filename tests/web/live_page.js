// SPDX-License-Identifier: MIT
// What the tests of the live page share: a server that only pretends, and the page that it serves.
"use strict";
const assert = require("node:assert/strict");
const browser = require("./browser.js");
const {Mock} = require("./mock_serve.js");

let chromium = null;
async function start() {
    chromium = await browser.start();
}

// What a test that failed has left open would keep the process alive, and its complaint back.
const open = new Set();
async function stop() {
    await browser.stop();
    await Promise.all([...open].map((mock) => mock.stop()));
}

// A server, and the page that it serves, whose every complaint is kept; what a policy forbids is one, and a
// request to anybody else, too.
async function live(options = {}, pageOptions = {}, script = null) {
    const mock = await new Mock(options).start();
    open.add(mock);
    const context = await chromium.newContext(
        {viewport: {width: 1280, height: 900}, acceptDownloads: true, ...pageOptions});
    const page = await context.newPage();
    const complaints = [];
    page.on("pageerror", (error) => complaints.push("error: " + error.message));
    page.on("console", (message) => complaints.push(message.type() + ": " + message.text()));
    page.on("request", (request) => {
        if (!request.url().startsWith(mock.origin + "/") && !request.url().startsWith("data:") &&
            !request.url().startsWith("blob:")) {
            complaints.push("request: " + request.url());
        }
    });
    await page.addInitScript(() => {
        window.violations = [];
        document.addEventListener("securitypolicyviolation",
            (event) => window.violations.push(event.violatedDirective + " " + event.blockedURI));
    });
    if (script !== null) {
        await page.addInitScript(script);
    }
    await page.goto(mock.origin + "/");
    await page.waitForSelector("#connection[data-state=open]");
    await page.waitForSelector("#panel-timers:not([hidden])");
    const close = async (expected = []) => {
        complaints.push(...await page.evaluate(() => window.violations));
        const unexpected =
            complaints.filter((complaint) => !expected.some((pattern) => pattern.test(complaint)));
        await context.close();
        await mock.stop();
        open.delete(mock);
        assert.deepEqual(unexpected, []);
    };
    return {mock, page, close, complaints};
}

const row = (page, table, name) => page.locator(`#table-${table} tr.row`)
                                       .filter({has: page.locator("th button, th", {hasText: name})})
                                       .first();
const texts = async (line) => (await line.locator("td").allTextContents()).map((text) => text.trim());
const text = (page, selector) => page.locator(selector).textContent();
// Until the condition holds, as the server counts it.
async function until(what, condition) {
    for (let i = 0; i < 600; i++) {
        if (await condition()) {
            return;
        }
        await new Promise((resolve) => setTimeout(resolve, 50));
    }
    assert.fail(`never: ${what}`);
}

module.exports = {
    live,
    row,
    start,
    stop,
    text,
    texts,
    until
};
