/* SPDX-License-Identifier: MIT */
/* What the benchmarks of calls do in which C works, allocates, or calls back. */
#include "suites/ffi/ffi.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct suite_case callbacks[] = {
    {.bench = "callback_once", .about = "C calls a function of the language once"},
    {.bench = "callback_iterate", .about = "C calls a function of the language so many times", .slow = true},
    {.bench = "callback_iterate_stop",
     .about = "the same, but the function says at its tenth call that it is enough",
     .slow = true},
    {.bench = "callback_transform",
     .about = "C replaces each of so many doubles by what a function of the language makes of it",
     .slow = true},
};

const struct suite_group ffi_callbacks = {
    .name = "Callbacks",
    .about = "calls in which C calls back: the C side has the calls back in it",
    .cases = callbacks,
    .count = COUNT(callbacks),
};

static const struct suite_case memory[] = {
    {.bench = "alloc_free", .about = "allocates so many bytes, and frees them: two calls", .slow = true},
    {.bench = "alloc_aligned_free",
     .about = "allocates 4096 bytes at a multiple of so many, and frees them: two calls",
     .slow = true},
};

const struct suite_group ffi_memory = {
    .name = "Memory",
    .about = "calls of C's allocator",
    .cases = memory,
    .count = COUNT(memory),
};

static const struct suite_case compute[] = {
    {.bench = "matmul", .about = "product of two matrices of so many rows and columns", .slow = true},
    {.bench = "matmul_copied", .about = "the same, copied there and back for each call", .slow = true},
    {.bench = "matmul_numpy", .about = "the same, of NumPy arrays", .slow = true},
    {.bench = "dot", .about = "scalar product of two vectors of so many doubles", .slow = true},
    {.bench = "dot_copied", .about = "the same, with copies of the vectors for each call", .slow = true},
    {.bench = "dot_numpy", .about = "the same, of NumPy arrays", .slow = true},
    {.bench = "vector_add", .about = "sum of two vectors of so many doubles, into a third", .slow = true},
    {.bench = "vector_add_copied", .about = "the same, copied there and back for each call", .slow = true},
    {.bench = "vector_add_numpy", .about = "the same, of NumPy arrays", .slow = true},
    {.bench = "norm", .about = "Euclidean norm of a vector of so many doubles", .slow = true},
    {.bench = "norm_copied", .about = "the same, with a copy of the vector for each call", .slow = true},
    {.bench = "norm_numpy", .about = "the same, of a NumPy array", .slow = true},
    {.bench = "pairs",
     .about = "sum over all pairs of so many doubles of how far they are apart: n (n - 1) / 2 steps",
     .slow = true},
    {.bench = "pairs_copied", .about = "the same, with a copy of the array for each call", .slow = true},
    {.bench = "pairs_numpy", .about = "the same, of a NumPy array", .slow = true},
};

const struct suite_group ffi_compute = {
    .name = "Compute",
    .about = "calls in which C has work to do, by size: where the crossing stops to matter",
    .cases = compute,
    .count = COUNT(compute),
};
