/* SPDX-License-Identifier: MIT */
/* What the benchmarks of calls.c do. */
#include "suites/os/os.h"

static const struct suite_case cases[] = {
    {.bench = "call_getppid", .about = "the null call: syscall(SYS_getppid), into the kernel and back"},
    {.bench = "call_getpid", .about = "getpid() of libc"},
    {.bench = "call_clock_vdso",
     .about = "clock_gettime(CLOCK_MONOTONIC) of libc, which stays in the process where it can"},
    {.bench = "call_clock_forced",
     .about = "clock_gettime(CLOCK_MONOTONIC) by syscall(): always in the kernel"},
    {.bench = "call_read_zero", .about = "read() of so many bytes from /dev/zero"},
    {.bench = "call_write_null", .about = "write() of 1 byte to /dev/null"},
    {.bench = "call_stat", .about = "stat() of /etc/passwd"},
    {.bench = "call_fstat", .about = "fstat() of a descriptor of /etc/passwd"},
    {.bench = "call_open_close", .about = "open() of /etc/passwd for reading, and close()"},
};

const struct suite_group os_calls = {
    .name = "Calls",
    .about = "into the kernel and back",
    .cases = cases,
    .count = sizeof(cases) / sizeof(cases[0]),
};
