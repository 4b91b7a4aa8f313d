/* SPDX-License-Identifier: MIT */
/*
 * The summary of a set of values: each figure is that of the function which is made for it, in any order of the
 * values, and unknown where it is unknown.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdbool.h>

#include "near.h"
#include "stats/interval.h"
#include "stats/moments.h"
#include "stats/quantile.h"
#include "stats/random.h"
#include "stats/summary.h"
#include "stats/values.h"

static void assert_unknown(const struct tare_summary *summary)
{
    assert_int_equal(summary->n, 0);
    assert_true(isnan(summary->median) && isnan(summary->median_low) && isnan(summary->median_high) &&
                isnan(summary->mad) && isnan(summary->mean) && isnan(summary->sd) && isnan(summary->cv) &&
                isnan(summary->min) && isnan(summary->max) && isnan(summary->p50) && isnan(summary->p95) &&
                isnan(summary->p99) && isnan(summary->modes.dip) && isnan(summary->modes.p));
    assert_int_equal(summary->modes.count, 0);
    for (size_t i = 0; i < TARE_OUTLIER_CLASSES; i++) {
        assert_int_equal(summary->outliers[i], 0);
    }
}

static void no_values_have_no_figures(void **state)
{
    (void)state;
    struct tare_summary summary;
    assert_int_equal(tare_summary_of(NULL, 0, 0.95, 0.0, &summary), 0);
    assert_unknown(&summary);
}

static void what_is_refused_has_no_figures(void **state)
{
    (void)state;
    struct tare_summary summary;
    double values[] = {3.0, NAN, 1.0}, good[] = {3.0, 1.0, 2.0};
    assert_int_equal(tare_summary_of(values, 3, 0.95, 0.0, &summary), -EINVAL);
    assert_unknown(&summary);
    assert_near(values[0], 3.0, 0.0); /* and are left as they are */
    const double confidences[] = {0.0, 1.0, -1.0, NAN}, grains[] = {-1.0, NAN, INFINITY};
    for (size_t i = 0; i < COUNT(confidences); i++) {
        assert_int_equal(tare_summary_of(good, 3, confidences[i], 0.0, &summary), -EINVAL);
        assert_unknown(&summary);
    }
    for (size_t i = 0; i < COUNT(grains); i++) {
        assert_int_equal(tare_summary_of(good, 3, 0.95, grains[i], &summary), -EINVAL);
        assert_unknown(&summary);
    }
}

/* 1 ... 9 and 100: median 5.5; distances 0.5 0.5 1.5 1.5 2.5 2.5 3.5 3.5 4.5 94.5, with a median of 2.5. */
static void figures_of_ten_values_are_those_done_by_hand(void **state)
{
    (void)state;
    double values[] = {4, 100, 2, 7, 1, 9, 3, 8, 6, 5};
    struct tare_summary summary;
    assert_int_equal(tare_summary_of(values, COUNT(values), 0.95, 0.0, &summary), 0);
    assert_int_equal(summary.n, 10);
    assert_near(summary.median, 5.5, 0.0);
    assert_near(summary.p50, 5.5, 0.0);
    assert_near(summary.mad, 2.5, 0.0);
    assert_near(summary.mean, 14.5, 1e-12);
    assert_near(summary.min, 1.0, 0.0);
    assert_near(summary.max, 100.0, 0.0);
    assert_near(summary.p95, 9.0 + 0.55 * 91.0, 1e-12); /* type 7: 0.95 x 9 = 8.55 */
    assert_near(summary.p99, 9.0 + 0.91 * 91.0, 1e-12);
    assert_near(summary.median_low, 2.0, 0.0); /* the second value of ten, from either end: 97.9 % */
    assert_near(summary.median_high, 9.0, 0.0);
    assert_near(summary.sd, sqrt(8182.5 / 9.0), 1e-9); /* 285 + 10000 - 10 x 14.5^2 */
    assert_near(summary.cv, summary.sd / 14.5, 1e-12);
    assert_int_equal(summary.outliers[TARE_OUTLIER_HIGH_SEVERE], 1);
    assert_int_equal(summary.outliers[TARE_OUTLIER_NORMAL], 9);
    assert_int_equal(summary.modes.count, 1);
}

static void few_values_have_few_figures(void **state)
{
    (void)state;
    double value = 7.0;
    struct tare_summary summary;
    assert_int_equal(tare_summary_of(&value, 1, 0.95, 0.0, &summary), 0);
    assert_near(summary.median, 7.0, 0.0);
    assert_true(isnan(summary.mad));
    assert_near(summary.p99, 7.0, 0.0);
    assert_true(isnan(summary.sd) && isnan(summary.cv) && isnan(summary.median_low) &&
                isnan(summary.median_high));
    assert_int_equal(summary.modes.count, 1);
}

/* The distance from the median is found by merging here, and by sorting in tare_mad(). */
static void figures_are_those_of_the_functions_for_them(void **state)
{
    (void)state;
    struct tare_random random;
    tare_random_seed(&random, 5);
    for (size_t n = 1; n <= 120; n++) {
        double values[120], sorted[120], scratch[120];
        for (size_t i = 0; i < n; i++) { /* with and without equal ones */
            double value = tare_random_normal(&random);
            values[i] = sorted[i] = scratch[i] = n % 2 == 0 ? value : floor(3.0 * value);
        }
        struct tare_moments moments;
        tare_moments_of(values, n, &moments);
        tare_values_sort(sorted, n);
        struct tare_interval interval;
        tare_quantile_interval(sorted, n, 0.5, 0.9, &interval);
        struct tare_modes modes;
        tare_modes_of(sorted, n, 0.0, 0.01, &modes);
        struct tare_summary summary;
        assert_int_equal(tare_summary_of(values, n, 0.9, 0.0, &summary), 0);
        assert_true(n < 2 ? isnan(summary.mad)
                          : fabs(summary.mad - tare_mad(scratch, n, interval.estimate)) < 1e-15);
        assert_near(summary.mean, tare_moments_mean(&moments), 0.0);
        assert_true(n < 6 || summary.median_low == interval.low);
        assert_true(n < 6 || summary.median_high == interval.high);
        assert_int_equal(summary.modes.count, modes.count);
        assert_memory_equal(values, sorted, n * sizeof(*values));
        size_t marked = 0;
        for (size_t i = 0; i < TARE_OUTLIER_CLASSES; i++) {
            marked += summary.outliers[i];
        }
        assert_int_equal(marked, n);
    }
}

static void two_modes_are_seen(void **state)
{
    (void)state;
    double values[200];
    for (size_t i = 0; i < COUNT(values); i++) {
        values[i] = (i % 2 == 0 ? 100.0 : 130.0) + (double)((i * 31) % 97) / 97.0;
    }
    struct tare_summary summary;
    assert_int_equal(tare_summary_of(values, COUNT(values), 0.95, 0.0, &summary), 0);
    assert_int_equal(summary.modes.count, 2);
    assert_near(summary.modes.mode[0].location, 100.5, 0.5);
    assert_near(summary.modes.mode[1].location, 130.5, 0.5);
}

/* 1 ... 17: the interval is 5 ... 13; no factor brings it below the least value or above the greatest. */
static void a_widened_interval_stays_among_the_values(void **state)
{
    (void)state;
    struct tare_summary summary;
    double values[17];
    for (size_t i = 0; i < COUNT(values); i++) {
        values[i] = (double)i + 1;
    }
    assert_int_equal(tare_summary_of(values, COUNT(values), 0.95, 0.0, &summary), 0);
    assert_near(summary.median_low, 5.0, 0.0);
    assert_near(summary.median_high, 13.0, 0.0);
    struct tare_summary same = summary;
    tare_summary_widen(&same, 1.0);
    assert_near(same.median_low, 5.0, 0.0);
    assert_near(same.median_high, 13.0, 0.0);
    tare_summary_widen(&summary, 1.5);
    assert_near(summary.median_low, 3.0, 0.0);
    assert_near(summary.median_high, 15.0, 0.0);
    tare_summary_widen(&summary, 10.0);
    assert_near(summary.median_low, 1.0, 0.0);
    assert_near(summary.median_high, 17.0, 0.0);
    assert_int_equal(tare_summary_of(values, 5, 0.95, 0.0, &summary), 0);
    tare_summary_widen(&summary, 3.0);
    assert_true(isnan(summary.median_low) && isnan(summary.median_high));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_values_have_no_figures),
        cmocka_unit_test(what_is_refused_has_no_figures),
        cmocka_unit_test(figures_of_ten_values_are_those_done_by_hand),
        cmocka_unit_test(few_values_have_few_figures),
        cmocka_unit_test(figures_are_those_of_the_functions_for_them),
        cmocka_unit_test(two_modes_are_seen),
        cmocka_unit_test(a_widened_interval_stays_among_the_values),
    };
    return cmocka_run_group_tests_name("summary", tests, NULL, NULL);
}
