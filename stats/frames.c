/* SPDX-License-Identifier: MIT */
/*
 * Frame metrics; the header has their definitions.
 */
#include <errno.h>
#include <math.h>

#include "stats/frames.h"
#include "stats/moments.h"
#include "stats/quantile.h"
#include "stats/values.h"

#define MS_PER_SECOND 1000.0

static double fps_of(double frame_ms)
{
    double fps = MS_PER_SECOND / frame_ms;
    return isfinite(fps) ? fps : NAN;
}

/*
 * Of n frames the slowest stands at (n - 1/2) / n (A. Hazen, Transactions of the American Society of Civil
 * Engineers 77 (1914), pages 1539-1640): for a p beyond that there is no frame, and what type 7 makes of the two
 * slowest is a time that says nothing of the p. The few units of rounding error are granted.
 */
static double percentile_of(const double *times_ms, size_t n, double p)
{
    return (double)n * (1.0 - p) >= 0.5 * (1.0 - 1e-9) ? tare_quantile(times_ms, n, p) : NAN;
}

int tare_frames_of(double *times_ms, size_t n, struct tare_frames *out)
{
    *out = (struct tare_frames){
        .total_ms = NAN,
        .avg_fps = NAN,
        .median_fps = NAN,
        .low_1_fps = NAN,
        .low_01_fps = NAN,
        .mean_ms = NAN,
        .p50_ms = NAN,
        .p95_ms = NAN,
        .p99_ms = NAN,
        .p999_ms = NAN,
        .min_ms = NAN,
        .max_ms = NAN,
        .variance_ms2 = NAN,
        .sd_ms = NAN,
        .cov = NAN,
    };
    struct tare_moments moments;
    int err = tare_moments_of(times_ms, n, &moments);
    if (err != 0 || moments.min < 0.0) {
        return -EINVAL;
    }
    if (n == 0) {
        return 0;
    }
    tare_values_sort(times_ms, n);
    out->frames = n;
    out->total_ms = 0.0;
    for (size_t i = 0; i < n; i++) { /* ascending: small times are added before they are lost in the sum */
        out->total_ms += times_ms[i];
    }
    out->p50_ms = tare_quantile(times_ms, n, 0.50);
    out->p95_ms = percentile_of(times_ms, n, 0.95);
    out->p99_ms = percentile_of(times_ms, n, 0.99);
    out->p999_ms = percentile_of(times_ms, n, 0.999);
    out->avg_fps = fps_of(out->total_ms / (double)n);
    out->median_fps = fps_of(out->p50_ms);
    out->low_1_fps = fps_of(out->p99_ms);
    out->low_01_fps = fps_of(out->p999_ms);
    out->mean_ms = tare_moments_mean(&moments);
    out->min_ms = moments.min;
    out->max_ms = moments.max;
    out->variance_ms2 = tare_moments_variance(&moments);
    out->sd_ms = tare_moments_sd(&moments);
    out->cov = tare_moments_cv(&moments);
    return 0;
}
