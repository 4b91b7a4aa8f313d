/* SPDX-License-Identifier: MIT */
/* What a sandboxed program does in its loop: the calls that can be chosen on the command line. */
#ifndef SYSCALL_PATH_WORKLOAD_H
#define SYSCALL_PATH_WORKLOAD_H

#include <stdbool.h>
#include <stdint.h>

/* Where things lie in the memory of each cage. */
enum {
    CAGE_PATH_ADDRESS = 0, /* the path that `open` opens */
    CAGE_BUFFERS_ADDRESS = 4096,
    CAGE_BUFFER_BYTES = 16384, /* of each thread; one byte more than a read may fill is enough */
    SIZE_MAX_BYTES = 10240,
};

/* Descriptors that are open in every cage from the beginning. */
enum {
    CAGE_FD_ZERO = 0, /* /dev/zero */
    CAGE_FD_NULL = 1, /* /dev/null */
    CAGE_FD_FREE = 2, /* the lowest that is not open */
};

/* What one call of a workload needs to know. */
struct workload_step {
    uint64_t cage;
    uint64_t buffer;   /* address in the cage's memory */
    int64_t parameter; /* FD or SIZE */
};

struct workload {
    const char *name;
    const char *parameter; /* "FD", "SIZE"; NULL: none */
    int64_t parameter_min, parameter_max;
    const char *help;
    int64_t (*call)(const struct workload_step *step);
    int64_t (*expected)(int64_t parameter); /* what every call must return */
    bool fills_buffer;                      /* with zeros, as many as the parameter says */
};

extern const struct workload workloads[];
extern const unsigned workload_count;

/* NULL if there is none of that name. */
const struct workload *workload_find(const char *name);

#endif
