/* SPDX-License-Identifier: MIT */
/*
 * Judges a history: finds each series' changes, weighs them, and says how each series stands.
 *
 * Over many series some changes are chance. A series whose smallest p Benjamini and Hochberg's procedure
 * keeps at the level alpha is selected; within it a change is kept if its own p is at most alpha x selected /
 * series (Y. Benjamini and M. Bogomolov, "Selective inference on multiple families of hypotheses", Journal of
 * the Royal Statistical Society B 76 (2014), pages 297-318): for the smallest p of a series both say the
 * same. Series of what is counted are no tests, and none of these.
 */
#include <errno.h>
#include <fnmatch.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "history/check_parts.h"
#include "stats/quantile.h"

const char *const tare_series_status_names[TARE_SERIES_STATUSES] = {
    [TARE_SERIES_REGRESSED] = "regressed", [TARE_SERIES_OVER_BUDGET] = "over budget",
    [TARE_SERIES_SUSPECTED] = "suspected", [TARE_SERIES_UNSTABLE] = "unstable",
    [TARE_SERIES_IMPROVED] = "improved",   [TARE_SERIES_CHANGED] = "changed",
    [TARE_SERIES_TOO_FEW] = "too few",     [TARE_SERIES_STEADY] = "steady",
};
const char *const tare_change_weight_names[TARE_CHANGE_WEIGHTS] = {
    [TARE_CHANGE_COUNTS] = "counts",           [TARE_CHANGE_OLD] = "old",
    [TARE_CHANGE_UNDONE] = "undone",           [TARE_CHANGE_SMALL] = "small",
    [TARE_CHANGE_MANY_SERIES] = "many series",
};

/* A step of so many margins is to be seen within 5 points, else the series is unstable. */
static const double STABLE_MARGINS = 10;
/* A time of 0 or less says but how well times are measured: a change has to be so much larger than that. */
static const double BEYOND = 10;
/*
 * A change of so many newest points which may be chance asks for a re-run: 4 of 5 changes that are chance are
 * there, too, as the search gives these most weight, and re-runs move a change away from the end.
 */
enum { RECENT = 20 };
/* A value that is by chance as far off as half of so many scatters is one in 30,000. */
static const double APART = 8;

struct judging {
    const struct tare_history *history;
    struct tare_history_report *report;
    struct tare__moment since, against; /* commit NULL: not asked for; of `since` then the time may be known */
    double *scratch;                    /* room for the points of the longest line */
    double selected;                    /* series that Benjamini-Hochberg keeps */
    double family;                      /* of so many */
};

static int complain(char *message, size_t size, const char *format, const char *subject)
{
    if (size > 0) {
        snprintf(message, size, format, subject);
    }
    return -EINVAL;
}

/* Sizes and directions */

/* By how much `now` is off, as a share of what was there before; where that is 0 or less, of the larger one. */
static double share_of(double before, double now)
{
    if (before > 0) {
        return (now - before) / before;
    }
    double larger = fmax(fabs(before), fabs(now));
    return larger > 0 ? (now - before) / larger : 0;
}

static int direction_of(enum tare_history_better better, double shift)
{
    int sign = (shift > 0) - (shift < 0);
    return better == TARE_BETTER_LOWER ? sign : better == TARE_BETTER_HIGHER ? -sign : 0;
}

static double ratio_of(double before, double now)
{
    return before > 0 && now > 0 ? now / before : NAN;
}

/* Moments */

static bool is_for(const struct tare_history_baseline *baseline, const struct tare_history_series *series)
{
    if (strcmp(baseline->project, series->project) != 0) {
        return false;
    }
    if (baseline->selection == NULL || strcmp(baseline->selection, "*") == 0) {
        return true;
    }
    char *title = tare_history_title(series);
    bool matches = title != NULL && fnmatch(baseline->selection, title, 0) == 0;
    free(title);
    return matches;
}

static int find_moments(struct judging *judging, char *message, size_t size)
{
    const struct tare_check_rule *rule = &judging->report->rule;
    const struct tare_history *history = judging->history;
    judging->since.time_ms = rule->since_ms;
    if (rule->since != NULL &&
        tare__moment_of_commit(history, rule->since, rule->since_commit, &judging->since) != 0) {
        return complain(message, size,
                        "the commit '%s' is not in the history: add a result of it, or give a date",
                        rule->since);
    }
    if (rule->against != NULL &&
        tare__moment_of_commit(history, rule->against, rule->against_commit, &judging->against) != 0) {
        return complain(message, size, "the commit '%s' is not in the history: add a result of it",
                        rule->against);
    }
    const char *name = rule->baseline != NULL ? rule->baseline : "default";
    for (size_t i = 0; i < history->baseline_count && judging->report->baseline == NULL; i++) {
        if (strcmp(history->baselines[i].name, name) == 0) {
            judging->report->baseline = &history->baselines[i];
        }
    }
    if (rule->baseline != NULL && judging->report->baseline == NULL) {
        return complain(message, size,
                        "unknown baseline '%s': 'tare history baseline show' lists those there are",
                        rule->baseline);
    }
    return 0;
}

/* How many points are at or before the baseline; SIZE_MAX: it is not for this series. */
static size_t points_at_baseline(const struct judging *judging, const struct tare_history_line *line)
{
    const struct tare_history_baseline *baseline = judging->report->baseline;
    struct tare__moment moment = {.time_ms = TARE_HISTORY_UNKNOWN};
    if (baseline == NULL || !is_for(baseline, &line->series)) {
        return SIZE_MAX;
    }
    /* A commit that the history has lost: what was there when the baseline was set. */
    if (baseline->commit == NULL ||
        tare__moment_of_commit(judging->history, baseline->commit, NULL, &moment) != 0) {
        moment = (struct tare__moment){.time_ms = baseline->set_ms};
    }
    return tare__points_before(judging->history, line, &moment);
}

/* Sets where what is asked about begins, and the levels to judge against. Whether it was asked for. */
static bool set_reference(const struct judging *judging, struct tare_judged_series *series)
{
    const struct tare_check_rule *rule = &judging->report->rule;
    const struct tare_history_line *line = series->line;
    size_t first = 0, at_baseline = points_at_baseline(judging, line), before;
    bool asked = false;
    if (rule->against != NULL) {
        before = tare__points_before(judging->history, line, &judging->against);
        series->against = before > 0 ? tare__level_at(series, before - 1, judging->scratch) : NAN;
        first = before;
        asked = true;
    }
    if (rule->since != NULL || rule->since_ms != TARE_HISTORY_UNKNOWN) {
        before = tare__points_before(judging->history, line, &judging->since);
        first = before > first ? before : first;
        asked = true;
    }
    if (at_baseline != SIZE_MAX) {
        series->baseline = at_baseline > 0 ? tare__level_at(series, at_baseline - 1, judging->scratch) : NAN;
        first = at_baseline > first ? at_baseline : first;
        asked = true;
    }
    if (!asked && line->count > rule->window) {
        first = line->count - rule->window;
    }
    series->first = first;
    judging->report->behind |= first < line->count;
    return asked;
}

/* Over all series */

/* Adjusts the p of all changes: see the top of this file. */
static int adjust(struct judging *judging)
{
    struct tare_history_report *report = judging->report;
    double *p = calloc(2 * report->count + 1, sizeof(*p));
    if (p == NULL) {
        return -ENOMEM;
    }
    double *adjusted = p + report->count;
    for (size_t i = 0; i < report->count; i++) {
        p[i] = report->series[i].counted ? NAN : report->series[i].changes.p;
        judging->family += !isnan(p[i]);
    }
    int error = tare_benjamini_hochberg(p, report->count, adjusted);
    for (size_t i = 0; error == 0 && i < report->count; i++) {
        judging->selected += adjusted[i] <= report->rule.alpha;
    }
    for (size_t i = 0; error == 0 && i < report->count; i++) {
        struct tare_judged_series *series = &report->series[i];
        for (size_t j = 0; j < series->changes.count; j++) {
            struct tare_judged_change *judged = &series->judged[j];
            double own = judged->change.p * judging->family / fmax(judging->selected, 1);
            judged->adjusted = series->counted ? judged->change.p : fmin(fmax(own, adjusted[i]), 1);
        }
    }
    free(p);
    return error;
}

/* Weighing */

static const struct tare_history_commit *commit_at(const struct judging *judging,
                                                   const struct tare_history_line *line, size_t point)
{
    const struct tare_history_run *run =
        point < line->count ? tare_history_find_run(judging->history, line->points[point].run) : NULL;
    return run != NULL && run->commit != NULL ? tare_history_find_commit(judging->history, run->commit) : NULL;
}

/* Takes over what was found, as tare_history_check() promises it. */
static int describe(const struct judging *judging, struct tare_judged_series *series)
{
    const struct tare_changes *changes = &series->changes;
    const struct tare_history_line *line = series->line;
    series->judged = calloc(changes->count + 1, sizeof(*series->judged));
    if (series->judged == NULL) {
        return -ENOMEM;
    }
    for (size_t i = 0; i < changes->count; i++) {
        const struct tare_change *change = &changes->changes[i];
        bool goes_on = change->kind == TARE_CHANGE_DRIFT && change->high + 1 >= line->count;
        series->judged[i] = (struct tare_judged_change){
            .change = *change,
            .direction = direction_of(line->series.better, change->shift),
            .good = change->low > 0 ? commit_at(judging, line, change->low - 1) : NULL,
            .bad = goes_on ? NULL : commit_at(judging, line, change->high),
            .likely = change->kind == TARE_CHANGE_STEP ? commit_at(judging, line, change->at) : NULL,
        };
    }
    series->unsure = changes->count;
    return 0;
}

/* Whether the level now is what it was before the change, or beyond it to the other side. */
static bool is_undone(const struct judging *judging, const struct tare_judged_series *series, size_t index)
{
    const struct tare_change *change = &series->changes.changes[index];
    if (index + 1 == series->changes.count) {
        return false;
    }
    double net = (tare__level_now(series) - change->before) * (change->shift < 0 ? -1 : 1);
    double error = fmax(change->shift_high - change->shift, change->shift - change->shift_low);
    double tolerance = judging->report->rule.margin * fabs(change->before);
    return net <= fmax(tolerance, isnan(error) ? 0 : error);
}

static bool is_small(const struct judging *judging, double before, double now)
{
    return fabs(share_of(before, now)) <= judging->report->rule.margin;
}

/* Calibrated times may come out below 0. What is so far from a ratio is a change if it is beyond that error. */
static bool is_measurable(const struct tare_judged_series *series, double before, double now)
{
    double lower = fmin(before, now);
    return lower > 0 || !tare__is_time(series->line->series.unit) ||
           fabs(now - before) > BEYOND * fmax(-lower, series->changes.scatter);
}

/*
 * Its place is an interval: what may be behind the moment that was asked about is no more old than what is.
 * A drift goes on: of one that was under way at that moment what it has added since then is looked at.
 */
static bool is_old(const struct judging *judging, const struct tare_judged_series *series,
                   const struct tare_change *change, bool asked)
{
    if (change->high < series->first) {
        return true;
    }
    return asked && change->kind == TARE_CHANGE_DRIFT && change->low < series->first &&
           is_small(judging, tare__drift_at(change, series->first - 1), change->after);
}

static void weigh(const struct judging *judging, struct tare_judged_series *series, bool asked)
{
    for (size_t i = 0; i < series->changes.count; i++) {
        struct tare_judged_change *judged = &series->judged[i];
        const struct tare_change *change = &judged->change;
        if (is_old(judging, series, change, asked)) {
            judged->weight = TARE_CHANGE_OLD;
        } else if (!is_measurable(series, change->before, change->after)) {
            judged->weight = TARE_CHANGE_SMALL;
            series->below = true;
        } else if (!series->counted && judged->adjusted > judging->report->rule.alpha) {
            judged->weight = TARE_CHANGE_MANY_SERIES;
        } else if (is_undone(judging, series, i)) {
            judged->weight = TARE_CHANGE_UNDONE;
        } else if (is_small(judging, change->before, change->after)) {
            judged->weight = TARE_CHANGE_SMALL;
        } else {
            judged->weight = TARE_CHANGE_COUNTS;
        }
    }
}

/*
 * Against a commit the changes behind it are judged together: small ones that add up are as bad as one, and
 * what came and went is nothing.
 */
static void weigh_against(const struct judging *judging, struct tare_judged_series *series)
{
    double now = tare__level_now(series);
    /* What a baseline accepted later is no more than the level there. */
    double before =
        series->first > 0 ? tare__level_at(series, series->first - 1, judging->scratch) : series->against;
    bool nothing = isnan(before) || is_small(judging, before, now);
    double sign = now < before ? -1 : 1;
    for (size_t i = 0; i < series->changes.count; i++) {
        struct tare_judged_change *judged = &series->judged[i];
        if (judged->weight == TARE_CHANGE_OLD || judged->weight == TARE_CHANGE_MANY_SERIES) {
            continue;
        }
        bool small = is_small(judging, judged->change.before, judged->change.after) ||
                     !is_measurable(series, judged->change.before, judged->change.after);
        if (isnan(before)) {
            judged->weight = TARE_CHANGE_OLD; /* there is no level there to judge against */
        } else if (nothing || !is_measurable(series, before, now)) {
            judged->weight = small ? TARE_CHANGE_SMALL : TARE_CHANGE_UNDONE;
        } else {
            judged->weight = judged->change.shift * sign > 0 ? TARE_CHANGE_COUNTS : TARE_CHANGE_UNDONE;
        }
    }
}

/* The change that weighs most: one for the worse before one for the better, then the larger one. */
static void find_decisive(struct tare_judged_series *series)
{
    double best = -1;
    int worst = -2;
    series->decisive = series->changes.count;
    for (size_t i = 0; i < series->changes.count; i++) {
        const struct tare_judged_change *judged = &series->judged[i];
        double size = fabs(share_of(judged->change.before, judged->change.after));
        /* Not known which way counts as much as better. */
        int direction = judged->direction > 0 ? 1 : 0;
        if (judged->weight == TARE_CHANGE_COUNTS &&
            (direction > worst || (direction == worst && size > best))) {
            worst = direction;
            best = size;
            series->decisive = i;
        }
    }
}

static void weigh_suspicion(const struct judging *judging, struct tare_judged_series *series)
{
    const struct tare_suspicion *found = &series->suspicion;
    double now = found->level + found->shift;
    /* Where it begins may be a point too early, as it may be with a change. */
    bool behind = found->count > 0 && series->line->count > series->first &&
                  series->line->count - found->count + 1 >= series->first;
    if (behind && !is_small(judging, found->level, now) && is_measurable(series, found->level, now)) {
        series->suspicion_direction = direction_of(series->line->series.better, found->shift);
    }
}

/*
 * A change that seems to have been there at the moment that was asked about, in one or two points: no verdict
 * rests on so few, nor does an acquittal, unless the levels lie too far apart for chance.
 */
static bool is_beside(const struct tare_judged_series *series, const struct tare_change *change)
{
    return !series->counted && change->kind == TARE_CHANGE_STEP &&
           change->at + TARE_CHANGE_SIDE > series->first && series->line->count > series->first &&
           fabs(change->shift) < APART * series->changes.scatter;
}

/* A recent change for the worse that is not sure is not forgotten, but measured again. */
static void suspect_unsure(const struct judging *judging, struct tare_judged_series *series)
{
    size_t n = series->line->count;
    for (size_t i = series->changes.count; i-- > 0 && series->suspicion_direction <= 0;) {
        const struct tare_judged_change *judged = &series->judged[i];
        const struct tare_change *change = &judged->change;
        bool unsure = judged->weight == TARE_CHANGE_MANY_SERIES ||
                      (judged->weight == TARE_CHANGE_OLD && is_beside(series, change));
        if (!unsure || judged->direction <= 0 || change->high + RECENT < n || is_undone(judging, series, i) ||
            is_small(judging, change->before, change->after)) {
            continue;
        }
        size_t from = change->at > series->first ? change->at : series->first;
        series->suspicion = (struct tare_suspicion){
            .count = from < n ? n - from : 1,
            .level = change->before,
            .shift = change->shift,
            .ratio = change->ratio,
            .p = change->p,
        };
        series->suspicion_direction = judged->direction;
        series->unsure = i;
    }
}

static bool has_any(const struct tare_judged_series *series, int direction)
{
    for (size_t i = 0; i < series->changes.count; i++) {
        if (series->judged[i].weight == TARE_CHANGE_COUNTS && series->judged[i].direction == direction) {
            return true;
        }
    }
    return false;
}

static bool is_changed(const struct tare_judged_series *series)
{
    for (size_t i = 0; i < series->changes.count; i++) {
        if (series->judged[i].weight != TARE_CHANGE_OLD) {
            return true;
        }
    }
    return false;
}

static bool is_over(const struct tare_judged *budget)
{
    return budget->entry != NULL &&
           (budget->judgement == TARE_JUDGED_FAIL || budget->judgement == TARE_JUDGED_UNKNOWN);
}

static enum tare_series_status status_of(const struct tare_judged_series *series)
{
    if (has_any(series, 1)) {
        return TARE_SERIES_REGRESSED;
    }
    if (is_over(&series->budget)) {
        return TARE_SERIES_OVER_BUDGET;
    }
    if (series->suspicion_direction > 0) {
        return TARE_SERIES_SUSPECTED;
    }
    if (series->line->count < TARE_CHANGE_FEWEST) {
        return TARE_SERIES_TOO_FEW;
    }
    if (series->unstable) {
        return TARE_SERIES_UNSTABLE;
    }
    return has_any(series, -1)  ? TARE_SERIES_IMPROVED
           : is_changed(series) ? TARE_SERIES_CHANGED
                                : TARE_SERIES_STEADY;
}

static void set_ratio(const struct judging *judging, struct tare_judged_series *series)
{
    double now = tare__level_now(series);
    if (judging->report->rule.against != NULL) {
        series->ratio = ratio_of(series->against, now);
    } else if (!isnan(series->baseline)) {
        series->ratio = ratio_of(series->baseline, now);
    } else if (series->decisive < series->changes.count) {
        series->ratio = ratio_of(series->changes.changes[series->decisive].before, now);
    }
}

/* Series of one benchmark */

static int compare_benchmarks(const struct tare_history_series *a, const struct tare_history_series *b)
{
    int order = strcmp(a->project, b->project);
    order = order != 0 ? order : strcmp(a->suite, b->suite);
    order = order != 0 ? order : strcmp(a->name, b->name);
    order = order != 0 ? order : strcmp(a->arguments, b->arguments);
    return order != 0 ? order : strcmp(a->metric, b->metric);
}

static int by_benchmark(const void *a, const void *b)
{
    const struct tare_judged_series *const *first = a, *const *second = b;
    return compare_benchmarks(&(*first)->line->series, &(*second)->line->series);
}

static int find_mixed(struct tare_history_report *report)
{
    struct tare_judged_series **sorted = calloc(report->count + 1, sizeof(*sorted));
    if (sorted == NULL) {
        return -ENOMEM;
    }
    for (size_t i = 0; i < report->count; i++) {
        sorted[i] = &report->series[i];
    }
    qsort(sorted, report->count, sizeof(*sorted), by_benchmark);
    for (size_t i = 1; i < report->count; i++) {
        if (by_benchmark(&sorted[i - 1], &sorted[i]) == 0) {
            sorted[i - 1]->mixed = sorted[i]->mixed = true;
        }
    }
    free(sorted);
    return 0;
}

/* All of it */

static int begin(struct judging *judging)
{
    struct tare_history_report *report = judging->report;
    size_t most = 0;
    report->series = calloc(judging->history->line_count + 1, sizeof(*report->series));
    for (size_t i = 0; i < judging->history->line_count; i++) {
        size_t count = judging->history->lines[i].count;
        most = count > most ? count : most;
    }
    judging->scratch = calloc(most + 1, sizeof(*judging->scratch));
    if (report->series == NULL || judging->scratch == NULL) {
        return -ENOMEM;
    }
    report->count = judging->history->line_count;
    for (size_t i = 0; i < report->count; i++) {
        const struct tare_history_line *line = &judging->history->lines[i];
        report->series[i] = (struct tare_judged_series){
            .line = line,
            .last = line->count > 0 ? line->points[line->count - 1].value : NAN,
            .previous = line->count > 1 ? line->points[line->count - 2].value : NAN,
            .baseline = NAN,
            .against = NAN,
            .ratio = NAN,
            .by_time = tare__is_by_time(judging->history, line),
        };
    }
    return find_mixed(report);
}

static void count_series(struct tare_history_report *report, const struct tare_judged_series *series)
{
    size_t points = series->line->count;
    report->by_status[series->status]++;
    if (points >= TARE_CHANGE_FEWEST) {
        report->judged++;
    } else if (report->missing == 0 || TARE_CHANGE_FEWEST - points < report->missing) {
        report->missing = TARE_CHANGE_FEWEST - points;
    }
    report->by_time += series->by_time;
    report->unknown += series->budget.entry != NULL && series->budget.judgement == TARE_JUDGED_UNKNOWN;
    report->fails |= series->status == TARE_SERIES_REGRESSED || is_over(&series->budget);
    report->suspected |= series->suspicion_direction > 0;
}

static int judge(struct judging *judging, char *message, size_t size)
{
    struct tare_history_report *report = judging->report;
    int error = find_moments(judging, message, size);
    error = error != 0 ? error : tare__find_all(report, message, size);
    for (size_t i = 0; error == 0 && i < report->count; i++) {
        error = describe(judging, &report->series[i]);
    }
    if (error == 0) {
        error = adjust(judging);
    }
    for (size_t i = 0; error == 0 && i < report->count; i++) {
        struct tare_judged_series *series = &report->series[i];
        weigh(judging, series, set_reference(judging, series));
        if (report->rule.against != NULL) {
            weigh_against(judging, series);
        }
        find_decisive(series);
        weigh_suspicion(judging, series);
        suspect_unsure(judging, series);
        set_ratio(judging, series);
        error = tare__check_stability(series, STABLE_MARGINS * report->rule.margin);
    }
    if (error == 0 && report->rule.budget != NULL) {
        error = tare__check_budget(report, message, size);
    }
    for (size_t i = 0; error == 0 && i < report->count; i++) {
        report->series[i].status = status_of(&report->series[i]);
        count_series(report, &report->series[i]);
    }
    return error;
}

int tare_history_check(const struct tare_history *history, const struct tare_check_rule *rule,
                       struct tare_history_report *report, char *message, size_t message_size)
{
    *report = (struct tare_history_report){.rule = *rule};
    struct judging judging = {
        .history = history,
        .report = report,
        .since = {.time_ms = TARE_HISTORY_UNKNOWN},
        .against = {.time_ms = TARE_HISTORY_UNKNOWN},
    };
    complain(message, message_size, "%s", "");
    int error = begin(&judging);
    error = error != 0 ? error : judge(&judging, message, message_size);
    free(judging.scratch);
    return error;
}

void tare_history_report_release(struct tare_history_report *report)
{
    for (size_t i = 0; i < report->count; i++) {
        tare_changes_release(&report->series[i].changes);
        free(report->series[i].judged);
        free(report->series[i].budget_metrics);
    }
    free(report->series);
    *report = (struct tare_history_report){0};
}
