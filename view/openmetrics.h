/* SPDX-License-Identifier: MIT */
/*
 * Telemetry as Prometheus and its relatives read it: OpenMetrics 1.0 text, or Prometheus text 0.0.4.
 * docs/metrics.md lists the names and says how they follow from those of instruments.
 *
 * What is unknown has no sample: that is how a series is said to have a gap there, and sums and averages over
 * several series leave it out; NaN would make them NaN. Whatever programs call their instruments, the text is
 * valid: names are sanitized, and those that then clash are told apart.
 */
#ifndef TARE_VIEW_OPENMETRICS_H
#define TARE_VIEW_OPENMETRICS_H

#include <stdbool.h>
#include <stddef.h>

#include "result/telemetry.h"

enum tare_metrics_format {
    TARE_METRICS_OPENMETRICS, /* application/openmetrics-text; version=1.0.0; charset=utf-8 */
    TARE_METRICS_PROMETHEUS,  /* text/plain; version=0.0.4; charset=utf-8 */
};

#define TARE_METRICS_OPENMETRICS_TYPE "application/openmetrics-text; version=1.0.0; charset=utf-8"
#define TARE_METRICS_PROMETHEUS_TYPE "text/plain; version=0.0.4; charset=utf-8"

/* Keys of a top-k that are named at most, unless the options say otherwise. */
#define TARE_METRICS_KEYS 20

/* Zeroed: as tare_openmetrics() does it, in OpenMetrics. */
struct tare_metrics_options {
    enum tare_metrics_format format;
    bool timestamps;       /* each sample says when it was read: ms since 1970; in OpenMetrics, seconds */
    bool samples_only;     /* a sample per line and nothing else: no # HELP, # TYPE, # UNIT, # EOF */
    bool timer_histograms; /* timers as classic histograms; else as summaries with quantiles */
    bool no_rolling;       /* without the gauges of the last window: whoever stores series makes them itself */
    bool no_keys;          /* of a top-k, its sums alone */
    size_t keys;           /* of a top-k, that are named at most, heaviest first; 0: TARE_METRICS_KEYS */
    const char *labels;    /* "key=value,key=value", for every sample; NULL: none */
};

/* The text, malloc'ed, `*size` bytes and a NUL. NULL: no memory. Thread-safe. */
char *tare_openmetrics(const struct tare_telemetry *telemetry, enum tare_metrics_format format, size_t *size);
char *tare_openmetrics_with(const struct tare_telemetry *telemetry, const struct tare_metrics_options *options,
                            size_t *size);

#endif
