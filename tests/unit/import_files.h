/* SPDX-License-Identifier: MIT */
/* What the tests of history/import.h share. Include behind <cmocka.h>. */
#ifndef TARE_TESTS_IMPORT_FILES_H
#define TARE_TESTS_IMPORT_FILES_H

#include "history/import.h"

struct imported {
    int failure;
    char message[TARE_IMPORT_MESSAGE];
    struct tare_history_record *records;
    size_t count;
};

enum { IMPORT_WHEN_MS = 12345000 }; /* the time that files are said to have */

/* Of a path and text that ends with NUL; the project is "p". */
struct imported import_text(enum tare_import_format format, const char *path, const char *text);
/* Of files on the disk: the first one's neighbours are read with it. */
struct imported import_path(enum tare_import_format format, const char *path);
struct imported import_bytes(enum tare_import_format format, const char *path, const char *bytes, size_t size,
                             const struct tare_origin *origin);
void imported_release(struct imported *imported);

/* The line of a record that is shown under this title; fails the test if there is none. */
const struct tare_history_line *import_line(const struct tare_history_record *record, const char *title);
/* Of that line the point. */
const struct tare_history_point *import_point(const struct tare_history_record *record, const char *title);
bool import_has(const struct tare_history_record *record, const char *title);
/* Fails the test unless it was refused with a message that has this in it. */
void assert_refused(struct imported imported, const char *why);

/* All of a file, with a NUL behind it; NULL if it cannot be read. */
char *read_whole_file(const char *path, size_t *size);

#endif
