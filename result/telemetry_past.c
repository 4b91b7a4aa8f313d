/* SPDX-License-Identifier: MIT */
/*
 * What is kept of a reading. A view of a page with a thousand histograms takes megabytes, most of them zeros;
 * what differences need of it takes some hundred bytes for each histogram, and a window needs several readings.
 * All memory here is used again and again: a reader that polls four times a second allocates nothing any more
 * once it has seen the largest reading.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "result/telemetry_parts.h"

enum { CHUNK = 64 * 1024, ALIGNMENT = 16 };

struct tare__arena_chunk {
    struct tare__arena_chunk *next;
    size_t size; /* behind the header */
    _Alignas(ALIGNMENT) unsigned char bytes[];
};

void *tare__arena_take(struct tare__arena *arena, size_t size)
{
    size = (size + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
    if (arena->chunks == NULL || arena->chunks->size - arena->used < size) {
        size_t room = arena->chunks != NULL ? 2 * arena->chunks->size : CHUNK;
        room = room < size ? size : room;
        struct tare__arena_chunk *chunk = malloc(sizeof(*chunk) + room);
        if (chunk == NULL) {
            return NULL;
        }
        *chunk = (struct tare__arena_chunk){.next = arena->chunks, .size = room};
        arena->chunks = chunk;
        arena->used = 0;
    }
    void *memory = arena->chunks->bytes + arena->used;
    arena->used += size;
    return memory;
}

static void free_chunks(struct tare__arena_chunk *chunk)
{
    while (chunk != NULL) {
        struct tare__arena_chunk *next = chunk->next;
        free(chunk);
        chunk = next;
    }
}

/*
 * The first chunk is the largest, and next time has room for all that lay in several if it was the same again.
 */
void tare__arena_clear(struct tare__arena *arena)
{
    if (arena->chunks != NULL) {
        free_chunks(arena->chunks->next);
        arena->chunks->next = NULL;
    }
    arena->used = 0;
}

void tare__arena_release(struct tare__arena *arena)
{
    free_chunks(arena->chunks);
    *arena = (struct tare__arena){0};
}

/* The array, with room for `more` elements behind `count`; NULL: no memory, and it is as it was. */
static void *reserve(void *array, size_t count, size_t *capacity, size_t more, size_t size)
{
    if (array != NULL && *capacity - count >= more) {
        return array;
    }
    size_t wanted = *capacity < 64 ? 64 : *capacity;
    while (wanted - count < more) {
        wanted *= 2;
    }
    void *grown = reallocarray(array, wanted, size);
    if (grown != NULL) {
        *capacity = wanted;
    }
    return grown;
}

size_t tare__buckets_pack(const uint64_t *dense, uint64_t min, uint64_t max, struct tare_bucket *to)
{
    size_t count = 0;
    uint32_t first = min <= max ? tare_bucket_of(min) : 0;
    uint32_t last = min <= max ? tare_bucket_of(max) : TARE_BUCKET_COUNT - 1;
    for (uint32_t i = first; i <= last; i++) {
        if (dense[i] != 0) {
            to[count++] = (struct tare_bucket){.count = dense[i], .index = i};
        }
    }
    return count;
}

/*
 * Where nothing was recorded since the reading before, and that one had caught all of it, the buckets are the
 * same: looking at 5,760 bytes of each of a thousand histograms is most of the work.
 */
static bool unchanged(const struct tare_timer_sums *now, const struct tare_timer_sums *then,
                      const struct tare_bucket *buckets, size_t count)
{
    if (now->outermost != then->outermost || now->total_ticks != then->total_ticks) {
        return false;
    }
    uint64_t sum = 0;
    for (size_t i = 0; i < count; i++) {
        sum += buckets[i].count;
    }
    return sum == now->outermost;
}

static int fill_buckets(struct tare__past *past, struct tare__past_instrument *to, const uint64_t *dense,
                        const struct tare_timer_sums *sums, const struct tare__past *before,
                        const struct tare__past_instrument *then, const struct tare_timer_sums *then_sums)
{
    to->first = (uint32_t)past->bucket_count;
    to->count = 0;
    if (dense == NULL || sums->outermost == 0) {
        return 0;
    }
    struct tare_bucket *grown = reserve(past->buckets, past->bucket_count, &past->bucket_capacity,
                                        TARE_BUCKET_COUNT, sizeof(*past->buckets));
    if (grown == NULL) {
        return -ENOMEM;
    }
    past->buckets = grown;
    struct tare_bucket *buckets = past->buckets + past->bucket_count;
    if (then != NULL && then->count != 0 &&
        unchanged(sums, then_sums, before->buckets + then->first, then->count)) {
        memcpy(buckets, before->buckets + then->first, then->count * sizeof(*buckets));
        to->count = then->count;
    } else {
        to->count = (uint32_t)tare__buckets_pack(dense, sums->min_ticks, sums->max_ticks, buckets);
    }
    past->bucket_count += to->count;
    return 0;
}

static int by_key(const void *a, const void *b)
{
    uint64_t key_a = ((const struct tare_page_key *)a)->key, key_b = ((const struct tare_page_key *)b)->key;
    return key_a < key_b ? -1 : key_a > key_b;
}

static int fill_keys(struct tare__past *past, struct tare__past_instrument *to,
                     const struct tare_page_instrument *from)
{
    to->topk.weight = from->total;
    to->topk.hits = from->hits;
    to->first = (uint32_t)past->key_count;
    to->count = (uint32_t)from->key_count;
    if (from->key_count == 0) {
        return 0;
    }
    struct tare_page_key *grown =
        reserve(past->keys, past->key_count, &past->key_capacity, from->key_count, sizeof(*past->keys));
    if (grown == NULL) {
        return -ENOMEM;
    }
    past->keys = grown;
    struct tare_page_key *keys = past->keys + past->key_count;
    memcpy(keys, from->keys, from->key_count * sizeof(*keys));
    qsort(keys, from->key_count, sizeof(*keys), by_key);
    past->key_count += from->key_count;
    return 0;
}

static void fill_frames(struct tare__past_frames *to, const struct tare_page_instrument *from)
{
    to->sums = from->sums;
    to->frames = from->frames.frames;
    to->dropped = from->frames.dropped;
    to->slow = from->frames.slow;
    memcpy(to->part_ticks, from->frames.part_ticks, sizeof(to->part_ticks));
    memcpy(to->part_frames, from->frames.part_frames, sizeof(to->part_frames));
}

/* What instruments of those kinds point to: room for all of it, before any does. */
static int reserve_figures(struct tare__past *past, const struct tare_page_view *view)
{
    size_t sums = view->timer_count, states = 0, frames = 0;
    for (size_t i = 0; i < view->instrument_count; i++) {
        sums += view->instruments[i].kind == TARE_KIND_HISTOGRAM;
        states += view->instruments[i].kind == TARE_KIND_STATE;
        frames += view->instruments[i].kind == TARE_KIND_FRAMES;
    }
    void *grown =
        sums != 0 ? reserve(past->sums, 0, &past->sums_capacity, sums, sizeof(*past->sums)) : past->sums;
    past->sums = grown != NULL ? grown : past->sums;
    bool failed = sums != 0 && grown == NULL;
    grown = states != 0 ? reserve(past->states, 0, &past->state_capacity, states, sizeof(*past->states))
                        : past->states;
    past->states = grown != NULL ? grown : past->states;
    failed |= states != 0 && grown == NULL;
    grown = frames != 0 ? reserve(past->frames, 0, &past->frames_capacity, frames, sizeof(*past->frames))
                        : past->frames;
    past->frames = grown != NULL ? grown : past->frames;
    failed |= frames != 0 && grown == NULL;
    return failed ? -ENOMEM : 0;
}

/* `then`: the same instrument in the reading before; NULL: it was not there, or was another generation. */
static int fill_instrument(struct tare__past *past, struct tare__past_instrument *to,
                           const struct tare_page_instrument *from, const struct tare__past *before,
                           const struct tare__past_instrument *then)
{
    switch (from->kind) {
    case TARE_KIND_COUNTER:
        to->total = from->total;
        return 0;
    case TARE_KIND_GAUGE:
        to->value = from->value;
        return 0;
    case TARE_KIND_HISTOGRAM:
        *to->sums = from->sums;
        return fill_buckets(past, to, from->buckets, &from->sums, before, then,
                            then != NULL ? then->sums : NULL);
    case TARE_KIND_STATE:
        memcpy(to->state->ticks, from->state_ticks, sizeof(to->state->ticks));
        memcpy(to->state->threads, from->state_threads, sizeof(to->state->threads));
        to->state->changes = from->state_changes;
        return 0;
    case TARE_KIND_TOPK:
        return fill_keys(past, to, from);
    case TARE_KIND_FRAMES:
        fill_frames(to->frames, from);
        return fill_buckets(past, to, from->buckets, &from->sums, before, then,
                            then != NULL ? &then->frames->sums : NULL);
    default:
        return 0;
    }
}

int tare__past_fill(struct tare__past *past, const struct tare_page_view *view, const struct tare__past *before)
{
    size_t count = view->timer_count + view->instrument_count, t = 0, i = 0, sums = 0, states = 0, frames = 0;
    past->count = past->bucket_count = past->key_count = 0;
    past->read_ticks = view->read_ticks;
    struct tare__past_instrument *grown =
        reserve(past->instruments, 0, &past->capacity, count, sizeof(*past->instruments));
    if (grown == NULL) {
        return -ENOMEM;
    }
    past->instruments = grown;
    if (reserve_figures(past, view) != 0) {
        return -ENOMEM;
    }
    for (size_t at = 0; at < count; at++) {
        bool is_timer = i == view->instrument_count ||
                        (t < view->timer_count && view->timers[t].index < view->instruments[i].index);
        const struct tare_page_timer *timer = is_timer ? &view->timers[t++] : NULL;
        const struct tare_page_instrument *instrument = is_timer ? NULL : &view->instruments[i++];
        struct tare__past_instrument *to = &past->instruments[at];
        *to = (struct tare__past_instrument){
            .kind = is_timer ? TARE_KIND_TIMER : instrument->kind,
            .index = is_timer ? timer->index : instrument->index,
            .generation = is_timer ? timer->generation : instrument->generation,
            .enabled = is_timer ? timer->enabled : instrument->enabled,
            .switched = is_timer ? 0 : instrument->switched,
        };
        if (to->kind == TARE_KIND_TIMER || to->kind == TARE_KIND_HISTOGRAM) {
            to->sums = &past->sums[sums++];
        } else if (to->kind == TARE_KIND_STATE) {
            to->state = &past->states[states++];
        } else if (to->kind == TARE_KIND_FRAMES) {
            to->frames = &past->frames[frames++];
        }
        const struct tare__past_instrument *then =
            before != NULL && at < before->count ? &before->instruments[at] : NULL;
        if (then != NULL &&
            (then->index != to->index || then->generation != to->generation || then->kind != to->kind)) {
            then = NULL;
        }
        int error;
        if (is_timer) {
            *to->sums = timer->sums;
            error = fill_buckets(past, to, timer->buckets, &timer->sums, before, then,
                                 then != NULL ? then->sums : NULL);
        } else {
            error = fill_instrument(past, to, instrument, before, then);
        }
        if (error != 0) {
            return error;
        }
        past->count++;
    }
    return 0;
}

void tare__past_release(struct tare__past *past)
{
    free(past->instruments);
    free(past->sums);
    free(past->states);
    free(past->frames);
    free(past->buckets);
    free(past->keys);
    *past = (struct tare__past){0};
}
