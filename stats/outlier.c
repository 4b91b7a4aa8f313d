/* SPDX-License-Identifier: MIT */
/*
 * Tukey's fences; the header has their definition.
 */
#include <errno.h>
#include <math.h>

#include "stats/outlier.h"
#include "stats/quantile.h"
#include "stats/values.h"

#define MILD 1.5 /* interquartile ranges */
#define SEVERE 3.0

int tare_outlier_fences(const double *sorted, size_t n, struct tare_fences *fences)
{
    *fences = (struct tare_fences){NAN, NAN, NAN, NAN, NAN, NAN};
    if (tare_values_check_sorted(sorted, n) != 0) {
        return -EINVAL;
    }
    double q1 = tare_quantile(sorted, n, 0.25), q3 = tare_quantile(sorted, n, 0.75);
    double range = q3 - q1;
    *fences = (struct tare_fences){
        .q1 = q1,
        .q3 = q3,
        .low_severe = q1 - SEVERE * range,
        .low_mild = q1 - MILD * range,
        .high_mild = q3 + MILD * range,
        .high_severe = q3 + SEVERE * range,
    };
    return 0;
}

enum tare_outlier tare_outlier_class(const struct tare_fences *fences, double value)
{
    if (value < fences->low_severe) {
        return TARE_OUTLIER_LOW_SEVERE;
    }
    if (value < fences->low_mild) {
        return TARE_OUTLIER_LOW_MILD;
    }
    if (value > fences->high_severe) {
        return TARE_OUTLIER_HIGH_SEVERE;
    }
    if (value > fences->high_mild) {
        return TARE_OUTLIER_HIGH_MILD;
    }
    return TARE_OUTLIER_NORMAL;
}

int tare_outlier_mark(const double *values, size_t n, const struct tare_fences *fences,
                      enum tare_outlier *classes, size_t counts[TARE_OUTLIER_CLASSES])
{
    for (int i = 0; i < TARE_OUTLIER_CLASSES; i++) {
        counts[i] = 0;
    }
    if (tare_values_check(values, n) != 0) {
        return -EINVAL;
    }
    for (size_t i = 0; i < n; i++) {
        enum tare_outlier class = tare_outlier_class(fences, values[i]);
        counts[class]++;
        if (classes != NULL) {
            classes[i] = class;
        }
    }
    return 0;
}
