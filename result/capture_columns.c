/* SPDX-License-Identifier: MIT */
/*
 * The columns of a capture: which ones there are of each kind of instrument, what a sample puts into them, and how
 * they grow.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "result/capture_parts.h"
#include "result/grow.h"

/* ---- what a sample says ---- */

static void put_count(struct tare__capture_cells *cells, const char *name, const char *unit, bool known,
                      uint64_t count)
{
    uint64_t value = known ? tare_count_of(count) : TARE_COUNT_UNKNOWN;
    cells->cells[cells->count++] = (struct tare__capture_cell){name, "", unit, true, value, NAN};
}

static void put_number(struct tare__capture_cells *cells, const char *name, const char *unit, bool known,
                       double number)
{
    double value = known && isfinite(number) ? number : NAN;
    cells->cells[cells->count++] = (struct tare__capture_cell){name, "", unit, false, 0, value};
}

static void put_states(struct tare__capture_cells *cells, const struct tare_readings *total,
                       const struct tare_readings *rolling)
{
    for (size_t i = 0; i < total->state_count && i < TARE_STATES_MAX; i++) {
        const char *name = total->states[i].name;
        put_number(cells, "ns.", "ns", total->known, total->states[i].ns);
        put_count(cells, "threads.", NULL, total->known, total->states[i].threads);
        bool known = rolling->known && i < rolling->state_count;
        put_number(cells, "share.", "ratio", known, known ? rolling->states[i].share : NAN);
        for (size_t back = 1; back <= 3; back++) {
            cells->cells[cells->count - back].more = name;
        }
    }
}

static void put_timer(struct tare__capture_cells *cells, const struct tare_readings *total,
                      const struct tare_readings *rolling)
{
    put_count(cells, "calls", NULL, total->known, total->total);
    put_number(cells, "raw_total_ns", "ns", total->known, total->distribution.sum);
    put_number(cells, "net_total_ns", "ns", total->known, total->net_total_ns);
    put_number(cells, "calls_per_s", "1/s", rolling->known, rolling->per_s);
    put_number(cells, "net_avg_ns", "ns", rolling->known, rolling->net_avg_ns);
    put_number(cells, "raw_p50_ns", "ns", rolling->known, rolling->distribution.p50);
    put_number(cells, "raw_p99_ns", "ns", rolling->known, rolling->distribution.p99);
    put_number(cells, "busy_share", "ratio", rolling->known, rolling->busy_share);
    put_count(cells, "outermost_calls", NULL, total->known, total->distribution.count);
    put_number(cells, "total_net_p50_ns", "ns", total->known, total->net_p50_ns);
    put_number(cells, "total_net_p99_ns", "ns", total->known, total->net_p99_ns);
    put_number(cells, "measuring_ns", "ns", total->known, total->measuring_ns);
}

void tare__capture_cells_of(struct tare__capture_cells *cells, const struct tare_instrument_figures *instrument)
{
    const struct tare_readings *total = &instrument->total, *rolling = &instrument->rolling;
    bool has_unit = instrument->unit != NULL && instrument->unit[0] != '\0';
    cells->count = 0;
    snprintf(cells->rate_unit, sizeof(cells->rate_unit), "%.60s/s", has_unit ? instrument->unit : "1");
    switch (instrument->kind) {
    case TARE_KIND_TIMER:
        put_timer(cells, total, rolling);
        break;
    case TARE_KIND_COUNTER:
        put_count(cells, "total", instrument->unit, total->known, total->total);
        put_number(cells, "per_s", cells->rate_unit, rolling->known, rolling->per_s);
        break;
    case TARE_KIND_GAUGE:
        put_number(cells, "value", instrument->unit, total->known, total->value);
        put_number(cells, "peak", instrument->unit, total->known, total->peak);
        break;
    case TARE_KIND_HISTOGRAM:
        put_count(cells, "count", NULL, total->known, total->distribution.count);
        put_number(cells, "sum", instrument->unit, total->known, total->distribution.sum);
        put_number(cells, "per_s", "1/s", rolling->known, rolling->per_s);
        put_number(cells, "p05", instrument->unit, rolling->known, rolling->distribution.p05);
        put_number(cells, "p50", instrument->unit, rolling->known, rolling->distribution.p50);
        put_number(cells, "p99", instrument->unit, rolling->known, rolling->distribution.p99);
        put_number(cells, "total_p50", instrument->unit, total->known, total->distribution.p50);
        put_number(cells, "total_p99", instrument->unit, total->known, total->distribution.p99);
        put_number(cells, "total_p05", instrument->unit, total->known, total->distribution.p05);
        break;
    case TARE_KIND_STATE:
        put_count(cells, "changes", NULL, total->known, total->changes);
        put_states(cells, total, rolling);
        break;
    case TARE_KIND_TOPK:
        put_count(cells, "total", instrument->unit, total->known, total->total);
        put_count(cells, "hits", NULL, total->known, total->hits);
        put_number(cells, "per_s", cells->rate_unit, rolling->known, rolling->per_s);
        break;
    case TARE_KIND_FRAMES:
        put_count(cells, "frames", NULL, total->known, total->total);
        put_count(cells, "dropped", NULL, total->known, total->frames_dropped);
        put_count(cells, "slow", NULL, total->known, total->frames_slow);
        put_number(cells, "fps", "fps", rolling->known, rolling->frames.avg_fps);
        put_number(cells, "low_1_fps", "fps", rolling->known, rolling->frames.low_1_fps);
        put_number(cells, "p99_ns", "ns", rolling->known, rolling->frames.p99_ms * 1e6);
        put_number(cells, "per_s", "1/s", rolling->known, rolling->per_s);
        break;
    }
}

void tare__capture_cells_of_process(struct tare__capture_cells *cells,
                                    const struct tare_process_figures *process)
{
    cells->count = 0;
    put_number(cells, "cpu_total_ns", "ns", true, process->cpu_total_ns);
    put_number(cells, "cpu_share", "ratio", true, process->cpu_share);
    put_number(cells, "resident_bytes", "bytes", true, process->resident_bytes);
    put_count(cells, "threads", NULL, true, process->threads);
    put_count(cells, "process_threads", NULL, true, process->process_threads);
}

void tare__capture_cells_of_derived(struct tare__capture_cells *cells, const struct tare_derived *derived)
{
    cells->count = 0;
    put_number(cells, "total", derived->unit, true, derived->total);
    /* What is of a moment is, in the window as well, what it is now. */
    put_number(cells, "rolling", derived->unit, true, derived->of_moment ? derived->total : derived->rolling);
    if (derived->of_moment) {
        put_number(cells, "change", derived->unit, true, derived->rolling);
    }
}

/* ---- series ---- */

bool tare__capture_copy_text(char **to, const char *from)
{
    *to = from != NULL ? strdup(from) : NULL;
    return from == NULL || *to != NULL;
}

static bool put_value(struct tare_capture_column *column, size_t at, uint64_t count, double number)
{
    void *grown = tare__result_grow(column->is_count ? (void *)column->counts : (void *)column->numbers, at,
                                    sizeof(double));
    if (grown == NULL) {
        return false;
    }
    if (column->is_count) {
        column->counts = grown;
        column->counts[at] = count;
    } else {
        column->numbers = grown;
        column->numbers[at] = number;
    }
    return true;
}

/* With `count` unknown values; false without memory, and there is nothing to free then. */
static bool begin_column(const struct tare__capture_cell *cell, size_t count, struct tare_capture_column *to)
{
    struct tare_capture_column column = {.is_count = cell->is_count};
    bool fine = asprintf(&column.name, "%s%s", cell->name, cell->more) >= 0;
    column.name = fine ? column.name : NULL;
    fine = fine && tare__capture_copy_text(&column.unit, cell->unit);
    for (size_t i = 0; i < count && fine; i++) {
        fine = put_value(&column, i, TARE_COUNT_UNKNOWN, NAN);
    }
    if (!fine) {
        tare__capture_column_release(&column);
        return false;
    }
    *to = column;
    return true;
}

/*
 * Columns that the cells have and the series has not: all of a new one, and those of states, which may be
 * unknown at first. Their values up to now are unknown. A column counts once it is whole: a series that memory ended
 * for has fewer, and all of those it has are as long as it is.
 */
static bool extend_series(struct tare_capture_series *series, const struct tare__capture_cells *cells)
{
    if (series->column_count >= cells->count) {
        return true;
    }
    struct tare_capture_column *columns = reallocarray(series->columns, cells->count, sizeof(*columns));
    if (columns == NULL) {
        return false;
    }
    series->columns = columns;
    while (series->column_count < cells->count) {
        if (!begin_column(&cells->cells[series->column_count], series->count, &columns[series->column_count])) {
            return false;
        }
        series->column_count++;
    }
    return true;
}

bool tare__capture_series_begin(struct tare_capture_series *series, const struct tare__capture_cells *cells,
                                size_t first)
{
    series->first = first;
    return extend_series(series, cells);
}

bool tare__capture_series_append(struct tare__capture_way *way, struct tare_capture_series *series,
                                 const struct tare__capture_cells *cells, size_t sample)
{
    size_t values = sample - series->first;
    if (!extend_series(series, cells)) {
        return false;
    }
    for (; series->count <= values; series->count++) {
        bool is_this = series->count == values;
        for (size_t i = 0; i < series->column_count; i++) {
            bool there = is_this && i < cells->count && cells->cells[i].is_count == series->columns[i].is_count;
            if (!put_value(&series->columns[i], series->count,
                           there ? cells->cells[i].count : TARE_COUNT_UNKNOWN,
                           there ? cells->cells[i].number : NAN)) {
                return false;
            }
            way->bytes += sizeof(double);
        }
    }
    return true;
}

size_t tare__capture_series_bytes(const struct tare__capture_cells *cells)
{
    return cells->count * sizeof(struct tare_capture_column) + 256;
}
