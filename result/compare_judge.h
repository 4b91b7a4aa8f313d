/* SPDX-License-Identifier: MIT */
/* How a benchmark or timer of one result is judged against that of another. Private to result/. */
#ifndef TARE_RESULT_COMPARE_JUDGE_H
#define TARE_RESULT_COMPARE_JUDGE_H

#include "result/compare.h"

/* What is said of a pair. */
struct tare__judged {
    struct tare_comparison comparison;
    double difference_ns, difference_low_ns, difference_high_ns;
    bool sure; /* there is an interval */
    const char *why;
};

/* With nothing known. */
struct tare_comparison tare__compare_unknown(void);
struct tare__judged tare__unjudged(const char *why);

/* The values of an arm that count; the caller frees them. NULL without memory. */
double *tare__kept_values(const struct tare_result_arm *arm, size_t *count);

/* By the values that count. Returns 0 or -ENOMEM. */
int tare__judge_benchmark(struct tare__judged *judged, const struct tare_compare_rule *rule,
                          const struct tare_result_arm *old, const struct tare_result_arm *new);

/* By the net averages and their errors. */
struct tare__judged tare__judge_timer(const struct tare_compare_rule *rule,
                                      const struct tare_result *old_result,
                                      const struct tare_result_figures *old,
                                      const struct tare_result *new_result,
                                      const struct tare_result_figures *new);

#endif
