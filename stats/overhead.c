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
 * How sure it is. The variance of the net total is the sum of these parts, which have separate causes (JCGM
 * 100:2008, "Guide to the expression of uncertainty in measurement", GUM for short, 5.1.2):
 *
 * 1. Spread of the calibration. Each cost is the median of n blocks. The median of n normal values has the
 *    standard error sqrt(pi / 2) x sigma / sqrt(n) (M. G. Kendall and A. Stuart, "The Advanced Theory of
 *    Statistics", volume 1, chapter 10: the variance of the sample median tends to 1 / (4 n f^2), f the density
 *    there, which for the normal distribution is pi sigma^2 / 2n), and sigma is 1.4826 x MAD (F. R. Hampel,
 *    "The Influence Curve and its Role in Robust Estimation", Journal of the American Statistical Association
 *    69 (1974), pages 383-393). Where there are two calibrations, at start and at exit, the cost is their mean,
 *    and its variance a quarter of the sum of theirs.
 * 2. Drift. The cost while the program ran lay somewhere between what start and exit found: a rectangular
 *    distribution between the two, of variance d^2 / 12 for a distance d (GUM 4.3.7). Inner and outer cost
 *    drift for the same reason (frequency, temperature, neighbours), so their drifts add before they are
 *    squared, and without regard to sign, which is the cautious choice. With one calibration only, drift is not
 *    seen and not in.
 * 3. Granularity. A reading is cut to whole steps of the counter, of g ticks: g^2 / 12 (GUM F.2.2.1), for each of an
 *    outermost scope's two readings. It averages out with the number of scopes, the other parts do not. The
 *    calibration's rounds are cut in the same way, and all alike when they take a round's time each: a median's
 *    variance is therefore taken for no less than (g / 16)^2 / 12, a round being 16 scopes, however little the rounds
 *    differ (a MAD of 0 is common where g is large).
 * 4. Rate. The relative error of the length of a tick, times the net total (GUM 5.1.2 again).
 *
 * What no calibration can see is not in it: the measured code's own variation, caches and predictors that the
 * recording displaces, and overlap of the work with the readings, which docs/accuracy.md bounds by experiment.
 */
#include <math.h>

#include "stats/overhead.h"
#include "stats/quantile.h"

#define SQRT_HALF_PI 1.2533141373155003 /* sqrt(pi / 2) */

/* A cost in ticks as it is applied, with the variance of its median and the distance between start and exit. */
struct applied_cost {
    double ticks;
    double variance;
    double drift;
};

/*
 * Scopes in a round of the calibration (runtime/calibrate.c): a round's mean comes in steps of a grain over
 * this.
 */
#define ROUND_SCOPES 16.0

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

static struct applied_cost apply(const struct tare_cost_ticks *start, const struct tare_cost_ticks *exit,
                                 double grain_ticks)
{
    struct applied_cost cost = {.ticks = NAN, .variance = NAN, .drift = 0.0};
    if (start->n != 0 && exit->n != 0) {
        cost.ticks = (start->median + exit->median) / 2.0;
        cost.variance = (median_variance(start, grain_ticks) + median_variance(exit, grain_ticks)) / 4.0;
        cost.drift = fabs(exit->median - start->median);
    } else if (start->n != 0 || exit->n != 0) {
        const struct tare_cost_ticks *only = start->n != 0 ? start : exit;
        cost.ticks = only->median;
        cost.variance = median_variance(only, grain_ticks);
    }
    return cost;
}

struct tare_estimate tare_estimate_timer(const struct tare_cost_model *model,
                                         const struct tare_timer_sums *sums)
{
    struct tare_estimate estimate = {0};
    if (sums->outermost == 0) { /* nothing was timed: zero, however little is known about the clock */
        return estimate;
    }
    double tick_ns = model->tick_ns;
    double scopes = (double)sums->outermost;
    double within = (double)sums->scopes_within;

    double grain = model->grain_ticks >= 1.0 ? model->grain_ticks : 1.0;
    struct applied_cost inner = apply(&model->inner, &model->inner_at_exit, grain);
    struct applied_cost outer = {0};
    if (sums->scopes_within != 0) { /* else it is not needed, and may be unknown */
        outer = apply(&model->outer, &model->outer_at_exit, grain);
    }
    estimate.raw_total_ns = (double)sums->total_ticks * tick_ns;
    estimate.inner_total_ns = scopes * inner.ticks * tick_ns;
    estimate.outer_total_ns = within * outer.ticks * tick_ns;
    estimate.net_total_ns = estimate.raw_total_ns - estimate.inner_total_ns - estimate.outer_total_ns;

    double spread = scopes * scopes * inner.variance + within * within * outer.variance;
    double drift = scopes * inner.drift + within * outer.drift;
    double granularity = scopes * 2.0 * grain * grain / 12.0;
    double rate = estimate.net_total_ns * model->rate_error_ppb * 1e-9;
    estimate.variance_ns2 = tick_ns * tick_ns * (spread + drift * drift / 12.0 + granularity) + rate * rate;
    return estimate;
}

void tare_estimate_add(struct tare_estimate *a, const struct tare_estimate *b)
{
    double sigma = sqrt(a->variance_ns2) + sqrt(b->variance_ns2);
    a->raw_total_ns += b->raw_total_ns;
    a->net_total_ns += b->net_total_ns;
    a->inner_total_ns += b->inner_total_ns;
    a->outer_total_ns += b->outer_total_ns;
    a->variance_ns2 = sigma * sigma;
}

double tare_estimate_avg_error_ns(const struct tare_estimate *estimate, uint64_t outermost)
{
    if (outermost == 0) {
        return NAN;
    }
    return TARE_Z95 * sqrt(estimate->variance_ns2) / (double)outermost;
}

double tare_estimate_shift_ns(const struct tare_estimate *estimate, uint64_t outermost)
{
    if (outermost == 0) {
        return NAN;
    }
    return (estimate->inner_total_ns + estimate->outer_total_ns) / (double)outermost;
}
