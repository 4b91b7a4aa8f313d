/* SPDX-License-Identifier: MIT */
/*
 * The measured path: the begin and the end of a scope.
 *
 * Everything that tare__begin does comes before the clock's first reading, everything that tare__end does
 * behind the second, so that what lies between is the call out of one and into the other: the inner cost.
 * Neither takes a lock, allocates, or calls the system, but for a thread's very first scope (thread.c).
 *
 * Cost of one scope here (EPYC Zen 5 VM, `make bench-cost`), tsc-ordered: a bare pair of readings 39 ns, a
 * scope with sums 41 to 43 ns, with its histogram 45 ns.
 *
 * Signals. A handler may run scopes while this thread is in the middle of recording one. It sees `busy` and
 * puts its own recording off, into a ring in the block; the interrupted recording does it when it is done.
 * Handlers run to their end before the interrupted code goes on, so compiler fences are all that is needed.
 */
#include <signal.h>

#include "runtime/internal.h"

HIDDEN struct tare__runtime tare__rt = {.fd = -1};
HIDDEN _Thread_local struct tare_block *tare__self __attribute__((tls_model("initial-exec")));
__thread uintptr_t tare__slots __attribute__((tls_model("initial-exec")));

_Static_assert(sizeof(struct tare_slot) % sizeof(struct tare_control) == 0,
               "begin() scales one offset to the other");

static inline uint32_t generation_of(uint32_t index)
{
    return load_relaxed(&tare__rt.controls[index].generation);
}

static inline bool has_pending(const struct tare_block *block)
{
    return load_relaxed(&block->pending_first) != load_relaxed(&block->pending_end);
}

/*
 * Makes a slot ready for counts of `generation`: its first use, or the first after a reset. Readers take a slot
 * whose generation is not the control's for void, so the generation is stored last.
 */
static __attribute__((noinline)) void slot_clear(struct tare_block *block, struct tare_slot *slot,
                                                 uint32_t index, uint32_t generation)
{
    uint64_t busy = load_relaxed(&block->busy);
    store_relaxed(&block->busy, (uint64_t)(uintptr_t)__builtin_frame_address(0));
    fence_signal();
    if (load_relaxed(&slot->generation) == generation) {
        goto out; /* a handler was faster, and its scopes are in it already */
    }
    store_relaxed(&slot->calls, 0);
    store_relaxed(&slot->outermost, 0);
    store_relaxed(&slot->total_ticks, 0);
    store_relaxed(&slot->min_ticks, UINT64_MAX);
    store_relaxed(&slot->max_ticks, 0);
    store_relaxed(&slot->scopes_within, 0);
    store_relaxed(&slot->bytes, 0);
    store_relaxed(&slot->closeness_within, 0);
    store_relaxed(&slot->uncounted_within, 0);
    store_relaxed(&slot->open_token, 0);
    if (slot->generation != 0 &&
        tare__rt.histograms_offset != 0) { /* a fresh one is zero, and we leave it untouched */
        uint64_t *buckets = block_histogram(block, index);
        for (uint32_t i = 0; i < TARE_BUCKET_COUNT; i++) {
            store_relaxed(&buckets[i], 0);
        }
    }
    store_release(&slot->generation, generation); /* pairs with the readers' acquire */
out:
    fence_signal();
    store_relaxed(&block->busy, busy);
    fence_signal();
    if (!busy && has_pending(block)) {
        tare__block_drain(block);
    }
}

/*
 * The same, with the memory that a first use takes. False, and counted, if there is none: a page on a full file
 * system.
 */
static bool slot_prepare(struct tare_block *block, struct tare_slot *slot, uint32_t index, uint32_t generation)
{
    if (slot->generation == 0 && !tare__histogram_open(block, index)) {
        fetch_add_relaxed(&tare__rt.page->lost_scopes, 1);
        return false;
    }
    slot_clear(block, slot, index, generation);
    return true;
}

/*
 * What ended within a scope, into its slot. So many that their closeness can have run over its 32 bits count as
 * uncounted.
 */
static inline __attribute__((always_inline)) void slot_record_within(struct tare_block *block, uint32_t index,
                                                                     uint64_t scopes, uint32_t closeness,
                                                                     uint64_t token)
{
    struct tare_slot *slot = block_slot(block, index);
    if (unlikely(token == 0)) {
        return; /* inside a scope of the same timer, in which they are, too */
    }
    counter_add(&slot->scopes_within, scopes);
    if (likely(scopes <= CLOSENESS_SCOPES_MAX)) {
        counter_add(&slot->closeness_within, closeness);
    } else {
        counter_add(&slot->uncounted_within, scopes);
    }
}

/* How much nearer than the cap; 0: no nearer. Without a branch, which nothing could predict. */
static inline __attribute__((always_inline)) uint32_t nearer(uint32_t cap_ticks, uint32_t distance_ticks)
{
    uint32_t by = cap_ticks - distance_ticks;
#if defined(__x86_64__)
    __asm__("cmpl %1, %2\n\tcmovb %3, %0" : "+r"(by) : "r"(distance_ticks), "r"(cap_ticks), "r"(0) : "cc");
    return by;
#else
    return distance_ticks < cap_ticks ? by : 0;
#endif
}

/*
 * The recording of a scope overlaps with what follows it, so what it adds to the scope around it depends on how
 * much that is. This adds up how closely the ends of scopes are followed: by the end of the scope around them,
 * or by the next scope's begin. See docs/accuracy.md.
 *
 * A handler that comes in between may have its own lost: a sum of millions is off by one.
 */
static inline __attribute__((always_inline)) void close_end(struct tare_block *block, const tare_span *span,
                                                            uint32_t index, uint64_t stop, uint64_t within)
{
    uint64_t recent = load_relaxed(&block->recent);
    uint32_t near = nearer(tare__rt.end_cap_ticks, (uint32_t)stop - (uint32_t)recent);
    recent += (uint64_t)near << 32;
    store_relaxed(&block->recent, recent);
    slot_record_within(block, index, within, (uint32_t)(recent >> 32) - (uint32_t)(span->recent >> 32),
                       span->token);
}

static inline __attribute__((always_inline)) void close_begin(struct tare_block *block, const tare_span *span,
                                                              uint64_t start, uint64_t stop)
{
    uint32_t near = nearer(tare__rt.begin_cap_ticks, (uint32_t)start - (uint32_t)span->recent);
    uint32_t closeness = (uint32_t)(load_relaxed(&block->recent) >> 32) + near;
    store_relaxed(&block->recent, (uint64_t)closeness << 32 | (uint32_t)stop);
}

/* Enters a finished scope into its slot. The caller has set `busy`, and compared generations. */
static inline __attribute__((always_inline)) void slot_record(struct tare_block *block, uint32_t index,
                                                              uint64_t ticks, uint64_t bytes, uint64_t token)
{
    struct tare_slot *slot = block_slot(block, index);
    counter_add(&slot->calls, 1);
    if (unlikely(bytes != 0)) {
        counter_add(&slot->bytes, bytes);
    }
    if (unlikely(token == 0)) {
        return; /* inside a scope of the same timer, which has the time */
    }
    if (likely(load_relaxed(&slot->open_token) == token)) {
        store_relaxed(&slot->open_token, 0);
    }
    counter_add(&slot->outermost, 1);
    counter_add(&slot->total_ticks, ticks);
    if (unlikely(ticks < load_relaxed(&slot->min_ticks))) {
        store_relaxed(&slot->min_ticks, ticks);
    }
    if (unlikely(ticks > load_relaxed(&slot->max_ticks))) {
        store_relaxed(&slot->max_ticks, ticks);
    }
    if (likely(tare__rt.histograms_offset != 0)) {
        counter_add(&block_histogram(block, index)[tare_bucket_of(ticks)], 1);
    }
}

/* The same for a recording that was put off, or comes from another thread. */
static void finished_record(struct tare_block *block, const struct finished *f)
{
    if (load_relaxed(&block_slot(block, f->index)->generation) ==
        f->generation) { /* else it was reset in between */
        slot_record_within(block, f->index, f->scopes_within, f->closeness_within, f->token);
        slot_record(block, f->index, f->ticks, f->bytes, f->token);
    }
}

HIDDEN void tare__block_drain(struct tare_block *block)
{
    do {
        store_relaxed(&block->busy, (uint64_t)(uintptr_t)__builtin_frame_address(0));
        fence_signal();
        uint32_t first = load_relaxed(&block->pending_first);
        while (first != load_relaxed(&block->pending_end)) { /* handlers may add while we are here */
            struct finished f = block_pending(block)[first % PENDING_MAX];
            first++;
            store_relaxed(&block->pending_first, first);
            fence_signal();
            finished_record(block, &f);
        }
        fence_signal();
        store_relaxed(&block->busy, 0);
        fence_signal();
    } while (has_pending(block)); /* one may have come in between */
}

/*
 * Whether the recording that `busy` stands for is under way, and `frame` is of a handler that interrupted it:
 * handlers lie deeper in the stack, or on the alternate stack, wherever that is. Else a handler interrupted it
 * and left by siglongjmp, and this is the first scope since to end at the same depth or further out.
 */
static bool is_interrupted(uint64_t busy, uint64_t frame)
{
    stack_t stack;
    if (frame < busy) {
        return true;
    }
    return sigaltstack(NULL, &stack) == 0 && (stack.ss_flags & SS_ONSTACK) != 0 &&
           busy - (uint64_t)(uintptr_t)stack.ss_sp >= stack.ss_size;
}

/*
 * In a handler that interrupted a recording: keep it for later, or, where a handler has very many scopes, drop
 * and count it.
 */
static __attribute__((noinline)) void put_off(struct tare_block *block, const struct finished *f)
{
    if (load_relaxed(&block->pending_end) - load_relaxed(&block->pending_first) == PENDING_MAX) {
        fetch_add_relaxed(&tare__rt.page->dropped_scopes, 1);
        cas64_relaxed(&block_slot(block, f->index)->open_token, f->token, 0); /* it has ended all the same */
        return;
    }
    /* Claim the place first: a handler of another signal may come between. */
    uint32_t number = fetch_add_relaxed(&block->pending_end, 1);
    block_pending(block)[number % PENDING_MAX] = *f;
    store_relaxed(&block->pending, 1);
}

/* Records what tare__end's own path cannot: see put_off. `frame`: how deep in the stack. */
static void block_record(struct tare_block *block, const struct finished *f, uint64_t frame)
{
    uint64_t busy = load_relaxed(&block->busy);
    if (busy != 0 && is_interrupted(busy, frame)) {
        put_off(block, f);
        return;
    }
    store_relaxed(&block->busy, frame);
    fence_signal();
    finished_record(block, f);
    fence_signal();
    store_relaxed(&block->busy, 0);
    fence_signal();
    if (has_pending(block)) {
        tare__block_drain(block);
    }
}

/*
 * Whether the scope that holds the slot open has gone without ending (longjmp): its frame has been left, as
 * this one lies further out, or the very same span begins again. A scope in a signal handler on an alternate
 * stack, or on a coroutine's, can look further out while the other is open; then both are recorded in full.
 */
static inline bool open_is_stale(const struct tare_slot *slot, uint64_t frame, uint64_t span)
{
    uint64_t open_frame = load_relaxed(&slot->open_frame);
    return frame > open_frame || (frame == open_frame && span != 0 && span == load_relaxed(&slot->open_span));
}

/* What a begin needs when all is well; the slot is free, or of a scope that has gone. */
static inline __attribute__((always_inline)) void span_begin(tare_timer *timer, tare_span *span,
                                                             struct tare_block *block, struct tare_slot *slot,
                                                             uint32_t index, uint32_t generation,
                                                             bool outermost, uint64_t frame, uint64_t place)
{
    uint64_t ended = load_relaxed(&block->ended);
    uint64_t token = ended + load_relaxed(&block->token_offset);
    if (outermost) {
        store_relaxed(&slot->open_frame, frame);
        store_relaxed(&slot->open_span, place);
        store_relaxed(&slot->open_token, token);
    }
    span->token = outermost ? token : 0;
    span->timer = timer;
    span->block = block;
    span->bytes = 0;
    span->generation = generation;
    span->index = index;
    span->ended_before = ended;
    span->recent = load_relaxed(&block->recent);
    fence_signal();
}

static __attribute__((noinline)) void start_other_clock(tare_span *span)
{
    span->start_ticks = clock_start(tare__rt.clock);
}

/* Last of all, with nothing behind it but the way back. */
static inline __attribute__((always_inline)) void span_start(tare_span *span)
{
    if (likely(tare__rt.clock == TARE_CLOCK_TSC_ORDERED)) {
        span->start_ticks = arch_ticks_start_ordered();
        return;
    }
    start_other_clock(span);
}

/*
 * A thread's first scope, a slot's first, a scope within one of the same timer, and the first behind one that
 * was left by longjmp.
 */
static __attribute__((noinline)) void begin_seldom(tare_timer *timer, tare_span *span, uint64_t frame,
                                                   uint64_t place)
{
    bool loose = place == 0;
    struct tare_control *control = control_of(timer);
    struct tare_block *block = tare__self;
    span->timer = NULL;
    if (block == NULL && (block = tare__thread_attach()) == NULL) {
        return;
    }
    uint32_t index = control_index(control);
    struct tare_slot *slot = block_slot(block, index);
    uint32_t generation = load_relaxed(&control->generation);
    if (slot->generation != generation && !slot_prepare(block, slot, index, generation)) {
        return;
    }
    bool outermost = load_relaxed(&slot->open_token) <= load_relaxed(&block->base_token) ||
                     open_is_stale(slot, frame, place);
    /* A loose span can outlive the frame that began it, so it is never taken for one that was left. */
    span_begin(timer, span, block, slot, index, generation, outermost, loose ? UINT64_MAX : frame, place);
    span_start(span);
}

/* The slow cases are tail calls, so that the usual one saves no registers. */
static inline __attribute__((always_inline)) void begin(tare_timer *timer, tare_span *span, uint64_t frame,
                                                        uint64_t place, bool loose)
{
    struct tare_block *block = tare__self;
    struct tare_control *control = control_of(timer);
    if (unlikely(block == NULL)) {
        begin_seldom(timer, span, frame, place);
        return;
    }
    struct tare_slot *slot = control_slot(block, control);
    uint32_t index = control_index(control);
    uint32_t generation = load_relaxed(&control->generation);
    if (unlikely(slot->generation != generation ||
                 load_relaxed(&slot->open_token) > load_relaxed(&block->base_token))) {
        begin_seldom(timer, span, frame, place);
        return;
    }
    span_begin(timer, span, block, slot, index, generation, true, loose ? UINT64_MAX : frame, place);
    span_start(span);
}

/* How deep the caller's frame lies. Not __builtin_frame_address, which would set up a frame pointer first. */
#define FRAME() ((uint64_t)(uintptr_t)__builtin_dwarf_cfa())

void tare__begin(tare_timer *timer, tare_span *span)
{
    begin(timer, span, FRAME(), (uint64_t)(uintptr_t)span, false);
}

void tare__begin_loose(tare_timer *timer, tare_span *span)
{
    begin(timer, span, FRAME(), 0, true);
}

/* The span began on another thread (or this one has got another block since): it counts where it ends. */
static __attribute__((noinline)) void end_elsewhere(tare_span *span, uint64_t stop, uint64_t frame)
{
    struct tare_block *old = span->block;
    if (span->token != 0) {
        cas64_relaxed(&block_slot(old, span->index)->open_token, span->token, 0);
    }
    struct tare_block *block = tare__self;
    uint32_t generation = generation_of(span->index);
    if (generation != span->generation || (block == NULL && (block = tare__thread_attach()) == NULL)) {
        return;
    }
    struct tare_slot *slot = block_slot(block, span->index);
    if (slot->generation != generation && !slot_prepare(block, slot, span->index, generation)) {
        return;
    }
    struct finished f = {
        .ticks = stop - span->start_ticks,
        .bytes = span->bytes,
        .token = UINT64_MAX, /* outermost, and holds no slot open */
        .index = span->index,
        .generation = generation,
    };
    ended_add(&block->ended);
    block_record(block, &f, frame);
}

/*
 * An end that is not the usual one: forked or reset since, on another thread, or in a handler that interrupted
 * a recording.
 */
static __attribute__((noinline)) void end_seldom(tare_span *span, uint64_t stop, uint64_t frame)
{
    struct tare_block *block = span->block;
    if (block != tare__self) {
        end_elsewhere(span, stop, frame);
        return;
    }
    struct finished f = {
        .ticks = stop - span->start_ticks,
        .scopes_within = load_relaxed(&block->ended) - span->ended_before,
        .closeness_within = (uint32_t)(load_relaxed(&block->recent) >> 32) - (uint32_t)(span->recent >> 32),
        .bytes = span->bytes,
        .token = span->token,
        .index = span->index,
        .generation = span->generation,
    };
    ended_add(&block->ended);
    if (generation_of(span->index) == span->generation) { /* else reset: the next scope clears the slot */
        block_record(block, &f, frame);
    }
}

typedef uint16_t __attribute__((may_alias)) attention;

/* What a signal handler or a reader outside left to do: both bytes in one reading. */
static inline attention attention_of(const struct tare_block *block)
{
    return load_relaxed((const attention *)(const void *)&block->pending);
}
_Static_assert(offsetof(struct tare_block, pending) % 2 == 0 &&
                   offsetof(struct tare_block, calibrate) == offsetof(struct tare_block, pending) + 1,
               "both are looked at in one reading");

/*
 * Where scopes lie in each other, the thread is free only now and then: a request waits for so many ends, and
 * is dropped then, as waiting has its price. The reader asks again.
 */
enum { PATIENCE = 250 };

static __attribute__((noinline)) void attend(struct tare_block *block)
{
    store_relaxed(&block->pending, 0); /* before the look at the ring */
    fence_signal();
    if (has_pending(block)) {
        tare__block_drain(block);
    }
    if (load_relaxed(&block->calibrate) == 0) {
        return;
    }
    uint8_t put_off = load_relaxed(&block->put_off);
    if (tare__calibrate_in_run(block) || put_off >= PATIENCE) {
        store_relaxed(&block->calibrate, 0);
        put_off = 0;
    } else {
        put_off++;
    }
    store_relaxed(&block->put_off, put_off);
}

/* The usual end. `within`: scopes that ended in this one. */
static inline __attribute__((always_inline)) void end_usual(tare_span *span, uint64_t stop, uint64_t within,
                                                            uint64_t frame)
{
    struct tare_block *block = span->block;
    uint32_t index = span->index;
    uint64_t start = span->start_ticks;
    store_relaxed(&block->busy, frame); /* not where the span lies, which may be on the heap */
    fence_signal();
    ended_add(&block->ended);
    if (within != 0) {
        close_end(block, span, index, stop, within);
    }
    /* The recording of one inside a scope of the same timer is so short that it counts as far from what follows. */
    if (likely(tare__rt.histograms_offset != 0) && likely(span->token != 0)) {
        close_begin(block, span, start, stop);
    }
    slot_record(block, index, stop - start, span->bytes, span->token);
    fence_signal();
    store_relaxed(&block->busy, 0);
    fence_signal();
    if (unlikely(attention_of(block) != 0)) {
        attend(block);
    }
}

/* Of a scope with others in it. Apart, so that the one without saves no registers. */
static __attribute__((noinline)) void end_around(tare_span *span, uint64_t stop, uint64_t within)
{
    end_usual(span, stop, within, FRAME());
}

static __attribute__((noinline)) void end(tare_span *span, uint64_t stop)
{
    struct tare_block *block = span->block;
    span->timer = NULL;
    if (unlikely(block != tare__self || load_relaxed(&block->busy) ||
                 generation_of(span->index) != span->generation)) {
        end_seldom(span, stop, FRAME());
        return;
    }
    uint64_t within = load_relaxed(&block->ended) - span->ended_before;
    if (within != 0) {
        end_around(span, stop, within);
        return;
    }
    end_usual(span, stop, 0, FRAME());
}

static __attribute__((noinline)) void end_other_clock(tare_span *span)
{
    end(span, clock_stop(tare__rt.clock));
}

/* Only the choice of the clock stands before its reading; no register is saved. */
void tare__end(tare_span *span)
{
    if (likely(tare__rt.clock == TARE_CLOCK_TSC_ORDERED)) {
        end(span, arch_ticks_stop_ordered());
        return;
    }
    end_other_clock(span);
}

void tare__drop(tare_span *span)
{
    struct tare_block *block = span->block;
    span->timer = NULL;
    if (span->token != 0) {
        cas64_relaxed(&block_slot(block, span->index)->open_token, span->token, 0);
    }
    if (block == tare__self) {
        ended_add(&block->ended); /* its cost lies in the scopes around it all the same */
    }
}
