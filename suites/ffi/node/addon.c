/* SPDX-License-Identifier: MIT */
/*
 * benchlib for Node.js: an addon by N-API, as an author of a binding would write it. Numbers of 64 bits are BigInts; doubles,
 * bytes and structs lie in typed arrays, whose memory C is given, and text in a Buffer with a NUL behind it; the functions
 * called _copied and _list convert for each call. What comes from JavaScript is checked before C sees it. Functions that
 * benchlib does not have are for the side itself: a clock, the processor, and looking at memory.
 */
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "suites/ffi/benchlib.h"
#include "suites/ffi/node/convert.h"

#define FUNCTION(name) static napi_value name(napi_env env, napi_callback_info info)

#define NONE(name, make)                                                                                       \
    FUNCTION(name)                                                                                             \
    {                                                                                                          \
        (void)info;                                                                                            \
        return make(env, bl_##name());                                                                         \
    }
#define ONE(name, type, to, make)                                                                              \
    FUNCTION(name)                                                                                             \
    {                                                                                                          \
        type x;                                                                                                \
        ARGS(1);                                                                                               \
        TRY(to(env, a[0], &x));                                                                                \
        return make(env, bl_##name(x));                                                                        \
    }
#define TWO(name, type, to, make)                                                                              \
    FUNCTION(name)                                                                                             \
    {                                                                                                          \
        type x, y;                                                                                             \
        ARGS(2);                                                                                               \
        TRY(to(env, a[0], &x));                                                                                \
        TRY(to(env, a[1], &y));                                                                                \
        return make(env, bl_##name(x, y));                                                                     \
    }

FUNCTION(noop)
{
    (void)env;
    (void)info;
    bl_noop();
    return NULL;
}

NONE(return_int, of_i32)
NONE(return_int64, of_i64)
NONE(return_bool, of_bool)
NONE(return_double, of_f64)
TWO(add_i32, int32_t, to_i32, of_i32)
TWO(add_i64, int64_t, to_i64, of_i64)
TWO(add_u32, uint32_t, to_u32, of_u32)
TWO(add_u64, uint64_t, to_u64, of_u64)
TWO(add_f32, float, to_f32, of_f64)
TWO(add_f64, double, to_f64, of_f64)
TWO(mul_f64, double, to_f64, of_f64)
TWO(mul_i32, int32_t, to_i32, of_i32)
TWO(mul_i64, int64_t, to_i64, of_i64)
TWO(and, bool, to_bool, of_bool)
ONE(not, bool, to_bool, of_bool)
TWO(xor_u64, uint64_t, to_u64, of_u64)
TWO(target, int32_t, to_i32, of_i32)
ONE(str_length, const char *, to_text, of_size)
ONE(str_length_utf8, const char *, to_text, of_size)

/* The sum, or undefined where it overflows. */
FUNCTION(add_i32_checked)
{
    int32_t x, y, sum;
    ARGS(2);
    TRY(to_i32(env, a[0], &x));
    TRY(to_i32(env, a[1], &y));
    return bl_add_i32_checked(x, y, &sum) ? of_i32(env, sum) : NULL;
}

FUNCTION(add_i64_checked)
{
    int64_t x, y, sum;
    ARGS(2);
    TRY(to_i64(env, a[0], &x));
    TRY(to_i64(env, a[1], &y));
    return bl_add_i64_checked(x, y, &sum) ? of_i64(env, sum) : NULL;
}

FUNCTION(str_length_copied)
{
    char *text;
    ARGS(1);
    TRY(to_new_text(env, a[0], &text));
    size_t length = bl_str_length(text);
    free(text);
    return of_size(env, length);
}

FUNCTION(str_length_utf8_copied)
{
    char *text;
    ARGS(1);
    TRY(to_new_text(env, a[0], &text));
    size_t length = bl_str_length_utf8(text);
    free(text);
    return of_size(env, length);
}

/* The Buffer that was given: the pointer is into it. */
FUNCTION(str_identity)
{
    const char *text;
    ARGS(1);
    TRY(to_text(env, a[0], &text));
    return bl_str_identity(text) == text ? a[0] : NULL;
}

FUNCTION(str_identity_copied)
{
    char *text;
    napi_value made = NULL;
    ARGS(1);
    TRY(to_new_text(env, a[0], &text));
    napi_create_string_utf8(env, bl_str_identity(text), NAPI_AUTO_LENGTH, &made);
    free(text);
    return made;
}

FUNCTION(str_concat)
{
    const char *x, *y;
    napi_value made = NULL;
    ARGS(2);
    TRY(to_text(env, a[0], &x));
    TRY(to_text(env, a[1], &y));
    char *both = bl_str_concat(x, y);
    if (both != NULL) {
        napi_create_string_utf8(env, both, NAPI_AUTO_LENGTH, &made);
    }
    bl_free(both);
    return made;
}

FUNCTION(bytes_count_nul)
{
    void *data;
    size_t size;
    ARGS(1);
    TRY(napi_get_buffer_info(env, a[0], &data, &size));
    return of_size(env, bl_bytes_count_nul(data, size));
}

/* At least a byte, so that there is a pointer. */
static void *copy_of(const void *from, size_t size)
{
    void *copy = malloc(size > 0 ? size : 1);
    return copy == NULL || size == 0 ? copy : memcpy(copy, from, size);
}

FUNCTION(bytes_count_nul_copied)
{
    void *data;
    size_t size;
    ARGS(1);
    TRY(napi_get_buffer_info(env, a[0], &data, &size));
    uint8_t *copy = copy_of(data, size);
    size_t count = copy != NULL ? bl_bytes_count_nul(copy, size) : 0;
    free(copy);
    return of_size(env, count);
}

FUNCTION(array_sum)
{
    double *values;
    size_t n;
    ARGS(1);
    TRY(to_doubles(env, a[0], &values, &n));
    return of_f64(env, bl_array_sum(values, n));
}

#define REDUCES_COPY(name)                                                                                     \
    FUNCTION(name##_copied)                                                                                    \
    {                                                                                                          \
        double *values;                                                                                        \
        size_t n;                                                                                              \
        ARGS(1);                                                                                               \
        TRY(to_doubles(env, a[0], &values, &n));                                                               \
        double *copy = copy_of(values, n * sizeof(*values));                                                   \
        double result = copy != NULL ? bl_##name(copy, n) : 0;                                                 \
        free(copy);                                                                                            \
        return of_f64(env, result);                                                                            \
    }
REDUCES_COPY(array_sum)
REDUCES_COPY(norm)
REDUCES_COPY(pairs)

FUNCTION(array_sum_list)
{
    uint32_t n;
    ARGS(1);
    TRY(napi_get_array_length(env, a[0], &n));
    double *values = malloc(((size_t)n + 1) * sizeof(*values));
    bool fine = values != NULL;
    for (uint32_t i = 0; i < n && fine; i++) {
        napi_value element;
        fine =
            napi_get_element(env, a[0], i, &element) == napi_ok && to_f64(env, element, &values[i]) == napi_ok;
    }
    double sum = fine ? bl_array_sum(values, n) : 0;
    free(values);
    return fine ? of_f64(env, sum) : wrong(env);
}

FUNCTION(array_scale)
{
    double *values, by;
    size_t n;
    ARGS(2);
    TRY(to_doubles(env, a[0], &values, &n));
    TRY(to_f64(env, a[1], &by));
    bl_array_scale(values, n, by);
    return NULL;
}

FUNCTION(array_scale_copied)
{
    double *values, by;
    size_t n;
    ARGS(2);
    TRY(to_doubles(env, a[0], &values, &n));
    TRY(to_f64(env, a[1], &by));
    double *copy = copy_of(values, n * sizeof(*values));
    if (copy != NULL && n > 0) {
        bl_array_scale(copy, n, by);
        memcpy(values, copy, n * sizeof(*values));
    }
    free(copy);
    return NULL;
}

FUNCTION(array_sum_strided)
{
    double *values;
    size_t room, n, stride;
    ARGS(3);
    TRY(to_doubles(env, a[0], &values, &room));
    TRY(to_size(env, a[1], &n));
    TRY(to_size(env, a[2], &stride));
    if (n > room || (n > 1 && stride > (room - 1) / (n - 1))) {
        return wrong(env);
    }
    return of_f64(env, bl_array_sum_strided(values, n, stride));
}

FUNCTION(array_sum_strided_copied)
{
    double *values;
    size_t room, n, stride;
    ARGS(3);
    TRY(to_doubles(env, a[0], &values, &room));
    TRY(to_size(env, a[1], &n));
    TRY(to_size(env, a[2], &stride));
    if (n > room || (n > 1 && stride > (room - 1) / (n - 1))) {
        return wrong(env);
    }
    double *copy = copy_of(values, room * sizeof(*values));
    double sum = copy != NULL ? bl_array_sum_strided(copy, n, stride) : 0;
    free(copy);
    return of_f64(env, sum);
}

FUNCTION(array_fill_i32)
{
    void *values;
    size_t n;
    int32_t with;
    ARGS(2);
    TRY(to_array(env, a[0], napi_int32_array, &values, &n));
    TRY(to_i32(env, a[1], &with));
    bl_array_fill_i32(values, n, with);
    return NULL;
}

/* What is there is not read: it is copied back alone. */
FUNCTION(array_fill_i32_copied)
{
    void *values;
    size_t n;
    int32_t with;
    ARGS(2);
    TRY(to_array(env, a[0], napi_int32_array, &values, &n));
    TRY(to_i32(env, a[1], &with));
    int32_t *filled = malloc((n + 1) * sizeof(*filled));
    if (filled != NULL && n > 0) {
        bl_array_fill_i32(filled, n, with);
        memcpy(values, filled, n * sizeof(*filled));
    }
    free(filled);
    return NULL;
}

/* Structs by value are objects with the members' names; by pointer they lie in typed arrays. */
static napi_status to_point(napi_env env, napi_value value, struct bl_point *point)
{
    napi_value x, y;
    napi_status status = napi_get_named_property(env, value, "x", &x);
    status = status != napi_ok ? status : napi_get_named_property(env, value, "y", &y);
    status = status != napi_ok ? status : to_f64(env, x, &point->x);
    return status != napi_ok ? status : to_f64(env, y, &point->y);
}

FUNCTION(point_add)
{
    struct bl_point one, other;
    napi_value made;
    ARGS(2);
    TRY(to_point(env, a[0], &one));
    TRY(to_point(env, a[1], &other));
    struct bl_point sum = bl_point_add(one, other);
    TRY(napi_create_object(env, &made));
    TRY(napi_set_named_property(env, made, "x", of_f64(env, sum.x)));
    TRY(napi_set_named_property(env, made, "y", of_f64(env, sum.y)));
    return made;
}

FUNCTION(point_norm2)
{
    double *values;
    size_t n;
    ARGS(1);
    TRY(to_doubles(env, a[0], &values, &n));
    return n == 2 ? of_f64(env, bl_point_norm2((const struct bl_point *)values)) : wrong(env);
}

FUNCTION(point_norm2_copied)
{
    double *values;
    size_t n;
    ARGS(1);
    TRY(to_doubles(env, a[0], &values, &n));
    if (n != 2) {
        return wrong(env);
    }
    struct bl_point *copy = copy_of(values, sizeof(*copy));
    double result = copy != NULL ? bl_point_norm2(copy) : 0;
    free(copy);
    return of_f64(env, result);
}

FUNCTION(record_sum)
{
    void *data;
    size_t size;
    ARGS(1);
    TRY(to_array(env, a[0], napi_biguint64_array, &data, &size)); /* for its alignment */
    return size * 8 == sizeof(struct bl_record) ? of_f64(env, bl_record_sum(data)) : wrong(env);
}

FUNCTION(record_sum_copied)
{
    void *data;
    size_t size;
    ARGS(1);
    TRY(to_array(env, a[0], napi_biguint64_array, &data, &size));
    if (size * 8 != sizeof(struct bl_record)) {
        return wrong(env);
    }
    struct bl_record *copy = copy_of(data, sizeof(*copy));
    double sum = copy != NULL ? bl_record_sum(copy) : 0;
    free(copy);
    return of_f64(env, sum);
}

FUNCTION(block_make)
{
    uint64_t seed;
    void *data;
    napi_value buffer, made;
    ARGS(1);
    TRY(to_u64(env, a[0], &seed));
    struct bl_block block = bl_block_make(seed);
    TRY(napi_create_arraybuffer(env, sizeof(block), &data, &buffer));
    memcpy(data, &block, sizeof(block));
    TRY(napi_create_typedarray(env, napi_biguint64_array, 16, buffer, 0, &made));
    return made;
}

/* The function that is called back. Some of benchlib's have no room for a pointer to it: it is here then. */
struct callback {
    napi_env env;
    napi_value f, self;
    bool failed; /* it threw: it is not called again, and C goes on without it */
};
static struct callback *current;

static napi_status to_callback(napi_env env, napi_value value, struct callback *callback)
{
    napi_valuetype type;
    *callback = (struct callback){.env = env, .f = value};
    napi_status status = napi_typeof(env, value, &type);
    if (status != napi_ok || type != napi_function) {
        return napi_invalid_arg;
    }
    return napi_get_undefined(env, &callback->self);
}

/* Opens a scope, which the caller closes: else the handles of all calls are kept until C returns. */
static bool call_back(struct callback *callback, napi_value argument, napi_value *result)
{
    callback->failed = callback->failed || napi_call_function(callback->env, callback->self, callback->f, 1,
                                                              &argument, result) != napi_ok;
    return !callback->failed;
}

static int32_t i32_by_callback(int32_t x)
{
    napi_value result;
    int32_t value = 0;
    if (call_back(current, of_i32(current->env, x), &result)) {
        current->failed = to_i32(current->env, result, &value) != napi_ok;
    }
    return value;
}

static double f64_by_callback(double x)
{
    napi_handle_scope scope;
    napi_value result;
    double value = x;
    if (napi_open_handle_scope(current->env, &scope) != napi_ok) {
        return x;
    }
    if (call_back(current, of_f64(current->env, x), &result)) {
        current->failed = to_f64(current->env, result, &value) != napi_ok;
    }
    napi_close_handle_scope(current->env, scope);
    return value;
}

static bool bool_by_callback(size_t i, void *user)
{
    struct callback *callback = user;
    napi_handle_scope scope;
    napi_value result;
    bool value = false;
    if (napi_open_handle_scope(callback->env, &scope) != napi_ok) {
        return false;
    }
    if (call_back(callback, of_size(callback->env, i), &result)) {
        callback->failed = to_bool(callback->env, result, &value) != napi_ok;
    }
    napi_close_handle_scope(callback->env, scope);
    return value && !callback->failed;
}

FUNCTION(callback_once)
{
    struct callback callback, *outer = current;
    int32_t x;
    ARGS(2);
    TRY(to_callback(env, a[0], &callback));
    TRY(to_i32(env, a[1], &x));
    current = &callback;
    x = bl_callback_once(i32_by_callback, x);
    current = outer;
    return callback.failed ? wrong(env) : of_i32(env, x);
}

FUNCTION(callback_iterate)
{
    struct callback callback;
    size_t n;
    ARGS(2);
    TRY(to_callback(env, a[0], &callback));
    TRY(to_size(env, a[1], &n));
    n = bl_callback_iterate(bool_by_callback, n, &callback);
    return callback.failed ? wrong(env) : of_size(env, n);
}

FUNCTION(callback_transform)
{
    struct callback callback, *outer = current;
    double *values;
    size_t n;
    ARGS(2);
    TRY(to_doubles(env, a[0], &values, &n));
    TRY(to_callback(env, a[1], &callback));
    current = &callback;
    bl_callback_transform(values, n, f64_by_callback);
    current = outer;
    return callback.failed ? wrong(env) : NULL;
}

/* Memory is an external value, without a finalizer: it is the caller's to free. */
static napi_value of_memory(napi_env env, void *memory)
{
    napi_value made = NULL;
    if (memory != NULL) {
        napi_create_external(env, memory, NULL, NULL, &made);
    } else {
        napi_get_null(env, &made);
    }
    return made;
}

FUNCTION(alloc)
{
    size_t size;
    ARGS(1);
    TRY(to_size(env, a[0], &size));
    return of_memory(env, bl_alloc(size));
}

FUNCTION(alloc_aligned)
{
    size_t alignment, size;
    ARGS(2);
    TRY(to_size(env, a[0], &alignment));
    TRY(to_size(env, a[1], &size));
    return of_memory(env, bl_alloc_aligned(alignment, size));
}

FUNCTION(free_memory)
{
    void *memory;
    ARGS(1);
    TRY(napi_get_value_external(env, a[0], &memory));
    bl_free(memory);
    return NULL;
}

/* For the check: all of it can be written, and it lies where it should. */
FUNCTION(memory_is_fine)
{
    void *memory;
    size_t alignment, size;
    ARGS(3);
    TRY(napi_get_value_external(env, a[0], &memory));
    TRY(to_size(env, a[1], &alignment));
    TRY(to_size(env, a[2], &size));
    if (size > PTRDIFF_MAX) {
        return wrong(env);
    }
    memset(memory, 0xa5, size);
    bool fine = size == 0 || ((unsigned char *)memory)[size - 1] == 0xa5;
    return of_bool(env, fine && alignment > 0 && (uintptr_t)memory % alignment == 0);
}

FUNCTION(matmul)
{
    double *x, *y, *z;
    size_t x_n, y_n, z_n, n;
    ARGS(4);
    TRY(to_doubles(env, a[0], &x, &x_n));
    TRY(to_doubles(env, a[1], &y, &y_n));
    TRY(to_doubles(env, a[2], &z, &z_n));
    TRY(to_size(env, a[3], &n));
    if (n > 65536 || x_n < n * n || y_n < n * n || z_n < n * n) {
        return wrong(env);
    }
    bl_matmul(x, y, z, n);
    return NULL;
}

FUNCTION(matmul_copied)
{
    double *x, *y, *z;
    size_t x_n, y_n, z_n, n;
    ARGS(4);
    TRY(to_doubles(env, a[0], &x, &x_n));
    TRY(to_doubles(env, a[1], &y, &y_n));
    TRY(to_doubles(env, a[2], &z, &z_n));
    TRY(to_size(env, a[3], &n));
    if (n == 0 || n > 65536 || x_n < n * n || y_n < n * n || z_n < n * n) {
        return wrong(env);
    }
    size_t size = n * n * sizeof(*x);
    double *one = copy_of(x, size), *other = copy_of(y, size), *product = malloc(size);
    if (one != NULL && other != NULL && product != NULL) {
        bl_matmul(one, other, product, n);
        memcpy(z, product, size);
    }
    free(product);
    free(other);
    free(one);
    return NULL;
}

FUNCTION(dot)
{
    double *x, *y;
    size_t x_n, y_n;
    ARGS(2);
    TRY(to_doubles(env, a[0], &x, &x_n));
    TRY(to_doubles(env, a[1], &y, &y_n));
    return x_n == y_n ? of_f64(env, bl_dot(x, y, x_n)) : wrong(env);
}

FUNCTION(dot_copied)
{
    double *x, *y;
    size_t x_n, y_n;
    ARGS(2);
    TRY(to_doubles(env, a[0], &x, &x_n));
    TRY(to_doubles(env, a[1], &y, &y_n));
    if (x_n != y_n) {
        return wrong(env);
    }
    double *one = copy_of(x, x_n * sizeof(*x)), *other = copy_of(y, y_n * sizeof(*y));
    double product = one != NULL && other != NULL ? bl_dot(one, other, x_n) : 0;
    free(other);
    free(one);
    return of_f64(env, product);
}

FUNCTION(vector_add)
{
    double *x, *y, *z;
    size_t x_n, y_n, z_n;
    ARGS(3);
    TRY(to_doubles(env, a[0], &x, &x_n));
    TRY(to_doubles(env, a[1], &y, &y_n));
    TRY(to_doubles(env, a[2], &z, &z_n));
    if (x_n != y_n || z_n < x_n) {
        return wrong(env);
    }
    bl_vector_add(x, y, z, x_n);
    return NULL;
}

FUNCTION(vector_add_copied)
{
    double *x, *y, *z;
    size_t x_n, y_n, z_n;
    ARGS(3);
    TRY(to_doubles(env, a[0], &x, &x_n));
    TRY(to_doubles(env, a[1], &y, &y_n));
    TRY(to_doubles(env, a[2], &z, &z_n));
    if (x_n != y_n || z_n < x_n || x_n == 0) {
        return wrong(env);
    }
    size_t size = x_n * sizeof(*x);
    double *one = copy_of(x, size), *other = copy_of(y, size), *sums = malloc(size);
    if (one != NULL && other != NULL && sums != NULL) {
        bl_vector_add(one, other, sums, x_n);
        memcpy(z, sums, size);
    }
    free(sums);
    free(other);
    free(one);
    return NULL;
}

FUNCTION(norm)
{
    double *values;
    size_t n;
    ARGS(1);
    TRY(to_doubles(env, a[0], &values, &n));
    return of_f64(env, bl_norm(values, n));
}

FUNCTION(pairs)
{
    double *values;
    size_t n;
    ARGS(1);
    TRY(to_doubles(env, a[0], &values, &n));
    return of_f64(env, bl_pairs(values, n));
}

FUNCTION(args_8i)
{
    int32_t x[8];
    ARGS(8);
    for (size_t i = 0; i < 8; i++) {
        TRY(to_i32(env, a[i], &x[i]));
    }
    return of_i64(env, bl_args_8i(x[0], x[1], x[2], x[3], x[4], x[5], x[6], x[7]));
}

FUNCTION(args_12mixed)
{
    int32_t x[6];
    double y[6];
    ARGS(12);
    for (size_t i = 0; i < 6; i++) {
        TRY(to_i32(env, a[2 * i], &x[i]));
        TRY(to_f64(env, a[2 * i + 1], &y[i]));
    }
    return of_f64(env, bl_args_12mixed(x[0], y[0], x[1], y[1], x[2], y[2], x[3], y[3], x[4], y[4], x[5], y[5]));
}

/* One function for each of the 100 targets, which knows its own. */
#define TARGET(ten, one) bl_target_##ten##one,
static int32_t (*const targets[])(int32_t) = {BL_TARGETS(TARGET)};
enum { TARGETS = sizeof(targets) / sizeof(targets[0]) };

FUNCTION(call_target)
{
    napi_value a[1];
    size_t given = 1;
    void *own;
    int32_t x;
    TRY(napi_get_cb_info(env, info, &given, a, NULL, &own));
    TRY(to_i32(env, a[0], &x));
    return of_i32(env, (*(int32_t(*const *)(int32_t))own)(x));
}

/* ns of CLOCK_MONOTONIC_RAW since the first call, which a double has room for. */
FUNCTION(now)
{
    static struct timespec began;
    struct timespec time;
    (void)info;
    clock_gettime(CLOCK_MONOTONIC_RAW, &time);
    if (began.tv_sec == 0) {
        began = time;
    }
    return of_f64(env, (double)(time.tv_sec - began.tv_sec) * 1e9 + (double)(time.tv_nsec - began.tv_nsec));
}

/* ns of processor time, of all threads: getrusage() does not know of the current time slice. */
FUNCTION(used)
{
    struct timespec time;
    (void)info;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return of_f64(env, (double)time.tv_sec * 1e9 + (double)time.tv_nsec);
}

FUNCTION(cpu)
{
    (void)info;
    return of_i32(env, sched_getcpu());
}

/* Whether there is such a descriptor: programs that are executed from now on do not get it. */
FUNCTION(close_on_exec)
{
    int32_t fd;
    ARGS(1);
    TRY(to_i32(env, a[0], &fd));
    return of_bool(env, fcntl(fd, F_SETFD, FD_CLOEXEC) == 0);
}

#define EXPORT(name)                                                                                           \
    {                                                                                                          \
#name, NULL, name, NULL, NULL, NULL, napi_enumerable, NULL                                             \
    }

NAPI_MODULE_INIT(/* napi_env env, napi_value exports */)
{
    static const napi_property_descriptor functions[] = {
        EXPORT(noop),
        EXPORT(return_int),
        EXPORT(return_int64),
        EXPORT(return_bool),
        EXPORT(return_double),
        EXPORT(add_i32),
        EXPORT(add_i64),
        EXPORT(add_u32),
        EXPORT(add_u64),
        EXPORT(add_f32),
        EXPORT(add_f64),
        EXPORT(mul_f64),
        EXPORT(mul_i32),
        EXPORT(mul_i64),
        EXPORT(add_i32_checked),
        EXPORT(add_i64_checked),
        EXPORT(and),
        EXPORT(not ),
        EXPORT(xor_u64),
        EXPORT(str_length),
        EXPORT(str_length_copied),
        EXPORT(str_length_utf8),
        EXPORT(str_length_utf8_copied),
        EXPORT(str_identity),
        EXPORT(str_identity_copied),
        EXPORT(str_concat),
        EXPORT(bytes_count_nul),
        EXPORT(bytes_count_nul_copied),
        EXPORT(array_sum),
        EXPORT(array_sum_copied),
        EXPORT(array_sum_list),
        EXPORT(array_scale),
        EXPORT(array_scale_copied),
        EXPORT(array_sum_strided),
        EXPORT(array_sum_strided_copied),
        EXPORT(array_fill_i32),
        EXPORT(array_fill_i32_copied),
        EXPORT(point_add),
        EXPORT(point_norm2),
        EXPORT(point_norm2_copied),
        EXPORT(record_sum),
        EXPORT(record_sum_copied),
        EXPORT(block_make),
        EXPORT(callback_once),
        EXPORT(callback_iterate),
        EXPORT(callback_transform),
        EXPORT(alloc),
        EXPORT(alloc_aligned),
        {"free", NULL, free_memory, NULL, NULL, NULL, napi_enumerable, NULL},
        EXPORT(memory_is_fine),
        EXPORT(matmul),
        EXPORT(matmul_copied),
        EXPORT(dot),
        EXPORT(dot_copied),
        EXPORT(vector_add),
        EXPORT(vector_add_copied),
        EXPORT(norm),
        EXPORT(norm_copied),
        EXPORT(pairs),
        EXPORT(pairs_copied),
        EXPORT(args_8i),
        EXPORT(args_12mixed),
        EXPORT(target),
        EXPORT(now),
        EXPORT(used),
        EXPORT(cpu),
        EXPORT(close_on_exec),
    };
    napi_value all, one;
    TRY(napi_define_properties(env, exports, sizeof(functions) / sizeof(functions[0]), functions));
    TRY(napi_create_array_with_length(env, TARGETS, &all));
    for (uint32_t i = 0; i < TARGETS; i++) {
        TRY(napi_create_function(env, "target", NAPI_AUTO_LENGTH, call_target, (void *)(uintptr_t)&targets[i],
                                 &one));
        TRY(napi_set_element(env, all, i, one));
    }
    TRY(napi_set_named_property(env, exports, "targets", all));
    return exports;
}
