/* SPDX-License-Identifier: MIT */
/*
 * What would stabilise a series that scatters, from its own figures: the cause that can be told most surely
 * comes first. What others took of the machine was measured; that neighbours depend on each other, or that
 * there are two groups of results, are tests; that a result is made of few values is a count. Only the last
 * level is looked at.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "history/check_parts.h"
#include "stats/modes.h"
#include "stats/quantile.h"
#include "stats/values.h"

/* A tenth of the rounds dropped, or 2 % of the time taken: the rest was hardly undisturbed. */
static const double DROPPED_MUCH = 0.1, STOLEN_MUCH = 0.02;
/* The standard error of an autocorrelation is 1 / sqrt(n): beyond chance from some 25 values on. */
static const double DEPENDENT = 0.4;
/*
 * Below, the 95 % interval of a median leaves out but the smallest and the largest value
 * (docs/statistics.md).
 */
static const double FEW_VALUES = 10;
static const double MODES_ALPHA = 0.05;

static bool was_disturbed(const struct tare_judged_series *series)
{
    double rounds = 0, dropped = 0, stolen = 0, known = 0;
    for (size_t i = series->changes.level_from; i < series->line->count; i++) {
        const struct tare_history_point *point = &series->line->points[i];
        if (point->rounds > 0 && point->rounds_dropped >= 0) {
            rounds += (double)point->rounds;
            dropped += (double)point->rounds_dropped;
        }
        if (!isnan(point->stolen)) {
            stolen += point->stolen;
            known++;
        }
    }
    return dropped > DROPPED_MUCH * rounds || stolen > STOLEN_MUCH * known;
}

/* Values are sorted. */
static int has_modes(const double *values, size_t count, bool *several)
{
    struct tare_modes modes = {0};
    int error = tare_modes_of(values, count, 0, MODES_ALPHA, &modes);
    *several = error == 0 && modes.count > 1;
    return error == -ENOMEM ? error : 0;
}

static bool has_few(const struct tare_judged_series *series, double *scratch)
{
    size_t count = 0;
    for (size_t i = series->changes.level_from; i < series->line->count; i++) {
        if (series->line->points[i].n > 0) {
            scratch[count++] = (double)series->line->points[i].n;
        }
    }
    return count > 0 && tare_median(scratch, count) < FEW_VALUES;
}

static void advise(struct tare_judged_series *series, bool several, double *scratch)
{
    if (was_disturbed(series)) {
        series->advice = "others used the machine meanwhile: measure on a quieter one, and with --lock";
    } else if (series->changes.autocorrelation >= DEPENDENT) {
        series->advice = "results drift with the state of the machine: measure old and new in turns, with "
                         "'tare bench --vs'";
    } else if (several) {
        series->advice = "results fall into groups, as by layout or placement: --pin, and --relink";
    } else if (has_few(series, scratch)) {
        series->advice = "each result is of few processes: measure for longer, with --time";
    } else {
        series->advice = "measure for longer, with --time; 'tare doctor' says what disturbs on the machine";
    }
}

/* Whether a tenth of the values are that far off their median, up or down. */
static bool spreads(const struct tare_judged_series *series, double share)
{
    size_t from = series->changes.level_from, off = 0;
    for (size_t i = from; i < series->line->count; i++) {
        double value = series->line->points[i].value;
        off += fabs(value - series->changes.level) > share * fabs(series->changes.level);
    }
    return off * 10 > series->line->count - from;
}

/*
 * Two groups of results are no scatter to robust figures where one has most of them, and still nobody knows
 * which one comes next. So modes are looked for where many values are far off the median.
 */
int tare__check_stability(struct tare_judged_series *series, double share)
{
    const struct tare_history_line *line = series->line;
    bool wide = series->changes.smallest > share, several = false;
    series->below |= tare__is_time(line->series.unit) && tare__level_now(series) <= 0;
    if (line->count >= TARE_CHANGE_FEWEST && series->below) {
        series->unstable = true;
        series->advice = "times of 0 and less are below what can be measured: let what is measured do more "
                         "at a time";
        return 0;
    }
    if (line->count < TARE_CHANGE_FEWEST || (!wide && !spreads(series, share))) {
        return 0;
    }
    size_t count = line->count - series->changes.level_from;
    double *scratch = calloc(count + 1, sizeof(*scratch));
    if (scratch == NULL) {
        return -ENOMEM;
    }
    for (size_t i = 0; i < count; i++) {
        scratch[i] = line->points[series->changes.level_from + i].value;
    }
    tare_values_sort(scratch, count);
    int error = has_modes(scratch, count, &several);
    series->unstable = wide || several;
    if (series->unstable) {
        advise(series, several, scratch);
    }
    free(scratch);
    return error;
}
