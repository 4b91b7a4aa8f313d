/* SPDX-License-Identifier: MIT */
/* Tables of a few columns, laid out by what is in them. */
#include "view/profile_cells.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/text.h"
#include "view/columns.h"
#include "view/escape.h"

/* The least that is left of a flexible column, and of one that has a most, however narrow the terminal is. */
enum { FLEXIBLE_MIN = 16, SQUEEZED_MIN = 8, LEAST_COLUMNS = 2 };

void tare__cells_add(struct tare__cells *cells, const char *const texts[], bool ascii)
{
    size_t count = cells->column_count;
    if (cells->error != 0) {
        return;
    }
    if (cells->row_count == cells->capacity) {
        size_t capacity = cells->capacity == 0 ? 32 : cells->capacity * 2;
        char **grown = reallocarray(cells->texts, capacity, count * sizeof *grown);
        if (grown == NULL) {
            cells->error = -ENOMEM;
            return;
        }
        cells->texts = grown;
        cells->capacity = capacity;
    }
    char **row = cells->texts + cells->row_count * count;
    for (size_t c = 0; c < count; c++) {
        row[c] = tare__view_safe(texts[c], ascii && cells->columns[c].text);
        if (row[c] == NULL) {
            while (c > 0) {
                free(row[--c]);
            }
            cells->error = -ENOMEM;
            return;
        }
    }
    cells->row_count++;
}

void tare__cells_release(struct tare__cells *cells)
{
    for (size_t i = 0; i < cells->row_count * cells->column_count; i++) {
        free(cells->texts[i]);
    }
    free(cells->texts);
    cells->texts = NULL;
    cells->row_count = cells->capacity = 0;
}

static size_t most(size_t a, size_t b)
{
    return a > b ? a : b;
}

/*
 * The widths of the first `columns` columns. False if they do not fit, though the flexible one is left with the
 * least.
 */
static bool plan(const struct tare__cells *cells, size_t columns, const struct tare__lines_out *lines,
                 size_t widths[TARE__CELLS_COLUMNS])
{
    size_t taken = 0, flexible = 0;
    for (size_t c = 0; c < columns; c++) {
        const struct tare__cells_column *column = &cells->columns[c];
        widths[c] = tare__text_width(column->header);
        for (size_t row = 0; row < cells->row_count; row++) {
            widths[c] = most(widths[c], tare__text_width(cells->texts[row * cells->column_count + c]));
        }
        if (column->most != 0 && widths[c] > column->most) {
            widths[c] = column->most;
        }
        if (column->flexible) {
            flexible = c;
        } else {
            taken += widths[c];
        }
    }
    taken += 2 * (columns - 1);
    if (!cells->columns[flexible].flexible) {
        return true;
    }
    for (size_t c = 0; lines->cut && c < columns; c++) {
        while (cells->columns[c].most != 0 && widths[c] > SQUEEZED_MIN && taken + FLEXIBLE_MIN > lines->width) {
            widths[c]--;
            taken--;
        }
    }
    size_t room = lines->width > taken + FLEXIBLE_MIN ? lines->width - taken : FLEXIBLE_MIN;
    widths[flexible] = widths[flexible] > room ? room : widths[flexible];
    return taken + widths[flexible] <= lines->width;
}

/* The first `columns` of the text. */
static char *cut_end(const char *text, size_t columns)
{
    size_t at = 0;
    while (text[at] != '\0' && ((text[at] & 0xc0) == 0x80 || columns-- > 0)) {
        at++;
    }
    return strndup(text, at);
}

static void put_cell(const struct tare__cells *cells, struct tare__lines_out *lines, size_t c, bool last,
                     const char *text, size_t width, bool dim)
{
    const struct tare__cells_column *column = &cells->columns[c];
    if (last && column->text && *text == '\0') {
        return; /* no blanks at a line's end */
    }
    bool cuts = lines->cut && column->text && tare__text_width(text) > width;
    char *cut = !cuts              ? strdup(text)
                : column->verbatim ? cut_end(text, width)
                                   : tare__safe_cut(text, width, lines->options->ascii);
    if (cut == NULL) {
        lines->error = -ENOMEM;
        return;
    }
    fprintf(lines->out, "%s%s", c > 0 ? "  " : "", dim ? TARE__DIM : "");
    tare__text_pad(lines->out, cut, !column->text ? -(int)width : last ? 0 : (int)width);
    fputs(dim ? TARE__PLAIN : "", lines->out);
    free(cut);
}

void tare__cells_table(const struct tare__cells *cells, struct tare__lines_out *lines)
{
    size_t widths[TARE__CELLS_COLUMNS];
    bool color = lines->options->color;
    if (cells->error != 0) {
        lines->error = cells->error;
    }
    if (lines->error != 0) {
        return;
    }
    /* Where there is room for no more, the last columns go: what they say matters least. */
    size_t columns = cells->column_count;
    while (!plan(cells, columns, lines, widths) && lines->cut && columns > LEAST_COLUMNS &&
           !cells->columns[columns - 1].flexible) {
        columns--;
    }
    fputs(color ? TARE__BOLD : "", lines->out);
    for (size_t c = 0; c < columns; c++) {
        put_cell(cells, lines, c, c + 1 == columns, cells->columns[c].header, widths[c], false);
    }
    fprintf(lines->out, "%s\n", color ? TARE__PLAIN : "");
    for (size_t row = 0; row < cells->row_count && lines->error == 0; row++) {
        for (size_t c = 0; c < columns && lines->error == 0; c++) {
            put_cell(cells, lines, c, c + 1 == columns, cells->texts[row * cells->column_count + c], widths[c],
                     color && cells->columns[c].dim);
        }
        putc('\n', lines->out);
    }
}

int tare__cells_markdown(const struct tare__cells *cells, bool ascii, FILE *out)
{
    if (cells->error != 0) {
        return cells->error;
    }
    for (size_t c = 0; c < cells->column_count; c++) {
        fprintf(out, "| %s ", cells->columns[c].header);
    }
    fputs("|\n", out);
    for (size_t c = 0; c < cells->column_count; c++) {
        fputs(cells->columns[c].text ? "| :--- " : "| ---: ", out);
    }
    fputs("|\n", out);
    for (size_t row = 0; row < cells->row_count; row++) {
        for (size_t c = 0; c < cells->column_count; c++) {
            fputs("| ", out);
            int error = tare__escape_markdown(out, cells->texts[row * cells->column_count + c], ascii);
            if (error != 0) {
                return error;
            }
            putc(' ', out);
        }
        fputs("|\n", out);
    }
    return 0;
}
