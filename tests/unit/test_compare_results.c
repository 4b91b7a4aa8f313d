/* SPDX-License-Identifier: MIT */
/*
 * result/compare.h: which rows two results make, how each is judged, and what a control and a failure do to it.
 * The claim on timers, that chance makes no more verdicts than it may, is simulated.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "result/compare.h"
#include "stats/blocks.h"
#include "stats/distribution.h"
#include "stats/random.h"
#include "tests/unit/near.h"
#include "tests/unit/sample_result.h"

static const struct tare_compared_options usual = {
    .rule = {.alpha = 0.002, .comparisons = 1, .margin = 0.01, .control_alpha = 0.01}};

static struct tare_result *new_result(const char *kind)
{
    struct tare_result *result = tare_result_new();
    assert_non_null(result);
    result->kind = sample_string(kind);
    if (strcmp(kind, "bench") == 0) {
        result->bench = tare_result_bench_new();
        assert_non_null(result->bench);
    }
    return result;
}

/* Values that scatter by some 0.1 % around `ns`, the same for each `seed`. */
static void add_values(struct tare_result_arm *arm, double ns, size_t count, uint64_t seed)
{
    struct tare_random random;
    tare_random_seed(&random, seed);
    for (size_t i = 0; i < count; i++) {
        double value = ns * (1 + 0.001 * tare_random_normal(&random));
        assert_int_equal(tare_result_add_value(arm, value, (uint32_t)i + 1), 0);
    }
}

static struct tare_result_benchmark *add_benchmark(struct tare_result *result, const char *name, double ns,
                                                   uint64_t seed)
{
    struct tare_result_benchmark *benchmark = tare_result_add_benchmark(result->bench, name);
    assert_non_null(benchmark);
    struct tare_result_arm *arm = tare_result_add_arm(benchmark, "A", "./program");
    assert_non_null(arm);
    add_values(arm, ns, ns > 0 ? 40 : 0, seed);
    return benchmark;
}

static struct tare_result_figures *add_timer(struct tare_result *result, const char *name, double net_ns,
                                             double half_ns)
{
    struct tare_result_timer *timer = tare_result_add_timer(result, "m", name);
    assert_non_null(timer);
    struct tare_result_figures *figures = &timer->figures;
    figures->calls = figures->outermost_calls = 1000;
    figures->net_avg_ns = net_ns;
    figures->net_avg_error_ns = half_ns;
    figures->net_avg_limit_ns = half_ns;
    for (int part = 0; part < TARE_ERROR_PARTS; part++) {
        figures->net_avg_error_part_ns[part] = 0;
    }
    figures->net_avg_error_part_ns[TARE_ERROR_SAMPLING] = half_ns / 2;
    return figures;
}

static struct tare_compared *compared_with(const struct tare_result *old, const struct tare_result *new,
                                           const struct tare_result *control,
                                           const struct tare_compared_options *options)
{
    struct tare_compared *compared = NULL;
    assert_int_equal(tare_results_compare(old, &new, 1, control, options, &compared), 0);
    assert_non_null(compared);
    return compared;
}

static const struct tare_compared_row *row_of(const struct tare_compared *compared, const char *name)
{
    const struct tare_compared_section *section = &compared->sections[0];
    for (size_t i = 0; i < section->row_count; i++) {
        if (strcmp(section->rows[i].name, name) == 0) {
            return &section->rows[i];
        }
    }
    fail_msg("no row '%s'", name);
    return NULL;
}

static void assert_verdict(const struct tare_compared_row *row, enum tare_verdict verdict)
{
    if (row->comparison.verdict != verdict) {
        fail_msg("%s: %s instead of %s (%g, %g to %g)", row->name, tare_verdict_names[row->comparison.verdict],
                 tare_verdict_names[verdict], row->comparison.ratio, row->comparison.low, row->comparison.high);
    }
}

/* Matching */

static void rows_stand_in_the_order_of_the_old_result(void **state)
{
    (void)state;
    struct tare_result *old = new_result("bench"), *new = new_result("bench");
    const char *const in_old[] = {"z", "gone", "a"}, *const in_new[] = {"first", "a", "z", "last"};
    const char *const expected[] = {"z", "gone", "a", "first", "last"};
    for (size_t i = 0; i < COUNT(in_old); i++) {
        add_benchmark(old, in_old[i], 100, i);
    }
    for (size_t i = 0; i < COUNT(in_new); i++) {
        add_benchmark(new, in_new[i], 100, 10 + i);
    }
    struct tare_compared *compared = compared_with(old, new, NULL, &usual);
    const struct tare_compared_section *section = &compared->sections[0];
    assert_int_equal(section->row_count, COUNT(expected));
    for (size_t i = 0; i < COUNT(expected); i++) {
        assert_string_equal(section->rows[i].name, expected[i]);
        assert_null(section->rows[i].module);
    }
    assert_int_equal(section->rows[1].presence, TARE_COMPARED_REMOVED);
    assert_int_equal(section->rows[3].presence, TARE_COMPARED_ADDED);
    assert_int_equal(section->matched, 2);
    assert_int_equal(section->removed, 1);
    assert_int_equal(section->added, 2);
    assert_false(section->rows[1].new.there);
    assert_true(isnan(section->rows[1].comparison.ratio));
    /* Bonferroni counts what is judged. */
    assert_int_equal(compared->rule.comparisons, 2);
    assert_near(compared->confidence, 0.999, 1e-12);
    tare_compared_free(compared);
    tare_result_free(old);
    tare_result_free(new);
}

static void set_argument(struct tare_result_benchmark *benchmark, double argument)
{
    benchmark->args = malloc(sizeof *benchmark->args);
    assert_non_null(benchmark->args);
    benchmark->args[0] = argument;
    benchmark->arg_count = 1;
}

static void other_arguments_are_no_match(void **state)
{
    (void)state;
    struct tare_result *old = new_result("bench"), *new = new_result("bench");
    set_argument(add_benchmark(old, "write", 100, 1), 64);
    set_argument(add_benchmark(new, "write", 100, 2), 65);
    add_benchmark(old, "lock", 100, 3)->threads = 2;
    add_benchmark(new, "lock", 100, 4)->threads = 4;
    set_argument(add_benchmark(old, "read", 100, 5), 64);
    set_argument(add_benchmark(new, "read", 100, 6), 64);
    struct tare_compared *compared = compared_with(old, new, NULL, &usual);
    const struct tare_compared_section *section = &compared->sections[0];
    assert_int_equal(section->row_count, 5);
    assert_int_equal(section->matched, 1);
    for (size_t i = 0; i < section->row_count; i++) {
        const struct tare_compared_row *row = &section->rows[i];
        bool read = strcmp(row->name, "read") == 0;
        assert_true(read == (row->presence == TARE_COMPARED_BOTH));
        assert_true(read == (row->why == NULL));
        assert_true(read || strstr(row->why, "other arguments") != NULL);
    }
    tare_compared_free(compared);
    tare_result_free(old);
    tare_result_free(new);
}

static bool begins_with(void *data, const char *module, const char *name, const char *bench)
{
    (void)module;
    (void)bench;
    return strncmp(name, data, strlen(data)) == 0;
}

static void what_is_not_wanted_does_not_count(void **state)
{
    (void)state;
    struct tare_result *old = new_result("bench"), *new = new_result("bench");
    const char *const names[] = {"ring_write", "ring_read", "pool"};
    for (size_t i = 0; i < COUNT(names); i++) {
        add_benchmark(old, names[i], 100, i);
        add_benchmark(new, names[i], 100, 10 + i);
    }
    struct tare_compared_options options = usual;
    options.wanted = begins_with;
    options.data = (void *)"ring";
    struct tare_compared *compared = compared_with(old, new, NULL, &options);
    assert_int_equal(compared->sections[0].row_count, 2);
    assert_int_equal(compared->rule.comparisons, 2);
    tare_compared_free(compared);
    tare_result_free(old);
    tare_result_free(new);
}

static void names_that_occur_twice_are_matched_once(void **state)
{
    (void)state;
    struct tare_result *old = new_result("bench"), *new = new_result("bench");
    add_benchmark(old, "a", 100, 1);
    add_benchmark(new, "a", 100, 2);
    add_benchmark(new, "a", 200, 3);
    struct tare_compared *compared = compared_with(old, new, NULL, &usual);
    assert_int_equal(compared->sections[0].matched, 1);
    assert_int_equal(compared->sections[0].added, 1);
    tare_compared_free(compared);
    tare_result_free(old);
    tare_result_free(new);
}

static void kinds_that_differ_are_refused(void **state)
{
    (void)state;
    struct tare_result *bench = new_result("bench"), *run = new_result("run"), *other = new_result("weather");
    struct tare_compared *compared = NULL;
    const struct tare_result *news[] = {run, other};
    assert_int_equal(tare_compared_kind_of(bench), TARE_COMPARED_BENCHMARKS);
    assert_int_equal(tare_compared_kind_of(run), TARE_COMPARED_TIMERS);
    assert_int_equal(tare_compared_kind_of(other), TARE_COMPARED_NOTHING);
    assert_int_equal(tare_results_compare(bench, &news[0], 1, NULL, &usual, &compared), -EINVAL);
    assert_int_equal(tare_results_compare(other, &news[1], 1, NULL, &usual, &compared), -EINVAL);
    const struct tare_result *same = run;
    assert_int_equal(tare_results_compare(run, &same, 1, bench, &usual, &compared), -EINVAL);
    struct tare_compared_options bad = usual;
    bad.rule.alpha = 0;
    assert_int_equal(tare_results_compare(run, &same, 1, NULL, &bad, &compared), -EINVAL);
    assert_null(compared);
    tare_result_free(bench);
    tare_result_free(run);
    tare_result_free(other);
}

/* Benchmarks */

static void benchmarks_are_judged_by_their_values(void **state)
{
    (void)state;
    struct tare_result *old = new_result("bench"), *new = new_result("bench");
    add_benchmark(old, "slower", 100, 1);
    add_benchmark(new, "slower", 105, 2);
    add_benchmark(old, "faster", 100, 3);
    add_benchmark(new, "faster", 90, 4);
    add_benchmark(old, "same", 100, 5);
    add_benchmark(new, "same", 100, 5);
    struct tare_compared *compared = compared_with(old, new, NULL, &usual);
    const struct tare_compared_section *section = &compared->sections[0];
    const struct tare_compared_row *row = row_of(compared, "slower");
    assert_verdict(row, TARE_VERDICT_SLOWER);
    assert_true(tare_compared_beyond(row));
    assert_near(row->comparison.ratio, 1.05, 0.005);
    assert_true(row->comparison.low > 1.03 && row->comparison.high < 1.07);
    assert_near(row->difference_ns, 5, 0.5);
    assert_int_equal(row->old.count, 40);
    assert_true(row->old.low_ns < row->old.ns && row->old.ns < row->old.high_ns);
    assert_verdict(row_of(compared, "faster"), TARE_VERDICT_FASTER);
    assert_verdict(row_of(compared, "same"), TARE_VERDICT_SAME);
    assert_int_equal(section->verdicts[TARE_VERDICT_SLOWER], 1);
    assert_int_equal(section->slower_beyond, 1);
    assert_int_equal(section->faster_beyond, 1);
    assert_int_equal(section->failed, 0);
    tare_compared_free(compared);
    tare_result_free(old);
    tare_result_free(new);
}

static void dropped_values_do_not_count(void **state)
{
    (void)state;
    struct tare_result *old = new_result("bench"), *new = new_result("bench");
    add_benchmark(old, "a", 100, 1);
    struct tare_result_arm *arm = add_benchmark(new, "a", 100, 1)->arms;
    for (size_t i = 0; i < arm->value_count; i += 2) {
        arm->values_ns[i] = 1000;
        arm->dropped[i] = true;
    }
    struct tare_compared *compared = compared_with(old, new, NULL, &usual);
    const struct tare_compared_row *row = row_of(compared, "a");
    assert_int_equal(row->new.count, 20);
    assert_int_equal(row->new.dropped, 20);
    assert_near(row->new.ns, 100, 1);
    assert_near(row->comparison.ratio, 1, 0.01);
    tare_compared_free(compared);
    tare_result_free(old);
    tare_result_free(new);
}

static void what_has_no_figures_is_unresolved_and_says_why(void **state)
{
    (void)state;
    struct tare_result *old = new_result("bench"), *new = new_result("bench");
    add_benchmark(old, "empty", 100, 1);
    add_benchmark(new, "empty", 0, 2);
    add_benchmark(old, "failed", 100, 3);
    add_benchmark(new, "failed", 50, 4)->arms[0].failure = sample_string("tare_require(x == 3)");
    add_benchmark(old, "few", 100, 5);
    struct tare_result_benchmark *few = add_benchmark(new, "few", 0, 6);
    add_values(&few->arms[0], 200, 3, 7);
    add_benchmark(old, "negative", 100, 8);
    add_benchmark(new, "negative", 100, 9)->arms[0].values_ns[0] = -1;
    struct tare_compared *compared = compared_with(old, new, NULL, &usual);
    const struct tare_compared_section *section = &compared->sections[0];
    assert_int_equal(section->verdicts[TARE_VERDICT_UNRESOLVED], 4);
    assert_int_equal(section->failed, 1);
    assert_string_equal(row_of(compared, "empty")->why, "the new result has no values");
    assert_string_equal(row_of(compared, "failed")->why, "failed in the new result");
    assert_string_equal(row_of(compared, "failed")->failure, "tare_require(x == 3)");
    assert_true(isnan(row_of(compared, "failed")->comparison.ratio));
    assert_string_equal(row_of(compared, "few")->why, "too few processes for an interval");
    assert_string_equal(row_of(compared, "negative")->why, "a time is not above 0, so there is no ratio");
    assert_int_equal(compared->rule.comparisons, 2);
    tare_compared_free(compared);
    tare_result_free(old);
    tare_result_free(new);
}

static void an_arm_can_be_chosen(void **state)
{
    (void)state;
    struct tare_result *old = new_result("bench"), *new = new_result("bench");
    struct tare_result_benchmark *benchmark = add_benchmark(old, "a", 100, 1);
    add_values(tare_result_add_arm(benchmark, "B", "./b"), 200, 40, 2);
    benchmark = add_benchmark(new, "a", 100, 3);
    add_values(tare_result_add_arm(benchmark, "B", "./b"), 220, 40, 4);
    add_benchmark(old, "one arm", 100, 5);
    add_benchmark(new, "one arm", 100, 6);
    struct tare_compared_options options = usual;
    options.arm = "B";
    struct tare_compared *compared = compared_with(old, new, NULL, &options);
    assert_near(row_of(compared, "a")->comparison.ratio, 1.1, 0.01);
    assert_string_equal(row_of(compared, "one arm")->why, "the old result has no such arm");
    assert_verdict(row_of(compared, "one arm"), TARE_VERDICT_UNRESOLVED);
    tare_compared_free(compared);
    tare_result_free(old);
    tare_result_free(new);
}

static void a_control_that_differs_leaves_nothing_resolved(void **state)
{
    (void)state;
    struct tare_result *old = new_result("bench"), *new = new_result("bench"), *control = new_result("bench");
    const char *const names[] = {"steady", "moving", "missing", "short"};
    for (size_t i = 0; i < COUNT(names); i++) {
        add_benchmark(old, names[i], 100, i);
        add_benchmark(new, names[i], 120, 10 + i);
    }
    add_benchmark(control, "steady", 100, 20);
    add_benchmark(control, "moving", 110, 21);
    add_values(&add_benchmark(control, "short", 0, 22)->arms[0], 100, 2, 23);
    struct tare_compared *compared = compared_with(old, new, control, &usual);
    assert_true(compared->controlled);
    const struct tare_compared_row *row = row_of(compared, "steady");
    assert_verdict(row, TARE_VERDICT_SLOWER);
    assert_null(row->why);
    assert_true(row->comparison.control_low <= 1 && row->comparison.control_high >= 1);
    row = row_of(compared, "moving");
    assert_verdict(row, TARE_VERDICT_UNRESOLVED);
    assert_true(row->comparison.control_differs);
    assert_near(row->comparison.control_ratio, 1.1, 0.01);
    assert_near(row->comparison.ratio, 1.2, 0.01);
    assert_string_equal(row->why, "the old code differs from itself in the control");
    for (size_t i = 2; i < 4; i++) {
        row = row_of(compared, names[i]);
        assert_verdict(row, TARE_VERDICT_UNRESOLVED);
        assert_false(row->comparison.control_differs);
        assert_string_equal(row->why, "the control says nothing of it");
    }
    tare_compared_free(compared);
    tare_result_free(old);
    tare_result_free(new);
    tare_result_free(control);
}

static void every_new_result_is_compared_and_shares_alpha(void **state)
{
    (void)state;
    struct tare_result *old = new_result("bench"), *first = new_result("bench"), *second = new_result("bench");
    add_benchmark(old, "a", 100, 1);
    add_benchmark(first, "a", 100, 1);
    add_benchmark(second, "a", 130, 3);
    const struct tare_result *news[] = {first, second};
    struct tare_compared *compared = NULL;
    assert_int_equal(tare_results_compare(old, news, 2, NULL, &usual, &compared), 0);
    assert_int_equal(compared->section_count, 2);
    assert_int_equal(compared->rule.comparisons, 2);
    assert_verdict(&compared->sections[0].rows[0], TARE_VERDICT_SAME);
    assert_verdict(&compared->sections[1].rows[0], TARE_VERDICT_SLOWER);
    assert_ptr_equal(compared->sections[1].result, second);
    tare_compared_free(compared);
    tare_result_free(old);
    tare_result_free(first);
    tare_result_free(second);
}

/* Timers */

static void timers_are_judged_by_their_errors(void **state)
{
    (void)state;
    struct tare_result *old = new_result("run"), *new = new_result("attach");
    add_timer(old, "slower", 100, 0.5);
    add_timer(new, "slower", 104, 0.5);
    add_timer(old, "faster", 100, 0.5);
    add_timer(new, "faster", 96, 0.5);
    add_timer(old, "same", 100, 0.1);
    add_timer(new, "same", 100.05, 0.1);
    add_timer(old, "open", 100, 5);
    add_timer(new, "open", 104, 5);
    struct tare_compared *compared = compared_with(old, new, NULL, &usual);
    const struct tare_compared_row *row = row_of(compared, "slower");
    assert_string_equal(row->module, "m");
    assert_verdict(row, TARE_VERDICT_SLOWER);
    assert_near(row->comparison.ratio, 1.04, 1e-12);
    assert_true(row->difference_low_ns > 2 && row->difference_high_ns < 6);
    assert_verdict(row_of(compared, "faster"), TARE_VERDICT_FASTER);
    assert_verdict(row_of(compared, "same"), TARE_VERDICT_SAME);
    row = row_of(compared, "open");
    assert_verdict(row, TARE_VERDICT_UNRESOLVED);
    assert_null(row->why);
    /* A change of that size is larger than half the interval, and one that is seen most of the time. */
    assert_true(row->comparison.smallest > (row->comparison.high - row->comparison.low) / 2.2);
    assert_true(row->comparison.smallest < row->comparison.high - row->comparison.low);
    tare_compared_free(compared);
    tare_result_free(old);
    tare_result_free(new);
}

static void a_known_error_makes_a_normal_interval(void **state)
{
    (void)state;
    struct tare_result *old = new_result("run"), *new = new_result("run");
    add_timer(old, "t", 100, 3)->net_avg_error_part_ns[TARE_ERROR_SAMPLING] = 0;
    add_timer(new, "t", 101, 4)->net_avg_error_part_ns[TARE_ERROR_SAMPLING] = 0;
    struct tare_compared *compared = compared_with(old, new, NULL, &usual);
    const struct tare_compared_row *row = row_of(compared, "t");
    double half = tare_normal_quantile(0.999) / tare_normal_quantile(0.975) * 5;
    assert_near(row->difference_low_ns, 1 - half, 1e-9);
    assert_near(row->difference_high_ns, 1 + half, 1e-9);
    assert_near(row->comparison.smallest,
                (half + tare_normal_quantile(0.8) / tare_normal_quantile(0.975) * 5) / 100, 1e-9);
    /* Both ends are where new - r old cannot be told from 0 any more. */
    const double ends[] = {row->comparison.low, row->comparison.high};
    for (size_t i = 0; i < 2; i++) {
        double off = fabs(101 - ends[i] * 100), width = half / 5 * hypot(4, ends[i] * 3);
        assert_near(off, width, 1e-9);
    }
    tare_compared_free(compared);
    tare_result_free(old);
    tare_result_free(new);
}

static void timers_share_alpha(void **state)
{
    (void)state;
    struct tare_result *old = new_result("run"), *new = new_result("run");
    const char *const names[] = {"a", "b", "c", "d"};
    for (size_t i = 0; i < COUNT(names); i++) {
        add_timer(old, names[i], 100, 1)->net_avg_error_part_ns[TARE_ERROR_SAMPLING] = 0;
        add_timer(new, names[i], 101, 1)->net_avg_error_part_ns[TARE_ERROR_SAMPLING] = 0;
    }
    struct tare_compared *compared = compared_with(old, new, NULL, &usual);
    double half = tare_normal_quantile(1 - 0.001 / 4) / tare_normal_quantile(0.975) * sqrt(2);
    assert_int_equal(compared->rule.comparisons, 4);
    assert_near(row_of(compared, "c")->difference_high_ns, 1 + half, 1e-9);
    tare_compared_free(compared);
    tare_result_free(old);
    tare_result_free(new);
}

static void a_ratio_and_a_difference_say_the_same(void **state)
{
    (void)state;
    struct tare_random random;
    tare_random_seed(&random, 7);
    for (int i = 0; i < 2000; i++) {
        struct tare_result *old = new_result("run"), *new = new_result("run");
        double scale = exp(3 * tare_random_normal(&random));
        double a = 10 * scale, b = a * (1 + 0.1 * tare_random_normal(&random));
        add_timer(old, "t", a, 0.5 * scale * tare_random_uniform(&random));
        add_timer(new, "t", b, 0.5 * scale * tare_random_uniform(&random));
        struct tare_compared *compared = compared_with(old, new, NULL, &usual);
        const struct tare_compared_row *row = row_of(compared, "t");
        bool by_ratio = row->comparison.low > 1 || row->comparison.high < 1;
        bool by_difference = row->difference_low_ns > 0 || row->difference_high_ns < 0;
        assert_true(by_ratio == by_difference);
        assert_true(by_ratio == (row->comparison.verdict == TARE_VERDICT_SLOWER ||
                                 row->comparison.verdict == TARE_VERDICT_FASTER));
        tare_compared_free(compared);
        tare_result_free(old);
        tare_result_free(new);
    }
}

static void below_the_limit_on_both_sides_nothing_is_resolved(void **state)
{
    (void)state;
    struct tare_result *old = new_result("run"), *new = new_result("run");
    /* Net times that cannot be told from 0, and of which the errors are smaller than their distance all the
     * same. */
    add_timer(old, "t", -4, 0.01)->net_avg_limit_ns = 10;
    add_timer(new, "t", 4, 0.01)->net_avg_limit_ns = 10;
    struct tare_compared *compared = compared_with(old, new, NULL, &usual);
    const struct tare_compared_row *row = row_of(compared, "t");
    assert_verdict(row, TARE_VERDICT_UNRESOLVED);
    assert_true(row->old.below_limit && row->new.below_limit);
    assert_string_equal(row->why, "below the detection limit in both results");
    assert_true(isnan(row->comparison.ratio));
    tare_compared_free(compared);
    tare_result_free(old);
    tare_result_free(new);
}

static void a_change_from_or_to_nothing_has_a_bound(void **state)
{
    (void)state;
    struct tare_result *old = new_result("run"), *new = new_result("run");
    add_timer(old, "grown", 0.2, 1);
    add_timer(new, "grown", 100, 1);
    add_timer(old, "gone", 100, 1);
    add_timer(new, "gone", -0.2, 1);
    add_timer(old, "hardly", 0.2, 1);
    add_timer(new, "hardly", 1.1, 1);
    struct tare_compared *compared = compared_with(old, new, NULL, &usual);
    const struct tare_compared_row *row = row_of(compared, "grown");
    assert_verdict(row, TARE_VERDICT_SLOWER);
    assert_true(isnan(row->comparison.ratio) && isnan(row->comparison.high));
    assert_true(row->comparison.low > 10 && row->comparison.low < 100);
    assert_true(row->difference_low_ns > 95);
    assert_true(tare_compared_beyond(row));
    row = row_of(compared, "gone");
    assert_verdict(row, TARE_VERDICT_FASTER);
    assert_true(row->comparison.high > 0 && row->comparison.high < 0.05);
    assert_verdict(row_of(compared, "hardly"), TARE_VERDICT_UNRESOLVED);
    tare_compared_sort(compared, TARE_COMPARED_BY_EFFECT);
    assert_string_equal(compared->sections[0].rows[2].name, "hardly");
    tare_compared_free(compared);
    tare_result_free(old);
    tare_result_free(new);
}

static void what_is_not_known_of_a_timer_is_no_verdict(void **state)
{
    (void)state;
    struct tare_result *old = new_result("run"), *new = new_result("run");
    add_timer(old, "unsampled", 100, 0.1);
    add_timer(new, "unsampled", 200, 0.1)->net_avg_error_part_ns[TARE_ERROR_SAMPLING] = NAN;
    add_timer(old, "negative", -50, 0.1);
    add_timer(new, "negative", 200, 0.1);
    add_timer(old, "unknown", NAN, NAN);
    add_timer(new, "unknown", 200, 0.1);
    struct tare_result_figures *figures = add_timer(old, "idle", NAN, NAN);
    figures->calls = figures->outermost_calls = 0;
    add_timer(new, "idle", 200, 0.1);
    figures = add_timer(old, "never", NAN, NAN);
    figures->calls = figures->outermost_calls = 0;
    figures = add_timer(new, "never", NAN, NAN);
    figures->calls = figures->outermost_calls = 0;
    add_timer(old, "huge", 100, 1e300);
    add_timer(new, "huge", 200, 1e300);
    struct tare_compared *compared = compared_with(old, new, NULL, &usual);
    const struct tare_compared_section *section = &compared->sections[0];
    assert_int_equal(section->row_count, 5);
    assert_int_equal(section->verdicts[TARE_VERDICT_UNRESOLVED], 5);
    assert_non_null(strstr(row_of(compared, "unsampled")->why, "sampling error is unknown in the new result"));
    assert_near(row_of(compared, "unsampled")->comparison.ratio, 2, 1e-12);
    assert_non_null(strstr(row_of(compared, "negative")->why, "below 0"));
    assert_string_equal(row_of(compared, "unknown")->why, "the net time is unknown in the old result");
    assert_string_equal(row_of(compared, "idle")->why, "not called in the old run");
    assert_verdict(row_of(compared, "huge"), TARE_VERDICT_UNRESOLVED);
    tare_compared_free(compared);
    tare_result_free(old);
    tare_result_free(new);
}

static void percentiles_and_calls_come_along(void **state)
{
    (void)state;
    struct tare_result *old = new_result("run"), *new = new_result("run");
    add_timer(old, "t", 100, 1)->net_p99_ns = 300;
    struct tare_result_figures *figures = add_timer(new, "t", 100, 1);
    figures->net_p99_ns = 400;
    figures->calls = 2000;
    struct tare_compared *compared = compared_with(old, new, NULL, &usual);
    const struct tare_compared_row *row = row_of(compared, "t");
    assert_string_equal(tare_compared_percentiles[3], "p99");
    assert_near(row->old.percentile_ns[3], 300, 0);
    assert_near(row->new.percentile_ns[3], 400, 0);
    assert_int_equal(row->old.count, 1000);
    assert_int_equal(row->new.count, 2000);
    tare_compared_free(compared);
    tare_result_free(old);
    tare_result_free(new);
}

/* The mean of `blocks` values around `truth`, with its error as stats/blocks.c makes it of independent blocks.
 */
static void sample(struct tare_result_figures *figures, struct tare_random *random, double truth, double sd,
                   size_t blocks)
{
    double sum = 0, squares = 0;
    for (size_t i = 0; i < blocks; i++) {
        double value = truth + sd * tare_random_normal(random);
        sum += value;
        squares += value * value;
    }
    double n = (double)blocks, mean = sum / n;
    double standard_error = sqrt((squares - n * mean * mean) / (n - 1) / n);
    figures->net_avg_ns = mean;
    figures->net_avg_error_ns = standard_error * tare_student_quantile(0.975, n - 1);
    figures->net_avg_error_part_ns[TARE_ERROR_SAMPLING] = figures->net_avg_error_ns;
    figures->net_avg_limit_ns = 0;
}

static double verdicts_by_chance(double alpha, size_t old_blocks, size_t new_blocks, double new_sd, int trials,
                                 double truth)
{
    struct tare_compared_options options = usual;
    struct tare_result *old = new_result("run"), *new = new_result("run");
    struct tare_result_figures *a = add_timer(old, "t", 0, 0), *b = add_timer(new, "t", 0, 0);
    struct tare_random random;
    int verdicts = 0;
    tare_random_seed(&random, 1);
    options.rule.alpha = alpha;
    for (int i = 0; i < trials; i++) {
        sample(a, &random, 100, 1, old_blocks);
        sample(b, &random, truth, new_sd, new_blocks);
        struct tare_compared *compared = compared_with(old, new, NULL, &options);
        enum tare_verdict verdict = compared->sections[0].rows[0].comparison.verdict;
        verdicts += verdict == TARE_VERDICT_SLOWER || verdict == TARE_VERDICT_FASTER;
        tare_compared_free(compared);
    }
    tare_result_free(old);
    tare_result_free(new);
    return (double)verdicts / trials;
}

/* Bounds: alpha and four standard deviations of the share that is counted. */
static void chance_makes_no_more_verdicts_than_it_may(void **state)
{
    (void)state;
    static const struct {
        size_t old_blocks, new_blocks;
        double new_sd;
    } cases[] = {{8, 8, 1}, {40, 40, 1}, {8, 40, 1}, {40, 8, 3}, {16, 16, 0.2}};
    static const double alphas[] = {0.05, 0.002};
    for (size_t i = 0; i < COUNT(cases); i++) {
        for (size_t j = 0; j < COUNT(alphas); j++) {
            int trials = j == 0 ? 2000 : 8000;
            double share = verdicts_by_chance(alphas[j], cases[i].old_blocks, cases[i].new_blocks,
                                              cases[i].new_sd, trials, 100);
            double bound = alphas[j] + 4 * sqrt(alphas[j] * (1 - alphas[j]) / trials);
            if (!(share <= bound)) {
                fail_msg("%zu and %zu blocks: %g at alpha %g", cases[i].old_blocks, cases[i].new_blocks, share,
                         alphas[j]);
            }
        }
    }
}

/* And there is power: a difference of 6 standard errors is found more often than not. */
static void a_difference_is_found(void **state)
{
    (void)state;
    double apart = 6 * sqrt(2.0 / 40);
    assert_between(verdicts_by_chance(0.002, 40, 40, 1, 1000, 100 + apart), 0.98, 1);
}

/* Order */

static void rows_are_sorted_by_effect_or_name(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        double ratio;
    } rows[] = {{"b small", 1.05}, {"e same", 1.0001}, {"a large", 0.7}, {"d medium", 1.2}};
    const char *const by_effect[] = {"a large", "d medium", "b small", "e same", "f removed", "c added"};
    const char *const by_name[] = {"a large", "b small", "c added", "d medium", "e same", "f removed"};
    struct tare_result *old = new_result("run"), *new = new_result("run");
    for (size_t i = 0; i < COUNT(rows); i++) {
        add_timer(old, rows[i].name, 100, 0.1);
        add_timer(new, rows[i].name, 100 * rows[i].ratio, 0.1);
    }
    add_timer(old, "f removed", 100, 0.1);
    add_timer(new, "c added", 100, 0.1);
    struct tare_compared *compared = compared_with(old, new, NULL, &usual);
    tare_compared_sort(compared, TARE_COMPARED_BY_EFFECT);
    for (size_t i = 0; i < COUNT(by_effect); i++) {
        assert_string_equal(compared->sections[0].rows[i].name, by_effect[i]);
    }
    tare_compared_sort(compared, TARE_COMPARED_BY_NAME);
    for (size_t i = 0; i < COUNT(by_name); i++) {
        assert_string_equal(compared->sections[0].rows[i].name, by_name[i]);
    }
    tare_compared_free(compared);
    tare_result_free(old);
    tare_result_free(new);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_stand_in_the_order_of_the_old_result),
        cmocka_unit_test(other_arguments_are_no_match),
        cmocka_unit_test(what_is_not_wanted_does_not_count),
        cmocka_unit_test(names_that_occur_twice_are_matched_once),
        cmocka_unit_test(kinds_that_differ_are_refused),
        cmocka_unit_test(benchmarks_are_judged_by_their_values),
        cmocka_unit_test(dropped_values_do_not_count),
        cmocka_unit_test(what_has_no_figures_is_unresolved_and_says_why),
        cmocka_unit_test(an_arm_can_be_chosen),
        cmocka_unit_test(a_control_that_differs_leaves_nothing_resolved),
        cmocka_unit_test(every_new_result_is_compared_and_shares_alpha),
        cmocka_unit_test(timers_are_judged_by_their_errors),
        cmocka_unit_test(a_known_error_makes_a_normal_interval),
        cmocka_unit_test(timers_share_alpha),
        cmocka_unit_test(a_ratio_and_a_difference_say_the_same),
        cmocka_unit_test(below_the_limit_on_both_sides_nothing_is_resolved),
        cmocka_unit_test(a_change_from_or_to_nothing_has_a_bound),
        cmocka_unit_test(what_is_not_known_of_a_timer_is_no_verdict),
        cmocka_unit_test(percentiles_and_calls_come_along),
        cmocka_unit_test(chance_makes_no_more_verdicts_than_it_may),
        cmocka_unit_test(a_difference_is_found),
        cmocka_unit_test(rows_are_sorted_by_effect_or_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
