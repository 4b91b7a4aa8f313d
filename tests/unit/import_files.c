/* SPDX-License-Identifier: MIT */
/* See import_files.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "history/import.h"
#include "tests/unit/import_files.h"

static struct tare_origin nowhere(void)
{
    static char project[] = "p";
    return (struct tare_origin){.project = project, .dirty = -1};
}

struct imported import_bytes(enum tare_import_format format, const char *path, const char *bytes, size_t size,
                             const struct tare_origin *origin)
{
    struct imported imported = {0};
    const struct tare_import_file file = {path, bytes, size};
    const struct tare_origin none = nowhere();
    imported.failure =
        tare_import(format, &file, 1, origin != NULL ? origin : &none, IMPORT_WHEN_MS, &imported.records,
                    &imported.count, imported.message, sizeof imported.message);
    return imported;
}

struct imported import_text(enum tare_import_format format, const char *path, const char *text)
{
    return import_bytes(format, path, text, strlen(text), NULL);
}

char *read_whole_file(const char *path, size_t *size)
{
    FILE *file = fopen(path, "r");
    char *text = NULL;
    size_t room = 0;
    ssize_t length = file != NULL ? getdelim(&text, &room, EOF, file) : -1;
    if (file != NULL) {
        fclose(file);
    }
    if (length < 0) {
        free(text);
        return NULL;
    }
    *size = (size_t)length;
    return text;
}

struct imported import_path(enum tare_import_format format, const char *path)
{
    enum { MOST = 4 };
    struct tare_import_file files[MOST];
    char *paths[MOST] = {0};
    char *texts[MOST] = {0};
    size_t count = 0;
    const char *const *neighbours = tare_import_neighbours(path);
    const char *slash = strrchr(path, '/');
    struct imported imported = {0};
    const struct tare_origin none = nowhere();
    for (size_t i = 0; i < MOST && (i == 0 || neighbours[i - 1] != NULL); i++) {
        assert_true(asprintf(&paths[count], "%.*s%s",
                             i == 0          ? 0
                             : slash != NULL ? (int)(slash + 1 - path)
                                             : 0,
                             path, i == 0 ? path : neighbours[i - 1]) > 0);
        size_t size = 0;
        texts[count] = read_whole_file(paths[count], &size);
        if (texts[count] == NULL) {
            free(paths[count]);
            paths[count] = NULL;
            continue;
        }
        files[count] = (struct tare_import_file){paths[count], texts[count], size};
        count++;
    }
    imported.failure = tare_import(format, files, count, &none, IMPORT_WHEN_MS, &imported.records,
                                   &imported.count, imported.message, sizeof imported.message);
    for (size_t i = 0; i < count; i++) {
        free(paths[i]);
        free(texts[i]);
    }
    return imported;
}

void imported_release(struct imported *imported)
{
    for (size_t i = 0; i < imported->count; i++) {
        tare_history_record_release(&imported->records[i]);
    }
    free(imported->records);
    *imported = (struct imported){0};
}

static const struct tare_history_line *find(const struct tare_history_record *record, const char *title)
{
    const struct tare_history_line *found = NULL;
    for (size_t i = 0; i < record->line_count && found == NULL; i++) {
        char *of_line = tare_history_title(&record->lines[i].series);
        assert_non_null(of_line);
        found = strcmp(of_line, title) == 0 ? &record->lines[i] : NULL;
        free(of_line);
    }
    return found;
}

const struct tare_history_line *import_line(const struct tare_history_record *record, const char *title)
{
    const struct tare_history_line *found = find(record, title);
    if (found == NULL) {
        fail_msg("there is no '%s'", title);
    }
    return found;
}

const struct tare_history_point *import_point(const struct tare_history_record *record, const char *title)
{
    return &import_line(record, title)->points[0];
}

bool import_has(const struct tare_history_record *record, const char *title)
{
    return find(record, title) != NULL;
}

void assert_refused(struct imported imported, const char *why)
{
    if (imported.failure == 0 || strstr(imported.message, why) == NULL ||
        strchr(imported.message, '\n') != NULL) {
        fail_msg("%d '%s' instead of '%s'", imported.failure, imported.message, why);
    }
    assert_null(imported.records);
    assert_int_equal(imported.count, 0);
}
