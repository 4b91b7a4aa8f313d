#!/usr/bin/env node
// SPDX-License-Identifier: MIT
/*
 * `make bench-history-page`: how large the page of `tare history html` is for 300 series of 1,000 points, and
 * how long Chromium takes to open it from disk, in Markdown: of results that hold all series each, and of
 * results that hold one series each.
 *
 *     bench/history-page/run.js BUILD [SERIES [RUNS]]
 *
 * The past is made up (tests/cli/make_history.py) and imported. That brings values with their intervals alone: the
 * columns of n, dropped rounds, stolen time and controls are put into the page here, as tare writes them. The
 * page is opened seven times, each in a context of its own, without a screen. The time is that from the start of the navigation to the frame behind
 * the one in which the overview's first rows stood in the document; the first opening, with which the file gets
 * into the kernel's cache, is shown and does not count.
 *
 * Exits 0 if each page is below 15 MB and the median time at most 2 s; 1 if not; 2 where that could not be
 * measured, also because others took more than a tenth of a processor while the time was missed (as in
 * bench/quiet.py).
 */
"use strict";
const {execFileSync} = require("node:child_process");
const fs = require("node:fs");
const os = require("node:os");
const path = require("node:path");
const {pathToFileURL} = require("node:url");

const BYTES_BELOW = 15e6, OPEN_MS = 2000, OPENINGS = 7, OTHERS_MOST = 0.1;
const [build, series = "300", runs = "1000"] = process.argv.slice(2);
if (build === undefined || !(Number(series) > 0) || !(Number(runs) > 0)) {
    console.error("bench/history-page/run.js BUILD [SERIES [RUNS]]");
    process.exit(2);
}

function unable(why)
{
    console.error(`bench-history-page: ${why}`);
    process.exitCode = 2;
}

// What others took: all of /proc/stat but idle and waiting, less ours and that of all below us. In seconds.
const ticks = Number(execFileSync("getconf", [ "CLK_TCK" ], {encoding : "utf8"}));
function busy()
{
    const [user, nice, system, , , irq, softirq, steal] =
        fs.readFileSync("/proc/stat", "utf8").split("\n")[0].trim().split(/\s+/).slice(1).map(Number);
    return (user + nice + system + irq + softirq + steal) / ticks;
}
function own()
{
    const processes = new Map();
    for (const pid of fs.readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
        try {
            const fields = fs.readFileSync(`/proc/${pid}/stat`, "utf8").replace(/^.*\)/s, "").trim().split(" ");
            processes.set(Number(pid), {
                parent : Number(fields[1]),
                ticks : fields.slice(11, 15).reduce((sum, each) => sum + Number(each), 0)
            });
        } catch { // it has ended
        }
    }
    let sum = 0;
    for (const [pid, process_] of processes) {
        let at = pid;
        while (at > 1 && at !== process.pid) {
            at = processes.get(at)?.parent ?? 0;
        }
        sum += at === process.pid ? process_.ticks : 0;
    }
    return sum / ticks;
}

// Before the page's own script.
function watch()
{
    const look = () => {
        if (document.querySelector("#list tr.row") !== null) {
            requestAnimationFrame(() => { window.opened = performance.now(); });
        } else {
            requestAnimationFrame(look);
        }
    };
    requestAnimationFrame(look);
}

async function open(browser, file)
{
    const context = await browser.newContext({viewport : {width : 1280, height : 900}});
    const page = await context.newPage();
    await page.addInitScript(watch);
    await page.goto(pathToFileURL(file).href);
    await page.waitForFunction(() => window.opened !== undefined, null, {timeout : 60000});
    const seen = await page.evaluate(
        () => ({opened : window.opened, rows : document.querySelectorAll("tr.row").length}));
    await context.close();
    return seen;
}

// What a benchmark of tare knows of each point beside. Deterministic.
function fill(file)
{
    const html = fs.readFileSync(file, "utf8");
    const head = "<script type=\"application/json\" id=\"data\">";
    const from = html.indexOf(head) + head.length, to = html.indexOf("</script>", from);
    const data = JSON.parse(html.slice(from, to));
    let state = 7;
    const random = () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 4294967296;
    for (const {points} of data.series) {
        const n = points.value.length;
        points.n = {steps : n > 1 ? [ 24, 1, 0, n - 1 ] : [ 24, 1 ]};
        points.dropped = points.value.map(() => random() < 0.1 ? 2 : 0);
        points.stolen_thousandths = points.value.map(() => Math.floor(15 * random()));
        points.control_ten_thousandths = points.value.map(() => Math.round(200 * (random() - 0.5)));
    }
    fs.writeFileSync(file, html.slice(0, from) + JSON.stringify(data).replace(/</g, "\\u003c") + html.slice(to));
}

// A page of that shape: what is said of it, as a row, and whether its figures are fine.
async function measure(work, shape)
{
    const {chromium} = require(path.join(__dirname, "../../tests/web/node_modules/playwright-core"));
    const tare = path.join(build, "bin/tare"), file = path.join(work, "perf.html");
    const past = path.join(work, "past.json"), store = path.join(work, "history.db");
    const environment = {...process.env, TARE_DB : store, TARE_PROJECT : "demo"};
    const options = {env : environment, stdio : [ "ignore", "pipe", "inherit" ], maxBuffer : 1 << 30};
    const apart = shape === "one series each";
    for (const each of fs.readdirSync(work).filter((name) => name.startsWith("history.db"))) {
        fs.rmSync(path.join(work, each));
    }
    fs.writeFileSync(past, execFileSync(path.join(__dirname, "../../tests/cli/make_history.py"),
                                        [ ...(apart ? [ "--apart" ] : []), series, runs ], {maxBuffer : 1 << 30}));
    execFileSync(tare, [ "history", "import", past ], options);
    const begin = process.hrtime.bigint();
    execFileSync(tare, [ "history", "html", "-o", file ], options);
    const made = Number(process.hrtime.bigint() - begin) / 1e6;
    fill(file);
    const bytes = fs.statSync(file).size;
    process.env.HOME = work;
    const browser = await chromium.launch(
        {executablePath : process.env.CHROMIUM || "/usr/bin/chromium", args : [ "--no-sandbox" ]});
    const times = [];
    let rows = 0, first = NaN, others = NaN;
    try {
        first = (await open(browser, file)).opened;
        const then = [ busy(), own(), process.hrtime.bigint() ];
        for (let i = 0; i < OPENINGS; i++) {
            const seen = await open(browser, file);
            times.push(seen.opened);
            rows = seen.rows;
        }
        const seconds = Number(process.hrtime.bigint() - then[2]) / 1e9;
        others = Math.max(0, busy() - then[0] - (own() - then[1])) / seconds;
    } finally {
        await browser.close();
    }
    times.sort((a, b) => a - b);
    const median = times[Math.floor(OPENINGS / 2)];
    const cells = [
        shape, series, Number(series) * Number(runs), (bytes / 1e6).toFixed(2), made.toFixed(0), rows,
        median.toFixed(0), times[0].toFixed(0), times[OPENINGS - 1].toFixed(0), first.toFixed(0)
    ];
    return {row : `| ${cells.join(" | ")} |`, small : bytes < BYTES_BELOW, fast : median <= OPEN_MS, others};
}

async function measureBoth(work)
{
    console.log("| results of | series | points | page, MB | made in, ms | rows shown | opened, median ms | fastest | slowest"
                + " | first |\n| :--- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |");
    const all = [];
    for (const shape of ["all series", "one series each"]) {
        all.push(await measure(work, shape));
        console.log(all[all.length - 1].row);
    }
    const others = Math.max(...all.map((each) => each.others));
    const noisy = !(others <= OTHERS_MOST);
    console.log(`\nothers took ${(others * 100).toFixed(0)} % of a processor meanwhile${
        noisy ? ": noisy, a time that is missed says nothing" : ""}`);
    const small = all.every((each) => each.small), fast = all.every((each) => each.fast);
    const word = (reached) => reached ? "reached" : "MISSED";
    console.log(`below 15 MB: ${word(small)}; opened in 2 s at most: ${word(fast)}`);
    process.exitCode = !small ? 1 : fast ? 0 : noisy ? 2 : 1;
}

const work = fs.mkdtempSync(path.join(os.tmpdir(), "tare-bench-history-page-"));
measureBoth(work)
    .catch((error) => unable(error.code === "MODULE_NOT_FOUND"
                                 ? "no playwright-core: scripts/deps.sh --for test gets it"
                                 : error.message.split("\n")[0]))
    .finally(() => fs.rmSync(work, {recursive : true, force : true}));
