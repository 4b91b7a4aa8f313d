/* SPDX-License-Identifier: MIT */
/* The work in the loops, for C and C++: chains of dependent steps of about a nanosecond. */
#ifndef TARE_BENCH_LOOPS_H
#define TARE_BENCH_LOOPS_H

#include <stdint.h>
#include <time.h>

#include "bench/accuracy/work.h"

#define LOOPS_WORK STEPS_50
#define LOOPS_SETUP STEPS_100

static inline uint64_t loops_now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC_RAW, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

#endif
