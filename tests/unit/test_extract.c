/* SPDX-License-Identifier: MIT */
/* history/extract.h: which figures of a result become series, under which key, and where they belong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* The above are what cmocka.h needs. */
#include <cmocka.h>
#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "history/extract.h"
#include "record/profile.h"
#include "result/capture.h"
#include "result/json.h"
#include "tests/unit/near.h"
#include "tests/unit/sample_bench.h"
#include "tests/unit/sample_result.h"
#include "tests/unit/sample_telemetry.h"

/* docs/history.md has the bytes that it is of. */
static const char machine_hash[] = "4a05488c49de0af8b89450817c36e288f929fe9d3ccd66d3549093a214a38859";

/* Of structures that own their strings, and are not released here. */
#define TEXT(literal) ((char *)(uintptr_t)(literal))

static const char raw[] = "the bytes\n\0of it";

static struct tare_history_record extracted(const struct tare_result *result, const struct tare_origin *origin)
{
    struct tare_history_record record;
    char message[256];
    int failure = tare_history_extract(result, raw, sizeof raw, origin, &record, message, sizeof message);
    if (failure != 0) {
        fail_msg("%d: %s", failure, message);
    }
    return record;
}

/* The series of that title; NULL: there is none. */
static const struct tare_history_line *find(const struct tare_history_record *record, const char *title)
{
    for (size_t i = 0; i < record->line_count; i++) {
        char *this = tare_history_title(&record->lines[i].series);
        assert_non_null(this);
        bool same = strcmp(this, title) == 0;
        free(this);
        if (same) {
            return &record->lines[i];
        }
    }
    return NULL;
}

static const struct tare_history_point *point_of(const struct tare_history_record *record, const char *title)
{
    const struct tare_history_line *line = find(record, title);
    if (line == NULL) {
        for (size_t i = 0; i < record->line_count; i++) {
            char *this = tare_history_title(&record->lines[i].series);
            print_message("%s\n", this);
            free(this);
        }
        fail_msg("no series '%s'", title);
    }
    assert_int_equal(line->count, 1);
    return &line->points[0];
}

static struct tare_result *measured_bench(void)
{
    struct tare_result *result = sample_bench();
    result->started = sample_string("2025-01-02T03:04:05Z");
    result->tare_version = sample_string("0.1.3");
    for (int part = 0; part < TARE_FINGERPRINT_PARTS; part++) {
        char value[64];
        snprintf(value, sizeof value, "some %s", tare_fingerprint_name((enum tare_fingerprint_part)part));
        result->fingerprint.parts[part] = sample_string(value);
    }
    tare_fingerprint_hash(&result->fingerprint);
    return result;
}

static void set_name(struct tare_result_benchmark *benchmark, const char *bench)
{
    free(benchmark->bench);
    benchmark->bench = sample_string(bench);
}

/* Benchmarks */

static void a_benchmark_gives_its_median_with_all_that_is_known_of_it(void **state)
{
    (void)state;
    static const double values[] = {10, 11, 12, 13, 14, 100};
    struct tare_result *result = measured_bench();
    struct tare_result_arm *arm = sample_bench_values(result, "ring_write/64/2", values, 6);
    struct tare_result_benchmark *benchmark = &result->bench->benchmarks[0];
    set_name(benchmark, "ring_write");
    benchmark->contamination = (struct tare_result_contamination){
        .rounds = 6, .dropped = 1, .steal_ns = 4e6, .wait_ns = 2e6, .measured_ns = 1e8, .wall_ns = 2e8};
    result->environment.cpu_count = 2;
    arm->dropped[5] = true;
    arm->per_op[TARE_PER_OP_SYSCALLS] = 0;
    arm->per_op[TARE_PER_OP_INSTRUCTIONS] = 812;
    arm->per_op[TARE_PER_OP_PAGE_FAULTS] = -4e-6; /* of the process, among its operations */
    arm->per_op[TARE_PER_OP_ALLOCATIONS] = 2e-4;
    arm->bytes_per_op = 64;
    arm->items_per_op = NAN;
    struct tare_result_inner_timer *timer = tare_result_add_inner_timer(arm, "ring", "copy");
    assert_non_null(timer);
    timer->net_ns = 4.5;
    timer->net_error_ns = 0.25;
    timer->calls = 2;

    struct tare_history_record record = extracted(result, NULL);
    const struct tare_history_point *point = point_of(&record, "ring_bench::ring_write/64/2 median");
    assert_true(point->value == arm->summary.median);
    assert_true(point->low == arm->summary.median_low && point->high == arm->summary.median_high);
    assert_int_equal(point->n, 6);
    assert_int_equal(point->value_count, 5); /* without the one that was dropped with its round */
    assert_memory_equal(point->values, values, 5 * sizeof *values);
    assert_int_equal(point->rounds, 6);
    assert_int_equal(point->rounds_dropped, 1);
    assert_near(point->stolen, 0.03, 1e-12);
    assert_true(isnan(point->control_ratio));
    assert_int_equal(point->run, record.run.id);

    const struct tare_history_series *series = &find(&record, "ring_bench::ring_write/64/2 median")->series;
    assert_string_equal(series->suite, "ring_bench");
    assert_string_equal(series->name, "ring_write");
    assert_string_equal(series->arguments, "64/2");
    assert_string_equal(series->unit, "ns");
    assert_string_equal(series->harness, "tare 0.1");
    assert_string_equal(series->settings, "some settings confidence=0.95");
    assert_int_equal(series->better, TARE_BETTER_LOWER);

    assert_true(point_of(&record, "ring_bench::ring_write/64/2 syscalls")->value == 0);
    assert_true(point_of(&record, "ring_bench::ring_write/64/2 instructions")->value == 812);
    assert_true(point_of(&record, "ring_bench::ring_write/64/2 page_faults")->value == 0);
    assert_true(point_of(&record, "ring_bench::ring_write/64/2 allocations")->value == 2e-4);
    point = point_of(&record, "ring_bench::ring_write/64/2 ring::copy.net_avg");
    assert_true(point->value == 4.5 && point->low == 4.25 && point->high == 4.75);
    /* What is unknown is no series, and neither is what another one says already. */
    assert_null(find(&record, "ring_bench::ring_write/64/2 bytes_per_s")); /* the median turned over */
    assert_null(find(&record, "ring_bench::ring_write/64/2 items_per_s"));
    assert_null(find(&record, "ring_bench::ring_write/64/2 cycles"));
    assert_null(find(&record, "ring_bench::ring_write/64/2 mean"));
    assert_int_equal(record.line_count, 6);
    tare_history_record_release(&record);
    tare_result_free(result);
}

static void programs_that_are_compared_have_their_own_series(void **state)
{
    (void)state;
    struct tare_result *result = measured_bench();
    struct tare_result_benchmark *benchmark = sample_bench_compared(result, "ring_write", 100, 1.1);
    set_name(benchmark, "ring_write");
    sample_bench_compare(benchmark, 2, TARE_VERDICT_SLOWER, 1.1, 1.08, 1.12);

    struct tare_history_record record = extracted(result, NULL);
    /* ./old/ring_bench and ./new/ring_bench: the second one is told from the first by more of its path. */
    const struct tare_history_point *a = point_of(&record, "ring_bench::ring_write median");
    const struct tare_history_point *b = point_of(&record, "new/ring_bench::ring_write median");
    assert_near(a->value, 100, 1e-9);
    assert_near(b->value, 110, 1e-9);
    assert_near(a->control_ratio, 1.001, 1e-12);
    assert_near(b->control_low, 0.998, 1e-12);
    assert_near(b->control_high, 1.003, 1e-12);
    const struct tare_history_point *ratio = point_of(&record, "new/ring_bench::ring_write B.ratio");
    assert_true(ratio->value == 1.1 && ratio->low == 1.08 && ratio->high == 1.12);
    const struct tare_history_series *series = &find(&record, "new/ring_bench::ring_write B.ratio")->series;
    assert_string_equal(series->settings, "some settings confidence=0.95 against=ring_bench");
    assert_int_equal(series->better, TARE_BETTER_LOWER);
    assert_int_equal(record.line_count, 3); /* none of the control */
    tare_history_record_release(&record);
    tare_result_free(result);
}

/* tare bench --vs-rev: A is the other revision, B the program as it is. */
static void another_revision_has_no_point_in_this_commit(void **state)
{
    (void)state;
    struct tare_result *result = measured_bench();
    struct tare_result *alone = measured_bench();
    struct tare_result_benchmark *benchmark = sample_bench_compared(result, "ring_write", 100, 1.1);
    set_name(benchmark, "ring_write");
    for (size_t i = 0; i < 3; i++) {
        free(benchmark->arms[i].what);
        benchmark->arms[i].what = sample_string("./ring_bench");
    }
    benchmark->arms[0].revision = sample_string("0123456789012345678901234567890123456789");
    benchmark->arms[1].revision = sample_string("0123456789012345678901234567890123456789");
    sample_bench_compare(benchmark, 2, TARE_VERDICT_SLOWER, 1.1, 1.08, 1.12);
    set_name(sample_bench_single(alone, "ring_write", 110), "ring_write");

    struct tare_history_record record = extracted(result, NULL);
    struct tare_history_record other = extracted(alone, NULL);
    assert_near(point_of(&record, "ring_bench::ring_write median")->value, 110, 1e-9);
    point_of(&record, "ring_bench::ring_write B.ratio");
    assert_int_equal(record.line_count, 2);
    /* It goes on where the program was measured alone. */
    assert_int_equal(find(&record, "ring_bench::ring_write median")->series.id,
                     find(&other, "ring_bench::ring_write median")->series.id);
    tare_history_record_release(&record);
    tare_history_record_release(&other);
    tare_result_free(result);
    tare_result_free(alone);
}

static void commands_go_by_their_lines_or_the_name_given(void **state)
{
    (void)state;
    for (int chosen = 0; chosen <= 1; chosen++) {
        struct tare_result *result = measured_bench();
        struct tare_result_benchmark *benchmark =
            sample_bench_compared(result, chosen ? "sorting" : "sort a", 100, 1.1);
        static const char *const what[] = {"sort a", "sort a", "sort -S1M a"};
        benchmark->command = true;
        for (size_t i = 0; i < 3; i++) {
            free(benchmark->arms[i].what);
            benchmark->arms[i].what = sample_string(what[i]);
        }
        struct tare_history_record record = extracted(result, NULL);
        assert_near(point_of(&record, chosen ? "sorting median" : "sort a median")->value, 100, 1e-9);
        assert_near(point_of(&record, chosen ? "sort -S1M a::sorting median" : "sort -S1M a median")->value,
                    110, 1e-9);
        assert_int_equal(record.line_count, 2);
        tare_history_record_release(&record);
        tare_result_free(result);
    }
}

static void growth_is_kept(void **state)
{
    (void)state;
    struct tare_result *result = measured_bench();
    set_name(sample_bench_single(result, "ring_write/64", 110), "ring_write");
    struct tare_result_growth *growth = tare_result_add_growth(result->bench, "ring_write");
    assert_non_null(growth);
    growth->growth.exponent = 1.02;
    struct tare_history_record record = extracted(result, NULL);
    assert_true(point_of(&record, "ring_bench::ring_write arg1.exponent")->value == 1.02);
    tare_history_record_release(&record);
    tare_result_free(result);
}

/* Runs of programs */

static struct tare_result *measured_run(void)
{
    struct tare_result *result = sample_result_table();
    result->started = sample_string("2025-01-02T03:04:05.678+01:00");
    result->tare_version = sample_string("1.12.0-rc1");
    result->command = calloc(4, sizeof *result->command);
    assert_non_null(result->command);
    result->command[0] = sample_string("./build/foo");
    result->command[1] = sample_string("--size=64");
    result->command[2] = sample_string("/tmp/tmp.a1b2/in.txt");
    result->cpu_ns = 2e9;
    result->measuring_share = 0.02;
    for (int i = 0; i < 3; i++) {
        struct tare_result_pass *pass = tare_result_add_pass(result);
        assert_non_null(pass);
        pass->wall_ns = 1e9 + i * 1e8;
        pass->end = TARE_END_EXITED;
    }
    return result;
}

static void a_run_gives_its_timers_and_the_program(void **state)
{
    (void)state;
    struct tare_result *result = measured_run();
    struct tare_history_record record = extracted(result, NULL);
    const struct tare_history_point *point = point_of(&record, "fdtables::close_virtualfd net_avg");
    assert_true(point->value == 101.0);
    assert_int_equal(point->n, 1000);
    assert_true(point_of(&record, "fdtables::close_virtualfd calls")->value == 1000 / 3.0); /* of one pass */
    assert_true(point_of(&record, "fdtables::close_virtualfd p50")->value == 99.5);
    point = point_of(&record, "foo wall");
    assert_true(point->value == 1.1e9);
    assert_int_equal(point->value_count, 3);
    assert_true(point_of(&record, "foo cpu")->value == 2e9 / 3);
    assert_true(point_of(&record, "foo measuring_share")->value == 0.02);
    assert_null(find(&record, "fdtables::never net_avg"));
    assert_null(find(&record, "fdtables::never calls"));
    const struct tare_history_series *series = &find(&record, "fdtables::close_virtualfd net_avg")->series;
    assert_string_equal(series->harness, "tare 1.12");
    assert_string_equal(series->settings, "run program=foo arguments=--size=64 in.txt");
    assert_string_equal(series->fingerprint, "");
    assert_int_equal(record.run.started_ms, INT64_C(1735783445678));
    assert_string_equal(record.run.tool, "tare 1.12.0-rc1");
    assert_string_equal(record.run.kind, "run");
    assert_string_equal(record.run.project, "default");
    tare_history_record_release(&record);
    tare_result_free(result);
}

/* --repeat is no setting: a series goes on with another number of passes. */
static void sums_are_of_one_pass_whatever_their_number(void **state)
{
    (void)state;
    for (size_t passes = 1; passes <= 4; passes++) {
        struct tare_result *result = measured_run();
        result->pass_count = 0;
        for (size_t i = 0; i < passes + 2; i++) {
            struct tare_result_pass *pass = tare_result_add_pass(result);
            assert_non_null(pass);
            pass->wall_ns = 1e9;
            pass->end = TARE_END_EXITED;
            /* In these the figures of one timer were taken, and nothing was added to the others. */
            pass->only = i >= passes ? sample_string("fdtables::close_virtualfd") : NULL;
        }
        result->cpu_ns = 1.5e9 * (double)passes;
        for (size_t i = 0; i < result->timer_count; i++) {
            if (strcmp(result->timers[i].name, "close_virtualfd") == 0) {
                result->timers[i].figures.calls = 9997 * passes;
            }
        }
        assert_null(result->instruments);
        result->instruments = calloc(1, sizeof *result->instruments);
        assert_non_null(result->instruments);
        result->instrument_count = 1;
        struct tare_instrument_figures *counter = &result->instruments[0];
        counter->kind = TARE_KIND_COUNTER;
        counter->module = sample_string("ring");
        counter->name = sample_string("bytes");
        counter->total.known = true;
        counter->total.total = 640 * passes;

        struct tare_history_record record = extracted(result, NULL);
        assert_true(point_of(&record, "fdtables::close_virtualfd calls")->value == 9997);
        assert_true(point_of(&record, "foo cpu")->value == 1.5e9);
        assert_true(point_of(&record, "ring::bytes total")->value == 640);
        tare_history_record_release(&record);
        tare_result_free(result);
    }
}

static void what_was_cut_off_has_no_totals(void **state)
{
    (void)state;
    for (int how = 0; how < 3; how++) {
        struct tare_result *result = measured_run();
        if (how == 0) {
            result->incomplete = true;
        } else if (how == 1) {
            result->passes[1].end = TARE_END_TIMEOUT;
        } else {
            free(result->kind);
            result->kind = sample_string("attach");
        }
        struct tare_history_record record = extracted(result, NULL);
        point_of(&record, "fdtables::close_virtualfd net_avg");
        assert_null(find(&record, "fdtables::close_virtualfd calls"));
        assert_null(find(&record, "foo wall"));
        assert_null(find(&record, "foo cpu"));
        tare_history_record_release(&record);
        tare_result_free(result);
    }
}

static void other_arguments_are_another_series_and_long_ones_are_cut(void **state)
{
    (void)state;
    int64_t ids[3];
    for (int i = 0; i < 3; i++) {
        struct tare_result *result = measured_run();
        char text[1000];
        memset(text, 'x', sizeof text);
        snprintf(text + 900, 100, "%d", i);
        free(result->command[1]);
        result->command[1] = sample_string(i < 2 ? text : "--size=65");
        struct tare_history_record record = extracted(result, NULL);
        const struct tare_history_line *line = find(&record, "foo wall");
        ids[i] = line->series.id;
        assert_true(strlen(line->series.settings) < 300);
        tare_history_record_release(&record);
        tare_result_free(result);
    }
    assert_true(ids[0] != ids[1] && ids[1] != ids[2]);
}

static void every_figure_of_a_full_result_is_finite(void **state)
{
    (void)state;
    struct tare_result *result = sample_result_full();
    struct tare_history_record record = extracted(result, NULL);
    assert_true(record.line_count > 3);
    for (size_t i = 0; i < record.line_count; i++) {
        assert_true(isfinite(record.lines[i].points[0].value));
        assert_true(record.lines[i].series.id == tare_history_series_id(&record.lines[i].series));
    }
    tare_history_record_release(&record);
    tare_result_free(result);
}

/* Others */

static void a_profile_gives_shares_of_its_hottest_functions(void **state)
{
    (void)state;
    struct tare_result *result = sample_result_table();
    free(result->kind);
    result->kind = sample_string("profile");
    result->started = sample_string("2025-01-02T03:04:05Z");
    struct tare_profile *profile = result->profile = tare_profile_new();
    assert_non_null(profile);
    profile->unit = sample_string("samples");
    static const char *const names[] = {"hot", "warm", "cold"};
    static const unsigned times[] = {700, 296, 4};
    for (size_t i = 0; i < 3; i++) {
        char name[8];
        snprintf(name, sizeof name, "%s", names[i]);
        const struct tare_profile_frame frame = {.function = name, .object = TARE_PROFILE_NONE};
        uint32_t node = tare_profile_node(profile, TARE_PROFILE_NONE, tare_profile_frame(profile, &frame));
        for (unsigned k = 0; k < times[i]; k++) {
            const struct tare_profile_sample sample = {.time_ns = NAN,
                                                       .weight = 1,
                                                       .node = node,
                                                       .thread = TARE_PROFILE_NONE,
                                                       .timer = TARE_PROFILE_NONE};
            assert_int_equal(tare_profile_add(profile, &sample), 0);
        }
    }
    struct tare_history_record record = extracted(result, NULL);
    const struct tare_history_point *point = point_of(&record, "foo::hot self_share");
    assert_near(point->value, 0.7, 1e-12);
    /* Wilson's interval for 700 of 1,000, as stats/interval.h has it. */
    assert_near(point->low, 0.67089, 1e-4);
    assert_near(point->high, 0.72758, 1e-4);
    assert_int_equal(point->n, 1000);
    assert_near(point_of(&record, "foo::warm self_share")->value, 0.296, 1e-12);
    assert_null(find(&record, "foo::cold self_share"));
    assert_true(point_of(&record, "foo samples")->value == 1000);
    tare_history_record_release(&record);
    tare_result_free(result);
}

static void counters_come_with_the_values_of_the_runs(void **state)
{
    (void)state;
    struct tare_result *result = sample_result_table();
    free(result->kind);
    result->kind = sample_string("stat");
    result->started = sample_string("2025-01-02T03:04:05Z");
    struct tare_result_stat *stat = result->stat = tare_result_stat_new();
    assert_non_null(stat);
    stat->runs = 3;
    stat->rows = calloc(3, sizeof *stat->rows);
    assert_non_null(stat->rows);
    stat->row_count = 3;
    static const struct {
        const char *name, *unit;
        double value, error;
        bool user_only;
    } rows[] = {{"instructions", NULL, 1000, 5, true},
                {"wall", "ns", 2e9, NAN, false},
                {"cycles", NULL, NAN, NAN, false}};
    for (size_t i = 0; i < 3; i++) {
        struct tare_result_stat_row *row = &stat->rows[i];
        row->name = sample_string(rows[i].name);
        row->source = sample_string("kernel");
        row->unit = rows[i].unit != NULL ? sample_string(rows[i].unit) : NULL;
        row->value = rows[i].value;
        row->error = rows[i].error;
        row->user_only = rows[i].user_only;
        row->values = calloc(3, sizeof *row->values);
        assert_non_null(row->values);
        for (size_t k = 0; k < 3; k++) {
            row->values[k] = i == 1 && k == 2 ? NAN : rows[i].value + (double)k;
        }
    }
    struct tare_history_record record = extracted(result, NULL);
    const struct tare_history_point *point = point_of(&record, "foo instructions");
    assert_true(point->value == 1000 && point->low == 995 && point->high == 1005);
    assert_int_equal(point->n, 3);
    assert_int_equal(point->value_count, 3);
    assert_true(point->values[2] == 1002);
    assert_string_equal(find(&record, "foo instructions")->series.settings, "stat program=foo user_only");
    assert_string_equal(find(&record, "foo instructions")->series.unit, "count");
    point = point_of(&record, "foo wall");
    assert_true(isnan(point->low));
    assert_int_equal(point->value_count, 0); /* one of them is unknown */
    assert_null(find(&record, "foo cycles"));
    tare_history_record_release(&record);
    tare_result_free(result);
}

static struct tare_instrument_figures *of_kind(struct tare_telemetry *telemetry, enum tare_kind kind)
{
    for (size_t i = 0; i < telemetry->processes[0].instrument_count; i++) {
        if (telemetry->processes[0].instruments[i].kind == kind) {
            return &telemetry->processes[0].instruments[i];
        }
    }
    fail_msg("the sample has no such instrument");
    return NULL;
}

static const struct tare_history_point *point_of_instrument(const struct tare_history_record *record,
                                                            const struct tare_instrument_figures *instrument,
                                                            const char *metric)
{
    char title[300];
    const char *labels = instrument->labels != NULL ? instrument->labels : "";
    snprintf(title, sizeof title, "%s::%s%s%s %s", instrument->module, instrument->name,
             labels[0] != '\0' ? "/" : "", labels, metric);
    return point_of(record, title);
}

static void a_capture_gives_what_came_while_it_lasted(void **state)
{
    (void)state;
    struct tare_telemetry telemetry;
    sample_telemetry(&telemetry);
    struct tare_capture *capture = tare_capture_new(NULL);
    assert_non_null(capture);
    struct tare_instrument_figures *timer = of_kind(&telemetry, TARE_KIND_TIMER);
    struct tare_instrument_figures *counter = of_kind(&telemetry, TARE_KIND_COUNTER);
    double resident = telemetry.processes[0].resident_bytes;
    for (int i = 0; i < 3; i++) {
        assert_int_equal(tare_capture_add(capture, &telemetry), 0);
        telemetry.unix_ns += 1e9;
        telemetry.monotonic_ns += 1e9;
        timer->total.net_total_ns += 5000;
        timer->total.distribution.count += 100;
        counter->rolling.per_s += 10;
        telemetry.processes[0].resident_bytes += i == 0 ? 4096 : -8192;
    }
    struct tare_result *result = tare_capture_result(capture);
    assert_non_null(result);
    struct tare_history_record record = extracted(result, NULL);
    const struct tare_history_point *point = point_of_instrument(&record, timer, "net_avg");
    assert_near(point->value, 50, 1e-6);
    assert_int_equal(point->n, 200);
    assert_near(point_of_instrument(&record, counter, "per_s")->value, counter->rolling.per_s - 20, 1e-6);
    assert_true(point_of(&record, "game resident_peak")->value == resident + 4096);
    assert_null(find(&record, "game wall"));
    tare_history_record_release(&record);
    tare_result_free(result);
    tare_telemetry_release(&telemetry);
}

/* Where it belongs */

static struct tare_origin sample_origin(void)
{
    return (struct tare_origin){
        .project = TEXT("engine"),
        .branch = TEXT("main"),
        .link = TEXT("https://ci.example.org/jobs/9"),
        .has_commit = true,
        .commit = {.id = TEXT("0123abc"),
                   .parents = TEXT("fedc987"),
                   .time_s = 1700000000,
                   .ordinal = 42,
                   .subject = TEXT("ring: no copy"),
                   .link = TEXT("https://example.org/commit/0123abc")},
        .dirty = 0,
    };
}

static void the_origin_says_what_the_result_does_not(void **state)
{
    (void)state;
    struct tare_result *result = measured_run();
    struct tare_origin origin = sample_origin();
    struct tare_history_record record = extracted(result, &origin);
    assert_true(record.has_commit);
    assert_string_equal(record.commit.id, "0123abc");
    assert_string_equal(record.commit.parents, "fedc987");
    assert_int_equal(record.commit.ordinal, 42);
    assert_int_equal(record.commit.time_s, 1700000000);
    assert_string_equal(record.commit.link, "https://example.org/commit/0123abc");
    assert_string_equal(record.run.project, "engine");
    assert_string_equal(record.run.commit, "0123abc");
    assert_string_equal(record.run.branch, "main");
    assert_string_equal(record.run.link, "https://ci.example.org/jobs/9");
    assert_int_equal(record.run.dirty, 0);
    assert_string_equal(record.lines[0].series.project, "engine");
    tare_history_record_release(&record);
    tare_result_free(result);
}

static void a_result_that_names_its_commit_keeps_it(void **state)
{
    (void)state;
    struct tare_result *result = sample_result_full();
    struct tare_origin origin = sample_origin();
    struct tare_history_record record =
        extracted(result, &origin); /* the same commit: the origin knows more of it */
    assert_int_equal(record.commit.ordinal, 42);
    assert_string_equal(record.commit.parents, "fedc987");
    assert_string_equal(record.run.branch, "wip/ring");
    assert_string_equal(record.run.link, "https://ci.example.org/jobs/7");
    assert_int_equal(record.run.dirty, 1);
    tare_history_record_release(&record);

    free(result->environment.commit);
    free(result->environment.branch); /* as for tare history add --commit: the branch was another one's */
    result->environment.commit = result->environment.branch = NULL;
    record = extracted(result, &origin);
    assert_string_equal(record.commit.id, "0123abc");
    assert_string_equal(record.run.branch, "main");
    tare_history_record_release(&record);

    result->environment.commit = sample_string("aaaabbbb");
    free(result->environment.commit_subject);
    result->environment.commit_subject = sample_string("a \x1b[31m\xff b");
    record = extracted(result, &origin);
    assert_string_equal(record.commit.id, "aaaabbbb");
    assert_string_equal(record.commit.parents, "0123abb fedc987");
    assert_int_equal(record.commit.time_s, 1735787045);
    assert_string_equal(record.commit.subject, "a ?[31m? b");
    assert_int_equal(record.commit.ordinal, TARE_HISTORY_UNKNOWN);
    assert_null(record.commit.link);
    tare_history_record_release(&record);
    tare_result_free(result);
}

static void what_is_no_commit_and_no_link_is_left_out(void **state)
{
    (void)state;
    struct tare_result *result = sample_result_full();
    struct tare_environment *environment = &result->environment;
    free(environment->commit);
    environment->commit = sample_string("<script>");
    free(environment->job_link);
    environment->job_link = sample_string("javascript:alert(1)");
    struct tare_history_record record = extracted(result, NULL);
    assert_false(record.has_commit);
    assert_null(record.run.commit);
    assert_null(record.run.link);
    tare_history_record_release(&record);

    free(environment->commit);
    environment->commit = sample_string("abcd1234");
    free(environment->commit_parents);
    environment->commit_parents = sample_string("abcd  ef01");
    record = extracted(result, NULL);
    assert_true(record.has_commit);
    assert_null(record.commit.parents);
    tare_history_record_release(&record);
    tare_result_free(result);
}

/* Keys, and what is kept with them */

static void the_machine_is_what_is_no_measurement(void **state)
{
    (void)state;
    static const int parts[] = {TARE_FINGERPRINT_KERNEL, TARE_FINGERPRINT_GOVERNOR,
                                TARE_FINGERPRINT_TARE_VERSION, TARE_FINGERPRINT_SETTINGS};
    struct tare_result *result = measured_bench();
    set_name(sample_bench_single(result, "ring_write", 110), "ring_write");
    struct tare_history_record record = extracted(result, NULL);
    /* docs/history.md: the same by jq and sha256sum. */
    assert_string_equal(record.lines[0].series.fingerprint, machine_hash);
    json_t *environment = json_loads(record.run.environment, 0, NULL);
    json_t *fingerprint = json_object_get(environment, "fingerprint");
    assert_string_equal(json_string_value(json_object_get(fingerprint, "hash")), machine_hash);
    assert_string_equal(json_string_value(json_object_get(json_object_get(fingerprint, "parts"), "kernel")),
                        "some kernel");
    assert_int_equal(json_object_size(json_object_get(fingerprint, "parts")), TARE_FINGERPRINT_PARTS - 2);
    json_decref(environment);
    tare_history_record_release(&record);
    for (size_t i = 0; i < 4; i++) {
        char **part = &result->fingerprint.parts[parts[i]];
        char *was = *part;
        *part = sample_string("another");
        record = extracted(result, NULL);
        bool same = strcmp(record.lines[0].series.fingerprint, machine_hash) == 0;
        assert_int_equal(same, i >= 2);
        tare_history_record_release(&record);
        free(*part);
        *part = was;
    }
    tare_result_free(result);
}

static void the_bytes_are_kept_as_they_were(void **state)
{
    (void)state;
    struct tare_result *result = measured_run();
    struct tare_history_record record = extracted(result, NULL);
    assert_int_equal(record.raw_size, sizeof raw);
    assert_memory_equal(record.raw, raw, sizeof raw);
    assert_int_equal(record.run.raw_size, sizeof raw);
    tare_history_record_release(&record);
    tare_result_free(result);
}

static void assert_refused(const struct tare_result *result, const char *expected)
{
    struct tare_history_record record;
    char message[256] = "";
    assert_int_equal(tare_history_extract(result, raw, sizeof raw, NULL, &record, message, sizeof message),
                     -EINVAL);
    assert_string_equal(message, expected);
    tare_history_record_release(&record);
}

static void results_without_a_figure_or_a_time_are_refused(void **state)
{
    (void)state;
    struct tare_result *result = tare_result_new();
    assert_non_null(result);
    result->kind = sample_string("run");
    assert_refused(result, "it does not say when it was measured");
    result->started = sample_string("2025-13-02T03:04:05Z");
    assert_refused(result, "it does not say when it was measured");
    free(result->started);
    result->started = sample_string("2025-12-02T03:04:05Z");
    assert_refused(result, "there is no figure in it that history keeps");
    tare_result_free(result);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_benchmark_gives_its_median_with_all_that_is_known_of_it),
        cmocka_unit_test(programs_that_are_compared_have_their_own_series),
        cmocka_unit_test(another_revision_has_no_point_in_this_commit),
        cmocka_unit_test(commands_go_by_their_lines_or_the_name_given),
        cmocka_unit_test(growth_is_kept),
        cmocka_unit_test(a_run_gives_its_timers_and_the_program),
        cmocka_unit_test(sums_are_of_one_pass_whatever_their_number),
        cmocka_unit_test(what_was_cut_off_has_no_totals),
        cmocka_unit_test(other_arguments_are_another_series_and_long_ones_are_cut),
        cmocka_unit_test(every_figure_of_a_full_result_is_finite),
        cmocka_unit_test(a_profile_gives_shares_of_its_hottest_functions),
        cmocka_unit_test(counters_come_with_the_values_of_the_runs),
        cmocka_unit_test(a_capture_gives_what_came_while_it_lasted),
        cmocka_unit_test(the_origin_says_what_the_result_does_not),
        cmocka_unit_test(a_result_that_names_its_commit_keeps_it),
        cmocka_unit_test(what_is_no_commit_and_no_link_is_left_out),
        cmocka_unit_test(the_machine_is_what_is_no_measurement),
        cmocka_unit_test(the_bytes_are_kept_as_they_were),
        cmocka_unit_test(results_without_a_figure_or_a_time_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
