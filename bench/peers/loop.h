/* SPDX-License-Identifier: MIT */
/*
 * The loop in which each peer marks its begin and end, and the floor of two bare readings of the time stamp
 * counter.
 */
#ifndef TARE_BENCH_PEERS_LOOP_H
#define TARE_BENCH_PEERS_LOOP_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { PEER_ROUNDS = 21, PEER_CALLS = 20000 };

static inline uint64_t peer_ticks(void)
{
#if defined(__x86_64__)
    return __builtin_ia32_rdtsc();
#elif defined(__aarch64__)
    uint64_t ticks;
    __asm__ volatile("mrs %0, cntvct_el0" : "=r"(ticks) : : "memory");
    return ticks;
#else
    return 0;
#endif
}

static inline double peer_now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC_RAW, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static int peer_compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static inline double peer_floor_ns(void)
{
    double start = peer_now_ns();
    for (int i = 0; i < PEER_CALLS; i++) {
        uint64_t a = peer_ticks();
        __asm__ volatile("" : : "r"(a) : "memory");
        uint64_t b = peer_ticks();
        __asm__ volatile("" : : "r"(b) : "memory");
    }
    return (peer_now_ns() - start) / PEER_CALLS;
}

/* Medians over rounds of the cost of one call of `marked` and of the floor: "COST FLOOR" on standard output. */
static inline void peer_print(void (*marked)(int))
{
    double costs[PEER_ROUNDS], floors[PEER_ROUNDS];
    for (int round = 0; round < PEER_ROUNDS; round++) {
        double start = peer_now_ns();
        for (int i = 0; i < PEER_CALLS; i++) {
            marked(i);
        }
        costs[round] = (peer_now_ns() - start) / PEER_CALLS;
        floors[round] = peer_floor_ns();
    }
    qsort(costs, PEER_ROUNDS, sizeof(costs[0]), peer_compare);
    qsort(floors, PEER_ROUNDS, sizeof(floors[0]), peer_compare);
    printf("%.2f %.2f\n", costs[PEER_ROUNDS / 2], floors[PEER_ROUNDS / 2]);
}

#endif
