/* SPDX-License-Identifier: MIT */
/*
 * Decoding of UTF-8 that does not trust its input: names come from pages that anybody may have written. The
 * JSON form and every view need the same answer to "is this a character?", so it is given once, here.
 */
#ifndef TARE_RESULT_UTF8_H
#define TARE_RESULT_UTF8_H

#include <stddef.h>
#include <stdint.h>

/*
 * Reads one code point at `text`, which ends with NUL and is not at it. Returns the number of bytes it takes,
 * or 0 if there is no valid one: a stray byte, an overlong form, a surrogate, a value above U+10FFFF.
 */
static inline size_t tare__utf8_decode(const char *text, uint32_t *code_point)
{
    const unsigned char *p = (const unsigned char *)text;
    if (p[0] < 0x80) {
        *code_point = p[0];
        return 1;
    }
    size_t size = p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;
    if (p[0] < 0xc2 || p[0] > 0xf4) {
        return 0;
    }
    uint32_t value = p[0] & (0x7fu >> size);
    for (size_t i = 1; i < size; i++) {
        if ((p[i] & 0xc0) != 0x80) {
            return 0; /* also at the NUL */
        }
        value = value << 6 | (p[i] & 0x3fu);
    }
    static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
    if (value < smallest[size] || value > 0x10ffff || (value >= 0xd800 && value <= 0xdfff)) {
        return 0;
    }
    *code_point = value;
    return size;
}

#endif
