/* SPDX-License-Identifier: MIT */
/* The member "stat" of a result, both ways: what `tare stat` found. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "result/json_parts.h"
#include "result/stat.h"

enum { RUNS_MAX = 1000000 };

#define FIELD(member, type)                                                                                    \
    {                                                                                                          \
#member, type, offsetof(STRUCT, member)                                                                \
    }

#define STRUCT struct tare_result_stat
static const struct field stat_array[] = {
    FIELD(runs, FIELD_COUNT),
    FIELD(pid, FIELD_U32_OR_NULL),
};
#undef STRUCT
static const struct field_table stat_fields = FIELD_TABLE(stat_array);

#define STRUCT struct tare_result_stat_row
static const struct field row_array[] = {
    FIELD(name, FIELD_NAME),      FIELD(source, FIELD_NAME),   FIELD(unit, FIELD_STRING),
    FIELD(value, FIELD_NUMBER),   FIELD(error, FIELD_AMOUNT),  FIELD(running, FIELD_SHARE),
    FIELD(user_only, FIELD_BOOL), FIELD(reason, FIELD_STRING),
};
#undef STRUCT
static const struct field_table row_fields = FIELD_TABLE(row_array);

#define STRUCT struct tare_result_stat_ratio
static const struct field ratio_array[] = {
    FIELD(name, FIELD_NAME),
    FIELD(value, FIELD_AMOUNT),
};
#undef STRUCT
static const struct field_table ratio_fields = FIELD_TABLE(ratio_array);

#define STRUCT struct tare_massif
static const struct field massif_array[] = {
    FIELD(time_unit, FIELD_STRING),   FIELD(snapshots, FIELD_COUNT),   FIELD(peak_time, FIELD_COUNT),
    FIELD(end_time, FIELD_COUNT),     FIELD(heap_bytes, FIELD_COUNT),  FIELD(extra_bytes, FIELD_COUNT),
    FIELD(stacks_bytes, FIELD_COUNT), FIELD(below_bytes, FIELD_COUNT), FIELD(exact, FIELD_BOOL),
};
#undef STRUCT
static const struct field_table massif_fields = FIELD_TABLE(massif_array);

#define STRUCT struct tare_massif_site
static const struct field site_array[] = {
    FIELD(function, FIELD_STRING),
    FIELD(where, FIELD_STRING),
    FIELD(bytes, FIELD_COUNT),
};
#undef STRUCT
static const struct field_table site_fields = FIELD_TABLE(site_array);

/* ---- writing ---- */

static json_t *massif_value(struct json_builder *b, const struct tare_result_stat *stat)
{
    if (stat->massif == NULL) {
        return json_null();
    }
    json_t *object = tare__json_fields(b, &massif_fields, stat->massif), *sites = json_array();
    tare__json_put(b, object, "stacks", json_boolean(stat->massif_stacks));
    for (size_t i = 0; i < stat->massif->site_count; i++) {
        tare__json_append(b, sites, tare__json_fields(b, &site_fields, &stat->massif->sites[i]));
    }
    tare__json_put(b, object, "sites", sites);
    return object;
}

json_t *tare__json_stat(struct json_builder *b, const struct tare_result_stat *stat)
{
    if (stat == NULL) {
        return json_null();
    }
    json_t *object = tare__json_fields(b, &stat_fields, stat), *rows = json_array(), *ratios = json_array();
    for (size_t i = 0; i < stat->row_count; i++) {
        json_t *row = tare__json_fields(b, &row_fields, &stat->rows[i]), *values = json_array();
        for (uint64_t run = 0; run < stat->runs; run++) {
            tare__json_append(b, values, tare__json_number(b, stat->rows[i].values[run], true));
        }
        tare__json_put(b, row, "values", values);
        tare__json_append(b, rows, row);
    }
    tare__json_put(b, object, "rows", rows);
    for (size_t i = 0; i < stat->ratio_count; i++) {
        tare__json_append(b, ratios, tare__json_fields(b, &ratio_fields, &stat->ratios[i]));
    }
    tare__json_put(b, object, "ratios", ratios);
    tare__json_put(b, object, "massif", massif_value(b, stat));
    return object;
}

/* ---- reading ---- */

/* A zeroed array of as many as there are; NULL after a complaint, or where there are none. */
static void *room_for(struct json_reader *r, const json_t *array, size_t size)
{
    size_t count = json_array_size(array);
    void *room = count != 0 ? calloc(count, size) : NULL;
    if (count != 0 && room == NULL) {
        tare__json_out_of_memory(r);
    }
    return room;
}

static bool read_values(struct json_reader *r, const json_t *object, const struct json_place *place,
                        uint64_t runs, double **to)
{
    struct json_place here = {.up = place, .key = "values"};
    const json_t *array = tare__json_array_of(r, object, &here);
    if (array == NULL) {
        return false;
    }
    if (json_array_size(array) != runs) {
        return tare__json_unfit(r, &here, "an array with a number for each run");
    }
    *to = room_for(r, array, sizeof(**to));
    for (size_t i = 0; i < runs && *to != NULL; i++) {
        struct json_place at = {.up = &here, .index = i};
        const json_t *value = json_array_get(array, i);
        (*to)[i] = NAN;
        if (!json_is_null(value) && !tare__json_read_number(r, value, &at, true, &(*to)[i])) {
            return false;
        }
    }
    return r->error == 0;
}

static bool read_rows(struct json_reader *r, const json_t *object, const struct json_place *place,
                      struct tare_result_stat *stat)
{
    struct json_place here = {.up = place, .key = "rows"};
    const json_t *array = tare__json_array_of(r, object, &here);
    stat->rows = array != NULL ? room_for(r, array, sizeof(*stat->rows)) : NULL;
    for (size_t i = 0; stat->rows != NULL && i < json_array_size(array); i++) {
        struct json_place at = {.up = &here, .index = i};
        const json_t *element = json_array_get(array, i);
        struct tare_result_stat_row *row = &stat->rows[stat->row_count++];
        *row = (struct tare_result_stat_row){.value = NAN, .error = NAN, .running = NAN};
        if (!json_is_object(element)) {
            return tare__json_unfit(r, &at, "an object");
        }
        if (!tare__json_read_fields(r, element, &row_fields, &at, row) ||
            !read_values(r, element, &at, stat->runs, &row->values)) {
            return false;
        }
    }
    return r->error == 0;
}

static bool read_ratios(struct json_reader *r, const json_t *object, const struct json_place *place,
                        struct tare_result_stat *stat)
{
    struct json_place here = {.up = place, .key = "ratios"};
    const json_t *array = tare__json_array_of(r, object, &here);
    stat->ratios = array != NULL ? room_for(r, array, sizeof(*stat->ratios)) : NULL;
    for (size_t i = 0; stat->ratios != NULL && i < json_array_size(array); i++) {
        struct json_place at = {.up = &here, .index = i};
        const json_t *element = json_array_get(array, i);
        struct tare_result_stat_ratio *ratio = &stat->ratios[stat->ratio_count++];
        ratio->value = NAN;
        if (!json_is_object(element)) {
            return tare__json_unfit(r, &at, "an object");
        }
        if (!tare__json_read_fields(r, element, &ratio_fields, &at, ratio)) {
            return false;
        }
    }
    return r->error == 0;
}

static bool read_massif(struct json_reader *r, const json_t *object, const struct json_place *place,
                        struct tare_result_stat *stat)
{
    struct json_place here = {.up = place, .key = "massif"}, sites_place = {.up = &here, .key = "sites"};
    const json_t *value = json_object_get(object, here.key), *stacks = NULL;
    if (value == NULL || json_is_null(value)) {
        return true;
    }
    if (!json_is_object(value)) {
        return tare__json_unfit(r, &here, "an object");
    }
    stat->massif = calloc(1, sizeof(*stat->massif));
    if (stat->massif == NULL) {
        return tare__json_out_of_memory(r);
    }
    struct tare_massif *massif = stat->massif;
    stacks = json_object_get(value, "stacks");
    stat->massif_stacks = stacks != NULL && json_is_true(stacks);
    const json_t *sites = tare__json_read_fields(r, value, &massif_fields, &here, massif)
                              ? tare__json_array_of(r, value, &sites_place)
                              : NULL;
    massif->sites = sites != NULL ? room_for(r, sites, sizeof(*massif->sites)) : NULL;
    for (size_t i = 0; massif->sites != NULL && i < json_array_size(sites); i++) {
        struct json_place at = {.up = &sites_place, .index = i};
        const json_t *element = json_array_get(sites, i);
        struct tare_massif_site *site = &massif->sites[massif->site_count++];
        if (!json_is_object(element)) {
            return tare__json_unfit(r, &at, "an object");
        }
        if (!tare__json_read_fields(r, element, &site_fields, &at, site)) {
            return false;
        }
    }
    return r->error == 0;
}

bool tare__json_read_stat(struct json_reader *r, const json_t *root, struct tare_result_stat **to)
{
    struct json_place here = {.key = "stat"};
    const json_t *object = json_object_get(root, here.key);
    if (object == NULL || json_is_null(object)) {
        return true;
    }
    if (!json_is_object(object)) {
        return tare__json_unfit(r, &here, "an object");
    }
    *to = tare_result_stat_new();
    if (*to == NULL) {
        return tare__json_out_of_memory(r);
    }
    if (!tare__json_read_fields(r, object, &stat_fields, &here, *to)) {
        return false;
    }
    if ((*to)->runs > RUNS_MAX) {
        struct json_place runs = {.up = &here, .key = "runs"};
        return tare__json_unfit(r, &runs, "a number of runs");
    }
    return read_rows(r, object, &here, *to) && read_ratios(r, object, &here, *to) &&
           read_massif(r, object, &here, *to);
}
