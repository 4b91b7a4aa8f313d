/* SPDX-License-Identifier: MIT */
/*
 * How the time of an operation grows with its argument: which of O(1), O(log n), O(n), O(n log n), O(n^2) fits
 * best, how well, and how sure that is. Method and sources: growth.c. No allocation, no I/O.
 */
#ifndef TARE_STATS_GROWTH_H
#define TARE_STATS_GROWTH_H

#include <stdbool.h>
#include <stddef.h>

enum tare_growth_class {
    TARE_GROWTH_CONSTANT,
    TARE_GROWTH_LOG,
    TARE_GROWTH_LINEAR,
    TARE_GROWTH_LINEAR_LOG,
    TARE_GROWTH_QUADRATIC,
    TARE_GROWTH_CLASSES,
};

/* "O(1)", "O(log n)", "O(n)", "O(n log n)", "O(n^2)". */
extern const char *const tare_growth_names[TARE_GROWTH_CLASSES];

struct tare_growth {
    enum tare_growth_class best;
    bool clear; /* it fits, and the second best clearly worse; else the data do not tell (name both) */
    enum tare_growth_class second; /* of what rises by less than 10 % over the arguments, O(1) */
    double base;                   /* time = base + factor x f(n), base >= 0 */
    double factor;   /* in the unit of the times, per f(n); logarithms are of base 2; 0 for O(1) */
    double error;    /* root mean square of log(time / fit): 0.03 is 3 % */
    double exponent; /* slope of log time over log n */
};

/*
 * n times, for at least 4 different arguments in any order, all > 0, times > 0: else -EINVAL, best meaningless
 * and not clear, the figures NAN. Time O(n) for a fit, some 1000 of them. Thread-safe.
 */
int tare_growth_fit(const double *arguments, const double *times, size_t n, struct tare_growth *out);

#endif
