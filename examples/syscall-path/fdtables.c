/* SPDX-License-Identifier: MIT */
/*
 * One table for each cage: a bitmap of the numbers that are taken, so that the lowest free one is found in at
 * most 16 steps, and an array of pointers to what lies behind them. What lies behind is counted, not copied,
 * because a host descriptor may be closed only when the last number for it goes.
 *
 * A lock for each cage, held for a few loads and stores; close handlers run after it is dropped, because they
 * make system calls. A table is found through one pointer that is published when it is complete, so that
 * looking for a cage takes no lock.
 */
#include "fdtables.h"

#include <errno.h>
#include <pthread.h>
#include <stddef.h>
#include <stdlib.h>

#include <tare/tare.h>

TARE_MODULE("fdtables");
TARE_TIMER(get_unused_virtual_fd);
TARE_TIMER(translate_virtual_fd);
TARE_TIMER(dup_virtual_fd);
TARE_TIMER(close_virtualfd);

enum {
    WORD_BITS = 64,
    WORDS = FDTABLES_FD_MAX / WORD_BITS,
};

struct target {
    struct fdtables_entry entry;
    unsigned shares; /* numbers that lead here; only changed atomically, as they may lie in different cages */
};

struct slot {
    struct target *target; /* NULL: the number is free */
    bool cloexec;          /* belongs to the number, not to what lies behind it */
};

struct table {
    pthread_mutex_t lock;
    uint64_t taken[WORDS];
    struct slot slots[FDTABLES_FD_MAX];
};

static struct table *tables[FDTABLES_CAGE_MAX];
static struct fdtables_close_handlers close_handlers[FDTABLES_KIND_MAX];

static struct table *table_of(uint64_t cage)
{
    /* Acquire: pairs with the exchange in fdtables_cage_create. */
    return cage < FDTABLES_CAGE_MAX ? __atomic_load_n(&tables[cage], __ATOMIC_ACQUIRE) : NULL;
}

/* The target behind `fd`, or NULL. Locked. */
static struct target *target_of(const struct table *table, int fd)
{
    return fd >= 0 && fd < FDTABLES_FD_MAX ? table->slots[fd].target : NULL;
}

/* Takes the lowest free number. Returns it or -EMFILE. Locked. */
static int take_lowest(struct table *table, struct target *target, bool cloexec)
{
    for (int word = 0; word < WORDS; word++) {
        if (table->taken[word] != UINT64_MAX) {
            int bit = __builtin_ctzll(~table->taken[word]);
            int fd = word * WORD_BITS + bit;
            table->taken[word] |= UINT64_C(1) << bit;
            table->slots[fd] = (struct slot){.target = target, .cloexec = cloexec};
            return fd;
        }
    }
    return -EMFILE;
}

/* Frees a number and returns what lay behind it, or NULL. Locked. */
static struct target *give_back(struct table *table, int fd)
{
    struct target *target = target_of(table, fd);
    if (target != NULL) {
        table->slots[fd] = (struct slot){0};
        table->taken[fd / WORD_BITS] &= ~(UINT64_C(1) << (fd % WORD_BITS));
    }
    return target;
}

/* One number fewer for a target. Not locked. */
static void release_share(struct target *target)
{
    struct fdtables_close_handlers handlers = close_handlers[target->entry.kind];
    int under_fd = target->entry.under_fd;

    /* Acquire and release: whoever frees the target sees what all the others did with it. */
    if (__atomic_sub_fetch(&target->shares, 1, __ATOMIC_ACQ_REL) > 0) {
        if (handlers.more != NULL) {
            handlers.more(under_fd);
        }
        return;
    }
    free(target);
    if (handlers.last != NULL) {
        handlers.last(under_fd);
    }
}

int fdtables_register_close_handlers(uint32_t kind, struct fdtables_close_handlers handlers)
{
    if (kind >= FDTABLES_KIND_MAX) {
        return -EINVAL;
    }
    close_handlers[kind] = handlers;
    return 0;
}

int fdtables_cage_create(uint64_t cage)
{
    if (cage >= FDTABLES_CAGE_MAX) {
        return -EINVAL;
    }
    struct table *table = calloc(1, sizeof(*table));
    if (table == NULL) {
        return -ENOMEM;
    }
    pthread_mutex_init(&table->lock, NULL);
    struct table *none = NULL;
    if (!__atomic_compare_exchange_n(&tables[cage], &none, table, false, __ATOMIC_RELEASE, __ATOMIC_RELAXED)) {
        pthread_mutex_destroy(&table->lock);
        free(table);
        return -EEXIST;
    }
    return 0;
}

int fdtables_cage_destroy(uint64_t cage)
{
    struct table *table = table_of(cage);
    if (table == NULL) {
        return -ESRCH;
    }
    __atomic_store_n(&tables[cage], NULL, __ATOMIC_RELEASE);
    for (int fd = 0; fd < FDTABLES_FD_MAX; fd++) {
        struct target *target = give_back(table, fd);
        if (target != NULL) {
            release_share(target);
        }
    }
    pthread_mutex_destroy(&table->lock);
    free(table);
    return 0;
}

int fdtables_get_unused_virtual_fd(uint64_t cage, uint32_t kind, int under_fd, bool cloexec)
{
    TARE_SCOPE(get_unused_virtual_fd);
    struct table *table = table_of(cage);
    if (table == NULL) {
        return -ESRCH;
    }
    if (kind >= FDTABLES_KIND_MAX) {
        return -EINVAL;
    }
    struct target *target = malloc(sizeof(*target));
    if (target == NULL) {
        return -ENOMEM;
    }
    *target = (struct target){.entry = {.kind = kind, .under_fd = under_fd}, .shares = 1};
    pthread_mutex_lock(&table->lock);
    int fd = take_lowest(table, target, cloexec);
    pthread_mutex_unlock(&table->lock);
    if (fd < 0) {
        free(target);
    }
    return fd;
}

int fdtables_translate_virtual_fd(uint64_t cage, int fd, struct fdtables_entry *entry)
{
    TARE_SCOPE(translate_virtual_fd);
    struct table *table = table_of(cage);
    if (table == NULL) {
        return -ESRCH;
    }
    int result = -EBADF;
    pthread_mutex_lock(&table->lock);
    const struct target *target = target_of(table, fd);
    if (target != NULL) {
        *entry = target->entry;
        entry->cloexec = table->slots[fd].cloexec;
        result = 0;
    }
    pthread_mutex_unlock(&table->lock);
    return result;
}

int fdtables_dup_virtual_fd(uint64_t cage, int fd)
{
    TARE_SCOPE(dup_virtual_fd);
    struct table *table = table_of(cage);
    if (table == NULL) {
        return -ESRCH;
    }
    int result = -EBADF;
    pthread_mutex_lock(&table->lock);
    struct target *target = target_of(table, fd);
    if (target != NULL) {
        result = take_lowest(table, target, false);
        if (result >= 0) {
            /* Relaxed: the number being copied keeps the target alive while the lock is held. */
            __atomic_add_fetch(&target->shares, 1, __ATOMIC_RELAXED);
        }
    }
    pthread_mutex_unlock(&table->lock);
    return result;
}

int fdtables_close_virtualfd(uint64_t cage, int fd)
{
    TARE_SCOPE(close_virtualfd);
    struct table *table = table_of(cage);
    if (table == NULL) {
        return -ESRCH;
    }
    pthread_mutex_lock(&table->lock);
    struct target *target = give_back(table, fd);
    pthread_mutex_unlock(&table->lock);
    if (target == NULL) {
        return -EBADF;
    }
    release_share(target);
    return 0;
}
