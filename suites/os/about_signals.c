/* SPDX-License-Identifier: MIT */
/* What the benchmarks of signals.c do. */
#include "suites/os/os.h"

static const struct suite_case cases[] = {
    {.bench = "signal_install", .about = "sigaction() with a handler"},
    {.bench = "signal_self",
     .about = "tgkill() to the own thread, the handler, which adds 1 to a counter, and back"},
    {.bench = "signal_thread_same",
     .about = "a signal to a thread that sleeps in sigsuspend(), and one back; both on one processor"},
    {.bench = "signal_thread_other",
     .about = "a signal to a sleeping thread and one back, the threads on two processors"},
    {.bench = "signal_thread_free",
     .about = "a signal to a sleeping thread and one back, wherever the kernel puts them"},
    {.bench = "signal_pending", .about = "sigpending(), with no signal pending"},
};

const struct suite_group os_signals = {
    .name = "Signals",
    .about = "handlers, and what it takes to have one executed",
    .cases = cases,
    .count = sizeof(cases) / sizeof(cases[0]),
};
