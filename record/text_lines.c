/* SPDX-License-Identifier: MIT */
/* Blocks are read into one buffer, and lines are found in place: nothing is copied but the rest of a block. */
#include "record/text_lines.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ROOM = 4 * TARE__LINE_MAX };

int tare__lines_begin(struct tare__lines *lines, FILE *in)
{
    *lines = (struct tare__lines){.in = in, .buffer = malloc(ROOM + 1)};
    return lines->buffer != NULL ? 0 : -ENOMEM;
}

void tare__lines_end(struct tare__lines *lines)
{
    free(lines->buffer);
    lines->buffer = NULL;
}

/* More behind what there is. False at the end of the stream. */
static bool fill(struct tare__lines *lines)
{
    if (lines->ended) {
        return false;
    }
    memmove(lines->buffer, lines->buffer + lines->from, lines->to - lines->from);
    lines->to -= lines->from;
    lines->from = 0;
    size_t n = fread(lines->buffer + lines->to, 1, ROOM - lines->to, lines->in);
    lines->to += n;
    lines->ended = n == 0;
    return n != 0;
}

char *tare__lines_next(struct tare__lines *lines, size_t *length)
{
    char *newline = NULL;
    size_t looked = 0;
    bool skipping = false;
    lines->damaged = false;
    for (;;) {
        size_t left = lines->to - lines->from;
        newline = memchr(lines->buffer + lines->from + looked, '\n', left - looked);
        if (newline != NULL) {
            break;
        }
        looked = left;
        if (left > TARE__LINE_MAX) { /* keep its beginning, and let the rest go by */
            lines->to = lines->from + TARE__LINE_MAX;
            looked = TARE__LINE_MAX;
            skipping = true;
        }
        if (!fill(lines)) {
            if (lines->to == lines->from) {
                return NULL;
            }
            newline = lines->buffer + lines->to; /* the last line, without one; there is room for the NUL */
            break;
        }
    }
    char *line = lines->buffer + lines->from;
    *newline = '\0';
    size_t whole = (size_t)(newline - line), visible = strlen(line);
    lines->from += whole + (lines->from + whole < lines->to);
    lines->damaged = visible != whole || whole > TARE__LINE_MAX || skipping;
    if (visible > TARE__LINE_MAX) {
        line[TARE__LINE_MAX] = '\0';
        visible = TARE__LINE_MAX;
    }
    lines->number++;
    *length = visible;
    return line;
}
