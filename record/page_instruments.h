/* SPDX-License-Identifier: MIT */
/*
 * What the instruments of a page counted, kind by kind: the part of record/reader.c that knows slots, cells and
 * extras. Private to it.
 */
#ifndef TARE_RECORD_PAGE_INSTRUMENTS_H
#define TARE_RECORD_PAGE_INSTRUMENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "record/page_access.h"
#include "record/page_names.h"
#include "record/reader.h"

/* What a view owns. */
struct tare__page_memory {
    struct tare__page_names *names;
    uint64_t *buckets; /* TARE_BUCKET_COUNT for each timer, histogram and ring of frames, in this order */
    void **owned;      /* whatever else */
    size_t owned_count, owned_room;
};

/* What the block loop needs to know of an instrument, close together. */
struct tare__page_plan {
    uint32_t kind;
    uint32_t generation; /* that counts; 0: there is nothing in slots */
    uint32_t index;      /* in view->timers or view->instruments */
};

/* A thread's table of a top-k, to be merged at the end. */
struct tare__page_table {
    uint32_t instrument; /* in view->instruments */
    uint64_t offset, size;
    uint64_t weight; /* of all keys that went into it */
};

/* A thread's state, to be put with those of the same instrument at the end. */
struct tare__page_stay {
    uint32_t instrument; /* in view->instruments */
    struct tare_page_stay stay;
};

/* One reading under way. */
struct tare__page_reading {
    struct tare__page_file *file;
    struct tare_page_view *view;
    const struct tare_page *header; /* the view's */
    struct tare__page_memory *memory;
    const struct tare_control *controls;
    struct tare__page_plan *plan; /* by index in the directory, as are controls */
    uint64_t *totals;             /* by index in view->instruments: of counters */
    struct tare__page_table *tables;
    size_t table_count, table_room;
    struct tare__page_stay *stays; /* in the order of blocks */
    size_t stay_count, stay_room;
    uint32_t block;     /* number of the one that is read */
    bool with_stays;    /* somebody asked for them */
    bool was_reset;     /* some instrument has been reset before */
    uint64_t end_ticks; /* up to which stays that last are counted; 0: they are not */
};

/* Keeps what the view will free; NULL without memory, and then `pointer` has been freed. */
void *tare__page_own(struct tare__page_reading *r, void *pointer);

/* The slots of the block at `offset`, which is owned by a thread or not, added to what is in the view. */
int tare__page_slots_read(struct tare__page_reading *r, uint64_t offset, bool owned);

/* What lies in cells: gauges and frames. */
int tare__page_cells_read(struct tare__page_reading *r);

/* When all blocks have been read: puts sums into the view, and merges tables. */
int tare__page_instruments_finish(struct tare__page_reading *r);

/* An instrument that was reset meanwhile: nothing of it is given but a gauge's value, which is its peak, too. */
void tare__page_instrument_void(struct tare_page_instrument *instrument);

/* The ring of frames that `cell` names; in record/page_frames.c. */
int tare__page_frames_read(struct tare__page_reading *r, struct tare_page_instrument *instrument,
                           const struct tare_cell *cell);

/* Sets right what contradicts itself in a slot, and adds it up. */
void tare__page_slot_mend(struct tare_slot *slot);
void tare__page_sums_merge(struct tare_timer_sums *sums, const struct tare_slot *slot);

/*
 * A histogram at `offset` of the page, added to `buckets`. Only the buckets between the extremes can hold
 * anything; a live thread may have gone beyond them since, which costs at most what came since.
 */
int tare__page_histogram_merge(struct tare__page_file *file, uint64_t offset, uint64_t min, uint64_t max,
                               uint64_t *buckets);

/* Whether [offset, offset + size) lies in the extras, on a multiple of 8. */
bool tare__page_in_extras(const struct tare_page *header, uint64_t offset, uint64_t size);

#endif
