/* SPDX-License-Identifier: MIT */
/* /proc/PID/stat and /proc/PID/task/TID/stat, as proc(5) describes them. Private to record/. */
#ifndef TARE_RECORD_PROCESS_STAT_H
#define TARE_RECORD_PROCESS_STAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum { TARE__PROCESS_STAT_BYTES = 2048 }; /* 52 fields of at most 20 digits, and the name of 64 bytes at most */

struct tare__process_stat {
    const char *name; /* in the text that was parsed, without an end of its own */
    size_t name_length;
    char state;
    pid_t parent;
    uint64_t ticks;          /* of processor time, by sysconf(_SC_CLK_TCK) */
    uint64_t children_ticks; /* of children that it has waited for */
    uint64_t threads;
    uint64_t start_time_jiffies;
    int cpu; /* on which it ran last; -1: not told */
};

/* Returns 0, or -EINVAL: it is none, or ends before the start time does. */
int tare__process_stat_parse(const char *text, struct tare__process_stat *stat);

/*
 * Whether there is nothing left of it but what its parent has not asked for, or not even that. A main thread that has
 * ended while others run on is none. False, too, where /proc does not tell.
 */
bool tare__process_ended(pid_t pid);

#endif
