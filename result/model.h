/* SPDX-License-Identifier: MIT */
/*
 * The result: what one measurement found, in memory. result/json.h writes and reads it; docs/result.schema.json
 * is its form on disk.
 *
 * Times are in ns as double, NAN where unknown (JSON: null). Strings are owned by the result, NULL where
 * unknown.
 */
#ifndef TARE_RESULT_MODEL_H
#define TARE_RESULT_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "record/environment.h"
#include "record/spawn.h"

#define TARE_RESULT_SCHEMA "tare-result"
#define TARE_RESULT_SCHEMA_VERSION 1

/* One bucket that is not empty: counts of values in [low, low + width) ticks. */
struct tare_result_bucket {
    uint64_t low_ticks;
    uint64_t width_ticks;
    uint64_t count;
};

/* Figures of one timer from one way of measuring. */
struct tare_result_figures {
    uint64_t calls;
    uint64_t outermost_calls;
    uint64_t scopes_within;
    uint64_t bytes;
    bool has_ticks; /* the ticks below are of one clock, so that they can be added up */
    uint64_t raw_total_ticks;
    uint64_t raw_min_ticks; /* 0 if outermost_calls is 0 */
    uint64_t raw_max_ticks;
    double raw_total_ns;
    double raw_avg_ns; /* raw_total_ns / outermost_calls */
    double raw_min_ns;
    double raw_max_ns;
    double net_total_ns;
    double net_avg_ns;       /* net_total_ns / outermost_calls; may be negative */
    double net_avg_error_ns; /* half the width of the 95 % interval */
    double raw_p50_ns, raw_p90_ns, raw_p95_ns, raw_p99_ns, raw_p999_ns;
    double net_p50_ns, net_p90_ns, net_p95_ns, net_p99_ns, net_p999_ns;
    struct tare_result_bucket *buckets; /* ascending; NULL without a histogram */
    size_t bucket_count;
};

struct tare_result_timer {
    char *module;
    char *name;
    char *file; /* where it is declared; NULL if unknown */
    uint32_t line;
    struct tare_result_figures figures; /* of the pass with everything enabled */
    bool has_exclusive;
    struct tare_result_figures exclusive; /* of the pass with only this timer enabled */
};

struct tare_result_process {
    uint32_t pid;
    uint32_t parent_pid;
    char *executable;
    char *command; /* arguments joined by spaces, for people */
    enum tare_end end;
    int code;
    uint64_t threads;
    double wall_ns; /* from the making of its page to its end; NAN if unknown */
    uint64_t lost_instruments, lost_threads, lost_scopes, dropped_scopes;
    struct tare_result_timer *timers; /* only with --per-process */
    size_t timer_count;
};

/* One execution of the measured program. */
struct tare_result_pass {
    char *only; /* full name of the only timer enabled, in an exclusive pass; NULL: everything asked for */
    double wall_ns, user_ns, system_ns;
    enum tare_end end;
    int code;
};

/* A cost of measuring, in ns; n 0: unknown. */
struct tare_result_cost {
    double median_ns;
    double mad_ns;
    uint64_t n;
};

struct tare_result_clock {
    char *name; /* "tsc-ordered", "tsc", "clock", "mixed" (processes differ), "none" */
    double rate_hz;
    double rate_error_ppm;
    double granularity_ns; /* the counter moves in steps of about this */
    bool invariant_tsc;
    struct tare_result_cost inner, outer;
    struct tare_result_cost inner_at_exit, outer_at_exit;
};

struct tare_result {
    char *kind;         /* "run", "attach", "page" */
    char *tare_version; /* that wrote it */
    char *started;      /* RFC 3339, UTC */
    char **command;     /* argv, NULL-terminated; NULL if unknown */
    struct tare_environment environment;
    struct tare_result_clock clock;
    struct tare_result_pass *passes;
    size_t pass_count;
    struct tare_result_timer *timers; /* merged over processes and passes, exclusive passes apart */
    size_t timer_count;
    struct tare_result_process *processes;
    size_t process_count;
    uint64_t lost_instruments, lost_threads, lost_scopes, dropped_scopes, lost_processes;
    uint64_t page_size_bytes; /* memory that the largest page may take; 0: unknown */
    char **notes;             /* sentences for the reader, NULL-terminated; NULL: none */
    bool incomplete;          /* interrupted: passes are missing */
};

/* A new, empty result: every double NAN where unknown, no timers. NULL without memory. */
struct tare_result *tare_result_new(void);
void tare_result_free(struct tare_result *result); /* NULL is fine */

/* Sets every figure to zero calls and NAN times. */
void tare_result_figures_init(struct tare_result_figures *figures);
void tare_result_figures_release(struct tare_result_figures *figures);
void tare_result_timer_release(struct tare_result_timer *timer);
void tare_result_process_release(struct tare_result_process *process);

/*
 * Append a zeroed and initialised element and return it; NULL without memory. Earlier pointers become invalid.
 */
struct tare_result_timer *tare_result_add_timer(struct tare_result *result, const char *module,
                                                const char *name);
struct tare_result_process *tare_result_add_process(struct tare_result *result);
struct tare_result_timer *tare_result_process_add_timer(struct tare_result_process *process, const char *module,
                                                        const char *name);
struct tare_result_pass *tare_result_add_pass(struct tare_result *result);

/* printf-style sentence for the reader; no full stop, no newline. Returns 0 or -ENOMEM. */
int tare_result_note(struct tare_result *result, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The timer of that name, or NULL. */
struct tare_result_timer *tare_result_find_timer(struct tare_result *result, const char *module,
                                                 const char *name);

#endif
