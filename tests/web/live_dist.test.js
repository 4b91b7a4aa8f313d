// SPDX-License-Identifier: MIT
// web/dist/live.html, which is compiled into tare, is what web/build.js makes of the sources beside it, and one
// file that asks for nothing.
"use strict";
const {test} = require("node:test");
const assert = require("node:assert/strict");
const {spawnSync} = require("node:child_process");
const fs = require("node:fs");
const path = require("node:path");

const web = path.join(__dirname, "../../web");
const html = fs.readFileSync(path.join(web, "dist/live.html"), "utf8");

test("it is what build.js makes of the sources", (t) => {
    if (!fs.existsSync(path.join(web, "node_modules/uplot"))) {
        t.skip(`no uplot: 'npm ci' in '${web}' gets it, with a network`);
        return;
    }
    const check = spawnSync(process.execPath, [path.join(web, "build.js"), "--check"], {encoding: "utf8"});
    assert.equal(check.status, 0, check.stderr);
    // And a change would be seen.
    const file = path.join(process.env.TARE_WEB_WORK || ".", "other.html");
    fs.writeFileSync(file, html + " ");
    const other =
        spawnSync(process.execPath, [path.join(web, "build.js"), "--check", "--to", file], {encoding: "utf8"});
    assert.equal(other.status, 1);
    assert.match(other.stderr, /is not what build\.js makes/);
});

test("it is one file, with one style and one script, which a policy can name", () => {
    assert.equal(html.match(/<style/g).length, 1);
    assert.equal(html.match(/<script/g).length, 1);
    assert.deepEqual(
        html.match(/<(?:link|img|iframe|object|embed|base)\b[^>]*>/g), ["<link rel=\"icon\" href=\"data:,\">"]);
    assert.equal(/\sstyle="|\son[a-z]+="|javascript:/.test(html.replace(/<script.*<\/script>/s, "")), false);
    assert.equal(/@import|url\(/.test(html.match(/<style>(.*)<\/style>/s)[1]), false);
    // By its own code nothing is parsed as markup.
    const own = fs.readdirSync(web)
                    .filter((name) => /^live.*\.js$/.test(name))
                    .map((name) => fs.readFileSync(path.join(web, name), "utf8"))
                    .join("\n");
    assert.equal(
        /innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function|setAttribute\("style"/
            .test(own),
        false);
});

test("it carries uPlot's licence", () => {
    assert.match(html, /The MIT License \(MIT\)\s+Copyright \(c\) \d+ Leon Sorokin/);
    assert.match(html, /uPlot 1\.6\.32/);
});
