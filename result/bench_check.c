/* SPDX-License-Identifier: MIT */
/*
 * Whether what `tare bench` found hangs together: asked by the writer, so that what it writes can be read, and
 * by the reader, so that who shows or compares a result need not ask again. Types and signs of single figures
 * are the business of result/json_bench_fields.h.
 *
 * Nothing here takes more than n log n: the result may be a hostile one.
 */
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "result/benchmarks.h"
#include "stats/order.h"

struct complaint {
    char *message;
    size_t size;
    char where[96]; /* "bench.benchmarks[2].arms[1]" */
};

static int complain(const struct complaint *c, const char *format, ...) __attribute__((format(printf, 2, 3)));
static int complain(const struct complaint *c, const char *format, ...)
{
    char what[160];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(what, sizeof what, format, arguments);
    va_end(arguments);
    snprintf(c->message, c->size, "'%s.%s", c->where, what);
    return -EINVAL;
}

/* Whether both ends are there and the wrong way round. */
static bool reversed(double low, double high)
{
    return low > high;
}

static int check_modes(const struct complaint *c, const struct tare_modes *modes)
{
    if (modes->count > TARE_MODES_MAX) {
        return complain(c, "summary.modes.modes' is not of at most %d", TARE_MODES_MAX);
    }
    for (size_t i = 0; i < modes->count; i++) {
        if (reversed(modes->mode[i].low, modes->mode[i].high)) {
            return complain(c, "summary.modes.modes[%zu].low_ns' is not below its high_ns", i);
        }
        if (i > 0 && reversed(modes->mode[i - 1].location, modes->mode[i].location)) {
            return complain(c, "summary.modes.modes[%zu].location_ns' is not above the one before", i);
        }
    }
    return 0;
}

static int check_summary(const struct complaint *c, const struct tare_summary *summary, size_t kept)
{
    if (summary->n > kept) {
        return complain(c, "summary.n' is not at most the number of values that were kept");
    }
    size_t rest = summary->n;
    for (int class = 0; class < TARE_OUTLIER_CLASSES; class ++) {
        if (summary->outliers[class] > rest) {
            return complain(c, "summary.outliers' is not of at most summary.n values");
        }
        rest -= summary->outliers[class];
    }
    if (reversed(summary->median_low, summary->median_high)) {
        return complain(c, "summary.median_low_ns' is not below summary.median_high_ns");
    }
    if (reversed(summary->min, summary->max)) {
        return complain(c, "summary.min_ns' is not below summary.max_ns");
    }
    return check_modes(c, &summary->modes);
}

static int check_arm(const struct complaint *c, const struct tare_result_arm *arm)
{
    if (arm->label == NULL || arm->label[0] == '\0') {
        return complain(c, "label' is missing");
    }
    if (arm->what == NULL) {
        return complain(c, "what' is missing");
    }
    size_t kept = 0;
    for (size_t i = 0; i < arm->value_count; i++) {
        if (!isfinite(arm->values_ns[i])) {
            return complain(c, "values_ns[%zu]' is not a number", i);
        }
        if (arm->rounds[i] == 0 || (i > 0 && arm->rounds[i] < arm->rounds[i - 1])) {
            return complain(c, "rounds[%zu]' is not a number from 1 on, in ascending order", i);
        }
        kept += arm->dropped[i] ? 0 : 1;
    }
    for (size_t i = 0; i < arm->timer_count; i++) {
        if (arm->timers[i].module == NULL || arm->timers[i].name == NULL) {
            return complain(c, "timers[%zu].name' is missing", i);
        }
    }
    return check_summary(c, &arm->summary, kept);
}

static int check_comparison(const struct complaint *c, const struct tare_result_comparison *comparison,
                            size_t arm_count)
{
    const struct tare_comparison *found = &comparison->comparison;
    if (comparison->arm == 0 || comparison->arm >= arm_count) {
        return complain(c, "arm' is not the index of an arm behind the first");
    }
    if ((unsigned)found->verdict >= TARE_VERDICTS) {
        return complain(c, "verdict' is not unresolved, same, faster or slower");
    }
    if (reversed(found->low, found->high)) {
        return complain(c, "low' is not below high");
    }
    if (reversed(found->control_low, found->control_high)) {
        return complain(c, "control_low' is not below control_high");
    }
    return 0;
}

static int check_benchmark(struct complaint *c, const struct tare_result_benchmark *benchmark, size_t index)
{
    snprintf(c->where, sizeof c->where, "bench.benchmarks[%zu]", index);
    if (benchmark->name == NULL || benchmark->name[0] == '\0') {
        return complain(c, "name' is missing");
    }
    if (benchmark->threads == 0 || benchmark->layouts == 0) {
        return complain(c, "%s' is not at least 1", benchmark->threads == 0 ? "threads" : "layouts");
    }
    if (benchmark->contamination.dropped > benchmark->contamination.rounds) {
        return complain(c, "contamination.dropped' is not at most contamination.rounds");
    }
    if (benchmark->contamination.each_count != 0 &&
        benchmark->contamination.each_count != benchmark->contamination.rounds) {
        return complain(c, "contamination.each_round' is not of contamination.rounds rounds");
    }
    if (reversed(benchmark->contamination.frequency_low_hz, benchmark->contamination.frequency_high_hz)) {
        return complain(c, "contamination.frequency_low_hz' is not below its frequency_high_hz");
    }
    if (benchmark->arm_count > TARE_ORDER_ARMS_MAX) {
        return complain(c, "arms' is not of at most %d", TARE_ORDER_ARMS_MAX);
    }
    for (size_t i = 0; i < benchmark->arg_count; i++) {
        if (!isfinite(benchmark->args[i])) {
            return complain(c, "args[%zu]' is not a number", i);
        }
    }
    for (size_t i = 0; i < benchmark->arm_count; i++) {
        snprintf(c->where, sizeof c->where, "bench.benchmarks[%zu].arms[%zu]", index, i);
        int error = check_arm(c, &benchmark->arms[i]);
        for (size_t j = 0; error == 0 && j < i; j++) {
            if (strcmp(benchmark->arms[i].label, benchmark->arms[j].label) == 0) {
                error = complain(c, "label' is not the only one of its kind");
            }
        }
        if (error != 0) {
            return error;
        }
    }
    for (size_t i = 0; i < benchmark->comparison_count; i++) {
        snprintf(c->where, sizeof c->where, "bench.benchmarks[%zu].comparisons[%zu]", index, i);
        int error = check_comparison(c, &benchmark->comparisons[i], benchmark->arm_count);
        if (error != 0) {
            return error;
        }
    }
    return 0;
}

static int by_name(const void *a, const void *b)
{
    const struct tare_result_benchmark *const *first = a;
    const struct tare_result_benchmark *const *second = b;
    return strcmp((*first)->name, (*second)->name);
}

/* Those without one behind all others. */
static int by_bench(const void *a, const void *b)
{
    const struct tare_result_benchmark *const *first = a;
    const struct tare_result_benchmark *const *second = b;
    if ((*first)->bench == NULL || (*second)->bench == NULL) {
        return ((*first)->bench == NULL) - ((*second)->bench == NULL);
    }
    return strcmp((*first)->bench, (*second)->bench);
}

/*
 * Where in `sorted`, by by_bench(), the benchmarks begin that have this name without arguments, or behind it.
 */
static size_t first_of(const struct tare_result_benchmark *const *sorted, size_t count, const char *bench)
{
    size_t low = 0;
    size_t high = count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (sorted[middle]->bench != NULL && strcmp(sorted[middle]->bench, bench) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

/*
 * A growth is of the first benchmark of its name as well as of the others: their number of arms and arguments
 * is looked up in that one alone.
 */
static int check_growth(struct complaint *c, const struct tare_result_growth *growth,
                        const struct tare_result_benchmark *const *sorted, size_t count)
{
    if (growth->bench == NULL) {
        return complain(c, "bench' is missing");
    }
    size_t first = first_of(sorted, count, growth->bench);
    if (first == count || sorted[first]->bench == NULL || strcmp(sorted[first]->bench, growth->bench) != 0) {
        return complain(c, "bench' is not that of a benchmark");
    }
    if (growth->arm >= sorted[first]->arm_count) {
        return complain(c, "arm' is not the index of an arm of that benchmark");
    }
    if (growth->arg >= sorted[first]->arg_count) {
        return complain(c, "arg' is not the index of an argument of that benchmark");
    }
    if ((unsigned)growth->growth.best >= TARE_GROWTH_CLASSES ||
        (unsigned)growth->growth.second >= TARE_GROWTH_CLASSES) {
        return complain(c, "best' is not O(1), O(log n), O(n), O(n log n) or O(n^2)");
    }
    return 0;
}

static int check_names(struct complaint *c, const struct tare_result_benchmark **sorted, size_t count)
{
    qsort(sorted, count, sizeof *sorted, by_name);
    for (size_t i = 1; i < count; i++) {
        if (strcmp(sorted[i - 1]->name, sorted[i]->name) == 0) {
            snprintf(c->where, sizeof c->where, "bench");
            return complain(c, "benchmarks' has more than one of the name '%.60s'", sorted[i]->name);
        }
    }
    return 0;
}

int tare_result_bench_check(const struct tare_result_bench *bench, char *message, size_t message_size)
{
    struct complaint c = {.message = message, .size = message_size};
    size_t count = bench->benchmark_count;
    const struct tare_result_benchmark **sorted = reallocarray(NULL, count + 1, sizeof *sorted);
    if (sorted == NULL) {
        snprintf(message, message_size, "out of memory");
        return -ENOMEM;
    }
    int error = 0;
    for (size_t i = 0; error == 0 && i < count; i++) {
        error = check_benchmark(&c, &bench->benchmarks[i], i);
        sorted[i] = &bench->benchmarks[i];
    }
    if (error == 0) {
        error = check_names(&c, sorted, count);
    }
    if (error == 0) {
        qsort(sorted, count, sizeof *sorted, by_bench);
    }
    for (size_t i = 0; error == 0 && i < bench->growth_count; i++) {
        snprintf(c.where, sizeof c.where, "bench.growths[%zu]", i);
        error = check_growth(&c, &bench->growths[i], sorted, count);
    }
    free(sorted);
    return error;
}
