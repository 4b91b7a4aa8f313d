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
 *
 * Where the sum of the values is known, too, evenly spread ones mostly have another. Let bucket i hold c values
 * from low to high, w = high - low, mean m. Of all m that have the sum, those are taken which are nearest to the
 * middles, by the sum of c (m - middle)^2 / w. That is m = low + t w, with one t for all buckets, from 0 to 1
 * whenever the sum is possible at all. The true means have the sum as well, and lie on the same plane, so that a
 * projection onto it is never farther from them than the middles were (Pythagoras), in that measure. Inside the
 * bucket, values are spread evenly around m, as far as the nearer edge. Of one value alone that is the value.
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

/* Of a histogram, what its buckets leave open. */
struct known {
    double total; /* values in the buckets */
    double sum;   /* of those; NAN: unknown */
    double t;     /* where in each bucket its mean is, from 0 to 1 */
    uint64_t min, max;
    bool bounded;  /* no value lies outside of them; else they are nothing */
    bool attained; /* they are values */
};

/* The least and the greatest value that bucket `index` can hold. */
static void edges_of(uint32_t index, const struct known *known, double *low, double *high)
{
    uint64_t first = tare_bucket_low(index);
    uint64_t last = first + tare_bucket_width(index) - 1;
    if (known->bounded) {
        if (index == TARE_BUCKET_COUNT - 1 && known->max > last) {
            last = known->max; /* the last bucket is open above */
        }
        first = clip(first, known->min, known->max);
        last = clip(last, known->min, known->max);
    }
    *low = (double)first;
    *high = (double)last;
}

/*
 * Of a page that is written to, sum and buckets may be a few values apart: up to one in 256, the mean still says
 * more than nothing. A sum that these buckets cannot have is not used.
 */
static struct known know(const struct tare_bucket *buckets, size_t count,
                         const struct tare_histogram_facts *facts)
{
    struct known known = {
        .sum = NAN,
        .t = 0.5,
        .min = facts->min,
        .max = facts->max,
        .bounded = facts->min <= facts->max,
        .attained = facts->attained && facts->min <= facts->max,
    };
    double least = 0.0, greatest = 0.0;
    for (size_t i = 0; i < count; i++) {
        double low, high;
        edges_of(buckets[i].index, &known, &low, &high);
        known.total += (double)buckets[i].count; /* exact up to 2^53 values, and no overflow beyond */
        least += low * (double)buckets[i].count;
        greatest += high * (double)buckets[i].count;
    }
    if (facts->count == 0 || facts->sum == UINT64_MAX ||
        fabs((double)facts->count - known.total) > known.total / 256.0) {
        return known;
    }
    double sum = (double)facts->sum * (known.total / (double)facts->count);
    if (sum >= least && sum <= greatest) {
        known.sum = sum;
        known.t = greatest > least ? (sum - least) / (greatest - least) : 0.5;
    }
    return known;
}

/* The place of the order statistic `rank` in a bucket that holds so many, behind `before` others. */
static double place_in(const struct tare_bucket *bucket, double before, double rank, const struct known *known,
                       double *error)
{
    double low, high;
    edges_of(bucket->index, known, &low, &high);
    if (known->attained && rank <= 1.0) { /* no matter of buckets */
        low = high = (double)known->min;
    } else if (known->attained && rank >= known->total) {
        low = high = (double)known->max;
    } else if (known->total == 1.0 && !isnan(known->sum)) {
        low = high = known->sum;
    }
    double span = high - low;
    double mean = low + span * known->t;
    double reach = span * fmin(known->t, 1.0 - known->t);
    /* k of c evenly spread values stands in the middle of the k-th of c equal parts. */
    double part = (rank - before - 0.5) / (double)bucket->count;
    double place = fmax(low, fmin(high, mean - reach + 2.0 * reach * part));
    if (error != NULL) {
        *error = fmax(place - low, high - place);
    }
    return place;
}

void tare_buckets_quantiles_of(const struct tare_bucket *buckets, size_t count, const double *p, size_t p_count,
                               const struct tare_histogram_facts *facts, double *out, double *errors)
{
    struct known known = know(buckets, count, facts);
    double before = 0.0;
    size_t at = 0;
    for (size_t i = 0; i < p_count; i++) {
        double *error = errors != NULL ? &errors[i] : NULL;
        if (known.total == 0.0 || !(p[i] >= 0.0 && p[i] <= 1.0)) {
            out[i] = NAN;
            if (error != NULL) {
                *error = NAN;
            }
            continue;
        }
        double rank = rank_of(p[i], known.total);
        while (at + 1 < count && before + (double)buckets[at].count < rank) {
            before += (double)buckets[at].count;
            at++;
        }
        out[i] = place_in(&buckets[at], before, rank, &known, error);
    }
}

void tare_histogram_quantiles_of(const uint64_t *buckets, uint32_t count, const double *p, size_t p_count,
                                 const struct tare_histogram_facts *facts, double *out, double *errors)
{
    struct tare_bucket packed[TARE_BUCKET_COUNT];
    size_t used = 0;
    for (uint32_t i = 0; i < count && count <= TARE_BUCKET_COUNT; i++) {
        if (buckets[i] != 0) {
            packed[used++] = (struct tare_bucket){.count = buckets[i], .index = i};
        }
    }
    tare_buckets_quantiles_of(packed, used, p, p_count, facts, out, errors);
}

double tare_histogram_quantile(const uint64_t *buckets, uint32_t count, double p, uint64_t min, uint64_t max,
                               double *error)
{
    const struct tare_histogram_facts facts = {.sum = UINT64_MAX, .min = min, .max = max, .attained = true};
    double quantile;
    tare_histogram_quantiles_of(buckets, count, &p, 1, &facts, &quantile, error);
    return quantile;
}

void tare_buckets_quantiles(const struct tare_bucket *buckets, size_t count, const double *p, size_t p_count,
                            uint64_t min, uint64_t max, double *out)
{
    const struct tare_histogram_facts facts = {.sum = UINT64_MAX, .min = min, .max = max, .attained = true};
    tare_buckets_quantiles_of(buckets, count, p, p_count, &facts, out, NULL);
}
