/* SPDX-License-Identifier: MIT */
/* What tare_values_sort() goes on with where a quicksort would take too long; for its test. */
#ifndef TARE_STATS_VALUES_PARTS_H
#define TARE_STATS_VALUES_PARTS_H

#include <stddef.h>

void tare__heap_sort(double *values, size_t n);

#endif
