/* SPDX-License-Identifier: MIT */
/* What changepoint*.c share, and bench/changepoints makes changepoint_levels.h with. */
#ifndef TARE_STATS_CHANGEPOINT_PARTS_H
#define TARE_STATS_CHANGEPOINT_PARTS_H

#include <stddef.h>

#include "stats/changepoint.h"

struct tare__placed {
    double value;
    size_t at;
};

/* Room for n values. */
struct tare__change_work {
    struct tare__placed *sorted; /* n, for sorting */
    struct tare__placed *spare;  /* n */
    size_t *order;               /* n: indices by value */
    size_t *group;               /* n: where the run of equal values ends that order[i] is in */
    double *scores;              /* n */
    double *residuals;           /* n */
    double *plain;               /* n: values or their logarithms */
    double *sums;                /* n + 1 */
    double *pairs;               /* TARE__CHANGE_NEAR squared */
    double *near;                /* 2 TARE__CHANGE_NEAR */
    size_t first, last;          /* of the last statistic: what shows most is about there */
    double of_differences;       /* of the last statistic: the autocorrelation by differences of neighbours */
    void *memory;
};

enum { TARE__CHANGE_NEAR = 64 }; /* values on each side of a change that its size is estimated from */

int tare__change_work_init(struct tare__change_work *work, size_t n);
void tare__change_work_release(struct tare__change_work *work);

/*
 * The statistic of n values: small where they changed. `dependent`: neighbours may depend on each other; else they
 * are taken for independent, as the levels are made. n at least TARE_CHANGE_FEWEST.
 */
double tare__change_statistic(const double *values, size_t n, bool dependent, struct tare__change_work *work);

/* The chance that the statistic of n independent values is that small. */
double tare__change_chance(double statistic, size_t n);

/* Normal scores of the ranks, ties sharing the middle of theirs, into work->scores. */
void tare__change_scores(const double *values, size_t n, struct tare__change_work *work);

/* Lag-1 autocorrelation of the scores about the means of both sides of `at`; 0 where there is none. */
double tare__change_dependence(const double *scores, size_t n, size_t at);

/* changepoint_size.c: fills in the sizes of changes that were found, and what kind they are. */
int tare__change_sizes(const double *values, size_t n, struct tare_changes *out,
                       struct tare__change_work *work);

#endif
