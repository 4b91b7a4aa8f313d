/* SPDX-License-Identifier: MIT */
/*
 * The trampoline: what a module imports, and where such a call goes first. The module's code calls lind_common_import()
 * with the number of the import and its arguments; from there it goes to threei, as one call of enum lind_call or
 * some, so that whoever stands between a cage and the kernel sees all that a program does, whichever imports it uses.
 *
 * Imports of `lind`, all parameters and results i64; results are >= 0 or a negative errno of Linux:
 *
 *     make_syscall(number, a1, a2, a3, a4, a5, a6)      a call of this cage (cage.h, rawposix.h)
 *     cage_id()                                         this cage
 *
 * and for grates, of cages that they stand before (-EPERM for others):
 *
 *     make_syscall_for(cage, number, a1, ..., a6)       the call as if by that cage, answered by who stands behind the grate
 *     copy_data(from_cage, from, to_cage, to, size)     between the memories of two cages; 0 is this cage
 *     register_handler(cage, number, on)                1: that call comes to this grate; 0: no longer
 *
 * What grates export: lind_handle(number, caller, a1, ..., a6) -> result, and, if they want to choose their calls,
 * lind_setup(cage) -> result (negative: refuses), which runs once for each cage that they come to stand before.
 *
 * Imports of `wasi_snapshot_preview1` are all of its functions: wasi.h.
 */
#ifndef LIND_COMMON_H
#define LIND_COMMON_H

#include <stddef.h>
#include <stdint.h>

struct boot_cage;

/* `args` as the module gave them, i32s zero-extended; the result likewise. */
struct lind_import {
    const char *module, *name;
    const char
        *type; /* "iIi:i": a letter for each parameter, ':', and the result or nothing; i is i32, I is i64 */
    uint64_t (*answer)(struct boot_cage *cage, const uint64_t *args);
};

/* Its number; -ENOENT: there is none of that name. */
int lind_common_find(const char *module, const char *name);
const struct lind_import *lind_common_get(size_t number);
size_t lind_common_count(void);

/* The module's calls come in here. Leaves by the runtime's trap where the cage has to end. */
uint64_t lind_common_import(void *cage, uint32_t number, const uint64_t *args);

/* A call of the cage, from within an import: to threei. */
int64_t lind_common_call(struct boot_cage *cage, uint32_t number, uint64_t a1, uint64_t a2, uint64_t a3,
                         uint64_t a4, uint64_t a5, uint64_t a6);

#endif
