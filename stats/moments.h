/* SPDX-License-Identifier: MIT */
/*
 * Mean, standard deviation and extremes of values that come one at a time, without keeping them, and of several
 * such collections together.
 *
 * One value at a time: B. P. Welford, "Note on a Method for Calculating Corrected Sums of Squares and
 * Products", Technometrics 4 (1962), pages 419-420. Two collections: T. F. Chan, G. H. Golub and R. J. LeVeque,
 * "Updating Formulae and a Pairwise Algorithm for Computing Sample Variances", Stanford STAN-CS-79-773 (1979).
 * Neither loses the variance of values that lie far from zero and close together, as the
 * difference of two sums does. No allocation. Errors: see stats/values.h.
 */
#ifndef TARE_STATS_MOMENTS_H
#define TARE_STATS_MOMENTS_H

#include <stddef.h>
#include <stdint.h>

/* All zero is an empty one. Read it through the functions below. */
struct tare_moments {
    uint64_t n;
    double mean;
    double squares; /* sum of the squared distances from the mean */
    double min;
    double max;
};

/* -EINVAL, and nothing added, if the value is refused. */
int tare_moments_add(struct tare_moments *moments, double value);

/* Of an array. Empty if refused. */
int tare_moments_of(const double *values, size_t n, struct tare_moments *moments);

/* `into` becomes what it would be if the values of `from` had been added to it, but for rounding. */
void tare_moments_merge(struct tare_moments *into, const struct tare_moments *from);

/* These need one value, and are NAN without. */
double tare_moments_mean(const struct tare_moments *moments);
double tare_moments_min(const struct tare_moments *moments);
double tare_moments_max(const struct tare_moments *moments);

/*
 * These need two: the variance with divisor n - 1, its root, and the standard error of the mean, sd / sqrt(n),
 * which supposes that the values do not depend on each other (see tare_effective_n() in stats/series.h).
 */
double tare_moments_variance(const struct tare_moments *moments);
double tare_moments_sd(const struct tare_moments *moments);
double tare_moments_standard_error(const struct tare_moments *moments);

/* Coefficient of variation, sd / |mean|, a plain ratio. NAN where the mean is 0, besides. */
double tare_moments_cv(const struct tare_moments *moments);

#endif
