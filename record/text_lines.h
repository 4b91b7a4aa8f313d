/* SPDX-License-Identifier: MIT */
/*
 * A stream line by line, fast and within a bound: what other tools print can be hundreds of megabytes, or no text
 * at all. Private to record/.
 */
#ifndef TARE_RECORD_TEXT_LINES_H
#define TARE_RECORD_TEXT_LINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum { TARE__LINE_MAX = 65536 }; /* bytes of one line; longer ones are damaged */

struct tare__lines {
    FILE *in;
    char *buffer;
    size_t from, to; /* what of the buffer has not been given out */
    uint64_t number; /* of the line that was given out last, from 1 */
    bool ended, damaged;
};

/* Returns 0 or -ENOMEM. */
int tare__lines_begin(struct tare__lines *lines, FILE *in);
void tare__lines_end(struct tare__lines *lines);

/*
 * The next line, a NUL in place of its newline, valid until the next call; NULL at the end, for which ferror()
 * knows a reason. A line that is too long or has a NUL within comes as what is in front of that, and `damaged` is
 * set.
 */
char *tare__lines_next(struct tare__lines *lines, size_t *length);

#endif
