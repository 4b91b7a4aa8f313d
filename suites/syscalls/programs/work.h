/* SPDX-License-Identifier: MIT */
/*
 * Workloads: what the benchmarks of the suite `syscalls` do, in functions that are compiled twice from one source, for
 * this machine and to WebAssembly. Each is called with a number of iterations and an argument, runs them all, and returns
 * 0, or the line of its source where something was not as it has to be. So the way into the sandbox is paid once for many
 * iterations, and is no part of what is measured.
 *
 *     WORK(close_bad)                    the exported function close_bad(n, arg)
 *     {
 *         (void)arg;
 *         for (; n > 0; n--) {
 *             CHECK(call_close(-1) == -WORK_EBADF);
 *         }
 *         return 0;
 *     }
 *
 * The calls, call_NAME(), return what they return or a negative errno. Sandboxed they are lind.make_syscall with the
 * number that Linux has on x86_64 and addresses of the linear memory; natively they are syscall(2) on this machine. What is
 * opened by a path is below the side's place: the cage's root there, the descriptor `work_place` here.
 */
#ifndef SUITE_SYSCALLS_WORK_H
#define SUITE_SYSCALLS_WORK_H

#include <stddef.h>
#include <stdint.h>

/* All of them. Which go together is said where they are. */
#define WORKS(X)                                                                                               \
    X(null_call)                                                                                               \
    X(close_bad)                                                                                               \
    X(close_wasi)                                                                                              \
    X(clock_wasi)                                                                                              \
    X(file_begin)                                                                                              \
    X(file_pread)                                                                                              \
    X(file_pwrite)                                                                                             \
    X(file_end)                                                                                                \
    X(wasi_file_begin)                                                                                         \
    X(wasi_file_pread)                                                                                         \
    X(wasi_file_end)                                                                                           \
    X(pingpong_begin)                                                                                          \
    X(pingpong_descriptors)                                                                                    \
    X(pingpong)                                                                                                \
    X(pingpong_echo)                                                                                           \
    X(pingpong_end)                                                                                            \
    X(fd_hold)                                                                                                 \
    X(fd_dup_close)                                                                                            \
    X(fd_fill)                                                                                                 \
    X(fd_release)                                                                                              \
    X(fibonacci)

typedef int64_t work_function(uint64_t n, uint64_t arg);

#ifdef __wasm__
#define WORK(name)                                                                                             \
    work_function work_##name;                                                                                 \
    __attribute__((export_name(#name))) int64_t work_##name(uint64_t n, uint64_t arg)
#else
#define WORK(name)                                                                                             \
    work_function work_##name;                                                                                 \
    int64_t work_##name(uint64_t n, uint64_t arg)
#endif

#define CHECK(condition)                                                                                       \
    do {                                                                                                       \
        if (__builtin_expect(!(condition), 0)) {                                                               \
            return __LINE__;                                                                                   \
        }                                                                                                      \
    } while (0)

enum {
    WORK_ENOENT = 2,
    WORK_EBADF = 9,
    WORK_EEXIST = 17,
    WORK_EMFILE = 24
}; /* the same on all that Linux runs on here */
enum { WORK_FILE_MAX = 16384 };

#ifdef __wasm__
__attribute__((import_module("lind"), import_name("make_syscall"))) int64_t lind_make_syscall(
    int64_t number, int64_t a, int64_t b, int64_t c, int64_t d, int64_t e, int64_t f);

/* As suites/syscalls/cage.h numbers them. */
enum {
    WORK_READ = 0,
    WORK_WRITE = 1,
    WORK_OPEN = 2,
    WORK_CLOSE = 3,
    WORK_PREAD = 17,
    WORK_PWRITE = 18,
    WORK_PIPE = 22,
    WORK_DUP = 32,
    WORK_SOCKETPAIR = 53,
    WORK_UNLINK = 87,
    WORK_GETEUID = 107,
};
enum { WORK_CREATE = 2 | 0100 | 0200 }; /* O_RDWR | O_CREAT | O_EXCL on x86_64 */

static inline int64_t work_at(const void *address)
{
    return (int64_t)(uintptr_t)address;
}

static inline int64_t call_geteuid(void)
{
    return lind_make_syscall(WORK_GETEUID, 0, 0, 0, 0, 0, 0);
}

static inline int64_t call_close(int fd)
{
    return lind_make_syscall(WORK_CLOSE, fd, 0, 0, 0, 0, 0);
}

static inline int64_t call_create(const char *path)
{
    return lind_make_syscall(WORK_OPEN, work_at(path), WORK_CREATE, 0600, 0, 0, 0);
}

static inline int64_t call_unlink(const char *path)
{
    return lind_make_syscall(WORK_UNLINK, work_at(path), 0, 0, 0, 0, 0);
}

static inline int64_t call_read(int fd, void *to, size_t size)
{
    return lind_make_syscall(WORK_READ, fd, work_at(to), (int64_t)size, 0, 0, 0);
}

static inline int64_t call_write(int fd, const void *from, size_t size)
{
    return lind_make_syscall(WORK_WRITE, fd, work_at(from), (int64_t)size, 0, 0, 0);
}

static inline int64_t call_pread(int fd, void *to, size_t size, int64_t offset)
{
    return lind_make_syscall(WORK_PREAD, fd, work_at(to), (int64_t)size, offset, 0, 0);
}

static inline int64_t call_pwrite(int fd, const void *from, size_t size, int64_t offset)
{
    return lind_make_syscall(WORK_PWRITE, fd, work_at(from), (int64_t)size, offset, 0, 0);
}

static inline int64_t call_pipe(int32_t fds[2])
{
    return lind_make_syscall(WORK_PIPE, work_at(fds), 0, 0, 0, 0, 0);
}

static inline int64_t call_socketpair(int32_t fds[2])
{
    return lind_make_syscall(WORK_SOCKETPAIR, 1, 1, 0, work_at(fds), 0, 0); /* AF_UNIX, SOCK_STREAM */
}

static inline int64_t call_dup(int fd)
{
    return lind_make_syscall(WORK_DUP, fd, 0, 0, 0, 0, 0);
}

#else
#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

extern int work_place;

static inline int64_t work_returned(long result)
{
    return result == -1 ? -(int64_t)errno : result;
}

static inline int64_t call_geteuid(void)
{
    return work_returned(syscall(SYS_geteuid));
}

static inline int64_t call_close(int fd)
{
    return work_returned(syscall(SYS_close, fd));
}

static inline int64_t call_create(const char *path)
{
    return work_returned(syscall(SYS_openat, work_place, path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
}

static inline int64_t call_unlink(const char *path)
{
    return work_returned(syscall(SYS_unlinkat, work_place, path, 0));
}

static inline int64_t call_read(int fd, void *to, size_t size)
{
    return work_returned(syscall(SYS_read, fd, to, size));
}

static inline int64_t call_write(int fd, const void *from, size_t size)
{
    return work_returned(syscall(SYS_write, fd, from, size));
}

static inline int64_t call_pread(int fd, void *to, size_t size, int64_t offset)
{
    return work_returned(syscall(SYS_pread64, fd, to, size, offset));
}

static inline int64_t call_pwrite(int fd, const void *from, size_t size, int64_t offset)
{
    return work_returned(syscall(SYS_pwrite64, fd, from, size, offset));
}

static inline int64_t call_pipe(int32_t fds[2])
{
    return work_returned(syscall(SYS_pipe2, fds, 0));
}

static inline int64_t call_socketpair(int32_t fds[2])
{
    return work_returned(syscall(SYS_socketpair, AF_UNIX, SOCK_STREAM, 0, fds));
}

static inline int64_t call_dup(int fd)
{
    return work_returned(syscall(SYS_dup, fd));
}
#endif

/*
 * Creates a file that has no name any more, so that it goes with its descriptor. Returns that, or a negative errno. A name
 * that is there already is removed: a process that was killed has left it, or another is about to remove it itself, whose
 * descriptor loses nothing. Where that is not allowed, it is somebody else's, and the next one is tried.
 */
static inline int64_t work_file(void)
{
    char name[] = "tare-syscalls.000";
    for (int i = 0; i < 1000; i++) {
        name[14] = (char)('0' + i / 100);
        name[15] = (char)('0' + i / 10 % 10);
        name[16] = (char)('0' + i % 10);
        int64_t fd = call_create(name);
        for (int again = 0; fd == -WORK_EEXIST && again < 10; again++) {
            int64_t gone = call_unlink(name);
            if (gone < 0 && gone != -WORK_ENOENT) {
                break;
            }
            fd = call_create(name);
        }
        if (fd >= 0) {
            int64_t gone = call_unlink(name);
            return gone < 0 && gone != -WORK_ENOENT ? gone : fd;
        }
        if (fd != -WORK_EEXIST) {
            return fd;
        }
    }
    return -WORK_EEXIST;
}

#endif
