/* SPDX-License-Identifier: MIT */
/*
 * The data of /history, made by another program that writes them to its standard output (tare-history): so the
 * server loads no library of databases, and a database that keeps one waiting keeps nobody else. One at a time,
 * and only when somebody asks. One thread uses all of it.
 */
#ifndef TARE_SERVE_HISTORY_H
#define TARE_SERVE_HISTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "serve/stream.h"

enum {
    TARE_SERVE_HISTORY_REST_S = 5,   /* between two makings, at least, which take a tenth of the time at most */
    TARE_SERVE_HISTORY_TIME_S = 120, /* for one; then the program is killed */
};
#define TARE_SERVE_HISTORY_BYTES                                                                               \
    ((size_t)128 << 20) /* the most that is taken from it: 2,500,000 points, about */

struct tare__history {
    const char *const *command; /* the program's path, then its argv; NULL: no history is served */
    pid_t pid;                  /* that runs; 0: none */
    int fd;                     /* its standard output; -1: none, or at its end */
    int errors_fd;              /* a file with what it says on standard error; -1 */
    struct tare__buffer made;
    bool too_large, too_late;
    uint64_t begun_ns, took_ns; /* of the last making; 0: there was none */
    /* What the last one that ended made, or NULL, and then why not: one line. */
    struct tare__text *document;
    char etag[20]; /* "\"16 hexadecimal digits\"", the same for the same data */
    char problem[256];
};

void tare__history_init(struct tare__history *history, const char *const *command);
/* Whether what there is will do: it was begun a moment ago. Never of one that runs. */
bool tare__history_is_fresh(const struct tare__history *history, uint64_t now_ns);
/* Begins. 0 or -errno, and then `problem` says it, too. */
int tare__history_begin(struct tare__history *history, uint64_t now_ns);
/*
 * To be called whenever `fd` can be read, and at tare__history_due_ns(): true once it has ended. Does not wait.
 */
bool tare__history_go_on(struct tare__history *history, uint64_t now_ns);
/* UINT64_MAX: never. */
uint64_t tare__history_due_ns(const struct tare__history *history, uint64_t now_ns);
/* Kills what runs. */
void tare__history_release(struct tare__history *history);

#endif
