/* SPDX-License-Identifier: MIT */
/*
 * Dependence within a series; the header has definitions and sources. Autocovariances are summed directly, not
 * by a Fourier transform: those that are needed are few unless the series is useless.
 */
#include <errno.h>
#include <math.h>

#include "stats/moments.h"
#include "stats/series.h"
#include "stats/values.h"

/* Sum of the products of distances from the mean, `lag` apart; lag < n. */
static double products_at(const double *values, size_t n, size_t lag, double mean)
{
    double sum = 0.0;
    for (size_t i = 0; i + lag < n; i++) {
        sum += (values[i] - mean) * (values[i + lag] - mean);
    }
    return sum;
}

/* Where all values are equal rounding may leave squares that are not 0. */
static bool varies(const struct tare_moments *moments)
{
    return moments->n >= 2 && moments->max > moments->min && moments->squares > 0.0;
}

int tare_autocorrelation(const double *values, size_t n, size_t max_lag, double *r)
{
    struct tare_moments moments;
    int err = max_lag >= n && max_lag != 0 ? -EINVAL : tare_moments_of(values, n, &moments);
    if (err != 0 || !varies(&moments)) {
        for (size_t lag = 0; lag <= max_lag; lag++) {
            r[lag] = NAN;
        }
        return err;
    }
    double squares = products_at(values, n, 0, moments.mean);
    for (size_t lag = 0; lag <= max_lag; lag++) {
        r[lag] = products_at(values, n, lag, moments.mean) / squares;
    }
    return 0;
}

int tare_effective_n(const double *values, size_t n, size_t max_lag, struct tare_effective_n *out)
{
    *out = (struct tare_effective_n){.n = NAN, .time = NAN};
    struct tare_moments moments;
    int err = tare_moments_of(values, n, &moments);
    if (err != 0 || n < 4 || !varies(&moments)) {
        return err;
    }
    size_t last = max_lag == 0 || max_lag > n - 1 ? n - 1 : max_lag;
    double squares = products_at(values, n, 0, moments.mean);
    double time = -1.0; /* lag 0 is counted once, all others twice */
    double smallest = INFINITY;
    bool ended = false;
    for (size_t lag = 0; lag + 1 <= last; lag += 2) {
        double pair =
            (products_at(values, n, lag, moments.mean) + products_at(values, n, lag + 1, moments.mean)) /
            squares;
        if (!(pair > 0.0)) {
            ended = true;
            break;
        }
        smallest = fmin(smallest, pair);
        time += 2.0 * smallest;
        out->lag = lag + 1;
    }
    out->time = fmax(time, 1.0);
    out->n = (double)n / out->time;
    out->cut = !ended && last < n - 1;
    return 0;
}

int tare_block_means(const double *values, size_t n, size_t size, double *means, struct tare_blocks *out)
{
    *out = (struct tare_blocks){.mean = NAN, .standard_error = NAN};
    if (tare_values_check(values, n) != 0) {
        return -EINVAL;
    }
    if (size == 0) {
        size = (size_t)sqrt((double)n);
    }
    if (n == 0 || size > n) {
        out->size = size;
        return 0;
    }
    struct tare_moments of_means = {0};
    size_t count = n / size;
    for (size_t block = 0; block < count; block++) {
        struct tare_moments in_block;
        tare_moments_of(values + block * size, size, &in_block);
        tare_moments_add(&of_means, in_block.mean);
        if (means != NULL) {
            means[block] = in_block.mean;
        }
    }
    *out = (struct tare_blocks){
        .count = count,
        .size = size,
        .mean = tare_moments_mean(&of_means),
        .standard_error = tare_moments_standard_error(&of_means),
    };
    return 0;
}
