/* SPDX-License-Identifier: MIT */
/*
 * One block of a benchmark: a process that is started, timed and looked at, and what the machine did meanwhile.
 * Made to take little time itself and to leave nothing behind: no thread, no child, no open descriptor.
 */
#ifndef TARE_RECORD_BLOCK_H
#define TARE_RECORD_BLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "record/spawn.h"

enum {
    TARE_BLOCK_TEXT_MAX = 1 << 20, /* of what a program tells its driver */
    TARE_BLOCK_OUTPUT_MAX = 4096,  /* of what it prints: the beginning is kept */
};

/* What to do with a standard stream of the program. */
enum tare_block_stream {
    TARE_BLOCK_NULL,    /* /dev/null */
    TARE_BLOCK_CAPTURE, /* emptied, the beginning kept: for those that should print nothing */
    TARE_BLOCK_INHERIT,
};

struct tare_block_request {
    const char *path; /* the executable */
    char *const *argv;
    const char *const *set; /* "NAME=VALUE": added to the environment, or replacing; NULL-terminated, or NULL */
    const char *input;      /* file or device for standard input; NULL: /dev/null */
    enum tare_block_stream output, errors;
    int lines_fd;     /* the number under which the program finds a pipe to us; -1: none */
    int pin_cpu;      /* -1: anywhere */
    double timeout_s; /* 0: none. Then it and its process group get SIGTERM, and SIGKILL a second later */
    size_t padding;   /* bytes added to the environment, so that the stack lies elsewhere */
    /* By ptrace(2), of all its threads and descendants: it runs much slower. We must have no other child. */
    bool count_syscalls;
    /* By perf_event_open(2), of it and its descendants, outside of the kernel; where it is allowed. */
    bool count_hardware;
    const char *preload; /* library that is put before LD_PRELOAD; NULL: none */
};

/* Unknown: NAN. Counts are over the whole process and the children that it waited for. */
struct tare_block_outcome {
    enum tare_end end;
    int code;
    int interrupted; /* SIGINT, SIGTERM ... that we got meanwhile: the program was stopped; 0: none */
    double wall_ns;  /* from before it was started until it had ended */
    double user_ns, system_ns;
    double wait_ns; /* its first thread could have run and did not: /proc/PID/schedstat */
    uint64_t minor_faults, major_faults, voluntary, involuntary;
    double max_rss_bytes; /* NAN also where it is not above our own peak: the kernel counts that, too */
    bool paused;          /* by SIGTSTP (Ctrl-Z), together with us: its times say nothing */
    bool left_children;   /* its process group had members that lived on; they were killed */
    double syscalls;      /* with count_syscalls, behind the execve that started it; a restarted one is one */
    double hardware[8];   /* with count_hardware: enum tare_block_hardware */
    char *text;           /* what came through lines_fd, NUL-terminated; "" without */
    size_t text_size;
    bool text_cut;      /* more than TARE_BLOCK_TEXT_MAX */
    char *output;       /* the beginning of what it printed, both streams as they came; NUL-terminated */
    size_t output_size; /* of all it printed: may be more */
};

enum tare_block_hardware {
    TARE_BLOCK_CYCLES,
    TARE_BLOCK_INSTRUCTIONS,
    TARE_BLOCK_BRANCHES,
    TARE_BLOCK_BRANCH_MISSES,
    TARE_BLOCK_CACHE_REFERENCES,
    TARE_BLOCK_CACHE_MISSES,
};

/*
 * Runs it to its end, which is that of the process that was started. Returns 0 however it ended, or -errno:
 * of exec if *not_started, else of our own doing (-EINVAL: lines_fd below 3, no such processor, a blank or
 * colon in preload; -ESPIPE: the input is a pipe, -EISDIR: a folder).
 *
 * It has a process group of its own, with SIGTTIN and SIGTTOU ignored, as it is in the terminal's
 * background; other signals are as we have them. It gets SIGKILL when we end before it. What of its group
 * lives on behind its end is killed. While it runs, SIGINT, SIGTERM, SIGHUP and SIGQUIT that are not
 * ignored, also those that were pending, stop it as a time limit does (the second one at once) and set
 * `interrupted`; SIGTSTP (Ctrl-Z) stops it together with us. Before and after, they are as they were. Takes
 * some 50 us more than the process. Not for a program with other threads. outcome is released by
 * tare_block_release(), also after an error.
 */
int tare_block_run(const struct tare_block_request *block, struct tare_block_outcome *outcome,
                   bool *not_started);
void tare_block_release(struct tare_block_outcome *outcome);

/* What the machine did: a mark before a round, and one behind it. Cheap: a few small files, some 20 us. */
struct tare_machine_mark {
    uint64_t now_ns;     /* CLOCK_MONOTONIC */
    double steal_ns;     /* /proc/stat, all processors; coarse: ticks of 10 ms */
    double pressure_ns;  /* /proc/pressure/cpu some total */
    double throttled_ns; /* by our cgroup's quota; 0 without one */
    double frequency_hz; /* of the processors, the mean (of many: of 32 of them), where the kernel tells */
};
/* Keeps files open between marks; `root` stands before their names ("" is the real one). */
struct tare_machine_marks;
struct tare_machine_marks *tare_machine_marks_new(const char *root); /* NULL without memory */
void tare_machine_marks_free(struct tare_machine_marks *marks);
void tare_machine_mark(struct tare_machine_marks *marks, struct tare_machine_mark *mark);

#endif
