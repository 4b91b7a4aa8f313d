/* SPDX-License-Identifier: MIT */
/*
 * Benchmarks of a ring buffer. `./ring_bench` measures them by itself; `tare bench ./ring_bench` in many
 * processes, and `tare bench ./ring_bench --vs ./ring_bench_new` says what a change made of them.
 *
 * The ring keeps the last bytes that were written to it: who writes never waits, what is old is written over.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <tare/bench.h>
#include <tare/tare.h>

TARE_MODULE("ring");
TARE_TIMER(wrap); /* a timer inside: how often a write meets the ring's end, and what that takes */

enum { RING_BYTES = 200000 };

struct ring {
    unsigned char *bytes;
    size_t head; /* so many were written since the beginning */
};

static int ring_init(struct ring *ring)
{
    ring->bytes = calloc(1, RING_BYTES);
    ring->head = 0;
    return ring->bytes != NULL;
}

static void ring_release(struct ring *ring)
{
    free(ring->bytes);
}

/* At most RING_BYTES; returns how many were written. */
__attribute__((noinline)) static size_t ring_write(struct ring *ring, const void *from, size_t size)
{
    size_t at = ring->head % RING_BYTES, room = RING_BYTES - at;
    if (size > room) {
        TARE_SCOPE(wrap);
        memcpy(ring->bytes + at, from, room);
        memcpy(ring->bytes, (const unsigned char *)from + room, size - room);
    } else {
        memcpy(ring->bytes + at, from, size);
    }
    ring->head += size;
    return size;
}

/* The last `size` bytes, of those that are still there; returns how many. */
__attribute__((noinline)) static size_t ring_last(const struct ring *ring, void *to, size_t size)
{
    size_t kept = ring->head < RING_BYTES ? ring->head : RING_BYTES;
    size = size < kept ? size : kept;
    for (size_t i = 0; i < size; i++) {
        ((unsigned char *)to)[i] = ring->bytes[(ring->head - size + i) % RING_BYTES];
    }
    return size;
}

static unsigned char buffer[RING_BYTES], copy[RING_BYTES];

/* One argument, four sizes: with four or more, what the time grows with is said, too. */
TARE_BENCH(ring_write)
{
    struct ring ring;
    size_t size = (size_t)b->arg[0];
    tare_require(ring_init(&ring)); /* set-up stands above the loop, and is not timed */
    memset(buffer, 1, sizeof(buffer));

    tare_require(ring_write(&ring, buffer, size) == size); /* what computes the wrong thing is not timed */
    tare_require(ring_last(&ring, copy, size) == size && memcmp(copy, buffer, size) == 0);

    TARE_EACH(b)
    {
        tare_keep(ring_write(&ring, buffer, size));
    }
    tare_bytes(b, (double)size); /* an iteration moves so many: shown as throughput */
    ring_release(&ring);
}
TARE_BENCH_ARGS(ring_write, 1, 64, 1024, 65536);

/* Every iteration needs a ring that was just written: what does so is not counted. */
TARE_BENCH(ring_last)
{
    struct ring ring;
    tare_require(ring_init(&ring));
    TARE_EACH_WITH(b, ring_write(&ring, buffer, 500))
    {
        tare_keep(ring_last(&ring, copy, 500));
    }
    tare_bytes(b, 500);
    ring_release(&ring);
}

/* One ring for all threads. The first sets it up; all begin the loop together, and leave it together. */
static struct ring shared;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

TARE_BENCH(ring_shared)
{
    if (b->thread == 0) {
        tare_require(ring_init(&shared));
    }
    TARE_EACH(b)
    {
        pthread_mutex_lock(&lock);
        ring_write(&shared, buffer, 64);
        pthread_mutex_unlock(&lock);
    }
    tare_items(b, 1);
    if (b->thread == 0) {
        ring_release(&shared);
    }
}
TARE_BENCH_THREADS(ring_shared, 1, 2);

TARE_BENCH_MAIN();
