/* SPDX-License-Identifier: MIT */
/*
 * What history keeps of a result of kind "bench": of each benchmark and arm its median, what it counted, and its
 * timers; of each comparison its ratio.
 *
 * An arm is called by what it is and not by its letter, so that a program has one series, whether it was measured
 * alone or beside another one, and two programs never share one. What was built from another revision to compare with
 * has no points: it belongs to that revision's commit, and the run to its own.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "history/extract_parts.h"
#include "result/metrics.h"

enum { ARMS_MAX = 64 }; /* more than a benchmark can have */
static const double least_per_op = 0.001;

/* How the arms of a benchmark are called. */
struct naming {
    char *suites[ARMS_MAX]; /* NULL: the arm is not kept */
    char *names[ARMS_MAX];
    size_t count;
};

static void release_naming(struct naming *naming)
{
    for (size_t i = 0; i < naming->count; i++) {
        free(naming->suites[i]);
        free(naming->names[i]);
    }
}

static bool is_taken(const struct naming *naming, const char *suite, const char *name)
{
    for (size_t i = 0; i < naming->count; i++) {
        if (naming->suites[i] != NULL && strcmp(naming->suites[i], suite) == 0 &&
            strcmp(naming->names[i], name) == 0) {
            return true;
        }
    }
    return false;
}

/* The last `parts` parts of a path; all of it where it has no more. */
static const char *last_parts(const char *path, size_t parts)
{
    const char *at = path + strlen(path);
    while (at > path && parts > 0) {
        at--;
        parts -= *at == '/';
    }
    return parts == 0 ? at + 1 : path;
}

/* Of a program: the end of its path, as little of it as tells it from the arms before. */
static int name_program(struct naming *naming, const struct tare_result_arm *arm, const char *name)
{
    const char *suite = "";
    bool taken = true;
    for (size_t parts = 1; taken && suite != arm->what; parts++) {
        suite = last_parts(arm->what, parts);
        taken = is_taken(naming, suite, name);
    }
    char *own_name = strdup(name);
    char *own_suite = NULL;
    if (!taken) {
        own_suite = strdup(suite);
    } else if (asprintf(&own_suite, "%s (%s)", suite, arm->label) < 0) { /* "./x" and "x" */
        own_suite = NULL;
    }
    if (own_name == NULL || own_suite == NULL) {
        free(own_name);
        free(own_suite);
        return -ENOMEM;
    }
    naming->names[naming->count] = own_name;
    naming->suites[naming->count++] = own_suite;
    return 0;
}

/* Of a command: the first one by the benchmark's name, which may be one that the user chose, the others by their own. */
static int name_command(struct naming *naming, const struct tare_result_benchmark *benchmark,
                        const struct tare_result_arm *arm)
{
    bool chosen = strcmp(benchmark->name, benchmark->arms[0].what) != 0;
    bool first = arm == &benchmark->arms[0];
    char *name = strdup(chosen || first ? benchmark->name : arm->what);
    char *suite = strdup(chosen && !first ? arm->what : "");
    if (name == NULL || suite == NULL) {
        free(name);
        free(suite);
        return -ENOMEM;
    }
    naming->names[naming->count] = name;
    naming->suites[naming->count++] = suite;
    return 0;
}

static bool is_same_thing(const struct tare_result_benchmark *benchmark, size_t arm)
{
    for (size_t i = 0; i < arm; i++) {
        const struct tare_result_arm *other = &benchmark->arms[i];
        if (!other->control && other->revision == NULL && strcmp(other->what, benchmark->arms[arm].what) == 0) {
            return true;
        }
    }
    return false;
}

/* The name without arguments. */
static const char *bench_of(const struct tare_result_benchmark *benchmark)
{
    return benchmark->bench != NULL ? benchmark->bench : benchmark->name;
}

static int name_arms(const struct tare_result_benchmark *benchmark, struct naming *naming)
{
    int result = 0;
    naming->count = 0;
    for (size_t i = 0; i < benchmark->arm_count && i < ARMS_MAX && result == 0; i++) {
        const struct tare_result_arm *arm = &benchmark->arms[i];
        if (arm->control || arm->revision != NULL || is_same_thing(benchmark, i)) {
            naming->names[naming->count] = NULL;
            naming->suites[naming->count++] = NULL;
        } else {
            result = benchmark->command ? name_command(naming, benchmark, arm)
                                        : name_program(naming, arm, bench_of(benchmark));
        }
    }
    return result;
}

/* What stands behind the name without them: "64/2". */
static const char *arguments_of(const struct tare_result_benchmark *benchmark)
{
    size_t length = benchmark->bench != NULL ? strlen(benchmark->bench) : 0;
    return length > 0 && strncmp(benchmark->name, benchmark->bench, length) == 0 &&
                   benchmark->name[length] == '/'
               ? benchmark->name + length + 1
               : "";
}

/*
 * The share of the time that others took: of what the programs wanted to run, waited for a processor; and of what the
 * machine's processors had meanwhile, taken by the hypervisor. Unknown is what is not known of both.
 */
static double stolen_share(const struct tare_result_contamination *contamination, uint32_t processors)
{
    double waited = contamination->wait_ns / contamination->measured_ns;
    double stolen = contamination->steal_ns / (contamination->wall_ns * processors);
    if (!isfinite(waited) && !isfinite(stolen)) {
        return NAN;
    }
    return (waited > 0 && isfinite(waited) ? waited : 0) + (stolen > 0 && isfinite(stolen) ? stolen : 0);
}

/* Of the comparison with that arm, or, for the first arm, of any: it is the same control. */
static const struct tare_comparison *comparison_of(const struct tare_result_benchmark *benchmark, size_t arm)
{
    for (size_t i = 0; i < benchmark->comparison_count; i++) {
        if (arm == 0 || benchmark->comparisons[i].arm == arm) {
            return &benchmark->comparisons[i].comparison;
        }
    }
    return NULL;
}

static void add_measured(const struct tare__extract *extract, struct tare_history_point *point,
                         const struct tare_result_benchmark *benchmark, size_t arm)
{
    const struct tare_comparison *comparison = comparison_of(benchmark, arm);
    if (point == NULL) {
        return;
    }
    point->rounds = tare__extract_count(benchmark->contamination.rounds);
    point->rounds_dropped = tare__extract_count(benchmark->contamination.dropped);
    point->stolen = stolen_share(&benchmark->contamination, extract->result->environment.cpu_count);
    if (comparison != NULL && isfinite(comparison->control_ratio)) {
        point->control_ratio = comparison->control_ratio;
        point->control_low = comparison->control_low;
        point->control_high = comparison->control_high;
    }
}

/* Those that were kept. */
static void add_values(struct tare__extract *extract, struct tare_history_point *point,
                       const struct tare_result_arm *arm)
{
    double *kept = calloc(arm->value_count + 1, sizeof *kept);
    size_t count = 0;
    if (kept == NULL) {
        extract->error = -ENOMEM;
        return;
    }
    for (size_t i = 0; i < arm->value_count; i++) {
        if (!arm->dropped[i]) {
            kept[count++] = arm->values_ns[i];
        }
    }
    tare__extract_values(extract, point, kept, count);
    free(kept);
}

/*
 * What the kernel counts is of the whole process, less that of its beginning: what is left over, or missing, of one
 * page fault among a million operations is 1e-6, now above 0 and now below.
 */
static double per_op_of(const struct tare_result_arm *arm, int per_op)
{
    bool of_process = per_op == TARE_PER_OP_SYSCALLS || per_op == TARE_PER_OP_PAGE_FAULTS ||
                      per_op == TARE_PER_OP_CONTEXT_SWITCHES;
    return of_process && fabs(arm->per_op[per_op]) < least_per_op ? 0 : arm->per_op[per_op];
}

static enum tare_metric_unit unit_of(int per_op)
{
    return per_op == TARE_PER_OP_ALLOCATED_BYTES                              ? TARE_METRIC_BYTES
           : per_op == TARE_PER_OP_USER_NS || per_op == TARE_PER_OP_SYSTEM_NS ? TARE_METRIC_TIME
                                                                              : TARE_METRIC_COUNT;
}

static void add_arm(struct tare__extract *extract, const struct tare__subject *subject,
                    const struct tare_result_benchmark *benchmark, size_t index)
{
    const struct tare_result_arm *arm = &benchmark->arms[index];
    const struct tare_summary *summary = &arm->summary;
    struct tare_history_point *point = tare__extract_add(
        extract, subject, tare_metric_unit_names[TARE_METRIC_TIME], summary->median, "median");
    if (point != NULL) {
        tare__extract_interval(point, summary->median_low, summary->median_high);
        point->n = (int64_t)summary->n;
        add_measured(extract, point, benchmark, index);
        add_values(extract, point, arm);
    }
    /*
     * Throughput is no series: it is the median turned over, and each change of that would be found, counted and shown
     * twice, at the cost of those that are left to be found.
     */
    for (int i = 0; i < TARE_PER_OPS; i++) {
        tare__extract_add(extract, subject, tare_metric_unit_names[unit_of(i)], per_op_of(arm, i), "%s",
                          tare_per_op_names[i]);
    }
    for (size_t i = 0; i < arm->timer_count; i++) {
        const struct tare_result_inner_timer *timer = &arm->timers[i];
        point = tare__extract_add(extract, subject, tare_metric_unit_names[TARE_METRIC_TIME], timer->net_ns,
                                  "%s::%s.net_avg", timer->module, timer->name);
        tare__extract_interval(point, timer->net_ns - timer->net_error_ns, timer->net_ns + timer->net_error_ns);
    }
}

/* B / A, of B, and behind its settings what A is: another one is another series. */
static void add_ratio(struct tare__extract *extract, struct tare__subject subject,
                      const struct tare_result_benchmark *benchmark, const struct tare_result_comparison *found)
{
    const struct tare_result_arm *first = &benchmark->arms[0];
    const struct tare_comparison *comparison = &found->comparison;
    char *more = NULL;
    const char *what = first->revision != NULL ? "revision"
                       : benchmark->command    ? first->what
                                               : tare__extract_base(first->what);
    if (asprintf(&more, " against=%s", what) < 0) {
        extract->error = -ENOMEM;
        return;
    }
    subject.more = more;
    struct tare_history_point *point =
        tare__extract_add(extract, &subject, tare_metric_unit_names[TARE_METRIC_RATIO], comparison->ratio,
                          "%s.ratio", benchmark->arms[found->arm].label);
    tare__extract_interval(point, comparison->low, comparison->high);
    add_measured(extract, point, benchmark, found->arm);
    if (point != NULL) {
        point->n = (int64_t)comparison->units;
    }
    free(more);
}

static void add_benchmark(struct tare__extract *extract, const struct tare_result_benchmark *benchmark)
{
    struct naming naming;
    int result = name_arms(benchmark, &naming);
    if (result != 0) {
        extract->error = result;
    }
    for (size_t i = 0; i < naming.count && extract->error == 0; i++) {
        const struct tare__subject subject = {
            .suite = naming.suites[i], .name = naming.names[i], .arguments = arguments_of(benchmark)};
        if (naming.suites[i] == NULL) {
            continue;
        }
        add_arm(extract, &subject, benchmark, i);
        for (size_t k = 0; k < benchmark->comparison_count; k++) {
            if (benchmark->comparisons[k].arm == i) {
                add_ratio(extract, subject, benchmark, &benchmark->comparisons[k]);
            }
        }
    }
    release_naming(&naming);
}

/* How an arm's time grows with argument number N, from 1. */
static void add_growth(struct tare__extract *extract, const struct tare_result_growth *growth)
{
    const struct tare_result_bench *bench = extract->result->bench;
    for (size_t i = 0; i < bench->benchmark_count; i++) {
        const struct tare_result_benchmark *benchmark = &bench->benchmarks[i];
        if (benchmark->bench == NULL || strcmp(benchmark->bench, growth->bench) != 0 ||
            growth->arm >= benchmark->arm_count) {
            continue;
        }
        struct naming naming;
        int result = name_arms(benchmark, &naming);
        if (result != 0) {
            extract->error = result;
        } else if (growth->arm < naming.count && naming.suites[growth->arm] != NULL) {
            const struct tare__subject subject = {.suite = naming.suites[growth->arm], .name = growth->bench};
            tare__extract_add(extract, &subject, tare_metric_unit_names[TARE_METRIC_RATIO],
                              growth->growth.exponent, "arg%u.exponent", growth->arg + 1);
        }
        release_naming(&naming);
        return;
    }
}

void tare__extract_bench(struct tare__extract *extract)
{
    const struct tare_result_bench *bench = extract->result->bench;
    for (size_t i = 0; i < bench->benchmark_count && extract->error == 0; i++) {
        add_benchmark(extract, &bench->benchmarks[i]);
    }
    for (size_t i = 0; i < bench->growth_count && extract->error == 0; i++) {
        add_growth(extract, &bench->growths[i]);
    }
}
