/* SPDX-License-Identifier: MIT */
/*
 * What a store says that it has, against a batch that is to be sent again; and the kernel's table of sockets.
 * A file is two texts separated by NUL: the batch, and the answer of /api/v1/export. What is left is lines of
 * the batch, in its order.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "serve/lines.h"
#include "serve/peer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void look_for_lines(const char *rest, size_t rest_size, const char *batch, size_t size)
{
    size_t at = 0;
    for (size_t from = 0; from < rest_size;) {
        const char *newline = memchr(rest + from, '\n', rest_size - from);
        size_t length = newline != NULL ? (size_t)(newline - rest) - from + 1 : rest_size - from, line;
        do {
            if (at >= size) {
                abort(); /* nothing of the batch */
            }
            newline = memchr(batch + at, '\n', size - at);
            line = newline != NULL ? (size_t)(newline - batch) - at + 1 : size - at;
            at += line;
        } while (line != length || memcmp(batch + at - line, rest + from, length) != 0);
        from += length;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const extra[] = {"host=h", "x=9", NULL};
    char *copy = malloc(size + 1);
    if (copy == NULL) {
        return 0;
    }
    memcpy(copy, data, size);
    copy[size] = '\0';
    size_t batch_size = strlen(copy), at = batch_size < size ? batch_size + 1 : size, rest_size;
    char *query = tare__lines_query(copy, batch_size, 1700);
    free(query);
    for (int with_extra = 0; with_extra < 2; with_extra++) {
        char *rest = tare__lines_missing(copy, batch_size, copy + at, size - at, with_extra ? extra : NULL,
                                         1700, &rest_size);
        if (rest != NULL) {
            look_for_lines(rest, rest_size, copy, batch_size);
        }
        free(rest);
    }
    FILE *table = size > 0 ? fmemopen(copy, size, "r") : NULL;
    uid_t uid;
    if (table != NULL) {
        tare__peer_find(table, "0100007F:8000", "0100007F:24FD", &uid);
        fclose(table);
    }
    free(copy);
    return 0;
}
