/* SPDX-License-Identifier: MIT */
/*
 * Captures of made-up snapshots: series, frames and bounds; the document both ways; what shows it. With --print,
 * the program prints one as JSON, and with --print chrome as a trace, for checkers that are not written in C.
 */
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

#include "result/capture.h"
#include "result/json.h"
#include "runtime/text.h"
#include "tests/unit/comma_locale.h"
#include "tests/unit/sample_result.h"
#include "tests/unit/sample_telemetry.h"
#include "view/capture.h"

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

static const struct tare_capture_instrument *captured(const struct tare_capture *capture, enum tare_kind kind)
{
    for (size_t i = 0; i < capture->processes[0].instrument_count; i++) {
        if (capture->processes[0].instruments[i].kind == kind) {
            return &capture->processes[0].instruments[i];
        }
    }
    fail_msg("the capture has no such instrument");
    return NULL;
}

/* `seconds` later. */
static void advance(struct tare_telemetry *telemetry, double seconds)
{
    telemetry->unix_ns += seconds * 1e9;
    telemetry->monotonic_ns += seconds * 1e9;
    for (size_t i = 0; i < telemetry->process_count; i++) {
        telemetry->processes[i].age_ns += seconds * 1e9;
    }
}

/* All frames of the ring are newer by so many, and later. */
static void advance_frames(struct tare_telemetry *telemetry, uint64_t count)
{
    struct tare_instrument_figures *frames = of_kind(telemetry, TARE_KIND_FRAMES);
    frames->total.total += count;
    for (size_t i = 0; i < frames->last_count; i++) {
        frames->last[i].number += count;
        frames->last[i].start_ns += 16.5e6 * (double)count;
    }
}

static double value(const struct tare_capture_series *series, const char *column, size_t sample)
{
    return tare_capture_value(series, tare_capture_column(series, column), sample);
}

/* What a thread's slot says. The sample's page is 10 s old at first, and a tick is a ns. */
struct slot {
    int state;
    double since_ms; /* since the first sample */
    uint64_t changes;
    double ms[3]; /* in each state before */
};

enum { KNOWN = 0, NOT_KNOWN = 1, SWITCHED = 2, RESET = 4 };

static void put_slot(struct tare_instrument_figures *of, size_t thread, const struct slot *slot, unsigned how)
{
    struct tare_stay_figures *grown = realloc(of->stays, (of->stay_count + 1) * sizeof(*grown));
    assert_non_null(grown);
    of->stays = grown;
    struct tare_stay_figures *stay = &grown[of->stay_count++];
    *stay = (struct tare_stay_figures){
        .thread = thread,
        .block = (uint32_t)thread,
        .threads = 1,
        .generation = (how & RESET) != 0 ? 2 : 1,
        .switched = (how & SWITCHED) != 0,
        .known = (how & NOT_KNOWN) == 0,
        .state = slot->state,
        .since_ticks = (uint64_t)llround(slot->since_ms * 1e6 + 10e9),
        .since_ns = slot->since_ms * 1e6 + 10e9,
        .changes = slot->changes,
    };
    for (int i = 0; i < 3; i++) {
        stay->ticks[i] = (uint64_t)llround(slot->ms[i] * 1e6);
    }
}

static const struct slot slots_of_one[] = {
    {0, 0, 1, {0}}, {1, 100, 2, {100, 0, 0}}, {1, 400, 9, {150, 220, 0}}, {1, 400, 9, {150, 220, 0}}};

/* Five samples, 0.25 s apart: the counter grows, and so do the frames. */
static struct tare_capture *make_capture(void)
{
    struct tare_telemetry telemetry;
    struct tare_capture *capture = tare_capture_new(&(struct tare_capture_options){.interval_ns = 0.25e9});
    assert_non_null(capture);
    sample_telemetry(&telemetry);
    struct tare_instrument_figures *of = of_kind(&telemetry, TARE_KIND_STATE);
    of->tick_ns = 1;
    for (int i = 0; i < 5; i++) {
        of->stay_count = 0;
        of->stays_until_ns = 10e9 + i * 0.25e9;
        put_slot(of, 1, &slots_of_one[i < 4 ? i : 3], KNOWN);
        assert_int_equal(tare_capture_add(capture, &telemetry), 0);
        advance(&telemetry, 0.25);
        advance_frames(&telemetry, i == 2 ? 20 : 6);
        of_kind(&telemetry, TARE_KIND_COUNTER)->total.total += 1000;
    }
    tare_capture_missed(capture, 3);
    tare_telemetry_release(&telemetry);
    return capture;
}

static void series_have_a_value_for_each_sample(void **state)
{
    (void)state;
    struct tare_capture *capture = make_capture();
    assert_int_equal(capture->sample_count, 5);
    assert_int_equal(capture->process_count, 2);
    assert_true(capture->at_ns[0] == 0 && fabs(capture->at_ns[4] - 1e9) < 1);
    const struct tare_capture_instrument *counter = captured(capture, TARE_KIND_COUNTER);
    assert_true(value(&counter->series, "total", 0) == 123456789012.0);
    assert_true(value(&counter->series, "total", 4) == 123456793012.0);
    assert_true(value(&counter->series, "per_s", 2) == 1048576);
    assert_string_equal(tare_capture_column(&counter->series, "per_s")->unit, "bytes/s");
    assert_true(isnan(value(&counter->series, "total", 5)));
    assert_true(isnan(value(&counter->series, "nothing", 0)));
    const struct tare_capture_instrument *states = captured(capture, TARE_KIND_STATE);
    assert_true(value(&states->series, "ns.running", 0) == 10e9);
    assert_string_equal(states->names[2], "blocked");
    assert_int_equal(captured(capture, TARE_KIND_TOPK)->key_count, 3);
    assert_true(capture->processes[1].lost_extras == 5);
    tare_capture_free(capture);
}

static void frames_are_kept_once_and_gaps_are_counted(void **state)
{
    (void)state;
    struct tare_capture *capture = make_capture();
    const struct tare_capture_instrument *frames = captured(capture, TARE_KIND_FRAMES);
    /* Those of the first sample are from before; then 6, 6, 12 of 20 and 6 came. */
    assert_int_equal(frames->frame_count, 6 + 6 + 12 + 6);
    assert_int_equal(frames->frames_missed, 8);
    for (size_t i = 1; i < frames->frame_count; i++) {
        assert_true(frames->frames[i].number > frames->frames[i - 1].number);
    }
    /* The page is 10 s old at the first sample. */
    assert_true(fabs(capture->processes[0].origin_ns + 10e9) < 1);
    assert_int_equal(frames->frames[0].number, 600);
    assert_true(fabs(frames->frames[0].start_ns - (9.8e9 + 12 * 16.5e6 - 10e9)) < 1000);
    tare_capture_free(capture);
}

static void late_parts_are_filled_in(void **state)
{
    (void)state;
    struct tare_telemetry telemetry;
    struct tare_capture *capture = tare_capture_new(NULL);
    sample_telemetry(&telemetry);
    assert_int_equal(tare_capture_add(capture, &telemetry), 0);
    advance_frames(&telemetry, 12);
    assert_int_equal(tare_capture_add(capture, &telemetry), 0);
    const struct tare_capture_instrument *frames = captured(capture, TARE_KIND_FRAMES);
    assert_true(isnan(frames->frames[11].part_ns[1]));
    of_kind(&telemetry, TARE_KIND_FRAMES)->last[11].part_ns[1] = 5e6;
    assert_int_equal(tare_capture_add(capture, &telemetry), 0);
    assert_int_equal(frames->frame_count, 12);
    assert_true(captured(capture, TARE_KIND_FRAMES)->frames[11].part_ns[1] == 5e6);
    of_kind(&telemetry, TARE_KIND_FRAMES)->last[11].part_ns[1] = 7e6; /* added to once more */
    assert_int_equal(tare_capture_add(capture, &telemetry), 0);
    assert_true(captured(capture, TARE_KIND_FRAMES)->frames[11].part_ns[1] == 7e6);
    tare_telemetry_release(&telemetry);
    tare_capture_free(capture);
}

static void a_reset_is_counted_and_frames_go_on(void **state)
{
    (void)state;
    struct tare_telemetry telemetry;
    struct tare_capture *capture = tare_capture_new(NULL);
    sample_telemetry(&telemetry);
    assert_int_equal(tare_capture_add(capture, &telemetry), 0);
    struct tare_instrument_figures *frames = of_kind(&telemetry, TARE_KIND_FRAMES);
    frames->total.total = 12;
    for (size_t i = 0; i < frames->last_count; i++) {
        frames->last[i].number = i;
    }
    frames->generation++;
    of_kind(&telemetry, TARE_KIND_COUNTER)->generation++; /* it has come to more than it had already */
    of_kind(&telemetry, TARE_KIND_COUNTER)->total.total *= 2;
    assert_int_equal(tare_capture_add(capture, &telemetry), 0);
    assert_int_equal(captured(capture, TARE_KIND_COUNTER)->voids, 1);
    assert_int_equal(captured(capture, TARE_KIND_TIMER)->voids, 0);
    assert_int_equal(captured(capture, TARE_KIND_FRAMES)->voids, 1);
    assert_int_equal(captured(capture, TARE_KIND_FRAMES)->frame_count, 12);
    assert_int_equal(captured(capture, TARE_KIND_FRAMES)->frames_missed, 0);
    assert_int_equal(captured(capture, TARE_KIND_FRAMES)->frames[0].number, 600);
    tare_telemetry_release(&telemetry);
    tare_capture_free(capture);
}

static void what_comes_later_has_no_earlier_values(void **state)
{
    (void)state;
    struct tare_telemetry telemetry;
    struct tare_capture *capture = tare_capture_new(NULL);
    sample_telemetry(&telemetry);
    telemetry.processes[1].alive = true;
    telemetry.process_count = 1;
    assert_int_equal(tare_capture_add(capture, &telemetry), 0);
    telemetry.process_count = 2;
    assert_int_equal(tare_capture_add(capture, &telemetry), 0);
    telemetry.process_count = 1;
    assert_int_equal(tare_capture_add(capture, &telemetry), 0);
    telemetry.process_count = 2;
    assert_int_equal(tare_capture_add(capture, &telemetry), 0);
    const struct tare_capture_series *series = &capture->processes[1].instruments[0].series;
    assert_true(isnan(value(series, "calls", 0)) && isnan(value(series, "calls", 2)));
    assert_false(isnan(value(series, "calls", 1)) || isnan(value(series, "calls", 3)));
    tare_telemetry_release(&telemetry);
    tare_capture_free(capture);
}

static void a_process_that_has_ended_has_no_values_after_that(void **state)
{
    (void)state;
    struct tare_telemetry telemetry;
    struct tare_capture *capture = tare_capture_new(NULL);
    sample_telemetry(&telemetry);
    telemetry.processes[1].alive = true;
    for (int i = 0; i < 4; i++) {
        telemetry.processes[1].alive = i < 1; /* kept, with what it said last */
        assert_int_equal(tare_capture_add(capture, &telemetry), 0);
        advance(&telemetry, 0.25);
    }
    const struct tare_capture_process *process = &capture->processes[1];
    assert_false(process->alive);
    assert_false(isnan(value(&process->instruments[0].series, "calls", 1)));
    assert_true(isnan(value(&process->instruments[0].series, "calls", 2)));
    assert_int_equal(process->series.count, 2);
    assert_int_equal(capture->processes[0].series.count, 4);
    tare_telemetry_release(&telemetry);
    tare_capture_free(capture);
}

/* The time of day is set by an hour, before the capture and in it: frames stay where they are. */
static void setting_the_clock_moves_no_frames(void **state)
{
    (void)state;
    struct tare_telemetry telemetry;
    struct tare_capture *capture = tare_capture_new(NULL);
    sample_telemetry(&telemetry);
    telemetry.processes[0].origin_age_ns = 10e9;
    telemetry.processes[0].age_ns += 3600e9;
    assert_int_equal(tare_capture_add(capture, &telemetry), 0);
    advance(&telemetry, 0.25);
    telemetry.processes[0].origin_age_ns += 0.25e9;
    advance_frames(&telemetry, 6);
    telemetry.unix_ns -= 7200e9;
    assert_int_equal(tare_capture_add(capture, &telemetry), 0);
    assert_true(fabs(capture->at_ns[1] - 0.25e9) < 1);
    assert_true(fabs(capture->processes[0].origin_ns + 10e9) < 1);
    assert_true(fabs(captured(capture, TARE_KIND_FRAMES)->frames[0].start_ns - (9.8e9 + 12 * 16.5e6 - 10e9)) <
                1000);
    tare_telemetry_release(&telemetry);
    tare_capture_free(capture);
}

/* `count` threads from tid `first` on, all of them running. */
static void set_threads(struct tare_telemetry *telemetry, struct tare_result_thread *threads, size_t count,
                        uint32_t first)
{
    for (size_t i = 0; i < count; i++) {
        threads[i] = (struct tare_result_thread){.tid = first + (uint32_t)i, .name = "t"};
    }
    telemetry->processes[0].thread_list = threads;
    telemetry->processes[0].thread_list_count = count;
}

static void a_tid_that_is_used_again_is_another_thread(void **state)
{
    (void)state;
    struct tare_telemetry telemetry;
    struct tare_result_thread threads[4], *own;
    struct tare_capture *capture = tare_capture_new(NULL);
    sample_telemetry(&telemetry);
    own = telemetry.processes[0].thread_list;
    size_t own_count = telemetry.processes[0].thread_list_count;
    set_threads(&telemetry, threads, 3, 10);
    assert_int_equal(tare_capture_add(capture, &telemetry), 0);
    assert_int_equal(tare_capture_add(capture, &telemetry), 0);
    const struct tare_capture_process *process = &capture->processes[0];
    assert_int_equal(process->thread_count, 3);
    assert_false(process->threads[0].ended);
    threads[0].ended = true;
    assert_int_equal(tare_capture_add(capture, &telemetry), 0);
    assert_true(process->threads[0].ended);
    assert_int_equal(process->thread_count, 3);
    threads[0].ended = false; /* the next one in its place */
    strcpy(threads[0].name, "next");
    assert_int_equal(tare_capture_add(capture, &telemetry), 0);
    assert_int_equal(process->thread_count, 4);
    assert_true(process->threads[0].ended);
    assert_string_equal(process->threads[0].name, "t");
    assert_string_equal(process->threads[3].name, "next");
    /* One that is in the list no more has ended; two of a tid in one list are two. */
    threads[3] = (struct tare_result_thread){.tid = 11, .name = "t", .ended = true};
    memmove(&threads[1], &threads[2], 2 * sizeof(threads[0]));
    telemetry.processes[0].thread_list_count = 3;
    assert_int_equal(tare_capture_add(capture, &telemetry), 0);
    assert_int_equal(process->thread_count, 4);
    assert_true(process->threads[1].ended);
    assert_false(process->threads[3].ended);
    telemetry.processes[0].thread_list = own;
    telemetry.processes[0].thread_list_count = own_count;
    tare_telemetry_release(&telemetry);
    tare_capture_free(capture);
}

static void threads_are_bounded_and_the_others_counted(void **state)
{
    (void)state;
    enum { EACH = 128, SAMPLES = 40 };
    struct tare_telemetry telemetry;
    struct tare_result_thread threads[EACH], *own;
    size_t size;
    char message[200];
    struct tare_capture *capture = tare_capture_new(NULL);
    sample_telemetry(&telemetry);
    own = telemetry.processes[0].thread_list;
    size_t own_count = telemetry.processes[0].thread_list_count;
    for (uint32_t i = 0; i < SAMPLES; i++) {
        set_threads(&telemetry, threads, EACH, 1000 + i * EACH);
        assert_int_equal(tare_capture_add(capture, &telemetry), 0);
    }
    assert_int_equal(tare_capture_add(capture, &telemetry), 0); /* the last ones again: no others */
    assert_int_equal(capture->processes[0].thread_count, 4096);
    assert_int_equal(capture->processes[0].threads_left_out, SAMPLES * EACH - 4096);
    char *text = tare_capture_json(capture, &size);
    struct tare_result *again = NULL;
    assert_int_equal(tare_result_parse_json(text, size, &again, message, sizeof(message)), 0);
    assert_int_equal(again->capture->processes[0].threads_left_out, SAMPLES * EACH - 4096);
    tare_result_free(again);
    free(text);
    tare_capture_free(capture);
    /* They count as memory. */
    capture = tare_capture_new(&(struct tare_capture_options){.max_bytes = 100000});
    for (uint32_t i = 0; i < SAMPLES; i++) {
        set_threads(&telemetry, threads, EACH, 1000 + i * EACH);
        tare_capture_add(capture, &telemetry);
    }
    assert_true(capture->sample_count > 2 && capture->sample_count < 20);
    tare_capture_free(capture);
    telemetry.processes[0].thread_list = own;
    telemetry.processes[0].thread_list_count = own_count;
    tare_telemetry_release(&telemetry);
}

static void samples_are_bounded_and_drops_counted(void **state)
{
    (void)state;
    struct tare_telemetry telemetry;
    sample_telemetry(&telemetry);
    struct tare_capture *capture = tare_capture_new(&(struct tare_capture_options){.max_samples = 2});
    assert_int_equal(tare_capture_add(capture, &telemetry), 0);
    assert_false(tare_capture_is_full(capture));
    assert_int_equal(tare_capture_add(capture, &telemetry), 0);
    assert_true(tare_capture_is_full(capture));
    assert_int_equal(tare_capture_add(capture, &telemetry), -ENOBUFS);
    assert_int_equal(tare_capture_add(capture, &telemetry), -ENOBUFS);
    assert_int_equal(capture->sample_count, 2);
    assert_int_equal(capture->samples_dropped, 2);
    tare_capture_free(capture);
    capture = tare_capture_new(&(struct tare_capture_options){.max_bytes = 200000});
    for (int i = 0; i < 2000; i++) {
        tare_capture_add(capture, &telemetry);
    }
    assert_true(capture->sample_count > 10 && capture->sample_count < 1000);
    assert_int_equal(capture->sample_count + capture->samples_dropped, 2000);
    tare_capture_free(capture);
    tare_telemetry_release(&telemetry);
}

static char *document(const struct tare_result *result, size_t *size)
{
    char *text = NULL;
    FILE *out = open_memstream(&text, size);
    assert_non_null(out);
    assert_int_equal(tare_result_write_json(result, out), 0);
    assert_int_equal(fclose(out), 0);
    return text;
}

static void the_document_is_the_same_both_ways(void **state)
{
    (void)state;
    size_t size, size_again, lent_size;
    char message[200];
    struct tare_capture *capture = make_capture();
    char *lent = tare_capture_json(capture, &lent_size);
    assert_non_null(lent);
    struct tare_result *result = tare_capture_result(capture), *again = NULL;
    char *text = document(result, &size);
    assert_int_equal(lent_size, size);
    assert_int_equal(tare_result_parse_json(text, size, &again, message, sizeof(message)), 0);
    assert_string_equal(again->kind, "capture");
    assert_string_equal(again->started, "2026-01-02T02:46:40Z");
    assert_int_equal(again->capture->samples_missed, 3);
    assert_int_equal(captured(again->capture, TARE_KIND_FRAMES)->frame_count, 30);
    char *text_again = document(again, &size_again);
    assert_int_equal(size, size_again);
    assert_memory_equal(text, text_again, size);
    tare_result_free(result);
    tare_result_free(again);
    free(lent);
    free(text);
    free(text_again);
}

/* Every way to cut it short gives an error, in one line. */
static void a_document_that_was_cut_is_refused(void **state)
{
    (void)state;
    size_t size;
    char message[200];
    struct tare_capture *capture = make_capture();
    char *text = tare_capture_json(capture, &size);
    tare_capture_free(capture);
    for (size_t cut = 0; cut + 2 < size; cut += 211) {
        struct tare_result *result = NULL;
        assert_true(tare_result_parse_json(text, cut, &result, message, sizeof(message)) < 0);
        assert_null(result);
        assert_true(message[0] != '\0' && strchr(message, '\n') == NULL);
    }
    free(text);
}

/* A part of the document, replaced. The message has to name the place. */
static void refuse(const char *from, const char *to, const char *expected)
{
    size_t size;
    char message[300];
    struct tare_capture *capture = make_capture();
    char *text = tare_capture_json(capture, &size), *changed = NULL;
    tare_capture_free(capture);
    char *at = strstr(text, from);
    if (at == NULL) {
        fail_msg("no '%s' in the document", from);
        return;
    }
    assert_true(asprintf(&changed, "%.*s%s%s", (int)(at - text), text, to, at + strlen(from)) >= 0);
    struct tare_result *result = NULL;
    assert_int_equal(tare_result_parse_json(changed, strlen(changed), &result, message, sizeof(message)),
                     -EINVAL);
    if (strstr(message, expected) == NULL) {
        fail_msg("'%s' is not in: %s", expected, message);
    }
    free(text);
    free(changed);
}

static void what_does_not_hang_together_is_refused(void **state)
{
    (void)state;
    refuse("\"capture\": {", "\"capture\": null, \"x\": {", "'capture' is missing");
    refuse("\"capture\": {", "\"capture\": 7, \"x\": {", "'capture' is not an object");
    refuse("\"at_ns\": [", "\"at_ns\": [0.0, ", "'capture.window_ns' is not an array");
    refuse("\"at_ns\": [\n", "\"at_ns\": [ 5e9, ", "'capture.at_ns[1]' is not a time");
    refuse("\"first\": 0", "\"first\": 6",
           "'capture.processes[0].series.first' is not a whole number from 0 to 5");
    refuse("\"first\": 0", "\"first\": 1", "series.count' is not a whole number from 0 to 4");
    refuse("\"count\": 5", "\"count\": 4", "values' is not an array with a value for each sample");
    refuse("\"kind\": \"timer\"", "\"kind\": \"tuner\"", "instruments[0].kind' is not timer, counter");
    refuse("\"type\": \"count\"", "\"type\": \"complex\"", "type' is not number or count");
    refuse("\"key\": \"0x", "\"key\": \"7x", "key' is not a key");
    refuse("\"number\": 601", "\"number\": 1", "frames[1]' is not a frame behind");
    refuse("\"parts_ns\": [", "\"parts_ns\": [1, ", "parts_ns' is not an array with a time");
    refuse("\"ns\": 1", "\"ns\": -1", "frames[0].ns' is not");
    refuse("\"thread\": 1", "\"thread\": 4", "stays[0]' is not a stay of a thread that there is");
    refuse("\"state\": 0", "\"state\": 3", "stays[0].state' is not the number of a state");
    refuse("\"state\": null", "\"state\": \"x\"", "stays[2].state' is not");
    refuse("\"states_ns\": [", "\"states_ns\": [1, ", "stays[2].states_ns' is not an array with a time");
    refuse("\"changes\": 7", "\"changes\": -7", "stays[2].changes' is not");
}

/* No value is so large that the document cannot be written; what is too large for it is unknown. */
static void large_counts_are_unknown(void **state)
{
    (void)state;
    static const uint64_t totals[] = {INT64_MAX, UINT64_C(1) << 63, UINT64_MAX, 4};
    struct tare_telemetry telemetry;
    size_t size;
    sample_telemetry(&telemetry);
    of_kind(&telemetry, TARE_KIND_GAUGE)->total.value = HUGE_VAL;
    of_kind(&telemetry, TARE_KIND_TOPK)->total.keys[0].weight = UINT64_MAX - 1;
    telemetry.processes[0].lost_scopes = UINT64_MAX - 1;
    struct tare_capture *capture = tare_capture_new(NULL), *again;
    for (size_t i = 0; i < sizeof(totals) / sizeof(totals[0]); i++) {
        of_kind(&telemetry, TARE_KIND_COUNTER)->total.total = totals[i];
        assert_int_equal(tare_capture_add(capture, &telemetry), 0);
        advance(&telemetry, 0.25);
    }
    char *text = tare_capture_json(capture, &size), message[200];
    struct tare_result *result = NULL;
    assert_non_null(text);
    assert_int_equal(tare_result_parse_json(text, size, &result, message, sizeof(message)), 0);
    again = result->capture;
    const uint64_t *counts = tare_capture_column(&captured(again, TARE_KIND_COUNTER)->series, "total")->counts;
    assert_true(counts[0] == INT64_MAX && counts[3] == 4);
    assert_true(counts[1] == TARE_COUNT_UNKNOWN && counts[2] == TARE_COUNT_UNKNOWN);
    assert_true(captured(again, TARE_KIND_TOPK)->keys[0].weight == TARE_COUNT_UNKNOWN);
    assert_true(again->processes[0].lost_scopes == TARE_COUNT_UNKNOWN);
    assert_non_null(result->notes);
    assert_non_null(strstr(result->notes[0], "above 2^63 - 1"));
    assert_non_null(strstr(result->notes[0], "net.sent{proto=tcp,dir=out}"));
    assert_null(result->notes[1]);
    tare_result_free(result);
    free(text);
    tare_capture_free(capture);
    tare_telemetry_release(&telemetry);
}

typedef int writer(const struct tare_result *result, FILE *out);

static int write_table(const struct tare_result *result, FILE *out)
{
    return tare_view_capture(result, &(struct tare_view_options){.all = true, .width = 100}, TARE_FORMAT_TABLE,
                             out);
}

static int write_narrow(const struct tare_result *result, FILE *out)
{
    return tare_view_capture(result, &(struct tare_view_options){.all = true, .width = 80}, TARE_FORMAT_TABLE,
                             out);
}

static int write_markdown(const struct tare_result *result, FILE *out)
{
    return tare_view_capture(result, &(struct tare_view_options){.ascii = true}, TARE_FORMAT_MARKDOWN, out);
}

static char *shown(struct tare_capture *capture, writer *write)
{
    char *text = NULL;
    size_t size;
    struct tare_result *result = tare_capture_result(capture);
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    assert_int_equal(write(result, out), 0);
    assert_int_equal(fclose(out), 0);
    tare_result_free(result);
    return text;
}

static void assert_has(const char *text, const char *what)
{
    if (strstr(text, what) == NULL) {
        fail_msg("no '%s' in:\n%s", what, text);
    }
}

static void views_say_what_there_is(void **state)
{
    (void)state;
    char *text = shown(make_capture(), write_table);
    assert_has(text, "5 samples over 1.00 s, one every 0.25 s; 3 missed, 0 dropped");
    assert_has(text, "pid 4242: game\n");
    assert_has(text, "pid 4300: worker, which has ended\n");
    assert_has(text,
               "view.main_view: 30 frames kept, 8 missed; 60.6 frames in a second; by frame times alone: ");
    assert_has(text, "\nnet.packet_size: p50 ");
    assert_has(text, "\nnet.packet_size: p99 ");
    assert_has(text, "\njit.cache.hit_rate ");
    assert_has(text, "pid 4300: 3 scopes were not counted");
    assert_has(text,
               "jit.hot_blocks: 0x7f00deadbeef0000 weighs 500000 cycles (50.0 %), at most 0 cycles too much");
    assert_has(text, "at most 12000 cycles too much;\n  hits: 20000 or more\n");
    assert_has(text, "\ncpu.batch_rate: p5 (instructions/ms)");
    assert_null(strstr(text, "\nnet.packet_size: p5 "));
    free(text);
    text = shown(make_capture(), write_markdown);
    assert_has(text, "| net.sent\\{proto=tcp,dir=out\\} | ");
    free(text);
    text = shown(make_capture(), tare_view_capture_csv);
    assert_has(text, "at_ns,pid,process,kind,instrument,labels,column,unit,value\n");
    assert_has(text, "\n250000000,4242,game,counter,net.sent,\"proto=tcp,dir=out\",total,bytes,123456790012\n");
    assert_has(text, "\n1000000000,4242,game,topk,jit.hot_blocks,,total,cycles,");
    assert_has(text, ",jit.hot_blocks,,weight.0xffffffffffffffff,cycles,250000\n");
    assert_has(text, ",jit.hot_blocks,,error.0xffffffffffffffff,cycles,12000\n");
    assert_has(text, ",jit.hot_blocks,,hits.0xffffffffffffffff,,20000\n");
    free(text);
}

/* Less than nothing was counted: that is unknown, and has its line, with a - for what is not known. */
static void unknown_is_not_never_counted(void **state)
{
    (void)state;
    struct tare_telemetry telemetry;
    struct tare_capture *capture = tare_capture_new(NULL);
    sample_telemetry(&telemetry);
    struct tare_instrument_figures *counter = of_kind(&telemetry, TARE_KIND_COUNTER);
    counter->total.known = counter->rolling.known = false;
    counter->total.total = counter->rolling.total = TARE_COUNT_UNKNOWN;
    struct tare_instrument_figures *timer = of_kind(&telemetry, TARE_KIND_TIMER);
    timer->total.total = timer->total.distribution.count = 0;
    timer->rolling.per_s = 0;
    for (int i = 0; i < 3; i++) {
        assert_int_equal(tare_capture_add(capture, &telemetry), 0);
        advance(&telemetry, 0.25);
    }
    tare_telemetry_release(&telemetry);
    char *text = shown(capture, write_markdown);
    assert_has(text, "| net.sent\\{proto=tcp,dir=out\\} | - | - | - | - | - |\n");
    assert_null(strstr(text, "| fdtables::close\\_virtualfd | 0 "));
    free(text);
}

static void set_timer(struct tare_telemetry *telemetry, uint64_t calls, double net_total_ns)
{
    struct tare_readings *total = &of_kind(telemetry, TARE_KIND_TIMER)->total;
    total->total = calls;
    total->distribution.count = calls / 2; /* half of them were in others of their own */
    total->distribution.sum = net_total_ns + (double)calls * 10;
    total->net_total_ns = calls != 0 ? net_total_ns : NAN;
    total->net_p50_ns = 7;
    total->measuring_ns = (double)calls * 40;
}

/* Calls and net totals of three samples 0.25 s apart, and what is made of them. */
static void assert_timer(const uint64_t calls[3], const double net_ns[3], bool whole, uint64_t calls_wanted,
                         double net_wanted_ns)
{
    struct tare_telemetry telemetry;
    struct tare_capture *capture = tare_capture_new(NULL);
    sample_telemetry(&telemetry);
    for (int i = 0; i < 3; i++) {
        set_timer(&telemetry, calls[i], net_ns[i]);
        assert_int_equal(tare_capture_add(capture, &telemetry), 0);
        advance(&telemetry, 0.25);
    }
    size_t count;
    struct tare_result_timer *timers = tare_capture_timers(&capture->processes[0], whole, &count);
    assert_true(count > 1);
    const struct tare_result_figures *figures = &timers[0].figures;
    assert_true(figures->calls == calls_wanted && figures->outermost_calls == calls_wanted / 2);
    assert_true(figures->net_total_ns == net_wanted_ns);
    assert_true(figures->raw_total_ns == net_wanted_ns + (double)calls_wanted * 10);
    assert_true(figures->measuring_ns == (double)calls_wanted * 40);
    if (calls_wanted != 0) {
        assert_true(figures->net_avg_ns == net_wanted_ns / (double)(calls_wanted / 2));
    }
    assert_true(figures->net_p50_ns == 7);
    free(timers);
    tare_capture_free(capture);
    tare_telemetry_release(&telemetry);
}

static void timers_are_of_the_time_of_the_capture(void **state)
{
    (void)state;
    /* What there was in the first sample is of the capture if that began with the program. */
    assert_timer((uint64_t[]){100, 300, 700}, (double[]){1e3, 4e3, 9e3}, false, 600, 8e3);
    assert_timer((uint64_t[]){100, 300, 700}, (double[]){1e3, 4e3, 9e3}, true, 700, 9e3);
    /* No calls are no time, and not an unknown one. */
    assert_timer((uint64_t[]){0, 300, 700}, (double[]){0, 4e3, 9e3}, false, 700, 9e3);
    assert_timer((uint64_t[]){100, 100, 100}, (double[]){1e3, 1e3, 1e3}, false, 0, 0);
    /* It was reset behind the second one, and went on. */
    assert_timer((uint64_t[]){100, 300, 50}, (double[]){1e3, 4e3, 2e3}, false, 250, 5e3);
    assert_timer((uint64_t[]){100, 300, 0}, (double[]){1e3, 4e3, 0}, true, 300, 4e3);
}

static void timers_stand_by_what_they_took(void **state)
{
    (void)state;
    struct tare_telemetry telemetry;
    struct tare_capture *capture = tare_capture_new(NULL);
    sample_telemetry(&telemetry);
    set_timer(&telemetry, 0, 0);
    assert_int_equal(tare_capture_add(capture, &telemetry), 0);
    advance(&telemetry, 0.25);
    set_timer(&telemetry, 200, 50e6);
    assert_int_equal(tare_capture_add(capture, &telemetry), 0);
    char *text = shown(capture, write_table);
    assert_has(text, "  busy\nfdtables::close_virtualfd "); /* the first one */
    assert_has(text, " 200  500.000µs ");
    assert_has(text, " 50.000ms    20.0 %\n");
    free(text);
    tare_telemetry_release(&telemetry);
}

/* Wide lines are folded, and every value has its unit. */
static void a_table_keeps_to_its_width(void **state)
{
    (void)state;
    char *text = shown(make_capture(), write_narrow), *rest = text;
    for (char *line = strsep(&rest, "\n"); line != NULL; line = strsep(&rest, "\n")) {
        if (tare__text_width(line) > 80) {
            fail_msg("wider than 80: '%s'", line);
        }
    }
    free(text);
    text = shown(make_capture(), write_table);
    assert_has(text, " 123456789012 B "); /* as it was counted */
    assert_has(text, " 123456793012 B ");
    assert_has(text, " MiB/s");
    free(text);
}

/* What becomes unknown is not shown as what it was. */
static void what_was_lost_is_not_what_there_is(void **state)
{
    (void)state;
    struct tare_telemetry telemetry;
    struct tare_capture *capture = tare_capture_new(NULL);
    sample_telemetry(&telemetry);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(tare_capture_add(capture, &telemetry), 0);
        advance(&telemetry, 0.25);
        of_kind(&telemetry, TARE_KIND_GAUGE)->total.value = NAN;
        of_kind(&telemetry, TARE_KIND_COUNTER)->total.total = TARE_COUNT_UNKNOWN;
        of_kind(&telemetry, TARE_KIND_HISTOGRAM)->total.distribution.sum = NAN;
    }
    size_t count;
    struct tare_capture_row *rows = tare_capture_rows(capture, &count);
    size_t seen = 0;
    for (size_t i = 0; i < count; i++) {
        if (rows[i].instrument == captured(capture, TARE_KIND_GAUGE) ||
            rows[i].instrument == captured(capture, TARE_KIND_COUNTER)) {
            assert_false(isnan(rows[i].first));
            assert_true(isnan(rows[i].last));
            seen++;
        }
    }
    assert_int_equal(seen, 2);
    tare_capture_rows_free(rows, count);
    tare_telemetry_release(&telemetry);
    char *text = shown(capture, write_table);
    assert_has(text, "note: counters that are above 2^63 - 1");
    assert_has(text, "note: sums of values that have come to 2^64 - 1");
    assert_null(strstr(text, "nan"));
    free(text);
}

static void a_trace_has_spans_for_frames(void **state)
{
    (void)state;
    char *text = shown(make_capture(), tare_view_capture_chrome);
    assert_has(
        text,
        "{\"ph\":\"X\",\"pid\":4242,\"tid\":1000000000,\"name\":\"frame 600\",\"ts\":0.000,\"dur\":15600.000,");
    assert_has(text, "\"name\":\"view.main_view parts (ms)\"");
    assert_has(text, "\"name\":\"net.sent{proto=tcp,dir=out} total (bytes)\"");
    assert_has(text, "\"samples_missed\":3");
    assert_has(text, "\"frames_missed\":8");
    assert_null(strstr(text, "nan"));
    free(text);
}

/* All spans, which must not overlap on a track; how many there are. */
static size_t check_spans(const char *text)
{
    struct span {
        json_int_t pid, tid;
        double begin, end;
    } spans[256];
    size_t count = 0;
    json_t *root = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(root);
    const json_t *events = json_object_get(root, "traceEvents");
    for (size_t i = 0; i < json_array_size(events); i++) {
        const json_t *event = json_array_get(events, i);
        json_int_t pid = json_integer_value(json_object_get(event, "pid")),
                   tid = json_integer_value(json_object_get(event, "tid"));
        assert_true(pid > 0 && pid <= INT32_MAX && tid >= 0 && tid <= INT32_MAX);
        if (strcmp(json_string_value(json_object_get(event, "ph")), "X") != 0) {
            continue;
        }
        double begin = json_number_value(json_object_get(event, "ts"));
        spans[count] = (struct span){pid, tid, begin, begin + json_number_value(json_object_get(event, "dur"))};
        for (size_t k = 0; k < count; k++) {
            assert_true(spans[k].pid != pid || spans[k].tid != tid || spans[k].end <= begin + 1e-6 ||
                        spans[count].end <= spans[k].begin + 1e-6);
        }
        assert_true(++count < 256);
    }
    json_decref(root);
    return count;
}

/* One sample each 250 ms, of one thread or of two. */
static struct tare_capture *capture_slots(const struct slot *slots, const struct slot *others,
                                          const unsigned *how, size_t count)
{
    struct tare_telemetry telemetry;
    struct tare_capture *capture = tare_capture_new(&(struct tare_capture_options){.interval_ns = 0.25e9});
    sample_telemetry(&telemetry);
    struct tare_instrument_figures *of = of_kind(&telemetry, TARE_KIND_STATE);
    of->tick_ns = 1;
    for (size_t i = 0; i < count; i++) {
        of->stay_count = 0;
        of->stays_until_ns = 10e9 + (double)i * 0.25e9;
        put_slot(of, 1, &slots[i], how != NULL ? how[i] : KNOWN);
        if (others != NULL) {
            put_slot(of, 2, &others[i], KNOWN);
        }
        assert_int_equal(tare_capture_add(capture, &telemetry), 0);
        advance(&telemetry, 0.25);
    }
    tare_telemetry_release(&telemetry);
    return capture;
}

static void assert_stay(const struct tare_capture *capture, size_t number, int state, double begin_ms,
                        double end_ms, bool lasts)
{
    const struct tare_capture_instrument *states = captured(capture, TARE_KIND_STATE);
    assert_true(number < states->stay_count);
    const struct tare_capture_stay *stay = &states->stays[number];
    if (stay->state != state || fabs(stay->begin_ns - begin_ms * 1e6) > 1 ||
        fabs(stay->end_ns - end_ms * 1e6) > 1 || stay->lasts != lasts) {
        fail_msg("stay %zu is %d from %f to %f ms, %d", number, stay->state, stay->begin_ns / 1e6,
                 stay->end_ns / 1e6, stay->lasts);
    }
}

static void stays_are_told_from_two_readings(void **state)
{
    (void)state;
    const struct slot slots[] = {
        {0, -50, 10, {5, 6, 7}},
        {0, -50, 10, {5, 6, 7}},       /* the same one */
        {1, 350, 11, {405, 6, 7}},     /* one change */
        {1, 730, 13, {435, 356, 7}},   /* two, by way of idle */
        {1, 990, 15, {435, 516, 7}},   /* two, by way of none */
        {2, 1210, 24, {505, 576, 57}}, /* nine */
        {-1, 1490, 25, {505, 576, 337}},
        {0, 1700, 28, {505, 586, 347}}, /* to none; and two others from there */
    };
    struct tare_capture *capture = capture_slots(slots, NULL, NULL, sizeof(slots) / sizeof(slots[0]));
    assert_stay(capture, 0, 0, -50, 350, false);
    assert_stay(capture, 1, 1, 350, 700, false);
    assert_stay(capture, 2, 0, 700, 730, false);
    assert_stay(capture, 3, 1, 730, 890, false);
    assert_stay(capture, 4, 1, 990, 1000, true); /* up to the sample it was in that, at least */
    assert_stay(capture, 5, -1, 1000, 1210, false);
    assert_int_equal(captured(capture, TARE_KIND_STATE)->stays[5].several, 0);
    const struct tare_capture_several *several = captured(capture, TARE_KIND_STATE)->several;
    assert_int_equal(several->changes, 9);
    assert_true(several->ns[0] == 70e6 && fabs(several->ns[1] - 50e6) < 1 && several->ns[2] == 50e6);
    assert_stay(capture, 6, 2, 1210, 1490, false);
    assert_stay(capture, 7, -1, 1500, 1700, false);
    assert_stay(capture, 8, 0, 1700, 1750, true);
    assert_int_equal(captured(capture, TARE_KIND_STATE)->stay_count, 9);
    tare_capture_free(capture);
}

/* What was switched off or reset in between, or does not fit together, tells nothing of that time. */
static void what_is_not_known_of_stays_is_not_told(void **state)
{
    (void)state;
    const struct slot slots[] = {{0, 0, 1, {0}}, {1, 300, 2, {300, 0, 0}}};
    const struct slot gone[] = {{0, 0, 1, {0}}, {1, 300, 2, {0}}}; /* the stay was not counted */
    const unsigned hows[][2] = {
        {KNOWN, SWITCHED}, {KNOWN, RESET}, {KNOWN, KNOWN}, {KNOWN, NOT_KNOWN}, {NOT_KNOWN, KNOWN}};
    for (size_t i = 0; i < sizeof(hows) / sizeof(hows[0]); i++) {
        struct tare_capture *capture = capture_slots(i == 2 ? gone : slots, NULL, hows[i], 2);
        size_t next = 0;
        if (hows[i][0] == KNOWN) {
            assert_stay(capture, next++, 0, 0, 0, true);
        }
        if ((hows[i][1] & NOT_KNOWN) == 0) {
            assert_stay(capture, next++, 1, 300, 300, true);
        }
        assert_int_equal(captured(capture, TARE_KIND_STATE)->stay_count, next);
        tare_capture_free(capture);
    }
}

/* Threads that use a block one after the other, and one that has a new block. */
static void short_lived_threads_are_told_as_far_as_it_goes(void **state)
{
    (void)state;
    struct tare_telemetry telemetry;
    struct tare_capture *capture = tare_capture_new(NULL);
    sample_telemetry(&telemetry);
    struct tare_instrument_figures *of = of_kind(&telemetry, TARE_KIND_STATE);
    const struct {
        size_t thread;
        uint64_t threads;
        bool ended;
        struct slot slot;
    } steps[] = {
        {0, 1, true, {-1, -10, 2, {10, 0, 0}}},
        {1, 2, true, {-1, 200, 4, {10, 80, 0}}},     /* the next one: it was running from 120 to 200 ms */
        {2, 3, false, {0, 300, 9, {15, 90, 5}}},     /* and the next, which was in several states */
        {3, 8, true, {-1, 700, 200, {115, 140, 5}}}, /* five more, and what was left of that one */
    };
    of->tick_ns = 1;
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        of->stay_count = 0;
        of->stays_until_ns = 10e9 + (double)i * 0.25e9;
        put_slot(of, steps[i].thread, &steps[i].slot, KNOWN);
        of->stays[0].block = 0;
        of->stays[0].threads = steps[i].threads;
        of->stays[0].ended = steps[i].ended;
        if (i == 3) { /* one in a block of its own, of which there was nothing before */
            put_slot(of, 0, &(struct slot){-1, 690, 2, {0, 0, 40}}, KNOWN);
            of->stays[1].block = 1;
        }
        assert_int_equal(tare_capture_add(capture, &telemetry), 0);
        advance(&telemetry, 0.25);
    }
    tare_telemetry_release(&telemetry);
    assert_stay(capture, 0, 1, 120, 200, false);
    assert_stay(capture, 1, -1, 250, 300, false);
    assert_stay(capture, 2, 0, 300, 500, true);
    assert_stay(capture, 3, -1, 500, 700, false);
    assert_stay(capture, 4, 2, 650, 690, false);
    const struct tare_capture_stay *stays = captured(capture, TARE_KIND_STATE)->stays;
    const struct tare_capture_several *several = captured(capture, TARE_KIND_STATE)->several;
    assert_true(stays[0].thread == 1 && stays[1].thread == 2 && stays[1].several == 0 && stays[3].several == 1);
    assert_true(several[0].threads == 1 && several[0].changes == 5);
    assert_true(several[1].threads == 6 && several[1].changes == 191 && stays[4].thread == 0);
    assert_int_equal(captured(capture, TARE_KIND_STATE)->stay_count, 5);
    char *text = shown(capture, tare_view_capture_chrome);
    assert_has(text, "\"args\":{\"name\":\"threads that came and went: pool.worker_state\"}");
    assert_has(text, "\"name\":\"several threads\",\"ts\":500000.000,\"dur\":200000.000,\"cat\":\"states\","
                     "\"args\":{\"of\":\"pool.worker_state\",\"changes\":191,\"threads\":6,\"idle (ms)\":");
    check_spans(text);
    free(text);
}

static bool has_note(const struct tare_result *result, const char *what)
{
    bool found = false;
    for (char **note = result->notes; note != NULL && *note != NULL; note++) {
        found |= strstr(*note, what) != NULL;
    }
    return found;
}

/* Only the instrument that is a state is left; what there was is for put_back(). */
struct whole {
    size_t processes, instruments, derived;
};

static struct whole leave_states(struct tare_telemetry *telemetry)
{
    struct tare_process_figures *process = &telemetry->processes[0];
    struct tare_instrument_figures *states = of_kind(telemetry, TARE_KIND_STATE),
                                   first = process->instruments[0];
    const struct whole whole = {telemetry->process_count, process->instrument_count, process->derived_count};
    process->instruments[0] = *states;
    *states = first;
    process->instruments[0].tick_ns = 1;
    telemetry->process_count = process->instrument_count = 1;
    process->derived_count = 0;
    return whole;
}

static void put_back(struct tare_telemetry *telemetry, const struct whole *whole)
{
    telemetry->process_count = whole->processes;
    telemetry->processes[0].instrument_count = whole->instruments;
    telemetry->processes[0].derived_count = whole->derived;
    tare_telemetry_release(telemetry);
}

/* Two threads, each of which changes its state ten times between two samples; or `once`. */
static struct tare_capture *capture_many_stays(bool once, size_t samples, size_t bytes, struct slot *last)
{
    struct tare_telemetry telemetry;
    struct tare_capture *capture =
        tare_capture_new(&(struct tare_capture_options){.interval_ns = 0.25e9, .max_bytes = bytes});
    sample_telemetry(&telemetry);
    const struct whole whole = leave_states(&telemetry);
    struct tare_instrument_figures *of = of_kind(&telemetry, TARE_KIND_STATE);
    struct slot slots[2] = {{0, -10, 1, {0}}, {0, -10, 1, {0}}};
    for (size_t i = 0; i < samples; i++) {
        of->stay_count = 0;
        of->stays_until_ns = 10e9 + (double)i * 0.25e9;
        for (size_t k = 0; k < 2; k++) {
            put_slot(of, 1 + k, &slots[k], KNOWN);
        }
        *last = slots[0];
        assert_int_equal(tare_capture_add(capture, &telemetry), 0);
        for (size_t k = 0; k < 2; k++) { /* 250 ms, which begin and end with 10 ms of running idle */
            slots[k].ms[once ? slots[k].state : 0] += once ? 250 : 50;
            slots[k].ms[1] += once ? 0 : 100;
            slots[k].ms[2] += once ? 0 : 100;
            slots[k].state = once ? 1 - slots[k].state : 0;
            slots[k].changes += once ? 1 : 10;
            slots[k].since_ms += 250;
        }
        advance(&telemetry, 0.25);
    }
    put_back(&telemetry, &whole);
    return capture;
}

/* Of one thread, one is behind the other, and all is there: how long it was in each state, and each change. */
static void check_many_stays(const struct tare_capture *capture, uint32_t thread, const struct slot *last)
{
    const struct tare_capture_instrument *of = captured(capture, TARE_KIND_STATE);
    const struct tare_capture_stay *before = NULL;
    double until_ns = (double)(capture->sample_count - 1) * 0.25e9, ns[3] = {0};
    uint64_t changes = 1;
    for (size_t i = 0; i < of->stay_count; i++) {
        const struct tare_capture_stay *stay = &of->stays[i];
        if (stay->thread != thread) {
            continue;
        }
        assert_true(before == NULL || fabs(stay->begin_ns - before->end_ns) < 1);
        changes += before != NULL && before->state >= 0 && stay->state >= 0;
        before = stay;
        if (stay->state >= 0) {
            ns[stay->state] += stay->end_ns - stay->begin_ns;
            continue;
        }
        const struct tare_capture_several *several = &of->several[stay->several];
        assert_true(capture->stays_merged_ns == 0 ||
                    stay->end_ns - stay->begin_ns <= capture->stays_merged_ns + 1);
        assert_int_equal(several->threads, 1);
        changes += several->changes;
        for (int k = 0; k < 3; k++) {
            ns[k] += several->ns[k];
        }
    }
    assert_true(before != NULL && before->lasts && before->state == last->state);
    assert_true(fabs(before->end_ns - until_ns) < 1);
    assert_int_equal(changes, last->changes);
    for (int k = 0; k < 3; k++) {
        double lasting_ns = k == last->state ? until_ns - last->since_ms * 1e6 : 0;
        assert_true(fabs(ns[k] - last->ms[k] * 1e6 - lasting_ns) < 1000);
    }
}

/* Where there is no room for each, nothing is lost but when, within some time, what was. */
static void stays_take_no_more_than_their_part(void **state)
{
    (void)state;
    for (int once = 0; once < 2; once++) {
        size_t samples = once ? 2000 : 400, size;
        struct slot last;
        struct tare_capture *capture = capture_many_stays(once, samples, 4000000, &last);
        assert_int_equal(captured(capture, TARE_KIND_STATE)->stay_count,
                         2 * (once ? samples : 2 * samples - 1));
        assert_true(capture->stays_merged_ns == 0 && capture->stays_dropped == 0);
        check_many_stays(capture, 1, &last);
        tare_capture_free(capture);
        capture = capture_many_stays(once, samples, once ? 700000 : 200000, &last);
        const struct tare_capture_instrument *of = captured(capture, TARE_KIND_STATE);
        assert_int_equal(capture->stays_dropped, 0);
        assert_true(capture->stays_merged_ns >= 1e9 && capture->stays_merged_ns < 64e9);
        assert_true(of->stay_count > 20 && of->stay_count * 104 < (once ? 350000 : 100000));
        check_many_stays(capture, 1, &last);
        check_many_stays(capture, 2, &last);
        struct tare_result *result = tare_capture_result(capture), *again = NULL;
        assert_true(has_note(result, "there was no room for every stay of threads in states: "));
        assert_false(has_note(result, "nothing was kept, for want of room"));
        char *text = document(result, &size), message[200];
        assert_int_equal(tare_result_parse_json(text, size, &again, message, sizeof(message)), 0);
        assert_true(again->capture->stays_merged_ns == capture->stays_merged_ns);
        assert_int_equal(captured(again->capture, TARE_KIND_STATE)->several_count, of->several_count);
        tare_result_free(result);
        tare_result_free(again);
        free(text);
    }
}

/* Too many threads for it: what there is no room for is counted, and columns go on. */
static void stays_that_find_no_room_are_counted(void **state)
{
    (void)state;
    struct tare_telemetry telemetry;
    sample_telemetry(&telemetry);
    const struct whole whole = leave_states(&telemetry);
    struct tare_instrument_figures *states = of_kind(&telemetry, TARE_KIND_STATE);
    struct tare_capture *capture = tare_capture_new(&(struct tare_capture_options){.max_bytes = 200000});
    for (int i = 0; i < 3; i++) { /* 2,000 blocks: of a thread each, as it were */
        states->stay_count = 0;
        states->stays_until_ns = 10e9 + i * 0.25e9;
        for (uint32_t k = 0; k < 2000; k++) {
            put_slot(states, 1, &(struct slot){0, -10, 1, {0}}, KNOWN);
            states->stays[k].block = k;
        }
        assert_int_equal(tare_capture_add(capture, &telemetry), 0);
        advance(&telemetry, 0.25);
    }
    put_back(&telemetry, &whole);
    const struct tare_capture_instrument *of = captured(capture, TARE_KIND_STATE);
    assert_int_equal(capture->sample_count, 3);
    assert_true(of->stay_count > 50 && of->stay_count < 1000);
    assert_true(capture->stays_dropped >= 3 * (2000 - of->stay_count));
    struct tare_result *result = tare_capture_result(capture);
    assert_true(has_note(result, "nothing was kept, for want of room"));
    tare_result_free(result);
}

static const struct slot slots_of_another[] = {
    {2, -20, 1, {0}}, {2, -20, 1, {0}}, {0, 300, 2, {0, 0, 320}}, {-1, 700, 3, {400, 0, 320}}};

static void stays_are_spans_in_the_tracks_of_threads(void **state)
{
    (void)state;
    char *text = shown(capture_slots(slots_of_one, slots_of_another, NULL, 4), tare_view_capture_chrome);
    assert_has(text, "\"tid\":4243,\"name\":\"thread_name\",\"args\":{\"name\":\"thread-1\"}");
    assert_has(text, "\"tid\":4243,\"name\":\"idle\",\"ts\":0.000,\"dur\":100000.000,\"cat\":\"states\","
                     "\"args\":{\"of\":\"pool.worker_state\"}}");
    assert_has(text, "\"name\":\"running\",\"ts\":100000.000,\"dur\":150000.000,\"cat\":\"states\","
                     "\"args\":{\"of\":\"pool.worker_state\",\"end\":\"not seen\"}}");
    assert_has(text, "\"name\":\"several states\",\"ts\":250000.000,\"dur\":150000.000,\"cat\":\"states\","
                     "\"args\":{\"of\":\"pool.worker_state\",\"changes\":7,\"idle (ms)\":50,");
    assert_has(text, "\"tid\":4244,\"name\":\"blocked\",\"ts\":0.000,\"dur\":300000.000,\"cat\":\"states\","
                     "\"args\":{\"of\":\"pool.worker_state\",\"began before this (ms)\":20}}");
    assert_has(text, "\"tid\":4244,\"name\":\"idle\",\"ts\":300000.000,\"dur\":400000.000,");
    assert_has(text, "\"name\":\"pool.worker_state threads in\"");
    assert_has(text, "\"args\":{\"idle\":3,\"running\":1,\"blocked\":0}");
    free(text);
}

/* An instrument more that says where threads are: then each has tracks of its own. */
static void stays_of_two_instruments_have_tracks_of_their_own(void **state)
{
    (void)state;
    struct tare_telemetry telemetry;
    struct tare_capture *capture = tare_capture_new(NULL);
    sample_telemetry(&telemetry);
    struct tare_process_figures *process = &telemetry.processes[0];
    struct tare_instrument_figures *first = of_kind(&telemetry, TARE_KIND_STATE), *second = NULL;
    for (size_t i = 0; i < process->instrument_count; i++) { /* another one becomes it */
        second = process->instruments[i].kind == TARE_KIND_HISTOGRAM && second == NULL
                     ? &process->instruments[i]
                     : second;
    }
    second->kind = TARE_KIND_STATE;
    second->names = calloc(2, sizeof(char *));
    assert_non_null(second->names);
    second->names[0] = sample_string("idle");
    first->tick_ns = second->tick_ns = 1;
    for (size_t i = 0; i < 2; i++) {
        const struct slot slot = {0, 0, 1, {0}};
        first->stay_count = second->stay_count = 0;
        first->stays_until_ns = second->stays_until_ns = 10e9 + (double)i * 0.25e9;
        put_slot(first, 1, &slot, KNOWN);
        put_slot(second, 1, &slot, KNOWN);
        assert_int_equal(tare_capture_add(capture, &telemetry), 0);
        advance(&telemetry, 0.25);
    }
    tare_telemetry_release(&telemetry);
    char *text = shown(capture, tare_view_capture_chrome);
    assert_has(text, "\"args\":{\"name\":\"thread-1 (4243): pool.worker_state\"}");
    assert_has(text, "\"args\":{\"name\":\"thread-1 (4243): net.packet_size\"}");
    check_spans(text);
    free(text);
}

/* A gauge that was unknown for a while; and a state in which no time was spent, whatever its clock's rate did. */
static void a_trace_says_when_a_value_was_unknown(void **state)
{
    (void)state;
    struct tare_telemetry telemetry;
    struct tare_capture *capture = tare_capture_new(NULL);
    sample_telemetry(&telemetry);
    for (int i = 0; i < 5; i++) {
        of_kind(&telemetry, TARE_KIND_GAUGE)->total.value = i == 1 || i == 2 ? NAN : -3;
        assert_int_equal(tare_capture_add(capture, &telemetry), 0);
        advance(&telemetry, 0.25);
    }
    tare_telemetry_release(&telemetry);
    char *text = shown(capture, tare_view_capture_chrome);
    assert_has(text, "\"args\":{\"name\":\"net.queue_depth is unknown\"}");
    assert_has(text, "\"name\":\"net.queue_depth is unknown\",\"ts\":250000.000,\"dur\":500000.000,");
    assert_null(strstr(text, "net.temperature is unknown")); /* always: there is no track to go on */
    check_spans(text);
    free(text);
}

/* Frames of some hundred ns are no 0.000 ms. */
static void frame_times_have_the_unit_that_they_need(void **state)
{
    (void)state;
    struct tare_telemetry telemetry;
    struct tare_capture *capture = tare_capture_new(NULL);
    sample_telemetry(&telemetry);
    struct tare_instrument_figures *of = of_kind(&telemetry, TARE_KIND_FRAMES);
    for (int i = 0; i < 2; i++) {
        for (size_t k = 0; k < of->last_count; k++) {
            of->last[k].ns = 250;
        }
        assert_int_equal(tare_capture_add(capture, &telemetry), 0);
        advance(&telemetry, 0.25);
        advance_frames(&telemetry, 6);
    }
    tare_telemetry_release(&telemetry);
    char *text = shown(capture, write_table);
    assert_has(text, "view.main_view: frame time p50 250.000ns, p95 -, p99 -, max 250.000ns;");
    free(text);
}

static void no_time_in_states_is_no_share(void **state)
{
    (void)state;
    struct tare_telemetry telemetry;
    struct tare_capture *capture = tare_capture_new(NULL);
    sample_telemetry(&telemetry);
    struct tare_instrument_figures *of = of_kind(&telemetry, TARE_KIND_STATE);
    for (size_t i = 0; i < of->rolling.state_count; i++) {
        of->rolling.states[i].ns = 0;
        of->rolling.states[i].share = NAN;
    }
    for (int i = 0; i < 3; i++) {
        assert_int_equal(tare_capture_add(capture, &telemetry), 0);
        advance(&telemetry, 0.25);
        of->total.states[0].ns += 0.5; /* by the clock's rate alone, which becomes known better */
    }
    tare_telemetry_release(&telemetry);
    size_t count;
    struct tare_capture_row *rows = tare_capture_rows(capture, &count);
    for (size_t i = 0; i < count; i++) {
        if (rows[i].instrument == captured(capture, TARE_KIND_STATE)) {
            assert_true(isnan(rows[i].mean) && isnan(rows[i].min) && isnan(rows[i].max));
        }
    }
    tare_capture_rows_free(rows, count);
    tare_capture_free(capture);
}

/* A burst in 3 ms is no rate that the program ever had for long; what a gauge was then, it was. */
static void windows_that_are_too_short_are_in_no_extreme(void **state)
{
    (void)state;
    struct tare_telemetry telemetry;
    struct tare_capture *capture = tare_capture_new(NULL);
    sample_telemetry(&telemetry);
    static const struct {
        double window_ns, per_s, value;
    } samples[] = {{3e6, 772, 7}, {500e6, 40, 3}, {1e9, 50, 4}, {1e9, 60, 5},
                   {1e9, 45, 5},  {499e6, 0, 1},  {NAN, NAN, 3}};
    for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++) {
        telemetry.window_ns = samples[i].window_ns;
        of_kind(&telemetry, TARE_KIND_COUNTER)->rolling.per_s = samples[i].per_s;
        of_kind(&telemetry, TARE_KIND_GAUGE)->total.value = samples[i].value;
        assert_int_equal(tare_capture_add(capture, &telemetry), 0);
        advance(&telemetry, 0.25);
    }
    size_t count, seen = 0;
    struct tare_capture_row *rows = tare_capture_rows(capture, &count);
    for (size_t i = 0; i < count; i++) {
        if (rows[i].instrument == captured(capture, TARE_KIND_COUNTER)) {
            assert_true(rows[i].min == 40 && rows[i].max == 60);
            seen++;
        } else if (rows[i].instrument == captured(capture, TARE_KIND_GAUGE)) {
            assert_true(rows[i].min == 1 && rows[i].max == 7);
            seen++;
        }
    }
    assert_int_equal(seen, 2);
    tare_capture_rows_free(rows, count);
    tare_capture_free(capture);
    /* Where there are no others, they are what is known. */
    capture = tare_capture_new(NULL);
    telemetry.window_ns = 1e9;
    of_kind(&telemetry, TARE_KIND_COUNTER)->rolling.per_s = NAN;
    for (int i = 0; i < 3; i++) {
        assert_int_equal(tare_capture_add(capture, &telemetry), 0);
        advance(&telemetry, 0.25);
    }
    telemetry.window_ns = 3e6;
    of_kind(&telemetry, TARE_KIND_COUNTER)->rolling.per_s = 7;
    assert_int_equal(tare_capture_add(capture, &telemetry), 0);
    rows = tare_capture_rows(capture, &count);
    for (size_t i = 0; i < count; i++) {
        if (rows[i].instrument == captured(capture, TARE_KIND_COUNTER)) {
            assert_true(rows[i].min == 7 && rows[i].max == 7);
        }
    }
    tare_capture_rows_free(rows, count);
    tare_capture_free(capture);
    tare_telemetry_release(&telemetry);
}

/* Frames that come one right behind the other, as two samples saw them with a clock of a slightly other rate. */
static void spans_never_overlap(void **state)
{
    (void)state;
    struct tare_telemetry telemetry;
    struct tare_capture *capture = tare_capture_new(NULL);
    sample_telemetry(&telemetry);
    struct tare_instrument_figures *frames = of_kind(&telemetry, TARE_KIND_FRAMES);
    for (size_t i = 0; i < frames->last_count; i++) {
        frames->last[i].ns = 16.5e6;
    }
    for (int i = 0; i < 4; i++) {
        assert_int_equal(tare_capture_add(capture, &telemetry), 0);
        advance(&telemetry, 0.25);
        advance_frames(&telemetry, 12);
        for (size_t k = 0; k < frames->last_count; k++) {
            frames->last[k].start_ns -= 1500.4; /* before the end of the last one of before */
        }
    }
    tare_telemetry_release(&telemetry);
    char *text = shown(capture, tare_view_capture_chrome);
    assert_int_equal(check_spans(text), 36);
    assert_null(strstr(text, "\"tid\":1000000002")); /* one lane, of the second instrument that has one */
    assert_has(text, "\"dur\":16500.000");
    assert_has(text, "\"frames_left_out\":0");
    free(text);
}

/* A process that executes another program has its number again; a thread may have that of one before. */
static void numbers_that_come_again_are_told_apart(void **state)
{
    (void)state;
    struct tare_telemetry telemetry;
    struct tare_capture *capture = tare_capture_new(NULL);
    sample_telemetry(&telemetry);
    telemetry.processes[1].pid = telemetry.processes[0].pid;
    assert_int_equal(tare_capture_add(capture, &telemetry), 0);
    telemetry.processes[0].thread_list[0].ended = true;
    assert_int_equal(tare_capture_add(capture, &telemetry), 0);
    telemetry.processes[0].thread_list[0].ended = false;
    strcpy(telemetry.processes[0].thread_list[0].name, "second");
    assert_int_equal(tare_capture_add(capture, &telemetry), 0);
    char *text = shown(capture, tare_view_capture_chrome);
    check_spans(text);
    assert_has(text, "\"pid\":4242,\"tid\":0,\"name\":\"process_name\",\"args\":{\"name\":\"game\"}");
    assert_has(text, "\"pid\":1500000001,\"tid\":0,\"name\":\"process_name\",\"args\":{\"name\":\"worker\"}");
    assert_has(text, "\"name\":\"process_labels\",\"args\":{\"labels\":\"pid 4242\"}");
    assert_has(text, ", then second\"");
    free(text);
    tare_telemetry_release(&telemetry);
}

/* TARE_STATE(id, "wait", "wait"): two keys in each event, as an object has each but once. */
static void states_of_one_name_are_two(void **state)
{
    (void)state;
    struct tare_telemetry telemetry;
    struct tare_capture *capture = tare_capture_new(NULL);
    sample_telemetry(&telemetry);
    struct tare_readings *total = &of_kind(&telemetry, TARE_KIND_STATE)->total;
    free(total->states[1].name);
    total->states[1].name = sample_string(total->states[0].name);
    free(total->states[2].name);
    total->states[2].name = sample_string("idle #2"); /* which the second one is not, then */
    assert_int_equal(tare_capture_add(capture, &telemetry), 0);
    size_t count, row = 0;
    struct tare_capture_row *rows = tare_capture_rows(capture, &count);
    while (row < count && rows[row].instrument != captured(capture, TARE_KIND_STATE)) {
        row++;
    }
    assert_true(row + 1 < count && rows[row].last == total->states[0].ns);
    assert_true(rows[row + 1].last == total->states[1].ns && rows[row].last != rows[row + 1].last);
    tare_capture_rows_free(rows, count);
    char *text = shown(capture, tare_view_capture_chrome);
    check_spans(text);
    assert_has(text, "\"args\":{\"idle\":3,\"idle #3\":1,\"idle #2\":0}");
    free(text);
    tare_telemetry_release(&telemetry);
}

static void a_comma_is_no_point(void **state)
{
    (void)state;
    if (!comma_locale_begin()) {
        skip();
    }
    char *text = shown(make_capture(), tare_view_capture_chrome);
    char *csv = shown(make_capture(), tare_view_capture_csv);
    comma_locale_end();
    assert_has(text, "\"value\":-2.5");
    assert_has(csv, ",-2.5\n");
    free(text);
    free(csv);
}

static void an_empty_capture_can_be_shown(void **state)
{
    (void)state;
    static writer *const writers[] = {write_table, write_markdown, tare_view_capture_csv,
                                      tare_view_capture_chrome};
    for (size_t i = 0; i < sizeof(writers) / sizeof(writers[0]); i++) {
        char *text = shown(tare_capture_new(NULL), writers[i]);
        assert_true(text[0] != '\0');
        free(text);
    }
}

static int print(const char *how)
{
    struct tare_result *result = tare_capture_result(make_capture());
    int error = strcmp(how, "chrome") == 0 ? tare_view_capture_chrome(result, stdout)
                                           : tare_result_write_json(result, stdout);
    tare_result_free(result);
    return error != 0;
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "--print") == 0) {
        return print(argc > 2 ? argv[2] : "");
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(series_have_a_value_for_each_sample),
        cmocka_unit_test(frames_are_kept_once_and_gaps_are_counted),
        cmocka_unit_test(late_parts_are_filled_in),
        cmocka_unit_test(a_reset_is_counted_and_frames_go_on),
        cmocka_unit_test(what_comes_later_has_no_earlier_values),
        cmocka_unit_test(a_tid_that_is_used_again_is_another_thread),
        cmocka_unit_test(threads_are_bounded_and_the_others_counted),
        cmocka_unit_test(samples_are_bounded_and_drops_counted),
        cmocka_unit_test(the_document_is_the_same_both_ways),
        cmocka_unit_test(a_document_that_was_cut_is_refused),
        cmocka_unit_test(what_does_not_hang_together_is_refused),
        cmocka_unit_test(a_process_that_has_ended_has_no_values_after_that),
        cmocka_unit_test(setting_the_clock_moves_no_frames),
        cmocka_unit_test(large_counts_are_unknown),
        cmocka_unit_test(views_say_what_there_is),
        cmocka_unit_test(unknown_is_not_never_counted),
        cmocka_unit_test(timers_are_of_the_time_of_the_capture),
        cmocka_unit_test(timers_stand_by_what_they_took),
        cmocka_unit_test(a_table_keeps_to_its_width),
        cmocka_unit_test(what_was_lost_is_not_what_there_is),
        cmocka_unit_test(a_trace_has_spans_for_frames),
        cmocka_unit_test(stays_are_told_from_two_readings),
        cmocka_unit_test(what_is_not_known_of_stays_is_not_told),
        cmocka_unit_test(short_lived_threads_are_told_as_far_as_it_goes),
        cmocka_unit_test(stays_take_no_more_than_their_part),
        cmocka_unit_test(stays_that_find_no_room_are_counted),
        cmocka_unit_test(stays_are_spans_in_the_tracks_of_threads),
        cmocka_unit_test(stays_of_two_instruments_have_tracks_of_their_own),
        cmocka_unit_test(a_trace_says_when_a_value_was_unknown),
        cmocka_unit_test(no_time_in_states_is_no_share),
        cmocka_unit_test(frame_times_have_the_unit_that_they_need),
        cmocka_unit_test(windows_that_are_too_short_are_in_no_extreme),
        cmocka_unit_test(spans_never_overlap),
        cmocka_unit_test(numbers_that_come_again_are_told_apart),
        cmocka_unit_test(states_of_one_name_are_two),
        cmocka_unit_test(a_comma_is_no_point),
        cmocka_unit_test(an_empty_capture_can_be_shown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
