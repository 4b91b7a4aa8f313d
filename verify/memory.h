/* SPDX-License-Identifier: MIT */
/* Rings of pointers in random order, made to fit into one level of the cache and not into the one before. */
#ifndef TARE_VERIFY_MEMORY_H
#define TARE_VERIFY_MEMORY_H

#include <stdbool.h>
#include <stdint.h>

#include "verify/bodies.h"

struct verify_sizes {
    uint64_t bytes[VERIFY_MEMORIES]; /* of a ring; 0: too much memory is needed */
    bool known[VERIFY_MEMORIES];     /* from what the kernel says of the caches of this processor */
};

struct verify_sizes verify_memory_sizes(int cpu);

/*
 * A ring of that many bytes: each cache line holds the address of the next. Returns the address of one of them,
 * or 0 without memory. It stays until the process ends.
 */
uint64_t verify_memory_ring(uint64_t bytes);

/* Walks a ring once from `at`, and returns where that leads: to `at`. */
uint64_t verify_memory_walk(uint64_t at, uint64_t bytes);

/* "l1", "l2", "l3", "memory". */
extern const char *const verify_memory_names[VERIFY_MEMORIES];

#endif
