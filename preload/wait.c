/* SPDX-License-Identifier: MIT */
/*
 * Calls that wait: for files, for time, for other threads, for children. Their time is mostly the waiting
 * itself, not the work of libc or the kernel. NEXT_TIMED is described in preload/next.h, which also says how to
 * add a call.
 */
#include "preload/next.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

TARE_MODULE("libc");

TARE_TIMER(poll);
NEXT_TIMED(poll, int, poll, (struct pollfd * fds, nfds_t n, int limit_ms), (fds, n, limit_ms));
NEXT_TIMED(poll, int, __poll_chk, (struct pollfd * fds, nfds_t n, int limit_ms, size_t room),
           (fds, n, limit_ms, room));

TARE_TIMER(ppoll);
NEXT_TIMED(ppoll, int, ppoll,
           (struct pollfd * fds, nfds_t n, const struct timespec *limit, const sigset_t *mask),
           (fds, n, limit, mask));
NEXT_TIMED(ppoll, int, __ppoll_chk,
           (struct pollfd * fds, nfds_t n, const struct timespec *limit, const sigset_t *mask, size_t room),
           (fds, n, limit, mask, room));

TARE_TIMER(select);
NEXT_TIMED(select, int, select, (int n, fd_set *in, fd_set *out, fd_set *odd, struct timeval *limit),
           (n, in, out, odd, limit));

TARE_TIMER(pselect);
NEXT_TIMED(pselect, int, pselect,
           (int n, fd_set *in, fd_set *out, fd_set *odd, const struct timespec *limit, const sigset_t *mask),
           (n, in, out, odd, limit, mask));

TARE_TIMER(epoll_wait);
NEXT_TIMED(epoll_wait, int, epoll_wait, (int fd, struct epoll_event *events, int max, int limit_ms),
           (fd, events, max, limit_ms));

TARE_TIMER(epoll_pwait);
NEXT_TIMED(epoll_pwait, int, epoll_pwait,
           (int fd, struct epoll_event *events, int max, int limit_ms, const sigset_t *mask),
           (fd, events, max, limit_ms, mask));

TARE_TIMER(nanosleep);
NEXT_TIMED(nanosleep, int, nanosleep, (const struct timespec *length, struct timespec *rest), (length, rest));

TARE_TIMER(clock_nanosleep);
NEXT_TIMED(clock_nanosleep, int, clock_nanosleep,
           (clockid_t clock, int flags, const struct timespec *length, struct timespec *rest),
           (clock, flags, length, rest));

TARE_TIMER(usleep);
NEXT_TIMED(usleep, int, usleep, (useconds_t length_us), (length_us));

TARE_TIMER(sleep);
NEXT_TIMED(sleep, unsigned, sleep, (unsigned length_s), (length_s));

TARE_TIMER(pthread_mutex_lock);
NEXT_TIMED(pthread_mutex_lock, int, pthread_mutex_lock, (pthread_mutex_t * mutex), (mutex));

TARE_TIMER(pthread_cond_wait);
NEXT_TIMED_OF(NEXT_VERSION_COND, pthread_cond_wait, int, pthread_cond_wait,
              (pthread_cond_t * condition, pthread_mutex_t *mutex), (condition, mutex));

TARE_TIMER(pthread_cond_timedwait);
NEXT_TIMED_OF(NEXT_VERSION_COND, pthread_cond_timedwait, int, pthread_cond_timedwait,
              (pthread_cond_t * condition, pthread_mutex_t *mutex, const struct timespec *until),
              (condition, mutex, until));
NEXT_TIMED(pthread_cond_timedwait, int, pthread_cond_clockwait,
           (pthread_cond_t * condition, pthread_mutex_t *mutex, clockid_t clock, const struct timespec *until),
           (condition, mutex, clock, until));

TARE_TIMER(wait);
NEXT_TIMED(wait, pid_t, wait, (int *status), (status));

TARE_TIMER(waitpid);
NEXT_TIMED(waitpid, pid_t, waitpid, (pid_t pid, int *status, int options), (pid, status, options));

TARE_TIMER(wait3);
NEXT_TIMED(wait3, pid_t, wait3, (int *status, int options, struct rusage *usage), (status, options, usage));

TARE_TIMER(wait4);
NEXT_TIMED(wait4, pid_t, wait4, (pid_t pid, int *status, int options, struct rusage *usage),
           (pid, status, options, usage));

TARE_TIMER(waitid);
NEXT_TIMED(waitid, int, waitid, (idtype_t kind, id_t id, siginfo_t *info, int options),
           (kind, id, info, options));
