// SPDX-License-Identifier: MIT
// Text on every colour of a frame can be read: WCAG 2.1, 1.4.3, a contrast of 4.5 at least, light and dark.
"use strict";
const {test} = require("node:test");
const assert = require("node:assert/strict");
const fs = require("node:fs");
const path = require("node:path");

const css = fs.readFileSync(path.join(__dirname, "../../web/flame.css"), "utf8");

function luminance(colour) {
    const hex = colour.length === 4 ? colour.replace(/[0-9a-f]/g, "$&$&") : colour;
    const [r, g, b] = [1, 3,
        5].map((at) =>
                   parseInt(hex.slice(at, at + 2), 16) /
                   255).map((c) => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}
function distance(a, b) {
    return Math.hypot(...[1, 3, 5].map((at) => parseInt(a.slice(at, at + 2), 16) - parseInt(b.slice(at, at + 2), 16)));
}
function contrast(a, b) {
    const [dark, light] = [luminance(a), luminance(b)].sort((x, y) => x - y);
    return (light + 0.05) / (dark + 0.05);
}

test("contrast as WCAG computes it", () => {
    assert.equal(contrast("#000", "#ffffff").toFixed(1), "21.0");
    assert.equal(contrast("#777777", "#fff").toFixed(2), "4.48");
});

test("text on frames", () => {
    const rules = [...css.matchAll(/((?:\.[a-z]\d?(?:, )?)+) \{ fill: (#[0-9a-f]{6}); \}/g)];
    assert.ok(rules.length >= 45,
        `${rules.length} colours`); // of each kind three, and of changes nine; most of them twice
    for (const [, names, colour] of rules) {
        assert.ok(contrast(colour, "#111111") >= 4.5,
            `${names} ${colour}: ${contrast(colour, "#111111").toFixed(2)}`);
    }
});

test("no two kinds of frames have one colour, light or dark", () => {
    const [light, dark] = css.split("prefers-color-scheme: dark");
    for (const part of [light, dark]) {
        const colours = [...part.matchAll(/\.([a-g])0(?:, \.[a-z]\d?)* \{ fill: (#[0-9a-f]{6}); \}/g)];
        assert.equal(colours.length, 7);
        for (const [, kind, colour] of colours) {
            for (const [, other, another] of colours) {
                assert.ok(kind >= other || distance(colour, another) > 40, `${kind} ${colour}, ${other} ${another}`);
            }
        }
    }
});

test("words around the graph", () => {
    for (const [ink, paper] of [["#444", "#fff"], ["#bbb", "#15171c"], ["#eee", "#15171c"], ["#eee", "#2c3038"],
             ["#eee", "#22252c"], ["#eee", "#1d4f6e"], ["#111", "#f2f2f2"], ["#111", "#cfe6f5"]]) {
        assert.ok(css.includes(ink) && css.includes(paper), `${ink} on ${paper} is not in use`);
        assert.ok(contrast(ink, paper) >= 4.5, `${ink} on ${paper}`);
    }
});
