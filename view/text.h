/* SPDX-License-Identifier: MIT */
/* Text that grows, byte for byte as it is put; for what is made of thousands of small pieces. Private to view/. */
#ifndef TARE_VIEW_TEXT_H
#define TARE_VIEW_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Begins as {0}. Once memory was wanting, nothing more is added. */
struct tare__grown {
    char *data; /* NUL-terminated; NULL: nothing was put yet */
    size_t size, capacity;
    bool failed;
};

void tare__grow_bytes(struct tare__grown *text, const char *bytes, size_t size);
void tare__grow(struct tare__grown *text, const char *string);
/* All digits of number / 10^decimals, without zeros at the end. */
void tare__grow_decimal(struct tare__grown *text, unsigned __int128 number, int decimals);
/*
 * The shortest that reads as the same double again, whatever the locale; "NaN", "+Inf", "-Inf". `point`: with
 * one in any case.
 */
void tare__grow_number(struct tare__grown *text, double value, bool point);

/* The text, which is the caller's from now on; NULL: no memory. */
char *tare__grown_steal(struct tare__grown *text);

/*
 * Number `at` of `count` names, so that no two of them are the same where they are shown: a name that is there
 * again, or is none, gets `mark` and a number behind it that none of the others has. Bytes that are no UTF-8 are
 * shown as U+FFFD, and so are all the same. malloc'ed; NULL: no memory.
 */
char *tare__distinct_name(char *const *names, size_t count, size_t at, const char *mark);

#endif
