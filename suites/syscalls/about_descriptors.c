/* SPDX-License-Identifier: MIT */
/* What the benchmarks of programs/work_fds.c do. */
#include "suites/syscalls/syscalls.h"

static const struct suite_case cases[] = {
    {.bench = "fd_dup_close", .about = "dup(0), and close of what it gave, while so many others are open"},
    {.bench = "fd_fill",
     .about = "dup(0) until all of 1,024 descriptors are taken, then close of each: that is one iteration"},
    {.bench = "fd_threads",
     .about = "dup(0) and close, in so many threads on one table; sandboxed each thread is a cage with the "
              "table of the first"},
    {.bench = "fd_cages",
     .about = "dup(0) and close, 10 times in each of so many cages in turn, entering each anew; native: 10 "
              "times in this process, "
              "as its table knows nothing of other processes'"},
};

const struct suite_group syscalls_descriptors = {
    .name = "Descriptors",
    .about = "the table that fdtables keeps, where natively the kernel does",
    .cases = cases,
    .count = sizeof(cases) / sizeof(cases[0]),
};
