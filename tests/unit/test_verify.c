/* SPDX-License-Identifier: MIT */
/*
 * The judgement of `tare verify`: which pairs count, what a case is, and which share and which claim follow.
 * Figures are made here, so that what is right is known; a model that is wrong has to be found out.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <string.h>

#include "stats/random.h"
#include "stats/verify.h"

enum { PAIRS = 24, CALLS = 1000, INNER = 100, OUTER = 180 };

static void assert_near(double found, double expected, double within)
{
    if (!(fabs(found - expected) <= within)) {
        fail_msg("%.17g is not within %g of %.17g", found, within, expected);
    }
}

/* A tick is half a nanosecond; a scope costs INNER ticks, and OUTER to those around it, whatever follows it. */
static struct tare_cost_model model_of(double inner_ticks)
{
    struct tare_cost_ticks inner = {inner_ticks, 0.5, 24}, outer = {OUTER, 0.5, 24};
    struct tare_costs costs = {.inner = inner, .outer = outer, .outer_nested = outer, .outer_apart = outer};
    return (struct tare_cost_model){
        .tick_ns = 0.5,
        .rate_error_ppb = 100,
        .grain_ticks = 1,
        .at_start = costs,
        .at_exit = costs,
    };
}

/* Pairs of work of `truth_ns`, with `within` scopes in it, read as the model has it. */
static void make_pairs(struct tare_verify_pair pairs[PAIRS], bool keep[PAIRS], double truth_ns, unsigned within)
{
    for (int i = 0; i < PAIRS; i++) {
        double off_ns =
            (i % 3 - 1) * 0.1; /* the same on both sides, as of a processor that changes its speed */
        double ticks = (truth_ns + off_ns) / 0.5 + INNER + within * OUTER;
        keep[i] = true;
        pairs[i] = (struct tare_verify_pair){
            .bare_ns = truth_ns + off_ns,
            .sums = {.calls = CALLS,
                     .outermost = CALLS,
                     .total_ticks = (uint64_t)llround(ticks * CALLS),
                     .min_ticks = UINT64_MAX,
                     .scopes_within = CALLS * within,
                     .uncounted_within = CALLS * within},
        };
    }
}

static void a_right_model_is_covered(void **state)
{
    (void)state;
    struct tare_verify_pair pairs[PAIRS];
    bool keep[PAIRS];
    struct tare_cost_model model = model_of(INNER);
    for (unsigned within = 0; within < 20; within += 5) {
        make_pairs(pairs, keep, 40, within);
        struct tare_verify_case result = tare_verify_judge(&model, pairs, keep, PAIRS);
        assert_int_equal(result.pairs, PAIRS);
        assert_near(result.truth_ns, 40, 1e-9);
        assert_near(result.raw_ns, 40 + 0.5 * (INNER + within * OUTER), 1e-3);
        assert_near(result.net_ns, 40, 1e-3);
        assert_near(result.error_ns, 0, 1e-3);
        assert_true(result.half_ns > 0 && result.half_ns < 150);
        assert_true(result.covered);
        /* What both sides share is no sampling error. */
        assert_near(result.part_ns[TARE_ERROR_SAMPLING], 0, 1e-3);
    }
}

static void a_wrong_model_is_found_out(void **state)
{
    (void)state;
    struct tare_verify_pair pairs[PAIRS];
    bool keep[PAIRS];
    make_pairs(pairs, keep, 40, 0);
    struct tare_cost_model model = model_of(INNER + 40); /* 20 ns too much */
    struct tare_verify_case result = tare_verify_judge(&model, pairs, keep, PAIRS);
    assert_near(result.error_ns, -20, 1e-3);
    assert_true(result.half_ns < 20);
    assert_false(result.covered);
    assert_false(tare_verify_holds(result.covered, 1));
}

static void what_is_unknown_is_not_covered(void **state)
{
    (void)state;
    struct tare_verify_pair pairs[PAIRS];
    bool keep[PAIRS];
    make_pairs(pairs, keep, 40, 0);
    struct tare_cost_model model = model_of(INNER);
    memset(&model.at_start, 0, sizeof(model.at_start));
    memset(&model.at_exit, 0, sizeof(model.at_exit));
    struct tare_verify_case result = tare_verify_judge(&model, pairs, keep, PAIRS);
    assert_true(isnan(result.net_ns) && isnan(result.error_ns));
    assert_near(result.truth_ns, 40, 1e-9);
    assert_false(result.covered);

    model = model_of(INNER);
    model.tick_ns = NAN;
    result = tare_verify_judge(&model, pairs, keep, PAIRS);
    assert_true(isnan(result.net_ns));
    assert_false(result.covered);

    model = model_of(INNER);
    for (size_t kept = 0; kept < 2; kept++) { /* too few for a sampling error */
        memset(keep, 0, sizeof(keep));
        keep[3] = kept == 1;
        result = tare_verify_judge(&model, pairs, keep, PAIRS);
        assert_int_equal(result.pairs, kept);
        assert_true(isnan(result.half_ns));
        assert_false(result.covered);
    }
    pairs[5].bare_ns = NAN;
    memset(keep, 1, sizeof(keep));
    result = tare_verify_judge(&model, pairs, keep, PAIRS);
    assert_true(isnan(result.truth_ns));
    assert_false(result.covered);
}

static void pairs_that_were_dropped_do_not_count(void **state)
{
    (void)state;
    struct tare_verify_pair pairs[PAIRS];
    bool keep[PAIRS];
    make_pairs(pairs, keep, 40, 0);
    struct tare_cost_model model = model_of(INNER);
    struct tare_verify_case before = tare_verify_judge(&model, pairs, keep, PAIRS);
    for (int i = 0; i < 3; i++) { /* one of each kind, so that the means stay */
        pairs[i].bare_ns = 4000;
        pairs[i].sums.total_ticks *= 3;
        keep[i] = false;
    }
    struct tare_verify_case after = tare_verify_judge(&model, pairs, keep, PAIRS);
    assert_int_equal(after.pairs, PAIRS - 3);
    assert_near(after.truth_ns, before.truth_ns, 1e-9);
    assert_near(after.net_ns, before.net_ns, 1e-3);
}

/* Intervals from noise that is as they take it to be cover in some 95 of 100 cases. */
static void sampling_errors_cover(void **state)
{
    (void)state;
    enum { CASES = 2000 };
    struct tare_random random;
    tare_random_seed(&random, 20260101);
    struct tare_cost_model model = model_of(INNER);
    unsigned covered = 0;
    for (int k = 0; k < CASES; k++) {
        struct tare_verify_pair pairs[PAIRS];
        bool keep[PAIRS];
        make_pairs(pairs, keep, 5000, 0);
        for (int i = 0; i < PAIRS; i++) { /* far above all other parts of the ± */
            pairs[i].bare_ns += tare_random_normal(&random) * 100;
        }
        covered += tare_verify_judge(&model, pairs, keep, PAIRS).covered;
    }
    /* 94 % is expected (normal quantile, 24 pairs); 5 standard deviations are 2.7 %. */
    assert_in_range(covered, CASES * 0.91, CASES * 0.975);
}

static void disturbed_pairs_are_dropped_for_both_sides(void **state)
{
    (void)state;
    double times[2 * PAIRS], scratch[PAIRS];
    bool keep[PAIRS];
    for (int i = 0; i < PAIRS; i++) {
        times[i] = 100 + i % 3;        /* median 101, MAD 1 */
        times[PAIRS + i] = 50 + i % 2; /* another unit of work */
    }
    assert_int_equal(tare_verify_keep(times, 2, PAIRS, keep, scratch), PAIRS);
    times[4] = 107;         /* more than 5 MADs and 5 % above */
    times[7] = 20;          /* too short is no disturbance */
    times[PAIRS + 9] = 60;  /* the other side */
    times[PAIRS + 10] = 53; /* less than 5 MADs, though more than 5 % */
    assert_int_equal(tare_verify_keep(times, 2, PAIRS, keep, scratch), PAIRS - 2);
    for (int i = 0; i < PAIRS; i++) {
        assert_int_equal(keep[i], i != 4 && i != 9);
    }
}

static void times_that_hardly_differ_are_not_cut(void **state)
{
    (void)state;
    double times[PAIRS], scratch[PAIRS];
    bool keep[PAIRS];
    for (int i = 0; i < PAIRS; i++) {
        times[i] = 100;
    }
    times[0] = 104.9;
    times[1] = 105.1;
    assert_int_equal(tare_verify_keep(times, 1, PAIRS, keep, scratch), PAIRS - 1);
    assert_true(keep[0]);
    assert_false(keep[1]);
    assert_int_equal(tare_verify_keep(times, 1, 0, keep, scratch), 0);
}

static void a_summary_is_medians_and_counts(void **state)
{
    (void)state;
    struct tare_verify_case cases[5];
    double scratch[5];
    static const double errors[] = {0.5, -3, 0.1, 0.2, 9};
    for (int i = 0; i < 5; i++) {
        cases[i] = (struct tare_verify_case){.pairs = 20,
                                             .truth_ns = 10 + i,
                                             .raw_ns = 30 + i,
                                             .net_ns = 10 + i + errors[i],
                                             .error_ns = errors[i],
                                             .half_ns = 1,
                                             .part_ns = {[TARE_ERROR_DRIFT] = (double)i},
                                             .covered = fabs(errors[i]) <= 1};
    }
    struct tare_verify_summary summary = tare_verify_summarise(cases, 5, scratch);
    assert_int_equal(summary.cases, 5);
    assert_int_equal(summary.covered, 3);
    assert_int_equal(summary.pairs, 100);
    assert_near(summary.truth_ns, 12, 0);
    assert_near(summary.raw_ns, 32, 0);
    assert_near(summary.error_ns, 0.2, 0);
    assert_near(summary.half_ns, 1, 0);
    assert_near(summary.part_ns[TARE_ERROR_DRIFT], 2, 0);
    cases[2].error_ns = NAN;
    assert_true(isnan(tare_verify_summarise(cases, 5, scratch).error_ns));
    assert_true(isnan(tare_verify_summarise(cases, 0, scratch).truth_ns));
}

static void nine_in_ten_hold(void **state)
{
    (void)state;
    assert_true(tare_verify_holds(90, 100));
    assert_false(tare_verify_holds(89, 100));
    assert_true(tare_verify_holds(1, 1));
    assert_false(tare_verify_holds(0, 0));
}

static void a_claim_is_kept_by_every_error(void **state)
{
    (void)state;
    static const double truths[] = {2, 5, 20, 33, 34, 500, 100000};
    static const double errors[] = {-9, 0.4, -0.8, 0.1, 0.9, -5, 1000};
    struct tare_verify_bound bound = tare_verify_bound(truths, errors, 7, 5, 1 / 0.03);
    assert_int_equal(bound.count, 6); /* the first is below 5 ns */
    assert_near(bound.absolute_ns, 0.8, 0);
    assert_near(bound.relative, 0.9 / 34, 1e-15);
    for (int i = 1; i < 7; i++) {
        assert_true(fabs(errors[i]) <= fmax(bound.absolute_ns, bound.relative * truths[i]));
    }
    bound = tare_verify_bound(truths, errors, 4, 5, 1 / 0.03);
    assert_true(isnan(bound.relative));
    bound = tare_verify_bound(truths + 4, errors + 4, 3, 5, 1 / 0.03);
    assert_true(isnan(bound.absolute_ns));
    bound = tare_verify_bound(truths, errors, 0, 5, 1 / 0.03);
    assert_true(isnan(bound.absolute_ns) && isnan(bound.relative));
    static const double unknown[] = {0.1, NAN};
    bound = tare_verify_bound(truths + 1, unknown, 2, 5, 1 / 0.03);
    assert_true(isnan(bound.absolute_ns) && isnan(bound.relative));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_right_model_is_covered),
        cmocka_unit_test(a_wrong_model_is_found_out),
        cmocka_unit_test(what_is_unknown_is_not_covered),
        cmocka_unit_test(pairs_that_were_dropped_do_not_count),
        cmocka_unit_test(sampling_errors_cover),
        cmocka_unit_test(disturbed_pairs_are_dropped_for_both_sides),
        cmocka_unit_test(times_that_hardly_differ_are_not_cut),
        cmocka_unit_test(a_summary_is_medians_and_counts),
        cmocka_unit_test(nine_in_ten_hold),
        cmocka_unit_test(a_claim_is_kept_by_every_error),
    };
    return cmocka_run_group_tests_name("verify", tests, NULL, NULL);
}
