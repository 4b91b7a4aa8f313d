/* SPDX-License-Identifier: MIT */
/*
 * Small files of /proc and /sys, below a root that tests choose ("" is the real one). In containers and under
 * emulators these files are whatever somebody made them, so every read is bounded and takes regular files
 * alone. Private to record/.
 */
#ifndef TARE_RECORD_FILES_H
#define TARE_RECORD_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum { TARE__FILE_PATH = 4096 };

/*
 * Up to size - 1 bytes, and a NUL behind them. Returns the length, or -errno; `buffer` is "" then. Thread-safe,
 * as all functions here.
 */
ssize_t tare__file_read(const char *root, const char *name, char *buffer, size_t size);

/* The whole file, of `limit` bytes at most, with a NUL behind it; the caller frees it. NULL: not to be read. */
char *tare__file_load(const char *root, const char *name, size_t limit);

/*
 * The first line without blanks at its ends, made fit for a terminal. Returns 0, or -errno (-ENODATA for an
 * empty line); `text` is "" then.
 */
int tare__file_line(const char *root, const char *name, char *text, size_t size);

/* A decimal number that stands alone on the first line. Returns 0, -EINVAL for anything else, or -errno. */
int tare__file_number(const char *root, const char *name, long long *value);

/*
 * What stands in brackets, as in "always [madvise] never"; without brackets the line as it is. Returns as
 * tare__file_line().
 */
int tare__file_choice(const char *root, const char *name, char *text, size_t size);

/* Whether there is a file or folder of that name. */
bool tare__file_exists(const char *root, const char *name);

/* Whether one of the words of the first line, separated by blanks, is `word`. */
bool tare__file_has_word(const char *root, const char *name, const char *word);

/*
 * The numbers N of a folder's entries "prefixN", ascending, `room` of them at most. Returns how many were
 * stored; 0 also where the folder cannot be read.
 */
size_t tare__file_numbered(const char *root, const char *folder, const char *prefix, unsigned *numbers,
                           size_t room);

/* How many processors or nodes a list like "0-3,6" names; 0 if it is none. */
uint32_t tare__list_count(const char *list);

#endif
