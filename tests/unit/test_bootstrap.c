/* SPDX-License-Identifier: MIT */
/*
 * The bootstrap against SciPy 1.10.1: z0, acceleration and ends exactly for given resamples, and ends within
 * the error of resampling for own ones; and coverage against chance. Seeds are fixed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "near.h"
#include "stats/bootstrap.h"
#include "stats/distribution.h"
#include "stats/moments.h"
#include "stats/quantile.h"
#include "stats/random.h"
#include "stats/values.h"

static const double ten[] = {2.3, 2.6, 3.1, 4.1, 5.3, 5.8, 5.9, 8.4, 9.3, 9.7};
static const double readings[] = {41.2, 40.9, 41.0, 41.7, 40.8, 43.5, 41.1, 40.9, 52.3, 41.3, 41.0, 42.2,
                                  40.7, 41.5, 41.1, 47.9, 41.4, 40.9, 41.8, 41.2, 60.4, 41.0, 42.6, 41.3};

/* numpy.array([((i * 7919) % 997) / 10 for i in range(1, 61)]) */
static void fill_sixty(double *values)
{
    for (int i = 1; i <= 60; i++) {
        values[i - 1] = (double)((i * 7919) % 997) / 10.0;
    }
}

static double mean_of(double *values, size_t n, void *context)
{
    struct tare_moments moments;
    (void)context;
    tare_moments_of(values, n, &moments);
    return moments.mean;
}

static double sd_of(double *values, size_t n, void *context)
{
    struct tare_moments moments;
    (void)context;
    tare_moments_of(values, n, &moments);
    return tare_moments_sd(&moments);
}

static double quantile_of(double *values, size_t n, void *context)
{
    tare_values_sort(values, n);
    return tare_quantile(values, n, *(double *)context);
}

static void leave_one_out(const double *values, size_t n, tare_statistic *statistic, void *context, double *out)
{
    double rest[64];
    for (size_t i = 0; i < n; i++) {
        memcpy(rest, values, i * sizeof(double));
        memcpy(rest + i, values + i + 1, (n - i - 1) * sizeof(double));
        out[i] = statistic(rest, n - 1, context);
    }
}

static void assert_unknown(const struct tare_bca *bca)
{
    assert_true(isnan(bca->estimate) && isnan(bca->low) && isnan(bca->high) && isnan(bca->standard_error) &&
                isnan(bca->z0) && isnan(bca->acceleration));
}

/*
 * With `fixed` as its resamples' statistics and `f` numpy.median or numpy.mean: a1, a2, a =
 * scipy.stats._resampling._bca_interval((readings,), f, -1, 0.025, fixed, None); numpy.percentile(fixed, [100 *
 * a1, 100 * a2]); scipy.special.ndtri(scipy.stats._resampling._percentile_of_score(fixed, f(readings), -1));
 * numpy.std(fixed, ddof=1)
 */
static void given_resamples_make_scipys_interval(void **state)
{
    (void)state;
    double medians[] = {41.0,  41.2,  41.15, 41.3,  41.2, 41.1, 41.25, 41.4, 41.2, 41.1,
                        41.05, 41.35, 41.2,  41.15, 41.3, 41.2, 41.5,  41.1, 41.2, 41.25};
    double left_out[COUNT(readings)], half = 0.5;
    struct tare_bca bca;
    leave_one_out(readings, COUNT(readings), quantile_of, &half, left_out);
    assert_int_equal(tare_bca_interval(medians, COUNT(medians), 41.25, left_out, COUNT(left_out), 0.95, &bca),
                     0);
    assert_near(bca.z0, 0.52440051270804067, 1e-13); /* 14 resamples below, 2 equal, of 20 */
    assert_near(bca.acceleration, 0.0, 1e-13);
    assert_near(bca.low, 41.1, 1e-12);
    assert_near(bca.high, 41.497508036770526, 1e-12);
    assert_close(bca.standard_error, 0.11986834883584371, 1e-12);
    assert_true(bca.estimate == 41.25);

    double means[] = {42.9, 43.4, 42.1, 44.0, 42.6, 43.1, 45.2, 42.4, 43.9, 42.8,
                      41.9, 43.3, 44.6, 42.7, 43.0, 42.3, 43.6, 42.5, 44.3, 43.2};
    leave_one_out(readings, COUNT(readings), mean_of, NULL, left_out);
    assert_int_equal(
        tare_bca_interval(means, COUNT(means), 42.904166666666661, left_out, COUNT(left_out), 0.95, &bca), 0);
    assert_close(bca.z0, -0.12566134685507402, 1e-12);
    assert_close(bca.acceleration, 0.099317542569388823, 1e-12);
    assert_close(bca.low, 42.021266619274087, 1e-12);
    assert_close(bca.high, 45.004840578810636, 1e-12);
    assert_close(bca.standard_error, 0.86626846452562245, 1e-12);
}

/*
 * scipy.stats.bootstrap((x,), f, n_resamples=100000, method='BCa', random_state=s) for s = 0, 1, 2 gives ends
 * that differ by what is allowed here as `end`, at most; the middle one is given. Ours are from 20000
 * resamples, whose ends scatter by some 2 % of a standard error.
 */
static void intervals_are_scipys_within_resampling(void **state)
{
    (void)state;
    double sixty[60], three_quarters = 0.75, half = 0.5;
    fill_sixty(sixty);
    const struct {
        const double *values;
        size_t n;
        tare_statistic *statistic;
        void *context;
        double low, high, end, standard_error;
    } cases[] = {
        {ten, COUNT(ten), mean_of, NULL, 4.15, 7.36, 0.08, 0.820},
        {ten, COUNT(ten), sd_of, NULL, 2.0335, 3.4591, 0.05, 0.4188},
        {ten, COUNT(ten), quantile_of, &half, 3.1, 8.4, 1e-9, 1.2499},
        {ten, COUNT(ten), quantile_of, &three_quarters, 5.3, 9.6, 0.1 + 1e-9, 1.5157}, /* 9.7 is next to 9.6 */
        {readings, COUNT(readings), mean_of, NULL, 41.6708, 45.8333, 0.25, 0.9079},
        {readings, COUNT(readings), quantile_of, &half, 41.0, 41.7, 1e-9, 0.1613},
        {sixty, COUNT(sixty), mean_of, NULL, 46.4817, 60.8667, 0.3, 3.675},
        {sixty, COUNT(sixty), sd_of, NULL, 25.5925, 32.2755, 0.15, 1.724},
        {sixty, COUNT(sixty), quantile_of, &half, 42.7, 66.9, 1.4,
         5.960}, /* the values next to 66.9 are 66.5, 68.2 */
        {sixty, COUNT(sixty), quantile_of, &three_quarters, 68.3, 86.1, 1.0, 4.755},
    };
    const struct tare_bootstrap options = {.confidence = 0.95, .resamples = 20000, .seed = 1};
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct tare_bca bca;
        assert_int_equal(tare_bootstrap_statistic(cases[i].values, cases[i].n, cases[i].statistic,
                                                  cases[i].context, &options, &bca),
                         0);
        assert_near(bca.low, cases[i].low, cases[i].end);
        assert_near(bca.high, cases[i].high, cases[i].end);
        assert_close(bca.standard_error, cases[i].standard_error, 0.025);
        if (cases[i].statistic == quantile_of) { /* the same without resampling */
            double sorted[60];
            memcpy(sorted, cases[i].values, cases[i].n * sizeof(double));
            tare_values_sort(sorted, cases[i].n);
            struct tare_bca drawn;
            assert_int_equal(
                tare_bootstrap_quantile(sorted, cases[i].n, *(double *)cases[i].context, &options, &drawn), 0);
            assert_true(drawn.estimate == bca.estimate);
            assert_near(drawn.low, cases[i].low, cases[i].end);
            assert_near(drawn.high, cases[i].high, cases[i].end);
            assert_close(drawn.standard_error, cases[i].standard_error, 0.025);
            assert_near(drawn.acceleration, bca.acceleration, 1e-12);
            assert_near(drawn.z0, bca.z0, 0.05);
        }
    }
}

/*
 * For odd n the bootstrap distribution of the median is known: the j-th value with the chance I(j / n) - I((j -
 * 1) / n), I the distribution function of beta(m, m), m = (n + 1) / 2 (Efron 1979, section 3). Its standard
 * deviation, to which 50000 resamples come within 1 % (3 standard errors: 3 / sqrt(2 x 50000)).
 */
static void drawn_medians_have_the_exact_spread(void **state)
{
    (void)state;
    const struct tare_bootstrap options = {.confidence = 0.95, .resamples = 50000, .seed = 9};
    double sixty[60];
    fill_sixty(sixty);
    static const size_t sizes[] = {3, 5, 15, 59};
    for (size_t s = 0; s < COUNT(sizes); s++) {
        size_t n = sizes[s], m = (n + 1) / 2;
        double sorted[60], mean = 0.0, square = 0.0;
        memcpy(sorted, sixty, n * sizeof(double));
        tare_values_sort(sorted, n);
        for (size_t j = 1; j <= n; j++) {
            double chance = tare_beta_cdf((double)j / (double)n, (double)m, (double)m) -
                            tare_beta_cdf((double)(j - 1) / (double)n, (double)m, (double)m);
            mean += chance * sorted[j - 1];
            square += chance * sorted[j - 1] * sorted[j - 1];
        }
        struct tare_bca bca;
        assert_int_equal(tare_bootstrap_quantile(sorted, n, 0.5, &options, &bca), 0);
        assert_close(bca.standard_error, sqrt(square - mean * mean), 0.012);
    }
}

/*
 * 400 samples of 100: of 95 % intervals chance leaves 364 to 393 that cover (scipy.stats.binom.ppf([.0005,
 * .9995], 400, .95)). 4000 other samples of either kind gave 0.952.
 */
static void intervals_of_a_median_cover(void **state)
{
    (void)state;
    enum { RUNS = 400, N = 100 };
    struct tare_random random;
    tare_random_seed(&random, 31);
    for (int skewed = 0; skewed < 2; skewed++) {
        int covered = 0;
        for (int run = 0; run < RUNS; run++) {
            double values[N];
            for (size_t i = 0; i < N; i++) {
                double z = tare_random_normal(&random);
                values[i] = skewed ? exp(0.5 * z) : z;
            }
            tare_values_sort(values, N);
            const struct tare_bootstrap options = {
                .confidence = 0.95, .resamples = 1000, .seed = (uint64_t)run};
            struct tare_bca bca;
            assert_int_equal(tare_bootstrap_quantile(values, N, 0.5, &options, &bca), 0);
            double truth = skewed ? 1.0 : 0.0;
            covered += bca.low <= truth && truth <= bca.high;
        }
        assert_between(covered, 364, 393);
    }
}

/*
 * The same for the mean of 50 values, by real resampling; the header says that it falls short for skewed
 * values, by a few percent: 94 % were seen in 1000 lognormal samples, so the lower bound there is
 * binom.ppf(.0005, 300, .92).
 */
static void intervals_of_a_mean_cover(void **state)
{
    (void)state;
    enum { RUNS = 300, N = 50 };
    struct tare_random random;
    tare_random_seed(&random, 32);
    for (int skewed = 0; skewed < 2; skewed++) {
        int covered = 0;
        for (int run = 0; run < RUNS; run++) {
            double values[N];
            for (size_t i = 0; i < N; i++) {
                double z = tare_random_normal(&random);
                values[i] = skewed ? exp(0.5 * z) : z;
            }
            const struct tare_bootstrap options = {.confidence = 0.95, .resamples = 500, .seed = (uint64_t)run};
            struct tare_bca bca;
            assert_int_equal(tare_bootstrap_statistic(values, N, mean_of, NULL, &options, &bca), 0);
            double truth = skewed ? exp(0.125) : 0.0;
            covered += bca.low <= truth && truth <= bca.high;
        }
        assert_between(covered, 259, 297);
    }
}

static void equal_seeds_give_equal_intervals(void **state)
{
    (void)state;
    struct tare_bootstrap options = {.confidence = 0.9, .resamples = 200, .seed = 5};
    struct tare_bca a, b;
    assert_int_equal(tare_bootstrap_statistic(ten, COUNT(ten), mean_of, NULL, &options, &a), 0);
    assert_int_equal(tare_bootstrap_statistic(ten, COUNT(ten), mean_of, NULL, &options, &b), 0);
    assert_memory_equal(&a, &b, sizeof(a));
    options.seed = 6;
    assert_int_equal(tare_bootstrap_statistic(ten, COUNT(ten), mean_of, NULL, &options, &b), 0);
    assert_true(a.low != b.low || a.high != b.high);
}

static void intervals_move_and_scale_with_the_values(void **state)
{
    (void)state;
    const struct tare_bootstrap options = {.confidence = 0.95, .resamples = 500, .seed = 7};
    double moved[COUNT(ten)];
    for (size_t i = 0; i < COUNT(ten); i++) {
        moved[i] = 1024.0 + 4.0 * ten[i];
    }
    struct tare_bca a, b;
    assert_int_equal(tare_bootstrap_quantile(ten, COUNT(ten), 0.5, &options, &a), 0);
    assert_int_equal(tare_bootstrap_quantile(moved, COUNT(ten), 0.5, &options, &b), 0);
    assert_near(b.low, 1024.0 + 4.0 * a.low, 1e-9);
    assert_near(b.high, 1024.0 + 4.0 * a.high, 1e-9);
    assert_near(b.standard_error, 4.0 * a.standard_error, 1e-9);
}

/* Where no resample is below the estimate z0 would be infinite; half a resample is taken instead. */
static void extremes_have_finite_corrections(void **state)
{
    (void)state;
    const struct tare_bootstrap options = {.confidence = 0.95, .resamples = 1000, .seed = 7};
    static const double ends[] = {0.0, 1.0};
    for (size_t i = 0; i < COUNT(ends); i++) {
        struct tare_bca bca;
        assert_int_equal(tare_bootstrap_quantile(ten, COUNT(ten), ends[i], &options, &bca), 0);
        assert_true(isfinite(bca.z0) && isfinite(bca.acceleration) && isfinite(bca.low) && isfinite(bca.high));
        assert_true(bca.low >= 2.3 && bca.high <= 9.7 && bca.low <= bca.high);
    }
    double resampled[] = {5, 6, 7, 8, 9};
    const double left_out[] = {4, 5, 6};
    struct tare_bca bca;
    assert_int_equal(tare_bca_interval(resampled, 5, 1.0, left_out, 3, 0.95, &bca), 0);
    assert_near(bca.z0, tare_normal_quantile(0.1), 1e-13);
    /* With this acceleration, 0.15, the upper end is past the pole: all resamples are below it. */
    const double steep[] = {0, 1000, 1000, 1000, 1000, 1000, 1000, 1000, 1000, 1000, 1000, 1000};
    assert_int_equal(tare_bca_interval(resampled, 5, 9.5, steep, COUNT(steep), 1.0 - 1e-12, &bca), 0);
    assert_near(bca.acceleration, 0.15, 0.02);
    assert_true(bca.acceleration * (bca.z0 - tare_normal_quantile(0.5e-12)) > 1.0);
    assert_true(bca.low < 5.5 && bca.high == 9.0);
}

static double not_finite(double *values, size_t n, void *context)
{
    (void)values;
    (void)n;
    return *(double *)context;
}

static void edges(void **state)
{
    (void)state;
    const struct tare_bootstrap options = {.confidence = 0.95, .resamples = 100, .seed = 1};
    struct tare_bca bca;
    double nan = NAN, infinite = INFINITY;

    assert_int_equal(tare_bootstrap_statistic(NULL, 0, not_finite, &nan, &options, &bca),
                     0); /* it is not called */
    assert_unknown(&bca);
    assert_int_equal(tare_bootstrap_quantile(NULL, 0, 0.5, &options, &bca), 0);
    assert_unknown(&bca);
    assert_int_equal(tare_bootstrap_statistic(ten, 1, mean_of, NULL, &options, &bca), 0);
    assert_true(bca.estimate == 2.3 && isnan(bca.low) && isnan(bca.high) && isnan(bca.standard_error));
    assert_int_equal(tare_bootstrap_quantile(ten, 1, 0.5, &options, &bca), 0);
    assert_true(bca.estimate == 2.3 && isnan(bca.low) && isnan(bca.z0));
    assert_int_equal(tare_bootstrap_statistic(ten, 2, mean_of, NULL, &options, &bca), 0);
    assert_near(bca.estimate, 2.45, 1e-15);
    assert_true(bca.low == 2.3 && bca.high == 2.6);
    assert_int_equal(tare_bootstrap_quantile(ten, 2, 0.5, &options, &bca), 0);
    assert_true(bca.low == 2.3 && bca.high == 2.6);

    const double equal[] = {0.1, 0.1, 0.1, 0.1};
    assert_int_equal(tare_bootstrap_statistic(equal, 4, mean_of, NULL, &options, &bca), 0);
    assert_true(bca.low == 0.1 && bca.high == 0.1 && bca.z0 == 0.0 && bca.acceleration == 0.0);
    assert_int_equal(tare_bootstrap_quantile(equal, 4, 0.9, &options, &bca), 0);
    assert_true(bca.low == 0.1 && bca.high == 0.1 && bca.standard_error == 0.0);

    double *contexts[] = {&nan, &infinite};
    for (size_t i = 0; i < COUNT(contexts); i++) {
        assert_int_equal(tare_bootstrap_statistic(ten, COUNT(ten), not_finite, contexts[i], &options, &bca),
                         -EINVAL);
        assert_unknown(&bca);
        const double values[] = {1.0, *contexts[i]};
        assert_int_equal(tare_bootstrap_statistic(values, 2, mean_of, NULL, &options, &bca), -EINVAL);
        assert_unknown(&bca);
        assert_int_equal(tare_bootstrap_quantile(values, 2, 0.5, &options, &bca), -EINVAL);
        assert_unknown(&bca);
        assert_int_equal(tare_bootstrap_quantile(ten, COUNT(ten), *contexts[i], &options, &bca), -EINVAL);
        double resampled[] = {1.0, *contexts[i]};
        assert_int_equal(tare_bca_interval(resampled, 2, 1.0, ten, 10, 0.95, &bca), -EINVAL);
        resampled[1] = 2.0;
        assert_int_equal(tare_bca_interval(resampled, 2, *contexts[i], ten, 10, 0.95, &bca), -EINVAL);
        assert_int_equal(tare_bca_interval(resampled, 2, 1.0, values, 2, 0.95, &bca), -EINVAL);
        assert_unknown(&bca);
    }
    const double unsorted[] = {2.0, 1.0};
    assert_int_equal(tare_bootstrap_quantile(unsorted, 2, 0.5, &options, &bca), -EINVAL);

    const struct tare_bootstrap refused[] = {
        {0.0, 100, 1}, {1.0, 100, 1}, {NAN, 100, 1}, {95.0, 100, 1}, {0.95, 99, 1}, {0.95, 10000001, 1},
    };
    for (size_t i = 0; i < COUNT(refused); i++) {
        assert_int_equal(tare_bootstrap_statistic(ten, COUNT(ten), mean_of, NULL, &refused[i], &bca), -EINVAL);
        assert_unknown(&bca);
        assert_int_equal(tare_bootstrap_quantile(ten, COUNT(ten), 0.5, &refused[i], &bca), -EINVAL);
        assert_unknown(&bca);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(given_resamples_make_scipys_interval),
        cmocka_unit_test(intervals_are_scipys_within_resampling),
        cmocka_unit_test(drawn_medians_have_the_exact_spread),
        cmocka_unit_test(intervals_of_a_median_cover),
        cmocka_unit_test(intervals_of_a_mean_cover),
        cmocka_unit_test(equal_seeds_give_equal_intervals),
        cmocka_unit_test(intervals_move_and_scale_with_the_values),
        cmocka_unit_test(extremes_have_finite_corrections),
        cmocka_unit_test(edges),
    };
    return cmocka_run_group_tests_name("bootstrap", tests, NULL, NULL);
}
