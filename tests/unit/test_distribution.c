/* SPDX-License-Identifier: MIT */
/*
 * Distribution functions against SciPy 1.10.1 (normal) and R 4.2.2 (the others: SciPy 1.10.1 keeps 11 digits of
 * Student's t and of large counts).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "near.h"
#include "stats/distribution.h"

static void normal_figures_are_scipys(void **state)
{
    (void)state;
    static const double quantiles[][2] = {
        /* p, scipy.special.ndtri(p) */
        {1e-300, -37.047096299361201},  {1e-12, -7.0344838253011313},
        {1e-5, -4.2648907939228247},    {0.001, -3.0902323061678132},
        {0.025, -1.9599639845400545},   {0.1, -1.2815515655446004},
        {0.3, -0.52440051270804089},    {0.5, 0.0},
        {0.84134474606854293, 1.0},     {0.975, 1.959963984540054},
        {0.999999, 4.7534243088170873},
    };
    for (size_t i = 0; i < COUNT(quantiles); i++) {
        assert_near(tare_normal_quantile(quantiles[i][0]), quantiles[i][1], 1e-13 * fabs(quantiles[i][1]));
    }
    static const double shares[][2] = {
        /* z, scipy.special.ndtr(z) */
        {-8.0, 6.2209605742717405e-16}, {-3.0, 0.0013498980316300933}, {-1.5, 0.066807201268858071}, {0.0, 0.5},
        {0.5, 0.69146246127401312},     {2.0, 0.97724986805182079},    {6.0, 0.9999999990134123},
    };
    for (size_t i = 0; i < COUNT(shares); i++) {
        assert_close(tare_normal_cdf(shares[i][0]), shares[i][1], 1e-14);
    }
}

static void student_figures_are_rs(void **state)
{
    (void)state;
    static const double quantiles[][3] = {
        /* p, freedom, qt(p, freedom) */
        {0.975, 1, 12.706204736174694},   {0.975, 2, 4.3026527297494619},   {0.975, 9, 2.2621571627982049},
        {0.995, 29, 2.7563859036706049},  {0.975, 4.5, 2.6589123472044025}, {0.9, 0.5, 10.270324410234281},
        {0.999, 1000, 3.098402163912922}, {0.975, 1e6, 1.9599663568141066}, {0.025, 23, -2.0686576104190486},
        {0.6, 3, 0.27667066233268983},
    };
    for (size_t i = 0; i < COUNT(quantiles); i++) {
        double within = quantiles[i][1] < 1e5 ? 1e-12 : 1e-11;
        assert_close(tare_student_quantile(quantiles[i][0], quantiles[i][1]), quantiles[i][2], within);
    }
    static const double shares[][3] = {
        /* t, freedom, pt(t, freedom) */
        {-2.0, 3, 0.069662984279421566},   {1.0, 1, 0.75},
        {0.1, 10, 0.53883964071779578},    {5.0, 2.5, 0.98827440501456909},
        {-40.0, 8, 8.392859439572887e-11}, {2.5, 1e5, 0.99378954040372047},
    };
    for (size_t i = 0; i < COUNT(shares); i++) {
        assert_close(tare_student_cdf(shares[i][0], shares[i][1]), shares[i][2], 1e-12);
    }
}

static void beta_figures_are_rs(void **state)
{
    (void)state;
    static const double shares[][4] = {
        /* x, a, b, pbeta(x, a, b) */
        {0.3, 2, 3, 0.3483},
        {0.5, 0.5, 0.5, 0.5},
        {0.01, 1, 50, 0.39499393286246365},
        {0.99, 50, 1, 0.60500606713753635},
        {0.4, 100, 150, 0.50343561029854045},
        {0.001, 0.1, 20, 0.7079970084234154},
        {0.2, 1.5, 2.5, 0.25102826441671422},
        {0.5, 5000, 5001, 0.50398932306969102},
        {0.501, 500000, 500000, 0.97724994903836837},
    };
    for (size_t i = 0; i < COUNT(shares); i++) {
        assert_close(tare_beta_cdf(shares[i][0], shares[i][1], shares[i][2]), shares[i][3], 1e-12);
    }
    static const double quantiles[][4] = {
        /* p, a, b, qbeta(p, a, b) */
        {0.025, 3, 8, 0.066739511177734467},
        {0.975, 3, 8, 0.5560954623076414},
        {0.5, 0.5, 0.5, 0.5},
        {0.025, 1, 1000, 2.5317487491294048e-05},
        {0.025, 950, 51, 0.93460951208450638},
        {0.0, 3, 8, 0.0},
        {1.0, 3, 8, 1.0},
    };
    for (size_t i = 0; i < COUNT(quantiles); i++) {
        double found = tare_beta_quantile(quantiles[i][0], quantiles[i][1], quantiles[i][2]);
        assert_near(found, quantiles[i][3], 1e-12 * quantiles[i][3]);
    }
}

static void binomial_figures_are_rs(void **state)
{
    (void)state;
    static const struct {
        int64_t k;
        uint64_t n;
        double p, cdf, tail;
    } cases[] = {
        /* pbinom(k, n, p), pbinom(k, n, p, lower.tail = FALSE) */
        {3, 10, 0.5, 0.171875, 0.828125},
        {0, 5, 0.5, 0.03125, 0.96875},
        {40, 100, 0.5, 0.028443966820490441, 0.97155603317950956},
        {480, 1000, 0.5, 0.10872414660207046, 0.89127585339792958},
        {4950, 10000, 0.5, 0.1610870998976561, 0.83891290010234387},
        {985, 1000, 0.99, 0.082412319516089197, 0.91758768048391082},
        {2, 20, 0.05, 0.9245163262115037, 0.075483673788496256},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        assert_close(tare_binomial_cdf(cases[i].k, cases[i].n, cases[i].p), cases[i].cdf, 1e-12);
        assert_close(tare_binomial_tail(cases[i].k, cases[i].n, cases[i].p), cases[i].tail, 1e-12);
    }
}

/* Added up term by term, from k = 0. */
static void binomial_is_the_sum_of_its_terms(void **state)
{
    (void)state;
    static const double chances[] = {0.01, 0.3, 0.5, 0.9};
    for (uint64_t n = 1; n <= 60; n++) {
        for (size_t c = 0; c < COUNT(chances); c++) {
            double p = chances[c], term = pow(1.0 - p, (double)n), sum = 0.0;
            for (uint64_t k = 0; k < n; k++) {
                sum += term;
                assert_near(tare_binomial_cdf((int64_t)k, n, p), sum, 1e-13);
                assert_near(tare_binomial_tail((int64_t)k, n, p), 1.0 - sum, 1e-13);
                term *= (double)(n - k) / (double)(k + 1) * p / (1.0 - p);
            }
        }
    }
    assert_true(tare_binomial_cdf(-1, 10, 0.5) == 0.0 && tare_binomial_tail(-1, 10, 0.5) == 1.0);
    assert_true(tare_binomial_cdf(10, 10, 0.5) == 1.0 && tare_binomial_tail(10, 10, 0.5) == 0.0);
    assert_true(tare_binomial_cdf(0, 0, 0.5) == 1.0 && tare_binomial_tail(0, 0, 0.5) == 0.0);
    assert_true(tare_binomial_cdf(3, 10, 0.0) == 1.0 && tare_binomial_cdf(3, 10, 1.0) == 0.0);
}

static void quantiles_invert(void **state)
{
    (void)state;
    static const double freedoms[] = {0.7, 1.0, 3.0, 12.5, 400.0};
    for (int i = 1; i < 200; i++) {
        double p = i / 200.0;
        assert_near(tare_normal_cdf(tare_normal_quantile(p)), p, 1e-15);
        for (size_t f = 0; f < COUNT(freedoms); f++) {
            assert_near(tare_student_cdf(tare_student_quantile(p, freedoms[f]), freedoms[f]), p, 1e-13);
            assert_near(tare_beta_cdf(tare_beta_quantile(p, freedoms[f], 2.0), freedoms[f], 2.0), p, 1e-13);
        }
    }
}

static void arguments_out_of_range_are_nan(void **state)
{
    (void)state;
    assert_true(isnan(tare_normal_cdf(NAN)));
    assert_true(tare_normal_cdf(-INFINITY) == 0.0 && tare_normal_cdf(INFINITY) == 1.0);
    const double outside[] = {0.0, 1.0, -0.1, 1.1, NAN, INFINITY, -INFINITY};
    for (size_t i = 0; i < COUNT(outside); i++) {
        assert_true(isnan(tare_normal_quantile(outside[i])));
        assert_true(isnan(tare_student_quantile(outside[i], 3.0)));
        if (i >= 2) {
            assert_true(isnan(tare_beta_quantile(outside[i], 2.0, 3.0)));
            assert_true(isnan(tare_beta_cdf(outside[i], 2.0, 3.0)));
            assert_true(isnan(tare_binomial_cdf(1, 2, outside[i])));
            assert_true(isnan(tare_binomial_tail(1, 2, outside[i])));
        }
    }
    const double not_positive[] = {0.0, -1.0, NAN, INFINITY};
    for (size_t i = 0; i < COUNT(not_positive); i++) {
        assert_true(isnan(tare_student_cdf(1.0, not_positive[i])));
        assert_true(isnan(tare_student_quantile(0.9, not_positive[i])));
        assert_true(isnan(tare_beta_cdf(0.5, not_positive[i], 1.0)));
        assert_true(isnan(tare_beta_cdf(0.5, 1.0, not_positive[i])));
        assert_true(isnan(tare_beta_quantile(0.5, not_positive[i], 1.0)));
    }
    assert_true(isnan(tare_student_cdf(NAN, 3.0)));
    assert_true(tare_student_cdf(INFINITY, 3.0) == 1.0 && tare_student_cdf(-INFINITY, 3.0) == 0.0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(normal_figures_are_scipys),
        cmocka_unit_test(student_figures_are_rs),
        cmocka_unit_test(beta_figures_are_rs),
        cmocka_unit_test(binomial_figures_are_rs),
        cmocka_unit_test(binomial_is_the_sum_of_its_terms),
        cmocka_unit_test(quantiles_invert),
        cmocka_unit_test(arguments_out_of_range_are_nan),
    };
    return cmocka_run_group_tests_name("distribution", tests, NULL, NULL);
}
