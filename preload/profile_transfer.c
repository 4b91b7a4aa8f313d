/* SPDX-License-Identifier: MIT */
/*
 * Calls that a signal may end early, though it would be restarted, and system calls that the program makes by
 * their number.
 *
 * A transfer that has moved something when a signal comes returns with that much (a write to a pipe, recv with
 * MSG_WAITALL); a socket with a timeout, or a futex, fails with EINTR whatever SA_RESTART says (signal(7)). By CPU
 * clock our signal comes to a thread that runs; but by wall clock to those that wait, all the time. So by wall
 * clock, it is blocked meanwhile (profile_wait.c, which has the calls that only wait). Else, a call of these costs
 * a branch.
 *
 * Not here: calls that libc makes to itself; system calls that are made without libc; and by number those with a
 * signal mask of their own (ppoll, pselect6, epoll_pwait, rt_sigsuspend), in which our signal is not.
 */
#include "preload/profile.h"

#include <fcntl.h>
#include <mqueue.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/seccomp.h>

#ifndef SYS_seccomp
#error "the kernel's headers are older than seccomp(2)"
#endif

static bool holds(void)
{
    return unlikely((profile.flags & TARE_SAMPLES_WALL) != 0) && profile__self.armed;
}

/* The call apart, so that there is nothing of ours on the stack otherwise. */
#define HELD_AS(name, type, symbol, params, args)                                                              \
    static __attribute__((noinline)) type held_##symbol params                                                 \
    {                                                                                                          \
        profile__hold((const void *)(uintptr_t)NEXT(symbol));                                                  \
        type result = NEXT(symbol) args;                                                                       \
        profile__let_go();                                                                                     \
        return result;                                                                                         \
    }                                                                                                          \
    type name params                                                                                           \
    {                                                                                                          \
        return holds() ? held_##symbol args : NEXT(symbol) args;                                               \
    }                                                                                                          \
    NEXT_LINE_END
#define HELD(type, symbol, params, args)                                                                       \
    NEXT_OF(NULL, type, symbol, params, args);                                                                 \
    HELD_AS(symbol, type, symbol, params, args)

HELD(ssize_t, read, (int fd, void *to, size_t size), (fd, to, size));
HELD(ssize_t, __read, (int fd, void *to, size_t size), (fd, to, size));
HELD(ssize_t, __read_chk, (int fd, void *to, size_t size, size_t room), (fd, to, size, room));
HELD(ssize_t, write, (int fd, const void *from, size_t size), (fd, from, size));
HELD(ssize_t, __write, (int fd, const void *from, size_t size), (fd, from, size));
HELD(ssize_t, pread, (int fd, void *to, size_t size, off_t at), (fd, to, size, at));
HELD(ssize_t, pread64, (int fd, void *to, size_t size, off64_t at), (fd, to, size, at));
HELD(ssize_t, __pread_chk, (int fd, void *to, size_t size, off_t at, size_t room), (fd, to, size, at, room));
HELD(ssize_t, __pread64_chk, (int fd, void *to, size_t size, off64_t at, size_t room),
     (fd, to, size, at, room));
HELD(ssize_t, pwrite, (int fd, const void *from, size_t size, off_t at), (fd, from, size, at));
HELD(ssize_t, pwrite64, (int fd, const void *from, size_t size, off64_t at), (fd, from, size, at));
HELD(ssize_t, readv, (int fd, const struct iovec *parts, int count), (fd, parts, count));
HELD(ssize_t, writev, (int fd, const struct iovec *parts, int count), (fd, parts, count));
HELD(ssize_t, preadv, (int fd, const struct iovec *parts, int count, off_t at), (fd, parts, count, at));
HELD(ssize_t, preadv64, (int fd, const struct iovec *parts, int count, off64_t at), (fd, parts, count, at));
HELD(ssize_t, preadv2, (int fd, const struct iovec *parts, int count, off_t at, int flags),
     (fd, parts, count, at, flags));
HELD(ssize_t, preadv64v2, (int fd, const struct iovec *parts, int count, off64_t at, int flags),
     (fd, parts, count, at, flags));
HELD(ssize_t, pwritev, (int fd, const struct iovec *parts, int count, off_t at), (fd, parts, count, at));
HELD(ssize_t, pwritev64, (int fd, const struct iovec *parts, int count, off64_t at), (fd, parts, count, at));
HELD(ssize_t, pwritev2, (int fd, const struct iovec *parts, int count, off_t at, int flags),
     (fd, parts, count, at, flags));
HELD(ssize_t, pwritev64v2, (int fd, const struct iovec *parts, int count, off64_t at, int flags),
     (fd, parts, count, at, flags));
HELD(ssize_t, sendfile, (int to, int from, off_t *at, size_t size), (to, from, at, size));
HELD(ssize_t, sendfile64, (int to, int from, off64_t *at, size_t size), (to, from, at, size));
HELD(ssize_t, splice, (int from, off64_t *from_at, int to, off64_t *to_at, size_t size, unsigned flags),
     (from, from_at, to, to_at, size, flags));
HELD(ssize_t, tee, (int from, int to, size_t size, unsigned flags), (from, to, size, flags));
HELD(ssize_t, vmsplice, (int fd, const struct iovec *parts, size_t count, unsigned flags),
     (fd, parts, count, flags));
HELD(ssize_t, copy_file_range,
     (int from, off64_t *from_at, int to, off64_t *to_at, size_t size, unsigned flags),
     (from, from_at, to, to_at, size, flags));
HELD(ssize_t, getrandom, (void *to, size_t size, unsigned flags), (to, size, flags));

HELD(ssize_t, send, (int fd, const void *from, size_t size, int flags), (fd, from, size, flags));
HELD(ssize_t, __send, (int fd, const void *from, size_t size, int flags), (fd, from, size, flags));
HELD(ssize_t, sendto,
     (int fd, const void *from, size_t size, int flags, __CONST_SOCKADDR_ARG address, socklen_t length),
     (fd, from, size, flags, address, length));
HELD(ssize_t, sendmsg, (int fd, const struct msghdr *message, int flags), (fd, message, flags));
HELD(int, sendmmsg, (int fd, struct mmsghdr *messages, unsigned count, int flags),
     (fd, messages, count, flags));
HELD(ssize_t, recv, (int fd, void *to, size_t size, int flags), (fd, to, size, flags));
HELD(ssize_t, __recv_chk, (int fd, void *to, size_t size, size_t room, int flags), (fd, to, size, room, flags));
HELD(ssize_t, recvfrom, (int fd, void *to, size_t size, int flags, __SOCKADDR_ARG address, socklen_t *length),
     (fd, to, size, flags, address, length));
HELD(ssize_t, __recvfrom_chk,
     (int fd, void *to, size_t size, size_t room, int flags, __SOCKADDR_ARG address, socklen_t *length),
     (fd, to, size, room, flags, address, length));
HELD(ssize_t, recvmsg, (int fd, struct msghdr *message, int flags), (fd, message, flags));
HELD(int, recvmmsg, (int fd, struct mmsghdr *messages, unsigned count, int flags, struct timespec *timeout),
     (fd, messages, count, flags, timeout));
HELD(int, accept, (int fd, __SOCKADDR_ARG address, socklen_t *length), (fd, address, length));
HELD(int, accept4, (int fd, __SOCKADDR_ARG address, socklen_t *length, int flags),
     (fd, address, length, flags));
HELD(int, connect, (int fd, __CONST_SOCKADDR_ARG address, socklen_t length), (fd, address, length));
HELD(int, __connect, (int fd, __CONST_SOCKADDR_ARG address, socklen_t length), (fd, address, length));

HELD(int, flock, (int fd, int operation), (fd, operation));
HELD(int, lockf, (int fd, int command, off_t size), (fd, command, size));
HELD(int, lockf64, (int fd, int command, off64_t size), (fd, command, size));
HELD(pid_t, wait, (int *status), (status));
HELD(pid_t, waitpid, (pid_t pid, int *status, int options), (pid, status, options));
HELD(pid_t, wait3, (int *status, int options, struct rusage *usage), (status, options, usage));
HELD(pid_t, wait4, (pid_t pid, int *status, int options, struct rusage *usage), (pid, status, options, usage));
HELD(int, waitid, (idtype_t kind, id_t id, siginfo_t *info, int options), (kind, id, info, options));
HELD(int, mq_send, (mqd_t queue, const char *message, size_t size, unsigned priority),
     (queue, message, size, priority));
HELD(int, mq_timedsend,
     (mqd_t queue, const char *message, size_t size, unsigned priority, const struct timespec *until),
     (queue, message, size, priority, until));
HELD(ssize_t, mq_receive, (mqd_t queue, char *message, size_t size, unsigned *priority),
     (queue, message, size, priority));
HELD(ssize_t, mq_timedreceive,
     (mqd_t queue, char *message, size_t size, unsigned *priority, const struct timespec *until),
     (queue, message, size, priority, until));

/*
 * Variadic ones, whose last argument is of a register's size, if there is one. A caller's call of either kind is
 * the same on the processors that we know.
 */
#define HELD_VARIADIC(symbol, params, args)                                                                    \
    NEXT_EXPORT int own_##symbol params __asm__(#symbol);                                                      \
    static int first_##symbol params;                                                                          \
    static int(*next_##symbol) params = first_##symbol;                                                        \
    NEXT_ENTRY(NULL, symbol);                                                                                  \
    static __attribute__((cold, noinline)) int first_##symbol params                                           \
    {                                                                                                          \
        if (!next__resolve(&entry_##symbol)) {                                                                 \
            errno = ENOSYS;                                                                                    \
            return -1;                                                                                         \
        }                                                                                                      \
        return NEXT(symbol) args;                                                                              \
    }                                                                                                          \
    HELD_AS(own_##symbol, int, symbol, params, args)

HELD_VARIADIC(open, (const char *path, int flags, unsigned long mode), (path, flags, mode));
HELD_VARIADIC(open64, (const char *path, int flags, unsigned long mode), (path, flags, mode));
HELD_VARIADIC(openat, (int at, const char *path, int flags, unsigned long mode), (at, path, flags, mode));
HELD_VARIADIC(openat64, (int at, const char *path, int flags, unsigned long mode), (at, path, flags, mode));
HELD_VARIADIC(fcntl, (int fd, int command, unsigned long argument), (fd, command, argument));
HELD_VARIADIC(fcntl64, (int fd, int command, unsigned long argument), (fd, command, argument));
HELD_VARIADIC(ioctl, (int fd, unsigned long request, unsigned long argument), (fd, request, argument));

/* ---- by number ---- */

static bool may_wait(long number)
{
    switch (number) {
    case SYS_read:
    case SYS_write:
    case SYS_pread64:
    case SYS_pwrite64:
    case SYS_readv:
    case SYS_writev:
    case SYS_preadv:
    case SYS_pwritev:
    case SYS_preadv2:
    case SYS_pwritev2:
    case SYS_sendto:
    case SYS_recvfrom:
    case SYS_sendmsg:
    case SYS_recvmsg:
    case SYS_sendmmsg:
    case SYS_recvmmsg:
    case SYS_accept:
    case SYS_accept4:
    case SYS_connect:
    case SYS_sendfile:
    case SYS_splice:
    case SYS_tee:
    case SYS_vmsplice:
    case SYS_copy_file_range:
    case SYS_getrandom:
    case SYS_flock:
    case SYS_fcntl:
    case SYS_ioctl:
    case SYS_openat:
    case SYS_wait4:
    case SYS_waitid:
    case SYS_msgsnd:
    case SYS_msgrcv:
    case SYS_semop:
    case SYS_semtimedop:
    case SYS_mq_timedsend:
    case SYS_mq_timedreceive:
    case SYS_futex:
    case SYS_nanosleep:
    case SYS_clock_nanosleep:
    case SYS_rt_sigtimedwait:
    case SYS_io_getevents:
#ifdef SYS_open
    case SYS_open:
#endif
#ifdef SYS_pause
    case SYS_pause:
#endif
#ifdef SYS_poll
    case SYS_poll:
#endif
#ifdef SYS_select
    case SYS_select:
#endif
#ifdef SYS_epoll_wait
    case SYS_epoll_wait:
#endif
#ifdef SYS_futex_waitv
    case SYS_futex_waitv:
#endif
#ifdef SYS_io_uring_enter
    case SYS_io_uring_enter:
#endif
        return true;
    default:
        return false;
    }
}

/*
 * syscall() is variadic; but for its callers, six more arguments of a register's size are the same. In the
 * tail, so that nothing of ours is on the stack of a thread that the call makes, or of a call that returns
 * twice.
 */
typedef long any_call(long number, long a, long b, long c, long d, long e, long f);
NEXT_EXPORT any_call profile_syscall __asm__("syscall");
static any_call *next_syscall;
NEXT_ENTRY(NULL, syscall);

static __attribute__((noinline)) long call_into_sandbox(long number, long a, long b, long c, long d, long e,
                                                        long f)
{
    bool entered = profile__enter_sandbox();
    long result = NEXT(syscall)(number, a, b, c, d, e, f);
    if (entered && result < 0) {
        profile__stay_outside();
    }
    return result;
}

static bool leads_into_sandbox(long number, long a, long b, long c)
{
    return (number == SYS_seccomp &&
            (a == SECCOMP_SET_MODE_STRICT || (a == SECCOMP_SET_MODE_FILTER && c != 0))) ||
           (number == SYS_prctl && profile__is_sandbox((int)a, (unsigned long)b, (unsigned long)c));
}

static __attribute__((noinline)) long held_by_number(long number, long a, long b, long c, long d, long e,
                                                     long f)
{
    profile__hold((const void *)(uintptr_t)NEXT(syscall));
    long result = NEXT(syscall)(number, a, b, c, d, e, f);
    profile__let_go();
    return result;
}

long profile_syscall(long number, long a, long b, long c, long d, long e, long f)
{
    if (unlikely(NEXT(syscall) == NULL) && !next__resolve(&entry_syscall)) {
        errno = ENOSYS;
        return -1;
    }
    if (unlikely(leads_into_sandbox(number, a, b, c))) {
        return call_into_sandbox(number, a, b, c, d, e, f);
    }
    if (holds() && may_wait(number)) {
        return held_by_number(number, a, b, c, d, e, f);
    }
    return NEXT(syscall)(number, a, b, c, d, e, f);
}
