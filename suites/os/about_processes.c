/* SPDX-License-Identifier: MIT */
/* What the benchmarks of processes.c do. */
#include "suites/os/os.h"

static const struct suite_case cases[] = {
    {.bench = "proc_fork", .about = "fork, _exit() in the child, waitpid()"},
    {.bench = "proc_vfork", .about = "vfork(), _exit() in the child, waitpid()"},
    {.bench = "proc_posix_spawn",
     .about = "posix_spawn() of a program that does nothing, linked dynamically, and waitpid()"},
    {.bench = "proc_exec_static",
     .about = "fork, execve() of a program that does nothing, linked statically, and waitpid()"},
    {.bench = "proc_exec_dynamic",
     .about = "fork, execve() of a program that does nothing, linked dynamically, and waitpid()"},
    {.bench = "proc_spawn", .about = "fork, execve() of /bin/true, and waitpid()"},
    {.bench = "proc_shell", .about = "fork, execve() of /bin/sh -c true, and waitpid()"},
};

const struct suite_group os_processes = {
    .name = "Processes",
    .about = "until the process has ended and was waited for; of a parent of a few MB",
    .cases = cases,
    .count = sizeof(cases) / sizeof(cases[0]),
};
