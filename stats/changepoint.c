/* SPDX-License-Identifier: MIT */
/*
 * Where a series changed.
 *
 * The statistic. The series is split in front of its newest 3, 5, 8, 13, 20, 32 ... values, and behind its oldest
 * as many, up to half of it. Of each split the smaller side is compared with the larger one: each of its values
 * gets the normal score of its place among the values of the other side (B. L. van der Waerden, Indagationes
 * Mathematicae 14 (1952), pages 453-458; places: J. Orban and D. A. Wolfe, Journal of the American Statistical
 * Association 77 (1982), pages 666-672), and their sum over its standard deviation has a chance p under no change.
 * Placements and not ranks of both together: what changed does not widen the scatter that it is measured with. The
 * statistic is the weighted power mean of the splits' p, with exponent -1/2 (V. Vovk and R. Wang, "Combining
 * p-values via averaging", Biometrika 107 (2020), pages 791-808): where a change is real, neighbouring splits see it
 * too, and the mean has more of it than the smallest p. The newest values have most of the weight: a gate is asked
 * whether something changed now, and old changes have enough points to be seen with little.
 *
 * Chance. Where values are exchangeable, places depend on nothing but chance, whatever the distribution: normal,
 * skewed, with outliers or two modes. So the levels of the statistic are the same for all of these, and were made
 * once for each n by simulation (changepoint_levels.h; bench/changepoints/levels.c): this is what a permutation
 * test would find for each series, at no cost, and it includes the search over all splits.
 *
 * A level that came and went again between is not seen by such splits, so two windows side by side of 8, 20, 50 and 125
 * values are moved through the series as well, and the largest difference of their scores counts as one more split
 * (moving sums: P. Bauer and P. Hackl, Technometrics 22 (1980), pages 1-7).
 *
 * Dependence. The lag-1 autocorrelation r is estimated from normal scores about the means of both sides, with its
 * bias taken out (F. H. C. Marriott and J. A. Pope, Biometrika 41 (1954), pages 390-402), and half a standard error
 * added, as the level rests on it; below 1.3 standard errors it is taken for 0. Where it is clearly less by
 * the differences of neighbours, there are more changes than one, and that is taken. The test is then made of what a
 * value has that the one before does not let expect, e(t) = x(t) - r x(t - 1), of logarithms where all have one, where a step is 1 at its first
 * value and 1 - r behind it (D. Cochrane and G. H. Orcutt, Journal of the American Statistical Association 44
 * (1949), pages 32-61): places are weighted by that.
 *
 * Where. A change is put where the normal scores of the ranks differ most between the sides, not far from the split that
 * showed most, and both sides are searched in turn (binary segmentation: A. J. Scott and M. Knott, Biometrics 30 (1974),
 * pages 507-512); changepoint_size.c then puts each again, between its neighbours. A level that came and went among many values is to ranks of the whole next to
 * nothing, however high it is, so stretches are looked at one by one where neighbours suggest one, at a tenth of the
 * level and each for the price of all.
 *
 * What was tried instead (docs/changepoints.md has the figures): the smallest weighted p, the harmonic mean,
 * splits at every value, ranks of both sides together, widening the scatter by the autocorrelation.
 */
#include "stats/changepoint.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "stats/changepoint_levels.h"
#include "stats/changepoint_parts.h"
#include "stats/distribution.h"
#include "stats/quantile.h"
#include "stats/values.h"

/* Sizes of the smaller side, a factor of about 1.6 apart, and their weights. */
static const struct {
    size_t size;
    double weight;
} splits[] = {
    {3, 0.04},    {5, 0.25},    {8, 0.50},    {13, 0.12},   {20, 0.07},    {32, 0.05},    {50, 0.04},
    {80, 0.03},   {126, 0.02},  {200, 0.02},  {316, 0.02},  {500, 0.02},   {794, 0.02},   {1260, 0.02},
    {2000, 0.02}, {3170, 0.02}, {5020, 0.02}, {7940, 0.02}, {12600, 0.02}, {20000, 0.02},
};
enum { SPLITS = sizeof(splits) / sizeof(splits[0]) };
static const size_t widths[] = {8, 20, 50, 125}; /* of windows that are moved through the series */
enum {
    WIDTHS = sizeof(widths) / sizeof(widths[0]),
    MANY = 100,   /* values that are sorted by the bytes of their keys */
    NEARBY = 7,   /* values that a level has, for a close look */
    STRETCH = 16, /* values of the shortest stretch that is looked at */
};
static const double CLOSELY = 0.1;    /* of the level, for close looks */
static const double OLD_WEIGHT = 0.1; /* of a split behind the oldest values, to one before as many newest */
static const double INSIDE_WEIGHT = 0.05;   /* of each width of the windows */
static const double DEPENDENCE_STEP = 0.05; /* autocorrelations are rounded up to these: each needs a sorting */

int tare__change_work_init(struct tare__change_work *work, size_t n)
{
    size_t pairs = TARE__CHANGE_NEAR * TARE__CHANGE_NEAR, near = 2 * TARE__CHANGE_NEAR;
    size_t each = 2 * sizeof(*work->sorted) + 2 * sizeof(size_t) + 4 * sizeof(double);
    *work = (struct tare__change_work){0};
    if (n > SIZE_MAX / each / 2) {
        return -ENOMEM;
    }
    work->memory = malloc(n * each + (pairs + near + 1) * sizeof(double));
    if (work->memory == NULL) {
        return -ENOMEM;
    }
    work->sorted = work->memory;
    work->spare = work->sorted + n;
    work->scores = (double *)(work->spare + n);
    work->residuals = work->scores + n;
    work->plain = work->residuals + n;
    work->sums = work->plain + n;
    work->pairs = work->sums + n + 1;
    work->near = work->pairs + pairs;
    work->order = (size_t *)(work->near + near);
    work->group = work->order + n;
    return 0;
}

void tare__change_work_release(struct tare__change_work *work)
{
    free(work->memory);
    *work = (struct tare__change_work){0};
}

static int by_value(const void *a, const void *b)
{
    double x = ((const struct tare__placed *)a)->value, y = ((const struct tare__placed *)b)->value;
    return (x > y) - (x < y);
}

/* Bits that ascend as the values do. */
static uint64_t key_of(double value)
{
    uint64_t bits;
    double plain = value + 0.0; /* -0 is 0 */
    memcpy(&bits, &plain, sizeof(bits));
    return bits >> 63 ? ~bits : bits | UINT64_C(1) << 63;
}

/* By a byte of the key at a time, the lowest first; a byte that all have in common is passed over. */
static void sort_many(struct tare__change_work *work, size_t n)
{
    static const size_t none[256];
    struct tare__placed *from = work->sorted, *to = work->spare;
    for (unsigned shift = 0; shift < 64; shift += 8) {
        size_t places[256];
        memcpy(places, none, sizeof(places));
        for (size_t i = 0; i < n; i++) {
            places[key_of(from[i].value) >> shift & 255]++;
        }
        if (places[key_of(from[0].value) >> shift & 255] == n) {
            continue;
        }
        size_t before = 0;
        for (size_t byte = 0; byte < 256; byte++) {
            size_t count = places[byte];
            places[byte] = before;
            before += count;
        }
        for (size_t i = 0; i < n; i++) {
            to[places[key_of(from[i].value) >> shift & 255]++] = from[i];
        }
        struct tare__placed *other = from;
        from = to;
        to = other;
    }
    work->sorted = from;
    work->spare = to;
}

/* order and group of the values. */
static void put_in_order(const double *values, size_t n, struct tare__change_work *work)
{
    for (size_t i = 0; i < n; i++) {
        work->sorted[i] = (struct tare__placed){values[i], i};
    }
    if (n < MANY) {
        qsort(work->sorted, n, sizeof(work->sorted[0]), by_value);
    } else {
        sort_many(work, n);
    }
    size_t end = n;
    for (size_t i = n; i-- > 0;) {
        if (i + 1 < n && work->sorted[i].value < work->sorted[i + 1].value) {
            end = i + 1;
        }
        work->order[i] = work->sorted[i].at;
        work->group[i] = end;
    }
}

/* Of a value that `below` of `n` others are below, and `equal` equal to. */
static double score(size_t below, size_t equal, size_t n)
{
    return tare_normal_quantile(((double)below + 0.5 * (double)equal + 0.5) / ((double)n + 1));
}

void tare__change_scores(const double *values, size_t n, struct tare__change_work *work)
{
    put_in_order(values, n, work);
    for (size_t first = 0; first < n; first = work->group[first]) {
        size_t end = work->group[first], opposite = work->order[n - 1 - first];
        /* That of the rank at the other end, with the sign turned, if no two share one. */
        double shared = first >= n - first && end - first == 1 && work->group[n - 1 - first] == n - first &&
                                (n - 1 - first == 0 || work->group[n - 2 - first] == n - 1 - first)
                            ? -work->scores[opposite]
                            : score(first, end - first - 1, n - 1);
        for (size_t i = first; i < end; i++) {
            work->scores[work->order[i]] = shared;
        }
    }
}

/* Adds the squares, and the products of neighbours, about the mean of scores [from, to). */
static void add_products(const double *scores, size_t from, size_t to, double *products, double *squares)
{
    double mean = 0;
    for (size_t i = from; i < to; i++) {
        mean += scores[i] / (double)(to - from);
    }
    for (size_t i = from; i < to; i++) {
        *squares += (scores[i] - mean) * (scores[i] - mean);
        *products += i + 1 < to ? (scores[i] - mean) * (scores[i + 1] - mean) : 0;
    }
}

/* Squares below are what rounding leaves of equal scores. */
static double ratio_of(double products, double squares)
{
    return squares > 1e-9 ? products / squares : 0;
}

double tare__change_dependence(const double *scores, size_t n, size_t at)
{
    double products = 0, squares = 0;
    add_products(scores, 0, at, &products, &squares);
    add_products(scores, at, n, &products, &squares);
    double r = ratio_of(products, squares);
    return r + (1 + 4 * r) / (double)n;
}

/* Whether more differences are far out than a few changes of level make. Puts them out of order. */
static bool jumps_often(double *differences, size_t n)
{
    size_t jumps = 0;
    double scatter = 1.4826 * tare_mad(differences, n, 0); /* they are distances then, ascending */
    for (size_t i = n; i > 0 && differences[i - 1] > 3 * scatter; i--) {
        jumps++;
    }
    return jumps > 3 + n / 50;
}

/*
 * The same from differences of neighbours, d, which a change of level is in but once: the autocorrelation of d is
 * -(1 - r) / 2. By normal scores; of independent values it scatters half as much again. Of a series that goes to and fro
 * between levels, as on a machine with two modes, that is no more than noise: infinite. Puts work->order out of use.
 */
static double dependence_of_differences(const double *values, size_t n, struct tare__change_work *work)
{
    double products = 0, squares = 0, *differences = work->sums;
    for (size_t i = 0; i + 1 < n; i++) {
        differences[i] = values[i + 1] - values[i];
    }
    put_in_order(differences, n - 1, work);
    for (size_t first = 0; first < n - 1; first = work->group[first]) {
        size_t end = work->group[first];
        double shared = score(first, end - first - 1, n - 2);
        for (size_t i = first; i < end; i++) {
            work->residuals[work->order[i]] = shared;
        }
    }
    for (size_t i = 0; i + 1 < n; i++) {
        squares += work->residuals[i] * work->residuals[i];
        products += i + 2 < n ? work->residuals[i] * work->residuals[i + 1] : 0;
    }
    if (jumps_often(differences, n - 1)) {
        return INFINITY;
    }
    return 1 + 2 * ratio_of(products, squares);
}

/*
 * What is allowed for of it. Where that of differences is clearly less, there are other changes of level.
 */
static double cautious(double dependence, double of_differences, size_t n)
{
    double error = 1 / sqrt((double)n);
    if (dependence > of_differences + 5 * error) {
        dependence = of_differences;
    }
    if (dependence < 1.3 * error) {
        return 0;
    }
    double more = dependence + 0.5 * error * (1 - fmin(dependence, 1) * fmin(dependence, 1));
    return fmin(ceil(more / DEPENDENCE_STEP) * DEPENDENCE_STEP, 0.95);
}

/*
 * The chance of what a split shows, two-sided. work->order is of the values or of what is left of them; `newest`: the
 * smaller side is the newest `size` values, else the oldest.
 */
static double split_chance(size_t n, size_t size, bool newest, double dependence,
                           const struct tare__change_work *work)
{
    size_t at = newest ? n - size : size, seen = 0;
    double sum = 0;
    for (size_t first = 0; first < n; first = work->group[first]) {
        size_t end = work->group[first], others = 0;
        double weights = 0;
        for (size_t i = first; i < end; i++) {
            bool other = (work->order[i] < at) == newest;
            others += other;
            weights += other ? 0 : newest && work->order[i] == at ? 1 : 1 - dependence;
        }
        if (weights > 0) {
            sum += weights * score(seen, others, n - size);
        }
        seen += others;
    }
    double first_weight = newest ? 1 : 1 - dependence, rest = (double)(size - 1);
    double weight = first_weight + rest * (1 - dependence);
    double variance = first_weight * first_weight + rest * (1 - dependence) * (1 - dependence) +
                      weight * weight / (double)(n - size); /* the others' places are of a sample, too */
    return erfc(fabs(sum) / sqrt(2 * variance));
}

/*
 * The chance, about, of the largest difference between two windows side by side, of `width` values each: a level that
 * came and went shows to no split of the whole. `sums`: of the values before each. *at: between which they are.
 */
static double window_chance(const double *sums, size_t n, size_t width, double variance, size_t *at)
{
    double most = 0;
    for (size_t i = width; i + width <= n; i++) {
        double off = fabs(sums[i + width] - 2 * sums[i] + sums[i - width]);
        if (off > most) {
            most = off;
            *at = i;
        }
    }
    double places = 2 * (double)n / (double)width;
    return fmin(places * erfc(most / sqrt(4 * (double)width * variance)), 1);
}

/* What is left of values when each is told by the one before, in order. */
static void leave(const double *values, double dependence, size_t n, double *left)
{
    double mean = 0;
    for (size_t i = 0; i < n; i++) {
        mean += values[i] / (double)n;
    }
    left[0] = (values[0] - mean) * sqrt(1 - dependence * dependence) + (1 - dependence) * mean;
    for (size_t i = 1; i < n; i++) {
        left[i] = values[i] - dependence * values[i - 1];
    }
}

/* Logarithms, where all have one: noise is a share of the level. */
static void make_plain(const double *values, size_t n, double *plain)
{
    bool positive = true;
    for (size_t i = 0; i < n && positive; i++) {
        positive = values[i] > 0;
    }
    for (size_t i = 0; i < n; i++) {
        plain[i] = positive ? log(values[i]) : values[i];
    }
}

/* Where, of first ... last, the scores of both sides differ most; at least TARE_CHANGE_SIDE values are on each. */
static size_t best_split(const double *scores, size_t n, size_t first, size_t last)
{
    double all = 0, left = 0, best = -1;
    size_t at = 0;
    for (size_t i = 0; i < n; i++) {
        all += scores[i];
    }
    for (size_t i = 1; i + TARE_CHANGE_SIDE <= n; i++) {
        left += scores[i - 1];
        if (i >= TARE_CHANGE_SIDE && i >= first && i <= last) {
            double off = left - all * (double)i / (double)n;
            double strength = off * off / ((double)i * (double)(n - i));
            if (strength > best) {
                best = strength;
                at = i;
            }
        }
    }
    return at;
}

double tare__change_statistic(const double *values, size_t n, bool dependent, struct tare__change_work *work)
{
    work->first = 0;
    work->last = n;
    double ordered_for = 0, weights = 0, mean = 0, of_differences = 0, at_best = 0, least = 1;
    tare__change_scores(values, n, work);
    if (dependent) {
        make_plain(values, n, work->plain);
        of_differences = work->of_differences = dependence_of_differences(work->plain, n, work);
        ordered_for = -1;
        size_t best = best_split(work->scores, n, 0, n);
        at_best = tare__change_dependence(work->scores, n, best) + 1 / sqrt((double)n);
    }
    for (size_t s = 0; s < SPLITS && (s == 0 || splits[s].size <= n / 2); s++) {
        for (int newest = 1; newest >= 0; newest--) {
            size_t size = splits[s].size, at = newest ? n - size : size;
            double dependence =
                dependent
                    ? cautious(fmin(tare__change_dependence(work->scores, n, at), at_best), of_differences, n)
                    : 0;
            if (dependence != ordered_for) {
                leave(work->plain, dependence, n, work->residuals);
                put_in_order(work->residuals, n, work);
                ordered_for = dependence;
            }
            double weight = splits[s].weight * (newest ? 1 : OLD_WEIGHT);
            double p = split_chance(n, size, newest, dependence, work);
            weights += weight;
            mean += weight / sqrt(fmax(p, 1e-300));
            if (p < least) {
                least = p;
                work->first = newest ? n - size - size / 2 : size / 2;
                work->last = newest ? n - size / 2 : size + size / 2;
            }
        }
    }
    double variance = 0, *sums = work->sums;
    leave(work->scores,
          dependent ? cautious(tare__change_dependence(work->scores, n, n / 2), of_differences, n) : 0, n,
          work->residuals);
    sums[0] = 0;
    for (size_t i = 0; i < n; i++) {
        sums[i + 1] = sums[i] + work->residuals[i];
        variance += work->residuals[i] * work->residuals[i] / (double)n;
    }
    for (size_t w = 0; w < WIDTHS && widths[w] <= n / 4; w++) {
        size_t at = 0;
        double p = variance > 1e-9 ? window_chance(sums, n, widths[w], variance, &at) : 1;
        weights += INSIDE_WEIGHT;
        mean += INSIDE_WEIGHT / sqrt(fmax(p, 1e-300));
        if (p < least) {
            least = p;
            work->first = at - widths[w] / 2;
            work->last = at + widths[w] / 2;
        }
    }
    return (weights / mean) * (weights / mean);
}

/* Between the rows of two numbers of values, by the logarithm of these. */
static double level_at(size_t row, double share, size_t column)
{
    double low = log(levels[row].statistic[column]);
    double high = row + 1 < LEVELS ? log(levels[row + 1].statistic[column]) : low;
    return low + share * (high - low);
}

double tare__change_chance(double statistic, size_t n)
{
    size_t row = 0;
    while (row + 1 < LEVELS && levels[row + 1].n <= n) {
        row++;
    }
    double share = row + 1 < LEVELS ? log((double)n / (double)levels[row].n) /
                                          log((double)levels[row + 1].n / (double)levels[row].n)
                                    : 0;
    double sought = log(fmax(statistic, 1e-300)), before = 0,
           chance_before = 0; /* logarithms: 1 has the chance 1 */
    for (size_t c = 0; c < LEVEL_CHANCES; c++) {
        double level = level_at(row, fmax(share, 0), c), chance = log(level_chances[c]);
        if (sought >= level) {
            double part = before > level ? (sought - level) / (before - level) : 1;
            return exp(chance + fmin(part, 1) * (chance_before - chance));
        }
        before = level;
        chance_before = chance;
    }
    return exp(chance_before + sought -
               before); /* in proportion: from here on it falls faster, so this is cautious */
}

/*
 * Whether a level might have come and gone within: medians of NEARBY values side by side that differ by more than 3.2
 * scatters of neighbours, `widening` times. No test: it decides where it is worth looking closely.
 */
static bool worth_looking(const double *plain, size_t n, double widening, struct tare__change_work *work)
{
    double *differences = work->sums, *medians = work->residuals, window[NEARBY];
    if (n < 2 * NEARBY) {
        return false;
    }
    for (size_t i = 0; i + 1 < n; i++) {
        differences[i] = plain[i + 1] - plain[i];
    }
    double scatter = widening * 1.4826 / sqrt(2) * tare_mad(differences, n - 1, 0);
    for (size_t i = 0; i + NEARBY <= n; i++) {
        for (size_t k = 0; k < NEARBY; k++) {
            double value = plain[i + k];
            size_t to = k;
            for (; to > 0 && window[to - 1] > value; to--) {
                window[to] = window[to - 1];
            }
            window[to] = value;
        }
        medians[i] = window[NEARBY / 2];
        if (i >= NEARBY && fabs(medians[i] - medians[i - NEARBY]) > 3.2 * scatter) {
            return true;
        }
    }
    return false;
}

/* Whether all values on one side of `at` lie above all on the other. */
static bool separated(const double *left, size_t n, size_t at)
{
    double least[2] = {INFINITY, INFINITY}, most[2] = {-INFINITY, -INFINITY};
    for (size_t i = 0; i < n; i++) {
        least[i >= at] = fmin(least[i >= at], left[i]);
        most[i >= at] = fmax(most[i >= at], left[i]);
    }
    return most[0] < least[1] || most[1] < least[0];
}

/*
 * The place and chance of a change in one stretch of values: the split that scores of ranks differ most at, judged by
 * places in the larger side, times the number of splits. Of two sides that have no place in common the chance is that
 * of one order in all, n! / (m! (n - m)!), twice; the normal distribution is far too cautious there.
 */
static double stretch_chance(const double *left, size_t n, double dependence, struct tare__change_work *work,
                             size_t *at)
{
    tare__change_scores(left, n, work);
    *at = best_split(work->scores, n, 0, n);
    bool newest = n - *at <= *at;
    double p = split_chance(n, newest ? n - *at : *at, newest, dependence, work);
    if (dependence == 0 && separated(left, n, *at)) {
        int sign;
        double log_orders = lgamma_r((double)n + 1, &sign) - lgamma_r((double)*at + 1, &sign) -
                            lgamma_r((double)(n - *at) + 1, &sign);
        p = fmin(p, 2 * exp(-log_orders));
    }
    return (double)n * p;
}

/*
 * A change within [0, n) that all of it together does not show: stretches of 16, 24, 36 ... values that overlap by
 * three quarters are looked at one by one, the shortest first, as the fewest changes are in these (S. Kovacs, P.
 * Buehlmann, H. Li and A. Munk, "Seeded binary segmentation", Biometrika 110 (2023), pages 249-256). Right behind
 * the statistic of the same values, of which `work` still has the plain ones and the scores. 0: there is none.
 */
static size_t look_closely(size_t n, double alpha, struct tare__change_work *work, double *chance)
{
    double looks = 1, dependence = 0; /* 1: all of it */
    size_t best = 0;
    if (n < STRETCH || isinf(work->of_differences)) {
        return 0;
    }
    dependence = cautious(fmin(tare__change_dependence(work->scores, n, n / 2), work->of_differences),
                          work->of_differences, n);
    if (!worth_looking(work->plain, n, sqrt((1 + dependence) / (1 - dependence)), work)) {
        return 0;
    }
    for (size_t length = STRETCH; length < n; length += length / 2) {
        looks += (double)((n - length) / (length / 4) + 1);
    }
    double *left = work->sums; /* not used by what is called here */
    leave(work->plain, dependence, n, left);
    *chance = 1;
    for (size_t length = STRETCH;; length = length + length / 2 < n ? length + length / 2 : n) {
        double least = 1;
        size_t place = 0;
        for (size_t from = 0; from + length <= n; from += length / 4) {
            size_t at;
            double p = looks * stretch_chance(left + from, length, dependence, work, &at);
            if (p < least) {
                least = p;
                place = from + at;
            }
        }
        /* Short ones say where, long ones how sure. */
        best = best == 0 && least <= alpha ? place : best;
        *chance = fmin(*chance, least);
        if (length == n) {
            return best;
        }
    }
}

static int add(struct tare_changes *out, struct tare_change change)
{
    struct tare_change *more = reallocarray(out->changes, out->count + 1, sizeof(*more));
    if (more == NULL) {
        return -ENOMEM;
    }
    out->changes = more;
    more[out->count++] = change;
    return 0;
}

static int by_place(const void *a, const void *b)
{
    size_t x = ((const struct tare_change *)a)->at, y = ((const struct tare_change *)b)->at;
    return (x > y) - (x < y);
}

/* Where the values of [from, to) changed, if they did; 0: they did not. */
static size_t find_one(const double *values, size_t from, size_t to, double alpha, double *p,
                       struct tare__change_work *work)
{
    size_t n = to - from;
    *p = tare__change_chance(tare__change_statistic(values + from, n, true, work), n);
    size_t first = work->first, last = work->last;
    double chance = 1;
    size_t at = look_closely(n, alpha * CLOSELY, work, &chance);
    if (at > 0) {
        *p = fmin(*p, chance / CLOSELY);
        return from + at;
    }
    if (*p > alpha) {
        return 0;
    }
    tare__change_scores(values + from, n, work);
    return from + best_split(work->scores, n, first, last);
}

/* Changes within [from, to). The depth is bounded by log2(n): the larger part is taken in the loop. */
static int search(const double *values, size_t from, size_t to, double alpha, struct tare_changes *out,
                  struct tare__change_work *work)
{
    int failure = 0;
    while (failure == 0 && to - from >= TARE_CHANGE_FEWEST) {
        double p;
        size_t at = find_one(values, from, to, alpha, &p, work);
        out->p = fmin(out->p, p);
        if (at == 0) {
            break;
        }
        failure = add(out, (struct tare_change){.at = at, .p = p});
        bool left_is_smaller = at - from < to - at;
        if (failure == 0) {
            failure = left_is_smaller ? search(values, from, at, alpha, out, work)
                                      : search(values, at, to, alpha, out, work);
        }
        *(left_is_smaller ? &from : &to) = at;
    }
    return failure;
}

static void nothing_known(struct tare_changes *out)
{
    *out = (struct tare_changes){
        .p = NAN, .autocorrelation = NAN, .scatter = NAN, .spread = NAN, .smallest = NAN, .level = NAN};
}

int tare_changes_find(const double *values, size_t n, double alpha, struct tare_changes *out)
{
    struct tare__change_work work;
    nothing_known(out);
    if (!(alpha > 0 && alpha < 1) || tare_values_check(values, n) != 0) {
        return -EINVAL;
    }
    int failure = n > 0 ? tare__change_work_init(&work, n) : 0;
    if (failure != 0 || n == 0) {
        return failure;
    }
    if (n >= TARE_CHANGE_FEWEST) {
        out->p = 1;
        failure = search(values, 0, n, alpha, out, &work);
        if (failure == 0 && out->count > 0) {
            qsort(out->changes, out->count, sizeof(out->changes[0]), by_place);
        }
    }
    failure = failure != 0 ? failure : tare__change_sizes(values, n, out, &work);
    tare__change_work_release(&work);
    if (failure != 0) {
        tare_changes_release(out);
    }
    return failure;
}

void tare_changes_release(struct tare_changes *changes)
{
    free(changes->changes);
    nothing_known(changes);
}
