/* SPDX-License-Identifier: MIT */
/*
 * Benchmarks as a Markdown table, for a README or a discussion: a row for each benchmark, or for each
 * comparison; below it what puts the figures in doubt, growth, and what the words mean. Texts come from
 * programs, and may try to be markup.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "view/bench.h"
#include "view/bench_text.h"
#include "view/columns.h"
#include "view/escape.h"

struct markdown {
    FILE *out;
    const struct tare_result *result;
    const struct tare_view_options *options;
    int error; /* the first; then nothing more is written */
};

static void put_text(struct markdown *markdown, const char *text)
{
    if (markdown->error == 0) {
        markdown->error = tare__escape_markdown(markdown->out, text, markdown->options->ascii);
    }
}

static void put_cell(struct markdown *markdown, const char *text)
{
    fputs("| ", markdown->out);
    put_text(markdown, text);
    putc(' ', markdown->out);
}

static void end_row(struct markdown *markdown)
{
    fputs("|\n", markdown->out);
}

/*
 * A line behind `before`, if the phrase holds anything; it is released. Phrases begin with a word of ours, so
 * that none turns into a list or a heading.
 */
static void put_phrase(struct markdown *markdown, const char *before, struct tare__phrase *phrase)
{
    markdown->error = markdown->error != 0 ? markdown->error : phrase->error;
    if (phrase->size > 0) {
        fputs(before, markdown->out);
        put_text(markdown, phrase->text);
        putc('\n', markdown->out);
    }
    tare__phrase_release(phrase);
}

static void put_header(struct markdown *markdown, const char *const *titles, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        fprintf(markdown->out, "| %s ", titles[i]);
    }
    end_row(markdown);
    for (size_t i = 0; i < count; i++) {
        bool text = strcmp(titles[i], "benchmark") == 0 || strcmp(titles[i], "verdict") == 0;
        fputs(text ? "| :--- " : "| ---: ", markdown->out);
    }
    end_row(markdown);
}

/* "12.34 ns ± 0.05 ns" */
static void put_median(struct markdown *markdown, const struct tare_result_arm *arm)
{
    const struct tare_summary *summary = &arm->summary;
    bool ascii = markdown->options->ascii;
    char median[TARE__NUMBER_TEXT], error[TARE__NUMBER_TEXT], cell[2 * TARE__NUMBER_TEXT + 8];
    double half = tare__median_error(summary);
    tare__text_duration(median, summary->median, half, ascii);
    if (isfinite(half) && isfinite(summary->median)) {
        snprintf(cell, sizeof cell, "%s %s %s", median, ascii ? "+-" : "±",
                 tare__text_duration(error, half, half, ascii));
    } else {
        snprintf(cell, sizeof cell, "%s", median);
    }
    put_cell(markdown, summary->n == 0 && arm->failure != NULL
                           ? (tare_result_is_skip(arm->failure) ? "skipped" : "failed")
                           : cell);
}

static bool has_rate(const struct tare_result_bench *bench)
{
    for (size_t i = 0; i < bench->benchmark_count; i++) {
        for (size_t j = 0; j < bench->benchmarks[i].arm_count; j++) {
            const struct tare_result_arm *arm = &bench->benchmarks[i].arms[j];
            if (isfinite(arm->bytes_per_op) || isfinite(arm->items_per_op)) {
                return true;
            }
        }
    }
    return false;
}

static void put_single(struct markdown *markdown, const struct tare_result_benchmark *benchmark, bool rates)
{
    bool ascii = markdown->options->ascii;
    char text[TARE__NUMBER_TEXT];
    put_cell(markdown, benchmark->name);
    if (benchmark->arm_count == 0) {
        fputs(rates ? "| - | - | - | - | - | 0 " : "| - | - | - | - | 0 ", markdown->out);
        end_row(markdown);
        return;
    }
    const struct tare_result_arm *arm = &benchmark->arms[0];
    const struct tare_summary *summary = &arm->summary;
    double half = tare__median_error(summary);
    put_median(markdown, arm);
    put_cell(markdown, tare__text_percent(text, summary->mad / fabs(summary->median)));
    put_cell(markdown, tare__text_duration(text, summary->min, half, ascii));
    put_cell(markdown, tare__text_duration(text, summary->p99, half, ascii));
    if (rates) {
        put_cell(markdown, isfinite(arm->bytes_per_op)
                               ? tare__text_bytes_rate(text, arm->bytes_per_op, tare__rate_time(arm))
                               : tare__text_items_rate(text, arm->items_per_op, tare__rate_time(arm), false));
    }
    snprintf(text, sizeof text, "%zu", summary->n);
    put_cell(markdown, text);
    end_row(markdown);
}

static void put_verdict(struct markdown *markdown, const struct tare_comparison *comparison)
{
    char number[TARE__NUMBER_TEXT];
    enum tare_verdict verdict =
        comparison->verdict < TARE_VERDICTS ? comparison->verdict : TARE_VERDICT_UNRESOLVED;
    bool differs = verdict == TARE_VERDICT_FASTER || verdict == TARE_VERDICT_SLOWER;
    const char *strong = differs && !comparison->within_margin ? "**" : "";
    fprintf(markdown->out, "| %s%s%s", strong, tare_verdict_names[verdict], strong);
    if (differs && comparison->within_margin) {
        fputs(", within the margin", markdown->out);
    } else if (verdict == TARE_VERDICT_UNRESOLVED && comparison->control_differs) {
        fputs(": the control arm differs", markdown->out);
    } else if (verdict == TARE_VERDICT_UNRESOLVED && isfinite(comparison->smallest)) {
        fprintf(markdown->out, ": could have seen %s", tare__text_percent(number, comparison->smallest));
    }
    putc(' ', markdown->out);
}

static void put_comparison(struct markdown *markdown, const struct tare_result_benchmark *benchmark,
                           const struct tare_result_comparison *found)
{
    const struct tare_comparison *comparison = &found->comparison;
    const struct tare_result_arm *arm = tare__compared_arm(benchmark, found);
    bool ascii = markdown->options->ascii;
    char text[TARE__NUMBER_TEXT];
    struct tare__phrase name = {0};
    tare__phrase_add(&name, "%s", benchmark->name);
    if (benchmark->comparison_count > 1 && arm != NULL) {
        tare__phrase_add(&name, ", %s", arm->label);
    }
    put_cell(markdown, name.text != NULL ? name.text : "");
    tare__phrase_release(&name);
    if (benchmark->arm_count > 0 && arm != NULL) {
        put_median(markdown, &benchmark->arms[0]);
        put_median(markdown, arm);
    } else {
        fputs("| - | - ", markdown->out);
    }
    put_cell(markdown, tare__text_change(text, comparison->ratio, comparison->low, comparison->high, ascii));
    put_cell(markdown,
             tare__text_change_range(text, comparison->ratio, comparison->low, comparison->high, ascii));
    put_verdict(markdown, comparison);
    end_row(markdown);
}

/* What a table of comparisons has no row for: those that failed before there was one. */
static void put_uncompared(struct markdown *markdown, const struct tare_result_benchmark *benchmark)
{
    put_cell(markdown, benchmark->name);
    for (size_t i = 0, shown = 0; shown < 2; i++) {
        if (i >= benchmark->arm_count) {
            put_cell(markdown, "-");
            shown++;
        } else if (!benchmark->arms[i].control) {
            put_median(markdown, &benchmark->arms[i]);
            shown++;
        }
    }
    fputs("| - | - | - ", markdown->out);
    end_row(markdown);
}

static void put_doubts(struct markdown *markdown, const struct tare_result_benchmark *benchmark)
{
    for (size_t i = 0; i < benchmark->arm_count; i++) {
        const struct tare_result_arm *arm = &benchmark->arms[i];
        struct tare__phrase doubt = {0}, line = {0};
        if (arm->failure != NULL) {
            tare__phrase_item(&doubt, "%s%s",
                              tare_result_is_skip(arm->failure) ? "" : "failed: ", arm->failure);
        }
        tare__facts_of_doubt(arm, markdown->options->ascii, &doubt);
        if (benchmark->arm_count == 1) {
            tare__facts_of_rounds(benchmark, &doubt);
        }
        if (doubt.size > 0) {
            tare__phrase_add(&line, "note: %s%s%s: %s", benchmark->name, benchmark->arm_count > 1 ? ", " : "",
                             benchmark->arm_count > 1 ? arm->label : "", doubt.text);
        }
        line.error = line.error != 0 ? line.error : doubt.error;
        tare__phrase_release(&doubt);
        put_phrase(markdown, "\n", &line);
    }
}

/* The control arm and the rounds of each comparison. */
static void put_evidence(struct markdown *markdown, const struct tare_result_benchmark *benchmark,
                         uint32_t processors)
{
    struct tare__phrase line = {0}, evidence = {0}, machine = {0};
    tare__facts_of_control(benchmark, markdown->options->ascii, &evidence);
    tare__facts_of_rounds(benchmark, &evidence);
    tare__facts_of_machine(benchmark, processors, true, &machine);
    if (machine.size > 0) {
        tare__phrase_item(&evidence, "%s", machine.text);
    }
    if (evidence.size > 0) {
        tare__phrase_add(&line, "of %s: %s", benchmark->name, evidence.text);
    }
    line.error = line.error != 0 ? line.error : evidence.error != 0 ? evidence.error : machine.error;
    tare__phrase_release(&evidence);
    tare__phrase_release(&machine);
    put_phrase(markdown, "- ", &line);
}

/* Folded: who doubts a verdict wants to see it. */
static void put_all_evidence(struct markdown *markdown, const struct tare_result *result)
{
    const struct tare_result_bench *bench = result->bench;
    fputs("\n<details>\n<summary>control arms, rounds, and what else the machine did</summary>\n\n",
          markdown->out);
    for (size_t i = 0; i < bench->benchmark_count; i++) {
        if (bench->benchmarks[i].arm_count > 1) {
            put_evidence(markdown, &bench->benchmarks[i], result->environment.cpu_count);
        }
    }
    fputs("\n</details>\n", markdown->out);
}

static void put_plot(struct markdown *markdown, const struct tare_result_benchmark *benchmark)
{
    fputs("\nvalues of ", markdown->out);
    put_text(markdown, benchmark->name);
    fputs("\n\n```text\n", markdown->out);
    if (markdown->error == 0) {
        markdown->error = tare_view_bench_plot(benchmark, markdown->options, markdown->out);
    }
    fputs("```\n", markdown->out);
}

static void put_legend(struct markdown *markdown, const struct tare_result_benchmark *benchmark)
{
    for (size_t i = 0; i < benchmark->arm_count && benchmark->arm_count > 1; i++) {
        const struct tare_result_arm *arm = &benchmark->arms[i];
        struct tare__phrase phrase = {0};
        if (!arm->control) {
            tare__phrase_add(&phrase, "arm %s: %s", arm->label, arm->what);
            if (arm->revision != NULL) {
                tare__phrase_add(&phrase, " at %.12s", arm->revision);
            }
        }
        put_phrase(markdown, "\n", &phrase);
    }
}

static void put_rows(struct markdown *markdown, const struct tare_result_bench *bench, bool compared)
{
    static const char *const titles_compared[] = {"benchmark", "A", "B", "change", "interval", "verdict"};
    bool rates = has_rate(bench), ascii = markdown->options->ascii;
    const char *titles[7] = {"benchmark", ascii ? "median +-" : "median ±", "MAD", "min", "p99"};
    size_t count = 5;
    if (rates) {
        titles[count++] = "rate";
    }
    titles[count++] = "n";
    if (compared) {
        put_header(markdown, titles_compared, sizeof titles_compared / sizeof titles_compared[0]);
    } else {
        put_header(markdown, titles, count);
    }
    for (size_t i = 0; i < bench->benchmark_count; i++) {
        const struct tare_result_benchmark *benchmark = &bench->benchmarks[i];
        if (!compared) {
            put_single(markdown, benchmark, rates);
            continue;
        }
        for (size_t j = 0; j < benchmark->comparison_count; j++) {
            put_comparison(markdown, benchmark, &benchmark->comparisons[j]);
        }
        if (benchmark->comparison_count == 0) {
            put_uncompared(markdown, benchmark);
        }
    }
}

int tare__bench_markdown(const struct tare_result *result, const struct tare_view_options *options, bool plot,
                         FILE *out)
{
    struct markdown markdown = {.out = out, .result = result, .options = options};
    const struct tare_result_bench *bench = result->bench;
    struct tare__phrase phrase = {0};
    bool compared = false;
    if (result->incomplete) {
        fputs("**INCOMPLETE**: ", out);
        put_text(&markdown, bench->ended_by != NULL ? bench->ended_by : "interrupted");
        fputs(", so that this is what there was until then\n\n", out);
    }
    if (bench->benchmark_count == 0) {
        fputs("no benchmarks\n", out);
    } else {
        for (size_t i = 0; i < bench->benchmark_count; i++) {
            compared |= bench->benchmarks[i].arm_count > 1;
        }
        put_rows(&markdown, bench, compared);
        put_legend(&markdown, &bench->benchmarks[0]);
    }
    tare__facts_of_verdicts(bench, &phrase);
    put_phrase(&markdown, "\n", &phrase);
    for (size_t i = 0; i < bench->benchmark_count; i++) {
        put_doubts(&markdown, &bench->benchmarks[i]);
    }
    for (size_t i = 0; i < bench->growth_count; i++) {
        tare__phrase_add(&phrase, "growth: ");
        tare__facts_of_growth(bench, &bench->growths[i], options->full, options->ascii, &phrase);
        put_phrase(&markdown, "\n", &phrase);
    }
    for (size_t i = 0; plot && i < bench->benchmark_count; i++) {
        put_plot(&markdown, &bench->benchmarks[i]);
    }
    if (compared) {
        put_all_evidence(&markdown, result);
    }
    tare__facts_of_rule(bench, options->full, &phrase);
    put_phrase(&markdown, "\n", &phrase);
    struct tare__view_lines notes = {0};
    for (char **note = result->notes; note != NULL && *note != NULL; note++) {
        tare__view_say(&notes, "note: %s", *note);
    }
    tare__view_note_fingerprint(&notes, result);
    for (size_t i = 0; i < notes.count; i++) {
        putc('\n', out);
        put_text(&markdown, notes.lines[i]);
        putc('\n', out);
    }
    markdown.error = markdown.error != 0 ? markdown.error : notes.error;
    tare__view_lines_release(&notes);
    int error = tare__view_finish(out);
    return markdown.error != 0 ? markdown.error : error;
}
