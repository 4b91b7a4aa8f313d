/* SPDX-License-Identifier: MIT */
/* Results for tests: made up, but whole. Without memory they abort. */
#ifndef TARE_TESTS_SAMPLE_RESULT_H
#define TARE_TESTS_SAMPLE_RESULT_H

#include "result/model.h"

/* Every member of the model is set to something that is not its default. The caller frees it. */
struct tare_result *sample_result_full(void);

/* For tables: two modules that take turns, a recursion, a timer without calls; no losses, one process. */
struct tare_result *sample_result_table(void);

/*
 * Of kind "bench": two benchmarks with arms A, A' and B, every member of the first set; the second bare; a
 * growth.
 */
struct tare_result *sample_result_bench(void);

/* A copy that must not fail. */
char *sample_string(const char *text);

#endif
