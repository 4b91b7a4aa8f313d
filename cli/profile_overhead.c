/* SPDX-License-Identifier: MIT */
/*
 * What profiling costs the program: it is run with and without, interleaved, in the order and by the rule of
 * `tare bench A --vs B` (stats/order.h, stats/compare.h), with an arm more that is the same as "without" and
 * shows whether the machine is quiet enough to tell. Timed is the program alone, from its start to its end;
 * finding functions afterwards is no cost of its own. With perf it is perf that is timed, which starts and ends
 * with it.
 */
#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "cli/profile.h"
#include "record/elf.h"
#include "record/monotonic.h"
#include "stats/compare.h"
#include "stats/order.h"

enum {
    WITHOUT,
    CONTROL,
    WITH,
    ARMS,
    UNITS_LEAST = 8,
    UNITS_MOST = 500,
    TIME_S = 10, /* as long as `tare bench` takes for a comparison; a slow program takes the least units */
};

struct measuring {
    const struct profiling *profiling;
    char *path;
    double log_ns[ARMS][2 * UNITS_MOST]; /* by round */
    size_t rounds;
    char message[512];
};

/* One run of the program. Returns 0, -EINTR, or -errno with a message. */
static int run_without(struct measuring *measuring, struct tare_outcome *outcome)
{
    const struct tare_profiling_request *request = &measuring->profiling->request;
    const struct tare_spawn spawn = {
        .path = measuring->path,
        .argv = request->argv,
        .pin_cpu = request->pin_cpu,
        .timeout_s = request->timeout_s,
        .quiet = true,
        .no_input = true,
    };
    bool not_started;
    int result = tare_spawn_run(&spawn, outcome, &not_started);
    if (result != 0) {
        snprintf(measuring->message, sizeof(measuring->message), "cannot run '%s': %s", request->argv[0],
                 strerror(-result));
    }
    return result;
}

static int run_with(struct measuring *measuring, struct tare_outcome *outcome)
{
    const struct profiling *profiling = measuring->profiling;
    struct tare_profiling_request request = profiling->request;
    struct tare_profiling_outcome with;
    struct tare_profile *profile = NULL;
    request.quiet = true;
    request.time_only = true;
    request.keep_data = NULL;
    int result = profiling->choice.mode == TARE_MODE_BUILT_IN
                     ? tare_built_in_record(&request, &profiling->choice, &profile, &with, measuring->message,
                                            sizeof(measuring->message))
                     : tare_perf_record(&request, &profiling->choice, &profiling->perf, &profile, &with,
                                        measuring->message, sizeof(measuring->message));
    *outcome = with.program;
    tare_profiling_outcome_release(&with);
    tare_profile_free(profile);
    return result;
}

/* Every arm once. Returns 0, -EINTR or -errno. */
static int run_round(struct measuring *measuring, struct tare_order *order)
{
    unsigned char arms[TARE_ORDER_ARMS_MAX];
    tare_order_next(order, arms);
    for (size_t i = 0; i < ARMS; i++) {
        struct tare_outcome outcome;
        int result = profile_signal != 0 ? -EINTR
                     : arms[i] == WITH   ? run_with(measuring, &outcome)
                                         : run_without(measuring, &outcome);
        if (result != 0) {
            return result;
        }
        if (outcome.interrupted != 0 || outcome.end != TARE_END_EXITED || !(outcome.wall_ns > 0)) {
            return -EINTR;
        }
        measuring->log_ns[arms[i]][measuring->rounds] = log(outcome.wall_ns);
    }
    measuring->rounds++;
    return 0;
}

/* From rounds to the ratio and its interval. */
static void judge(const struct measuring *measuring, struct tare_profile_overhead *overhead)
{
    double effect[UNITS_MOST], control[UNITS_MOST], scratch[4 * UNITS_MOST];
    const struct tare_compare_rule rule = {
        .alpha = 1 - TARE_RESULT_CONFIDENCE,
        .comparisons = 1,
        .margin = TARE_COMPARE_MARGIN,
        .control_alpha = TARE_COMPARE_CONTROL_ALPHA,
    };
    size_t units = measuring->rounds / 2;
    for (size_t i = 0; i < units; i++) {
        effect[i] = control[i] = 0;
        for (size_t k = 2 * i; k < 2 * i + 2; k++) {
            double without = measuring->log_ns[WITHOUT][k], again = measuring->log_ns[CONTROL][k];
            effect[i] += (measuring->log_ns[WITH][k] - (without + again) / 2) / 2;
            control[i] += (again - without) / 2;
        }
    }
    struct tare_comparison comparison;
    if (tare_compare(&rule, 0, 1, effect, control, NULL, units, scratch, &comparison) != 0 ||
        isnan(comparison.low) || isnan(comparison.high) || comparison.control_differs) {
        return;
    }
    *overhead = (struct tare_profile_overhead){.measured = true,
                                               .ratio = comparison.ratio,
                                               .low = comparison.low,
                                               .high = comparison.high,
                                               .pairs = (uint64_t)measuring->rounds};
}

static int run_rounds(struct measuring *measuring)
{
    struct tare_order order;
    uint64_t seed = 0, begun_ns = tare__monotonic_ns();
    if (getrandom(&seed, sizeof(seed), 0) != (ssize_t)sizeof(seed)) {
        seed = begun_ns;
    }
    int result = tare_order_init(&order, ARMS, seed);
    while (result == 0 && measuring->rounds + 2 <= (size_t)2 * UNITS_MOST) {
        double elapsed_s = (double)(tare__monotonic_ns() - begun_ns) / 1e9;
        size_t units = measuring->rounds / 2;
        double unit_s = units != 0 ? elapsed_s / (double)units : 0;
        if (units >= UNITS_LEAST && elapsed_s + unit_s > TIME_S) {
            break;
        }
        double all_s = unit_s * UNITS_LEAST > TIME_S ? unit_s * UNITS_LEAST : TIME_S;
        progress("overhead: %zu pairs, about %.0f s left", measuring->rounds,
                 all_s > elapsed_s ? all_s - elapsed_s : 0);
        result = run_round(measuring, &order);
        if (result == 0) {
            result = run_round(measuring, &order);
        }
    }
    progress_clear();
    return result;
}

int profile_measure_overhead(const struct profiling *profiling, struct tare_result *result)
{
    struct measuring *measuring = calloc(1, sizeof(*measuring));
    if (measuring == NULL || tare_find_program(profiling->request.argv[0], &measuring->path) != 0) {
        free(measuring);
        error("out of memory");
        return -ENOMEM;
    }
    measuring->profiling = profiling;
    int failure = run_rounds(measuring);
    struct tare_profile_overhead *overhead = &result->profile->overhead;
    if (failure == 0) {
        judge(measuring, overhead);
        if (!overhead->measured) {
            tare_result_note(
                result, "the overhead could not be measured: two runs without profiling differed as much from "
                        "each other; try again on a quieter machine");
        }
    } else if (failure == -EINTR) {
        tare_result_note(result,
                         "the overhead was not measured: a run was interrupted, or did not end by itself");
    } else {
        error("cannot measure the overhead: %s", measuring->message);
    }
    free(measuring->path);
    free(measuring);
    return failure;
}
