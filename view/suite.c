/* SPDX-License-Identifier: MIT */
/*
 * A suite for people, a row for each benchmark when it is done. With one side, the p99 of single operations stands beside
 * the median; with two, both and their ratio; with many, the quickest and the slowest, as a matrix follows at the end.
 */
#include "view/suite.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/text.h"
#include "view/bench_text.h"
#include "view/columns.h"
#include "view/escape.h"
#include "view/suite_cells.h"

enum { WIDTH = 80, NAME_MIN = 20, NAME_MAX = 48, COLUMNS_MAX = 6 };

struct column {
    const char *title;
    int width;
};

struct layout {
    struct column columns[COLUMNS_MAX];
    size_t count;
    int name;
};

bool tare__suite_is_matrix(const struct tare_result_suite *suite)
{
    return tare__suite_sides(suite) > 2;
}

size_t tare__suite_sides(const struct tare_result_suite *suite)
{
    size_t count = 0;
    for (size_t i = 0; i < suite->side_count; i++) {
        count += suite->sides[i].arm != NULL;
    }
    return count;
}

const struct tare_result_arm *tare__suite_arm(const struct tare_result_benchmark *benchmark, const char *label)
{
    for (size_t i = 0; label != NULL && i < benchmark->arm_count; i++) {
        if (!benchmark->arms[i].control && strcmp(benchmark->arms[i].label, label) == 0) {
            return &benchmark->arms[i];
        }
    }
    return NULL;
}

const struct tare_comparison *tare__suite_comparison(const struct tare_result_benchmark *benchmark,
                                                     const char *label)
{
    for (size_t i = 0; i < benchmark->comparison_count; i++) {
        if (strcmp(benchmark->arms[benchmark->comparisons[i].arm].label, label) == 0) {
            return &benchmark->comparisons[i].comparison;
        }
    }
    return NULL;
}

const struct tare_suite_item *tare__suite_item(const struct tare_result_suite *suite, const char *benchmark)
{
    for (size_t i = 0; i < suite->item_count; i++) {
        if (strcmp(suite->items[i].benchmark, benchmark) == 0) {
            return &suite->items[i];
        }
    }
    return NULL;
}

double tare__suite_p99(const struct tare_result_suite *suite, const struct tare_result_arm *arm)
{
    for (size_t i = 0; i < arm->timer_count; i++) {
        const struct tare_result_inner_timer *timer = &arm->timers[i];
        if (strcmp(timer->module, suite->name) == 0 && timer->calls < 1.01) {
            /* Around several operations at once (a lap of a ring) it is what one of them has of the lap. */
            return timer->net_p99_ns * timer->calls;
        }
    }
    return NAN;
}

/* With two digits at least, also where it is not known so well: it stands beside others. */
char *tare__suite_time(char text[TARE__NUMBER_TEXT], const struct tare_result_arm *arm, bool ascii)
{
    double median = arm->summary.median, error = tare__median_error(&arm->summary);
    return tare__text_duration(text, median, fmin(error, fabs(median) * 0.02), ascii);
}

/* Layout */

static void add_column(struct layout *layout, const char *title, int width)
{
    layout->columns[layout->count++] = (struct column){title, width};
}

static struct layout make_layout(const struct tare_result_suite *suite, const struct tare_view_options *options)
{
    struct layout layout = {0};
    const char *error = options->ascii ? "+-" : "±";
    int width = options->width == 0 ? WIDTH : options->width < 60 ? 60 : options->width, rest = 0;
    size_t sides = tare__suite_sides(suite);
    if (sides <= 1) {
        add_column(&layout, "median", 10);
        add_column(&layout, error, 7);
        add_column(&layout, "p99 of one", 10);
        add_column(&layout, "rate", 10);
        add_column(&layout, "n", 4);
    } else if (sides == 2) {
        for (size_t i = 0; i < suite->side_count; i++) {
            if (suite->sides[i].arm != NULL) {
                add_column(&layout, suite->sides[i].label, 10);
                add_column(&layout, error, 6);
            }
        }
        add_column(&layout, "ratio", 14);
    } else {
        add_column(&layout, "quickest", 20);
        add_column(&layout, "slowest", 20);
        add_column(&layout, "n", 4);
    }
    for (size_t i = 0; i < layout.count; i++) {
        rest += layout.columns[i].width + 1;
    }
    layout.name = width - rest < NAME_MIN ? NAME_MIN : width - rest > NAME_MAX ? NAME_MAX : width - rest;
    return layout;
}

static struct tare__lines_out lines_to(FILE *out, const struct tare_view_options *options)
{
    int width = options->width == 0 ? WIDTH : options->width < 60 ? 60 : options->width;
    return (struct tare__lines_out){
        .out = out, .options = options, .width = (size_t)width, .cut = options->width > 0};
}

/* Cells */

bool tare__suite_is_certain(const struct tare_comparison *found)
{
    return found != NULL && isfinite(found->ratio) && isfinite(found->low) && isfinite(found->high);
}

double tare__suite_ratio_of(const struct tare_result_benchmark *benchmark, const struct tare_result_arm *arm,
                            const struct tare_comparison *found)
{
    if (found == NULL || isfinite(found->ratio)) {
        return found != NULL ? found->ratio : NAN;
    }
    return benchmark->arms[0].summary.median > 0 ? arm->summary.median / benchmark->arms[0].summary.median
                                                 : NAN;
}

char *tare__suite_ratio(char text[TARE__NUMBER_TEXT], double ratio, bool certain)
{
    char number[TARE__VIEW_NUMBER];
    if (!isfinite(ratio)) {
        return strcpy(text, "-");
    }
    int decimals = ratio < 10 ? 2 : ratio < 100 ? 1 : 0;
    snprintf(text, TARE__NUMBER_TEXT, "%s%s x", certain ? "" : "~", tare__view_fixed(number, ratio, decimals));
    return text;
}

static void put_median(char cells[COLUMNS_MAX][TARE__NUMBER_TEXT], size_t at, const struct tare_result_arm *arm,
                       bool ascii)
{
    strcpy(cells[at], "-");
    strcpy(cells[at + 1], "-");
    if (arm != NULL && arm->summary.n != 0) {
        double error = tare__median_error(&arm->summary);
        tare__suite_time(cells[at], arm, ascii);
        tare__text_percent(cells[at + 1], error / fabs(arm->summary.median));
    }
}

static void fill_one(char cells[COLUMNS_MAX][TARE__NUMBER_TEXT], const struct tare_result *result,
                     const struct tare_result_benchmark *benchmark, bool ascii)
{
    const struct tare_result_arm *arm = &benchmark->arms[0];
    put_median(cells, 0, arm, ascii);
    double p99 = tare__suite_p99(result->suite, arm);
    strcpy(cells[2], "-");
    if (isfinite(p99)) {
        tare__text_duration(cells[2], p99, fabs(p99) * 0.002, ascii);
    }
    strcpy(cells[3], "");
    if (isfinite(arm->bytes_per_op)) {
        tare__text_bytes_rate(cells[3], arm->bytes_per_op, tare__rate_time(arm));
    } else if (isfinite(arm->items_per_op)) {
        tare__text_items_rate(cells[3], arm->items_per_op, tare__rate_time(arm), false);
    }
    snprintf(cells[4], TARE__NUMBER_TEXT, "%zu", arm->summary.n);
}

static void fill_two(char cells[COLUMNS_MAX][TARE__NUMBER_TEXT], const struct tare_result *result,
                     const struct tare_result_benchmark *benchmark, bool ascii)
{
    size_t at = 0;
    const char *last = NULL;
    for (size_t i = 0; i < result->suite->side_count; i++) {
        const char *label = result->suite->sides[i].arm;
        if (label != NULL) {
            put_median(cells, at, tare__suite_arm(benchmark, label), ascii);
            at += 2;
            last = label;
        }
    }
    const struct tare_comparison *found = last != NULL ? tare__suite_comparison(benchmark, last) : NULL;
    /* Without an interval: of the medians. */
    const struct tare_result_arm *arm = last != NULL ? tare__suite_arm(benchmark, last) : NULL;
    tare__suite_ratio(cells[at], arm != NULL ? tare__suite_ratio_of(benchmark, arm, found) : NAN,
                      tare__suite_is_certain(found));
    if (found != NULL && isfinite(found->ratio) && isfinite(found->low) && isfinite(found->high)) {
        char percent[TARE__NUMBER_TEXT];
        size_t used = strlen(cells[at]);
        double error = fmax(found->high - found->ratio, found->ratio - found->low) / found->ratio;
        snprintf(cells[at] + used, TARE__NUMBER_TEXT - used, " %s%s", ascii ? "+-" : "±",
                 tare__text_percent(percent, error));
    }
}

static void fill_many(char cells[COLUMNS_MAX][TARE__NUMBER_TEXT], const struct tare_result *result,
                      const struct tare_result_benchmark *benchmark, bool ascii)
{
    const struct tare_result_arm *quickest = NULL, *slowest = NULL;
    size_t n = 0;
    for (size_t i = 0; i < benchmark->arm_count; i++) {
        const struct tare_result_arm *arm = &benchmark->arms[i];
        if (arm->control || arm->summary.n == 0) {
            continue;
        }
        quickest = quickest == NULL || arm->summary.median < quickest->summary.median ? arm : quickest;
        slowest = slowest == NULL || arm->summary.median > slowest->summary.median ? arm : slowest;
        n = n == 0 || arm->summary.n < n ? arm->summary.n : n;
    }
    const struct tare_result_arm *arms[] = {quickest, slowest};
    for (size_t i = 0; i < 2; i++) {
        char time[TARE__NUMBER_TEXT];
        const struct tare_suite_side *side =
            arms[i] != NULL ? tare_suite_side_of_arm(result->suite, arms[i]->label) : NULL;
        if (side == NULL) {
            strcpy(cells[i], "-");
            continue;
        }
        char *label = tare__safe_cut(side->label, 9, ascii);
        snprintf(cells[i], TARE__NUMBER_TEXT, "%s %s", label != NULL ? label : "",
                 tare__suite_time(time, arms[i], ascii));
        free(label);
    }
    snprintf(cells[2], TARE__NUMBER_TEXT, "%zu", n);
}

/* Rows */

static void put_header(struct tare__lines_out *lines, const struct layout *layout)
{
    fputs(lines->options->color ? TARE__DIM : "", lines->out);
    tare__text_pad(lines->out, "", layout->name);
    for (size_t i = 0; i < layout->count; i++) {
        char *safe =
            tare__safe_cut(layout->columns[i].title, (size_t)layout->columns[i].width, lines->options->ascii);
        putc(' ', lines->out);
        tare__text_pad(lines->out, safe != NULL ? safe : "", -layout->columns[i].width);
        free(safe);
    }
    fprintf(lines->out, "%s\n", lines->options->color ? TARE__PLAIN : "");
}

/* The heading, where a group begins. */
static void put_group(struct tare__lines_out *lines, const struct tare_result *result, size_t index,
                      const struct layout *layout)
{
    const struct tare_result_bench *bench = result->bench;
    const struct tare_suite_item *item = tare__suite_item(result->suite, bench->benchmarks[index].name),
                                 *before = NULL;
    if (index > 0) {
        before = tare__suite_item(result->suite, bench->benchmarks[index - 1].name);
    }
    const char *group = item != NULL ? item->group : NULL, *last = before != NULL ? before->group : NULL;
    if (index > 0 && (group == last || (group != NULL && last != NULL && strcmp(group, last) == 0))) {
        return;
    }
    putc('\n', lines->out);
    if (group != NULL) {
        tare__lines_put(lines, 0, 2, TARE__BOLD, group, "");
    }
    put_header(lines, layout);
}

static void put_row(struct tare__lines_out *lines, const struct layout *layout, const char *name,
                    char cells[COLUMNS_MAX][TARE__NUMBER_TEXT])
{
    char *safe = tare__safe_cut(name, lines->cut ? lines->width : 0, lines->options->ascii);
    if (safe == NULL) {
        lines->error = -ENOMEM;
        return;
    }
    size_t taken = tare__text_width(safe);
    fputs(safe, lines->out);
    if (taken > (size_t)layout->name) {
        fprintf(lines->out, "\n%*s", layout->name, "");
    } else {
        fprintf(lines->out, "%*s", layout->name - (int)taken, "");
    }
    size_t count = layout->count;
    while (count > 0 && cells[count - 1][0] == '\0') {
        count--;
    }
    for (size_t i = 0; i < count; i++) {
        putc(' ', lines->out);
        tare__text_pad(lines->out, cells[i], -layout->columns[i].width);
    }
    putc('\n', lines->out);
    free(safe);
}

/* What went wrong with single sides. */
static void put_failures(struct tare__lines_out *lines, const struct tare_result *result,
                         const struct tare_result_benchmark *benchmark)
{
    for (size_t i = 0; i < benchmark->arm_count; i++) {
        const struct tare_result_arm *arm = &benchmark->arms[i];
        if (arm->failure == NULL || arm->control) {
            continue;
        }
        const struct tare_suite_side *side = tare_suite_side_of_arm(result->suite, arm->label);
        struct tare__phrase phrase = {0};
        if (tare__suite_sides(result->suite) > 1) {
            tare__phrase_add(&phrase, "%s: ", side != NULL ? side->label : arm->label);
        }
        tare__phrase_add(&phrase, "%s%s", tare_result_is_skip(arm->failure) ? "" : "failed: ", arm->failure);
        tare__lines_phrase(lines, 4, 6, tare_result_is_skip(arm->failure) ? NULL : TARE__RED, &phrase);
    }
}

static void put_details(struct tare__lines_out *lines, const struct tare_result *result, size_t index)
{
    const struct tare_result_benchmark *benchmark = &result->bench->benchmarks[index];
    const struct tare_suite_item *item = tare__suite_item(result->suite, benchmark->name);
    bool ascii = lines->options->ascii;
    if (item != NULL && item->about != NULL) {
        tare__lines_put(lines, 4, 6, TARE__DIM, "", item->about);
    }
    for (size_t i = 0; i < benchmark->arm_count; i++) {
        const struct tare_result_arm *arm = &benchmark->arms[i];
        if (arm->control || arm->summary.n == 0) {
            continue;
        }
        const struct tare_suite_side *side = tare_suite_side_of_arm(result->suite, arm->label);
        struct tare__phrase phrase = {0};
        tare__phrase_add(&phrase, "%s: ", side != NULL ? side->label : arm->label);
        tare__facts_of_values(arm, benchmark, false, ascii, &phrase);
        tare__facts_per_op(arm, false, ascii, &phrase);
        for (size_t j = 0; j < arm->timer_count; j++) {
            tare__facts_of_timer(&arm->timers[j], ascii, &phrase);
        }
        tare__lines_phrase(lines, 4, 6, NULL, &phrase);
    }
    struct tare__phrase phrase = {0};
    tare__facts_of_machine(benchmark, result->environment.cpu_count, false, &phrase);
    tare__facts_of_rounds(benchmark, &phrase);
    tare__lines_phrase(lines, 4, 6, NULL, &phrase);
}

int tare_view_suite_one(const struct tare_result *result, size_t index, const struct tare_view_options *options,
                        FILE *out)
{
    if (result->suite == NULL || result->bench == NULL || index >= result->bench->benchmark_count) {
        return -EINVAL;
    }
    const struct tare_result_benchmark *benchmark = &result->bench->benchmarks[index];
    const struct layout layout = make_layout(result->suite, options);
    struct tare__lines_out lines = lines_to(out, options);
    char cells[COLUMNS_MAX][TARE__NUMBER_TEXT] = {{0}};
    put_group(&lines, result, index, &layout);
    size_t sides = tare__suite_sides(result->suite);
    if (benchmark->arm_count == 0) {
        for (size_t i = 0; i < layout.count; i++) {
            strcpy(cells[i], "-");
        }
    } else if (sides <= 1) {
        fill_one(cells, result, benchmark, options->ascii);
    } else if (sides == 2) {
        fill_two(cells, result, benchmark, options->ascii);
    } else {
        fill_many(cells, result, benchmark, options->ascii);
    }
    put_row(&lines, &layout, benchmark->name, cells);
    put_failures(&lines, result, benchmark);
    if (options->full) {
        put_details(&lines, result, index);
    }
    return lines.error != 0 ? lines.error : tare__view_finish(out);
}

/* Head and end */

int tare_view_suite_begin(const struct tare_result *result, const struct tare_view_options *options, FILE *out)
{
    struct tare__lines_out lines = lines_to(out, options);
    const struct tare_result_suite *suite = result->suite;
    if (suite == NULL) {
        return -EINVAL;
    }
    struct tare__phrase phrase = {0};
    tare__phrase_add(&phrase, "%s%s", suite->name, suite->quick ? ", quick" : "");
    tare__lines_put(&lines, 0, 2, TARE__BOLD, "Suite ", phrase.text != NULL ? phrase.text : "");
    tare__phrase_release(&phrase);
    for (size_t i = 0; i < suite->fact_count; i++) {
        struct tare__phrase fact = {0};
        tare__phrase_add(&fact, "%s: %s", suite->facts[i].name,
                         suite->facts[i].value != NULL ? suite->facts[i].value : "unknown");
        tare__lines_phrase(&lines, 2, 4, NULL, &fact);
    }
    for (size_t i = 0; i < suite->side_count; i++) {
        const struct tare_suite_side *side = &suite->sides[i];
        struct tare__phrase one = {0};
        if (suite->side_count > 1 || side->skipped != NULL) {
            tare__phrase_add(&one, "%s: %s%s%s", side->label, side->about != NULL ? side->about : "",
                             side->skipped != NULL ? "; skipped: " : "",
                             side->skipped != NULL ? side->skipped : "");
            tare__lines_phrase(&lines, 2, 4, NULL, &one);
        }
    }
    return lines.error != 0 ? lines.error : tare__view_finish(out);
}

/* What the columns are. */
static void put_legend(struct tare__lines_out *lines, const struct tare_result *result)
{
    const char *error = lines->options->ascii ? "+-" : "±";
    struct tare__phrase phrase = {0};
    bool rough = false;
    for (size_t i = 0; i < result->bench->benchmark_count; i++) {
        const struct tare_result_benchmark *benchmark = &result->bench->benchmarks[i];
        for (size_t j = 0; j < benchmark->comparison_count; j++) {
            rough = rough || !tare__suite_is_certain(&benchmark->comparisons[j].comparison);
        }
    }
    tare__phrase_add(&phrase, "medians of processes, n of them; %s: half of the 95 %% interval", error);
    if (tare__suite_sides(result->suite) <= 1) {
        tare__phrase_item(
            &phrase,
            "p99 of one: by a timer around each operation, or the part of it that the definition names; of a "
            "ring around a lap, and divided by its steps");
    } else if (rough) {
        tare__phrase_item(&phrase, "~: ratio of the medians, as there were too few rounds for its interval");
    }
    tare__lines_phrase(lines, 0, 2, TARE__DIM, &phrase);
}

static void say_counts(struct tare__lines_out *lines, const struct tare_result *result)
{
    size_t measured = 0, skipped = 0, failed = 0, sides = 0;
    for (size_t i = 0; i < result->bench->benchmark_count; i++) {
        const struct tare_result_benchmark *benchmark = &result->bench->benchmarks[i];
        for (size_t j = 0; j < benchmark->arm_count; j++) {
            const struct tare_result_arm *arm = &benchmark->arms[j];
            if (!arm->control) {
                bool skip = arm->failure != NULL && tare_result_is_skip(arm->failure);
                skipped += skip;
                failed += arm->failure != NULL && !skip;
                measured += arm->failure == NULL && arm->summary.n != 0;
            }
        }
    }
    for (size_t i = 0; i < result->suite->side_count; i++) {
        sides += result->suite->sides[i].skipped != NULL;
    }
    struct tare__phrase phrase = {0};
    tare__phrase_add(&phrase, "%zu measured, %zu skipped, %zu failed", measured, skipped, failed);
    if (sides != 0) {
        tare__phrase_add(&phrase, "; %zu side%s skipped", sides, sides == 1 ? "" : "s");
    }
    if (result->incomplete) {
        tare__phrase_add(&phrase, "; interrupted: the rest was not measured");
    }
    tare__lines_phrase(lines, 0, 2, NULL, &phrase);
}

int tare_view_suite_end(const struct tare_result *result, const struct tare_view_options *options, FILE *out)
{
    if (result->suite == NULL || result->bench == NULL) {
        return -EINVAL;
    }
    int failure = 0;
    if (tare__suite_is_matrix(result->suite)) {
        putc('\n', out);
        failure = tare__suite_matrix(result, options, TARE_FORMAT_TABLE, out);
    }
    if (failure == 0) {
        failure = tare__suite_figures(result, options, TARE_FORMAT_TABLE, out);
    }
    struct tare__lines_out lines = lines_to(out, options);
    putc('\n', out);
    put_legend(&lines, result);
    say_counts(&lines, result);
    struct tare__view_lines notes = {0};
    for (char **note = result->notes; note != NULL && *note != NULL; note++) {
        tare__view_say(&notes, "note: %s", *note);
    }
    tare__view_note_fingerprint(&notes, result);
    for (size_t i = 0; i < notes.count; i++) {
        tare__lines_put(&lines, 0, 2, NULL, "", notes.lines[i]);
    }
    lines.error = lines.error != 0 ? lines.error : notes.error;
    tare__view_lines_release(&notes);
    return failure != 0 ? failure : lines.error != 0 ? lines.error : tare__view_finish(out);
}

static int whole_table(const struct tare_result *result, const struct tare_view_options *options, FILE *out)
{
    int failure = tare_view_suite_begin(result, options, out);
    for (size_t i = 0; failure == 0 && i < result->bench->benchmark_count; i++) {
        failure = tare_view_suite_one(result, i, options, out);
    }
    return failure == 0 ? tare_view_suite_end(result, options, out) : failure;
}

/* "- name: value" */
static int put_item(FILE *out, const char *name, const char *between, const char *value, bool ascii)
{
    fputs("- ", out);
    int failure = tare__escape_markdown(out, name, ascii);
    fputs(between, out);
    if (failure == 0) {
        failure = tare__escape_markdown(out, value, ascii);
    }
    putc('\n', out);
    return failure;
}

static int whole_markdown(const struct tare_result *result, const struct tare_view_options *options, FILE *out)
{
    const struct tare_result_suite *suite = result->suite;
    fputs("# Suite ", out);
    int failure = tare__escape_markdown(out, suite->name, options->ascii);
    fprintf(out, "%s\n\n", suite->quick ? ", quick" : "");
    for (size_t i = 0; i < suite->fact_count && failure == 0; i++) {
        const struct tare_suite_fact *fact = &suite->facts[i];
        failure =
            put_item(out, fact->name, ": ", fact->value != NULL ? fact->value : "unknown", options->ascii);
    }
    for (size_t i = 0; i < suite->side_count && failure == 0; i++) {
        const struct tare_suite_side *side = &suite->sides[i];
        if (side->skipped != NULL) {
            failure = put_item(out, side->label, ": skipped: ", side->skipped, options->ascii);
        }
    }
    for (char **note = result->notes; note != NULL && *note != NULL && failure == 0; note++) {
        failure = put_item(out, "note", ": ", *note, options->ascii);
    }
    putc('\n', out);
    if (failure == 0) {
        failure = tare__suite_matrix(result, options, TARE_FORMAT_MARKDOWN, out);
    }
    return failure == 0 ? tare__suite_figures(result, options, TARE_FORMAT_MARKDOWN, out) : failure;
}

int tare_view_suite(const struct tare_result *result, const struct tare_view_options *options,
                    enum tare_format format, FILE *out)
{
    if (result->suite == NULL || result->bench == NULL) {
        return -EINVAL;
    }
    int failure;
    switch (format) {
    case TARE_FORMAT_TABLE:
        return whole_table(result, options, out);
    case TARE_FORMAT_MARKDOWN:
        failure = whole_markdown(result, options, out);
        break;
    case TARE_FORMAT_CSV:
        failure = tare__suite_csv(result, out);
        break;
    case TARE_FORMAT_SVG:
        failure = tare__suite_svg(result, out);
        break;
    case TARE_FORMAT_HTML:
        failure = tare__suite_html(result, out);
        break;
    default:
        return -EINVAL;
    }
    return failure != 0 ? failure : tare__view_finish(out);
}
