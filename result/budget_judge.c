/* SPDX-License-Identifier: MIT */
/*
 * Judges a metric by its budget. The judgement is by the value alone, so that it is the same for everybody who
 * has the same figures; whether its interval would have it otherwise is said besides.
 */
#include "result/budget.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const char *const tare_judgement_names[TARE_JUDGEMENTS] = {
    [TARE_JUDGED_PASS] = "pass",       [TARE_JUDGED_WARN] = "warn",        [TARE_JUDGED_FAIL] = "fail",
    [TARE_JUDGED_UNKNOWN] = "unknown", [TARE_JUDGED_INFORMATION] = "info",
};

static int complain(struct tare_budget_problem *problem, size_t line, const char *word, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
static int complain(struct tare_budget_problem *problem, size_t line, const char *word, const char *format, ...)
{
    problem->line = line;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(problem->message, sizeof problem->message, format, arguments);
    va_end(arguments);
    for (char *c = problem->message; *c != '\0'; c++) {
        *c = (unsigned char)*c < 0x20 || *c == 0x7f ? '?' : *c;
    }
    snprintf(problem->word, sizeof problem->word, "%s", word);
    return -EINVAL;
}

/* Whether a limit can be one of a value in `unit`. 0 is 0 in every unit. */
static bool fits(const struct tare_budget_limit *limit, enum tare_metric_unit unit)
{
    switch (limit->dimension) {
    case TARE_BUDGET_PLAIN:
        return limit->value == 0 || unit == TARE_METRIC_COUNT || unit == TARE_METRIC_SHARE ||
               unit == TARE_METRIC_RATIO;
    case TARE_BUDGET_PERCENT:
        return unit == TARE_METRIC_SHARE || unit == TARE_METRIC_RATIO;
    case TARE_BUDGET_TIME:
        return unit == TARE_METRIC_TIME;
    case TARE_BUDGET_BYTES:
        return unit == TARE_METRIC_BYTES;
    case TARE_BUDGET_BYTE_RATE:
        return unit == TARE_METRIC_BYTE_RATE;
    case TARE_BUDGET_RATE:
        return unit == TARE_METRIC_RATE;
    }
    return false;
}

static int check_limits(const struct tare_budget_entry *entry, enum tare_metric_unit unit,
                        struct tare_budget_problem *problem)
{
    static const char *const wanted[TARE_METRIC_UNITS] = {
        [TARE_METRIC_TIME] = "a time, as 5.2 us",
        [TARE_METRIC_BYTES] = "an amount of bytes, as 64 kB",
        [TARE_METRIC_BYTE_RATE] = "bytes by the second, as 250 MB/s",
        [TARE_METRIC_RATE] = "a rate, as 3 M/s",
        [TARE_METRIC_COUNT] = "a plain number, as 3",
        [TARE_METRIC_SHARE] = "a share, as 5 % or 0.05",
        [TARE_METRIC_RATIO] = "a ratio, as 1.05 or 105 %",
    };
    const struct tare_budget_limit *limits[] = {&entry->target, &entry->critical};
    for (size_t i = 0; i < 2; i++) {
        if (limits[i]->text != NULL && !fits(limits[i], unit)) {
            return complain(problem, limits[i]->line, "", "'%.60s' is no limit for '%.80s'%s, which is %s",
                            limits[i]->text, entry->metric,
                            entry->to_baseline || entry->relative_to != NULL ? " relative to another value"
                                                                             : "",
                            wanted[unit]);
        }
    }
    return 0;
}

static int find(const struct tare_metrics *metrics, const char *name, size_t line,
                const struct tare_metric **metric, struct tare_budget_problem *problem)
{
    bool ambiguous;
    *metric = tare_metrics_find(metrics, name, &ambiguous);
    if (*metric == NULL) {
        return complain(problem, line, name, "unknown metric '%.160s'", name);
    }
    if (ambiguous) {
        return complain(problem, line, "", "the result has more than one metric '%.160s'", name);
    }
    return 0;
}

/*
 * The ratio of two values that were estimated apart, with an interval from both of theirs: what each end is
 * away from its value, on the scale of logarithms, adds up as independent errors do (the method of variance
 * estimates recovery: G. Y. Zou and A. Donner, "Construction of confidence limits about effect measures: a
 * general approach", Statistics in Medicine 27 (2008), pages 1693-1702).
 */
static void take_ratio(struct tare_judged *judged)
{
    const struct tare_metric *a = judged->metric, *b = judged->base;
    judged->value = a->value / b->value;
    judged->exact = a->exact && b->exact;
    judged->unsampled = a->unsampled || b->unsampled;
    double a_low = a->exact ? a->value : a->low, a_high = a->exact ? a->value : a->high;
    double b_low = b->exact ? b->value : b->low, b_high = b->exact ? b->value : b->high;
    if (!judged->exact && a_low > 0 && b_low > 0 && a->value > 0) {
        judged->low = judged->value * exp(-hypot(log(a->value / a_low), log(b_high / b->value)));
        judged->high = judged->value * exp(hypot(log(a_high / a->value), log(b->value / b_low)));
    }
}

/* Sets what is judged, or why it is unknown. */
static void take_value(const struct tare_budget_entry *entry, struct tare_judged *judged)
{
    const struct tare_metric *metric = judged->metric, *base = judged->base;
    bool relative = entry->to_baseline || entry->relative_to != NULL;
    if (isnan(metric->value)) {
        judged->why = metric->why != NULL ? metric->why : "its value is unknown";
    } else if (!relative) {
        judged->value = metric->value;
        judged->low = metric->low;
        judged->high = metric->high;
        judged->exact = metric->exact;
        judged->unsampled = metric->unsampled;
    } else if (base == NULL) {
        judged->why = "the baseline does not have it";
    } else if (isnan(base->value)) {
        judged->why = "the value that it is relative to is unknown";
    } else if (!(base->value > 0)) {
        judged->why = "the value that it is relative to is not above 0";
    } else {
        take_ratio(judged);
    }
}

static enum tare_judgement judgement_of(const struct tare_budget_entry *entry, double value)
{
    double sign = entry->direction == TARE_BUDGET_AT_MOST ? 1 : -1;
    if (sign * value <= sign * entry->target.value) {
        return TARE_JUDGED_PASS;
    }
    return entry->critical.text != NULL && sign * value <= sign * entry->critical.value ? TARE_JUDGED_WARN
                                                                                        : TARE_JUDGED_FAIL;
}

int tare_budget_judge(const struct tare_budget_entry *entry, const struct tare_metrics *metrics,
                      const struct tare_metrics *baseline, struct tare_judged *judged,
                      struct tare_budget_problem *problem)
{
    bool relative = entry->to_baseline || entry->relative_to != NULL, ambiguous = false;
    *problem = (struct tare_budget_problem){0};
    *judged =
        (struct tare_judged){.entry = entry, .value = NAN, .low = NAN, .high = NAN, .unsure = -1, .left = NAN};
    int error = find(metrics, entry->metric, entry->line, &judged->metric, problem);
    if (error == 0 && entry->relative_to != NULL) {
        error = find(metrics, entry->relative_to, entry->relative_line, &judged->base, problem);
    }
    if (error != 0) {
        return error;
    }
    if (entry->to_baseline && baseline == NULL) {
        return complain(problem, entry->relative_line, "",
                        "'%.80s' is relative to a baseline, and none is given", entry->metric);
    }
    if (entry->to_baseline) {
        judged->base = tare_metrics_find(baseline, entry->metric, &ambiguous);
    }
    if (ambiguous) {
        return complain(problem, entry->line, "", "the baseline has more than one metric '%.160s'",
                        entry->metric);
    }
    if (judged->base != NULL && judged->base->unit != judged->metric->unit) {
        return complain(problem, entry->relative_line, "", "'%.80s' is in %s, what it is relative to in %s",
                        entry->metric, tare_metric_unit_names[judged->metric->unit],
                        tare_metric_unit_names[judged->base->unit]);
    }
    judged->unit = relative ? TARE_METRIC_RATIO : judged->metric->unit;
    error = check_limits(entry, judged->unit, problem);
    if (error != 0) {
        return error;
    }
    take_value(entry, judged);
    judged->judgement = entry->informational ? TARE_JUDGED_INFORMATION : TARE_JUDGED_UNKNOWN;
    if (isnan(judged->value) || entry->direction == TARE_BUDGET_NO_LIMIT) {
        return 0;
    }
    enum tare_judgement found = judgement_of(entry, judged->value);
    if (judged->exact) {
        judged->unsure = 0;
    } else if (!isnan(judged->low)) {
        bool turns = judgement_of(entry, judged->low) != found || judgement_of(entry, judged->high) != found;
        judged->unsure = turns ? 1 : judged->unsampled ? -1 : 0;
    }
    double target = entry->target.value;
    if (target != 0) {
        judged->left =
            (entry->direction == TARE_BUDGET_AT_MOST ? target - judged->value : judged->value - target) /
            fabs(target);
    }
    judged->judgement = entry->informational ? TARE_JUDGED_INFORMATION : found;
    return 0;
}
