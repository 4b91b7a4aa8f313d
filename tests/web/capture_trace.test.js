// SPDX-License-Identifier: MIT
// What other viewers make of a capture's trace: speedscope in a browser, and the Firefox Profiler's own code. Both show spans
// alone; Perfetto's rules are checked by tests/cli/check_trace.py.
"use strict";
const { test, before, after } = require("node:test");
const assert = require("node:assert/strict");
const { execFileSync, spawnSync } = require("node:child_process");
const fs = require("node:fs");
const http = require("node:http");
const path = require("node:path");
const { start, stop, work, newPage } = require("./browser.js");

const build = process.env.TARE_BUILD_DIR || path.join(__dirname, "../../build/fast");
const maker = path.join(build, "tests/unit/unit_capture"); // five samples with 30 frames
const TRACE = "capture.trace.json";
const SESSION = "tare-capture";
let release = null, cli = null, server = null;
try {
    release = path.join(path.dirname(require.resolve("speedscope/package.json")), "dist/release");
} catch { /* said by the skip */ }
try { cli = require.resolve("@firefox-devtools/profiler-cli/dist/profiler-cli.js"); } catch { /* said by the skip */ }
const made = fs.existsSync(maker);
const skipIf = (missing, name) => !made ? "built without cmocka" : missing === null ? `no ${name}: 'npm ci' in tests/web gets it` : false;

before(async () => {
    if (!made) { return; }
    fs.writeFileSync(path.join(work, TRACE), execFileSync(maker, ["--print", "chrome"]));
    if (release === null) { return; }
    server = http.createServer((request, response) => {
        const file = path.join(release, path.normalize(new URL(request.url, "http://localhost").pathname));
        const types = { ".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".wasm": "application/wasm" };
        fs.readFile(file, (error, content) => {
            response.writeHead(error ? 404 : 200, { "content-type": types[path.extname(file)] || "application/octet-stream" });
            response.end(error ? "" : content);
        });
    });
    await new Promise((resolve) => { server.listen(0, "127.0.0.1", resolve); });
    await start("--use-angle=swiftshader", "--enable-unsafe-swiftshader");
});
after(async () => {
    await stop();
    if (server !== null) { server.close(); }
    if (cli !== null) { ask("stop", SESSION); }
});

test("speedscope opens the trace, and has the frames with their times", { skip: skipIf(release, "speedscope") }, async () => {
    const page = await newPage();
    const said = [];
    let imported = "";
    page.setDefaultTimeout(20000);
    page.on("dialog", (dialog) => { said.push(dialog.message()); dialog.dismiss(); });
    page.on("pageerror", (error) => said.push("error: " + error.message));
    page.on("console", (message) => {
        if (/^Importing/.test(message.text())) { imported = message.text(); }
        if (message.type() === "error" || /Failed/.test(message.text())) { said.push(message.text()); }
    });
    await page.goto(`http://127.0.0.1:${server.address().port}/index.html`);
    await page.setInputFiles("input[type=file]", path.join(work, TRACE));
    await page.waitForFunction(() => / - speedscope$/.test(document.title), null, { timeout: 20000 });
    await page.keyboard.press("t"); // there is a track for each thread with states, too
    await page.locator("input:focus").waitFor();
    await page.keyboard.type("frames of");
    await page.keyboard.press("Enter");
    await page.keyboard.press("3");
    const row = page.locator("tr:visible").filter({ hasText: /frame 600/ }).first();
    await row.waitFor();
    assert.match(await row.textContent(), /15\.60ms/);
    assert.equal(imported, "Importing as Trace Event Format profile");
    assert.deepEqual(said, []);
    await page.context().close();
});

function ask(...args) {
    const env = { ...process.env, PROFILER_CLI_SESSION_DIR: path.join(work, "pq") };
    fs.mkdirSync(env.PROFILER_CLI_SESSION_DIR, { recursive: true });
    return spawnSync(process.execPath, [cli, ...args], { cwd: work, env, encoding: "utf8", timeout: 60000 });
}

test("the Firefox Profiler opens the trace, and has its process and tracks", { skip: skipIf(cli, "@firefox-devtools/profiler-cli") }, () => {
    let done = ask("load", TRACE, "--session", SESSION);
    for (let i = 0; done.status !== 0 && /still starting/.test(done.stderr) && i < 20; i++) {
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 500);
        done = ask("status", "--session", SESSION);
    }
    assert.equal(done.status, 0, done.stdout + done.stderr);
    const info = ask("profile", "info", "--all", "--session", SESSION);
    assert.equal(info.status, 0, info.stderr);
    assert.match(info.stdout, /pid 4242/);
    assert.match(info.stdout, /frames of view\.main_view/);
});
