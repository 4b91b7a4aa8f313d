/* SPDX-License-Identifier: MIT */
/*
 * Reads a result from JSON, and trusts nothing in it: a result may come from a colleague, from a build server,
 * or from a disk that was full. jansson sees to the syntax; here each field is checked for its type and range,
 * and the first one that does not fit is named by its path, as in 'timers[3].figures.calls'. Unknown fields are
 * left alone, so that a later version can add some.
 *
 * Error handling: json_parts.h. The member "bench" is read in json_bench_read.c, "profile" in
 * json_profile_read.c.
 */
#include "result/json.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "result/json_fields.h"
#include "result/json_parts.h"

static const size_t FILE_MAX_BYTES = (size_t)1 << 30;

/* One line, without anything that a terminal would obey: parts of it are quoted from the file. */
static void make_plain(char *line)
{
    for (char *p = line; *p != '\0'; p++) {
        if ((unsigned char)*p < 0x20 || (unsigned char)*p >= 0x7f) {
            *p = '?';
        }
    }
}

bool tare__json_complain(struct json_reader *r, int error, const char *format, ...)
{
    if (r->error == 0) {
        r->error = error;
        if (r->message_size > 0) {
            va_list arguments;
            va_start(arguments, format);
            vsnprintf(r->message, r->message_size, format, arguments);
            va_end(arguments);
            make_plain(r->message);
        }
    }
    return false;
}

bool tare__json_out_of_memory(struct json_reader *r)
{
    return tare__json_complain(r, -ENOMEM, "out of memory");
}

/*
 * Writes "timers[3].figures.calls" so that it ends at the end of `path`; returns its start. Too long: the tail.
 */
static const char *path_of(const struct json_place *place, char *path, size_t size)
{
    char *start = path + size - 1;
    *start = '\0';
    for (; place != NULL; place = place->up) {
        char part[64];
        if (place->key != NULL) {
            bool first = place->up == NULL;
            snprintf(part, sizeof part, "%s%s", first ? "" : ".", place->key);
        } else {
            snprintf(part, sizeof part, "[%zu]", place->index);
        }
        size_t length = strlen(part);
        if (length > (size_t)(start - path)) {
            break;
        }
        start -= length;
        memcpy(start, part, length);
    }
    return start;
}

bool tare__json_unfit(struct json_reader *r, const struct json_place *place, const char *wanted)
{
    char path[160];
    return tare__json_complain(r, -EINVAL, "bad value in result: '%s' is not %s",
                               path_of(place, path, sizeof path), wanted);
}

const json_t *tare__json_member_of(struct json_reader *r, const json_t *object, const char *key,
                                   const struct json_place *place, bool required)
{
    const json_t *value = json_object_get(object, key);
    if (value == NULL && required) {
        char path[160];
        tare__json_complain(r, -EINVAL, "not a whole result: '%s' is missing",
                            path_of(place, path, sizeof path));
    }
    return value;
}

bool tare__json_read_integer(struct json_reader *r, const json_t *value, const struct json_place *place,
                             uint64_t max, uint64_t *to)
{
    if (!json_is_integer(value) || json_integer_value(value) < 0 || (uint64_t)json_integer_value(value) > max) {
        char wanted[64];
        snprintf(wanted, sizeof wanted, "a whole number from 0 to %" PRIu64, max);
        return tare__json_unfit(r, place, wanted);
    }
    *to = (uint64_t)json_integer_value(value);
    return true;
}

bool tare__json_read_number(struct json_reader *r, const json_t *value, const struct json_place *place,
                            bool negative_too, double *to)
{
    if (!json_is_number(value)) {
        return tare__json_unfit(r, place, "a number or null");
    }
    double number = json_number_value(value);
    if (!isfinite(number) || (number < 0 && !negative_too)) {
        return tare__json_unfit(r, place, "a number of at least 0");
    }
    *to = number;
    return true;
}

bool tare__json_read_string(struct json_reader *r, const json_t *value, const struct json_place *place,
                            char **to)
{
    if (!json_is_string(value)) {
        return tare__json_unfit(r, place, "a string");
    }
    *to = strdup(json_string_value(value));
    return *to != NULL ? true : tare__json_out_of_memory(r);
}

static bool may_be_null(enum field_type type)
{
    switch (type) {
    case FIELD_COUNT_OR_NULL:
    case FIELD_COUNT_UNKNOWN:
    case FIELD_U32_OR_NULL:
    case FIELD_NUMBER:
    case FIELD_AMOUNT:
    case FIELD_SHARE:
    case FIELD_INT_OR_NULL:
    case FIELD_BOOL_OR_NULL:
    case FIELD_STRING:
    case FIELD_COST_OR_NULL:
        return true;
    case FIELD_COUNT:
    case FIELD_SIZE:
    case FIELD_U32:
    case FIELD_BOOL:
    case FIELD_NAME:
    case FIELD_COST:
        return false;
    }
    return false;
}

static bool read_field(struct json_reader *r, const json_t *value, const struct field *field,
                       const struct json_place *place, void *to)
{
    void *member = (char *)to + field->offset;
    uint64_t count;
    switch (field->type) {
    case FIELD_COUNT:
    case FIELD_COUNT_OR_NULL:
    case FIELD_COUNT_UNKNOWN:
        return tare__json_read_integer(r, value, place, INT64_MAX, member);
    case FIELD_SIZE:
        if (!tare__json_read_integer(r, value, place, SIZE_MAX < INT64_MAX ? SIZE_MAX : INT64_MAX, &count)) {
            return false;
        }
        *(size_t *)member = (size_t)count;
        return true;
    case FIELD_INT_OR_NULL:
        if (!tare__json_read_integer(r, value, place, INT32_MAX, &count)) {
            return false;
        }
        *(int *)member = (int)count;
        return true;
    case FIELD_U32:
    case FIELD_U32_OR_NULL:
        if (!tare__json_read_integer(r, value, place, UINT32_MAX, &count)) {
            return false;
        }
        *(uint32_t *)member = (uint32_t)count;
        return true;
    case FIELD_NUMBER:
    case FIELD_AMOUNT:
        return tare__json_read_number(r, value, place, field->type == FIELD_NUMBER, member);
    case FIELD_SHARE:
        if (!tare__json_read_number(r, value, place, false, member)) {
            return false;
        }
        return *(double *)member <= 1 ? true : tare__json_unfit(r, place, "a number from 0 to 1");
    case FIELD_BOOL:
    case FIELD_BOOL_OR_NULL:
        if (!json_is_boolean(value)) {
            return tare__json_unfit(r, place, "true or false");
        }
        if (field->type == FIELD_BOOL) {
            *(bool *)member = json_is_true(value);
        } else {
            *(int *)member = json_is_true(value) ? 1 : 0;
        }
        return true;
    case FIELD_STRING:
    case FIELD_NAME:
        return tare__json_read_string(r, value, place, member);
    case FIELD_COST:
    case FIELD_COST_OR_NULL:
        return json_is_object(value) ? tare__json_read_fields(r, value, &cost_fields, place, member)
                                     : tare__json_unfit(r, place, "an object");
    }
    return tare__json_unfit(r, place, "known");
}

bool tare__json_read_fields(struct json_reader *r, const json_t *object, const struct field_table *table,
                            const struct json_place *place, void *to)
{
    for (size_t i = 0; i < table->count; i++) {
        const struct field *field = &table->fields[i];
        struct json_place here = {.up = place, .key = field->name};
        bool nullable = may_be_null(field->type);
        const json_t *value = tare__json_member_of(r, object, field->name, &here, !nullable);
        if (r->error != 0) {
            return false;
        }
        if (nullable && (value == NULL || json_is_null(value))) {
            continue; /* the model was made with "unknown" in it */
        }
        if (!read_field(r, value, field, &here, to)) {
            return false;
        }
    }
    return true;
}

const json_t *tare__json_object_of(struct json_reader *r, const json_t *object, const struct json_place *here)
{
    const json_t *value = tare__json_member_of(r, object, here->key, here, true);
    if (value != NULL && !json_is_object(value)) {
        tare__json_unfit(r, here, "an object");
        return NULL;
    }
    return value;
}

const json_t *tare__json_array_of(struct json_reader *r, const json_t *object, const struct json_place *here)
{
    const json_t *value = tare__json_member_of(r, object, here->key, here, true);
    if (value != NULL && !json_is_array(value)) {
        tare__json_unfit(r, here, "an array");
        return NULL;
    }
    return value;
}

static bool read_end(struct json_reader *r, const json_t *object, const struct json_place *place,
                     enum tare_end *end, int *code)
{
    struct json_place end_place = {.up = place, .key = "end"};
    struct json_place code_place = {.up = place, .key = "code"};
    const json_t *value = tare__json_member_of(r, object, "end", &end_place, true);
    if (value == NULL) {
        return false;
    }
    size_t found = 0;
    while (found < END_COUNT &&
           (!json_is_string(value) || strcmp(json_string_value(value), end_names[found]) != 0)) {
        found++;
    }
    if (found == END_COUNT) {
        return tare__json_unfit(r, &end_place, "unknown, exited, signaled, running or timeout");
    }
    *end = (enum tare_end)found;
    if (!end_has_code(*end)) {
        return true;
    }
    uint64_t number;
    value = tare__json_member_of(r, object, "code", &code_place, true);
    if (value == NULL || !tare__json_read_integer(r, value, &code_place, INT32_MAX, &number)) {
        return false;
    }
    *code = (int)number;
    return true;
}

static bool read_bucket(struct json_reader *r, const json_t *triple, const struct json_place *place,
                        struct tare_result_bucket *bucket)
{
    if (!json_is_array(triple) || json_array_size(triple) != 3) {
        return tare__json_unfit(r, place, "three numbers");
    }
    uint64_t *parts[] = {&bucket->low_ticks, &bucket->width_ticks, &bucket->count};
    for (size_t i = 0; i < 3; i++) {
        struct json_place here = {.up = place, .index = i};
        if (!tare__json_read_integer(r, json_array_get(triple, i), &here, INT64_MAX, parts[i])) {
            return false;
        }
        if (i > 0 && *parts[i] == 0) {
            return tare__json_unfit(r, &here, "above 0");
        }
    }
    return true;
}

static bool read_histogram(struct json_reader *r, const json_t *object, const struct json_place *place,
                           struct tare_result_figures *figures)
{
    struct json_place here = {.up = place, .key = "histogram"};
    const json_t *histogram = json_object_get(object, "histogram");
    if (histogram == NULL || json_is_null(histogram)) {
        return true;
    }
    if (!json_is_array(histogram)) {
        return tare__json_unfit(r, &here, "an array or null");
    }
    size_t count = json_array_size(histogram);
    /* One element at least: an empty histogram is another thing than none. */
    figures->buckets = calloc(count > 0 ? count : 1, sizeof *figures->buckets);
    if (figures->buckets == NULL) {
        return tare__json_out_of_memory(r);
    }
    figures->bucket_count = count;
    uint64_t end = 0;
    for (size_t i = 0; i < count; i++) {
        struct json_place bucket_place = {.up = &here, .index = i};
        struct tare_result_bucket *bucket = &figures->buckets[i];
        if (!read_bucket(r, json_array_get(histogram, i), &bucket_place, bucket)) {
            return false;
        }
        if (bucket->low_ticks < end) {
            return tare__json_unfit(r, &bucket_place, "above the bucket before it");
        }
        end = bucket->low_ticks + bucket->width_ticks; /* both at most INT64_MAX: no overflow */
    }
    return true;
}

static bool read_figures(struct json_reader *r, const json_t *object, const struct json_place *place,
                         struct tare_result_figures *figures)
{
    if (!tare__json_read_fields(r, object, &figures_fields, place, figures)) {
        return false;
    }
    /* One of them calls for all. */
    for (size_t i = 0; i < ticks_fields.count; i++) {
        const json_t *ticks = json_object_get(object, ticks_fields.fields[i].name);
        figures->has_ticks |= ticks != NULL && !json_is_null(ticks);
    }
    if (figures->has_ticks && !tare__json_read_fields(r, object, &ticks_fields, place, figures)) {
        return false;
    }
    return read_histogram(r, object, place, figures);
}

/* What read_timers() appends to: the result, or one of its processes. */
struct owner {
    struct tare_result *result;
    struct tare_result_process *process;
};

static bool read_timer(struct json_reader *r, const json_t *object, const struct json_place *place,
                       const struct owner *owner)
{
    if (!json_is_object(object)) {
        return tare__json_unfit(r, place, "an object");
    }
    struct tare_result_timer *timer = owner->process != NULL
                                          ? tare_result_process_add_timer(owner->process, "", "")
                                          : tare_result_add_timer(owner->result, "", "");
    if (timer == NULL) {
        return tare__json_out_of_memory(r);
    }
    free(timer->module);
    free(timer->name);
    timer->module = NULL;
    timer->name = NULL;
    if (!tare__json_read_fields(r, object, &timer_fields, place, timer)) {
        return false;
    }
    struct json_place figures_place = {.up = place, .key = "figures"};
    const json_t *figures = tare__json_object_of(r, object, &figures_place);
    if (figures == NULL || !read_figures(r, figures, &figures_place, &timer->figures)) {
        return false;
    }
    struct json_place exclusive_place = {.up = place, .key = "exclusive"};
    const json_t *exclusive = json_object_get(object, "exclusive");
    if (exclusive == NULL || json_is_null(exclusive)) {
        return true;
    }
    if (!json_is_object(exclusive)) {
        return tare__json_unfit(r, &exclusive_place, "an object or null");
    }
    timer->has_exclusive = true;
    return read_figures(r, exclusive, &exclusive_place, &timer->exclusive);
}

static bool read_timers(struct json_reader *r, const json_t *parent, const struct json_place *place,
                        const struct owner *owner)
{
    struct json_place here = {.up = place, .key = "timers"};
    const json_t *array = tare__json_array_of(r, parent, &here);
    for (size_t i = 0; i < json_array_size(array); i++) {
        struct json_place timer_place = {.up = &here, .index = i};
        if (!read_timer(r, json_array_get(array, i), &timer_place, owner)) {
            return false;
        }
    }
    return r->error == 0;
}

static bool read_passes(struct json_reader *r, const json_t *root, struct tare_result *result)
{
    struct json_place here = {.key = "passes"};
    const json_t *array = tare__json_array_of(r, root, &here);
    for (size_t i = 0; i < json_array_size(array); i++) {
        struct json_place place = {.up = &here, .index = i};
        const json_t *object = json_array_get(array, i);
        if (!json_is_object(object)) {
            return tare__json_unfit(r, &place, "an object");
        }
        struct tare_result_pass *pass = tare_result_add_pass(result);
        if (pass == NULL) {
            return tare__json_out_of_memory(r);
        }
        if (!tare__json_read_fields(r, object, &pass_fields, &place, pass) ||
            !read_end(r, object, &place, &pass->end, &pass->code)) {
            return false;
        }
    }
    return r->error == 0;
}

static bool read_processes(struct json_reader *r, const json_t *root, struct tare_result *result)
{
    struct json_place here = {.key = "processes"};
    const json_t *array = tare__json_array_of(r, root, &here);
    for (size_t i = 0; i < json_array_size(array); i++) {
        struct json_place place = {.up = &here, .index = i};
        struct json_place lost_place = {.up = &place, .key = "lost"};
        const json_t *object = json_array_get(array, i);
        if (!json_is_object(object)) {
            return tare__json_unfit(r, &place, "an object");
        }
        struct tare_result_process *process = tare_result_add_process(result);
        if (process == NULL) {
            return tare__json_out_of_memory(r);
        }
        struct owner owner = {.process = process};
        const json_t *lost = tare__json_object_of(r, object, &lost_place);
        if (lost == NULL || !tare__json_read_fields(r, lost, &process_lost_fields, &lost_place, process) ||
            !tare__json_read_fields(r, object, &process_fields, &place, process) ||
            !read_end(r, object, &place, &process->end, &process->code) ||
            !read_timers(r, object, &place, &owner)) {
            return false;
        }
    }
    return r->error == 0;
}

/* Strings into a NULL-terminated array of their own. */
static bool read_strings(struct json_reader *r, const json_t *array, const struct json_place *place, char ***to)
{
    size_t count = json_array_size(array);
    char **strings = calloc(count + 1, sizeof *strings);
    if (strings == NULL) {
        return tare__json_out_of_memory(r);
    }
    *to = strings;
    for (size_t i = 0; i < count; i++) {
        struct json_place here = {.up = place, .index = i};
        if (!tare__json_read_string(r, json_array_get(array, i), &here, &strings[i])) {
            return false;
        }
    }
    return true;
}

static bool read_command(struct json_reader *r, const json_t *root, struct tare_result *result)
{
    struct json_place here = {.key = "command"};
    const json_t *command = json_object_get(root, here.key);
    if (command == NULL || json_is_null(command)) {
        return true;
    }
    return json_is_array(command) ? read_strings(r, command, &here, &result->command)
                                  : tare__json_unfit(r, &here, "an array or null");
}

static bool read_notes(struct json_reader *r, const json_t *root, struct tare_result *result)
{
    struct json_place here = {.key = "notes"};
    const json_t *notes = tare__json_array_of(r, root, &here);
    if (notes == NULL) {
        return false;
    }
    return json_array_size(notes) == 0 || read_strings(r, notes, &here, &result->notes);
}

static bool read_hash(struct json_reader *r, const json_t *value, const struct json_place *place,
                      char hash[TARE_SHA256_HEX + 1])
{
    if (!json_is_string(value) || json_string_length(value) != TARE_SHA256_HEX ||
        strspn(json_string_value(value), "0123456789abcdef") != TARE_SHA256_HEX) {
        return tare__json_unfit(r, place, "a hash of 64 hexadecimal digits");
    }
    memcpy(hash, json_string_value(value), TARE_SHA256_HEX + 1);
    return true;
}

/*
 * The hash is taken as it is: it may be over parts of a later version. A part that is missing is unknown, as in
 * every other place.
 */
static bool read_fingerprint(struct json_reader *r, const json_t *root, struct tare_result *result)
{
    struct json_place here = {.key = "fingerprint"};
    struct json_place hash_place = {.up = &here, .key = "hash"};
    struct json_place parts_place = {.up = &here, .key = "parts"};
    const json_t *object = json_object_get(root, here.key);
    if (object == NULL || json_is_null(object)) {
        return true; /* an older result, or one that was not measured by us */
    }
    if (!json_is_object(object)) {
        return tare__json_unfit(r, &here, "an object or null");
    }
    const json_t *hash = tare__json_member_of(r, object, hash_place.key, &hash_place, true);
    if (hash == NULL || !read_hash(r, hash, &hash_place, result->fingerprint.hash)) {
        return false;
    }
    const json_t *parts = tare__json_object_of(r, object, &parts_place);
    for (int part = 0; parts != NULL && part < TARE_FINGERPRINT_PARTS; part++) {
        struct json_place place = {.up = &parts_place, .key = tare_fingerprint_name(part)};
        const json_t *value = json_object_get(parts, place.key);
        if (value != NULL && !json_is_null(value) &&
            !tare__json_read_string(r, value, &place, &result->fingerprint.parts[part])) {
            return false;
        }
    }
    return parts != NULL;
}

/* An object directly below the root. */
static bool read_part(struct json_reader *r, const json_t *root, const char *key,
                      const struct field_table *table, void *to)
{
    struct json_place here = {.key = key};
    const json_t *object = tare__json_object_of(r, root, &here);
    return object != NULL && tare__json_read_fields(r, object, table, &here, to);
}

static bool read_schema(struct json_reader *r, const json_t *root)
{
    if (!json_is_object(root)) {
        return tare__json_complain(r, -EINVAL, "not a result: the document is not an object");
    }
    const json_t *schema = json_object_get(root, "schema");
    const json_t *version = json_object_get(root, "schema_version");
    if (!json_is_string(schema) && json_object_get(root, "traceEvents") != NULL &&
        json_object_get(json_object_get(root, "otherData"), "tare") != NULL) {
        return tare__json_complain(r, -EINVAL,
                                   "not a result, but a trace that tare wrote, for ui.perfetto.dev: only the "
                                   "result that it was made of can be read again");
    }
    if (!json_is_string(schema)) {
        return tare__json_complain(r, -EINVAL, "not a result: no 'schema' in it");
    }
    if (strcmp(json_string_value(schema), TARE_RESULT_SCHEMA) != 0) {
        return tare__json_complain(r, -ENOTSUP, "not a result: its schema is '%.60s', not '%s'",
                                   json_string_value(schema), TARE_RESULT_SCHEMA);
    }
    if (!json_is_integer(version) || json_integer_value(version) < 1) {
        return tare__json_complain(r, -EINVAL,
                                   "bad value in result: 'schema_version' is not a whole number from 1 on");
    }
    if (json_integer_value(version) > TARE_RESULT_SCHEMA_VERSION) {
        return tare__json_complain(r, -ENOTSUP,
                                   "result has schema version %" JSON_INTEGER_FORMAT
                                   ", this tare reads up to %d: use a newer tare",
                                   json_integer_value(version), TARE_RESULT_SCHEMA_VERSION);
    }
    return true;
}

/* A result that was cut down to its head is no result of no benchmarks, or samples. */
static bool has_its_part(struct json_reader *r, const struct tare_result *result)
{
    if (result->bench == NULL && strcmp(result->kind, "bench") == 0) {
        return tare__json_complain(r, -EINVAL, "not a whole result: 'bench' is missing");
    }
    if (result->profile == NULL && strcmp(result->kind, "profile") == 0) {
        return tare__json_complain(r, -EINVAL, "not a whole result: 'profile' is missing");
    }
    if (result->stat == NULL && strcmp(result->kind, "stat") == 0) {
        return tare__json_complain(r, -EINVAL, "not a whole result: 'stat' is missing");
    }
    if (result->capture == NULL && strcmp(result->kind, "capture") == 0) {
        return tare__json_complain(r, -EINVAL, "not a whole result: 'capture' is missing");
    }
    return true;
}

static bool read_result(struct json_reader *r, const json_t *root, struct tare_result *result)
{
    struct owner owner = {.result = result};
    return tare__json_read_fields(r, root, &result_fields, NULL, result) && read_command(r, root, result) &&
           read_part(r, root, "environment", &environment_fields, &result->environment) &&
           read_fingerprint(r, root, result) && read_part(r, root, "clock", &clock_fields, &result->clock) &&
           read_passes(r, root, result) && read_timers(r, root, NULL, &owner) &&
           read_processes(r, root, result) && read_part(r, root, "lost", &lost_fields, result) &&
           read_notes(r, root, result) && tare__json_read_fields(r, root, &result_end_fields, NULL, result) &&
           tare__json_read_bench(r, root, &result->bench) && tare__json_read_suite(r, root, &result->suite) &&
           tare__json_read_profile(r, root, &result->profile) && tare__json_read_stat(r, root, &result->stat) &&
           tare__json_read_capture(r, root, &result->capture) && tare__json_read_instruments(r, root, result) &&
           has_its_part(r, result);
}

static void complain_of_syntax(struct json_reader *r, const json_error_t *error, const char *text, size_t size)
{
    while (size > 0 && strchr(" \t\r\n", text[size - 1]) != NULL && text[size - 1] != '\0') {
        size--;
    }
    if (size == 0) {
        tare__json_complain(r, -EINVAL, "result is empty");
        return;
    }
    switch (json_error_code(error)) {
    case json_error_out_of_memory:
        tare__json_out_of_memory(r);
        return;
    case json_error_premature_end_of_input:
        tare__json_complain(r, -EINVAL, "result is cut short in line %d", error->line);
        return;
    default:
        break;
    }
    /*
     * A number or a word that was cut in two is another error to jansson: what counts is that it is at the end.
     * A character that was cut in two is noticed where it begins, up to three bytes before.
     */
    size_t slack = json_error_code(error) == json_error_invalid_utf8 ? 3 : 0;
    if (error->position >= 0 && (size_t)error->position + slack >= size) {
        tare__json_complain(r, -EINVAL, "result is cut short in line %d", error->line);
        return;
    }
    tare__json_complain(r, -EINVAL, "result is not JSON: %s in line %d", error->text, error->line);
}

int tare_result_parse_json(const char *text, size_t size, struct tare_result **result, char *message,
                           size_t message_size)
{
    struct json_reader r = {.message = message, .message_size = message_size};
    struct tare_result *made = NULL;
    json_error_t error;
    json_t *root = json_loadb(text, size, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
    if (root == NULL) {
        complain_of_syntax(&r, &error, text, size);
        goto out;
    }
    if (!read_schema(&r, root)) {
        goto out;
    }
    made = tare_result_new();
    if (made == NULL) {
        tare__json_out_of_memory(&r);
        goto out;
    }
    if (!read_result(&r, root, made)) {
        goto out;
    }
    *result = made;
    made = NULL;
out:
    tare_result_free(made);
    json_decref(root);
    return r.error;
}

/* All of the stream, up to the limit. */
static char *read_all(struct json_reader *r, FILE *in, size_t *size)
{
    char *text = NULL;
    size_t capacity = 0;
    *size = 0;
    for (;;) {
        if (*size == capacity) {
            capacity = capacity == 0 ? 65536 : capacity * 2;
            char *grown = realloc(text, capacity);
            if (grown == NULL) {
                tare__json_out_of_memory(r);
                break;
            }
            text = grown;
        }
        errno = 0;
        size_t got = fread(text + *size, 1, capacity - *size, in);
        *size += got;
        if (*size > FILE_MAX_BYTES) {
            tare__json_complain(r, -EFBIG, "result is larger than 1 GiB");
            break;
        }
        if (ferror(in)) {
            int error = errno != 0 ? errno : EIO;
            tare__json_complain(r, -error, "cannot read the result: %s", strerror(error));
            break;
        }
        if (got == 0) {
            return text;
        }
    }
    free(text);
    return NULL;
}

int tare_result_read_json(FILE *in, struct tare_result **result, char *message, size_t message_size)
{
    struct json_reader r = {.message = message, .message_size = message_size};
    size_t size;
    char *text = read_all(&r, in, &size);
    if (text == NULL) {
        return r.error;
    }
    int error = tare_result_parse_json(text, size, result, message, message_size);
    free(text);
    return error;
}
