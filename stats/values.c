/* SPDX-License-Identifier: MIT */
/*
 * Checking and sorting. The sort needs neither memory nor recursion, which qsort(3) does not promise (glibc's
 * allocates): a quicksort that goes on as a heapsort where its parts are too uneven, so that its worst case is that
 * of a heapsort (D. R. Musser, "Introspective Sorting and Selection Algorithms", Software: Practice and Experience 27
 * (1997), pages 983-993).
 */
#include <errno.h>
#include <math.h>
#include <stdbool.h>

#include "stats/values.h"
#include "stats/values_parts.h"

enum { INSERTION = 16 }; /* values that are sorted by insertion */

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

void tare__heap_sort(double *values, size_t n)
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

static void insertion_sort(double *values, size_t n)
{
    for (size_t i = 1; i < n; i++) {
        double value = values[i];
        size_t to = i;
        for (; to > 0 && value < values[to - 1]; to--) {
            values[to] = values[to - 1];
        }
        values[to] = value;
    }
}

/*
 * Values up to the returned place are not above those from there on; both parts have some. The pivot is the middle one
 * of three, so that another value is not below and one is not above it, which is why the inner loops end.
 */
static size_t partition(double *values, size_t n)
{
    double a = values[0], b = values[n / 2], c = values[n - 1];
    double pivot = a < b ? (b < c ? b : a < c ? c : a) : (a < c ? a : b < c ? c : b);
    for (size_t i = 0, j = n - 1;; i++, j--) {
        while (values[i] < pivot) {
            i++;
        }
        while (pivot < values[j]) {
            j--;
        }
        if (i >= j) {
            return j + 1;
        }
        double value = values[i];
        values[i] = values[j];
        values[j] = value;
    }
}

void tare_values_sort(double *values, size_t n)
{
    struct {
        double *values;
        size_t n;
        int depth; /* splits that a part may still take, before it is sorted as a heap */
    } later[64];   /* the larger part waits each time: n halves at least */
    size_t waiting = 0;
    int depth = 0;
    for (size_t size = n; size > 0; size /= 2) {
        depth += 2;
    }
    for (;;) {
        while (n > INSERTION && depth > 0) {
            size_t split = partition(values, n);
            bool first_is_larger = split > n - split;
            later[waiting].values = first_is_larger ? values : values + split;
            later[waiting].n = first_is_larger ? split : n - split;
            later[waiting++].depth = --depth;
            values += first_is_larger ? split : 0;
            n = first_is_larger ? n - split : split;
        }
        if (n > INSERTION) {
            tare__heap_sort(values, n);
        } else {
            insertion_sort(values, n);
        }
        if (waiting == 0) {
            return;
        }
        values = later[--waiting].values;
        n = later[waiting].n;
        depth = later[waiting].depth;
    }
}
