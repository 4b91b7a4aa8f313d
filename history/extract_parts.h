/* SPDX-License-Identifier: MIT */
/* Between the files of history/extract*.c: how a figure becomes a series with one point. Private to them. */
#ifndef TARE_HISTORY_EXTRACT_PARTS_H
#define TARE_HISTORY_EXTRACT_PARTS_H

#include "history/extract.h"

struct tare__extract {
    const struct tare_result *result;
    struct tare_history_record *record;
    char *harness;     /* "tare 0.1" */
    char *settings;    /* of all of it */
    char *program;     /* base name of what was measured; "": unknown */
    char *of_program;  /* what stands behind the settings where a series is of a program, or "" */
    char *fingerprint; /* of the machine */
    bool whole;        /* it ran from begin to end, and well: totals are comparable */
    int error;         /* then nothing more is added */
};

/* What a figure is of; NULL is "". */
struct tare__subject {
    const char *suite, *name, *arguments;
    const char *more; /* behind the settings; NULL: nothing */
};

/*
 * Adds a series with a point of that value, and returns the point, to be filled further; NULL: the value is unknown, or
 * there is no memory.
 */
struct tare_history_point *tare__extract_add(struct tare__extract *extract, const struct tare__subject *subject,
                                             const char *unit, double value, const char *format, ...)
    __attribute__((format(printf, 5, 6)));

/* Both ends, or none. `point` NULL: nothing. */
void tare__extract_interval(struct tare_history_point *point, double low, double high);

/* Copies them, if all are finite. */
void tare__extract_values(struct tare__extract *extract, struct tare_history_point *point, const double *values,
                          size_t count);

/* A count that TARE_COUNT_UNKNOWN says is unknown. */
int64_t tare__extract_count(uint64_t count);

/* The last part of a path; "" if there is none. */
const char *tare__extract_base(const char *path);

/* history/extract_bench.c */
void tare__extract_bench(struct tare__extract *extract);

/* history/extract_capture.c */
void tare__extract_capture(struct tare__extract *extract);

#endif
