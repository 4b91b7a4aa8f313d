/* SPDX-License-Identifier: MIT */
/*
 * From rounds to figures: which rounds count, what the rule of stats/compare.h says of them, and the figures of
 * each arm.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/bench.h"
#include "record/monotonic.h"
#include "stats/growth.h"
#include "stats/interval.h"
#include "stats/quantile.h"
#include "stats/series.h"
#include "stats/summary.h"
#include "stats/values.h"
#include "stats/warmup.h"

#define RARE_WORK 1.1 /* so much more on average is worth a word */
#define NOTHING 0.05  /* of what was subtracted */
#define MODES_GRAIN 0 /* values are medians of long samples: no clock's steps are left in them */

static const struct bench_value *row_of(const struct bench_work *work, size_t round)
{
    return &work->values[round * work->arm_count];
}

static bool is_disturbed(const struct bench_work *work, size_t round)
{
    const struct bench_value *row = row_of(work, round);
    bool disturbed = work->stolen[round] > BENCH_LOST_SHARE; /* false where it is not known */
    for (size_t i = 0; i < work->arm_count; i++) {
        disturbed |= row[i].lost_share > BENCH_LOST_SHARE;
    }
    return disturbed;
}

/* Rounds at the beginning in which a command was not warm yet, in whole units; the same for all arms. */
static size_t warm_rounds(struct bench_work *work)
{
    if (!work->benchmark->command || work->round_count < 8) {
        return 0;
    }
    size_t most = 0;
    double *series = malloc(work->round_count * sizeof(*series));
    for (size_t arm = 0; arm < work->arm_count && series != NULL; arm++) {
        struct tare_warmup warmup;
        for (size_t i = 0; i < work->round_count; i++) {
            series[i] = row_of(work, i)[arm].ns;
        }
        struct tare_result_arm *out = &work->benchmark->arms[arm];
        if (tare_warmup_detect(series, 1, work->round_count, 0.01, &warmup) == 0) {
            out->warmup_settled = warmup.settled;
            /* More than a tenth of all is no warm-up, but a machine that drifts. */
            if (warmup.settled && warmup.length > most && warmup.length <= work->round_count / 10) {
                most = warmup.length;
            }
        }
    }
    free(series);
    return (most + 1) / 2 * 2;
}

/*
 * Which rounds count. The rule drops a round for all arms at once, and was fixed before: what it looks at does not
 * know which arm is which, so it cannot favour one of them where they are the same.
 */
static bool *choose_rounds(struct bench_work *work)
{
    struct tare_result_contamination *seen = &work->benchmark->contamination;
    bool *keep = malloc(work->round_count + 1);
    if (keep == NULL) {
        return NULL;
    }
    work->warm_rounds = warm_rounds(work);
    size_t dropped = 0;
    for (size_t i = 0; i < work->round_count; i++) {
        keep[i] = !is_disturbed(work, i);
        dropped += !keep[i];
    }
    seen->rule_suspended = dropped > work->round_count / 2;
    seen->dropped = seen->rule_suspended ? 0 : dropped;
    for (size_t i = 0; i < work->round_count; i++) {
        keep[i] = (keep[i] || seen->rule_suspended) && i >= work->warm_rounds;
    }
    return keep;
}

/* The units: two neighbouring rounds that both count. */
struct units {
    double *effect, *control;
    unsigned *layout;
    size_t count;
    bool logarithms; /* every time is above zero */
};

static double log_of_unit(const struct bench_work *work, size_t round, size_t arm, double more_ns)
{
    return (log(row_of(work, round)[arm].ns + more_ns) + log(row_of(work, round + 1)[arm].ns + more_ns)) / 2;
}

/* What was subtracted from all times alike. */
static double subtracted_ns(const struct bench_work *work)
{
    double ns = work->benchmark->command ? work->call->shell_ns : work->benchmark->arms[0].loop_ns;
    return ns > 0 ? ns : 0;
}

/* `more_ns` is added to each time. */
static void make_units(const struct bench_work *work, const bool *keep, size_t arm, double more_ns,
                       struct units *units)
{
    size_t without = 0;
    units->count = 0;
    unsigned layouts = work->benchmark->layouts;
    for (size_t round = 0; round + 1 < work->round_count; round += 2) {
        if (!keep[round] || !keep[round + 1]) {
            continue;
        }
        double a = log_of_unit(work, round, 0, more_ns), control = log_of_unit(work, round, 1, more_ns);
        double b = log_of_unit(work, round, arm, more_ns);
        if (!isfinite(a) || !isfinite(control) || !isfinite(b)) {
            without++; /* a time of a command that is not above zero, once its shell's start is subtracted */
            continue;
        }
        units->effect[units->count] = b - (a + control) / 2;
        units->control[units->count] = control - a;
        units->layout[units->count] = layouts > 1 ? (unsigned)(round / 2 % layouts) : 0;
        units->count++;
    }
    units->logarithms = without <= units->count / 10;
}

/*
 * Times that are not above zero have no ratio, but an order: with what was subtracted from all alike they are in the same
 * one, and that is all that the test asks for. What is said of ratios then, that of the margin, too, is not true without
 * it, so that a difference counts from the margin on with it, where it is larger without.
 */
static void forget_ratio(struct tare_comparison *comparison, double margin)
{
    bool told = comparison->verdict == TARE_VERDICT_FASTER || comparison->verdict == TARE_VERDICT_SLOWER;
    if (!told || comparison->within_margin) {
        comparison->verdict = TARE_VERDICT_UNRESOLVED;
        comparison->stop = false;
    }
    if (!(fabs(log(comparison->ratio)) >= margin)) {
        comparison->units_needed = NAN;
    }
    comparison->within_margin = false;
    comparison->ratio = comparison->low = comparison->high = comparison->smallest = NAN;
    comparison->control_ratio = comparison->control_low = comparison->control_high = NAN;
}

/* What it would take: rounds, and the time for them by the rounds so far. */
static char *say_too_few(const struct bench_work *work, const struct tare_comparison *comparison)
{
    char *reason = NULL, time[96] = "";
    if (isnan(comparison->units_needed)) { /* more units of the same layouts would not do */
        return strdup("too few link orders, or rounds, for an interval: --relink and --time give more");
    }
    const struct bench_options *options = &work->call->options;
    double rounds = 2 * comparison->units_needed, measured = (double)work->round_count;
    double for_each = comparison->units > 0 ? measured / (double)comparison->units : 2; /* some were dropped */
    double spent_s = (double)(tare__monotonic_ns() - work->begun_ns) / 1e9;
    double needed_s = spent_s / measured * comparison->units_needed * for_each;
    double option_s = ceil(1.1 * needed_s / (double)(work->comparison_count > 1 ? work->comparison_count : 1));
    if (isfinite(needed_s) && option_s > options->time_s) {
        snprintf(time, sizeof(time), " (some %.*f s: --time %.0f)", needed_s < 9.95 ? 1 : 0, needed_s,
                 option_s);
    }
    int written = asprintf(
        &reason, "too few rounds for an interval: %.0f that count tell large differences%s, %.0f small ones",
        rounds, time, 2 * rounds);
    return written < 0 ? NULL : reason;
}

static char *say_no_ratio(const struct bench_work *work, const struct tare_comparison *comparison, bool told)
{
    char *reason = NULL, more[64] = "";
    bool command = work->benchmark->command;
    double rounds = 2 * (comparison->units_needed - (double)comparison->units);
    if (!told && rounds > 0) {
        snprintf(more, sizeof(more), "; some %.0f rounds more would tell which is faster", rounds);
    }
    int written =
        asprintf(&reason, "a time is not above zero once the %s is subtracted: %s%s",
                 command ? "shell's start" : "loop's own",
                 command && !told ? "'--shell none' runs commands without one" : "there is no ratio", more);
    return written < 0 ? NULL : reason;
}

/* Of one that is unresolved, or has no ratio; NULL: of another. */
static char *reason_of(const struct bench_work *work, const struct tare_comparison *comparison, bool ratio,
                       size_t arm)
{
    bool told = comparison->verdict != TARE_VERDICT_UNRESOLVED;
    if (told && ratio) {
        return NULL;
    }
    if (!told && (work->arms[arm].failed || work->benchmark->arms[0].failure != NULL ||
                  work->benchmark->arms[1].failure != NULL)) {
        return strdup("one of the two failed");
    }
    if (!ratio && (told || !comparison->control_differs)) {
        return say_no_ratio(work, comparison, told);
    }
    if (comparison->control_differs) {
        return strdup("the control arm, A against itself, differs: something favours a place or a time");
    }
    if (isnan(comparison->low) || isnan(comparison->high)) {
        return say_too_few(work, comparison);
    }
    return strdup("the interval holds 1 and is wider than the margin");
}

static struct tare_compare_rule rule_of(const struct bench_work *work)
{
    const struct bench_options *options = &work->call->options;
    return (struct tare_compare_rule){.alpha = options->alpha,
                                      .comparisons = work->call->ratio_half > 0 ? 1 : work->call->comparisons,
                                      .margin = options->margin,
                                      .control_alpha = TARE_COMPARE_CONTROL_ALPHA};
}

/* Well enough; where the verdict is the answer, it is. */
static bool is_ratio_known(const struct bench_work *work, const struct tare_comparison *comparison)
{
    double half = work->call->ratio_half * comparison->ratio;
    return !(work->call->ratio_half > 0) ||
           (comparison->high - comparison->ratio <= half && comparison->ratio - comparison->low <= half);
}

/*
 * A start of the shell that is d longer makes of A's time a and the ratio r the ratio (r a - d) / (a - d): further
 * from 1, and on the same side of it. So the interval is widened by what the start may be, and the direction stays.
 * `scratch` has room for a value of each round. False: A's time may as well be none, and there is no ratio.
 */
static bool widen_by_start(const struct bench_work *work, const bool *keep, double margin, double *scratch,
                           struct tare_comparison *comparison)
{
    const struct bench_call *call = work->call;
    if (!work->benchmark->command || call->shell_path == NULL || !isfinite(comparison->low) ||
        !isfinite(comparison->high)) {
        return true;
    }
    size_t n = 0;
    for (size_t i = 0; i < work->round_count; i++) {
        if (keep[i]) {
            scratch[n++] = row_of(work, i)[0].ns;
        }
    }
    double a_ns = tare_median(scratch, n), low = comparison->low, high = comparison->high;
    double longer_ns = call->shell_high_ns - call->shell_ns, shorter_ns = call->shell_low_ns - call->shell_ns;
    if (!(a_ns > longer_ns)) {
        return false;
    }
    double low_ns = low < 1 ? longer_ns : shorter_ns, high_ns = high > 1 ? longer_ns : shorter_ns;
    comparison->low = fmax((low * a_ns - low_ns) / (a_ns - low_ns), 0);
    comparison->high = fmax((high * a_ns - high_ns) / (a_ns - high_ns), 0);
    comparison->within_margin &= comparison->low >= 1 - margin && comparison->high <= 1 + margin;
    if (comparison->verdict == TARE_VERDICT_SAME && !comparison->within_margin) {
        comparison->verdict = TARE_VERDICT_UNRESOLVED;
        comparison->stop = false;
    }
    return true;
}

bool bench_look(struct bench_work *work, double fraction, bool last)
{
    bool *keep = choose_rounds(work);
    size_t room = work->round_count / 2 + 1;
    double *memory = malloc(room * 6 * sizeof(*memory));
    struct units units = {.effect = memory, .control = memory + room};
    units.layout = malloc(room * sizeof(*units.layout));
    const struct tare_compare_rule rule = rule_of(work);
    bool room_enough = keep != NULL && memory != NULL && units.layout != NULL, all = room_enough;
    for (size_t i = 0; i < work->comparison_count && room_enough; i++) {
        struct tare_result_comparison *out = &work->benchmark->comparisons[i];
        if (work->decided[i]) {
            continue;
        }
        make_units(work, keep, out->arm, 0, &units);
        bool ratio = units.logarithms;
        if (!ratio) {
            make_units(work, keep, out->arm, subtracted_ns(work), &units);
        }
        if (!units.logarithms || work->arms[out->arm].failed) {
            units.count = 0;
        }
        if (tare_compare(&rule, work->last_fraction, fraction, units.effect, units.control,
                         work->benchmark->layouts > 1 ? units.layout : NULL, units.count, memory + 2 * room,
                         &out->comparison) != 0) {
            out->comparison.verdict = TARE_VERDICT_UNRESOLVED;
        }
        ratio = ratio && widen_by_start(work, keep, rule.margin, memory + 2 * room, &out->comparison);
        if (!ratio) {
            forget_ratio(&out->comparison, rule.margin);
        }
        if (work->arms[out->arm].failed) {
            out->comparison.units_needed = NAN; /* no number of rounds would help */
        }
        work->decided[i] = out->comparison.stop && !last && is_ratio_known(work, &out->comparison);
        out->decided_early = work->decided[i];
        all &= work->decided[i];
        free(out->reason);
        out->reason = reason_of(work, &out->comparison, ratio, out->arm);
    }
    work->last_fraction = fraction;
    free(memory);
    free(units.layout);
    free(keep);
    return all;
}

/*
 * How much wider an interval is to be than if processes did not depend on each other: neighbours share the machine's
 * mood, so that n of them are worth less. At least 1.
 */
double bench_widening(const double *values, size_t n)
{
    struct tare_effective_n effective;
    if (tare_effective_n(values, n, 0, &effective) != 0 || !(effective.n > 0)) {
        return 1;
    }
    return sqrt((double)n / effective.n);
}

bool bench_single_is_enough(struct bench_work *work)
{
    size_t n = 0;
    if (work->round_count < BENCH_SINGLE_BLOCKS || work->round_count % 10 != 0) {
        return false;
    }
    bool *keep = choose_rounds(work);
    double *values = malloc(work->round_count * sizeof(*values)), factor = 1;
    struct tare_interval interval = {NAN, NAN, NAN, NAN};
    for (size_t i = 0; i < work->round_count && values != NULL && keep != NULL; i++) {
        if (keep[i]) {
            values[n++] = row_of(work, i)[0].ns;
        }
    }
    if (n >= BENCH_SINGLE_BLOCKS) {
        factor = bench_widening(values, n);
        tare_values_sort(values, n);
        tare_quantile_interval(values, n, 0.5, TARE_RESULT_CONFIDENCE, &interval);
    }
    free(values);
    free(keep);
    double half = BENCH_SINGLE_HALF * interval.estimate / factor;
    return interval.high - interval.estimate <= half && interval.estimate - interval.low <= half;
}

/*
 * Work that comes rarely (a flush, a collection) is in few samples, and a process's median does not know of it. The
 * mean does, and so does everything that disturbs: what was waited for a processor is taken off, and where the rule on
 * contamination could not be kept, there is nothing to say. The control is A once more.
 */
static void note_rare_work(struct bench_work *work, size_t arm, const bool *keep, double *scratch)
{
    struct tare_result_arm *out = &work->benchmark->arms[arm];
    size_t n = 0;
    if (work->arms[arm].control || work->benchmark->contamination.rule_suspended) {
        return;
    }
    for (size_t i = 0; i < work->round_count; i++) {
        const struct bench_value *value = &row_of(work, i)[arm];
        if (keep[i] && !isnan(value->mean_ns)) {
            scratch[n++] = value->mean_ns * (1 - (value->lost_share > 0 ? value->lost_share : 0));
        }
    }
    double mean_ns = tare_median(scratch, n), median_ns = out->summary.median;
    if (n >= 8 && median_ns > 1 && mean_ns > RARE_WORK * median_ns) {
        char text[160];
        snprintf(text, sizeof(text),
                 "on average over whole processes an operation takes %.4g ns, %.0f %% more than the median: "
                 "what comes rarely, work or a disturbance, is in the average alone",
                 mean_ns, (mean_ns / median_ns - 1) * 100);
        bench_note(work->call, work->benchmark->name, out->label, text);
    }
}

/* What is subtracted is not known exactly either: its error and that of the median are independent. */
static void add_start_error(const struct bench_call *call, struct tare_summary *summary)
{
    if (call->shell_path == NULL) {
        return;
    }
    summary->median_low =
        summary->median - hypot(summary->median - summary->median_low, call->shell_high_ns - call->shell_ns);
    summary->median_high =
        summary->median + hypot(summary->median_high - summary->median, call->shell_ns - call->shell_low_ns);
}

static int summarise_arm(struct bench_work *work, size_t arm, const bool *keep, double *scratch)
{
    struct tare_result_arm *out = &work->benchmark->arms[arm];
    size_t n = 0;
    for (size_t i = 0; i < work->round_count; i++) {
        double ns = row_of(work, i)[arm].ns;
        if (isnan(ns)) {
            continue;
        }
        if (tare_result_add_value(out, ns, (uint32_t)i + 1) != 0) {
            return -ENOMEM;
        }
        out->dropped[out->value_count - 1] = !keep[i];
        if (keep[i]) {
            scratch[n++] = ns;
        }
    }
    if (work->benchmark->command) {
        out->warmup = work->warm_rounds;
        out->start_ns = work->call->shell_path != NULL ? work->call->shell_ns : NAN;
        out->iterations = out->samples = 1;
        for (size_t i = 0; i < TARE_PER_OPS; i++) {
            out->per_op[i] /= (double)work->arms[arm].executions; /* unknown without any */
        }
    }
    /* Of a command there is one first execution, in the whole call; of a program, one in each process. */
    size_t firsts = work->benchmark->command && work->first_count[arm] > 1 ? 1 : work->first_count[arm];
    out->first_ns = tare_median(work->first_ns[arm], firsts);
    double factor = bench_widening(scratch, n);
    if (tare_summary_of(scratch, n, TARE_RESULT_CONFIDENCE, MODES_GRAIN, &out->summary) == -ENOMEM) {
        return -ENOMEM;
    }
    struct tare_summary *summary = &out->summary;
    tare_summary_widen(summary, factor);
    if (work->benchmark->command) {
        add_start_error(work->call, summary);
    }
    note_rare_work(work, arm, keep, scratch);
    if (!work->benchmark->command && !work->arms[arm].with && n != 0 &&
        fabs(summary->median) < NOTHING * out->loop_ns) {
        bench_note(
            work->call, work->benchmark->name, out->label,
            "its loop takes what an empty one takes: if it should do something, the compiler may have removed "
            "that; tare_keep() and tare_clobber() prevent it");
    }
    return 0;
}

/*
 * The ratio is that of times which were taken side by side. Where B has another shape than A (a second mode, say), that
 * need not be the ratio of the medians, and then one number does not say which is faster.
 */
static void check_shapes(struct bench_work *work)
{
    const struct tare_summary *a = &work->benchmark->arms[0].summary;
    for (size_t i = 0; i < work->comparison_count; i++) {
        struct tare_result_comparison *out = &work->benchmark->comparisons[i];
        const struct tare_summary *b = &work->benchmark->arms[out->arm].summary;
        struct tare_comparison *comparison = &out->comparison;
        double medians = b->median / a->median, apart = fabs(log(comparison->ratio) - log(medians));
        double scatter =
            (b->median_high - b->median_low) / b->median + (a->median_high - a->median_low) / a->median;
        bool told = comparison->verdict == TARE_VERDICT_FASTER || comparison->verdict == TARE_VERDICT_SLOWER;
        if (told && apart > fmax(fabs(log(comparison->ratio)) / 2, work->call->options.margin + scatter)) {
            comparison->verdict = TARE_VERDICT_UNRESOLVED;
            free(out->reason);
            if (asprintf(
                    &out->reason,
                    "the two differ in shape: side by side %+.1f %%, by their medians %+.1f %%; see --plot",
                    (comparison->ratio - 1) * 100, (medians - 1) * 100) < 0) {
                out->reason = NULL;
            }
        }
    }
}

int bench_summarise(struct bench_work *work)
{
    bool *keep = choose_rounds(work);
    double *scratch = malloc((work->round_count + 1) * sizeof(*scratch));
    int failure = keep == NULL || scratch == NULL ? -ENOMEM : 0;
    for (size_t i = 0; i < work->arm_count && failure == 0; i++) {
        failure = summarise_arm(work, i, keep, scratch);
    }
    free(scratch);
    free(keep);
    if (failure == 0) {
        check_shapes(work);
    }
    return failure;
}

/* Cases of one benchmark that differ in one argument alone: the others, and the threads, are as in `like`. */
static bool in_sweep(const struct tare_result_benchmark *one, const struct tare_result_benchmark *like,
                     size_t argument)
{
    if (one->bench == NULL || strcmp(one->bench, like->bench) != 0 || one->arg_count != like->arg_count ||
        one->threads != like->threads) {
        return false;
    }
    for (size_t i = 0; i < one->arg_count; i++) {
        if (i != argument && one->args[i] != like->args[i]) {
            return false;
        }
    }
    return true;
}

static const struct tare_result_arm *arm_with(const struct tare_result_benchmark *one, const char *label)
{
    for (size_t i = 0; i < one->arm_count; i++) {
        if (strcmp(one->arms[i].label, label) == 0) {
            return &one->arms[i];
        }
    }
    return NULL;
}

/* What the sweep is called: the benchmark, and the arguments that stay the same. */
static char *sweep_name(const struct tare_result_benchmark *like, size_t argument)
{
    char *name = strdup(like->bench);
    for (size_t i = 0; i < like->arg_count && name != NULL && like->arg_count > 1; i++) {
        char *longer = NULL, number[32];
        snprintf(number, sizeof(number), "%.15g", like->args[i]);
        int written = asprintf(&longer, "%s/%s", name, i == argument ? "n" : number);
        free(name);
        name = written < 0 ? NULL : longer;
    }
    if (name != NULL && like->threads > 1) {
        char *longer = NULL;
        int written = asprintf(&longer, "%s/threads:%u", name, like->threads);
        free(name);
        name = written < 0 ? NULL : longer;
    }
    return name;
}

/* The growth over the sweep that `like` is the first case of, if it is. `arm` is an index in it. */
static int fit_growth(struct tare_result_bench *bench, size_t first, size_t argument, unsigned arm)
{
    enum { POINTS_MAX = 256 };
    double x[POINTS_MAX], y[POINTS_MAX];
    size_t n = 0;
    const struct tare_result_benchmark *like = &bench->benchmarks[first];
    for (size_t i = 0; i < bench->benchmark_count && n < POINTS_MAX; i++) {
        const struct tare_result_benchmark *one = &bench->benchmarks[i];
        if (!in_sweep(one, like, argument)) {
            continue;
        }
        if (i < first) {
            return 0; /* done before */
        }
        const struct tare_result_arm *found = arm_with(one, like->arms[arm].label);
        if (found != NULL && one->args[argument] > 0 && found->summary.median > 0) {
            x[n] = one->args[argument];
            y[n++] = found->summary.median;
        }
    }
    struct tare_growth growth;
    if (tare_growth_fit(x, y, n, &growth) != 0) {
        return 0;
    }
    char *name = sweep_name(like, argument);
    struct tare_result_growth *out = name != NULL ? tare_result_add_growth(bench, name) : NULL;
    free(name);
    if (out == NULL) {
        return -ENOMEM;
    }
    out->arm = arm;
    out->arg = (unsigned)argument;
    out->growth = growth;
    return 0;
}

int bench_growths(struct tare_result_bench *bench)
{
    int failure = 0;
    for (size_t i = 0; i < bench->benchmark_count && failure == 0; i++) {
        const struct tare_result_benchmark *like = &bench->benchmarks[i];
        for (size_t argument = 0; argument < like->arg_count && like->bench != NULL; argument++) {
            for (unsigned arm = 0; arm < like->arm_count && failure == 0; arm++) {
                if (!like->arms[arm].control) {
                    failure = fit_growth(bench, i, argument, arm);
                }
            }
        }
    }
    return failure;
}
