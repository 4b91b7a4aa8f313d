/* SPDX-License-Identifier: MIT */
/*
 * The dip, its chance level, and the modes that it divides the values into.
 *
 * The dip. F is a staircase with corners (x_i, i) below and (x_i, i + 1) above, in values, i from 0. A unimodal
 * distribution function is convex up to its mode and concave beyond it. Within an interval that shall hold the
 * mode, the greatest convex minorant G of the lower corners and the least concave majorant L of the upper ones
 * are as near to F as such functions come from below and from above. Where L - G is largest the interval is
 * narrowed, and the part of G before it and of L behind it are settled; how far these are from F's other corner
 * is the dip so far, doubled. It ends when no distance within the interval is larger than that.
 *
 * Where it dips. A corner of F far above a chord of G says: before it more values than along the chord, behind
 * it, up to the chord's end, fewer, and then more again. That second part is a valley, and so is, mirrored, the
 * part of a chord of L before a corner of F far below it. The values are divided in the valley of the largest
 * distance.
 *
 * Chance level. Quantiles of sqrt(n) dip of n uniform values were simulated with this code and stats/random.c,
 * for each n of the table: 10^6 samples up to 1000, 2 x 10^5 above. Between them they are interpolated linearly
 * in 1 / sqrt(n). The test repeats a part of the simulation and compares with the table of R's diptest.
 */
#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "stats/modes.h"
#include "stats/quantile.h"
#include "stats/values.h"

/* x ascending; touch[] has room for all. Returns how many of lo ... hi are corners of G (at the height i). */
static size_t minorant(const double *x, size_t lo, size_t hi, size_t *touch)
{
    size_t count = 0;
    for (size_t i = lo; i <= hi; i++) {
        if (count > 0 && x[i] == x[touch[count - 1]]) {
            continue; /* above the corner that is there */
        }
        while (count >= 2) {
            size_t a = touch[count - 2], b = touch[count - 1];
            if ((double)(b - a) * (x[i] - x[b]) < (double)(i - b) * (x[b] - x[a])) {
                break; /* it turns upwards at b: convex */
            }
            count--;
        }
        touch[count++] = i;
    }
    return count;
}

/* The same for L (at the height i + 1). */
static size_t majorant(const double *x, size_t lo, size_t hi, size_t *touch)
{
    size_t count = 0;
    for (size_t i = lo; i <= hi; i++) {
        if (count > 0 && x[i] == x[touch[count - 1]]) {
            count--; /* below this one */
        }
        while (count >= 2) {
            size_t a = touch[count - 2], b = touch[count - 1];
            if ((double)(b - a) * (x[i] - x[b]) > (double)(i - b) * (x[b] - x[a])) {
                break; /* it turns downwards at b: concave */
            }
            count--;
        }
        touch[count++] = i;
    }
    return count;
}

/* Height at x of the line between the corners a and b, in units of index; x[a] <= x <= x[b]. */
static double chord(const double *x, size_t a, size_t b, double at)
{
    double width = x[b] - x[a];
    return width > 0.0 ? (double)a + (double)(b - a) * ((at - x[a]) / width) : (double)a;
}

/* The largest L - G in the interval, which lies at a corner of one of them; and the interval that it leaves. */
static double widest(const double *x, const size_t *g, size_t g_count, const size_t *l, size_t l_count,
                     size_t *lo, size_t *hi)
{
    double distance = 0.0;
    for (size_t i = 0, j = 0; i < g_count; i++) { /* corners of G; l[j] is the first of L at or behind them */
        while (j + 1 < l_count && x[l[j]] < x[g[i]]) {
            j++;
        }
        double height = x[l[j]] == x[g[i]] || j == 0 ? (double)l[j] : chord(x, l[j - 1], l[j], x[g[i]]);
        double here = height + 1.0 - (double)g[i];
        if (here > distance) {
            distance = here;
            *lo = g[i];
            *hi = l[j];
        }
    }
    for (size_t j = 0, i = 0; j < l_count; j++) { /* corners of L; g[i] is the last of G at or before them */
        while (i + 1 < g_count && x[g[i + 1]] <= x[l[j]]) {
            i++;
        }
        double height =
            x[g[i]] == x[l[j]] || i + 1 == g_count ? (double)g[i] : chord(x, g[i], g[i + 1], x[l[j]]);
        double here = (double)l[j] + 1.0 - height;
        if (here > distance) {
            distance = here;
            *lo = g[i];
            *hi = l[j];
        }
    }
    return distance;
}

/* A distance from F, doubled, in values; and between which of them it makes a valley. */
struct deviation {
    double distance;
    size_t left;
    size_t right;
};

/* How far F's upper corners are above G, up to x[lo]. */
static void deviation_before(const double *x, const size_t *g, size_t lo, struct deviation *worst)
{
    for (size_t s = 0; g[s] < lo; s++) {
        for (size_t i = g[s]; i <= g[s + 1]; i++) {
            double here = (double)i + 1.0 - chord(x, g[s], g[s + 1], x[i]);
            if (here > worst->distance) {
                *worst = (struct deviation){here, i, g[s + 1]};
            }
        }
    }
}

/* How far F's lower corners are below L, from x[hi] on. */
static void deviation_behind(const double *x, const size_t *l, size_t count, size_t hi, struct deviation *worst)
{
    for (size_t s = count - 1; s > 0 && l[s] > hi; s--) {
        for (size_t i = l[s - 1]; i <= l[s]; i++) {
            double here = chord(x, l[s - 1], l[s], x[i]) + 1.0 - (double)i;
            if (here > worst->distance) {
                *worst = (struct deviation){here, l[s - 1], i};
            }
        }
    }
}

/* n > 0. g and l have room for n indices each. */
static struct tare_dip dip_of(const double *x, size_t n, size_t *g, size_t *l)
{
    struct deviation worst = {.distance = 1.0}; /* a staircase of n steps is never nearer than half a step */
    size_t lo = 0, hi = n - 1;
    for (;;) {
        size_t g_count = minorant(x, lo, hi, g);
        size_t l_count = majorant(x, lo, hi, l);
        size_t next_lo = lo, next_hi = hi;
        if (widest(x, g, g_count, l, l_count, &next_lo, &next_hi) <= worst.distance) {
            break;
        }
        deviation_before(x, g, next_lo, &worst);
        deviation_behind(x, l, l_count, next_hi, &worst);
        if (next_lo <= lo && next_hi >= hi) {
            break;
        }
        lo = next_lo;
        hi = next_hi;
    }
    return (struct tare_dip){
        .dip = worst.distance / (2.0 * (double)n),
        .p = tare_dip_chance(worst.distance / (2.0 * (double)n), n),
        .left = worst.left,
        .right = worst.right,
    };
}

/* Chances of a dip above the quantiles in the table's columns, and sqrt(n) dip by n. */
#define DIP_LEVELS 11
static const double dip_chances[DIP_LEVELS] = {0.5,   0.2,   0.1,   0.05,   0.02,  0.01,
                                               0.005, 0.002, 0.001, 0.0005, 0.0001};
static const struct {
    size_t n;
    double quantiles[DIP_LEVELS];
} dip_table[] = {
    {4, {0.2500, 0.3147, 0.3750, 0.4144, 0.4473, 0.4632, 0.4741, 0.4837, 0.4885, 0.4919, 0.4962}},
    {5, {0.2720, 0.3604, 0.3955, 0.4168, 0.4330, 0.4395, 0.4432, 0.4456, 0.4464, 0.4468, 0.4471}},
    {6, {0.3017, 0.3661, 0.3898, 0.4036, 0.4391, 0.4702, 0.4958, 0.5217, 0.5365, 0.5484, 0.5700}},
    {7, {0.3119, 0.3617, 0.3819, 0.4228, 0.4636, 0.4867, 0.5050, 0.5236, 0.5345, 0.5421, 0.5554}},
    {8, {0.3140, 0.3547, 0.4009, 0.4355, 0.4693, 0.4896, 0.5058, 0.5266, 0.5486, 0.5667, 0.6026}},
    {9, {0.3125, 0.3687, 0.4093, 0.4397, 0.4712, 0.4927, 0.5184, 0.5464, 0.5648, 0.5800, 0.6085}},
    {10, {0.3091, 0.3756, 0.4126, 0.4415, 0.4770, 0.5050, 0.5287, 0.5551, 0.5724, 0.5875, 0.6251}},
    {12, {0.3154, 0.3813, 0.4160, 0.4503, 0.4900, 0.5147, 0.5368, 0.5661, 0.5864, 0.6048, 0.6429}},
    {15, {0.3237, 0.3857, 0.4262, 0.4596, 0.4986, 0.5261, 0.5507, 0.5801, 0.6008, 0.6196, 0.6622}},
    {20, {0.3281, 0.3952, 0.4349, 0.4704, 0.5117, 0.5399, 0.5661, 0.5982, 0.6191, 0.6387, 0.6835}},
    {30, {0.3367, 0.4053, 0.4466, 0.4833, 0.5267, 0.5565, 0.5838, 0.6188, 0.6413, 0.6630, 0.7107}},
    {50, {0.3454, 0.4158, 0.4586, 0.4967, 0.5421, 0.5732, 0.6020, 0.6385, 0.6647, 0.6883, 0.7410}},
    {70, {0.3503, 0.4218, 0.4653, 0.5039, 0.5499, 0.5819, 0.6114, 0.6472, 0.6723, 0.6970, 0.7511}},
    {100, {0.3549, 0.4273, 0.4715, 0.5109, 0.5580, 0.5910, 0.6214, 0.6596, 0.6870, 0.7129, 0.7668}},
    {150, {0.3591, 0.4323, 0.4771, 0.5175, 0.5652, 0.5983, 0.6288, 0.6685, 0.6946, 0.7212, 0.7760}},
    {200, {0.3618, 0.4357, 0.4809, 0.5209, 0.5692, 0.6029, 0.6343, 0.6732, 0.7002, 0.7267, 0.7851}},
    {300, {0.3648, 0.4392, 0.4846, 0.5255, 0.5746, 0.6088, 0.6410, 0.6806, 0.7097, 0.7374, 0.7964}},
    {500, {0.3679, 0.4430, 0.4889, 0.5301, 0.5796, 0.6140, 0.6462, 0.6864, 0.7141, 0.7422, 0.8014}},
    {1000, {0.3712, 0.4467, 0.4932, 0.5348, 0.5847, 0.6198, 0.6525, 0.6933, 0.7232, 0.7515, 0.8061}},
    {2000, {0.3737, 0.4500, 0.4967, 0.5388, 0.5883, 0.6236, 0.6573, 0.6981, 0.7299, 0.7567, 0.8225}},
    {5000, {0.3759, 0.4523, 0.4999, 0.5425, 0.5939, 0.6280, 0.6601, 0.7038, 0.7332, 0.7639, 0.8239}},
    {10000, {0.3765, 0.4531, 0.5007, 0.5430, 0.5930, 0.6275, 0.6603, 0.7029, 0.7323, 0.7693, 0.8411}},
    {30000, {0.3782, 0.4551, 0.5018, 0.5441, 0.5947, 0.6302, 0.6633, 0.7044, 0.7342, 0.7678, 0.8295}},
};
#define DIP_ROWS (sizeof(dip_table) / sizeof(dip_table[0]))

/*
 * The quantile in column `level` for n values; n at least the first row's. Beyond the last row it is the limit.
 */
static double dip_quantile(size_t n, int level)
{
    size_t row = 0;
    while (row + 1 < DIP_ROWS && dip_table[row + 1].n <= n) {
        row++;
    }
    double here = dip_table[row].quantiles[level];
    if (row + 1 == DIP_ROWS) {
        return here;
    }
    double from = 1.0 / sqrt((double)dip_table[row].n), to = 1.0 / sqrt((double)dip_table[row + 1].n);
    double part = (1.0 / sqrt((double)n) - from) / (to - from);
    return here + part * (dip_table[row + 1].quantiles[level] - here);
}

/* Between two quantiles the logarithm of the chance is linear; below the median, the chance. */
double tare_dip_chance(double dip, size_t n)
{
    if (n < dip_table[0].n || !(dip >= 0.0)) {
        return NAN;
    }
    if (dip * (double)n <= 0.5 + 1e-12) { /* the least there is, but for rounding */
        return 1.0;
    }
    double value = sqrt((double)n) * dip;
    double least = 0.5 / sqrt((double)n), above = dip_quantile(n, 0);
    if (value <= above) {
        return 1.0 - (1.0 - dip_chances[0]) * (value - least) / (above - least);
    }
    for (int level = 1; level < DIP_LEVELS; level++) {
        double below = above;
        above = dip_quantile(n, level);
        if (value <= above) {
            double part = (value - below) / (above - below);
            return dip_chances[level - 1] * pow(dip_chances[level] / dip_chances[level - 1], part);
        }
    }
    return dip_chances[DIP_LEVELS - 1];
}

int tare_dip_of(const double *sorted, size_t n, struct tare_dip *out)
{
    *out = (struct tare_dip){.dip = NAN, .p = NAN};
    if (tare_values_check_sorted(sorted, n) != 0) {
        return -EINVAL;
    }
    if (n == 0) {
        return 0;
    }
    size_t *corners = calloc(n, 2 * sizeof(*corners));
    if (corners == NULL) {
        return -ENOMEM;
    }
    *out = dip_of(sorted, n, corners, corners + n);
    free(corners);
    return 0;
}

/*
 * The median distance of neighbours that differ, between the quartiles, or anywhere if they are equal. 0: none.
 */
static double typical_distance(const double *sorted, size_t n, double *work)
{
    for (int everywhere = 0; everywhere < 2; everywhere++) {
        size_t from = everywhere ? 0 : n / 4, to = everywhere ? n : n - n / 4;
        size_t count = 0;
        for (size_t i = from + 1; i < to; i++) {
            if (sorted[i] > sorted[i - 1]) {
                work[count++] = sorted[i] - sorted[i - 1];
            }
        }
        if (count > 0) {
            return tare_median(work, count);
        }
    }
    return 0.0;
}

static bool any_equal(const double *sorted, size_t n)
{
    for (size_t i = 1; i < n; i++) {
        if (sorted[i] == sorted[i - 1]) {
            return true;
        }
    }
    return false;
}

/* Runs of readings nearer than half a grain, spread evenly over one grain around their mean. */
static void spread(const double *sorted, size_t n, double grain, double *out)
{
    for (size_t from = 0; from < n;) {
        size_t to = from;
        double sum = 0.0; /* of distances, so that equal readings have exactly their mean */
        while (to < n && (to == from || sorted[to] - sorted[from] < grain / 2.0)) {
            sum += sorted[to] - sorted[from];
            to++;
        }
        double count = (double)(to - from);
        double center = sorted[from] + sum / count;
        for (size_t i = from; i < to; i++) {
            out[i] = center + grain * (((double)(i - from) + 0.5) / count - 0.5);
        }
        from = to;
    }
    tare_values_sort(out, n); /* runs less than a grain apart overlap */
}

/* Median of the shortest interval that holds half of the values (the first, if there are several). n > 0. */
static double shortest_half(const double *sorted, size_t n)
{
    size_t half = n / 2 + 1 < n ? n / 2 + 1 : n;
    size_t best = 0;
    for (size_t i = 0; i + half <= n; i++) {
        if (sorted[i + half - 1] - sorted[i] < sorted[best + half - 1] - sorted[best]) {
            best = i;
        }
    }
    return tare_quantile(sorted + best, half, 0.5);
}

/* Behind which index of left ... right - 1 the next value is farthest. */
static size_t widest_gap(const double *x, size_t left, size_t right)
{
    size_t best = left;
    for (size_t i = left; i < right; i++) {
        if (x[i + 1] - x[i] > x[best + 1] - x[best]) {
            best = i;
        }
    }
    return best;
}

struct part {
    size_t from;
    size_t to; /* one behind */
    bool whole;
};

/* Divide x, ascending, until no part dips; returns the number of parts, in ascending order. */
static size_t divide(const double *x, size_t n, double alpha, size_t *corners, struct part *parts,
                     struct tare_modes *out)
{
    size_t count = 1;
    parts[0] = (struct part){.from = 0, .to = n};
    for (size_t i = 0; i < count;) {
        size_t from = parts[i].from, size = parts[i].to - from;
        struct tare_dip dip = dip_of(x + from, size, corners, corners + size);
        if (size == n) {
            out->dip = dip.dip;
            out->p = dip.p;
        }
        bool divides = dip.p <= alpha && dip.left < dip.right;
        if (!divides || count == TARE_MODES_MAX) {
            out->more = out->more || divides;
            i++;
            continue;
        }
        size_t cut = from + widest_gap(x + from, dip.left, dip.right) + 1;
        memmove(&parts[i + 2], &parts[i + 1], (count - i - 1) * sizeof(*parts));
        parts[i + 1] = (struct part){.from = cut, .to = parts[i].to};
        parts[i].to = cut;
        count++;
    }
    return count;
}

int tare_modes_of(const double *sorted, size_t n, double grain, double alpha, struct tare_modes *out)
{
    *out = (struct tare_modes){.dip = NAN, .p = NAN, .grain = NAN};
    if (!(alpha > 0.0001 && alpha < 1.0) || !(grain >= 0.0 && grain <= TARE_VALUE_LIMIT) ||
        tare_values_check_sorted(sorted, n) != 0) {
        return -EINVAL;
    }
    if (n == 0) {
        return 0;
    }
    double *x = calloc(n, 2 * sizeof(*x));
    size_t *corners = calloc(n, 2 * sizeof(*corners));
    int err = -ENOMEM;
    if (x == NULL || corners == NULL) {
        goto out;
    }
    err = 0;
    if (grain == 0.0 && any_equal(sorted, n)) {
        grain = typical_distance(sorted, n, x + n);
    }
    out->grain = grain;
    spread(sorted, n, grain, x);

    struct part parts[TARE_MODES_MAX];
    out->count = divide(x, n, alpha, corners, parts, out);
    for (size_t i = 0; i < out->count; i++) {
        size_t from = parts[i].from, size = parts[i].to - from;
        out->mode[i] = (struct tare_mode){
            .location = shortest_half(sorted + from, size),
            .low = sorted[from],
            .high = sorted[from + size - 1],
            .share = (double)size / (double)n,
        };
    }
out:
    free(x);
    free(corners);
    return err;
}
