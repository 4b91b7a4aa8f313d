/* SPDX-License-Identifier: MIT */
/*
 * Times are those of the work: without the loop, without reading the clock, without the set-up of
 * TARE_EACH_WITH; and the work is done. Figures are compared within the process, with slack for a busy
 * machine: the median of some tries.
 */
#include <math.h>

#include "tests/behaviour/bench_driving.h"

#ifdef __OPTIMIZE__
enum { OPTIMIZED = 1 };
#else
enum { OPTIMIZED = 0 };
#endif

/*
 * A chain of some `steps` x 4 cycles, from a value that the compiler does not know. In registers also where
 * nothing is optimized: a chain through memory takes other times after the set-up, whose stores are still on
 * their way, than after itself (1.1 to 1.4 x were seen), and so says nothing of what is subtracted.
 */
static inline uint64_t chain(uint64_t from, int steps)
{
    register uint64_t value = from;
    for (register int i = steps; i > 0; i--) {
        value = value * 6364136223846793005u + 1442695040888963407u;
        __asm__ volatile("" : "+r"(value));
    }
    return value;
}

TARE_BENCH(nothing)
{
    TARE_EACH(b)
    {
    }
}

TARE_BENCH(work)
{
    uint64_t value = 1;
    TARE_EACH(b)
    {
        value = chain(value, (int)b->arg[0]);
    }
    tare_keep(value);
}
TARE_BENCH_ARGS(work, 50, 500);

TARE_BENCH(work_with_set_up)
{
    uint64_t value = 1;
    TARE_EACH_WITH(b, value = chain(value, 1000))
    {
        value = chain(value, (int)b->arg[0]);
    }
    tare_keep(value);
}
TARE_BENCH_ARGS(work_with_set_up, 50, 500);

/* Without barriers nothing would be left of these loops. */
TARE_BENCH(kept)
{
    uint64_t x = 3;
    TARE_EACH(b)
    {
        tare_forget(x);
        uint64_t y = x;
        for (int i = 0; i < 200; i++) {
            y = y * y + (uint64_t)i;
        }
        tare_keep(y);
    }
}

TARE_BENCH(stored)
{
    uint64_t memory[200];
    tare_keep(&memory);
    TARE_EACH(b)
    {
        for (int i = 0; i < 200; i++) {
            memory[i] = (uint64_t)i;
        }
        tare_clobber();
    }
}

/* What the loops take of wall time, by a clock that is not the library's. bench/loops measures it well. */
static double wall_ns;

static double now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

TARE_BENCH(wall_of_nothing)
{
    double start_ns = now_ns();
    TARE_EACH(b)
    {
    }
    wall_ns = now_ns() - start_ns;
}

TARE_BENCH(wall_with_set_up)
{
    uint64_t value = 1;
    double start_ns = now_ns();
    TARE_EACH_WITH(b, tare_forget(value))
    {
    }
    wall_ns = now_ns() - start_ns;
}

/* Of an iteration, the least of some tries: what disturbs makes it longer, and nothing shorter. */
static double least_wall_ns(const char *name, uint64_t iterations)
{
    double least = INFINITY;
    for (int i = 0; i < 25; i++) {
        struct measured measured = exactly(name, iterations);
        tare__bench_measured_release(&measured);
        least = fmin(least, wall_ns / (double)iterations);
    }
    return least;
}

static double least_clock_ns(void)
{
    enum { READINGS = 2000 };
    double least = INFINITY;
    for (int i = 0; i < 25; i++) {
        double start_ns = now_ns(), end_ns = start_ns;
        for (int reading = 0; reading < READINGS; reading++) {
            end_ns = now_ns();
        }
        least = fmin(least, (end_ns - start_ns) / READINGS);
    }
    return least;
}

/* ns of an iteration, the least of the samples. */
static double least_ns(const char *name)
{
    unsigned number;
    struct bench_unit unit = case_named(name, &number);
    struct measured measured = samples_of(name, 30, 0);
    struct costs costs = tare__bench_costs(unit.bench, measured.with);
    double least = INFINITY;
    for (size_t i = 0; i < measured.count; i++) {
        least = fmin(least, tare__bench_sample_ns(&measured.samples[i], &costs) /
                                (double)measured.samples[i].iterations);
    }
    tare__bench_measured_release(&measured);
    return least;
}

static double loop_ns(bool with)
{
    unsigned number;
    struct bench_unit unit = case_named("nothing", &number);
    struct costs costs = tare__bench_costs(unit.bench, with);
    return costs.loop_ticks * costs.tick_ns;
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

enum { TRIES = 11 };

/*
 * The ratio of the times of two cases, the median of tries that measure both one after the other: not the best,
 * which would come out right by chance also where what is subtracted is wrong. NULL stands for the loop itself.
 * NAN, and a skip that is counted, where the machine is too loaded to tell: the quarters of the tries lie
 * further apart than `spread`.
 */
static double ratio_of(const char *name, const char *to, double spread)
{
    double ratios[TRIES];
    for (int i = 0; i < TRIES; i++) {
        double ns = least_ns(name);
        ratios[i] = ns / (to != NULL ? least_ns(to) : loop_ns(false));
    }
    qsort(ratios, TRIES, sizeof(ratios[0]), ascending);
    double low = ratios[TRIES / 4], high = ratios[TRIES - 1 - TRIES / 4];
    printf("# %s / %s: %.3f, half of the tries from %.3f to %.3f\n", name, to != NULL ? to : "the loop",
           ratios[TRIES / 2], low, high);
    if (!(high - low <= spread)) {
        skip_case("the machine is too loaded to tell");
        return NAN;
    }
    return ratios[TRIES / 2];
}

#define CHECK_RATIO(name, to, spread, least, most)                                                             \
    do {                                                                                                       \
        double ratio = ratio_of(name, to, spread);                                                             \
        CHECK(isnan(ratio) || (ratio > (least) && ratio < (most)));                                            \
    } while (0)

int main(void)
{
    tare__bench_clock_init(false);

    begin_case("an empty loop takes no time, but for what is subtracted");
    CHECK_RATIO("nothing", NULL, 0.3, -0.5, 0.5);

    begin_case("ten times the work takes ten times as long");
#ifdef __OPTIMIZE__
    CHECK_RATIO("work/500", "work/50", 2, 8, 12);
#else
    /*
     * The loop then lives in memory, and so does the work: beside it the loop takes longer than alone, by how much
     * depends on what shares the core (6.4 to 10 were seen).
     */
    CHECK_RATIO("work/500", "work/50", 2, 5, 15);
#endif

    begin_case("the set-up of each iteration is not in its time");
    CHECK_RATIO("work_with_set_up/500", "work/500", 0.2, 0.8, 1.2);
    if (SANITIZED) {
        skip_case("a sanitizer's own time is in what is subtracted");
    } else if (getenv("TARE_EMULATOR") != NULL) {
        skip_case("an emulator takes longer for what is subtracted than for the work");
    } else {
        CHECK_RATIO("work_with_set_up/50", "work/50", 0.4, 0.6, 1.4);
    }

    begin_case("a loop takes little of wall time");
    if (!OPTIMIZED) {
        skip_case("without optimization loops live in memory");
    } else if (SANITIZED) {
        skip_case("a sanitizer's own time is in the loops");
    } else if (getenv("TARE_EMULATOR") != NULL) {
        skip_case("an emulator's own time is in the loops");
    } else {
        double clock_ns = least_clock_ns(), empty_ns = least_wall_ns("wall_of_nothing", 1000000);
        double with_ns = least_wall_ns("wall_with_set_up", 10000);
        printf("# empty %.3f ns, with set-up %.1f ns, reading a clock %.1f ns\n", empty_ns, with_ns, clock_ns);
        CHECK(empty_ns < clock_ns / 8);
        CHECK(with_ns < clock_ns * 8); /* two readings, and little else */
    }

    begin_case("what is kept is computed, and what is clobbered stored");
    CHECK_RATIO("kept", NULL, INFINITY, 20, INFINITY);
    CHECK_RATIO("stored", NULL, INFINITY, 20, INFINITY);
    return finish();
}
