/* SPDX-License-Identifier: MIT */
/*
 * Three files of each thread are read: `stat` for the processor on which it ran last, `sched` for the kernel's
 * own count of its moves, which starts at 0 with the thread, and of pinned programs `status`, for the
 * processors that it may use: a program can widen that by itself, and need not have moved yet.
 */
#include "record/migrations.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "record/files.h"
#include "record/process_stat.h"

enum { NAME = 96, CPU_UNKNOWN = -1, ASK_AGAIN_NS = 1000000000 };

/* When a look is. */
struct moment {
    uint64_t now_ns; /* 0: at the beginning */
    bool last;
};

int tare_migrations_init(struct tare_migrations *migrations, int pin)
{
    *migrations = (struct tare_migrations){.pin = pin, .root = "", .elsewhere_cpu = CPU_UNKNOWN};
    migrations->threads = calloc(TARE_MIGRATIONS_THREADS, sizeof(*migrations->threads));
    return migrations->threads != NULL ? 0 : -ENOMEM;
}

void tare_migrations_release(struct tare_migrations *migrations)
{
    free(migrations->threads);
    *migrations = (struct tare_migrations){.pin = -1, .root = ""};
}

static bool read_stat(const char *root, pid_t pid, pid_t tid, struct tare__process_stat *stat)
{
    char name[NAME], text[TARE__PROCESS_STAT_BYTES];
    snprintf(name, sizeof(name), "/proc/%d/task/%d/stat", (int)pid, (int)tid);
    bool fine =
        tare__file_read(root, name, text, sizeof(text)) > 0 && tare__process_stat_parse(text, stat) == 0;
    stat->name = NULL;
    return fine;
}

/* What stands behind the first `key` and a colon; NULL: no such line. */
static const char *value_of(const char *text, const char *key)
{
    const char *at = strstr(text, key);
    if (at == NULL) {
        return NULL;
    }
    at += strlen(key);
    at += strspn(at, " \t");
    return *at == ':' ? at + 1 + strspn(at + 1, " \t") : NULL;
}

static bool read_moves(const char *root, pid_t pid, pid_t tid, uint64_t *moves)
{
    char name[NAME], text[8192];
    snprintf(name, sizeof(name), "/proc/%d/task/%d/sched", (int)pid, (int)tid);
    if (tare__file_read(root, name, text, sizeof(text)) <= 0) {
        return false;
    }
    /* Longer than a thread's name, which stands above and is the program's to choose. */
    const char *value = value_of(text, "se.nr_migrations");
    if (value == NULL || !isdigit((unsigned char)*value)) {
        return false;
    }
    *moves = strtoull(value, NULL, 10);
    return true;
}

/* Whether it may run on another processor than the one it is pinned to. */
static bool is_allowed_elsewhere(const struct tare_migrations *migrations, pid_t pid, pid_t tid)
{
    char name[NAME], text[8192];
    snprintf(name, sizeof(name), "/proc/%d/task/%d/status", (int)pid, (int)tid);
    if (tare__file_read(migrations->root, name, text, sizeof(text)) <= 0) {
        return false;
    }
    const char *list = value_of(text, "Cpus_allowed_list");
    if (list == NULL || !isdigit((unsigned char)*list)) {
        return false;
    }
    char *end;
    long only = strtol(list, &end, 10);
    return *end != '\n' || only != migrations->pin;
}

/*
 * `thread` NULL: there is no room to remember what was read when. Each of so many threads gets its turn less
 * often than once a second.
 */
static void look_for_others(struct tare_migrations *migrations, const struct moment *moment, pid_t pid,
                            pid_t tid, int cpu, struct tare_migrations_thread *thread)
{
    bool runs_elsewhere = cpu != CPU_UNKNOWN && cpu != migrations->pin, allowed;
    if (thread == NULL) {
        allowed = is_allowed_elsewhere(migrations, pid, tid);
    } else {
        if (moment->last || thread->asked_ns == 0 || moment->now_ns - thread->asked_ns >= ASK_AGAIN_NS) {
            thread->allowed_elsewhere = is_allowed_elsewhere(migrations, pid, tid);
            thread->asked_ns = moment->now_ns;
        }
        allowed = thread->allowed_elsewhere;
    }
    if (!runs_elsewhere && !allowed) {
        return;
    }
    if (migrations->elsewhere++ == 0 || (runs_elsewhere && migrations->elsewhere_cpu == CPU_UNKNOWN)) {
        migrations->elsewhere_tid = tid;
        migrations->elsewhere_cpu = runs_elsewhere ? cpu : CPU_UNKNOWN;
    }
}

/* Threads that have ended make room; what they moved stays counted. */
static void forget_ended(struct tare_migrations *migrations)
{
    size_t kept = 0;
    for (size_t i = 0; i < migrations->count; i++) {
        const struct tare_migrations_thread *thread = &migrations->threads[i];
        struct tare__process_stat stat;
        if (read_stat(migrations->root, thread->pid, thread->tid, &stat) &&
            stat.start_time_jiffies == thread->start_time_jiffies) {
            migrations->threads[kept++] = *thread;
        } else {
            migrations->moves += thread->moves - thread->before;
        }
    }
    migrations->count = kept;
}

/* The thread's entry, a new one if need be; NULL: there are too many. */
static struct tare_migrations_thread *entry_of(struct tare_migrations *migrations, pid_t pid, pid_t tid,
                                               uint64_t start_time_jiffies)
{
    for (size_t i = 0; i < migrations->count; i++) {
        struct tare_migrations_thread *thread = &migrations->threads[i];
        if (thread->tid == tid && thread->pid == pid && thread->start_time_jiffies == start_time_jiffies) {
            return thread;
        }
    }
    if (migrations->count == TARE_MIGRATIONS_THREADS) {
        forget_ended(migrations);
    }
    if (migrations->count == TARE_MIGRATIONS_THREADS) {
        return NULL;
    }
    struct tare_migrations_thread *thread = &migrations->threads[migrations->count++];
    *thread = (struct tare_migrations_thread){.pid = pid, .tid = tid, .start_time_jiffies = start_time_jiffies};
    return thread;
}

static void look_at(struct tare_migrations *migrations, const struct moment *moment, pid_t pid, pid_t tid)
{
    struct tare__process_stat stat;
    uint64_t moves;
    if (!read_stat(migrations->root, pid, tid, &stat)) {
        return;
    }
    migrations->looks++;
    struct tare_migrations_thread *thread = entry_of(migrations, pid, tid, stat.start_time_jiffies);
    if (migrations->pin >= 0) {
        look_for_others(migrations, moment, pid, tid, stat.cpu, thread);
    }
    if (thread == NULL || !read_moves(migrations->root, pid, tid, &moves)) {
        return;
    }
    migrations->told = true;
    if (moment->now_ns == 0) {
        thread->before = thread->moves = moves;
    } else if (moves > thread->moves) {
        thread->moves = moves;
    }
}

/* Threads from number `*number` on, `*left` of them at most. */
static void look_at_process(struct tare_migrations *migrations, const struct moment *moment, pid_t pid,
                            size_t *number, size_t *left)
{
    char name[4096];
    int length = snprintf(name, sizeof(name), "%s/proc/%d/task", migrations->root, (int)pid);
    DIR *tasks = length > 0 && (size_t)length < sizeof(name) ? opendir(name) : NULL;
    if (tasks == NULL) {
        return;
    }
    for (struct dirent *entry = readdir(tasks); entry != NULL && *left > 0; entry = readdir(tasks)) {
        if (!isdigit((unsigned char)entry->d_name[0])) {
            continue;
        }
        if ((*number)++ >= migrations->skip) {
            look_at(migrations, moment, pid, (pid_t)atoi(entry->d_name));
            (*left)--;
        }
    }
    closedir(tasks);
}

void tare_migrations_begin(struct tare_migrations *migrations, pid_t pid)
{
    size_t number = 0, left = TARE_MIGRATIONS_THREADS;
    migrations->skip = 0;
    look_at_process(migrations, &(const struct moment){0}, pid, &number, &left);
}

void tare_migrations_look(struct tare_migrations *migrations, const pid_t *pids, size_t count, uint64_t now_ns,
                          bool last)
{
    const struct moment moment = {.now_ns = now_ns != 0 ? now_ns : 1, .last = last};
    size_t left = TARE_MIGRATIONS_LOOK;
    for (int round = 0; round < 2; round++) {
        size_t number = 0;
        for (size_t i = 0; i < count && left > 0; i++) {
            look_at_process(migrations, &moment, pids[i], &number, &left);
        }
        if (left < TARE_MIGRATIONS_LOOK || migrations->skip == 0) {
            break;
        }
        migrations->skip = 0; /* there are none behind those of the last look any more: from the first again */
    }
    migrations->skip = left == 0 ? migrations->skip + TARE_MIGRATIONS_LOOK : 0;
}

uint64_t tare_migrations_count(const struct tare_migrations *migrations)
{
    if (!migrations->told) {
        return UINT64_MAX;
    }
    uint64_t moves = migrations->moves;
    for (size_t i = 0; i < migrations->count; i++) {
        moves += migrations->threads[i].moves - migrations->threads[i].before;
    }
    return moves;
}
