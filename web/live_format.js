// SPDX-License-Identifier: MIT
// Figures of the live page as text: each with its unit, and unknown ones (null, NaN) as a dash, never as 0.

export const UNKNOWN = "–";

export function known(value) {
    return typeof value === "number" && Number.isFinite(value);
}

// Three digits that count, and never an exponent: 0.0123, 1.23, 12.3, 123.
function digits(value) {
    const size = Math.abs(value);
    if (size === 0) {
        return "0";
    }
    if (size >= 99.95) {
        return value.toFixed(0);
    }
    if (size >= 9.995) {
        return value.toFixed(1);
    }
    if (size >= 0.9995) {
        return value.toFixed(2);
    }
    if (size < 5e-7) {
        return (value < 0 ? "> -" : "< ") + "0.000001";
    }
    return value.toFixed(Math.min(6, 2 - Math.floor(Math.log10(size))));
}

function scaled(value, steps, base) {
    const size = Math.abs(value);
    for (const [unit, least] of steps) {
        if (size >= least * base) {
            return digits(value / least) + " " + unit;
        }
    }
    const [unit, least] = steps[steps.length - 1];
    return digits(value / least) + " " + unit;
}

// 0.9995: what would be shown as 1000 of a unit is 1.00 of the next.
const TIMES = [["s", 1e9], ["ms", 1e6], ["µs", 1e3], ["ns", 1]];
export function time(ns) {
    if (!known(ns)) {
        return UNKNOWN;
    }
    if (Math.abs(ns) >= 119.5e9) {
        const s = Math.round(Math.abs(ns) / 1e9);
        const parts = [[86400, "d"], [3600, "h"], [60, "min"], [1, "s"]];
        const at = parts.findIndex(([size]) => s >= size);
        const [size, unit] = parts[at];
        const [below, unitBelow] = parts[Math.min(at + 1, 3)];
        const rest = Math.floor(s % size / below);
        return (ns < 0 ? "-" : "") + Math.floor(s / size) + " " + unit +
            (rest > 0 ? ` ${rest} ${unitBelow}` : "");
    }
    return scaled(ns, TIMES, 0.9995);
}

const SIZES = [["TiB", 2 ** 40], ["GiB", 2 ** 30], ["MiB", 2 ** 20], ["KiB", 2 ** 10], ["B", 1]];
export function bytes(value) {
    return known(value) ? scaled(value, SIZES, 0.9995) : UNKNOWN;
}

// Counts to the last one; from a billion on, shortened.
export function count(value) {
    if (!known(value)) {
        return UNKNOWN;
    }
    if (Math.abs(value) >= 1e9) {
        return scaled(value, [["P", 1e15], ["T", 1e12], ["G", 1e9]], 1);
    }
    return String(Math.round(value)).replace(/\B(?=(\d{3})+$)/g, ",");
}

const MANY = [["G", 1e9], ["M", 1e6], ["k", 1e3]];
// A number as it is, with a prefix from 10,000 on.
export function number(value) {
    if (!known(value)) {
        return UNKNOWN;
    }
    if (Math.abs(value) < 9999.5) {
        return digits(value);
    }
    return scaled(value, MANY, 0.9995);
}

export function percent(share) {
    if (!known(share)) {
        return UNKNOWN;
    }
    const p = 100 * share;
    return p.toFixed(Math.abs(p) >= 0.995 || p === 0 ? 1 : Math.abs(p) >= 0.0995 ? 2 : 3) + " %";
}

// Units that say how many ns one of them is.
const NS = {
    ns: 1,
    us: 1e3,
    "µs": 1e3,
    ms: 1e6,
    s: 1e9,
    second: 1e9,
    seconds: 1e9,
    nanoseconds: 1,
    milliseconds: 1e6,
    microseconds: 1e3
};
const BYTES = {
    bytes: 1,
    byte: 1,
    B: 1,
    KiB: 2 ** 10,
    MiB: 2 ** 20,
    GiB: 2 ** 30
};

function own(table, unit) {
    return typeof unit === "string" && Object.hasOwn(table, unit) ? table[unit] : 0;
}

// A value of an instrument, whose unit may be any word or none.
export function amount(value, unit) {
    if (!known(value)) {
        return UNKNOWN;
    }
    if (own(NS, unit) !== 0) {
        return time(value * own(NS, unit));
    }
    if (own(BYTES, unit) !== 0) {
        return bytes(value * own(BYTES, unit));
    }
    if (unit === "ratio") {
        return percent(value);
    }
    const text = Number.isInteger(value) && Math.abs(value) < 1e9 ? count(value) : number(value);
    return unit && unit !== "1" ? `${text} ${unit}` : text;
}

// Values that stand beside each other, in short: the same form for whole ones and others, and the unit only
// where it has prefixes; a column has the others.
export function short(value, unit) {
    if (own(NS, unit) !== 0 || own(BYTES, unit) !== 0 || unit === "ratio") {
        return amount(value, unit);
    }
    return number(value);
}
// What `short` leaves out.
export function unitWord(unit) {
    return own(NS, unit) !== 0 || own(BYTES, unit) !== 0 || unit === "ratio" || unit === "1" ? "" : unit || "";
}

// So much of that unit per second.
export function rate(perSecond, unit) {
    if (!known(perSecond)) {
        return UNKNOWN;
    }
    if (own(NS, unit) !== 0) {
        return time(perSecond * own(NS, unit)) + "/s";
    }
    if (own(BYTES, unit) !== 0) {
        return bytes(perSecond * own(BYTES, unit)) + "/s";
    }
    const text = number(perSecond);
    // "12.3 k/s", "5.00/s", "1.20 draws/s"
    return unit && unit !== "ratio" && unit !== "1" ? `${text} ${unit}/s` : text + "/s";
}

export function fps(value) {
    return known(value) ? number(value) + " fps" : UNKNOWN;
}

// A 64-bit key: as a decimal if it is short, else as an address. Keys that JSON cannot hold come as text.
export function keyText(value) {
    if (typeof value === "string") {
        if (/^\d{1,20}$/.test(value)) {
            const big = BigInt(value);
            return big < 1000000n ? value : "0x" + big.toString(16);
        }
        return value;
    }
    return known(value) ? (value < 1e6 ? String(value) : "0x" + value.toString(16)) : UNKNOWN;
}

// Seconds since the data came, for the header.
export function age(ms) {
    return known(ms) ? (ms < 9950 ? (ms / 1000).toFixed(1) : String(Math.round(ms / 1000))) + " s" : UNKNOWN;
}
