// SPDX-License-Identifier: MIT
// Figures of the dashboard as text, beside those of the live page: values with as many digits as their interval
// leaves, differences, moments; and lines of CSV.
import {UNKNOWN, known, percent} from "./live_format.js";

// What a value of the unit is divided by to be read, and what that is called; of the size of `about`.
const SCALES = {
    ns: [[1e9, "s"], [1e6, "ms"], [1e3, "µs"], [1, "ns"]],
    bytes: [[1e12, "TB"], [1e9, "GB"], [1e6, "MB"], [1e3, "kB"], [1, "B"]],
    "bytes/s": [[1e12, "TB/s"], [1e9, "GB/s"], [1e6, "MB/s"], [1e3, "kB/s"], [1, "B/s"]],
    "1/s": [[1e12, "T/s"], [1e9, "G/s"], [1e6, "M/s"], [1e3, "k/s"], [1, "/s"]],
    share: [[0.01, "%"]],
    count: [[1e9, "G"], [1e6, "M"], [1, ""]]
};
const UNIT_OF = {
    "µs": ["ns", 1e3],
    us: ["ns", 1e3],
    ms: ["ns", 1e6],
    s: ["ns", 1e9],
    B: ["bytes", 1],
    "B/s": ["bytes/s", 1]
};
const OTHERS = [[1e9, "G"], [1e6, "M"], [1e4, "k"], [1, ""]];

function scaleOf(unit, about) {
    const [base, factor] = Object.hasOwn(UNIT_OF, unit) ? UNIT_OF[unit] : [unit, 1];
    const size = Math.abs(about) * factor;
    const plain = unit === "1" || unit === "ratio" ? "" : unit.length > 24 ? `${unit.slice(0, 23)}…` : unit;
    const steps = Object.hasOwn(SCALES, base) ? SCALES[base] : OTHERS.map(([least,
        prefix]) => [least === 1e4 ? 1e3 : least, [prefix, plain].filter(Boolean).join(" "), least]);
    const [divisor, word] =
        steps.find(([least, , from]) => size >= (from || least) * 0.9995) || steps[steps.length - 1];
    return {by: divisor / factor, word};
}

function decimalsFor(size, digits) {
    return size > 0 ? Math.max(0, Math.min(9, digits - 1 - Math.floor(Math.log10(size)))) : 0;
}
// Zeros behind the point that no measurement has are not written; grouping is.
function fixed(value, decimals) {
    const text = value.toFixed(decimals);
    return decimals > 0 || Math.abs(value) < 1e4 ? text : text.replace(/\B(?=(\d{3})+$)/g, ",");
}

// A value: four digits that count, or those that its interval leaves.
export function valueText(value, unit, half) {
    if (!known(value)) {
        return UNKNOWN;
    }
    const {by, word} = scaleOf(unit, value);
    const shown = value / by;
    const least = decimalsFor(Math.abs(shown), 4);
    const whole = Number.isInteger(shown) && Math.abs(shown) < 1e6;
    const decimals = known(half) && half > 0 ? Math.min(least + 2, decimalsFor(half / by, 2))
        : whole                              ? 0
                                             : least;
    return `${fixed(shown, decimals)}${word === "" ? "" : ` ${word}`}`;
}

// "1.234 ± 0.012 µs", or "1.234 (1.20 to 1.29) µs" if it is nearer to one end.
export function intervalText(value, low, high, unit) {
    if (!known(value) || !known(low) || !known(high) || high < low) {
        return valueText(value, unit);
    }
    const {by, word} = scaleOf(unit, value), half = (high - low) / 2;
    const after = word === "" ? "" : ` ${word}`;
    if (half === 0) {
        return valueText(value, unit);
    }
    const decimals = Math.min(decimalsFor(Math.abs(value / by), 4) + 2, decimalsFor(half / by, 2));
    const even = Math.abs((high + low) / 2 - value) <= 0.1 * half;
    return even ? `${fixed(value / by, decimals)} ± ${fixed(half / by, decimals)}${after}`
                : `${fixed(value / by, decimals)} (${fixed(low / by, decimals)} to ${
                      fixed(high / by, decimals)})${after}`;
}

// A ratio as a difference: 1.052 is "+5.2 %"; from the double on "× 3.1".
export function changeText(ratio) {
    if (!known(ratio)) {
        return UNKNOWN;
    }
    if (ratio >= 2.995) {
        return `× ${ratio >= 99.5 ? ratio.toFixed(0) : ratio.toPrecision(3)}`;
    }
    const p = 100 * (ratio - 1), size = Math.abs(p);
    if (p === 0) {
        return "0 %";
    }
    if (size < 0.005) {
        return "± 0.00 %";
    }
    return `${p < 0 ? "−" : "+"}${size.toFixed(size >= 99.5 ? 0 : size >= 0.995 ? 1 : 2)} %`;
}
// A change with its levels: these, where it has no ratio.
export function moveText({ratio, before, after}, unit) {
    return known(ratio) || !known(before) || !known(after)
        ? changeText(ratio)
        : `${valueText(before, unit)} → ${valueText(after, unit)}`;
}
// And its interval.
export function moveRangeText(change, unit) {
    const {ratio, ratio_low: low, ratio_high: high} = change, text = moveText(change, unit);
    return !known(ratio)            ? text
        : known(low) && known(high) ? `${text} (${changeText(low)} to ${changeText(high)})`
                                    : `${text} (interval unknown: too few points)`;
}
// `value` against `other`.
export function againstText(value, other) {
    return known(value) && known(other) && other > 0 ? changeText(value / other) : UNKNOWN;
}
export function shareText(share) {
    return percent(share);
}

export function chanceText(p) {
    if (!known(p)) {
        return UNKNOWN;
    }
    return p >= 0.0995  ? p.toFixed(2)
        : p >= 0.000995 ? p.toPrecision(2)
        : p <= 0        ? "< 1e-300"
                        : p.toExponential(0);
}

function two(n) {
    return String(n).padStart(2, "0");
}
export function dayText(ms) {
    const date = new Date(ms);
    return Number.isNaN(date.getTime())
        ? UNKNOWN
        : `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
}
// In the reader's zone, and what it is in UTC.
export function momentText(ms) {
    const date = new Date(ms);
    if (!known(ms) || Number.isNaN(date.getTime())) {
        return UNKNOWN;
    }
    const utc = date.toISOString().slice(0, 16).replace("T", " ");
    const local = `${dayText(ms)} ${two(date.getHours())}:${two(date.getMinutes())}`;
    return local === utc ? `${utc} UTC`
                         : `${local} (${utc.slice(0, 10) === local.slice(0, 10) ? utc.slice(11) : utc} UTC)`;
}

// Of a commit: in tables, and in sentences.
export function shortId(id) {
    return id.slice(0, 8);
}
export function longId(id) {
    return id.slice(0, 12);
}
export function many(n, one, more) {
    return `${n} ${n === 1 ? one : more || `${one}s`}`;
}

// A line of CSV (RFC 4180). Spreadsheets take text that begins with = + - @ for a formula, also behind a tab or
// a line's end: what is not a number gets a quote in front.
export function csvLine(cells) {
    return cells
               .map((cell) => {
                   if (typeof cell === "number") {
                       return Number.isFinite(cell) ? String(Number(cell.toPrecision(15))) : ""; // of sums
                   }
                   const text =
                       /^[\s]*[=+\-@\uff1d\uff0b\uff0d\uff20]|^[\t\r\n]/.test(cell) ? `'${cell}` : cell;
                   return /[",\r\n;\t']/.test(text) ? `"${text.replace(/"/g, "\"\"")}"` : text;
               })
               .join(",") +
        "\r\n";
}

// The marks of an axis: all in one unit, with as many digits as tell them apart; on a logarithmic one each in
// its own.
export function axisTexts(marks, unit, log) {
    const some = marks.filter(known);
    const most = Math.max(...some.map(Math.abs), 0);
    const step = some.length > 1 ? Math.min(...some.slice(1).map((mark, i) => Math.abs(mark - some[i]))) : most;
    return marks.map((mark) => {
        if (!known(mark)) {
            return "";
        }
        const {by, word} = scaleOf(unit, log || most === 0 ? mark : most);
        const shown = mark / by;
        const text = log ? String(Number(shown.toPrecision(3))) : fixed(shown, decimalsOf(step / by));
        const short = word.length > 8 ? "" : word;
        return `${text.includes(".") ? text.replace(/\.?0+$/, "") : text}${
            short === "" ? "" : ` ${short}`}`;
    });
}
// As many as such a step has: 2 of 0.25.
function decimalsOf(step) {
    let n = step > 0 ? Math.max(0, -Math.floor(Math.log10(step) + 1e-9)) : 0;
    for (const most = n + 3; n < most && Math.abs(step * 10 ** n - Math.round(step * 10 ** n)) > 1e-6; n++) {
    }
    return Math.min(n, 9);
}

// An address that may be pressed: of the web, and nothing else (javascript:, data:, file:).
export function webAddress(text) {
    if (!/^https?:\/\//i.test(text)) {
        return null;
    }
    try {
        const url = new URL(text);
        return url.protocol === "https:" || url.protocol === "http:" ? url.href : null;
    } catch {
        return null;
    }
}
