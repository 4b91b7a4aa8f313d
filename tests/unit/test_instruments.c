/* SPDX-License-Identifier: MIT */
/*
 * result/instruments.c, json_instruments.c and view/telemetry_table.c: instruments of several processes in one
 * result, in its JSON both ways, and in the tables.
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
#include <unistd.h>

#include <cmocka.h>

#include "record/reader.h"
#include "result/collect.h"
#include "result/instruments.h"
#include "result/json.h"
#include "runtime/text.h"
#include "tests/unit/near.h"
#include "tests/unit/page_builder.h"
#include "tests/unit/sample_result.h"
#include "view/view.h"

enum { COUNTER, GAUGE, HISTOGRAM, STATE, TOPK, FRAMES };

/* A page of a program with one instrument of each kind, in which all is `times` as much as elsewhere. */
static void build(struct page_builder *builder, uint32_t pid, uint64_t times, double gauge)
{
    static const char *const states[] = {"idle", "busy"}, *const parts[] = {"cpu", "gpu"};
    const uint64_t part_ticks[TARE_FRAME_PARTS_MAX] = {10000000, UINT64_MAX};
    page_builder_init(builder, 8, 2, TARE_PAGE_HISTOGRAMS);
    builder->header->pid = pid;
    page_builder_block(builder, pid, "t");
    page_builder_instrument(builder, TARE_KIND_COUNTER, "net", "sent", "bytes", "dir=out");
    page_builder_instrument(builder, TARE_KIND_GAUGE, "net", "depth", NULL, NULL);
    page_builder_instrument(builder, TARE_KIND_HISTOGRAM, "net", "sizes", "bytes", NULL);
    page_builder_instrument(builder, TARE_KIND_STATE, "net", "state", NULL, NULL);
    page_builder_names(builder, STATE, states, 2);
    page_builder_instrument(builder, TARE_KIND_TOPK, "net", "hot", NULL, NULL);
    page_builder_entry(builder, TOPK)->size = 4;
    page_builder_instrument(builder, TARE_KIND_FRAMES, "net", "view", NULL, NULL);
    page_builder_names(builder, FRAMES, parts, 2);
    page_builder_entry(builder, FRAMES)->size = 8;
    page_builder_count(builder, 0, COUNTER, 100 * times);
    page_builder_gauge(builder, GAUGE, gauge, gauge);
    for (uint64_t i = 0; i < times; i++) {
        page_builder_record(builder, 0, HISTOGRAM, 10 * times, 0);
    }
    struct tare_state_slot *slot = (struct tare_state_slot *)page_builder_slot(builder, 0, STATE);
    *slot =
        (struct tare_state_slot){.changes = 4 * times, .generation = 1, .ticks = {3000 * times, 1000 * times}};
    page_builder_topk(builder, 0, TOPK, 4);
    page_builder_key(builder, 0, TOPK, &(struct tare_topk_entry){.key = 7, .weight = 10 * times, .hits = 1});
    page_builder_key(builder, 0, TOPK,
                     &(struct tare_topk_entry){.key = 100 + times, .weight = 5, .error = 1, .hits = 1});
    struct tare_frame_ring *ring = page_builder_frames(builder, FRAMES, 8, 8);
    ring->slow_ticks = 30000000;
    for (uint64_t i = 0; i < times; i++) {
        page_builder_frame(ring, builder->header->first.ticks + 1000 + i * 40000000, 40000000, part_ticks);
    }
}

static void collect(struct tare_collector *collector, const struct page_builder *builder)
{
    char message[256] = "";
    struct tare_page_view view;
    int fd = page_builder_file(builder, 0, builder->size);
    struct tare_page_source source = {fd, 0, builder->size};
    assert_int_equal(tare_page_read(&source, TARE_READ_HISTOGRAMS, &view, message, sizeof(message)), 0);
    close(fd);
    assert_int_equal(tare_collector_add(collector, &view, &(struct tare_page_context){.end = TARE_END_EXITED}),
                     0);
    tare_page_view_release(&view);
}

/* Of `processes` processes, of which the first counts once, the second twice as much, and so on. */
static struct tare_result *result_of(size_t processes, double first_gauge)
{
    struct tare_result *result = tare_result_new();
    assert_non_null(result);
    result->kind = sample_string("run");
    struct tare_collector *collector = tare_collector_new(result);
    for (size_t i = 1; i <= processes; i++) {
        struct page_builder builder;
        build(&builder, 1000 + (uint32_t)i, i, i == 1 ? first_gauge : (double)i);
        collect(collector, &builder);
        page_builder_release(&builder);
    }
    assert_int_equal(tare_collector_finish(collector), 0);
    tare_collector_free(collector);
    return result;
}

static void test_one_process(void **state)
{
    (void)state;
    struct tare_result *result = result_of(1, 1.5);
    assert_int_equal(result->instrument_count, 6);
    assert_int_equal(result->instruments[COUNTER].total.total, 100);
    assert_near(result->instruments[GAUGE].total.value, 1.5, 0);
    assert_null(result->instruments[GAUGE].labels);
    assert_int_equal(result->instruments[FRAMES].last_count, 1);
    tare_result_free(result);
}

static void test_several_add_up(void **state)
{
    (void)state;
    struct tare_result *result = result_of(3, 1);
    assert_int_equal(result->instrument_count, 6 + 2 + 2); /* a gauge and frames for each process */
    const struct tare_instrument_figures *list = result->instruments;
    assert_int_equal(list[0].total.total, 600);
    assert_string_equal(list[0].labels, "dir=out");
    static const char *const labels[] = {"pid=1001", "pid=1002", "pid=1003"};
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(list[1 + i].kind, TARE_KIND_GAUGE);
        assert_string_equal(list[1 + i].labels, labels[i]);
        assert_near(list[1 + i].total.value, (double)i + 1, 0);
        assert_string_equal(list[7 + i].labels, labels[i]);
        assert_int_equal(list[7 + i].total.total, i + 1);
    }
    const struct tare_distribution *sizes = &list[4].total.distribution;
    assert_int_equal(sizes->count, 6);
    assert_near(sizes->sum, 10 + 40 + 90, 0);
    assert_near(sizes->min, 10, 0);
    assert_near(sizes->max, 30, 0);
    assert_int_equal(sizes->bucket_count, 3);
    assert_int_equal(sizes->buckets[2].count, 3);
    assert_near(list[5].total.states[0].ns, 0.5 * 3000 * 6, 1e-6);
    assert_near(list[5].total.states[1].share, 0.25, 1e-12);
    assert_int_equal(list[6].total.keys[0].key, 7);
    assert_int_equal(list[6].total.keys[0].weight, 60);
    assert_int_equal(list[6].total.total, 60 + 15);
    tare_result_free(result);
}

static void test_a_pid_of_its_own_keeps_its_place(void **state)
{
    (void)state;
    static const char *const own[] = {"pid=7,zone=a", "area=1,pid=7", "area=1,zone=a"};
    static const char *const with[] = {"label_pid=7,pid=1002,zone=a", "area=1,label_pid=7,pid=1002",
                                       "area=1,pid=1002,zone=a"};
    struct tare_result *result = tare_result_new();
    assert_non_null(result);
    result->kind = sample_string("run");
    struct tare_collector *collector = tare_collector_new(result);
    for (uint32_t pid = 1001; pid <= 1002; pid++) {
        struct page_builder builder;
        page_builder_init(&builder, 8, 2, TARE_PAGE_HISTOGRAMS);
        builder.header->pid = pid;
        page_builder_block(&builder, pid, "t");
        for (size_t i = 0; i < 3; i++) {
            page_builder_instrument(&builder, TARE_KIND_GAUGE, "net", "depth", NULL, own[i]);
            page_builder_gauge(&builder, i, 1, 1);
        }
        collect(collector, &builder);
        page_builder_release(&builder);
    }
    assert_int_equal(tare_collector_finish(collector), 0);
    tare_collector_free(collector);
    assert_int_equal(result->instrument_count, 6);
    for (size_t i = 0; i < 3; i++) {
        assert_string_equal(result->instruments[i * 2 + 1].labels, with[i]);
    }
    tare_result_free(result);
}

static void test_an_unknown_gauge_takes_no_place(void **state)
{
    (void)state;
    struct tare_result *result = result_of(2, NAN);
    assert_int_equal(result->instrument_count, 6 + 1);
    assert_int_equal(result->instruments[1].kind, TARE_KIND_GAUGE);
    assert_near(result->instruments[1].total.value, 2, 0);
    assert_null(result->instruments[1].labels);
    tare_result_free(result);
}

static void test_many_processes_are_bounded(void **state)
{
    (void)state;
    struct tare_result *result = result_of(70, 1);
    size_t gauges = 0;
    for (size_t i = 0; i < result->instrument_count; i++) {
        gauges += result->instruments[i].kind == TARE_KIND_GAUGE;
    }
    assert_int_equal(gauges, TARE__INSTRUMENT_PROCESSES);
    assert_int_equal(result->instruments[COUNTER].total.total, 100 * 70 * 71 / 2);
    assert_non_null(result->notes);
    assert_non_null(strstr(result->notes[0], "12 more are left out")); /* 6 gauges, 6 rings */
    tare_result_free(result);
}

/* What was counted between two readings, as tare attach --for shows it. */
static void test_a_window(void **state)
{
    (void)state;
    struct page_builder builder;
    struct tare_page_view before, after;
    char message[256];
    build(&builder, 1, 2, 5);
    for (int i = 0; i < 2; i++) {
        int fd = page_builder_file(&builder, 0, builder.size);
        struct tare_page_source source = {fd, 0, builder.size};
        assert_int_equal(
            tare_page_read(&source, TARE_READ_HISTOGRAMS, i == 0 ? &before : &after, message, sizeof(message)),
            0);
        close(fd);
        page_builder_count(&builder, 0, COUNTER, 11);
        page_builder_record(&builder, 0, HISTOGRAM, 25, 0);
        page_builder_key(&builder, 0, TOPK, &(struct tare_topk_entry){.key = 9, .weight = 30, .hits = 2});
    }
    tare_page_view_subtract(&after, &before);
    assert_int_equal(after.instruments[COUNTER].total, 11);
    assert_near(after.instruments[GAUGE].value, 5, 0);
    assert_true(isnan(after.instruments[GAUGE].peak)); /* perhaps of the time before */
    assert_int_equal(after.instruments[HISTOGRAM].sums.outermost, 1);
    assert_int_equal(after.instruments[HISTOGRAM].buckets[tare_bucket_of(25)], 1);
    assert_int_equal(after.instruments[TOPK].key_count, 1);
    assert_int_equal(after.instruments[TOPK].keys[0].key, 9);
    assert_int_equal(after.instruments[TOPK].total, 30);
    assert_int_equal(after.instruments[FRAMES].frames.frames, 0);
    assert_int_equal(after.instruments[FRAMES].frames.last_count, 0);
    tare_page_view_release(&before);
    tare_page_view_release(&after);
    page_builder_release(&builder);
}

static char *written(const struct tare_result *result)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    assert_int_equal(tare_result_write_json(result, out), 0);
    fclose(out);
    return text;
}

static void test_json_comes_back(void **state)
{
    (void)state;
    struct tare_result *result = result_of(2, 1), *back = NULL;
    char message[256] = "", *text = written(result);
    free(result->instruments[0].labels);
    result->instruments[0].labels = sample_string("we\"ird=\\,=,a=1,a=2"); /* from a hostile page */
    result->instruments[0].total.total = UINT64_C(1) << 63;
    free(text);
    text = written(result);
    assert_int_equal(tare_result_parse_json(text, strlen(text), &back, message, sizeof(message)), 0);
    char *again = written(back);
    assert_string_equal(text, again);
    assert_int_equal(back->instrument_count, result->instrument_count);
    assert_int_equal(back->instruments[0].total.total, TARE_COUNT_UNKNOWN);
    assert_false(back->instruments[0].total.known);
    assert_true(isnan(back->instruments[FRAMES + 1].last[0].part_ns[1]));
    assert_near(back->instruments[FRAMES + 1].total.frames.mean_ms, 20, 1e-9);
    free(again);
    free(text);
    tare_result_free(back);
    tare_result_free(result);
}

/*
 * A counter above 2^63 - 1 and a sum that is full are unknown, in the result and in every view of it; the rest is
 * there, and one note for each says of which instruments.
 */
static void test_what_is_beyond_the_numbers(void **state)
{
    (void)state;
    static const struct {
        uint64_t count[2], expected;
    } cases[] = {
        {{INT64_MAX - 1, 1}, INT64_MAX},
        {{INT64_MAX, 1}, TARE_COUNT_UNKNOWN},
        {{UINT64_C(1) << 63, 0}, TARE_COUNT_UNKNOWN},
        {{UINT64_MAX, 5}, TARE_COUNT_UNKNOWN}, /* of two processes, what is unknown of one is of both */
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct tare_result *result = tare_result_new(), *back = NULL;
        struct tare_collector *collector = tare_collector_new(result);
        result->kind = sample_string("run");
        for (size_t p = 0; p < 2; p++) {
            struct page_builder builder;
            build(&builder, 1000 + (uint32_t)p, 1, 1);
            page_builder_count(&builder, 0, COUNTER, cases[i].count[p] - 100);
            page_builder_slot(&builder, 0, HISTOGRAM)->total_ticks = p == 1 ? UINT64_MAX : 10;
            collect(collector, &builder);
            page_builder_release(&builder);
        }
        assert_int_equal(tare_collector_finish(collector), 0);
        tare_collector_free(collector);
        assert_int_equal(result->instruments[COUNTER].total.total, cases[i].expected);
        bool known = cases[i].expected != TARE_COUNT_UNKNOWN;
        assert_non_null(result->notes);
        assert_non_null(strstr(result->notes[known ? 0 : 1], ": net.sizes"));
        assert_null(result->notes[known ? 1 : 2]);
        assert_true(known || strstr(result->notes[0], ": net.sent{dir=out}") != NULL);
        char message[256] = "", *text = written(result);
        assert_int_equal(tare_result_parse_json(text, strlen(text), &back, message, sizeof(message)), 0);
        const struct tare_instrument_figures *list = back->instruments;
        assert_int_equal(list[COUNTER].total.total, cases[i].expected);
        assert_int_equal(list[COUNTER].total.known, known);
        const struct tare_distribution *sizes = NULL;
        for (size_t k = 0; k < back->instrument_count; k++) {
            sizes = list[k].kind == TARE_KIND_HISTOGRAM ? &list[k].total.distribution : sizes;
        }
        assert_true(isnan(sizes->sum) && isnan(sizes->mean));
        assert_int_equal(sizes->count, 2);
        assert_near(sizes->max, 10, 0);
        free(text);
        char *shown = NULL;
        size_t size;
        FILE *out = open_memstream(&shown, &size);
        const struct tare_view_options options = {.all = true};
        assert_int_equal(tare_view_table(back, &options, out), 0);
        assert_int_equal(tare_view_markdown(back, &options, out), 0);
        assert_int_equal(tare_view_csv(back, &options, out), 0);
        fclose(out);
        assert_null(strstr(shown, "18446744073709551615"));
        assert_null(strstr(shown, "nan"));
        assert_non_null(strstr(shown, known ? ",total,bytes,9223372036854775807\n" : ",total,bytes,\n"));
        assert_non_null(strstr(shown, ",sum,bytes,\n"));
        free(shown);
        tare_result_free(back);
        tare_result_free(result);
    }
}

/* Whatever a page says of a timer and of losses, there is a document. */
static void test_a_damaged_timer_spoils_no_document(void **state)
{
    (void)state;
    struct tare_result *result = tare_result_new();
    struct tare_collector *collector = tare_collector_new(result);
    result->kind = sample_string("run");
    for (int i = 0; i < 2; i++) {
        struct page_builder builder;
        page_builder_init(&builder, 8, 2, TARE_PAGE_HISTOGRAMS);
        page_builder_block(&builder, 1, "t");
        uint32_t timer = page_builder_timer(&builder, "m", "t", "m.c", 5);
        page_builder_record(&builder, 0, timer, 100, 0);
        struct tare_slot *slot = page_builder_slot(&builder, 0, timer);
        slot->calls = slot->outermost = slot->total_ticks = slot->max_ticks = UINT64_MAX;
        slot->scopes_within = slot->bytes = UINT64_MAX - 1;
        *page_builder_buckets(&builder, 0, timer) = UINT64_MAX;
        builder.header->lost_scopes = builder.header->lost_threads = UINT64_MAX;
        collect(collector, &builder);
        page_builder_release(&builder);
    }
    assert_int_equal(tare_collector_finish(collector), 0);
    tare_collector_free(collector);
    char *text = written(result), message[256] = "";
    struct tare_result *back = NULL;
    assert_int_equal(tare_result_parse_json(text, strlen(text), &back, message, sizeof(message)), 0);
    assert_int_equal(back->lost_scopes, INT64_MAX);
    assert_false(back->timers[0].figures.has_ticks);
    free(text);
    tare_result_free(back);
    tare_result_free(result);
}

/* What came between two readings of which one is unknown, or in which it went down, is unknown. */
static void test_a_window_of_a_counter_that_went_down(void **state)
{
    (void)state;
    static const uint64_t counts[][3] = {
        {10, 15, 5}, {15, 10, TARE_COUNT_UNKNOWN}, {10, UINT64_MAX, UINT64_MAX}};
    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
        struct tare_page_instrument then = {.kind = TARE_KIND_COUNTER, .total = counts[i][0]};
        struct tare_page_instrument now = {.kind = TARE_KIND_COUNTER, .total = counts[i][1]};
        struct tare_page_view before = {.instruments = &then, .instrument_count = 1};
        struct tare_page_view after = {.instruments = &now, .instrument_count = 1};
        tare__instruments_subtract(&after, &before);
        assert_int_equal(now.total, counts[i][2]);
    }
}

/* Each one breaks one value of a document that is whole. */
static void test_bad_json_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *from, *to, *message;
    } cases[] = {
        {"\"kind\": \"counter\"", "\"kind\": \"timer\"", "'instruments[0].kind'"},
        {"\"kind\": \"gauge\"", "\"kind\": 5", "'instruments[1].kind'"},
        {"\"labels\": \"dir=out\"", "\"labels\": [1]", "'instruments[0].labels'"},
        {"\"key\": \"0x7\"", "\"key\": \"7\"", "keys[0].key'"},
        {"\"key\": \"0x7\"", "\"key\": \"0x77777777777777777\"", "keys[0].key'"},
        {"\"size\": 4", "\"size\": -4", "size'"},
        {"\"histogram\": [[10, 1, 1]]", "\"histogram\": [[10, 0, 1]]", "histogram[0]'"},
        {"\"states\": [", "\"states\": [4, ", "states[0]"},
        {"\"part_ns\": [", "\"part_ns\": [\"x\", ", "part_ns[0]'"},
        {"\"parts\": [\"cpu\"", "\"parts\": [7", "parts[0]'"},
        {"\"total\": 100", "\"total\": -1", "'instruments[0].total.total'"},
    };
    struct tare_result *result = result_of(1, 1), *back = NULL;
    char *text = written(result);
    for (size_t i = 0; i < COUNT(cases); i++) {
        char message[256] = "", *broken = NULL, *at = strstr(text, cases[i].from);
        if (at == NULL) {
            fail_msg("no %s in %s", cases[i].from, text);
            return;
        }
        assert_true(
            asprintf(&broken, "%.*s%s%s", (int)(at - text), text, cases[i].to, at + strlen(cases[i].from)) > 0);
        assert_int_equal(tare_result_parse_json(broken, strlen(broken), &back, message, sizeof(message)),
                         -EINVAL);
        if (strstr(message, cases[i].message) == NULL) {
            fail_msg("%s: %s", cases[i].to, message);
        }
        free(broken);
    }
    free(text);
    tare_result_free(result);
}

static char *shown(const struct tare_result *result, const struct tare_view_options *options,
                   int (*view)(const struct tare_result *, const struct tare_view_options *, FILE *))
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    assert_int_equal(view(result, options, out), 0);
    fclose(out);
    return text;
}

static void test_tables(void **state)
{
    (void)state;
    struct tare_result *result = result_of(2, 1);
    free(result->instruments[0].module);
    result->instruments[0].module =
        sample_string("a_module_of_a_name_that_is_long_enough_to_need_more_than_a_line_of_80_columns\033[31m");
    char *text = shown(result, &(struct tare_view_options){.width = 80}, tare_view_table);
    assert_non_null(strstr(text, "counters"));
    assert_non_null(strstr(text, "net.depth{pid=1001}"));
    assert_non_null(strstr(text, "net.view{pid=1002}: 2 frames, 0 dropped"));
    assert_non_null(strstr(text, "0x7"));
    assert_null(strchr(text, '\033'));
    char *rest = NULL;
    for (char *line = strtok_r(text, "\n", &rest); line != NULL; line = strtok_r(NULL, "\n", &rest)) {
        if (strncmp(line, "clock ", 6) != 0 && tare__text_width(line) > 80) {
            fail_msg("%zu columns: %s", tare__text_width(line), line);
        }
    }
    free(text);
    text = shown(result, &(struct tare_view_options){.width = 80}, tare_view_markdown);
    assert_non_null(strstr(text, "| net.depth\\{pid=1001\\} | 1 | 1 |  |\n"));
    free(text);
    text = shown(result, &(struct tare_view_options){.width = 80}, tare_view_csv);
    assert_non_null(strstr(text, "\ngauge,net,depth,pid=1001,,value,,1\n"));
    assert_non_null(strstr(text, "\nframes,net,view,pid=1002,gpu,avg,ns,\n"));
    free(text);
    tare_result_free(result);
}

static void test_silent_instruments(void **state)
{
    (void)state;
    struct tare_result *result = result_of(1, NAN);
    result->instruments[COUNTER].total.total = 0;
    char *text = shown(result, &(struct tare_view_options){.width = 80}, tare_view_table);
    assert_null(strstr(text, "net.sent"));
    assert_non_null(strstr(text, "2 instruments counted nothing"));
    free(text);
    text = shown(result, &(struct tare_view_options){.width = 80, .all = true}, tare_view_table);
    assert_non_null(strstr(text, "net.sent"));
    assert_null(strstr(text, "counted nothing"));
    free(text);
    tare_result_free(result);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_process),
        cmocka_unit_test(test_several_add_up),
        cmocka_unit_test(test_a_pid_of_its_own_keeps_its_place),
        cmocka_unit_test(test_an_unknown_gauge_takes_no_place),
        cmocka_unit_test(test_many_processes_are_bounded),
        cmocka_unit_test(test_a_window),
        cmocka_unit_test(test_json_comes_back),
        cmocka_unit_test(test_what_is_beyond_the_numbers),
        cmocka_unit_test(test_a_damaged_timer_spoils_no_document),
        cmocka_unit_test(test_a_window_of_a_counter_that_went_down),
        cmocka_unit_test(test_bad_json_is_refused),
        cmocka_unit_test(test_tables),
        cmocka_unit_test(test_silent_instruments),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
