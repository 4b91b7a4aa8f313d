/* SPDX-License-Identifier: MIT */
/*
 * JSON as text. Numbers are most of it, and printf() takes several hundred ns for a double: so those of an
 * ordinary size are written as two integers, before and behind the point, in some ten. The rest is printf's,
 * with the point of the C locale put back.
 */
#include "result/json_text.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "result/utf8.h"

enum { DIGITS = 12, MOST_DIGITS = 20 /* of a uint64_t */ };

/* Room for `size` bytes more, to be written by the caller; NULL without memory. */
static char *room(struct tare__json_text *json, size_t size)
{
    if (json->failed) {
        return NULL;
    }
    if (json->capacity - json->size < size) {
        size_t capacity = json->capacity < 4096 ? 4096 : json->capacity;
        while (capacity - json->size < size) {
            capacity *= 2;
        }
        char *text = realloc(json->text, capacity);
        if (text == NULL) {
            json->failed = true;
            return NULL;
        }
        json->text = text;
        json->capacity = capacity;
    }
    return json->text + json->size;
}

static void append(struct tare__json_text *json, const char *text, size_t size)
{
    char *to = room(json, size);
    if (to != NULL) {
        memcpy(to, text, size);
        json->size += size;
    }
}

/* What ends with a bracket that opens, a colon or nothing wants no comma before what follows. */
static void comma(struct tare__json_text *json)
{
    char last = json->size != 0 && !json->failed ? json->text[json->size - 1] : '{';
    if (last != '{' && last != '[' && last != ':') {
        append(json, ",", 1);
    }
}

void tare__json_text_open(struct tare__json_text *json, char bracket)
{
    comma(json);
    append(json, &bracket, 1);
}

void tare__json_text_close(struct tare__json_text *json, char bracket)
{
    append(json, &bracket, 1);
}

void tare__json_text_name(struct tare__json_text *json, const char *name)
{
    size_t size = strlen(name);
    comma(json);
    char *to = room(json, size + 3);
    if (to != NULL) {
        to[0] = '"';
        memcpy(to + 1, name, size);
        to[size + 1] = '"';
        to[size + 2] = ':';
        json->size += size + 3;
    }
}

static void escaped(struct tare__json_text *json, const char *string)
{
    append(json, "\"", 1);
    while (*string != '\0') {
        uint32_t code_point = 0;
        size_t size = tare__utf8_decode(string, &code_point);
        if (size == 0) {
            append(json, "\xef\xbf\xbd", 3);
            string++;
        } else if (code_point == '"' || code_point == '\\') {
            const char pair[2] = {'\\', *string++};
            append(json, pair, sizeof(pair));
        } else if (code_point < 0x20 || code_point == 0x7f) {
            char escape[8];
            snprintf(escape, sizeof(escape), "\\u%04x", (unsigned)code_point);
            append(json, escape, 6);
            string++;
        } else {
            append(json, string, size);
            string += size;
        }
    }
    append(json, "\"", 1);
}

void tare__json_text_string(struct tare__json_text *json, const char *string)
{
    if (string == NULL) {
        tare__json_text_null(json);
        return;
    }
    comma(json);
    escaped(json, string);
}

void tare__json_text_colon(struct tare__json_text *json)
{
    append(json, ":", 1);
}

void tare__json_text_bool(struct tare__json_text *json, bool value)
{
    comma(json);
    append(json, value ? "true" : "false", value ? 4 : 5);
}

void tare__json_text_null(struct tare__json_text *json)
{
    comma(json);
    append(json, "null", 4);
}

/* Writes it from `end` towards the front, with zeros up to `least` digits; returns where it begins. */
static char *digits_before(char *end, uint64_t value, int least)
{
    while (value != 0 || least > 0) {
        *--end = (char)('0' + value % 10);
        value /= 10;
        least--;
    }
    return end;
}

void tare__json_text_count(struct tare__json_text *json, uint64_t value)
{
    char digits[MOST_DIGITS];
    char *first = digits_before(digits + sizeof(digits), value, 1);
    comma(json);
    append(json, first, (size_t)(digits + sizeof(digits) - first));
}

static void small_or_large(struct tare__json_text *json, double value)
{
    char text[40];
    size_t size = 0;
    snprintf(text, sizeof(text), "%.*g", DIGITS, value);
    for (const char *from = text; *from != '\0'; from++) {
        if (strchr("0123456789+-e", *from) != NULL) {
            text[size++] = *from;
        } else if (size == 0 || text[size - 1] != '.') { /* the locale's point, of one byte or several */
            text[size++] = '.';
        }
    }
    append(json, text, size);
}

void tare__json_text_number(struct tare__json_text *json, double value)
{
    static const uint64_t powers[] = {1,
                                      10,
                                      100,
                                      1000,
                                      10000,
                                      100000,
                                      1000000,
                                      10000000,
                                      100000000,
                                      1000000000,
                                      10000000000,
                                      100000000000,
                                      1000000000000,
                                      10000000000000,
                                      100000000000000,
                                      1000000000000000};
    double size = fabs(value);
    if (!isfinite(value)) {
        tare__json_text_null(json);
        return;
    }
    comma(json);
    if (size != 0 && !(size >= 1e-3 && size < 1e15)) {
        small_or_large(json, value);
        return;
    }
    uint64_t whole = (uint64_t)size;
    int places =
        whole == 0 ? DIGITS + 3 : DIGITS; /* behind the point; the smallest begins with two zeros there */
    while (places > 0 && whole != 0 && whole >= powers[DIGITS - places]) {
        places--;
    }
    uint64_t rest = (uint64_t)llrint((size - (double)whole) * (double)powers[places]);
    whole += rest / powers[places]; /* 0.9999... became 1 */
    rest %= powers[places];
    while (places > 0 && rest % 10 == 0) {
        rest /= 10;
        places--;
    }
    char text[2 * MOST_DIGITS + 2];
    char *end = text + sizeof(text), *first = digits_before(end, rest, places);
    if (places > 0) {
        *--first = '.';
    }
    first = digits_before(first, whole, 1);
    if (value < 0) {
        *--first = '-';
    }
    append(json, first, (size_t)(end - first));
}

char *tare__json_text_end(struct tare__json_text *json, size_t *size)
{
    char *text = NULL;
    append(json, "", 1);
    if (json->failed) {
        free(json->text);
    } else {
        text = json->text;
        *size = json->size - 1;
    }
    *json = (struct tare__json_text){0};
    return text;
}
