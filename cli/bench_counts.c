/* SPDX-License-Identifier: MIT */
/*
 * What an operation takes beside time: system calls, page faults, allocations, instructions. Each is counted in
 * executions of its own, apart from those that are timed. Of a program, one execution has the loop run twice as
 * often as another, and the difference is the loop's: the start of the process and the set-up fall out.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "build-config.h"
#include "cli/bench.h"
#include "record/allocations.h"

/* Executions under a tracer are slow: the loop runs for about so long without one. */
#define TRACED_NS 1e5
#define COUNTED_NS 5e6
#define EMULATED_NS 1e6 /* under valgrind, where it takes fifty times that */

/* Commands that take longer are not executed again only to count. */
#define COMMAND_MOST_NS 2e9

/* With the loop's own time: what does nothing takes some, too, and of few iterations one call more would be counted whole. */
static uint64_t iterations_for(const struct tare_result_arm *arm, double ns)
{
    double each_ns = fmax(arm->summary.median, 0) + fmax(arm->loop_ns, 0); /* fmax: unknown is 0 */
    double wanted = each_ns > 0 ? ns / each_ns : 1;
    return wanted < 1 ? 1 : wanted > 1e7 ? 10000000 : (uint64_t)wanted;
}

/* Of each thread's iteration. A count that shrinks with more iterations is none of the loop's: it is not known. */
static double per_operation(double once, double twice, double operations)
{
    double difference = twice - once;
    return difference >= 0 ? difference / operations : NAN;
}

/* Runs a side once to count; what fails here is not known. 0 or -EINTR. */
static int count_once(struct bench_call *call, const struct bench_side *side, unsigned case_index,
                      const struct bench_job *job, struct bench_block *block,
                      struct tare_block_outcome *outcome)
{
    char *failure = NULL;
    int result = side->program ? bench_block_run(call, side, case_index, job, block, outcome, &failure)
                               : bench_command_run(call, side, job, outcome, &failure);
    free(failure);
    return result;
}

/* By the program itself, in its own process. */
static int count_inside(struct bench_call *call, const struct bench_arm *state, struct tare_result_arm *arm)
{
    struct bench_block block = {0};
    struct tare_block_outcome outcome;
    const struct bench_job job = {.kind = "count", .samples = 1, .iterations = iterations_for(arm, COUNTED_NS)};
    int result = count_once(call, state->side, state->case_index, &job, &block, &outcome);
    for (size_t i = 0; i < block.count_count && result == 0; i++) {
        for (size_t j = 0; j < TARE_PER_OPS; j++) {
            if (strcmp(block.counts[i].name, tare_per_op_names[j]) == 0) {
                arm->per_op[j] = block.counts[i].per_iteration;
            }
        }
    }
    bench_block_release(&block);
    tare_block_release(&outcome);
    return result == 1 ? 0 : result;
}

/* One execution, and up to two counts of it. 0, 1 if it failed, or an error. */
typedef int counter(struct bench_call *call, const struct bench_arm *state, uint64_t iterations, double out[2]);

static int count_syscalls(struct bench_call *call, const struct bench_arm *state, uint64_t iterations,
                          double out[2])
{
    struct bench_block block = {0};
    struct tare_block_outcome outcome;
    const struct bench_job job = {
        .kind = "exact", .samples = 1, .iterations = iterations, .count_syscalls = true};
    int result = count_once(call, state->side, state->case_index, &job, &block, &outcome);
    out[0] = result == 0 ? outcome.syscalls : NAN;
    bench_block_release(&block);
    tare_block_release(&outcome);
    return result;
}

static int count_instructions(struct bench_call *call, const struct bench_arm *state, uint64_t iterations,
                              double out[2])
{
    struct bench_block block = {0};
    struct tare_block_outcome outcome;
    const struct bench_job job = {
        .kind = "exact", .samples = 1, .iterations = iterations, .instructions = &out[0]};
    int result = count_once(call, state->side, state->case_index, &job, &block, &outcome);
    out[0] = result == 0 ? out[0] : NAN;
    bench_block_release(&block);
    tare_block_release(&outcome);
    return result;
}

static int count_allocations(struct bench_call *call, const struct bench_arm *state, uint64_t iterations,
                             double out[2])
{
    struct tare_allocations allocations;
    char variable[TARE_ALLOCATIONS_VARIABLE], *preload = call->count_library;
    if (preload == NULL || tare_allocations_open(&allocations) != 0) {
        return 1;
    }
    struct bench_block block = {0};
    struct tare_block_outcome outcome;
    tare_allocations_variable(&allocations, variable, sizeof(variable));
    const struct bench_job job = {
        .kind = "exact", .samples = 1, .iterations = iterations, .preload = preload, .variable = variable};
    int result = count_once(call, state->side, state->case_index, &job, &block, &outcome);
    struct tare_allocation_counts counts;
    if (result == 0 && tare_allocations_read(&allocations, &counts)) {
        out[0] = (double)counts.calls;
        out[1] = (double)counts.bytes;
    }
    bench_block_release(&block);
    tare_block_release(&outcome);
    tare_allocations_close(&allocations);
    return result;
}

/*
 * Of a program, what an iteration takes from two executions; of a command, what one execution takes. `second` is
 * where the second count goes, TARE_PER_OPS: there is none. 0 or an error; what failed is left unknown.
 */
static int count(struct bench_work *work, size_t index, double ns, counter *run, enum tare_per_op first,
                 enum tare_per_op second)
{
    double once[2] = {NAN, NAN}, twice[2] = {NAN, NAN};
    struct bench_call *call = work->call;
    const struct bench_arm *state = &work->arms[index];
    struct tare_result_arm *arm = &work->benchmark->arms[index];
    bool program = state->side->program;
    uint64_t iterations = program ? iterations_for(arm, ns) : 1;
    double operations = (double)iterations * work->benchmark->threads;
    int result = program ? run(call, state, iterations, once) : 0;
    if (result == 0) {
        result = run(call, state, 2 * iterations, twice);
    }
    if (result == 0) {
        arm->per_op[first] = program ? per_operation(once[0], twice[0], operations) : twice[0];
    }
    if (result == 0 && second != TARE_PER_OPS) {
        arm->per_op[second] = program ? per_operation(once[1], twice[1], operations) : twice[1];
    }
    return result == 1 ? 0 : result;
}

static int count_hardware(struct bench_call *call, const struct bench_arm *state, struct tare_result_arm *arm)
{
    struct tare_block_outcome outcome;
    const struct bench_job job = {.kind = "block", .count_hardware = true};
    int result = count_once(call, state->side, 0, &job, NULL, &outcome);
    for (size_t i = 0; i <= TARE_BLOCK_CACHE_MISSES && result == 0; i++) {
        static const enum tare_per_op place[] = {
            [TARE_BLOCK_CYCLES] = TARE_PER_OP_CYCLES,
            [TARE_BLOCK_INSTRUCTIONS] = TARE_PER_OP_INSTRUCTIONS,
            [TARE_BLOCK_BRANCHES] = TARE_PER_OP_BRANCHES,
            [TARE_BLOCK_BRANCH_MISSES] = TARE_PER_OP_BRANCH_MISSES,
            [TARE_BLOCK_CACHE_REFERENCES] = TARE_PER_OP_CACHE_REFERENCES,
            [TARE_BLOCK_CACHE_MISSES] = TARE_PER_OP_CACHE_MISSES,
        };
        arm->per_op[place[i]] = outcome.hardware[i];
    }
    tare_block_release(&outcome);
    return result == 1 ? 0 : result;
}

int bench_counts(struct bench_call *call, struct bench_work *work)
{
    int result = 0;
    if (TARE_HAVE_PRELOAD && !call->options.no_counts && call->count_library == NULL &&
        !call->count_library_missing) {
        call->count_library = tool_path(TARE_LIBDIR_RELATIVE, "libtare-count.so");
        call->count_library_missing = call->count_library == NULL; /* which is said once */
    }
    for (size_t i = 0; i < work->arm_count && result == 0; i++) {
        const struct bench_arm *state = &work->arms[i];
        struct tare_result_arm *arm = &work->benchmark->arms[i];
        /* What the set-up of each iteration takes cannot be told from what is measured. */
        if (state->control || arm->failure != NULL || arm->summary.n == 0) {
            continue;
        }
        if (state->with) {
            if (!call->options.no_counts) {
                bench_note(
                    call, work->benchmark->name, arm->label,
                    "nothing is counted for each operation: what its set-up takes could not be told apart");
            }
            continue;
        }
        bool program = state->side->program;
        /* Some ten operations, which have no time where one takes a good part of it. */
        if (program && arm->summary.median * 40 > call->options.time_s * 1e9) {
            continue;
        }
        if (!call->options.no_counts && (program || arm->summary.median <= COMMAND_MOST_NS)) {
            result = program ? count_inside(call, state, arm) : count_hardware(call, state, arm);
            if (result == 0) {
                result = count(work, i, TRACED_NS, count_syscalls, TARE_PER_OP_SYSCALLS, TARE_PER_OPS);
            }
            if (result == 0 && TARE_HAVE_PRELOAD) {
                result = count(work, i, TRACED_NS, count_allocations, TARE_PER_OP_ALLOCATIONS,
                               TARE_PER_OP_ALLOCATED_BYTES);
            }
        }
        if (result == 0 && call->options.instructions) {
            result = count(work, i, EMULATED_NS, count_instructions, TARE_PER_OP_VALGRIND_INSTRUCTIONS,
                           TARE_PER_OPS);
        }
    }
    return result;
}
