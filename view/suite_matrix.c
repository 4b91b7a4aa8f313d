/* SPDX-License-Identifier: MIT */
/*
 * Benchmarks by sides: each cell has the net time and, of all but the first side, the ratio to the first. On a terminal as
 * many sides stand side by side as there is room for, the others below; in Markdown each time has its ±.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "view/columns.h"
#include "view/grid.h"
#include "view/suite_cells.h"

enum { WIDTH = 80, NAME_WIDTH = 22, CELL_WIDTH = 26 };

/* "137.2 ns ±0.3 % 113 x", in Markdown "137.2 ns ±0.3 %, 113 x (112 x to 114 x)". NULL without memory. */
static char *cell_of(const struct tare_result_benchmark *benchmark, const char *label, bool whole, bool ascii)
{
    const struct tare_result_arm *arm = tare__suite_arm(benchmark, label);
    if (arm == NULL) {
        return strdup("");
    }
    if (arm->summary.n == 0) {
        return strdup(arm->failure == NULL ? "-" : tare_result_is_skip(arm->failure) ? "skipped" : "failed");
    }
    char time[TARE__NUMBER_TEXT], ratio[TARE__NUMBER_TEXT],
        error_text[TARE__NUMBER_TEXT] = "", low[TARE__NUMBER_TEXT], high[TARE__NUMBER_TEXT], *cell = NULL;
    double error = tare__median_error(&arm->summary);
    tare__suite_time(time, arm, ascii);
    const struct tare_comparison *found = tare__suite_comparison(benchmark, label);
    tare__suite_ratio(ratio, tare__suite_ratio_of(benchmark, arm, found), tare__suite_is_certain(found));
    if (isfinite(error)) {
        char percent[TARE__NUMBER_TEXT];
        snprintf(error_text, sizeof error_text, " %s%s", ascii ? "+-" : "±",
                 tare__text_percent(percent, error / fabs(arm->summary.median)));
    }
    int written;
    if (found == NULL) {
        written = asprintf(&cell, "%s%s", time, error_text);
    } else if (!whole || !tare__suite_is_certain(found)) {
        written = asprintf(&cell, "%s%s%s %s", time, error_text, whole ? "," : "", ratio);
    } else {
        written =
            asprintf(&cell, "%s%s, %s (%s to %s)", time, error_text, ratio,
                     tare__suite_ratio(low, found->low, true), tare__suite_ratio(high, found->high, true));
    }
    return written < 0 ? NULL : cell;
}

/* `sides`: indices of those that stand in this table. */
static int put_part(const struct tare_result *result, const size_t *sides, size_t count,
                    const struct tare_view_options *options, enum tare_format format, FILE *out)
{
    const struct tare_result_suite *suite = result->suite;
    const char *header[TARE__GRID_CELLS] = {"call"};
    for (size_t i = 0; i < count; i++) {
        header[i + 1] = suite->sides[sides[i]].label;
    }
    struct tare__grid grid = {.name = 0, .left = 1};
    int failure = tare__grid_begin(&grid, header, count + 1, result->bench->benchmark_count);
    for (size_t i = 0; i < result->bench->benchmark_count && failure == 0; i++) {
        const struct tare_result_benchmark *benchmark = &result->bench->benchmarks[i];
        char *cells[TARE__GRID_CELLS] = {tare__view_safe(benchmark->name, options->ascii)};
        for (size_t j = 0; j < count; j++) {
            cells[j + 1] =
                cell_of(benchmark, suite->sides[sides[j]].arm, format == TARE_FORMAT_MARKDOWN, options->ascii);
        }
        failure = tare__grid_add(&grid, cells, NULL);
    }
    if (failure == 0) {
        unsigned left_out = 0;
        failure = format == TARE_FORMAT_MARKDOWN ? tare__grid_markdown(&grid, options, out)
                                                 : tare__grid_table(&grid, options, out, &left_out);
    }
    tare__grid_release(&grid);
    return failure;
}

/* Of one side there is room for what single operations take. */
static int put_single(const struct tare_result *result, const struct tare_view_options *options, FILE *out)
{
    static const char *const header[] = {"benchmark", "median", "p99 of one", "n"};
    struct tare__grid grid = {.name = 0, .left = 1};
    int failure = tare__grid_begin(&grid, header, 4, result->bench->benchmark_count);
    for (size_t i = 0; i < result->bench->benchmark_count && failure == 0; i++) {
        const struct tare_result_benchmark *benchmark = &result->bench->benchmarks[i];
        const struct tare_result_arm *arm = benchmark->arm_count != 0 ? &benchmark->arms[0] : NULL;
        char text[TARE__NUMBER_TEXT] = "-", n[24];
        double p99 = arm != NULL ? tare__suite_p99(result->suite, arm) : NAN;
        if (isfinite(p99)) {
            tare__text_duration(text, p99, fabs(p99) * 0.002, options->ascii);
        }
        snprintf(n, sizeof n, "%zu", arm != NULL ? arm->summary.n : 0);
        char *const cells[] = {
            tare__view_safe(benchmark->name, options->ascii),
            arm != NULL ? cell_of(benchmark, arm->label, true, options->ascii) : strdup("-"),
            strdup(text),
            strdup(n),
        };
        failure = tare__grid_add(&grid, cells, NULL);
    }
    if (failure == 0) {
        failure = tare__grid_markdown(&grid, options, out);
    }
    tare__grid_release(&grid);
    return failure;
}

int tare__suite_matrix(const struct tare_result *result, const struct tare_view_options *options,
                       enum tare_format format, FILE *out)
{
    const struct tare_result_suite *suite = result->suite;
    if (format == TARE_FORMAT_MARKDOWN && tare__suite_sides(suite) == 1) {
        return put_single(result, options, out);
    }
    size_t sides[TARE__GRID_CELLS], count = 0;
    for (size_t i = 0; i < suite->side_count && count + 1 < TARE__GRID_CELLS; i++) {
        if (suite->sides[i].arm != NULL) {
            sides[count++] = i;
        }
    }
    size_t width = options->width > 0 ? (size_t)options->width : WIDTH;
    size_t at_once = format == TARE_FORMAT_MARKDOWN ? count
                     : width > NAME_WIDTH           ? (width - NAME_WIDTH) / CELL_WIDTH
                                                    : 1;
    at_once = at_once == 0 ? 1 : at_once;
    int failure = 0;
    if (format != TARE_FORMAT_MARKDOWN) {
        char *first = tare__view_safe(count != 0 ? suite->sides[sides[0]].label : "the first", options->ascii);
        fprintf(out, "%sNet time of a call, and how many times that of %s it is%s\n",
                options->color ? TARE__BOLD : "", first != NULL ? first : "",
                options->color ? TARE__PLAIN : "");
        free(first);
    }
    for (size_t at = 0; at < count && failure == 0; at += at_once) {
        fputs(at > 0 ? "\n" : "", out);
        failure =
            put_part(result, sides + at, count - at < at_once ? count - at : at_once, options, format, out);
    }
    return failure;
}
