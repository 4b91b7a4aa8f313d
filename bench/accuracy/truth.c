/* SPDX-License-Identifier: MIT */
/* The truth of a rung: the time of a long loop of it, with no mark in it. See rungs.h. */
#include <errno.h>
#include <sched.h>
#include <time.h>

#include "bench/accuracy/rungs.h"

static uint64_t carried = 1; /* from block to block, so that none can be computed before it is run */

int accuracy_pin(int cpu)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET((size_t)cpu, &set);
    return sched_setaffinity(0, sizeof(set), &set) == 0 ? 0 : -errno;
}

double accuracy_now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC_RAW, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

double accuracy_bare_ns(unsigned rung, uint64_t calls)
{
    double start = accuracy_now_ns();
    carried = accuracy_bare[rung].block(carried, calls);
    return (accuracy_now_ns() - start) / (double)calls;
}

uint64_t accuracy_bare_calls(unsigned rung)
{
    enum { TRIES = 5, FIRST = 64 };
    const double block_ns = 100000;
    double best = 1e9;
    for (int i = 0; i < TRIES; i++) {
        double ns = accuracy_bare_ns(rung, FIRST);
        best = ns < best ? ns : best;
    }
    return best < block_ns ? (uint64_t)(block_ns / (best > 0.1 ? best : 0.1)) : 1;
}
