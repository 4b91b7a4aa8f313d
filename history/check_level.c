/* SPDX-License-Identifier: MIT */
/*
 * Levels of a series. Where a change is is known but for an interval, whose points are of either side: a level
 * is made of those outside of it. A drift has a line instead of levels.
 */
#include <math.h>

#include "history/check_parts.h"
#include "stats/quantile.h"

double tare__drift_at(const struct tare_change *drift, size_t at)
{
    double length = (double)(drift->high - drift->low);
    double part = length > 0 ? ((double)at - (double)drift->low + 1) / (length + 1) : 1;
    return drift->before + fmax(0, fmin(part, 1)) * (drift->after - drift->before);
}

/* A drift that goes on to the newest values has no level behind it, but the end of its line. */
double tare__level_now(const struct tare_judged_series *series)
{
    const struct tare_changes *changes = &series->changes;
    const struct tare_change *last = changes->count > 0 ? &changes->changes[changes->count - 1] : NULL;
    bool goes_on =
        last != NULL && last->kind == TARE_CHANGE_DRIFT && last->high + TARE_CHANGE_SIDE > series->line->count;
    return goes_on ? last->after : changes->level;
}

double tare__level_at(const struct tare_judged_series *series, size_t at, double *scratch)
{
    const struct tare_changes *changes = &series->changes;
    const struct tare_change *next = NULL;
    size_t from = 0;
    for (size_t i = 0; i < changes->count && next == NULL; i++) {
        const struct tare_change *change = &changes->changes[i];
        if (change->high <= at) {
            from = change->high;
        } else {
            next = change;
        }
    }
    if (next != NULL && next->kind == TARE_CHANGE_DRIFT && next->low <= at) {
        return tare__drift_at(next, at);
    }
    size_t to = next != NULL ? next->low : series->line->count;
    if (to < from + TARE_CHANGE_SIDE) {
        return next != NULL ? next->before : tare__level_now(series);
    }
    for (size_t i = from; i < to; i++) {
        scratch[i - from] = series->line->points[i].value;
    }
    return tare_median(scratch, to - from);
}
