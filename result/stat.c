/* SPDX-License-Identifier: MIT */
/* Runs of the same events, put together. A value that one run does not know is unknown. */
#include "result/stat.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "result/model.h"
#include "stats/interval.h"
#include "stats/moments.h"

struct tare_result_stat *tare_result_stat_new(void)
{
    return calloc(1, sizeof(struct tare_result_stat));
}

void tare_result_stat_free(struct tare_result_stat *stat)
{
    if (stat == NULL) {
        return;
    }
    for (size_t i = 0; i < stat->row_count; i++) {
        struct tare_result_stat_row *row = &stat->rows[i];
        free(row->name);
        free(row->source);
        free(row->unit);
        free(row->reason);
        free(row->values);
    }
    for (size_t i = 0; i < stat->ratio_count; i++) {
        free(stat->ratios[i].name);
    }
    if (stat->massif != NULL) {
        tare_massif_release(stat->massif);
    }
    free(stat->rows);
    free(stat->ratios);
    free(stat->massif);
    free(stat);
}

const struct tare_result_stat_row *tare_result_stat_find(const struct tare_result_stat *stat, const char *name)
{
    for (size_t i = 0; i < stat->row_count; i++) {
        if (strcmp(stat->rows[i].name, name) == 0) {
            return &stat->rows[i];
        }
    }
    return NULL;
}

static int add_row(struct tare_result_stat *stat, const char *name, const char *source, const char *unit)
{
    struct tare_result_stat_row *rows = reallocarray(stat->rows, stat->row_count + 1, sizeof(*rows));
    if (rows == NULL) {
        return -ENOMEM;
    }
    stat->rows = rows;
    struct tare_result_stat_row *row = &rows[stat->row_count++];
    *row = (struct tare_result_stat_row){.name = strdup(name),
                                         .source = strdup(source),
                                         .unit = unit[0] != '\0' ? strdup(unit) : NULL,
                                         .value = NAN,
                                         .error = NAN,
                                         .running = NAN};
    return row->name != NULL && row->source != NULL && (unit[0] == '\0' || row->unit != NULL) ? 0 : -ENOMEM;
}

static int make_rows(struct tare_result_stat *stat, const struct tare_stat_events *events)
{
    int error = 0;
    for (size_t i = 0; i < events->count && error == 0; i++) {
        const struct tare_stat_event *event = &events->events[i];
        error = add_row(stat, event->name, event->hardware ? "processor" : "kernel", event->time ? "ns" : "");
    }
    for (int i = 0; i < TARE_STAT_USAGES && error == 0; i++) {
        error = add_row(stat, tare_stat_usages[i].name, "usage", tare_stat_usages[i].unit);
    }
    return error;
}

static int add_value(struct tare_result_stat_row *row, uint64_t runs, double value)
{
    double *values = reallocarray(row->values, runs + 1, sizeof(*values));
    if (values == NULL) {
        return -ENOMEM;
    }
    row->values = values;
    values[runs] = value;
    return 0;
}

int tare_result_stat_add(struct tare_result_stat *stat, const struct tare_stat_events *events,
                         const struct tare_stat_run *run)
{
    int error = stat->runs == 0 ? make_rows(stat, events) : 0;
    for (size_t i = 0; i < events->count && error == 0; i++) {
        const struct tare_stat_count *count = &run->counts[i];
        struct tare_result_stat_row *row = &stat->rows[i];
        row->user_only = row->user_only || count->user_only;
        /* The worst of the runs is what the reader has to know. */
        row->running = isnan(row->running)     ? count->running
                       : isnan(count->running) ? row->running
                                               : fmin(row->running, count->running);
        if (count->reason != NULL && row->reason == NULL) {
            row->reason = strdup(count->reason);
            error = row->reason != NULL ? 0 : -ENOMEM;
        }
        error = error != 0 ? error : add_value(row, stat->runs, count->value);
    }
    for (int i = 0; i < TARE_STAT_USAGES && error == 0; i++) {
        struct tare_result_stat_row *row = &stat->rows[events->count + (size_t)i];
        error = add_value(row, stat->runs, run->usage[i]);
        if (error == 0 && i == TARE_STAT_MAX_RSS && isnan(run->usage[i]) && row->reason == NULL &&
            !isnan(run->usage[TARE_STAT_USER])) {
            /* The kernel keeps the largest of a process's life, and that began as a copy of us. */
            if (asprintf(&row->reason, "not above the %.1f MiB that its process had before the program began",
                         run->own_rss_bytes / 1048576) < 0) {
                row->reason = NULL;
            }
            error = row->reason != NULL ? 0 : -ENOMEM;
        }
    }
    stat->runs += error == 0;
    return error;
}

static void summarise(struct tare_result_stat_row *row, uint64_t runs)
{
    struct tare_moments moments = {0};
    struct tare_interval interval;
    for (uint64_t i = 0; i < runs; i++) {
        if (isnan(row->values[i])) {
            return;
        }
        tare_moments_add(&moments, row->values[i]);
    }
    row->value = tare_moments_mean(&moments);
    if (runs > 1 && tare_mean_interval(&moments, (double)runs, TARE_RESULT_CONFIDENCE, &interval) == 0) {
        row->error = (interval.high - interval.low) / 2;
    }
}

/* Of the same part of the time for both: without the kernel, or with it. */
static int add_ratio(struct tare_result_stat *stat, const char *name, const char *above, const char *below)
{
    const struct tare_result_stat_row *a = tare_result_stat_find(stat, above),
                                      *b = tare_result_stat_find(stat, below);
    if (a == NULL || b == NULL || isnan(a->value) || isnan(b->value) || b->value <= 0 ||
        (a->user_only != b->user_only && strcmp(b->source, "usage") != 0)) {
        return 0;
    }
    struct tare_result_stat_ratio *ratios = reallocarray(stat->ratios, stat->ratio_count + 1, sizeof(*ratios));
    if (ratios == NULL) {
        return -ENOMEM;
    }
    stat->ratios = ratios;
    ratios[stat->ratio_count] = (struct tare_result_stat_ratio){strdup(name), a->value / b->value};
    return ratios[stat->ratio_count++].name != NULL ? 0 : -ENOMEM;
}

int tare_result_stat_finish(struct tare_result_stat *stat)
{
    static const char *const ratios[][3] = {
        {"processors used", "task-clock", "wall"},
        {"instructions per cycle", "instructions", "cycles"},
        {"instructions per cycle, outside of the kernel", "instructions:u", "cycles:u"},
        {"of branches missed", "branch-misses", "branches"},
        {"of cache references missed", "cache-misses", "cache-references"},
        {"of L1 data loads missed", "L1-dcache-load-misses", "L1-dcache-loads"},
        {"of last-level loads missed", "LLC-load-misses", "LLC-loads"},
        {"of data TLB loads missed", "dTLB-load-misses", "dTLB-loads"},
    };
    int error = 0;
    for (size_t i = 0; i < stat->row_count; i++) {
        summarise(&stat->rows[i], stat->runs);
    }
    for (size_t i = 0; i < sizeof(ratios) / sizeof(ratios[0]) && error == 0; i++) {
        error = add_ratio(stat, ratios[i][0], ratios[i][1], ratios[i][2]);
    }
    return error;
}
