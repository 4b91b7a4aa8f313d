/* SPDX-License-Identifier: MIT */
/*
 * The layer that talks to the host: numbers of descriptors, paths and addresses of a cage become the host's, then there is
 * a system call. What a cage says is not trusted: addresses are checked against the memory they lie in, what is read twice
 * (paths, vectors, addresses of sockets) is copied first, and counts are limited.
 *
 * Files are those below the cage's root. A path is followed as if the root were "/": neither "..", an absolute path, nor a
 * symbolic link leads out of it, whatever another process renames meanwhile. Files of procfs are refused (-EACCES), as
 * /proc/self/mem is the host's memory. Sockets are IPv4 and IPv6, stream and datagram, bound and connected to the loopback
 * alone (-EACCES; who binds to no address is bound to the loopback's), and pairs of AF_UNIX. A call may wait as the host's
 * does; a signal to the thread ends that (-EINTR). A call takes up to 40 KiB of the thread's stack. From the first file on,
 * SIGPIPE and SIGXFSZ are ignored in this process if nobody handles them: the cage gets -EPIPE or -EFBIG.
 *
 * Each call has a timer: rawposix::read_syscall, rawposix::close_syscall ... (those of paths have no other name than that:
 * LIND_OPEN and LIND_PATH_OPEN are both open_syscall). The functions on host's pointers have none.
 *
 * What lies in a cage's memory, little-endian, as 32-bit WebAssembly has it:
 *
 *     iovec     8 bytes   u32 base, u32 length
 *     pollfd    8 bytes   i32 fd, i16 events, i16 revents (POLLIN 1, POLLPRI 2, POLLOUT 4, POLLERR 8, POLLHUP 16, POLLNVAL 32)
 *     timespec 16 bytes   i64 seconds, u32 nanoseconds, 4 bytes unused
 *     stat     64 bytes   struct lind_stat: WASI's filestat, but for the mode that stands where the file type is
 *     int[2]    8 bytes   of pipe and socketpair
 *     sockaddr            Linux's: u16 family (AF_INET 2, AF_INET6 10), u16 port, big-endian, ...; socklen u32
 *     dirent64            of LIND_GETDENTS, Linux's: u64 inode, i64 offset, u16 length of the entry, u8 type (DT_*), name, NUL
 *     dirent              of LIND_READDIR, WASI's but for the type: struct lind_dirent, then the name without NUL
 *
 * Flags and constants are those of Linux on x86_64 (O_CREAT 0100, O_DIRECTORY 0200000, AF_INET 2, SEEK_SET 0 ...).
 *
 * Calls, by number. fd is a number of the caller's table; a path ends with NUL where no length is given.
 *
 *     READ(fd, buffer, size) WRITE PREAD(fd, buffer, size, offset) PWRITE READV(fd, iovecs, count) WRITEV
 *     PREADV(fd, iovecs, count, offset) PWRITEV
 *     OPEN(path, flags, mode) CLOSE(fd) STAT(path, stat) LSTAT FSTAT(fd, stat) LSEEK(fd, offset, whence)
 *     RENAME(old, new) MKDIR(path, mode) RMDIR(path) LINK(old, new) UNLINK(path) SYMLINK(target, path)
 *     READLINK(path, buffer, size) UTIMENSAT(AT_FDCWD or fd, path, timespec[2] or 0, AT_SYMLINK_NOFOLLOW 0x100 or 0)
 *     FTRUNCATE(fd, size) FSYNC(fd) FDATASYNC(fd) FALLOCATE(fd, 0, offset, size) GETDENTS(fd, buffer, size)
 *     DUP(fd) DUP2(fd, to) DUP3(fd, to, flags) FCNTL(fd, command, argument): F_DUPFD 0, F_GETFD 1, F_SETFD 2, F_GETFL 3,
 *         F_SETFL 4 (O_APPEND, O_NONBLOCK), F_DUPFD_CLOEXEC 1030
 *     PIPE(int[2]) PIPE2(int[2], flags) POLL(pollfds, count, ms)
 *     SOCKET(family, type, protocol) SOCKETPAIR(AF_UNIX, type, 0, int[2]) BIND(fd, address, length) CONNECT LISTEN(fd, backlog)
 *     ACCEPT(fd, address or 0, socklen or 0) ACCEPT4(.., .., .., flags) SENDTO(fd, buffer, size, flags, address or 0, length)
 *     RECVFROM(fd, buffer, size, flags, address or 0, socklen or 0) SHUTDOWN(fd, how) GETSOCKNAME(fd, address, socklen)
 *     GETPEERNAME SETSOCKOPT(fd, level, name, value, length) GETSOCKOPT(fd, level, name, value, socklen): a few of SOL_SOCKET,
 *         and TCP_NODELAY
 *     NANOSLEEP(timespec, timespec for the rest or 0) CLOCK_GETTIME(clock, timespec) CLOCK_GETRES(clock, timespec or 0)
 *     GETRANDOM(buffer, size, flags) SCHED_YIELD() GETPID(): the cage GETPPID(): the cage's parent
 *     GETEUID(): asks the kernel, so that there is a call that does nothing else than the way there and back
 *     FORK, EXIT: -ENOSYS here: they are of who runs programs
 *
 *     PATH_OPEN(at, path, length, flags, mode)   `at` is AT_FDCWD (-100), the root, where absolute paths are fine; or an fd of
 *     PATH_STAT(at, path, length, stat, flags)   a directory, which is not left then: -EPERM for a path that would. flags:
 *     PATH_MKDIR(at, path, length, mode)         0 or AT_SYMLINK_NOFOLLOW
 *     PATH_RMDIR(at, path, length)
 *     PATH_UNLINK(at, path, length)
 *     PATH_RENAME(at, old, length, at, new, length)
 *     PATH_LINK(at, old, length, at, new, length)  a link itself is linked, not followed
 *     PATH_SYMLINK(target, length, at, path, length)
 *     PATH_READLINK(at, path, length, buffer, size)
 *     PATH_UTIMENS(at, path, length, atime_ns, mtime_ns, flags)  as FUTIMENS, with AT_SYMLINK_NOFOLLOW
 *     FUTIMENS(fd, atime_ns, mtime_ns)           LIND_TIME_NOW, LIND_TIME_OMIT
 *     READDIR(fd, buffer, size, cookie)          from `cookie` on (0: the beginning; `next` of an entry); what was filled: less
 *                                                than `size` is the end, else the last entry may be cut
 *     RENUMBER(fd, to)                           fd_renumber() of WASI
 *     FDMODE(fd)                                 st_mode
 *     CLOCK_NS(clock) CLOCK_RES_NS(clock)        as the result
 *     POLL_NS(pollfds, count, ns)                -1: without end
 *     SLEEP_NS(clock, ns, absolute: 0 or 1)      -EINTR when a signal came
 */
#ifndef LIND_RAWPOSIX_H
#define LIND_RAWPOSIX_H

#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "suites/syscalls/cage.h"

enum {
    LIND_AT_ROOT = -100, /* AT_FDCWD */
    LIND_AT_SYMLINK_NOFOLLOW = 0x100,
    LIND_PATH_MAX = 4096, /* with the NUL */
    LIND_IOV_MAX = 1024,
    LIND_O_ACCMODE = 3,
    LIND_O_CREAT = 0100,
    LIND_O_EXCL = 0200,
    LIND_O_NOCTTY = 0400,
    LIND_O_TRUNC = 01000,
    LIND_O_APPEND = 02000,
    LIND_O_NONBLOCK = 04000,
    LIND_O_DSYNC = 010000,
    LIND_O_LARGEFILE = 0100000,
    LIND_O_DIRECTORY = 0200000,
    LIND_O_NOFOLLOW = 0400000,
    LIND_O_CLOEXEC = 02000000,
    LIND_O_SYNC = 04010000,
};

#define LIND_TIME_NOW INT64_MAX
#define LIND_TIME_OMIT (INT64_MAX - 1)

struct lind_stat {
    uint64_t device;
    uint64_t inode;
    uint32_t mode; /* S_IFMT and permissions */
    uint32_t unused;
    uint64_t links;
    uint64_t size_bytes;
    int64_t accessed_ns, modified_ns, changed_ns; /* since 1970 */
};

struct lind_dirent {
    uint64_t next; /* cookie of the entry behind it */
    uint64_t inode;
    uint32_t name_bytes;
    uint8_t type; /* DT_* */
    uint8_t unused[3];
};

struct lind_iovec {
    uint32_t base, length;
};

struct lind_pollfd {
    int32_t fd;
    int16_t events, revents;
};

struct lind_timespec {
    int64_t seconds;
    uint32_t nanoseconds;
    uint32_t unused;
};

_Static_assert(sizeof(struct lind_stat) == 64 && sizeof(struct lind_dirent) == 24 &&
                   sizeof(struct lind_iovec) == 8 && sizeof(struct lind_pollfd) == 8 &&
                   sizeof(struct lind_timespec) == 16,
               "layouts in a cage's memory");

/* Answers any call of the list above; a number that is not in it: -ENOSYS; no such cage: -ESRCH. A lind_handler. */
int64_t rawposix_call(const struct lind_request *request, void *data);
/* What a number is called: "read"; NULL: it is not in the list. */
const char *rawposix_call_name(uint32_t number);

/*
 * For the host, before a program runs (cage: held; nothing is in use). Paths are the host's. 0, a number, or -errno.
 */
int rawposix_set_root(struct cage *cage, const char *directory);
/* A number, the lowest, for a duplicate of the host's descriptor, which remains the caller's; or leading to it itself, closed
   never by the cage (for standard input ... that many cages share). */
int rawposix_adopt(struct cage *cage, int host_fd);
int rawposix_lend(struct cage *cage, int host_fd);
/* A number for the root directory itself, so that `at` can name it (WASI's preopened directory). */
int rawposix_open_root(struct cage *cage);

/*
 * The same calls on pointers of the host; the cage is held by the caller. They are what the numbers above lead to, when
 * addresses are checked. Results as of those; a `length` is without NUL, there may be one behind it or not.
 */
int64_t rawposix_read(struct cage *cage, int fd, void *buffer, size_t size);
int64_t rawposix_write(struct cage *cage, int fd, const void *buffer, size_t size);
int64_t rawposix_pread(struct cage *cage, int fd, void *buffer, size_t size, int64_t offset);
int64_t rawposix_pwrite(struct cage *cage, int fd, const void *buffer, size_t size, int64_t offset);
/* offset < 0: from where the file stands */
int64_t rawposix_readv(struct cage *cage, int fd, const struct iovec *vector, size_t count, int64_t offset);
int64_t rawposix_writev(struct cage *cage, int fd, const struct iovec *vector, size_t count, int64_t offset);
int64_t rawposix_close(struct cage *cage, int fd);
int64_t rawposix_fstat(struct cage *cage, int fd, struct lind_stat *stat);
int64_t rawposix_lseek(struct cage *cage, int fd, int64_t offset, int whence);
int64_t rawposix_fdmode(struct cage *cage, int fd);
int64_t rawposix_fcntl(struct cage *cage, int fd, int command, uint64_t argument);
int64_t rawposix_getdents(struct cage *cage, int fd, void *buffer, size_t size);
int64_t rawposix_readdir(struct cage *cage, int fd, void *buffer, size_t size, uint64_t cookie);
int64_t rawposix_futimens(struct cage *cage, int fd, int64_t accessed_ns, int64_t modified_ns);
int64_t rawposix_pipe(struct cage *cage, int32_t fds[2], int flags);
int64_t rawposix_poll(struct cage *cage, struct lind_pollfd *fds, size_t count, int64_t timeout_ns);
int64_t rawposix_sleep_ns(int clock, int64_t ns, int absolute);
int64_t rawposix_clock_ns(int clock);
int64_t rawposix_clock_res_ns(int clock);

int64_t rawposix_path_open(struct cage *cage, int at, const char *path, size_t length, uint32_t flags,
                           uint32_t mode);
int64_t rawposix_path_stat(struct cage *cage, int at, const char *path, size_t length, struct lind_stat *stat,
                           uint32_t flags);
int64_t rawposix_path_mkdir(struct cage *cage, int at, const char *path, size_t length, uint32_t mode);
int64_t rawposix_path_rmdir(struct cage *cage, int at, const char *path, size_t length);
int64_t rawposix_path_unlink(struct cage *cage, int at, const char *path, size_t length);
int64_t rawposix_path_rename(struct cage *cage, int old_at, const char *old, size_t old_length, int new_at,
                             const char *new, size_t new_length);
int64_t rawposix_path_link(struct cage *cage, int old_at, const char *old, size_t old_length, int new_at,
                           const char *new, size_t new_length);
int64_t rawposix_path_symlink(struct cage *cage, const char *target, size_t target_length, int at,
                              const char *path, size_t length);
int64_t rawposix_path_readlink(struct cage *cage, int at, const char *path, size_t length, char *buffer,
                               size_t size);
int64_t rawposix_path_utimens(struct cage *cage, int at, const char *path, size_t length, int64_t accessed_ns,
                              int64_t modified_ns, uint32_t flags);

#endif
