/* SPDX-License-Identifier: MIT */
/*
 * Trimmed and windowed figures against SciPy 1.10.1 and NumPy 1.24.2.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "near.h"
#include "stats/moments.h"
#include "stats/random.h"
#include "stats/robust.h"
#include "stats/values.h"

static const double ten[] = {2.3, 2.6, 3.1, 4.1, 5.3, 5.8, 5.9, 8.4, 9.3, 9.7};
static const double readings[] = {41.2, 40.9, 41.0, 41.7, 40.8, 43.5, 41.1, 40.9, 52.3, 41.3, 41.0, 42.2,
                                  40.7, 41.5, 41.1, 47.9, 41.4, 40.9, 41.8, 41.2, 60.4, 41.0, 42.6, 41.3};

/* scipy.stats.trim_mean(x, trim); scipy.stats.trim1(numpy.sort(x), trim, tail='left').min() */
static void trimmed_figures_are_scipys(void **state)
{
    (void)state;
    static const struct {
        const double *values;
        size_t n;
        double trim, mean, min;
    } cases[] = {
        {ten, COUNT(ten), 0.05, 5.65, 2.3},
        {ten, COUNT(ten), 0.10, 5.5625, 2.6},
        {ten, COUNT(ten), 0.20, 5.4333333333333336, 3.1},
        {ten, COUNT(ten), 0.25, 5.4333333333333336, 3.1},
        {ten, COUNT(ten), 0.40, 5.55, 5.3},
        {readings, COUNT(readings), 0.05, 42.209090909090904, 40.8},
        {readings, COUNT(readings), 0.10, 41.775, 40.9},
        {readings, COUNT(readings), 0.20, 41.39375, 40.9},
        {readings, COUNT(readings), 0.25, 41.3, 41.0},
        {readings, COUNT(readings), 0.40, 41.25, 41.1},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        double sorted[COUNT(readings)], mean, min;
        memcpy(sorted, cases[i].values, cases[i].n * sizeof(double));
        tare_values_sort(sorted, cases[i].n);
        assert_int_equal(tare_trimmed_mean(sorted, cases[i].n, cases[i].trim, &mean), 0);
        assert_close(mean, cases[i].mean, 1e-14);
        assert_int_equal(tare_trimmed_min(sorted, cases[i].n, cases[i].trim, &min), 0);
        assert_true(min == cases[i].min);
    }
}

/* 0.29 x 100 is 28.999999999999996 in doubles; every whole percentage of 100 values is so many values. */
static void trimming_counts_whole_values(void **state)
{
    (void)state;
    double sorted[100], min, mean;
    for (int i = 0; i < 100; i++) {
        sorted[i] = i;
    }
    for (int percent = 0; percent < 100; percent++) {
        assert_int_equal(tare_trimmed_min(sorted, 100, percent / 100.0, &min), 0);
        assert_true(min == percent);
        assert_int_equal(tare_trimmed_min(sorted, 100, percent / 100.0 + 0.005, &min), 0);
        assert_true(min == percent);
        if (percent < 50) {
            assert_int_equal(tare_trimmed_mean(sorted, 100, percent / 100.0, &mean), 0);
            assert_near(mean, 49.5, 1e-12);
        }
    }
    assert_int_equal(tare_trimmed_min(sorted, 3, 0.999999999999999999, &min), -EINVAL); /* it is 1.0 */
    assert_int_equal(tare_trimmed_min(sorted, 3, 0x1.fffffffffffffp-1, &min), 0);
    assert_true(min == 2.0);
}

static void trimming_withstands_what_it_trims(void **state)
{
    (void)state;
    struct tare_random random;
    tare_random_seed(&random, 3);
    for (int run = 0; run < 200; run++) {
        double values[50], clean_mean, mean, clean_min, min;
        for (size_t i = 0; i < 50; i++) {
            values[i] = 100.0 + tare_random_normal(&random);
        }
        tare_values_sort(values, 50);
        tare_trimmed_mean(values, 50, 0.1, &clean_mean);
        tare_trimmed_min(values, 50, 0.1, &clean_min);
        for (size_t i = 0; i < 5; i++) { /* wild values in the place of the 5 at each end change nothing */
            values[i] = -1e6;
            values[49 - i] = 1e9;
        }
        tare_trimmed_mean(values, 50, 0.1, &mean);
        tare_trimmed_min(values, 50, 0.1, &min);
        assert_true(mean == clean_mean);
        assert_true(min == clean_min);
    }
}

/* numpy.minimum.reduceat(x, range(0, 24, 5))[:4] and numpy.minimum.reduceat(x, range(0, 24, 6)) */
static void windows_are_numpys(void **state)
{
    (void)state;
    double minima[COUNT(readings)];
    struct tare_windowed_min windowed;
    assert_int_equal(tare_windowed_min(readings, COUNT(readings), 5, minima, &windowed), 0);
    const double of_five[] = {40.7, 40.8, 40.9, 40.9}; /* sorted */
    assert_int_equal(windowed.windows, 4);
    assert_memory_equal(minima, of_five, sizeof(of_five));
    assert_close(windowed.median, 40.85, 1e-15);
    assert_true(windowed.low == 40.7 && windowed.high == 40.9);

    assert_int_equal(tare_windowed_min(readings, COUNT(readings), 6, minima, &windowed), 0);
    const double of_six[] = {40.7, 40.8, 40.9, 41.0};
    assert_memory_equal(minima, of_six, sizeof(of_six));
    assert_true(windowed.windows == 4 && windowed.low == 40.7 && windowed.high == 41.0);
}

static void windows_of_one_and_of_all(void **state)
{
    (void)state;
    double minima[COUNT(ten)];
    struct tare_windowed_min windowed;
    assert_int_equal(tare_windowed_min(ten, COUNT(ten), 1, minima, &windowed), 0);
    assert_memory_equal(minima, ten, sizeof(ten));
    assert_int_equal(tare_windowed_min(ten, COUNT(ten), COUNT(ten), minima, &windowed), 0);
    assert_true(windowed.windows == 1 && windowed.low == 2.3 && windowed.high == 2.3 && windowed.median == 2.3);
    assert_int_equal(tare_windowed_min(ten, COUNT(ten), COUNT(ten) + 1, minima, &windowed), 0);
    assert_true(windowed.windows == 0 && isnan(windowed.median) && isnan(windowed.low) && isnan(windowed.high));
}

/* A floor that rises shows in the windows, where the minimum of all says nothing. */
static void a_moving_floor_is_seen(void **state)
{
    (void)state;
    double values[600], minima[20];
    struct tare_random random;
    tare_random_seed(&random, 8);
    for (size_t i = 0; i < 600; i++) {
        values[i] = (i < 300 ? 100.0 : 120.0) - log(1.0 - tare_random_uniform(&random));
    }
    struct tare_windowed_min windowed;
    assert_int_equal(tare_windowed_min(values, 600, 30, minima, &windowed), 0);
    assert_near(windowed.low, 100.0, 1.0);
    assert_near(windowed.high, 120.0, 1.0);
}

static void edges(void **state)
{
    (void)state;
    double figure, minima[3];
    struct tare_windowed_min windowed;
    const double two[] = {1.0, 2.0}, equal[] = {0.1, 0.1, 0.1};
    assert_int_equal(tare_trimmed_min(NULL, 0, 0.1, &figure), 0);
    assert_true(isnan(figure));
    assert_int_equal(tare_trimmed_mean(NULL, 0, 0.1, &figure), 0);
    assert_true(isnan(figure));
    assert_int_equal(tare_windowed_min(NULL, 0, 1, NULL, &windowed), 0);
    assert_true(windowed.windows == 0 && isnan(windowed.median));
    assert_int_equal(tare_trimmed_mean(two, 1, 0.49, &figure), 0);
    assert_true(figure == 1.0);
    assert_int_equal(tare_trimmed_mean(two, 2, 0.49, &figure), 0);
    assert_true(figure == 1.5);
    assert_int_equal(tare_trimmed_min(two, 2, 0.5, &figure), 0);
    assert_true(figure == 2.0);
    assert_int_equal(tare_trimmed_mean(equal, 3, 0.34, &figure), 0);
    assert_true(figure == 0.1);

    const double shares[] = {-0.01, 1.0, NAN, INFINITY};
    for (size_t i = 0; i < COUNT(shares); i++) {
        figure = 0.0;
        assert_int_equal(tare_trimmed_min(ten, COUNT(ten), shares[i], &figure), -EINVAL);
        assert_true(isnan(figure));
        figure = 0.0;
        assert_int_equal(tare_trimmed_mean(ten, COUNT(ten), shares[i], &figure), -EINVAL);
        assert_true(isnan(figure));
    }
    assert_int_equal(tare_trimmed_mean(ten, COUNT(ten), 0.5, &figure), -EINVAL);
    assert_int_equal(tare_windowed_min(ten, COUNT(ten), 0, minima, &windowed), -EINVAL);

    const double refused[] = {NAN, INFINITY, -INFINITY};
    for (size_t i = 0; i < COUNT(refused); i++) {
        const double values[] = {1.0, 2.0, refused[i]};
        assert_int_equal(tare_trimmed_min(values, 3, 0.1, &figure), -EINVAL);
        assert_int_equal(tare_trimmed_mean(values, 3, 0.1, &figure), -EINVAL);
        assert_int_equal(tare_windowed_min(values, 3, 1, minima, &windowed), -EINVAL);
        assert_true(isnan(figure) && isnan(windowed.median) && windowed.windows == 0);
    }
    const double unsorted[] = {2.0, 1.0};
    assert_int_equal(tare_trimmed_min(unsorted, 2, 0.0, &figure), -EINVAL);
    assert_int_equal(tare_trimmed_mean(unsorted, 2, 0.0, &figure), -EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(trimmed_figures_are_scipys),
        cmocka_unit_test(trimming_counts_whole_values),
        cmocka_unit_test(trimming_withstands_what_it_trims),
        cmocka_unit_test(windows_are_numpys),
        cmocka_unit_test(windows_of_one_and_of_all),
        cmocka_unit_test(a_moving_floor_is_seen),
        cmocka_unit_test(edges),
    };
    return cmocka_run_group_tests_name("robust", tests, NULL, NULL);
}
