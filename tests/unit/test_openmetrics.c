/* SPDX-License-Identifier: MIT */
/*
 * Metrics of snapshots. With --print FORMAT [hostile|one_name|sets|large|unknown|meeting|empty], the program prints the text instead, for
 * checkers that are not written in C (tests/cli/metrics.bats).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* The above are what cmocka.h needs. */
#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "result/telemetry_parts.h"
#include "runtime/topk.h"
#include "tests/unit/comma_locale.h"
#include "tests/unit/sample_result.h"
#include "tests/unit/sample_telemetry.h"
#include "view/openmetrics.h"

static char *text_of(const struct tare_telemetry *telemetry, const struct tare_metrics_options *options)
{
    size_t size = 0;
    char *text = tare_openmetrics_with(telemetry, options, &size);
    assert_non_null(text);
    assert_int_equal(strlen(text), size);
    return text;
}

static char *sample_text(struct tare_metrics_options options)
{
    struct tare_telemetry telemetry;
    sample_telemetry(&telemetry);
    char *text = text_of(&telemetry, &options);
    tare_telemetry_release(&telemetry);
    return text;
}

/* Whether `line`, which has no newline, is a line of the text. */
static bool has_line(const char *text, const char *line)
{
    size_t size = strlen(line);
    for (const char *at = text; (at = strstr(at, line)) != NULL; at++) {
        if ((at == text || at[-1] == '\n') && at[size] == '\n') {
            return true;
        }
    }
    return false;
}

static void assert_line(const char *text, const char *line)
{
    if (!has_line(text, line)) {
        fail_msg("no line '%s'", line);
    }
}

#define GAME "pid=\"4242\",process=\"game\""

static void names_follow_from_names_and_units(void **state)
{
    (void)state;
    char *text = sample_text((struct tare_metrics_options){.format = TARE_METRICS_OPENMETRICS});
    assert_line(text, "# TYPE jit_cache_lookup_hit counter");
    assert_line(text, "tare_metrics_left_out 0");
    assert_line(text, "jit_cache_lookup_hit_total{" GAME "} 975000");
    assert_null(strstr(text, "_total_total"));
    assert_line(text, "# UNIT net_sent_bytes bytes");
    assert_line(text, "net_sent_bytes_total{" GAME ",proto=\"tcp\",dir=\"out\"} 123456789012");
    assert_line(text, "# HELP net_sent_bytes What left this machine: since the start, or the last reset");
    /* In seconds, and exact. */
    assert_line(text, "jit_compile_time_seconds_total{" GAME ",tier=\"optimizing\"} 0.31");
    assert_line(text, "jit_cache_used_bytes{" GAME "} 1048576");
    assert_line(text, "jit_cache_used_peak_bytes{" GAME "} 2097152");
    assert_line(text, "tare_derived_jit_compile_rolling_seconds_per_second{" GAME "} 0.012");
    assert_null(strstr(text, "_bytes_bytes"));
    assert_non_null(strstr(text, "# EOF\n"));
    assert_string_equal(strstr(text, "# EOF\n"), "# EOF\n");
    free(text);
}

static void prometheus_has_types_of_samples(void **state)
{
    (void)state;
    char *text = sample_text((struct tare_metrics_options){.format = TARE_METRICS_PROMETHEUS});
    assert_line(text, "# TYPE jit_cache_lookup_hit_total counter");
    assert_line(text, "# TYPE tare_process_info gauge");
    assert_null(strstr(text, "# UNIT"));
    assert_null(strstr(text, "# EOF"));
    free(text);
}

static void what_is_unknown_has_no_sample(void **state)
{
    (void)state;
    char *text = sample_text((struct tare_metrics_options){.format = TARE_METRICS_OPENMETRICS});
    assert_line(text, "# TYPE net_temperature_celsius gauge");
    assert_null(strstr(text, "net_temperature_celsius{"));
    assert_line(text, "net_queue_depth{" GAME "} -2.5");
    assert_null(strstr(text, "NaN"));
    assert_null(strstr(text, "nan"));
    assert_null(strstr(text, "part=\"io\""));
    /* Of a timer that was reset, the rates. */
    assert_null(strstr(text, "tare_timer_calls_rolling_per_second{" GAME ",module=\"lind_boot\""));
    assert_non_null(strstr(text, "tare_timer_seconds_count{" GAME ",module=\"lind_boot\""));
    /* Of what is switched off and counted nothing, all. */
    assert_null(strstr(text, "timer=\"never\""));
    free(text);
}

static void buckets_are_cumulative_and_exact(void **state)
{
    (void)state;
    char *text = sample_text((struct tare_metrics_options){.format = TARE_METRICS_OPENMETRICS});
    /* 200 values of 60 or 61, 1700 of 100 to 103, 100 of 464 to 479. */
    assert_line(text, "net_packet_size_bytes_bucket{" GAME ",le=\"31.0\"} 0");
    assert_line(text, "net_packet_size_bytes_bucket{" GAME ",le=\"63.0\"} 200");
    assert_line(text, "net_packet_size_bytes_bucket{" GAME ",le=\"127.0\"} 1900");
    assert_line(text, "net_packet_size_bytes_bucket{" GAME ",le=\"255.0\"} 1900");
    assert_line(text, "net_packet_size_bytes_bucket{" GAME ",le=\"511.0\"} 2000");
    assert_line(text, "net_packet_size_bytes_bucket{" GAME ",le=\"+Inf\"} 2000");
    assert_line(text, "net_packet_size_bytes_count{" GAME "} 2000");
    free(text);
}

static void timers_are_summaries_or_histograms(void **state)
{
    (void)state;
#define TIMER GAME ",module=\"fdtables\",timer=\"close_virtualfd\""
    char *text = sample_text((struct tare_metrics_options){.format = TARE_METRICS_OPENMETRICS});
    assert_line(text, "# TYPE tare_timer_seconds summary");
    assert_line(text, "tare_timer_seconds{" TIMER ",quantile=\"0.99\"} 2.3775e-07");
    assert_line(text, "tare_timer_seconds_count{" TIMER "} 1000");
    assert_line(text, "tare_timer_seconds_sum{" TIMER "} 5.76e-05");
    assert_line(text, "tare_timer_net_average_seconds{" TIMER "} 3.76e-08");
    free(text);
    text =
        sample_text((struct tare_metrics_options){.format = TARE_METRICS_PROMETHEUS, .timer_histograms = true});
    assert_line(text, "# TYPE tare_timer_seconds histogram");
    /* 100 of 30 ns, 850 of 51 ns, 50 of 236 ns: half a ns to the tick. */
    assert_line(text, "tare_timer_seconds_bucket{" TIMER ",le=\"1.6e-08\"} 0");
    assert_line(text, "tare_timer_seconds_bucket{" TIMER ",le=\"3.2e-08\"} 100");
    assert_line(text, "tare_timer_seconds_bucket{" TIMER ",le=\"6.4e-08\"} 950");
    assert_line(text, "tare_timer_seconds_bucket{" TIMER ",le=\"2.56e-07\"} 1000");
    assert_line(text, "tare_timer_seconds_bucket{" TIMER ",le=\"+Inf\"} 1000");
    assert_line(text, "tare_timer_seconds_count{" TIMER "} 1000");
    free(text);
}

static void states_keys_and_frames_are_there(void **state)
{
    (void)state;
    char *text = sample_text((struct tare_metrics_options){.format = TARE_METRICS_OPENMETRICS});
    assert_line(text, "pool_worker_state_seconds_total{" GAME ",state=\"running\"} 10");
    assert_line(text, "pool_worker_state_threads{" GAME ",state=\"idle\"} 3");
    assert_line(text, "jit_hot_blocks_topk_key_weight_cycles{" GAME ",key=\"0x7f00deadbeef0000\"} 500000");
    assert_line(text, "jit_hot_blocks_topk_key_error_cycles{" GAME ",key=\"0xffffffffffffffff\"} 12000");
    assert_line(text, "jit_hot_blocks_topk_key_hits{" GAME ",key=\"0x7f00deadbeef0000\"} 50000");
    assert_line(text, "jit_hot_blocks_topk_key_hits{" GAME ",key=\"0xffffffffffffffff\"} 20000");
    assert_null(strstr(text, "key=\"0x0\"")); /* all of its weight may be error */
    assert_line(text, "jit_hot_blocks_topk_rest_weight_cycles{" GAME "} 262000");
    assert_line(text, "view_main_view_frames_dropped_total{" GAME "} 4");
    assert_line(text, "view_main_view_frames_seconds_count{" GAME "} 12");
    assert_line(text, "tare_lost_total{pid=\"4300\",process=\"worker\",what=\"scopes\"} 3");
    free(text);
}

static void keys_are_bounded(void **state)
{
    (void)state;
    char *text = sample_text((struct tare_metrics_options){.format = TARE_METRICS_OPENMETRICS, .keys = 1});
    assert_non_null(strstr(text, "key=\"0x7f00deadbeef0000\""));
    assert_null(strstr(text, "key=\"0xffffffffffffffff\""));
    assert_line(text, "jit_hot_blocks_topk_rest_weight_cycles{" GAME "} 500000");
    free(text);
    text = sample_text((struct tare_metrics_options){.format = TARE_METRICS_OPENMETRICS, .no_keys = true});
    assert_null(strstr(text, "topk_key"));
    assert_null(strstr(text, "topk_rest"));
    assert_line(text, "jit_hot_blocks_topk_weight_cycles_total{" GAME "} 1000000");
    free(text);
}

static void hard_text_is_escaped(void **state)
{
    (void)state;
    struct tare_telemetry telemetry;
    sample_telemetry(&telemetry);
    for (size_t i = 0; i < telemetry.processes[1].instrument_count; i++) {
        struct tare_instrument_figures *instrument = &telemetry.processes[1].instruments[i];
        instrument->total.total = instrument->kind == TARE_KIND_COUNTER ? 5 : instrument->total.total;
    }
    char *text = text_of(&telemetry, &(struct tare_metrics_options){.format = TARE_METRICS_OPENMETRICS});
    tare_telemetry_release(&telemetry);
    assert_non_null(strstr(text, "path=\"\\\"a b\\\\c\\\"\"} 5\n"));
    assert_non_null(strstr(text, "# HELP m______n_____bytes m\\\"<&>'.n\\\\ \xc3\xa9: "));
    free(text);
    text = sample_text((struct tare_metrics_options){.format = TARE_METRICS_PROMETHEUS});
    assert_non_null(strstr(text, "# HELP m______n_____bytes_total m\"<&>'.n\\\\ \xc3\xa9: "));
    free(text);
}

/* For pushes. */
static void samples_may_stand_alone_with_their_time(void **state)
{
    (void)state;
    char *text = sample_text((struct tare_metrics_options){.format = TARE_METRICS_PROMETHEUS,
                                                           .timestamps = true,
                                                           .samples_only = true,
                                                           .no_rolling = true,
                                                           .labels = "job=tare,instance=a:1"});
    assert_null(strstr(text, "#"));
    assert_line(text, "jit_deopt_total{job=\"tare\",instance=\"a:1\"," GAME "} 3 1767322000250");
    assert_null(strstr(text, "_rolling"));
    for (const char *line = text; *line != '\0'; line = strchr(line, '\n') + 1) {
        const char *end = strchr(line, '\n');
        assert_non_null(end);
        assert_memory_equal(end - strlen(" 1767322000250"), " 1767322000250", strlen(" 1767322000250"));
    }
    free(text);
    text = sample_text((struct tare_metrics_options){.format = TARE_METRICS_OPENMETRICS, .timestamps = true});
    assert_line(text, "jit_deopt_total{" GAME "} 3 1767322000.25");
    free(text);
}

static void rename_instrument(struct tare_instrument_figures *instrument, const char *module, const char *name,
                              const char *labels)
{
    free(instrument->module);
    free(instrument->name);
    free(instrument->labels);
    instrument->module = sample_string(module);
    instrument->name = sample_string(name);
    instrument->labels = labels != NULL ? sample_string(labels) : NULL;
}

static struct tare_instrument_figures *of_kind(struct tare_telemetry *telemetry, enum tare_kind kind,
                                               size_t number)
{
    for (size_t i = 0; i < telemetry->processes[0].instrument_count; i++) {
        struct tare_instrument_figures *instrument = &telemetry->processes[0].instruments[i];
        if (instrument->kind == kind && number-- == 0) {
            return instrument;
        }
    }
    fail_msg("the sample has no such instrument");
    return NULL;
}

/* Names that mean the same, that look like parts of others, and labels that are ours. */
static void make_hostile(struct tare_telemetry *telemetry)
{
    sample_telemetry(telemetry);
    rename_instrument(of_kind(telemetry, TARE_KIND_COUNTER, 0), "a", "b_c",
                      "pid=1,le=2,quantile=3,__name__=x,pid=4");
    rename_instrument(of_kind(telemetry, TARE_KIND_COUNTER, 1), "a_b", "c",
                      "pid=1,le=2,quantile=3,__name__=x,pid=4");
    rename_instrument(of_kind(telemetry, TARE_KIND_COUNTER, 2), "a.b", "c_total", "=,x,1=\"\\\n,,y=");
    rename_instrument(of_kind(telemetry, TARE_KIND_COUNTER, 3), "a.b", "c_total_total", "=,x,1=\"\\\n,,y=");
    rename_instrument(of_kind(telemetry, TARE_KIND_GAUGE, 0), "a", "b_c_bytes_total", NULL);
    rename_instrument(of_kind(telemetry, TARE_KIND_GAUGE, 1), "tare_timer", "seconds_count", NULL);
    rename_instrument(of_kind(telemetry, TARE_KIND_GAUGE, 2), "tare_timer", "seconds", NULL);
    rename_instrument(of_kind(telemetry, TARE_KIND_GAUGE, 3), "", "", "pid=1");
    rename_instrument(of_kind(telemetry, TARE_KIND_GAUGE, 4), "9", "\xff\xfe\n\"", "\xff=\xfe");
    rename_instrument(of_kind(telemetry, TARE_KIND_HISTOGRAM, 0), "tare", "process", "le=1");
    rename_instrument(of_kind(telemetry, TARE_KIND_HISTOGRAM, 1), "tare", "process_info", NULL);
    rename_instrument(of_kind(telemetry, TARE_KIND_HISTOGRAM, 2), "tare", "process_info_bucket", NULL);
    struct tare_instrument_figures *gauge = of_kind(telemetry, TARE_KIND_GAUGE, 1);
    gauge->total.value = HUGE_VAL;
    gauge->help = sample_string("two\nlines \\ and a \"quote\" \xff");
    struct tare_instrument_figures *states = of_kind(telemetry, TARE_KIND_STATE, 0);
    free(states->total.states[1].name);
    states->total.states[1].name = sample_string("idle");
    free(states->total.states[2].name);
    states->total.states[2].name = sample_string("");
    /* Timers of one name, and a process of a number that another one had. */
    rename_instrument(of_kind(telemetry, TARE_KIND_TIMER, 1), "fdtables", "close_virtualfd", NULL);
    of_kind(telemetry, TARE_KIND_TIMER, 1)->enabled = true;
    telemetry->processes[1].pid = telemetry->processes[0].pid;
}

/* An empty snapshot gets a process with these instruments, which count nothing but have a value. */
struct wanted {
    enum tare_kind kind;
    const char *module, *name, *unit, *labels;
};

static void add_process(struct tare_telemetry *telemetry, pid_t pid, const struct wanted *wanted, size_t count)
{
    telemetry->processes =
        realloc(telemetry->processes, (telemetry->process_count + 1) * sizeof(*telemetry->processes));
    assert_non_null(telemetry->processes);
    struct tare_process_figures *process = &telemetry->processes[telemetry->process_count++];
    *process = (struct tare_process_figures){
        .id = (uint64_t)pid, .pid = pid, .alive = true, .window_ns = 1e9, .name = sample_string("p")};
    process->instruments = calloc(count, sizeof(*process->instruments));
    assert_non_null(process->instruments);
    process->instrument_count = count;
    for (size_t i = 0; i < count; i++) {
        struct tare_instrument_figures *instrument = &process->instruments[i];
        instrument->kind = wanted[i].kind;
        instrument->module = sample_string(wanted[i].module);
        instrument->name = sample_string(wanted[i].name);
        instrument->unit = wanted[i].unit != NULL ? sample_string(wanted[i].unit) : NULL;
        instrument->labels = wanted[i].labels != NULL ? sample_string(wanted[i].labels) : NULL;
        instrument->enabled = instrument->loaded = true;
        tare_readings_init(&instrument->total);
        tare_readings_init(&instrument->rolling);
        instrument->total.known = instrument->rolling.known = true;
        instrument->total.value = instrument->total.peak = (double)i;
        instrument->rolling.per_s = (double)i;
    }
}

/* The lines of samples with `pid`, one after the other. */
static char *samples_of(const char *text, pid_t pid)
{
    char label[32], *samples = calloc(1, strlen(text) + 1);
    snprintf(label, sizeof(label), "pid=\"%d\",", (int)pid);
    assert_non_null(samples);
    for (const char *line = text; *line != '\0'; line = strchr(line, '\n') + 1) {
        size_t size = strcspn(line, "\n") + 1;
        char *copy = strndup(line, size);
        assert_non_null(copy);
        if (line[0] != '#' && strstr(copy, label) != NULL) {
            strcat(samples, copy);
        }
        free(copy);
    }
    return samples;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* In place. */
static void sort_lines(char *text)
{
    size_t count = 0, at = 0;
    char *copy = strdup(text), **lines = malloc((strlen(text) + 1) * sizeof(char *));
    assert_non_null(copy);
    assert_non_null(lines);
    for (char *line = strtok(copy, "\n"); line != NULL; line = strtok(NULL, "\n")) {
        lines[count++] = line;
    }
    qsort(lines, count, sizeof(char *), by_text);
    for (size_t i = 0; i < count; i++) {
        at += (size_t)sprintf(text + at, "%s\n", lines[i]);
    }
    free(lines);
    free(copy);
}

static const struct wanted one_name[] = {
    {TARE_KIND_GAUGE, "m", "q", NULL, NULL},       {TARE_KIND_COUNTER, "m", "q", NULL, NULL},
    {TARE_KIND_HISTOGRAM, "m", "q", NULL, NULL},   {TARE_KIND_GAUGE, "m", "q", "bytes", NULL},
    {TARE_KIND_COUNTER, "m", "q", "ns", NULL},     {TARE_KIND_STATE, "m", "q", NULL, NULL},
    {TARE_KIND_TOPK, "m", "q", NULL, NULL},        {TARE_KIND_FRAMES, "m", "q", NULL, NULL},
    {TARE_KIND_GAUGE, "m", "q_count", NULL, NULL}, {TARE_KIND_GAUGE, "m", "q_peak", NULL, NULL},
    {TARE_KIND_GAUGE, "m", "q_total", NULL, NULL}, {TARE_KIND_COUNTER, "m", "q_bucket", NULL, NULL},
    {TARE_KIND_GAUGE, "m", "q_value", NULL, NULL}, {TARE_KIND_GAUGE, "m", "q_rolling", "1/s", NULL},
    {TARE_KIND_TIMER, "m", "q", NULL, NULL},       {TARE_KIND_GAUGE, "tare", "processes", NULL, NULL},
};
enum { ONE_NAME = sizeof(one_name) / sizeof(one_name[0]) };

/* Whatever else runs, before it or after it, a program's samples are what they are when it is alone. */
static void names_do_not_depend_on_other_processes(void **state)
{
    (void)state;
    for (int format = TARE_METRICS_OPENMETRICS; format <= TARE_METRICS_PROMETHEUS; format++) {
        const struct tare_metrics_options options = {.format = (enum tare_metrics_format)format};
        for (size_t a = 0; a < ONE_NAME; a++) {
            struct tare_telemetry telemetry;
            sample_telemetry_empty(&telemetry);
            add_process(&telemetry, 50, &one_name[a], 1);
            char *text = text_of(&telemetry, &options), *alone = samples_of(text, 50);
            assert_true(one_name[a].kind == TARE_KIND_STATE || strlen(alone) > 0);
            free(text);
            for (size_t b = 0; b < ONE_NAME; b++) {
                add_process(&telemetry, b % 2 == 0 ? 10 + (pid_t)b : 60 + (pid_t)b, &one_name[b], 1);
            }
            text = text_of(&telemetry, &options);
            char *together = samples_of(text, 50);
            sort_lines(alone);
            sort_lines(together);
            assert_string_equal(alone, together);
            assert_line(text, "tare_metrics_left_out 0");
            free(together);
            free(alone);
            free(text);
            tare_telemetry_release(&telemetry);
        }
    }
}

/* Names and labels in the order of the text, as far as the last blank of each line. */
static void cut_values(char *text)
{
    char *to = text;
    for (char *line = text; *line != '\0';) {
        size_t size = strcspn(line, "\n"), blank = size;
        while (blank > 0 && line[blank] != ' ') {
            blank--;
        }
        char *next = line + size + 1;
        memmove(to, line, blank);
        to += blank;
        *to++ = '\n';
        line = next;
    }
    *to = '\0';
}

static void both_formats_name_the_same_series(void **state)
{
    (void)state;
    const struct tare_metrics_options pushed = {
        .format = TARE_METRICS_PROMETHEUS, .samples_only = true, .no_rolling = true};
    const struct tare_metrics_options scraped = {.format = TARE_METRICS_OPENMETRICS, .samples_only = true};
    const struct tare_metrics_options same = {.format = TARE_METRICS_PROMETHEUS, .samples_only = true};
    char *push = sample_text(pushed), *scrape = sample_text(scraped), *plain = sample_text(same);
    cut_values(push);
    cut_values(scrape);
    cut_values(plain);
    assert_string_equal(scrape, plain);
    for (char *line = strtok(push, "\n"); line != NULL; line = strtok(NULL, "\n")) {
        assert_line(scrape, line);
    }
    free(push);
    free(scrape);
    free(plain);
}

/* A sum over a family of an instrument holds nothing else. */
static void derived_figures_have_families_of_their_own(void **state)
{
    (void)state;
    struct tare_telemetry telemetry;
    sample_telemetry_empty(&telemetry);
    add_process(&telemetry, 7,
                (struct wanted[]){{TARE_KIND_GAUGE, "memory", "committed_bytes", "bytes", "region=heap"},
                                  {TARE_KIND_GAUGE, "memory", "committed_bytes", "bytes", "region=stack"},
                                  {TARE_KIND_COUNTER, "latency", "stall_ns_total", "ns", NULL}},
                3);
    static const struct {
        const char *name, *unit, *family;
    } named[] = {
        {"memory.committed_bytes", "bytes", "tare_derived_memory_committed%s_bytes"},
        {"latency.stall_ms_per_s", "ms/s", "tare_derived_latency_stall%s_seconds_per_second"},
        {"cpu.mips", "MIPS", "tare_derived_cpu%s_instructions_per_second"},
        {"cpu.mips_p5", "MIPS", "tare_derived_cpu_p5%s_instructions_per_second"},
        {"jit.compile.blocks_per_s", "1/s", "tare_derived_jit_compile_blocks%s_per_second"},
        {"jit.compile.ns_per_block", "ns", "tare_derived_jit_compile_per_block%s_seconds"},
        {"jit.cache.hit_rate", "ratio", "tare_derived_jit_cache_hit%s_ratio"},
        {"frame.fps", "1/s", "tare_derived_frame_rate%s_per_second"},
        {"gfx.draw_calls_per_frame", "1", "tare_derived_gfx_draw_calls_per_frame%s"},
        {"gfx.upload_bytes_per_frame", "bytes", "tare_derived_gfx_upload_per_frame%s_bytes"},
    };
    enum { NAMED = sizeof(named) / sizeof(named[0]) };
    struct tare_process_figures *process = &telemetry.processes[0];
    process->derived = calloc(NAMED, sizeof(*process->derived));
    assert_non_null(process->derived);
    process->derived_count = NAMED;
    for (size_t i = 0; i < NAMED; i++) {
        process->derived[i] = (struct tare_derived){
            .name = named[i].name, .unit = named[i].unit, .help = "so", .total = 1, .rolling = 2};
    }
    char *text = text_of(&telemetry, &(struct tare_metrics_options){.format = TARE_METRICS_OPENMETRICS});
    for (size_t i = 0; i < NAMED; i++) {
        for (int rolling = 0; rolling < 2; rolling++) {
            char family[128], line[256];
            snprintf(family, sizeof(family), named[i].family, rolling ? "_rolling" : "");
            snprintf(line, sizeof(line), "# HELP %s %s: so: %s", family, named[i].name,
                     rolling ? "over the last window" : "since the start");
            assert_line(text, line);
            snprintf(line, sizeof(line), "# TYPE %s gauge", family);
            assert_line(text, line);
        }
    }
    assert_line(text, "# HELP memory_committed_bytes memory.committed_bytes: as it was last set");
    size_t count = 0;
    for (const char *at = text; (at = strstr(at, "\nmemory_committed_bytes{")) != NULL; at++) {
        count++;
    }
    assert_int_equal(count, 2);
    assert_null(strstr(text, "#2"));
    free(text);
    tare_telemetry_release(&telemetry);
}

/* Of each kind: what there is of the last window beside the totals, and how the options leave it out. */
static void totals_and_windows_stand_together(void **state)
{
    (void)state;
    static const char *const rolling[] = {
        "net_sent_rolling_bytes_per_second{" GAME ",proto=\"tcp\",dir=\"out\"} 1048576",
        "net_queue_depth_change_rolling{" GAME "} 0.5",
        "memory_committed_change_rolling_bytes{" GAME "} -1048576",
        "net_packet_size_rolling_count_per_second{" GAME "} 200",
        "net_packet_size_sum_rolling_bytes{" GAME "} 23040",
        "net_packet_size_rolling_bytes{" GAME ",figure=\"mean\"} 115.2",
        "net_packet_size_rolling_bytes{" GAME ",figure=\"p50\"} 101.5",
        "net_packet_size_rolling_bytes{" GAME ",figure=\"p95\"} 103.5",
        "net_packet_size_rolling_bytes{" GAME ",figure=\"p99\"} 475.5",
        "cpu_batch_rate_rolling_instructions_per_second{" GAME ",figure=\"p5\"} 60750",
        "pool_worker_state_changes_rolling_per_second{" GAME "} 6",
        "jit_hot_blocks_topk_key_weight_rolling_cycles_per_second{" GAME ",key=\"0xffffffffffffffff\"} 1250",
        "jit_hot_blocks_topk_key_error_rolling_cycles_per_second{" GAME ",key=\"0xffffffffffffffff\"} 60",
        "jit_hot_blocks_topk_key_hits_rolling_per_second{" GAME ",key=\"0xffffffffffffffff\"} 100",
        "jit_hot_blocks_topk_weight_rolling_cycles_per_second{" GAME "} 4000",
        "jit_hot_blocks_topk_hits_rolling_per_second{" GAME "} 500",
        "view_main_view_frames_rolling_per_second{" GAME "} 12",
        "view_main_view_frames_dropped_rolling_per_second{" GAME "} 0",
        "view_main_view_frames_slow_rolling_per_second{" GAME "} 0.5",
        "view_main_view_frames_time_rolling_seconds{" GAME ",figure=\"p50\"} 0.01555",
        "view_main_view_frames_part_rolling_seconds{" GAME ",part=\"cpu\"} 0.0095",
        "tare_timer_rolling_bytes_per_second{" TIMER "} 2048",
        "tare_timer_net_average_rolling_seconds{" TIMER "} 3.76e-08",
        "tare_timer_net_average_error_rolling_seconds{" TIMER "} 7.5e-10",
    };
    static const char *const totals[] = {
        "view_main_view_frames_time_ring_seconds{" GAME ",figure=\"p50\"} 0.01555",
        "view_main_view_frames_time_variation_ring_ratio{" GAME "} 0.25",
        "view_main_view_frames_time_variance_ring_square_seconds{" GAME "} 2.5e-05",
    };
    struct tare_telemetry telemetry;
    sample_telemetry(&telemetry);
    telemetry.processes[0].window_ns = 2e9; /* which what is not a rate yet is divided by */
    of_kind(&telemetry, TARE_KIND_STATE, 0)->rolling.per_s = 6;
    of_kind(&telemetry, TARE_KIND_TOPK, 0)->rolling.per_s = 4000;
    struct tare_instrument_figures *frames = of_kind(&telemetry, TARE_KIND_FRAMES, 0);
    frames->total.frames.variance_ms2 = 25;
    frames->total.frames.cov = 0.25;
    for (int format = TARE_METRICS_OPENMETRICS; format <= TARE_METRICS_PROMETHEUS; format++) {
        for (int no_rolling = 0; no_rolling < 2; no_rolling++) {
            char *text =
                text_of(&telemetry, &(struct tare_metrics_options){.format = (enum tare_metrics_format)format,
                                                                   .no_rolling = no_rolling != 0});
            for (size_t i = 0; i < sizeof(totals) / sizeof(totals[0]); i++) {
                assert_line(text, totals[i]);
            }
            for (size_t i = 0; i < sizeof(rolling) / sizeof(rolling[0]) && !no_rolling; i++) {
                assert_line(text, rolling[i]);
            }
            if (no_rolling) {
                assert_null(strstr(text, "_rolling"));
            }
            free(text);
        }
    }
    /* Where nothing is known of the window, nothing is said of it. */
    for (size_t i = 0; i < telemetry.processes[0].instrument_count; i++) {
        telemetry.processes[0].instruments[i].rolling.known = false;
    }
    char *text = text_of(&telemetry, &(struct tare_metrics_options){.format = TARE_METRICS_PROMETHEUS});
    for (size_t i = 0; i < sizeof(rolling) / sizeof(rolling[0]); i++) {
        char series[160];
        snprintf(series, sizeof(series), "%.*s", (int)strcspn(rolling[i], "}"), rolling[i]);
        assert_null(strstr(text, series));
    }
    free(text);
    tare_telemetry_release(&telemetry);
}

/* Not the one for the other, and what is unknown is not 0. */
static void threads_are_all_or_those_that_count(void **state)
{
    (void)state;
    struct tare_telemetry telemetry;
    sample_telemetry(&telemetry);
    telemetry.processes[0].threads = 3;
    telemetry.processes[0].process_threads = 201;
    telemetry.processes[1].process_threads = TARE_COUNT_UNKNOWN;
    char *text = text_of(&telemetry, &(struct tare_metrics_options){.format = TARE_METRICS_OPENMETRICS});
    assert_line(text, "# HELP tare_process_threads Threads of the process");
    assert_line(text, "tare_process_threads{" GAME "} 201");
    assert_line(text, "tare_process_instrumented_threads{" GAME "} 3");
    assert_null(strstr(text, "tare_process_threads{pid=\"4300\""));
    free(text);
    tare_telemetry_release(&telemetry);
}

/* The unit comes off a name, but not all of the name: what differs in it stays different. */
static void whole_names_are_kept(void **state)
{
    (void)state;
    struct tare_telemetry telemetry;
    sample_telemetry_empty(&telemetry);
    add_process(&telemetry, 7,
                (struct wanted[]){{TARE_KIND_GAUGE, "lab", "mb", "MB", NULL},
                                  {TARE_KIND_HISTOGRAM, "lab", "kb", "KB", NULL},
                                  {TARE_KIND_GAUGE, "lab", "mib", "MiB", NULL},
                                  {TARE_KIND_GAUGE, "lab", "mhz", "MHz", NULL},
                                  {TARE_KIND_GAUGE, "lab", "bytes", "bytes", NULL},
                                  {TARE_KIND_COUNTER, "lab", "ns_total", "ns", NULL},
                                  {TARE_KIND_GAUGE, "lab", "used_mb", "MB", NULL},
                                  {TARE_KIND_GAUGE, "", "mb", "MB", NULL}},
                8);
    char *text = text_of(&telemetry, &(struct tare_metrics_options){.format = TARE_METRICS_OPENMETRICS});
#define ALONE "{pid=\"7\",process=\"p\"} "
    assert_line(text, "lab_mb_bytes" ALONE "0");
    assert_line(text, "lab_kb_bytes_count" ALONE "0");
    assert_line(text, "lab_mib_bytes" ALONE "2097152");
    assert_line(text, "lab_mhz_hertz" ALONE "3000000");
    assert_line(text, "lab_bytes" ALONE "4");
    assert_line(text, "lab_ns_seconds_total" ALONE "0");
    assert_line(text, "lab_used_bytes" ALONE "6000000");
    assert_line(text, "_mb_bytes" ALONE "7000000");
    assert_null(strstr(text, "instrument="));
    assert_null(strstr(text, "# TYPE lab_bytes unknown"));
    free(text);
    tare_telemetry_release(&telemetry);
}

/* The instruments of tare/jit.h, gfx.h, cpu.h, memory.h and latency.h, and frames; and what is derived from them. */
static void make_sets(struct tare_telemetry *telemetry)
{
    static const struct wanted sets[] = {
        {TARE_KIND_GAUGE, "jit", "enabled", NULL, NULL},
        {TARE_KIND_GAUGE, "jit.cache", "capacity_bytes", "bytes", NULL},
        {TARE_KIND_GAUGE, "jit.cache", "used_bytes", "bytes", NULL},
        {TARE_KIND_COUNTER, "jit.cache", "lookup_hit_total", NULL, NULL},
        {TARE_KIND_COUNTER, "jit.cache", "lookup_miss_total", NULL, NULL},
        {TARE_KIND_COUNTER, "jit.cache", "evicted_total", NULL, NULL},
        {TARE_KIND_COUNTER, "jit", "deopt_total", NULL, NULL},
        {TARE_KIND_COUNTER, "jit", "guard_fail_total", NULL, NULL},
        {TARE_KIND_COUNTER, "jit.compile", "time_ns_total", "ns", "tier=one"},
        {TARE_KIND_COUNTER, "jit.compile", "time_ns_total", "ns", "tier=two"},
        {TARE_KIND_COUNTER, "jit.compile", "blocks_total", NULL, "tier=one"},
        {TARE_KIND_COUNTER, "jit.compile", "failed_total", NULL, "tier=one"},
        {TARE_KIND_COUNTER, "jit.pass", "time_ns_total", "ns", "pass=fold"},
        {TARE_KIND_COUNTER, "gfx", "draw_calls_total", NULL, NULL},
        {TARE_KIND_COUNTER, "gfx", "render_passes_total", NULL, NULL},
        {TARE_KIND_COUNTER, "gfx", "pipeline_switches_total", NULL, NULL},
        {TARE_KIND_COUNTER, "gfx", "bind_group_changes_total", NULL, NULL},
        {TARE_KIND_COUNTER, "gfx", "upload_bytes_total", "bytes", NULL},
        {TARE_KIND_HISTOGRAM, "gfx", "cpu_translate_ns", "ns", NULL},
        {TARE_KIND_HISTOGRAM, "gfx", "cpu_encode_ns", "ns", NULL},
        {TARE_KIND_HISTOGRAM, "gfx", "gpu_ns", "ns", NULL},
        {TARE_KIND_GAUGE, "gfx", "gpu_timing_supported", NULL, NULL},
        {TARE_KIND_GAUGE, "gfx", "gpu_timing_enabled", NULL, NULL},
        {TARE_KIND_COUNTER, "cpu", "instructions_total", NULL, NULL},
        {TARE_KIND_HISTOGRAM, "cpu", "batch_rate", "instructions/ms", NULL},
        {TARE_KIND_GAUGE, "memory", "configured_bytes", "bytes", "region=heap"},
        {TARE_KIND_GAUGE, "memory", "committed_bytes", "bytes", "region=heap"},
        {TARE_KIND_GAUGE, "memory", "configured_bytes", "bytes", "region=stack"},
        {TARE_KIND_GAUGE, "memory", "committed_bytes", "bytes", "region=stack"},
        {TARE_KIND_HISTOGRAM, "latency", "input_to_present_ns", "ns", NULL},
        {TARE_KIND_HISTOGRAM, "latency", "stage_ns", "ns", "stage=draw"},
        {TARE_KIND_GAUGE, "latency", "queue_depth", NULL, NULL},
        {TARE_KIND_COUNTER, "latency", "stalls_total", NULL, NULL},
        {TARE_KIND_COUNTER, "latency", "stall_ns_total", "ns", NULL},
        {TARE_KIND_FRAMES, "main", "view", NULL, NULL},
    };
    sample_telemetry_empty(telemetry);
    add_process(telemetry, 7, sets, sizeof(sets) / sizeof(sets[0]));
    assert_int_equal(tare__derived_fill(NULL, &telemetry->processes[0]), 0);
    for (size_t i = 0; i < telemetry->processes[0].derived_count; i++) {
        telemetry->processes[0].derived[i].total = telemetry->processes[0].derived[i].rolling = 0.5;
    }
}

static bool word_of(const char *line, const char *word)
{
    size_t size = strlen(word), end = strcspn(line, "{ ");
    for (size_t at = 0; at + size <= end; at++) {
        if ((at == 0 || line[at - 1] == '_') && memcmp(line + at, word, size) == 0 &&
            (at + size == end || line[at + size] == '_')) {
            return true;
        }
    }
    return false;
}

/* Of what tare itself names: no unit but base units, none twice, and no two instruments in one series. */
static void our_own_sets_have_clean_names(void **state)
{
    (void)state;
    static const char *const never[] = {"ns", "ms", "us", "s", "mips", "fps"};
    struct tare_telemetry telemetry;
    make_sets(&telemetry);
    assert_true(telemetry.processes[0].derived_count >= 15);
    char *text = text_of(&telemetry, &(struct tare_metrics_options){.format = TARE_METRICS_OPENMETRICS});
    assert_null(strstr(text, "instrument="));
    assert_null(strstr(text, " unknown\n"));
    assert_null(strstr(text, "_per_second_per_second"));
    assert_line(text, "tare_metrics_left_out 0");
    for (const char *line = text; *line != '\0'; line = strchr(line, '\n') + 1) {
        for (size_t i = 0; i < sizeof(never) / sizeof(never[0]) && line[0] != '#'; i++) {
            if (word_of(line, never[i])) {
                fail_msg("'%s' in %.100s", never[i], line);
            }
        }
    }
    free(text);
    tare_telemetry_release(&telemetry);
}

static void what_is_switched_off_has_no_rate(void **state)
{
    (void)state;
    struct tare_telemetry telemetry;
    sample_telemetry(&telemetry);
    struct tare_process_figures *game = &telemetry.processes[0];
    for (size_t i = 0; i < game->instrument_count; i++) {
        game->instruments[i].enabled = false;
    }
    char *text = text_of(&telemetry, &(struct tare_metrics_options){.format = TARE_METRICS_OPENMETRICS});
    char *samples = samples_of(text, 4242);
    assert_line(samples,
                "tare_timer_seconds_count{" GAME ",module=\"fdtables\",timer=\"close_virtualfd\"} 1000");
    assert_line(samples, "net_sent_bytes_total{" GAME ",proto=\"tcp\",dir=\"out\"} 123456789012");
    assert_line(samples, "view_main_view_frames_seconds_count{" GAME "} 12");
    for (const char *at = samples; (at = strstr(at, "_rolling")) != NULL; at++) {
        while (at > samples && at[-1] != '\n') {
            at--;
        }
        assert_true(strncmp(at, "tare_derived_", 13) == 0 || strncmp(at, "tare_process_", 13) == 0);
        at = strchr(at, '\n');
    }
    free(samples);
    free(text);
    tare_telemetry_release(&telemetry);
}

static void numbers_are_exact_to_the_ends(void **state)
{
    (void)state;
    struct tare_telemetry telemetry;
    sample_telemetry_empty(&telemetry);
    add_process(&telemetry, 7,
                (struct wanted[]){{TARE_KIND_COUNTER, "m", "most", NULL, NULL},
                                  {TARE_KIND_COUNTER, "m", "most_but_one", "ns", NULL},
                                  {TARE_KIND_COUNTER, "m", "most_blocks", "KiB", NULL},
                                  {TARE_KIND_GAUGE, "m", "above", NULL, NULL},
                                  {TARE_KIND_GAUGE, "m", "below", "ms", NULL},
                                  {TARE_KIND_GAUGE, "m", "zero", NULL, NULL},
                                  {TARE_KIND_GAUGE, "m", "unknown", NULL, NULL}},
                7);
    struct tare_instrument_figures *all = telemetry.processes[0].instruments;
    all[0].total.total = INT64_MAX;
    all[1].total.total = UINT64_MAX - 1;
    all[2].total.total = (uint64_t)INT64_MAX + 1;
    all[3].total.value = HUGE_VAL;
    all[4].total.value = -HUGE_VAL;
    all[5].total.value = -0.0;
    all[6].total.value = NAN;
    for (int format = TARE_METRICS_OPENMETRICS; format <= TARE_METRICS_PROMETHEUS; format++) {
        char *text =
            text_of(&telemetry, &(struct tare_metrics_options){.format = (enum tare_metrics_format)format});
        assert_line(text, "m_most_total{pid=\"7\",process=\"p\"} 9223372036854775807");
        assert_line(text, "m_most_but_one_seconds_total{pid=\"7\",process=\"p\"} 18446744073.709551614");
        assert_line(text, "m_most_blocks_bytes_total{pid=\"7\",process=\"p\"} 9444732965739290427392");
        assert_null(strstr(text, "m_above{"));
        assert_null(strstr(text, "m_below_seconds{"));
        assert_line(text, "m_zero{pid=\"7\",process=\"p\"} 0");
        assert_null(strstr(text, "m_unknown{"));
        free(text);
    }
    tare_telemetry_release(&telemetry);
}

/* Those that we give, and those that mean something to Prometheus, stay ours. */
static void labels_of_programs_stand_beside_ours(void **state)
{
    (void)state;
    static const char *const ours[] = {"pid",   "process", "le",  "quantile", "module", "timer", "instrument",
                                       "state", "part",    "key", "what",     "figure", "clock", "executable"};
    for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++) {
        char labels[64], gauge[128], bucket[128], timer[160];
        struct tare_telemetry telemetry;
        sample_telemetry_empty(&telemetry);
        snprintf(labels, sizeof(labels), "%s=9,other=x", ours[i]);
        add_process(&telemetry, 7,
                    (struct wanted[]){{TARE_KIND_GAUGE, "m", "g", NULL, labels},
                                      {TARE_KIND_HISTOGRAM, "m", "h", NULL, labels},
                                      {TARE_KIND_TIMER, "m", "t", NULL, labels}},
                    3);
        char *text = text_of(&telemetry, &(struct tare_metrics_options){.format = TARE_METRICS_OPENMETRICS});
        snprintf(gauge, sizeof(gauge), "m_g{pid=\"7\",process=\"p\",label_%s=\"9\",other=\"x\"} 0", ours[i]);
        snprintf(bucket, sizeof(bucket),
                 "m_h_bucket{pid=\"7\",process=\"p\",label_%s=\"9\",other=\"x\",le=\"+Inf\"} 0", ours[i]);
        snprintf(timer, sizeof(timer),
                 "tare_timer_seconds_count{pid=\"7\",process=\"p\",module=\"m\",timer=\"t\",label_%s=\"9\","
                 "other=\"x\"} 0",
                 ours[i]);
        assert_line(text, gauge);
        assert_line(text, bucket);
        assert_line(text, timer);
        free(text);
        tare_telemetry_release(&telemetry);
    }
}

/* A unit that was made for it can still give one name to two things: one of them is there. */
static void what_cannot_be_told_apart_is_counted(void **state)
{
    (void)state;
    struct tare_telemetry telemetry;
    sample_telemetry_empty(&telemetry);
    add_process(&telemetry, 7,
                (struct wanted[]){{TARE_KIND_COUNTER, "m", "q", NULL, NULL},
                                  {TARE_KIND_GAUGE, "m", "q", "rolling_per_second", NULL}},
                2);
    char *text = text_of(&telemetry, &(struct tare_metrics_options){.format = TARE_METRICS_OPENMETRICS});
    assert_line(text, "tare_metrics_left_out 1");
    free(text);
    tare_telemetry_release(&telemetry);
}

/* No two samples of one name and labels, and no name but of allowed characters. */
static void check_samples(char *text)
{
    size_t count = 0;
    char **series = malloc(strlen(text) * sizeof(char *));
    assert_non_null(series);
    for (char *line = strtok(text, "\n"); line != NULL; line = strtok(NULL, "\n")) {
        if (line[0] == '#') {
            continue;
        }
        char *end = strrchr(line, ' ');
        assert_non_null(end);
        *end = '\0';
        size_t name = strspn(line, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");
        assert_true(name > 0 && (line[name] == '{' || line[name] == '\0'));
        assert_true(line[0] < '0' || line[0] > '9');
        series[count++] = line;
    }
    qsort(series, count, sizeof(char *), by_text);
    for (size_t i = 1; i < count; i++) {
        if (strcmp(series[i - 1], series[i]) == 0) {
            fail_msg("twice: %s", series[i]);
        }
    }
    free(series);
}

/* Counts and sums of which nothing can be said, beside such that are known. */
static void make_unknown(struct tare_telemetry *telemetry)
{
    sample_telemetry_empty(telemetry);
    add_process(telemetry, 7,
                (struct wanted[]){{TARE_KIND_COUNTER, "m", "lost", "bytes", NULL},
                                  {TARE_KIND_COUNTER, "m", "kept", "bytes", NULL},
                                  {TARE_KIND_HISTOGRAM, "m", "sizes", "bytes", NULL},
                                  {TARE_KIND_HISTOGRAM, "m", "none", "bytes", NULL},
                                  {TARE_KIND_TIMER, "m", "work", NULL, NULL},
                                  {TARE_KIND_TOPK, "m", "keys", NULL, NULL},
                                  {TARE_KIND_FRAMES, "m", "view", NULL, NULL},
                                  {TARE_KIND_GAUGE, "m", "depth", NULL, NULL}},
                8);
    struct tare_instrument_figures *all = telemetry->processes[0].instruments;
    all[0].total.total = TARE_COUNT_UNKNOWN;
    all[0].rolling.per_s = NAN;
    all[1].total.total = 5;
    for (size_t i = 2; i <= 6; i += 2) {
        struct tare_distribution *d = &all[i].total.distribution;
        d->count = 3;
        d->sum = NAN;
        d->p50 = 4;
        d->scale = 1;
        d->bucket_count = 1;
        d->buckets = calloc(1, sizeof(*d->buckets));
        assert_non_null(d->buckets);
        d->buckets[0] = (struct tare_result_bucket){.low_ticks = 4, .width_ticks = 1, .count = 3};
    }
    all[5].total.total = TARE_COUNT_UNKNOWN;
    all[5].total.hits = 2;
    all[7].total.value = -HUGE_VAL;
    all[7].total.peak = HUGE_VAL;
}

static void unknown_counts_and_sums_are_absent(void **state)
{
    (void)state;
#define SEVEN "{pid=\"7\",process=\"p\""
    for (int histograms = 0; histograms < 2; histograms++) {
        for (int format = TARE_METRICS_OPENMETRICS; format <= TARE_METRICS_PROMETHEUS; format++) {
            struct tare_telemetry telemetry;
            make_unknown(&telemetry);
            char *text =
                text_of(&telemetry, &(struct tare_metrics_options){.format = (enum tare_metrics_format)format,
                                                                   .timer_histograms = histograms != 0});
            assert_null(strstr(text, "m_lost_bytes_total{"));
            assert_null(strstr(text, "m_lost_rolling_bytes_per_second{"));
            assert_line(text, "m_kept_bytes_total" SEVEN "} 5");
            /* A sum and a count are there both, or neither; the last bucket has the count. */
            assert_line(text, "m_sizes_bytes_bucket" SEVEN ",le=\"+Inf\"} 3");
            assert_null(strstr(text, "m_sizes_bytes_sum{"));
            assert_null(strstr(text, "m_sizes_bytes_count{"));
            assert_line(text, "m_none_bytes_sum" SEVEN "} 0");
            assert_line(text, "m_none_bytes_count" SEVEN "} 0");
            assert_line(text, "m_view_frames_seconds_bucket" SEVEN ",le=\"+Inf\"} 3");
            assert_null(strstr(text, "m_view_frames_seconds_sum{"));
            assert_null(strstr(text, "tare_timer_seconds_sum{"));
            if (histograms) {
                assert_null(strstr(text, "tare_timer_seconds_count{"));
            } else { /* a summary may lack either */
                assert_line(text, "tare_timer_seconds_count" SEVEN ",module=\"m\",timer=\"work\"} 3");
            }
            assert_null(strstr(text, "m_keys_topk_weight_total{"));
            assert_line(text, "m_keys_topk_hits_total" SEVEN "} 2");
            assert_null(strstr(text, "m_depth{"));
            assert_null(strstr(text, "m_depth_peak{"));
            assert_null(strstr(text, "18446744073709551615"));
            check_samples(text);
            free(text);
            tare_telemetry_release(&telemetry);
        }
    }
}

/* The last of our buckets has no upper end: what is in it is below no bound. */
static void values_beyond_the_buckets_have_no_bound(void **state)
{
    (void)state;
    struct tare_telemetry telemetry;
    sample_telemetry_empty(&telemetry);
    add_process(&telemetry, 7,
                (struct wanted[]){{TARE_KIND_HISTOGRAM, "m", "values", NULL, NULL},
                                  {TARE_KIND_FRAMES, "m", "view", NULL, NULL}},
                2);
    for (size_t i = 0; i < 2; i++) {
        struct tare_distribution *d = &telemetry.processes[0].instruments[i].total.distribution;
        d->count = 3;
        d->sum = 1e19;
        d->scale = i == 0 ? 1 : 0.3;
        d->bucket_count = 2;
        d->buckets = calloc(2, sizeof(*d->buckets));
        assert_non_null(d->buckets);
        for (size_t k = 0; k < 2; k++) {
            uint32_t index = k == 0 ? TARE_BUCKET_COUNT - 2 : TARE_BUCKET_COUNT - 1;
            d->buckets[k] = (struct tare_result_bucket){
                .low_ticks = tare_bucket_low(index), .width_ticks = tare_bucket_width(index), .count = k + 1};
        }
    }
    char *text = text_of(&telemetry, &(struct tare_metrics_options){.format = TARE_METRICS_OPENMETRICS});
    assert_line(text, "m_values_bucket" SEVEN ",le=\"140737488355327.0\"} 0"); /* 2^47 - 1 */
    assert_null(strstr(text, "le=\"281474976710655.0\""));
    assert_line(text, "m_values_bucket" SEVEN ",le=\"+Inf\"} 3");
    assert_line(text, "m_values_count" SEVEN "} 3");
    assert_line(text, "m_view_frames_seconds_bucket" SEVEN ",le=\"70368.744177664\"} 0"); /* 2^46 ns */
    assert_null(strstr(text, "le=\"140737.488355328\""));
    assert_line(text, "m_view_frames_seconds_bucket" SEVEN ",le=\"+Inf\"} 3");
    free(text);
    tare_telemetry_release(&telemetry);
}

/* Pairs whose names meet once they are spelled as metrics. */
static const struct wanted meeting[] = {
    {TARE_KIND_COUNTER, "a", "b_c", NULL, NULL},
    {TARE_KIND_COUNTER, "a_b", "c", NULL, NULL},
    {TARE_KIND_COUNTER, "m", "x", NULL, NULL},
    {TARE_KIND_COUNTER, "m", "x_total", NULL, NULL},
    {TARE_KIND_HISTOGRAM, "m", "h", NULL, NULL},
    {TARE_KIND_COUNTER, "m", "h_count", NULL, NULL},
    {TARE_KIND_COUNTER, "m", "h_bucket", NULL, NULL},
    {TARE_KIND_GAUGE, "m", "h_count", NULL, NULL},
    {TARE_KIND_GAUGE, "m", "h_sum", NULL, NULL},
    {TARE_KIND_HISTOGRAM, "m", "h_bucket", NULL, NULL},
    {TARE_KIND_GAUGE, "m", "x_total", NULL, NULL},
    {TARE_KIND_COUNTER, "m", "x_created", NULL, NULL},
    {TARE_KIND_GAUGE, "m", "u", "bytes", NULL},
    {TARE_KIND_GAUGE, "m", "u_bytes", NULL, NULL},
    {TARE_KIND_TIMER, "m", "t", NULL, "timer=t"},
    {TARE_KIND_TIMER, "m", "t", NULL, "timer=t"},
    {TARE_KIND_STATE, "m", "s", NULL, NULL},
    {TARE_KIND_COUNTER, "m", "s_state_seconds", NULL, NULL},
    {TARE_KIND_COUNTER, "m", "l", NULL, "a.b=1,a_b=2"},
};
enum { MEETING = sizeof(meeting) / sizeof(meeting[0]) };

static void names_that_meet_are_told_apart(void **state)
{
    (void)state;
    struct tare_telemetry telemetry;
    for (int format = TARE_METRICS_OPENMETRICS; format <= TARE_METRICS_PROMETHEUS; format++) {
        sample_telemetry_empty(&telemetry);
        add_process(&telemetry, 7, meeting, MEETING);
        char *text =
            text_of(&telemetry, &(struct tare_metrics_options){.format = (enum tare_metrics_format)format});
        assert_line(text, "a_b_c_total" SEVEN "} 0");
        assert_line(text, "a_b_c_total" SEVEN ",instrument=\"a_b.c#2\"} 0");
        assert_line(text, "m_x_total" SEVEN "} 0");
        assert_line(text, "m_x_total" SEVEN ",instrument=\"m.x_total#2\"} 0");
        assert_line(text, "m_h_count" SEVEN "} 0");
        assert_line(text, "m_h_count_total" SEVEN "} 0");
        assert_line(text, "m_h_count_value" SEVEN "} 7");
        assert_line(text, "m_h_sum_value" SEVEN "} 8");
        assert_line(text, "m_x" SEVEN "} 10");
        assert_line(text, "m_u_bytes" SEVEN "} 12");
        assert_line(text, "m_u_bytes" SEVEN ",instrument=\"m.u_bytes#2\"} 13");
        assert_line(text, "m_s_state_seconds_value_total" SEVEN "} 0");
        assert_line(text, "m_l_total" SEVEN ",a_b=\"1\",a_b_2=\"2\"} 0");
        assert_line(text, "tare_metrics_left_out 0");
        check_samples(text);
        free(text);
        tare_telemetry_release(&telemetry);
    }
}

/* A table that a program would have, a stream for it, and the keys that were ever named in metrics. */
struct stream {
    void *memory;
    struct tare_topk *table;
    struct tare_telemetry telemetry;
    struct tare_page_key then[64];
    size_t then_count;
    uint64_t weight, random;
    uint64_t named[512], tables_heaviest[512];
    size_t named_count, heaviest_count, most_at_once;
};

enum { ENTRIES = 64, TAIL = 30000, HEAVY = 1 << 20 };

static void begin_stream(struct stream *stream)
{
    *stream = (struct stream){.random = 1};
    stream->memory = calloc(1, tare__topk_before(ENTRIES) + tare__topk_size(ENTRIES));
    assert_non_null(stream->memory);
    stream->table = tare__topk_init(stream->memory, ENTRIES, 0x9e3779b97f4a7c15);
    sample_telemetry_empty(&stream->telemetry);
    add_process(&stream->telemetry, 7, (struct wanted[]){{TARE_KIND_TOPK, "m", "keys", NULL, NULL}}, 1);
    struct tare_instrument_figures *keys = &stream->telemetry.processes[0].instruments[0];
    keys->total.keys = calloc(ENTRIES, sizeof(*keys->total.keys));
    keys->rolling.keys = calloc(ENTRIES, sizeof(*keys->rolling.keys));
    assert_true(keys->total.keys != NULL && keys->rolling.keys != NULL);
}

static void end_stream(struct stream *stream)
{
    free(stream->memory);
    tare_telemetry_release(&stream->telemetry);
}

/* `heavy` of 100 updates are of one key, the others of one in the tail. */
static void updates(struct stream *stream, size_t count, unsigned heavy)
{
    for (size_t i = 0; i < count; i++) {
        stream->random = stream->random * 6364136223846793005 + 1442695040888963407;
        uint64_t drawn = stream->random >> 33;
        uint64_t key = drawn % 100 < heavy ? HEAVY : 1 + drawn / 100 % TAIL;
        tare__topk_hit(stream->table, tare__topk_index(stream->table)->multiplier, key, 1);
    }
    stream->weight += count;
}

static void remember(uint64_t *keys, size_t *count, uint64_t key)
{
    for (size_t i = 0; i < *count; i++) {
        if (keys[i] == key) {
            return;
        }
    }
    if (*count < 512) {
        keys[(*count)++] = key;
    }
}

/* A reading: the table as it is, and what each key gained since the one before. */
static void read_stream(struct stream *stream)
{
    struct tare_instrument_figures *out = &stream->telemetry.processes[0].instruments[0];
    struct tare_page_key now[ENTRIES];
    size_t count = stream->table->used;
    for (uint32_t i = 0; i < count; i++) {
        const struct tare__topk_entry *entry = tare__topk_entry(stream->table, i + 1);
        now[i] = (struct tare_page_key){
            .key = entry->key, .weight = entry->weight, .error = entry->error, .hits = entry->hits};
    }
    tare__sort_keys(now, count);
    uint64_t came = stream->weight - out->total.total;
    out->total.total = stream->weight;
    out->rolling.total = came;
    out->total.key_count = count;
    out->rolling.key_count = 0;
    for (size_t i = 0; i < count; i++) {
        out->total.keys[i] = (struct tare_key_figures){now[i].key, now[i].weight, now[i].error, now[i].hits, 0};
        const struct tare_page_key *then = NULL;
        for (size_t k = 0; k < stream->then_count; k++) {
            then = stream->then[k].key == now[i].key ? &stream->then[k] : then;
        }
        struct tare_page_key growth;
        tare__key_growth(&now[i], then, came, &growth);
        if (growth.weight != 0) {
            out->rolling.keys[out->rolling.key_count++] =
                (struct tare_key_figures){growth.key, growth.weight, growth.error, growth.hits, 0};
        }
        if (i < TARE_METRICS_KEYS) {
            remember(stream->tables_heaviest, &stream->heaviest_count, now[i].key);
        }
    }
    memcpy(stream->then, now, count * sizeof(*now));
    stream->then_count = count;
    char *text =
        text_of(&stream->telemetry, &(struct tare_metrics_options){.format = TARE_METRICS_OPENMETRICS});
    size_t at_once = 0;
    for (const char *at = text; (at = strstr(at, ",key=\"0x")) != NULL; at++) {
        remember(stream->named, &stream->named_count, strtoull(at + strlen(",key=\""), NULL, 16));
        at_once++;
    }
    stream->most_at_once = at_once > stream->most_at_once ? at_once : stream->most_at_once;
    free(text);
}

/* A store has to keep a series for each key that was ever named. */
static void a_long_tail_makes_no_series(void **state)
{
    (void)state;
    struct stream stream;
    begin_stream(&stream);
    for (int reading = 0; reading < 300; reading++) {
        updates(&stream, 1000, 60);
        read_stream(&stream);
    }
    assert_int_equal(stream.heaviest_count, 512); /* the tail does pass through the table's upper twenty */
    assert_int_equal(stream.named_count, 1);
    assert_int_equal(stream.named[0], HEAVY);
    assert_int_equal(stream.most_at_once, 6); /* weight, error, hits, and all three in the window */
    end_stream(&stream);
}

/* While there is little of anything, each key is a real share of it; it stays a bounded number of keys. */
static void slow_streams_have_bounded_keys_too(void **state)
{
    (void)state;
    struct stream stream;
    begin_stream(&stream);
    for (int reading = 0; reading < 2000; reading++) {
        updates(&stream, 10, 0);
        read_stream(&stream);
    }
    assert_int_equal(stream.heaviest_count, 512);
    assert_in_range(stream.named_count, 1, 100);
    assert_in_range(stream.most_at_once, 1, 6 * TARE_METRICS_KEYS);
    end_stream(&stream);
}

/* Foreign pages may name two states, or parts, alike, or as we would number them. */
static void states_and_parts_of_one_name_are_told_apart(void **state)
{
    (void)state;
    static const char *const names[] = {"a", "a", "a#2", "", "a", "\xff", "\xfe", "#1"};
    static const char *const shown[] = {"a", "a#3", "a#2", "#2", "a#4", "\xef\xbf\xbd", "\xef\xbf\xbd#2", "#1"};
    enum { NAMES = sizeof(names) / sizeof(names[0]) };
    struct tare_telemetry telemetry;
    sample_telemetry_empty(&telemetry);
    add_process(
        &telemetry, 7,
        (struct wanted[]){{TARE_KIND_STATE, "m", "s", NULL, NULL}, {TARE_KIND_FRAMES, "m", "f", NULL, NULL}},
        2);
    struct tare_instrument_figures *states = &telemetry.processes[0].instruments[0], *frames = states + 1;
    struct tare_readings *const readings[] = {&states->total, &states->rolling};
    for (size_t r = 0; r < 2; r++) {
        readings[r]->states = calloc(NAMES, sizeof(*readings[r]->states));
        assert_non_null(readings[r]->states);
        readings[r]->state_count = NAMES;
    }
    frames->names = calloc(NAMES + 1, sizeof(*frames->names));
    assert_non_null(frames->names);
    for (size_t i = 0; i < NAMES; i++) {
        for (size_t r = 0; r < 2; r++) {
            readings[r]->states[i] = (struct tare_state_figures){
                .name = sample_string(names[i]), .threads = i, .ns = 1e9 * (double)i, .share = (double)i};
        }
        frames->names[i] = sample_string(names[i]);
        frames->total.frame_part_mean_ns[i] = frames->rolling.frame_part_mean_ns[i] = 1e9 * (double)i;
    }
    char *text = text_of(&telemetry, &(struct tare_metrics_options){.format = TARE_METRICS_OPENMETRICS});
    for (size_t i = 0; i < NAMES; i++) {
        static const char *const metrics[] = {
            "m_s_state_seconds_total%s,state=\"%s\"} %zu", "m_s_state_threads%s,state=\"%s\"} %zu",
            "m_s_state_rolling_ratio%s,state=\"%s\"} %zu", "m_f_frames_part_seconds%s,part=\"%s\"} %zu",
            "m_f_frames_part_rolling_seconds%s,part=\"%s\"} %zu"};
        for (size_t k = 0; k < sizeof(metrics) / sizeof(metrics[0]); k++) {
            char *line = NULL;
            assert_true(asprintf(&line, metrics[k], SEVEN, shown[i], i) > 0);
            assert_line(text, line);
            free(line);
        }
    }
    check_samples(text);
    free(text);
    tare_telemetry_release(&telemetry);
}

static void clashing_names_are_told_apart(void **state)
{
    (void)state;
    for (int histograms = 0; histograms < 2; histograms++) {
        for (int format = TARE_METRICS_OPENMETRICS; format <= TARE_METRICS_PROMETHEUS; format++) {
            struct tare_telemetry telemetry;
            make_hostile(&telemetry);
            const struct tare_metrics_options options = {.format = (enum tare_metrics_format)format,
                                                         .timer_histograms = histograms != 0};
            char *text = text_of(&telemetry, &options);
            assert_non_null(strstr(text, "label_pid=\"1\""));
            assert_non_null(strstr(text, "instrument=\"a_b.c#2\""));
            check_samples(text);
            free(text);
            tare_telemetry_release(&telemetry);
        }
    }
}

static void no_process_is_a_text_too(void **state)
{
    (void)state;
    struct tare_telemetry telemetry;
    sample_telemetry_empty(&telemetry);
    char *text = text_of(&telemetry, &(struct tare_metrics_options){.format = TARE_METRICS_OPENMETRICS});
    assert_line(text, "tare_processes 0");
    assert_null(strstr(text, "\ntare_window_seconds "));
    free(text);
    tare_telemetry_release(&telemetry);
}

static void numbers_have_a_point_in_every_locale(void **state)
{
    (void)state;
    if (!comma_locale_begin()) {
        skip();
    }
    char *text = sample_text((struct tare_metrics_options){.format = TARE_METRICS_OPENMETRICS});
    comma_locale_end();
    assert_line(text, "net_queue_depth{" GAME "} -2.5");
    assert_line(text, "net_packet_size_bytes_bucket{" GAME ",le=\"63.0\"} 200");
    free(text);
}

static int print(int argc, char **argv)
{
    struct tare_telemetry telemetry;
    const char *which = argc > 3 ? argv[3] : "";
    struct tare_metrics_options options = {
        .format = strncmp(argv[2], "prometheus", 10) == 0 ? TARE_METRICS_PROMETHEUS : TARE_METRICS_OPENMETRICS,
        .timer_histograms = strstr(argv[2], "histograms") != NULL,
        .timestamps = strstr(argv[2], "timestamps") != NULL,
        .no_rolling = strstr(argv[2], "totals") != NULL,
    };
    if (strcmp(which, "hostile") == 0) {
        make_hostile(&telemetry);
    } else if (strcmp(which, "one_name") == 0) {
        sample_telemetry_empty(&telemetry);
        for (size_t i = 0; i < ONE_NAME; i++) {
            add_process(&telemetry, 10 + (pid_t)i, &one_name[i], 1);
        }
        add_process(&telemetry, 9, one_name, ONE_NAME);
    } else if (strcmp(which, "sets") == 0) {
        make_sets(&telemetry);
    } else if (strcmp(which, "large") == 0) {
        sample_telemetry_large(&telemetry, 1000);
    } else if (strcmp(which, "unknown") == 0) {
        make_unknown(&telemetry);
    } else if (strcmp(which, "meeting") == 0) {
        sample_telemetry_empty(&telemetry);
        add_process(&telemetry, 7, meeting, MEETING);
    } else if (strcmp(which, "empty") == 0) {
        sample_telemetry_empty(&telemetry);
    } else {
        sample_telemetry(&telemetry);
    }
    size_t size = 0;
    char *text = tare_openmetrics_with(&telemetry, &options, &size);
    bool fine = text != NULL && fwrite(text, 1, size, stdout) == size && fflush(stdout) == 0;
    free(text);
    tare_telemetry_release(&telemetry);
    return fine ? 0 : 1;
}

int main(int argc, char **argv)
{
    if (argc > 2 && strcmp(argv[1], "--print") == 0) {
        return print(argc, argv);
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_follow_from_names_and_units),
        cmocka_unit_test(prometheus_has_types_of_samples),
        cmocka_unit_test(what_is_unknown_has_no_sample),
        cmocka_unit_test(buckets_are_cumulative_and_exact),
        cmocka_unit_test(timers_are_summaries_or_histograms),
        cmocka_unit_test(states_keys_and_frames_are_there),
        cmocka_unit_test(keys_are_bounded),
        cmocka_unit_test(hard_text_is_escaped),
        cmocka_unit_test(samples_may_stand_alone_with_their_time),
        cmocka_unit_test(names_do_not_depend_on_other_processes),
        cmocka_unit_test(both_formats_name_the_same_series),
        cmocka_unit_test(derived_figures_have_families_of_their_own),
        cmocka_unit_test(totals_and_windows_stand_together),
        cmocka_unit_test(threads_are_all_or_those_that_count),
        cmocka_unit_test(whole_names_are_kept),
        cmocka_unit_test(our_own_sets_have_clean_names),
        cmocka_unit_test(what_is_switched_off_has_no_rate),
        cmocka_unit_test(numbers_are_exact_to_the_ends),
        cmocka_unit_test(labels_of_programs_stand_beside_ours),
        cmocka_unit_test(what_cannot_be_told_apart_is_counted),
        cmocka_unit_test(unknown_counts_and_sums_are_absent),
        cmocka_unit_test(values_beyond_the_buckets_have_no_bound),
        cmocka_unit_test(names_that_meet_are_told_apart),
        cmocka_unit_test(clashing_names_are_told_apart),
        cmocka_unit_test(a_long_tail_makes_no_series),
        cmocka_unit_test(slow_streams_have_bounded_keys_too),
        cmocka_unit_test(states_and_parts_of_one_name_are_told_apart),
        cmocka_unit_test(no_process_is_a_text_too),
        cmocka_unit_test(numbers_have_a_point_in_every_locale),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
