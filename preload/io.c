/* SPDX-License-Identifier: MIT */
/*
 * Files, mappings and sockets. Timers whose result is a number of bytes moved keep the sum of them. NEXT_TIMED
 * and its siblings are described in preload/next.h, which also says how to add a call.
 */
#include "preload/next.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

TARE_MODULE("libc");

TARE_TIMER(read);
NEXT_COUNTED(read, ssize_t, read, (int fd, void *to, size_t size), (fd, to, size));
NEXT_COUNTED(read, ssize_t, __read_chk, (int fd, void *to, size_t size, size_t room), (fd, to, size, room));

TARE_TIMER(write);
NEXT_COUNTED(write, ssize_t, write, (int fd, const void *from, size_t size), (fd, from, size));

TARE_TIMER(readv);
NEXT_COUNTED(readv, ssize_t, readv, (int fd, const struct iovec *parts, int n), (fd, parts, n));

TARE_TIMER(writev);
NEXT_COUNTED(writev, ssize_t, writev, (int fd, const struct iovec *parts, int n), (fd, parts, n));

TARE_TIMER(pread);
NEXT_COUNTED(pread, ssize_t, pread, (int fd, void *to, size_t size, off_t at), (fd, to, size, at));
NEXT_COUNTED(pread, ssize_t, pread64, (int fd, void *to, size_t size, off64_t at), (fd, to, size, at));
NEXT_COUNTED(pread, ssize_t, __pread_chk, (int fd, void *to, size_t size, off_t at, size_t room),
             (fd, to, size, at, room));
NEXT_COUNTED(pread, ssize_t, __pread64_chk, (int fd, void *to, size_t size, off64_t at, size_t room),
             (fd, to, size, at, room));

TARE_TIMER(pwrite);
NEXT_COUNTED(pwrite, ssize_t, pwrite, (int fd, const void *from, size_t size, off_t at), (fd, from, size, at));
NEXT_COUNTED(pwrite, ssize_t, pwrite64, (int fd, const void *from, size_t size, off64_t at),
             (fd, from, size, at));

TARE_TIMER(preadv);
NEXT_COUNTED(preadv, ssize_t, preadv, (int fd, const struct iovec *parts, int n, off_t at), (fd, parts, n, at));
NEXT_COUNTED(preadv, ssize_t, preadv64, (int fd, const struct iovec *parts, int n, off64_t at),
             (fd, parts, n, at));

TARE_TIMER(pwritev);
NEXT_COUNTED(pwritev, ssize_t, pwritev, (int fd, const struct iovec *parts, int n, off_t at),
             (fd, parts, n, at));
NEXT_COUNTED(pwritev, ssize_t, pwritev64, (int fd, const struct iovec *parts, int n, off64_t at),
             (fd, parts, n, at));

TARE_TIMER(sendfile);
NEXT_COUNTED(sendfile, ssize_t, sendfile, (int to, int from, off_t *at, size_t size), (to, from, at, size));
NEXT_COUNTED(sendfile, ssize_t, sendfile64, (int to, int from, off64_t *at, size_t size), (to, from, at, size));

TARE_TIMER(copy_file_range);
NEXT_COUNTED(copy_file_range, ssize_t, copy_file_range,
             (int from, off64_t *from_at, int to, off64_t *to_at, size_t size, unsigned flags),
             (from, from_at, to, to_at, size, flags));

TARE_TIMER(fsync);
NEXT_TIMED(fsync, int, fsync, (int fd), (fd));

TARE_TIMER(fdatasync);
NEXT_TIMED(fdatasync, int, fdatasync, (int fd), (fd));

/* The third (fourth) argument of open (openat) is there only for these flags. */
static inline bool takes_mode(int flags)
{
    return (flags & O_CREAT) != 0 || (flags & O_TMPFILE) == O_TMPFILE;
}

TARE_TIMER(open);
NEXT_VARIADIC(open, open, (const char *path, int flags, ...), flags, mode_t, takes_mode(flags),
              (path, flags, extra));
NEXT_VARIADIC(open, open64, (const char *path, int flags, ...), flags, mode_t, takes_mode(flags),
              (path, flags, extra));
NEXT_TIMED(open, int, __open_2, (const char *path, int flags), (path, flags));
NEXT_TIMED(open, int, __open64_2, (const char *path, int flags), (path, flags));
NEXT_TIMED(open, int, creat, (const char *path, mode_t mode), (path, mode));
NEXT_TIMED(open, int, creat64, (const char *path, mode_t mode), (path, mode));

TARE_TIMER(openat);
NEXT_VARIADIC(openat, openat, (int at, const char *path, int flags, ...), flags, mode_t, takes_mode(flags),
              (at, path, flags, extra));
NEXT_VARIADIC(openat, openat64, (int at, const char *path, int flags, ...), flags, mode_t, takes_mode(flags),
              (at, path, flags, extra));
NEXT_TIMED(openat, int, __openat_2, (int at, const char *path, int flags), (at, path, flags));
NEXT_TIMED(openat, int, __openat64_2, (int at, const char *path, int flags), (at, path, flags));

TARE_TIMER(close);
NEXT_TIMED(close, int, close, (int fd), (fd));

/*
 * Their last argument has the size of a pointer or less, and is passed on whether or not the caller gave one.
 */
TARE_TIMER(fcntl);
NEXT_VARIADIC(fcntl, fcntl, (int fd, int command, ...), command, void *, true, (fd, command, extra));
NEXT_VARIADIC(fcntl, fcntl64, (int fd, int command, ...), command, void *, true, (fd, command, extra));

TARE_TIMER(ioctl);
NEXT_VARIADIC(ioctl, ioctl, (int fd, unsigned long request, ...), request, void *, true, (fd, request, extra));

/*
 * Programs linked before glibc 2.33 call the __x… functions, whose first argument is a version of struct stat.
 */
TARE_TIMER(stat);
NEXT_TIMED(stat, int, stat, (const char *path, struct stat *to), (path, to));
NEXT_TIMED(stat, int, stat64, (const char *path, struct stat64 *to), (path, to));
NEXT_TIMED_OF(NEXT_VERSION_XSTAT, stat, int, __xstat, (int layout, const char *path, struct stat *to),
              (layout, path, to));
NEXT_TIMED_OF(NEXT_VERSION_XSTAT, stat, int, __xstat64, (int layout, const char *path, struct stat64 *to),
              (layout, path, to));

TARE_TIMER(fstat);
NEXT_TIMED(fstat, int, fstat, (int fd, struct stat *to), (fd, to));
NEXT_TIMED(fstat, int, fstat64, (int fd, struct stat64 *to), (fd, to));
NEXT_TIMED_OF(NEXT_VERSION_XSTAT, fstat, int, __fxstat, (int layout, int fd, struct stat *to),
              (layout, fd, to));
NEXT_TIMED_OF(NEXT_VERSION_XSTAT, fstat, int, __fxstat64, (int layout, int fd, struct stat64 *to),
              (layout, fd, to));

TARE_TIMER(lstat);
NEXT_TIMED(lstat, int, lstat, (const char *path, struct stat *to), (path, to));
NEXT_TIMED(lstat, int, lstat64, (const char *path, struct stat64 *to), (path, to));
NEXT_TIMED_OF(NEXT_VERSION_XSTAT, lstat, int, __lxstat, (int layout, const char *path, struct stat *to),
              (layout, path, to));
NEXT_TIMED_OF(NEXT_VERSION_XSTAT, lstat, int, __lxstat64, (int layout, const char *path, struct stat64 *to),
              (layout, path, to));

TARE_TIMER(fstatat);
NEXT_TIMED(fstatat, int, fstatat, (int at, const char *path, struct stat *to, int flags),
           (at, path, to, flags));
NEXT_TIMED(fstatat, int, fstatat64, (int at, const char *path, struct stat64 *to, int flags),
           (at, path, to, flags));
NEXT_TIMED_OF(NEXT_VERSION_XSTAT, fstatat, int, __fxstatat,
              (int layout, int at, const char *path, struct stat *to, int flags),
              (layout, at, path, to, flags));
NEXT_TIMED_OF(NEXT_VERSION_XSTAT, fstatat, int, __fxstatat64,
              (int layout, int at, const char *path, struct stat64 *to, int flags),
              (layout, at, path, to, flags));

TARE_TIMER(statx);
NEXT_TIMED(statx, int, statx, (int at, const char *path, int flags, unsigned mask, struct statx *to),
           (at, path, flags, mask, to));

TARE_TIMER(mmap);
NEXT_TIMED(mmap, void *, mmap, (void *at, size_t size, int protection, int flags, int fd, off_t offset),
           (at, size, protection, flags, fd, offset));
NEXT_TIMED(mmap, void *, mmap64, (void *at, size_t size, int protection, int flags, int fd, off64_t offset),
           (at, size, protection, flags, fd, offset));

TARE_TIMER(munmap);
NEXT_TIMED(munmap, int, munmap, (void *at, size_t size), (at, size));

TARE_TIMER(send);
NEXT_COUNTED(send, ssize_t, send, (int fd, const void *from, size_t size, int flags), (fd, from, size, flags));

TARE_TIMER(sendto);
NEXT_COUNTED(sendto, ssize_t, sendto,
             (int fd, const void *from, size_t size, int flags, __CONST_SOCKADDR_ARG to, socklen_t to_size),
             (fd, from, size, flags, to, to_size));

TARE_TIMER(sendmsg);
NEXT_COUNTED(sendmsg, ssize_t, sendmsg, (int fd, const struct msghdr *message, int flags),
             (fd, message, flags));

TARE_TIMER(recv);
NEXT_COUNTED(recv, ssize_t, recv, (int fd, void *to, size_t size, int flags), (fd, to, size, flags));
NEXT_COUNTED(recv, ssize_t, __recv_chk, (int fd, void *to, size_t size, size_t room, int flags),
             (fd, to, size, room, flags));

TARE_TIMER(recvfrom);
NEXT_COUNTED(recvfrom, ssize_t, recvfrom,
             (int fd, void *to, size_t size, int flags, __SOCKADDR_ARG from, socklen_t *from_size),
             (fd, to, size, flags, from, from_size));
NEXT_COUNTED(recvfrom, ssize_t, __recvfrom_chk,
             (int fd, void *to, size_t size, size_t room, int flags, __SOCKADDR_ARG from, socklen_t *from_size),
             (fd, to, size, room, flags, from, from_size));

TARE_TIMER(recvmsg);
NEXT_COUNTED(recvmsg, ssize_t, recvmsg, (int fd, struct msghdr *message, int flags), (fd, message, flags));

TARE_TIMER(accept);
NEXT_TIMED(accept, int, accept, (int fd, __SOCKADDR_ARG peer, socklen_t *size), (fd, peer, size));

TARE_TIMER(accept4);
NEXT_TIMED(accept4, int, accept4, (int fd, __SOCKADDR_ARG peer, socklen_t *size, int flags),
           (fd, peer, size, flags));

TARE_TIMER(connect);
NEXT_TIMED(connect, int, connect, (int fd, __CONST_SOCKADDR_ARG peer, socklen_t size), (fd, peer, size));

/* These two return a number of messages; each says how many bytes it had. */
static uint64_t bytes_of(const struct mmsghdr *messages, int n)
{
    uint64_t bytes = 0;
    for (int i = 0; i < n; i++) {
        bytes += messages[i].msg_len;
    }
    return bytes;
}

TARE_TIMER(sendmmsg);
NEXT_OF(NULL, int, sendmmsg, (int fd, struct mmsghdr *messages, unsigned n, int flags),
        (fd, messages, n, flags))
NEXT_SLOW int timed_sendmmsg(int fd, struct mmsghdr *messages, unsigned n, int flags)
{
    NEXT_SCOPE(sendmmsg, span);
    int done = NEXT(sendmmsg)(fd, messages, n, flags);
    TARE_BYTES(span, bytes_of(messages, done));
    return done;
}
NEXT_WRAPPER(sendmmsg, int, sendmmsg, (int fd, struct mmsghdr *messages, unsigned n, int flags),
             (fd, messages, n, flags));

TARE_TIMER(recvmmsg);
NEXT_OF(NULL, int, recvmmsg, (int fd, struct mmsghdr *messages, unsigned n, int flags, struct timespec *limit),
        (fd, messages, n, flags, limit))
NEXT_SLOW int timed_recvmmsg(int fd, struct mmsghdr *messages, unsigned n, int flags, struct timespec *limit)
{
    NEXT_SCOPE(recvmmsg, span);
    int done = NEXT(recvmmsg)(fd, messages, n, flags, limit);
    TARE_BYTES(span, bytes_of(messages, done));
    return done;
}
NEXT_WRAPPER(recvmmsg, int, recvmmsg,
             (int fd, struct mmsghdr *messages, unsigned n, int flags, struct timespec *limit),
             (fd, messages, n, flags, limit));
