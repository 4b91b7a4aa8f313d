/* SPDX-License-Identifier: MIT */
/*
 * Work of known length: STEPS dependent multiplications and additions, one behind the other. Compiled once for
 * each length. There is no branch and no load in it, and each step waits for the one before, so that its time is
 * STEPS times that of a step, wherever the linker puts it: two of these differ by what their lengths say, and by
 * nothing else.
 */
#include "bench/verdicts/chain.h"

#include "bench/accuracy/work.h"

#define STEPS_500 STEPS_100 STEPS_100 STEPS_100 STEPS_100 STEPS_100

uint64_t CHAIN_NAME(STEPS)(uint64_t value)
{
    STEPS_500 STEPS_500
#if STEPS == 1005 || STEPS == 1010
        STEPS_5
#endif
#if STEPS == 1010
            STEPS_5
#endif
        return value;
}

_Static_assert(STEPS == 1000 || STEPS == 1005 || STEPS == 1010, "there are chains of these lengths alone");
