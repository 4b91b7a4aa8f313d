/* SPDX-License-Identifier: MIT */
/*
 * The figures of a result by name, each with its unit and interval: what a budget can be about. tare-budget(5)
 * lists the names. No I/O; any number of threads may read metrics that do not change.
 */
#ifndef TARE_RESULT_METRICS_H
#define TARE_RESULT_METRICS_H

#include <stdbool.h>
#include <stddef.h>

#include "result/model.h"

/* What the value of a metric is in. */
enum tare_metric_unit {
    TARE_METRIC_TIME,      /* ns */
    TARE_METRIC_BYTES,     /* bytes */
    TARE_METRIC_BYTE_RATE, /* bytes per second */
    TARE_METRIC_RATE,      /* per second */
    TARE_METRIC_COUNT,     /* a number of something, or of something for each operation */
    TARE_METRIC_SHARE,     /* of 1 */
    TARE_METRIC_RATIO,     /* of two things of the same unit; an exponent */
    TARE_METRIC_UNITS,
};

/* "ns", "bytes", "bytes/s", "1/s", "count", "share", "ratio". */
extern const char *const tare_metric_unit_names[TARE_METRIC_UNITS];

struct tare_metric {
    char *name; /* "fdtables::close.net_avg", "ring_write/64.median", "ring_write/64.B.median", "wall" */
    enum tare_metric_unit unit;
    double value;     /* NAN: unknown */
    double low, high; /* its interval; NAN: unknown */
    bool exact;       /* counted: there is no error in it, and no interval */
    bool unsampled;   /* the interval is without the sampling error, which is unknown: it is too narrow */
    const char *why;  /* it is unknown, in words; NULL. Constant, or the result's */
};

struct tare_metrics {
    struct tare_metric *metrics; /* in the order of the result */
    size_t count;
    const struct tare_metric **sorted; /* by name */
};

/*
 * All there are. The result has to live as long. 0 or -ENOMEM; released by tare_metrics_release() in any case.
 */
int tare_metrics_of(const struct tare_result *result, struct tare_metrics *metrics);
void tare_metrics_release(struct tare_metrics *metrics);

/* The metric of that name, or NULL; *ambiguous if there is another of the same name. */
const struct tare_metric *tare_metrics_find(const struct tare_metrics *metrics, const char *name,
                                            bool *ambiguous);

#endif
