/* SPDX-License-Identifier: MIT */
/*
 * The series of a capture as CSV, in the long form: a line for each value that is known. The heaviest keys follow the
 * series of their instrument, as they were in its last sample.
 */
#include "view/capture.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#include "view/columns.h"
#include "view/escape.h"

struct csv {
    const struct tare_capture *capture;
    const struct tare_capture_process *process;
    FILE *out;
};

/* All of a line but the value. */
static void put_head(const struct csv *csv, const char *kind, const char *name, const char *labels,
                     const char *column, const char *unit, size_t sample)
{
    char number[TARE__VIEW_NUMBER];
    fprintf(csv->out, "%s,%" PRIu32 ",", tare__view_number(number, csv->capture->at_ns[sample]),
            csv->process->pid);
    tare__escape_csv(csv->out, csv->process->name);
    fprintf(csv->out, ",%s,", kind);
    tare__escape_csv(csv->out, name);
    fputc(',', csv->out);
    tare__escape_csv(csv->out, labels);
    fputc(',', csv->out);
    tare__escape_csv(csv->out, column);
    fputc(',', csv->out);
    tare__escape_csv(csv->out, unit);
}

static void put_value(const struct csv *csv, const char *kind, const char *name, const char *labels,
                      const struct tare_capture_column *column, size_t sample, size_t value)
{
    bool known =
        column->is_count ? column->counts[value] != TARE_COUNT_UNKNOWN : !isnan(column->numbers[value]);
    if (!known) {
        return;
    }
    put_head(csv, kind, name, labels, column->name, column->unit, sample);
    char number[TARE__VIEW_NUMBER];
    if (column->is_count) {
        fprintf(csv->out, ",%" PRIu64 "\n", column->counts[value]);
    } else {
        fprintf(csv->out, ",%s\n", tare__view_number(number, column->numbers[value]));
    }
}

static void put_series(const struct csv *csv, const char *kind, const char *name, const char *labels,
                       const struct tare_capture_series *series)
{
    for (size_t c = 0; c < series->column_count; c++) {
        for (size_t i = 0; i < series->count; i++) {
            put_value(csv, kind, name, labels, &series->columns[c], series->first + i, i);
        }
    }
}

static void put_keys(const struct csv *csv, const char *name, const struct tare_capture_instrument *instrument)
{
    const struct tare_capture_series *series = &instrument->series;
    for (size_t i = 0; i < instrument->key_count && series->count > 0; i++) {
        const struct tare_key_figures *key = &instrument->keys[i];
        const struct {
            const char *what, *unit;
            uint64_t count;
        } figures[] = {
            {"weight", instrument->unit, key->weight},
            {"error", instrument->unit, key->error},
            {"hits", NULL, key->hits},
        };
        for (size_t k = 0; k < sizeof(figures) / sizeof(figures[0]); k++) {
            char column[40];
            snprintf(column, sizeof(column), "%s.0x%" PRIx64, figures[k].what, key->key);
            if (figures[k].count != TARE_COUNT_UNKNOWN) {
                put_head(csv, tare_kind_name(instrument->kind), name, instrument->labels, column,
                         figures[k].unit, series->first + series->count - 1);
                fprintf(csv->out, ",%" PRIu64 "\n", figures[k].count);
            }
        }
    }
}

int tare_view_capture_csv(const struct tare_result *result, FILE *out)
{
    const struct tare_capture *capture = result->capture;
    if (capture == NULL) {
        return -EINVAL;
    }
    fputs("at_ns,pid,process,kind,instrument,labels,column,unit,value\n", out);
    for (size_t p = 0; p < capture->process_count; p++) {
        const struct tare_capture_process *process = &capture->processes[p];
        const struct csv csv = {capture, process, out};
        put_series(&csv, "process", process->name, NULL, &process->series);
        for (size_t i = 0; i < process->instrument_count; i++) {
            const struct tare_capture_instrument *instrument = &process->instruments[i];
            char *name = NULL;
            if (asprintf(&name, "%s%s%s", instrument->module, instrument->kind == TARE_KIND_TIMER ? "::" : ".",
                         instrument->name) < 0) {
                return -ENOMEM;
            }
            put_series(&csv, tare_kind_name(instrument->kind), name, instrument->labels, &instrument->series);
            put_keys(&csv, name, instrument);
            free(name);
        }
        for (size_t i = 0; i < process->derived_count; i++) {
            put_series(&csv, "derived", process->derived[i].name, NULL, &process->derived[i].series);
        }
    }
    return tare__view_finish(out);
}
