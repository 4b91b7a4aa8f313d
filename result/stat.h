/* SPDX-License-Identifier: MIT */
/*
 * What `tare stat` found, in a result: counters and resources of some runs of a program, or the peak of its memory.
 * Strings are owned by it. Not safe to change from several threads at once.
 */
#ifndef TARE_RESULT_STAT_H
#define TARE_RESULT_STAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "record/massif.h"
#include "record/stat.h"

/* One counter or resource, over all runs. */
struct tare_result_stat_row {
    char *name;
    char *source; /* "processor", "kernel" (counters), "usage" */
    char *unit;   /* "ns", "bytes"; NULL: a plain number */
    double value; /* the mean of the runs; NAN: unknown */
    double error; /* half the width of its 95 % interval, by Student's t; NAN: of fewer than two runs */
    double
        running; /* for how much of the time it was counted, 0 to 1: if below 1, the value is scaled; or NAN */
    bool user_only; /* without what the kernel did */
    char *reason;   /* why the value is unknown; NULL: it is known, or nobody knows */
    double *values; /* of each run; NAN: unknown */
};

/* What is known of two rows together. */
struct tare_result_stat_ratio {
    char *name; /* "instructions per cycle" */
    double value;
};

struct tare_result_stat {
    uint64_t runs;
    uint32_t pid; /* of the process that was attached to; 0: a program was run */
    struct tare_result_stat_row *rows;
    size_t row_count;
    struct tare_result_stat_ratio *ratios;
    size_t ratio_count;
    struct tare_massif *massif; /* NULL: the heap was not measured */
    bool massif_stacks;         /* stacks were, too */
};

/* Empty. NULL without memory. */
struct tare_result_stat *tare_result_stat_new(void);
void tare_result_stat_free(struct tare_result_stat *stat); /* NULL is fine */

/* Adds a run, the same events each time. Returns 0 or -ENOMEM. */
int tare_result_stat_add(struct tare_result_stat *stat, const struct tare_stat_events *events,
                         const struct tare_stat_run *run);

/* When all runs are in: means, intervals, ratios. Returns 0 or -ENOMEM. */
int tare_result_stat_finish(struct tare_result_stat *stat);

/* NULL: there is none of that name. */
const struct tare_result_stat_row *tare_result_stat_find(const struct tare_result_stat *stat, const char *name);

#endif
