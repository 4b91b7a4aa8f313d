/* SPDX-License-Identifier: MIT */
/*
 * What `tare bench` found, in memory: making, growing and freeing it. The arrays grow as result/grow.h says:
 * what appends must go through the functions below.
 */
#include "result/benchmarks.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "result/grow.h"
#include "result/model.h"

const char *const tare_per_op_names[TARE_PER_OPS] = {
    [TARE_PER_OP_SYSCALLS] = "syscalls",
    [TARE_PER_OP_PAGE_FAULTS] = "page_faults",
    [TARE_PER_OP_CONTEXT_SWITCHES] = "context_switches",
    [TARE_PER_OP_ALLOCATIONS] = "allocations",
    [TARE_PER_OP_ALLOCATED_BYTES] = "allocated_bytes",
    [TARE_PER_OP_CYCLES] = "cycles",
    [TARE_PER_OP_INSTRUCTIONS] = "instructions",
    [TARE_PER_OP_BRANCHES] = "branches",
    [TARE_PER_OP_BRANCH_MISSES] = "branch_misses",
    [TARE_PER_OP_CACHE_REFERENCES] = "cache_references",
    [TARE_PER_OP_CACHE_MISSES] = "cache_misses",
    [TARE_PER_OP_VALGRIND_INSTRUCTIONS] = "valgrind_instructions",
    [TARE_PER_OP_USER_NS] = "user_ns",
    [TARE_PER_OP_SYSTEM_NS] = "system_ns",
};

static const struct tare_summary summary_unknown = {
    .median = NAN,
    .median_low = NAN,
    .median_high = NAN,
    .mad = NAN,
    .mean = NAN,
    .sd = NAN,
    .cv = NAN,
    .min = NAN,
    .max = NAN,
    .p50 = NAN,
    .p95 = NAN,
    .p99 = NAN,
    .modes = {.dip = NAN, .p = NAN, .grain = NAN},
};

static const struct tare_comparison comparison_unknown = {
    .verdict = TARE_VERDICT_UNRESOLVED,
    .ratio = NAN,
    .low = NAN,
    .high = NAN,
    .confidence = NAN,
    .control_ratio = NAN,
    .control_low = NAN,
    .control_high = NAN,
    .smallest = NAN,
    .units_needed = NAN,
    .layouts_needed = NAN,
    .units_effective = NAN,
};

static const struct tare_result_contamination contamination_unknown = {
    .threshold = NAN,
    .steal_ns = NAN,
    .wait_ns = NAN,
    .measured_ns = NAN,
    .wall_ns = NAN,
    .involuntary = TARE_COUNT_UNKNOWN,
    .migrations = TARE_COUNT_UNKNOWN,
    .pressure_ns = NAN,
    .frequency_low_hz = NAN,
    .frequency_high_hz = NAN,
};

struct tare_result_bench *tare_result_bench_new(void)
{
    struct tare_result_bench *bench = calloc(1, sizeof *bench);
    if (bench != NULL) {
        bench->settings.time_s = bench->settings.block_ns = NAN;
        bench->settings.margin = bench->settings.alpha = bench->settings.control_alpha = NAN;
        bench->settings.pin = -1;
    }
    return bench;
}

bool tare_result_is_skip(const char *failure)
{
    static const char skipped[] = "skipped: "; /* BENCH_SKIPPED of harness/lines.h */
    return failure != NULL && strncmp(failure, skipped, sizeof skipped - 1) == 0;
}

void tare_result_drop_inner_timers(struct tare_result_arm *arm)
{
    for (size_t i = 0; i < arm->timer_count; i++) {
        free(arm->timers[i].module);
        free(arm->timers[i].name);
    }
    free(arm->timers);
    arm->timers = NULL;
    arm->timer_count = 0;
}

static void release_arm(struct tare_result_arm *arm)
{
    tare_result_drop_inner_timers(arm);
    free(arm->label);
    free(arm->what);
    free(arm->revision);
    free(arm->failure);
    free(arm->values_ns);
    free(arm->rounds);
    free(arm->dropped);
}

static void release_benchmark(struct tare_result_benchmark *benchmark)
{
    for (size_t i = 0; i < benchmark->arm_count; i++) {
        release_arm(&benchmark->arms[i]);
    }
    free(benchmark->arms);
    for (size_t i = 0; i < benchmark->comparison_count; i++) {
        free(benchmark->comparisons[i].reason);
    }
    free(benchmark->comparisons);
    free(benchmark->name);
    free(benchmark->bench);
    free(benchmark->args);
    free(benchmark->file);
    free(benchmark->contamination.each);
}

void tare_result_bench_free(struct tare_result_bench *bench)
{
    if (bench == NULL) {
        return;
    }
    for (size_t i = 0; i < bench->benchmark_count; i++) {
        release_benchmark(&bench->benchmarks[i]);
    }
    free(bench->benchmarks);
    for (size_t i = 0; i < bench->growth_count; i++) {
        free(bench->growths[i].bench);
    }
    free(bench->growths);
    free(bench->ended_by);
    free(bench);
}

struct tare_result_benchmark *tare_result_add_benchmark(struct tare_result_bench *bench, const char *name)
{
    char *copy = strdup(name);
    struct tare_result_benchmark *grown = NULL;
    if (copy != NULL) {
        grown = tare__result_grow(bench->benchmarks, bench->benchmark_count, sizeof *grown);
    }
    if (grown == NULL) {
        free(copy);
        return NULL;
    }
    bench->benchmarks = grown;
    struct tare_result_benchmark *benchmark = &grown[bench->benchmark_count++];
    *benchmark = (struct tare_result_benchmark){
        .name = copy,
        .threads = 1,
        .contamination = contamination_unknown,
        .spent_ns = NAN,
        .layouts = 1,
    };
    return benchmark;
}

struct tare_result_round *tare_result_add_round(struct tare_result_benchmark *benchmark)
{
    struct tare_result_contamination *seen = &benchmark->contamination;
    struct tare_result_round *grown = tare__result_grow(seen->each, seen->each_count, sizeof *grown);
    if (grown == NULL) {
        return NULL;
    }
    seen->each = grown;
    struct tare_result_round *round = &grown[seen->each_count++];
    *round = (struct tare_result_round){.wall_ns = NAN,
                                        .steal_ns = NAN,
                                        .wait_ns = NAN,
                                        .measured_ns = NAN,
                                        .pressure_ns = NAN,
                                        .frequency_hz = NAN,
                                        .involuntary = TARE_COUNT_UNKNOWN,
                                        .migrations = TARE_COUNT_UNKNOWN};
    return round;
}

int tare_result_set_args(struct tare_result_benchmark *benchmark, const double *args, size_t count)
{
    double *copy = NULL;
    if (count > 0) {
        copy = reallocarray(NULL, count, sizeof *copy);
        if (copy == NULL) {
            return -ENOMEM;
        }
        memcpy(copy, args, count * sizeof *copy);
    }
    free(benchmark->args);
    benchmark->args = copy;
    benchmark->arg_count = count;
    return 0;
}

struct tare_result_arm *tare_result_add_arm(struct tare_result_benchmark *benchmark, const char *label,
                                            const char *what)
{
    char *label_copy = strdup(label);
    char *what_copy = strdup(what);
    struct tare_result_arm *grown = NULL;
    if (label_copy != NULL && what_copy != NULL) {
        grown = tare__result_grow(benchmark->arms, benchmark->arm_count, sizeof *grown);
    }
    if (grown == NULL) {
        free(label_copy);
        free(what_copy);
        return NULL;
    }
    benchmark->arms = grown;
    struct tare_result_arm *arm = &grown[benchmark->arm_count++];
    *arm = (struct tare_result_arm){
        .label = label_copy,
        .what = what_copy,
        .exit_code = -1,
        .summary = summary_unknown,
        .first_ns = NAN,
        .warmup = TARE_COUNT_UNKNOWN,
        .warmup_settled = -1,
        .loop_ns = NAN,
        .start_ns = NAN,
        .bytes_per_op = NAN,
        .items_per_op = NAN,
    };
    for (int i = 0; i < TARE_PER_OPS; i++) {
        arm->per_op[i] = NAN;
    }
    return arm;
}

struct tare_result_comparison *tare_result_add_comparison(struct tare_result_benchmark *benchmark, unsigned arm)
{
    struct tare_result_comparison *grown =
        tare__result_grow(benchmark->comparisons, benchmark->comparison_count, sizeof *grown);
    if (grown == NULL) {
        return NULL;
    }
    benchmark->comparisons = grown;
    struct tare_result_comparison *comparison = &grown[benchmark->comparison_count++];
    *comparison = (struct tare_result_comparison){.arm = arm, .comparison = comparison_unknown};
    return comparison;
}

struct tare_result_growth *tare_result_add_growth(struct tare_result_bench *bench, const char *benchmark)
{
    char *copy = strdup(benchmark);
    struct tare_result_growth *grown = NULL;
    if (copy != NULL) {
        grown = tare__result_grow(bench->growths, bench->growth_count, sizeof *grown);
    }
    if (grown == NULL) {
        free(copy);
        return NULL;
    }
    bench->growths = grown;
    struct tare_result_growth *growth = &grown[bench->growth_count++];
    *growth = (struct tare_result_growth){
        .bench = copy,
        .growth = {.base = NAN, .factor = NAN, .error = NAN, .exponent = NAN},
    };
    return growth;
}

struct tare_result_inner_timer *tare_result_add_inner_timer(struct tare_result_arm *arm, const char *module,
                                                            const char *name)
{
    char *module_copy = strdup(module);
    char *name_copy = strdup(name);
    struct tare_result_inner_timer *grown = NULL;
    if (module_copy != NULL && name_copy != NULL) {
        grown = tare__result_grow(arm->timers, arm->timer_count, sizeof *grown);
    }
    if (grown == NULL) {
        free(module_copy);
        free(name_copy);
        return NULL;
    }
    arm->timers = grown;
    struct tare_result_inner_timer *timer = &grown[arm->timer_count++];
    *timer = (struct tare_result_inner_timer){
        .module = module_copy, .name = name_copy, .calls = NAN, .net_ns = NAN, .net_error_ns = NAN, .net_p50_ns = NAN, .net_p50_error_ns = NAN, .net_p99_ns = NAN};
    return timer;
}

int tare_result_add_value(struct tare_result_arm *arm, double value_ns, uint32_t round)
{
    /* One that has grown when the next cannot is no harm: it is asked again for the same room. */
    double *values_ns = tare__result_grow(arm->values_ns, arm->value_count, sizeof *values_ns);
    if (values_ns == NULL) {
        return -ENOMEM;
    }
    arm->values_ns = values_ns;
    uint32_t *rounds = tare__result_grow(arm->rounds, arm->value_count, sizeof *rounds);
    if (rounds == NULL) {
        return -ENOMEM;
    }
    arm->rounds = rounds;
    bool *dropped = tare__result_grow(arm->dropped, arm->value_count, sizeof *dropped);
    if (dropped == NULL) {
        return -ENOMEM;
    }
    arm->dropped = dropped;
    values_ns[arm->value_count] = value_ns;
    rounds[arm->value_count] = round;
    dropped[arm->value_count] = false;
    arm->value_count++;
    return 0;
}

const struct tare_result_benchmark *tare_result_find_benchmark(const struct tare_result_bench *bench,
                                                               const char *name)
{
    for (size_t i = 0; bench != NULL && i < bench->benchmark_count; i++) {
        if (strcmp(bench->benchmarks[i].name, name) == 0) {
            return &bench->benchmarks[i];
        }
    }
    return NULL;
}
