/* SPDX-License-Identifier: MIT */
/*
 * The usual figures of a set of values, each by the function that is made for it.
 */
#include <errno.h>
#include <math.h>

#include "stats/interval.h"
#include "stats/moments.h"
#include "stats/quantile.h"
#include "stats/summary.h"
#include "stats/values.h"

/* The chance that one mode is taken for several; docs/statistics.md has what is found at that. */
#define MODES_ALPHA 0.01

static const struct tare_summary unknown = {
    .median = NAN,
    .median_low = NAN,
    .median_high = NAN,
    .mad = NAN,
    .mean = NAN,
    .sd = NAN,
    .cv = NAN,
    .min = NAN,
    .max = NAN,
    .p50 = NAN,
    .p95 = NAN,
    .p99 = NAN,
    .modes = {.dip = NAN, .p = NAN, .grain = NAN},
};

/*
 * The median distance from the center, of values that ascend: those at the left of it, read backwards, and
 * those at its right ascend too, so that the two are merged up to their middle. (tare_mad() would overwrite the
 * values.)
 */
static double mad_of(const double *sorted, size_t n, double center)
{
    size_t right = 0;
    while (right < n && sorted[right] < center) {
        right++;
    }
    size_t left = right;
    double before = NAN, distance = NAN;
    for (size_t i = 0; i <= n / 2; i++) {
        before = distance;
        if (right == n || (left > 0 && center - sorted[left - 1] <= sorted[right] - center)) {
            distance = center - sorted[--left];
        } else {
            distance = sorted[right++] - center;
        }
    }
    return n % 2 == 1 ? distance : before + (distance - before) / 2.0;
}

int tare_summary_of(double *values, size_t n, double confidence, double grain, struct tare_summary *out)
{
    *out = unknown;
    if (!(confidence > 0.0 && confidence < 1.0) || !(grain >= 0.0 && grain <= TARE_VALUE_LIMIT) ||
        tare_values_check(values, n) != 0) {
        return -EINVAL;
    }
    if (n == 0) {
        return 0;
    }
    struct tare_summary found = {.n = n};
    struct tare_moments moments;
    tare_moments_of(values, n, &moments);
    tare_values_sort(values, n);
    int failure = tare_modes_of(values, n, grain, MODES_ALPHA, &found.modes);
    if (failure != 0) {
        return failure;
    }
    struct tare_interval interval;
    tare_quantile_interval(values, n, 0.5, confidence, &interval);
    found.median = found.p50 = interval.estimate;
    found.median_low = interval.low;
    found.median_high = interval.high;
    found.mad = n > 1 ? mad_of(values, n, found.median) : NAN; /* one value has no scatter that is known */
    found.mean = tare_moments_mean(&moments);
    found.sd = tare_moments_sd(&moments);
    found.cv = tare_moments_cv(&moments);
    found.min = values[0];
    found.max = values[n - 1];
    found.p95 = tare_quantile(values, n, 0.95);
    found.p99 = tare_quantile(values, n, 0.99);
    struct tare_fences fences;
    tare_outlier_fences(values, n, &fences);
    tare_outlier_mark(values, n, &fences, NULL, found.outliers);
    *out = found;
    return 0;
}

void tare_summary_widen(struct tare_summary *summary, double factor)
{
    if (!isnan(summary->median_low)) {
        double low = summary->median - factor * (summary->median - summary->median_low);
        summary->median_low = fmax(low, summary->min);
    }
    if (!isnan(summary->median_high)) {
        double high = summary->median + factor * (summary->median_high - summary->median);
        summary->median_high = fmin(high, summary->max);
    }
}
