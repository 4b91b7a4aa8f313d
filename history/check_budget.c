/* SPDX-License-Identifier: MIT */
/*
 * The budget of `tare check`, judged on the newest point of each series: result/budget_judge.c does it, which
 * gets the two or three figures that an entry is about as the metrics of a result. A series goes by the name
 * that `tare check` gives its figure: "ring_write/64.median" of a benchmark, "fdtables::close.net_avg" of a
 * timer, "wall" of a run; and a benchmark also with its program before it,
 * "ring_bench::ring_write/64.median".
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "history/check_parts.h"
#include "history/units.h"
#include "record/clean.h"

enum { FORMS = 2, VALUE = 0, BASE, AT_BASELINE, METRICS };

/* What the series are called; NULL: not in this form. */
struct names {
    char *(*of)[FORMS];
    size_t count;
};

static void names_release(struct names *names)
{
    for (size_t i = 0; names->of != NULL && i < names->count; i++) {
        for (size_t j = 0; j < FORMS; j++) {
            free(names->of[i][j]);
        }
    }
    free(names->of);
}

static int names_make(const struct tare_history_report *report, struct names *names)
{
    names->of = calloc(report->count + 1, sizeof(*names->of));
    names->count = report->count;
    if (names->of == NULL) {
        return -ENOMEM;
    }
    for (size_t i = 0; i < report->count; i++) {
        const struct tare_history_series *series = &report->series[i].line->series;
        const char *slash = *series->arguments != '\0' ? "/" : "", *dot = *series->name != '\0' ? "." : "";
        if (asprintf(&names->of[i][0], "%s%s%s%s%s", series->name, slash, series->arguments, dot,
                     series->metric) < 0) {
            names->of[i][0] = NULL;
            return -ENOMEM;
        }
        if (*series->suite != '\0' &&
            asprintf(&names->of[i][1], "%s::%s", series->suite, names->of[i][0]) < 0) {
            names->of[i][1] = NULL;
            return -ENOMEM;
        }
    }
    return 0;
}

static bool is_called(const struct names *names, size_t index, const char *name)
{
    for (size_t j = 0; j < FORMS; j++) {
        if (names->of[index][j] != NULL && strcmp(names->of[index][j], name) == 0) {
            return true;
        }
    }
    return false;
}

static struct tare_metric metric_of(const struct tare_history_series *series, char *name, double value,
                                    double low, double high)
{
    double factor = 1;
    enum tare_metric_unit unit = TARE_METRIC_COUNT;
    tare_unit_find_of_one(series->unit, &unit, &factor); /* imports have units of their own, too */
    return (struct tare_metric){
        .name = name,
        .unit = unit,
        .value = value * factor,
        .low = low * factor,
        .high = high * factor,
    };
}

static const struct tare_history_point *newest_of(const struct tare_history_line *line)
{
    return &line->points[line->count - 1];
}

/* Of the series of that name the point of this run; the series with it. NULL: the run has none. */
static const struct tare_history_point *point_of_run(const struct tare_history_report *report,
                                                     const struct names *names, const char *name, int64_t run,
                                                     const struct tare_history_series **series)
{
    for (size_t i = 0; i < report->count; i++) {
        const struct tare_history_line *line = report->series[i].line;
        for (size_t j = is_called(names, i, name) ? line->count : 0; j-- > 0;) {
            if (line->points[j].run == run) {
                *series = &line->series;
                return &line->points[j];
            }
        }
    }
    return NULL;
}

static bool has_name(const struct names *names, const char *name)
{
    for (size_t i = 0; i < names->count; i++) {
        if (is_called(names, i, name)) {
            return true;
        }
    }
    return false;
}

static int by_name(const void *a, const void *b)
{
    const struct tare_metric *const *first = a, *const *second = b;
    return strcmp((*first)->name, (*second)->name);
}

/* The figures that the entry is about, of one series; the names are the budget's. */
static void take_metrics(const struct tare_history_report *report, const struct names *names,
                         const struct tare_budget_entry *entry, const struct tare_judged_series *judged,
                         struct tare_metric metrics[METRICS])
{
    const struct tare_history_series *series = &judged->line->series, *other = NULL;
    const struct tare_history_point *newest = newest_of(judged->line), *base = NULL;
    metrics[VALUE] = metric_of(series, entry->metric, newest->value, newest->low, newest->high);
    metrics[AT_BASELINE] = metric_of(series, entry->metric, judged->baseline, NAN, NAN);
    if (entry->relative_to != NULL) {
        base = point_of_run(report, names, entry->relative_to, newest->run, &other);
        metrics[BASE] = base != NULL ? metric_of(other, entry->relative_to, base->value, base->low, base->high)
                                     : metric_of(series, entry->relative_to, NAN, NAN, NAN);
    }
}

static int rank_of(enum tare_judgement judgement)
{
    static const int ranks[TARE_JUDGEMENTS] = {
        [TARE_JUDGED_INFORMATION] = 0, [TARE_JUDGED_PASS] = 1, [TARE_JUDGED_WARN] = 2,
        [TARE_JUDGED_UNKNOWN] = 3,     [TARE_JUDGED_FAIL] = 4,
    };
    return ranks[judgement];
}

/* Of two entries for one series, under both of its names, the one that it is worse by stays. */
static int judge_series(const struct tare_history_report *report, const struct names *names,
                        const struct tare_budget_entry *entry, struct tare_judged_series *judged,
                        struct tare_budget_problem *problem)
{
    struct tare_metric *metrics = calloc(METRICS, sizeof(*metrics));
    struct tare_judged found;
    if (metrics == NULL) {
        return -ENOMEM;
    }
    take_metrics(report, names, entry, judged, metrics);
    const struct tare_metric *sorted[] = {&metrics[VALUE], &metrics[BASE]};
    const struct tare_metric *at_baseline[] = {&metrics[AT_BASELINE]};
    const struct tare_metrics of_run = {metrics, entry->relative_to != NULL ? 2 : 1, sorted};
    const struct tare_metrics of_baseline = {&metrics[AT_BASELINE], isnan(judged->baseline) ? 0 : 1,
                                             at_baseline};
    qsort(sorted, of_run.count, sizeof(sorted[0]), by_name);
    int error =
        tare_budget_judge(entry, &of_run, report->baseline != NULL ? &of_baseline : NULL, &found, problem);
    bool worse = judged->budget.entry == NULL || rank_of(found.judgement) > rank_of(judged->budget.judgement);
    if (error != 0 || !worse) {
        free(metrics);
        return error;
    }
    free(judged->budget_metrics);
    judged->budget_metrics = metrics;
    judged->budget = found;
    return 0;
}

static int unknown_name(size_t line, const char *name, struct tare_budget_problem *problem)
{
    problem->line = line;
    snprintf(problem->word, sizeof(problem->word), "%s", name);
    const char *dot = strrchr(name, '.');
    if (dot != NULL && (strcmp(dot, ".bytes_per_s") == 0 || strcmp(dot, ".items_per_s") == 0)) {
        problem->word[0] = '\0';
        snprintf(problem->message, sizeof(problem->message),
                 "a history has no '%.120s', which follows from the median: set the budget for '%.*s.median'",
                 name, (int)(dot - name < 120 ? dot - name : 120), name);
        return -EINVAL;
    }
    snprintf(problem->message, sizeof(problem->message), "unknown metric '%.160s'", name);
    return -EINVAL;
}

static int judge_entry(struct tare_history_report *report, const struct names *names,
                       const struct tare_budget_entry *entry, struct tare_budget_problem *problem)
{
    bool any = false;
    int error = 0;
    if (entry->relative_to != NULL && !has_name(names, entry->relative_to) && !report->rule.partial) {
        return unknown_name(entry->relative_line, entry->relative_to, problem);
    }
    for (size_t i = 0; error == 0 && i < report->count; i++) {
        if (report->series[i].line->count > 0 && is_called(names, i, entry->metric)) {
            any = true;
            error = judge_series(report, names, entry, &report->series[i], problem);
        }
    }
    if (error == 0 && !any && !report->rule.partial) {
        return unknown_name(entry->line, entry->metric, problem);
    }
    return error;
}

int tare__check_budget(struct tare_history_report *report, char *message, size_t message_size)
{
    struct names names = {0};
    const struct tare_budget *budget = report->rule.budget;
    int error = names_make(report, &names);
    for (size_t i = 0; error == 0 && i < budget->count; i++) {
        error = judge_entry(report, &names, &budget->entries[i], &report->problem);
    }
    names_release(&names);
    if (error != -EINVAL) {
        report->problem.message[0] = '\0';
        return error;
    }
    snprintf(message, message_size, "line %zu of the budget: %s%s", report->problem.line,
             report->problem.message,
             report->problem.word[0] != '\0' ? ": 'tare history show' lists the series there are" : "");
    if (message_size > 0) {
        tare__clean_text(message);
    }
    return error;
}
