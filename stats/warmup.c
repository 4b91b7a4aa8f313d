/* SPDX-License-Identifier: MIT */
/*
 * Warm-up.
 *
 * Of each series, what counts is each value's relative distance from its steady state, the median of its second
 * half, and of all series the median of these at each position: the profile. How many values belong to the
 * warm-up is where the sum from the beginning of (profile - least) is highest, least being the tolerance or the
 * profile's noise, whichever is more: a cumulative sum (E. S. Page, "Continuous Inspection Schemes", Biometrika
 * 41 (1954), pages 100-115), which ends a step where it ends, a fading excess where it falls below the least,
 * and the first value alone behind the first. A distance is cut off where noise would not reach, so that a
 * spike counts as one value and not as fifty.
 *
 * Chance. In a series without a beginning the same sum could start anywhere. So it is made of the series
 * rotated, each by an offset of its own, and the series themselves must be higher than all but 1 % of these: a
 * test by randomisation (E. S. Edgington, "Randomization Tests", 1980) with rotations, which leave the values'
 * dependence on their neighbours in place, as shuffling them would not. For it to be one, distances have to be
 * from something that a rotation does not change: here the median of the shortest half of the whole series (the
 * half of P. J. Rousseeuw, Journal of the American Statistical Association 79 (1984), pages 871-880), which a
 * warm-up of up to half of the values does not move. One series of n values has n rotations: up to 100 values
 * the first must be higher than all others, and with fewer than 20 nothing can be told, as a 20th of all series
 * would seem to have a warm-up.
 *
 * Whether the rest has settled: each series' rest is cut into up to eight parts; if their medians rise or fall
 * (H. B. Mann, Econometrica 13 (1945), pages 245-259; summed over series as R. M. Hirsch and J. R. Slack, Water
 * Resources Research 20 (1984), pages 727-732, sum over seasons), and the straight line through them (H. Theil,
 * 1950; P. K. Sen, Journal of the American Statistical Association 63 (1968), pages 1379-1389) by more than the
 * tolerance from the first to the last, they still move. So they do if the warm-up has no end in the first 45 %
 * of the series.
 *
 * What was tried. White's MSER rule (K. P. White, Simulation 69 (1997), pages 323-334), which truncates where
 * the mean's standard error is least, cut something off 28 % of series of 200 normal values, and of those with
 * spikes 31 % lost more than 20 values. Distances from the second half's median in the test, too, found a
 * warm-up in a quarter of samples of 50 series of 12 values with two modes. Means in the place of medians over
 * series let spikes hide a fading excess. tests/unit/test_warmup.c has what is found, and how often something
 * is found where nothing is: where values depend on their neighbours, as the blocks of a shared machine do,
 * that was 1 in 15 single series.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "stats/distribution.h"
#include "stats/quantile.h"
#include "stats/random.h"
#include "stats/values.h"
#include "stats/warmup.h"

#define LEVEL 0.01     /* the chance to see a warm-up where there is none */
#define LEVEL_FEW 0.05 /* where rotations are too few for that, and the first is the highest of all */
#define SETTLED_LEVEL 0.002
#define CUT_SIGMAS 10.0  /* distances beyond count as so many standard deviations; */
#define CUT_LEAST 3.0    /* as so many tolerances at least */
#define LENGTH_MOST 0.45 /* a warm-up as long as this share of the series has no end in it */

enum {
    ROTATIONS = 199,
    PARTS = 8,
    SERIES_MOST = 64, /* the profile of so many is as good as that of all */
};

static const struct tare_warmup unknown = {.first_ratio = NAN, .steady = NAN};

struct work {
    const double *series;
    size_t count, n;
    double tolerance;
    double *off;     /* used x n: distances of the series that make the profile */
    double *profile; /* n */
    double *scratch; /* count x n + count */
    size_t used;     /* of the series */
};

static double median_of(const double *values, size_t n, double *scratch)
{
    for (size_t i = 0; i < n; i++) {
        scratch[i] = values[i];
    }
    tare_values_sort(scratch, n);
    return tare_quantile(scratch, n, 0.5);
}

/* Scatter of what is centered on 0, as a standard deviation. */
static double sigma_of(const double *values, size_t n, double *scratch)
{
    for (size_t i = 0; i < n; i++) {
        scratch[i] = fabs(values[i]);
    }
    tare_values_sort(scratch, n);
    return tare_quantile(scratch, n, 0.5) * TARE_MAD_TO_SIGMA;
}

/* The median of the shortest half: of most of the values, where up to half of them are of another kind. */
static double most_of(const double *values, size_t n, double *scratch)
{
    for (size_t i = 0; i < n; i++) {
        scratch[i] = values[i];
    }
    tare_values_sort(scratch, n);
    size_t half = n / 2 + 1, best = 0;
    for (size_t i = 1; i + half <= n; i++) {
        if (scratch[i + half - 1] - scratch[i] < scratch[best + half - 1] - scratch[best]) {
            best = i;
        }
    }
    return tare_quantile(scratch + best, half, 0.5);
}

/*
 * Whether there is a warm-up is asked of distances from what is the same for all rotations of a series; how
 * long it is, of distances from the median of the second half, in which it is not.
 */
static void fill_distances(const struct work *work, const double *series, bool second_half, double *off)
{
    size_t n = work->n, from = second_half ? n / 2 : 0;
    double steady =
        second_half ? median_of(series + from, n - from, work->scratch) : most_of(series, n, work->scratch);
    for (size_t i = 0; i < n; i++) {
        off[i] = steady != 0.0 ? (series[i] - steady) / fabs(steady) : 0.0;
    }
    double cut = fmax(CUT_SIGMAS * sigma_of(off + from, n - from, work->scratch), CUT_LEAST * work->tolerance);
    for (size_t i = 0; i < n; i++) {
        off[i] = fmin(fmax(off[i], -cut), cut);
    }
}

struct peak {
    double height;
    size_t length;
};

/*
 * The highest sum from the beginning, above (sign 1) or below (-1) the steady state. A warm-up begins with the
 * first value: that is to be off by half of what the values up to the peak are on average, or a rotation that
 * begins with a little noise before the warm-up would often be higher than the series itself.
 */
static struct peak peak_to(const struct work *work, double sign, double least)
{
    struct peak peak = {0.0, 0};
    double sum = 0.0, first = sign * work->profile[0];
    for (size_t i = 0; i < work->n / 2; i++) {
        sum += sign * work->profile[i] - least;
        double mean = sum / (double)(i + 1) + least;
        if (sum > peak.height && first >= mean / 2.0) {
            peak = (struct peak){sum, i + 1};
        }
    }
    return peak;
}

/* Of the series rotated: by `by`, or if that is n each by an offset of its own. */
static void fill_profile(struct work *work, struct tare_random *random, size_t by)
{
    size_t n = work->n, from[SERIES_MOST];
    for (size_t k = 0; k < work->used; k++) {
        from[k] = by < n ? by : tare_random_below(random, n);
    }
    for (size_t i = 0; i < n; i++) {
        double at[SERIES_MOST];
        for (size_t k = 0; k < work->used; k++) {
            at[k] = work->off[k * n + (i + from[k]) % n];
        }
        tare_values_sort(at, work->used);
        work->profile[i] = tare_quantile(at, work->used, 0.5);
    }
}

/* The tolerance, or the noise of the profile's values from `from` on. */
static double least_of(const struct work *work, size_t from)
{
    return fmax(work->tolerance, sigma_of(work->profile + from, work->n - from, work->scratch));
}

static struct peak find_peak(struct work *work, struct tare_random *random, size_t by, double least)
{
    fill_profile(work, random, by);
    struct peak above = peak_to(work, 1.0, least), below = peak_to(work, -1.0, least);
    return above.height >= below.height ? above : below;
}

static void choose_series(struct work *work, bool second_half)
{
    for (size_t k = 0; k < work->used; k++) {
        fill_distances(work, work->series + k * work->count / work->used * work->n, second_half,
                       work->off + k * work->n);
    }
}

static bool has_warm_up(struct work *work)
{
    size_t n = work->n, as_high = 1; /* the series as they are */
    double first_of_all = pow((double)n, -(double)work->count);
    struct tare_random random;
    tare_random_seed(&random, 1); /* any: equal series give equal answers */
    choose_series(work, false);
    fill_profile(work, &random, 0);
    double least = least_of(work, 0), height = find_peak(work, &random, 0, least).height;
    if (height == 0.0 || first_of_all > LEVEL_FEW) {
        return false;
    }
    bool all = work->count == 1 && n <= ROTATIONS;
    size_t rotations = all ? n - 1 : ROTATIONS;
    for (size_t r = 1; r <= rotations; r++) {
        as_high += find_peak(work, &random, all ? r : n, least).height >= height;
    }
    return (double)as_high / (double)(rotations + 1) <= fmax(LEVEL, 1.000001 * first_of_all);
}

static size_t find_length(struct work *work)
{
    if (!has_warm_up(work)) {
        return 0;
    }
    choose_series(work, true);
    fill_profile(work, NULL, 0);
    return find_peak(work, NULL, 0, least_of(work, work->n / 2)).length;
}

/* Of the medians of the rest's parts, adds what rises less what falls; returns the rise from first to last. */
static double trend_of(const double *rest, size_t n, size_t parts, double *balance, double *scratch)
{
    double part[PARTS], slopes[PARTS * (PARTS - 1) / 2];
    for (size_t i = 0; i < parts; i++) {
        size_t from = i * n / parts, to = (i + 1) * n / parts;
        part[i] = median_of(rest + from, to - from, scratch);
    }
    size_t count = 0;
    for (size_t j = 1; j < parts; j++) {
        for (size_t i = 0; i < j; i++) {
            *balance += (part[j] > part[i]) - (part[j] < part[i]);
            slopes[count++] = (part[j] - part[i]) / (double)(j - i);
        }
    }
    tare_values_sort(slopes, count);
    return tare_quantile(slopes, count, 0.5) * (double)(parts - 1);
}

static bool has_settled(struct work *work, size_t length)
{
    size_t n = work->n, rest = n - length, parts = rest < PARTS ? rest : PARTS;
    double balance = 0.0, *rise = work->scratch + n;
    for (size_t s = 0; s < work->count; s++) {
        fill_distances(work, work->series + s * n, true, work->off);
        rise[s] = trend_of(work->off + length, rest, parts, &balance, work->scratch);
    }
    tare_values_sort(rise, work->count);
    double k = (double)parts, variance = (double)work->count * k * (k - 1.0) * (2.0 * k + 5.0) / 18.0;
    double z = (fabs(balance) - 1.0) / sqrt(variance);
    return !(z > tare_normal_quantile(1.0 - SETTLED_LEVEL / 2.0) &&
             fabs(tare_quantile(rise, work->count, 0.5)) > work->tolerance);
}

/* What the steady part is like, and the first value beside it. */
static void describe(struct work *work, struct tare_warmup *out)
{
    size_t n = work->n, rest = n - out->length, known = 0;
    double *ratio = work->scratch + n;
    for (size_t s = 0; s < work->count; s++) {
        const double *series = work->series + s * n;
        double steady = median_of(series + out->length, rest, work->scratch);
        if (steady > 0.0) {
            ratio[known++] = series[0] / steady;
        }
    }
    tare_values_sort(ratio, known);
    out->first_ratio = tare_quantile(ratio, known, 0.5);
    for (size_t s = 0; s < work->count; s++) {
        for (size_t i = 0; i < rest; i++) {
            work->scratch[s * rest + i] = work->series[s * n + out->length + i];
        }
    }
    tare_values_sort(work->scratch, work->count * rest);
    out->steady = tare_quantile(work->scratch, work->count * rest, 0.5);
}

int tare_warmup_detect(const double *series, size_t count, size_t n, double tolerance, struct tare_warmup *out)
{
    *out = unknown;
    if (n < 4 || count < 1 || !(tolerance > 0.0 && tolerance < 1.0) ||
        n > SIZE_MAX / sizeof(double) / 8 / count || tare_values_check(series, count * n) != 0) {
        return -EINVAL;
    }
    struct work work = {.series = series, .count = count, .n = n, .tolerance = tolerance};
    work.used = count < SERIES_MOST ? count : SERIES_MOST;
    work.off = malloc((work.used * n + n + count * n + count) * sizeof(*work.off));
    if (work.off == NULL) {
        return -ENOMEM;
    }
    work.profile = work.off + work.used * n;
    work.scratch = work.profile + n;
    out->length = find_length(&work);
    out->settled = (double)out->length <= LENGTH_MOST * (double)n && has_settled(&work, out->length);
    if (!out->settled) {
        out->length = n / 2;
    }
    describe(&work, out);
    free(work.off);
    return 0;
}
