/* SPDX-License-Identifier: MIT */
/*
 * Pushing: samples as Prometheus text, each with its time in ms, to an endpoint that imports such text
 * (VictoriaMetrics: /api/v1/import/prometheus). A sample that is written twice is the same sample, since its
 * time, name and value are; so whatever may not have arrived is sent again, and nothing is lost: docs/serve.md
 * says what the store needs for that.
 *
 * What is to be sent lies in a spool on disk (serve/spool.h) first. One thread puts it there, another one sends
 * it, in order.
 */
#ifndef TARE_SERVE_PUSH_H
#define TARE_SERVE_PUSH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tare_push_options {
    const char *url;
    const char *ask_url;  /* where to ask what has arrived; NULL: beside the import, where that is known */
    const char *auth;     /* "user:password", or a bearer token, which has no colon; NULL: what the URL has */
    const char *folder;   /* of the spool; made if it is not there, up to its parent's parents */
    double interval_s;    /* between two batches; whoever calls tare_push_add() keeps to it */
    uint64_t spool_bytes; /* at most; 0: 64 MiB */
    double settle_s;      /* what was taken is kept as long on our side; 0: 20 s. See push_send.c */
};

struct tare_push_figures {
    uint64_t batches_sent;    /* taken by the other side; sent again counts once */
    uint64_t batches_again;   /* sent again, in case they had not been kept */
    uint64_t batches_refused; /* as not understood (400, 413, 422), and dropped */
    uint64_t batches_dropped; /* found no room in the spool, or the disk did not take them, or not in time */
    uint64_t batches_damaged; /* in the spool: cut off, or not what was written */
    uint64_t backlog;         /* not taken yet */
    uint64_t backlog_bytes;
    uint64_t failures; /* attempts that did not reach it, or got another answer */
};

struct tare_push;

/* Returns 0, or -errno with one line in `message`. `say` is called by any thread. */
int tare_push_open(struct tare_push **push, const struct tare_push_options *options,
                   void (*say)(void *data, const char *line), void *say_data, char *message,
                   size_t message_size);

/*
 * A batch, taken at that time. It owns `text` (malloc'ed) from now on. Never waits for disk or network: where
 * more than 16 wait for the disk, it is dropped, counted, and said.
 */
void tare_push_add(struct tare_push *push, uint64_t unix_ms, char *text, size_t size);

struct tare_push_figures tare_push_figures(struct tare_push *push);

/*
 * Puts what was handed over on disk, and gives what is there up to two seconds to be sent; the rest stays for
 * the next time.
 */
void tare_push_close(struct tare_push *push);

/* Whether this tare can push; else tare_push_open() says -ENOTSUP. */
bool tare_push_supported(void);

#endif
