/* SPDX-License-Identifier: MIT */
/*
 * Autocorrelation against R 4.2.2's acf(), effective n and block means against NumPy 1.24.2 and against series
 * whose autocorrelation time is known.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>

#include "near.h"
#include "stats/moments.h"
#include "stats/random.h"
#include "stats/series.h"

/* R's data set lh: luteinizing hormone in blood, every 10 minutes. */
static const double lh[] = {2.4, 2.4, 2.4, 2.2, 2.1, 1.5, 2.3, 2.3, 2.5, 2.0, 1.9, 1.7, 2.2, 1.8, 3.2, 3.2,
                            2.7, 2.2, 2.2, 1.9, 1.9, 1.8, 2.7, 3.0, 2.3, 2.0, 2.0, 2.9, 2.9, 2.7, 2.7, 2.3,
                            2.6, 2.4, 1.8, 1.7, 1.5, 1.4, 2.1, 3.3, 3.5, 3.5, 3.1, 2.6, 2.1, 3.4, 3.0, 2.9};
static const double readings[] = {41.2, 40.9, 41.0, 41.7, 40.8, 43.5, 41.1, 40.9, 52.3, 41.3, 41.0, 42.2,
                                  40.7, 41.5, 41.1, 47.9, 41.4, 40.9, 41.8, 41.2, 60.4, 41.0, 42.6, 41.3};

/* acf(lh, lag.max = 6, plot = FALSE)$acf and the same of `readings` */
static void autocorrelations_are_rs(void **state)
{
    (void)state;
    static const double of_lh[] = {1,
                                   0.575524475524475498,
                                   0.181818181818181823,
                                   -0.144755244755244705,
                                   -0.174825174825174873,
                                   -0.149650349650349737,
                                   -0.020979020979021035};
    static const double of_readings[] = {1,
                                         -0.168734150467997113,
                                         -0.078352207874212126,
                                         -0.092372499643945394,
                                         -0.096466073154755458,
                                         0.180284958821434221};
    double r[COUNT(of_lh)];
    assert_int_equal(tare_autocorrelation(lh, COUNT(lh), 6, r), 0);
    for (size_t i = 0; i < COUNT(of_lh); i++) {
        assert_near(r[i], of_lh[i], 1e-14);
    }
    assert_int_equal(tare_autocorrelation(readings, COUNT(readings), 5, r), 0);
    for (size_t i = 0; i < COUNT(of_readings); i++) {
        assert_near(r[i], of_readings[i], 1e-13);
    }
}

/*
 * d = x - x.mean(); c = numpy.correlate(d, d, 'full')[47:]; rho = c / c[0]; G = rho[0:-1:2] + rho[1::2];
 * k = numpy.argmax(G <= 0); tau = -1 + 2 * numpy.minimum.accumulate(G[:k]).sum(); 48 / tau
 */
static void effective_n_is_numpys(void **state)
{
    (void)state;
    struct tare_effective_n found;
    assert_int_equal(tare_effective_n(lh, COUNT(lh), 0, &found), 0);
    assert_close(found.time, 2.2251748251748253, 1e-13);
    assert_close(found.n, 21.571338780641106, 1e-13);
    assert_int_equal(found.lag, 3);
    assert_false(found.cut);
    assert_int_equal(tare_effective_n(lh, COUNT(lh), 2, &found), 0); /* lags 0 and 1 alone */
    assert_close(found.time, -1.0 + 2.0 * 1.5755244755244755, 1e-13);
    assert_true(found.cut && found.lag == 1);
}

/*
 * The same expression, of x = numpy.array([(i * i * 37) % 53 / 10 + (4 if i % 10 < 2 else 0) + i // 30 % 2 * 4
 * for i in range(90)]), whose period of 10 lets the pairs of lags rise again: without "monotone" the time would
 * be 6.99.
 */
static void pairs_that_rise_again_are_not_believed(void **state)
{
    (void)state;
    double values[90];
    for (int i = 0; i < 90; i++) {
        values[i] = (double)(i * i * 37 % 53) / 10.0 + (i % 10 < 2 ? 4.0 : 0.0) + (double)(i / 30 % 2 * 4);
    }
    struct tare_effective_n found;
    assert_int_equal(tare_effective_n(values, COUNT(values), 0, &found), 0);
    assert_close(found.time, 3.986125109532815, 1e-12);
    assert_int_equal(found.lag, 15);
}

/*
 * x_i = phi x_(i-1) + z_i has the time (1 + phi) / (1 - phi). The mean over 50 series of 2000 values comes
 * within 15 % of it: the estimate of one scatters by 12 % for phi 0.6, more for 0.9, and is biased by a few
 * percent.
 */
static void effective_n_of_known_series(void **state)
{
    (void)state;
    static const double phis[] = {0.0, 0.3, 0.6, 0.9};
    enum { N = 2000, RUNS = 50 };
    struct tare_random random;
    tare_random_seed(&random, 21);
    for (size_t p = 0; p < COUNT(phis); p++) {
        double time = 0.0;
        for (int run = 0; run < RUNS; run++) {
            double values[N], x = 0.0;
            for (int i = -100; i < N; i++) { /* the first hundred forget the start */
                x = phis[p] * x + tare_random_normal(&random);
                if (i >= 0) {
                    values[i] = x;
                }
            }
            struct tare_effective_n found;
            assert_int_equal(tare_effective_n(values, N, 0, &found), 0);
            assert_false(found.cut);
            assert_true(found.n <= N && found.n > 0.0);
            time += found.time / RUNS;
        }
        assert_close(time, (1.0 + phis[p]) / (1.0 - phis[p]), 0.15);
    }
}

static void alternating_values_are_worth_no_more_than_they_are(void **state)
{
    (void)state;
    double values[100];
    for (size_t i = 0; i < COUNT(values); i++) {
        values[i] = i % 2 ? 1.0 : -1.0;
    }
    struct tare_effective_n found;
    assert_int_equal(tare_effective_n(values, COUNT(values), 0, &found), 0);
    assert_true(found.n == 100.0 && found.time == 1.0);
    assert_false(found.cut); /* its pairs of lags are positive up to the last, but there are no more */
}

/* A trend: each value says nearly everything of the next. */
static void a_trend_is_worth_few_values(void **state)
{
    (void)state;
    double values[1000];
    for (size_t i = 0; i < COUNT(values); i++) {
        values[i] = (double)i;
    }
    struct tare_effective_n found;
    assert_int_equal(tare_effective_n(values, COUNT(values), 0, &found), 0);
    assert_true(found.n < 5.0 && !found.cut);
    assert_int_equal(tare_effective_n(values, COUNT(values), 20, &found), 0);
    assert_true(found.cut && found.n < 60.0);
}

/* x[:48 // size * size].reshape(-1, size).mean(1), numpy.mean and scipy.stats.sem of them */
static void block_means_are_numpys(void **state)
{
    (void)state;
    static const double of_six[] = {
        2.1666666666666665, 2.1166666666666667, 2.5500000000000003, 2.25, 2.4666666666666668, 2.25,
        2.5500000000000003, 2.8500000000000001};
    double means[COUNT(lh)];
    struct tare_blocks blocks;
    assert_int_equal(tare_block_means(lh, COUNT(lh), 6, means, &blocks), 0);
    assert_true(blocks.count == 8 && blocks.size == 6);
    assert_close(blocks.mean, 2.4, 1e-14);
    assert_close(blocks.standard_error, 0.08779711460710618, 1e-12);
    for (size_t i = 0; i < COUNT(of_six); i++) {
        assert_close(means[i], of_six[i], 1e-14);
    }
    assert_int_equal(tare_block_means(lh, COUNT(lh), 5, NULL, &blocks), 0); /* 3 are left over */
    assert_true(blocks.count == 9);
    assert_close(blocks.mean, 2.3533333333333335, 1e-14);
    assert_close(blocks.standard_error, 0.092556289179432136, 1e-12);
    assert_int_equal(tare_block_means(lh, COUNT(lh), 0, NULL, &blocks), 0);
    assert_true(blocks.size == 6 && blocks.count == 8);
}

/*
 * For x_i = 0.6 x_(i-1) + z_i the mean's true standard error is 1 / (1 - 0.6) / sqrt(n) for large n; blocks of
 * 100 find it, on average over 100 series within 8 %, and the formula for independent values finds half of it
 * (sqrt(4) too small).
 */
static void block_means_see_dependence(void **state)
{
    (void)state;
    enum { N = 4000, RUNS = 100 };
    struct tare_random random;
    tare_random_seed(&random, 22);
    double *values = malloc(N * sizeof(*values));
    assert_non_null(values);
    double by_blocks = 0.0, naive = 0.0, truth = 2.5 / sqrt(N);
    for (int run = 0; run < RUNS; run++) {
        double x = 0.0;
        for (int i = -100; i < N; i++) {
            x = 0.6 * x + tare_random_normal(&random);
            if (i >= 0) {
                values[i] = x;
            }
        }
        struct tare_blocks blocks;
        struct tare_moments moments;
        assert_int_equal(tare_block_means(values, N, 100, NULL, &blocks), 0);
        tare_moments_of(values, N, &moments);
        by_blocks += blocks.standard_error * blocks.standard_error / RUNS;
        naive += tare_moments_standard_error(&moments) * tare_moments_standard_error(&moments) / RUNS;
    }
    free(values);
    assert_close(sqrt(by_blocks), truth, 0.08);
    assert_close(sqrt(naive), truth / 2.0, 0.08);
}

static void edges(void **state)
{
    (void)state;
    double r[5];
    struct tare_effective_n worth;
    struct tare_blocks blocks;

    assert_int_equal(tare_autocorrelation(NULL, 0, 0, r), 0);
    assert_true(isnan(r[0]));
    assert_int_equal(tare_autocorrelation(lh, 1, 0, r), 0);
    assert_true(isnan(r[0]));
    const double two[] = {1.0, 2.0};
    assert_int_equal(tare_autocorrelation(two, 2, 1, r), 0);
    assert_true(r[0] == 1.0 && r[1] == -0.5);
    assert_int_equal(tare_autocorrelation(two, 2, 2, r), -EINVAL);
    assert_true(isnan(r[0]) && isnan(r[1]) && isnan(r[2]));

    for (size_t n = 0; n < 4; n++) {
        assert_int_equal(tare_effective_n(lh + 2, n, 0, &worth), 0);
        assert_true(isnan(worth.n) && isnan(worth.time));
    }
    const double equal[] = {0.1, 0.1, 0.1, 0.1, 0.1, 0.1};
    assert_int_equal(tare_autocorrelation(equal, COUNT(equal), 2, r), 0);
    assert_true(isnan(r[0]) && isnan(r[1]) && isnan(r[2]));
    assert_int_equal(tare_effective_n(equal, COUNT(equal), 0, &worth), 0);
    assert_true(isnan(worth.n) && isnan(worth.time) && !worth.cut);

    assert_int_equal(tare_block_means(NULL, 0, 0, NULL, &blocks), 0);
    assert_true(blocks.count == 0 && isnan(blocks.mean) && isnan(blocks.standard_error));
    assert_int_equal(tare_block_means(two, 2, 3, NULL, &blocks), 0);
    assert_true(blocks.count == 0 && isnan(blocks.mean));
    assert_int_equal(tare_block_means(two, 2, 2, NULL, &blocks), 0);
    assert_true(blocks.count == 1 && blocks.mean == 1.5 && isnan(blocks.standard_error));
    assert_int_equal(tare_block_means(two, 1, 0, NULL, &blocks), 0);
    assert_true(blocks.count == 1 && blocks.size == 1 && blocks.mean == 1.0);

    const double refused[] = {NAN, INFINITY, -INFINITY};
    for (size_t i = 0; i < COUNT(refused); i++) {
        const double values[] = {1, 3, 2, refused[i], 5, 4};
        assert_int_equal(tare_autocorrelation(values, COUNT(values), 2, r), -EINVAL);
        assert_true(isnan(r[0]) && isnan(r[2]));
        assert_int_equal(tare_effective_n(values, COUNT(values), 0, &worth), -EINVAL);
        assert_true(isnan(worth.n) && isnan(worth.time));
        assert_int_equal(tare_block_means(values, COUNT(values), 2, NULL, &blocks), -EINVAL);
        assert_true(isnan(blocks.mean) && blocks.count == 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(autocorrelations_are_rs),
        cmocka_unit_test(effective_n_is_numpys),
        cmocka_unit_test(pairs_that_rise_again_are_not_believed),
        cmocka_unit_test(effective_n_of_known_series),
        cmocka_unit_test(alternating_values_are_worth_no_more_than_they_are),
        cmocka_unit_test(a_trend_is_worth_few_values),
        cmocka_unit_test(block_means_are_numpys),
        cmocka_unit_test(block_means_see_dependence),
        cmocka_unit_test(edges),
    };
    return cmocka_run_group_tests_name("series", tests, NULL, NULL);
}
