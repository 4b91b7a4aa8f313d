/* SPDX-License-Identifier: MIT */
/*
 * From a page's header to the numbers that the overhead model needs: how long a tick is, and what a scope costs
 * in ticks. The rate is taken from the longest pair of anchors that is known better than what the header says;
 * a page of a killed process has only its early ones.
 */
#include <math.h>

#include "record/reader.h"
#include "stats/quantile.h"

/*
 * Two rates of one clock that differ by more than this do not both tell the truth: the crystals behind them are
 * within 100 ppm. An anchor that was read while it was being written, or the counter having been set back
 * (suspend), gives such a rate.
 */
#define RATE_DOUBTED 1e-3

static struct tare_cost_ticks cost_of(const struct tare_cost *cost, bool valid)
{
    if (!valid || cost->n == 0) {
        return (struct tare_cost_ticks){.median = NAN, .mad = NAN, .n = 0};
    }
    return (struct tare_cost_ticks){
        .median = (double)cost->median_mticks / 1000.0,
        .mad = (double)cost->mad_mticks / 1000.0,
        .n = cost->n,
    };
}

/*
 * The length of a tick between two anchors, if that is known better than *error_ppb. Each reading lies in the
 * middle of its bracket and is off by at most half of it, which the runtime counts the same way
 * (runtime/clock.c). That bound is taken for a standard error, which is cautious: for evenly spread errors it
 * is sqrt(3) times one.
 */
static void rate_from(const struct tare_anchor *from, const struct tare_anchor *to, double *tick_ns,
                      double *error_ppb)
{
    if (to->raw_ns <= from->raw_ns || to->ticks <= from->ticks) {
        return;
    }
    double baseline_ns = (double)(to->raw_ns - from->raw_ns);
    double off_ns = ((double)from->bracket_ns + (double)to->bracket_ns) / 2.0;
    double found_ppb = off_ns / baseline_ns * 1e9;
    if (*tick_ns > 0.0 && found_ppb >= *error_ppb) { /* false for an error unknown so far */
        return;
    }
    double found_ns = baseline_ns / (double)(to->ticks - from->ticks);
    if (*tick_ns > 0.0 && fabs(found_ns / *tick_ns - 1.0) > RATE_DOUBTED) {
        return;
    }
    *tick_ns = found_ns;
    *error_ppb = found_ppb;
}

static struct tare_costs costs_of(const struct tare_scope_cost *cost, bool valid)
{
    return (struct tare_costs){
        .inner = cost_of(&cost->inner, valid),
        .inner_empty = cost_of(&cost->inner_empty, valid),
        .outer = cost_of(&cost->outer, valid),
        .outer_nested = cost_of(&cost->outer_nested, valid),
        .outer_apart = cost_of(&cost->outer_apart, valid),
        .close = cost_of(&cost->close, valid),
        .knee = cost_of(&cost->knee, valid),
    };
}

/* Of the calibrations in the run that were kept: a live page may hold one that is only half written. */
static struct tare_cost_ticks run_cost_of(const struct tare_page *header, unsigned which)
{
    const struct tare_run_cost *run = &header->cost_in_run;
    double values[TARE_RUN_SAMPLES];
    size_t kept = 0;
    for (uint64_t i = 0; i < run->n && i < TARE_RUN_SAMPLES; i++) {
        if (run->mticks[i][TARE_SCOPE_COSTS - 1] != 0 || run->mticks[i][which] != 0) {
            values[kept++] = (double)run->mticks[i][which] / 1000.0;
        }
    }
    double median = tare_median(values, kept);
    return (struct tare_cost_ticks){.median = median, .mad = tare_mad(values, kept, median), .n = kept};
}

struct tare_cost_model tare_page_cost_model(const struct tare_page *header, const struct tare_anchor *now)
{
    struct tare_cost_model model = {.tick_ns = NAN, .rate_error_ppb = NAN};
    if (header->clock == TARE_CLOCK_CLOCK) {
        model.tick_ns = 1.0;
        model.rate_error_ppb = 0.0;
    } else if (header->clock == TARE_CLOCK_TSC || header->clock == TARE_CLOCK_TSC_ORDERED) {
        if (header->rate_hz != 0) {
            model.tick_ns = 1e9 / (double)header->rate_hz;
            if (header->rate_error_ppb != UINT64_MAX) {
                model.rate_error_ppb = (double)header->rate_error_ppb;
            }
        }
        rate_from(&header->first, &header->last, &model.tick_ns, &model.rate_error_ppb);
        if (now != NULL) {
            rate_from(&header->first, now, &model.tick_ns, &model.rate_error_ppb);
        }
    }
    model.grain_ticks = (double)header->grain_ticks;
    bool start = (header->flags & TARE_PAGE_CALIBRATED) != 0;
    bool exit = (header->flags & TARE_PAGE_CALIBRATED_AT_EXIT) != 0;
    model.at_start = costs_of(&header->cost, start);
    model.at_exit = costs_of(&header->cost_at_exit, exit);
    model.in_run = (struct tare_costs){
        .inner = run_cost_of(header, 0),
        .inner_empty = run_cost_of(header, 1),
        .outer = run_cost_of(header, 2),
        .outer_nested = run_cost_of(header, 3),
        .outer_apart = run_cost_of(header, 4),
        .close = run_cost_of(header, 5),
        .knee = run_cost_of(header, 6),
    };
    model.counts_closeness = header->begin_cap_ticks != 0;
    return model;
}
