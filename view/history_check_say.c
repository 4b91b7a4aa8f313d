/* SPDX-License-Identifier: MIT */
/* Sentences on a history that was judged. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "view/history_check_parts.h"

enum { ID_DIGITS = 12, LIKELY_DIGITS = 8 }; /* of a commit's id that are shown: git takes them */

/* The change that a row is about; NULL: none. */
static const struct tare_judged_change *change_of(const struct tare_judged_series *series)
{
    if (series->status == TARE_SERIES_SUSPECTED) {
        return series->unsure < series->changes.count ? &series->judged[series->unsure] : NULL;
    }
    if (series->decisive < series->changes.count) {
        return &series->judged[series->decisive];
    }
    for (size_t i = series->changes.count; i-- > 0;) {
        if (series->judged[i].weight != TARE_CHANGE_OLD) {
            return &series->judged[i];
        }
    }
    return NULL;
}

/* Of points, and of no change. */
static bool is_about_suspicion(const struct tare_judged_series *series)
{
    return series->status == TARE_SERIES_SUSPECTED && series->unsure == series->changes.count;
}

bool tare__history_is_shown(const struct tare_judged_series *series)
{
    return series->status != TARE_SERIES_STEADY && series->status != TARE_SERIES_TOO_FEW;
}

static double size_of(const struct tare_judged_series *series)
{
    const struct tare_judged_change *judged = change_of(series);
    double ratio = is_about_suspicion(series) ? series->suspicion.ratio
                   : judged != NULL           ? judged->change.ratio
                                              : NAN;
    return ratio > 0 ? fabs(log(ratio)) : INFINITY;
}

static int by_weight(const void *a, const void *b)
{
    const struct tare_judged_series *first = *(const struct tare_judged_series *const *)a;
    const struct tare_judged_series *second = *(const struct tare_judged_series *const *)b;
    if (first->status != second->status) {
        return first->status < second->status ? -1 : 1;
    }
    double x = size_of(first), y = size_of(second);
    return x != y ? (x > y ? -1 : 1) : (first > second) - (first < second); /* else as in the history */
}

const struct tare_judged_series **tare__history_sorted(const struct tare_history_report *report)
{
    const struct tare_judged_series **sorted = calloc(report->count + 1, sizeof(*sorted));
    for (size_t i = 0; sorted != NULL && i < report->count; i++) {
        sorted[i] = &report->series[i];
    }
    if (sorted != NULL) {
        qsort(sorted, report->count, sizeof(*sorted), by_weight);
    }
    return sorted;
}

/* Figures */

static void say_value(struct tare__phrase *phrase, double value, const char *unit, bool ascii)
{
    char text[TARE__NUMBER_TEXT];
    if (isnan(value)) {
        tare__phrase_add(phrase, "-");
    } else if (strcmp(unit, "ns") == 0) {
        tare__phrase_add(phrase, "%s", tare__text_duration(text, value, NAN, ascii));
    } else if (strcmp(unit, "share") == 0) {
        tare__phrase_add(phrase, "%s", tare__text_percent(text, value));
    } else {
        bool plain = strcmp(unit, "count") == 0 || strcmp(unit, "ratio") == 0 || *unit == '\0';
        tare__phrase_add(phrase, "%s%s%s", tare__text_count(text, value), plain ? "" : " ", plain ? "" : unit);
    }
}

static void say_size(struct tare__phrase *phrase, double ratio, double low, double high, double before,
                     double after, const char *unit, bool ascii)
{
    char text[TARE__NUMBER_TEXT];
    if (isnan(ratio)) {
        tare__phrase_add(phrase, "from ");
        say_value(phrase, before, unit, ascii);
        tare__phrase_add(phrase, " to ");
        say_value(phrase, after, unit, ascii);
        return;
    }
    tare__phrase_add(phrase, "%s", tare__text_change(text, ratio, low, high, ascii));
    if (!isnan(low) && !isnan(high)) {
        tare__phrase_add(phrase, " (%s)", tare__text_change_range(text, ratio, low, high, ascii));
    }
}

void tare__history_say_change(struct tare__phrase *phrase, const struct tare_judged_series *series, bool ascii)
{
    const struct tare_judged_change *judged = change_of(series);
    const char *unit = series->line->series.unit;
    if (is_about_suspicion(series)) {
        const struct tare_suspicion *found = &series->suspicion;
        say_size(phrase, found->ratio, NAN, NAN, found->level, found->level + found->shift, unit, ascii);
    } else if (judged != NULL) {
        const struct tare_change *change = &judged->change;
        say_size(phrase, change->ratio, change->ratio_low, change->ratio_high, change->before, change->after,
                 unit, ascii);
        if (!isnan(change->ratio) && (isnan(change->ratio_low) || isnan(change->ratio_high))) {
            tare__phrase_add(phrase, " (interval unknown: too few points)");
        }
    }
}

/* Of a change over all series: what is held against alpha. */
void tare__history_say_p(struct tare__phrase *phrase, const struct tare_judged_series *series)
{
    const struct tare_judged_change *judged = change_of(series);
    double p = is_about_suspicion(series) ? series->suspicion.p : judged != NULL ? judged->adjusted : NAN;
    if (p < 0.0001) {
        tare__phrase_add(phrase, "p < 0.0001");
    } else if (!isnan(p)) {
        char number[TARE__VIEW_NUMBER];
        tare__phrase_add(phrase, "p %s", tare__view_fixed(number, p, p < 0.00095 ? 4 : 3));
    }
}

void tare__history_say_range(struct tare__phrase *phrase, const struct tare_judged_series *series)
{
    const struct tare_judged_change *judged = change_of(series);
    if (is_about_suspicion(series) || judged == NULL) {
        return;
    }
    const struct tare_history_commit *good = judged->good, *bad = judged->bad;
    if (good != NULL && bad != NULL && strcmp(good->id, bad->id) == 0) {
        tare__phrase_add(phrase, "within %.*s", ID_DIGITS, bad->id);
    } else if (good != NULL && bad != NULL) {
        if (judged->likely != NULL) {
            tare__phrase_add(phrase, "most likely %.*s, of ", LIKELY_DIGITS, judged->likely->id);
        }
        tare__phrase_add(phrase, "%.*s..%.*s", ID_DIGITS, good->id, ID_DIGITS, bad->id);
    } else if (bad != NULL) {
        tare__phrase_add(phrase, "up to %.*s", ID_DIGITS, bad->id);
    } else if (good != NULL) {
        tare__phrase_add(phrase, "since %.*s", ID_DIGITS, good->id);
    } else {
        tare__phrase_add(phrase, "of unknown commits");
    }
}

/* What a series is */

static void say_moved(struct tare__phrase *phrase, const struct tare_judged_series *series,
                      const struct tare_judged_change *judged, bool ascii)
{
    const struct tare_change *change = &judged->change;
    const char *unit = series->line->series.unit;
    tare__history_say_change(phrase, series, ascii);
    if (!isnan(change->ratio)) {
        tare__phrase_add(phrase, ", from ");
        say_value(phrase, change->before, unit, ascii);
        tare__phrase_add(phrase, " to ");
        say_value(phrase, change->after, unit, ascii);
    }
    tare__phrase_add(phrase, change->kind == TARE_CHANGE_DRIFT ? ", a drift, " : ", ");
    tare__history_say_range(phrase, series);
    tare__phrase_add(phrase, ", ");
    tare__history_say_p(phrase, series);
}

/* The estimate decides, not its interval. */
static bool reaches_below(const struct tare_judged_change *judged, double margin)
{
    const struct tare_change *change = &judged->change;
    double nearest = change->ratio > 1 ? change->ratio_low - 1 : 1 - change->ratio_high;
    return judged->weight == TARE_CHANGE_COUNTS && nearest <= margin;
}

static void say_reference(struct tare__phrase *phrase, const struct tare_history_check_view *view,
                          const struct tare_judged_series *series, bool ascii)
{
    const struct tare_history_report *report = view->report;
    char text[TARE__NUMBER_TEXT];
    if (isnan(series->ratio) || (report->rule.against == NULL && isnan(series->baseline))) {
        return;
    }
    bool against = report->rule.against != NULL;
    const char *name =
        against ? (view->against != NULL ? view->against : report->rule.against) : report->baseline->name;
    tare__phrase_item(phrase, "now ");
    say_value(phrase, series->changes.level, series->line->series.unit, ascii);
    tare__phrase_add(phrase, ", %s against %s'%s'", tare__text_change(text, series->ratio, NAN, NAN, ascii),
                     against ? "" : "the baseline ", name);
}

static const char *why_not(const struct tare_judged_change *judged)
{
    switch (judged->weight) {
    case TARE_CHANGE_UNDONE:
        return "taken back since";
    case TARE_CHANGE_SMALL:
        return "below the margin";
    case TARE_CHANGE_MANY_SERIES:
        return "over so many series it may be chance";
    case TARE_CHANGE_COUNTS:
        return judged->direction == 0 ? "which way is worse is not known" : NULL;
    default:
        return NULL;
    }
}

static void say_budget(struct tare__phrase *phrase, const struct tare_judged_series *series, bool ascii)
{
    const struct tare_judged *budget = &series->budget;
    const struct tare_budget_entry *entry = budget->entry;
    char text[TARE__NUMBER_TEXT];
    const char *base = entry->to_baseline ? " of the baseline" : entry->relative_to != NULL ? " of " : "";
    if (budget->judgement == TARE_JUDGED_UNKNOWN) {
        tare__phrase_item(phrase, "unknown to the budget: %s", budget->why != NULL ? budget->why : "no value");
        return;
    }
    tare__phrase_item(phrase, "the newest value, ");
    if (budget->unit == TARE_METRIC_RATIO) {
        tare__phrase_add(phrase, "%s x", tare__text_count(text, budget->value));
    } else {
        say_value(phrase, budget->value, tare_metric_unit_names[budget->unit], ascii);
    }
    tare__phrase_add(phrase, "%s%s, is to be at %s %s", base,
                     entry->relative_to != NULL ? entry->relative_to : "",
                     entry->direction == TARE_BUDGET_AT_MOST ? "most" : "least",
                     entry->critical.text != NULL ? entry->critical.text : entry->target.text);
    tare__phrase_add(phrase, "%s", budget->unsure == 1 ? ", which its interval does not decide" : "");
}

static void say_suspicion(struct tare__phrase *phrase, const struct tare_judged_series *series, bool ascii)
{
    const struct tare_suspicion *found = &series->suspicion;
    tare__history_say_change(phrase, series, ascii);
    if (found->count == 1) {
        tare__phrase_add(phrase, ", the newest point alone, off the level of ");
    } else {
        tare__phrase_add(phrase, ", the newest %zu points alone, off the level of ", found->count);
    }
    say_value(phrase, found->level, series->line->series.unit, ascii);
    tare__phrase_add(phrase, ", ");
    tare__history_say_p(phrase, series);
}

static void say_scatter(struct tare__phrase *phrase, const struct tare_judged_series *series)
{
    char text[TARE__NUMBER_TEXT];
    if (series->below) {
        tare__phrase_item(phrase, "times of it are not above 0");
        return;
    }
    if (!isnan(series->changes.spread)) {
        tare__phrase_item(phrase, "scatters by %s", tare__text_percent(text, series->changes.spread));
    }
    tare__phrase_item(phrase, "steps are seen from %s on", tare__text_percent(text, series->changes.smallest));
}

void tare__history_say_what(struct tare__phrase *phrase, const struct tare_history_check_view *view,
                            const struct tare_judged_series *series, bool ascii)
{
    const struct tare_judged_change *judged = change_of(series);
    switch (series->status) {
    case TARE_SERIES_SUSPECTED:
        if (judged == NULL) {
            say_suspicion(phrase, series, ascii);
        } else {
            say_moved(phrase, series, judged, ascii);
            tare__phrase_item(phrase, "%s",
                              judged->weight == TARE_CHANGE_OLD
                                  ? "too few points tell whether it is behind what it is judged against"
                                  : why_not(judged));
        }
        break;
    case TARE_SERIES_OVER_BUDGET:
        break;
    case TARE_SERIES_UNSTABLE:
        say_scatter(phrase, series);
        break;
    default:
        if (judged != NULL) {
            say_moved(phrase, series, judged, ascii);
            if (reaches_below(judged, view->report->rule.margin)) {
                tare__phrase_item(phrase, "it may be below the margin");
            }
        }
        if (judged != NULL && why_not(judged) != NULL) {
            tare__phrase_item(phrase, "%s", why_not(judged));
        }
        say_reference(phrase, view, series, ascii);
        break;
    }
    if (series->budget.entry != NULL &&
        (series->budget.judgement == TARE_JUDGED_FAIL || series->budget.judgement == TARE_JUDGED_UNKNOWN)) {
        say_budget(phrase, series, ascii);
    }
}

void tare__history_say_todo(struct tare__phrase *phrase, const struct tare_history_check_view *view,
                            const struct tare_judged_series *series)
{
    const struct tare_judged_change *judged = change_of(series);
    if (series->status == TARE_SERIES_SUSPECTED) {
        if (judged != NULL && judged->weight == TARE_CHANGE_OLD) {
            tare__phrase_add(phrase, "measure again the commit that it is judged against, with --history");
        } else if (view->rerun != NULL) {
            tare__phrase_add(phrase, "measure again: %s", view->rerun);
        } else {
            tare__phrase_add(phrase, "measure again, with --history");
        }
    } else if (series->status == TARE_SERIES_UNSTABLE && series->advice != NULL) {
        tare__phrase_add(phrase, "%s", series->advice);
    } else if (series->status == TARE_SERIES_REGRESSED && judged != NULL && judged->good != NULL) {
        if (judged->bad == NULL) {
            tare__phrase_add(phrase, "git log --oneline %.*s..", ID_DIGITS, judged->good->id);
        } else if (strcmp(judged->good->id, judged->bad->id) == 0) {
            tare__phrase_add(phrase, "the commit is the same before and behind it, so the machine or what is "
                                     "measured changed: tare doctor");
        } else {
            tare__phrase_add(phrase, "git log --oneline %.*s..%.*s", ID_DIGITS, judged->good->id, ID_DIGITS,
                             judged->bad->id);
        }
    }
}

/* On all */

void tare__history_say_sum(struct tare__phrase *phrase, const struct tare_history_check_view *view)
{
    const struct tare_history_report *report = view->report;
    tare__phrase_add(phrase, "%zu series", report->count);
    if (view->project != NULL) {
        tare__phrase_add(phrase, " of '%s'", view->project);
    }
    if (view->branch != NULL) {
        tare__phrase_add(phrase, " on branch '%s'", view->branch);
    }
    const char *before = ": ";
    for (int i = 0; i < TARE_SERIES_STATUSES; i++) {
        if (report->by_status[i] > 0) {
            tare__phrase_add(phrase, "%s%zu %s", before, report->by_status[i],
                             i == TARE_SERIES_TOO_FEW ? "with too few points" : tare_series_status_names[i]);
            before = ", ";
        }
    }
}

void tare__history_say_missing(struct tare__phrase *phrase, const struct tare_history_check_view *view)
{
    const struct tare_history_report *report = view->report;
    size_t few = report->count - report->judged;
    if (report->judged == 0) {
        tare__phrase_add(phrase,
                         "no change could be judged: a series needs %d points, and the fullest lacks %zu",
                         TARE_CHANGE_FEWEST, report->missing);
    } else if (few > 0) {
        tare__phrase_add(phrase,
                         "%zu of the series could not be judged for changes: one needs %d points, and "
                         "the fullest of these lacks %zu",
                         few, TARE_CHANGE_FEWEST, report->missing);
    }
}

void tare__history_say_rule(struct tare__phrase *phrase, const struct tare_history_check_view *view)
{
    const struct tare_history_report *report = view->report;
    const struct tare_check_rule *rule = &report->rule;
    char text[TARE__NUMBER_TEXT], number[TARE__VIEW_NUMBER];
    if (rule->against != NULL) {
        tare__phrase_add(phrase, "Judged is the level now against the level at '%s'",
                         view->against != NULL ? view->against : rule->against);
    } else if (rule->since != NULL || rule->since_ms != TARE_HISTORY_UNKNOWN) {
        tare__phrase_add(phrase, "Judged are changes since '%s'",
                         view->since != NULL   ? view->since
                         : rule->since != NULL ? rule->since
                                               : "that time");
    } else if (report->baseline != NULL) {
        tare__phrase_add(phrase, "Judged are changes behind the baseline '%s'", report->baseline->name);
    } else {
        tare__phrase_add(phrase, "Judged are changes within the newest %zu points of a series", rule->window);
    }
    tare__phrase_add(phrase, ", above the margin of %s, ", tare__text_percent(text, rule->margin));
    tare__phrase_add(phrase, "at the level %s over %zu series", tare__view_number(number, rule->alpha),
                     report->judged);
}
