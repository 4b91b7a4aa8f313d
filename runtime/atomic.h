/* SPDX-License-Identifier: MIT */
/*
 * The only atomic accesses of the runtime. The order is in the name.
 *
 * Most fields of a page have one writer and are read by others at any time, so they are relaxed. counter_add is
 * not atomic between threads: it is for the one writer, and, on x86-64, whole against that thread's signal
 * handlers.
 */
#ifndef TARE_RUNTIME_ATOMIC_H
#define TARE_RUNTIME_ATOMIC_H

#include <stdbool.h>
#include <stdint.h>

#define load_relaxed(p) __atomic_load_n((p), __ATOMIC_RELAXED)
#define load_acquire(p) __atomic_load_n((p), __ATOMIC_ACQUIRE)
#define store_relaxed(p, v) __atomic_store_n((p), (v), __ATOMIC_RELAXED)
#define store_release(p, v) __atomic_store_n((p), (v), __ATOMIC_RELEASE)
#define fetch_add_relaxed(p, v) __atomic_fetch_add((p), (v), __ATOMIC_RELAXED)
#define fetch_add_acq_rel(p, v) __atomic_fetch_add((p), (v), __ATOMIC_ACQ_REL)

/* Orders this thread's memory accesses as seen by its own signal handlers; no instruction. */
#define fence_signal() __atomic_signal_fence(__ATOMIC_SEQ_CST)

static inline bool cas32_acq_rel(uint32_t *p, uint32_t expected, uint32_t desired)
{
    return __atomic_compare_exchange_n(p, &expected, desired, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
}

static inline bool cas64_acq_rel(uint64_t *p, uint64_t expected, uint64_t desired)
{
    return __atomic_compare_exchange_n(p, &expected, desired, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
}

static inline bool cas64_relaxed(uint64_t *p, uint64_t expected, uint64_t desired)
{
    return __atomic_compare_exchange_n(p, &expected, desired, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
}

static inline void counter_add(uint64_t *p, uint64_t n)
{
#if defined(__x86_64__) && !defined(__SANITIZE_THREAD__)
    __asm__ volatile("addq %1, %0" : "+m"(*p) : "er"(n) : "cc");
#else
    store_relaxed(p, load_relaxed(p) + n);
#endif
}

/*
 * counter_add for sums to which this thread's handlers add at any time: whole against them on every processor.
 */
static inline void signal_add(uint64_t *p, uint64_t n)
{
#if defined(__x86_64__) && !defined(__SANITIZE_THREAD__)
    counter_add(p, n);
#else
    fetch_add_relaxed(p, n);
#endif
}

/*
 * For the count that a handler adds to even while it interrupts a recording: whole against it on every
 * processor.
 */
static inline void ended_add(uint64_t *p)
{
#if defined(__x86_64__) && !defined(__SANITIZE_THREAD__)
    counter_add(p, 1);
#else
    fetch_add_relaxed(p, 1);
#endif
}

/* The opposite, by n. */
static inline void ended_take(uint64_t *p, uint64_t n)
{
#if defined(__x86_64__) && !defined(__SANITIZE_THREAD__)
    __asm__ volatile("subq %1, %0" : "+m"(*p) : "er"(n) : "cc");
#else
    __atomic_fetch_sub(p, n, __ATOMIC_RELAXED);
#endif
}

#endif
