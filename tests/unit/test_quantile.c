/* SPDX-License-Identifier: MIT */
/*
 * Quantiles of values against figures that were not computed by us: Python 3.11's statistics.quantiles(...,
 * method='inclusive'), which is type 7, and statistics.median. Quantiles of histograms against the exact order
 * statistic of the values that went into them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <tare/page.h>

#include "stats/quantile.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const double ten[] = {2.3, 2.6, 3.1, 4.1, 5.3, 5.8, 5.9, 8.4, 9.3, 9.7};
static const double powers[] = {1, 2, 4, 8, 16, 32, 64};

static void assert_near(double found, double expected, double within)
{
    if (!(fabs(found - expected) <= within)) {
        fail_msg("%.17g is not within %g of %.17g", found, within, expected);
    }
}

/* A fixed sequence (xorshift64, Marsaglia 2003), so that every run tests the same. */
static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static void quantiles_are_type_7(void **state)
{
    (void)state;
    static const struct {
        const double *values;
        size_t n;
        double p;
        double expected;
    } cases[] = {
        {ten, COUNT(ten), 0.10, 2.5700000000000003},
        {ten, COUNT(ten), 0.20, 3.0},
        {ten, COUNT(ten), 0.25, 3.35},
        {ten, COUNT(ten), 0.40, 4.819999999999999},
        {ten, COUNT(ten), 0.50, 5.55},
        {ten, COUNT(ten), 0.75, 7.775},
        {ten, COUNT(ten), 0.90, 9.34},
        {ten, COUNT(ten), 0.95, 9.52},
        {ten, COUNT(ten), 0.99, 9.664},
        {powers, COUNT(powers), 0.05, 1.3},
        {powers, COUNT(powers), 0.20, 2.4},
        {powers, COUNT(powers), 0.25, 3.0},
        {powers, COUNT(powers), 0.50, 8.0},
        {powers, COUNT(powers), 0.60, 12.8},
        {powers, COUNT(powers), 0.95, 54.4},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        assert_near(tare_quantile(cases[i].values, cases[i].n, cases[i].p), cases[i].expected, 1e-12);
    }
}

static void quantiles_at_the_ends_are_the_extremes(void **state)
{
    (void)state;
    assert_true(tare_quantile(ten, COUNT(ten), 0.0) == 2.3);
    assert_true(tare_quantile(ten, COUNT(ten), 1.0) == 9.7);
    const double one = 7.5;
    assert_true(tare_quantile(&one, 1, 0.0) == 7.5);
    assert_true(tare_quantile(&one, 1, 0.3) == 7.5);
    assert_true(tare_quantile(&one, 1, 1.0) == 7.5);
    const double infinite[] = {1.0, INFINITY, INFINITY};
    assert_true(isinf(tare_quantile(infinite, 3, 0.5)));
}

static void what_has_no_quantile_is_nan(void **state)
{
    (void)state;
    double none[1] = {0};
    assert_true(isnan(tare_quantile(ten, 0, 0.5)));
    assert_true(isnan(tare_quantile(ten, COUNT(ten), -0.01)));
    assert_true(isnan(tare_quantile(ten, COUNT(ten), 1.01)));
    assert_true(isnan(tare_quantile(ten, COUNT(ten), NAN)));
    assert_true(isnan(tare_median(none, 0)));
    assert_true(isnan(tare_mad(none, 0, 0.0)));
}

static void median_and_mad_of_known_values(void **state)
{
    (void)state;
    double values[] = {3.1, 4.1, 5.9, 2.6, 5.3, 5.8, 9.7, 9.3, 2.3, 8.4};
    double median = tare_median(values, COUNT(values));
    assert_near(median, 5.55, 1e-12);
    assert_memory_equal(values, ten, sizeof(ten)); /* sorted in place */
    assert_near(tare_mad(values, COUNT(values), median), 2.65, 1e-12);

    double odd[] = {5.0, -1.0, 3.0};
    assert_true(tare_median(odd, 3) == 3.0);
    assert_true(tare_mad(odd, 3, 3.0) == 2.0);
}

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void median_sorts_every_length(void **state)
{
    (void)state;
    uint64_t seed = 88172645463325252;
    double values[300], sorted[300];
    for (size_t n = 1; n <= COUNT(values); n++) {
        for (size_t i = 0; i < n; i++) {
            values[i] = (double)(next_random(&seed) % 64) - 32.0; /* many are equal */
        }
        memcpy(sorted, values, n * sizeof(double));
        qsort(sorted, n, sizeof(double), compare_doubles);
        double median = tare_median(values, n);
        assert_memory_equal(values, sorted, n * sizeof(double));
        assert_true(median == (n % 2 ? sorted[n / 2] : (sorted[n / 2 - 1] + sorted[n / 2]) / 2.0));
    }
}

/* 1.4826 x MAD of a normal sample is its standard deviation: the constant, and the code that it scales. */
static void mad_scales_to_sigma(void **state)
{
    (void)state;
    enum { N = 20001 };
    double *values = malloc(N * sizeof(double));
    assert_non_null(values);
    uint64_t seed = 1234567;
    for (size_t i = 0; i < N; i++) {
        double sum = 0.0; /* of 12 uniform values, less 6: normal enough, sigma 1 */
        for (int k = 0; k < 12; k++) {
            sum += (double)(next_random(&seed) >> 11) * 0x1p-53;
        }
        values[i] = 100.0 + 5.0 * (sum - 6.0);
    }
    double median = tare_median(values, N);
    double sigma = TARE_MAD_TO_SIGMA * tare_mad(values, N, median);
    assert_near(median, 100.0, 0.25);
    assert_near(sigma, 5.0, 0.25);
    free(values);
}

static void small_values_are_exact_in_a_histogram(void **state)
{
    (void)state;
    uint64_t buckets[TARE_BUCKET_COUNT] = {0};
    for (uint64_t value = 1; value <= 20; value++) {
        buckets[tare_bucket_of(value)]++;
    }
    for (unsigned percent = 0; percent <= 100; percent++) {
        double error = -1.0;
        unsigned rank = (20 * percent + 99) / 100;
        double expected = rank == 0 ? 1.0 : (double)rank;
        double found = tare_histogram_quantile(buckets, TARE_BUCKET_COUNT, percent / 100.0, 1, 20, &error);
        assert_true(found == expected);
        assert_true(error == 0.0);
    }
}

static int compare_values(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static void histogram_quantile_is_as_near_as_it_says(void **state)
{
    (void)state;
    enum { N = 5000 };
    static const double ps[] = {0.0, 0.001, 0.01, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.999, 1.0};
    uint64_t seed = 42;
    uint64_t *values = malloc(N * sizeof(*values));
    assert_non_null(values);
    for (unsigned shift = 20; shift < 64; shift += 4) {
        uint64_t buckets[TARE_BUCKET_COUNT] = {0};
        for (size_t i = 0; i < N; i++) {
            values[i] = next_random(&seed) >> shift;
            values[i] = shift < 24 ? values[i] & 0xffffffffff : values[i];
            buckets[tare_bucket_of(values[i])]++;
        }
        qsort(values, N, sizeof(*values), compare_values);
        for (size_t i = 0; i < COUNT(ps); i++) {
            double error;
            double found =
                tare_histogram_quantile(buckets, TARE_BUCKET_COUNT, ps[i], values[0], values[N - 1], &error);
            size_t rank = (size_t)ceil(ps[i] * N - 1e-6);
            double truth = (double)values[rank == 0 ? 0 : rank - 1];
            assert_true(error <= truth / 16.0);
            assert_near(found, truth, error);
            assert_true(found >= (double)values[0] && found <= (double)values[N - 1]);
        }
        double top = tare_histogram_quantile(buckets, TARE_BUCKET_COUNT, 1.0, values[0], values[N - 1], NULL);
        assert_true(top == (double)values[N - 1]);
    }
    free(values);
}

/* 0.07 x 100 is more than 7 in doubles, and ceil makes 8 of it. */
static void rank_survives_rounding(void **state)
{
    (void)state;
    uint64_t buckets[TARE_BUCKET_COUNT] = {0};
    buckets[1] = 7;
    buckets[2] = 93;
    assert_true(tare_histogram_quantile(buckets, TARE_BUCKET_COUNT, 0.07, 1, 2, NULL) == 1.0);
    assert_true(tare_histogram_quantile(buckets, TARE_BUCKET_COUNT, 0.08, 1, 2, NULL) == 2.0);
}

static void values_are_spread_evenly_inside_a_bucket(void **state)
{
    (void)state;
    uint64_t buckets[TARE_BUCKET_COUNT] = {0};
    uint32_t index = tare_bucket_of(1 << 20);
    uint64_t low = tare_bucket_low(index), width = tare_bucket_width(index);
    buckets[tare_bucket_of(1)] = 1;
    buckets[index] = 4;
    buckets[tare_bucket_of(1 << 30)] = 1;
    double error;
    double found =
        tare_histogram_quantile(buckets, TARE_BUCKET_COUNT, 0.5, 1, 1 << 30, &error); /* the 2nd of 4 */
    assert_near(found, (double)low + (double)(width - 1) * 0.375, 1e-6);
    assert_near(error, (double)(width - 1) * 0.625, 1e-6); /* to the farther edge */
}

static void extremes_narrow_a_bucket(void **state)
{
    (void)state;
    uint64_t buckets[TARE_BUCKET_COUNT] = {0};
    uint64_t low = tare_bucket_low(tare_bucket_of(1 << 20));
    buckets[tare_bucket_of(1 << 20)] = 100;
    double error;
    double found = tare_histogram_quantile(buckets, TARE_BUCKET_COUNT, 0.5, low + 10, low + 14, &error);
    assert_true(found >= (double)low + 10.0 && found <= (double)low + 14.0);
    assert_true(error >= 2.0 && error < 2.1);
}

static void last_bucket_is_open_above(void **state)
{
    (void)state;
    uint64_t buckets[TARE_BUCKET_COUNT] = {0};
    buckets[TARE_BUCKET_COUNT - 1] = 3;
    uint64_t min = UINT64_C(1) << 50, max = UINT64_C(1) << 60;
    double error;
    double found = tare_histogram_quantile(buckets, TARE_BUCKET_COUNT, 0.5, min, max, &error);
    assert_true(found > (double)min && found < (double)max);
    assert_near(error, (double)(max - min) / 2.0, 1.0);
    assert_true(tare_histogram_quantile(buckets, TARE_BUCKET_COUNT, 1.0, min, max, NULL) == (double)max);
}

static void histograms_without_an_answer_give_nan(void **state)
{
    (void)state;
    uint64_t buckets[TARE_BUCKET_COUNT] = {0};
    double error = 1.0;
    assert_true(isnan(tare_histogram_quantile(buckets, TARE_BUCKET_COUNT, 0.5, UINT64_MAX, 0, &error)));
    assert_true(isnan(error));
    buckets[20] = 1;
    assert_true(isnan(tare_histogram_quantile(buckets, TARE_BUCKET_COUNT, -0.5, 20, 20, NULL)));
    assert_true(isnan(tare_histogram_quantile(buckets, TARE_BUCKET_COUNT, 1.5, 20, 20, NULL)));
    assert_true(isnan(tare_histogram_quantile(buckets, TARE_BUCKET_COUNT, NAN, 20, 20, NULL)));
    assert_true(isnan(tare_histogram_quantile(buckets, 0, 0.5, 20, 20, NULL)));
}

/* All of `n` values that can be known. */
static struct tare_histogram_facts facts_of(const uint64_t *values, size_t n, uint64_t *buckets)
{
    struct tare_histogram_facts facts = {.min = UINT64_MAX, .attained = true};
    for (size_t i = 0; i < n; i++) {
        buckets[tare_bucket_of(values[i])]++;
        facts.count++;
        facts.sum += values[i];
        facts.min = values[i] < facts.min ? values[i] : facts.min;
        facts.max = values[i] > facts.max ? values[i] : facts.max;
    }
    return facts;
}

/* As of a window: the sum is known, extremes are not. */
static double quantile_by_sum(const uint64_t *values, size_t n, double p)
{
    uint64_t buckets[TARE_BUCKET_COUNT] = {0};
    struct tare_histogram_facts facts = facts_of(values, n, buckets);
    facts.attained = false;
    facts.min = 1;
    facts.max = 0;
    double found;
    tare_histogram_quantiles_of(buckets, TARE_BUCKET_COUNT, &p, 1, &facts, &found, NULL);
    return found;
}

static void the_sum_places_values_in_their_bucket(void **state)
{
    (void)state;
    static const double ps[] = {0.0, 0.05, 0.5, 0.95, 0.99, 0.999, 1.0};
    for (size_t i = 0; i < COUNT(ps); i++) {
        uint64_t one = 350, constant[1000], near[999];
        assert_true(quantile_by_sum(&one, 1, ps[i]) == 350.0); /* one value is its sum */
        for (size_t k = 0; k < COUNT(constant); k++) {
            constant[k] = 33000;
        }
        /* The mean is 232 above the bucket's edge, and no value can be so far from it on average. */
        assert_near(quantile_by_sum(constant, COUNT(constant), ps[i]), 33000.0, 232.0);
        for (size_t k = 0; k < COUNT(near); k++) {
            near[k] = 65537 + k % 3;
        }
        assert_near(quantile_by_sum(near, COUNT(near), ps[i]), 65538.0, 2.0);
    }
    uint64_t constant[999];
    for (size_t k = 0; k < COUNT(constant); k++) {
        constant[k] = 33000;
    }
    assert_near(quantile_by_sum(constant, COUNT(constant), 0.5), 33000.0, 1e-6);
    /* Two buckets: the middles are 343.5 and 9983.5, the sum is 23 more. */
    const uint64_t two[] = {350, 10000};
    double low = quantile_by_sum(two, 2, 0.5), high = quantile_by_sum(two, 2, 1.0);
    assert_near(low + high, 10350.0, 1e-6);
    assert_true(fabs(low - 350.0) < 6.5 && fabs(high - 10000.0) < 16.5);
}

static void a_sum_that_cannot_be_is_not_used(void **state)
{
    (void)state;
    uint64_t buckets[TARE_BUCKET_COUNT] = {0};
    uint32_t index = tare_bucket_of(40000);
    double low = (double)tare_bucket_low(index), high = low + (double)tare_bucket_width(index) - 1.0;
    buckets[index] = 1001;
    const struct {
        uint64_t count, sum;
        double expected;
    } cases[] = {
        {1001, UINT64_MAX, (low + high) / 2.0}, /* stopped there */
        {1001, 1001, (low + high) / 2.0},
        {1001, UINT64_C(1001) << 40, (low + high) / 2.0},
        {900, 900 * (uint64_t)(low + 100), (low + high) / 2.0}, /* of other values than these */
        {0, 0, (low + high) / 2.0},
        {1000, 1000 * (uint64_t)(low + 100), low + 100.0}, /* a page in motion: nearly these */
        {1001, 1001 * (uint64_t)(low + 100), low + 100.0},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct tare_histogram_facts facts = {.count = cases[i].count, .sum = cases[i].sum, .min = 1};
        double p = 0.5, found;
        tare_histogram_quantiles_of(buckets, TARE_BUCKET_COUNT, &p, 1, &facts, &found, NULL);
        assert_near(found, cases[i].expected, 1e-6);
    }
}

/* Values from 2^48 up, of which the bucket knows no end. */
static bool index_is_open(const uint64_t *buckets)
{
    return buckets[TARE_BUCKET_COUNT - 1] != 0;
}

/* What the header promises, of histograms of all shapes, with all, some and nothing known of them. */
static void quantiles_of_what_is_known_keep_their_promises(void **state)
{
    (void)state;
    static const double ps[] = {0.0, 0.001, 0.05, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.999, 1.0};
    enum { SUM = 1, BOUNDS = 2, ATTAINED = 4 };
    uint64_t seed = 20240229, values[600];
    for (int round = 0; round < 4000; round++) {
        size_t n = 1 + next_random(&seed) % (round % 3 == 0 ? 5 : COUNT(values));
        unsigned shift = 14 + (unsigned)(next_random(&seed) % 50), spread = (unsigned)(next_random(&seed) % 12);
        uint64_t base = next_random(&seed) >> shift;
        for (size_t i = 0; i < n; i++) {
            uint64_t random = next_random(&seed);
            values[i] = base + (base >> (spread % 8)) * (random % 1000) / 1000;
            values[i] = spread == 9 ? random >> (14 + random % 50) : spread == 10 ? base : values[i];
        }
        uint64_t buckets[TARE_BUCKET_COUNT] = {0};
        const struct tare_histogram_facts all = facts_of(values, n, buckets);
        qsort(values, n, sizeof(*values), compare_values);
        for (unsigned known = 0; known < 8; known++) {
            struct tare_histogram_facts facts = all;
            facts.attained = (known & ATTAINED) != 0;
            if (!(known & SUM)) {
                facts.sum = UINT64_MAX;
            }
            if (!(known & BOUNDS)) {
                facts.min = 1;
                facts.max = 0;
            } else if (!facts.attained) {
                facts.min -= facts.min / 50;
                facts.max += facts.max / 50;
            }
            double found[COUNT(ps)], errors[COUNT(ps)];
            tare_histogram_quantiles_of(buckets, TARE_BUCKET_COUNT, ps, COUNT(ps), &facts, found, errors);
            for (size_t i = 0; i < COUNT(ps); i++) {
                size_t rank = (size_t)ceil(ps[i] * (double)n - 1e-9);
                uint64_t truth = values[rank == 0 ? 0 : rank - 1];
                uint32_t index = tare_bucket_of(truth);
                double low = (double)tare_bucket_low(index), width = (double)tare_bucket_width(index);
                bool open = index == TARE_BUCKET_COUNT - 1;
                assert_true(found[i] >= low && (open || found[i] <= low + width - 1.0));
                assert_true(open || fabs(found[i] - (double)truth) <= (double)truth / 16.0);
                assert_true((open && !(known & BOUNDS)) ||
                            fabs(found[i] - (double)truth) <= errors[i] + (double)truth * 1e-12);
                assert_true(i == 0 || found[i] >= found[i - 1]);
                if (known & BOUNDS) {
                    assert_true(found[i] >= (double)facts.min && found[i] <= (double)facts.max);
                }
            }
            if ((known & BOUNDS) && (known & ATTAINED)) {
                assert_true(found[0] == (double)all.min && found[COUNT(ps) - 1] == (double)all.max);
            }
            if ((known & SUM) && !(index_is_open(buckets) && !(known & BOUNDS))) {
                double mean = (double)all.sum / (double)n, slack = mean * 1e-9;
                assert_true(found[0] <= mean + slack && found[COUNT(ps) - 1] >= mean - slack);
                assert_true(n != 1 || found[4] == (double)values[0]);
            }
        }
    }
}

/* By the measure in quantile.c, the sum never makes it worse. */
static void the_sum_never_makes_means_of_buckets_worse(void **state)
{
    (void)state;
    uint64_t seed = 77, values[200];
    for (int round = 0; round < 2000; round++) {
        size_t n = 2 + next_random(&seed) % (COUNT(values) - 2);
        uint64_t buckets[TARE_BUCKET_COUNT] = {0};
        double sums[TARE_BUCKET_COUNT] = {0};
        for (size_t i = 0; i < n; i++) {
            values[i] = 1000 + next_random(&seed) % (1 + round * 3);
            sums[tare_bucket_of(values[i])] += (double)values[i];
        }
        struct tare_histogram_facts facts = facts_of(values, n, buckets);
        facts.attained = false;
        facts.min = 1;
        facts.max = 0;
        double distance[2] = {0.0, 0.0};
        for (int with = 0; with < 2; with++) {
            double before = 0.0;
            struct tare_histogram_facts some = facts;
            some.sum = with ? facts.sum : UINT64_MAX;
            for (uint32_t i = 0; i < TARE_BUCKET_COUNT; i++) {
                if (buckets[i] == 0 || tare_bucket_width(i) == 1) {
                    before += (double)buckets[i];
                    continue;
                }
                double c = (double)buckets[i], w = (double)tare_bucket_width(i) - 1.0, mean = 0.0;
                for (double k = 1.0; k <= c; k++) {
                    double p = (before + k - 0.5) / (double)n, found;
                    tare_histogram_quantiles_of(buckets, TARE_BUCKET_COUNT, &p, 1, &some, &found, NULL);
                    mean += found / c;
                }
                distance[with] += c * pow(mean - sums[i] / c, 2.0) / w;
                before += c;
            }
        }
        assert_true(distance[1] <= distance[0] * (1.0 + 1e-9) + 1e-9);
    }
}

/* Damaged figures: anything finite will do, nothing may trap. Run with the undefined behaviour sanitizer. */
static void hostile_histograms_give_some_number(void **state)
{
    (void)state;
    uint64_t buckets[TARE_BUCKET_COUNT];
    for (uint32_t i = 0; i < TARE_BUCKET_COUNT; i++) {
        buckets[i] = UINT64_MAX;
    }
    static const uint64_t extremes[] = {0, 1, 1000, UINT64_MAX - 1, UINT64_MAX};
    for (size_t a = 0; a < COUNT(extremes); a++) {
        for (size_t b = 0; b < COUNT(extremes); b++) {
            for (double p = 0.0; p <= 1.0; p += 0.125) {
                double error;
                double found =
                    tare_histogram_quantile(buckets, TARE_BUCKET_COUNT, p, extremes[a], extremes[b], &error);
                assert_true(isfinite(found) && isfinite(error) && error >= 0.0);
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(quantiles_are_type_7),
        cmocka_unit_test(quantiles_at_the_ends_are_the_extremes),
        cmocka_unit_test(what_has_no_quantile_is_nan),
        cmocka_unit_test(median_and_mad_of_known_values),
        cmocka_unit_test(median_sorts_every_length),
        cmocka_unit_test(mad_scales_to_sigma),
        cmocka_unit_test(small_values_are_exact_in_a_histogram),
        cmocka_unit_test(histogram_quantile_is_as_near_as_it_says),
        cmocka_unit_test(rank_survives_rounding),
        cmocka_unit_test(values_are_spread_evenly_inside_a_bucket),
        cmocka_unit_test(extremes_narrow_a_bucket),
        cmocka_unit_test(last_bucket_is_open_above),
        cmocka_unit_test(histograms_without_an_answer_give_nan),
        cmocka_unit_test(the_sum_places_values_in_their_bucket),
        cmocka_unit_test(a_sum_that_cannot_be_is_not_used),
        cmocka_unit_test(quantiles_of_what_is_known_keep_their_promises),
        cmocka_unit_test(the_sum_never_makes_means_of_buckets_worse),
        cmocka_unit_test(hostile_histograms_give_some_number),
    };
    return cmocka_run_group_tests_name("quantile", tests, NULL, NULL);
}
