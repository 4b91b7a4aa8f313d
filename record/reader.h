/* SPDX-License-Identifier: MIT */
/*
 * Reads a page (include/tare/page.h), live or left behind, and trusts nothing in it: every offset, count, index
 * and string is checked against the file before use. Sources are read with pread, so a file that shrinks gives
 * an error instead of SIGBUS.
 *
 * Not thread-safe for one reader; different readers are independent.
 */
#ifndef TARE_RECORD_READER_H
#define TARE_RECORD_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <tare/page.h>

#include "stats/overhead.h"

/* Where a page lies: an open file and the offset of its first byte. */
struct tare_page_source {
    int fd;
    uint64_t offset;
    uint64_t limit; /* bytes from offset that belong to this page at most; a page cut short may have fewer */
};

/*
 * One instrument, merged over the page's blocks. Strings belong to the page_view, and are printable UTF-8:
 * other bytes are '?'. Whatever the page says, outermost <= calls, min_ticks <= max_ticks unless outermost is
 * 0, and sums stop at UINT64_MAX. Of a live page, the sum of the buckets may be some scopes off outermost.
 */
struct tare_page_timer {
    const char *module;
    const char *name;
    const char *file;
    uint32_t line;
    uint32_t kind;
    uint32_t index;
    uint32_t
        generation; /* of its control: another one than in an earlier reading means that it was reset since */
    bool enabled;
    bool loaded; /* its library is loaded now, or the executable's own */
    struct tare_timer_sums sums;
    uint64_t *buckets; /* TARE_BUCKET_COUNT, or NULL: no histogram, or not asked for */
};

/* One thread, or several that used a block one after the other. */
struct tare_page_thread {
    uint32_t tid;
    uint64_t threads;
    uint64_t scopes_ended;
    bool ended;
    char name[17];
};

/* What one reading of a page gave. */
struct tare_page_view {
    struct tare_page header; /* a copy, validated */
    const char *executable;  /* "" if unknown */
    const char *command;     /* arguments separated by NUL */
    size_t command_size;
    struct tare_page_timer *timers;
    size_t timer_count;
    struct tare_page_thread *threads;
    size_t thread_count;
    void *memory; /* private to the reader */
};

enum tare_page_read_flags {
    TARE_READ_HISTOGRAMS = 1, /* else buckets stay NULL */
};

/*
 * Reads the page at `source` into `view`, which the caller releases with tare_page_view_release() (also after
 * an error, or zeroed). Returns 0, or -errno with one line in `message` (no full stop, no newline) that says
 * what is wrong with the page: -EINVAL (not a page, damaged), -ENOTSUP (another version or byte order), -EAGAIN
 * (still being built), -ENOMEM, or what pread said.
 */
int tare_page_read(const struct tare_page_source *source, unsigned flags, struct tare_page_view *view,
                   char *message, size_t message_size);
void tare_page_view_release(struct tare_page_view *view);

/*
 * The cost model of a page, with its clock's rate; `now` (optional) is an anchor taken later on the same boot.
 */
struct tare_cost_model tare_page_cost_model(const struct tare_page *header, const struct tare_anchor *now);

#endif
