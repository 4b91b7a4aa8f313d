/* SPDX-License-Identifier: MIT */
/* A capture as a table, for a terminal or as Markdown: see view/capture.h for what the figures are. */
#include "view/capture.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/text.h"
#include "view/bench_text.h"
#include "view/columns.h"
#include "view/escape.h"

enum { CELL = 64, COLUMNS = 7, KEYS_SHOWN = 5, WIDTH = 97, NAME_MIN = 20, FIGURE_MIN = 8 };

struct table {
    const struct tare_result *result;
    const struct tare_capture *capture;
    const struct tare_view_options *options;
    FILE *out;
    size_t width;
    bool markdown, any_timers;
    bool failed;
};

/* ---- cells ---- */

/* Three significant digits or so, with a prefix: "1.23 M". The locale's point becomes one. */
static void scaled_text(char cell[CELL], double value, double step, const char *const *prefixes, size_t count,
                        const char *unit)
{
    size_t prefix = 0;
    double size = fabs(value);
    while (size >= step * 0.9995 && prefix + 1 < count) {
        size /= step;
        prefix++;
    }
    bool whole = prefix == 0 && size == round(size);
    char number[TARE__VIEW_NUMBER];
    tare__view_fixed(number, copysign(size, value), whole || size >= 99.95 ? 0 : size >= 9.995 ? 1 : 2);
    const char *gap =
        prefixes[prefix][0] != '\0' || (unit[0] != '\0' && unit[0] != '/' && unit[0] != '%') ? " " : "";
    snprintf(cell, CELL, "%.40s%s%s%.16s", number, gap, prefixes[prefix], unit);
}

static bool is_unit(const char *unit, const char *name)
{
    return unit != NULL && strcmp(unit, name) == 0;
}

static void value_text(char cell[CELL], double value, const char *unit, const struct tare_view_options *options)
{
    static const char *const decimal[] = {"", "k", "M", "G", "T", "P"};
    static const char *const binary[] = {"", "Ki", "Mi", "Gi", "Ti", "Pi"};
    char time[TARE_TEXT_TIME];
    if (isnan(value)) {
        snprintf(cell, CELL, "-");
    } else if (is_unit(unit, "ns")) {
        snprintf(cell, CELL, "%s", tare__text_time(time, value, options->ascii ? "us" : "µs"));
    } else if (is_unit(unit, "bytes")) {
        scaled_text(cell, value, 1024, binary, 6, "B");
    } else if (is_unit(unit, "ratio")) {
        char number[TARE__VIEW_NUMBER];
        double percent = fabs(value) < 0.0005 ? 0 : value * 100; /* no "-0.0" */
        snprintf(cell, CELL, "%.40s %%", tare__view_fixed(number, percent, 1));
    } else if (is_unit(unit, "ns/s")) {
        snprintf(cell, CELL, "%s/s", tare__text_time(time, value, options->ascii ? "us" : "µs"));
    } else if (is_unit(unit, "ms/s")) {
        snprintf(cell, CELL, "%s/s", tare__text_time(time, value * 1e6, options->ascii ? "us" : "µs"));
    } else if (is_unit(unit, "bytes/s")) {
        scaled_text(cell, value, 1024, binary, 6, "B/s");
    } else if (unit != NULL && strlen(unit) > 2 && strcmp(unit + strlen(unit) - 2, "/s") == 0) {
        scaled_text(cell, value, 1000, decimal, 6, "/s");
    } else if (fabs(value) < 1e6 && value == round(value)) {
        char number[TARE__VIEW_NUMBER];
        snprintf(cell, CELL, "%.40s", tare__view_fixed(number, value, 0));
    } else {
        scaled_text(cell, value, 1000, decimal, 6, "");
    }
}

static const char *count_text(char cell[CELL], uint64_t count)
{
    snprintf(cell, CELL, "%" PRIu64, count);
    return count == TARE_COUNT_UNKNOWN ? "-" : cell;
}

static void put_text(struct table *table, const char *text)
{
    if (table->markdown) {
        table->failed |= tare__escape_markdown(table->out, text, table->options->ascii) != 0;
        return;
    }
    char *safe = tare__view_safe(text, table->options->ascii);
    fputs(safe != NULL ? safe : "?", table->out);
    table->failed |= safe == NULL;
    free(safe);
}

/* ---- tables ---- */

/* The first column is of text, on the left; the others are on the right, each as wide as its widest cell. */
struct sheet {
    const char *heads[COLUMNS];
    size_t columns;
    char **cells; /* row by row, not escaped yet */
    size_t rows, capacity;
};

static void sheet_add(struct table *table, struct sheet *sheet, const char *const *cells)
{
    if (sheet->rows == sheet->capacity) {
        size_t capacity = sheet->capacity == 0 ? 64 : 2 * sheet->capacity;
        char **grown = reallocarray(sheet->cells, capacity, sheet->columns * sizeof(*grown));
        if (grown == NULL) {
            table->failed = true;
            return;
        }
        sheet->cells = grown;
        sheet->capacity = capacity;
    }
    char **row = sheet->cells + sheet->rows * sheet->columns;
    for (size_t i = 0; i < sheet->columns; i++) {
        row[i] =
            i == 0 && !table->markdown ? tare__view_safe(cells[0], table->options->ascii) : strdup(cells[i]);
        table->failed |= row[i] == NULL;
    }
    sheet->rows++;
}

static void put_markdown_row(struct table *table, const struct sheet *sheet, char *const *cells)
{
    fputc('|', table->out);
    for (size_t i = 0; i < sheet->columns; i++) {
        fputc(' ', table->out);
        put_text(table, cells != NULL ? cells[i] : sheet->heads[i]);
        fputs(" |", table->out);
    }
    fputc('\n', table->out);
}

/* `cells` NULL: the heads. */
static void put_row(struct table *table, const struct sheet *sheet, char *const *cells, const size_t *widths)
{
    FILE *out = table->out;
    const char *dots = table->options->ascii ? "..." : "…";
    char *name = strdup(cells != NULL ? cells[0] : sheet->heads[0]);
    if (name != NULL && table->options->width > 0) { /* where nobody sees it as it is written, nothing is cut */
        name = tare__view_cut_middle(name, table->width, dots);
    }
    table->failed |= name == NULL;
    size_t width = name != NULL ? tare__text_width(name) : 0;
    fputs(name != NULL ? name : "?", out);
    free(name);
    if (width > widths[0]) { /* the figures come below it */
        fputc('\n', out);
        width = 0;
    }
    fprintf(out, "%*s", (int)(widths[0] - width), "");
    for (size_t i = 1; i < sheet->columns; i++) {
        fputs("  ", out);
        tare__text_pad(out, cells != NULL ? cells[i] : sheet->heads[i], -(int)widths[i]);
    }
    fputc('\n', out);
}

static bool is_whole(const struct sheet *sheet)
{
    for (size_t i = 0; i < sheet->rows * sheet->columns; i++) {
        if (sheet->cells[i] == NULL) {
            return false;
        }
    }
    return true;
}

static void sheet_print(struct table *table, const struct sheet *sheet)
{
    size_t widths[COLUMNS] = {0}, rest = 0;
    if (!is_whole(sheet)) {
        return;
    }
    if (table->markdown) {
        put_markdown_row(table, sheet, NULL);
        fputs("| :-- |", table->out);
        for (size_t i = 1; i < sheet->columns; i++) {
            fputs(" --: |", table->out);
        }
        fputc('\n', table->out);
    }
    for (size_t i = 0; i < sheet->columns; i++) {
        widths[i] = tare__text_width(sheet->heads[i]);
        for (size_t k = 0; k < sheet->rows; k++) {
            size_t width = tare__text_width(sheet->cells[k * sheet->columns + i]);
            widths[i] = width > widths[i] ? width : widths[i];
        }
        if (i > 0) {
            widths[i] = widths[i] < FIGURE_MIN ? FIGURE_MIN : widths[i];
            rest += widths[i] + 2;
        }
    }
    /* Long names have lines of their own, so that the figures stand where there is room for them. */
    size_t room = rest < table->width ? table->width - rest : 0;
    widths[0] = room < NAME_MIN ? (room > 2 ? room : 2) : room;
    if (!table->markdown) {
        put_row(table, sheet, NULL, widths);
    }
    for (size_t k = 0; k < sheet->rows; k++) {
        char *const *cells = sheet->cells + k * sheet->columns;
        if (table->markdown) {
            put_markdown_row(table, sheet, cells);
        } else {
            put_row(table, sheet, cells, widths);
        }
    }
}

static void sheet_release(struct sheet *sheet)
{
    for (size_t i = 0; i < sheet->rows * sheet->columns; i++) {
        free(sheet->cells[i]);
    }
    free(sheet->cells);
}

/* A total as it is: whole numbers are not rounded, as in the tables of other results. */
static void total_text(char cell[CELL], const struct tare_capture_row *row, bool first,
                       const struct tare_view_options *options)
{
    uint64_t count = first ? row->first_count : row->last_count;
    if (!row->is_count || is_unit(row->unit, "ns")) {
        value_text(cell, first ? row->first : row->last, row->unit, options);
    } else {
        snprintf(cell, CELL, "%" PRIu64 "%s", count, is_unit(row->unit, "bytes") ? " B" : "");
        if (count == TARE_COUNT_UNKNOWN) {
            snprintf(cell, CELL, "-");
        }
    }
}

static void add_row(struct table *table, struct sheet *sheet, const struct tare_capture_row *row)
{
    char first[CELL], last[CELL], min[CELL], mean[CELL], max[CELL];
    const struct tare_view_options *options = table->options;
    const char *rate_unit = row->rate_unit;
    total_text(first, row, true, options);
    total_text(last, row, false, options);
    value_text(min, row->min, rate_unit, options);
    value_text(mean, row->mean, rate_unit, options);
    value_text(max, row->max, rate_unit, options);
    const char *const cells[COLUMNS] = {row->name, first, last, min, mean, max};
    sheet_add(table, sheet, cells);
}

/* ---- timers ---- */

static void add_timer(struct table *table, struct sheet *sheet, const struct tare_result_timer *timer,
                      double time_ns)
{
    const struct tare_result_figures *figures = &timer->figures;
    const struct tare_view_options *options = table->options;
    char calls[CELL], net[CELL], p50[CELL], p99[CELL], total[CELL], busy[CELL], *name = NULL;
    if (asprintf(&name, "%s::%s", timer->module, timer->name) < 0) {
        table->failed = true;
        return;
    }
    value_text(net, figures->net_avg_ns, "ns", options);
    value_text(p50, figures->net_p50_ns, "ns", options);
    value_text(p99, figures->net_p99_ns, "ns", options);
    value_text(total, figures->net_total_ns, "ns", options);
    value_text(busy, figures->net_total_ns / time_ns, "ratio", options);
    const char *const cells[COLUMNS] = {name, count_text(calls, figures->calls), net, p50, p99, total, busy};
    sheet_add(table, sheet, cells);
    free(name);
}

/* What takes the time, first: the timers of a process, over the capture. */
static void put_timers(struct table *table, const struct tare_capture_process *process)
{
    const struct tare_result *result = table->result;
    bool whole = result->command != NULL;
    double time_ns = tare_capture_time_ns(table->capture, process, whole);
    struct tare_view_options options = *table->options;
    struct tare__view_rows rows = {0};
    struct sheet sheet = {.heads = {"timer", "calls", "net", "p50", "p99", "net total", "busy"}, .columns = 7};
    options.sort = options.sort != NULL ? options.sort : "net-total";
    options.unit = TARE_UNIT_TIME;
    size_t count;
    struct tare_result_timer *timers = tare_capture_timers(process, whole, &count);
    if (timers == NULL || tare__view_rows_make(&rows, timers, count, &options, NAN) != 0) {
        table->failed = true;
        free(timers);
        return;
    }
    for (size_t i = 0; i < rows.count; i++) {
        add_timer(table, &sheet, rows.timers[i], time_ns);
    }
    if (rows.count > 0) {
        sheet_print(table, &sheet);
        fputc('\n', table->out);
        table->any_timers = true;
    }
    sheet_release(&sheet);
    tare__view_rows_release(&rows);
    free(timers);
}

/* ---- lines below ---- */

static void say(struct table *table, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void say(struct table *table, const char *format, ...)
{
    char *line = NULL;
    va_list arguments;
    va_start(arguments, format);
    int written = vasprintf(&line, format, arguments);
    va_end(arguments);
    if (written < 0) {
        table->failed = true;
        return;
    }
    if (table->markdown) {
        fputs("- ", table->out);
        put_text(table, line);
        fputc('\n', table->out);
    } else {
        struct tare__lines_out lines = {.out = table->out,
                                        .options = table->options,
                                        .width = table->width,
                                        .cut = table->options->width > 0};
        tare__lines_put(&lines, 0, strncmp(line, "note: ", 6) == 0 ? 6 : 2, NULL, line, "");
        table->failed |= lines.error != 0;
    }
    free(line);
}

static void say_frames(struct table *table, const struct tare_capture_instrument *instrument)
{
    struct tare_frames figures;
    char missed[CELL];
    char *name = tare_capture_name(instrument);
    int error = name != NULL ? tare_capture_frames(instrument, &figures) : -ENOMEM;
    table->failed |= error == -ENOMEM;
    if (error == 0) {
        char n[5][TARE__VIEW_NUMBER], real[TARE__VIEW_NUMBER];
        double rate = tare_capture_frame_rate(instrument);
        say(table,
            "%s: %zu frames kept, %s missed; %s frames in a second; by frame times alone: 1/avg %s fps, "
            "median %s, 1 %% low %s, 0.1 %% low %s",
            name, figures.frames, count_text(missed, instrument->frames_missed),
            isnan(rate) ? "-" : tare__view_fixed(real, rate, 1), tare__view_fixed(n[0], figures.avg_fps, 1),
            tare__view_fixed(n[1], figures.median_fps, 1), tare__view_fixed(n[2], figures.low_1_fps, 1),
            tare__view_fixed(n[3], figures.low_01_fps, 1));
        size_t slow = 0;
        for (size_t i = 0; i < instrument->frame_count; i++) {
            slow += instrument->frames[i].slow;
        }
        const double times_ms[] = {figures.p50_ms, figures.p95_ms, figures.p99_ms, figures.max_ms};
        char times[4][CELL];
        for (int i = 0; i < 4; i++) {
            value_text(times[i], times_ms[i] * 1e6, "ns", table->options);
        }
        say(table, "%s: frame time p50 %s, p95 %s, p99 %s, max %s; CoV %s; %zu slow", name, times[0], times[1],
            times[2], times[3], isnan(figures.cov) ? "-" : tare__view_fixed(n[4], figures.cov, 3), slow);
    } else if (name != NULL) {
        say(table, "%s: no frame ended while it was captured; %s missed", name,
            count_text(missed, instrument->frames_missed));
    }
    free(name);
}

/* A whole number with its unit, as in the tables of other results: ns as a time. */
static const char *weight_text(char cell[CELL], uint64_t weight, const char *unit,
                               const struct tare_view_options *options)
{
    if (weight == TARE_COUNT_UNKNOWN) {
        return "-";
    }
    if (is_unit(unit, "ns")) {
        value_text(cell, (double)weight, unit, options);
    } else {
        bool plain = unit == NULL || unit[0] == '\0';
        snprintf(cell, CELL, "%" PRIu64 "%s%.24s", weight, plain ? "" : " ", plain ? "" : unit);
    }
    return cell;
}

static void say_keys(struct table *table, const struct tare_capture_instrument *instrument)
{
    char *name = tare_capture_name(instrument);
    for (size_t i = 0; i < instrument->key_count && i < KEYS_SHOWN && name != NULL; i++) {
        const struct tare_key_figures *key = &instrument->keys[i];
        char share[CELL], weight[CELL], error[CELL], hits[CELL];
        value_text(share, key->share, "ratio", table->options);
        say(table, "%s: 0x%" PRIx64 " weighs %s (%s), at most %s too much; hits: %s or more", name, key->key,
            weight_text(weight, key->weight, instrument->unit, table->options), share,
            weight_text(error, key->error, instrument->unit, table->options),
            weight_text(hits, key->hits, NULL, table->options));
    }
    table->failed |= name == NULL;
    free(name);
}

static void say_lost(struct table *table, const struct tare_capture_process *process)
{
    const struct {
        const char *what;
        uint64_t count;
    } lost[] = {
        {"instruments", process->lost_instruments}, {"threads", process->lost_threads},
        {"scopes", process->lost_scopes},           {"scopes in signal handlers", process->dropped_scopes},
        {"tables and rings", process->lost_extras},
    };
    for (size_t i = 0; i < sizeof(lost) / sizeof(lost[0]); i++) {
        char count[CELL];
        if (lost[i].count == TARE_COUNT_UNKNOWN) {
            say(table, "pid %" PRIu32 ": how many %s were not counted, for want of room, is unknown",
                process->pid, lost[i].what);
        } else if (lost[i].count > 0) {
            say(table, "pid %" PRIu32 ": %s %s were not counted, for want of room", process->pid,
                count_text(count, lost[i].count), lost[i].what);
        }
    }
}

static void put_process(struct table *table, const struct tare_capture_process *process)
{
    for (size_t i = 0; i < process->instrument_count; i++) {
        const struct tare_capture_instrument *instrument = &process->instruments[i];
        if (instrument->kind == TARE_KIND_FRAMES) {
            say_frames(table, instrument);
        } else if (instrument->kind == TARE_KIND_TOPK) {
            say_keys(table, instrument);
        }
        if (instrument->voids > 0) {
            char *name = tare_capture_name(instrument);
            say(table, "%s was reset %" PRIu64 " times", name != NULL ? name : "?", instrument->voids);
            table->failed |= name == NULL;
            free(name);
        }
    }
    say_lost(table, process);
}

static void put_title(struct table *table, const struct tare_capture *capture)
{
    char seconds[TARE__VIEW_NUMBER], interval[TARE__VIEW_NUMBER];
    double last_ns = capture->sample_count > 0 ? capture->at_ns[capture->sample_count - 1] : 0;
    fprintf(table->out, "%zu sample%s over %s s", capture->sample_count, capture->sample_count == 1 ? "" : "s",
            tare__view_fixed(seconds, last_ns / 1e9, 2));
    if (!isnan(capture->interval_ns)) {
        fprintf(table->out, ", one every %s s", tare__view_number(interval, capture->interval_ns / 1e9));
    }
    fprintf(table->out, "; %" PRIu64 " missed, %" PRIu64 " dropped\n", capture->samples_missed,
            capture->samples_dropped);
}

static void put_measuring(struct table *table)
{
    struct tare__view_lines lines = {0};
    tare__view_note_measuring(&lines, table->result, table->options->ascii);
    for (size_t i = 0; i < lines.count; i++) {
        say(table, "%s", lines.lines[i]);
    }
    table->failed |= lines.error != 0;
    tare__view_lines_release(&lines);
}

/*
 * Rows of what never counted anything are left out, unless all are asked for. That a count is unknown does not say
 * that nothing was counted.
 */
static bool is_shown(const struct table *table, const struct tare_capture_row *row)
{
    bool nothing = (isnan(row->last) || row->last == 0) && (isnan(row->first) || row->first == 0) &&
                   (isnan(row->max) || row->max == 0);
    bool unknown = row->instrument != NULL && row->is_count && isnan(row->last);
    return table->options->all || !nothing || unknown ||
           (row->instrument != NULL && row->instrument->kind == TARE_KIND_GAUGE) ||
           (row->instrument == NULL && !isnan(row->max)); /* a hit rate of 0 is one */
}

int tare_view_capture(const struct tare_result *result, const struct tare_view_options *options,
                      enum tare_format format, FILE *out)
{
    const struct tare_capture *capture = result->capture;
    if (capture == NULL) {
        return -EINVAL;
    }
    size_t count = 0;
    struct tare_capture_row *rows = tare_capture_rows(capture, &count);
    if (rows == NULL) {
        return -ENOMEM;
    }
    struct table table = {.result = result,
                          .capture = capture,
                          .options = options,
                          .out = out,
                          .width = options->width > 0 ? (size_t)options->width : WIDTH,
                          .markdown = format == TARE_FORMAT_MARKDOWN};
    put_title(&table, capture);
    for (size_t p = 0; p < capture->process_count; p++) {
        const struct tare_capture_process *process = &capture->processes[p];
        fprintf(out, "\n%spid %" PRIu32 ": ", table.markdown ? "### " : "", process->pid);
        put_text(&table, process->name != NULL ? process->name : "?");
        fprintf(out, "%s\n\n", process->alive ? "" : ", which has ended");
        put_timers(&table, process);
        struct sheet sheet = {.heads = {"instrument", "first", "last", "min", "mean", "max"}, .columns = 6};
        for (size_t i = 0; i < count; i++) {
            if (rows[i].process == process && is_shown(&table, &rows[i])) {
                add_row(&table, &sheet, &rows[i]);
            }
        }
        sheet_print(&table, &sheet);
        sheet_release(&sheet);
        fputc('\n', out);
        put_process(&table, process);
    }
    if (capture->process_count == 0) {
        fputs("no process was seen\n", out);
    } else {
        fputs(table.markdown ? "\n" : "", out);
        say(&table, "min, mean and max are of rates of the last window, of gauges and percentiles of the "
                    "values; the mean "
                    "rate of a count is over the whole capture");
    }
    if (table.any_timers) {
        say(&table,
            result->command != NULL
                ? "timers: of all that the program did while it was captured, less what measuring cost; busy "
                  "is net total by that time, and above 100 %% where threads are in it at once"
                : "timers: of the time of the capture, less what measuring cost; busy is net total by that "
                  "time, and above 100 %% where threads are in it at once; p50 and p99 are of all calls "
                  "since the program began");
        put_measuring(&table);
    }
    for (char **note = result->notes; note != NULL && *note != NULL; note++) {
        say(&table, "note: %s", *note);
    }
    tare_capture_rows_free(rows, count);
    return table.failed ? -ENOMEM : tare__view_finish(out);
}
