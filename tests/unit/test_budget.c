/* SPDX-License-Identifier: MIT */
/*
 * result/metrics.h, result/budget.h and view/budget.h: every metric has a name that a budget can write, what is
 * wrong in a budget is told by its line, and a value is judged as tare-budget(5) says.
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

#include "result/budget.h"
#include "result/suite.h"
#include "tests/unit/comma_locale.h"
#include "tests/unit/near.h"
#include "tests/unit/sample_result.h"
#include "view/budget.h"

static int needs_inih(void **state)
{
    (void)state;
    if (!tare_budget_available()) {
        print_message("built without inih: no budget can be read\n");
        skip();
    }
    return 0;
}

static struct tare_budget *parsed(const char *text)
{
    struct tare_budget *budget = NULL;
    struct tare_budget_problem problem;
    int error = tare_budget_parse(text, strlen(text), &budget, &problem);
    if (error != 0) {
        fail_msg("%d: line %zu: %s", error, problem.line, problem.message);
    }
    return budget;
}

static void assert_refused(const char *text, size_t line, const char *part)
{
    struct tare_budget *budget = NULL;
    struct tare_budget_problem problem;
    int error = tare_budget_parse(text, strlen(text), &budget, &problem);
    assert_null(budget);
    if (error != -EINVAL || problem.line != line || strstr(problem.message, part) == NULL ||
        strchr(problem.message, '\n') != NULL) {
        fail_msg("%d, line %zu, '%s', not %zu and '%s'", error, problem.line, problem.message, line, part);
    }
}

/* Reading */

static void a_budget_is_read_in_its_order(void **state)
{
    needs_inih(state);
    struct tare_budget *budget = parsed("\xef\xbb\xbf; a comment\r\n"
                                        "# another [one]\n"
                                        "\n"
                                        "[ring_write/64.median]\r\n"
                                        "  at-most = 5.2 us ; a comment\n"
                                        "\tcritical=8us\t# another\n"
                                        "[x::y.calls]\n"
                                        "at-least : 3\n"
                                        "informational = yes\n"
                                        "[a.p99]\n"
                                        "relative-to = baseline\n"
                                        "target = 105 %\n"
                                        "critical = 110 %\n"
                                        "[b.p99]\n"
                                        "informational = no\n"
                                        "critical = 1\n"
                                        "target = 2\n"
                                        "relative-to = a.p99");
    assert_int_equal(budget->count, 4);
    const struct tare_budget_entry *entry = &budget->entries[0];
    assert_string_equal(entry->metric, "ring_write/64.median");
    assert_int_equal(entry->line, 4);
    assert_int_equal(entry->direction, TARE_BUDGET_AT_MOST);
    assert_string_equal(entry->target.text, "5.2 us");
    assert_true(entry->target.value == 5200);
    assert_int_equal(entry->target.dimension, TARE_BUDGET_TIME);
    assert_int_equal(entry->target.line, 5);
    assert_true(entry->critical.value == 8000);
    assert_int_equal(entry->critical.line, 6);
    assert_false(entry->informational);
    entry++;
    assert_int_equal(entry->direction, TARE_BUDGET_AT_LEAST);
    assert_true(entry->target.value == 3);
    assert_true(entry->informational);
    assert_null(entry->critical.text);
    entry++;
    assert_int_equal(entry->direction, TARE_BUDGET_AT_MOST);
    assert_true(entry->to_baseline);
    assert_true(entry->target.value == 1.05);
    assert_true(entry->critical.value == 1.1);
    entry++;
    assert_int_equal(entry->direction, TARE_BUDGET_AT_LEAST);
    assert_false(entry->to_baseline);
    assert_string_equal(entry->relative_to, "a.p99");
    assert_int_equal(entry->relative_line, 18);
    tare_budget_free(budget);
    tare_budget_free(NULL);
}

static void units_are_what_they_say(void **state)
{
    needs_inih(state);
    static const struct {
        const char *text;
        double value;
        enum tare_budget_dimension dimension;
    } cases[] = {
        {"5", 5, TARE_BUDGET_PLAIN},
        {"-5.5", -5.5, TARE_BUDGET_PLAIN},
        {"+.5e1", 5, TARE_BUDGET_PLAIN},
        {"1.05x", 1.05, TARE_BUDGET_PLAIN},
        {"102 %", 1.02, TARE_BUDGET_PERCENT},
        {"7 ns", 7, TARE_BUDGET_TIME},
        {"7us", 7e3, TARE_BUDGET_TIME},
        {"7 µs", 7e3, TARE_BUDGET_TIME},
        {"7 μs", 7e3, TARE_BUDGET_TIME},
        {"0.5 ms", 5e5, TARE_BUDGET_TIME},
        {"1e-3 s", 1e6, TARE_BUDGET_TIME},
        {"64 B", 64, TARE_BUDGET_BYTES},
        {"64 kB", 64000, TARE_BUDGET_BYTES},
        {"64 KiB", 65536, TARE_BUDGET_BYTES},
        {"2 MiB/s", 2097152, TARE_BUDGET_BYTE_RATE},
        {"2 GB/s", 2e9, TARE_BUDGET_BYTE_RATE},
        {"3 /s", 3, TARE_BUDGET_RATE},
        {"3 M/s", 3e6, TARE_BUDGET_RATE},
    };
    bool comma = comma_locale_begin();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[64];
        snprintf(text, sizeof text, "[a]\nat-most = %s\n", cases[i].text);
        struct tare_budget *budget = parsed(text);
        const struct tare_budget_limit *limit = &budget->entries[0].target;
        if (limit->value != cases[i].value || limit->dimension != cases[i].dimension) {
            fail_msg("'%s' is %.17g of %d", cases[i].text, limit->value, limit->dimension);
        }
        tare_budget_free(budget);
    }
    if (comma) {
        comma_locale_end();
    }
}

static void what_is_wrong_is_told_by_its_line(void **state)
{
    needs_inih(state);
    static const struct {
        const char *text;
        size_t line;
        const char *part;
    } cases[] = {
        {"", 0, "no section"},
        {"; nothing\n\n", 0, "no section"},
        {"at-most = 3\n", 1, "'at-most' before the first section"},
        {"[a]\nat-mots = 3\n", 2, "unknown key 'at-mots'"},
        {"[a]\nAt-Most = 3\n", 2, "unknown key 'At-Most'"},
        {"[a]\nat-most\n", 2, "neither '[METRIC]' nor 'key = value'"},
        {"[a]\n\nnonsense\n[a]\nat-most = x\n", 3, "neither '[METRIC]' nor 'key = value'"},
        {"[a]\nat-most =\n", 2, "'at-most' has no value"},
        {"[a]\nat-most = ; 5\n", 2, "'at-most' has no value"},
        {"[a]\nat-most = 3\nat-most = 3\n", 3, "'at-most' is there twice: it is in line 2 already"},
        {"[a]\ncritical = 3\n\ncritical = 3\n", 4, "'critical' is there twice: it is in line 2"},
        {"[a]\nat-most = 3\nat-least = 3\n", 3, "'at-least' contradicts 'at-most' in line 2"},
        {"[a]\nat-most = 3\ntarget = 3\n", 3, "two targets: 'at-most' is in line 2"},
        {"[a]\ntarget = 3\nat-least = 3\n", 3, "two targets: 'target' is in line 2"},
        {"[a]\ntarget = 3\n", 2, "'target' has no direction"},
        {"[a]\ntarget = 3\ncritical = 3.0\n", 2, "'target' has no direction"},
        {"[a]\ncritical = 3\n", 2, "'critical' without a target"},
        {"[a]\nat-most = 3 ns\ncritical = 2 ns\n", 3, "'critical' is below what is to be at most '3 ns'"},
        {"[a]\nat-least = 3\ncritical = 4\n", 3, "'critical' is above what is to be at least '3'"},
        {"[a]\nat-most = 3 ns\ncritical = 4\n", 3, "'4' is in another unit than the target, '3 ns'"},
        {"[a]\n", 1, "'[a]' sets no limit"},
        {"[a]\ninformational = no\n", 1, "'[a]' sets no limit"},
        {"[a]\nat-most = 1\n[b]\n[c]\nat-most = 1\n", 3, "'[b]' sets no limit"},
        {"[a]\ninformational = maybe\n", 2, "'informational' is yes or no, not 'maybe'"},
        {"[a]\nat-most = 3 parsecs\n", 2, "unknown unit 'parsecs'"},
        {"[a]\nat-most = 0x10\n", 2, "unknown unit 'x10'"},
        {"[a]\nat-most = 5 NS\n", 2, "unknown unit 'NS'"},
        {"[a]\nat-most = 1,5 us\n", 2, "unknown unit ',5 us'"},
        {"[a]\nat-most = five\n", 2, "'five' does not begin with a number"},
        {"[a]\nat-most = nan\n", 2, "'nan' does not begin with a number"},
        {"[a]\nat-most = inf\n", 2, "'inf' does not begin with a number"},
        {"[a]\nat-most = .\n", 2, "'.' does not begin with a number"},
        {"[a]\nat-most = 1e999\n", 2, "'1e999' is too large"},
        {"[a]\nat-most = 1e308 s\n", 2, "'1e308 s' is too large"},
        {"[a\nat-most = 1\n", 1, "a section's line ends with ']'"},
        {"[a] ; why\nat-most = 1\n", 1, "a section's line ends with ']'"},
        {"[\n", 1, "a section's line ends with ']'"},
        {"[]\nat-most = 1\n", 1, "without a metric's name"},
        {"[a]\nat-most = 1\n[b]\nat-most = 1\n[a]\nat-most = 1\n", 5, "'[a]' is there twice: it is in line 1"},
        {"[a]\nat-most = 1\n[\\x61]\nat-most = 1\n", 3, "'[a]' is there twice: it is in line 1"},
        {"[\\q]\nat-most = 1\n", 1, "bad escape"},
        {"[\\]\nat-most = 1\n", 1, "bad escape"},
        {"[\\x4]\nat-most = 1\n", 1, "bad escape"},
        {"[\\x00]\nat-most = 1\n", 1, "bad escape"},
        {"[\\ud800]\nat-most = 1\n", 1, "bad escape"},
        {"[\\U00110000]\nat-most = 1\n", 1, "bad escape"},
        {"[a]\nat-most = 1\nrelative-to = \\\n", 3, "bad escape"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_refused(cases[i].text, cases[i].line, cases[i].part);
    }
}

static void an_unknown_key_is_told_apart(void **state)
{
    needs_inih(state);
    struct tare_budget *budget = NULL;
    struct tare_budget_problem problem;
    static const char text[] = "[a]\nat-moist = 3";
    assert_int_equal(tare_budget_parse(text, sizeof text - 1, &budget, &problem), -EINVAL);
    assert_string_equal(problem.word, "at-moist");
}

static void a_byte_0_and_a_long_line_are_refused(void **state)
{
    needs_inih(state);
    struct tare_budget *budget = NULL;
    struct tare_budget_problem problem;
    static const char zero[] = "[a]\nat-most\0 = 3";
    assert_int_equal(tare_budget_parse(zero, sizeof zero - 1, &budget, &problem), -EINVAL);
    assert_int_equal(problem.line, 2);
    char text[4096];
    snprintf(text, sizeof text, "[a]\nat-most = 1 %*s\n", 3000, "ns");
    assert_refused(text, 2, "a line of more than ");
    /* But a comment may be long, and so may a section. */
    memset(text, 'x', sizeof text);
    text[0] = '[';
    strcpy(text + 2000, "]\nat-most = 1\n");
    budget = parsed(text);
    assert_int_equal(strlen(budget->entries[0].metric), 1999);
    tare_budget_free(budget);
    text[0] = '#';
    snprintf(text + 2000, 100, "\n[b]\nat-most = 1 # %s\n", "end");
    tare_budget_free(parsed(text));
}

static void every_name_can_be_written(void **state)
{
    needs_inih(state);
    static const char *const names[] = {
        "fdtables::close_virtualfd.net_avg",
        "sleep 0.1 | cat.median",
        "a[0].b]c] ; not a comment # neither.median",
        " blanks around .median ",
        "back\\slash\\x41.median",
        "line\nend\r\ttab.median",
        "\x1b]0;title\x07.median",
        "é€\xf0\x9f\x98\x80.median",
        "\xe2\x80\xaereversed\xf3\xa0\x80\x81.median",
        "]",
        "[",
        "\\",
        "=",
        ";",
        "a longer name than inih would take for a section, and then some more.median",
    };
    for (size_t i = 0; i < 2 * sizeof names / sizeof names[0]; i++) {
        const char *name = names[i / 2];
        char *text = NULL, *escaped = tare_view_metric_name(name, i % 2 == 1);
        assert_non_null(escaped);
        for (const char *c = escaped; *c != '\0'; c++) {
            assert_true((unsigned char)*c >= 0x20 && *c != 0x7f && (i % 2 == 0 || (unsigned char)*c < 0x80));
        }
        assert_true(asprintf(&text, "[%s]\nat-most = 1\n", escaped) > 0);
        struct tare_budget *budget = parsed(text);
        assert_int_equal(budget->count, 1);
        assert_string_equal(budget->entries[0].metric, name);
        tare_budget_free(budget);
        free(text);
        free(escaped);
    }
}

/* Metrics */

static const struct tare_metric *found(const struct tare_metrics *metrics, const char *name)
{
    bool ambiguous;
    const struct tare_metric *metric = tare_metrics_find(metrics, name, &ambiguous);
    if (metric == NULL) {
        fail_msg("no metric '%s'", name);
    }
    assert_false(ambiguous);
    return metric;
}

static void a_timer_has_its_figures_by_name(void **state)
{
    (void)state;
    struct tare_result *result = sample_result_table();
    struct tare_metrics metrics;
    assert_int_equal(tare_metrics_of(result, &metrics), 0);
    const struct tare_result_figures *figures = &result->timers[0].figures;
    const struct tare_metric *metric = found(&metrics, "fdtables::close_virtualfd.net_avg");
    assert_true(metric->value == figures->net_avg_ns && metric->unit == TARE_METRIC_TIME && !metric->exact);
    metric = found(&metrics, "fdtables::close_virtualfd.p99");
    assert_true(metric->value == figures->net_p99_ns);
    metric = found(&metrics, "fdtables::close_virtualfd.calls");
    assert_true(metric->value == 1000 && metric->exact && metric->unit == TARE_METRIC_COUNT);
    metric = found(&metrics, "fdtables::never.net_avg");
    assert_true(isnan(metric->value));
    assert_string_equal(metric->why, "it was not called");
    assert_true(isnan(found(&metrics, "measuring_share")->value));
    bool ambiguous;
    assert_null(tare_metrics_find(&metrics, "wall", &ambiguous)); /* no pass */
    assert_null(tare_metrics_find(&metrics, "", &ambiguous));
    tare_metrics_release(&metrics);
    tare_result_free(result);
}

static void an_interval_without_its_sampling_error_is_marked(void **state)
{
    needs_inih(state);
    struct tare_result *result = sample_result_table();
    struct tare_result_figures *figures = &result->timers[0].figures;
    figures->net_avg_ns = figures->net_p99_ns = 100;
    figures->net_avg_low_ns = 90;
    figures->net_avg_high_ns = 110;
    figures->net_avg_error_ns = figures->p99_error_ns = 10;
    for (int sampled = 0; sampled < 2; sampled++) {
        figures->net_avg_error_part_ns[TARE_ERROR_SAMPLING] = sampled ? 1 : NAN;
        struct tare_metrics metrics;
        assert_int_equal(tare_metrics_of(result, &metrics), 0);
        const struct tare_metric *average = found(&metrics, "fdtables::close_virtualfd.net_avg");
        assert_true(average->low == 90 && average->unsampled == !sampled);
        const struct tare_metric *percentile = found(&metrics, "fdtables::close_virtualfd.p99");
        assert_true(percentile->low == 80 && percentile->high == 120 && percentile->unsampled);
        struct tare_budget *budget = parsed("[fdtables::close_virtualfd.net_avg]\nat-most = 200 ns\n"
                                            "[fdtables::close_virtualfd.p99]\nat-most = 110 ns\n");
        struct tare_judged one;
        struct tare_budget_problem problem;
        assert_int_equal(tare_budget_judge(&budget->entries[0], &metrics, NULL, &one, &problem), 0);
        assert_int_equal(one.unsure, sampled ? 0 : -1);
        assert_int_equal(tare_budget_judge(&budget->entries[1], &metrics, NULL, &one, &problem), 0);
        assert_int_equal(one.unsure, 1);
        tare_budget_free(budget);
        tare_metrics_release(&metrics);
    }
    tare_result_free(result);
}

static void the_wall_time_is_the_median_of_the_common_passes(void **state)
{
    (void)state;
    struct tare_result *result = sample_result_table();
    static const double walls_ns[] = {5e9, 1e9, 2e9};
    for (size_t i = 0; i < 3; i++) {
        struct tare_result_pass *pass = tare_result_add_pass(result);
        assert_non_null(pass);
        pass->wall_ns = walls_ns[i];
    }
    struct tare_result_pass *exclusive = tare_result_add_pass(result);
    assert_non_null(exclusive);
    exclusive->only = sample_string("a::b");
    exclusive->wall_ns = 1e15;
    struct tare_metrics metrics;
    assert_int_equal(tare_metrics_of(result, &metrics), 0);
    assert_true(found(&metrics, "wall")->value == 2e9);
    assert_true(isnan(found(&metrics, "user")->value));
    tare_metrics_release(&metrics);
    tare_result_free(result);
}

static void what_follows_from_a_suite_has_names(void **state)
{
    (void)state;
    struct tare_result *result = sample_result_bench();
    result->suite = tare_result_suite_new("syscalls", false);
    assert_non_null(result->suite);
    struct tare_suite_figure figure = {.kind = (char *)"layer-ns",
                                       .benchmark = (char *)"ring_write/64",
                                       .side = (char *)"sandboxed",
                                       .part = (char *)"threei",
                                       .unit = TARE_SUITE_NS,
                                       .value = 7,
                                       .low = 6,
                                       .high = 9};
    assert_int_equal(tare_suite_add_figure(result->suite, &figure), 0);
    figure.kind = (char *)"crossing";
    figure.part = NULL;
    figure.value = figure.low = figure.high = NAN;
    figure.note = (char *)"its reason";
    assert_int_equal(tare_suite_add_figure(result->suite, &figure), 0);
    figure.side = NULL;
    figure.unit = TARE_SUITE_SHARE;
    assert_int_equal(tare_suite_add_figure(result->suite, &figure), 0);
    struct tare_metrics metrics;
    assert_int_equal(tare_metrics_of(result, &metrics), 0);
    const struct tare_metric *metric = found(&metrics, "ring_write/64.sandboxed.layer-ns.threei");
    assert_true(metric->value == 7 && metric->low == 6 && metric->high == 9 &&
                metric->unit == TARE_METRIC_TIME);
    metric = found(&metrics, "ring_write/64.sandboxed.crossing");
    assert_true(isnan(metric->value) && isnan(metric->low));
    assert_string_equal(metric->why, "its reason");
    assert_int_equal(found(&metrics, "ring_write/64.crossing")->unit, TARE_METRIC_SHARE);
    tare_metrics_release(&metrics);
    tare_result_free(result);
}

static void a_benchmark_has_its_figures_by_name(void **state)
{
    (void)state;
    struct tare_result *result = sample_result_bench();
    struct tare_metrics metrics;
    assert_int_equal(tare_metrics_of(result, &metrics), 0);
    const struct tare_metric *metric = found(&metrics, "ring_write/64.median");
    assert_true(metric->value == 10 && metric->low == 10 - 1.0 / 3.0 && metric->high == 10.1);
    assert_true(found(&metrics, "ring_write/64.B.median")->value == 11);
    metric = found(&metrics, "ring_write/64.bytes_per_s");
    assert_near(metric->value, 6.4e9, 1);
    assert_near(metric->low, 64 / 10.1 * 1e9, 1);
    assert_near(metric->high, 64 / (10 - 1.0 / 3.0) * 1e9, 1);
    assert_int_equal(metric->unit, TARE_METRIC_BYTE_RATE);
    metric = found(&metrics, "ring_write/64.ring::copy.net_avg");
    assert_true(metric->value == -0.25 && metric->low == -0.75 && metric->high == 0.25);
    metric = found(&metrics, "ring_write/64.B.ratio");
    assert_true(metric->value == 1.02 && metric->low == 1.01 && metric->unit == TARE_METRIC_RATIO);
    assert_true(found(&metrics, "ring_write.B.arg2.exponent")->value == 0.98);
    assert_int_equal(found(&metrics, "ring_write/64.user_ns")->unit, TARE_METRIC_TIME);
    assert_int_equal(found(&metrics, "ring_write/64.allocated_bytes")->unit, TARE_METRIC_BYTES);
    assert_true(isnan(found(&metrics, "sleep 0.1 | cat.ops_per_s")->value));
    bool ambiguous;
    assert_null(tare_metrics_find(&metrics, "ring_write/64.A'.median", &ambiguous)); /* the same as A */
    for (size_t i = 0; i < metrics.count; i++) {
        assert_ptr_equal(found(&metrics, metrics.metrics[i].name), &metrics.metrics[i]);
    }
    tare_metrics_release(&metrics);
    tare_result_free(result);
}

/* Judging */

/* What is judged of the sample, with the sample as its own baseline. */
struct fixture {
    struct tare_result *result, *old;
    struct tare_metrics metrics, baseline;
};

static int begin(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    assert_non_null(fixture);
    fixture->result = sample_result_bench();
    fixture->old = sample_result_bench();
    struct tare_summary *summary = &fixture->old->bench->benchmarks[0].arms[0].summary;
    summary->median = 8;
    summary->median_low = 7.5;
    summary->median_high = 8.5;
    fixture->old->bench->benchmarks[0].arms[2].summary.median = NAN;
    fixture->old->bench->benchmarks[0].arms[0].summary.min = -1;
    free(fixture->old->bench->benchmarks[1].name);
    fixture->old->bench->benchmarks[1].name = sample_string("gone");
    assert_int_equal(tare_metrics_of(fixture->result, &fixture->metrics), 0);
    assert_int_equal(tare_metrics_of(fixture->old, &fixture->baseline), 0);
    *state = fixture;
    return 0;
}

static int end(void **state)
{
    struct fixture *fixture = *state;
    tare_metrics_release(&fixture->metrics);
    tare_metrics_release(&fixture->baseline);
    tare_result_free(fixture->result);
    tare_result_free(fixture->old);
    free(fixture);
    return 0;
}

static struct tare_judged judged(const struct fixture *fixture, const char *text)
{
    struct tare_budget *budget = parsed(text);
    struct tare_judged one;
    struct tare_budget_problem problem;
    int error = tare_budget_judge(&budget->entries[0], &fixture->metrics, &fixture->baseline, &one, &problem);
    if (error != 0) {
        fail_msg("%s: line %zu: %s", text, problem.line, problem.message);
    }
    tare_budget_free(budget);
    return one;
}

#define MEDIAN "[ring_write/64.median]\n" /* 10 ns, 9.67 to 10.1 */

static void a_value_is_judged_by_its_limits(void **state)
{
    needs_inih(state);
    const struct fixture *fixture = *state;
    static const struct {
        const char *text;
        enum tare_judgement judgement;
        int unsure;
    } cases[] = {
        {MEDIAN "at-most = 11 ns", TARE_JUDGED_PASS, 0},
        {MEDIAN "at-most = 10 ns", TARE_JUDGED_PASS, 1},
        {MEDIAN "at-most = 9.9 ns", TARE_JUDGED_FAIL, 1},
        {MEDIAN "at-most = 9 ns", TARE_JUDGED_FAIL, 0},
        {MEDIAN "at-most = 9 ns\ncritical = 12 ns", TARE_JUDGED_WARN, 0},
        {MEDIAN "at-most = 9 ns\ncritical = 10 ns", TARE_JUDGED_WARN, 1},
        {MEDIAN "at-most = 9 ns\ncritical = 9.5 ns", TARE_JUDGED_FAIL, 0},
        {MEDIAN "target = 9 ns\ncritical = 12 ns", TARE_JUDGED_WARN, 0},
        {MEDIAN "at-least = 9 ns", TARE_JUDGED_PASS, 0},
        {MEDIAN "at-least = 10.05 ns", TARE_JUDGED_FAIL, 1},
        {MEDIAN "at-least = 11 ns\ncritical = 9 ns", TARE_JUDGED_WARN, 0},
        {MEDIAN "target = 12 ns\ncritical = 11 ns", TARE_JUDGED_FAIL, 0},
        {MEDIAN "at-most = 9 ns\ninformational = yes", TARE_JUDGED_INFORMATION, 0},
        {MEDIAN "informational = yes", TARE_JUDGED_INFORMATION, -1},
        {"[ring_write/64.values]\nat-least = 3", TARE_JUDGED_PASS, 0},
        {"[ring_write/64.mean]\nat-most = 1 us", TARE_JUDGED_PASS, -1},
        {"[ring_write/64.cv]\nat-most = 10 %", TARE_JUDGED_PASS, -1},
        {"[ring_write/64.cv]\nat-most = 0.05", TARE_JUDGED_FAIL, -1},
        {"[sleep 0.1 | cat.median]\nat-most = 1 s", TARE_JUDGED_UNKNOWN, -1},
        {"[sleep 0.1 | cat.median]\nat-most = 1 s\ninformational = yes", TARE_JUDGED_INFORMATION, -1},
        {"[ring_write/64.ring::copy.net_avg]\nat-least = 0", TARE_JUDGED_FAIL, 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct tare_judged one = judged(fixture, cases[i].text);
        if (one.judgement != cases[i].judgement || one.unsure != cases[i].unsure) {
            fail_msg("%s: %s, unsure %d", cases[i].text, tare_judgement_names[one.judgement], one.unsure);
        }
    }
}

static void what_is_left_is_a_share_of_the_target(void **state)
{
    needs_inih(state);
    const struct fixture *fixture = *state;
    assert_near(judged(fixture, MEDIAN "at-most = 12.5 ns").left, 0.2, 1e-12);
    assert_near(judged(fixture, MEDIAN "at-most = 8 ns").left, -0.25, 1e-12);
    assert_near(judged(fixture, MEDIAN "at-least = 8 ns").left, 0.25, 1e-12);
    assert_near(judged(fixture, MEDIAN "at-least = 20 ns").left, -0.5, 1e-12);
    assert_near(judged(fixture, "[ring_write/64.ring::copy.net_avg]\nat-most = -1 ns").left, -0.75, 1e-12);
    assert_true(isnan(judged(fixture, MEDIAN "at-most = 0").left));
    assert_true(isnan(judged(fixture, MEDIAN "informational = yes").left));
}

static void a_ratio_has_the_errors_of_both(void **state)
{
    needs_inih(state);
    const struct fixture *fixture = *state;
    struct tare_judged one = judged(fixture, MEDIAN "relative-to = baseline\nat-most = 1.3");
    assert_int_equal(one.judgement, TARE_JUDGED_PASS);
    assert_int_equal(one.unit, TARE_METRIC_RATIO);
    assert_near(one.value, 1.25, 1e-12);
    assert_near(log(one.high / one.value), hypot(log(10.1 / 10), log(8 / 7.5)), 1e-12);
    assert_near(log(one.value / one.low), hypot(log(10 / (10 - 1.0 / 3.0)), log(8.5 / 8)), 1e-12);
    assert_int_equal(one.unsure, 1);
    one = judged(fixture, "[ring_write/64.B.median]\nrelative-to = ring_write/64.median\nat-most = 105 %");
    assert_near(one.value, 1.1, 1e-12);
    assert_int_equal(one.judgement, TARE_JUDGED_FAIL);
    one = judged(fixture, "[ring_write/64.values]\nrelative-to = baseline\nat-least = 1");
    assert_true(one.exact && one.value == 1);
    assert_int_equal(one.unsure, 0);
    /* The ends of the mean are not known. */
    one = judged(fixture, "[ring_write/64.mean]\nrelative-to = baseline\nat-most = 1");
    assert_true(one.value == 1 && isnan(one.low));
    assert_int_equal(one.unsure, -1);
}

static void what_is_relative_to_nothing_is_unknown(void **state)
{
    needs_inih(state);
    const struct fixture *fixture = *state;
    static const struct {
        const char *text, *why;
    } cases[] = {
        {"[sleep 0.1 | cat.values]\nrelative-to = baseline\nat-most = 1", "the baseline does not have it"},
        {"[ring_write/64.B.median]\nrelative-to = baseline\nat-most = 1",
         "the value that it is relative to is unknown"},
        {"[ring_write/64.min]\nrelative-to = baseline\nat-most = 1",
         "the value that it is relative to is not above 0"},
        {"[sleep 0.1 | cat.median]\nrelative-to = baseline\nat-most = 1", "its value is unknown"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct tare_judged one = judged(fixture, cases[i].text);
        assert_int_equal(one.judgement, TARE_JUDGED_UNKNOWN);
        assert_string_equal(one.why, cases[i].why);
        assert_true(isnan(one.value));
    }
}

static void what_cannot_be_judged_is_a_problem_of_the_budget(void **state)
{
    needs_inih(state);
    const struct fixture *fixture = *state;
    static const struct {
        const char *text;
        size_t line;
        const char *part, *word;
    } cases[] = {
        {"\n[ring_write/64.medain]\nat-most = 1 ns", 2, "unknown metric 'ring_write/64.medain'",
         "ring_write/64.medain"},
        {MEDIAN "at-most = 1\nrelative-to = x", 3, "unknown metric 'x'", "x"},
        {MEDIAN "at-most = 1\nrelative-to = baseline", 3, "relative to a baseline, and none is given", ""},
        {MEDIAN "at-most = 1\nrelative-to = ring_write/64.syscalls", 3,
         "is in ns, what it is relative to in count", ""},
        {MEDIAN "at-most = 1", 2, "'1' is no limit for 'ring_write/64.median', which is a time", ""},
        {MEDIAN "at-most = 1 ns\nrelative-to = ring_write/64.B.median", 2, "relative to another value", ""},
        {MEDIAN "at-most = 1 MB/s", 2, "which is a time", ""},
        {MEDIAN "at-most = 0\ncritical = 5", 3, "'5' is no limit", ""},
        {"[ring_write/64.bytes_per_s]\nat-least = 5 MB", 2, "which is bytes by the second", ""},
        {"[ring_write/64.values]\nat-least = 5 %", 2, "which is a plain number", ""},
        {"[ring_write/64.cv]\nat-most = 5 ns", 2, "which is a share", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct tare_budget *budget = parsed(cases[i].text);
        struct tare_judged one;
        struct tare_budget_problem problem;
        int error = tare_budget_judge(&budget->entries[0], &fixture->metrics, NULL, &one, &problem);
        if (error != -EINVAL || problem.line != cases[i].line ||
            strstr(problem.message, cases[i].part) == NULL) {
            fail_msg("%s: %d, line %zu, '%s'", cases[i].text, error, problem.line, problem.message);
        }
        assert_string_equal(problem.word, cases[i].word);
        tare_budget_free(budget);
    }
}

static void a_name_that_two_metrics_have_is_a_problem(void **state)
{
    needs_inih(state);
    struct tare_result *result = sample_result_bench();
    free(result->bench->benchmarks[1].name);
    result->bench->benchmarks[1].name = sample_string("ring_write/64.B");
    struct tare_metrics metrics;
    assert_int_equal(tare_metrics_of(result, &metrics), 0);
    struct tare_budget *budget = parsed("[ring_write/64.B.median]\nat-most = 1 s");
    struct tare_judged one;
    struct tare_budget_problem problem;
    assert_int_equal(tare_budget_judge(&budget->entries[0], &metrics, NULL, &one, &problem), -EINVAL);
    assert_non_null(strstr(problem.message, "more than one metric 'ring_write/64.B.median'"));
    tare_budget_free(budget);
    tare_metrics_release(&metrics);
    tare_result_free(result);
}

/* Showing */

static char *shown(const struct fixture *fixture, const char *text, enum tare_format format,
                   const struct tare_view_options *options)
{
    struct tare_budget *budget = parsed(text);
    struct tare_judged *all = calloc(budget->count, sizeof *all);
    assert_non_null(all);
    for (size_t i = 0; i < budget->count; i++) {
        struct tare_budget_problem problem;
        assert_int_equal(
            tare_budget_judge(&budget->entries[i], &fixture->metrics, &fixture->baseline, &all[i], &problem),
            0);
    }
    static const char *const notes[] = {"something to know", NULL};
    const struct tare_budget_report report = {
        .judged = all, .count = budget->count, .confidence = 0.95, .notes = notes};
    char *made = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&made, &size);
    assert_non_null(out);
    assert_int_equal(tare_view_budget(&report, options, format, out), 0);
    assert_int_equal(tare_view_budget(&report, options, TARE_FORMAT_CSV, out), -EINVAL);
    assert_int_equal(fclose(out), 0);
    free(all);
    tare_budget_free(budget);
    return made;
}

static const char sample_budget[] = MEDIAN "at-most = 10.05 ns\ncritical = 12 ns\n"
                                           "[ring_write/64.values]\nat-least = 10\n"
                                           "[sleep 0.1 | cat.median]\nat-most = 1 s\n"
                                           "[ring_write/64.B.median]\nrelative-to = ring_write/64.median\n"
                                           "at-most = 1.2 x\n";

static void a_table_says_how_it_stands(void **state)
{
    needs_inih(state);
    const struct tare_view_options options = {.ascii = true};
    char *text = shown(*state, sample_budget, TARE_FORMAT_TABLE, &options);
    static const char expected[] =
        "judgement  metric                     value             interval       target  critical     left\n"
        "pass ~     ring_write/64.median    10.000ns  9.667ns to 10.100ns  <= 10.05 ns  <= 12 ns   +0.5 %\n"
        "fail       ring_write/64.values           3                exact        >= 10         -  -70.0 %\n"
        "unknown    sleep 0.1 | cat.median         -                    -       <= 1 s         -        -\n"
        "pass       ring_write/64.B.median    1.1000     1.0650 to 1.1393     <= 1.2 x         -   +8.3 %\n"
        "\n"
        "4 metrics: 2 within the budget, 1 over the budget, 1 unknown\n"
        "unknown: sleep 0.1 | cat.median: its value is unknown\n"
        "ring_write/64.B.median: 11.000ns, relative to 10.000ns of ring_write/64.median\n"
        "~ judged by the value; part of the interval would be judged otherwise\n"
        "intervals are of 95 %\n"
        "note: something to know\n";
    assert_string_equal(text, expected);
    free(text);
}

static void assert_narrow(const char *text, int lines, int width)
{
    for (int i = 0; i < lines; i++) {
        const char *newline = strchr(text, '\n');
        assert_true(newline - text <= width);
        text = newline + 1;
    }
}

static void a_narrow_terminal_has_names_cut_and_columns_left_out(void **state)
{
    needs_inih(state);
    struct tare_view_options options = {.ascii = true, .width = 94};
    char *text = shown(*state, sample_budget, TARE_FORMAT_TABLE, &options);
    assert_narrow(text, 5, 94);
    assert_non_null(strstr(text, "\nunknown    sleep 0.1...t.median  "));
    assert_null(strstr(text, "no room"));
    free(text);
    options.width = 90;
    text = shown(*state, sample_budget, TARE_FORMAT_TABLE, &options);
    assert_narrow(text, 5, 90);
    assert_null(strstr(text, "+0.5 %"));
    assert_non_null(strstr(text, "<= 12 ns"));
    assert_non_null(strstr(text, "\nthe terminal has no room for the column left\n"));
    free(text);
    options.width = 80;
    text = shown(*state, sample_budget, TARE_FORMAT_TABLE, &options);
    assert_narrow(text, 5, 80);
    assert_null(strstr(text, "<= 12 ns"));
    assert_non_null(strstr(text, "\nthe terminal has no room for the columns critical and left\n"));
    free(text);
}

static void a_markdown_table_is_not_obeyed(void **state)
{
    needs_inih(state);
    const struct tare_view_options options = {0};
    char *text = shown(*state, sample_budget, TARE_FORMAT_MARKDOWN, &options);
    assert_non_null(
        strstr(text, "| pass \\~ | ring\\_write/64.median | 10.000ns | 9.667ns to 10.100ns | ≤ 10.05 ns |"));
    assert_non_null(strstr(text, "| unknown | sleep 0.1 \\| cat.median |"));
    free(text);
}

static void a_list_of_metrics_can_be_copied_into_a_budget(void **state)
{
    needs_inih(state);
    const struct fixture *fixture = *state;
    const struct tare_view_options options = {.width = 40};
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    assert_int_equal(tare_view_metrics(&fixture->metrics, &options, TARE_FORMAT_TABLE, out), 0);
    assert_int_equal(fclose(out), 0);
    char *rest = strchr(text, '\n') + 1;
    size_t count = 0;
    for (char *line = strsep(&rest, "\n"); line != NULL && *line != '\0'; line = strsep(&rest, "\n"), count++) {
        *(strstr(line, "]  ") + 1) = '\0';
        char *budget_text = NULL;
        assert_true(asprintf(&budget_text, "%s\ninformational = yes\n", line) > 0);
        struct tare_budget *budget = parsed(budget_text);
        assert_string_equal(budget->entries[0].metric, fixture->metrics.metrics[count].name);
        tare_budget_free(budget);
        free(budget_text);
    }
    assert_int_equal(count, fixture->metrics.count);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_budget_is_read_in_its_order),
        cmocka_unit_test(units_are_what_they_say),
        cmocka_unit_test(what_is_wrong_is_told_by_its_line),
        cmocka_unit_test(an_unknown_key_is_told_apart),
        cmocka_unit_test(a_byte_0_and_a_long_line_are_refused),
        cmocka_unit_test(every_name_can_be_written),
        cmocka_unit_test(a_timer_has_its_figures_by_name),
        cmocka_unit_test(an_interval_without_its_sampling_error_is_marked),
        cmocka_unit_test(the_wall_time_is_the_median_of_the_common_passes),
        cmocka_unit_test(a_benchmark_has_its_figures_by_name),
        cmocka_unit_test(what_follows_from_a_suite_has_names),
        cmocka_unit_test_setup_teardown(a_value_is_judged_by_its_limits, begin, end),
        cmocka_unit_test_setup_teardown(what_is_left_is_a_share_of_the_target, begin, end),
        cmocka_unit_test_setup_teardown(a_ratio_has_the_errors_of_both, begin, end),
        cmocka_unit_test_setup_teardown(what_is_relative_to_nothing_is_unknown, begin, end),
        cmocka_unit_test_setup_teardown(what_cannot_be_judged_is_a_problem_of_the_budget, begin, end),
        cmocka_unit_test(a_name_that_two_metrics_have_is_a_problem),
        cmocka_unit_test_setup_teardown(a_table_says_how_it_stands, begin, end),
        cmocka_unit_test_setup_teardown(a_narrow_terminal_has_names_cut_and_columns_left_out, begin, end),
        cmocka_unit_test_setup_teardown(a_markdown_table_is_not_obeyed, begin, end),
        cmocka_unit_test_setup_teardown(a_list_of_metrics_can_be_copied_into_a_budget, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
