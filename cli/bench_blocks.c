/* SPDX-License-Identifier: MIT */
/* One process of `tare bench`: a job for a benchmark program, or an execution of a command line. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/bench.h"
#include "record/callgrind.h"
#include "stats/interval.h"
#include "stats/values.h"

enum {
    LINES_FD = 9,
    PADDING_MAX = 4096, /* a page: where the stack begins within it is drawn for each process */
    SHELL_STARTS_ENOUGH = 8,
    SHELL_TIMEOUT_S = 10,
    EMULATED = 50, /* times slower under valgrind */
};

void bench_note(struct bench_call *call, const char *benchmark, const char *label, const char *text)
{
    char *note = NULL;
    if (asprintf(&note, "%s, %s: %s", benchmark, label, text) < 0) {
        return;
    }
    for (char **at = call->result->notes; at != NULL && *at != NULL; at++) {
        if (strcmp(*at, note) == 0) {
            free(note);
            return;
        }
    }
    tare_result_note(call->result, "%s", note);
    free(note);
}

/* The first line of what it printed, to be shown in an error. */
static char *first_line(const struct tare_block_outcome *outcome)
{
    const char *from = outcome->output != NULL ? outcome->output : "";
    from += strspn(from, "\r\n\t ");
    size_t length = strcspn(from, "\r\n");
    char *line = strndup(from, length < 120 ? length : 120);
    char *safe = line != NULL ? printable(line) : NULL;
    free(line);
    return safe;
}

/* How a process came to an end that is none for a benchmark; NULL: it ended well. */
static char *describe_end(const struct bench_call *call, const struct tare_block_outcome *outcome)
{
    char *line = first_line(outcome), *text = NULL;
    const char *between = line != NULL && *line != '\0' ? ": " : "";
    int written = 0;
    switch (outcome->end) {
    case TARE_END_EXITED:
        if (outcome->code != 0) {
            written =
                asprintf(&text, "exited with code %d%s%s", outcome->code, between, line != NULL ? line : "");
        }
        break;
    case TARE_END_SIGNALED:
        written = asprintf(&text, "crashed: signal %d (%s)%s%s", outcome->code, strsignal(outcome->code),
                           between, line != NULL ? line : "");
        break;
    case TARE_END_TIMEOUT:
        written = asprintf(&text, "took longer than %g s (--timeout)", call->options.timeout_s);
        break;
    default:
        written = asprintf(&text, "its end was not seen");
        break;
    }
    free(line);
    return written < 0 ? strdup("out of memory") : text;
}

/* The variables that every process of ours gets; strings are the caller's to free. */
static bool set_variable(char **set, size_t *at, char *text)
{
    set[(*at)++] = text;
    return text != NULL;
}

static char *format_job(const struct bench_job *job, unsigned case_index)
{
    char *text = NULL;
    int written = asprintf(
        &text, "TARE_BENCH_DRIVE=fd=%d job=%s case=%u samples=%u sample_ns=%.0f iterations=%llu", LINES_FD,
        job->kind, case_index, job->samples, job->sample_ns, (unsigned long long)job->iterations);
    return written < 0 ? NULL : text;
}

/*
 * Returns 0 or -errno after an error was printed; -EINTR if a signal stopped it. With `instructions` it runs under
 * valgrind: what keeps that from counting becomes a note, and the count stays unknown.
 */
static int run_process(struct bench_call *call, const struct bench_side *side, double *instructions,
                       const struct tare_block_request *block, struct tare_block_outcome *outcome,
                       char **reason)
{
    bool not_started = false;
    char message[TARE_CALLGRIND_MESSAGE] = "";
    int failure = instructions != NULL
                      ? tare_callgrind_run(block, outcome, instructions, message, sizeof(message))
                      : tare_block_run(block, outcome, &not_started);
    if (outcome->interrupted != 0) {
        bench_signal = outcome->interrupted;
    }
    if (bench_signal != 0) {
        return -EINTR;
    }
    if (instructions != NULL) {
        if (message[0] != '\0') {
            bench_note(call, side->what, "--instructions", message);
        }
        return 0; /* without a count, where it failed */
    }
    if (failure != 0 && failure != -ENOMEM && reason != NULL) {
        return asprintf(reason, "cannot be run: %s", strerror(-failure)) < 0 ? -ENOMEM : 1;
    }
    if (failure != 0) {
        error("cannot run '%s': %s", not_started ? block->path : side->what, strerror(-failure));
    }
    return failure;
}

int bench_block_run(struct bench_call *call, const struct bench_side *side, unsigned case_index,
                    const struct bench_job *job, struct bench_block *block, struct tare_block_outcome *outcome,
                    char **failure)
{
    char *set[4] = {NULL}, message[256];
    size_t at = 0;
    bool fine = set_variable(set, &at, format_job(job, case_index));
    if (fine && call->lock.held) {
        char *mark = NULL;
        fine = set_variable(set, &at, asprintf(&mark, "TARE_LOCK=%s", call->lock.mark) < 0 ? NULL : mark);
    }
    if (fine && job->variable != NULL) {
        fine = set_variable(set, &at, strdup(job->variable));
    }
    const char *path = side->layouts[job->layout % side->layout_count];
    const struct tare_block_request process = {
        .path = path,
        .argv = side->argv,
        .set = (const char *const *)set,
        .output = TARE_BLOCK_CAPTURE,
        .errors = TARE_BLOCK_CAPTURE,
        .lines_fd = LINES_FD,
        .pin_cpu = call->options.pin,
        .timeout_s = job->instructions != NULL ? EMULATED * call->options.timeout_s : call->options.timeout_s,
        .padding = (size_t)tare_random_below(&call->random, PADDING_MAX),
        .count_syscalls = job->count_syscalls,
        .count_hardware = job->count_hardware,
        .preload = job->preload,
    };
    *failure = NULL;
    *outcome = (struct tare_block_outcome){0};
    struct bench_block said = {0};
    int result = fine ? run_process(call, side, job->instructions, &process, outcome, failure) : -ENOMEM;
    if (result == 0) {
        result = bench_lines_block(outcome->text, outcome->text_size, &said, message, sizeof(message));
        if (result == -EINVAL) {
            *failure = describe_end(call, outcome);
            if (*failure == NULL && asprintf(failure, "its lines cannot be read: %s", message) < 0) {
                *failure = NULL;
            }
            result = 1;
        } else if (result == 0 && said.failed != NULL) {
            *failure = printable(said.failed);
            result = 1;
        } else if (result == 0) {
            *failure = describe_end(call, outcome);
            if (*failure == NULL && !said.complete) {
                *failure = strdup("ended before its benchmark did: does it exit() or close all files?");
            }
            result = *failure != NULL ? 1 : 0;
        }
    }
    if (result == -ENOMEM) {
        error("out of memory");
    }
    if (block != NULL && result >= 0) {
        *block = said;
    } else {
        bench_block_release(&said);
    }
    for (size_t i = 0; i < at; i++) {
        free(set[i]);
    }
    return result;
}

/* The standard streams of a command. */
static enum tare_block_stream stream_of(const struct bench_call *call)
{
    return call->options.show_output ? TARE_BLOCK_INHERIT : TARE_BLOCK_NULL;
}

int bench_command_run(struct bench_call *call, const struct bench_side *side, const struct bench_job *job,
                      struct tare_block_outcome *outcome, char **failure)
{
    *failure = NULL;
    *outcome = (struct tare_block_outcome){0};
    if (side->prepare != NULL && !bench_run_hook(call, "--prepare", side->prepare)) {
        return bench_signal != 0 ? -EINTR : -ECANCELED;
    }
    const struct tare_block_request process = {
        .path = side->path,
        .argv = side->argv,
        .input = call->options.input,
        .output = stream_of(call),
        .errors = call->options.show_output ? TARE_BLOCK_INHERIT : TARE_BLOCK_CAPTURE,
        .lines_fd = -1,
        .pin_cpu = call->options.pin,
        .timeout_s = job->instructions != NULL ? EMULATED * call->options.timeout_s : call->options.timeout_s,
        .padding = (size_t)tare_random_below(&call->random, PADDING_MAX),
        .count_syscalls = job->count_syscalls,
        .count_hardware = job->count_hardware,
        .preload = job->preload,
        .set = job->variable != NULL ? (const char *const[]){job->variable, NULL} : NULL,
    };
    int result = run_process(call, side, job->instructions, &process, outcome, failure);
    if (result == 0) {
        bool tolerated = call->options.ignore_failure && outcome->end == TARE_END_EXITED;
        *failure = tolerated ? NULL : describe_end(call, outcome);
        result = *failure != NULL ? 1 : 0;
    }
    if (side->conclude == NULL) {
        return result;
    }
    /* What was prepared is concluded, also after an interruption. */
    int signal = bench_signal;
    bench_signal = 0;
    bool concluded = bench_run_hook(call, "--conclude", side->conclude);
    bench_signal = signal != 0 ? signal : bench_signal;
    return bench_signal != 0 ? -EINTR : concluded ? result : -ECANCELED;
}

double bench_lost_share(double wait_ns, double cpu_ns)
{
    return wait_ns < BENCH_LOST_NS ? 0 : cpu_ns >= 0 ? wait_ns / (wait_ns + cpu_ns) : NAN;
}

int bench_shell_once(struct bench_call *call, struct bench_value *start)
{
    char dash_c[] = "-c", nothing[] = "", *argv[] = {call->shell_path, dash_c, nothing, NULL};
    struct tare_block_outcome outcome = {0};
    const struct bench_side shell = {.what = call->shell_path};
    const struct tare_block_request process = {
        .path = call->shell_path,
        .argv = argv,
        .lines_fd = -1,
        .pin_cpu = call->options.pin,
        .timeout_s = SHELL_TIMEOUT_S,
        .padding = (size_t)tare_random_below(&call->random, PADDING_MAX),
    };
    int failure = run_process(call, &shell, NULL, &process, &outcome, NULL);
    bool fine = outcome.end == TARE_END_EXITED && outcome.code == 0;
    *start = (struct bench_value){
        .ns = outcome.wall_ns,
        .mean_ns = NAN,
        .lost_share =
            outcome.paused ? 1 : bench_lost_share(outcome.wait_ns, outcome.user_ns + outcome.system_ns)};
    tare_block_release(&outcome);
    if (failure == 0 && !fine) {
        error("'%s -c \"\"' fails: --shell none runs commands without it", call->shell_path);
        return -EINVAL;
    }
    return failure;
}

/* Puts those into `out` that were not disturbed, or all where these are less than half: as it is with rounds. */
static size_t choose_starts(const struct bench_value *starts, const double *stolen, size_t count, double *out)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        if (!(starts[i].lost_share > BENCH_LOST_SHARE || (stolen != NULL && stolen[i] > BENCH_LOST_SHARE))) {
            out[kept++] = starts[i].ns;
        }
    }
    if (kept >= count - count / 2) {
        return kept;
    }
    for (size_t i = 0; i < count; i++) {
        out[i] = starts[i].ns;
    }
    return count;
}

int bench_shell_settle(struct bench_call *call, const struct bench_value *starts, const double *stolen,
                       size_t count)
{
    double *ns = malloc((BENCH_SHELL_STARTS + count) * sizeof(*ns));
    struct tare_interval interval;
    if (ns == NULL) {
        error("out of memory");
        return -ENOMEM;
    }
    /* Those among the rounds had the machine as the commands had it: others count only where they are too few. */
    size_t n = choose_starts(starts, stolen, count, ns);
    if (n < SHELL_STARTS_ENOUGH) {
        n = choose_starts(call->shell_starts, NULL, BENCH_SHELL_STARTS, ns);
        n += choose_starts(starts, stolen, count, ns + n);
    }
    double factor = bench_widening(ns, n);
    tare_values_sort(ns, n);
    if (tare_quantile_interval(ns, n, 0.5, TARE_RESULT_CONFIDENCE, &interval) == 0) {
        call->shell_ns = interval.estimate;
        call->shell_low_ns = interval.estimate - factor * (interval.estimate - interval.low);
        call->shell_high_ns = interval.estimate + factor * (interval.high - interval.estimate);
    }
    free(ns);
    return 0;
}

int bench_shell_start(struct bench_call *call)
{
    for (size_t i = 0; i < BENCH_SHELL_STARTS; i++) {
        int failure = bench_shell_once(call, &call->shell_starts[i]);
        if (failure != 0) {
            return failure;
        }
    }
    return bench_shell_settle(call, NULL, NULL, 0);
}
