/* SPDX-License-Identifier: MIT */
/* What the files of rawposix share. */
#ifndef LIND_RAWPOSIX_INTERNAL_H
#define LIND_RAWPOSIX_INTERNAL_H

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/types.h>

#include "suites/syscalls/layers/fdtables.h"
#include "suites/syscalls/layers/rawposix.h"

enum {
    RAWPOSIX_OWNED = 0, /* kinds of files: a descriptor that is closed with its last number */
    RAWPOSIX_LENT = 1,  /* and one that is not */
};

/* A call on its way: whose it is, and the cages whose addresses are in it, held until it is answered. */
struct rawposix_request {
    const uint64_t *args;
    const uint32_t *from;
    struct cage *caller;
    struct cage *others[LIND_ARGUMENTS];
    int other_count;
};

/* The host's address of `size` bytes at the address in that argument; NULL: -EFAULT. */
void *rawposix__at(struct rawposix_request *request, int argument, uint64_t size);
/* The same of another address in the cage that the argument's lies in. */
void *rawposix__address(struct rawposix_request *request, int argument, uint64_t address, uint64_t size);
/* The same of `count` things of `size` bytes each. */
void *rawposix__array_at(struct rawposix_request *request, int argument, uint64_t count, uint64_t size);
/*
 * Out of a cage's memory, which other threads of the cage may write to meanwhile: what was checked is what is used, as the
 * compiler does not read there again behind the barrier.
 */
static inline void rawposix__copy_in(void *to, const void *from, size_t size)
{
    memcpy(to, from, size);
    __asm__ volatile("" : : "r"(to) : "memory");
}
/* A copy of the path or text there, with a NUL. Its length, -EFAULT, or -ENAMETOOLONG; -EINVAL: a NUL within `length`. */
int rawposix__path(struct rawposix_request *request, int argument, char path[LIND_PATH_MAX]);
int rawposix__path_of_length(struct rawposix_request *request, int argument, uint64_t length,
                             char path[LIND_PATH_MAX]);

static inline int rawposix__int(const struct rawposix_request *request, int argument)
{
    return (int)(uint32_t)request->args[argument];
}

/* What a function of libc returned, as the kernel would have said it. That the host has no descriptors left is not the
   cage's -EMFILE. */
static inline int64_t rawposix__result(int64_t returned)
{
    return returned >= 0 ? returned : errno == EMFILE ? -ENFILE : -errno;
}

/* The lowest free number for a descriptor of the host, which is closed if there is none. */
int rawposix__number(struct cage *cage, int under_fd, bool cloexec);

/*
 * rawposix_resolve.c: paths. A base is the directory that a path begins in; `beneath`: it is not to be left, else it is
 * taken for "/".
 */
struct rawposix_base {
    int fd;
    bool beneath;
    struct fd_file *held;
};
int rawposix__base(struct cage *cage, int at, struct rawposix_base *base); /* 0, or -errno */
void rawposix__base_end(struct rawposix_base *base);
/* As openat2: the host's descriptor, or -errno; `flags` are the host's. */
int rawposix__open_below(const struct rawposix_base *base, const char *path, int flags, mode_t mode);

/* Where a path's last component is: to be given to a function of the host that does not follow it. */
struct rawposix_place {
    int fd;
    int opened_fd;    /* `fd`, or -1 */
    const char *name; /* in the path; with slashes at its end if it had some */
};
int rawposix__place(const struct rawposix_base *base, char *path,
                    struct rawposix_place *place); /* writes into `path` */
void rawposix__place_end(struct rawposix_place *place);
/* For tests: walks by components even where the kernel has openat2. */
void rawposix__without_openat2(bool without);

/* The calls, by subject; rawposix.c has the table. */
#define RAWPOSIX_CALL(name) int64_t rawposix__##name(struct rawposix_request *request)
RAWPOSIX_CALL(open);
RAWPOSIX_CALL(stat);
RAWPOSIX_CALL(lstat);
RAWPOSIX_CALL(rename);
RAWPOSIX_CALL(mkdir);
RAWPOSIX_CALL(rmdir);
RAWPOSIX_CALL(link);
RAWPOSIX_CALL(unlink);
RAWPOSIX_CALL(symlink);
RAWPOSIX_CALL(readlink);
RAWPOSIX_CALL(utimensat);
RAWPOSIX_CALL(path_open);
RAWPOSIX_CALL(path_stat);
RAWPOSIX_CALL(path_mkdir);
RAWPOSIX_CALL(path_rmdir);
RAWPOSIX_CALL(path_unlink);
RAWPOSIX_CALL(path_rename);
RAWPOSIX_CALL(path_link);
RAWPOSIX_CALL(path_symlink);
RAWPOSIX_CALL(path_readlink);
RAWPOSIX_CALL(path_utimens);

RAWPOSIX_CALL(socket);
RAWPOSIX_CALL(socketpair);
RAWPOSIX_CALL(bind);
RAWPOSIX_CALL(connect);
RAWPOSIX_CALL(listen);
RAWPOSIX_CALL(accept);
RAWPOSIX_CALL(accept4);
RAWPOSIX_CALL(sendto);
RAWPOSIX_CALL(recvfrom);
RAWPOSIX_CALL(shutdown);
RAWPOSIX_CALL(getsockname);
RAWPOSIX_CALL(getpeername);
RAWPOSIX_CALL(setsockopt);
RAWPOSIX_CALL(getsockopt);

RAWPOSIX_CALL(pipe);
RAWPOSIX_CALL(pipe2);
RAWPOSIX_CALL(poll);
RAWPOSIX_CALL(poll_ns);
RAWPOSIX_CALL(nanosleep);
RAWPOSIX_CALL(sleep_ns);
RAWPOSIX_CALL(clock_gettime);
RAWPOSIX_CALL(clock_getres);
RAWPOSIX_CALL(clock_ns);
RAWPOSIX_CALL(clock_res_ns);
RAWPOSIX_CALL(getrandom);
RAWPOSIX_CALL(sched_yield);
RAWPOSIX_CALL(getpid);
RAWPOSIX_CALL(getppid);
RAWPOSIX_CALL(geteuid);

RAWPOSIX_CALL(read);
RAWPOSIX_CALL(write);
RAWPOSIX_CALL(pread);
RAWPOSIX_CALL(pwrite);
RAWPOSIX_CALL(readv);
RAWPOSIX_CALL(writev);
RAWPOSIX_CALL(preadv);
RAWPOSIX_CALL(pwritev);
RAWPOSIX_CALL(close);
RAWPOSIX_CALL(fstat);
RAWPOSIX_CALL(lseek);
RAWPOSIX_CALL(fdmode);
RAWPOSIX_CALL(dup);
RAWPOSIX_CALL(dup2);
RAWPOSIX_CALL(dup3);
RAWPOSIX_CALL(renumber);
RAWPOSIX_CALL(fcntl);
RAWPOSIX_CALL(fsync);
RAWPOSIX_CALL(fdatasync);
RAWPOSIX_CALL(ftruncate);
RAWPOSIX_CALL(fallocate);
RAWPOSIX_CALL(futimens);
RAWPOSIX_CALL(getdents);
RAWPOSIX_CALL(readdir);

/* Shared by descriptors and paths. */
struct stat;
struct timespec;
void rawposix__stat_of(const struct stat *host, struct lind_stat *stat);
struct timespec rawposix__host_time(int64_t ns);
int rawposix__host_flags(uint32_t flags); /* of open; -EINVAL: some that are not offered */

#endif
