/* SPDX-License-Identifier: MIT */
/*
 * The malloc family behind us, for the files that stand in front of it: one in each library, which this is
 * included by. It differs from the other calls in that looking up libc's malloc may itself allocate (dlsym
 * does for its error messages, and did for every first call in a thread before glibc 2.34), so such memory
 * comes from a small arena of our own until the lookup is done. It is never given back: free and realloc
 * know it by its address.
 *
 * A program that brings its own malloc keeps it. As a shared library it lies behind us, and we pass on to it.
 * Linked into the executable it comes before us, so we see none of the calls.
 *
 * Who includes this defines the whole family, and asks is_arena() in free, realloc and malloc_usable_size.
 */
#ifndef TARE_PRELOAD_FAMILY_H
#define TARE_PRELOAD_FAMILY_H

#include "preload/next.h"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>

enum {
    /*
     * What dlsym asks for is a few dozen bytes, once in each thread that gets here before the lookup is done.
     */
    ARENA_SIZE = 16384,
    ARENA_ALIGN = 16,
};

static _Alignas(64) char arena[ARENA_SIZE];
static size_t arena_used;

/* Set while this thread looks up the allocator. */
static __thread bool resolving __attribute__((tls_model("initial-exec")));

static inline bool is_arena(const void *memory)
{
    return (uintptr_t)memory - (uintptr_t)arena < sizeof(arena);
}

/* Zeroed memory, behind a word with its size; `align` is a power of two. */
static void *arena_take(size_t align, size_t size)
{
    if (align < ARENA_ALIGN) {
        align = ARENA_ALIGN;
    }
    if (size > sizeof(arena) || align > sizeof(arena)) {
        errno = ENOMEM;
        return NULL;
    }
    size_t length = ARENA_ALIGN + align + size;
    size_t start = __atomic_load_n(&arena_used, __ATOMIC_RELAXED);
    do {
        if (length > sizeof(arena) - start) {
            errno = ENOMEM;
            return NULL;
        }
    } while (!__atomic_compare_exchange_n(&arena_used, &start, start + length, true, __ATOMIC_RELAXED,
                                          __ATOMIC_RELAXED));
    uintptr_t memory = ((uintptr_t)arena + start + ARENA_ALIGN + align - 1) & ~(uintptr_t)(align - 1);
    memcpy((char *)memory - sizeof(size), &size, sizeof(size));
    return (void *)memory;
}

static size_t arena_size(const void *memory)
{
    size_t size;
    memcpy(&size, (const char *)memory - sizeof(size), sizeof(size));
    return size;
}

/*
 * The stand-ins. The first of them to be called looks up the whole family, so that memory never comes from one
 * allocator and goes to another. False while that is under way (or if there is no allocator at all).
 */
static bool resolve_family(void);

#define FAMILY_MEMBER(type, symbol, params, args, bootstrap)                                                   \
    NEXT_EXPORT type symbol params;                                                                            \
    static type first_##symbol params;                                                                         \
    static type(*next_##symbol) params = first_##symbol;                                                       \
    NEXT_ENTRY(NULL, symbol);                                                                                  \
    static __attribute__((cold, noinline)) type first_##symbol params                                          \
    {                                                                                                          \
        if (resolve_family()) {                                                                                \
            return NEXT(symbol) args;                                                                          \
        }                                                                                                      \
        return bootstrap;                                                                                      \
    }                                                                                                          \
    NEXT_LINE_END

static int arena_memalign(void **to, size_t align, size_t size)
{
    int saved = errno;
    void *memory = arena_take(align, size);
    errno = saved;
    if (memory == NULL) {
        return ENOMEM;
    }
    *to = memory;
    return 0;
}

static void *arena_calloc(size_t n, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(n, size, &bytes)) {
        errno = ENOMEM;
        return NULL;
    }
    return arena_take(ARENA_ALIGN, bytes);
}

FAMILY_MEMBER(void *, malloc, (size_t size), (size), arena_take(ARENA_ALIGN, size));
FAMILY_MEMBER(void *, calloc, (size_t n, size_t size), (n, size), arena_calloc(n, size));
FAMILY_MEMBER(void *, realloc, (void *memory, size_t size), (memory, size),
              memory == NULL ? arena_take(ARENA_ALIGN, size) : NULL);
FAMILY_MEMBER(void, free, (void *memory), (memory), (void)0);
FAMILY_MEMBER(int, posix_memalign, (void **to, size_t align, size_t size), (to, align, size),
              arena_memalign(to, align, size));
FAMILY_MEMBER(void *, aligned_alloc, (size_t align, size_t size), (align, size), arena_take(align, size));
FAMILY_MEMBER(void *, memalign, (size_t align, size_t size), (align, size), arena_take(align, size));
FAMILY_MEMBER(size_t, malloc_usable_size, (void *memory), (memory), 0);

/*
 * Moves memory out of the arena, or within it; contents beyond the old size are zero or unspecified, as for
 * realloc.
 */
static void *move_out(void *memory, size_t size)
{
    void *copy = NEXT(malloc)(size); /* of the arena again, while the lookup goes on */
    if (copy != NULL) {
        size_t old = arena_size(memory);
        memcpy(copy, memory, old < size ? old : size);
    }
    return copy;
}

static bool resolve_family(void)
{
    if (resolving) {
        return false;
    }
    resolving = true;
    /* What takes memory back before what gives it out: dlsym may go on allocating in between. */
    bool found = next__resolve(&entry_free) && next__resolve(&entry_realloc) &&
                 next__resolve(&entry_malloc_usable_size) && next__resolve(&entry_malloc) &&
                 next__resolve(&entry_calloc) && next__resolve(&entry_posix_memalign) &&
                 next__resolve(&entry_aligned_alloc) && next__resolve(&entry_memalign);
    resolving = false;
    return found;
}

#endif
