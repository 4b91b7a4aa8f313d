/* SPDX-License-Identifier: MIT */
/*
 * benchlib: a C library that exists to be called from elsewhere. Its functions do as little as they can, so that what is
 * measured is the way to them; each is what a kind of real interface looks like. Every binding of the suite `ffi` offers all
 * of them, and gives the same results (vectors.txt). All are reentrant, and leave errno alone but where there is no memory; what
 * is allocated is freed by bl_free().
 *
 * In each function there is a timer benchlib::NAME, disabled unless it is asked for: the C side of a call.
 */
#ifndef BENCHLIB_H
#define BENCHLIB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define BL_API __attribute__((visibility("default")))

/* Nothing, and one value of each kind. */
BL_API void bl_noop(void);
BL_API int32_t bl_return_int(void);   /* 42 */
BL_API int64_t bl_return_int64(void); /* 2^40 + 7 */
BL_API bool bl_return_bool(void);     /* true */
BL_API double bl_return_double(void); /* 2.5 */

/* Arithmetic; integers wrap. */
BL_API int32_t bl_add_i32(int32_t a, int32_t b);
BL_API int64_t bl_add_i64(int64_t a, int64_t b);
BL_API uint32_t bl_add_u32(uint32_t a, uint32_t b);
BL_API uint64_t bl_add_u64(uint64_t a, uint64_t b);
BL_API float bl_add_f32(float a, float b);
BL_API double bl_add_f64(double a, double b);
BL_API double bl_mul_f64(double a, double b);
BL_API int32_t bl_mul_i32(int32_t a, int32_t b);
BL_API int64_t bl_mul_i64(int64_t a, int64_t b);
BL_API bool bl_add_i32_checked(int32_t a, int32_t b,
                               int32_t *sum); /* false: it overflows, *sum is left alone */
BL_API bool bl_add_i64_checked(int64_t a, int64_t b, int64_t *sum);

/* Logic. */
BL_API bool bl_and(bool a, bool b);
BL_API bool bl_not(bool a);
BL_API uint64_t bl_xor_u64(uint64_t a, uint64_t b);

/* Strings: NUL-terminated UTF-8, but for the last. */
BL_API size_t bl_str_length(const char *text); /* bytes */
BL_API size_t
bl_str_length_utf8(const char *text); /* code points; of what is not UTF-8: bytes that begin one */
BL_API const char *bl_str_identity(const char *text);
BL_API char *bl_str_concat(const char *a, const char *b);            /* to be freed; NULL without memory */
BL_API size_t bl_bytes_count_nul(const uint8_t *bytes, size_t size); /* bytes that are 0 */

/* Arrays. */
BL_API double bl_array_sum(const double *values, size_t n);
BL_API void bl_array_scale(double *values, size_t n, double by); /* in place */
BL_API double bl_array_sum_strided(const double *values, size_t n,
                                   size_t stride); /* values[0], [stride] ...: n of them */
BL_API void bl_array_fill_i32(int32_t *values, size_t n, int32_t with);

/* Structs: 16 bytes by value, by pointer, 112 bytes by pointer, 128 bytes returned. */
struct bl_point {
    double x, y;
};
struct bl_record { /* 112 bytes */
    int64_t id;
    double values[8];
    int32_t counts[6];
    char name[16]; /* NUL-terminated */
};
struct bl_block {
    uint64_t words[16];
};
BL_API struct bl_point bl_point_add(struct bl_point a, struct bl_point b);
BL_API double bl_point_norm2(const struct bl_point *point);  /* x * x + y * y */
BL_API double bl_record_sum(const struct bl_record *record); /* id + values + counts + length of name */
BL_API struct bl_block bl_block_make(uint64_t seed);         /* words[i] = seed + i */

/* Callbacks. */
BL_API int32_t bl_callback_once(int32_t (*f)(int32_t), int32_t x); /* f(x) */
BL_API size_t bl_callback_iterate(bool (*f)(size_t i, void *user), size_t n,
                                  void *user); /* calls until f says false or n were; how many */
BL_API void bl_callback_transform(double *values, size_t n, double (*f)(double)); /* in place */

/* Memory. */
BL_API void *bl_alloc(size_t size); /* NULL without memory */
BL_API void *bl_alloc_aligned(size_t alignment, size_t size);
BL_API void bl_free(void *memory);

/* Compute; matrices are n x n, by rows. */
BL_API void bl_matmul(const double *a, const double *b, double *c, size_t n);
BL_API double bl_dot(const double *a, const double *b, size_t n);
BL_API void bl_vector_add(const double *a, const double *b, double *c, size_t n);
BL_API double bl_norm(const double *a, size_t n);
BL_API double bl_pairs(const double *a, size_t n); /* sum over all pairs of |a[i] - a[j]|: O(n^2) */

/* Many arguments. */
BL_API int64_t bl_args_8i(int32_t a, int32_t b, int32_t c, int32_t d, int32_t e, int32_t f, int32_t g,
                          int32_t h); /* sum */
BL_API double bl_args_12mixed(int32_t a, double b, int32_t c, double d, int32_t e, double f, int32_t g,
                              double h, int32_t i, double j, int32_t k, double l); /* sum */

/* 100 targets: bl_target_00(x) is x + 0, bl_target_99(x) is x + 99; and by number (-1: there is no such target). */
BL_API int32_t bl_target(int32_t number, int32_t x);
#define BL_TARGETS(X)                                                                                          \
    BL_TARGETS_10(X, 0)                                                                                        \
    BL_TARGETS_10(X, 1)                                                                                        \
    BL_TARGETS_10(X, 2)                                                                                        \
    BL_TARGETS_10(X, 3)                                                                                        \
    BL_TARGETS_10(X, 4)                                                                                        \
    BL_TARGETS_10(X, 5)                                                                                        \
    BL_TARGETS_10(X, 6)                                                                                        \
    BL_TARGETS_10(X, 7)                                                                                        \
    BL_TARGETS_10(X, 8)                                                                                        \
    BL_TARGETS_10(X, 9)
#define BL_TARGETS_10(X, ten)                                                                                  \
    X(ten, 0) X(ten, 1) X(ten, 2) X(ten, 3) X(ten, 4) X(ten, 5) X(ten, 6) X(ten, 7) X(ten, 8) X(ten, 9)
#define BL_DECLARE_TARGET(ten, one) BL_API int32_t bl_target_##ten##one(int32_t x);
BL_TARGETS(BL_DECLARE_TARGET)
#undef BL_DECLARE_TARGET

#ifdef __cplusplus
}
#endif

#endif
