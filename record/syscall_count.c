/* SPDX-License-Identifier: MIT */
/*
 * Each traced thread stops at each entry to and each return from a system call, and is sent on.
 * PTRACE_SEIZE, not PTRACE_TRACEME or PTRACE_ATTACH: it sends no SIGSTOP, and tells a thread that is stopped
 * by a signal (which is to stay so: PTRACE_LISTEN) from one that is about to get one. Which side of a call a
 * stop is on is asked of the kernel (PTRACE_GET_SYSCALL_INFO, Linux 5.3), as threads that begin or exec
 * within a call would upset a toggle.
 */
#include "record/syscall_count.h"

#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <time.h>

#include "record/monotonic.h"

/* Of ptrace(2); not all C libraries have names for them. */
enum {
    GET_SYSCALL_INFO = 0x420e,
    SIDE_ENTRY = 1,
    SIDE_EXIT = 2,
    RESTART_FIRST = 512, /* ERESTARTSYS to ERESTART_RESTARTBLOCK */
    RESTART_LAST = 516,
    EVENT_STOP = 128,
    FINISH_NS = 1000000000,
    PAUSE_NS = 1000000,
    EVENTS_MAX = 256, /* for each call of tare__syscalls_step() */
};

struct event {
    pid_t thread;
    int status;
};

static struct tare__traced *find(struct tare__syscalls *calls, pid_t thread)
{
    for (size_t i = calls->count; i-- > 0;) {
        if (calls->threads[i].thread == thread) {
            return &calls->threads[i];
        }
    }
    return NULL;
}

static void forget(struct tare__syscalls *calls, pid_t thread)
{
    struct tare__traced *traced = find(calls, thread);
    if (traced != NULL) {
        *traced = calls->threads[--calls->count];
    }
}

/* NULL without memory: it is let go at once, and the count is not complete. */
static struct tare__traced *remember(struct tare__syscalls *calls, pid_t thread)
{
    struct tare__traced *traced = find(calls, thread);
    if (traced != NULL) {
        return traced;
    }
    if (calls->count == calls->room) {
        size_t room = calls->room != 0 ? 2 * calls->room : 16;
        struct tare__traced *grown = realloc(calls->threads, room * sizeof(*grown));
        if (grown == NULL) {
            calls->lost = true;
            return NULL;
        }
        calls->threads = grown;
        calls->room = room;
    }
    calls->threads[calls->count] = (struct tare__traced){.thread = thread};
    return &calls->threads[calls->count++];
}

/* What fails here fails because the thread was killed meanwhile: its end will be reported. */
static void resume(const struct tare__syscalls *calls, pid_t thread, int signal)
{
    ptrace(calls->leaving ? PTRACE_DETACH : PTRACE_SYSCALL, thread, NULL, (void *)(intptr_t)signal);
}

/*
 * At one side of a call. A result that only the kernel sees says that the call was interrupted. It is
 * restarted, at the same instruction, unless a handler runs first: then the next call is the handler's, or
 * its return.
 */
static void at_call(struct tare__syscalls *calls, struct tare__traced *traced)
{
    struct {
        uint8_t side, padding[3];
        uint32_t architecture;
        uint64_t instruction, stack;
        int64_t result; /* on the way out */
        uint64_t more[16];
    } info = {0};
    long got =
        ptrace((__typeof__(PTRACE_SYSCALL))GET_SYSCALL_INFO, traced->thread, (void *)sizeof(info), &info);
    if (got <= 0) {
        calls->lost = calls->lost || errno != ESRCH;
    } else if (info.side == SIDE_ENTRY) {
        calls->calls += calls->started && info.instruction != traced->restarts_at;
        traced->restarts_at = 0;
    } else if (info.side == SIDE_EXIT && info.result <= -RESTART_FIRST && info.result >= -RESTART_LAST) {
        traced->restarts_at = info.instruction;
    }
}

/* A thread has stopped. */
static void stopped(struct tare__syscalls *calls, pid_t thread, int status)
{
    int signal = WSTOPSIG(status), event = status >> 16;
    struct tare__traced *traced = remember(calls, thread);
    bool known = traced != NULL;
    if (signal == (SIGTRAP | 0x80)) {
        if (known) {
            at_call(calls, traced);
        }
        signal = 0;
    } else if (event == PTRACE_EVENT_EXEC) {
        /* A thread that execs takes over its process's number, and its own is gone without a word. */
        unsigned long former = 0;
        if (ptrace(PTRACE_GETEVENTMSG, thread, NULL, &former) == 0 && (pid_t)former != thread) {
            forget(calls, (pid_t)former);
        }
        calls->started = calls->started || thread == calls->leader;
        signal = 0;
    } else if (event == EVENT_STOP && signal != SIGTRAP && !calls->leaving) {
        ptrace(PTRACE_LISTEN, thread, NULL, NULL);
        return;
    } else if (event != 0) {
        signal = 0;
    }
    if (!known) {
        ptrace(PTRACE_DETACH, thread, NULL, (void *)(intptr_t)signal);
        return;
    }
    resume(calls, thread, signal);
    if (calls->leaving) {
        forget(calls, thread);
    }
}

int tare__syscalls_attach(struct tare__syscalls *calls, pid_t leader)
{
    *calls = (struct tare__syscalls){.leader = leader};
    if (remember(calls, leader) == NULL) {
        return -ENOMEM;
    }
    long options = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE |
                   PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL;
    if (ptrace(PTRACE_SEIZE, leader, NULL, (void *)options) != 0) {
        int error = -errno;
        free(calls->threads);
        *calls = (struct tare__syscalls){0};
        return error;
    }
    return 0;
}

/* Where in the list, which ends at `count`, the thread is: `count` if it is not. */
static size_t place(const struct event *events, size_t count, pid_t thread)
{
    size_t at = 0;
    while (at < count && events[at].thread != thread) {
        at++;
    }
    return at;
}

bool tare__syscalls_step(struct tare__syscalls *calls, int *status, struct rusage *usage, bool *more)
{
    bool ended = false;
    size_t taken = 0, stops;
    *more = true;
    /*
     * All who have stopped are collected before one of them goes on: the kernel reports them in the order of
     * its list, and the first ones, which stop again at once, would leave the others no turn.
     */
    do {
        struct event events[EVENTS_MAX];
        stops = 0;
        while (taken < EVENTS_MAX) {
            int now;
            struct rusage used;
            pid_t thread = wait4(-1, &now, __WALL | WNOHANG, &used);
            if (thread < 0 && errno == EINTR) {
                continue;
            }
            if (thread <= 0) {
                *more = false;
                break;
            }
            taken++;
            /* One that is reported again was killed, or another thread took its number by an exec. */
            size_t at = place(events, stops, thread);
            if (WIFSTOPPED(now)) {
                events[at] = (struct event){thread, now};
                stops += at == stops;
                continue;
            }
            if (at < stops) {
                events[at] = events[--stops];
            }
            forget(calls, thread);
            if (thread == calls->leader) {
                *status = now;
                *usage = used;
                ended = true;
            }
        }
        for (size_t i = 0; i < stops; i++) {
            stopped(calls, events[i].thread, events[i].status);
        }
        *more = *more || stops > 0; /* these may have stopped again meanwhile */
    } while (stops > 0 && taken < EVENTS_MAX && !ended);
    return ended;
}

double tare__syscalls_finish(struct tare__syscalls *calls)
{
    uint64_t until_ns = tare__monotonic_ns() + FINISH_NS;
    calls->leaving = true;
    for (size_t i = 0; i < calls->count; i++) {
        ptrace(PTRACE_INTERRUPT, calls->threads[i].thread, NULL, NULL);
    }
    int status;
    struct rusage usage;
    bool more;
    tare__syscalls_step(calls, &status, &usage, &more);
    while (calls->count > 0 && tare__monotonic_ns() < until_ns) {
        if (!more) {
            nanosleep(&(struct timespec){.tv_nsec = PAUSE_NS}, NULL);
        }
        tare__syscalls_step(calls, &status, &usage, &more);
    }
    double count = calls->lost || !calls->started ? NAN : (double)calls->calls;
    free(calls->threads);
    *calls = (struct tare__syscalls){0};
    return count;
}
