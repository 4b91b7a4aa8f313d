/* SPDX-License-Identifier: MIT */
/*
 * Reads a budget with inih, line by line through a reader of our own: inih tells its handler no line numbers,
 * cuts the names of sections at 49 bytes and lines at 200, does not mind keys and sections that are there
 * twice, and takes an indented line for more of the value before. So the reader counts the lines and gives them
 * to inih without what surrounds them; the names of sections it keeps to itself, whole.
 *
 * The first problem ends the reading. What a section says in all is looked at when every line was read.
 */
#include "result/budget.h"

#include <errno.h>
#include <locale.h>
#include <math.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "result/grow.h"

#if defined(TARE_HAVE_INIH) && TARE_HAVE_INIH
#include <ini.h>
#endif

const char *const tare_budget_keys[] = {
    "at-most", "at-least", "target", "critical", "relative-to", "informational", NULL,
};
/* Their indices; the first three are targets. */
enum { KEY_AT_MOST, KEY_AT_LEAST, KEY_TARGET, KEY_CRITICAL, KEY_RELATIVE_TO, KEY_INFORMATIONAL, KEYS };

void tare_budget_free(struct tare_budget *budget)
{
    if (budget == NULL) {
        return;
    }
    for (size_t i = 0; i < budget->count; i++) {
        free(budget->entries[i].metric);
        free(budget->entries[i].target.text);
        free(budget->entries[i].critical.text);
        free(budget->entries[i].relative_to);
    }
    free(budget->entries);
    free(budget);
}

#if defined(TARE_HAVE_INIH) && TARE_HAVE_INIH

struct parser {
    const char *text;
    size_t size, at;
    size_t line;
    struct tare_budget *budget;
    size_t key_lines[KEYS]; /* of the section that is being read; 0: not there */
    locale_t c_locale;      /* numbers have a point, whatever the user's locale is */
    int error;              /* 0 or -errno */
    struct tare_budget_problem *problem;
};

bool tare_budget_available(void)
{
    return true;
}

static bool complain_at(struct parser *p, size_t line, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static bool complain_at(struct parser *p, size_t line, const char *format, ...)
{
    if (p->error == 0) {
        p->error = -EINVAL;
        p->problem->line = line;
        va_list arguments;
        va_start(arguments, format);
        vsnprintf(p->problem->message, sizeof p->problem->message, format, arguments);
        va_end(arguments);
        for (char *c = p->problem->message; *c != '\0'; c++) {
            *c = (unsigned char)*c < 0x20 || *c == 0x7f ? '?' : *c;
        }
    }
    return false;
}

static bool out_of_memory(struct parser *p)
{
    if (p->error == 0) {
        p->error = -ENOMEM;
    }
    return false;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\v' || c == '\f';
}

/* Names */

static size_t put_utf8(char *to, uint32_t c)
{
    if (c < 0x80) {
        to[0] = (char)c;
        return 1;
    }
    size_t size = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    static const unsigned char marks[] = {0, 0, 0xc0, 0xe0, 0xf0};
    for (size_t i = size - 1; i > 0; i--, c >>= 6) {
        to[i] = (char)(0x80 | (c & 0x3f));
    }
    to[0] = (char)(marks[size] | c);
    return size;
}

/* The character that "\x1B", "\u202E" or "\U000E0001" stands for; moves *at behind it. 0: it is none. */
static uint32_t unescape(const char **at, const char *end)
{
    size_t digits = **at == 'x' ? 2 : **at == 'u' ? 4 : **at == 'U' ? 8 : 0;
    uint32_t c = 0;
    if (digits == 0 || (size_t)(end - *at) <= digits) {
        return 0;
    }
    for (size_t i = 1; i <= digits; i++) {
        static const char hexadecimal[] = "0123456789abcdef";
        char letter = (*at)[i] >= 'A' && (*at)[i] <= 'F' ? (char)((*at)[i] - 'A' + 'a') : (*at)[i];
        const char *digit = letter != '\0' ? strchr(hexadecimal, letter) : NULL;
        if (digit == NULL) {
            return 0;
        }
        c = c << 4 | (uint32_t)(digit - hexadecimal);
    }
    *at += digits + 1;
    return c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff) ? 0 : c;
}

/* The metric's name in the `size` bytes at `from`; NULL after a complaint. */
static char *read_name(struct parser *p, const char *from, size_t size)
{
    /* No escape is shorter than what it stands for. */
    char *name = malloc(size + 1);
    if (name == NULL) {
        out_of_memory(p);
        return NULL;
    }
    char *to = name;
    const char *end = from + size;
    while (from < end) {
        if (*from != '\\') {
            *to++ = *from++;
            continue;
        }
        from++;
        if (from < end && *from == '\\') {
            *to++ = *from++;
            continue;
        }
        uint32_t c = unescape(&from, end);
        if (c == 0) {
            complain_at(p, p->line,
                        "bad escape in a metric's name: \\\\ is a backslash, \\xHH, \\uHHHH and "
                        "\\UHHHHHHHH are characters");
            free(name);
            return NULL;
        }
        to += put_utf8(to, c);
    }
    *to = '\0';
    return name;
}

/* Numbers */

static const struct {
    const char *name;
    enum tare_budget_dimension dimension;
    double factor;
} units[] = {
    {"", TARE_BUDGET_PLAIN, 1},
    {"x", TARE_BUDGET_PLAIN, 1},
    {"%", TARE_BUDGET_PERCENT, 1}, /* of 100 */
    {"ns", TARE_BUDGET_TIME, 1},
    {"us", TARE_BUDGET_TIME, 1e3},
    {"\xc2\xb5s", TARE_BUDGET_TIME, 1e3}, /* micro sign */
    {"\xce\xbcs", TARE_BUDGET_TIME, 1e3}, /* mu */
    {"ms", TARE_BUDGET_TIME, 1e6},
    {"s", TARE_BUDGET_TIME, 1e9},
    {"B", TARE_BUDGET_BYTES, 1},
    {"kB", TARE_BUDGET_BYTES, 1e3},
    {"MB", TARE_BUDGET_BYTES, 1e6},
    {"GB", TARE_BUDGET_BYTES, 1e9},
    {"KiB", TARE_BUDGET_BYTES, 1024},
    {"MiB", TARE_BUDGET_BYTES, 1024.0 * 1024},
    {"GiB", TARE_BUDGET_BYTES, 1024.0 * 1024 * 1024},
    {"B/s", TARE_BUDGET_BYTE_RATE, 1},
    {"kB/s", TARE_BUDGET_BYTE_RATE, 1e3},
    {"MB/s", TARE_BUDGET_BYTE_RATE, 1e6},
    {"GB/s", TARE_BUDGET_BYTE_RATE, 1e9},
    {"KiB/s", TARE_BUDGET_BYTE_RATE, 1024},
    {"MiB/s", TARE_BUDGET_BYTE_RATE, 1024.0 * 1024},
    {"GiB/s", TARE_BUDGET_BYTE_RATE, 1024.0 * 1024 * 1024},
    {"/s", TARE_BUDGET_RATE, 1},
    {"k/s", TARE_BUDGET_RATE, 1e3},
    {"M/s", TARE_BUDGET_RATE, 1e6},
    {"G/s", TARE_BUDGET_RATE, 1e9},
};

/* How many bytes of `text` are a decimal number: [+-]digits[.digits][e[+-]digits]; 0: none. */
static size_t number_length(const char *text)
{
    static const char digits[] = "0123456789";
    size_t at = text[0] == '+' || text[0] == '-' ? 1 : 0;
    size_t whole = strspn(text + at, digits);
    at += whole;
    size_t fraction = text[at] == '.' ? strspn(text + at + 1, digits) : 0;
    at += text[at] == '.' ? 1 + fraction : 0;
    if (whole + fraction == 0) {
        return 0;
    }
    if (text[at] == 'e' || text[at] == 'E') {
        size_t sign = text[at + 1] == '+' || text[at + 1] == '-' ? 1 : 0;
        size_t exponent = strspn(text + at + 1 + sign, digits);
        at += exponent > 0 ? 1 + sign + exponent : 0;
    }
    return at;
}

static bool read_limit(struct parser *p, const char *value, struct tare_budget_limit *limit)
{
    size_t length = number_length(value);
    if (length == 0) {
        return complain_at(p, p->line, "'%.60s' does not begin with a number: '5.2 us', '95 %%', '3'", value);
    }
    const char *unit = value + length;
    while (is_blank(*unit)) {
        unit++;
    }
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        if (strcmp(unit, units[i].name) != 0) {
            continue;
        }
        /* It ends by itself where the number does: none of the units goes on as a number would. */
        limit->value = strtod_l(value, NULL, p->c_locale) * units[i].factor;
        limit->value /=
            units[i].dimension == TARE_BUDGET_PERCENT ? 100 : 1; /* 102 % is 1.02, to the last bit */
        if (!isfinite(limit->value)) {
            return complain_at(p, p->line, "'%.60s' is too large a number", value);
        }
        limit->dimension = units[i].dimension;
        limit->line = p->line;
        limit->text = strdup(value);
        return limit->text != NULL ? true : out_of_memory(p);
    }
    return complain_at(
        p, p->line,
        "unknown unit '%.40s' in '%.60s': one of ns, us, ms, s; B, kB, MB, GB, KiB, MiB, GiB, and "
        "these by the second, as MB/s; /s, k/s, M/s, G/s; %%, x, or none",
        unit, value);
}

/* Lines */

static bool begin_section(struct parser *p, const char *line, size_t size)
{
    if (line[size - 1] != ']') {
        return complain_at(p, p->line, "a section's line ends with ']', and nothing stands behind it");
    }
    if (size == 2) {
        return complain_at(p, p->line,
                           "a section without a metric's name: 'tare check RESULT --list-metrics' "
                           "lists them");
    }
    char *name = read_name(p, line + 1, size - 2);
    if (name == NULL) {
        return false;
    }
    struct tare_budget *budget = p->budget;
    struct tare_budget_entry *grown = tare__result_grow(budget->entries, budget->count, sizeof *grown);
    if (grown == NULL) {
        free(name);
        return out_of_memory(p);
    }
    budget->entries = grown;
    grown[budget->count++] = (struct tare_budget_entry){.metric = name, .line = p->line};
    memset(p->key_lines, 0, sizeof p->key_lines);
    return true;
}

/* Whether it begins a comment behind something else. */
static bool is_comment(const char *at, const char *start)
{
    return (*at == ';' || *at == '#') && at > start && is_blank(at[-1]);
}

/* As fgets(): the next line, ready for inih. */
static char *next_line(char *to, int room, void *stream)
{
    struct parser *p = stream;
    if (p->error != 0 || p->at == p->size) {
        return NULL;
    }
    const char *start = p->text + p->at;
    const char *newline = memchr(start, '\n', p->size - p->at);
    const char *end = newline != NULL ? newline : p->text + p->size;
    p->at = newline != NULL ? (size_t)(newline + 1 - p->text) : p->size;
    p->line++;
    if (p->line == 1 && end - start >= 3 && memcmp(start, "\xef\xbb\xbf", 3) == 0) {
        start += 3;
    }
    while (start < end && is_blank(*start)) {
        start++;
    }
    while (end > start && is_blank(end[-1])) {
        end--;
    }
    if (memchr(start, '\0', (size_t)(end - start)) != NULL) {
        complain_at(p, p->line, "a byte 0: this is no text");
        return NULL;
    }
    if (start < end && *start == '[') {
        return begin_section(p, start, (size_t)(end - start)) ? strcpy(to, "[s]\n") : NULL;
    }
    if (start < end && (*start == ';' || *start == '#')) {
        end = start;
    }
    for (const char *at = start; at < end; at++) {
        if (is_comment(at, start)) {
            for (end = at; is_blank(end[-1]); end--) { /* at least one: it is what makes it a comment */
            }
        }
    }
    size_t size = (size_t)(end - start);
    if (size + 2 > (size_t)room) {
        complain_at(p, p->line, "a line of more than %d characters", room - 2);
        return NULL;
    }
    memcpy(to, start, size);
    memcpy(to + size, "\n", 2);
    return to;
}

/* What was said before in the section that does not go with `key`. */
static bool agrees(struct parser *p, int key)
{
    if (p->key_lines[key] != 0) {
        return complain_at(p, p->line, "'%s' is there twice: it is in line %zu already", tare_budget_keys[key],
                           p->key_lines[key]);
    }
    for (int other = KEY_AT_MOST; key <= KEY_TARGET && other <= KEY_TARGET; other++) {
        if (p->key_lines[other] != 0 && (key == KEY_TARGET || other == KEY_TARGET)) {
            return complain_at(p, p->line, "two targets: '%s' is in line %zu already", tare_budget_keys[other],
                               p->key_lines[other]);
        }
        if (p->key_lines[other] != 0) {
            return complain_at(p, p->line,
                               "'%s' contradicts '%s' in line %zu: a metric's limits are all of one direction",
                               tare_budget_keys[key], tare_budget_keys[other], p->key_lines[other]);
        }
    }
    return true;
}

static bool read_relative_to(struct parser *p, const char *value, struct tare_budget_entry *entry)
{
    entry->relative_line = p->line;
    if (strcmp(value, "baseline") == 0) {
        entry->to_baseline = true;
        return true;
    }
    entry->relative_to = read_name(p, value, strlen(value));
    return entry->relative_to != NULL;
}

static bool read_yes_or_no(struct parser *p, const char *key, const char *value, bool *to)
{
    *to = strcmp(value, "yes") == 0;
    return *to || strcmp(value, "no") == 0
               ? true
               : complain_at(p, p->line, "'%s' is yes or no, not '%.60s'", key, value);
}

static bool read_key(struct parser *p, const char *name, const char *value)
{
    int key = 0;
    while (key < KEYS && strcmp(name, tare_budget_keys[key]) != 0) {
        key++;
    }
    if (key == KEYS) {
        complain_at(p, p->line, "unknown key '%.60s'", name);
        snprintf(p->problem->word, sizeof p->problem->word, "%s", name);
        return false;
    }
    if (p->budget->count == 0) {
        return complain_at(p, p->line, "'%s' before the first section: a line '[METRIC]' says what it is about",
                           name);
    }
    if (value[0] == '\0') {
        return complain_at(p, p->line, "'%s' has no value", name);
    }
    if (!agrees(p, key)) {
        return false;
    }
    p->key_lines[key] = p->line;
    struct tare_budget_entry *entry = &p->budget->entries[p->budget->count - 1];
    switch (key) {
    case KEY_AT_MOST:
    case KEY_AT_LEAST:
        entry->direction = key == KEY_AT_MOST ? TARE_BUDGET_AT_MOST : TARE_BUDGET_AT_LEAST;
        return read_limit(p, value, &entry->target);
    case KEY_TARGET:
        return read_limit(p, value, &entry->target);
    case KEY_CRITICAL:
        return read_limit(p, value, &entry->critical);
    case KEY_RELATIVE_TO:
        return read_relative_to(p, value, entry);
    default:
        return read_yes_or_no(p, name, value, &entry->informational);
    }
}

static int handle(void *user, const char *section, const char *name, const char *value)
{
    (void)section;
    struct parser *p = user;
    return p->error == 0 && read_key(p, name, value);
}

/* What a section says in all. */

static bool same_kind(enum tare_budget_dimension a, enum tare_budget_dimension b)
{
    return a == b || (a <= TARE_BUDGET_PERCENT && b <= TARE_BUDGET_PERCENT);
}

static bool check_entry(struct parser *p, struct tare_budget_entry *entry)
{
    const struct tare_budget_limit *target = &entry->target, *critical = &entry->critical;
    if (target->text == NULL && critical->text != NULL) {
        return complain_at(p, critical->line, "'critical' without a target: add at-most, at-least or target");
    }
    if (target->text == NULL) {
        return entry->informational
                   ? true
                   : complain_at(p, entry->line,
                                 "'[%.80s]' sets no limit: add at-most or at-least, or informational = yes",
                                 entry->metric);
    }
    if (critical->text != NULL && !same_kind(target->dimension, critical->dimension)) {
        return complain_at(p, critical->line, "'%.60s' is in another unit than the target, '%.60s'",
                           critical->text, target->text);
    }
    bool below = critical->text != NULL && critical->value < target->value;
    bool above = critical->text != NULL && critical->value > target->value;
    if (entry->direction == TARE_BUDGET_NO_LIMIT && !below && !above) {
        return complain_at(p, target->line,
                           "'target' has no direction: write at-most or at-least in its place, "
                           "or add a 'critical' beyond it");
    }
    if (entry->direction == TARE_BUDGET_NO_LIMIT) {
        entry->direction = above ? TARE_BUDGET_AT_MOST : TARE_BUDGET_AT_LEAST;
    }
    if (entry->direction == TARE_BUDGET_AT_MOST ? below : above) {
        return complain_at(p, critical->line, "contradictory: 'critical' is %s what is to be %s '%.60s'",
                           below ? "below" : "above", below ? "at most" : "at least", target->text);
    }
    return true;
}

static int by_metric(const void *a, const void *b)
{
    const struct tare_budget_entry *const *first = a;
    const struct tare_budget_entry *const *second = b;
    int order = strcmp((*first)->metric, (*second)->metric);
    return order != 0 ? order : ((*first)->line > (*second)->line) - ((*first)->line < (*second)->line);
}

/* Complains of the first section that is there again. */
static bool check_twice(struct parser *p)
{
    size_t count = p->budget->count;
    const struct tare_budget_entry **sorted = reallocarray(NULL, count + 1, sizeof *sorted);
    if (sorted == NULL) {
        return out_of_memory(p);
    }
    for (size_t i = 0; i < count; i++) {
        sorted[i] = &p->budget->entries[i];
    }
    qsort(sorted, count, sizeof *sorted, by_metric);
    size_t first = 0; /* index of the second of two, in `sorted` */
    for (size_t i = 1; i < count; i++) {
        if (strcmp(sorted[i - 1]->metric, sorted[i]->metric) == 0 &&
            (first == 0 || sorted[i]->line < sorted[first]->line)) {
            first = i;
        }
    }
    if (first != 0) {
        complain_at(p, sorted[first]->line, "'[%.80s]' is there twice: it is in line %zu already",
                    sorted[first]->metric, sorted[first - 1]->line);
    }
    free(sorted);
    return first == 0;
}

static void check_whole(struct parser *p)
{
    if (p->budget->count == 0) {
        complain_at(p, 0, "there is no section in it: a budget of nothing would pass whatever was measured");
        return;
    }
    if (!check_twice(p)) {
        return;
    }
    for (size_t i = 0; i < p->budget->count && check_entry(p, &p->budget->entries[i]); i++) {
    }
}

int tare_budget_parse(const char *text, size_t size, struct tare_budget **budget,
                      struct tare_budget_problem *problem)
{
    *problem = (struct tare_budget_problem){0};
    struct parser p = {.text = text, .size = size, .problem = problem};
    p.budget = calloc(1, sizeof *p.budget);
    p.c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    if (p.budget == NULL || p.c_locale == (locale_t)0) {
        p.error = -ENOMEM;
        goto out;
    }
    int got = ini_parse_stream(next_line, &p, handle, &p);
    if (got == -2) {
        out_of_memory(&p);
    }
    /* What inih itself did not understand; it goes on behind that, and we may have stopped later. */
    if (got > 0 && (p.error == 0 || (p.error == -EINVAL && (size_t)got < problem->line))) {
        p.error = 0;
        problem->word[0] = '\0';
        complain_at(&p, (size_t)got, "neither '[METRIC]' nor 'key = value'");
    }
    if (p.error == 0) {
        check_whole(&p);
    }
    if (p.error == 0) {
        *budget = p.budget;
        p.budget = NULL;
    }
out:
    if (p.c_locale != (locale_t)0) {
        freelocale(p.c_locale);
    }
    tare_budget_free(p.budget);
    return p.error;
}

#else

bool tare_budget_available(void)
{
    return false;
}

int tare_budget_parse(const char *text, size_t size, struct tare_budget **budget,
                      struct tare_budget_problem *problem)
{
    (void)text;
    (void)size;
    (void)budget;
    *problem = (struct tare_budget_problem){0};
    snprintf(problem->message, sizeof problem->message,
             "this tare was built without inih, which reads budgets");
    return -ENOSYS;
}

#endif
