/* SPDX-License-Identifier: MIT */
/*
 * record/stat.h, result/stat.h and view/stat.h: names of events; runs put together; what a machine with counters of
 * the processor would show, made up, as this one may have none. The live ones: tests/cli/stat.bats.
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

#include "result/json.h"
#include "result/model.h"
#include "result/stat.h"
#include "view/stat.h"

static char message[256];

static void lists_of_events_are_read(void **state)
{
    (void)state;
    struct tare_stat_events *events = calloc(1, sizeof(*events));
    assert_int_equal(tare_stat_parse("cycles:u,instructions:u,cs", events, message, sizeof(message)), 0);
    assert_int_equal(tare_stat_parse("rC0,instructions", events, message, sizeof(message)), 0);
    assert_int_equal(events->count, 5);
    assert_true(events->events[0].user_only);
    assert_true(events->events[1].with_previous);
    assert_true(events->events[2].in_kernel);
    assert_int_equal(events->events[3].config, 0xc0);
    assert_false(events->events[4].with_previous); /* the one in front of it is not cycles */
    free(events);
}

static void other_lists_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *list, *message;
    } wrong[] = {
        {"", "'' is no event"},
        {"cycles,", "'' is no event"},
        {"cycels", "unknown event 'cycels'"},
        {"rxyz", "unknown event 'rxyz'"},
        {"cycles:x", "unknown modifier ':x' of 'cycles': ':u' (outside of the kernel) or ':k' (in it)"},
    };
    struct tare_stat_events *events = calloc(1, sizeof(*events));
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        assert_int_equal(tare_stat_parse(wrong[i].list, events, message, sizeof(message)), -EINVAL);
        assert_string_equal(message, wrong[i].message);
    }
    free(events);
}

static void every_name_that_is_offered_is_an_event(void **state)
{
    (void)state;
    for (size_t i = 0; tare_stat_names[i] != NULL; i++) {
        struct tare_stat_events *events = calloc(1, sizeof(*events));
        assert_int_equal(tare_stat_parse(tare_stat_names[i], events, message, sizeof(message)), 0);
        assert_int_equal(events->count, 1);
        free(events);
    }
}

/* Two runs of a machine whose counters have to take turns; one event that it does not have. */
static struct tare_result *make_result(void)
{
    struct tare_stat_events *events = calloc(1, sizeof(*events));
    struct tare_stat_run *run = calloc(1, sizeof(*run));
    struct tare_result *result = tare_result_new();
    assert_int_equal(tare_stat_parse("cycles,instructions,LLC-loads", events, message, sizeof(message)), 0);
    result->kind = strdup("stat");
    result->stat = tare_result_stat_new();
    for (int i = 0; i < 2; i++) {
        *run = (struct tare_stat_run){.count = 3};
        run->counts[0] = (struct tare_stat_count){.value = 1000 + 20 * i, .running = 0.5};
        run->counts[1] = (struct tare_stat_count){.value = 2525, .running = 0.75 - 0.25 * i};
        run->counts[2] = (struct tare_stat_count){
            .value = NAN, .running = NAN, .user_only = true, .reason = strdup("there is none")};
        for (int usage = 0; usage < TARE_STAT_USAGES; usage++) {
            run->usage[usage] = usage == TARE_STAT_MAX_RSS ? NAN : 1e6;
        }
        assert_int_equal(tare_result_stat_add(result->stat, events, run), 0);
        tare_stat_run_release(run);
    }
    assert_int_equal(tare_result_stat_finish(result->stat), 0);
    free(run);
    free(events);
    return result;
}

static void runs_are_put_together(void **state)
{
    (void)state;
    struct tare_result *result = make_result();
    const struct tare_result_stat *stat = result->stat;
    const struct tare_result_stat_row *cycles = tare_result_stat_find(stat, "cycles");
    assert_true(cycles->value == 1010);
    /* Student's t for one degree of freedom, 12.706, times the standard error, 10. */
    assert_true(fabs(cycles->error - 127.06) < 0.01);
    assert_true(cycles->running == 0.5);
    assert_true(tare_result_stat_find(stat, "instructions")->running == 0.5);
    const struct tare_result_stat_row *loads = tare_result_stat_find(stat, "LLC-loads");
    assert_true(isnan(loads->value) && isnan(loads->error));
    assert_string_equal(loads->reason, "there is none");
    assert_int_equal(stat->ratio_count, 1);
    assert_string_equal(stat->ratios[0].name, "instructions per cycle");
    assert_true(stat->ratios[0].value == 2.5);
    tare_result_free(result);
}

static char *show(const struct tare_result *result, enum tare_format format)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    const struct tare_view_options options = {.ascii = true};
    assert_int_equal(tare_view_stat(result, &options, format, out), 0);
    fclose(out);
    return text;
}

static void assert_contains(const char *text, const char *part)
{
    if (strstr(text, part) == NULL) {
        fail_msg("no '%s' in:\n%s", part, text);
    }
}

static void turns_and_reasons_are_shown(void **state)
{
    (void)state;
    struct tare_result *result = make_result();
    char *table = show(result, TARE_FORMAT_TABLE);
    assert_contains(table, "\ncycles                                1010    12.6 %      1.01 M/s     50.0 %\n");
    assert_contains(table, "\nLLC-loads:u                              -         -             -\n");
    assert_contains(table, "\n2.50 instructions per cycle\n");
    assert_contains(table, "\nLLC-loads: there is none\n");
    assert_contains(table, "events had to take turns: the value is scaled up.\n");
    assert_contains(table, "\nMeans of 2 runs; +- is half of their 95 % interval.\n");
    free(table);
    char *csv = show(result, TARE_FORMAT_CSV);
    assert_contains(csv, "\ncycles,processor,,1010,127.06");
    assert_contains(csv, "\nLLC-loads,processor,,,,,,true,there is none\n");
    free(csv);
    char *markdown = show(result, TARE_FORMAT_MARKDOWN);
    assert_contains(markdown, "\n| --- | --: | --: | --: | --: |\n| cycles | 1010 | 12.6 % |");
    free(markdown);
    tare_result_free(result);
}

static void json_says_the_same_again(void **state)
{
    (void)state;
    struct tare_result *result = make_result(), *again = NULL;
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    result->stat->massif = calloc(1, sizeof(*result->stat->massif));
    result->stat->massif->heap_bytes = 77;
    result->stat->massif->sites = calloc(1, sizeof(*result->stat->massif->sites));
    result->stat->massif->site_count = 1;
    result->stat->massif->sites[0] = (struct tare_massif_site){.function = strdup("f"), .bytes = 70};
    assert_int_equal(tare_result_write_json(result, out), 0);
    fclose(out);
    if (tare_result_parse_json(text, size, &again, message, sizeof(message)) != 0) {
        fail_msg("%s", message);
    }
    assert_int_equal(again->stat->runs, 2);
    assert_int_equal(again->stat->row_count, result->stat->row_count);
    for (size_t i = 0; i < again->stat->row_count; i++) {
        const struct tare_result_stat_row *a = &result->stat->rows[i], *b = &again->stat->rows[i];
        assert_string_equal(a->name, b->name);
        assert_true(a->value == b->value || (isnan(a->value) && isnan(b->value)));
        assert_true(a->values[1] == b->values[1] || (isnan(a->values[1]) && isnan(b->values[1])));
    }
    assert_int_equal(again->stat->massif->heap_bytes, 77);
    assert_string_equal(again->stat->massif->sites[0].function, "f");
    assert_null(again->stat->massif->sites[0].where);
    /* Cut down to its head it is no result of nothing. */
    tare_result_stat_free(again->stat);
    again->stat = NULL;
    out = fopen("/dev/null", "w");
    assert_int_equal(tare_result_write_json(again, out), -EINVAL);
    fclose(out);
    free(text);
    tare_result_free(result);
    tare_result_free(again);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists_of_events_are_read),
        cmocka_unit_test(other_lists_are_refused),
        cmocka_unit_test(every_name_that_is_offered_is_an_event),
        cmocka_unit_test(runs_are_put_together),
        cmocka_unit_test(turns_and_reasons_are_shown),
        cmocka_unit_test(json_says_the_same_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
