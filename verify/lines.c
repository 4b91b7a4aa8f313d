/* SPDX-License-Identifier: MIT */
/* The lines of lines.h, read. A line is copied, so that it ends with NUL, and cut into words. */
#include "verify/lines.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const verify_class_names[VERIFY_CLASSES] = {"single", "nest", "other"};

struct parser {
    struct verify_run *run;
    size_t line; /* the number of the one at hand, from 1 */
    char *rest;  /* of it */
    char *message;
    size_t message_size;
};

static int refuse(const struct parser *parser, const char *format, ...) __attribute__((format(printf, 2, 3)));

static int refuse(const struct parser *parser, const char *format, ...)
{
    char what[128];
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
static bool next_number(struct parser *parser, uint64_t max, uint64_t *value)
{
    const char *word = next_word(parser);
    if (word == NULL || *word < '0' || *word > '9' || strlen(word) > 19) {
        return false;
    }
    char *end;
    *value = strtoull(word, &end, 10);
    return *end == '\0' && *value <= max;
}

/* A name is shown to people: letters, digits and hyphens. */
static bool next_name(struct parser *parser, char name[VERIFY_NAME_MAX])
{
    const char *word = next_word(parser);
    size_t length = word != NULL ? strlen(word) : 0;
    if (length == 0 || length >= VERIFY_NAME_MAX ||
        strspn(word, "abcdefghijklmnopqrstuvwxyz0123456789-") != length) {
        return false;
    }
    memcpy(name, word, length + 1);
    return true;
}

static struct verify_rung *find_rung(struct verify_run *run, const char *name)
{
    for (size_t i = 0; i < run->rung_count; i++) {
        if (strcmp(run->rungs[i].name, name) == 0) {
            return &run->rungs[i];
        }
    }
    return NULL;
}

static int parse_cpus(struct parser *parser)
{
    struct verify_run *run = parser->run;
    const char *first = next_word(parser), *second = next_word(parser);
    char end;
    if (first == NULL || second == NULL || sscanf(first, "%5d%c", &run->cpu, &end) != 1 ||
        sscanf(second, "%5d%c", &run->second_cpu, &end) != 1 || run->cpu < -1 || run->second_cpu < -1) {
        return refuse(parser, "no two processors");
    }
    return 0;
}

static int parse_ring(struct parser *parser)
{
    struct verify_ring ring = {.bytes = 0};
    const char *how;
    if (!next_name(parser, ring.name) || !next_number(parser, INT64_MAX, &ring.bytes) || ring.bytes == 0 ||
        (how = next_word(parser)) == NULL || (strcmp(how, "known") != 0 && strcmp(how, "assumed") != 0)) {
        return refuse(parser, "no ring");
    }
    ring.known = strcmp(how, "known") == 0;
    for (size_t i = 0; i < VERIFY_LEVELS_MAX; i++) {
        if (parser->run->rings[i].bytes == 0) {
            parser->run->rings[i] = ring;
            return 0;
        }
    }
    return refuse(parser, "more than %d rings", VERIFY_LEVELS_MAX);
}

static int parse_rung(struct parser *parser)
{
    struct verify_run *run = parser->run;
    if (run->rung_count == VERIFY_RUNGS_MAX) {
        return refuse(parser, "more than %d rungs", VERIFY_RUNGS_MAX);
    }
    struct verify_rung *rung = &run->rungs[run->rung_count];
    if (!next_name(parser, rung->name) || find_rung(run, rung->name) != NULL) {
        return refuse(parser, "no new name of a rung");
    }
    const char *word = next_word(parser);
    unsigned class = 0;
    while (class < VERIFY_CLASSES && (word == NULL || strcmp(word, verify_class_names[class]) != 0)) {
        class ++;
    }
    if (class == VERIFY_CLASSES) {
        return refuse(parser, "no class of a rung");
    }
    rung->class = class;
    while (parser->rest != NULL) {
        if (rung->levels == VERIFY_LEVELS_MAX || !next_name(parser, rung->level_name[rung->levels])) {
            return refuse(parser, "no name of a timer");
        }
        rung->levels++;
    }
    if (rung->levels == 0) {
        return refuse(parser, "a rung without timers");
    }
    run->rung_count++;
    return 0;
}

static int parse_skip(struct parser *parser)
{
    char name[VERIFY_NAME_MAX];
    struct verify_rung *rung = next_name(parser, name) ? find_rung(parser->run, name) : NULL;
    if (rung == NULL || parser->rest == NULL || *parser->rest == '\0') {
        return refuse(parser, "no rung, or no reason to skip it");
    }
    for (const char *c = parser->rest; *c != '\0'; c++) {
        if (*c < ' ' || *c > '~') {
            return refuse(parser, "a reason that cannot be printed");
        }
    }
    snprintf(rung->skipped, sizeof(rung->skipped), "%s", parser->rest);
    parser->rest = NULL;
    return 0;
}

static bool next_counts(struct parser *parser, struct verify_counts *counts)
{
    const uint64_t max = INT64_MAX;
    return next_number(parser, max, &counts->bare_calls) && counts->bare_calls != 0 &&
           next_number(parser, max, &counts->bare_ns) && counts->bare_ns != 0 &&
           next_number(parser, max, &counts->calls) && next_number(parser, counts->calls, &counts->outermost) &&
           counts->outermost != 0 && next_number(parser, max, &counts->ticks) &&
           next_number(parser, max, &counts->within) && next_number(parser, max, &counts->closeness) &&
           next_number(parser, counts->within, &counts->uncounted);
}

static int parse_pair(struct parser *parser)
{
    struct verify_run *run = parser->run;
    struct verify_pair pair = {0};
    uint64_t number, repetition;
    if (!next_number(parser, UINT32_MAX, &number) || number >= run->rung_count ||
        !next_number(parser, VERIFY_PAIRS_MAX, &repetition) || repetition + 1 < run->repetitions ||
        repetition > run->repetitions || !next_number(parser, INT64_MAX, &pair.timed_calls) ||
        pair.timed_calls == 0 || !next_number(parser, INT64_MAX, &pair.timed_ns) || pair.timed_ns == 0) {
        return refuse(parser, "no pair of blocks");
    }
    struct verify_rung *rung = &run->rungs[number];
    for (unsigned i = 0; i < rung->levels; i++) {
        if (!next_counts(parser, &pair.level[i])) {
            return refuse(parser, "no figures of '%s'", rung->level_name[i]);
        }
    }
    pair.repetition = (uint32_t)repetition;
    run->repetitions = pair.repetition + 1;
    if (rung->pair_count == rung->pair_room) {
        size_t room = rung->pair_room != 0 ? 2 * rung->pair_room : 256;
        struct verify_pair *pairs =
            room <= VERIFY_PAIRS_MAX ? realloc(rung->pairs, room * sizeof(*pairs)) : NULL;
        if (pairs == NULL) {
            return -ENOMEM;
        }
        rung->pairs = pairs;
        rung->pair_room = room;
    }
    rung->pairs[rung->pair_count++] = pair;
    return 0;
}

static int parse_end(struct parser *parser)
{
    uint64_t repetitions;
    if (!next_number(parser, UINT32_MAX, &repetitions) || repetitions != parser->run->repetitions) {
        return refuse(parser, "another number of repetitions than there were");
    }
    parser->run->complete = true;
    return 0;
}

static int parse_version(struct parser *parser)
{
    uint64_t version;
    const char *word = next_word(parser);
    if (word == NULL || strcmp(word, "tare-rungs") != 0 || !next_number(parser, UINT32_MAX, &version)) {
        return refuse(parser, "not from tare-rungs");
    }
    if (version != VERIFY_LINES_VERSION) {
        return refuse(parser, "version %llu, and this tare reads %d", (unsigned long long)version,
                      VERIFY_LINES_VERSION);
    }
    return 0;
}

static int parse_line(struct parser *parser)
{
    static const struct {
        const char *word;
        int (*parse)(struct parser *parser);
    } kinds[] = {
        {"pair", parse_pair}, {"rung", parse_rung}, {"skip", parse_skip},
        {"ring", parse_ring}, {"cpus", parse_cpus}, {"end", parse_end},
    };
    int failure = 0;
    if (parser->line == 1) {
        failure = parse_version(parser);
    } else if (parser->run->complete) {
        return refuse(parser, "something behind the end");
    } else {
        const char *word = next_word(parser);
        size_t i = 0, count = sizeof(kinds) / sizeof(kinds[0]);
        while (i < count && (word == NULL || strcmp(word, kinds[i].word) != 0)) {
            i++;
        }
        failure = i < count ? kinds[i].parse(parser) : refuse(parser, "not a line that is known");
    }
    return failure == 0 && parser->rest != NULL ? refuse(parser, "more words than expected") : failure;
}

int verify_lines_parse(const char *text, size_t size, struct verify_run *run, char *message,
                       size_t message_size)
{
    struct parser parser = {.run = run, .message = message, .message_size = message_size};
    *run = (struct verify_run){.cpu = -1, .second_cpu = -1};
    while (size != 0) {
        const char *end = memchr(text, '\n', size);
        if (end == NULL) {
            break;
        }
        size_t length = (size_t)(end - text);
        parser.line++;
        char line[VERIFY_LINE_MAX];
        if (length >= sizeof(line) || memchr(text, '\0', length) != NULL) {
            return refuse(&parser, "too long, or not text");
        }
        memcpy(line, text, length);
        line[length] = '\0';
        parser.rest = line;
        int failure = parse_line(&parser);
        if (failure != 0) {
            return failure;
        }
        text = end + 1;
        size -= length + 1;
    }
    return 0;
}

void verify_run_release(struct verify_run *run)
{
    for (size_t i = 0; i < run->rung_count; i++) {
        free(run->rungs[i].pairs);
    }
    *run = (struct verify_run){.cpu = -1, .second_cpu = -1};
}
