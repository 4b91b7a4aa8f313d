/* SPDX-License-Identifier: MIT */
/*
 * On which processors the threads of measured processes run, and how often they have moved from one to another,
 * as /proc tells it when it is asked. What a thread does between the last look and its end is not seen, nor one
 * that comes and goes between two looks: counts are lower bounds.
 *
 * perf_event_open(2) counts exactly (PERF_COUNT_SW_CPU_MIGRATIONS), but not for nothing: with an inherited
 * event in place each context switch took 350 ns longer on the VM of docs/cost.md, and making a thread 3.5 µs,
 * which is what people measure. A look costs the program nothing, and us some 10 µs for each thread: how often
 * that is worth it is the caller's to say.
 */
#ifndef TARE_RECORD_MIGRATIONS_H
#define TARE_RECORD_MIGRATIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Threads that are kept in mind, and those that one look asks after; the next look goes on behind these. */
enum { TARE_MIGRATIONS_THREADS = 1024, TARE_MIGRATIONS_LOOK = 64 };

struct tare_migrations_thread {
    pid_t pid, tid;
    uint64_t start_time_jiffies;
    uint64_t before; /* moves that are not the program's doing */
    uint64_t moves;
    uint64_t asked_ns;      /* when it was read where the thread may run; 0: never */
    bool allowed_elsewhere; /* what was read then */
};

struct tare_migrations {
    int pin;          /* the only processor that threads may run on; -1: any */
    const char *root; /* before the names of files in /proc; "" but for tests */
    struct tare_migrations_thread *threads;
    size_t count;
    size_t skip;    /* threads that the last look left behind */
    uint64_t looks; /* at a thread, that found one */
    uint64_t moves; /* of threads that have ended */
    bool told;      /* the kernel told the moves of one thread at least */

    /* With `pin`: */
    uint64_t elsewhere;  /* looks that found a thread on another processor, or allowed to be */
    pid_t elsewhere_tid; /* the first of them, and where it was; -1: it was only allowed to be elsewhere */
    int elsewhere_cpu;
};

/* Starts with nothing; `pin` -1: threads may run anywhere. Returns 0 or -ENOMEM. */
int tare_migrations_init(struct tare_migrations *migrations, int pin);
void tare_migrations_release(struct tare_migrations *migrations);

/*
 * What the threads of the process have moved so far is not counted: it was somebody else's doing, or happened
 * before anything was measured. Threads that no call of this found count from their beginning.
 */
void tare_migrations_begin(struct tare_migrations *migrations, pid_t pid);

/*
 * Looks at the threads of these processes; those that have ended, or that we may not see, are passed over.
 * `now_ns`: of CLOCK_MONOTONIC. Where a thread may run is read once a second at most, but in any case at the
 * `last` look.
 */
void tare_migrations_look(struct tare_migrations *migrations, const pid_t *pids, size_t count, uint64_t now_ns,
                          bool last);

/* How often threads were moved, at least; UINT64_MAX: the kernel does not tell, or nobody looked in time. */
uint64_t tare_migrations_count(const struct tare_migrations *migrations);

#endif
