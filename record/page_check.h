/* SPDX-License-Identifier: MIT */
/*
 * Checks of a page's header and text, for record/reader.c. No I/O, no allocation, no state. Each check returns
 * 0, or -errno as tare_page_read() does, with one line in `message`.
 */
#ifndef TARE_RECORD_PAGE_CHECK_H
#define TARE_RECORD_PAGE_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <tare/page.h>

/* Strides of controls, entries and slots are at most this, so that a reader's scratch memory is bounded. */
#define TARE__STRIDE_LIMIT 4096u

/*
 * Whether the text is "key=value,key=value", or "", as runtime/labels.h makes it: up to 16 labels in 1020 bytes, in
 * order of their keys, which are [a-zA-Z_][a-zA-Z0-9_]*, each at most once; a value is printable UTF-8 without a
 * comma, also nothing.
 */
bool tare__labels_valid(const char *labels);

/* Whether the header is that of a page which we can read, and which has been built. */
int tare__page_identify(const struct tare_page *header, char *message, size_t message_size);

/*
 * Whether everything the header says fits together, and into `limit` bytes at `offset` of a file: then all
 * areas, of the page and of each block, lie within it, strides hold their structs, and counts are within what
 * there is room for and within what we read.
 */
int tare__page_check(const struct tare_page *header, uint64_t offset, uint64_t limit, char *message,
                     size_t message_size);

/*
 * Turns each byte of control characters and of what is not UTF-8 into '?', so that text from a page can be
 * shown on a terminal and stored as JSON, whoever wrote it. NUL stays what it is.
 */
void tare__make_printable(char *text, size_t size);

#endif
