/* SPDX-License-Identifier: MIT */
/* What the benchmarks of scheduling.c do. */
#include "suites/os/os.h"
#include "suites/os/place_about.h"

static const struct suite_case cases[] = {
    PLACED_CASES("switch_ring", "a context switch: one step of a byte around a ring of N processes, by pipes",
                 false),
    PLACED_CASES("switch_threads", "a context switch: one step of a byte around a ring of N threads, by pipes",
                 true),
    {.bench = "yield_alone", .about = "sched_yield() with nobody to yield to"},
    {.bench = "thread_create", .about = "a thread that does nothing: pthread_create() and pthread_join()"},
};

const struct suite_group os_scheduling = {
    .name = "Scheduling",
    .about = "a switch is a write() that wakes the next, and a read() that puts this one to sleep",
    .cases = cases,
    .count = sizeof(cases) / sizeof(cases[0]),
};
