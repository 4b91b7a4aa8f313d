/* SPDX-License-Identifier: MIT */
/*
 * Outliers, marked and kept: nothing here removes a value or changes another figure. J. W. Tukey's fences
 * ("Exploratory Data Analysis", 1977): 1.5 interquartile ranges beyond the quartiles a value is
 * outside, mildly, and 3 ranges beyond severely. The quartiles are tare_quantile()'s (type 7), not Tukey's
 * hinges, from which they differ by a part of the distance of two neighbouring values. No allocation. Errors:
 * see stats/values.h.
 *
 * Of normal values 0.7 % lie outside, and 0.0002 % severely. Times are skewed to the right, so of undisturbed
 * ones more do: outliers are something to be explained, and not errors as such. Where the middle
 * half of the values are equal (a coarse clock), the range is 0 and each value that differs is severe.
 */
#ifndef TARE_STATS_OUTLIER_H
#define TARE_STATS_OUTLIER_H

#include <stddef.h>

enum tare_outlier {
    TARE_OUTLIER_LOW_SEVERE,
    TARE_OUTLIER_LOW_MILD,
    TARE_OUTLIER_NORMAL,
    TARE_OUTLIER_HIGH_MILD,
    TARE_OUTLIER_HIGH_SEVERE,
    TARE_OUTLIER_CLASSES,
};

struct tare_fences {
    double q1;
    double q3;
    double low_severe; /* below it: low severe */
    double low_mild;   /* below it: low mild; a value on a fence is within */
    double high_mild;
    double high_severe;
};

/* `sorted` ascending. All NAN for n 0. Of fewer than 4 values none lies outside. */
int tare_outlier_fences(const double *sorted, size_t n, struct tare_fences *fences);

/* Normal for a value that is NaN, and for fences that are: nothing is known against it. */
enum tare_outlier tare_outlier_class(const struct tare_fences *fences, double value);

/*
 * The class of each value, in any order, into `classes` (NULL: not wanted), and how many there are of each.
 * Refused: the counts are 0, `classes` is untouched.
 */
int tare_outlier_mark(const double *values, size_t n, const struct tare_fences *fences,
                      enum tare_outlier *classes, size_t counts[TARE_OUTLIER_CLASSES]);

#endif
