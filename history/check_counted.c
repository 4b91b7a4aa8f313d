/* SPDX-License-Identifier: MIT */
/*
 * Series of what is counted: instructions, allocations, system calls. Equal code gives equal values there, so
 * that values stand in runs, and no noise could make a new one: TARE_CHANGE_SIDE equal values are a change,
 * fewer are suspected, and neither alpha nor the number of series matters. A series is taken for counted if
 * it is nothing but such runs, which are 8 values long on average: a coarse clock's values, which come and
 * go, are not.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "history/check_parts.h"

enum { RUN_AVERAGE = 8 };

static size_t run_end(const double *values, size_t from, size_t n)
{
    size_t to = from + 1;
    while (to < n && values[to] == values[from]) {
        to++;
    }
    return to;
}

bool tare__is_counted(const double *values, size_t n)
{
    size_t runs = 0;
    for (size_t from = 0, to; from < n; from = to, runs++) {
        to = run_end(values, from, n);
        if (to - from < TARE_CHANGE_SIDE && (to < n || from == 0)) {
            return false;
        }
    }
    return n >= TARE_CHANGE_FEWEST && runs <= 1 + n / RUN_AVERAGE;
}

/* That of n values in any order those `count` which are others than the rest come last. */
static double chance_of(size_t n, size_t count)
{
    double orders = 1;
    for (size_t i = 0; i < count; i++) {
        orders *= (double)(n - i) / (double)(i + 1);
    }
    return 1 / orders;
}

static void take_change(const double *values, size_t from, size_t at, size_t to, struct tare_change *change)
{
    double before = values[from], after = values[at], shift = after - before;
    double ratio = before > 0 && after > 0 ? after / before : NAN;
    *change = (struct tare_change){
        .kind = TARE_CHANGE_STEP,
        .at = at,
        .from = from,
        .to = to,
        .low = at,
        .high = at,
        .p = chance_of(to, to - at),
        .before = before,
        .after = after,
        .shift = shift,
        .shift_low = shift,
        .shift_high = shift,
        .ratio = ratio,
        .ratio_low = ratio,
        .ratio_high = ratio,
    };
}

int tare__counted_changes(const double *values, size_t n, struct tare_changes *out,
                          struct tare_suspicion *suspicion)
{
    size_t level_from = 0;
    *suspicion = (struct tare_suspicion){.level = NAN, .shift = NAN, .ratio = NAN, .p = NAN};
    *out = (struct tare_changes){.p = 1, .autocorrelation = NAN};
    out->changes = calloc(1 + n / TARE_CHANGE_SIDE, sizeof(*out->changes));
    if (out->changes == NULL) {
        return -ENOMEM;
    }
    for (size_t from = 0, to; from < n; from = to) {
        to = run_end(values, from, n);
        if (from > 0 && to - from >= TARE_CHANGE_SIDE) {
            struct tare_change *change = &out->changes[out->count++];
            take_change(values, level_from, from, to, change);
            out->p = fmin(out->p, change->p);
        } else if (from > 0) {
            double level = values[level_from];
            *suspicion = (struct tare_suspicion){
                .count = to - from,
                .level = level,
                .shift = values[from] - level,
                .ratio = level > 0 ? values[from] / level : NAN,
                .p = chance_of(n, to - from),
            };
            break;
        }
        level_from = from;
    }
    out->level_from = level_from;
    out->level = values[level_from];
    out->spread = out->level > 0 ? 0 : NAN;
    out->smallest = 0;
    return 0;
}
