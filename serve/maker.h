/* SPDX-License-Identifier: MIT */
/*
 * The document of a capture, made in a thread of its own: of 32 MiB that takes a second or more, in which samples
 * and streams are to go on. One at a time.
 */
#ifndef TARE_SERVE_MAKER_H
#define TARE_SERVE_MAKER_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "result/capture.h"

/* Zeroed but for ready_fd. The thread has `copy`, `text`, `size` and `took_ns` until it is joined. */
struct tare__maker {
    int ready_fd; /* an eventfd: can be read when the document is there, or could not be made; -1: none */
    bool running;
    pthread_t thread;
    struct tare_capture *copy;
    char *text;
    size_t size;
    uint64_t took_ns;
};

/* 0 or -errno. */
int tare__maker_open(struct tare__maker *maker);
/* Begins with what the capture holds now. 0 or -errno: nothing runs then. */
int tare__maker_begin(struct tare__maker *maker, const struct tare_capture *capture);
/*
 * Waits for the thread, and gives what it made, malloc'ed, and how long that took. NULL: it could not be made.
 */
char *tare__maker_end(struct tare__maker *maker, size_t *size, uint64_t *took_ns);
/* Waits for a thread that runs. */
void tare__maker_close(struct tare__maker *maker);

#endif
