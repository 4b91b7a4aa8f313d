/* SPDX-License-Identifier: MIT */
/*
 * What programs for Unix use and WASI's libc has not, so that sqlite3 compiles from sources that are as Debian has them:
 * included before each of its files (-include). There are no users, no locks (nobody else is there), no other programs;
 * each of these functions succeeds where it would make no difference, and fails else.
 */
#ifndef REAL_WASI_H
#define REAL_WASI_H

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

#ifndef F_RDLCK
#define F_RDLCK 0
#define F_WRLCK 1
#define F_UNLCK 2
#define F_GETLK 5
#define F_SETLK 6
#endif

static inline int fchmod(int fd, mode_t mode)
{
    (void)fd;
    (void)mode;
    return 0;
}

static inline int chmod(const char *path, mode_t mode)
{
    (void)path;
    (void)mode;
    return 0;
}

static inline int fchown(int fd, uid_t user, gid_t group)
{
    (void)fd;
    (void)user;
    (void)group;
    return 0;
}

static inline uid_t geteuid(void)
{
    return 0;
}

static inline uid_t getuid(void)
{
    return 0;
}

static inline int real_system(const char *command)
{
    (void)command;
    errno = ENOSYS;
    return -1;
}
#define system real_system

#endif
