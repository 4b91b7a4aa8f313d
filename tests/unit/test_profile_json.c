/* SPDX-License-Identifier: MIT */
/* A profile as JSON: what is written is read again as it was, and nothing else is written or read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "result/json.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define NONE TARE_PROFILE_NONE

/* Two stacks, one sample without any, and one of everything else. */
static struct tare_result *make(void)
{
    struct tare_result *result = tare_result_new();
    struct tare_profile *p = tare_profile_new();
    result->kind = strdup("profile");
    result->profile = p;
    p->mode = strdup("dwarf");
    p->reason = strdup("'a' keeps no frame pointers");
    p->event = strdup("cpu-clock");
    p->unit = strdup("ns");
    p->frequency_hz = 99;
    p->interval_ns = 10101010.1;
    p->wall_ns = 5e9;
    p->recorder = calloc(3, sizeof *p->recorder);
    p->recorder[0] = strdup("perf");
    p->recorder[1] = strdup("record");
    p->by_timer = true;
    p->lost = 4;
    p->threads_missed = TARE_PROFILE_UNKNOWN;
    p->overhead = (struct tare_profile_overhead){true, 1.01, 1.0, 1.02, 12};
    uint32_t object = tare_profile_object(p, "/bin/a", "00ff", TARE_OBJECT_FILE);
    uint32_t kernel = tare_profile_object(p, "[kernel]", NULL, TARE_OBJECT_KERNEL);
    p->objects[object].flags = TARE_OBJECT_NO_DEBUG | TARE_OBJECT_DELETED;
    char main_name[] = "main", work[] = "work", file[] = "a.c";
    const struct tare_profile_frame outer = {main_name, object, file, 12, 10, 0, false, false};
    const struct tare_profile_frame inner = {work, object, file, 4294967295u, 0, 0, true, false};
    const struct tare_profile_frame unknown = {NULL, kernel, NULL, 0, 0, UINT64_MAX, false, true};
    uint32_t root = tare_profile_node(p, NONE, tare_profile_frame(p, &outer));
    uint32_t leaf = tare_profile_node(p, root, tare_profile_frame(p, &inner));
    uint32_t other = tare_profile_node(p, root, tare_profile_frame(p, &unknown));
    uint32_t process = tare_profile_process(p, 7);
    p->processes[process].command = strdup("./a -x");
    uint32_t thread = tare_profile_thread(p, process, 8);
    uint32_t timer = tare_profile_timer(p, "m", "t");
    const struct tare_profile_sample samples[] = {
        {0, 10, leaf, thread, timer, 0},
        {1.5, 0, other, thread, NONE, TARE_SAMPLE_TRUNCATED},
        {NAN, INT64_MAX - 10, NONE, NONE, NONE, 0},
    };
    for (size_t i = 0; i < COUNT(samples); i++) {
        assert_int_equal(tare_profile_add(p, &samples[i]), 0);
    }
    return result;
}

static char *write_text(const struct tare_result *result)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    assert_int_equal(tare_result_write_json(result, out), 0);
    fclose(out);
    return text;
}

static struct tare_result *read_text(const char *text)
{
    char message[256] = "";
    struct tare_result *result = NULL;
    int error = tare_result_parse_json(text, strlen(text), &result, message, sizeof message);
    if (error != 0) {
        fail_msg("%d: %s", error, message);
    }
    return result;
}

static void a_profile_is_read_as_it_was_written(void **state)
{
    (void)state;
    struct tare_result *result = make();
    char *text = write_text(result);
    struct tare_result *again = read_text(text);
    char *text_again = write_text(again);
    assert_string_equal(text, text_again);

    const struct tare_profile *a = result->profile, *b = again->profile;
    assert_string_equal(b->mode, "dwarf");
    assert_string_equal(b->recorder[1], "record");
    assert_null(b->recorder[2]);
    assert_true(b->interval_ns == a->interval_ns && b->overhead.measured && b->overhead.high == 1.02);
    assert_int_equal(b->overhead.pairs, 12);
    assert_true(b->by_timer && !b->off_cpu);
    assert_int_equal(b->lost, 4);
    assert_int_equal(b->unknown, 2);
    assert_int_equal(b->truncated, 1);
    assert_true(b->threads_missed == TARE_PROFILE_UNKNOWN);
    assert_int_equal(b->object_count, 2);
    assert_int_equal(b->objects[0].flags, TARE_OBJECT_NO_DEBUG | TARE_OBJECT_DELETED);
    assert_int_equal(b->objects[1].kind, TARE_OBJECT_KERNEL);
    assert_null(b->objects[1].build_id);
    assert_int_equal(b->frame_count, a->frame_count);
    for (size_t i = 0; i < a->frame_count; i++) {
        const struct tare_profile_frame *x = &a->frames[i], *y = &b->frames[i];
        assert_true((x->function == NULL) == (y->function == NULL));
        assert_true(x->function == NULL || strcmp(x->function, y->function) == 0);
        assert_true((x->file == NULL) == (y->file == NULL));
        assert_true(x->object == y->object && x->line == y->line && x->function_line == y->function_line &&
                    x->address == y->address && x->inlined == y->inlined && x->kernel == y->kernel);
    }
    assert_memory_equal(a->nodes, b->nodes, a->node_count * sizeof *a->nodes);
    assert_int_equal(b->sample_count, 3);
    for (size_t i = 0; i < a->sample_count; i++) {
        const struct tare_profile_sample *x = &a->samples[i], *y = &b->samples[i];
        assert_true(x->time_ns == y->time_ns || (isnan(x->time_ns) && isnan(y->time_ns)));
        assert_true(x->weight == y->weight && x->node == y->node && x->thread == y->thread &&
                    x->timer == y->timer && x->flags == y->flags);
    }
    assert_string_equal(b->processes[0].command, "./a -x");
    assert_int_equal(b->threads[0].tid, 8);
    assert_string_equal(b->timers[0].module, "m");
    free(text);
    free(text_again);
    tare_result_free(again);
    tare_result_free(result);
}

static void what_is_unknown_of_all_samples_takes_no_column(void **state)
{
    (void)state;
    struct tare_result *result = make();
    for (size_t i = 0; i < result->profile->sample_count; i++) {
        result->profile->samples[i].time_ns = NAN;
        result->profile->samples[i].thread = result->profile->samples[i].timer = NONE;
    }
    char *text = write_text(result);
    static const char *const columns[] = {"\"time_ns\": null", "\"thread\": null", "\"timer\": null"};
    for (size_t i = 0; i < COUNT(columns); i++) {
        assert_non_null(strstr(text, columns[i]));
    }
    struct tare_result *again = read_text(text);
    assert_true(isnan(again->profile->samples[0].time_ns));
    assert_int_equal(again->profile->samples[0].thread, NONE);
    free(text);
    tare_result_free(again);
    tare_result_free(result);
}

static int try_to_write(const struct tare_result *result)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    int error = tare_result_write_json(result, out);
    fclose(out);
    assert_true(error == 0 || size == 0); /* nothing half-written */
    free(text);
    return error;
}

static void what_could_not_be_read_is_not_written(void **state)
{
    (void)state;
    struct tare_result *result = make();
    struct tare_profile *p = result->profile;
    assert_int_equal(try_to_write(result), 0);
    p->samples[1].weight = 1;
    assert_int_equal(try_to_write(result), -ERANGE); /* the sum */
    p->samples[1].weight = 0;
    p->nodes[1].parent = 1;
    assert_int_equal(try_to_write(result), -EINVAL);
    p->nodes[1].parent = 0;
    p->nodes[1].frame = 3;
    assert_int_equal(try_to_write(result), -EINVAL);
    p->nodes[1].frame = 1;
    p->unknown = 4;
    assert_int_equal(try_to_write(result), -EINVAL);
    p->unknown = 2;
    p->wall_ns = INFINITY;
    assert_int_equal(try_to_write(result), -ERANGE);
    p->wall_ns = NAN;
    assert_int_equal(try_to_write(result), 0);
    result->profile = NULL;
    assert_int_equal(try_to_write(result), -EINVAL);
    result->profile = p;
    tare_result_free(result);
}

/* `text` with the first `from` replaced; the caller frees it. */
static char *changed(const char *text, const char *from, const char *to)
{
    const char *at = strstr(text, from);
    char *made;
    if (at == NULL) {
        fail_msg("no '%s'", from);
    }
    assert_true(asprintf(&made, "%.*s%s%s", (int)(at - text), text, to, at + strlen(from)) > 0);
    return made;
}

static void each_wrong_value_is_named(void **state)
{
    (void)state;
    static const struct {
        const char *from, *to, *message;
    } cases[] = {
        {"\"profile\": {", "\"profile\": 5, \"x\": {", "'profile' is not an object or null"},
        {"\"profile\": {", "\"x\": {", "'profile' is missing"},
        {"\"unknown\": 2", "\"unknown\": 9", "'profile.unknown' is not at most the number of samples"},
        {"\"unknown\": 2", "\"unknown\": -1", "'profile.unknown' is not"},
        {"\"truncated\": 1", "\"truncated\": 9", "'profile.truncated' is not at most the number of samples"},
        {"\"frequency_hz\": 99.0", "\"frequency_hz\": -1", "'profile.frequency_hz' is not"},
        {"\"kind\": \"kernel\"", "\"kind\": \"dragon\"", "'profile.objects[1].kind' is not file, kernel"},
        {"\"flags\": []", "\"flags\": [1]", "'profile.objects[1].flags[0]' is not a string"},
        {"\"strings\": [", "\"strings\": [null, ", "'profile.strings[0]' is not a string"},
        {"\"object\": [0", "\"object\": [2", "'profile.frames.object[0]' is not a whole number from 0 to 1"},
        {"\"object\": [0", "\"object\": [0.5", "'profile.frames.object[0]' is not the number of one"},
        {"\"line\": [12", "\"line\": [4294967296", "'profile.frames.line[0]' is not"},
        {"\"line\": [12", "\"line\": [12, 13", "'profile.frames.line' is not as long as the other columns"},
        {"\"0xffffffffffffffff\"", "\"0xfffffffffffffffff\"", "'profile.frames.address[2]' is not 0x"},
        {"\"0xffffffffffffffff\"", "\"12\"", "'profile.frames.address[2]' is not 0x"},
        {"\"inlined\": [0", "\"inlined\": [2", "'profile.frames.inlined[0]' is not"},
        {"\"parent\": [null", "\"parent\": [0", "'profile.nodes.parent[0]' is not the number of one"},
        {"\"parent\": [null, 0", "\"parent\": [null, 1", "'profile.nodes.parent[1]' is not"},
        {"\"process\": 0", "\"process\": 1", "'profile.threads[0].process' is not the number of one"},
        {"\"weight\": [10", "\"weight\": [11", "'profile.samples.weight' is not of a sum below 2^63"},
        {"\"weight\": [10", "\"weight\": [-1", "'profile.samples.weight[0]' is not"},
        {"\"node\": [1", "\"node\": [3", "'profile.samples.node[0]' is not"},
        {"\"time_ns\": [0", "\"time_ns\": [\"0\"", "'profile.samples.time_ns[0]' is not a number"},
        {"\"timer\": [0", "\"timer\": [1", "'profile.samples.timer[0]' is not"},
        {"\"truncated\": [1]", "\"truncated\": [3]", "'profile.samples.truncated[0]' is not"},
        {"\"truncated\": [1]", "\"truncated\": [1, 1]", "'profile.samples.truncated[1]' is not there once"},
        {"\"pairs\": 12", "\"pairs\": null", "'profile.overhead.pairs' is not"},
        {"\"recorder\": [", "\"recorder\": [7, ", "'profile.recorder[0]' is not a string"},
    };
    struct tare_result *result = make();
    char *text = write_text(result);
    for (size_t i = 0; i < COUNT(cases); i++) {
        char message[256] = "";
        struct tare_result *read = NULL;
        char *wrong = changed(text, cases[i].from, cases[i].to);
        int error = tare_result_parse_json(wrong, strlen(wrong), &read, message, sizeof message);
        if (error != -EINVAL || strstr(message, cases[i].message) == NULL) {
            fail_msg("%s: %d, '%s' instead of '%s'", cases[i].to, error, message, cases[i].message);
        }
        assert_null(read);
        free(wrong);
    }
    free(text);
    tare_result_free(result);
}

static void a_stack_too_deep_is_refused(void **state)
{
    (void)state;
    struct tare_result *result = tare_result_new();
    struct tare_profile *p = result->profile = tare_profile_new();
    result->kind = strdup("profile");
    char name[] = "f";
    const struct tare_profile_frame frame = {.function = name, .object = NONE};
    uint32_t number = tare_profile_frame(p, &frame), node = NONE;
    for (int depth = 0; depth < 16384; depth++) {
        node = tare_profile_node(p, node, number);
    }
    char *text = write_text(result), message[256];
    struct tare_result *again = read_text(text);
    tare_result_free(again);
    free(text);
    tare_profile_node(p, node, number);
    text = write_text(result);
    assert_int_equal(tare_result_parse_json(text, strlen(text), &again, message, sizeof message), -EINVAL);
    assert_non_null(strstr(message, "'profile.nodes.parent[16384]' is not in a stack of at most 16384 calls"));
    free(text);
    tare_result_free(result);
}

static void names_that_are_no_utf8_become_some(void **state)
{
    (void)state;
    struct tare_result *result = make();
    free(result->profile->frames[0].function);
    result->profile->frames[0].function = strdup("a\xff\x80z");
    char *text = write_text(result);
    struct tare_result *again = read_text(text);
    assert_string_equal(again->profile->frames[0].function, "a\xef\xbf\xbd\xef\xbf\xbdz");
    free(text);
    tare_result_free(again);
    tare_result_free(result);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_profile_is_read_as_it_was_written),
        cmocka_unit_test(what_is_unknown_of_all_samples_takes_no_column),
        cmocka_unit_test(what_could_not_be_read_is_not_written),
        cmocka_unit_test(each_wrong_value_is_named),
        cmocka_unit_test(a_stack_too_deep_is_refused),
        cmocka_unit_test(names_that_are_no_utf8_become_some),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
