/* SPDX-License-Identifier: MIT */
/*
 * The overhead model: against sums done by hand, against its own promises about what is unknown and how errors
 * add, each cause of error by itself, and against a simulated machine on which the truth is known (does the 95
 * % interval hold it?). How large the shares are that the model assumes (drift that nobody saw, other programs'
 * contexts) is a matter of measurement, and not tested here.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "stats/overhead.h"
#include "stats/quantile.h"
#include "stats/random.h"
#include "tests/unit/near.h"

#define SQRT_12 3.4641016151377544

static const struct tare_cost_ticks unknown = {.median = NAN, .mad = NAN, .n = 0};

static struct tare_cost_ticks cost(double median, double mad)
{
    return (struct tare_cost_ticks){.median = median, .mad = mad, .n = 64};
}

static struct tare_costs no_costs(void)
{
    return (struct tare_costs){unknown, unknown, unknown, unknown, unknown, unknown, unknown};
}

/* 2 GHz; 40 ticks inside, 100 outside wherever; calibrated once, rounds all alike. */
static struct tare_cost_model plain_model(void)
{
    struct tare_cost_model model = {
        .tick_ns = 0.5,
        .rate_error_ppb = 0.0,
        .grain_ticks = NAN,
        .at_start = no_costs(),
        .at_exit = no_costs(),
        .in_run = no_costs(),
    };
    model.at_start.inner = cost(40.0, 0.0);
    model.at_start.outer = cost(100.0, 0.0);
    return model;
}

/* The same, but 80 outside where work follows; closeness is counted. */
static struct tare_cost_model full_model(void)
{
    struct tare_cost_model model = plain_model();
    model.at_start.outer_nested = cost(100.0, 0.0);
    model.at_start.outer_apart = cost(80.0, 0.0);
    model.at_start.close = cost(20.0, 0.0);
    model.at_start.knee = cost(12.0, 0.0);
    model.counts_closeness = true;
    return model;
}

static struct tare_timer_sums scopes(uint64_t count, uint64_t ticks_each, uint64_t within_each)
{
    return (struct tare_timer_sums){.calls = count,
                                    .outermost = count,
                                    .total_ticks = count * ticks_each,
                                    .scopes_within = count * within_each};
}

static double part_of(const struct tare_cost_model *model, const struct tare_timer_sums *sums,
                      enum tare_error_part part)
{
    return tare_estimate_timer(model, sums).error_ns[part];
}

/* What is subtracted */

static void net_is_raw_less_both_costs(void **state)
{
    (void)state;
    struct tare_cost_model model = plain_model();
    struct tare_timer_sums sums = scopes(10, 500, 3);
    struct tare_estimate e = tare_estimate_timer(&model, &sums);
    assert_near(e.raw_total_ns, 2500.0, 1e-9);
    assert_near(e.inner_total_ns, 200.0, 1e-9);  /* 10 x 40 x 0.5 */
    assert_near(e.outer_total_ns, 1500.0, 1e-9); /* 30 x 100 x 0.5 */
    assert_near(e.net_total_ns, 800.0, 1e-9);
    assert_near(tare_estimate_shift_ns(&e, 10), 170.0, 1e-9);
}

/*
 * 2 outermost scopes of a timer that each called themselves 3 times: 8 calls, and the 6 inner ones are in
 * scopes_within. Subtracting an inner cost for each call would take 6 x 40 ticks too much.
 */
static void recursion_is_not_subtracted_twice(void **state)
{
    (void)state;
    struct tare_cost_model model = plain_model();
    struct tare_timer_sums sums = {.calls = 8, .outermost = 2, .total_ticks = 2000, .scopes_within = 6};
    struct tare_estimate e = tare_estimate_timer(&model, &sums);
    assert_near(e.net_total_ns, (2000.0 - 2 * 40.0 - 6 * 100.0) * 0.5, 1e-9);
    assert_near(e.measuring_ns, 8 * 100.0 * 0.5, 1e-9); /* each of them took its time */
}

static void negative_net_times_are_told(void **state)
{
    (void)state;
    struct tare_cost_model model = plain_model();
    struct tare_timer_sums sums = scopes(100, 39, 0);
    assert_near(tare_estimate_timer(&model, &sums).net_total_ns, -50.0, 1e-9);
}

static void what_measuring_takes_does_not_depend_on_what_is_around(void **state)
{
    (void)state;
    struct tare_cost_model model = full_model();
    struct tare_timer_sums leaf = scopes(10, 500, 0), parent = scopes(10, 5000, 30);
    assert_near(tare_estimate_timer(&model, &leaf).measuring_ns, 500.0, 1e-9); /* the most that it can be */
    assert_near(tare_estimate_timer(&model, &parent).measuring_ns, 500.0, 1e-9);
    struct tare_timer_sums open = {.calls = 3, .min_ticks = UINT64_MAX}; /* the outermost has not ended yet */
    assert_near(tare_estimate_timer(&model, &open).measuring_ns, 150.0, 1e-9);
}

/* Closeness: what of the recording was paid for by the scopes around. */

static double outer_ticks(const struct tare_cost_model *model, struct tare_timer_sums sums)
{
    return tare_estimate_timer(model, &sums).outer_total_ns / model->tick_ns / (double)sums.scopes_within;
}

/* 1000 scopes with 10 in each, much work between, and this mean closeness. */
static struct tare_timer_sums close_by(double ticks)
{
    struct tare_timer_sums sums = scopes(1000, 10000, 10);
    sums.closeness_within = (uint64_t)(ticks * 10000.0);
    return sums;
}

static void scopes_that_are_close_pay_for_all_of_it(void **state)
{
    (void)state;
    struct tare_cost_model model = full_model();
    assert_near(outer_ticks(&model, close_by(20)), 100.0, 1e-9);
    assert_near(outer_ticks(&model, close_by(30)), 100.0, 1e-9); /* closer than close is close */
    model.at_start.outer_nested = cost(110.0, 0.0);
    assert_near(outer_ticks(&model, close_by(20)), 105.0,
                1e-9); /* whether they follow or end: both are close */
}

static void scopes_that_are_apart_pay_for_nothing_of_it(void **state)
{
    (void)state;
    struct tare_cost_model model = full_model();
    assert_near(outer_ticks(&model, close_by(0)), 80.0, 1e-9);
}

/*
 * A mean closeness of c: at most a share c of the scopes was close, if the others were apart; or all were near
 * it.
 */
static void in_between_they_pay_for_some_of_it(void **state)
{
    (void)state;
    struct tare_cost_model model = full_model();
    double before = 80.0;
    for (int step = 1; step <= 20; step++) {
        double ticks = outer_ticks(&model, close_by(step));
        assert_between(ticks, before, 80.0 + 20.0 * step / 20.0 + 1e-9);
        assert_true(step <= 12 || ticks >= 80.0 + 20.0 * (step / 20.0 - 0.6) / 0.4 - 1e-9); /* all alike */
        before = ticks;
    }
    struct tare_timer_sums apart = close_by(0), knee = close_by(12);
    assert_true(part_of(&model, &knee, TARE_ERROR_CONTEXT) > part_of(&model, &apart, TARE_ERROR_CONTEXT));
}

static void where_closeness_was_not_counted_anything_is_possible(void **state)
{
    (void)state;
    struct tare_cost_model model = full_model();
    struct tare_timer_sums sums = close_by(20);
    model.counts_closeness = false;
    assert_near(outer_ticks(&model, sums), 90.0, 1e-9);
    double range_ns = 10000.0 * 20.0 * 0.5; /* from 80 to 100: evenly, or at one end or the other */
    assert_between(part_of(&model, &sums, TARE_ERROR_CONTEXT), range_ns / SQRT_12, 1.1 * range_ns / 2.0);

    model.counts_closeness = true;
    sums.uncounted_within = sums.scopes_within;
    sums.closeness_within = 0;
    assert_near(outer_ticks(&model, sums), 90.0, 1e-9);
    sums.uncounted_within++; /* of a damaged page */
    assert_near(outer_ticks(&model, sums), 90.0, 1e-9);
    model.at_start.close = unknown;
    sums.uncounted_within = 0;
    assert_near(outer_ticks(&model, sums), 90.0, 1e-9);
}

static void what_was_counted_in_part_is_known_in_part(void **state)
{
    (void)state;
    struct tare_cost_model model = full_model();
    struct tare_timer_sums sums = close_by(10);
    sums.uncounted_within = sums.scopes_within / 2; /* and the other half is as close as can be */
    assert_near(outer_ticks(&model, sums), (100.0 + 90.0) / 2.0, 1e-9);
    struct tare_timer_sums all = close_by(20);
    assert_true(part_of(&model, &sums, TARE_ERROR_CONTEXT) > part_of(&model, &all, TARE_ERROR_CONTEXT));
}

/* Recording can only have overlapped with work that was there. */
static void without_work_nothing_can_have_overlapped(void **state)
{
    (void)state;
    struct tare_cost_model model = full_model();
    model.counts_closeness = false;
    struct tare_timer_sums none = scopes(1000, 40 + 10 * 80, 10), some = scopes(1000, 40 + 10 * 90, 10);
    assert_near(outer_ticks(&model, none), 100.0, 1e-9);
    assert_near(outer_ticks(&model, some), 95.0, 1e-9); /* at most half of the recording */
}

static void costs_that_were_not_found_apart_are_the_same_everywhere(void **state)
{
    (void)state;
    struct tare_cost_model model = full_model();
    model.at_start.outer_apart = unknown;
    assert_near(outer_ticks(&model, close_by(0)), 100.0, 1e-9);
    model.at_start.outer_nested = cost(110.0, 0.0);
    assert_near(outer_ticks(&model, close_by(0)), 105.0, 1e-9);
}

/* Several calibrations */

static double inner_ticks(const struct tare_cost_model *model)
{
    struct tare_timer_sums sums = scopes(1000, 1000, 0);
    return tare_estimate_timer(model, &sums).inner_total_ns / model->tick_ns / 1000.0;
}

static void calibrations_are_averaged(void **state)
{
    (void)state;
    struct tare_cost_model model = plain_model();
    model.at_start.inner = cost(40.0, 10.0);
    model.at_exit.inner = cost(52.0, 10.0);
    assert_near(inner_ticks(&model), 46.0, 0.1);
    model.at_start.inner = unknown;
    assert_near(inner_ticks(&model), 52.0, 1e-9);
    model.at_start.inner = cost(40.0, 10.0);
    model.in_run.inner = (struct tare_cost_ticks){.median = 49.0, .mad = 1.0, .n = 8};
    assert_near(inner_ticks(&model), (40.0 + 52.0 + 8 * 49.0) / 10.0, 0.2);
    model.at_start.inner = model.at_exit.inner = unknown;
    assert_near(inner_ticks(&model), 49.0, 1e-9);
}

static void a_disturbed_calibration_says_less(void **state)
{
    (void)state;
    struct tare_cost_model model = plain_model();
    model.at_start.inner = cost(60.0, 20.0);
    model.at_exit.inner = cost(40.0, 1.0);
    assert_between(inner_ticks(&model), 40.0, 41.0);
}

/* Each cause of error by itself */

static void spread_of_the_calibration_does_not_average_out(void **state)
{
    (void)state;
    struct tare_cost_model model = plain_model();
    model.at_start.inner = cost(40.0, 2.0);
    struct tare_timer_sums one = scopes(1, 100, 0), many = scopes(1000000, 100, 0);
    double ns = 1.253314 * 1.482602 * 2.0 / sqrt(64.0) * 0.5; /* of a median of 64 */
    assert_close(part_of(&model, &one, TARE_ERROR_CALIBRATION), ns, 1e-5);
    assert_close(part_of(&model, &many, TARE_ERROR_CALIBRATION), 1e6 * ns, 1e-5);

    model.at_start.inner = cost(40.0, 0.0);
    model.at_start.outer = cost(100.0, 2.0);
    struct tare_timer_sums parent = scopes(1000, 1000, 5);
    double outer_ns = part_of(&model, &parent, TARE_ERROR_CALIBRATION);
    assert_close(outer_ns, 5000.0 * ns, 1e-3);
    model.at_start.inner = cost(40.0, 20.0); /* independent of each other */
    assert_close(part_of(&model, &parent, TARE_ERROR_CALIBRATION), 1000.0 * ns * hypot(5.0, 10.0), 1e-3);
}

static void more_calibrations_are_surer(void **state)
{
    (void)state;
    struct tare_cost_model model = plain_model();
    model.at_start.inner = cost(40.0, 2.0);
    struct tare_timer_sums sums = scopes(1000, 100, 0);
    double one = part_of(&model, &sums, TARE_ERROR_CALIBRATION);
    model.at_exit.inner = model.at_start.inner;
    assert_close(part_of(&model, &sums, TARE_ERROR_CALIBRATION), one / sqrt(2.0), 1e-9);
}

/* A round of 16 scopes on a counter with steps of 26 ticks: all may read the same, and be 26/16 ticks off. */
static void rounds_that_do_not_differ_are_no_surer_than_the_counter(void **state)
{
    (void)state;
    struct tare_cost_model model = plain_model();
    struct tare_timer_sums sums = scopes(1000, 104, 0);
    assert_close(part_of(&model, &sums, TARE_ERROR_CALIBRATION), 1000.0 / 16.0 / SQRT_12 * 0.5, 1e-9);
    model.grain_ticks = 26.0;
    assert_close(part_of(&model, &sums, TARE_ERROR_CALIBRATION), 1000.0 * 26.0 / 16.0 / SQRT_12 * 0.5, 1e-9);
}

static void the_distance_of_two_calibrations_is_drift(void **state)
{
    (void)state;
    struct tare_cost_model model = plain_model();
    model.at_start.inner = cost(40.0, 10.0);
    model.at_exit.inner = cost(52.0, 10.0);
    struct tare_timer_sums sums = scopes(1000, 1000, 0);
    assert_close(part_of(&model, &sums, TARE_ERROR_DRIFT), 1000.0 * 12.0 / SQRT_12 * 0.5, 0.01);
    /* Two that agree do not say that there was none, and one that scatters so much that it says nothing still less. */
    model.at_exit.inner = model.at_start.inner;
    double alone_ns = 0.01 * 1000.0 * 40.0 * 0.5;
    assert_close(part_of(&model, &sums, TARE_ERROR_DRIFT), alone_ns / sqrt(2.0), 1e-6);
    model.at_exit.inner.mad = 1000.0;
    assert_close(part_of(&model, &sums, TARE_ERROR_DRIFT), alone_ns, 0.01);
}

static void drift_that_nobody_saw_is_assumed(void **state)
{
    (void)state;
    struct tare_cost_model model = plain_model();
    struct tare_timer_sums sums = scopes(1000, 1000, 0);
    double cost_ns = 1000.0 * 40.0 * 0.5;
    assert_between(part_of(&model, &sums, TARE_ERROR_DRIFT), 0.002 * cost_ns, 0.05 * cost_ns);
}

/* With more than two, it is known how much they vary; how many there were does not make that less. */
static void drift_in_the_run_does_not_average_out(void **state)
{
    (void)state;
    struct tare_cost_model model = plain_model();
    struct tare_timer_sums sums = scopes(1000, 1000, 0);
    model.at_exit.inner = model.at_start.inner = cost(40.0, 1.0);
    for (uint64_t n = 10; n <= 1000; n *= 10) {
        model.in_run.inner = (struct tare_cost_ticks){.median = 40.0, .mad = 4.0 / TARE_MAD_TO_SIGMA, .n = n};
        assert_close(part_of(&model, &sums, TARE_ERROR_DRIFT), 1000.0 * 4.0 * 0.5, 0.15);
    }
}

static void drifts_add_as_they_have_one_reason(void **state)
{
    (void)state;
    struct tare_cost_model model = plain_model();
    struct tare_timer_sums leaf = scopes(1000, 1000, 0), parent = scopes(1000, 1000, 5),
                           within = scopes(5000, 1000, 0);
    model.at_exit.inner = cost(50.0, 0.0);
    model.at_exit.outer = cost(90.0, 0.0);
    double inner_ns = part_of(&model, &leaf, TARE_ERROR_DRIFT),
           both_ns = part_of(&model, &parent, TARE_ERROR_DRIFT);
    model.at_start.inner = model.at_start.outer;
    model.at_exit.inner = model.at_exit.outer;
    assert_close(both_ns, inner_ns + part_of(&model, &within, TARE_ERROR_DRIFT), 1e-9);
}

static void costs_depend_on_the_code_around(void **state)
{
    (void)state;
    struct tare_cost_model model = plain_model();
    struct tare_timer_sums leaf = scopes(1000, 1000, 0), parent = scopes(1000, 1000, 5);
    double leaf_ns = part_of(&model, &leaf, TARE_ERROR_CONTEXT), cost_ns = 1000.0 * 40.0 * 0.5;
    assert_between(leaf_ns, 0.002 * cost_ns, 0.05 * cost_ns);
    assert_true(part_of(&model, &parent, TARE_ERROR_CONTEXT) > 2.0 * leaf_ns);
    model.at_start.inner = cost(80.0, 0.0);
    assert_close(part_of(&model, &leaf, TARE_ERROR_CONTEXT), 2.0 * leaf_ns, 1e-9);
    struct tare_timer_sums many = scopes(1000000, 1000, 0);
    assert_close(part_of(&model, &many, TARE_ERROR_CONTEXT), 2000.0 * leaf_ns, 1e-9);

    model.at_start.inner_empty = cost(90.0, 0.0); /* and on whether there is any in the scope */
    double empty_ns = part_of(&model, &leaf, TARE_ERROR_CONTEXT);
    assert_true(empty_ns > 2.0 * leaf_ns);
    assert_close(sqrt(empty_ns * empty_ns - 4.0 * leaf_ns * leaf_ns), 1000.0 * 10.0 / 2.0 * 0.5, 1e-6);

    double same_ns = part_of(&model, &parent, TARE_ERROR_CONTEXT); /* and on whether they follow or end */
    model.at_start.outer_nested = cost(120.0, 0.0);
    double apart_ns = part_of(&model, &parent, TARE_ERROR_CONTEXT), distance_ns = 5000.0 * 20.0 / SQRT_12 * 0.5;
    assert_close(sqrt(apart_ns * apart_ns - same_ns * same_ns), distance_ns, 0.05);
}

static void error_of_the_rate_is_relative(void **state)
{
    (void)state;
    struct tare_cost_model model = plain_model();
    struct tare_timer_sums sums = scopes(1, 2000000040, 0);
    assert_near(part_of(&model, &sums, TARE_ERROR_RATE), 0.0, 0.0);
    model.rate_error_ppb = 1000.0;
    assert_near(part_of(&model, &sums, TARE_ERROR_RATE), 1000.0, 1e-3); /* 1 ppm of a second is 1000 ns */
    struct tare_timer_sums negative = scopes(1000000, 20, 0);
    assert_near(part_of(&model, &negative, TARE_ERROR_RATE), 10.0, 1e-3); /* 1 ppm of -10 ms */
}

static void steps_of_the_counter_average_out(void **state)
{
    (void)state;
    struct tare_cost_model model = plain_model();
    struct tare_timer_sums one = scopes(1, 100, 0), many = scopes(10000, 100, 0), parent = scopes(1, 10000, 50);
    /* Two readings, each 1/12 tick^2, at 0.5 ns. */
    assert_near(part_of(&model, &one, TARE_ERROR_GRANULARITY), 0.5 * sqrt(2.0 / 12.0), 1e-12);
    assert_near(part_of(&model, &parent, TARE_ERROR_GRANULARITY), 0.5 * sqrt(2.0 / 12.0), 1e-12);
    assert_near(part_of(&model, &many, TARE_ERROR_GRANULARITY), 0.5 * sqrt(10000.0 * 2.0 / 12.0), 1e-9);
    model.grain_ticks = 26.0;
    assert_near(part_of(&model, &one, TARE_ERROR_GRANULARITY), 13.0 * sqrt(2.0 / 12.0), 1e-12);
    model.grain_ticks = 0.3; /* a clock that counts finer than it is read */
    assert_near(part_of(&model, &one, TARE_ERROR_GRANULARITY), 0.5 * sqrt(2.0 / 12.0), 1e-12);
}

static void sampling_is_for_the_caller_to_know(void **state)
{
    (void)state;
    struct tare_cost_model model = plain_model();
    struct tare_timer_sums sums = scopes(100, 1000, 0);
    struct tare_estimate e = tare_estimate_timer(&model, &sums);
    assert_true(isnan(e.error_ns[TARE_ERROR_SAMPLING]));
    assert_true(isnan(tare_estimate_avg_error_part_ns(&e, 100, TARE_ERROR_SAMPLING)));
    double without = tare_estimate_avg_error_ns(&e, 100);
    assert_true(without > 0.0);
    e.error_ns[TARE_ERROR_SAMPLING] = 50.0;
    assert_close(tare_estimate_avg_error_part_ns(&e, 100, TARE_ERROR_SAMPLING), 1.959964 * 0.5, 1e-6);
    assert_close(tare_estimate_avg_error_ns(&e, 100), hypot(without, 1.959964 * 0.5), 1e-6);
}

/* What is said of an average */

static struct tare_estimate made_of(const double error_ns[TARE_ERROR_PARTS])
{
    struct tare_estimate e = {.net_total_ns = 100.0};
    for (int part = 0; part < TARE_ERROR_PARTS; part++) {
        e.error_ns[part] = error_ns[part];
    }
    return e;
}

static void parts_make_up_the_error_in_quadrature(void **state)
{
    (void)state;
    struct tare_estimate e = made_of((const double[]){1, 2, 4, 8, 16, 32});
    double squares = 0.0;
    for (int part = 0; part < TARE_ERROR_PARTS; part++) {
        double alone = tare_estimate_avg_error_part_ns(&e, 10, (enum tare_error_part)part);
        assert_close(alone, 1.959964 * (1 << part) / 10.0, 1e-6);
        squares += alone * alone;
    }
    assert_close(tare_estimate_avg_error_ns(&e, 10), sqrt(squares), 1e-12);
}

/* Neither another run nor the length of a tick makes something out of nothing. */
static void the_limit_is_that_of_the_method(void **state)
{
    (void)state;
    struct tare_estimate e = made_of((const double[]){3, 4, 12, 1000, 84, 5000});
    assert_close(tare_estimate_avg_limit_ns(&e, 10), 2.0 * 1.959964 * 85.0 / 10.0, 1e-6);
    e.error_ns[TARE_ERROR_SAMPLING] = NAN;
    assert_close(tare_estimate_avg_limit_ns(&e, 10), 2.0 * 1.959964 * 85.0 / 10.0, 1e-6);
    assert_true(tare_below_limit(0.0, 1.0) && tare_below_limit(-1.0, 1.0) && tare_below_limit(1.0, 1.0));
    assert_false(tare_below_limit(1.01, 1.0) || tare_below_limit(-1.01, 1.0));
    assert_false(tare_below_limit(NAN, 1.0) || tare_below_limit(0.0, NAN));
}

static void unknown_stays_unknown(void **state)
{
    (void)state;
    struct tare_timer_sums sums = scopes(10, 500, 3);
    struct tare_cost_model model = plain_model();
    model.tick_ns = NAN;
    struct tare_estimate e = tare_estimate_timer(&model, &sums);
    assert_true(isnan(e.raw_total_ns) && isnan(e.net_total_ns) && isnan(e.measuring_ns));
    assert_true(isnan(tare_estimate_avg_error_ns(&e, 10)) && isnan(tare_estimate_shift_ns(&e, 10)));
    assert_true(isnan(tare_estimate_avg_limit_ns(&e, 10)));

    model = plain_model();
    model.rate_error_ppb = NAN;
    e = tare_estimate_timer(&model, &sums);
    assert_near(e.net_total_ns, 800.0, 1e-9);
    assert_true(isnan(tare_estimate_avg_error_ns(&e, 10)));

    model = plain_model();
    model.at_start.inner = unknown;
    e = tare_estimate_timer(&model, &sums);
    assert_near(e.raw_total_ns, 2500.0, 1e-9);
    assert_true(isnan(e.net_total_ns) && isnan(e.inner_total_ns));

    model = plain_model();
    model.at_start.outer = unknown; /* needed only where scopes ended within */
    assert_true(isnan(tare_estimate_timer(&model, &sums).net_total_ns));
    sums.scopes_within = 0;
    assert_near(tare_estimate_timer(&model, &sums).net_total_ns, 2300.0, 1e-9);
    assert_true(isnan(tare_estimate_timer(&model, &sums).measuring_ns));

    model = plain_model();
    model.at_start.inner.n = 1; /* a median, and no spread to see */
    e = tare_estimate_timer(&model, &sums);
    assert_near(e.net_total_ns, 2300.0, 1e-9);
    assert_true(isnan(e.error_ns[TARE_ERROR_CALIBRATION]) && isnan(tare_estimate_avg_error_ns(&e, 10)));
}

static void timer_without_calls_is_zero_whatever_is_unknown(void **state)
{
    (void)state;
    struct tare_cost_model model = {.tick_ns = NAN,
                                    .rate_error_ppb = NAN,
                                    .at_start = no_costs(),
                                    .at_exit = no_costs(),
                                    .in_run = no_costs()};
    struct tare_timer_sums sums = {.min_ticks = UINT64_MAX};
    struct tare_estimate e = tare_estimate_timer(&model, &sums);
    assert_true(e.raw_total_ns == 0.0 && e.net_total_ns == 0.0 && e.measuring_ns == 0.0);
    for (int part = 0; part < TARE_ERROR_PARTS; part++) {
        assert_true(e.error_ns[part] == 0.0);
    }
    assert_true(isnan(tare_estimate_avg_error_ns(&e, 0)) && isnan(tare_estimate_shift_ns(&e, 0)));
    assert_true(isnan(tare_estimate_avg_limit_ns(&e, 0)));
    assert_true(isnan(tare_estimate_avg_error_part_ns(&e, 0, TARE_ERROR_DRIFT)));
}

static void estimates_of_two_processes_add(void **state)
{
    (void)state;
    struct tare_estimate a = made_of((const double[]){3, 3, 3, 3, 3, 3});
    struct tare_estimate b = made_of((const double[]){4, 4, 4, 4, 4, 4});
    a.raw_total_ns = b.raw_total_ns = 150.0;
    a.inner_total_ns = b.inner_total_ns = 30.0;
    a.outer_total_ns = b.outer_total_ns = 20.0;
    a.measuring_ns = 7.0;
    b.measuring_ns = 8.0;
    tare_estimate_add(&a, &b);
    assert_near(a.raw_total_ns, 300.0, 1e-12);
    assert_near(a.net_total_ns, 200.0, 1e-12);
    assert_near(a.inner_total_ns, 60.0, 1e-12);
    assert_near(a.outer_total_ns, 40.0, 1e-12);
    assert_near(a.measuring_ns, 15.0, 1e-12);
    for (int part = 0; part < TARE_ERROR_PARTS; part++) { /* one machine, one method; the last two by chance */
        assert_near(a.error_ns[part], part < TARE_ERROR_GRANULARITY ? 7.0 : 5.0, 1e-12);
    }
    struct tare_estimate none = {0};
    tare_estimate_add(&a, &none);
    assert_near(a.error_ns[TARE_ERROR_CONTEXT], 7.0, 1e-12);
    assert_near(a.error_ns[TARE_ERROR_SAMPLING], 5.0, 1e-12);
    b.error_ns[TARE_ERROR_SAMPLING] = NAN; /* of one process alone it is not known */
    tare_estimate_add(&a, &b);
    assert_true(isnan(a.error_ns[TARE_ERROR_SAMPLING]) && a.net_total_ns == 300.0);
    b.error_ns[TARE_ERROR_DRIFT] = INFINITY;
    b.error_ns[TARE_ERROR_GRANULARITY] = NAN;
    a.error_ns[TARE_ERROR_GRANULARITY] = INFINITY;
    tare_estimate_add(&a, &b);
    assert_true(isinf(a.error_ns[TARE_ERROR_DRIFT]) && isnan(a.error_ns[TARE_ERROR_GRANULARITY]));
}

/* A made-up machine */

static struct tare_cost_ticks calibrated(struct tare_random *random, double truth, double sigma)
{
    enum { N = 65 };
    double values[N];
    for (int i = 0; i < N; i++) {
        values[i] = truth + sigma * tare_random_normal(random);
    }
    struct tare_cost_ticks found = {.median = tare_median(values, N), .n = N};
    found.mad = tare_mad(values, N, found.median);
    return found;
}

enum { RUNS = 1000 };

/*
 * Calibration alone, and steps of the counter alone, where the model says how large the error is: the interval
 * should miss in 5 % of all runs. More than 8 % would be 4 standard deviations of a binomial count away, less
 * than 2 % would mean that it is needlessly wide. The sequence is fixed, so this either holds or does not.
 */
static void calibrations_miss_as_often_as_they_say(void **state)
{
    (void)state;
    struct tare_random random;
    tare_random_seed(&random, 20231114);
    int misses = 0;
    for (int run = 0; run < RUNS; run++) {
        struct tare_cost_model model = plain_model();
        model.at_start.inner = calibrated(&random, 38.0, 1.5);
        model.at_exit.inner = calibrated(&random, 38.0, 1.5);
        model.at_start.outer = calibrated(&random, 97.0, 3.0);
        model.at_exit.outer = calibrated(&random, 97.0, 3.0);
        struct tare_timer_sums sums = scopes(1000, 300 + 38 + 2 * 97, 2);
        struct tare_estimate e = tare_estimate_timer(&model, &sums);
        misses +=
            fabs(e.net_total_ns - 1000 * 300.0 * model.tick_ns) > TARE_Z95 * e.error_ns[TARE_ERROR_CALIBRATION];
    }
    assert_between(misses, RUNS * 2.0 / 100.0, RUNS * 8.0 / 100.0);
}

static void steps_miss_as_often_as_they_say(void **state)
{
    (void)state;
    enum { SCOPES = 200 };
    struct tare_random random;
    tare_random_seed(&random, 7);
    struct tare_cost_model model = plain_model();
    model.grain_ticks = 26.0;
    int misses = 0;
    for (int run = 0; run < RUNS; run++) {
        struct tare_timer_sums sums = scopes(SCOPES, 0, 0);
        for (int i = 0; i < SCOPES; i++) {
            double begin = 1e6 * tare_random_uniform(&random), end = begin + 40.0 + 33.3;
            sums.total_ticks += (uint64_t)(26.0 * (floor(end / 26.0) - floor(begin / 26.0)));
        }
        struct tare_estimate e = tare_estimate_timer(&model, &sums);
        misses += fabs(e.net_total_ns - SCOPES * 33.3 * 0.5) > TARE_Z95 * e.error_ns[TARE_ERROR_GRANULARITY];
    }
    /* What two readings that lie so close are cut by is not quite independent. */
    assert_between(misses, RUNS * 1.0 / 100.0, RUNS * 9.0 / 100.0);
}

/* A scope costs more or less in a program than it did when calibrated. */
#define PROGRAMS_DIFFER 0.025

/* What a scope costs on the made-up machine, in ticks. */
static const struct {
    double inner, inner_empty, outer, outer_nested, outer_apart, close, knee;
} truth = {38.0, 39.0, 97.0, 99.0, 79.0, 20.0, 12.0};

static struct tare_costs all_calibrated(struct tare_random *random, double speed)
{
    return (struct tare_costs){
        .inner = calibrated(random, truth.inner * speed, 1.0),
        .inner_empty = calibrated(random, truth.inner_empty * speed, 1.0),
        .outer = calibrated(random, truth.outer * speed, 2.0),
        .outer_nested = calibrated(random, truth.outer_nested * speed, 2.0),
        .outer_apart = calibrated(random, truth.outer_apart * speed, 2.0),
        .close = calibrated(random, truth.close * speed, 1.0),
        .knee = calibrated(random, truth.knee * speed, 1.0),
    };
}

/* One run in which everything is a little off; whether the interval holds the truth. */
static bool run_holds(struct tare_random *random)
{
    enum { SCOPES = 10000, WITHIN = 3 };
    struct tare_cost_model model = plain_model();
    double drift = 0.02 * tare_random_normal(random), now = 1.0 + drift * tare_random_uniform(random);
    model.at_start = all_calibrated(random, 1.0);
    model.at_exit = all_calibrated(random, 1.0 + drift);
    /*
     * Scopes within: some close and some apart, or all at the same distance, up to as far behind the knee as
     * before it.
     */
    double none = 2.0 * truth.knee / truth.close - 1.0, paid = tare_random_uniform(random);
    bool mixed = tare_random_uniform(random) < 0.5;
    double closeness = now * truth.close * (mixed ? paid : none + (1.0 - none) * paid);
    double full = tare_random_uniform(random) < 0.5 ? truth.outer : truth.outer_nested;
    double outer = now * (truth.outer_apart + paid * (full - truth.outer_apart));
    double inner = now * (tare_random_uniform(random) < 0.5 ? truth.inner : truth.inner_empty);
    outer *= 1.0 + PROGRAMS_DIFFER * tare_random_normal(random);
    inner *= 1.0 + PROGRAMS_DIFFER * tare_random_normal(random);

    model.counts_closeness = true;
    model.grain_ticks = 26.0;
    model.rate_error_ppb = 1000.0;
    double tick_ns = model.tick_ns * (1.0 + 1e-6 * tare_random_normal(random));
    double work_ns = 500.0, found_ns = work_ns * (1.0 + 0.003 * tare_random_normal(random));
    double cut = 26.0 * sqrt(2.0 / 12.0 * SCOPES) * tare_random_normal(random);
    struct tare_timer_sums sums = scopes(SCOPES, 0, WITHIN);
    sums.total_ticks = (uint64_t)(SCOPES * (found_ns / tick_ns + inner + WITHIN * outer) + cut);
    sums.closeness_within = (uint64_t)(SCOPES * WITHIN * closeness);
    struct tare_estimate e = tare_estimate_timer(&model, &sums);
    e.error_ns[TARE_ERROR_SAMPLING] = SCOPES * 0.003 * work_ns;
    double error_ns = tare_estimate_avg_error_ns(&e, SCOPES);
    assert_true(error_ns < 0.05 * work_ns); /* anybody can hold the truth in an interval that is wide enough */
    return fabs(e.net_total_ns / SCOPES - work_ns) <= error_ns;
}

/*
 * Some of the errors are bounds rather than deviations, so it may hold it more often; 7 % are 3 deviations off
 * 5 %.
 */
static void interval_holds_the_truth_when_all_is_off(void **state)
{
    (void)state;
    struct tare_random random;
    tare_random_seed(&random, 1);
    int misses = 0;
    for (int run = 0; run < RUNS; run++) {
        misses += !run_holds(&random);
    }
    assert_between(misses, 1, RUNS * 7.0 / 100.0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(net_is_raw_less_both_costs),
        cmocka_unit_test(recursion_is_not_subtracted_twice),
        cmocka_unit_test(negative_net_times_are_told),
        cmocka_unit_test(what_measuring_takes_does_not_depend_on_what_is_around),
        cmocka_unit_test(scopes_that_are_close_pay_for_all_of_it),
        cmocka_unit_test(scopes_that_are_apart_pay_for_nothing_of_it),
        cmocka_unit_test(in_between_they_pay_for_some_of_it),
        cmocka_unit_test(where_closeness_was_not_counted_anything_is_possible),
        cmocka_unit_test(what_was_counted_in_part_is_known_in_part),
        cmocka_unit_test(without_work_nothing_can_have_overlapped),
        cmocka_unit_test(costs_that_were_not_found_apart_are_the_same_everywhere),
        cmocka_unit_test(calibrations_are_averaged),
        cmocka_unit_test(a_disturbed_calibration_says_less),
        cmocka_unit_test(spread_of_the_calibration_does_not_average_out),
        cmocka_unit_test(more_calibrations_are_surer),
        cmocka_unit_test(rounds_that_do_not_differ_are_no_surer_than_the_counter),
        cmocka_unit_test(the_distance_of_two_calibrations_is_drift),
        cmocka_unit_test(drift_that_nobody_saw_is_assumed),
        cmocka_unit_test(drift_in_the_run_does_not_average_out),
        cmocka_unit_test(drifts_add_as_they_have_one_reason),
        cmocka_unit_test(costs_depend_on_the_code_around),
        cmocka_unit_test(error_of_the_rate_is_relative),
        cmocka_unit_test(steps_of_the_counter_average_out),
        cmocka_unit_test(sampling_is_for_the_caller_to_know),
        cmocka_unit_test(parts_make_up_the_error_in_quadrature),
        cmocka_unit_test(the_limit_is_that_of_the_method),
        cmocka_unit_test(unknown_stays_unknown),
        cmocka_unit_test(timer_without_calls_is_zero_whatever_is_unknown),
        cmocka_unit_test(estimates_of_two_processes_add),
        cmocka_unit_test(calibrations_miss_as_often_as_they_say),
        cmocka_unit_test(steps_miss_as_often_as_they_say),
        cmocka_unit_test(interval_holds_the_truth_when_all_is_off),
    };
    return cmocka_run_group_tests_name("overhead", tests, NULL, NULL);
}
