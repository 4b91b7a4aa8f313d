/* SPDX-License-Identifier: MIT */
/* Results for tests. The figures mean nothing; most are chosen to be hard to write down exactly. */
#include "tests/unit/sample_result.h"

#include <float.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *must(void *memory)
{
    if (memory == NULL) {
        abort();
    }
    return memory;
}

char *sample_string(const char *text)
{
    return must(strdup(text));
}

static void add_buckets(struct tare_result_figures *figures)
{
    static const struct tare_result_bucket buckets[] = {
        {.low_ticks = 0, .width_ticks = 1, .count = 3},
        {.low_ticks = 96, .width_ticks = 4, .count = INT64_MAX},
        {.low_ticks = 100, .width_ticks = 4, .count = 9007199254740993}, /* 2^53 + 1 */
        {.low_ticks = UINT64_C(1) << 47, .width_ticks = UINT64_C(1) << 43, .count = 1},
    };
    figures->buckets = must(malloc(sizeof buckets));
    memcpy(figures->buckets, buckets, sizeof buckets);
    figures->bucket_count = sizeof buckets / sizeof buckets[0];
}

static void hard_figures(struct tare_result_figures *figures, double seed)
{
    figures->calls = INT64_MAX;
    figures->outermost_calls = 9007199254740993;
    figures->scopes_within = 17;
    figures->bytes = 4096;
    figures->has_ticks = true;
    figures->raw_total_ticks = INT64_MAX - 1;
    figures->raw_min_ticks = 1;
    figures->raw_max_ticks = 123456789;
    figures->raw_total_ns = seed / 3.0;
    figures->raw_avg_ns = 0.1;
    figures->raw_min_ns = DBL_TRUE_MIN;
    figures->raw_max_ns = DBL_MAX;
    figures->net_total_ns = -seed / 7.0;
    figures->net_avg_ns = -0.0;
    figures->net_avg_error_ns = 1e-9;
    figures->net_avg_low_ns = -1e-9;
    figures->net_avg_high_ns = 1.1e-9;
    figures->net_avg_limit_ns = 2e-9 / 3.0;
    for (int part = 0; part < TARE_ERROR_PARTS; part++) {
        figures->net_avg_error_part_ns[part] = 1e-9 / (part + 3);
    }
    figures->raw_p50_ns = 1.0 / 3.0;
    figures->raw_p90_ns = 2.0 / 3.0;
    figures->raw_p95_ns = 1e22;
    figures->raw_p99_ns = 123456789.123456789;
    figures->raw_p999_ns = 5;
    figures->net_p50_ns = -1.0 / 3.0;
    figures->net_p90_ns = 0.30000000000000004;
    figures->net_p95_ns = 4.35;
    figures->net_p99_ns = 9007199254740992.0;
    figures->net_p999_ns = 1.7976931348623155e+308;
    figures->p50_error_ns = 0.7;
    figures->p90_error_ns = 1.4;
    figures->p95_error_ns = 2.8;
    figures->p99_error_ns = 5.6;
    figures->p999_error_ns = 11.2;
    figures->measuring_ns = seed / 9.0;
    figures->measuring_share = 0.1 / seed;
    add_buckets(figures);
}

static void full_process(struct tare_result *result)
{
    struct tare_result_process *process = must(tare_result_add_process(result));
    process->pid = 4294967295;
    process->parent_pid = 1;
    process->executable = sample_string("/usr/bin/f\"oo\\");
    process->command = sample_string("foo --bar 'é'");
    process->end = TARE_END_SIGNALED;
    process->code = 9;
    process->threads = 3;
    process->wall_ns = 1234567.8901;
    process->lost_instruments = 1;
    process->lost_threads = 2;
    process->lost_scopes = 3;
    process->dropped_scopes = 4;
    struct tare_result_timer *timer = must(tare_result_process_add_timer(process, "m", "t"));
    hard_figures(&timer->figures, 5);
    process = must(tare_result_add_process(result));
    process->pid = 2;
    process->end = TARE_END_RUNNING;
}

static void full_clock(struct tare_result_clock *clock)
{
    clock->name = sample_string("tsc-ordered");
    clock->rate_hz = 2596100001.25;
    clock->rate_error_ppm = 0.3;
    clock->granularity_ns = 10.0148;
    clock->invariant_tsc = true;
    clock->counter_traps = 0;
    clock->watch_points = 12;
    clock->watched_ns = 1.1e9 / 3;
    clock->steps = 0;
    clock->step_ns = 0;
    clock->rate_change_ppm = 0.7;
    clock->suspended_ns = 12e9 / 7;
    clock->migrations = 3;
    clock->inner = (struct tare_result_cost){.median_ns = 22.3, .mad_ns = 0.1, .n = 64};
    clock->outer = (struct tare_result_cost){.median_ns = 39.0, .mad_ns = 0.2, .n = 65};
    clock->inner_at_exit = (struct tare_result_cost){.median_ns = 22.4, .mad_ns = 0.3, .n = 66};
    clock->outer_at_exit = (struct tare_result_cost){.median_ns = 39.1, .mad_ns = 0.4, .n = 67};
    clock->inner_empty = (struct tare_result_cost){.median_ns = 21.0, .mad_ns = 1.3, .n = 72};
    clock->inner_empty_at_exit = (struct tare_result_cost){.median_ns = 21.1, .mad_ns = 1.4, .n = 73};
    clock->inner_empty_in_run = (struct tare_result_cost){.median_ns = 21.2, .mad_ns = 1.5, .n = 5};
    clock->outer_nested = (struct tare_result_cost){.median_ns = 38.0, .mad_ns = 0.5, .n = 68};
    clock->outer_apart = (struct tare_result_cost){.median_ns = 33.0, .mad_ns = 0.6, .n = 69};
    clock->outer_nested_at_exit = (struct tare_result_cost){.median_ns = 38.1, .mad_ns = 0.7, .n = 70};
    clock->outer_apart_at_exit = (struct tare_result_cost){.median_ns = 33.1, .mad_ns = 0.8, .n = 71};
    clock->inner_in_run = (struct tare_result_cost){.median_ns = -2.5, .mad_ns = 0.9, .n = 1};
    clock->outer_in_run = (struct tare_result_cost){.median_ns = 39.2, .mad_ns = 1.0, .n = 2};
    clock->outer_nested_in_run = (struct tare_result_cost){.median_ns = 38.2, .mad_ns = 1.1, .n = 3};
    clock->outer_apart_in_run = (struct tare_result_cost){.median_ns = 33.2, .mad_ns = 1.2, .n = 4};
}

static void full_environment(struct tare_environment *environment)
{
    environment->host = sample_string("host");
    environment->machine = sample_string("x86_64");
    environment->cpu_model = sample_string("a processor");
    environment->cpu_count = 2;
    environment->memory_bytes = 8589934592;
    environment->kernel = sample_string("6.1.0");
    environment->os = sample_string("an os");
    environment->libc = sample_string("a libc");
    environment->clocksource = sample_string("tsc");
    environment->governor = sample_string("performance");
    environment->virtualization = sample_string("kvm");
    environment->commit = sample_string("0123abc");
    environment->commit_dirty = 1;
    environment->commit_parents = sample_string("0123abb fedc987");
    environment->commit_time_s = 1735787045;
    environment->commit_subject = sample_string("ring: no copy");
    environment->branch = sample_string("wip/ring");
    environment->job_link = sample_string("https://ci.example.org/jobs/7");
}

static void full_fingerprint(struct tare_fingerprint *fingerprint)
{
    for (int part = 0; part < TARE_FINGERPRINT_PARTS; part++) {
        char value[64];
        snprintf(value, sizeof value, "some %s", tare_fingerprint_name(part));
        fingerprint->parts[part] = sample_string(value);
    }
    tare_fingerprint_hash(fingerprint);
}

struct tare_result *sample_result_full(void)
{
    struct tare_result *result = must(tare_result_new());
    result->kind = sample_string("run");
    result->tare_version = sample_string("0.1.0");
    result->started = sample_string("2025-01-02T03:04:05Z");
    result->command = must(calloc(3, sizeof *result->command));
    result->command[0] = sample_string("./foo");
    result->command[1] = sample_string("--bar=\n\x1b");
    full_environment(&result->environment);
    full_fingerprint(&result->fingerprint);
    full_clock(&result->clock);
    struct tare_result_pass *pass = must(tare_result_add_pass(result));
    pass->wall_ns = 1e9 / 3;
    pass->user_ns = 0;
    pass->system_ns = 1;
    pass->end = TARE_END_TIMEOUT;
    pass->code = 15;
    pass = must(tare_result_add_pass(result));
    pass->only = sample_string("fib::fib");
    pass->end = TARE_END_EXITED;
    pass->code = 3;
    struct tare_result_timer *timer = must(tare_result_add_timer(result, "fib", "fib"));
    timer->file = sample_string("src/fib.c");
    timer->line = 12;
    timer->has_exclusive = true;
    timer->disagrees = 1;
    hard_figures(&timer->figures, 2);
    hard_figures(&timer->exclusive, 11);
    must(tare_result_add_timer(result, "fib", "never called"));
    full_process(result);
    result->lost_instruments = 5;
    result->lost_threads = 6;
    result->lost_scopes = 7;
    result->dropped_scopes = 8;
    result->lost_processes = 9;
    result->cpu_ns = 1e8 / 3;
    result->measuring_ns = 1e7 / 3;
    result->measuring_share = 0.1;
    result->page_size_bytes = 98765432;
    if (tare_result_note(result, "first %d", 1) != 0 || tare_result_note(result, "second") != 0) {
        abort();
    }
    result->incomplete = true;
    return result;
}

static struct tare_result_timer *table_timer(struct tare_result *result, const char *module, const char *name,
                                             uint64_t calls, double avg_ns)
{
    struct tare_result_timer *timer = must(tare_result_add_timer(result, module, name));
    struct tare_result_figures *figures = &timer->figures;
    double count = (double)calls;
    figures->calls = calls;
    figures->outermost_calls = calls;
    figures->has_ticks = true;
    figures->raw_total_ticks = (uint64_t)(count * avg_ns * 2.5);
    figures->raw_min_ticks = (uint64_t)(avg_ns * 1.25);
    figures->raw_max_ticks = (uint64_t)(avg_ns * 25);
    figures->raw_total_ns = count * avg_ns;
    figures->raw_avg_ns = avg_ns;
    figures->raw_min_ns = avg_ns / 2;
    figures->raw_max_ns = avg_ns * 10;
    figures->net_avg_ns = avg_ns - 22.5;
    figures->net_total_ns = count * (avg_ns - 22.5);
    figures->net_avg_error_ns = 0.25;
    figures->net_avg_limit_ns = 0.5;
    for (int part = 0; part < TARE_ERROR_PARTS; part++) {
        figures->net_avg_error_part_ns[part] = 0.1;
    }
    figures->net_p50_ns = avg_ns - 24;
    figures->net_p99_ns = avg_ns * 3;
    return timer;
}

struct tare_result *sample_result_table(void)
{
    struct tare_result *result = must(tare_result_new());
    result->kind = sample_string("run");
    full_clock(&result->clock);
    table_timer(result, "fdtables", "close_virtualfd", 1000, 123.5);
    struct tare_result_timer *timer = table_timer(result, "lind_boot", "load_main_module", 1, 25123456);
    timer->file = sample_string("src/boot.c");
    timer->line = 12;
    must(tare_result_add_timer(result, "fdtables", "never"));
    timer = table_timer(result, "fdtables", "walk", 4, 20);
    timer->figures.calls = 15;
    struct tare_result_process *process = must(tare_result_add_process(result));
    process->pid = 123;
    process->executable = sample_string("/usr/bin/foo");
    process->end = TARE_END_EXITED;
    return result;
}

static void full_summary(struct tare_summary *summary, double seed)
{
    summary->n = 3;
    summary->median = summary->p50 = seed;
    summary->median_low = seed - 1.0 / 3.0;
    summary->median_high = seed + 0.1;
    summary->mad = 0.2;
    summary->mean = seed + 0.3;
    summary->sd = 0.7;
    summary->cv = 0.7 / (seed + 0.3);
    summary->min = seed - 2;
    summary->max = seed + 3;
    summary->p95 = seed + 1;
    summary->p99 = seed + 2;
    summary->outliers[TARE_OUTLIER_NORMAL] = 2;
    summary->outliers[TARE_OUTLIER_HIGH_SEVERE] = 1;
    summary->modes.dip = 0.125;
    summary->modes.p = 0.01;
    summary->modes.grain = 0.5;
    summary->modes.more = true;
    summary->modes.count = 2;
    summary->modes.mode[0] =
        (struct tare_mode){.location = seed, .low = seed - 2, .high = seed, .share = 2 / 3.0};
    summary->modes.mode[1] =
        (struct tare_mode){.location = seed + 3, .low = seed + 3, .high = seed + 3, .share = 1 / 3.0};
}

static void full_arm(struct tare_result_benchmark *benchmark, const char *label, const char *what, double seed)
{
    struct tare_result_arm *arm = must(tare_result_add_arm(benchmark, label, what));
    arm->control = strchr(label, '\'') != NULL;
    arm->revision = sample_string("v1.2-3-g0123abc");
    arm->failure = sample_string("ended by signal 11 in round 5");
    arm->exit_code = 3;
    full_summary(&arm->summary, seed);
    for (uint32_t round = 1; round <= 4; round++) {
        if (tare_result_add_value(arm, seed + round / 3.0, round) != 0) {
            abort();
        }
    }
    arm->dropped[2] = true;
    arm->first_ns = seed * 7;
    arm->warmup = 0;
    arm->warmup_settled = 0;
    arm->iterations = 4096;
    arm->samples = 12;
    arm->loop_ns = 0.27;
    arm->start_ns = 1.5;
    arm->bytes_per_op = 64;
    arm->items_per_op = 1;
    for (int i = 0; i < TARE_PER_OPS; i++) {
        arm->per_op[i] = seed + i;
    }
    struct tare_result_inner_timer *timer = must(tare_result_add_inner_timer(arm, "ring", "copy"));
    timer->calls = 2;
    timer->net_ns = -0.25;
    timer->net_error_ns = 0.5;
}

static void full_comparison(struct tare_result_benchmark *benchmark)
{
    struct tare_result_comparison *comparison = must(tare_result_add_comparison(benchmark, 2));
    comparison->decided_early = true;
    comparison->reason = sample_string("the control arm differs");
    comparison->comparison = (struct tare_comparison){
        .verdict = TARE_VERDICT_SLOWER,
        .within_margin = true,
        .control_differs = true,
        .stop = true,
        .units = 20,
        .ratio = 1.02,
        .low = 1.01,
        .high = 1.03,
        .confidence = 0.9999,
        .control_ratio = 1.001,
        .control_low = 0.999,
        .control_high = 1.003,
        .smallest = 0.004,
        .units_needed = 17.5,
        .layouts_needed = 12,
        .units_effective = 19.25,
    };
}

static void full_bench_settings(struct tare_result_bench_settings *settings)
{
    settings->time_s = 10;
    settings->margin = 0.01;
    settings->alpha = 0.002;
    settings->control_alpha = 0.015;
    settings->comparisons = 2;
    settings->block_ns = 5e7;
    settings->seed = UINT64_MAX;
    settings->pin = 0;
}

struct tare_result *sample_result_bench(void)
{
    static const double args[] = {64, 0.5};
    struct tare_result *result = must(tare_result_new());
    result->kind = sample_string("bench");
    result->started = sample_string("2025-01-02T03:04:05Z");
    struct tare_result_bench *bench = result->bench = must(tare_result_bench_new());
    full_bench_settings(&bench->settings);
    bench->ended_by = sample_string("--prepare 'false' exited with code 1");
    struct tare_result_benchmark *benchmark = must(tare_result_add_benchmark(bench, "ring_write/64"));
    benchmark->bench = sample_string("ring_write");
    if (tare_result_set_args(benchmark, args, 2) != 0) {
        abort();
    }
    benchmark->threads = 4;
    benchmark->file = sample_string("ring_bench.c");
    benchmark->line = 12;
    benchmark->spent_ns = 1e10 / 3;
    benchmark->layouts = 3;
    benchmark->contamination = (struct tare_result_contamination){
        .rounds = 4,
        .dropped = 1,
        .rule_suspended = true,
        .threshold = 0.05,
        .steal_ns = -1e7,
        .wait_ns = 123.5,
        .measured_ns = 3e9,
        .wall_ns = 4e9,
        .involuntary = 0,
        .migrations = 7,
        .pressure_ns = 4.5,
        .frequency_low_hz = 2.4e9,
        .frequency_high_hz = 3.1e9,
    };
    for (uint64_t i = 0; i < benchmark->contamination.rounds; i++) {
        struct tare_result_round *round = tare_result_add_round(benchmark);
        if (round == NULL) {
            abort();
        }
        round->wall_ns = 2000000.5 + (double)i;
        round->involuntary = i == 1 ? TARE_COUNT_UNKNOWN : 3 * (i + 1);
        round->steal_ns = i == 2 ? round->steal_ns : -1e4; /* of one it is not known */
        round->frequency_hz = 2.4e9 + 1e6 * (double)i;
    }
    full_arm(benchmark, "A", "./ring_bench", 10);
    full_arm(benchmark, "A'", "./ring_bench", 10.1);
    full_arm(benchmark, "B", "./ring_bench-2", 11);
    full_comparison(benchmark);
    benchmark = must(tare_result_add_benchmark(bench, "sleep 0.1 | cat"));
    benchmark->command = true;
    must(tare_result_add_arm(benchmark, "A", "sleep 0.1 | cat"));
    struct tare_result_growth *growth = must(tare_result_add_growth(bench, "ring_write"));
    growth->arm = 2;
    growth->arg = 1;
    growth->growth = (struct tare_growth){
        .best = TARE_GROWTH_LINEAR,
        .clear = true,
        .second = TARE_GROWTH_LINEAR_LOG,
        .base = 3.5,
        .factor = 0.12,
        .error = 0.03,
        .exponent = 0.98,
    };
    return result;
}
