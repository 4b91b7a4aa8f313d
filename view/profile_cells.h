/* SPDX-License-Identifier: MIT */
/* A small table of texts, and how it is printed for people and in Markdown. Private to view/profile_*.c. */
#ifndef TARE_VIEW_PROFILE_CELLS_H
#define TARE_VIEW_PROFILE_CELLS_H

#include <stdbool.h>
#include <stddef.h>

#include "view/bench_text.h"

enum { TARE__CELLS_COLUMNS = 8 };

struct tare__cells_column {
    const char *header;
    bool text;     /* left-aligned; else right */
    bool flexible; /* gets what room there is, and is cut in the middle to it */
    bool verbatim; /* blanks mean something: source text, cut at its end */
    bool dim;      /* of an error, in colour */
    size_t most;   /* columns of a terminal that it takes at most; 0: as many as it needs */
};

/* Begins as {.columns = ..., .column_count = ...}. After an error nothing more is added. */
struct tare__cells {
    const struct tare__cells_column *columns;
    size_t column_count;
    char **texts; /* row by row */
    size_t row_count, capacity;
    int error;
};

/* A row of as many texts as there are columns; they are copied, made safe. */
void tare__cells_add(struct tare__cells *cells, const char *const texts[], bool ascii);
void tare__cells_release(struct tare__cells *cells);

/* Prints the header and the rows. An error goes into `lines`. */
void tare__cells_table(const struct tare__cells *cells, struct tare__lines_out *lines);
/* The same in Markdown. Returns 0 or -ENOMEM. */
int tare__cells_markdown(const struct tare__cells *cells, bool ascii, FILE *out);

#endif
