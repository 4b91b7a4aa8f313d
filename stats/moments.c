/* SPDX-License-Identifier: MIT */
/*
 * Welford's update and Chan, Golub and LeVeque's merge, as the header names them. A merge weighs the two means
 * from the larger collection's side, so that merging in one value is Welford's step.
 */
#include <math.h>

#include "stats/moments.h"
#include "stats/values.h"

int tare_moments_add(struct tare_moments *moments, double value)
{
    int err = tare_values_check(&value, 1);
    if (err != 0) {
        return err;
    }
    if (moments->n == 0) {
        *moments = (struct tare_moments){.n = 1, .mean = value, .min = value, .max = value};
        return 0;
    }
    moments->n++;
    double distance = value - moments->mean;
    moments->mean += distance / (double)moments->n;
    moments->squares += distance * (value - moments->mean);
    moments->min = fmin(moments->min, value);
    moments->max = fmax(moments->max, value);
    return 0;
}

int tare_moments_of(const double *values, size_t n, struct tare_moments *moments)
{
    *moments = (struct tare_moments){0};
    int err = tare_values_check(values, n);
    for (size_t i = 0; err == 0 && i < n; i++) {
        tare_moments_add(moments, values[i]);
    }
    return err;
}

void tare_moments_merge(struct tare_moments *into, const struct tare_moments *from)
{
    if (from->n == 0) {
        return;
    }
    if (into->n == 0) {
        *into = *from;
        return;
    }
    const struct tare_moments *large = into->n >= from->n ? into : from;
    const struct tare_moments *small = large == into ? from : into;
    double n_small = (double)small->n, n_large = (double)large->n, n = n_small + n_large;
    double distance = small->mean - large->mean;
    *into = (struct tare_moments){
        .n = into->n + from->n,
        .mean = large->mean + distance * (n_small / n),
        .squares = large->squares + small->squares + distance * distance * (n_small / n) * n_large,
        .min = fmin(into->min, from->min),
        .max = fmax(into->max, from->max),
    };
}

double tare_moments_mean(const struct tare_moments *moments)
{
    return moments->n == 0 ? NAN : moments->mean;
}

double tare_moments_min(const struct tare_moments *moments)
{
    return moments->n == 0 ? NAN : moments->min;
}

double tare_moments_max(const struct tare_moments *moments)
{
    return moments->n == 0 ? NAN : moments->max;
}

double tare_moments_variance(const struct tare_moments *moments)
{
    return moments->n < 2 ? NAN : moments->squares / (double)(moments->n - 1);
}

double tare_moments_sd(const struct tare_moments *moments)
{
    return sqrt(tare_moments_variance(moments));
}

double tare_moments_standard_error(const struct tare_moments *moments)
{
    return tare_moments_sd(moments) / sqrt((double)moments->n);
}

double tare_moments_cv(const struct tare_moments *moments)
{
    double cv = tare_moments_sd(moments) / fabs(moments->mean);
    return isfinite(cv) ? cv : NAN;
}
