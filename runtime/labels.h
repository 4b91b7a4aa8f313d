/* SPDX-License-Identifier: MIT */
/*
 * Labels in the one form in which they stand in a page and in all that readers show, and names of states and parts
 * that differ: shared by the runtime, which sees to it when an instrument is registered, and by record/, which does
 * so with what pages of others say. The grammar is that of <tare/tare.h>, section 4. libc only; no memory is allocated, and no lock
 * is taken.
 */
#ifndef TARE_RUNTIME_LABELS_H
#define TARE_RUNTIME_LABELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    TARE__LABELS_MOST = 16,    /* of one instrument */
    TARE__LABELS_BYTES = 1020, /* all of them, without the NUL */
};

/*
 * Writes `length` bytes of text, a list of labels or something else, in that form into `out`, with a NUL:
 *
 * - of a list, the labels in the order of the bytes of their keys;
 * - of anything else, one label `labels` whose value is the text, with %XX for each byte of a comma, of '%' and
 *   of what is no printable UTF-8. If that is too long, its end is '~' and a hash of all of the text. So
 *   different texts stay different.
 *
 * What this made is not changed by it. `declared`: by a program, which may not use the key `labels`, so that no
 * list looks like text that was none; false: what a page says, where the key is one like others.
 */
void tare__labels_normal(char out[TARE__LABELS_BYTES + 1], const char *text, size_t length, bool declared);

enum { TARE__NAME_BYTES = 255 }; /* of one state or part, without the NUL */

/*
 * What number `count` of an instrument's names is shown as, where those before it are shown as before[0 ... count - 1]:
 * `name`; its number, if it is empty; and if one of them is that already, with "#2" behind it, or "#3" and so on. Too
 * long a name is cut for that, between characters.
 */
void tare__name_distinct(char out[TARE__NAME_BYTES + 1], const char *name, const char *const *before,
                         uint32_t count);

/* How many bytes the UTF-8 sequence at s takes (RFC 3629); 0: it is none, or a control character. left > 0. */
size_t tare__utf8_printable(const unsigned char *s, size_t left);

#endif
