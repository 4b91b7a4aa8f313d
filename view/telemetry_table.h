/* SPDX-License-Identifier: MIT */
/*
 * The counters, gauges, histograms, states, top-k and frames of a result, as tables. Private to view/.
 *
 * One table for each kind, and one for each top-k and each state; each has a few columns that fit into 80. What
 * counted nothing is left out, unless options->all, and the last line says how many that are.
 */
#ifndef TARE_VIEW_TELEMETRY_TABLE_H
#define TARE_VIEW_TELEMETRY_TABLE_H

#include "view/columns.h"

enum { TARE__GRID_COLUMNS = 8 };

/*
 * One table: text in cells, before any escaping. The first column is of text, on the left; the others on the
 * right.
 */
struct tare__grid {
    char *title;
    size_t columns;
    const char *headers[TARE__GRID_COLUMNS]; /* static */
    char **cells;                            /* row by row, `columns` in each */
    size_t rows;
};
struct tare__grids {
    struct tare__grid *grids;
    size_t count;
    size_t silent; /* instruments that are left out, as they counted nothing */
    int error;     /* -ENOMEM: some are missing */
};

/* The caller releases it, also after an error, which it also returns. */
int tare__grids_make(struct tare__grids *grids, const struct tare_result *result,
                     const struct tare_view_options *options);
void tare__grids_release(struct tare__grids *grids);

/* All of them on a terminal, each behind a blank line. Returns 0 or -ENOMEM. */
int tare__grids_print(const struct tare_result *result, const struct tare_view_options *options, FILE *out);

/*
 * How many frames there were in a second, pauses between them included, from when those of the ring began; NAN:
 * unknown. The mean frame time does not tell that: where frames wait for the display, they take less.
 */
double tare__frames_rate(const struct tare_instrument_figures *instrument);

/* As CSV, behind an empty line: a line for each figure. Nothing without instruments. */
void tare__instruments_csv(const struct tare_result *result, FILE *out);

#endif
