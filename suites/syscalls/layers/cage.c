/* SPDX-License-Identifier: MIT */
/*
 * All cages, by number. Each call of a sandbox looks its cage up, from any thread, while others come and go: so a cage's
 * memory is never given back, only used again for the next cage of the same number, and looking it up is one addition that
 * succeeds only where somebody holds the cage already and it has not ended. No lock is taken for that.
 *
 * Numbers are given in turn, like those of processes: who has kept the number of a cage that is gone finds nothing for a
 * long time, rather than somebody else's.
 */
#include "suites/syscalls/cage.h"

#include <pthread.h>
#include <stdlib.h>

#include "suites/syscalls/layers/fdtables.h"

#define HAS_ENDED 0x80000000u

enum {
    CHUNK = 64, /* cages that are allocated together */
    CHUNKS = LIND_CAGES_MAX / CHUNK,
};

struct slot {
    struct cage cage; /* first: a cage is its slot */
    uint32_t holds;   /* HAS_ENDED, and how many hold it; 0: the number is free (atomic) */
};

static struct slot *chunks[CHUNKS]; /* set once, under the lock (atomic) */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static uint32_t last_id; /* that was given; locked */
static uint32_t count;   /* atomic */

static struct slot *slot_of(uint32_t id)
{
    if (id == 0 || id >= LIND_CAGES_MAX) {
        return NULL;
    }
    /* Acquire: pairs with the release in slot_made. */
    struct slot *chunk = __atomic_load_n(&chunks[id / CHUNK], __ATOMIC_ACQUIRE);
    return chunk != NULL ? &chunk[id % CHUNK] : NULL;
}

/* The slot of a number, allocated if need be. Locked. */
static struct slot *slot_made(uint32_t id)
{
    struct slot **chunk = &chunks[id / CHUNK];
    if (*chunk == NULL) {
        struct slot *made = calloc(CHUNK, sizeof(*made));
        if (made == NULL) {
            return NULL;
        }
        __atomic_store_n(chunk, made, __ATOMIC_RELEASE);
    }
    return &(*chunk)[id % CHUNK];
}

/* A free slot with its number in it, which nobody finds yet. NULL: none, or no memory. Locked. */
static struct slot *take_free(void)
{
    uint32_t id = last_id;
    for (uint32_t tried = 1; tried < LIND_CAGES_MAX; tried++) {
        id = id + 1 < LIND_CAGES_MAX ? id + 1 : 1;
        struct slot *slot = slot_made(id);
        if (slot == NULL) {
            return NULL;
        }
        /* Acquire: pairs with the release of the last holder; what it did to the cage is done. */
        if (__atomic_load_n(&slot->holds, __ATOMIC_ACQUIRE) == 0) {
            last_id = id;
            slot->cage = (struct cage){.id = id, .root_fd = -1};
            return slot;
        }
    }
    return NULL;
}

static struct cage *make(struct fd_table *fds, uint32_t parent, const struct cage *model)
{
    if (fds == NULL) {
        return NULL;
    }
    pthread_mutex_lock(&lock);
    struct slot *slot = take_free();
    if (slot != NULL) {
        slot->cage.parent = parent;
        slot->cage.fds = fds;
        if (model != NULL) {
            slot->cage.root_fd = model->root_fd;
            slot->cage.root = model->root;
        }
        if (slot->cage.root != NULL) {
            fd_file_hold(slot->cage.root);
        }
        __atomic_add_fetch(&count, 1, __ATOMIC_RELAXED);
        /* Release: pairs with the acquire of who finds the cage. */
        __atomic_store_n(&slot->holds, 1, __ATOMIC_RELEASE);
    }
    pthread_mutex_unlock(&lock);
    if (slot == NULL) {
        fdtables_remove_cage_from_fdtable(fds);
        fd_table_free(fds);
        return NULL;
    }
    return &slot->cage;
}

struct cage *cage_new(uint32_t parent)
{
    return make(fd_table_new(), parent, NULL);
}

struct cage *cage_fork(struct cage *parent)
{
    return make(fdtables_copy_fdtable_for_cage(parent->fds), parent->id, parent);
}

struct cage *cage_get(uint32_t id)
{
    struct slot *slot = slot_of(id);
    if (slot == NULL) {
        return NULL;
    }
    uint32_t holds = __atomic_load_n(&slot->holds, __ATOMIC_RELAXED);
    do {
        if (holds == 0 || holds >= HAS_ENDED) {
            return NULL;
        }
        /* Acquire: pairs with the release in make. */
    } while (!__atomic_compare_exchange_n(&slot->holds, &holds, holds + 1, true, __ATOMIC_ACQUIRE,
                                          __ATOMIC_RELAXED));
    return &slot->cage;
}

static _Thread_local struct cage *entered;

struct cage *cage_enter(struct cage *cage)
{
    struct cage *before = entered;
    entered = cage;
    return before;
}

struct cage *cage_borrow(uint32_t id, bool *held)
{
    struct cage *cage = entered;
    *held = cage == NULL || cage->id != id;
    if (*held) {
        return cage_get(id);
    }
    /* Relaxed: it is held, and that it ends is seen by the next call if not by this one. */
    return (__atomic_load_n(&((struct slot *)cage)->holds, __ATOMIC_RELAXED) & HAS_ENDED) == 0 ? cage : NULL;
}

void cage_hold(struct cage *cage)
{
    /* Relaxed: who calls holds it already. */
    __atomic_add_fetch(&((struct slot *)cage)->holds, 1, __ATOMIC_RELAXED);
}

/* The last holder has gone, and nobody finds it any more. */
static void release(struct slot *slot)
{
    struct cage *cage = &slot->cage;
    if (cage->release != NULL) {
        cage->release(cage);
    }
    fd_table_free(cage->fds);
    if (cage->root != NULL) {
        fd_file_put(cage->root);
    }
    cage->fds = NULL;
    cage->root = NULL;
    __atomic_sub_fetch(&count, 1, __ATOMIC_RELAXED);
    /* Release: pairs with the acquire in take_free. */
    __atomic_store_n(&slot->holds, 0, __ATOMIC_RELEASE);
}

void cage_put(struct cage *cage)
{
    struct slot *slot = (struct slot *)cage;
    /* Release for what we did with it, acquire for what the others did, who have put it before us. */
    if (__atomic_sub_fetch(&slot->holds, 1, __ATOMIC_ACQ_REL) == HAS_ENDED) {
        release(slot);
    }
}

void cage_end(struct cage *cage)
{
    struct slot *slot = (struct slot *)cage;
    if ((__atomic_fetch_or(&slot->holds, HAS_ENDED, __ATOMIC_ACQ_REL) & HAS_ENDED) != 0) {
        return;
    }
    fdtables_remove_cage_from_fdtable(cage->fds);
    cage_put(cage);
}

uint32_t cage_count(void)
{
    return __atomic_load_n(&count, __ATOMIC_RELAXED);
}

void cage_set_size(struct cage *cage, uint64_t size)
{
    /* Release: pairs with the acquire in cage_at; the pages are there before the size says so. */
    __atomic_store_n(&cage->size, size, __ATOMIC_RELEASE);
}

void *cage_at(const struct cage *cage, uint64_t address, uint64_t size)
{
    uint64_t end = __atomic_load_n(&cage->size, __ATOMIC_ACQUIRE);
    /* In this order nothing wraps around. */
    if (cage->memory == NULL || size > end || address > end - size) {
        return NULL;
    }
    return cage->memory + address;
}
