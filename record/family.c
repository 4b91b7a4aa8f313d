/* SPDX-License-Identifier: MIT */
/*
 * Who descends from whom, from /proc. Taken before the signal that ends a parent, as its children have another
 * one afterwards.
 */
#include "record/family.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "record/discover.h"

struct process {
    pid_t pid, parent;
    bool belongs;
};

static int list_processes(struct process **list, size_t *count)
{
    DIR *proc = opendir("/proc");
    if (proc == NULL) {
        return -errno;
    }
    int error = 0;
    size_t room = 0;
    for (struct dirent *entry = readdir(proc); entry != NULL; entry = readdir(proc)) {
        if (!isdigit((unsigned char)entry->d_name[0])) {
            continue;
        }
        if (*count == room) {
            room = room != 0 ? 2 * room : 256;
            struct process *grown = realloc(*list, room * sizeof(*grown));
            if (grown == NULL) {
                error = -ENOMEM;
                break;
            }
            *list = grown;
        }
        pid_t pid = (pid_t)atoi(entry->d_name);
        (*list)[(*count)++] = (struct process){.pid = pid, .parent = tare_process_parent(pid)};
    }
    closedir(proc);
    return error;
}

/* Marks the children of `root` and of all who are marked, until there are no more. Returns how many. */
static size_t mark(struct process *list, size_t count, pid_t root)
{
    size_t marked = 0;
    for (bool more = true; more;) {
        more = false;
        for (size_t i = 0; i < count; i++) {
            bool child = list[i].parent == root;
            for (size_t k = 0; k < count && !child && !list[i].belongs; k++) {
                child = list[k].belongs && list[k].pid == list[i].parent;
            }
            if (child && !list[i].belongs) {
                list[i].belongs = more = true;
                marked++;
            }
        }
    }
    return marked;
}

int tare_family_read(pid_t root, struct tare_family *family)
{
    *family = (struct tare_family){0};
    struct process *list = NULL;
    size_t count = 0;
    int error = list_processes(&list, &count);
    if (error != 0) {
        goto out;
    }
    size_t marked = mark(list, count, root);
    family->members = calloc(marked + 1, sizeof(*family->members));
    if (family->members == NULL) {
        error = -ENOMEM;
        goto out;
    }
    for (size_t i = 0; i < count; i++) {
        struct tare_family_member member = {.pid = list[i].pid};
        if (list[i].belongs && tare_process_start_time(member.pid, &member.start_time_jiffies) == 0) {
            family->members[family->count++] = member;
        }
    }
out:
    free(list);
    return error;
}

size_t tare_family_signal(const struct tare_family *family, int signal)
{
    size_t running = 0;
    for (size_t i = 0; i < family->count; i++) {
        const struct tare_family_member *member = &family->members[i];
        int fd = (int)syscall(SYS_pidfd_open, member->pid, 0);
        /* The descriptor names one process for good; then it is looked at whether that is the one. */
        if (fd >= 0 && tare_process_alive(member->pid, member->start_time_jiffies)) {
            running++;
            if (signal != 0) {
                syscall(SYS_pidfd_send_signal, fd, signal, NULL, 0);
            }
        }
        if (fd >= 0) {
            close(fd);
        }
    }
    return running;
}

void tare_family_release(struct tare_family *family)
{
    free(family->members);
    *family = (struct tare_family){0};
}
