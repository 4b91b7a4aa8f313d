/* SPDX-License-Identifier: MIT */
/*
 * What shows how a history was judged (history/check.h): lines for people, Markdown for a job's summary or a
 * comment on a pull request, JSON (docs/history-check.schema.json). Of the options only color, ascii and
 * width (0: not a terminal) are looked at; lines for people are wrapped at 80 columns, or at the terminal's
 * width.
 */
#ifndef TARE_VIEW_HISTORY_CHECK_H
#define TARE_VIEW_HISTORY_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "history/check.h"
#include "view/view.h"

struct tare_history_check_view {
    const struct tare_history_report *report;
    const struct tare_history *history; /* that it is of */
    const char *project;                /* NULL: several */
    const char *branch;                 /* that the points are of; NULL: of all */
    const char *against, *since;        /* as they were given; NULL: were not */
    const char *rerun;                  /* a command that measures again; NULL: none is known */
    const char *const *notes;           /* sentences to stand below; NULL-terminated; NULL: none */
};

/* 0; -EINVAL for a format other than table, Markdown and JSON; -ENOMEM; -EIO if the stream has an error. */
int tare_view_history_check(const struct tare_history_check_view *view, const struct tare_view_options *options,
                            enum tare_format format, FILE *out);

#endif
