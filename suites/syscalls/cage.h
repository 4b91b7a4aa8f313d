/* SPDX-License-Identifier: MIT */
/*
 * What the layers between a sandbox and the kernel share. A call goes
 *
 *     wasm -> lind_common (trampoline: import -> call) -> threei (who answers it?) -> rawposix | another cage's grate
 *                                                                                      -> fdtables, kernel
 *
 * A cage is one sandboxed program: a linear memory, a table of descriptors, a root directory it cannot leave, and, in
 * threei, a table of who answers which of its calls. Numbers of calls are those of Linux on x86_64 on every processor
 * (they are an interface of ours, not the host's); those from LIND_CALL_FIRST_OWN on have none there. Results are >= 0, or a
 * negative errno of Linux. Arguments are what the sandbox gave: integers, and addresses in the linear memory of the cage
 * that `from` names, not of this process: whoever uses one asks cage_at() for it, which checks its bounds.
 */
#ifndef LIND_CAGE_H
#define LIND_CAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    LIND_ARGUMENTS = 6,
    LIND_CALLS_MAX = 512,   /* numbers are below */
    LIND_CAGES_MAX = 65536, /* at a time; numbers of cages that are gone are given again */
    LIND_FDS_MAX = 1024,    /* of a cage */
};

enum lind_call { /* as Linux numbers them on x86_64 */
                 LIND_READ = 0,
                 LIND_WRITE = 1,
                 LIND_OPEN = 2,
                 LIND_CLOSE = 3,
                 LIND_STAT = 4,
                 LIND_FSTAT = 5,
                 LIND_LSTAT = 6,
                 LIND_POLL = 7,
                 LIND_LSEEK = 8,
                 LIND_PREAD = 17,
                 LIND_PWRITE = 18,
                 LIND_READV = 19,
                 LIND_WRITEV = 20,
                 LIND_PIPE = 22,
                 LIND_SCHED_YIELD = 24,
                 LIND_DUP = 32,
                 LIND_DUP2 = 33,
                 LIND_NANOSLEEP = 35,
                 LIND_GETPID = 39,
                 LIND_SOCKET = 41,
                 LIND_CONNECT = 42,
                 LIND_ACCEPT = 43,
                 LIND_SENDTO = 44,
                 LIND_RECVFROM = 45,
                 LIND_SHUTDOWN = 48,
                 LIND_BIND = 49,
                 LIND_LISTEN = 50,
                 LIND_GETSOCKNAME = 51,
                 LIND_GETPEERNAME = 52,
                 LIND_SOCKETPAIR = 53,
                 LIND_SETSOCKOPT = 54,
                 LIND_GETSOCKOPT = 55,
                 LIND_FORK = 57,
                 LIND_EXIT = 60,
                 LIND_FCNTL = 72,
                 LIND_FSYNC = 74,
                 LIND_FDATASYNC = 75,
                 LIND_FTRUNCATE = 77,
                 LIND_GETDENTS = 78,
                 LIND_RENAME = 82,
                 LIND_MKDIR = 83,
                 LIND_RMDIR = 84,
                 LIND_LINK = 86,
                 LIND_UNLINK = 87,
                 LIND_SYMLINK = 88,
                 LIND_READLINK = 89,
                 LIND_GETEUID = 107,
                 LIND_GETPPID = 110,
                 LIND_CLOCK_GETTIME = 228,
                 LIND_CLOCK_GETRES = 229,
                 LIND_UTIMENSAT = 280,
                 LIND_FALLOCATE = 285,
                 LIND_ACCEPT4 = 288,
                 LIND_DUP3 = 292,
                 LIND_PIPE2 = 293,
                 LIND_PREADV = 295,
                 LIND_PWRITEV = 296,
                 LIND_GETRANDOM = 318,
                 LIND_CALL_FIRST_OWN =
                     400, /* what Linux has no call for, or in another form: rawposix.h says what each takes */
                 LIND_PATH_OPEN = 400,
                 LIND_PATH_STAT = 401,
                 LIND_PATH_MKDIR = 402,
                 LIND_PATH_RMDIR = 403,
                 LIND_PATH_UNLINK = 404,
                 LIND_PATH_RENAME = 405,
                 LIND_PATH_LINK = 406,
                 LIND_PATH_SYMLINK = 407,
                 LIND_PATH_READLINK = 408,
                 LIND_PATH_UTIMENS = 409,
                 LIND_FUTIMENS = 410,
                 LIND_READDIR = 411,
                 LIND_RENUMBER = 412,
                 LIND_FDMODE = 413,
                 LIND_CLOCK_NS = 414,
                 LIND_CLOCK_RES_NS = 415,
                 LIND_POLL_NS = 416,
                 LIND_SLEEP_NS = 417,
};

struct fd_table; /* fdtables.h */
struct fd_file;

struct cage {
    uint32_t id;
    /* The linear memory: where it begins does not change while the cage lives, its size may grow (atomic). */
    uint8_t *memory;
    uint64_t size;
    struct fd_table *fds;
    int root_fd;     /* a directory of the host, O_PATH: paths are below it; -1: it has no files */
    uint64_t parent; /* id of the cage that forked it; 0: none */
    struct fd_file
        *root; /* what owns root_fd, shared by forks: rawposix_set_root(); NULL: the host, which closes it */
    /*
     * The host's, or NULL: called once, by whoever puts it last, in whatever thread that is: to unmap the memory. It has no
     * descriptors any more, but those that it shared with forks may be open; its root is held until after that.
     */
    void (*release)(struct cage *cage);
    void *owner;
};

/* A call, as layers hand it on. `from` is whose addresses are in args[i]: mostly the caller's own id. */
struct lind_request {
    uint32_t number;
    uint32_t caller; /* cage */
    uint64_t args[LIND_ARGUMENTS];
    uint32_t from[LIND_ARGUMENTS];
};

/* Who answers calls: rawposix, or a grate's entry. `data` is what it was registered with. */
typedef int64_t (*lind_handler)(const struct lind_request *request, void *data);

/* cage.c: all cages. Any thread may call; a cage is used by who holds it until cage_put(). */
struct cage *cage_new(
    uint32_t parent); /* with an empty table of descriptors and no memory; NULL: too many, or no memory */
struct cage *cage_fork(
    struct cage *parent);           /* a new one with its descriptors and root, but no memory; NULL: as above */
struct cage *cage_get(uint32_t id); /* held by the caller; NULL: there is none, or it has ended */
void cage_hold(struct cage *cage);  /* once more, by who holds it already */
void cage_put(struct cage *cage);
/*
 * Closes its descriptors and gives up what cage_new() returned: no cage_put() for that. The cage is no longer found, and
 * goes when the last holder has put it; until then its number is not given again. A second cage_end() does nothing, but
 * its caller has to hold the cage by then.
 */
void cage_end(struct cage *cage);
uint32_t cage_count(void); /* that have not gone */
/*
 * From now on this thread runs the cage (NULL: none), which whoever calls holds until the thread runs another: the layers
 * need not hold it for each of its calls then. Returns what it ran before, to be given back by another cage_enter().
 */
struct cage *cage_enter(struct cage *cage);
/* cage_get() without holding it, if this thread runs it; *held: it has to be put. NULL as there. */
struct cage *cage_borrow(uint32_t id, bool *held);
/* What threads of the cage's program see of a memory that grows: set after the pages are there (atomic). */
void cage_set_size(struct cage *cage, uint64_t size);
/* The host's address of `size` bytes at `address` in its memory; NULL if they do not all lie in it. size 0 is fine. */
void *cage_at(const struct cage *cage, uint64_t address, uint64_t size);

#endif
