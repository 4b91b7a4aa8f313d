/* SPDX-License-Identifier: MIT */
/*
 * Warm-up: what is found and how long it is said to be, with noise on it; and how often something is found in
 * series that have none.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdbool.h>

#include "near.h"
#include "stats/distribution.h"
#include "stats/random.h"
#include "stats/warmup.h"

enum { MOST = 24000 };

static double values[MOST];

/* By how much the i-th of n values is above the steady state, as a share. */
typedef double shape(size_t i, size_t n);

static double flat(size_t i, size_t n)
{
    (void)i;
    (void)n;
    return 0.0;
}

static double first_alone(size_t i, size_t n)
{
    (void)n;
    return i == 0 ? 1.5 : 0.0;
}

static double step_after_four(size_t i, size_t n)
{
    (void)n;
    return i < 4 ? 0.3 : 0.0;
}

static double step_up_after_four(size_t i, size_t n)
{
    (void)n;
    return i < 4 ? -0.2 : 0.0;
}

static double fading(size_t i, size_t n) /* below 1 % from 3.4 / 14 of the series on */
{
    return 0.3 * exp(-14.0 * (double)i / (double)n);
}

static double fading_slowly(size_t i, size_t n) /* 4 % are left at the end */
{
    return 0.3 * exp(-2.0 * (double)i / (double)n);
}

static double drift(size_t i, size_t n)
{
    return 0.1 * (double)i / (double)n;
}

enum noise { NONE, GAUSSIAN, SPIKY, SKEWED, BIMODAL, AUTOREGRESSIVE, NOISES };

/* Factors around 1. */
static double noise_next(enum noise noise, struct tare_random *random, double *level)
{
    double normal = tare_random_normal(random), uniform = tare_random_uniform(random);
    switch (noise) {
    case GAUSSIAN:
        return 1.0 + 0.01 * normal;
    case SPIKY:
        return 1.0 + 0.01 * normal + (uniform < 0.05 ? 0.1 + tare_random_uniform(random) : 0.0);
    case SKEWED:
        return 1.0 - 0.1 * log(1.0 - uniform);
    case BIMODAL:
        return 1.0 + 0.002 * normal + (uniform < 0.3 ? 0.5 : 0.0);
    case AUTOREGRESSIVE:
        *level = 0.5 * *level + normal;
        return 1.0 + 0.01 * *level;
    default:
        return 1.0;
    }
}

static struct tare_warmup detect(shape *shape_of, enum noise noise, size_t count, size_t n, uint64_t seed)
{
    struct tare_random random;
    tare_random_seed(&random, seed);
    assert_true(count * n <= MOST);
    for (size_t s = 0; s < count; s++) {
        double level = tare_random_normal(&random), speed = 100.0 * (1.0 + 0.05 * tare_random_normal(&random));
        for (size_t i = 0; i < n; i++) {
            values[s * n + i] = speed * (1.0 + shape_of(i, n)) * noise_next(noise, &random, &level);
        }
    }
    struct tare_warmup found;
    assert_int_equal(tare_warmup_detect(values, count, n, 0.01, &found), 0);
    assert_true(found.length <= n / 2);
    return found;
}

static void what_is_no_series_is_refused(void **state)
{
    (void)state;
    struct tare_warmup found;
    double series[8] = {1, 1, 1, 1, 1, 1, NAN, 1};
    const double tolerances[] = {0.0, -1.0, 1.0, NAN};
    assert_int_equal(tare_warmup_detect(series, 2, 4, 0.01, &found), -EINVAL);
    assert_true(isnan(found.first_ratio) && isnan(found.steady) && found.length == 0 && !found.settled);
    assert_int_equal(tare_warmup_detect(series, 1, 3, 0.01, &found), -EINVAL);
    assert_int_equal(tare_warmup_detect(series, 0, 4, 0.01, &found), -EINVAL);
    assert_int_equal(tare_warmup_detect(series, SIZE_MAX / 4, 4, 0.01, &found), -EINVAL);
    for (size_t i = 0; i < COUNT(tolerances); i++) {
        assert_int_equal(tare_warmup_detect(series, 1, 4, tolerances[i], &found), -EINVAL);
    }
    assert_int_equal(tare_warmup_detect(series, 1, 4, 0.01, &found), 0);
}

static void a_series_without_noise_is_told_exactly(void **state)
{
    (void)state;
    static const struct {
        shape *shape;
        size_t length;
        bool settled;
        double first;
    } cases[] = {
        {flat, 0, true, 1.0},
        {first_alone, 1, true, 2.5},
        {step_after_four, 4, true, 1.3},
        {step_up_after_four, 4, true, 0.8},
        {drift, 100, false, 1.0 / 1.075},
        {fading_slowly, 100, false, 1.3 / 1.067},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct tare_warmup found = detect(cases[i].shape, NONE, 1, 200, 1);
        assert_int_equal(found.settled, cases[i].settled);
        assert_int_equal(found.length, cases[i].length);
        assert_near(found.first_ratio, cases[i].first, 0.002);
    }
    struct tare_warmup found = detect(fading, NONE, 1, 200, 1);
    assert_true(found.settled);
    assert_in_range(found.length, 46, 50); /* where it falls below the tolerance: 48.6 */
    assert_near(found.first_ratio, 1.3, 0.002);
}

/* As the programs of a benchmark: many processes with 12 samples each. */
static void a_warm_up_is_found_over_processes(void **state)
{
    (void)state;
    enum { RUNS = 20 };
    static const struct {
        shape *shape;
        size_t low, high;
    } cases[] = {{first_alone, 1, 1}, {step_after_four, 4, 4}, {step_up_after_four, 4, 4}, {fading, 2, 5}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        for (enum noise noise = GAUSSIAN; noise < NOISES; noise++) {
            size_t right = 0;
            for (uint64_t seed = 0; seed < RUNS; seed++) {
                struct tare_warmup found = detect(cases[i].shape, noise, 60, 12, seed);
                right += found.settled && found.length >= cases[i].low && found.length <= cases[i].high;
            }
            assert_in_range(right, noise == SKEWED ? 13 : 18, RUNS);
        }
    }
}

/* As the executions of a command: one series. */
static void a_warm_up_is_found_in_one_series(void **state)
{
    (void)state;
    static const struct {
        shape *shape;
        size_t n, low, high;
    } cases[] = {{first_alone, 100, 1, 6},        {first_alone, 40, 1, 6}, {step_after_four, 200, 4, 9},
                 {step_up_after_four, 100, 4, 9}, {fading, 60, 10, 25},    {fading, 200, 35, 75}};
    static const enum noise noises[] = {GAUSSIAN, AUTOREGRESSIVE};
    for (size_t i = 0; i < COUNT(cases); i++) {
        for (size_t k = 0; k < COUNT(noises); k++) {
            size_t right = 0;
            for (uint64_t seed = 0; seed < 50; seed++) {
                struct tare_warmup found = detect(cases[i].shape, noises[k], 1, cases[i].n, seed);
                right += found.settled && found.length >= cases[i].low && found.length <= cases[i].high;
            }
            assert_in_range(right, noises[k] == GAUSSIAN ? 42 : 33, 50);
        }
    }
}

static void what_still_moves_has_not_settled(void **state)
{
    (void)state;
    enum { RUNS = 20 };
    static const struct {
        shape *shape;
        size_t count, n;
    } cases[] = {{drift, 1, 200}, {drift, 60, 12}, {fading_slowly, 1, 200}, {fading_slowly, 60, 12}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        for (enum noise noise = GAUSSIAN; noise < NOISES; noise++) {
            if (noise == SKEWED || noise == BIMODAL) {
                continue; /* as large as what is to be found */
            }
            size_t right = 0;
            for (uint64_t seed = 0; seed < RUNS; seed++) {
                struct tare_warmup found = detect(cases[i].shape, noise, cases[i].count, cases[i].n, seed);
                right += !found.settled && found.length == cases[i].n / 2;
            }
            assert_in_range(right, 17, RUNS);
        }
    }
}

/*
 * Of series without a warm-up 1 % may seem to have one, or 1 in n where n is below 100, and 0.2 % seem to move
 * still; for blocks that depend on each other it is more. Nothing is said of fewer than 20 values.
 */
static void noise_is_no_warm_up(void **state)
{
    (void)state;
    static const struct {
        size_t count, n, runs;
        double level;
    } cases[] = {{1, 8, 300, 0.0},    {1, 19, 300, 0.0},   {1, 20, 300, 0.05}, {1, 50, 300, 0.02},
                 {1, 200, 200, 0.01}, {1, 1000, 40, 0.01}, {3, 12, 200, 0.01}, {60, 12, 30, 0.01}};
    for (enum noise noise = NONE; noise < NOISES; noise++) {
        for (size_t i = 0; i < COUNT(cases); i++) {
            int64_t lengths = 0, unsettled = 0;
            for (uint64_t seed = 0; seed < cases[i].runs; seed++) {
                struct tare_warmup found = detect(flat, noise, cases[i].count, cases[i].n, seed);
                lengths += found.settled && found.length > 0;
                unsettled += !found.settled;
            }
            double level = noise == AUTOREGRESSIVE ? 3.0 * cases[i].level : cases[i].level;
            double settled = noise == AUTOREGRESSIVE ? 0.02 : 0.002;
            if (level == 0.0) {
                assert_int_equal(lengths, 0);
            } else { /* a chance of 1e-6 to see more */
                assert_true(lengths == 0 || tare_binomial_tail(lengths - 1, cases[i].runs, level) > 1e-6);
            }
            assert_true(unsettled == 0 || tare_binomial_tail(unsettled - 1, cases[i].runs, settled) > 1e-6);
        }
    }
}

static void the_steady_part_is_described(void **state)
{
    (void)state;
    for (size_t i = 0; i < 40; i++) {
        values[i] = i < 3 ? 40.0 : i % 2 == 0 ? 10.0 : 10.002;
    }
    struct tare_warmup found;
    assert_int_equal(tare_warmup_detect(values, 1, 40, 0.01, &found), 0);
    assert_int_equal(found.length, 3);
    assert_true(found.settled);
    assert_near(found.steady, 10.002, 1e-9);
    assert_near(found.first_ratio, 40.0 / 10.002, 1e-9);
}

/* A net time can be about 0, or below. */
static void values_about_zero_have_no_ratio(void **state)
{
    (void)state;
    for (size_t i = 0; i < 40; i++) {
        values[i] = 0.0;
    }
    struct tare_warmup found;
    assert_int_equal(tare_warmup_detect(values, 1, 40, 0.01, &found), 0);
    assert_true(found.settled && found.length == 0 && isnan(found.first_ratio) && found.steady == 0.0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_no_series_is_refused),
        cmocka_unit_test(a_series_without_noise_is_told_exactly),
        cmocka_unit_test(a_warm_up_is_found_over_processes),
        cmocka_unit_test(a_warm_up_is_found_in_one_series),
        cmocka_unit_test(what_still_moves_has_not_settled),
        cmocka_unit_test(noise_is_no_warm_up),
        cmocka_unit_test(the_steady_part_is_described),
        cmocka_unit_test(values_about_zero_have_no_ratio),
    };
    return cmocka_run_group_tests_name("warmup", tests, NULL, NULL);
}
