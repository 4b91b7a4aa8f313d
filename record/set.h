/* SPDX-License-Identifier: MIT */
/*
 * The set of pages (struct tare_set in tare/page.h) that `tare run` makes for the program and its children.
 * Memory is taken as pages are touched, and given back when a page has been read for the last time.
 */
#ifndef TARE_RECORD_SET_H
#define TARE_RECORD_SET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "record/reader.h"

struct tare_page_set {
    int fd;
    struct tare_set *shared;
    uint64_t first_offset, stride, max; /* as we made them: what lies in `shared` is the children's to spoil */
};

/* More than these the runtime makes no room for, either (runtime/internal.h). */
enum { TARE_SET_TIMERS_LIMIT = 65536, TARE_SET_THREADS_LIMIT = 4096 };

/*
 * Makes an empty set with room for pages of that many timers and threads (0: the defaults; above the limits:
 * these). Returns 0 or -errno.
 */
int tare_page_set_make(struct tare_page_set *set, uint32_t timers, uint32_t threads);
void tare_page_set_close(struct tare_page_set *set);

/* The value of TARE_PAGE for children, valid while this process lives. */
#define TARE_SET_ADDRESS 64
void tare_page_set_address(const struct tare_page_set *set, char address[TARE_SET_ADDRESS]);

/* Pages that were claimed, at most `max`; *lost: processes that came when there was no page left. */
uint64_t tare_page_set_count(const struct tare_page_set *set, uint64_t *lost);

struct tare_page_source tare_page_set_source(const struct tare_page_set *set, uint64_t number);

/*
 * Whether the process that claimed the page has ended, so that reading it now is final, and its memory may be
 * given back. False also where that cannot be known from here: a page that is still being made, a process in
 * another pid namespace, an id that another process has by now, or a /proc that does not let us look.
 */
bool tare_page_set_ended(const struct tare_page_set *set, uint64_t number);

/* The pid that claimed the page, if it means something here and runs; else 0. */
int tare_page_set_live_pid(const struct tare_page_set *set, uint64_t number);

/*
 * Sends a signal (0: none, just to see) to the process that claimed the page, and returns whether it got it.
 * What a page says of its process is whatever somebody in the run wrote there, and we may be root: so the
 * process must have started when the page says, and must map this set.
 */
bool tare_page_set_signal(const struct tare_page_set *set, uint64_t number, int signal);

/* Gives the memory of a page back. It reads as zeros from now on. */
void tare_page_set_discard(const struct tare_page_set *set, uint64_t number);

#endif
