/* SPDX-License-Identifier: MIT */
/* What the benchmarks of pty.c do. */
#include "suites/os/os.h"
#include "suites/os/place_about.h"

static const struct suite_case cases[] = {
    PLACED_CASES("pty_round", "a byte into a terminal, to a process at its other side, and one back", false),
    PLACED_CASES("pty_throughput", "N bytes written to a terminal, which another process reads, N bytes a call",
                 false),
};

const struct suite_group os_pty = {
    .name = "Terminals",
    .about = "a pair of pseudo-terminals in raw mode, and two processes",
    .cases = cases,
    .count = sizeof(cases) / sizeof(cases[0]),
};
