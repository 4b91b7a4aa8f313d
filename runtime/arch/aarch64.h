/* SPDX-License-Identifier: MIT */
/*
 * Reading the virtual counter. CNTVCT_EL0 may be read speculatively and out of order; ISB before it waits for
 * what came before, ISB behind it keeps what follows from starting (Arm ARM D11.2.1 "The generic timer
 * registers"). The counter runs at one rate by architecture.
 */
#ifndef TARE_RUNTIME_ARCH_AARCH64_H
#define TARE_RUNTIME_ARCH_AARCH64_H

#include <stdbool.h>
#include <stdint.h>

#include <tare/page.h>

#define ARCH_ID TARE_ARCH_AARCH64
#define ARCH_HAS_COUNTER 1

static inline uint64_t arch_ticks(void)
{
    uint64_t ticks;
    __asm__ volatile("mrs %0, cntvct_el0" : "=r"(ticks) : : "memory");
    return ticks;
}

static inline uint64_t arch_ticks_start_ordered(void)
{
    uint64_t ticks;
    __asm__ volatile("isb\n\tmrs %0, cntvct_el0\n\tisb" : "=r"(ticks) : : "memory");
    return ticks;
}

static inline uint64_t arch_ticks_stop_ordered(void)
{
    uint64_t ticks;
    __asm__ volatile("isb\n\tmrs %0, cntvct_el0" : "=r"(ticks) : : "memory");
    return ticks;
}

static inline bool arch_counter_usable(void)
{
    return true;
}

static inline bool arch_counter_invariant(void)
{
    return true;
}

#endif
