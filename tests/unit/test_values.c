/* SPDX-License-Identifier: MIT */
/*
 * What is refused, and the sort, against qsort(3).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <float.h>
#include <stdlib.h>
#include <string.h>

#include "near.h"
#include "stats/quantile.h"
#include "stats/random.h"
#include "stats/values.h"
#include "stats/values_parts.h"

static void what_is_no_number_is_refused_wherever_it_stands(void **state)
{
    (void)state;
    const double refused[] = {NAN, -NAN, INFINITY, -INFINITY, 1.0001e100, -DBL_MAX};
    for (size_t r = 0; r < COUNT(refused); r++) {
        for (size_t place = 0; place < 5; place++) {
            double values[] = {1, 2, 3, 4, 5};
            values[place] = refused[r];
            assert_int_equal(tare_values_check(values, 5), -EINVAL);
            assert_int_equal(tare_values_check_sorted(values, 5), -EINVAL);
            assert_int_equal(tare_values_check(values, place), 0);
        }
    }
}

static void finite_values_are_taken(void **state)
{
    (void)state;
    const double values[] = {-TARE_VALUE_LIMIT, -1.0, -DBL_MIN, -0.0, 0.0, 0.0, DBL_TRUE_MIN, TARE_VALUE_LIMIT};
    assert_int_equal(tare_values_check(values, COUNT(values)), 0);
    assert_int_equal(tare_values_check_sorted(values, COUNT(values)), 0);
    assert_int_equal(tare_values_check(NULL, 0), 0);
    assert_int_equal(tare_values_check_sorted(NULL, 0), 0);
    const double descending[] = {1.0, 3.0, 2.0};
    assert_int_equal(tare_values_check(descending, 3), 0);
    assert_int_equal(tare_values_check_sorted(descending, 3), -EINVAL);
}

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void every_length_is_sorted(void **state)
{
    (void)state;
    struct tare_random random;
    tare_random_seed(&random, 5);
    double values[200], expected[200];
    for (size_t n = 0; n <= COUNT(values); n++) {
        for (size_t i = 0; i < n; i++) {
            values[i] = (double)tare_random_below(&random, n / 2 + 1) - 20.0; /* many are equal */
        }
        memcpy(expected, values, n * sizeof(double));
        qsort(expected, n, sizeof(double), compare_doubles);
        tare_values_sort(values, n);
        assert_memory_equal(values, expected, n * sizeof(double));
    }
}

/* Shapes on which quicksorts are slow, and what they then go on with. */
static void every_shape_is_sorted(void **state)
{
    enum { N = 20000 };
    static double values[N], expected[N], heaped[N];
    struct tare_random random;
    (void)state;
    tare_random_seed(&random, 6);
    for (int shape = 0; shape < 7; shape++) {
        for (size_t i = 0; i < N; i++) {
            double up = (double)i, down = (double)(N - i);
            values[i] = shape == 0   ? up
                        : shape == 1 ? down
                        : shape == 2 ? fmin(up, down)
                        : shape == 3 ? fmax(up, down)
                        : shape == 4 ? (double)(i % 3)
                        : shape == 5 ? (i % 2 == 0 ? up : down)
                                     : tare_random_normal(&random);
        }
        memcpy(expected, values, sizeof(values));
        memcpy(heaped, values, sizeof(values));
        qsort(expected, N, sizeof(double), compare_doubles);
        tare_values_sort(values, N);
        tare__heap_sort(heaped, N);
        assert_memory_equal(values, expected, sizeof(values));
        assert_memory_equal(heaped, expected, sizeof(values));
    }
}

static void median_and_mad_refuse_and_leave_values_alone(void **state)
{
    (void)state;
    const double refused[] = {NAN, INFINITY, -INFINITY};
    for (size_t r = 0; r < COUNT(refused); r++) {
        double values[] = {3, 1, 2};
        values[1] = refused[r];
        const double before[] = {values[0], values[1], values[2]};
        assert_true(isnan(tare_median(values, 3)));
        assert_true(isnan(tare_mad(values, 3, 2.0)));
        assert_memory_equal(values, before, sizeof(before));
        double fine[] = {3, 1, 2};
        assert_true(isnan(tare_mad(fine, 3, refused[r])));
    }
    double one[] = {4.5}, two[] = {7.0, 4.0}, equal[] = {2.5, 2.5, 2.5};
    assert_true(tare_median(one, 1) == 4.5);
    assert_true(tare_mad(one, 1, 4.5) == 0.0);
    assert_true(tare_median(two, 2) == 5.5);
    assert_true(tare_mad(two, 2, 5.5) == 1.5);
    assert_true(tare_median(equal, 3) == 2.5);
    assert_true(tare_mad(equal, 3, 2.5) == 0.0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_no_number_is_refused_wherever_it_stands),
        cmocka_unit_test(finite_values_are_taken),
        cmocka_unit_test(every_length_is_sorted),
        cmocka_unit_test(every_shape_is_sorted),
        cmocka_unit_test(median_and_mad_refuse_and_leave_values_alone),
    };
    return cmocka_run_group_tests_name("values", tests, NULL, NULL);
}
