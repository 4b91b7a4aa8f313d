/* SPDX-License-Identifier: MIT */
/*
 * Checking and sorting. The sort is a heapsort: it needs neither memory nor recursion, which qsort(3) does not
 * promise (glibc's allocates), and its worst case is its usual case.
 */
#include <errno.h>
#include <math.h>

#include "stats/values.h"

int tare_values_check(const double *values, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (!(fabs(values[i]) <= TARE_VALUE_LIMIT)) { /* a NaN compares false */
            return -EINVAL;
        }
    }
    return 0;
}

int tare_values_check_sorted(const double *values, size_t n)
{
    for (size_t i = 1; i < n; i++) {
        if (!(values[i - 1] <= values[i])) {
            return -EINVAL;
        }
    }
    return tare_values_check(values, n);
}

static void sift_down(double *values, size_t root, size_t n)
{
    double value = values[root];
    for (;;) {
        size_t child = 2 * root + 1;
        if (child >= n) {
            break;
        }
        if (child + 1 < n && values[child] < values[child + 1]) {
            child++;
        }
        if (!(value < values[child])) {
            break;
        }
        values[root] = values[child];
        root = child;
    }
    values[root] = value;
}

void tare_values_sort(double *values, size_t n)
{
    for (size_t i = n / 2; i-- > 0;) {
        sift_down(values, i, n);
    }
    for (size_t end = n; end-- > 1;) {
        double largest = values[0];
        values[0] = values[end];
        values[end] = largest;
        sift_down(values, 0, end);
    }
}
