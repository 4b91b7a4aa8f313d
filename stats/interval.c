/* SPDX-License-Identifier: MIT */
/*
 * Intervals in closed form; the header names their sources.
 */
#include <errno.h>
#include <math.h>
#include <stdbool.h>

#include "stats/distribution.h"
#include "stats/interval.h"
#include "stats/quantile.h"
#include "stats/values.h"

static const struct tare_interval unknown = {NAN, NAN, NAN, NAN};

static bool is_confidence(double confidence)
{
    return confidence > 0.0 && confidence < 1.0;
}

/* The smallest k in 0 ... n with P(X <= k) > limit, X binomial(n, p). */
static size_t first_above(size_t n, double p, double limit)
{
    size_t low = 0, high = n; /* at n it is 1 */
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (tare_binomial_cdf((int64_t)middle, n, p) > limit) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return low;
}

/*
 * With X of n values below the quantile, the l-th value lies above it if X <= l - 1, and the u-th below it if
 * X >= u. l is the largest with P(X <= l - 1) <= half the error, u the smallest with P(X >= u) <= it. That is,
 * n - X <= n - u, and n - X is binomial(n, 1 - p): u is found as l is, from the other end, by m = n - u + 1.
 */
int tare_quantile_interval(const double *sorted, size_t n, double p, double confidence,
                           struct tare_interval *out)
{
    *out = unknown;
    if (!is_confidence(confidence) || !(p > 0.0 && p < 1.0) || tare_values_check_sorted(sorted, n) != 0) {
        return -EINVAL;
    }
    if (n == 0) {
        return 0;
    }
    out->estimate = tare_quantile(sorted, n, p);
    double half = (1.0 - confidence) / 2.0;
    size_t l = first_above(n, p, half); /* 0: there is none */
    size_t m = first_above(n, 1.0 - p, half);
    if (l >= 1) {
        out->low = sorted[l - 1];
    }
    if (m >= 1) {
        out->high = sorted[n - m];
    }
    if (l >= 1 && m >= 1) {
        out->coverage =
            1.0 - tare_binomial_cdf((int64_t)l - 1, n, p) - tare_binomial_cdf((int64_t)m - 1, n, 1.0 - p);
    }
    return 0;
}

int tare_mean_interval(const struct tare_moments *moments, double n_effective, double confidence,
                       struct tare_interval *out)
{
    *out = unknown;
    double n = (double)moments->n;
    if (!is_confidence(confidence) || !(n_effective <= n) || !(n_effective > 0.0 || n == 0.0)) {
        return -EINVAL;
    }
    out->estimate = tare_moments_mean(moments);
    if (n_effective > 1.0) {
        double t = tare_student_quantile(0.5 + confidence / 2.0, n_effective - 1.0);
        double half = t * sqrt(moments->squares / n / (n_effective - 1.0));
        out->low = moments->mean - half;
        out->high = moments->mean + half;
        out->coverage = confidence;
    }
    return 0;
}

static int check_proportion(uint64_t successes, uint64_t trials, double confidence, struct tare_interval *out)
{
    *out = unknown;
    return is_confidence(confidence) && successes <= trials ? 0 : -EINVAL;
}

int tare_proportion_wilson(uint64_t successes, uint64_t trials, double confidence, struct tare_interval *out)
{
    int err = check_proportion(successes, trials, confidence, out);
    if (err != 0 || trials == 0) {
        return err;
    }
    double n = (double)trials, p = (double)successes / n;
    double z = tare_normal_quantile(0.5 + confidence / 2.0), square = z * z;
    double middle = (p + square / (2.0 * n)) / (1.0 + square / n);
    double half = z * sqrt(p * (1.0 - p) / n + square / (4.0 * n * n)) / (1.0 + square / n);
    *out = (struct tare_interval){
        .estimate = p,
        .low = successes == 0 ? 0.0 : middle - half, /* exactly 0 and 1 at the ends, but for rounding */
        .high = successes == trials ? 1.0 : middle + half,
        .coverage = confidence,
    };
    return 0;
}

double tare_share_error(double share, double n, double confidence)
{
    if (!(n > 0) || !(share >= 0 && share <= 1)) {
        return NAN;
    }
    double z = tare_normal_quantile(0.5 + confidence / 2.0), square = z * z;
    double middle = (share + square / (2.0 * n)) / (1.0 + square / n);
    double half = z * sqrt(share * (1.0 - share) / n + square / (4.0 * n * n)) / (1.0 + square / n);
    return fabs(middle - share) + half;
}

int tare_proportion_exact(uint64_t successes, uint64_t trials, double confidence, struct tare_interval *out)
{
    int err = check_proportion(successes, trials, confidence, out);
    if (err != 0 || trials == 0) {
        return err;
    }
    double k = (double)successes, rest = (double)(trials - successes);
    double half = (1.0 - confidence) / 2.0;
    *out = (struct tare_interval){
        .estimate = k / (double)trials,
        .low = successes == 0 ? 0.0 : tare_beta_quantile(half, k, rest + 1.0),
        /* 1 - the quantile of the mirrored distribution, whose small chance is exact */
        .high = successes == trials ? 1.0 : 1.0 - tare_beta_quantile(half, rest, k + 1.0),
        .coverage = confidence,
    };
    return 0;
}
