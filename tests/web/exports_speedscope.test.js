// SPDX-License-Identifier: MIT
// What speedscope makes of the exports: its JSON schema, and the application itself in a browser.
"use strict";
const { test, before, after } = require("node:test");
const assert = require("node:assert/strict");
const { spawnSync } = require("node:child_process");
const fs = require("node:fs");
const http = require("node:http");
const path = require("node:path");
const { start, stop, run, work, newPage } = require("./browser.js");

let release = null;
try {
    release = path.join(path.dirname(require.resolve("speedscope/package.json")), "dist/release");
} catch { /* said by the skip */ }
const skip = release !== null ? false : "no speedscope: 'npm ci' in tests/web gets it";
const TYPES = { ".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".wasm": "application/wasm" };
let server = null;

// As the web page would come, from this machine alone.
function serve(request, response) {
    const file = path.join(release, path.normalize(new URL(request.url, "http://localhost").pathname));
    fs.readFile(file, (error, content) => {
        response.writeHead(error ? 404 : 200, { "content-type": TYPES[path.extname(file)] || "application/octet-stream" });
        response.end(error ? "" : content);
    });
}

before(async () => {
    run("web_exports", ".");
    if (release === null) { return; }
    server = http.createServer(serve);
    await new Promise((resolve) => { server.listen(0, "127.0.0.1", resolve); });
    await start("--use-angle=swiftshader", "--enable-unsafe-swiftshader"); // it draws with WebGL
});
after(async () => {
    await stop();
    if (server !== null) { server.close(); }
});

// Opens a file as a user does, in the table of functions. `said`: what it asked the user or printed.
async function opened(file) {
    const page = await newPage();
    page.setDefaultTimeout(15000);
    page.said = [];
    page.on("dialog", (dialog) => {
        page.said.push(dialog.message());
        dialog.dismiss();
    });
    page.on("pageerror", (error) => page.said.push("error: " + error.message));
    page.on("console", (message) => {
        if (["error", "warning"].includes(message.type()) || /Failed/.test(message.text())) { page.said.push(message.text()); }
        if (/^Importing/.test(message.text())) { page.imported = message.text(); }
    });
    await page.goto(`http://127.0.0.1:${server.address().port}/index.html`);
    await page.setInputFiles("input[type=file]", path.join(work, file));
    return page;
}

// "30.00ms (38%)" or "30,000,000 (38%)", in ns.
function nanoseconds(text) {
    const [, number, unit] = /^([\d.,]+)(ns|µs|ms|s|)/.exec(text);
    return Math.round(Number(number.replaceAll(",", "")) * { ns: 1, "": 1, "µs": 1e3, ms: 1e6, s: 1e9 }[unit]);
}

// {name: [whole, own]} over all threads that the file has.
async function functions(page, threads) {
    await page.waitForFunction(() => / - speedscope$/.test(document.title), null, { timeout: 20000 });
    await page.keyboard.press("3");
    const rows = Object.create(null); // one function is called __proto__
    for (let i = 1; i <= threads; i++) {
        if (threads > 1) { await page.getByText(`(${i}/${threads})`).waitFor(); }
        // Its list of threads is a table, too, and hidden.
        const shown = page.locator("tr:visible").filter({ has: page.locator("td") });
        await shown.first().waitFor();
        const cells = await shown.evaluateAll((all) => all.map((row) =>
            [...row.querySelectorAll("td")].map((cell) => cell.textContent)));
        for (const [whole, own, name] of cells) {
            const sum = rows[name] || [0, 0];
            rows[name] = [sum[0] + nanoseconds(whole), sum[1] + nanoseconds(own)];
        }
        await page.keyboard.press("n");
    }
    return { ...rows };
}

const ms = (whole, own) => [whole * 1e6, own * 1e6];
const SMALL = {
    "main": ms(60, 0), "sort_all": ms(40, 0), "compare(char const*, char const*)": ms(30, 30), "swap": ms(10, 10),
    "read_all": ms(10, 0), "sys_read": ms(10, 10), "start": ms(10, 0), "[libc.so.6+0x1234]": ms(10, 10),
    "[jit+0x7f0000001000]": ms(10, 10), "[no stack]": ms(10, 10),
};
// It knows one function for each address in pprof's form: of inlined calls the outermost.
const { swap, ...WITHOUT_INLINED } = { ...SMALL, "sort_all": ms(40, 10) };

for (const [file, as, threads, expected] of [
    ["small.speedscope.json", "Importing as speedscope json file", 4, SMALL],
    ["small.folded", "Importing as collapsed stack format", 1, SMALL],
    ["small.trace.json", "Importing as Trace Event Format profile", 4, SMALL],
    ["small.pb.gz", "Importing as protobuf encoded pprof file", 1, WITHOUT_INLINED],
]) {
    test(`speedscope opens ${file} and has every function's times`, { skip }, async (t) => {
        if (!fs.existsSync(path.join(work, file))) { return t.skip("tare was built without zlib"); }
        const page = await opened(file);
        assert.deepEqual(await functions(page, threads), expected);
        assert.equal(page.imported, as);
        assert.deepEqual(page.said, []);
        await page.context().close();
    });
}

for (const file of ["hostile.speedscope.json", "hostile.folded", "hostile.trace.json", "hostile.pb.gz"]) {
    test(`speedscope opens ${file}, and nothing in it runs`, { skip }, async (t) => {
        if (!fs.existsSync(path.join(work, file))) { return t.skip("tare was built without zlib"); }
        const page = await opened(file);
        const rows = await functions(page, 1);
        assert.equal(Object.values(rows).reduce((sum, [, own]) => sum + own, 0), 12e6);
        assert.deepEqual(rows["</script><script>alert(1)</script><!--"], [1e6, 1e6]);
        assert.deepEqual(rows["ends with a number 42"], [1e6, 1e6]);
        assert.deepEqual(page.said, []);
        await page.context().close();
    });
}

test("speedscope takes a function's end and another begin of it for what they are", { skip }, async () => {
    const traced = await opened("recursive.trace.json");
    const rows = await functions(traced, 1);
    const sampled = await opened("recursive.speedscope.json");
    const expected = await functions(sampled, 1);
    assert.deepEqual(Object.keys(rows).sort(), ["f", "g", "main"]);
    for (const [name, [whole, own]] of Object.entries(expected)) {
        // It shows four digits of some ms; what begins 1 ns late does not matter.
        assert.ok(Math.abs(rows[name][0] - whole) <= 1e4 && Math.abs(rows[name][1] - own) <= 1e4, `${name}: ${rows[name]}, ${whole},${own}`);
    }
    assert.deepEqual([traced.said, sampled.said], [[], []]);
    await traced.context().close();
    await sampled.context().close();
});

test("speedscope says that an empty profile is empty", { skip }, async () => {
    const page = await opened("empty.speedscope.json");
    await page.waitForTimeout(1000);
    assert.deepEqual(page.said, ["Successfully imported profile, but it's empty!"]);
    await page.context().close();
});

test("speedscope's published schema allows the file", { skip }, (t) => {
    const python = "import json, sys, jsonschema\n" +
        "schema = json.load(open(sys.argv[1]))\n" +
        "for name in sys.argv[2:]: jsonschema.Draft7Validator(schema).validate(json.load(open(name)))\n";
    if (spawnSync("python3", ["-c", "import jsonschema"]).status !== 0) { return t.skip("no python3-jsonschema"); }
    const check = (...files) => spawnSync("python3", ["-W", "ignore", "-c", python,
        path.join(release, "file-format-schema.json"), ...files], { cwd: work, encoding: "utf8" });
    const done = check("small.speedscope.json", "hostile.speedscope.json", "empty.speedscope.json",
        "folded.speedscope.json", "heavy.speedscope.json", "large.speedscope.json");
    assert.equal(done.status, 0, done.stderr);
    // That it can say no, too.
    const broken = JSON.parse(fs.readFileSync(path.join(work, "small.speedscope.json"), "utf8"));
    delete broken.profiles[0].weights;
    fs.writeFileSync(path.join(work, "broken.json"), JSON.stringify(broken));
    assert.notEqual(check("broken.json").status, 0);
});
