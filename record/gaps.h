/* SPDX-License-Identifier: MIT */
/*
 * What a thread that only computes sees of this machine: the gaps in which it did not run, how evenly its
 * processor runs, and what reading a clock or calling the kernel costs. All of it is measured in this thread,
 * with CLOCK_MONOTONIC_RAW.
 *
 * `stop` (optional) ends a measurement early when it becomes nonzero, as from a signal handler; what came until
 * then is what is told.
 */
#ifndef TARE_RECORD_GAPS_H
#define TARE_RECORD_GAPS_H

#include <signal.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The thread reads the clock without pause; a gap is a step from one reading to the next that is over the
 * threshold, less the usual step. That is what the kernel's own tracer osnoise does (Documentation/trace/
 * osnoise-tracer.rst), from outside of the kernel: it sees interrupts, other threads and what a hypervisor or
 * the firmware takes, which no counter of the kernel has. NAN: no gap, or nothing measured (seconds 0).
 */
struct tare_gaps {
    double seconds;      /* how long it was looked for */
    int cpu;             /* that the thread was bound to; -1: none */
    unsigned migrations; /* from one processor to another, as seen at the gaps */
    uint64_t count;
    double p50_ns, p99_ns, max_ns; /* of the gaps; the quantiles to about 6 % */
    double lost_share;             /* of the time */
    double step_ns, threshold_ns;
};

/*
 * Spins for `seconds`, bound to the processor `cpu`, or free to move (-1). The binding is undone. Returns 0, or
 * -errno of sched_setaffinity(2). Thread-safe.
 */
int tare_gaps_measure(struct tare_gaps *gaps, int cpu, double seconds, const volatile sig_atomic_t *stop);

/*
 * How evenly the processor runs: the same chain of dependent multiplications, timed over and over.
 * Interruptions are in its longest times, so the spread is told between the 10th and the 90th of 100: what is
 * left is the clock rate, and what shares the core.
 */
struct tare_wander {
    double seconds;
    size_t count;                     /* chains that were timed */
    double p10_ns, median_ns, p90_ns; /* of a chain */
    double spread;                    /* (p90 - p10) / median */
    double start; /* median of the first tenth over the median of the rest, - 1: positive while it speeds up */
};

/* Returns 0, or -ENOMEM. Binds nothing. */
int tare_wander_measure(struct tare_wander *wander, double seconds, const volatile sig_atomic_t *stop);

/* What one call of something costs, out of batches. */
struct tare_call_cost {
    double median_ns, mad_ns; /* of the batches' means; NAN without */
    size_t batches;
};

/* `repeat` does it n times. The loop's own cost is in the figure: well under 1 ns. */
void tare_call_cost_measure(struct tare_call_cost *cost, void (*repeat)(unsigned n));

/* For tare_call_cost_measure(): getppid(2) as a system call, which does next to nothing in the kernel. */
void tare_call_system(unsigned n);

/* For tare_call_cost_measure(): clock_gettime(CLOCK_MONOTONIC_RAW). */
void tare_call_clock(unsigned n);

#endif
