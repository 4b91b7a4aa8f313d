/* SPDX-License-Identifier: MIT */
/*
 * What a timed function costs is measured on functions that are timed in the same way: this file is compiled
 * once for each style, with the flags that the program was built with, and the runtime calibrates with what
 * comes out (runtime/calibrate.c has the same with scopes in the source, and says what each is for). So
 * whatever the compiler puts around the hooks' calls, the way through them, and what a replaced return
 * address does to the processor's prediction, is in the costs, in its inner or outer part as it is in the
 * program.
 */
#include "preload/functions_kernels.h"
#include "preload/functions_parts.h"

#define CAT2(a, b) a##b
#define CAT(a, b) CAT2(a, b)

/* All in one section, so that an address is known to be of one of them. */
#define TIMED static __attribute__((noinline, section("tare_kernels")))
#define BARE static __attribute__((noinline, no_instrument_function, section("tare_kernels"), PADLESS))
#if defined(KERNEL_PADS)
#define PADLESS patchable_function_entry(0, 0)
#else
#define PADLESS
#endif

/* The call was made for its own sake, and what comes after it needs the result: so it is no jump. */
#define USED(value) __asm__ volatile("" : "+r"(value) : : "memory")
#define TAKEN(timer) __asm__ volatile("" : : "r"(timer) : "memory")

TIMED uint64_t child_scope(tare_timer *timer, uint64_t value)
{
    TAKEN(timer);
    return tare__work(value, TARE__WORK_STEPS);
}

TIMED void empty_scope(tare_timer *timer)
{
    TAKEN(timer);
}

BARE uint64_t child_bare(tare_timer *timer, uint64_t value)
{
    TAKEN(timer);
    return tare__work(value, TARE__WORK_STEPS);
}

TARE__KERNEL_INLINE uint64_t siblings(tare_timer *timer, tare__child *run, unsigned number, unsigned steps)
{
    uint64_t value = steps;
    for (unsigned i = 0; i < number; i++) {
        value = tare__work(run(timer, value), steps);
    }
    return value;
}

TIMED uint64_t siblings_close(tare_timer *timer, tare__child *run, unsigned number)
{
    return siblings(timer, run, number, 0);
}

TIMED uint64_t siblings_knee(tare_timer *timer, tare__child *run, unsigned number)
{
    return siblings(timer, run, number, TARE__KNEE_STEPS);
}

TIMED uint64_t siblings_apart(tare_timer *timer, tare__child *run, unsigned number)
{
    return siblings(timer, run, number, TARE__APART_STEPS);
}

TIMED uint64_t innermost(tare_timer *timer, uint64_t value)
{
    TAKEN(timer);
    return tare__work(value, TARE__WORK_STEPS);
}

TIMED uint64_t middle(tare_timer *timer, uint64_t value)
{
    value = innermost(timer, value);
    USED(value);
    return value;
}

TIMED uint64_t nested_scopes(tare_timer *timer, uint64_t value, unsigned deep)
{
    (void)deep; /* TARE__NESTED, always */
    value = middle(timer, value);
    USED(value);
    return value;
}
_Static_assert(TARE__NESTED == 3, "nested_scopes, middle, innermost");

BARE uint64_t innermost_bare(tare_timer *timer, uint64_t value)
{
    TAKEN(timer);
    return tare__work(value, TARE__WORK_STEPS);
}

BARE uint64_t middle_bare(tare_timer *timer, uint64_t value)
{
    value = innermost_bare(timer, value);
    USED(value);
    return value;
}

BARE uint64_t nested_bare(tare_timer *timer, uint64_t value, unsigned deep)
{
    (void)deep;
    value = middle_bare(timer, value);
    USED(value);
    return value;
}

TIMED uint64_t wrapped(tare_timer *timer, tare__nest *within)
{
    uint64_t value = within(timer, 1, TARE__NESTED);
    USED(value);
    return value;
}

const struct functions_kernel CAT(functions__kernel_list_, KERNEL)[FUNCTIONS_KERNELS] = {
    {(uintptr_t)siblings_close, 0}, {(uintptr_t)siblings_knee, 0}, {(uintptr_t)siblings_apart, 0},
    {(uintptr_t)wrapped, 0},        {(uintptr_t)child_scope, 1},   {(uintptr_t)empty_scope, 1},
    {(uintptr_t)nested_scopes, 1},  {(uintptr_t)middle, 2},        {(uintptr_t)innermost, 3},
};

const struct tare__kernels CAT(functions__kernels_, KERNEL) = {
    .bind = functions__bind,
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
