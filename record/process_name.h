/* SPDX-License-Identifier: MIT */
/* What a process is called. */
#ifndef TARE_RECORD_PROCESS_NAME_H
#define TARE_RECORD_PROCESS_NAME_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/*
 * A process is called what its user started. That is the last part of its first argument, without the '-' of a login
 * shell, if the kernel's own name (/proc/PID/comm, 15 bytes of what was executed) says the same: so it is
 * "redis-server", which is a link to "redis-check-rdb", and "busybox" is what it was called as. Where the kernel says
 * that a script was executed, it is that: "build.py", whose first argument is the interpreter; but "python3" where
 * that was started with the script as an argument. A program that changes its arguments ("nginx: master process")
 * or its kernel's name is called as it was, if the other of the two still says so; else by its executable.
 */
struct tare_process_names {
    char name[256];       /* what it is called; "" if nothing is known at all */
    char kernel[64];      /* comm; "" if unknown */
    char argument[256];   /* last part of its first argument; "" if there is none */
    char executable[256]; /* last part of its executable's path; "" if unknown */
};

/*
 * `executable` and `command` (arguments separated by NUL, `size` bytes) as its page has them; what of the latter
 * cannot be printed is '?' there already. `pid` 0: one that is not asked for its kernel's name. Never fails.
 */
void tare_process_names_of(pid_t pid, const char *executable, const char *command, size_t size,
                           struct tare_process_names *names);

/* The same with the kernel's name given, "" if unknown. */
void tare__process_names_from(const char *kernel, const char *executable, const char *command, size_t size,
                              struct tare_process_names *names);

/* Whether any of its names matches the pattern (fnmatch). */
bool tare_process_names_match(const struct tare_process_names *names, const char *pattern);

#endif
