/* SPDX-License-Identifier: MIT */
/*
 * The bootstrap: how far a statistic scatters, and an interval for it, from the values alone, without supposing
 * their distribution. Resamples are drawn from a seeded generator, so that equal calls give equal answers.
 *
 * The interval is BCa, "bias-corrected and accelerated": B. Efron, "Better Bootstrap Confidence Intervals",
 * Journal of the American Statistical Association 82 (1987), pages 171-185; in the form of B. Efron and R. J.
 * Tibshirani, "An Introduction to the Bootstrap" (1993), equations 14.9, 14.10, 14.14 and 14.15, which SciPy's
 * bootstrap() has too.
 *
 * Limits. The values must not depend on each other: where they do (stats/series.h says), resample means of
 * blocks. The interval's coverage is nominal only in the limit: for the mean of 20 skewed values 95 % are
 * 90 %, and no bootstrap knows of a tail that the values do not show, so that it is of no use for
 * extreme quantiles and extremes. For a median, tare_quantile_interval() (stats/interval.h) is exact at every
 * n.
 */
#ifndef TARE_STATS_BOOTSTRAP_H
#define TARE_STATS_BOOTSTRAP_H

#include <stddef.h>
#include <stdint.h>

/*
 * A statistic of n values, which it may put into any order. Called for resamples of n values and for the values
 * less one.
 */
typedef double tare_statistic(double *values, size_t n, void *context);

struct tare_bootstrap {
    double confidence; /* 0 < confidence < 1, as 0.95 */
    size_t resamples;  /* 100 to 10^7; of 2000 an end has a standard error of 2 % of the interval's width */
    uint64_t seed;
};

struct tare_bca {
    double estimate; /* the statistic of the values themselves */
    double low;
    double high;
    double standard_error; /* standard deviation of the resamples' statistics */
    double z0;             /* bias correction */
    double acceleration;
};

/*
 * BCa interval of any statistic. Calls it resamples + n + 1 times: time O((resamples + n) n) for a mean.
 * Allocates resamples + 2 n doubles (-ENOMEM). -EINVAL also if the statistic is not finite somewhere. NAN but
 * for the estimate if n is below 2, and all NAN for n 0, of which the statistic is not called.
 */
int tare_bootstrap_statistic(const double *values, size_t n, tare_statistic *statistic, void *context,
                             const struct tare_bootstrap *options, struct tare_bca *out);

/*
 * BCa interval of quantile p (type 7; 0.5: the median) of `sorted`, ascending. Time O(n + resamples), so that
 * 10^4 values and 2000 resamples take less than a millisecond: a resample is not drawn, only the two of its
 * order statistics that the quantile needs, from their joint distribution, which is known (see bootstrap.c).
 * The interval is distributed as the one above would be. Allocates resamples + n doubles (-ENOMEM). n as above.
 */
int tare_bootstrap_quantile(const double *sorted, size_t n, double p, const struct tare_bootstrap *options,
                            struct tare_bca *out);

/*
 * The last step of both: from the statistics of `count` resamples (sorted in place), of the values, and of the
 * n sets with one value left out. count at least 1, n at least 2; else NAN.
 *
 * z0 is the normal quantile of the share of resamples below the estimate, those equal to it counting half (as
 * for a median many are), and no nearer to 0 or 1 than half a resample, where it would be infinite. If leaving
 * one out never matters, the acceleration is 0.
 */
int tare_bca_interval(double *resampled, size_t count, double estimate, const double *left_out, size_t n,
                      double confidence, struct tare_bca *out);

#endif
