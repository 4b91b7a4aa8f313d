// SPDX-License-Identifier: MIT
/*
 * The benchmarks of the side in Node.js, as source text: for each case a loop of its own is compiled, with its arguments in it
 * as a user would write them. ../README.md has what each does, addon.c what the functions take.
 */
'use strict';

const list = [];

/** The line of this file that is being run: the outermost of the stack's that are of it. */
function lineHere() {
    const lines = new Error().stack.split('\n').filter((frame) => frame.includes(__filename));
    return Number(/:(\d+):\d+\)?$/.exec(lines[lines.length - 1])[1]);
}

/** before: run once, sees `n` (the argument); body: one iteration; right: an expression, true after the first iteration. */
function add(bench, args, before, body, right) {
    for (const n of args) {
        list.push({bench, n, line: lineHere(), before, body, right});
    }
}

/** A call of values alone: its result. */
function call(name, args, expected) {
    add(name, [undefined], 'let r;', `r = lib.${name}(${args});`, `r === ${expected}`);
}

add('noop', [undefined], '', 'lib.noop();', 'true');
call('return_int', '', '42');
call('return_int64', '', '1099511627783n');
call('return_bool', '', 'true');
call('return_double', '', '2.5');
call('add_i32', '40, 2', '42');
call('add_i64', '1099511627776n, 2n', '1099511627778n');
call('add_u32', '4294967295, 2', '1');
call('add_u64', '9223372036854775808n, 2n', '9223372036854775810n');
call('add_f32', '1.5, 2.25', '3.75');
call('add_f64', '1.5, 2.25', '3.75');
call('mul_f64', '1.5, 2.25', '3.375');
call('mul_i32', '65537, 65537', '131073');
call('mul_i64', '1099511627776n, 3n', '3298534883328n');
call('add_i32_checked', '40, 2', '42');
call('add_i64_checked', '1099511627776n, 2n', '1099511627778n');
call('and', 'true, false', 'false');
call('not', 'true', 'false');
call('xor_u64', '9223372036854775809n, 1n', '9223372036854775808n');
call('args_8i', '1, 2, 3, 4, 5, 6, 7, 8', '36n');
call('args_12mixed', '1, 2.0, 3, 4.0, 5, 6.0, 7, 8.0, 9, 10.0, 11, 12.0', '78');

const text = 'const text = textOf(n), buffer = Buffer.from(text + "\\0"); let r;';
add('str_length', [16, 1024], text, 'r = lib.str_length(buffer);', 'r === n');
add('str_length_copied', [16, 1024], text, 'r = lib.str_length_copied(text);', 'r === n');
const umlauts = 'const text = "\u00e4\u00f6\u00fc\u00e4\u00f6\u00fc\u00e4\u00f6", buffer = Buffer.from(text + "\\0"); let r;';
add('str_length_utf8', [16], umlauts, 'r = lib.str_length_utf8(buffer);', 'r === 8 && buffer.length === n + 1');
add('str_length_utf8_copied', [16], umlauts, 'r = lib.str_length_utf8_copied(text);', 'r === 8 && buffer.length === n + 1');
add('str_identity', [16], text, 'r = lib.str_identity(buffer);', 'r === buffer');
add('str_identity_copied', [16], text, 'r = lib.str_identity_copied(text);', 'r === text');
add('str_concat', [16], text, 'r = lib.str_concat(buffer, buffer);', 'r === text + text');
const bytes = 'const data = Buffer.from(Array.from({length: n}, (_, i) => i % 4)); let r;';
add('bytes_count_nul', [64], bytes, 'r = lib.bytes_count_nul(data);', 'r === n / 4');
add('bytes_count_nul_copied', [64], bytes, 'r = lib.bytes_count_nul_copied(data);', 'r === n / 4');

const values = 'const data = valuesOf(n); let r;';
add('array_sum', [16, 4096], values, 'r = lib.array_sum(data);', 'r === sumOf(data, n, 1)');
add('array_sum_copied', [16, 4096], values, 'r = lib.array_sum_copied(data);', 'r === sumOf(data, n, 1)');
add('array_sum_list', [16, 4096], `${values} const list = Array.from(data);`, 'r = lib.array_sum_list(list);',
    'r === sumOf(data, n, 1)');
add('array_scale', [4096], values, 'lib.array_scale(data, -1);', 'data[1] === -0.5 && data[2] === -1');
add('array_scale_copied', [4096], values, 'lib.array_scale_copied(data, -1);', 'data[1] === -0.5 && data[2] === -1');
const four = 'const data = valuesOf(4 * n); let r;';
add('array_sum_strided', [256], four, 'r = lib.array_sum_strided(data, n, 4);', 'r === sumOf(data, n, 4)');
add('array_sum_strided_copied', [256], four, 'r = lib.array_sum_strided_copied(data, n, 4);', 'r === sumOf(data, n, 4)');
const integers = 'const data = new Int32Array(n);';
add('array_fill_i32', [4096], integers, 'lib.array_fill_i32(data, 7);', 'data[0] === 7 && data[n - 1] === 7');
add('array_fill_i32_copied', [4096], integers, 'lib.array_fill_i32_copied(data, 7);', 'data[0] === 7 && data[n - 1] === 7');

add('point_add', [undefined], 'const a = {x: 1.5, y: 2.5}, b = {x: 10, y: 20}; let x, y;',
    'const sum = lib.point_add(a, b); x = sum.x; y = sum.y;', 'x === 11.5 && y === 22.5');
const point = 'const point = new Float64Array([3, 4]); let r;';
add('point_norm2', [undefined], point, 'r = lib.point_norm2(point);', 'r === 25');
add('point_norm2_copied', [undefined], point, 'r = lib.point_norm2_copied(point);', 'r === 25');
const record = `
    const record = recordOf(7n, Array.from({length: 8}, (_, i) => i + 0.5), [0, 1, 2, 3, 4, 5], Buffer.from('benchlib'));
    let r;`;
add('record_sum', [undefined], record, 'r = lib.record_sum(record);', 'r === 62');
add('record_sum_copied', [undefined], record, 'r = lib.record_sum_copied(record);', 'r === 62');
add('block_make', [undefined], 'let r;', 'r = lib.block_make(5n)[15];', 'r === 20n');

add('callback_once', [undefined], 'const f = (x) => x + 1; let r;', 'r = lib.callback_once(f, 41);', 'r === 42');
add('callback_iterate', [100], 'const f = (i) => i + 1 !== 0; let r;', 'r = lib.callback_iterate(f, n);', 'r === n');
add('callback_iterate_stop', [100], 'const f = (i) => i + 1 !== 10; let r;', 'r = lib.callback_iterate(f, n);', 'r === 10');
add('callback_transform', [100], `${values} const f = (x) => -x;`, 'lib.callback_transform(data, f);',
    'data[1] === -0.5 && data[2] === -1');

add('alloc_free', [64, 65536], 'let r;', 'r = lib.alloc(n); lib.free(r);', 'r !== null');
add('alloc_aligned_free', [64], 'let r;', 'r = lib.alloc_aligned(n, 4096); lib.free(r);', 'r !== null');

const square = 'const data = valuesOf(n * n), result = new Float64Array(n * n);';
add('matmul', [2, 4, 8, 16, 32, 64], square, 'lib.matmul(data, data, result, n);', 'result[0] === firstOfProduct(data, n)');
add('matmul_copied', [16], square, 'lib.matmul_copied(data, data, result, n);', 'result[0] === firstOfProduct(data, n)');
add('dot', [1024], values, 'r = lib.dot(data, data);', 'r === squaresOf(data)');
add('dot_copied', [1024], values, 'r = lib.dot_copied(data, data);', 'r === squaresOf(data)');
const two = 'const data = valuesOf(n), result = new Float64Array(n);';
add('vector_add', [16, 256, 4096, 65536], two, 'lib.vector_add(data, data, result);', 'result[n - 1] === 2 * data[n - 1]');
add('vector_add_copied', [4096], two, 'lib.vector_add_copied(data, data, result);', 'result[n - 1] === 2 * data[n - 1]');
add('norm', [1024], values, 'r = lib.norm(data);', 'r === Math.sqrt(squaresOf(data))');
add('norm_copied', [1024], values, 'r = lib.norm_copied(data);', 'r === Math.sqrt(squaresOf(data))');
add('pairs', [4, 16, 64, 256], values, 'r = lib.pairs(data);', 'r === pairsOf(data)');
add('pairs_copied', [64], values, 'r = lib.pairs_copied(data);', 'r === pairsOf(data)');

// The 100 targets in turn: k of this iteration, then that of the next.
const step = 'k += 37; if (k >= 100) { k -= 100; }';
add('target', [undefined], 'let k = 0, r;', `r = lib.target(k, 1); ${step}`, 'r === 1 && k === 37');
add('dispatch_dict', [undefined], 'const map = new Map(lib.targets.map((f, i) => [i, f])); let k = 0, r;',
    `r = map.get(k)(1); ${step}`, 'r === 1 && k === 37');
const names = Array.from({length: 100}, (_, i) => `target${i}`);
add('dispatch_ifelse', [undefined], `const [${names.join(', ')}] = lib.targets; let k = 0, r;`,
    `${names.map((name, i) => `if (k === ${i}) { r = ${name}(1); }`).join(' else ')} ${step}`, 'r === 1 && k === 37');

const helpers = `
    const textOf = (size) => Array.from({length: size}, (_, i) => String.fromCharCode(97 + i % 26)).join('');
    const valuesOf = (size) => Float64Array.from({length: size}, (_, i) => (i % 7) * 0.5);
    const sumOf = (data, size, stride) => {
        let sum = 0;
        for (let i = 0; i < size; i++) { sum += data[i * stride]; }
        return sum;
    };
    const squaresOf = (data) => data.reduce((sum, x) => sum + x * x, 0);
    const firstOfProduct = (data, size) => {
        let sum = 0;
        for (let k = 0; k < size; k++) { sum += data[k] * data[k * size]; }
        return sum;
    };
    const pairsOf = (data) => {
        let sum = 0;
        data.forEach((x, i) => data.subarray(i + 1).forEach((y) => { sum += Math.abs(x - y); }));
        return sum;
    };`;

/** A struct bl_record in memory that is aligned for it. */
function recordOf(id, doubles, counts, name) {
    const words = new BigUint64Array(14);
    const view = new DataView(words.buffer);
    view.setBigInt64(0, id, true);
    doubles.forEach((x, i) => view.setFloat64(8 + 8 * i, x, true));
    counts.forEach((x, i) => view.setInt32(72 + 4 * i, x, true));
    name.copy(Buffer.from(words.buffer, 96, 15));
    return words;
}

/** From a case: its loop, a function of the number of iterations; and what checks the last of them. */
function make(one, lib) {
    const source = `'use strict'; ${helpers} ${one.before}
        return {
            run: function (count) { for (let i = 0; i < count; i++) { ${one.body} } },
            right: function () { return ${one.right}; },
        };`;
    return new Function('lib', 'n', 'recordOf', source)(lib, one.n, recordOf);
}

module.exports = {list, make, recordOf};
