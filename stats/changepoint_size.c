/* SPDX-License-Identifier: MIT */
/*
 * How large changes are that changepoint.c found, what kind they are, and what the newest values say alone.
 *
 * Step or drift. Changes in one direction that follow each other are compared with one line between two levels:
 * the squares of what each leaves of the values, kept from single outliers by moving these to 4 scatters (P. J. Huber,
 * "Robust Statistics", 1981, section 1.5), by the information criterion of G. Schwarz (Annals of Statistics 6 (1978),
 * pages 461-464).
 *
 * Size. The median of all differences between a value behind and one before, and the interval of it that the test of
 * Wilcoxon, Mann and Whitney does not refuse (J. L. Hodges and E. L. Lehmann, Annals of Mathematical Statistics 34
 * (1963), pages 598-611), its standard deviation widened by (1 + r) / (1 - r) for an autocorrelation r. Of a drift it
 * is the least squares of the line's height. That a change was found at all makes it look a little larger than it
 * is, as it does everywhere; nothing is taken off for that.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "stats/changepoint_parts.h"
#include "stats/quantile.h"
#include "stats/values.h"

enum {
    DRIFT_LENGTH = 8, /* values that a drift takes, at least */
    KNOTS = 24,       /* places in a stretch that a line's ends are tried at */
    SUSPECT_FROM = 7, /* values of the level, at least, that the newest ones are off from */
};
static const double SCALE = 1.4826; /* MAD to standard deviation, of normal values */
static const double Z95 = 1.959963984540054;
static const double DRIFT_BETTER = 6; /* difference of the criterion that is called strong */
static const double SUSPECT_SCATTERS = 3.5, SUSPECT_CHANCE = 0.02;

/* Of values that may be in any order; uses `room` for n. */
static double median_of(const double *values, size_t n, double *room)
{
    memcpy(room, values, n * sizeof(*room));
    return tare_median(room, n);
}

/* Where the level begins that is in force at the newest value, and so for each change: behind it. */
static size_t begins_behind(const struct tare_change *change)
{
    return change->kind == TARE_CHANGE_DRIFT ? change->high : change->at;
}
static size_t ends_before(const struct tare_change *change)
{
    return change->kind == TARE_CHANGE_DRIFT ? change->low : change->at;
}

static double at_line(const struct tare_change *drift, size_t i)
{
    double length = (double)(drift->high - drift->low);
    double part = length > 0 ? ((double)i - (double)drift->low + 1) / (length + 1) : 1;
    return drift->before + fmax(0, fmin(part, 1)) * (drift->after - drift->before);
}

/* What is left of the values without the changes, into `left`. */
static void take_off(const double *values, size_t n, const struct tare_changes *changes, double *left,
                     double *room)
{
    size_t from = 0;
    for (size_t c = 0; c <= changes->count; c++) {
        const struct tare_change *next = c < changes->count ? &changes->changes[c] : NULL;
        size_t to = next != NULL ? ends_before(next) : n;
        double level = to > from ? median_of(values + from, to - from, room) : 0;
        for (size_t i = from; i < to; i++) {
            left[i] = values[i] - level;
        }
        if (next != NULL) {
            size_t end = begins_behind(next);
            for (size_t i = to; i < end; i++) {
                left[i] = values[i] - at_line(next, i);
            }
            from = end;
        }
    }
}

static double scatter_of(const double *left, size_t n, double *room)
{
    memcpy(room, left, n * sizeof(*room));
    return SCALE * tare_mad(room, n, 0);
}

/* A flat line, one from `before` to `after` between the values a and b, and a flat one. */
struct ramp {
    size_t a, b;
    double before, after, squares,
        information; /* the last: of the height, sum of squares of what it explains */
};

/* Sums over the first values of y, and of y times the index, from which any line is fitted in no time. */
struct sums {
    double *y, *iy; /* n + 1 each */
    double squares;
};

/* Least squares of both levels for the line between given ends. */
static void fit(const struct sums *sums, size_t n, struct ramp *ramp)
{
    double length = (double)(ramp->b - ramp->a), rest = (double)(n - ramp->b), part = 1 / (length + 1);
    double sr = length / 2 + rest;
    double srr = length * (2 * length + 1) / 6 * part + rest;
    double within =
        sums->iy[ramp->b] - sums->iy[ramp->a] - ((double)ramp->a - 1) * (sums->y[ramp->b] - sums->y[ramp->a]);
    double sry = within * part + sums->y[n] - sums->y[ramp->b];
    double spread = srr - sr * sr / (double)n;
    double height = spread > 0 ? (sry - sr * sums->y[n] / (double)n) / spread : 0;
    ramp->before = (sums->y[n] - height * sr) / (double)n;
    ramp->after = ramp->before + height;
    ramp->information = spread;
    ramp->squares = fmax(sums->squares - sums->y[n] * sums->y[n] / (double)n - height * height * spread, 0);
}

/* `room`: for 2 (n + 1) values. Values count from their first one, so that what they have in common takes no digits. */
static struct ramp best_ramp(const double *y, size_t n, double *room)
{
    struct ramp best = {.squares = INFINITY};
    struct sums sums = {.y = room, .iy = room + n + 1};
    size_t step = n / KNOTS + 1;
    sums.y[0] = sums.iy[0] = 0;
    for (size_t i = 0; i < n; i++) {
        double value = y[i] - y[0];
        sums.y[i + 1] = sums.y[i] + value;
        sums.iy[i + 1] = sums.iy[i] + (double)i * value;
        sums.squares += value * value;
    }
    for (size_t a = 0; a + DRIFT_LENGTH <= n; a += step) {
        for (size_t b = a + DRIFT_LENGTH; b <= n; b = b < n && b + step > n ? n : b + step) {
            struct ramp ramp = {.a = a, .b = b};
            fit(&sums, n, &ramp);
            best = ramp.squares < best.squares ? ramp : best;
        }
    }
    best.before += y[0];
    best.after += y[0];
    return best;
}

/*
 * One drift in the place of the changes first ... last, if a line describes their stretch better. `room`: 3 n + 2; n for
 * the stretch, moved in to 4 scatters of the steps' levels.
 */
static bool is_drift(const double *values, size_t n, const struct tare_changes *changes, size_t first,
                     size_t last, double scatter, double dependence, double *room, struct tare_change *drift)
{
    size_t from = first > 0 ? begins_behind(&changes->changes[first - 1]) : 0;
    size_t to = last + 1 < changes->count ? ends_before(&changes->changes[last + 1]) : n;
    size_t count = to - from;
    if (count < 2 * DRIFT_LENGTH || !(scatter > 0)) {
        return false;
    }
    double squares = 0;
    size_t begin = from;
    for (size_t c = first; c <= last + 1; c++) {
        size_t end = c <= last ? changes->changes[c].at : to;
        double level = median_of(values + begin, end - begin, room + count), mean = 0;
        for (size_t i = begin; i < end; i++) {
            double off = fmax(-4 * scatter, fmin(values[i] - level, 4 * scatter));
            room[i - from] = level + off;
            mean += room[i - from];
        }
        mean /= (double)(end - begin);
        for (size_t i = begin; i < end; i++) {
            squares += (room[i - from] - mean) * (room[i - from] - mean);
        }
        begin = end;
    }
    struct ramp ramp = best_ramp(room, count, room + count);
    double steps = 2 * (double)(last - first + 1) + 1, line = 4;        /* parameters: levels and places */
    double worth = (double)count * (1 - dependence) / (1 + dependence); /* independent values */
    double gain = worth * log(fmax(squares, 1e-300) / fmax(ramp.squares, 1e-300)) + (steps - line) * log(worth);
    if (!(gain > DRIFT_BETTER)) {
        return false;
    }
    double error = sqrt(ramp.squares / fmax((double)count - 4, 1) / ramp.information * (1 + dependence) /
                        (1 - dependence));
    *drift = changes->changes[first];
    for (size_t c = first; c <= last; c++) {
        drift->p = fmin(drift->p, changes->changes[c].p);
    }
    drift->kind = TARE_CHANGE_DRIFT;
    drift->low = from + ramp.a;
    drift->high = from + ramp.b;
    drift->at = from + (ramp.a + ramp.b) / 2;
    drift->before = ramp.before;
    drift->after = ramp.after;
    drift->shift = ramp.after - ramp.before;
    drift->shift_low = drift->shift - Z95 * error;
    drift->shift_high = drift->shift + Z95 * error;
    bool positive = ramp.before > 0 && ramp.after > 0;
    drift->ratio = positive ? ramp.after / ramp.before : NAN;
    drift->ratio_low = positive ? fmax(drift->shift_low / ramp.before + 1, 0) : NAN;
    drift->ratio_high = positive ? drift->shift_high / ramp.before + 1 : NAN;
    return true;
}

/* Runs of changes in one direction are one drift each, if they are. */
static void find_drifts(const double *values, size_t n, struct tare_changes *out, double scatter,
                        double dependence, double *room)
{
    for (size_t first = 0; first < out->count; first++) {
        size_t last = first;
        while (last + 1 < out->count && out->changes[last + 1].kind == TARE_CHANGE_STEP &&
               (out->changes[last + 1].shift > 0) == (out->changes[first].shift > 0)) {
            last++;
        }
        for (;; last = first + (last - first) / 2) { /* all of them, else the first half, and so on */
            struct tare_change drift;
            if (is_drift(values, n, out, first, last, scatter, dependence, room, &drift)) {
                out->changes[first] = drift;
                memmove(&out->changes[first + 1], &out->changes[last + 1],
                        (out->count - last - 1) * sizeof(drift));
                out->count -= last - first;
                break;
            }
            if (last == first) {
                break;
            }
        }
    }
}

/* The estimate and its interval, of differences of `after` and `before`. */
static void estimate(const double *before, size_t m, const double *after, size_t k, double widening,
                     double *pairs, double *middle, double *low, double *high)
{
    for (size_t i = 0; i < m; i++) {
        for (size_t j = 0; j < k; j++) {
            pairs[i * k + j] = after[j] - before[i];
        }
    }
    size_t count = m * k;
    tare_values_sort(pairs, count);
    *middle = count % 2 == 1 ? pairs[count / 2] : (pairs[count / 2 - 1] + pairs[count / 2]) / 2;
    double scatter = sqrt((double)count * (double)(m + k + 1) / 12 * widening);
    double outside = floor((double)count / 2 - Z95 * scatter - 0.5);
    bool known = outside >= 0;
    *low = known ? pairs[(size_t)outside] : NAN;
    *high = known ? pairs[count - 1 - (size_t)outside] : NAN;
}

/* The size of a step between the levels beside it. */
static void size_step(const double *values, size_t from, size_t to, struct tare_change *change,
                      double dependence, struct tare__change_work *work)
{
    size_t m = change->at - from, k = to - change->at;
    const double *before = values + from, *after = values + change->at;
    if (m > TARE__CHANGE_NEAR) {
        before += m - TARE__CHANGE_NEAR;
        m = TARE__CHANGE_NEAR;
    }
    k = k > TARE__CHANGE_NEAR ? TARE__CHANGE_NEAR : k;
    change->before = median_of(values + from, change->at - from, work->residuals);
    change->after = median_of(values + change->at, to - change->at, work->residuals);
    double widening = (1 + dependence) / (1 - dependence);
    estimate(before, m, after, k, widening, work->pairs, &change->shift, &change->shift_low,
             &change->shift_high);
    bool positive = true;
    for (size_t i = 0; i < m + k; i++) {
        double value = i < m ? before[i] : after[i - m];
        positive = positive && value > 0;
        work->near[i] = positive ? log(value) : 0;
    }
    change->ratio = change->ratio_low = change->ratio_high = NAN;
    if (positive) {
        double middle, low, high;
        estimate(work->near, m, work->near + m, k, widening, work->pairs, &middle, &low, &high);
        change->ratio = exp(middle);
        change->ratio_low = exp(low);
        change->ratio_high = exp(high);
    }
}

/*
 * Where the step is, and where else it could have been: places at which the likelihood is not less than 3.68 below the best in its
 * logarithm, for normal values moved in to 4 scatters of the nearer level; of steps that are small against the scatter it
 * holds the place in 95 % (B. E. Hansen, "Sample Splitting and Threshold Estimation", Econometrica 68 (2000), pages
 * 575-603, table I), of larger ones more often.
 */
static void place(const double *values, size_t from, size_t to, double scatter, double widening,
                  struct tare_change *change, double *moved)
{
    size_t n = to - from;
    double all = 0, left = 0, best = -1;
    size_t found = change->at - from,
           reach = found < n - found ? found : n - found; /* it is not far from there */
    reach = reach > 2 * TARE_CHANGE_SIDE ? reach : 2 * TARE_CHANGE_SIDE;
    if (!(scatter > 0)) {
        change->low = change->high = change->at;
        return;
    }
    for (size_t i = 0; i < n; i++) {
        double value = values[from + i];
        double level =
            fabs(value - change->before) < fabs(value - change->after) ? change->before : change->after;
        moved[i] = (fmax(-4 * scatter, fmin(values[from + i] - level, 4 * scatter)) + level - change->before) /
                   scatter;
        all += moved[i];
    }
    for (int pass = 0; pass < 2; pass++) { /* the best, then those that are nearly as good */
        left = 0;
        for (size_t i = 1; i < n; i++) {
            left += moved[i - 1];
            double off = left - all * (double)i / (double)n;
            double gain = off * off * (double)n / ((double)i * (double)(n - i)) / (2 * widening);
            bool near = i + reach >= found && i <= found + reach;
            if (pass == 0 && near && gain > best && i >= TARE_CHANGE_SIDE && i + TARE_CHANGE_SIDE <= n) {
                best = gain;
                change->at = change->low = change->high = from + i;
            } else if (pass == 1 && near && best - gain <= 3.68) {
                change->low = from + i < change->low ? from + i : change->low;
                change->high = from + i > change->high ? from + i : change->high;
            }
        }
    }
}

/* Lag-1 autocorrelation of what is left, by normal scores. */
static double dependence_of(const double *left, size_t n, struct tare__change_work *work)
{
    tare__change_scores(left, n, work);
    double mean = 0, squares = 0, products = 0;
    for (size_t i = 0; i < n; i++) {
        mean += work->scores[i] / (double)n;
    }
    for (size_t i = 0; i < n; i++) {
        squares += (work->scores[i] - mean) * (work->scores[i] - mean);
        products += i + 1 < n ? (work->scores[i] - mean) * (work->scores[i + 1] - mean) : 0;
    }
    double r = squares > 0 ? products / squares : 0;
    return fmax(-0.95, fmin(r + (1 + 4 * r) / (double)n, 0.95));
}

int tare__change_sizes(const double *values, size_t n, struct tare_changes *out, struct tare__change_work *work)
{
    /* For find_drifts() 3 n + 2, for what is left of the values n, and n to spare. */
    double *room = malloc((5 * n + 2) * sizeof(*room)), *left = room != NULL ? room + 3 * n + 2 : NULL;
    double *spare = room != NULL ? room + 4 * n + 2 : NULL;
    if (room == NULL) {
        return -ENOMEM;
    }
    take_off(values, n, out, left, spare);
    out->scatter = scatter_of(left, n, spare);
    out->autocorrelation = n >= TARE_CHANGE_FEWEST ? dependence_of(left, n, work) : NAN;
    double dependence = n >= TARE_CHANGE_FEWEST ? fmax(out->autocorrelation, 0) : 0;
    for (size_t c = 0; c < out->count; c++) {
        size_t from = c > 0 ? out->changes[c - 1].at : 0, to = c + 1 < out->count ? out->changes[c + 1].at : n;
        struct tare_change *change = &out->changes[c];
        size_step(values, from, to, change, dependence, work);
        place(values, from, to, out->scatter, (1 + dependence) / (1 - dependence), change, spare);
        size_step(values, from, to, change, dependence, work);
        change->from = from;
        change->to = to;
    }
    if (out->count > 0) {
        find_drifts(values, n, out, out->scatter, dependence, room);
        take_off(values, n, out, left, spare);
        out->scatter = scatter_of(left, n, spare);
        out->autocorrelation = dependence_of(left, n, work);
        dependence = fmax(out->autocorrelation, 0);
    }
    size_t from = out->count > 0 ? begins_behind(&out->changes[out->count - 1]) : 0;
    out->level_from = from + TARE_CHANGE_SIDE <= n ? from : n > TARE_CHANGE_SIDE ? n - TARE_CHANGE_SIDE : 0;
    out->level = median_of(values + out->level_from, n - out->level_from, spare);
    if (out->level > 0) {
        out->spread = out->scatter / out->level;
    }
    if (n >= TARE_CHANGE_FEWEST && out->level > 0) {
        /* Found in 4 of 5 simulated series (docs/changepoints.md); 5 values of which the others are a sample. */
        double needed = (3.75 + 16 / (double)n) * sqrt((1 + dependence) / (1 - dependence));
        out->smallest = needed * out->spread * sqrt(1.0 / 5 + 1 / (double)n);
    }
    free(room);
    return 0;
}

/* The newest `count` values: whether all are on one side of the level, further out than it scatters. */
static bool suspect(const double *values, size_t n, size_t count, size_t from, double scatter, double *room,
                    struct tare_suspicion *out)
{
    size_t before = n - count - from;
    double level = median_of(values + from, before, room);
    double nearest = INFINITY;
    bool above = values[n - 1] > level;
    for (size_t i = n - count; i < n; i++) {
        nearest =
            (values[i] > level) == above && values[i] != level ? fmin(nearest, fabs(values[i] - level)) : 0;
        if (nearest == 0) {
            return false;
        }
    }
    size_t out_there = 0;
    for (size_t i = from; i < n - count; i++) {
        out_there += fabs(values[i] - level) >= nearest && (values[i] > level) == above;
    }
    double p = (double)(out_there + 1) / (double)(before + 1);
    if (nearest <= SUSPECT_SCATTERS * scatter || p > fmax(SUSPECT_CHANCE, 1.0 / (double)(before + 1))) {
        return false;
    }
    double newest = median_of(values + n - count, count, room);
    *out = (struct tare_suspicion){.count = count,
                                   .level = level,
                                   .shift = newest - level,
                                   .ratio = level > 0 ? newest / level : NAN,
                                   .p = p};
    return true;
}

int tare_changes_suspect(const double *values, size_t n, const struct tare_changes *changes,
                         struct tare_suspicion *out)
{
    *out = (struct tare_suspicion){.level = NAN, .shift = NAN, .ratio = NAN, .p = NAN};
    if (tare_values_check(values, n) != 0 || changes->level_from > n) {
        return -EINVAL;
    }
    double *room = malloc((n + 1) * sizeof(*room));
    if (room == NULL) {
        return -ENOMEM;
    }
    for (size_t count = TARE_CHANGE_SIDE - 1; count >= 1; count--) {
        if (n >= changes->level_from + SUSPECT_FROM + count &&
            suspect(values, n, count, changes->level_from, changes->scatter, room, out)) {
            break;
        }
    }
    free(room);
    return 0;
}

struct indexed {
    double p;
    size_t at;
};

static int by_p(const void *a, const void *b)
{
    double x = ((const struct indexed *)a)->p, y = ((const struct indexed *)b)->p;
    return (x > y) - (x < y);
}

int tare_benjamini_hochberg(const double *p, size_t m, double *adjusted)
{
    struct indexed *sorted = calloc(m > 0 ? m : 1, sizeof(*sorted));
    if (sorted == NULL) {
        return -ENOMEM;
    }
    size_t count = 0;
    for (size_t i = 0; i < m; i++) {
        if (p[i] < 0 || p[i] > 1) {
            free(sorted);
            return -EINVAL;
        }
        adjusted[i] = NAN;
        if (!isnan(p[i])) {
            sorted[count++] = (struct indexed){p[i], i};
        }
    }
    qsort(sorted, count, sizeof(*sorted), by_p);
    double least = 1;
    for (size_t i = count; i-- > 0;) {
        least = fmin(least, sorted[i].p * (double)count / (double)(i + 1));
        adjusted[sorted[i].at] = least;
    }
    free(sorted);
    return 0;
}
