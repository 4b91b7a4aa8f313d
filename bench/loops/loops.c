/* SPDX-License-Identifier: MIT */
/*
 * What the loops of <tare/bench.h> take: empty, and around work of known length. run.py drives it as `tare bench`
 * does, with numbers of iterations of its own. Each body reads the clock around its loop by itself and says so on
 * standard output, "wall NS", so that the figures do not rest on what the library says of itself. Google Benchmark
 * is given the same work: loops.h.
 */
#include <inttypes.h>
#include <stdio.h>

#include <tare/bench.h>

#include "bench/loops/loops.h"

static void say(uint64_t start_ns)
{
    printf("wall %" PRIu64 "\n", loops_now_ns() - start_ns);
}

TARE_BENCH(empty)
{
    uint64_t start_ns = loops_now_ns();
    TARE_EACH(b)
    {
    }
    say(start_ns);
}

/* The work without set-up: what it takes, as the loop itself is next to nothing. */
TARE_BENCH(work)
{
    uint64_t value = 1, start_ns = loops_now_ns();
    TARE_EACH(b){LOOPS_WORK} say(start_ns);
    tare_keep(value);
}

TARE_BENCH(with)
{
    uint64_t value = 1, start_ns = loops_now_ns();
    TARE_EACH_WITH(b, tare_forget(value))
    {
    }
    say(start_ns);
}

TARE_BENCH(with_work)
{
    uint64_t value = 1, start_ns = loops_now_ns();
    TARE_EACH_WITH(b, tare_forget(value)){LOOPS_WORK} say(start_ns);
    tare_keep(value);
}

TARE_BENCH(with_setup_and_work)
{
    uint64_t value = 1, start_ns = loops_now_ns();
    TARE_EACH_WITH(b, LOOPS_SETUP){LOOPS_WORK} say(start_ns);
    tare_keep(value);
}

TARE_BENCH_MAIN();
