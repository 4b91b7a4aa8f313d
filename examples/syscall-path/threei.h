/* SPDX-License-Identifier: MIT */
/*
 * Who answers a call: for each cage a table from call number to handler. A handler is the layer that talks to
 * the host, or the function of a grate: a cage that stands between another one and the host and sees its
 * calls first. A grate's handler may make calls itself, for the cage that it serves, with buffers in its own
 * memory.
 *
 * A cage's memory is one block; the addresses in its calls are offsets into that block and are checked here,
 * so that a cage can name no byte outside of it.
 *
 * All functions may be called from any thread, except that a cage must not be in use while it is created or
 * destroyed.
 */
#ifndef SYSCALL_PATH_THREEI_H
#define SYSCALL_PATH_THREEI_H

#include <stddef.h>
#include <stdint.h>

#pragma GCC visibility push(default)

enum {
    THREEI_CAGE_MAX = 64,  /* cage ids are 0 to 63 */
    THREEI_CALL_MAX = 512, /* call numbers are 0 to 511 */
    THREEI_ROUTE_MAX = 64, /* different handlers, each for each cage that it runs in */
};

/* Call numbers, those of Linux on x86-64 whatever the host is, as a sandboxed program is compiled once. */
enum {
    CALL_READ = 0,
    CALL_WRITE = 1,
    CALL_OPEN = 2,
    CALL_CLOSE = 3,
    CALL_DUP = 32,
    CALL_GETEUID = 107,
};

/* A call on its way. */
struct threei_call {
    uint64_t caller; /* who makes it: its table says who answers, and the addresses lie in its memory */
    uint64_t cage;   /* whose descriptors it is about: the caller's, or those of the cage that a grate serves */
    uint64_t number;
    uint64_t args[6];
};

/*
 * `self` is the cage that the handler runs in, as given to threei_register_handler. Returns a result or
 * -errno.
 */
typedef int64_t threei_handler(uint64_t self, const struct threei_call *call);

/* Returns 0, -EINVAL for an id out of range or no memory asked for, -EEXIST, -ENOMEM. */
int threei_cage_create(uint64_t cage, size_t memory_bytes);

/* Gives the memory back and forgets the cage's handlers. Returns 0 or -ESRCH. */
int threei_cage_destroy(uint64_t cage);

/*
 * From now on `handler`, running in cage `self`, answers this call of this cage. Returns 0, -EINVAL, -ESRCH,
 * -ENOSPC.
 */
int threei_register_handler(uint64_t cage, uint64_t number, threei_handler *handler, uint64_t self);

/*
 * Takes a call to its handler. Returns what that returned, -ESRCH for a cage that does not exist, or -ENOSYS.
 */
int64_t threei_make_syscall(const struct threei_call *call);

/* Where `size` bytes at a cage's address lie on the host, or NULL if they do not all lie in its memory. */
void *threei_address(uint64_t cage, uint64_t address, uint64_t size);

/* Returns 0, or -EFAULT if either side is not within its cage's memory. The two may overlap. */
int threei_copy_data_between_cages(uint64_t to_cage, uint64_t to, uint64_t from_cage, uint64_t from,
                                   uint64_t size);

#pragma GCC visibility pop

#endif
