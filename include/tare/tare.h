/* SPDX-License-Identifier: MIT */
/*
 * tare: measure hot paths, and subtract what measuring costs.
 *
 * A program declares timers and marks the code that they time:
 *
 *     #include <tare/tare.h>
 *     TARE_MODULE("fdtables");              // optional; else the file's stem
 *     TARE_TIMER(close_virtualfd);          // the timer fdtables::close_virtualfd
 *
 *     int close_virtualfd(int fd)
 *     {
 *         TARE_SCOPE(close_virtualfd);      // times the block, whichever way it is left
 *         return table_remove(fd);          // the call is inside
 *     }
 *
 * Compile with `pkg-config --cflags --libs tare`, then `tare run ./program` prints what each timer saw. Timers
 * find each other: there is no list to maintain, in the executable, in shared libraries, or in libraries that
 * are loaded later with dlopen.
 *
 * Nothing is timed until something asks for it: `tare run` and `tare attach` from outside, TARE_ENABLE=GLOB or
 * TARE_REPORT=stderr in the environment, or tare_enable() in the program. A scope of a disabled timer costs two
 * loads and a branch. A scope of an enabled one takes two reads of the clock and some adds into memory that
 * only its own thread writes; there is no lock, no allocation, no system call, and errno is left alone.
 *
 * What the scopes counted lies in a shared memory page (see docs/page-format.md), so it outlives a crash and
 * can be read from outside while the program runs.
 *
 * With -DTARE_DISABLE every macro and function of this header compiles to nothing: no code, no data, no
 * section, no symbol, and the program need not link the library.
 *
 * This header compiles as C11, C17 and C++17, with gcc and clang.
 *
 * Environment, read once when the program starts:
 *
 *     TARE=off            no page, no timers: every scope stays disabled
 *     TARE_ENABLE=GLOBS   enable the timers that match one of the comma-separated patterns (`*`, `fdtables::*`)
 *     TARE_CLOCK=NAME     tsc-ordered, tsc or clock
 *     TARE_REPORT=WHERE   stderr, stdout or a file name: print the table at exit; enables all timers, unless
 *                         TARE_ENABLE names some
 *     TARE_PAGE=FILE      keep the page in this file (best on a tmpfs), where it outlives the process; enables
 *                         all timers, unless TARE_ENABLE names some. %p stands for the process id. A second
 *                         process at the same time writes FILE.PID
 *     TARE_HISTOGRAM=off  sums only: no distribution, and a few ns less for each scope
 *     TARE_TIMERS=N, TARE_THREADS=N   room for N different timers (1024), N threads at one time (128)
 *
 * Environment variables other than TARE=off are ignored in a set-user-ID program, which gets no page at all.
 */
#ifndef TARE_TARE_H
#define TARE_TARE_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <tare/version.h>

/* Bumped when the objects that TARE_TIMER leaves in a program change their layout. */
#define TARE_ABI 1

#ifdef __cplusplus
extern "C" {
#endif

/*
 * 1. What everybody uses
 * ======================
 *
 * TARE_MODULE("name");          at file scope, before the timers, at most once in a file TARE_TIMER(id);
 * at file scope: the timer module::id TARE_TIMER_NAMED(id, "name"); the same, where the name is not an
 * identifier TARE_SCOPE(id);               in a block, after its opening brace: times the rest of the block
 *
 * Two declarations of one module::name, in two files or libraries, are one timer. Names are UTF-8, at most 255
 * bytes for module and name each; longer ones are cut.
 *
 * A scope is decided when it begins. Disabled then, it records nothing, even if its timer is enabled before it
 * ends; enabled then, it is recorded, even if its timer is disabled before it ends. A scope that a reset or a
 * fork falls into is dropped (in the child, for a fork): what it measured belongs to what came before.
 *
 * Recursion: every scope counts as a call; the time, the minimum and maximum and the distribution are those of
 * the outermost scopes, so no time is counted twice. The average is over the outermost scopes.
 *
 * A block left by return, break, goto or a C++ exception ends its scope. `return f(x);` includes the call of f.
 * For an exception to end a scope in a C file, that file needs -fexceptions. A block left by longjmp, or by the
 * end of the thread or process, is not recorded; a timer that was left like that recovers at the next scope
 * that begins at the same place or further out.
 *
 * Scopes may be used in signal handlers, also in one that interrupts another scope's end.
 *
 * fork gives the child a page of its own with the same timers, enabled as in the parent, and nothing counted.
 * It is libc's fork that does so: a child made by the bare system call (clone without CLONE_VM) shares its
 * parent's page, and spoils its counts.
 *
 *
 * 2. A snippet instead of a block
 * ===============================
 *
 *     tare_span s = TARE_BEGIN(id);
 *     ...
 *     TARE_END(s);
 *
 * A span may be ended on another thread than the one that began it: it is recorded where it ends. TARE_END of a
 * span that has ended, or that was never enabled, does nothing. TARE_DROP(s) ends it without recording; a span
 * that is simply abandoned makes later ones of its timer on that thread look like parts of it. Of spans of one
 * timer and thread that overlap without one being inside the other, only the time of the first is counted.
 *
 * TARE_BYTES(s, n), while a span is open: n bytes were moved in it. The sum is kept beside the time.
 */

/* A timer, as TARE_TIMER leaves it in the program. Its members belong to the library. */
typedef struct tare_timer tare_timer;

/* A timed execution that is under way. Its members belong to the library. */
typedef struct tare_span {
    tare_timer *timer; /* NULL: not recorded */
    void *block;       /* the thread's memory in the page */
    uint64_t start_ticks;
    uint64_t ended_before; /* scopes that this thread had ended when this one began */
    uint64_t token;        /* names this span within its thread; 0 inside a scope of the same timer */
    uint64_t bytes;
    uint32_t generation; /* of the timer's counts, so that a reset in between is noticed */
    uint32_t index;      /* of the timer in the page */
    uint64_t recent;     /* what the thread kept of the scopes before */
} tare_span;

/*
 * 3. Switching and reading from inside the program
 * ================================================
 *
 * Patterns are those of fnmatch(3) without flags, matched against `module::name`; several are separated by
 * commas. All of these functions may be called from any thread at any time, but not from a signal handler.
 */

/* A point in time's figures of one timer, merged over all threads. Times are as read: nothing is subtracted. */
typedef struct tare_stats {
    const char *module;     /* valid until the process ends */
    const char *name;       /* valid until the process ends */
    uint64_t calls;         /* scopes ended, inner ones of a recursion included */
    uint64_t outermost;     /* scopes ended that were not inside another of the same timer */
    uint64_t total_ticks;   /* time in outermost scopes */
    uint64_t min_ticks;     /* shortest outermost scope; 0 if there was none */
    uint64_t max_ticks;     /* longest outermost scope; 0 if there was none */
    uint64_t scopes_within; /* scopes of any timer that ended inside the outermost scopes, on the same thread */
    uint64_t bytes;         /* bytes moved, where the program says it */
    double total_ns;        /* total_ticks in nanoseconds */
    double net_ns;   /* total_ns less the cost of measuring; an estimate, and negative where it says so */
    uint64_t closeness_within; /* ticks; how closely the scopes within were followed: see tare/page.h */
    uint64_t uncounted_within; /* scopes within for which that was not counted */
    uint8_t enabled;           /* 1 while new scopes are recorded */
    uint8_t reserved[7];
} tare_stats;

#ifndef TARE_DISABLE

#define TARE__API __attribute__((visibility("default")))

/*
 * Enable or disable the timers that match, or enable those and disable all others. A pattern also applies to
 * timers that are declared later, by a library that is loaded then: the last call that matches decides.
 * Returns the number of timers that match now, or -EINVAL for a missing pattern, -ENODEV if there is no page
 * (TARE=off, no memory), -ENOSPC if more different patterns are in force than 16 KiB hold (then nothing is
 * changed). A '?' stands for a comma in a name.
 */
TARE__API int tare_enable(const char *globs);
TARE__API int tare_disable(const char *globs);
TARE__API int tare_enable_only(const char *globs);

/* Set what the matching timers counted to zero. Returns as tare_enable(). */
TARE__API int tare_reset(const char *globs);

/*
 * Fill up to `max` entries of `out` with the timers that match `globs` (NULL: all), in the order of their
 * registration, those without calls included. Returns how many there are, which may be more than `max`, or
 * -EINVAL, -ENODEV as above. Other threads may go on counting meanwhile: each figure is exact, but two figures
 * of one timer may lie a scope apart.
 */
static inline int tare_snapshot(const char *globs, tare_stats *out, size_t max);

/*
 * Print the table of all timers that were called. Returns 0, or -EIO if the stream has an error.
 */
TARE__API int tare_report(FILE *stream);

/* "0.1.0", of the library that is linked, which can be another than TARE_VERSION of this header. */
TARE__API const char *tare_version(void);

/*
 * The clock in use: "tsc-ordered" or "tsc" (on aarch64 these read CNTVCT_EL0 with and without a barrier),
 * "clock" (CLOCK_MONOTONIC_RAW), or "none" without a page.
 */
TARE__API const char *tare_clock_name(void);

/* How many ticks of that clock make a second, as calibrated; 0 without a page. */
TARE__API uint64_t tare_clock_hz(void);

/*
 * 4. Behind the macros
 * ====================
 */

#define TARE__UNUSED __attribute__((unused))

struct tare__module {
    const char *name;
};

struct tare_timer {
    const volatile unsigned char *enabled; /* this timer's control byte in the page; never NULL */
    uint32_t abi;
    uint32_t index; /* in the page's directory */
    const char *name;
    const struct tare__module *module; /* name NULL: the stem of `file` */
    const char *file;
    uint32_t line;
    uint32_t kind; /* 1: timer */
};

extern TARE__API const unsigned char tare__never;
TARE__API void tare__enroll(tare_timer **first, tare_timer **end);
TARE__API void tare__withdraw(tare_timer **first, tare_timer **end);
TARE__API void tare__begin(tare_timer *timer, tare_span *span);       /* a span that stays where it is */
TARE__API void tare__begin_loose(tare_timer *timer, tare_span *span); /* one that is copied */
TARE__API void tare__end(tare_span *span);
TARE__API void tare__drop(tare_span *span);
TARE__API int tare__snapshot(const char *globs, void *out, size_t max, size_t size);

/*
 * The linker gives the bounds of the section in which TARE_TIMER leaves its pointers. Each object (executable
 * or shared library) has its own; weak, so that a file without timers links.
 */
extern tare_timer *__start_tare_timers[] __attribute__((weak, visibility("hidden")));
extern tare_timer *__stop_tare_timers[] __attribute__((weak, visibility("hidden")));

/* One copy in each object; the library takes a second call for the same object as the first. */
__attribute__((weak, visibility("hidden"), constructor(101))) void tare__enroll_object(void);
__attribute__((weak, visibility("hidden"), destructor(101))) void tare__withdraw_object(void);
void tare__enroll_object(void)
{
    if (&__start_tare_timers[0] != &__stop_tare_timers[0]) {
        tare__enroll(__start_tare_timers, __stop_tare_timers);
    }
}

void tare__withdraw_object(void)
{
    if (&__start_tare_timers[0] != &__stop_tare_timers[0]) {
        tare__withdraw(__start_tare_timers, __stop_tare_timers);
    }
}

/* The library fills as much of each element as both sides know. */
static inline TARE__UNUSED int tare_snapshot(const char *globs, tare_stats *out, size_t max)
{
    return tare__snapshot(globs, out, max, sizeof(*out));
}

/* Both may change at any time, from another thread or from outside. */
static inline TARE__UNUSED int tare__is_enabled(tare_timer *timer)
{
    return __atomic_load_n(__atomic_load_n(&timer->enabled, __ATOMIC_RELAXED), __ATOMIC_RELAXED);
}

static inline TARE__UNUSED tare_span tare__open(tare_timer *timer)
{
    tare_span span;
    span.timer = NULL;
    if (__builtin_expect(tare__is_enabled(timer), 0)) {
        tare__begin_loose(timer, &span);
    }
    return span;
}

static inline TARE__UNUSED void tare__close(tare_span *span)
{
    if (__builtin_expect(span->timer != NULL, 0)) {
        tare__end(span);
    }
}

static inline TARE__UNUSED void tare__begin_if(tare_timer *timer, tare_span *span)
{
    if (__builtin_expect(tare__is_enabled(timer), 0)) {
        tare__begin(timer, span);
    }
}

/* Against a linker that collects what only its section's bounds refer to (lld with --gc-sections). */
#ifdef __has_attribute
#if __has_attribute(retain)
#define TARE__RETAIN __attribute__((retain))
#endif
#endif
#ifndef TARE__RETAIN
#define TARE__RETAIN
#endif

#define TARE__CAT2(a, b) a##b
#define TARE__CAT(a, b) TARE__CAT2(a, b)
#ifdef __BASE_FILE__
#define TARE__FILE __BASE_FILE__
#else
#define TARE__FILE __FILE__
#endif

#ifdef __cplusplus
} /* C++ has no tentative definitions: overloading chooses between the file's module and none. */
static constexpr tare__module tare__module_none = {nullptr};
TARE__UNUSED static constexpr const tare__module *tare__module_of(long)
{
    return &tare__module_none;
}
#define TARE_MODULE(text)                                                                                      \
    static constexpr tare__module tare__module_here = {text};                                                  \
    TARE__UNUSED static constexpr const tare__module *tare__module_of(int)                                     \
    {                                                                                                          \
        return &tare__module_here;                                                                             \
    }                                                                                                          \
    static_assert(true, "")
#define TARE__MODULE_HERE tare__module_of(0)
extern "C" {
#else
/* Tentative: zero, unless TARE_MODULE defines it. */
TARE__UNUSED static const struct tare__module tare__module_here;
#define TARE_MODULE(text) TARE__UNUSED static const struct tare__module tare__module_here = {text}
#define TARE__MODULE_HERE &tare__module_here
#endif

#define TARE_TIMER(id) TARE_TIMER_NAMED(id, #id)
#define TARE_TIMER_NAMED(id, text)                                                                             \
    TARE__UNUSED static tare_timer tare__timer_##id = {&tare__never,      TARE_ABI,   UINT32_MAX, text,        \
                                                       TARE__MODULE_HERE, TARE__FILE, __LINE__,   1};          \
    __attribute__((used, section("tare_timers"))) TARE__RETAIN static tare_timer *tare__entry_##id =           \
        &tare__timer_##id

#define TARE_SCOPE(id) TARE__SCOPE(id, TARE__CAT(tare__scope_, __COUNTER__))
#define TARE__SCOPE(id, span)                                                                                  \
    __attribute__((cleanup(tare__close))) tare_span span;                                                      \
    span.timer = NULL;                                                                                         \
    tare__begin_if(&tare__timer_##id, &span)

#define TARE_BEGIN(id) tare__open(&tare__timer_##id)
#define TARE_END(span) tare__close(&(span))
#define TARE_DROP(span) ((span).timer != NULL ? tare__drop(&(span)) : (void)0)
#define TARE_BYTES(span, n) ((span).timer != NULL ? (void)((span).bytes += (uint64_t)(n)) : (void)0)

#else /* TARE_DISABLE */

#ifdef __cplusplus
#define TARE__NOTHING static_assert(true, "")
#else
#define TARE__NOTHING _Static_assert(1, "")
#endif
#define TARE_MODULE(text) TARE__NOTHING
#define TARE_TIMER(id) TARE__NOTHING
#define TARE_TIMER_NAMED(id, text) TARE__NOTHING
#define TARE_SCOPE(id) ((void)0)
#define TARE_BEGIN(id) tare__no_span()
#define TARE_END(span) ((void)(span).timer)
#define TARE_DROP(span) ((void)(span).timer)
#define TARE_BYTES(span, n) ((void)(span).timer, (void)(n))

#define TARE__INERT static inline __attribute__((unused, always_inline))
TARE__INERT tare_span tare__no_span(void)
{
    tare_span span;
    span.timer = NULL;
    return span;
}
TARE__INERT int tare_enable(const char *globs)
{
    (void)globs;
    return 0;
}
TARE__INERT int tare_disable(const char *globs)
{
    (void)globs;
    return 0;
}
TARE__INERT int tare_enable_only(const char *globs)
{
    (void)globs;
    return 0;
}
TARE__INERT int tare_reset(const char *globs)
{
    (void)globs;
    return 0;
}
TARE__INERT int tare_snapshot(const char *globs, tare_stats *out, size_t max)
{
    (void)globs;
    (void)out;
    (void)max;
    return 0;
}
TARE__INERT int tare_report(FILE *stream)
{
    (void)stream;
    return 0;
}
TARE__INERT const char *tare_version(void)
{
    return TARE_VERSION;
}
TARE__INERT const char *tare_clock_name(void)
{
    return "none";
}
TARE__INERT uint64_t tare_clock_hz(void)
{
    return 0;
}

#endif /* TARE_DISABLE */

#ifdef __cplusplus
}
#endif

#endif /* TARE_TARE_H */
