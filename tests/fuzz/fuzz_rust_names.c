/* SPDX-License-Identifier: MIT */
/*
 * Fuzz target: a symbol's name of Rust. What is shown has no control character unless it is spelt out, stays within
 * its room, and is the same in a room that is just large enough.
 */
#include <ctype.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "record/symbols_rust.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enum { ROOM = 4096 };
    static char text[ROOM];
    char *symbol = malloc(size + 1);
    if (symbol == NULL) {
        abort();
    }
    memcpy(symbol, data, size);
    symbol[size] = '\0';
    size_t length = tare__rust_name(symbol, text, ROOM);
    if (length > ROOM) {
        abort();
    }
    for (size_t i = 0; i < length; i++) {
        if (iscntrl((unsigned char)text[i])) {
            abort();
        }
    }
    if (length > 0) {
        char *tight = malloc(length);
        if (tight == NULL || tare__rust_name(symbol, tight, length) != length ||
            memcmp(tight, text, length) != 0 || tare__rust_name(symbol, tight, length - 1) != 0) {
            abort();
        }
        free(tight);
    }
    free(symbol);
    return 0;
}
