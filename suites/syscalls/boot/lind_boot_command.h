/* SPDX-License-Identifier: MIT */
/* What the command lind-boot was asked for. */
#ifndef LIND_BOOT_COMMAND_H
#define LIND_BOOT_COMMAND_H

#include <stdbool.h>
#include <stddef.h>

#include "suites/syscalls/boot/boot.h"

enum { /* exit codes of ours, as env(1) and shells have them */
       EXIT_OURS = 125,
       EXIT_CANNOT_RUN = 126,
       EXIT_NOT_FOUND = 127,
       EXIT_TRAP = 134, /* 128 + SIGABRT */
};

enum { COMMAND_GRATES_MAX = 8 };

struct command {
    struct boot_options boot;
    const char *module;
    const char *const *args; /* from argv[0] on */
    const char *root;
    const char *grates[COMMAND_GRATES_MAX];
    size_t grate_count;
    const char **environment; /* NULL-terminated, allocated */
    bool compile_only, perf;
    const char *perf_clock; /* NULL: tare's choice */
};

/* Becomes `tare run --exclusive` of the same command without --perf. Comes back if it cannot, with the exit code. */
int perf(const struct command *command);

#endif
