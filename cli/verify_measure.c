/* SPDX-License-Identifier: MIT */
/*
 * Runs tare-rungs once for each mode, as `tare run` would: the page in a set, the clock by the environment.
 * What the program says of its blocks comes in a file in memory, so that it never waits for us; its cost model
 * comes from its page, as for any program.
 */
#include "cli/verify.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/cli.h"
#include "record/ask.h"
#include "record/monotonic.h"
#include "record/set.h"
#include "record/spawn.h"
#include "runtime/clock.h"

enum {
    PAGE_TIMERS = 64,
    PAGE_THREADS = 8,
    VARIABLES_MAX = 8,
    PATIENCE = 10,   /* so many times the time that it was given, */
    PATIENCE_S = 30, /* and this much more, and the program is ended */
};

/* One process under way. */
struct pass {
    const struct verify *verify;
    size_t number; /* of the mode */
    sigset_t mask; /* of signals, as we were started with it */
    struct tare_page_set set;
    int lines; /* the file in memory */
    struct tare_ask_times ask;
    double began_ns; /* all modes */
    double budget_s; /* of one */
};

/* As `tare run` does, asks it to calibrate now and then. */
static uint64_t while_it_runs(void *data)
{
    enum { AGAIN_NS = 100000000 };
    struct pass *pass = data;
    const struct verify *verify = pass->verify;
    uint64_t lost, now = tare__monotonic_ns();
    if (tare_ask_is_due(&pass->ask, now) && tare_page_set_count(&pass->set, &lost) != 0) {
        struct tare_page_source source = tare_page_set_source(&pass->set, 0);
        tare_page_ask_calibration(&source);
    }
    progress("%s (%zu of %zu), about %.0f s left", verify_mode_name(&verify->modes[pass->number]),
             pass->number + 1, verify->mode_count,
             fmax(verify->time_s - ((double)now - pass->began_ns) / 1e9, 0));
    return pass->ask.next_ns - now < AGAIN_NS ? pass->ask.next_ns - now : AGAIN_NS;
}

/* Allocated strings in `set`, which the caller frees. */
static bool make_variables(const struct pass *pass, const struct verify_mode *mode, char *set[VARIABLES_MAX])
{
    char address[TARE_SET_ADDRESS];
    tare_page_set_address(&pass->set, address);
    size_t at = 0;
    bool fine = asprintf(&set[at++], "TARE_PAGE=%s", address) >= 0;
    fine = fine && asprintf(&set[at++], "TARE_ENABLE=verify::*") >= 0;
    fine = fine && asprintf(&set[at++], "TARE_CLOCK=%s", tare__clock_name(mode->clock)) >= 0;
    fine = fine && asprintf(&set[at++], "TARE_HISTOGRAM=%s", mode->histograms ? "on" : "off") >= 0;
    const struct tare_lock *lock = &pass->verify->lock;
    fine = fine && (!lock->held || asprintf(&set[at++], "TARE_LOCK=%s", lock->mark) >= 0);
    return fine;
}

/* Returns 0 or an exit code. */
static int spawn(struct pass *pass, const struct verify_mode *mode, char *path, struct tare_outcome *outcome)
{
    char *set[VARIABLES_MAX] = {NULL}, descriptor[16], time[32], cpu[16];
    snprintf(descriptor, sizeof(descriptor), "%d", pass->lines);
    snprintf(time, sizeof(time), "%.3f", pass->budget_s);
    snprintf(cpu, sizeof(cpu), "%d", pass->verify->pin);
    char *argv[] = {(char *)"tare-rungs", (char *)"-f", descriptor, (char *)"-t", time, NULL, NULL, NULL};
    if (pass->verify->pin >= 0) {
        argv[5] = (char *)"-c";
        argv[6] = cpu;
    }
    int code = EXIT_TROUBLE;
    if (!make_variables(pass, mode, set)) {
        error("out of memory");
        goto out;
    }
    const struct tare_spawn how = {
        .path = path,
        .argv = argv,
        .set = (const char *const *)set,
        .unset = (const char *const[]){"TARE", "TARE_REPORT", "TARE_THREADS", "TARE_TIMERS", NULL},
        .pin_cpu = -1, /* it finds its processors itself, as it wants two */
        .timeout_s = PATIENCE * pass->budget_s + PATIENCE_S,
        .mask = &pass->mask,
        .no_input = true,
        .poll = while_it_runs,
        .data = pass,
    };
    bool not_started;
    int failure = tare_spawn_run(&how, outcome, &not_started);
    if (failure != 0) {
        error("cannot run '%s': %s", path, strerror(-failure));
    } else if (outcome->interrupted != 0) {
        code = 0;
    } else if (outcome->end == TARE_END_TIMEOUT) {
        error("'%s' was ended after %.0f s: it should have taken %.0f", path, how.timeout_s, pass->budget_s);
    } else if (outcome->end == TARE_END_SIGNALED) {
        error("'%s' was killed by signal %d (%s)", path, outcome->code, strsignal(outcome->code));
    } else if (outcome->code != 0) {
        error("'%s' ended with code %d", path, outcome->code);
    } else {
        code = 0;
    }
out:
    for (size_t i = 0; i < VARIABLES_MAX; i++) {
        free(set[i]);
    }
    return code;
}

/* Returns 0 or an exit code. */
static int read_lines(const struct pass *pass, struct verify_run *run)
{
    struct stat st;
    if (fstat(pass->lines, &st) != 0 || st.st_size == 0) {
        return 0; /* interrupted before the first line */
    }
    size_t size = (size_t)st.st_size;
    const char *text = mmap(NULL, size, PROT_READ, MAP_PRIVATE, pass->lines, 0);
    if (text == MAP_FAILED) {
        error("cannot read what tare-rungs wrote: %s", strerror(errno));
        return EXIT_TROUBLE;
    }
    char message[256];
    int failure = verify_lines_parse(text, size, run, message, sizeof(message));
    munmap((void *)(uintptr_t)text, size);
    if (failure != 0) {
        error("what tare-rungs wrote is damaged: %s", failure == -ENOMEM ? strerror(ENOMEM) : message);
        return EXIT_TROUBLE;
    }
    return 0;
}

/* Returns 0 or an exit code. */
static int read_model(const struct pass *pass, struct verify_mode *mode)
{
    uint64_t lost;
    if (tare_page_set_count(&pass->set, &lost) == 0) {
        return 0;
    }
    struct tare_page_source source = tare_page_set_source(&pass->set, 0);
    struct tare_page_view view = {0};
    char message[256];
    int failure = tare_page_read(&source, 0, &view, message, sizeof(message));
    if (failure == 0 && view.header.clock != mode->clock) {
        snprintf(message, sizeof(message), "its clock is '%s'", tare__clock_name(view.header.clock));
        failure = -EINVAL;
    }
    if (failure == 0) {
        struct tare_anchor now = tare__clock_anchor(mode->clock);
        mode->model = tare_page_cost_model(&view.header, mode->clock < TARE_CLOCK_CLOCK ? &now : NULL);
        mode->measured = true;
    }
    tare_page_view_release(&view);
    if (failure == -EAGAIN) {
        return 0; /* interrupted while it was made */
    }
    if (failure != 0) {
        error("the page of tare-rungs cannot be used: %s", message);
    }
    return failure != 0 ? EXIT_TROUBLE : 0;
}

/* Room for what one repetition of one rung takes. */
struct scratch {
    double *times, *one;
    struct tare_verify_pair *pairs;
    bool *keep;
};

static bool scratch_make(struct scratch *scratch, size_t pairs)
{
    *scratch = (struct scratch){
        .times = calloc(pairs * (VERIFY_LEVELS_MAX + 1), sizeof(double)),
        .one = calloc(pairs, sizeof(double)),
        .pairs = calloc(pairs, sizeof(struct tare_verify_pair)),
        .keep = calloc(pairs, sizeof(bool)),
    };
    return scratch->times != NULL && scratch->one != NULL && scratch->pairs != NULL && scratch->keep != NULL;
}

static void scratch_release(struct scratch *scratch)
{
    free(scratch->times);
    free(scratch->one);
    free(scratch->pairs);
    free(scratch->keep);
}

enum { KEPT_LEAST = 4 };

/* One repetition of one rung: a case for each of its timers. */
static void judge_repetition(struct verify_mode *mode, struct verify_timer *timers,
                             const struct verify_pair *pairs, size_t n, struct scratch *scratch)
{
    const struct verify_rung *rung = timers[0].rung;
    for (size_t i = 0; i < n; i++) {
        scratch->times[i] = (double)pairs[i].timed_ns / (double)pairs[i].timed_calls;
        for (unsigned level = 0; level < rung->levels; level++) {
            const struct verify_counts *counts = &pairs[i].level[level];
            scratch->times[(level + 1) * n + i] = (double)counts->bare_ns / (double)counts->bare_calls;
        }
    }
    mode->pairs += n;
    size_t kept = tare_verify_keep(scratch->times, rung->levels + 1, n, scratch->keep, scratch->one);
    mode->dropped += n - kept;
    if (kept < KEPT_LEAST) {
        return; /* a repetition that was disturbed from end to end says nothing */
    }
    for (unsigned level = 0; level < rung->levels; level++) {
        for (size_t i = 0; i < n; i++) {
            const struct verify_counts *counts = &pairs[i].level[level];
            scratch->pairs[i] = (struct tare_verify_pair){
                .bare_ns = scratch->times[(level + 1) * n + i],
                .sums = {.calls = counts->calls,
                         .outermost = counts->outermost,
                         .total_ticks = counts->ticks,
                         .min_ticks = UINT64_MAX,
                         .scopes_within = counts->within,
                         .closeness_within = counts->closeness,
                         .uncounted_within = counts->uncounted},
            };
        }
        struct verify_timer *timer = &timers[level];
        timer->cases[timer->case_count++] = tare_verify_judge(&mode->model, scratch->pairs, scratch->keep, n);
    }
}

static bool judge_rung(struct verify_mode *mode, struct verify_timer *timers, const struct verify_rung *rung)
{
    struct scratch scratch;
    bool fine = scratch_make(&scratch, rung->pair_count);
    for (unsigned level = 0; fine && level < rung->levels; level++) {
        timers[level].rung = rung;
        timers[level].name = rung->level_name[level];
        timers[level].cases = calloc(mode->run->repetitions, sizeof(struct tare_verify_case));
        fine = timers[level].cases != NULL;
    }
    for (size_t from = 0, to; fine && from < rung->pair_count; from = to) {
        for (to = from; to < rung->pair_count && rung->pairs[to].repetition == rung->pairs[from].repetition;) {
            to++;
        }
        judge_repetition(mode, timers, &rung->pairs[from], to - from, &scratch);
    }
    scratch_release(&scratch);
    return fine;
}

/* The errors of a class of rungs, as a claim. */
static struct tare_verify_bound bound_of(const struct verify_mode *mode, enum verify_class class,
                                         double from_ns, double split_ns)
{
    double truths[VERIFY_RUNGS_MAX * VERIFY_LEVELS_MAX], errors[VERIFY_RUNGS_MAX * VERIFY_LEVELS_MAX];
    size_t n = 0;
    for (size_t i = 0; i < mode->timer_count; i++) {
        const struct verify_timer *timer = &mode->timers[i];
        if (timer->rung->class == class) {
            truths[n] = timer->summary.truth_ns;
            errors[n++] = timer->summary.error_ns;
        }
    }
    return tare_verify_bound(truths, errors, n, from_ns, split_ns);
}

static bool judge(struct verify_mode *mode)
{
    const struct verify_run *run = mode->run;
    mode->timers = calloc(VERIFY_RUNGS_MAX * VERIFY_LEVELS_MAX, sizeof(*mode->timers));
    double *scratch = calloc(run->repetitions + 1, sizeof(double));
    bool fine = mode->timers != NULL && scratch != NULL;
    for (size_t i = 0; fine && i < run->rung_count; i++) {
        if (run->rungs[i].pair_count != 0) {
            fine = judge_rung(mode, &mode->timers[mode->timer_count], &run->rungs[i]);
            mode->timer_count += run->rungs[i].levels; /* also of one that failed: its cases are to be freed */
        }
    }
    for (size_t i = 0; fine && i < mode->timer_count; i++) {
        struct verify_timer *timer = &mode->timers[i];
        timer->summary = tare_verify_summarise(timer->cases, timer->case_count, scratch);
        mode->cases += timer->summary.cases;
        mode->covered += timer->summary.covered;
    }
    if (fine) {
        tare_proportion_exact(mode->covered, mode->cases, 0.95, &mode->coverage);
        mode->single = bound_of(mode, VERIFY_SINGLE, VERIFY_FROM_NS, VERIFY_SINGLE_SPLIT_NS);
        mode->nest = bound_of(mode, VERIFY_NEST, 0, VERIFY_NEST_SPLIT_NS);
    }
    free(scratch);
    return fine;
}

/* Returns 0 or an exit code. */
static int measure_mode(struct pass *pass, struct verify_mode *mode, char *path, int *interrupted)
{
    int failure = tare_page_set_make(&pass->set, PAGE_TIMERS, PAGE_THREADS);
    if (failure != 0) {
        error("cannot make the page to measure with: %s", strerror(-failure));
        return EXIT_TROUBLE;
    }
    struct tare_outcome outcome = {0};
    int code = EXIT_TROUBLE;
    mode->run = calloc(1, sizeof(*mode->run));
    pass->lines = memfd_create("tare-rungs", 0); /* the child inherits it */
    if (mode->run == NULL || pass->lines < 0) {
        error("cannot make room for what is measured: %s", strerror(errno));
        goto out;
    }
    code = spawn(pass, mode, path, &outcome);
    *interrupted = outcome.interrupted;
    code = code != 0 ? code : read_lines(pass, mode->run);
    code = code != 0 ? code : read_model(pass, mode);
    mode->measured = mode->measured && mode->run->repetitions != 0;
    if (code == 0 && !mode->run->complete && outcome.interrupted == 0) {
        error("tare-rungs ended before it was done");
        code = EXIT_TROUBLE;
    }
    if (code == 0 && mode->measured && !judge(mode)) {
        error("out of memory");
        code = EXIT_TROUBLE;
    }
out:
    if (pass->lines >= 0) {
        close(pass->lines);
    }
    tare_page_set_close(&pass->set);
    return code;
}

/* Between two processes a signal is ours alone: it ends the measurement, and what there is gets shown. */
static int pending_signal(const sigset_t *set)
{
    int last = 0;
    for (int got = 1; got > 0;) {
        got = sigtimedwait(set, NULL, &(struct timespec){0, 0});
        last = got > 0 ? got : last;
    }
    return last;
}

int verify_measure(struct verify *verify)
{
    static const int signals[] = {SIGINT, SIGQUIT, SIGTERM, SIGHUP};
    sigset_t set;
    sigemptyset(&set);
    for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
        struct sigaction action;
        if (sigaction(signals[i], NULL, &action) == 0 && action.sa_handler != SIG_IGN) {
            sigaddset(&set, signals[i]);
        }
    }
    char *path = tool_path(TARE_LIBEXECDIR_RELATIVE, "tare-rungs");
    if (path == NULL) {
        return EXIT_TROUBLE;
    }
    struct pass pass = {.verify = verify,
                        .began_ns = (double)tare__monotonic_ns(),
                        .budget_s = verify->time_s / (double)verify->mode_count};
    sigprocmask(SIG_BLOCK, &set, &pass.mask);
    int code = 0;
    for (size_t i = 0; i < verify->mode_count && code == 0 && verify->interrupted == 0; i++) {
        pass.number = i;
        pass.ask = (struct tare_ask_times){0};
        code = measure_mode(&pass, &verify->modes[i], path, &verify->interrupted);
        int late = pending_signal(&set);
        verify->interrupted = late != 0 ? late : verify->interrupted;
    }
    sigprocmask(SIG_SETMASK, &pass.mask, NULL);
    progress_clear();
    free(path);
    return code;
}

void verify_release(struct verify *verify)
{
    for (size_t i = 0; i < verify->mode_count; i++) {
        struct verify_mode *mode = &verify->modes[i];
        for (size_t k = 0; k < mode->timer_count; k++) {
            free(mode->timers[k].cases);
        }
        free(mode->timers);
        if (mode->run != NULL) {
            verify_run_release(mode->run);
        }
        free(mode->run);
    }
}

bool verify_mode_complete(const struct verify_mode *mode)
{
    return mode->measured && mode->run->complete;
}

int verify_verdict(const struct verify *verify)
{
    int verdict = 1;
    for (size_t i = 0; i < verify->mode_count; i++) {
        const struct verify_mode *mode = &verify->modes[i];
        if (mode->judged && !verify_mode_complete(mode)) {
            return -1;
        }
        if (mode->judged && !tare_verify_holds(mode->covered, mode->cases)) {
            verdict = 0;
        }
    }
    return verdict;
}
