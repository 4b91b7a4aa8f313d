/* SPDX-License-Identifier: MIT */
/* The suite `os`: what the kernel's hot paths take on this machine. */
#include "suites/os/os.h"

static const struct suite_side sides[] = {
    {.label = "os",
     .about = "system calls, IPC, scheduling, processes, signals, memory, files, terminals",
     .program = "os"},
};

static const struct suite_group *const groups[] = {
    &os_calls, &os_ipc, &os_scheduling, &os_processes, &os_signals, &os_memory, &os_files, &os_pty,
};

const struct suite suite_os = {
    .name = "os",
    .title = "hot paths of the operating system",
    .sides = sides,
    .side_count = sizeof(sides) / sizeof(sides[0]),
    .groups = groups,
    .group_count = sizeof(groups) / sizeof(groups[0]),
    .files = SUITE_FILES_ANYWHERE,
    .clean = "--clean",
    .budget = "targets.ini",
    .case_s = 2,
    .quick_case_s = 0.3,
    .quick_s = 50,
};
