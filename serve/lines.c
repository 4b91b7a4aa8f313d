/* SPDX-License-Identifier: MIT */
/*
 * A series is known by a key: its labels, the name among them as __name__, each as name, 2, value, sorted,
 * with a 1 behind each. Labels without a value are none, to Prometheus and to us.
 */
#include "serve/lines.h"

#include <errno.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "serve/stream.h"

/* VictoriaMetrics looks up to a hundred alternatives up in its index; more are compared with every name. */
enum { LABELS_MAX = 64, NAMES_OF_A_MATCH = 50 };

struct labels {
    char *items[LABELS_MAX];
    size_t count;
};

struct keys {
    char **items;
    size_t count, capacity;
};

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void drop_labels(struct labels *labels)
{
    for (size_t i = 0; i < labels->count; i++) {
        free(labels->items[i]);
    }
    labels->count = 0;
}

/* A label of that name that was there is replaced. */
static bool put_label(struct labels *labels, const char *name, size_t name_size, const char *value)
{
    char *item = NULL;
    if (asprintf(&item, "%.*s\2%s", (int)name_size, name, value) < 0) {
        return false;
    }
    for (size_t i = 0; i < labels->count; i++) {
        if (strncmp(labels->items[i], item, name_size + 1) == 0) {
            free(labels->items[i]);
            labels->items[i] = labels->items[--labels->count];
            break;
        }
    }
    if (*value == '\0' || labels->count == LABELS_MAX) {
        free(item);
        return *value == '\0';
    }
    labels->items[labels->count++] = item;
    return true;
}

/* NULL: no memory. */
static char *key_of(struct labels *labels)
{
    struct tare__buffer out = {0};
    qsort(labels->items, labels->count, sizeof(labels->items[0]), by_text);
    for (size_t i = 0; i < labels->count; i++) {
        tare__buffer_text(&out, labels->items[i]);
        tare__buffer_text(&out, "\1");
    }
    tare__buffer_add(&out, "", 1);
    if (out.failed) {
        free(out.bytes);
        return NULL;
    }
    return out.bytes;
}

static size_t name_size(const char *at, const char *end)
{
    size_t size = 0;
    while (at + size < end && strchr("{ \t\n=\"", at[size]) == NULL) {
        size++;
    }
    return size;
}

/* name="value", with \\, \" and \n in it. Where it ends; NULL: it is none, or there is no room for it. */
static const char *read_label(const char *at, const char *end, struct labels *labels)
{
    size_t size = name_size(at, end), length = 0;
    const char *from = at + size + 2;
    if (size == 0 || from > end || at[size] != '=' || at[size + 1] != '"') {
        return NULL;
    }
    char *value = malloc((size_t)(end - from) + 1);
    const char *to = from;
    for (; value != NULL && to < end && *to != '"'; to++) {
        bool escaped = *to == '\\' && to + 1 < end;
        to += escaped;
        value[length++] = escaped && *to == 'n' ? '\n' : *to;
    }
    bool fine = value != NULL && to < end;
    if (fine) {
        value[length] = '\0';
        fine = put_label(labels, at, size, value);
    }
    free(value);
    return fine ? to + 1 : NULL;
}

/* The key of a line's series, malloc'ed; NULL: it is not understood. */
static char *key_of_line(const char *at, const char *end, const char *const *extra)
{
    struct labels labels = {.count = 0};
    size_t size = name_size(at, end);
    char *name = strndup(at, size), *key = NULL;
    bool fine = size > 0 && name != NULL && put_label(&labels, "__name__", strlen("__name__"), name);
    at += size;
    if (fine && at < end && *at == '{') {
        at++;
        while (fine && at < end && *at != '}') {
            at = read_label(at, end, &labels);
            fine = at != NULL;
            if (fine && at < end && *at == ',') {
                at++;
            }
        }
        fine = fine && at < end;
    }
    for (; fine && extra != NULL && *extra != NULL; extra++) {
        size_t part = strcspn(*extra, "=");
        fine = (*extra)[part] == '=' && put_label(&labels, *extra, part, *extra + part + 1);
    }
    key = fine ? key_of(&labels) : NULL;
    drop_labels(&labels);
    free(name);
    return key;
}

static bool has_time(const json_t *times, uint64_t unix_ms)
{
    for (size_t i = 0; i < json_array_size(times); i++) {
        if (json_is_integer(json_array_get(times, i)) &&
            (uint64_t)json_integer_value(json_array_get(times, i)) == unix_ms) {
            return true;
        }
    }
    return false;
}

static bool take_key(struct keys *keys, char *key)
{
    if (keys->count == keys->capacity) {
        size_t capacity = keys->capacity * 2 + 64;
        char **items = realloc(keys->items, capacity * sizeof(*items));
        if (items == NULL) {
            free(key);
            return false;
        }
        keys->items = items;
        keys->capacity = capacity;
    }
    keys->items[keys->count++] = key;
    return true;
}

/* One line of the export. False: no memory. */
static bool take_series(struct keys *keys, const char *line, size_t size, uint64_t unix_ms)
{
    json_t *root = json_loadb(line, size, 0, NULL), *metric = json_object_get(root, "metric");
    bool fine = true;
    if (json_is_object(metric) && has_time(json_object_get(root, "timestamps"), unix_ms)) {
        struct labels labels = {.count = 0};
        const char *name;
        json_t *value;
        bool understood = true;
        json_object_foreach(metric, name, value)
        {
            const char *text = json_string_value(value);
            understood = understood && text != NULL && put_label(&labels, name, strlen(name), text);
        }
        char *key = understood ? key_of(&labels) : NULL;
        fine = key == NULL || take_key(keys, key);
        drop_labels(&labels);
    }
    json_decref(root);
    return fine;
}

char *tare__lines_missing(const char *batch, size_t size, const char *export, size_t export_size,
                          const char *const *extra, uint64_t unix_ms, size_t *rest_size)
{
    struct keys keys = {0};
    bool fine = true;
    for (size_t at = 0; fine && at < export_size;) {
        const char *end = memchr(export + at, '\n', export_size - at);
        size_t length = end != NULL ? (size_t)(end - export) - at : export_size - at;
        fine = take_series(&keys, export + at, length, unix_ms);
        at += length + 1;
    }
    if (keys.count > 0) {
        qsort(keys.items, keys.count, sizeof(*keys.items), by_text);
    }
    struct tare__buffer rest = {0};
    for (size_t at = 0; fine && at < size;) {
        const char *newline = memchr(batch + at, '\n', size - at);
        size_t length = newline != NULL ? (size_t)(newline - batch) - at + 1 : size - at;
        char *key = keys.count > 0 ? key_of_line(batch + at, batch + at + length, extra) : NULL;
        if (key == NULL || bsearch(&key, keys.items, keys.count, sizeof(*keys.items), by_text) == NULL) {
            tare__buffer_add(&rest, batch + at, length);
        }
        free(key);
        at += length;
    }
    *rest_size = rest.size;
    tare__buffer_add(&rest, "", 1);
    for (size_t i = 0; i < keys.count; i++) {
        free(keys.items[i]);
    }
    free(keys.items);
    if (!fine || rest.failed) {
        free(rest.bytes);
        return NULL;
    }
    return rest.bytes;
}

/* The names of a batch, sorted, each once. False: no memory. */
static bool names_of(const char *batch, size_t size, struct keys *names)
{
    for (size_t at = 0; at < size;) {
        const char *newline = memchr(batch + at, '\n', size - at);
        size_t length = newline != NULL ? (size_t)(newline - batch) - at + 1 : size - at;
        size_t part = name_size(batch + at, batch + at + length);
        const char *last = names->count > 0 ? names->items[names->count - 1] : "";
        /* Only what is a name goes into the request; those of one family stand together. */
        if (part > 0 && batch[at] != '#' &&
            strspn(batch + at, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_:") >= part &&
            (strlen(last) != part || strncmp(last, batch + at, part) != 0)) {
            char *name = strndup(batch + at, part);
            if (name == NULL || !take_key(names, name)) {
                return false;
            }
        }
        at += length;
    }
    if (names->count > 0) {
        qsort(names->items, names->count, sizeof(*names->items), by_text);
    }
    return true;
}

char *tare__lines_query(const char *batch, size_t size, uint64_t unix_ms)
{
    struct keys names = {0};
    struct tare__buffer out = {0};
    bool fine = names_of(batch, size, &names);
    char times[96];
    /* Up to the ms after it, since a range of nothing is taken for a mistake. */
    snprintf(times, sizeof(times), "start=%llu.%03u&end=%llu.%03u&reduce_mem_usage=1",
             (unsigned long long)(unix_ms / 1000), (unsigned)(unix_ms % 1000),
             (unsigned long long)((unix_ms + 1) / 1000), (unsigned)((unix_ms + 1) % 1000));
    tare__buffer_text(&out, times);
    size_t written = 0;
    for (size_t i = 0; i < names.count; i++) {
        if (i > 0 && strcmp(names.items[i], names.items[i - 1]) == 0) {
            continue;
        }
        bool begins = written++ % NAMES_OF_A_MATCH == 0;
        tare__buffer_text(&out, !begins        ? "%7C"
                                : written == 1 ? "&match[]={__name__=~%22"
                                               : "%22}&match[]={__name__=~%22");
        tare__buffer_text(&out, names.items[i]);
    }
    tare__buffer_text(&out, written > 0 ? "%22}" : "");
    tare__buffer_add(&out, "", 1);
    for (size_t i = 0; i < names.count; i++) {
        free(names.items[i]);
    }
    free(names.items);
    if (!fine || out.failed) {
        free(out.bytes);
        return NULL;
    }
    return out.bytes;
}
