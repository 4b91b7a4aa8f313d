/* SPDX-License-Identifier: MIT */
/*
 * The figures of a result by name. A name is that of what was measured, a dot, and that of the figure; where
 * there is more than one arm, the label of the arm stands between them, but for the first arm, whose figures go
 * by the benchmark's name alone: a budget stays right when an arm is added.
 */
#include "result/metrics.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "result/grow.h"
#include "result/suite.h"
#include "stats/quantile.h"

const char *const tare_metric_unit_names[TARE_METRIC_UNITS] = {
    [TARE_METRIC_TIME] = "ns",     [TARE_METRIC_BYTES] = "bytes", [TARE_METRIC_BYTE_RATE] = "bytes/s",
    [TARE_METRIC_RATE] = "1/s",    [TARE_METRIC_COUNT] = "count", [TARE_METRIC_SHARE] = "share",
    [TARE_METRIC_RATIO] = "ratio",
};

/* What is being listed: after an error nothing more is added. */
struct list {
    struct tare_metrics *metrics;
    const char *subject; /* what stands before the dot; NULL: nothing, and no dot */
    const char *why;     /* what is unknown is so for this reason; NULL */
    bool unsampled;      /* of the intervals */
    int error;
};

static struct tare_metric *add(struct list *list, enum tare_metric_unit unit, double value, const char *format,
                               ...) __attribute__((format(printf, 4, 5)));
static struct tare_metric *add(struct list *list, enum tare_metric_unit unit, double value, const char *format,
                               ...)
{
    /* What is set in it when there was no memory is not read. */
    static _Thread_local struct tare_metric nowhere;
    struct tare_metrics *metrics = list->metrics;
    struct tare_metric *grown = NULL;
    char *figure = NULL, *name = NULL;
    va_list arguments;
    va_start(arguments, format);
    if (list->error == 0 && vasprintf(&figure, format, arguments) < 0) {
        figure = NULL;
    }
    va_end(arguments);
    if (figure != NULL && list->subject == NULL) {
        name = figure;
        figure = NULL;
    } else if (figure != NULL && asprintf(&name, "%s.%s", list->subject, figure) < 0) {
        name = NULL;
    }
    free(figure);
    if (name != NULL) {
        grown = tare__result_grow(metrics->metrics, metrics->count, sizeof *grown);
    }
    if (grown == NULL) {
        free(name);
        list->error = -ENOMEM;
        return &nowhere;
    }
    metrics->metrics = grown;
    struct tare_metric *metric = &grown[metrics->count++];
    *metric = (struct tare_metric){
        .name = name,
        .unit = unit,
        .value = value,
        .low = NAN,
        .high = NAN,
        .why = isnan(value) ? list->why : NULL,
    };
    return metric;
}

/* Both ends, or none. */
static void set_interval(struct list *list, struct tare_metric *metric, double low, double high)
{
    if (!isnan(low) && !isnan(high) && !isnan(metric->value)) {
        metric->low = low;
        metric->high = high;
        metric->unsampled = list->unsampled;
    }
}

static void add_exact(struct list *list, enum tare_metric_unit unit, uint64_t count, const char *name)
{
    bool known = count != TARE_COUNT_UNKNOWN;
    add(list, unit, known ? (double)count : NAN, "%s", name)->exact = known;
}

/* `amount` in `ns`, each second; the interval is that of the time, the other way round. */
static void add_rate(struct list *list, enum tare_metric_unit unit, double amount, double ns, double low_ns,
                     double high_ns, const char *name)
{
    double value = ns > 0 ? amount / ns * 1e9 : NAN;
    struct tare_metric *metric = add(list, unit, value, "%s", name);
    if (low_ns > 0) {
        set_interval(list, metric, amount / high_ns * 1e9, amount / low_ns * 1e9);
    }
}

/* Timers */

/* Whether an average's error is known without that by which another run would have another average. */
static bool is_unsampled(const struct tare_result_figures *figures)
{
    return isnan(figures->net_avg_error_part_ns[TARE_ERROR_SAMPLING]);
}

/* Nobody knows how much percentiles would differ from run to run. */
static void add_percentiles(struct list *list, const struct tare_result_figures *figures)
{
    const struct {
        const char *name;
        double net_ns, raw_ns, error_ns;
    } percentiles[] = {
        {"p50", figures->net_p50_ns, figures->raw_p50_ns, figures->p50_error_ns},
        {"p90", figures->net_p90_ns, figures->raw_p90_ns, figures->p90_error_ns},
        {"p95", figures->net_p95_ns, figures->raw_p95_ns, figures->p95_error_ns},
        {"p99", figures->net_p99_ns, figures->raw_p99_ns, figures->p99_error_ns},
        {"p999", figures->net_p999_ns, figures->raw_p999_ns, figures->p999_error_ns},
    };
    enum { COUNT = sizeof percentiles / sizeof percentiles[0] };
    list->unsampled = true;
    for (size_t i = 0; i < COUNT; i++) {
        /* The bucket's, and that of what was subtracted: model.h. */
        double error_ns = percentiles[i].error_ns + figures->net_avg_error_ns;
        double ns = percentiles[i].net_ns;
        set_interval(list, add(list, TARE_METRIC_TIME, ns, "%s", percentiles[i].name), ns - error_ns,
                     ns + error_ns);
    }
    for (size_t i = 0; i < COUNT; i++) {
        double ns = percentiles[i].raw_ns;
        set_interval(list, add(list, TARE_METRIC_TIME, ns, "raw_%s", percentiles[i].name),
                     ns - percentiles[i].error_ns, ns + percentiles[i].error_ns);
    }
}

static void add_timer(struct list *list, const struct tare_result_timer *timer)
{
    const struct tare_result_figures *figures = &timer->figures;
    double outermost = (double)figures->outermost_calls;
    list->why = figures->calls == 0 ? "it was not called" : NULL;
    list->unsampled = is_unsampled(figures);
    struct tare_metric *metric = add(list, TARE_METRIC_TIME, figures->net_avg_ns, "net_avg");
    set_interval(list, metric, figures->net_avg_low_ns, figures->net_avg_high_ns);
    metric = add(list, TARE_METRIC_TIME, figures->net_total_ns, "net_total");
    set_interval(list, metric, figures->net_avg_low_ns * outermost, figures->net_avg_high_ns * outermost);
    add_percentiles(list, figures);
    list->unsampled = is_unsampled(figures);
    add(list, TARE_METRIC_TIME, figures->raw_avg_ns, "raw_avg");
    add(list, TARE_METRIC_TIME, figures->raw_total_ns, "raw_total");
    add(list, TARE_METRIC_TIME, figures->raw_min_ns, "raw_min");
    add(list, TARE_METRIC_TIME, figures->raw_max_ns, "raw_max");
    add_exact(list, TARE_METRIC_COUNT, figures->calls, "calls");
    add_exact(list, TARE_METRIC_COUNT, figures->outermost_calls, "outermost_calls");
    add_exact(list, TARE_METRIC_BYTES, figures->bytes, "bytes");
    if (figures->bytes > 0) {
        add_rate(list, TARE_METRIC_BYTE_RATE, (double)figures->bytes, figures->net_total_ns,
                 figures->net_avg_low_ns * outermost, figures->net_avg_high_ns * outermost, "bytes_per_s");
    }
    add(list, TARE_METRIC_SHARE, figures->measuring_share, "measuring_share");
    if (timer->has_exclusive) {
        list->unsampled = is_unsampled(&timer->exclusive);
        metric = add(list, TARE_METRIC_TIME, timer->exclusive.net_avg_ns, "exclusive_net_avg");
        set_interval(list, metric, timer->exclusive.net_avg_low_ns, timer->exclusive.net_avg_high_ns);
    }
    list->why = NULL;
    list->unsampled = false;
}

/* The median of a time of the passes with everything enabled. */
static double median_of(const struct tare_result *result, size_t offset, double *scratch)
{
    size_t count = 0;
    for (size_t i = 0; i < result->pass_count; i++) {
        const struct tare_result_pass *pass = &result->passes[i];
        if (pass->only == NULL) {
            memcpy(&scratch[count++], (const char *)pass + offset, sizeof *scratch);
        }
    }
    return tare_median(scratch, count); /* NAN if one of them is */
}

static void add_run(struct list *list, const struct tare_result *result)
{
    double *scratch = calloc(result->pass_count + 1, sizeof *scratch);
    if (scratch == NULL) {
        list->error = -ENOMEM;
        return;
    }
    if (result->pass_count > 0) {
        add(list, TARE_METRIC_TIME, median_of(result, offsetof(struct tare_result_pass, wall_ns), scratch),
            "wall");
        add(list, TARE_METRIC_TIME, median_of(result, offsetof(struct tare_result_pass, user_ns), scratch),
            "user");
        add(list, TARE_METRIC_TIME, median_of(result, offsetof(struct tare_result_pass, system_ns), scratch),
            "system");
    }
    free(scratch);
    add(list, TARE_METRIC_TIME, result->cpu_ns, "cpu");
    add(list, TARE_METRIC_TIME, result->measuring_ns, "measuring");
    add(list, TARE_METRIC_SHARE, result->measuring_share, "measuring_share");
    add_exact(list, TARE_METRIC_BYTES,
              result->page_size_bytes != 0 ? result->page_size_bytes : TARE_COUNT_UNKNOWN, "page_size");
    add_exact(list, TARE_METRIC_COUNT, result->lost_instruments, "lost_instruments");
    add_exact(list, TARE_METRIC_COUNT, result->lost_threads, "lost_threads");
    add_exact(list, TARE_METRIC_COUNT, result->lost_scopes, "lost_scopes");
    add_exact(list, TARE_METRIC_COUNT, result->dropped_scopes, "dropped_scopes");
    add_exact(list, TARE_METRIC_COUNT, result->lost_processes, "lost_processes");
}

/* Benchmarks */

static enum tare_metric_unit unit_of(enum tare_per_op per_op)
{
    switch (per_op) {
    case TARE_PER_OP_ALLOCATED_BYTES:
        return TARE_METRIC_BYTES;
    case TARE_PER_OP_USER_NS:
    case TARE_PER_OP_SYSTEM_NS:
        return TARE_METRIC_TIME;
    default:
        return TARE_METRIC_COUNT;
    }
}

static void add_arm(struct list *list, const struct tare_result_arm *arm)
{
    const struct tare_summary *summary = &arm->summary;
    list->why = arm->failure;
    set_interval(list, add(list, TARE_METRIC_TIME, summary->median, "median"), summary->median_low,
                 summary->median_high);
    add(list, TARE_METRIC_TIME, summary->mean, "mean");
    add(list, TARE_METRIC_TIME, summary->min, "min");
    add(list, TARE_METRIC_TIME, summary->max, "max");
    add(list, TARE_METRIC_TIME, summary->p50, "p50");
    add(list, TARE_METRIC_TIME, summary->p95, "p95");
    add(list, TARE_METRIC_TIME, summary->p99, "p99");
    add(list, TARE_METRIC_TIME, summary->mad, "mad");
    add(list, TARE_METRIC_TIME, summary->sd, "sd");
    add(list, TARE_METRIC_SHARE, summary->cv, "cv");
    add(list, TARE_METRIC_TIME, arm->first_ns, "first");
    add_exact(list, TARE_METRIC_COUNT, summary->n, "values");
    if (!isnan(arm->bytes_per_op)) {
        add_rate(list, TARE_METRIC_BYTE_RATE, arm->bytes_per_op, summary->median, summary->median_low,
                 summary->median_high, "bytes_per_s");
    }
    if (!isnan(arm->items_per_op)) {
        add_rate(list, TARE_METRIC_RATE, arm->items_per_op, summary->median, summary->median_low,
                 summary->median_high, "items_per_s");
    }
    add_rate(list, TARE_METRIC_RATE, 1, summary->median, summary->median_low, summary->median_high,
             "ops_per_s");
    for (int i = 0; i < TARE_PER_OPS; i++) {
        add(list, unit_of(i), arm->per_op[i], "%s", tare_per_op_names[i]);
    }
    for (size_t i = 0; i < arm->timer_count; i++) {
        const struct tare_result_inner_timer *timer = &arm->timers[i];
        struct tare_metric *metric =
            add(list, TARE_METRIC_TIME, timer->net_ns, "%s::%s.net_avg", timer->module, timer->name);
        set_interval(list, metric, timer->net_ns - timer->net_error_ns, timer->net_ns + timer->net_error_ns);
        add(list, TARE_METRIC_COUNT, timer->calls, "%s::%s.calls", timer->module, timer->name);
    }
    list->why = NULL;
}

static void add_comparisons(struct list *list, const struct tare_result_benchmark *benchmark)
{
    for (size_t i = 0; i < benchmark->comparison_count; i++) {
        const struct tare_comparison *found = &benchmark->comparisons[i].comparison;
        const char *label = benchmark->arms[benchmark->comparisons[i].arm].label;
        list->why = benchmark->comparisons[i].reason;
        set_interval(list, add(list, TARE_METRIC_RATIO, found->ratio, "%s.ratio", label), found->low,
                     found->high);
        set_interval(list, add(list, TARE_METRIC_RATIO, found->control_ratio, "%s.control_ratio", label),
                     found->control_low, found->control_high);
        add(list, TARE_METRIC_SHARE, found->smallest, "%s.smallest_change", label);
    }
    list->why = NULL;
}

static void add_benchmark(struct list *list, const struct tare_result_benchmark *benchmark)
{
    list->subject = benchmark->name;
    for (size_t i = 0; i < benchmark->arm_count; i++) {
        const struct tare_result_arm *arm = &benchmark->arms[i];
        char *subject = NULL;
        if (arm->control) {
            continue; /* the first one again */
        }
        if (i > 0 && asprintf(&subject, "%s.%s", benchmark->name, arm->label) < 0) {
            list->error = -ENOMEM;
            return;
        }
        list->subject = i > 0 ? subject : benchmark->name;
        add_arm(list, arm);
        list->subject = benchmark->name;
        free(subject);
    }
    add_comparisons(list, benchmark);
    add_exact(list, TARE_METRIC_COUNT, benchmark->contamination.rounds, "rounds");
    add_exact(list, TARE_METRIC_COUNT, benchmark->contamination.dropped, "rounds_dropped");
    add(list, TARE_METRIC_TIME, benchmark->spent_ns, "spent");
}

/* What follows from the benchmarks of a suite: "null_call.sandboxed.layer-ns.threei". */
static void add_suite(struct list *list, const struct tare_result_suite *suite)
{
    static const enum tare_metric_unit units[TARE_SUITE_UNITS] = {
        [TARE_SUITE_NS] = TARE_METRIC_TIME,
        [TARE_SUITE_RATIO] = TARE_METRIC_RATIO,
        [TARE_SUITE_SHARE] = TARE_METRIC_SHARE,
        [TARE_SUITE_COUNT] = TARE_METRIC_COUNT,
    };
    for (size_t i = 0; i < suite->figure_count; i++) {
        const struct tare_suite_figure *figure = &suite->figures[i];
        list->subject = figure->benchmark;
        list->why = figure->note;
        struct tare_metric *metric =
            add(list, units[figure->unit], figure->value, "%s%s%s%s%s",
                figure->side != NULL ? figure->side : "", figure->side != NULL ? "." : "", figure->kind,
                figure->part != NULL ? "." : "", figure->part != NULL ? figure->part : "");
        set_interval(list, metric, figure->low, figure->high);
    }
    list->why = NULL;
}

/* How an arm's time grows with argument number N, from 1. */
static void add_growth(struct list *list, const struct tare_result_bench *bench,
                       const struct tare_result_growth *growth)
{
    char label[64] = "";
    for (size_t i = 0; growth->arm > 0 && i < bench->benchmark_count; i++) {
        const struct tare_result_benchmark *benchmark = &bench->benchmarks[i];
        if (benchmark->bench != NULL && strcmp(benchmark->bench, growth->bench) == 0 &&
            growth->arm < benchmark->arm_count) {
            if (benchmark->arms[growth->arm].control) {
                return;
            }
            snprintf(label, sizeof label, "%s.", benchmark->arms[growth->arm].label);
            break;
        }
    }
    list->subject = growth->bench;
    add(list, TARE_METRIC_RATIO, growth->growth.exponent, "%sarg%u.exponent", label, growth->arg + 1);
}

static int by_name(const void *a, const void *b)
{
    const struct tare_metric *const *first = a;
    const struct tare_metric *const *second = b;
    return strcmp((*first)->name, (*second)->name);
}

int tare_metrics_of(const struct tare_result *result, struct tare_metrics *metrics)
{
    *metrics = (struct tare_metrics){0};
    struct list list = {.metrics = metrics};
    const struct tare_result_bench *bench = result->bench;
    for (size_t i = 0; bench != NULL && i < bench->benchmark_count; i++) {
        add_benchmark(&list, &bench->benchmarks[i]);
    }
    for (size_t i = 0; bench != NULL && i < bench->growth_count; i++) {
        add_growth(&list, bench, &bench->growths[i]);
    }
    if (result->suite != NULL) {
        add_suite(&list, result->suite);
    }
    for (size_t i = 0; i < result->timer_count && list.error == 0; i++) {
        char *subject = NULL;
        if (asprintf(&subject, "%s::%s", result->timers[i].module, result->timers[i].name) < 0) {
            list.error = -ENOMEM;
            break;
        }
        list.subject = subject;
        add_timer(&list, &result->timers[i]);
        free(subject);
    }
    list.subject = NULL;
    if (bench == NULL) {
        add_run(&list, result);
    }
    metrics->sorted = list.error == 0 ? reallocarray(NULL, metrics->count + 1, sizeof *metrics->sorted) : NULL;
    if (metrics->sorted == NULL) {
        return -ENOMEM;
    }
    for (size_t i = 0; i < metrics->count; i++) {
        metrics->sorted[i] = &metrics->metrics[i];
    }
    qsort(metrics->sorted, metrics->count, sizeof *metrics->sorted, by_name);
    return 0;
}

void tare_metrics_release(struct tare_metrics *metrics)
{
    for (size_t i = 0; i < metrics->count; i++) {
        free(metrics->metrics[i].name);
    }
    free(metrics->metrics);
    free(metrics->sorted);
    *metrics = (struct tare_metrics){0};
}

const struct tare_metric *tare_metrics_find(const struct tare_metrics *metrics, const char *name,
                                            bool *ambiguous)
{
    size_t low = 0;
    size_t high = metrics->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(metrics->sorted[middle]->name, name) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    *ambiguous = low + 1 < metrics->count && strcmp(metrics->sorted[low + 1]->name, name) == 0;
    return low < metrics->count && strcmp(metrics->sorted[low]->name, name) == 0 ? metrics->sorted[low] : NULL;
}
