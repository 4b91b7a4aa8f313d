/* SPDX-License-Identifier: MIT */
/* What the benchmarks of ipc.c do. */
#include "suites/os/os.h"
#include "suites/os/place_about.h"

static const struct suite_case cases[] = {
    PLACED_CASES("pipe_round", "a byte to another process by a pipe, and one back by another pipe", false),
    PLACED_CASES("unix_round", "a byte to another process by a connected AF_UNIX stream, and one back", false),
    PLACED_CASES("socketpair_round", "a byte to another process by a socketpair of streams, and one back",
                 false),
    PLACED_CASES("eventfd_round", "another process is woken by an eventfd, and wakes this one by another",
                 false),
    PLACED_CASES("futex_round", "another process, in FUTEX_WAIT, is woken by FUTEX_WAKE, and wakes this one",
                 false),
    PLACED_CASES("pipe_throughput", "N bytes into a pipe, which another process reads, N bytes a call", false),
    PLACED_CASES("unix_throughput",
                 "N bytes into an AF_UNIX stream, which another process reads, N bytes a call", false),
    {.bench = "poll_fds", .about = "poll() of N eventfds, without waiting, of which the last is ready"},
    {.bench = "epoll_fds", .about = "epoll_wait() on N eventfds, without waiting, of which one is ready"},
};

const struct suite_group os_ipc = {
    .name = "IPC",
    .about = "of two processes: same, other, free are on one processor, on two, where the kernel puts them",
    .cases = cases,
    .count = sizeof(cases) / sizeof(cases[0]),
};
