/* SPDX-License-Identifier: MIT */
/*
 * A Markdown table as GitHub shows it, to be pasted into a discussion.
 *
 * Names come from the measured program, and may try to be markup: whatever means something to Markdown is
 * escaped, after what means something to a terminal or deceives the eye has been made visible.
 */
#include "view/columns.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "view/telemetry_table.h"

static const char columns_plain[] = "name,calls,total,avg,net,error,p50,p99";
static const char columns_exclusive[] = "name,calls,total,avg,net,error,exclusive-net,exclusive-error,p50,p99";

static bool starts_link(const char *text, const char *start)
{
    /* GitHub makes links of bare addresses: http://x, www.x */
    return (*text == ':' && text[1] == '/') ||
           (*text == '.' && text > start && (text[-1] == 'w' || text[-1] == 'W'));
}

static int put_text(FILE *out, const char *text, bool ascii)
{
    char *safe = tare__view_safe(text, ascii);
    if (safe == NULL) {
        return -ENOMEM;
    }
    for (const char *p = safe; *p != '\0'; p++) {
        switch (*p) {
        case '&':
            fputs("&amp;", out);
            break;
        case '<':
            fputs("&lt;", out);
            break;
        case '>':
            fputs("&gt;", out);
            break;
        default:
            if (strchr("\\`*_{}[]|~#!$@", *p) != NULL || starts_link(p, safe)) {
                putc('\\', out);
            }
            putc(*p, out);
            break;
        }
    }
    free(safe);
    return 0;
}

static void put_header(FILE *out, const struct tare__view_plan *plan, const struct tare_result *result,
                       bool ascii)
{
    for (size_t i = 0; i < plan->count; i++) {
        char header[TARE__VIEW_HEADER];
        fprintf(out, "| %s ", tare__view_header(header, plan->columns[i], result, ascii));
    }
    fputs("|\n", out);
    for (size_t i = 0; i < plan->count; i++) {
        enum tare__view_type type = plan->columns[i]->type;
        fputs(type == TARE__VIEW_NAME || type == TARE__VIEW_FILE ? "| :--- " : "| ---: ", out);
    }
    fputs("|\n", out);
}

static int put_row(FILE *out, const struct tare__view_plan *plan, const struct tare_result_timer *timer,
                   const struct tare_view_options *options, double rate_hz)
{
    for (size_t i = 0; i < plan->count; i++) {
        enum tare__view_type type = plan->columns[i]->type;
        char *cell = tare__view_cell(plan->columns[i], timer, options, rate_hz);
        if (cell == NULL) {
            return -ENOMEM;
        }
        fputs("| ", out);
        bool text = type == TARE__VIEW_NAME || type == TARE__VIEW_FILE;
        int error = put_text(out, cell, text && options->ascii);
        free(cell);
        if (error != 0) {
            return error;
        }
        putc(' ', out);
    }
    fputs("|\n", out);
    return 0;
}

static int put_timers(FILE *out, const struct tare_result_timer *timers, size_t count,
                      const struct tare_result *result, const struct tare_view_options *options,
                      struct tare__view_lines *notes)
{
    struct tare__view_rows rows;
    struct tare__view_plan plan;
    int error = tare__view_rows_make(&rows, timers, count, options, result->clock.rate_hz);
    if (error != 0) {
        return error;
    }
    error =
        tare__view_plan_make(&plan, options->columns, rows.has_exclusive ? columns_exclusive : columns_plain);
    if (error != 0) {
        goto out;
    }
    if (rows.count == 0) {
        char *nothing = tare__view_nothing(count);
        error = nothing == NULL ? -ENOMEM : 0;
        fprintf(out, "%s\n", nothing != NULL ? nothing : "");
        free(nothing);
        goto out;
    }
    put_header(out, &plan, result, options->ascii);
    for (size_t i = 0; error == 0 && i < rows.count; i++) {
        error = put_row(out, &plan, rows.timers[i], options, result->clock.rate_hz);
    }
    tare__view_note_rows(notes, &rows, &plan, result);
out:
    tare__view_rows_release(&rows);
    return error;
}

/* Each a paragraph of its own. Leaves `lines` empty. */
static int put_lines(FILE *out, struct tare__view_lines *lines, bool ascii)
{
    int error = lines->error;
    for (size_t i = 0; error == 0 && i < lines->count; i++) {
        putc('\n', out);
        error = put_text(out, lines->lines[i], ascii);
        putc('\n', out);
    }
    tare__view_lines_release(lines);
    return error;
}

static int put_process(FILE *out, const struct tare_result *result, size_t index,
                       const struct tare_view_options *options)
{
    const struct tare_result_process *process = &result->processes[index];
    struct tare__view_lines notes = {0};
    char *title = tare__view_process_title(process);
    if (title == NULL) {
        return -ENOMEM;
    }
    fprintf(out, "%s### ", index > 0 ? "\n" : "");
    int error = put_text(out, title, options->ascii);
    free(title);
    fputs("\n\n", out);
    if (error == 0) {
        error = put_timers(out, process->timers, process->timer_count, result, options, &notes);
    }
    if (result->process_count > 1) {
        tare__view_note_process(&notes, process);
    }
    int lines_error = put_lines(out, &notes, options->ascii);
    return error != 0 ? error : lines_error;
}

static int put_grid(FILE *out, const struct tare__grid *grid, bool ascii)
{
    int error = 0;
    if (strcmp(grid->title, grid->headers[0]) != 0) {
        fputs("\n", out);
        error = put_text(out, grid->title, ascii);
        fputs("\n", out);
    }
    putc('\n', out);
    for (size_t i = 0; i < grid->columns; i++) {
        fprintf(out, "| %s ", grid->headers[i]);
    }
    fputs("|\n", out);
    for (size_t i = 0; i < grid->columns; i++) {
        fputs(i == 0 || strcmp(grid->headers[i], "unit") == 0 ? "| :--- " : "| ---: ", out);
    }
    fputs("|\n", out);
    for (size_t i = 0; error == 0 && i < grid->rows * grid->columns; i++) {
        fputs("| ", out);
        error = put_text(out, grid->cells[i], ascii);
        fputs((i + 1) % grid->columns == 0 ? " |\n" : " ", out);
    }
    return error;
}

static int put_instruments(FILE *out, const struct tare_result *result, const struct tare_view_options *options)
{
    struct tare__grids grids;
    int error = tare__grids_make(&grids, result, options);
    for (size_t i = 0; error == 0 && i < grids.count; i++) {
        error = put_grid(out, &grids.grids[i], options->ascii);
    }
    if (error == 0 && grids.silent != 0) {
        fprintf(out, "\n%zu instrument%s counted nothing\n", grids.silent, grids.silent == 1 ? "" : "s");
    }
    tare__grids_release(&grids);
    return error;
}

int tare_view_markdown(const struct tare_result *result, const struct tare_view_options *options, FILE *out)
{
    struct tare__view_lines notes = {0};
    int error = 0;
    if (options->per_process) {
        for (size_t i = 0; error == 0 && i < result->process_count; i++) {
            error = put_process(out, result, i, options);
        }
        if (result->process_count == 0) {
            fputs("no process was seen\n", out);
        }
    } else {
        error = put_timers(out, result->timers, result->timer_count, result, options, &notes);
    }
    if (error == 0) {
        error = put_instruments(out, result, options);
    }
    tare__view_note_result(&notes, result, !options->per_process);
    tare__view_note_measuring(&notes, result, options->ascii);
    tare__view_note_fingerprint(&notes, result);
    tare__view_note_clock(&notes, result, options->ascii);
    int lines_error = put_lines(out, &notes, options->ascii);
    if (error == 0) {
        error = lines_error;
    }
    return error != 0 ? error : tare__view_finish(out);
}
