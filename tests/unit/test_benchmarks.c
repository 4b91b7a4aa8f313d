/* SPDX-License-Identifier: MIT */
/*
 * result/benchmarks.h, and its form on disk: what is written is read back the same, what is unknown stays
 * unknown, and what does not hang together is neither written nor read.
 */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "result/json.h"
#include "tests/unit/comma_locale.h"
#include "tests/unit/sample_result.h"

static char *written(const struct tare_result *result, int expected)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    assert_int_equal(tare_result_write_json(result, out), expected);
    assert_int_equal(fclose(out), 0);
    return text;
}

static struct tare_result *parsed(const char *text)
{
    struct tare_result *result = NULL;
    char message[256] = "";
    int error = tare_result_parse_json(text, strlen(text), &result, message, sizeof message);
    if (error != 0) {
        fail_msg("%d: %s", error, message);
    }
    return result;
}

static void assert_string(const char *found, const char *expected)
{
    assert_int_equal(found == NULL, expected == NULL);
    if (expected != NULL) {
        assert_string_equal(found, expected);
    }
}

/* The same bits, or both unknown. */
static void assert_double(double found, double expected)
{
    if (isnan(expected)) {
        assert_true(isnan(found));
        return;
    }
    assert_memory_equal(&found, &expected, sizeof found);
}

/* Members of two pointers a and b. */
#define SAME(member) assert_true(a->member == b->member)
#define SAME_DOUBLE(member) assert_double(a->member, b->member)
#define SAME_STRING(member) assert_string(a->member, b->member)

static void assert_settings(const struct tare_result_bench_settings *a,
                            const struct tare_result_bench_settings *b)
{
    SAME_DOUBLE(time_s);
    SAME_DOUBLE(margin);
    SAME_DOUBLE(alpha);
    SAME_DOUBLE(control_alpha);
    SAME(comparisons);
    SAME_DOUBLE(block_ns);
    SAME(seed);
    SAME(pin);
}

static void assert_modes(const struct tare_modes *a, const struct tare_modes *b)
{
    SAME_DOUBLE(dip);
    SAME_DOUBLE(p);
    SAME_DOUBLE(grain);
    SAME(more);
    SAME(count);
    for (size_t i = 0; i < a->count; i++) {
        SAME_DOUBLE(mode[i].location);
        SAME_DOUBLE(mode[i].low);
        SAME_DOUBLE(mode[i].high);
        SAME_DOUBLE(mode[i].share);
    }
}

static void assert_summary(const struct tare_summary *a, const struct tare_summary *b)
{
    SAME(n);
    SAME_DOUBLE(median);
    SAME_DOUBLE(median_low);
    SAME_DOUBLE(median_high);
    SAME_DOUBLE(mad);
    SAME_DOUBLE(mean);
    SAME_DOUBLE(sd);
    SAME_DOUBLE(cv);
    SAME_DOUBLE(min);
    SAME_DOUBLE(max);
    SAME_DOUBLE(p50);
    SAME_DOUBLE(p95);
    SAME_DOUBLE(p99);
    for (int class = 0; class < TARE_OUTLIER_CLASSES; class ++) {
        SAME(outliers[class]);
    }
    assert_modes(&a->modes, &b->modes);
}

static void assert_arm(const struct tare_result_arm *a, const struct tare_result_arm *b)
{
    SAME_STRING(label);
    SAME(control);
    SAME_STRING(what);
    SAME_STRING(revision);
    SAME_STRING(failure);
    SAME(exit_code);
    assert_summary(&a->summary, &b->summary);
    SAME(value_count);
    for (size_t i = 0; i < a->value_count; i++) {
        SAME_DOUBLE(values_ns[i]);
        SAME(rounds[i]);
        SAME(dropped[i]);
    }
    SAME_DOUBLE(first_ns);
    SAME(warmup);
    SAME(warmup_settled);
    SAME(iterations);
    SAME(samples);
    SAME_DOUBLE(loop_ns);
    SAME_DOUBLE(start_ns);
    SAME_DOUBLE(bytes_per_op);
    SAME_DOUBLE(items_per_op);
    for (int i = 0; i < TARE_PER_OPS; i++) {
        SAME_DOUBLE(per_op[i]);
    }
    SAME(timer_count);
    for (size_t i = 0; i < a->timer_count; i++) {
        SAME_STRING(timers[i].module);
        SAME_STRING(timers[i].name);
        SAME_DOUBLE(timers[i].calls);
        SAME_DOUBLE(timers[i].net_ns);
        SAME_DOUBLE(timers[i].net_error_ns);
    }
}

static void assert_contamination(const struct tare_result_contamination *a,
                                 const struct tare_result_contamination *b)
{
    SAME(rounds);
    SAME(dropped);
    SAME(rule_suspended);
    SAME_DOUBLE(threshold);
    SAME_DOUBLE(steal_ns);
    SAME_DOUBLE(wait_ns);
    SAME_DOUBLE(measured_ns);
    SAME_DOUBLE(wall_ns);
    SAME(involuntary);
    SAME(migrations);
    SAME_DOUBLE(pressure_ns);
    SAME_DOUBLE(frequency_low_hz);
    SAME_DOUBLE(frequency_high_hz);
    SAME(each_count);
    for (size_t i = 0; i < a->each_count; i++) {
        SAME_DOUBLE(each[i].wall_ns);
        SAME_DOUBLE(each[i].steal_ns);
        SAME_DOUBLE(each[i].wait_ns);
        SAME_DOUBLE(each[i].measured_ns);
        SAME_DOUBLE(each[i].pressure_ns);
        SAME_DOUBLE(each[i].frequency_hz);
        SAME(each[i].involuntary);
        SAME(each[i].migrations);
    }
}

static void assert_comparison(const struct tare_result_comparison *a, const struct tare_result_comparison *b)
{
    SAME(arm);
    SAME(decided_early);
    SAME_STRING(reason);
    SAME(comparison.verdict);
    SAME(comparison.within_margin);
    SAME(comparison.control_differs);
    SAME(comparison.stop);
    SAME(comparison.units);
    SAME_DOUBLE(comparison.ratio);
    SAME_DOUBLE(comparison.low);
    SAME_DOUBLE(comparison.high);
    SAME_DOUBLE(comparison.confidence);
    SAME_DOUBLE(comparison.control_ratio);
    SAME_DOUBLE(comparison.control_low);
    SAME_DOUBLE(comparison.control_high);
    SAME_DOUBLE(comparison.smallest);
    SAME_DOUBLE(comparison.units_needed);
    SAME_DOUBLE(comparison.layouts_needed);
    SAME_DOUBLE(comparison.units_effective);
}

static void assert_benchmark(const struct tare_result_benchmark *a, const struct tare_result_benchmark *b)
{
    SAME_STRING(name);
    SAME_STRING(bench);
    SAME(arg_count);
    for (size_t i = 0; i < a->arg_count; i++) {
        SAME_DOUBLE(args[i]);
    }
    SAME(threads);
    SAME(command);
    SAME_STRING(file);
    SAME(line);
    SAME_DOUBLE(spent_ns);
    SAME(layouts);
    assert_contamination(&a->contamination, &b->contamination);
    SAME(arm_count);
    for (size_t i = 0; i < a->arm_count; i++) {
        assert_arm(&a->arms[i], &b->arms[i]);
    }
    SAME(comparison_count);
    for (size_t i = 0; i < a->comparison_count; i++) {
        assert_comparison(&a->comparisons[i], &b->comparisons[i]);
    }
}

static void assert_growth(const struct tare_result_growth *a, const struct tare_result_growth *b)
{
    SAME_STRING(bench);
    SAME(arm);
    SAME(arg);
    SAME(growth.best);
    SAME(growth.second);
    SAME(growth.clear);
    SAME_DOUBLE(growth.base);
    SAME_DOUBLE(growth.factor);
    SAME_DOUBLE(growth.error);
    SAME_DOUBLE(growth.exponent);
}

static void assert_bench(const struct tare_result_bench *a, const struct tare_result_bench *b)
{
    assert_settings(&a->settings, &b->settings);
    SAME_STRING(ended_by);
    SAME(benchmark_count);
    for (size_t i = 0; i < a->benchmark_count; i++) {
        assert_benchmark(&a->benchmarks[i], &b->benchmarks[i]);
    }
    SAME(growth_count);
    for (size_t i = 0; i < a->growth_count; i++) {
        assert_growth(&a->growths[i], &b->growths[i]);
    }
}

static void round_trip(struct tare_result *result)
{
    char *text = written(result, 0);
    struct tare_result *again = parsed(text);
    assert_non_null(again->bench);
    assert_bench(again->bench, result->bench);
    char *text_again = written(again, 0);
    assert_string_equal(text_again, text);
    free(text_again);
    free(text);
    tare_result_free(again);
    tare_result_free(result);
}

static struct tare_result *empty_result(void)
{
    struct tare_result *result = tare_result_new();
    assert_non_null(result);
    assert_null(result->bench);
    result->kind = sample_string("bench");
    result->bench = tare_result_bench_new();
    assert_non_null(result->bench);
    return result;
}

static void every_figure_comes_back(void **state)
{
    (void)state;
    round_trip(sample_result_bench());
}

static void an_empty_one_comes_back(void **state)
{
    (void)state;
    round_trip(empty_result());
}

static void what_is_unknown_stays_unknown(void **state)
{
    (void)state;
    struct tare_result *result = empty_result();
    struct tare_result_benchmark *benchmark = tare_result_add_benchmark(result->bench, "x");
    assert_non_null(benchmark);
    assert_non_null(tare_result_add_arm(benchmark, "A", "x"));
    struct tare_result_arm *b = tare_result_add_arm(benchmark, "B", "y");
    assert_non_null(b);
    assert_non_null(tare_result_add_inner_timer(b, "m", "t"));
    b->summary.modes.count = 1;
    b->summary.modes.mode[0] = (struct tare_mode){.location = NAN, .low = NAN, .high = NAN, .share = NAN};
    assert_non_null(tare_result_add_comparison(benchmark, 1));
    double arg = 1;
    assert_int_equal(tare_result_set_args(benchmark, &arg, 1), 0);
    benchmark->bench = sample_string("x");
    assert_non_null(tare_result_add_growth(result->bench, "x"));
    char *text = written(result, 0);
    static const char *const nulls[] = {
        "\"median_ns\": null", "\"ratio\": null",     "\"syscalls\": null",       "\"involuntary\": null",
        "\"warmup\": null",    "\"pin\": null",       "\"units_needed\": null",   "\"layouts_needed\": null",
        "\"exit_code\": null", "\"factor_ns\": null", "\"warmup_settled\": null", "\"each_round\": null",
        "\"ended_by\": null"};
    for (size_t i = 0; i < sizeof nulls / sizeof nulls[0]; i++) {
        if (strstr(text, nulls[i]) == NULL) {
            fail_msg("no %s in %s", nulls[i], text);
        }
    }
    free(text);
    round_trip(result);
}

static void arrays_grow(void **state)
{
    (void)state;
    struct tare_result *result = empty_result();
    for (int i = 0; i < 100; i++) {
        char name[16];
        snprintf(name, sizeof name, "b%d", i);
        struct tare_result_benchmark *benchmark = tare_result_add_benchmark(result->bench, name);
        assert_non_null(benchmark);
        struct tare_result_arm *arm = tare_result_add_arm(benchmark, "A", "./a");
        assert_non_null(arm);
        for (int j = 0; j < i; j++) {
            assert_int_equal(tare_result_add_value(arm, j - 0.5, (uint32_t)j + 1), 0);
            assert_non_null(tare_result_add_inner_timer(arm, "m", name));
        }
        arm->summary.n = (size_t)i;
    }
    assert_string_equal(tare_result_find_benchmark(result->bench, "b77")->name, "b77");
    assert_null(tare_result_find_benchmark(result->bench, "b100"));
    assert_null(tare_result_find_benchmark(NULL, "b1"));
    round_trip(result);
}

static void arguments_can_be_replaced(void **state)
{
    (void)state;
    static const double two[] = {1, 2};
    struct tare_result_bench *bench = tare_result_bench_new();
    assert_non_null(bench);
    struct tare_result_benchmark *benchmark = tare_result_add_benchmark(bench, "x");
    assert_non_null(benchmark);
    assert_int_equal(tare_result_set_args(benchmark, two, 2), 0);
    assert_int_equal(benchmark->arg_count, 2);
    assert_int_equal(tare_result_set_args(benchmark, NULL, 0), 0);
    assert_int_equal(benchmark->arg_count, 0);
    tare_result_bench_free(bench);
    tare_result_bench_free(NULL);
}

static void numbers_have_a_point_in_every_locale(void **state)
{
    (void)state;
    if (!comma_locale_begin()) {
        skip();
    }
    struct tare_result *result = sample_result_bench();
    char *text = written(result, 0);
    comma_locale_end();
    assert_non_null(strstr(text, "0.27"));
    tare_result_free(parsed(text));
    free(text);
    tare_result_free(result);
}

static void every_count_has_a_name(void **state)
{
    (void)state;
    for (int i = 0; i < TARE_PER_OPS; i++) {
        assert_non_null(tare_per_op_names[i]);
        for (int j = 0; j < i; j++) {
            assert_string_not_equal(tare_per_op_names[i], tare_per_op_names[j]);
        }
    }
}

/* Changes the full sample so that it does not hang together any more. */
struct spoiled {
    void (*spoil)(struct tare_result_bench *bench);
    int error;
    const char *message; /* of tare_result_bench_check(); NULL: it passes, the writer is to refuse */
};

#define SPOIL(name, statement)                                                                                 \
    static void name(struct tare_result_bench *bench)                                                          \
    {                                                                                                          \
        struct tare_result_benchmark *first = &bench->benchmarks[0];                                           \
        struct tare_result_arm *arm = &first->arms[1];                                                         \
        struct tare_comparison *comparison = &first->comparisons[0].comparison;                                \
        (void)arm;                                                                                             \
        (void)comparison;                                                                                      \
        statement;                                                                                             \
    }
SPOIL(no_threads, first->threads = 0)
SPOIL(no_layouts, first->layouts = 0)
SPOIL(no_name, first->name[0] = '\0')
SPOIL(name_twice, strcpy(first->name, bench->benchmarks[1].name))
SPOIL(label_twice, strcpy(arm->label, "A"))
SPOIL(no_label, arm->label[0] = '\0')
SPOIL(arm_beyond, first->comparisons[0].arm = 3)
SPOIL(arm_itself, first->comparisons[0].arm = 0)
SPOIL(no_verdict, comparison->verdict = TARE_VERDICTS)
SPOIL(interval_reversed, comparison->low = 1.04)
SPOIL(control_reversed, comparison->control_high = 0.5)
SPOIL(dropped_too_many, first->contamination.dropped = 5)
SPOIL(rounds_too_few, first->contamination.each_count = 3)
SPOIL(frequencies_reversed, first->contamination.frequency_high_hz = 1)
SPOIL(argument_unknown, first->args[1] = NAN)
SPOIL(value_unknown, arm->values_ns[3] = NAN)
SPOIL(value_infinite, arm->values_ns[0] = -INFINITY)
SPOIL(rounds_back, arm->rounds[1] = 4)
SPOIL(round_zero, arm->rounds[0] = 0)
SPOIL(summary_of_more, arm->dropped[0] = true)
SPOIL(outliers_of_more, arm->summary.outliers[TARE_OUTLIER_LOW_MILD] = SIZE_MAX)
SPOIL(median_reversed, arm->summary.median_low = 1e9)
SPOIL(extremes_reversed, arm->summary.max = -1e9)
SPOIL(modes_too_many, arm->summary.modes.count = TARE_MODES_MAX + 1)
SPOIL(mode_reversed, arm->summary.modes.mode[0].low = 1e9)
SPOIL(modes_in_disorder, arm->summary.modes.mode[1].location = -1e9)
SPOIL(growth_of_nothing, bench->growths[0].bench[0] = 'x')
SPOIL(growth_of_arm, bench->growths[0].arm = 3)
SPOIL(growth_of_argument, bench->growths[0].arg = 2)
SPOIL(growth_of_no_class, bench->growths[0].growth.second = TARE_GROWTH_CLASSES)
SPOIL(share_above_1, comparison->confidence = 1.5)
SPOIL(amount_below_0, arm->summary.mad = -1)
SPOIL(amount_infinite, comparison->units_needed = INFINITY)

static const struct spoiled spoiled[] = {
    {no_threads, -EINVAL, "'bench.benchmarks[0].threads' is not at least 1"},
    {no_layouts, -EINVAL, "'bench.benchmarks[0].layouts' is not at least 1"},
    {no_name, -EINVAL, "'bench.benchmarks[0].name' is missing"},
    {name_twice, -EINVAL, "'bench.benchmarks' has more than one of the name 'sleep 0.1 | cat'"},
    {label_twice, -EINVAL, "'bench.benchmarks[0].arms[1].label' is not the only one of its kind"},
    {no_label, -EINVAL, "'bench.benchmarks[0].arms[1].label' is missing"},
    {arm_beyond, -EINVAL,
     "'bench.benchmarks[0].comparisons[0].arm' is not the index of an arm behind the first"},
    {arm_itself, -EINVAL, "'bench.benchmarks[0].comparisons[0].arm' is not"},
    {no_verdict, -EINVAL, "'bench.benchmarks[0].comparisons[0].verdict' is not"},
    {interval_reversed, -EINVAL, "'bench.benchmarks[0].comparisons[0].low' is not below high"},
    {control_reversed, -EINVAL, "'bench.benchmarks[0].comparisons[0].control_low' is not below"},
    {dropped_too_many, -EINVAL, "'bench.benchmarks[0].contamination.dropped' is not at most"},
    {rounds_too_few, -EINVAL, "'bench.benchmarks[0].contamination.each_round' is not of contamination.rounds"},
    {frequencies_reversed, -EINVAL, "'bench.benchmarks[0].contamination.frequency_low_hz' is not below"},
    {argument_unknown, -EINVAL, "'bench.benchmarks[0].args[1]' is not a number"},
    {value_unknown, -EINVAL, "'bench.benchmarks[0].arms[1].values_ns[3]' is not a number"},
    {value_infinite, -EINVAL, "'bench.benchmarks[0].arms[1].values_ns[0]' is not a number"},
    {rounds_back, -EINVAL, "'bench.benchmarks[0].arms[1].rounds[2]' is not a number from 1 on"},
    {round_zero, -EINVAL, "'bench.benchmarks[0].arms[1].rounds[0]' is not a number from 1 on"},
    {summary_of_more, -EINVAL, "'bench.benchmarks[0].arms[1].summary.n' is not at most"},
    {outliers_of_more, -EINVAL, "'bench.benchmarks[0].arms[1].summary.outliers' is not of at most"},
    {median_reversed, -EINVAL, "'bench.benchmarks[0].arms[1].summary.median_low_ns' is not below"},
    {extremes_reversed, -EINVAL, "'bench.benchmarks[0].arms[1].summary.min_ns' is not below"},
    {modes_too_many, -EINVAL, "'bench.benchmarks[0].arms[1].summary.modes.modes' is not of at most 8"},
    {mode_reversed, -EINVAL, "'bench.benchmarks[0].arms[1].summary.modes.modes[0].low_ns' is not below"},
    {modes_in_disorder, -EINVAL, "'bench.benchmarks[0].arms[1].summary.modes.modes[1].location_ns' is not"},
    {growth_of_nothing, -EINVAL, "'bench.growths[0].bench' is not that of a benchmark"},
    {growth_of_arm, -EINVAL, "'bench.growths[0].arm' is not the index"},
    {growth_of_argument, -EINVAL, "'bench.growths[0].arg' is not the index"},
    {growth_of_no_class, -EINVAL, "'bench.growths[0].best' is not"},
    {share_above_1, -ERANGE, NULL},
    {amount_below_0, -ERANGE, NULL},
    {amount_infinite, -ERANGE, NULL},
};

static void what_does_not_hang_together_is_not_written(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof spoiled / sizeof spoiled[0]; i++) {
        struct tare_result *result = sample_result_bench();
        /* Room for any name that is put there. */
        free(result->bench->benchmarks[0].name);
        result->bench->benchmarks[0].name = sample_string("ring_write/64 and what is as long as the other one");
        spoiled[i].spoil(result->bench);
        char message[256] = "";
        int error = tare_result_bench_check(result->bench, message, sizeof message);
        if (spoiled[i].message == NULL) {
            assert_int_equal(error, 0);
        } else if (error != -EINVAL || strncmp(message, spoiled[i].message, strlen(spoiled[i].message)) != 0) {
            fail_msg("%d '%s', not '%s'", error, message, spoiled[i].message);
        }
        char *text = written(result, spoiled[i].error);
        assert_string_equal(text, "");
        free(text);
        tare_result_free(result);
    }
}

static void benchmarks_that_are_missing_are_no_benchmarks(void **state)
{
    (void)state;
    struct tare_result *result = empty_result();
    tare_result_bench_free(result->bench);
    result->bench = NULL;
    free(written(result, -EINVAL));
    tare_result_free(result);
}

/* The document of the full sample with `from`, which is in it once, replaced. */
static char *changed(const char *from, const char *to)
{
    struct tare_result *result = sample_result_bench();
    char *text = written(result, 0);
    tare_result_free(result);
    char *at = strstr(text, from);
    if (at == NULL) {
        fail_msg("no %s in the document", from);
    }
    char *made = NULL;
    assert_true(asprintf(&made, "%.*s%s%s", (int)(at - text), text, to, at + strlen(from)) >= 0);
    free(text);
    return made;
}

static void assert_changed_refused(const char *from, const char *to, const char *part)
{
    char *text = changed(from, to);
    struct tare_result *result = NULL;
    char message[256] = "";
    int error = tare_result_parse_json(text, strlen(text), &result, message, sizeof message);
    assert_null(result);
    if (error != -EINVAL || strstr(message, part) == NULL || strchr(message, '\n') != NULL) {
        fail_msg("%s: %d '%s', not '%s'", to, error, message, part);
    }
    free(text);
}

static void hostile_documents_are_refused_by_name(void **state)
{
    (void)state;
    static const char *const cases[][3] = {
        {"\"bench\": {\n", "\"bench\": 5, \"x\": {\n", "'bench' is not an object or null"},
        {"\"bench\": {\n", "\"bench\": null, \"x\": {\n", "'bench' is missing"},
        {"\"bench\": {\n", "\"y\": {\n", "'bench' is missing"},
        {"\"settings\": {", "\"settings\": [], \"x\": {", "'bench.settings' is not an object"},
        {"\"18446744073709551615\"", "18446744073709551",
         "'bench.settings.seed' is not a whole number as a string"},
        {"\"18446744073709551615\"", "\"18446744073709551616\"",
         "'bench.settings.seed' is not a number of 64 bits"},
        {"\"18446744073709551615\"", "\"-1\"", "'bench.settings.seed' is not a whole number"},
        {"\"18446744073709551615\"", "\"\"", "'bench.settings.seed' is not a whole number"},
        {"\"pin\": 0", "\"pin\": -1", "'bench.settings.pin' is not a whole number"},
        {"\"pin\": 0", "\"pin\": 4294967296", "'bench.settings.pin' is not a whole number"},
        {"\"alpha\": 0.002", "\"alpha\": 1.002", "'bench.settings.alpha' is not a number from 0 to 1"},
        {"\"benchmarks\": [", "\"benchmarks\": {}, \"x\": [", "'bench.benchmarks' is not an array"},
        {"\"benchmarks\": [", "\"benchmarks\": [7, ", "'bench.benchmarks[0]' is not an object"},
        {"\"args\": [", "\"args\": [null, ", "'bench.benchmarks[0].args[0]' is not a number"},
        {"\"threads\": 4", "\"threads\": 0", "'bench.benchmarks[0].threads' is not at least 1"},
        {"\"threads\": 4", "\"threads\": 4294967296", "'bench.benchmarks[0].threads' is not a whole number"},
        {"\"name\": \"ring_write/64\"", "\"name\": null", "'bench.benchmarks[0].name' is not a string"},
        {"\"name\": \"ring_write/64\"", "\"name\": \"sleep 0.1 | cat\"", "'sleep 0.1 | cat'"},
        {"\"rounds\": 4", "\"rounds\": 0", "'bench.benchmarks[0].contamination.dropped' is not at most"},
        {"\"each_round\": {", "\"each_round\": [], \"x\": {", "contamination.each_round' is not an object"},
        {"\"wall_ns\": [2000000.5", "\"wall_ns\": [7, 2000000.5",
         "contamination.each_round.measured_ns' is not an array as long as the others"},
        {"\"wall_ns\": [2000000.5", "\"wall_ns\": 7, \"x\": [2000000.5",
         "contamination.each_round.wall_ns' is not an array as long as the others"},
        {"\"wall_ns\": [2000000.5", "\"wall_ns\": [\"7\"",
         "contamination.each_round.wall_ns[0]' is not a number"},
        {"\"involuntary\": [3", "\"involuntary\": [-3",
         "contamination.each_round.involuntary[0]' is not a whole number"},
        {"\"arm\": 2, \"decided", "\"arm\": 3, \"decided", "'bench.benchmarks[0].comparisons[0].arm' is not"},
        {"\"verdict\": \"slower\"", "\"verdict\": \"Slower\"",
         "comparisons[0].verdict' is not unresolved, same"},
        {"\"verdict\": \"slower\"", "\"verdict\": 3", "comparisons[0].verdict' is not unresolved, same"},
        {"\"ratio\": 1.02", "\"ratio\": -1.02", "comparisons[0].ratio' is not a number of at least 0"},
        {"\"n\": 3", "\"n\": 4", "'bench.benchmarks[0].arms[0].summary.n' is not at most"},
        {"\"n\": 3", "\"n\": 2", "arms[0].summary.outliers' is not of at most"},
        {"\"high_severe\": 1", "\"high_severe\": 9223372036854775807", "summary.outliers' is not of at most"},
        {"\"modes\": [", "\"modes\": [1,2,3,4,5,6,7,8,9,", "summary.modes.modes' is not an array of at most 8"},
        {"\"modes\": [", "\"modes\": [null,", "summary.modes.modes[0]' is not an object"},
        {"\"per_op\": {", "\"per_op\": null, \"x\": {", "arms[0].per_op' is not an object"},
        {"\"syscalls\": 10.0", "\"syscalls\": \"10\"", "arms[0].per_op.syscalls' is not a number or null"},
        {"\"timers\": [{\"module\": \"ring\"", "\"timers\": [{\"module\": 1",
         "arms[0].timers[0].module' is not"},
        {"\"values_ns\": [", "\"values_ns\": [1, ", "arms[0].rounds' is not as long as values_ns"},
        {"\"dropped\": [", "\"dropped\": [true, ", "arms[0].dropped' is not as long as values_ns"},
        {"\"dropped\": [false", "\"dropped\": [0", "arms[0].dropped[0]' is not true or false"},
        {"\"values_ns\": [10.333333333333334", "\"values_ns\": [null", "arms[0].values_ns[0]' is not a number"},
        {"\"rounds\": [1", "\"rounds\": [3",
         "arms[0].rounds[1]' is not a number from 1 on, in ascending order"},
        {"\"rounds\": [1", "\"rounds\": [4294967296", "arms[0].rounds[0]' is not a whole number"},
        {"\"exit_code\": 3", "\"exit_code\": 2147483648", "arms[0].exit_code' is not a whole number"},
        {"\"best\": \"O(n)\"", "\"best\": \"O(n!)\"", "'bench.growths[0].best' is not O(1), O(log n)"},
        {"\"bench\": \"ring_write\", \"arm\"", "\"bench\": \"x\", \"arm\"",
         "'bench.growths[0].bench' is not that"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_changed_refused(cases[i][0], cases[i][1], cases[i][2]);
    }
}

static void a_control_character_in_a_name_is_not_in_the_message(void **state)
{
    (void)state;
    char *text = changed("\"name\": \"ring_write/64\"", "\"name\": \"\\u001b[2J\"");
    char *second = strstr(text, "\"name\": \"sleep 0.1 | cat\"");
    assert_non_null(second);
    memcpy(second, "\"name\": \"\\u001b[2J\"        ", strlen("\"name\": \"sleep 0.1 | cat\""));
    struct tare_result *result = NULL;
    char message[256] = "";
    assert_int_equal(tare_result_parse_json(text, strlen(text), &result, message, sizeof message), -EINVAL);
    assert_null(strchr(message, '\033'));
    assert_non_null(strstr(message, "'?[2J'"));
    free(text);
}

static void fields_of_a_later_version_are_left_alone(void **state)
{
    (void)state;
    char *text = changed("\"settings\": {", "\"later\": [1], \"settings\": {\"later\": {}, ");
    struct tare_result *result = parsed(text);
    assert_int_equal(result->bench->benchmark_count, 2);
    tare_result_free(result);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_figure_comes_back),
        cmocka_unit_test(an_empty_one_comes_back),
        cmocka_unit_test(what_is_unknown_stays_unknown),
        cmocka_unit_test(arrays_grow),
        cmocka_unit_test(arguments_can_be_replaced),
        cmocka_unit_test(numbers_have_a_point_in_every_locale),
        cmocka_unit_test(every_count_has_a_name),
        cmocka_unit_test(what_does_not_hang_together_is_not_written),
        cmocka_unit_test(benchmarks_that_are_missing_are_no_benchmarks),
        cmocka_unit_test(hostile_documents_are_refused_by_name),
        cmocka_unit_test(a_control_character_in_a_name_is_not_in_the_message),
        cmocka_unit_test(fields_of_a_later_version_are_left_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
