/* SPDX-License-Identifier: MIT */
/*
 * TARE_BENCH_THREADS: each thread runs the body with a number of its own; nobody enters the loop before all
 * have set up, nobody goes behind it before all have left it, and all run as many iterations.
 */
#include <pthread.h>

#include "tests/behaviour/bench_driving.h"

enum { THREADS = 4 };

static uint32_t set_up, looping, left, too_early, too_late, seen[THREADS];
static uint64_t iterations[THREADS];
static pthread_t ids[THREADS];

TARE_BENCH(together)
{
    __atomic_fetch_add(&seen[b->thread], 1, __ATOMIC_RELAXED);
    ids[b->thread] = pthread_self();
    CHECK_EQ(b->threads, THREADS);
    nanosleep(&(struct timespec){0, 3000000 * (long)b->thread}, NULL);
    __atomic_fetch_add(&set_up, 1, __ATOMIC_RELAXED);
    TARE_EACH(b)
    {
        if (iterations[b->thread]++ == 0) {
            __atomic_fetch_add(&looping, 1, __ATOMIC_RELAXED);
        }
        if (__atomic_load_n(&set_up, __ATOMIC_RELAXED) != THREADS) {
            __atomic_fetch_add(&too_early, 1, __ATOMIC_RELAXED);
        }
        if (__atomic_load_n(&left, __ATOMIC_RELAXED) != 0) {
            __atomic_fetch_add(&too_late, 1, __ATOMIC_RELAXED);
        }
    }
    __atomic_fetch_add(&left, 1, __ATOMIC_RELAXED);
    tare_items(b, b->thread + 1);
}
TARE_BENCH_THREADS(together, THREADS);

/* What the first sets up and releases, without a lock, the others use: ThreadSanitizer watches. */
static uint64_t *shared;

TARE_BENCH(shared)
{
    if (b->thread == 0) {
        shared = calloc(THREADS, sizeof(*shared));
    }
    TARE_EACH(b)
    {
        shared[b->thread]++;
    }
    if (b->thread == 0) {
        for (unsigned i = 0; i < b->threads; i++) {
            CHECK_EQ(shared[i], shared[0]);
        }
        free(shared);
    }
}
TARE_BENCH_THREADS(shared, THREADS);

TARE_BENCH(sleeps)
{
    TARE_EACH_WITH(b, tare_clobber())
    {
        nanosleep(&(struct timespec){0, 2000000}, NULL);
    }
}
TARE_BENCH_THREADS(sleeps, 1, 3);

static double least_ticks(const char *name)
{
    struct measured measured = samples_of(name, 3, 2);
    double least = measured.samples[0].ticks;
    for (size_t i = 1; i < measured.count; i++) {
        least = measured.samples[i].ticks < least ? measured.samples[i].ticks : least;
    }
    tare__bench_measured_release(&measured);
    return least;
}

int main(void)
{
    tare__bench_clock_init(false);
    begin_case("each thread has its number, and all run as many iterations");
    struct measured measured = samples_of("together/threads:4", 6, 1000);
    for (unsigned i = 0; i < THREADS; i++) {
        CHECK_EQ(seen[i], 1);
        CHECK_EQ(iterations[i], 1 + 6 * 1000);
        for (unsigned k = 0; k < i; k++) {
            CHECK(!pthread_equal(ids[i], ids[k]));
        }
    }
    CHECK(measured.failed[0] == '\0' && measured.items == 1 && measured.count == 6);
    CHECK_EQ(looping, THREADS);

    begin_case("they begin when all are there, and leave together");
    CHECK_EQ(too_early, 0);
    CHECK_EQ(too_late, 0);
    tare__bench_measured_release(&measured);

    begin_case("what one sets up the others find, and may be released behind the loop");
    measured = samples_of("shared/threads:4", 6, 1000);
    CHECK(measured.failed[0] == '\0');
    tare__bench_measured_release(&measured);

    begin_case("the time of an iteration is that of one thread");
    double ratio = 0;
    for (int try = 0; try < 10 && !(ratio > 0.3 && ratio < 2.5); try++) { /* the machine may be busy */
        ratio = least_ticks("sleeps/threads:3") / least_ticks("sleeps/threads:1");
    }
    CHECK_BETWEEN(0.3, ratio, 2.5); /* the sum over threads would be 3 */
    return finish();
}
