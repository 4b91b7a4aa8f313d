/* SPDX-License-Identifier: MIT */
/* A linker's command line in another order, with the same meaning. */
#ifndef TARE_LINKER_REARRANGE_H
#define TARE_LINKER_REARRANGE_H

#include <stddef.h>
#include <stdint.h>

#include "linker/words.h"

enum tare_linker { TARE_LINKER_UNKNOWN, TARE_LINKER_BFD, TARE_LINKER_GOLD, TARE_LINKER_LLD, TARE_LINKER_MOLD };

/* What of a link can stand in another order. */
struct tare_pieces {
    struct tare_piece *list;
    size_t *sizes; /* of each of them: tare_shuffle_count() */
    size_t count;
    size_t items; /* the sum of the sizes */
};

/*
 * Object files within their runs; where the linker goes by it, the members of archives; where there is but one
 * order of these, and the linker can be told one, functions that have a section of their own. Files that cannot
 * be read are left as they are. 0 or -ENOMEM; to be released in each case. Refers to `words` and `link`.
 */
int tare_pieces_find(const struct tare_words *words, const struct tare_link *link, enum tare_linker linker,
                     struct tare_pieces *pieces);
void tare_pieces_release(struct tare_pieces *pieces);

/*
 * Changes `words` to the order that tare_shuffle_nth() gives. Copies of archives and lists of functions are
 * written into `folder`, with `mark` in their names. 0 or -errno: then the words are as they were.
 */
int tare_pieces_arrange(struct tare_pieces *pieces, struct tare_words *words, enum tare_linker linker,
                        const size_t *order, const char *folder, const char *mark);

#endif
