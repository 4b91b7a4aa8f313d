// SPDX-License-Identifier: MIT
// What the tests of the dashboard share: the built page with data in it, opened as a file by a browser.
"use strict";
const assert = require("node:assert/strict");
const fs = require("node:fs");
const path = require("node:path");
const {pathToFileURL} = require("node:url");
const browser = require("./browser.js");
const {scriptOf} = require("./history_data.js");

const html = fs.readFileSync(path.join(__dirname, "../../web/dist/history.html"), "utf8");
const pageOf = (data) => html.replace("<!-- data -->", () => scriptOf(data));
const livePage = html.replace("<!-- live -->", "<meta name=\"tare-live\" content=\"/api/v1/history\">");

let chromium = null, files = 0;
async function start() {
    chromium = await browser.start();
}

// Every complaint is kept: errors, the console, anything that is asked of anybody, what the policy forbids.
async function openAt(address, {script = null, ...options}, allowed) {
    const context = await chromium.newContext(
        {viewport: {width: 1280, height: 800}, acceptDownloads: true, timezoneId: "UTC", ...options});
    const page = await context.newPage();
    const complaints = [];
    page.on("pageerror", (error) => complaints.push("error: " + error.stack));
    page.on("console", (message) => complaints.push(message.type() + ": " + message.text()));
    page.on("dialog", (dialog) => {
        complaints.push("dialog: " + dialog.message());
        dialog.dismiss();
    });
    page.on("request", (request) => {
        if (!allowed(request.url())) {
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
    await page.goto(address);
    await page.waitForSelector("tr.row, #none:not([hidden]), #trouble:not([hidden])");
    const close = async (expected = []) => {
        complaints.push(...await page.evaluate(() => window.violations));
        assert.deepEqual(complaints.filter((each) => !expected.some((pattern) => pattern.test(each))), []);
        await context.close();
    };
    return {page, close, context, complaints};
}

// data: an object, or the text of one. A file's address has `hash` behind it.
async function dashboard(data, {hash = "", ...options} = {}) {
    const file = path.join(browser.work, `history-${files++}.html`);
    fs.writeFileSync(file, pageOf(data));
    const address = pathToFileURL(file).href;
    const opened = await openAt(address + hash, options,
        (url) => url.split("#")[0] === address || url.startsWith("blob:") || url.startsWith("data:,"));
    return {...opened, address};
}

const row = (page, name) =>
    page.locator("#list tr.row").filter({has: page.locator(".name", {hasText: name})}).first();
const names = (page) => page.locator("#list tr.row .name").allTextContents();
const text = (page, selector) => page.locator(selector).first().textContent();
const hash = (page) => page.evaluate(() => decodeURIComponent(location.hash));

module.exports = {
    dashboard,
    hash,
    html,
    livePage,
    names,
    openAt,
    row,
    start,
    stop : browser.stop, text
};
