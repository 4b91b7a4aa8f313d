/* SPDX-License-Identifier: MIT */
/*
 * What `tare bench` and `tare suite` do in the same way: one benchmark after the other, each with its arms, into a result.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "cli/bench.h"

volatile sig_atomic_t bench_signal;

bool bench_wanted(const struct bench_call *call, const struct bench_case *one)
{
    const struct bench_options *bench = &call->options;
    return (bench->filter == NULL || benchmark_matches(bench->filter, one->name, one->bench)) &&
           (call->wanted == NULL || call->wanted(call, one));
}

const struct bench_case *bench_find_case(const struct bench_side *side, const char *name, unsigned *index)
{
    for (size_t i = 0; i < side->list.count; i++) {
        if (strcmp(side->list.cases[i].name, name) == 0) {
            *index = (unsigned)i;
            return &side->list.cases[i];
        }
    }
    return NULL;
}

size_t bench_sides_with(const struct bench_call *call, const char *name)
{
    size_t count = 0;
    unsigned index;
    for (size_t i = 0; i < call->side_count; i++) {
        count += bench_find_case(&call->sides[i], name, &index) != NULL;
    }
    return count;
}

static bool add_arm(struct bench_work *work, const struct bench_side *side, size_t index, bool control,
                    unsigned case_index)
{
    char label[64];
    if (work->call->suite != NULL) {
        snprintf(label, sizeof(label), "%.60s%s", side->what, control ? "'" : ""); /* it has a name */
    } else {
        snprintf(label, sizeof(label), "%c%s", (char)('A' + index), control ? "'" : "");
    }
    struct tare_result_arm *arm = tare_result_add_arm(work->benchmark, label, side->what);
    if (arm == NULL) {
        return false;
    }
    arm->control = control;
    if (side->revision != NULL && (arm->revision = strdup(side->revision)) == NULL) {
        return false;
    }
    work->arms[work->arm_count++] =
        (struct bench_arm){.side = side, .control = control, .case_index = case_index};
    return true;
}

/*
 * The arms of a benchmark: the first side that has it, its control where there is somebody to compare with, and the
 * others.
 */
static bool make_work(struct bench_call *call, const struct bench_case *one, struct bench_work *work)
{
    struct tare_result_bench *bench = call->result->bench;
    const char *name = one != NULL                  ? one->name
                       : call->options.name != NULL ? call->options.name
                                                    : call->sides[0].what;
    *work = (struct bench_work){.call = call, .benchmark = tare_result_add_benchmark(bench, name)};
    struct tare_result_benchmark *benchmark = work->benchmark;
    if (benchmark == NULL) {
        return false;
    }
    benchmark->command = one == NULL;
    benchmark->threads = 1;
    benchmark->layouts = 1;
    if (one != NULL) {
        benchmark->bench = strdup(one->bench);
        benchmark->args = malloc(sizeof(one->args));
        if (benchmark->bench == NULL || benchmark->args == NULL) {
            return false;
        }
        memcpy(benchmark->args, one->args, sizeof(one->args));
        benchmark->arg_count = one->arg_count;
        benchmark->threads = one->threads;
        benchmark->file = one->file != NULL ? strdup(one->file) : NULL;
        benchmark->line = one->line;
    }
    size_t sides = one != NULL ? bench_sides_with(call, name) : call->side_count;
    bool fine = true, first = true;
    for (size_t i = 0; i < call->side_count && fine; i++) {
        const struct bench_side *side = &call->sides[i];
        unsigned index = 0;
        if (one != NULL && bench_find_case(side, name, &index) == NULL) {
            if (call->suite == NULL) { /* there, sides have what their language has */
                bench_note(call, name, side->what, "it has no benchmark of that name");
            }
            continue;
        }
        fine = add_arm(work, side, i, false, index);
        if (fine && first && sides > 1) {
            fine = add_arm(work, side, i, true, index);
        } else if (fine && !first) {
            fine = tare_result_add_comparison(benchmark, (unsigned)work->arm_count - 1) != NULL;
            work->comparison_count++;
        }
        first = false;
        /* As many as each of them has that has several: layouts are the level of the interval. */
        if (side->layout_count > 1 && (benchmark->layouts == 1 || side->layout_count < benchmark->layouts)) {
            benchmark->layouts = (unsigned)side->layout_count;
        }
    }
    return fine;
}

/* Whether the table goes to standard output while it is measured. */
bool bench_shows_table(const struct bench_options *bench)
{
    return bench->output.file != NULL || bench->output.format == TARE_FORMAT_TABLE;
}

void bench_flush(struct bench_call *call)
{
    if ((fflush(stdout) != 0 || ferror(stdout)) && call->write_error == 0) {
        call->write_error = errno != 0 ? errno : EIO; /* of the view, that flushes by itself */
    }
}

int bench_measure_one(struct bench_call *call, const struct bench_case *one)
{
    static struct bench_work work;
    int result = -ENOMEM;
    if (make_work(call, one, &work)) {
        result = bench_measure(call, &work);
        if (result == 0) {
            result = bench_timers(call, &work);
        }
        if (result == 0) {
            result = bench_counts(call, &work);
            /* What could not be counted is not known; a hook that fails ends the call. */
            result = result == -EINTR || result == -ECANCELED ? result : 0;
        }
        if (work.round_count != 0 || work.benchmark->arms[0].failure != NULL) {
            call->done++;
        }
    } else {
        error("out of memory");
    }
    progress_clear();
    if (result == -EINTR) {
        call->result->incomplete = true;
    }
    if (bench_shows_table(&call->options)) {
        size_t index = (size_t)(work.benchmark - call->result->bench->benchmarks);
        errno = 0;
        call->show(call, index);
        bench_flush(call);
    }
    free(work.values);
    free(work.starts);
    free(work.stolen);
    work.values = NULL;
    work.starts = NULL;
    work.stolen = NULL;
    return result;
}

void bench_mark_end(struct bench_call *call, int result)
{
    struct tare_result_bench *bench = call->result->bench;
    call->result->incomplete |= result != 0;
    if (result == -EINTR) { /* a hook that failed behind it did not end the call */
        free(bench->ended_by);
        bench->ended_by = NULL;
    } else if (result != 0 && bench->ended_by == NULL) {
        bench->ended_by = strdup("an error ended it");
    }
}

static void put_words(FILE *out, const char *name, const struct bench_words *words)
{
    for (size_t i = 0; i < words->count; i++) {
        fprintf(out, "%s'%s'", i == 0 ? name : " ", words->words[i]);
    }
}

/* Those of commands. What leaves the figures as they are by default is named only where it was asked for. */
static char *command_settings(const struct bench_options *bench, const char *pin)
{
    char *settings = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&settings, &size);
    if (out == NULL) {
        return NULL;
    }
    fprintf(out, "bench command shell=%s pin=%s input=%s", bench->shell != NULL ? bench->shell : "none", pin,
            bench->input != NULL ? bench->input : "none");
    if (bench->warmup != 0) {
        fprintf(out, " warmup=%lu", bench->warmup);
    }
    put_words(out, " setup=", &bench->setup);
    put_words(out, " prepare=", &bench->prepare);
    put_words(out, " conclude=", &bench->conclude);
    if (bench->show_output) {
        fputs(" output=shown", out);
    }
    if (fclose(out) != 0) {
        free(settings);
        return NULL;
    }
    return settings;
}

/* Only what decides on the figures: the time, the seed and the form of the output do not. */
static bool make_fingerprint(struct bench_call *call)
{
    const struct bench_options *bench = &call->options;
    char pin[16] = "no", *settings = NULL;
    if (bench->pin >= 0) {
        snprintf(pin, sizeof(pin), "%d", bench->pin);
    }
    if (call->suite != NULL) {
        if (asprintf(&settings, "suite %s block_ns=%.0f pin=%s%s", call->suite, BENCH_BLOCK_NS, pin,
                     call->suite_settings != NULL ? call->suite_settings : "") < 0) {
            settings = NULL;
        }
    } else if (call->sides[0].program) {
        if (asprintf(&settings, "bench block_ns=%.0f pin=%s relink=%lu", BENCH_BLOCK_NS, pin, bench->relink) <
            0) {
            settings = NULL;
        }
    } else {
        settings = command_settings(bench, pin);
    }
    bool fine = settings != NULL && result_fingerprint(call->result, settings);
    free(settings);
    return fine;
}

bool bench_begin_result(struct bench_call *call, char **argv)
{
    const struct bench_options *bench = &call->options;
    call->result = result_begin("bench", argv);
    call->marks = tare_machine_marks_new("");
    if (call->result == NULL || call->marks == NULL ||
        (call->result->bench = tare_result_bench_new()) == NULL) {
        error("out of memory");
        return false;
    }
    call->result->bench->settings = (struct tare_result_bench_settings){
        .time_s = bench->time_s,
        .margin = bench->margin,
        .alpha = bench->alpha,
        .control_alpha = TARE_COMPARE_CONTROL_ALPHA,
        .comparisons = call->comparisons,
        .block_ns = call->sides[0].program ? BENCH_BLOCK_NS : NAN,
        .seed = bench->seed,
        .pin = bench->pin,
    };
    return make_fingerprint(call);
}


void bench_call_init(struct bench_call *call)
{
    *call = (struct bench_call){.options = {.time_s = 10,
                                            .timeout_s = NAN,
                                            .margin = TARE_COMPARE_MARGIN,
                                            .alpha = TARE_COMPARE_ALPHA,
                                            .pin = -1,
                                            .shell = "sh"}};
    call->probes = BENCH_PROBES;
    call->pilots = BENCH_PILOTS;
    struct bench_options *bench = &call->options;
    output_init(&bench->output);
    if (getrandom(&bench->seed, sizeof(bench->seed), 0) != sizeof(bench->seed)) {
        bench->seed = (uint64_t)time(NULL);
    }
    bench->seed >>= 16; /* so that JSON, and a person who types it, can hold it */
}

static void on_signal(int number)
{
    bench_signal = number;
}

/* A reader that goes away must not keep us from cleaning up; what is written then fails. Gone in what we start. */
static void on_pipe(int number)
{
    (void)number;
}

static const int signals[BENCH_SIGNALS] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};

void bench_signals_take(struct bench_signals *before)
{
    for (size_t i = 0; i < BENCH_SIGNALS; i++) {
        const struct sigaction action = {.sa_handler = on_signal};
        sigaction(signals[i], NULL, &before->signals[i]);
        if (before->signals[i].sa_handler != SIG_IGN) {
            sigaction(signals[i], &action, NULL);
        }
    }
    const struct sigaction pipe_action = {.sa_handler = on_pipe, .sa_flags = SA_RESTART};
    sigaction(SIGPIPE, &pipe_action, &before->pipe);
}

void bench_signals_give_back(const struct bench_signals *before)
{
    for (size_t i = 0; i < BENCH_SIGNALS; i++) {
        sigaction(signals[i], &before->signals[i], NULL);
    }
    sigaction(SIGPIPE, &before->pipe, NULL);
}

void bench_call_release(struct bench_call *call)
{
    tare_lock_release(&call->lock);
    bench_sides_release(call);
    bench_builds_release(call);
    tare_machine_marks_free(call->marks);
    tare_result_free(call->result);
    free(call->count_library);
}
