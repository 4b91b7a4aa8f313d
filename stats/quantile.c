/* SPDX-License-Identifier: MIT */
/*
 * Quantiles and robust spread, of values and of the page's histograms.
 *
 * Quantiles of values are type 7 of R. J. Hyndman and Y. Fan, "Sample Quantiles in Statistical Packages", The
 * American Statistician 50 (1996), pages 361-365, so that a figure can be checked with R or NumPy as they come.
 *
 * A histogram knows how many values lie in a bucket, not where. The quantile of one is therefore the order
 * statistic ceil(p n) (type 1 of the same paper), which is one value and not a mixture of two buckets, and its
 * place inside the bucket is what evenly spread values would give it.
 */
#include <float.h>
#include <math.h>
#include <stdbool.h>

#include <tare/page.h>

#include "stats/quantile.h"
#include "stats/values.h"

double tare_quantile(const double *sorted, size_t n, double p)
{
    if (n == 0 || !(p >= 0.0 && p <= 1.0)) {
        return NAN;
    }
    double position = (double)(n - 1) * p;
    size_t below = (size_t)position;
    double fraction = position - (double)below;
    if (below + 1 >= n) {
        return sorted[n - 1];
    }
    if (fraction == 0.0) { /* infinity - infinity is not a number */
        return sorted[below];
    }
    return sorted[below] + fraction * (sorted[below + 1] - sorted[below]);
}

double tare_median(double *values, size_t n)
{
    if (tare_values_check(values, n) != 0) {
        return NAN;
    }
    tare_values_sort(values, n);
    return tare_quantile(values, n, 0.5);
}

double tare_mad(double *values, size_t n, double center)
{
    if (tare_values_check(values, n) != 0 || tare_values_check(&center, 1) != 0) {
        return NAN;
    }
    for (size_t i = 0; i < n; i++) {
        values[i] = fabs(values[i] - center);
    }
    tare_values_sort(values, n);
    return tare_quantile(values, n, 0.5);
}

/*
 * ceil(p n), within 1 ... n. 0.07 x 100 is 7.000000000000001 in doubles: the few units of rounding error are
 * taken off first, or the rank would be 8.
 */
static double rank_of(double p, double n)
{
    double product = p * n;
    double rank = ceil(product - 4.0 * DBL_EPSILON * product);
    return rank < 1.0 ? 1.0 : rank > n ? n : rank;
}

static uint64_t clip(uint64_t value, uint64_t min, uint64_t max)
{
    return value < min ? min : value > max ? max : value;
}

double tare_histogram_quantile(const uint64_t *buckets, uint32_t count, double p, uint64_t min, uint64_t max,
                               double *error)
{
    if (error != NULL) {
        *error = NAN;
    }
    if (!(p >= 0.0 && p <= 1.0) || count > TARE_BUCKET_COUNT) {
        return NAN;
    }
    double total = 0.0; /* exact up to 2^53 values, and no overflow beyond */
    uint32_t last = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (buckets[i] != 0) {
            total += (double)buckets[i];
            last = i;
        }
    }
    if (total == 0.0) {
        return NAN;
    }
    bool bounded = min <= max; /* else they are no extremes, and say nothing */
    double rank = rank_of(p, total);
    double before = 0.0;
    uint32_t index = 0;
    while (index < last && before + (double)buckets[index] < rank) {
        before += (double)buckets[index];
        index++;
    }
    uint64_t low = tare_bucket_low(index);
    uint64_t high = low + tare_bucket_width(index) - 1;
    if (bounded) {
        if (index == TARE_BUCKET_COUNT - 1 && max > high) {
            high = max; /* the last bucket is open above */
        }
        low = clip(low, min, max);
        high = clip(high, min, max);
        if (rank <= 1.0) { /* the smallest and the largest are known, and no matter of buckets */
            low = high = min;
        } else if (rank >= total) {
            low = high = max;
        }
    }
    double span = (double)(high - low);
    if (error != NULL) {
        *error = span / 2.0;
    }
    /* k of c evenly spread values stands in the middle of the k-th of c equal parts. */
    return (double)low + span * (rank - before - 0.5) / (double)buckets[index];
}
