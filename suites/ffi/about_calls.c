/* SPDX-License-Identifier: MIT */
/* What the benchmarks of calls with plain values do: the way there and back, and nothing to do. */
#include "suites/ffi/ffi.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct suite_case values[] = {
    {.bench = "noop", .about = "calls a function without arguments or result"},
    {.bench = "return_int", .about = "fetches an int32", .slow = true},
    {.bench = "return_int64", .about = "fetches an int64 beyond 2^32", .slow = true},
    {.bench = "return_bool", .about = "fetches a bool", .slow = true},
    {.bench = "return_double", .about = "fetches a double", .slow = true},
};

const struct suite_group ffi_values = {
    .name = "Nothing, and one value",
    .about = "calls of functions that do nothing but return",
    .cases = values,
    .count = COUNT(values),
};

static const struct suite_case arithmetic[] = {
    {.bench = "add_i32", .about = "adds two int32"},
    {.bench = "add_i64", .about = "adds two int64", .slow = true},
    {.bench = "add_u32", .about = "adds two uint32; it overflows", .slow = true},
    {.bench = "add_u64", .about = "adds two uint64 of which one is above 2^63 - 1", .slow = true},
    {.bench = "add_f32", .about = "adds two floats", .slow = true},
    {.bench = "add_f64", .about = "adds two doubles", .slow = true},
    {.bench = "mul_f64", .about = "multiplies two doubles", .slow = true},
    {.bench = "mul_i32", .about = "multiplies two int32; it overflows", .slow = true},
    {.bench = "mul_i64", .about = "multiplies two int64", .slow = true},
    {.bench = "add_i32_checked",
     .about = "adds two int32 into one by pointer, and fetches it and whether it is right",
     .slow = true},
    {.bench = "add_i64_checked",
     .about = "adds two int64 into one by pointer, and fetches it and whether it is right",
     .slow = true},
};

const struct suite_group ffi_arithmetic = {
    .name = "Arithmetic",
    .about = "calls with two arguments of each type",
    .cases = arithmetic,
    .count = COUNT(arithmetic),
};

static const struct suite_case logic[] = {
    {.bench = "and", .about = "'and' of two bools", .slow = true},
    {.bench = "not", .about = "'not' of a bool", .slow = true},
    {.bench = "xor_u64", .about = "'xor' of two uint64 of which one is above 2^63 - 1", .slow = true},
};

const struct suite_group ffi_logic = {
    .name = "Logic",
    .about = "calls with bools and bits",
    .cases = logic,
    .count = COUNT(logic),
};

static const struct suite_case arguments[] = {
    {.bench = "args_8i", .about = "adds eight int32: more than go into registers on x86_64", .slow = true},
    {.bench = "args_12mixed", .about = "adds six int32 and six doubles, in turns", .slow = true},
};

const struct suite_group ffi_arguments = {
    .name = "Many arguments",
    .about = "calls with more arguments than usual",
    .cases = arguments,
    .count = COUNT(arguments),
};

static const struct suite_case dispatch[] = {
    {.bench = "target",
     .about = "calls one function with a number from 0 to 99; C finds the target",
     .slow = true},
    {.bench = "dispatch_dict",
     .about = "finds one of 100 functions in the language's table by its number, and calls it"},
    {.bench = "dispatch_ifelse",
     .about = "finds one of 100 functions by a chain of comparisons with its number, and calls it"},
};

const struct suite_group ffi_dispatch = {
    .name = "Dispatch",
    .about = "calls of 100 targets in turn, each number as often as each other",
    .cases = dispatch,
    .count = COUNT(dispatch),
};
