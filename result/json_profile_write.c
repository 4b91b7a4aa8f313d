/* SPDX-License-Identifier: MIT */
/*
 * Writes the member "profile" of a result: result/json_profile_fields.h says how it is laid out. A profile
 * whose numbers do not hang together is not written (-EINVAL), nor one whose weights cannot be added up
 * (-ERANGE), as it could not be read again.
 */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "result/json_parts.h"
#include "result/json_profile_fields.h"

/* The strings that were seen, in that order: open addressing, at most half full. */
struct strings {
    const char **seen;
    uint32_t *slots; /* numbers + 1; 0: empty */
    size_t count, slot_count;
};

static bool strings_make(struct strings *strings, size_t most)
{
    strings->slot_count = 64;
    while (strings->slot_count < most * 2) {
        strings->slot_count *= 2;
    }
    strings->seen = reallocarray(NULL, most + 1, sizeof *strings->seen);
    strings->slots = calloc(strings->slot_count, sizeof *strings->slots);
    return strings->seen != NULL && strings->slots != NULL;
}

static void strings_release(struct strings *strings)
{
    free(strings->seen);
    free(strings->slots);
}

/* FNV-1a (G. Fowler, L. C. Noll, K.-P. Vo), of 64 bits. */
static uint64_t hash_of(const char *text)
{
    uint64_t hash = 0xcbf29ce484222325ULL;
    for (; *text != '\0'; text++) {
        hash = (hash ^ (unsigned char)*text) * 0x100000001b3ULL;
    }
    return hash;
}

/* Its number, or null for NULL. */
static json_t *string_number(struct strings *strings, const char *text)
{
    if (text == NULL) {
        return json_null();
    }
    size_t i = hash_of(text) & (strings->slot_count - 1);
    while (strings->slots[i] != 0 && strcmp(strings->seen[strings->slots[i] - 1], text) != 0) {
        i = (i + 1) & (strings->slot_count - 1);
    }
    if (strings->slots[i] == 0) {
        strings->seen[strings->count++] = text;
        strings->slots[i] = (uint32_t)strings->count;
    }
    return json_integer(strings->slots[i] - 1);
}

static json_t *number_or_null(uint32_t number)
{
    return number == TARE_PROFILE_NONE ? json_null() : json_integer(number);
}

static json_t *word_list(struct json_builder *b, uint32_t flags)
{
    json_t *array = json_array();
    for (size_t i = 0; i < PROFILE_FLAGS; i++) {
        if ((flags & 1u << i) != 0) {
            tare__json_append(b, array, json_string(profile_flag_names[i]));
        }
    }
    return array;
}

static json_t *objects_value(struct json_builder *b, const struct tare_profile *profile)
{
    json_t *array = json_array();
    for (size_t i = 0; i < profile->object_count; i++) {
        const struct tare_profile_object *object = &profile->objects[i];
        json_t *value = tare__json_fields(b, &profile_object_fields, object);
        tare__json_put(b, value, "kind", json_string(profile_kind_names[object->kind]));
        tare__json_put(b, value, "flags", word_list(b, object->flags));
        tare__json_append(b, array, value);
    }
    return array;
}

/* Hexadecimal, as a string: it takes all of 64 bits. 0 is null. */
static json_t *address_value(uint64_t address)
{
    char text[24];
    snprintf(text, sizeof text, "0x%" PRIx64, address);
    return address == 0 ? json_null() : json_string(text);
}

/* "strings" and "frames". */
static void put_frames(struct json_builder *b, json_t *to, const struct tare_profile *profile)
{
    enum { FUNCTION, OBJECT, FILE_NAME, LINE, FUNCTION_LINE, ADDRESS, INLINED, KERNEL, COLUMNS };
    static const char *const names[COLUMNS] = {"function",      "object",  "file",    "line",
                                               "function_line", "address", "inlined", "kernel"};
    json_t *columns[COLUMNS];
    struct strings strings = {0};
    json_t *words = json_array();
    json_t *frames = json_object();
    if (!strings_make(&strings, profile->frame_count * 2)) {
        tare__json_fail(b, -ENOMEM);
        goto out;
    }
    for (size_t c = 0; c < COLUMNS; c++) {
        columns[c] = json_array();
    }
    for (size_t i = 0; i < profile->frame_count; i++) {
        const struct tare_profile_frame *frame = &profile->frames[i];
        tare__json_append(b, columns[FUNCTION], string_number(&strings, frame->function));
        tare__json_append(b, columns[OBJECT], number_or_null(frame->object));
        tare__json_append(b, columns[FILE_NAME], string_number(&strings, frame->file));
        tare__json_append(b, columns[LINE], json_integer(frame->line));
        tare__json_append(b, columns[FUNCTION_LINE], json_integer(frame->function_line));
        tare__json_append(b, columns[ADDRESS], address_value(frame->address));
        tare__json_append(b, columns[INLINED], json_integer(frame->inlined));
        tare__json_append(b, columns[KERNEL], json_integer(frame->kernel));
    }
    for (size_t i = 0; i < strings.count; i++) {
        tare__json_append(b, words, tare__json_string(strings.seen[i]));
    }
    for (size_t c = 0; c < COLUMNS; c++) {
        tare__json_put(b, frames, names[c], columns[c]);
    }
out:
    strings_release(&strings);
    tare__json_put(b, to, "strings", words);
    tare__json_put(b, to, "frames", frames);
}

static json_t *nodes_value(struct json_builder *b, const struct tare_profile *profile)
{
    json_t *parents = json_array();
    json_t *frames = json_array();
    for (size_t i = 0; i < profile->node_count; i++) {
        tare__json_append(b, parents, number_or_null(profile->nodes[i].parent));
        tare__json_append(b, frames, json_integer(profile->nodes[i].frame));
    }
    json_t *nodes = json_object();
    tare__json_put(b, nodes, "parent", parents);
    tare__json_put(b, nodes, "frame", frames);
    return nodes;
}

/* Whole nanoseconds without a decimal point: most are, and it is as exact. */
static json_t *time_value(struct json_builder *b, double ns)
{
    static const double exact = 9007199254740992.0; /* 2^53 */
    return ns == floor(ns) && fabs(ns) < exact ? json_integer((json_int_t)ns) : tare__json_number(b, ns, true);
}

static json_t *samples_value(struct json_builder *b, const struct tare_profile *profile)
{
    enum { WEIGHT, NODE, TIME, THREAD, TIMER, COLUMNS };
    static const char *const names[COLUMNS] = {"weight", "node", "time_ns", "thread", "timer"};
    json_t *columns[COLUMNS];
    bool known[COLUMNS] = {[WEIGHT] = true, [NODE] = true};
    json_t *truncated = json_array();
    for (size_t c = 0; c < COLUMNS; c++) {
        columns[c] = json_array();
    }
    for (size_t i = 0; i < profile->sample_count; i++) {
        const struct tare_profile_sample *sample = &profile->samples[i];
        tare__json_append(b, columns[WEIGHT], tare__json_count(b, sample->weight));
        tare__json_append(b, columns[NODE], number_or_null(sample->node));
        tare__json_append(b, columns[TIME], time_value(b, sample->time_ns));
        tare__json_append(b, columns[THREAD], number_or_null(sample->thread));
        tare__json_append(b, columns[TIMER], number_or_null(sample->timer));
        known[TIME] |= !isnan(sample->time_ns);
        known[THREAD] |= sample->thread != TARE_PROFILE_NONE;
        known[TIMER] |= sample->timer != TARE_PROFILE_NONE;
        if ((sample->flags & TARE_SAMPLE_TRUNCATED) != 0) {
            tare__json_append(b, truncated, json_integer((json_int_t)i));
        }
    }
    json_t *samples = json_object();
    for (size_t c = 0; c < COLUMNS; c++) {
        if (!known[c]) {
            json_decref(columns[c]);
            columns[c] = json_null();
        }
        tare__json_put(b, samples, names[c], columns[c]);
    }
    tare__json_put(b, samples, "truncated", truncated);
    return samples;
}

/* Elements as objects: there are few of them. */
static json_t *list_value(struct json_builder *b, const struct field_table *table, const void *elements,
                          size_t count, size_t size)
{
    json_t *array = json_array();
    for (size_t i = 0; i < count; i++) {
        tare__json_append(b, array, tare__json_fields(b, table, (const char *)elements + i * size));
    }
    return array;
}

static json_t *recorder_value(struct json_builder *b, char *const *words)
{
    if (words == NULL) {
        return json_null();
    }
    json_t *array = json_array();
    for (; *words != NULL; words++) {
        tare__json_append(b, array, tare__json_string(*words));
    }
    return array;
}

static bool is_number(uint32_t number, size_t count, bool none_too)
{
    return number < count || (none_too && number == TARE_PROFILE_NONE);
}

/* 0, or what is wrong with it. */
static int check(const struct tare_profile *profile)
{
    uint64_t sum = 0;
    int error = 0;
    for (size_t i = 0; i < profile->object_count; i++) {
        error = (size_t)profile->objects[i].kind >= PROFILE_KINDS ? -EINVAL : error;
    }
    for (size_t i = 0; i < profile->frame_count; i++) {
        error = !is_number(profile->frames[i].object, profile->object_count, true) ? -EINVAL : error;
    }
    for (size_t i = 0; i < profile->node_count; i++) {
        bool fits = is_number(profile->nodes[i].parent, i, true) &&
                    is_number(profile->nodes[i].frame, profile->frame_count, false);
        error = !fits ? -EINVAL : error;
    }
    for (size_t i = 0; i < profile->thread_count; i++) {
        error = !is_number(profile->threads[i].process, profile->process_count, false) ? -EINVAL : error;
    }
    for (size_t i = 0; i < profile->sample_count && error == 0; i++) {
        const struct tare_profile_sample *sample = &profile->samples[i];
        bool fits = is_number(sample->node, profile->node_count, true) &&
                    is_number(sample->thread, profile->thread_count, true) &&
                    is_number(sample->timer, profile->timer_count, true);
        error = !fits ? -EINVAL : error;
        if (__builtin_add_overflow(sum, sample->weight, &sum) || sum > INT64_MAX) {
            error = -ERANGE;
        }
    }
    if (error == 0 &&
        (profile->unknown > profile->sample_count ||
         (profile->truncated != TARE_PROFILE_UNKNOWN && profile->truncated > profile->sample_count))) {
        error = -EINVAL;
    }
    return error;
}

json_t *tare__json_profile(struct json_builder *b, const struct tare_profile *profile)
{
    if (profile == NULL) {
        return json_null();
    }
    int error = check(profile);
    if (error != 0) {
        tare__json_fail(b, error);
        return json_null();
    }
    json_t *value = tare__json_fields(b, &profile_fields, profile);
    tare__json_put(b, value, "recorder", recorder_value(b, profile->recorder));
    tare__json_put(b, value, "overhead",
                   profile->overhead.measured
                       ? tare__json_fields(b, &profile_overhead_fields, &profile->overhead)
                       : json_null());
    tare__json_put(b, value, "objects", objects_value(b, profile));
    put_frames(b, value, profile);
    tare__json_put(b, value, "nodes", nodes_value(b, profile));
    tare__json_put(b, value, "processes",
                   list_value(b, &profile_process_fields, profile->processes, profile->process_count,
                              sizeof *profile->processes));
    tare__json_put(b, value, "threads",
                   list_value(b, &profile_thread_fields, profile->threads, profile->thread_count,
                              sizeof *profile->threads));
    tare__json_put(
        b, value, "timers",
        list_value(b, &profile_timer_fields, profile->timers, profile->timer_count, sizeof *profile->timers));
    tare__json_put(b, value, "samples", samples_value(b, profile));
    return value;
}
