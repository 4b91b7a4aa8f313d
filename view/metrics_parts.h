/* SPDX-License-Identifier: MIT */
/*
 * What the files that make metrics of telemetry share: metrics_items.c lists what there is, metrics_families.c
 * settles who is called what, metrics_values.c writes samples, openmetrics.c what announces them. Private to
 * view/. Where there is no memory, `failed` is set, and what follows does nothing.
 */
#ifndef TARE_VIEW_METRICS_PARTS_H
#define TARE_VIEW_METRICS_PARTS_H

#include <stdbool.h>
#include <stddef.h>

#include "view/metric_names.h"
#include "view/openmetrics.h"
#include "view/text.h"

/* In the order in which families may have their name: a gauge has no other. */
enum tare__metric_type {
    TARE__TYPE_GAUGE,
    TARE__TYPE_INFO,
    TARE__TYPE_SUMMARY,
    TARE__TYPE_HISTOGRAM,
    TARE__TYPE_COUNTER,
    TARE__TYPES
};

/* What samples of each type end in; NULL-terminated. */
extern const char *const tare__metric_samples[TARE__TYPES][4];

/* Which figures of its instrument, process or derived figure an item gives. */
enum tare__metric_what {
    TARE__OF_READING,
    TARE__OF_PROCESSES,
    TARE__OF_DENIED,
    TARE__OF_LEFT_OUT,
    TARE__OF_WINDOW,
    TARE__OF_PROCESS_INFO,
    TARE__OF_PROCESS_ALIVE,
    TARE__OF_PROCESS_AGE,
    TARE__OF_PROCESS_CPU,
    TARE__OF_PROCESS_CPU_SHARE,
    TARE__OF_PROCESS_RESIDENT,
    TARE__OF_PROCESS_THREADS,
    TARE__OF_PROCESS_INSTRUMENTED,
    TARE__OF_PROCESS_LOST,
    TARE__OF_PROCESS_MEASURING,
    TARE__OF_DERIVED,
    TARE__OF_DERIVED_ROLLING,
    TARE__OF_COUNTER,
    TARE__OF_COUNTER_RATE,
    TARE__OF_GAUGE,
    TARE__OF_GAUGE_PEAK,
    TARE__OF_GAUGE_CHANGE,
    TARE__OF_HISTOGRAM,
    TARE__OF_HISTOGRAM_RATE,
    TARE__OF_HISTOGRAM_SUM,
    TARE__OF_HISTOGRAM_WINDOW,
    TARE__OF_TIMER,
    TARE__OF_TIMER_WINDOW,
    TARE__OF_TIMER_NET,
    TARE__OF_TIMER_NET_AVERAGE,
    TARE__OF_TIMER_NET_ERROR,
    TARE__OF_TIMER_BYTES,
    TARE__OF_TIMER_RATE,
    TARE__OF_TIMER_BUSY,
    TARE__OF_TIMER_NET_WINDOW,
    TARE__OF_TIMER_NET_ERROR_WINDOW,
    TARE__OF_TIMER_BYTES_RATE,
    TARE__OF_STATE_TIME,
    TARE__OF_STATE_THREADS,
    TARE__OF_STATE_CHANGES,
    TARE__OF_STATE_SHARE,
    TARE__OF_STATE_CHANGES_RATE,
    TARE__OF_KEY_WEIGHT,
    TARE__OF_KEY_ERROR,
    TARE__OF_KEY_HITS,
    TARE__OF_KEYS_REST,
    TARE__OF_TOPK_WEIGHT,
    TARE__OF_TOPK_HITS,
    TARE__OF_KEY_WEIGHT_RATE,
    TARE__OF_KEY_ERROR_RATE,
    TARE__OF_KEY_HITS_RATE,
    TARE__OF_TOPK_WEIGHT_RATE,
    TARE__OF_TOPK_HITS_RATE,
    TARE__OF_FRAMES,
    TARE__OF_FRAMES_DROPPED,
    TARE__OF_FRAMES_SLOW,
    TARE__OF_FRAMES_RATE,
    TARE__OF_FRAMES_TIME,
    TARE__OF_FRAMES_VARIANCE,
    TARE__OF_FRAMES_VARIATION,
    TARE__OF_FRAME_PARTS,
    TARE__OF_FRAMES_ENDED_RATE,
    TARE__OF_FRAMES_DROPPED_RATE,
    TARE__OF_FRAMES_SLOW_RATE,
    TARE__OF_FRAMES_ROLLING,
    TARE__OF_FRAMES_TIME_ROLLING,
    TARE__OF_FRAMES_VARIANCE_ROLLING,
    TARE__OF_FRAMES_VARIATION_ROLLING,
    TARE__OF_FRAME_PARTS_ROLLING,
    TARE__FIGURES,
};

struct tare__metric_item {
    char *name; /* of the family */
    enum tare__metric_type type;
    enum tare__metric_what what;
    struct tare__unit unit; /* of the values that are read; its name is the family's */
    const char *help;       /* of the program, or NULL */
    const struct tare_process_figures *process;
    const struct tare_instrument_figures *instrument;
    const struct tare_derived *derived;
    const char *labels; /* `"` and all, without braces */
    char *more_labels;  /* replaces it */
    size_t order;
    bool left_out;   /* its name means something else */
    bool undeclared; /* its family has a name that another has, too: its samples are of unknown type */
};

/* A hash table. */
struct tare__metric_names {
    char **names;
    size_t count, capacity;
};

struct tare__metrics {
    const struct tare_telemetry *telemetry;
    const struct tare_metrics_options *options;
    struct tare__metric_item *items;
    size_t item_count, item_capacity;
    char **strings; /* labels, to be freed */
    size_t string_count, string_capacity;
    struct tare__metric_names samples, families; /* that are taken */
    size_t left_out;
    struct tare__grown text;
    bool failed;
};

/* Lists all that there is to say. */
void tare__metrics_collect(struct tare__metrics *m);
void tare__metrics_release_items(struct tare__metrics *m);

/*
 * Finds which names have two meanings, and which families cannot be announced, as another one has the name.
 * The items are then in the order in which they are shown, those of a family side by side.
 */
void tare__metrics_settle(struct tare__metrics *m);
/* Behind the last item of the family that begins with the item `first`. */
size_t tare__metrics_family_end(const struct tare__metrics *m, size_t first);
/* Items of a family with the same labels get one more. */
void tare__metrics_tell_apart(struct tare__metrics *m, size_t first, size_t end);
void tare__metrics_release_names(struct tare__metrics *m);

/* Writes the samples of an item; none where the figure is unknown. */
void tare__metrics_put(struct tare__metrics *m, const struct tare__metric_item *item);

#endif
