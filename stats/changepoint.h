/* SPDX-License-Identifier: MIT */
/*
 * Change points: where, and by how much, did a series of results step or drift? docs/changepoints.md has the
 * method in words and the table of what it finds and how often it is wrong; the sources and what was tried
 * stand in changepoint.c. Numbers only; no I/O, no state. All functions are thread-safe.
 */
#ifndef TARE_STATS_CHANGEPOINT_H
#define TARE_STATS_CHANGEPOINT_H

#include <stdbool.h>
#include <stddef.h>

enum {
    TARE_CHANGE_SIDE = 3,    /* values that a change has on each side, at least */
    TARE_CHANGE_FEWEST = 10, /* of fewer values nothing is said */
};

#define TARE_CHANGE_ALPHA 0.01 /* the chance that a series of equal values is said to have changed */

enum tare_change_kind {
    TARE_CHANGE_STEP,
    TARE_CHANGE_DRIFT, /* a line describes the values on both sides better than two levels */
};

struct tare_change {
    enum tare_change_kind kind;
    size_t at;        /* index of the first value behind it */
    size_t from, to;  /* it was found between the values [from, at) and [at, to) */
    size_t low, high; /* `at` lies in low ... high, with about 95 %: the values between are of either side */
    double p;         /* chance level, over all places that were searched in the series */
    double before, after;                /* medians of both sides; of a drift, the line's ends */
    double shift, shift_low, shift_high; /* after - before: Hodges-Lehmann, and its 95 % interval */
    double ratio, ratio_low, ratio_high; /* after / before, in the same way; NAN if a value is not above 0 */
};

struct tare_changes {
    struct tare_change *changes; /* ascending by `at` */
    size_t count;
    double p;               /* the smallest there is, also where nothing was found; NAN of too few values */
    double autocorrelation; /* of neighbours, with the changes taken out: what was allowed for; NAN unknown */
    double scatter;         /* standard deviation about the levels, robust (MAD x 1.4826) */
    double spread;          /* scatter / the last level; NAN if that is not above 0 */
    /* The step up, as a share of the last level, that 5 values behind it would show in 4 of 5 cases. */
    double smallest;
    size_t level_from; /* the first value of the last level */
    double level;      /* its median */
};

/*
 * All changes in n values, oldest first, at the level alpha (0 < alpha < 1) for the series. Values must be
 * finite. Returns 0; -EINVAL; -ENOMEM. Released by tare_changes_release() in any case. Time O(n log n) for each
 * change there is, O(n (log n)^2) where stretches are looked at one by one.
 */
int tare_changes_find(const double *values, size_t n, double alpha, struct tare_changes *out);
void tare_changes_release(struct tare_changes *changes);

/* What the newest value, or two, say alone. */
struct tare_suspicion {
    size_t count; /* newest values that lie beyond what the last level scatters, on the same side; 0: none */
    double level; /* that they are off from: its median without them */
    double shift; /* the median of these, less the level */
    double ratio; /* to the level; NAN if that is not above 0 */
    double p;     /* chance that so few of so many lie so far out, for one look */
};

/*
 * Are the newest one to TARE_CHANGE_SIDE - 1 values suspicious? They need a re-run: no verdict rests on them.
 * `changes`: of the same values. Values of which there are more that far out before are not. 0, -EINVAL, -ENOMEM.
 */
int tare_changes_suspect(const double *values, size_t n, const struct tare_changes *changes,
                         struct tare_suspicion *out);

/*
 * Adjusted p-values of m tests by Benjamini and Hochberg (Journal of the Royal Statistical Society B 57 (1995),
 * pages 289-300): a test with adjusted[i] <= q is one of a set of which the share q at most is false, if the
 * tests are independent or depend positively. NAN stays NAN and counts for none. -EINVAL: a p outside of 0 to
 * 1. -ENOMEM.
 */
int tare_benjamini_hochberg(const double *p, size_t m, double *adjusted);

#endif
