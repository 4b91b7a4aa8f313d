/* SPDX-License-Identifier: MIT */
/*
 * Quantiles and robust spread. Of values: Hyndman and Fan's type 7 (linear between the order statistics
 * 1 + (n - 1) p), the default of R and NumPy. Of histograms: the bucket that holds the order statistic
 * ceil(p n), and linear inside it. No I/O, no allocation, no state.
 */
#ifndef TARE_STATS_QUANTILE_H
#define TARE_STATS_QUANTILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * `sorted` ascending. p in [0, 1]. NAN for n 0 or p outside. It looks at two of the values and so cannot refuse
 * the others: values from outside go through tare_values_check_sorted() (stats/values.h) once. Of values that
 * did not, what it reads it uses: a NaN there, or the distance to an infinite one, makes the answer NaN or
 * infinite.
 */
double tare_quantile(const double *sorted, size_t n, double p);

/*
 * Sorts `values` in place. NAN for n 0, and for values that tare_values_check() refuses (NaN, infinity), which
 * are left as they are.
 */
double tare_median(double *values, size_t n);

/*
 * Median absolute deviation from `center`, unscaled. Overwrites `values`. NAN as above, and for such a center.
 */
double tare_mad(double *values, size_t n, double center);

/* Two-sided 95 % factor that turns a normal standard error into half the width of an interval. */
#define TARE_Z95 1.959963984540054

/* MAD of a normal distribution, times this, is its standard deviation. */
#define TARE_MAD_TO_SIGMA 1.482602218505602

/* A bucket of a log-linear histogram (layout: tare/page.h), for those that are kept without the empty ones. */
struct tare_bucket {
    uint64_t count;
    uint32_t index; /* below TARE_BUCKET_COUNT */
};

/* What is known of the values in a histogram besides their buckets, in the same unit. */
struct tare_histogram_facts {
    uint64_t count;    /* of the values that `sum` is of; 0: unknown */
    uint64_t sum;      /* UINT64_MAX: unknown */
    uint64_t min, max; /* no value is outside of these; min > max: unknown */
    bool attained;     /* they are the least and the greatest of these very values; else only bounds */
};

/*
 * Quantiles p[0] ... p[p_count - 1], ascending, of a histogram whose buckets that are not empty are given,
 * ascending, in one walk. out[i] is quantile p[i], and lies
 *
 *   - in the bucket of the value it stands for, the order statistic ceil(p n), and so at most a sixteenth of
 *     that value from it (6.25 %; exact below 32): a bucket's width, less if min, max or the sum narrow it;
 *   - within min and max, and not below out[i - 1].
 *
 * Of one value whose sum is known, it is that value; with known extremes, the first and the last are exact.
 * NAN for an empty histogram or p outside [0, 1]. If `errors` is not NULL, errors[i] is how far that value can
 * be from out[i] at most: the distance to the farther edge of what is left of the bucket.
 */
void tare_buckets_quantiles_of(const struct tare_bucket *buckets, size_t count, const double *p, size_t p_count,
                               const struct tare_histogram_facts *facts, double *out, double *errors);

/* The same from all `count` buckets of a histogram, TARE_BUCKET_COUNT at most. */
void tare_histogram_quantiles_of(const uint64_t *buckets, uint32_t count, const double *p, size_t p_count,
                                 const struct tare_histogram_facts *facts, double *out, double *errors);

/*
 * For who knows the extremes of these very values, and no more (min > max: not even those). Where they are but
 * bounds, or where the sum is known, the functions above say more.
 */
double tare_histogram_quantile(const uint64_t *buckets, uint32_t count, double p, uint64_t min, uint64_t max,
                               double *error);
void tare_buckets_quantiles(const struct tare_bucket *buckets, size_t count, const double *p, size_t p_count,
                            uint64_t min, uint64_t max, double *out);

#endif
