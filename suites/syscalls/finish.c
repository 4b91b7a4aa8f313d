/* SPDX-License-Identifier: MIT */
/*
 * Which layer takes how much of a sandboxed call. A layer's timers tell what passes through it, with all that lies behind: its
 * own time is that without what the next layer's timers tell. Before the first layer is the module itself: the benchmark's
 * time without lind-common's. Behind the last is the kernel, of which no timer stands between it and rawposix: both are
 * one part.
 *
 * Each timer is read in executions of its own, in which no other is enabled: readings within one another keep the processor
 * from what it does without them. What counts is the median of its calls, as the benchmark's time is a median, too: where an
 * operation makes several, of different kinds even, it stands for each of them, since a mean has in it all that disturbed
 * that execution. The module's part is a difference, and may come out a little below 0,
 * which is shown as it is. The layers' parts may come to more than the whole all the same: some take 10 ns, in which a processor is
 * busy with several at once, and the reading that is left ends that. Then the module's part is unknown, and the shares are
 * of what the timers say together. Intervals are of the timers' errors and the median's interval, as if they were independent.
 * A part whose error is above half of the whole is unknown, too; a layer of which no timer has calls has no part.
 */
#include <errno.h>
#include <math.h>
#include <string.h>

#include "result/model.h"
#include "suites/syscalls/syscalls.h"

enum layer { MODULE, LIND_COMMON, THREEI, RAWPOSIX, FDTABLES, LAYERS };

struct amount {
    double ns, error_ns;
    bool called; /* of a layer: a timer of it has calls */
};

static const char *const parts[LAYERS] = {"module", "lind-common", "threei", "rawposix, kernel", "fdtables"};

#define WITH_GRATE "with the grate, and the way back through lind-common"
#define BEYOND                                                                                                 \
    "unknown: the other parts, with readings between, take more than the whole; shares are of their sum"
#define TOO_UNCERTAIN "too uncertain: the error is above half of the call"
#define ERROR_MAX 0.5 /* of the whole */
#define OVERLAPS "unknown: two parties wait for one another inside their calls"

/*
 * The layer of a timer; MODULE: of none. Within a module no two timers stand in one another, but those of threei, where
 * make_syscall is what encloses the others.
 */
static enum layer layer_of(const struct tare_result_inner_timer *timer)
{
    if (strcmp(timer->module, "lind_common") == 0) {
        return LIND_COMMON;
    }
    if (strcmp(timer->module, "threei") == 0) {
        return strcmp(timer->name, "make_syscall") == 0 ? THREEI : MODULE;
    }
    if (strcmp(timer->module, "rawposix") == 0) {
        return RAWPOSIX;
    }
    return strcmp(timer->module, "fdtables") == 0 ? FDTABLES : MODULE;
}

static struct amount minus(struct amount a, struct amount b)
{
    return (struct amount){.ns = a.ns - b.ns, .error_ns = hypot(a.error_ns, b.error_ns)};
}

/* What passes through each, with all behind it. MODULE: the benchmark. */
static void totals(const struct tare_result_arm *arm, struct amount total[LAYERS])
{
    memset(total, 0, LAYERS * sizeof(total[0]));
    total[MODULE] = (struct amount){.ns = arm->summary.median,
                                    .error_ns = (arm->summary.median_high - arm->summary.median_low) / 2,
                                    .called = true};
    for (size_t i = 0; i < arm->timer_count; i++) {
        const struct tare_result_inner_timer *timer = &arm->timers[i];
        enum layer layer = layer_of(timer);
        if (layer != MODULE && timer->calls > 0) {
            total[layer].called = true;
            bool median = isfinite(timer->net_p50_ns) && isfinite(timer->net_p50_error_ns);
            double error_ns = median ? timer->net_p50_error_ns : timer->net_error_ns;
            total[layer].ns += timer->calls * (median ? timer->net_p50_ns : timer->net_ns);
            total[layer].error_ns = hypot(total[layer].error_ns, timer->calls * error_ns);
        }
    }
}

static int add(struct tare_result_suite *suite, const char *kind, const struct tare_result_benchmark *benchmark,
               const char *side, enum layer layer, enum tare_suite_unit unit, struct amount value,
               const char *note)
{
    struct tare_suite_figure figure = {.kind = (char *)kind,
                                       .benchmark = benchmark->name,
                                       .side = (char *)side,
                                       .part = (char *)parts[layer],
                                       .unit = unit,
                                       .value = value.ns,
                                       .low = value.ns - value.error_ns,
                                       .high = value.ns + value.error_ns,
                                       .note = (char *)note};
    return tare_suite_add_figure(suite, &figure);
}

/* Where the parts cannot be told from one another. */
static int add_unknown(struct tare_result_suite *suite, const struct tare_result_benchmark *benchmark,
                       const char *side)
{
    struct tare_suite_figure figure = {
        .kind = (char *)"layer", .benchmark = benchmark->name, .side = (char *)side};
    figure.unit = TARE_SUITE_SHARE;
    figure.value = figure.low = figure.high = NAN;
    figure.note = (char *)OVERLAPS;
    return tare_suite_add_figure(suite, &figure);
}

/* Its own: without what passes through the next one that was called. */
static struct amount own_of(enum layer layer, const struct amount total[LAYERS])
{
    for (enum layer next = layer + 1; next < LAYERS; next++) {
        if (total[next].called) {
            return minus(total[layer], total[next]);
        }
    }
    return total[layer];
}

static int add_layers(struct tare_result_suite *suite, const struct tare_result_benchmark *benchmark,
                      const struct tare_result_arm *arm, const char *side)
{
    struct amount total[LAYERS];
    totals(arm, total);
    if (strstr(benchmark->bench, "pingpong") != NULL) {
        return add_unknown(suite, benchmark, side);
    }
    bool by_grate = strncmp(benchmark->bench, "grate_", strlen("grate_")) == 0;
    bool beyond =
        total[LIND_COMMON].ns - total[LIND_COMMON].error_ns > total[MODULE].ns + total[MODULE].error_ns;
    struct amount whole = total[beyond ? LIND_COMMON : MODULE];
    for (enum layer layer = MODULE; layer < LAYERS; layer++) {
        if (!total[layer].called) {
            continue; /* the call has no descriptor, or a grate answers it */
        }
        struct amount own = own_of(layer, total), share = {.ns = own.ns / whole.ns};
        share.error_ns = hypot(own.error_ns / whole.ns, share.ns * whole.error_ns / whole.ns);
        const char *note = by_grate && layer == THREEI ? WITH_GRATE : NULL;
        bool is_beyond = beyond && layer == MODULE;
        if (is_beyond || share.error_ns > ERROR_MAX) {
            note = is_beyond ? BEYOND : TOO_UNCERTAIN;
            own = share = (struct amount){.ns = NAN, .error_ns = NAN};
        }
        if (add(suite, "layer", benchmark, side, layer, TARE_SUITE_SHARE, share, note) != 0 ||
            add(suite, "layer-ns", benchmark, side, layer, TARE_SUITE_NS, own, note) != 0) {
            return -ENOMEM;
        }
    }
    return 0;
}

/* Its timers were read, and calls went through the layers. */
static bool has_layers(const struct tare_result_arm *arm)
{
    struct amount total[LAYERS];
    if (arm->control || arm->timer_count == 0 || !(arm->summary.median > 0)) {
        return false;
    }
    totals(arm, total);
    return total[LIND_COMMON].ns > 0;
}

int suite_syscalls_finish(struct tare_result *result)
{
    struct tare_result_suite *suite = result->suite;
    if (suite == NULL || result->bench == NULL) {
        return 0;
    }
    for (size_t i = 0; i < result->bench->benchmark_count; i++) {
        const struct tare_result_benchmark *benchmark = &result->bench->benchmarks[i];
        for (size_t j = 0; j < benchmark->arm_count; j++) {
            const struct tare_result_arm *arm = &benchmark->arms[j];
            const struct tare_suite_side *side = tare_suite_side_of_arm(suite, arm->label);
            if (side != NULL && strcmp(side->label, "sandboxed") == 0 && has_layers(arm) &&
                add_layers(suite, benchmark, arm, side->label) != 0) {
                return -ENOMEM;
            }
        }
    }
    return 0;
}
