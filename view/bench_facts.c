/* SPDX-License-Identifier: MIT */
/*
 * What is said of a benchmark beside its figures: only what is known, and of that only what a reader needs to
 * judge the figures, unless everything was asked for. "Nothing to say" is an empty phrase.
 */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "view/bench_text.h"
#include "view/columns.h"

/* A first operation that is nearer to the others than this is not worth a word. */
#define FIRST_RATIO 2.0
/* What others took of the machine is worth a word from here on: the margin of most comparisons. */
#define TAKEN_SHARE 0.01
/* What was subtracted is worth a word from this share of what is left. */
#define SUBTRACTED_SHARE 0.01
/* Counts of two arms that are nearer than this are the same. */
#define COUNT_SHARE 0.005
/* And fewer than so many for each operation are none of its own. */
#define COUNT_LEAST 0.001
/* An average with an error of so many times the median's is shown behind it. */
#define UNSURE 3.0

static const char *plural(double count)
{
    return count == 1 ? "" : "s";
}

static const char *plus_minus(bool ascii)
{
    return ascii ? "+-" : "±";
}

/* The next of some items that belong together. */
__attribute__((format(printf, 2, 3))) static void say_next(struct tare__phrase *phrase, const char *format, ...)
{
    char text[2 * TARE__NUMBER_TEXT];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    tare__phrase_add(phrase, "%s%s", phrase->size > 0 ? ", " : "", text);
}

static size_t outlier_count(const struct tare_summary *summary)
{
    size_t count = 0;
    for (int i = 0; i < TARE_OUTLIER_CLASSES; i++) {
        count += i != TARE_OUTLIER_NORMAL ? summary->outliers[i] : 0;
    }
    return count;
}

static const char *const outlier_names[TARE_OUTLIER_CLASSES] = {
    [TARE_OUTLIER_LOW_SEVERE] = "low severe",   [TARE_OUTLIER_LOW_MILD] = "low mild",
    [TARE_OUTLIER_NORMAL] = "normal",           [TARE_OUTLIER_HIGH_MILD] = "high mild",
    [TARE_OUTLIER_HIGH_SEVERE] = "high severe",
};

static void say_outliers(const struct tare_summary *summary, bool all, struct tare__phrase *phrase)
{
    if (summary->n == 0 || (!all && outlier_count(summary) == 0)) {
        return;
    }
    tare__phrase_item(phrase, "outliers:");
    const char *before = " ";
    for (int i = 0; i < TARE_OUTLIER_CLASSES; i++) {
        if (i != TARE_OUTLIER_NORMAL && (all || summary->outliers[i] > 0)) {
            tare__phrase_add(phrase, "%s%zu %s", before, summary->outliers[i], outlier_names[i]);
            before = ", ";
        }
    }
    tare__phrase_add(phrase, " of %zu", summary->n);
}

static void say_modes(const struct tare_summary *summary, bool ascii, struct tare__phrase *phrase)
{
    const struct tare_modes *modes = &summary->modes;
    char time[TARE__NUMBER_TEXT], share[TARE__NUMBER_TEXT];
    size_t count = modes->count < TARE_MODES_MAX ? modes->count : TARE_MODES_MAX;
    if (count < 2) {
        return;
    }
    tare__phrase_item(phrase, "%zu%s modes:", count, modes->more ? " or more" : "");
    for (size_t i = 0; i < count; i++) {
        const struct tare_mode *mode = &modes->mode[i];
        tare__phrase_add(phrase, "%s%s (%s)", i == 0 ? " " : ", ",
                         tare__text_duration(time, mode->location, (mode->high - mode->low) / 4, ascii),
                         tare__text_percent(share, mode->share));
    }
}

/* So many samples of a process, or executions of a command. */
static void say_warmup(const struct tare_result_arm *arm, bool command, struct tare__phrase *phrase)
{
    if (arm->warmup != TARE_COUNT_UNKNOWN && arm->warmup > 0) {
        tare__phrase_item(phrase, "warm-up: %" PRIu64 " %s%s left out", arm->warmup,
                          command ? "execution" : "sample", plural((double)arm->warmup));
    }
}

static void say_unsettled(const struct tare_result_arm *arm, struct tare__phrase *phrase)
{
    if (arm->warmup_settled == 0) {
        tare__phrase_item(phrase, "never settled: the times still moved at the end");
    }
}

static void say_exit(const struct tare_result_arm *arm, struct tare__phrase *phrase)
{
    if (arm->exit_code > 0) {
        tare__phrase_item(phrase, "exited %d", arm->exit_code);
    }
}

void tare__facts_of_doubt(const struct tare_result_arm *arm, bool ascii, struct tare__phrase *phrase)
{
    say_unsettled(arm, phrase);
    say_modes(&arm->summary, ascii, phrase);
    say_exit(arm, phrase);
}

void tare__facts_of_values(const struct tare_result_arm *arm, const struct tare_result_benchmark *benchmark,
                           bool all, bool ascii, struct tare__phrase *phrase)
{
    const struct tare_summary *summary = &arm->summary;
    char time[TARE__NUMBER_TEXT], ratio[TARE__NUMBER_TEXT];
    double times = tare__rate_time(arm) > 0 ? arm->first_ns / summary->median : NAN;
    if (isfinite(times) && (times >= FIRST_RATIO || times <= 1 / FIRST_RATIO)) {
        double shown = times >= 9.95 && times < 99999.5 ? round(times) : times;
        tare__phrase_item(phrase, "first %s, %s %s",
                          tare__text_duration(time, arm->first_ns, arm->first_ns / 50, ascii),
                          tare__text_count(ratio, shown), ascii ? "x" : "×");
    }
    say_warmup(arm, benchmark->command, phrase);
    say_unsettled(arm, phrase);
    if (!all) { /* else they have been counted in a line of their own */
        say_outliers(summary, false, phrase);
    }
    say_modes(summary, ascii, phrase);
    if (isfinite(arm->loop_ns) && (all || !(arm->loop_ns < SUBTRACTED_SHARE * fabs(summary->median)))) {
        tare__phrase_item(phrase, "loop: %s subtracted", tare__text_duration(time, arm->loop_ns, 0.02, ascii));
    }
    if (isfinite(arm->start_ns) && arm->start_ns != 0) {
        tare__phrase_item(phrase, "start of the shell: %s subtracted",
                          tare__text_duration(time, arm->start_ns, arm->start_ns / 50, ascii));
    }
    say_exit(arm, phrase);
}

void tare__facts_of_rate(const struct tare_result_arm *arm, bool bytes_shown, struct tare__phrase *phrase)
{
    char rate[TARE__NUMBER_TEXT];
    double median = tare__rate_time(arm);
    if (!bytes_shown && isfinite(arm->bytes_per_op) && median > 0) {
        tare__phrase_item(phrase, "%s", tare__text_bytes_rate(rate, arm->bytes_per_op, median));
    }
    bool items_shown = bytes_shown && !isfinite(arm->bytes_per_op);
    if (!items_shown && isfinite(arm->items_per_op) && median > 0) {
        tare__phrase_item(phrase, "%s", tare__text_items_rate(rate, arm->items_per_op, median, true));
    }
}

/* Counts */

struct count_name {
    const char *one, *many;
    bool exact; /* nothing on the machine but the program has a say in it */
};

static const struct count_name count_names[TARE_PER_OPS] = {
    [TARE_PER_OP_SYSCALLS] = {"syscall", "syscalls", true},
    [TARE_PER_OP_PAGE_FAULTS] = {"page fault", "page faults", false},
    [TARE_PER_OP_CONTEXT_SWITCHES] = {"context switch", "context switches", false},
    [TARE_PER_OP_ALLOCATIONS] = {"allocation", "allocations", true},
    [TARE_PER_OP_ALLOCATED_BYTES] = {"byte allocated", "bytes allocated", true},
    [TARE_PER_OP_CYCLES] = {"cycle", "cycles", false},
    [TARE_PER_OP_INSTRUCTIONS] = {"instruction", "instructions", true},
    [TARE_PER_OP_BRANCHES] = {"branch", "branches", true},
    [TARE_PER_OP_BRANCH_MISSES] = {"branch miss", "branch misses", false},
    [TARE_PER_OP_CACHE_REFERENCES] = {"cache reference", "cache references", false},
    [TARE_PER_OP_CACHE_MISSES] = {"cache miss", "cache misses", false},
    [TARE_PER_OP_VALGRIND_INSTRUCTIONS] = {"instruction by valgrind", "instructions by valgrind", true},
    [TARE_PER_OP_USER_NS] = {"user", "user", false},
    [TARE_PER_OP_SYSTEM_NS] = {"system", "system", false},
};

static bool is_time(int which)
{
    return which == TARE_PER_OP_USER_NS || which == TARE_PER_OP_SYSTEM_NS;
}

/* Of what the making of a process leaves over, divided by its many operations. */
static bool is_negligible(int which, double count)
{
    return fabs(count) < COUNT_LEAST && !is_time(which);
}

static void say_counts(const double *per_op, bool all, bool ascii, struct tare__phrase *phrase)
{
    /* That there are none of these is worth knowing, and often what was wanted. */
    static const enum tare_per_op wanted_none[] = {TARE_PER_OP_SYSCALLS, TARE_PER_OP_ALLOCATIONS};
    char number[TARE__NUMBER_TEXT];
    for (int i = 0; i < TARE_PER_OPS; i++) {
        double count = per_op[i];
        if (!isfinite(count) || count == 0 || (!all && is_negligible(i, count))) {
            continue;
        }
        if (is_time(i)) {
            say_next(phrase, "%s %s", count_names[i].many, tare__text_duration(number, count, NAN, ascii));
        } else {
            say_next(phrase, "%s %s", tare__text_count(number, count),
                     count == 1 ? count_names[i].one : count_names[i].many);
        }
    }
    double ipc = per_op[TARE_PER_OP_INSTRUCTIONS] / per_op[TARE_PER_OP_CYCLES];
    if (isfinite(ipc)) {
        say_next(phrase, "IPC %s", tare__view_fixed(number, ipc, 2));
    }
    for (size_t i = 0; i < sizeof wanted_none / sizeof wanted_none[0]; i++) {
        if (per_op[wanted_none[i]] == 0) {
            say_next(phrase, "no %s", count_names[wanted_none[i]].many);
        }
    }
}

void tare__facts_per_op(const struct tare_result_arm *arm, bool all, bool ascii, struct tare__phrase *phrase)
{
    struct tare__phrase counts = {0};
    say_counts(arm->per_op, all, ascii, &counts);
    if (counts.size > 0) {
        tare__phrase_item(phrase, "per operation: %s", counts.text);
    }
    phrase->error = phrase->error != 0 ? phrase->error : counts.error;
    tare__phrase_release(&counts);
}

void tare__facts_apart(const struct tare_result_arm *a, const struct tare_result_arm *b, bool ascii,
                       struct tare__phrase *phrase)
{
    char from[TARE__NUMBER_TEXT], to[TARE__NUMBER_TEXT], change[TARE__NUMBER_TEXT];
    const char *before = ": ";
    double a_ns = tare__rate_time(a), b_ns = tare__rate_time(b);
    if (isfinite(a->bytes_per_op) && isfinite(b->bytes_per_op) && a_ns > 0 && b_ns > 0) {
        tare__phrase_item(phrase, "%s and %s: %s", a->label, b->label,
                          tare__text_bytes_rate(from, a->bytes_per_op, a_ns));
        tare__phrase_add(phrase, " and %s", tare__text_bytes_rate(to, b->bytes_per_op, b_ns));
    }
    for (int i = 0; i < TARE_PER_OPS; i++) {
        double old = a->per_op[i], new = b->per_op[i];
        if (!count_names[i].exact || !isfinite(old) || !isfinite(new) ||
            fabs(new - old) <= fmax(COUNT_SHARE * fmax(fabs(old), fabs(new)), COUNT_LEAST)) {
            continue;
        }
        if (before[0] == ':') {
            tare__phrase_item(phrase, "per operation, %s and %s", a->label, b->label);
        }
        tare__phrase_add(phrase, "%s%s and %s %s", before, tare__text_count(from, old),
                         tare__text_count(to, new), count_names[i].many);
        before = ", ";
        if (old > 0 && new > 0) {
            tare__phrase_add(phrase, " (%s)", tare__text_change(change, new / old, NAN, NAN, ascii));
        }
    }
}

void tare__facts_of_timer(const struct tare_result_inner_timer *timer, bool ascii, struct tare__phrase *phrase)
{
    char calls[TARE__NUMBER_TEXT], net[TARE__NUMBER_TEXT], error[TARE__NUMBER_TEXT];
    tare__phrase_item(phrase, "timer %s::%s", timer->module, timer->name);
    const char *before = ": ";
    if (isfinite(timer->calls)) {
        tare__phrase_add(phrase, "%s%s call%s", before, tare__text_count(calls, timer->calls),
                         plural(timer->calls));
        before = ", ";
    }
    /* The average of one run has in it whatever disturbed it; the median of its calls has not. */
    double p50_error_ns = timer->net_p50_error_ns;
    bool apart = fabs(timer->net_ns - timer->net_p50_ns) > timer->net_error_ns + p50_error_ns;
    if (apart || UNSURE * p50_error_ns < timer->net_error_ns) {
        tare__phrase_add(phrase, "%snet p50 %s %s", before,
                         tare__text_duration(net, timer->net_p50_ns, p50_error_ns, ascii), plus_minus(ascii));
        tare__phrase_add(phrase, " %s, average %s",
                         tare__text_duration(error, p50_error_ns, p50_error_ns, ascii),
                         tare__text_duration(net, timer->net_ns, timer->net_error_ns, ascii));
        tare__phrase_add(phrase, " %s %s", plus_minus(ascii),
                         tare__text_duration(error, timer->net_error_ns, timer->net_error_ns, ascii));
    } else if (isfinite(timer->net_ns)) {
        bool bounded = isfinite(timer->net_error_ns);
        tare__phrase_add(phrase, "%snet %s%s%s%s%s", before,
                         tare__text_duration(net, timer->net_ns, timer->net_error_ns, ascii),
                         bounded ? " " : "", bounded ? plus_minus(ascii) : "", bounded ? " " : "",
                         bounded ? tare__text_duration(error, timer->net_error_ns, timer->net_error_ns, ascii)
                                 : "");
    } else {
        tare__phrase_add(phrase, "%snet unknown", before);
    }
}

/* Everything */

static void say_named(struct tare__phrase *phrase, const char *name, double ns, double error_ns, bool ascii)
{
    char time[TARE__NUMBER_TEXT];
    tare__phrase_add(phrase, "%s%s %s", phrase->size > 0 ? ", " : "", name,
                     tare__text_duration(time, ns, error_ns, ascii));
}

static void say_made(const struct tare_result_arm *arm, const struct tare_result_benchmark *benchmark,
                     struct tare__phrase *phrase)
{
    char number[TARE__NUMBER_TEXT];
    size_t n = arm->summary.n;
    tare__phrase_item(phrase, "n %zu", n);
    if (!benchmark->command) {
        tare__phrase_add(phrase, " process%s", n == 1 ? "" : "es");
        if (arm->samples != TARE_COUNT_UNKNOWN && arm->samples > 0) {
            tare__phrase_add(phrase, ", each the median of %" PRIu64 " sample%s", arm->samples,
                             plural((double)arm->samples));
        }
        if (arm->iterations != TARE_COUNT_UNKNOWN && arm->iterations > 0) {
            tare__phrase_add(phrase, " of %" PRIu64 " iteration%s", arm->iterations,
                             plural((double)arm->iterations));
        }
    }
    if (benchmark->threads > 1) {
        tare__phrase_item(phrase, "%u threads", benchmark->threads);
    }
    if (benchmark->layouts > 1) {
        tare__phrase_item(phrase, "%u layouts", benchmark->layouts);
    }
    if (isfinite(benchmark->spent_ns)) {
        tare__phrase_item(phrase, "took %s", tare__text_roughly(number, benchmark->spent_ns));
    }
    if (benchmark->file != NULL) {
        tare__phrase_item(phrase, "%s", benchmark->file);
        if (benchmark->line > 0) {
            tare__phrase_add(phrase, ":%" PRIu32, benchmark->line);
        }
    }
}

void tare__facts_full(const struct tare_result_arm *arm, const struct tare_result_benchmark *benchmark,
                      double confidence, bool ascii, struct tare__phrase lines[TARE__FACT_LINES])
{
    const struct tare_summary *summary = &arm->summary;
    double error = tare__median_error(summary);
    char number[TARE__NUMBER_TEXT];
    say_made(arm, benchmark, &lines[0]);
    if (summary->n == 0) {
        return;
    }
    say_named(&lines[1], "median", summary->median, error, ascii);
    if (isfinite(summary->median_low) && isfinite(summary->median_high)) {
        tare__phrase_add(&lines[1], " (%s", tare__text_duration(number, summary->median_low, error, ascii));
        tare__phrase_add(&lines[1], " to %s", tare__text_duration(number, summary->median_high, error, ascii));
        tare__phrase_add(&lines[1], " at %s)", tare__text_percent(number, confidence));
    }
    say_named(&lines[1], "MAD", summary->mad, summary->mad / 50, ascii);
    say_named(&lines[1], "mean", summary->mean, error, ascii);
    say_named(&lines[1], "sd", summary->sd, summary->sd / 50, ascii);
    tare__phrase_add(&lines[1], ", CV %s", tare__text_percent(number, summary->cv));
    say_named(&lines[2], "min", summary->min, error, ascii);
    say_named(&lines[2], "p50", summary->p50, error, ascii);
    say_named(&lines[2], "p95", summary->p95, error, ascii);
    say_named(&lines[2], "p99", summary->p99, error, ascii);
    say_named(&lines[2], "max", summary->max, error, ascii);
    say_outliers(summary, true, &lines[3]);
    if (summary->modes.count == 1) {
        tare__phrase_item(&lines[3], "1 mode");
    }
    if (isfinite(summary->modes.p)) {
        tare__phrase_item(&lines[3], "dip: p %s", tare__text_count(number, summary->modes.p));
    }
}

/* Rounds */

void tare__facts_of_rounds(const struct tare_result_benchmark *benchmark, struct tare__phrase *phrase)
{
    const struct tare_result_contamination *seen = &benchmark->contamination;
    if (seen->rule_suspended) {
        tare__phrase_item(phrase, "more than half of the rounds were disturbed, so that none was dropped");
    } else if (seen->dropped > 0) {
        tare__phrase_item(phrase, "%" PRIu64 " of %" PRIu64 " rounds dropped", seen->dropped, seen->rounds);
    }
}

void tare__facts_of_control(const struct tare_result_benchmark *benchmark, bool ascii,
                            struct tare__phrase *phrase)
{
    uint64_t rounds = benchmark->contamination.rounds;
    bool early = benchmark->comparison_count > 0;
    char number[TARE__NUMBER_TEXT];
    for (size_t i = 0; i < benchmark->comparison_count; i++) {
        const struct tare_comparison *comparison = &benchmark->comparisons[i].comparison;
        early &= benchmark->comparisons[i].decided_early;
        /* Of several comparisons only where it matters: the arms are the same ones. */
        if (i == 0 || comparison->control_differs) {
            tare__control_say(comparison, ascii, phrase);
        }
    }
    if (rounds > 0) {
        tare__phrase_item(phrase, "%s%" PRIu64 " round%s", early ? "decided in " : "", rounds,
                          plural((double)rounds));
        if (isfinite(benchmark->spent_ns)) {
            tare__phrase_add(phrase, ", %s", tare__text_roughly(number, benchmark->spent_ns));
        }
    }
}

static void say_share(struct tare__phrase *phrase, const char *what, double ns, double whole_ns, bool all)
{
    char share[TARE__NUMBER_TEXT];
    double value = whole_ns > 0 ? ns / whole_ns : NAN;
    if (isfinite(value) && (all || value >= TAKEN_SHARE)) {
        say_next(phrase, "%s %s", what, tare__text_percent(share, value));
    }
}

static void say_events(struct tare__phrase *phrase, uint64_t count, const char *one, const char *many)
{
    if (count != TARE_COUNT_UNKNOWN) {
        say_next(phrase, "%" PRIu64 " %s", count, count == 1 ? one : many);
    }
}

static void say_frequency(struct tare__phrase *phrase, double low_hz, double high_hz)
{
    char low[TARE__VIEW_NUMBER], high[TARE__VIEW_NUMBER];
    if (isfinite(low_hz) && isfinite(high_hz)) {
        tare__view_fixed(low, low_hz / 1e9, 2);
        tare__view_fixed(high, high_hz / 1e9, 2);
        bool range = strcmp(low, high) != 0;
        say_next(phrase, "%s%s%s GHz", low, range ? " to " : "", range ? high : "");
    }
}

void tare__facts_of_machine(const struct tare_result_benchmark *benchmark, uint32_t processors, bool all,
                            struct tare__phrase *phrase)
{
    const struct tare_result_contamination *seen = &benchmark->contamination;
    say_share(phrase, "steal", seen->steal_ns, seen->wall_ns * processors, all);
    say_share(phrase, "waiting", seen->wait_ns, seen->measured_ns, all);
    if (all) {
        say_share(phrase, "pressure", seen->pressure_ns, seen->wall_ns, true);
        say_events(phrase, seen->involuntary, "involuntary switch", "involuntary switches");
        say_events(phrase, seen->migrations, "migration", "migrations");
        say_frequency(phrase, seen->frequency_low_hz, seen->frequency_high_hz);
    }
}

/* Over all benchmarks */

static const char *function_text(enum tare_growth_class class, bool ascii)
{
    switch (class) {
    case TARE_GROWTH_LOG:
        return "log2 n";
    case TARE_GROWTH_LINEAR:
        return "n";
    case TARE_GROWTH_LINEAR_LOG:
        return "n log2 n";
    case TARE_GROWTH_QUADRATIC:
        return ascii ? "n^2" : "n²";
    default:
        return NULL;
    }
}

/* The label of the growth's arm, where there is more than one, and whether a case has several arguments. */
static const char *growth_arm(const struct tare_result_bench *bench, const struct tare_result_growth *growth,
                              bool *several_arguments)
{
    const char *label = NULL;
    *several_arguments = false;
    for (size_t i = 0; i < bench->benchmark_count; i++) {
        const struct tare_result_benchmark *benchmark = &bench->benchmarks[i];
        if (benchmark->bench == NULL || strcmp(benchmark->bench, growth->bench) != 0) {
            continue;
        }
        *several_arguments |= benchmark->arg_count > 1;
        if (benchmark->arm_count > 1 && growth->arm < benchmark->arm_count) {
            label = benchmark->arms[growth->arm].label;
        }
    }
    return label;
}

void tare__facts_of_growth(const struct tare_result_bench *bench, const struct tare_result_growth *found,
                           bool full, bool ascii, struct tare__phrase *phrase)
{
    const struct tare_growth *growth = &found->growth;
    char base[TARE__NUMBER_TEXT], factor[TARE__NUMBER_TEXT], error[TARE__NUMBER_TEXT];
    bool several;
    const char *label = growth_arm(bench, found, &several);
    tare__phrase_add(phrase, "%s", found->bench);
    if (label != NULL) {
        tare__phrase_add(phrase, " (%s)", label);
    }
    if (several) {
        tare__phrase_add(phrase, ", in argument %u,", found->arg + 1);
    }
    if (growth->best >= TARE_GROWTH_CLASSES || !isfinite(growth->base) || !isfinite(growth->factor)) {
        tare__phrase_add(phrase, " grows in an unknown way");
        return;
    }
    bool constant = growth->best == TARE_GROWTH_CONSTANT;
    tare__phrase_add(phrase, " %s %s", constant ? "is" : "grows as", tare_growth_names[growth->best]);
    if (!growth->clear && growth->second < TARE_GROWTH_CLASSES && growth->second != growth->best) {
        tare__phrase_add(phrase, " or %s, these data do not tell; as %s", tare_growth_names[growth->second],
                         tare_growth_names[growth->best]);
    }
    tare__phrase_add(phrase, ": %s",
                     tare__text_duration(base, growth->base, growth->base * growth->error, ascii));
    const char *function = function_text(growth->best, ascii);
    if (function != NULL) {
        tare__phrase_add(phrase, " + %s %s %s",
                         tare__text_duration(factor, growth->factor, growth->factor * growth->error, ascii),
                         ascii ? "x" : "×", function);
    }
    if (isfinite(growth->error)) {
        tare__phrase_add(phrase, " (error %s", tare__text_percent(error, growth->error));
        if (full && isfinite(growth->exponent)) {
            tare__phrase_add(phrase, ", exponent %s", tare__view_fixed(base, growth->exponent, 2));
        }
        tare__phrase_add(phrase, ")");
    }
}

static size_t comparison_count(const struct tare_result_bench *bench)
{
    size_t count = 0;
    for (size_t i = 0; i < bench->benchmark_count; i++) {
        count += bench->benchmarks[i].comparison_count;
    }
    return count;
}

void tare__facts_of_verdicts(const struct tare_result_bench *bench, struct tare__phrase *phrase)
{
    static const enum tare_verdict order[] = {TARE_VERDICT_SLOWER, TARE_VERDICT_FASTER, TARE_VERDICT_SAME,
                                              TARE_VERDICT_UNRESOLVED};
    size_t counts[TARE_VERDICTS] = {0}, total = comparison_count(bench);
    for (size_t i = 0; i < bench->benchmark_count; i++) {
        const struct tare_result_benchmark *benchmark = &bench->benchmarks[i];
        for (size_t j = 0; j < benchmark->comparison_count; j++) {
            enum tare_verdict verdict = benchmark->comparisons[j].comparison.verdict;
            counts[verdict < TARE_VERDICTS ? verdict : TARE_VERDICT_UNRESOLVED]++;
        }
    }
    if (total == 0) {
        return;
    }
    tare__phrase_add(phrase, "%zu comparison%s:", total, plural((double)total));
    const char *before = " ";
    for (size_t i = 0; i < sizeof order / sizeof order[0]; i++) {
        if (counts[order[i]] > 0) {
            tare__phrase_add(phrase, "%s%zu %s", before, counts[order[i]], tare_verdict_names[order[i]]);
            before = ", ";
        }
    }
}

/* The rule's, if any round was dropped by it or could have been. */
static double threshold_of(const struct tare_result_bench *bench)
{
    for (size_t i = 0; i < bench->benchmark_count; i++) {
        const struct tare_result_contamination *seen = &bench->benchmarks[i].contamination;
        if (seen->dropped > 0 || seen->rule_suspended) {
            return seen->threshold;
        }
    }
    return NAN;
}

void tare__facts_of_rule(const struct tare_result_bench *bench, bool full, struct tare__phrase *phrase)
{
    const struct tare_result_bench_settings *settings = &bench->settings;
    char number[TARE__NUMBER_TEXT];
    bool compared = comparison_count(bench) > 0;
    if (compared) {
        tare__phrase_item(phrase, "%% are of time: 2 %% faster takes 2 %% less");
    }
    if (compared && settings->alpha > 0) {
        tare__phrase_item(phrase,
                          "where nothing differs, at most 1 call in %s says faster or slower, all of its "
                          "comparisons together",
                          tare__text_count(number, round(1 / settings->alpha)));
    }
    double threshold = threshold_of(bench);
    if (isfinite(threshold)) {
        tare__phrase_item(phrase, "a round is dropped, for all arms, if waiting took over %s of its time",
                          tare__text_percent(number, threshold));
    }
    if (!full || !compared) {
        return;
    }
    if (settings->margin > 0) {
        tare__phrase_item(phrase, "the same: within %s", tare__text_percent(number, settings->margin));
    }
    if (isfinite(settings->time_s)) {
        tare__phrase_item(phrase, "at most %s for each comparison",
                          tare__text_roughly(number, settings->time_s * 1e9));
    }
    if (settings->control_alpha > 0) {
        tare__phrase_item(phrase, "the control arm differs by chance in %s",
                          tare__text_percent(number, settings->control_alpha));
    }
    if (settings->pin >= 0) {
        tare__phrase_item(phrase, "on processor %d", settings->pin);
    }
    tare__phrase_item(phrase, "seed %" PRIu64, settings->seed);
}

/* From the slowest; what is the same, in the order of the result. */
static int compare_changes(const void *left, const void *right)
{
    const struct tare__change *a = left, *b = right;
    double ratio = a->comparison->comparison.ratio, other = b->comparison->comparison.ratio;
    if (isnan(ratio) || isnan(other)) {
        return isnan(ratio) - isnan(other);
    }
    if (ratio != other) {
        return ratio < other ? 1 : -1;
    }
    int order = (a->benchmark > b->benchmark) - (a->benchmark < b->benchmark);
    return order != 0 ? order : (a->comparison > b->comparison) - (a->comparison < b->comparison);
}

int tare__changes_sorted(const struct tare_result_bench *bench, struct tare__change **changes, size_t *count)
{
    *count = 0;
    *changes = calloc(comparison_count(bench) + 1, sizeof **changes);
    if (*changes == NULL) {
        return -ENOMEM;
    }
    for (size_t i = 0; i < bench->benchmark_count; i++) {
        const struct tare_result_benchmark *benchmark = &bench->benchmarks[i];
        for (size_t j = 0; j < benchmark->comparison_count; j++) {
            enum tare_verdict verdict = benchmark->comparisons[j].comparison.verdict;
            if (verdict == TARE_VERDICT_FASTER || verdict == TARE_VERDICT_SLOWER) {
                (*changes)[(*count)++] = (struct tare__change){benchmark, &benchmark->comparisons[j]};
            }
        }
    }
    qsort(*changes, *count, sizeof **changes, compare_changes);
    return 0;
}
