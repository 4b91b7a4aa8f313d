// SPDX-License-Identifier: MIT
/*
 * The jobs `check` and `verify` of the side in Node.js: lines of vectors.txt from standard input, each with the result that it
 * got here; or whether they are those that the file has.
 */
'use strict';

const fs = require('fs');

const {recordOf} = require('./cases.js');

const bytes = (text) => Buffer.from(text === '-' ? '' : text, 'hex');
const withNul = (text) => Buffer.concat([bytes(text), Buffer.from([0])]);
const array = (text) => Float64Array.from(text === '-' ? [] : text.split(',').map(Number));
const truth = (text) => text === 'true';

const sayBytes = (buffer) => (buffer.length === 0 ? '-' : buffer.toString('hex'));
const sayList = (list) => (list.length === 0 ? '-' : list.join(','));

function sayDouble(value) {
    const both = Buffer.alloc(8);
    both.writeDoubleBE(value);
    return Number.isNaN(value) ? 'nan' : both.toString('hex');
}

function sayFloat(value) {
    const both = Buffer.alloc(4);
    both.writeFloatBE(value);
    return Number.isNaN(value) ? 'nan' : both.toString('hex');
}

const sayArray = (values) => sayList(Array.from(values, sayDouble));

function memory(lib, pointer, alignment, size) {
    if (pointer === null) {
        return 'null';
    }
    const fine = lib.memory_is_fine(pointer, alignment, size);
    lib.free(pointer);
    return fine ? 'ok' : 'wrong';
}

function callsOf(lib) {
    /** A function of values alone: how its result is said, and its arguments are read. */
    const simple = (say, ...read) => (name) => (...args) => say(lib[name](...read.map((f, i) => f(args[i]))));
    const numbers = (n) => Array(n).fill(Number);
    const simples = {
        return_int: simple(String), return_int64: simple(String), return_bool: simple(String), return_double: simple(sayDouble),
        add_i32: simple(String, Number, Number), add_i64: simple(String, BigInt, BigInt),
        add_u32: simple(String, Number, Number), add_u64: simple(String, BigInt, BigInt),
        add_f32: simple(sayFloat, Number, Number), add_f64: simple(sayDouble, Number, Number),
        mul_f64: simple(sayDouble, Number, Number), mul_i32: simple(String, Number, Number),
        mul_i64: simple(String, BigInt, BigInt), and: simple(String, truth, truth), not: simple(String, truth),
        xor_u64: simple(String, BigInt, BigInt), str_length: simple(String, withNul),
        str_length_utf8: simple(String, withNul), bytes_count_nul: simple(String, bytes),
        array_sum: simple(sayDouble, array), array_sum_strided: simple(sayDouble, array, Number, Number),
        dot: simple(sayDouble, array, array), norm: simple(sayDouble, array), pairs: simple(sayDouble, array),
        args_8i: simple(String, ...numbers(8)), args_12mixed: simple(sayDouble, ...numbers(12)),
        target: simple(String, Number, Number), block_make: simple((words) => sayList(Array.from(words)), BigInt),
    };
    const calls = {
        noop: () => (lib.noop(), 'done'),
        add_i32_checked: (a, b) => {
            const sum = lib.add_i32_checked(Number(a), Number(b));
            return sum === undefined ? 'false 0' : `true ${sum}`;
        },
        add_i64_checked: (a, b) => {
            const sum = lib.add_i64_checked(BigInt(a), BigInt(b));
            return sum === undefined ? 'false 0' : `true ${sum}`;
        },
        str_identity: (text) => sayBytes(lib.str_identity(withNul(text)).subarray(0, -1)),
        str_concat: (a, b) => sayBytes(Buffer.from(lib.str_concat(withNul(a), withNul(b)))),
        array_scale: (text, by) => {
            const values = array(text);
            lib.array_scale(values, Number(by));
            return sayArray(values);
        },
        array_fill_i32: (n, value) => {
            const values = new Int32Array(Number(n));
            lib.array_fill_i32(values, Number(value));
            return sayList(Array.from(values));
        },
        point_add: (ax, ay, bx, by) => {
            const sum = lib.point_add({x: Number(ax), y: Number(ay)}, {x: Number(bx), y: Number(by)});
            return `${sayDouble(sum.x)} ${sayDouble(sum.y)}`;
        },
        point_norm2: (x, y) => sayDouble(lib.point_norm2(Float64Array.of(Number(x), Number(y)))),
        record_sum: (id, values, counts, name) =>
            sayDouble(lib.record_sum(recordOf(BigInt(id), array(values), array(counts), bytes(name)))),
        callback_once: (x) => String(lib.callback_once((y) => y + 1, Number(x))),
        callback_iterate: (n, stop) => {
            let sum = 0;
            const f = (i) => {
                sum += i;
                return i + 1 !== Number(stop);
            };
            return `${lib.callback_iterate(f, Number(n))} ${sum}`;
        },
        callback_transform: (text) => {
            const values = array(text);
            lib.callback_transform(values, (x) => -x);
            return sayArray(values);
        },
        alloc: (size) => memory(lib, lib.alloc(Number(size)), 1, Number(size)),
        alloc_aligned: (alignment, size) =>
            memory(lib, lib.alloc_aligned(Number(alignment), Number(size)), Number(alignment), Number(size)),
        matmul: (n, a, b) => {
            const result = new Float64Array(Number(n) ** 2);
            lib.matmul(array(a), array(b), result, Number(n));
            return sayArray(result);
        },
        vector_add: (a, b) => {
            const result = new Float64Array(array(a).length);
            lib.vector_add(array(a), array(b), result);
            return sayArray(result);
        },
        targets: (x) => sayList(lib.targets.map((f) => f(Number(x)))),
    };
    for (const [name, make] of Object.entries(simples)) {
        calls[name] = make(name);
    }
    return calls;
}

/** For each line that has a call: use(line, the call with its result), until that returns false. The exit code. */
function each(lib, text, use) {
    const calls = callsOf(lib);
    for (const line of text.split('\n')) {
        if (line === '' || line.startsWith('#')) {
            continue;
        }
        const call = line.split(' =')[0];
        const [name, ...args] = call.split(' ');
        if (!Object.hasOwn(calls, name)) {
            console.error(`${name}: unknown`);
            return 1;
        }
        if (!use(line, `${call} = ${calls[name](...args)}`)) {
            return 1;
        }
    }
    return 0;
}

/** The exit code. `write` takes text. */
function check(lib, write) {
    let said = '';
    const code = each(lib, fs.readFileSync(0, 'utf8'), (_, got) => {
        said += `${got}\n`;
        return true;
    });
    write(said);
    return code;
}

/** The exit code. */
function verify(lib, path) {
    let text;
    try {
        text = fs.readFileSync(path, 'utf8');
    } catch (error) {
        console.error(error.message);
        return 2;
    }
    return each(lib, text, (line, got) => {
        if (got !== line) {
            console.error(`it gives ${got}, where vectors.txt has ${line}`);
        }
        return got === line;
    });
}

module.exports = {check, verify};
