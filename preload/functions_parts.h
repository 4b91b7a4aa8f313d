/* SPDX-License-Identifier: MIT */
/*
 * What the files of libtare-functions.so share.
 *
 *     functions.c          the hooks: from an address to its timer, and the scopes that are open on a thread
 *     functions_table.c    the table that `tare run` made: modules, their timers, pads that are made calls
 *     functions_x86_64.S   mcount, __fentry__, and what hooked functions return to
 *     functions_unwind.c   exceptions and backtraces, which must not see the latter
 *     functions_kernels.c  functions for the calibration, compiled once in each style
 *
 * Invariants:
 *  - a thread's frames have one writer, the thread and its signal handlers, which leave them as they were; but
 *    another thread may take a return address out that it goes on with;
 *  - what an address was found to be never changes, so it can be looked up without a lock;
 *  - on the way into a function and out of it there is no allocation, no lock and no system call, but for a
 *    thread's first and for what is looked up for the first time; errno is left alone.
 */
#ifndef TARE_PRELOAD_FUNCTIONS_PARTS_H
#define TARE_PRELOAD_FUNCTIONS_PARTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <tare/tare.h>

#include "preload/functions.h"
#include "runtime/kernels.h"

#define FUNCTIONS_HIDDEN __attribute__((visibility("hidden")))
#define FUNCTIONS_EXPORT __attribute__((visibility("default")))
#define FUNCTIONS_SLOW __attribute__((noinline, cold))
#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

/* The hooks that replace the return address are there for one processor. */
#if defined(__x86_64__)
#define FUNCTIONS_CAN_RETURN 1
#else
#define FUNCTIONS_CAN_RETURN 0
#endif

/* A function that is being executed. */
struct frame {
    tare_span span;        /* timer NULL: not recorded */
    uintptr_t function;    /* as the compiler names it; 0: one whose return address was replaced */
    uintptr_t stack;       /* how deep; where the return address is, if that was replaced */
    uintptr_t original;    /* that return address */
    uintptr_t is_put_back; /* 1: it is back in its place, for an unwinder */
};

/* Of one thread. The first frame is nobody's, and further out than all. */
struct frames {
    struct frame *top; /* the next to be used */
    struct frame *limit;
    uint64_t beyond;   /* calls so deep that there was no frame for them */
    bool put_back;     /* an exception is under way */
    bool have_returns; /* some function's return address was replaced */
    bool is_taken;     /* by a thread that is not over */
    size_t bytes;
    struct frames *next; /* of all that there are; see functions.c */
    struct frame first[];
};

extern FUNCTIONS_HIDDEN _Thread_local struct frames *functions__frames
    __attribute__((tls_model("initial-exec")));

/* functions.c */

/* What is remembered of an address: its timer, or that it has none. */
FUNCTIONS_HIDDEN bool functions__know_init(size_t functions);
/* Frames that were left by longjmp or an exception, and lie deeper than `stack`. */
FUNCTIONS_HIDDEN void functions__leave(struct frames *frames, uintptr_t stack);
FUNCTIONS_HIDDEN void functions__init_threads(void);

/* functions_table.c */

/*
 * A timer's address is even enough to say more of the function: that -pg's call finds a copy of the return
 * address, as the stack was aligned first, and which register tells of the true one.
 */
enum { FUNCTIONS_COPY_R10 = 1, FUNCTIONS_COPY_R13 = 2, FUNCTIONS_COPY = 3 };
_Static_assert(_Alignof(tare_timer) > FUNCTIONS_COPY, "room in a timer's address");

/* The timer of the function at this address of the process, with FUNCTIONS_COPY...; 0: none. *unsure: it may be
 * known later. */
FUNCTIONS_HIDDEN uintptr_t functions__what_is_at(uintptr_t address, bool *unsure);
/* Counts a call that is not in the table, or whose end was not heard in time. */
FUNCTIONS_HIDDEN void functions__lost(void);

#if FUNCTIONS_CAN_RETURN
/* functions_x86_64.S */
extern FUNCTIONS_HIDDEN const char functions__return[]; /* what hooked functions return to */
extern void __fentry__(void);

/* functions_unwind.c: puts the return addresses of what is open on a stack back, and replaces them again. */
FUNCTIONS_HIDDEN void functions__put_back(struct frames *frames, uintptr_t stack);
FUNCTIONS_HIDDEN void functions__replace(struct frames *frames, uintptr_t stack);
FUNCTIONS_HIDDEN void functions__init_unwind(void);
#endif

#endif
