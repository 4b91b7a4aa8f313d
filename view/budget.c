/* SPDX-License-Identifier: MIT */
/*
 * How a result stands to its budget, as a table: a row for each metric, in the order of the budget, whose
 * author chose it. A table is laid out by what is in it; on a terminal that is too narrow for it, names are cut
 * in the middle, and where that is not enough, columns are left out, which the lines below then say.
 */
#include "view/budget.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/text.h"
#include "view/bench_text.h"
#include "view/columns.h"
#include "view/escape.h"
#include "view/grid.h"

enum { CELLS_MAX = 7 };

/* Bits of the columns of a budget that a narrow terminal does without. */
enum { COLUMN_CRITICAL = 1 << 5, COLUMN_LEFT = 1 << 6 };

/* Values */

/* "1.234 MB/s": three decimals, the prefix by size. */
static void scaled(char *text, size_t size, double value, const char *unit)
{
    static const char *const prefixes[] = {"", "k", "M", "G", "T"};
    char number[TARE__VIEW_NUMBER];
    size_t prefix = 0;
    while (prefix + 1 < sizeof prefixes / sizeof prefixes[0] && fabs(value) >= 999.9995) {
        value /= 1000;
        prefix++;
    }
    snprintf(text, size, "%s %s%s", tare__view_fixed(number, value, 3), prefixes[prefix], unit);
}

/* A mean of counts. One that is not 0 must not look like it: "at-most = 0" would judge it otherwise. */
static const char *count_text(char text[TARE_VIEW_METRIC_VALUE], double value)
{
    char number[TARE__VIEW_NUMBER];
    double size = fabs(value);
    if (size != 0 && size < 0.001) {
        snprintf(text, TARE_VIEW_METRIC_VALUE, "%.2e", value);
        return strcpy(text, tare__view_number(number, strtod(text, NULL))); /* with a point, in every locale */
    }
    return strcpy(text, value == 0 ? "0"
                                   : tare__view_fixed(number, value,
                                                      size < 10     ? 4
                                                      : size < 1000 ? 2
                                                                    : 1));
}

const char *tare_view_metric_value(char text[TARE_VIEW_METRIC_VALUE], enum tare_metric_unit unit, double value,
                                   bool counted, bool ascii)
{
    char number[TARE__VIEW_NUMBER];
    if (isnan(value)) {
        return strcpy(text, "-");
    }
    switch (unit) {
    case TARE_METRIC_TIME:
        return tare__text_time(text, value, ascii ? "us" : "µs");
    case TARE_METRIC_BYTES:
        if (counted) {
            snprintf(text, TARE_VIEW_METRIC_VALUE, "%s B", tare__view_number(number, value));
            return text;
        }
        scaled(text, TARE_VIEW_METRIC_VALUE, value, "B");
        return text;
    case TARE_METRIC_BYTE_RATE:
        scaled(text, TARE_VIEW_METRIC_VALUE, value, "B/s");
        return text;
    case TARE_METRIC_RATE:
        scaled(text, TARE_VIEW_METRIC_VALUE, value, "/s");
        return text;
    case TARE_METRIC_SHARE:
        snprintf(text, TARE_VIEW_METRIC_VALUE, "%s %%", tare__view_fixed(number, value * 100, 2));
        return text;
    case TARE_METRIC_RATIO:
        snprintf(text, TARE_VIEW_METRIC_VALUE, "%s", tare__view_fixed(number, value, 4));
        return text;
    case TARE_METRIC_COUNT:
    default:
        return counted ? strcpy(text, tare__view_number(number, value)) : count_text(text, value);
    }
}

/* With ">" before it, as before the errors in other tables, where it is too narrow. */
static char *interval_cell(enum tare_metric_unit unit, double low, double high, bool exact, bool unsampled,
                           bool ascii)
{
    char low_text[TARE_VIEW_METRIC_VALUE], high_text[TARE_VIEW_METRIC_VALUE], *cell;
    if (exact) {
        return strdup("exact");
    }
    if (isnan(low) || isnan(high)) {
        return strdup("-");
    }
    int written = asprintf(&cell, "%s%s to %s", unsampled ? "> " : "",
                           tare_view_metric_value(low_text, unit, low, false, ascii),
                           tare_view_metric_value(high_text, unit, high, false, ascii));
    return written < 0 ? NULL : cell;
}

/* "<= 5 us", in the user's own words. */
static char *limit_cell(const struct tare_budget_entry *entry, const struct tare_budget_limit *limit,
                        bool ascii)
{
    char *cell;
    if (limit->text == NULL) {
        return strdup("-");
    }
    char *safe = tare__view_safe(limit->text, ascii);
    const char *sign =
        entry->direction == TARE_BUDGET_AT_MOST ? (ascii ? "<= " : "≤ ") : (ascii ? ">= " : "≥ ");
    int written = safe != NULL ? asprintf(&cell, "%s%s", sign, safe) : -1;
    free(safe);
    return written < 0 ? NULL : cell;
}

static char *left_cell(double left)
{
    char number[TARE__VIEW_NUMBER], *cell;
    if (!isfinite(left)) {
        return strdup("-");
    }
    tare__view_fixed(number, left * 100, 1);
    bool zero = strcmp(number, "-0.0") == 0 || strcmp(number, "0.0") == 0;
    return asprintf(&cell, "%s%s %%", left > 0 && !zero ? "+" : "", zero ? "0.0" : number) < 0 ? NULL : cell;
}

static const char *style_of(enum tare_judgement judgement)
{
    switch (judgement) {
    case TARE_JUDGED_PASS:
        return TARE__GREEN;
    case TARE_JUDGED_WARN:
        return TARE__YELLOW;
    case TARE_JUDGED_INFORMATION:
        return TARE__DIM;
    case TARE_JUDGED_FAIL:
    case TARE_JUDGED_UNKNOWN:
    default:
        return TARE__RED;
    }
}

static int add_judged(struct tare__grid *grid, const struct tare_judged *judged, bool ascii)
{
    const struct tare_budget_entry *entry = judged->entry;
    char value[TARE_VIEW_METRIC_VALUE], *verdict = NULL;
    if (asprintf(&verdict, "%s%s", tare_judgement_names[judged->judgement], judged->unsure == 1 ? " ~" : "") <
        0) {
        verdict = NULL;
    }
    char *cells[] = {
        verdict,
        tare_view_metric_name(entry->metric, ascii),
        strdup(tare_view_metric_value(value, judged->unit, judged->value, judged->exact && judged->base == NULL,
                                      ascii)),
        interval_cell(judged->unit, judged->low, judged->high, judged->exact, judged->unsampled, ascii),
        limit_cell(entry, &entry->target, ascii),
        limit_cell(entry, &entry->critical, ascii),
        left_cell(judged->left),
    };
    return tare__grid_add(grid, cells, style_of(judged->judgement));
}

/* Lines below */

void tare_view_budget_counts(const struct tare_budget_report *report, size_t counts[TARE_JUDGEMENTS])
{
    memset(counts, 0, TARE_JUDGEMENTS * sizeof *counts);
    for (size_t i = 0; i < report->count; i++) {
        counts[report->judged[i].judgement]++;
    }
}

static void say_counts(struct tare__view_lines *lines, const struct tare_budget_report *report)
{
    static const char *const words[TARE_JUDGEMENTS] = {
        "within the budget", "beyond a target", "over the budget", "unknown", "for information",
    };
    size_t counts[TARE_JUDGEMENTS];
    char text[160] = "";
    size_t used = 0;
    tare_view_budget_counts(report, counts);
    for (int i = 0; i < TARE_JUDGEMENTS; i++) {
        if (counts[i] != 0) {
            used += (size_t)snprintf(text + used, sizeof text - used, "%s%zu %s", used > 0 ? ", " : "",
                                     counts[i], words[i]);
        }
    }
    tare__view_say(lines, "%zu metric%s: %s", report->count, report->count == 1 ? "" : "s", text);
}

/* What the table has no room for. */
static void say_row(struct tare__view_lines *lines, const struct tare_judged *judged, bool ascii)
{
    char here[TARE_VIEW_METRIC_VALUE], there[TARE_VIEW_METRIC_VALUE];
    const struct tare_metric *metric = judged->metric, *base = judged->base;
    char *name = tare_view_metric_name(judged->entry->metric, ascii);
    if (name == NULL) {
        lines->error = -ENOMEM;
        return;
    }
    if (judged->why != NULL) {
        tare__view_say(lines, "unknown: %s: %s", name, judged->why);
    } else if (base != NULL) {
        char *other = judged->entry->relative_to != NULL ? tare_view_metric_name(base->name, ascii) : NULL;
        tare__view_say(lines, "%s: %s, relative to %s of %s", name,
                       tare_view_metric_value(here, metric->unit, metric->value, metric->exact, ascii),
                       tare_view_metric_value(there, base->unit, base->value, base->exact, ascii),
                       other != NULL ? other : "the baseline");
        free(other);
    }
    free(name);
}

static void say_all(struct tare__view_lines *lines, const struct tare_budget_report *report, unsigned left_out,
                    bool ascii)
{
    bool unsure = false, intervals = false, compared = false, unsampled = false;
    say_counts(lines, report);
    for (size_t i = 0; i < report->count; i++) {
        say_row(lines, &report->judged[i], ascii);
        unsure |= report->judged[i].unsure == 1;
        intervals |= !isnan(report->judged[i].low);
        unsampled |= !isnan(report->judged[i].low) && report->judged[i].unsampled;
        compared |= !isnan(report->judged[i].low) && report->judged[i].metric->unit == TARE_METRIC_RATIO;
    }
    if (unsure) {
        tare__view_say(lines, "~ judged by the value; part of the interval would be judged otherwise");
    }
    if (unsampled) {
        tare__view_say(lines, "> without the sampling error, which is unknown: another run may be further off");
    }
    if (intervals && report->confidence > 0) {
        tare__view_say(lines, "intervals are of %g %%%s", report->confidence * 100,
                       compared ? ", but for that of a comparison, which has its own" : "");
    }
    if (left_out != 0) {
        tare__view_say(lines, "the terminal has no room for the column%s %s",
                       left_out == COLUMN_LEFT ? "" : "s",
                       left_out == COLUMN_LEFT ? "left" : "critical and left");
    }
    for (const char *const *note = report->notes; note != NULL && *note != NULL; note++) {
        tare__view_say(lines, "note: %s", *note);
    }
}

static int put_lines(struct tare__view_lines *lines, const struct tare_view_options *options, bool markdown,
                     FILE *out)
{
    int error = lines->error;
    putc('\n', out);
    for (size_t i = 0; error == 0 && i < lines->count; i++) {
        if (markdown) {
            fputs("- ", out);
            error = tare__escape_markdown(out, lines->lines[i], options->ascii);
            putc('\n', out);
            continue;
        }
        char *safe = tare__view_safe(lines->lines[i], options->ascii);
        error = safe != NULL ? 0 : -ENOMEM;
        fprintf(out, "%s\n", safe != NULL ? safe : "");
        free(safe);
    }
    return error;
}

static int finish(FILE *out, int error)
{
    return error != 0 ? error : fflush(out) != 0 || ferror(out) ? -EIO : 0;
}

int tare_view_budget(const struct tare_budget_report *report, const struct tare_view_options *options,
                     enum tare_format format, FILE *out)
{
    static const char *const header[] = {"judgement", "metric",   "value", "interval",
                                         "target",    "critical", "left"};
    bool markdown = format == TARE_FORMAT_MARKDOWN;
    if (!markdown && format != TARE_FORMAT_TABLE) {
        return -EINVAL;
    }
    struct tare__grid grid = {.name = 1, .left = 1 << 0 | 1 << 1, .spare = COLUMN_CRITICAL | COLUMN_LEFT};
    unsigned left_out = 0;
    int error = tare__grid_begin(&grid, header, sizeof header / sizeof header[0], report->count);
    for (size_t i = 0; error == 0 && i < report->count; i++) {
        error = add_judged(&grid, &report->judged[i], options->ascii);
    }
    if (error == 0) {
        error = markdown ? tare__grid_markdown(&grid, options, out)
                         : tare__grid_table(&grid, options, out, &left_out);
    }
    struct tare__view_lines lines = {0};
    if (error == 0) {
        say_all(&lines, report, left_out, options->ascii);
        error = put_lines(&lines, options, markdown, out);
    }
    tare__view_lines_release(&lines);
    tare__grid_release(&grid);
    return finish(out, error);
}

int tare_view_metrics(const struct tare_metrics *metrics, const struct tare_view_options *options,
                      enum tare_format format, FILE *out)
{
    static const char *const header[] = {"metric", "value", "interval"};
    bool markdown = format == TARE_FORMAT_MARKDOWN;
    if (!markdown && format != TARE_FORMAT_TABLE) {
        return -EINVAL;
    }
    struct tare_view_options whole = *options;
    whole.width = 0; /* these names are to be copied */
    struct tare__grid grid = {.name = 0, .left = 1 << 0};
    unsigned left_out;
    int error = tare__grid_begin(&grid, header, sizeof header / sizeof header[0], metrics->count);
    for (size_t i = 0; error == 0 && i < metrics->count; i++) {
        const struct tare_metric *metric = &metrics->metrics[i];
        char value[TARE_VIEW_METRIC_VALUE], *section = NULL;
        char *name = tare_view_metric_name(metric->name, options->ascii);
        if (name == NULL || asprintf(&section, "[%s]", name) < 0) {
            section = NULL;
        }
        free(name);
        char *cells[] = {
            section,
            strdup(tare_view_metric_value(value, metric->unit, metric->value, metric->exact, options->ascii)),
            interval_cell(metric->unit, metric->low, metric->high, metric->exact, metric->unsampled,
                          options->ascii),
        };
        error = tare__grid_add(&grid, cells, NULL);
    }
    if (error == 0) {
        error = markdown ? tare__grid_markdown(&grid, &whole, out)
                         : tare__grid_table(&grid, &whole, out, &left_out);
    }
    tare__grid_release(&grid);
    return finish(out, error);
}

char *tare_view_metric_name(const char *name, bool ascii)
{
    char *doubled = malloc(2 * strlen(name) + 1);
    if (doubled == NULL) {
        return NULL;
    }
    char *to = doubled;
    for (const char *from = name; *from != '\0'; from++) {
        if (*from == '\\') {
            *to++ = '\\';
        }
        *to++ = *from;
    }
    *to = '\0';
    char *safe = tare__view_safe(doubled, ascii);
    free(doubled);
    return safe;
}
