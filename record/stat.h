/* SPDX-License-Identifier: MIT */
/*
 * What one execution of a program, or a while of a process's life, comes to in the kernel's and the processor's
 * counters: perf_event_open(2), of all its threads and descendants, and what wait4(2) says of its resources.
 */
#ifndef TARE_RECORD_STAT_H
#define TARE_RECORD_STAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "record/spawn.h"

enum { TARE_STAT_EVENTS_MAX = 64, TARE_STAT_NAME = 48 };

struct tare_stat_event {
    char name[TARE_STAT_NAME]; /* with ":u" or ":k" where that was asked for */
    uint32_t type;             /* as perf_event_open has them */
    uint64_t config;
    bool hardware; /* of the processor, else of the kernel */
    bool time;     /* ns */
    bool user_only, kernel_only;
    bool in_kernel;     /* it happens there: without the right to count that it is always 0 */
    bool with_previous; /* counted at the same times as the one in front of it, so that the two have a ratio */
};

struct tare_stat_events {
    struct tare_stat_event events[TARE_STAT_EVENTS_MAX];
    size_t count;
};

/*
 * Adds those of a list like "cycles,instructions:u,r1a8"; NULL: the usual ones. Returns 0, or -EINVAL or
 * -ENOMEM with one line in `message`.
 */
int tare_stat_parse(const char *list, struct tare_stat_events *events, char *message, size_t message_size);

/* The names that can be asked for, NULL-terminated. */
extern const char *const tare_stat_names[];

struct tare_stat_count {
    double value;   /* scaled to all of the time, if it was counted for a part of it alone; NAN: unknown */
    double running; /* that part, 0 to 1; NAN: unknown */
    bool user_only; /* without what the kernel did */
    char *reason;   /* a sentence: why the value is unknown; NULL: it is known */
};

enum tare_stat_usage {
    TARE_STAT_WALL,
    TARE_STAT_USER,
    TARE_STAT_SYSTEM,
    TARE_STAT_MAX_RSS,
    TARE_STAT_MINOR_FAULTS,
    TARE_STAT_MAJOR_FAULTS,
    TARE_STAT_VOLUNTARY,
    TARE_STAT_INVOLUNTARY,
    TARE_STAT_BLOCKS_IN,
    TARE_STAT_BLOCKS_OUT,
    TARE_STAT_USAGES,
};
struct tare_stat_usage_info {
    const char *name;
    const char *unit; /* "ns", "bytes" or "" */
};
extern const struct tare_stat_usage_info tare_stat_usages[TARE_STAT_USAGES];

struct tare_stat_run {
    struct tare_outcome program; /* end UNKNOWN: of a process that goes on */
    bool not_started;
    struct tare_stat_count counts[TARE_STAT_EVENTS_MAX]; /* as many as events */
    size_t count;
    /*
     * NAN: unknown. Of the program from its exec on, and the children that were waited for. The largest memory is
     * unknown where it is not above what the process had before that, as a copy of us: own_rss_bytes.
     */
    double usage[TARE_STAT_USAGES];
    double own_rss_bytes; /* NAN: unknown */
};

/*
 * Runs it. `spawn` as in record/spawn.h, whose `ending` and `data` are ours. Returns 0 or -errno, of exec where
 * not_started is set. Not for a program with other threads.
 */
int tare_stat_run(const struct tare_spawn *spawn, const struct tare_stat_events *events,
                  struct tare_stat_run *run);

/*
 * Of a process that runs, for `for_s` seconds (0: until it ends), or until one of `interrupts`, which are blocked.
 * Of usage there is the time alone. What threads that live already start later is counted, too. Returns 0, or
 * -errno with one line in `message`: -EPERM where not one of the events can be counted.
 */
int tare_stat_attach(pid_t pid, double for_s, const sigset_t *interrupts, const struct tare_stat_events *events,
                     struct tare_stat_run *run, char *message, size_t message_size);

void tare_stat_run_release(struct tare_stat_run *run);

#endif
