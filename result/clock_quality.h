/* SPDX-License-Identifier: MIT */
/* What the watch over clock and threads noticed, told in the result: figures for programs, notes for people. */
#ifndef TARE_RESULT_CLOCK_QUALITY_H
#define TARE_RESULT_CLOCK_QUALITY_H

#include "record/clockwatch.h"
#include "record/migrations.h"
#include "result/model.h"

/*
 * Fills in the fields of result->clock from `watch_points` to `migrations`, and adds a note for each trouble.
 * Called once, when the pages have been added: what a step means depends on the clock that they used.
 * `migrations` NULL: nobody looked. Returns 0 or -ENOMEM.
 */
int tare_result_clock_quality(struct tare_result *result, const struct tare_clock_findings *found,
                              const struct tare_migrations *migrations);

#endif
