/* SPDX-License-Identifier: MIT */
/* What the forms of a history share: rows as a table, and what they are made of. Private to view/. */
#ifndef TARE_VIEW_HISTORY_ROWS_H
#define TARE_VIEW_HISTORY_ROWS_H

#include <jansson.h>

#include "view/columns.h"
#include "view/escape.h"
#include "view/history_show.h"

/* "2026-11-22T10:00:00Z", or for people "2026-11-22 10:00", both in UTC; "-" if unknown. Returns `text`. */
enum { TARE__HISTORY_TIME = 32 };
const char *tare__history_time(char text[TARE__HISTORY_TIME], int64_t ms, bool exact);

/* The runs, newest first; to be freed. NULL without memory. */
const struct tare_history_run **tare__history_runs(const struct tare_history *history);

/* What a series' row has. */
struct tare__history_levels {
    double last, median; /* NAN: no points */
    double
        spread; /* robust standard deviation (1.4826 MAD) / median; NAN: fewer than 3 points, or not above 0 */
    double low, high; /* smallest and largest of the points that the trend shows */
    bool constant;    /* all points have one value; of no points false */
};
int tare__history_levels(const struct tare_history_line *line, struct tare__history_levels *levels);

/* Table and Markdown. 0 or -ENOMEM. */
int tare__history_table(const struct tare_history *history, const struct tare_history_view *view,
                        enum tare_format format, FILE *out);

/*
 * Below it: which benchmarks have their points in several series, because machines, settings or what measured
 * differ, and which part of it differs. Nothing where there are none. 0 or -ENOMEM.
 */
int tare__history_mixed(const struct tare_history *history, const struct tare_history_view *view,
                        enum tare_format format, FILE *out);

#endif
