/* SPDX-License-Identifier: MIT */
/*
 * What the two threads of pushing know of each other: serve/push.c has the one that stores, serve/push_send.c
 * the one that sends. Only where there is libcurl.
 */
#ifndef TARE_SERVE_PUSHING_H
#define TARE_SERVE_PUSHING_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "serve/arrived.h"
#include "serve/post.h"
#include "serve/push.h"
#include "serve/spool.h"
#include "stats/random.h"

enum { TARE_PUSH_HANDED_MAX = 16 }; /* batches that wait for the disk */

struct tare_push_handed {
    uint64_t unix_ms;
    char *text;
    size_t size;
};

/* What is known of a batch that was taken; those that were not are behind them. */
struct tare_push_taken {
    uint64_t number;
    uint64_t first_ns, last_ns; /* when it was taken first, and last */
    unsigned times;
    bool refused; /* and so is not sent again */
};

/* Something that is said now and then, with how often it happened. */
struct tare_push_quiet {
    uint64_t said_ns; /* 0: never */
    uint64_t unsaid;
};

struct tare_push {
    struct tare_push_options options;
    char *url, *shown; /* with whatever it has, and without credentials */
    void (*say)(void *data, const char *line);
    void *say_data;
    pthread_t storer, sender;
    bool storing, sending;   /* those threads were started */
    struct tare_spool spool; /* its own lock is held when `lock` is taken, and never the other way round */

    pthread_mutex_t lock; /* of what follows, up to the next blank line */
    pthread_cond_t handed_over, changed;
    struct tare_push_handed handed[TARE_PUSH_HANDED_MAX];
    size_t handed_count;
    struct tare_push_quiet late; /* batches that found no room in there */
    struct tare_push_quiet full; /* and those that had to go from the spool */
    bool ending, all_stored;
    uint64_t changes; /* that the thread that sends may wait for; goes up with each */
    uint64_t end_ns;
    struct tare_push_figures figures; /* without the backlog */
    uint64_t most_taken;              /* greatest number that is done with: taken once, refused, or damaged */
    uint64_t under_way;               /* number of the batch that is being sent; 0: none */
    bool under_way_dropped;           /* and had to go from the spool meanwhile */

    struct tare_push_quiet unwritten; /* of the thread that stores */

    struct tare_post *post; /* of the thread that sends, from here on */
    struct tare_arrived arrived;
    bool said_no_ask;
    struct tare_push_taken *taken;
    size_t taken_count, taken_capacity;
    uint64_t next;     /* number of the batch to send next */
    uint64_t again_to; /* up to this one they are sent again, and new connections say nothing new */
    uint64_t again_ns; /* when that began; 0: never */
    bool reused;       /* the connection was, since it was made */
    bool broken;       /* there was no answer, since the last one */
    bool gone;         /* a proxy said that what is behind it is away */
    double backoff_s;
    uint64_t retry_ns;
    bool away;         /* said so */
    long said_status;  /* that it answered while it was away, and that was said */
    bool connected;    /* a new connection was made, since the last batch was sent */
    uint64_t doubt_to; /* up to this one, batches may have arrived, or a part of them */
    uint64_t ask_ns;   /* not before, since what arrived may not be seen yet */
    struct tare_push_quiet unsettled, refused;
    struct tare_random random;
};

/* One line, for whoever wants to know. */
void tare__push_say(struct tare_push *push, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Whether to say it now, `times` more; `*all`: how often it happened since it was said last. */
bool tare__push_is_time(struct tare_push_quiet *quiet, uint64_t times, uint64_t *all);

/* What found no room, by whichever thread is not held up. `last`: also what is not due to be said yet. */
void tare__push_say_lost(struct tare_push *push, bool last);

/* Adds to one of the figures. */
void tare__push_count(struct tare_push *push, uint64_t *figure, uint64_t more);

/* Batches up to that one may have arrived, and are asked for before they are sent again. */
void tare__push_doubt(struct tare_push *push, uint64_t number);

/* The thread that sends. In the end it does so until all is sent, the other side is away, or time is up. */
void *tare__push_send(void *push);

#endif
