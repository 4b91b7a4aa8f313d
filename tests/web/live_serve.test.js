// SPDX-License-Identifier: MIT
// The live page as `tare serve` serves it, of a real program: examples/frames.
"use strict";
const {test, before, after} = require("node:test");
const assert = require("node:assert/strict");
const {execFileSync, spawn} = require("node:child_process");
const fs = require("node:fs");
const path = require("node:path");
const browser = require("./browser.js");

const bin = path.join(process.env.TARE_BUILD_DIR || path.join(__dirname, "../../build/fast"), "bin");
const tare = path.join(bin, "tare"), frames = path.join(bin, "frames");

// Why it cannot run; null if it can.
function hindrance() {
    for (const program of [tare, frames]) {
        if (!fs.existsSync(program)) {
            return `no '${program}': it was not built`;
        }
    }
    try {
        execFileSync(tare, ["serve", "--help"], {stdio: "pipe"});
    } catch (error) {
        return `no tare serve here: ${String(error.stderr || error.message).trim().split("\n")[0]}`;
    }
    return null;
}
const why = hindrance();

let chromium = null, program = null;
const servers = [];

// Serves `program` until the end; {server, url}. With a token, to others than this machine, too.
async function serve(token) {
    const {TARE_TOKEN, ...env} = process.env;
    const options = token === undefined ? ["127.0.0.1:0"] : ["0.0.0.0:0", "--allow-remote"];
    const server = spawn(tare, ["serve", "--listen", ...options, String(program.pid)], {
        stdio: ["ignore", "pipe", "pipe"],
        env: token === undefined ? env : {...env, TARE_TOKEN: token}
    });
    servers.push(server);
    const url = await new Promise((resolve, reject) => {
        let said = "";
        const hear = (part) => {
            said += part;
            const found = said.match(/http:\/\/[^\s/]+\//);
            if (found !== null) {
                resolve(found[0]);
            }
        };
        server.stdout.on("data", hear);
        server.stderr.on("data", hear);
        server.on("exit", (code) => reject(new Error(`tare serve ended (${code}): ${said}`)));
    });
    return {server, url};
}

before(async () => {
    if (why !== null) {
        return;
    }
    chromium = await browser.start();
    program = spawn(frames, ["--seconds", "300", "--fps", "60", "--slow-every", "40"], {stdio: "ignore"});
});

async function end(child) {
    if (child !== null && child.exitCode === null && child.signalCode === null) {
        const gone = new Promise((resolve) => child.once("exit", resolve));
        child.kill("SIGTERM");
        await gone;
    }
}
after(async () => {
    await browser.stop();
    await Promise.all(servers.map(end));
    await end(program);
});

async function until(what, condition) {
    for (let i = 0; i < 900; i++) {
        if (await condition()) {
            return;
        }
        await new Promise((resolve) => setTimeout(resolve, 50));
    }
    assert.fail(`never: ${what}`);
}

test("a real program: charts move, a switch stops a counter, a capture is a result", {skip: why || false},
    async () => {
        const {server, url} = await serve();
        const context =
            await chromium.newContext({viewport: {width: 1280, height: 900}, acceptDownloads: true});
        const page = await context.newPage();
        const complaints = [];
        page.on("pageerror", (error) => complaints.push("error: " + error.message));
        page.on("console", (message) => complaints.push(message.type() + ": " + message.text()));
        page.on("request", (request) => {
            if (!request.url().startsWith(url) && !/^(data|blob):/.test(request.url())) {
                complaints.push("request: " + request.url());
            }
        });
        await page.addInitScript(() => {
            window.violations = [];
            document.addEventListener(
                "securitypolicyviolation", (event) => window.violations.push(event.violatedDirective));
        });
        const answer = await page.goto(url);
        const policy = answer.headers()["content-security-policy"];
        assert.match(policy, /default-src 'none'/);
        assert.doesNotMatch(policy, /unsafe/);
        await page.waitForSelector("#connection[data-state=open]");
        await page.waitForSelector("#panel-counters:not([hidden])");
        assert.match(await page.locator("#process").inputValue(), /^\d+$/);
        assert.match(await page.locator("#process").textContent(), new RegExp(`frames \\(${program.pid}\\)`));

        // Frames come, and slow ones among them.
        // Without timers that are on, the first chart is of a counter that moves, and not of a sum of times.
        await page.locator("#charts figure[aria-label='gfx.upload_bytes_total']").waitFor();
        await page.locator("#panel-frames").scrollIntoViewIfNeeded();
        const figures = () => page.locator("#panel-frames figure > table tbody").textContent();
        await until("slow frames", async () => /[1-9]\d* slow/.test(await figures()));
        const picture = () => page.locator("#panel-frames canvas").evaluate((canvas) => canvas.toDataURL());
        const before = await picture();
        await until("another picture", async () => await picture() !== before);
        assert.match(await page.locator("#panel-frames .fps").textContent(), /\d fps/);
        assert.match(await page.locator("#panel-frames .fps").textContent(),
            /gpu, mean––/); // there is no GPU
        // Totals beside them: at least as many as in the window, and times with their units.
        const ofFrames = (name) => page.locator("#panel-frames .fps tbody tr")
                                   .filter({has: page.locator("th", {hasText: new RegExp(`^${name}$`)})})
                                   .locator("td");
        const texts = (name) => ofFrames(name).allTextContents();
        await until("totals", async () => /^\d+(\.\d+)? fps$/.test((await texts("1 / median"))[1]));
        const [now, all] = (await texts("frames")).map((each) => Number(each.replace(/,/g, "")));
        assert.ok(now > 0 && all >= now, `${now} of ${all}`);
        assert.match((await texts("p95")).join(" "), /^[\d.]+ (ms|µs) [\d.]+ (ms|µs)$/);

        // Off: the server says so, and it stands still; on: it counts on.
        const line = page.locator("#table-counters tr.row").filter({hasText: "gfx.draw_calls_total"});
        const total = () => line.locator("td").nth(2).textContent();
        const first = await total();
        await until("draw calls", async () => await total() !== first);
        await line.getByRole("switch").click();
        await page.locator("#table-counters [role=switch][aria-checked=false]").waitFor();
        await until("no rate", async () => await line.locator("td").nth(0).textContent() === "off");
        const stopped = await total();
        const snapshot = async () => (await (await fetch(url + "api/v1/snapshot")).json())
                                         .processes[0]
                                         .instruments.find((each) => each.full_name === "gfx.draw_calls_total");
        assert.equal((await snapshot()).enabled, false);
        assert.equal((await snapshot()).total.total, Number(stopped.replaceAll(",", "")));
        await line.getByRole("switch").click();
        await page.locator("#table-counters tr.row")
            .filter({hasText: "gfx.draw_calls_total"})
            .locator("[role=switch][aria-checked=true]")
            .waitFor();
        await until("more draw calls", async () => await total() !== stopped);

        // A capture, to the file.
        await page.click("#capture-start");
        await page.locator("#capture-state", {hasText: /^running, ([2-9]|\d\d+) samples/}).waitFor();
        await page.click("#capture-stop");
        await page.locator("#capture-state", {hasText: /^stopped, \d+ samples/}).waitFor();
        const waiting = page.waitForEvent("download");
        await page.click("#capture-download");
        const file = path.join(browser.work, "capture.json");
        await (await waiting).saveAs(file);
        const result = JSON.parse(fs.readFileSync(file, "utf8"));
        assert.match(result.schema, /^tare/);
        execFileSync(tare, ["report", file], {stdio: "pipe"});

        // A reset, after a question.
        await line.locator(".reset").click();
        const high = Number((await total()).replaceAll(",", ""));
        await page.click("#confirm-yes");
        await until("a smaller total", async () => Number((await total()).replaceAll(",", "")) < high);

        complaints.push(...await page.evaluate(() => window.violations));
        assert.deepEqual(complaints, []);

        // And what becomes of the page when its server goes: it says so.
        await end(server);
        await page.waitForSelector("#connection[data-state=lost]");
        await context.close();
    });

test("to other machines: the token becomes a cookie, with which the page can do everything",
    {skip: why || false}, async () => {
        const token = "only-who-knows-this-may-look";
        const {server, url} = await serve(token);
        const at = `http://127.0.0.1:${new URL(url).port}/`;
        const context = await chromium.newContext();
        const page = await context.newPage();
        const complaints = [];
        page.on("pageerror", (error) => complaints.push("error: " + error.message));
        page.on("console", (message) => complaints.push(message.type() + ": " + message.text()));
        await page.goto(`${at}?token=${token}`);
        assert.equal(page.url(), at); // it does not stay in the address
        assert.ok(!(await page.content()).includes(token));
        const cookies = await context.cookies();
        assert.deepEqual(
            cookies.map(({httpOnly, sameSite}) => [httpOnly, sameSite]), [[true, "Strict"]]);
        assert.equal(await page.evaluate(() => document.cookie), ""); // no script sees it
        await page.waitForSelector("#connection[data-state=open]"); // the stream
        const line = page.locator("#table-counters tr.row").filter({hasText: "gfx.draw_calls_total"});
        await line.getByRole("switch").click(); // a POST
        await page.locator("#table-counters [role=switch][aria-checked=false]").waitFor();
        await line.getByRole("switch").click();
        await page.locator("#table-counters [role=switch][aria-checked=false]").waitFor({state: "detached"});
        await page.reload();
        await page.waitForSelector("#connection[data-state=open]");
        assert.deepEqual(complaints, []);
        await context.close();

        // Without it, or with another one, there is nothing.
        const stranger = await chromium.newContext();
        const asked = async (path) => (await stranger.request.get(at + path, {maxRedirects: 0})).status();
        const wrong = "?token=" + token.replace(/k$/, "l");
        for (const where of ["", "api/v1/snapshot", "api/v1/stream", "metrics", wrong]) {
            assert.equal(await asked(where), 401, where);
        }
        const post = await stranger.request.post(at + "api/v1/reset", {data: {id: "all"}});
        assert.equal(post.status(), 401);
        assert.equal((await stranger.cookies()).length, 0);
        await stranger.close();
        await end(server);
    });
