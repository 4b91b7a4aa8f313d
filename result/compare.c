/* SPDX-License-Identifier: MIT */
/*
 * Results of earlier runs, compared.
 *
 * Matching. Benchmarks are the same if their names, arguments and numbers of threads are; timers, if module and
 * name are. A name with other arguments is no match: it would compare two amounts of work.
 *
 * How a pair is judged stands in compare_judge.c.
 */
#include "result/compare.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "result/compare_judge.h"
#include "stats/interval.h"
#include "stats/values.h"

const char *const tare_compared_percentiles[TARE_COMPARED_PERCENTILES] = {"p50", "p90", "p95", "p99", "p999"};

/* What a row says of itself; of those in pairs the first is about the old result. */
static const char *const why_no_arm[] = {
    "the old result has no such arm",
    "the new result has no such arm",
};
static const char *const why_no_values[] = {
    "the old result has no values",
    "the new result has no values",
};
static const char *const why_failed[] = {
    "failed in the old result",
    "failed in the new result",
};
static const char *const why_not_called[] = {
    "not called in the old run",
    "not called in the new run",
};
static const char *const why_no_net[] = {
    "the net time is unknown in the old result",
    "the net time is unknown in the new result",
};
static const char *const why_other_arguments[] = {
    "the new result has it with other arguments or threads",
    "the old result has it with other arguments or threads",
};
static const char why_control_differs[] = "the old code differs from itself in the control";
static const char why_no_control[] = "the control says nothing of it";

/* Items: benchmarks or timers of one result */

struct item {
    const char *module; /* "" for a benchmark */
    const char *name;
    const struct tare_result_benchmark *benchmark;
    const struct tare_result_timer *timer;
    size_t index;
};

struct items {
    struct item *items; /* ascending by key */
    size_t count;
};

/* A total order, of which nothing but the equality of arguments matters. */
static int compare_arguments(const struct tare_result_benchmark *a, const struct tare_result_benchmark *b)
{
    if (a->threads != b->threads) {
        return a->threads < b->threads ? -1 : 1;
    }
    if (a->arg_count != b->arg_count) {
        return a->arg_count < b->arg_count ? -1 : 1;
    }
    return a->arg_count > 0 ? memcmp(a->args, b->args, a->arg_count * sizeof *a->args) : 0;
}

static int compare_names(const struct item *a, const struct item *b)
{
    int order = strcmp(a->module, b->module);
    return order != 0 ? order : strcmp(a->name, b->name);
}

static int compare_keys(const struct item *a, const struct item *b)
{
    int order = compare_names(a, b);
    return order != 0 || a->benchmark == NULL ? order : compare_arguments(a->benchmark, b->benchmark);
}

static int compare_items(const void *left, const void *right)
{
    const struct item *a = left, *b = right;
    int order = compare_keys(a, b);
    return order != 0 ? order : (a->index > b->index) - (a->index < b->index);
}

static int list_items(struct items *items, const struct tare_result *result, enum tare_compared_kind kind,
                      const struct tare_compared_options *options)
{
    bool benchmarks = kind == TARE_COMPARED_BENCHMARKS;
    size_t count = benchmarks ? result->bench->benchmark_count : result->timer_count;
    *items = (struct items){.items = calloc(count + 1, sizeof *items->items)};
    if (items->items == NULL) {
        return -ENOMEM;
    }
    for (size_t i = 0; i < count; i++) {
        struct item item = {.module = "", .index = i};
        if (benchmarks) {
            item.benchmark = &result->bench->benchmarks[i];
            item.name = item.benchmark->name;
        } else {
            item.timer = &result->timers[i];
            item.module = item.timer->module;
            item.name = item.timer->name;
        }
        if (options->wanted == NULL || options->wanted(options->data, benchmarks ? NULL : item.module,
                                                       item.name, benchmarks ? item.benchmark->bench : NULL)) {
            items->items[items->count++] = item;
        }
    }
    qsort(items->items, items->count, sizeof *items->items, compare_items);
    return 0;
}

static const struct item *find_item(const struct items *items, const struct item *key)
{
    size_t low = 0, high = items->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (compare_keys(&items->items[middle], key) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < items->count && compare_keys(&items->items[low], key) == 0 ? &items->items[low] : NULL;
}

/* Sides */

/* NULL: there is none of that label. */
static const struct tare_result_arm *find_arm(const struct tare_result_benchmark *benchmark, const char *label)
{
    for (size_t i = 0; i < benchmark->arm_count; i++) {
        if (label == NULL ||
            (benchmark->arms[i].label != NULL && strcmp(benchmark->arms[i].label, label) == 0)) {
            return &benchmark->arms[i];
        }
    }
    return NULL;
}

static void clear_side(struct tare_compared_side *side)
{
    *side = (struct tare_compared_side){.ns = NAN, .low_ns = NAN, .high_ns = NAN, .limit_ns = NAN};
    for (size_t i = 0; i < TARE_COMPARED_PERCENTILES; i++) {
        side->percentile_ns[i] = NAN;
    }
}

/* `which`: 0 old, 1 new. Returns 0 or -ENOMEM. */
static int benchmark_side(struct tare_compared_row *row, size_t which, const struct tare_result_arm *arm)
{
    struct tare_compared_side *side = which == 0 ? &row->old : &row->new;
    side->there = true;
    if (arm == NULL) {
        row->why = row->why == NULL ? why_no_arm[which] : row->why;
        return 0;
    }
    size_t count;
    double *values = tare__kept_values(arm, &count);
    if (values == NULL) {
        return -ENOMEM;
    }
    struct tare_interval interval = {NAN, NAN, NAN, NAN};
    if (tare_values_check(values, count) == 0) {
        tare_values_sort(values, count);
        tare_quantile_interval(values, count, 0.5, TARE_RESULT_CONFIDENCE, &interval);
    }
    free(values);
    side->count = count;
    side->dropped = arm->value_count - count;
    side->ns = interval.estimate;
    side->low_ns = interval.low;
    side->high_ns = interval.high;
    side->measured = count > 0;
    side->failed = arm->failure != NULL;
    if (row->why == NULL && (arm->failure != NULL || count == 0)) {
        row->failure = arm->failure;
        row->why = arm->failure != NULL ? why_failed[which] : why_no_values[which];
    }
    return 0;
}

static void timer_side(struct tare_compared_row *row, size_t which, const struct tare_result_timer *timer)
{
    const struct tare_result_figures *figures = &timer->figures;
    struct tare_compared_side *side = which == 0 ? &row->old : &row->new;
    const double percentiles[TARE_COMPARED_PERCENTILES] = {figures->net_p50_ns, figures->net_p90_ns,
                                                           figures->net_p95_ns, figures->net_p99_ns,
                                                           figures->net_p999_ns};
    side->there = true;
    side->count = figures->calls;
    side->ns = figures->net_avg_ns;
    side->low_ns = figures->net_avg_ns - figures->net_avg_error_ns;
    side->high_ns = figures->net_avg_ns + figures->net_avg_error_ns;
    side->limit_ns = figures->net_avg_limit_ns;
    side->below_limit = tare_figures_below_limit(figures);
    memcpy(side->percentile_ns, percentiles, sizeof percentiles);
    side->measured = isfinite(side->low_ns) && isfinite(side->high_ns);
    if (!side->measured && row->why == NULL) {
        row->why = figures->outermost_calls == 0 ? why_not_called[which] : why_no_net[which];
    }
}

static int fill_side(struct tare_compared_row *row, size_t which, const struct item *item, const char *arm)
{
    if (item->benchmark != NULL) {
        return benchmark_side(row, which, find_arm(item->benchmark, arm));
    }
    timer_side(row, which, item->timer);
    return 0;
}

/* Judging */

/* What a pair of items is compared with. */
struct judging {
    const struct tare_compare_rule *rule;
    const char *arm;
    const struct tare_result *old_result, *new_result;
};

static int judge(struct tare__judged *judged, const struct judging *with, const struct item *old,
                 const struct item *new)
{
    if (old->benchmark != NULL) {
        const struct tare_result_arm *a = find_arm(old->benchmark, with->arm);
        const struct tare_result_arm *b = find_arm(new->benchmark, with->arm);
        if (a == NULL || b == NULL) {
            *judged = tare__unjudged(NULL);
            return 0;
        }
        return tare__judge_benchmark(judged, with->rule, a, b);
    }
    *judged = tare__judge_timer(with->rule, with->old_result, &old->timer->figures, with->new_result,
                                &new->timer->figures);
    return 0;
}

/* Puts what the control says into `row`, which has been judged. */
static int add_control(struct tare_compared_row *row, const struct judging *with, const struct item *old,
                       const struct tare_result *control_result, const struct item *control)
{
    struct tare_comparison *comparison = &row->comparison;
    struct tare_compare_rule rule = *with->rule;
    struct tare__judged judged = tare__unjudged(NULL);
    int error = 0;
    rule.alpha = rule.control_alpha;
    rule.comparisons = 1;
    if (control != NULL) {
        struct judging again = {&rule, with->arm, with->old_result, control_result};
        error = judge(&judged, &again, old, control);
    }
    if (error != 0) {
        return error;
    }
    comparison->control_ratio = judged.comparison.ratio;
    comparison->control_low = judged.comparison.low;
    comparison->control_high = judged.comparison.high;
    comparison->control_differs =
        judged.comparison.verdict == TARE_VERDICT_SLOWER || judged.comparison.verdict == TARE_VERDICT_FASTER;
    if (comparison->control_differs || !judged.sure) {
        comparison->verdict = TARE_VERDICT_UNRESOLVED;
        if (row->why == NULL) {
            row->why = judged.sure ? why_control_differs : why_no_control;
        }
    }
    return 0;
}

/* Matching */

/* A row while it is made. */
struct making {
    struct tare_compared_row row;
    const struct item *old, *new; /* NULL: it is not there */
    size_t order;
};

struct makings {
    struct making *makings; /* room for all items of both results */
    size_t count;
    struct items items; /* of the new result */
};

static int compare_makings(const void *left, const void *right)
{
    const struct making *a = left, *b = right;
    return (a->order > b->order) - (a->order < b->order);
}

/* Whether one of the two items between which `item` would stand has its name, and so other arguments. */
static bool has_namesake(const struct items *items, size_t place, const struct item *item)
{
    return (place < items->count && compare_names(&items->items[place], item) == 0) ||
           (place > 0 && compare_names(&items->items[place - 1], item) == 0);
}

static bool was_called(const struct item *item)
{
    return item != NULL && (item->timer == NULL || item->timer->figures.calls > 0);
}

/* One row; none for a timer that nobody called. `namesake`: see above, of an item without a partner. */
static int add_row(struct makings *makings, const struct item *old, const struct item *new, bool namesake,
                   const char *arm)
{
    const struct item *known = old != NULL ? old : new;
    if (!was_called(old) && !was_called(new)) {
        return 0;
    }
    struct making *making = &makings->makings[makings->count++];
    struct tare_compared_row *row = &making->row;
    /* What was added stands behind everything that was there. */
    *making =
        (struct making){.old = old, .new = new, .order = old != NULL ? old->index : SIZE_MAX / 2 + new->index};
    *row = (struct tare_compared_row){
        .module = known->benchmark == NULL ? known->module : NULL,
        .name = known->name,
        .presence = new == NULL   ? TARE_COMPARED_REMOVED
                    : old == NULL ? TARE_COMPARED_ADDED
                                  : TARE_COMPARED_BOTH,
        .comparison = tare__compare_unknown(),
        .difference_ns = NAN,
        .difference_low_ns = NAN,
        .difference_high_ns = NAN,
    };
    clear_side(&row->old);
    clear_side(&row->new);
    int error = old != NULL ? fill_side(row, 0, old, arm) : 0;
    if (error == 0 && new != NULL) {
        error = fill_side(row, 1, new, arm);
    }
    if (row->presence != TARE_COMPARED_BOTH && row->failure == NULL) {
        row->why = namesake ? why_other_arguments[old == NULL] : NULL;
    }
    return error;
}

/* Every item of both results once, in the order of the old one. */
static int match(struct makings *makings, const struct items *old, const char *arm)
{
    const struct items *new = &makings->items;
    size_t i = 0, j = 0;
    int error = 0;
    while (error == 0 && (i < old->count || j < new->count)) {
        int order = i == old->count ? 1 : j == new->count ? -1 : compare_keys(&old->items[i], &new->items[j]);
        const struct item *a = order <= 0 ? &old->items[i] : NULL, *b = order >= 0 ? &new->items[j] : NULL;
        bool namesake = order < 0 ? has_namesake(new, j, a) : order > 0 ? has_namesake(old, i, b) : false;
        error = add_row(makings, a, b, namesake, arm);
        i += order <= 0;
        j += order >= 0;
    }
    qsort(makings->makings, makings->count, sizeof *makings->makings, compare_makings);
    return error;
}

static bool can_be_judged(const struct making *making)
{
    const struct tare_compared_row *row = &making->row;
    return row->presence == TARE_COMPARED_BOTH && row->old.measured && row->new.measured && !row->old.failed &&
           !row->new.failed;
}

/* All */

enum tare_compared_kind tare_compared_kind_of(const struct tare_result *result)
{
    static const char *const of_timers[] = {"run", "attach", "page"};
    if (result->kind == NULL) {
        return TARE_COMPARED_NOTHING;
    }
    if (strcmp(result->kind, "bench") == 0) {
        return result->bench != NULL ? TARE_COMPARED_BENCHMARKS : TARE_COMPARED_NOTHING;
    }
    for (size_t i = 0; i < sizeof of_timers / sizeof of_timers[0]; i++) {
        if (strcmp(result->kind, of_timers[i]) == 0) {
            return TARE_COMPARED_TIMERS;
        }
    }
    return TARE_COMPARED_NOTHING;
}

static bool is_rule(const struct tare_compare_rule *rule)
{
    return rule->alpha > 0 && rule->alpha < 1 && rule->margin > 0 && isfinite(rule->margin) &&
           rule->control_alpha > 0 && rule->control_alpha < 1;
}

static void count_row(struct tare_compared_section *section, const struct tare_compared_row *row)
{
    bool both = row->presence == TARE_COMPARED_BOTH, beyond = tare_compared_beyond(row);
    section->matched += both;
    section->failed += both && row->new.failed && !row->old.failed;
    section->removed += row->presence == TARE_COMPARED_REMOVED;
    section->added += row->presence == TARE_COMPARED_ADDED;
    section->verdicts[row->comparison.verdict] += both;
    section->slower_beyond += beyond && row->comparison.verdict == TARE_VERDICT_SLOWER;
    section->faster_beyond += beyond && row->comparison.verdict == TARE_VERDICT_FASTER;
}

/* The rows of one section: `with` says by what they are judged. */
static int judge_rows(struct tare_compared_section *section, struct makings *makings,
                      const struct judging *with, const struct tare_result *control_result,
                      const struct items *control)
{
    section->rows = calloc(makings->count + 1, sizeof *section->rows);
    int error = section->rows == NULL ? -ENOMEM : 0;
    for (size_t i = 0; error == 0 && i < makings->count; i++) {
        struct making *making = &makings->makings[i];
        struct tare_compared_row *row = &making->row;
        if (can_be_judged(making)) {
            struct tare__judged judged;
            error = judge(&judged, with, making->old, making->new);
            row->comparison = judged.comparison;
            row->difference_ns = judged.difference_ns;
            row->difference_low_ns = judged.difference_low_ns;
            row->difference_high_ns = judged.difference_high_ns;
            row->why = judged.why;
            if (error == 0 && control_result != NULL) {
                error = add_control(row, with, making->old, control_result, find_item(control, making->old));
            }
        }
        section->rows[section->row_count++] = *row;
        count_row(section, row);
    }
    return error;
}

static int make_sections(struct tare_compared *compared, struct makings *makings, const struct tare_result *old,
                         const struct tare_result *const *news, const struct tare_result *control,
                         const struct tare_compared_options *options)
{
    struct items old_items = {0}, control_items = {0};
    size_t judgeable = 0;
    int error = list_items(&old_items, old, compared->kind, options);
    if (error == 0 && control != NULL) {
        error = list_items(&control_items, control, compared->kind, options);
    }
    for (size_t i = 0; error == 0 && i < compared->section_count; i++) {
        struct makings *of = &makings[i];
        compared->sections[i].result = news[i];
        error = list_items(&of->items, news[i], compared->kind, options);
        if (error == 0) {
            of->makings = calloc(old_items.count + of->items.count + 1, sizeof *of->makings);
            error = of->makings == NULL ? -ENOMEM : match(of, &old_items, options->arm);
        }
        for (size_t j = 0; error == 0 && j < of->count; j++) {
            judgeable += can_be_judged(&of->makings[j]);
        }
    }
    compared->rule.comparisons = judgeable > 0 ? judgeable : 1;
    compared->confidence = 1 - compared->rule.alpha / (double)compared->rule.comparisons;
    for (size_t i = 0; error == 0 && i < compared->section_count; i++) {
        struct judging with = {&compared->rule, options->arm, old, news[i]};
        error = judge_rows(&compared->sections[i], &makings[i], &with, control, &control_items);
    }
    free(old_items.items);
    free(control_items.items);
    return error;
}

int tare_results_compare(const struct tare_result *old, const struct tare_result *const *news, size_t count,
                         const struct tare_result *control, const struct tare_compared_options *options,
                         struct tare_compared **compared)
{
    enum tare_compared_kind kind = tare_compared_kind_of(old);
    bool alike = kind != TARE_COMPARED_NOTHING && (control == NULL || tare_compared_kind_of(control) == kind);
    for (size_t i = 0; i < count; i++) {
        alike = alike && tare_compared_kind_of(news[i]) == kind;
    }
    if (!alike || !is_rule(&options->rule)) {
        return -EINVAL;
    }
    struct tare_compared *made = calloc(1, sizeof *made);
    struct makings *makings = calloc(count + 1, sizeof *makings);
    int error = made == NULL || makings == NULL ? -ENOMEM : 0;
    if (error == 0) {
        made->kind = kind;
        made->rule = options->rule;
        made->controlled = control != NULL;
        made->sections = calloc(count + 1, sizeof *made->sections);
        made->section_count = made->sections != NULL ? count : 0;
        error = made->sections == NULL ? -ENOMEM : make_sections(made, makings, old, news, control, options);
    }
    for (size_t i = 0; makings != NULL && i < count; i++) {
        free(makings[i].items.items);
        free(makings[i].makings);
    }
    free(makings);
    if (error != 0) {
        tare_compared_free(made);
        return error;
    }
    *compared = made;
    return 0;
}

void tare_compared_free(struct tare_compared *compared)
{
    if (compared == NULL) {
        return;
    }
    for (size_t i = 0; i < compared->section_count; i++) {
        free(compared->sections[i].rows);
    }
    free(compared->sections);
    free(compared);
}

/* Order */

static int row_group(const struct tare_compared_row *row)
{
    static const int groups[TARE_VERDICTS] = {
        [TARE_VERDICT_SLOWER] = 0,
        [TARE_VERDICT_FASTER] = 0,
        [TARE_VERDICT_UNRESOLVED] = 1,
        [TARE_VERDICT_SAME] = 2,
    };
    return row->presence == TARE_COMPARED_BOTH      ? groups[row->comparison.verdict]
           : row->presence == TARE_COMPARED_REMOVED ? 3
                                                    : 4;
}

/* A change from or to nothing that can be told is larger than any; one that is unknown is smaller. */
static double row_effect(const struct tare_compared_row *row)
{
    double ratio = row->comparison.ratio;
    if (ratio > 0) {
        return fabs(log(ratio));
    }
    return row_group(row) == 0 ? INFINITY : -1;
}

static int compare_rows_by_name(const void *left, const void *right)
{
    const struct tare_compared_row *a = left, *b = right;
    int order = strcmp(a->module != NULL ? a->module : "", b->module != NULL ? b->module : "");
    order = order != 0 ? order : strcmp(a->name, b->name);
    return order != 0 ? order : (int)a->presence - (int)b->presence;
}

static int compare_rows_by_effect(const void *left, const void *right)
{
    const struct tare_compared_row *a = left, *b = right;
    double first = row_effect(a), second = row_effect(b);
    int order = row_group(a) - row_group(b);
    order = order != 0 ? order : (first < second) - (first > second);
    return order != 0 ? order : compare_rows_by_name(left, right);
}

void tare_compared_sort(struct tare_compared *compared, enum tare_compared_order order)
{
    for (size_t i = 0; i < compared->section_count; i++) {
        struct tare_compared_section *section = &compared->sections[i];
        qsort(section->rows, section->row_count, sizeof *section->rows,
              order == TARE_COMPARED_BY_EFFECT ? compare_rows_by_effect : compare_rows_by_name);
    }
}
