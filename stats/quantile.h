/* SPDX-License-Identifier: MIT */
/*
 * Quantiles and robust spread. Of values: Hyndman and Fan's type 7 (linear between the order statistics
 * 1 + (n - 1) p), the default of R and NumPy. Of histograms: the bucket that holds the order statistic
 * ceil(p n), and linear inside it. No I/O, no allocation, no state.
 */
#ifndef TARE_STATS_QUANTILE_H
#define TARE_STATS_QUANTILE_H

#include <stddef.h>
#include <stdint.h>

/*
 * `sorted` ascending. p in [0, 1]. NAN for n 0 or p outside. It looks at two of the values and so cannot refuse
 * the others: values from outside go through tare_values_check_sorted() (stats/values.h) once. Of values that
 * did not, what it reads it uses: a NaN there, or the distance to an infinite one, makes the answer NaN or
 * infinite.
 */
double tare_quantile(const double *sorted, size_t n, double p);

/*
 * Sorts `values` in place. NAN for n 0, and for values that tare_values_check() refuses (NaN, infinity), which
 * are left as they are.
 */
double tare_median(double *values, size_t n);

/*
 * Median absolute deviation from `center`, unscaled. Overwrites `values`. NAN as above, and for such a center.
 */
double tare_mad(double *values, size_t n, double center);

/* Two-sided 95 % factor that turns a normal standard error into half the width of an interval. */
#define TARE_Z95 1.959963984540054

/* MAD of a normal distribution, times this, is its standard deviation. */
#define TARE_MAD_TO_SIGMA 1.482602218505602

/*
 * Quantile p of a log-linear histogram of `count` buckets (layout: tare/page.h), in ticks. `min` and `max` are
 * the exact extremes, and bound the answer. NAN for an empty histogram or p outside [0, 1]. If `error` is not
 * NULL it gets half the width of the bucket, clipped to the extremes.
 */
double tare_histogram_quantile(const uint64_t *buckets, uint32_t count, double p, uint64_t min, uint64_t max,
                               double *error);

#endif
