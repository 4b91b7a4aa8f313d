/* SPDX-License-Identifier: MIT */
/*
 * One side of the suite `syscalls`: who runs the workloads of work.h. side_native.c calls them as they are; in
 * side_sandboxed.c they are in WebAssembly. benches.c is the same for both, so that benchmarks of one name are of one kind.
 *
 * What cannot be done ends the benchmark by tare_require(), or tare_skip() where something is not installed: to be called
 * from a benchmark's thread.
 */
#ifndef SUITE_SYSCALLS_SIDE_H
#define SUITE_SYSCALLS_SIDE_H

#include <stdint.h>

enum side_grate {
    SIDE_DIRECT,       /* calls go to rawposix */
    SIDE_GRATE_NOOP,   /* by a grate that passes them on */
    SIDE_GRATE_MEMORY, /* by a grate that keeps files in its memory */
};

/* A program with descriptors: natively this process, all of them; sandboxed a cage. 0, 1 and 2 are open. */
struct side;
struct side *side_new(enum side_grate grate);
struct side *side_fork(struct side *of); /* its descriptors are copies of those of the other */
/* Its table is that of the other, which lives longer. Both live, so it does not fail. */
void side_share(struct side *side, struct side *of);
void side_free(struct side *side);

struct side_work; /* a function of work.h */
const struct side_work *side_find(const char *name);
int64_t side_run(struct side *side, const struct side_work *work, uint64_t n, uint64_t arg);

/* Where files are made: a directory in memory, where there is one. */
const char *side_place(void);

#endif
