/* SPDX-License-Identifier: MIT */
/*
 * The member "capture" of a result, both ways. A capture that was read holds together: as many values in each
 * column as its series says, none of a sample that is not there, times that do not go back, frames in order.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "result/capture.h"
#include "result/grow.h"
#include "result/json_parts.h"

#define FIELD(member, type)                                                                                    \
    {                                                                                                          \
#member, type, offsetof(STRUCT, member)                                                                \
    }

#define STRUCT struct tare_capture
static const struct field capture_array[] = {
    FIELD(started_unix_ns, FIELD_AMOUNT),      FIELD(interval_ns, FIELD_AMOUNT),
    FIELD(samples_dropped, FIELD_COUNT),       FIELD(samples_missed, FIELD_COUNT),
    FIELD(stays_dropped, FIELD_COUNT_UNKNOWN), FIELD(stays_merged_ns, FIELD_AMOUNT),
};
#undef STRUCT
static const struct field_table capture_fields = FIELD_TABLE(capture_array);

#define STRUCT struct tare_capture_process
static const struct field captured_process_array[] = {
    FIELD(pid, FIELD_U32),        FIELD(name, FIELD_STRING),      FIELD(executable, FIELD_STRING),
    FIELD(command, FIELD_STRING), FIELD(started, FIELD_STRING),   FIELD(clock, FIELD_STRING),
    FIELD(alive, FIELD_BOOL),     FIELD(origin_ns, FIELD_NUMBER), FIELD(threads_left_out, FIELD_COUNT_UNKNOWN),
};
#undef STRUCT
static const struct field_table captured_process_fields = FIELD_TABLE(captured_process_array);

#define LOST(name, member)                                                                                     \
    {                                                                                                          \
#name, FIELD_COUNT_UNKNOWN, offsetof(struct tare_capture_process, member)                              \
    }
static const struct field captured_lost_array[] = {
    LOST(instruments, lost_instruments),  LOST(threads, lost_threads), LOST(scopes, lost_scopes),
    LOST(dropped_scopes, dropped_scopes), LOST(extras, lost_extras),
};
static const struct field_table captured_lost_fields = FIELD_TABLE(captured_lost_array);

#define STRUCT struct tare_capture_thread
static const struct field thread_array[] = {
    FIELD(tid, FIELD_U32),
    FIELD(name, FIELD_NAME),
    FIELD(ended, FIELD_BOOL),
};
#undef STRUCT
static const struct field_table thread_fields = FIELD_TABLE(thread_array);

#define STRUCT struct tare_capture_instrument
static const struct field instrument_array[] = {
    FIELD(module, FIELD_NAME),
    FIELD(name, FIELD_NAME),
    FIELD(unit, FIELD_STRING),
    FIELD(labels, FIELD_STRING),
    FIELD(help, FIELD_STRING),
    FIELD(file, FIELD_STRING),
    FIELD(line, FIELD_U32),
    FIELD(frames_missed, FIELD_COUNT_UNKNOWN),
    FIELD(slow_over_ns, FIELD_AMOUNT),
    FIELD(voids, FIELD_COUNT),
};
#undef STRUCT
static const struct field_table instrument_fields = FIELD_TABLE(instrument_array);

#define STRUCT struct tare_capture_derived
static const struct field derived_array[] = {
    FIELD(name, FIELD_NAME),
    FIELD(unit, FIELD_STRING),
    FIELD(help, FIELD_STRING),
};
#undef STRUCT
static const struct field_table derived_fields = FIELD_TABLE(derived_array);

#define STRUCT struct tare_key_figures
static const struct field key_array[] = {
    FIELD(weight, FIELD_COUNT_UNKNOWN),
    FIELD(error, FIELD_COUNT_UNKNOWN),
    FIELD(hits, FIELD_COUNT_UNKNOWN),
    FIELD(share, FIELD_AMOUNT),
};
#undef STRUCT
static const struct field_table key_fields = FIELD_TABLE(key_array);

#define STRUCT struct tare_frame_figures
static const struct field frame_array[] = {
    FIELD(number, FIELD_COUNT),
    FIELD(start_ns, FIELD_NUMBER),
    FIELD(ns, FIELD_AMOUNT),
    FIELD(slow, FIELD_BOOL),
};
#undef STRUCT
static const struct field_table frame_fields = FIELD_TABLE(frame_array);

#define STRUCT struct tare_capture_stay
static const struct field stay_array[] = {
    FIELD(thread, FIELD_U32),
    FIELD(begin_ns, FIELD_NUMBER),
    FIELD(end_ns, FIELD_NUMBER),
    FIELD(lasts, FIELD_BOOL),
};
#undef STRUCT
static const struct field_table stay_fields = FIELD_TABLE(stay_array);

/* Indexed by enum tare_kind. */
static const char *const kinds[] = {NULL, "timer", "counter", "gauge", "histogram", "state", "topk", "frames"};
enum { KINDS = sizeof(kinds) / sizeof(kinds[0]), NAMES_MAX = 64, COLUMNS_MAX = 256 };

/* ---- writing ---- */

static json_t *numbers_value(struct json_builder *b, const double *numbers, size_t count)
{
    json_t *array = json_array();
    for (size_t i = 0; i < count; i++) {
        tare__json_append(b, array, tare__json_number(b, numbers[i], true));
    }
    return array;
}

static json_t *counts_value(struct json_builder *b, const uint64_t *counts, size_t count)
{
    json_t *array = json_array();
    for (size_t i = 0; i < count; i++) {
        tare__json_append(b, array,
                          counts[i] == TARE_COUNT_UNKNOWN ? json_null() : tare__json_count(b, counts[i]));
    }
    return array;
}

static json_t *series_value(struct json_builder *b, const struct tare_capture_series *series)
{
    json_t *object = json_object(), *columns = json_array();
    tare__json_put(b, object, "first", tare__json_count(b, series->first));
    tare__json_put(b, object, "count", tare__json_count(b, series->count));
    for (size_t i = 0; i < series->column_count; i++) {
        const struct tare_capture_column *column = &series->columns[i];
        json_t *value = json_object();
        if (column->name == NULL) {
            tare__json_fail(b, -EINVAL);
        }
        tare__json_put(b, value, "name", tare__json_string(column->name));
        tare__json_put(b, value, "unit", tare__json_string(column->unit));
        tare__json_put(b, value, "type", json_string(column->is_count ? "count" : "number"));
        tare__json_put(b, value, "values",
                       column->is_count ? counts_value(b, column->counts, series->count)
                                        : numbers_value(b, column->numbers, series->count));
        tare__json_append(b, columns, value);
    }
    tare__json_put(b, object, "columns", columns);
    return object;
}

static size_t names_of(char *const *names)
{
    size_t count = 0;
    while (names != NULL && names[count] != NULL) {
        count++;
    }
    return count;
}

static json_t *frames_value(struct json_builder *b, const struct tare_capture_instrument *instrument)
{
    size_t parts = names_of(instrument->names);
    json_t *array = json_array();
    for (size_t i = 0; i < instrument->frame_count; i++) {
        const struct tare_frame_figures *frame = &instrument->frames[i];
        json_t *object = tare__json_fields(b, &frame_fields, frame);
        tare__json_put(
            b, object, "parts_ns",
            numbers_value(b, frame->part_ns, parts < TARE_FRAME_PARTS_MAX ? parts : TARE_FRAME_PARTS_MAX));
        tare__json_append(b, array, object);
    }
    return array;
}

/* Of one in a single state, there is nothing more to tell. */
static json_t *stays_value(struct json_builder *b, const struct tare_capture_instrument *instrument)
{
    size_t states = names_of(instrument->names);
    json_t *array = json_array();
    for (size_t i = 0; i < instrument->stay_count; i++) {
        const struct tare_capture_stay *stay = &instrument->stays[i];
        json_t *object = tare__json_fields(b, &stay_fields, stay);
        tare__json_put(b, object, "state", stay->state >= 0 ? json_integer(stay->state) : json_null());
        if (stay->state < 0) {
            const struct tare_capture_several *several = &instrument->several[stay->several];
            tare__json_put(b, object, "changes", tare__json_count(b, several->changes));
            tare__json_put(b, object, "threads", tare__json_count(b, several->threads));
            tare__json_put(b, object, "states_ns",
                           numbers_value(b, several->ns, states < TARE_STATES_MAX ? states : TARE_STATES_MAX));
        }
        tare__json_append(b, array, object);
    }
    return array;
}

static json_t *keys_value(struct json_builder *b, const struct tare_capture_instrument *instrument)
{
    json_t *array = json_array();
    for (size_t i = 0; i < instrument->key_count; i++) {
        json_t *object = tare__json_fields(b, &key_fields, &instrument->keys[i]);
        char key[24];
        snprintf(key, sizeof(key), "0x%llx", (unsigned long long)instrument->keys[i].key);
        tare__json_put(b, object, "key", json_string(key));
        tare__json_append(b, array, object);
    }
    return array;
}

static json_t *instruments_value(struct json_builder *b, const struct tare_capture_process *process)
{
    json_t *array = json_array();
    for (size_t i = 0; i < process->instrument_count; i++) {
        const struct tare_capture_instrument *instrument = &process->instruments[i];
        json_t *object = json_object(), *names = json_array();
        bool known = (unsigned)instrument->kind < KINDS && kinds[instrument->kind] != NULL;
        if (!known) {
            tare__json_fail(b, -EINVAL);
        }
        tare__json_put(b, object, "kind", known ? json_string(kinds[instrument->kind]) : json_null());
        tare__json_put_fields(b, object, &instrument_fields, instrument);
        for (size_t n = 0; n < names_of(instrument->names); n++) {
            tare__json_append(b, names, tare__json_string(instrument->names[n]));
        }
        tare__json_put(b, object, "names", names);
        tare__json_put(b, object, "series", series_value(b, &instrument->series));
        tare__json_put(b, object, "frames", frames_value(b, instrument));
        tare__json_put(b, object, "keys", keys_value(b, instrument));
        tare__json_put(b, object, "stays", stays_value(b, instrument));
        tare__json_append(b, array, object);
    }
    return array;
}

static json_t *process_value(struct json_builder *b, const struct tare_capture_process *process)
{
    json_t *object = tare__json_fields(b, &captured_process_fields, process), *threads = json_array(),
           *derived = json_array();
    tare__json_put(b, object, "lost", tare__json_fields(b, &captured_lost_fields, process));
    for (size_t i = 0; i < process->thread_count; i++) {
        tare__json_append(b, threads, tare__json_fields(b, &thread_fields, &process->threads[i]));
    }
    tare__json_put(b, object, "threads", threads);
    tare__json_put(b, object, "series", series_value(b, &process->series));
    tare__json_put(b, object, "instruments", instruments_value(b, process));
    for (size_t i = 0; i < process->derived_count; i++) {
        json_t *figure = tare__json_fields(b, &derived_fields, &process->derived[i]);
        tare__json_put(b, figure, "series", series_value(b, &process->derived[i].series));
        tare__json_append(b, derived, figure);
    }
    tare__json_put(b, object, "derived", derived);
    return object;
}

json_t *tare__json_capture(struct json_builder *b, const struct tare_capture *capture)
{
    if (capture == NULL) {
        return json_null();
    }
    json_t *object = tare__json_fields(b, &capture_fields, capture), *processes = json_array();
    tare__json_put(b, object, "at_ns", numbers_value(b, capture->at_ns, capture->sample_count));
    tare__json_put(b, object, "window_ns", numbers_value(b, capture->window_ns, capture->sample_count));
    for (size_t i = 0; i < capture->process_count; i++) {
        tare__json_append(b, processes, process_value(b, &capture->processes[i]));
    }
    tare__json_put(b, object, "processes", processes);
    return object;
}

/* ---- reading ---- */

/* A zeroed array of as many as there are, and of one at least; NULL after a complaint. */
static void *room_for(struct json_reader *r, size_t count, size_t size)
{
    void *room = calloc(count > 0 ? count : 1, size);
    if (room == NULL) {
        tare__json_out_of_memory(r);
    }
    return room;
}

/* An object of the array: it, or NULL after a complaint. */
static const json_t *element_of(struct json_reader *r, const json_t *array, const struct json_place *place)
{
    const json_t *element = json_array_get(array, place->index);
    if (!json_is_object(element)) {
        tare__json_unfit(r, place, "an object");
        return NULL;
    }
    return element;
}

/* Numbers or nulls, `count` of them. */
static bool read_numbers(struct json_reader *r, const json_t *array, const struct json_place *place,
                         size_t count, double **to)
{
    if (json_array_size(array) != count) {
        return tare__json_unfit(r, place, "an array with a value for each sample");
    }
    *to = room_for(r, count, sizeof(**to));
    for (size_t i = 0; i < count && *to != NULL; i++) {
        struct json_place at = {.up = place, .index = i};
        const json_t *value = json_array_get(array, i);
        (*to)[i] = NAN;
        if (!json_is_null(value) && !tare__json_read_number(r, value, &at, true, &(*to)[i])) {
            return false;
        }
    }
    return r->error == 0;
}

static bool read_counts(struct json_reader *r, const json_t *array, const struct json_place *place,
                        size_t count, uint64_t **to)
{
    if (json_array_size(array) != count) {
        return tare__json_unfit(r, place, "an array with a value for each sample");
    }
    *to = room_for(r, count, sizeof(**to));
    for (size_t i = 0; i < count && *to != NULL; i++) {
        struct json_place at = {.up = place, .index = i};
        const json_t *value = json_array_get(array, i);
        (*to)[i] = TARE_COUNT_UNKNOWN;
        if (!json_is_null(value) && !tare__json_read_integer(r, value, &at, INT64_MAX, &(*to)[i])) {
            return false;
        }
    }
    return r->error == 0;
}

static bool read_word(struct json_reader *r, const json_t *object, const struct json_place *place,
                      const char *const *words, size_t count, const char *wanted, size_t *to)
{
    const json_t *value = tare__json_member_of(r, object, place->key, place, true);
    if (value == NULL) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        if (words[i] != NULL && json_is_string(value) && strcmp(json_string_value(value), words[i]) == 0) {
            *to = i;
            return true;
        }
    }
    return tare__json_unfit(r, place, wanted);
}

static bool read_column(struct json_reader *r, const json_t *element, const struct json_place *place,
                        size_t count, struct tare_capture_column *column)
{
    static const char *const types[] = {"number", "count"};
    struct json_place name = {.up = place, .key = "name"}, unit = {.up = place, .key = "unit"},
                      type = {.up = place, .key = "type"}, values = {.up = place, .key = "values"};
    size_t which = 0;
    const json_t *text = tare__json_member_of(r, element, name.key, &name, true);
    const json_t *unit_text = json_object_get(element, unit.key);
    if (text == NULL || !tare__json_read_string(r, text, &name, &column->name) ||
        (unit_text != NULL && !json_is_null(unit_text) &&
         !tare__json_read_string(r, unit_text, &unit, &column->unit)) ||
        !read_word(r, element, &type, types, 2, "number or count", &which)) {
        return false;
    }
    column->is_count = which == 1;
    const json_t *array = tare__json_array_of(r, element, &values);
    if (array == NULL) {
        return false;
    }
    return column->is_count ? read_counts(r, array, &values, count, &column->counts)
                            : read_numbers(r, array, &values, count, &column->numbers);
}

static bool read_size(struct json_reader *r, const json_t *object, const struct json_place *place, size_t max,
                      size_t *to)
{
    const json_t *value = tare__json_member_of(r, object, place->key, place, true);
    uint64_t number;
    if (value == NULL || !tare__json_read_integer(r, value, place, max, &number)) {
        return false;
    }
    *to = (size_t)number;
    return true;
}

static bool read_series(struct json_reader *r, const json_t *object, const struct json_place *place,
                        size_t samples, struct tare_capture_series *series)
{
    struct json_place here = {.up = place, .key = "series"}, first = {.up = &here, .key = "first"},
                      count = {.up = &here, .key = "count"}, columns = {.up = &here, .key = "columns"};
    const json_t *value = tare__json_object_of(r, object, &here);
    if (value == NULL || !read_size(r, value, &first, samples, &series->first) ||
        !read_size(r, value, &count, samples - series->first, &series->count)) {
        return false;
    }
    const json_t *array = tare__json_array_of(r, value, &columns);
    if (array == NULL) {
        return false;
    }
    if (json_array_size(array) > COLUMNS_MAX) {
        return tare__json_unfit(r, &columns, "a list of so many columns as a series can have");
    }
    series->columns = room_for(r, json_array_size(array), sizeof(*series->columns));
    for (size_t i = 0; series->columns != NULL && i < json_array_size(array); i++) {
        struct json_place at = {.up = &columns, .index = i};
        const json_t *element = element_of(r, array, &at);
        if (element == NULL) {
            return false;
        }
        if (!read_column(r, element, &at, series->count, &series->columns[series->column_count++])) {
            return false;
        }
    }
    return r->error == 0;
}

static bool read_names(struct json_reader *r, const json_t *object, const struct json_place *place,
                       struct tare_capture_instrument *instrument)
{
    struct json_place here = {.up = place, .key = "names"};
    const json_t *array = tare__json_array_of(r, object, &here);
    size_t count = json_array_size(array);
    if (array == NULL || count == 0) {
        return array != NULL;
    }
    if (count > NAMES_MAX) {
        return tare__json_unfit(r, &here, "a list of so many names as an instrument can have");
    }
    instrument->names = room_for(r, count + 1, sizeof(char *));
    for (size_t i = 0; i < count && instrument->names != NULL; i++) {
        struct json_place at = {.up = &here, .index = i};
        if (!tare__json_read_string(r, json_array_get(array, i), &at, &instrument->names[i])) {
            return false;
        }
    }
    return r->error == 0;
}

static bool read_frame(struct json_reader *r, const json_t *element, const struct json_place *place,
                       size_t parts, struct tare_frame_figures *frame)
{
    struct json_place parts_place = {.up = place, .key = "parts_ns"};
    for (int part = 0; part < TARE_FRAME_PARTS_MAX; part++) {
        frame->part_ns[part] = NAN;
    }
    frame->start_ns = frame->ns = NAN;
    if (!tare__json_read_fields(r, element, &frame_fields, place, frame)) {
        return false;
    }
    if (isnan(frame->start_ns) || isnan(frame->ns)) {
        return tare__json_unfit(r, place, "a frame with 'start_ns' and 'ns'");
    }
    const json_t *array = tare__json_array_of(r, element, &parts_place);
    if (array == NULL) {
        return false;
    }
    if (json_array_size(array) != (parts < TARE_FRAME_PARTS_MAX ? parts : TARE_FRAME_PARTS_MAX)) {
        return tare__json_unfit(r, &parts_place, "an array with a time for each part");
    }
    for (size_t i = 0; i < json_array_size(array); i++) {
        struct json_place at = {.up = &parts_place, .index = i};
        const json_t *value = json_array_get(array, i);
        if (!json_is_null(value) && !tare__json_read_number(r, value, &at, false, &frame->part_ns[i])) {
            return false;
        }
    }
    return true;
}

static bool read_frames(struct json_reader *r, const json_t *object, const struct json_place *place,
                        struct tare_capture_instrument *instrument)
{
    struct json_place here = {.up = place, .key = "frames"};
    const json_t *array = tare__json_array_of(r, object, &here);
    size_t parts = names_of(instrument->names);
    if (array == NULL) {
        return false;
    }
    instrument->frames = room_for(r, json_array_size(array), sizeof(*instrument->frames));
    for (size_t i = 0; instrument->frames != NULL && i < json_array_size(array); i++) {
        struct json_place at = {.up = &here, .index = i};
        const json_t *element = element_of(r, array, &at);
        struct tare_frame_figures *frame = &instrument->frames[instrument->frame_count];
        if (element == NULL || !read_frame(r, element, &at, parts, frame)) {
            return false;
        }
        if (i > 0 && frame->number < frame[-1].number) {
            return tare__json_unfit(r, &at, "a frame behind those with smaller numbers");
        }
        instrument->frame_count++;
    }
    return r->error == 0;
}

/* What is only told of several states. */
static bool read_several(struct json_reader *r, const json_t *element, const struct json_place *place,
                         size_t states, struct tare_capture_several *several)
{
    struct json_place changes = {.up = place, .key = "changes"}, threads = {.up = place, .key = "threads"},
                      times = {.up = place, .key = "states_ns"};
    const json_t *value = tare__json_member_of(r, element, changes.key, &changes, true);
    if (value == NULL || !tare__json_read_integer(r, value, &changes, INT64_MAX, &several->changes)) {
        return false;
    }
    value = tare__json_member_of(r, element, threads.key, &threads, true);
    if (value == NULL || !tare__json_read_integer(r, value, &threads, INT64_MAX, &several->threads)) {
        return false;
    }
    const json_t *array = tare__json_array_of(r, element, &times);
    if (array == NULL) {
        return false;
    }
    if (json_array_size(array) != (states < TARE_STATES_MAX ? states : TARE_STATES_MAX)) {
        return tare__json_unfit(r, &times, "an array with a time for each state");
    }
    for (size_t i = 0; i < json_array_size(array); i++) {
        struct json_place at = {.up = &times, .index = i};
        if (!tare__json_read_number(r, json_array_get(array, i), &at, false, &several->ns[i])) {
            return false;
        }
    }
    return true;
}

static bool read_stay(struct json_reader *r, const json_t *element, const struct json_place *place,
                      size_t threads, size_t states, struct tare_capture_instrument *instrument)
{
    struct json_place here = {.up = place, .key = "state"};
    uint64_t state;
    struct tare_capture_stay *stay = &instrument->stays[instrument->stay_count];
    stay->begin_ns = stay->end_ns = NAN;
    if (!tare__json_read_fields(r, element, &stay_fields, place, stay)) {
        return false;
    }
    if (stay->thread >= threads || !(stay->begin_ns <= stay->end_ns)) {
        return tare__json_unfit(r, place, "a stay of a thread that there is, which ends after its begin");
    }
    const json_t *value = tare__json_member_of(r, element, here.key, &here, true);
    if (value == NULL) {
        return false;
    }
    stay->state = -1;
    if (json_is_null(value)) {
        struct tare_capture_several *grown =
            tare__result_grow(instrument->several, instrument->several_count, sizeof(*grown));
        if (grown == NULL) {
            return tare__json_out_of_memory(r);
        }
        instrument->several = grown;
        grown[instrument->several_count] = (struct tare_capture_several){0};
        stay->several = (uint32_t)instrument->several_count++;
        return read_several(r, element, place, states, &grown[stay->several]);
    }
    if (!tare__json_read_integer(r, value, &here, INT32_MAX, &state)) {
        return false;
    }
    if (state >= states || state >= TARE_STATES_MAX) {
        return tare__json_unfit(r, &here, "the number of a state, or null");
    }
    stay->state = (int)state;
    return true;
}

/* Captures of before have none. */
static bool read_stays(struct json_reader *r, const json_t *object, const struct json_place *place,
                       size_t threads, struct tare_capture_instrument *instrument)
{
    struct json_place here = {.up = place, .key = "stays"};
    if (json_object_get(object, here.key) == NULL) {
        return true;
    }
    const json_t *array = tare__json_array_of(r, object, &here);
    if (array == NULL) {
        return false;
    }
    size_t states = names_of(instrument->names);
    instrument->stays = room_for(r, json_array_size(array), sizeof(*instrument->stays));
    for (size_t i = 0; instrument->stays != NULL && i < json_array_size(array); i++) {
        struct json_place at = {.up = &here, .index = i};
        const json_t *element = element_of(r, array, &at);
        if (element == NULL || !read_stay(r, element, &at, threads, states, instrument)) {
            return false;
        }
        instrument->stay_count++;
    }
    return r->error == 0;
}

static bool read_key(struct json_reader *r, const json_t *element, const struct json_place *place,
                     uint64_t *key)
{
    struct json_place here = {.up = place, .key = "key"};
    const json_t *value = tare__json_member_of(r, element, here.key, &here, true);
    const char *text = json_string_value(value);
    if (value == NULL) {
        return false;
    }
    if (text == NULL || strncmp(text, "0x", 2) != 0 || strlen(text) < 3 || strlen(text) > 18 ||
        text[2 + strspn(text + 2, "0123456789abcdef")] != '\0') {
        return tare__json_unfit(r, &here, "a key in hexadecimal digits");
    }
    *key = strtoull(text, NULL, 16);
    return true;
}

static bool read_keys(struct json_reader *r, const json_t *object, const struct json_place *place,
                      struct tare_capture_instrument *instrument)
{
    struct json_place here = {.up = place, .key = "keys"};
    const json_t *array = tare__json_array_of(r, object, &here);
    if (array == NULL) {
        return false;
    }
    instrument->keys = room_for(r, json_array_size(array), sizeof(*instrument->keys));
    for (size_t i = 0; instrument->keys != NULL && i < json_array_size(array); i++) {
        struct json_place at = {.up = &here, .index = i};
        const json_t *element = element_of(r, array, &at);
        struct tare_key_figures *key = &instrument->keys[instrument->key_count++];
        key->share = NAN;
        key->weight = key->error = key->hits = TARE_COUNT_UNKNOWN;
        if (element == NULL || !tare__json_read_fields(r, element, &key_fields, &at, key) ||
            !read_key(r, element, &at, &key->key)) {
            return false;
        }
    }
    return r->error == 0;
}

static bool read_instruments(struct json_reader *r, const json_t *object, const struct json_place *place,
                             size_t samples, struct tare_capture_process *process)
{
    struct json_place here = {.up = place, .key = "instruments"};
    const json_t *array = tare__json_array_of(r, object, &here);
    if (array == NULL) {
        return false;
    }
    process->instruments = room_for(r, json_array_size(array), sizeof(*process->instruments));
    for (size_t i = 0; process->instruments != NULL && i < json_array_size(array); i++) {
        struct json_place at = {.up = &here, .index = i}, kind_place = {.up = &at, .key = "kind"};
        const json_t *element = element_of(r, array, &at);
        struct tare_capture_instrument *instrument = &process->instruments[process->instrument_count++];
        size_t kind = 0;
        instrument->slow_over_ns = NAN;
        instrument->frames_missed = TARE_COUNT_UNKNOWN;
        if (element == NULL || !read_word(r, element, &kind_place, kinds, KINDS,
                                          "timer, counter, gauge, histogram, state, topk or frames", &kind)) {
            return false;
        }
        instrument->kind = (enum tare_kind)kind;
        if (!tare__json_read_fields(r, element, &instrument_fields, &at, instrument) ||
            !read_names(r, element, &at, instrument) ||
            !read_series(r, element, &at, samples, &instrument->series) ||
            !read_frames(r, element, &at, instrument) || !read_keys(r, element, &at, instrument) ||
            !read_stays(r, element, &at, process->thread_count, instrument)) {
            return false;
        }
    }
    return r->error == 0;
}

static bool read_threads(struct json_reader *r, const json_t *object, const struct json_place *place,
                         struct tare_capture_process *process)
{
    struct json_place here = {.up = place, .key = "threads"};
    const json_t *array = tare__json_array_of(r, object, &here);
    if (array == NULL) {
        return false;
    }
    process->threads = room_for(r, json_array_size(array), sizeof(*process->threads));
    for (size_t i = 0; process->threads != NULL && i < json_array_size(array); i++) {
        struct json_place at = {.up = &here, .index = i};
        const json_t *element = element_of(r, array, &at);
        if (element == NULL || !tare__json_read_fields(r, element, &thread_fields, &at,
                                                       &process->threads[process->thread_count++])) {
            return false;
        }
    }
    return r->error == 0;
}

static bool read_derived(struct json_reader *r, const json_t *object, const struct json_place *place,
                         size_t samples, struct tare_capture_process *process)
{
    struct json_place here = {.up = place, .key = "derived"};
    const json_t *array = tare__json_array_of(r, object, &here);
    if (array == NULL) {
        return false;
    }
    process->derived = room_for(r, json_array_size(array), sizeof(*process->derived));
    for (size_t i = 0; process->derived != NULL && i < json_array_size(array); i++) {
        struct json_place at = {.up = &here, .index = i};
        const json_t *element = element_of(r, array, &at);
        struct tare_capture_derived *derived = &process->derived[process->derived_count++];
        if (element == NULL || !tare__json_read_fields(r, element, &derived_fields, &at, derived) ||
            !read_series(r, element, &at, samples, &derived->series)) {
            return false;
        }
    }
    return r->error == 0;
}

static bool read_processes(struct json_reader *r, const json_t *object, const struct json_place *place,
                           struct tare_capture *capture)
{
    struct json_place here = {.up = place, .key = "processes"};
    const json_t *array = tare__json_array_of(r, object, &here);
    if (array == NULL) {
        return false;
    }
    capture->processes = room_for(r, json_array_size(array), sizeof(*capture->processes));
    for (size_t i = 0; capture->processes != NULL && i < json_array_size(array); i++) {
        struct json_place at = {.up = &here, .index = i}, lost_place = {.up = &at, .key = "lost"};
        const json_t *element = element_of(r, array, &at);
        struct tare_capture_process *process = &capture->processes[capture->process_count++];
        process->origin_ns = NAN;
        process->threads_left_out = TARE_COUNT_UNKNOWN;
        process->lost_instruments = process->lost_threads = process->lost_scopes = TARE_COUNT_UNKNOWN;
        process->dropped_scopes = process->lost_extras = TARE_COUNT_UNKNOWN;
        const json_t *lost = element != NULL ? tare__json_object_of(r, element, &lost_place) : NULL;
        if (lost == NULL || !tare__json_read_fields(r, lost, &captured_lost_fields, &lost_place, process) ||
            !tare__json_read_fields(r, element, &captured_process_fields, &at, process) ||
            !read_threads(r, element, &at, process) ||
            !read_series(r, element, &at, capture->sample_count, &process->series) ||
            !read_instruments(r, element, &at, capture->sample_count, process) ||
            !read_derived(r, element, &at, capture->sample_count, process)) {
            return false;
        }
    }
    return r->error == 0;
}

static bool read_times(struct json_reader *r, const json_t *object, const struct json_place *place,
                       struct tare_capture *capture)
{
    struct json_place at = {.up = place, .key = "at_ns"}, window = {.up = place, .key = "window_ns"};
    const json_t *times = tare__json_array_of(r, object, &at);
    if (times == NULL || !read_numbers(r, times, &at, json_array_size(times), &capture->at_ns)) {
        return false;
    }
    for (size_t i = 0; i < json_array_size(times); i++) {
        struct json_place here = {.up = &at, .index = i};
        if (!(capture->at_ns[i] >= (i > 0 ? capture->at_ns[i - 1] : 0))) {
            return tare__json_unfit(r, &here, "a time that is not before the one in front of it");
        }
    }
    const json_t *windows = tare__json_array_of(r, object, &window);
    if (windows == NULL || !read_numbers(r, windows, &window, json_array_size(times), &capture->window_ns)) {
        return false;
    }
    capture->sample_count = json_array_size(times);
    return true;
}

bool tare__json_read_capture(struct json_reader *r, const json_t *root, struct tare_capture **to)
{
    struct json_place here = {.key = "capture"};
    const json_t *object = json_object_get(root, here.key);
    if (object == NULL || json_is_null(object)) {
        return true;
    }
    if (!json_is_object(object)) {
        return tare__json_unfit(r, &here, "an object");
    }
    struct tare_capture *capture = calloc(1, sizeof(*capture));
    if (capture == NULL) {
        return tare__json_out_of_memory(r);
    }
    *to = capture;
    capture->started_unix_ns = capture->interval_ns = NAN;
    return tare__json_read_fields(r, object, &capture_fields, &here, capture) &&
           read_times(r, object, &here, capture) && read_processes(r, object, &here, capture);
}
