/* SPDX-License-Identifier: MIT */
/*
 * Distribution functions.
 *
 * Normal: the distribution function is libm's erfc(3). Its inverse begins with the rational approximation
 * 26.2.23 of M. Abramowitz and I. A. Stegun, "Handbook of Mathematical Functions" (error 4.5e-4) and is made
 * exact by Halley's iteration, which cubes the error each time.
 *
 * The others are the incomplete beta function: its continued fraction (NIST Digital Library of Mathematical
 * Functions, 8.17.22) evaluated by Lentz's method. Its factor in front is a ratio of gamma functions, which
 * loses digits as the difference of their large logarithms; it is written as a binomial probability and
 * evaluated as in C. Loader, "Fast and Accurate Computation of Binomial Probabilities" (2000): Stirling's error
 * and the deviance, which are small, in their place.
 *
 * Quantiles are found by bisection: some fifty evaluations, and no way to go astray.
 */
#include <math.h>
#include <stdbool.h>

#include "stats/distribution.h"

#define SQRT_HALF 0.70710678118654752440
#define SQRT_TWO_PI 2.50662827463100050242
#define HALF_LOG_TWO_PI 0.91893853320467274178

double tare_normal_cdf(double z)
{
    return 0.5 * erfc(-z * SQRT_HALF);
}

double tare_normal_quantile(double p)
{
    if (!(p > 0.0 && p < 1.0)) {
        return NAN;
    }
    if (p == 0.5) {
        return 0.0;
    }
    double tail = p < 0.5 ? p : 1.0 - p; /* z > 0 with P(Z > z) = tail, then its sign */
    double t = sqrt(-2.0 * log(tail));
    double z =
        t - (2.515517 + t * (0.802853 + t * 0.010328)) / (1.0 + t * (1.432788 + t * (0.189269 + t * 0.001308)));
    for (int i = 0; i < 3; i++) {
        double density = exp(-0.5 * z * z) / SQRT_TWO_PI;
        double step = (0.5 * erfc(z * SQRT_HALF) - tail) / density;
        z += step / (1.0 - 0.5 * z * step);
        if (fabs(step) < 1e-6) { /* the error is cubed by each */
            break;
        }
    }
    return p < 0.5 ? -z : z;
}

/* log(z!) less Stirling's approximation of it, z > 0. The series is exact to a double from 16 on. */
static double stirling_error(double z)
{
    if (z < 16.0) {
        int sign;
        return lgamma_r(z + 1.0, &sign) - (z + 0.5) * log(z) + z - HALF_LOG_TWO_PI;
    }
    double q = 1.0 / (z * z);
    return (1.0 / 12.0 - q * (1.0 / 360.0 - q * (1.0 / 1260.0 - q * (1.0 / 1680.0 - q / 1188.0)))) / z;
}

/* k log(k / m) + m - k, of which the parts nearly cancel when k is near m. k, m > 0. */
static double deviance(double k, double m)
{
    if (fabs(k - m) >= 0.1 * (k + m)) {
        return k * log(k / m) + m - k;
    }
    double v = (k - m) / (k + m); /* log(k / m) = 2 (v + v^3 / 3 + v^5 / 5 ...) */
    double sum = v * (k - m);
    double power = 2.0 * k * v;
    for (int j = 3; j < 100; j += 2) {
        power *= v * v;
        double next = sum + power / j;
        if (next == sum) {
            break;
        }
        sum = next;
    }
    return sum;
}

/* x^a y^b / (a B(a, b)), where y = 1 - x. */
static double beta_factor(double a, double b, double x, double y)
{
    double n = a + b;
    double log_factor =
        stirling_error(n) - stirling_error(a) - stirling_error(b) - deviance(a, n * x) - deviance(b, n * y);
    return exp(log_factor) * sqrt(n / (a * b)) / SQRT_TWO_PI * (b / n);
}

/*
 * The fraction converges in some sqrt(max(a, b)) steps. NAN if it does not, which no argument in range shows.
 */
static double beta_fraction(double a, double b, double x)
{
    const double tiny = 1e-300; /* in the place of 0 in a denominator: Lentz's method */
    double c = 1.0;
    double d = 1.0 - (a + b) * x / (a + 1.0);
    d = 1.0 / (fabs(d) < tiny ? tiny : d);
    double f = d;
    for (int m = 1; m <= 1000000; m++) {
        double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
        double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
        double change = 1.0;
        for (int half = 0; half < 2; half++) {
            double term = half == 0 ? even : odd;
            d = 1.0 + term * d;
            d = 1.0 / (fabs(d) < tiny ? tiny : d);
            c = 1.0 + term / c;
            c = fabs(c) < tiny ? tiny : c;
            change = c * d;
            f *= change;
        }
        if (fabs(change - 1.0) < 1e-15) {
            return f;
        }
    }
    return NAN;
}

/* I_x(a, b) with both x and y = 1 - x given, whichever is small being exact. */
static double incomplete_beta(double a, double b, double x, double y)
{
    if (x <= 0.0) {
        return 0.0;
    }
    if (y <= 0.0) {
        return 1.0;
    }
    bool mirrored = x > (a + 1.0) / (a + b + 2.0); /* there the fraction of the other side converges */
    double part = mirrored ? beta_factor(b, a, y, x) * beta_fraction(b, a, y)
                           : beta_factor(a, b, x, y) * beta_fraction(a, b, x);
    return mirrored ? 1.0 - part : part;
}

static bool is_positive(double value)
{
    return value > 0.0 && isfinite(value);
}

double tare_beta_cdf(double x, double a, double b)
{
    if (!is_positive(a) || !is_positive(b) || !(x >= 0.0 && x <= 1.0)) {
        return NAN;
    }
    return incomplete_beta(a, b, x, 1.0 - x);
}

double tare_beta_quantile(double p, double a, double b)
{
    if (!is_positive(a) || !is_positive(b) || !(p >= 0.0 && p <= 1.0)) {
        return NAN;
    }
    double low = 0.0, high = 1.0;
    if (p == 0.0 || p == 1.0) {
        return p;
    }
    for (int i = 0; i < 200; i++) {
        double middle = 0.5 * (low + high);
        if (middle <= low || middle >= high) {
            break;
        }
        if (incomplete_beta(a, b, middle, 1.0 - middle) < p) {
            low = middle;
        } else {
            high = middle;
        }
    }
    return 0.5 * (low + high);
}

/* P(T > t) for t >= 0. */
static double student_tail(double t, double freedom)
{
    double square = t * t;
    double sum = freedom + square;
    return 0.5 * incomplete_beta(0.5 * freedom, 0.5, freedom / sum, square / sum);
}

double tare_student_cdf(double t, double freedom)
{
    if (!is_positive(freedom) || isnan(t)) {
        return NAN;
    }
    if (!(fabs(t) < 1e150)) { /* its square would overflow */
        return t < 0.0 ? 0.0 : 1.0;
    }
    double tail = student_tail(fabs(t), freedom);
    return t <= 0.0 ? tail : 1.0 - tail;
}

double tare_student_quantile(double p, double freedom)
{
    if (!is_positive(freedom) || !(p > 0.0 && p < 1.0)) {
        return NAN;
    }
    double tail = p <= 0.5 ? p : 1.0 - p;
    double low = 0.0, high = 1.0;
    while (student_tail(high, freedom) > tail) {
        low = high;
        high *= 2.0;
        if (high > 1e150) {
            return NAN;
        }
    }
    for (int i = 0; i < 200; i++) {
        double middle = 0.5 * (low + high);
        if (middle <= low || middle >= high) {
            break;
        }
        if (student_tail(middle, freedom) > tail) {
            low = middle;
        } else {
            high = middle;
        }
    }
    double t = 0.5 * (low + high);
    return p <= 0.5 ? -t : t;
}

double tare_binomial_cdf(int64_t k, uint64_t n, double p)
{
    if (!(p >= 0.0 && p <= 1.0)) {
        return NAN;
    }
    if (k < 0) {
        return 0.0;
    }
    if ((uint64_t)k >= n) {
        return 1.0;
    }
    return incomplete_beta((double)(n - (uint64_t)k), (double)k + 1.0, 1.0 - p, p);
}

double tare_binomial_tail(int64_t k, uint64_t n, double p)
{
    if (!(p >= 0.0 && p <= 1.0)) {
        return NAN;
    }
    if (k < 0) {
        return 1.0;
    }
    if ((uint64_t)k >= n) {
        return 0.0;
    }
    return incomplete_beta((double)k + 1.0, (double)(n - (uint64_t)k), p, 1.0 - p);
}
