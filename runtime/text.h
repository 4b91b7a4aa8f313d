/* SPDX-License-Identifier: MIT */
/*
 * How times and the table's rows are written: shared by the report inside a measured program (runtime/report.c)
 * and by view/, so that the two look alike. libc only.
 */
#ifndef TARE_RUNTIME_TEXT_H
#define TARE_RUNTIME_TEXT_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* The classic table: name 60, calls 10, total 12, avg 12, with a space between: 97 columns. */
enum {
    TARE_TABLE_NAME = 60,
    TARE_TABLE_CALLS = 10,
    TARE_TABLE_TIME = 12,
    TARE_TABLE_WIDTH = 97,
};

/*
 * "12.345ns", "1.000µs", "-3.200ms", "61.000s": three decimals, the unit by size (a value that would round to
 * 1000.000 goes to the next unit). NAN and infinity give "-". `micro` is "µs" or "us". Returns buffer.
 */
#define TARE_TEXT_TIME 32
char *tare__text_time(char buffer[TARE_TEXT_TIME], double ns, const char *micro);

/* Columns that a UTF-8 string takes on a terminal, where each code point takes one. */
size_t tare__text_width(const char *text);

/*
 * Writes `text` padded with spaces to `width` columns; left-aligned, or right-aligned if `width` is negative.
 */
void tare__text_pad(FILE *out, const char *text, int width);

/* A module's name as its heading: "lind_boot" becomes "LIND-BOOT". Returns `title`, cut to `size` bytes. */
char *tare__text_title(char *title, size_t size, const char *module);

/* "-----FDTABLES-----", `width` columns wide, the title in the middle as it is. No newline. */
void tare__text_heading(FILE *out, const char *title, int width);

#endif
