/* SPDX-License-Identifier: MIT */
/*
 * How often stats/changepoint.c says that something changed where nothing did, and how soon it finds what changed; and
 * the same of plain ways of doing it, on the same series. Prints the table of docs/changepoints.md.
 *
 *     bench-changepoints [REPETITIONS [SEED]]    (default 20000 1)
 *
 * Of false alarms: what does not look back is looked at when each point has come, the others once, at the end; the last
 * columns have tare when each of the last points, or each point at all, has come. Of what is found: all are looked at when
 * each point behind the change has come, and one of these looks is enough; the last column has tare looked at once, at the
 * end. Found is what rises, and of ours what also says where: its range reaches the points that are higher.
 * Exits 0 if all figures that are promised were reached, 1 if not.
 */
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stats/changepoint.h"
#include "stats/distribution.h"
#include "stats/interval.h"
#include "stats/random.h"

enum { N = 200, MOST = 512, E_PERMUTATIONS = 199, SERIES = 300, NIGHTS_FROM = 30, LOOKS = 8 };

enum noise { GAUSS, LOGNORMAL, SPIKES, AR, BIMODAL, AR_LITTLE, AR_MUCH, MODES_STAY, NOISES };
static const char *const noise_names[NOISES] = {"Gaussian, CV 2 %",      "lognormal, sigma 0.5",
                                                "5 % of values doubled", "AR(1), rho 0.5",
                                                "bimodal, 10 % apart",   "AR(1), rho 0.1",
                                                "AR(1), rho 0.9",        "bimodal, stays 10 points in a mode"};

static double normal(struct tare_random *random)
{
    return tare_random_normal(random);
}

/* n values about 100; whatever dependence there is has lasted for ever. */
static void make(struct tare_random *random, enum noise noise, double *values, size_t n)
{
    double state = normal(random), rho = noise == AR_LITTLE ? 0.1 : noise == AR_MUCH ? 0.9 : 0.5;
    bool high = tare_random_uniform(random) < 0.5;
    for (size_t i = 0; i < n; i++) {
        double z = normal(random);
        switch (noise) {
        case LOGNORMAL:
            values[i] = 100 * exp(0.5 * z);
            break;
        case SPIKES:
            values[i] = (100 + 2 * z) * (tare_random_uniform(random) < 0.05 ? 2 : 1);
            break;
        case AR:
        case AR_LITTLE:
        case AR_MUCH:
            state = rho * state + sqrt(1 - rho * rho) * z;
            values[i] = 100 + 2 * state;
            break;
        case BIMODAL:
            values[i] = (tare_random_uniform(random) < 0.5 ? 100 : 110) + 2 * z;
            break;
        case MODES_STAY:
            high = tare_random_uniform(random) < 0.1 ? !high : high;
            values[i] = (high ? 110 : 100) + 2 * z;
            break;
        default:
            values[i] = 100 + 2 * z;
        }
    }
}

/* Ways of saying that the newest values, or any before, changed; `from`: the first value that did, or SIZE_MAX. */
typedef bool method(struct tare_random *random, const double *values, size_t n, size_t from);

static bool ours(struct tare_random *random, const double *values, size_t n, size_t from)
{
    struct tare_changes changes;
    bool found = false;
    (void)random;
    if (tare_changes_find(values, n, TARE_CHANGE_ALPHA, &changes) != 0) {
        abort();
    }
    for (size_t c = 0; c < changes.count; c++) {
        const struct tare_change *change = &changes.changes[c];
        found = found || from == SIZE_MAX || (change->shift > 0 && change->high >= from);
    }
    tare_changes_release(&changes);
    return found;
}

/*
 * The energy statistic of the best split, of distances |x - y| (D. S. Matteson and N. A. James, Journal of the American
 * Statistical Association 109 (2014), pages 334-345).
 */
static double energy(const double *values, size_t n)
{
    static _Thread_local double before[MOST], after[MOST]; /* sums of distances within both sides */
    double between = 0, best = 0;
    before[0] = before[1] = 0;
    for (size_t i = 1; i < n; i++) {
        double sum = 0;
        for (size_t j = 0; j < i; j++) {
            sum += fabs(values[i] - values[j]);
        }
        before[i + 1] = before[i] + sum;
    }
    after[n - 1] = 0;
    for (size_t i = n - 1; i-- > 0;) {
        double sum = 0;
        for (size_t j = i + 1; j < n; j++) {
            sum += fabs(values[i] - values[j]);
        }
        after[i] = after[i + 1] + sum;
    }
    for (size_t at = TARE_CHANGE_SIDE; at + TARE_CHANGE_SIDE <= n; at++) {
        double m = (double)at, k = (double)(n - at);
        between = before[n] - before[at] - after[at];
        double q = 2 * between / (m * k) - 2 * before[at] / (m * (m - 1)) - 2 * after[at] / (k * (k - 1));
        best = fmax(best, q * m * k / (m + k));
    }
    return best;
}

/* As it is usually set: 199 permutations, at 5 %. */
static bool e_divisive(struct tare_random *random, const double *values, size_t n, size_t from)
{
    (void)from;
    double mixed[MOST], found = energy(values, n);
    int as_large = 1;
    memcpy(mixed, values, n * sizeof(*mixed));
    for (int r = 0; r < E_PERMUTATIONS && as_large <= 10; r++) {
        for (size_t i = n - 1; i > 0; i--) {
            size_t j = tare_random_below(random, i + 1);
            double value = mixed[i];
            mixed[i] = mixed[j];
            mixed[j] = value;
        }
        as_large += energy(mixed, n) >= found;
    }
    return as_large <= (E_PERMUTATIONS + 1) / 20;
}

/* The split with the largest t, at the p of one test. */
static bool student(const double *values, size_t n, double alpha)
{
    double sum = 0, squares = 0, left = 0, left_squares = 0, best = 0;
    for (size_t i = 0; i < n; i++) {
        sum += values[i];
        squares += values[i] * values[i];
    }
    for (size_t i = 1; i + TARE_CHANGE_SIDE <= n; i++) {
        left += values[i - 1];
        left_squares += values[i - 1] * values[i - 1];
        if (i >= TARE_CHANGE_SIDE) {
            double m = (double)i, k = (double)(n - i), right = sum - left;
            double rest = left_squares - left * left / m + squares - left_squares - right * right / k;
            double t = (right / k - left / m) / sqrt(rest / (m + k - 2) * (1 / m + 1 / k));
            best = fmax(best, fabs(t));
        }
    }
    return 2 * tare_student_cdf(-best, (double)n - 2) < alpha;
}

static bool student_1000(struct tare_random *random, const double *values, size_t n, size_t from)
{
    (void)from;
    (void)random;
    return student(values, n, 0.001);
}

static bool ten_percent(struct tare_random *random, const double *values, size_t n, size_t from)
{
    (void)from;
    (void)random;
    return values[n - 1] > 1.1 * values[n - 2];
}

static const struct {
    const char *name;
    method *says;
    size_t part;     /* of the repetitions: one in so many, as it is slow */
    bool looks_back; /* a look at the end sees all changes before */
} methods[] = {
    {"tare", ours, 1, true},
    {"E-divisive, 5 %", e_divisive, 20, true},
    {"t at every split, p < 0.001", student_1000, 1, true},
    {"10 % over the last, at every point", ten_percent, 1, false},
};
enum { METHODS = sizeof(methods) / sizeof(methods[0]) };

struct rate {
    uint64_t found, of;
};

static struct tare_interval interval_of(struct rate rate)
{
    struct tare_interval interval;
    if (tare_proportion_exact(rate.found, rate.of, 0.99, &interval) != 0) {
        abort();
    }
    return interval;
}

static void show(struct rate rate)
{
    struct tare_interval interval = interval_of(rate);
    char text[64];
    snprintf(text, sizeof(text), "%.2f (%.2f-%.2f)", 100 * (double)rate.found / (double)rate.of,
             100 * interval.low, 100 * interval.high);
    printf(" %-19s |", text);
    fflush(stdout);
}

/* Of series without a change: looked at once, or, of what does not look back, at each point. */
static struct rate false_alarms(size_t m, enum noise noise, size_t repetitions, uint64_t seed)
{
    struct tare_random random;
    struct rate rate = {0, repetitions / methods[m].part};
    double values[N];
    tare_random_seed(&random, seed + noise);
    for (uint64_t r = 0; r < rate.of; r++) {
        bool alarm = false;
        make(&random, noise, values, N);
        for (size_t n = methods[m].looks_back ? N : 2; n <= N; n++) {
            alarm = alarm || methods[m].says(&random, values, n, SIZE_MAX);
        }
        rate.found += alarm;
    }
    return rate;
}

/* The same, looked at whenever one of the points from the `first` on has come. */
static struct rate any_look(enum noise noise, size_t first, size_t repetitions, uint64_t seed)
{
    struct tare_random random;
    struct rate rate = {0, repetitions};
    double values[N];
    tare_random_seed(&random, seed + 100 + noise);
    for (uint64_t r = 0; r < rate.of; r++) {
        bool alarm = false;
        make(&random, noise, values, N);
        for (size_t n = first; n <= N && !alarm; n++) {
            alarm = ours(&random, values, n, SIZE_MAX);
        }
        rate.found += alarm;
    }
    return rate;
}

/*
 * Projects of many series without a change, looked at each night, all series judged together: nights with an alarm for
 * a change for the worse (up), which is what fails a gate.
 */
static struct rate nights(size_t projects, uint64_t seed)
{
    static double values[SERIES][N];
    double p[SERIES], adjusted[SERIES];
    bool up[SERIES];
    struct tare_random random;
    struct rate rate = {0, 0};
    tare_random_seed(&random, seed + 5000);
    for (size_t project = 0; project < projects; project++) {
        for (size_t s = 0; s < SERIES; s++) {
            make(&random, (enum noise)(s % (BIMODAL + 1)), values[s], N);
        }
        for (size_t n = NIGHTS_FROM; n <= N; n++) {
            bool alarm = false;
            for (size_t s = 0; s < SERIES; s++) {
                struct tare_changes changes;
                if (tare_changes_find(values[s], n, TARE_CHANGE_ALPHA, &changes) != 0) {
                    abort();
                }
                p[s] = changes.p;
                up[s] = changes.count > 0 && changes.changes[changes.count - 1].shift > 0;
                tare_changes_release(&changes);
            }
            if (tare_benjamini_hochberg(p, SERIES, adjusted) != 0) {
                abort();
            }
            for (size_t s = 0; s < SERIES; s++) {
                alarm = alarm || (up[s] && adjusted[s] <= TARE_CHANGE_ALPHA);
            }
            rate.found += alarm;
            rate.of++;
        }
    }
    return rate;
}

struct step {
    const char *name;
    double size;
    size_t behind, before;
    bool drift;
    double promised; /* 0: nothing is */
};
static const struct step steps[] = {
    {"step of 5 %, within 5 points", 0.05, 5, N, false, 0.95},
    {"step of 3 %, within 8 points", 0.03, 8, N, false, 0.90},
    {"drift of 10 % over 100 points", 0.10, 100, 100, true, 0.95},
    {"step of 5 %, within 5, 30 points before", 0.05, 5, 30, false, 0},
    {"step of 2 %, within 20 points", 0.02, 20, N, false, 0},
    {"step of 1 %, within 50 points", 0.01, 50, N, false, 0},
};
enum { STEPS = sizeof(steps) / sizeof(steps[0]) };

/* Looked at when each point has come, from the change on, or once, at the end; before, there is no alarm to count. */
static struct rate finds(size_t m, const struct step *step, bool once, size_t repetitions, uint64_t seed)
{
    struct tare_random random;
    struct rate rate = {0, repetitions / methods[m].part};
    double values[MOST];
    tare_random_seed(&random, seed + 1000);
    for (uint64_t r = 0; r < rate.of; r++) {
        bool found = false;
        make(&random, GAUSS, values, step->before + step->behind);
        for (size_t i = 0; i < step->behind; i++) {
            double part = step->drift ? (double)(i + 1) / (double)step->behind : 1;
            values[step->before + i] *= 1 + step->size * part;
        }
        for (size_t k = once || step->drift ? step->behind : 1; k <= step->behind && !found; k++) {
            found = methods[m].says(&random, values, step->before + k, step->before);
        }
        rate.found += found;
    }
    return rate;
}

/* `more`: columns behind those of the methods. */
static void heads(const char *first, const char *const *more, size_t count)
{
    printf("| %-40s |", first);
    for (size_t m = 0; m < METHODS + count; m++) {
        printf(" %-19s |", m < METHODS ? methods[m].name : more[m - METHODS]);
    }
    printf("\n|");
    for (size_t c = 0; c < 1 + METHODS + count; c++) {
        printf(" --- |");
    }
    printf("\n");
}

int main(int argc, char **argv)
{
    size_t repetitions = argc > 1 ? strtoul(argv[1], NULL, 10) : 20000;
    uint64_t seed = argc > 2 ? strtoul(argv[2], NULL, 10) : 1;
    bool missed = false;
    const char *const looks[] = {"tare, at each of the last 8 points", "tare, at every point"};
    const char *const once[] = {"tare, one look at the end"};
    if (repetitions < 1000) {
        fprintf(stderr, "bench-changepoints: give at least 1000 repetitions\n");
        return 2;
    }
    printf("False alarms: share of series of %d points without a change, %% (99 %% interval)\n\n", N);
    heads("noise", looks, 2);
    for (int noise = 0; noise < NOISES; noise++) {
        printf("| %-40s |", noise_names[noise]);
        for (size_t m = 0; m < METHODS; m++) {
            struct rate rate = false_alarms(m, noise, repetitions, seed);
            show(rate);
            missed = missed || (m == 0 && noise <= BIMODAL && (double)rate.found > 0.01 * (double)rate.of);
        }
        show(any_look(noise, N - LOOKS + 1, repetitions / 4, seed));
        show(any_look(noise, TARE_CHANGE_FEWEST, repetitions / 20, seed));
        printf("\n");
    }
    printf("\nFound by any of the looks (last column: by the last one), of series with CV 2 %% (Gaussian): "
           "share, %% (99 %% interval)\n\n");
    heads("what happened", once, 1);
    for (size_t s = 0; s < STEPS; s++) {
        printf("| %-40s |", steps[s].name);
        for (size_t m = 0; m < METHODS; m++) {
            struct rate rate = finds(m, &steps[s], false, repetitions / 2, seed);
            show(rate);
            missed = missed || (m == 0 && (double)rate.found < steps[s].promised * (double)rate.of);
        }
        show(finds(0, &steps[s], true, repetitions / 2, seed));
        printf("\n");
    }
    struct rate rate = nights(repetitions / 1000, seed);
    printf("\nNights on which a project of %d series without a change fails, of all five kinds of noise above, "
           "%% of %llu "
           "nights: %.2f\n",
           SERIES, (unsigned long long)rate.of, 100 * (double)rate.found / (double)rate.of);
    printf("\n%s\n",
           missed ? "MISSED: a figure that is promised" : "all figures that are promised were reached");
    return missed;
}
