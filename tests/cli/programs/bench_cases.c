/* SPDX-License-Identifier: MIT */
/*
 * Benchmarks of which it is known what they do, for bench.bats. WORK is how much of it in percent: of another than 100
 * one benchmark is missing, and one fails. TIMED adds one with a timer inside; for a program without any, nobody looks
 * for timers, which saves the tests some time.
 */
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <tare/bench.h>
#include <tare/tare.h>

#ifndef WORK
#define WORK 100
#endif

/* Each step waits for the one before it, also of the iteration before, so that nothing overlaps. */
static _Thread_local uint64_t value;

__attribute__((noinline)) static void work(int64_t steps)
{
    const int64_t count = WORK * steps / 100; /* once, without optimisation, too */
    for (int64_t i = 0; i < count; i++) {
        value = value * 6364136223846793005u + 1;
        tare_forget(value);
    }
}

TARE_BENCH(steady)
{
    TARE_EACH(b)
    {
        work(200);
    }
    tare_bytes(b, 1000);
}

/* One allocation of 64 bytes, and no system call. */
TARE_BENCH(allocates)
{
    void *volatile before = malloc(100); /* the set-up's counts for nothing */
    TARE_EACH(b)
    {
        void *memory = malloc(64);
        tare_keep(memory);
        free(memory);
    }
    free(before);
}

/* One system call, and no allocation. */
TARE_BENCH(asks)
{
    TARE_EACH(b)
    {
        tare_keep(syscall(SYS_getppid));
    }
    tare_items(b, 1);
}

#ifdef TIMED
TARE_MODULE("cases");
TARE_TIMER(within);

TARE_BENCH(timed)
{
    {
        TARE_SCOPE(within); /* the set-up's counts for nothing */
    }
    TARE_EACH(b)
    {
        TARE_SCOPE(within);
        work(1000);
    }
}
#endif

TARE_BENCH(shared)
{
    TARE_EACH(b)
    {
        work(100);
    }
}
TARE_BENCH_THREADS(shared, 2);

TARE_BENCH(linear)
{
    TARE_EACH(b)
    {
        work(b->arg[0]);
    }
}
TARE_BENCH_ARGS(linear, 100, 400, 1600, 6400);

TARE_BENCH(right_at_100)
{
    tare_require(WORK == 100);
    TARE_EACH(b)
    {
        work(100);
    }
}

#if WORK == 100
TARE_BENCH(only_here)
{
    TARE_EACH(b)
    {
    }
}
#endif

TARE_BENCH_MAIN();
