/* SPDX-License-Identifier: MIT */
/*
 * What the files of libtare-bench.a share. It lives in somebody's program: it prints nothing but its table,
 * keeps no thread, and the names of its own begin with tare__bench_. The archive has its copies of stats/ and of
 * the base as well, under their names, hidden from what a program exports.
 *
 * A case is a benchmark with arguments and a number of threads; a plan says what is to be measured of it; a
 * run is one execution of its body, by one lane for each thread; what came of it is in struct measured.
 */
#ifndef TARE_HARNESS_H
#define TARE_HARNESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <tare/bench.h>

#include "harness/lines.h"
#include "runtime/clock.h"
#include "stats/summary.h"

/* registry.c */

struct bench_unit { /* `case` is a word of C */
    const struct tare__bench *bench;
    int64_t args[TARE_BENCH_ARGS_MAX];
    unsigned arg_count;
    unsigned threads;
    char name[BENCH_NAME_MAX];
};

struct bench_units {
    struct bench_unit *units;
    size_t count, room;
};

/*
 * All cases of the program, in the order of its files and of the lines in them. Returns 0; or -EINVAL with
 * what is wrong in `message`: two benchmarks or cases of one name, a name that is too long, and the like; or
 * -ENOMEM. Released by the caller in any case.
 */
int tare__bench_units(struct bench_units *units, char *message, size_t size);
void tare__bench_units_release(struct bench_units *units);

/* counts.c: what job=count can count. */

enum { COUNTERS_MAX = 8 };

struct counters {
    int fds[COUNTERS_MAX]; /* -1: not to be had */
};

/* Raw, and so far. Where the processor has too few counters, they count for a part of the time. */
struct counted {
    struct {
        double count, enabled_ns, running_ns; /* count: NAN if unknown */
    } of[COUNTERS_MAX];
};

extern const char *const tare__bench_counter_names[COUNTERS_MAX];
bool tare__bench_counter_is_kernels(unsigned counter); /* counted one by one, not by the processor */

void tare__bench_counters_open(struct counters *counters); /* also for threads that are started from now on */
void tare__bench_counters_read(const struct counters *counters, struct counted *counted);
/* What was counted in between, scaled by the time in which it was not; NAN: unknown, or it never counted. */
void tare__bench_counters_between(const struct counted *before, const struct counted *after,
                                  double values[COUNTERS_MAX]);
void tare__bench_counters_close(struct counters *counters);

/* measure.c */

enum plan_kind {
    PLAN_TIME,
    PLAN_EXACT, /* one sample of `iterations`, and nothing else */
    PLAN_COUNT, /* samples of `iterations`, and of twice as many, in turn */
};

struct plan {
    enum plan_kind kind;
    bool empty;          /* an empty loop instead of the body */
    size_t samples;      /* at most; 1 to BENCH_SAMPLES_MAX */
    size_t samples_min;  /* where time is short; at least 1 */
    double sample_ns;    /* about, where `iterations` is 0 */
    uint64_t iterations; /* of a sample; 0: found for sample_ns */
    uint64_t until_ns;   /* no further sample then, if samples_min are there; clock_raw_ns(); 0: never */
    /* Called by the first thread while the others wait; NULL: nobody wants to know. */
    void (*begin)(void *data); /* before the first iteration, when all have set up */
    void (*look)(void *data);  /* between samples */
    void (*end)(void *data);   /* behind the last iteration, before anything is released */
    void *data;
};

struct measured_sample {
    uint64_t iterations;
    double ticks; /* as read: of TARE_EACH_WITH the sum over iterations; the mean over threads */
};

struct measured {
    const struct tare__bench *bench;
    bool with; /* TARE_EACH_WITH */
    bool has_first;
    double first_ticks; /* of one iteration */
    struct measured_sample *samples;
    size_t count;
    double bytes, items; /* for each iteration; NAN: not said */
    /* Over all samples; NAN: unknown. */
    double wait_ns, cpu_ns, migrations, involuntary;
    double counts[COUNTERS_MAX]; /* PLAN_COUNT: by each iteration of each thread; NAN: unknown */
    char failed[1024];           /* why; "": it did not */
};

/*
 * Runs the case. Returns 0, also for a benchmark that failed, or -ENOMEM. `measured` is filled from the
 * start, so that plan->look may see it. Released by the caller in any case.
 */
int tare__bench_measure(const struct bench_unit *unit, const struct plan *plan, struct measured *measured);
void tare__bench_measured_release(struct measured *measured);

/*
 * Called for a failure on a thread that the benchmark started by itself, and that cannot be made to leave what
 * it does. It reports; then the process ends.
 */
extern void (*tare__bench_last_words)(const char *failed);

/*
 * Runs a body whose samples have these numbers of iterations, and gives their ticks. 0 or -ENOMEM. May be
 * called from plan->look.
 */
int tare__bench_ticks_of(void (*body)(tare_bench *b), const uint64_t *iterations, size_t count, double *ticks);

/* cost.c: the clock, and what is subtracted. */

extern uint32_t tare__bench_clock;

/* Chooses the clock, once, before anything is measured; plain: CLOCK_MONOTONIC_RAW, without trying others. */
void tare__bench_clock_init(bool plain);

/* How long a tick is, as far as is known by now. */
double tare__bench_tick_ns(void);

struct costs {
    double tick_ns;
    double reading_ticks; /* of a sample, once */
    double loop_ticks;    /* of an iteration */
};

/* Takes about a millisecond. `with`: of TARE_EACH_WITH, whose costs are each iteration's. */
struct costs tare__bench_costs(const struct tare__bench *bench, bool with);

/* Net ns. */
double tare__bench_first_ns(const struct measured *measured, const struct costs *costs);
double tare__bench_sample_ns(const struct measured_sample *sample, const struct costs *costs);

/* text.c: numbers that do not depend on the locale. */

/* "-12.30", with so many decimals; "" and false for what is not finite or too large. */
enum { DECIMAL_MAX = 48 };
bool tare__bench_decimal(char text[DECIMAL_MAX], double value, unsigned decimals);

/* Four digits and a unit: "12.31ns", "1.204us"; "-" for what is not known. Return `text`. */
char *tare__bench_time(char text[DECIMAL_MAX], double ns);
char *tare__bench_rate(char text[DECIMAL_MAX], double per_second, const char *unit); /* "5.201 GB/s" of "B" */

/* drive.c */

/* Does what `tare bench` asks for in `drive`, the value of TARE_BENCH_DRIVE; returns the exit code. */
int tare__bench_drive(const char *drive);

/* alone.c: the program by itself; returns the exit code. */
int tare__bench_alone(int argc, char **argv);

/* inner.c: the timers inside the benchmarked code. */

struct inner_timer {
    char name[128]; /* module::name */
    double calls;   /* by iteration; outermost ones, as of recursion these are timed */
    double net_ns;  /* a call's */
};

/* All timers that were called in a loop of so many iterations; the caller frees. 0: none, or no memory. */
struct inner_timer *tare__bench_inner_timers(const struct bench_unit *unit, uint64_t iterations, size_t *count);

/* How many timers the program has, and how many of them are enabled. */
void tare__bench_timers(size_t *count, size_t *enabled);

/* show.c */

/* What is said of a case that was measured. Unknown: NAN. */
struct shown {
    const struct bench_unit *unit;
    const char *failed; /* NULL: it did not */
    struct tare_summary summary;
    double first_ns, loop_ns, bytes, items;
    uint64_t iterations;
    size_t samples, warmup;
    bool settled, with;
    struct inner_timer *timers;
    size_t timer_count;
};

struct show {
    FILE *out;
    bool json;
    size_t rows; /* so far */
};

void tare__bench_show_begin(struct show *show);
void tare__bench_show(struct show *show, const struct shown *shown);
/* Of the cases of one benchmark, as they were shown, those that differ in one argument. */
void tare__bench_show_growth(struct show *show, const struct shown *shown, size_t count);
void tare__bench_show_end(struct show *show, const char *program);

#endif
