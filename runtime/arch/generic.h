/* SPDX-License-Identifier: MIT */
/* A processor without a counter that we know how to read: only `clock` is there. */
#ifndef TARE_RUNTIME_ARCH_GENERIC_H
#define TARE_RUNTIME_ARCH_GENERIC_H

#include <stdbool.h>
#include <stdint.h>

#include <tare/page.h>

#define ARCH_ID TARE_ARCH_GENERIC
#define ARCH_HAS_COUNTER 0

static inline uint64_t arch_ticks(void)
{
    return 0;
}

static inline uint64_t arch_ticks_start_ordered(void)
{
    return 0;
}

static inline uint64_t arch_ticks_stop_ordered(void)
{
    return 0;
}

static inline bool arch_counter_usable(void)
{
    return false;
}

static inline bool arch_counter_invariant(void)
{
    return false;
}

#endif
