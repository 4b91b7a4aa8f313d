/* SPDX-License-Identifier: MIT */
/*
 * Counters, resources, what follows from two of them, and the peak of the heap. What is unknown is a "-", and why
 * it is stands below the table, once for all that share the reason.
 */
#include "view/stat.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "result/stat.h"
#include "runtime/text.h"
#include "view/bench_text.h"
#include "view/columns.h"
#include "view/escape.h"

enum { CELL = 64, SITES_SHOWN = 10, RUNNING_WHOLE_PERCENT = 9995 /* of 10,000: it rounds to 100.0 */ };

static const char *micro(const struct tare_view_options *options)
{
    return options->ascii ? "us" : "µs";
}

static void bytes_text(char cell[CELL], double bytes)
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    size_t unit = 0;
    while (bytes >= 1024 && unit + 1 < sizeof(units) / sizeof(units[0])) {
        bytes /= 1024;
        unit++;
    }
    snprintf(cell, CELL, unit == 0 ? "%.0f %s" : "%.1f %s", bytes, units[unit]);
}

static bool is_unit(const struct tare_result_stat_row *row, const char *unit)
{
    return row->unit != NULL && strcmp(row->unit, unit) == 0;
}

static void value_text(char cell[CELL], const struct tare_result_stat_row *row, double value,
                       const struct tare_view_options *options)
{
    char time[TARE_TEXT_TIME];
    if (isnan(value)) {
        snprintf(cell, CELL, "-");
    } else if (is_unit(row, "ns")) {
        snprintf(cell, CELL, "%s", tare__text_time(time, value, micro(options)));
    } else if (is_unit(row, "bytes")) {
        bytes_text(cell, value);
    } else {
        snprintf(cell, CELL, value == round(value) ? "%.0f" : "%.1f", value);
    }
}

/* "1.23 G/s"; of bytes "1.23 MiB/s", as they stand beside it. */
static void rate_text(char cell[CELL], const struct tare_result_stat_row *row, double wall_ns)
{
    static const char *const decimal[] = {"", "k", "M", "G", "T"}, *const binary[] = {"", "Ki", "Mi", "Gi",
                                                                                      "Ti"};
    bool bytes = is_unit(row, "bytes");
    const char *const *prefixes = bytes ? binary : decimal;
    double step = bytes ? 1024 : 1000;
    double rate = row->value / wall_ns * 1e9;
    size_t prefix = 0;
    if (isnan(rate) || isinf(rate) || is_unit(row, "ns") || strcmp(row->name, "max-rss") == 0) {
        snprintf(cell, CELL, "%s", isnan(row->value) ? "-" : "");
        return;
    }
    while (rate >= step && prefix + 1 < sizeof(decimal) / sizeof(decimal[0])) {
        rate /= step;
        prefix++;
    }
    snprintf(cell, CELL, "%.*f %s%s",
             rate >= 100  ? 0
             : rate >= 10 ? 1
                          : 2,
             rate, prefixes[prefix], bytes ? "B/s" : "/s");
}

static void error_text(char cell[CELL], const struct tare_result_stat_row *row)
{
    if (isnan(row->error)) {
        snprintf(cell, CELL, "-");
    } else if (row->value == 0) {
        snprintf(cell, CELL, row->error == 0 ? "0.0 %%" : "-");
    } else {
        snprintf(cell, CELL, "%.1f %%", 100 * row->error / fabs(row->value));
    }
}

static bool is_scaled(const struct tare_result_stat_row *row)
{
    return !isnan(row->running) && row->running * 10000 < RUNNING_WHOLE_PERCENT;
}

/* The name, and that the kernel's part is missing. */
static void name_text(char cell[CELL], const struct tare_result_stat_row *row)
{
    size_t length = strlen(row->name);
    bool says_so = length > 2 && strcmp(row->name + length - 2, ":u") == 0;
    snprintf(cell, CELL, "%.50s%s", row->name, row->user_only && !says_so ? ":u" : "");
}

struct table {
    const struct tare_result *result;
    const struct tare_view_options *options;
    FILE *out;
    bool markdown, errors, shares;
    double wall_ns;
};

static void put_cells(const struct table *table, const char *const *cells, const int *widths, size_t count)
{
    bool heading = strncmp(cells[0], "---", 3) == 0 || strncmp(cells[0], "--:", 3) == 0;
    while (!table->markdown && count > 0 && cells[count - 1][0] == '\0') {
        count--; /* no blanks at the end of a line */
    }
    fputs(table->markdown ? "|" : "", table->out);
    for (size_t i = 0; i < count; i++) {
        fputs(table->markdown ? " " : i > 0 ? "  " : "", table->out);
        int width = table->markdown || (i + 1 == count && widths[i] < 0) ? 0 : widths[i];
        if (width > 0) { /* figures stand to the right */
            for (size_t n = tare__text_width(cells[i]); n < (size_t)width; n++) {
                fputc(' ', table->out);
            }
        }
        if (table->markdown && !heading) {
            tare__escape_markdown(table->out, cells[i], table->options->ascii);
        } else {
            fputs(cells[i], table->out);
        }
        if (width < 0) {
            for (size_t n = tare__text_width(cells[i]); n < (size_t)-width; n++) {
                fputc(' ', table->out);
            }
        }
        fputs(table->markdown ? " |" : "", table->out);
    }
    fputc('\n', table->out);
}

/* From which ratio of two times on the difference has to be explained. */
static const double EXEC_SHOWS = 1.05;

enum { COLUMNS = 5 };
static const int column_widths[COLUMNS] = {-24, 16, 8, 12, 9};

static void put_row(const struct table *table, const char *name, const char *value, const char *error,
                    const char *rate, const char *share)
{
    const char *cells[COLUMNS] = {name, value};
    int widths[COLUMNS] = {column_widths[0], column_widths[1]};
    size_t count = 2;
    if (table->errors) {
        widths[count] = column_widths[2];
        cells[count++] = error;
    }
    widths[count] = column_widths[3];
    cells[count++] = rate;
    if (table->shares) {
        widths[count] = column_widths[4];
        cells[count++] = share;
    }
    put_cells(table, cells, widths, count);
}

static void put_rows(const struct table *table, const struct tare_result_stat *stat, bool usage)
{
    char name[CELL], value[CELL], error[CELL], rate[CELL], share[CELL];
    for (size_t i = 0; i < stat->row_count; i++) {
        const struct tare_result_stat_row *row = &stat->rows[i];
        if ((strcmp(row->source, "usage") == 0) != usage ||
            (usage && stat->pid != 0 && isnan(row->value))) { /* of a process nobody can wait for */
            continue;
        }
        name_text(name, row);
        char *safe = tare__view_safe(name, table->options->ascii);
        value_text(value, row, row->value, table->options);
        error_text(error, row);
        rate_text(rate, row, table->wall_ns);
        share[0] = '\0';
        if (!isnan(row->running) && !usage) {
            snprintf(share, sizeof(share), "%.1f %%", 100 * row->running);
        }
        put_row(table, safe != NULL ? safe : "?", value, error, rate, share);
        free(safe);
    }
}

/* A sentence behind an empty line: on a terminal wrapped, else on one line. Returns 0 or -ENOMEM. */
static int put_sentence(const struct table *table, const char *head, const char *rest)
{
    bool wrapped = !table->markdown && table->options->width > 0;
    struct tare__lines_out lines = {.out = table->out,
                                    .options = table->options,
                                    .width = wrapped ? (size_t)table->options->width : SIZE_MAX};
    fputc('\n', table->out);
    tare__lines_put(&lines, 0, 0, NULL, head, rest);
    return lines.error;
}

/* Each reason once, behind the names that it is of. */
static int put_reasons(const struct table *table, const struct tare_result_stat *stat)
{
    for (size_t i = 0; i < stat->row_count; i++) {
        const char *reason = stat->rows[i].reason;
        bool said = reason == NULL;
        for (size_t j = 0; j < i && !said; j++) {
            said = stat->rows[j].reason != NULL && strcmp(stat->rows[j].reason, reason) == 0;
        }
        if (said) {
            continue;
        }
        char *names = NULL;
        size_t size;
        FILE *out = open_memstream(&names, &size);
        if (out == NULL) {
            return -ENOMEM;
        }
        for (size_t j = i; j < stat->row_count; j++) {
            if (stat->rows[j].reason != NULL && strcmp(stat->rows[j].reason, reason) == 0) {
                fprintf(out, "%s%s", j == i ? "" : ", ", stat->rows[j].name);
            }
        }
        fputs(": ", out);
        int error = fclose(out) == 0 ? put_sentence(table, names, reason) : -ENOMEM;
        free(names);
        if (error != 0) {
            return error;
        }
    }
    return 0;
}

static void put_command(const struct table *table)
{
    const struct tare_result *result = table->result;
    if (result->command == NULL) {
        fputs("a program", table->out);
    }
    for (char **word = result->command; word != NULL && *word != NULL; word++) {
        char *safe = tare__view_safe(*word, table->options->ascii);
        fprintf(table->out, "%s%s", word == result->command ? "" : " ", safe != NULL ? safe : "?");
        free(safe);
    }
}

static void put_head(const struct table *table, const struct tare_result_stat *stat)
{
    if (stat->pid != 0) {
        fprintf(table->out, "process %" PRIu32, stat->pid);
    } else {
        put_command(table);
    }
    if (stat->massif != NULL) {
        fputs(", under massif", table->out);
    } else if (stat->pid == 0) {
        fprintf(table->out, ", %" PRIu64 " run%s", stat->runs, stat->runs == 1 ? "" : "s");
    }
    fputs("\n\n", table->out);
}

static int put_counters(const struct table *table, const struct tare_result_stat *stat)
{
    const char *plus_minus = table->options->ascii ? "+-" : "±";
    bool scaled = false, user_only = false;
    put_row(table, "counter", "value", plus_minus, "per second", "counted");
    if (table->markdown) {
        put_row(table, "---", "--:", "--:", "--:", "--:");
    }
    put_rows(table, stat, false);
    put_rows(table, stat, true);
    for (size_t i = 0; i < stat->ratio_count; i++) {
        char *safe = tare__view_safe(stat->ratios[i].name, table->options->ascii);
        bool share = strncmp(stat->ratios[i].name, "of ", 3) == 0;
        fprintf(table->out, "%s%s%.2f%s %s\n", i == 0 ? "\n" : "", table->markdown ? "- " : "",
                stat->ratios[i].value * (share ? 100 : 1), share ? " %" : "", safe != NULL ? safe : "?");
        free(safe);
    }
    int error = put_reasons(table, stat);
    for (size_t i = 0; i < stat->row_count; i++) {
        scaled = scaled || (is_scaled(&stat->rows[i]) && !isnan(stat->rows[i].value));
        user_only = user_only || (stat->rows[i].user_only && strchr(stat->rows[i].name, ':') == NULL);
    }
    const struct tare_result_stat_row *user = tare_result_stat_find(stat, "user"),
                                      *system = tare_result_stat_find(stat, "system"),
                                      *clock = tare_result_stat_find(stat, "task-clock");
    if (error == 0 && user != NULL && system != NULL && clock != NULL && !clock->user_only &&
        user->value + system->value > clock->value * EXEC_SHOWS) {
        error = put_sentence(
            table, "",
            "user, system and faults-without-io have execve itself in them, the kernel's counters do not.");
    }
    if (error == 0 && scaled) {
        error = put_sentence(
            table, "", "Where less than 100 % was counted, events had to take turns: the value is scaled up.");
    }
    if (error == 0 && user_only) {
        error = put_sentence(
            table, "",
            ":u without what the kernel did for it: perf_event_paranoid keeps that from being counted.");
    }
    if (error == 0 && table->errors) {
        fprintf(table->out, "\nMeans of %" PRIu64 " runs; %s is half of their 95 %% interval.\n", stat->runs,
                plus_minus);
    }
    return error;
}

static void put_massif(const struct table *table, const struct tare_result_stat *stat)
{
    const struct tare_massif *massif = stat->massif;
    uint64_t total = massif->heap_bytes + massif->extra_bytes + massif->stacks_bytes;
    char cell[CELL], share[CELL];
    const int widths[] = {12, 8, -1};
    bytes_text(cell, (double)total);
    fprintf(table->out, "peak %s", cell);
    bytes_text(cell, (double)massif->heap_bytes);
    fprintf(table->out, ": heap %s", cell);
    bytes_text(cell, (double)massif->extra_bytes);
    fprintf(table->out, ", the allocator's own %s", cell);
    if (stat->massif_stacks) {
        bytes_text(cell, (double)massif->stacks_bytes);
        fprintf(table->out, ", stacks %s", cell);
    }
    fputc('\n', table->out);
    if (massif->end_time > 0) {
        const char *unit = massif->time_unit != NULL ? massif->time_unit : "";
        fprintf(table->out, "at %.0f %% of the run (%" PRIu64 " of %" PRIu64 " %s)\n",
                100 * (double)massif->peak_time / (double)massif->end_time, massif->peak_time, massif->end_time,
                strcmp(unit, "i") == 0 ? "instructions" : unit);
    }
    if (massif->site_count != 0) {
        const char *const head[] = {"bytes", "of heap", "asked for by"}, *const line[] = {"--:", "--:", "---"};
        fputc('\n', table->out);
        put_cells(table, head, widths, 3);
        if (table->markdown) {
            put_cells(table, line, widths, 3);
        }
    }
    for (size_t i = 0; i < massif->site_count && i < SITES_SHOWN; i++) {
        const struct tare_massif_site *site = &massif->sites[i];
        char *function = tare__view_safe(site->function != NULL ? site->function : "?", table->options->ascii);
        char *where = tare__view_safe(site->where != NULL ? site->where : "", table->options->ascii);
        char *text = NULL;
        if (function != NULL && where != NULL &&
            asprintf(&text, "%s%s%s", function, where[0] != '\0' ? "  " : "", where) < 0) {
            text = NULL;
        }
        snprintf(cell, sizeof(cell), "%" PRIu64, site->bytes);
        snprintf(share, sizeof(share), "%.1f %%",
                 massif->heap_bytes != 0 ? 100 * (double)site->bytes / (double)massif->heap_bytes : 0.0);
        const char *const cells[] = {cell, share, text != NULL ? text : "?"};
        put_cells(table, cells, widths, 3);
        free(function);
        free(where);
        free(text);
    }
    if (massif->site_count > SITES_SHOWN) {
        fprintf(table->out, "and %zu more places\n", massif->site_count - SITES_SHOWN);
    }
    if (massif->below_bytes != 0) {
        fprintf(table->out, "%" PRIu64 " bytes at places with less than 1 %% each\n", massif->below_bytes);
    }
    if (!massif->exact) {
        fputs("\nThe peak is the largest of the moments that massif looked at.\n", table->out);
    }
}

/* ---- CSV ---- */

static void put_number(FILE *out, double value)
{
    if (!isnan(value)) {
        fprintf(out, value == round(value) && fabs(value) < 1e15 ? ",%.0f" : ",%.17g", value);
    } else {
        fputc(',', out);
    }
}

static void put_csv(const struct tare_result_stat *stat, double wall_ns, FILE *out)
{
    if (stat->massif != NULL) {
        const struct tare_massif *massif = stat->massif;
        fputs("function,where,bytes,heap_bytes,extra_bytes,stacks_bytes\n", out);
        for (size_t i = 0; i < massif->site_count; i++) {
            tare__escape_csv(out, massif->sites[i].function);
            fputc(',', out);
            tare__escape_csv(out, massif->sites[i].where);
            fprintf(out, ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 "\n", massif->sites[i].bytes,
                    massif->heap_bytes, massif->extra_bytes, massif->stacks_bytes);
        }
        return;
    }
    fputs("counter,source,unit,value,error,per_second,running,user_only,reason\n", out);
    for (size_t i = 0; i < stat->row_count; i++) {
        const struct tare_result_stat_row *row = &stat->rows[i];
        tare__escape_csv(out, row->name);
        fprintf(out, ",%s,%s", row->source, row->unit != NULL ? row->unit : "");
        put_number(out, row->value);
        put_number(out, row->error);
        put_number(out,
                   is_unit(row, "ns") || strcmp(row->name, "max-rss") == 0 ? NAN : row->value / wall_ns * 1e9);
        put_number(out, row->running);
        fprintf(out, ",%s,", row->user_only ? "true" : "false");
        tare__escape_csv(out, row->reason);
        fputc('\n', out);
    }
}

int tare_view_stat(const struct tare_result *result, const struct tare_view_options *options,
                   enum tare_format format, FILE *out)
{
    const struct tare_result_stat *stat = result->stat;
    struct table table = {.result = result,
                          .options = options,
                          .out = out,
                          .markdown = format == TARE_FORMAT_MARKDOWN,
                          .errors = stat->runs > 1,
                          .wall_ns = NAN};
    const struct tare_result_stat_row *wall = tare_result_stat_find(stat, "wall");
    table.wall_ns = wall != NULL ? wall->value : NAN;
    int error = 0;
    for (size_t i = 0; i < stat->row_count; i++) {
        table.shares = table.shares || is_scaled(&stat->rows[i]);
    }
    if (format == TARE_FORMAT_CSV) {
        put_csv(stat, table.wall_ns, out);
    } else {
        put_head(&table, stat);
        if (stat->massif != NULL) {
            put_massif(&table, stat);
        } else {
            error = put_counters(&table, stat);
        }
        for (char **note = result->notes; error == 0 && note != NULL && *note != NULL; note++) {
            error = put_sentence(&table, "note: ", *note);
        }
    }
    return error != 0 ? error : ferror(out) ? -EIO : 0;
}
