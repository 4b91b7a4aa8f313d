/* SPDX-License-Identifier: MIT */
/*
 * The tables of who answers. A cage's table has one pointer for each call, to the front of its chain; NULL is rawposix,
 * so that the common case is one load. Links of a chain are never changed: whoever registers or deregisters publishes
 * another front, and what was there before is freed with the cage, as a call may still be on its way along it. So links
 * that are alike are one, whichever chains they are in: a grate that comes and goes for ever takes no memory for that.
 */
#include "suites/syscalls/boot/threei.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <tare/tare.h>

#include "suites/syscalls/layers/rawposix.h"

TARE_MODULE("threei");
TARE_TIMER(make_syscall);
TARE_TIMER(register_handler);
TARE_TIMER(copy_data_between_cages);

enum {
    GUARDIANS_MAX = 16,
    LINKS_MAX = 4096, /* of a cage; its guardians, in as many orders as anybody has a use for */
};

struct link {
    lind_handler handler;
    void *data;
    const struct link *behind; /* NULL: rawposix */
    struct link *next_made;    /* all links of a table */
};

struct table {
    _Atomic(const struct link *) chains[LIND_CALLS_MAX];
    struct link *made;
    uint32_t made_count;
};

static _Atomic(struct table *) tables[LIND_CAGES_MAX];
/* Apart from the tables, which go with their cages: anybody may ask about any number. The cage's + 1; 0: none. */
static _Atomic(uint32_t) guardians[LIND_CAGES_MAX][GUARDIANS_MAX];
static pthread_mutex_t changing = PTHREAD_MUTEX_INITIALIZER; /* held for every change, never for a call */

static struct table *table_of(uint32_t cage)
{
    return cage < LIND_CAGES_MAX ? atomic_load_explicit(&tables[cage], memory_order_acquire) : NULL;
}

int threei_cage_add(uint32_t cage)
{
    if (cage >= LIND_CAGES_MAX) {
        return -EINVAL;
    }
    struct table *table = calloc(1, sizeof(*table));
    if (table == NULL) {
        return -ENOMEM;
    }
    struct table *none = NULL;
    if (!atomic_compare_exchange_strong_explicit(&tables[cage], &none, table, memory_order_release,
                                                 memory_order_relaxed)) {
        free(table);
        return -EEXIST;
    }
    return 0;
}

/* Called with `changing` held. */
static void unguard(uint32_t guardian, uint32_t cage)
{
    for (size_t i = 0; i < GUARDIANS_MAX; i++) {
        uint32_t who = guardian + 1;
        atomic_compare_exchange_strong_explicit(&guardians[cage][i], &who, 0, memory_order_relaxed,
                                                memory_order_relaxed);
    }
}

/* Numbers of cages are given again, and the next one of that number guards nobody. Called with `changing` held. */
static void forget_guardian(uint32_t guardian)
{
    for (uint32_t cage = 0; cage < LIND_CAGES_MAX; cage++) {
        if (table_of(cage) != NULL) {
            unguard(guardian, cage);
        }
    }
}

static atomic_uint guards_made; /* there is nothing to forget in a process without grates */

void threei_cage_remove(uint32_t cage)
{
    if (cage >= LIND_CAGES_MAX) {
        return;
    }
    pthread_mutex_lock(&changing);
    struct table *table = atomic_exchange_explicit(&tables[cage], NULL, memory_order_acq_rel);
    if (atomic_load_explicit(&guards_made, memory_order_relaxed) != 0) {
        forget_guardian(cage);
        for (size_t i = 0; i < GUARDIANS_MAX; i++) {
            atomic_store_explicit(&guardians[cage][i], 0, memory_order_relaxed);
        }
    }
    pthread_mutex_unlock(&changing);
    if (table == NULL) {
        return;
    }
    for (struct link *link = table->made, *next; link != NULL; link = next) {
        next = link->next_made;
        free(link);
    }
    free(table);
}

static int64_t answer(const struct link *link, const struct lind_request *request)
{
    return link == NULL ? rawposix_call(request, NULL) : link->handler(request, link->data);
}

int64_t threei_make_syscall(const struct lind_request *request)
{
    TARE_SCOPE(make_syscall);
    struct table *table = table_of(request->caller);
    if (table == NULL) {
        return -ESRCH;
    }
    if (request->number >= LIND_CALLS_MAX) {
        return -ENOSYS;
    }
    return answer(atomic_load_explicit(&table->chains[request->number], memory_order_acquire), request);
}

int64_t threei_make_syscall_behind(const struct lind_request *request, const void *data)
{
    TARE_SCOPE(make_syscall);
    struct table *table = table_of(request->caller);
    if (table == NULL) {
        return -ESRCH;
    }
    if (request->number >= LIND_CALLS_MAX) {
        return -ENOSYS;
    }
    const struct link *front = atomic_load_explicit(&table->chains[request->number], memory_order_acquire);
    for (const struct link *link = front; link != NULL; link = link->behind) {
        if (link->data == data) {
            return answer(link->behind, request);
        }
    }
    return answer(front, request);
}

/* The link that is so, made if there is none yet. */
static struct link *link_of(struct table *table, lind_handler handler, void *data, const struct link *behind)
{
    struct link *link = table->made;
    while (link != NULL && (link->handler != handler || link->data != data || link->behind != behind)) {
        link = link->next_made;
    }
    if (link == NULL && (link = malloc(sizeof(*link))) != NULL) {
        *link = (struct link){handler, data, behind, table->made};
        table->made = link;
        table->made_count++;
    }
    return link;
}

static bool in_chain(const struct link *link, const void *data)
{
    while (link != NULL && link->data != data) {
        link = link->behind;
    }
    return link != NULL;
}

/* The chain without the link of `data`, which is in it: what stands before that is made again. */
static int chain_without(struct table *table, const struct link *chain, const void *data,
                         const struct link **rest)
{
    if (chain->data == data) {
        *rest = chain->behind;
        return 0;
    }
    const struct link *behind;
    int result = chain_without(table, chain->behind, data, &behind);
    if (result == 0) {
        *rest = link_of(table, chain->handler, chain->data, behind);
        result = *rest == NULL ? -ENOMEM : 0;
    }
    return result;
}

static int change_chain(struct table *table, uint32_t number, lind_handler handler, void *data, bool on)
{
    const struct link *chain = atomic_load_explicit(&table->chains[number], memory_order_relaxed);
    if (in_chain(chain, data) == on) {
        return on ? -EEXIST : -ENOENT;
    }
    int result = 0;
    if (on && table->made_count >= LINKS_MAX) {
        result = -ENOSPC; /* not for those who go: what they need is little */
    } else if (on) {
        chain = link_of(table, handler, data, chain);
        result = chain == NULL ? -ENOMEM : 0;
    } else {
        result = chain_without(table, chain, data, &chain);
    }
    if (result == 0) {
        atomic_store_explicit(&table->chains[number], chain, memory_order_release);
    }
    return result;
}

int threei_register_handler(uint32_t cage, uint32_t number, lind_handler handler, void *data, bool on)
{
    TARE_SCOPE(register_handler);
    if (number >= LIND_CALLS_MAX) {
        return -EINVAL;
    }
    pthread_mutex_lock(&changing);
    struct table *table = table_of(cage);
    int result = table == NULL ? -ESRCH : change_chain(table, number, handler, data, on);
    pthread_mutex_unlock(&changing);
    return result;
}

void threei_deregister_handlers(uint32_t cage, const void *data)
{
    pthread_mutex_lock(&changing);
    struct table *table = table_of(cage);
    for (uint32_t number = 0; table != NULL && number < LIND_CALLS_MAX; number++) {
        change_chain(table, number, NULL, (void *)data, false);
    }
    pthread_mutex_unlock(&changing);
}

int threei_guard(uint32_t guardian, uint32_t cage)
{
    pthread_mutex_lock(&changing);
    int result = table_of(cage) == NULL || table_of(guardian) == NULL ? -ESRCH : -ENOSPC;
    if (result == -ENOSPC && guardian != cage && threei_may_act(guardian, cage)) {
        result = -EEXIST;
    }
    for (size_t i = 0; result == -ENOSPC && i < GUARDIANS_MAX; i++) {
        uint32_t none = 0;
        if (atomic_compare_exchange_strong_explicit(&guardians[cage][i], &none, guardian + 1,
                                                    memory_order_relaxed, memory_order_relaxed)) {
            atomic_fetch_add_explicit(&guards_made, 1, memory_order_relaxed);
            result = 0;
        }
    }
    pthread_mutex_unlock(&changing);
    return result;
}

void threei_unguard(uint32_t guardian, uint32_t cage)
{
    pthread_mutex_lock(&changing);
    if (cage < LIND_CAGES_MAX) {
        unguard(guardian, cage);
    }
    pthread_mutex_unlock(&changing);
}

bool threei_may_act(uint32_t actor, uint32_t cage)
{
    if (actor == cage) {
        return true;
    }
    bool may = false;
    for (size_t i = 0; actor < LIND_CAGES_MAX && cage < LIND_CAGES_MAX && i < GUARDIANS_MAX && !may; i++) {
        may = atomic_load_explicit(&guardians[cage][i], memory_order_relaxed) == actor + 1;
    }
    return may;
}

int64_t threei_copy_data_between_cages(uint32_t actor, uint32_t from, uint64_t from_address, uint32_t to,
                                       uint64_t to_address, uint64_t size)
{
    TARE_SCOPE(copy_data_between_cages);
    /* Held first: what it may do is said of these, and of no later ones of their numbers. */
    struct cage *source = cage_get(from), *target = cage_get(to);
    int64_t result = !threei_may_act(actor, from) || !threei_may_act(actor, to) ? -EPERM
                     : source == NULL || target == NULL                         ? -ESRCH
                                                                                : 0;
    if (result == 0) {
        const void *bytes = cage_at(source, from_address, size);
        void *room = cage_at(target, to_address, size);
        if (bytes == NULL || room == NULL) {
            result = -EFAULT;
        } else if (size > 0) {
            memmove(room, bytes, size);
        }
    }
    if (source != NULL) {
        cage_put(source);
    }
    if (target != NULL) {
        cage_put(target);
    }
    return result;
}
