/* SPDX-License-Identifier: MIT */
/*
 * Instruments as tables: what stands in the cells, for the table and for Markdown, and the table itself. Times
 * are written as everywhere (12.345µs), other numbers with four digits at least; what is unknown is "-".
 */
#include "view/telemetry_table.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "result/telemetry.h"

enum {
    KEYS_SHOWN = 10,
    WIDTH = 80, /* where the terminal says nothing else */
    NAME_MIN = 16,
    WEIGHT = 100,
};

#define BOLD "\033[1m"
#define PLAIN "\033[0m"

static struct tare__grid *add_grid(struct tare__grids *grids, const char *title, const char *const *headers)
{
    struct tare__grid *grown = reallocarray(grids->grids, grids->count + 1, sizeof(*grown));
    if (grown == NULL) {
        grids->error = -ENOMEM;
        return NULL;
    }
    grids->grids = grown;
    struct tare__grid *grid = &grown[grids->count];
    *grid = (struct tare__grid){.title = strdup(title)};
    while (grid->columns < TARE__GRID_COLUMNS && headers[grid->columns] != NULL) {
        grid->headers[grid->columns] = headers[grid->columns];
        grid->columns++;
    }
    if (grid->title == NULL) {
        grids->error = -ENOMEM;
        return NULL;
    }
    grids->count++;
    return grid;
}

/* A row of empty cells; NULL without memory. */
static char **add_row(struct tare__grids *grids, struct tare__grid *grid)
{
    size_t size = (grid->rows + 1) * grid->columns;
    char **grown = reallocarray(grid->cells, size, sizeof(*grown));
    if (grown == NULL) {
        grids->error = -ENOMEM;
        return NULL;
    }
    grid->cells = grown;
    char **row = grown + grid->rows++ * grid->columns;
    memset(row, 0, grid->columns * sizeof(*row));
    return row;
}

static void put(struct tare__grids *grids, char **cell, const char *text)
{
    *cell = strdup(text);
    grids->error = *cell == NULL ? -ENOMEM : grids->error;
}

static void put_count(struct tare__grids *grids, char **cell, uint64_t count)
{
    char text[24];
    snprintf(text, sizeof(text), "%" PRIu64, count);
    put(grids, cell, count == TARE_COUNT_UNKNOWN ? "-" : text);
}

static void put_time(struct tare__grids *grids, char **cell, double ns, bool ascii)
{
    char text[TARE_TEXT_TIME];
    put(grids, cell, tare__text_time(text, ns, ascii ? "us" : "µs"));
}

/* Into a title. */
static const char *said(char text[24], uint64_t count)
{
    snprintf(text, 24, "%" PRIu64, count);
    return count == TARE_COUNT_UNKNOWN ? "-" : text;
}

/* With as many decimals as it takes for four digits; whole ones without. */
static void put_number(struct tare__grids *grids, char **cell, double value)
{
    char text[TARE__VIEW_NUMBER];
    double size = fabs(value);
    int decimals = value == rint(value) || size >= 1000 ? 0 : size >= 100 ? 1 : size >= 10 ? 2 : 3;
    if (size != 0 && size < 0.001) {
        put(grids, cell, tare__view_number(text, value));
    } else {
        put(grids, cell, tare__view_fixed(text, value, decimals));
    }
}

static void put_percent(struct tare__grids *grids, char **cell, double share)
{
    char number[TARE__VIEW_NUMBER], text[TARE__VIEW_NUMBER + 4];
    snprintf(text, sizeof(text), "%s %%", tare__view_fixed(number, share * 100, 1));
    put(grids, cell, isnan(share) ? "-" : text);
}

/* A value in the unit: ns as a time, the others as numbers. */
static void put_value(struct tare__grids *grids, char **cell, const struct tare_instrument_figures *instrument,
                      double value, bool ascii)
{
    if (instrument->unit != NULL && strcmp(instrument->unit, "ns") == 0) {
        put_time(grids, cell, value, ascii);
    } else {
        put_number(grids, cell, value);
    }
}

static const char *unit_of(const struct tare_instrument_figures *instrument)
{
    return instrument->unit == NULL || strcmp(instrument->unit, "ns") == 0 ? "" : instrument->unit;
}

/* The hits are named behind it anyway. */
static const char *weight_unit(const struct tare_instrument_figures *instrument)
{
    return instrument->unit != NULL && strcmp(instrument->unit, "hits") != 0 ? instrument->unit : "";
}

/* A whole number with its unit: ns as a time. */
static const char *weight_text(char text[WEIGHT], const struct tare_instrument_figures *instrument,
                               uint64_t weight, bool ascii)
{
    const char *unit = weight_unit(instrument);
    char time[TARE_TEXT_TIME];
    if (weight == TARE_COUNT_UNKNOWN) {
        return "-";
    }
    if (strcmp(unit, "ns") == 0) {
        snprintf(text, WEIGHT, "%s", tare__text_time(time, (double)weight, ascii ? "us" : "µs"));
    } else {
        snprintf(text, WEIGHT, "%" PRIu64 "%s%.60s", weight, *unit != '\0' ? " " : "", unit);
    }
    return text;
}

/* Whether there is anything to say of it. */
static bool is_silent(const struct tare_instrument_figures *instrument)
{
    const struct tare_readings *total = &instrument->total;
    switch (instrument->kind) {
    case TARE_KIND_GAUGE:
        return isnan(total->value) && isnan(total->peak);
    case TARE_KIND_HISTOGRAM:
        return total->distribution.count == 0;
    case TARE_KIND_STATE:
        return total->changes == 0;
    case TARE_KIND_TOPK:
        return total->hits == 0;
    case TARE_KIND_FRAMES:
        return total->total == 0 && total->frames_dropped == 0;
    default:
        return total->total == 0;
    }
}

static void add_name(struct tare__grids *grids, char **cell, const struct tare_instrument_figures *instrument)
{
    *cell = tare_instrument_full_name(instrument);
    grids->error = *cell == NULL ? -ENOMEM : grids->error;
}

static void add_simple(struct tare__grids *grids, struct tare__grid *grid,
                       const struct tare_instrument_figures *instrument, bool ascii)
{
    const struct tare_readings *total = &instrument->total;
    char **row = add_row(grids, grid);
    if (row == NULL) {
        return;
    }
    add_name(grids, &row[0], instrument);
    if (instrument->kind == TARE_KIND_COUNTER) {
        if (instrument->unit != NULL && strcmp(instrument->unit, "ns") == 0) {
            put_time(grids, &row[1], total->total != TARE_COUNT_UNKNOWN ? (double)total->total : NAN, ascii);
        } else {
            put_count(grids, &row[1], total->total);
        }
        put(grids, &row[2], unit_of(instrument));
    } else if (instrument->kind == TARE_KIND_GAUGE) {
        put_value(grids, &row[1], instrument, total->value, ascii);
        put_value(grids, &row[2], instrument, total->peak, ascii);
        put(grids, &row[3], unit_of(instrument));
    } else {
        const struct tare_distribution *values = &total->distribution;
        put_count(grids, &row[1], values->count);
        put_value(grids, &row[2], instrument, values->mean, ascii);
        put_value(grids, &row[3], instrument, values->p50, ascii);
        put_value(grids, &row[4], instrument, values->p99, ascii);
        put_value(grids, &row[5], instrument, values->max, ascii);
        put(grids, &row[6], unit_of(instrument));
    }
}

/* Counters, gauges or histograms: a table with a row for each. */
static void add_kind(struct tare__grids *grids, const struct tare_result *result, enum tare_kind kind,
                     const char *title, const char *const *headers, const struct tare_view_options *options)
{
    size_t at = SIZE_MAX;
    for (size_t i = 0; grids->error == 0 && i < result->instrument_count; i++) {
        const struct tare_instrument_figures *instrument = &result->instruments[i];
        if (instrument->kind != kind || (is_silent(instrument) && !options->all)) {
            continue;
        }
        if (at == SIZE_MAX) {
            at = grids->count;
            if (add_grid(grids, title, headers) == NULL) {
                return;
            }
        }
        add_simple(grids, &grids->grids[at], instrument, options->ascii);
    }
}

/* The grid's title is the instrument's name and what is said of all of it. */
static struct tare__grid *add_own(struct tare__grids *grids, const struct tare_instrument_figures *instrument,
                                  const char *const *headers, const char *about)
{
    char *name = tare_instrument_full_name(instrument), *title = NULL;
    struct tare__grid *grid = NULL;
    if (name == NULL || asprintf(&title, "%s: %s", name, about) < 0) {
        grids->error = -ENOMEM;
    } else {
        grid = add_grid(grids, title, headers);
        free(title);
    }
    free(name);
    return grid;
}

static void add_states(struct tare__grids *grids, const struct tare_instrument_figures *instrument, bool ascii)
{
    static const char *const headers[] = {"state", "time", "share", "threads now", NULL};
    const struct tare_readings *total = &instrument->total;
    char about[64], changes[24];
    snprintf(about, sizeof(about), "%s changes", said(changes, total->changes));
    struct tare__grid *grid = add_own(grids, instrument, headers, about);
    for (size_t i = 0; grid != NULL && i < total->state_count; i++) {
        char **row = add_row(grids, grid);
        if (row == NULL) {
            return;
        }
        put(grids, &row[0], total->states[i].name);
        put_time(grids, &row[1], total->states[i].ns, ascii);
        put_percent(grids, &row[2], total->states[i].share);
        put_count(grids, &row[3], total->states[i].threads);
    }
}

static void add_keys(struct tare__grids *grids, const struct tare_instrument_figures *instrument, bool ascii)
{
    static const char *const headers[] = {"key", "weight", "error", "share", "hits", NULL};
    const struct tare_readings *total = &instrument->total;
    size_t shown = total->key_count < KEYS_SHOWN ? total->key_count : KEYS_SHOWN;
    char about[WEIGHT + 120], weight[WEIGHT], hits[24];
    snprintf(about, sizeof(about), "weight %s in %s hits; the heaviest %zu of %zu kept keys",
             weight_text(weight, instrument, total->total, ascii), said(hits, total->hits), shown,
             total->key_count);
    struct tare__grid *grid = add_own(grids, instrument, headers, about);
    for (size_t i = 0; grid != NULL && i < shown; i++) {
        char text[24];
        char **row = add_row(grids, grid);
        if (row == NULL) {
            return;
        }
        snprintf(text, sizeof(text), "0x%" PRIx64, total->keys[i].key);
        put(grids, &row[0], text);
        put(grids, &row[1], weight_text(weight, instrument, total->keys[i].weight, ascii));
        put(grids, &row[2], weight_text(weight, instrument, total->keys[i].error, ascii));
        put_percent(grids, &row[3], total->keys[i].share);
        put_count(grids, &row[4], total->keys[i].hits);
    }
}

static void add_frame_row(struct tare__grids *grids, struct tare__grid *grid, const char *what, double avg_ns,
                          double p50_ns, double p95_ns, double p99_ns, double max_ns, bool ascii)
{
    char **row = add_row(grids, grid);
    if (row == NULL) {
        return;
    }
    const double times_ns[] = {avg_ns, p50_ns, p95_ns, p99_ns, max_ns};
    put(grids, &row[0], what);
    for (size_t i = 0; i < sizeof(times_ns) / sizeof(times_ns[0]); i++) {
        put_time(grids, &row[1 + i], times_ns[i], ascii);
    }
}

double tare__frames_rate(const struct tare_instrument_figures *instrument)
{
    size_t all = instrument->last_count, count = instrument->total.frames.frames;
    if (count < 2 || count > all) { /* a file may have fewer of them */
        return NAN;
    }
    double ns = instrument->last[all - 1].start_ns - instrument->last[all - count].start_ns;
    return ns > 0 ? (double)(count - 1) / (ns / 1e9) : NAN;
}

static void add_frames(struct tare__grids *grids, const struct tare_instrument_figures *instrument, bool ascii)
{
    static const char *const headers[] = {"frames", "avg", "p50", "p95", "p99", "max", NULL};
    static const char *const rate_headers[] = {"frames per second", "real",      "1/avg",  "median",
                                               "1 % low",           "0.1 % low", "sd/avg", NULL};
    const struct tare_readings *total = &instrument->total;
    const struct tare_frames *usual = &total->frames;
    const struct tare_distribution *all = &total->distribution;
    char about[160], over[TARE_TEXT_TIME] = "", what[64], counts[3][24];
    bool limit = isfinite(instrument->slow_over_ns);
    snprintf(
        about, sizeof(about), "%s frames, %s dropped, %s slow%s%s%s", said(counts[0], total->total),
        said(counts[1], total->frames_dropped), said(counts[2], total->frames_slow), limit ? " (over " : "",
        limit ? tare__text_time(over, instrument->slow_over_ns, ascii ? "us" : "µs") : "", limit ? ")" : "");
    struct tare__grid *grid = add_own(grids, instrument, headers, about);
    if (grid == NULL) {
        return;
    }
    add_frame_row(grids, grid, "all", all->mean, all->p50, all->p95, all->p99, all->max, ascii);
    snprintf(what, sizeof(what), "the last %zu", usual->frames);
    add_frame_row(grids, grid, what, usual->mean_ms * 1e6, usual->p50_ms * 1e6, usual->p95_ms * 1e6,
                  usual->p99_ms * 1e6, usual->max_ms * 1e6, ascii);
    for (size_t part = 0; instrument->names != NULL && instrument->names[part] != NULL; part++) {
        add_frame_row(grids, grid, instrument->names[part], total->frame_part_mean_ns[part], NAN, NAN, NAN, NAN,
                      ascii);
    }
    grid = add_own(grids, instrument, rate_headers, "frames in a second, and by frame times");
    char **row = grid != NULL ? add_row(grids, grid) : NULL;
    if (row != NULL) {
        put(grids, &row[0], what);
        put_number(grids, &row[1], tare__frames_rate(instrument));
        put_number(grids, &row[2], usual->avg_fps);
        put_number(grids, &row[3], usual->median_fps);
        put_number(grids, &row[4], usual->low_1_fps);
        put_number(grids, &row[5], usual->low_01_fps);
        put_number(grids, &row[6], usual->cov);
    }
}

int tare__grids_make(struct tare__grids *grids, const struct tare_result *result,
                     const struct tare_view_options *options)
{
    static const char *const counters[] = {"counters", "total", "unit", NULL};
    static const char *const gauges[] = {"gauges", "value", "peak", "unit", NULL};
    static const char *const histograms[] = {"histograms", "count", "avg", "p50", "p99", "max", "unit", NULL};
    *grids = (struct tare__grids){0};
    add_kind(grids, result, TARE_KIND_COUNTER, "counters", counters, options);
    add_kind(grids, result, TARE_KIND_GAUGE, "gauges", gauges, options);
    add_kind(grids, result, TARE_KIND_HISTOGRAM, "histograms", histograms, options);
    for (size_t i = 0; grids->error == 0 && i < result->instrument_count; i++) {
        const struct tare_instrument_figures *instrument = &result->instruments[i];
        if (is_silent(instrument) && !options->all) {
            grids->silent++;
        } else if (instrument->kind == TARE_KIND_STATE) {
            add_states(grids, instrument, options->ascii);
        } else if (instrument->kind == TARE_KIND_TOPK) {
            add_keys(grids, instrument, options->ascii);
        } else if (instrument->kind == TARE_KIND_FRAMES) {
            add_frames(grids, instrument, options->ascii);
        }
    }
    return grids->error;
}

void tare__grids_release(struct tare__grids *grids)
{
    for (size_t i = 0; i < grids->count; i++) {
        struct tare__grid *grid = &grids->grids[i];
        for (size_t k = 0; k < grid->rows * grid->columns; k++) {
            free(grid->cells[k]);
        }
        free(grid->cells);
        free(grid->title);
    }
    free(grids->grids);
    *grids = (struct tare__grids){0};
}

/* Makes all cells printable, in place. */
static int make_safe(struct tare__grid *grid, bool ascii)
{
    for (size_t k = 0; k < grid->rows * grid->columns; k++) {
        char *safe = tare__view_safe(grid->cells[k], ascii);
        if (safe == NULL) {
            return -ENOMEM;
        }
        free(grid->cells[k]);
        grid->cells[k] = safe;
    }
    char *title = tare__view_safe(grid->title, ascii);
    if (title == NULL) {
        return -ENOMEM;
    }
    free(grid->title);
    grid->title = title;
    return 0;
}

static int widest(const struct tare__grid *grid, size_t column)
{
    size_t width = tare__text_width(grid->headers[column]);
    for (size_t i = 0; i < grid->rows; i++) {
        size_t cell = tare__text_width(grid->cells[i * grid->columns + column]);
        width = cell > width ? cell : width;
    }
    return (int)width;
}

static int print_row(const struct tare__grid *grid, char **cells, const int *widths, bool ascii, FILE *out)
{
    for (size_t i = 0; i < grid->columns; i++) {
        bool unit = strcmp(grid->headers[i], "unit") == 0;
        const char *text = cells != NULL ? cells[i] : i == 0 ? "" : unit ? "" : grid->headers[i];
        if (i == 0) {
            char *name = tare__view_cut_middle(strdup(cells != NULL ? text : grid->headers[0]),
                                               (size_t)widths[0], ascii ? "..." : "…");
            if (name == NULL) {
                return -ENOMEM;
            }
            tare__text_pad(out, name, widths[0]);
            free(name);
        } else if (unit) {
            fprintf(out, "%s%s", *text != '\0' ? " " : "", text);
        } else {
            putc(' ', out);
            tare__text_pad(out, text, -widths[i]);
        }
    }
    putc('\n', out);
    return 0;
}

static int print_grid(const struct tare__grid *grid, const struct tare_view_options *options, FILE *out)
{
    int widths[TARE__GRID_COLUMNS], rest = 0, width = options->width > 0 ? options->width : WIDTH, error = 0;
    for (size_t i = 0; i < grid->columns; i++) {
        widths[i] = widest(grid, i);
        rest += i > 0 ? widths[i] + 1 : 0;
    }
    /* Where nobody sees it as it is written, nothing is cut. */
    int room = width - rest > NAME_MIN ? width - rest : NAME_MIN;
    if (widths[0] < room || options->width > 0) {
        widths[0] = room;
    }
    bool own = strcmp(grid->title, grid->headers[0]) != 0;
    fprintf(out, "\n%s", options->color ? BOLD : "");
    if (own) {
        fprintf(out, "%s%s\n", grid->title, options->color ? PLAIN : "");
    }
    error = print_row(grid, NULL, widths, options->ascii, out);
    fputs(options->color && !own ? PLAIN : "", out);
    for (size_t i = 0; error == 0 && i < grid->rows; i++) {
        error = print_row(grid, grid->cells + i * grid->columns, widths, options->ascii, out);
    }
    return error;
}

int tare__grids_print(const struct tare_result *result, const struct tare_view_options *options, FILE *out)
{
    struct tare__grids grids;
    int error = tare__grids_make(&grids, result, options);
    for (size_t i = 0; error == 0 && i < grids.count; i++) {
        error = make_safe(&grids.grids[i], options->ascii);
        error = error != 0 ? error : print_grid(&grids.grids[i], options, out);
    }
    if (error == 0 && grids.silent != 0) {
        fprintf(out, "\n%zu instrument%s counted nothing: --all shows %s\n", grids.silent,
                grids.silent == 1 ? "" : "s", grids.silent == 1 ? "it" : "them");
    }
    tare__grids_release(&grids);
    return error;
}
