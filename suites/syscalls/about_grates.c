/* SPDX-License-Identifier: MIT */
/* What the benchmarks with a grate do. */
#include "suites/syscalls/syscalls.h"

static const struct suite_case cases[] = {
    {.bench = "grate_null_call", .about = "geteuid by a grate that passes it on; native: without one"},
    {.bench = "grate_close_bad", .about = "close(-1) by a grate that passes it on; native: without one"},
    {.bench = "grate_memory_pread",
     .about = "pread of so many bytes of a file that a grate keeps in its memory: it copies them, and no "
              "kernel is asked; native: of "
              "a file in /dev/shm"},
    {.bench = "grate_memory_pwrite", .about = "pwrite of so many bytes to such a file"},
};

const struct suite_group syscalls_grates = {
    .name = "Grates",
    .about = "another cage answers",
    .cases = cases,
    .count = sizeof(cases) / sizeof(cases[0]),
};
