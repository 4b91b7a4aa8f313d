/* SPDX-License-Identifier: MIT */
/*
 * What shows a result of kind "bench" (result/benchmarks.h): blocks for people that can be printed one
 * benchmark at a time, Markdown, CSV. JSON is result/json.h.
 *
 * Percent are of time: 2 % faster takes 2 % less of it. Only options->color, ascii, width (0: not a terminal,
 * laid out for 80 columns and nothing cut) and full are looked at. Each function returns 0, -ENOMEM, or -EIO if
 * the stream has an error; -EINVAL for a result without `bench`, or what a format does not have. Any number of
 * threads may use them on results that do not change.
 */
#ifndef TARE_VIEW_BENCH_H
#define TARE_VIEW_BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "result/model.h"
#include "view/view.h"

/*
 * The whole of it. `plot`: a histogram of the kept values of each arm (in CSV: none). -EINVAL for
 * TARE_FORMAT_JSON.
 */
int tare_view_bench(const struct tare_result *result, const struct tare_view_options *options,
                    enum tare_format format, bool plot, FILE *out);

/*
 * The same as a table, as a long call goes on: each benchmark when it is done, `index` from 0 in order (the
 * first brings the line of column names, and says what A and B are), and at last what is said of all
 * together: growth, counts of verdicts, notes.
 */
int tare_view_bench_one(const struct tare_result *result, size_t index, const struct tare_view_options *options,
                        bool plot, FILE *out);
int tare_view_bench_end(const struct tare_result *result, const struct tare_view_options *options, FILE *out);

/* Histograms of the values that were kept, all arms over one axis; part of the above. */
int tare_view_bench_plot(const struct tare_result_benchmark *benchmark, const struct tare_view_options *options,
                         FILE *out);

#endif
