/* SPDX-License-Identifier: MIT */
/*
 * What is said of a set of values: one structure of the usual figures, each by the function of this folder that
 * is made for it. Errors: see stats/values.h.
 */
#ifndef TARE_STATS_SUMMARY_H
#define TARE_STATS_SUMMARY_H

#include <stddef.h>

#include "stats/modes.h"
#include "stats/outlier.h"

struct tare_summary {
    size_t n;
    double median, median_low, median_high; /* interval of the median, tare_quantile_interval() */
    double mad;                             /* unscaled; NAN for one value */
    double mean, sd, cv;
    double min, max;
    double p50, p95, p99;
    size_t outliers[TARE_OUTLIER_CLASSES];
    struct tare_modes modes;
};

/*
 * Values in any order; they are sorted. confidence: of the median's interval, 0.95. `grain`: see
 * tare_modes_of(); its alpha is 0.01. All NAN for n 0. Allocates (-ENOMEM); -EINVAL as in stats/values.h, then
 * values are as they were.
 */
int tare_summary_of(double *values, size_t n, double confidence, double grain, struct tare_summary *out);

/*
 * Of values that depend on their neighbours: the ends of the median's interval are moved to `factor` times as far
 * from it (1 or more: the root of n / effective n), and no further than the least and the greatest value, as no
 * value beyond these was seen. What is unknown stays so.
 */
void tare_summary_widen(struct tare_summary *summary, double factor);

#endif
