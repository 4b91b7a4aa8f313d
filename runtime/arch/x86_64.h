/* SPDX-License-Identifier: MIT */
/*
 * Reading the time stamp counter.
 *
 * Ordered: RDTSCP waits until all earlier instructions have executed and all earlier loads are visible, but
 * does not hold back later ones; an LFENCE behind it does (Intel SDM vol. 2B "RDTSCP"; AMD APM vol. 3, where
 * LFENCE is dispatch serialising, as Linux sets it up). The start needs both: what came before must be done,
 * what follows must not begin. The stop needs no fence behind it: the counter is read after the measured work,
 * and what follows may overlap with the read, which hides most of the recording. docs/cost.md has the
 * measurements of the variants.
 */
#ifndef TARE_RUNTIME_ARCH_X86_64_H
#define TARE_RUNTIME_ARCH_X86_64_H

#include <cpuid.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/prctl.h>

#include <tare/page.h>

#define ARCH_ID TARE_ARCH_X86_64
#define ARCH_HAS_COUNTER 1

static inline uint64_t arch_ticks_start_ordered(void)
{
    uint32_t low, high, cpu;
    __asm__ volatile("rdtscp\n\tlfence" : "=a"(low), "=d"(high), "=c"(cpu) : : "memory");
    return ((uint64_t)high << 32) | low;
}

static inline uint64_t arch_ticks_stop_ordered(void)
{
    uint32_t low, high, cpu;
    __asm__ volatile("rdtscp" : "=a"(low), "=d"(high), "=c"(cpu) : : "memory");
    return ((uint64_t)high << 32) | low;
}

static inline uint64_t arch_ticks(void)
{
    uint32_t low, high;
    __asm__ volatile("rdtsc" : "=a"(low), "=d"(high) : : "memory");
    return ((uint64_t)high << 32) | low;
}

/* The processor has RDTSCP, and this process may read the counter without a SIGSEGV. */
static inline bool arch_counter_usable(void)
{
    unsigned a, b, c, d;
    if (!__get_cpuid(0x80000001u, &a, &b, &c, &d) || !(d & (1u << 27))) {
        return false;
    }
    int mode = 0;
    return prctl(PR_GET_TSC, &mode) != 0 || mode == PR_TSC_ENABLE;
}

/* CPUID 0x80000007 EDX[8]: the rate does not change with P-, C- and T-states (Intel SDM vol. 3 17.17.1). */
static inline bool arch_counter_invariant(void)
{
    unsigned a, b, c, d;
    return __get_cpuid(0x80000007u, &a, &b, &c, &d) && (d & (1u << 8));
}

#endif
