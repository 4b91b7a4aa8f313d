/* SPDX-License-Identifier: MIT */
/*
 * What the makers of telemetry share: the memory of a snapshot, what is kept of earlier readings, and figures
 * from the two. Private to result/, and to its tests. Not thread-safe.
 */
#ifndef TARE_RESULT_TELEMETRY_PARTS_H
#define TARE_RESULT_TELEMETRY_PARTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "record/reader.h"
#include "result/telemetry.h"
#include "stats/quantile.h"

/* Memory that is taken piece by piece and given back all at once, to be used again. Zeroed is empty. */
struct tare__arena {
    struct tare__arena_chunk *chunks; /* the first is being filled */
    size_t used;                      /* of it */
};
void *tare__arena_take(struct tare__arena *arena, size_t size); /* aligned for anything; NULL: no memory */
void tare__arena_clear(struct tare__arena *arena); /* all taken is void; at most one chunk is kept */
void tare__arena_release(struct tare__arena *arena);

/*
 * What one reading of a page said, as small as differences to it allow: of a histogram, only the buckets that
 * are not empty, and of a counter no room for what others have: there may be tens of thousands. Instruments are
 * in the order of the directory. Zeroed is empty; filling it again uses its memory again.
 */
struct tare__past_frames {
    struct tare_timer_sums sums;
    uint64_t frames, dropped, slow;
    uint64_t part_ticks[TARE_FRAME_PARTS_MAX], part_frames[TARE_FRAME_PARTS_MAX];
};
struct tare__past_state {
    uint64_t ticks[TARE_STATES_MAX], threads[TARE_STATES_MAX], changes;
};
struct tare__past_instrument {
    uint32_t kind;
    uint32_t index; /* in the directory */
    uint32_t generation;
    bool enabled;
    uint16_t switched;     /* of the control; of timers 0 */
    uint32_t first, count; /* of `buckets`, or of `keys` */
    union {
        struct tare_timer_sums *sums; /* timer, histogram: one of the reading's */
        uint64_t total;               /* counter */
        double value;                 /* gauge */
        struct tare__past_state *state;
        struct {
            uint64_t weight, hits;
        } topk;
        struct tare__past_frames *frames;
    };
};
struct tare__past {
    double at_ns;        /* when it was read, CLOCK_MONOTONIC */
    double cpu_ns;       /* that the process had taken by then; NAN: unknown */
    uint64_t read_ticks; /* the page's clock then */
    struct tare__past_instrument *instruments;
    size_t count, capacity;
    struct tare_timer_sums *sums; /* what instruments point to */
    struct tare__past_state *states;
    struct tare__past_frames *frames;
    size_t sums_capacity, state_capacity, frames_capacity;
    struct tare_bucket *buckets;
    size_t bucket_count, bucket_capacity;
    struct tare_page_key *keys; /* of each top-k by key, ascending */
    size_t key_count, key_capacity;
};

/*
 * `past` becomes what `view` says; the rest of it is for the caller to set. `before` (or NULL) is what an
 * earlier reading of the same page said: histograms in which nothing came since are taken from there. Returns 0
 * or -ENOMEM.
 */
int tare__past_fill(struct tare__past *past, const struct tare_page_view *view,
                    const struct tare__past *before);
void tare__past_release(struct tare__past *past);

/* That an instrument was switched by us, and when, CLOCK_MONOTONIC. */
struct tare__switched {
    uint32_t index; /* in the directory */
    double at_ns;
};

/* What figures are made with. */
struct tare__figures {
    struct tare__arena *arena;              /* for arrays; strings then stay the view's. NULL: all by malloc */
    struct tare_cost_model model;           /* of the page: tare_page_cost_model() */
    uint64_t origin_ticks;                  /* that times of frames count from */
    const struct tare_page_thread *threads; /* the view's, or NULL: then stays do not tell one from another */
    uint64_t end_ticks;                     /* up to when what lasts is counted; 0: unknown */
    double window_ns;                       /* from `earlier` to `now` */
    const struct tare__past *now;           /* what the view says */
    const struct tare__past *earlier;       /* NULL: no rolling figures */
    const struct tare__switched *switched;
    size_t switched_count;
};

/*
 * Fills one instrument: the timer or the other instrument of the view (the other is NULL), which is number `at`
 * of `now`; but for its id. Returns 0 or -ENOMEM; `out` may be released in both cases, if it is malloc'ed.
 */
int tare__figures_of(const struct tare__figures *figures, const struct tare_page_timer *timer,
                     const struct tare_page_instrument *instrument, size_t at,
                     struct tare_instrument_figures *out);

/*
 * The share of its processor time in the window that a process's timers took themselves, 1 at most: its
 * instruments, window and cpu_share are filled in. NAN where a timer's cost or window, or that time, is unknown.
 */
double tare__measuring_share(const struct tare_process_figures *process);

/*
 * By how much a key's weight grew between two readings (`then` NULL: it was not kept): by at least
 * growth->weight, at most that and growth->error. `all`: by how much the weights of all keys grew.
 */
void tare__key_growth(const struct tare_page_key *now, const struct tare_page_key *then, uint64_t all,
                      struct tare_page_key *growth);
void tare__sort_keys(struct tare_page_key *keys, size_t count); /* heaviest first */

/*
 * The distribution of `sums` and its buckets that are not empty, ascending. `bounded`: the extremes of `sums`
 * are its own; else they are those of a longer time, and the buckets' count.
 */
int tare__figures_distribution(struct tare__arena *arena, const struct tare_timer_sums *sums, bool bounded,
                               const struct tare_bucket *buckets, size_t count, double scale,
                               struct tare_distribution *out);

/*
 * Copies the buckets that are not empty; returns how many. `to` has room for TARE_BUCKET_COUNT. Looks no
 * further than from `min` to `max`, the extremes of what is in them; min > max: they are not known.
 */
size_t tare__buckets_pack(const uint64_t *dense, uint64_t min, uint64_t max, struct tare_bucket *to);

/*
 * The derived figures of a process that has its instruments already. Returns 0 or -ENOMEM. The table of all
 * that there are is for who describes them.
 */
int tare__derived_fill(struct tare__arena *arena, struct tare_process_figures *process);

#endif
