/* SPDX-License-Identifier: MIT */
/* result/figures.h: what measuring took of the whole, and where two ways of measuring disagree. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "result/figures.h"
#include "tests/unit/near.h"

static struct tare_result *result_with(const double *measuring_ns, size_t count)
{
    struct tare_result *result = tare_result_new();
    assert_non_null(result);
    for (size_t i = 0; i < count; i++) {
        struct tare_result_timer *timer = tare_result_add_timer(result, "m", "t");
        assert_non_null(timer);
        timer->figures.calls = 1;
        timer->figures.measuring_ns = measuring_ns[i];
    }
    return result;
}

static void shares_are_of_the_processor_time(void **state)
{
    (void)state;
    struct tare_result *result = result_with((const double[]){30, 10, 0}, 3);
    assert_true(isnan(result->measuring_ns) && isnan(result->measuring_share) && isnan(result->cpu_ns));
    tare_result_measuring(result, 400);
    assert_near(result->cpu_ns, 400, 0);
    assert_near(result->measuring_ns, 40, 0);
    assert_near(result->measuring_share, 0.1, 1e-15);
    assert_near(result->timers[0].figures.measuring_share, 0.075, 1e-15);
    assert_near(result->timers[1].figures.measuring_share, 0.025, 1e-15);
    assert_near(result->timers[2].figures.measuring_share, 0, 0);
    tare_result_free(result);
}

static void without_timers_measuring_took_nothing(void **state)
{
    (void)state;
    struct tare_result *result = result_with(NULL, 0);
    tare_result_measuring(result, 400);
    assert_near(result->measuring_share, 0, 0);
    tare_result_free(result);
}

static void shares_of_an_unknown_time_are_unknown(void **state)
{
    (void)state;
    const double times[] = {NAN, 0, -1, -400,
                            26}; /* the last: more was measured than what this is the time of */
    for (size_t i = 0; i < COUNT(times); i++) {
        struct tare_result *result = result_with((const double[]){30, 10}, 2);
        tare_result_measuring(result, times[i]);
        assert_near(result->measuring_ns, 40, 0);
        assert_true(isnan(result->cpu_ns) && isnan(result->measuring_share));
        assert_true(isnan(result->timers[0].figures.measuring_share));
        tare_result_free(result);
    }
}

/*
 * What measuring took is the most that it can be: of a program that does nothing else, a little more than all.
 */
static void a_share_is_one_at_most(void **state)
{
    (void)state;
    struct tare_result *result = result_with((const double[]){35, 5}, 2);
    tare_result_measuring(result, 30);
    assert_near(result->measuring_ns, 40, 0);
    assert_near(result->cpu_ns, 30, 0);
    assert_near(result->measuring_share, 1, 0);
    assert_near(result->timers[0].figures.measuring_share, 1, 0);
    assert_near(result->timers[1].figures.measuring_share, 5.0 / 30, 1e-15);
    tare_result_free(result);
}

/* What a scope costs may be known for the clock of one timer, and not for that of another. */
static void an_unknown_part_makes_the_sum_unknown(void **state)
{
    (void)state;
    struct tare_result *result = result_with((const double[]){30, NAN}, 2);
    tare_result_measuring(result, 300);
    assert_true(isnan(result->measuring_ns) && isnan(result->measuring_share));
    assert_near(result->cpu_ns, 300, 0);
    assert_near(result->timers[0].figures.measuring_share, 0.1, 1e-15);
    assert_true(isnan(result->timers[1].figures.measuring_share));
    tare_result_free(result);
}

static void set(struct tare_result_figures *figures, double net_ns, double error_ns, double sampling_ns)
{
    figures->net_avg_ns = net_ns;
    figures->net_avg_error_ns = error_ns;
    figures->net_avg_error_part_ns[TARE_ERROR_SAMPLING] = sampling_ns;
}

static int compared(double together_ns, double together_error_ns, double alone_ns, double alone_error_ns)
{
    struct tare_result *result = result_with((const double[]){1}, 1);
    struct tare_result_timer *timer = &result->timers[0];
    timer->has_exclusive = true;
    set(&timer->figures, together_ns, together_error_ns, 0.1);
    set(&timer->exclusive, alone_ns, alone_error_ns, 0.1);
    tare_result_compare(timer);
    int disagrees = timer->disagrees;
    tare_result_free(result);
    return disagrees;
}

static void intervals_apart_disagree(void **state)
{
    (void)state;
    assert_int_equal(compared(100, 2, 103.5, 1), 1);
    assert_int_equal(compared(103.5, 1, 100, 2), 1);
    assert_int_equal(compared(100, 2, 103, 1), 0); /* they touch */
    assert_int_equal(compared(100, 2, 102, 1), 0);
    assert_int_equal(compared(-5, 1, 5, 1), 1); /* a method that failed in one of them, too */
    assert_int_equal(compared(1, 2, -1, 2), 0);
}

static void without_both_intervals_nobody_knows(void **state)
{
    (void)state;
    assert_int_equal(compared(NAN, 2, 103.5, 1), -1);
    assert_int_equal(compared(100, NAN, 103.5, 1), -1);
    assert_int_equal(compared(100, 2, NAN, 1), -1);
    assert_int_equal(compared(100, 2, 103.5, NAN), -1);
    struct tare_result *result = result_with((const double[]){1}, 1);
    struct tare_result_timer *timer = &result->timers[0];
    assert_int_equal(timer->disagrees, -1);
    set(&timer->figures, 100, 2, 0.1);
    set(&timer->exclusive, 200, 2, 0.1);
    tare_result_compare(timer); /* there was no exclusive pass */
    assert_int_equal(timer->disagrees, -1);
    timer->has_exclusive = true;
    tare_result_compare(timer);
    assert_int_equal(timer->disagrees, 1);
    set(&timer->exclusive, 200, 2,
        NAN); /* one call, say: another run gives another time, who knows how far off */
    tare_result_compare(timer);
    assert_int_equal(timer->disagrees, -1);
    tare_result_free(result);
}

static void below_the_limit_is_what_cannot_be_told_from_nothing(void **state)
{
    (void)state;
    static const struct {
        double net_ns, limit_ns;
        bool below;
    } cases[] = {
        {0, 2, true},    {1, 2, true},    {-1, 2, true}, {1.001, 2, false},
        {5, 2, false},   {-5, 2, false},  {0, 0, true}, /* nothing was timed, and surely so */
        {NAN, 2, false}, {1, NAN, false},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct tare_result_figures figures;
        tare_result_figures_init(&figures);
        figures.net_avg_ns = cases[i].net_ns;
        figures.net_avg_limit_ns = cases[i].limit_ns;
        figures.net_avg_error_ns = 1000; /* as far off may another run be: no matter */
        assert_int_equal(tare_figures_below_limit(&figures), cases[i].below);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shares_are_of_the_processor_time),
        cmocka_unit_test(without_timers_measuring_took_nothing),
        cmocka_unit_test(shares_of_an_unknown_time_are_unknown),
        cmocka_unit_test(a_share_is_one_at_most),
        cmocka_unit_test(an_unknown_part_makes_the_sum_unknown),
        cmocka_unit_test(intervals_apart_disagree),
        cmocka_unit_test(without_both_intervals_nobody_knows),
        cmocka_unit_test(below_the_limit_is_what_cannot_be_told_from_nothing),
    };
    return cmocka_run_group_tests_name("figures", tests, NULL, NULL);
}
