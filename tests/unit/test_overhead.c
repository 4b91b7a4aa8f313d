/* SPDX-License-Identifier: MIT */
/*
 * The overhead model: against sums done by hand, against its own promises about what is unknown, and against a
 * simulated run in which the truth is known (does the 95 % interval hold it 95 % of the time?).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>

#include "stats/overhead.h"
#include "stats/quantile.h"

static void assert_near(double found, double expected, double within)
{
    if (!(fabs(found - expected) <= within)) {
        fail_msg("%.17g is not within %g of %.17g", found, within, expected);
    }
}

/* 2 GHz; 40 ticks inside, 100 outside; no error anywhere but the clock's grain. */
static struct tare_cost_model exact_model(void)
{
    return (struct tare_cost_model){
        .tick_ns = 0.5,
        .rate_error_ppb = 0.0,
        .inner = {.median = 40.0, .mad = 0.0, .n = 64},
        .outer = {.median = 100.0, .mad = 0.0, .n = 64},
        .inner_at_exit = {.median = NAN, .mad = NAN, .n = 0},
        .outer_at_exit = {.median = NAN, .mad = NAN, .n = 0},
    };
}

static void net_is_raw_less_both_costs(void **state)
{
    (void)state;
    struct tare_cost_model model = exact_model();
    struct tare_timer_sums sums = {.calls = 10, .outermost = 10, .total_ticks = 5000, .scopes_within = 30};
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
    struct tare_cost_model model = exact_model();
    struct tare_timer_sums sums = {.calls = 8, .outermost = 2, .total_ticks = 2000, .scopes_within = 6};
    struct tare_estimate e = tare_estimate_timer(&model, &sums);
    assert_near(e.net_total_ns, (2000.0 - 2 * 40.0 - 6 * 100.0) * 0.5, 1e-9);
}

static void negative_net_times_are_told(void **state)
{
    (void)state;
    struct tare_cost_model model = exact_model();
    struct tare_timer_sums sums = {.calls = 100, .outermost = 100, .total_ticks = 3900};
    struct tare_estimate e = tare_estimate_timer(&model, &sums);
    assert_near(e.net_total_ns, -50.0, 1e-9);
}

static void grain_of_the_clock_averages_out(void **state)
{
    (void)state;
    struct tare_cost_model model = exact_model();
    struct tare_timer_sums one = {.calls = 1, .outermost = 1, .total_ticks = 100};
    struct tare_timer_sums many = {.calls = 10000, .outermost = 10000, .total_ticks = 1000000};
    struct tare_estimate a = tare_estimate_timer(&model, &one), b = tare_estimate_timer(&model, &many);
    /* Two readings of 1/12 tick^2 each, and a calibration known to 1/16 tick, at 0.5 ns. */
    const double calibration = 1.0 / 16.0 / 16.0 / 12.0;
    assert_near(a.variance_ns2, 0.25 * (1.0 / 6.0 + calibration), 1e-12);
    assert_near(b.variance_ns2, 0.25 * (10000.0 / 6.0 + 1e8 * calibration), 1e-6);
}

static void a_coarse_counter_widens_the_interval(void **state)
{
    (void)state;
    struct tare_cost_model model = exact_model();
    model.grain_ticks = 26.0;
    struct tare_timer_sums sums = {.calls = 1, .outermost = 1, .total_ticks = 104};
    struct tare_estimate e = tare_estimate_timer(&model, &sums);
    /* Twice the variance of a rectangle 26 ticks wide, and a round of 16 scopes that moves by 26/16 ticks. */
    double step = 26.0 / 16.0;
    assert_near(e.variance_ns2, 0.25 * (2.0 * 26.0 * 26.0 / 12.0 + step * step / 12.0), 1e-9);
    model.grain_ticks = NAN; /* unknown: a tick */
    e = tare_estimate_timer(&model, &sums);
    assert_near(e.variance_ns2, 0.25 * (1.0 / 6.0 + 1.0 / 3072.0), 1e-12);
}

static void spread_of_the_calibration_does_not_average_out(void **state)
{
    (void)state;
    struct tare_cost_model model = exact_model();
    model.inner.mad = 2.0;
    struct tare_timer_sums sums = {.calls = 1000000, .outermost = 1000000, .total_ticks = 100000000};
    struct tare_estimate e = tare_estimate_timer(&model, &sums);
    /* 1.96 x 1.2533 x 1.4826 x 2 / sqrt(64) ticks, at 0.5 ns; the grain is a thousandth of that */
    assert_near(tare_estimate_avg_error_ns(&e, sums.outermost), 1.959964 * 1.253314 * 1.482602 * 0.25 * 0.5,
                1e-4);
}

static void two_calibrations_are_averaged_and_their_distance_counts(void **state)
{
    (void)state;
    struct tare_cost_model model = exact_model();
    model.inner_at_exit = (struct tare_cost_ticks){.median = 52.0, .mad = 0.0, .n = 64};
    model.outer_at_exit = (struct tare_cost_ticks){.median = 100.0, .mad = 0.0, .n = 64};
    struct tare_timer_sums sums = {.calls = 1000, .outermost = 1000, .total_ticks = 100000};
    struct tare_estimate e = tare_estimate_timer(&model, &sums);
    assert_near(e.inner_total_ns, 1000 * 46.0 * 0.5, 1e-6);
    double drift_ns = 1000 * 12.0 * 0.5;
    /* and the steps of the rounds, 1/16 tick wide, of two calibrations whose mean it is */
    double steps_ns2 = 0.25 * 1e6 * 2.0 * (1.0 / 16.0 / 16.0 / 12.0) / 4.0;
    assert_near(e.variance_ns2, drift_ns * drift_ns / 12.0 + 1000 * 0.25 / 6.0 + steps_ns2, 1e-6);

    model.inner.n = 0; /* only the one at exit is known */
    e = tare_estimate_timer(&model, &sums);
    assert_near(e.inner_total_ns, 1000 * 52.0 * 0.5, 1e-6);
    assert_near(e.variance_ns2, 1000 * 0.25 / 6.0 + 2.0 * steps_ns2,
                1e-6); /* one calibration: no mean of two */
}

static void error_of_the_rate_is_relative(void **state)
{
    (void)state;
    struct tare_cost_model model = exact_model();
    struct tare_timer_sums sums = {.calls = 1, .outermost = 1, .total_ticks = 2000000040};
    double without = tare_estimate_timer(&model, &sums).variance_ns2;
    model.rate_error_ppb = 1000.0;
    struct tare_estimate e = tare_estimate_timer(&model, &sums);
    assert_near(e.net_total_ns, 1e9, 1e-3);
    assert_near(sqrt(e.variance_ns2 - without), 1000.0, 1e-3); /* 1 ppm of a second is 1000 ns */
}

static void unknown_stays_unknown(void **state)
{
    (void)state;
    struct tare_timer_sums sums = {.calls = 10, .outermost = 10, .total_ticks = 5000, .scopes_within = 30};

    struct tare_cost_model model = exact_model();
    model.tick_ns = NAN;
    struct tare_estimate e = tare_estimate_timer(&model, &sums);
    assert_true(isnan(e.raw_total_ns) && isnan(e.net_total_ns) && isnan(e.variance_ns2));
    assert_true(isnan(tare_estimate_avg_error_ns(&e, 10)) && isnan(tare_estimate_shift_ns(&e, 10)));

    model = exact_model();
    model.rate_error_ppb = NAN;
    e = tare_estimate_timer(&model, &sums);
    assert_near(e.net_total_ns, 800.0, 1e-9);
    assert_true(isnan(tare_estimate_avg_error_ns(&e, 10)));

    model = exact_model();
    model.inner.n = 0;
    e = tare_estimate_timer(&model, &sums);
    assert_near(e.raw_total_ns, 2500.0, 1e-9);
    assert_true(isnan(e.net_total_ns) && isnan(e.inner_total_ns));

    model = exact_model();
    model.outer.n = 0; /* needed only where scopes ended within */
    assert_true(isnan(tare_estimate_timer(&model, &sums).net_total_ns));
    sums.scopes_within = 0;
    assert_near(tare_estimate_timer(&model, &sums).net_total_ns, 2300.0, 1e-9);

    model = exact_model();
    model.inner.n = 1; /* a median, and no spread to see */
    e = tare_estimate_timer(&model, &sums);
    assert_near(e.net_total_ns, 2300.0, 1e-9);
    assert_true(isnan(e.variance_ns2));
}

static void timer_without_calls_is_zero_whatever_is_unknown(void **state)
{
    (void)state;
    struct tare_cost_model model = {.tick_ns = NAN, .rate_error_ppb = NAN};
    struct tare_timer_sums sums = {.calls = 3,
                                   .min_ticks = UINT64_MAX}; /* inner ones of a recursion under way */
    struct tare_estimate e = tare_estimate_timer(&model, &sums);
    assert_true(e.raw_total_ns == 0.0 && e.net_total_ns == 0.0 && e.variance_ns2 == 0.0);
    assert_true(isnan(tare_estimate_avg_error_ns(&e, 0)) && isnan(tare_estimate_shift_ns(&e, 0)));
}

static void estimates_of_two_processes_add(void **state)
{
    (void)state;
    struct tare_estimate a = {
        .raw_total_ns = 100, .net_total_ns = 60, .variance_ns2 = 9, .inner_total_ns = 30, .outer_total_ns = 10};
    struct tare_estimate b = {
        .raw_total_ns = 50, .net_total_ns = 20, .variance_ns2 = 16, .inner_total_ns = 20, .outer_total_ns = 10};
    tare_estimate_add(&a, &b);
    assert_near(a.raw_total_ns, 150.0, 1e-12);
    assert_near(a.net_total_ns, 80.0, 1e-12);
    assert_near(a.inner_total_ns, 50.0, 1e-12);
    assert_near(a.outer_total_ns, 20.0, 1e-12);
    assert_near(a.variance_ns2, 49.0, 1e-12); /* (3 + 4)^2: their errors may have one cause */

    struct tare_estimate none = {0};
    tare_estimate_add(&a, &none);
    assert_near(a.variance_ns2, 49.0, 1e-12);
    b.variance_ns2 = NAN;
    tare_estimate_add(&a, &b);
    assert_true(isnan(a.variance_ns2) && a.net_total_ns == 100.0);
}

static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

/* Normal with sigma 1: the sum of 12 uniform values, less 6. */
static double next_normal(uint64_t *state)
{
    double sum = -6.0;
    for (int i = 0; i < 12; i++) {
        sum += (double)(next_random(state) >> 11) * 0x1p-53;
    }
    return sum;
}

static struct tare_cost_ticks calibrated(uint64_t *seed, double truth, double sigma)
{
    enum { N = 65 };
    double values[N];
    for (int i = 0; i < N; i++) {
        values[i] = truth + sigma * next_normal(seed);
    }
    struct tare_cost_ticks cost = {.median = tare_median(values, N), .n = N};
    cost.mad = tare_mad(values, N, cost.median);
    return cost;
}

/*
 * 1000 runs on a made-up machine whose costs are known. The interval should miss in 5 % of them; more than 8 %
 * would be 4 standard deviations of a binomial count away, less than 2 % would mean that it is needlessly wide.
 * The sequence is fixed, so this either holds or does not.
 */
static void interval_holds_the_truth_as_often_as_it_says(void **state)
{
    (void)state;
    enum { RUNS = 1000 };
    uint64_t seed = 20231114;
    int misses = 0;
    for (int run = 0; run < RUNS; run++) {
        const double work = 300.0, inner = 38.0, outer = 97.0;
        struct tare_cost_model model = {
            .tick_ns = 0.4,
            .inner = calibrated(&seed, inner, 1.5),
            .outer = calibrated(&seed, outer, 3.0),
        };
        struct tare_timer_sums sums = {.calls = 100000, .outermost = 100000, .scopes_within = 200000};
        sums.total_ticks = (uint64_t)(100000 * (work + inner) + 200000 * outer);
        struct tare_estimate e = tare_estimate_timer(&model, &sums);
        double off = e.net_total_ns / 100000.0 - work * 0.4;
        misses += fabs(off) > tare_estimate_avg_error_ns(&e, sums.outermost);
    }
    assert_in_range(misses, RUNS * 2 / 100, RUNS * 8 / 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(net_is_raw_less_both_costs),
        cmocka_unit_test(recursion_is_not_subtracted_twice),
        cmocka_unit_test(negative_net_times_are_told),
        cmocka_unit_test(grain_of_the_clock_averages_out),
        cmocka_unit_test(a_coarse_counter_widens_the_interval),
        cmocka_unit_test(spread_of_the_calibration_does_not_average_out),
        cmocka_unit_test(two_calibrations_are_averaged_and_their_distance_counts),
        cmocka_unit_test(error_of_the_rate_is_relative),
        cmocka_unit_test(unknown_stays_unknown),
        cmocka_unit_test(timer_without_calls_is_zero_whatever_is_unknown),
        cmocka_unit_test(estimates_of_two_processes_add),
        cmocka_unit_test(interval_holds_the_truth_as_often_as_it_says),
    };
    return cmocka_run_group_tests_name("overhead", tests, NULL, NULL);
}
