/* SPDX-License-Identifier: MIT */
/*
 * What shows a profile (record/profile.h) by its functions: a table for people, CSV, Markdown. The formats that
 * other viewers open are in view/profile_exports.h, the flame graph in view/flame.h.
 */
#ifndef TARE_VIEW_PROFILE_H
#define TARE_VIEW_PROFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "result/model.h"
#include "view/view.h"

#define TARE_PROFILE_TOP 20

enum tare_profile_show {
    TARE_PROFILE_FUNCTIONS, /* the top table */
    TARE_PROFILE_CALLERS,   /* of one function */
    TARE_PROFILE_CALLEES,
    TARE_PROFILE_ANNOTATE, /* its lines, beside the text of the source where that can be read */
};

enum tare_profile_by {
    TARE_PROFILE_BY_NOTHING,
    TARE_PROFILE_BY_THREAD,
    TARE_PROFILE_BY_PROCESS,
    TARE_PROFILE_BY_TIMER,
};

struct tare_profile_view {
    enum tare_profile_show show;
    uint32_t frame;          /* any one of the function that callers, callees and lines are wanted of */
    size_t top;              /* rows of a table at most; 0: all */
    bool by_total;           /* sorted by total; else by self */
    enum tare_profile_by by; /* a table for each thread, process or timer, the one with most samples first */
    const bool *timers;      /* as in struct tare_profile_filter */
    const char *source;      /* a directory in which source files are looked for, too; NULL: none */
};

/*
 * `view` NULL: the 20 functions with most self time, and of a profile by timer also the first of each timer.
 * Only options->color, ascii and width are looked at (0: not a terminal; tables are then 97 columns wide at most,
 * which names are cut to, and lines of source are whole). Returns 0, -ENOMEM, -EIO if the stream has an error, -EINVAL for a result without profile or
 * TARE_FORMAT_JSON. May run in several threads on results that do not change.
 */
int tare_view_profile(const struct tare_result *result, const struct tare_view_options *options,
                      const struct tare_profile_view *view, enum tare_format format, FILE *out);

#endif
