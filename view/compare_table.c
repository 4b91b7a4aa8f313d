/* SPDX-License-Identifier: MIT */
/*
 * A comparison as a table for people, one for each new result, and what is to be known with it below. Columns
 * are as wide as what stands in them. Where a terminal has no room for all, the counts go first, then the old
 * time, then the new one, so that the change and the verdict always stay; and only then names are cut.
 */
#include "view/compare_cells.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "view/bench_text.h"

enum {
    DEFAULT_WIDTH = 80,
    NAME_ENOUGH = 28, /* a longer name is rather cut than a column left out for it */
    NAME_LEAST = 16,
    GAP = 2,
};

struct table {
    const struct tare_compare_report *report;
    const struct tare_compared_section *section;
    const struct tare_view_options *options;
    struct tare__compare_plan plan;
    char **cells; /* row by row, the header first */
    size_t widths[TARE__COMPARE_COLUMNS];
    size_t total; /* columns of the terminal that a row takes */
    bool cut;
};

static int measure(struct table *table)
{
    const struct tare__compare_plan *plan = &table->plan;
    bool ascii = table->options->ascii;
    for (size_t i = 0; i < plan->count; i++) {
        table->widths[i] = 0;
        for (size_t row = 0; row <= table->section->row_count; row++) {
            char **cell = &table->cells[row * plan->count + i];
            char *raw =
                row == 0 ? strdup(tare__compare_header(plan->columns[i], table->report->compared->kind, ascii))
                         : tare__compare_cell(plan->columns[i], &table->section->rows[row - 1], ascii);
            *cell = raw != NULL ? tare__view_safe(raw, ascii && plan->columns[i] == TARE__COMPARE_NAME) : NULL;
            free(raw);
            if (*cell == NULL) {
                return -ENOMEM;
            }
            size_t width = tare__text_width(*cell);
            table->widths[i] = width > table->widths[i] ? width : table->widths[i];
        }
    }
    return 0;
}

static size_t rest_width(const struct table *table)
{
    size_t rest = 0;
    for (size_t i = 0; i < table->plan.count; i++) {
        rest += (i > 0 ? GAP : 0) + (table->plan.columns[i] == TARE__COMPARE_NAME ? 0 : table->widths[i]);
    }
    return rest;
}

static size_t *name_width(struct table *table)
{
    for (size_t i = 0; i < table->plan.count; i++) {
        if (table->plan.columns[i] == TARE__COMPARE_NAME) {
            return &table->widths[i];
        }
    }
    return NULL;
}

static void release_cells(struct table *table)
{
    size_t count = table->plan.count * (table->section->row_count + 1);
    for (size_t i = 0; table->cells != NULL && i < count; i++) {
        free(table->cells[i]);
    }
    free(table->cells);
    table->cells = NULL;
}

/* Cells and widths of these columns. */
static int fill(struct table *table, const char *columns)
{
    release_cells(table);
    int error = tare__compare_plan_make(&table->plan, columns);
    if (error != 0) {
        return error;
    }
    table->cells = calloc(table->plan.count * (table->section->row_count + 1), sizeof *table->cells);
    return table->cells == NULL ? -ENOMEM : measure(table);
}

static bool any_other_count(const struct tare_compared_section *section)
{
    for (size_t i = 0; i < section->row_count; i++) {
        if (tare__compare_other_calls(&section->rows[i])) {
            return true;
        }
    }
    return false;
}

/* The first of the choices that leaves enough for the names; the last if none does. */
static int choose(struct table *table, size_t width)
{
    static const char *const choices[] = {
        "name,count,old,new,change,control,verdict",
        "name,count,old,new,change,verdict",
        "name,old,new,change,control,verdict",
        "name,old,new,change,verdict",
        "name,new,change,verdict",
        "name,change,verdict",
    };
    bool counts = any_other_count(table->section), controlled = table->report->compared->controlled;
    int error = 0;
    for (size_t i = 0; error == 0 && i < sizeof choices / sizeof choices[0]; i++) {
        if ((!counts && strstr(choices[i], "count") != NULL) ||
            (!controlled && strstr(choices[i], "control") != NULL)) {
            continue;
        }
        error = fill(table, choices[i]);
        size_t name = table->widths[0] < NAME_ENOUGH ? table->widths[0] : NAME_ENOUGH;
        if (error == 0 && name + rest_width(table) <= width) {
            break;
        }
    }
    return error;
}

static int lay_out(struct table *table)
{
    int terminal = table->options->width;
    size_t width = terminal > 0 ? (size_t)terminal : DEFAULT_WIDTH;
    int error = table->options->columns != NULL ? fill(table, table->options->columns) : choose(table, width);
    size_t *name = error == 0 ? name_width(table) : NULL;
    size_t rest = rest_width(table);
    if (name != NULL && terminal > 0 && *name + rest > width) {
        *name = rest + NAME_LEAST < width ? width - rest : NAME_LEAST;
        table->cut = true;
    }
    table->total = rest + (name != NULL ? *name : 0);
    return error;
}

static const char *style_of(const struct tare_compared_row *row, unsigned column)
{
    bool verdict = column == TARE__COMPARE_VERDICT && row->presence == TARE_COMPARED_BOTH;
    return verdict ? tare__verdict_style(&row->comparison) : NULL;
}

/* `row`: 0 is the header. */
static int print_row(const struct table *table, size_t row, FILE *out)
{
    for (size_t i = 0; i < table->plan.count; i++) {
        unsigned column = table->plan.columns[i];
        const char *cell = table->cells[row * table->plan.count + i];
        bool left = tare__compare_is_left(column), last = i + 1 == table->plan.count;
        int width = (int)table->widths[i];
        char *cut = NULL;
        if (column == TARE__COMPARE_NAME && table->cut) {
            cut = tare__safe_cut(cell, table->widths[i], table->options->ascii);
            if (cut == NULL) {
                return -ENOMEM;
            }
        }
        const char *style =
            row > 0 && table->options->color ? style_of(&table->section->rows[row - 1], column) : NULL;
        fprintf(out, "%*s%s", i > 0 ? GAP : 0, "", style != NULL ? style : "");
        tare__text_pad(out, cut != NULL ? cut : cell, left ? (last ? 0 : width) : -width);
        fputs(style != NULL ? TARE__PLAIN : "", out);
        free(cut);
    }
    putc('\n', out);
    return 0;
}

/* Each a paragraph of its own line, `lines` is empty then. The first word of a warning or note is in `style`.
 */
static void print_lines(struct tare__lines_out *to, struct tare__view_lines *lines, const char *style,
                        size_t hang)
{
    if (lines->error != 0 && to->error == 0) {
        to->error = lines->error;
    }
    for (size_t i = 0; i < lines->count; i++) {
        tare__lines_put(to, 0, hang, style, style != NULL ? lines->lines[i] : "",
                        style != NULL ? "" : lines->lines[i]);
    }
    tare__view_lines_release(lines);
}

static int print_section(struct tare__lines_out *to, const struct tare_compare_report *report, size_t index)
{
    struct table table = {
        .report = report, .section = &report->compared->sections[index], .options = to->options};
    struct tare__view_lines title = {0}, notes = {0};
    int error = lay_out(&table);
    putc('\n', to->out);
    tare__compare_title(&title, report, index);
    print_lines(to, &title, TARE__BOLD, 0);
    if (error == 0 && table.section->row_count > 0) {
        putc('\n', to->out);
        for (size_t row = 0; error == 0 && row <= table.section->row_count; row++) {
            error = print_row(&table, row, to->out);
        }
    }
    if (error == 0) {
        tare__compare_notes(&notes, report, index, &table.plan, to->options->ascii);
        fputs(notes.count > 0 ? "\n" : "", to->out);
        print_lines(to, &notes, NULL, 6);
    }
    release_cells(&table);
    tare__view_lines_release(&notes);
    return error;
}

int tare__compare_table(const struct tare_compare_report *report, const struct tare_view_options *options,
                        FILE *out)
{
    struct tare__lines_out to = {.out = out,
                                 .options = options,
                                 .width = options->width > 0 ? (size_t)options->width : DEFAULT_WIDTH,
                                 .cut = options->width > 0};
    struct tare__view_lines lines = {0};
    int error = 0;
    tare__compare_warnings(&lines, report, &report->old);
    if (report->control != NULL) {
        tare__compare_warnings(&lines, report, report->control);
    }
    for (size_t i = 0; i < report->compared->section_count; i++) {
        tare__compare_warnings(&lines, report, &report->news[i]);
    }
    bool warned = lines.count > 0;
    print_lines(&to, &lines, TARE__YELLOW, 9);
    fputs(warned ? "\n" : "", out);
    tare__compare_sides(&lines, report);
    print_lines(&to, &lines, NULL, 9);
    for (size_t i = 0; error == 0 && i < report->compared->section_count; i++) {
        error = print_section(&to, report, i);
    }
    putc('\n', out);
    tare__compare_rule(&lines, report);
    tare__compare_caveat(&lines, report);
    print_lines(&to, &lines, NULL, 0);
    error = error != 0 ? error : to.error;
    return error != 0 ? error : tare__view_finish(out);
}
