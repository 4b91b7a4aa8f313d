/* SPDX-License-Identifier: MIT */
/* The text of a source file that debug information names, line by line: for annotation. */
#ifndef TARE_RECORD_SOURCE_TEXT_H
#define TARE_RECORD_SOURCE_TEXT_H

#include <stddef.h>
#include <time.h>

struct tare_source_text {
    char *path;      /* where it was found */
    time_t modified; /* when it was last changed */
    char *text;
    const char **lines; /* in `text`, without their ends; lines[0] is line 1 */
    size_t count;
};

/*
 * Looks for `file` as it was recorded; then the same path, and each shorter end of it (from "/build/x/src/a.c"
 * on "build/x/src/a.c", "x/src/a.c", "src/a.c", "a.c"), below `directory` (NULL: none) and in the current
 * directory. Only regular files of 64 MiB at most are read. Returns 0, -ENOENT or -ENOMEM; release it in any
 * case. Safe from several threads.
 */
int tare_source_text_read(struct tare_source_text *source, const char *file, const char *directory);
void tare_source_text_release(struct tare_source_text *source);

#endif
