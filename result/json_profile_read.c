/* SPDX-License-Identifier: MIT */
/*
 * Reads the member "profile" of a result, and trusts nothing in it, as json_read.c says. Every number that
 * names something has to name something that is there; a node's parent stands before it; no stack is deeper
 * than PROFILE_DEPTH_MAX, and the weights can be added up. Whoever goes over a profile that was read needs no
 * checks of his own.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "result/json_parts.h"
#include "result/json_profile_fields.h"

static bool is_unknown(const json_t *value)
{
    return value == NULL || json_is_null(value);
}

/* A column of `count`, or of as many as it has if `*count` is SIZE_MAX; NULL after a complaint. */
static const json_t *column_of(struct json_reader *r, const json_t *object, const struct json_place *here,
                               size_t *count)
{
    const json_t *column = tare__json_array_of(r, object, here);
    if (column == NULL) {
        return NULL;
    }
    if (*count == SIZE_MAX) {
        *count = json_array_size(column);
    } else if (json_array_size(column) != *count) {
        tare__json_unfit(r, here, "as long as the other columns");
        return NULL;
    }
    return column;
}

/* A number below `limit`; `none_too`: or null, which is TARE_PROFILE_NONE. */
static bool read_index(struct json_reader *r, const json_t *value, const struct json_place *place, size_t limit,
                       bool none_too, uint32_t *to)
{
    uint64_t number;
    if (none_too && json_is_null(value)) {
        *to = TARE_PROFILE_NONE;
        return true;
    }
    if (limit == 0 || !json_is_integer(value)) {
        return tare__json_unfit(r, place,
                                none_too ? "the number of one that is there, or null"
                                         : "the number of one that is there");
    }
    if (!tare__json_read_integer(r, value, place, limit - 1, &number)) {
        return false;
    }
    *to = (uint32_t)number;
    return true;
}

/* The array of `count` elements of `size` bytes, zeroed; too many for their numbers is a complaint. */
static void *make_array(struct json_reader *r, size_t count, size_t size, const struct json_place *place)
{
    if (count >= TARE_PROFILE_NONE) {
        tare__json_unfit(r, place, "of a size that can be read");
        return NULL;
    }
    void *array = calloc(count > 0 ? count : 1, size);
    if (array == NULL) {
        tare__json_out_of_memory(r);
    }
    return array;
}

static bool read_kind(struct json_reader *r, const json_t *object, const struct json_place *place,
                      enum tare_profile_object_kind *kind)
{
    struct json_place here = {.up = place, .key = "kind"};
    const json_t *value = tare__json_member_of(r, object, here.key, &here, true);
    if (value == NULL) {
        return false;
    }
    for (size_t i = 0; i < PROFILE_KINDS; i++) {
        if (json_is_string(value) && strcmp(json_string_value(value), profile_kind_names[i]) == 0) {
            *kind = (enum tare_profile_object_kind)i;
            return true;
        }
    }
    return tare__json_unfit(r, &here, "file, kernel, vdso, jit or unknown");
}

/* Words that a later version may have added are left alone. */
static bool read_flags(struct json_reader *r, const json_t *object, const struct json_place *place,
                       uint32_t *flags)
{
    struct json_place here = {.up = place, .key = "flags"};
    const json_t *array = tare__json_array_of(r, object, &here);
    for (size_t i = 0; i < json_array_size(array); i++) {
        struct json_place word_place = {.up = &here, .index = i};
        const json_t *word = json_array_get(array, i);
        if (!json_is_string(word)) {
            return tare__json_unfit(r, &word_place, "a string");
        }
        for (size_t bit = 0; bit < PROFILE_FLAGS; bit++) {
            *flags |= strcmp(json_string_value(word), profile_flag_names[bit]) == 0 ? 1u << bit : 0;
        }
    }
    return array != NULL;
}

/* Each list of objects: makes the array, and has `table` read into each element. */
static bool read_list(struct json_reader *r, const json_t *object, const struct json_place *here,
                      const struct field_table *table, size_t size, void **to, size_t *count)
{
    const json_t *array = tare__json_array_of(r, object, here);
    if (array == NULL) {
        return false;
    }
    char *elements = make_array(r, json_array_size(array), size, here);
    *to = elements;
    if (elements == NULL) {
        return false;
    }
    *count = json_array_size(array);
    for (size_t i = 0; i < *count; i++) {
        struct json_place place = {.up = here, .index = i};
        const json_t *element = json_array_get(array, i);
        if (!json_is_object(element)) {
            return tare__json_unfit(r, &place, "an object");
        }
        if (!tare__json_read_fields(r, element, table, &place, elements + i * size)) {
            return false;
        }
    }
    return true;
}

static bool read_objects(struct json_reader *r, const json_t *from, const struct json_place *place,
                         struct tare_profile *profile)
{
    struct json_place here = {.up = place, .key = "objects"};
    void *elements = NULL;
    bool fine = read_list(r, from, &here, &profile_object_fields, sizeof *profile->objects, &elements,
                          &profile->object_count);
    profile->objects = elements;
    for (size_t i = 0; fine && i < profile->object_count; i++) {
        struct json_place object_place = {.up = &here, .index = i};
        const json_t *object = json_array_get(json_object_get(from, here.key), i);
        fine = read_kind(r, object, &object_place, &profile->objects[i].kind) &&
               read_flags(r, object, &object_place, &profile->objects[i].flags);
    }
    return fine;
}

static bool read_processes(struct json_reader *r, const json_t *from, const struct json_place *place,
                           struct tare_profile *profile)
{
    struct json_place here = {.up = place, .key = "processes"};
    void *elements = NULL;
    bool fine = read_list(r, from, &here, &profile_process_fields, sizeof *profile->processes, &elements,
                          &profile->process_count);
    profile->processes = elements;
    return fine;
}

static bool read_threads(struct json_reader *r, const json_t *from, const struct json_place *place,
                         struct tare_profile *profile)
{
    struct json_place here = {.up = place, .key = "threads"};
    void *elements = NULL;
    bool fine = read_list(r, from, &here, &profile_thread_fields, sizeof *profile->threads, &elements,
                          &profile->thread_count);
    profile->threads = elements;
    for (size_t i = 0; fine && i < profile->thread_count; i++) {
        struct json_place thread_place = {.up = &here, .index = i};
        struct json_place process_place = {.up = &thread_place, .key = "process"};
        if (profile->threads[i].process >= profile->process_count) {
            return tare__json_unfit(r, &process_place, "the number of one that is there");
        }
    }
    return fine;
}

static bool read_timers(struct json_reader *r, const json_t *from, const struct json_place *place,
                        struct tare_profile *profile)
{
    struct json_place here = {.up = place, .key = "timers"};
    void *elements = NULL;
    bool fine = read_list(r, from, &here, &profile_timer_fields, sizeof *profile->timers, &elements,
                          &profile->timer_count);
    profile->timers = elements;
    return fine;
}

/* The string of that number, copied; null: NULL. */
static bool read_word(struct json_reader *r, const json_t *value, const struct json_place *place,
                      const json_t *strings, char **to)
{
    uint32_t number;
    if (!read_index(r, value, place, json_array_size(strings), true, &number)) {
        return false;
    }
    if (number == TARE_PROFILE_NONE) {
        return true;
    }
    *to = strdup(json_string_value(json_array_get(strings, number)));
    return *to != NULL ? true : tare__json_out_of_memory(r);
}

static bool read_address(struct json_reader *r, const json_t *value, const struct json_place *place,
                         uint64_t *address)
{
    if (json_is_null(value)) {
        return true;
    }
    const char *text = json_string_value(value);
    size_t digits = text != NULL && strncmp(text, "0x", 2) == 0 ? strspn(text + 2, "0123456789abcdef") : 0;
    if (digits == 0 || digits > 16 || text[2 + digits] != '\0') {
        return tare__json_unfit(r, place, "0x and up to 16 hexadecimal digits, or null");
    }
    *address = strtoull(text + 2, NULL, 16);
    return true;
}

static bool read_line(struct json_reader *r, const json_t *value, const struct json_place *place, uint32_t *to)
{
    uint64_t number;
    if (!tare__json_read_integer(r, value, place, UINT32_MAX, &number)) {
        return false;
    }
    *to = (uint32_t)number;
    return true;
}

static bool read_bit(struct json_reader *r, const json_t *value, const struct json_place *place, bool *to)
{
    uint64_t number;
    if (!tare__json_read_integer(r, value, place, 1, &number)) {
        return false;
    }
    *to = number != 0;
    return true;
}

/* The array of strings; NULL after a complaint. */
static const json_t *strings_of(struct json_reader *r, const json_t *from, const struct json_place *place)
{
    struct json_place here = {.up = place, .key = "strings"};
    const json_t *strings = tare__json_array_of(r, from, &here);
    for (size_t i = 0; i < json_array_size(strings); i++) {
        struct json_place string_place = {.up = &here, .index = i};
        if (!json_is_string(json_array_get(strings, i))) {
            tare__json_unfit(r, &string_place, "a string");
            return NULL;
        }
    }
    return strings;
}

enum { FUNCTION, OBJECT, FILE_NAME, LINE, FUNCTION_LINE, ADDRESS, INLINED, KERNEL, FRAME_COLUMNS };

static bool read_frame(struct json_reader *r, const json_t *const columns[FRAME_COLUMNS],
                       const struct json_place places[FRAME_COLUMNS], size_t i, const json_t *strings,
                       size_t object_count, struct tare_profile_frame *frame)
{
    bool fine = true;
    for (size_t c = 0; fine && c < FRAME_COLUMNS; c++) {
        struct json_place here = {.up = &places[c], .index = i};
        const json_t *value = json_array_get(columns[c], i);
        switch (c) {
        case FUNCTION:
            fine = read_word(r, value, &here, strings, &frame->function);
            break;
        case OBJECT:
            fine = read_index(r, value, &here, object_count, true, &frame->object);
            break;
        case FILE_NAME:
            fine = read_word(r, value, &here, strings, &frame->file);
            break;
        case LINE:
            fine = read_line(r, value, &here, &frame->line);
            break;
        case FUNCTION_LINE:
            fine = read_line(r, value, &here, &frame->function_line);
            break;
        case ADDRESS:
            fine = read_address(r, value, &here, &frame->address);
            break;
        case INLINED:
            fine = read_bit(r, value, &here, &frame->inlined);
            break;
        default:
            fine = read_bit(r, value, &here, &frame->kernel);
            break;
        }
    }
    return fine;
}

static bool read_frames(struct json_reader *r, const json_t *from, const struct json_place *place,
                        struct tare_profile *profile)
{
    static const char *const names[FRAME_COLUMNS] = {"function",      "object",  "file",    "line",
                                                     "function_line", "address", "inlined", "kernel"};
    struct json_place here = {.up = place, .key = "frames"};
    struct json_place places[FRAME_COLUMNS];
    const json_t *columns[FRAME_COLUMNS];
    const json_t *strings = strings_of(r, from, place);
    const json_t *frames = strings != NULL ? tare__json_object_of(r, from, &here) : NULL;
    size_t count = SIZE_MAX;
    if (frames == NULL) {
        return false;
    }
    for (size_t c = 0; c < FRAME_COLUMNS; c++) {
        places[c] = (struct json_place){.up = &here, .key = names[c]};
        columns[c] = column_of(r, frames, &places[c], &count);
        if (columns[c] == NULL) {
            return false;
        }
    }
    profile->frames = make_array(r, count, sizeof *profile->frames, &here);
    if (profile->frames == NULL) {
        return false;
    }
    profile->frame_count = count;
    for (size_t i = 0; i < count; i++) {
        if (!read_frame(r, columns, places, i, strings, profile->object_count, &profile->frames[i])) {
            return false;
        }
    }
    return true;
}

static bool read_nodes(struct json_reader *r, const json_t *from, const struct json_place *place,
                       struct tare_profile *profile)
{
    struct json_place here = {.up = place, .key = "nodes"};
    struct json_place parent_place = {.up = &here, .key = "parent"};
    struct json_place frame_place = {.up = &here, .key = "frame"};
    const json_t *nodes = tare__json_object_of(r, from, &here);
    size_t count = SIZE_MAX;
    const json_t *parents = nodes != NULL ? column_of(r, nodes, &parent_place, &count) : NULL;
    const json_t *frames = parents != NULL ? column_of(r, nodes, &frame_place, &count) : NULL;
    if (frames == NULL) {
        return false;
    }
    bool fine = false;
    uint16_t *depths = make_array(r, count, sizeof *depths, &here);
    profile->nodes = depths != NULL ? make_array(r, count, sizeof *profile->nodes, &here) : NULL;
    if (profile->nodes == NULL) {
        goto out;
    }
    profile->node_count = count;
    for (size_t i = 0; i < count; i++) {
        struct json_place parent_here = {.up = &parent_place, .index = i};
        struct json_place frame_here = {.up = &frame_place, .index = i};
        struct tare_profile_node *node = &profile->nodes[i];
        if (!read_index(r, json_array_get(parents, i), &parent_here, i, true, &node->parent) ||
            !read_index(r, json_array_get(frames, i), &frame_here, profile->frame_count, false, &node->frame)) {
            goto out;
        }
        depths[i] = node->parent == TARE_PROFILE_NONE ? 1 : (uint16_t)(depths[node->parent] + 1);
        if (depths[i] > PROFILE_DEPTH_MAX) {
            tare__json_unfit(r, &parent_here, "in a stack of at most 16384 calls");
            goto out;
        }
    }
    fine = true;
out:
    free(depths);
    return fine;
}

/* A column that may be null: then all of it is unknown. */
static bool optional_column(struct json_reader *r, const json_t *samples, const struct json_place *here,
                            size_t count, const json_t **column)
{
    const json_t *value = json_object_get(samples, here->key);
    *column = NULL;
    if (is_unknown(value)) {
        return true;
    }
    *column = column_of(r, samples, here, &count);
    return *column != NULL;
}

static bool read_truncated(struct json_reader *r, const json_t *samples, const struct json_place *place,
                           struct tare_profile *profile)
{
    struct json_place here = {.up = place, .key = "truncated"};
    struct json_place count_place = {.up = place->up, .key = "truncated"};
    const json_t *array = tare__json_array_of(r, samples, &here);
    for (size_t i = 0; i < json_array_size(array); i++) {
        struct json_place sample_place = {.up = &here, .index = i};
        uint32_t number;
        if (!read_index(r, json_array_get(array, i), &sample_place, profile->sample_count, false, &number)) {
            return false;
        }
        if ((profile->samples[number].flags & TARE_SAMPLE_TRUNCATED) != 0) {
            return tare__json_unfit(r, &sample_place, "there once");
        }
        profile->samples[number].flags |= TARE_SAMPLE_TRUNCATED;
    }
    if (array != NULL && profile->truncated != TARE_PROFILE_UNKNOWN &&
        profile->truncated > profile->sample_count) {
        return tare__json_unfit(r, &count_place, "at most the number of samples");
    }
    return array != NULL;
}

struct sample_columns {
    struct json_place weight_place, node_place, time_place, thread_place, timer_place;
    const json_t *weight, *node, *time, *thread, *timer; /* the last three NULL: all unknown */
};

static bool read_sample(struct json_reader *r, const struct sample_columns *columns, size_t i,
                        const struct tare_profile *profile, struct tare_profile_sample *sample)
{
    struct json_place weight_here = {.up = &columns->weight_place, .index = i};
    struct json_place node_here = {.up = &columns->node_place, .index = i};
    struct json_place time_here = {.up = &columns->time_place, .index = i};
    struct json_place thread_here = {.up = &columns->thread_place, .index = i};
    struct json_place timer_here = {.up = &columns->timer_place, .index = i};
    const json_t *time = json_array_get(columns->time, i);
    sample->time_ns = NAN;
    sample->thread = sample->timer = TARE_PROFILE_NONE;
    if (!tare__json_read_integer(r, json_array_get(columns->weight, i), &weight_here, INT64_MAX,
                                 &sample->weight) ||
        !read_index(r, json_array_get(columns->node, i), &node_here, profile->node_count, true,
                    &sample->node) ||
        (!is_unknown(time) && !tare__json_read_number(r, time, &time_here, true, &sample->time_ns))) {
        return false;
    }
    return (columns->thread == NULL || read_index(r, json_array_get(columns->thread, i), &thread_here,
                                                  profile->thread_count, true, &sample->thread)) &&
           (columns->timer == NULL || read_index(r, json_array_get(columns->timer, i), &timer_here,
                                                 profile->timer_count, true, &sample->timer));
}

static bool read_samples(struct json_reader *r, const json_t *from, const struct json_place *place,
                         struct tare_profile *profile)
{
    struct json_place here = {.up = place, .key = "samples"};
    struct json_place unknown_place = {.up = place, .key = "unknown"};
    struct sample_columns columns = {
        .weight_place = {.up = &here, .key = "weight"},
        .node_place = {.up = &here, .key = "node"},
        .time_place = {.up = &here, .key = "time_ns"},
        .thread_place = {.up = &here, .key = "thread"},
        .timer_place = {.up = &here, .key = "timer"},
    };
    const json_t *samples = tare__json_object_of(r, from, &here);
    size_t count = SIZE_MAX;
    columns.weight = samples != NULL ? column_of(r, samples, &columns.weight_place, &count) : NULL;
    columns.node = columns.weight != NULL ? column_of(r, samples, &columns.node_place, &count) : NULL;
    if (columns.node == NULL || !optional_column(r, samples, &columns.time_place, count, &columns.time) ||
        !optional_column(r, samples, &columns.thread_place, count, &columns.thread) ||
        !optional_column(r, samples, &columns.timer_place, count, &columns.timer)) {
        return false;
    }
    profile->samples = make_array(r, count, sizeof *profile->samples, &here);
    if (profile->samples == NULL) {
        return false;
    }
    profile->sample_count = count;
    uint64_t sum = 0;
    for (size_t i = 0; i < count; i++) {
        if (!read_sample(r, &columns, i, profile, &profile->samples[i])) {
            return false;
        }
        sum += profile->samples[i].weight; /* both at most INT64_MAX: no overflow */
        if (sum > INT64_MAX) {
            return tare__json_unfit(r, &columns.weight_place, "of a sum below 2^63");
        }
    }
    if (profile->unknown > count) {
        return tare__json_unfit(r, &unknown_place, "at most the number of samples");
    }
    return read_truncated(r, samples, &here, profile);
}

static bool read_recorder(struct json_reader *r, const json_t *from, const struct json_place *place,
                          char ***recorder)
{
    struct json_place here = {.up = place, .key = "recorder"};
    const json_t *array = json_object_get(from, here.key);
    if (is_unknown(array)) {
        return true;
    }
    if (!json_is_array(array)) {
        return tare__json_unfit(r, &here, "an array or null");
    }
    *recorder = calloc(json_array_size(array) + 1, sizeof **recorder);
    if (*recorder == NULL) {
        return tare__json_out_of_memory(r);
    }
    for (size_t i = 0; i < json_array_size(array); i++) {
        struct json_place word_place = {.up = &here, .index = i};
        if (!tare__json_read_string(r, json_array_get(array, i), &word_place, &(*recorder)[i])) {
            return false;
        }
    }
    return true;
}

static bool read_overhead(struct json_reader *r, const json_t *from, const struct json_place *place,
                          struct tare_profile_overhead *overhead)
{
    struct json_place here = {.up = place, .key = "overhead"};
    const json_t *object = json_object_get(from, here.key);
    if (is_unknown(object)) {
        return true;
    }
    if (!json_is_object(object)) {
        return tare__json_unfit(r, &here, "an object or null");
    }
    overhead->measured = true;
    return tare__json_read_fields(r, object, &profile_overhead_fields, &here, overhead);
}

bool tare__json_read_profile(struct json_reader *r, const json_t *root, struct tare_profile **to)
{
    struct json_place here = {.key = "profile"};
    const json_t *object = json_object_get(root, here.key);
    if (is_unknown(object)) {
        return true;
    }
    if (!json_is_object(object)) {
        return tare__json_unfit(r, &here, "an object or null");
    }
    struct tare_profile *profile = tare_profile_new();
    *to = profile;
    if (profile == NULL) {
        return tare__json_out_of_memory(r);
    }
    profile->lost = profile->truncated = profile->threads_missed = TARE_PROFILE_UNKNOWN;
    return tare__json_read_fields(r, object, &profile_fields, &here, profile) &&
           read_recorder(r, object, &here, &profile->recorder) &&
           read_overhead(r, object, &here, &profile->overhead) && read_objects(r, object, &here, profile) &&
           read_frames(r, object, &here, profile) && read_nodes(r, object, &here, profile) &&
           read_processes(r, object, &here, profile) && read_threads(r, object, &here, profile) &&
           read_timers(r, object, &here, profile) && read_samples(r, object, &here, profile);
}
