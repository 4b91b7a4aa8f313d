/* SPDX-License-Identifier: MIT */
/*
 * What one scope costs, here and now: measured by the same code that measures the program, on its processor, in
 * a block of memory that is thrown away afterwards.
 *
 * The inner cost is what an empty scope reads. The outer cost is what each empty scope adds to the reading of a
 * scope around it: the reading of a parent with NEST children less the one of an empty scope, over NEST. Both
 * are taken in many short rounds that follow each other, so that a disturbance spoils a few rounds, which a
 * median does not see; the spread of the rounds goes with it.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>

#include "runtime/internal.h"

enum {
    EMPTY = 16,  /* empty scopes in a round */
    PARENTS = 4, /* parents in a round */
    NEST = 8,    /* children of each */
    ROUNDS_MAX = 128,
    WARM_UP = 2,
};

/* As a call from another object goes: through a pointer. */
static void (*volatile call_begin)(tare_timer *, tare_span *) = tare__begin;
static void (*volatile call_end)(tare_span *) = tare__end;

static const struct tare__module module = {"tare"};

static void empty_scope(tare_timer *timer)
{
    tare_span span;
    span.timer = NULL;
    if (*timer->enabled) {
        call_begin(timer, &span);
    }
    if (span.timer != NULL) {
        call_end(&span);
    }
}

static void parent_scope(tare_timer *parent, tare_timer *child)
{
    tare_span span;
    span.timer = NULL;
    if (*parent->enabled) {
        call_begin(parent, &span);
    }
    for (int i = 0; i < NEST; i++) {
        empty_scope(child);
    }
    if (span.timer != NULL) {
        call_end(&span);
    }
}

static uint64_t take_total(struct tare_block *block, uint32_t index)
{
    struct tare_slot *slot = block_slot(block, index);
    uint64_t total = slot->total_ticks;
    slot->total_ticks = 0;
    return total;
}

static void sort(uint64_t *values, unsigned n)
{
    for (unsigned i = 1; i < n; i++) {
        uint64_t value = values[i];
        unsigned at = i;
        for (; at > 0 && values[at - 1] > value; at--) {
            values[at] = values[at - 1];
        }
        values[at] = value;
    }
}

static uint64_t median(uint64_t *values, unsigned n)
{
    sort(values, n);
    return n % 2 != 0 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}

static struct tare_cost summarise(uint64_t *values, unsigned n)
{
    struct tare_cost cost = {.median_mticks = median(values, n), .n = n};
    for (unsigned i = 0; i < n; i++) {
        values[i] =
            values[i] > cost.median_mticks ? values[i] - cost.median_mticks : cost.median_mticks - values[i];
    }
    cost.mad_mticks = median(values, n);
    return cost;
}

static void measure(struct tare_block *block, struct tare_scope_cost *cost, unsigned rounds)
{
    /* Two controls behind those of the directory, which no reader looks at. */
    uint32_t index = tare__rt.page->instrument_max;
    struct tare_control *controls = &tare__rt.controls[index];
    controls[0] = controls[1] = (struct tare_control){.enabled = 1, .generation = 1};
    tare_timer parent = {&controls[0].enabled, TARE_ABI, index, "outer", &module, __FILE__, __LINE__,
                         TARE_KIND_TIMER};
    tare_timer child = {&controls[1].enabled, TARE_ABI, index + 1, "inner", &module, __FILE__, __LINE__,
                        TARE_KIND_TIMER};
    uint64_t inner[ROUNDS_MAX], outer[ROUNDS_MAX];
    for (unsigned round = 0; round < rounds + WARM_UP; round++) {
        for (int i = 0; i < EMPTY; i++) {
            empty_scope(&child);
        }
        uint64_t empty_mticks = take_total(block, index + 1) * 1000 / EMPTY;
        for (int i = 0; i < PARENTS; i++) {
            parent_scope(&parent, &child);
        }
        uint64_t parent_mticks = take_total(block, index) * 1000 / PARENTS;
        take_total(block, index + 1);
        if (round >= WARM_UP) {
            inner[round - WARM_UP] = empty_mticks;
            outer[round - WARM_UP] = parent_mticks > empty_mticks ? (parent_mticks - empty_mticks) / NEST : 0;
        }
    }
    cost->inner = summarise(inner, rounds);
    cost->outer = summarise(outer, rounds);
}

HIDDEN int tare__calibrate(struct tare_scope_cost *cost, unsigned rounds)
{
    if (rounds == 0 || rounds > ROUNDS_MAX) {
        return -EINVAL;
    }
    /* A block of its own; of its addresses, some 5 pages are touched. */
    size_t size = tare__rt.block_stride;
    struct tare_block *block =
        mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (block == MAP_FAILED) {
        return -errno;
    }
    /* A handler's scopes would be counted in the block that goes: hold them back for the while. */
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    struct tare_block *self = tare__self;
    tare__block_claim(block);
    tare__self = block;
    measure(block, cost, rounds);
    tare__self = self;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    munmap(block, size);
    return 0;
}
