/* SPDX-License-Identifier: MIT */
/* What follows from the benchmarks of a suite: figures, those of one kind in a table, and the answers to hypotheses. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "view/columns.h"
#include "view/escape.h"
#include "view/grid.h"
#include "view/suite_cells.h"

enum { COLUMNS_MAX = 16, WIDTH = 80, NAME_WIDTH = 22, CELL_WIDTH = 22 };

static const struct {
    const char *kind, *title;
} titles[] = {
    {"layer", "Share of each layer, of the sandboxed call"},
    {"layer-ns", "Time in each layer, of the sandboxed call"},
    {"crossing", "Cost of the crossing: the call without the C function's own time"},
    {"crossover", "Size from which on the crossing costs less than 10 %"},
};

static const char *title_of(const char *kind)
{
    for (size_t i = 0; i < sizeof titles / sizeof titles[0]; i++) {
        if (strcmp(titles[i].kind, kind) == 0) {
            return titles[i].title;
        }
    }
    return kind;
}

static char *value_text(char text[TARE__NUMBER_TEXT], enum tare_suite_unit unit, double value, double error,
                        bool ascii)
{
    char number[TARE__VIEW_NUMBER];
    if (!isfinite(value)) {
        return strcpy(text, "-");
    }
    switch (unit) {
    case TARE_SUITE_NS:
        return tare__text_duration(text, value, error, ascii);
    case TARE_SUITE_SHARE:
        return tare__text_percent(text, value);
    case TARE_SUITE_RATIO:
        return tare__suite_ratio(text, value, true);
    default:
        snprintf(text, TARE__NUMBER_TEXT, "%s", tare__view_fixed(number, value, value < 10 ? 1 : 0));
        return text;
    }
}

static char *interval_text(enum tare_suite_unit unit, double low, double high, bool ascii)
{
    char from[TARE__NUMBER_TEXT], to[TARE__NUMBER_TEXT], *text;
    double error = (high - low) / 2;
    if (!isfinite(low) && !isfinite(high)) {
        return strdup("-");
    }
    if (asprintf(&text, "%s to %s", value_text(from, unit, low, error, ascii),
                 value_text(to, unit, high, error, ascii)) < 0) {
        return NULL;
    }
    return text;
}

static int write_grid(const struct tare__grid *grid, const struct tare_view_options *options,
                      enum tare_format format, FILE *out)
{
    unsigned left_out = 0;
    return format == TARE_FORMAT_MARKDOWN ? tare__grid_markdown(grid, options, out)
                                          : tare__grid_table(grid, options, out, &left_out);
}

static void put_title(FILE *out, const struct tare_view_options *options, enum tare_format format,
                      const char *title)
{
    if (format == TARE_FORMAT_MARKDOWN) {
        fputs("\n## ", out);
        tare__escape_markdown(out, title, options->ascii);
        fputs("\n\n", out);
    } else {
        char *safe = tare__view_safe(title, options->ascii);
        fprintf(out, "\n%s%s%s\n", options->color ? TARE__BOLD : "", safe != NULL ? safe : "",
                options->color ? TARE__PLAIN : "");
        free(safe);
    }
}

/* Rows are benchmarks, columns are parts where there are parts, else sides. */
struct cross {
    const char *kind;
    bool by_part;
    const char *columns[COLUMNS_MAX];
    size_t count;
};

static const char *column_of(const struct cross *cross, const struct tare_suite_figure *figure)
{
    const char *name = cross->by_part ? figure->part : figure->side;
    return name != NULL ? name : "";
}

/* False: there are too many of them. */
static bool find_columns(const struct tare_result_suite *suite, struct cross *cross)
{
    for (size_t i = 0; i < suite->figure_count; i++) {
        cross->by_part |= strcmp(suite->figures[i].kind, cross->kind) == 0 && suite->figures[i].part != NULL;
    }
    for (size_t i = 0; i < suite->figure_count; i++) {
        const struct tare_suite_figure *figure = &suite->figures[i];
        bool known = strcmp(figure->kind, cross->kind) != 0 || (cross->by_part && figure->part == NULL);
        for (size_t j = 0; j < cross->count && !known; j++) {
            known = strcmp(cross->columns[j], column_of(cross, figure)) == 0;
        }
        if (!known && cross->count == COLUMNS_MAX) {
            return false;
        }
        if (!known) {
            cross->columns[cross->count++] = column_of(cross, figure);
        }
    }
    return true;
}

/* "12.3 ns ±0.4 ns"; where it is not known, its note stands below the table. */
static char *figure_cell(const struct tare_suite_figure *figure, bool ascii)
{
    char text[TARE__NUMBER_TEXT], half[TARE__NUMBER_TEXT], *cell;
    double error = isfinite(figure->low) && isfinite(figure->high) ? (figure->high - figure->low) / 2 : NAN;
    value_text(text, figure->unit, figure->value, error, ascii);
    if (!isfinite(error) || !isfinite(figure->value)) {
        return strdup(text);
    }
    if (figure->unit == TARE_SUITE_COUNT) { /* between sizes, and so lopsided */
        char *range = interval_text(figure->unit, figure->low, figure->high, ascii);
        int written = range != NULL ? asprintf(&cell, "%s (%s)", text, range) : -1;
        free(range);
        return written < 0 ? NULL : cell;
    }
    value_text(half, figure->unit, error, error, ascii);
    return asprintf(&cell, "%s %s%s", text, ascii ? "+-" : "±", half) < 0 ? NULL : cell;
}

/* The columns from `first` on, `count` of them. */
static int put_part(const struct tare_result_suite *suite, const struct cross *cross, size_t first,
                    size_t count, const struct tare_view_options *options, enum tare_format format, FILE *out)
{
    const char *header[TARE__GRID_CELLS] = {"benchmark"};
    for (size_t i = 0; i < count; i++) {
        header[i + 1] = cross->columns[first + i];
    }
    struct tare__grid grid = {.name = 0, .left = 1};
    int failure = tare__grid_begin(&grid, header, count + 1, suite->figure_count);
    const char *row = NULL;
    for (size_t i = 0; i < suite->figure_count && failure == 0; i++) {
        const struct tare_suite_figure *begin = &suite->figures[i];
        if (strcmp(begin->kind, cross->kind) != 0 || (row != NULL && strcmp(row, begin->benchmark) == 0)) {
            continue;
        }
        row = begin->benchmark;
        char *cells[TARE__GRID_CELLS] = {tare__view_safe(row, options->ascii)};
        for (size_t j = 0; j < count; j++) {
            const struct tare_suite_figure *found = NULL;
            for (size_t k = i; k < suite->figure_count && found == NULL; k++) {
                const struct tare_suite_figure *one = &suite->figures[k];
                if (strcmp(one->kind, cross->kind) == 0 && strcmp(one->benchmark, row) == 0 &&
                    strcmp(column_of(cross, one), cross->columns[first + j]) == 0) {
                    found = one;
                }
            }
            const char *none = column_of(cross, begin)[0] == '\0' ? "-" : ""; /* all of the row is unknown */
            cells[j + 1] = found != NULL ? figure_cell(found, options->ascii) : strdup(none);
        }
        failure = tare__grid_add(&grid, cells, NULL);
    }
    if (failure == 0) {
        failure = write_grid(&grid, options, format, out);
    }
    tare__grid_release(&grid);
    return failure;
}

/* Each note once, with what it is of. */
static int put_notes(const struct tare_result_suite *suite, const struct cross *cross,
                     const struct tare_view_options *options, enum tare_format format, FILE *out)
{
    struct tare__lines_out lines = {.out = out,
                                    .options = options,
                                    .width = options->width > 0 ? (size_t)options->width : WIDTH,
                                    .cut = options->width > 0};
    for (size_t i = 0; i < suite->figure_count; i++) {
        const struct tare_suite_figure *figure = &suite->figures[i];
        bool seen = figure->note == NULL || strcmp(figure->kind, cross->kind) != 0;
        for (size_t j = 0; j < i && !seen; j++) {
            seen = suite->figures[j].note != NULL && strcmp(suite->figures[j].kind, cross->kind) == 0 &&
                   strcmp(suite->figures[j].note, figure->note) == 0;
        }
        if (seen) {
            continue;
        }
        struct tare__phrase phrase = {0};
        for (size_t k = 0; k < cross->count; k++) {
            const char *last = NULL;
            for (size_t j = i; j < suite->figure_count; j++) {
                const struct tare_suite_figure *one = &suite->figures[j];
                if (one->note != NULL && strcmp(one->kind, cross->kind) == 0 &&
                    strcmp(one->note, figure->note) == 0 &&
                    strcmp(column_of(cross, one), cross->columns[k]) == 0) {
                    tare__phrase_add(&phrase, "%s%s",
                                     last != NULL          ? ", "
                                     : phrase.text != NULL ? "; "
                                                           : "",
                                     one->benchmark);
                    last = one->benchmark;
                }
            }
            if (last != NULL) {
                tare__phrase_add(&phrase, " (%s)", cross->columns[k]);
            }
        }
        if (phrase.text == NULL) { /* of whole rows */
            for (size_t j = i; j < suite->figure_count; j++) {
                const struct tare_suite_figure *one = &suite->figures[j];
                if (one->note != NULL && strcmp(one->kind, cross->kind) == 0 &&
                    strcmp(one->note, figure->note) == 0) {
                    tare__phrase_add(&phrase, "%s%s", phrase.text != NULL ? ", " : "", one->benchmark);
                }
            }
        }
        tare__phrase_add(&phrase, ": %s", figure->note);
        tare__lines_phrase(&lines, format == TARE_FORMAT_MARKDOWN ? 0 : 2, 4, NULL, &phrase);
    }
    return lines.error;
}

/* The figures of one kind. */
static int put_kind(const struct tare_result_suite *suite, const char *kind,
                    const struct tare_view_options *options, enum tare_format format, FILE *out)
{
    struct cross cross = {.kind = kind};
    if (!find_columns(suite, &cross)) {
        put_title(out, options, format, title_of(kind));
        fprintf(out, "more than %d columns: in CSV and JSON they are all\n", COLUMNS_MAX);
        return 0;
    }
    if (cross.count == 0) {
        return 0;
    }
    size_t width = options->width > 0 ? (size_t)options->width : WIDTH;
    size_t at_once = format == TARE_FORMAT_MARKDOWN ? TARE__GRID_CELLS - 1
                     : width > NAME_WIDTH           ? (width - NAME_WIDTH) / CELL_WIDTH
                                                    : 1;
    at_once = at_once == 0 ? 1 : at_once;
    put_title(out, options, format, title_of(kind));
    int failure = 0;
    for (size_t at = 0; at < cross.count && failure == 0; at += at_once) {
        fputs(at > 0 ? "\n" : "", out);
        failure = put_part(suite, &cross, at, cross.count - at < at_once ? cross.count - at : at_once, options,
                           format, out);
    }
    return failure == 0 ? put_notes(suite, &cross, options, format, out) : failure;
}

static const char *answer_style(enum tare_suite_answer answer)
{
    return answer == TARE_SUITE_SUPPORTED       ? TARE__GREEN
           : answer == TARE_SUITE_NOT_SUPPORTED ? TARE__RED
                                                : TARE__YELLOW;
}

static void put_hypothesis(struct tare__lines_out *lines, const struct tare_suite_hypothesis *one)
{
    struct tare__phrase head = {0}, rest = {0};
    bool ascii = lines->options->ascii;
    char estimate[TARE__NUMBER_TEXT], low[TARE__NUMBER_TEXT], high[TARE__NUMBER_TEXT], p[TARE__VIEW_NUMBER];
    tare__phrase_add(&head, "%s", tare_suite_answer_names[one->answer]);
    tare__phrase_add(&rest, ": %s", one->text);
    tare__lines_put(lines, 0, 2, answer_style(one->answer), head.text != NULL ? head.text : "",
                    rest.text != NULL ? rest.text : "");
    tare__phrase_release(&head);
    tare__phrase_release(&rest);
    struct tare__phrase what = {0};
    if (isfinite(one->estimate)) {
        tare__phrase_add(&what, "%s: %s (%s to %s), n %zu", one->quantity != NULL ? one->quantity : "estimate",
                         value_text(estimate, TARE_SUITE_RATIO, one->estimate, NAN, ascii),
                         value_text(low, TARE_SUITE_RATIO, one->low, NAN, ascii),
                         value_text(high, TARE_SUITE_RATIO, one->high, NAN, ascii), one->n);
    }
    if (isfinite(one->p_adjusted)) {
        tare__phrase_item(&what, "p %s corrected",
                          one->p_adjusted < 0.0001 ? "< 0.0001" : tare__view_fixed(p, one->p_adjusted, 4));
    }
    if (one->reason != NULL) {
        tare__phrase_item(&what, "%s", one->reason);
    }
    tare__lines_phrase(lines, 4, 6, NULL, &what);
}

static int put_hypotheses_markdown(const struct tare_result_suite *suite,
                                   const struct tare_view_options *options, FILE *out)
{
    static const char *const header[] = {"hypothesis", "answer",       "estimate", "interval",
                                         "n",          "p, corrected", "of what"};
    struct tare__grid grid = {.name = 0, .left = 1 << 0 | 1 << 1 | 1 << 6};
    int failure = tare__grid_begin(&grid, header, 7, suite->hypothesis_count);
    for (size_t i = 0; i < suite->hypothesis_count && failure == 0; i++) {
        const struct tare_suite_hypothesis *one = &suite->hypotheses[i];
        char text[TARE__NUMBER_TEXT], p[TARE__VIEW_NUMBER], n[32];
        snprintf(n, sizeof n, "%zu", one->n);
        char *const cells[] = {
            strdup(one->text),
            strdup(tare_suite_answer_names[one->answer]),
            strdup(value_text(text, TARE_SUITE_RATIO, one->estimate, NAN, options->ascii)),
            interval_text(TARE_SUITE_RATIO, one->low, one->high, options->ascii),
            strdup(n),
            strdup(isfinite(one->p_adjusted) ? tare__view_fixed(p, one->p_adjusted, 4) : "-"),
            strdup(one->reason != NULL     ? one->reason
                   : one->quantity != NULL ? one->quantity
                                           : ""),
        };
        failure = tare__grid_add(&grid, cells, NULL);
    }
    if (failure == 0) {
        failure = tare__grid_markdown(&grid, options, out);
    }
    tare__grid_release(&grid);
    return failure;
}

int tare__suite_figures(const struct tare_result *result, const struct tare_view_options *options,
                        enum tare_format format, FILE *out)
{
    const struct tare_result_suite *suite = result->suite;
    int failure = 0;
    for (size_t i = 0; i < suite->figure_count && failure == 0; i++) {
        bool seen = false;
        for (size_t j = 0; j < i && !seen; j++) {
            seen = strcmp(suite->figures[j].kind, suite->figures[i].kind) == 0;
        }
        if (!seen) {
            failure = put_kind(suite, suite->figures[i].kind, options, format, out);
        }
    }
    if (failure != 0 || suite->hypothesis_count == 0) {
        return failure;
    }
    put_title(out, options, format, "Hypotheses, as they were written down before");
    if (format == TARE_FORMAT_MARKDOWN) {
        return put_hypotheses_markdown(suite, options, out);
    }
    struct tare__lines_out lines = {.out = out,
                                    .options = options,
                                    .width = options->width > 0 ? (size_t)options->width : 80,
                                    .cut = options->width > 0};
    for (size_t i = 0; i < suite->hypothesis_count; i++) {
        put_hypothesis(&lines, &suite->hypotheses[i]);
    }
    return lines.error;
}
