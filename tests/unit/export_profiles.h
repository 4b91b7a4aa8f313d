/* SPDX-License-Identifier: MIT */
/* Profiles for the tests of the exports: tests/unit/test_profile_exports.c, and tests/web/, where viewers open them. */
#ifndef TARE_TESTS_EXPORT_PROFILES_H
#define TARE_TESTS_EXPORT_PROFILES_H

#include "result/model.h"

/*
 * Two processes whose threads have the same name, kernel, inlined, JIT and unknown frames, timers, a stack that
 * goes on; 10 ms for each of 8 samples, with a pause in the first thread.
 *
 *     sort (100/100)    worker   0.010  main;sort_all;compare      timer sorting::sort
 *                                0.020  main;sort_all;compare      timer sorting::sort
 *                                0.030  main;sort_all;swap         (swap inlined into sort_all)
 *                                0.100  main;read_all;sys_read     (kernel)
 *     sort (100/101)    worker   0.015  start;[libc.so.6+0x1234]
 *     sort (200/200)    worker   0.010  main;sort_all;compare
 *                                0.020  main;[jit]
 *     none                       0.005  no stack, truncated
 */
struct tare_result *export_profile_small(void);

/* Names that mean something to formats, are no UTF-8, or are very long; each is the only function of a sample. */
struct tare_result *export_profile_hostile(void);
extern const char *const export_hostile_names[]; /* ends with NULL */

struct tare_result *export_profile_empty(void); /* nothing at all */
struct tare_result *export_profile_folded(
    void); /* as folded stacks are read: no thread, no time, unit "samples" */
struct tare_result *export_profile_heavy(void); /* cycles, with weights up to 2^64 - 1 */
/* A function that calls itself, and is called from here and there, by weights of 1 ms and of 1 ns. */
struct tare_result *export_profile_recursive(void);
/* `count` samples of 30 calls, in four threads. */
struct tare_result *export_profile_large(uint32_t count);

#endif
