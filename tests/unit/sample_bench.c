/* SPDX-License-Identifier: MIT */
#include "tests/unit/sample_bench.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/sample_result.h"

static void *must(void *memory)
{
    if (memory == NULL) {
        abort();
    }
    return memory;
}

struct tare_result *sample_bench(void)
{
    struct tare_result *result = must(tare_result_new());
    free(result->kind);
    result->kind = sample_string("bench");
    result->confidence = 0.95;
    result->environment.cpu_count = 2;
    if (result->bench == NULL) {
        result->bench = must(tare_result_bench_new());
    }
    result->bench->settings = (struct tare_result_bench_settings){
        .time_s = 10,
        .margin = 0.01,
        .alpha = 0.002,
        .control_alpha = 0.01,
        .comparisons = 1,
        .block_ns = 5e6,
        .seed = 42,
        .pin = -1,
    };
    return result;
}

static struct tare_result_arm *add_arm(struct tare_result_benchmark *benchmark, const char *label,
                                       const char *what, double median_ns, size_t n)
{
    struct tare_result_arm *arm = must(tare_result_add_arm(benchmark, label, what));
    arm->control = strchr(label, '\'') != NULL;
    arm->summary = (struct tare_summary){
        .n = n,
        .median = median_ns,
        .median_low = median_ns * 0.996,
        .median_high = median_ns * 1.004,
        .mad = median_ns * 0.01,
        .mean = median_ns * 1.01,
        .sd = median_ns * 0.03,
        .cv = 0.03,
        .min = median_ns * 0.98,
        .max = median_ns * 1.5,
        .p50 = median_ns,
        .p95 = median_ns * 1.02,
        .p99 = median_ns * 1.05,
        .outliers[TARE_OUTLIER_NORMAL] = n,
        .modes = {.dip = 0.03, .p = 0.6, .count = 1},
    };
    return arm;
}

static void see_rounds(struct tare_result_benchmark *benchmark, uint64_t rounds)
{
    benchmark->spent_ns = 4.2e9;
    benchmark->contamination = (struct tare_result_contamination){
        .rounds = rounds,
        .threshold = 0.1,
        .steal_ns = 4e6,
        .wait_ns = 8e6,
        .measured_ns = 4e9,
        .wall_ns = 2e9,
        .involuntary = 12,
        .migrations = 1,
        .pressure_ns = 5e7,
        .frequency_low_hz = 2.59e9,
        .frequency_high_hz = 2.61e9,
    };
}

struct tare_result_benchmark *sample_bench_single(struct tare_result *result, const char *name,
                                                  double median_ns)
{
    struct tare_result_benchmark *benchmark = must(tare_result_add_benchmark(result->bench, name));
    add_arm(benchmark, "A", "./ring_bench", median_ns, 30);
    see_rounds(benchmark, 30);
    return benchmark;
}

struct tare_result_benchmark *sample_bench_compared(struct tare_result *result, const char *name,
                                                    double median_ns, double ratio)
{
    struct tare_result_benchmark *benchmark = must(tare_result_add_benchmark(result->bench, name));
    add_arm(benchmark, "A", "./old/ring_bench", median_ns, 40);
    add_arm(benchmark, "A'", "./old/ring_bench", median_ns, 40);
    add_arm(benchmark, "B", "./new/ring_bench", median_ns * ratio, 40);
    see_rounds(benchmark, 40);
    return benchmark;
}

struct tare_comparison *sample_bench_compare(struct tare_result_benchmark *benchmark, unsigned arm,
                                             enum tare_verdict verdict, double ratio, double low, double high)
{
    struct tare_result_comparison *found = must(tare_result_add_comparison(benchmark, arm));
    struct tare_comparison *comparison = &found->comparison;
    *comparison = (struct tare_comparison){
        .verdict = verdict,
        .within_margin = low > 0.99 && high < 1.01,
        .units = 20,
        .ratio = ratio,
        .low = low,
        .high = high,
        .confidence = 0.9998,
        .control_ratio = 1.001,
        .control_low = 0.998,
        .control_high = 1.003,
        .smallest = NAN,
        .units_needed = NAN,
        .layouts_needed = NAN,
        .units_effective = 20,
    };
    found->decided_early = verdict == TARE_VERDICT_FASTER || verdict == TARE_VERDICT_SLOWER;
    return comparison;
}

struct tare_result_arm *sample_bench_values(struct tare_result *result, const char *name,
                                            const double *values_ns, size_t count)
{
    struct tare_result_benchmark *benchmark = must(tare_result_add_benchmark(result->bench, name));
    struct tare_result_arm *arm = must(tare_result_add_arm(benchmark, "A", "./ring_bench"));
    double *copy = must(calloc(count + 1, sizeof *copy));
    for (size_t i = 0; i < count; i++) {
        copy[i] = values_ns[i];
        if (tare_result_add_value(arm, values_ns[i], (uint32_t)i + 1) != 0) {
            abort();
        }
    }
    if (tare_summary_of(copy, count, 0.95, 0, &arm->summary) != 0) {
        abort();
    }
    free(copy);
    return arm;
}
