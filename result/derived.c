/* SPDX-License-Identifier: MIT */
/*
 * Figures that follow from several instruments of the sets of include/tare/ (jit.h, gfx.h, cpu.h, memory.h,
 * latency.h) and from frames. A table says how; docs/live.md has the same in words.
 *
 * Instruments of one name and different labels (tiers, regions) are added up. A figure is there if the program
 * has all the instruments that it needs, and is NAN where they do not say enough: without lookups there is no
 * hit rate; nor where the instruments that it is made of never counted anything, as those of a set that was
 * merely included. Rates have no total: since when there was something to count, nobody knows.
 *
 * No figure has the name of an instrument: in metrics, and in filters, they would be one.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "result/telemetry_parts.h"

/* What one side of a figure is made of: the sum of up to two instruments' ... */
enum part {
    NOTHING,
    COUNT,    /* counters, or frames that ended */
    VALUE,    /* values of gauges, now */
    CHECKED,  /* the same, only if all of them are known */
    SUM,      /* sums of histograms */
    SLOW_END, /* 5th percentile of a histogram */
    WINDOW_S, /* no instrument: the window's seconds */
    NUMBER,   /* how many values histograms have */
};

struct side {
    enum part part;
    const char *names[2]; /* "module.name", the second may be NULL; "frames": the only frames there are */
};

static const struct figure {
    const char *name, *unit, *help;
    double scale;
    struct side over, under; /* scale x over / under; no `under`: scale x over */
} figures[] = {
    {"jit.cache.hit_rate",
     "ratio",
     "lookups that hit / all lookups",
     1,
     {COUNT, {"jit.cache.lookup_hit_total"}},
     {COUNT, {"jit.cache.lookup_hit_total", "jit.cache.lookup_miss_total"}}},
    {"jit.cache.fill",
     "ratio",
     "used_bytes / capacity_bytes, now",
     1,
     {CHECKED, {"jit.cache.used_bytes"}},
     {CHECKED, {"jit.cache.capacity_bytes"}}},
    {"jit.compile.ms_per_s",
     "ms/s",
     "compile time of all tiers / time",
     1e-6,
     {COUNT, {"jit.compile.time_ns_total"}},
     {WINDOW_S, {NULL}}},
    {"jit.compile.blocks_per_s",
     "1/s",
     "blocks of all tiers / time",
     1,
     {COUNT, {"jit.compile.blocks_total"}},
     {WINDOW_S, {NULL}}},
    {"jit.compile.ns_per_block",
     "ns",
     "compile time / blocks, of all tiers",
     1,
     {COUNT, {"jit.compile.time_ns_total"}},
     {COUNT, {"jit.compile.blocks_total"}}},
    {"cpu.mips",
     "MIPS",
     "instructions / us of wall time, of all threads",
     1e-6,
     {COUNT, {"cpu.instructions_total"}},
     {WINDOW_S, {NULL}}},
    {"cpu.mips_p5",
     "MIPS",
     "slow tail: 5 % of the batches were slower",
     1e-3,
     {SLOW_END, {"cpu.batch_rate"}},
     {NOTHING, {NULL}}},
    {"frame.fps", "1/s", "frames that ended / time", 1, {COUNT, {"frames"}}, {WINDOW_S, {NULL}}},
    {"gfx.draw_calls_per_frame",
     "1",
     "draw calls / frames",
     1,
     {COUNT, {"gfx.draw_calls_total"}},
     {COUNT, {"frames"}}},
    {"gfx.pipeline_switches_per_frame",
     "1",
     "pipeline switches / frames",
     1,
     {COUNT, {"gfx.pipeline_switches_total"}},
     {COUNT, {"frames"}}},
    {"gfx.upload_bytes_per_frame",
     "bytes",
     "uploaded bytes / frames",
     1,
     {COUNT, {"gfx.upload_bytes_total"}},
     {COUNT, {"frames"}}},
    {"memory.all.committed_bytes",
     "bytes",
     "of all regions, now",
     1,
     {VALUE, {"memory.committed_bytes"}},
     {NOTHING, {NULL}}},
    {"memory.all.committed_share",
     "ratio",
     "committed / configured bytes, of all regions, now",
     1,
     {CHECKED, {"memory.committed_bytes"}},
     {CHECKED, {"memory.configured_bytes"}}},
    {"latency.input_to_present_avg_ns",
     "ns",
     "average of latency.input_to_present_ns",
     1,
     {SUM, {"latency.input_to_present_ns"}},
     {NUMBER, {"latency.input_to_present_ns"}}},
    {"latency.all.stall_ms_per_s",
     "ms/s",
     "time in stalls / time",
     1e-6,
     {COUNT, {"latency.stall_ns_total"}},
     {WINDOW_S, {NULL}}},
};
enum { FIGURES = sizeof(figures) / sizeof(figures[0]) };

/* Sums so far; both are NAN where a part of them is unknown. */
struct sum {
    bool seen[2]; /* an instrument of the name */
    size_t count;
    bool counted; /* one of them has, ever */
    double total, rolling;
};

static bool is_named(const struct tare_instrument_figures *instrument, const char *name)
{
    size_t length = strlen(instrument->module);
    return strncmp(name, instrument->module, length) == 0 && name[length] == '.' &&
           strcmp(name + length + 1, instrument->name) == 0;
}

static double of_readings(enum part part, const struct tare_instrument_figures *instrument,
                          const struct tare_readings *readings)
{
    const struct tare_distribution *distribution = &readings->distribution;
    if (!readings->known) {
        return NAN;
    }
    switch (part) {
    case COUNT:
        return (instrument->kind == TARE_KIND_COUNTER || instrument->kind == TARE_KIND_FRAMES) &&
                       readings->total != TARE_COUNT_UNKNOWN
                   ? (double)readings->total
                   : NAN;
    case VALUE:
    case CHECKED:
        return readings->value;
    case SUM:
        return distribution->count != 0 ? distribution->sum : 0;
    case NUMBER:
        return distribution->count != TARE_COUNT_UNKNOWN ? (double)distribution->count : NAN;
    case SLOW_END:
        return distribution->p05;
    default:
        return NAN;
    }
}

/* Whether it ever counted anything. Gauges and histograms that did not are unknown by themselves. */
static bool has_counted(const struct tare_instrument_figures *instrument)
{
    return instrument->total.total != 0 || instrument->kind == TARE_KIND_GAUGE ||
           instrument->kind == TARE_KIND_HISTOGRAM;
}

static void add(struct sum *sum, const struct side *side, const struct tare_instrument_figures *instrument)
{
    for (int i = 0; i < 2 && side->names[i] != NULL; i++) {
        bool frames = instrument->kind == TARE_KIND_FRAMES && strcmp(side->names[i], "frames") == 0;
        if (!frames && (instrument->kind == TARE_KIND_TIMER || !is_named(instrument, side->names[i]))) {
            continue;
        }
        double total = of_readings(side->part, instrument, &instrument->total);
        double rolling = of_readings(side->part, instrument, &instrument->rolling);
        /* Percentiles, and frames of several views, do not add up. */
        bool alone = side->part == SLOW_END || frames;
        bool skipped = side->part == VALUE && isnan(total); /* a region of which nobody knows adds nothing */
        sum->seen[i] = true;
        sum->counted |= has_counted(instrument);
        if (!skipped) {
            sum->total = alone && sum->count != 0 ? NAN : sum->total + total;
            sum->rolling = alone && sum->count != 0 ? NAN : sum->rolling + rolling;
            sum->count++;
        }
    }
}

static bool complete(const struct sum *sum, const struct side *side)
{
    bool needed[2] = {side->names[0] != NULL, side->names[1] != NULL};
    return (!needed[0] || sum->seen[0]) && (!needed[1] || sum->seen[1]);
}

static double quotient(double scale, double over, double under)
{
    double value = scale * over / under;
    return isfinite(value) ? value : NAN;
}

/* Hits are among the lookups: that there were none says something once there were any lookups. */
static bool is_among(const struct side *over, const struct side *under)
{
    for (int i = 0; i < 2 && under->names[i] != NULL; i++) {
        if (strcmp(over->names[0], under->names[i]) == 0) {
            return true;
        }
    }
    return false;
}

static bool is_of_moment(const struct figure *figure)
{
    return figure->over.part == VALUE || figure->over.part == CHECKED;
}

static double sum_now(const struct sum *sum)
{
    return sum->count != 0 ? sum->total : NAN;
}

/*
 * Of values of this moment: what they were at the window's begin is what they are less what they changed by.
 */
static void finish_of_moment(const struct figure *figure, const struct sum *over, const struct sum *under,
                             struct tare_derived *out)
{
    bool whole = figure->under.part == NOTHING;
    double now = sum_now(over), below = whole ? 1 : sum_now(under);
    double then = now - over->rolling, below_then = whole ? 1 : below - under->rolling;
    out->of_moment = true;
    out->total = quotient(figure->scale, now, below);
    out->rolling = out->total - quotient(figure->scale, then, below_then);
}

static void finish(const struct figure *figure, const struct sum *over, const struct sum *under,
                   double window_ns, struct tare_derived *out)
{
    *out = (struct tare_derived){
        .name = figure->name,
        .unit = figure->unit,
        .help = figure->help,
        .total = NAN,
        .rolling = NAN,
    };
    double total = over->count != 0 ? over->total : NAN, rolling = over->count != 0 ? over->rolling : NAN;
    if (is_of_moment(figure)) {
        finish_of_moment(figure, over, under, out);
        return;
    }
    if (!over->counted && !is_among(&figure->over, &figure->under)) {
        return;
    }
    switch (figure->under.part) {
    case NOTHING:
        out->total = quotient(figure->scale, total, 1);
        out->rolling = quotient(figure->scale, rolling, 1);
        break;
    case WINDOW_S:
        out->rolling = quotient(figure->scale, rolling, window_ns / 1e9);
        break;
    default:
        out->total = quotient(figure->scale, total, under->total);
        out->rolling = quotient(figure->scale, rolling, under->rolling);
        break;
    }
}

/* Whether an instrument can be part of a figure: a quick look at a thousand of them. */
static bool may_count(const struct tare_instrument_figures *instrument)
{
    return instrument->kind == TARE_KIND_FRAMES || strchr("jcgml", instrument->module[0]) != NULL;
}

int tare__derived_fill(struct tare__arena *arena, struct tare_process_figures *process)
{
    struct sum over[FIGURES] = {0}, under[FIGURES] = {0};
    for (size_t i = 0; i < process->instrument_count; i++) {
        const struct tare_instrument_figures *instrument = &process->instruments[i];
        if (instrument->kind == TARE_KIND_TIMER || !may_count(instrument)) {
            continue;
        }
        for (size_t k = 0; k < FIGURES; k++) {
            add(&over[k], &figures[k].over, instrument);
            add(&under[k], &figures[k].under, instrument);
        }
    }
    size_t size = FIGURES * sizeof(*process->derived);
    process->derived_count = 0;
    process->derived = arena != NULL ? tare__arena_take(arena, size) : malloc(size);
    if (process->derived == NULL) {
        return -ENOMEM;
    }
    for (size_t k = 0; k < FIGURES; k++) {
        if (complete(&over[k], &figures[k].over) && complete(&under[k], &figures[k].under)) {
            finish(&figures[k], &over[k], &under[k], process->window_ns,
                   &process->derived[process->derived_count++]);
        }
    }
    return 0;
}
