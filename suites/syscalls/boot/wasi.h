/* SPDX-License-Identifier: MIT */
/*
 * WASI preview 1 (wasi_snapshot_preview1), by the calls of enum lind_call: what lies in memory is mostly the same for both, so
 * that addresses go on as they are, and a grate sees a WASI program's files as it sees any other's. Only arguments and
 * environment are answered here, as nobody else knows them. All 46 functions are there; proc_raise is -ENOSYS.
 */
#ifndef LIND_WASI_H
#define LIND_WASI_H

#include <stddef.h>

#include "suites/syscalls/boot/lind_common.h"

extern const struct lind_import wasi_imports[];
extern const size_t wasi_import_count;

#endif
