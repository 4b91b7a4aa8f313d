/* SPDX-License-Identifier: MIT */
/*
 * Moments against SciPy 1.10.1 and NumPy 1.24.2, and against the certified values of NIST's Statistical
 * Reference Datasets for univariate summary statistics (NumAcc1 to NumAcc4), which are made to lose digits.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>

#include "near.h"
#include "stats/moments.h"
#include "stats/random.h"

static const double ten[] = {2.3, 2.6, 3.1, 4.1, 5.3, 5.8, 5.9, 8.4, 9.3, 9.7};
static const double readings[] = {41.2, 40.9, 41.0, 41.7, 40.8, 43.5, 41.1, 40.9, 52.3, 41.3, 41.0, 42.2,
                                  40.7, 41.5, 41.1, 47.9, 41.4, 40.9, 41.8, 41.2, 60.4, 41.0, 42.6, 41.3};

/*
 * numpy.mean(x), numpy.var(x, ddof=1), numpy.std(x, ddof=1), scipy.stats.sem(x), scipy.stats.variation(x,
 * ddof=1)
 */
static void figures_are_scipys(void **state)
{
    (void)state;
    static const struct {
        const double *values;
        size_t n;
        double mean, variance, sd, standard_error, cv, min, max;
    } cases[] = {
        {ten, COUNT(ten), 5.65, 7.4361111111111127, 2.726923378298538, 0.86232888801843521, 0.48264130589354653,
         2.3, 9.7},
        {readings, COUNT(readings), 42.904166666666661, 20.733460144927534, 4.5534009426941013,
         0.92945907532570471, 0.10612957426887291, 40.7, 60.4},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct tare_moments moments;
        assert_int_equal(tare_moments_of(cases[i].values, cases[i].n, &moments), 0);
        assert_int_equal(moments.n, cases[i].n);
        assert_close(tare_moments_mean(&moments), cases[i].mean, 1e-14);
        assert_close(tare_moments_variance(&moments), cases[i].variance, 1e-13);
        assert_close(tare_moments_sd(&moments), cases[i].sd, 1e-13);
        assert_close(tare_moments_standard_error(&moments), cases[i].standard_error, 1e-13);
        assert_close(tare_moments_cv(&moments), cases[i].cv, 1e-13);
        assert_true(tare_moments_min(&moments) == cases[i].min);
        assert_true(tare_moments_max(&moments) == cases[i].max);
    }
}

/* NumAcc1: 10000001, 10000003, 10000002. The others: `base`, then 500 times base - 0.1 and base + 0.1. */
static void certified_figures_of_hard_sets(void **state)
{
    (void)state;
    const double three[] = {10000001, 10000003, 10000002};
    struct tare_moments moments;
    assert_int_equal(tare_moments_of(three, 3, &moments), 0);
    assert_true(tare_moments_mean(&moments) == 10000002.0);
    assert_true(tare_moments_sd(&moments) == 1.0);

    static const struct {
        double base, low, high, within; /* of sd: what a double's own rounding of such data leaves */
    } sets[] = {
        {1.2, 1.1, 1.3, 1e-13},
        {1000000.2, 1000000.1, 1000000.3, 1e-8},
        {10000000.2, 10000000.1, 10000000.3, 1e-7},
    };
    for (size_t s = 0; s < COUNT(sets); s++) {
        struct tare_moments sum = {0};
        tare_moments_add(&sum, sets[s].base);
        for (int i = 0; i < 500; i++) {
            tare_moments_add(&sum, sets[s].low);
            tare_moments_add(&sum, sets[s].high);
        }
        assert_int_equal(sum.n, 1001);
        assert_close(tare_moments_mean(&sum), sets[s].base, 1e-14);
        assert_close(tare_moments_sd(&sum), 0.1, sets[s].within);
    }
}

static void merged_is_as_added(void **state)
{
    (void)state;
    struct tare_random random;
    tare_random_seed(&random, 11);
    double values[400];
    for (int run = 0; run < 200; run++) {
        size_t n = (size_t)tare_random_below(&random, COUNT(values)) + 1;
        double offset = run % 2 ? 1e9 : 0.0;
        for (size_t i = 0; i < n; i++) {
            values[i] = offset + 3.0 * tare_random_normal(&random);
        }
        struct tare_moments whole, parts[3], backwards;
        assert_int_equal(tare_moments_of(values, n, &whole), 0);
        size_t a = (size_t)tare_random_below(&random, n + 1),
               b = a + (size_t)tare_random_below(&random, n - a + 1);
        assert_int_equal(tare_moments_of(values, a, &parts[0]), 0); /* some are empty */
        assert_int_equal(tare_moments_of(values + a, b - a, &parts[1]), 0);
        assert_int_equal(tare_moments_of(values + b, n - b, &parts[2]), 0);
        backwards = parts[2];
        tare_moments_merge(&backwards, &parts[1]);
        tare_moments_merge(&backwards, &parts[0]);
        tare_moments_merge(&parts[0], &parts[1]);
        tare_moments_merge(&parts[0], &parts[2]);
        const struct tare_moments *merged[] = {&parts[0], &backwards};
        for (size_t m = 0; m < 2; m++) {
            assert_int_equal(merged[m]->n, n);
            assert_near(merged[m]->mean, whole.mean, 1e-13 * (offset + 10.0));
            assert_near(merged[m]->squares, whole.squares,
                        (offset > 0.0 ? 1e-6 : 1e-12) * (whole.squares + 1.0));
            assert_true(merged[m]->min == whole.min && merged[m]->max == whole.max);
        }
    }
}

static void merging_one_value_is_adding_it(void **state)
{
    (void)state;
    struct tare_moments one, merged = {0}, added = {0};
    for (size_t i = 0; i < COUNT(readings); i++) {
        tare_moments_of(&readings[i], 1, &one);
        tare_moments_merge(&merged, &one);
        tare_moments_add(&added, readings[i]);
        assert_close(merged.mean, added.mean, 1e-15);
        assert_near(merged.squares, added.squares, 1e-12 * (added.squares + 1e-3));
    }
}

static void too_few_values_have_no_figure(void **state)
{
    (void)state;
    struct tare_moments none = {0}, one;
    assert_true(isnan(tare_moments_mean(&none)) && isnan(tare_moments_min(&none)) &&
                isnan(tare_moments_max(&none)));
    assert_true(isnan(tare_moments_variance(&none)) && isnan(tare_moments_cv(&none)));
    const double value = -7.25;
    assert_int_equal(tare_moments_of(&value, 1, &one), 0);
    assert_true(tare_moments_mean(&one) == -7.25 && tare_moments_min(&one) == -7.25);
    assert_true(isnan(tare_moments_variance(&one)) && isnan(tare_moments_sd(&one)));
    assert_true(isnan(tare_moments_standard_error(&one)) && isnan(tare_moments_cv(&one)));

    const double two[] = {1.0, 4.0};
    struct tare_moments pair;
    assert_int_equal(tare_moments_of(two, 2, &pair), 0);
    assert_true(tare_moments_mean(&pair) == 2.5 && tare_moments_variance(&pair) == 4.5);
    struct tare_moments before = pair;
    tare_moments_merge(&pair, &none);
    assert_memory_equal(&pair, &before, sizeof(pair));
}

static void equal_values_do_not_vary(void **state)
{
    (void)state;
    struct tare_moments moments = {0};
    for (int i = 0; i < 1000; i++) {
        assert_int_equal(tare_moments_add(&moments, 0.1), 0);
    }
    assert_true(tare_moments_mean(&moments) == 0.1 && tare_moments_sd(&moments) == 0.0);
    assert_true(tare_moments_cv(&moments) == 0.0);
    const double around_zero[] = {-1.0, 1.0};
    assert_int_equal(tare_moments_of(around_zero, 2, &moments), 0);
    assert_true(isnan(tare_moments_cv(&moments))); /* a mean of 0 has no multiple */
    const double negative[] = {-1.0, -3.0};
    assert_int_equal(tare_moments_of(negative, 2, &moments), 0);
    assert_near(tare_moments_cv(&moments), sqrt(2.0) / 2.0, 1e-15);
}

static void refused_values_change_nothing(void **state)
{
    (void)state;
    struct tare_moments moments;
    assert_int_equal(tare_moments_of(ten, COUNT(ten), &moments), 0);
    struct tare_moments before = moments;
    const double refused[] = {NAN, INFINITY, -INFINITY, 1e101};
    for (size_t i = 0; i < COUNT(refused); i++) {
        assert_int_equal(tare_moments_add(&moments, refused[i]), -EINVAL);
        assert_memory_equal(&moments, &before, sizeof(moments));
        const double values[] = {1.0, refused[i], 2.0};
        struct tare_moments of_array;
        assert_int_equal(tare_moments_of(values, 3, &of_array), -EINVAL);
        assert_int_equal(of_array.n, 0);
        assert_true(isnan(tare_moments_mean(&of_array)));
    }
}

static void the_largest_values_do_not_overflow(void **state)
{
    (void)state;
    struct tare_moments moments = {0};
    for (int i = 0; i < 1000; i++) {
        assert_int_equal(tare_moments_add(&moments, i % 2 ? 1e100 : -1e100), 0);
    }
    assert_true(isfinite(tare_moments_variance(&moments)));
    assert_close(tare_moments_sd(&moments), 1e100 * sqrt(1000.0 / 999.0), 1e-12);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(figures_are_scipys),
        cmocka_unit_test(certified_figures_of_hard_sets),
        cmocka_unit_test(merged_is_as_added),
        cmocka_unit_test(merging_one_value_is_adding_it),
        cmocka_unit_test(too_few_values_have_no_figure),
        cmocka_unit_test(equal_values_do_not_vary),
        cmocka_unit_test(refused_values_change_nothing),
        cmocka_unit_test(the_largest_values_do_not_overflow),
    };
    return cmocka_run_group_tests_name("moments", tests, NULL, NULL);
}
