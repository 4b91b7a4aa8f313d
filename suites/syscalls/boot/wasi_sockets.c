/* SPDX-License-Identifier: MIT */
/*
 * WASI's sockets, and waiting for several things at once. poll_oneoff() becomes one call: a poll of descriptors with the time
 * until the first clock rings, or a sleep where there are clocks alone.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "suites/syscalls/boot/wasi_internal.h"
#include "suites/syscalls/layers/rawposix.h"

enum { SUBSCRIPTION_BYTES = 48, EVENT_BYTES = 32, SUBSCRIPTIONS_MAX = 4096 };

#define TIMEOUT_MAX ((uint64_t)INT64_MAX / 2) /* ns, some 146 years */

/* Sockets: made by `lind`; WASI has none of its own but what it is given. */

uint64_t wasi_sock_accept(struct boot_cage *cage, const uint64_t *args)
{
    int64_t fd =
        CALL(LIND_ACCEPT4, args[0], 0, 0, (args[1] & WASI_FD_NONBLOCK) != 0 ? LIND_O_NONBLOCK : 0, 0, 0);
    return wasi_put_result_u32(cage, args[2], fd);
}

/* The first buffer that has room: receiving less than asked for is what sockets do. */
static bool first_buffer(struct boot_cage *cage, uint64_t address, uint64_t count, struct lind_iovec *first)
{
    *first = (struct lind_iovec){0};
    for (uint64_t i = 0; i < count && first->length == 0; i++) {
        const void *vector = cage_at(cage->cage, address + i * sizeof(*first), sizeof(*first));
        if (vector == NULL) {
            return false;
        }
        memcpy(first, vector, sizeof(*first));
    }
    return true;
}

uint64_t wasi_sock_recv(struct boot_cage *cage, const uint64_t *args)
{
    struct lind_iovec buffer;
    if (!first_buffer(cage, args[1], args[2], &buffer)) {
        return WASI_FAULT;
    }
    uint64_t flags =
        ((args[3] & 1) != 0 ? 2u /* MSG_PEEK */ : 0) | ((args[3] & 2) != 0 ? 0x100u /* MSG_WAITALL */ : 0);
    int64_t got = CALL(LIND_RECVFROM, args[0], buffer.base, buffer.length, flags, 0, 0);
    uint64_t result = wasi_put_result_u32(cage, args[4], got);
    const uint16_t no_flags = 0;
    return result != WASI_SUCCESS ? result : wasi_put(cage, args[5], &no_flags, sizeof(no_flags));
}

uint64_t wasi_sock_send(struct boot_cage *cage, const uint64_t *args)
{
    struct lind_iovec buffer;
    if (!first_buffer(cage, args[1], args[2], &buffer)) {
        return WASI_FAULT;
    }
    return wasi_put_result_u32(
        cage, args[4], CALL(LIND_SENDTO, args[0], buffer.base, buffer.length, 0x4000 /* MSG_NOSIGNAL */, 0, 0));
}

uint64_t wasi_sock_shutdown(struct boot_cage *cage, const uint64_t *args)
{
    if (args[1] < 1 || args[1] > 3) {
        return WASI_INVAL;
    }
    return wasi_error_of(CALL(LIND_SHUTDOWN, args[0], args[1] - 1, 0, 0, 0, 0));
}

/* Waiting */

struct subscription {
    uint64_t user_data;
    uint8_t kind; /* 0: a clock, 1: reading, 2: writing */
    uint32_t id;  /* clock or descriptor */
    uint64_t timeout_ns;
    bool absolute;
};

static struct subscription read_subscription(const uint8_t *bytes)
{
    struct subscription one;
    uint16_t flags;
    memcpy(&one.user_data, bytes, 8);
    one.kind = bytes[8];
    memcpy(&one.id, bytes + 16, 4);
    memcpy(&one.timeout_ns, bytes + 24, 8);
    memcpy(&flags, bytes + 40, 2);
    one.absolute = (flags & 1) != 0;
    return one;
}

static void write_event(uint8_t *event, const struct subscription *one, uint64_t error, bool hung_up)
{
    uint16_t number = (uint16_t)error, flags = hung_up;
    uint64_t bytes = one->kind == 0 || error != 0 ? 0 : 1;
    memset(event, 0, EVENT_BYTES);
    memcpy(event, &one->user_data, 8);
    memcpy(event + 8, &number, 2);
    event[10] = one->kind;
    memcpy(event + 16, &bytes, 8);
    memcpy(event + 24, &flags, 2);
}

/* How long until the first clock rings; -1: there is none. */
static int64_t shortest(struct boot_cage *cage, const struct subscription *all, size_t count, size_t *which)
{
    int64_t least = -1;
    for (size_t i = 0; i < count; i++) {
        if (all[i].kind != 0) {
            continue;
        }
        uint64_t wait = all[i].timeout_ns;
        if (all[i].absolute) {
            int64_t now = CALL(LIND_CLOCK_NS, all[i].id, 0, 0, 0, 0, 0);
            wait = now < 0 || wait <= (uint64_t)now ? 0 : wait - (uint64_t)now;
        }
        int64_t bounded = (int64_t)(wait > TIMEOUT_MAX ? TIMEOUT_MAX : wait);
        if (least < 0 || bounded < least) {
            least = bounded;
            *which = i;
        }
    }
    return least;
}

/* Descriptors and at most some clocks: the place for events holds what is polled, which is smaller, meanwhile. */
static uint64_t wait_for(struct boot_cage *cage, const struct subscription *all, size_t count,
                         uint64_t events_at, uint8_t *events, uint32_t *ready)
{
    size_t clock = 0, polled = 0;
    int64_t wait_ns = shortest(cage, all, count, &clock);
    for (size_t i = 0; i < count; i++) {
        if (all[i].kind != 0) {
            struct lind_pollfd one = {.fd = (int32_t)all[i].id, .events = all[i].kind == 1 ? 1 : 4};
            memcpy(events + polled++ * sizeof(one), &one, sizeof(one));
        }
    }
    /* Some time that is no time of the kernel's is long past the end of everything, and as good as another one. */
    uint64_t until = all[clock].timeout_ns > TIMEOUT_MAX ? TIMEOUT_MAX : all[clock].timeout_ns;
    int64_t result = polled == 0 ? CALL(LIND_SLEEP_NS, all[clock].id, until, all[clock].absolute, 0, 0, 0)
                                 : CALL(LIND_POLL_NS, events_at, polled, wait_ns, 0, 0, 0);
    if (result < 0) {
        return wasi_error_of(result);
    }
    *ready = 0;
    if (polled == 0 || result == 0) {
        write_event(events, &all[clock], WASI_SUCCESS, false);
        *ready = 1;
        return WASI_SUCCESS;
    }
    struct lind_pollfd *answers = malloc(polled * sizeof(*answers));
    if (answers == NULL) {
        return wasi_error_of(-ENOMEM);
    }
    memcpy(answers, events, polled * sizeof(*answers));
    for (size_t i = 0, next = 0; i < count; i++) {
        if (all[i].kind == 0) {
            continue;
        }
        int16_t seen = answers[next++].revents;
        if (seen != 0) { /* 32: POLLNVAL, 8: POLLERR, 16: POLLHUP */
            write_event(events + *ready * EVENT_BYTES, &all[i],
                        (seen & 32) != 0  ? WASI_BADF
                        : (seen & 8) != 0 ? WASI_IO
                                          : WASI_SUCCESS,
                        (seen & 16) != 0);
            *ready += 1;
        }
    }
    free(answers);
    return WASI_SUCCESS;
}

uint64_t wasi_poll_oneoff(struct boot_cage *cage, const uint64_t *args)
{
    uint64_t count = args[2];
    if (count == 0 || count > SUBSCRIPTIONS_MAX) {
        return WASI_INVAL;
    }
    const uint8_t *from = cage_at(cage->cage, args[0], count * SUBSCRIPTION_BYTES);
    uint8_t *events = cage_at(cage->cage, args[1], count * EVENT_BYTES);
    if (from == NULL || events == NULL || cage_at(cage->cage, args[3], 4) == NULL) {
        return WASI_FAULT;
    }
    struct subscription *all = malloc(count * sizeof(*all));
    if (all == NULL) {
        return wasi_error_of(-ENOMEM);
    }
    uint64_t result = WASI_SUCCESS;
    uint32_t ready = 0;
    for (uint64_t i = 0; i < count; i++) {
        all[i] = read_subscription(from + i * SUBSCRIPTION_BYTES);
        if (all[i].kind > 2) {
            result = WASI_INVAL;
        }
    }
    if (result == WASI_SUCCESS) {
        result = wait_for(cage, all, count, args[1], events, &ready);
    }
    free(all);
    return result != WASI_SUCCESS ? result : wasi_put_u32(cage, args[3], ready);
}
