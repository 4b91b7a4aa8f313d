/* SPDX-License-Identifier: MIT */
/* Change points: what is found, how large, and how often where there is nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <math.h>

#include "stats/changepoint.h"
#include "stats/changepoint_parts.h"
#include "stats/random.h"

enum { N = 200 };

static void noise(struct tare_random *random, double *values, size_t n, double level, double scatter)
{
    for (size_t i = 0; i < n; i++) {
        values[i] = level + scatter * tare_random_normal(random);
    }
}

static double difference_of(double a, double b)
{
    return fabs(a - b);
}

static void nothing_is_said_of_few(void **state)
{
    double values[TARE_CHANGE_FEWEST] = {1, 1, 1, 1, 1, 1, 9, 9, 9, 9};
    struct tare_changes changes;
    (void)state;
    for (size_t n = 0; n < TARE_CHANGE_FEWEST; n++) {
        assert_int_equal(tare_changes_find(values, n, 0.01, &changes), 0);
        assert_int_equal(changes.count, 0);
        assert_true(isnan(changes.p));
        tare_changes_release(&changes);
    }
}

static void what_is_no_number_is_refused(void **state)
{
    double values[12] = {1, 2, 3, 4, 5, 6, NAN, 8, 9, 10, 11, 12};
    struct tare_changes changes;
    (void)state;
    assert_int_equal(tare_changes_find(values, 12, 0.01, &changes), -EINVAL);
    values[6] = INFINITY;
    assert_int_equal(tare_changes_find(values, 12, 0.01, &changes), -EINVAL);
    values[6] = 7;
    assert_int_equal(tare_changes_find(values, 12, 0, &changes), -EINVAL);
    assert_int_equal(tare_changes_find(values, 12, 1, &changes), -EINVAL);
    assert_null(changes.changes);
    tare_changes_release(&changes);
}

/* Values are counted that are extreme by chance: 20 series of 2,000 at 1 %, 35 are three standard errors more. */
static void false_alarms_are_as_rare_as_said(void **state)
{
    struct tare_random random;
    int alarms[3] = {0};
    (void)state;
    tare_random_seed(&random, 7);
    for (int r = 0; r < 2000; r++) {
        double values[N], before = tare_random_normal(&random);
        struct tare_changes changes;
        for (int kind = 0; kind < 3; kind++) {
            for (size_t i = 0; i < N; i++) {
                double z = tare_random_normal(&random);
                before = 0.5 * before + sqrt(0.75) * z;
                values[i] = kind == 0   ? exp(0.5 * z)
                            : kind == 1 ? (100 + z) * (tare_random_uniform(&random) < 0.05 ? 2 : 1)
                                        : before;
            }
            assert_int_equal(tare_changes_find(values, N, 0.01, &changes), 0);
            alarms[kind] += changes.count > 0;
            tare_changes_release(&changes);
        }
    }
    for (int kind = 0; kind < 3; kind++) {
        assert_in_range(alarms[kind], 1, 35);
    }
}

static void chance_is_of_ranks_alone(void **state)
{
    struct tare_random random;
    double values[60], other[60];
    struct tare_changes a, b;
    (void)state;
    tare_random_seed(&random, 3);
    noise(&random, values, 60, 0, 1);
    for (size_t i = 0; i < 60; i++) {
        values[i] += i >= 50 ? 1.2 : 0;
        other[i] = exp(3 * values[i]) + 5;
    }
    assert_int_equal(tare_changes_find(values, 60, 0.05, &a), 0);
    assert_int_equal(tare_changes_find(other, 60, 0.05, &b), 0);
    assert_true(a.p == b.p);
    assert_int_equal(a.count, b.count);
    for (size_t c = 0; c < a.count; c++) {
        assert_int_equal(a.changes[c].at, b.changes[c].at);
    }
    tare_changes_release(&a);
    tare_changes_release(&b);
}

static void a_step_has_place_size_and_interval(void **state)
{
    struct tare_random random;
    int held = 0, placed = 0, within = 0, found = 0;
    (void)state;
    tare_random_seed(&random, 11);
    for (int r = 0; r < 200; r++) {
        double values[N];
        struct tare_changes changes;
        noise(&random, values, N, 100, 2);
        for (size_t i = 150; i < N; i++) {
            values[i] *= 1.04;
        }
        assert_int_equal(tare_changes_find(values, N, 0.01, &changes), 0);
        assert_true(changes.count >= 1);
        const struct tare_change *change = &changes.changes[0];
        if (changes.count == 1) {
            found++;
            assert_int_equal(change->kind, TARE_CHANGE_STEP);
            held += change->ratio_low <= 1.04 && change->ratio_high >= 1.04;
            placed += change->low <= 150 && change->high >= 150;
            within += change->at >= 145 && change->at <= 155;
            assert_true(change->p < 1e-4);
            assert_true(change->shift_low < change->shift && change->shift < change->shift_high);
            assert_int_equal(changes.level_from, change->at);
            assert_true(difference_of(changes.level, 104) < 2);
            assert_true(changes.scatter > 1.5 && changes.scatter < 2.6);
            assert_true(fabs(changes.autocorrelation) < 0.35);
        }
        tare_changes_release(&changes);
    }
    assert_true(found >= 190); /* at 1 %, and of two parts */
    assert_true(held >= found * 88 / 100);
    assert_true(placed >= found * 90 / 100);
    assert_true(within >= found * 95 / 100);
}

static void steps_there_and_back_are_two(void **state)
{
    struct tare_random random;
    double values[N];
    struct tare_changes changes;
    (void)state;
    tare_random_seed(&random, 5);
    noise(&random, values, N, 100, 1);
    for (size_t i = 90; i < 140; i++) {
        values[i] += 8;
    }
    assert_int_equal(tare_changes_find(values, N, 0.01, &changes), 0);
    assert_int_equal(changes.count, 2);
    assert_int_equal(changes.changes[0].at, 90);
    assert_int_equal(changes.changes[1].at, 140);
    assert_true(changes.changes[0].shift > 6 && changes.changes[1].shift < -6);
    assert_true(difference_of(changes.level, 100) < 1);
    tare_changes_release(&changes);
}

/* Among many values ranks hardly show them, and what is not seen looks like dependence. */
static void levels_that_came_and_went_are_found(void **state)
{
    static const size_t lengths[][3] = {{40, 40, 40}, {20, 20, 20}, {100, 10, 100}, {300, 40, 300}};
    struct tare_random random;
    (void)state;
    tare_random_seed(&random, 13);
    for (size_t shape = 0; shape < sizeof(lengths) / sizeof(lengths[0]); shape++) {
        size_t first = lengths[shape][0], second = first + lengths[shape][1], n = second + lengths[shape][2];
        int found = 0;
        for (int r = 0; r < 40; r++) {
            double values[640], state_of_noise = 0;
            struct tare_changes changes;
            for (size_t i = 0; i < n; i++) {
                double rho = r % 2 == 0 ? 0 : 0.5;
                state_of_noise = rho * state_of_noise + sqrt(1 - rho * rho) * tare_random_normal(&random);
                values[i] = (i >= first && i < second ? 110 : 100) + 0.5 * state_of_noise;
            }
            assert_int_equal(tare_changes_find(values, n, 0.01, &changes), 0);
            found += changes.count >= 2 && changes.changes[0].at >= first - 1 &&
                     changes.changes[0].at <= first + 1 && difference_of(changes.level, 100) < 1;
            tare_changes_release(&changes);
        }
        assert_in_range(found, 30, 40);
    }
}

/* However much values remember: a step of 15 scatters shows with five values. */
static void large_steps_are_found_among_dependent_values(void **state)
{
    struct tare_random random;
    int found = 0;
    (void)state;
    tare_random_seed(&random, 17);
    for (int r = 0; r < 100; r++) {
        double values[105], noise_now = tare_random_normal(&random);
        struct tare_changes changes;
        for (size_t i = 0; i < 105; i++) {
            noise_now = 0.5 * noise_now + sqrt(0.75) * tare_random_normal(&random);
            values[i] = 100 + noise_now + (i >= 100 ? 15 : 0);
        }
        assert_int_equal(tare_changes_find(values, 105, 0.01, &changes), 0);
        found += changes.count > 0;
        tare_changes_release(&changes);
    }
    assert_in_range(found, 90, 100);
}

static void a_drift_is_a_drift_and_a_step_is_none(void **state)
{
    struct tare_random random;
    int drifts = 0, steps = 0;
    (void)state;
    tare_random_seed(&random, 21);
    for (int r = 0; r < 100; r++) {
        double values[N];
        struct tare_changes changes;
        noise(&random, values, N, 100, 2);
        for (size_t i = 80; i < N; i++) {
            values[i] *= 1 + 0.10 * fmin((double)(i - 80) / 100, 1);
        }
        assert_int_equal(tare_changes_find(values, N, 0.01, &changes), 0);
        assert_true(changes.count > 0);
        const struct tare_change *change = &changes.changes[0];
        if (changes.count == 1 && change->kind == TARE_CHANGE_DRIFT) {
            drifts++;
            assert_true(change->low < change->high && change->high <= N);
            assert_true(difference_of(change->ratio, 1.10) < 0.03);
        }
        tare_changes_release(&changes);
        noise(&random, values, N, 100, 2);
        for (size_t i = 120; i < N; i++) {
            values[i] += 6;
        }
        assert_int_equal(tare_changes_find(values, N, 0.01, &changes), 0);
        assert_true(changes.count > 0);
        steps += changes.changes[0].kind == TARE_CHANGE_STEP;
        tare_changes_release(&changes);
    }
    assert_true(drifts >= 85);
    assert_true(steps >= 95);
}

static void equal_values_and_exact_counts(void **state)
{
    double values[60];
    struct tare_changes changes;
    struct tare_suspicion suspicion;
    (void)state;
    for (size_t i = 0; i < 60; i++) {
        values[i] = 42;
    }
    assert_int_equal(tare_changes_find(values, 60, 0.01, &changes), 0);
    assert_int_equal(changes.count, 0);
    assert_true(changes.p > 0.5 && changes.scatter == 0 && changes.smallest == 0);
    assert_int_equal(tare_changes_suspect(values, 60, &changes, &suspicion), 0);
    assert_int_equal(suspicion.count, 0);
    tare_changes_release(&changes);
    values[59] = 43;
    assert_int_equal(tare_changes_find(values, 60, 0.01, &changes), 0);
    assert_int_equal(changes.count, 0);
    assert_int_equal(tare_changes_suspect(values, 60, &changes, &suspicion), 0);
    assert_int_equal(suspicion.count, 1);
    assert_true(suspicion.level == 42 && suspicion.shift == 1);
    tare_changes_release(&changes);
    values[58] = values[57] = 43;
    assert_int_equal(tare_changes_find(values, 60, 0.01, &changes), 0);
    assert_int_equal(changes.count, 1);
    assert_int_equal(changes.changes[0].at, 57);
    assert_true(changes.changes[0].shift == 1);
    assert_int_equal(tare_changes_suspect(values, 60, &changes, &suspicion), 0);
    assert_int_equal(suspicion.count, 0);
    tare_changes_release(&changes);
}

static void values_without_a_ratio(void **state)
{
    struct tare_random random;
    double values[60];
    struct tare_changes changes;
    (void)state;
    tare_random_seed(&random, 2);
    noise(&random, values, 60, 0, 1);
    for (size_t i = 40; i < 60; i++) {
        values[i] += 6;
    }
    assert_int_equal(tare_changes_find(values, 60, 0.01, &changes), 0);
    assert_int_equal(changes.count, 1);
    assert_true(isnan(changes.changes[0].ratio) && isnan(changes.changes[0].ratio_low));
    assert_true(difference_of(changes.changes[0].shift, 6) < 1.5);
    tare_changes_release(&changes);
}

static void a_value_that_is_no_stranger_is_not_suspicious(void **state)
{
    struct tare_random random;
    double values[N];
    struct tare_changes changes;
    struct tare_suspicion suspicion;
    (void)state;
    tare_random_seed(&random, 9);
    noise(&random, values, N, 100, 2);
    values[N - 1] = 120;
    assert_int_equal(tare_changes_find(values, N, 0.01, &changes), 0);
    assert_int_equal(changes.count, 0);
    assert_int_equal(tare_changes_suspect(values, N, &changes, &suspicion), 0);
    assert_int_equal(suspicion.count, 1);
    assert_true(difference_of(suspicion.ratio, 1.2) < 0.02);
    tare_changes_release(&changes);
    for (size_t i = 5; i < N - 1; i += 15) {
        values[i] = 125; /* such values come and go here */
    }
    assert_int_equal(tare_changes_find(values, N, 0.01, &changes), 0);
    assert_int_equal(tare_changes_suspect(values, N, &changes, &suspicion), 0);
    assert_int_equal(suspicion.count, 0);
    tare_changes_release(&changes);
}

/* The levels are those of the statistic, also between the rows of the table and beyond its end. */
static void levels_ascend(void **state)
{
    (void)state;
    for (size_t n = TARE_CHANGE_FEWEST; n < 5000; n = n * 11 / 10 + 1) {
        double before = 0;
        for (double statistic = 1e-12; statistic <= 1; statistic *= 1.5) {
            double p = tare__change_chance(statistic, n);
            assert_true(p > 0 && p <= 1 && p >= before);
            before = p;
        }
        assert_true(tare__change_chance(1, n) == 1);
    }
}

/* The ten p-values of an example that can be followed by hand: 0.004 x 10, 0.006 x 10 / 2, ... made ascending. */
static void benjamini_hochberg(void **state)
{
    double p[] = {0.5, 0.004, NAN, 0.03, 0.006, 0.04, 1, 0.9, 0.2, 0.7, 0.35};
    double expected[] = {0.5 / 0.7, 0.03, NAN, 0.1, 0.03, 0.1, 1, 1, 0.4, 0.875, 0.35 * 10 / 6};
    double adjusted[11];
    (void)state;
    assert_int_equal(tare_benjamini_hochberg(p, 11, adjusted), 0);
    for (size_t i = 0; i < 11; i++) {
        assert_true(isnan(expected[i]) ? isnan(adjusted[i]) : difference_of(adjusted[i], expected[i]) < 1e-12);
    }
    p[0] = 1.5;
    assert_int_equal(tare_benjamini_hochberg(p, 11, adjusted), -EINVAL);
    assert_int_equal(tare_benjamini_hochberg(p, 0, adjusted), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_said_of_few),
        cmocka_unit_test(what_is_no_number_is_refused),
        cmocka_unit_test(false_alarms_are_as_rare_as_said),
        cmocka_unit_test(chance_is_of_ranks_alone),
        cmocka_unit_test(a_step_has_place_size_and_interval),
        cmocka_unit_test(steps_there_and_back_are_two),
        cmocka_unit_test(levels_that_came_and_went_are_found),
        cmocka_unit_test(large_steps_are_found_among_dependent_values),
        cmocka_unit_test(a_drift_is_a_drift_and_a_step_is_none),
        cmocka_unit_test(equal_values_and_exact_counts),
        cmocka_unit_test(values_without_a_ratio),
        cmocka_unit_test(a_value_that_is_no_stranger_is_not_suspicious),
        cmocka_unit_test(levels_ascend),
        cmocka_unit_test(benjamini_hochberg),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
