/* SPDX-License-Identifier: MIT */
/*
 * The sides in C are one source, compiled four times: CALL(NAME) is benchlib's function bl_NAME, in the program itself or in
 * the library, with or without a PLT, or, with SIDE_DLOPEN, the pointer that dlsym() gave for it.
 */
#ifndef TARE_SUITES_FFI_C_SIDE_H
#define TARE_SUITES_FFI_C_SIDE_H

#include "suites/ffi/benchlib.h"

/* All functions but the 100 targets. */
#define SIDE_FUNCTIONS(X)                                                                                      \
    X(noop)                                                                                                    \
    X(return_int)                                                                                              \
    X(return_int64)                                                                                            \
    X(return_bool)                                                                                             \
    X(return_double) X(add_i32) X(add_i64) X(add_u32) X(add_u64) X(add_f32) X(add_f64) X(mul_f64) X(mul_i32)   \
        X(mul_i64) X(add_i32_checked) X(add_i64_checked) X(and) X(not ) X(xor_u64) X(str_length)               \
            X(str_length_utf8) X(str_identity) X(str_concat) X(bytes_count_nul) X(array_sum) X(array_scale)    \
                X(array_sum_strided) X(array_fill_i32) X(point_add) X(point_norm2) X(record_sum) X(block_make) \
                    X(callback_once) X(callback_iterate) X(callback_transform) X(alloc) X(alloc_aligned)       \
                        X(free) X(matmul) X(dot) X(vector_add) X(norm) X(pairs) X(args_8i) X(args_12mixed)     \
                            X(target)

#ifdef SIDE_DLOPEN
#define SIDE_DECLARE(name) extern __typeof__(bl_##name) *side_##name;
#define SIDE_DECLARE_TARGET(ten, one) SIDE_DECLARE(target_##ten##one)
SIDE_FUNCTIONS(SIDE_DECLARE)
BL_TARGETS(SIDE_DECLARE_TARGET)
#define CALL(name) side_##name
#else
#define CALL(name) bl_##name
#endif

/* The 100 targets by number; of the linked sides constant, else filled at start. */
typedef int32_t side_numbered(int32_t x);
extern side_numbered *side_targets[100];

/* What C calls back, here and in c_check.c: README.md says what each does. */
struct side_iteration {
    size_t stop, sum;
};
int32_t side_plus_one(int32_t x);
bool side_until(size_t i, void *user); /* a struct side_iteration */
double side_minus(double x);

/* The jobs `check` and `verify`: the exit code. */
int side_check(void);
int side_verify(const char *vectors);

#endif
