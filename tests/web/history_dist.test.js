// SPDX-License-Identifier: MIT
// web/dist/history.html, which is compiled into tare, is what web/build.js makes of the sources beside it: one
// file that asks for nothing, with a policy that says so, and with colours that can be told from their ground.
"use strict";
const {test} = require("node:test");
const assert = require("node:assert/strict");
const {spawnSync} = require("node:child_process");
const crypto = require("node:crypto");
const fs = require("node:fs");
const path = require("node:path");

const web = path.join(__dirname, "../../web");
const html = fs.readFileSync(path.join(web, "dist/history.html"), "utf8");

test("it is what build.js makes of the sources", (t) => {
    if (!fs.existsSync(path.join(web, "node_modules/uplot"))) {
        t.skip(`no uplot: 'npm ci' in '${web}' gets it, with a network`);
        return;
    }
    const build = (...more) => spawnSync(
        process.execPath, [path.join(web, "build.js"), "--only", "history", ...more], {encoding: "utf8"});
    const check = build("--check");
    assert.equal(check.status, 0, check.stderr);
    const file = path.join(process.env.TARE_WEB_WORK || ".", "other.html");
    fs.writeFileSync(file, html + " ");
    const other = build("--check", "--to", file);
    assert.equal(other.status, 1);
    assert.match(other.stderr, /is not what build\.js makes/);
});

test("it is one file, with one style and one script, which its policy names, and places for data", () => {
    const parts = ["style", "script"].map((tag) => {
        const found = [...html.matchAll(new RegExp(`<${tag}[^>]*>(.*?)</${tag}>`, "gs"))];
        assert.equal(found.length, 1, tag);
        assert.ok(
            html.includes(
                `${tag}-src 'sha256-${crypto.createHash("sha256").update(found[0][1]).digest("base64")}'`),
            tag);
        return found[0][1];
    });
    assert.match(html, /<meta http-equiv="Content-Security-Policy" content="default-src 'none'; /);
    assert.ok(html.indexOf("Content-Security-Policy") < html.indexOf("<style"));
    for (const place of ["<!-- data -->", "<!-- live -->"]) {
        assert.equal(html.split(place).length, 2, place);
    }
    assert.ok(html.indexOf("<!-- data -->") < html.indexOf("<script"));
    assert.deepEqual(
        html.match(/<(?:link|img|iframe|object|embed|base)\b[^>]*>/g), ["<link rel=\"icon\" href=\"data:,\">"]);
    assert.equal(/\sstyle="|\son[a-z]+="|javascript:/.test(html.replace(/<script.*<\/script>/s, "")), false);
    assert.equal(/@import|url\(/.test(parts[0]), false);
    // By its own code nothing is parsed as markup.
    const own = fs.readdirSync(web)
                    .filter((name) => /^history.*\.js$/.test(name))
                    .map((name) => fs.readFileSync(path.join(web, name), "utf8"))
                    .join("\n");
    assert.equal(
        /innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function|setAttribute\("style"/
            .test(own),
        false);
});

test("it carries uPlot's licence",
    () => { assert.match(html, /The MIT License \(MIT\)\s+Copyright \(c\) \d+ Leon Sorokin/); });

// WCAG 2.1: 4.5 for text (1.4.3), 3 for lines (1.4.11).
function contrast(a, b) {
    const [dark, light] =
        [a, b]
            .map((colour) => {
                const [r, g, blue] = [1, 3,
                    5].map((at) => parseInt(colour.slice(at, at + 2), 16) /
                              255).map((c) => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
                return 0.2126 * r + 0.7152 * g + 0.0722 * blue;
            })
            .sort((x, y) => x - y);
    return (light + 0.05) / (dark + 0.05);
}
test("text and lines stand out, light, dark and on paper", () => {
    const css = fs.readFileSync(path.join(web, "history.css"), "utf8");
    for (const rule of [":root {", ":root[data-theme=\"dark\"] {", ":root[data-theme=\"print\"] {"]) {
        const block = css.slice(css.indexOf(rule), css.indexOf("}", css.indexOf(rule)));
        const of =
            new Map([...block.matchAll(/--([\w]+): (#[0-9a-f]{6});/g)].map(([, name, value]) => [name, value]));
        for (const ground of ["paper", "panel", "pressed", "button"]) {
            for (const name of ["ink", "quiet", "good", "warn", "bad", "note"]) {
                const found = contrast(of.get(name), of.get(ground));
                assert.ok(found >= 4.5, `${rule} ${name} on ${ground}: ${found.toFixed(2)}`);
            }
        }
        for (const name of ["s0", "s1", "s2", "s3", "s4", "s5", "s6", "s7", "edge"]) {
            const found = contrast(of.get(name), of.get("paper"));
            assert.ok(found >= 3, `${rule} ${name}: ${found.toFixed(2)}`);
        }
        assert.ok(contrast(of.get("link") || of.get("ink"), of.get("panel")) >= 4.5);
        assert.ok(contrast(of.get("s0"), of.get("pressed")) >= 3, `${rule} the past of an open row`);
    }
});
