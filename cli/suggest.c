/* SPDX-License-Identifier: MIT */
/* The near miss: which word somebody meant. */
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"

enum { LONGEST = 255 };

/*
 * Edit distance with swaps of neighbours (optimal string alignment); words longer than LONGEST are infinitely
 * far.
 */
unsigned edit_distance(const char *a, const char *b)
{
    size_t m = strlen(a), n = strlen(b);
    if (m > LONGEST || n > LONGEST) {
        return (unsigned)-1;
    }
    unsigned rows[3][LONGEST + 1];
    unsigned *before = rows[0], *above = rows[1], *row = rows[2];
    for (size_t j = 0; j <= n; j++) {
        above[j] = (unsigned)j;
    }
    for (size_t i = 1; i <= m; i++) {
        row[0] = (unsigned)i;
        for (size_t j = 1; j <= n; j++) {
            unsigned best = above[j - 1] + (a[i - 1] != b[j - 1]);
            best = above[j] + 1 < best ? above[j] + 1 : best;
            best = row[j - 1] + 1 < best ? row[j - 1] + 1 : best;
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] && before[j - 2] + 1 < best) {
                best = before[j - 2] + 1;
            }
            row[j] = best;
        }
        unsigned *oldest = before;
        before = above;
        above = row;
        row = oldest;
    }
    return above[n];
}

const char *suggest(const char *word, const char *const *words, size_t count)
{
    const char *best = NULL;
    unsigned best_distance = (unsigned)(strlen(word) / 2 + 1); /* farther is another word */
    for (size_t i = 0; i < count; i++) {
        unsigned distance = edit_distance(word, words[i]);
        if (distance < best_distance) {
            best_distance = distance;
            best = words[i];
        }
    }
    return best;
}
