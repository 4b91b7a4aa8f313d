/* SPDX-License-Identifier: MIT */
/* The door out of the sandbox: the one function that a sandboxed program imports. */
#ifndef SYSCALL_PATH_LIND_COMMON_H
#define SYSCALL_PATH_LIND_COMMON_H

#include <stdint.h>

#pragma GCC visibility push(default)

/*
 * Makes a call for a cage. Addresses among the arguments are offsets into that cage's memory, descriptors are
 * its virtual ones. Returns the call's result or -errno, as a system call does.
 */
int64_t lind_make_syscall(uint64_t cage, uint64_t number, uint64_t arg1, uint64_t arg2, uint64_t arg3,
                          uint64_t arg4, uint64_t arg5, uint64_t arg6);

#pragma GCC visibility pop

#endif
