/* SPDX-License-Identifier: MIT */
/*
 * tare/bench.h: benchmarks in C and C++.
 *
 *     #include <tare/bench.h>
 *
 *     TARE_BENCH(ring_write)                           // set-up stands above the loop, and is not timed
 *     {
 *         struct ring ring;
 *         ring_init(&ring);
 *         tare_require(ring_write(&ring, buffer, 8) == 8);       // wrong code fails instead of being timed
 *         TARE_EACH(b) tare_keep(ring_write(&ring, buffer, (size_t)b->arg[0]));
 *         tare_bytes(b, (double)b->arg[0]);            // for each iteration: shown as throughput
 *     }
 *     TARE_BENCH_ARGS(ring_write, 1, 64, 1024, 65536); // the case ring_write/1, ring_write/64, ...
 *     TARE_BENCH_MAIN();
 *
 * Compile with optimisation and `pkg-config --cflags --libs tare-bench`. Then `./ring_bench` measures by
 * itself, and `tare bench ./ring_bench` in many processes, with verdicts. tare_bench(3) is the reference.
 *
 * Times are those of one iteration of the loop, without what the loop itself and reading the clock take,
 * which is measured in the same process. The body runs once for all samples that a process takes, so set-up
 * happens once.
 *
 * This header compiles as C11, C17 and C++17, with gcc and clang, and does not need <tare/tare.h>. It is not
 * changed by TARE_DISABLE, which is about timers: these may stand inside the benchmarked code, and are shown.
 */
#ifndef TARE_BENCH_H
#define TARE_BENCH_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
#include <exception>
#ifdef __GLIBCXX__
#include <cxxabi.h> /* abi::__forced_unwind */
#endif
extern "C" {
#endif

/*
 * 1. Declaring a benchmark
 * ========================
 *
 * All at file scope. `name` is an identifier, and unique in the program: a second benchmark of that name is
 * an error when the program starts. In the body `b` is a pointer to this:
 */

#define TARE_BENCH_ARGS_MAX 8

typedef struct tare_bench {
    int64_t arg[TARE_BENCH_ARGS_MAX]; /* this case's arguments; 0 behind the last */
    unsigned args;                    /* how many there are */
    unsigned thread, threads; /* TARE_BENCH_THREADS: this is number `thread` (from 0) of `threads`; 0 of 1 */
    void *tare__lane;         /* the library's */
} tare_bench;

/*
 * TARE_BENCH(name) { ... }
 *     A benchmark. The body has just one of the loops of section 2, once, and that runs to its end: a body
 *     that never gets to its loop, leaves it by break, return or goto, or begins a second one, is reported as
 *     failed. What is set up above the loop may be released below it.
 *
 * TARE_BENCH_ARGS(name, value, ...);
 *     One case of the benchmark for each value: whole numbers, constant, of 64 bits. Given more than once,
 *     the first makes b->arg[0], the second b->arg[1] and so on, and there is a case for each combination.
 *
 * TARE_BENCH_CASE(name, value, ...);
 *     One case more, with these values as its arguments, where combinations would be too many.
 *
 * TARE_BENCH_THREADS(name, count, ...);
 *     Every case once with each number of threads, 1 to 1024. Each thread runs the body with a `b` of its
 *     own. They begin the loop together, after the last of them has set up, and pass its end together. Each
 *     runs the same number of iterations. The time is what an iteration takes on one thread while the others
 *     do the same: the mean over threads of their own time from the common start; what tare_bytes() and
 *     tare_items() say counts for each thread.
 *
 * TARE_BENCH_MAIN();
 *     main(), in one file. A program with a main() of its own calls tare_bench_main() instead.
 *
 * These stand behind TARE_BENCH in the same file. A case is called name/arguments/threads:count, `copy/64/8`,
 * `take/threads:4`, in at most 255 bytes. A program has at most 4096.
 */
#define TARE_BENCH(name) TARE__BENCH(name, __COUNTER__)
#define TARE_BENCH_ARGS(name, ...) TARE__BENCH_MORE(name, TARE__BENCH_IS_ARGS, __COUNTER__, __VA_ARGS__)
#define TARE_BENCH_CASE(name, ...) TARE__BENCH_MORE(name, TARE__BENCH_IS_CASE, __COUNTER__, __VA_ARGS__)
#define TARE_BENCH_THREADS(name, ...) TARE__BENCH_MORE(name, TARE__BENCH_IS_THREADS, __COUNTER__, __VA_ARGS__)
#define TARE_BENCH_MAIN()                                                                                      \
    int main(int argc, char **argv)                                                                            \
    {                                                                                                          \
        return tare_bench_main(argc, argv);                                                                    \
    }                                                                                                          \
    TARE__BENCH_NOTHING_MORE

/*
 * Reads options from argv (`--help` lists them), runs the program's benchmarks, prints a table to standard
 * output and what is wrong to standard error. Returns the exit code: 0, 1 if a benchmark failed, 2 for a
 * usage error or output that cannot be written. Under `tare bench` it does what that says, and prints
 * nothing. Not to be called by two threads, nor from a benchmark.
 */
int tare_bench_main(int argc, char **argv);

/*
 * 2. The loop
 * ===========
 *
 * TARE_EACH(b) statement
 *     Runs the statement once for each iteration, as often as the library says. The loop itself is a
 *     decrement and a branch.
 *
 * TARE_EACH_WITH(b, setup) statement
 *     Runs `setup`, a statement or several, before each iteration, and does not count its time. What it
 *     declares is not seen by the statement: declare variables above. For this the clock is read twice in
 *     each iteration, which takes some 50 ns of wall time, subtracted as well, and orders what `setup` and
 *     the statement do: they do not overlap as they may in a program. For statements under some 20 ns, prefer
 *     a set-up above TARE_EACH that lasts for many iterations.
 *
 * TARE_EACH_BATCH(b, n) statement
 *     For a loop that is not C's: the statement does `n` iterations by itself, `n` being a uint64_t that is declared
 *     here, and is executed once or some times for each sample. What is subtracted is a loop in C: where the other one
 *     takes more, subtract an empty one of its own.
 *
 * `continue` goes to the next iteration. The first iteration of a process is timed alone, as it finds caches,
 * predictors and pages as no later one does. In C++, an exception that leaves the body is a failure of that
 * benchmark.
 */
#define TARE_EACH(b)                                                                                           \
    for (uint64_t tare__left = tare__each(b);                                                                  \
         __builtin_expect(tare__left != 0, 1) || (tare__left = tare__more(b)) != 0;                            \
         tare__left = tare__down(tare__left))

#define TARE_EACH_BATCH(b, n)                                                                                  \
    for (uint64_t n = tare__each(b); n != 0 || (n = tare__more(b)) != 0; n = 0)

#define TARE_EACH_WITH(b, ...)                                                                                 \
    for (uint64_t tare__left = tare__each_with(b);                                                             \
         __builtin_expect(tare__left != 0, 1) || (tare__left = tare__more(b)) != 0;                            \
         tare__left = tare__down(tare__left))                                                                  \
        for (int tare__once = tare__work_after(b, __extension__({                                              \
                                                   __VA_ARGS__;                                                \
                                                   1;                                                          \
                                               }));                                                            \
             tare__once != 0; tare__once = (tare__work_ended(b), 0))

/*
 * 3. What an iteration does, and whether it is right
 * ==================================================
 *
 * tare_bytes(b, n), tare_items(b, n)
 *     An iteration (of one thread) moves n bytes, does n items: from then on throughput is shown, too. To be
 *     called above or below the loop; the last call counts. n is a double; one that is not above 0 and finite
 *     says nothing.
 *
 * tare_require(condition)
 *     If it is false, the benchmark fails by name, with the condition and its place, and is not timed any
 *     further; the rest goes on. Anywhere in the body or in functions that it calls, on the threads of
 *     TARE_BENCH_THREADS, too. The body is left at once: in C by longjmp, so what was allocated is lost; in
 *     C++ by an exception of the library, so destructors run (not with -fno-exceptions). Inside the loop its
 *     own time, a compare and a branch, counts. On a thread that the benchmark made itself, or where a
 *     body in C calls a function in C++ that fails or the other way round, it ends the process, after the
 *     failure was reported. Unlike assert() it does not depend on NDEBUG.
 *
 * tare_skip(reason)
 *     The benchmark cannot be measured here, for want of a right, a device, a second processor: it is left as by
 *     tare_require(), and shown as skipped with the reason, one line of text, which is no failure. To be called
 *     before its loop.
 */
#define tare_require(condition)                                                                                \
    (__builtin_expect(!(condition), 0) ? tare__require_failed(#condition, __FILE__, __LINE__) : (void)0)

#define tare_skip(reason) tare__skip(reason, __FILE__, __LINE__)

static inline void tare_bytes(tare_bench *b, double n);
static inline void tare_items(tare_bench *b, double n);

/*
 * 4. Against the optimiser
 * ========================
 *
 * tare_keep(value)
 *     The value, of any type, is computed, and all memory that it could point to is as the program says: work
 *     that it depends on is not dropped. It does not keep the compiler from moving work out of the loop that
 *     does not change from iteration to iteration: see tare_forget().
 *
 * tare_forget(variable)
 *     The compiler knows no longer what the variable holds, which stays as it is: what is computed from it is
 *     computed again. For inputs.
 *
 * tare_clobber()
 *     All memory that others could see is written now, and may have changed: stores before it are not dropped.
 *
 * None of them makes an instruction, but for what it takes to have the value.
 */
#define tare_clobber() __asm__ volatile("" : : : "memory")
#define tare_forget(variable)                                                                                  \
    tare__opaque((void *)(uintptr_t) & (variable), sizeof(variable), __builtin_classify_type(variable))
#ifndef __cplusplus /* there it is a template */
#define tare_keep(...)                                                                                         \
    do {                                                                                                       \
        __extension__ __auto_type tare__kept = (__VA_ARGS__);                                                  \
        tare__opaque((void *)(uintptr_t)&tare__kept, sizeof(tare__kept), __builtin_classify_type(tare__kept)); \
    } while (0)
#endif

/*
 * 5. Behind the macros
 * ====================
 */

/* Bumped when what the macros leave in a program changes its layout or meaning. */
#define TARE__BENCH_ABI 1u

#define TARE__BENCH_INLINE static inline __attribute__((unused, always_inline))

/* Against a linker that collects what only its section's bounds refer to (lld with --gc-sections). */
#define TARE__BENCH_RETAIN
#ifdef __has_attribute
#if __has_attribute(retain)
#undef TARE__BENCH_RETAIN
#define TARE__BENCH_RETAIN __attribute__((retain))
#endif
#endif

enum { TARE__BENCH_IS_BENCH, TARE__BENCH_IS_ARGS, TARE__BENCH_IS_CASE, TARE__BENCH_IS_THREADS };

enum { TARE__BENCH_JUMPS, TARE__BENCH_THROWS };

struct tare__bench {
    const char *name;
    const char *file;
    uint32_t line;
    void (*body)(tare_bench *b);
    void (*nothing)(tare_bench *b); /* an empty loop, compiled as the benchmark is */
    int leaves;                     /* how a failure leaves the body */
};

/* The section tare_benches has pointers to these; in which order, compilers and linkers do not promise. */
struct tare__bench_entry {
    uint32_t abi;
    uint32_t kind;
    uint32_t order; /* within the file */
    uint32_t line;
    const struct tare__bench *bench;
    const int64_t *values;
    size_t count;
};

/* Each returns the number of iterations up to the next call; 0: the loop ends. errno is left alone. */
uint64_t tare__each(tare_bench *b);
uint64_t tare__each_with(tare_bench *b);
uint64_t tare__more(tare_bench *b);
void tare__work_begins(tare_bench *b);
void tare__work_ended(tare_bench *b);
void tare__per_iteration(tare_bench *b, int items, double n);
/*
 * Notes the failure, without file of what ended the body: an exception, or in C what went wrong, in words.
 * Returns only on a thread of the benchmark whose body is left as this place leaves it; else the process ends,
 * after the failure was reported.
 */
void tare__bench_failed(const char *what, const char *file, unsigned line, int leaves);
void tare__bench_skipped(const char *reason, int leaves); /* the same for tare_skip() */
__attribute__((noreturn)) void tare__bench_leave(void);

/* The barrier keeps the loop as it is: neither unrolled nor made into another. */
TARE__BENCH_INLINE uint64_t tare__down(uint64_t left)
{
    __asm__ volatile("" : "+r"(left));
    return left - 1;
}

/* Its argument is what the set-up left: that is over when this begins. */
TARE__BENCH_INLINE int tare__work_after(tare_bench *b, int one)
{
    tare__work_begins(b);
    return one;
}

TARE__BENCH_INLINE void tare_bytes(tare_bench *b, double n)
{
    tare__per_iteration(b, 0, n);
}

TARE__BENCH_INLINE void tare_items(tare_bench *b, double n)
{
    tare__per_iteration(b, 1, n);
}

enum { TARE__CLASS_REAL = 8 }; /* real_type_class of __builtin_classify_type() */
#if defined(__x86_64__)
#define TARE__REAL "x" /* the constraint of a register that holds a float or double */
#elif defined(__aarch64__)
#define TARE__REAL "w"
#else
#define TARE__REAL "m"
#endif

/*
 * What the object holds, and all memory, may be read and changed behind this. It is handed over in a register
 * where it fits one: optimised, no instruction is left of the copies. One constraint for each case, since
 * compilers choose badly between several (clang 14 takes memory). Size and class are constants.
 */
#define TARE__OPAQUE(type, constraint)                                                                         \
    {                                                                                                          \
        type tare__value;                                                                                      \
        __builtin_memcpy(&tare__value, object, sizeof(tare__value));                                           \
        __asm__ volatile("" : "+" constraint(tare__value) : : "memory");                                       \
        __builtin_memcpy(object, &tare__value, sizeof(tare__value));                                           \
    }
TARE__BENCH_INLINE void tare__opaque(void *object, size_t size, int type_class)
{
    if (type_class == TARE__CLASS_REAL && size == sizeof(double)) {
        TARE__OPAQUE(double, TARE__REAL)
    } else if (type_class == TARE__CLASS_REAL && size == sizeof(float)) {
        TARE__OPAQUE(float, TARE__REAL)
    } else if (size == sizeof(uint64_t) && sizeof(void *) == sizeof(uint64_t)) {
        TARE__OPAQUE(uint64_t, "r")
    } else if (size == sizeof(uint32_t)) {
        TARE__OPAQUE(uint32_t, "r")
    } else if (size == sizeof(uint16_t)) {
        TARE__OPAQUE(uint16_t, "r")
    } else if (size == sizeof(uint8_t)) {
        TARE__OPAQUE(uint8_t, "r")
    } else {
        __asm__ volatile("" : : "r"(object) : "memory");
    }
}

static __attribute__((unused)) void tare__bench_nothing(tare_bench *b)
{
    TARE_EACH(b)
    {
    }
}

#ifdef __cplusplus
} /* extern "C" */

template <class T> __attribute__((always_inline)) inline void tare_keep(const T &value)
{
    if constexpr (__is_trivially_copyable(T) && sizeof(T) <= sizeof(uint64_t)) {
        unsigned char copy[sizeof(T)];
        __builtin_memcpy(copy, __builtin_addressof(value), sizeof(T));
        tare__opaque(copy, sizeof(T), __builtin_classify_type(value));
    } else {
        __asm__ volatile("" : : "r"(__builtin_addressof(value)) : "memory");
    }
}

/* A volatile object is read as such, if it is one value; else it is as the program says, as others are. */
template <class T> constexpr bool tare__is_value = !__is_class(T) && !__is_union(T);
template <class T, size_t n> constexpr bool tare__is_value<T[n]> = false;
template <class T> __attribute__((always_inline)) inline void tare_keep(const volatile T &value)
{
    if constexpr (tare__is_value<T>) {
        const T copy = value;
        tare_keep(copy);
    } else {
        __asm__ volatile("" : : "r"(__builtin_addressof(value)) : "memory");
    }
}

#if defined(__cpp_exceptions) || defined(__EXCEPTIONS)
struct tare__bench_left { /* what leaves a body after its failure was noted */
};
#define TARE__BENCH_LEAVE() throw tare__bench_left()
#define TARE__BENCH_LEAVES TARE__BENCH_THROWS
/* What forces a thread's end is no object that a reference could be bound to, which a sanitizer holds against us. */
template <void (*body)(tare_bench *)>
__attribute__((no_sanitize("undefined"))) void tare__bench_run(tare_bench *b)
{
    try {
        body(b);
    } catch (const tare__bench_left &) {
#ifdef __GLIBCXX__
    } catch (const abi::__forced_unwind &) { /* pthread_exit() or a cancellation, which must go on */
        throw;
#endif
    } catch (const std::exception &exception) {
        tare__bench_failed(exception.what(), nullptr, 0, TARE__BENCH_THROWS);
    } catch (...) {
        tare__bench_failed("an exception that is no std::exception", nullptr, 0, TARE__BENCH_THROWS);
    }
}
#define TARE__BENCH_BODY(name) tare__bench_run<tare__body_of_##name>
#endif
#define TARE__BENCH_NOTHING_MORE static_assert(true, "")
#else
#define TARE__BENCH_NOTHING_MORE _Static_assert(1, "")
#endif

#ifndef TARE__BENCH_BODY
#define TARE__BENCH_LEAVE() tare__bench_leave()
#define TARE__BENCH_LEAVES TARE__BENCH_JUMPS
#define TARE__BENCH_BODY(name) tare__body_of_##name
#endif

__attribute__((unused)) static inline void tare__require_failed(const char *condition, const char *file,
                                                                unsigned line)
{
    tare__bench_failed(condition, file, line, TARE__BENCH_LEAVES);
    TARE__BENCH_LEAVE();
}

__attribute__((unused)) static inline void tare__skip(const char *reason, const char *file, unsigned line)
{
    (void)file;
    (void)line;
    tare__bench_skipped(reason, TARE__BENCH_LEAVES);
    TARE__BENCH_LEAVE();
}

#define TARE__BENCH(name, number)                                                                              \
    static void tare__body_of_##name(tare_bench *b);                                                           \
    static const struct tare__bench tare__bench_of_##name = {                                                  \
        #name, __FILE__, __LINE__, TARE__BENCH_BODY(name), tare__bench_nothing, TARE__BENCH_LEAVES};           \
    TARE__BENCH_ENTRY(name, TARE__BENCH_IS_BENCH, number, 0, 0);                                               \
    static void tare__body_of_##name(__attribute__((unused)) tare_bench *b)

#define TARE__BENCH_MORE(name, kind, number, ...) TARE__BENCH_VALUES(name, kind, number, __VA_ARGS__)
#define TARE__BENCH_VALUES(name, kind, number, ...)                                                            \
    TARE__BENCH_LIST(number, __VA_ARGS__);                                                                     \
    TARE__BENCH_ENTRY(name, kind, number, tare__bench_values_##number,                                         \
                      sizeof(tare__bench_values_##number) / sizeof(int64_t))
#define TARE__BENCH_LIST(number, ...) static const int64_t tare__bench_values_##number[] = {__VA_ARGS__}
#define TARE__BENCH_ENTRY(name, kind, number, values, count)                                                   \
    static const struct tare__bench_entry tare__bench_entry_##number = {                                       \
        TARE__BENCH_ABI, kind, number, __LINE__, &tare__bench_of_##name, values, count};                       \
    __attribute__((used, section("tare_benches")))                                                             \
    TARE__BENCH_RETAIN static const struct tare__bench_entry *tare__bench_place_##number =                     \
        &tare__bench_entry_##number

#endif /* TARE_BENCH_H */
