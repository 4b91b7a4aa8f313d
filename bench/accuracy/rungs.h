/* SPDX-License-Identifier: MIT */
/*
 * What the programs of `make bench-accuracy` have in common. Each of them has the same rungs twice, both from
 * rungs.c: bare, for the truth, and with the marks of the tool that the program is for.
 */
#ifndef TARE_BENCH_ACCURACY_RUNGS_H
#define TARE_BENCH_ACCURACY_RUNGS_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The levels of the nest come last, the outermost first. */
enum {
    RUNG_chain_5,
    RUNG_chain_10,
    RUNG_chain_20,
    RUNG_chain_50,
    RUNG_chain_200,
    RUNG_chain_1k,
    RUNG_system_call,
    RUNG_nest_a,
    RUNG_nest_b,
    RUNG_nest_c,
    RUNG_nest_d,
    RUNGS,
};

struct accuracy_rung {
    const char *name;
    unsigned scopes; /* of this rung in one call of the outermost level; 1, where there are no levels */
    uint64_t (*block)(uint64_t value, uint64_t calls); /* calls it so often, each with the value from before */
    uint64_t (*once)(uint64_t value);                  /* NULL: it is not a function */
};

extern const struct accuracy_rung accuracy_bare[RUNGS], accuracy_marked[RUNGS];

/* Pins this thread to that processor. Returns 0 or -errno. */
int accuracy_pin(int cpu);

/* Time of CLOCK_MONOTONIC_RAW, in ns. */
double accuracy_now_ns(void);

/* How many calls of a bare rung take some 100 us: long to the clock, short to what disturbs the machine. */
uint64_t accuracy_bare_calls(unsigned rung);

/* Runs so many calls of a bare rung; the time of each, in ns. */
double accuracy_bare_ns(unsigned rung, uint64_t calls);

#ifdef __cplusplus
}
#endif

#endif
