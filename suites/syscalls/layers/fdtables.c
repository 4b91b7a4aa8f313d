/* SPDX-License-Identifier: MIT */
/*
 * A table is a bitmap of the numbers that are taken, with a summary of its full words, so that the lowest free number is
 * found in two steps; and arrays of 64 pointers to files, allocated when the first of them is taken: most cages have a
 * handful of descriptors, and there are thousands of cages.
 *
 * What changes a table takes its lock, held for a few loads and stores. Looking up takes none. The memory of a file is never
 * given back, only used again for another file; so a file that was read from a table may be touched even if it has gone
 * meanwhile: its count of holds goes up only where it is not 0, and then the table is read again. If it still says the same,
 * this is the file that the number leads to, and it is held; if not, the hold is given back and all begins anew.
 *
 * Files are closed after the lock is dropped, since that is a system call.
 */
#include "suites/syscalls/layers/fdtables.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <tare/tare.h>

TARE_MODULE("fdtables");
TARE_TIMER(get_unused_virtual_fd);
TARE_TIMER(get_specific_virtual_fd);
TARE_TIMER(translate_virtual_fd);
TARE_TIMER(dup_virtual_fd);
TARE_TIMER(dup2_virtual_fd);
TARE_TIMER(close_virtualfd);
TARE_TIMER(set_cloexec);
TARE_TIMER(copy_fdtable_for_cage);
TARE_TIMER(empty_fds_for_exec);
TARE_TIMER(remove_cage_from_fdtable);

enum {
    WORD_BITS = 64,
    WORDS = LIND_FDS_MAX / WORD_BITS,
    POOL_CHUNK = 256, /* files that are allocated together */
};

struct fd_table {
    pthread_mutex_t lock;
    bool gone;                     /* takes no more; locked */
    uint32_t full;                 /* a bit for each word of `taken` that has no room; locked */
    int count;                     /* locked */
    uint64_t taken[WORDS];         /* locked */
    uint64_t cloexec[WORDS];       /* locked; belongs to the number, not to the file */
    struct fd_file **slots[WORDS]; /* NULL: none of these was ever taken (atomic) */
};

_Static_assert(WORDS <= 32, "a bit in `full` for each word");

static fd_close_handler close_handlers[FDTABLES_KINDS];

/* Files that are free. They are never given back to the heap, see above. */
static pthread_mutex_t pool_lock = PTHREAD_MUTEX_INITIALIZER;
static struct fd_file *pool;

/*
 * Files
 */

int fdtables_register_close_handler(uint32_t kind, fd_close_handler handler)
{
    if (kind >= FDTABLES_KINDS) {
        return -EINVAL;
    }
    __atomic_store_n(&close_handlers[kind], handler, __ATOMIC_RELEASE);
    return 0;
}

static struct fd_file *pool_take(void)
{
    pthread_mutex_lock(&pool_lock);
    struct fd_file *file = pool;
    if (file == NULL) {
        struct fd_file *chunk = calloc(POOL_CHUNK, sizeof(*chunk));
        if (chunk != NULL) {
            for (int i = 1; i < POOL_CHUNK; i++) {
                chunk[i].next_free = i + 1 < POOL_CHUNK ? &chunk[i + 1] : NULL;
            }
            pool = &chunk[1];
            file = chunk;
        }
    } else {
        pool = file->next_free;
    }
    pthread_mutex_unlock(&pool_lock);
    return file;
}

static void pool_give(struct fd_file *file)
{
    pthread_mutex_lock(&pool_lock);
    file->next_free = pool;
    pool = file;
    pthread_mutex_unlock(&pool_lock);
}

struct fd_file *fd_file_new(uint32_t kind, int under_fd, uint64_t data)
{
    struct fd_file *file = kind < FDTABLES_KINDS ? pool_take() : NULL;
    if (file == NULL) {
        return NULL;
    }
    file->under_fd = under_fd;
    file->kind = kind;
    file->data = data;
    /* Release: pairs with the acquire of who holds it by `hold_if_used`, which may know it from before. */
    __atomic_store_n(&file->holds, 1, __ATOMIC_RELEASE);
    return file;
}

void fd_file_hold(struct fd_file *file)
{
    /* Relaxed: who calls holds it already, or has the lock of a table that does. */
    __atomic_add_fetch(&file->holds, 1, __ATOMIC_RELAXED);
}

static bool hold_if_used(struct fd_file *file)
{
    uint32_t holds = __atomic_load_n(&file->holds, __ATOMIC_RELAXED);
    do {
        if (holds == 0) {
            return false;
        }
    } while (!__atomic_compare_exchange_n(&file->holds, &holds, holds + 1, true, __ATOMIC_ACQUIRE,
                                          __ATOMIC_RELAXED));
    return true;
}

void fd_file_put(struct fd_file *file)
{
    /* What it is has to be read first: it may be another file as soon as nobody holds it. */
    uint32_t kind = file->kind;
    int under_fd = file->under_fd;
    uint64_t data = file->data;
    if (__atomic_sub_fetch(&file->holds, 1, __ATOMIC_ACQ_REL) != 0) {
        return;
    }
    pool_give(file);
    fd_close_handler handler = __atomic_load_n(&close_handlers[kind], __ATOMIC_ACQUIRE);
    if (handler != NULL) {
        handler(under_fd, data);
    }
}

/*
 * Tables. What follows is called with the lock held.
 */

static bool in_range(int fd)
{
    return fd >= 0 && fd < LIND_FDS_MAX;
}

static struct fd_file **slot_of(struct fd_table *table, int fd)
{
    /* Acquire: pairs with the release in slot_made. */
    struct fd_file **slots = __atomic_load_n(&table->slots[fd / WORD_BITS], __ATOMIC_ACQUIRE);
    return slots != NULL ? &slots[fd % WORD_BITS] : NULL;
}

static struct fd_file **slot_made(struct fd_table *table, int fd)
{
    struct fd_file ***slots = &table->slots[fd / WORD_BITS];
    if (*slots == NULL) {
        struct fd_file **made = calloc(WORD_BITS, sizeof(struct fd_file *));
        if (made == NULL) {
            return NULL;
        }
        __atomic_store_n(slots, made, __ATOMIC_RELEASE);
    }
    return &(*slots)[fd % WORD_BITS];
}

static struct fd_file *file_of(struct fd_table *table, int fd)
{
    struct fd_file **slot = in_range(fd) ? slot_of(table, fd) : NULL;
    return slot != NULL ? *slot : NULL;
}

static int lowest_free(const struct fd_table *table, int least)
{
    int word = least / WORD_BITS;
    uint64_t room = ~table->taken[word] & (~UINT64_C(0) << (least % WORD_BITS));
    if (room == 0) {
        uint32_t words = ~table->full & ((UINT32_C(1) << WORDS) - 1) & ~((UINT32_C(2) << word) - 1);
        if (words == 0) {
            return -EMFILE;
        }
        word = __builtin_ctz(words);
        room = ~table->taken[word];
    }
    return word * WORD_BITS + __builtin_ctzll(room);
}

static void mark_cloexec(struct fd_table *table, int fd, bool cloexec)
{
    uint64_t bit = UINT64_C(1) << (fd % WORD_BITS);
    uint64_t *word = &table->cloexec[fd / WORD_BITS];
    *word = cloexec ? *word | bit : *word & ~bit;
}

/* Lets a number lead to a file, which is held for it already. Returns what it led to before, to be put, or NULL. */
static struct fd_file *enter(struct fd_table *table, int fd, struct fd_file **slot, struct fd_file *file,
                             bool cloexec)
{
    struct fd_file *before = *slot;
    __atomic_store_n(slot, file, __ATOMIC_RELEASE);
    uint64_t *word = &table->taken[fd / WORD_BITS];
    *word |= UINT64_C(1) << (fd % WORD_BITS);
    if (*word == ~UINT64_C(0)) {
        table->full |= UINT32_C(1) << (fd / WORD_BITS);
    }
    mark_cloexec(table, fd, cloexec);
    table->count += before == NULL;
    return before;
}

/* Frees a number. Returns what it led to, to be put, or NULL. */
static struct fd_file *leave(struct fd_table *table, int fd)
{
    struct fd_file *file = file_of(table, fd);
    if (file != NULL) {
        __atomic_store_n(slot_of(table, fd), NULL, __ATOMIC_RELEASE);
        table->taken[fd / WORD_BITS] &= ~(UINT64_C(1) << (fd % WORD_BITS));
        table->full &= ~(UINT32_C(1) << (fd / WORD_BITS));
        mark_cloexec(table, fd, false);
        table->count--;
    }
    return file;
}

/* A number and its slot for a file, from `least` on; -errno. */
static int find_room(struct fd_table *table, int least, struct fd_file ***slot)
{
    int fd = table->gone ? -EBADF : lowest_free(table, least);
    if (fd >= 0) {
        *slot = slot_made(table, fd);
    }
    return fd < 0 || *slot != NULL ? fd : -ENOMEM;
}

/*
 * What others call, which takes the lock.
 */

struct fd_table *fd_table_new(void)
{
    struct fd_table *table = calloc(1, sizeof(*table));
    if (table != NULL) {
        pthread_mutex_init(&table->lock, NULL);
    }
    return table;
}

struct fd_table *fdtables_copy_fdtable_for_cage(struct fd_table *table)
{
    TARE_SCOPE(copy_fdtable_for_cage);
    struct fd_table *copy = fd_table_new();
    if (copy == NULL) {
        return NULL;
    }
    bool complete = true;
    pthread_mutex_lock(&table->lock);
    for (int word = 0; word < WORDS && complete; word++) {
        for (uint64_t left = table->taken[word]; left != 0; left &= left - 1) {
            int fd = word * WORD_BITS + __builtin_ctzll(left);
            struct fd_file **slot = slot_made(copy, fd);
            if (slot == NULL) {
                complete = false;
                break;
            }
            struct fd_file *file = *slot_of(table, fd);
            fd_file_hold(file);
            enter(copy, fd, slot, file, (table->cloexec[word] & left & -left) != 0);
        }
    }
    copy->gone = table->gone;
    pthread_mutex_unlock(&table->lock);
    if (!complete) {
        fdtables_remove_cage_from_fdtable(copy);
        fd_table_free(copy);
        return NULL;
    }
    return copy;
}

/* Closes the numbers that are taken and, with `cloexec_only`, close-on-exec; a word of them at a time. */
static void close_many(struct fd_table *table, bool cloexec_only, bool gone)
{
    for (int word = 0; word < WORDS; word++) {
        struct fd_file *files[WORD_BITS];
        int file_count = 0;
        pthread_mutex_lock(&table->lock);
        table->gone |= gone;
        uint64_t left = cloexec_only ? table->cloexec[word] : table->taken[word];
        for (; left != 0; left &= left - 1) {
            files[file_count++] = leave(table, word * WORD_BITS + __builtin_ctzll(left));
        }
        pthread_mutex_unlock(&table->lock);
        for (int i = 0; i < file_count; i++) {
            fd_file_put(files[i]);
        }
    }
}

void fdtables_remove_cage_from_fdtable(struct fd_table *table)
{
    TARE_SCOPE(remove_cage_from_fdtable);
    close_many(table, false, true);
}

void fdtables_empty_fds_for_exec(struct fd_table *table)
{
    TARE_SCOPE(empty_fds_for_exec);
    close_many(table, true, false);
}

void fd_table_free(struct fd_table *table)
{
    if (table == NULL) {
        return;
    }
    close_many(table, false, true);
    for (int word = 0; word < WORDS; word++) {
        free(table->slots[word]);
    }
    pthread_mutex_destroy(&table->lock);
    free(table);
}

/*
 * The file is made when there is a place for it, and nothing can go wrong any more: what is under it remains the caller's
 * until then, and somebody who looks up a file that this one was before may hold it for a moment.
 */
int fdtables_get_unused_virtual_fd(struct fd_table *table, uint32_t kind, int under_fd, uint64_t data,
                                   bool cloexec, int least)
{
    TARE_SCOPE(get_unused_virtual_fd);
    if (kind >= FDTABLES_KINDS || !in_range(least)) {
        return -EINVAL;
    }
    struct fd_file **slot;
    pthread_mutex_lock(&table->lock);
    int fd = find_room(table, least, &slot);
    if (fd >= 0) {
        struct fd_file *file = fd_file_new(kind, under_fd, data);
        if (file != NULL) {
            enter(table, fd, slot, file, cloexec);
        } else {
            fd = -ENOMEM;
        }
    }
    pthread_mutex_unlock(&table->lock);
    return fd;
}

int fdtables_get_specific_virtual_fd(struct fd_table *table, int fd, uint32_t kind, int under_fd, uint64_t data,
                                     bool cloexec)
{
    TARE_SCOPE(get_specific_virtual_fd);
    if (kind >= FDTABLES_KINDS) {
        return -EINVAL;
    }
    if (!in_range(fd)) {
        return -EBADF;
    }
    struct fd_file *before = NULL;
    int result = -EBADF;
    pthread_mutex_lock(&table->lock);
    if (!table->gone) {
        struct fd_file **slot = slot_made(table, fd);
        struct fd_file *file = slot != NULL ? fd_file_new(kind, under_fd, data) : NULL;
        result = file != NULL ? fd : -ENOMEM;
        if (file != NULL) {
            before = enter(table, fd, slot, file, cloexec);
        }
    }
    pthread_mutex_unlock(&table->lock);
    if (before != NULL) {
        fd_file_put(before);
    }
    return result;
}

struct fd_file *fdtables_translate_virtual_fd(struct fd_table *table, int fd)
{
    TARE_SCOPE(translate_virtual_fd);
    struct fd_file **slot = in_range(fd) ? slot_of(table, fd) : NULL;
    if (slot == NULL) {
        return NULL;
    }
    for (;;) {
        /* Acquire: pairs with the release in enter. */
        struct fd_file *file = __atomic_load_n(slot, __ATOMIC_ACQUIRE);
        if (file == NULL) {
            return NULL;
        }
        if (!hold_if_used(file)) {
            continue; /* it went just now, and so has the slot changed */
        }
        if (__atomic_load_n(slot, __ATOMIC_ACQUIRE) == file) {
            return file;
        }
        fd_file_put(file);
    }
}

int fdtables_dup_virtual_fd(struct fd_table *table, int fd, int least, bool cloexec)
{
    TARE_SCOPE(dup_virtual_fd);
    int result = -EBADF;
    pthread_mutex_lock(&table->lock);
    struct fd_file *file = file_of(table, fd);
    if (file != NULL) {
        struct fd_file **slot;
        result = in_range(least) ? find_room(table, least, &slot) : -EINVAL;
        if (result >= 0) {
            fd_file_hold(file);
            enter(table, result, slot, file, cloexec);
        }
    }
    pthread_mutex_unlock(&table->lock);
    return result;
}

/* As dup2; `close_fd`: the number that is copied is closed. */
static int copy_to(struct fd_table *table, int fd, int to, bool cloexec, bool close_fd)
{
    struct fd_file *before = NULL;
    int result = to;
    pthread_mutex_lock(&table->lock);
    struct fd_file *file = file_of(table, fd);
    if (table->gone || file == NULL || !in_range(to) || (close_fd && file_of(table, to) == NULL)) {
        result = -EBADF;
    } else if (fd != to) {
        struct fd_file **slot = slot_made(table, to);
        if (slot == NULL) {
            result = -ENOMEM;
        } else {
            fd_file_hold(file);
            before = enter(table, to, slot, file, cloexec);
            if (close_fd) {
                leave(table, fd);
                fd_file_put(file); /* not the last one: `to` has it */
            }
        }
    }
    pthread_mutex_unlock(&table->lock);
    if (before != NULL) {
        fd_file_put(before);
    }
    return result;
}

int fdtables_dup2_virtual_fd(struct fd_table *table, int fd, int to, bool cloexec)
{
    TARE_SCOPE(dup2_virtual_fd);
    return copy_to(table, fd, to, cloexec, false);
}

int fdtables_renumber_virtual_fd(struct fd_table *table, int fd, int to)
{
    TARE_SCOPE(dup2_virtual_fd);
    int result = copy_to(table, fd, to, false, true);
    return result < 0 ? result : 0;
}

int fdtables_close_virtualfd(struct fd_table *table, int fd)
{
    TARE_SCOPE(close_virtualfd);
    pthread_mutex_lock(&table->lock);
    struct fd_file *file = leave(table, fd);
    pthread_mutex_unlock(&table->lock);
    if (file == NULL) {
        return -EBADF;
    }
    fd_file_put(file);
    return 0;
}

int fdtables_set_cloexec(struct fd_table *table, int fd, bool cloexec)
{
    TARE_SCOPE(set_cloexec);
    pthread_mutex_lock(&table->lock);
    bool open = file_of(table, fd) != NULL;
    if (open) {
        mark_cloexec(table, fd, cloexec);
    }
    pthread_mutex_unlock(&table->lock);
    return open ? 0 : -EBADF;
}

int fdtables_get_cloexec(struct fd_table *table, int fd)
{
    int result = -EBADF;
    pthread_mutex_lock(&table->lock);
    if (file_of(table, fd) != NULL) {
        result = (table->cloexec[fd / WORD_BITS] >> (fd % WORD_BITS)) & 1;
    }
    pthread_mutex_unlock(&table->lock);
    return result;
}

int fdtables_count(struct fd_table *table)
{
    pthread_mutex_lock(&table->lock);
    int result = table->count;
    pthread_mutex_unlock(&table->lock);
    return result;
}
