/* SPDX-License-Identifier: MIT */
/* Results for tests. The figures mean nothing; most are chosen to be hard to write down exactly. */
#include "tests/unit/sample_result.h"

#include <float.h>
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
    clock->inner = (struct tare_result_cost){.median_ns = 22.3, .mad_ns = 0.1, .n = 64};
    clock->outer = (struct tare_result_cost){.median_ns = 39.0, .mad_ns = 0.2, .n = 65};
    clock->inner_at_exit = (struct tare_result_cost){.median_ns = 22.4, .mad_ns = 0.3, .n = 66};
    clock->outer_at_exit = (struct tare_result_cost){.median_ns = 39.1, .mad_ns = 0.4, .n = 67};
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
    hard_figures(&timer->figures, 2);
    hard_figures(&timer->exclusive, 11);
    must(tare_result_add_timer(result, "fib", "never called"));
    full_process(result);
    result->lost_instruments = 5;
    result->lost_threads = 6;
    result->lost_scopes = 7;
    result->dropped_scopes = 8;
    result->lost_processes = 9;
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
