/* SPDX-License-Identifier: MIT */
/*
 * The pieces of code of which a calibration consists (calibrate.c), so that scopes that are made in another
 * way than TARE_SCOPE makes them can be calibrated in theirs: functions that the compiler instruments cost
 * more than a scope in the source, and differently inside and outside (preload/functions_kernels.c).
 *
 * The file is shared by the runtime and by libtare-functions.so, which are of one build; it is no interface for
 * anybody else.
 */
#ifndef TARE_RUNTIME_KERNELS_H
#define TARE_RUNTIME_KERNELS_H

#include <stdint.h>

#include <tare/tare.h>

enum {
    TARE__KERNEL_TIMERS = 4, /* the parent's, and those of three scopes in each other in it */
    TARE__WORK_STEPS = 32,   /* of work() in a scope: more than an unordered clock hides */
    /* Steps, some 4 cycles each, between scopes: as long as the recording, and three times as long. */
    TARE__KNEE_STEPS = 10,
    TARE__APART_STEPS = 32,
    TARE__NESTED = 3, /* scopes in each other in a parent */
};

/* One scope of `timer` around TARE__WORK_STEPS of work, or the same call without a scope. */
typedef uint64_t tare__child(tare_timer *timer, uint64_t value);

/* `deep` scopes that hold nothing but each other, the innermost some work; of `timer` and those behind it. */
typedef uint64_t tare__nest(tare_timer *timer, uint64_t value, unsigned deep);

/* A scope of `timer` around `number` calls of `run`, which gets the timer behind it. */
typedef uint64_t tare__siblings(tare_timer *timer, tare__child *run, unsigned number);

struct tare__kernels {
    void (*bind)(tare_timer *timers); /* names the TARE__KERNEL_TIMERS timers, once and in advance; or NULL */
    /* Calls right behind each other, with as much work between them as hides the recording, and with more. */
    tare__siblings *close, *knee, *apart;
    uint64_t (*wrapped)(tare_timer *timer, tare__nest *within); /* a scope around TARE__NESTED in each other */
    tare__child *child_scope, *child_bare;
    tare__nest *nested_scopes, *nested_bare;
    void (*empty_scope)(tare_timer *timer);
};

/*
 * Calibrates with `kernels` from now on, at once for the start's costs. Before the program's first scope.
 * Returns 0, or -errno: -ENODEV if there is no page. Not for several threads at once.
 */
TARE__API int tare__calibrate_as(const struct tare__kernels *kernels);

#define TARE__KERNEL_INLINE static inline __attribute__((always_inline, no_instrument_function, unused))

/* One step of a chain: it waits for the one before. */
TARE__KERNEL_INLINE uint64_t tare__step(uint64_t value)
{
    value = value * 6364136223846793005u + 1442695040888963407u;
    __asm__ volatile("" : "+r"(value));
    return value;
}

TARE__KERNEL_INLINE uint64_t tare__steps_2(uint64_t value)
{
    return tare__step(tare__step(value));
}

TARE__KERNEL_INLINE uint64_t tare__steps_8(uint64_t value)
{
    return tare__steps_2(tare__steps_2(tare__steps_2(tare__steps_2(value))));
}

/*
 * So many steps (a constant, even), which also wait for those of the last call. Without a branch, whose
 * prediction would be learnt in the course of the calibration.
 */
TARE__KERNEL_INLINE uint64_t tare__work(uint64_t value, unsigned steps)
{
    value = steps & 2 ? tare__steps_2(value) : value;
    value = steps & 8 ? tare__steps_8(value) : value;
    value = steps & 16 ? tare__steps_8(tare__steps_8(value)) : value;
    return steps & 32 ? tare__steps_8(tare__steps_8(tare__steps_8(tare__steps_8(value)))) : value;
}
_Static_assert(((TARE__KNEE_STEPS | TARE__WORK_STEPS | TARE__APART_STEPS) & ~(2 | 8 | 16 | 32)) == 0,
               "tare__work() makes 2, 8, 16 and 32");

#endif
