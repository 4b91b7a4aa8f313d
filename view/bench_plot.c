/* SPDX-License-Identifier: MIT */
/*
 * Histograms in text: one for each arm, all over the same axis, so that a shift is seen as one.
 *
 *     A │        ▃█▅▂                              │
 *       │       ▅█████▇▄▂  ▁                       │ 1 above
 *       └─────────▲────────────────────────────────┘
 *       12.1 ns                             13.5 ns
 *
 * The mark below is the median. The axis ends where Tukey's outer fences do (stats/outlier.h), or at the
 * outermost value within them: one value far off would make all others one bar; those beyond are counted at
 * the side. Where it spans more than a factor of LOG_FROM, it is logarithmic, and says so. Bars are as wide
 * as D. Freedman and P. Diaconis advise ("On the histogram as a density estimator", Zeitschrift für
 * Wahrscheinlichkeitstheorie 57 (1981), pages 453-476): 2 interquartile ranges over the cube root of n, of
 * the arm where that is least. Their heights are shares of the arm's values, to one scale for all arms; no
 * bar that holds a value is empty.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/text.h"
#include "stats/outlier.h"
#include "stats/quantile.h"
#include "stats/values.h"
#include "view/bench.h"
#include "view/bench_text.h"
#include "view/columns.h"

#define LOG_FROM 8.0

enum {
    INDENT = 5,
    BESIDE = 12, /* columns to the right, for what is beyond the axis */
    HEIGHT = 4,  /* lines of a histogram */
    LABEL_MAX = 2,
    WIDTH = 80,
    WIDTH_MIN = 60,
    WIDTH_MAX = 200,
    BARS_MIN = 5,
};

struct axis {
    double low, high; /* in ns */
    bool log;
    size_t bars;
    size_t bar_width; /* columns */
};

/* The values of an arm that were kept, ascending. */
struct kept {
    double *values;
    size_t count;
};

static int keep(struct kept *kept, const struct tare_result_arm *arm)
{
    *kept = (struct kept){.values = calloc(arm->value_count + 1, sizeof *kept->values)};
    if (kept->values == NULL) {
        return -ENOMEM;
    }
    for (size_t i = 0; i < arm->value_count; i++) {
        bool dropped = arm->dropped != NULL && arm->dropped[i];
        if (!dropped && isfinite(arm->values_ns[i]) && fabs(arm->values_ns[i]) <= TARE_VALUE_LIMIT) {
            kept->values[kept->count++] = arm->values_ns[i];
        }
    }
    tare_values_sort(kept->values, kept->count);
    return 0;
}

static double place(const struct axis *axis, double value)
{
    if (axis->log) {
        return log(value / axis->low) / log(axis->high / axis->low);
    }
    return (value - axis->low) / (axis->high - axis->low);
}

/* Index of the cell of `count` that a value within the axis falls into. */
static size_t cell_of(const struct axis *axis, double value, size_t count)
{
    double at = place(axis, value) * (double)count;
    return at >= (double)count ? count - 1 : at > 0 ? (size_t)at : 0;
}

/*
 * Tukey's fences of the values, or of their logarithms (all values are above 0 then): what is far off is so
 * by the measure in which it is plotted.
 */
static int fences_of(const struct kept *kept, bool log_axis, struct tare_fences *fences)
{
    double *logs = NULL;
    if (!log_axis) {
        return tare_outlier_fences(kept->values, kept->count, fences);
    }
    logs = calloc(kept->count + 1, sizeof *logs);
    if (logs == NULL) {
        return -ENOMEM;
    }
    for (size_t i = 0; i < kept->count; i++) {
        logs[i] = log(kept->values[i]);
    }
    int error = tare_outlier_fences(logs, kept->count, fences);
    free(logs);
    return error;
}

/* So that the axis holds all values of an arm that lie within its outer fences. */
static int widen(struct axis *axis, const struct kept *kept)
{
    struct tare_fences fences;
    int error = fences_of(kept, axis->log, &fences);
    for (size_t i = 0; i < kept->count && error == 0; i++) {
        double value = kept->values[i], at = axis->log ? log(value) : value;
        if (at < fences.low_severe || at > fences.high_severe) {
            continue;
        }
        axis->low = isnan(axis->low) || value < axis->low ? value : axis->low;
        axis->high = isnan(axis->high) || value > axis->high ? value : axis->high;
    }
    return error;
}

static int widen_all(struct axis *axis, const struct kept *kept, size_t arms)
{
    int error = 0;
    axis->low = axis->high = NAN;
    for (size_t i = 0; i < arms && error == 0; i++) {
        error = kept[i].count > 0 ? widen(axis, &kept[i]) : 0;
    }
    return error;
}

/* Whether a logarithmic axis says more: positive times of several orders of magnitude. */
static bool wants_log(const struct axis *axis, const struct kept *kept, size_t arms)
{
    for (size_t i = 0; i < arms; i++) {
        if (kept[i].count > 0 && !(kept[i].values[0] > 0)) {
            return false;
        }
    }
    return axis->high / axis->low > LOG_FROM;
}

/* In shares of the axis; NAN: no help. */
static double bar_share(const struct axis *axis, const struct kept *kept)
{
    double q1 = tare_quantile(kept->values, kept->count, 0.25),
           q3 = tare_quantile(kept->values, kept->count, 0.75);
    double range = kept->count >= 2 ? place(axis, q3) - place(axis, q1) : NAN;
    return range > 0 ? 2 * range / cbrt((double)kept->count) : NAN;
}

/* Leaves axis->bars 0 if there is no value. */
static int make_axis(struct axis *axis, const struct kept *kept, size_t arms, size_t columns)
{
    double least = NAN;
    *axis = (struct axis){.log = false};
    int error = widen_all(axis, kept, arms);
    if (error == 0 && wants_log(axis, kept, arms)) {
        axis->log = true;
        error = widen_all(axis, kept, arms);
    }
    if (error != 0 || isnan(axis->low)) {
        return error;
    }
    if (!(axis->high > axis->low)) {
        double half = axis->low != 0 ? fabs(axis->low) * 0.005 : 0.5;
        axis->low -= half;
        axis->high += half;
    }
    for (size_t i = 0; i < arms; i++) {
        double share = bar_share(axis, &kept[i]);
        least = isnan(least) || share < least ? share : least;
    }
    double bars = isnan(least) ? (double)BARS_MIN : ceil(1 / least);
    axis->bars = bars < BARS_MIN ? BARS_MIN : bars > (double)columns ? columns : (size_t)bars;
    axis->bar_width = columns / axis->bars;
    return 0;
}

struct plot {
    struct axis axis;
    const struct tare_view_options *options;
    FILE *out;
    double tallest; /* share of an arm's values in one bar */
    bool labelled;  /* arms have to be told apart */
};

struct histogram {
    size_t counts[WIDTH_MAX];
    size_t below, above, within;
};

static void fill(struct histogram *histogram, const struct axis *axis, const struct kept *kept)
{
    *histogram = (struct histogram){0};
    for (size_t i = 0; i < kept->count; i++) {
        double value = kept->values[i];
        if (value < axis->low) {
            histogram->below++;
        } else if (value > axis->high) {
            histogram->above++;
        } else {
            histogram->counts[cell_of(axis, value, axis->bars)]++;
            histogram->within++;
        }
    }
}

static double tallest(const struct histogram *histogram, size_t bars, size_t count)
{
    size_t most = 0;
    for (size_t i = 0; i < bars; i++) {
        most = histogram->counts[i] > most ? histogram->counts[i] : most;
    }
    return count > 0 ? (double)most / (double)count : 0;
}

/* What stands in line `line` (from the top) of a bar that is `height` of 1 high. */
static const char *piece(double height, int line, bool ascii)
{
    static const char *const blocks[] = {" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
    static const char *const ascii_blocks[] = {" ", ".", ":", "#"};
    int steps = ascii ? 3 : 8;
    int level = (int)lround(height * HEIGHT * steps);
    level = height > 0 && level == 0 ? 1 : level;
    level -= (HEIGHT - 1 - line) * steps;
    level = level < 0 ? 0 : level > steps ? steps : level;
    return ascii ? ascii_blocks[level] : blocks[level];
}

static void put_repeated(FILE *out, const char *text, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        fputs(text, out);
    }
}

static void put_histogram(const struct plot *plot, const struct histogram *histogram, const char *label,
                          size_t count)
{
    bool ascii = plot->options->ascii;
    const char *side = ascii ? "|" : "│";
    for (int line = 0; line < HEIGHT; line++) {
        fprintf(plot->out, "%*s", INDENT - 1 - LABEL_MAX, "");
        tare__text_pad(plot->out, line == 0 ? label : "", LABEL_MAX + 1);
        fputs(side, plot->out);
        for (size_t i = 0; i < plot->axis.bars; i++) {
            double share = (double)histogram->counts[i] / (double)count;
            put_repeated(plot->out, piece(share / plot->tallest, line, ascii), plot->axis.bar_width);
        }
        fputs(side, plot->out);
        if (line == HEIGHT - 2 && histogram->below > 0) {
            fprintf(plot->out, " %zu below", histogram->below);
        } else if (line == HEIGHT - 1 && histogram->above > 0) {
            fprintf(plot->out, " %zu above", histogram->above);
        }
        putc('\n', plot->out);
    }
}

/* The line below a histogram, with the mark of its median. */
static void put_base(const struct plot *plot, double median)
{
    bool ascii = plot->options->ascii;
    size_t columns = plot->axis.bars * plot->axis.bar_width;
    bool inside = median >= plot->axis.low && median <= plot->axis.high;
    size_t at = inside ? cell_of(&plot->axis, median, columns) : columns;
    fprintf(plot->out, "%*s%s", INDENT, "", ascii ? "+" : "└");
    put_repeated(plot->out, ascii ? "-" : "─", at);
    if (inside) {
        fputs(ascii ? "^" : "▲", plot->out);
        put_repeated(plot->out, ascii ? "-" : "─", columns - at - 1);
    }
    fprintf(plot->out, "%s\n", ascii ? "+" : "┘");
}

/* The ends and the middle of the axis, in as many digits as tell bars apart. */
static void put_scale(const struct plot *plot)
{
    const struct axis *axis = &plot->axis;
    char low[TARE__NUMBER_TEXT], middle[TARE__NUMBER_TEXT], high[TARE__NUMBER_TEXT];
    bool ascii = plot->options->ascii;
    double between = axis->log ? sqrt(axis->low * axis->high) : (axis->low + axis->high) / 2;
    double step = (axis->high - axis->low) / (double)axis->bars;
    tare__text_duration(low, axis->low, axis->log ? NAN : step, ascii);
    tare__text_duration(middle, between, axis->log ? NAN : step, ascii);
    tare__text_duration(high, axis->high, axis->log ? NAN : step, ascii);
    size_t columns = axis->bars * axis->bar_width + 2;
    size_t half = tare__text_width(middle) / 2, first = tare__text_width(low), last = tare__text_width(high);
    fprintf(plot->out, "%*s%s", INDENT, "", low);
    size_t at = first;
    if (columns / 2 > half + first && columns / 2 + half + 2 + last < columns) {
        fprintf(plot->out, "%*s%s", (int)(columns / 2 - half - first), "", middle);
        at = columns / 2 - half + tare__text_width(middle);
    }
    fprintf(plot->out, "%*s%s%s\n", (int)(columns > at + last ? columns - at - last : 1), "", high,
            axis->log ? " (log)" : "");
}

static int put_arm(const struct plot *plot, const struct tare_result_arm *arm, const struct kept *kept)
{
    struct histogram histogram;
    if (kept->count == 0) {
        return 0;
    }
    char *label = tare__safe_cut(plot->labelled ? arm->label : "", LABEL_MAX, plot->options->ascii);
    if (label == NULL) {
        return -ENOMEM;
    }
    fill(&histogram, &plot->axis, kept);
    put_histogram(plot, &histogram, label, kept->count);
    free(label);
    put_base(plot, tare_quantile(kept->values, kept->count, 0.5));
    return 0;
}

int tare_view_bench_plot(const struct tare_result_benchmark *benchmark, const struct tare_view_options *options,
                         FILE *out)
{
    int width = options->width == 0 ? WIDTH : options->width < WIDTH_MIN ? WIDTH_MIN : options->width;
    width = width > WIDTH_MAX ? WIDTH_MAX : width;
    struct plot plot = {.options = options, .out = out, .labelled = benchmark->arm_count > 1};
    int error = 0;
    struct kept *kept = calloc(benchmark->arm_count + 1, sizeof *kept);
    if (kept == NULL) {
        return -ENOMEM;
    }
    for (size_t i = 0; i < benchmark->arm_count && error == 0; i++) {
        if (options->full || !benchmark->arms[i].control) {
            error = keep(&kept[i], &benchmark->arms[i]);
        }
    }
    if (error == 0) {
        error = make_axis(&plot.axis, kept, benchmark->arm_count, (size_t)(width - INDENT - 2 - BESIDE));
    }
    if (error != 0 || plot.axis.bars == 0) {
        goto out;
    }
    for (size_t i = 0; i < benchmark->arm_count; i++) {
        struct histogram histogram;
        fill(&histogram, &plot.axis, &kept[i]);
        plot.tallest = fmax(plot.tallest, tallest(&histogram, plot.axis.bars, kept[i].count));
    }
    for (size_t i = 0; i < benchmark->arm_count && error == 0; i++) {
        error = put_arm(&plot, &benchmark->arms[i], &kept[i]);
    }
    put_scale(&plot);
out:
    for (size_t i = 0; i < benchmark->arm_count; i++) {
        free(kept[i].values);
    }
    free(kept);
    return error != 0 ? error : tare__view_finish(out);
}
