/* SPDX-License-Identifier: MIT */
/*
 * See bodies.h: compiled twice. Nothing here may be known at compile time or be left out, whatever the
 * optimiser thinks of it: each step passes through an empty asm statement that could change the value, and
 * functions that call each other are kept apart.
 */
#include "verify/bodies.h"

#include <stddef.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <tare/tare.h>

#ifdef TARE_DISABLE
#define TABLE verify_bare
#else
#define TABLE verify_timed
#endif

TARE_MODULE("verify");

#if defined(__has_attribute)
#if __has_attribute(noipa)
#define APART __attribute__((noipa, noinline, aligned(64)))
#endif
#endif
#ifndef APART
#define APART __attribute__((noinline, aligned(64)))
#endif

#define OPAQUE(value) __asm__ volatile("" : "+r"(value))

/* A multiplication and an addition (Knuth's MMIX generator) that need the step before: some 4 cycles. */
#define STEP                                                                                                   \
    value = value * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);                             \
    OPAQUE(value);
#define STEPS_2 STEP STEP
#define STEPS_5 STEPS_2 STEPS_2 STEP
#define STEPS_10 STEPS_5 STEPS_5
#define STEPS_20 STEPS_10 STEPS_10
#define STEPS_50 STEPS_20 STEPS_20 STEPS_10
#define STEPS_100 STEPS_50 STEPS_50

#define HUNDREDS(times)                                                                                        \
    for (unsigned hundred = 0; hundred < (times); hundred++) {                                                 \
        STEPS_100                                                                                              \
    }

/* A load whose address is what the load before found. */
#define LOAD                                                                                                   \
    value = *(const uint64_t *)(uintptr_t)value;                                                               \
    OPAQUE(value);
#define LOADS_8 LOAD LOAD LOAD LOAD LOAD LOAD LOAD LOAD

/* The simplest system call, which no libc answers by itself. */
#define CALL                                                                                                   \
    value += (uint64_t)syscall(SYS_getppid);                                                                   \
    OPAQUE(value);

/* One scope, and in it the work. */
#define SINGLE(id, text, work)                                                                                 \
    TARE_TIMER_NAMED(id, text);                                                                                \
    static APART uint64_t block_##id(uint64_t value, uint64_t calls)                                           \
    {                                                                                                          \
        for (uint64_t i = 0; i < calls; i++) {                                                                 \
            TARE_SCOPE(id);                                                                                    \
            work                                                                                               \
        }                                                                                                      \
        return value;                                                                                          \
    }

/* A function with a scope, and the loop that calls it alone. */
#define LEVEL(id, text, work)                                                                                  \
    TARE_TIMER_NAMED(id, text);                                                                                \
    static APART uint64_t id(uint64_t value)                                                                   \
    {                                                                                                          \
        TARE_SCOPE(id);                                                                                        \
        work return value;                                                                                     \
    }                                                                                                          \
    static APART uint64_t block_##id(uint64_t value, uint64_t calls)                                           \
    {                                                                                                          \
        for (uint64_t i = 0; i < calls; i++) {                                                                 \
            value = id(value);                                                                                 \
        }                                                                                                      \
        return value;                                                                                          \
    }

/* clang-format off */
SINGLE(chain_2, "chain-2", STEPS_2)
SINGLE(chain_5, "chain-5", STEPS_5)
SINGLE(chain_10, "chain-10", STEPS_10)
SINGLE(chain_20, "chain-20", STEPS_20)
SINGLE(chain_50, "chain-50", STEPS_50)
SINGLE(chain_100, "chain-100", STEPS_100)
SINGLE(chain_200, "chain-200", HUNDREDS(2))
SINGLE(chain_500, "chain-500", HUNDREDS(5))
SINGLE(chain_1k, "chain-1k", HUNDREDS(10))
SINGLE(chain_10k, "chain-10k", HUNDREDS(100))
SINGLE(chain_100k, "chain-100k", HUNDREDS(1000))
SINGLE(loads_l1, "loads-l1", LOADS_8)
SINGLE(loads_l2, "loads-l2", LOADS_8)
SINGLE(loads_l3, "loads-l3", LOADS_8)
SINGLE(loads_memory, "loads-memory", LOADS_8)
SINGLE(system_call, "system-call", CALL)
SINGLE(two_threads, "two-threads", STEPS_20)

/* A call tree with siblings and work of its own on each level. */
LEVEL(nest_d, "nest-d", STEPS_20)
LEVEL(nest_c, "nest-c", STEPS_10 value = nest_d(value); STEPS_20 value = nest_d(value); STEPS_10)
LEVEL(nest_b, "nest-b",
      STEPS_20 value = nest_c(value); STEPS_10 value = nest_c(value); STEPS_10 value = nest_c(value); STEPS_20)
LEVEL(nest_a, "nest-a", STEPS_10 value = nest_b(value); STEPS_20 value = nest_b(value); STEPS_10)

/* Layers that pass a call on. */
LEVEL(wrappers_d, "wrappers-d", STEPS_20 STEPS_20)
LEVEL(wrappers_c, "wrappers-c", value = wrappers_d(value); STEP)
LEVEL(wrappers_b, "wrappers-b", value = wrappers_c(value);)
LEVEL(wrappers_a, "wrappers-a", STEP value = wrappers_b(value);)
/* clang-format on */

enum { DEPTH = 4 };

TARE_TIMER(recursion);

static APART uint64_t recurse(uint64_t value, unsigned depth)
{
    TARE_SCOPE(recursion);
    STEPS_10
    if (depth > 1) {
        value = recurse(value, depth - 1);
    }
    STEPS_10
    return value;
}

static APART uint64_t block_recursion(uint64_t value, uint64_t calls)
{
    for (uint64_t i = 0; i < calls; i++) {
        value = recurse(value, DEPTH);
    }
    return value;
}

#define ONE(id, text, ...)                                                                                     \
    {                                                                                                          \
        .name = text, .class = VERIFY_SINGLE, .levels = 1, .level = {{text, block_##id}}, __VA_ARGS__          \
    }
#define FOUR(id, text, kind)                                                                                   \
    {                                                                                                          \
        .name = text, .class = kind, .levels = 4, .level = {                                                   \
            {text "-a", block_##id##_a},                                                                       \
            {text "-b", block_##id##_b},                                                                       \
            {text "-c", block_##id##_c},                                                                       \
            {text "-d", block_##id##_d}                                                                        \
        }                                                                                                      \
    }

const struct verify_body TABLE[] = {
    ONE(chain_2, "chain-2", ),
    ONE(chain_5, "chain-5", ),
    ONE(chain_10, "chain-10", ),
    ONE(chain_20, "chain-20", ),
    ONE(chain_50, "chain-50", ),
    ONE(chain_100, "chain-100", ),
    ONE(chain_200, "chain-200", ),
    ONE(chain_500, "chain-500", ),
    ONE(chain_1k, "chain-1k", ),
    ONE(chain_10k, "chain-10k", ),
    ONE(chain_100k, "chain-100k", ),
    ONE(loads_l1, "loads-l1", .memory = VERIFY_MEMORY_L1),
    ONE(loads_l2, "loads-l2", .memory = VERIFY_MEMORY_L2),
    ONE(loads_l3, "loads-l3", .memory = VERIFY_MEMORY_L3),
    ONE(loads_memory, "loads-memory", .memory = VERIFY_MEMORY_MAIN),
    ONE(system_call, "system-call", ),
    ONE(two_threads, "two-threads", .two_threads = true),
    FOUR(nest, "nest", VERIFY_NEST),
    FOUR(wrappers, "wrappers", VERIFY_OTHER),
    {.name = "recursion", .class = VERIFY_OTHER, .levels = 1, .level = {{"recursion", block_recursion}}},
    {.name = NULL},
};
