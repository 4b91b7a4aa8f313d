/* SPDX-License-Identifier: MIT */
/*
 * Truth and net, compared.
 *
 * Pairs that were disturbed are dropped whole, by a rule that looks at times and not at differences, and that
 * is the same for both sides: else a disturbance would count where it makes the net figure worse, or better.
 * Only what is too long is dropped: nothing makes work shorter than it is. For normal times, 5 MADs are 3.4
 * standard deviations, which 1 of 3000 is above; the share keeps times that hardly differ from being cut at
 * random.
 *
 * The sampling error is that of the mean of paired differences (net less truth of each pair): what both sides
 * share, as a processor that is slower for a while, is in neither.
 */
#include "stats/verify.h"

#include <math.h>
#include <string.h>

#include "stats/moments.h"
#include "stats/quantile.h"

size_t tare_verify_keep(const double *times, size_t kinds, size_t n, bool *keep, double *scratch)
{
    for (size_t i = 0; i < n; i++) {
        keep[i] = true;
    }
    for (size_t kind = 0; kind < kinds; kind++) {
        const double *of_kind = times + kind * n;
        memcpy(scratch, of_kind, n * sizeof(*scratch));
        double median = tare_median(scratch, n);
        double mad = tare_mad(scratch, n, median);
        double limit = median + fmax(TARE_VERIFY_DROP_MADS * mad, TARE_VERIFY_DROP_SHARE * median);
        for (size_t i = 0; i < n; i++) {
            keep[i] = keep[i] && of_kind[i] <= limit;
        }
    }
    size_t kept = 0;
    for (size_t i = 0; i < n; i++) {
        kept += keep[i];
    }
    return kept;
}

static void add_sums(struct tare_timer_sums *a, const struct tare_timer_sums *b)
{
    a->calls += b->calls;
    a->outermost += b->outermost;
    a->total_ticks += b->total_ticks;
    a->min_ticks = b->min_ticks < a->min_ticks ? b->min_ticks : a->min_ticks;
    a->max_ticks = b->max_ticks > a->max_ticks ? b->max_ticks : a->max_ticks;
    a->scopes_within += b->scopes_within;
    a->closeness_within += b->closeness_within;
    a->uncounted_within += b->uncounted_within;
    a->bytes += b->bytes;
}

struct tare_verify_case tare_verify_judge(const struct tare_cost_model *model,
                                          const struct tare_verify_pair *pairs, const bool *keep, size_t n)
{
    struct tare_timer_sums sums = {.min_ticks = UINT64_MAX};
    struct tare_moments bare = {0}, differences = {0};
    bool known = true;
    for (size_t i = 0; i < n; i++) {
        if (keep[i]) {
            const struct tare_timer_sums *s = &pairs[i].sums;
            double raw_ns = (double)s->total_ticks * model->tick_ns / (double)s->outermost;
            known = tare_moments_add(&bare, pairs[i].bare_ns) == 0 && known;
            known = tare_moments_add(&differences, raw_ns - pairs[i].bare_ns) == 0 && known;
            add_sums(&sums, s);
        }
    }
    struct tare_verify_case result = {.pairs = bare.n, .truth_ns = NAN, .raw_ns = NAN, .net_ns = NAN};
    result.error_ns = result.half_ns = NAN;
    for (int part = 0; part < TARE_ERROR_PARTS; part++) {
        result.part_ns[part] = NAN;
    }
    if (!known || bare.n == 0 || sums.outermost == 0) {
        return result;
    }
    double scopes = (double)sums.outermost;
    struct tare_estimate estimate = tare_estimate_timer(model, &sums);
    double sampling_ns = tare_moments_standard_error(&differences);
    estimate.error_ns[TARE_ERROR_SAMPLING] = sampling_ns * scopes;
    result.truth_ns = tare_moments_mean(&bare);
    result.raw_ns = estimate.raw_total_ns / scopes;
    result.net_ns = estimate.net_total_ns / scopes;
    result.error_ns = result.net_ns - result.truth_ns;
    result.half_ns = isnan(sampling_ns) ? NAN : tare_estimate_avg_error_ns(&estimate, sums.outermost);
    for (int part = 0; part < TARE_ERROR_PARTS; part++) {
        result.part_ns[part] = tare_estimate_avg_error_part_ns(&estimate, sums.outermost, part);
    }
    result.covered = fabs(result.error_ns) <= result.half_ns; /* false for a NAN */
    return result;
}

static double median_of(const struct tare_verify_case *cases, size_t n, size_t member, double *scratch)
{
    for (size_t i = 0; i < n; i++) {
        memcpy(&scratch[i], (const char *)&cases[i] + member, sizeof(double));
    }
    return tare_median(scratch, n);
}

#define MEDIAN(member) median_of(cases, n, offsetof(struct tare_verify_case, member), scratch)

struct tare_verify_summary tare_verify_summarise(const struct tare_verify_case *cases, size_t n,
                                                 double *scratch)
{
    struct tare_verify_summary summary = {
        .cases = n,
        .truth_ns = MEDIAN(truth_ns),
        .raw_ns = MEDIAN(raw_ns),
        .net_ns = MEDIAN(net_ns),
        .error_ns = MEDIAN(error_ns),
        .half_ns = MEDIAN(half_ns),
    };
    for (int part = 0; part < TARE_ERROR_PARTS; part++) {
        summary.part_ns[part] = median_of(
            cases, n, offsetof(struct tare_verify_case, part_ns) + (size_t)part * sizeof(double), scratch);
    }
    for (size_t i = 0; i < n; i++) {
        summary.covered += cases[i].covered;
        summary.pairs += cases[i].pairs;
    }
    return summary;
}

bool tare_verify_holds(uint64_t covered, uint64_t cases)
{
    return cases != 0 && (double)covered >= TARE_VERIFY_COVERAGE * (double)cases;
}

struct tare_verify_bound tare_verify_bound(const double *truths_ns, const double *errors_ns, size_t n,
                                           double from_ns, double split_ns)
{
    struct tare_verify_bound bound = {.absolute_ns = NAN, .relative = NAN};
    for (size_t i = 0; i < n; i++) {
        if (truths_ns[i] < from_ns) {
            continue;
        }
        if (isnan(truths_ns[i]) || isnan(errors_ns[i])) {
            return (struct tare_verify_bound){.absolute_ns = NAN, .relative = NAN};
        }
        double error_ns = fabs(errors_ns[i]);
        bound.count++;
        if (truths_ns[i] < split_ns) { /* fmax takes the other for a NAN */
            bound.absolute_ns = fmax(bound.absolute_ns, error_ns);
        } else {
            bound.relative = fmax(bound.relative, error_ns / truths_ns[i]);
        }
    }
    return bound;
}
