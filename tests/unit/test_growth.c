/* SPDX-License-Identifier: MIT */
/*
 * Growth: exact times, times with noise, times with caches in them, and too little to tell.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdbool.h>

#include "near.h"
#include "stats/growth.h"
#include "stats/random.h"

enum { MOST = 64 };

static double arguments[MOST], times[MOST];

static double growth(enum tare_growth_class class, double n)
{
    const double values[TARE_GROWTH_CLASSES] = {0.0, log2(n), n, n * log2(n), n * n};
    return values[class];
}

/* from, 2 from, 4 from ... */
static void fill(enum tare_growth_class class, double base, double factor, double from, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        arguments[i] = from * (double)(UINT64_C(1) << i);
        times[i] = base + factor * growth(class, arguments[i]);
    }
}

static struct tare_growth fitted(size_t n)
{
    struct tare_growth found;
    assert_int_equal(tare_growth_fit(arguments, times, n, &found), 0);
    return found;
}

static void classes_have_names(void **state)
{
    (void)state;
    static const char *const names[] = {"O(1)", "O(log n)", "O(n)", "O(n log n)", "O(n^2)"};
    for (size_t i = 0; i < TARE_GROWTH_CLASSES; i++) {
        assert_string_equal(tare_growth_names[i], names[i]);
    }
}

static void what_is_no_sweep_is_refused(void **state)
{
    (void)state;
    static const struct {
        double arguments[5], times[5];
        size_t n;
    } cases[] = {
        {{1, 2, 3}, {1, 2, 3}, 3},
        {{1, 2, 3, 3, 3}, {1, 2, 3, 3, 3}, 5}, /* three different ones */
        {{0, 1, 2, 3}, {1, 1, 1, 1}, 4},
        {{-1, 1, 2, 3}, {1, 1, 1, 1}, 4},
        {{1, 2, 3, 4}, {1, 1, 0, 1}, 4},
        {{1, 2, 3, 4}, {1, 1, -1, 1}, 4},
        {{1, 2, 3, 4}, {1, NAN, 1, 1}, 4},
        {{1, 2, INFINITY, 4}, {1, 1, 1, 1}, 4},
        {{1}, {1}, 0},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct tare_growth found;
        assert_int_equal(tare_growth_fit(cases[i].arguments, cases[i].times, cases[i].n, &found), -EINVAL);
        assert_true(isnan(found.factor) && isnan(found.base) && isnan(found.error) && isnan(found.exponent));
        assert_false(found.clear);
    }
}

static void exact_times_are_told_exactly(void **state)
{
    (void)state;
    for (enum tare_growth_class class = TARE_GROWTH_LOG; class < TARE_GROWTH_CLASSES; class ++) {
        for (double base = 0.0; base < 200.0; base += 50.0) {
            fill(class, base, 3.0, 2.0, 12);
            struct tare_growth found = fitted(12);
            assert_int_equal(found.best, class);
            assert_true(found.clear);
            assert_int_not_equal(found.second, class);
            assert_close(found.factor, 3.0, 1e-6);
            assert_near(found.base, base, 1e-6);
            assert_near(found.error, 0.0, 1e-9);
        }
    }
    fill(TARE_GROWTH_CONSTANT, 7.0, 0.0, 1.0, 10);
    struct tare_growth found = fitted(10);
    assert_int_equal(found.best, TARE_GROWTH_CONSTANT);
    assert_true(found.clear);
    assert_near(found.base, 7.0, 1e-12);
    assert_near(found.factor, 0.0, 0.0);
    assert_near(found.exponent, 0.0, 1e-12);
}

static void the_exponent_is_the_slope_of_logarithms(void **state)
{
    (void)state;
    for (size_t i = 0; i < 8; i++) {
        arguments[i] = pow(3.0, (double)i);
        times[i] = 5.0 * pow(arguments[i], 1.5);
    }
    assert_near(fitted(8).exponent, 1.5, 1e-9);
}

/* Times that fall: no factor is below 0, so it is O(1), with the error that this has. */
static void what_falls_does_not_grow(void **state)
{
    (void)state;
    for (size_t i = 0; i < 8; i++) {
        arguments[i] = (double)(i + 1);
        times[i] = 100.0 - 10.0 * (double)i;
    }
    struct tare_growth found = fitted(8);
    assert_int_equal(found.best, TARE_GROWTH_CONSTANT);
    assert_near(found.factor, 0.0, 0.0);
    assert_true(found.base > 0.0 && found.error > 0.2 && found.exponent < 0.0);
}

/* 1 - 2n, for which a straight line has a base below 0, which no time has: the best one then goes through 0. */
static void no_base_is_below_nothing(void **state)
{
    (void)state;
    for (size_t i = 0; i < 8; i++) {
        arguments[i] = (double)(i + 2);
        times[i] = 2.0 * arguments[i] - 3.0;
    }
    struct tare_growth found = fitted(8);
    assert_true(found.base >= 0.0);
    assert_true(found.error > 0.0);
}

struct sweep {
    enum tare_growth_class class;
    double base, factor, from;
    size_t n;
};

/* As benchmarks have them: an overhead, and a factor per element. */
static const struct sweep sweeps[] = {
    {TARE_GROWTH_LOG, 10.0, 3.0, 16.0, 12},     {TARE_GROWTH_LINEAR, 20.0, 0.5, 1.0, 12},
    {TARE_GROWTH_LINEAR, 5.0, 2.0, 8.0, 8},     {TARE_GROWTH_LINEAR_LOG, 20.0, 1.0, 4.0, 14},
    {TARE_GROWTH_QUADRATIC, 50.0, 0.3, 4.0, 8}, {TARE_GROWTH_QUADRATIC, 10.0, 1.0, 1.0, 10},
    {TARE_GROWTH_CONSTANT, 40.0, 0.0, 1.0, 12}, {TARE_GROWTH_CONSTANT, 40.0, 0.0, 16.0, 5},
};

/*
 * With 2 % of noise on each time the class is found in 95 of 100 sweeps, and a wrong one is said clearly in
 * none.
 */
static void noise_does_not_hide_the_class(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(sweeps); i++) {
        const struct sweep *sweep = &sweeps[i];
        struct tare_random random;
        tare_random_seed(&random, i);
        size_t right = 0, clear = 0;
        for (int run = 0; run < 200; run++) {
            fill(sweep->class, sweep->base, sweep->factor, sweep->from, sweep->n);
            for (size_t k = 0; k < sweep->n; k++) {
                times[k] *= exp(0.02 * tare_random_normal(&random));
            }
            struct tare_growth found = fitted(sweep->n);
            right += found.best == sweep->class;
            clear += found.clear && found.best == sweep->class;
            assert_true(found.best == sweep->class || !found.clear);
        }
        assert_in_range(right, 190, 200);
        assert_in_range(clear, 170, 200);
    }
}

/* Noise of a half: wrong ones come, but hardly any that are said to be clear. */
static void what_noise_hides_is_not_clear(void **state)
{
    (void)state;
    struct tare_random random;
    tare_random_seed(&random, 99);
    size_t wrong = 0, clear_and_wrong = 0, runs = 0;
    for (size_t i = 0; i < COUNT(sweeps); i++) {
        for (int run = 0; run < 200; run++, runs++) {
            const struct sweep *sweep = &sweeps[i];
            fill(sweep->class, sweep->base, sweep->factor, sweep->from, sweep->n);
            for (size_t k = 0; k < sweep->n; k++) {
                times[k] *= exp(0.4 * tare_random_normal(&random));
            }
            struct tare_growth found = fitted(sweep->n);
            wrong += found.best != sweep->class;
            clear_and_wrong += found.clear && found.best != sweep->class;
        }
    }
    assert_true(wrong > runs / 20);
    assert_true(clear_and_wrong < runs / 50);
}

/*
 * A walk over memory takes four times as long for each element once it is in no cache any more: the class is
 * still that of a straight line or, as the steps make it steeper, of n log n; and that it is one and not the
 * other is not clear.
 */
static void cache_steps_make_it_unclear(void **state)
{
    (void)state;
    struct tare_random random;
    tare_random_seed(&random, 7);
    for (size_t n = 10; n <= 20; n++) {
        for (int run = 0; run < 50; run++) {
            fill(TARE_GROWTH_LINEAR, 10.0, 1.0, 64.0, n);
            for (size_t i = 0; i < n; i++) {
                double more = arguments[i] < 4096 ? 1.0 : arguments[i] < 131072 ? 1.6 : 4.0;
                times[i] = (10.0 + more * arguments[i]) * exp(0.02 * tare_random_normal(&random));
            }
            struct tare_growth found = fitted(n);
            assert_true(found.best == TARE_GROWTH_LINEAR || found.best == TARE_GROWTH_LINEAR_LOG);
            assert_true(found.best == TARE_GROWTH_LINEAR || !found.clear);
            assert_between(found.exponent, 0.95, 1.3);
        }
    }
}

/*
 * n from 64 to 512 with 2 % of noise: of 1000 sweeps some 40 are taken for n log n, of which 5 clearly. And
 * however many times there are, a second that is only somewhat worse leaves it open: 1000 to 8000, eight times
 * each, 3 %.
 */
static void few_or_near_arguments_are_seldom_clear(void **state)
{
    (void)state;
    struct tare_random random;
    tare_random_seed(&random, 7);
    size_t clear = 0, clear_and_wrong = 0, near_clear = 0, near_right = 0;
    for (int run = 0; run < 1000; run++) {
        fill(TARE_GROWTH_LINEAR, 0.0, 1.0, 64.0, 4);
        for (size_t i = 0; i < 4; i++) {
            times[i] *= exp(0.02 * tare_random_normal(&random));
        }
        struct tare_growth found = fitted(4);
        clear += found.clear;
        clear_and_wrong += found.clear && found.best != TARE_GROWTH_LINEAR;
    }
    assert_in_range(clear, 600, 800);
    assert_true(clear_and_wrong <= 10);
    for (int run = 0; run < 100; run++) {
        for (size_t i = 0; i < 32; i++) {
            arguments[i] = 1000.0 * (double)(1 << i % 4);
            times[i] = arguments[i] * exp(0.03 * tare_random_normal(&random));
        }
        near_right += fitted(32).best == TARE_GROWTH_LINEAR;
        near_clear += fitted(32).clear;
    }
    assert_in_range(near_right, 95, 100);
    assert_in_range(near_clear, 0, 20);
}

/* 1, 2, 4 ... with a tenth of noise: no class fits within 5 %, and yet all others fit far worse. */
static void a_second_that_is_far_worse_is_clear_enough(void **state)
{
    (void)state;
    static const double off[] = {0.1, -0.1, 0.08, -0.07, 0.07, -0.08};
    const enum tare_growth_class classes[] = {TARE_GROWTH_LINEAR, TARE_GROWTH_QUADRATIC};
    for (size_t i = 0; i < COUNT(classes); i++) {
        fill(classes[i], 5.0, 200.0, 1.0, 6);
        for (size_t k = 0; k < 6; k++) {
            times[k] *= exp(off[k] * (classes[i] == TARE_GROWTH_LINEAR ? 0.7 : 1.0));
        }
        struct tare_growth found = fitted(6);
        assert_true(found.error > 0.05);
        assert_int_equal(found.best, classes[i]);
        assert_true(found.clear);
    }
}

/* A rise of 1.2 % that no noise makes: that it may as well be nothing is said. */
static void what_hardly_rises_may_be_constant(void **state)
{
    (void)state;
    fill(TARE_GROWTH_LINEAR, 7.71, 0.09 / 4096.0, 1.0, 13);
    struct tare_growth found = fitted(13);
    assert_int_equal(found.best, TARE_GROWTH_LINEAR);
    assert_int_equal(found.second, TARE_GROWTH_CONSTANT);
    assert_false(found.clear);
}

/* 1000, 1001, 1002, 1003: all classes but O(1) are a straight line there. */
static void arguments_that_hardly_differ_tell_nothing(void **state)
{
    (void)state;
    for (size_t i = 0; i < 6; i++) {
        arguments[i] = 1000.0 + (double)i;
        times[i] = 2.0 * arguments[i];
    }
    assert_false(fitted(6).clear && fitted(6).best != TARE_GROWTH_CONSTANT);
    arguments[5] = 2000.0;
    times[5] = 4000.0;
    assert_true(fitted(6).best == TARE_GROWTH_LINEAR);
}

static void the_order_of_arguments_does_not_matter_and_they_may_repeat(void **state)
{
    (void)state;
    fill(TARE_GROWTH_LINEAR_LOG, 5.0, 2.0, 2.0, 10);
    struct tare_growth forward = fitted(10);
    for (size_t i = 0; i < 10; i++) {
        arguments[10 + i] = arguments[9 - i];
        times[10 + i] = times[9 - i];
    }
    struct tare_growth twice = fitted(20);
    assert_int_equal(twice.best, forward.best);
    assert_close(twice.factor, forward.factor, 1e-9);
    assert_close(twice.exponent, forward.exponent, 1e-9);
}

/* The largest values there are: their squares are numbers still. */
static void large_arguments_are_no_reason_to_fail(void **state)
{
    (void)state;
    for (size_t i = 0; i < 6; i++) {
        arguments[i] = 1e100 / (double)(UINT64_C(1) << i);
        times[i] = 3e-100 * arguments[i];
    }
    struct tare_growth found = fitted(6);
    assert_int_equal(found.best, TARE_GROWTH_LINEAR);
    assert_close(found.factor, 3e-100, 1e-6);
}

static void units_do_not_matter(void **state)
{
    (void)state;
    for (double unit = 1e-30; unit < 1e31; unit *= 1e10) {
        fill(TARE_GROWTH_LINEAR, 20.0 * unit, 0.5 * unit, 1.0, 12);
        struct tare_growth found = fitted(12);
        assert_int_equal(found.best, TARE_GROWTH_LINEAR);
        assert_true(found.clear);
        assert_close(found.factor, 0.5 * unit, 1e-9);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(classes_have_names),
        cmocka_unit_test(what_is_no_sweep_is_refused),
        cmocka_unit_test(exact_times_are_told_exactly),
        cmocka_unit_test(the_exponent_is_the_slope_of_logarithms),
        cmocka_unit_test(what_falls_does_not_grow),
        cmocka_unit_test(no_base_is_below_nothing),
        cmocka_unit_test(noise_does_not_hide_the_class),
        cmocka_unit_test(what_noise_hides_is_not_clear),
        cmocka_unit_test(cache_steps_make_it_unclear),
        cmocka_unit_test(few_or_near_arguments_are_seldom_clear),
        cmocka_unit_test(a_second_that_is_far_worse_is_clear_enough),
        cmocka_unit_test(what_hardly_rises_may_be_constant),
        cmocka_unit_test(arguments_that_hardly_differ_tell_nothing),
        cmocka_unit_test(the_order_of_arguments_does_not_matter_and_they_may_repeat),
        cmocka_unit_test(large_arguments_are_no_reason_to_fail),
        cmocka_unit_test(units_do_not_matter),
    };
    return cmocka_run_group_tests_name("growth", tests, NULL, NULL);
}
