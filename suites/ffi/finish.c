/* SPDX-License-Identifier: MIT */
/*
 * What follows from the benchmarks of the suite `ffi`.
 *
 * crossing: what a call takes beyond the C function itself: the benchmark's median minus what the timers in benchlib say that
 * the C side took in it, the median of its calls. Both have an error, and they are from different executions, so that the errors add up as
 * independent ones do.
 *
 * crossover: from which size of the work on the crossing is less than a tenth of the call. Between two measured sizes the
 * share is taken to be a straight line over the logarithms of both (where a share is not above 0, over that of the size alone);
 * the ends of the interval are where the share's own ends pass. A size whose crossing comes out below 0, with its whole
 * interval, says nothing of it, and is left out; where that leaves less than two sizes there is no answer, and that is the note.
 *
 * Hypotheses were written down in `hypotheses` before anything was measured. They are of the mean, over the calls that both
 * sides have, of the logarithm of a ratio of times; the independent values are the rounds of each call. A statement of several
 * sides is one of each of them, and not of their mean: it is supported if it is for each (an intersection-union test: R. L.
 * Berger, "Multiparameter hypothesis testing and acceptance sampling", Technometrics 24 (1982), pages 295-300, by which the
 * largest p counts, with the number of values of that side), and not supported if it is not for one, at a level that is divided by
 * their number. The mean of each
 * call has its own standard error (of ratios within a round where both times are of the same call, of two samples where they
 * are not), the mean over all of them has the root of the sum of squares by the number of calls, with degrees of freedom
 * after Welch and Satterthwaite (B. L. Welch, "The generalization of 'Student's' problem when several different population
 * variances are involved", Biometrika 34 (1947), pages 28-35). So it speaks of these calls, and not of all that there could be.
 * p values are corrected after Holm (S. Holm, "A simple sequentially rejective multiple test procedure", Scandinavian Journal
 * of Statistics 6 (1979), pages 65-70), intervals after Bonferroni; the answer is that of the interval: supported if all of it
 * is where the statement says, not supported if none of it is, and else unresolved.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "result/model.h"
#include "result/suite.h"
#include "stats/distribution.h"
#include "suites/ffi/ffi.h"

#define CROSSING_SHARE 0.10
#define OVERLAPS "below 0: in the loop the call overlaps with the next, timed alone it does not"
#define TOO_FEW "unknown: the crossing is below 0, as calls overlap in the loop, at all sizes or all but one"
#define ALPHA 0.05 /* of all hypotheses together */
enum { ROUNDS_MIN = 3, SIZES_MAX = 16, RATIOS_MAX = 24, REASON_MAX = 400 };

static const struct tare_result_arm *arm_of(const struct tare_result *result,
                                            const struct tare_result_benchmark *benchmark, const char *side)
{
    const struct tare_suite_side *found = tare_suite_find_side(result->suite, side);
    for (size_t i = 0; found != NULL && found->arm != NULL && benchmark != NULL && i < benchmark->arm_count;
         i++) {
        const struct tare_result_arm *arm = &benchmark->arms[i];
        if (!arm->control && strcmp(arm->label, found->arm) == 0 && arm->summary.n != 0) {
            return arm;
        }
    }
    return NULL;
}

/* Crossings */

/* Value and half of the interval; false: not known. */
static bool crossing_of(const struct tare_result_arm *arm, double *ns, double *error)
{
    double c_side = 0, variance = 0;
    for (size_t i = 0; i < arm->timer_count; i++) {
        const struct tare_result_inner_timer *timer = &arm->timers[i];
        if (strcmp(timer->module, "benchlib") == 0) {
            /* As the whole is a median: a mean has in it what others took of the machine meanwhile. */
            bool median = isfinite(timer->net_p50_ns) && isfinite(timer->net_p50_error_ns);
            double each = median ? timer->net_p50_ns : timer->net_ns;
            double half = timer->calls * (median ? timer->net_p50_error_ns : timer->net_error_ns);
            c_side += timer->calls * each;
            variance += half * half;
        }
    }
    const struct tare_summary *summary = &arm->summary;
    double half = fmax(summary->median_high - summary->median, summary->median - summary->median_low);
    *ns = summary->median - c_side;
    *error = sqrt(half * half + variance);
    return arm->timer_count != 0 && isfinite(c_side) && isfinite(*ns);
}

static int add_crossings(struct tare_result *result)
{
    int failure = 0;
    for (size_t i = 0; i < result->bench->benchmark_count; i++) {
        const struct tare_result_benchmark *benchmark = &result->bench->benchmarks[i];
        for (size_t j = 0; j < result->suite->side_count && failure == 0; j++) {
            const struct tare_suite_side *side = &result->suite->sides[j];
            const struct tare_result_arm *arm = arm_of(result, benchmark, side->label);
            double ns, error;
            if (arm == NULL || !crossing_of(arm, &ns, &error)) {
                continue;
            }
            /* What overlaps with the next iteration in the loop does not overlap when it is timed alone. */
            bool overlaps = ns + error <= 0;
            const struct tare_suite_figure figure = {.kind = (char *)"crossing",
                                                     .benchmark = benchmark->name,
                                                     .side = side->label,
                                                     .unit = TARE_SUITE_NS,
                                                     .value = ns,
                                                     .low = ns - error,
                                                     .high = ns + error,
                                                     .note = overlaps ? (char *)OVERLAPS : NULL};
            failure = tare_suite_add_figure(result->suite, &figure);
        }
    }
    return failure;
}

/* Crossovers */

struct size {
    double n, share, low, high;
};

static int compare_sizes(const void *a, const void *b)
{
    double left = ((const struct size *)a)->n, right = ((const struct size *)b)->n;
    return (left > right) - (left < right);
}

/* Those that say something of it; `below`: how many there are that do not, as their crossing is below 0. */
static size_t sizes_of(const struct tare_result *result, const char *bench, const char *side,
                       struct size sizes[SIZES_MAX], size_t *below)
{
    *below = 0;
    size_t count = 0;
    for (size_t i = 0; i < result->bench->benchmark_count && count < SIZES_MAX; i++) {
        const struct tare_result_benchmark *benchmark = &result->bench->benchmarks[i];
        const struct tare_result_arm *arm = arm_of(result, benchmark, side);
        double ns, error;
        if (arm == NULL || benchmark->bench == NULL || strcmp(benchmark->bench, bench) != 0 ||
            benchmark->arg_count == 0 || !crossing_of(arm, &ns, &error)) {
            continue;
        }
        if (ns + error <= 0) {
            ++*below;
            continue;
        }
        double whole = arm->summary.median;
        sizes[count++] =
            (struct size){benchmark->args[0], ns / whole, (ns - error) / whole, (ns + error) / whole};
    }
    qsort(sizes, count, sizeof(*sizes), compare_sizes);
    return count;
}

static double share_of(const struct size *size, int which)
{
    return which < 0 ? size->low : which > 0 ? size->high : size->share;
}

/*
 * Where the share goes below a tenth, and stays there; NAN: not within the sizes. -INFINITY: already at the smallest. A curve
 * that lies below another one is never above a tenth where that is not, so that the ends are in order.
 */
static double crossover_at(const struct size *sizes, size_t count, int which)
{
    size_t last = count; /* the largest that is not below */
    for (size_t i = 0; i < count; i++) {
        double share = share_of(&sizes[i], which);
        if (!isfinite(share)) {
            return NAN;
        }
        last = share >= CROSSING_SHARE ? i : last;
    }
    if (last == count) {
        return -INFINITY;
    }
    if (last + 1 == count) {
        return NAN;
    }
    double above = share_of(&sizes[last], which), below = share_of(&sizes[last + 1], which);
    /* The same for all three curves between two sizes, so that they do not cross. */
    bool logarithms = sizes[last].low > 0 && sizes[last + 1].low > 0;
    double part = logarithms ? log(above / CROSSING_SHARE) / log(above / below)
                             : (above - CROSSING_SHARE) / (above - below);
    return sizes[last].n * pow(sizes[last + 1].n / sizes[last].n, part);
}

static int add_crossovers(struct tare_result *result)
{
    static const char *const families[] = {"matmul", "vector_add", "pairs", "dot", "array_sum"};
    int failure = 0;
    for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++) {
        for (size_t j = 0; j < result->suite->side_count && failure == 0; j++) {
            const char *side = result->suite->sides[j].label;
            struct size sizes[SIZES_MAX];
            size_t below, count = sizes_of(result, families[i], side, sizes, &below);
            if (count + below < 2) {
                continue;
            }
            double value = NAN, low = NAN, high = NAN;
            if (count >= 2) {
                value = crossover_at(sizes, count, 0);
                low = crossover_at(sizes, count, -1);
                high = crossover_at(sizes, count, 1);
            }
            char note[128] = "";
            if (count < 2) {
                snprintf(note, sizeof(note), "%s", TOO_FEW);
            } else if (isinf(value)) {
                snprintf(note, sizeof(note), "below 10 %% already at the smallest size, %g", sizes[0].n);
            } else if (isnan(value)) {
                snprintf(note, sizeof(note), "not up to the largest size, %g: there it is %.0f %%",
                         sizes[count - 1].n, 100 * sizes[count - 1].share);
            }
            const struct tare_suite_figure figure = {.kind = (char *)"crossover",
                                                     .benchmark = (char *)families[i],
                                                     .side = (char *)side,
                                                     .unit = TARE_SUITE_COUNT,
                                                     .value = isfinite(value) ? value : NAN,
                                                     .low = isfinite(low) ? low : NAN,
                                                     .high = isfinite(high) ? high : NAN,
                                                     .note = note[0] != '\0' ? note : NULL};
            failure = tare_suite_add_figure(result->suite, &figure);
        }
    }
    return failure;
}

/* Hypotheses */

/* A ratio of times: of `over` to `under`. A benchmark's name, or what it begins with up to its arguments; NULL: all. */
struct ratio {
    const char *over_bench, *over_side, *under_bench, *under_side;
};

/* Of one whose ratios are of several calls, the quantity's text goes on with those that were measured. */
static const struct hypothesis {
    const char *text, *quantity;
    double at_least, at_most;
    struct ratio ratios[RATIOS_MAX];
} hypotheses[] = {
    {.text = "cffi in API mode is faster than ctypes",
     .quantity = "ctypes over cffi-api, mean of the calls that were measured with both",
     .at_least = 1,
     .at_most = NAN,
     .ratios = {{NULL, "ctypes", NULL, "cffi-api"}}},
    {.text = "in each of Python's bindings, arrays without a copy are more than 1.5 times as fast as with one",
     .quantity = "with over without",
     .at_least = 1.5,
     .at_most = NAN,
     .ratios = {{"array_sum_copied", "py-c-api", "array_sum", "py-c-api"},
                {"array_sum_copied", "pybind11", "array_sum", "pybind11"},
                {"array_sum_copied", "pyo3", "array_sum", "pyo3"},
                {"array_sum_copied", "cffi-api", "array_sum", "cffi-api"},
                {"array_sum_copied", "cffi-abi", "array_sum", "cffi-abi"},
                {"array_sum_copied", "ctypes", "array_sum", "ctypes"},
                {"array_scale_copied", "py-c-api", "array_scale", "py-c-api"},
                {"array_scale_copied", "pybind11", "array_scale", "pybind11"},
                {"array_scale_copied", "pyo3", "array_scale", "pyo3"},
                {"array_scale_copied", "cffi-api", "array_scale", "cffi-api"},
                {"array_scale_copied", "cffi-abi", "array_scale", "cffi-abi"},
                {"array_scale_copied", "ctypes", "array_scale", "ctypes"}}},
    {.text = "a callback makes a call 3 to 10 times as slow, whatever the binding",
     .quantity = "callback_once over add_i32",
     .at_least = 3,
     .at_most = 10,
     .ratios = {{"callback_once", "py-c-api", "add_i32", "py-c-api"},
                {"callback_once", "pybind11", "add_i32", "pybind11"},
                {"callback_once", "pyo3", "add_i32", "pyo3"},
                {"callback_once", "cffi-api", "add_i32", "cffi-api"},
                {"callback_once", "cffi-abi", "add_i32", "cffi-abi"},
                {"callback_once", "ctypes", "add_i32", "ctypes"},
                {"callback_once", "n-api", "add_i32", "n-api"},
                {"callback_once", "luajit", "add_i32", "luajit"}}},
    {.text = "in Python, a dict of 100 functions is faster than a chain of if and elif",
     .quantity = "chain over dict",
     .at_least = 1,
     .at_most = NAN,
     .ratios = {{"dispatch_ifelse", "py-c-api", "dispatch_dict", "py-c-api"},
                {"dispatch_ifelse", "pybind11", "dispatch_dict", "pybind11"},
                {"dispatch_ifelse", "pyo3", "dispatch_dict", "pyo3"},
                {"dispatch_ifelse", "cffi-api", "dispatch_dict", "cffi-api"},
                {"dispatch_ifelse", "cffi-abi", "dispatch_dict", "cffi-abi"},
                {"dispatch_ifelse", "ctypes", "dispatch_dict", "ctypes"}}},
};
enum { HYPOTHESES = sizeof(hypotheses) / sizeof(hypotheses[0]) };

/* The mean of logarithms, so far: of calls, each with the variance of its mean and the freedom of that. */
struct sum {
    double mean, variance, freedom; /* sums of means, of variances, and of variance^2 / freedom */
    size_t calls, values;
};

/* Kept values above 0, as logarithms: their mean and the variance of it; the number of them. */
static size_t log_mean(const struct tare_result_arm *arm, double *mean, double *variance)
{
    double sum = 0, squares = 0;
    size_t n = 0;
    for (size_t i = 0; i < arm->value_count; i++) {
        if (!arm->dropped[i] && arm->values_ns[i] > 0) {
            sum += log(arm->values_ns[i]);
            n++;
        }
    }
    *mean = n != 0 ? sum / (double)n : NAN;
    for (size_t i = 0; i < arm->value_count; i++) {
        if (!arm->dropped[i] && arm->values_ns[i] > 0) {
            squares += pow(log(arm->values_ns[i]) - *mean, 2);
        }
    }
    *variance = n > 1 ? squares / (double)(n - 1) / (double)n : NAN;
    return n;
}

static void add_to(struct sum *sum, double mean, double variance, double freedom, size_t values)
{
    sum->mean += mean;
    sum->variance += variance;
    sum->freedom += variance * variance / freedom;
    sum->calls++;
    sum->values += values;
}

static void add_sum(struct sum *to, const struct sum *more)
{
    to->mean += more->mean;
    to->variance += more->variance;
    to->freedom += more->freedom;
    to->calls += more->calls;
    to->values += more->values;
}

/* Both are of one benchmark: the ratio is within rounds, in which both had the same machine. */
static void add_paired(struct sum *sum, const struct tare_result_arm *over, const struct tare_result_arm *under)
{
    double total = 0, squares = 0;
    size_t n = 0;
    for (int pass = 0; pass < 2; pass++) {
        double mean = pass == 1 ? total / (double)n : 0;
        for (size_t i = 0, j = 0; i < over->value_count && j < under->value_count;) {
            if (over->rounds[i] != under->rounds[j]) {
                *(over->rounds[i] < under->rounds[j] ? &i : &j) += 1;
                continue;
            }
            if (!over->dropped[i] && !under->dropped[j] && over->values_ns[i] > 0 && under->values_ns[j] > 0) {
                double log_ratio = log(over->values_ns[i] / under->values_ns[j]);
                total += pass == 0 ? log_ratio : 0;
                n += pass == 0;
                squares += pass == 1 ? pow(log_ratio - mean, 2) : 0;
            }
            i++;
            j++;
        }
    }
    if (n >= ROUNDS_MIN) {
        add_to(sum, total / (double)n, squares / (double)(n - 1) / (double)n, (double)(n - 1), n);
    }
}

static void add_apart(struct sum *sum, const struct tare_result_arm *over, const struct tare_result_arm *under)
{
    double over_mean, over_variance, under_mean, under_variance;
    size_t over_n = log_mean(over, &over_mean, &over_variance),
           under_n = log_mean(under, &under_mean, &under_variance);
    if (over_n < ROUNDS_MIN || under_n < ROUNDS_MIN) {
        return;
    }
    double variance = over_variance + under_variance;
    double parts = over_variance * over_variance / (double)(over_n - 1) +
                   under_variance * under_variance / (double)(under_n - 1);
    double freedom = parts > 0 ? variance * variance / parts : (double)(over_n + under_n - 2);
    add_to(sum, over_mean - under_mean, variance, freedom, over_n < under_n ? over_n : under_n);
}

static const struct tare_result_benchmark *of_bench(const struct tare_result *result, const char *bench,
                                                    const double *args, size_t arg_count)
{
    for (size_t i = 0; i < result->bench->benchmark_count; i++) {
        const struct tare_result_benchmark *one = &result->bench->benchmarks[i];
        if (one->bench != NULL && strcmp(one->bench, bench) == 0 && one->arg_count == arg_count &&
            (arg_count == 0 || memcmp(one->args, args, arg_count * sizeof(*args)) == 0)) {
            return one;
        }
    }
    return NULL;
}

static void add_ratio(const struct tare_result *result, const struct ratio *ratio, struct sum *sum)
{
    for (size_t i = 0; i < result->bench->benchmark_count; i++) {
        const struct tare_result_benchmark *one = &result->bench->benchmarks[i];
        const struct tare_result_arm *over, *under;
        if (ratio->over_bench == NULL) {
            over = arm_of(result, one, ratio->over_side);
            under = arm_of(result, one, ratio->under_side);
            if (over != NULL && under != NULL) {
                add_paired(sum, over, under);
            }
            continue;
        }
        if (one->bench == NULL || strcmp(one->bench, ratio->over_bench) != 0) {
            continue;
        }
        over = arm_of(result, one, ratio->over_side);
        under =
            arm_of(result, of_bench(result, ratio->under_bench, one->args, one->arg_count), ratio->under_side);
        if (over != NULL && under != NULL) {
            add_apart(sum, over, under);
        }
    }
}

/* p of the opposite of what the statement says of one end. */
static double p_of(double distance, double error, double freedom)
{
    return error > 0 ? 1 - tare_student_cdf(distance / error, freedom) : distance > 0 ? 0 : 1;
}

/* Of one side, or pair of sides. */
struct judged {
    double estimate, low, high; /* at the level for being inside */
    double p;
    bool inside, outside;
};

static struct judged judge(const struct hypothesis *hypothesis, const struct sum *sum, size_t of)
{
    double count = (double)sum->calls, mean = sum->mean / count, error = sqrt(sum->variance) / count;
    double freedom = sum->freedom > 0 ? sum->variance * sum->variance / sum->freedom : (double)sum->values;
    freedom = freedom < 1 ? 1 : freedom;
    double half = tare_student_quantile(1 - ALPHA / HYPOTHESES / 2, freedom) * error;
    double wide = tare_student_quantile(1 - ALPHA / HYPOTHESES / (double)of / 2, freedom) * error;
    double least = log(hypothesis->at_least), most = log(hypothesis->at_most); /* of NAN: NAN */
    struct judged judged = {.estimate = exp(mean), .low = exp(mean - half), .high = exp(mean + half)};
    if (!isnan(least)) {
        judged.p = fmax(judged.p, p_of(mean - least, error, freedom));
    }
    if (!isnan(most)) {
        judged.p = fmax(judged.p, p_of(most - mean, error, freedom));
    }
    judged.inside = !(mean - half < least) && !(mean + half > most);
    judged.outside = mean + wide < least || mean - wide > most;
    return judged;
}

/* Appends a side's figure to a list of those of which the statement is not true, as long as there is room. */
static void append(char *text, size_t size, const char *side, double ratio)
{
    size_t used = strlen(text);
    if (used + 64 < size) {
        snprintf(text + used, size - used, "%s%s %.3g x", used != 0 ? ", " : "", side, ratio);
    }
}

/* Whether all of its ratios are of the same call (or each of all calls). */
static bool of_one_call(const struct hypothesis *hypothesis)
{
    bool one = true;
    const struct ratio *ratios = hypothesis->ratios;
    for (size_t i = 1; i < RATIOS_MAX && ratios[i].over_side != NULL; i++) {
        one =
            one && (ratios[0].under_bench == NULL || strcmp(ratios[0].under_bench, ratios[i].under_bench) == 0);
    }
    return one;
}

/* The calls that were measured, each once. */
static void append_calls(char *text, size_t size, const struct hypothesis *hypothesis,
                         const bool measured[RATIOS_MAX])
{
    const char *before = NULL;
    if (of_one_call(hypothesis)) {
        return; /* its text says which */
    }
    for (size_t i = 0; i < RATIOS_MAX; i++) {
        const char *call = hypothesis->ratios[i].under_bench;
        bool known = !measured[i];
        for (size_t j = 0; j < i && !known; j++) {
            known = measured[j] && strcmp(hypothesis->ratios[j].under_bench, call) == 0;
        }
        size_t used = strlen(text);
        if (!known && used < size) {
            snprintf(text + used, size - used, "%s%s", before == NULL ? ", of " : " and ", call);
            before = call;
        }
    }
}

/* Looks at all of its ratios. `text` has room for what the result says. */
static void answer(const struct tare_result *result, const struct hypothesis *hypothesis,
                   struct tare_suite_hypothesis *out, char *quantity, char *reason, size_t size)
{
    struct sum sums[RATIOS_MAX] = {0};
    bool measured[RATIOS_MAX] = {false};
    size_t count = 0, ratios = 0, calls = 0, insides = 0, outsides = 0;
    double mean = 0;
    for (; ratios < RATIOS_MAX && hypothesis->ratios[ratios].over_side != NULL; ratios++) {
        add_ratio(result, &hypothesis->ratios[ratios], &sums[ratios]);
        measured[ratios] = sums[ratios].calls != 0;
        /* One side may have several calls of a statement: they are one sum. */
        for (size_t before = 0; before < ratios; before++) {
            if (strcmp(hypothesis->ratios[before].under_side, hypothesis->ratios[ratios].under_side) == 0) {
                add_sum(&sums[before], &sums[ratios]);
                sums[ratios] = (struct sum){0};
                break;
            }
        }
    }
    for (size_t i = 0; i < ratios; i++) {
        count += sums[i].calls != 0;
    }
    reason[0] = '\0';
    for (size_t i = 0; i < ratios; i++) {
        if (sums[i].calls == 0) {
            continue;
        }
        struct judged judged = judge(hypothesis, &sums[i], count);
        out->low = isnan(out->low) ? judged.low : fmin(out->low, judged.low);
        out->high = isnan(out->high) ? judged.high : fmax(out->high, judged.high);
        /* The largest p is the answer's; of equal ones that with fewer values. */
        if (isnan(out->p) || judged.p > out->p || (judged.p == out->p && sums[i].values < out->n)) {
            out->p = judged.p;
            out->n = sums[i].values;
        }
        mean += log(judged.estimate) / (double)count;
        calls += sums[i].calls;
        insides += judged.inside;
        outsides += judged.outside;
        if (judged.outside && count > 1) {
            append(reason, size, hypothesis->ratios[i].under_side, judged.estimate);
        }
    }
    if (count == 0) {
        out->quantity = (char *)hypothesis->quantity;
        return; /* unresolved, as it was not measured */
    }
    out->estimate = exp(mean);
    snprintf(quantity, size, "%s", hypothesis->quantity);
    append_calls(quantity, size, hypothesis, measured);
    size_t used = strlen(quantity);
    if (count > 1) {
        snprintf(quantity + used, size - used, ": mean, lowest and highest end, of %zu sides", count);
    } else {
        snprintf(quantity + used, size - used, ", %zu of them", calls);
    }
    out->quantity = quantity;
    out->answer = outsides != 0      ? TARE_SUITE_NOT_SUPPORTED
                  : insides == count ? TARE_SUITE_SUPPORTED
                                     : TARE_SUITE_UNRESOLVED;
    if (outsides != 0 && count > 1) {
        static const char not_so[] = "it is not so for ";
        memmove(reason + sizeof(not_so) - 1, reason, strlen(reason) + 1); /* append() left room for it */
        memcpy(reason, not_so, sizeof(not_so) - 1);
    } else if (out->answer == TARE_SUITE_UNRESOLVED) {
        snprintf(reason, size, "%s lies on both sides of what is stated",
                 count > 1 ? "the interval of a side" : "the interval");
    }
    out->reason = reason[0] != '\0' ? reason : NULL;
}

/* Holm: the smallest p by how many there are, the next by one less, and none below one before it. */
static void adjust(struct tare_suite_hypothesis *found)
{
    bool done[HYPOTHESES] = {false};
    size_t left = 0;
    double before = 0;
    for (size_t i = 0; i < HYPOTHESES; i++) {
        left += isfinite(found[i].p);
    }
    for (; left > 0; left--) {
        size_t smallest = HYPOTHESES;
        for (size_t i = 0; i < HYPOTHESES; i++) {
            if (!done[i] && isfinite(found[i].p) &&
                (smallest == HYPOTHESES || found[i].p < found[smallest].p)) {
                smallest = i;
            }
        }
        done[smallest] = true;
        before = fmax(before, fmin(1, found[smallest].p * (double)left));
        found[smallest].p_adjusted = before;
    }
}

static int add_hypotheses(struct tare_result *result)
{
    struct tare_suite_hypothesis found[HYPOTHESES];
    char quantities[HYPOTHESES][REASON_MAX], reasons[HYPOTHESES][REASON_MAX];
    for (size_t i = 0; i < HYPOTHESES; i++) {
        const struct hypothesis *one = &hypotheses[i];
        found[i] = (struct tare_suite_hypothesis){
            .text = (char *)one->text,
            .at_least = one->at_least,
            .at_most = one->at_most,
            .estimate = NAN,
            .low = NAN,
            .high = NAN,
            .p = NAN,
            .p_adjusted = NAN,
            .answer = TARE_SUITE_UNRESOLVED,
            .reason = (char *)"not measured: benchmarks or sides are missing, or "
                              "have fewer than 3 rounds"};
        answer(result, one, &found[i], quantities[i], reasons[i], REASON_MAX);
    }
    adjust(found);
    int failure = 0;
    for (size_t i = 0; i < HYPOTHESES && failure == 0; i++) {
        failure = tare_suite_add_hypothesis(result->suite, &found[i]);
    }
    return failure;
}

int suite_ffi_finish(struct tare_result *result)
{
    int failure = add_crossings(result);
    if (failure == 0) {
        failure = add_crossovers(result);
    }
    return failure == 0 ? add_hypotheses(result) : failure;
}
