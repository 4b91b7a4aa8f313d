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
            assert_true(error <= truth / 32.0 + 0.5);
            assert_near(found, truth, 2.0 * error); /* anywhere in the bucket, which is twice as wide */
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
    assert_near(error, (double)(width - 1) / 2.0, 1e-6);
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
    assert_true(error == 2.0);
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
        cmocka_unit_test(hostile_histograms_give_some_number),
    };
    return cmocka_run_group_tests_name("quantile", tests, NULL, NULL);
}
