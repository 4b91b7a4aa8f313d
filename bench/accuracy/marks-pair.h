/* SPDX-License-Identifier: MIT */
/* See rungs.c: the stopwatch that everybody writes first, two readings of the counter and a sum. */
#include <stdio.h>

#include "bench/peers/loop.h"

struct pair {
    uint64_t start;
    unsigned rung;
};

static struct {
    uint64_t ticks, calls;
    const char *name;
} pair_sums[RUNGS];

static inline void pair_end(struct pair *pair)
{
    uint64_t end = peer_ticks();
    pair_sums[pair->rung].ticks += end - pair->start;
    pair_sums[pair->rung].calls++;
}

#define MARK_DECLARE(id, text)                                                                                 \
    __attribute__((constructor)) static void pair_name_##id(void)                                              \
    {                                                                                                          \
        pair_sums[RUNG_##id].name = text;                                                                      \
    }
#define MARK(id) __attribute__((cleanup(pair_end), unused)) struct pair pair = {peer_ticks(), RUNG_##id};

/* "pair NAME NS": the mean of each rung, in ns. */
void accuracy_report(double ns_per_tick);
void accuracy_report(double ns_per_tick)
{
    for (unsigned i = 0; i < RUNGS; i++) {
        printf("pair %s %.3f\n", pair_sums[i].name,
               (double)pair_sums[i].ticks * ns_per_tick / (double)pair_sums[i].calls);
    }
}
