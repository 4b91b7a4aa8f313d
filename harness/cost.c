/* SPDX-License-Identifier: MIT */
/*
 * The clock, and what is subtracted: what a sample's two readings of it take, and what an iteration of the
 * loop takes without work; measured in this process, by the same functions that measure benchmarks. The empty
 * loop is one of the benchmark's own file, compiled as that was.
 *
 * In a program the processor does the loop's counting beside the work, so of work that leaves it room what is
 * subtracted is too much by up to that, a cycle or two.
 */
#include <math.h>
#include <stdlib.h>

#include "harness/harness.h"
#include "stats/quantile.h"

enum {
    ROUNDS = 31,
    LOOP_ITERATIONS = 16384,
    WORK_ITERATIONS = 32,
    WORK_STEPS = 32, /* some 30 ns: more than the readings could overlap with */
};
#define BASELINE_NS UINT64_C(2000000) /* two anchors so far apart tell the rate to some 30 parts in a million */

uint32_t tare__bench_clock = TARE_CLOCK_CLOCK;
static struct tare_anchor clock_began;

void tare__bench_clock_init(bool plain)
{
    const char *wanted = getenv("TARE_CLOCK");
    bool traps;
    tare__bench_clock =
        plain ? TARE_CLOCK_CLOCK
              : tare__clock_choose(wanted != NULL ? tare__clock_parse(wanted) : TARE_CLOCK_NONE, &traps);
    clock_began = tare__clock_anchor(tare__bench_clock);
}

double tare__bench_tick_ns(void)
{
    struct tare_anchor now = tare__clock_anchor(tare__bench_clock);
    uint64_t error_ppb, rate = tare__clock_rate(tare__bench_clock, &clock_began, &now, &error_ppb);
    return rate != 0 ? 1e9 / (double)rate : 1;
}

/* Each iteration waits for the one before, so the loop's time over its iterations is that of one. */
static inline __attribute__((always_inline)) uint64_t work(uint64_t value)
{
#pragma GCC unroll 32
    for (int i = 0; i < WORK_STEPS; i++) {
        value = value * 6364136223846793005u + 1442695040888963407u;
        __asm__ volatile("" : "+r"(value));
    }
    return value;
}

static void work_in_each(tare_bench *b)
{
    uint64_t value = 1;
    TARE_EACH(b)
    {
        value = work(value);
    }
}

static void work_in_each_with(tare_bench *b)
{
    uint64_t value = 1;
    TARE_EACH_WITH(b, (void)0)
    {
        value = work(value);
    }
}

/* Samples of one iteration and of many in turn, so that what changes meanwhile meets both. */
static void cost_of_loop(const struct tare__bench *bench, struct costs *costs)
{
    uint64_t iterations[2 * ROUNDS];
    double ticks[2 * ROUNDS], single[ROUNDS], least = INFINITY;
    for (unsigned i = 0; i < 2 * ROUNDS; i++) {
        iterations[i] = i % 2 == 0 ? 1 : LOOP_ITERATIONS;
    }
    if (tare__bench_ticks_of(bench->nothing, iterations, 2 * ROUNDS, ticks) != 0) {
        return;
    }
    for (unsigned i = 0; i < ROUNDS; i++) {
        single[i] = ticks[2 * i];
        least = fmin(least, ticks[2 * i + 1]);
    }
    /* The least: a loop of a cycle has no way to be faster than it is, and many to be slower. */
    double one = tare_median(single, ROUNDS);
    costs->loop_ticks = (least - one) / (LOOP_ITERATIONS - 1);
    costs->reading_ticks = one - costs->loop_ticks;
}

/* What TARE_EACH_WITH reads more of the same work than it takes. */
static void cost_of_each_with(struct costs *costs)
{
    uint64_t iterations[ROUNDS];
    double with[ROUNDS], without[ROUNDS];
    for (unsigned i = 0; i < ROUNDS; i++) {
        iterations[i] = WORK_ITERATIONS;
    }
    double reading = costs->reading_ticks;
    *costs = (struct costs){.tick_ns = costs->tick_ns};
    if (tare__bench_ticks_of(work_in_each, iterations, ROUNDS, without) == 0 &&
        tare__bench_ticks_of(work_in_each_with, iterations, ROUNDS, with) == 0) {
        costs->loop_ticks =
            (tare_median(with, ROUNDS) - (tare_median(without, ROUNDS) - reading)) / WORK_ITERATIONS;
    }
}

struct costs tare__bench_costs(const struct tare__bench *bench, bool with)
{
    struct costs costs = {.loop_ticks = 0};
    cost_of_loop(bench, &costs);
    if (with) {
        cost_of_each_with(&costs);
    }
    while (clock_raw_ns() - clock_began.raw_ns < BASELINE_NS) {
    }
    costs.tick_ns = tare__bench_tick_ns();
    return costs;
}

double tare__bench_first_ns(const struct measured *measured, const struct costs *costs)
{
    const struct measured_sample first = {1, measured->first_ticks};
    return tare__bench_sample_ns(&first, costs);
}

double tare__bench_sample_ns(const struct measured_sample *sample, const struct costs *costs)
{
    return (sample->ticks - costs->reading_ticks - (double)sample->iterations * costs->loop_ticks) *
           costs->tick_ns;
}
