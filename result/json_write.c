/* SPDX-License-Identifier: MIT */
/*
 * Writes a result as JSON.
 *
 * The document is built whole with jansson before its first byte is written: what cannot be said in JSON is
 * found out then, and nothing is left half-written. It is laid out here rather than by jansson, which puts each
 * number of a histogram on a line of its own: an object of a timer or a process gets a line, so that two
 * results can be compared with diff, and a damaged one can be found by its line number.
 *
 * The functions that json_parts.h declares build the parts; the member "bench" is built in json_bench_write.c,
 * "profile" in json_profile_write.c.
 *
 * A double is written with as many digits as it takes to read the same double again, at most 17.
 */
#include "result/json.h"

#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "result/json_fields.h"
#include "result/json_parts.h"
#include "result/utf8.h"

/* Deeper than this, an object or array stands on one line. */
enum { DEPTH_OF_LINES = 3 };

/* An array or object of so few plain values stands on one line, too. */
enum { FEW = 3 };

void tare__json_fail(struct json_builder *b, int error)
{
    if (b->error == 0) {
        b->error = error;
    }
}

void tare__json_put(struct json_builder *b, json_t *object, const char *key, json_t *value)
{
    /* Takes the reference to `value`, and fails on a value or an object that is NULL for want of memory. */
    if (json_object_set_new_nocheck(object, key, value) != 0) {
        tare__json_fail(b, -ENOMEM);
    }
}

void tare__json_append(struct json_builder *b, json_t *array, json_t *value)
{
    if (json_array_append_new(array, value) != 0) {
        tare__json_fail(b, -ENOMEM);
    }
}

/*
 * JSON is UTF-8, a name from a hostile page may be anything: each byte that belongs to no character becomes
 * U+FFFD.
 */
json_t *tare__json_string(const char *text)
{
    static const char replacement[] = "\xef\xbf\xbd";
    if (text == NULL) {
        return json_null();
    }
    size_t size = strlen(text);
    if (size > SIZE_MAX / 3 - 1) {
        return NULL;
    }
    char *clean = malloc(size * 3 + 1);
    if (clean == NULL) {
        return NULL;
    }
    size_t length = 0;
    while (*text != '\0') {
        uint32_t code_point;
        size_t taken = tare__utf8_decode(text, &code_point);
        if (taken == 0) {
            memcpy(clean + length, replacement, 3);
            length += 3;
            text++;
            continue;
        }
        memcpy(clean + length, text, taken);
        length += taken;
        text += taken;
    }
    json_t *string = json_stringn(clean, length);
    free(clean);
    return string;
}

json_t *tare__json_count(struct json_builder *b, uint64_t count)
{
    if (count > INT64_MAX) {
        tare__json_fail(b, -ERANGE);
        return json_null();
    }
    return json_integer((json_int_t)count);
}

json_t *tare__json_number(struct json_builder *b, double value, bool negative_too)
{
    if (isnan(value)) {
        return json_null();
    }
    if (isinf(value) || (value < 0 && !negative_too)) {
        tare__json_fail(b, -ERANGE);
        return json_null();
    }
    return json_real(value);
}

static json_t *field_value(struct json_builder *b, const struct field *field, const void *from)
{
    const void *member = (const char *)from + field->offset;
    switch (field->type) {
    case FIELD_COUNT:
        return tare__json_count(b, *(const uint64_t *)member);
    case FIELD_COUNT_OR_NULL:
        return *(const uint64_t *)member == 0 ? json_null() : tare__json_count(b, *(const uint64_t *)member);
    case FIELD_COUNT_UNKNOWN:
        return *(const uint64_t *)member == TARE_COUNT_UNKNOWN ? json_null()
                                                               : tare__json_count(b, *(const uint64_t *)member);
    case FIELD_U32:
        return json_integer(*(const uint32_t *)member);
    case FIELD_U32_OR_NULL:
        return *(const uint32_t *)member == 0 ? json_null() : json_integer(*(const uint32_t *)member);
    case FIELD_NUMBER:
        return tare__json_number(b, *(const double *)member, true);
    case FIELD_AMOUNT:
        return tare__json_number(b, *(const double *)member, false);
    case FIELD_SHARE:
        if (*(const double *)member > 1) {
            tare__json_fail(b, -ERANGE);
        }
        return tare__json_number(b, *(const double *)member, false);
    case FIELD_SIZE:
        return tare__json_count(b, *(const size_t *)member);
    case FIELD_INT_OR_NULL:
        return *(const int *)member < 0 ? json_null() : json_integer(*(const int *)member);
    case FIELD_BOOL:
        return json_boolean(*(const bool *)member);
    case FIELD_BOOL_OR_NULL:
        return *(const int *)member < 0 ? json_null() : json_boolean(*(const int *)member);
    case FIELD_STRING:
        return tare__json_string(*(char *const *)member);
    case FIELD_NAME:
        if (*(char *const *)member == NULL) {
            tare__json_fail(b, -EINVAL);
        }
        return tare__json_string(*(char *const *)member);
    case FIELD_COST_OR_NULL:
        if (((const struct tare_result_cost *)member)->n == 0) {
            return json_null();
        }
        return tare__json_fields(b, &cost_fields, member);
    case FIELD_COST:
        return tare__json_fields(b, &cost_fields, member);
    }
    tare__json_fail(b, -EINVAL);
    return json_null();
}

void tare__json_put_fields(struct json_builder *b, json_t *object, const struct field_table *table,
                           const void *from)
{
    for (size_t i = 0; i < table->count; i++) {
        tare__json_put(b, object, table->fields[i].name, field_value(b, &table->fields[i], from));
    }
}

json_t *tare__json_fields(struct json_builder *b, const struct field_table *table, const void *from)
{
    json_t *object = json_object();
    tare__json_put_fields(b, object, table, from);
    return object;
}

static void put_end(struct json_builder *b, json_t *object, enum tare_end end, int code)
{
    if ((unsigned)end >= END_COUNT) {
        tare__json_fail(b, -EINVAL);
        return;
    }
    if (end_has_code(end) && code < 0) {
        tare__json_fail(b, -ERANGE);
    }
    tare__json_put(b, object, "end", json_string(end_names[end]));
    tare__json_put(b, object, "code", end_has_code(end) ? json_integer(code) : json_null());
}

static json_t *histogram_value(struct json_builder *b, const struct tare_result_figures *figures)
{
    if (figures->buckets == NULL) {
        return json_null();
    }
    json_t *histogram = json_array();
    for (size_t i = 0; i < figures->bucket_count; i++) {
        const struct tare_result_bucket *bucket = &figures->buckets[i];
        json_t *triple = json_array();
        tare__json_append(b, triple, tare__json_count(b, bucket->low_ticks));
        tare__json_append(b, triple, tare__json_count(b, bucket->width_ticks));
        tare__json_append(b, triple, tare__json_count(b, bucket->count));
        tare__json_append(b, histogram, triple);
    }
    return histogram;
}

static json_t *figures_value(struct json_builder *b, const struct tare_result_figures *figures)
{
    json_t *object = tare__json_fields(b, &figures_fields, figures);
    for (size_t i = 0; i < ticks_fields.count; i++) {
        const struct field *field = &ticks_fields.fields[i];
        tare__json_put(b, object, field->name,
                       figures->has_ticks ? field_value(b, field, figures) : json_null());
    }
    tare__json_put(b, object, "histogram", histogram_value(b, figures));
    return object;
}

static json_t *timers_value(struct json_builder *b, const struct tare_result_timer *timers, size_t count)
{
    json_t *array = json_array();
    for (size_t i = 0; i < count; i++) {
        json_t *object = tare__json_fields(b, &timer_fields, &timers[i]);
        tare__json_put(b, object, "figures", figures_value(b, &timers[i].figures));
        tare__json_put(b, object, "exclusive",
                       timers[i].has_exclusive ? figures_value(b, &timers[i].exclusive) : json_null());
        tare__json_append(b, array, object);
    }
    return array;
}

static json_t *passes_value(struct json_builder *b, const struct tare_result *result)
{
    json_t *array = json_array();
    for (size_t i = 0; i < result->pass_count; i++) {
        json_t *object = tare__json_fields(b, &pass_fields, &result->passes[i]);
        put_end(b, object, result->passes[i].end, result->passes[i].code);
        tare__json_append(b, array, object);
    }
    return array;
}

static json_t *processes_value(struct json_builder *b, const struct tare_result *result)
{
    json_t *array = json_array();
    for (size_t i = 0; i < result->process_count; i++) {
        const struct tare_result_process *process = &result->processes[i];
        json_t *object = tare__json_fields(b, &process_fields, process);
        put_end(b, object, process->end, process->code);
        tare__json_put(b, object, "lost", tare__json_fields(b, &process_lost_fields, process));
        tare__json_put(b, object, "timers", timers_value(b, process->timers, process->timer_count));
        tare__json_append(b, array, object);
    }
    return array;
}

static json_t *strings_value(struct json_builder *b, char *const *strings)
{
    json_t *array = json_array();
    for (char *const *s = strings; s != NULL && *s != NULL; s++) {
        tare__json_append(b, array, tare__json_string(*s));
    }
    return array;
}

static json_t *fingerprint_value(struct json_builder *b, const struct tare_fingerprint *fingerprint)
{
    if (fingerprint->hash[0] == '\0') {
        return json_null();
    }
    json_t *object = json_object();
    json_t *parts = json_object();
    for (int part = 0; part < TARE_FINGERPRINT_PARTS; part++) {
        tare__json_put(b, parts, tare_fingerprint_name(part), tare__json_string(fingerprint->parts[part]));
    }
    tare__json_put(b, object, "hash", json_string(fingerprint->hash));
    tare__json_put(b, object, "parts", parts);
    return object;
}

static json_t *result_value(struct json_builder *b, const struct tare_result *result)
{
    json_t *root = json_object();
    if (result->kind != NULL && ((result->bench == NULL && strcmp(result->kind, "bench") == 0) ||
                                 (result->profile == NULL && strcmp(result->kind, "profile") == 0) ||
                                 (result->stat == NULL && strcmp(result->kind, "stat") == 0) ||
                                 (result->capture == NULL && strcmp(result->kind, "capture") == 0))) {
        tare__json_fail(b, -EINVAL);
    }
    tare__json_put(b, root, "schema", json_string(TARE_RESULT_SCHEMA));
    tare__json_put(b, root, "schema_version", json_integer(TARE_RESULT_SCHEMA_VERSION));
    tare__json_put_fields(b, root, &result_fields, result);
    tare__json_put(b, root, "command",
                   result->command != NULL ? strings_value(b, result->command) : json_null());
    tare__json_put(b, root, "environment", tare__json_fields(b, &environment_fields, &result->environment));
    tare__json_put(b, root, "fingerprint", fingerprint_value(b, &result->fingerprint));
    tare__json_put(b, root, "clock", tare__json_fields(b, &clock_fields, &result->clock));
    tare__json_put(b, root, "passes", passes_value(b, result));
    tare__json_put(b, root, "timers", timers_value(b, result->timers, result->timer_count));
    if (result->instrument_count != 0) {
        tare__json_put(b, root, "instruments",
                       tare__json_instruments(b, result->instruments, result->instrument_count));
    }
    tare__json_put(b, root, "processes", processes_value(b, result));
    tare__json_put(b, root, "bench", tare__json_bench(b, result->bench));
    if (result->suite != NULL) {
        tare__json_put(b, root, "suite", tare__json_suite(b, result->suite));
    }
    tare__json_put(b, root, "profile", tare__json_profile(b, result->profile));
    tare__json_put(b, root, "stat", tare__json_stat(b, result->stat));
    if (result->capture != NULL) {
        tare__json_put(b, root, "capture", tare__json_capture(b, result->capture));
    }
    tare__json_put(b, root, "lost", tare__json_fields(b, &lost_fields, result));
    tare__json_put(b, root, "notes", strings_value(b, result->notes));
    tare__json_put_fields(b, root, &result_end_fields, result);
    return root;
}

/*
 * How many digits `value` takes. printf and strtod see the same locale here, and no text leaves this function.
 */
static size_t digits_of(double value)
{
    for (int digits = 15; digits < 17; digits++) {
        char text[64];
        snprintf(text, sizeof text, "%.*g", digits, value);
        if (strtod(text, NULL) == value) {
            return (size_t)digits;
        }
    }
    return 17;
}

static int dump_scalar(const json_t *value, FILE *out)
{
    if (json_is_integer(value)) { /* a profile has a million of them */
        fprintf(out, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
        return 0;
    }
    size_t flags = JSON_ENCODE_ANY;
    if (json_is_real(value)) {
        flags |= JSON_REAL_PRECISION(digits_of(json_real_value(value)));
    }
    char small[256];
    size_t size = json_dumpb(value, small, sizeof small, flags);
    if (size == 0) {
        return -ENOMEM;
    }
    if (size <= sizeof small) {
        fwrite(small, 1, size, out);
        return 0;
    }
    char *text = json_dumps(value, flags);
    if (text == NULL) {
        return -ENOMEM;
    }
    fputs(text, out);
    free(text);
    return 0;
}

static bool is_few_scalars(json_t *value)
{
    const char *key;
    json_t *member;
    size_t i;
    if (json_object_size(value) > FEW || json_array_size(value) > FEW) {
        return false;
    }
    json_object_foreach(value, key, member)
    {
        if (json_is_object(member) || json_is_array(member)) {
            return false;
        }
    }
    json_array_foreach(value, i, member)
    {
        if (json_is_object(member) || json_is_array(member)) {
            return false;
        }
    }
    return true;
}

static void separate(FILE *out, bool lines, unsigned depth, bool first)
{
    if (!first) {
        putc(',', out);
    }
    if (lines) {
        fprintf(out, "\n%*s", (int)depth * 2, "");
    } else if (!first) {
        putc(' ', out);
    }
}

static int dump(json_t *value, unsigned depth, FILE *out)
{
    if (!json_is_object(value) && !json_is_array(value)) {
        return dump_scalar(value, out);
    }
    bool lines = depth < DEPTH_OF_LINES && !is_few_scalars(value);
    bool first = true;
    const char *key;
    json_t *member;
    size_t i;
    int error = 0;
    putc(json_is_object(value) ? '{' : '[', out);
    json_object_foreach(value, key, member)
    {
        separate(out, lines, depth + 1, first);
        first = false;
        fprintf(out, "\"%s\": ", key); /* our own names: nothing to escape */
        error = dump(member, depth + 1, out);
        if (error != 0) {
            return error;
        }
    }
    json_array_foreach(value, i, member)
    {
        separate(out, lines, depth + 1, first);
        first = false;
        error = dump(member, depth + 1, out);
        if (error != 0) {
            return error;
        }
    }
    if (lines) {
        fprintf(out, "\n%*s", (int)depth * 2, "");
    }
    putc(json_is_object(value) ? '}' : ']', out);
    return 0;
}

int tare_result_write_json(const struct tare_result *result, FILE *out)
{
    struct json_builder b = {0};
    json_t *root = result_value(&b, result);
    int error = b.error;
    if (root == NULL) {
        error = -ENOMEM;
    }
    if (error != 0) {
        goto out;
    }
    error = dump(root, 0, out);
    putc('\n', out);
    /* Flushed, so that a full disk is noticed here. */
    if (error == 0 && (fflush(out) != 0 || ferror(out))) {
        error = -EIO;
    }
out:
    json_decref(root);
    return error;
}
