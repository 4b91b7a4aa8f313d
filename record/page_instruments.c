/* SPDX-License-Identifier: MIT */
/*
 * Slots, cells and tables of a page, added up.
 *
 * Slots come in windows: through the mapping, or copied by pread. A thread sets a slot's generation, with
 * release order, after it has cleared it for a reset. Through the mapping a slot's generation is loaded first,
 * with acquire order; a copy has no order in itself, so where there were resets it is made twice, and a slot
 * counts only if its generation was right before its figures were read.
 *
 * Slots of states have a sequence, so they are read once more, in one piece. Tables of top-k are only noted
 * here, and read when all blocks are known: by then, all of an instrument's are there to be merged. One that
 * does not fit into the extras, or together, is none.
 */
#include "record/page_instruments.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/atomic.h"
#include "stats/heavy.h"

enum {
    WINDOW_MAX = TARE__CHUNK_BYTES / sizeof(struct tare_slot),
    AHEAD = 4, /* slots, whose histograms are asked for before they are read */
    CELLS_AT_ONCE = 1024,
    GENERATION = offsetof(struct tare_slot, generation),
};
_Static_assert(sizeof(struct tare_state_slot) == sizeof(struct tare_slot), "states are packed like slots");
_Static_assert(sizeof(struct tare_heavy_key) == sizeof(struct tare_page_key) &&
                   offsetof(struct tare_heavy_key, weight) == offsetof(struct tare_page_key, weight) &&
                   offsetof(struct tare_heavy_key, error) == offsetof(struct tare_page_key, error) &&
                   offsetof(struct tare_heavy_key, hits) == offsetof(struct tare_page_key, hits),
               "keys are the same on both sides");

void *tare__page_own(struct tare__page_reading *r, void *pointer)
{
    struct tare__page_memory *memory = r->memory;
    if (pointer == NULL) {
        return NULL;
    }
    if (memory->owned_count == memory->owned_room) {
        size_t room = memory->owned_room * 2 + 16;
        void **grown = realloc(memory->owned, room * sizeof(*grown));
        if (grown == NULL) {
            free(pointer);
            return NULL;
        }
        memory->owned = grown;
        memory->owned_room = room;
    }
    memory->owned[memory->owned_count++] = pointer;
    return pointer;
}

bool tare__page_in_extras(const struct tare_page *header, uint64_t offset, uint64_t size)
{
    uint64_t end;
    return offset % 8 == 0 && !__builtin_add_overflow(offset, size, &end) && offset >= header->extras_offset &&
           end <= header->extras_offset + header->extras_size / 8 * 8;
}

/*
 * A live slot's fields may lie a scope apart, and a hostile one's anywhere. What contradicts itself is set
 * right in favour of the field that the writer updates later: outermost after calls, the maximum after the
 * minimum.
 */
void tare__page_slot_mend(struct tare_slot *slot)
{
    if (slot->outermost == 0) { /* no time was measured yet, or only half of the first */
        slot->total_ticks = 0;
        slot->min_ticks = UINT64_MAX;
        slot->max_ticks = 0;
        slot->scopes_within = 0;
        slot->closeness_within = 0;
        slot->uncounted_within = 0;
        return;
    }
    if (slot->calls < slot->outermost) {
        slot->calls = slot->outermost;
    }
    if (slot->min_ticks > slot->max_ticks) { /* the one that has been set speaks for both */
        if (slot->min_ticks == UINT64_MAX) {
            slot->min_ticks = slot->max_ticks;
        } else {
            slot->max_ticks = slot->min_ticks;
        }
    }
}

void tare__page_sums_merge(struct tare_timer_sums *sums, const struct tare_slot *slot)
{
    sums->calls = tare__add_saturating(sums->calls, slot->calls);
    sums->outermost = tare__add_saturating(sums->outermost, slot->outermost);
    sums->total_ticks = tare__add_saturating(sums->total_ticks, slot->total_ticks);
    sums->scopes_within = tare__add_saturating(sums->scopes_within, slot->scopes_within);
    sums->closeness_within = tare__add_saturating(sums->closeness_within, slot->closeness_within);
    sums->uncounted_within = tare__add_saturating(sums->uncounted_within, slot->uncounted_within);
    sums->bytes = tare__add_saturating(sums->bytes, slot->bytes);
    if (slot->outermost != 0) {
        sums->min_ticks = slot->min_ticks < sums->min_ticks ? slot->min_ticks : sums->min_ticks;
        sums->max_ticks = slot->max_ticks > sums->max_ticks ? slot->max_ticks : sums->max_ticks;
    }
}

int tare__page_histogram_merge(struct tare__page_file *file, uint64_t offset, uint64_t min, uint64_t max,
                               uint64_t *buckets)
{
    uint64_t part[TARE_BUCKET_COUNT];
    uint32_t first = tare_bucket_of(min);
    uint32_t count = tare_bucket_of(max) - first + 1;
    int error = tare__page_copy(file, offset + first * sizeof(uint64_t), part, count * sizeof(uint64_t));
    for (uint32_t i = 0; i < count && error == 0; i++) {
        buckets[first + i] = tare__add_saturating(buckets[first + i], part[i]);
    }
    return error;
}

/* A timer's or a histogram's slot. */
static int sums_read(struct tare__page_reading *r, uint64_t block_offset, uint32_t index,
                     const unsigned char *at)
{
    const uint64_t *from = (const void *)at;
    struct tare_slot slot;
    uint64_t *to = (void *)&slot;
    for (size_t i = 0; i < sizeof(slot) / 8; i++) {
        to[i] = load_relaxed(&from[i]);
    }
    const struct tare__page_plan *plan = &r->plan[index];
    bool timer = plan->kind == TARE_KIND_TIMER;
    struct tare_timer_sums *sums =
        timer ? &r->view->timers[plan->index].sums : &r->view->instruments[plan->index].sums;
    uint64_t *buckets =
        timer ? r->view->timers[plan->index].buckets : r->view->instruments[plan->index].buckets;
    tare__page_slot_mend(&slot);
    tare__page_sums_merge(sums, &slot);
    if (buckets == NULL || slot.outermost == 0) {
        return 0;
    }
    uint64_t offset =
        block_offset + r->header->histograms_offset + (uint64_t)index * r->header->histogram_stride;
    return tare__page_histogram_merge(r->file, offset, slot.min_ticks, slot.max_ticks, buckets);
}

/*
 * A table that is not there, for want of room or because the page is damaged, could have held any key, with all
 * that went into it.
 */
static void table_lost(struct tare_page_instrument *topk, uint64_t weight)
{
    topk->least_weight = tare__add_saturating(topk->least_weight, weight);
}

static int topk_read(struct tare__page_reading *r, uint32_t index, const unsigned char *at)
{
    const struct tare_topk_slot *slot = (const void *)at;
    struct tare_page_instrument *instrument = &r->view->instruments[r->plan[index].index];
    uint64_t offset = load_relaxed(&slot->table_offset), size = load_relaxed(&slot->table_size);
    uint64_t weight = load_relaxed(&slot->weight);
    instrument->total = tare__add_saturating(instrument->total, weight);
    instrument->hits = tare__add_saturating(instrument->hits, load_relaxed(&slot->hits));
    if (offset == 0 || size < sizeof(struct tare_topk) || !tare__page_in_extras(r->header, offset, size) ||
        !tare__page_spend(r->file, sizeof(struct tare_topk))) {
        table_lost(instrument, weight);
        return 0;
    }
    if (r->table_count == r->table_room) {
        size_t room = r->table_room * 2 + 64;
        struct tare__page_table *grown = realloc(r->tables, room * sizeof(*grown));
        if (grown == NULL) {
            return tare__page_fail_memory(r->file);
        }
        r->tables = grown;
        r->table_room = room;
    }
    r->tables[r->table_count++] = (struct tare__page_table){r->plan[index].index, offset, size, weight};
    return 0;
}

/*
 * Times and changes are void after a reset, as all counts are; the state that the thread is in is not. How much
 * of its stay came after the reset, nobody knows before it ends. `on`: the state was not switched off since the
 * thread said where it is.
 */
static void state_merge(struct tare__page_reading *r, struct tare_page_instrument *instrument,
                        const struct tare_state_slot *slot, bool counts, bool owned, bool on)
{
    for (uint32_t i = 0; counts && i < instrument->name_count; i++) {
        uint64_t ticks = i < 7 ? slot->ticks[i] : slot->ticks_more[i - 7];
        instrument->state_ticks[i] = tare__add_saturating(instrument->state_ticks[i], ticks);
    }
    if (counts) {
        instrument->state_changes = tare__add_saturating(instrument->state_changes, slot->changes / 2);
    }
    if (!owned || !on || slot->current == 0 || slot->current > instrument->name_count) {
        return; /* when a thread that has ended was last in its state, nobody knows either */
    }
    uint32_t state = slot->current - 1;
    instrument->state_threads[state]++;
    if (counts && r->end_ticks > slot->since_ticks) {
        instrument->state_ticks[state] =
            tare__add_saturating(instrument->state_ticks[state], r->end_ticks - slot->since_ticks);
    }
}

/* What one thread says, as it is. `on` as above. */
static int stay_add(struct tare__page_reading *r, uint32_t instrument, const struct tare_state_slot *slot,
                    bool on)
{
    if (r->view->thread_count == 0 || !r->with_stays) {
        return 0;
    }
    if (r->stay_count == TARE_PAGE_STAYS) {
        r->view->instruments[instrument].stays_left_out++;
        return 0;
    }
    if (r->stay_count == r->stay_room) {
        size_t room = r->stay_room * 2 + 16;
        struct tare__page_stay *grown = realloc(r->stays, room * sizeof(*grown));
        if (grown == NULL) {
            return tare__page_fail_memory(r->file);
        }
        r->stays = grown;
        r->stay_room = room;
    }
    struct tare__page_stay *added = &r->stays[r->stay_count++];
    *added = (struct tare__page_stay){
        .instrument = instrument,
        .stay = {.thread = (uint32_t)r->view->thread_count - 1,
                 .block = r->block,
                 .generation = slot->generation,
                 .switched = slot->switched,
                 .known = on && slot->current <= r->view->instruments[instrument].name_count,
                 .current = slot->current,
                 .since_ticks = slot->since_ticks,
                 .changes = slot->changes / 2},
    };
    for (uint32_t i = 0; i < TARE_STATES_MAX; i++) {
        added->stay.ticks[i] = i < 7 ? slot->ticks[i] : slot->ticks_more[i - 7];
    }
    return 0;
}

/* Each instrument's, side by side, in memory of the view. */
static int stays_finish(struct tare__page_reading *r)
{
    struct tare_page_view *view = r->view;
    for (size_t i = 0; i < view->instrument_count; i++) {
        view->instruments[i].stays_known = r->with_stays && view->instruments[i].kind == TARE_KIND_STATE;
    }
    if (r->stay_count == 0) {
        return 0;
    }
    struct tare_page_stay *all = tare__page_own(r, malloc(r->stay_count * sizeof(*all)));
    if (all == NULL) {
        return tare__page_fail_memory(r->file);
    }
    for (size_t i = 0; i < r->stay_count; i++) {
        view->instruments[r->stays[i].instrument].stay_count++;
    }
    size_t at = 0;
    for (size_t i = 0; i < view->instrument_count; i++) {
        view->instruments[i].stays = view->instruments[i].stay_count != 0 ? &all[at] : NULL;
        at += view->instruments[i].stay_count;
        view->instruments[i].stay_count = 0;
    }
    for (size_t i = 0; i < r->stay_count; i++) {
        struct tare_page_instrument *instrument = &view->instruments[r->stays[i].instrument];
        instrument->stays[instrument->stay_count++] = r->stays[i].stay;
    }
    return 0;
}

/* The states among `count` slots, those that wanted[] names; counts[]: of the right generation before. */
static int states_read(struct tare__page_reading *r, uint64_t offset, uint32_t first, uint32_t count,
                       bool *wanted, const bool *counts, bool owned)
{
    struct tare_state_slot *slots = malloc(count * sizeof(*slots));
    if (slots == NULL) {
        return tare__page_fail_memory(r->file);
    }
    const struct tare__page_sequence sequence = {offsetof(struct tare_state_slot, changes), 8};
    tare__acquire_fence();
    int error = tare__page_whole_records(r->file, offset, r->header->slot_stride, count, sizeof(*slots),
                                         sequence, slots, wanted);
    for (uint32_t i = 0; i < count && error == 0; i++) {
        const struct tare__page_plan *plan = &r->plan[first + i];
        if (wanted[i] && slots[i].generation != 0) {
            const struct tare_control *control = &r->controls[first + i];
            bool on = control->enabled != 0 && slots[i].switched == control->switched;
            state_merge(r, &r->view->instruments[plan->index], &slots[i],
                        counts[i] && slots[i].generation == plan->generation, owned, on);
            error = stay_add(r, plan->index, &slots[i], on && (owned || slots[i].current == 0));
        }
    }
    free(slots);
    return error;
}

/* Whether what the slot holds counts: it was used, and not reset since. */
static bool slot_counts(const struct tare__page_plan *plan, const unsigned char *slot)
{
    return plan->generation != 0 &&
           load_acquire((const uint32_t *)(const void *)(slot + GENERATION)) == plan->generation;
}

/*
 * Each histogram lies on memory pages of its own, which nobody else has touched since the last reading: waiting
 * for them, one after the other, is most of what a page of many histograms takes to read. So those of slots that
 * come later are asked for while earlier ones are read. It is but a hint, and what is wrong with it costs time only.
 */
static void histogram_ahead(const struct tare__page_reading *r, uint64_t block_offset, uint32_t index,
                            const unsigned char *slot)
{
    enum { LINE = 64, LINES_MOST = 16 };
    const struct tare__page_plan *plan = &r->plan[index];
    const struct tare_slot *sums = (const void *)slot;
    if ((plan->kind != TARE_KIND_TIMER && plan->kind != TARE_KIND_HISTOGRAM) || plan->generation == 0) {
        return;
    }
    uint64_t offset =
        block_offset + r->header->histograms_offset + (uint64_t)index * r->header->histogram_stride;
    uint64_t from = tare_bucket_of(load_relaxed(&sums->min_ticks)) * sizeof(uint64_t);
    uint64_t to = tare_bucket_of(load_relaxed(&sums->max_ticks)) * sizeof(uint64_t);
    to = to < from + LINE * LINES_MOST ? to : from + LINE * LINES_MOST;
    if (offset > r->file->map_size || r->file->map_size - offset < TARE_BUCKET_COUNT * sizeof(uint64_t)) {
        return;
    }
    for (uint64_t at = from / LINE * LINE; at <= to; at += LINE) {
        __builtin_prefetch(r->file->map + offset + at);
    }
}

/* Slots [first, first + count) of the block at `block_offset`, which fit into a window. */
static int window_read(struct tare__page_reading *r, uint64_t block_offset, uint32_t first, uint32_t count,
                       bool owned)
{
    bool mapped, doubtful[WINDOW_MAX] = {0}, states[WINDOW_MAX] = {0}, counts[WINDOW_MAX], any_states = false;
    const uint32_t stride = r->header->slot_stride;
    const struct tare__page_plan *plan = r->plan + first;
    uint64_t offset = block_offset + r->header->slots_offset + (uint64_t)first * stride;
    size_t bytes = (size_t)(count - 1) * stride + sizeof(struct tare_slot);
    const unsigned char *at;
    int error = tare__page_window(r->file, offset, bytes, &at, &mapped);
    if (error == 0 && r->was_reset && !mapped) {
        for (uint32_t i = 0; i < count; i++) {
            doubtful[i] = !slot_counts(&plan[i], at + (size_t)i * stride);
        }
        tare__acquire_fence();
        error = tare__page_window(r->file, offset, bytes, &at, &mapped);
    }
    bool ahead = mapped && r->file->map != NULL && r->memory->buckets != NULL;
    for (uint32_t i = 0; i < count && error == 0; i++) {
        const unsigned char *slot = at + (size_t)i * stride;
        if (ahead && i + AHEAD < count) {
            histogram_ahead(r, block_offset, first + i + AHEAD, slot + (size_t)AHEAD * stride);
        }
        bool good = !doubtful[i] && slot_counts(&plan[i], slot);
        if (plan[i].kind == TARE_KIND_STATE) {
            states[i] = any_states = true;
            counts[i] = good;
        }
        if (!good) {
            continue;
        }
        switch (plan[i].kind) {
        case TARE_KIND_COUNTER: {
            uint64_t value = load_relaxed(&((const struct tare_counter_slot *)(const void *)slot)->value);
            r->totals[plan[i].index] += value; /* modulo 2^64, as threads may subtract */
            break;
        }
        case TARE_KIND_TIMER:
        case TARE_KIND_HISTOGRAM:
            error = sums_read(r, block_offset, first + i, slot);
            break;
        case TARE_KIND_TOPK:
            error = topk_read(r, first + i, slot);
            break;
        }
    }
    return error == 0 && any_states ? states_read(r, offset, first, count, states, counts, owned) : error;
}

int tare__page_slots_read(struct tare__page_reading *r, uint64_t offset, bool owned)
{
    const uint32_t stride = r->header->slot_stride, count = r->header->instrument_count;
    const uint64_t slots = offset + r->header->slots_offset;
    uint32_t at_once = TARE__CHUNK_BYTES / stride;
    int error = 0;
    for (uint32_t first = 0; first < count && error == 0; first += at_once) {
        if (count > at_once) { /* slots in holes were never used */
            uint64_t from = slots + (uint64_t)first * stride, end = slots + (uint64_t)count * stride;
            uint64_t data = tare__page_next_data(r->file, from, end);
            if (data >= end) {
                break;
            }
            first = (uint32_t)((data - slots) / stride);
        }
        uint32_t left = count - first;
        error = window_read(r, offset, first, left < at_once ? left : at_once, owned);
    }
    return error;
}

/*
 * A gauge's value belongs to the process and outlives a reset, its peak does not: then that is the value. Values
 * that are no number, or not finite, are unknown. The writer stores the peak first, but a cell is copied in no
 * order, so the value may be above the peak here: then it is what the peak has to be.
 */
static void gauge_read(struct tare_page_instrument *gauge, const struct tare_cell *cell, bool counts)
{
    gauge->value = tare_gauge_value(cell->value);
    gauge->peak = counts ? tare_gauge_value(cell->peak) : NAN;
    if (isfinite(gauge->value) && !(gauge->peak >= gauge->value)) {
        gauge->peak = gauge->value;
    }
}

/* The cells from `first` on; `before` are the same, read earlier, and may be the same memory. */
static int cells_merge(struct tare__page_reading *r, uint32_t first, uint32_t count,
                       const struct tare_cell *before, const struct tare_cell *cells)
{
    int error = 0;
    for (uint32_t i = 0; i < count && error == 0; i++) {
        const struct tare__page_plan *plan = &r->plan[first + i];
        uint32_t generation = r->controls[first + i].generation;
        if (plan->kind == TARE_KIND_GAUGE) {
            gauge_read(&r->view->instruments[plan->index], &cells[i],
                       generation != 0 && before[i].generation == generation &&
                           cells[i].generation == generation);
        } else if (plan->kind == TARE_KIND_FRAMES && cells[i].extra_offset != 0) {
            error = tare__page_frames_read(r, &r->view->instruments[plan->index], &cells[i]);
        }
    }
    return error;
}

int tare__page_cells_read(struct tare__page_reading *r)
{
    const struct tare_page *h = r->header;
    struct tare_cell *cells = malloc(2 * CELLS_AT_ONCE * sizeof(*cells)), *again = cells + CELLS_AT_ONCE;
    int error = cells != NULL ? 0 : tare__page_fail_memory(r->file);
    for (uint32_t first = 0; first < h->instrument_count && error == 0; first += CELLS_AT_ONCE) {
        uint32_t left = h->instrument_count - first, count = left < CELLS_AT_ONCE ? left : CELLS_AT_ONCE;
        bool any = false;
        for (uint32_t i = 0; i < count && !any; i++) {
            any = r->plan[first + i].kind == TARE_KIND_GAUGE || r->plan[first + i].kind == TARE_KIND_FRAMES;
        }
        uint64_t offset = h->cells_offset + (uint64_t)first * h->cell_stride;
        for (int pass = 0; any && pass < 2 && error == 0; pass++) { /* the generation before the peak */
            tare__acquire_fence();
            error = tare__page_records(r->file, offset, h->cell_stride, count, sizeof(*cells),
                                       pass == 0 ? cells : again);
        }
        if (any && error == 0) {
            error = cells_merge(r, first, count, cells, again);
        }
    }
    free(cells);
    return error;
}

/* One thread's table, as far as it can be had in one piece; *heavy's keys are malloc'ed. */
static int table_read(struct tare__page_reading *r, const struct tare__page_table *table,
                      struct tare_heavy_table *heavy)
{
    struct tare_topk head;
    struct tare_topk_entry *entries = NULL;
    struct tare_heavy_key *keys = NULL;
    bool *whole = NULL;
    int error = tare__page_copy(r->file, table->offset, &head, sizeof(head));
    if (error != 0) {
        return error;
    }
    uint32_t used = head.used < head.capacity ? head.used : head.capacity;
    if (head.capacity > TARE_TOPK_MAX || head.entry_stride < sizeof(*entries) || head.entry_stride % 8 != 0 ||
        head.entry_stride > TARE__STRIDE_LIMIT ||
        (uint64_t)head.capacity * head.entry_stride > table->size - TARE_TOPK_ENTRIES ||
        !tare__page_spend(r->file, (uint64_t)used * head.entry_stride)) {
        table_lost(&r->view->instruments[table->instrument], table->weight);
        return 0;
    }
    entries = malloc(used * sizeof(*entries) + 1);
    keys = malloc(used * sizeof(*keys) + 1);
    whole = malloc(used + (size_t)1);
    if (entries == NULL || keys == NULL || whole == NULL) {
        error = tare__page_fail_memory(r->file);
        goto out;
    }
    memset(whole, 1, used);
    const struct tare__page_sequence sequence = {offsetof(struct tare_topk_entry, sequence), 4};
    error = tare__page_whole_records(r->file, table->offset + TARE_TOPK_ENTRIES, head.entry_stride, used,
                                     sizeof(*entries), sequence, entries, whole);
    size_t count = 0;
    uint64_t smallest = UINT64_MAX;
    for (uint32_t i = 0; i < used && error == 0; i++) {
        if (whole[i] && entries[i].weight != 0) {
            const struct tare_topk_entry *e = &entries[i];
            uint64_t least = e->error < e->weight ? e->error : e->weight; /* what it may be off */
            keys[count++] = (struct tare_heavy_key){e->key, e->weight, least, e->hits};
            smallest = e->weight < smallest ? e->weight : smallest;
        }
    }
    heavy->keys = keys;
    heavy->count = count;
    heavy->least = tare_heavy_least(keys, count, head.least);
    if (count < used && count > 0 && heavy->least < smallest) {
        heavy->least = smallest; /* whatever was passing there was among the lightest */
    }
out:
    free(entries);
    free(whole);
    if (error != 0) {
        free(keys);
        *heavy = (struct tare_heavy_table){0};
    }
    return error;
}

/* The tables of one top-k, `count` of them. */
static int tables_merge(struct tare__page_reading *r, const struct tare__page_table *tables, size_t count)
{
    struct tare_page_instrument *topk = &r->view->instruments[tables[0].instrument];
    struct tare_heavy_table *heavy = calloc(count + 1, sizeof(*heavy));
    topk->keys = tare__page_own(r, calloc(topk->size + (size_t)1, sizeof(*topk->keys)));
    int error = heavy != NULL && topk->keys != NULL ? 0 : tare__page_fail_memory(r->file);
    for (size_t i = 0; i < count && error == 0; i++) {
        error = table_read(r, &tables[i], &heavy[i]);
    }
    if (error == 0) {
        heavy[count].least = topk->least_weight; /* those that are lost, in one */
    }
    if (error == 0 &&
        tare_heavy_merge(heavy, count + 1, topk->size, (struct tare_heavy_key *)(void *)topk->keys,
                         &topk->key_count, &topk->least_weight) != 0) {
        error = tare__page_fail_memory(r->file);
    }
    for (size_t i = 0; heavy != NULL && i < count; i++) {
        free((void *)(uintptr_t)heavy[i].keys);
    }
    free(heavy);
    return error;
}

static int compare_tables(const void *a, const void *b)
{
    const struct tare__page_table *left = a, *right = b;
    return left->instrument != right->instrument ? (left->instrument > right->instrument ? 1 : -1)
           : left->offset != right->offset       ? (left->offset > right->offset ? 1 : -1)
                                                 : 0;
}

int tare__page_instruments_finish(struct tare__page_reading *r)
{
    for (size_t i = 0; i < r->view->instrument_count; i++) {
        if (r->view->instruments[i].kind == TARE_KIND_COUNTER) {
            r->view->instruments[i].total = r->totals[i] <= INT64_MAX ? r->totals[i] : TARE_PAGE_COUNT_UNKNOWN;
        }
    }
    int error = 0;
    if (r->table_count > 0) {
        qsort(r->tables, r->table_count, sizeof(*r->tables), compare_tables);
    }
    for (size_t first = 0, end; first < r->table_count && error == 0; first = end) {
        end = first + 1;
        while (end < r->table_count && r->tables[end].instrument == r->tables[first].instrument) {
            end++;
        }
        error = tables_merge(r, r->tables + first, end - first);
    }
    return error != 0 ? error : stays_finish(r);
}

void tare__page_instrument_void(struct tare_page_instrument *instrument)
{
    uint64_t *buckets = instrument->buckets;
    instrument->total = instrument->hits = instrument->least_weight = 0;
    instrument->key_count = 0;
    instrument->stay_count = instrument->stays_left_out = 0;
    instrument->stays_known = false;
    instrument->peak = instrument->value;
    instrument->sums = (struct tare_timer_sums){.min_ticks = UINT64_MAX};
    if (instrument->kind == TARE_KIND_STATE) { /* threads stay where they are */
        memset(instrument->state_ticks, 0, sizeof(instrument->state_ticks));
        instrument->state_changes = 0;
    } else if (instrument->kind == TARE_KIND_FRAMES) {
        instrument->frames = (struct tare_page_frames){
            .base = tare__add_saturating(instrument->frames.base, instrument->frames.frames),
            .slow_ticks = instrument->frames.slow_ticks,
        };
    }
    if (buckets != NULL) {
        memset(buckets, 0, TARE_BUCKET_COUNT * sizeof(uint64_t));
    }
}
