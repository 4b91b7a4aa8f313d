/* SPDX-License-Identifier: MIT */
/*
 * Virtual descriptor tables: each cage (a sandboxed program) has its own numbering of descriptors, and an
 * entry says which descriptor of the host lies behind a number. Several entries, of one cage or of many, may
 * share one host descriptor; it is given back when the last of them closes.
 *
 * All functions may be called from any thread. A number that is looked up by one thread while another closes
 * it behaves as in POSIX: the answer is the one from before, or the one from after.
 */
#ifndef SYSCALL_PATH_FDTABLES_H
#define SYSCALL_PATH_FDTABLES_H

#include <stdbool.h>
#include <stdint.h>

#pragma GCC visibility push(default)

enum {
    FDTABLES_CAGE_MAX = 64, /* cage ids are 0 to 63 */
    FDTABLES_FD_MAX = 1024, /* descriptors of a cage are 0 to 1,023, as with the usual RLIMIT_NOFILE */
    FDTABLES_KIND_MAX = 4,  /* kinds of host descriptor, each with its own way of being closed */
};

/* What lies behind a virtual descriptor. */
struct fdtables_entry {
    uint32_t kind;
    int under_fd;
    bool cloexec;
};

/*
 * Called with no lock held: `more` when an entry was closed and others still share the descriptor, `last`
 * after that.
 */
struct fdtables_close_handlers {
    void (*more)(int under_fd);
    void (*last)(int under_fd);
};

/*
 * Either may be NULL. Set before descriptors of that kind exist. Returns 0 or -EINVAL for a kind out of
 * range.
 */
int fdtables_register_close_handlers(uint32_t kind, struct fdtables_close_handlers handlers);

/* A cage's table starts empty. Returns 0, -EINVAL for an id out of range, -EEXIST, -ENOMEM. */
int fdtables_cage_create(uint64_t cage);

/*
 * Closes what is open. No other thread may be using the cage. Returns 0, or -ESRCH for a cage that does not
 * exist.
 */
int fdtables_cage_destroy(uint64_t cage);

/*
 * Gives the lowest free number to a host descriptor. Returns the number, -ESRCH, -EINVAL for a kind out of
 * range, -EMFILE when all 1,024 are taken, -ENOMEM. When it fails the host descriptor remains the caller's.
 */
int fdtables_get_unused_virtual_fd(uint64_t cage, uint32_t kind, int under_fd, bool cloexec);

/* Fills `entry`. Returns 0, -ESRCH, or -EBADF for a number that is not open. */
int fdtables_translate_virtual_fd(uint64_t cage, int fd, struct fdtables_entry *entry);

/* The lowest free number for what lies behind `fd`. Returns it, -ESRCH, -EBADF, -EMFILE. */
int fdtables_dup_virtual_fd(uint64_t cage, int fd);

/* Returns 0, -ESRCH, or -EBADF for a number that is not open. */
int fdtables_close_virtualfd(uint64_t cage, int fd);

#pragma GCC visibility pop

#endif
