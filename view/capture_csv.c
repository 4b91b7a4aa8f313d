/* SPDX-License-Identifier: MIT */
/* The series of a capture as CSV, in the long form: a line for each value that is known. */
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

static void put_value(const struct csv *csv, const char *kind, const char *name, const char *labels,
                      const struct tare_capture_column *column, size_t sample, size_t value)
{
    char number[TARE__VIEW_NUMBER];
    bool known =
        column->is_count ? column->counts[value] != TARE_COUNT_UNKNOWN : !isnan(column->numbers[value]);
    if (!known) {
        return;
    }
    fprintf(csv->out, "%s,%" PRIu32 ",", tare__view_number(number, csv->capture->at_ns[sample]),
            csv->process->pid);
    tare__escape_csv(csv->out, csv->process->name);
    fprintf(csv->out, ",%s,", kind);
    tare__escape_csv(csv->out, name);
    fputc(',', csv->out);
    tare__escape_csv(csv->out, labels);
    fputc(',', csv->out);
    tare__escape_csv(csv->out, column->name);
    fputc(',', csv->out);
    tare__escape_csv(csv->out, column->unit);
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
            free(name);
        }
        for (size_t i = 0; i < process->derived_count; i++) {
            put_series(&csv, "derived", process->derived[i].name, NULL, &process->derived[i].series);
        }
    }
    return tare__view_finish(out);
}
