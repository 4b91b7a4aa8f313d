/* SPDX-License-Identifier: MIT */
/*
 * What the timers of a capture's processes took over the time that it is of: from the totals of their series, as sums
 * over the stretches between resets.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "view/capture.h"

/* Which samples of a timer's series the totals are differences of. */
struct span {
    const struct tare_capture_series *series;
    const struct tare_capture_column *calls;
    bool from_nothing; /* it counted nothing before the first sample of the series that is of this capture */
};

/* A total at a sample. Where nothing was called yet, it is 0, and not unknown. */
static double total_at(const struct span *span, const struct tare_capture_column *column, size_t sample)
{
    double value = tare_capture_value(span->series, column, sample);
    return isnan(value) && column != NULL && tare_capture_value(span->series, span->calls, sample) == 0 ? 0
                                                                                                        : value;
}

/*
 * By how much a total grew. Fewer calls than before: it was reset in between, and goes on from 0. NAN: it is unknown
 * in the beginning or the end.
 */
static double grown(const struct span *span, const char *name)
{
    const struct tare_capture_series *series = span->series;
    const struct tare_capture_column *column = tare_capture_column(series, name);
    double sum = 0, base = span->from_nothing ? 0 : NAN, calls = 0, last = NAN;
    bool any = false;
    for (size_t i = series->first; i < series->first + series->count; i++) {
        double now = tare_capture_value(series, span->calls, i), value = total_at(span, column, i);
        if (isnan(now)) {
            last = NAN; /* what it said before is not what it says now */
            continue;
        }
        if (any && now < calls) {
            sum += last - base;
            base = 0;
        } else if (!any && !span->from_nothing) {
            base = value;
        }
        any = true;
        calls = now;
        last = value;
    }
    return sum + last - base;
}

static double last_of(const struct tare_capture_series *series, const char *name)
{
    const struct tare_capture_column *column = tare_capture_column(series, name);
    return series->count > 0 ? tare_capture_value(series, column, series->first + series->count - 1) : NAN;
}

static uint64_t count_of(double value)
{
    return value >= 0 && value < 9223372036854775808.0 ? (uint64_t)value : TARE_COUNT_UNKNOWN;
}

static void fill(const struct tare_capture_instrument *instrument, bool whole, struct tare_result_timer *timer)
{
    const struct span span = {
        .series = &instrument->series,
        .calls = tare_capture_column(&instrument->series, "calls"),
        .from_nothing = whole || instrument->series.first > 0,
    };
    struct tare_result_figures *figures = &timer->figures;
    tare_result_figures_init(figures);
    figures->calls = count_of(grown(&span, "calls"));
    figures->outermost_calls = count_of(grown(&span, "outermost_calls"));
    figures->raw_total_ns = grown(&span, "raw_total_ns");
    figures->net_total_ns = grown(&span, "net_total_ns");
    figures->measuring_ns = grown(&span, "measuring_ns");
    figures->net_p50_ns = last_of(span.series, "total_net_p50_ns");
    figures->net_p99_ns = last_of(span.series, "total_net_p99_ns");
    if (figures->outermost_calls != 0 && figures->outermost_calls != TARE_COUNT_UNKNOWN) {
        figures->raw_avg_ns = figures->raw_total_ns / (double)figures->outermost_calls;
        figures->net_avg_ns = figures->net_total_ns / (double)figures->outermost_calls;
    }
}

struct tare_result_timer *tare_capture_timers(const struct tare_capture_process *process, bool whole,
                                              size_t *count)
{
    struct tare_result_timer *timers = calloc(process->instrument_count + 1, sizeof(*timers));
    *count = 0;
    for (size_t i = 0; timers != NULL && i < process->instrument_count; i++) {
        const struct tare_capture_instrument *instrument = &process->instruments[i];
        if (instrument->kind == TARE_KIND_TIMER) {
            struct tare_result_timer *timer = &timers[(*count)++];
            timer->module = instrument->module; /* lent */
            timer->name = instrument->name;
            timer->file = instrument->file;
            timer->line = instrument->line;
            tare_result_figures_init(&timer->exclusive);
            fill(instrument, whole, timer);
        }
    }
    return timers;
}

double tare_capture_time_ns(const struct tare_capture *capture, const struct tare_capture_process *process,
                            bool whole)
{
    const struct tare_capture_series *series = &process->series;
    if (series->count == 0 || capture->sample_count < series->first + series->count) {
        return NAN;
    }
    double from_ns = capture->at_ns[series->first], to_ns = capture->at_ns[series->first + series->count - 1];
    if ((whole || series->first > 0) && process->origin_ns < from_ns) {
        /* Of a forked child, that is when its parent began; it was not there in the sample before, though. */
        double before_ns = series->first > 0 ? capture->at_ns[series->first - 1] : -INFINITY;
        from_ns = fmax(process->origin_ns, before_ns);
    }
    return to_ns > from_ns ? to_ns - from_ns : NAN;
}

double tare_capture_cpu_ns(const struct tare_capture *capture, bool whole)
{
    double sum = capture->process_count > 0 ? 0 : NAN;
    for (size_t p = 0; p < capture->process_count; p++) {
        const struct tare_capture_series *series = &capture->processes[p].series;
        const struct tare_capture_column *column = tare_capture_column(series, "cpu_total_ns");
        double first = NAN, last = NAN;
        for (size_t i = series->first; i < series->first + series->count; i++) {
            double value = tare_capture_value(series, column, i);
            first = isnan(first) ? value : first;
            last = isnan(value) ? last : value; /* one that has ended had this when it was last seen */
        }
        sum += last - (whole ? 0 : first);
    }
    return sum;
}
