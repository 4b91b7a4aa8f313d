/* SPDX-License-Identifier: MIT */
/*
 * Intervals against SciPy 1.10.1 and R 4.2.2, and their coverage against chance: how often they hold the true
 * value in hundreds of seeded samples.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "near.h"
#include "stats/distribution.h"
#include "stats/interval.h"
#include "stats/random.h"
#include "stats/series.h"
#include "stats/values.h"

static const double ten[] = {2.3, 2.6, 3.1, 4.1, 5.3, 5.8, 5.9, 8.4, 9.3, 9.7};
static const double readings[] = {41.2, 40.9, 41.0, 41.7, 40.8, 43.5, 41.1, 40.9, 52.3, 41.3, 41.0, 42.2,
                                  40.7, 41.5, 41.1, 47.9, 41.4, 40.9, 41.8, 41.2, 60.4, 41.0, 42.6, 41.3};

static void assert_none(const struct tare_interval *interval)
{
    assert_true(isnan(interval->estimate) && isnan(interval->low) && isnan(interval->high) &&
                isnan(interval->coverage));
}

/*
 * l = scipy.stats.binom.ppf((1 - c) / 2, n, p), u = n + 1 - scipy.stats.binom.ppf((1 - c) / 2, n, 1 - p), and
 * scipy.stats.binom.cdf(u - 1, n, p) - scipy.stats.binom.cdf(l - 1, n, p). For the median of ten, ranks 2 and 9
 * and 0.9785 stand in every table of the sign test.
 */
static void ranks_are_scipys(void **state)
{
    (void)state;
    static const struct {
        size_t n;
        double p, confidence;
        size_t l, u; /* 0 and n + 1: none */
        double coverage;
    } cases[] = {
        {10, 0.50, 0.90, 2, 9, 0.978515625},
        {10, 0.50, 0.95, 2, 9, 0.978515625},
        {10, 0.50, 0.99, 1, 10, 0.998046875},
        {10, 0.25, 0.95, 0, 6, NAN},
        {10, 0.90, 0.99, 6, 11, NAN},
        {24, 0.50, 0.90, 8, 17, 0.93608534336090088},
        {24, 0.50, 0.95, 7, 18, 0.97734415531158447},
        {24, 0.50, 0.99, 6, 19, 0.99338924884796143},
        {24, 0.25, 0.90, 3, 11, 0.93886057087447128},
        {24, 0.25, 0.95, 2, 11, 0.96963123671944018},
        {24, 0.25, 0.99, 1, 13, 0.99690256129990829},
        {24, 0.90, 0.95, 18, 25, NAN},
    };
    double ranks[24];
    for (size_t i = 0; i < 24; i++) {
        ranks[i] = (double)(i + 1);
    }
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct tare_interval found;
        assert_int_equal(tare_quantile_interval(ranks, cases[i].n, cases[i].p, cases[i].confidence, &found), 0);
        assert_true(cases[i].l == 0 ? isnan(found.low) : found.low == (double)cases[i].l);
        assert_true(cases[i].u > cases[i].n ? isnan(found.high) : found.high == (double)cases[i].u);
        if (isnan(cases[i].coverage)) {
            assert_true(isnan(found.coverage));
        } else {
            assert_near(found.coverage, cases[i].coverage, 1e-12);
        }
    }
}

static void interval_of_a_median_lies_between_values(void **state)
{
    (void)state;
    struct tare_interval found;
    assert_int_equal(tare_quantile_interval(ten, COUNT(ten), 0.5, 0.95, &found), 0);
    assert_true(found.low == 2.6 && found.high == 9.3);
    assert_near(found.estimate, 5.55, 1e-14);
    double sorted[COUNT(readings)];
    memcpy(sorted, readings, sizeof(sorted));
    tare_values_sort(sorted, COUNT(sorted));
    assert_int_equal(tare_quantile_interval(sorted, COUNT(sorted), 0.5, 0.95, &found), 0);
    assert_true(found.low == sorted[6] && found.high == sorted[17]);
    assert_true(found.low == 41.0 && found.high == 41.8);
}

/*
 * The smallest numbers of values that have the ends: 0.5^5 = 0.031 > 0.025 >= 0.5^6; 0.99^367 > 0.025 >
 * 0.99^368.
 */
static void ends_need_enough_values(void **state)
{
    (void)state;
    static double sorted[400];
    for (size_t i = 0; i < COUNT(sorted); i++) {
        sorted[i] = (double)i;
    }
    struct tare_interval found;
    for (size_t n = 1; n <= 12; n++) {
        assert_int_equal(tare_quantile_interval(sorted, n, 0.5, 0.95, &found), 0);
        assert_true(found.estimate == (double)(n - 1) / 2.0);
        assert_true(isnan(found.low) == (n < 6) && isnan(found.high) == (n < 6) &&
                    isnan(found.coverage) == (n < 6));
    }
    assert_int_equal(tare_quantile_interval(sorted, 6, 0.5, 0.95, &found), 0);
    assert_true(found.low == 0.0 && found.high == 5.0);
    assert_near(found.coverage, 1.0 - 2.0 / 64.0, 1e-15);
    for (size_t n = 365; n < 372; n++) {
        assert_int_equal(tare_quantile_interval(sorted, n, 0.99, 0.95, &found), 0);
        assert_true(!isnan(found.low) && isnan(found.high) == (n < 368));
    }
}

/*
 * Covering is counted in 600 samples for each n. The share must be within what binomial(600, coverage) shows
 * with a chance of 0.999, by tare_binomial_cdf(); that holds for any distribution, so a skewed one is tested
 * too.
 */
static void interval_of_a_quantile_covers_as_often_as_it_says(void **state)
{
    (void)state;
    enum { RUNS = 600 };
    static const size_t sizes[] = {9, 25, 100};
    static const double quantiles[] = {0.5, 0.75};
    struct tare_random random;
    tare_random_seed(&random, 12);
    for (size_t s = 0; s < COUNT(sizes); s++) {
        for (size_t q = 0; q < COUNT(quantiles); q++) {
            for (int skewed = 0; skewed < 2; skewed++) {
                double truth = tare_normal_quantile(quantiles[q]), values[100];
                struct tare_interval found = {0};
                int covered = 0;
                for (int run = 0; run < RUNS; run++) {
                    for (size_t i = 0; i < sizes[s]; i++) {
                        double z = tare_random_normal(&random);
                        values[i] = skewed ? exp(z) : z;
                    }
                    tare_values_sort(values, sizes[s]);
                    assert_int_equal(tare_quantile_interval(values, sizes[s], quantiles[q], 0.95, &found), 0);
                    double point = skewed ? exp(truth) : truth;
                    /* an end that is not there is infinitely far away */
                    covered += !(found.low > point) && !(found.high < point);
                }
                double coverage = isnan(found.coverage) ? 0.975 : found.coverage; /* one side errs at most */
                assert_true(tare_binomial_cdf(covered, RUNS, coverage) > 0.0005);
                if (!isnan(found.coverage)) {
                    assert_true(found.coverage >= 0.95);
                    assert_true(tare_binomial_tail(covered - 1, RUNS, coverage) > 0.0005);
                }
            }
        }
    }
}

/* R: t.test(x, conf.level = 0.95)$conf.int, and with 0.99. (SciPy 1.10.1's t quantiles have 11 digits only.) */
static void interval_of_a_mean_is_rs(void **state)
{
    (void)state;
    static const struct {
        const double *values;
        size_t n;
        double low95, high95, low99, high99;
    } cases[] = {
        {ten, COUNT(ten), 3.6992765292812861, 7.600723470718715, 2.8475729311760736, 8.452427068823928},
        {readings, COUNT(readings), 40.981434076921097, 44.826899256412233, 40.294863037900946,
         45.513470295432384},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct tare_moments moments;
        struct tare_interval found;
        tare_moments_of(cases[i].values, cases[i].n, &moments);
        assert_int_equal(tare_mean_interval(&moments, (double)cases[i].n, 0.95, &found), 0);
        assert_close(found.low, cases[i].low95, 1e-12);
        assert_close(found.high, cases[i].high95, 1e-12);
        assert_true(found.estimate == moments.mean && found.coverage == 0.95);
        assert_int_equal(tare_mean_interval(&moments, (double)cases[i].n, 0.99, &found), 0);
        assert_close(found.low, cases[i].low99, 1e-12);
        assert_close(found.high, cases[i].high99, 1e-12);
    }
}

/*
 * Normal values that depend on each other, x_i = 0.6 x_(i-1) + z_i: with the effective n 93 % of the
 * intervals cover, with n itself 66 % (of 4000 in a longer run). 400 runs here; for 95 % chance leaves 364 to
 * 393 (scipy.stats.binom.ppf([.0005, .9995], 400, .95)); as n is estimated from 200 values, 350 are asked for.
 */
static void effective_n_makes_intervals_of_dependent_values_cover(void **state)
{
    (void)state;
    enum { RUNS = 400, N = 200 };
    struct tare_random random;
    tare_random_seed(&random, 77);
    int independent = 0, naive = 0, effective = 0;
    for (int run = 0; run < RUNS; run++) {
        double values[N], x = 0.0;
        struct tare_moments moments;
        struct tare_interval found;
        struct tare_effective_n worth;
        for (size_t i = 0; i < N; i++) {
            values[i] = tare_random_normal(&random);
        }
        tare_moments_of(values, N, &moments);
        tare_mean_interval(&moments, N, 0.95, &found);
        independent += found.low <= 0.0 && found.high >= 0.0;
        for (size_t i = 0; i < N + 50; i++) { /* the first 50 forget the start */
            x = 0.6 * x + tare_random_normal(&random);
            if (i >= 50) {
                values[i - 50] = x;
            }
        }
        tare_moments_of(values, N, &moments);
        tare_mean_interval(&moments, N, 0.95, &found);
        naive += found.low <= 0.0 && found.high >= 0.0;
        assert_int_equal(tare_effective_n(values, N, 0, &worth), 0);
        tare_mean_interval(&moments, worth.n, 0.95, &found);
        effective += found.low <= 0.0 && found.high >= 0.0;
    }
    assert_between(independent, 364, 393);
    assert_between(naive, 0, 320);
    assert_between(effective, 350, 393);
}

/* scipy.stats.binomtest(k, n).proportion_ci(c, method='wilson' and 'exact') */
static void intervals_of_a_proportion_are_scipys(void **state)
{
    (void)state;
    static const struct {
        uint64_t k, n;
        double confidence, wilson_low, wilson_high, exact_low, exact_high;
    } cases[] = {
        {0, 10, 0.95, 0, 0.27753279986288926, 0, 0.30849710781876294},
        {0, 10, 0.99, 0, 0.39885409330490806, 0, 0.41129598134752537},
        {1, 10, 0.95, 0.017876213095072896, 0.40415002679523848, 0.0025285785444625728, 0.44501611702819543},
        {1, 10, 0.99, 0.011851503411032915, 0.50723177123289354, 0.00050112857546126966, 0.54428705689968793},
        {5, 10, 0.95, 0.236593090512564, 0.76340690948743606, 0.18708602844740449, 0.81291397155259548},
        {10, 10, 0.95, 0.72246720013711085, 1, 0.69150289218123706, 1},
        {10, 10, 0.99, 0.60114590669509194, 1, 0.58870401865247457, 1},
        {285, 300, 0.95, 0.91915296652725587, 0.96946835937065268, 0.91887264282923575, 0.97174879803152248},
        {950, 1000, 0.95, 0.93468617975574908, 0.96186973760725114, 0.93460951208450638, 0.96266460239533935},
        {950, 1000, 0.99, 0.9290930273094663, 0.96497492427746756, 0.9294956247985422, 0.96607333728977973},
        {3, 100000, 0.95, 1.0202758544517341e-05, 8.8208049251767303e-05, 6.1867639159272218e-06,
         8.7670202567840993e-05},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct tare_interval found;
        assert_int_equal(tare_proportion_wilson(cases[i].k, cases[i].n, cases[i].confidence, &found), 0);
        assert_near(found.low, cases[i].wilson_low, 1e-14);
        assert_near(found.high, cases[i].wilson_high, 1e-14);
        assert_true(found.estimate == (double)cases[i].k / (double)cases[i].n);
        assert_int_equal(tare_proportion_exact(cases[i].k, cases[i].n, cases[i].confidence, &found), 0);
        assert_near(found.low, cases[i].exact_low, 1e-12);
        assert_near(found.high, cases[i].exact_high, 1e-12);
    }
}

/* The chance of covering, added up over all outcomes: never below 95 % for the exact interval. */
static void exact_interval_of_a_proportion_covers_at_every_chance(void **state)
{
    (void)state;
    enum { N = 40 };
    struct tare_interval exact[N + 1], wilson[N + 1];
    for (uint64_t k = 0; k <= N; k++) {
        assert_int_equal(tare_proportion_exact(k, N, 0.95, &exact[k]), 0);
        assert_int_equal(tare_proportion_wilson(k, N, 0.95, &wilson[k]), 0);
    }
    double wilson_sum = 0.0;
    for (int i = 1; i < 200; i++) {
        double p = i / 200.0, by_exact = 0.0, by_wilson = 0.0;
        for (int64_t k = 0; k <= N; k++) {
            double chance = tare_binomial_cdf(k, N, p) - tare_binomial_cdf(k - 1, N, p);
            by_exact += exact[k].low <= p && p <= exact[k].high ? chance : 0.0;
            by_wilson += wilson[k].low <= p && p <= wilson[k].high ? chance : 0.0;
        }
        assert_true(by_exact >= 0.95 - 1e-9);
        wilson_sum += by_wilson;
    }
    assert_near(wilson_sum / 199.0, 0.95, 0.01);
}

static void edges(void **state)
{
    (void)state;
    struct tare_interval found;
    assert_int_equal(tare_quantile_interval(NULL, 0, 0.5, 0.95, &found), 0);
    assert_none(&found);
    const double equal[] = {7, 7, 7, 7, 7, 7, 7, 7};
    assert_int_equal(tare_quantile_interval(equal, COUNT(equal), 0.5, 0.95, &found), 0);
    assert_true(found.low == 7.0 && found.high == 7.0 && found.estimate == 7.0);

    for (uint64_t n = 1; n < 100; n++) { /* the ends of none and of all are exact */
        assert_int_equal(tare_proportion_wilson(0, n, 0.95, &found), 0);
        assert_true(found.low == 0.0);
        assert_int_equal(tare_proportion_wilson(n, n, 0.95, &found), 0);
        assert_true(found.high == 1.0);
    }

    struct tare_moments moments = {0};
    assert_int_equal(tare_mean_interval(&moments, 0.0, 0.95, &found), 0);
    assert_none(&found);
    tare_moments_add(&moments, 3.0);
    assert_int_equal(tare_mean_interval(&moments, 1.0, 0.95, &found), 0);
    assert_true(found.estimate == 3.0 && isnan(found.low) && isnan(found.high) && isnan(found.coverage));
    tare_moments_add(&moments, 3.0);
    assert_int_equal(tare_mean_interval(&moments, 2.0, 0.95, &found), 0);
    assert_true(found.low == 3.0 && found.high == 3.0);
    tare_moments_add(&moments, 6.0);
    assert_int_equal(tare_mean_interval(&moments, 0.5, 0.95, &found), 0);
    assert_true(found.estimate == 4.0 && isnan(found.low));
    const double not_n[] = {0.0, -1.0, 3.5, NAN, INFINITY};
    for (size_t i = 0; i < COUNT(not_n); i++) {
        assert_int_equal(tare_mean_interval(&moments, not_n[i], 0.95, &found), -EINVAL);
        assert_none(&found);
    }

    assert_int_equal(tare_proportion_wilson(0, 0, 0.95, &found), 0);
    assert_none(&found);
    assert_int_equal(tare_proportion_exact(0, 0, 0.95, &found), 0);
    assert_none(&found);
    assert_int_equal(tare_proportion_wilson(2, 1, 0.95, &found), -EINVAL);
    assert_none(&found);
    assert_int_equal(tare_proportion_exact(2, 1, 0.95, &found), -EINVAL);
    assert_none(&found);

    const double not_shares[] = {0.0, 1.0, -0.5, 95.0, NAN, INFINITY};
    for (size_t i = 0; i < COUNT(not_shares); i++) {
        assert_int_equal(tare_quantile_interval(ten, COUNT(ten), 0.5, not_shares[i], &found), -EINVAL);
        assert_none(&found);
        assert_int_equal(tare_quantile_interval(ten, COUNT(ten), not_shares[i], 0.95, &found), -EINVAL);
        assert_none(&found);
        assert_int_equal(tare_mean_interval(&moments, 3.0, not_shares[i], &found), -EINVAL);
        assert_none(&found);
        assert_int_equal(tare_proportion_wilson(1, 2, not_shares[i], &found), -EINVAL);
        assert_none(&found);
        assert_int_equal(tare_proportion_exact(1, 2, not_shares[i], &found), -EINVAL);
        assert_none(&found);
    }
    const double refused[] = {NAN, INFINITY};
    for (size_t i = 0; i < COUNT(refused); i++) {
        const double values[] = {1, 2, 3, 4, 5, 6, refused[i]};
        assert_int_equal(tare_quantile_interval(values, COUNT(values), 0.5, 0.95, &found), -EINVAL);
        assert_none(&found);
    }
    const double unsorted[] = {2, 1};
    assert_int_equal(tare_quantile_interval(unsorted, 2, 0.5, 0.95, &found), -EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ranks_are_scipys),
        cmocka_unit_test(interval_of_a_median_lies_between_values),
        cmocka_unit_test(ends_need_enough_values),
        cmocka_unit_test(interval_of_a_quantile_covers_as_often_as_it_says),
        cmocka_unit_test(interval_of_a_mean_is_rs),
        cmocka_unit_test(effective_n_makes_intervals_of_dependent_values_cover),
        cmocka_unit_test(intervals_of_a_proportion_are_scipys),
        cmocka_unit_test(exact_interval_of_a_proportion_covers_at_every_chance),
        cmocka_unit_test(edges),
    };
    return cmocka_run_group_tests_name("interval", tests, NULL, NULL);
}
