/* SPDX-License-Identifier: MIT */
/*
 * A thread's table of heaviest keys: Space-Saving (Metwally, Agrawal, El Abbadi: Efficient Computation of
 * Frequent and Top-k Elements in Data Streams, ICDT 2005), with weights, and with a filter before it (Homem,
 * Carvalho: Finding top-k elements in data streams, Inf. Sci. 2010). A key that is in the table gains weight.
 * Those that are not are counted together, all of one hash in one sum, until such a sum is above the least
 * weight in the table: then the key that made it so takes the lightest one's place, with the sum as its weight,
 * and as its error what was there before. The weight of the one that goes becomes the sum of its hash. Operations
 * on the memory of a table alone, so that tests and benchmarks use what the runtime does.
 *
 *     +---------+-------+--------+--------+-----------+
 *     | outside | heads | queues | header | entry x K |
 *     +---------+-------+--------+--------+-----------+
 *                private          the table in the page
 *
 * Keys are found by a hash table of chains: there are 16 to 31 heads for each entry, as links that must be
 * followed are branches that nobody predicts, and one that leaves its chain moves nothing. The hash is
 * multiply-shift by a random odd number, under which two different keys meet with a chance of at most 2 / heads,
 * whatever they are (Dietzfelbinger, Hagerup, Katajainen, Penttonen: A reliable randomized algorithm for the
 * closest-pair problem, J. Algorithms 1997). The filter has a sum for every four heads.
 *
 * The lightest is found by buckets of several levels (Denardo, Fox: Shortest-route methods, Oper. Res. 1979;
 * Cherkassky, Goldberg, Silverstein: Buckets, heaps, lists, and monotone priority queues, SODA 1997), as the least
 * weight of a full table only grows. Weights are numbers of eleven digits, to the base of 64. An entry whose
 * weight differs from `least` in digit 0 alone is in the queue of level 0 and that digit, so entries of one
 * queue weigh the same there; one whose highest other digit is at level 3 is in the queue of level 3 and its
 * digit there. When level 0 is empty, the lowest queue of the lowest other level is dealt out to lower ones. An
 * entry so moves ten times at most for each update, and for weights such as there are, once or less.
 *
 * Lazily: a hit adds to the weight and leaves the entry in its queue, which then stands for a lower bound. An
 * entry that comes up with more weight than its queue is for is queued anew, and is not the lightest.
 *
 * One writer. Readers outside see an entry's `sequence` odd while it passes to another key; as fences alone are
 * unknown to the thread sanitizer, each store in between has release order (Boehm: Can seqlocks get along with
 * programming language memory models?, MSPC 2012), which is free on x86-64.
 */
#ifndef TARE_RUNTIME_TOPK_H
#define TARE_RUNTIME_TOPK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <tare/page.h>

#include "runtime/atomic.h"

/* A struct tare_topk_entry, with what is private in it. Entries are numbered from 1 on; 0 is none. */
struct tare__topk_entry {
    uint64_t key;
    uint64_t weight;
    uint64_t error;
    uint64_t hits;
    uint32_t sequence;
    uint16_t chain; /* the next one with the same hash */
    uint16_t queue; /* the next one in its queue */
};
_Static_assert(sizeof(struct tare__topk_entry) == sizeof(struct tare_topk_entry) &&
                   offsetof(struct tare__topk_entry, sequence) == offsetof(struct tare_topk_entry, sequence) &&
                   offsetof(struct tare__topk_entry, chain) == offsetof(struct tare_topk_entry, reserved0),
               "the same in the page");
_Static_assert(TARE_TOPK_MAX < UINT16_MAX, "numbers of entries fit 16 bits");

enum {
    TARE__TOPK_DIGIT = 6, /* bits */
    TARE__TOPK_DIGITS = 1 << TARE__TOPK_DIGIT,
    TARE__TOPK_LEVELS = 11,
    TARE__TOPK_HEADS_PER_ENTRY = 16,
    TARE__TOPK_FILTER_SHIFT = 2, /* a sum of the filter is for 4 heads */
};

/*
 * Right before the table, so that what an update needs first is found without looking at the capacity. A handler
 * that interrupts an update may fork; in the child the update goes on with all of this 0, and must do no harm.
 */
struct tare__topk_index {
    uint64_t least;      /* no entry weighs less */
    uint64_t multiplier; /* odd */
    uint32_t shift;
    uint32_t head_mask;                 /* heads, a power of two, less one */
    uint64_t levels;                    /* bit l: something is in level l; level 0 has none */
    uint64_t filled[TARE__TOPK_LEVELS]; /* bit d: the queue of digit d is not empty */
    uint16_t queues[TARE__TOPK_LEVELS][TARE__TOPK_DIGITS];
};
_Static_assert(sizeof(struct tare__topk_index) % 8 == 0, "the filter, before it, is of 64-bit words");

/* How many keys a table has for which `wanted` were asked. */
static inline uint32_t tare__topk_capacity(uint32_t wanted)
{
    return wanted < 1 ? 1 : wanted > TARE_TOPK_MAX ? TARE_TOPK_MAX : wanted;
}

static inline uint32_t tare__topk_head_bits(uint32_t capacity)
{
    uint32_t bits = 1;
    while ((UINT32_C(1) << bits) < capacity * TARE__TOPK_HEADS_PER_ENTRY) {
        bits++;
    }
    return bits;
}

static inline struct tare__topk_index *tare__topk_index(struct tare_topk *table)
{
    return (struct tare__topk_index *)(void *)table - 1;
}

/* Number 0, which is none, would lie in the header: readable, as in such a child an update may come to it. */
static inline struct tare__topk_entry *tare__topk_entry(struct tare_topk *table, uint32_t number)
{
    const size_t size = sizeof(struct tare__topk_entry);
    return (struct tare__topk_entry *)(void *)((unsigned char *)table + (TARE_TOPK_ENTRIES - size) +
                                               number * size);
}

/* Bytes from the table's header to the end of its entries. */
static inline uint64_t tare__topk_size(uint32_t capacity)
{
    return TARE_TOPK_ENTRIES + (uint64_t)capacity * sizeof(struct tare__topk_entry);
}

/* Bytes of memory, aligned to 64, that come before the header. */
static inline uint64_t tare__topk_before(uint32_t capacity)
{
    uint64_t heads = UINT64_C(1) << tare__topk_head_bits(capacity);
    return (sizeof(struct tare__topk_index) + heads * sizeof(uint16_t) +
            (heads >> TARE__TOPK_FILTER_SHIFT) * sizeof(uint64_t) + 63) /
           64 * 64;
}

/* The head of chain `hash`; they lie before the index, the first one last. */
static inline uint16_t *tare__topk_chain(struct tare__topk_index *index, uint64_t hash)
{
    return (uint16_t *)(void *)index - 1 - hash;
}

static inline uint16_t *tare__topk_head(struct tare__topk_index *index, uint64_t key)
{
    return tare__topk_chain(index, key * index->multiplier >> index->shift & index->head_mask);
}

/*
 * What each key that is not in the table, of four heads, weighs at most. Never more than the lightest in it.
 * These sums lie before the heads, the first one last.
 */
static inline uint64_t *tare__topk_outside(struct tare__topk_index *index, const uint16_t *head)
{
    uint16_t *first = (uint16_t *)(void *)index - 1, *end = first - index->head_mask;
    return (uint64_t *)(void *)end - 1 - ((size_t)(first - head) >> TARE__TOPK_FILTER_SHIFT);
}

/* Empties queues and chains, not the filter. */
static inline void tare__topk_forget(struct tare__topk_index *index)
{
    index->least = 0;
    index->levels = 0;
    for (uint32_t level = 0; level < TARE__TOPK_LEVELS; level++) {
        index->filled[level] = 0;
        for (uint32_t digit = 0; digit < TARE__TOPK_DIGITS; digit++) {
            index->queues[level][digit] = 0;
        }
    }
    for (uint32_t i = 0; i <= index->head_mask; i++) {
        *tare__topk_chain(index, i) = 0;
    }
}

/* Makes an empty table of tare__topk_before() + tare__topk_size() bytes of zeroed memory. `multiplier` is odd. */
static inline struct tare_topk *tare__topk_init(void *memory, uint32_t capacity, uint64_t multiplier)
{
    uint32_t bits = tare__topk_head_bits(capacity);
    struct tare_topk *table =
        (struct tare_topk *)(void *)((unsigned char *)memory + tare__topk_before(capacity));
    store_relaxed(&table->capacity, capacity);
    store_relaxed(&table->entry_stride, (uint32_t)sizeof(struct tare__topk_entry));
    struct tare__topk_index *index = tare__topk_index(table);
    index->multiplier = multiplier;
    index->shift = 64 - bits;
    index->head_mask = (UINT32_C(1) << bits) - 1;
    return table;
}

/* Empties it again. */
static inline void tare__topk_clear(struct tare_topk *table)
{
    store_relaxed(&table->used, 0);
    store_relaxed(&table->replaced, 0);
    store_relaxed(&table->least, 0);
    struct tare__topk_index *index = tare__topk_index(table);
    tare__topk_forget(index);
    for (uint32_t i = 0; i <= index->head_mask; i++) {
        *tare__topk_outside(index, tare__topk_chain(index, i)) = 0;
    }
}

/* Sums stop at the end of their range. */
static inline uint64_t tare__topk_sum(uint64_t a, uint64_t b)
{
    uint64_t sum = a + b;
    return __builtin_expect(sum < a, 0) ? UINT64_MAX : sum;
}

static inline void tare__topk_enqueue(struct tare__topk_index *index, struct tare__topk_entry *entry,
                                      uint32_t number, uint64_t weight)
{
    uint32_t bit = 63u - (uint32_t)__builtin_clzll((weight ^ index->least) | 1);
    uint32_t level = bit * 43 >> 8; /* bit / 6, for up to 63 */
    uint32_t digit = weight >> level * TARE__TOPK_DIGIT & (TARE__TOPK_DIGITS - 1);
    uint16_t *queue = &index->queues[level][digit];
    index->levels |= UINT64_C(1) << level;
    index->filled[level] |= UINT64_C(1) << digit;
    entry->queue = *queue;
    *queue = (uint16_t)number;
}

/* Takes the first entry out of the queue of level 0 for weights of `least`. */
static inline void tare__topk_dequeue(struct tare__topk_index *index, const struct tare__topk_entry *entry)
{
    uint32_t digit = index->least & (TARE__TOPK_DIGITS - 1);
    index->queues[0][digit] = entry->queue;
    index->filled[0] &= ~((uint64_t)(entry->queue == 0) << digit);
}

/*
 * Level 0 is empty: deals out the lowest queue of the level above that is not. What this queue is for begins
 * where all lower digits are 0, and no entry weighs less. False: all are empty, which cannot be.
 */
static __attribute__((noinline, unused)) bool tare__topk_deal(struct tare_topk *table,
                                                              struct tare__topk_index *index)
{
    index->levels &= ~UINT64_C(1);
    if (index->levels == 0) {
        return false;
    }
    uint32_t level = (uint32_t)__builtin_ctzll(index->levels);
    uint32_t digit = (uint32_t)__builtin_ctzll(index->filled[level]);
    uint32_t shift = level * TARE__TOPK_DIGIT;
    uint32_t number = index->queues[level][digit];
    index->queues[level][digit] = 0;
    index->filled[level] &= index->filled[level] - 1;
    if (index->filled[level] == 0) {
        index->levels &= index->levels - 1;
    }
    index->least = ((index->least >> shift & ~(uint64_t)(TARE__TOPK_DIGITS - 1)) | digit) << shift;
    while (number != 0) {
        struct tare__topk_entry *entry = tare__topk_entry(table, number);
        uint32_t next = entry->queue;
        tare__topk_enqueue(index, entry, number, load_relaxed(&entry->weight));
        number = next;
    }
    return true;
}

/* Finds the lightest entry of a full table, and makes `least` its weight; 0: the table is damaged. */
static inline uint32_t tare__topk_lightest(struct tare_topk *table, struct tare__topk_index *index)
{
    for (;;) {
        if (__builtin_expect(index->filled[0] == 0, 0)) {
            if (!tare__topk_deal(table, index)) {
                return 0;
            }
            continue;
        }
        uint32_t digit = (uint32_t)__builtin_ctzll(index->filled[0]);
        uint32_t number = index->queues[0][digit];
        struct tare__topk_entry *entry = tare__topk_entry(table, number);
        uint64_t weight = load_relaxed(&entry->weight);
        index->least = (index->least & ~(uint64_t)(TARE__TOPK_DIGITS - 1)) | digit;
        if (__builtin_expect(weight == index->least, 1)) {
            return number;
        }
        tare__topk_dequeue(index, entry);
        tare__topk_enqueue(index, entry, number, weight);
    }
}

static inline void tare__topk_unchain(struct tare_topk *table, struct tare__topk_index *index,
                                      const struct tare__topk_entry *entry, uint32_t number)
{
    uint16_t *link = tare__topk_head(index, entry->key);
    while (__builtin_expect(*link != number, 0)) {
        if (*link == 0) {
            return; /* damaged */
        }
        link = &tare__topk_entry(table, *link)->chain;
    }
    *link = entry->chain;
}

/* Gives an entry to a key; it is then in its chain and queue. */
static inline void tare__topk_settle(struct tare__topk_index *index, struct tare__topk_entry *entry,
                                     uint32_t number, uint64_t key, uint64_t weight, uint64_t error,
                                     uint16_t *head)
{
    uint32_t sequence = entry->sequence;
    store_relaxed(&entry->sequence, sequence | 1);
    store_release(&entry->key, key);
    store_release(&entry->weight, weight);
    store_release(&entry->error, error);
    store_release(&entry->hits, 1);
    store_release(&entry->sequence, (sequence | 1) + 1);
    entry->chain = *head;
    *head = (uint16_t)number;
    tare__topk_enqueue(index, entry, number, weight);
}

static inline void tare__topk_turn_away(struct tare_topk *table, uint64_t *outside, uint64_t weight)
{
    if (weight > table->least) {
        store_relaxed(&table->least, weight);
    }
    *outside = weight;
}

/* The key is not in the table, which is full: returns the place of the lightest, or 0 if the key stays outside. */
static inline uint32_t tare__topk_make_room(struct tare_topk *table, struct tare__topk_index *index,
                                            uint64_t *outside, uint64_t weight)
{
    uint32_t number = 0;
    if (weight > index->least) { /* which may be less than the lightest weighs by now */
        number = tare__topk_lightest(table, index);
    }
    if (__builtin_expect(weight <= index->least || number == 0, 1)) {
        tare__topk_turn_away(table, outside, weight);
        return 0;
    }
    struct tare__topk_entry *entry = tare__topk_entry(table, number);
    store_relaxed(&table->replaced, table->replaced + 1);
    tare__topk_turn_away(table, tare__topk_outside(index, tare__topk_head(index, entry->key)), index->least);
    tare__topk_dequeue(index, entry);
    tare__topk_unchain(table, index, entry, number);
    return number;
}

/* The key is not in the table. */
static inline void tare__topk_admit(struct tare_topk *table, struct tare__topk_index *index, uint16_t *head,
                                    uint64_t key, uint64_t weight)
{
    uint32_t used = table->used, number = used + 1;
    uint64_t error = 0;
    if (__builtin_expect(used == table->capacity, 1)) {
        uint64_t *outside = tare__topk_outside(index, head);
        error = *outside;
        weight = tare__topk_sum(error, weight);
        number = tare__topk_make_room(table, index, outside, weight);
        if (number == 0) {
            return;
        }
    }
    tare__topk_settle(index, tare__topk_entry(table, number), number, key, weight, error, head);
    if (__builtin_expect(number > used, 0)) {
        store_release(&table->used, number);
    }
}

static inline void tare__topk_gain(struct tare__topk_entry *entry, uint64_t weight)
{
    store_relaxed(&entry->weight, tare__topk_sum(entry->weight, weight));
    store_relaxed(&entry->hits, entry->hits + 1);
}

/* The key is not the first of its chain. Of two that share one, the heavier is to be. */
static __attribute__((noinline, unused)) void tare__topk_hit_behind(struct tare_topk *table, uint16_t *head,
                                                                    uint64_t key, uint64_t weight)
{
    struct tare__topk_entry *first = tare__topk_entry(table, *head), *before = first;
    for (uint32_t number = first->chain; number != 0;) {
        struct tare__topk_entry *entry = tare__topk_entry(table, number);
        if (entry->key == key) {
            tare__topk_gain(entry, weight);
            if (entry->weight > load_relaxed(&first->weight)) {
                before->chain = entry->chain;
                entry->chain = *head;
                *head = (uint16_t)number;
            }
            return;
        }
        before = entry;
        number = entry->chain;
    }
    tare__topk_admit(table, tare__topk_index(table), head, key, weight);
}

/*
 * This key weighs so much more. `multiplier` is the table's, which a caller who knows it from elsewhere passes
 * so that the hash need not wait for the table's address.
 */
static inline __attribute__((always_inline)) void tare__topk_hit(struct tare_topk *table, uint64_t multiplier,
                                                                 uint64_t key, uint64_t weight)
{
    struct tare__topk_index *index = tare__topk_index(table);
    uint16_t *head = tare__topk_chain(index, key * multiplier >> index->shift & index->head_mask);
    uint32_t number = *head;
    if (number == 0) {
        tare__topk_admit(table, index, head, key, weight);
        return;
    }
    struct tare__topk_entry *entry = tare__topk_entry(table, number);
    if (__builtin_expect(entry->key == key, 1)) {
        tare__topk_gain(entry, weight);
        return;
    }
    tare__topk_hit_behind(table, head, key, weight);
}

/*
 * Makes a table whole in which an update was left in the middle (by a signal handler's siglongjmp). An entry that
 * was passing to another key keeps whichever it has, with nothing certain of it.
 */
static inline void tare__topk_mend(struct tare_topk *table)
{
    struct tare__topk_index *index = tare__topk_index(table);
    uint32_t used = table->used <= table->capacity ? table->used : table->capacity;
    uint64_t least = index->least;
    tare__topk_forget(index);
    for (uint32_t number = 1; number <= used; number++) {
        struct tare__topk_entry *entry = tare__topk_entry(table, number);
        uint64_t weight = entry->weight;
        if (entry->sequence & 1) {
            weight = weight > least ? weight : least;
            store_relaxed(&entry->weight, weight);
            store_release(&entry->error, weight);
            store_release(&entry->sequence, entry->sequence + 1);
        }
        uint16_t *head = tare__topk_head(index, entry->key);
        entry->chain = *head;
        *head = (uint16_t)number;
        tare__topk_enqueue(index, entry, number, weight);
    }
}

#endif
