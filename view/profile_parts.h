/* SPDX-License-Identifier: MIT */
/*
 * What the exports of a profile have in common: functions made of frames, samples by thread and on a time axis,
 * numbers for what is the same, and a writer of JSON. Private to view/.
 *
 * JSON is written as it comes and not built first: 100,000 samples of 30 calls are 3 million numbers.
 */
#ifndef TARE_VIEW_PROFILE_PARTS_H
#define TARE_VIEW_PROFILE_PARTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "record/profile.h"
#include "result/model.h"

#define TARE__NO_STACK "[no stack]"

/* Numbers keys of three numbers in the order in which they come, from 0 on. Zeroed, it is empty. */
struct tare__triples {
    uint32_t (*keys)[3];
    size_t count, capacity;
    uint32_t *slots; /* number + 1; 0: free */
    size_t slot_count;
};
/* The number of the key, which is added if it is new; TARE_PROFILE_NONE without memory. */
uint32_t tare__triples_number(struct tare__triples *triples, uint32_t a, uint32_t b, uint32_t c);
void tare__triples_release(struct tare__triples *triples);

/* The same for strings. They are not copied. */
struct tare__lexicon {
    const char **texts;
    size_t count, capacity;
    uint32_t *slots;
    size_t slot_count;
};
uint32_t tare__lexicon_number(struct tare__lexicon *strings, const char *text);
void tare__lexicon_release(struct tare__lexicon *strings);

/* Frames of one name, object and source file are one function; frames without a file belong to the first one. */
struct tare__function {
    const char *name;
    uint32_t object;  /* number, or TARE_PROFILE_NONE */
    const char *file; /* NULL: unknown */
    uint32_t line;    /* where it is declared; 0: unknown */
};

/* One thread's samples, by time; those of unknown time behind, as they came. */
struct tare__thread {
    uint32_t thread;         /* number, or TARE_PROFILE_NONE */
    const uint32_t *samples; /* their numbers */
    size_t count;
    uint32_t pid, tid; /* a pair of their own for TARE_PROFILE_NONE */
    const char *name;  /* NULL: unknown */
    const char *process;
};

struct tare__export {
    const struct tare_profile *profile;
    struct tare__function *functions; /* behind them, one more stands for samples without a stack */
    size_t function_count;            /* without it: it is the number of that function */
    uint32_t *of_frame;               /* for each frame its function */
    struct tare__thread *threads;     /* those of the profile, and last TARE_PROFILE_NONE, if any samples are */
    size_t thread_count;
    uint32_t *samples;
    char **texts; /* names that were made up for frames without function */
    size_t text_count;
};
/* Returns 0, -EINVAL or -ENOMEM; release it in any case. */
int tare__export_begin(struct tare__export *export, const struct tare_result *result);
void tare__export_release(struct tare__export *export);
/* Whether weights are times. */
bool tare__export_in_ns(const struct tare_profile *profile);
/* a + b, UINT64_MAX at most. */
uint64_t tare__export_sum(uint64_t a, uint64_t b);

/*
 * Where a thread's samples are on an axis, one after the other. With weights that are times, a sample covers as
 * much of it as it weighs, up to the moment in which it was taken: the next one follows at once where the gap
 * between them is smaller than its weight (timers are late by less than a period), and later where it is not.
 * So nothing is moved by more than one sample's weight, and what a thread covers is what its samples weigh.
 * Where the time is unknown, or weights are not times, each follows the one before it.
 */
struct tare__place {
    uint64_t begin, end; /* in the profile's unit; end - begin is the weight, if that is in range */
    bool any;            /* there was one before */
};
void tare__export_place(const struct tare_profile *profile, uint32_t sample, struct tare__place *place);

/* A line for people: mode, reason, command line ... Ends with name NULL. */
struct tare__fact {
    const char *name;
    char *text;
};
enum { TARE__FACTS = 12 };
int tare__export_facts(const struct tare_result *result, struct tare__fact facts[TARE__FACTS]);
void tare__export_facts_release(struct tare__fact facts[TARE__FACTS]);
/* What was profiled, in a line: the first process that has a name, or the command line. NULL without memory. */
char *tare__export_title(const struct tare_result *result);
/* When the profile began, in seconds since 1970; -1: unknown. */
int64_t tare__export_started(const struct tare_result *result);

/*
 * The writer. Members and elements get their commas by tare__json_key() and tare__json_next(); an error of the
 * stream shows in tare__json_end().
 */
struct tare__json {
    FILE *out;
    size_t used;
    bool first; /* in its array or object */
    char buffer[1 << 16];
};
void tare__json_begin(struct tare__json *json, FILE *out);
int tare__json_end(struct tare__json *json); /* 0 or -EIO */
void tare__json_raw(struct tare__json *json, const char *text);
void tare__json_open(struct tare__json *json, char bracket);
void tare__json_close(struct tare__json *json, char bracket);
void tare__json_next(struct tare__json *json);
void tare__json_key(struct tare__json *json, const char *key);   /* needs no escapes */
void tare__json_text(struct tare__json *json, const char *text); /* NULL: null */
/* INT64_MAX at most: readers take whole numbers for signed ones. */
void tare__json_whole(struct tare__json *json, uint64_t number);
/* number / 10^digits */
void tare__json_decimal(struct tare__json *json, uint64_t number, int digits);

#endif
