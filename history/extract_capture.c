/* SPDX-License-Identifier: MIT */
/*
 * What history keeps of a capture: of each instrument what it did while it was captured, in one or two figures.
 * Totals since the program's start are no such figures, as they depend on when the capture began.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "history/extract_parts.h"
#include "result/capture.h"
#include "result/metrics.h"
#include "stats/quantile.h"

/* Those that are known, to be freed; NULL: there are none, or no memory. */
static double *known_values(struct tare__extract *extract, const struct tare_capture_series *series,
                            const char *name, size_t *count)
{
    const struct tare_capture_column *column = tare_capture_column(series, name);
    *count = 0;
    if (column == NULL || series->count == 0) {
        return NULL;
    }
    double *values = calloc(series->count, sizeof *values);
    if (values == NULL) {
        extract->error = -ENOMEM;
        return NULL;
    }
    for (size_t i = 0; i < series->count; i++) {
        double value = tare_capture_value(series, column, series->first + i);
        if (isfinite(value)) {
            values[(*count)++] = value;
        }
    }
    return values;
}

/* The median of a figure of windows, or the largest of it. */
static void add_column(struct tare__extract *extract, const struct tare__subject *subject, const char *unit,
                       const struct tare_capture_series *series, const char *column, bool largest,
                       const char *metric)
{
    size_t count;
    double *values = known_values(extract, series, column, &count);
    if (values != NULL && count > 0) {
        double median = tare_median(values, count); /* which sorts them */
        struct tare_history_point *point =
            tare__extract_add(extract, subject, unit, largest ? values[count - 1] : median, "%s", metric);
        if (point != NULL) {
            point->n = (int64_t)count;
        }
    }
    free(values);
}

/* What came to a sum between the first and the last sample in which it is known; NAN: it fell, or is not known twice. */
static double grown(struct tare__extract *extract, const struct tare_capture_series *series, const char *name)
{
    size_t count;
    double *values = known_values(extract, series, name, &count);
    double by = NAN;
    for (size_t i = 1; i < count; i++) {
        if (values[i] < values[i - 1]) { /* it was reset */
            count = 0;
        }
    }
    if (count > 1) {
        by = values[count - 1] - values[0];
    }
    free(values);
    return by;
}

static void add_timer(struct tare__extract *extract, const struct tare__subject *subject,
                      const struct tare_capture_instrument *instrument)
{
    double net_ns = grown(extract, &instrument->series, "net_total_ns");
    double calls = grown(extract, &instrument->series, "outermost_calls");
    if (!(calls > 0 && calls < 1e18) || instrument->voids > 0) {
        return;
    }
    struct tare_history_point *point = tare__extract_add(
        extract, subject, tare_metric_unit_names[TARE_METRIC_TIME], net_ns / calls, "net_avg");
    if (point != NULL) {
        point->n = (int64_t)calls;
    }
}

static void add_frames(struct tare__extract *extract, const struct tare__subject *subject,
                       const struct tare_capture_instrument *instrument)
{
    const char *unit = tare_metric_unit_names[TARE_METRIC_TIME];
    double *sorted = calloc(instrument->frame_count + 1, sizeof *sorted);
    size_t count = 0;
    if (sorted == NULL) {
        extract->error = -ENOMEM;
        return;
    }
    for (size_t i = 0; i < instrument->frame_count; i++) {
        if (isfinite(instrument->frames[i].ns)) {
            sorted[count++] = instrument->frames[i].ns;
        }
    }
    double median = tare_median(sorted, count); /* which sorts them */
    struct tare_history_point *point = tare__extract_add(extract, subject, unit, median, "p50");
    if (point != NULL) {
        point->n = (int64_t)count;
        point = tare__extract_add(extract, subject, unit, tare_quantile(sorted, count, 0.99), "p99");
    }
    if (point != NULL) {
        point->n = (int64_t)count;
    }
    free(sorted);
}

static void add_instrument(struct tare__extract *extract, const struct tare_capture_instrument *instrument,
                           const char *more)
{
    const struct tare__subject subject = {
        .suite = instrument->module, .name = instrument->name, .arguments = instrument->labels, .more = more};
    const struct tare_capture_series *series = &instrument->series;
    const struct tare_capture_column *rate = tare_capture_column(series, "per_s");
    switch (instrument->kind) {
    case TARE_KIND_TIMER:
        add_timer(extract, &subject, instrument);
        break;
    case TARE_KIND_COUNTER:
        add_column(extract, &subject, rate != NULL && rate->unit != NULL ? rate->unit : "1/s", series, "per_s",
                   false, "per_s");
        break;
    case TARE_KIND_GAUGE:
        add_column(extract, &subject,
                   instrument->unit != NULL ? instrument->unit : tare_metric_unit_names[TARE_METRIC_COUNT],
                   series, "value", false, "value");
        break;
    case TARE_KIND_HISTOGRAM:
        add_column(extract, &subject,
                   instrument->unit != NULL ? instrument->unit : tare_metric_unit_names[TARE_METRIC_COUNT],
                   series, "p50", false, "p50");
        add_column(extract, &subject,
                   instrument->unit != NULL ? instrument->unit : tare_metric_unit_names[TARE_METRIC_COUNT],
                   series, "p99", false, "p99");
        break;
    case TARE_KIND_FRAMES:
        add_frames(extract, &subject, instrument);
        break;
    default:
        break;
    }
}

void tare__extract_capture(struct tare__extract *extract)
{
    const struct tare_capture *capture = extract->result->capture;
    for (size_t i = 0; i < capture->process_count && extract->error == 0; i++) {
        const struct tare_capture_process *process = &capture->processes[i];
        const char *name = process->name != NULL ? process->name : tare__extract_base(process->executable);
        char *more = NULL;
        if (asprintf(&more, " program=%s", name) < 0) {
            extract->error = -ENOMEM;
            return;
        }
        const struct tare__subject subject = {.suite = name, .more = more};
        add_column(extract, &subject, tare_metric_unit_names[TARE_METRIC_SHARE], &process->series, "cpu_share",
                   false, "cpu_share");
        add_column(extract, &subject, tare_metric_unit_names[TARE_METRIC_BYTES], &process->series,
                   "resident_bytes", true, "resident_peak");
        for (size_t k = 0; k < process->instrument_count && extract->error == 0; k++) {
            add_instrument(extract, &process->instruments[k], more);
        }
        free(more);
    }
}
