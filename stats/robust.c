/* SPDX-License-Identifier: MIT */
/*
 * Trimmed and windowed locations; the header has their definitions.
 */
#include <errno.h>
#include <float.h>
#include <math.h>

#include "stats/quantile.h"
#include "stats/robust.h"
#include "stats/values.h"

/* floor(share n), but a product that rounding left a few units below a whole number is that number. */
static size_t count_of(double share, size_t n)
{
    double product = share * (double)n;
    return (size_t)floor(product + 4.0 * DBL_EPSILON * product);
}

int tare_trimmed_min(const double *sorted, size_t n, double trim, double *min)
{
    *min = NAN;
    if (!(trim >= 0.0 && trim < 1.0) || tare_values_check_sorted(sorted, n) != 0) {
        return -EINVAL;
    }
    if (n != 0) {
        size_t out = count_of(trim, n);
        *min = sorted[out < n ? out : n - 1];
    }
    return 0;
}

int tare_trimmed_mean(const double *sorted, size_t n, double trim, double *mean)
{
    *mean = NAN;
    if (!(trim >= 0.0 && trim < 0.5) || tare_values_check_sorted(sorted, n) != 0) {
        return -EINVAL;
    }
    size_t out = count_of(trim, n);
    if (n == 0 || 2 * out >= n) {
        return 0;
    }
    double sum = 0.0; /* of distances from one of them: equal values have exactly their mean */
    for (size_t i = out; i < n - out; i++) {
        sum += sorted[i] - sorted[out];
    }
    *mean = sorted[out] + sum / (double)(n - 2 * out);
    return 0;
}

int tare_windowed_min(const double *values, size_t n, size_t width, double *minima,
                      struct tare_windowed_min *out)
{
    *out = (struct tare_windowed_min){.median = NAN, .low = NAN, .high = NAN};
    if (width == 0 || tare_values_check(values, n) != 0) {
        return -EINVAL;
    }
    size_t windows = n / width;
    if (windows == 0) {
        return 0;
    }
    for (size_t w = 0; w < windows; w++) {
        minima[w] = values[w * width];
        for (size_t i = 1; i < width; i++) {
            minima[w] = fmin(minima[w], values[w * width + i]);
        }
    }
    tare_values_sort(minima, windows);
    *out = (struct tare_windowed_min){
        .windows = windows,
        .median = tare_quantile(minima, windows, 0.5),
        .low = minima[0],
        .high = minima[windows - 1],
    };
    return 0;
}
