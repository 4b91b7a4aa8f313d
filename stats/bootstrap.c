/* SPDX-License-Identifier: MIT */
/*
 * BCa intervals.
 *
 * Quantiles without resampling. A resample of x_1 <= ... <= x_n is x_ceil(n U) for n independent uniform U, and
 * since that function ascends, its k-th order statistic is x_ceil(n U_(k)), where U_(k) is the k-th smallest of
 * the U. U_(k) has the distribution beta(k, n - k + 1); given it, the n - k larger ones are uniform between it
 * and 1, so the smallest of them is 1 - (1 - U_(k)) V^(1 / (n - k)) with a uniform V (H. A. David and H. N.
 * Nagaraja, "Order Statistics", 2003, sections 2.2 and 2.5). Two numbers are drawn where n were, and the
 * distribution is the same: B. Efron, "Bootstrap Methods: Another Look at the Jackknife", Annals of Statistics
 * 7 (1979), section 3, does it for the median.
 */
#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "stats/bootstrap.h"
#include "stats/distribution.h"
#include "stats/moments.h"
#include "stats/quantile.h"
#include "stats/random.h"
#include "stats/values.h"

#define RESAMPLES_MIN 100
#define RESAMPLES_MAX 10000000

static const struct tare_bca unknown = {NAN, NAN, NAN, NAN, NAN, NAN};

static bool usable(const struct tare_bootstrap *options)
{
    return options->confidence > 0.0 && options->confidence < 1.0 && options->resamples >= RESAMPLES_MIN &&
           options->resamples <= RESAMPLES_MAX;
}

/* Efron and Tibshirani's 14.14; `resampled` ascending. */
static double bias_correction(const double *resampled, size_t count, double estimate)
{
    double below = 0.0;
    for (size_t i = 0; i < count && resampled[i] <= estimate; i++) {
        below += resampled[i] < estimate ? 1.0 : 0.5;
    }
    return tare_normal_quantile(fmin(fmax(below, 0.5), (double)count - 0.5) / (double)count);
}

/* Their 14.15. The distances are scaled by the largest, so that no cube vanishes or overflows. */
static double acceleration_of(const double *left_out, size_t n)
{
    struct tare_moments moments;
    tare_moments_of(left_out, n, &moments);
    double scale = fmax(moments.max - moments.mean, moments.mean - moments.min);
    if (!(moments.max > moments.min)) {
        return 0.0;
    }
    double squares = 0.0, cubes = 0.0;
    for (size_t i = 0; i < n; i++) {
        double distance = (moments.mean - left_out[i]) / scale;
        squares += distance * distance;
        cubes += distance * distance * distance;
    }
    return cubes / (6.0 * squares * sqrt(squares));
}

/* Their 14.10: the share of the resamples that shall lie below the end of the interval. */
static double corrected_share(double z0, double acceleration, double z)
{
    double w = z0 + z;
    double divisor = 1.0 - acceleration * w;
    if (divisor <= 0.0) { /* past the pole: the limit before it */
        return w > 0.0 ? 1.0 : 0.0;
    }
    return tare_normal_cdf(z0 + w / divisor);
}

int tare_bca_interval(double *resampled, size_t count, double estimate, const double *left_out, size_t n,
                      double confidence, struct tare_bca *out)
{
    *out = unknown;
    if (!(confidence > 0.0 && confidence < 1.0) || tare_values_check(resampled, count) != 0 ||
        tare_values_check(&estimate, 1) != 0 || tare_values_check(left_out, n) != 0) {
        return -EINVAL;
    }
    out->estimate = estimate;
    if (count == 0 || n < 2) {
        return 0;
    }
    struct tare_moments moments;
    tare_moments_of(resampled, count, &moments);
    out->standard_error = tare_moments_sd(&moments);

    tare_values_sort(resampled, count);
    out->z0 = bias_correction(resampled, count, estimate);
    out->acceleration = acceleration_of(left_out, n);
    double z = tare_normal_quantile((1.0 - confidence) / 2.0);
    out->low = tare_quantile(resampled, count, corrected_share(out->z0, out->acceleration, z));
    out->high = tare_quantile(resampled, count, corrected_share(out->z0, out->acceleration, -z));
    return 0;
}

int tare_bootstrap_statistic(const double *values, size_t n, tare_statistic *statistic, void *context,
                             const struct tare_bootstrap *options, struct tare_bca *out)
{
    *out = unknown;
    if (!usable(options) || tare_values_check(values, n) != 0) {
        return -EINVAL;
    }
    if (n == 0) {
        return 0;
    }
    size_t count = options->resamples;
    double *memory = n > SIZE_MAX / sizeof(double) / 4 ? NULL : malloc((count + 2 * n) * sizeof(double));
    if (memory == NULL) {
        return -ENOMEM;
    }
    double *resampled = memory, *left_out = memory + count, *work = left_out + n;

    memcpy(work, values, n * sizeof(double));
    double estimate = statistic(work, n, context);

    struct tare_random random;
    tare_random_seed(&random, options->seed);
    for (size_t b = 0; n >= 2 && b < count; b++) {
        for (size_t i = 0; i < n; i++) {
            work[i] = values[tare_random_below(&random, n)];
        }
        resampled[b] = statistic(work, n, context);
    }
    for (size_t i = 0; n >= 2 && i < n; i++) {
        memcpy(work, values, i * sizeof(double));
        memcpy(work + i, values + i + 1, (n - i - 1) * sizeof(double));
        left_out[i] = statistic(work, n - 1, context);
    }
    int err = tare_bca_interval(resampled, n >= 2 ? count : 0, estimate, left_out, n >= 2 ? n : 0,
                                options->confidence, out);
    free(memory);
    return err;
}

/* The quantile of a resample of `sorted`, whose place is between the order statistics k and k + 1. */
static double resampled_quantile(struct tare_random *random, const double *sorted, size_t n, size_t k,
                                 double fraction)
{
    double u = tare_random_beta(random, (double)k, (double)(n - k) + 1.0);
    size_t i = (size_t)(u * (double)n);
    double lower = sorted[i < n ? i : n - 1];
    if (fraction == 0.0 || k >= n) {
        return lower;
    }
    double next = 1.0 - (1.0 - u) * pow(1.0 - tare_random_uniform(random), 1.0 / (double)(n - k));
    size_t j = (size_t)(next * (double)n);
    double upper = sorted[j < n ? j : n - 1];
    return upper <= lower ? lower : lower + fraction * (upper - lower); /* rounding may put `next` below u */
}

/* Quantile p of `sorted` without its i-th value. */
static double quantile_without(const double *sorted, size_t n, double p, size_t i)
{
    double position = (double)(n - 2) * p;
    size_t below = (size_t)position;
    size_t above = below + 1 < n - 1 ? below + 1 : below;
    double lower = sorted[below < i ? below : below + 1];
    double upper = sorted[above < i ? above : above + 1];
    return lower + (position - (double)below) * (upper - lower);
}

int tare_bootstrap_quantile(const double *sorted, size_t n, double p, const struct tare_bootstrap *options,
                            struct tare_bca *out)
{
    *out = unknown;
    if (!usable(options) || !(p >= 0.0 && p <= 1.0) || tare_values_check_sorted(sorted, n) != 0) {
        return -EINVAL;
    }
    if (n < 2) {
        out->estimate = tare_quantile(sorted, n, p);
        return 0;
    }
    size_t count = options->resamples;
    double *memory = n > SIZE_MAX / sizeof(double) / 4 ? NULL : malloc((count + n) * sizeof(double));
    if (memory == NULL) {
        return -ENOMEM;
    }
    double *resampled = memory, *left_out = memory + count;

    double position = (double)(n - 1) * p;
    size_t below = (size_t)position;
    struct tare_random random;
    tare_random_seed(&random, options->seed);
    for (size_t b = 0; b < count; b++) {
        resampled[b] = resampled_quantile(&random, sorted, n, below + 1, position - (double)below);
    }
    for (size_t i = 0; i < n; i++) {
        left_out[i] = quantile_without(sorted, n, p, i);
    }
    int err =
        tare_bca_interval(resampled, count, tare_quantile(sorted, n, p), left_out, n, options->confidence, out);
    free(memory);
    return err;
}
