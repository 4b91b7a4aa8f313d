/* SPDX-License-Identifier: MIT */
/*
 * Instruments as CSV: a second table behind an empty line, with a line for each figure, as no two kinds have
 * the same ones. Nothing is written where there are no instruments: the document then is one table, as it
 * always was.
 */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "result/telemetry.h"
#include "view/telemetry_table.h"

static void put_text(FILE *out, const char *text, bool first)
{
    if (!first) {
        putc(',', out);
    }
    if (text[strcspn(text, ",\"\r\n")] == '\0') {
        fputs(text, out);
        return;
    }
    putc('"', out);
    for (; *text != '\0'; text++) {
        if (*text == '"') {
            putc('"', out);
        }
        putc(*text, out);
    }
    putc('"', out);
}

/* `part`: of what there are several: a state, a key, a part of a frame; "": none. */
static void begin(FILE *out, const struct tare_instrument_figures *instrument, const char *part,
                  const char *figure, const char *unit)
{
    put_text(out, tare_kind_name(instrument->kind), true);
    put_text(out, instrument->module, false);
    put_text(out, instrument->name, false);
    put_text(out, instrument->labels != NULL ? instrument->labels : "", false);
    put_text(out, part, false);
    put_text(out, figure, false);
    put_text(out, unit, false);
}

static void number(FILE *out, const struct tare_instrument_figures *instrument, const char *part,
                   const char *figure, const char *unit, double value)
{
    char text[TARE__VIEW_NUMBER];
    begin(out, instrument, part, figure, unit);
    put_text(out, isfinite(value) ? tare__view_number(text, value) : "", false);
    putc('\n', out);
}

static void count(FILE *out, const struct tare_instrument_figures *instrument, const char *part,
                  const char *figure, const char *unit, uint64_t value)
{
    char text[24];
    snprintf(text, sizeof(text), "%" PRIu64, value);
    begin(out, instrument, part, figure, unit);
    put_text(out, value == TARE_COUNT_UNKNOWN ? "" : text, false);
    putc('\n', out);
}

static void distribution(FILE *out, const struct tare_instrument_figures *instrument, const char *unit)
{
    const struct tare_distribution *values = &instrument->total.distribution;
    const struct {
        const char *name;
        double value;
    } figures[] = {{"sum", values->sum}, {"avg", values->mean}, {"min", values->min}, {"max", values->max},
                   {"p05", values->p05}, {"p50", values->p50},  {"p90", values->p90}, {"p95", values->p95},
                   {"p99", values->p99}, {"p999", values->p999}};
    count(out, instrument, "", "count", "", values->count);
    for (size_t i = 0; i < sizeof(figures) / sizeof(figures[0]); i++) {
        number(out, instrument, "", figures[i].name, unit, figures[i].value);
    }
}

static void frames(FILE *out, const struct tare_instrument_figures *instrument)
{
    const struct tare_readings *total = &instrument->total;
    count(out, instrument, "", "frames", "", total->total);
    count(out, instrument, "", "dropped", "", total->frames_dropped);
    count(out, instrument, "", "slow", "", total->frames_slow);
    distribution(out, instrument, "ns");
    number(out, instrument, "last", "avg_fps", "1/s", total->frames.avg_fps);
    number(out, instrument, "last", "median_fps", "1/s", total->frames.median_fps);
    number(out, instrument, "last", "low_1_fps", "1/s", total->frames.low_1_fps);
    number(out, instrument, "last", "low_01_fps", "1/s", total->frames.low_01_fps);
    number(out, instrument, "last", "sd", "ns", total->frames.sd_ms * 1e6);
    for (size_t i = 0; instrument->names != NULL && instrument->names[i] != NULL; i++) {
        number(out, instrument, instrument->names[i], "avg", "ns", total->frame_part_mean_ns[i]);
    }
}

static void one(FILE *out, const struct tare_instrument_figures *instrument)
{
    const struct tare_readings *total = &instrument->total;
    const char *unit = instrument->unit != NULL ? instrument->unit : "";
    char key[24];
    switch (instrument->kind) {
    case TARE_KIND_COUNTER:
        count(out, instrument, "", "total", unit, total->total);
        break;
    case TARE_KIND_GAUGE:
        number(out, instrument, "", "value", unit, total->value);
        number(out, instrument, "", "peak", unit, total->peak);
        break;
    case TARE_KIND_HISTOGRAM:
        distribution(out, instrument, unit);
        break;
    case TARE_KIND_STATE:
        count(out, instrument, "", "changes", "", total->changes);
        for (size_t i = 0; i < total->state_count; i++) {
            number(out, instrument, total->states[i].name, "time", "ns", total->states[i].ns);
            count(out, instrument, total->states[i].name, "threads", "", total->states[i].threads);
        }
        break;
    case TARE_KIND_TOPK:
        count(out, instrument, "", "weight", unit, total->total);
        count(out, instrument, "", "hits", "", total->hits);
        count(out, instrument, "", "least_weight", unit, total->least_weight);
        for (size_t i = 0; i < total->key_count; i++) {
            snprintf(key, sizeof(key), "0x%" PRIx64, total->keys[i].key);
            count(out, instrument, key, "weight", unit, total->keys[i].weight);
            count(out, instrument, key, "error", unit, total->keys[i].error);
            count(out, instrument, key, "hits", "", total->keys[i].hits);
        }
        break;
    case TARE_KIND_FRAMES:
        frames(out, instrument);
        break;
    case TARE_KIND_TIMER:
        break;
    }
}

void tare__instruments_csv(const struct tare_result *result, FILE *out)
{
    if (result->instrument_count == 0) {
        return;
    }
    fputs("\nkind,module,name,labels,part,figure,unit,value\n", out);
    for (size_t i = 0; i < result->instrument_count; i++) {
        one(out, &result->instruments[i]);
    }
}
