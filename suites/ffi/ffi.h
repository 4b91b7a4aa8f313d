/* SPDX-License-Identifier: MIT */
/* The tables of the suite `ffi`: groups of benchmarks, each in a file about_*.c. README.md has their inputs. */
#ifndef TARE_SUITES_FFI_H
#define TARE_SUITES_FFI_H

#include "suites/suite.h"

extern const struct suite_group ffi_values, ffi_arithmetic, ffi_logic, ffi_arguments,
    ffi_dispatch;                                                       /* about_calls.c */
extern const struct suite_group ffi_strings, ffi_arrays, ffi_structs;   /* about_data.c */
extern const struct suite_group ffi_callbacks, ffi_memory, ffi_compute; /* about_work.c */

struct tare_result;

/* finish.c: crossings, crossovers, hypotheses; 0 or -ENOMEM. */
int suite_ffi_finish(struct tare_result *result);

#endif
