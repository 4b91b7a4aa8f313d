/* SPDX-License-Identifier: MIT */
/*
 * How a benchmark or timer of one result is judged against that of another.
 *
 * Benchmarks are judged by tare_compare_apart() on the values of their processes, of which those that were
 * dropped with their rounds do not count, with alpha divided over all comparisons of the call (Bonferroni).
 *
 * Timers have no such values, but a net average and its error by cause. Their difference is judged as B. L.
 * Welch judges that of two means with unequal variances ("The generalization of 'Student's' problem when
 * several different population variances are involved", Biometrika 34 (1947), pages 28-35): the variances of
 * the two averages add, as the two runs were calibrated and sampled apart. The context error is not
 * independent, since the same code stands around the same scopes: it falls out of the difference in part, and
 * taking it in full is the cautious choice. The sampling error of each average was made of blocks, of which a
 * result does not hold the number, and half its width was found with Student's t for that number. So two
 * numbers are tried, the fewest blocks that make an error (TARE_RUN_BLOCKS_MIN) and any number of them, and the
 * wider interval counts: few blocks make the wider one far out, many near by, as the same half width stands for
 * more standard errors of the one kind than of the other. Other parts are taken as known; the degrees of
 * freedom of the sum are F. E. Satterthwaite's ("An approximate distribution of estimates of variance
 * components", Biometrics Bulletin 2 (1946), pages 110-114). tests/unit/test_compare_results.c simulates what
 * that yields.
 *
 * The interval of the ratio is E. C. Fieller's ("Some problems in interval estimation", Journal of the Royal
 * Statistical Society B 16 (1954), pages 175-185): all r for which new - r old cannot be told from 0. It holds
 * 1 just if the difference cannot be told from 0, so that verdict and interval never contradict each other. It
 * has an end only where the old average can be told from 0; the verdict is then one on the difference alone.
 */
#include "result/compare_judge.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "stats/blocks.h"
#include "stats/distribution.h"
#include "stats/quantile.h"
#include "stats/values.h"

/* The chance with which a change of the smallest size that is told would have been seen. */
#define POWER 0.8

/* Why there is no verdict; of those in pairs the first is about the old result. */
static const char *const why_unsampled[] = {
    "the sampling error is unknown in the old result: too few calls, too short a time, or nobody watched",
    "the sampling error is unknown in the new result: too few calls, too short a time, or nobody watched",
};
static const char *const why_negative[] = {
    "the net time is below 0 by more than its error in the old result: the method failed there",
    "the net time is below 0 by more than its error in the new result: the method failed there",
};
static const char why_below[] = "below the detection limit in both results";
static const char why_few[] = "too few processes for an interval";
static const char why_bad_values[] = "a time is not above 0, so there is no ratio";
static const char why_no_error[] = "the error of the net time is out of range";

double *tare__kept_values(const struct tare_result_arm *arm, size_t *count)
{
    double *values = calloc(arm->value_count + 1, sizeof *values);
    *count = 0;
    for (size_t i = 0; values != NULL && i < arm->value_count; i++) {
        if (!arm->dropped[i]) {
            values[(*count)++] = arm->values_ns[i];
        }
    }
    return values;
}

struct tare_comparison tare__compare_unknown(void)
{
    return (struct tare_comparison){
        .verdict = TARE_VERDICT_UNRESOLVED,
        .ratio = NAN,
        .low = NAN,
        .high = NAN,
        .confidence = NAN,
        .control_ratio = NAN,
        .control_low = NAN,
        .control_high = NAN,
        .smallest = NAN,
        .units_needed = NAN,
        .layouts_needed = NAN,
        .units_effective = NAN,
    };
}

struct tare__judged tare__unjudged(const char *why)
{
    return (struct tare__judged){.comparison = tare__compare_unknown(),
                                 .difference_ns = NAN,
                                 .difference_low_ns = NAN,
                                 .difference_high_ns = NAN,
                                 .why = why};
}

int tare__judge_benchmark(struct tare__judged *judged, const struct tare_compare_rule *rule,
                          const struct tare_result_arm *old, const struct tare_result_arm *new)
{
    size_t old_count = 0, new_count = 0;
    double *a = tare__kept_values(old, &old_count), *b = tare__kept_values(new, &new_count);
    double *scratch = calloc(old_count + new_count + 1, sizeof *scratch);
    int error = a == NULL || b == NULL || scratch == NULL ? -ENOMEM : 0;
    *judged = tare__unjudged(NULL);
    if (error == 0) {
        struct tare_comparison *comparison = &judged->comparison;
        int refused = tare_compare_apart(rule, a, old_count, b, new_count, scratch, comparison);
        judged->sure = refused == 0 && isfinite(comparison->low) && isfinite(comparison->high);
        judged->why = refused != 0 ? why_bad_values : judged->sure ? NULL : why_few;
        tare_values_sort(a, refused == 0 ? old_count : 0);
        tare_values_sort(b, refused == 0 ? new_count : 0);
        judged->difference_ns =
            refused == 0 ? tare_quantile(b, new_count, 0.5) - tare_quantile(a, old_count, 0.5) : NAN;
        /* Of these, two runs have none. */
        comparison->control_differs = false;
        comparison->control_ratio = comparison->control_low = comparison->control_high = NAN;
    }
    free(a);
    free(b);
    free(scratch);
    return error;
}

/* Of a net average, in ns^2: by the sampling error, and by the rest. */
struct variance {
    double sampled;
    double known;
};

/* Variances of the two averages of a comparison, and how many of their standard errors make the interval. */
struct errors {
    double old, new;
    double both; /* standard error of the difference */
    double t;
    double power_t; /* and how many more, so that a change is seen with a chance of POWER */
};

static double student(double p, double freedom)
{
    return isfinite(freedom) && freedom < 1e6 ? tare_student_quantile(p, freedom) : tare_normal_quantile(p);
}

/* Half the width of an interval of the result to its standard error, for so many degrees of freedom. */
static double width_factor(const struct tare_result *result, double freedom)
{
    double confidence = result->confidence;
    return student(confidence > 0 && confidence < 1 ? (1 + confidence) / 2 : (1 + TARE_RESULT_CONFIDENCE) / 2,
                   freedom);
}

static struct variance variance_of(const struct tare_result *result, const struct tare_result_figures *figures,
                                   double freedom)
{
    double half = figures->net_avg_error_ns, sampling = figures->net_avg_error_part_ns[TARE_ERROR_SAMPLING];
    double sampled = sampling / width_factor(result, freedom);
    double known = sqrt(fmax(half * half - sampling * sampling, 0)) / width_factor(result, INFINITY);
    return (struct variance){sampled * sampled, known * known};
}

/* With the sampling errors taken for ones of `freedom` degrees each. */
static struct errors errors_of(double tail, double freedom, struct variance a, struct variance b)
{
    double sum = a.sampled + a.known + b.sampled + b.known;
    double squares = (a.sampled * a.sampled + b.sampled * b.sampled) / freedom;
    double effective = squares > 0 ? sum * sum / squares : INFINITY; /* Satterthwaite's */
    return (struct errors){
        .old = a.sampled + a.known,
        .new = b.sampled + b.known,
        .both = sqrt(sum),
        .t = student(1 - tail, effective),
        .power_t = student(POWER, effective),
    };
}

/* Fieller's interval of b / a, whose standard errors are known, `t` of them to each side. */
static void ratio_interval(double a, double a_variance, double b, double b_variance, double t,
                           struct tare_comparison *out)
{
    double leading = a * a - t * t * a_variance, middle = a * b, constant = b * b - t * t * b_variance;
    double discriminant = middle * middle - leading * constant;
    if (!(a > 0) || isnan(discriminant)) {
        return;
    }
    double root = sqrt(fmax(discriminant, 0));
    if (leading > 0) {
        out->low = (middle - root) / leading;
        out->high = (middle + root) / leading;
    } else if (discriminant > 0 && b > 0) {
        /* The old one may be 0: any ratio is possible above that from which on the new one is too large. */
        double first = (middle - root) / leading;
        out->low = first > 1 ? first : NAN;
    }
}

struct tare__judged tare__judge_timer(const struct tare_compare_rule *rule,
                                      const struct tare_result *old_result,
                                      const struct tare_result_figures *old,
                                      const struct tare_result *new_result,
                                      const struct tare_result_figures *new)
{
    const struct tare_result_figures *both[] = {old, new};
    struct tare__judged judged = tare__unjudged(NULL);
    struct tare_comparison *comparison = &judged.comparison;
    bool below = true;
    judged.difference_ns = new->net_avg_ns - old->net_avg_ns;
    comparison->ratio =
        old->net_avg_ns > 0 && !tare_figures_below_limit(old) ? new->net_avg_ns / old->net_avg_ns : NAN;
    for (size_t i = 0; i < 2; i++) {
        if (isnan(both[i]->net_avg_error_part_ns[TARE_ERROR_SAMPLING])) {
            judged.why = why_unsampled[i];
            return judged;
        }
        if (both[i]->net_avg_ns < -both[i]->net_avg_error_ns && !tare_figures_below_limit(both[i])) {
            judged.why = why_negative[i];
            return judged;
        }
        below = below && tare_figures_below_limit(both[i]);
    }
    static const double freedoms[] = {TARE_RUN_BLOCKS_MIN - 1, INFINITY};
    double tail = rule->alpha / (double)rule->comparisons / 2;
    struct errors errors = {0};
    for (size_t i = 0; i < sizeof freedoms / sizeof freedoms[0]; i++) {
        struct errors tried = errors_of(tail, freedoms[i], variance_of(old_result, old, freedoms[i]),
                                        variance_of(new_result, new, freedoms[i]));
        errors = i == 0 || tried.t * tried.both > errors.t * errors.both ? tried : errors;
    }
    judged.difference_low_ns = judged.difference_ns - errors.t * errors.both;
    judged.difference_high_ns = judged.difference_ns + errors.t * errors.both;
    judged.sure = isfinite(judged.difference_low_ns) && isfinite(judged.difference_high_ns);
    comparison->confidence = 1 - 2 * tail;
    ratio_interval(old->net_avg_ns, errors.old, new->net_avg_ns, errors.new, errors.t, comparison);
    comparison->smallest =
        !isnan(comparison->ratio) ? (errors.t + errors.power_t) * errors.both / old->net_avg_ns : NAN;
    comparison->within_margin = comparison->low >= 1 - rule->margin && comparison->high <= 1 + rule->margin;
    if (!judged.sure) {
        judged.why = why_no_error;
    } else if (below) {
        judged.why = why_below;
    } else if (judged.difference_low_ns > 0) {
        comparison->verdict = TARE_VERDICT_SLOWER;
    } else if (judged.difference_high_ns < 0) {
        comparison->verdict = TARE_VERDICT_FASTER;
    } else if (comparison->within_margin) {
        comparison->verdict = TARE_VERDICT_SAME;
    }
    return judged;
}
