/* SPDX-License-Identifier: MIT */
/*
 * Benchmarks of the sides in C: strings, arrays, structs, and work on arrays. README.md has what each does, and
 * c_calls.c why the checks stand behind the loops. What a variant copies, it copies into memory that is new in each
 * iteration, as bindings do.
 */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <tare/bench.h>

#include "suites/ffi/c_side.h"

/* The inputs: README.md calls them a(n) and v(n). To be freed; here is always that much memory, or the end. */
static char *text_of(size_t n)
{
    char *text = malloc(n + 1);
    tare_require(text != NULL);
    for (size_t i = 0; i < n; i++) {
        text[i] = (char)('a' + i % 26);
    }
    text[n] = '\0';
    return text;
}

static void fill(double *values, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        values[i] = (double)(i % 7) * 0.5;
    }
}

static double *values_of(size_t n)
{
    double *values = malloc(n * sizeof(*values));
    tare_require(values != NULL);
    fill(values, n);
    return values;
}

static bool is_minus(const double *values, size_t n)
{
    bool is = true;
    for (size_t i = 0; i < n; i++) {
        is = is && values[i] == (double)(i % 7) * -0.5;
    }
    return is;
}

static double sum_of(const double *values, size_t n, size_t stride)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++) {
        sum += values[i * stride];
    }
    return sum;
}

/* As bindings do: NULL is not expected, and ends the benchmark. */
static void *copy_of(const void *from, size_t size)
{
    void *copy = malloc(size);
    tare_require(copy != NULL);
    return memcpy(copy, from, size);
}

TARE_BENCH(str_length)
{
    size_t n = (size_t)b->arg[0];
    char *text = text_of(n);
    TARE_EACH(b) tare_keep(CALL(str_length)(text));
    tare_require(CALL(str_length)(text) == n);
    free(text);
}
TARE_BENCH_ARGS(str_length, 16, 1024);

TARE_BENCH(str_length_copied)
{
    size_t n = (size_t)b->arg[0];
    char *text = text_of(n);
    TARE_EACH(b)
    {
        char *copy = copy_of(text, n + 1);
        tare_keep(CALL(str_length)(copy));
        free(copy);
    }
    tare_require(CALL(str_length)(text) == n);
    free(text);
}
TARE_BENCH_ARGS(str_length_copied, 16, 1024);

TARE_BENCH(str_length_utf8)
{
    const char *text = "\u00e4\u00f6\u00fc\u00e4\u00f6\u00fc\u00e4\u00f6";
    TARE_EACH(b) tare_keep(CALL(str_length_utf8)(text));
    tare_require(strlen(text) == (size_t)b->arg[0] && CALL(str_length_utf8)(text) == 8);
}
TARE_BENCH_ARGS(str_length_utf8, 16);

TARE_BENCH(str_length_utf8_copied)
{
    const char *text = "\u00e4\u00f6\u00fc\u00e4\u00f6\u00fc\u00e4\u00f6";
    size_t n = (size_t)b->arg[0], length = 0;
    tare_require(strlen(text) == n);
    TARE_EACH(b)
    {
        char *copy = copy_of(text, n + 1);
        length = CALL(str_length_utf8)(copy);
        tare_keep(length);
        free(copy);
    }
    tare_require(length == 8);
}
TARE_BENCH_ARGS(str_length_utf8_copied, 16);

TARE_BENCH(str_identity)
{
    char *text = text_of((size_t)b->arg[0]);
    TARE_EACH(b) tare_keep(CALL(str_identity)(text));
    tare_require(CALL(str_identity)(text) == text);
    free(text);
}
TARE_BENCH_ARGS(str_identity, 16);

TARE_BENCH(str_identity_copied)
{
    size_t n = (size_t)b->arg[0];
    char *text = text_of(n);
    TARE_EACH(b)
    {
        char *copy = copy_of(text, n + 1);
        const char *result = CALL(str_identity)(copy);
        char *own = copy_of(result, strlen(result) + 1);
        tare_keep(own);
        free(own);
        free(copy);
    }
    tare_require(strcmp(CALL(str_identity)(text), text) == 0);
    free(text);
}
TARE_BENCH_ARGS(str_identity_copied, 16);

TARE_BENCH(str_concat)
{
    size_t n = (size_t)b->arg[0];
    char *text = text_of(n);
    TARE_EACH(b)
    {
        char *both = CALL(str_concat)(text, text);
        tare_keep(both);
        CALL(free)(both);
    }
    char *both = CALL(str_concat)(text, text);
    tare_require(both != NULL && strlen(both) == 2 * n && memcmp(both + n, text, n) == 0);
    CALL(free)(both);
    free(text);
}
TARE_BENCH_ARGS(str_concat, 16);

static uint8_t *bytes_of(size_t n)
{
    uint8_t *bytes = malloc(n);
    tare_require(bytes != NULL);
    for (size_t i = 0; i < n; i++) {
        bytes[i] = i % 4;
    }
    return bytes;
}

TARE_BENCH(bytes_count_nul)
{
    size_t n = (size_t)b->arg[0];
    uint8_t *bytes = bytes_of(n);
    TARE_EACH(b) tare_keep(CALL(bytes_count_nul)(bytes, n));
    tare_require(CALL(bytes_count_nul)(bytes, n) == n / 4);
    free(bytes);
}
TARE_BENCH_ARGS(bytes_count_nul, 64);

TARE_BENCH(bytes_count_nul_copied)
{
    size_t n = (size_t)b->arg[0];
    uint8_t *bytes = bytes_of(n);
    TARE_EACH(b)
    {
        uint8_t *copy = copy_of(bytes, n);
        tare_keep(CALL(bytes_count_nul)(copy, n));
        free(copy);
    }
    tare_require(CALL(bytes_count_nul)(bytes, n) == n / 4);
    free(bytes);
}
TARE_BENCH_ARGS(bytes_count_nul_copied, 64);

static void array_sum(tare_bench *b, size_t n)
{
    double *values = values_of(n);
    TARE_EACH(b) tare_keep(CALL(array_sum)(values, n));
    tare_require(CALL(array_sum)(values, n) == sum_of(values, n, 1));
    free(values);
}

TARE_BENCH(array_sum)
{
    array_sum(b, (size_t)b->arg[0]);
}
TARE_BENCH_ARGS(array_sum, 16, 4096);

/* NAME_numpy, here and below: what the same with a NumPy array is compared with, of which there are none in C. */
TARE_BENCH(array_sum_numpy)
{
    array_sum(b, (size_t)b->arg[0]);
}
TARE_BENCH_ARGS(array_sum_numpy, 16, 4096);

TARE_BENCH(array_sum_copied)
{
    size_t n = (size_t)b->arg[0];
    double *values = values_of(n);
    TARE_EACH(b)
    {
        double *copy = copy_of(values, n * sizeof(*values));
        tare_keep(CALL(array_sum)(copy, n));
        free(copy);
    }
    tare_require(CALL(array_sum)(values, n) == sum_of(values, n, 1));
    free(values);
}
TARE_BENCH_ARGS(array_sum_copied, 16, 4096);

/* Objects of their own, as the elements of other languages' lists are. */
TARE_BENCH(array_sum_list)
{
    size_t n = (size_t)b->arg[0];
    double *values = values_of(n), **list = malloc(n * sizeof(double *));
    tare_require(list != NULL);
    for (size_t i = 0; i < n; i++) {
        list[i] = copy_of(&values[i], sizeof(double));
    }
    TARE_EACH(b)
    {
        double *copy = malloc(n * sizeof(double));
        tare_require(copy != NULL);
        for (size_t i = 0; i < n; i++) {
            copy[i] = *list[i];
        }
        tare_keep(CALL(array_sum)(copy, n));
        free(copy);
    }
    tare_require(CALL(array_sum)(values, n) == sum_of(values, n, 1));
    for (size_t i = 0; i < n; i++) {
        free(list[i]);
    }
    free(list);
    free(values);
}
TARE_BENCH_ARGS(array_sum_list, 16, 4096);

static void array_scale(tare_bench *b, size_t n)
{
    double *values = values_of(n);
    TARE_EACH(b) CALL(array_scale)(values, n, -1);
    fill(values, n);
    CALL(array_scale)(values, n, -1);
    tare_require(is_minus(values, n));
    free(values);
}

TARE_BENCH(array_scale)
{
    array_scale(b, (size_t)b->arg[0]);
}
TARE_BENCH_ARGS(array_scale, 4096);

TARE_BENCH(array_scale_numpy)
{
    array_scale(b, (size_t)b->arg[0]);
}
TARE_BENCH_ARGS(array_scale_numpy, 4096);

TARE_BENCH(array_scale_copied)
{
    size_t n = (size_t)b->arg[0];
    double *values = values_of(n);
    TARE_EACH(b)
    {
        double *copy = copy_of(values, n * sizeof(*values));
        CALL(array_scale)(copy, n, -1);
        memcpy(values, copy, n * sizeof(*values));
        free(copy);
    }
    fill(values, n);
    CALL(array_scale)(values, n, -1);
    tare_require(is_minus(values, n));
    free(values);
}
TARE_BENCH_ARGS(array_scale_copied, 4096);

static void array_sum_strided(tare_bench *b, size_t n)
{
    double *values = values_of(4 * n);
    TARE_EACH(b) tare_keep(CALL(array_sum_strided)(values, n, 4));
    tare_require(CALL(array_sum_strided)(values, n, 4) == sum_of(values, n, 4));
    free(values);
}

TARE_BENCH(array_sum_strided)
{
    array_sum_strided(b, (size_t)b->arg[0]);
}
TARE_BENCH_ARGS(array_sum_strided, 256);

TARE_BENCH(array_sum_strided_copied)
{
    size_t n = (size_t)b->arg[0];
    double *values = values_of(4 * n), sum = 0;
    TARE_EACH(b)
    {
        double *copy = copy_of(values, 4 * n * sizeof(*values));
        sum = CALL(array_sum_strided)(copy, n, 4);
        tare_keep(sum);
        free(copy);
    }
    tare_require(sum == sum_of(values, n, 4));
    free(values);
}
TARE_BENCH_ARGS(array_sum_strided_copied, 256);

TARE_BENCH(array_sum_strided_numpy)
{
    array_sum_strided(b, (size_t)b->arg[0]);
}
TARE_BENCH_ARGS(array_sum_strided_numpy, 256);

static void array_fill_i32(tare_bench *b, size_t n)
{
    int32_t *values = calloc(n, sizeof(*values));
    tare_require(values != NULL);
    TARE_EACH(b) CALL(array_fill_i32)(values, n, 7);
    tare_require(values[0] == 7 && values[n - 1] == 7);
    free(values);
}

TARE_BENCH(array_fill_i32)
{
    array_fill_i32(b, (size_t)b->arg[0]);
}
TARE_BENCH_ARGS(array_fill_i32, 4096);

/* What is there is not read: it is copied back alone. */
TARE_BENCH(array_fill_i32_copied)
{
    size_t n = (size_t)b->arg[0];
    int32_t *values = calloc(n, sizeof(*values));
    tare_require(values != NULL);
    TARE_EACH(b)
    {
        int32_t *filled = malloc(n * sizeof(*filled));
        tare_require(filled != NULL);
        CALL(array_fill_i32)(filled, n, 7);
        memcpy(values, filled, n * sizeof(*filled));
        free(filled);
    }
    tare_require(values[0] == 7 && values[n - 1] == 7);
    free(values);
}
TARE_BENCH_ARGS(array_fill_i32_copied, 4096);

TARE_BENCH(array_fill_i32_numpy)
{
    array_fill_i32(b, (size_t)b->arg[0]);
}
TARE_BENCH_ARGS(array_fill_i32_numpy, 4096);

TARE_BENCH(point_add)
{
    const struct bl_point one = {1.5, 2.5}, other = {10, 20};
    TARE_EACH(b)
    {
        struct bl_point sum = CALL(point_add)(one, other);
        tare_keep(sum.x);
        tare_keep(sum.y);
    }
    struct bl_point sum = CALL(point_add)(one, other);
    tare_require(sum.x == 11.5 && sum.y == 22.5);
}

TARE_BENCH(point_norm2)
{
    const struct bl_point point = {3, 4};
    TARE_EACH(b) tare_keep(CALL(point_norm2)(&point));
    tare_require(CALL(point_norm2)(&point) == 25);
}

TARE_BENCH(point_norm2_copied)
{
    const struct bl_point point = {3, 4};
    double result = 0;
    TARE_EACH(b)
    {
        struct bl_point *copy = copy_of(&point, sizeof(point));
        result = CALL(point_norm2)(copy);
        tare_keep(result);
        free(copy);
    }
    tare_require(result == 25);
}

static struct bl_record record_of(void)
{
    struct bl_record record = {.id = 7, .counts = {0, 1, 2, 3, 4, 5}, .name = "benchlib"};
    for (size_t i = 0; i < 8; i++) {
        record.values[i] = (double)i + 0.5;
    }
    return record;
}

TARE_BENCH(record_sum)
{
    const struct bl_record record = record_of();
    TARE_EACH(b) tare_keep(CALL(record_sum)(&record));
    tare_require(CALL(record_sum)(&record) == 62);
}

TARE_BENCH(record_sum_copied)
{
    const struct bl_record record = record_of();
    double sum = 0;
    TARE_EACH(b)
    {
        struct bl_record *copy = copy_of(&record, sizeof(record));
        sum = CALL(record_sum)(copy);
        tare_keep(sum);
        free(copy);
    }
    tare_require(sum == 62);
}

TARE_BENCH(block_make)
{
    TARE_EACH(b)
    {
        struct bl_block block = CALL(block_make)(5);
        tare_keep(block.words[15]);
    }
    struct bl_block block = CALL(block_make)(5);
    tare_require(block.words[0] == 5 && block.words[15] == 20);
}

TARE_BENCH(callback_transform)
{
    size_t n = (size_t)b->arg[0];
    double *values = values_of(n);
    TARE_EACH(b) CALL(callback_transform)(values, n, side_minus);
    fill(values, n);
    CALL(callback_transform)(values, n, side_minus);
    tare_require(is_minus(values, n));
    free(values);
}
TARE_BENCH_ARGS(callback_transform, 100);

/* Of the product of such a matrix with itself: the first element. */
static double first_of_product(const double *values, size_t n)
{
    double first = 0;
    for (size_t k = 0; k < n; k++) {
        first += values[k] * values[k * n];
    }
    return first;
}

static void matmul(tare_bench *b, size_t n)
{
    double *values = values_of(n * n), *result = values_of(n * n);
    TARE_EACH(b) CALL(matmul)(values, values, result, n);
    tare_require(result[0] == first_of_product(values, n));
    free(values);
    free(result);
}

TARE_BENCH(matmul)
{
    matmul(b, (size_t)b->arg[0]);
}
TARE_BENCH_ARGS(matmul, 2, 4, 8, 16, 32, 64);

TARE_BENCH(matmul_copied)
{
    size_t n = (size_t)b->arg[0], size = n * n * sizeof(double);
    double *values = values_of(n * n), *result = values_of(n * n);
    TARE_EACH(b)
    {
        double *one = copy_of(values, size), *other = copy_of(values, size), *product = malloc(size);
        tare_require(product != NULL);
        CALL(matmul)(one, other, product, n);
        memcpy(result, product, size);
        free(product);
        free(other);
        free(one);
    }
    tare_require(result[0] == first_of_product(values, n));
    free(values);
    free(result);
}
TARE_BENCH_ARGS(matmul_copied, 16);

TARE_BENCH(matmul_numpy)
{
    matmul(b, (size_t)b->arg[0]);
}
TARE_BENCH_ARGS(matmul_numpy, 16);

static double squares_of(const double *values, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++) {
        sum += values[i] * values[i];
    }
    return sum;
}

static void dot(tare_bench *b, size_t n)
{
    double *values = values_of(n);
    TARE_EACH(b) tare_keep(CALL(dot)(values, values, n));
    tare_require(CALL(dot)(values, values, n) == squares_of(values, n));
    free(values);
}

TARE_BENCH(dot)
{
    dot(b, (size_t)b->arg[0]);
}
TARE_BENCH_ARGS(dot, 1024);

TARE_BENCH(dot_copied)
{
    size_t n = (size_t)b->arg[0];
    double *values = values_of(n), product = 0;
    TARE_EACH(b)
    {
        double *one = copy_of(values, n * sizeof(*values)), *other = copy_of(values, n * sizeof(*values));
        product = CALL(dot)(one, other, n);
        tare_keep(product);
        free(other);
        free(one);
    }
    tare_require(product == squares_of(values, n));
    free(values);
}
TARE_BENCH_ARGS(dot_copied, 1024);

TARE_BENCH(dot_numpy)
{
    dot(b, (size_t)b->arg[0]);
}
TARE_BENCH_ARGS(dot_numpy, 1024);

static void vector_add(tare_bench *b, size_t n)
{
    double *values = values_of(n), *result = values_of(n);
    TARE_EACH(b) CALL(vector_add)(values, values, result, n);
    tare_require(result[n - 1] == 2 * values[n - 1]);
    free(values);
    free(result);
}

TARE_BENCH(vector_add)
{
    vector_add(b, (size_t)b->arg[0]);
}
TARE_BENCH_ARGS(vector_add, 16, 256, 4096, 65536);

TARE_BENCH(vector_add_numpy)
{
    vector_add(b, (size_t)b->arg[0]);
}
TARE_BENCH_ARGS(vector_add_numpy, 4096);

TARE_BENCH(vector_add_copied)
{
    size_t n = (size_t)b->arg[0];
    double *values = values_of(n), *result = values_of(n);
    TARE_EACH(b)
    {
        double *one = copy_of(values, n * sizeof(*values)), *other = copy_of(values, n * sizeof(*values));
        double *sums = malloc(n * sizeof(*sums));
        tare_require(sums != NULL);
        CALL(vector_add)(one, other, sums, n);
        memcpy(result, sums, n * sizeof(*sums));
        free(sums);
        free(other);
        free(one);
    }
    tare_require(result[n - 1] == 2 * values[n - 1]);
    free(values);
    free(result);
}
TARE_BENCH_ARGS(vector_add_copied, 4096);

static void norm(tare_bench *b, size_t n)
{
    double *values = values_of(n);
    TARE_EACH(b) tare_keep(CALL(norm)(values, n));
    tare_require(CALL(norm)(values, n) == sqrt(squares_of(values, n)));
    free(values);
}

TARE_BENCH(norm)
{
    norm(b, (size_t)b->arg[0]);
}
TARE_BENCH_ARGS(norm, 1024);

TARE_BENCH(norm_copied)
{
    size_t n = (size_t)b->arg[0];
    double *values = values_of(n), result = 0;
    TARE_EACH(b)
    {
        double *copy = copy_of(values, n * sizeof(*values));
        result = CALL(norm)(copy, n);
        tare_keep(result);
        free(copy);
    }
    tare_require(result == sqrt(squares_of(values, n)));
    free(values);
}
TARE_BENCH_ARGS(norm_copied, 1024);

TARE_BENCH(norm_numpy)
{
    norm(b, (size_t)b->arg[0]);
}
TARE_BENCH_ARGS(norm_numpy, 1024);

static double distances_of(const double *values, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < i; j++) {
            sum += fabs(values[i] - values[j]);
        }
    }
    return sum;
}

static void pairs(tare_bench *b, size_t n)
{
    double *values = values_of(n);
    TARE_EACH(b) tare_keep(CALL(pairs)(values, n));
    tare_require(CALL(pairs)(values, n) == distances_of(values, n));
    free(values);
}

TARE_BENCH(pairs)
{
    pairs(b, (size_t)b->arg[0]);
}
TARE_BENCH_ARGS(pairs, 4, 16, 64, 256);

TARE_BENCH(pairs_copied)
{
    size_t n = (size_t)b->arg[0];
    double *values = values_of(n), sum = 0;
    TARE_EACH(b)
    {
        double *copy = copy_of(values, n * sizeof(*values));
        sum = CALL(pairs)(copy, n);
        tare_keep(sum);
        free(copy);
    }
    tare_require(sum == distances_of(values, n));
    free(values);
}
TARE_BENCH_ARGS(pairs_copied, 64);

TARE_BENCH(pairs_numpy)
{
    pairs(b, (size_t)b->arg[0]);
}
TARE_BENCH_ARGS(pairs_numpy, 64);
