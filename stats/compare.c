/* SPDX-License-Identifier: MIT */
/*
 * The rules of a comparison.
 *
 * What chance is. Of a unit there are three values: A, A' and B, each from the same places in the unit
 * (stats/order.h). If B is the same as A, the place of each was drawn, and so B is the least, the middle or the
 * largest of the three with a chance of 1 / 3 each, whatever the machine did in these places: spikes, drift,
 * two modes, what came before. The sum T over units of -1, 0 and 1 then has a known distribution that supposes
 * nothing about noise: a rank test in complete blocks (M. Friedman, Journal of the American Statistical
 * Association 32 (1937), pages 675-701), of one treatment against two controls (as R. G. D. Steel's, Biometrics
 * 15 (1959), pages 560-572, which has one), exact as all tests by randomisation are (R. A. Fisher, "The Design
 * of Experiments", 1935; E. J. G. Pitman, 1937).
 *
 * The interval holds all effects that this test would not refuse if they were taken off B (J. L. Hodges and E.
 * L. Lehmann, Annals of Mathematical Statistics 34 (1963), pages 598-611). T at an effect is half of how many
 * more of the 2 n differences log B - log A and log B - log A' lie above than below it, so that the ends are
 * two of these differences, and the estimate is their median: the median ratio of B to an A that ran beside it.
 * Where times of A and B have equally shaped distributions that is the ratio of their medians; where they have
 * not, it is what it says. Then B may be outside more often than in 2 of 3 units (it scatters more than A), and
 * T scatters more: the share that was seen, less a standard error (two of them up to 20 units), takes the place
 * of 2 / 3 where it is larger.
 *
 * What was tried instead, on simulated calls (docs/statistics.md has the figures). The effect B - mean(A, A')
 * has no symmetric distribution when all are the same: a spike in B moves it up by as much as it does down in A
 * and in A' by half of that. So the signed-rank and the sign test of effects (F. Wilcoxon, Biometrics Bulletin
 * 1 (1945), pages 80-83) say slower or faster of equal programs in half and in a third of calls of 1400 units
 * with spikes. Both are right for log B - log A alone, without A', which takes 1.4 times the units. Student's t
 * of effects is right for any noise if units are many, and takes ten times as many where there are spikes.
 * M-estimates (P. J. Huber, Annals of Mathematical Statistics 35 (1964), pages 73-101) of both differences need
 * a quarter fewer units with normal noise, 12 % fewer on a shared machine, and their chances are those of a
 * limit. Ranks weighted by how far a unit's values lie apart (D. Quade, Journal of the American Statistical
 * Association 74 (1979), pages 680-683) gain less, and lose with two modes.
 *
 * Few units. n units can be the extreme of T with a chance of 2 / 3^n and no less, which is above what a look
 * may spend below 7 or 8 units. There it is Student's t of the effects, with the larger of two scatters:
 * theirs, and what the control's lets expect (of three independent values with variance v, effects have 3 v / 2
 * and controls 2 v). What betrays it is not long tails but units that agree by chance: if blocks are either
 * fast or slow, n of n units show the same effect, without scatter, with a chance of up to (4 / 27)^n (A and A'
 * alike with 2 / 3 each and B unlike with 1 / 3 is the worst). Where a look may not spend that there is no
 * interval. A disturbance that comes at just the pace of the units is worse: the same one of six blocks in
 * each, and B is in that place in all of them with 3^-n. So the interval is at least as wide as what half as
 * much time again in one of B's two blocks makes of each unit. Few units tell large differences; small ones
 * take a few more.
 *
 * Looks. Each spends what the square of the share of time gains since the last one (a power family: K. Kim and
 * D. L. DeMets, Biometrika 74 (1987), pages 149-154; spending: K. K. G. Lan and D. L. DeMets, Biometrika 70
 * (1983), pages 659-663), so that the last has 44 %. The parts are added up, as Bonferroni does, without use of
 * the correlation between looks: that would make intervals 3 % narrower and the sum hold for normal values
 * only. As the sum is by time and not by units, an interruption at any time may spend what has come due.
 *
 * The control arm is judged at each look with the whole of its own alpha: a failure that is chance costs a
 * look, and only at the last one a verdict. It is the sign test's interval of the median of log A' - log A,
 * exact for the same reason, and Student's t below 8 units.
 *
 * Layouts: T. Kalibera and R. Jones, "Rigorous Benchmarking in Reasonable Time", ISMM 2013: repeat at the level
 * that varies most and take the scatter of its means. What is the same for all units of a layout is no noise
 * that units could show. Of each layout the median as above, and Student's t over these.
 *
 * Apart. Of two sets that were measured at different times, what the machine did in between is not to be seen,
 * only what it did while each was measured; and that is more than the scatter of neighbouring blocks, which are
 * alike (on a shared machine, a lag of 300 blocks of 4 ms had a correlation of 0.2 still). So each set is cut
 * into up to eight parts in the order in which it was measured, and the scatter of their medians, not divided
 * by their number, stands for the scatter between times: Student's t with B. L. Welch's degrees of freedom
 * (Biometrika 34 (1947), pages 28-35). Two stretches of 400 blocks from 40 s of a shared machine then differ in
 * 0.5 % of cases at alpha 0.002, stretches of 1000 in none of 1500; an interval of medians for independent
 * values, or for an effective number of them, errs in 30 % (at 0.01).
 */
#include <errno.h>
#include <math.h>

#include "stats/compare.h"
#include "stats/distribution.h"
#include "stats/interval.h"
#include "stats/moments.h"
#include "stats/quantile.h"
#include "stats/series.h"
#include "stats/values.h"

const char *const tare_verdict_names[TARE_VERDICTS] = {"unresolved", "same", "faster", "slower"};
const double tare_compare_looks[TARE_COMPARE_LOOKS] = {0.05, 0.1, 0.2, 0.3, 0.4, 0.55, 0.75, 1.0};

#define SPENDING_POWER 2.0
#define POWER_Z 0.8416212335729143 /* 4 of 5 runs: the 80 % quantile of the normal distribution */
#define SHARE_OUTSIDE (2.0 / 3.0)  /* units in which B is the least or the largest, if all are the same */
#define ALIKE_BY_CHANCE (4.0 / 27.0)
#define DISTURBED_UNIT 0.2027325540540822 /* log(1.5) / 2 */
#define NO_VARIANCE 1e-24                 /* of logarithms: what the rounding of sums leaves of 0 */
#define LARGEST_EFFECT 100.0              /* e^100: no two times are so far apart */

enum {
    EXACT_UNITS = 100, /* more: the normal distribution, whose tails are longer than those of T */
    FEW_UNITS = 20,
    PARTS_LEAST = 4,
    PARTS_MOST = 8,
    LAYOUTS_MOST = 100,
};

static const struct tare_comparison unknown = {
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

/* An interval in logarithms. */
struct ends {
    double estimate, low, high;
    double error; /* standard error */
};

static const struct ends no_ends = {NAN, NAN, NAN, NAN};

static bool rule_is_sound(const struct tare_compare_rule *rule)
{
    return rule->alpha > 0.0 && rule->alpha < 1.0 && rule->comparisons >= 1 && rule->margin > 0.0 &&
           rule->margin < 1.0 && rule->control_alpha > 0.0 && rule->control_alpha < 1.0;
}

static bool are_effects(const double *values, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (!(fabs(values[i]) <= LARGEST_EFFECT)) {
            return false;
        }
    }
    return true;
}

/* The smallest c with P(T >= c) <= tail; n + 1 if there is none. */
static size_t exact_critical(size_t n, double tail)
{
    double chance[2 * EXACT_UNITS + 1] = {1.0}; /* chance[i]: that T is i - units */
    for (size_t units = 1; units <= n; units++) {
        for (size_t i = 2 * units + 1; i-- > 0;) {
            double before = i <= 2 * units - 2 ? chance[i] : 0.0;
            before += i >= 1 && i <= 2 * units - 1 ? chance[i - 1] : 0.0;
            before += i >= 2 ? chance[i - 2] : 0.0;
            chance[i] = before / 3.0;
        }
    }
    double above = 0.0;
    size_t c = n + 1;
    while (c > 0 && above + chance[n + c - 1] <= tail) {
        above += chance[n + --c];
    }
    return c;
}

/* The same where B is outside in `share` of the units. Rounded up: the sum moves in whole steps. */
static size_t critical(size_t n, double tail, double share)
{
    if (n > EXACT_UNITS) {
        return (size_t)ceil(-tare_normal_quantile(tail) * sqrt((double)n * share) + 0.5);
    }
    return (size_t)ceil((double)exact_critical(n, tail) * sqrt(share / SHARE_OUTSIDE));
}

static double share_outside(const double *effect, const double *control, size_t n, double taken_off)
{
    size_t outside = 0;
    for (size_t i = 0; i < n; i++) {
        outside += fabs(effect[i] - taken_off) > fabs(control[i]) / 2.0;
    }
    return (double)outside / (double)n;
}

/* log B - log A and log B - log A' of one unit. */
static void put_differences(double effect, double control, double difference[2])
{
    difference[0] = effect + control / 2.0;
    difference[1] = effect - control / 2.0;
}

static struct ends by_rank(const double *effect, const double *control, size_t n, double alpha,
                           double *differences)
{
    for (size_t i = 0; i < n; i++) {
        put_differences(effect[i], control[i], &differences[2 * i]);
    }
    tare_values_sort(differences, 2 * n);
    struct ends ends = no_ends;
    ends.estimate = tare_quantile(differences, 2 * n, 0.5);
    double chance = (n > FEW_UNITS ? 1.0 : 2.0) * sqrt(SHARE_OUTSIDE * (1.0 - SHARE_OUTSIDE) / (double)n);
    double share = share_outside(effect, control, n, ends.estimate) - chance;
    size_t c = critical(n, alpha / 2.0, fmax(share, SHARE_OUTSIDE));
    if (c <= n) {
        ends.low = differences[n - c];
        ends.high = differences[n + c - 1];
        ends.error = (ends.high - ends.low) / 2.0 / -tare_normal_quantile(alpha / 2.0);
    }
    return ends;
}

/* Wide enough for t and for `least`. */
static struct ends by_student(double mean, double error, double freedom, double alpha, double least)
{
    double t = tare_student_quantile(1.0 - alpha / 2.0, freedom), half = fmax(t * error, least);
    return (struct ends){mean, mean - half, mean + half, error};
}

/* n at least 2. */
static struct ends of_mean(const double *values, size_t n, double alpha)
{
    struct tare_moments moments;
    tare_moments_of(values, n, &moments);
    return by_student(moments.mean, tare_moments_standard_error(&moments), (double)(n - 1), alpha, 0.0);
}

/*
 * Values that agree as no clock's do: they were rounded, or come from few. Their scatter is not 0 but unknown.
 * What may be said of them: if each is one of two values, all na of A are one and all nb of B the other with at
 * most this chance.
 */
static bool are_alike_by_chance(double variance, double na, double nb, double alpha)
{
    double share = na / (na + nb);
    return variance <= NO_VARIANCE && 2.0 * pow(share, na) * pow(1.0 - share, nb) > alpha;
}

static struct ends of_few_units(const double *effect, const double *control, size_t n, double alpha)
{
    if (n < 2 || pow(ALIKE_BY_CHANCE, (double)n) > alpha) {
        return no_ends;
    }
    struct tare_moments moments;
    tare_moments_of(effect, n, &moments);
    double variance = 0.0;
    for (size_t i = 0; i < n; i++) {
        variance += 0.75 * control[i] * control[i] / (double)n;
    }
    variance = fmax(variance, tare_moments_variance(&moments));
    return by_student(moments.mean, sqrt(variance / (double)n), (double)(n - 1), alpha, DISTURBED_UNIT);
}

static bool are_few(double n, double alpha)
{
    return 2.0 * pow(3.0, -n) > alpha;
}

static struct ends of_control(const double *control, size_t n, double alpha, double *scratch)
{
    if (n < 2) {
        return no_ends;
    }
    if (2.0 * pow(0.5, (double)n) > alpha) {
        return of_mean(control, n, alpha);
    }
    for (size_t i = 0; i < n; i++) {
        scratch[i] = control[i];
    }
    tare_values_sort(scratch, n);
    struct tare_interval interval;
    tare_quantile_interval(scratch, n, 0.5, 1.0 - alpha, &interval);
    return (struct ends){interval.estimate, interval.low, interval.high, NAN};
}

/* The different numbers, ascending, at the beginning of `numbers`; returns how many. */
static size_t different_layouts(const unsigned *layout, size_t n, double *numbers)
{
    for (size_t i = 0; i < n; i++) {
        numbers[i] = layout[i];
    }
    tare_values_sort(numbers, n);
    size_t count = 0;
    for (size_t i = 0; i < n; i++) {
        if (i == 0 || numbers[i] != numbers[count - 1]) {
            numbers[count++] = numbers[i];
        }
    }
    return count;
}

/* numbers: of `layouts` layouts, replaced by their medians. */
static struct ends of_layouts(const double *effect, const double *control, const unsigned *layout, size_t n,
                              double *numbers, size_t layouts, double alpha, double *differences)
{
    for (size_t i = 0; i < layouts; i++) {
        size_t count = 0;
        for (size_t unit = 0; unit < n; unit++) {
            if ((double)layout[unit] == numbers[i]) {
                put_differences(effect[unit], control[unit], &differences[count]);
                count += 2;
            }
        }
        tare_values_sort(differences, count);
        numbers[i] = tare_quantile(differences, count, 0.5);
    }
    struct tare_moments moments;
    tare_moments_of(numbers, layouts, &moments);
    double count = (double)layouts;
    return are_alike_by_chance(tare_moments_variance(&moments), count, count, alpha)
               ? no_ends
               : of_mean(numbers, layouts, alpha);
}

/*
 * An interval settles a difference beyond the margin when it is shorter than that to either side, and one within it
 * when it is so short or lies within the margin.
 */
static double half_to_settle(const struct ends *ends, double margin)
{
    double effect = fabs(ends->estimate);
    return effect >= margin ? effect : fmax(effect, margin - effect);
}

/* The fewest of which there is an interval, at this look or as the last one of usual calls. */
static double fewest_units(const struct tare_compare_rule *rule, double alpha)
{
    double before = pow(tare_compare_looks[TARE_COMPARE_LOOKS - 2], SPENDING_POWER), units = 2.0;
    alpha = fmin(alpha, rule->alpha / (double)rule->comparisons * (1.0 - before));
    while (pow(ALIKE_BY_CHANCE, units) > alpha) {
        units++;
    }
    return units;
}

/* Student's t over so many: its half width at the scatter seen. A call has a hundred of them at most. */
static double layouts_to_settle(const struct ends *ends, size_t layouts, double alpha, double margin)
{
    double target = half_to_settle(ends, margin), sd = ends->error * sqrt((double)layouts);
    for (double count = (double)layouts + 1.0; count <= LAYOUTS_MOST; count++) {
        if (tare_student_quantile(1.0 - alpha / 2.0, count - 1.0) * sd / sqrt(count) <= target) {
            return count;
        }
    }
    return NAN;
}

/* An interval shrinks with the root of the number of units. */
static double units_to_settle(const struct tare_comparison *found, const struct ends *ends, double alpha,
                              double margin)
{
    double target = half_to_settle(ends, margin);
    double half = -tare_normal_quantile(alpha / 2.0) * ends->error, least = 1.0;
    double units = ceil((double)found->units * (half / target) * (half / target));
    while (are_few(least, alpha)) {
        least++;
    }
    if (found->verdict == TARE_VERDICT_UNRESOLVED) {
        least = fmax(least, (double)found->units + 1.0);
    }
    return fmax(units, least);
}

static void judge(const struct ends *ends, double margin, struct tare_comparison *out)
{
    out->ratio = exp(ends->estimate);
    if (!(fabs(ends->low) <= 2.0 * LARGEST_EFFECT && fabs(ends->high) <= 2.0 * LARGEST_EFFECT)) {
        return; /* unknown, or so wide that it says nothing */
    }
    out->low = exp(ends->low);
    out->high = exp(ends->high);
    out->within_margin = out->low >= 1.0 - margin && out->high <= 1.0 + margin;
    bool well_within = out->low >= 1.0 - margin / 2.0 && out->high <= 1.0 + margin / 2.0;
    if (out->control_differs) {
        out->verdict = TARE_VERDICT_UNRESOLVED;
    } else if (ends->low > 0.0 || ends->high < 0.0) {
        out->verdict = ends->low > 0.0 ? TARE_VERDICT_SLOWER : TARE_VERDICT_FASTER;
        out->stop = true;
    } else if (out->within_margin) {
        out->verdict = TARE_VERDICT_SAME;
        out->stop = well_within;
    }
    out->smallest = expm1((ends->high - ends->low) / 2.0 + POWER_Z * ends->error);
}

int tare_compare(const struct tare_compare_rule *rule, double last_fraction, double fraction,
                 const double *effect, const double *control, const unsigned *layout, size_t n, double *scratch,
                 struct tare_comparison *out)
{
    *out = unknown;
    if (!rule_is_sound(rule) || !(last_fraction >= 0.0 && last_fraction < fraction && fraction <= 1.0) ||
        !are_effects(effect, n) || !are_effects(control, n)) {
        return -EINVAL;
    }
    double share = pow(fraction, SPENDING_POWER) - pow(last_fraction, SPENDING_POWER);
    double alpha = rule->alpha / (double)rule->comparisons * share;
    out->units = n;
    out->confidence = 1.0 - alpha;
    struct tare_effective_n effective;
    if (tare_effective_n(effect, n, 0, &effective) == 0) {
        out->units_effective = effective.n;
    }
    struct ends ends = of_control(control, n, rule->control_alpha, scratch);
    out->control_ratio = exp(ends.estimate);
    out->control_low = exp(ends.low);
    out->control_high = exp(ends.high);
    out->control_differs = ends.low > 0.0 || ends.high < 0.0;
    size_t layouts = layout != NULL ? different_layouts(layout, n, scratch) : 1;
    if (layouts >= 2) {
        ends = of_layouts(effect, control, layout, n, scratch, layouts, alpha, scratch + n);
    } else {
        ends = are_few((double)n, alpha) ? of_few_units(effect, control, n, alpha)
                                         : by_rank(effect, control, n, alpha, scratch);
    }
    judge(&ends, rule->margin, out);
    if (layouts >= 2) { /* more units of the same ones would not do */
        bool open = out->verdict == TARE_VERDICT_UNRESOLVED && !isnan(out->low) && !out->control_differs;
        out->layouts_needed = open ? layouts_to_settle(&ends, layouts, alpha, rule->margin) : NAN;
    } else if (!isnan(out->low)) {
        out->units_needed = units_to_settle(out, &ends, alpha, rule->margin);
    } else if (layout == NULL) {
        out->units_needed = fmax(fewest_units(rule, alpha), (double)n + 1.0);
    }
    return 0;
}

/* A set of values: its median, and the variance of the medians of its parts. */
struct place {
    double median, variance, freedom;
};

static size_t parts_of(size_t n)
{
    return n / 3 < PARTS_LEAST ? PARTS_LEAST : n / 3 > PARTS_MOST ? PARTS_MOST : n / 3;
}

/* n at least PARTS_LEAST. */
static struct place find_place(const double *values, size_t n, double *scratch)
{
    double part[PARTS_MOST];
    size_t parts = parts_of(n);
    for (size_t i = 0; i < n; i++) {
        scratch[i] = log(values[i]);
    }
    for (size_t i = 0; i < parts; i++) {
        size_t from = i * n / parts, to = (i + 1) * n / parts;
        tare_values_sort(scratch + from, to - from);
        part[i] = tare_quantile(scratch + from, to - from, 0.5);
    }
    tare_values_sort(scratch, n);
    struct tare_moments moments;
    tare_moments_of(part, parts, &moments);
    return (struct place){tare_quantile(scratch, n, 0.5), tare_moments_variance(&moments), (double)parts - 1.0};
}

static bool are_times(const double *values, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (!(values[i] > 0.0 && values[i] <= TARE_VALUE_LIMIT)) {
            return false;
        }
    }
    return true;
}

/* B. L. Welch's degrees of freedom. */
static double freedom_of(const struct place *a, const struct place *b)
{
    double variance = a->variance + b->variance;
    double parts = a->variance * a->variance / a->freedom + b->variance * b->variance / b->freedom;
    return parts > 0.0 ? variance * variance / parts : a->freedom + b->freedom;
}

int tare_compare_apart(const struct tare_compare_rule *rule, const double *a, size_t na, const double *b,
                       size_t nb, double *scratch, struct tare_comparison *out)
{
    *out = unknown;
    if (!rule_is_sound(rule) || !are_times(a, na) || !are_times(b, nb)) {
        return -EINVAL;
    }
    double alpha = rule->alpha / (double)rule->comparisons;
    out->units = na < nb ? na : nb;
    out->confidence = 1.0 - alpha;
    if (out->units < PARTS_LEAST) {
        return 0;
    }
    struct place of_a = find_place(a, na, scratch), of_b = find_place(b, nb, scratch + na);
    double variance = of_a.variance + of_b.variance;
    struct ends ends =
        by_student(of_b.median - of_a.median, sqrt(variance), freedom_of(&of_a, &of_b), alpha, 0.0);
    if (are_alike_by_chance(variance, of_a.freedom + 1.0, of_b.freedom + 1.0, alpha)) {
        ends.low = ends.high = ends.error = NAN;
    }
    judge(&ends, rule->margin, out);
    return 0;
}
