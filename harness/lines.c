/* SPDX-License-Identifier: MIT */
/* The lines of lines.h, read. A line is copied, so that it ends with NUL, and cut into words. */
#include "harness/lines.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DIGITS_MAX = 19 }; /* of a number, before and behind its point: they fit 64 bits */

#define AMOUNT_END 9007199254740992.0 /* 2^53 */

struct parser {
    struct bench_list *list; /* what is filled: one of the two */
    struct bench_block *block;
    size_t room; /* for elements of its array */
    size_t line; /* the number of the one at hand, from 1 */
    char *rest;  /* of it */
    bool ended;
    char *message;
    size_t message_size;
};

static int refuse(const struct parser *parser, const char *format, ...) __attribute__((format(printf, 2, 3)));

static int refuse(const struct parser *parser, const char *format, ...)
{
    char what[BENCH_LINE_MAX];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(what, sizeof(what), format, arguments);
    va_end(arguments);
    snprintf(parser->message, parser->message_size, "line %zu: %s", parser->line, what);
    return -EINVAL;
}

static const char *next_word(struct parser *parser)
{
    return parser->rest != NULL ? strsep(&parser->rest, " ") : NULL;
}

/* A whole number up to `max`, written in digits alone. */
static bool whole_number(const char *word, uint64_t max, uint64_t *value)
{
    if (word == NULL || *word < '0' || *word > '9' || strlen(word) > DIGITS_MAX) {
        return false;
    }
    char *end;
    *value = strtoull(word, &end, 10);
    return *end == '\0' && *value <= max;
}

/* Digits, perhaps with a minus before and a point between them, whatever the locale. */
static bool decimal_number(const char *word, double *value)
{
    if (word == NULL) {
        return false;
    }
    bool negative = *word == '-';
    uint64_t digits = 0;
    double scale = 1;
    unsigned count = 0;
    bool point = false, digit_last = false;
    for (word += negative; *word != '\0'; word++) {
        digit_last = *word >= '0' && *word <= '9';
        if (digit_last) {
            digits = digits * 10 + (uint64_t)(*word - '0');
            scale *= point ? 10 : 1;
            count++;
        } else if (*word == '.' && !point && count > 0) {
            point = true;
        } else {
            return false;
        }
        if (count > DIGITS_MAX) {
            return false;
        }
    }
    *value = (negative ? -(double)digits : (double)digits) / scale;
    return digit_last;
}

/* Text that a terminal does not obey. */
static bool plain(const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text < ' ' || *text > '~') {
            return false;
        }
    }
    return true;
}

static bool is_name(const char *text)
{
    return text != NULL && *text != '\0' && strlen(text) < BENCH_NAME_MAX && plain(text);
}

/* The value of the word NAME=VALUE if that is what comes next, which is then taken; else NULL. */
static const char *next_setting(struct parser *parser, const char *name)
{
    size_t length = strlen(name);
    if (parser->rest == NULL || strncmp(parser->rest, name, length) != 0 || parser->rest[length] != '=') {
        return NULL;
    }
    return next_word(parser) + length + 1;
}

static bool take_args(struct bench_case *one, const char *text)
{
    char words[BENCH_NAME_MAX], *rest = words;
    if (!is_name(text)) {
        return false;
    }
    memcpy(words, text, strlen(text) + 1);
    while (rest != NULL) {
        if (one->arg_count == BENCH_ARGS_MAX ||
            !decimal_number(strsep(&rest, ","), &one->args[one->arg_count])) {
            return false;
        }
        one->arg_count++;
    }
    return true;
}

static bool known_case(const struct bench_list *list, const char *name)
{
    for (size_t i = 0; i + 1 < list->count; i++) {
        if (list->cases[i].name != NULL && strcmp(list->cases[i].name, name) == 0) {
            return true;
        }
    }
    return false;
}

/* Room for one element more in an array of the parser's; NULL without memory. */
static void *grown(struct parser *parser, void *array, size_t count, size_t size)
{
    if (count < parser->room) {
        return array;
    }
    size_t room = parser->room != 0 ? 2 * parser->room : 16;
    void *result = realloc(array, room * size);
    if (result != NULL) {
        parser->room = room;
    }
    return result;
}

static int parse_case(struct parser *parser)
{
    struct bench_list *list = parser->list;
    uint64_t number, threads, line;
    if (list->count == BENCH_CASES_MAX) {
        return refuse(parser, "more than %d cases", BENCH_CASES_MAX);
    }
    if (!whole_number(next_word(parser), BENCH_CASES_MAX, &number) || number != list->count) {
        return refuse(parser, "not the number of the next case");
    }
    struct bench_case *cases = grown(parser, list->cases, list->count, sizeof(*cases));
    if (cases == NULL) {
        return -ENOMEM;
    }
    list->cases = cases;
    struct bench_case *one = &cases[list->count++];
    *one = (struct bench_case){.name = NULL};
    const char *name = next_word(parser);
    if (!is_name(name) || known_case(list, name)) {
        return refuse(parser, "no new name of a case");
    }
    one->name = strdup(name);
    if (!whole_number(next_setting(parser, "threads"), UINT16_MAX, &threads) || threads == 0) {
        return refuse(parser, "no number of threads");
    }
    one->threads = (unsigned)threads;
    const char *args = next_setting(parser, "args");
    if (args != NULL && !take_args(one, args)) {
        return refuse(parser, "no arguments of a case");
    }
    const char *bench = next_setting(parser, "bench");
    if (!is_name(bench)) {
        return refuse(parser, "no name of a benchmark");
    }
    one->bench = strdup(bench);
    if (!whole_number(next_setting(parser, "line"), UINT32_MAX, &line)) {
        return refuse(parser, "no line of the source");
    }
    one->line = (unsigned)line;
    if (parser->rest != NULL && strncmp(parser->rest, "file=", 5) == 0) {
        if (parser->rest[5] == '\0' || !plain(parser->rest + 5)) {
            return refuse(parser, "no file of the source");
        }
        one->file = strdup(parser->rest + 5);
        parser->rest = NULL;
        return one->name != NULL && one->bench != NULL && one->file != NULL ? 0 : -ENOMEM;
    }
    return one->name != NULL && one->bench != NULL ? 0 : -ENOMEM;
}

static int parse_sample(struct parser *parser)
{
    struct bench_block *block = parser->block;
    struct bench_sample sample;
    if (block->sample_count == BENCH_SAMPLES_MAX) {
        return refuse(parser, "more than %d samples", BENCH_SAMPLES_MAX);
    }
    if (!whole_number(next_word(parser), INT64_MAX, &sample.iterations) || sample.iterations == 0 ||
        !decimal_number(next_word(parser), &sample.ns)) {
        return refuse(parser, "no sample");
    }
    struct bench_sample *samples = grown(parser, block->samples, block->sample_count, sizeof(*samples));
    if (samples == NULL) {
        return -ENOMEM;
    }
    block->samples = samples;
    samples[block->sample_count++] = sample;
    return 0;
}

static int parse_count(struct parser *parser)
{
    struct bench_block *block = parser->block;
    const char *name = next_word(parser);
    if (block->count_count == BENCH_COUNTS_MAX) {
        return refuse(parser, "more than %d counts", BENCH_COUNTS_MAX);
    }
    struct bench_count *count = &block->counts[block->count_count];
    if (!is_name(name) || strlen(name) >= sizeof(count->name)) {
        return refuse(parser, "no name of a count");
    }
    for (size_t i = 0; i < block->count_count; i++) {
        if (strcmp(block->counts[i].name, name) == 0) {
            return refuse(parser, "'%s' for the second time", name);
        }
    }
    double value;
    if (!decimal_number(next_word(parser), &value)) {
        return refuse(parser, "no number of '%s'", name);
    }
    *count = (struct bench_count){.per_iteration = value};
    memcpy(count->name, name, strlen(name) + 1);
    block->count_count++;
    return 0;
}

static int parse_failed(struct parser *parser)
{
    if (parser->rest == NULL || *parser->rest == '\0' || !plain(parser->rest)) {
        return refuse(parser, "no reason of a failure");
    }
    if (parser->list != NULL) {
        snprintf(parser->message, parser->message_size, "%s", parser->rest);
        return -EINVAL;
    }
    if (parser->block->failed != NULL) {
        return refuse(parser, "'failed' for the second time");
    }
    parser->block->failed = strdup(parser->rest);
    parser->rest = NULL;
    return parser->block->failed != NULL ? 0 : -ENOMEM;
}

/* One of the lines that are a word and a number. Returns 1 if `word` is none of them. */
static int parse_figure(struct parser *parser, const char *word)
{
    struct bench_block *block = parser->block;
    const struct {
        const char *word;
        double *value;
        bool amount; /* not below 0, and exact */
    } figures[] = {
        {"first", &block->first_ns, false}, {"loop", &block->loop_ns, false},
        {"bytes", &block->bytes, false},    {"items", &block->items, false},
        {"wait", &block->wait_ns, true},    {"migrations", &block->migrations, true},
        {"cpu", &block->cpu_ns, true},      {"involuntary", &block->involuntary, true},
    };
    for (size_t i = 0; i < sizeof(figures) / sizeof(figures[0]); i++) {
        if (strcmp(word, figures[i].word) != 0) {
            continue;
        }
        if (!isnan(*figures[i].value)) {
            return refuse(parser, "'%s' for the second time", figures[i].word);
        }
        double value;
        if (!decimal_number(next_word(parser), &value) ||
            (figures[i].amount && !(value >= 0 && value < AMOUNT_END))) {
            return refuse(parser, "no number of '%s'", figures[i].word);
        }
        *figures[i].value = value;
        return 0;
    }
    return 1;
}

static int parse_version(struct parser *parser)
{
    uint64_t version;
    const char *word = next_word(parser);
    if (word == NULL || strcmp(word, "tare-bench") != 0 ||
        !whole_number(next_word(parser), UINT32_MAX, &version)) {
        return refuse(parser, "not from a benchmark program");
    }
    if (version != BENCH_LINES_VERSION) {
        return refuse(parser, "version %llu, and this tare reads %d", (unsigned long long)version,
                      BENCH_LINES_VERSION);
    }
    return 0;
}

/* Words of ours that a list or a block has not: who mixes them up is not merely newer. */
static bool is_of_other_job(const struct parser *parser, const char *word)
{
    return parser->block != NULL ? strcmp(word, "case") == 0
                                 : strcmp(word, "sample") == 0 || strcmp(word, "count") == 0;
}

static int parse_line(struct parser *parser)
{
    if (parser->line == 1) {
        return parse_version(parser);
    }
    if (parser->ended) {
        return refuse(parser, "something behind the end");
    }
    const char *word = next_word(parser);
    if (word != NULL && strcmp(word, "end") == 0) {
        parser->ended = true;
        return 0;
    }
    if (word != NULL && strcmp(word, "failed") == 0) {
        return parse_failed(parser);
    }
    if (word != NULL && parser->block != NULL && strcmp(word, "with") == 0) {
        parser->block->with = true;
        return 0;
    }
    int failure = 1;
    if (word != NULL && parser->list != NULL) {
        failure = strcmp(word, "case") == 0 ? parse_case(parser) : 1;
    } else if (word != NULL) {
        failure = strcmp(word, "sample") == 0  ? parse_sample(parser)
                  : strcmp(word, "count") == 0 ? parse_count(parser)
                                               : parse_figure(parser, word);
    }
    if (failure != 1) {
        return failure;
    }
    return is_name(word) && !is_of_other_job(parser, word) ? 0 : refuse(parser, "not a line of this job");
}

static int parse(struct parser *parser, const char *text, size_t size)
{
    while (size != 0) {
        const char *end = memchr(text, '\n', size);
        if (end == NULL) {
            break;
        }
        size_t length = (size_t)(end - text);
        parser->line++;
        char line[BENCH_LINE_MAX];
        if (length >= sizeof(line) || memchr(text, '\0', length) != NULL) {
            return refuse(parser, "too long, or not text");
        }
        memcpy(line, text, length);
        line[length] = '\0';
        parser->rest = line;
        int failure = parse_line(parser); /* words that it leaves are a newer program's */
        if (failure != 0) {
            return failure;
        }
        text = end + 1;
        size -= length + 1;
    }
    return 0;
}

int bench_lines_list(const char *text, size_t size, struct bench_list *list, char *message, size_t message_size)
{
    struct parser parser = {.list = list, .message = message, .message_size = message_size};
    *list = (struct bench_list){.count = 0};
    int failure = parse(&parser, text, size);
    if (failure == 0 && !parser.ended) {
        snprintf(message, message_size, "%s",
                 parser.line == 0 ? "not from a benchmark program" : "the list has no end");
        failure = -EINVAL;
    }
    return failure;
}

int bench_lines_block(const char *text, size_t size, struct bench_block *block, char *message,
                      size_t message_size)
{
    struct parser parser = {.block = block, .message = message, .message_size = message_size};
    *block = (struct bench_block){.first_ns = NAN,
                                  .loop_ns = NAN,
                                  .bytes = NAN,
                                  .items = NAN,
                                  .wait_ns = NAN,
                                  .cpu_ns = NAN,
                                  .migrations = NAN,
                                  .involuntary = NAN};
    int failure = parse(&parser, text, size);
    block->complete = failure == 0 && parser.ended;
    return failure;
}

void bench_list_release(struct bench_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        free(list->cases[i].name);
        free(list->cases[i].bench);
        free(list->cases[i].file);
    }
    free(list->cases);
    *list = (struct bench_list){.count = 0};
}

void bench_block_release(struct bench_block *block)
{
    free(block->samples);
    free(block->failed);
    *block = (struct bench_block){.complete = false};
}
