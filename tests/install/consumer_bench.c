/* SPDX-License-Identifier: MIT */
/*
 * A user's benchmark program, for run.sh: built against the installed headers and libraries in each language,
 * with each compiler, and in both ways of linking. Timers inside are there, unless TARE_DISABLE takes them
 * out.
 */
#include <string.h>

#include <tare/bench.h>
#include <tare/tare.h>

TARE_MODULE("consumer");
TARE_TIMER(copy);

static char from[4096], to[4096];

TARE_BENCH(copy)
{
    size_t size = (size_t)b->arg[0];
    memset(from, 1, sizeof(from));
    TARE_EACH(b)
    {
        TARE_SCOPE(copy);
        memcpy(to, from, size);
        tare_clobber();
    }
    tare_require(memcmp(to, from, size) == 0);
    tare_bytes(b, (double)size);
}
TARE_BENCH_ARGS(copy, 16, 64, 256, 1024);

TARE_BENCH(wait)
{
    double x = 0;
    TARE_EACH_WITH(b, tare_forget(x))
    {
        tare_keep(x * 2);
    }
}
TARE_BENCH_THREADS(wait, 1, 2);

TARE_BENCH_MAIN();
