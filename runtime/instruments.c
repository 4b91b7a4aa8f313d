/* SPDX-License-Identifier: MIT */
/*
 * What is counted besides time: counters, gauges, histograms of values, states. (Top-k: topk.c; frames:
 * frames.c.)
 *
 * As with timers, a thread writes into the slots of its own block only, and readers add up; there is no lock,
 * no allocation and no system call but for a thread's first count. A gauge's value is the process's and lies in
 * its cell, which any thread stores to.
 *
 * Signals. A handler may count into the very slot whose update it interrupts. Sums are single instructions, or
 * atomic where the processor has no such, and extremes are compared and swapped, so nothing is lost then. Only
 * when a slot is being cleared (its first use, or the first after a reset), or a thread passes from one state
 * to another, must a handler keep off, which `busy` in the slot tells it: what it adds to a counter is kept in
 * `late` and added by the interrupted code, what it records otherwise is dropped and counted as such.
 *
 * Cost here (EPYC Zen 5 VM, `make bench-instruments`): docs/cost.md.
 */
#include <math.h>
#include <signal.h>

#include "runtime/internal.h"

/* How deep the caller's frame lies. */
#define FRAME() ((uint64_t)(uintptr_t)__builtin_frame_address(0))

/* As is_interrupted() of timer.c: whether `mark` is of code that the handler in `frame` interrupted. */
static bool is_under_way(const struct tare_block *block, uint32_t mark, uint64_t frame)
{
    const uint32_t depth = ~((1u << MARK_DEPTH) - 1);
    uint32_t here = tare__busy_mark(block, frame);
    stack_t stack;
    if ((mark & ~depth) != (here & ~depth)) {
        return false; /* of an earlier thread */
    }
    if ((int32_t)((here & depth) - (mark & depth)) < 0) {
        return true; /* deeper in the stack */
    }
    if (sigaltstack(NULL, &stack) != 0 || (stack.ss_flags & SS_ONSTACK) == 0) {
        return false;
    }
    uint32_t from_start =
        (mark & depth) - ((uint32_t)((uint64_t)(uintptr_t)stack.ss_sp >> MARK_SHIFT) << MARK_DEPTH);
    return from_start >> MARK_DEPTH >= stack.ss_size >> MARK_SHIFT;
}

HIDDEN bool tare__busy_begin(const struct tare_block *block, uint32_t *busy, uint64_t frame)
{
    uint32_t mark = load_relaxed(busy);
    if (unlikely(mark != 0) && is_under_way(block, mark, frame)) {
        return false;
    }
    store_relaxed(busy, tare__busy_mark(block, frame));
    fence_signal();
    return true;
}

/* ---- counters ---- */

/* A thread's first, the counter's first in this block, or the first after a reset. */
void tare__add_first(tare_instrument *counter, uint64_t n)
{
    struct tare_control *control = control_of(&counter->timer);
    struct tare_block *block = tare__self;
    if (block == NULL && (block = tare__thread_attach()) == NULL) {
        return;
    }
    struct tare_counter_slot *slot = control_slot(block, control);
    uint32_t generation = load_relaxed(&control->generation);
    if (load_relaxed(&slot->generation) != generation) {
        if (!tare__busy_begin(block, &slot->busy, FRAME())) {
            signal_add(&slot->late, n);
            return;
        }
        if (load_relaxed(&slot->generation) != generation) { /* else a handler was faster */
            store_relaxed(&slot->value, 0);
            fence_signal();
            store_release(&slot->generation, generation); /* pairs with the readers' acquire */
        }
        tare__busy_end(&slot->busy);
        uint64_t late = __atomic_exchange_n(&slot->late, 0, __ATOMIC_RELAXED);
        if (late != 0) {
            signal_add(&slot->value, late);
        }
    }
    signal_add(&slot->value, n);
}

uint64_t tare__total(tare_instrument *counter)
{
    tare__init();
    const struct tare_page *page = tare__rt.page;
    if (page == NULL || load_relaxed(&counter->timer.enabled) == &tare__never) {
        return 0;
    }
    const struct tare_control *control = control_of(&counter->timer);
    uint32_t generation = load_relaxed(&control->generation), blocks = load_acquire(&page->block_count);
    uint64_t total = 0;
    for (uint32_t i = 0; i < blocks; i++) {
        const struct tare_counter_slot *slot = control_slot(page_block(i), control);
        if (load_acquire(&slot->generation) == generation) { /* pairs with tare__add_first */
            total += load_relaxed(&slot->value);
        }
    }
    return total;
}

/* ---- gauges ---- */

/*
 * A peak of before the last reset is replaced rather than compared with. One that is set by another thread at
 * the very moment of the first set after a reset may get lost; the comparison behind it makes that rare. What
 * the gauge had until now, it had after the reset, too.
 */
static void raise_peak(struct tare_cell *cell, uint32_t generation, double value)
{
    uint32_t of = load_relaxed(&cell->generation);
    if (unlikely(of != generation)) {
        double before = tare_gauge_decode(load_relaxed(&cell->value));
        store_relaxed(&cell->peak, tare_gauge_encode(before > value ? before : value));
        cas32_acq_rel(&cell->generation, of, generation);
    }
    uint64_t peak = load_relaxed(&cell->peak);
    while (!(tare_gauge_decode(peak) >= value)) { /* also where it is unknown */
        if (cas64_relaxed(&cell->peak, peak, tare_gauge_encode(value))) {
            break;
        }
        peak = load_relaxed(&cell->peak);
    }
}

void tare__set(tare_instrument *gauge, double value)
{
    struct tare_control *control = control_of(&gauge->timer);
    struct tare_cell *cell = tare__cell(control_index(control));
    uint32_t generation = load_relaxed(&control->generation);
    if (!isfinite(value)) { /* unknown, and nothing that a peak could be compared with */
        double before = tare_gauge_decode(load_relaxed(&cell->value));
        if (load_relaxed(&cell->generation) != generation && !isnan(before)) {
            raise_peak(cell, generation, before); /* else what it had since the reset would be forgotten */
        }
        store_release(&cell->value, 0);
        return;
    }
    /* The peak first: who reads the value with acquire order, and then the peak, finds none below it. */
    raise_peak(cell, generation, value);
    store_release(&cell->value, tare_gauge_encode(value));
}

/* ---- histograms ---- */

/*
 * A sum that stays at UINT64_MAX once it would pass it. Below 2^60 there is no need to look: handlers that add in
 * between, each below 2^60, would have to interrupt each other 14 deep to pass the end.
 */
enum { SUM_SAFE_BITS = 60 };

static __attribute__((noinline)) void sum_add_saturating(uint64_t *sum, uint64_t value)
{
    uint64_t before, after;
    do {
        before = load_relaxed(sum);
        after = before > UINT64_MAX - value ? UINT64_MAX : before + value;
    } while (!cas64_relaxed(sum, before, after));
}

static inline __attribute__((always_inline)) void sum_add(uint64_t *sum, uint64_t value)
{
    if (unlikely((load_relaxed(sum) | value) >> SUM_SAFE_BITS != 0)) {
        sum_add_saturating(sum, value);
    } else {
        signal_add(sum, value);
    }
}

static inline __attribute__((always_inline)) void record(struct tare_block *block, struct tare_slot *slot,
                                                         uint32_t index, uint64_t value)
{
    signal_add(&slot->calls, 1);
    signal_add(&slot->outermost, 1);
    sum_add(&slot->total_ticks, value);
    uint64_t extreme = load_relaxed(&slot->min_ticks);
    while (unlikely(value < extreme) && !cas64_relaxed(&slot->min_ticks, extreme, value)) {
        extreme = load_relaxed(&slot->min_ticks);
    }
    extreme = load_relaxed(&slot->max_ticks);
    while (unlikely(value > extreme) && !cas64_relaxed(&slot->max_ticks, extreme, value)) {
        extreme = load_relaxed(&slot->max_ticks);
    }
    if (likely(tare__rt.histograms_offset != 0)) {
        signal_add(&block_histogram(block, index)[tare_bucket_of(value)], 1);
    }
}

static void clear_histogram(const struct tare_block *block, struct tare_slot *slot, uint32_t index)
{
    store_relaxed(&slot->calls, 0);
    store_relaxed(&slot->outermost, 0);
    store_relaxed(&slot->total_ticks, 0);
    store_relaxed(&slot->min_ticks, UINT64_MAX);
    store_relaxed(&slot->max_ticks, 0);
    if (load_relaxed(&slot->generation) != 0 && tare__rt.histograms_offset != 0) { /* fresh ones are zero */
        uint64_t *buckets = block_histogram(block, index);
        for (uint32_t i = 0; i < TARE_BUCKET_COUNT; i++) {
            store_relaxed(&buckets[i], 0);
        }
    }
}

static __attribute__((noinline)) void record_first(struct tare_control *control, uint64_t value)
{
    struct tare_page *page = tare__rt.page;
    struct tare_block *block = tare__self;
    if (block == NULL && (block = tare__thread_attach()) == NULL) {
        return;
    }
    struct tare_slot *slot = control_slot(block, control);
    uint32_t index = control_index(control);
    uint32_t generation = load_relaxed(&control->generation);
    if (load_relaxed(&slot->generation) != generation) {
        if (load_relaxed(&slot->generation) == 0 && !tare__histogram_open(block, index)) {
            fetch_add_relaxed(&page->lost_scopes, 1);
            return;
        }
        if (!tare__busy_begin(block, &slot->busy, FRAME())) {
            fetch_add_relaxed(&page->dropped_scopes, 1);
            return;
        }
        if (load_relaxed(&slot->generation) != generation) { /* else a handler was faster */
            clear_histogram(block, slot, index);
            fence_signal();
            store_release(&slot->generation, generation); /* pairs with the readers' acquire */
        }
        tare__busy_end(&slot->busy);
    }
    record(block, slot, index, value);
}

void tare__record(tare_instrument *histogram, uint64_t value)
{
    struct tare_control *control = control_of(&histogram->timer);
    struct tare_block *block = tare__self;
    if (likely(block != NULL)) {
        struct tare_slot *slot = control_slot(block, control);
        if (likely(load_relaxed(&slot->generation) == load_relaxed(&control->generation))) {
            record(block, slot, control_index(control), value);
            return;
        }
    }
    record_first(control, value);
}

/* ---- states ---- */

/* The counter out of order: stays are long, and those of one thread follow each other in any case. */
static inline uint64_t now_ticks(void)
{
    return ARCH_HAS_COUNTER && tare__rt.clock != TARE_CLOCK_CLOCK ? arch_ticks() : clock_raw_ns();
}

static uint64_t *ticks_in(struct tare_state_slot *slot, uint64_t state)
{
    const uint64_t first = sizeof(slot->ticks) / sizeof(slot->ticks[0]);
    return state < first ? &slot->ticks[state] : &slot->ticks_more[state - first];
}

/* Whether the state was not switched off since this thread entered the one that it is in. */
static bool stayed_on(const struct tare_state_slot *slot, const struct tare_control *control)
{
    return load_relaxed(&control->enabled) != 0 &&
           load_relaxed(&slot->switched) == load_relaxed(&control->switched);
}

/* Adds the stay that ends now to its state. */
static void count_stay(struct tare_state_slot *slot, uint64_t now)
{
    uint64_t since = load_relaxed(&slot->since_ticks);
    uint32_t current = load_relaxed(&slot->current);
    if (current != 0 && current <= TARE_STATES_MAX && now > since) {
        uint64_t *ticks = ticks_in(slot, current - 1);
        store_release(ticks, load_relaxed(ticks) + (now - since));
    }
}

/*
 * Passes to another state, or to none (0). `changes` is odd meanwhile; each store after that has release order,
 * so that a reader who sees it, with acquire order, sees that, too.
 */
static void change_state(struct tare_state_slot *slot, uint32_t wanted, const struct tare_control *control,
                         bool counted)
{
    uint32_t generation = load_relaxed(&control->generation);
    bool fresh = load_relaxed(&slot->generation) != generation;
    uint64_t changes = fresh ? 1 : load_relaxed(&slot->changes) | 1;
    uint64_t now = now_ticks();
    store_relaxed(&slot->changes, changes);
    if (fresh) { /* a stay that began before the reset is cut: nobody knows when that was */
        for (uint64_t i = 0; i < TARE_STATES_MAX; i++) {
            store_release(ticks_in(slot, i), 0);
        }
        store_release(&slot->generation, generation);
    } else if (counted && stayed_on(slot, control)) {
        count_stay(slot, now);
    }
    store_release(&slot->since_ticks, now);
    store_release(&slot->switched, (uint32_t)load_relaxed(&control->switched));
    store_release(&slot->current, wanted);
    store_release(&slot->changes, changes + 1);
}

void tare__enter(tare_instrument *state, uint32_t number)
{
    struct tare_page *page = tare__rt.page;
    struct tare_control *control = control_of(&state->timer);
    uint32_t index = control_index(control);
    struct tare_block *block = tare__self;
    if (index >= page->instrument_max) {
        return; /* its library is being unloaded */
    }
    if (block == NULL && (block = tare__thread_attach()) == NULL) {
        return;
    }
    struct tare_state_slot *slot = control_slot(block, control);
    uint32_t wanted = number < tare__rt.entries[index].name_count ? number + 1 : 0;
    if (load_relaxed(&slot->current) == wanted &&
        (wanted == 0 || (load_relaxed(&slot->generation) == load_relaxed(&control->generation) &&
                         load_relaxed(&slot->switched) == load_relaxed(&control->switched)))) {
        return;
    }
    if (!tare__busy_begin(block, &slot->busy, FRAME())) {
        fetch_add_relaxed(&page->dropped_scopes, 1);
        return;
    }
    change_state(slot, wanted, control, true);
    tare__busy_end(&slot->busy);
}

HIDDEN void tare__states_leave(struct tare_block *block, bool died)
{
    for (uint32_t i = load_relaxed(&tare__rt.states_first); i < load_acquire(&tare__rt.states_end); i++) {
        struct tare_state_slot *slot = (struct tare_state_slot *)(void *)block_slot(block, i);
        if (tare__rt.entries[i].kind != TARE_KIND_STATE || load_relaxed(&slot->generation) == 0 ||
            load_relaxed(&slot->current) == 0 || !tare__busy_begin(block, &slot->busy, FRAME())) {
            continue;
        }
        change_state(slot, 0, &tare__rt.controls[i], !died);
        tare__busy_end(&slot->busy);
    }
}
