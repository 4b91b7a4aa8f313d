/* SPDX-License-Identifier: MIT */
/*
 * Is B faster than A? The rules of `tare bench --vs`: from pairs of rounds to an interval of the ratio, a
 * verdict, and when to stop. Numbers only; no I/O, no state. docs/benchmarks.md has the rules in words; the
 * method, its sources and what was tried stand in compare.c.
 *
 * A round runs every arm once, in the order of stats/order.h; two mirrored rounds are a unit. Of each unit and
 * comparison there is one effect, log(B / A), A being the mean of the logarithms of both arms that run A, and
 * one value of control, log(A' / A), from these two. Both are made by the same means and judged by the same
 * rule.
 */
#ifndef TARE_STATS_COMPARE_H
#define TARE_STATS_COMPARE_H

#include <stdbool.h>
#include <stddef.h>

enum tare_verdict {
    TARE_VERDICT_UNRESOLVED,
    TARE_VERDICT_SAME,   /* within the margin */
    TARE_VERDICT_FASTER, /* B takes less time than A */
    TARE_VERDICT_SLOWER,
    TARE_VERDICTS,
};

/* "unresolved", "same", "faster", "slower". */
extern const char *const tare_verdict_names[TARE_VERDICTS];

/* What is decided before the first round. */
struct tare_compare_rule {
    double alpha; /* the chance that any of the comparisons of the call says faster or slower where there is no
                     difference; 0 < alpha < 1 */
    size_t comparisons;   /* in the call, at least 1 */
    double margin;        /* two things count as the same within this share; > 0: 0.01 is 1 % */
    double control_alpha; /* the chance that the control arm of one comparison shows a difference by chance */
};

#define TARE_COMPARE_ALPHA 0.002 /* one call in 500 */
#define TARE_COMPARE_MARGIN 0.01
#define TARE_COMPARE_CONTROL_ALPHA 0.01

/*
 * Looks at the data are made when a share of the time, or of the rounds, has gone by that was fixed before:
 * tare_compare_looks[0 ... TARE_COMPARE_LOOKS - 1], ascending, the last one 1. Up to a share f, f^2 of alpha is
 * spent; all looks together spend alpha.
 */
enum { TARE_COMPARE_LOOKS = 8 };
extern const double tare_compare_looks[TARE_COMPARE_LOOKS];

struct tare_comparison {
    enum tare_verdict verdict;
    bool within_margin;   /* the interval lies within the margin as a whole (of a faster or slower one, too) */
    bool control_differs; /* then the verdict is unresolved */
    bool stop;            /* no further round is needed: see tare_compare() */
    size_t units;
    double ratio;      /* B / A: 0.98 is 2 % less time. The median of the ratios of B to an A beside it */
    double low, high;  /* the interval that decides */
    double confidence; /* of that interval; over all looks and comparisons of the call it is 1 - alpha */
    double control_ratio, control_low, control_high; /* A' / A, at control_alpha */
    double smallest; /* relative change that would have been seen at this look in 4 of 5 runs: 0.004 */
    double
        units_needed; /* so many, at the scatter seen, until half of all runs would be settled; while there is no
                               interval, until there is one */
    double layouts_needed;  /* the same of an unresolved comparison of layouts; NAN: none, or more than 100 */
    double units_effective; /* independent units that the effects are worth; no verdict rests on it */
};

/*
 * The comparison after `fraction` of the time (0 < fraction <= 1) has gone by, where looks before it have been
 * made at the fractions before it in tare_compare_looks, the last one at last_fraction (0: none). For an
 * interrupted run, `fraction` may be any number above that of the last look. effect[n] and control[n] in the
 * order in which the units were run; `layout[n]` (NULL: all the same) numbers the layout of the program that a
 * unit ran with: with two or more different ones, they are the level at which the interval is made. scratch:
 * room for 4 n doubles.
 *
 * The chance of error is that of the rule if each unit's places were drawn (stats/order.h), whatever the noise;
 * of fewer than some 8 units it rests on the noise having no few values that it jumps between. With alpha 0.002
 * and one comparison, 4 units are the fewest of which anything is said at the last look; where there are too
 * few, the ends of the interval are NAN. Of layouts it rests on their effects being about normal.
 *
 * Verdicts: slower if the interval lies above 1, faster if below; same if it holds 1 and lies within 1 +-
 * margin; else unresolved, and always if the control arm differs or units are too few. `stop` is set for faster
 * and slower, and for the same if the interval lies within half the margin, so that a small difference has its
 * chance to be found in the time given.
 *
 * Of layouts units_needed is NAN: more units of the same ones would not do.
 *
 * Returns 0, or -EINVAL (a value that is not finite or beyond e^100, a rule or a fraction out of range): all
 * NAN and unresolved. Thread-safe; no allocation.
 */
int tare_compare(const struct tare_compare_rule *rule, double last_fraction, double fraction,
                 const double *effect, const double *control, const unsigned *layout, size_t n, double *scratch,
                 struct tare_comparison *out);

/*
 * Two sets of times of two results, measured at different times, of blocks that are processes: no pairs, no
 * control. Each in the order in which it was measured. Interval of the ratio of the medians of b to a; what the
 * machine did between the two measurements is in it only as far as it did the like while one was made: a result
 * that took seconds knows nothing of hours, and layouts, temperatures and neighbours of another day are in none
 * of them. comparisons and alpha as above; scratch: na + nb doubles. The verdict follows the same rule. control
 * and what is needed are NAN; with fewer than 4 values in one of them the ends are, too. -EINVAL also for times
 * not above 0.
 */
int tare_compare_apart(const struct tare_compare_rule *rule, const double *a, size_t na, const double *b,
                       size_t nb, double *scratch, struct tare_comparison *out);

#endif
