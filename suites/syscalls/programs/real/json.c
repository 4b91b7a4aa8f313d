/* SPDX-License-Identifier: MIT */
/*
 * json < TEXT: reads a document of JSON and writes it with sorted keys, one value in a line; numbers as printf makes them of
 * doubles. A real program's mixture for the sandbox: recursion, many small allocations, floating point, and errors that
 * have a place.
 */
#include <ctype.h>
#include <math.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DEPTH_MAX = 200 };
enum kind { NOTHING, NO, YES, NUMBER, STRING, LIST, OBJECT };

struct value {
    enum kind kind;
    double number;
    char *text; /* of a string, and the key within an object */
    size_t text_size;
    char *key;
    struct value *first, *next;
    size_t order; /* where it stood: equal keys stay as they were */
};

static const char *text, *at, *end;

static void stop(const char *format, ...)
{
    size_t line = 1, column = 1;
    for (const char *c = text; c < at; c++) {
        column = *c == '\n' ? 1 : column + 1;
        line += *c == '\n';
    }
    va_list arguments;
    va_start(arguments, format);
    fprintf(stderr, "json: %zu:%zu: ", line, column);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    _Exit(1); /* what was made so far is nobody's: no leak to be looked for */
}

static void *get_memory(size_t size)
{
    void *memory = calloc(1, size);
    if (memory == NULL) {
        stop("out of memory");
    }
    return memory;
}

static void skip_blanks(void)
{
    while (at < end && (*at == ' ' || *at == '\t' || *at == '\n' || *at == '\r')) {
        at++;
    }
}

static bool take(char c)
{
    skip_blanks();
    if (at < end && *at == c) {
        at++;
        return true;
    }
    return false;
}

static void need(char c)
{
    if (!take(c)) {
        stop("'%c' is missing", c);
    }
}

static unsigned get_hex(void)
{
    unsigned value = 0;
    for (int i = 0; i < 4; i++, at++) {
        if (at == end || !isxdigit((unsigned char)*at)) {
            stop("four hexadecimal digits are missing");
        }
        unsigned char c = (unsigned char)*at;
        value = value * 16 + (unsigned)(c <= '9' ? c - '0' : (c | 32) - 'a' + 10);
    }
    return value;
}

static size_t put_utf8(char *to, unsigned code)
{
    if (code < 0x80) {
        to[0] = (char)code;
        return 1;
    }
    if (code < 0x800) {
        to[0] = (char)(0xc0 | code >> 6);
        to[1] = (char)(0x80 | (code & 63));
        return 2;
    }
    if (code < 0x10000) {
        to[0] = (char)(0xe0 | code >> 12);
        to[1] = (char)(0x80 | (code >> 6 & 63));
        to[2] = (char)(0x80 | (code & 63));
        return 3;
    }
    to[0] = (char)(0xf0 | code >> 18);
    to[1] = (char)(0x80 | (code >> 12 & 63));
    to[2] = (char)(0x80 | (code >> 6 & 63));
    to[3] = (char)(0x80 | (code & 63));
    return 4;
}

static size_t get_escape(char *to)
{
    static const char from[] = "\"\\/bfnrt", means[] = "\"\\/\b\f\n\r\t";
    if (at == end) {
        stop("the text ends in a string");
    }
    char c = *at++;
    if (c != 'u') {
        const char *which = c != '\0' ? strchr(from, c) : NULL;
        if (which == NULL) {
            stop("'\\%c' is no escape", c);
        }
        *to = means[which - from];
        return 1;
    }
    unsigned code = get_hex();
    if (code >= 0xd800 && code < 0xdc00 && end - at > 2 && at[0] == '\\' && at[1] == 'u') {
        at += 2;
        unsigned low = get_hex();
        if (low < 0xdc00 || low > 0xdfff) {
            stop("half a pair of surrogates");
        }
        code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
    } else if (code >= 0xd800 && code < 0xe000) {
        stop("half a pair of surrogates");
    }
    return put_utf8(to, code);
}

static char *get_string(size_t *size)
{
    need('"');
    const char *from = at;
    while (at < end && *at != '"') {
        at += *at == '\\' && at + 1 < end ? 2 : 1;
    }
    char *string = get_memory((size_t)(at - from) + 5), *to = string;
    for (at = from; at < end && *at != '"';) {
        if ((unsigned char)*at < ' ') {
            stop("a control character in a string");
        }
        if (*at == '\\') {
            at++;
            to += get_escape(to);
        } else {
            *to++ = *at++;
        }
    }
    if (at == end) {
        stop("the text ends in a string");
    }
    at++;
    *size = (size_t)(to - string);
    return string;
}

static double get_number(void)
{
    char number[64];
    size_t size = 0;
    while (at < end && size < sizeof(number) - 1 && *at != '\0' && strchr("+-.eE0123456789", *at) != NULL) {
        number[size++] = *at++;
    }
    number[size] = '\0';
    char *rest;
    double value = strtod(number, &rest);
    if (size == 0 || *rest != '\0' || !isfinite(value)) {
        at -= size;
        stop("neither a value nor its begin");
    }
    return value;
}

static bool take_word(const char *word)
{
    size_t size = strlen(word);
    if ((size_t)(end - at) >= size && memcmp(at, word, size) == 0) {
        at += size;
        return true;
    }
    return false;
}

static struct value *get_value(int depth);

static void get_members(struct value *value, int depth)
{
    struct value **last = &value->first;
    char close = value->kind == OBJECT ? '}' : ']';
    size_t count = 0;
    if (take(close)) {
        return;
    }
    do {
        char *key = NULL;
        if (value->kind == OBJECT) {
            size_t size;
            key = get_string(&size);
            need(':');
        }
        *last = get_value(depth + 1);
        (*last)->key = key;
        (*last)->order = count++;
        last = &(*last)->next;
    } while (take(','));
    need(close);
}

static struct value *get_value(int depth)
{
    struct value *value = get_memory(sizeof(*value));
    if (depth > DEPTH_MAX) {
        stop("nested deeper than %d", DEPTH_MAX);
    }
    skip_blanks();
    if (take('{')) {
        value->kind = OBJECT;
        get_members(value, depth);
    } else if (take('[')) {
        value->kind = LIST;
        get_members(value, depth);
    } else if (at < end && *at == '"') {
        value->kind = STRING;
        value->text = get_string(&value->text_size);
    } else if (take_word("null")) {
        value->kind = NOTHING;
    } else if (take_word("true")) {
        value->kind = YES;
    } else if (take_word("false")) {
        value->kind = NO;
    } else {
        value->kind = NUMBER;
        value->number = get_number();
    }
    return value;
}

static int by_key(const void *a, const void *b)
{
    const struct value *one = *(struct value *const *)a, *other = *(struct value *const *)b;
    int order = strcmp(one->key, other->key);
    return order != 0 ? order : (one->order > other->order) - (one->order < other->order);
}

static void sort_members(struct value *object)
{
    size_t count = 0;
    for (struct value *member = object->first; member != NULL; member = member->next) {
        count++;
    }
    struct value **members = get_memory((count + 1) * sizeof(struct value *));
    count = 0;
    for (struct value *member = object->first; member != NULL; member = member->next) {
        members[count++] = member;
    }
    qsort(members, count, sizeof(struct value *), by_key);
    struct value **last = &object->first;
    for (size_t i = 0; i < count; i++) {
        *last = members[i];
        last = &members[i]->next;
    }
    *last = NULL;
    free(members);
}

static void print_string(const char *string, size_t size)
{
    putchar('"');
    for (size_t i = 0; i < size; i++) {
        unsigned char c = (unsigned char)string[i];
        if (c == '"' || c == '\\') {
            printf("\\%c", c);
        } else if (c < ' ') {
            printf("\\u%04x", c);
        } else {
            putchar(c);
        }
    }
    putchar('"');
}

static void print(struct value *value, int depth)
{
    static const char *const words[] = {[NOTHING] = "null", [NO] = "false", [YES] = "true"};
    switch (value->kind) {
    case NUMBER:
        printf("%.17g", value->number);
        return;
    case STRING:
        print_string(value->text, value->text_size);
        return;
    case LIST:
    case OBJECT:
        break;
    default:
        fputs(words[value->kind], stdout);
        return;
    }
    if (value->kind == OBJECT) {
        sort_members(value);
    }
    putchar(value->kind == OBJECT ? '{' : '[');
    for (struct value *member = value->first; member != NULL; member = member->next) {
        printf("%s\n%*s", member == value->first ? "" : ",", 2 * depth + 2, "");
        if (member->key != NULL) {
            print_string(member->key, strlen(member->key));
            fputs(": ", stdout);
        }
        print(member, depth + 1);
    }
    if (value->first != NULL) {
        printf("\n%*s", 2 * depth, "");
    }
    putchar(value->kind == OBJECT ? '}' : ']');
}

int main(void)
{
    size_t size = 0, room = 0, got;
    char *all = NULL;
    do {
        if (size == room) {
            room = room == 0 ? 4096 : 2 * room;
            all = realloc(all, room);
            if (all == NULL) {
                fprintf(stderr, "json: out of memory\n");
                return 1;
            }
        }
        got = fread(all + size, 1, room - size, stdin);
        size += got;
    } while (got > 0);
    text = at = all;
    end = all + size;
    static struct value *value; /* it is never freed, and always known */
    value = get_value(0);
    skip_blanks();
    if (at != end) {
        stop("something stands behind the document");
    }
    print(value, 0);
    putchar('\n');
    return fflush(stdout) == 0 ? 0 : 1;
}
