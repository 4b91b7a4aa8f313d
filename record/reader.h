/* SPDX-License-Identifier: MIT */
/*
 * Reads a page (include/tare/page.h), live or left behind, and trusts nothing in it: every offset, count, index
 * and string is checked against the file before use. A file that shrinks gives an error and no SIGBUS: sources
 * are read with pread, or through a mapping where they are sealed against that (record/page_access.h).
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

/* A key of a top-k, merged over threads: weight is at most, weight - error at least, what it had. */
struct tare_page_key {
    uint64_t key;
    uint64_t weight;
    uint64_t error; /* weight at most */
    uint64_t hits;  /* at least */
};

struct tare_page_frame {
    uint64_t number; /* the program's: from 0 on, also across resets */
    uint64_t start_ticks;
    uint64_t ticks;
    bool slow;
    uint64_t part_ticks[TARE_FRAME_PARTS_MAX]; /* UINT64_MAX: unknown */
};

/*
 * What a ring of frames holds, oldest first. Frames that were being overwritten meanwhile are left out. Of a
 * ring that is damaged, nothing is here.
 */
struct tare_page_frames {
    uint64_t frames, dropped, slow; /* counted since start or reset */
    uint64_t base;                  /* number of the first of them: frames that ended before the reset */
    uint64_t abandoned;             /* begun and not ended, as another one began, or they were switched off */
    uint64_t slow_ticks;            /* 0: none counts as slow; a setting, which no reset touches */
    uint64_t open_ticks;            /* when the frame under way began; 0: none */
    uint64_t part_ticks[TARE_FRAME_PARTS_MAX], part_frames[TARE_FRAME_PARTS_MAX];
    struct tare_page_frame *last;
    size_t last_count;
    struct tare_page_frame *slowest; /* the last slow ones, as they came; not sorted by time */
    size_t slowest_count;
};

/* Stays in a view, at most: with what is made of them, about 30 MB. */
enum { TARE_PAGE_STAYS = 1 << 16 };

/* What a counter has whose sum, modulo 2^64, is above 2^63 - 1: somebody has subtracted more than there was. */
#define TARE_PAGE_COUNT_UNKNOWN UINT64_MAX

/*
 * What the slot of one thread says of a state, which is read in one piece. `thread` is its place among the view's
 * threads. Two readings with the same `since_ticks` are of one stay. Times and changes are those of the slot, and
 * count from the last reset of `generation`; of several threads that used a block one after the other, from the
 * first one's begin.
 */
struct tare_page_stay {
    uint32_t thread;
    uint32_t block; /* number of the block, where the next thread goes on when this one has ended */
    uint32_t generation;
    uint32_t switched; /* of the control, when the state was entered */
    bool known;        /* false: it is, or was since then, switched off; nobody knows where the thread is */
    uint32_t current;  /* number of the state + 1; 0: none, and since when */
    uint64_t since_ticks;
    uint64_t changes;
    uint64_t ticks[TARE_STATES_MAX]; /* without the stay that lasts */
};

/*
 * One instrument of another kind, merged over the page's blocks; strings as above, "" for none. Members that
 * are not of its kind are 0, NULL or NAN, but for those in the union.
 *
 * Whatever the page says: labels are "key=value,key=value" with keys [a-zA-Z_][a-zA-Z0-9_]*, in their order and
 * each once, or ""; text in the page that is no such list is the value of one label, `labels`. Values and peaks
 * are finite or NAN, and not -0, a peak is not below its value; keys weigh no less than their error, and those of
 * the same weight are in the order of keys. A thread's table of keys that is missing or damaged could have held
 * any key: that is in `least_weight`, and in the errors. Entries, records and states that are written while they
 * are read are left out, as are those that were being written when their process died.
 *
 * Since a reset, a gauge keeps its value, and its peak is that until it is set again; a thread keeps its state,
 * but the stay that lasts is not counted. Of a state that is switched off, or was since a thread entered the one
 * that it is in, that thread's state is unknown: it is in none, and its stay is not counted.
 */
struct tare_page_instrument {
    uint32_t kind;
    uint32_t index;
    uint32_t generation;
    bool enabled, loaded;
    uint16_t switched; /* of its control: another one than in an earlier reading means that it was switched */
    const char *module, *name, *file;
    uint32_t line;
    const char *unit, *labels, *help;
    const char *const *names; /* name_count: of states, or of parts of frames */
    uint32_t name_count;
    uint32_t size;
    uint64_t
        total; /* counter: the sum, at most 2^63 - 1, or TARE_PAGE_COUNT_UNKNOWN. Top-k: weight of all keys */
    double value, peak;          /* gauge: NAN where unknown */
    struct tare_timer_sums sums; /* histogram: calls, outermost: values; total_ticks: their sum, or
                                    TARE_SUM_UNKNOWN; extremes. Frames: of their times */
    uint64_t *buckets;           /* histogram, frames: TARE_BUCKET_COUNT, or NULL as above */
    union { /* of the one kind, or the other: there may be tens of thousands, and most are neither */
        struct {
            uint64_t
                state_ticks[TARE_STATES_MAX]; /* of all threads; with stays that last, if TARE_READ_LIVE, or up
                                                      to the end of a process that exited */
            uint64_t state_threads[TARE_STATES_MAX]; /* that are in it, or were when their process ended */
            uint64_t state_changes;
        };
        struct tare_page_frames frames;
    };
    /*
     * Of state, if TARE_READ_STAYS: one for each thread that there is, or was last in its block, up to
     * TARE_PAGE_STAYS in the view, those of the first threads.
     */
    struct tare_page_stay *stays;
    size_t stay_count;
    uint32_t stays_left_out;    /* that were more */
    bool stays_known;           /* false: not asked for, or it was reset meanwhile */
    struct tare_page_key *keys; /* top-k: heaviest first, `size` at most */
    size_t key_count;
    uint64_t hits;         /* top-k: updates of all keys */
    uint64_t least_weight; /* top-k: a key that is not among keys had at most this */
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
    struct tare_page_instrument *instruments; /* those that are no timers, in the order of the directory */
    size_t instrument_count;
    uint64_t read_ticks; /* the page's clock when it was read, if TARE_READ_LIVE; else 0 */
    uint64_t
        end_ticks; /* up to when what lasts is counted: that, or the end of a process that exited; else 0 */
    struct tare_page_thread *threads;
    size_t thread_count;
    void *memory; /* private to the reader */
};

enum tare_page_read_flags {
    TARE_READ_HISTOGRAMS = 1, /* else buckets stay NULL */
    TARE_READ_LIVE = 2,       /* its process runs, on this machine: what lasts is counted up to now */
    TARE_READ_STAYS = 4,      /* else there are no stays: they take memory for each thread and state */
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
 * The same for one page that is read again and again: what does not change between readings, the names and how
 * the page is mapped, is kept. tare_page_reader_open() reads nothing yet; it gives NULL without memory. The
 * source's descriptor stays the caller's, and has to stay open until tare_page_reader_close(). Views are
 * released as above, and outlive the reader that made them; the views of one reader share their names, so all
 * of them are for one thread at a time. A reading that fails does not spoil the next.
 */
struct tare_page_reader;
struct tare_page_reader *tare_page_reader_open(const struct tare_page_source *source);
int tare_page_reader_read(struct tare_page_reader *reader, unsigned flags, struct tare_page_view *view,
                          char *message, size_t message_size);
void tare_page_reader_close(struct tare_page_reader *reader); /* also NULL */

/*
 * The cost model of a page, with its clock's rate; `now` (optional) is an anchor taken later on the same boot.
 */
struct tare_cost_model tare_page_cost_model(const struct tare_page *header, const struct tare_anchor *now);

#endif
