/* SPDX-License-Identifier: MIT */
/*
 * A suite as CSV: a line for each benchmark and side, then one for each figure that follows. Numbers have all of their
 * digits and a decimal point in every locale, what is unknown is empty.
 */
#include <math.h>

#include "view/columns.h"
#include "view/escape.h"
#include "view/suite_cells.h"

static void put_text(FILE *out, const char *text, bool first)
{
    fputs(first ? "" : ",", out);
    tare__escape_csv(out, text);
}

static void put_number(FILE *out, double value)
{
    char number[TARE__VIEW_NUMBER];
    fprintf(out, ",%s", isfinite(value) ? tare__view_number(number, value) : "");
}

static void put_arm(FILE *out, const struct tare_result *result, const struct tare_result_benchmark *benchmark,
                    const struct tare_suite_side *side)
{
    const struct tare_result_arm *arm = tare__suite_arm(benchmark, side->arm);
    const struct tare_suite_item *item = tare__suite_item(result->suite, benchmark->name);
    if (arm == NULL) {
        return;
    }
    const struct tare_comparison *found = tare__suite_comparison(benchmark, side->arm);
    put_text(out, result->suite->name, true);
    put_text(out, "benchmark", false);
    put_text(out, item != NULL ? item->group : NULL, false);
    put_text(out, benchmark->name, false);
    put_text(out, side->label, false);
    put_text(out, NULL, false);
    put_text(out, "ns", false);
    put_number(out, arm->summary.median);
    put_number(out, arm->summary.median_low);
    put_number(out, arm->summary.median_high);
    put_number(out, tare__suite_p99(result->suite, arm));
    put_number(out, arm->first_ns);
    put_number(out, found != NULL ? found->ratio : NAN);
    put_number(out, found != NULL ? found->low : NAN);
    put_number(out, found != NULL ? found->high : NAN);
    fprintf(out, ",%zu", arm->summary.n);
    put_text(out, arm->failure, false);
    putc('\n', out);
}

int tare__suite_csv(const struct tare_result *result, FILE *out)
{
    const struct tare_result_suite *suite = result->suite;
    fputs("suite,kind,group,benchmark,side,part,unit,value,low,high,p99_ns,first_ns,ratio,ratio_low,ratio_high,"
          "n,note\n",
          out);
    for (size_t i = 0; i < result->bench->benchmark_count; i++) {
        for (size_t j = 0; j < suite->side_count; j++) {
            if (suite->sides[j].arm != NULL) {
                put_arm(out, result, &result->bench->benchmarks[i], &suite->sides[j]);
            }
        }
    }
    for (size_t i = 0; i < suite->figure_count; i++) {
        const struct tare_suite_figure *figure = &suite->figures[i];
        put_text(out, suite->name, true);
        put_text(out, figure->kind, false);
        put_text(out, NULL, false);
        put_text(out, figure->benchmark, false);
        put_text(out, figure->side, false);
        put_text(out, figure->part, false);
        put_text(out, tare_suite_unit_names[figure->unit], false);
        put_number(out, figure->value);
        put_number(out, figure->low);
        put_number(out, figure->high);
        fputs(",,,,,,", out);
        put_text(out, figure->note, false);
        putc('\n', out);
    }
    return 0;
}
