/* SPDX-License-Identifier: MIT */
/*
 * From what a timer read to what the code took: the overhead model. Numbers only; no I/O, no allocation, no
 * state.
 *
 *     net = raw - outermost x inner - (scopes ended within) x outer
 *
 * Quantities are doubles; NAN means unknown, and what is computed from an unknown is unknown. Nothing is
 * clamped: a negative net time says that the limit of the method was passed. The method and its sources stand
 * in overhead.c, its proof in docs/accuracy.md.
 */
#ifndef TARE_STATS_OVERHEAD_H
#define TARE_STATS_OVERHEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A calibrated cost in ticks: the median of n blocks and their median absolute deviation. n 0: unknown. */
struct tare_cost_ticks {
    double median;
    double mad;
    uint64_t n;
};

/*
 * What a scope costs. `inner` lies within its own interval. `outer` is what it adds to the interval of a scope
 * around it when scopes follow each other closely, `outer_nested` when they lie closely in each other, and
 * `outer_apart` when there is work between them, with which the recording overlaps.
 */
struct tare_costs {
    struct tare_cost_ticks inner;
    struct tare_cost_ticks inner_empty; /* of a scope with nothing in it */
    struct tare_cost_ticks outer;
    struct tare_cost_ticks outer_nested;
    struct tare_cost_ticks outer_apart;
    /* Closeness (tare/page.h) of a scope that is followed at once, and by as much work as the recording takes. */
    struct tare_cost_ticks close;
    struct tare_cost_ticks knee;
};

/* What a scope costs on one clock, in one process, and how long a tick is. */
struct tare_cost_model {
    double tick_ns;             /* NAN if the clock's rate is unknown */
    double rate_error_ppb;      /* of tick_ns, one standard error; NAN if unknown */
    double grain_ticks;         /* the counter moves in steps of so many ticks; below 1 or NAN: taken for 1 */
    struct tare_costs at_start; /* each calibration may be missing (n 0) */
    struct tare_costs at_exit;
    struct tare_costs in_run; /* n: calibrations spread over the run; median, mad: of their medians */
    bool counts_closeness;
};

/* What one timer counted in one process, as it lies in the page. Times in ticks. */
struct tare_timer_sums {
    uint64_t calls;
    uint64_t outermost;
    uint64_t total_ticks;
    uint64_t min_ticks; /* UINT64_MAX if outermost is 0 */
    uint64_t max_ticks;
    uint64_t scopes_within;
    uint64_t closeness_within; /* ticks, of scopes_within - uncounted_within scopes */
    uint64_t uncounted_within;
    uint64_t bytes;
};

/* Why a net time may be wrong. The first four are common to all scopes of a process, the others average out. */
enum tare_error_part {
    TARE_ERROR_CALIBRATION, /* spread of the calibrated costs */
    TARE_ERROR_DRIFT,       /* between the calibrations, with the processor's speed */
    TARE_ERROR_CONTEXT,     /* how much of the recording overlapped with the program's own work */
    TARE_ERROR_RATE,        /* length of a tick */
    TARE_ERROR_GRANULARITY, /* steps of the counter */
    TARE_ERROR_SAMPLING,    /* of the mean: another run of this length would give another; NAN: unknown */
    TARE_ERROR_PARTS,
};

/* Sums over all outermost scopes of one timer. Two of them, of two processes, add: see tare_estimate_add(). */
struct tare_estimate {
    double raw_total_ns;
    double net_total_ns;
    double inner_total_ns; /* what was subtracted, in two parts: raw - inner - outer = net */
    double outer_total_ns;
    double measuring_ns;               /* what all scopes of the timer took, inside and outside of intervals */
    double error_ns[TARE_ERROR_PARTS]; /* standard errors of net_total_ns, by cause */
};

/* Without the sampling error, which is not in the sums: that part is NAN, for the caller to fill in. */
struct tare_estimate tare_estimate_timer(const struct tare_cost_model *model,
                                         const struct tare_timer_sums *sums);

/*
 * a += b, for two processes on one machine. The errors that scopes of a process share are taken as shared by
 * the processes, too (one machine, one method), so these standard errors add, which is the cautious choice; the
 * others add in quadrature. A sampling error that one of the two lacks is lacking in the sum.
 */
void tare_estimate_add(struct tare_estimate *a, const struct tare_estimate *b);

/* Half the width of the 95 % interval of net_total_ns / outermost; NAN if unknown or without calls. An unknown
 * sampling error is left out. */
double tare_estimate_avg_error_ns(const struct tare_estimate *estimate, uint64_t outermost);

/* The part of it that one cause would make alone. */
double tare_estimate_avg_error_part_ns(const struct tare_estimate *estimate, uint64_t outermost,
                                       enum tare_error_part part);

/*
 * The detection limit: a net average below it cannot be told from none. Twice the half width of the interval
 * that a net time of zero would have (L. A. Currie, "Limits for Qualitative Detection and Quantitative
 * Determination", Analytical Chemistry 40 (1968), pages 586-593, with both errors at 2.5 %). NAN if unknown or
 * without calls.
 */
double tare_estimate_avg_limit_ns(const struct tare_estimate *estimate, uint64_t outermost);

/*
 * Whether an average with this half width says no more than "less than the limit": its interval holds zero. One
 * that is negative by more than its half width is no such case: it says that the method failed.
 */
static inline bool tare_below_limit(double net_avg_ns, double error_ns)
{
    return net_avg_ns <= error_ns && net_avg_ns >= -error_ns;
}

/*
 * How many ns each outermost scope's reading is to be lowered by, on average: for quantiles of single scopes.
 */
double tare_estimate_shift_ns(const struct tare_estimate *estimate, uint64_t outermost);

#endif
