/* SPDX-License-Identifier: MIT */
/*
 * A suite as a picture (SVG) and as a page by itself (HTML): for each benchmark a line on a logarithmic axis of time, with a
 * mark for each side and its interval; and curves of the crossing's cost over the size of the work, where a benchmark has
 * sizes. No script, nothing is loaded: it can be sent and kept. Colours are Okabe and Ito's, which people who see few of
 * them can tell apart (M. Okabe, K. Ito, "Color Universal Design", 2008).
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "view/columns.h"
#include "view/flame_page.h"
#include "view/suite_cells.h"

enum { NAME = 220, PLOT = 640, ROW = 22, TOP = 64, BOTTOM = 34, RIGHT = 24, LEGEND = 18, SIDES_MAX = 16 };

static const char *const colors[] = {"#000000", "#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9",
                                     "#D55E00", "#7A7A00", "#7F3C8D", "#80BA5A", "#A5AA99"};
enum { COLORS = sizeof colors / sizeof colors[0] };

/* Text from somewhere else, as the content of an element or an attribute in double quotes. */
static int put_text(FILE *out, const char *text)
{
    char *safe = tare__view_safe(text, false);
    if (safe == NULL) {
        return -ENOMEM;
    }
    tare__flame_put_text(out, safe);
    free(safe);
    return 0;
}

/* A coordinate: one decimal, with a point in every locale. */
static const char *number(char text[TARE__VIEW_NUMBER], double value)
{
    return tare__view_fixed(text, value, 1);
}

struct axis {
    double low, high; /* powers of ten of ns */
};

static double x_of(const struct axis *axis, double ns)
{
    return NAME + PLOT * (log10(ns) - axis->low) / (axis->high - axis->low);
}

/* What can stand on a logarithmic axis. */
static bool is_shown(const struct tare_result_arm *arm)
{
    return arm != NULL && arm->summary.n != 0 && arm->summary.median > 0;
}

static struct axis make_axis(const struct tare_result *result)
{
    double low = INFINITY, high = 0;
    for (size_t i = 0; i < result->bench->benchmark_count; i++) {
        const struct tare_result_benchmark *benchmark = &result->bench->benchmarks[i];
        for (size_t j = 0; j < benchmark->arm_count; j++) {
            const struct tare_result_arm *arm = &benchmark->arms[j];
            if (!arm->control && is_shown(arm)) {
                low = fmin(low, arm->summary.median);
                high = fmax(high, arm->summary.median);
            }
        }
    }
    if (!(high > 0)) {
        return (struct axis){0, 3};
    }
    struct axis axis = {floor(log10(low)), ceil(log10(high))};
    axis.high += axis.high <= axis.low;
    return axis;
}

static void put_ticks(FILE *out, const struct axis *axis, double bottom)
{
    static const struct {
        double ns;
        const char *unit;
    } units[] = {{1e9, "s"}, {1e6, "ms"}, {1e3, "µs"}, {1, "ns"}};
    for (double power = axis->low; power <= axis->high + 0.5; power++) {
        char x[TARE__VIEW_NUMBER], value[TARE__VIEW_NUMBER];
        double ns = pow(10, power);
        size_t unit = 0;
        while (unit < 3 && ns < units[unit].ns * 0.999) {
            unit++;
        }
        number(x, x_of(axis, ns));
        fprintf(out, "<line class=\"g\" x1=\"%s\" x2=\"%s\" y1=\"%d\" y2=\"%s\"/>", x, x, TOP - 6,
                number(value, bottom));
        fprintf(out, "<text class=\"t\" x=\"%s\" y=\"%d\">%s %s</text>\n", x, TOP - 12,
                tare__view_fixed(value, ns / units[unit].ns, ns / units[unit].ns < 0.99 ? 1 : 0),
                units[unit].unit);
    }
}

/* One side's mark in a row: its interval as a line, the median as a dot, and the words that a pointer sees. */
static int put_mark(FILE *out, const struct axis *axis, const struct tare_result_benchmark *benchmark,
                    const struct tare_suite_side *side, size_t color, double y)
{
    const struct tare_result_arm *arm = tare__suite_arm(benchmark, side->arm);
    char a[TARE__VIEW_NUMBER], b[TARE__VIEW_NUMBER], c[TARE__VIEW_NUMBER], time[TARE__NUMBER_TEXT],
        error[TARE__NUMBER_TEXT];
    if (!is_shown(arm)) {
        return 0;
    }
    const struct tare_summary *summary = &arm->summary;
    fputs("<g><title>", out);
    int failure = put_text(out, benchmark->name);
    fputs(", ", out);
    failure = failure == 0 ? put_text(out, side->label) : failure;
    double half = tare__median_error(summary);
    fprintf(out, ": %s ± %s</title>", tare__text_duration(time, summary->median, half, false),
            tare__text_duration(error, half, half, false));
    if (summary->median_low > 0 && summary->median_high > summary->median_low) {
        fprintf(out, "<line x1=\"%s\" x2=\"%s\" y1=\"%s\" y2=\"%s\" stroke=\"%s\" stroke-width=\"2\"/>",
                number(a, x_of(axis, summary->median_low)), number(b, x_of(axis, summary->median_high)),
                number(c, y), c, colors[color % COLORS]);
    }
    fprintf(out, "<circle cx=\"%s\" cy=\"%s\" r=\"4\" fill=\"%s\"/></g>\n",
            number(a, x_of(axis, summary->median)), number(b, y), colors[color % COLORS]);
    return failure;
}

static int put_curves(const struct tare_result *result, double top, FILE *out);
static double curves_height(const struct tare_result *result);

static int put_picture(const struct tare_result *result, FILE *out)
{
    const struct tare_result_suite *suite = result->suite;
    const struct axis axis = make_axis(result);
    size_t rows = result->bench->benchmark_count;
    double bottom = TOP + (double)rows * ROW, height = bottom + BOTTOM + LEGEND + curves_height(result);
    int failure = 0;
    fprintf(out,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %.0f\" width=\"%d\" height=\"%.0f\" "
            "role=\"img\" font-family=\"sans-serif\" font-size=\"12\">\n",
            NAME + PLOT + RIGHT, height, NAME + PLOT + RIGHT, height);
    fputs("<style>.g{stroke:#ddd}.t{text-anchor:middle;fill:#555}.n{text-anchor:end}</style>\n"
          "<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n<title>Suite ",
          out);
    failure = put_text(out, suite->name);
    fputs("</title>\n<text x=\"8\" y=\"20\" font-size=\"15\" font-weight=\"bold\">Suite ", out);
    failure = failure == 0 ? put_text(out, suite->name) : failure;
    fputs(": time of one operation</text>\n", out);
    put_ticks(out, &axis, bottom);
    for (size_t i = 0; i < rows && failure == 0; i++) {
        const struct tare_result_benchmark *benchmark = &result->bench->benchmarks[i];
        double y = TOP + ((double)i + 0.5) * ROW;
        char at[TARE__VIEW_NUMBER];
        fprintf(out, "<text class=\"n\" x=\"%d\" y=\"%s\">", NAME - 10, number(at, y + 4));
        failure = put_text(out, benchmark->name);
        fprintf(out, "</text><line class=\"g\" x1=\"%d\" x2=\"%d\" y1=\"%s\" y2=\"%s\"/>\n", NAME, NAME + PLOT,
                number(at, y), at);
        for (size_t j = 0; j < suite->side_count && failure == 0; j++) {
            if (suite->sides[j].arm != NULL) {
                failure = put_mark(out, &axis, benchmark, &suite->sides[j], j, y);
            }
        }
    }
    double x = 40;
    for (size_t j = 0; j < suite->side_count && failure == 0; j++) {
        if (suite->sides[j].arm != NULL && tare__suite_sides(suite) > 1) {
            char a[TARE__VIEW_NUMBER], b[TARE__VIEW_NUMBER];
            fprintf(out, "<circle cx=\"%s\" cy=\"%s\" r=\"4\" fill=\"%s\"/><text x=\"", number(a, x),
                    number(b, bottom + 26), colors[j % COLORS]);
            fprintf(out, "%s\" y=\"%s\">", number(a, x + 7), number(b, bottom + 30));
            failure = put_text(out, suite->sides[j].label);
            fputs("</text>\n", out);
            x += 26 + 6.5 * (double)strlen(suite->sides[j].label);
        }
    }
    if (failure == 0) {
        failure = put_curves(result, bottom + BOTTOM + LEGEND, out);
    }
    fputs("</svg>\n", out);
    return failure;
}

/* Of a family of benchmarks that differ in a size: what share of a call the crossing is, at one size. */
struct point {
    double n, share;
};

enum {
    POINTS_MAX = 16,
    FAMILIES_MAX = 16,
    CURVE_WIDTH = 360,
    CURVE_HEIGHT = 220,
    CURVE_LEFT = 56,
    CURVE_TOP = 40
};

static int compare_points(const void *a, const void *b)
{
    double left = ((const struct point *)a)->n, right = ((const struct point *)b)->n;
    return (left > right) - (left < right);
}

static size_t find_points(const struct tare_result *result, const char *bench,
                          const struct tare_suite_side *side, struct point points[POINTS_MAX])
{
    size_t count = 0;
    for (size_t i = 0; i < result->suite->figure_count && count < POINTS_MAX; i++) {
        const struct tare_suite_figure *figure = &result->suite->figures[i];
        const struct tare_result_benchmark *benchmark =
            tare_result_find_benchmark(result->bench, figure->benchmark);
        if (strcmp(figure->kind, "crossing") != 0 || figure->side == NULL ||
            strcmp(figure->side, side->label) != 0 || benchmark == NULL || benchmark->bench == NULL ||
            strcmp(benchmark->bench, bench) != 0 || benchmark->arg_count != 1 || !(benchmark->args[0] > 0)) {
            continue;
        }
        const struct tare_result_arm *arm = tare__suite_arm(benchmark, side->arm);
        if (is_shown(arm) && isfinite(figure->value)) {
            points[count++] = (struct point){benchmark->args[0], figure->value / arm->summary.median};
        }
    }
    qsort(points, count, sizeof(*points), compare_points);
    return count;
}

/* Families that at least one side has crossings of at two sizes. */
static size_t find_families(const struct tare_result *result, const char *families[FAMILIES_MAX])
{
    size_t count = 0;
    for (size_t i = 0; i < result->bench->benchmark_count && count < FAMILIES_MAX; i++) {
        const char *bench = result->bench->benchmarks[i].bench;
        bool known = bench == NULL;
        for (size_t j = 0; j < count && !known; j++) {
            known = strcmp(families[j], bench) == 0;
        }
        for (size_t j = 0; j < result->suite->side_count && !known; j++) {
            struct point points[POINTS_MAX];
            if (result->suite->sides[j].arm != NULL &&
                find_points(result, bench, &result->suite->sides[j], points) >= 2) {
                families[count++] = bench;
                known = true;
            }
        }
    }
    return count;
}

static double curve_y(double top, double share)
{
    double shown = share < 0 ? 0 : share > 1 ? 1 : share; /* the axis ends there; the table has the figures */
    return top + CURVE_HEIGHT * (1 - shown);
}

/* One family: the crossing's share of the call over the size, a line for each side, and the tenth. */
static int put_curve(const struct tare_result *result, const char *bench, double left, double top, FILE *out)
{
    char a[TARE__VIEW_NUMBER], b[TARE__VIEW_NUMBER], c[TARE__VIEW_NUMBER];
    double low = INFINITY, high = 0;
    struct point points[POINTS_MAX];
    for (size_t j = 0; j < result->suite->side_count; j++) {
        const struct tare_suite_side *side = &result->suite->sides[j];
        size_t count = side->arm != NULL ? find_points(result, bench, side, points) : 0;
        for (size_t i = 0; i < count; i++) {
            low = fmin(low, points[i].n);
            high = fmax(high, points[i].n);
        }
    }
    if (!(high > low)) {
        return 0;
    }
    fprintf(out, "<text x=\"%s\" y=\"%s\" font-weight=\"bold\">", number(a, left), number(b, top - 12));
    int failure = put_text(out, bench);
    fprintf(out, "</text><text x=\"%s\" y=\"%s\">%.0f</text><text class=\"n\" x=\"%s\" y=\"%s\">%.0f</text>\n",
            number(a, left), number(b, top + CURVE_HEIGHT + 16), low, number(c, left + CURVE_WIDTH), b, high);
    for (int percent = 0; percent <= 100; percent += percent == 0 ? 10 : percent == 10 ? 40 : 50) {
        number(b, curve_y(top, percent / 100.0));
        fprintf(out, "<line class=\"g\" x1=\"%s\" x2=\"%s\" y1=\"%s\" y2=\"%s\"%s/>", number(a, left),
                number(c, left + CURVE_WIDTH), b, b,
                percent == 10 ? " stroke-dasharray=\"4 3\" style=\"stroke:#000\"" : "");
        fprintf(out, "<text class=\"n\" x=\"%s\" y=\"%s\">%d %%</text>\n", number(a, left - 6), b, percent);
    }
    for (size_t j = 0; j < result->suite->side_count && failure == 0; j++) {
        const struct tare_suite_side *side = &result->suite->sides[j];
        size_t count = side->arm != NULL ? find_points(result, bench, side, points) : 0;
        if (count < 2) {
            continue;
        }
        fputs("<g><title>", out);
        failure = put_text(out, side->label);
        fprintf(out, "</title><polyline fill=\"none\" stroke-width=\"2\" stroke=\"%s\" points=\"",
                colors[j % COLORS]);
        for (size_t i = 0; i < count; i++) {
            double x = left + CURVE_WIDTH * log(points[i].n / low) / log(high / low);
            fprintf(out, "%s%s,%s", i > 0 ? " " : "", number(a, x), number(b, curve_y(top, points[i].share)));
        }
        fputs("\"/></g>\n", out);
    }
    return failure;
}

/* Below `top`, two in a row. */
static int put_curves(const struct tare_result *result, double top, FILE *out)
{
    const char *families[FAMILIES_MAX];
    size_t count = find_families(result, families);
    int failure = 0;
    if (count != 0) {
        char y[TARE__VIEW_NUMBER];
        fprintf(out,
                "<text x=\"8\" y=\"%s\" font-size=\"15\" font-weight=\"bold\">Share of a call that is its "
                "crossing, by the size "
                "of the work (dashed: 10 %%)</text>\n",
                number(y, top + 4));
    }
    for (size_t i = 0; i < count && failure == 0; i++) {
        double left = CURVE_LEFT + (double)(i % 2) * (CURVE_WIDTH + 80);
        failure = put_curve(result, families[i], left,
                            top + CURVE_TOP + (double)(i / 2) * (CURVE_HEIGHT + 2 * CURVE_TOP), out);
    }
    return failure;
}

static double curves_height(const struct tare_result *result)
{
    const char *families[FAMILIES_MAX];
    size_t count = find_families(result, families);
    return count == 0 ? 0 : CURVE_TOP + (double)((count + 1) / 2) * (CURVE_HEIGHT + 2 * CURVE_TOP);
}

int tare__suite_svg(const struct tare_result *result, FILE *out)
{
    return put_picture(result, out);
}

/* A table of everything, with the picture above it. */
static int put_matrix(const struct tare_result *result, FILE *out)
{
    const struct tare_result_suite *suite = result->suite;
    int failure = 0;
    fputs("<table><thead><tr><th>benchmark</th>", out);
    for (size_t j = 0; j < suite->side_count && failure == 0; j++) {
        if (suite->sides[j].arm != NULL) {
            fputs("<th>", out);
            failure = put_text(out, suite->sides[j].label);
            fputs("</th>", out);
        }
    }
    bool single = tare__suite_sides(suite) == 1;
    fputs(single ? "<th>p99 of one</th></tr></thead><tbody>\n" : "</tr></thead><tbody>\n", out);
    for (size_t i = 0; i < result->bench->benchmark_count && failure == 0; i++) {
        const struct tare_result_benchmark *benchmark = &result->bench->benchmarks[i];
        const struct tare_suite_item *item = tare__suite_item(suite, benchmark->name);
        fputs("<tr><th title=\"", out);
        failure = put_text(out, item != NULL && item->about != NULL ? item->about : "");
        fputs("\">", out);
        failure = failure == 0 ? put_text(out, benchmark->name) : failure;
        fputs("</th>", out);
        for (size_t j = 0; j < suite->side_count && failure == 0; j++) {
            const struct tare_result_arm *arm = tare__suite_arm(benchmark, suite->sides[j].arm);
            char time[TARE__NUMBER_TEXT], error[TARE__NUMBER_TEXT], ratio[TARE__NUMBER_TEXT];
            if (suite->sides[j].arm == NULL) {
                continue;
            }
            if (arm == NULL || arm->summary.n == 0) {
                fputs("<td class=\"no\"", out);
                if (arm != NULL && arm->failure != NULL) {
                    fputs(" title=\"", out);
                    failure = put_text(out, arm->failure);
                    putc('"', out);
                }
                fputs(arm == NULL ? "></td>" : ">-</td>", out);
                continue;
            }
            const struct tare_comparison *found = tare__suite_comparison(benchmark, suite->sides[j].arm);
            double half = tare__median_error(&arm->summary);
            fprintf(out, "<td>%s<small>±%s</small>",
                    tare__text_duration(time, arm->summary.median, half, false),
                    tare__text_duration(error, half, half, false));
            if (found != NULL) {
                fprintf(out, "<b>%s</b>",
                        tare__suite_ratio(ratio, tare__suite_ratio_of(benchmark, arm, found),
                                          tare__suite_is_certain(found)));
            }
            fputs("</td>", out);
        }
        if (single && benchmark->arm_count != 0) {
            char text[TARE__NUMBER_TEXT] = "-";
            double p99 = tare__suite_p99(suite, &benchmark->arms[0]);
            fprintf(out, "<td>%s</td>",
                    isfinite(p99) ? tare__text_duration(text, p99, fabs(p99) * 0.002, false) : text);
        }
        fputs("</tr>\n", out);
    }
    fputs("</tbody></table>\n", out);
    return failure;
}

static int put_facts(const struct tare_result *result, FILE *out)
{
    const struct tare_result_suite *suite = result->suite;
    int failure = 0;
    fputs("<ul>\n", out);
    for (size_t i = 0; i < suite->fact_count && failure == 0; i++) {
        fputs("<li>", out);
        failure = put_text(out, suite->facts[i].name);
        fputs(": ", out);
        failure = failure == 0
                      ? put_text(out, suite->facts[i].value != NULL ? suite->facts[i].value : "unknown")
                      : failure;
        fputs("</li>\n", out);
    }
    for (size_t i = 0; i < suite->side_count && failure == 0; i++) {
        fputs("<li>", out);
        failure = put_text(out, suite->sides[i].label);
        fputs(": ", out);
        failure =
            failure == 0 ? put_text(out, suite->sides[i].about != NULL ? suite->sides[i].about : "") : failure;
        if (suite->sides[i].skipped != NULL && failure == 0) {
            fputs("; skipped: ", out);
            failure = put_text(out, suite->sides[i].skipped);
        }
        fputs("</li>\n", out);
    }
    fputs("</ul>\n", out);
    return failure;
}

static int put_figures(const struct tare_result *result, FILE *out)
{
    char *text = NULL;
    size_t size;
    FILE *memory = open_memstream(&text, &size);
    const struct tare_view_options options = {.width = 0};
    if (memory == NULL) {
        return -ENOMEM;
    }
    int failure = tare__suite_figures(result, &options, TARE_FORMAT_TABLE, memory);
    if (fclose(memory) != 0) {
        failure = -ENOMEM;
    }
    if (failure == 0 && size != 0) {
        fputs("<pre>", out);
        for (const char *line = text; *line != '\0' && failure == 0;) {
            size_t length = strcspn(line, "\n");
            char *one = strndup(line, length);
            failure = one != NULL ? put_text(out, one) : -ENOMEM;
            free(one);
            putc('\n', out);
            line += length + (line[length] == '\n');
        }
        fputs("</pre>\n", out);
    }
    free(text);
    return failure;
}

int tare__suite_html(const struct tare_result *result, FILE *out)
{
    fputs("<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
          "<meta name=\"viewport\" content=\"width=device-width\">\n"
          "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src "
          "'unsafe-inline'\">\n"
          "<title>Suite ",
          out);
    int failure = put_text(out, result->suite->name);
    fputs(
        "</title>\n<style>body{font:14px/1.4 "
        "sans-serif;margin:1.5em;max-width:1400px;color:#111;background:#fff}"
        "svg{max-width:100%;height:auto}table{border-collapse:collapse;font-variant-numeric:tabular-nums}"
        "div{overflow-x:auto}td,th{padding:2px 8px;border-bottom:1px solid "
        "#ddd;text-align:right;white-space:nowrap}"
        "tbody th{text-align:left;font-weight:normal;position:sticky;left:0;background:#fff}"
        "small{color:#555;margin-left:.4em}td b{display:block;font-weight:normal;color:#0072B2}.no{color:#777}"
        "pre{overflow-x:auto}</style></head><body>\n",
        out);
    if (failure == 0) {
        failure = put_picture(result, out);
    }
    if (failure == 0) {
        failure = put_facts(result, out);
    }
    fputs("<div>", out);
    if (failure == 0) {
        failure = put_matrix(result, out);
    }
    fputs("</div>\n", out);
    if (failure == 0) {
        failure = put_figures(result, out);
    }
    fputs("</body></html>\n", out);
    return failure;
}
