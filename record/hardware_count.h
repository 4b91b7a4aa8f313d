/* SPDX-License-Identifier: MIT */
/*
 * Counters of perf_event_open(2) for one process and its descendants, from its exec on. What the kernel does
 * for them is not counted: that may be forbidden (perf_event_paranoid), and a count that means another thing
 * on each machine could not be compared. Private to record/.
 */
#ifndef TARE_RECORD_HARDWARE_COUNT_H
#define TARE_RECORD_HARDWARE_COUNT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum { TARE__HARDWARE_MAX = 8 };

struct tare__hardware_event {
    uint32_t type;
    uint64_t config;
};

/* enum tare_block_hardware; the rest are none. */
extern const struct tare__hardware_event tare__hardware_events[];
extern const size_t tare__hardware_event_count;

struct tare__hardware {
    int fds[TARE__HARDWARE_MAX]; /* -1: not to be had */
};

/* `pid` has not become the program yet. What cannot be opened stays unknown. */
void tare__hardware_open(struct tare__hardware *hardware, pid_t pid, const struct tare__hardware_event *events,
                         size_t count);

/* All `TARE__HARDWARE_MAX` counts; NAN: unknown. Closes the counters. */
void tare__hardware_finish(struct tare__hardware *hardware, double counts[TARE__HARDWARE_MAX]);

/* One counter by itself, for `tare stat`. */
struct tare__counter {
    struct tare__hardware_event event;
    bool user_only, kernel_only;
    bool on_exec; /* of us, stopped until one of our children becomes a program; else it runs at once */
    int group;    /* descriptor of one that is counted at the same times, or not at all; -1: none */
};
/* Of `pid` (0: us) and what it starts from now on. Returns a descriptor or -errno. Thread-safe. */
int tare__counter_open(const struct tare__counter *counter, pid_t pid);
/* Of all that it is of together. False: it cannot be read. */
bool tare__counter_read(int fd, uint64_t *count, uint64_t *enabled_ns, uint64_t *running_ns);

/*
 * What a counter that shared its place in the hardware with others would have counted, had it always run:
 * scaled by its share of the time (perf_event_open(2), PERF_FORMAT_TOTAL_TIME_RUNNING). NAN where it never
 * ran.
 */
double tare__hardware_scale(uint64_t count, uint64_t enabled_ns, uint64_t running_ns);

#endif
