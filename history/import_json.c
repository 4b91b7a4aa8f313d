/* SPDX-License-Identifier: MIT */
/*
 * JSON from outside: strict about types, and every complaint says where. And JSON that is the same for the same
 * content: what a record's digest is of, when a record is a part of a file, has to come out the same whatever
 * the rest of the file is, whoever wrote its white space, and with every version of jansson.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "history/import_parts.h"

/* ---- text without a tree ---- */

void import__scan_space(struct import_scan *scan)
{
    while (scan->at < scan->end && strchr(" \t\r\n", *scan->at) != NULL && *scan->at != '\0') {
        scan->at++;
    }
}

bool import__scan_string(struct import_scan *scan)
{
    if (scan->at >= scan->end || *scan->at != '"') {
        return false;
    }
    for (scan->at++; scan->at < scan->end; scan->at++) {
        if (*scan->at == '\\') {
            scan->at++;
        } else if (*scan->at == '"') {
            scan->at++;
            return true;
        }
    }
    scan->at = scan->end;
    return false;
}

bool import__scan_mark(struct import_scan *scan, char mark)
{
    import__scan_space(scan);
    if (scan->at >= scan->end || *scan->at != mark) {
        return false;
    }
    scan->at++;
    import__scan_space(scan);
    return true;
}

bool import__scan_value(struct import_scan *scan)
{
    size_t depth = 0;
    const char *from = scan->at;
    while (scan->at < scan->end) {
        char c = *scan->at;
        if (c == '"') {
            if (!import__scan_string(scan)) {
                return false;
            }
        } else if (c == '{' || c == '[') {
            depth++;
            scan->at++;
        } else if (depth == 0 && (c == '}' || c == ']' || c == ',' || strchr(" \t\r\n;", c) != NULL)) {
            return scan->at > from; /* behind a number or a word */
        } else {
            depth -= c == '}' || c == ']';
            scan->at++;
            if (depth == 0 && (c == '}' || c == ']')) {
                return true;
            }
            continue;
        }
        if (depth == 0 && c == '"') {
            return true;
        }
    }
    return depth == 0 && scan->at > from;
}

/* ---- reading ---- */

/* Python's json and Google Benchmark write NaN and Infinity, which JSON has not. */
static size_t word_of_none(const char *text, size_t size)
{
    static const char *const words[] = {"-Infinity", "Infinity", "-NaN", "-nan", "-inf", "NaN", "nan", "inf"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        size_t length = strlen(words[i]);
        if (length <= size && memcmp(text, words[i], length) == 0) {
            return length;
        }
    }
    return 0;
}

/* A copy in which they are null. NULL without memory. */
static char *without_nan(const char *bytes, size_t size, size_t *new_size)
{
    char *copy = malloc(size + size / 3 + 1);
    if (copy == NULL) {
        return NULL;
    }
    size_t to = 0;
    struct import_scan scan = {bytes, bytes + size};
    while (scan.at < scan.end) {
        const char *from = scan.at;
        size_t word = *from == '"' ? 0 : word_of_none(from, (size_t)(scan.end - from));
        if (word > 0) {
            memcpy(copy + to, "null", 4);
            to += 4;
            scan.at += word;
            continue;
        }
        if (*from == '"') {
            import__scan_string(&scan);
        } else {
            scan.at++;
        }
        memcpy(copy + to, from, (size_t)(scan.at - from));
        to += (size_t)(scan.at - from);
    }
    *new_size = to;
    return copy;
}

json_t *import__parse(struct import *import, const char *bytes, size_t size, const char *what)
{
    json_error_t error;
    /* All numbers as doubles: integers of any size are read, and what is equal is written equally. */
    const size_t flags = JSON_REJECT_DUPLICATES | JSON_DECODE_INT_AS_REAL;
    json_t *root;
    if (memmem(bytes, size, "nf", 2) == NULL && memmem(bytes, size, "aN", 2) == NULL &&
        memmem(bytes, size, "nan", 3) == NULL) {
        root = json_loadb(bytes, size, flags, &error);
    } else {
        size_t copy_size;
        char *copy = without_nan(bytes, size, &copy_size);
        if (copy == NULL) {
            import__no_memory(import);
            return NULL;
        }
        root = json_loadb(copy, copy_size, flags, &error);
        free(copy);
    }
    if (root == NULL) {
        if (json_error_code(&error) == json_error_out_of_memory) {
            import__no_memory(import);
        } else {
            import__fail(import, "%s is not JSON that can be read: line %d: %s", what, error.line, error.text);
        }
    }
    return root;
}

/* "'benchmarks[3].real_time'" */
static bool unfit(struct import *import, const char *place, const char *key, const char *wanted)
{
    return import__fail(import, "'%s%s%.80s' is not %s", place, place[0] != '\0' ? "." : "", key, wanted);
}

static bool member(struct import *import, const json_t *object, const char *place, const char *key,
                   bool required, const json_t **to)
{
    const json_t *value = json_object_get(object, key);
    *to = json_is_null(value) ? NULL : value;
    if (*to == NULL && required) {
        return import__fail(import, "'%s%s%.80s' is missing", place, place[0] != '\0' ? "." : "", key);
    }
    return true;
}

bool import__number(struct import *import, const json_t *object, const char *place, const char *key,
                    bool required, double *to)
{
    const json_t *value;
    *to = NAN;
    if (!member(import, object, place, key, required, &value)) {
        return false;
    }
    if (value != NULL && !json_is_number(value)) {
        return unfit(import, place, key, "a number");
    }
    if (value != NULL) {
        *to = json_number_value(value);
    }
    return true;
}

bool import__text(struct import *import, const json_t *object, const char *place, const char *key,
                  bool required, const char **to)
{
    const json_t *value;
    *to = NULL;
    if (!member(import, object, place, key, required, &value)) {
        return false;
    }
    if (value != NULL && !json_is_string(value)) {
        return unfit(import, place, key, "text");
    }
    *to = value != NULL ? json_string_value(value) : NULL;
    return true;
}

bool import__object(struct import *import, const json_t *object, const char *place, const char *key,
                    bool required, const json_t **to)
{
    if (!member(import, object, place, key, required, to)) {
        return false;
    }
    return *to == NULL || json_is_object(*to) || unfit(import, place, key, "an object");
}

bool import__array(struct import *import, const json_t *object, const char *place, const char *key,
                   bool required, const json_t **to)
{
    if (!member(import, object, place, key, required, to)) {
        return false;
    }
    return *to == NULL || json_is_array(*to) || unfit(import, place, key, "an array");
}

bool import__element(struct import *import, const json_t *array, size_t index, const char *place, double *to)
{
    const json_t *value = json_array_get(array, index);
    *to = NAN;
    if (json_is_number(value)) {
        *to = json_number_value(value);
    }
    return json_is_number(value) || json_is_null(value) ||
           import__fail(import, "'%s[%zu]' is not a number", place, index);
}

/* ---- writing ---- */

struct text {
    char *bytes;
    size_t size, room;
    bool failed;
};

static void append(struct text *text, const char *bytes, size_t size)
{
    if (text->failed) {
        return;
    }
    if (size + 1 > text->room - text->size) {
        size_t room = 2 * text->room + size + 64;
        char *grown = realloc(text->bytes, room);
        if (grown == NULL) {
            text->failed = true;
            return;
        }
        text->bytes = grown;
        text->room = room;
    }
    memcpy(text->bytes + text->size, bytes, size);
    text->size += size;
}

static void append_string(struct text *text, const char *string)
{
    append(text, "\"", 1);
    for (const char *at = string; *at != '\0';) {
        size_t plain = 0;
        while ((unsigned char)at[plain] >= 0x20 && at[plain] != '"' && at[plain] != '\\') {
            plain++;
        }
        append(text, at, plain);
        at += plain;
        if (*at != '\0') {
            char escape[8];
            if (*at == '"' || *at == '\\') {
                snprintf(escape, sizeof escape, "\\%c", *at);
            } else {
                snprintf(escape, sizeof escape, "\\u%04x", (unsigned)(unsigned char)*at);
            }
            append(text, escape, strlen(escape));
            at++;
        }
    }
    append(text, "\"", 1);
}

/* As few digits as give the same double again; the point is one in every locale. */
static void append_number(struct text *text, double value)
{
    char digits[40];
    if (fabs(value) < 9007199254740992.0 && value == trunc(value)) {
        snprintf(digits, sizeof digits, "%lld", (long long)value);
        append(text, digits, strlen(digits));
        return;
    }
    for (int precision = 15; precision <= 17; precision++) {
        snprintf(digits, sizeof digits, "%.*g", precision, value);
        if (strtod(digits, NULL) == value) { /* the same locale as snprintf's */
            break;
        }
    }
    bool pointed = false;
    for (const char *at = digits; *at != '\0'; at++) {
        if (strchr("0123456789+-e", *at) != NULL) {
            append(text, at, 1);
        } else if (!pointed) {
            append(text, ".", 1);
            pointed = true;
        }
    }
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void append_value(struct text *text, const json_t *value);

static void append_object(struct text *text, const json_t *object)
{
    size_t count = json_object_size(object);
    const char **keys = reallocarray(NULL, count + 1, sizeof *keys);
    if (keys == NULL) {
        text->failed = true;
        return;
    }
    size_t n = 0;
    json_t *iterable = (json_t *)(uintptr_t)object; /* an iterator is not const, and changes nothing */
    for (void *at = json_object_iter(iterable); at != NULL; at = json_object_iter_next(iterable, at)) {
        keys[n++] = json_object_iter_key(at);
    }
    qsort(keys, n, sizeof *keys, by_text);
    append(text, "{", 1);
    for (size_t i = 0; i < n && !text->failed; i++) {
        append(text, ",", i > 0);
        append_string(text, keys[i]);
        append(text, ":", 1);
        append_value(text, json_object_get(object, keys[i]));
    }
    append(text, "}", 1);
    free(keys);
}

/* As deep as jansson reads: 2048. */
static void append_value(struct text *text, const json_t *value)
{
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        append_object(text, value);
        break;
    case JSON_ARRAY:
        append(text, "[", 1);
        for (size_t i = 0; i < json_array_size(value) && !text->failed; i++) {
            append(text, ",", i > 0);
            append_value(text, json_array_get(value, i));
        }
        append(text, "]", 1);
        break;
    case JSON_STRING:
        append_string(text, json_string_value(value));
        break;
    case JSON_INTEGER:
    case JSON_REAL:
        append_number(text, json_number_value(value));
        break;
    case JSON_TRUE:
        append(text, "true", 4);
        break;
    case JSON_FALSE:
        append(text, "false", 5);
        break;
    default:
        append(text, "null", 4);
        break;
    }
}

char *import__canonical(const json_t *value, size_t *size)
{
    struct text text = {0};
    append_value(&text, value);
    append(&text, "", 1); /* the NUL */
    if (text.failed) {
        free(text.bytes);
        return NULL;
    }
    *size = text.size - 1;
    return text.bytes;
}
