/* SPDX-License-Identifier: MIT */
/*
 * What the files of the runtime share. State of the process is in `tare__rt`; state of a thread is its block in
 * the page, which `tare__self` points to.
 *
 * Invariants:
 *  - a block has one writer, the thread whose tare__self it is (and that thread's signal handlers);
 *  - tare__rt's pointers and geometry never change after the page was made: fork puts another page at the same
 *    address;
 *  - a timer's `enabled` points to tare__never, or to the control of a directory entry that is complete.
 */
#ifndef TARE_RUNTIME_INTERNAL_H
#define TARE_RUNTIME_INTERNAL_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <tare/page.h>
#include <tare/tare.h>

#include "runtime/atomic.h"
#include "runtime/clock.h"

#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)
#define HIDDEN __attribute__((visibility("hidden")))

enum {
    PAGE_BYTES = 4096,
    PENDING_MAX = 64, /* recordings that signal handlers can put off at one time, in one thread */
    SLOTS_OFFSET = 4096,
    INSTRUMENT_MAX_DEFAULT = 1024,
    INSTRUMENT_MAX_LIMIT = 65536,
    BLOCK_MAX_DEFAULT = 128,
    BLOCK_MAX_LIMIT = 4096,
    NAME_MAX_BYTES = 255,
    CLOSENESS_CAP_MAX = 255,        /* ticks */
    CLOSENESS_SCOPES_MAX = 1 << 23, /* two closenesses for each still fit 32 bits */
    /* Behind those of the directory, controls and slots that no reader looks at: */
    CALIBRATION_TIMERS = 4,
    HIDDEN_TIMERS = CALIBRATION_TIMERS + 1, /* and one for timers of libraries that were unloaded */
};

/* What the environment asked for. */
struct config {
    bool off;
    uint32_t clock; /* TARE_CLOCK_NONE: choose */
    bool histograms;
    uint32_t instrument_max;
    uint32_t block_max;
    const char *enable; /* patterns, or NULL */
    const char *report; /* or NULL */
    const char *page;   /* or NULL */
};

struct tare__runtime {
    struct tare_page *page; /* NULL: no page, every timer stays disabled */
    struct tare_control *controls;
    struct tare_entry *entries;
    char *strings;
    unsigned char *blocks;
    uint64_t block_stride;
    uint64_t histograms_offset; /* 0: no histograms */
    uint32_t clock;
    uint32_t begin_cap_ticks, end_cap_ticks; /* see tare/page.h */
    uint32_t open_blocks;                    /* so many were made fit to be written at start */
    int fd;                                  /* of the page, kept so that it can be found from outside; -1 */
    uint64_t fd_device, fd_inode;
    pthread_key_t key; /* its destructor gives up the block of a thread that ends */
};

extern HIDDEN struct tare__runtime tare__rt;
extern HIDDEN _Thread_local struct tare_block *tare__self __attribute__((tls_model("initial-exec")));

/* A scope's end, on its way into a slot. */
struct finished {
    uint64_t ticks;
    uint64_t scopes_within;
    uint64_t bytes;
    uint64_t token;
    uint32_t index;
    uint32_t generation;
    uint32_t closeness_within;
};
_Static_assert(sizeof(struct tare_block) + PENDING_MAX * sizeof(struct finished) <= SLOTS_OFFSET,
               "the ring of pending recordings lies between a block's header and its slots");
_Static_assert((PENDING_MAX & (PENDING_MAX - 1)) == 0, "the ring's indices are taken modulo a power of two");

static inline struct tare_slot *block_slot(const struct tare_block *block, uint32_t index)
{
    return (struct tare_slot *)((unsigned char *)block + SLOTS_OFFSET +
                                (size_t)index * sizeof(struct tare_slot));
}

static inline uint64_t *block_histogram(const struct tare_block *block, uint32_t index)
{
    return (uint64_t *)((unsigned char *)block + tare__rt.histograms_offset +
                        (size_t)index * (TARE_BUCKET_COUNT * sizeof(uint64_t)));
}

static inline struct finished *block_pending(const struct tare_block *block)
{
    return (struct finished *)((unsigned char *)block + sizeof(struct tare_block));
}

static inline struct tare_block *page_block(uint32_t number)
{
    return (struct tare_block *)(tare__rt.blocks + number * tare__rt.block_stride);
}

/* Makes the counts so far void. Generation 0 is for slots that were never used. */
static inline void tare__control_reset(struct tare_control *control)
{
    uint32_t before = load_relaxed(&control->generation);
    while (!cas32_acq_rel(&control->generation, before, before == UINT32_MAX ? 1 : before + 1)) {
        before = load_relaxed(&control->generation);
    }
}

/* config.c */
HIDDEN void tare__config_read(struct config *config);

/* page.c: make the page, or leave tare__rt.page NULL; put a fresh one at the same place after fork. */
HIDDEN void tare__page_make(const struct config *config);
HIDDEN void tare__page_fork_child(void);
/* Makes a block, or a histogram in one, fit to be written; false if there is no memory or disk for it. */
HIDDEN bool tare__block_open(uint32_t number);
HIDDEN bool tare__histogram_open(const struct tare_block *block, uint32_t index);

/* registry.c: everything in it but enroll needs the lock. */
HIDDEN void tare__registry_lock(void);
HIDDEN void tare__registry_unlock(void);
HIDDEN int tare__registry_init(const struct config *config);
HIDDEN bool tare__name_matches(const char *globs, const char *module, const char *name);

/* thread.c */
HIDDEN int tare__thread_init(void);
HIDDEN void tare__thread_finish(void);
HIDDEN struct tare_block *tare__thread_attach(void);
HIDDEN void tare__block_claim(struct tare_block *block);
HIDDEN uint32_t tare__gettid(void);
HIDDEN void tare__thread_first(void); /* the calling thread is the process's first */

/* timer.c */
HIDDEN void tare__block_drain(struct tare_block *block);

/* calibrate.c: measures what a scope costs here; returns 0, or -errno. */
HIDDEN int tare__calibrate(struct tare_scope_cost *cost, unsigned rounds);
/* Finds out how close is close, and makes scopes count it from now on; at start, after the clock was chosen. */
HIDDEN void tare__calibrate_caps(struct tare_page *page);
/*
 * A short one on the calling thread, whose block it is; adds it to the page. False if a scope is open there, so
 * that it must wait.
 */
HIDDEN bool tare__calibrate_in_run(struct tare_block *block);

/* report.c */
HIDDEN void tare__report_prepare(const char *report);
HIDDEN void tare__report_forget(void); /* in a forked child */
HIDDEN void tare__report_at_exit(void);

/* init.c */
HIDDEN void tare__init(void);

#endif
