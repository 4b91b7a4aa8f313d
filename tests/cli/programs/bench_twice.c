/* SPDX-License-Identifier: MIT */
/* Two cases of one name. With -DAGAIN, the other half of a program that has a benchmark twice. */
#include <tare/bench.h>

TARE_BENCH(twice)
{
    TARE_EACH(b)
    {
    }
}
#ifndef AGAIN
TARE_BENCH(same_case)
{
    TARE_EACH(b)
    {
    }
}
TARE_BENCH_ARGS(same_case, 5, 6, 5);

TARE_BENCH_MAIN();
#endif
