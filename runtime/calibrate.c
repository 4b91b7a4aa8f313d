/* SPDX-License-Identifier: MIT */
/*
 * What one scope costs, here and now: measured by the same code that measures the program, on its processor.
 *
 * The inner cost is what a scope reads more than the work in it takes. It is negative on a clock that hides
 * work. The outer cost is what scopes add to the reading of a scope around them: the reading of a parent with
 * scopes in it, less that of one with the same calls but no scopes, over their number. It depends on what
 * follows a scope, since the recording overlaps with it, so it is measured three ways: one scope right behind
 * the other, one right inside the other, and with work between them. There is work in the scopes, as in those
 * of a program: empty ones read more, and cost more, by a nanosecond or two, having nothing with which the way
 * into them could overlap.
 *
 * All are taken in short rounds that follow each other, those with scopes and those without in turn, so that a
 * disturbance spoils a few rounds, which a median does not see, and a change of the processor's speed meets
 * both; the spread of the rounds goes with it.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>

#include "runtime/internal.h"
#include "runtime/kernels.h"

enum {
    SIBLINGS = 8,    /* scopes in a parent */
    SIBLINGS_OF = 3, /* parents in a round, of each kind; and one before that, not counted, to warm up */
    NESTED = TARE__NESTED,
    NESTED_OF = 8,
    WORK_STEPS = TARE__WORK_STEPS,
    KNEE_STEPS = TARE__KNEE_STEPS,
    APART_STEPS = TARE__APART_STEPS,
    ROUNDS_MAX = 64,
    WARM_UP = 12, /* rounds; the first of them come out a tenth too long */
    ROUNDS_IN_RUN = 5,
    WARM_UP_IN_RUN = 28, /* amid the program's code, more is cold */
    EMPTY = 16,
    COSTS = TARE_SCOPE_COSTS,
};
_Static_assert(sizeof(struct tare_scope_cost) == COSTS * sizeof(struct tare_cost),
               "as struct tare_run_cost has them");
_Static_assert((int)CALIBRATION_TIMERS == (int)TARE__KERNEL_TIMERS, "the kernels' are all there are");

/* As calls from another object go: through a pointer. */
static void (*volatile call_begin)(tare_timer *, tare_span *) = tare__begin;
static void (*volatile call_end)(tare_span *) = tare__end;

static const struct tare__module module = {"tare"};

/*
 * The timers of all calibrations, the parent first; behind those of the directory, where no reader looks. Made
 * with the page, and the same ever after.
 */
static tare_timer timers[CALIBRATION_TIMERS];

struct bench {
    struct tare_block *block;
};

static void timers_make(void)
{
    uint32_t index = tare__rt.page->instrument_max;
    for (uint32_t i = 0; i < CALIBRATION_TIMERS; i++) {
        timers[i] = (tare_timer){&tare__rt.controls[index + i].enabled,
                                 TARE_ABI,
                                 index + i,
                                 "calibration",
                                 &module,
                                 __FILE__,
                                 __LINE__,
                                 TARE_KIND_TIMER};
    }
}

static void bench_init(struct bench *bench, struct tare_block *block)
{
    uint32_t index = tare__rt.page->instrument_max;
    bench->block = block;
    for (uint32_t i = 0; i < CALIBRATION_TIMERS; i++) {
        store_relaxed(&tare__rt.controls[index + i].enabled, 1);
        store_relaxed(&tare__rt.controls[index + i].generation, 1);
    }
}

static inline __attribute__((always_inline)) void scope_begin(tare_timer *timer, tare_span *span)
{
    span->timer = NULL;
    if (*timer->enabled) {
        call_begin(timer, span);
    }
}

static inline __attribute__((always_inline)) void scope_end(tare_span *span)
{
    if (span->timer != NULL) {
        call_end(span);
    }
}

static __attribute__((noinline)) uint64_t child_scope(tare_timer *timer, uint64_t value)
{
    tare_span span;
    scope_begin(timer, &span);
    value = tare__work(value, WORK_STEPS);
    scope_end(&span);
    return value;
}

static __attribute__((noinline)) void empty_scope(tare_timer *timer)
{
    tare_span span;
    scope_begin(timer, &span);
    scope_end(&span);
}

static __attribute__((noinline)) uint64_t child_bare(tare_timer *timer, uint64_t value)
{
    __asm__ volatile("" : : "r"(timer) : "memory");
    return tare__work(value, WORK_STEPS);
}

static inline __attribute__((always_inline)) uint64_t siblings(tare_timer *timer, tare__child *run,
                                                               unsigned number, unsigned steps)
{
    tare_span span;
    uint64_t value = steps;
    scope_begin(timer, &span);
    for (unsigned i = 0; i < number; i++) {
        value = tare__work(run(timer + 1, value), steps);
    }
    scope_end(&span);
    return value;
}

static __attribute__((noinline)) uint64_t siblings_close(tare_timer *timer, tare__child *run, unsigned number)
{
    return siblings(timer, run, number, 0);
}

static __attribute__((noinline)) uint64_t siblings_knee(tare_timer *timer, tare__child *run, unsigned number)
{
    return siblings(timer, run, number, KNEE_STEPS);
}

static __attribute__((noinline)) uint64_t siblings_apart(tare_timer *timer, tare__child *run, unsigned number)
{
    return siblings(timer, run, number, APART_STEPS);
}

static __attribute__((noinline)) uint64_t nested_scopes(tare_timer *timer, uint64_t value, unsigned deep)
{
    tare_span span;
    scope_begin(timer, &span);
    value = deep > 1 ? nested_scopes(timer + 1, value, deep - 1) : tare__work(value, WORK_STEPS);
    scope_end(&span);
    return value;
}

static __attribute__((noinline)) uint64_t nested_bare(tare_timer *timer, uint64_t value, unsigned deep)
{
    __asm__ volatile("" : : "r"(timer) : "memory");
    value = deep > 1 ? nested_bare(timer + 1, value, deep - 1) : tare__work(value, WORK_STEPS);
    __asm__ volatile("" : "+r"(value) : : "memory");
    return value;
}

static __attribute__((noinline)) uint64_t wrapped(tare_timer *timer, tare__nest *within)
{
    tare_span span;
    scope_begin(timer, &span);
    uint64_t value = within(timer + 1, 1, NESTED);
    scope_end(&span);
    return value;
}

/* Scopes as TARE_SCOPE makes them. */
static const struct tare__kernels of_scopes = {
    .close = siblings_close,
    .knee = siblings_knee,
    .apart = siblings_apart,
    .wrapped = wrapped,
    .child_scope = child_scope,
    .child_bare = child_bare,
    .nested_scopes = nested_scopes,
    .nested_bare = nested_bare,
    .empty_scope = empty_scope,
};

static const struct tare__kernels *kernels = &of_scopes;

/* Threads that calibrate meanwhile finish with those they began with. */
static const struct tare__kernels *kernels_now(void)
{
    return load_acquire(&kernels);
}

HIDDEN void tare__calibrate_kernels(const struct tare__kernels *given)
{
    if (given->bind != NULL) {
        given->bind(timers);
    }
    store_release(&kernels, given);
}

/* What a timer has counted since the last look. */
static uint64_t take(uint64_t *field)
{
    uint64_t value = load_relaxed(field);
    store_relaxed(field, 0);
    return value;
}

static struct tare_slot *slot_of(const struct bench *bench, uint32_t timer)
{
    return block_slot(bench->block, tare__rt.page->instrument_max + timer);
}

/* Thousandths of a tick for each of n, by which the first sum is more than the second. */
static int64_t each_mticks(uint64_t with, uint64_t without, int64_t n)
{
    return (int64_t)(with - without) * 1000 / n;
}

static uint64_t take_total(const struct bench *bench, uint32_t timer)
{
    return take(&slot_of(bench, timer)->total_ticks);
}

/* What the parents of a round read, after one for which nothing was warm. */
static uint64_t siblings_ticks(struct bench *bench, tare__siblings *kind, tare__child *run)
{
    kind(&timers[0], run, SIBLINGS);
    take_total(bench, 0);
    take_total(bench, 1);
    take(&slot_of(bench, 0)->closeness_within);
    for (int i = 0; i < SIBLINGS_OF; i++) {
        kind(&timers[0], run, SIBLINGS);
    }
    return take_total(bench, 0);
}

static uint64_t nested_ticks(struct bench *bench, const struct tare__kernels *run, tare__nest *within)
{
    run->wrapped(&timers[0], within);
    take_total(bench, 0);
    take(&slot_of(bench, 0)->closeness_within);
    for (int i = 0; i < NESTED_OF; i++) {
        run->wrapped(&timers[0], within);
    }
    return take_total(bench, 0);
}

/* Mean closeness of what followed the ends in the parents since the last look. */
static int64_t closeness_mticks(const struct bench *bench, int64_t ends)
{
    return each_mticks(take(&slot_of(bench, 0)->closeness_within), 0, ends);
}

/* The costs by their number, in the order of the struct. */
static struct tare_cost *cost_at(struct tare_scope_cost *cost, unsigned which)
{
    struct tare_cost *const costs[COSTS] = {&cost->inner,        &cost->inner_empty, &cost->outer,
                                            &cost->outer_nested, &cost->outer_apart, &cost->close,
                                            &cost->knee};
    return costs[which];
}

/* One round: what each of the costs came out as, in the order of struct tare_scope_cost. */
static void round_take(struct bench *bench, int64_t mticks[COSTS])
{
    enum { CHILDREN = SIBLINGS_OF * SIBLINGS, WITHIN = NESTED_OF * NESTED };
    const struct tare__kernels *run = kernels_now();
    uint64_t close = siblings_ticks(bench, run->close, run->child_scope);
    int64_t beside_mticks = closeness_mticks(bench, CHILDREN);
    uint64_t child_ticks = take_total(bench, 1);
    mticks[TARE_COST_OUTER] = each_mticks(close, siblings_ticks(bench, run->close, run->child_bare), CHILDREN);

    uint64_t nested = nested_ticks(bench, run, run->nested_scopes);
    int64_t inside_mticks = closeness_mticks(bench, WITHIN);
    mticks[TARE_COST_OUTER_NESTED] = each_mticks(nested, nested_ticks(bench, run, run->nested_bare), WITHIN);
    mticks[TARE_COST_CLOSE] = (beside_mticks + inside_mticks) / 2;

    uint64_t apart = siblings_ticks(bench, run->apart, run->child_scope);
    child_ticks += take_total(bench, 1);
    uint64_t apart_bare = siblings_ticks(bench, run->apart, run->child_bare);
    mticks[TARE_COST_OUTER_APART] = each_mticks(apart, apart_bare, CHILDREN);

    siblings_ticks(bench, run->knee, run->child_scope);
    mticks[TARE_COST_KNEE] = closeness_mticks(bench, CHILDREN);
    uint64_t knee_bare = siblings_ticks(bench, run->knee, run->child_bare);

    /* The work alone, by the slope: what calls and loop take hides behind it, or is in both. */
    int64_t step_mticks = each_mticks(apart_bare, knee_bare, CHILDREN * (APART_STEPS - KNEE_STEPS));
    mticks[TARE_COST_INNER] = each_mticks(child_ticks, 0, 2 * CHILDREN) - WORK_STEPS * step_mticks;

    run->empty_scope(&timers[1]);
    take_total(bench, 1);
    for (int i = 0; i < EMPTY; i++) {
        run->empty_scope(&timers[1]);
    }
    mticks[TARE_COST_INNER_EMPTY] = each_mticks(take_total(bench, 1), 0, EMPTY);
}

static void sort(int64_t *values, unsigned n)
{
    for (unsigned i = 1; i < n; i++) {
        int64_t value = values[i];
        unsigned at = i;
        for (; at > 0 && values[at - 1] > value; at--) {
            values[at] = values[at - 1];
        }
        values[at] = value;
    }
}

static int64_t median(int64_t *values, unsigned n)
{
    sort(values, n);
    return n % 2 != 0 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}

static struct tare_cost summarise(int64_t *values, unsigned n)
{
    struct tare_cost cost = {.median_mticks = median(values, n), .n = n};
    for (unsigned i = 0; i < n; i++) {
        values[i] =
            values[i] > cost.median_mticks ? values[i] - cost.median_mticks : cost.median_mticks - values[i];
    }
    cost.mad_mticks = median(values, n);
    return cost;
}

/* `found` has room for COSTS x `rounds`; it is the caller's, as calibrations in a run have little stack. */
static void measure(struct bench *bench, struct tare_scope_cost *cost, int64_t *found, unsigned warm_up,
                    unsigned rounds)
{
    for (unsigned round = 0; round < rounds + warm_up; round++) {
        int64_t mticks[COSTS];
        round_take(bench, mticks);
        for (unsigned i = 0; round >= warm_up && i < COSTS; i++) {
            found[i * rounds + round - warm_up] = mticks[i];
        }
    }
    for (unsigned i = 0; i < COSTS; i++) {
        *cost_at(cost, i) = summarise(found + i * rounds, rounds);
    }
}

/*
 * A block that is thrown away afterwards, for calibrations while no thread counts. A handler's scopes would be
 * counted in it and go with it, so signals are held back for the while.
 */
struct apart {
    struct bench bench;
    struct tare_block *self; /* the calling thread's own */
    sigset_t signals;
};

static int apart_enter(struct apart *apart)
{
    /* Of its addresses, some ten pages are touched. */
    struct tare_block *block = mmap(NULL, tare__rt.block_stride, PROT_READ | PROT_WRITE,
                                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (block == MAP_FAILED) {
        return -errno;
    }
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &apart->signals);
    apart->self = tare__self;
    tare__block_claim(block);
    tare__self = block;
    bench_init(&apart->bench, block);
    return 0;
}

static void apart_leave(struct apart *apart)
{
    tare__self = apart->self;
    pthread_sigmask(SIG_SETMASK, &apart->signals, NULL);
    munmap(apart->bench.block, tare__rt.block_stride);
}

HIDDEN int tare__calibrate(struct tare_scope_cost *cost, unsigned rounds)
{
    struct apart apart;
    if (rounds == 0 || rounds > ROUNDS_MAX) {
        return -EINVAL;
    }
    int error = apart_enter(&apart);
    if (error != 0) {
        return error;
    }
    int64_t found[COSTS * ROUNDS_MAX];
    measure(&apart.bench, cost, found, WARM_UP, rounds);
    apart_leave(&apart);
    return 0;
}

/*
 * How close is close: a twentieth of a scope's cost more than where nothing lies between, since up to the knee
 * the distance grows by a fifth of the work only (docs/accuracy.md), and the recording is a fifth of the cost.
 * With wide caps the closeness tells the mean distance.
 */
static void find_caps(struct bench *bench)
{
    enum { WIDE = 1 << 12, PARENTS = 64 };
    const struct tare__kernels *run = kernels_now();
    struct tare_slot *parent = slot_of(bench, 0);
    uint64_t sums[2];
    tare__rt.begin_cap_ticks = WIDE;
    for (int round = 0; round < 2; round++) {           /* the second counts, being warm */
        for (int several = 0; several < 2; several++) { /* the first of the siblings follows no end */
            take(&parent->closeness_within);
            for (int i = 0; i < PARENTS; i++) {
                run->close(&timers[0], run->child_scope, several ? SIBLINGS : 1);
            }
            sums[several] = take(&parent->closeness_within);
        }
    }
    uint64_t begin_ticks = WIDE - (sums[1] - sums[0]) / (PARENTS * (SIBLINGS - 1));
    tare__rt.begin_cap_ticks = 0;
    tare__rt.end_cap_ticks = WIDE;
    for (int round = 0; round < 2; round++) {
        take(&parent->closeness_within);
        for (int i = 0; i < PARENTS; i++) {
            run->wrapped(&timers[0], run->nested_scopes);
        }
    }
    uint64_t end_ticks = WIDE - take(&parent->closeness_within) / (PARENTS * NESTED);
    tare__rt.end_cap_ticks = 0;
    /* The distance of two that are close is about half of what a scope costs. */
    uint64_t begin_cap = begin_ticks + begin_ticks / 10 + 1, end_cap = end_ticks + end_ticks / 10 + 1;
    if (begin_cap <= CLOSENESS_CAP_MAX && end_cap <= CLOSENESS_CAP_MAX) {
        tare__rt.begin_cap_ticks = (uint32_t)begin_cap;
        tare__rt.end_cap_ticks = (uint32_t)end_cap;
    }
}

HIDDEN void tare__calibrate_caps(struct tare_page *page)
{
    struct apart apart;
    timers_make();
    if (tare__rt.histograms_offset != 0 &&
        apart_enter(&apart) == 0) { /* with sums alone: not counted (timer.c) */
        find_caps(&apart.bench);
        apart_leave(&apart);
        page->begin_cap_ticks = tare__rt.begin_cap_ticks;
        page->end_cap_ticks = tare__rt.end_cap_ticks;
    }
}

/*
 * Whether a scope of the program is under way on this thread: it would be longer by the calibration. Timers
 * that are off are passed over: their slots may never have been touched, and looking at them would take memory.
 */
static bool anything_open(struct tare_block *block)
{
    uint64_t base = load_relaxed(&block->base_token);
    uint32_t count = load_acquire(&tare__rt.page->instrument_count), last = load_relaxed(&block->found_open);
    if (last < count && load_relaxed(&block_slot(block, last)->open_token) > base) {
        return true; /* still, most likely */
    }
    for (uint32_t i = 0; i < count; i++) {
        if (load_relaxed(&tare__rt.controls[i].enabled) &&
            load_relaxed(&block_slot(block, i)->open_token) > base) {
            store_relaxed(&block->found_open, i);
            return true;
        }
    }
    return false;
}

/* What the first scopes of a calibration take, on a page in a file; there may be no room for it. */
static bool have_memory(const struct tare_block *block)
{
    uint32_t index = tare__rt.page->instrument_max;
    for (uint32_t i = 0; i < CALIBRATION_TIMERS; i++) {
        if (block_slot(block, index + i)->generation == 0 && !tare__histogram_open(block, index + i)) {
            return false;
        }
    }
    return true;
}

static uint64_t calibration_scopes(const struct bench *bench)
{
    uint64_t calls = 0;
    for (uint32_t i = 0; i < CALIBRATION_TIMERS; i++) {
        calls += load_relaxed(&slot_of(bench, i)->calls);
    }
    return calls;
}

/* Where calibration `number` is kept, if at all: J. S. Vitter, "Random Sampling with a Reservoir", algorithm R (1985). */
static uint32_t place_of(uint64_t number)
{
    if (number < TARE_RUN_SAMPLES) {
        return (uint32_t)number;
    }
    /* splitmix64 of the number stands for chance */
    uint64_t mixed = (number + 1) * 0x9e3779b97f4a7c15u;
    mixed = (mixed ^ mixed >> 30) * 0xbf58476d1ce4e5b9u;
    mixed = (mixed ^ mixed >> 27) * 0x94d049bb133111ebu;
    uint64_t place = (mixed ^ mixed >> 31) % (number + 1);
    return place < TARE_RUN_SAMPLES ? (uint32_t)place : UINT32_MAX;
}

/*
 * The stack may be a small one, of a coroutine or a signal handler. Whoever was interrupted in the middle of
 * beginning a scope does not look open, and has already noted how many had ended before: so those that end here
 * are taken out of that number again.
 */
HIDDEN bool tare__calibrate_in_run(struct tare_block *block)
{
    struct tare_page *page = tare__rt.page;
    uint64_t frame = (uint64_t)(uintptr_t)__builtin_frame_address(0);
    uint64_t before = load_relaxed(&block->calibrating);
    if (before > frame) {
        return true; /* one is under way further out: this is a handler, or one of its own scopes */
    }
    if (anything_open(block)) {
        return false;
    }
    if (!have_memory(block)) {
        return true;
    }
    store_relaxed(&block->calibrating,
                  frame); /* one that a handler left by siglongjmp lay further in, or here */
    struct bench bench;
    struct tare_scope_cost cost;
    int64_t found[COSTS * ROUNDS_IN_RUN];
    bench_init(&bench, block);
    uint64_t scopes = calibration_scopes(&bench);
    measure(&bench, &cost, found, WARM_UP_IN_RUN, ROUNDS_IN_RUN);
    scopes = calibration_scopes(&bench) - scopes;
    ended_take(&block->ended, scopes);
    uint32_t place = place_of(fetch_add_relaxed(&page->cost_in_run.n, 1));
    if (place < TARE_RUN_SAMPLES) {
        for (unsigned i = 0; i < COSTS; i++) {
            store_relaxed(&page->cost_in_run.mticks[place][i], cost_at(&cost, i)->median_mticks);
        }
    }
    store_relaxed(&block->calibrating, 0);
    return true;
}
