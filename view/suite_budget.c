/* SPDX-License-Identifier: MIT */
/* How a suite stands to its targets: medians are judged, and what the slowest of a hundred operations take stands beside. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "view/budget.h"
#include "view/columns.h"
#include "view/grid.h"
#include "view/suite.h"
#include "view/suite_cells.h"

enum { WIDTH = 80 };

static const char *style_of(enum tare_judgement judgement)
{
    return judgement == TARE_JUDGED_PASS   ? TARE__GREEN
           : judgement == TARE_JUDGED_FAIL ? TARE__RED
           : judgement == TARE_JUDGED_WARN ? TARE__YELLOW
                                           : NULL;
}

/* The p99 of the benchmark that a metric is of: "file_list/1000.median"; NAN: unknown. */
static double p99_of(const struct tare_result *result, const char *metric)
{
    const char *dot = strrchr(metric, '.');
    for (size_t i = 0; dot != NULL && i < result->bench->benchmark_count; i++) {
        const struct tare_result_benchmark *one = &result->bench->benchmarks[i];
        if (strlen(one->name) == (size_t)(dot - metric) &&
            strncmp(one->name, metric, (size_t)(dot - metric)) == 0 && one->arm_count != 0) {
            return tare__suite_p99(result->suite, &one->arms[0]);
        }
    }
    return NAN;
}

static char *limit_cell(const struct tare_budget_entry *entry, const struct tare_budget_limit *limit,
                        bool ascii)
{
    char *cell;
    if (limit->text == NULL) {
        return strdup("-");
    }
    const char *sign = entry->direction == TARE_BUDGET_AT_LEAST ? (ascii ? ">=" : "≥") : ascii ? "<=" : "≤";
    return asprintf(&cell, "%s %s", sign, limit->text) < 0 ? NULL : cell;
}

int tare_view_suite_budget(const struct tare_result *result, const struct tare_judged *judged, size_t count,
                           size_t left, const struct tare_view_options *options, FILE *out)
{
    static const char *const with[] = {"judgement", "metric", "value", "p99 of one", "target", "critical"},
                             *const without[] = {"judgement", "metric", "value", "target", "critical"};
    bool has_p99 = false;
    for (size_t i = 0; i < count; i++) {
        has_p99 = has_p99 || isfinite(p99_of(result, judged[i].entry->metric));
    }
    struct tare__grid grid = {.name = 1, .left = 1 << 0 | 1 << 1};
    struct tare_view_options view = *options;
    size_t counts[TARE_JUDGEMENTS] = {0};
    view.width = view.width != 0 ? view.width : WIDTH; /* as the tables above it */
    int failure = tare__grid_begin(&grid, has_p99 ? with : without, has_p99 ? 6 : 5, count);
    for (size_t i = 0; i < count && failure == 0; i++) {
        char value[TARE_VIEW_METRIC_VALUE], p99[TARE__NUMBER_TEXT];
        const struct tare_judged *one = &judged[i];
        double operation = p99_of(result, one->entry->metric);
        size_t cell = 0;
        char *cells[6];
        cells[cell++] = strdup(tare_judgement_names[one->judgement]);
        cells[cell++] = tare__view_safe(one->entry->metric, view.ascii);
        cells[cell++] = strdup(tare_view_metric_value(value, one->unit, one->value, false, view.ascii));
        if (has_p99) {
            cells[cell++] = strdup(tare__text_duration(p99, operation, fabs(operation) * 0.002, view.ascii));
        }
        cells[cell++] = limit_cell(one->entry, &one->entry->target, view.ascii);
        cells[cell] = limit_cell(one->entry, &one->entry->critical, view.ascii);
        counts[one->judgement]++;
        failure = tare__grid_add(&grid, cells, style_of(one->judgement));
    }
    if (failure == 0) {
        unsigned left_out = 0;
        fprintf(out, "\n%sBudget%s\n", view.color ? TARE__BOLD : "", view.color ? TARE__PLAIN : "");
        failure = tare__grid_table(&grid, &view, out, &left_out);
        fprintf(out, "%zu pass, %zu warn, %zu fail, %zu unknown", counts[TARE_JUDGED_PASS],
                counts[TARE_JUDGED_WARN], counts[TARE_JUDGED_FAIL], counts[TARE_JUDGED_UNKNOWN]);
        if (left != 0) {
            fprintf(out, "\n%zu of the budget's %zu metrics were not measured", left, left + count);
        }
        putc('\n', out);
    }
    tare__grid_release(&grid);
    return failure;
}
