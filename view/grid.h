/* SPDX-License-Identifier: MIT */
/*
 * Tables that are laid out by what is in them: as text for a terminal, and in Markdown. On a terminal that is too narrow, the
 * column of names is cut in the middle, and where that is not enough, columns that may are left out. Private to view/.
 */
#ifndef TARE_VIEW_GRID_H
#define TARE_VIEW_GRID_H

#include <stddef.h>
#include <stdio.h>

#include "view/view.h"

enum { TARE__GRID_CELLS = 18 };

/* Rows of cells, owned; a table of `columns` columns. Begins with its header. */
struct tare__grid {
    size_t columns;
    size_t name;    /* index of the column that may be cut */
    unsigned spare; /* bits of the columns that may be left out, the last one first; then that are */
    unsigned left;  /* bits of the columns that begin at the left */
    char *(*rows)[TARE__GRID_CELLS];
    const char **styles; /* of the first cell of each row; NULL: none */
    size_t count, room;
};

/* Each returns 0 or -ENOMEM. `rows`: so many will be added at most. */
int tare__grid_begin(struct tare__grid *grid, const char *const *header, size_t columns, size_t rows);
/* Takes the cells over, also after an error: one that is NULL for want of memory is found out here. */
int tare__grid_add(struct tare__grid *grid, char *const *cells, const char *style);
/* *left_out gets the bits of the columns that there was no room for. */
int tare__grid_table(const struct tare__grid *grid, const struct tare_view_options *options, FILE *out,
                     unsigned *left_out);
int tare__grid_markdown(const struct tare__grid *grid, const struct tare_view_options *options, FILE *out);
void tare__grid_release(struct tare__grid *grid);

#endif
