/* SPDX-License-Identifier: MIT */
/*
 * Benchmarks of the sides in C: plain values, callbacks, memory, dispatch. README.md has what each does. Whether the result is
 * right, is looked at behind the loop, so that its first iteration is the process's first call.
 */
#include <stdint.h>

#include <tare/bench.h>

#include "suites/ffi/c_side.h"

TARE_BENCH(noop)
{
    TARE_EACH(b) CALL(noop)();
}

TARE_BENCH(return_int)
{
    TARE_EACH(b) tare_keep(CALL(return_int)());
    tare_require(CALL(return_int)() == 42);
}

TARE_BENCH(return_int64)
{
    TARE_EACH(b) tare_keep(CALL(return_int64)());
    tare_require(CALL(return_int64)() == (INT64_C(1) << 40) + 7);
}

TARE_BENCH(return_bool)
{
    TARE_EACH(b) tare_keep(CALL(return_bool)());
    tare_require(CALL(return_bool)());
}

TARE_BENCH(return_double)
{
    TARE_EACH(b) tare_keep(CALL(return_double)());
    tare_require(CALL(return_double)() == 2.5);
}

TARE_BENCH(add_i32)
{
    TARE_EACH(b) tare_keep(CALL(add_i32)(40, 2));
    tare_require(CALL(add_i32)(40, 2) == 42);
}

TARE_BENCH(add_i64)
{
    const int64_t large = INT64_C(1) << 40;
    TARE_EACH(b) tare_keep(CALL(add_i64)(large, 2));
    tare_require(CALL(add_i64)(large, 2) == large + 2);
}

TARE_BENCH(add_u32)
{
    TARE_EACH(b) tare_keep(CALL(add_u32)(UINT32_MAX, 2));
    tare_require(CALL(add_u32)(UINT32_MAX, 2) == 1);
}

TARE_BENCH(add_u64)
{
    const uint64_t large = UINT64_C(1) << 63;
    TARE_EACH(b) tare_keep(CALL(add_u64)(large, 2));
    tare_require(CALL(add_u64)(large, 2) == large + 2);
}

TARE_BENCH(add_f32)
{
    TARE_EACH(b) tare_keep(CALL(add_f32)(1.5F, 2.25F));
    tare_require(CALL(add_f32)(1.5F, 2.25F) == 3.75F);
}

TARE_BENCH(add_f64)
{
    TARE_EACH(b) tare_keep(CALL(add_f64)(1.5, 2.25));
    tare_require(CALL(add_f64)(1.5, 2.25) == 3.75);
}

TARE_BENCH(mul_f64)
{
    TARE_EACH(b) tare_keep(CALL(mul_f64)(1.5, 2.25));
    tare_require(CALL(mul_f64)(1.5, 2.25) == 3.375);
}

TARE_BENCH(mul_i32)
{
    TARE_EACH(b) tare_keep(CALL(mul_i32)(65537, 65537));
    tare_require(CALL(mul_i32)(65537, 65537) == 131073);
}

TARE_BENCH(mul_i64)
{
    const int64_t large = INT64_C(1) << 40;
    TARE_EACH(b) tare_keep(CALL(mul_i64)(large, 3));
    tare_require(CALL(mul_i64)(large, 3) == 3 * large);
}

TARE_BENCH(add_i32_checked)
{
    int32_t sum = 0;
    TARE_EACH(b)
    {
        tare_keep(CALL(add_i32_checked)(40, 2, &sum));
        tare_keep(sum);
    }
    tare_require(CALL(add_i32_checked)(40, 2, &sum) && sum == 42);
}

TARE_BENCH(add_i64_checked)
{
    const int64_t large = INT64_C(1) << 40;
    int64_t sum = 0;
    TARE_EACH(b)
    {
        tare_keep(CALL(add_i64_checked)(large, 2, &sum));
        tare_keep(sum);
    }
    tare_require(CALL(add_i64_checked)(large, 2, &sum) && sum == large + 2);
}

TARE_BENCH(and)
{
    tare_require(!CALL(and)(true, false));
    TARE_EACH(b) tare_keep(CALL(and)(true, false));
}

TARE_BENCH(not )
{
    tare_require(!CALL(not )(true));
    TARE_EACH(b) tare_keep(CALL(not )(true));
}

TARE_BENCH(xor_u64)
{
    const uint64_t large = UINT64_C(1) << 63;
    TARE_EACH(b) tare_keep(CALL(xor_u64)(large + 1, 1));
    tare_require(CALL(xor_u64)(large + 1, 1) == large);
}

TARE_BENCH(args_8i)
{
    TARE_EACH(b) tare_keep(CALL(args_8i)(1, 2, 3, 4, 5, 6, 7, 8));
    tare_require(CALL(args_8i)(1, 2, 3, 4, 5, 6, 7, 8) == 36);
}

TARE_BENCH(args_12mixed)
{
    TARE_EACH(b) tare_keep(CALL(args_12mixed)(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12));
    tare_require(CALL(args_12mixed)(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12) == 78);
}

TARE_BENCH(callback_once)
{
    TARE_EACH(b) tare_keep(CALL(callback_once)(side_plus_one, 41));
    tare_require(CALL(callback_once)(side_plus_one, 41) == 42);
}

TARE_BENCH(callback_iterate)
{
    size_t n = (size_t)b->arg[0];
    struct side_iteration iteration = {.stop = 0};
    TARE_EACH(b) tare_keep(CALL(callback_iterate)(side_until, n, &iteration));
    iteration.sum = 0;
    tare_require(CALL(callback_iterate)(side_until, n, &iteration) == n && iteration.sum == n * (n - 1) / 2);
}
TARE_BENCH_ARGS(callback_iterate, 100);

TARE_BENCH(callback_iterate_stop)
{
    size_t n = (size_t)b->arg[0];
    struct side_iteration iteration = {.stop = 10};
    TARE_EACH(b) tare_keep(CALL(callback_iterate)(side_until, n, &iteration));
    iteration.sum = 0;
    tare_require(CALL(callback_iterate)(side_until, n, &iteration) == 10 && iteration.sum == 45);
}
TARE_BENCH_ARGS(callback_iterate_stop, 100);

TARE_BENCH(alloc_free)
{
    size_t n = (size_t)b->arg[0];
    TARE_EACH(b)
    {
        void *memory = CALL(alloc)(n);
        tare_keep(memory);
        CALL(free)(memory);
    }
    void *memory = CALL(alloc)(n);
    tare_require(memory != NULL);
    CALL(free)(memory);
}
TARE_BENCH_ARGS(alloc_free, 64, 65536);

TARE_BENCH(alloc_aligned_free)
{
    size_t n = (size_t)b->arg[0];
    TARE_EACH(b)
    {
        void *memory = CALL(alloc_aligned)(n, 4096);
        tare_keep(memory);
        CALL(free)(memory);
    }
    void *memory = CALL(alloc_aligned)(n, 4096);
    tare_require(memory != NULL && (uintptr_t)memory % n == 0);
    CALL(free)(memory);
}
TARE_BENCH_ARGS(alloc_aligned_free, 64);

/* All numbers below 100, each as often as each other, and none where a predictor by neighbours expects it. */
static inline int32_t next(int32_t k)
{
    k += 37;
    return k >= 100 ? k - 100 : k;
}

TARE_BENCH(target)
{
    int32_t k = 0;
    TARE_EACH(b)
    {
        tare_keep(CALL(target)(k, 1));
        k = next(k);
    }
    for (k = 0; k < 100; k++) {
        tare_require(CALL(target)(k, 1) == k + 1);
    }
}

TARE_BENCH(dispatch_dict)
{
    int32_t k = 0;
    TARE_EACH(b)
    {
        tare_keep(side_targets[k](1));
        k = next(k);
    }
    for (k = 0; k < 100; k++) {
        tare_require(side_targets[k](1) == k + 1);
    }
}

/* Optimised, compilers make a table of jumps of this. */
static inline int32_t by_chain(int32_t k, int32_t x)
{
#define BRANCH(ten, one)                                                                                       \
    if (k == 10 * (ten) + (one)) {                                                                             \
        return CALL(target_##ten##one)(x);                                                                     \
    }
    BL_TARGETS(BRANCH)
    return -1;
}

TARE_BENCH(dispatch_ifelse)
{
    int32_t k = 0;
    TARE_EACH(b)
    {
        tare_keep(by_chain(k, 1));
        k = next(k);
    }
    for (k = 0; k < 100; k++) {
        tare_require(by_chain(k, 1) == k + 1);
    }
}
