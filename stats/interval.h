/* SPDX-License-Identifier: MIT */
/*
 * Intervals that need no resampling: of a median or another quantile, of a mean, of a proportion. No
 * allocation. Errors: see stats/values.h. The bootstrap is in stats/bootstrap.h.
 *
 * A 95 % interval is one of a procedure that covers the true value in 95 of 100 repetitions; the proportion is
 * what the tests check.
 */
#ifndef TARE_STATS_INTERVAL_H
#define TARE_STATS_INTERVAL_H

#include <stddef.h>
#include <stdint.h>

#include "stats/moments.h"

struct tare_interval {
    double estimate;
    double low;
    double high;
    double coverage; /* the chance of covering, exact where that is known, else the confidence asked for */
};

/*
 * Interval of the population's quantile p, 0 < p < 1, between two of the values: for the median, the one that
 * belongs to the sign test. It rests on counting alone: how many of n independent values lie below the quantile
 * is binomial(n, p) whatever their distribution (David and Nagaraja, "Order Statistics", 2003, section 7.1; W.
 * J. Conover, "Practical Nonparametric Statistics", 1999, section 3.2). Each side errs with a chance of at most
 * (1 - confidence) / 2; as order statistics are whole, the coverage reached is more than asked for, and it is
 * returned. Where the distribution has atoms (a coarse clock) it is at least that.
 *
 * An end is NAN where n is too small to have one, and the coverage then too: both ends of a median's 95 %
 * interval need 6 values, of a 99th percentile's upper end 368. The estimate is tare_quantile(). `sorted`
 * ascending.
 */
int tare_quantile_interval(const double *sorted, size_t n, double p, double confidence,
                           struct tare_interval *out);

/*
 * Interval of the mean: Student's t with n_effective - 1 degrees of freedom. n_effective is moments->n for
 * values that do not depend on each other, and less for those that do (tare_effective_n() in stats/series.h);
 * the variance is then corrected too, as the values lie nearer to their mean than to the true one: squares / n
 * x n_effective / (n_effective - 1), which is the usual one if n_effective is n (A. Zieba, "Effective Number of
 * Observations and Unbiased Estimators of Variance for Autocorrelated Data", Metrology and Measurement Systems
 * 17 (2010), pages 3-16). Right for normal values, and the better the more there are for others.
 *
 * n_effective finite, above 0 and at most n (0 if n is 0). The ends are NAN for n_effective 1 or less.
 */
int tare_mean_interval(const struct tare_moments *moments, double n_effective, double confidence,
                       struct tare_interval *out);

/*
 * Intervals of the chance of success, of which `successes` in `trials` were seen. All NAN for no trials.
 *
 * Wilson's score interval (E. B. Wilson, Journal of the American Statistical Association 22 (1927), pages
 * 209-212) covers as often as asked for on average over chances. Clopper and Pearson's (Biometrika 26 (1934),
 * pages 404-413) covers at least as often as asked for at every chance, and is wider: for claims.
 */
int tare_proportion_wilson(uint64_t successes, uint64_t trials, double confidence, struct tare_interval *out);
/*
 * A share of n samples with the error to write behind it: the distance from `share` to the farther end of Wilson's interval,
 * whose middle is not the share, so that share +- error holds the interval. n may be a number of samples that weights are
 * worth, and no whole one (Kish's effective size). NAN unless n is above 0 and the share in [0, 1].
 */
double tare_share_error(double share, double n, double confidence);
int tare_proportion_exact(uint64_t successes, uint64_t trials, double confidence, struct tare_interval *out);

#endif
