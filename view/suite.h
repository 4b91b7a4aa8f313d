/* SPDX-License-Identifier: MIT */
/*
 * What shows a result of `tare suite` (result/suite.h): rows by groups, a column for each side where there are few of them,
 * a matrix where there are many, and what follows from the benchmarks. Of the options only color, ascii, width (0: not a
 * terminal, laid out for 80 columns) and full are looked at. Each function returns 0, -ENOMEM, or -EIO if the stream has an
 * error; -EINVAL for a result without `suite`, or a format that is none of these. Any number of threads may use them on
 * results that do not change.
 */
#ifndef TARE_VIEW_SUITE_H
#define TARE_VIEW_SUITE_H

#include <stdio.h>

#include "result/budget.h"
#include "result/model.h"
#include "view/view.h"

/* The whole of it: table, Markdown, CSV, SVG (a picture of the matrix or of the medians) or HTML (all of it, by itself). */
int tare_view_suite(const struct tare_result *result, const struct tare_view_options *options,
                    enum tare_format format, FILE *out);

/*
 * The same as a table while a suite goes on: what it is, each benchmark when it is done (`index` in bench->benchmarks, from
 * 0 in order), and at last what is said of all together.
 */
int tare_view_suite_begin(const struct tare_result *result, const struct tare_view_options *options, FILE *out);
int tare_view_suite_one(const struct tare_result *result, size_t index, const struct tare_view_options *options,
                        FILE *out);
int tare_view_suite_end(const struct tare_result *result, const struct tare_view_options *options, FILE *out);

/*
 * How it stands to a budget, of which these metrics were judged: each with the p99 of single operations of its benchmark, and a
 * line that counts. `left`: how many metrics of the budget were not measured.
 */
int tare_view_suite_budget(const struct tare_result *result, const struct tare_judged *judged, size_t count, size_t left,
                           const struct tare_view_options *options, FILE *out);

#endif
