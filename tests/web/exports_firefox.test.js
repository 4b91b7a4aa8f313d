// SPDX-License-Identifier: MIT
// The exports that the Firefox Profiler opens, read by its own code: profiler-cli is it without its pages.
"use strict";
const { test, before, after } = require("node:test");
const assert = require("node:assert/strict");
const { spawnSync } = require("node:child_process");
const fs = require("node:fs");
const path = require("node:path");
const { run, work } = require("./browser.js");

let cli = null;
try { cli = require.resolve("@firefox-devtools/profiler-cli/dist/profiler-cli.js"); } catch { /* said by the skip */ }
const skip = cli !== null ? false : "no @firefox-devtools/profiler-cli: 'npm ci' in tests/web gets it";
const SESSION = "tare";

before(() => run("web_exports", "."));
after(() => { if (cli !== null) { ask("stop", SESSION); } });

// Sessions are processes that it leaves behind: they listen on a socket in this folder.
function ask(...args) {
    const env = { ...process.env, PROFILER_CLI_SESSION_DIR: path.join(work, "pq") };
    fs.mkdirSync(env.PROFILER_CLI_SESSION_DIR, { recursive: true });
    return spawnSync(process.execPath, [cli, ...args], { cwd: work, env, encoding: "utf8", timeout: 60000 });
}

// Loads a file; gives what asks about it. A busy machine takes longer than `load` waits for the session.
function load(file) {
    ask("stop", SESSION);
    let done = ask("load", file, "--session", SESSION);
    for (let i = 0; done.status !== 0 && /still starting/.test(done.stderr) && i < 20; i++) {
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 500);
        done = ask("status", "--session", SESSION);
    }
    assert.equal(done.status, 0, done.stdout + done.stderr);
    return (...args) => {
        const answer = ask(...args, "--session", SESSION, "--json");
        assert.equal(answer.status, 0, answer.stdout + answer.stderr);
        return JSON.parse(answer.stdout);
    };
}

// {name: [whole, own]} of a thread; names are without the library.
function functions(query, thread) {
    const { topFunctionsByTotal, weightType } = query("thread", "samples", "--thread", thread, "--include-idle");
    const rows = Object.create(null); // one function is called __proto__
    for (const one of topFunctionsByTotal) {
        rows[one.name.replace(/^[^!]*!/, "")] = [one.totalSamples, one.selfSamples];
    }
    return { rows: { ...rows }, weightType };
}

test("the Firefox Profiler has every thread's functions with their times", { skip }, () => {
    const query = load("small.firefox.json");
    const first = functions(query, "t-0");
    assert.equal(first.weightType, "tracing-ms");
    assert.deepEqual(first.rows, {
        "main": [40, 0], "sort_all": [30, 0], "compare(char const*, char const*)": [20, 20],
        "swap": [10, 10], "read_all": [10, 0], "sys_read": [10, 10],
    });
    assert.deepEqual(functions(query, "t-1").rows, { "start": [10, 0], "[libc.so.6+0x1234]": [10, 10] });
    assert.deepEqual(functions(query, "t-2").rows["main"], [20, 0]);
    assert.deepEqual(functions(query, "t-3").rows, { "[no stack]": [10, 10] });
});

test("the Firefox Profiler tells two processes with threads of the same name apart", { skip }, () => {
    const text = ask("profile", "info", "--all", "--session", SESSION).stdout;
    assert.match(text, /4 threads across 3 processes/);
    assert.match(text, /sort \[pid 100\][^]*worker \[tid 100\][^]*worker \[tid 101\][^]*sort \[pid 200\][^]*worker \[tid 200\]/);
});

test("the Firefox Profiler says how the profile was taken", { skip }, () => {
    const text = ask("profile", "meta", "--session", SESSION).stdout;
    assert.match(text, /Started: 2026-11-21T14:30:00/);
    assert.match(text, /Sampling interval: 10ms/);
    assert.match(text, /Imported from: tare/);
    assert.match(text, /mode: built-in/);
    assert.match(text, /reason: perf is not installed/);
    assert.match(text, /lost samples: 3/);
});

test("the Firefox Profiler takes hostile, foreign, empty and large profiles", { skip }, () => {
    const hostile = functions(load("hostile.firefox.json"), "t-0");
    assert.deepEqual(hostile.rows["</script><script>alert(1)</script><!--"], [1, 1]);
    assert.deepEqual(hostile.rows["say \"hello\" \\ and \\u0041"], [1, 1]);
    assert.deepEqual(Object.getOwnPropertyDescriptor(hostile.rows, "__proto__").value, [1, 1]);
    const folded = functions(load("folded.firefox.json"), "t-0");
    assert.equal(folded.weightType, "samples");
    assert.deepEqual(folded.rows, { a: [47, 5], b: [42, 30], c: [12, 12] });
    assert.deepEqual(functions(load("empty.firefox.json"), "t-0").rows, {});
    const large = load("large.firefox.json")("thread", "samples", "--thread", "t-3", "--include-idle");
    assert.equal(large.categoryBreakdown.totalSamples, 1000);
});

test("the Firefox Profiler reads the Chrome trace: calls with their times", { skip }, () => {
    load("small.trace.json");
    const text = ask("thread", "markers", "--thread", "t-0", "--session", SESSION).stdout;
    assert.match(text, /main +2 markers +\(interval: min=10ms, avg=20ms, max=30ms\)/);
    assert.match(text, /sort_all +1 markers +\(interval: min=30ms, avg=30ms, max=30ms\)/);
    assert.match(text, /compare\(char const\*, char const\*\) +1 markers +\(interval: min=20ms/);
});

test("the Firefox Profiler reads folded stacks", { skip }, () => {
    const { rows } = functions(load("folded.folded"), "t-0");
    assert.deepEqual(rows.a, [47, 5]);
    assert.deepEqual(rows.b, [42, 30]);
});
