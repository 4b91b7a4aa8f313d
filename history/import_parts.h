/* SPDX-License-Identifier: MIT */
/*
 * What the readers of other tools' files share. Each reader is a function on a struct import, to which it adds
 * records; the first complaint ends it. Private to history/.
 */
#ifndef TARE_HISTORY_IMPORT_PARTS_H
#define TARE_HISTORY_IMPORT_PARTS_H

#include <jansson.h>
#include <stdarg.h>

#include "history/import.h"

enum {
    IMPORT_PLACE = 160,     /* bytes of the name of a place in a file */
    IMPORT_NAME_MAX = 1024, /* bytes of a name: longer ones end in a hash of the whole */
    IMPORT_REASONS = 8,     /* why things were left out */
    IMPORT_FILES_MAX = 8,   /* of one result; more are not looked at */
};
/*
 * Longer than anything that somebody measured (31 years), and far from where doubles lose whole nanoseconds'
 * sense.
 */
#define IMPORT_NS_MAX 1e18

/* Of all lines: a name may stand in a file once and in a million series. */
#define IMPORT_MEMORY_MAX (UINT64_C(2) << 30)

struct import_left_out {
    const char *why; /* constant; "left out # that failed" */
    char first[64];
    size_t count;
    bool others; /* of other names */
};

struct import_seen {
    uint64_t id;   /* of a series; 0: empty */
    uint32_t more; /* others of the same name that were given a number */
};

struct import {
    const struct tare_import_file *given; /* one at least */
    const struct tare_import_file *files; /* the same without what editors put before UTF-8 */
    size_t file_count;
    const struct tare_origin *origin;
    int64_t when_ms;
    struct tare_history_record *records;
    size_t count, room;
    /* of the record that is being made */
    const char *suite, *harness, *fingerprint, *settings;
    char machine[TARE_SHA256_HEX + 1]; /* the fingerprint where the file says nothing of the machine */
    struct import_seen *seen;          /* its series: open addressing */
    size_t seen_room, seen_count;
    uint64_t memory; /* bytes that all lines take, about */
    /* what is said of it */
    struct import_left_out left_out[IMPORT_REASONS];
    size_t reasons;
    char *message;
    size_t message_size;
    int error; /* 0, or -errno: then reading ends */
};

/* import_parts.c */

/* The first complaint stays. False. */
bool import__fail(struct import *import, const char *format, ...) __attribute__((format(printf, 2, 3)));
bool import__no_memory(struct import *import);
/*
 * What is not imported as it is in the file, and why: "left out # that failed", where # becomes the number.
 * Said when the rest of the file is.
 */
void import__leave_out(struct import *import, const char *why, const char *name);
/* The i-th of these as text, without a NUL where it is cut off; its length. */
size_t import__say(const struct import *import, size_t i, char *text, size_t size);

/*
 * A record with what the origin says, for `tool`; NULL without memory. Then the lines; then import__end(), with
 * the raw bytes (malloc'ed, taken in any case).
 */
struct tare_history_record *import__begin(struct import *import, const char *tool);
bool import__end(struct import *import, char *raw, size_t raw_size);
/* import__end() with the first file's bytes, as they were given. */
bool import__end_file(struct import *import);
/*
 * What the file says of its commit; `id` in any case of letters. One that is none is left alone. False: no
 * memory.
 */
bool import__commit(struct import *import, const char *id, int64_t time_s, const char *message,
                    const char *link);
/*
 * A line of import->suite and so on, and its point, which is unknown; the second of the same name is called
 * "name#2". Control characters in texts become spaces, or question marks. NULL without memory.
 */
struct tare_history_point *import__line(struct import *import, const char *name, const char *arguments,
                                        const char *metric, const char *unit, enum tare_history_better better);
/* Sets the point to the median of the values, its interval, and, as values of blocks, to the values. */
bool import__median(struct import *import, struct tare_history_point *point, const double *values,
                    size_t count);
/*
 * Of an object of texts, which tells of a machine, and the origin's name for it: their hash as a fingerprint, and the
 * record's environment. NULL: the file says nothing. The hash is "" where there is no name, either. False without
 * memory.
 */
bool import__machine(struct import *import, const json_t *parts, char hash[TARE_SHA256_HEX + 1]);

/*
 * "2026-11-22T10:00:00Z" and its kin, Google Benchmark's older and ctime()'s form; without a zone: UTC.
 * UNKNOWN: none.
 */
int64_t import__date_ms(const char *text);
/* Nanoseconds in a unit of time by its name; NAN: it is none. */
double import__unit_ns(const char *unit);
/* A copy in the C locale's meaning; NAN with *end == text if there is none. */
double import__strtod(const char *text, char **end);
/* The last part of a path, and where its extension begins. */
const char *import__base(const char *path);

/* import_json.c */

/*
 * The bytes as JSON: objects with the same key twice are refused; NaN and Infinity, which some tools write, are
 * null. `what` stands in the complaint: "it", "entry 3 of 'x'". NULL after a complaint.
 */
json_t *import__parse(struct import *import, const char *bytes, size_t size, const char *what);
/*
 * The member `key` of `object`, which is what the place says ("" is the root). *to NULL or NAN where it is
 * missing or null and not required. False after a complaint.
 */
bool import__number(struct import *import, const json_t *object, const char *place, const char *key,
                    bool required, double *to);
bool import__text(struct import *import, const json_t *object, const char *place, const char *key,
                  bool required, const char **to);
bool import__object(struct import *import, const json_t *object, const char *place, const char *key,
                    bool required, const json_t **to);
bool import__array(struct import *import, const json_t *object, const char *place, const char *key,
                   bool required, const json_t **to);
/* A number that is an element; null is NAN. */
bool import__element(struct import *import, const json_t *array, size_t index, const char *place, double *to);
/*
 * Text that is the same for the same content: keys sorted, no white space, numbers as short as they can be.
 * malloc'ed; NULL without memory.
 */
char *import__canonical(const json_t *value, size_t *size);

/* What is at the beginning of JSON text, without making a tree of it. */
struct import_scan {
    const char *at, *end;
};
void import__scan_space(struct import_scan *scan);
/* Over a string, a value; false where the text ends before it does. */
bool import__scan_string(struct import_scan *scan);
bool import__scan_value(struct import_scan *scan);
/* Over that character and white space around it; false if another one stands there. */
bool import__scan_mark(struct import_scan *scan, char mark);

/* The readers: false after a complaint. */
bool import__google(struct import *import);
bool import__hyperfine(struct import *import);
bool import__pyperf(struct import *import);
bool import__criterion(struct import *import);
bool import__asv(struct import *import);
bool import__perf_stat(struct import *import);
bool import__github(struct import *import);
/* Where the data of github-action-benchmark begin; NULL: it is not in this form. */
const char *import__github_data(const char *bytes, size_t size);
/* Whether a line looks like one of `perf stat -x`. */
bool import__is_perf_stat(const char *bytes, size_t size);

#endif
