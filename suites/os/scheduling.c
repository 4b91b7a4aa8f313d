/* SPDX-License-Identifier: MIT */
/*
 * Scheduling: from one to the next that runs. A ring of pipes hands a token around, and whoever has it wakes the next and goes
 * to sleep; an iteration is one such step. about_scheduling.c has the definitions.
 *
 * The token says how many steps are left in its lap. Who has the last one hands it to the first member, which is the one
 * that measures, so that any number of steps can be asked for but one: of that, two are made.
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <unistd.h>

#include <tare/tare.h>

#include "suites/os/place.h"

TARE_MODULE("os");
TARE_TIMER(switch_ring);
TARE_TIMER(yield_alone);
TARE_TIMER(thread_create);

enum { RING_MAX = 16, STOP = 0, DEAD = 255 };

struct ring {
    unsigned size, members;
    int pipes[RING_MAX][2]; /* each member reads from its own */
};

static void member(void *data, unsigned number)
{
    const struct ring *ring = data;
    uint8_t left;
    while (read(ring->pipes[number][0], &left, 1) == 1 && left != STOP) {
        left--;
        unsigned next = left == 0 ? 0 : number + 1;
        /* The first member is to get what it takes for a token, as it counts nothing. */
        uint8_t token = left == 0 ? 1 : left;
        if (write(ring->pipes[next][1], &token, 1) != 1) {
            break;
        }
    }
}

static void stop_members(void *data)
{
    const struct ring *ring = data;
    const uint8_t stop = STOP;
    for (unsigned i = 1; i < ring->members; i++) {
        ssize_t told = write(ring->pipes[i][1], &stop, 1);
        (void)told;
    }
}

static void tell_death(void *data)
{
    const struct ring *ring = data;
    const uint8_t dead = DEAD;
    ssize_t told = write(ring->pipes[0][1], &dead, 1);
    (void)told;
}

/* So many steps, at least 2 and at most as many as there are members, and the token is back. */
static inline void lap(const struct ring *ring, unsigned steps)
{
    uint8_t token = (uint8_t)(steps - 1);
    TARE_SCOPE(switch_ring);
    tare_require(write(ring->pipes[1][1], &token, 1) == 1);
    tare_require(read(ring->pipes[0][0], &token, 1) == 1 && token == 1);
}

/*
 * `count` steps: laps of the whole ring, and a shorter one. Where a single step would be left over, two laps are made shorter;
 * a ring of two has a member to spare, and makes a longer one.
 */
static inline void go(const struct ring *ring, uint64_t count)
{
    while (count >= ring->size + 2 || count == ring->size) {
        lap(ring, ring->size);
        count -= ring->size;
    }
    if (count == ring->size + 1) {
        if (ring->size == 2) {
            lap(ring, 3);
        } else {
            lap(ring, ring->size - 1);
            lap(ring, 2);
        }
    } else if (count != 0) {
        lap(ring, count == 1 ? 2 : (unsigned)count);
    }
}

static void run_ring(tare_bench *b, enum place place, bool threads)
{
    static struct ring ring;
    place_begin(place);
    ring.size = (unsigned)b->arg[0];
    tare_require(ring.size >= 2 && ring.size <= RING_MAX);
    ring.members = ring.size > 2 ? ring.size : 3;
    for (unsigned i = 0; i < ring.members; i++) {
        place_pipe(ring.pipes[i]);
    }
    if (threads) {
        place_on_end(stop_members, &ring);
    } else {
        place_on_death(tell_death, &ring);
    }
    for (unsigned i = 1; i < ring.members; i++) {
        if (threads) {
            place_start_thread(member, &ring);
        } else {
            place_start(member, &ring);
        }
    }
    lap(&ring, ring.members); /* all of them are there */
    TARE_EACH_BATCH(b, n)
    {
        go(&ring, n);
    }
    place_end();
}

static void switch_ring(tare_bench *b, enum place place)
{
    run_ring(b, place, false);
}
PLACED_BENCH(switch_ring);
PLACED_ARGS(switch_ring, 2, 4, 8, 16);

static void switch_threads(tare_bench *b, enum place place)
{
    run_ring(b, place, true);
}
PLACED_BENCH(switch_threads);
PLACED_ARGS(switch_threads, 2, 4, 8, 16);

TARE_BENCH(yield_alone)
{
    TARE_EACH(b)
    {
        TARE_SCOPE(yield_alone);
        tare_require(sched_yield() == 0);
    }
}

static void *nothing(void *data)
{
    return data;
}

TARE_BENCH(thread_create)
{
    TARE_EACH(b)
    {
        pthread_t thread;
        TARE_SCOPE(thread_create);
        tare_require(pthread_create(&thread, NULL, nothing, NULL) == 0);
        tare_require(pthread_join(thread, NULL) == 0);
    }
}
