/* SPDX-License-Identifier: MIT */
/*
 * The chain of STEPS as a benchmark. The programs of different lengths have it under the same name, as two
 * revisions of one program would. docs/verdicts.md is made with them.
 */
#include <tare/bench.h>

#include "bench/verdicts/chain.h"

TARE_BENCH(chain)
{
    uint64_t value = 1;
    TARE_EACH(b)
    {
        value = CHAIN_NAME(STEPS)(value);
    }
    tare_keep(value);
}

TARE_BENCH_MAIN();
