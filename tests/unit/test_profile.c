/* SPDX-License-Identifier: MIT */
/*
 * The profile in memory: that what is the same is kept once, and what is not is not; counts, order and names.
 */
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

#include "record/profile.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void an_empty_profile_knows_nothing(void **state)
{
    (void)state;
    struct tare_profile *profile = tare_profile_new();
    assert_non_null(profile);
    assert_true(isnan(profile->frequency_hz) && isnan(profile->interval_ns) && isnan(profile->wall_ns));
    assert_true(isnan(profile->overhead.ratio) && !profile->overhead.measured);
    assert_null(profile->mode);
    assert_int_equal(profile->sample_count, 0);
    assert_int_equal(profile->lost, 0);
    tare_profile_sort(profile);
    tare_profile_free(profile);
    tare_profile_free(NULL);
}

static void what_is_the_same_has_one_number(void **state)
{
    (void)state;
    struct tare_profile *p = tare_profile_new();
    char path[] = "/usr/lib/libc.so.6"; /* the strings are copied: what was given may change */
    assert_int_equal(tare_profile_object(p, path, "ab12", TARE_OBJECT_FILE), 0);
    path[1] = 'x';
    assert_int_equal(tare_profile_object(p, "/usr/lib/libc.so.6", NULL, TARE_OBJECT_FILE), 1);
    assert_int_equal(tare_profile_object(p, "/usr/lib/libc.so.6", "ab12", TARE_OBJECT_FILE), 0);
    assert_int_equal(tare_profile_object(p, "/usr/lib/libc.so.6", "", TARE_OBJECT_FILE), 2);
    assert_int_equal(tare_profile_object(p, "[kernel]", NULL, TARE_OBJECT_KERNEL), 3);
    assert_int_equal(p->object_count, 4);
    assert_string_equal(p->objects[0].path, "/usr/lib/libc.so.6");
    assert_null(p->objects[1].build_id);

    assert_int_equal(tare_profile_process(p, 77), 0);
    assert_int_equal(tare_profile_process(p, 78), 1);
    assert_int_equal(tare_profile_process(p, 77), 0);
    assert_int_equal(tare_profile_thread(p, 0, 77), 0);
    assert_int_equal(tare_profile_thread(p, 1, 77), 1);
    assert_int_equal(tare_profile_thread(p, 0, 77), 0);
    assert_int_equal(tare_profile_timer(p, "m", "a"), 0);
    assert_int_equal(tare_profile_timer(p, "ma", ""), 1);
    assert_int_equal(tare_profile_timer(p, "m", "a"), 0);
    tare_profile_free(p);
}

static void frames_differ_if_any_member_does(void **state)
{
    (void)state;
    struct tare_profile *p = tare_profile_new();
    uint32_t object = tare_profile_object(p, "/bin/a", NULL, TARE_OBJECT_FILE);
    uint32_t other = tare_profile_object(p, "/bin/b", NULL, TARE_OBJECT_FILE);
    char f[] = "f", g[] = "g", source[] = "f.c";
    const struct tare_profile_frame frames[] = {
        {f, object, source, 10, 8, 0, false, false},
        {g, object, source, 10, 8, 0, false, false},
        {NULL, object, source, 10, 8, 0, false, false},
        {f, other, source, 10, 8, 0, false, false},
        {f, TARE_PROFILE_NONE, source, 10, 8, 0, false, false},
        {f, object, NULL, 10, 8, 0, false, false},
        {f, object, source, 11, 8, 0, false, false},
        {f, object, source, 10, 9, 0, false, false},
        {f, object, source, 10, 8, 1, false, false},
        {f, object, source, 10, 8, 0, true, false},
        {f, object, source, 10, 8, 0, false, true},
    };
    for (int round = 0; round < 2; round++) {
        for (uint32_t i = 0; i < COUNT(frames); i++) {
            assert_int_equal(tare_profile_frame(p, &frames[i]), i);
        }
    }
    assert_int_equal(p->frame_count, COUNT(frames));
    tare_profile_free(p);
}

static void wrong_numbers_are_refused(void **state)
{
    (void)state;
    struct tare_profile *p = tare_profile_new();
    struct tare_profile_frame frame = {.object = 0};
    assert_int_equal(tare_profile_frame(p, &frame), TARE_PROFILE_NONE);
    frame.object = TARE_PROFILE_NONE;
    assert_int_equal(tare_profile_frame(p, &frame), 0);
    assert_int_equal(tare_profile_node(p, TARE_PROFILE_NONE, 1), TARE_PROFILE_NONE);
    assert_int_equal(tare_profile_node(p, 0, 0), TARE_PROFILE_NONE);
    assert_int_equal(tare_profile_thread(p, 0, 1), TARE_PROFILE_NONE);
    const uint32_t none = TARE_PROFILE_NONE;
    struct tare_profile_sample sample = {.node = 0, .thread = none, .timer = none};
    assert_int_equal(tare_profile_add(p, &sample), -EINVAL);
    sample = (struct tare_profile_sample){.node = none, .thread = 0, .timer = none};
    assert_int_equal(tare_profile_add(p, &sample), -EINVAL);
    sample = (struct tare_profile_sample){.node = none, .thread = none, .timer = 0};
    assert_int_equal(tare_profile_add(p, &sample), -EINVAL);
    assert_int_equal(p->sample_count, 0);
    tare_profile_free(p);
}

static void truncated_and_unknown_are_counted(void **state)
{
    (void)state;
    struct tare_profile *p = tare_profile_new();
    char name[] = "known";
    struct tare_profile_frame known = {.function = name, .object = TARE_PROFILE_NONE};
    struct tare_profile_frame unknown = {.object = TARE_PROFILE_NONE, .address = 16};
    uint32_t root = tare_profile_node(p, TARE_PROFILE_NONE, tare_profile_frame(p, &unknown));
    uint32_t leaf = tare_profile_node(p, root, tare_profile_frame(p, &known));
    const uint32_t none = TARE_PROFILE_NONE;
    const struct tare_profile_sample samples[] = {
        {NAN, 1, leaf, none, none, 0},
        {NAN, 1, root, none, none, TARE_SAMPLE_TRUNCATED},
        {NAN, 1, none, none, none, 0},
    };
    for (size_t i = 0; i < COUNT(samples); i++) {
        assert_int_equal(tare_profile_add(p, &samples[i]), 0);
    }
    assert_int_equal(p->truncated, 1);
    assert_int_equal(p->unknown, 2);
    p->truncated = TARE_PROFILE_UNKNOWN; /* where it cannot be told, it is not counted on */
    assert_int_equal(tare_profile_add(p, &samples[1]), 0);
    assert_true(p->truncated == TARE_PROFILE_UNKNOWN);
    tare_profile_free(p);
}

static void samples_are_sorted_by_time_and_ties_stay(void **state)
{
    (void)state;
    static const double times[] = {5, NAN, 3, 5, 1, NAN, 3, 3, 0, 9, 2};
    static const double sorted[] = {0, 1, 2, 3, 3, 3, 5, 5, 9, NAN, NAN};
    static const uint64_t from[] = {8, 4, 10, 2, 6, 7, 0, 3, 9, 1, 5};
    struct tare_profile *p = tare_profile_new();
    for (size_t i = 0; i < COUNT(times); i++) {
        struct tare_profile_sample sample = {times[i],          i, TARE_PROFILE_NONE, TARE_PROFILE_NONE,
                                             TARE_PROFILE_NONE, 0};
        assert_int_equal(tare_profile_add(p, &sample), 0);
    }
    for (int round = 0; round < 2; round++) {
        tare_profile_sort(p);
        for (size_t i = 0; i < COUNT(times); i++) {
            assert_true(p->samples[i].time_ns == sorted[i] ||
                        (isnan(p->samples[i].time_ns) && isnan(sorted[i])));
            assert_int_equal(p->samples[i].weight, from[i]);
        }
    }
    tare_profile_free(p);
}

static void stacks_share_their_outer_part(void **state)
{
    (void)state;
    enum { STACKS = 20000, DEPTH = 30 };
    struct tare_profile *p = tare_profile_new();
    uint32_t leaves[STACKS];
    for (int round = 0; round < 2; round++) {
        for (uint32_t i = 0; i < STACKS; i++) {
            uint32_t node = TARE_PROFILE_NONE;
            for (uint32_t depth = 0; depth < DEPTH; depth++) {
                /* All the same but for the last two. */
                uint32_t which = depth < DEPTH - 2 ? depth : depth == DEPTH - 2 ? 100 + i % 50 : 200 + i;
                char name[32];
                snprintf(name, sizeof name, "function_%u", which);
                struct tare_profile_frame frame = {.function = name, .object = TARE_PROFILE_NONE};
                uint32_t number = tare_profile_frame(p, &frame);
                assert_int_not_equal(number, TARE_PROFILE_NONE);
                node = tare_profile_node(p, node, number);
                assert_int_not_equal(node, TARE_PROFILE_NONE);
            }
            if (round == 0) {
                leaves[i] = node;
            }
            assert_int_equal(node, leaves[i]);
        }
    }
    assert_int_equal(p->frame_count, DEPTH - 2 + 50 + STACKS);
    assert_int_equal(p->node_count, DEPTH - 2 + 50 + STACKS);
    for (size_t i = 0; i < p->node_count; i++) {
        assert_true(p->nodes[i].parent == TARE_PROFILE_NONE || p->nodes[i].parent < i);
    }
    tare_profile_free(p);
}

/* As the reader of JSON makes it: arrays alone, and no index yet. */
static void what_was_read_can_be_added_to(void **state)
{
    (void)state;
    struct tare_profile *p = tare_profile_new();
    p->frames = calloc(2, sizeof *p->frames);
    p->nodes = calloc(2, sizeof *p->nodes);
    p->samples = calloc(1, sizeof *p->samples);
    p->frame_count = p->node_count = 2;
    p->sample_count = 1;
    p->frames[0] = (struct tare_profile_frame){.function = strdup("main"), .object = TARE_PROFILE_NONE};
    p->frames[1] = (struct tare_profile_frame){.function = strdup("work"), .object = TARE_PROFILE_NONE};
    p->nodes[0] = (struct tare_profile_node){TARE_PROFILE_NONE, 0};
    p->nodes[1] = (struct tare_profile_node){0, 1};
    p->samples[0] = (struct tare_profile_sample){0, 1, 1, TARE_PROFILE_NONE, TARE_PROFILE_NONE, 0};

    char work[] = "work", rest[] = "rest";
    struct tare_profile_frame frame = {.function = work, .object = TARE_PROFILE_NONE};
    assert_int_equal(tare_profile_frame(p, &frame), 1);
    assert_int_equal(tare_profile_node(p, 0, 1), 1);
    frame.function = rest;
    assert_int_equal(tare_profile_frame(p, &frame), 2);
    assert_int_equal(tare_profile_node(p, 1, 2), 2);
    struct tare_profile_sample sample = {1, 1, 2, TARE_PROFILE_NONE, TARE_PROFILE_NONE, 0};
    assert_int_equal(tare_profile_add(p, &sample), 0);
    assert_int_equal(p->sample_count, 2);
    tare_profile_free(p);
}

static void frames_without_a_function_have_a_name_too(void **state)
{
    (void)state;
    struct tare_profile *p = tare_profile_new();
    char function[] = "ns::f(int)";
    uint32_t libc = tare_profile_object(p, "/usr/lib/libc.so.6", NULL, TARE_OBJECT_FILE);
    uint32_t kernel = tare_profile_object(p, "[kernel]", NULL, TARE_OBJECT_KERNEL);
    char path[1000];
    memset(path, 'x', sizeof path - 1);
    path[sizeof path - 1] = '\0';
    uint32_t long_one = tare_profile_object(p, path, NULL, TARE_OBJECT_FILE);
    const struct {
        struct tare_profile_frame frame;
        const char *name;
    } cases[] = {
        {{.function = function, .object = libc, .address = 5}, "ns::f(int)"},
        {{.object = libc, .address = 0x1234}, "[libc.so.6+0x1234]"},
        {{.object = libc}, "[libc.so.6]"},
        {{.object = kernel, .address = 0xffffffff81000000}, "[kernel+0xffffffff81000000]"},
        {{.object = TARE_PROFILE_NONE}, "[unknown]"},
        {{.object = TARE_PROFILE_NONE, .address = 0x10}, "[unknown+0x10]"},
    };
    char text[TARE_PROFILE_NAME];
    for (size_t i = 0; i < COUNT(cases); i++) {
        uint32_t frame = tare_profile_frame(p, &cases[i].frame);
        assert_string_equal(tare_profile_frame_name(p, frame, text), cases[i].name);
    }
    struct tare_profile_frame frame = {.object = long_one, .address = UINT64_MAX};
    const char *name = tare_profile_frame_name(p, tare_profile_frame(p, &frame), text);
    assert_true(strlen(name) < TARE_PROFILE_NAME);
    assert_non_null(strstr(name, "+0xffffffffffffffff]"));
    assert_string_equal(tare_profile_object_name(p, libc), "libc.so.6");
    assert_string_equal(tare_profile_object_name(p, TARE_PROFILE_NONE), "");
    tare_profile_free(p);
}

static void what_samples_stand_for_is_known_of_clocks(void **state)
{
    (void)state;
    struct tare_profile *p = tare_profile_new();
    struct tare_profile_sample sample = {.time_ns = NAN,
                                         .weight = 10000,
                                         .node = TARE_PROFILE_NONE,
                                         .thread = TARE_PROFILE_NONE,
                                         .timer = TARE_PROFILE_NONE};
    bool user_only;
    assert_int_equal(tare_profile_add(p, &sample), 0);
    assert_int_equal(tare_profile_add(p, &sample), 0);
    p->unit = strdup("ns");
    assert_true(isnan(tare_profile_cpu_ns(p, &user_only)));
    static const struct {
        const char *event;
        double ns;
        bool user_only;
    } cases[] = {{"cpu-clock", 20000, false},
                 {"task-clock:u", 20000, true},
                 {"cpu-clock:k", NAN, false},
                 {"wall-clock", NAN, false},
                 {"page-faults", NAN, false}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        free(p->event);
        p->event = strdup(cases[i].event);
        double ns = tare_profile_cpu_ns(p, &user_only);
        assert_true(isnan(cases[i].ns) ? isnan(ns) : ns == cases[i].ns);
        assert_true(isnan(ns) || user_only == cases[i].user_only);
    }
    free(p->event);
    p->event = strdup("cpu-clock");
    p->off_cpu = true;
    assert_true(isnan(tare_profile_cpu_ns(p, &user_only)));
    tare_profile_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_profile_knows_nothing),
        cmocka_unit_test(what_is_the_same_has_one_number),
        cmocka_unit_test(frames_differ_if_any_member_does),
        cmocka_unit_test(wrong_numbers_are_refused),
        cmocka_unit_test(truncated_and_unknown_are_counted),
        cmocka_unit_test(samples_are_sorted_by_time_and_ties_stay),
        cmocka_unit_test(stacks_share_their_outer_part),
        cmocka_unit_test(what_was_read_can_be_added_to),
        cmocka_unit_test(frames_without_a_function_have_a_name_too),
        cmocka_unit_test(what_samples_stand_for_is_known_of_clocks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
