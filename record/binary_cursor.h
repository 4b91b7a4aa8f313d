/* SPDX-License-Identifier: MIT */
/*
 * A place in bytes that are not trusted, little-endian ones. What is read beyond their end is 0 and makes the
 * cursor bad for good, so a reader looks at `bad` once, when it is done. Private to record/binary_*.c.
 */
#ifndef TARE_RECORD_BINARY_CURSOR_H
#define TARE_RECORD_BINARY_CURSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tare__cursor {
    const unsigned char *at, *end;
    bool bad;
};

/* The next `count` bytes as a number; of more than 8, the first 8. */
static inline uint64_t tare__take(struct tare__cursor *cursor, size_t count)
{
    uint64_t value = 0;
    if ((size_t)(cursor->end - cursor->at) < count) {
        cursor->bad = true;
        cursor->at = cursor->end;
        return 0;
    }
    for (size_t i = 0; i < count && i < 8; i++) {
        value |= (uint64_t)cursor->at[i] << 8 * i;
    }
    cursor->at += count;
    return value;
}

/*
 * LEB128 as DWARF has it, unsigned; of a signed one nobody here wants the value. Bits beyond 64 are dropped.
 * One of more bytes than 64 bits need is no number but a trap: readers that come by the same place often would
 * read it to its end each time.
 */
static inline uint64_t tare__take_leb128(struct tare__cursor *cursor)
{
    enum { BYTES_MAX = 10 };
    uint64_t value = 0;
    for (unsigned i = 0; i < BYTES_MAX; i++) {
        uint64_t byte = tare__take(cursor, 1);
        value |= (byte & 0x7f) << 7 * i;
        if ((byte & 0x80) == 0 || cursor->bad) {
            return value;
        }
    }
    cursor->bad = true;
    cursor->at = cursor->end;
    return 0;
}

static inline void tare__skip(struct tare__cursor *cursor, uint64_t count)
{
    if (count > (uint64_t)(cursor->end - cursor->at)) {
        cursor->bad = true;
        cursor->at = cursor->end;
    } else {
        cursor->at += count;
    }
}

#endif
