/* SPDX-License-Identifier: MIT */
/*
 * CSV for programs: RFC 4180's quoting, a line feed at the end of each line, one line for each timer. The units
 * stand in the first line's names; numbers are whole or have all of their digits, with a decimal point in every
 * locale; what is unknown is empty.
 *
 * Text stays as it is, byte for byte: names are not escaped against terminals, and not against spreadsheets
 * that take a cell which begins with '=' for a formula. Whoever opens a file from somewhere else there has to
 * know.
 */
#include "view/columns.h"

#include <inttypes.h>
#include <string.h>

#include "view/telemetry_table.h"

struct csv {
    FILE *out;
    bool first; /* in its line */
};

static void put_text(struct csv *csv, const char *text)
{
    if (!csv->first) {
        putc(',', csv->out);
    }
    csv->first = false;
    if (text[strcspn(text, ",\"\r\n")] == '\0') {
        fputs(text, csv->out);
        return;
    }
    putc('"', csv->out);
    for (; *text != '\0'; text++) {
        if (*text == '"') {
            putc('"', csv->out);
        }
        putc(*text, csv->out);
    }
    putc('"', csv->out);
}

static void put_count(struct csv *csv, uint64_t count)
{
    char text[24];
    snprintf(text, sizeof text, "%" PRIu64, count);
    put_text(csv, text);
}

static void end_line(struct csv *csv)
{
    putc('\n', csv->out);
    csv->first = true;
}

static void put_header(struct csv *csv, const struct tare__view_plan *plan,
                       const struct tare_view_options *options)
{
    if (options->per_process) {
        put_text(csv, "pid");
        put_text(csv, "executable");
    }
    for (size_t i = 0; i < plan->count; i++) {
        char field[48];
        const struct tare__view_column *column = plan->columns[i];
        switch (column->type) {
        case TARE__VIEW_NAME:
            put_text(csv, "module");
            put_text(csv, "name");
            break;
        case TARE__VIEW_FILE:
            put_text(csv, "file");
            put_text(csv, "line");
            break;
        case TARE__VIEW_COUNT:
        case TARE__VIEW_SHARE:
        case TARE__VIEW_ANSWER:
            put_text(csv, column->field);
            break;
        case TARE__VIEW_TIME:
            snprintf(field, sizeof field, "%s_%s", column->field,
                     options->unit == TARE_UNIT_TICKS ? "ticks" : "ns");
            put_text(csv, field);
            break;
        }
    }
    end_line(csv);
}

static void put_value(struct csv *csv, const struct tare__view_value *value)
{
    char number[TARE__VIEW_NUMBER];
    if (!value->known) {
        put_text(csv, "");
    } else if (value->whole) {
        put_count(csv, value->count);
    } else {
        put_text(csv, tare__view_number(number, value->number));
    }
}

static void put_cell(struct csv *csv, const struct tare__view_column *column,
                     const struct tare_result_timer *timer, enum tare_unit unit, double rate_hz)
{
    struct tare__view_value value;
    switch (column->type) {
    case TARE__VIEW_NAME:
        put_text(csv, timer->module);
        put_text(csv, timer->name);
        break;
    case TARE__VIEW_FILE:
        put_text(csv, timer->file != NULL ? timer->file : "");
        if (timer->line > 0) {
            put_count(csv, timer->line);
        } else {
            put_text(csv, "");
        }
        break;
    case TARE__VIEW_ANSWER:
        value = tare__view_value(column, timer, unit, rate_hz);
        put_text(csv, !value.known ? "" : value.count != 0 ? "true" : "false");
        break;
    case TARE__VIEW_COUNT:
    case TARE__VIEW_TIME:
    case TARE__VIEW_SHARE:
        value = tare__view_value(column, timer, unit, rate_hz);
        put_value(csv, &value);
        break;
    }
}

/* `process`: whose timers they are, or NULL. */
static int put_timers(struct csv *csv, const struct tare__view_plan *plan,
                      const struct tare_view_options *options, const struct tare_result_process *process,
                      const struct tare_result *result)
{
    struct tare__view_rows rows;
    double rate_hz = result->clock.rate_hz;
    int error =
        tare__view_rows_make(&rows, process != NULL ? process->timers : result->timers,
                             process != NULL ? process->timer_count : result->timer_count, options, rate_hz);
    if (error != 0) {
        return error;
    }
    for (size_t i = 0; i < rows.count; i++) {
        if (process != NULL) {
            put_count(csv, process->pid);
            put_text(csv, process->executable != NULL ? process->executable : "");
        }
        for (size_t j = 0; j < plan->count; j++) {
            put_cell(csv, plan->columns[j], rows.timers[i], options->unit, rate_hz);
        }
        end_line(csv);
    }
    tare__view_rows_release(&rows);
    return 0;
}

int tare_view_csv(const struct tare_result *result, const struct tare_view_options *options, FILE *out)
{
    struct csv csv = {.out = out, .first = true};
    struct tare__view_plan plan;
    int error = 0;
    if (options->columns != NULL) {
        error = tare__view_plan_make(&plan, options->columns, NULL);
    } else {
        tare__view_plan_all(&plan);
    }
    if (error != 0) {
        return error;
    }
    put_header(&csv, &plan, options);
    if (options->per_process) {
        for (size_t i = 0; error == 0 && i < result->process_count; i++) {
            error = put_timers(&csv, &plan, options, &result->processes[i], result);
        }
    } else {
        error = put_timers(&csv, &plan, options, NULL, result);
    }
    if (error == 0) {
        tare__instruments_csv(result, out);
    }
    return error != 0 ? error : tare__view_finish(out);
}
