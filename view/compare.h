/* SPDX-License-Identifier: MIT */
/*
 * What shows a comparison of results (result/compare.h): tables for people, Markdown for a discussion, CSV.
 * Percent are of time: + 2 % takes 2 % more of it. Any number of threads may use this on what does not change.
 */
#ifndef TARE_VIEW_COMPARE_H
#define TARE_VIEW_COMPARE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "result/compare.h"
#include "view/view.h"

/* A result that takes part, and what it has in common with the old one. */
struct tare_compare_source {
    const char *label; /* what its user calls it: a file */
    const struct tare_result *result;
    uint32_t different; /* of tare_fingerprint_compare() with the old one */
    bool unknown;       /* one of the two has no fingerprint */
};

struct tare_compare_report {
    struct tare_compare_source old;
    const struct tare_compare_source *news;    /* as many as there are sections, in their order */
    const struct tare_compare_source *control; /* NULL: none */
    const struct tare_compared *compared;
};

/*
 * Shows it in a format other than TARE_FORMAT_JSON. Of the options, columns, color, ascii and width count.
 * Where width is 0 a table is laid out for 80 columns, and nothing is cut; CSV has all fields, whatever the
 * columns. Returns 0, -EINVAL for columns that are not in the list below and for JSON, -ENOMEM, or -EIO if the
 * stream has an error.
 */
int tare_view_compare(const struct tare_compare_report *report, const struct tare_view_options *options,
                      enum tare_format format, FILE *out);

/* The columns that can be asked for, NULL-terminated. */
extern const struct tare_view_column_info tare_view_compare_columns[];

#endif
