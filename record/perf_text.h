/* SPDX-License-Identifier: MIT */
/*
 * The lines that `perf script` prints, each by itself. Nothing is copied: what is found points into the line.
 * Thread-safe. Private to record/.
 *
 *     deep 27990/27990 34920.470459:     100000 cpu-clock:           head of a sample (or of a record)
 *                13a6c __GI___tunables_init+0xfc (/usr/lib/ld.so)    frame, the innermost first
 *       rtld.c:512                                                   its line, with -F srcline
 *                                                                    end of the sample
 */
#ifndef TARE_RECORD_PERF_TEXT_H
#define TARE_RECORD_PERF_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tare__words {
    const char *text; /* not terminated */
    size_t length;    /* 0: there is none */
};

struct tare__perf_head {
    struct tare__words command;
    int64_t pid, tid; /* -1: not said, or of nobody */
    bool has_time, has_period;
    uint64_t time_ns;
    uint64_t period;
    struct tare__words event; /* with its modifiers: "cycles:u" */
    struct tare__words
        rest; /* behind the event: the frame of a sample without stack, or a tracepoint's words */
};

struct tare__perf_frame {
    uint64_t ip; /* in the object's file for user code, in memory for the kernel's; older perf: in memory */
    struct tare__words symbol; /* none: unknown */
    struct tare__words object; /* what stands in the brackets at the end */
    bool inlined;
};

struct tare__perf_source {
    struct tare__words file;
    uint32_t line;
    bool inlined; /* the frame in front of it */
};

enum tare__perf_record_kind {
    TARE__PERF_RECORD_OTHER, /* known to be none of the following */
    TARE__PERF_RECORD_MAP,
    TARE__PERF_RECORD_FORK,
    TARE__PERF_RECORD_COMM,
    TARE__PERF_RECORD_EXIT,
    TARE__PERF_RECORD_LOST,
    TARE__PERF_RECORD_SWITCH,
};

struct tare__perf_record {
    enum tare__perf_record_kind kind;
    struct tare__perf_head head;
    int64_t pid, tid;                  /* of MAP, FORK (the child), COMM, EXIT */
    int64_t parent_pid;                /* of FORK */
    uint64_t address, size, offset;    /* of MAP */
    bool executable;                   /* of MAP */
    struct tare__words path, build_id; /* of MAP */
    struct tare__words name;           /* of COMM */
    bool exec;                         /* of COMM: it has become another program */
    uint64_t lost;                     /* of LOST */
    bool in, preempted;                /* of SWITCH */
};

/* The line has no newline, but a NUL at its end. False: it is no such line. */
bool tare__perf_text_head(const char *line, struct tare__perf_head *head);
bool tare__perf_text_frame(const char *line, struct tare__perf_frame *frame);
/* "  file.c:12", or "??:0": then there is no file. */
bool tare__perf_text_source(const char *line, struct tare__perf_source *source);
bool tare__perf_text_record(const char *line, struct tare__perf_record *record);

#endif
