/* SPDX-License-Identifier: MIT */
/*
 * The overhead model: net = raw - outermost x inner - scopes_within x outer, and how sure that is.
 *
 * What is subtracted. A scope reads the clock twice; `inner` is the part of its own cost that lies between the
 * two readings, so each outermost scope holds one. `outer` is all that a scope adds to the interval of the
 * scope around it, its inner part included, so each scope that ended within holds one. Only outermost scopes
 * have a time, so only they have an inner cost to subtract; the inner scopes of a recursion (calls - outermost)
 * ended between the begin and the end of an outermost one, the runtime counted them in scopes_within like the
 * scopes of any other timer, and they are subtracted as `outer` there. They must not be subtracted a second
 * time.
 *
 * The outer cost has a context. Recording starts at the second reading and overlaps with what follows, so a
 * scope that is followed by more work than the recording takes costs less (37 ns against 46 to 49 where
 * docs/accuracy.md was measured) than one that is followed at once by another scope, or by the end of the one
 * around it. How much of it was paid cannot be read off the clock, since the distance to the next reading is
 * nearly the same for all work that hides behind the recording; but how close scopes were followed can
 * (`closeness`, tare/page.h), and is known for three cases: not at all (0: the scopes were apart), closely
 * (close), and by work that just hides (knee). A mean between them can be a mixture of close and apart, of
 * which the share is linear, or come from scopes that are all alike, of which the share falls to nothing at the
 * knee, or, as that is blurred, as far again below it. So the share is taken as linear where it is as close as
 * can be, as NEAR_SHARE of that at the knee, what is near there being as likely behind it as before it, and in
 * proportion between the two; and the distance of the two answers goes into the uncertainty, as does
 * NEAR_UNKNOWN of what was near. Where closeness was not counted, the middle of all that is possible is taken.
 *
 * How sure it is. The variance of the net total is the sum of these parts, which have separate causes (JCGM
 * 100:2008, "Guide to the expression of uncertainty in measurement", GUM for short, 5.1.2):
 *
 * 1. Calibration. Each cost is the median of n blocks. The median of n normal values has the standard error
 *    sqrt(pi / 2) x sigma / sqrt(n) (M. G. Kendall and A. Stuart, "The Advanced Theory of Statistics", volume
 *    1, chapter 10: the variance of the sample median tends to 1 / (4 n f^2), f the density there, which for
 *    the normal distribution is pi sigma^2 / 2n), and sigma is 1.4826 x MAD (F. R. Hampel, "The Influence Curve
 *    and its Role in Robust Estimation", Journal of the American Statistical Association 69 (1974), pages
 *    383-393). The calibrations of one process are averaged, each with a weight that falls with the spread of
 *    its blocks, as one that was disturbed says less.
 * 2. Drift. The cost while the scopes ran lay somewhere among what the calibrations found. From two of them, at
 *    start and at exit: a rectangular distribution between them, of variance d^2 / 12 for a distance d (GUM
 *    4.3.7). With more, their variance is taken in full, not that of their mean, as nothing says when in the
 *    run a timer's scopes were. Costs drift for one reason (frequency, temperature, neighbours), so their
 *    drifts add before they are squared, and without regard to sign, which is the cautious choice. With one
 *    calibration only, drift is not seen; it is then taken for DRIFT_UNSEEN of the cost.
 * 3. Context: see above. The inner cost is that of an empty scope or that of one with work in it, or between. A
 *    scope inside another of its own timer is recorded in less time, of which at most the recording was paid
 *    for. Also, what is known of all cases is known of the calibration's scopes alone: in the same situation
 *    the cost differs from program to program by about CONTEXT_INNER and CONTEXT_OUTER of itself (standard
 *    deviations; chosen so that `tare verify` holds, see docs/accuracy.md).
 * 4. Rate. The relative error of the length of a tick, times the net total (GUM 5.1.2 again).
 * 5. Granularity. A reading is cut to whole steps of the counter, of g ticks: g^2 / 12 (GUM F.2.2.1), for each
 *    of an outermost scope's two readings. It averages out with the number of scopes. The calibration's rounds
 *    are cut in the same way, and all alike when they take a round's time each: a median's variance is therefore
 *    taken for no less than (g / 16)^2 / 12, a round having 16 scopes or more, however little the rounds differ
 *    (a MAD of 0 is common where g is large).
 * 6. Sampling. The mean of a program's calls says less of its next run the more they vary; the caller knows.
 */
#include <math.h>

#include "stats/overhead.h"
#include "stats/quantile.h"

#define SQRT_HALF_PI 1.2533141373155003 /* sqrt(pi / 2) */
#define SQRT_12 3.4641016151377544

/*
 * Scopes in a round of the calibration (runtime/calibrate.c), for the cost that has fewest: a round's mean
 * comes in steps of a grain over this.
 */
#define ROUND_SCOPES 16.0

/* See 2. and 3. above: shares of a cost, one standard deviation each. */
#define DRIFT_UNSEEN 0.01
#define NEAR_SHARE 0.35
#define NEAR_UNKNOWN 0.3
#define CONTEXT_INNER 0.02
#define CONTEXT_OUTER 0.035

/* A cost in ticks as it is applied, with the standard errors of its two common parts. */
struct applied_cost {
    double ticks;
    double calibration;
    double drift;
};

/* The median of one block has no spread that could be seen: MAD is 0 by construction, and the error unknown. */
static double median_variance(const struct tare_cost_ticks *cost, double grain_ticks)
{
    if (cost->n < 2) {
        return NAN;
    }
    double sigma = TARE_MAD_TO_SIGMA * cost->mad;
    double spread = SQRT_HALF_PI * SQRT_HALF_PI * sigma * sigma / (double)cost->n;
    double step = grain_ticks / ROUND_SCOPES;
    return fmax(spread, step * step / 12.0);
}

/* The spread of one block, of which a calibration has several. */
static double block_sigma(const struct tare_cost_ticks *cost, double grain_ticks)
{
    return fmax(TARE_MAD_TO_SIGMA * cost->mad, grain_ticks / ROUND_SCOPES / SQRT_12);
}

/* The weighted mean of what start, exit and run found. */
static struct applied_cost apply(const struct tare_cost_ticks *start, const struct tare_cost_ticks *exit,
                                 const struct tare_cost_ticks *run, double grain_ticks)
{
    const struct tare_cost_ticks *all[] = {start, exit, run};
    struct applied_cost cost = {NAN, NAN, NAN};
    double weights[3] = {0.0}, best = INFINITY, sum = 0.0, number = 0.0;
    for (int i = 0; i < 3; i++) {
        if (all[i]->n != 0) {
            /* That of a calibration in the run is not known; it is taken for as good as the best. */
            double sigma = i < 2 ? block_sigma(all[i], grain_ticks) : isinf(best) ? 0.0 : best;
            double floor = DRIFT_UNSEEN * all[i]->median;
            double several = i < 2 ? 1.0 : (double)run->n;
            best = fmin(best, sigma);
            weights[i] = several / fmax(sigma * sigma + floor * floor, 1e-9);
            sum += weights[i];
            number += several;
        }
    }
    if (number == 0.0) {
        return cost;
    }
    double variance = 0.0, squares = 0.0;
    cost.ticks = 0.0;
    for (int i = 0; i < 3; i++) {
        cost.ticks += all[i]->n != 0 ? weights[i] / sum * all[i]->median : 0.0;
    }
    for (int i = 0; i < 3; i++) {
        if (all[i]->n != 0) {
            double share = weights[i] / sum, off = all[i]->median - cost.ticks;
            double between = i == 2 ? block_sigma(run, grain_ticks) : 0.0;
            variance += share * share *
                        (i == 2 ? between * between / (double)run->n : median_variance(all[i], grain_ticks));
            squares += share * (off * off + between * between);
        }
    }
    cost.calibration = sqrt(variance);
    cost.drift = number == 1.0 ? DRIFT_UNSEEN * fabs(cost.ticks)
                 : number == 2.0
                     ? sqrt(squares) * 2.0 / SQRT_12 /* of the distance of two: half is their deviation */
                     : sqrt(squares * number / (number - 1.0));
    /* Several that agree, or of which only one counts for much, do not say that there was no drift. */
    double effective = 0.0;
    for (int i = 0; i < 3; i++) {
        double several = i < 2 || all[i]->n == 0 ? 1.0 : (double)run->n;
        effective += weights[i] / sum * weights[i] / sum / several;
    }
    cost.drift = fmax(cost.drift, DRIFT_UNSEEN * fabs(cost.ticks) * sqrt(effective));
    return cost;
}

static struct applied_cost apply_member(const struct tare_cost_model *model, size_t member, double grain_ticks)
{
    const struct tare_cost_ticks *at[3];
    const struct tare_costs *costs[] = {&model->at_start, &model->at_exit, &model->in_run};
    for (int i = 0; i < 3; i++) {
        at[i] = (const struct tare_cost_ticks *)(const void *)((const char *)costs[i] + member);
    }
    return apply(at[0], at[1], at[2], grain_ticks);
}

#define APPLY(model, member, grain) apply_member(model, offsetof(struct tare_costs, member), grain)

/* How much of the recording the scopes around paid for, on average: 0 nothing, 1 all; with its standard error. */
struct share {
    double value;
    double error;
};

static struct share closeness_share(const struct tare_cost_model *model, const struct tare_timer_sums *sums,
                                    double most, double grain)
{
    double within = (double)sums->scopes_within;
    double counted = within - (double)sums->uncounted_within;
    struct share unknown = {1.0 - most / 2.0, most / 2.0}; /* programs are at one end or the other */
    double close_ticks = APPLY(model, close, grain).ticks, knee_ticks = APPLY(model, knee, grain).ticks;
    if (!model->counts_closeness || !(close_ticks > 0.0) || counted <= 0.0 ||
        sums->uncounted_within > sums->scopes_within) {
        return unknown;
    }
    double found = fmin((double)sums->closeness_within / counted / close_ticks, 1.0);
    double knee = fmin(fmax(knee_ticks / close_ticks, 0.0), 0.95);
    double none = fmax(2.0 * knee - 1.0, 0.0);
    double alike = fmax(found - none, 0.0) / (1.0 - none);
    double low = NEAR_SHARE * found, high = found;
    struct share share = {low + alike * (high - low), hypot((found - alike) / 2.0, NEAR_UNKNOWN * found)};
    /* What was not counted is not known. */
    double known = counted / within;
    share.value = known * share.value + (1.0 - known) * unknown.value;
    share.error = known * share.error + (1.0 - known) * unknown.error;
    return share;
}

/* What scopes within cost, per scope. */
struct outer_cost {
    double ticks;
    double calibration, drift, context; /* standard errors */
};

static struct outer_cost outer_apply(const struct tare_cost_model *model, const struct tare_timer_sums *sums,
                                     double inner_ticks, double grain)
{
    struct applied_cost close = APPLY(model, outer, grain), nested = APPLY(model, outer_nested, grain),
                        apart = APPLY(model, outer_apart, grain);
    struct outer_cost outer = {close.ticks, close.calibration, close.drift, 0.0};
    double context = CONTEXT_OUTER * close.ticks;
    if (!isnan(nested.ticks)) {
        outer.ticks = (close.ticks + nested.ticks) / 2.0;
        outer.calibration = hypot(close.calibration, nested.calibration) / 2.0;
        outer.drift = (close.drift + nested.drift) / 2.0;
        context = hypot(context, fabs(nested.ticks - close.ticks) / SQRT_12);
    }
    if (!isnan(apart.ticks)) {
        double recording = outer.ticks - apart.ticks;
        /* No more can have overlapped than there was work in all. */
        double work = (double)sums->total_ticks - (double)sums->outermost * inner_ticks -
                      (double)sums->scopes_within * apart.ticks;
        double room = work / (double)sums->scopes_within;
        double most = recording > 0.0 ? fmin(fmax(room / recording, 0.0), 1.0) : 1.0;
        struct share share = closeness_share(model, sums, most, grain);
        outer.ticks = apart.ticks + share.value * recording;
        outer.calibration = hypot(share.value * outer.calibration, (1.0 - share.value) * apart.calibration);
        outer.drift = share.value * outer.drift + (1.0 - share.value) * apart.drift;
        context = hypot(context * share.value + CONTEXT_OUTER * apart.ticks * (1.0 - share.value),
                        share.error * recording);
        double recursive = fmin((double)(sums->calls - sums->outermost) / (double)sums->scopes_within, 1.0);
        context = hypot(context, recursive * recording / 2.0);
    }
    outer.context = context;
    return outer;
}

struct tare_estimate tare_estimate_timer(const struct tare_cost_model *model,
                                         const struct tare_timer_sums *sums)
{
    struct tare_estimate estimate = {.error_ns[TARE_ERROR_SAMPLING] = NAN};
    double tick_ns = model->tick_ns;
    double scopes = (double)sums->outermost;
    double within = (double)sums->scopes_within;
    double grain = model->grain_ticks >= 1.0 ? model->grain_ticks : 1.0;
    if (sums->calls == 0) { /* nothing was timed: zero, however little is known about the clock */
        estimate.error_ns[TARE_ERROR_SAMPLING] = 0.0;
        return estimate;
    }
    struct applied_cost inner = APPLY(model, inner, grain);
    struct outer_cost own = outer_apply(model, &(struct tare_timer_sums){0}, 0.0, grain);
    struct outer_cost outer = {0};
    if (sums->scopes_within != 0) { /* else it is not needed, and may be unknown */
        outer = outer_apply(model, sums, inner.ticks, grain);
    }
    double empty = APPLY(model, inner_empty, grain).ticks;
    double inner_context = CONTEXT_INNER * fabs(inner.ticks);
    if (!isnan(empty)) {
        inner_context =
            hypot(inner_context, (empty - inner.ticks) / 2.0); /* scopes are at one end or the other */
    }
    estimate.measuring_ns = (double)sums->calls * own.ticks * tick_ns;
    if (sums->outermost == 0) {
        estimate.error_ns[TARE_ERROR_SAMPLING] = 0.0;
        return estimate;
    }
    estimate.raw_total_ns = (double)sums->total_ticks * tick_ns;
    estimate.inner_total_ns = scopes * inner.ticks * tick_ns;
    estimate.outer_total_ns = within * outer.ticks * tick_ns;
    estimate.net_total_ns = estimate.raw_total_ns - estimate.inner_total_ns - estimate.outer_total_ns;

    double *error = estimate.error_ns;
    error[TARE_ERROR_CALIBRATION] = tick_ns * hypot(scopes * inner.calibration, within * outer.calibration);
    error[TARE_ERROR_DRIFT] = tick_ns * (scopes * inner.drift + within * outer.drift);
    error[TARE_ERROR_CONTEXT] = tick_ns * hypot(scopes * inner_context, within * outer.context);
    error[TARE_ERROR_RATE] = fabs(estimate.net_total_ns) * model->rate_error_ppb * 1e-9;
    error[TARE_ERROR_GRANULARITY] = tick_ns * grain * sqrt(scopes * 2.0 / 12.0);
    return estimate;
}

/* Whether errors of this cause are independent from process to process. */
static bool independent(int part)
{
    return part == TARE_ERROR_GRANULARITY || part == TARE_ERROR_SAMPLING;
}

void tare_estimate_add(struct tare_estimate *a, const struct tare_estimate *b)
{
    a->raw_total_ns += b->raw_total_ns;
    a->net_total_ns += b->net_total_ns;
    a->inner_total_ns += b->inner_total_ns;
    a->outer_total_ns += b->outer_total_ns;
    a->measuring_ns += b->measuring_ns;
    for (int part = 0; part < TARE_ERROR_PARTS; part++) {
        double *sum = &a->error_ns[part], more = b->error_ns[part];
        *sum = independent(part) ? sqrt(*sum * *sum + more * more) : *sum + more; /* hypot(inf, NAN) is inf */
    }
}

/* Half the width of the interval that these parts make, per outermost scope. */
static double half_width(const struct tare_estimate *estimate, uint64_t outermost, int parts)
{
    double variance = 0.0;
    for (int part = 0; part < parts; part++) {
        double sigma = estimate->error_ns[part];
        if (part != TARE_ERROR_SAMPLING || !isnan(sigma)) {
            variance += sigma * sigma;
        }
    }
    return outermost != 0 ? TARE_Z95 * sqrt(variance) / (double)outermost : NAN;
}

double tare_estimate_avg_error_ns(const struct tare_estimate *estimate, uint64_t outermost)
{
    return half_width(estimate, outermost, TARE_ERROR_PARTS);
}

double tare_estimate_avg_error_part_ns(const struct tare_estimate *estimate, uint64_t outermost,
                                       enum tare_error_part part)
{
    return outermost != 0 ? TARE_Z95 * estimate->error_ns[part] / (double)outermost : NAN;
}

double tare_estimate_avg_limit_ns(const struct tare_estimate *estimate, uint64_t outermost)
{
    struct tare_estimate zero = *estimate;
    zero.error_ns[TARE_ERROR_RATE] = 0.0; /* of a net time of zero */
    return 2.0 * half_width(&zero, outermost, TARE_ERROR_SAMPLING);
}

double tare_estimate_shift_ns(const struct tare_estimate *estimate, uint64_t outermost)
{
    if (outermost == 0) {
        return NAN;
    }
    return (estimate->inner_total_ns + estimate->outer_total_ns) / (double)outermost;
}
