// SPDX-License-Identifier: MIT
// What the tests of web pages share: one browser, and pages whose every complaint is kept.
"use strict";
const {execFileSync} = require("node:child_process");
const {pathToFileURL} = require("node:url");
const path = require("node:path");
const {chromium} = require("playwright-core");

const work = process.env.TARE_WEB_WORK || ".";
let browser = null;

async function start(...more) {
    // As root, Chromium has no sandbox; what it opens is made by the tests.
    const args = ["--no-sandbox", ...more];
    browser = await chromium.launch({executablePath: process.env.CHROMIUM || "/usr/bin/chromium", args});
    return browser;
}

async function stop() {
    if (browser !== null) {
        await browser.close();
    }
}

// A program of the build, as {stdout}; tests/web is beside it.
function run(name, ...args) {
    const build = process.env.TARE_BUILD_DIR || path.join(__dirname, "../../build/fast");
    const folder = name === "tare" ? "bin" : "tests/web";
    return execFileSync(path.join(build, folder, name), args, {cwd: work, encoding: "utf8"});
}

// A page of its own, empty.
async function newPage() {
    const context = await browser.newContext({viewport: {width: 1200, height: 800}});
    return context.newPage();
}

// Opens a file of the work folder. `complaints` of the page: errors, console messages, anything asked of a
// network.
async function open(file, options) {
    const context = await browser.newContext({viewport: {width: 1200, height: 800}, ...options});
    const page = await context.newPage();
    page.complaints = [];
    page.on("pageerror", (error) => page.complaints.push("error: " + error.message));
    page.on("console", (message) => page.complaints.push(message.type() + ": " + message.text()));
    page.on("dialog", (dialog) => {
        page.complaints.push("dialog: " + dialog.message());
        dialog.dismiss();
    });
    page.on("request", (request) => {
        if (!request.url().startsWith("file:")) {
            page.complaints.push("request: " + request.url());
        }
    });
    await page.goto(pathToFileURL(path.join(work, file)).href);
    return page;
}

module.exports = {
    start,
    stop,
    run,
    open,
    newPage,
    work
};
