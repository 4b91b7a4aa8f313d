/* SPDX-License-Identifier: MIT */
/*
 * Live telemetry over HTTP: the live page, its API with server-sent events, metrics for Prometheus; and pushing
 * the same to a store that takes Prometheus text. docs/serve.md is the reference of what goes over the wire.
 *
 * One thread does everything but pushing and making a capture's document (and a program of its own reads the
 * history): it waits for sockets and for the next poll, and never for one client. Nothing here prints; what is
 * worth saying goes to `say` of the options, which the thread of the server and the one that pushes may call
 * at the same time.
 */
#ifndef TARE_SERVE_SERVE_H
#define TARE_SERVE_SERVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "serve/push.h"

enum {
    TARE_SERVE_STREAMS = 256,     /* clients of the stream at a time */
    TARE_SERVE_CONNECTIONS = 512, /* of all kinds */
    TARE_SERVE_SPARE = 32,        /* of those, so many are kept free: the longest wait goes for a new one */
    /* The same of one address, but for those of the loopback: a machine has many clients, but not all of them. */
    TARE_SERVE_STREAMS_PER_ADDRESS = 208,
    TARE_SERVE_PER_ADDRESS = 288,
    TARE_SERVE_DOWNLOADS = 8,          /* of the capture at a time: each may be of megabytes, and slow */
    TARE_SERVE_HISTORY_DOWNLOADS = 16, /* the same of the history; who has its data already needs none */
    TARE_SERVE_BODY_BYTES = 4096,
    TARE_SERVE_TOKEN_MIN = 16, /* characters */
    TARE_SERVE_TOKEN_MAX = 256,
};
/*
 * What a capture may take, about: the last sample that fits may go beyond it, but for where threads were, which has
 * half of it at most. All of it becomes one document, which is made at about 25 MB/s, and held in memory. It is up to
 * two and a half times as large, as numbers have more digits than bytes; what it is made from is several times as large
 * as it is, for as long as that takes.
 */
#define TARE_SERVE_CAPTURE_BYTES ((size_t)32 << 20)

struct tare_serve_options {
    const char *listen;                   /* "ADDRESS:PORT", "[ADDRESS]:PORT", "localhost:PORT" */
    bool allow_remote;                    /* an address that is not of the loopback; it needs a token */
    const char *token;                    /* that clients have to give; NULL: see any_user */
    const char *const *hosts;             /* that requests may name besides; with allow_remote: have to name */
    size_t host_count;                    /* 0 with allow_remote: any */
    bool timer_histograms;                /* timers as classic histograms, else as summaries, unless asked */
    bool any_user;                        /* without a token: not only we and root, of this machine's users */
    double interval_s;                    /* between polls */
    double window_s;                      /* of rolling figures */
    pid_t pid;                            /* this process; 0: see `name` */
    const char *name;                     /* processes whose executable's name matches; NULL: all */
    const struct tare_push_options *push; /* NULL: nothing is pushed */
    /*
     * The path of a program, and then its argv, that writes the data of /history (docs/history-page.schema.json) to
     * its standard output; NULL: there is no /history.
     */
    const char *const *history;
    void (*say)(void *data, const char *line);
    void *say_data;
};

struct tare_serve;

/*
 * Listens. Returns 0, or -errno with one line in `message`. The options' strings are used up to
 * tare_serve_close().
 */
int tare_serve_open(struct tare_serve **serve, const struct tare_serve_options *options, char *message,
                    size_t message_size);

/* "http://127.0.0.1:9469/": with the port that was picked for port 0. */
const char *tare_serve_url(const struct tare_serve *serve);

/* Serves until `stop_fd` can be read. Returns 0, or -errno with one line in `message`. */
int tare_serve_run(struct tare_serve *serve, int stop_fd, char *message, size_t message_size);

/*
 * Puts back what clients switched, tells them good-bye, gives what is still to be pushed a moment. NULL is
 * fine.
 */
void tare_serve_close(struct tare_serve *serve);

/* A token that nobody guesses: 43 characters and a NUL, from the kernel's random numbers. 0 or -errno. */
int tare_serve_make_token(char token[44]);

/* Whether requests may name it as their host: a name, or an address without brackets and port. */
bool tare_serve_is_host(const char *text);

/* What timers are as metrics: "summary" or "histogram"; false: neither. */
bool tare_serve_timers(const char *text, bool *histograms);

/*
 * Whether it can be one: 16 to 256 characters of A-Z a-z 0-9 . _ ~ + / = -, which a header, a cookie and a URL
 * carry as they are.
 */
bool tare_serve_is_token(const char *token);

#endif
