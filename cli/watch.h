/* SPDX-License-Identifier: MIT */
/* The watch over the clock and over where threads run, that a command keeps while it measures. */
#ifndef TARE_CLI_WATCH_H
#define TARE_CLI_WATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "record/clockwatch.h"
#include "record/migrations.h"
#include "result/model.h"

struct watch {
    struct tare_clock_watch clock;
    struct tare_migrations migrations;
    uint64_t threads_due_ns; /* on CLOCK_MONOTONIC: no look at threads before */
};

/* How often it is worth looking at the clocks, and more often than that at threads it never is. */
#define WATCH_NS 100000000

/*
 * `pin`: the processor that the program is bound to, or -1. False after an error was printed; watch_end() is
 * not due then.
 */
bool watch_begin(struct watch *watch, int pin);

/*
 * One look at the clocks, and at the threads of these processes, if it is time for that: looks at threads take
 * half a percent of one processor at most, so with many threads they get rarer.
 */
void watch_look(struct watch *watch, const pid_t *pids, size_t count);

/* The last one before these processes end, or before nobody looks any more: at threads in any case. */
void watch_last_look(struct watch *watch, const pid_t *pids, size_t count);

/*
 * The last look at the clocks; what was noticed goes into the result, whose pages have been added. False after
 * an error.
 */
bool watch_tell(struct watch *watch, struct tare_result *result);

void watch_end(struct watch *watch);

#endif
