/* SPDX-License-Identifier: MIT */
/* What shows a result: tables for people, CSV, Markdown. JSON is result/json.h. */
#ifndef TARE_VIEW_VIEW_H
#define TARE_VIEW_VIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "result/model.h"

enum tare_unit {
    TARE_UNIT_TIME, /* ns, µs, ms, s */
    TARE_UNIT_TICKS,
};

enum tare_format {
    TARE_FORMAT_TABLE,
    TARE_FORMAT_JSON,
    TARE_FORMAT_CSV,
    TARE_FORMAT_MARKDOWN,
    /* Of profiles alone: view/profile_exports.h. */
    TARE_FORMAT_FOLDED,
    TARE_FORMAT_PPROF,
    TARE_FORMAT_SPEEDSCOPE,
    TARE_FORMAT_FIREFOX,
    TARE_FORMAT_CHROME,
    TARE_FORMAT_SVG, /* view/flame.h */
    TARE_FORMAT_HTML,
};

struct tare_view_options {
    enum tare_unit unit;
    bool all;            /* also timers without calls */
    bool color;          /* escape sequences may be used */
    bool ascii;          /* "us" and "+-" instead of "µs" and "±": the locale is not UTF-8 */
    int width;           /* columns of the terminal; 0: not a terminal (the table is then 97 wide) */
    const char *columns; /* comma-separated; NULL: what fits */
    const char *sort;    /* a column's name, with a '-' before it to reverse; NULL: module, then declaration */
    bool per_process;    /* a table for each process */
    bool full;           /* of benchmarks: every figure */
};

/* Checks `columns` and `sort`. Returns 0, or -EINVAL with a line in `message` that names the near miss. */
int tare_view_check(const struct tare_view_options *options, char *message, size_t message_size);

/* Each returns 0, -EINVAL for what tare_view_check() refuses, -ENOMEM, or -EIO if the stream has an error. */
int tare_view_table(const struct tare_result *result, const struct tare_view_options *options, FILE *out);
int tare_view_csv(const struct tare_result *result, const struct tare_view_options *options, FILE *out);
int tare_view_markdown(const struct tare_result *result, const struct tare_view_options *options, FILE *out);

/* The columns that can be asked for, NULL-terminated, with a line of explanation each. */
struct tare_view_column_info {
    const char *name;
    const char *help;
};
extern const struct tare_view_column_info tare_view_columns[];

#endif
