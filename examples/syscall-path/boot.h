/* SPDX-License-Identifier: MIT */
/* Setting cages up, running a workload in them, taking them down. */
#ifndef SYSCALL_PATH_BOOT_H
#define SYSCALL_PATH_BOOT_H

#include <stdbool.h>
#include <stdint.h>

#include "workload.h"

enum {
    BOOT_CAGE_MAX = 62, /* ids 1 to 62: 0 stands for the host, 63 is the grate */
    BOOT_THREAD_MAX = 64,
};

struct boot {
    const struct workload *workload;
    int64_t parameter;
    uint64_t count; /* calls, shared out among the threads */
    unsigned cages;
    unsigned threads;
    bool grate;
};

/* Creates the cages. Returns 0, or -1 after a line on stderr. */
int boot_load(const struct boot *boot);

/*
 * Makes the calls and checks each result; `elapsed_ns` is their wall time. Returns 0, or -1 after a line on
 * stderr.
 */
int boot_run(const struct boot *boot, uint64_t *elapsed_ns);

/* Takes the cages down. */
void boot_unload(const struct boot *boot);

#endif
