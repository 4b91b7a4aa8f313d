/* SPDX-License-Identifier: MIT */
/* See cost_loop.h: COST_LOOP names the function; TARE_DISABLE is defined for one of the two. */
#include "bench/cost_loop.h"

#include <tare/tare.h>

TARE_TIMER(disabled);

__attribute__((noinline)) static uint64_t step(uint64_t x)
{
    TARE_SCOPE(disabled);
    x = x * UINT64_C(0x9e3779b97f4a7c15) + 1;
    __asm__ volatile("" : "+r"(x));
    return x;
}

uint64_t COST_LOOP(uint64_t n)
{
    uint64_t x = 1;
    for (uint64_t i = 0; i < n; i++) {
        x = step(x);
    }
    return x;
}
