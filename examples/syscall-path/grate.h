/* SPDX-License-Identifier: MIT */
/*
 * A grate: a cage that answers another cage's calls. This one lets every call pass, but through its own
 * memory, as one that looks at the data or changes it would have to.
 */
#ifndef SYSCALL_PATH_GRATE_H
#define SYSCALL_PATH_GRATE_H

#include <stdint.h>

#pragma GCC visibility push(default)

enum {
    GRATE_BUFFER_BYTES = 16384, /* of each thread; longer reads and writes are cut short, as POSIX allows */
};

/* Makes the grate a cage of its own, with a buffer for each of `threads` threads. Returns 0 or -errno. */
int grate_create(uint64_t grate, unsigned threads);

/*
 * Puts the grate between a cage and the host, for all calls but open, whose path it has no room for. Returns
 * 0 or -errno.
 */
int grate_guard(uint64_t grate, uint64_t cage);

#pragma GCC visibility pop

#endif
