/* SPDX-License-Identifier: MIT */
/*
 * Which member of the model stands where in the JSON document, and what it may hold: one table for each object,
 * used by the writer and the reader alike, so that what is written can be read. Private to result/json_*.c. The
 * tables of the member "bench" are in json_bench_fields.h.
 *
 * A field that may be null may also be missing, which means the same: unknown. All others have to be there.
 */
#ifndef TARE_RESULT_JSON_FIELDS_H
#define TARE_RESULT_JSON_FIELDS_H

#include <stddef.h>

#include "result/model.h"

enum field_type {
    FIELD_COUNT,         /* uint64_t up to INT64_MAX, which is what jansson can hold */
    FIELD_COUNT_OR_NULL, /* the same; 0 is null */
    FIELD_COUNT_UNKNOWN, /* the same; TARE_COUNT_UNKNOWN is null, and 0 is 0 */
    FIELD_U32,           /* uint32_t */
    FIELD_U32_OR_NULL,   /* the same; 0 is null */
    FIELD_NUMBER,        /* double, finite; NAN is null */
    FIELD_AMOUNT,        /* the same, not negative */
    FIELD_SHARE,         /* the same, from 0 to 1 */
    FIELD_SIZE,          /* size_t, as a count */
    FIELD_INT_OR_NULL,   /* int; below 0 is null */
    FIELD_BOOL,
    FIELD_BOOL_OR_NULL, /* int: 1, 0, or -1 for null */
    FIELD_STRING,       /* char *; NULL is null */
    FIELD_NAME,         /* char *, never NULL */
    FIELD_COST,         /* struct tare_result_cost, an object */
    FIELD_COST_OR_NULL, /* the same; n 0 is null */
};

struct field {
    const char *name;
    enum field_type type;
    size_t offset;
};

struct field_table {
    const struct field *fields;
    size_t count;
};

#define FIELD_TABLE(array)                                                                                     \
    {                                                                                                          \
        (array), sizeof(array) / sizeof(array)[0]                                                              \
    }

#define FIELD(member, type)                                                                                    \
    {                                                                                                          \
#member, type, offsetof(struct tare_result_figures, member)                                            \
    }
#define ERROR_PART(name, part)                                                                                 \
    {                                                                                                          \
        "net_avg_error_" #name "_ns", FIELD_AMOUNT,                                                            \
            offsetof(struct tare_result_figures, net_avg_error_part_ns) + (part) * sizeof(double)              \
    }
static const struct field figures_array[] = {
    FIELD(calls, FIELD_COUNT),
    FIELD(outermost_calls, FIELD_COUNT),
    FIELD(scopes_within, FIELD_COUNT),
    FIELD(bytes, FIELD_COUNT),
    FIELD(raw_total_ns, FIELD_AMOUNT),
    FIELD(raw_avg_ns, FIELD_AMOUNT),
    FIELD(raw_min_ns, FIELD_AMOUNT),
    FIELD(raw_max_ns, FIELD_AMOUNT),
    FIELD(net_total_ns, FIELD_NUMBER),
    FIELD(net_avg_ns, FIELD_NUMBER),
    FIELD(net_avg_error_ns, FIELD_AMOUNT),
    FIELD(net_avg_low_ns, FIELD_NUMBER),
    FIELD(net_avg_high_ns, FIELD_NUMBER),
    FIELD(net_avg_limit_ns, FIELD_AMOUNT),
    ERROR_PART(calibration, TARE_ERROR_CALIBRATION),
    ERROR_PART(drift, TARE_ERROR_DRIFT),
    ERROR_PART(context, TARE_ERROR_CONTEXT),
    ERROR_PART(rate, TARE_ERROR_RATE),
    ERROR_PART(granularity, TARE_ERROR_GRANULARITY),
    ERROR_PART(sampling, TARE_ERROR_SAMPLING),
    FIELD(raw_p50_ns, FIELD_AMOUNT),
    FIELD(raw_p90_ns, FIELD_AMOUNT),
    FIELD(raw_p95_ns, FIELD_AMOUNT),
    FIELD(raw_p99_ns, FIELD_AMOUNT),
    FIELD(raw_p999_ns, FIELD_AMOUNT),
    FIELD(net_p50_ns, FIELD_NUMBER),
    FIELD(net_p90_ns, FIELD_NUMBER),
    FIELD(net_p95_ns, FIELD_NUMBER),
    FIELD(net_p99_ns, FIELD_NUMBER),
    FIELD(net_p999_ns, FIELD_NUMBER),
    FIELD(p50_error_ns, FIELD_AMOUNT),
    FIELD(p90_error_ns, FIELD_AMOUNT),
    FIELD(p95_error_ns, FIELD_AMOUNT),
    FIELD(p99_error_ns, FIELD_AMOUNT),
    FIELD(p999_error_ns, FIELD_AMOUNT),
    FIELD(measuring_ns, FIELD_NUMBER),
    FIELD(measuring_share, FIELD_AMOUNT),
};
#undef ERROR_PART
#undef FIELD
static const struct field_table figures_fields = FIELD_TABLE(figures_array);

/* All of them, or none: has_ticks. */
#define FIELD(member)                                                                                          \
    {                                                                                                          \
#member, FIELD_COUNT, offsetof(struct tare_result_figures, member)                                     \
    }
static const struct field ticks_array[] = {
    FIELD(raw_total_ticks),
    FIELD(raw_min_ticks),
    FIELD(raw_max_ticks),
};
#undef FIELD
static const struct field_table ticks_fields = FIELD_TABLE(ticks_array);

#define FIELD(member, type)                                                                                    \
    {                                                                                                          \
#member, type, offsetof(struct tare_result_cost, member)                                               \
    }
static const struct field cost_array[] = {
    FIELD(median_ns, FIELD_NUMBER), /* a clock that hides some of the work has costs below 0 */
    FIELD(mad_ns, FIELD_AMOUNT),
    FIELD(n, FIELD_COUNT),
};
#undef FIELD
static const struct field_table cost_fields = FIELD_TABLE(cost_array);

#define FIELD(member, type)                                                                                    \
    {                                                                                                          \
#member, type, offsetof(struct tare_result_clock, member)                                              \
    }
static const struct field clock_array[] = {
    FIELD(name, FIELD_STRING),
    FIELD(rate_hz, FIELD_AMOUNT),
    FIELD(rate_error_ppm, FIELD_AMOUNT),
    FIELD(granularity_ns, FIELD_AMOUNT),
    FIELD(invariant_tsc, FIELD_BOOL),
    FIELD(counter_traps, FIELD_BOOL_OR_NULL),
    FIELD(watch_points, FIELD_COUNT_OR_NULL),
    FIELD(watched_ns, FIELD_AMOUNT),
    FIELD(steps, FIELD_COUNT_UNKNOWN),
    FIELD(step_ns, FIELD_AMOUNT),
    FIELD(rate_change_ppm, FIELD_AMOUNT),
    FIELD(suspended_ns, FIELD_AMOUNT),
    FIELD(migrations, FIELD_COUNT_UNKNOWN),
    FIELD(inner, FIELD_COST),
    FIELD(outer, FIELD_COST),
    FIELD(inner_at_exit, FIELD_COST),
    FIELD(outer_at_exit, FIELD_COST),
    FIELD(inner_empty, FIELD_COST_OR_NULL),
    FIELD(outer_nested, FIELD_COST_OR_NULL),
    FIELD(outer_apart, FIELD_COST_OR_NULL),
    FIELD(inner_empty_at_exit, FIELD_COST_OR_NULL),
    FIELD(outer_nested_at_exit, FIELD_COST_OR_NULL),
    FIELD(outer_apart_at_exit, FIELD_COST_OR_NULL),
    FIELD(inner_in_run, FIELD_COST_OR_NULL),
    FIELD(outer_in_run, FIELD_COST_OR_NULL),
    FIELD(inner_empty_in_run, FIELD_COST_OR_NULL),
    FIELD(outer_nested_in_run, FIELD_COST_OR_NULL),
    FIELD(outer_apart_in_run, FIELD_COST_OR_NULL),
};
#undef FIELD
static const struct field_table clock_fields = FIELD_TABLE(clock_array);

#define FIELD(member, type)                                                                                    \
    {                                                                                                          \
#member, type, offsetof(struct tare_environment, member)                                               \
    }
static const struct field environment_array[] = {
    FIELD(host, FIELD_STRING),
    FIELD(machine, FIELD_STRING),
    FIELD(cpu_model, FIELD_STRING),
    FIELD(cpu_count, FIELD_U32_OR_NULL),
    FIELD(memory_bytes, FIELD_AMOUNT),
    FIELD(kernel, FIELD_STRING),
    FIELD(os, FIELD_STRING),
    FIELD(libc, FIELD_STRING),
    FIELD(clocksource, FIELD_STRING),
    FIELD(governor, FIELD_STRING),
    FIELD(virtualization, FIELD_STRING),
    FIELD(commit, FIELD_STRING),
    FIELD(commit_dirty, FIELD_BOOL_OR_NULL),
    FIELD(commit_parents, FIELD_STRING),
    FIELD(commit_time_s, FIELD_NUMBER),
    FIELD(commit_subject, FIELD_STRING),
    FIELD(branch, FIELD_STRING),
    FIELD(job_link, FIELD_STRING),
};
#undef FIELD
static const struct field_table environment_fields = FIELD_TABLE(environment_array);

#define FIELD(member, type)                                                                                    \
    {                                                                                                          \
#member, type, offsetof(struct tare_result_pass, member)                                               \
    }
static const struct field pass_array[] = {
    FIELD(only, FIELD_STRING),
    FIELD(wall_ns, FIELD_AMOUNT),
    FIELD(user_ns, FIELD_AMOUNT),
    FIELD(system_ns, FIELD_AMOUNT),
};
#undef FIELD
static const struct field_table pass_fields = FIELD_TABLE(pass_array);

#define FIELD(member, type)                                                                                    \
    {                                                                                                          \
#member, type, offsetof(struct tare_result_process, member)                                            \
    }
static const struct field process_array[] = {
    FIELD(pid, FIELD_U32),        FIELD(parent_pid, FIELD_U32), FIELD(executable, FIELD_STRING),
    FIELD(command, FIELD_STRING), FIELD(threads, FIELD_COUNT),  FIELD(wall_ns, FIELD_AMOUNT),
};
#undef FIELD
static const struct field_table process_fields = FIELD_TABLE(process_array);

#define FIELD(name, member)                                                                                    \
    {                                                                                                          \
#name, FIELD_COUNT, offsetof(struct tare_result_process, member)                                       \
    }
static const struct field process_lost_array[] = {
    FIELD(instruments, lost_instruments),
    FIELD(threads, lost_threads),
    FIELD(scopes, lost_scopes),
    FIELD(dropped_scopes, dropped_scopes),
};
#undef FIELD
static const struct field_table process_lost_fields = FIELD_TABLE(process_lost_array);

#define FIELD(name, member)                                                                                    \
    {                                                                                                          \
#name, FIELD_COUNT, offsetof(struct tare_result, member)                                               \
    }
static const struct field lost_array[] = {
    FIELD(instruments, lost_instruments),  FIELD(threads, lost_threads),     FIELD(scopes, lost_scopes),
    FIELD(dropped_scopes, dropped_scopes), FIELD(processes, lost_processes),
};
#undef FIELD
static const struct field_table lost_fields = FIELD_TABLE(lost_array);

#define FIELD(member, type)                                                                                    \
    {                                                                                                          \
#member, type, offsetof(struct tare_result_timer, member)                                              \
    }
static const struct field timer_array[] = {
    FIELD(module, FIELD_NAME),
    FIELD(name, FIELD_NAME),
    FIELD(file, FIELD_STRING),
    FIELD(line, FIELD_U32_OR_NULL),
    FIELD(disagrees, FIELD_BOOL_OR_NULL),
};
#undef FIELD
static const struct field_table timer_fields = FIELD_TABLE(timer_array);

/* At the top, besides schema and schema_version. */
#define FIELD(member, type)                                                                                    \
    {                                                                                                          \
#member, type, offsetof(struct tare_result, member)                                                    \
    }
static const struct field result_array[] = {
    FIELD(kind, FIELD_NAME),
    FIELD(tare_version, FIELD_STRING),
    FIELD(started, FIELD_STRING),
    FIELD(confidence, FIELD_AMOUNT),
};
static const struct field result_end_array[] = {
    FIELD(cpu_ns, FIELD_AMOUNT),          FIELD(measuring_ns, FIELD_NUMBER),
    FIELD(measuring_share, FIELD_AMOUNT), FIELD(page_size_bytes, FIELD_COUNT_OR_NULL),
    FIELD(incomplete, FIELD_BOOL),
};
#undef FIELD
static const struct field_table result_fields = FIELD_TABLE(result_array);
static const struct field_table result_end_fields = FIELD_TABLE(result_end_array);

/* Indexed by enum tare_end. */
static const char *const end_names[] = {"unknown", "exited", "signaled", "running", "timeout"};
enum { END_COUNT = sizeof end_names / sizeof end_names[0] };

/* Whether a code belongs to this end; where none does, it is null. */
static inline bool end_has_code(enum tare_end end)
{
    return end == TARE_END_EXITED || end == TARE_END_SIGNALED || end == TARE_END_TIMEOUT;
}

#endif
