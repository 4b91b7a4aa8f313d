/* SPDX-License-Identifier: MIT */
/*
 * Each thread has a block of the page for itself, from its first scope to its end. A block whose thread has
 * ended is adopted by the next thread, which counts on in it: sums of threads are added up by readers anyway,
 * so nothing has to be moved or cleared, a thread's end costs one store, and the figures are exact at every
 * instant, whenever the process is killed. (Folding ended blocks into a common one, as first designed, would
 * have needed a lock and a moment in which a figure is in both places or in none.)
 *
 * tare__thread_attach may run in a signal handler: it uses atomic operations, system calls and
 * pthread_setspecific of a key that was made at start-up, which does not allocate for the first 32 keys of
 * glibc.
 */
#include <errno.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "runtime/internal.h"

/* Scopes that this thread could not record; it looks for a block again now and then. */
static _Thread_local uint32_t lost __attribute__((tls_model("initial-exec")));

/* This thread has given up its block: our destructor has run for it. */
static _Thread_local bool ending __attribute__((tls_model("initial-exec")));

enum { RETRY_EVERY = 1024 };

/* Known from the start for the first thread, as a sandbox may forbid it to ask later. */
static _Thread_local uint32_t own_tid __attribute__((tls_model("initial-exec")));
static char first_name[16];

HIDDEN uint32_t tare__gettid(void)
{
    return own_tid != 0 ? own_tid : (uint32_t)syscall(SYS_gettid);
}

HIDDEN void tare__thread_first(void)
{
    own_tid = 0;
    own_tid = tare__gettid();
    prctl(PR_GET_NAME, first_name);
}

/*
 * A handler that comes between the two finds no slots, and looks at tare__self (instruments.c), or finds those
 * of a block that is still ours.
 */
HIDDEN void tare__self_set(struct tare_block *block)
{
    tare__self = block;
    fence_signal();
    tare__slots = block != NULL
                      ? (uintptr_t)block + SLOTS_OFFSET - (uintptr_t)tare__rt.controls * SLOT_PER_CONTROL
                      : 0; /* modulo 2^64; should it be 0, tare__add_first does all of it */
    fence_signal();
}

/* Prepares a block that has become the calling thread's. */
HIDDEN void tare__block_claim(struct tare_block *block)
{
    store_relaxed(&block->busy, 0);
    store_relaxed(&block->pending_first, 0);
    store_relaxed(&block->pending_end, 0);
    store_relaxed(&block->pending, 0);
    store_relaxed(&block->calibrating, 0);
    /*
     * Names of scopes go on above those of the threads before: whatever is open in the block is nobody's now.
     */
    store_relaxed(&block->base_token, load_relaxed(&block->ended) + block->token_offset);
    store_relaxed(&block->token_offset, block->token_offset + 1);
    store_relaxed(&block->threads, load_relaxed(&block->threads) + 1);
    char name[sizeof(first_name)] = "";
    if (own_tid == 0) {
        prctl(PR_GET_NAME, name);
    }
    memcpy(block->thread_name, own_tid != 0 ? first_name : name, sizeof(name));
}

static bool thread_is_gone(uint32_t tid)
{
    return syscall(SYS_tgkill, getpid(), (pid_t)tid, 0) != 0 && errno == ESRCH;
}

/* State and owner change together, so that nobody takes a block from a thread that is just taking it. */
static uint64_t ownership(uint32_t state, uint32_t tid)
{
    const uint32_t pair[2] = {state, tid};
    uint64_t word;
    memcpy(&word, pair, sizeof(word));
    return word;
}
_Static_assert(offsetof(struct tare_block, state) % 8 == 0 &&
                   offsetof(struct tare_block, tid) == offsetof(struct tare_block, state) + 4,
               "state and tid are read and written as one word");

static bool take(struct tare_block *block, uint32_t state, uint32_t owner, uint32_t tid)
{
    return __atomic_compare_exchange_n((uint64_t *)(void *)&block->state, &(uint64_t){ownership(state, owner)},
                                       ownership(TARE_BLOCK_OWNED, tid), false, __ATOMIC_ACQ_REL,
                                       __ATOMIC_RELAXED);
}

/* An ended block, else a fresh one, else one whose thread has gone without our destructor; else NULL. */
static struct tare_block *find_block(uint32_t tid)
{
    struct tare_page *page = tare__rt.page;
    uint32_t count = load_acquire(&page->block_count);
    for (uint32_t i = 0; i < count; i++) {
        struct tare_block *block = page_block(i);
        uint32_t owner = load_relaxed(&block->tid);
        uint32_t state = load_relaxed(&block->state);
        if ((state == TARE_BLOCK_ENDED || (state == TARE_BLOCK_ENDING && thread_is_gone(owner))) &&
            take(block, state, owner, tid)) {
            return block;
        }
    }
    while (count < page->block_max &&
           tare__block_open(count)) { /* before others may find it; twice does no harm */
        if (cas32_acq_rel(&page->block_count, count, count + 1)) {
            struct tare_block *block = page_block(count);
            take(block, TARE_BLOCK_FREE, 0, tid);
            return block;
        }
        count = load_acquire(&page->block_count);
    }
    for (uint32_t i = 0; i < count; i++) {
        struct tare_block *block = page_block(i);
        uint32_t owner = load_relaxed(&block->tid);
        if (load_acquire(&block->state) == TARE_BLOCK_OWNED && thread_is_gone(owner) &&
            take(block, TARE_BLOCK_OWNED, owner, tid)) {
            return block;
        }
    }
    return NULL;
}

HIDDEN struct tare_block *tare__thread_attach(void)
{
    if (tare__rt.page == NULL) {
        return NULL;
    }
    if (lost != 0 && ++lost % RETRY_EVERY != 0) {
        fetch_add_relaxed(&tare__rt.page->lost_scopes, 1);
        return NULL;
    }
    int saved_errno = errno;
    uint32_t tid = tare__gettid();
    struct tare_block *block = find_block(tid);
    if (block == NULL) {
        if (lost == 0) {
            lost = 1;
            fetch_add_relaxed(&tare__rt.page->lost_threads, 1);
        }
        fetch_add_relaxed(&tare__rt.page->lost_scopes, 1);
    } else {
        tare__block_claim(block);
        tare__states_leave(block, true); /* of a thread that went without our destructor */
        tare__self_set(block);
        lost = 0;
        if (ending) { /* nobody will tell us of its end: whoever needs a block looks */
            store_release(&block->state, TARE_BLOCK_ENDING);
        } else {
            pthread_setspecific(tare__rt.key, block);
        }
    }
    errno = saved_errno;
    return block;
}

/*
 * The thread ends. What still runs on it, other destructors and libc's own clearing up, may begin scopes and so
 * attach again; that block is marked as one whose thread is about to be gone.
 */
static void detach(void *value)
{
    struct tare_block *block = value;
    if (block != tare__self) {
        return;
    }
    tare__self_set(NULL);
    ending = true;
    tare__states_leave(block, false);
    store_release(&block->state, TARE_BLOCK_ENDED); /* pairs with the acquire of whoever adopts it */
}

HIDDEN int tare__thread_init(void)
{
    return -pthread_key_create(&tare__rt.key, detach);
}

/* No destructor of ours may run once our code can be unloaded. */
HIDDEN void tare__thread_finish(void)
{
    pthread_key_delete(tare__rt.key);
}
