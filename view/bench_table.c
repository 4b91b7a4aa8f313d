/* SPDX-License-Identifier: MIT */
/*
 * Benchmarks for people: a block for each, so that a long call can show what it has while it goes on.
 *
 *     benchmark                        median  ± 95 %     MAD       min       p99    n
 *     ring_write/64                  12.34 ns   0.4 %   1.2 %  12.10 ns  13.01 ns   30
 *         first 1.79 µs, 145 ×; warm-up: 3 samples left out
 *
 * and where arms are compared, the answer first, and what it rests on below it:
 *
 *     ring_write/64
 *       => B is 1.8 % slower (1.5 to 2.1 %, 99.8 % sure over the call)
 *       A                            12.34 ns   0.4 %   1.2 %  12.10 ns  13.01 ns   40
 *       B                            12.56 ns   0.4 %   1.3 %  12.31 ns  13.22 ns   40
 *         control A against A: +0.1 % (-0.2 to +0.3 %); decided after 40 rounds; ...
 *
 * Laid out for 80 columns; a wider terminal gets a column for the rate and longer names, a narrower one fewer
 * columns. A name that does not fit its column has a line of its own, as no name is known before its benchmark
 * is done, and none has to be cut that way. Every text passes tare__view_safe(): names come from programs.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/text.h"
#include "view/bench.h"
#include "view/bench_text.h"
#include "view/columns.h"

enum {
    WIDTH = 80,
    WIDTH_MIN = 60,
    NAME_MAX_WIDTH = 60,
    INDENT = 4,     /* of facts below a benchmark */
    INDENT_ARM = 2, /* of the rows of arms and of verdicts */
    INDENT_ARM_FACTS = 5,
    LABEL_MAX = 12,   /* of an arm's label in its verdict: usually 1 */
    RANGE_WIDTH = 24, /* " (+12.34 to +12.45 %)" */
    CHANGE_WIDTH = 9, /* "+12.34 %" in the list of changes */
};

/* Least and highest values are shown as if they were known so well: with some four digits. */
#define EXTREME_DIGITS 0.002

enum column {
    COLUMN_MEDIAN,
    COLUMN_ERROR,
    COLUMN_MAD,
    COLUMN_MIN,
    COLUMN_P99,
    COLUMN_RATE,
    COLUMN_N,
    COLUMNS,
};

static const int column_widths[COLUMNS] = {
    [COLUMN_MEDIAN] = 10, [COLUMN_ERROR] = 7, [COLUMN_MAD] = 7, [COLUMN_MIN] = 9,
    [COLUMN_P99] = 9,     [COLUMN_RATE] = 10, [COLUMN_N] = 4,
};

struct layout {
    bool shown[COLUMNS];
    int name_width;
    size_t width;
};

static struct layout make_layout(const struct tare_view_options *options)
{
    int width = options->width == 0 ? WIDTH : options->width < WIDTH_MIN ? WIDTH_MIN : options->width;
    struct layout layout = {.width = (size_t)width};
    int rest = 0;
    for (int i = 0; i < COLUMNS; i++) {
        layout.shown[i] =
            !(i == COLUMN_RATE && width < 100) && !((i == COLUMN_MIN || i == COLUMN_P99) && width < 72);
        rest += layout.shown[i] ? column_widths[i] + 1 : 0;
    }
    layout.name_width = width - rest < NAME_MAX_WIDTH ? width - rest : NAME_MAX_WIDTH;
    return layout;
}

static struct tare__lines_out lines_to(FILE *out, const struct tare_view_options *options)
{
    return (struct tare__lines_out){
        .out = out, .options = options, .width = make_layout(options).width, .cut = options->width > 0};
}

/* Rows */

static void put_header(const struct tare__lines_out *lines, const struct layout *layout, double confidence)
{
    bool ascii = lines->options->ascii;
    char error[TARE__NUMBER_TEXT + 4], percent[TARE__NUMBER_TEXT];
    snprintf(error, sizeof error, "%s%s%s", ascii ? "+-" : "±", isfinite(confidence) ? " " : "",
             isfinite(confidence) ? tare__text_percent(percent, confidence) : "");
    const char *titles[COLUMNS] = {
        [COLUMN_MEDIAN] = "median", [COLUMN_ERROR] = error, [COLUMN_MAD] = "MAD", [COLUMN_MIN] = "min",
        [COLUMN_P99] = "p99",       [COLUMN_RATE] = "rate", [COLUMN_N] = "n",
    };
    fputs(lines->options->color ? TARE__DIM : "", lines->out);
    tare__text_pad(lines->out, "benchmark", layout->name_width);
    for (int i = 0; i < COLUMNS; i++) {
        if (layout->shown[i]) {
            putc(' ', lines->out);
            tare__text_pad(lines->out, titles[i], -column_widths[i]);
        }
    }
    fprintf(lines->out, "%s\n", lines->options->color ? TARE__PLAIN : "");
}

static const char *rate_cell(char text[TARE__NUMBER_TEXT], const struct tare_result_arm *arm)
{
    return isfinite(arm->bytes_per_op)
               ? tare__text_bytes_rate(text, arm->bytes_per_op, tare__rate_time(arm))
               : tare__text_items_rate(text, arm->items_per_op, tare__rate_time(arm), false);
}

static void put_cells(const struct tare__lines_out *lines, const struct layout *layout,
                      const struct tare_result_arm *arm)
{
    const struct tare_summary *summary = &arm->summary;
    double error = tare__median_error(summary), size = fabs(summary->median);
    bool ascii = lines->options->ascii, color = lines->options->color;
    for (int i = 0; i < COLUMNS; i++) {
        char text[TARE__NUMBER_TEXT];
        const char *cell = text;
        if (!layout->shown[i]) {
            continue;
        }
        switch (i) {
        case COLUMN_MEDIAN:
            tare__text_duration(text, summary->median, error, ascii);
            break;
        case COLUMN_ERROR:
            tare__text_percent(text, error / size);
            break;
        case COLUMN_MAD:
            tare__text_percent(text, summary->mad / size);
            break;
        case COLUMN_MIN:
            tare__text_duration(text, summary->min, fmax(error, summary->min * EXTREME_DIGITS), ascii);
            break;
        case COLUMN_P99:
            tare__text_duration(text, summary->p99, fmax(error, summary->p99 * EXTREME_DIGITS), ascii);
            break;
        case COLUMN_RATE:
            cell = rate_cell(text, arm);
            break;
        default:
            snprintf(text, sizeof text, "%zu", summary->n);
            break;
        }
        putc(' ', lines->out);
        fputs(color && i == COLUMN_MEDIAN ? TARE__BOLD : "", lines->out);
        tare__text_pad(lines->out, cell, -column_widths[i]);
        fputs(color && i == COLUMN_MEDIAN ? TARE__PLAIN : "", lines->out);
    }
    putc('\n', lines->out);
}

/* `name` behind `indent` blanks in its column, or in a line of its own if it does not fit. No newline then. */
static void put_name(struct tare__lines_out *lines, const struct layout *layout, size_t indent,
                     const char *name, bool bold)
{
    char *safe = lines->error == 0
                     ? tare__safe_cut(name, lines->cut ? layout->width - indent : 0, lines->options->ascii)
                     : NULL;
    if (safe == NULL) {
        lines->error = lines->error != 0 ? lines->error : -ENOMEM;
        return;
    }
    bool styled = bold && lines->options->color;
    int column = layout->name_width - (int)indent;
    size_t taken = tare__text_width(safe);
    fprintf(lines->out, "%*s%s%s%s", (int)indent, "", styled ? TARE__BOLD : "", safe,
            styled ? TARE__PLAIN : "");
    if (taken > (size_t)column) {
        fprintf(lines->out, "\n%*s", layout->name_width, "");
    } else {
        fprintf(lines->out, "%*s", column - (int)taken, "");
    }
    free(safe);
}

/* A line that holds a name alone. */
static void put_title(struct tare__lines_out *lines, size_t indent, const char *name)
{
    char *cut = tare__safe_cut(name, lines->cut ? lines->width - indent : 0, lines->options->ascii);
    if (cut == NULL) {
        lines->error = lines->error != 0 ? lines->error : -ENOMEM;
    } else {
        bool color = lines->options->color;
        fprintf(lines->out, "%*s%s%s%s\n", (int)indent, "", color ? TARE__BOLD : "", cut,
                color ? TARE__PLAIN : "");
    }
    free(cut);
}

static void put_failure(struct tare__lines_out *lines, size_t indent, const struct tare_result_arm *arm)
{
    if (arm->failure != NULL) {
        char *failed;
        bool skip = tare_result_is_skip(arm->failure);
        if (asprintf(&failed, "%s%s", skip ? "" : "failed: ", arm->failure) < 0) {
            lines->error = lines->error != 0 ? lines->error : -ENOMEM;
            return;
        }
        tare__lines_put(lines, indent, indent + INDENT, skip ? NULL : TARE__RED, failed, "");
        free(failed);
    }
}

/* What an arm is made of, and all figures of it. */
static void put_full(struct tare__lines_out *lines, size_t indent, const struct tare_result_arm *arm,
                     const struct tare_result_benchmark *benchmark, double confidence)
{
    struct tare__phrase facts[TARE__FACT_LINES] = {{0}};
    tare__facts_full(arm, benchmark, confidence, lines->options->ascii, facts);
    for (int i = 0; i < TARE__FACT_LINES; i++) {
        tare__lines_phrase(lines, indent, indent, NULL, &facts[i]);
    }
}

static void put_arm_facts(struct tare__lines_out *lines, const struct layout *layout, size_t indent,
                          const struct tare_result_arm *arm, const struct tare_result_benchmark *benchmark)
{
    bool ascii = lines->options->ascii;
    struct tare__phrase facts = {0};
    tare__facts_of_rate(arm, layout->shown[COLUMN_RATE], &facts);
    tare__facts_of_values(arm, benchmark, lines->options->full, ascii, &facts);
    tare__lines_phrase(lines, indent, indent, NULL, &facts);
    tare__facts_per_op(arm, lines->options->full, ascii, &facts);
    tare__lines_phrase(lines, indent, indent, NULL, &facts);
    for (size_t i = 0; i < arm->timer_count; i++) {
        tare__facts_of_timer(&arm->timers[i], ascii, &facts);
        tare__lines_phrase(lines, indent, indent, NULL, &facts);
    }
}

/* Rounds that were dropped, and what others took. */
static void put_machine(struct tare__lines_out *lines, size_t indent,
                        const struct tare_result_benchmark *benchmark, uint32_t processors, bool all)
{
    struct tare__phrase rounds = {0}, machine = {0};
    tare__facts_of_rounds(benchmark, &rounds);
    tare__facts_of_machine(benchmark, processors, all, &machine);
    if (machine.size > 0) {
        tare__phrase_item(&rounds, "%s", machine.text);
    }
    lines->error = lines->error != 0 ? lines->error : machine.error;
    tare__phrase_release(&machine);
    tare__lines_phrase(lines, indent, indent, TARE__DIM, &rounds);
}

/* One benchmark */

static void put_single(struct tare__lines_out *lines, const struct layout *layout,
                       const struct tare_result *result, const struct tare_result_benchmark *benchmark)
{
    const struct tare_result_arm *arm = benchmark->arm_count > 0 ? &benchmark->arms[0] : NULL;
    if (arm == NULL || arm->summary.n == 0) {
        put_title(lines, 0, benchmark->name);
    } else {
        put_name(lines, layout, 0, benchmark->name, false);
        put_cells(lines, layout, arm);
    }
    if (arm == NULL || (arm->summary.n == 0 && arm->failure == NULL)) {
        tare__lines_put(lines, INDENT, INDENT, NULL, "nothing was measured", "");
    }
    if (arm == NULL) {
        return;
    }
    put_failure(lines, INDENT, arm);
    if (lines->options->full) {
        put_full(lines, INDENT, arm, benchmark, result->confidence);
    }
    put_arm_facts(lines, layout, INDENT, arm, benchmark);
    put_machine(lines, INDENT, benchmark, result->environment.cpu_count, lines->options->full);
}

static void put_verdict(struct tare__lines_out *lines, const struct tare_result_bench *bench,
                        const struct tare_result_benchmark *benchmark,
                        const struct tare_result_comparison *found)
{
    const struct tare_result_arm *arm = tare__compared_arm(benchmark, found);
    uint64_t rounds = benchmark->contamination.rounds;
    char *label = tare__safe_cut(arm != NULL ? arm->label : "?", LABEL_MAX, lines->options->ascii);
    if (label == NULL) {
        lines->error = -ENOMEM;
        return;
    }
    const struct tare__verdict_terms terms = {
        .label = label,
        .alpha = bench->settings.alpha,
        .margin = bench->settings.margin,
        .round_ns = rounds > 0 ? benchmark->spent_ns / (double)rounds : NAN,
        .ascii = lines->options->ascii,
    };
    struct tare__phrase head = {0}, rest = {0};
    tare__phrase_add(&head, "=> ");
    tare__verdict_say(found, &terms, &head, &rest);
    if (head.error != 0 || rest.error != 0) {
        lines->error = lines->error != 0 ? lines->error : -ENOMEM;
    } else {
        tare__lines_put(lines, INDENT_ARM, INDENT_ARM_FACTS, tare__verdict_style(&found->comparison), head.text,
                        rest.text != NULL ? rest.text : "");
    }
    free(label);
    tare__phrase_release(&head);
    tare__phrase_release(&rest);
    tare__ran_say(benchmark, found, lines->options->ascii, &rest);
    tare__lines_phrase(lines, INDENT_ARM_FACTS, INDENT_ARM_FACTS, NULL, &rest);
}

/* The control arm, how long it took and what else the machine did. */
static void put_evidence(struct tare__lines_out *lines, const struct tare_result_benchmark *benchmark,
                         uint32_t processors)
{
    struct tare__phrase evidence = {0};
    tare__facts_of_control(benchmark, lines->options->ascii, &evidence);
    if (benchmark->layouts > 1) {
        tare__phrase_item(&evidence, "%u layouts", benchmark->layouts);
    }
    tare__lines_phrase(lines, INDENT_ARM_FACTS, INDENT_ARM_FACTS, TARE__DIM, &evidence);
    put_machine(lines, INDENT_ARM_FACTS, benchmark, processors, true);
}

static bool same_text(const char *a, const char *b)
{
    return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

/* Whether the legend above says it already. */
static bool in_legend(const struct tare_result_bench *bench, size_t index, const struct tare_result_arm *arm)
{
    const struct tare_result_benchmark *first = &bench->benchmarks[0];
    return index < first->arm_count && same_text(first->arms[index].what, arm->what) &&
           same_text(first->arms[index].revision, arm->revision) &&
           same_text(first->arms[index].label, arm->label);
}

static char *arm_name(const struct tare_result_bench *bench, size_t index, const struct tare_result_arm *arm)
{
    char *name;
    if (in_legend(bench, index, arm)) {
        return strdup(arm->label);
    }
    return asprintf(&name, "%s  %s%s%.12s", arm->label, arm->what, arm->revision != NULL ? " at " : "",
                    arm->revision != NULL ? arm->revision : "") < 0
               ? NULL
               : name;
}

static void put_arm(struct tare__lines_out *lines, const struct layout *layout,
                    const struct tare_result *result, const struct tare_result_benchmark *benchmark,
                    size_t index)
{
    const struct tare_result_arm *arm = &benchmark->arms[index];
    struct tare__phrase facts = {0};
    bool full = lines->options->full;
    if (arm->control && !full && arm->failure == NULL) {
        return;
    }
    char *name = arm_name(result->bench, index, arm);
    if (name == NULL) {
        lines->error = -ENOMEM;
        return;
    }
    if (arm->summary.n == 0) {
        put_title(lines, INDENT_ARM, name);
    } else {
        put_name(lines, layout, INDENT_ARM, name, false);
        put_cells(lines, layout, arm);
    }
    free(name);
    if (arm->summary.n == 0 && arm->failure == NULL) {
        tare__lines_put(lines, INDENT_ARM_FACTS, INDENT_ARM_FACTS, NULL, "nothing was measured", "");
    }
    put_failure(lines, INDENT_ARM_FACTS, arm);
    if (full) {
        put_full(lines, INDENT_ARM_FACTS, arm, benchmark, result->confidence);
        put_arm_facts(lines, layout, INDENT_ARM_FACTS, arm, benchmark);
        return;
    }
    tare__facts_of_doubt(arm, lines->options->ascii, &facts);
    tare__lines_phrase(lines, INDENT_ARM_FACTS, INDENT_ARM_FACTS, NULL, &facts);
}

static void put_compared(struct tare__lines_out *lines, const struct layout *layout,
                         const struct tare_result *result, const struct tare_result_benchmark *benchmark)
{
    putc('\n', lines->out);
    put_title(lines, 0, benchmark->name);
    for (size_t i = 0; i < benchmark->comparison_count; i++) {
        put_verdict(lines, result->bench, benchmark, &benchmark->comparisons[i]);
    }
    if (benchmark->comparison_count == 0) {
        tare__lines_put(lines, INDENT_ARM, INDENT_ARM_FACTS, TARE__YELLOW, "=> no verdict", "");
    }
    for (size_t i = 0; i < benchmark->arm_count && lines->error == 0; i++) {
        put_arm(lines, layout, result, benchmark, i);
    }
    for (size_t i = 0; i < benchmark->comparison_count; i++) {
        const struct tare_result_arm *arm = tare__compared_arm(benchmark, &benchmark->comparisons[i]);
        struct tare__phrase apart = {0};
        if (arm != NULL) {
            tare__facts_apart(&benchmark->arms[0], arm, lines->options->ascii, &apart);
        }
        tare__lines_phrase(lines, INDENT_ARM_FACTS, INDENT_ARM_FACTS, NULL, &apart);
    }
    put_evidence(lines, benchmark, result->environment.cpu_count);
}

/* What the letters stand for, once. */
static void put_legend(struct tare__lines_out *lines, const struct tare_result_benchmark *benchmark)
{
    for (size_t i = 0; i < benchmark->arm_count && benchmark->arm_count > 1; i++) {
        const struct tare_result_arm *arm = &benchmark->arms[i];
        struct tare__phrase phrase = {0};
        if (arm->control) {
            continue;
        }
        tare__phrase_add(&phrase, "%s  %s", arm->label, arm->what);
        if (arm->revision != NULL) {
            tare__phrase_add(&phrase, " at %.12s", arm->revision);
        }
        tare__lines_phrase(lines, 0, INDENT, NULL, &phrase);
    }
}

static int finished(const struct tare__lines_out *lines)
{
    int error = tare__view_finish(lines->out);
    return lines->error != 0 ? lines->error : error;
}

int tare_view_bench_one(const struct tare_result *result, size_t index, const struct tare_view_options *options,
                        bool plot, FILE *out)
{
    struct tare__lines_out lines = lines_to(out, options);
    struct layout layout = make_layout(options);
    if (result->bench == NULL || index >= result->bench->benchmark_count) {
        return -EINVAL;
    }
    const struct tare_result_benchmark *benchmark = &result->bench->benchmarks[index];
    if (index == 0) {
        put_legend(&lines, benchmark);
        fputs(benchmark->arm_count > 1 ? "\n" : "", out);
        put_header(&lines, &layout, result->confidence);
    }
    if (benchmark->arm_count > 1) {
        put_compared(&lines, &layout, result, benchmark);
    } else {
        put_single(&lines, &layout, result, benchmark);
    }
    if (plot && lines.error == 0) {
        lines.error = tare_view_bench_plot(benchmark, options, out);
    }
    return finished(&lines);
}

/* At the end */

static void put_changes(struct tare__lines_out *lines, const struct tare_result_bench *bench)
{
    struct tare__change *changes;
    size_t count;
    int error = tare__changes_sorted(bench, &changes, &count);
    if (error != 0) {
        lines->error = error;
        return;
    }
    for (size_t i = 0; i < count && lines->error == 0; i++) {
        const struct tare_result_benchmark *benchmark = changes[i].benchmark;
        const struct tare_comparison *comparison = &changes[i].comparison->comparison;
        const struct tare_result_arm *arm = tare__compared_arm(benchmark, changes[i].comparison);
        char change[TARE__NUMBER_TEXT], range[TARE__NUMBER_TEXT];
        bool ascii = lines->options->ascii;
        struct tare__phrase cells = {0}, name = {0};
        tare__text_change(change, comparison->ratio, comparison->low, comparison->high, ascii);
        tare__text_change_range(range, comparison->ratio, comparison->low, comparison->high, ascii);
        size_t taken = tare__text_width(change);
        tare__phrase_add(&cells, "%s %*s%s", tare_verdict_names[comparison->verdict],
                         taken < CHANGE_WIDTH ? (int)(CHANGE_WIDTH - taken) : 0, "", change);
        size_t hang = INDENT_ARM + 7 + CHANGE_WIDTH + 2;
        char *cut = tare__safe_cut(benchmark->name, lines->cut ? lines->width - hang - RANGE_WIDTH : 0, ascii);
        tare__phrase_add(&name, "  %s", cut != NULL ? cut : "");
        name.error = cut == NULL ? -ENOMEM : name.error;
        free(cut);
        if (benchmark->comparison_count > 1 && arm != NULL) {
            tare__phrase_add(&name, " %s", arm->label);
        }
        if (isfinite(comparison->low) && isfinite(comparison->high)) {
            tare__phrase_add(&name, " (%s)", range);
        }
        tare__phrase_add(&name, "%s", comparison->within_margin ? ", less than the margin" : "");
        if (name.error != 0 || cells.error != 0) {
            lines->error = -ENOMEM;
        } else {
            tare__lines_put(lines, INDENT_ARM, hang, tare__verdict_style(comparison), cells.text, name.text);
        }
        tare__phrase_release(&cells);
        tare__phrase_release(&name);
    }
    free(changes);
}

static void put_summary(struct tare__lines_out *lines, const struct tare_result_bench *bench)
{
    struct tare__phrase phrase = {0};
    tare__facts_of_verdicts(bench, &phrase);
    if (phrase.size == 0) {
        return;
    }
    /* One comparison has said it all by itself. */
    bool several = bench->benchmark_count > 1 || bench->benchmarks[0].comparison_count > 1;
    if (several) {
        putc('\n', lines->out);
        tare__lines_phrase(lines, 0, INDENT, TARE__BOLD, &phrase);
        put_changes(lines, bench);
    }
    tare__phrase_release(&phrase);
}

static void put_rule(struct tare__lines_out *lines, const struct tare_result_bench *bench)
{
    struct tare__phrase phrase = {0};
    tare__facts_of_rule(bench, lines->options->full, &phrase);
    fputs(phrase.size > 0 ? "\n" : "", lines->out);
    tare__lines_phrase(lines, 0, 0, TARE__DIM, &phrase);
}

static void put_failures(struct tare__lines_out *lines, const struct tare_result_bench *bench)
{
    size_t failed = 0, skipped = 0;
    for (size_t i = 0; i < bench->benchmark_count; i++) {
        bool fails = false, skips = false;
        for (size_t j = 0; j < bench->benchmarks[i].arm_count; j++) {
            const char *failure = bench->benchmarks[i].arms[j].failure;
            skips |= tare_result_is_skip(failure);
            fails |= failure != NULL && !tare_result_is_skip(failure);
        }
        failed += fails;
        skipped += skips && !fails;
    }
    char text[96];
    if (failed > 0) {
        snprintf(text, sizeof text, "%zu of %zu benchmarks failed", failed, bench->benchmark_count);
        tare__lines_put(lines, 0, 0, TARE__RED, text, "");
    }
    if (skipped > 0) {
        snprintf(text, sizeof text, "%zu of %zu benchmarks skipped", skipped, bench->benchmark_count);
        tare__lines_put(lines, 0, 0, NULL, text, "");
    }
}

int tare_view_bench_end(const struct tare_result *result, const struct tare_view_options *options, FILE *out)
{
    struct tare__lines_out lines = lines_to(out, options);
    const struct tare_result_bench *bench = result->bench;
    struct tare__view_lines notes = {0};
    if (bench == NULL) {
        return -EINVAL;
    }
    if (bench->benchmark_count == 0) {
        tare__lines_put(&lines, 0, 0, NULL, "no benchmarks", "");
    }
    for (size_t i = 0; i < bench->growth_count; i++) {
        struct tare__phrase growth = {0};
        tare__facts_of_growth(bench, &bench->growths[i], options->full, options->ascii, &growth);
        fputs(i == 0 ? "\n" : "", out);
        tare__lines_phrase(&lines, 0, INDENT, NULL, &growth);
    }
    put_summary(&lines, bench);
    put_rule(&lines, bench);
    put_failures(&lines, bench);
    for (char **note = result->notes; note != NULL && *note != NULL; note++) {
        tare__view_say(&notes, "note: %s", *note);
    }
    tare__view_note_fingerprint(&notes, result);
    for (size_t i = 0; i < notes.count; i++) {
        tare__lines_put(&lines, 0, INDENT, NULL, notes.lines[i], "");
    }
    lines.error = lines.error != 0 ? lines.error : notes.error;
    tare__view_lines_release(&notes);
    if (result->incomplete) {
        putc('\n', out);
        struct tare__phrase rest = {0};
        tare__phrase_add(&rest, ": %s, so that this is what there was until then",
                         bench->ended_by != NULL ? bench->ended_by : "interrupted");
        lines.error = lines.error != 0 ? lines.error : rest.error;
        tare__lines_put(&lines, 0, INDENT, TARE__RED, "INCOMPLETE", rest.text != NULL ? rest.text : "");
        tare__phrase_release(&rest);
    }
    return finished(&lines);
}

int tare__bench_table(const struct tare_result *result, const struct tare_view_options *options, bool plot,
                      FILE *out)
{
    int error = 0;
    for (size_t i = 0; error == 0 && i < result->bench->benchmark_count; i++) {
        error = tare_view_bench_one(result, i, options, plot, out);
    }
    return error != 0 ? error : tare_view_bench_end(result, options, out);
}

int tare_view_bench(const struct tare_result *result, const struct tare_view_options *options,
                    enum tare_format format, bool plot, FILE *out)
{
    if (result->bench == NULL) {
        return -EINVAL;
    }
    switch (format) {
    case TARE_FORMAT_TABLE:
        return tare__bench_table(result, options, plot, out);
    case TARE_FORMAT_MARKDOWN:
        return tare__bench_markdown(result, options, plot, out);
    case TARE_FORMAT_CSV:
        return tare__bench_csv(result, out);
    default: /* JSON is result/'s, and the others are a profile's */
        break;
    }
    return -EINVAL;
}
