/* SPDX-License-Identifier: MIT */
/*
 * Benchmarks as CSV: a line for each benchmark and arm, as view/csv.c writes it: units stand in the names,
 * numbers have all of their digits and a decimal point in every locale, what is unknown is empty, text is as
 * it is. The comparison of an arm with A stands in the arm's own line. Columns are added at the end; none
 * changes its name.
 */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "view/bench.h"
#include "view/bench_text.h"
#include "view/columns.h"
#include "view/escape.h"

struct csv {
    FILE *out;
    bool first; /* in its line */
};

static void put_raw(struct csv *csv, const char *text)
{
    fprintf(csv->out, "%s%s", csv->first ? "" : ",", text);
    csv->first = false;
}

static void put_text(struct csv *csv, const char *text)
{
    put_raw(csv, "");
    tare__escape_csv(csv->out, text);
}

static void put_number(struct csv *csv, double value)
{
    char number[TARE__VIEW_NUMBER];
    put_raw(csv, isfinite(value) ? tare__view_number(number, value) : "");
}

static void put_count(struct csv *csv, uint64_t count)
{
    char text[24] = "";
    if (count != TARE_COUNT_UNKNOWN) {
        snprintf(text, sizeof text, "%" PRIu64, count);
    }
    put_raw(csv, text);
}

static void put_answer(struct csv *csv, bool known, bool answer)
{
    put_raw(csv, !known ? "" : answer ? "true" : "false");
}

static void end_line(struct csv *csv)
{
    putc('\n', csv->out);
    csv->first = true;
}

static const char *const before_counts[] = {
    "benchmark",
    "bench",
    "args",
    "threads",
    "arm",
    "control",
    "what",
    "revision",
    "failure",
    "exit_code",
    "n",
    "median_ns",
    "median_low_ns",
    "median_high_ns",
    "mad_ns",
    "mean_ns",
    "sd_ns",
    "cv",
    "min_ns",
    "p50_ns",
    "p95_ns",
    "p99_ns",
    "max_ns",
    "outliers_low_severe",
    "outliers_low_mild",
    "outliers_high_mild",
    "outliers_high_severe",
    "modes",
    "first_ns",
    "warmup",
    "warmup_settled",
    "iterations",
    "samples",
    "loop_ns",
    "start_ns",
    "bytes_per_op",
    "items_per_op",
};

static const char *const behind_counts[] = {
    "verdict",        "ratio",           "ratio_low",    "ratio_high",    "confidence",
    "within_margin",  "control_ratio",   "control_low",  "control_high",  "control_differs",
    "units",          "smallest_change", "units_needed", "decided_early", "rounds",
    "rounds_dropped", "steal_ns",        "wait_ns",      "measured_ns",   "involuntary_switches",
    "migrations",     "pressure_ns",     "spent_ns",
};

static void put_header(struct csv *csv)
{
    for (size_t i = 0; i < sizeof before_counts / sizeof before_counts[0]; i++) {
        put_raw(csv, before_counts[i]);
    }
    for (int i = 0; i < TARE_PER_OPS; i++) {
        char name[64];
        snprintf(name, sizeof name, "%s_per_op", tare_per_op_names[i]);
        put_raw(csv, name);
    }
    for (size_t i = 0; i < sizeof behind_counts / sizeof behind_counts[0]; i++) {
        put_raw(csv, behind_counts[i]);
    }
    end_line(csv);
}

static void put_summary(struct csv *csv, const struct tare_summary *summary)
{
    const double figures[] = {
        summary->median, summary->median_low, summary->median_high, summary->mad, summary->mean, summary->sd,
        summary->cv,     summary->min,        summary->p50,         summary->p95, summary->p99,  summary->max,
    };
    bool any = summary->n > 0;
    put_count(csv, summary->n);
    for (size_t i = 0; i < sizeof figures / sizeof figures[0]; i++) {
        put_number(csv, figures[i]);
    }
    for (int i = 0; i < TARE_OUTLIER_CLASSES; i++) {
        if (i != TARE_OUTLIER_NORMAL) {
            put_count(csv, any ? summary->outliers[i] : TARE_COUNT_UNKNOWN);
        }
    }
    put_count(csv, any && summary->modes.count > 0 ? summary->modes.count : TARE_COUNT_UNKNOWN);
}

static void put_arm(struct csv *csv, const struct tare_result_benchmark *benchmark,
                    const struct tare_result_arm *arm)
{
    char number[TARE__VIEW_NUMBER];
    put_text(csv, benchmark->name);
    put_text(csv, benchmark->bench);
    for (size_t i = 0; i < benchmark->arg_count; i++) { /* separated by blanks, in one cell */
        if (i == 0) {
            put_raw(csv, tare__view_number(number, benchmark->args[i]));
        } else {
            fprintf(csv->out, " %s", tare__view_number(number, benchmark->args[i]));
        }
    }
    if (benchmark->arg_count == 0) {
        put_raw(csv, "");
    }
    put_count(csv, benchmark->threads);
    put_text(csv, arm->label);
    put_answer(csv, true, arm->control);
    put_text(csv, arm->what);
    put_text(csv, arm->revision);
    put_text(csv, arm->failure);
    put_count(csv, arm->exit_code >= 0 ? (uint64_t)arm->exit_code : TARE_COUNT_UNKNOWN);
    put_summary(csv, &arm->summary);
    put_number(csv, arm->first_ns);
    put_count(csv, arm->warmup);
    put_answer(csv, arm->warmup_settled >= 0, arm->warmup_settled > 0);
    put_count(csv, arm->iterations > 0 ? arm->iterations : TARE_COUNT_UNKNOWN);
    put_count(csv, arm->samples > 0 ? arm->samples : TARE_COUNT_UNKNOWN);
    put_number(csv, arm->loop_ns);
    put_number(csv, arm->start_ns);
    put_number(csv, arm->bytes_per_op);
    put_number(csv, arm->items_per_op);
    for (int i = 0; i < TARE_PER_OPS; i++) {
        put_number(csv, arm->per_op[i]);
    }
}

static void put_comparison(struct csv *csv, const struct tare_result_comparison *found)
{
    enum { CELLS = 14 };
    if (found == NULL) {
        for (int i = 0; i < CELLS; i++) {
            put_raw(csv, "");
        }
        return;
    }
    const struct tare_comparison *comparison = &found->comparison;
    bool judged = isfinite(comparison->low) && isfinite(comparison->high);
    put_raw(csv, comparison->verdict < TARE_VERDICTS ? tare_verdict_names[comparison->verdict] : "");
    put_number(csv, comparison->ratio);
    put_number(csv, comparison->low);
    put_number(csv, comparison->high);
    put_number(csv, comparison->confidence);
    put_answer(csv, judged, comparison->within_margin);
    put_number(csv, comparison->control_ratio);
    put_number(csv, comparison->control_low);
    put_number(csv, comparison->control_high);
    put_answer(csv, isfinite(comparison->control_low), comparison->control_differs);
    put_count(csv, comparison->units);
    put_number(csv, comparison->smallest);
    put_number(csv, comparison->units_needed);
    put_answer(csv, judged, found->decided_early);
}

static void put_rounds(struct csv *csv, const struct tare_result_benchmark *benchmark)
{
    const struct tare_result_contamination *seen = &benchmark->contamination;
    put_count(csv, seen->rounds > 0 ? seen->rounds : TARE_COUNT_UNKNOWN);
    put_count(csv, seen->rounds > 0 ? seen->dropped : TARE_COUNT_UNKNOWN);
    put_number(csv, seen->steal_ns);
    put_number(csv, seen->wait_ns);
    put_number(csv, seen->measured_ns);
    put_count(csv, seen->involuntary);
    put_count(csv, seen->migrations);
    put_number(csv, seen->pressure_ns);
    put_number(csv, benchmark->spent_ns);
}

static const struct tare_result_comparison *comparison_of(const struct tare_result_benchmark *benchmark,
                                                          size_t arm)
{
    for (size_t i = 0; i < benchmark->comparison_count; i++) {
        if (benchmark->comparisons[i].arm == arm) {
            return &benchmark->comparisons[i];
        }
    }
    return NULL;
}

int tare__bench_csv(const struct tare_result *result, FILE *out)
{
    struct csv csv = {.out = out, .first = true};
    put_header(&csv);
    for (size_t i = 0; i < result->bench->benchmark_count; i++) {
        const struct tare_result_benchmark *benchmark = &result->bench->benchmarks[i];
        for (size_t j = 0; j < benchmark->arm_count; j++) {
            put_arm(&csv, benchmark, &benchmark->arms[j]);
            put_comparison(&csv, comparison_of(benchmark, j));
            put_rounds(&csv, benchmark);
            end_line(&csv);
        }
    }
    return tare__view_finish(out);
}
