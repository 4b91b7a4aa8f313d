/* SPDX-License-Identifier: MIT */
/*
 * A profile: where samples of a program's stacks fell. The result of `tare profile`, and what is made of what
 * perf or another tool recorded.
 *
 *     sample -> node -> parent node ... -> root          (a stack: the innermost call first)
 *                |
 *              frame -> function, object, file, line
 *
 * Everything is kept once and named by its number: objects, frames, nodes, processes, threads, timers. A node's
 * parent has a smaller number than it. Samples stand in the order in which they were taken, if that is known.
 *
 * Strings are owned by the profile and are UTF-8 as far as the programs' were; whoever shows them cleans them
 * (view/escape.h). Functions are not safe to call on one profile from several threads.
 */
#ifndef TARE_RECORD_PROFILE_H
#define TARE_RECORD_PROFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TARE_PROFILE_NONE UINT32_MAX /* in place of a number */
/*
 * Stands for what a scope of tare.h took by itself, in a profile by timers: its net time is without. One frame, and
 * nothing further inside.
 */
#define TARE_PROFILE_MEASURING "[measuring]"
#define TARE_PROFILE_UNKNOWN UINT64_MAX /* of counts that may be unknown, where 0 is a count */

enum tare_profile_object_kind {
    TARE_OBJECT_FILE,    /* a program or library */
    TARE_OBJECT_KERNEL,  /* the kernel and its modules */
    TARE_OBJECT_VDSO,    /* the code that the kernel lends to each process */
    TARE_OBJECT_JIT,     /* code that the process made itself; named by its perf map file, if by anything */
    TARE_OBJECT_UNKNOWN, /* memory that belongs to no file */
};

/* Why functions of an object have no names, or fewer than they could. Bits. */
enum tare_profile_object_flags {
    TARE_OBJECT_NO_SYMBOLS = 1u << 0, /* stripped: exported functions at most */
    TARE_OBJECT_NO_DEBUG = 1u << 1,   /* no lines, no inlined calls */
    TARE_OBJECT_DELETED = 1u << 2,    /* it is no longer where it was */
    TARE_OBJECT_CHANGED = 1u << 3,    /* another file is there now (build id): not read */
    TARE_OBJECT_UNREADABLE = 1u << 4, /* it could not be opened or is damaged */
};

struct tare_profile_object {
    char *path;     /* "[kernel]", "[vdso]", "[jit]", "[unknown]" where there is no file */
    char *build_id; /* hexadecimal; NULL: none, or unknown */
    enum tare_profile_object_kind kind;
    uint32_t flags;
};

/*
 * One place of a call or of a sample. Where a compiler put one function's code into another, each is a frame
 * of its own, the inner one `inlined`. Frames are the same if all of their members are.
 */
struct tare_profile_frame {
    char *function;         /* demangled; NULL: unknown */
    uint32_t object;        /* number, or TARE_PROFILE_NONE */
    char *file;             /* of the source, as the debug information has it; NULL: unknown */
    uint32_t line;          /* of the call or sample in `file`; 0: unknown */
    uint32_t function_line; /* where the function is declared; 0: unknown */
    uint64_t address;       /* without a function: in the object as linked (of JIT code: in memory); else 0 */
    bool inlined;
    bool kernel;
};

struct tare_profile_node {
    uint32_t parent; /* number of the caller's node, or TARE_PROFILE_NONE: outermost */
    uint32_t frame;  /* number */
};

struct tare_profile_process {
    uint32_t pid;
    char *command; /* its name, or its command line; NULL: unknown */
};

struct tare_profile_thread {
    uint32_t process; /* number */
    uint32_t tid;
    char *name; /* NULL: unknown */
};

/* A timer of tare.h, as in struct tare_result_timer. */
struct tare_profile_timer {
    char *module;
    char *name;
};

enum tare_profile_sample_flags {
    TARE_SAMPLE_TRUNCATED = 1u << 0, /* the stack goes on outwards, but was not taken further */
};

struct tare_profile_sample {
    double time_ns;  /* since the profile's start; NAN: unknown */
    uint64_t weight; /* in the profile's unit */
    uint32_t node;   /* number of the innermost one, or TARE_PROFILE_NONE: no stack at all */
    uint32_t thread; /* number, or TARE_PROFILE_NONE */
    uint32_t timer;  /* number of the innermost timer with an open scope, or TARE_PROFILE_NONE */
    uint32_t flags;
};

/* What profiling costs: paired runs with and without, as `tare bench A --vs B` has them. */
struct tare_profile_overhead {
    bool measured;
    double ratio, low, high; /* of the times, with / without, and its interval */
    uint64_t pairs;
};

struct tare_profile {
    char *mode;   /* "lbr", "fp", "dwarf", "built-in"; of a file that was read: "perf-script", "folded" */
    char *reason; /* a sentence: why this mode; NULL: it was not chosen */
    char *event;  /* "cpu-clock", "cycles", "page-faults", "off-cpu", "wall-clock", ... */
    char *unit;   /* of the weights: "ns", "cycles", "samples", or the event's name in the plural */
    double frequency_hz; /* asked for, in each thread; NAN: unknown, or not by time */
    double interval_ns;  /* that there was between samples of a running thread, on average; NAN: unknown */
    double wall_ns;      /* for how long samples were taken; NAN: unknown */
    char **recorder;     /* argv of the program that took them (perf record ...), NULL-terminated; NULL: none */
    bool by_timer;       /* samples know their timer: none then means that no scope was open */
    bool off_cpu;        /* weights are times that threads did not run */

    uint64_t lost;           /* samples that were taken and lost; TARE_PROFILE_UNKNOWN */
    uint64_t truncated;      /* samples with TARE_SAMPLE_TRUNCATED; TARE_PROFILE_UNKNOWN: cannot be told */
    uint64_t unknown;        /* samples whose innermost function is unknown */
    uint64_t threads_missed; /* threads of which no samples could be taken; TARE_PROFILE_UNKNOWN */
    struct tare_profile_overhead overhead;

    struct tare_profile_object *objects;
    size_t object_count;
    struct tare_profile_frame *frames;
    size_t frame_count;
    struct tare_profile_node *nodes;
    size_t node_count;
    struct tare_profile_process *processes;
    size_t process_count;
    struct tare_profile_thread *threads;
    size_t thread_count;
    struct tare_profile_timer *timers;
    size_t timer_count;
    struct tare_profile_sample *samples;
    size_t sample_count;

    struct tare_profile_index *index; /* private: finds what is there already; NULL until something is added */
};

/* Empty: figures NAN, counts 0. NULL without memory. */
struct tare_profile *tare_profile_new(void);
void tare_profile_free(struct tare_profile *profile); /* NULL is fine */

/*
 * Each returns the number of what is the same already, or adds it and copies the strings; TARE_PROFILE_NONE
 * without memory (or beyond 2^32 - 2 of them). Numbers that are given must be valid or TARE_PROFILE_NONE where
 * that is allowed. Amortised constant time.
 */
uint32_t tare_profile_object(struct tare_profile *profile, const char *path, const char *build_id,
                             enum tare_profile_object_kind kind); /* flags: set by the caller, ORed */
uint32_t tare_profile_frame(struct tare_profile *profile, const struct tare_profile_frame *frame);
uint32_t tare_profile_node(struct tare_profile *profile, uint32_t parent, uint32_t frame);
uint32_t tare_profile_process(struct tare_profile *profile, uint32_t pid); /* command: set by the caller */
uint32_t tare_profile_thread(struct tare_profile *profile, uint32_t process, uint32_t tid);
uint32_t tare_profile_timer(struct tare_profile *profile, const char *module, const char *name);

/*
 * Counts `truncated` and `unknown` (a sample without a stack is one) along. Returns 0, -ENOMEM, or -EINVAL for
 * a number of something that is not there.
 */
int tare_profile_add(struct tare_profile *profile, const struct tare_profile_sample *sample);

/* Sorts the samples by time, those of unknown time behind, in the order in which they were added. */
void tare_profile_sort(struct tare_profile *profile);

/*
 * For how many ns of processor time samples stand, of a profile by the cpu-clock or task-clock of code outside of the kernel
 * and, unless *user_only, in it; NAN: its weights are something else.
 */
double tare_profile_cpu_ns(const struct tare_profile *profile, bool *user_only);

/* The function's name, or what stands for it: "[libc.so.6+0x1234]", "[unknown]". Returns `text` or the name. */
#define TARE_PROFILE_NAME 300
const char *tare_profile_frame_name(const struct tare_profile *profile, uint32_t frame,
                                    char text[TARE_PROFILE_NAME]);
/* The last part of the object's path; "" for TARE_PROFILE_NONE. */
const char *tare_profile_object_name(const struct tare_profile *profile, uint32_t object);

#endif
