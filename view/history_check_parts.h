/* SPDX-License-Identifier: MIT */
/* What the formats of a judged history share: rows in order, and sentences. Private to view/. */
#ifndef TARE_VIEW_HISTORY_CHECK_PARTS_H
#define TARE_VIEW_HISTORY_CHECK_PARTS_H

#include "view/bench_text.h"
#include "view/columns.h"
#include "view/history_check.h"

/* The series, by status, and within one the largest change first; the caller frees it. NULL without memory. */
const struct tare_judged_series **tare__history_sorted(const struct tare_history_report *report);

/* Whether a series has a row of its own, and is not counted alone. */
bool tare__history_is_shown(const struct tare_judged_series *series);

/*
 * Sentences without a full stop. `what`: how the series stands, in figures. `todo`: what to do about it; may
 * stay empty. `change`: the size of the change alone, for a column.
 */
void tare__history_say_what(struct tare__phrase *phrase, const struct tare_history_check_view *view,
                            const struct tare_judged_series *series, bool ascii);
void tare__history_say_todo(struct tare__phrase *phrase, const struct tare_history_check_view *view,
                            const struct tare_judged_series *series);
void tare__history_say_change(struct tare__phrase *phrase, const struct tare_judged_series *series, bool ascii);
void tare__history_say_range(struct tare__phrase *phrase, const struct tare_judged_series *series);
/* "p < 0.0001" of the decisive change or suspicion; empty without one. */
void tare__history_say_p(struct tare__phrase *phrase, const struct tare_judged_series *series);

/* On all: how it came out; what could not be judged and why; by which rule. */
void tare__history_say_sum(struct tare__phrase *phrase, const struct tare_history_check_view *view);
void tare__history_say_missing(struct tare__phrase *phrase, const struct tare_history_check_view *view);
void tare__history_say_rule(struct tare__phrase *phrase, const struct tare_history_check_view *view);

/* view/history_check_json.c */
int tare__history_check_json(const struct tare_history_check_view *view, FILE *out);

#endif
