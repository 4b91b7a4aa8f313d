/* SPDX-License-Identifier: MIT */
/*
 * Calls that a signal cuts short with EINTR, whatever SA_RESTART says (signal(7)): a program that has no
 * handlers itself need not expect that.
 *
 * By CPU clock, a sample falls into such a call only where it begins or ends, while the thread still runs.
 * The handler sees that it has ended a system call with EINTR (the interrupted instruction is behind one,
 * with -EINTR as its result), and the wrapper goes on with the time that is left. Another signal's handler
 * that runs in the microseconds between the two is run, but does not end the call; one that came first or
 * at the same time does.
 *
 * By wall clock, threads that wait are meant to be sampled, and would be cut short all the time. There our
 * signal is blocked while the call lasts: what expired meanwhile is delivered behind it, at once, as one
 * sample of the stack that has waited, with the whole time as its weight. It comes where we unblock the
 * signal, so the handler is told which function of libc has waited. Other signals do what they always do. A
 * wait that has not ended when the process does is not in the profile.
 *
 * What moves data is in profile_transfer.c. Not here: by CPU clock, sockets with SO_RCVTIMEO or SO_SNDTIMEO; and
 * calls that libc makes to itself.
 */
#include "preload/profile.h"

#include <poll.h>
#include <semaphore.h>
#include <sys/epoll.h>
#include <sys/msg.h>
#include <sys/select.h>
#include <sys/sem.h>
#include <threads.h>
#include <unistd.h>

enum how {
    AWAY,  /* not sampled: as if we were not there */
    WATCH, /* our signal may come, and is told from others */
    HOLD,  /* it may not */
};

/* `function`: libc's own, for which we stand. */
static enum how begin_wait(bool hold, const void *function)
{
    if (!profile__self.armed) {
        return AWAY;
    }
    if (hold || (profile.flags & TARE_SAMPLES_WALL) != 0) {
        profile__hold(function);
        return HOLD;
    }
    profile__self.interrupted = false;
    return WATCH;
}

#define FUNCTION(symbol) ((const void *)(uintptr_t)NEXT(symbol))

static void end_wait(enum how how)
{
    if (how == HOLD) {
        profile__let_go();
    }
}

/* Whether the call is to go on, which then failed with `error`. */
static bool goes_on(enum how how, int error)
{
    if (how != WATCH || error != EINTR || !profile__self.interrupted) {
        return false;
    }
    profile__self.interrupted = false;
    return true;
}

static int error_of(int64_t result)
{
    return result == -1 ? errno : 0;
}

/* ---- deadlines ---- */

static uint64_t ns_of(const struct timespec *time)
{
    return time->tv_sec < 0 ? 0
           : (uint64_t)time->tv_sec > UINT32_MAX
               ? UINT64_MAX / 4
               : (uint64_t)time->tv_sec * 1000000000u + (uint64_t)time->tv_nsec;
}

/* 0: none is kept. */
static uint64_t deadline_in(enum how how, uint64_t ns)
{
    return how == WATCH ? profile__now(CLOCK_MONOTONIC) + ns : 0;
}

static uint64_t left_until(uint64_t deadline)
{
    uint64_t now = profile__now(CLOCK_MONOTONIC);
    return deadline > now ? deadline - now : 0;
}

static struct timespec time_left(uint64_t deadline)
{
    uint64_t left = left_until(deadline);
    return (struct timespec){.tv_sec = (time_t)(left / 1000000000u), .tv_nsec = (long)(left % 1000000000u)};
}

static int milliseconds_left(uint64_t deadline)
{
    return (int)((left_until(deadline) + 999999) / 1000000);
}

/* ---- descriptors ---- */

/* With the time in milliseconds; one that does not wait is left alone. */
#define WAIT_MS(symbol, params, args)                                                                          \
    NEXT_OF(NULL, int, symbol, params, args);                                                                  \
    int symbol params                                                                                          \
    {                                                                                                          \
        enum how how = timeout == 0 ? AWAY : begin_wait(false, FUNCTION(symbol));                              \
        uint64_t deadline = timeout > 0 ? deadline_in(how, (uint64_t)timeout * 1000000u) : 0;                  \
        int result = NEXT(symbol) args;                                                                        \
        while (goes_on(how, error_of(result))) {                                                               \
            timeout = timeout > 0 ? milliseconds_left(deadline) : timeout;                                     \
            result = NEXT(symbol) args;                                                                        \
        }                                                                                                      \
        end_wait(how);                                                                                         \
        return result;                                                                                         \
    }                                                                                                          \
    NEXT_LINE_END

WAIT_MS(poll, (struct pollfd * fds, nfds_t count, int timeout), (fds, count, timeout));
NEXT_EXPORT int __poll(struct pollfd *fds, nfds_t count, int timeout);
WAIT_MS(__poll, (struct pollfd * fds, nfds_t count, int timeout), (fds, count, timeout));
NEXT_EXPORT int __poll_chk(struct pollfd *fds, nfds_t count, int timeout, size_t room);
WAIT_MS(__poll_chk, (struct pollfd * fds, nfds_t count, int timeout, size_t room), (fds, count, timeout, room));
WAIT_MS(epoll_wait, (int fd, struct epoll_event *events, int max, int timeout), (fd, events, max, timeout));

/* With a mask for the time of the call: our signal is in it, too. */
static const sigset_t *held_mask(const sigset_t *mask, sigset_t *copy)
{
    if (mask == NULL || !profile__self.armed) {
        return mask;
    }
    *copy = *mask;
    sigaddset(copy, profile.signal);
    return copy;
}

#define MASK_MS(symbol, params, args)                                                                          \
    NEXT_OF(NULL, int, symbol, params, args);                                                                  \
    int symbol params                                                                                          \
    {                                                                                                          \
        sigset_t copy;                                                                                         \
        enum how how = timeout == 0 || mask != NULL ? AWAY : begin_wait(false, FUNCTION(symbol));              \
        uint64_t deadline = timeout > 0 ? deadline_in(how, (uint64_t)timeout * 1000000u) : 0;                  \
        mask = held_mask(mask, &copy);                                                                         \
        int result = NEXT(symbol) args;                                                                        \
        while (goes_on(how, error_of(result))) {                                                               \
            timeout = timeout > 0 ? milliseconds_left(deadline) : timeout;                                     \
            result = NEXT(symbol) args;                                                                        \
        }                                                                                                      \
        end_wait(how);                                                                                         \
        return result;                                                                                         \
    }                                                                                                          \
    NEXT_LINE_END

MASK_MS(epoll_pwait, (int fd, struct epoll_event *events, int max, int timeout, const sigset_t *mask),
        (fd, events, max, timeout, mask));

#define MASK_TIME(symbol, params, args)                                                                        \
    NEXT_OF(NULL, int, symbol, params, args);                                                                  \
    int symbol params                                                                                          \
    {                                                                                                          \
        sigset_t copy;                                                                                         \
        struct timespec left;                                                                                  \
        enum how how = mask != NULL ? AWAY : begin_wait(false, FUNCTION(symbol));                              \
        uint64_t deadline = timeout != NULL ? deadline_in(how, ns_of(timeout)) : 0;                            \
        mask = held_mask(mask, &copy);                                                                         \
        int result = NEXT(symbol) args;                                                                        \
        while (goes_on(how, error_of(result))) {                                                               \
            left = time_left(deadline);                                                                        \
            timeout = timeout != NULL ? &left : NULL;                                                          \
            result = NEXT(symbol) args;                                                                        \
        }                                                                                                      \
        end_wait(how);                                                                                         \
        return result;                                                                                         \
    }                                                                                                          \
    NEXT_LINE_END

MASK_TIME(ppoll, (struct pollfd * fds, nfds_t count, const struct timespec *timeout, const sigset_t *mask),
          (fds, count, timeout, mask));
NEXT_EXPORT int __ppoll_chk(struct pollfd *fds, nfds_t count, const struct timespec *timeout,
                            const sigset_t *mask, size_t room);
MASK_TIME(__ppoll_chk,
          (struct pollfd * fds, nfds_t count, const struct timespec *timeout, const sigset_t *mask,
           size_t room),
          (fds, count, timeout, mask, room));
MASK_TIME(pselect,
          (int count, fd_set *in, fd_set *out, fd_set *other, const struct timespec *timeout,
           const sigset_t *mask),
          (count, in, out, other, timeout, mask));
NEXT_EXPORT int epoll_pwait2(int fd, struct epoll_event *events, int max, const struct timespec *timeout,
                             const sigset_t *mask);
MASK_TIME(epoll_pwait2,
          (int fd, struct epoll_event *events, int max, const struct timespec *timeout, const sigset_t *mask),
          (fd, events, max, timeout, mask));

/* Linux leaves in *timeout what is left of it, and the sets alone if it fails. */
NEXT_OF(NULL, int, select, (int count, fd_set *in, fd_set *out, fd_set *other, struct timeval *timeout),
        (count, in, out, other, timeout));
int select(int count, fd_set *in, fd_set *out, fd_set *other, struct timeval *timeout)
{
    bool waits = timeout == NULL || timeout->tv_sec != 0 || timeout->tv_usec != 0;
    enum how how = waits ? begin_wait(false, FUNCTION(select)) : AWAY;
    int result = NEXT(select)(count, in, out, other, timeout);
    while (goes_on(how, error_of(result))) {
        result = NEXT(select)(count, in, out, other, timeout);
    }
    end_wait(how);
    return result;
}

/* ---- sleeping ---- */

NEXT_OF(NULL, int, clock_nanosleep,
        (clockid_t clock, int flags, const struct timespec *time, struct timespec *remaining),
        (clock, flags, time, remaining));
NEXT_OF(NULL, int, nanosleep, (const struct timespec *time, struct timespec *remaining), (time, remaining));
NEXT_EXPORT int __nanosleep(const struct timespec *time, struct timespec *remaining);
NEXT_OF(NULL, int, usleep, (useconds_t us), (us));
NEXT_OF(NULL, unsigned, sleep, (unsigned seconds), (seconds));
NEXT_OF(NULL, int, thrd_sleep, (const struct timespec *time, struct timespec *remaining), (time, remaining));

/* `function`: which of them it was called as. */
static int any_sleep(const void *function, clockid_t clock, int flags, const struct timespec *time,
                     struct timespec *remaining)
{
    struct timespec left = {0, 0}, again;
    bool relative = (flags & TIMER_ABSTIME) == 0;
    enum how how = begin_wait(false, function);
    int error = NEXT(clock_nanosleep)(clock, flags, time, relative ? &left : NULL);
    while (goes_on(how, error)) {
        if (relative) {
            again = left;
            time = &again;
        }
        error = NEXT(clock_nanosleep)(clock, flags, time, relative ? &left : NULL);
    }
    end_wait(how);
    if (error == EINTR && relative && remaining != NULL) {
        *remaining = left;
    }
    return error;
}

int clock_nanosleep(clockid_t clock, int flags, const struct timespec *time, struct timespec *remaining)
{
    return any_sleep(FUNCTION(clock_nanosleep), clock, flags, time, remaining);
}

/* As libc has it: by a clock that is set, but in relative time, which setting it does not change. */
static int sleep_for(const void *function, const struct timespec *time, struct timespec *remaining)
{
    int error = any_sleep(function, CLOCK_REALTIME, 0, time, remaining);
    if (error != 0) {
        errno = error;
        return -1;
    }
    return 0;
}

int nanosleep(const struct timespec *time, struct timespec *remaining)
{
    return sleep_for(FUNCTION(nanosleep), time, remaining);
}

int __nanosleep(const struct timespec *time, struct timespec *remaining)
{
    return sleep_for(FUNCTION(nanosleep), time, remaining);
}

int usleep(useconds_t us)
{
    struct timespec time = {.tv_sec = us / 1000000, .tv_nsec = (long)(us % 1000000) * 1000};
    return sleep_for(FUNCTION(usleep), &time, NULL);
}

unsigned sleep(unsigned seconds)
{
    int saved = errno;
    struct timespec left = {0, 0};
    if (sleep_for(FUNCTION(sleep), &(struct timespec){.tv_sec = (time_t)seconds}, &left) != 0) {
        return (unsigned)left.tv_sec;
    }
    errno = saved;
    return 0;
}

int thrd_sleep(const struct timespec *time, struct timespec *remaining)
{
    int error = any_sleep(FUNCTION(thrd_sleep), CLOCK_REALTIME, 0, time, remaining);
    return error == 0 ? 0 : error == EINTR ? -1 : -2;
}

/* ---- semaphores, queues, signals ---- */

/* With a deadline of their own, or without any. */
#define WAIT_PLAIN(hold, type, symbol, params, args)                                                           \
    NEXT_OF(NULL, type, symbol, params, args);                                                                 \
    type symbol params                                                                                         \
    {                                                                                                          \
        enum how how = begin_wait(hold, FUNCTION(symbol));                                                     \
        type result = NEXT(symbol) args;                                                                       \
        while (goes_on(how, error_of(result))) {                                                               \
            result = NEXT(symbol) args;                                                                        \
        }                                                                                                      \
        end_wait(how);                                                                                         \
        return result;                                                                                         \
    }                                                                                                          \
    NEXT_LINE_END

WAIT_PLAIN(false, int, sem_timedwait, (sem_t * semaphore, const struct timespec *until), (semaphore, until));
NEXT_EXPORT int sem_clockwait(sem_t *semaphore, clockid_t clock, const struct timespec *until);
WAIT_PLAIN(false, int, sem_clockwait, (sem_t * semaphore, clockid_t clock, const struct timespec *until),
           (semaphore, clock, until));
WAIT_PLAIN(false, int, msgsnd, (int queue, const void *message, size_t size, int flags),
           (queue, message, size, flags));
WAIT_PLAIN(false, ssize_t, msgrcv, (int queue, void *message, size_t size, long kind, int flags),
           (queue, message, size, kind, flags));
WAIT_PLAIN(false, int, semop, (int set, struct sembuf *operations, size_t count), (set, operations, count));
/* Its time is relative, and it does not say what is left of it. */
WAIT_PLAIN(true, int, semtimedop,
           (int set, struct sembuf *operations, size_t count, const struct timespec *timeout),
           (set, operations, count, timeout));
WAIT_PLAIN(true, int, pause, (void), ());
