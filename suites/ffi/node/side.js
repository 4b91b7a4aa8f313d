// SPDX-License-Identifier: MIT
/*
 * The side in Node.js: benchlib by an addon in C (addon.c), driven by `tare bench` (harness/lines.h has the jobs and lines), or
 * asked for its results:
 *
 *     node side.js check < vectors.txt
 *     node side.js verify
 *
 * A loop's first iteration is timed alone, interpreted and cold. Runs before the samples find how many iterations make one, and
 * have V8 compile the loop; an empty loop, compiled as well, is measured the same way and subtracted. The collector runs as it
 * does for everyone.
 */
'use strict';

const fs = require('fs');
const path = require('path');

const lib = require(path.join(__dirname, 'benchlib.node'));

const ROUNDS = 15;
const WARM_NS = 12e6; // V8's second compiler comes in after some ms
const GROWTH = 16;
const EMPTY_ITERATIONS = 65536;
const LOOK_NS = 1e8; // samples are told some ten times a second at most, as writing wakes the reader up
const SAMPLES_MAX = 4096;
const ITERATIONS_MAX = 2 ** 50;

function write(fd, text) {
    for (let bytes = Buffer.from(text); bytes.length > 0;) {
        bytes = bytes.subarray(fs.writeSync(fd, bytes));
    }
}

function timed(run, count) {
    const before = lib.now();
    run(count);
    return lib.now() - before;
}

/** What is said to the driver, in a few writes. */
class Speech {
    constructor(fd) {
        this.fd = fd;
        this.said = '';
    }

    say(line) {
        this.said += `${line}\n`;
    }

    flush() {
        const text = this.said;
        this.said = '';
        try {
            write(this.fd, text);
        } catch {
            // Who asked has gone.
        }
    }
}

/** What the process has taken so far; not a number where the kernel does not say. */
function used() {
    const involuntary = process.resourceUsage().involuntaryContextSwitches;
    let ran = NaN;
    let wait = NaN;
    try {
        [ran, wait] = fs.readFileSync('/proc/thread-self/schedstat', 'latin1').split(' ', 2).map(Number);
    } catch {
        // There is no such file.
    }
    return {ran, wait, cpu: lib.used(), involuntary};
}

function emptyLoop() {
    return new Function('return function (count) { for (let i = 0; i < count; i++) {} };')();
}

/** What two readings of the clock take with a call of an empty loop, and an iteration of that. */
function costs() {
    const empty = emptyLoop();
    const none = [];
    let least = Infinity;
    for (let i = 0; i < ROUNDS; i++) {
        timed(empty, EMPTY_ITERATIONS); // until it is compiled
    }
    for (let i = 0; i < ROUNDS; i++) {
        none.push(timed(empty, 1));
        least = Math.min(least, timed(empty, EMPTY_ITERATIONS));
    }
    const reading = none.sort((a, b) => a - b)[ROUNDS >> 1];
    return {reading, empty, loop: Math.max(0, (least - reading) / (EMPTY_ITERATIONS - 1))};
}

/** Iterations that take about so long, found by running more and more of them, for a while at least: it is compiled then. */
function scale(run, sampleNs) {
    for (let count = 1, spent = 0;;) {
        const ns = Math.max(1, timed(run, count));
        const wanted = count * sampleNs / ns;
        spent += ns;
        if (wanted <= count * 1.5 && spent >= WARM_NS) {
            return Math.max(1, Math.min(Math.round(wanted), ITERATIONS_MAX));
        }
        count = Math.max(1, Math.floor(Math.min(wanted, count * GROWTH)));
    }
}

function list(cases, speech) {
    cases.list.forEach((one, i) => {
        const name = one.n === undefined ? one.bench : `${one.bench}/${one.n}`;
        const args = one.n === undefined ? '' : ` args=${one.n}`;
        speech.say(`case ${i} ${name} threads=1${args} bench=${one.bench} line=${one.line} file=cases.js`);
    });
}

function block(job, made, speech) {
    const {reading, loop, empty} = costs();
    const run = job.empty !== 0 ? empty : made.run;
    const first = timed(run, 1) - reading;
    if (job.empty === 0 && !made.right()) {
        throw new Error('the result of the first call is wrong');
    }
    const count = job.iterations > 0 ? job.iterations : scale(run, job.sample_ns);
    speech.say(`loop ${loop.toFixed(4)}`);
    speech.say(`first ${first.toFixed(1)}`);
    const samples = [];
    let told = 0;
    let toldNs = lib.now();
    const tell = () => {
        for (; told < samples.length; told++) {
            speech.say(`sample ${count} ${(samples[told] - reading - loop * count).toFixed(1)}`);
        }
        speech.flush();
        toldNs = lib.now();
    };
    const began = used();
    let migrations = 0;
    for (let i = 0, cpu = lib.cpu(); i < job.samples; i++) {
        samples.push(timed(run, count));
        const now = lib.cpu();
        migrations += now !== cpu ? 1 : 0;
        cpu = now;
        if (lib.now() - toldNs >= LOOK_NS) {
            tell();
        }
    }
    const ended = used();
    tell();
    // A kernel that does not count how long threads wait, writes zeros.
    if (ended.ran === 0 && ended.wait === 0) {
        ended.wait = NaN;
    }
    for (const name of ['wait', 'cpu', 'involuntary']) {
        if (ended[name] >= began[name]) {
            speech.say(`${name} ${(ended[name] - began[name]).toFixed(0)}`);
        }
    }
    speech.say(`migrations ${migrations}`);
}

/** Just so many iterations, for who looks from outside, and nothing else is called. */
function exact(job, made, speech) {
    const run = job.empty !== 0 ? emptyLoop() : made.run;
    speech.say(`sample ${job.iterations} ${timed(run, job.iterations).toFixed(1)}`);
}

/** An object, or null if it is no job. */
function parseJob(text) {
    const job = {job: '', fd: -1, case: 0, samples: 1, sample_ns: 0, iterations: 0, empty: 0};
    for (const word of text.split(' ').filter((part) => part !== '')) {
        const [, name, value] = /^([a-z_]+)=(.*)$/s.exec(word) || [];
        if (name === undefined || !Object.hasOwn(job, name)) {
            return null;
        }
        if (name === 'job') {
            job.job = value;
        } else if (/^[0-9]{1,18}$/.test(value)) {
            job[name] = Number(value);
        } else {
            return null;
        }
    }
    const fine = job.fd >= 0 && job.fd < 2 ** 31 && job.samples >= 1 && job.samples <= SAMPLES_MAX &&
        job.iterations <= ITERATIONS_MAX &&
        (job.job === 'list' || ((job.job === 'exact' || job.job === 'count') && job.iterations > 0) ||
            (job.job === 'block' && (job.iterations > 0 || job.sample_ns > 0)));
    return fine ? job : null;
}

// Of `count` there is nothing that could be said: what V8 itself takes would be in it.
const jobs = {block, exact, count: () => {}};

function drive(text) {
    const job = parseJob(text);
    if (job === null || !lib.close_on_exec(job.fd)) {
        console.error(`'${text}' in TARE_BENCH_DRIVE is no job, or its descriptor is not open: it is for 'tare bench'`);
        return 2;
    }
    delete process.env.TARE_BENCH_DRIVE;
    const speech = new Speech(job.fd);
    speech.say('tare-bench 1');
    let code = 0;
    try {
        const cases = require('./cases.js');
        if (job.job === 'list') {
            list(cases, speech);
        } else if (cases.list[job.case] === undefined) {
            throw new Error('there is no case of that number');
        } else {
            speech.flush(); // so that whatever happens now, it is known who said it
            jobs[job.job](job, cases.make(cases.list[job.case], lib), speech);
        }
        speech.say('end');
    } catch (error) {
        speech.say(`failed ${String(error.message).replace(/[^ -~]/g, '?').slice(0, 1000)}`);
        code = 1;
    }
    speech.flush();
    return code;
}

if (process.argv[2] === 'check') {
    process.exitCode = require('./check.js').check(lib, (text) => write(1, text));
} else if (process.argv[2] === 'verify') {
    process.exitCode = require('./check.js').verify(lib, path.join(__dirname, '..', 'vectors.txt'));
} else if (process.env.TARE_BENCH_DRIVE !== undefined) {
    process.exitCode = drive(process.env.TARE_BENCH_DRIVE);
} else {
    console.error("usage: node side.js check < vectors.txt, or verify; else it is for 'tare suite ffi'");
    process.exitCode = 2;
}
