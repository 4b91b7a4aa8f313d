/* SPDX-License-Identifier: MIT */
/*
 * JSON as text, written straight into memory: for documents that are made several times a second, of tens of
 * thousands of numbers, where a tree in between would cost more than all the rest. Private to result/.
 *
 * What is written is not checked for being JSON: that its brackets and commas fit is the writer's affair. A
 * comma is put where one is needed: before a value or a name that follows another in the same bracket.
 */
#ifndef TARE_RESULT_JSON_TEXT_H
#define TARE_RESULT_JSON_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tare__json_text {
    char *text; /* malloc'ed; not terminated yet */
    size_t size, capacity;
    bool failed; /* without memory: all that follows is dropped */
};

void tare__json_text_open(struct tare__json_text *json, char bracket);  /* '{' or '[' */
void tare__json_text_close(struct tare__json_text *json, char bracket); /* '}' or ']' */

/* `name` is written as it is: plain ASCII without quotes. */
void tare__json_text_name(struct tare__json_text *json, const char *name);

/* NULL: null. Bytes that are not UTF-8 become U+FFFD. */
void tare__json_text_string(struct tare__json_text *json, const char *string);
void tare__json_text_colon(struct tare__json_text *json); /* behind a string that is a name */
void tare__json_text_bool(struct tare__json_text *json, bool value);
void tare__json_text_null(struct tare__json_text *json);
void tare__json_text_count(struct tare__json_text *json, uint64_t value);

/*
 * Rounded to 12 significant digits, or to an integer where there are more before the point; NAN and the
 * infinities are null. The same in every locale.
 */
void tare__json_text_number(struct tare__json_text *json, double value);

/* The text, which is the caller's now, with a NUL behind its `*size` bytes; NULL without memory. */
char *tare__json_text_end(struct tare__json_text *json, size_t *size);

#endif
