/* SPDX-License-Identifier: MIT */
/* What the benchmarks of programs/work_calls.c and work_compute.c do. */
#include "suites/syscalls/syscalls.h"

static const struct suite_case calls[] = {
    {.bench = "null_call",
     .about = "geteuid: the way to the kernel and back; sandboxed by lind.make_syscall, native by syscall(2)"},
    {.bench = "close_bad",
     .about = "close(-1), which is EBADF; by lind.make_syscall, where the sandbox's own table knows it, and by "
              "syscall(2)"},
    {.bench = "close_wasi", .about = "close(-1) of libc: WASI's fd_close, and libc here"},
    {.bench = "clock_wasi",
     .about = "clock_gettime(CLOCK_MONOTONIC) of libc: WASI's clock_time_get, and the vDSO here"},
};

const struct suite_group syscalls_calls = {
    .name = "Calls",
    .about = "next to nothing for the kernel to do: what is left is the way there",
    .cases = calls,
    .count = sizeof(calls) / sizeof(calls[0]),
};

static const struct suite_case compute[] = {
    {.bench = "fibonacci",
     .about = "the 15th, 20th Fibonacci number by recursion: no calls, so what WebAssembly itself takes"},
};

const struct suite_group syscalls_compute = {
    .name = "Compute",
    .about = "without any calls of the system",
    .cases = compute,
    .count = sizeof(compute) / sizeof(compute[0]),
};
