/* SPDX-License-Identifier: MIT */
/*
 * The program that a tool measures. It runs blocks of each rung with the tool's marks and without in turns, and
 * prints what it knows itself, in ns: "truth NAME NS" for each rung, and what the marks report, if they do.
 *
 * Tools report means, which interrupts are part of, so the truth is a mean, too.
 *
 * It is the same program for all tools, but for the marks in its second copy of the rungs.
 */
#include <stdio.h>
#include <stdlib.h>

#include "bench/accuracy/rungs.h"
#include "bench/peers/loop.h"

enum {
    PAIRS = 40,
    SCOPES = 500, /* marked in each block: 20,000 of each rung, few enough for tools that write each one down */
};

/* Marks that only count define this: ns_per_tick is that of peer_ticks(). */
void accuracy_report(double ns_per_tick);
__attribute__((weak)) void accuracy_report(double ns_per_tick)
{
    (void)ns_per_tick;
}

static unsigned scopes_of_call(unsigned rung)
{
    unsigned sum = 0;
    for (unsigned i = rung; i < (rung == RUNG_nest_a ? RUNGS : rung + 1); i++) {
        sum += accuracy_bare[i].scopes;
    }
    return sum;
}

/* One rung, or all levels of the nest at once, which begins with RUNG_nest_a. */
static void measure(unsigned first, unsigned count)
{
    static uint64_t value = 1;
    double truths[RUNGS] = {0};
    uint64_t bare_calls[RUNGS], marked_calls = SCOPES / scopes_of_call(first);
    for (unsigned i = 0; i < count; i++) {
        bare_calls[i] = accuracy_bare_calls(first + i);
    }
    for (unsigned pair = 0; pair < PAIRS; pair++) {
        if (pair % 2 != 0) {
            value = accuracy_marked[first].block(value, marked_calls);
        }
        for (unsigned i = 0; i < count; i++) {
            truths[i] += accuracy_bare_ns(first + i, bare_calls[i]) / PAIRS;
        }
        if (pair % 2 == 0) {
            value = accuracy_marked[first].block(value, marked_calls);
        }
    }
    for (unsigned i = 0; i < count; i++) {
        printf("truth %s %.3f\n", accuracy_bare[first + i].name, truths[i]);
    }
}

int main(int argc, char **argv)
{
    int failure = argc == 2 ? accuracy_pin(atoi(argv[1])) : 0;
    if (argc > 2 || failure != 0) {
        fprintf(stderr, argc > 2 ? "usage: %s [CPU]\n" : "%s: cannot run on that processor\n", argv[0]);
        return 2;
    }
    double start_ns = accuracy_now_ns();
    uint64_t start_ticks = peer_ticks();
    for (unsigned rung = 0; rung < RUNG_nest_a; rung++) {
        measure(rung, 1);
    }
    measure(RUNG_nest_a, RUNGS - RUNG_nest_a);
    accuracy_report((accuracy_now_ns() - start_ns) / (double)(peer_ticks() - start_ticks));
    return fflush(stdout) == 0 ? 0 : 2;
}
