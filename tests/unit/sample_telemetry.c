/* SPDX-License-Identifier: MIT */
/* Snapshots for tests. The figures mean nothing, but those of one instrument agree with each other. */
#include "tests/unit/sample_telemetry.h"

#include <math.h>
#include <stdio.h>
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

static struct tare_instrument_figures *add(struct tare_process_figures *process, enum tare_kind kind,
                                           const char *module, const char *name, const char *unit,
                                           const char *labels)
{
    size_t count = process->instrument_count;
    process->instruments = must(realloc(process->instruments, (count + 1) * sizeof(*process->instruments)));
    struct tare_instrument_figures *instrument = &process->instruments[count];
    process->instrument_count++;
    *instrument = (struct tare_instrument_figures){
        .kind = kind,
        .id = process->id << 20 | count,
        .module = sample_string(module),
        .name = sample_string(name),
        .unit = unit != NULL ? sample_string(unit) : NULL,
        .labels = labels != NULL ? sample_string(labels) : NULL,
        .file = sample_string("src/sample.c"),
        .line = (uint32_t)(10 + count),
        .enabled = true,
        .loaded = true,
        .slow_over_ns = NAN,
    };
    tare_readings_init(&instrument->total);
    tare_readings_init(&instrument->rolling);
    instrument->total.known = true;
    instrument->rolling.known = process->alive;
    return instrument;
}

static void counter(struct tare_process_figures *process, const char *module, const char *name,
                    const char *unit, const char *labels, uint64_t total, uint64_t rolling)
{
    struct tare_instrument_figures *instrument = add(process, TARE_KIND_COUNTER, module, name, unit, labels);
    instrument->total.total = total;
    instrument->rolling.total = instrument->rolling.known ? rolling : 0;
    instrument->rolling.per_s = instrument->rolling.known ? (double)rolling : NAN;
}

/* NAN: unknown. */
static void gauge(struct tare_process_figures *process, const char *module, const char *name, const char *unit,
                  double value, double peak, double change)
{
    struct tare_instrument_figures *instrument = add(process, TARE_KIND_GAUGE, module, name, unit, NULL);
    instrument->total.value = value;
    instrument->total.peak = peak;
    instrument->rolling.value = instrument->rolling.known ? change : NAN;
}

/* `count` values between 60 and 480 raw units, most of them about 100: two buckets to each power of two. */
static void distribution(struct tare_distribution *to, uint64_t count, double scale)
{
    tare_distribution_init(to);
    to->scale = scale;
    to->count = count;
    if (count == 0) {
        return;
    }
    const struct tare_result_bucket buckets[] = {
        {.low_ticks = 60, .width_ticks = 2, .count = count / 10},
        {.low_ticks = 100, .width_ticks = 4, .count = count - count / 10 - count / 20},
        {.low_ticks = 464, .width_ticks = 16, .count = count / 20},
    };
    to->buckets = must(malloc(sizeof(buckets)));
    memcpy(to->buckets, buckets, sizeof(buckets));
    to->bucket_count = sizeof(buckets) / sizeof(buckets[0]);
    to->sum = 0;
    for (size_t i = 0; i < to->bucket_count; i++) {
        to->sum += (double)buckets[i].count * ((double)buckets[i].low_ticks + 1) * scale;
    }
    to->mean = to->sum / (double)count;
    to->min = 60 * scale;
    to->max = 479 * scale;
    to->p05 = 60.75 * scale;
    to->p50 = 101.5 * scale;
    to->p90 = 103 * scale;
    to->p95 = 103.5 * scale;
    to->p99 = 475.5 * scale;
    to->p999 = 478.5 * scale;
}

static void histogram(struct tare_process_figures *process, const char *module, const char *name,
                      const char *unit, uint64_t total, uint64_t rolling)
{
    struct tare_instrument_figures *instrument = add(process, TARE_KIND_HISTOGRAM, module, name, unit, NULL);
    distribution(&instrument->total.distribution, total, 1);
    if (instrument->rolling.known) {
        distribution(&instrument->rolling.distribution, rolling, 1);
        instrument->rolling.per_s = (double)rolling;
    }
}

static void timer_readings(struct tare_readings *readings, uint64_t calls)
{
    struct tare_distribution *raw = &readings->distribution;
    distribution(raw, calls, 0.5);
    readings->total = calls;
    if (calls != 0) {
        readings->net_total_ns = raw->sum - 20.0 * (double)calls;
        readings->net_avg_ns = raw->mean - 20;
        readings->net_avg_error_ns = 0.75;
        readings->net_p50_ns = raw->p50 - 20;
        readings->net_p95_ns = raw->p95 - 20;
        readings->net_p99_ns = raw->p99 - 20;
    }
    readings->bytes = 4096;
}

static struct tare_instrument_figures *timer(struct tare_process_figures *process, const char *module,
                                             const char *name, uint64_t total, uint64_t rolling)
{
    struct tare_instrument_figures *instrument = add(process, TARE_KIND_TIMER, module, name, NULL, NULL);
    timer_readings(&instrument->total, total);
    if (instrument->rolling.known) {
        timer_readings(&instrument->rolling, rolling);
        instrument->rolling.per_s = (double)rolling;
        instrument->rolling.busy_share = rolling != 0 ? instrument->rolling.net_total_ns / 1e9 : 0;
    }
    return instrument;
}

static void add_states(struct tare_readings *readings, double idle_ns, double running_ns)
{
    double sum_ns = idle_ns + running_ns;
    const struct tare_state_figures states[] = {
        {sample_string("idle"), 3, idle_ns, idle_ns / sum_ns},
        {sample_string("running"), 1, running_ns, running_ns / sum_ns},
        {sample_string("blocked"), 0, 0, 0},
    };
    readings->states = must(malloc(sizeof(states)));
    memcpy(readings->states, states, sizeof(states));
    readings->state_count = sizeof(states) / sizeof(states[0]);
    readings->changes = (uint64_t)(sum_ns / 1e7);
}

static void add_keys(struct tare_readings *readings, uint64_t scale)
{
    const struct tare_key_figures keys[] = {
        {0x7f00deadbeef0000, 500 * scale, 0, 50 * scale, 0.5},
        {0xffffffffffffffff, 250 * scale, 12 * scale, 20 * scale, 0.25},
        {0, 10 * scale, 10 * scale, 1, 0.01},
    };
    readings->keys = must(malloc(sizeof(keys)));
    memcpy(readings->keys, keys, sizeof(keys));
    readings->key_count = sizeof(keys) / sizeof(keys[0]);
    readings->total = 1000 * scale;
    readings->hits = 100 * scale;
    readings->least_weight = 10 * scale;
}

static void frame_readings(struct tare_readings *readings, const struct tare_frame_figures *frames,
                           size_t count)
{
    double times_ms[16];
    for (size_t i = 0; i < count; i++) {
        times_ms[i] = frames[i].ns / 1e6;
    }
    tare_frames_of(times_ms, count, &readings->frames);
    distribution(&readings->distribution, count, 160000);
    readings->frame_part_mean_ns[0] = 9.5e6;
    readings->frame_part_mean_ns[1] = 4.25e6;
}

static void add_frames(struct tare_process_figures *process)
{
    enum { FRAMES = 12 };
    struct tare_instrument_figures *frames = add(process, TARE_KIND_FRAMES, "view", "main_view", "ns", NULL);
    static const char *const names[] = {"cpu", "gpu", "io", NULL};
    frames->names = must(calloc(4, sizeof(char *)));
    for (int i = 0; names[i] != NULL; i++) {
        frames->names[i] = sample_string(names[i]);
    }
    frames->size = 1024;
    frames->slow_over_ns = 25e6;
    frames->last = must(calloc(FRAMES, sizeof(*frames->last)));
    frames->last_count = FRAMES;
    for (size_t i = 0; i < FRAMES; i++) {
        struct tare_frame_figures *frame = &frames->last[i];
        *frame = (struct tare_frame_figures){
            .number = 588 + i,
            .start_ns = 9.8e9 + 16.5e6 * (double)i,
            .ns = i == 7 ? 33e6 : 15e6 + 1e5 * (double)i,
            .slow = i == 7,
        };
        for (int part = 0; part < TARE_FRAME_PARTS_MAX; part++) {
            frame->part_ns[part] = part == 0 ? frame->ns * 0.6 : part == 1 && i < 10 ? 4.25e6 : NAN;
        }
    }
    frames->slow = must(malloc(sizeof(*frames->slow)));
    frames->slow[0] = frames->last[7];
    frames->slow_count = 1;
    frame_readings(&frames->total, frames->last, FRAMES);
    frame_readings(&frames->rolling, frames->last, FRAMES);
    frames->total.total = 600;
    frames->total.frames_dropped = 4;
    frames->total.frames_slow = 1;
    frames->rolling.total = FRAMES;
    frames->rolling.per_s = FRAMES;
    frames->rolling.frames_slow = 1;
}

static void add_derived(struct tare_process_figures *process, const char *name, const char *unit,
                        const char *help, double total, double rolling)
{
    process->derived =
        must(realloc(process->derived, (process->derived_count + 1) * sizeof(*process->derived)));
    process->derived[process->derived_count++] =
        (struct tare_derived){.name = name, .unit = unit, .help = help, .total = total, .rolling = rolling};
}

static void add_sets(struct tare_process_figures *game)
{
    gauge(game, "jit", "enabled", NULL, 1, 1, 0);
    counter(game, "jit.compile", "time_ns_total", "ns", "tier=baseline", 90000000, 2000000);
    counter(game, "jit.compile", "time_ns_total", "ns", "tier=optimizing", 310000000, 10000000);
    counter(game, "jit.compile", "blocks_total", NULL, "tier=baseline", 900, 20);
    counter(game, "jit.compile", "blocks_total", NULL, "tier=optimizing", 100, 4);
    gauge(game, "jit.cache", "capacity_bytes", "bytes", 33554432, 33554432, 0);
    gauge(game, "jit.cache", "used_bytes", "bytes", 1048576, 2097152, 4096);
    counter(game, "jit.cache", "lookup_hit_total", NULL, NULL, 975000, 9800);
    counter(game, "jit.cache", "lookup_miss_total", NULL, NULL, 25000, 200);
    counter(game, "jit", "deopt_total", NULL, NULL, 3, 0);
    counter(game, "gfx", "draw_calls_total", NULL, NULL, 36000, 720);
    counter(game, "gfx", "upload_bytes_total", "bytes", NULL, 1 << 30, 1 << 20);
    histogram(game, "gfx", "gpu_ns", "ns", 0, 0);
    gauge(game, "gfx", "gpu_timing_supported", NULL, 0, 0, 0);
    gauge(game, "gfx", "gpu_timing_enabled", NULL, NAN, NAN, NAN);
    counter(game, "cpu", "instructions_total", NULL, NULL, 5000000000, 250000000);
    histogram(game, "cpu", "batch_rate", "instructions/ms", 1000, 50);
    gauge(game, "memory", "committed_bytes", "bytes", 268435456, 301989888, -1048576);
    gauge(game, "memory", "configured_bytes", "bytes", NAN, NAN, NAN);
    histogram(game, "latency", "input_to_present_ns", "ns", 400, 40);
    add_derived(game, "jit.cache.hit_rate", "ratio", "lookups that hit / all lookups", 0.975, 0.98);
    add_derived(game, "jit.compile.ms_per_s", "ms/s", "compile time of all tiers / time", NAN, 12);
    add_derived(game, "cpu.mips", "MIPS", "instructions / us", NAN, 250);
}

static void threads(struct tare_process_figures *process, size_t count)
{
    process->thread_list = must(calloc(count, sizeof(*process->thread_list)));
    process->thread_list_count = count;
    process->threads = process->alive ? count : 0;
    process->process_threads = process->alive ? count + 2 : TARE_COUNT_UNKNOWN;
    for (size_t i = 0; i < count; i++) {
        process->thread_list[i].tid = (uint32_t)process->pid + (uint32_t)i;
        process->thread_list[i].ended = !process->alive;
        snprintf(process->thread_list[i].name, sizeof(process->thread_list[i].name), "thread-%u",
                 (unsigned)(i % 1000));
    }
}

static void describe(struct tare_process_figures *process, uint64_t id, pid_t pid, const char *name, bool alive)
{
    char path[128];
    snprintf(path, sizeof(path), "/usr/bin/%s", name);
    *process = (struct tare_process_figures){
        .id = id,
        .pid = pid,
        .name = sample_string(name),
        .executable = sample_string(path),
        .command = sample_string(name),
        .started = sample_string("2026-01-02T03:04:05Z"),
        .alive = alive,
        .age_ns = 10e9,
        .window_ns = alive ? 1e9 : NAN,
        .cpu_total_ns = 7.5e9,
        .cpu_share = alive ? 0.75 : NAN,
        .measuring_share = alive ? 0.034 : NAN,
        .resident_bytes = alive ? 123456789.0 : NAN,
        .clock = sample_string("tsc-ordered"),
    };
}

static void base(struct tare_telemetry *telemetry, size_t processes)
{
    *telemetry = (struct tare_telemetry){
        .unix_ns = 1767322000.25e9,
        .monotonic_ns = 123456.789e9,
        .window_ns = 1e9,
        .reading_ns = 450e3,
        .number = 7,
        .shape = 3,
        .process_count = processes,
        .denied = 5,
    };
    telemetry->processes = processes != 0 ? must(calloc(processes, sizeof(*telemetry->processes))) : NULL;
}

void sample_telemetry(struct tare_telemetry *telemetry)
{
    base(telemetry, 2);
    struct tare_process_figures *game = &telemetry->processes[0], *worker = &telemetry->processes[1];
    describe(game, 1, 4242, "game", true);
    threads(game, 4);
    timer(game, "fdtables", "close_virtualfd", 1000, 100);
    timer(game, "fdtables", "never", 0, 0)->enabled = false;
    struct tare_instrument_figures *was_reset = timer(game, "lind_boot", "load_main_module", 40, 0);
    tare_readings_init(&was_reset->rolling);
    counter(game, "net", "sent", "bytes", "proto=tcp,dir=out", 123456789012, 1048576);
    counter(game, "net", "sent", "bytes", "proto=udp,dir=out", 0, 0);
    game->instruments[game->instrument_count - 1].help = sample_string("What left this machine");
    gauge(game, "net", "queue_depth", NULL, -2.5, 17, 0.5);
    gauge(game, "net", "temperature", "celsius", NAN, NAN, NAN);
    histogram(game, "net", "packet_size", "bytes", 2000, 200);
    struct tare_instrument_figures *state = add(game, TARE_KIND_STATE, "pool", "worker_state", NULL, NULL);
    add_states(&state->total, 30e9, 10e9);
    add_states(&state->rolling, 3e9, 1e9);
    struct tare_instrument_figures *top = add(game, TARE_KIND_TOPK, "jit", "hot_blocks", "cycles", NULL);
    top->size = 256;
    add_keys(&top->total, 1000);
    add_keys(&top->rolling, 10);
    add_frames(game);
    add_sets(game);

    describe(worker, 2, 4300, "worker", false);
    worker->lost_instruments = 1;
    worker->lost_threads = 2;
    worker->lost_scopes = 3;
    worker->dropped_scopes = 4;
    worker->lost_extras = 5;
    threads(worker, 1);
    timer(worker, "fdtables", "close_virtualfd", 10, 0);
    counter(worker, "m\"<&>'", "n\\ \xc3\xa9", "bytes", "path=\"a b\\c\"", UINT64_MAX, 0);
}

void sample_telemetry_empty(struct tare_telemetry *telemetry)
{
    base(telemetry, 0);
    telemetry->window_ns = NAN;
    telemetry->number = 0;
}

void sample_telemetry_large(struct tare_telemetry *telemetry, size_t count)
{
    base(telemetry, 1);
    struct tare_process_figures *process = &telemetry->processes[0];
    describe(process, 1, 4242, "large", true);
    threads(process, 16);
    for (size_t i = 0; i < count; i++) {
        char name[32];
        snprintf(name, sizeof(name), "instrument_%04zu", i);
        switch (i % 4) {
        case 0:
            timer(process, "large", name, 1000 + i, 100 + i);
            break;
        case 1:
            counter(process, "large", name, NULL, NULL, 1000 * i, i);
            break;
        case 2:
            gauge(process, "large", name, "bytes", 1.5 * (double)i, 2.0 * (double)i, -0.5);
            break;
        default:
            histogram(process, "large", name, "ns", 1000 + i, 100 + i);
            break;
        }
    }
}
