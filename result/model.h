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
#include "record/fingerprint.h"
#include "record/profile.h"
#include "record/spawn.h"
#include "result/benchmarks.h"
#include "result/stat.h"
#include "result/suite.h"
#include "stats/overhead.h"

struct tare_instrument_figures;

#define TARE_RESULT_SCHEMA "tare-result"
#define TARE_RESULT_SCHEMA_VERSION 1

/* Of counts that may be unknown, where 0 is a count. */
#define TARE_COUNT_UNKNOWN UINT64_MAX

/*
 * What a sum modulo 2^64 counts: above 2^63 - 1 it is what a subtraction made of it, or damage, and unknown. A
 * difference of two such sums that goes below 0 is as well. All counts of instruments pass through here, where
 * they are merged or subtracted: so what a document holds is one that every JSON reader can.
 */
static inline uint64_t tare_count_of(uint64_t sum)
{
    return sum <= INT64_MAX ? sum : TARE_COUNT_UNKNOWN;
}

/* Of two such counts, of two processes: with a part that is unknown, the whole is. */
static inline uint64_t tare_count_add(uint64_t a, uint64_t b)
{
    return a <= INT64_MAX && b <= INT64_MAX ? tare_count_of(a + b) : TARE_COUNT_UNKNOWN;
}

/* What came between two of them; unknown if one is, or if it went down. */
static inline uint64_t tare_count_subtract(uint64_t later, uint64_t earlier)
{
    return later <= INT64_MAX && earlier <= INT64_MAX ? tare_count_of(later - earlier) : TARE_COUNT_UNKNOWN;
}

/* What notes say of them, before the instruments' names. */
#define TARE_NOTE_UNKNOWN_COUNTS                                                                               \
    "counters that are above 2^63 - 1, as a subtraction makes them, count nothing that is known"
#define TARE_NOTE_UNKNOWN_SUMS "sums of values that have come to 2^64 - 1 went beyond it, and are unknown"

/* A sum of values that stopped at UINT64_MAX, as sums of histograms do, may be anything above: unknown. */
static inline bool tare_sum_is_known(uint64_t saturating)
{
    return saturating != UINT64_MAX;
}

/* That an interval holds the truth. */
#define TARE_RESULT_CONFIDENCE 0.95

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
    double net_avg_error_ns; /* half the width of its interval, by all causes that are known */
    double net_avg_low_ns;   /* the interval; below 0 too */
    double net_avg_high_ns;
    double net_avg_limit_ns;                        /* detection limit: see tare_figures_below_limit() */
    double net_avg_error_part_ns[TARE_ERROR_PARTS]; /* half the width that each cause would make alone */
    double raw_p50_ns, raw_p90_ns, raw_p95_ns, raw_p99_ns, raw_p999_ns;
    double net_p50_ns, net_p90_ns, net_p95_ns, net_p99_ns, net_p999_ns;
    /*
     * Half the width of the bucket that a percentile was read from: a bound for how far off it is as a
     * percentile of the readings. A net one has, besides, the error of what was subtracted, which is that of
     * net_avg_ns.
     */
    double p50_error_ns, p90_error_ns, p95_error_ns, p99_error_ns, p999_error_ns;
    double measuring_ns;    /* what the scopes took, if nothing overlapped with their recording: at most */
    double measuring_share; /* of the result's cpu_ns */
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
    int disagrees; /* 1: the intervals of net_avg_ns of the two do not overlap; 0: they do; -1: unknown */
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
    int counter_traps; /* 1: a reading of the counter costs over 150 ns, as something steps in; 0; -1: unknown */
    /* What was noticed while it was measured, result/clock_quality.h: */
    uint64_t watch_points;  /* times that the clocks were compared; 0: nobody watched */
    double watched_ns;      /* from the first to the last */
    uint64_t steps;         /* times that the counter was set, or TARE_COUNT_UNKNOWN */
    double step_ns;         /* the largest step; 0: none */
    double rate_change_ppm; /* of the counter, beyond what it is uncertain by; 0: none */
    double suspended_ns;    /* that the machine slept */
    uint64_t migrations;    /* from one processor to another, of the program's threads: at least; or UNKNOWN */
    struct tare_result_cost inner, outer; /* at start; what each is: struct tare_costs */
    struct tare_result_cost inner_empty, outer_nested, outer_apart;
    struct tare_result_cost inner_at_exit, outer_at_exit;
    struct tare_result_cost inner_empty_at_exit, outer_nested_at_exit, outer_apart_at_exit;
    struct tare_result_cost inner_in_run, outer_in_run; /* of n calibrations, what each found */
    struct tare_result_cost inner_empty_in_run, outer_nested_in_run, outer_apart_in_run;
};

struct tare_result {
    char *kind;         /* "run", "attach", "page", "bench", "profile", "stat", "capture" */
    char *tare_version; /* that wrote it */
    char *started;      /* RFC 3339, UTC */
    char **command;     /* argv, NULL-terminated; NULL if unknown */
    struct tare_environment environment;
    struct tare_fingerprint fingerprint; /* without a hash: unknown, as in a page file or an older result */
    struct tare_result_clock clock;
    struct tare_result_pass *passes;
    size_t pass_count;
    struct tare_result_timer *timers; /* merged over processes and passes, exclusive passes apart */
    size_t timer_count;
    /* The others, with total figures alone (result/telemetry.h): merged over processes, but gauges and frames. */
    struct tare_instrument_figures *instruments;
    size_t instrument_count;
    struct tare_result_process *processes;
    size_t process_count;
    uint64_t lost_instruments, lost_threads, lost_scopes, dropped_scopes, lost_processes;
    double confidence;        /* of every interval here: TARE_RESULT_CONFIDENCE */
    double cpu_ns;            /* that the measured program took in all of its threads, while it was measured */
    double measuring_ns;      /* of it, the timers' scopes: the sum of their measuring_ns */
    double measuring_share;   /* measuring_ns / cpu_ns, 1 at most */
    uint64_t page_size_bytes; /* memory that the largest page may take; 0: unknown */
    char **notes;             /* sentences for the reader, NULL-terminated; NULL: none */
    bool incomplete;          /* interrupted: passes are missing */
    struct tare_result_bench *bench; /* of kind "bench"; NULL else */
    struct tare_result_suite *suite; /* of kind "bench", by tare suite: result/suite.h; NULL else */
    struct tare_profile *profile;    /* of kind "profile"; NULL else */
    struct tare_result_stat *stat;   /* of kind "stat"; NULL else */
    struct tare_capture *capture;    /* of kind "capture"; NULL else: result/capture.h */
};

/* A new, empty result: every double NAN where unknown, no timers. NULL without memory. */
struct tare_result *tare_result_new(void);
void tare_result_free(struct tare_result *result); /* NULL is fine */

/* Sets every figure to zero calls and NAN times. */
void tare_result_figures_init(struct tare_result_figures *figures);
void tare_result_figures_release(struct tare_result_figures *figures);

/*
 * Whether the net average cannot be told from 0, so that no more can be said of it than "less than the limit".
 * How far it would be from that of another run plays no part: what these calls took was measured.
 */
static inline bool tare_figures_below_limit(const struct tare_result_figures *figures)
{
    return tare_below_limit(figures->net_avg_ns, figures->net_avg_limit_ns / 2);
}
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

/*
 * "what: a, b, c and 3 more": a note with the names of those of a list that are meant, or none, if none is.
 * `name_of` gives the name of number `at` of `length`, malloc'ed; NULL: it is not meant, or, if it says that it
 * failed, there is no memory. Returns 0 or -ENOMEM.
 */
int tare_result_note_names(struct tare_result *result, const char *what,
                           char *(*name_of)(const void *list, size_t at, bool *failed), const void *list,
                           size_t length);

/* The timer of that name, or NULL. */
struct tare_result_timer *tare_result_find_timer(struct tare_result *result, const char *module,
                                                 const char *name);

#endif
