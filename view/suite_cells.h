/* SPDX-License-Identifier: MIT */
/* What the views of a suite share. Private to view/. */
#ifndef TARE_VIEW_SUITE_CELLS_H
#define TARE_VIEW_SUITE_CELLS_H

#include <stdbool.h>
#include <stdio.h>

#include "result/model.h"
#include "view/bench_text.h"
#include "view/view.h"

/* Sides that were measured. */
size_t tare__suite_sides(const struct tare_result_suite *suite);
/* NULL: the side with that label of arms has no such benchmark. */
const struct tare_result_arm *tare__suite_arm(const struct tare_result_benchmark *benchmark, const char *label);
/* Of that arm with the first one; NULL: there is none. */
const struct tare_comparison *tare__suite_comparison(const struct tare_result_benchmark *benchmark,
                                                     const char *label);
const struct tare_suite_item *tare__suite_item(const struct tare_result_suite *suite, const char *benchmark);
/*
 * Of single operations, or of a part of each, by the suite's own timer around them, so that it may lie below the median; of
 * laps, divided by their steps. NAN: there is none.
 */
double tare__suite_p99(const struct tare_result_suite *suite, const struct tare_result_arm *arm);
/* The median, with two digits at least. */
char *tare__suite_time(char text[TARE__NUMBER_TEXT], const struct tare_result_arm *arm, bool ascii);
/* Whether the comparison has an interval; NULL has none. */
bool tare__suite_is_certain(const struct tare_comparison *found);
/* To the first arm: the comparison's, or where there were too few rounds for one, that of the medians; NAN: unknown. */
double tare__suite_ratio_of(const struct tare_result_benchmark *benchmark, const struct tare_result_arm *arm,
                            const struct tare_comparison *found);
/* "12.3 x", "~12.3 x" */
char *tare__suite_ratio(char text[TARE__NUMBER_TEXT], double ratio, bool certain);

/* Whether the sides are so many that a matrix shows them: then a row of tare_view_suite_one() has the first side alone. */
bool tare__suite_is_matrix(const struct tare_result_suite *suite);
/* suite_matrix.c: benchmarks by sides, as a table or in Markdown. */
int tare__suite_matrix(const struct tare_result *result, const struct tare_view_options *options,
                       enum tare_format format, FILE *out);
/* suite_figures.c: figures that follow, and hypotheses, as tables or in Markdown. */
int tare__suite_figures(const struct tare_result *result, const struct tare_view_options *options,
                        enum tare_format format, FILE *out);
/* suite_csv.c, suite_plot.c */
int tare__suite_csv(const struct tare_result *result, FILE *out);
int tare__suite_svg(const struct tare_result *result, FILE *out);
int tare__suite_html(const struct tare_result *result, FILE *out);

#endif
