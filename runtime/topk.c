/* SPDX-License-Identifier: MIT */
/*
 * The heaviest of many keys: a slot's sums, and the thread's table of keys in the extras (topk.h), which is
 * made at the thread's first hit. A thread that adopts a block goes on with its tables.
 *
 * A handler that interrupts an update of the very top-k that it hits finds the slot busy; its hit is dropped and
 * counted. If a handler left an update in the middle by siglongjmp, the next one makes the table whole again.
 *
 * Cost here (EPYC Zen 5 VM, `make bench-topk`): docs/hotspots.md.
 */
#include "runtime/topk.h"

#include "runtime/internal.h"

/* How deep the caller's frame lies. Not __builtin_frame_address, which would set up a frame pointer first. */
#define FRAME() ((uint64_t)(uintptr_t)__builtin_dwarf_cfa())

/* table_size, where table_offset is 0: there was no room, and there will be none. */
enum { NO_ROOM = 1 };

/* NULL: none. */
static inline struct tare_topk *table_of(const struct tare_topk_slot *slot)
{
    uint64_t offset = load_relaxed(&slot->table_offset);
    return likely(offset != 0) ? (struct tare_topk *)(void *)((unsigned char *)tare__rt.page + offset) : NULL;
}

/*
 * Of the hash, for all tables of the process; odd, 0 until the first is made. Random, so that no stream of keys
 * can be made to meet in one chain. SplitMix64 (Steele, Lea, Flood 2014) of the time and of where we lie.
 */
static uint64_t multiplier;

static uint64_t choose_multiplier(void)
{
    uint64_t x = clock_raw_ns() + (uint64_t)(uintptr_t)tare__rt.page * UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    cas64_relaxed(&multiplier, 0, (x ^ x >> 31) | 1); /* unless another thread was faster */
    return load_relaxed(&multiplier);
}

static void make_table(struct tare_topk_slot *slot, uint32_t index)
{
    uint32_t capacity = tare__topk_capacity(tare__rt.entries[index].size);
    uint64_t before = tare__topk_before(capacity), size = tare__topk_size(capacity);
    uint64_t offset = tare__extra_allocate(before + size);
    if (offset == 0) {
        store_relaxed(&slot->table_size, NO_ROOM);
        return;
    }
    void *memory = (unsigned char *)tare__rt.page + offset;
    tare__topk_init(memory, capacity, choose_multiplier());
    store_relaxed(&slot->table_size, size);
    store_relaxed(&slot->table_offset, offset + before);
}

/* For counts of `generation`: the slot's first use in this block, or the first after a reset. */
static void prepare(struct tare_topk_slot *slot, uint32_t index, uint32_t generation)
{
    struct tare_topk *table = table_of(slot);
    store_relaxed(&slot->weight, 0);
    store_relaxed(&slot->hits, 0);
    if (table != NULL) {
        tare__topk_clear(table);
    } else if (load_relaxed(&slot->table_size) != NO_ROOM) {
        make_table(slot, index);
    }
    store_release(&slot->generation, generation); /* pairs with the readers' acquire */
}

/* The slot is busy. */
static inline __attribute__((always_inline)) void count(struct tare_topk_slot *slot, uint64_t key,
                                                        uint64_t weight)
{
    struct tare_topk *table = table_of(slot);
    store_relaxed(&slot->weight, tare__topk_sum(load_relaxed(&slot->weight), weight));
    store_relaxed(&slot->hits, load_relaxed(&slot->hits) + 1);
    if (likely(table != NULL)) {
        tare__topk_hit(table, load_relaxed(&multiplier), key, weight);
    }
}

static __attribute__((noinline)) void hit_seldom(struct tare_control *control, uint64_t key, uint64_t weight,
                                                 uint64_t frame)
{
    struct tare_page *page = tare__rt.page;
    struct tare_block *block = tare__self;
    uint32_t index = control_index(control);
    if (page == NULL || index >= page->instrument_max) {
        return; /* no page in this child of fork; or its library is being unloaded */
    }
    if (block == NULL && (block = tare__thread_attach()) == NULL) {
        return;
    }
    struct tare_topk_slot *slot = control_slot(block, control);
    bool left_behind = load_relaxed(&slot->busy) != 0;
    if (!tare__busy_begin(block, &slot->busy, frame)) {
        fetch_add_relaxed(&page->dropped_scopes, 1);
        return;
    }
    uint32_t generation = load_relaxed(&control->generation);
    if (load_relaxed(&slot->generation) != generation) {
        prepare(slot, index, generation);
    } else if (left_behind && table_of(slot) != NULL) {
        tare__topk_mend(table_of(slot));
    }
    count(slot, key, weight);
    tare__busy_end(&slot->busy);
}

void tare__hit(tare_instrument *topk, uint64_t key, uint64_t weight)
{
    struct tare_control *control = control_of(&topk->timer);
    struct tare_block *block = tare__self;
    if (unlikely(block == NULL)) {
        hit_seldom(control, key, weight, FRAME());
        return;
    }
    struct tare_topk_slot *slot = control_slot(block, control);
    if (unlikely(load_relaxed(&slot->generation) != load_relaxed(&control->generation) ||
                 load_relaxed(&slot->busy) != 0)) {
        hit_seldom(control, key, weight, FRAME());
        return;
    }
    store_relaxed(&slot->busy, tare__busy_mark(block, FRAME()));
    fence_signal();
    count(slot, key, weight);
    tare__busy_end(&slot->busy);
}
