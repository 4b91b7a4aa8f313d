/* SPDX-License-Identifier: MIT */
/* The descendants of a process, as they are at one moment: whom a time limit is to end with it. */
#ifndef TARE_RECORD_FAMILY_H
#define TARE_RECORD_FAMILY_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct tare_family_member {
    pid_t pid;
    uint64_t start_time_jiffies;
};

struct tare_family {
    struct tare_family_member *members;
    size_t count;
};

/* Children of `root`, their children, and so on; not itself, and not who has been left to another parent. 0 or -errno. */
int tare_family_read(pid_t root, struct tare_family *family);

/* Sends the signal (0: none) to those that still run, never to another process of the same number. How many run. */
size_t tare_family_signal(const struct tare_family *family, int signal);

void tare_family_release(struct tare_family *family);

#endif
