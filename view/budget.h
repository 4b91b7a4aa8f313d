/* SPDX-License-Identifier: MIT */
/*
 * What shows how a result stands to its budget (result/budget.h), and the metrics of a result: tables for
 * people, Markdown. Of the options only color, ascii and width (0: not a terminal, nothing is cut) are looked
 * at. Each function returns 0, -ENOMEM, or -EIO if the stream has an error.
 */
#ifndef TARE_VIEW_BUDGET_H
#define TARE_VIEW_BUDGET_H

#include <stddef.h>
#include <stdio.h>

#include "result/budget.h"
#include "view/view.h"

struct tare_budget_report {
    const struct tare_judged *judged; /* in the order of the budget */
    size_t count;
    double confidence;        /* of the result's intervals; NAN: unknown */
    const char *const *notes; /* sentences to stand below; NULL-terminated */
};

/* -EINVAL for a format other than table and Markdown. */
int tare_view_budget(const struct tare_budget_report *report, const struct tare_view_options *options,
                     enum tare_format format, FILE *out);

/* Each metric as a section of a budget would begin, with its value and interval. */
int tare_view_metrics(const struct tare_metrics *metrics, const struct tare_view_options *options,
                      enum tare_format format, FILE *out);

/*
 * A metric's name as a budget has it between its brackets: what a terminal would obey, line ends and
 * backslashes are escaped; `ascii`: also what is not ASCII. The caller frees it; NULL without memory.
 */
char *tare_view_metric_name(const char *name, bool ascii);

/*
 * A value of that unit for people: "1.234 µs", "3.000 MB/s", "-" where it is unknown. `counted`: it is a whole number.
 * Returns `text`.
 */
enum { TARE_VIEW_METRIC_VALUE = 96 };
const char *tare_view_metric_value(char text[TARE_VIEW_METRIC_VALUE], enum tare_metric_unit unit, double value,
                                   bool counted, bool ascii);

/* How many of each kind there are. */
void tare_view_budget_counts(const struct tare_budget_report *report, size_t counts[TARE_JUDGEMENTS]);

#endif
