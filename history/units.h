/* SPDX-License-Identifier: MIT */
/* Names of units as people and tools write them: one table for imports, budgets and which way is worse. */
#ifndef TARE_HISTORY_UNITS_H
#define TARE_HISTORY_UNITS_H

#include <stdbool.h>
#include <stddef.h>

#include "result/metrics.h"

/*
 * Whether the first `size` bytes of `name` are a unit that has a meaning of its own: *unit is which of ours, and
 * *factor what a value has to be multiplied with to be in it. "kB" and the like, of which nobody knows whether they are
 * 1000 or 1024 bytes, are none. Neither is changed where it is none.
 */
bool tare_unit_find(const char *name, size_t size, enum tare_metric_unit *unit, double *factor);

/* The same of a whole name, of which "/iter", "/op", "/call", "/iteration" or " per iteration" may be the end. */
bool tare_unit_find_of_one(const char *name, enum tare_metric_unit *unit, double *factor);

#endif
