/* SPDX-License-Identifier: MIT */
/*
 * When is a benchmark warm? From series of values in the order in which they were taken, one series for each
 * process: how many at the beginning are not like the rest. Method and sources: warmup.c. No I/O.
 */
#ifndef TARE_STATS_WARMUP_H
#define TARE_STATS_WARMUP_H

#include <stdbool.h>
#include <stddef.h>

struct tare_warmup {
    size_t length;      /* so many values at the beginning of each series are warm-up */
    bool settled;       /* false: the values still move at the end (drift, or too short): length is n / 2 */
    double first_ratio; /* the first value to the steady state (median over the series); NAN: unknown */
    double steady;      /* the median of the steady part */
};

/*
 * `series` has `count` series of n values, one behind the other. A value is warm-up if it and what stands
 * before it are systematically off the steady state by more than `tolerance` (0.01: 1 %) and more than chance
 * explains. One series is enough, with less power: a first value that is off alone is told from 20 values on,
 * and only if it is further off than any other; of two series from 5 values each, of three from 3. n at least
 * 4, count at least 1, 0 < tolerance < 1. Allocates (-ENOMEM); -EINVAL as in stats/values.h. Time: 200 passes
 * over at most 64 of the series. Thread-safe.
 */
int tare_warmup_detect(const double *series, size_t count, size_t n, double tolerance, struct tare_warmup *out);

#endif
