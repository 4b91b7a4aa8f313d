#!/usr/bin/env node
// SPDX-License-Identifier: MIT
/*
 * `make bench-page`: how smooth the live page is, in Markdown.
 *
 *     bench/page/run.js BUILD [SECONDS]
 *
 * A program of 1,000 instruments that all change (bench/live/watched.c), a real tare serve at 4 Hz, and the
 * page in Chromium without a screen, all of it on this machine. In turn: the page at rest (frozen, which is the
 * floor: what the browser and the machine do by themselves), and as it moves, at its top and at its longest
 * table. The figures are the times between two animation frames (60 a second are 16.7 ms), tasks of more than
 * 50 ms (https://w3c.github.io/longtasks/), and how long the page's handlers and drawing take for one sample.
 *
 * Exits 0 if, while it moves, the 99th percentile of the time between frames is at most 33.4 ms (one frame
 * missed, no two in a row; a sample is drawn in one frame of fifteen) and at most one sample in fifty makes a
 * long task; 1 if not; 2 where that could not be measured, also because the page at rest misses as many: then
 * the machine is too busy to tell.
 */
"use strict";
const {spawn} = require("node:child_process");
const fs = require("node:fs");
const os = require("node:os");
const path = require("node:path");

const FRAMES_P99_MS = 33.4, LONG_SHARE = 0.02, SAMPLES_HZ = 4;
const [build, seconds = "30"] = process.argv.slice(2);
if (build === undefined || !(Number(seconds) > 0)) {
    console.error("bench/page/run.js BUILD [SECONDS]");
    process.exit(2);
}

function unable(why)
{
    console.error(`bench-page: ${why}`);
    process.exitCode = 2;
}

// Before the page's own script: what it does, and when frames come.
function watch()
{
    window.seen = {frames : [], long : 0, handling : [], drawing : []};
    const add = EventTarget.prototype.addEventListener, frame = window.requestAnimationFrame.bind(window);
    EventSource.prototype.addEventListener = function(name, act) {
        add.call(this, name, (event) => {
            const begin = performance.now();
            act(event);
            window.seen.handling.push(performance.now() - begin);
        });
    };
    window.requestAnimationFrame = (act) => frame((time) => {
        const begin = performance.now();
        act(time);
        window.seen.drawing.push(performance.now() - begin);
    });
    let last = null;
    const tick = (time) => {
        if (last !== null) {
            window.seen.frames.push(time - last);
        }
        last = time;
        frame(tick);
    };
    frame(tick);
    new PerformanceObserver((list) => { window.seen.long += list.getEntries().length; }).observe({
        type : "longtask"
    });
}

const quantile = (all, p) => {
    const sorted = [...all ].sort((a, b) => a - b);
    return sorted.length === 0 ? NaN : sorted[Math.min(sorted.length - 1, Math.floor(p * sorted.length))];
};
const ms = (value) => Number.isNaN(value) ? "-" : value.toFixed(1);

async function during(page, what)
{
    await page.evaluate(
        () => { Object.assign(window.seen, {frames : [], long : 0, handling : [], drawing : []}); });
    await page.waitForTimeout(Number(seconds) * 1000);
    const seen = await page.evaluate(() => window.seen);
    const row = {
        p99 : quantile(seen.frames, 0.99),
        long : seen.long,
        samples : seen.handling.length,
        frames : seen.frames.length
    };
    console.log(`| ${
            [what, ms(quantile(seen.frames, 0.5)), ms(row.p99), ms(Math.max(...seen.frames)), row.long,
             row.samples, ms(quantile(seen.handling, 0.5)), ms(quantile(seen.drawing, 0.5)),
             ms(quantile(seen.drawing, 0.99))]
                .join(" | ")} |`);
    return row;
}

const started = [];
function start(program, args, ready)
{
    const child = spawn(program, args, {stdio : [ "ignore", "pipe", "pipe" ]});
    started.push(child);
    return new Promise((resolve, reject) => {
        let text = "";
        const look = (data) => {
            const found = text.length < 4096 && ready.exec(text += data);
            if (found) {
                resolve({child, found});
            }
        };
        child.stdout.on("data", look); // also so that it never waits for a reader
        child.stderr.on("data", look);
        child.on("error", reject);
        child.on("exit", (status) => reject(new Error(`${path.basename(program)} ended (${status}): ${text}`)));
    });
}

async function measure(work)
{
    const {chromium} = require(path.join(__dirname, "../../tests/web/node_modules/playwright-core"));
    const watched = await start(path.join(build, "bin/bench-watched"), [], /\d/);
    const {found} =
        await start(path.join(build, "bin/tare"),
                    [ "serve", "--listen", "127.0.0.1:0", String(watched.child.pid) ], /listening on (\S+)/);
    process.env.HOME = work;
    const browser = await chromium.launch(
        {executablePath : process.env.CHROMIUM || "/usr/bin/chromium", args : [ "--no-sandbox" ]});
    try {
        const page = await browser.newPage({viewport : {width : 1280, height : 900}});
        await page.addInitScript(watch);
        await page.goto(found[1]);
        await page.waitForSelector("#connection[data-state=open]");
        await page.waitForSelector("#panel-counters:not([hidden])");
        await page.waitForTimeout(3000);
        const heads = [
            "page", "frame, median ms", "p99", "most", "tasks > 50 ms", "samples", "handling, median ms",
            "drawing, median ms", "p99"
        ];
        console.log(`| ${heads.join(" | ")} |\n|${" --- |".repeat(heads.length)}`);
        await page.click("#freeze");
        const rest = await during(page, "at rest");
        await page.click("#freeze");
        const moving = [ await during(page, "at its top, moving") ];
        await page.evaluate(() => document.getElementById("panel-counters").scrollIntoView());
        moving.push(await during(page, "at its table of 800 rows"));
        const due = Number(seconds) * SAMPLES_HZ * 0.8;
        if (moving.some((row) => row.samples < due)) {
            return unable(`fewer samples than ${due} came`);
        }
        const good = moving.every((row) => row.p99 <= FRAMES_P99_MS && row.long <= LONG_SHARE * row.samples);
        if (!good && rest.p99 > FRAMES_P99_MS) {
            return unable("the page at rest is not smooth either: the machine is too busy to tell");
        }
        console.log(`\n1,000 instruments at 4 Hz, frames at most ${
                        FRAMES_P99_MS} ms apart (p99), long tasks in at most ` +
                    `2 % of the samples: ${good ? "reached" : "MISSED"}`);
        process.exitCode = good ? 0 : 1;
    } finally {
        await browser.close();
    }
}

const work = fs.mkdtempSync(path.join(os.tmpdir(), "tare-bench-page-"));
measure(work)
    .catch((error) => unable(error.code === "MODULE_NOT_FOUND"
                                 ? "no playwright-core: scripts/deps.sh --for test gets it"
                                 : error.message.split("\n")[0]))
    .finally(() => {
        started.forEach((child) => {
            child.removeAllListeners("exit");
            child.kill("SIGKILL");
        });
        fs.rmSync(work, {recursive : true, force : true});
    });
