/* SPDX-License-Identifier: MIT */
/* What the files of this suite's table share. */
#ifndef SUITE_SYSCALLS_H
#define SUITE_SYSCALLS_H

#include "suites/suite.h"

extern const struct suite_group syscalls_calls, syscalls_files, syscalls_ipc, syscalls_descriptors,
    syscalls_compute, syscalls_grates;

/* finish.c: the layers' shares of what a sandboxed call takes. */
int suite_syscalls_finish(struct tare_result *result);

#endif
