/* SPDX-License-Identifier: MIT */
/*
 * How a libc call becomes a timer: what the files of preload/ share.
 *
 * libtare-libc.so is put in front of libc with LD_PRELOAD, so the program's `read` is ours. It opens a scope
 * and calls the next `read` behind us, which is libc's, or that of another library that wraps it too. Only
 * calls that pass the dynamic linker are seen: those that libc makes to itself (the write within fwrite, the
 * nanosleep within sleep) bind inside libc, and system calls made without libc are not calls of libc.
 * docs/libc-timers.md says which timer covers what.
 *
 * To add a call:
 *   1. in the file where it belongs, TARE_TIMER(name), unless its timer exists already;
 *   2. one line: NEXT_TIMED(timer, type, symbol, (parameters), (arguments)), or NEXT_COUNTED if the result is
 *      the number of bytes that were moved, or NEXT_VARIADIC for one optional last argument. Each other
 *      symbol of the same call (64-bit offsets, the _chk of _FORTIFY_SOURCE) is another line, same timer;
 *   3. if `nm -D --with-symbol-versions libc.so.6` shows two versions of the symbol at different addresses,
 *      name the default one as a NEXT_VERSION, in its line (NEXT_TIMED_OF) and in libtare-libc.map, so that
 *      programs that are bound to the old one go past us;
 *   4. a row in docs/libc-timers.md, and a count in tests/behaviour/libc_counts.c.
 *
 * A call that returns twice (vfork, setjmp) cannot be wrapped: its second return would use a stack frame that
 * is gone.
 *
 * With its timer disabled, a wrapper costs the check of TARE_SCOPE and an indirect jump. The pointer to the
 * next function is never NULL: it starts at a stand-in that looks the function up, because calls arrive before
 * our constructor, even before libtare's. Where the C library lacks a function, its stand-in fails with ENOSYS.
 */
#ifndef TARE_PRELOAD_NEXT_H
#define TARE_PRELOAD_NEXT_H

/* Both make libc's headers rename or define the very functions that are defined here. */
#undef _FILE_OFFSET_BITS
#undef _FORTIFY_SOURCE

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <tare/tare.h>

#define NEXT_EXPORT extern __attribute__((visibility("default")))
#define NEXT_HIDDEN __attribute__((visibility("hidden")))

/* The symbol version to ask for; see libtare-libc.map. NULL: the default one. */
#if defined(__x86_64__) && defined(__GLIBC__)
#define NEXT_VERSION_COND "GLIBC_2.3.2"  /* pthread_cond_wait and _timedwait: another pthread_cond_t before */
#define NEXT_VERSION_SPAWN "GLIBC_2.15"  /* posix_spawn and posix_spawnp: ran scripts without #! before */
#define NEXT_VERSION_XSTAT "GLIBC_2.2.5" /* hidden from dlsym since 2.33 */
#elif defined(__aarch64__) && defined(__GLIBC__)
#define NEXT_VERSION_COND NULL
#define NEXT_VERSION_SPAWN NULL
#define NEXT_VERSION_XSTAT "GLIBC_2.17"
#else
#define NEXT_VERSION_COND NULL
#define NEXT_VERSION_SPAWN NULL
#define NEXT_VERSION_XSTAT NULL
#endif

/* All of the pointers below are function pointers of different types, and are set in one place. */
typedef void *next_any __attribute__((may_alias));

struct next_entry {
    const char *symbol;
    const char *version;
    next_any *pointer;
};

/*
 * Looks up what lies behind us and stores it; false, and the pointer unchanged, if there is none. errno is
 * kept.
 */
NEXT_HIDDEN bool next__resolve(const struct next_entry *entry);

/*
 * libtare's own calls of libc are no calls of the program, and some are made while its page is being replaced.
 * The range of its code, from our constructor on; until then everything, so that nothing is timed.
 */
extern NEXT_HIDDEN uintptr_t next__tare_start;
extern NEXT_HIDDEN uintptr_t next__tare_size;

static inline bool next_is_tare(const void *caller)
{
    return (uintptr_t)caller - next__tare_start < next__tare_size;
}

/* The next function, and nothing about timers: next_SYMBOL, which starts as first_SYMBOL. */
#define NEXT_OF(version, type, symbol, params, args)                                                           \
    NEXT_EXPORT type symbol params;                                                                            \
    static type first_##symbol params;                                                                         \
    static type(*next_##symbol) params = first_##symbol;                                                       \
    NEXT_ENTRY(version, symbol);                                                                               \
    static __attribute__((cold, noinline)) type first_##symbol params                                          \
    {                                                                                                          \
        if (!next__resolve(&entry_##symbol)) {                                                                 \
            errno = ENOSYS;                                                                                    \
            return (type)-1;                                                                                   \
        }                                                                                                      \
        return NEXT(symbol) args;                                                                              \
    }

/* The section holds pointers, because a compiler may align structures further apart than an array of them. */
#define NEXT_ENTRY(version, symbol)                                                                            \
    static const struct next_entry entry_##symbol = {#symbol, version, (next_any *)(void *)&next_##symbol};    \
    __attribute__((used, section("tare_libc_next"))) static const struct next_entry *listed_##symbol =         \
        &entry_##symbol

/* Other threads may be storing the same value into it. */
#define NEXT(symbol) __atomic_load_n(&next_##symbol, __ATOMIC_RELAXED)

#define NEXT_OFF(id)                                                                                           \
    (__builtin_expect(*tare__timer_##id.enabled == 0, 1) || next_is_tare(__builtin_return_address(0)))

/*
 * What runs while the timer is enabled is a function of its own, so that the wrapper itself needs no stack
 * frame: two loads, a branch and a jump while it is disabled.
 */
#define NEXT_SLOW static __attribute__((noinline))

/* TARE_SCOPE, with a name for its span, to which bytes can be added. */
#define NEXT_SCOPE(id, span) TARE__SCOPE(id, span)

#define NEXT_TIMED(id, type, symbol, params, args) NEXT_TIMED_OF(NULL, id, type, symbol, params, args)
#define NEXT_TIMED_OF(version, id, type, symbol, params, args)                                                 \
    NEXT_OF(version, type, symbol, params, args)                                                               \
    NEXT_SLOW type timed_##symbol params                                                                       \
    {                                                                                                          \
        NEXT_SCOPE(id, span);                                                                                  \
        return NEXT(symbol) args;                                                                              \
    }                                                                                                          \
    NEXT_WRAPPER(id, type, symbol, params, args)

/* A positive result is a number of bytes moved. */
#define NEXT_COUNTED(id, type, symbol, params, args)                                                           \
    NEXT_OF(NULL, type, symbol, params, args)                                                                  \
    NEXT_SLOW type timed_##symbol params                                                                       \
    {                                                                                                          \
        NEXT_SCOPE(id, span);                                                                                  \
        type moved = NEXT(symbol) args;                                                                        \
        if (moved > 0) {                                                                                       \
            TARE_BYTES(span, moved);                                                                           \
        }                                                                                                      \
        return moved;                                                                                          \
    }                                                                                                          \
    NEXT_WRAPPER(id, type, symbol, params, args)

/* The symbol itself, over next_SYMBOL and timed_SYMBOL. */
#define NEXT_WRAPPER(id, type, symbol, params, args)                                                           \
    type symbol params                                                                                         \
    {                                                                                                          \
        if (NEXT_OFF(id)) {                                                                                    \
            return NEXT(symbol) args;                                                                          \
        }                                                                                                      \
        return timed_##symbol args;                                                                            \
    }                                                                                                          \
    NEXT_LINE_END

/*
 * One optional argument of type `extra_type` follows `fixed`, the last fixed parameter, where `given` holds;
 * the arguments name it `extra`. There can be no stand-in for a variadic function, so the pointer starts as
 * NULL here.
 */
#define NEXT_VARIADIC(id, symbol, params, fixed, extra_type, given, args)                                      \
    NEXT_EXPORT int symbol params;                                                                             \
    static int(*next_##symbol) params;                                                                         \
    NEXT_ENTRY(NULL, symbol);                                                                                  \
    int symbol params                                                                                          \
    {                                                                                                          \
        extra_type extra = 0;                                                                                  \
        if (given) {                                                                                           \
            va_list list;                                                                                      \
            va_start(list, fixed);                                                                             \
            extra = va_arg(list, extra_type);                                                                  \
            va_end(list);                                                                                      \
        }                                                                                                      \
        if (__builtin_expect(NEXT(symbol) == NULL, 0) && !next__resolve(&entry_##symbol)) {                    \
            errno = ENOSYS;                                                                                    \
            return -1;                                                                                         \
        }                                                                                                      \
        if (NEXT_OFF(id)) {                                                                                    \
            return NEXT(symbol) args;                                                                          \
        }                                                                                                      \
        NEXT_SCOPE(id, span);                                                                                  \
        return NEXT(symbol) args;                                                                              \
    }                                                                                                          \
    NEXT_LINE_END

/* Takes the semicolon after a line of the table. */
#define NEXT_LINE_END _Static_assert(1, "")

#endif
