/* SPDX-License-Identifier: MIT */
/*
 * Calls of malloc and its family, of all processes of a program together, as libtare-count.so counts them
 * when it is preloaded (tare_block_request: `preload` its path, `set` with the variable).
 */
#ifndef TARE_RECORD_ALLOCATIONS_H
#define TARE_RECORD_ALLOCATIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tare_count;

/* Private. */
struct tare_allocations {
    int fd; /* which the programs inherit */
    struct tare_count *shared;
    uint64_t device, inode;
};

enum { TARE_ALLOCATIONS_VARIABLE = 96 };

/*
 * Returns 0 or -errno; then there is nothing to close. A program that is started from now on inherits a
 * descriptor.
 */
int tare_allocations_open(struct tare_allocations *allocations);
void tare_allocations_close(struct tare_allocations *allocations);

/* "TARE_COUNT=..." for the programs' environment; TARE_ALLOCATIONS_VARIABLE bytes are enough. */
void tare_allocations_variable(const struct tare_allocations *allocations, char *variable, size_t size);

/* Sets the counts to zero, for the next program; none is running. */
void tare_allocations_clear(struct tare_allocations *allocations);

struct tare_allocation_counts {
    uint64_t calls; /* also those for nothing, and those that failed; not those of free */
    uint64_t bytes; /* that were asked for; of realloc the new size */
};

/*
 * What was counted since the last clear. False: not known, as no program had the library in it (it is linked
 * statically, or has more rights than we), or one had an allocator of its own that the library does not see.
 */
bool tare_allocations_read(const struct tare_allocations *allocations, struct tare_allocation_counts *counts);

#endif
