/* SPDX-License-Identifier: MIT */
/*
 * Brings labels into one form, so that `y=1,x=2` and `x=2,y=1` are one instrument. Text that is no list of
 * labels is kept where everybody sees it, rather than dropped: two instruments that the program tells apart
 * would else be one.
 */
#include "runtime/labels.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

struct label {
    const char *text;
    size_t key_length, length;
};

size_t tare__utf8_printable(const unsigned char *s, size_t left)
{
    if (s[0] < 0x80) {
        return s[0] >= 0x20 && s[0] != 0x7f;
    }
    size_t size = s[0] >= 0xc2 && s[0] < 0xe0   ? 2
                  : s[0] >= 0xe0 && s[0] < 0xf0 ? 3
                  : s[0] >= 0xf0 && s[0] < 0xf5 ? 4
                                                : 0;
    if (size == 0 || size > left) {
        return 0;
    }
    for (size_t i = 1; i < size; i++) {
        if ((s[i] & 0xc0) != 0x80) {
            return 0;
        }
    }
    bool overlong = (s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xf0 && s[1] < 0x90);
    bool surrogate = s[0] == 0xed && s[1] >= 0xa0;
    bool too_large = s[0] == 0xf4 && s[1] >= 0x90;
    bool control = s[0] == 0xc2 && s[1] < 0xa0;
    return overlong || surrogate || too_large || control ? 0 : size;
}

static bool in_key(char c, bool first)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (!first && c >= '0' && c <= '9');
}

/* The label at the start of `length` bytes, up to its comma or the end. False: there is none. */
static bool label_at(const char *text, size_t length, struct label *label)
{
    size_t n = 0;
    while (n < length && in_key(text[n], n == 0)) {
        n++;
    }
    if (n == 0 || n == length || text[n] != '=') {
        return false;
    }
    *label = (struct label){.text = text, .key_length = n};
    for (n++; n < length && text[n] != ',';) {
        size_t size = tare__utf8_printable((const unsigned char *)text + n, length - n);
        if (size == 0) {
            return false;
        }
        n += size;
    }
    label->length = n;
    return true;
}

/* As strcmp, of the keys. */
static int compare_keys(const struct label *a, const struct label *b)
{
    size_t shorter = a->key_length < b->key_length ? a->key_length : b->key_length;
    int order = memcmp(a->text, b->text, shorter);
    return order != 0 ? order : (a->key_length > b->key_length) - (a->key_length < b->key_length);
}

/* Puts it among the `count` others, which are in order. False: there is one of this key. */
static bool insert(struct label *labels, size_t count, const struct label *label)
{
    size_t at = count;
    int order = 1;
    while (at > 0 && (order = compare_keys(&labels[at - 1], label)) > 0) {
        at--;
    }
    if (at > 0 && order == 0) {
        return false;
    }
    memmove(labels + at + 1, labels + at, (count - at) * sizeof(*labels));
    labels[at] = *label;
    return true;
}

/* How many labels the list has, now in their order; -1: it is none. */
static int parse(struct label labels[TARE__LABELS_MOST], const char *text, size_t length, bool declared)
{
    static const struct label kept = {.text = "labels", .key_length = sizeof("labels") - 1};
    int count = 0;
    for (size_t at = 0; at < length || count > 0; at++) { /* behind the comma, if there was one */
        struct label label;
        if (count == TARE__LABELS_MOST || !label_at(text + at, length - at, &label) ||
            (declared && compare_keys(&label, &kept) == 0) || !insert(labels, (size_t)count, &label)) {
            return -1;
        }
        count++;
        at += label.length;
        if (at == length) {
            break;
        }
    }
    return count;
}

/* Hexadecimal digits of `value`, `count` of them. */
static void put_hex(char *out, uint64_t value, int count)
{
    while (count > 0) {
        out[--count] = "0123456789ABCDEF"[value & 15];
        value >>= 4;
    }
}

/* FNV-1a, 64 bits (Fowler, Noll, Vo). */
static uint64_t hash(const char *text, size_t length)
{
    uint64_t h = UINT64_C(14695981039346656037);
    for (size_t i = 0; i < length; i++) {
        h = (h ^ (unsigned char)text[i]) * UINT64_C(1099511628211);
    }
    return h;
}

/* What is no list, as one label. */
static void write_as_value(char out[TARE__LABELS_BYTES + 1], const char *text, size_t length)
{
    enum { HASH = 1 + 16 }; /* '~' and digits */
    size_t used = sizeof("labels=") - 1, whole = used;
    memcpy(out, "labels=", used);
    for (size_t at = 0; at < length;) {
        size_t size = tare__utf8_printable((const unsigned char *)text + at, length - at);
        bool escaped = size == 0 || text[at] == ',' || text[at] == '%';
        size_t takes = escaped ? 3 : size;
        if (takes > TARE__LABELS_BYTES - used) {
            out[whole] = '~';
            put_hex(out + whole + 1, hash(text, length), 16);
            used = whole + HASH;
            break;
        }
        if (escaped) {
            out[used] = '%';
            put_hex(out + used + 1, (unsigned char)text[at], 2);
            size = 1;
        } else {
            memcpy(out + used, text + at, size);
        }
        at += size;
        used += takes;
        whole = used <= TARE__LABELS_BYTES - HASH ? used : whole;
    }
    out[used] = '\0';
}

void tare__labels_normal(char out[TARE__LABELS_BYTES + 1], const char *text, size_t length, bool declared)
{
    struct label labels[TARE__LABELS_MOST];
    int count = length <= TARE__LABELS_BYTES ? parse(labels, text, length, declared) : -1;
    if (count < 0) {
        write_as_value(out, text, length);
        return;
    }
    size_t used = 0;
    for (int i = 0; i < count; i++) {
        if (i > 0) {
            out[used++] = ',';
        }
        memcpy(out + used, labels[i].text, labels[i].length);
        used += labels[i].length;
    }
    out[used] = '\0';
}

static bool is_among(const char *name, const char *const *names, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (strcmp(name, names[i]) == 0) {
            return true;
        }
    }
    return false;
}

void tare__name_distinct(char out[TARE__NAME_BYTES + 1], const char *name, const char *const *before,
                         uint32_t count)
{
    char number[16], suffix[16] = "";
    snprintf(number, sizeof(number), "%u", count);
    name = *name != '\0' ? name : number;
    size_t length = strnlen(name, TARE__NAME_BYTES + 1);
    for (uint32_t n = 2;; n++) { /* ends: of count + 1 different ones, one is new */
        size_t room = TARE__NAME_BYTES - strlen(suffix), kept = length < room ? length : room;
        while (kept < length && kept > 0 && ((unsigned char)name[kept] & 0xc0) == 0x80) {
            kept--;
        }
        memcpy(out, name, kept);
        strcpy(out + kept, suffix);
        if (!is_among(out, before, count)) {
            return;
        }
        snprintf(suffix, sizeof(suffix), "#%u", n);
    }
}
