/* SPDX-License-Identifier: MIT */
/*
 * From what a timer read to what the code took: the overhead model. Numbers only; no I/O, no allocation, no
 * state.
 *
 *     net = raw - outermost x inner - (scopes ended within) x outer
 *
 * Quantities are doubles; NAN means unknown, and what is computed from an unknown is unknown. Nothing is
 * clamped: a negative net time says that the limit of the method was passed.
 */
#ifndef TARE_STATS_OVERHEAD_H
#define TARE_STATS_OVERHEAD_H

#include <stddef.h>
#include <stdint.h>

/* A calibrated cost in ticks: the median of n blocks and their median absolute deviation. n 0: unknown. */
struct tare_cost_ticks {
    double median;
    double mad;
    uint64_t n;
};

/* What a scope costs on one clock, in one process, and how long a tick is. */
struct tare_cost_model {
    double tick_ns;        /* NAN if the clock's rate is unknown */
    double rate_error_ppb; /* of tick_ns, one standard error; NAN if unknown */
    double grain_ticks;    /* the counter moves in steps of so many ticks; below 1 or NAN: taken for 1 */
    struct tare_cost_ticks inner;
    struct tare_cost_ticks outer;
    /* The same at the end of the process, where there was one; their distance is the drift. */
    struct tare_cost_ticks inner_at_exit;
    struct tare_cost_ticks outer_at_exit;
};

/* What one timer counted in one process, as it lies in the page. Times in ticks. */
struct tare_timer_sums {
    uint64_t calls;
    uint64_t outermost;
    uint64_t total_ticks;
    uint64_t min_ticks; /* UINT64_MAX if outermost is 0 */
    uint64_t max_ticks;
    uint64_t scopes_within;
    uint64_t bytes;
};

/* Sums over all outermost scopes of one timer. Two of them, of two processes, add: see tare_estimate_add(). */
struct tare_estimate {
    double raw_total_ns;
    double net_total_ns;
    double variance_ns2;   /* of net_total_ns, from the spread of the costs and of the rate */
    double inner_total_ns; /* what was subtracted, in two parts: raw - inner - outer = net */
    double outer_total_ns;
};

struct tare_estimate tare_estimate_timer(const struct tare_cost_model *model,
                                         const struct tare_timer_sums *sums);

/*
 * a += b, for two processes on one machine. Their errors are taken as dependent (they share the machine and the
 * method), so standard errors add, which is the cautious choice.
 */
void tare_estimate_add(struct tare_estimate *a, const struct tare_estimate *b);

/* Half the width of the 95 % interval of net_total_ns / outermost; NAN if unknown or without calls. */
double tare_estimate_avg_error_ns(const struct tare_estimate *estimate, uint64_t outermost);

/*
 * How many ns each outermost scope's reading is to be lowered by, on average: for quantiles of single scopes.
 */
double tare_estimate_shift_ns(const struct tare_estimate *estimate, uint64_t outermost);

#endif
