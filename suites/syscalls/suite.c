/* SPDX-License-Identifier: MIT */
/* The suite `syscalls`: the way of a system call out of a WebAssembly sandbox, beside the same call without one. */
#include "suites/syscalls/syscalls.h"

static const struct suite_side sides[] = {
    {.label = "native", .about = "the program as it is", .program = "native"},
    {.label = "sandboxed",
     .about = "the same source in WebAssembly, through lind-common, threei, rawposix and fdtables",
     .program = "sandboxed",
     .packages = "wabt clang lld wasi-libc libclang-rt-14-dev-wasm32",
     .timers = true},
};

static const struct suite_group *const groups[] = {
    &syscalls_calls, &syscalls_files, &syscalls_ipc, &syscalls_descriptors, &syscalls_compute, &syscalls_grates,
};

const struct suite suite_syscalls = {
    .name = "syscalls",
    .title = "the way of a system call out of a WebAssembly sandbox",
    .sides = sides,
    .side_count = sizeof(sides) / sizeof(sides[0]),
    .groups = groups,
    .group_count = sizeof(groups) / sizeof(groups[0]),
    .files = SUITE_FILES_IN_MEMORY,
    .timers_alone = true,
    .budget = "targets.ini",
    .case_s = 4,
    .quick_case_s = 0.6,
    .quick_s = 50,
    .finish = suite_syscalls_finish,
};
