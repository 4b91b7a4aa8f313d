/* SPDX-License-Identifier: MIT */
/*
 * Frames: a ring in the extras, made at the first frame. The instrument's cell says where.
 *
 *     +--------+--------------------+-----------------+-----------+-------------------------------+
 *     | header | records x capacity | slow ones  x 64 | histogram | parts of the open frame (own) |
 *     +--------+--------------------+-----------------+-----------+-------------------------------+
 *
 * One thread at a time writes, so all but late parts are plain stores. A record is written at the frame's end,
 * in one go, with its `sequence` odd; what follows that store has release order, as in topk.h. A late part comes
 * from any thread, and must not land in a record that passes to another frame meanwhile: whoever changes a
 * record first makes its sequence odd by a compare-and-swap from what it takes it for; numbers go on across
 * resets, so that no two frames ever have the same. The end of a frame does
 * not wait for a late part whose thread was stopped amid that: then this frame is not in the ring, and counted
 * all the same.
 */
#include <tare/frame.h>

#include "runtime/internal.h"

#define PART_UNKNOWN UINT64_MAX /* was not told */
#define PART_SPOILT                                                                                            \
    (UINT64_MAX - 1) /* of the open frame only: was told what no time is; in a record: see SPOILT */

enum {
    NO_ROOM = 1,        /* extra_size, where extra_offset is 0: there was no room, and there will be none */
    PATIENCE = 20000,   /* how often a late part looks at a record that is being changed: about a ms */
    END_PATIENCE = 200, /* and the end of a frame: some µs */
    SPOILT_SHIFT = TARE_FRAME_SPOILT_SHIFT,
};

static inline void *at(struct tare_frame_ring *ring, uint32_t offset)
{
    return (unsigned char *)ring + offset;
}

/* Of the n-th frame since the last reset. */
static inline struct tare_frame_record *record_at(struct tare_frame_ring *ring, uint64_t n)
{
    return (struct tare_frame_record *)at(ring, ring->records_offset) + (n & (ring->capacity - 1));
}

static inline struct tare_frame_record *slow_at(struct tare_frame_ring *ring, uint64_t number)
{
    return (struct tare_frame_record *)at(ring, ring->slow_offset) + number % TARE_FRAME_SLOW;
}

static inline uint64_t *buckets_of(struct tare_frame_ring *ring)
{
    return at(ring, ring->buckets_offset);
}

/* Parts of the frame that is open. */
static inline uint64_t *open_parts(struct tare_frame_ring *ring)
{
    return buckets_of(ring) + TARE_BUCKET_COUNT;
}

/* The ring behind a control, if it was made; NULL too where the instrument's library is being unloaded. */
static inline struct tare_frame_ring *ring_of(const struct tare_control *control)
{
    const struct tare_page *page = tare__rt.page;
    if (unlikely(page == NULL || control_index(control) >= page->instrument_max)) {
        return NULL;
    }
    uint64_t offset =
        load_acquire(&tare__cell(control_index(control))->extra_offset); /* pairs with make_ring */
    return offset != 0 ? (struct tare_frame_ring *)(void *)((unsigned char *)tare__rt.page + offset) : NULL;
}

static __attribute__((noinline)) struct tare_frame_ring *make_ring(const struct tare_control *control)
{
    const struct tare_page *page = tare__rt.page;
    uint32_t index = control_index(control);
    if (page == NULL || index >= page->instrument_max) {
        return NULL;
    }
    const struct tare_entry *entry = &tare__rt.entries[index];
    struct tare_cell *cell = tare__cell(index);
    if (load_relaxed(&cell->extra_size) == NO_ROOM) {
        return NULL;
    }
    const uint32_t stride = sizeof(struct tare_frame_record);
    uint32_t capacity = entry->size; /* a power of two: registry.c */
    uint32_t slow_offset = (uint32_t)sizeof(struct tare_frame_ring) + capacity * stride;
    uint32_t buckets_offset = slow_offset + TARE_FRAME_SLOW * stride;
    uint64_t size = buckets_offset + (TARE_BUCKET_COUNT + TARE_FRAME_PARTS_MAX) * sizeof(uint64_t);
    uint64_t offset = tare__extra_allocate(size);
    if (offset == 0) {
        store_relaxed(&cell->extra_size, NO_ROOM);
        return NULL;
    }
    struct tare_frame_ring *ring = (struct tare_frame_ring *)(void *)((unsigned char *)tare__rt.page + offset);
    store_relaxed(&ring->capacity, capacity);
    store_relaxed(&ring->part_count,
                  entry->name_count < TARE_FRAME_PARTS_MAX ? entry->name_count : TARE_FRAME_PARTS_MAX);
    store_relaxed(&ring->record_stride, stride);
    store_relaxed(&ring->slow_capacity, (uint32_t)TARE_FRAME_SLOW);
    store_relaxed(&ring->records_offset, (uint32_t)sizeof(struct tare_frame_ring));
    store_relaxed(&ring->slow_offset, slow_offset);
    store_relaxed(&ring->buckets_offset, buckets_offset);
    store_relaxed(&ring->min_ticks, UINT64_MAX);
    store_relaxed(&cell->extra_size, size);
    /* Another thread, that sets what is slow, may have been faster; then this one is lost. */
    cas64_acq_rel(&cell->extra_offset, 0, offset); /* pairs with ring_of and the readers' acquire */
    return ring_of(control);
}

/* For frames of `generation`: the first, or the first after a reset. What is slow is no count, and stays. */
static __attribute__((noinline)) void prepare(struct tare_frame_ring *ring, uint32_t generation)
{
    uint64_t *const sums[] = {&ring->dropped,   &ring->slow,      &ring->total_ticks,
                              &ring->max_ticks, &ring->abandoned, &ring->open_ticks};
    bool fresh = load_relaxed(&ring->generation) == 0;
    store_relaxed(&ring->generation, 0);
    for (uint32_t i = 0; i < ring->capacity && !fresh; i++) { /* first: no late part counts in the new sums */
        store_release(&record_at(ring, i)->sequence, 0);
    }
    for (uint32_t i = 0; i < TARE_FRAME_SLOW && !fresh; i++) {
        store_release(&slow_at(ring, i)->sequence, 0);
    }
    store_release(&ring->base, ring->base + load_relaxed(&ring->frames));
    store_release(&ring->frames, 0);
    for (size_t i = 0; i < sizeof(sums) / sizeof(sums[0]); i++) {
        store_release(sums[i], 0);
    }
    store_release(&ring->min_ticks, UINT64_MAX);
    for (uint32_t i = 0; i < TARE_FRAME_PARTS_MAX; i++) {
        store_release(&ring->part_ticks[i], 0);
        store_release(&ring->part_frames[i], 0);
    }
    for (uint32_t i = 0; i < TARE_BUCKET_COUNT && !fresh; i++) {
        store_release(&buckets_of(ring)[i], 0);
    }
    store_release(&ring->generation, generation); /* pairs with the readers' acquire */
}

/* The ring, made and ready for counts; NULL without room. */
static struct tare_frame_ring *ready_ring(tare_instrument *frames)
{
    struct tare_control *control = control_of(&frames->timer);
    struct tare_frame_ring *ring = ring_of(control);
    if (unlikely(ring == NULL) && (ring = make_ring(control)) == NULL) {
        return NULL;
    }
    uint32_t generation = load_relaxed(&control->generation);
    if (unlikely(load_relaxed(&ring->generation) != generation)) {
        prepare(ring, generation);
    }
    return ring;
}

/* Whether frames were not switched off since the open one began. */
static inline bool stayed_on(const struct tare_frame_ring *ring, const struct tare_control *control)
{
    return load_relaxed(&ring->open_switched) == load_relaxed(&control->switched);
}

/* The ring, if a frame is open in it which neither a reset nor a switching off came between. */
static struct tare_frame_ring *open_ring(tare_instrument *frames)
{
    struct tare_control *control = control_of(&frames->timer);
    struct tare_frame_ring *ring = ring_of(control);
    return ring != NULL && load_relaxed(&ring->generation) == load_relaxed(&control->generation) &&
                   load_relaxed(&ring->open_ticks) != 0 && stayed_on(ring, control)
               ? ring
               : NULL;
}

/* PART_SPOILT: it is too long, or was negative. */
static uint64_t ticks_of(uint64_t ns)
{
    unsigned __int128 ticks = (unsigned __int128)ns * load_relaxed(&tare__rt.page->rate_hz) / 1000000000u;
    return ns <= INT64_MAX && ticks < PART_SPOILT ? (uint64_t)ticks : PART_SPOILT;
}

/* What a part took, with so much more; PART_SPOILT with what is that, or if it is too much. */
static uint64_t part_sum(uint64_t part, uint64_t ticks)
{
    uint64_t before = part == PART_UNKNOWN ? 0 : part;
    return ticks < PART_SPOILT - before ? before + ticks : PART_SPOILT;
}

void tare__frame_begin(tare_instrument *frames)
{
    struct tare_frame_ring *ring = ready_ring(frames);
    if (unlikely(ring == NULL)) {
        return;
    }
    if (unlikely(load_relaxed(&ring->open_ticks) != 0)) {
        store_relaxed(&ring->abandoned, load_relaxed(&ring->abandoned) + 1);
    }
    uint64_t *parts = open_parts(ring);
    for (uint32_t i = 0; i < TARE_FRAME_PARTS_MAX; i++) {
        parts[i] = PART_UNKNOWN;
    }
    store_relaxed(&ring->open_switched, (uint32_t)load_relaxed(&control_of(&frames->timer)->switched));
    store_relaxed(&ring->open_ticks, clock_start(tare__rt.clock));
}

static inline void relax(void)
{
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

/* The frame that ended, into a record, unless a late part holds that. */
static void write_record(struct tare_frame_ring *ring, struct tare_frame_record *record, uint64_t number,
                         uint64_t start, uint64_t ticks, uint64_t flags)
{
    const uint64_t sequence = 2 * (number + 1);
    const uint64_t *parts = open_parts(ring);
    uint64_t before = load_relaxed(&record->sequence);
    for (uint32_t tries = 0; (before & 1) != 0 || !cas64_acq_rel(&record->sequence, before, sequence | 1);
         before = load_relaxed(&record->sequence)) {
        if (++tries == END_PATIENCE) {
            return;
        }
        relax();
    }
    store_release(&record->start_ticks, start);
    store_release(&record->ticks, ticks);
    for (uint32_t i = 0; i < TARE_FRAME_PARTS_MAX; i++) {
        bool spoilt = parts[i] == PART_SPOILT;
        flags |= (uint64_t)spoilt << (SPOILT_SHIFT + i);
        store_release(&record->part_ticks[i], spoilt ? PART_UNKNOWN : parts[i]);
    }
    store_release(&record->flags, flags);
    store_release(&record->sequence, sequence);
}

static void count_frame(struct tare_frame_ring *ring, uint64_t ticks)
{
    const uint64_t *parts = open_parts(ring);
    counter_add(&ring->total_ticks, ticks);
    if (ticks < load_relaxed(&ring->min_ticks)) {
        store_relaxed(&ring->min_ticks, ticks);
    }
    if (ticks > load_relaxed(&ring->max_ticks)) {
        store_relaxed(&ring->max_ticks, ticks);
    }
    counter_add(&buckets_of(ring)[tare_bucket_of(ticks)], 1);
    for (uint32_t i = 0; i < ring->part_count; i++) {
        if (parts[i] < PART_SPOILT) { /* to these, late ones add from other threads */
            fetch_add_relaxed(&ring->part_ticks[i], parts[i]);
            fetch_add_relaxed(&ring->part_frames[i], 1);
        }
    }
}

/* The end of a frame that does not count: if one is open, they were switched off and on in it. */
static __attribute__((noinline)) void abandon(tare_instrument *frames)
{
    struct tare_control *control = control_of(&frames->timer);
    struct tare_frame_ring *ring = ring_of(control);
    if (ring != NULL && load_relaxed(&ring->generation) == load_relaxed(&control->generation) &&
        load_relaxed(&ring->open_ticks) != 0) {
        store_relaxed(&ring->open_ticks, 0);
        store_relaxed(&ring->abandoned, load_relaxed(&ring->abandoned) + 1);
    }
}

uint64_t tare__frame_end(tare_instrument *frames)
{
    uint64_t now = clock_stop(tare__rt.clock);
    struct tare_frame_ring *ring = open_ring(frames);
    if (unlikely(ring == NULL)) {
        abandon(frames);
        return TARE_FRAME_NONE;
    }
    uint64_t start = load_relaxed(&ring->open_ticks), ended = load_relaxed(&ring->frames);
    uint64_t number = ring->base + ended;
    uint64_t ticks = now > start ? now - start : 0; /* counters of two processors may be some ticks apart */
    uint64_t slow_ticks = load_relaxed(&ring->slow_ticks);
    bool slow = slow_ticks != 0 && ticks > slow_ticks;
    count_frame(ring, ticks);
    if (unlikely(ring->capacity ==
                 0)) { /* a handler has just forked: this is the child, and the ring was the parent's */
        return TARE_FRAME_NONE;
    }
    if (slow) { /* before the other copy: a late part finds that one, and then this one, too */
        write_record(ring, slow_at(ring, load_relaxed(&ring->slow)), number, start, ticks, TARE_FRAME_IS_SLOW);
        store_release(&ring->slow, load_relaxed(&ring->slow) + 1);
    }
    write_record(ring, record_at(ring, ended), number, start, ticks, slow ? TARE_FRAME_IS_SLOW : 0);
    store_relaxed(&ring->open_ticks, 0);
    store_release(&ring->frames, ended + 1); /* pairs with the readers' acquire */
    return number;
}

void tare__frame_part(tare_instrument *frames, uint32_t part, uint64_t ns)
{
    struct tare_frame_ring *ring = open_ring(frames);
    if (ring != NULL && part < ring->part_count) {
        open_parts(ring)[part] = part_sum(open_parts(ring)[part], ticks_of(ns));
    }
}

void tare__frame_part_begin(tare_instrument *frames, uint32_t part, tare__frame_scope *scope)
{
    const struct tare_frame_ring *ring = open_ring(frames);
    if (ring != NULL && part < ring->part_count) {
        scope->frames = frames;
        scope->part = part;
        scope->start_ticks = clock_start(tare__rt.clock);
    }
}

void tare__frame_part_end(tare__frame_scope *scope)
{
    uint64_t now = clock_stop(tare__rt.clock);
    struct tare_frame_ring *ring = open_ring(scope->frames);
    /* Else its frame has ended before it, was abandoned, or belongs to the parent of this process. */
    if (ring != NULL && scope->start_ticks >= load_relaxed(&ring->open_ticks)) {
        uint64_t *part = &open_parts(ring)[scope->part];
        *part = part_sum(*part, now > scope->start_ticks ? now - scope->start_ticks : 0);
    }
    scope->frames = NULL;
}

/*
 * Adds to a part of a record, if it is still this frame's. *ticks becomes what its sum over all frames grows by, and
 * *frames what the number of frames that have it does, modulo 2^64: it may become unknown. False: the record is
 * another frame's by now, or others are at it without end, which is counted.
 */
static bool add_late(struct tare_frame_record *record, uint64_t number, uint32_t part, uint64_t *ticks,
                     uint64_t *frames)
{
    uint64_t sequence = 2 * (number + 1);
    for (uint32_t tries = 0; !cas64_acq_rel(&record->sequence, sequence, sequence | 1);) {
        uint64_t seen = load_relaxed(&record->sequence);
        if ((seen | 1) != (sequence | 1)) {
            return false;
        }
        if (++tries == PATIENCE) {
            fetch_add_relaxed(&tare__rt.page->dropped_scopes, 1);
            return false;
        }
        relax();
    }
    uint64_t before = load_relaxed(&record->part_ticks[part]), flags = load_relaxed(&record->flags);
    const uint64_t spoilt = UINT64_C(1) << (SPOILT_SHIFT + part);
    uint64_t after = (flags & spoilt) != 0 ? PART_SPOILT : part_sum(before, *ticks);
    if (after == PART_SPOILT) {
        after = PART_UNKNOWN;
        store_release(&record->flags, flags | spoilt);
    }
    store_release(&record->part_ticks[part], after);
    *ticks = (after != PART_UNKNOWN ? after : 0) - (before != PART_UNKNOWN ? before : 0);
    *frames = (uint64_t)(after != PART_UNKNOWN) - (uint64_t)(before != PART_UNKNOWN);
    /* Not a store: a reset may have emptied the record meanwhile. */
    return cas64_acq_rel(&record->sequence, sequence | 1, sequence);
}

void tare__frame_part_late(tare_instrument *frames, uint64_t number, uint32_t part, uint64_t ns)
{
    struct tare_control *control = control_of(&frames->timer);
    struct tare_frame_ring *ring = ring_of(control);
    if (ring == NULL || part >= ring->part_count ||
        load_acquire(&ring->generation) != load_relaxed(&control->generation)) {
        return;
    }
    uint64_t base = load_relaxed(&ring->base), ticks = ticks_of(ns), more = ticks, frames_more;
    if (number < base || number - base >= load_acquire(&ring->frames)) {
        return; /* also TARE_FRAME_NONE */
    }
    if (!add_late(record_at(ring, number - base), number, part, &more, &frames_more)) {
        return;
    }
    fetch_add_relaxed(&ring->part_ticks[part], more);
    fetch_add_relaxed(&ring->part_frames[part], frames_more);
    for (uint64_t i = 0; i < TARE_FRAME_SLOW; i++) {
        if (load_relaxed(&slow_at(ring, i)->sequence) >> 1 == number + 1) {
            more = ticks;
            add_late(slow_at(ring, i), number, part, &more, &frames_more);
        }
    }
}

void tare__frame_dropped(tare_instrument *frames, uint64_t count)
{
    struct tare_frame_ring *ring = ready_ring(frames);
    if (ring != NULL) {
        counter_add(&ring->dropped, count);
    }
}

void tare__frame_slow(tare_instrument *frames, uint64_t ns)
{
    if (tare__rt.page == NULL || load_relaxed(&frames->timer.enabled) == &tare__never) {
        return;
    }
    struct tare_control *control = control_of(&frames->timer);
    struct tare_frame_ring *ring = ring_of(control);
    if (ring != NULL || (ring = make_ring(control)) != NULL) {
        uint64_t ticks = ticks_of(ns);
        store_relaxed(&ring->slow_ticks, ns != 0 && ticks == 0 ? 1 : ticks);
    }
}
