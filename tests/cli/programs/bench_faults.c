/* SPDX-License-Identifier: MIT */
/* Benchmarks of which some go wrong, for bench_program.bats and the tests of `tare bench`. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <tare/bench.h>

TARE_BENCH(right)
{
    TARE_EACH(b)
    {
    }
    tare_items(b, 2);
}

TARE_BENCH(wrong)
{
    int answer = 41;
    tare_forget(answer);
    tare_require(answer == 42);
    TARE_EACH(b)
    {
    }
}

TARE_BENCH(no_loop)
{
    (void)b;
}

TARE_BENCH(left_early)
{
    TARE_EACH(b)
    {
        break;
    }
}

TARE_BENCH(prints)
{
    printf("printed by the benchmark\n");
    fflush(stdout);
    TARE_EACH(b)
    {
    }
}

TARE_BENCH(crashes)
{
    TARE_EACH(b)
    {
        abort();
    }
}

TARE_BENCH(exits)
{
    TARE_EACH(b)
    {
        exit(7);
    }
}

/* Ends well before its benchmark does. */
TARE_BENCH(exits_well)
{
    TARE_EACH(b)
    {
        exit(0);
    }
}

/* Leaves a process behind. */
TARE_BENCH(forks)
{
    if (fork() == 0) {
        for (;;) {
            pause();
        }
    }
    TARE_EACH(b)
    {
    }
}

/* Takes longer than all samples of a process together are meant to. */
TARE_BENCH(slow)
{
    TARE_EACH(b)
    {
        nanosleep(&(struct timespec){0, 100000000}, NULL);
    }
}

TARE_BENCH(hangs)
{
    TARE_EACH(b)
    {
        for (;;) {
            nanosleep(&(struct timespec){1, 0}, NULL);
        }
    }
}

TARE_BENCH(a_name_that_is_longer_than_its_column_is_wide)
{
    TARE_EACH(b)
    {
    }
}

/* A sweep whose time grows with its argument. */
TARE_BENCH(linear)
{
    uint64_t value = 1; /* carried on, so that no iteration overlaps with the next */
    TARE_EACH(b)
    {
        for (int64_t i = 0; i < b->arg[0]; i++) {
            value = value * 6364136223846793005u + 1;
            tare_forget(value);
        }
    }
    tare_bytes(b, (double)b->arg[0]);
}
TARE_BENCH_ARGS(linear, 100, 400, 1600, 6400);

TARE_BENCH_MAIN();
