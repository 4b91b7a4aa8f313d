/* SPDX-License-Identifier: MIT */
/*
 * Virtual descriptors: each cage has its own numbers from 0 to 1,023, and a number leads to a descriptor of the host.
 * Several numbers, of one cage or of many, may lead to the same one (dup, fork); it is given to the close handler of its
 * kind when the last of them is closed, and nobody is using it.
 *
 * Rules are those of POSIX: the lowest number that is free, -EMFILE when all are taken, -EBADF for one that is not open.
 * Any thread may call. A number that one thread looks up while another closes it gives what was there before, or -EBADF;
 * who has looked it up holds what it led to, so the host's descriptor cannot be closed and given to another cage under its
 * hands.
 *
 * Timers: fdtables::get_unused_virtual_fd, get_specific_virtual_fd, translate_virtual_fd, dup_virtual_fd,
 * dup2_virtual_fd, close_virtualfd, set_cloexec, copy_fdtable_for_cage, empty_fds_for_exec, remove_cage_from_fdtable.
 */
#ifndef LIND_FDTABLES_H
#define LIND_FDTABLES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "suites/syscalls/cage.h"

enum { FDTABLES_KINDS = 8 };

/* What a number leads to. To be read by who holds it; `kind`, `under_fd` and `data` do not change. */
struct fd_file {
    int under_fd;   /* of the host; -1: none, `data` says it all */
    uint32_t kind;  /* below FDTABLES_KINDS */
    uint64_t data;  /* the kind's own */
    uint32_t holds; /* numbers that lead here, and who holds it (atomic) */
    struct fd_file *next_free;
};

/* Called once for each file, with no lock held, when it is used no more. */
typedef void (*fd_close_handler)(int under_fd, uint64_t data);

/* Before there are files of that kind; NULL: nothing is done. 0, or -EINVAL for a kind out of range. */
int fdtables_register_close_handler(uint32_t kind, fd_close_handler handler);

/*
 * A file without a number, held by the caller; NULL: no memory. A descriptor of the host is given to one file alone.
 * fd_file_put() gives back what fd_file_new(), fd_file_hold() or fdtables_translate_virtual_fd() gave.
 */
struct fd_file *fd_file_new(uint32_t kind, int under_fd, uint64_t data);
void fd_file_hold(struct fd_file *file);
void fd_file_put(struct fd_file *file);

/* An empty table; NULL: no memory. */
struct fd_table *fd_table_new(void);
/* Another one with the same numbers, leading to the same files; what is close-on-exec stays so. NULL: no memory. */
struct fd_table *fdtables_copy_fdtable_for_cage(struct fd_table *table);
/* Closes all of them; from then on the table takes no more (-EBADF). For cage_end(): others may still look into it. */
void fdtables_remove_cage_from_fdtable(struct fd_table *table);
/* When nobody uses it any more. */
void fd_table_free(struct fd_table *table);

/*
 * The lowest free number that is not below `least` for a new file. Returns it, -EMFILE, -EINVAL (`least` or `kind` out of
 * range), -ENOMEM, -EBADF (the table is gone). When it fails the host's descriptor remains the caller's.
 */
int fdtables_get_unused_virtual_fd(struct fd_table *table, uint32_t kind, int under_fd, uint64_t data,
                                   bool cloexec, int least);
/* That number, closing what it led to before. Returns it, -EBADF (out of range, or the table is gone), -EINVAL, -ENOMEM. */
int fdtables_get_specific_virtual_fd(struct fd_table *table, int fd, uint32_t kind, int under_fd, uint64_t data,
                                     bool cloexec);

/* The file, held for the caller, who gives it back by fd_file_put(). NULL: -EBADF. */
struct fd_file *fdtables_translate_virtual_fd(struct fd_table *table, int fd);

/* dup(), fcntl(F_DUPFD): -EBADF, -EMFILE, -EINVAL (`least` out of range). */
int fdtables_dup_virtual_fd(struct fd_table *table, int fd, int least, bool cloexec);
/*
 * dup2() and dup3(): `to` leads to what `fd` leads to, what it led to before is closed. fd == to: nothing happens, `to` is
 * returned (dup3's -EINVAL for that is the caller's). -EBADF: `fd` is not open, or `to` out of range.
 */
int fdtables_dup2_virtual_fd(struct fd_table *table, int fd, int to, bool cloexec);
/* WASI's fd_renumber(): dup2, and `fd` is closed in the same moment; -EBADF: either is not open. 0. */
int fdtables_renumber_virtual_fd(struct fd_table *table, int fd, int to);
int fdtables_close_virtualfd(struct fd_table *table, int fd); /* 0, or -EBADF */

int fdtables_set_cloexec(struct fd_table *table, int fd, bool cloexec); /* 0, or -EBADF */
int fdtables_get_cloexec(struct fd_table *table, int fd);               /* 0, 1, or -EBADF */
/* Closes those that are close-on-exec. */
void fdtables_empty_fds_for_exec(struct fd_table *table);
/* How many numbers are taken. */
int fdtables_count(struct fd_table *table);

#endif
