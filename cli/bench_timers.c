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

#define SHORT_TIMERS_NS 15e6

/* What a scope takes, about; enabled, it can be far more than what is in it. */
#define RECORDING_NS 50.0

/* So few calls of the set-up among those of the loop change their mean by less than its error. */
#define SETUP_SHARE 0.001

/* Runs the loop so often with the timers enabled that match. 0, 1 if the program failed, -EINTR, or -errno after an error. */
static int run_with_timers(struct bench_call *call, const struct bench_side *side, unsigned case_index,
                           const char *enable, uint64_t iterations, struct tare_result *result)
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
        code = run_pass(&pass, enable, true, &outcome) != 0 ? -EIO : 0;
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

/* Of what was subtracted from each reading: all parts but that of the program's own variation. */
static double subtracted_error(const struct tare_result_figures *figures)
{
    double squares = 0;
    for (int part = 0; part < TARE_ERROR_PARTS; part++) {
        double error = figures->net_avg_error_part_ns[part];
        squares += part != TARE_ERROR_SAMPLING ? error * error : 0;
    }
    return sqrt(squares);
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
        out->net_p50_ns = timer->figures.net_p50_ns;
        out->net_p50_error_ns = timer->figures.p50_error_ns + subtracted_error(&timer->figures);
        out->net_p99_ns = timer->figures.net_p99_ns;
        set_net(out, other != NULL ? &other->figures : NULL, &timer->figures);
    }
    return 0;
}

/* Both runs: `iterations` of the loop, and twice as many. 0, 1 if the program failed, -EINTR, or -errno. */
static int run_both(struct bench_call *call, const struct bench_arm *state, const char *enable,
                    uint64_t iterations, double operations, struct tare_result_arm *arm)
{
    struct tare_result *once = tare_result_new(), *twice = tare_result_new();
    int result = once == NULL || twice == NULL ? -ENOMEM : 0;
    if (result == 0) {
        result = run_with_timers(call, state->side, state->case_index, enable, iterations, once);
    }
    if (result == 0) {
        result = run_with_timers(call, state->side, state->case_index, enable, 2 * iterations, twice);
    }
    if (result == 0) {
        result = add_timers(arm, once, twice, operations);
    }
    tare_result_free(once);
    tare_result_free(twice);
    return result;
}

/*
 * Each of the timers alone, in place of what was read with all of them: readings in one another keep the processor from
 * doing what it does without them, so that layers would add up to more than the whole.
 */
static int run_alone(struct bench_call *call, const struct bench_arm *state, uint64_t iterations,
                     double operations, struct tare_result_arm *arm)
{
    struct tare_result_arm alone = {0};
    int result = 0;
    for (size_t i = 0; i < arm->timer_count && result == 0; i++) {
        struct tare_result_inner_timer *timer = &arm->timers[i];
        char *pattern = exact_glob(timer->module, timer->name);
        result = pattern == NULL ? -ENOMEM : run_both(call, state, pattern, iterations, operations, &alone);
        free(pattern);
    }
    for (size_t i = 0; i < alone.timer_count; i++) {
        for (size_t j = 0; j < arm->timer_count && result == 0; j++) {
            struct tare_result_inner_timer *from = &alone.timers[i], *to = &arm->timers[j];
            if (strcmp(from->module, to->module) == 0 && strcmp(from->name, to->name) == 0) {
                char *module = to->module, *name = to->name;
                *to = *from;
                from->module = module; /* theirs are equal; each is freed once */
                from->name = name;
            }
        }
        free(alone.timers[i].module);
        free(alone.timers[i].name);
    }
    free(alone.timers);
    return result;
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
        /* With the loop's own time, and that of a recording: an iteration that does nothing takes some, too. */
        double each_ns = arm->summary.median + (arm->loop_ns > 0 ? arm->loop_ns : 0) + RECORDING_NS;
        double wanted = (call->short_timers ? SHORT_TIMERS_NS : TIMERS_NS) / each_ns;
        uint64_t iterations = wanted < 1 ? 1 : wanted > 1e9 ? 1000000000 : (uint64_t)wanted;
        double operations = (double)iterations * work->benchmark->threads;
        result = run_both(call, state, "*", iterations, operations, arm);
        if (result == 0 && call->timers_alone && arm->timer_count > 1) {
            result = run_alone(call, state, iterations, operations, arm);
        }
        if (result != 0) { /* what was read of some of them, or of all at once, is not what was asked for */
            tare_result_drop_inner_timers(arm);
        }
        if (result == 1) {
            bench_note(call, work->benchmark->name, arm->label,
                       "it fails when its timers are enabled: they are not shown");
            result = 0;
        } else if (result < 0 && result != -EINTR) {
            bench_note(call, work->benchmark->name, arm->label, "its timers could not be read");
            result = 0;
        }
    }
    return result;
}
