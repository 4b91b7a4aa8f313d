/* SPDX-License-Identifier: MIT */
/* Results of kind "bench" for tests of what shows them: made up, in parts. Without memory they abort. */
#ifndef TARE_TESTS_SAMPLE_BENCH_H
#define TARE_TESTS_SAMPLE_BENCH_H

#include "result/model.h"

/* Without a benchmark: settings as by default, a confidence of 95 %. The caller frees it. */
struct tare_result *sample_bench(void);

/* A benchmark with one arm, A, of 30 values around `median_ns`, 0.4 % to each side of it. */
struct tare_result_benchmark *sample_bench_single(struct tare_result *result, const char *name,
                                                  double median_ns);

/* One with arms A, A' and B, of 40 rounds, and nothing compared yet. B takes `ratio` of A's time. */
struct tare_result_benchmark *sample_bench_compared(struct tare_result *result, const char *name,
                                                    double median_ns, double ratio);

/* Compares the arm `arm` of it with A; the control shows nothing. */
struct tare_comparison *sample_bench_compare(struct tare_result_benchmark *benchmark, unsigned arm,
                                             enum tare_verdict verdict, double ratio, double low, double high);

/* A benchmark with one arm of just these values, and the true summary of them. */
struct tare_result_arm *sample_bench_values(struct tare_result *result, const char *name,
                                            const double *values_ns, size_t count);

#endif
