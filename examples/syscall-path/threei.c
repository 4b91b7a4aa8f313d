/* SPDX-License-Identifier: MIT */
/*
 * Dispatch takes no lock: a cage's table holds small numbers, each of them the index of a route (a handler
 * and the cage that it runs in). Routes are only ever added, so an index that was read stays good, and
 * changing who answers a call is one store.
 */
#include "threei.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>

#include <tare/tare.h>

TARE_MODULE("threei");
TARE_TIMER(make_syscall);
TARE_TIMER(register_handler);
TARE_TIMER(copy_data_between_cages);

struct route {
    threei_handler *handler;
    uint64_t self;
};

struct cage {
    unsigned char *memory; /* NULL: there is no such cage */
    uint64_t memory_bytes;
    uint8_t route[THREEI_CALL_MAX]; /* index into `routes`; 0: nobody answers */
};

_Static_assert(THREEI_ROUTE_MAX <= UINT8_MAX, "an index of a route fits into a byte");

static struct cage cages[THREEI_CAGE_MAX];
static struct route routes[THREEI_ROUTE_MAX]; /* routes[0] is never used */
static unsigned route_count = 1;
static pthread_mutex_t route_lock = PTHREAD_MUTEX_INITIALIZER;

static struct cage *cage_of(uint64_t id)
{
    return id < THREEI_CAGE_MAX && cages[id].memory != NULL ? &cages[id] : NULL;
}

/* The index of a route, added if it is new; 0 if there is no room. Locked. */
static unsigned route_index(threei_handler *handler, uint64_t self)
{
    for (unsigned i = 1; i < route_count; i++) {
        if (routes[i].handler == handler && routes[i].self == self) {
            return i;
        }
    }
    if (route_count == THREEI_ROUTE_MAX) {
        return 0;
    }
    routes[route_count] = (struct route){.handler = handler, .self = self};
    return route_count++;
}

int threei_cage_create(uint64_t cage, size_t memory_bytes)
{
    if (cage >= THREEI_CAGE_MAX || memory_bytes == 0) {
        return -EINVAL;
    }
    if (cages[cage].memory != NULL) {
        return -EEXIST;
    }
    void *memory = mmap(NULL, memory_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) {
        return -ENOMEM;
    }
    cages[cage] = (struct cage){.memory = memory, .memory_bytes = memory_bytes};
    return 0;
}

int threei_cage_destroy(uint64_t cage)
{
    struct cage *gone = cage_of(cage);
    if (gone == NULL) {
        return -ESRCH;
    }
    munmap(gone->memory, gone->memory_bytes);
    *gone = (struct cage){0};
    return 0;
}

int threei_register_handler(uint64_t cage, uint64_t number, threei_handler *handler, uint64_t self)
{
    TARE_SCOPE(register_handler);
    if (number >= THREEI_CALL_MAX || self >= THREEI_CAGE_MAX || handler == NULL) {
        return -EINVAL;
    }
    struct cage *target = cage_of(cage);
    if (target == NULL) {
        return -ESRCH;
    }
    pthread_mutex_lock(&route_lock);
    unsigned index = route_index(handler, self);
    pthread_mutex_unlock(&route_lock);
    if (index == 0) {
        return -ENOSPC;
    }
    /* Release: pairs with the acquire in threei_make_syscall, which then reads the route. */
    __atomic_store_n(&target->route[number], (uint8_t)index, __ATOMIC_RELEASE);
    return 0;
}

int64_t threei_make_syscall(const struct threei_call *call)
{
    TARE_SCOPE(make_syscall);
    struct cage *caller = cage_of(call->caller);
    if (caller == NULL) {
        return -ESRCH;
    }
    if (call->number >= THREEI_CALL_MAX) {
        return -ENOSYS;
    }
    unsigned index = __atomic_load_n(&caller->route[call->number], __ATOMIC_ACQUIRE);
    if (index == 0) {
        return -ENOSYS;
    }
    return routes[index].handler(routes[index].self, call);
}

void *threei_address(uint64_t cage, uint64_t address, uint64_t size)
{
    const struct cage *owner = cage_of(cage);
    if (owner == NULL || address > owner->memory_bytes || size > owner->memory_bytes - address) {
        return NULL;
    }
    return owner->memory + address;
}

int threei_copy_data_between_cages(uint64_t to_cage, uint64_t to, uint64_t from_cage, uint64_t from,
                                   uint64_t size)
{
    tare_span span = TARE_BEGIN(copy_data_between_cages);
    void *target = threei_address(to_cage, to, size);
    const void *source = threei_address(from_cage, from, size);
    int result = -EFAULT;
    if (target != NULL && source != NULL) {
        memmove(target, source, size);
        TARE_BYTES(span, size);
        result = 0;
    }
    TARE_END(span);
    return result;
}
