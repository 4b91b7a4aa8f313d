/* SPDX-License-Identifier: MIT */
/*
 * What else the machine does while we look: two marks, and what lies between them. Processor time is counted by
 * the kernel in ticks of 1/sysconf(_SC_CLK_TCK) s, so over short spans it is coarse, and how coarse is told.
 */
#ifndef TARE_RECORD_LOAD_H
#define TARE_RECORD_LOAD_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum { TARE_LOAD_TOP = 3, TARE_LOAD_NAME = 64 };

struct tare_load_mark; /* what the counters read at one moment */

struct tare_load_process {
    pid_t pid;
    char name[TARE_LOAD_NAME];
    double cpus;          /* processors that it kept busy, */
    double children_cpus; /* and that children of it did which have ended meanwhile (a compiler's under make) */
};

/* NAN where unknown. */
struct tare_load {
    double seconds;
    double others_cpus;     /* processors busy with anything but this process; slightly negative for rounding */
    double resolution_cpus; /* how far that may be off */
    double named_cpus;      /* of these, by processes that were there at the second mark */
    double steal_share;     /* of the time that this machine wanted to run */
    double throttled;       /* periods in which our cgroup waited for its quota */
    double throttles;       /* times that the processor was slowed down for heat */
    struct tare_load_process top[TARE_LOAD_TOP]; /* those others that ran most */
    size_t top_count;
};

/* NULL: no memory. The caller frees it with tare_load_mark_free(), which takes NULL. */
struct tare_load_mark *tare_load_mark(const char *root);
void tare_load_mark_free(struct tare_load_mark *mark);

/* Fills `load` with what lies between the marks. */
void tare_load_between(const struct tare_load_mark *first, const struct tare_load_mark *last,
                       struct tare_load *load);

/* Interrupts that one processor has had, by the lines of /proc/interrupts. */
enum { TARE_INTERRUPTS_MAX = 512 };
struct tare_interrupt {
    char label[16]; /* what the line begins with: a number, or LOC, RES, ... */
    char name[TARE_LOAD_NAME];
    uint64_t count;
};
struct tare_interrupts {
    struct tare_interrupt list[TARE_INTERRUPTS_MAX];
    size_t count;
};

/* Returns 0, or -ENODATA where the file is not to be read or has no such processor. */
int tare_interrupts_read(struct tare_interrupts *interrupts, unsigned cpu, const char *root);

/*
 * The `room` sources with the most interrupts between two readings, most first; their `count` is what came
 * between. Returns how many there are.
 */
size_t tare_interrupts_top(const struct tare_interrupts *first, const struct tare_interrupts *last,
                           struct tare_interrupt *top, size_t room);

#endif
