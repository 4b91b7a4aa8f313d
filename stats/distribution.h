/* SPDX-License-Identifier: MIT */
/*
 * The distributions that intervals are made of. Every function returns NAN for arguments out of range, NaN
 * among them. No allocation, no globals (lgamma(3) writes one, lgamma_r(3) does not).
 *
 * Relative error: some 1e-14 for the normal distribution; for the others 1e-12 up to counts of 10^4, growing to
 * 5e-11 at 10^6 (against R, on 4000 random arguments). How they are computed stands in distribution.c.
 */
#ifndef TARE_STATS_DISTRIBUTION_H
#define TARE_STATS_DISTRIBUTION_H

#include <stdint.h>

/* P(Z <= z). z may be infinite. */
double tare_normal_cdf(double z);

/* The z with P(Z <= z) = p. 0 < p < 1. */
double tare_normal_quantile(double p);

/* Student's t with any positive number of degrees of freedom, whole or not. 0 < p < 1. */
double tare_student_cdf(double t, double freedom);
double tare_student_quantile(double p, double freedom);

/*
 * Regularised incomplete beta function I_x(a, b), the distribution function of beta(a, b). a, b > 0, x in [0,
 * 1].
 */
double tare_beta_cdf(double x, double a, double b);
double tare_beta_quantile(double p, double a, double b); /* p in [0, 1] */

/* P(X <= k) and P(X > k) of n trials with chance p in [0, 1]; both, since one is not exact as 1 - the other. */
double tare_binomial_cdf(int64_t k, uint64_t n, double p);
double tare_binomial_tail(int64_t k, uint64_t n, double p);

#endif
