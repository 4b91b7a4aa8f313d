/* SPDX-License-Identifier: MIT */
/* What shows a history (history/model.h): series, points, runs and baselines as they are; no judgement. */
#ifndef TARE_VIEW_HISTORY_SHOW_H
#define TARE_VIEW_HISTORY_SHOW_H

#include <stdbool.h>
#include <stdio.h>

#include "history/model.h"
#include "view/view.h"

enum tare_history_view_what {
    TARE_HISTORY_VIEW_SERIES, /* a row each: last value, median, spread, a line of the trend */
    TARE_HISTORY_VIEW_POINTS, /* oldest first, series by series */
    TARE_HISTORY_VIEW_RUNS,   /* newest first */
    TARE_HISTORY_VIEW_BASELINES,
};

struct tare_history_view {
    enum tare_history_view_what what;
    const char *project; /* as a heading of JSON; NULL: unknown */
    bool color, ascii;
    int width;   /* columns of the terminal; 0: not a terminal, and nothing is cut */
    bool fold;   /* series whose points are all equal are counted below a table, not shown; others keep them */
    bool values; /* JSON has the points' values of blocks, which were read */
    const char *branch;         /* that the points are of (and of no known one); NULL: not chosen */
    size_t left_out;            /* points of other branches */
    const char *mixed_branches; /* names of those that share rows; NULL: no row has points of several */
};

/*
 * In the formats table, JSON (schema "tare-history", docs/man/tare-history.1.scd), CSV and Markdown; JSON and
 * CSV have all that is known, the points' values of blocks are in JSON where `values` says so. Returns 0,
 * -ENOMEM, or -EIO if the stream has an error.
 */
int tare_view_history(const struct tare_history *history, const struct tare_history_view *view,
                      enum tare_format format, FILE *out);

#endif
