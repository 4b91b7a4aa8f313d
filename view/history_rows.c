/* SPDX-License-Identifier: MIT */
/* A history as a table: see history_show.c. */
#include "view/history_rows.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "stats/quantile.h"
#include "view/bench_text.h"
#include "view/budget.h"

enum {
    CELLS_MAX = 8,
    NAME_MIN = 20,
    TREND_POINTS = 16,
    COMMIT_DIGITS = 8,
    RUN_DIGITS = 8,
};

const char *tare__history_time(char text[TARE__HISTORY_TIME], int64_t ms, bool exact)
{
    struct tm utc;
    time_t seconds = (time_t)(ms / 1000 - (ms % 1000 < 0));
    if (ms == TARE_HISTORY_UNKNOWN || gmtime_r(&seconds, &utc) == NULL ||
        strftime(text, TARE__HISTORY_TIME, exact ? "%Y-%m-%dT%H:%M:%SZ" : "%Y-%m-%d %H:%M", &utc) == 0) {
        strcpy(text, "-");
    }
    return text;
}

static int newest_first(const void *a, const void *b)
{
    const struct tare_history_run *left = *(const struct tare_history_run *const *)a,
                                  *right = *(const struct tare_history_run *const *)b;
    if (left->started_ms != right->started_ms) {
        return left->started_ms < right->started_ms ? 1 : -1;
    }
    return (left->id > right->id) - (left->id < right->id);
}

const struct tare_history_run **tare__history_runs(const struct tare_history *history)
{
    const struct tare_history_run **runs = calloc(history->run_count + 1, sizeof(*runs));
    for (size_t i = 0; runs != NULL && i < history->run_count; i++) {
        runs[i] = &history->runs[i];
    }
    if (runs != NULL) {
        qsort(runs, history->run_count, sizeof(*runs), newest_first);
    }
    return runs;
}

int tare__history_levels(const struct tare_history_line *line, struct tare__history_levels *levels)
{
    *levels = (struct tare__history_levels){NAN, NAN, NAN, NAN, NAN, false};
    if (line->count == 0) {
        return 0;
    }
    double *values = calloc(line->count, sizeof(*values));
    if (values == NULL) {
        return -ENOMEM;
    }
    size_t from = line->count > TREND_POINTS ? line->count - TREND_POINTS : 0;
    for (size_t i = 0; i < line->count; i++) {
        values[i] = line->points[i].value;
        if (i >= from) {
            levels->low = i == from ? values[i] : fmin(levels->low, values[i]);
            levels->high = i == from ? values[i] : fmax(levels->high, values[i]);
        }
    }
    levels->constant = true;
    for (size_t i = 1; i < line->count && levels->constant; i++) {
        levels->constant = values[i] == values[0];
    }
    levels->last = values[line->count - 1];
    levels->median = tare_median(values, line->count);
    if (line->count >= 3 && levels->median > 0) {
        levels->spread = 1.4826 * tare_mad(values, line->count, levels->median) / levels->median;
    }
    free(values);
    return 0;
}

/* Rows of cells, owned. */
struct grid {
    const char *const *header;
    size_t columns;
    size_t name; /* index of the column that may be cut */
    /* Columns that may be left out, in this order: the first ones before a name is cut, the others behind it. */
    struct {
        size_t columns[CELLS_MAX];
        size_t first, all;
    } spare;
    unsigned left; /* bits of the columns that begin at the left */
    char *(*rows)[CELLS_MAX];
    size_t count;
};

static void grid_release(struct grid *grid)
{
    for (size_t i = 0; i < grid->count; i++) {
        for (size_t j = 0; j < grid->columns; j++) {
            free(grid->rows[i][j]);
        }
    }
    free(grid->rows);
}

/* Room for a row more, of which every cell is to be set. NULL without memory. */
static char **grid_row(struct grid *grid)
{
    if ((grid->count & (grid->count - 1)) == 0) {
        char *(*rows)[CELLS_MAX] =
            reallocarray(grid->rows, grid->count == 0 ? 1 : grid->count * 2, sizeof *rows);
        if (rows == NULL) {
            return NULL;
        }
        grid->rows = rows;
    }
    char **row = grid->rows[grid->count++];
    memset(row, 0, sizeof(char *) * CELLS_MAX);
    return row;
}

static bool row_is_whole(const struct grid *grid, char *const *row)
{
    for (size_t j = 0; j < grid->columns; j++) {
        if (row[j] == NULL) {
            return false;
        }
    }
    return true;
}

static size_t width_of(const struct grid *grid, const size_t widths[CELLS_MAX], unsigned out)
{
    size_t all = 0;
    for (size_t j = 0; j < grid->columns; j++) {
        all += (out >> j & 1) == 0 ? widths[j] + (j > 0 ? 2 : 0) : 0;
    }
    return all;
}

/* Sets the widths, and which columns are left out: 1 << j. What tells rows apart is cut as late as can be. */
static unsigned measure(const struct grid *grid, int terminal, size_t widths[CELLS_MAX])
{
    unsigned out = 0;
    for (size_t j = 0; j < grid->columns; j++) {
        widths[j] = tare__text_width(grid->header[j]);
        for (size_t i = 0; i < grid->count; i++) {
            size_t taken = tare__text_width(grid->rows[i][j]);
            widths[j] = taken > widths[j] ? taken : widths[j];
        }
    }
    size_t width = terminal > 0 ? (size_t)terminal : SIZE_MAX;
    size_t spare = widths[grid->name] > NAME_MIN ? widths[grid->name] - NAME_MIN : 0;
    for (size_t i = 0; i < grid->spare.all; i++) {
        if (width_of(grid, widths, out) - (i < grid->spare.first ? 0 : spare) <= width) {
            break;
        }
        out |= 1u << grid->spare.columns[i];
    }
    size_t all = width_of(grid, widths, out);
    size_t over = all > width ? all - width : 0;
    widths[grid->name] -= over < spare ? over : spare;
    return out;
}

static int print_row(const struct grid *grid, const struct tare_history_view *view, const char *const *row,
                     const size_t widths[CELLS_MAX], unsigned left_out, FILE *out)
{
    for (size_t j = 0; j < grid->columns; j++) {
        bool left = (grid->left >> j & 1) != 0,
             last = (~left_out & ((1u << grid->columns) - 1) & ~0u << (j + 1)) == 0;
        if ((left_out >> j & 1) != 0) {
            continue;
        }
        char *cut = tare__safe_cut(row[j], j == grid->name ? widths[j] : 0, false);
        if (cut == NULL) {
            return -ENOMEM;
        }
        char *shown = view->ascii ? tare__view_safe(cut, true) : strdup(cut);
        free(cut);
        if (shown == NULL) {
            return -ENOMEM;
        }
        fputs(j > 0 ? "  " : "", out);
        tare__text_pad(out, shown, left ? (last ? 0 : (int)widths[j]) : -(int)widths[j]);
        free(shown);
    }
    putc('\n', out);
    return 0;
}

static int grid_table(const struct grid *grid, const struct tare_history_view *view, FILE *out)
{
    size_t widths[CELLS_MAX] = {0};
    unsigned left_out = measure(grid, view->width, widths);
    fputs(view->color ? TARE__BOLD : "", out);
    for (size_t j = 0; j < grid->columns; j++) {
        bool left = (grid->left >> j & 1) != 0,
             last = (~left_out & ((1u << grid->columns) - 1) & ~0u << (j + 1)) == 0;
        if ((left_out >> j & 1) == 0) {
            fputs(j > 0 ? "  " : "", out);
            tare__text_pad(out, grid->header[j], left ? (last ? 0 : (int)widths[j]) : -(int)widths[j]);
        }
    }
    fputs(view->color ? TARE__PLAIN "\n" : "\n", out);
    for (size_t i = 0; i < grid->count; i++) {
        int failure = print_row(grid, view, (const char *const *)grid->rows[i], widths, left_out, out);
        if (failure != 0) {
            return failure;
        }
    }
    return 0;
}

static int grid_markdown(const struct grid *grid, const struct tare_history_view *view, FILE *out)
{
    for (size_t j = 0; j < grid->columns; j++) {
        fprintf(out, "| %s ", grid->header[j]);
    }
    fputs("|\n", out);
    for (size_t j = 0; j < grid->columns; j++) {
        fputs((grid->left >> j & 1) != 0 ? "| :--- " : "| ---: ", out);
    }
    fputs("|\n", out);
    for (size_t i = 0; i < grid->count; i++) {
        for (size_t j = 0; j < grid->columns; j++) {
            fputs("| ", out);
            if (tare__escape_markdown(out, grid->rows[i][j], view->ascii) != 0) {
                return -ENOMEM;
            }
            putc(' ', out);
        }
        fputs("|\n", out);
    }
    return 0;
}

/* Cells. NULL without memory. */

static char *value_cell(const struct tare_history_series *series, double value, bool ascii)
{
    char text[TARE_VIEW_METRIC_VALUE], *cell = NULL;
    for (unsigned i = 0; i < TARE_METRIC_UNITS; i++) {
        if (strcmp(series->unit, tare_metric_unit_names[i]) == 0) {
            bool counted = i == TARE_METRIC_COUNT && value == floor(value);
            return strdup(tare_view_metric_value(text, (enum tare_metric_unit)i, value, counted, ascii));
        }
    }
    const char *number = tare_view_metric_value(text, TARE_METRIC_COUNT, value, false, ascii);
    int written = asprintf(&cell, "%s%s%s", number, *series->unit != '\0' ? " " : "", series->unit);
    return written < 0 ? NULL : cell;
}

static char *share_cell(double share)
{
    char text[TARE__NUMBER_TEXT];
    return strdup(tare__text_percent(text, share));
}

static char *count_cell(uint64_t count)
{
    char *cell;
    return asprintf(&cell, "%" PRIu64, count) < 0 ? NULL : cell;
}

/* "1a2b3c4d", "1a2b3c4d+" where tracked files differed. */
static char *commit_cell(const struct tare_history_run *run)
{
    char *cell;
    if (run == NULL || run->commit == NULL) {
        return strdup("-");
    }
    return asprintf(&cell, "%.*s%s", COMMIT_DIGITS, run->commit, run->dirty == 1 ? "+" : "") < 0 ? NULL : cell;
}

/*
 * The newest values between the smallest and the largest, but at least 5 % apart, as noise must not look like
 * mountains. What never changed has no trend.
 */
static char *trend_cell(const struct tare_history_line *line, const struct tare__history_levels *levels,
                        bool ascii)
{
    static const char *const bars[] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
    static const char *const plain[] = {"_", ".", "-", ":", "=", "+", "*", "#"};
    enum { BARS = sizeof(bars) / sizeof(bars[0]) };
    char text[TREND_POINTS * 4 + 1] = "";
    if (levels->constant) {
        return strdup("");
    }
    double middle = (levels->low + levels->high) / 2, half = (levels->high - levels->low) / 2;
    half = fmax(half, fabs(middle) * 0.025);
    size_t from = line->count > TREND_POINTS ? line->count - TREND_POINTS : 0;
    for (size_t i = from; i < line->count; i++) {
        double place = half > 0 ? (line->points[i].value - (middle - half)) / (2 * half) : 0.5;
        size_t bar = place >= 1 ? BARS - 1 : place > 0 ? (size_t)(place * BARS) : 0;
        strcat(text, ascii ? plain[bar] : bars[bar]);
    }
    return strdup(text);
}

/* "0.8 %": the larger side of the interval, as the tables of benchmarks have it. */
static char *interval_cell(const struct tare_history_point *point)
{
    double error = fmax(point->high - point->value, point->value - point->low);
    return share_cell(isfinite(point->low) && isfinite(point->high) ? error / fabs(point->value) : NAN);
}

/* Which rows */

static bool machines_differ(const struct tare_history *history)
{
    for (size_t i = 1; i < history->line_count; i++) {
        if (strcmp(history->lines[i].series.fingerprint, history->lines[0].series.fingerprint) != 0) {
            return true;
        }
    }
    return false;
}

static char *machine_cell(const struct tare_history_series *series)
{
    return *series->fingerprint != '\0' ? strndup(series->fingerprint, COMMIT_DIGITS) : strdup("-");
}

static void spare(struct grid *grid, const size_t *columns, size_t first, size_t all)
{
    memcpy(grid->spare.columns, columns, all * sizeof(*columns));
    grid->spare.first = first;
    grid->spare.all = all;
}

/* Of one point nobody can say that. */
static bool never_changed(const struct tare_history_line *line, const struct tare__history_levels *levels)
{
    return line->count > 1 && levels->constant;
}

static int count_constant(const struct tare_history *history, size_t *count)
{
    *count = 0;
    for (size_t i = 0; i < history->line_count; i++) {
        struct tare__history_levels levels;
        if (tare__history_levels(&history->lines[i], &levels) != 0) {
            return -ENOMEM;
        }
        *count += never_changed(&history->lines[i], &levels);
    }
    return 0;
}

/* *hidden: how many series are left out, as they never changed. */
static int series_rows(const struct tare_history *history, const struct tare_history_view *view,
                       struct grid *grid, size_t *hidden)
{
    static const char *const with_machine[] = {"series",  "points", "last",   "median",
                                               "machine", "trend",  "spread", "commit"};
    static const char *const without[] = {"series", "points", "last", "median", "trend", "spread", "commit"};
    bool machine = machines_differ(history);
    grid->header = machine ? with_machine : without;
    grid->columns = machine ? 8 : 7;
    grid->left = machine ? 1 | 1 << 4 | 1 << 5 | 1 << 7 : 1 | 1 << 4 | 1 << 6;
    static const size_t order_with_machine[] = {4, 5, 1, 7, 6}, order[] = {4, 1, 6, 5};
    spare(grid, machine ? order_with_machine : order, machine ? 3 : 2, machine ? 5 : 4);
    size_t folded = 0;
    int failure = view->fold ? count_constant(history, &folded) : 0;
    if (failure != 0) {
        return failure;
    }
    *hidden = folded < history->line_count ? folded : 0; /* nothing but these: then they are shown */
    for (size_t i = 0; i < history->line_count; i++) {
        const struct tare_history_line *line = &history->lines[i];
        struct tare__history_levels levels;
        if (tare__history_levels(line, &levels) != 0) {
            return -ENOMEM;
        }
        if (*hidden > 0 && never_changed(line, &levels)) {
            continue;
        }
        char **row = grid_row(grid);
        if (row == NULL) {
            return -ENOMEM;
        }
        const struct tare_history_run *run =
            line->count > 0 ? tare_history_find_run(history, line->points[line->count - 1].run) : NULL;
        size_t at = 0;
        row[at++] = tare_history_title(&line->series);
        row[at++] = count_cell(line->count);
        row[at++] = value_cell(&line->series, levels.last, view->ascii);
        row[at++] = value_cell(&line->series, levels.median, view->ascii);
        if (machine) {
            row[at++] = machine_cell(&line->series);
        }
        row[at++] = trend_cell(line, &levels, view->ascii);
        row[at++] = share_cell(levels.spread);
        row[at++] = commit_cell(run);
        if (!row_is_whole(grid, row)) {
            return -ENOMEM;
        }
    }
    return 0;
}

static int point_rows(const struct tare_history *history, const struct tare_history_view *view,
                      struct grid *grid)
{
    static const char *const headers[2][2][CELLS_MAX] = {
        {{"series", "measured (UTC)", "value", "± 95 %", "n", "commit", "branch"},
         {"series", "measured (UTC)", "value", "± 95 %", "n", "commit", "branch", "machine"}},
        {{"series", "measured (UTC)", "value", "+- 95 %", "n", "commit", "branch"},
         {"series", "measured (UTC)", "value", "+- 95 %", "n", "commit", "branch", "machine"}},
    };
    static const size_t order_with_machine[] = {7, 4, 6, 3}, order[] = {4, 6, 3};
    bool machine = machines_differ(history);
    char text[TARE__HISTORY_TIME];
    grid->header = headers[view->ascii][machine];
    grid->columns = machine ? 8 : 7;
    spare(grid, machine ? order_with_machine : order, machine ? 2 : 1, machine ? 4 : 3);
    grid->left = 1 | 1 << 1 | 1 << 5 | 1 << 6 | 1 << 7;
    for (size_t i = 0; i < history->line_count; i++) {
        const struct tare_history_line *line = &history->lines[i];
        for (size_t k = 0; k < line->count; k++) {
            const struct tare_history_point *point = &line->points[k];
            const struct tare_history_run *run = tare_history_find_run(history, point->run);
            char **row = grid_row(grid);
            size_t at = 0;
            if (row == NULL) {
                return -ENOMEM;
            }
            row[at++] = tare_history_title(&line->series);
            row[at++] =
                strdup(tare__history_time(text, run != NULL ? run->started_ms : TARE_HISTORY_UNKNOWN, false));
            row[at++] = value_cell(&line->series, point->value, view->ascii);
            row[at++] = interval_cell(point);
            row[at++] = point->n != TARE_HISTORY_UNKNOWN ? count_cell((uint64_t)point->n) : strdup("-");
            row[at++] = commit_cell(run);
            row[at++] = strdup(run != NULL && run->branch != NULL ? run->branch : "-");
            if (machine) {
                row[at++] = machine_cell(&line->series);
            }
            if (!row_is_whole(grid, row)) {
                return -ENOMEM;
            }
        }
    }
    return 0;
}

static int run_rows(const struct tare_history *history, struct grid *grid)
{
    static const char *const header[] = {"run", "measured (UTC)", "kind", "commit", "branch", "raw", "tool"};
    char text[TARE__HISTORY_TIME], size[TARE_VIEW_METRIC_VALUE];
    const struct tare_history_run **runs = tare__history_runs(history);
    int failure = runs == NULL ? -ENOMEM : 0;
    grid->header = header;
    grid->columns = 7;
    grid->name = 4;
    grid->left = 1 | 1 << 1 | 1 << 2 | 1 << 3 | 1 << 4 | 1 << 6;
    spare(grid, (const size_t[]){6, 5}, 2, 2);
    for (size_t i = 0; failure == 0 && i < history->run_count; i++) {
        char **row = grid_row(grid);
        if (row == NULL) {
            failure = -ENOMEM;
            break;
        }
        row[0] = strndup(runs[i]->digest, RUN_DIGITS);
        row[1] = strdup(tare__history_time(text, runs[i]->started_ms, false));
        row[2] = strdup(runs[i]->kind != NULL ? runs[i]->kind : "-");
        row[3] = commit_cell(runs[i]);
        row[4] = strdup(runs[i]->branch != NULL ? runs[i]->branch : "-");
        row[5] = strdup(runs[i]->raw_size > 0 ? tare_view_metric_value(size, TARE_METRIC_BYTES,
                                                                       (double)runs[i]->raw_size, false, true)
                                              : "-");
        row[6] = strdup(runs[i]->tool != NULL ? runs[i]->tool : "-");
        failure = row_is_whole(grid, row) ? 0 : -ENOMEM;
    }
    free(runs);
    return failure;
}

static int baseline_rows(const struct tare_history *history, struct grid *grid)
{
    static const char *const header[] = {"baseline", "up to", "set (UTC)", "series", "reason"};
    char text[TARE__HISTORY_TIME];
    grid->header = header;
    grid->columns = 5;
    grid->name = 4;
    grid->left = 31;
    for (size_t i = 0; i < history->baseline_count; i++) {
        const struct tare_history_baseline *baseline = &history->baselines[i];
        char **row = grid_row(grid);
        if (row == NULL) {
            return -ENOMEM;
        }
        row[0] = strdup(baseline->name);
        row[1] = baseline->commit != NULL ? strndup(baseline->commit, COMMIT_DIGITS) : strdup("then");
        row[2] = strdup(tare__history_time(text, baseline->set_ms, false));
        row[3] = strdup(baseline->selection != NULL ? baseline->selection : "*");
        row[4] = strdup(baseline->reason != NULL ? baseline->reason : "-");
        if (!row_is_whole(grid, row)) {
            return -ENOMEM;
        }
    }
    return 0;
}

/* What the rows leave out; wrapped on a terminal, in Markdown a paragraph. */
static int print_notes(const struct tare_history_view *view, size_t hidden, enum tare_format format, FILE *out)
{
    const struct tare_view_options options = {.color = view->color, .ascii = view->ascii, .width = view->width};
    struct tare__lines_out lines = {
        .out = out, .options = &options, .width = view->width > 0 ? (size_t)view->width : 80};
    struct tare__phrase text = {0};
    if (hidden > 0) {
        tare__phrase_add(&text, "%zu series never changed: --all shows %s", hidden, hidden > 1 ? "them" : "it");
    }
    if (view->left_out > 0 && view->branch != NULL) {
        tare__phrase_item(&text, "branch '%s'; %zu point%s of others %s left out: --branch NAME, or --all",
                          view->branch, view->left_out, view->left_out > 1 ? "s" : "",
                          view->left_out > 1 ? "are" : "is");
    }
    if (view->mixed_branches != NULL) {
        tare__phrase_item(&text, "points of several branches, in one order: %s", view->mixed_branches);
    }
    if (text.error != 0 || text.text == NULL) {
        int failure = text.error;
        tare__phrase_release(&text);
        return failure;
    }
    putc('\n', out);
    if (format == TARE_FORMAT_MARKDOWN) {
        int failure = tare__escape_markdown(out, text.text, view->ascii);
        putc('\n', out);
        tare__phrase_release(&text);
        return failure;
    }
    tare__lines_phrase(&lines, 0, 2, NULL, &text);
    return lines.error;
}

int tare__history_table(const struct tare_history *history, const struct tare_history_view *view,
                        enum tare_format format, FILE *out)
{
    struct grid grid = {0};
    size_t hidden = 0;
    int failure = 0;
    switch (view->what) {
    case TARE_HISTORY_VIEW_POINTS:
        failure = point_rows(history, view, &grid);
        break;
    case TARE_HISTORY_VIEW_RUNS:
        failure = run_rows(history, &grid);
        break;
    case TARE_HISTORY_VIEW_BASELINES:
        failure = baseline_rows(history, &grid);
        break;
    case TARE_HISTORY_VIEW_SERIES:
    default:
        failure = series_rows(history, view, &grid, &hidden);
        break;
    }
    if (failure == 0) {
        failure =
            format == TARE_FORMAT_MARKDOWN ? grid_markdown(&grid, view, out) : grid_table(&grid, view, out);
    }
    grid_release(&grid);
    if (failure == 0) {
        failure = print_notes(view, hidden, format, out);
    }
    if (failure == 0 && view->what <= TARE_HISTORY_VIEW_POINTS) {
        failure = tare__history_mixed(history, view, format, out);
    }
    return failure;
}
