/* SPDX-License-Identifier: MIT */
/*
 * Fences against NumPy 1.24.2's quartiles, and what lies outside them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "near.h"
#include "stats/outlier.h"
#include "stats/random.h"
#include "stats/values.h"

static const double readings[] = {41.2, 40.9, 41.0, 41.7, 40.8, 43.5, 41.1, 40.9, 52.3, 41.3, 41.0, 42.2,
                                  40.7, 41.5, 41.1, 47.9, 41.4, 40.9, 41.8, 41.2, 60.4, 41.0, 42.6, 41.3};

static void fences_of(const double *values, size_t n, struct tare_fences *fences)
{
    double sorted[1000];
    memcpy(sorted, values, n * sizeof(double));
    tare_values_sort(sorted, n);
    assert_int_equal(tare_outlier_fences(sorted, n, fences), 0);
}

/*
 * numpy.percentile(x, [25, 75]) is 41, 41.9 (and R's quantile(x, c(.25, .75))), so the fences are 38.3, 39.65,
 * 43.25 and 44.6: 43.5 is outside mildly, 47.9, 52.3 and 60.4 are severely.
 */
static void outliers_are_marked_and_kept(void **state)
{
    (void)state;
    struct tare_fences fences;
    fences_of(readings, COUNT(readings), &fences);
    assert_near(fences.q1, 41.0, 1e-13);
    assert_near(fences.q3, 41.9, 1e-13);
    assert_near(fences.low_severe, 38.3, 1e-12);
    assert_near(fences.low_mild, 39.65, 1e-12);
    assert_near(fences.high_mild, 43.25, 1e-12);
    assert_near(fences.high_severe, 44.6, 1e-12);

    double values[COUNT(readings)];
    memcpy(values, readings, sizeof(values));
    enum tare_outlier classes[COUNT(readings)];
    size_t counts[TARE_OUTLIER_CLASSES];
    assert_int_equal(tare_outlier_mark(values, COUNT(values), &fences, classes, counts), 0);
    assert_memory_equal(values, readings, sizeof(values));
    const size_t expected[TARE_OUTLIER_CLASSES] = {0, 0, 20, 1, 3};
    assert_memory_equal(counts, expected, sizeof(counts));
    for (size_t i = 0; i < COUNT(values); i++) {
        assert_int_equal(classes[i], values[i] > 44.6    ? TARE_OUTLIER_HIGH_SEVERE
                                     : values[i] > 43.25 ? TARE_OUTLIER_HIGH_MILD
                                                         : TARE_OUTLIER_NORMAL);
    }
}

/* 0 ... 100: quartiles 25 and 75, fences 1.5 and 3 times 50 away from them, all exact. */
static void a_value_on_a_fence_is_within(void **state)
{
    (void)state;
    double values[101];
    for (int i = 0; i <= 100; i++) {
        values[i] = i;
    }
    struct tare_fences fences;
    fences_of(values, 101, &fences);
    assert_true(fences.low_mild == -50.0 && fences.high_mild == 150.0);
    assert_true(fences.low_severe == -125.0 && fences.high_severe == 225.0);
    static const struct {
        double value;
        enum tare_outlier class;
    } cases[] = {
        {-1e99, TARE_OUTLIER_LOW_SEVERE},  {-125.5, TARE_OUTLIER_LOW_SEVERE}, {-125.0, TARE_OUTLIER_LOW_MILD},
        {-50.5, TARE_OUTLIER_LOW_MILD},    {-50.0, TARE_OUTLIER_NORMAL},      {50.0, TARE_OUTLIER_NORMAL},
        {150.0, TARE_OUTLIER_NORMAL},      {150.5, TARE_OUTLIER_HIGH_MILD},   {225.0, TARE_OUTLIER_HIGH_MILD},
        {225.5, TARE_OUTLIER_HIGH_SEVERE}, {1e99, TARE_OUTLIER_HIGH_SEVERE},  {NAN, TARE_OUTLIER_NORMAL},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        assert_int_equal(tare_outlier_class(&fences, cases[i].value), cases[i].class);
    }
}

static void mirrored_values_have_mirrored_classes(void **state)
{
    (void)state;
    struct tare_random random;
    tare_random_seed(&random, 4);
    for (int run = 0; run < 100; run++) {
        double values[200], mirrored[200];
        size_t n = 1 + (size_t)tare_random_below(&random, 200);
        for (size_t i = 0; i < n; i++) {
            double z = tare_random_normal(&random);
            values[i] = z * z * z;
            mirrored[i] = -values[i];
        }
        struct tare_fences fences;
        size_t counts[TARE_OUTLIER_CLASSES], other[TARE_OUTLIER_CLASSES], sum = 0;
        fences_of(values, n, &fences);
        assert_int_equal(tare_outlier_mark(values, n, &fences, NULL, counts), 0);
        fences_of(mirrored, n, &fences);
        assert_int_equal(tare_outlier_mark(mirrored, n, &fences, NULL, other), 0);
        for (int c = 0; c < TARE_OUTLIER_CLASSES; c++) {
            assert_int_equal(counts[c], other[TARE_OUTLIER_CLASSES - 1 - c]);
            sum += counts[c];
        }
        assert_int_equal(sum, n);
    }
}

/*
 * Of normal values 2 x P(Z > 2.698) = 0.70 % are outside. In 2 x 10^5 of them, in samples of 1000, whose
 * quartiles are near the true ones, 1396 are expected; 4 standard deviations of chance are 149.
 */
static void few_normal_values_are_outside(void **state)
{
    (void)state;
    struct tare_random random;
    tare_random_seed(&random, 14);
    size_t outside = 0, severe = 0;
    for (int run = 0; run < 200; run++) {
        double values[1000];
        for (size_t i = 0; i < COUNT(values); i++) {
            values[i] = tare_random_normal(&random);
        }
        struct tare_fences fences;
        size_t counts[TARE_OUTLIER_CLASSES];
        fences_of(values, COUNT(values), &fences);
        assert_int_equal(tare_outlier_mark(values, COUNT(values), &fences, NULL, counts), 0);
        outside += COUNT(values) - counts[TARE_OUTLIER_NORMAL];
        severe += counts[TARE_OUTLIER_LOW_SEVERE] + counts[TARE_OUTLIER_HIGH_SEVERE];
    }
    assert_between((double)outside, 1396 - 149, 1396 + 200);
    assert_true(severe <= 6); /* 0.5 expected */
}

static void of_three_values_none_is_outside(void **state)
{
    (void)state;
    struct tare_random random;
    tare_random_seed(&random, 15);
    for (int run = 0; run < 1000; run++) {
        double values[3];
        size_t n = 1 + (size_t)tare_random_below(&random, 3), counts[TARE_OUTLIER_CLASSES];
        for (size_t i = 0; i < n; i++) {
            values[i] = exp(10.0 * tare_random_normal(&random));
        }
        struct tare_fences fences;
        fences_of(values, n, &fences);
        assert_int_equal(tare_outlier_mark(values, n, &fences, NULL, counts), 0);
        assert_int_equal(counts[TARE_OUTLIER_NORMAL], n);
    }
    const double four[] = {0.0, 0.0, 0.0, 1.0};
    struct tare_fences fences;
    fences_of(four, 4, &fences);
    assert_int_equal(tare_outlier_class(&fences, 1.0), TARE_OUTLIER_HIGH_MILD);
}

static void edges(void **state)
{
    (void)state;
    struct tare_fences fences;
    size_t counts[TARE_OUTLIER_CLASSES] = {9, 9, 9, 9, 9};
    assert_int_equal(tare_outlier_fences(NULL, 0, &fences), 0);
    assert_true(isnan(fences.q1) && isnan(fences.q3) && isnan(fences.low_severe) && isnan(fences.high_severe));
    assert_int_equal(tare_outlier_class(&fences, 1e9), TARE_OUTLIER_NORMAL);
    assert_int_equal(tare_outlier_mark(NULL, 0, &fences, NULL, counts), 0);
    for (int c = 0; c < TARE_OUTLIER_CLASSES; c++) {
        assert_int_equal(counts[c], 0);
    }
    const double equal[] = {5, 5, 5, 5, 5, 5, 6};
    assert_int_equal(tare_outlier_fences(equal, 6, &fences), 0);
    assert_true(fences.low_severe == 5.0 && fences.high_severe == 5.0);
    assert_int_equal(tare_outlier_mark(equal, 7, &fences, NULL, counts), 0);
    assert_int_equal(counts[TARE_OUTLIER_NORMAL], 6);
    assert_int_equal(counts[TARE_OUTLIER_HIGH_SEVERE], 1);

    const double refused[] = {NAN, INFINITY, -INFINITY};
    for (size_t i = 0; i < COUNT(refused); i++) {
        const double values[] = {1.0, 2.0, refused[i]};
        enum tare_outlier classes[3] = {TARE_OUTLIER_LOW_MILD, TARE_OUTLIER_LOW_MILD, TARE_OUTLIER_LOW_MILD};
        struct tare_fences none;
        assert_int_equal(tare_outlier_fences(values, 3, &none), -EINVAL);
        assert_true(isnan(none.q1) && isnan(none.high_mild));
        assert_int_equal(tare_outlier_mark(values, 3, &fences, classes, counts), -EINVAL);
        assert_int_equal(counts[TARE_OUTLIER_NORMAL], 0);
        assert_int_equal(classes[0], TARE_OUTLIER_LOW_MILD);
    }
    const double unsorted[] = {2.0, 1.0};
    assert_int_equal(tare_outlier_fences(unsorted, 2, &fences), -EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(outliers_are_marked_and_kept),
        cmocka_unit_test(a_value_on_a_fence_is_within),
        cmocka_unit_test(mirrored_values_have_mirrored_classes),
        cmocka_unit_test(few_normal_values_are_outside),
        cmocka_unit_test(of_three_values_none_is_outside),
        cmocka_unit_test(edges),
    };
    return cmocka_run_group_tests_name("outlier", tests, NULL, NULL);
}
