/* SPDX-License-Identifier: MIT */
/* The file behind a page. Private to runtime/page.c and runtime/source.c. */
#ifndef TARE_RUNTIME_SOURCE_H
#define TARE_RUNTIME_SOURCE_H

#include "runtime/internal.h"

enum source_kind { SOURCE_MEMFD, SOURCE_FILE, SOURCE_SET };

struct source {
    int fd;
    uint64_t offset; /* of the page in it */
    enum source_kind kind;
    uint32_t flags; /* enum tare_page_flags that follow from it */
    int no_file; /* why it is not in the file that TARE_PAGE names: -errno; 0: it is, or there is no such wish */
};

/*
 * Lays a page out as the configuration asks for, or smaller where sizes are limited, and opens a file of that
 * size for it: what TARE_PAGE names, else a memfd. `inherited` is the descriptor of a parent's set, or of
 * whatever its page was in, and is used or closed; -1: none. Returns 0 or -errno.
 */
HIDDEN int tare__source_open(struct tare_page *page, const struct config *config, int inherited, bool forked,
                             struct source *source);

/*
 * Says on stderr, in a line, that the page is not in the file that was asked for, if so; `made`: it is in memory
 * instead. Only where a reader of stderr gets it at once: it neither waits nor raises a signal. errno is kept.
 */
HIDDEN void tare__source_complain(const struct config *config, const struct source *source, bool made);

/* Lays it out for half the threads, as there is no address space for it. -ENOMEM where it is small already. */
HIDDEN int tare__source_shrink(struct tare_page *page, const struct config *config,
                               const struct source *source);

/* The size is final. */
HIDDEN void tare__source_seal(const struct source *source);

/*
 * Takes memory or disk for that part of the file now, so that touching it cannot fail. False if there is none.
 */
HIDDEN bool tare__source_reserve(int fd, uint64_t offset, uint64_t size);

/* Who the process is, into a header. */
HIDDEN void tare__name_process(struct tare_page *page);
HIDDEN uint64_t tare__start_time_of(const char *path);

#endif
