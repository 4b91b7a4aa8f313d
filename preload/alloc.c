/* SPDX-License-Identifier: MIT */
/*
 * The malloc family as timers; what is behind it, and why that is special, is in family.h. With an allocator
 * that is linked into the executable, the timers stay at zero.
 *
 * Freeing NULL and allocating nothing are calls too, and are counted.
 */
#include "preload/family.h"

TARE_MODULE("libc");
TARE_TIMER(malloc);
TARE_TIMER(calloc);
TARE_TIMER(realloc);
TARE_TIMER(free);
TARE_TIMER(posix_memalign);
TARE_TIMER(aligned_alloc);
TARE_TIMER(memalign);

#define FAMILY_TIMED(symbol, type, params, args)                                                               \
    NEXT_SLOW type timed_##symbol params                                                                       \
    {                                                                                                          \
        NEXT_SCOPE(symbol, span);                                                                              \
        return NEXT(symbol) args;                                                                              \
    }                                                                                                          \
    NEXT_LINE_END

FAMILY_TIMED(malloc, void *, (size_t size), (size));
NEXT_WRAPPER(malloc, void *, malloc, (size_t size), (size));

FAMILY_TIMED(calloc, void *, (size_t n, size_t size), (n, size));
NEXT_WRAPPER(calloc, void *, calloc, (size_t n, size_t size), (n, size));

FAMILY_TIMED(posix_memalign, int, (void **to, size_t align, size_t size), (to, align, size));
NEXT_WRAPPER(posix_memalign, int, posix_memalign, (void **to, size_t align, size_t size), (to, align, size));

FAMILY_TIMED(aligned_alloc, void *, (size_t align, size_t size), (align, size));
NEXT_WRAPPER(aligned_alloc, void *, aligned_alloc, (size_t align, size_t size), (align, size));

FAMILY_TIMED(memalign, void *, (size_t align, size_t size), (align, size));
NEXT_WRAPPER(memalign, void *, memalign, (size_t align, size_t size), (align, size));

FAMILY_TIMED(realloc, void *, (void *memory, size_t size), (memory, size));
void *realloc(void *memory, size_t size)
{
    if (__builtin_expect(is_arena(memory), 0)) {
        return move_out(memory, size);
    }
    if (NEXT_OFF(realloc)) {
        return NEXT(realloc)(memory, size);
    }
    return timed_realloc(memory, size);
}

FAMILY_TIMED(free, void, (void *memory), (memory));
void free(void *memory)
{
    if (__builtin_expect(is_arena(memory), 0)) {
        return;
    }
    if (NEXT_OFF(free)) {
        NEXT(free)(memory);
        return;
    }
    timed_free(memory);
}

/* Has no timer, but must know the arena. */
size_t malloc_usable_size(void *memory)
{
    return is_arena(memory) ? arena_size(memory) : NEXT(malloc_usable_size)(memory);
}
