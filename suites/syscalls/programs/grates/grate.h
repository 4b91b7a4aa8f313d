/* SPDX-License-Identifier: MIT */
/*
 * What a grate imports, and what it exports: the names of suites/syscalls/boot/lind_common.h, as C has them. A grate is a
 * module of its own, in a cage of its own, which is asked for the calls of other cages: it answers them, or passes them on.
 */
#ifndef SUITE_SYSCALLS_GRATE_H
#define SUITE_SYSCALLS_GRATE_H

#include <stdint.h>

#define GRATE_IMPORT(name) __attribute__((import_module("lind"), import_name(name)))
#define GRATE_EXPORT(name) __attribute__((export_name(name)))

/* The call as if by that cage, answered by who stands behind this grate. */
GRATE_IMPORT("make_syscall_for")
int64_t grate_pass(int64_t cage, int64_t number, int64_t a, int64_t b, int64_t c, int64_t d, int64_t e,
                   int64_t f);
GRATE_IMPORT("copy_data")
int64_t grate_copy(int64_t from_cage, int64_t from, int64_t to_cage, int64_t to, int64_t size);
GRATE_IMPORT("register_handler") int64_t grate_register(int64_t cage, int64_t number, int64_t on);

enum { GRATE_SELF = 0 }; /* as a cage of grate_copy() */

/* Errors of Linux, which results are. */
enum {
    GRATE_ENOENT = 2,
    GRATE_EBADF = 9,
    GRATE_ENOMEM = 12,
    GRATE_EBUSY = 16,
    GRATE_EEXIST = 17,
    GRATE_EINVAL = 22,
    GRATE_EFBIG = 27,
    GRATE_ENOSPC = 28,
    GRATE_ENAMETOOLONG = 36,
    GRATE_ENOSYS = 38,
};

int64_t lind_handle(int64_t number, int64_t caller, int64_t a, int64_t b, int64_t c, int64_t d, int64_t e,
                    int64_t f);
int64_t lind_setup(int64_t cage);

#endif
