/* SPDX-License-Identifier: MIT */
#include "view/text.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "result/utf8.h"

void tare__grow_bytes(struct tare__grown *text, const char *bytes, size_t size)
{
    if (text->failed) {
        return;
    }
    if (text->capacity - text->size <= size) { /* room for a NUL, too */
        size_t capacity = (text->size + size + 1) * 2;
        char *data = realloc(text->data, capacity);
        if (data == NULL) {
            text->failed = true;
            return;
        }
        text->data = data;
        text->capacity = capacity;
    }
    memcpy(text->data + text->size, bytes, size);
    text->size += size;
    text->data[text->size] = '\0';
}

void tare__grow(struct tare__grown *text, const char *string)
{
    tare__grow_bytes(text, string, strlen(string));
}

void tare__grow_decimal(struct tare__grown *text, unsigned __int128 number, int decimals)
{
    char digits[64], *end = digits + sizeof(digits), *p = end;
    bool fraction = false;
    for (int i = 0; i < decimals; i++, number /= 10) {
        if (number % 10 != 0 || fraction) {
            *--p = (char)('0' + (int)(number % 10));
            fraction = true;
        }
    }
    if (fraction) {
        *--p = '.';
    }
    do {
        *--p = (char)('0' + (int)(number % 10));
        number /= 10;
    } while (number > 0);
    tare__grow_bytes(text, p, (size_t)(end - p));
}

void tare__grow_number(struct tare__grown *text, double value, bool point)
{
    char digits[48];
    if (!isfinite(value)) {
        tare__grow(text, isnan(value) ? "NaN" : value > 0 ? "+Inf" : "-Inf");
        return;
    }
    for (int precision = 15; precision <= 17; precision++) {
        snprintf(digits, sizeof(digits), "%.*g", precision, value);
        if (strtod(digits, NULL) == value) {
            break;
        }
    }
    size_t plain = strspn(digits, "-0123456789");
    if (digits[plain] != '\0' && digits[plain] != 'e') {
        digits[plain] = '.'; /* the locale's: of one byte, or cut to one */
        size_t more = strcspn(digits + plain + 1, "0123456789");
        memmove(digits + plain + 1, digits + plain + 1 + more, strlen(digits + plain + 1 + more) + 1);
    }
    tare__grow(text, digits);
    if (point && digits[plain] == '\0') {
        tare__grow(text, ".0");
    }
}

char *tare__grown_steal(struct tare__grown *text)
{
    if (text->failed) {
        free(text->data);
        return NULL;
    }
    return text->data != NULL ? text->data : strdup("");
}

static size_t shown_next(const char *text, uint32_t *code_point)
{
    size_t taken = tare__utf8_decode(text, code_point);
    if (taken == 0) {
        *code_point = 0xfffd;
        return 1;
    }
    return taken;
}

static bool shown_the_same(const char *one, const char *two)
{
    while (*one != '\0' && *two != '\0') {
        uint32_t a, b;
        one += shown_next(one, &a);
        two += shown_next(two, &b);
        if (a != b) {
            return false;
        }
    }
    return *one == *two;
}

/* How many of the first `count` names are shown as `name`. */
static size_t times_named(char *const *names, size_t count, const char *name)
{
    size_t times = 0;
    for (size_t i = 0; i < count; i++) {
        times += shown_the_same(names[i], name);
    }
    return times;
}

/* Names with different words before the mark differ; those with the same words get one free number after another. */
char *tare__distinct_name(char *const *names, size_t count, size_t at, const char *mark)
{
    const char *name = names[at];
    size_t before = times_named(names, at, name) + (*name == '\0');
    if (before == 0) {
        return strdup(name);
    }
    for (size_t number = *name == '\0' ? 1 : 2;; number++) {
        char *made = NULL;
        if (asprintf(&made, "%s%s%zu", name, mark, number) < 0) {
            return NULL;
        }
        if (times_named(names, count, made) == 0 && --before == 0) {
            return made;
        }
        free(made);
    }
}
