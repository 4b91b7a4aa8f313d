/* SPDX-License-Identifier: MIT */
/* What the files of `tare check` share. */
#ifndef TARE_CLI_CHECK_H
#define TARE_CLI_CHECK_H

#include <stdio.h>

#include "view/budget.h"

/* What was judged, with what. */
struct check_report {
    struct tare_budget_report view;
    const char *result, *budget, *baseline; /* files; baseline NULL: none */
    const char *started;                    /* when the result was measured; NULL: unknown */
    const char *verdict;                    /* "pass", "fail" */
};

/* A budget's file. NULL after an error was printed, with the line; the caller frees it. */
struct tare_budget *check_read_budget(const char *path);

/* JSON of a check, and of a result's metrics. Both return 0, -ENOMEM or -EIO. */
int check_write_json(const struct check_report *report, FILE *out);
int check_write_metrics_json(const struct tare_metrics *metrics, const char *result, FILE *out);

#endif
