/* SPDX-License-Identifier: MIT */
/*
 * Calls: what it takes to enter the kernel and come back, and what the shortest ways through its files add to that. Each
 * iteration looks at what the call returned, as a program does, but those of getppid() and getpid(), which cannot fail:
 * tare_keep() alone has their result.
 *
 * What the files are is part of the figure: /dev/zero and /dev/null have nothing behind them but their drivers; the path
 * of stat() and open() is a short one that every system has, found in the kernel's cache of names.
 */
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <tare/bench.h>
#include <tare/tare.h>

TARE_MODULE("os");
TARE_TIMER(call_getppid);
TARE_TIMER(call_getpid);
TARE_TIMER(call_clock_vdso);
TARE_TIMER(call_clock_forced);
TARE_TIMER(call_read_zero);
TARE_TIMER(call_write_null);
TARE_TIMER(call_stat);
TARE_TIMER(call_fstat);
TARE_TIMER(call_open_close);

enum { READ_MAX = 4096 };

static const char path[] = "/etc/passwd";

TARE_BENCH(call_getppid)
{
    TARE_EACH(b)
    {
        TARE_SCOPE(call_getppid);
        tare_keep(syscall(SYS_getppid));
    }
}

TARE_BENCH(call_getpid)
{
    TARE_EACH(b)
    {
        TARE_SCOPE(call_getpid);
        tare_keep(getpid());
    }
}

TARE_BENCH(call_clock_vdso)
{
    struct timespec now;
    TARE_EACH(b)
    {
        TARE_SCOPE(call_clock_vdso);
        tare_require(clock_gettime(CLOCK_MONOTONIC, &now) == 0);
        tare_keep(now.tv_nsec);
    }
}

TARE_BENCH(call_clock_forced)
{
    struct timespec now;
    TARE_EACH(b)
    {
        TARE_SCOPE(call_clock_forced);
        tare_require(syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &now) == 0);
        tare_keep(now.tv_nsec);
    }
}

TARE_BENCH(call_read_zero)
{
    char buffer[READ_MAX];
    size_t size = (size_t)b->arg[0];
    int fd = open("/dev/zero", O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        tare_skip("no /dev/zero");
    }
    TARE_EACH(b)
    {
        TARE_SCOPE(call_read_zero);
        tare_require(read(fd, buffer, size) == (ssize_t)size);
    }
    tare_bytes(b, (double)size);
    close(fd);
}
TARE_BENCH_ARGS(call_read_zero, 1, READ_MAX);

TARE_BENCH(call_write_null)
{
    char byte = 0;
    int fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
    if (fd < 0) {
        tare_skip("no /dev/null");
    }
    TARE_EACH(b)
    {
        TARE_SCOPE(call_write_null);
        tare_require(write(fd, &byte, 1) == 1);
    }
    close(fd);
}

TARE_BENCH(call_stat)
{
    struct stat seen;
    if (stat(path, &seen) != 0) {
        tare_skip("no /etc/passwd");
    }
    TARE_EACH(b)
    {
        TARE_SCOPE(call_stat);
        tare_require(stat(path, &seen) == 0);
    }
}

TARE_BENCH(call_fstat)
{
    struct stat seen;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        tare_skip("no /etc/passwd to open");
    }
    TARE_EACH(b)
    {
        TARE_SCOPE(call_fstat);
        tare_require(fstat(fd, &seen) == 0);
    }
    close(fd);
}

TARE_BENCH(call_open_close)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        tare_skip("no /etc/passwd to open");
    }
    close(fd);
    TARE_EACH(b)
    {
        TARE_SCOPE(call_open_close);
        fd = open(path, O_RDONLY | O_CLOEXEC);
        tare_require(fd >= 0);
        close(fd);
    }
}
