/* SPDX-License-Identifier: MIT */
/* What the benchmarks of calls with data do: strings, arrays, structs, with and without copies. */
#include "suites/ffi/ffi.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct suite_case strings[] = {
    {.bench = "str_length", .about = "length of a text of so many bytes, which exists as bytes"},
    {.bench = "str_length_copied",
     .about = "the same, of the language's own string, encoded for each call",
     .slow = true},
    {.bench = "str_length_utf8",
     .about = "number of code points of a text of so many bytes, two for each",
     .slow = true},
    {.bench = "str_length_utf8_copied",
     .about = "the same, of the language's own string, encoded for each call",
     .slow = true},
    {.bench = "str_identity", .about = "gives a text and gets it back as a pointer", .slow = true},
    {.bench = "str_identity_copied", .about = "the same, from and to the language's own string", .slow = true},
    {.bench = "str_concat",
     .about = "two texts of so many bytes become one in new memory, that one the language's own string, and "
              "the memory "
              "is freed",
     .slow = true},
    {.bench = "bytes_count_nul", .about = "counts the zeros in so many bytes", .slow = true},
    {.bench = "bytes_count_nul_copied",
     .about = "the same, with a copy of the bytes for each call",
     .slow = true},
};

const struct suite_group ffi_strings = {
    .name = "Strings",
    .about = "calls with text in UTF-8, and with bytes",
    .cases = strings,
    .count = COUNT(strings),
};

static const struct suite_case arrays[] = {
    {.bench = "array_sum", .about = "sum of so many doubles, in the language's own memory"},
    {.bench = "array_sum_copied", .about = "the same, with a copy of the array for each call"},
    {.bench = "array_sum_list",
     .about = "the same, of a list of objects, converted for each call",
     .slow = true},
    {.bench = "array_sum_numpy",
     .about = "the same, of a NumPy array (in C: the plain call, to compare with)",
     .slow = true},
    {.bench = "array_scale", .about = "multiplies so many doubles in place", .slow = true},
    {.bench = "array_scale_copied", .about = "the same, copied there and back for each call", .slow = true},
    {.bench = "array_scale_numpy", .about = "the same, in a NumPy array", .slow = true},
    {.bench = "array_sum_strided", .about = "sum of every fourth of four times so many doubles", .slow = true},
    {.bench = "array_sum_strided_copied",
     .about = "the same, with a copy of the array for each call",
     .slow = true},
    {.bench = "array_sum_strided_numpy", .about = "the same, of a NumPy array", .slow = true},
    {.bench = "array_fill_i32", .about = "fills so many int32", .slow = true},
    {.bench = "array_fill_i32_copied",
     .about = "the same, in new memory for each call, and copied back",
     .slow = true},
    {.bench = "array_fill_i32_numpy", .about = "the same, of a NumPy array", .slow = true},
};

const struct suite_group ffi_arrays = {
    .name = "Arrays",
    .about = "calls with memory that C reads or writes",
    .cases = arrays,
    .count = COUNT(arrays),
};

static const struct suite_case structs[] = {
    {.bench = "point_add", .about = "two structs of 16 bytes by value, and one as result"},
    {.bench = "point_norm2", .about = "a struct of 16 bytes by pointer", .slow = true},
    {.bench = "point_norm2_copied", .about = "the same, with a copy of the struct for each call", .slow = true},
    {.bench = "record_sum",
     .about = "a struct of 112 bytes, with arrays and text in it, by pointer",
     .slow = true},
    {.bench = "record_sum_copied", .about = "the same, with a copy of the struct for each call", .slow = true},
    {.bench = "block_make",
     .about = "a struct of 128 bytes as result, of which one word is fetched",
     .slow = true},
};

const struct suite_group ffi_structs = {
    .name = "Structs",
    .about = "calls with structs by value and by pointer",
    .cases = structs,
    .count = COUNT(structs),
};
