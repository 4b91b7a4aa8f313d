// SPDX-License-Identifier: MIT
// The pprof export, read by Go's own pprof and by a decoder from npm.
"use strict";
const { test, before } = require("node:test");
const assert = require("node:assert/strict");
const { spawnSync } = require("node:child_process");
const fs = require("node:fs");
const path = require("node:path");
const zlib = require("node:zlib");
const { run, work } = require("./browser.js");

before(() => run("web_exports", "."));

const go = spawnSync("go", ["version"], { encoding: "utf8" }).status === 0;
const noGo = go ? false : "no go: golang-go has 'go tool pprof'";
let decoder = null;
try { decoder = require("pprof-format"); } catch { /* said by the skip */ }
const noDecoder = decoder !== null ? false : "no pprof-format: 'npm ci' in tests/web gets it";
const written = (name) => fs.existsSync(path.join(work, name));
const noZlib = "tare was built without zlib";

function pprof(...args) {
    const done = spawnSync("go", ["tool", "pprof", ...args], { cwd: work, encoding: "utf8" });
    assert.equal(done.status, 0, done.stderr);
    return done.stdout;
}

// The table of -top: {name: [flat, cum]}, as it prints them.
function top(file, ...options) {
    const text = pprof("-top", ...options, file);
    const rows = {};
    for (const line of text.slice(text.indexOf("cum%")).split("\n").slice(1)) {
        const found = /^ *(\S+) +\S+% +\S+% +(\S+) +\S+% {2}(.*)$/.exec(line);
        if (found !== null) { rows[found[3]] = [found[1], found[2]]; }
    }
    return { text, rows };
}

test("go tool pprof has every function's own and whole time", { skip: noGo }, (t) => {
    if (!written("small.pb.gz")) { return t.skip(noZlib); }
    const { text, rows } = top("small.pb.gz");
    assert.match(text, /^File: sort$/m);
    assert.match(text, /^Type: cpu-clock$/m);
    assert.match(text, /^Duration: 150ms, Total samples = 80ms/m);
    assert.match(text, /accounting for 80ms, 100% of 80ms total/);
    assert.deepEqual(rows, {
        "compare(char const*, char const*)": ["30ms", "30ms"],
        "[jit+0x7f0000001000]": ["10ms", "10ms"],
        "[libc.so.6+0x1234]": ["10ms", "10ms"],
        "[no stack]": ["10ms", "10ms"],
        "swap (inline)": ["10ms", "10ms"],
        "sys_read": ["10ms", "10ms"],
        "main": ["0", "60ms"],
        "read_all": ["0", "10ms"],
        "sort_all": ["0", "40ms"],
        "start": ["0", "10ms"],
    });
});

test("go tool pprof counts samples, too", { skip: noGo }, (t) => {
    if (!written("small.pb.gz")) { return t.skip(noZlib); }
    const { text, rows } = top("small.pb.gz", "-sample_index=samples");
    assert.match(text, /accounting for 8, 100% of 8 total/);
    assert.deepEqual(rows["compare(char const*, char const*)"], ["3", "3"]);
});

test("go tool pprof knows lines, threads, timers and build ids", { skip: noGo }, (t) => {
    if (!written("small.pb.gz")) { return t.skip(noZlib); }
    const raw = pprof("-raw", "small.pb.gz");
    assert.match(raw, /swap swap\.h:7:?\d* s=5/);
    assert.match(raw, /sort_all sort\.c:52:?\d* s=4\d/);
    assert.match(raw, /timer:\[sorting::sort\]/);
    assert.match(raw, /process:\[sort\].*thread:\[worker\]|thread:\[worker\]/);
    assert.match(raw, /tid:\[101/);
    assert.match(raw, /\/usr\/lib\/libc\.so\.6 00112233445566778899aabbccddeeff00112233/);
    const { rows } = top("small.pb.gz", "-tagfocus=timer=sorting::sort");
    assert.deepEqual(rows.main, ["0", "20ms"]);
});

test("go tool pprof takes hostile, empty, foreign, heavy and large profiles", { skip: noGo }, (t) => {
    if (!written("small.pb.gz")) { return t.skip(noZlib); }
    assert.match(top("hostile.pb.gz").text, /accounting for 12ms, 100% of 12ms total/);
    assert.match(top("empty.pb.gz").text, /accounting for 0, 0% of 0 total/);
    assert.match(top("folded.pb.gz").text, /accounting for 47, 100% of 47 total/);
    // It adds without overflow; and prints what a double makes of 2^63 - 1.
    assert.match(top("heavy.pb.gz").text, /accounting for 9223372036854775808, 100% of 9223372036854775808 total/);
    assert.match(top("large.pb.gz").text, /100% of 4000ms total/);
});

test("npm's pprof-format decodes the same", { skip: noDecoder }, (t) => {
    if (!written("small.pb.gz")) { return t.skip(noZlib); }
    const { Profile } = decoder;
    const profile = Profile.decode(zlib.gunzipSync(fs.readFileSync(path.join(work, "small.pb.gz"))));
    const string = (number) => profile.stringTable.strings[Number(number)];
    assert.equal(profile.sample.reduce((sum, sample) => sum + Number(sample.value[1]), 0), 80e6);
    assert.equal(profile.sample.reduce((sum, sample) => sum + Number(sample.value[0]), 0), 8);
    assert.deepEqual(profile.sampleType.map((type) => [string(type.type), string(type.unit)]),
        [["samples", "count"], ["cpu-clock", "nanoseconds"]]);
    const functions = new Map(profile.function.map((one) => [Number(one.id), string(one.name)]));
    const inlined = profile.location.find((location) => location.line.length === 2);
    assert.deepEqual(inlined.line.map((line) => functions.get(Number(line.functionId))), ["swap", "sort_all"]);
    // A name with all that a string may hold comes back as it was.
    const hostile = Profile.decode(zlib.gunzipSync(fs.readFileSync(path.join(work, "hostile.pb.gz"))));
    const names = hostile.function.map((one) => hostile.stringTable.strings[Number(one.name)]);
    assert.ok(names.includes("line\nfeed\r\ttab\x01\x1f\x7f"));
    assert.ok(names.includes("</script><script>alert(1)</script><!--"));
});
