/* SPDX-License-Identifier: MIT */
/*
 * Where time comes from. The start of a scope is read by clock_start, its end by clock_stop; both take the
 * clock's kind, which is the same for the whole process, so the branch is predicted. This header has no state,
 * so that tools and benchmarks read the same clocks as the runtime.
 */
#ifndef TARE_RUNTIME_CLOCK_H
#define TARE_RUNTIME_CLOCK_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include <tare/page.h>

#if defined(TARE_ARCH_FORCE_GENERIC)
#include "runtime/arch/generic.h"
#elif defined(__x86_64__)
#include "runtime/arch/x86_64.h"
#elif defined(__aarch64__)
#include "runtime/arch/aarch64.h"
#else
#include "runtime/arch/generic.h"
#endif

static inline uint64_t clock_raw_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC_RAW, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static inline uint64_t clock_start(uint32_t kind)
{
    if (__builtin_expect(kind == TARE_CLOCK_TSC_ORDERED, 1)) {
        return arch_ticks_start_ordered();
    }
    return kind == TARE_CLOCK_TSC ? arch_ticks() : clock_raw_ns();
}

static inline uint64_t clock_stop(uint32_t kind)
{
    if (__builtin_expect(kind == TARE_CLOCK_TSC_ORDERED, 1)) {
        return arch_ticks_stop_ordered();
    }
    return kind == TARE_CLOCK_TSC ? arch_ticks() : clock_raw_ns();
}

/* How the processor's counter can be read. */
enum tare__counter {
    TARE__COUNTER_DIRECT,  /* by an instruction and no more */
    TARE__COUNTER_DEAR,    /* a hypervisor, emulator or kernel steps in; CLOCK_MONOTONIC_RAW costs as much */
    TARE__COUNTER_AVOIDED, /* the same, and CLOCK_MONOTONIC_RAW costs less */
};

/* Decides by what one reading costs, of the counter and of CLOCK_MONOTONIC_RAW. Pure. */
enum tare__counter tare__clock_judge(uint64_t counter_ns, uint64_t clock_ns);

/*
 * The same, measured with `kind`, a clock that reads the counter and is usable: the least of up to 16 readings.
 * Takes under 1 µs where readings are direct, else as long as 16 of both.
 */
enum tare__counter tare__clock_counter(uint32_t kind);

/*
 * The clock to use: `wanted` if it can be read at all, else this machine's best, which is tsc-ordered if its
 * counter is invariant, trusted by the kernel and not avoided, and clock if not. *counter_traps: readings of
 * the counter are not direct, whichever clock that leads to.
 */
uint32_t tare__clock_choose(uint32_t wanted, bool *counter_traps);

/* The clock for this machine where none is asked for. */
uint32_t tare__clock_default(void);

/* Whether `kind` can be read here at all. */
bool tare__clock_usable(uint32_t kind);

/* "tsc-ordered", ... or "none"; and back: TARE_CLOCK_NONE for an unknown name. */
const char *tare__clock_name(uint32_t kind);
uint32_t tare__clock_parse(const char *name);

/* Reads both clocks as close together as a few tries give. */
struct tare_anchor tare__clock_anchor(uint32_t kind);

/*
 * In which steps the clock moves, in ticks, at most 128: some counters of 2.6 GHz go up by 26 a hundred million
 * times a second. Measured; 1 if no step is seen.
 */
uint64_t tare__clock_grain(uint32_t kind);

/*
 * The rate between two anchors, in ticks for a second; its error (the brackets over the distance) in
 * *error_ppb. 0 if they are not apart.
 */
uint64_t tare__clock_rate(uint32_t kind, const struct tare_anchor *first, const struct tare_anchor *last,
                          uint64_t *error_ppb);

#endif
