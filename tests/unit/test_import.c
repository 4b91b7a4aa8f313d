/* SPDX-License-Identifier: MIT */
/*
 * history/import.h: what becomes of the figures in other tools' files, what is refused and how, and that the
 * same file twice is the same record. The texts here were written for these tests after the tools' sources and
 * documentation: of pyperf, asv and github-action-benchmark there is no package in Debian or npm that could
 * make them. Files that the real tools made are in test_import_tools.c.
 */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "history/import.h"
#include "tests/unit/comma_locale.h"
#include "tests/unit/import_files.h"
#include "tests/unit/near.h"

/* ---- Google Benchmark ---- */

#define GOOGLE_CONTEXT                                                                                         \
    "{\"context\":{\"date\":\"2026-11-22T02:20:49+01:00\",\"host_name\":\"%s\",\"executable\":\"./dir/prog\"," \
    "\"num_cpus\":2,\"mhz_per_cpu\":2596,\"cpu_scaling_enabled\":false,\"caches\":[{\"type\":\"Data\","        \
    "\"level\":1,\"size\":32768,\"num_sharing\":1}],\"library_version\":\"v1.8.3\"},\"benchmarks\":[%s]}"

static struct imported google(const char *host, const char *benchmarks)
{
    char *text = NULL;
    assert_true(asprintf(&text, GOOGLE_CONTEXT, host, benchmarks) > 0);
    struct imported imported = import_text(TARE_IMPORT_GUESS, "x.json", text);
    free(text);
    return imported;
}

static void repetitions_of_google_benchmark_become_values(void **state)
{
    (void)state;
    struct imported got =
        google("a", "{\"name\":\"BM_x/64/2\",\"run_name\":\"BM_x/64/2\",\"run_type\":\"iteration\","
                    "\"repetition_index\":0,\"iterations\":10,\"real_time\":3.5,\"cpu_time\":3,"
                    "\"time_unit\":\"us\",\"bytes_per_second\":100,\"errors\":7},"
                    "{\"name\":\"BM_x/64/2\",\"run_name\":\"BM_x/64/2\",\"run_type\":\"iteration\","
                    "\"repetition_index\":1,\"iterations\":10,\"real_time\":2.5,\"cpu_time\":2,"
                    "\"time_unit\":\"us\",\"bytes_per_second\":300,\"errors\":7},"
                    "{\"name\":\"BM_x/64/2_mean\",\"run_name\":\"BM_x/64/2\",\"run_type\":\"aggregate\","
                    "\"aggregate_name\":\"mean\",\"real_time\":99,\"cpu_time\":99,\"time_unit\":\"us\"},"
                    "{\"name\":\"BM_bad\",\"run_name\":\"BM_bad\",\"run_type\":\"iteration\","
                    "\"error_occurred\":true,\"error_message\":\"no\",\"real_time\":1,\"time_unit\":\"ns\"}");
    assert_int_equal(got.failure, 0);
    assert_string_equal(got.message, "left out 1 that failed ('BM_bad')");
    assert_int_equal(got.count, 1);
    const struct tare_history_record *record = &got.records[0];
    assert_int_equal(record->line_count, 4);
    const struct tare_history_line *line = import_line(record, "prog::BM_x/64/2 real_time");
    assert_string_equal(line->series.name, "BM_x");
    assert_string_equal(line->series.arguments, "64/2");
    assert_string_equal(line->series.unit, "ns");
    assert_string_equal(line->series.harness, "google-benchmark 1.8.3");
    assert_int_equal(line->series.better, TARE_BETTER_LOWER);
    assert_int_equal(strlen(line->series.fingerprint), 64);
    assert_near(line->points[0].value, 3000, 1e-9);
    assert_int_equal(line->points[0].n, 2);
    assert_int_equal(line->points[0].value_count, 2);
    assert_near(line->points[0].values[0], 3500, 1e-9); /* in their order */
    assert_true(isnan(line->points[0].low));            /* of two values there is no interval */
    line = import_line(record, "prog::BM_x/64/2 bytes_per_second");
    assert_string_equal(line->series.unit, "bytes/s");
    assert_int_equal(line->series.better, TARE_BETTER_HIGHER);
    assert_near(line->points[0].value, 200, 1e-9);
    line = import_line(record, "prog::BM_x/64/2 errors"); /* a counter: who knows which way is worse */
    assert_int_equal(line->series.better, TARE_BETTER_UNKNOWN);
    assert_int_equal(record->run.started_ms, 1795310449000); /* an hour east of UTC */
    assert_string_equal(record->run.kind, "import");
    imported_release(&got);
}

static void statistics_of_google_benchmark_serve_where_they_are_alone(void **state)
{
    (void)state;
    /* before 1.5 the name alone says what it is */
    struct imported got =
        google("a", "{\"name\":\"BM_a_mean\",\"real_time\":5,\"cpu_time\":5,\"time_unit\":\"ns\"},"
                    "{\"name\":\"BM_b\",\"real_time\":6,\"time_unit\":\"ns\"},"
                    "{\"name\":\"BM_b\",\"real_time\":8,\"time_unit\":\"ns\"},"
                    "{\"name\":\"BM_b_mean\",\"real_time\":70,\"time_unit\":\"ns\"},"
                    "{\"name\":\"BM_c_median\",\"run_name\":\"BM_c\",\"run_type\":\"aggregate\","
                    "\"aggregate_name\":\"median\",\"repetitions\":9,\"real_time\":4,"
                    "\"time_unit\":\"ms\"}");
    assert_int_equal(got.failure, 0);
    const struct tare_history_record *record = &got.records[0];
    assert_near(import_point(record, "prog::BM_a_mean real_time")->value, 5, 0); /* called so itself */
    assert_near(import_point(record, "prog::BM_b real_time")->value, 7, 0);
    assert_false(import_has(record, "prog::BM_b_mean real_time"));
    const struct tare_history_point *point = import_point(record, "prog::BM_c real_time");
    assert_near(point->value, 4e6, 0);
    assert_int_equal(point->n, 9);
    assert_int_equal(point->value_count, 0);
    imported_release(&got);
}

static void machines_are_told_apart_by_hardware_and_not_by_name(void **state)
{
    (void)state;
    static const char one[] = "{\"name\":\"BM\",\"real_time\":1,\"time_unit\":\"ns\"}";
    struct imported a = google("runner-1", one);
    struct imported b = google("runner-2", one);
    const char *first = import_line(&a.records[0], "prog::BM real_time")->series.fingerprint;
    assert_string_equal(first, import_line(&b.records[0], "prog::BM real_time")->series.fingerprint);
    assert_non_null(strstr(a.records[0].run.environment, first));
    assert_int_equal(a.records[0].lines[0].series.id, b.records[0].lines[0].series.id);
    struct imported c = import_text(TARE_IMPORT_GUESS, "x.json",
                                    "{\"context\":{\"num_cpus\":2},\"benchmarks\":[{\"name\":\"BM\","
                                    "\"real_time\":1,\"time_unit\":\"ns\"}]}");
    assert_string_equal(c.records[0].lines[0].series.fingerprint, ""); /* too little is known */
    imported_release(&a);
    imported_release(&b);
    imported_release(&c);
}

static void benchmarks_of_one_name_stay_apart(void **state)
{
    (void)state;
    struct imported got = google("a", "{\"name\":\"BM\",\"run_type\":\"iteration\",\"repetition_index\":0,"
                                      "\"real_time\":1,\"time_unit\":\"ns\"},"
                                      "{\"name\":\"BM\",\"run_type\":\"iteration\",\"repetition_index\":1,"
                                      "\"real_time\":3,\"time_unit\":\"ns\"},"
                                      "{\"name\":\"BM\",\"run_type\":\"iteration\",\"repetition_index\":0,"
                                      "\"real_time\":10,\"time_unit\":\"ns\"}");
    assert_near(import_point(&got.records[0], "prog::BM real_time")->value, 2, 0);
    assert_near(import_point(&got.records[0], "prog::BM#2 real_time")->value, 10, 0);
    imported_release(&got);
}

static void what_google_benchmark_cannot_have_meant_is_unknown_or_refused(void **state)
{
    (void)state;
    struct imported got = google("a", "{\"name\":\"BM\",\"real_time\":NaN,\"cpu_time\":Infinity,"
                                      "\"time_unit\":\"ns\",\"rate\":-Infinity,\"good\":1},"
                                      "{\"name\":\"NaN and \\\"Infinity\\\"\",\"real_time\":-1,\"cpu_time\":2,"
                                      "\"time_unit\":\"ns\"}");
    assert_int_equal(got.failure, 0);
    assert_int_equal(got.records[0].line_count, 2);
    assert_near(import_point(&got.records[0], "prog::BM good")->value, 1, 0);
    assert_near(import_point(&got.records[0], "prog::NaN and \"Infinity\" cpu_time")->value, 2, 0);
    imported_release(&got);
    assert_refused(google("a", "{\"name\":\"BM\",\"real_time\":1,\"time_unit\":\"years\"}"), "time_unit");
    assert_refused(google("a", "{\"name\":\"BM\",\"real_time\":\"1\",\"time_unit\":\"ns\"}"),
                   "'real_time' of 'BM' is not a number");
    assert_refused(google("a", "{\"real_time\":1}"), "'benchmarks[0].name' is missing");
    assert_refused(google("a", "7"), "'benchmarks[0]' is not an object");
    assert_refused(google("a", "{\"name\":\"BM\",\"name\":\"BN\"}"), "not JSON that can be read");
    assert_refused(google("a", ""), "no figures");
    assert_refused(google("a", "{\"name\":\"BM\",\"error_occurred\":true}"), "left out 1 that failed ('BM')");
}

/* ---- hyperfine ---- */

static void runs_of_hyperfine_that_failed_do_not_count(void **state)
{
    (void)state;
    struct imported got = import_text(
        TARE_IMPORT_GUESS, "-",
        "{\"results\":[{\"command\":\"sleep {t}\",\"mean\":0.2,\"stddev\":null,\"median\":0.2,\"user\":0.001,"
        "\"system\":0.002,\"min\":0.1,\"max\":0.9,\"times\":[0.1,0.9,0.3],\"exit_codes\":[0,1,0],"
        "\"memory_usage_byte\":[1000,5000,3000],\"parameters\":{\"t\":\"0.2\",\"n\":4}},"
        "{\"command\":\"crash\",\"times\":[0.5,0.7],\"exit_codes\":[null,null]},"
        "{\"command\":\"fine\",\"user\":0.001,\"times\":[0.5],\"exit_codes\":[0]}]}");
    assert_int_equal(got.failure, 0);
    assert_string_equal(got.message,
                        "left out the failed runs of 1 ('sleep {t}'); kept apart 1 of which every run "
                        "failed ('crash')");
    const struct tare_history_record *record = &got.records[0];
    const struct tare_history_point *point = import_point(record, "sleep {t}/t=0.2/n=4 median");
    assert_near(point->value, 0.2e9, 1);
    assert_int_equal(point->rounds, 3);
    assert_int_equal(point->rounds_dropped, 1);
    assert_false(import_has(record, "sleep {t}/t=0.2/n=4 user")); /* a mean over the failed one, too */
    assert_near(import_point(record, "sleep {t}/t=0.2/n=4 peak_memory")->value, 2000, 0);
    assert_string_equal(import_line(record, "crash median")->series.settings, "exit=failure");
    assert_string_equal(import_line(record, "fine median")->series.settings, "");
    assert_near(import_point(record, "fine user")->value, 1e6, 1e-6);
    assert_int_equal(record->run.started_ms, IMPORT_WHEN_MS); /* the file does not say */
    imported_release(&got);
    assert_refused(
        import_text(TARE_IMPORT_HYPERFINE, "-", "{\"results\":[{\"command\":\"x\",\"times\":[-1]}]}"),
        "'results[0].times[0]' is not a number that can be");
    assert_refused(
        import_text(TARE_IMPORT_HYPERFINE, "-", "{\"results\":[{\"command\":\"x\",\"times\":[1e30]}]}"),
        "'results[0].times[0]'");
    assert_refused(import_text(TARE_IMPORT_HYPERFINE, "-",
                               "{\"results\":[{\"command\":\"x\",\"times\":[1],\"exit_codes\":[0,0]}]}"),
                   "exit_codes");
    assert_refused(import_text(TARE_IMPORT_HYPERFINE, "-", "{\"results\":[]}"), "no figures");
    assert_refused(import_text(TARE_IMPORT_HYPERFINE, "-", "{}"), "'results' is missing");
}

/* ---- pyperf ---- */

static const char pyperf_file[] =
    "{\"benchmarks\":[{\"metadata\":{\"name\":\"bench\",\"loops\":64},\"runs\":["
    "{\"metadata\":{\"date\":\"2020-10-13 10:12:20.476957\",\"calibrate_loops\":64},\"warmups\":[[1,2.1e-06]]},"
    "{\"metadata\":{\"date\":\"2020-10-13 10:12:21.1\"},\"values\":[1e-6,3e-6],\"warmups\":[[64,9e-6]]},"
    "{\"values\":[4e-6,4e-6]}]},"
    "{\"metadata\":{\"name\":\"memory\",\"unit\":\"byte\"},\"runs\":[{\"values\":[1000]}]},"
    "{\"metadata\":{\"name\":\"calibrated\"},\"runs\":[{\"warmups\":[[1,1e-6]]}]}],"
    "\"metadata\":{\"cpu_model_name\":\"CPU X\",\"cpu_count\":8,\"hostname\":\"h\",\"perf_version\":\"1.7.0\","
    "\"platform\":\"Linux-5\",\"commit_id\":\"0123456789ABCDEF0123456789abcdef01234567\"},\"version\":\"1.0\"}";

static void processes_of_pyperf_become_values(void **state)
{
    (void)state;
    struct imported got = import_text(TARE_IMPORT_GUESS, "b.json", pyperf_file);
    assert_int_equal(got.failure, 0);
    assert_string_equal(got.message, "left out 1 without a value ('calibrated')");
    const struct tare_history_record *record = &got.records[0];
    const struct tare_history_line *line = import_line(record, "bench mean");
    const struct tare_history_point *point = &line->points[0];
    assert_near(point->value, 3000, 1e-9);
    assert_int_equal(point->n, 4);
    assert_int_equal(point->value_count, 2);
    assert_near(point->values[0], 2000, 1e-9);
    assert_near(point->values[1], 4000, 1e-9);
    /* Student's t with 1 degree of freedom: 12.706 standard errors, of 1000 */
    assert_near(point->high - point->value, 12706.2, 0.1);
    assert_string_equal(line->series.harness, "pyperf 1.7.0");
    assert_string_equal(import_line(record, "memory mean")->series.unit, "bytes");
    assert_int_equal(record->run.started_ms, 1602583940476); /* calibration is the beginning */
    assert_string_equal(record->run.commit, "0123456789abcdef0123456789abcdef01234567");
    imported_release(&got);
    assert_refused(import_text(TARE_IMPORT_PYPERF, "b.json", "{\"version\":1,\"benchmarks\":[]}"), "convert");
    assert_refused(import_text(TARE_IMPORT_PYPERF, "b.json",
                               "{\"version\":\"1.0\",\"benchmarks\":[{\"metadata\":{\"name\":\"x\"},\"runs\":"
                               "[{\"values\":[1,0]}]}]}"),
                   "'benchmarks[0].runs[0].values[1]'");
    assert_refused(import_text(TARE_IMPORT_PYPERF, "b.json",
                               "{\"version\":6,\"benchmarks\":[{\"runs\":[{\"values\":[1]}]}]}"),
                   "'benchmarks[0]' has no name");
}

/* ---- asv ---- */

static const char asv_machine[] = "\"params\":{\"arch\":\"x86_64\",\"cpu\":\"CPU X\",\"machine\":\"cheetah\","
                                  "\"os\":\"Linux\",\"ram\":\"8G\",\"numpy\":\"1.8\",\"python\":\"3.8\"}";

static void both_versions_of_asv_are_read(void **state)
{
    (void)state;
    char text[4096];
    snprintf(text, sizeof text,
             "{\"commit_hash\":\"fcf8c079fae7ebad9f27bd31a819f0e4fdd85b99\",\"env_name\":\"virtualenv-py3.8\","
             "\"date\":1367127519000,%s,\"result_columns\":[\"result\",\"params\",\"version\",\"started_at\","
             "\"duration\",\"stats_ci_99_a\",\"stats_ci_99_b\",\"stats_q_25\",\"stats_q_75\",\"stats_number\","
             "\"stats_repeat\",\"samples\",\"profile\"],\"results\":{"
             "\"mod.Suite.time_x\":[[1.5e-6,null,NaN,4e-6],[[\"1\",\"2\"],[\"'a'\",\"'b'\"]],\"v123\","
             "1367127600000,2.5,[1e-6,null,null,-Infinity],[2e-6,null,null,Infinity],[1e-6,null,null,1e-6],"
             "[1e-6,null,null,1e-6],[10,null,null,10],[5,null,null,1],[[1e-6,2e-6],null,null,null]],"
             "\"mod.mem_y\":[[344],[],\"v2\"],\"track_z\":[[-2.5],[]],\"mod.time_failed\":[null,[]]},"
             "\"version\":2}",
             asv_machine);
    struct imported got =
        import_text(TARE_IMPORT_GUESS, "results/cheetah/fcf8c079-virtualenv-py3.8.json", text);
    assert_int_equal(got.failure, 0);
    assert_string_equal(got.message, "left out 3 that failed or was skipped ('mod.Suite.time_x' and others)");
    const struct tare_history_record *record = &got.records[0];
    const struct tare_history_line *line = import_line(record, "mod.Suite::time_x/1/'a' median");
    assert_near(line->points[0].value, 1500, 1e-9);
    assert_near(line->points[0].low, 1000, 1e-9);
    assert_near(line->points[0].high, 2000, 1e-9);
    assert_int_equal(line->points[0].n, 2);
    assert_near(line->points[0].values[1], 2000, 1e-9);
    assert_non_null(strstr(line->series.settings, "env=virtualenv-py3.8"));
    assert_non_null(strstr(line->series.settings, "code=v123"));
    /* the last parameter changes fastest: 1/'b' failed, 2/'a' was skipped */
    assert_near(import_point(record, "mod.Suite::time_x/2/'b' median")->value, 4000, 1e-9);
    assert_true(isnan(import_point(record, "mod.Suite::time_x/2/'b' median")->low));
    assert_int_equal(record->line_count, 4);
    assert_string_equal(import_line(record, "mod::mem_y memory")->series.unit, "bytes");
    assert_near(import_point(record, "track_z value")->value, -2.5, 0);
    assert_int_equal(import_line(record, "track_z value")->series.better, TARE_BETTER_UNKNOWN);
    assert_string_equal(record->run.commit, "fcf8c079fae7ebad9f27bd31a819f0e4fdd85b99");
    assert_int_equal(record->commit.time_s, 1367127519);
    assert_int_equal(record->run.started_ms, 1367127600000);
    char *fingerprint = strdup(line->series.fingerprint);
    imported_release(&got);

    snprintf(text, sizeof text,
             "{\"commit_hash\":\"fcf8c079fae7ebad9f27bd31a819f0e4fdd85b99\",\"date\":1367127519000,%s,"
             "\"python\":\"2.7\",\"requirements\":{\"numpy\":\"1.8\"},\"results\":{\"time_a\":0.25,"
             "\"time_b\":null,\"time_c\":NaN,\"time_e\":{\"params\":[]},\"time_d\":{\"params\":[[\"1\",\"2\"]],"
             "\"result\":[1,null],"
             "\"stats\":[{\"ci_99\":[0.5,1.5],\"repeat\":7,\"number\":1},null]}},\"version\":1}",
             asv_machine);
    got = import_text(TARE_IMPORT_GUESS, "r.json", text);
    assert_int_equal(got.failure, 0);
    assert_string_equal(got.message, "left out 4 that failed or was skipped ('time_b' and others)");
    record = &got.records[0];
    assert_int_equal(record->line_count, 2);
    assert_near(import_point(record, "time_a median")->value, 0.25e9, 1e-3);
    assert_near(import_point(record, "time_d/1 median")->high, 1.5e9, 1e-3);
    assert_int_equal(import_point(record, "time_d/1 median")->n, 7);
    assert_string_equal(record->lines[0].series.fingerprint, fingerprint);
    free(fingerprint);
    imported_release(&got);
}

static void what_asv_cannot_have_written_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *rest, *why;
    } files[] = {
        {"\"results\":{\"time_a\":[[1,2],[[\"1\"]]]}", "one value for each combination"},
        {"\"results\":{\"time_a\":[[1],[[]]]}", "one value for each combination"},
        {"\"results\":{\"time_a\":[[1],7]}", "not an array"},
        {"\"results\":{\"time_a\":7}", "'results.time_a' is not an array"},
        {"\"results\":{\"time_a\":[[\"x\"]]}", "not a number"},
        {"\"results\":7", "'results' is not an object"},
        {"\"version\":3,\"results\":{}", "version 3"},
        {"\"results\":{\"time_a\":[[-1]]}", "whose value is no number that can be"},
    };
    for (size_t i = 0; i < COUNT(files); i++) {
        char text[512];
        snprintf(text, sizeof text,
                 "{\"commit_hash\":\"abcdef\",\"result_columns\":[\"result\",\"params\"],%s}", files[i].rest);
        assert_refused(import_text(TARE_IMPORT_ASV, "r.json", text), files[i].why);
    }
    /* 100 x 100 x ... combinations: counted, not walked */
    char text[8192] = "{\"commit_hash\":\"abcdef\",\"result_columns\":[\"result\",\"params\"],\"results\":"
                      "{\"time_a\":[[1],[";
    for (int i = 0; i < 40; i++) {
        strcat(text, i > 0 ? ",[" : "[");
        for (int k = 0; k < 50; k++) {
            strcat(text, k > 0 ? ",1" : "1");
        }
        strcat(text, "]");
    }
    strcat(text, "]]}}");
    assert_refused(import_text(TARE_IMPORT_ASV, "r.json", text), "one value for each combination");
}

/* ---- criterion ---- */

static void criterion_without_its_name_is_called_after_its_folder(void **state)
{
    (void)state;
    static const char estimates[] =
        "{\"mean\":{},\"median\":{\"confidence_interval\":{\"confidence_level\":0.99,\"lower_bound\":9.5,"
        "\"upper_bound\":11},\"point_estimate\":10,\"standard_error\":0.1},\"slope\":null}";
    struct imported got =
        import_text(TARE_IMPORT_GUESS, "target/criterion/group/bench/new/estimates.json", estimates);
    assert_int_equal(got.failure, 0);
    const struct tare_history_line *line = import_line(&got.records[0], "group/bench median");
    assert_near(line->points[0].value, 10, 0);
    assert_near(line->points[0].low, 9.5, 0);
    assert_string_equal(line->series.settings, "interval=99.00%");
    imported_release(&got);
    assert_refused(import_text(TARE_IMPORT_CRITERION, "x",
                               "{\"median\":{\"point_estimate\":-1,"
                               "\"confidence_interval\":{\"confidence_level\":0.9}}}"),
                   "'median.point_estimate' is not a time that can be");
}

/* ---- perf stat ---- */

static void counts_of_perf_stat_are_read_with_any_separator(void **state)
{
    (void)state;
    static const char with_commas[] = "# started on Sun Nov 22 02:36:22 2026\n\n"
                                      "0.50,msec,task-clock,14.00%,496681,100.00,0.446,CPUs utilized\n"
                                      "<not supported>,,cycles,0.00%,0,100.00,,\n"
                                      "<not counted>,,branches:u,0.00%,0,100.00,,\n"
                                      "120,,cpu/event=0x3c,umask=0x1/u,1.00%,496681,25.00,,\n"
                                      ",,,,,,0.5,insn per cycle\n"
                                      "49,,page-faults,2.00%,496681,100.00,86.152,K/sec\n"
                                      "1.25,Joules,power/energy-pkg/,0.50%,496681,100.00,,\n";
    struct imported got = import_text(TARE_IMPORT_GUESS, "dir/sort.csv", with_commas);
    assert_int_equal(got.failure, 0);
    const struct tare_history_record *record = &got.records[0];
    assert_int_equal(record->line_count, 4);
    assert_near(import_point(record, "sort task-clock")->value, 496681, 1e-6); /* not the 0.50 ms */
    assert_near(import_point(record, "sort task-clock")->high, 496681 * (1 + 1.959963984540054 * 0.14), 1e-3);
    assert_string_equal(import_line(record, "sort task-clock")->series.unit, "ns");
    assert_near(import_point(record, "sort cpu/event=0x3c,umask=0x1/u")->value, 120, 0);
    assert_int_equal(import_line(record, "sort cpu/event=0x3c,umask=0x1/u")->series.better,
                     TARE_BETTER_UNKNOWN);
    assert_int_equal(import_line(record, "sort page-faults")->series.better, TARE_BETTER_LOWER);
    assert_string_equal(import_line(record, "sort power/energy-pkg/")->series.unit, "Joules");
    assert_int_equal(record->run.started_ms, 1795314982000);
    assert_non_null(strstr(got.message, "left out 2 that was not counted"));
    assert_non_null(strstr(got.message, "scaled 1 that was counted for a part of the time"));
    imported_release(&got);

    static const char *const others[] = {
        "0.50;msec;task-clock;496681;100.00;0.446;CPUs utilized\n49;;page-faults;496681;100.00;86.152;K/sec",
        "0.50\tmsec\ttask-clock\t496681\t100.00\t0.446\tCPUs utilized\n49\t\tpage-faults\t496681\t100.00\t\t\n",
        "0.50|msec|task-clock|496681|100.00|0.446|CPUs utilized\r\n49||page-faults|496681|100.00||\r\n",
        "0.50 msec task-clock 496681 100.00 0.446 CPUs utilized\n49  page-faults 496681 100.00 86 K/sec\n",
    };
    for (size_t i = 0; i < COUNT(others); i++) {
        got = import_text(TARE_IMPORT_GUESS, "-", others[i]);
        assert_int_equal(got.failure, 0);
        assert_near(import_point(&got.records[0], "perf stat task-clock")->value, 496681, 1e-6);
        assert_near(import_point(&got.records[0], "perf stat page-faults")->value, 49, 0);
        assert_true(isnan(import_point(&got.records[0], "perf stat page-faults")->low));
        imported_release(&got);
    }
}

static void counts_of_intervals_and_processors_are_refused(void **state)
{
    (void)state;
    assert_refused(
        import_text(TARE_IMPORT_GUESS, "x", "     0.010113494,0.70,msec,task-clock,702599,100.00,0.07,CPUs\n"),
        "without -I");
    assert_refused(
        import_text(TARE_IMPORT_GUESS, "x", "     0.0101,<not counted>,msec,task-clock,0,100.00,,\n"),
        "without -I");
    assert_refused(
        import_text(TARE_IMPORT_GUESS, "x", "CPU0,11.41,msec,task-clock,11405351,100.00,1.000,CPUs\n"),
        "without -A");
    assert_refused(import_text(TARE_IMPORT_GUESS, "x", "S0-D0-C0,2,11.41,msec,task-clock,11405351,100.00,,\n"),
                   "without -A");
    assert_refused(import_text(TARE_IMPORT_PERF_STAT, "x", "1,,cycles,5,100.00,,\nnonsense\n"), "line 2");
    assert_refused(import_text(TARE_IMPORT_PERF_STAT, "x", "1,,cycles,5\n"), "line 1");
    assert_refused(import_text(TARE_IMPORT_PERF_STAT, "x", "1,,cycles,-5,100.00,,\n"), "line 1");
    assert_refused(import_text(TARE_IMPORT_PERF_STAT, "x", "<not counted>,,cycles,0,100.00,,\n"),
                   "not counted");
    assert_refused(import_text(TARE_IMPORT_PERF_STAT, "x", "# nothing\n\n"), "no figures");
}

/* ---- github-action-benchmark ---- */

#define ENTRY(commit, value)                                                                                   \
    "{\"commit\":{\"author\":{\"name\":\"A\"},\"id\":\"" commit "\",\"message\":\"Make it so\\n\\nbody\","     \
    "\"timestamp\":\"2019-11-28T16:36:14+09:00\",\"url\":\"https://github.com/o/r/commit/" commit "\"},"       \
    "\"date\":1574927127603,\"tool\":\"cargo\",\"benches\":[{\"name\":\"fib\",\"range\":\"\xc2\xb1 "           \
    "20\",\"unit\":"                                                                                           \
    "\"us/iter\",\"value\":" value "}]}"

static void every_entry_of_github_action_benchmark_is_a_record(void **state)
{
    (void)state;
    static const char small[] =
        "window.BENCHMARK_DATA = {\n \"lastUpdate\": 1, \"repoUrl\": \"u\",\n \"entries\": {"
        "\"Suite\": [" ENTRY("aaaa1111", "100") "]}\n}";
    static const char large[] = "{\"lastUpdate\":2,\"entries\":{\"Suite\":[" ENTRY(
        "aaaa1111", "1.0e2") ",\n" ENTRY("bbbb2222", "110") "],"
                                                            "\"Empty\":[]}}";
    struct imported first = import_text(TARE_IMPORT_GUESS, "data.js", small);
    struct imported second = import_text(TARE_IMPORT_GUESS, "data.json", large);
    assert_int_equal(first.failure, 0);
    assert_int_equal(second.failure, 0);
    assert_int_equal(first.count, 1);
    assert_int_equal(second.count, 2);
    const struct tare_history_record *record = &first.records[0];
    assert_string_equal(record->run.commit, "aaaa1111");
    assert_string_equal(record->commit.subject, "Make it so");
    assert_string_equal(record->commit.link, "https://github.com/o/r/commit/aaaa1111");
    assert_int_equal(record->commit.time_s, 1574926574);
    assert_int_equal(record->run.started_ms, 1574927127603);
    const struct tare_history_line *line = import_line(record, "Suite::fib value");
    assert_near(line->points[0].value, 1e5, 1e-9);
    assert_near(line->points[0].low, 8e4, 1e-9);
    assert_string_equal(line->series.unit, "ns");
    assert_string_equal(line->series.settings, "tool=cargo");
    /* the entry is the same run, whatever is around it and however its numbers are written */
    assert_string_equal(second.records[0].run.digest, record->run.digest);
    assert_int_equal(second.records[0].run.id, record->run.id);
    assert_string_not_equal(second.records[1].run.digest, record->run.digest);
    /* and what export gives back is the same run again */
    struct imported again = import_bytes(TARE_IMPORT_GUESS, "x", record->raw, record->raw_size, NULL);
    assert_int_equal(again.count, 1);
    assert_string_equal(again.records[0].run.digest, record->run.digest);
    assert_memory_equal(again.records[0].raw, record->raw, record->raw_size);
    imported_release(&first);
    imported_release(&second);
    imported_release(&again);
}

static struct imported one_bench(const char *tool, const char *bench)
{
    char text[1024];
    snprintf(text, sizeof text,
             "{\"entries\":{\"S\":[{\"commit\":{\"id\":\"not hexadecimal\",\"url\":\"javascript:alert(1)\"},"
             "\"tool\":\"%s\",\"benches\":[%s]}]}}",
             tool, bench);
    return import_text(TARE_IMPORT_GUESS, "data.json", text);
}

static void the_tool_says_which_way_is_worse(void **state)
{
    (void)state;
    static const struct {
        const char *tool, *unit, *expected;
        double factor;
        enum tare_history_better better;
    } units[] = {
        {"benchmarkjs", "ops/sec", "1/s", 1, TARE_BETTER_HIGHER},
        {"go", "ns/op", "ns", 1, TARE_BETTER_LOWER},
        {"go", "MB/s", "MB/s", 1, TARE_BETTER_HIGHER},
        {"pytest", "iter/sec", "1/s", 1, TARE_BETTER_HIGHER},
        {"customSmallerIsBetter", "s", "ns", 1e9, TARE_BETTER_LOWER},
        {"customSmallerIsBetter", "wrong/s", "wrong/s", 1, TARE_BETTER_LOWER},
        {"customBiggerIsBetter", "points", "points", 1, TARE_BETTER_HIGHER},
        {"catch2", "\xc2\xb5s", "ns", 1e3, TARE_BETTER_LOWER},
        {"somethingNew", "x", "x", 1, TARE_BETTER_UNKNOWN},
    };
    for (size_t i = 0; i < COUNT(units); i++) {
        char bench[128];
        snprintf(bench, sizeof bench, "{\"name\":\"b\",\"value\":2,\"unit\":\"%s\"}", units[i].unit);
        struct imported got = one_bench(units[i].tool, bench);
        assert_int_equal(got.failure, 0);
        const struct tare_history_line *line = import_line(&got.records[0], "S::b value");
        assert_string_equal(line->series.unit, units[i].expected);
        assert_int_equal(line->series.better, units[i].better);
        assert_near(line->points[0].value, 2 * units[i].factor, 0);
        assert_false(got.records[0].has_commit); /* what is no id is none, and its link is not taken */
        imported_release(&got);
    }
}

static void ranges_are_half_an_interval_if_they_are_numbers(void **state)
{
    (void)state;
    static const struct {
        const char *range;
        double half; /* of a value of 200 */
    } ranges[] = {
        {"\xc2\xb1 20", 20},
        {"+/- 2,802", 2802},
        {"+/- 12,469,001", 12469001},
        {"\xc2\xb1"
         "1.5%",
         3},
        {"+-0.5", 0.5},
        {"stddev: 3", NAN},
        {"\xc2\xb1 2,80", NAN},
        {"\xc2\xb1 inf", NAN},
        {"\xc2\xb1 -1", NAN},
        {"\xc2\xb1", NAN},
        {"\xc2\xb1 1 ns", NAN},
    };
    for (size_t i = 0; i < COUNT(ranges); i++) {
        char bench[128];
        snprintf(bench, sizeof bench, "{\"name\":\"b\",\"value\":200,\"unit\":\"ns\",\"range\":\"%s\"}",
                 ranges[i].range);
        struct imported got = one_bench("cargo", bench);
        const struct tare_history_point *point = import_point(&got.records[0], "S::b value");
        if (isnan(ranges[i].half)) {
            assert_true(isnan(point->low) && isnan(point->high));
        } else {
            assert_near(point->high, 200 + ranges[i].half, 1e-9);
            assert_near(point->low, 200 - ranges[i].half, 1e-9);
        }
        imported_release(&got);
    }
}

static void damaged_data_of_github_action_benchmark_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text, *why;
    } files[] = {
        {"window.BENCHMARK_DATA = ", "no object"},
        {"window.BENCHMARK_DATA = {lastUpdate: 1}", "a name is missing at byte 25"},
        {"window.BENCHMARK_DATA = {\"a\":1}", "'entries' is missing"},
        {"window.BENCHMARK_DATA = {\"entries\":[]}", "'entries' is not an object"},
        {"window.BENCHMARK_DATA = {\"entries\":{\"s\":7}}", "'entries.s' is not an array"},
        {"window.BENCHMARK_DATA = {\"entries\":{\"s\":[7]}}", "entries.s[0] is not JSON"},
        {"window.BENCHMARK_DATA = {\"entries\":{\"s\":[{}]}}", "'entries.s[0].benches' is missing"},
        {"window.BENCHMARK_DATA = {\"entries\":{\"s\":[{\"benches\":[],\"commit\":{}}]}}",
         "'entries.s[0].commit.id'"},
        {"window.BENCHMARK_DATA = {\"entries\":{}} alert(1)", "goes wrong at byte 39"},
        {"window.BENCHMARK_DATA = {\"entries\":{\"s\":[" ENTRY("aaaa1111", "1"), "goes wrong"},
        {"window.BENCHMARK_DATA = {\"entries\":{\"s\":[{\"x\":\"", "goes wrong"},
        {"window.BENCHMARK_DATA = {\"entries\":{\"s\":[{\"x\":[}]}]}}", "not JSON"},
        {"window.BENCHMARK_DATA = {\"entries\":{\"s\":[" ENTRY("aaaa1111", "\"1\"") "]}}",
         "'entries.s[0].benches[0].value' is not a number"},
        {"window.BENCHMARK_DATA = {\"entries\":{},\"entries\":{}}", "twice"},
    };
    for (size_t i = 0; i < COUNT(files); i++) {
        assert_refused(import_text(TARE_IMPORT_GUESS, "data.js", files[i].text), files[i].why);
    }
    struct imported got = one_bench("cargo", "{\"name\":\"b\",\"value\":-1,\"unit\":\"ns\"},"
                                             "{\"name\":\"b\",\"value\":1,\"unit\":\"ns\"},"
                                             "{\"name\":\"b\",\"value\":2,\"unit\":\"ns\"},"
                                             "{\"name\":\"c\",\"value\":null,\"unit\":\"ns\"}");
    assert_int_equal(got.failure, 0);
    assert_near(import_point(&got.records[0], "S::b value")->value, 1, 0);
    assert_near(import_point(&got.records[0], "S::b#2 value")->value, 2, 0);
    assert_non_null(strstr(got.message, "left out 2"));
    imported_release(&got);
}

/* ---- all ---- */

static void what_is_no_file_of_a_known_tool_is_refused(void **state)
{
    (void)state;
    assert_refused(import_text(TARE_IMPORT_GUESS, "x", "hello\n"),
                   "google-benchmark, hyperfine, pyperf, criterion");
    assert_refused(import_text(TARE_IMPORT_GUESS, "x", "{\"a\":1}"), "no file of a tool that is known");
    assert_refused(import_text(TARE_IMPORT_GUESS, "x", ""), "empty");
    assert_refused(import_text(TARE_IMPORT_GUESS, "x", "{\"schema\":\"tare-result\",\"results\":[]}"),
                   "tare history add");
    assert_refused(import_text(TARE_IMPORT_GUESS, "x", "\x1f\x8b\x08"), "gunzip");
    for (int format = TARE_IMPORT_GUESS; format < TARE_IMPORT_FORMATS; format++) {
        struct imported got = import_text((enum tare_import_format)format, "x", "[1,\x02 \xff");
        assert_int_equal(got.failure, -EINVAL);
        assert_true(got.message[0] != '\0');
        got = import_bytes((enum tare_import_format)format, "x", "\0\0\0", 3, NULL);
        assert_int_equal(got.failure, -EINVAL);
    }
}

static void names_cannot_be_orders_to_a_terminal_or_without_end(void **state)
{
    (void)state;
    char *text = malloc(10000);
    strcpy(text, "{\"results\":[{\"command\":\"a\\u001b[31m\\nb\\u009bc\",\"times\":[1]},{\"command\":\"");
    size_t at = strlen(text);
    memset(text + at, 'x', 5000);
    strcpy(text + at + 5000, "\",\"times\":[1]},{\"command\":\"");
    at = strlen(text);
    memset(text + at, 'x', 4000);
    strcpy(text + at + 4000, "\",\"times\":[1]}]}");
    struct imported got = import_text(TARE_IMPORT_GUESS, "x", text);
    assert_int_equal(got.failure, 0);
    assert_string_equal(got.records[0].lines[0].series.name, "a [31m b??c");
    assert_true(strlen(got.records[0].lines[1].series.name) <= 1024);
    assert_int_equal(got.records[0].line_count, 3);
    assert_string_not_equal(got.records[0].lines[1].series.name, got.records[0].lines[2].series.name);
    assert_null(strstr(got.records[0].lines[2].series.name, "#2")); /* they differ, and so do their hashes */
    imported_release(&got);
    free(text);
}

static void the_same_file_is_the_same_record(void **state)
{
    (void)state;
    struct imported first = import_text(TARE_IMPORT_GUESS, "a.json", pyperf_file);
    struct imported second = import_text(TARE_IMPORT_GUESS, "b.json", pyperf_file);
    assert_string_equal(first.records[0].run.digest, second.records[0].run.digest);
    assert_int_equal(first.records[0].run.id, second.records[0].run.id);
    assert_int_equal(first.records[0].raw_size, strlen(pyperf_file));
    assert_memory_equal(first.records[0].raw, pyperf_file, strlen(pyperf_file));
    imported_release(&first);
    imported_release(&second);
}

static void the_origin_says_what_the_file_does_not(void **state)
{
    (void)state;
    struct tare_origin origin = {
        .project = strdup("mine"),
        .branch = strdup("topic"),
        .has_commit = true,
        .commit = {.id = strdup("aaaa1111"), .parents = strdup("bbbb"), .time_s = 1500000000, .ordinal = 7},
        .dirty = 1,
    };
    static const char hyperfine[] = "{\"results\":[{\"command\":\"x\",\"times\":[1]}]}";
    struct imported got = import_bytes(TARE_IMPORT_GUESS, "x", hyperfine, strlen(hyperfine), &origin);
    assert_int_equal(got.failure, 0);
    const struct tare_history_record *record = &got.records[0];
    assert_string_equal(record->run.project, "mine");
    assert_string_equal(record->run.commit, "aaaa1111");
    assert_int_equal(record->commit.ordinal, 7);
    assert_int_equal(record->run.dirty, 1);
    assert_int_equal(record->run.started_ms, 1500000000000); /* the commit's, as the file has none */
    imported_release(&got);
    static const char data[] = "{\"entries\":{\"S\":[" ENTRY("aaaa1111", "1") "," ENTRY("cccc3333", "1") "]}}";
    got = import_bytes(TARE_IMPORT_GUESS, "x", data, strlen(data), &origin);
    assert_int_equal(got.records[0].commit.ordinal, 7); /* of this commit more is known */
    assert_int_equal(got.records[0].commit.time_s, 1500000000);
    assert_string_equal(got.records[1].run.commit, "cccc3333"); /* and nothing of this one */
    assert_true(got.records[1].commit.ordinal == TARE_HISTORY_UNKNOWN);
    assert_null(got.records[1].commit.parents);
    assert_int_equal(got.records[1].run.dirty, -1);
    assert_string_equal(got.records[1].run.branch, "topic");
    imported_release(&got);
    tare_origin_release(&origin);
}

static void figures_do_not_depend_on_the_locale(void **state)
{
    (void)state;
    static const char data[] = "{\"entries\":{\"S\":[" ENTRY("aaaa1111", "1.5") "]}}";
    static const char perf[] = "0.50,msec,task-clock,1.50%,496681,100.00,,\n";
    struct imported before = import_text(TARE_IMPORT_GUESS, "x", data);
    if (!comma_locale_begin()) {
        imported_release(&before);
        print_message("skipped: no locale with a decimal comma\n");
        skip();
    }
    struct imported within = import_text(TARE_IMPORT_GUESS, "x", data);
    struct imported counts = import_text(TARE_IMPORT_GUESS, "x", perf);
    comma_locale_end();
    assert_string_equal(before.records[0].run.digest, within.records[0].run.digest);
    assert_near(within.records[0].lines[0].points[0].value, 1500, 0);
    assert_near(import_point(&counts.records[0], "x task-clock")->value, 496681, 1e-6);
    imported_release(&before);
    imported_release(&within);
    imported_release(&counts);
}

/* The work for each entry does not grow with their number: 8 times the file is not 64 times the work. */
static void marks_of_encodings(void **state)
{
    (void)state;
    static const char marked[] = "\xef\xbb\xbf{\"results\":[{\"command\":\"c\",\"times\":[1]}]}";
    struct imported got = import_text(TARE_IMPORT_GUESS, "x", marked);
    assert_int_equal(got.failure, 0);
    assert_int_equal(got.records[0].raw_size, sizeof marked - 1); /* export is exact */
    assert_memory_equal(got.records[0].raw, marked, sizeof marked);
    imported_release(&got);
    assert_int_equal(tare_import_guess(marked, sizeof marked - 1), TARE_IMPORT_HYPERFINE);
    static const char perf[] = "\xef\xbb\xbf"
                               "49,,page-faults,496681,100.00,,\n";
    got = import_text(TARE_IMPORT_PERF_STAT, "x", perf);
    assert_int_equal(got.failure, 0);
    imported_release(&got);
    assert_refused(import_text(TARE_IMPORT_GUESS, "x", "\xef\xbb\xbf"), "it is empty");
    assert_refused(import_bytes(TARE_IMPORT_GUESS, "x", "\xff\xfe{\0", 4, NULL), "it is UTF-16");
    assert_refused(import_bytes(TARE_IMPORT_HYPERFINE, "x", "\xfe\xff\0{", 4, NULL), "iconv -f UTF-16");
}

static void what_is_beyond_all_measure_is_left_out(void **state)
{
    (void)state;
    struct imported got = import_text(
        TARE_IMPORT_GUESS, "x",
        "{\"entries\":{\"S\":[{\"commit\":{\"id\":\"abcd1234\"},\"date\":1574927127603,\"tool\":\"cargo\","
        "\"benches\":[{\"name\":\"a\",\"unit\":\"x\",\"value\":1e101},"
        "{\"name\":\"b\",\"unit\":\"x\",\"value\":\"NaN\"},"
        "{\"name\":\"c\",\"unit\":\"x\",\"value\":1e99}]}]}}");
    assert_int_equal(got.failure, 0);
    assert_int_equal(got.records[0].line_count, 1);
    assert_true(import_point(&got.records[0], "S::c value")->value == 1e99);
    assert_non_null(strstr(got.message, "left out 1 with a value above 1e100 ('a')"));
    assert_non_null(strstr(got.message, "left out 1 whose value is no number that can be ('b')"));
    imported_release(&got);
}

static void more_values_than_a_point_keeps_are_refused(void **state)
{
    (void)state;
    const size_t count = TARE_HISTORY_VALUES_MAX + 1;
    char *text = malloc(2 * count + 100);
    strcpy(text, "{\"results\":[{\"command\":\"c\",\"times\":[");
    char *at = text + strlen(text);
    for (size_t i = 0; i < count; i++) {
        *at++ = '1';
        *at++ = ',';
    }
    strcpy(at - 1, "]}]}");
    assert_refused(import_text(TARE_IMPORT_GUESS, "x", text),
                   "'c' has 1048577 values: a history keeps 1048576 of each figure at most");
    free(text);
}

static void the_same_file_of_another_commit_is_another_run(void **state)
{
    (void)state;
    static char project[] = "p", one[] = "aaaa1111", two[] = "bbbb2222";
    struct tare_origin origin = {.project = project, .dirty = -1, .has_commit = true};
    static const char text[] = "49,,page-faults,496681,100.00,,\n";
    int64_t ids[3];
    char *const commits[] = {one, two, one};
    for (int i = 0; i < 3; i++) {
        origin.commit = (struct tare_history_commit){
            .id = commits[i], .time_s = TARE_HISTORY_UNKNOWN, .ordinal = TARE_HISTORY_UNKNOWN};
        struct imported got = import_bytes(TARE_IMPORT_GUESS, "x", text, sizeof text - 1, &origin);
        assert_int_equal(got.failure, 0);
        ids[i] = got.records[0].run.id;
        assert_int_equal(ids[i], tare_history_import_id("p", got.records[0].run.digest, commits[i]));
        assert_true(tare_history_run_has_id(&got.records[0].run));
        assert_int_equal(got.records[0].lines[0].points[0].run, ids[i]);
        imported_release(&got);
    }
    assert_int_not_equal(ids[0], ids[1]);
    assert_int_equal(ids[0], ids[2]);
}

static void large_files_are_read_in_one_go(void **state)
{
    (void)state;
    enum { ENTRIES = 4000 };
    static const char entry[] = ENTRY("aaaa1111", "1");
    size_t room = ENTRIES * (sizeof entry + 1) + 64;
    char *text = malloc(room);
    assert_non_null(text);
    char *to = stpcpy(text, "window.BENCHMARK_DATA = {\"entries\":{\"S\":[");
    for (int i = 0; i < ENTRIES; i++) {
        to = stpcpy(to, i > 0 ? "," : "");
        char *from = to;
        to = stpcpy(to, entry);
        char id[9];
        snprintf(id, sizeof id, "%08x", (unsigned)i);
        memcpy(strstr(from, "aaaa1111"), id, 8);
    }
    strcpy(to, "]}}");
    struct imported got = import_text(TARE_IMPORT_GUESS, "data.js", text);
    assert_int_equal(got.failure, 0);
    assert_int_equal(got.count, ENTRIES);
    assert_string_equal(got.records[ENTRIES - 1].run.commit, "00000f9f");
    imported_release(&got);
    free(text);
}

static void paths_say_what_belongs_together(void **state)
{
    (void)state;
    assert_string_equal(tare_import_neighbours("a/new/estimates.json")[0], "benchmark.json");
    assert_string_equal(tare_import_neighbours("results/m/abc-env.json")[0], "machine.json");
    assert_null(tare_import_neighbours("perf.csv")[0]);
    assert_true(tare_import_takes("target/criterion/a/new/estimates.json"));
    assert_false(tare_import_takes("target/criterion/a/base/estimates.json"));
    assert_false(tare_import_takes("target/criterion/a/change/estimates.json"));
    assert_true(tare_import_takes("estimates.json"));
    assert_true(tare_import_takes("based/benchmark.json"));
    assert_false(tare_import_takes("a/new/benchmark.json"));
    assert_false(tare_import_takes("a/new/raw.csv"));
    assert_true(tare_import_takes("results/raw.csv"));
    assert_false(tare_import_takes("results/m/machine.json"));
    assert_false(tare_import_takes("index.html"));
    assert_true(tare_import_takes("dev/bench/data.js"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(repetitions_of_google_benchmark_become_values),
        cmocka_unit_test(statistics_of_google_benchmark_serve_where_they_are_alone),
        cmocka_unit_test(machines_are_told_apart_by_hardware_and_not_by_name),
        cmocka_unit_test(benchmarks_of_one_name_stay_apart),
        cmocka_unit_test(what_google_benchmark_cannot_have_meant_is_unknown_or_refused),
        cmocka_unit_test(runs_of_hyperfine_that_failed_do_not_count),
        cmocka_unit_test(processes_of_pyperf_become_values),
        cmocka_unit_test(both_versions_of_asv_are_read),
        cmocka_unit_test(what_asv_cannot_have_written_is_refused),
        cmocka_unit_test(criterion_without_its_name_is_called_after_its_folder),
        cmocka_unit_test(counts_of_perf_stat_are_read_with_any_separator),
        cmocka_unit_test(counts_of_intervals_and_processors_are_refused),
        cmocka_unit_test(every_entry_of_github_action_benchmark_is_a_record),
        cmocka_unit_test(the_tool_says_which_way_is_worse),
        cmocka_unit_test(ranges_are_half_an_interval_if_they_are_numbers),
        cmocka_unit_test(damaged_data_of_github_action_benchmark_is_refused),
        cmocka_unit_test(what_is_no_file_of_a_known_tool_is_refused),
        cmocka_unit_test(names_cannot_be_orders_to_a_terminal_or_without_end),
        cmocka_unit_test(the_same_file_is_the_same_record),
        cmocka_unit_test(the_origin_says_what_the_file_does_not),
        cmocka_unit_test(figures_do_not_depend_on_the_locale),
        cmocka_unit_test(marks_of_encodings),
        cmocka_unit_test(what_is_beyond_all_measure_is_left_out),
        cmocka_unit_test(more_values_than_a_point_keeps_are_refused),
        cmocka_unit_test(the_same_file_of_another_commit_is_another_run),
        cmocka_unit_test(large_files_are_read_in_one_go),
        cmocka_unit_test(paths_say_what_belongs_together),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
