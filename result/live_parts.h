/* SPDX-License-Identifier: MIT */
/*
 * What the files that read live processes share. Private to result/live*.c. Functions that return an int return 0
 * or -errno.
 */
#ifndef TARE_RESULT_LIVE_PARTS_H
#define TARE_RESULT_LIVE_PARTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#include "record/process_name.h"
#include "record/reader.h"
#include "result/telemetry_parts.h"

/* Earlier readings of a process that are kept, at most. */
enum { TARE__LIVE_PASTS = 10 };

/* A process that there is, and how often it was looked at. */
struct tare__live_looked_at {
    pid_t pid;
    unsigned looks;
};

/* What we changed of an instrument. */
enum tare__live_switched { TARE__UNTOUCHED, TARE__WAS_OFF, TARE__WAS_ON };

struct tare__live_process {
    uint64_t id;
    pid_t pid;
    uint64_t start_time_jiffies;
    dev_t device;
    ino_t inode;
    struct tare_page_source source; /* its descriptor is -1 once the process has ended */
    bool writable;
    bool ignored; /* its name is not the one that was asked for */
    bool found;   /* by the last look for processes */
    bool alive;
    bool has_view;     /* `view` is of this poll, or the last one before it ended */
    bool fresh;        /* of this poll */
    bool failed;       /* the last reading did, and `complaint` says why */
    bool settled;      /* has ended, and its figures are without a window */
    double due_ns;     /* not to be read before, CLOCK_MONOTONIC */
    bool locked;       /* we hold the lock of its controls */
    uint8_t *switched; /* enum tare__live_switched, by number in the directory */
    size_t switched_count;
    size_t switched_now;             /* those that are not TARE__UNTOUCHED */
    struct tare__switched *switches; /* those of the last window or so */
    size_t switch_count;
    struct tare_page_reader *reader;
    struct tare_page_view view;
    struct tare__past now, *pasts; /* oldest first */
    size_t past_count;
    struct tare_process_names names;
    char *name, *command, started[32];
    double cpu_ns;
    double origin_ns;         /* CLOCK_MONOTONIC when times of frames count from; NAN: unknown */
    struct tare__arena arena; /* of `figures` */
    struct tare_process_figures figures;
    char complaint[160];
};

struct tare_live {
    pid_t *pids;
    size_t pid_count;
    bool all_pids;
    char *name;
    double window_ns;
    bool histograms, stays, keep_ended;
    struct tare__live_process **processes; /* by pid, then id */
    size_t count, capacity;
    uint64_t next_id;
    double discovered_ns; /* NAN: look for processes at the next poll */
    unsigned looks;
    struct tare__live_looked_at *looked_at; /* of all processes there were, by pid */
    size_t looked_at_count;
    size_t denied; /* when all were looked at */
    uint64_t polls, shape, shape_hash;
    struct tare__arena arena;
    struct tare_telemetry telemetry;
};

double tare__live_clock_ns(clockid_t clock); /* NAN: it cannot be read */

/* What only a process that runs needs. */
void tare__live_process_close(struct tare__live_process *process);
void tare__live_process_free(struct tare__live_process *process);

/* Who is there: result/live_find.c. What is not found any more has ended, or runs another program now. */
int tare__live_discover(struct tare_live *live, char *message, size_t message_size);

/* Into `message`, unless there is one already: the first one stays. */
void tare__live_complain(char *message, size_t size, pid_t pid, const char *what);

/*
 * What a process says: result/live_read.c. Reading fails for that process alone, and says why in its complaint.
 * Its figures follow from what was read, and from what it said a window ago; -ENOMEM.
 */
void tare__live_process_read(struct tare_live *live, struct tare__live_process *process);
int tare__live_process_fill(struct tare_live *live, struct tare__live_process *process);
void tare__live_process_fail(struct tare__live_process *process, const char *what);

#endif
