/* SPDX-License-Identifier: MIT */
/*
 * Which processes have a page. One that is known is known by its pid, when it started, and the file that its page
 * lies in.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "record/discover.h"
#include "result/live_parts.h"

/*
 * Looking into the descriptors of every process of a machine takes milliseconds, and those that have run for a
 * while hardly ever begin to use libtare. So most looks are into those alone that are new; two, as between fork
 * and exec a process is not what it is going to be.
 */
enum { LOOKS = 2, LOOKS_BEFORE_ALL = 5 };

/*
 * The last ones are for looking into /proc: without any, all that is watched would seem to have ended.
 * The lowest free one is what open() gives, so one this high is among the last.
 */
static bool no_descriptors_left(int fd)
{
    enum { SPARE = 8 };
    struct rlimit limit;
    return getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY &&
           (rlim_t)fd + SPARE >= limit.rlim_cur;
}

/* The first one stays. */
void tare__live_complain(char *message, size_t size, pid_t pid, const char *what)
{
    if (size != 0 && message[0] == '\0') {
        snprintf(message, size, "cannot read the page of process %d: %s", (int)pid, what);
    }
}

/* For want of descriptors, one that is there is not to be mistaken for one that has gone. */
static void remember_lack(char *message, size_t size, pid_t pid, int error)
{
    if (error == -EMFILE || error == -ENFILE) {
        tare__live_complain(message, size, pid, strerror(-error));
    }
}

static struct tare__live_process *find_process(const struct tare_live *live, const struct tare_found_page *page,
                                               const struct stat *file)
{
    for (size_t i = 0; i < live->count; i++) {
        struct tare__live_process *process = live->processes[i];
        if (process->pid == page->pid && process->alive && process->source.offset == page->offset &&
            process->device == file->st_dev && process->inode == file->st_ino) {
            return process;
        }
    }
    return NULL;
}

static int by_pid(const void *a, const void *b)
{
    const struct tare__live_process *x = *(struct tare__live_process *const *)a,
                                    *y = *(struct tare__live_process *const *)b;
    if (x->pid != y->pid) {
        return x->pid < y->pid ? -1 : 1;
    }
    return x->id < y->id ? -1 : x->id > y->id;
}

/* 0 also where it cannot be opened (any more): it is looked for again in a second. */
static int add_process(struct tare_live *live, const struct tare_found_page *page, uint64_t start_time_jiffies,
                       char *message, size_t message_size)
{
    int fd = open(page->path, O_RDWR | O_CLOEXEC);
    bool writable = fd >= 0;
    fd = fd >= 0 ? fd : open(page->path, O_RDONLY | O_CLOEXEC);
    struct stat file;
    if (fd < 0 || no_descriptors_left(fd)) {
        remember_lack(message, message_size, page->pid, fd < 0 ? -errno : -EMFILE);
        if (fd >= 0) {
            close(fd);
            return 0;
        }
    }
    if (fd < 0 || fstat(fd, &file) != 0) {
        if (fd >= 0) {
            close(fd);
        }
        return 0;
    }
    if (live->count == live->capacity) {
        size_t capacity = live->capacity != 0 ? 2 * live->capacity : 16;
        struct tare__live_process **grown =
            reallocarray(live->processes, capacity, sizeof(struct tare__live_process *));
        if (grown == NULL) {
            close(fd);
            return -ENOMEM;
        }
        live->processes = grown;
        live->capacity = capacity;
    }
    struct tare__live_process *process = calloc(1, sizeof(*process));
    if (process == NULL) {
        close(fd);
        return -ENOMEM;
    }
    *process = (struct tare__live_process){
        .id = ++live->next_id,
        .pid = page->pid,
        .start_time_jiffies = start_time_jiffies,
        .device = file.st_dev,
        .inode = file.st_ino,
        .source = {fd, page->offset, page->limit},
        .writable = writable,
        .found = true,
        .alive = true,
        .cpu_ns = NAN,
        .origin_ns = NAN,
    };
    process->reader = tare_page_reader_open(&process->source);
    process->pasts = calloc(TARE__LIVE_PASTS, sizeof(*process->pasts));
    if (process->reader == NULL || process->pasts == NULL) {
        tare__live_process_free(process);
        return -ENOMEM;
    }
    live->processes[live->count++] = process;
    return 0;
}

static int take_pages(struct tare_live *live, const struct tare_found_page *pages, size_t count, char *message,
                      size_t message_size)
{
    for (size_t i = 0; i < count; i++) {
        struct stat file;
        uint64_t start_time_jiffies = 0;
        int gone = stat(pages[i].path, &file) == 0 ? tare_process_start_time(pages[i].pid, &start_time_jiffies)
                                                   : -errno;
        if (gone != 0) { /* meanwhile, or there is no descriptor left to see */
            remember_lack(message, message_size, pages[i].pid, gone);
            continue;
        }
        struct tare__live_process *known = find_process(live, &pages[i], &file);
        if (known != NULL && known->start_time_jiffies == start_time_jiffies) {
            known->found = true;
        } else {
            int error = add_process(live, &pages[i], start_time_jiffies, message, message_size);
            if (error != 0) {
                return error;
            }
        }
    }
    return 0;
}

static int look_for(struct tare_live *live, pid_t pid, char *message, size_t message_size)
{
    struct tare_found_page *pages = NULL;
    size_t count = 0, denied = 0;
    int error = tare_discover(pid, &pages, &count, &denied);
    if (error == -EMFILE || error == -ENFILE) { /* what was found before there were none left is there */
        if (pid != 0) {
            remember_lack(message, message_size, pid, error);
        } else if (message_size != 0 && message[0] == '\0') {
            snprintf(message, message_size, "cannot look at all processes: %s", strerror(-error));
        }
        error = 0;
    }
    if (error == 0) {
        live->denied += denied;
        error = take_pages(live, pages, count, message, message_size);
    }
    free(pages);
    return error == -ESRCH ? 0 : error;
}

static int by_looked_at(const void *a, const void *b)
{
    pid_t x = ((const struct tare__live_looked_at *)a)->pid, y = ((const struct tare__live_looked_at *)b)->pid;
    return x < y ? -1 : x > y;
}

/* All processes that there are now, by pid, each with the looks that were taken at it so far. */
static int list_processes(struct tare_live *live, struct tare__live_looked_at **list, size_t *count)
{
    DIR *proc = opendir("/proc");
    size_t capacity = 0;
    int error = proc != NULL ? 0 : -errno;
    *list = NULL;
    *count = 0;
    for (struct dirent *entry; error == 0 && (entry = readdir(proc)) != NULL;) {
        int pid = entry->d_name[0] >= '1' && entry->d_name[0] <= '9' ? atoi(entry->d_name) : 0;
        if (pid == 0) {
            continue;
        }
        if (*count == capacity) {
            capacity = capacity != 0 ? 2 * capacity : 256;
            struct tare__live_looked_at *grown = reallocarray(*list, capacity, sizeof(*grown));
            if (grown == NULL) {
                error = -ENOMEM;
                break;
            }
            *list = grown;
        }
        struct tare__live_looked_at found = {.pid = pid};
        const struct tare__live_looked_at *known =
            live->looked_at_count != 0
                ? bsearch(&found, live->looked_at, live->looked_at_count, sizeof(found), by_looked_at)
                : NULL;
        found.looks = known != NULL ? known->looks : 0;
        (*list)[(*count)++] = found;
    }
    if (proc != NULL) {
        closedir(proc);
    }
    if (error != 0) {
        free(*list);
        return error;
    }
    if (*count != 0) {
        qsort(*list, *count, sizeof(**list), by_looked_at);
    }
    return 0;
}

static void find_none(struct tare_live *live)
{
    for (size_t i = 0; i < live->count; i++) {
        live->processes[i]->found = false;
    }
}

/* Processes that are new, and, as these may run another program now, those that we know. */
static int look_at_new(struct tare_live *live, const struct tare__live_looked_at *list, size_t count,
                       char *message, size_t message_size)
{
    size_t denied = live->denied;
    int error = 0;
    for (size_t i = 0; error == 0 && i < count; i++) {
        bool known = false;
        for (size_t k = 0; k < live->count && !known; k++) {
            known = live->processes[k]->alive && live->processes[k]->pid == list[i].pid;
        }
        if (known || list[i].looks < LOOKS) {
            error = look_for(live, list[i].pid, message, message_size);
        }
    }
    live->denied = denied;
    return error;
}

static int look_around(struct tare_live *live, char *message, size_t message_size)
{
    struct tare__live_looked_at *list;
    size_t count;
    int error = list_processes(live, &list, &count);
    if (error != 0) {
        return error;
    }
    if (live->looks++ % LOOKS_BEFORE_ALL == 0) {
        live->denied = 0;
        error = look_for(live, 0, message, message_size);
    } else {
        error = look_at_new(live, list, count, message, message_size);
    }
    for (size_t i = 0; i < count; i++) {
        list[i].looks++;
    }
    free(live->looked_at);
    live->looked_at = list;
    live->looked_at_count = count;
    return error;
}

/* Who is there. What is not found any more has ended, or runs another program now. */
int tare__live_discover(struct tare_live *live, char *message, size_t message_size)
{
    int error = 0;
    find_none(live);
    if (live->all_pids) {
        error = look_around(live, message, message_size);
    } else {
        live->denied = 0;
    }
    for (size_t i = 0; error == 0 && i < live->pid_count; i++) {
        error = look_for(live, live->pids[i], message, message_size);
    }
    if (error == 0 && live->count != 0) {
        qsort(live->processes, live->count, sizeof(struct tare__live_process *), by_pid);
    }
    return error;
}
