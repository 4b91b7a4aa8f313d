/* SPDX-License-Identifier: MIT */
/*
 * What is suspected, and asks for a re-run. stats/changepoint.h tells of the newest one or two points whether
 * they are out of order. A step may need some more until it is a change; from the third point on to that one,
 * or where a change is not kept among many series, the suspicion would be forgotten just when it gets
 * stronger. So it is carried on.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "history/check_parts.h"
#include "stats/quantile.h"

/* So many newest values are what the search for changes gives most weight: what is no change then was none. */
enum { SUSPECT_MOST = 8 };

/* Whether all behind `from` are at least half as far off the level as what was suspected. */
static bool stay_off(const double *values, size_t from, size_t n, const struct tare_suspicion *found)
{
    double half = found->shift / 2;
    for (size_t i = from; i < n; i++) {
        double off = values[i] - found->level;
        if (half > 0 ? off < half : off > half) {
            return false;
        }
    }
    return true;
}

static void take(const double *values, size_t n, size_t count, struct tare_suspicion *found)
{
    double newest[SUSPECT_MOST];
    for (size_t i = 0; i < count; i++) {
        newest[i] = values[n - count + i];
    }
    double median = tare_median(newest, count);
    found->count = count;
    found->shift = median - found->level;
    found->ratio = found->level > 0 ? median / found->level : NAN;
}

/* Whether the newest values lie apart on one side at all: cheaper than what is asked next. */
static bool may_be_off(const double *values, size_t n, size_t count, const struct tare_changes *changes)
{
    bool above = values[n - 1] > changes->level;
    for (size_t i = n - count; i < n; i++) {
        if ((values[i] > changes->level) != above || fabs(values[i] - changes->level) <= changes->scatter) {
            return false;
        }
    }
    return true;
}

int tare__suspect(const double *values, size_t n, const struct tare_changes *changes,
                  struct tare_suspicion *out)
{
    int error = tare_changes_suspect(values, n, changes, out);
    for (size_t extra = 1; error == 0 && out->count == 0 && extra < SUSPECT_MOST; extra++) {
        struct tare_suspicion found;
        if (n < changes->level_from + extra + TARE_CHANGE_FEWEST || !may_be_off(values, n, extra, changes)) {
            break;
        }
        error = tare_changes_suspect(values, n - extra, changes, &found);
        if (error == 0 && found.count > 0 && found.count + extra <= SUSPECT_MOST &&
            stay_off(values, n - extra, n, &found)) {
            *out = found;
            take(values, n, found.count + extra, out);
        }
    }
    return error;
}
