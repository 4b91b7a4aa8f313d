/* SPDX-License-Identifier: MIT */
/*
 * Names in ELF files and lines of /proc end up on terminals and in JSON. An escape sequence or a broken byte in
 * one of them must not get that far; what is valid UTF-8 is left as it is.
 */
#include "record/clean.h"

#include <stddef.h>
#include <stdint.h>

/* Bytes of the valid UTF-8 sequence of two or more bytes at `text`, which ends with NUL; 0 if there is none. */
static size_t sequence_length(const unsigned char *text)
{
    size_t length;
    uint32_t smallest;
    uint32_t point;
    if ((text[0] & 0xe0) == 0xc0) {
        length = 2;
        smallest = 0x80;
        point = text[0] & 0x1fu;
    } else if ((text[0] & 0xf0) == 0xe0) {
        length = 3;
        smallest = 0x800;
        point = text[0] & 0x0fu;
    } else if ((text[0] & 0xf8) == 0xf0) {
        length = 4;
        smallest = 0x10000;
        point = text[0] & 0x07u;
    } else {
        return 0;
    }
    for (size_t i = 1; i < length; i++) {
        if ((text[i] & 0xc0) != 0x80) {
            return 0;
        }
        point = point << 6 | (text[i] & 0x3fu);
    }
    if (point < smallest || point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff)) {
        return 0;
    }
    /* U+0080 to U+009F are control characters, too: some terminals take U+009B as ESC [. */
    return point < 0xa0 ? 0 : length;
}

void tare__clean_text(char *text)
{
    unsigned char *at = (unsigned char *)text;
    while (*at != '\0') {
        if (*at < 0x20 || *at == 0x7f) {
            *at++ = '?';
        } else if (*at < 0x80) {
            at++;
        } else {
            size_t length = sequence_length(at);
            if (length == 0) {
                *at = '?';
                length = 1;
            }
            at += length;
        }
    }
}
