/* SPDX-License-Identifier: MIT */
/*
 * Rings of frames. While we read one, frames go on ending, and take the places of the oldest: a record counts
 * if it was caught in one piece and is of the frame that belongs there. A ring that does not fit together is
 * none.
 */
#include <stdlib.h>
#include <string.h>

#include "record/page_instruments.h"

/* The base of records that are not numbered one after the other. */
#define NOT_NUMBERED UINT64_MAX

/* Frames before a reset: so many that no number is beyond 64 bits. */
#define MOST_BEFORE (UINT64_MAX / 4)

/* Whether `count` records lie in the ring's `size` bytes. */
static bool records_fit(const struct tare_frame_ring *ring, uint64_t offset, uint64_t count, uint64_t size)
{
    return offset % 8 == 0 && offset >= sizeof(*ring) && offset <= size &&
           count * ring->record_stride <= size - offset;
}

static bool ring_valid(const struct tare_frame_ring *ring, uint64_t size)
{
    return ring->capacity > 0 && ring->capacity <= TARE_FRAMES_MAX &&
           (ring->capacity & (ring->capacity - 1)) == 0 && ring->base <= MOST_BEFORE &&
           ring->slow_capacity <= TARE_FRAMES_MAX && ring->record_stride >= sizeof(struct tare_frame_record) &&
           ring->record_stride % 8 == 0 && ring->record_stride <= TARE__STRIDE_LIMIT &&
           records_fit(ring, ring->records_offset, ring->capacity, size) &&
           records_fit(ring, ring->slow_offset, ring->slow_capacity, size) && ring->buckets_offset % 8 == 0 &&
           ring->buckets_offset >= sizeof(*ring) && ring->buckets_offset <= size &&
           TARE_BUCKET_COUNT * sizeof(uint64_t) <= size - ring->buckets_offset;
}

static struct tare_page_frame frame_of(const struct tare_frame_record *record, uint32_t parts)
{
    struct tare_page_frame frame = {
        .number = record->sequence / 2 - 1,
        .start_ticks = record->start_ticks,
        .ticks = record->ticks,
        .slow = (record->flags & TARE_FRAME_IS_SLOW) != 0,
    };
    for (uint32_t i = 0; i < TARE_FRAME_PARTS_MAX; i++) {
        frame.part_ticks[i] = i < parts ? record->part_ticks[i] : UINT64_MAX;
    }
    return frame;
}

/*
 * The last `capacity` of `ended` records, the n-th at n modulo capacity, oldest first. Numbers of frames
 * ascend; an older record whose number does not has been overwritten. The n-th record is of frame base + n,
 * unless they are not numbered so.
 */
static int records_read(struct tare__page_reading *r, uint64_t offset, uint32_t stride, uint32_t capacity,
                        uint64_t ended, uint32_t parts, uint64_t base, struct tare_page_frame **frames,
                        size_t *count)
{
    uint32_t there = ended < capacity ? (uint32_t)ended : capacity;
    if (there == 0 || !tare__page_spend(r->file, (uint64_t)there * stride)) {
        return 0;
    }
    struct tare_frame_record *records = malloc(there * sizeof(*records));
    bool *whole = malloc(there);
    *frames = tare__page_own(r, malloc(there * sizeof(**frames)));
    int error = 0;
    if (records == NULL || whole == NULL || *frames == NULL) {
        error = tare__page_fail_memory(r->file);
        goto out;
    }
    memset(whole, 1, there);
    const struct tare__page_sequence sequence = {offsetof(struct tare_frame_record, sequence), 8};
    error =
        tare__page_whole_records(r->file, offset, stride, there, sizeof(*records), sequence, records, whole);
    size_t at = there;
    uint64_t above = UINT64_MAX; /* the number that the record behind has */
    for (uint64_t n = ended; n > ended - there && error == 0; n--) {
        const struct tare_frame_record *record = &records[(n - 1) % capacity];
        uint64_t number = record->sequence / 2 - 1; /* of a record never written: the greatest */
        if (whole[(n - 1) % capacity] && number < above && (base == NOT_NUMBERED || number == base + (n - 1))) {
            (*frames)[--at] = frame_of(record, parts);
            above = number;
        }
    }
    *count = error == 0 ? there - at : 0;
    if (*count > 0 && at > 0) {
        memmove(*frames, *frames + at, *count * sizeof(**frames));
    }
out:
    free(records);
    free(whole);
    return error;
}

/* The figures that the ring's head has, mended as those of a slot. `open`: a frame can be under way. */
static void head_read(struct tare_page_instrument *instrument, const struct tare_frame_ring *ring, bool open)
{
    struct tare_slot slot = {
        .calls = ring->frames,
        .outermost = ring->frames,
        .total_ticks = ring->total_ticks,
        .min_ticks = ring->min_ticks,
        .max_ticks = ring->max_ticks,
    };
    tare__page_slot_mend(&slot);
    tare__page_sums_merge(&instrument->sums, &slot);
    struct tare_page_frames *frames = &instrument->frames;
    frames->frames = ring->frames;
    frames->dropped = ring->dropped;
    frames->abandoned = ring->abandoned;
    frames->slow = ring->slow < ring->frames ? ring->slow : ring->frames;
    frames->base = ring->base;
    frames->open_ticks = open ? ring->open_ticks : 0;
    for (uint32_t i = 0; i < instrument->name_count; i++) {
        frames->part_ticks[i] = ring->part_ticks[i];
        frames->part_frames[i] = ring->part_frames[i];
    }
}

int tare__page_frames_read(struct tare__page_reading *r, struct tare_page_instrument *instrument,
                           const struct tare_cell *cell)
{
    struct tare_frame_ring before, ring;
    uint64_t offset = cell->extra_offset;
    if (cell->extra_size < sizeof(ring) || !tare__page_in_extras(r->header, offset, cell->extra_size) ||
        !tare__page_spend(r->file, sizeof(ring))) {
        return 0;
    }
    uint32_t generation = r->controls[instrument->index].generation;
    int error = tare__page_copy(r->file, offset, &before, sizeof(before));
    tare__acquire_fence();
    error = error ? error : tare__page_copy(r->file, offset, &ring, sizeof(ring));
    if (error != 0) {
        return error;
    }
    instrument->frames.slow_ticks = ring.slow_ticks; /* a setting, which is not reset */
    if (generation == 0 || before.generation != generation || ring.generation != generation ||
        !ring_valid(&ring, cell->extra_size)) {
        return 0;
    }
    const struct tare_control *control = &r->controls[instrument->index];
    head_read(instrument, &ring, control->enabled != 0 && ring.open_switched == control->switched);
    tare__acquire_fence();
    struct tare_page_frames *frames = &instrument->frames;
    error = records_read(r, offset + ring.records_offset, ring.record_stride, ring.capacity, ring.frames,
                         instrument->name_count, ring.base, &frames->last, &frames->last_count);
    if (error == 0 && ring.slow_capacity > 0) {
        error = records_read(r, offset + ring.slow_offset, ring.record_stride, ring.slow_capacity, frames->slow,
                             instrument->name_count, NOT_NUMBERED, &frames->slowest, &frames->slowest_count);
    }
    if (error == 0 && instrument->buckets != NULL && ring.frames != 0) {
        error = tare__page_histogram_merge(r->file, offset + ring.buckets_offset, instrument->sums.min_ticks,
                                           instrument->sums.max_ticks, instrument->buckets);
    }
    return error;
}
