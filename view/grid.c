/* SPDX-License-Identifier: MIT */
/* Tables that are laid out by what is in them: as text for a terminal, and in Markdown. */
#include "view/grid.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/text.h"
#include "view/bench_text.h"
#include "view/columns.h"
#include "view/escape.h"

enum { NAME_MIN = 20 };

void tare__grid_release(struct tare__grid *grid)
{
    for (size_t i = 0; i < grid->count; i++) {
        for (size_t j = 0; j < grid->columns; j++) {
            free(grid->rows[i][j]);
        }
    }
    free(grid->rows);
    free(grid->styles);
}

int tare__grid_begin(struct tare__grid *grid, const char *const *header, size_t columns, size_t rows)
{
    grid->columns = columns;
    grid->room = rows + 1;
    grid->rows = calloc(grid->room, sizeof *grid->rows);
    grid->styles = calloc(grid->room, sizeof *grid->styles);
    if (grid->rows == NULL || grid->styles == NULL) {
        return -ENOMEM;
    }
    grid->count = 1;
    bool whole = true;
    for (size_t i = 0; i < columns; i++) {
        grid->rows[0][i] = tare__view_safe(header[i], false); /* it may be what a result calls something */
        whole = whole && grid->rows[0][i] != NULL;
    }
    return whole ? 0 : -ENOMEM;
}

/* Takes the cells over, also after an error: one that is NULL for want of memory is found out here. */
int tare__grid_add(struct tare__grid *grid, char *const *cells, const char *style)
{
    bool whole = true;
    for (size_t i = 0; i < grid->columns; i++) {
        grid->rows[grid->count][i] = cells[i];
        whole = whole && cells[i] != NULL;
    }
    grid->styles[grid->count++] = style;
    return whole ? 0 : -ENOMEM;
}

static size_t width_of(const struct tare__grid *grid, const size_t widths[TARE__GRID_CELLS], unsigned out)
{
    size_t all = 0;
    for (size_t j = 0; j < grid->columns; j++) {
        all += (out >> j & 1) == 0 ? widths[j] + (j > 0 ? 2 : 0) : 0;
    }
    return all;
}

/* Sets the widths, and which columns are left out: 1 << j. */
static unsigned measure(const struct tare__grid *grid, const struct tare_view_options *options,
                        size_t widths[TARE__GRID_CELLS])
{
    unsigned out = 0;
    for (size_t j = 0; j < grid->columns; j++) {
        widths[j] = 0;
        for (size_t i = 0; i < grid->count; i++) {
            size_t taken = tare__text_width(grid->rows[i][j]);
            widths[j] = taken > widths[j] ? taken : widths[j];
        }
    }
    size_t width = options->width > 0 ? (size_t)options->width : SIZE_MAX;
    size_t spare = widths[grid->name] > NAME_MIN ? widths[grid->name] - NAME_MIN : 0;
    for (size_t j = grid->columns; j-- > 0 && width_of(grid, widths, out) - spare > width;) {
        out |= grid->spare & 1u << j;
    }
    size_t all = width_of(grid, widths, out);
    size_t over = all > width ? all - width : 0;
    widths[grid->name] -= over < spare ? over : spare;
    return out;
}

/* *left_out gets the bits of the columns that there was no room for. */
int tare__grid_table(const struct tare__grid *grid, const struct tare_view_options *options, FILE *out,
                     unsigned *left_out)
{
    size_t widths[TARE__GRID_CELLS] = {0};
    *left_out = measure(grid, options, widths);
    for (size_t i = 0; i < grid->count; i++) {
        const char *style = !options->color ? NULL : i == 0 ? TARE__BOLD : grid->styles[i];
        for (size_t j = 0; j < grid->columns; j++) {
            bool left = (grid->left >> j & 1) != 0, last = j + 1 == grid->columns;
            if ((*left_out >> j & 1) != 0) {
                continue;
            }
            char *cut =
                j == grid->name && i > 0 ? tare__safe_cut(grid->rows[i][j], widths[j], options->ascii) : NULL;
            if (j == grid->name && i > 0 && cut == NULL) {
                return -ENOMEM;
            }
            fputs(j > 0 ? "  " : "", out);
            fputs(style != NULL && (i == 0 || j == 0) ? style : "", out);
            tare__text_pad(out, cut != NULL ? cut : grid->rows[i][j],
                           left ? (last ? 0 : (int)widths[j]) : -(int)widths[j]);
            fputs(style != NULL && (i == 0 || j == 0) ? TARE__PLAIN : "", out);
            free(cut);
        }
        putc('\n', out);
    }
    return 0;
}

int tare__grid_markdown(const struct tare__grid *grid, const struct tare_view_options *options, FILE *out)
{
    for (size_t i = 0; i < grid->count; i++) {
        for (size_t j = 0; j < grid->columns; j++) {
            fputs("| ", out);
            if (tare__escape_markdown(out, grid->rows[i][j], options->ascii) != 0) {
                return -ENOMEM;
            }
            putc(' ', out);
        }
        fputs("|\n", out);
        for (size_t j = 0; i == 0 && j < grid->columns; j++) {
            fputs((grid->left >> j & 1) != 0 ? "| :--- " : "| ---: ", out);
        }
        fputs(i == 0 ? "|\n" : "", out);
    }
    return 0;
}
