/* SPDX-License-Identifier: MIT */
/* Counts the instructions of a program by running it under `valgrind --tool=callgrind`. */
#ifndef TARE_RECORD_CALLGRIND_H
#define TARE_RECORD_CALLGRIND_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "record/block.h"

enum { TARE_CALLGRIND_MESSAGE = 512 };

/*
 * Runs `block` under valgrind, which is looked for in PATH, with the programs that it starts, and adds up
 * the instructions that all of them executed outside of the kernel (callgrind's event Ir). It takes some
 * fifty times as long as otherwise; `outcome` says how it ended, and is released by tare_block_release() in
 * any case. Standard error is captured where `block` has it go nowhere, as valgrind complains there. Nothing
 * else is counted.
 *
 * A process that was forked, and became no other program, is left out, as callgrind gives it all of its
 * parent's instructions up to the fork; so is what a process did before it became another program, and what
 * those did that are killed when the program has ended.
 *
 * Returns 0 with *instructions, and a note or "" in `message` (TARE_CALLGRIND_MESSAGE bytes, no full stop); or
 * -errno with what is wrong there, and *instructions NAN:
 *   -ENOENT     no valgrind, or not the program
 *   -ETIMEDOUT  the time limit of `block` was reached
 *   -EINTR      a signal came for us: outcome->interrupted
 *   -ENOTSUP    the program used something that valgrind does not know
 *   -ECHILD     the program, or valgrind, failed otherwise
 *   -EBADMSG    it ended well, but what callgrind wrote is not to be understood
 * Files go to a folder of their own in TMPDIR (or /tmp), which is removed. For one thread.
 */
int tare_callgrind_run(const struct tare_block_request *block, struct tare_block_outcome *outcome,
                       double *instructions, char *message, size_t size);

/*
 * The total of a file in callgrind's format, of its event "Ir": the sum of its "totals:" lines, of which
 * each dump in it has one, at its end. Lines may be of any length; memory is bounded. Returns 0, -EBADMSG
 * (none, or not to be understood), or -EIO.
 */
int tare_callgrind_total(FILE *file, uint64_t *total);

#endif
