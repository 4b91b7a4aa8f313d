/* SPDX-License-Identifier: MIT */
/* What record/perf.c and record/perf_look.c share. Private to record/. */
#ifndef TARE_RECORD_PERF_PARTS_H
#define TARE_RECORD_PERF_PARTS_H

#include <stdbool.h>
#include <stddef.h>

#include "record/perf_script.h"
#include "record/profiling.h"

/* A sentence for an errno of perf_event_open, which a paranoia of `wanted_paranoid` would not refuse. */
char *tare__perf_refusal(int error, int wanted_paranoid);

/* True also where the version is unknown. */
bool tare__perf_at_least(const struct tare_perf *perf, unsigned major, unsigned minor);

enum { TARE__PERF_RECORD_OPTIONS = 8 };
/*
 * Options of every `perf record`, which are constant strings; returns how many. It is to be quiet, as the program
 * has the same standard error, and to spare what only a later reader on another machine would want.
 */
size_t tare__perf_record_options(const struct tare_perf *perf, char **options);

/* A command line that grows; `failed`: without memory. All zero: empty. */
struct tare__perf_words {
    char **list; /* NULL-terminated */
    size_t count, room;
    bool failed;
};
void tare__perf_add(struct tare__perf_words *words, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void tare__perf_free_words(char **list); /* NULL is fine */

/*
 * What perf makes of the data in `fd`, which it finds as `path`; `name` is what to call them. *profile is a new one,
 * or NULL, and replaced; reading->symbols is made, and the caller's to free in any case. A profile without samples
 * is fine. Returns 0 or -errno with a message; -EBADMSG: perf cannot read them.
 */
int tare__perf_read(const char *perf, int fd, const char *path, const char *name,
                    struct tare__perf_reading *reading, struct tare_profile **profile, char *message,
                    size_t size);

#endif
