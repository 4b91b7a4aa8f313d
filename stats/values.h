/* SPDX-License-Identifier: MIT */
/*
 * Sets of values, and what the functions of this folder have in common.
 *
 * Refusal. A function that reads an array of values, or parameters of its own, returns 0 or -errno and puts
 * its results where it is told:
 *
 *     -EINVAL   a value is NaN or infinite or beyond TARE_VALUE_LIMIT, an array that must be ascending is not,
 *               or a parameter is out of its range; every result is NAN (a count 0)
 *     -ENOMEM   where the header says that memory is allocated; results as with -EINVAL
 *     0         else. A result that so few values do not have (the standard deviation of one) is NAN
 *
 * No value is ever dropped to make an answer possible. A function that makes one number of a few numbers
 * returns it, and NAN if it is refused or does not exist. Results are finite or NAN, never infinite.
 *
 * Nothing here keeps state between calls, so everything may be used by any number of threads on data of their
 * own.
 */
#ifndef TARE_STATS_VALUES_H
#define TARE_STATS_VALUES_H

#include <stddef.h>

/*
 * The largest magnitude that is taken. It keeps sums of cubed distances of 10^7 values inside a double, so that
 * nothing has to be said about overflow anywhere else. Distances below 1e-150 vanish when they are squared.
 */
#define TARE_VALUE_LIMIT 1e100

/* 0 if all are finite and within TARE_VALUE_LIMIT, else -EINVAL. No values: 0. */
int tare_values_check(const double *values, size_t n);

/* The same, and -EINVAL if they do not ascend. */
int tare_values_check_sorted(const double *values, size_t n);

/*
 * Ascending, in place, without allocation or recursion, in O(n log n) whatever the order. Free of NaN: check
 * first.
 */
void tare_values_sort(double *values, size_t n);

#endif
