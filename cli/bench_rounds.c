/* SPDX-License-Identifier: MIT */
/*
 * Measures one benchmark: finds out how long its samples are to be and when it is warm, then runs rounds, each arm
 * once in a round, in the order that stats/order.h draws, until the rule of stats/compare.h or the time ends it.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/bench.h"
#include "record/monotonic.h"
#include "stats/quantile.h"
#include "stats/warmup.h"

enum {
    PROBE_SAMPLES = 2,
    PILOT_SAMPLES = 24, /* twice those of a block, so that a warm-up as long as a block is found */
    WARMUP_MAX = 48,
    ROUNDS_MAX = 1 << 20,
    FIRST_MAX = 64,
    FORECAST_ROUNDS = 15,
};

/* Pilots of slower iterations than this would take too much of the time. */
#define PILOT_ITERATION_NS 5e6
#define SAMPLE_NS (BENCH_BLOCK_NS / BENCH_SAMPLES)
#define ALIKE 1.25 /* times within this factor are about the same */
#define WARMUP_TOLERANCE 0.01
#define PROBES_SHARE 0.1 /* of the time, at most, before a long iteration is probed in one more arm */

static double elapsed_share(const struct bench_work *work)
{
    return (double)(tare__monotonic_ns() - work->begun_ns) / (double)work->budget_ns;
}

static void fail(struct bench_work *work, size_t arm, char *failure)
{
    struct tare_result_arm *out = &work->benchmark->arms[arm];
    if (out->failure == NULL) {
        out->failure = failure != NULL ? failure : strdup("failed");
        work->call->failed |= !tare_result_is_skip(out->failure);
    } else {
        free(failure);
    }
}

/* What a process does that a benchmark should not, while its figures stand. */
static void note_manners(struct bench_work *work, size_t arm, const struct tare_block_outcome *outcome)
{
    const struct tare_result_benchmark *benchmark = work->benchmark;
    if (outcome->output_size != 0 && !benchmark->command) {
        char text[200], *safe = NULL;
        char *line = strndup(outcome->output, strcspn(outcome->output, "\r\n"));
        safe = line != NULL ? printable(line) : NULL;
        snprintf(text, sizeof(text), "it prints while it is measured, which costs time: '%.100s'",
                 safe != NULL ? safe : "");
        free(line);
        free(safe);
        bench_note(work->call, benchmark->name, benchmark->arms[arm].label, text);
    }
    if (outcome->left_children) {
        bench_note(work->call, benchmark->name, benchmark->arms[arm].label,
                   "it left processes running behind it; they were killed");
    }
}

static double sample_value(const struct bench_sample *sample)
{
    return sample->iterations != 0 ? sample->ns / (double)sample->iterations : NAN;
}

static void keep_first(struct bench_work *work, size_t arm, double ns)
{
    if (work->first_count[arm] < FIRST_MAX && !isnan(ns)) {
        work->first_ns[arm][work->first_count[arm]++] = ns;
    }
}

static double larger(double a, double b)
{
    return isnan(a) || b > a ? b : a;
}

/* One process of a benchmark program. */
static int run_block(struct bench_work *work, size_t arm, size_t layout, const struct bench_job *job,
                     struct bench_block *block, bool *paused)
{
    struct bench_arm *state = &work->arms[arm];
    struct tare_block_outcome outcome;
    struct bench_job with_layout = *job;
    with_layout.layout = layout;
    char *failure = NULL;
    *block = (struct bench_block){0};
    int result =
        bench_block_run(work->call, state->side, state->case_index, &with_layout, block, &outcome, &failure);
    if (result == 0 && block->sample_count == 0) {
        failure = strdup("it measured nothing: does its body have a TARE_EACH?");
        result = 1;
    }
    if (result == 1) {
        fail(work, arm, failure);
    } else if (result == 0) {
        note_manners(work, arm, &outcome);
        keep_first(work, arm, block->first_ns);
        *paused = outcome.paused;
        state->with = block->with;
        struct tare_result_arm *out = &work->benchmark->arms[arm];
        out->loop_ns = block->loop_ns;
        out->bytes_per_op = block->bytes * work->benchmark->threads;
        out->items_per_op = block->items * work->benchmark->threads;
    }
    tare_block_release(&outcome);
    return result;
}

/*
 * How long an iteration takes: the shortest of some samples of some processes, since one of them may be disturbed.
 * Of one that is long, one sample has to do. 0, 1 if it failed, or an error.
 */
static int probe(struct bench_work *work, size_t arm, double *iteration_ns)
{
    *iteration_ns = NAN;
    for (size_t i = 0; i < work->call->probes; i++) {
        const struct bench_job job = {.kind = "block",
                                      .samples = i == 0 && work->call->probes > 1 ? 1 : PROBE_SAMPLES,
                                      .sample_ns = SAMPLE_NS};
        struct bench_block block;
        bool paused;
        int result = run_block(work, arm, i, &job, &block, &paused);
        for (size_t j = 0; j < block.sample_count && result == 0; j++) {
            /* With the loop's own time: an iteration that does nothing takes some, too. */
            double ns = sample_value(&block.samples[j]) + (isnan(block.loop_ns) ? 0 : block.loop_ns);
            *iteration_ns = isnan(*iteration_ns) || ns < *iteration_ns ? ns : *iteration_ns;
        }
        bench_block_release(&block);
        if (result != 0 || *iteration_ns > PILOT_ITERATION_NS) {
            return result;
        }
    }
    return 0;
}

/* Some processes with many samples: from which sample on it is warm. */
static int find_warmup(struct bench_work *work, size_t arm)
{
    struct bench_arm *state = &work->arms[arm];
    struct tare_result_arm *out = &work->benchmark->arms[arm];
    double series[BENCH_PILOTS * PILOT_SAMPLES];
    const struct bench_job job = {
        .kind = "block", .samples = PILOT_SAMPLES, .sample_ns = SAMPLE_NS, .iterations = state->iterations};
    for (size_t i = 0; i < work->call->pilots; i++) {
        struct bench_block block;
        bool paused;
        int result = run_block(work, arm, i, &job, &block, &paused);
        for (size_t j = 0; j < PILOT_SAMPLES && result == 0; j++) {
            series[i * PILOT_SAMPLES + j] = j < block.sample_count ? sample_value(&block.samples[j]) : NAN;
        }
        bench_block_release(&block);
        if (result != 0) {
            return result;
        }
    }
    struct tare_warmup warmup;
    int failure = tare_warmup_detect(series, work->call->pilots, PILOT_SAMPLES, WARMUP_TOLERANCE, &warmup);
    if (failure == -ENOMEM) {
        error("out of memory");
        return failure;
    }
    if (failure == 0) {
        state->warmup = warmup.length < WARMUP_MAX ? (unsigned)warmup.length : WARMUP_MAX;
        out->warmup_settled = warmup.settled;
    }
    return 0;
}

/*
 * Before the first round of a program. All arms get the same number of samples and the same warm-up, and those
 * whose iterations take about as long the same number of iterations: what is another in B than in A is measured as
 * a difference of B, and the control, which is made like A, does not show it.
 */
static int prepare_programs(struct bench_work *work)
{
    double iteration_ns[TARE_ORDER_ARMS_MAX], slowest_ns = 0;
    unsigned warmup = 0;
    for (size_t i = 0; i < work->arm_count; i++) {
        if (work->arms[i].control) {
            iteration_ns[i] = iteration_ns[0];
            continue;
        }
        /* Where finding out takes much of the time, it is found out in each process as it is measured. */
        if (slowest_ns > PILOT_ITERATION_NS && elapsed_share(work) > PROBES_SHARE) {
            iteration_ns[i] = NAN;
            continue;
        }
        int result = probe(work, i, &iteration_ns[i]);
        if (result == 1 && i > 1) {
            work->arms[i].failed = true;
            iteration_ns[i] = iteration_ns[0];
            continue;
        }
        if (result != 0) {
            return result;
        }
        if (iteration_ns[i] / iteration_ns[0] < ALIKE && iteration_ns[0] / iteration_ns[i] < ALIKE) {
            iteration_ns[i] = iteration_ns[0];
        }
        slowest_ns = larger(slowest_ns, iteration_ns[i]);
    }
    double fit = slowest_ns > SAMPLE_NS ? BENCH_BLOCK_NS / slowest_ns : BENCH_SAMPLES;
    for (size_t i = 0; i < work->arm_count; i++) {
        struct bench_arm *state = &work->arms[i];
        double iterations = iteration_ns[i] > 0 ? SAMPLE_NS / iteration_ns[i] : 1;
        state->iterations = iterations < 1 ? 1 : iterations > 1e12 ? 1000000000000 : (uint64_t)iterations;
        state->iterations = isnan(iteration_ns[i]) ? 0 : state->iterations;
        state->samples = fit >= BENCH_SAMPLES ? BENCH_SAMPLES : fit >= 1 ? (unsigned)fit : 1;
        if (!state->control && !state->failed && slowest_ns <= PILOT_ITERATION_NS) {
            int result = find_warmup(work, i);
            if (result == 1 && i > 1) {
                state->failed = true;
                continue;
            }
            if (result != 0) {
                return result;
            }
            warmup = state->warmup > warmup ? state->warmup : warmup;
        }
    }
    if (slowest_ns > PILOT_ITERATION_NS) {
        bench_note(work->call, work->benchmark->name, work->benchmark->arms[0].label,
                   "nobody looked for a warm-up beyond the first iteration: iterations are too long for that");
    }
    for (size_t i = 0; i < work->arm_count; i++) {
        struct bench_arm *state = &work->arms[i];
        struct tare_result_arm *out = &work->benchmark->arms[i];
        state->warmup = warmup;
        out->iterations = state->iterations;
        out->samples = state->samples;
        out->warmup = warmup;
        if (state->control) {
            out->warmup_settled = work->benchmark->arms[0].warmup_settled;
        }
    }
    return 0;
}

/* Executions that do not count, where they were asked for. */
static int prepare_commands(struct bench_work *work)
{
    const struct bench_job job = {.kind = "block"};
    for (unsigned long n = 0; n < work->call->options.warmup; n++) {
        for (size_t i = 0; i < work->arm_count; i++) {
            struct tare_block_outcome outcome;
            char *failure;
            if (work->arms[i].control || work->arms[i].failed) {
                continue;
            }
            int result = bench_command_run(work->call, work->arms[i].side, &job, &outcome, &failure);
            if (result == 0) {
                keep_first(work, i, outcome.wall_ns - work->call->shell_ns);
            }
            tare_block_release(&outcome);
            if (result == 1) {
                fail(work, i, failure);
                work->arms[i].failed = i > 1;
            }
            if (result < 0 || (result == 1 && i <= 1)) {
                return result;
            }
        }
    }
    return 0;
}

static void add_known(double *sum, double more)
{
    if (!isnan(more)) {
        *sum = isnan(*sum) ? more : *sum + more;
    }
}

static void add_count(uint64_t *sum, double more)
{
    if (!isnan(more)) {
        *sum = (*sum == TARE_COUNT_UNKNOWN ? 0 : *sum) + (uint64_t)more;
    }
}

/* Of one process, to those of its round. */
static void add_evidence(struct bench_work *work, double wait_ns, double cpu_ns, double involuntary,
                         double migrations)
{
    add_known(&work->now->wait_ns, wait_ns);
    add_known(&work->now->measured_ns, cpu_ns + wait_ns);
    add_count(&work->now->involuntary, involuntary);
    add_count(&work->now->migrations, migrations);
}

static int run_program_arm(struct bench_work *work, size_t arm, size_t layout, struct bench_value *value)
{
    struct bench_arm *state = &work->arms[arm];
    struct bench_block block;
    double values[BENCH_SAMPLES];
    const struct bench_job job = {.kind = "block",
                                  .samples = state->warmup + state->samples,
                                  .sample_ns = SAMPLE_NS,
                                  .iterations = state->iterations};
    bool paused = false;
    int result = run_block(work, arm, layout, &job, &block, &paused);
    size_t count = 0;
    double total_ns = 0, iterations = 0;
    for (size_t i = state->warmup; i < block.sample_count && result == 0 && count < BENCH_SAMPLES; i++) {
        total_ns += block.samples[i].ns;
        iterations += (double)block.samples[i].iterations;
        values[count++] = sample_value(&block.samples[i]);
    }
    if (result == 0) {
        value->ns = tare_median(values, count);
        value->mean_ns = total_ns / iterations;
        value->lost_share = paused ? 1 : bench_lost_share(block.wait_ns, block.cpu_ns);
        add_evidence(work, block.wait_ns, block.cpu_ns, block.involuntary, block.migrations);
    }
    bench_block_release(&block);
    return result;
}

static void add_cost(double *sum, double more)
{
    *sum = isnan(*sum) ? more : *sum + more;
}

static int run_command_arm(struct bench_work *work, size_t arm, struct bench_value *value)
{
    const struct bench_job job = {.kind = "block"};
    struct tare_block_outcome outcome;
    struct tare_result_arm *out = &work->benchmark->arms[arm];
    char *failure;
    int result = bench_command_run(work->call, work->arms[arm].side, &job, &outcome, &failure);
    if (result == 1) {
        fail(work, arm, failure);
    } else if (result == 0) {
        note_manners(work, arm, &outcome);
        value->ns = outcome.wall_ns - work->call->shell_ns;
        value->lost_share =
            outcome.paused ? 1 : bench_lost_share(outcome.wait_ns, outcome.user_ns + outcome.system_ns);
        keep_first(work, arm, value->ns);
        add_evidence(work, outcome.wait_ns, outcome.user_ns + outcome.system_ns, (double)outcome.involuntary,
                     NAN);
        work->arms[arm].executions++;
        if (outcome.end == TARE_END_EXITED && outcome.code != 0) {
            out->exit_code = outcome.code;
        }
        /* Sums for now; bench_summarise() divides them. */
        add_cost(&out->per_op[TARE_PER_OP_USER_NS], outcome.user_ns);
        add_cost(&out->per_op[TARE_PER_OP_SYSTEM_NS], outcome.system_ns);
        add_cost(&out->per_op[TARE_PER_OP_PAGE_FAULTS], (double)(outcome.minor_faults + outcome.major_faults));
        add_cost(&out->per_op[TARE_PER_OP_CONTEXT_SWITCHES], (double)(outcome.voluntary + outcome.involuntary));
    }
    tare_block_release(&outcome);
    return result;
}

static bool make_room(struct bench_work *work)
{
    if (work->round_count < work->round_room) {
        return true;
    }
    size_t room = work->round_room != 0 ? 2 * work->round_room : 64;
    struct bench_value *values = realloc(work->values, room * work->arm_count * sizeof(*values));
    work->values = values != NULL ? values : work->values;
    double *stolen = realloc(work->stolen, room * sizeof(*stolen));
    work->stolen = stolen != NULL ? stolen : work->stolen;
    struct bench_value *starts = realloc(work->starts, room * sizeof(*starts));
    work->starts = starts != NULL ? starts : work->starts;
    if (values == NULL || stolen == NULL || starts == NULL) {
        return false;
    }
    work->round_room = room;
    return true;
}

/* A round that came to its end: what the machine did meanwhile, and all of it to the sums. */
static void end_round(struct bench_work *work, const struct tare_machine_mark *before,
                      const struct tare_machine_mark *after)
{
    struct tare_result_contamination *sum = &work->benchmark->contamination;
    struct tare_result_round *now = work->now;
    now->wall_ns = (double)(after->now_ns - before->now_ns);
    now->steal_ns = after->steal_ns - before->steal_ns;
    now->pressure_ns = after->pressure_ns - before->pressure_ns;
    now->frequency_hz = after->frequency_hz;
    work->stolen[work->round_count] = now->wall_ns > 0 ? now->steal_ns / now->wall_ns : NAN;
    add_known(&sum->wall_ns, now->wall_ns);
    add_known(&sum->steal_ns, now->steal_ns);
    add_known(&sum->wait_ns, now->wait_ns);
    add_known(&sum->measured_ns, now->measured_ns);
    add_known(&sum->pressure_ns, now->pressure_ns);
    add_count(&sum->involuntary, now->involuntary == TARE_COUNT_UNKNOWN ? NAN : (double)now->involuntary);
    add_count(&sum->migrations, now->migrations == TARE_COUNT_UNKNOWN ? NAN : (double)now->migrations);
    if (!isnan(now->frequency_hz)) {
        sum->frequency_low_hz =
            fmin(sum->frequency_low_hz, now->frequency_hz); /* of which one may be unknown */
        sum->frequency_high_hz = fmax(sum->frequency_high_hz, now->frequency_hz);
    }
    sum->rounds = ++work->round_count;
}

static int run_arm(struct bench_work *work, size_t arm, struct bench_value *value)
{
    size_t layout = work->round_count / 2 % work->benchmark->layouts; /* a unit has one layout */
    return bench_signal != 0          ? -EINTR
           : work->benchmark->command ? run_command_arm(work, arm, value)
                                      : run_program_arm(work, arm, layout, value);
}

static bool has_start(const struct bench_work *work)
{
    return work->benchmark->command && work->call->shell_path != NULL;
}

/* Every arm once, and of commands a start of the shell, in a place that is drawn. */
static int run_arms(struct bench_work *work, struct tare_order *order)
{
    unsigned char arms[TARE_ORDER_ARMS_MAX];
    tare_order_next(order, arms);
    struct bench_value *row = &work->values[work->round_count * work->arm_count];
    size_t start_at = has_start(work) ? (size_t)tare_random_below(&work->call->random, work->arm_count + 1)
                                      : work->arm_count + 1;
    for (size_t i = 0; i < work->arm_count; i++) {
        row[i] = (struct bench_value){NAN, NAN, NAN};
    }
    for (size_t i = 0; i <= work->arm_count; i++) {
        int result = i == start_at ? bench_shell_once(work->call, &work->starts[work->round_count]) : 0;
        if (result != 0) {
            return result;
        }
        if (i == work->arm_count || work->arms[arms[i]].failed) {
            continue;
        }
        size_t arm = arms[i];
        result = run_arm(work, arm, &row[arm]);
        if (result == 1 && arm > 1) {
            work->arms[arm].failed = true; /* the others go on without it */
            continue;
        }
        if (result != 0) {
            return result;
        }
    }
    return 0;
}

/* A round that did not come to its end does not count. */
static int run_round(struct bench_work *work, struct tare_order *order)
{
    struct tare_machine_mark before, after;
    if (!make_room(work) || (work->now = tare_result_add_round(work->benchmark)) == NULL) {
        error("out of memory");
        return -ENOMEM;
    }
    tare_machine_mark(work->call->marks, &before);
    int result = run_arms(work, order);
    if (result != 0) {
        work->benchmark->contamination.each_count--;
        return result;
    }
    tare_machine_mark(work->call->marks, &after);
    end_round(work, &before, &after);
    return 0;
}

/* From the starts in the rounds so far, what one takes: all times change by what it differs from the figure of before. */
static int settle_start(struct bench_work *work)
{
    struct bench_call *call = work->call;
    double before_ns = call->shell_ns;
    if (!has_start(work)) {
        return 0;
    }
    int failure = bench_shell_settle(call, work->starts, work->stolen, work->round_count);
    double more_ns = before_ns - call->shell_ns;
    for (size_t i = 0; i < work->round_count * work->arm_count; i++) {
        work->values[i].ns += more_ns;
    }
    for (size_t arm = 0; arm < work->arm_count; arm++) {
        for (size_t i = 0; i < work->first_count[arm]; i++) {
            work->first_ns[arm][i] += more_ns;
        }
    }
    return failure;
}

static void show_progress(const struct bench_work *work)
{
    const struct bench_call *call = work->call;
    double left_s = fmax(1 - elapsed_share(work), 0) * (double)work->budget_ns / 1e9;
    char name[48], *safe = printable(work->benchmark->name);
    snprintf(name, sizeof(name), "%.40s", safe != NULL ? safe : "");
    free(safe);
    if (call->planned > 1) {
        size_t parts = call->parts > call->parts_begun ? call->parts - call->parts_begun : 0;
        progress("%zu of %zu: %s, round %zu, %.0f s left of all at most", call->done + 1, call->planned, name,
                 work->round_count + 1, left_s + (double)parts * call->options.time_s);
    } else {
        progress("%s: round %zu, %.0f s left at most", name, work->round_count + 1, left_s);
    }
}

/* What share of the time the next round will take: the median of the last ones, as any of them may be odd. */
static double forecast_share(const struct bench_work *work)
{
    const struct tare_result_contamination *seen = &work->benchmark->contamination;
    double wall_ns[FORECAST_ROUNDS];
    size_t n = seen->each_count < FORECAST_ROUNDS ? seen->each_count : FORECAST_ROUNDS;
    for (size_t i = 0; i < n; i++) {
        wall_ns[i] = seen->each[seen->each_count - n + i].wall_ns;
    }
    return tare_median(wall_ns, n) / (double)work->budget_ns;
}

/* Whether there is still somebody to compare with. */
static bool any_comparison(const struct bench_work *work)
{
    bool any = false;
    for (size_t i = 2; i < work->arm_count; i++) {
        any |= !work->arms[i].failed;
    }
    return any;
}

/* Rounds until the rule, or the time, ends it. 0, 1 if an arm failed, or an error. */
static int run_rounds(struct bench_work *work)
{
    struct tare_order order;
    uint64_t shown_ns = 0;
    int result = tare_order_init(&order, work->arm_count, tare_random_next(&work->call->random));
    while (result == 0 && work->round_count < ROUNDS_MAX) {
        uint64_t now_ns = tare__monotonic_ns();
        if (now_ns - shown_ns > 100000000) {
            show_progress(work);
            shown_ns = now_ns;
        }
        result = run_round(work, &order);
        if (result != 0) {
            break;
        }
        double share = elapsed_share(work), round_share = forecast_share(work);
        bool over = work->call->end_ns != 0 && tare__monotonic_ns() >= work->call->end_ns;
        if (work->round_count < work->call->least_rounds && !over) {
            continue;
        }
        if (!any_comparison(work)) {
            /* That looks only now and then. */
            result = work->round_count % 10 == 0 ? settle_start(work) : 0;
            if (share >= 1 || (share + round_share > 1 && work->round_count >= 2) ||
                bench_single_is_enough(work)) {
                break;
            }
            continue;
        }
        /* A look comes behind whole units. One that would begin and not end in time is not begun. */
        bool unit = work->round_count % 2 == 0;
        if (unit && work->looks < TARE_COMPARE_LOOKS - 1 && share >= tare_compare_looks[work->looks]) {
            while (work->looks < TARE_COMPARE_LOOKS - 1 && share >= tare_compare_looks[work->looks]) {
                work->looks++;
            }
            result = settle_start(work);
            if (result == 0 && bench_look(work, tare_compare_looks[work->looks - 1], false)) {
                return 0;
            }
        }
        if (share >= 1 || (unit && share + 2 * round_share > 1)) {
            break;
        }
    }
    return result;
}

int bench_measure(struct bench_call *call, struct bench_work *work)
{
    work->begun_ns = tare__monotonic_ns();
    size_t parts = work->comparison_count > 1 ? work->comparison_count : 1;
    work->budget_ns = (uint64_t)(call->options.time_s * 1e9 * (double)parts);
    call->parts_begun += parts;
    work->benchmark->contamination.threshold = BENCH_LOST_SHARE;
    show_progress(work);
    int result = work->benchmark->command ? prepare_commands(work) : prepare_programs(work);
    if (result == 0) {
        result = run_rounds(work);
    }
    progress_clear();
    double share = elapsed_share(work);
    bool complete = result == 0;
    if (work->round_count != 0 && settle_start(work) != 0) {
        return -ENOMEM;
    }
    for (size_t i = 0; i < work->comparison_count && result == 1 && work->round_count == 0; i++) {
        work->benchmark->comparisons[i].reason = strdup("one of the two failed");
    }
    if (work->comparison_count != 0 && work->round_count != 0 &&
        (complete || result == 1 || result == -EINTR)) {
        bench_look(work, complete ? 1 : share < 1 ? share : 1, true);
    }
    int summarised = bench_summarise(work);
    work->benchmark->spent_ns = (double)(tare__monotonic_ns() - work->begun_ns);
    if (summarised != 0) {
        error("out of memory");
        return summarised;
    }
    return result == 1 ? 0 : result; /* a benchmark that fails is no end of the call */
}
