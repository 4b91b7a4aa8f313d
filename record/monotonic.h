/* SPDX-License-Identifier: MIT */
/* The clock by which waits and limits are kept: it is never set, and stands still while the machine sleeps. */
#ifndef TARE_RECORD_MONOTONIC_H
#define TARE_RECORD_MONOTONIC_H

#include <stdint.h>
#include <time.h>

/* CLOCK_MONOTONIC in ns. Thread-safe. */
static inline uint64_t tare__monotonic_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

#endif
