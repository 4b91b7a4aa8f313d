/* SPDX-License-Identifier: MIT */
/*
 * Values in the order in which they were taken: how much each says of the next, and thus how many independent
 * values they are worth. Errors: see stats/values.h. No allocation.
 */
#ifndef TARE_STATS_SERIES_H
#define TARE_STATS_SERIES_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Autocorrelations at the lags 0 ... max_lag into r[max_lag + 1]: products of distances from the mean, divided
 * by n at every lag (the "biased" form, which R's acf() has; it keeps the whole sequence positive definite).
 * max_lag below n, or 0. NAN if n is below 2 or all values are equal. Time O(n max_lag).
 */
int tare_autocorrelation(const double *values, size_t n, size_t max_lag, double *r);

struct tare_effective_n {
    double n; /* the variance of the mean is that of so many independent values; at most the values' number */
    double time; /* integrated autocorrelation time: how many values make one, at least 1 */
    size_t lag;  /* the last lag that was added up */
    bool cut;    /* the sum did not end by max_lag: n is too large, and the values far from independent */
};

/*
 * Effective number of values: n / (1 + 2 sum of the autocorrelations), the sum taken over Geyer's initial
 * monotone sequence: sums of pairs of neighbouring lags, made descending, up to the first that is not positive
 * (C. J. Geyer, "Practical Markov Chain Monte Carlo", Statistical Science 7 (1992), pages 473-483, section
 * 3.3). Where values alternate around their mean more than n independent values would be due; n is returned,
 * the cautious figure. Independent values give somewhat less than n (181 of 200, on average), as chance
 * correlations are added only while positive.
 *
 * At most max_lag lags are looked at; 0: all. NAN if n is below 4 or all values are equal. Time O(n x lags
 * used): a few for what depends little, up to n / 2 for a trend.
 */
int tare_effective_n(const double *values, size_t n, size_t max_lag, struct tare_effective_n *out);

struct tare_blocks {
    size_t count;
    size_t size;
    double mean;           /* of the blocks' means */
    double standard_error; /* of that mean, from their scatter; NAN for fewer than 2 blocks */
};

/*
 * Means of blocks of `size` values that follow each other (0: floor(sqrt(n))), and the standard error of the
 * mean which they show: the method of batch means (P. W. Glynn and W. Whitt, Operations Research Letters 10
 * (1991), pages 431-435; the size: J. M. Flegal and G. L. Jones, Annals of Statistics 38 (2010), pages
 * 1034-1070). It is right if blocks are so long that their means do not depend on each other. Values left over
 * at the end are not used. `means` has room for n / size values, or is NULL. All NAN, and count 0, where there
 * is no whole block.
 */
int tare_block_means(const double *values, size_t n, size_t size, double *means, struct tare_blocks *out);

#endif
