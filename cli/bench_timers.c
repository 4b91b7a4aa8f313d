/* SPDX-License-Identifier: MIT */
/*
 * The timers inside benchmarked code: two executions with the timers enabled, one of which runs the loop twice as
 * often. What the difference counted belongs to the loop, and not to the set-up before it.
 */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/bench.h"
#include "cli/passes.h"

/* Long enough for calibrations during the run, and short beside --time. */
#define TIMERS_NS 50e6

/* So few calls of the set-up among those of the loop change their mean by less than its error. */
#define SETUP_SHARE 0.001

/* Runs the loop so often with all timers enabled. 0, 1 if the program failed, -EINTR, or -errno after an error. */
static int run_with_timers(struct bench_call *call, const struct bench_side *side, unsigned case_index,
                           uint64_t iterations, struct tare_result *result)
{
    char *job = NULL;
    struct run run = {.argv = side->argv, .path = side->path, .pin = call->options.pin, .clock = NULL};
    run.timeout_s = call->options.timeout_s;
    run.input_offset = -1;
    sigprocmask(SIG_BLOCK, NULL, &run.mask);
    struct watch watch;
    if (!watch_begin(&watch, run.pin)) {
        return -ENOMEM;
    }
    run.watch = &watch;
    struct pass pass = {.run = &run, .result = result, .collector = tare_collector_new(result)};
    struct tare_outcome outcome = {0};
    int code = -ENOMEM;
    /* Nobody reads what it says: how often it ran is known. The program inherits the descriptor. */
    int sink = open("/dev/null", O_WRONLY);
    if (sink >= 0 && pass.collector != NULL &&
        asprintf(&job, "fd=%d job=exact case=%u samples=1 sample_ns=0 iterations=%llu", sink, case_index,
                 (unsigned long long)iterations) >= 0 &&
        setenv("TARE_BENCH_DRIVE", job, 1) == 0) {
        code = run_pass(&pass, "*", true, &outcome) != 0 ? -EIO : 0;
        if (code == 0 && outcome.interrupted != 0) {
            bench_signal = outcome.interrupted;
            code = -EINTR;
        } else if (code == 0 && (outcome.end != TARE_END_EXITED || outcome.code != 0)) {
            code = 1;
        } else if (code == 0 && tare_collector_finish(pass.collector) != 0) {
            code = -ENOMEM;
        }
    }
    unsetenv("TARE_BENCH_DRIVE");
    if (sink >= 0) {
        close(sink);
    }
    tare_collector_free(pass.collector);
    watch_end(&watch);
    free(job);
    return code;
}

/*
 * What a call in the loop takes. Where nearly all calls were the loop's, the longer run says it, and how sure it is of
 * it. Else the shorter one's are subtracted, with the error of a difference; what the machine did to one run and not to
 * the other is then in it as often as there are calls, so that this is the second choice.
 */
static void set_net(struct tare_result_inner_timer *out, const struct tare_result_figures *once,
                    const struct tare_result_figures *twice)
{
    double before = once != NULL ? (double)once->outermost_calls : 0, after = (double)twice->outermost_calls;
    double setup_calls = once != NULL ? 2 * before - after : 0;
    if (setup_calls <= SETUP_SHARE * after) {
        out->net_ns = twice->net_avg_ns;
        out->net_error_ns = twice->net_avg_error_ns;
    } else {
        out->net_ns = (twice->net_total_ns - once->net_total_ns) / (after - before);
        out->net_error_ns =
            hypot(twice->net_avg_error_ns * after, once->net_avg_error_ns * before) / (after - before);
    }
}

/* What the second run has beyond the first. */
static int add_timers(struct tare_result_arm *arm, const struct tare_result *once,
                      const struct tare_result *twice, double operations)
{
    for (size_t i = 0; i < twice->timer_count; i++) {
        const struct tare_result_timer *timer = &twice->timers[i];
        const struct tare_result_timer *other = NULL;
        for (size_t j = 0; j < once->timer_count; j++) {
            if (strcmp(once->timers[j].module, timer->module) == 0 &&
                strcmp(once->timers[j].name, timer->name) == 0) {
                other = &once->timers[j];
            }
        }
        uint64_t before = other != NULL ? other->figures.outermost_calls : 0;
        if (timer->figures.outermost_calls <= before) {
            continue; /* of the set-up alone */
        }
        double calls = (double)(timer->figures.outermost_calls - before);
        struct tare_result_inner_timer *out = tare_result_add_inner_timer(arm, timer->module, timer->name);
        if (out == NULL) {
            return -ENOMEM;
        }
        out->calls = calls / operations;
        set_net(out, other != NULL ? &other->figures : NULL, &timer->figures);
    }
    return 0;
}

int bench_timers(struct bench_call *call, struct bench_work *work)
{
    int result = 0;
    for (size_t i = 0; i < work->arm_count && result == 0; i++) {
        const struct bench_arm *state = &work->arms[i];
        struct tare_result_arm *arm = &work->benchmark->arms[i];
        if (state->control || !state->side->program || !state->side->has_timers || arm->failure != NULL ||
            !(arm->summary.median > 0)) {
            continue;
        }
        /* With the loop's own time: an iteration that does nothing takes some, too. */
        double wanted = TIMERS_NS / (arm->summary.median + (arm->loop_ns > 0 ? arm->loop_ns : 0));
        uint64_t iterations = wanted < 1 ? 1 : wanted > 1e9 ? 1000000000 : (uint64_t)wanted;
        struct tare_result *once = tare_result_new(), *twice = tare_result_new();
        result = once == NULL || twice == NULL ? -ENOMEM : 0;
        if (result == 0) {
            result = run_with_timers(call, state->side, state->case_index, iterations, once);
        }
        if (result == 0) {
            result = run_with_timers(call, state->side, state->case_index, 2 * iterations, twice);
        }
        if (result == 0) {
            result = add_timers(arm, once, twice, (double)iterations * work->benchmark->threads);
        }
        if (result == 1) {
            bench_note(call, work->benchmark->name, arm->label,
                       "it fails when its timers are enabled: they are not shown");
            result = 0;
        } else if (result < 0 && result != -EINTR) {
            bench_note(call, work->benchmark->name, arm->label, "its timers could not be read");
            result = 0;
        }
        tare_result_free(once);
        tare_result_free(twice);
    }
    return result;
}
