/* SPDX-License-Identifier: MIT */
/*
 * The processes and threads that a recording of perf speaks of, and what code was mapped where. Private to
 * record/.
 */
#ifndef TARE_RECORD_PERF_PROCESSES_H
#define TARE_RECORD_PERF_PROCESSES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "record/profile.h"

struct tare__perf_map {
    uint64_t address, size, offset;
    uint32_t path; /* number */
};

struct tare__perf_process {
    uint32_t pid;
    uint32_t state; /* another one after each change of what is mapped; not that of any other process */
    struct tare__perf_map *maps;
    size_t map_count, map_room;
};

struct tare__perf_thread {
    uint32_t pid, tid;
    uint32_t process; /* index of it */
    uint32_t number;  /* in the profile; TARE_PROFILE_NONE: it has no sample yet */
    bool named;       /* in the profile */
    bool exited;
    /* Of the last switch away from it, with off-cpu: */
    bool waits;
    uint32_t node, flags;
    uint64_t since_ns;
};

struct tare__perf_index {
    uint32_t *slots; /* number + 1; 0: empty */
    size_t room, count;
};

/* All zero: empty. */
struct tare__perf_processes {
    struct tare__perf_process *processes;
    size_t process_count, process_room;
    struct tare__perf_thread *threads;
    size_t thread_count, thread_room;
    char **paths;
    size_t path_count, path_room;
    struct tare__perf_index by_pid, by_tid, by_path;
    uint32_t states;
};

void tare__perf_processes_release(struct tare__perf_processes *all);

/*
 * The thread, added if it is new, also to the profile, under its name of now if none is known yet (NULL: not
 * said). `pid` -1: that of earlier lines, or else the thread's own. NULL: `tid` is -1, or without memory. Valid
 * until the next call.
 */
struct tare__perf_thread *tare__perf_thread(struct tare__perf_processes *all, struct tare_profile *profile,
                                            int64_t pid, int64_t tid, const char *name, size_t name_length);

/* What records say. Return 0 or -ENOMEM. */
int tare__perf_process_map(struct tare__perf_processes *all, uint32_t pid, uint64_t address, uint64_t size,
                           uint64_t offset, const char *path);
int tare__perf_fork(struct tare__perf_processes *all, uint32_t parent_pid, uint32_t pid, uint32_t tid);
int tare__perf_rename(struct tare__perf_processes *all, struct tare_profile *profile, uint32_t pid,
                      uint32_t tid, const char *name, size_t name_length);
void tare__perf_process_exec(struct tare__perf_processes *all, uint32_t pid);
void tare__perf_exit(struct tare__perf_processes *all, uint32_t tid);

uint32_t tare__perf_process_state(const struct tare__perf_processes *all, uint32_t process);

/*
 * What `ip`, beside which perf named the object `path`, can mean: a place in that file that is mapped at
 * *address (*offset), or an address at which that file is mapped (*absolute).
 */
void tare__perf_process_find(const struct tare__perf_processes *all, uint32_t process, uint64_t ip,
                             const char *path, size_t path_length, uint64_t *address, bool *offset,
                             bool *absolute);

#endif
