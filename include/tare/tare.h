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
 *                         process at the same time writes FILE.PID. If there can be no such file, as its
 *                         directory is missing, the disk is full, or FILE is no page, the program says so in a
 *                         line on stderr when it starts, and its page is in memory; its forked children do not
 *                         say it again
 *     TARE_HISTOGRAM=off  sums only: no distribution, and a few ns less for each scope
 *     TARE_TIMERS=N       room for N different instruments, timers and others, up to 65536 (1024)
 *     TARE_THREADS=N      room for N threads at one time, up to 4096 (128), and for their tables of the
 *                         heaviest keys. Who asks for more than there can be gets that, and is told so by
 *                         `tare run` and below the table of TARE_REPORT
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
 *     TARE_MODULE("name");          at file scope, before the timers, at most once in a file
 *     TARE_TIMER(id);               at file scope: the timer module::id
 *     TARE_TIMER_NAMED(id, "name"); the same, where the name is not an identifier
 *     TARE_SCOPE(id);               in a block, after its opening brace: times the rest of the block
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
 * Patterns are those of fnmatch(3) without flags, matched against `module::name` and `module.name`; several are
 * separated by commas. All of these functions may be called from any thread at any time, but not from a signal
 * handler.
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
    double net_ns; /* total_ns less the cost of measuring; an estimate, and negative where it says so */
    uint64_t closeness_within; /* ticks; how closely the scopes within were followed: see tare/page.h */
    uint64_t uncounted_within; /* scopes within for which that was not counted */
    uint8_t enabled;           /* 1 while new scopes are recorded */
    uint8_t reserved[7];
} tare_stats;

/*
 * 4. Counting other things than time
 * ==================================
 *
 * At file scope, after TARE_MODULE:
 *
 *     TARE_COUNTER(id);                           a sum that only grows
 *     TARE_GAUGE(id);                             a value that goes up and down, or is unknown
 *     TARE_HISTOGRAM(id);                         a distribution of values
 *     TARE_STATE(id, "idle", "running", ...);     what a thread is doing: up to 12 states, from number 0 on
 *     TARE_TOPK(id, 256);                         the heaviest of very many keys: 256 of them (1 to 4096)
 *
 * and, inside of functions:
 *
 *     TARE_ADD(id, n);                            n more; n is not negative
 *     TARE_TOTAL(id)                              its sum over all threads so far, 0 without a page; not for
 *                                                 signal handlers
 *     TARE_SET(id, value);  TARE_UNSET(id);       a double, unknown if it is not finite; unknown from now on
 *     TARE_RECORD(id, value);                     one more value: an integer from 0 to 2^63 - 1
 *     TARE_ENTER(id, 1);  TARE_LEAVE(id);         this thread is in state 1 from now on; in none, as where
 *                                                 there is no state of a number
 *     TARE_HIT(id, key, weight);                  this key (any 64 bits) weighs so much more
 *
 * All but TARE_STATE take up to three strings more: a unit, labels and a sentence of help, as in
 *
 *     TARE_COUNTER(sent, "bytes", "proto=tcp,dir=out", "What left this machine");
 *
 * and each has a second form, TARE_COUNTER_NAMED(id, "name", ...), where the name is not an identifier. What
 * follows in TARE_STATE are the states, all of them: labels and help, in this order, are told in a third form,
 *
 *     TARE_STATE_LABELLED(id, "worker", "pool=a", "What the workers do", "idle", "running");
 *
 * where either may be "". Names are written with dots, module.name: `net.sent`. Labels are fixed; the same name
 * with other labels is another instrument. Two declarations of one name, labels and kind are one instrument, as
 * for timers. Units and help are those of the first declaration.
 *
 * Labels are a list, empty or `key=value,key=value`, without spaces around them, of up to 16 and 1020 bytes. A
 * key is [a-zA-Z_][a-zA-Z0-9_]*, but not `labels`, and is there once; a value is UTF-8 without control
 * characters and commas, may be empty and have a `=` in it. Their order means nothing: `y=1,x=2` is `x=2,y=1`,
 * and is shown so. Any other text is one label, `labels`, with the text as its value, in which %2C stands for a
 * comma, and %XX for `%` and for what no value has. What exporters do with keys that they use themselves is in
 * docs/metrics.md.
 *
 * Names of states are told apart wherever they are shown: one without a name is called by its number, and one
 * that has the name of one before it gets its place among them behind it: "a", "a", "" are shown as `a`,
 * `a#2`, `2`. So are parts of frames. At most 255 bytes of each are kept.
 *
 * Figures have ends. A counter is a sum modulo 2^64, and unknown while it is above 2^63 - 1, as one is from
 * which more was taken than there was. So is what the keys of a top-k weigh together. Of a histogram, number,
 * least and greatest value are exact. Percentiles are within 6.25 % below 2^48, a bucket's width; above, all
 * values are in one bucket, and a percentile there lies somewhere between that and the greatest. The sum stops
 * at 2^64 - 1; then it is unknown, and the average with it. A negative value is taken as what it is modulo
 * 2^64: it is counted, is above 2^63 - 1, and spoils the greatest value and the sum; a note of the results
 * tells of histograms with such values. The heaviest keys are shown by weight, those of the same weight by
 * key, the smaller first.
 *
 * Sizes that cannot be are errors when the program is compiled. Where a C compiler takes a variable for a
 * constant there, and does not see its value, the nearest size that can be is taken.
 *
 * Arguments may or may not be evaluated, as what is disabled needs none: they must not have side effects.
 *
 * These are enabled from the start, as timers are not; tare_disable() and all other functions of section 3 work
 * on them. What is disabled takes two loads and a branch. tare_enable_only() leaves them alone, but for those
 * that match, which it enables. tare_snapshot() gives timers alone.
 *
 * Each thread counts for itself, with plain stores; readers add up. Only a gauge belongs to the process: the
 * last value that any thread has set counts, and the greatest since the last reset is kept as its peak; a reset
 * does not touch the value, which is the peak then. States are those of threads: readers show how many threads
 * are in each, and how much time all of them spent there. A thread that ends leaves its state; a forked child's
 * gauges are unknown, and its thread is in none of its states, until it says otherwise. So it is while states
 * are disabled, and after that: a stay in which they were, is not counted.
 *
 * TARE_TOPK keeps the keys that weigh most in a table of bounded size for each thread, by the Space-Saving
 * algorithm: a key that is kept weighs at most what is shown, and at least that less its error; one that is not
 * weighs at most what the lightest kept one does.
 *
 * Cost: TARE_ADD is inlined and takes about a ns; TARE_SET and TARE_RECORD some 2, TARE_HIT some 10, TARE_ENTER
 * a reading of the clock. docs/cost.md has the figures. All may be used in signal handlers. A counter loses
 * nothing then; what a handler records into a histogram that is just being cleared, or a top-k or a state whose
 * own change it interrupts, is dropped, and counted as such.
 *
 * Frames, just-in-time compilers, graphics, guest processors, memory and latencies have headers of their own:
 * tare/frame.h, jit.h, gfx.h, cpu.h, memory.h, latency.h.
 */

/* An instrument that is not a timer. Its members belong to the library. */
typedef struct tare_instrument tare_instrument;

/*
 * Casts that no compiler warns of in a program's own code: in C++ by functions, as it depends on the type of what
 * is cast which of them it is, and a cast to the type that something has is one to warn of, too.
 */
#ifdef __cplusplus
} /* templates have no C linkage */
#define TARE__NONE nullptr
#define TARE__POINTER(type, x) reinterpret_cast<type>(x)
#define TARE__ADDRESS(x) reinterpret_cast<uintptr_t>(x)
#define TARE__CAST_INLINE __attribute__((unused, always_inline)) static inline constexpr
#define TARE__CONVERSION(name, to)                                                                             \
    TARE__CAST_INLINE to name(to x)                                                                            \
    {                                                                                                          \
        return x;                                                                                              \
    }                                                                                                          \
    template <typename T> TARE__CAST_INLINE to name(const T &x)                                                \
    {                                                                                                          \
        return static_cast<to>(x);                                                                             \
    }
TARE__CONVERSION(tare__u64, uint64_t)
TARE__CONVERSION(tare__u32, uint32_t)
TARE__CONVERSION(tare__real, double)
template <typename T> __attribute__((unused, always_inline)) static inline uint64_t tare__u64(T *x)
{
    return reinterpret_cast<uint64_t>(x);
}
extern "C" {
#else
#define TARE__NONE 0
#define TARE__POINTER(type, x) ((type)(x))
#define TARE__ADDRESS(x) ((uintptr_t)(x))
#define tare__u64(x) ((uint64_t)(x))
#define tare__u32(x) ((uint32_t)(x))
#define tare__real(x) ((double)(x))
#endif

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
 * Print the table of all timers that were called, and a line for each other instrument that counted anything.
 * Returns 0, or -EIO if the stream has an error.
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
 * 5. Behind the macros
 * ====================
 */

#define TARE__UNUSED __attribute__((unused))
#define TARE__INLINE static inline __attribute__((unused, no_instrument_function))

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
    uint32_t kind; /* enum tare_kind of tare/page.h; 1: timer */
};

struct tare_instrument {
    tare_timer timer; /* what all kinds have */
    const char *unit; /* NULL or "": none, as for the next two */
    const char *labels;
    const char *help;
    const char *const *names; /* states; parts of frames */
    uint32_t name_count;
    uint32_t size;
};

extern TARE__API const unsigned char tare__never;
TARE__API void tare__enroll(tare_timer **first, tare_timer **end);
TARE__API void tare__withdraw(tare_timer **first, tare_timer **end);
TARE__API void tare__begin(tare_timer *timer, tare_span *span);       /* a span that stays where it is */
TARE__API void tare__begin_loose(tare_timer *timer, tare_span *span); /* one that is copied */
TARE__API void tare__end(tare_span *span);
TARE__API void tare__drop(tare_span *span);
TARE__API int tare__snapshot(const char *globs, void *out, size_t max, size_t size);
TARE__API uint64_t tare__total(tare_instrument *counter);
TARE__API void tare__add_first(tare_instrument *counter, uint64_t n);
TARE__API void tare__set(tare_instrument *gauge, double value);
TARE__API void tare__record(tare_instrument *histogram, uint64_t value);
TARE__API void tare__enter(tare_instrument *state, uint32_t number); /* UINT32_MAX: none */
TARE__API void tare__hit(tare_instrument *topk, uint64_t key, uint64_t weight);

/*
 * Where this thread's slots lie; 0 until it counts something. That of an instrument is at tare__slots + 16 times
 * the address that its `enabled` has, modulo 2^64: a slot is sixteen times as large as a control.
 */
extern TARE__API __thread uintptr_t tare__slots __attribute__((tls_model("initial-exec")));

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
    tare_timer **first = __start_tare_timers, **end = __stop_tare_timers;
    if (first != end) {
        tare__enroll(first, end);
    }
}

void tare__withdraw_object(void)
{
    tare_timer **first = __start_tare_timers, **end = __stop_tare_timers;
    if (first != end) {
        tare__withdraw(first, end);
    }
}

/* The library fills as much of each element as both sides know. */
TARE__INLINE int tare_snapshot(const char *globs, tare_stats *out, size_t max)
{
    return tare__snapshot(globs, out, max, sizeof(*out));
}

/* Both may change at any time, from another thread or from outside. */
TARE__INLINE int tare__is_enabled(tare_timer *timer)
{
    return __atomic_load_n(__atomic_load_n(&timer->enabled, __ATOMIC_RELAXED), __ATOMIC_RELAXED);
}

TARE__INLINE tare_span tare__open(tare_timer *timer)
{
    tare_span span;
    span.timer = TARE__NONE;
    if (__builtin_expect(tare__is_enabled(timer), 0)) {
        tare__begin_loose(timer, &span);
    }
    return span;
}

TARE__INLINE void tare__close(tare_span *span)
{
    if (__builtin_expect(span->timer != TARE__NONE, 0)) {
        tare__end(span);
    }
}

TARE__INLINE void tare__begin_if(tare_timer *timer, tare_span *span)
{
    if (__builtin_expect(tare__is_enabled(timer), 0)) {
        tare__begin(timer, span);
    }
}

/*
 * The slot's place follows from `enabled`, which is read once, and not from `index`: another thread may be
 * enrolling or withdrawing the instrument right now. Its generation is that of the control, 4 bytes behind the
 * enabled byte, unless it is new or was reset.
 *
 * On x86-64 the sum is one instruction, so a signal handler that adds, too, comes before or after it. Elsewhere
 * it is an atomic addition for that reason alone, which compilers may make a call (aarch64: outline atomics);
 * what it costs there has not been measured.
 */
TARE__INLINE void tare__add(tare_instrument *counter, uint64_t n)
{
    const volatile unsigned char *enabled = __atomic_load_n(&counter->timer.enabled, __ATOMIC_RELAXED);
    if (__builtin_expect(__atomic_load_n(enabled, __ATOMIC_RELAXED) != 0, 1)) {
        uintptr_t slot = tare__slots;
        if (__builtin_expect(slot != 0, 1)) {
            const volatile uint32_t *wanted =
                TARE__POINTER(const volatile uint32_t *, TARE__ADDRESS(enabled) + 4);
            slot += TARE__ADDRESS(enabled) * 16;
            if (__builtin_expect(__atomic_load_n(TARE__POINTER(uint32_t *, slot + 80), __ATOMIC_RELAXED) ==
                                     __atomic_load_n(wanted, __ATOMIC_RELAXED),
                                 1)) {
#if defined(__x86_64__)
                __asm__ volatile("addq %1, %0" : "+m"(*TARE__POINTER(uint64_t *, slot)) : "er"(n) : "cc");
#else
                __atomic_fetch_add(TARE__POINTER(uint64_t *, slot), n, __ATOMIC_RELAXED);
#endif
                return;
            }
        }
        tare__add_first(counter, n);
    }
}

TARE__INLINE int tare__is_on(tare_instrument *instrument)
{
    return tare__is_enabled(&instrument->timer);
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
    span.timer = TARE__NONE;                                                                                   \
    tare__begin_if(&tare__timer_##id, &span)

#define TARE_BEGIN(id) tare__open(&tare__timer_##id)
#define TARE_END(span) tare__close(&(span))
#define TARE_DROP(span) ((span).timer != TARE__NONE ? tare__drop(&(span)) : (void)0)
#define TARE_BYTES(span, n) ((span).timer != TARE__NONE ? (void)((span).bytes += tare__u64(n)) : (void)0)

#ifdef __cplusplus
#define TARE__ASSERT_WITHIN(least, x, most, text) static_assert((least) <= (x) && (x) <= (most), text)
#else /* in C, compilers take some variables for constants where there should be one, and these are not checked */
#define TARE__ASSERT_WITHIN(least, x, most, text)                                                              \
    _Static_assert(__builtin_constant_p(x) ? (least) <= (x) && (x) <= (most) : 1, text)
#endif

/* Arguments that are left out are none, without what ISO C has to say of an empty "..." */
#define TARE_COUNTER(...) TARE__COUNTER(__VA_ARGS__, TARE__NONE, TARE__NONE, TARE__NONE, 0)
#define TARE__COUNTER(id, unit, labels, help, ...)                                                             \
    TARE__DECLARE(counter, 2, id, #id, TARE__MODULE_HERE, unit, labels, help, TARE__NONE, 0, 0)
#define TARE_COUNTER_NAMED(id, ...) TARE__COUNTER_NAMED(id, __VA_ARGS__, TARE__NONE, TARE__NONE, TARE__NONE, 0)
#define TARE__COUNTER_NAMED(id, text, unit, labels, help, ...)                                                 \
    TARE__DECLARE(counter, 2, id, text, TARE__MODULE_HERE, unit, labels, help, TARE__NONE, 0, 0)
#define TARE_GAUGE(...) TARE__GAUGE(__VA_ARGS__, TARE__NONE, TARE__NONE, TARE__NONE, 0)
#define TARE__GAUGE(id, unit, labels, help, ...)                                                               \
    TARE__DECLARE(gauge, 3, id, #id, TARE__MODULE_HERE, unit, labels, help, TARE__NONE, 0, 0)
#define TARE_GAUGE_NAMED(id, ...) TARE__GAUGE_NAMED(id, __VA_ARGS__, TARE__NONE, TARE__NONE, TARE__NONE, 0)
#define TARE__GAUGE_NAMED(id, text, unit, labels, help, ...)                                                   \
    TARE__DECLARE(gauge, 3, id, text, TARE__MODULE_HERE, unit, labels, help, TARE__NONE, 0, 0)
#define TARE_HISTOGRAM(...) TARE__HISTOGRAM(__VA_ARGS__, TARE__NONE, TARE__NONE, TARE__NONE, 0)
#define TARE__HISTOGRAM(id, unit, labels, help, ...)                                                           \
    TARE__DECLARE(histogram, 4, id, #id, TARE__MODULE_HERE, unit, labels, help, TARE__NONE, 0, 0)
#define TARE_HISTOGRAM_NAMED(id, ...)                                                                          \
    TARE__HISTOGRAM_NAMED(id, __VA_ARGS__, TARE__NONE, TARE__NONE, TARE__NONE, 0)
#define TARE__HISTOGRAM_NAMED(id, text, unit, labels, help, ...)                                               \
    TARE__DECLARE(histogram, 4, id, text, TARE__MODULE_HERE, unit, labels, help, TARE__NONE, 0, 0)
#define TARE_STATE(id, ...) TARE_STATE_NAMED(id, #id, __VA_ARGS__)
#define TARE_STATE_NAMED(id, text, ...) TARE_STATE_LABELLED(id, text, TARE__NONE, TARE__NONE, __VA_ARGS__)
#define TARE_STATE_LABELLED(id, text, labels, help, ...)                                                       \
    static const char *const tare__names_##id[] = {__VA_ARGS__};                                               \
    TARE__ASSERT_WITHIN(1, sizeof(tare__names_##id) / sizeof(tare__names_##id[0]), 12,                         \
                        "a TARE_STATE has 1 to 12 states");                                                    \
    TARE__DECLARE(state, 5, id, text, TARE__MODULE_HERE, TARE__NONE, labels, help, tare__names_##id,           \
                  sizeof(tare__names_##id) / sizeof(tare__names_##id[0]), 0)
#define TARE_TOPK(id, ...) TARE__TOPK(id, #id, __VA_ARGS__, TARE__NONE, TARE__NONE, TARE__NONE, 0)
#define TARE_TOPK_NAMED(id, text, ...) TARE__TOPK(id, text, __VA_ARGS__, TARE__NONE, TARE__NONE, TARE__NONE, 0)
#define TARE__TOPK(id, text, keys, unit, labels, help, ...)                                                    \
    TARE__ASSERT_WITHIN(1, keys, 4096, "a TARE_TOPK keeps 1 to 4096 keys");                                    \
    TARE__DECLARE(topk, 6, id, text, TARE__MODULE_HERE, unit, labels, help, TARE__NONE, 0, keys)

#define TARE__DECLARE(kind_name, kind, id, text, module, unit, labels, help, names, name_count, size)          \
    TARE__UNUSED static tare_instrument tare__##kind_name##_##id = {                                           \
        {&tare__never, TARE_ABI, UINT32_MAX, text, module, TARE__FILE, __LINE__, kind},                        \
        unit,                                                                                                  \
        labels,                                                                                                \
        help,                                                                                                  \
        names,                                                                                                 \
        name_count,                                                                                            \
        size};                                                                                                 \
    __attribute__((used, section("tare_timers")))                                                              \
    TARE__RETAIN static tare_timer *tare__entry_##kind_name##_##id = &tare__##kind_name##_##id.timer

#define TARE_ADD(id, n) tare__add(&tare__counter_##id, tare__u64(n))
#define TARE_TOTAL(id) tare__total(&tare__counter_##id)
#define TARE_SET(id, value)                                                                                    \
    (tare__is_on(&tare__gauge_##id) ? tare__set(&tare__gauge_##id, tare__real(value)) : (void)0)
#define TARE_UNSET(id) TARE_SET(id, __builtin_nan(""))
#define TARE_RECORD(id, value)                                                                                 \
    (tare__is_on(&tare__histogram_##id) ? tare__record(&tare__histogram_##id, tare__u64(value)) : (void)0)
#define TARE_ENTER(id, number)                                                                                 \
    (tare__is_on(&tare__state_##id) ? tare__enter(&tare__state_##id, tare__u32(number)) : (void)0)
#define TARE_LEAVE(id) TARE_ENTER(id, UINT32_MAX)
#define TARE_HIT(id, key, weight)                                                                              \
    (tare__is_on(&tare__topk_##id) ? tare__hit(&tare__topk_##id, tare__u64(key), tare__u64(weight)) : (void)0)

#else /* TARE_DISABLE */

#ifdef __cplusplus
#define TARE__NOTHING static_assert(true, "")
#else
#define TARE__NOTHING _Static_assert(1, "")
#endif
/* What is passed counts as used, and is not evaluated. */
#define TARE__UNEVALUATED(x) (0 ? (void)(x) : tare__nothing())
#define TARE_MODULE(text) TARE__NOTHING
#define TARE_TIMER(id) TARE__NOTHING
#define TARE_TIMER_NAMED(id, text) TARE__NOTHING
#define TARE_SCOPE(id) ((void)0)
#define TARE_BEGIN(id) tare__no_span()
#define TARE_END(span) ((void)(span).timer)
#define TARE_DROP(span) ((void)(span).timer)
#define TARE_BYTES(span, n) ((void)(span).timer, TARE__UNEVALUATED(n))

#define TARE_COUNTER(...) TARE__NOTHING
#define TARE_COUNTER_NAMED(...) TARE__NOTHING
#define TARE_GAUGE(...) TARE__NOTHING
#define TARE_GAUGE_NAMED(...) TARE__NOTHING
#define TARE_HISTOGRAM(...) TARE__NOTHING
#define TARE_HISTOGRAM_NAMED(...) TARE__NOTHING
#define TARE_STATE(...) TARE__NOTHING
#define TARE_STATE_NAMED(...) TARE__NOTHING
#define TARE_STATE_LABELLED(...) TARE__NOTHING
#define TARE_TOPK(...) TARE__NOTHING
#define TARE_TOPK_NAMED(...) TARE__NOTHING
#define TARE_ADD(id, n) TARE__UNEVALUATED(n)
#define TARE_SET(id, value) TARE__UNEVALUATED(value)
#define TARE_UNSET(id) ((void)0)
#define TARE_RECORD(id, value) TARE__UNEVALUATED(value)
#define TARE_ENTER(id, number) TARE__UNEVALUATED(number)
#define TARE_LEAVE(id) ((void)0)
#define TARE_HIT(id, key, weight) (TARE__UNEVALUATED(key), TARE__UNEVALUATED(weight))
#define TARE_TOTAL(id) UINT64_C(0)

#define TARE__INERT static inline __attribute__((unused, always_inline))
TARE__INERT void tare__nothing(void)
{
}
TARE__INERT tare_span tare__no_span(void)
{
    tare_span span;
    span.timer = TARE__NONE;
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
