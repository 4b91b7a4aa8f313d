/* SPDX-License-Identifier: MIT */
/*
 * Growth.
 *
 * For each class, time = base + factor x f(n) with base and factor not below 0, by least squares of the
 * logarithms' residuals: times of a sweep span orders of magnitude and scatter in proportion, so that plain
 * residuals would be those of the largest argument alone; and residuals relative to the time, (time - fit) /
 * time, never exceed 1 for a fit that is too low, so that far too low ones would look best. With base = ratio x
 * factor, the factor for a given ratio is known (the mean of the logarithms of time / (ratio + f)), and the
 * ratio is searched for: on a grid of powers, then by golden section (J. Kiefer, Proceedings of the American
 * Mathematical Society 4 (1953), pages 502-506).
 *
 * Which is best: the least of m log(mean squared residual) + k log m for m times and k unknowns (G. Schwarz,
 * "Estimating the Dimension of a Model", Annals of Statistics 6 (1978), pages 461-464). O(1) has an unknown
 * less and is part of all others, of which one or the other follows the noise by chance: it stays unless the
 * best of them is better by 6, which is "strong" evidence (A. E. Raftery, "Bayesian Model Selection in Social
 * Research", Sociological Methodology 25 (1995), pages 111-163); without that, it lost 13 % of sweeps of equal
 * times with 2 % of noise. Fits within 0.1 % are as good as each other: no clock's steps and no cache are left
 * out of that.
 *
 * When that is clear: if its error is not above 5 %, and the second's is 1.5 times as large and worse by 6 on
 * that scale. The scale supposes that residuals are independent, and those that caches of several sizes make
 * are not: a walk over memory that falls out of them looks more like n log n than like n, and more arguments
 * would make that ever surer. But no class fits it within 5 %. Small arguments do not either, where a branch more
 * or less is a tenth of the time: there the second's error tells, which has to be 3 times as large. O(1) is clear if
 * the best of the others rises by less than 10 % over the arguments, and none of the others is if it rises by less than
 * that itself: then the other class that is named is O(1).
 */
#include <errno.h>
#include <math.h>

#include "stats/growth.h"
#include "stats/values.h"

const char *const tare_growth_names[TARE_GROWTH_CLASSES] = {"O(1)", "O(log n)", "O(n)", "O(n log n)", "O(n^2)"};

#define ERROR_FLOOR 1e-3
#define STRONG 6.0
#define ERROR_RATIO 1.5
#define ERROR_MOST 0.05
#define ERROR_RATIO_ALONE 3.0
#define FLAT_RISE 0.1
#define GOLDEN 0.6180339887498949

enum {
    LEAST_ARGUMENTS = 4,
    GRID_LOW = -40, /* ratio of base to the largest f: powers of 2; below, base is 0 */
    GRID_HIGH = 20,
    SECTIONS = 60, /* each 0.618 of the one before, from 4 to 1e-12 of a power of 2 */
};

struct fit {
    double base, factor, error, score;
};

/* What to fit, and the logarithm of the factor, which the last error_at() found. */
struct sweep {
    const double *arguments, *times;
    size_t n;
    enum tare_growth_class class;
    double factor_log;
};

static double growth(enum tare_growth_class class, double n)
{
    switch (class) {
    case TARE_GROWTH_LOG:
        return log2(n);
    case TARE_GROWTH_LINEAR:
        return n;
    case TARE_GROWTH_LINEAR_LOG:
        return n * log2(n);
    case TARE_GROWTH_QUADRATIC:
        return n * n;
    default:
        return 0.0;
    }
}

/* Root mean square of the residuals of factor x (ratio + f); infinite where that is not above 0 for all. */
static double error_at(struct sweep *sweep, double ratio)
{
    double mean = 0.0, squares = 0.0;
    for (size_t i = 0; i < sweep->n; i++) {
        double shape = ratio + growth(sweep->class, sweep->arguments[i]);
        if (!(shape > 0.0 && isfinite(shape))) {
            return INFINITY;
        }
        double value = log(sweep->times[i]) - log(shape), off = value - mean;
        mean += off / (double)(i + 1);
        squares += off * (value - mean);
    }
    sweep->factor_log = mean;
    return sqrt(squares / (double)sweep->n);
}

/* The ratio of base to factor with the least error, by powers of 2 of `scale`. */
static double best_ratio(struct sweep *sweep, double scale)
{
    double least = INFINITY;
    int best = GRID_LOW;
    for (int power = GRID_LOW; power <= GRID_HIGH; power++) {
        double error = error_at(sweep, ldexp(scale, power));
        if (error < least) {
            least = error;
            best = power;
        }
    }
    double low = best - 2.0, high = best + 2.0;
    for (int i = 0; i < SECTIONS; i++) {
        double width = GOLDEN * (high - low);
        if (error_at(sweep, scale * exp2(high - width)) <= error_at(sweep, scale * exp2(low + width))) {
            high = low + width;
        } else {
            low = high - width;
        }
    }
    double ratio = scale * exp2((low + high) / 2.0);
    return error_at(sweep, 0.0) <= error_at(sweep, ratio) ? 0.0 : ratio;
}

static struct fit fit_class(enum tare_growth_class class, const double *arguments, const double *times,
                            size_t n)
{
    struct sweep sweep = {.arguments = arguments, .times = times, .n = n, .class = class};
    double ratio = 1.0;
    if (class != TARE_GROWTH_CONSTANT) {
        double scale = 0.0;
        for (size_t i = 0; i < n; i++) {
            scale = fmax(scale, fabs(growth(class, arguments[i])));
        }
        ratio = best_ratio(&sweep, scale);
    }
    struct fit fit = {.error = error_at(&sweep, ratio)};
    double factor = exp(sweep.factor_log);
    fit.factor = class != TARE_GROWTH_CONSTANT ? factor : 0.0;
    fit.base = ratio * factor;
    fit.score = 2.0 * (double)n * log(fmax(fit.error, ERROR_FLOOR));
    fit.score += class == TARE_GROWTH_CONSTANT ? -STRONG : log((double)n);
    return fit;
}

static double exponent_of(const double *arguments, const double *times, size_t n)
{
    double x = 0.0, y = 0.0, xx = 0.0, xy = 0.0;
    for (size_t i = 0; i < n; i++) {
        x += log(arguments[i]) / (double)n;
        y += log(times[i]) / (double)n;
    }
    for (size_t i = 0; i < n; i++) {
        double off = log(arguments[i]) - x;
        xx += off * off;
        xy += off * (log(times[i]) - y);
    }
    return xy / xx;
}

static bool is_sweep(const double *arguments, const double *times, size_t n)
{
    if (tare_values_check(arguments, n) != 0 || tare_values_check(times, n) != 0) {
        return false;
    }
    size_t different = 0;
    for (size_t i = 0; i < n; i++) {
        if (!(arguments[i] > 0.0 && times[i] > 0.0)) {
            return false;
        }
        size_t j = 0;
        while (j < i && arguments[j] != arguments[i]) {
            j++;
        }
        different += j == i;
    }
    return different >= LEAST_ARGUMENTS;
}

/* By how much a fit grows over the arguments, as a share of what it begins with. */
static double rise_of(const struct fit *fit, enum tare_growth_class class, const double *arguments, size_t n)
{
    double least = arguments[0], most = arguments[0];
    for (size_t i = 1; i < n; i++) {
        least = fmin(least, arguments[i]);
        most = fmax(most, arguments[i]);
    }
    double from = fit->base + fit->factor * growth(class, least);
    return (fit->base + fit->factor * growth(class, most)) / from - 1.0;
}

int tare_growth_fit(const double *arguments, const double *times, size_t n, struct tare_growth *out)
{
    *out = (struct tare_growth){.base = NAN, .factor = NAN, .error = NAN, .exponent = NAN};
    if (!is_sweep(arguments, times, n)) {
        return -EINVAL;
    }
    struct fit fits[TARE_GROWTH_CLASSES];
    enum tare_growth_class best = TARE_GROWTH_CONSTANT;
    for (enum tare_growth_class class = 0; class < TARE_GROWTH_CLASSES; class ++) {
        fits[class] = fit_class(class, arguments, times, n);
        if (!isfinite(fits[class].score)) {
            return -EINVAL;
        }
        best = fits[class].score < fits[best].score ? class : best; /* of equals the first, which grows least */
    }
    enum tare_growth_class second = best == 0 ? 1 : 0;
    for (enum tare_growth_class class = 0; class < TARE_GROWTH_CLASSES; class ++) {
        second = class != best && fits[class].score < fits[second].score ? class : second;
    }
    *out = (struct tare_growth){
        .best = best,
        .second = second,
        .base = fits[best].base,
        .factor = fits[best].factor,
        .error = fits[best].error,
        .exponent = exponent_of(arguments, times, n),
    };
    if (best == TARE_GROWTH_CONSTANT) {
        out->clear = rise_of(&fits[second], second, arguments, n) < FLAT_RISE;
    } else {
        double ratio = fits[second].error / fmax(fits[best].error, ERROR_FLOOR);
        bool flat = rise_of(&fits[best], best, arguments, n) < FLAT_RISE;
        bool fits_well = fits[best].error <= ERROR_MOST || ratio >= ERROR_RATIO_ALONE;
        out->clear = fits_well && ratio >= ERROR_RATIO && 2.0 * (double)n * log(ratio) >= STRONG && !flat;
        out->second = flat ? TARE_GROWTH_CONSTANT : second;
    }
    return 0;
}
