/* SPDX-License-Identifier: MIT */
/*
 * Three-way interposition: who answers which call of which cage. Each cage has, for each call, a chain of those who stand
 * between it and the kernel, the newest first; at the end of each chain is rawposix. Answering is the table's look-up and a
 * call; changing the table may happen meanwhile, and then a call finds the chain as it was before or as it is after.
 *
 * A cage acts on another (copies, calls in its place, puts itself before it) only where it was made its guardian.
 *
 * Timers: threei::make_syscall, register_handler, copy_data_between_cages.
 */
#ifndef LIND_THREEI_H
#define LIND_THREEI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "suites/syscalls/cage.h"

/* A cage's table, in which all calls go to rawposix. 0, -EEXIST, -EINVAL, -ENOMEM. */
int threei_cage_add(uint32_t cage);
/* When its last holder has put it: nobody may be in a call of it, or ask for one, any more. */
void threei_cage_remove(uint32_t cage);

/* The call goes to who is first in its chain; -ESRCH: no such cage, -ENOSYS: a number out of range. */
int64_t threei_make_syscall(const struct lind_request *request);
/* To the one behind `data` in its chain; to the first if `data` is not in it. */
int64_t threei_make_syscall_behind(const struct lind_request *request, const void *data);

/*
 * Puts a handler at the front of a chain; `data` names it there, once. With on false it is taken out again. 0, -EINVAL (number
 * out of range), -ESRCH, -EEXIST, -ENOENT (not in the chain), -ENOMEM, -ENOSPC (chains in too many orders).
 */
int threei_register_handler(uint32_t cage, uint32_t number, lind_handler handler, void *data, bool on);
/* Takes it out of all chains of the cage. */
void threei_deregister_handlers(uint32_t cage, const void *data);

/* `guardian` may act on `cage` until either is removed. 0, -ESRCH, -EEXIST (it may), -ENOSPC (it has 16 already). */
int threei_guard(uint32_t guardian, uint32_t cage);
void threei_unguard(uint32_t guardian, uint32_t cage);
/* Also on itself. Any number may be asked for; who acts then has held the cage, so that it is still the one that was meant. */
bool threei_may_act(uint32_t actor, uint32_t cage);

/* By `actor`, who may act on both. Regions may overlap. 0, -EPERM, -ESRCH, -EFAULT: not all of it lies in a memory. */
int64_t threei_copy_data_between_cages(uint32_t actor, uint32_t from, uint64_t from_address, uint32_t to,
                                       uint64_t to_address, uint64_t size);

#endif
