/* SPDX-License-Identifier: MIT */
/*
 * The process of a block: what it needs is made ready before, so that the time from its start on is its own.
 * Private to record/.
 */
#ifndef TARE_RECORD_BLOCK_CHILD_H
#define TARE_RECORD_BLOCK_CHILD_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "record/block.h"

/* In memory that both share: how far the child came. */
struct tare__child_report {
    int error; /* of errno's; 0: it became the program */
    bool at_exec;
};

struct tare__child {
    const struct tare_block_request *block;
    const sigset_t *mask;                 /* of signals, for the program */
    const struct sigaction *child_signal; /* what SIGCHLD is to be */
    pid_t pid;                            /* also its process group; 0: not started */
    pid_t parent;                         /* we */
    char **environment;                   /* the array is ours, of the strings the next two */
    char *padding, *preload;
    int input, null, pipe_output[2], pipe_lines[2], hold[2]; /* -1: none; [0] is what we read from */
    uint32_t caught;                                         /* bit n: signal n has a handler of ours */
    struct tare__child_report *report;
    void *stack;
};

/* Everything that takes time. Returns 0 or -errno; tare__child_release() is called in any case. */
int tare__child_prepare(struct tare__child *child, const struct tare_block_request *block, const sigset_t *mask,
                        const struct sigaction *child_signal);

/*
 * Starts it. With `held` it waits for tare__child_go() before it becomes the program, so that it can be watched
 * from the first instruction on; else it has become the program (or failed to) when this returns. Returns 0 or
 * -errno; what went wrong in the child is in `report`, and the child has to be waited for.
 */
int tare__child_start(struct tare__child *child, bool held);
void tare__child_go(struct tare__child *child);

/* Closes what only the child needs: then the pipes end with the last process that writes to them. */
void tare__child_close_ends(struct tare__child *child);
void tare__child_release(struct tare__child *child);

/* Nothing is known. */
void tare__outcome_init(struct tare_block_outcome *outcome);

#endif
