/* SPDX-License-Identifier: MIT */
/*
 * The member "instruments" of a result, both ways: counters, gauges, histograms, states, top-k and frames, with
 * their total figures, under the names that they have in a live snapshot (docs/live.schema.json).
 *
 * Counts above 2^63 - 1 are unknown, and null (tare_count_of()). Documents of before that have larger ones, as
 * numbers with a point: these are unknown, too.
 */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "result/json_parts.h"
#include "result/telemetry.h"

enum {
    INSTRUMENTS_MAX = 1 << 20,
    LIST_MAX = 1 << 20, /* frames, keys */
};

enum item_type { COUNT, NUMBER };

/* A member that is a number, `scale` times what stands in the model. */
struct item {
    const char *name;
    enum item_type type;
    size_t offset;
    double scale;
};
struct item_table {
    const struct item *items;
    size_t count;
};
#define TABLE(array)                                                                                           \
    {                                                                                                          \
        (array), sizeof(array) / sizeof(array)[0]                                                              \
    }
#define IN(member) offsetof(STRUCT, member)

#define STRUCT struct tare_distribution
static const struct item distribution_array[] = {
    {"count", COUNT, IN(count), 1}, {"sum", NUMBER, IN(sum), 1},   {"avg", NUMBER, IN(mean), 1},
    {"min", NUMBER, IN(min), 1},    {"max", NUMBER, IN(max), 1},   {"p05", NUMBER, IN(p05), 1},
    {"p50", NUMBER, IN(p50), 1},    {"p90", NUMBER, IN(p90), 1},   {"p95", NUMBER, IN(p95), 1},
    {"p99", NUMBER, IN(p99), 1},    {"p999", NUMBER, IN(p999), 1}, {"scale", NUMBER, IN(scale), 1},
};
#undef STRUCT
static const struct item_table distribution_items = TABLE(distribution_array);

#define STRUCT struct tare_readings
static const struct item counter_array[] = {{"total", COUNT, IN(total), 1}};
static const struct item gauge_array[] = {{"value", NUMBER, IN(value), 1}, {"peak", NUMBER, IN(peak), 1}};
static const struct item state_array[] = {{"changes", COUNT, IN(changes), 1}};
static const struct item topk_array[] = {
    {"weight", COUNT, IN(total), 1},
    {"hits", COUNT, IN(hits), 1},
    {"least_weight", COUNT, IN(least_weight), 1},
};
static const struct item frames_array[] = {
    {"frames", COUNT, IN(total), 1},
    {"dropped", COUNT, IN(frames_dropped), 1},
    {"slow", COUNT, IN(frames_slow), 1},
    {"avg_fps", NUMBER, IN(frames.avg_fps), 1},
    {"median_fps", NUMBER, IN(frames.median_fps), 1},
    {"low_1_fps", NUMBER, IN(frames.low_1_fps), 1},
    {"low_01_fps", NUMBER, IN(frames.low_01_fps), 1},
    {"avg_ns", NUMBER, IN(frames.mean_ms), 1e6},
    {"min_ns", NUMBER, IN(frames.min_ms), 1e6},
    {"max_ns", NUMBER, IN(frames.max_ms), 1e6},
    {"p50_ns", NUMBER, IN(frames.p50_ms), 1e6},
    {"p95_ns", NUMBER, IN(frames.p95_ms), 1e6},
    {"p99_ns", NUMBER, IN(frames.p99_ms), 1e6},
    {"p999_ns", NUMBER, IN(frames.p999_ms), 1e6},
    {"variance_ns2", NUMBER, IN(frames.variance_ms2), 1e12},
    {"sd_ns", NUMBER, IN(frames.sd_ms), 1e6},
    {"cov", NUMBER, IN(frames.cov), 1},
};
#undef STRUCT
static const struct item_table counter_items = TABLE(counter_array), gauge_items = TABLE(gauge_array),
                               state_items = TABLE(state_array), topk_items = TABLE(topk_array),
                               frames_items = TABLE(frames_array), no_items = {NULL, 0};

#define STRUCT struct tare_state_figures
static const struct item one_state_array[] = {
    {"threads", COUNT, IN(threads), 1}, {"time_ns", NUMBER, IN(ns), 1}, {"share", NUMBER, IN(share), 1}};
#undef STRUCT
#define STRUCT struct tare_key_figures
static const struct item key_array[] = {{"weight", COUNT, IN(weight), 1},
                                        {"error", COUNT, IN(error), 1},
                                        {"hits", COUNT, IN(hits), 1},
                                        {"share", NUMBER, IN(share), 1}};
#undef STRUCT
#define STRUCT struct tare_frame_figures
static const struct item frame_array[] = {
    {"number", COUNT, IN(number), 1}, {"start_ns", NUMBER, IN(start_ns), 1}, {"time_ns", NUMBER, IN(ns), 1}};
#undef STRUCT
static const struct item_table one_state_items = TABLE(one_state_array), key_items = TABLE(key_array),
                               frame_items = TABLE(frame_array);

static const struct item_table *items_of(enum tare_kind kind)
{
    switch (kind) {
    case TARE_KIND_COUNTER:
        return &counter_items;
    case TARE_KIND_GAUGE:
        return &gauge_items;
    case TARE_KIND_STATE:
        return &state_items;
    case TARE_KIND_TOPK:
        return &topk_items;
    case TARE_KIND_FRAMES:
        return &frames_items;
    default:
        return &no_items;
    }
}

static bool has_distribution(enum tare_kind kind)
{
    return kind == TARE_KIND_HISTOGRAM || kind == TARE_KIND_FRAMES;
}

/* ---- writing ---- */

static json_t *count_value(uint64_t count)
{
    return tare_count_of(count) != TARE_COUNT_UNKNOWN ? json_integer((json_int_t)count) : json_null();
}

static void put_items(struct json_builder *b, json_t *object, const struct item_table *table, const void *from)
{
    for (size_t i = 0; i < table->count; i++) {
        const struct item *item = &table->items[i];
        const void *member = (const char *)from + item->offset;
        double value = item->type == NUMBER ? *(const double *)member * item->scale : 0;
        tare__json_put(b, object, item->name,
                       item->type == COUNT ? count_value(*(const uint64_t *)member)
                       : isfinite(value)   ? json_real(value)
                                           : json_null());
    }
}

static json_t *distribution_value(struct json_builder *b, const struct tare_distribution *distribution)
{
    json_t *object = json_object(), *histogram = json_array();
    put_items(b, object, &distribution_items, distribution);
    for (size_t i = 0; i < distribution->bucket_count; i++) {
        const struct tare_result_bucket *bucket = &distribution->buckets[i];
        json_t *triple = json_array();
        tare__json_append(b, triple, count_value(bucket->low_ticks));
        tare__json_append(b, triple, count_value(bucket->width_ticks));
        /* More than that only damage could make. */
        tare__json_append(b, triple, count_value(bucket->count <= INT64_MAX ? bucket->count : INT64_MAX));
        tare__json_append(b, histogram, triple);
    }
    tare__json_put(b, object, "histogram", histogram);
    return object;
}

static void put_states(struct json_builder *b, json_t *object, const struct tare_readings *total)
{
    json_t *array = json_array();
    for (size_t i = 0; i < total->state_count; i++) {
        json_t *state = json_object();
        tare__json_put(b, state, "name", tare__json_string(total->states[i].name));
        put_items(b, state, &one_state_items, &total->states[i]);
        tare__json_append(b, array, state);
    }
    tare__json_put(b, object, "states", array);
}

static void put_keys(struct json_builder *b, json_t *object, const struct tare_readings *total)
{
    json_t *array = json_array();
    for (size_t i = 0; i < total->key_count; i++) {
        char text[24];
        json_t *key = json_object();
        snprintf(text, sizeof(text), "0x%" PRIx64, total->keys[i].key);
        tare__json_put(b, key, "key", json_string(text));
        put_items(b, key, &key_items, &total->keys[i]);
        tare__json_append(b, array, key);
    }
    tare__json_put(b, object, "keys", array);
}

static size_t part_count(const struct tare_instrument_figures *instrument)
{
    size_t count = 0;
    while (count < TARE_FRAME_PARTS_MAX && instrument->names != NULL && instrument->names[count] != NULL) {
        count++;
    }
    return count;
}

static json_t *number_or_null(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

static json_t *numbers_value(struct json_builder *b, const double *numbers, size_t count)
{
    json_t *array = json_array();
    for (size_t i = 0; i < count; i++) {
        tare__json_append(b, array, number_or_null(numbers[i]));
    }
    return array;
}

static json_t *frame_list_value(struct json_builder *b, const struct tare_frame_figures *list, size_t count,
                                size_t parts)
{
    json_t *array = json_array();
    for (size_t i = 0; i < count; i++) {
        json_t *frame = json_object();
        put_items(b, frame, &frame_items, &list[i]);
        tare__json_put(b, frame, "slow", json_boolean(list[i].slow));
        tare__json_put(b, frame, "part_ns", numbers_value(b, list[i].part_ns, parts));
        tare__json_append(b, array, frame);
    }
    return array;
}

static json_t *instrument_value(struct json_builder *b, const struct tare_instrument_figures *instrument)
{
    json_t *object = json_object(), *total = json_object();
    size_t parts = part_count(instrument);
    tare__json_put(b, object, "kind", tare__json_string(tare_kind_name(instrument->kind)));
    tare__json_put(b, object, "module", tare__json_string(instrument->module));
    tare__json_put(b, object, "name", tare__json_string(instrument->name));
    tare__json_put(b, object, "unit", tare__json_string(instrument->unit));
    tare__json_put(b, object, "labels", tare__json_string(instrument->labels));
    tare__json_put(b, object, "help", tare__json_string(instrument->help));
    tare__json_put(b, object, "file", tare__json_string(instrument->file));
    tare__json_put(b, object, "line",
                   instrument->line != 0 ? json_integer((json_int_t)instrument->line) : json_null());
    put_items(b, total, items_of(instrument->kind), &instrument->total);
    if (has_distribution(instrument->kind)) {
        tare__json_put(b, total, "distribution", distribution_value(b, &instrument->total.distribution));
    }
    if (instrument->kind == TARE_KIND_STATE) {
        put_states(b, total, &instrument->total);
    }
    if (instrument->kind == TARE_KIND_TOPK) {
        put_keys(b, total, &instrument->total);
    }
    if (instrument->kind == TARE_KIND_FRAMES) {
        tare__json_put(b, total, "recent_frames", count_value(instrument->total.frames.frames));
        tare__json_put(b, total, "part_avg_ns", numbers_value(b, instrument->total.frame_part_mean_ns, parts));
    }
    tare__json_put(b, object, "total", total);
    if (instrument->kind == TARE_KIND_TOPK || instrument->kind == TARE_KIND_FRAMES) {
        tare__json_put(b, object, "size", json_integer((json_int_t)instrument->size));
    }
    if (instrument->kind == TARE_KIND_FRAMES) {
        json_t *names = json_array();
        for (size_t i = 0; i < parts; i++) {
            tare__json_append(b, names, tare__json_string(instrument->names[i]));
        }
        tare__json_put(b, object, "parts", names);
        tare__json_put(b, object, "slow_over_ns", number_or_null(instrument->slow_over_ns));
        tare__json_put(b, object, "last", frame_list_value(b, instrument->last, instrument->last_count, parts));
        tare__json_put(b, object, "slow", frame_list_value(b, instrument->slow, instrument->slow_count, parts));
    }
    return object;
}

json_t *tare__json_instruments(struct json_builder *b, const struct tare_instrument_figures *instruments,
                               size_t count)
{
    json_t *array = json_array();
    for (size_t i = 0; i < count; i++) {
        tare__json_append(b, array, instrument_value(b, &instruments[i]));
    }
    return array;
}

/* ---- reading ---- */

static bool read_count(struct json_reader *r, const json_t *value, const struct json_place *place, uint64_t *to)
{
    if (json_is_real(value) && json_real_value(value) >= 0 && json_real_value(value) < 0x1p64) {
        *to = tare_count_of((uint64_t)json_real_value(value));
        return true;
    }
    return tare__json_read_integer(r, value, place, INT64_MAX, to);
}

static bool read_items(struct json_reader *r, const json_t *object, const struct item_table *table,
                       const struct json_place *place, void *to)
{
    for (size_t i = 0; i < table->count; i++) {
        const struct item *item = &table->items[i];
        struct json_place here = {.up = place, .key = item->name};
        const json_t *value = json_object_get(object, item->name);
        void *member = (char *)to + item->offset;
        if (item->type == COUNT) {
            if (value == NULL || json_is_null(value)) {
                *(uint64_t *)member = TARE_COUNT_UNKNOWN;
            } else if (!read_count(r, value, &here, member)) {
                return false;
            }
            continue;
        }
        *(double *)member = NAN;
        if (value != NULL && !json_is_null(value)) {
            if (!tare__json_read_number(r, value, &here, true, member)) {
                return false;
            }
            *(double *)member /= item->scale;
        }
    }
    return true;
}

/* The array at `here`, of `most` elements at most, and zeroed room for as many; a missing one is empty. */
static bool read_array(struct json_reader *r, const json_t *object, const struct json_place *here, size_t most,
                       size_t size, const json_t **array, void **to)
{
    *array = json_object_get(object, here->key);
    size_t count = json_array_size(*array);
    if ((*array != NULL && !json_is_array(*array)) || count > most) {
        return tare__json_unfit(r, here, "an array of a size that is possible");
    }
    *to = count != 0 ? calloc(count, size) : NULL;
    return count == 0 || *to != NULL ? true : tare__json_out_of_memory(r);
}

static bool read_text(struct json_reader *r, const json_t *object, const char *name,
                      const struct json_place *place, bool needed, char **to)
{
    struct json_place here = {.up = place, .key = name};
    const json_t *value = tare__json_member_of(r, object, name, &here, needed);
    if (value == NULL || (!needed && json_is_null(value))) {
        return r->error == 0;
    }
    return tare__json_read_string(r, value, &here, to);
}

static bool read_histogram(struct json_reader *r, const json_t *object, const struct json_place *place,
                           struct tare_distribution *to)
{
    struct json_place here = {.up = place, .key = "histogram"};
    const json_t *array;
    void *buckets;
    uint64_t end = 0;
    if (!read_array(r, object, &here, TARE_BUCKET_COUNT, sizeof(*to->buckets), &array, &buckets)) {
        return false;
    }
    to->buckets = buckets;
    for (size_t i = 0; i < json_array_size(array); i++) {
        struct json_place at = {.up = &here, .index = i};
        const json_t *triple = json_array_get(array, i);
        struct tare_result_bucket *bucket = &to->buckets[i];
        if (json_array_size(triple) != 3) {
            return tare__json_unfit(r, &at, "three numbers");
        }
        if (!read_count(r, json_array_get(triple, 0), &at, &bucket->low_ticks) ||
            !read_count(r, json_array_get(triple, 1), &at, &bucket->width_ticks) ||
            !read_count(r, json_array_get(triple, 2), &at, &bucket->count)) {
            return false;
        }
        if (bucket->low_ticks < end || bucket->width_ticks == 0 || bucket->count == 0 ||
            __builtin_add_overflow(bucket->low_ticks, bucket->width_ticks, &end)) {
            return tare__json_unfit(r, &at, "a bucket behind the one before");
        }
        to->bucket_count = i + 1;
    }
    return true;
}

static bool read_distribution(struct json_reader *r, const json_t *total, const struct json_place *place,
                              struct tare_distribution *to)
{
    struct json_place here = {.up = place, .key = "distribution"};
    const json_t *object = tare__json_object_of(r, total, &here);
    if (object == NULL || !read_items(r, object, &distribution_items, &here, to)) {
        return false;
    }
    return read_histogram(r, object, &here, to);
}

static bool read_states(struct json_reader *r, const json_t *total, const struct json_place *place,
                        struct tare_readings *to)
{
    struct json_place here = {.up = place, .key = "states"};
    const json_t *array;
    void *states;
    if (!read_array(r, total, &here, TARE_STATES_MAX, sizeof(*to->states), &array, &states)) {
        return false;
    }
    to->states = states;
    for (size_t i = 0; i < json_array_size(array); i++) {
        struct json_place at = {.up = &here, .index = i};
        to->state_count = i + 1;
        if (!read_text(r, json_array_get(array, i), "name", &at, true, &to->states[i].name) ||
            !read_items(r, json_array_get(array, i), &one_state_items, &at, &to->states[i])) {
            return false;
        }
    }
    return true;
}

static bool read_keys(struct json_reader *r, const json_t *total, const struct json_place *place,
                      struct tare_readings *to)
{
    struct json_place here = {.up = place, .key = "keys"};
    const json_t *array;
    void *keys;
    if (!read_array(r, total, &here, LIST_MAX, sizeof(*to->keys), &array, &keys)) {
        return false;
    }
    to->keys = keys;
    to->key_count = json_array_size(array);
    for (size_t i = 0; i < to->key_count; i++) {
        struct json_place at = {.up = &here, .index = i}, key_place = {.up = &at, .key = "key"};
        const json_t *object = json_array_get(array, i);
        const char *text = json_string_value(json_object_get(object, "key"));
        char *end = NULL;
        errno = 0;
        if (text != NULL && strncmp(text, "0x", 2) == 0 && text[2] != '-' && text[2] != '+') {
            to->keys[i].key = strtoull(text + 2, &end, 16);
        }
        if (end == NULL || end == text + 2 || *end != '\0' || errno != 0) {
            return tare__json_unfit(r, &key_place, "a key, 0x and hexadecimal digits");
        }
        if (!read_items(r, object, &key_items, &at, &to->keys[i])) {
            return false;
        }
    }
    return true;
}

static bool read_numbers(struct json_reader *r, const json_t *object, const char *name,
                         const struct json_place *place, double *to)
{
    struct json_place here = {.up = place, .key = name};
    const json_t *array = json_object_get(object, name);
    for (size_t i = 0; i < TARE_FRAME_PARTS_MAX; i++) {
        struct json_place at = {.up = &here, .index = i};
        const json_t *value = json_array_get(array, i);
        to[i] = NAN;
        if (value != NULL && !json_is_null(value) && !tare__json_read_number(r, value, &at, false, &to[i])) {
            return false;
        }
    }
    return true;
}

static bool read_frame_list(struct json_reader *r, const json_t *object, const char *name,
                            const struct json_place *place, struct tare_frame_figures **to, size_t *count)
{
    struct json_place here = {.up = place, .key = name};
    const json_t *array;
    void *list;
    if (!read_array(r, object, &here, LIST_MAX, sizeof(**to), &array, &list)) {
        return false;
    }
    *to = list;
    *count = json_array_size(array);
    for (size_t i = 0; i < *count; i++) {
        struct json_place at = {.up = &here, .index = i};
        const json_t *frame = json_array_get(array, i);
        (*to)[i].slow = json_is_true(json_object_get(frame, "slow"));
        if (!read_items(r, frame, &frame_items, &at, &(*to)[i]) ||
            !read_numbers(r, frame, "part_ns", &at, (*to)[i].part_ns)) {
            return false;
        }
    }
    return true;
}

static bool read_parts(struct json_reader *r, const json_t *object, const struct json_place *place,
                       struct tare_instrument_figures *to)
{
    struct json_place here = {.up = place, .key = "parts"};
    const json_t *array = json_object_get(object, "parts");
    size_t count = json_array_size(array);
    if (count > TARE_FRAME_PARTS_MAX) {
        return tare__json_unfit(r, &here, "an array of a size that is possible");
    }
    to->names = calloc(count + 1, sizeof(*to->names));
    if (to->names == NULL) {
        return tare__json_out_of_memory(r);
    }
    for (size_t i = 0; i < count; i++) {
        struct json_place at = {.up = &here, .index = i};
        if (!tare__json_read_string(r, json_array_get(array, i), &at, &to->names[i])) {
            return false;
        }
    }
    return true;
}

static bool read_frames(struct json_reader *r, const json_t *object, const json_t *total,
                        const struct json_place *place, struct tare_instrument_figures *to)
{
    struct json_place total_place = {.up = place, .key = "total"};
    struct json_place over = {.up = place, .key = "slow_over_ns"};
    struct json_place recent = {.up = &total_place, .key = "recent_frames"};
    const json_t *value = json_object_get(object, "slow_over_ns"),
                 *frames = json_object_get(total, "recent_frames");
    uint64_t count = 0;
    if ((value != NULL && !json_is_null(value) &&
         !tare__json_read_number(r, value, &over, false, &to->slow_over_ns)) ||
        (frames != NULL && !json_is_null(frames) &&
         !tare__json_read_integer(r, frames, &recent, LIST_MAX, &count))) {
        return false;
    }
    to->total.frames.frames = (size_t)count;
    return read_parts(r, object, place, to) &&
           read_numbers(r, total, "part_avg_ns", &total_place, to->total.frame_part_mean_ns) &&
           read_frame_list(r, object, "last", place, &to->last, &to->last_count) &&
           read_frame_list(r, object, "slow", place, &to->slow, &to->slow_count);
}

static bool read_kind(struct json_reader *r, const json_t *object, const struct json_place *place,
                      enum tare_kind *to)
{
    struct json_place here = {.up = place, .key = "kind"};
    const char *text = json_string_value(json_object_get(object, "kind"));
    for (int kind = TARE_KIND_COUNTER; text != NULL && kind <= TARE_KIND_FRAMES; kind++) {
        if (strcmp(text, tare_kind_name((enum tare_kind)kind)) == 0) {
            *to = (enum tare_kind)kind;
            return true;
        }
    }
    return tare__json_unfit(r, &here, "counter, gauge, histogram, state, topk or frames");
}

static bool read_total(struct json_reader *r, const json_t *object, const struct json_place *place,
                       struct tare_instrument_figures *to)
{
    struct json_place here = {.up = place, .key = "total"}, size_place = {.up = place, .key = "size"};
    const json_t *total = tare__json_object_of(r, object, &here), *size = json_object_get(object, "size");
    uint64_t number = 0;
    if (total == NULL || !read_items(r, total, items_of(to->kind), &here, &to->total) ||
        (size != NULL && !tare__json_read_integer(r, size, &size_place, UINT32_MAX, &number))) {
        return false;
    }
    to->size = (uint32_t)number;
    to->total.known = to->kind != TARE_KIND_COUNTER || to->total.total != TARE_COUNT_UNKNOWN;
    return (!has_distribution(to->kind) || read_distribution(r, total, &here, &to->total.distribution)) &&
           (to->kind != TARE_KIND_STATE || read_states(r, total, &here, &to->total)) &&
           (to->kind != TARE_KIND_TOPK || read_keys(r, total, &here, &to->total)) &&
           (to->kind != TARE_KIND_FRAMES || read_frames(r, object, total, place, to));
}

static bool read_instrument(struct json_reader *r, const json_t *object, const struct json_place *place,
                            struct tare_instrument_figures *to)
{
    struct json_place line_place = {.up = place, .key = "line"};
    const json_t *line = json_object_get(object, "line");
    uint64_t number = 0;
    *to = (struct tare_instrument_figures){.enabled = true, .loaded = true, .slow_over_ns = NAN};
    tare_readings_init(&to->total);
    tare_readings_init(&to->rolling);
    if (!json_is_object(object)) {
        return tare__json_unfit(r, place, "an object");
    }
    if (!read_kind(r, object, place, &to->kind) || !read_text(r, object, "module", place, true, &to->module) ||
        !read_text(r, object, "name", place, true, &to->name) ||
        !read_text(r, object, "unit", place, false, &to->unit) ||
        !read_text(r, object, "labels", place, false, &to->labels) ||
        !read_text(r, object, "help", place, false, &to->help) ||
        !read_text(r, object, "file", place, false, &to->file) ||
        (line != NULL && !json_is_null(line) &&
         !tare__json_read_integer(r, line, &line_place, UINT32_MAX, &number))) {
        return false;
    }
    to->line = (uint32_t)number;
    return read_total(r, object, place, to);
}

bool tare__json_read_instruments(struct json_reader *r, const json_t *root, struct tare_result *result)
{
    struct json_place here = {.key = "instruments"};
    const json_t *array;
    void *list;
    if (!read_array(r, root, &here, INSTRUMENTS_MAX, sizeof(*result->instruments), &array, &list)) {
        return false;
    }
    result->instruments = list;
    for (size_t i = 0; i < json_array_size(array); i++) {
        struct json_place at = {.up = &here, .index = i};
        result->instrument_count = i + 1;
        if (!read_instrument(r, json_array_get(array, i), &at, &result->instruments[i])) {
            return false;
        }
    }
    return true;
}
