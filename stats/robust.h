/* SPDX-License-Identifier: MIT */
/*
 * Locations that a few disturbed values do not move: trimmed minimum, trimmed mean, and the minima of windows.
 * (Median and MAD: stats/quantile.h.) No allocation. Errors: see stats/values.h.
 *
 * `trim` is the share of the values that is left out, at each end where there are two. floor(trim n) values are
 * left out, n trim being taken for the whole number that it is within rounding of (0.29 x 100 is 29 values,
 * though its product in doubles is less).
 */
#ifndef TARE_STATS_ROBUST_H
#define TARE_STATS_ROBUST_H

#include <stddef.h>

/*
 * The smallest value that is left when the floor(trim n) smallest are left out: the order statistic floor(trim
 * n) + 1. Times of one piece of code have a floor, so that the minimum is their least disturbed value (J. Chen
 * and J. Revels, "Robust benchmarking in noisy environments", arXiv:1608.04295, 2016); a wrong reading of the
 * clock goes below it, and trimming takes those out. `sorted` ascending, trim in [0, 1). NAN for n 0.
 */
int tare_trimmed_min(const double *sorted, size_t n, double trim, double *min);

/*
 * The mean of what is left when the floor(trim n) smallest and as many of the largest are left out (J. W. Tukey
 * and D. H. McLaughlin, Sankhya A 25 (1963), pages 331-352). trim in [0, 0.5). NAN for n 0.
 */
int tare_trimmed_mean(const double *sorted, size_t n, double trim, double *mean);

/* What the minima of windows say. */
struct tare_windowed_min {
    size_t windows;
    double median; /* of the windows' minima: the floor that the code comes back to */
    double low;    /* the smallest of them */
    double high;   /* the largest: a floor that moves with time shows as a distance from low */
};

/*
 * Values in the order in which they were taken are cut into windows of `width` values, the first beginning with
 * the first; what is left over at the end and makes no window is not looked at. `minima` has room for n / width
 * values and receives each window's minimum, ascending. width at least 1. NAN where there is no whole window.
 */
int tare_windowed_min(const double *values, size_t n, size_t width, double *minima,
                      struct tare_windowed_min *out);

#endif
