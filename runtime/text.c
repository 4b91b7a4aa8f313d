/* SPDX-License-Identifier: MIT */
/*
 * Writes times and the rows of the classic table, for the report inside a measured program and for view/.
 *
 * It runs inside other people's programs, which may have chosen a locale with a decimal comma and may not be
 * made to change it: setlocale() is the whole process's. So no floating-point conversion of printf is used
 * here; a time is turned into thousandths of its unit, and those are written as two integers, which no locale
 * touches. libm is not needed either.
 */
#include "runtime/text.h"

#include <inttypes.h>
#include <stdbool.h>
#include <string.h>

/* A time unit: how many ns make a thousandth of it. */
struct unit {
    double milli_ns;
    const char *suffix; /* NULL: the caller's micro sign */
};

static const struct unit units[] = {
    {1e-3, "ns"},
    {1.0, NULL},
    {1e3, "ms"},
    {1e6, "s"},
};
enum { UNIT_COUNT = sizeof units / sizeof units[0] };

/* Above this many thousandths of a second (30 thousand years) a double has no thousandths any more. */
static const double EXACT_MAX = 1e15;

/* "1.235e+20s": for times that no clock counts, but that a damaged file may hold. */
static void write_huge(char *buffer, double seconds, bool negative)
{
    int exponent = 0;
    while (seconds >= 10.0) {
        seconds /= 10.0;
        exponent++;
    }
    uint64_t milli = (uint64_t)(seconds * 1000.0 + 0.5);
    if (milli >= 10000) {
        milli = 1000;
        exponent++;
    }
    snprintf(buffer, TARE_TEXT_TIME, "%s%" PRIu64 ".%03" PRIu64 "e+%ds", negative ? "-" : "", milli / 1000,
             milli % 1000, exponent);
}

char *tare__text_time(char buffer[TARE_TEXT_TIME], double ns, const char *micro)
{
    if (!__builtin_isfinite(ns)) {
        memcpy(buffer, "-", sizeof "-");
        return buffer;
    }
    bool negative = ns < 0;
    double size = negative ? -ns : ns;
    if (size / units[UNIT_COUNT - 1].milli_ns >= EXACT_MAX) {
        write_huge(buffer, size / 1e9, negative);
        return buffer;
    }
    uint64_t milli = 0;
    size_t unit = 0;
    for (; unit < UNIT_COUNT; unit++) {
        /* Dividing by 1e-3 is inexact where multiplying by 1e3 is not. */
        double scaled = unit == 0 ? size * 1e3 : size / units[unit].milli_ns;
        if (scaled >= EXACT_MAX) {
            continue;
        }
        milli = (uint64_t)(scaled + 0.5);
        if (milli < 1000000 || unit == UNIT_COUNT - 1) {
            break;
        }
    }
    const char *suffix = units[unit].suffix != NULL ? units[unit].suffix : micro;
    /* What rounds to nothing has no sign. */
    snprintf(buffer, TARE_TEXT_TIME, "%s%" PRIu64 ".%03" PRIu64 "%s", negative && milli > 0 ? "-" : "",
             milli / 1000, milli % 1000, suffix);
    return buffer;
}

size_t tare__text_width(const char *text)
{
    size_t width = 0;
    for (const unsigned char *p = (const unsigned char *)text; *p != '\0'; p++) {
        /* Every byte but the continuation bytes of UTF-8 begins a code point. */
        if ((*p & 0xc0) != 0x80) {
            width++;
        }
    }
    return width;
}

static void fill(FILE *out, char c, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        putc(c, out);
    }
}

void tare__text_pad(FILE *out, const char *text, int width)
{
    size_t wanted = width < 0 ? 0u - (unsigned)width : (unsigned)width;
    size_t taken = tare__text_width(text);
    size_t missing = wanted > taken ? wanted - taken : 0;
    if (width < 0) {
        fill(out, ' ', missing);
    }
    fputs(text, out);
    if (width > 0) {
        fill(out, ' ', missing);
    }
}

char *tare__text_title(char *title, size_t size, const char *module)
{
    size_t at = 0;
    for (; module[at] != '\0' && at + 1 < size; at++) {
        char c = module[at];
        title[at] = c == '_' ? '-' : c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
    }
    title[at] = '\0';
    return title;
}

void tare__text_heading(FILE *out, const char *title, int width)
{
    size_t wanted = width > 0 ? (unsigned)width : 0;
    size_t taken = tare__text_width(title);
    size_t dashes = wanted > taken ? wanted - taken : 0;
    fill(out, '-', dashes / 2);
    fputs(title, out);
    fill(out, '-', dashes - dashes / 2);
}
