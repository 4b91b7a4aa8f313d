/* SPDX-License-Identifier: MIT */
/*
 * benchlib.h says what these do. They are written to be plain, not fast: each does in C what its name says, once, and the
 * compiler is not asked for more. A timer in each tells how much of a call's time is C's. Names of timers are those of the
 * functions without `bl_`; the 100 targets share one. Where f is called back, the timer has what f takes in it.
 */
#include "suites/ffi/benchlib.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <tare/tare.h>

TARE_MODULE("benchlib");

TARE_TIMER(noop);
TARE_TIMER(return_int);
TARE_TIMER(return_int64);
TARE_TIMER(return_bool);
TARE_TIMER(return_double);

void bl_noop(void)
{
    TARE_SCOPE(noop);
}

int32_t bl_return_int(void)
{
    TARE_SCOPE(return_int);
    return 42;
}

int64_t bl_return_int64(void)
{
    TARE_SCOPE(return_int64);
    return (INT64_C(1) << 40) + 7;
}

bool bl_return_bool(void)
{
    TARE_SCOPE(return_bool);
    return true;
}

double bl_return_double(void)
{
    TARE_SCOPE(return_double);
    return 2.5;
}

TARE_TIMER(add_i32);
TARE_TIMER(add_i64);
TARE_TIMER(add_u32);
TARE_TIMER(add_u64);
TARE_TIMER(add_f32);
TARE_TIMER(add_f64);
TARE_TIMER(mul_f64);
TARE_TIMER(mul_i32);
TARE_TIMER(mul_i64);
TARE_TIMER(add_i32_checked);
TARE_TIMER(add_i64_checked);

/* Signed integers wrap: by way of the unsigned ones, of which C says so. */
int32_t bl_add_i32(int32_t a, int32_t b)
{
    TARE_SCOPE(add_i32);
    return (int32_t)((uint32_t)a + (uint32_t)b);
}

int64_t bl_add_i64(int64_t a, int64_t b)
{
    TARE_SCOPE(add_i64);
    return (int64_t)((uint64_t)a + (uint64_t)b);
}

uint32_t bl_add_u32(uint32_t a, uint32_t b)
{
    TARE_SCOPE(add_u32);
    return a + b;
}

uint64_t bl_add_u64(uint64_t a, uint64_t b)
{
    TARE_SCOPE(add_u64);
    return a + b;
}

float bl_add_f32(float a, float b)
{
    TARE_SCOPE(add_f32);
    return a + b;
}

double bl_add_f64(double a, double b)
{
    TARE_SCOPE(add_f64);
    return a + b;
}

double bl_mul_f64(double a, double b)
{
    TARE_SCOPE(mul_f64);
    return a * b;
}

int32_t bl_mul_i32(int32_t a, int32_t b)
{
    TARE_SCOPE(mul_i32);
    return (int32_t)((uint32_t)a * (uint32_t)b);
}

int64_t bl_mul_i64(int64_t a, int64_t b)
{
    TARE_SCOPE(mul_i64);
    return (int64_t)((uint64_t)a * (uint64_t)b);
}

bool bl_add_i32_checked(int32_t a, int32_t b, int32_t *sum)
{
    TARE_SCOPE(add_i32_checked);
    int32_t result;
    if (__builtin_add_overflow(a, b, &result)) {
        return false;
    }
    *sum = result;
    return true;
}

bool bl_add_i64_checked(int64_t a, int64_t b, int64_t *sum)
{
    TARE_SCOPE(add_i64_checked);
    int64_t result;
    if (__builtin_add_overflow(a, b, &result)) {
        return false;
    }
    *sum = result;
    return true;
}

TARE_TIMER(and);
TARE_TIMER(not );
TARE_TIMER(xor_u64);

bool bl_and(bool a, bool b)
{
    TARE_SCOPE(and);
    return a && b;
}

bool bl_not(bool a)
{
    TARE_SCOPE(not );
    return !a;
}

uint64_t bl_xor_u64(uint64_t a, uint64_t b)
{
    TARE_SCOPE(xor_u64);
    return a ^ b;
}

TARE_TIMER(str_length);
TARE_TIMER(str_length_utf8);
TARE_TIMER(str_identity);
TARE_TIMER(str_concat);
TARE_TIMER(bytes_count_nul);

size_t bl_str_length(const char *text)
{
    TARE_SCOPE(str_length);
    return strlen(text);
}

size_t bl_str_length_utf8(const char *text)
{
    TARE_SCOPE(str_length_utf8);
    size_t count = 0;
    for (; *text != '\0'; text++) {
        count += ((unsigned char)*text & 0xc0) != 0x80;
    }
    return count;
}

const char *bl_str_identity(const char *text)
{
    TARE_SCOPE(str_identity);
    return text;
}

char *bl_str_concat(const char *a, const char *b)
{
    TARE_SCOPE(str_concat);
    size_t a_size = strlen(a), b_size = strlen(b);
    char *both = malloc(a_size + b_size + 1);
    if (both != NULL) {
        memcpy(both, a, a_size);
        memcpy(both + a_size, b, b_size + 1);
    }
    return both;
}

size_t bl_bytes_count_nul(const uint8_t *bytes, size_t size)
{
    TARE_SCOPE(bytes_count_nul);
    size_t count = 0;
    for (size_t i = 0; i < size; i++) {
        count += bytes[i] == 0;
    }
    return count;
}

TARE_TIMER(array_sum);
TARE_TIMER(array_scale);
TARE_TIMER(array_sum_strided);
TARE_TIMER(array_fill_i32);

double bl_array_sum(const double *values, size_t n)
{
    TARE_SCOPE(array_sum);
    double sum = 0;
    for (size_t i = 0; i < n; i++) {
        sum += values[i];
    }
    return sum;
}

void bl_array_scale(double *values, size_t n, double by)
{
    TARE_SCOPE(array_scale);
    for (size_t i = 0; i < n; i++) {
        values[i] *= by;
    }
}

double bl_array_sum_strided(const double *values, size_t n, size_t stride)
{
    TARE_SCOPE(array_sum_strided);
    double sum = 0;
    for (size_t i = 0; i < n; i++) {
        sum += values[i * stride];
    }
    return sum;
}

void bl_array_fill_i32(int32_t *values, size_t n, int32_t with)
{
    TARE_SCOPE(array_fill_i32);
    for (size_t i = 0; i < n; i++) {
        values[i] = with;
    }
}

_Static_assert(sizeof(struct bl_point) == 16 && sizeof(struct bl_block) == 128, "sizes that are told");
_Static_assert(sizeof(struct bl_record) == 112, "sizes that are told");

TARE_TIMER(point_add);
TARE_TIMER(point_norm2);
TARE_TIMER(record_sum);
TARE_TIMER(block_make);

struct bl_point bl_point_add(struct bl_point a, struct bl_point b)
{
    TARE_SCOPE(point_add);
    return (struct bl_point){.x = a.x + b.x, .y = a.y + b.y};
}

double bl_point_norm2(const struct bl_point *point)
{
    TARE_SCOPE(point_norm2);
    return point->x * point->x + point->y * point->y;
}

double bl_record_sum(const struct bl_record *record)
{
    TARE_SCOPE(record_sum);
    double sum = (double)record->id;
    for (size_t i = 0; i < sizeof(record->values) / sizeof(record->values[0]); i++) {
        sum += record->values[i];
    }
    for (size_t i = 0; i < sizeof(record->counts) / sizeof(record->counts[0]); i++) {
        sum += record->counts[i];
    }
    return sum + (double)strnlen(record->name, sizeof(record->name));
}

struct bl_block bl_block_make(uint64_t seed)
{
    TARE_SCOPE(block_make);
    struct bl_block block;
    for (size_t i = 0; i < sizeof(block.words) / sizeof(block.words[0]); i++) {
        block.words[i] = seed + i;
    }
    return block;
}

TARE_TIMER(callback_once);
TARE_TIMER(callback_iterate);
TARE_TIMER(callback_transform);

int32_t bl_callback_once(int32_t (*f)(int32_t), int32_t x)
{
    TARE_SCOPE(callback_once);
    return f(x);
}

size_t bl_callback_iterate(bool (*f)(size_t i, void *user), size_t n, void *user)
{
    TARE_SCOPE(callback_iterate);
    size_t calls = 0;
    while (calls < n && f(calls++, user)) {
    }
    return calls;
}

void bl_callback_transform(double *values, size_t n, double (*f)(double))
{
    TARE_SCOPE(callback_transform);
    for (size_t i = 0; i < n; i++) {
        values[i] = f(values[i]);
    }
}

TARE_TIMER(alloc);
TARE_TIMER(alloc_aligned);
TARE_TIMER(free);

/* More than that there never is; allocators of sanitizers end the process when they are asked for it. */
static bool can_be(size_t size)
{
    return size <= PTRDIFF_MAX - 4096;
}

void *bl_alloc(size_t size)
{
    TARE_SCOPE(alloc);
    return can_be(size) ? malloc(size) : NULL;
}

void *bl_alloc_aligned(size_t alignment, size_t size)
{
    TARE_SCOPE(alloc_aligned);
    void *memory = NULL;
    bool fine = can_be(size) && alignment >= sizeof(void *) && (alignment & (alignment - 1)) == 0;
    return fine && posix_memalign(&memory, alignment, size) == 0 ? memory : NULL;
}

void bl_free(void *memory)
{
    TARE_SCOPE(free);
    free(memory);
}

TARE_TIMER(matmul);
TARE_TIMER(dot);
TARE_TIMER(vector_add);
TARE_TIMER(norm);
TARE_TIMER(pairs);

void bl_matmul(const double *a, const double *b, double *c, size_t n)
{
    TARE_SCOPE(matmul);
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < n; j++) {
            double sum = 0;
            for (size_t k = 0; k < n; k++) {
                sum += a[i * n + k] * b[k * n + j];
            }
            c[i * n + j] = sum;
        }
    }
}

static double dot(const double *a, const double *b, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++) {
        sum += a[i] * b[i];
    }
    return sum;
}

double bl_dot(const double *a, const double *b, size_t n)
{
    TARE_SCOPE(dot);
    return dot(a, b, n);
}

void bl_vector_add(const double *a, const double *b, double *c, size_t n)
{
    TARE_SCOPE(vector_add);
    for (size_t i = 0; i < n; i++) {
        c[i] = a[i] + b[i];
    }
}

double bl_norm(const double *a, size_t n)
{
    TARE_SCOPE(norm);
    return sqrt(dot(a, a, n));
}

double bl_pairs(const double *a, size_t n)
{
    TARE_SCOPE(pairs);
    double sum = 0;
    for (size_t i = 0; i < n; i++) {
        for (size_t j = i + 1; j < n; j++) {
            sum += fabs(a[i] - a[j]);
        }
    }
    return sum;
}

TARE_TIMER(args_8i);
TARE_TIMER(args_12mixed);

int64_t bl_args_8i(int32_t a, int32_t b, int32_t c, int32_t d, int32_t e, int32_t f, int32_t g, int32_t h)
{
    TARE_SCOPE(args_8i);
    return (int64_t)a + b + c + d + e + f + g + h;
}

double bl_args_12mixed(int32_t a, double b, int32_t c, double d, int32_t e, double f, int32_t g, double h,
                       int32_t i, double j, int32_t k, double l)
{
    TARE_SCOPE(args_12mixed);
    return a + b + c + d + e + f + g + h + i + j + k + l;
}

TARE_TIMER(target);

#define DEFINE_TARGET(ten, one)                                                                                \
    static int32_t target_##ten##one(int32_t x)                                                                \
    {                                                                                                          \
        return (int32_t)((uint32_t)x + (10 * ten + one));                                                      \
    }                                                                                                          \
    int32_t bl_target_##ten##one(int32_t x)                                                                    \
    {                                                                                                          \
        TARE_SCOPE(target);                                                                                    \
        return target_##ten##one(x);                                                                           \
    }
BL_TARGETS(DEFINE_TARGET)

#define TARGET(ten, one) target_##ten##one,
static int32_t (*const targets[])(int32_t) = {BL_TARGETS(TARGET)};

int32_t bl_target(int32_t number, int32_t x)
{
    TARE_SCOPE(target);
    bool known = number >= 0 && (size_t)number < sizeof(targets) / sizeof(targets[0]);
    return known ? targets[number](x) : -1;
}
