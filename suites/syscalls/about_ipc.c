/* SPDX-License-Identifier: MIT */
/* What the benchmarks of programs/work_ipc.c do. */
#include "suites/syscalls/syscalls.h"

static const struct suite_case cases[] = {
    {.bench = "pipe_pingpong",
     .about = "a byte by one pipe to another thread, and by another pipe back, both on one processor; the "
              "other thread is, sandboxed, "
              "a cage forked from the first"},
    {.bench = "socket_pingpong", .about = "the same by one pair of AF_UNIX stream sockets"},
};

const struct suite_group syscalls_ipc = {
    .name = "IPC",
    .about = "two parties that wait for one another",
    .cases = cases,
    .count = sizeof(cases) / sizeof(cases[0]),
};
