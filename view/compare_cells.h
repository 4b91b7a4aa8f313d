/* SPDX-License-Identifier: MIT */
/* What the views of a comparison share: columns, cells, sentences. Private to view/. */
#ifndef TARE_VIEW_COMPARE_CELLS_H
#define TARE_VIEW_COMPARE_CELLS_H

#include "view/columns.h"
#include "view/compare.h"

enum tare__compare_column {
    TARE__COMPARE_NAME,
    TARE__COMPARE_COUNT,
    TARE__COMPARE_OLD,
    TARE__COMPARE_NEW,
    TARE__COMPARE_OLD_ERROR,
    TARE__COMPARE_NEW_ERROR,
    TARE__COMPARE_CHANGE,
    TARE__COMPARE_INTERVAL,
    TARE__COMPARE_DIFFERENCE,
    TARE__COMPARE_SMALLEST,
    TARE__COMPARE_CONTROL,
    TARE__COMPARE_VERDICT,
    TARE__COMPARE_PERCENTILE, /* the first of TARE_COMPARED_PERCENTILES */
    TARE__COMPARE_COLUMNS = TARE__COMPARE_PERCENTILE + TARE_COMPARED_PERCENTILES,
};

struct tare__compare_plan {
    unsigned columns[TARE__COMPARE_COLUMNS];
    size_t count;
};

/* A comma-separated list of names; 0 or -EINVAL. */
int tare__compare_plan_make(struct tare__compare_plan *plan, const char *list);

bool tare__compare_has(const struct tare__compare_plan *plan, unsigned column);

/* What stands above a column; constant. */
const char *tare__compare_header(unsigned column, enum tare_compared_kind kind, bool ascii);

/* Whether a column is text or a change, and so begins at the left. */
bool tare__compare_is_left(unsigned column);

/* A cell for people, before any escaping; "-" if unknown. The caller frees it; NULL without memory. */
char *tare__compare_cell(unsigned column, const struct tare_compared_row *row, bool ascii);

/* "module::name", or the benchmark's name; the caller frees it; NULL without memory. */
char *tare__compare_name(const struct tare_compared_row *row);

/* Whether a row is faster or slower, removed or added: what a reader looks for. */
bool tare__compare_is_change(const struct tare_compared_row *row);

/* Whether a timer's calls are others in the new result. */
bool tare__compare_other_calls(const struct tare_compared_row *row);

/*
 * Sentences, one a line, before any escaping. `title`: what was compared with what, and how it came out.
 * `warnings`: what makes figures that were compared all the same (--force) doubtful. `sides`: what was measured
 * where and when. `notes`: on single rows of a section, and on signs in its table, which has the columns of
 * `plan`. `caveat`: what no comparison of two runs can know. `rule`: how it was judged, in short; `statistics`:
 * at length.
 */
void tare__compare_title(struct tare__view_lines *lines, const struct tare_compare_report *report,
                         size_t section);
void tare__compare_warnings(struct tare__view_lines *lines, const struct tare_compare_report *report,
                            const struct tare_compare_source *source);
void tare__compare_sides(struct tare__view_lines *lines, const struct tare_compare_report *report);
void tare__compare_notes(struct tare__view_lines *lines, const struct tare_compare_report *report,
                         size_t section, const struct tare__compare_plan *plan, bool ascii);
void tare__compare_caveat(struct tare__view_lines *lines, const struct tare_compare_report *report);
void tare__compare_rule(struct tare__view_lines *lines, const struct tare_compare_report *report);
void tare__compare_statistics(struct tare__view_lines *lines, const struct tare_compare_report *report);

/* The formats; see tare_view_compare(). */
int tare__compare_table(const struct tare_compare_report *report, const struct tare_view_options *options,
                        FILE *out);
int tare__compare_markdown(const struct tare_compare_report *report, const struct tare_view_options *options,
                           FILE *out);
int tare__compare_csv(const struct tare_compare_report *report, FILE *out);

#endif
