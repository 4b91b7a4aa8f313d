/* SPDX-License-Identifier: MIT */
/*
 * The layer that talks to the host: virtual descriptors and addresses become real ones, then a real system
 * call.
 */
#ifndef SYSCALL_PATH_RAWPOSIX_H
#define SYSCALL_PATH_RAWPOSIX_H

#include <stdint.h>

#pragma GCC visibility push(default)

/* Says how host descriptors are closed. Once, before the first cage. Returns 0 or -errno. */
int rawposix_init(void);

/*
 * Opens a host file for a cage before it runs, as a shell does for a program: by the runtime, so it is not a
 * call of the cage and not counted as one. Returns the cage's number for it, or -errno.
 */
int rawposix_preopen(uint64_t cage, const char *path, int flags);

/* Makes this layer answer every call that it knows, for one cage. Returns 0 or -errno. */
int rawposix_serve(uint64_t cage);

#pragma GCC visibility pop

#endif
