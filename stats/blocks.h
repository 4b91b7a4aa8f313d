/* SPDX-License-Identifier: MIT */
/*
 * How far the mean of a timer would be off in another run of this length: from the means of blocks, which are
 * stretches of this run. Scopes that follow each other are not independent (caches, other processes, the
 * processor's speed, the work itself), so their standard deviation over the root of their number is far too
 * small; what sums over long stretches differ by has all of that in it. What stays the same for a whole run and
 * is another in the next (where the code and its data happened to lie, a neighbour on the machine) no run can
 * show by itself: then whole runs are to be the blocks. Numbers only; no allocation, no state.
 *
 * The method, its sources and what was tried stand in blocks.c.
 */
#ifndef TARE_STATS_BLOCKS_H
#define TARE_STATS_BLOCKS_H

#include <stddef.h>

enum {
    TARE_RUN_BLOCKS_MAX = 64, /* more would not be surer: the error's own error is some 10 % with 40 */
    TARE_RUN_BLOCKS_MIN = 8,  /* of fewer one says nothing: how they depend on each other cannot be seen */
};

/* A stretch of the run, or several: what was counted in it. Whole numbers, but for times in ns. */
struct tare_run_block {
    double scopes; /* outermost scopes that ended */
    double total;  /* their time, in any unit */
    double within; /* scopes that ended within them */
};

/* The blocks of one timer, in the order of the run. All zero: none. */
struct tare_run_blocks {
    struct tare_run_block blocks[TARE_RUN_BLOCKS_MAX];
    size_t count;
    double least; /* scopes: as long as the last block has fewer, what comes is added to it */
};

/*
 * Adds what was counted since the last call. Nothing happens if all are zero or one is not a number. When there
 * are TARE_RUN_BLOCKS_MAX, neighbours are joined until some 32 of about equal numbers of scopes are left, and
 * from then on blocks are as long as these.
 */
void tare_run_blocks_add(struct tare_run_blocks *blocks, struct tare_run_block more);

/* Adds it to the last block, however long that is. */
void tare_run_blocks_extend(struct tare_run_blocks *blocks, struct tare_run_block more);

/* Adds all blocks of another stretch of this run, or of another run. */
void tare_run_blocks_append(struct tare_run_blocks *blocks, const struct tare_run_blocks *more);

struct tare_run_block tare_run_blocks_sum(const struct tare_run_blocks *blocks);

/*
 * From ticks to net ns, but for what is the same for each scope: total x tick_ns - within x within_ns; within
 * 0.
 */
void tare_run_blocks_net(struct tare_run_blocks *blocks, double tick_ns, double within_ns);

struct tare_run_mean {
    double mean;           /* sum of totals / sum of scopes; NAN without scopes */
    double standard_error; /* of the mean */
    double freedom;        /* degrees of freedom of its Student's t, 2 to 63, or NAN */
    double error; /* the standard error x t(97.5 %, freedom) / 1.96: 1.96 of these are half the 95 % interval */
    double effective; /* so many independent blocks of equal size would say as much */
};

/*
 * The mean and how sure it is. `error` may be added to others in quadrature as if it were the standard error of
 * a normal value. All but the mean are NAN where there are fewer than TARE_RUN_BLOCKS_MIN blocks with scopes,
 * where so few of them hold most of the scopes that they count for no more than half of that, or if a total is
 * no number.
 */
void tare_run_blocks_mean(const struct tare_run_blocks *blocks, struct tare_run_mean *out);

#endif
