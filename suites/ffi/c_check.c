/* SPDX-License-Identifier: MIT */
/*
 * The jobs `check` and `verify` of the sides in C: reads lines as in vectors.txt from standard input, makes each call, and
 * prints the line with the result that it got; or compares it with the one that vectors.txt has. README.md has the form of
 * the lines. What stands in them is not trusted further than that
 * nothing is read or written that is not there; a line that is none ends the check.
 */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "suites/ffi/c_side.h"

enum { ARGS_MAX = 12, ELEMENTS_MAX = 4096 };

static FILE *out; /* where results are said */

/* The line's arguments, and whether one of them was none. */
struct call {
    const char *args[ARGS_MAX];
    unsigned count;
    bool wrong;
};

struct array {
    double values[ELEMENTS_MAX];
    size_t n;
};

struct text {
    char bytes[ELEMENTS_MAX + 1]; /* NUL-terminated, too */
    size_t size;
};

static int64_t integer(const char *text)
{
    return strtoll(text, NULL, 10);
}

static int32_t i32(const char *text)
{
    return (int32_t)integer(text);
}

static uint64_t natural(const char *text)
{
    return strtoull(text, NULL, 10);
}

static double real(const char *text)
{
    return strtod(text, NULL);
}

static bool truth(const char *text)
{
    return strcmp(text, "true") == 0;
}

static void read_array(struct call *call, unsigned index, struct array *array)
{
    const char *at = call->args[index];
    array->n = 0;
    while (*at != '\0' && strcmp(call->args[index], "-") != 0) {
        char *end;
        double value = strtod(at, &end);
        if (end == at || array->n == ELEMENTS_MAX || (*end != ',' && *end != '\0')) {
            call->wrong = true;
            return;
        }
        array->values[array->n++] = value;
        at = *end == ',' ? end + 1 : end;
    }
}

static void read_text(struct call *call, unsigned index, struct text *text)
{
    const char *at = call->args[index];
    unsigned byte;
    text->size = 0;
    for (; strcmp(at, "-") != 0 && *at != '\0' && text->size < ELEMENTS_MAX; at += 2) {
        if (sscanf(at, "%2x", &byte) != 1 || at[1] == '\0') {
            call->wrong = true;
            break;
        }
        text->bytes[text->size++] = (char)byte;
    }
    text->bytes[text->size] = '\0';
}

static void say_integer(int64_t value)
{
    fprintf(out, " %" PRId64, value);
}

static void say_natural(uint64_t value)
{
    fprintf(out, " %" PRIu64, value);
}

static void say_truth(bool value)
{
    fprintf(out, " %s", value ? "true" : "false");
}

static void say_bits(char before, double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof(bits));
    if (isnan(value)) {
        fprintf(out, "%cnan", before);
    } else {
        fprintf(out, "%c%016" PRIx64, before, bits);
    }
}

static void say_double(double value)
{
    say_bits(' ', value);
}

static void say_float(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof(bits));
    if (isnan(value)) {
        fputs(" nan", out);
    } else {
        fprintf(out, " %08" PRIx32, bits);
    }
}

static void say_array(const double *values, size_t n)
{
    fputs(n == 0 ? " -" : "", out);
    for (size_t i = 0; i < n; i++) {
        say_bits(i == 0 ? ' ' : ',', values[i]);
    }
}

static void say_text(const char *text)
{
    fputs(*text == '\0' ? " -" : " ", out);
    for (; *text != '\0'; text++) {
        fprintf(out, "%02x", (unsigned char)*text);
    }
}

/* A function of values alone: what is said, of which arguments `a`. */
#define SIMPLE(name, say, ...)                                                                                 \
    static void check_##name(struct call *call)                                                                \
    {                                                                                                          \
        const char **a = call->args;                                                                           \
        (void)a;                                                                                               \
        say(CALL(name)(__VA_ARGS__));                                                                          \
    }

SIMPLE(return_int, say_integer)
SIMPLE(return_int64, say_integer)
SIMPLE(return_bool, say_truth)
SIMPLE(return_double, say_double)
SIMPLE(add_i32, say_integer, i32(a[0]), i32(a[1]))
SIMPLE(add_i64, say_integer, integer(a[0]), integer(a[1]))
SIMPLE(add_u32, say_natural, (uint32_t)natural(a[0]), (uint32_t)natural(a[1]))
SIMPLE(add_u64, say_natural, natural(a[0]), natural(a[1]))
SIMPLE(add_f32, say_float, strtof(a[0], NULL), strtof(a[1], NULL))
SIMPLE(add_f64, say_double, real(a[0]), real(a[1]))
SIMPLE(mul_f64, say_double, real(a[0]), real(a[1]))
SIMPLE(mul_i32, say_integer, i32(a[0]), i32(a[1]))
SIMPLE(mul_i64, say_integer, integer(a[0]), integer(a[1]))
SIMPLE(and, say_truth, truth(a[0]), truth(a[1]))
SIMPLE(not, say_truth, truth(a[0]))
SIMPLE(xor_u64, say_natural, natural(a[0]), natural(a[1]))
SIMPLE(callback_once, say_integer, side_plus_one, i32(a[0]))
SIMPLE(args_8i, say_integer, i32(a[0]), i32(a[1]), i32(a[2]), i32(a[3]), i32(a[4]), i32(a[5]), i32(a[6]),
       i32(a[7]))
SIMPLE(args_12mixed, say_double, i32(a[0]), real(a[1]), i32(a[2]), real(a[3]), i32(a[4]), real(a[5]), i32(a[6]),
       real(a[7]), i32(a[8]), real(a[9]), i32(a[10]), real(a[11]))
SIMPLE(target, say_integer, i32(a[0]), i32(a[1]))

static void check_noop(struct call *call)
{
    (void)call;
    CALL(noop)();
    fputs(" done", out);
}

static void check_add_i32_checked(struct call *call)
{
    int32_t sum = 0;
    say_truth(CALL(add_i32_checked)(i32(call->args[0]), i32(call->args[1]), &sum));
    say_integer(sum);
}

static void check_add_i64_checked(struct call *call)
{
    int64_t sum = 0;
    say_truth(CALL(add_i64_checked)(integer(call->args[0]), integer(call->args[1]), &sum));
    say_integer(sum);
}

static void check_text(struct call *call, size_t (*length)(const char *))
{
    struct text text;
    read_text(call, 0, &text);
    say_natural(length(text.bytes));
}

static void check_str_length(struct call *call)
{
    check_text(call, CALL(str_length));
}

static void check_str_length_utf8(struct call *call)
{
    check_text(call, CALL(str_length_utf8));
}

static void check_str_identity(struct call *call)
{
    struct text text;
    read_text(call, 0, &text);
    say_text(CALL(str_identity)(text.bytes));
}

static void check_str_concat(struct call *call)
{
    struct text one, other;
    read_text(call, 0, &one);
    read_text(call, 1, &other);
    char *both = CALL(str_concat)(one.bytes, other.bytes);
    say_text(both != NULL ? both : "");
    CALL(free)(both);
}

static void check_bytes_count_nul(struct call *call)
{
    struct text text;
    read_text(call, 0, &text);
    say_natural(CALL(bytes_count_nul)((const uint8_t *)text.bytes, text.size));
}

static struct array one, other, result; /* too large for some stacks */

static void check_array_sum(struct call *call)
{
    read_array(call, 0, &one);
    say_double(CALL(array_sum)(one.values, one.n));
}

static void check_array_scale(struct call *call)
{
    read_array(call, 0, &one);
    CALL(array_scale)(one.values, one.n, real(call->args[1]));
    say_array(one.values, one.n);
}

static void check_array_sum_strided(struct call *call)
{
    size_t n = natural(call->args[1]), stride = natural(call->args[2]);
    read_array(call, 0, &one);
    if (n > one.n || (n > 1 && stride > (one.n - 1) / (n - 1))) {
        call->wrong = true;
        return;
    }
    say_double(CALL(array_sum_strided)(one.values, n, stride));
}

static void check_array_fill_i32(struct call *call)
{
    static int32_t values[ELEMENTS_MAX];
    size_t n = natural(call->args[0]);
    if (n > ELEMENTS_MAX) {
        call->wrong = true;
        return;
    }
    CALL(array_fill_i32)(values, n, i32(call->args[1]));
    fputs(n == 0 ? " -" : "", out);
    for (size_t i = 0; i < n; i++) {
        fprintf(out, "%c%" PRId32, i == 0 ? ' ' : ',', values[i]);
    }
}

static void check_point_add(struct call *call)
{
    struct bl_point a = {real(call->args[0]), real(call->args[1])},
                    b = {real(call->args[2]), real(call->args[3])};
    struct bl_point sum = CALL(point_add)(a, b);
    say_double(sum.x);
    say_double(sum.y);
}

static void check_point_norm2(struct call *call)
{
    struct bl_point point = {real(call->args[0]), real(call->args[1])};
    say_double(CALL(point_norm2)(&point));
}

static void check_record_sum(struct call *call)
{
    struct bl_record record = {.id = integer(call->args[0])};
    struct text name;
    read_array(call, 1, &one);
    read_array(call, 2, &other);
    read_text(call, 3, &name);
    if (one.n != 8 || other.n != 6 || name.size >= sizeof(record.name)) {
        call->wrong = true;
        return;
    }
    memcpy(record.values, one.values, sizeof(record.values));
    for (size_t i = 0; i < other.n; i++) {
        call->wrong |= !(other.values[i] >= INT32_MIN && other.values[i] <= INT32_MAX);
        record.counts[i] = call->wrong ? 0 : (int32_t)other.values[i];
    }
    memcpy(record.name, name.bytes, name.size + 1);
    say_double(CALL(record_sum)(&record));
}

static void check_block_make(struct call *call)
{
    struct bl_block block = CALL(block_make)(natural(call->args[0]));
    for (size_t i = 0; i < sizeof(block.words) / sizeof(block.words[0]); i++) {
        fprintf(out, "%c%" PRIu64, i == 0 ? ' ' : ',', block.words[i]);
    }
}

static void check_callback_iterate(struct call *call)
{
    struct side_iteration iteration = {.stop = natural(call->args[1])};
    say_natural(CALL(callback_iterate)(side_until, natural(call->args[0]), &iteration));
    say_natural(iteration.sum);
}

static void check_callback_transform(struct call *call)
{
    read_array(call, 0, &one);
    CALL(callback_transform)(one.values, one.n, side_minus);
    say_array(one.values, one.n);
}

static void say_memory(unsigned char *memory, uint64_t alignment, uint64_t size)
{
    if (memory == NULL) {
        fputs(" null", out);
        return;
    }
    memset(memory, 0xa5, size);
    bool fine = (size == 0 || memory[size - 1] == 0xa5) && (uintptr_t)memory % alignment == 0;
    fputs(fine ? " ok" : " wrong", out);
    CALL(free)(memory);
}

static void check_alloc(struct call *call)
{
    uint64_t size = natural(call->args[0]);
    say_memory(CALL(alloc)(size), 1, size);
}

static void check_alloc_aligned(struct call *call)
{
    uint64_t alignment = natural(call->args[0]), size = natural(call->args[1]);
    say_memory(CALL(alloc_aligned)(alignment, size), alignment, size);
}

static void check_matmul(struct call *call)
{
    size_t n = natural(call->args[0]);
    read_array(call, 1, &one);
    read_array(call, 2, &other);
    if (n > 64 || one.n != n * n || other.n != n * n) {
        call->wrong = true;
        return;
    }
    CALL(matmul)(one.values, other.values, result.values, n);
    say_array(result.values, n * n);
}

static void read_two(struct call *call)
{
    read_array(call, 0, &one);
    read_array(call, 1, &other);
    call->wrong |= one.n != other.n;
    one.n = call->wrong ? 0 : one.n;
}

static void check_dot(struct call *call)
{
    read_two(call);
    say_double(CALL(dot)(one.values, other.values, one.n));
}

static void check_vector_add(struct call *call)
{
    read_two(call);
    CALL(vector_add)(one.values, other.values, result.values, one.n);
    say_array(result.values, one.n);
}

static void check_norm(struct call *call)
{
    read_array(call, 0, &one);
    say_double(CALL(norm)(one.values, one.n));
}

static void check_pairs(struct call *call)
{
    read_array(call, 0, &one);
    say_double(CALL(pairs)(one.values, one.n));
}

static void check_targets(struct call *call)
{
    for (size_t i = 0; i < 100; i++) {
        fprintf(out, "%c%" PRId32, i == 0 ? ' ' : ',', side_targets[i](i32(call->args[0])));
    }
}

static const struct {
    const char *name;
    unsigned args;
    void (*run)(struct call *call);
} calls[] = {
    {"noop", 0, check_noop},
    {"return_int", 0, check_return_int},
    {"return_int64", 0, check_return_int64},
    {"return_bool", 0, check_return_bool},
    {"return_double", 0, check_return_double},
    {"add_i32", 2, check_add_i32},
    {"add_i64", 2, check_add_i64},
    {"add_u32", 2, check_add_u32},
    {"add_u64", 2, check_add_u64},
    {"add_f32", 2, check_add_f32},
    {"add_f64", 2, check_add_f64},
    {"mul_f64", 2, check_mul_f64},
    {"mul_i32", 2, check_mul_i32},
    {"mul_i64", 2, check_mul_i64},
    {"add_i32_checked", 2, check_add_i32_checked},
    {"add_i64_checked", 2, check_add_i64_checked},
    {"and", 2, check_and},
    {"not", 1, check_not},
    {"xor_u64", 2, check_xor_u64},
    {"str_length", 1, check_str_length},
    {"str_length_utf8", 1, check_str_length_utf8},
    {"str_identity", 1, check_str_identity},
    {"str_concat", 2, check_str_concat},
    {"bytes_count_nul", 1, check_bytes_count_nul},
    {"array_sum", 1, check_array_sum},
    {"array_scale", 2, check_array_scale},
    {"array_sum_strided", 3, check_array_sum_strided},
    {"array_fill_i32", 2, check_array_fill_i32},
    {"point_add", 4, check_point_add},
    {"point_norm2", 2, check_point_norm2},
    {"record_sum", 4, check_record_sum},
    {"block_make", 1, check_block_make},
    {"callback_once", 1, check_callback_once},
    {"callback_iterate", 2, check_callback_iterate},
    {"callback_transform", 1, check_callback_transform},
    {"alloc", 1, check_alloc},
    {"alloc_aligned", 2, check_alloc_aligned},
    {"matmul", 3, check_matmul},
    {"dot", 2, check_dot},
    {"vector_add", 2, check_vector_add},
    {"norm", 1, check_norm},
    {"pairs", 1, check_pairs},
    {"args_8i", 8, check_args_8i},
    {"args_12mixed", 12, check_args_12mixed},
    {"target", 2, check_target},
    {"targets", 1, check_targets},
};

/* Makes the call of a line: 0, or 1 after an error, which it says. */
static int run_line(char *line)
{
    struct call call = {.count = 0};
    char *equals = strstr(line, " =");
    if (equals != NULL) {
        *equals = '\0';
    }
    fprintf(out, "%s =", line);
    const char *name = strsep(&line, " ");
    for (char *word; call.count < ARGS_MAX && (word = strsep(&line, " ")) != NULL;) {
        call.args[call.count++] = word;
    }
    for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
        if (strcmp(calls[i].name, name) == 0) {
            call.wrong = call.count != calls[i].args || line != NULL;
            if (!call.wrong) {
                calls[i].run(&call);
            }
            fputc('\n', out);
            if (call.wrong) {
                fprintf(stderr, "%s: the arguments are not those of this function\n", name);
            }
            return call.wrong;
        }
    }
    fputc('\n', out);
    fprintf(stderr, "%s: unknown\n", name);
    return 1;
}

int side_check(void)
{
    char *line = NULL;
    size_t room = 0;
    ssize_t size;
    int code = 0;
    out = stdout;
    while (code == 0 && (size = getline(&line, &room, stdin)) > 0) {
        line[size - (line[size - 1] == '\n')] = '\0';
        if (*line != '\0' && *line != '#') {
            code = run_line(line);
        }
    }
    free(line);
    if (fflush(stdout) != 0) {
        fprintf(stderr, "standard output cannot be written\n");
        code = 2;
    }
    return code;
}

/* Whether the line has the result that its call gives: 0, 1 if not, which it says, or 2. */
static int verify_line(const char *line)
{
    char *said = NULL, *copy = strdup(line);
    size_t size = 0;
    out = open_memstream(&said, &size);
    int code = copy == NULL || out == NULL ? 2 : run_line(copy);
    if (out != NULL && fclose(out) != 0) {
        code = 2;
    }
    if (code == 0 && (size != strlen(line) + 1 || memcmp(said, line, size - 1) != 0)) {
        fprintf(stderr, "it gives %.*s, where vectors.txt has %s\n", (int)(size - 1), said, line);
        code = 1;
    } else if (code == 2) {
        fprintf(stderr, "not enough memory\n");
    }
    free(copy);
    free(said);
    return code;
}

int side_verify(const char *vectors)
{
    FILE *in = fopen(vectors, "re");
    if (in == NULL) {
        fprintf(stderr, "%s: %s\n", vectors, strerror(errno));
        return 2;
    }
    char *line = NULL;
    size_t room = 0;
    ssize_t size;
    int code = 0;
    while (code == 0 && (size = getline(&line, &room, in)) > 0) {
        line[size - (line[size - 1] == '\n')] = '\0';
        if (*line != '\0' && *line != '#') {
            code = verify_line(line);
        }
    }
    free(line);
    fclose(in);
    return code;
}
