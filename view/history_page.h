/* SPDX-License-Identifier: MIT */
/*
 * History as the dashboard: its data (docs/history-page.schema.json), the page that shows them, and the same as
 * Markdown for a comment or a job's summary. Each function returns 0; -ENOMEM; -EINVAL (an index that is not in
 * the history); or -EIO if the stream has an error.
 */
#ifndef TARE_VIEW_HISTORY_PAGE_H
#define TARE_VIEW_HISTORY_PAGE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "history/check.h"

/* Of a comment at GitHub, in characters; what is written has no more bytes than that. */
#define TARE_HISTORY_MARKDOWN_MOST 65536

struct tare_history_page {
    const struct tare_history *history;
    const struct tare_history_report *report; /* of that history */
    const char *title;                        /* NULL: made of the project's name */
    const char *project;                      /* NULL: several */
    const char *branch;                       /* that is judged; NULL: all */
    int64_t made_ms;                          /* Unix time */
    const char *link_commit; /* URL of a commit's page, with "{commit}"; NULL: the link that a commit has */
};

/* Whether "{commit}" is in it, and it is a link by tare_history_is_link() once an id stands there. */
bool tare_history_is_link_commit(const char *text);

/*
 * One JSON object. Whole numbers up to 2^53 are exact; other values are rounded to 8 significant digits, ends
 * of intervals outwards by a hundredth of their distance from the value at most, shares of stolen time to 3
 * decimals and controls to 4; text that comes again, and numbers that go on as before, are written once: 300
 * series of 1,000 points stay under 15 MB, also if each point is a run of its own, and no chart or comparison
 * can tell.
 * What was added is in the store, whole (`tare history export`). "<" occurs as \u003c alone. Ends with a
 * newline.
 */
int tare_history_page_json(const struct tare_history_page *page, FILE *out);

/* One file that asks for nothing. */
int tare_history_page_html(const struct tare_history_page *page, FILE *out);

/* The page without data, which asks `url` for them: malloc'ed; NULL without memory. */
char *tare_history_page_live(const char *url);

/* What changed first; rows that do not fit are left out whole, and counted. */
int tare_history_page_markdown(const struct tare_history_page *page, FILE *out);

#endif
