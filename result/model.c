/* SPDX-License-Identifier: MIT */
/*
 * The result in memory: making, growing and freeing it.
 *
 * The arrays grow as result/grow.h says: what appends must go through the functions below.
 */
#include "result/model.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "result/capture.h"
#include "result/grow.h"
#include "result/telemetry.h"

void *tare__result_grow(void *array, size_t count, size_t size)
{
    if ((count & (count - 1)) != 0) {
        return array;
    }
    size_t capacity = count == 0 ? 1 : count * 2;
    size_t bytes;
    if (capacity < count || __builtin_mul_overflow(capacity, size, &bytes)) {
        return NULL;
    }
    return realloc(array, bytes);
}

static struct tare_result_cost unknown_cost(void)
{
    return (struct tare_result_cost){.median_ns = NAN, .mad_ns = NAN};
}

struct tare_result *tare_result_new(void)
{
    struct tare_result *result = calloc(1, sizeof *result);
    if (result == NULL) {
        return NULL;
    }
    result->environment.memory_bytes = NAN;
    result->environment.commit_dirty = -1;
    result->environment.commit_time_s = NAN;
    result->clock.rate_hz = NAN;
    result->clock.rate_error_ppm = NAN;
    result->clock.granularity_ns = NAN;
    result->clock.counter_traps = -1;
    result->clock.steps = result->clock.migrations = TARE_COUNT_UNKNOWN;
    result->clock.watched_ns = result->clock.step_ns = NAN;
    result->clock.rate_change_ppm = result->clock.suspended_ns = NAN;
    result->clock.inner = unknown_cost();
    result->clock.outer = unknown_cost();
    result->clock.inner_at_exit = unknown_cost();
    result->clock.outer_at_exit = unknown_cost();
    result->clock.inner_empty = unknown_cost();
    result->clock.inner_empty_at_exit = unknown_cost();
    result->clock.inner_empty_in_run = unknown_cost();
    result->clock.outer_nested = unknown_cost();
    result->clock.outer_apart = unknown_cost();
    result->clock.outer_nested_at_exit = unknown_cost();
    result->clock.outer_apart_at_exit = unknown_cost();
    result->clock.inner_in_run = unknown_cost();
    result->clock.outer_in_run = unknown_cost();
    result->clock.outer_nested_in_run = unknown_cost();
    result->clock.outer_apart_in_run = unknown_cost();
    result->confidence = TARE_RESULT_CONFIDENCE;
    result->cpu_ns = result->measuring_ns = result->measuring_share = NAN;
    return result;
}

static void free_strings(char **strings)
{
    if (strings == NULL) {
        return;
    }
    for (char **s = strings; *s != NULL; s++) {
        free(*s);
    }
    free(strings);
}

static void release_environment(struct tare_environment *environment)
{
    free(environment->host);
    free(environment->machine);
    free(environment->cpu_model);
    free(environment->kernel);
    free(environment->os);
    free(environment->libc);
    free(environment->clocksource);
    free(environment->governor);
    free(environment->virtualization);
    free(environment->commit);
    free(environment->commit_parents);
    free(environment->commit_subject);
    free(environment->branch);
    free(environment->job_link);
}

void tare_result_free(struct tare_result *result)
{
    if (result == NULL) {
        return;
    }
    free(result->kind);
    free(result->tare_version);
    free(result->started);
    free_strings(result->command);
    release_environment(&result->environment);
    tare_fingerprint_release(&result->fingerprint);
    free(result->clock.name);
    for (size_t i = 0; i < result->pass_count; i++) {
        free(result->passes[i].only);
    }
    free(result->passes);
    for (size_t i = 0; i < result->timer_count; i++) {
        tare_result_timer_release(&result->timers[i]);
    }
    free(result->timers);
    for (size_t i = 0; i < result->instrument_count; i++) {
        tare_instrument_figures_release(&result->instruments[i]);
    }
    free(result->instruments);
    for (size_t i = 0; i < result->process_count; i++) {
        tare_result_process_release(&result->processes[i]);
    }
    free(result->processes);
    free_strings(result->notes);
    tare_result_bench_free(result->bench);
    tare_result_suite_free(result->suite);
    tare_profile_free(result->profile);
    tare_result_stat_free(result->stat);
    tare_capture_free(result->capture);
    free(result);
}

void tare_result_figures_init(struct tare_result_figures *figures)
{
    *figures = (struct tare_result_figures){
        .raw_total_ns = NAN,
        .raw_avg_ns = NAN,
        .raw_min_ns = NAN,
        .raw_max_ns = NAN,
        .net_total_ns = NAN,
        .net_avg_ns = NAN,
        .net_avg_error_ns = NAN,
        .net_avg_low_ns = NAN,
        .net_avg_high_ns = NAN,
        .net_avg_limit_ns = NAN,
        .raw_p50_ns = NAN,
        .raw_p90_ns = NAN,
        .raw_p95_ns = NAN,
        .raw_p99_ns = NAN,
        .raw_p999_ns = NAN,
        .net_p50_ns = NAN,
        .net_p90_ns = NAN,
        .net_p95_ns = NAN,
        .net_p99_ns = NAN,
        .net_p999_ns = NAN,
        .p50_error_ns = NAN,
        .p90_error_ns = NAN,
        .p95_error_ns = NAN,
        .p99_error_ns = NAN,
        .p999_error_ns = NAN,
        .measuring_ns = NAN,
        .measuring_share = NAN,
    };
    for (int part = 0; part < TARE_ERROR_PARTS; part++) {
        figures->net_avg_error_part_ns[part] = NAN;
    }
}

void tare_result_figures_release(struct tare_result_figures *figures)
{
    free(figures->buckets);
    figures->buckets = NULL;
    figures->bucket_count = 0;
}

void tare_result_timer_release(struct tare_result_timer *timer)
{
    free(timer->module);
    free(timer->name);
    free(timer->file);
    tare_result_figures_release(&timer->figures);
    tare_result_figures_release(&timer->exclusive);
    memset(timer, 0, sizeof *timer);
}

void tare_result_process_release(struct tare_result_process *process)
{
    free(process->executable);
    free(process->command);
    for (size_t i = 0; i < process->timer_count; i++) {
        tare_result_timer_release(&process->timers[i]);
    }
    free(process->timers);
    memset(process, 0, sizeof *process);
}

static struct tare_result_timer *append_timer(struct tare_result_timer **timers, size_t *count,
                                              const char *module, const char *name)
{
    char *module_copy = strdup(module);
    char *name_copy = strdup(name);
    struct tare_result_timer *grown = NULL;
    if (module_copy != NULL && name_copy != NULL) {
        grown = tare__result_grow(*timers, *count, sizeof **timers);
    }
    if (grown == NULL) {
        free(module_copy);
        free(name_copy);
        return NULL;
    }
    *timers = grown;
    struct tare_result_timer *timer = &grown[(*count)++];
    *timer = (struct tare_result_timer){.module = module_copy, .name = name_copy, .disagrees = -1};
    tare_result_figures_init(&timer->figures);
    tare_result_figures_init(&timer->exclusive);
    return timer;
}

struct tare_result_timer *tare_result_add_timer(struct tare_result *result, const char *module,
                                                const char *name)
{
    return append_timer(&result->timers, &result->timer_count, module, name);
}

struct tare_result_timer *tare_result_process_add_timer(struct tare_result_process *process, const char *module,
                                                        const char *name)
{
    return append_timer(&process->timers, &process->timer_count, module, name);
}

struct tare_result_process *tare_result_add_process(struct tare_result *result)
{
    struct tare_result_process *grown =
        tare__result_grow(result->processes, result->process_count, sizeof *grown);
    if (grown == NULL) {
        return NULL;
    }
    result->processes = grown;
    struct tare_result_process *process = &grown[result->process_count++];
    *process = (struct tare_result_process){.end = TARE_END_UNKNOWN, .wall_ns = NAN};
    return process;
}

struct tare_result_pass *tare_result_add_pass(struct tare_result *result)
{
    struct tare_result_pass *grown = tare__result_grow(result->passes, result->pass_count, sizeof *grown);
    if (grown == NULL) {
        return NULL;
    }
    result->passes = grown;
    struct tare_result_pass *pass = &grown[result->pass_count++];
    *pass =
        (struct tare_result_pass){.wall_ns = NAN, .user_ns = NAN, .system_ns = NAN, .end = TARE_END_UNKNOWN};
    return pass;
}

int tare_result_note_names(struct tare_result *result, const char *what,
                           char *(*name_of)(const void *list, size_t at, bool *failed), const void *list,
                           size_t length)
{
    enum { NAMED_MOST = 8 };
    char *names = NULL;
    size_t size, count = 0;
    bool failed = false;
    FILE *out = open_memstream(&names, &size);
    for (size_t i = 0; out != NULL && i < length; i++) {
        char *name = name_of(list, i, &failed);
        if (name != NULL && count++ < NAMED_MOST) {
            fprintf(out, "%s%s", count > 1 ? ", " : "", name);
        }
        free(name);
    }
    if (count > NAMED_MOST) {
        fprintf(out, " and %zu more", count - NAMED_MOST);
    }
    failed |= out == NULL || fclose(out) != 0;
    int error = failed ? -ENOMEM : count != 0 ? tare_result_note(result, "%s: %s", what, names) : 0;
    free(names);
    return error;
}

int tare_result_note(struct tare_result *result, const char *format, ...)
{
    char *sentence;
    va_list arguments;
    va_start(arguments, format);
    int written = vasprintf(&sentence, format, arguments);
    va_end(arguments);
    if (written < 0) {
        return -ENOMEM;
    }
    size_t count = 0;
    while (result->notes != NULL && result->notes[count] != NULL) {
        count++;
    }
    /* Notes are few: no doubling, which the terminator would spoil. */
    char **grown = reallocarray(result->notes, count + 2, sizeof *grown);
    if (grown == NULL) {
        free(sentence);
        return -ENOMEM;
    }
    grown[count] = sentence;
    grown[count + 1] = NULL;
    result->notes = grown;
    return 0;
}

struct tare_result_timer *tare_result_find_timer(struct tare_result *result, const char *module,
                                                 const char *name)
{
    for (size_t i = 0; i < result->timer_count; i++) {
        struct tare_result_timer *timer = &result->timers[i];
        if (strcmp(timer->name, name) == 0 && strcmp(timer->module, module) == 0) {
            return timer;
        }
    }
    return NULL;
}
