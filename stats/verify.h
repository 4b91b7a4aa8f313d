/* SPDX-License-Identifier: MIT */
/*
 * Whether net figures are true where the truth is known: the numbers of `tare verify`. Numbers only; no I/O, no
 * allocation, no state. docs/accuracy.md has the rules in words.
 *
 * The same work is run in pairs of blocks, one without scopes (bare: the truth) and one with them, in turns.
 * Some twenty pairs are a repetition, and a repetition gives one case for each timer: truth, raw, net, ± and
 * whether truth and net agree within the ±.
 */
#ifndef TARE_STATS_VERIFY_H
#define TARE_STATS_VERIFY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "stats/overhead.h"

/* Of one timer: what one execution takes without scopes, and what the timer counted in the block with them. */
struct tare_verify_pair {
    double bare_ns;
    struct tare_timer_sums sums;
};

/*
 * A pair is dropped if one of its times is above the median of its kind by more than so many MADs, and by more
 * than such a share of the median.
 */
#define TARE_VERIFY_DROP_MADS 5.0
#define TARE_VERIFY_DROP_SHARE 0.05

/* So many of the 95 % intervals have to hold the truth. */
#define TARE_VERIFY_COVERAGE 0.90

/*
 * Which of n pairs were not disturbed. `times` has n times for each of `kinds` kinds of blocks, one kind behind
 * the other, all of them in the same unit; `scratch` has room for n. Returns how many are kept: at least half
 * of them for each kind.
 */
size_t tare_verify_keep(const double *times, size_t kinds, size_t n, bool *keep, double *scratch);

/* Of one timer and repetition, for one outermost scope. */
struct tare_verify_case {
    size_t pairs; /* that were kept */
    double truth_ns;
    double raw_ns;
    double net_ns;
    double error_ns;                  /* net - truth */
    double half_ns;                   /* half the width of the 95 % interval of the error: the ± */
    double part_ns[TARE_ERROR_PARTS]; /* what each cause would make alone */
    bool covered;                     /* error within the ±; false also if one of them is unknown */
};

/*
 * The ± is that of the net figure, as tare_estimate_timer() has it, with a sampling error that is shared by net
 * and truth, as both were measured: the standard error of the mean of the pairs' differences. NAN, and not
 * covered, with fewer than two pairs.
 */
struct tare_verify_case tare_verify_judge(const struct tare_cost_model *model,
                                          const struct tare_verify_pair *pairs, const bool *keep, size_t n);

/* Of one timer: the median of each figure over its cases, so that columns need not add up to the last digit. */
struct tare_verify_summary {
    size_t cases;
    size_t covered;
    size_t pairs; /* kept, in all cases */
    double truth_ns, raw_ns, net_ns, error_ns, half_ns;
    double part_ns[TARE_ERROR_PARTS];
};

/* `scratch` has room for n. An unknown figure in one case makes the median unknown. */
struct tare_verify_summary tare_verify_summarise(const struct tare_verify_case *cases, size_t n,
                                                 double *scratch);

/* Whether that many of the cases are enough. False without cases. */
bool tare_verify_holds(uint64_t covered, uint64_t cases);

/*
 * "Within A ns or B %", the larger of both: the claim that can be made of errors. Errors of times below
 * `split_ns` are counted in ns, those of longer times in percent; A and B are the largest of their kind. A is
 * NAN if no time is below split_ns, B if none is above, both are if an error is unknown; times below `from_ns`
 * are left out. A claim of max(a ns, b %) is kept by all errors if A <= a and B <= b, where split_ns is a / b.
 */
struct tare_verify_bound {
    double absolute_ns;
    double relative; /* 0.03: 3 % */
    size_t count;
};
struct tare_verify_bound tare_verify_bound(const double *truths_ns, const double *errors_ns, size_t n,
                                           double from_ns, double split_ns);

#endif
