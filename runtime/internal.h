/* SPDX-License-Identifier: MIT */
/*
 * What the files of the runtime share. State of the process is in `tare__rt`; state of a thread is its block in
 * the page, which `tare__self` points to.
 *
 * Invariants:
 *  - a block has one writer, the thread whose tare__self it is (and that thread's signal handlers);
 *  - tare__slots is 0, or where slots of the block that is tare__self lie: whoever sets one sets both;
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

/*
 * Addresses for tables and rings: so much for each thread that there is room for, at least that of the default.
 */
#define EXTRAS_BYTES_PER_BLOCK (UINT64_C(512) << 10)
#define EXTRAS_BYTES_MIN (BLOCK_MAX_DEFAULT * EXTRAS_BYTES_PER_BLOCK)

/* What the environment asked for. */
struct config {
    bool off;
    uint32_t clock; /* TARE_CLOCK_NONE: choose */
    bool histograms;
    uint32_t instrument_max;
    uint32_t block_max;
    uint64_t extras_size; /* bytes */
    const char *enable;   /* patterns, or NULL */
    const char *report;   /* or NULL */
    const char *page;     /* or NULL */
};

struct tare__runtime {
    struct tare_page *page; /* NULL: no page, every timer stays disabled */
    struct tare_control *controls;
    struct tare_entry *entries;
    struct tare_cell *cells;
    char *strings;
    unsigned char *blocks;
    uint64_t block_stride;
    uint64_t histograms_offset; /* 0: no histograms */
    uint32_t clock;
    uint32_t begin_cap_ticks, end_cap_ticks; /* see tare/page.h */
    uint32_t open_blocks;                    /* so many were made fit to be written in advance */
    uint32_t states_first, states_end; /* instruments that are states lie within these, if there are any */
    int fd;                            /* of the page, kept so that it can be found from outside; -1 */
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

/* What of an instrument is the process's. */
static inline struct tare_cell *tare__cell(uint32_t index)
{
    return &tare__rt.cells[index];
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

/*
 * The control that an instrument's `enabled` points to. The index follows from the address, so that the two are
 * of one reading: the instrument may be withdrawn by another thread between the site's look at it and here, and
 * then points to a control that is nobody's.
 */
static inline struct tare_control *control_of(const tare_timer *timer)
{
    return (struct tare_control *)(uintptr_t)load_relaxed(&timer->enabled);
}

static inline uint32_t control_index(const struct tare_control *control)
{
    return (uint32_t)(control - tare__rt.controls);
}

/*
 * The slot that belongs to a control: sixteen times as large, so its place follows without the index. The same
 * in <tare/tare.h>, which takes all but the control's own address from tare__slots.
 */
enum { SLOT_PER_CONTROL = sizeof(struct tare_slot) / sizeof(struct tare_control) };
static inline void *control_slot(const struct tare_block *block, const struct tare_control *control)
{
    uint64_t offset = (uint64_t)((const unsigned char *)control - (const unsigned char *)tare__rt.controls);
    return (unsigned char *)block + SLOTS_OFFSET + offset * SLOT_PER_CONTROL;
}

/* Stores `enabled`. What lasts, and began before a change, tells by `switched` that there was one. */
static inline void control_switch(struct tare_control *control, bool enabled)
{
    if (load_relaxed(&control->enabled) == enabled) {
        return;
    }
    if (enabled) {
        fetch_add_relaxed(&control->switched, 1);
        store_release(&control->enabled, 1); /* pairs with what begins then, and reads `switched` */
    } else {
        store_relaxed(&control->enabled, 0);
        fetch_add_acq_rel(&control->switched, 1);
    }
}

/* config.c */
HIDDEN void tare__config_read(struct config *config);
/* A line for each size in the environment that could not be what it says. */
HIDDEN void tare__config_complain(FILE *out);

/* page.c: make the page, or leave tare__rt.page NULL; put a fresh one at the same place after fork. */
HIDDEN void tare__page_make(const struct config *config);
HIDDEN void tare__page_fork_child(void);
/* Makes a block, or a histogram in one, fit to be written; false if there is no memory or disk for it. */
HIDDEN bool tare__block_open(uint32_t number);
HIDDEN bool tare__histogram_open(const struct tare_block *block, uint32_t index);
/*
 * Takes `size` bytes of the extras, for good: zeroed, writable, 64-byte-aligned. Returns their offset from the
 * page's start; 0 if there is no room, no memory or no disk for them, which is counted in lost_extras, so
 * whoever asks does it once for each table or ring, not again at each update.
 *
 * From any thread, also in a signal handler, even one that interrupted another allocation: the place is taken
 * by a compare-and-swap, and what follows are system calls (mprotect; fallocate and fstat where the page is a
 * file) that touch no state of the process's but its own range. errno is kept. A thread that may make no system
 * call any more must have allocated before.
 */
HIDDEN uint64_t tare__extra_allocate(uint64_t size);

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
/* The block becomes, or ceases to be (NULL), the calling thread's. */
HIDDEN void tare__self_set(struct tare_block *block);

/* timer.c */
HIDDEN void tare__block_drain(struct tare_block *block);

/* instruments.c: what is no timer */
/*
 * Ends the stays of the block's thread in its states, which it is about to leave, or has left (`died`) nobody
 * knows when: then those stays are not counted.
 */
HIDDEN void tare__states_leave(struct tare_block *block, bool died);
/*
 * Where some code is, in 32 bits that are never 0: 24 bits of how deep its frame lies, which tell frames apart
 * that are up to 128 MiB away from each other, and which of the block's threads it was, one after the other.
 */
enum { MARK_SHIFT = 4, MARK_DEPTH = 8 };
static inline uint32_t tare__busy_mark(const struct tare_block *block, uint64_t frame)
{
    return (uint32_t)(frame >> MARK_SHIFT) << MARK_DEPTH |
           (uint32_t)(load_relaxed(&block->threads) & 0x7f) << 1 | 1;
}

/*
 * Marks that a slot is being cleared or changed, by code whose frame is `frame`. False if that is under way,
 * and this is a handler that interrupted it: then it must keep off. A mark that was left behind by siglongjmp
 * or by an earlier thread is taken over.
 */
HIDDEN bool tare__busy_begin(const struct tare_block *block, uint32_t *busy, uint64_t frame);
static inline void tare__busy_end(uint32_t *busy)
{
    fence_signal();
    store_relaxed(busy, 0);
    fence_signal();
}

/* calibrate.c: measures what a scope costs here; returns 0, or -errno. */
HIDDEN int tare__calibrate(struct tare_scope_cost *cost, unsigned rounds);
/* Finds out how close is close, and makes scopes count it from now on; at start, after the clock was chosen. */
HIDDEN void tare__calibrate_caps(struct tare_page *page);
/* From now on with these; see kernels.h. */
struct tare__kernels;
HIDDEN void tare__calibrate_kernels(const struct tare__kernels *kernels);
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
