/* SPDX-License-Identifier: MIT */
/*
 * How many system calls a program makes, all of its threads and descendants together, by ptrace(2). Private to
 * record/.
 *
 * Counted is each entry into the kernel that is seen as a system call, from behind the execve that starts
 * the program up to its exit_group, both of its own and of what it starts (there execve counts, too). Calls
 * that the vDSO answers are none. A call that the kernel restarts is one: being traced, a thread is
 * interrupted also by signals that it ignores, such as SIGCHLD while it waits. A program that traces itself,
 * or has more rights than we, behaves differently.
 */
#ifndef TARE_RECORD_SYSCALL_COUNT_H
#define TARE_RECORD_SYSCALL_COUNT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/types.h>

struct tare__traced {
    pid_t thread;
    uint64_t restarts_at; /* the instruction at which it was in a call that was interrupted; 0: it was not */
};

struct tare__syscalls {
    pid_t leader;
    struct tare__traced *threads;
    size_t count, room;
    uint64_t calls;
    bool started; /* the leader has become the program */
    bool leaving; /* who stops now is let go */
    bool lost;    /* the count is not complete */
};

/* The leader has not become the program yet. Returns 0 or -errno: then nothing is traced. */
int tare__syscalls_attach(struct tare__syscalls *calls, pid_t leader);

/*
 * Takes what has happened, without waiting: to be called when SIGCHLD comes, and again, without one, if `more`.
 * That is set when there may be more to take: of threads that make one call after the other there always is, so
 * this comes back after some hundred stops. Waits for all children, so there must be no others. Returns true
 * when the leader has ended, and how: it has been waited for then.
 */
bool tare__syscalls_step(struct tare__syscalls *calls, int *status, struct rusage *usage, bool *more);

/* Lets go of who lives on, and waits for who is ending, for at most a second. The count, or NAN. */
double tare__syscalls_finish(struct tare__syscalls *calls);

#endif
