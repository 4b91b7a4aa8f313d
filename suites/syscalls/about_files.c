/* SPDX-License-Identifier: MIT */
/* What the benchmarks of programs/work_files.c do. */
#include "suites/syscalls/syscalls.h"

static const struct suite_case cases[] = {
    {.bench = "pread",
     .about = "pread of so many bytes from the begin of a file in memory (/dev/shm, if there is one)"},
    {.bench = "pwrite", .about = "pwrite of so many bytes to the begin of such a file"},
    {.bench = "pread_wasi", .about = "pread of libc, which WASI's fd_pread is, with a vector of one"},
};

const struct suite_group syscalls_files = {
    .name = "Files",
    .about = "the copy grows with the size, the way there does not",
    .cases = cases,
    .count = sizeof(cases) / sizeof(cases[0]),
};
