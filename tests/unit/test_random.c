/* SPDX-License-Identifier: MIT */
/*
 * The generators against published outputs, and what is made of them against the distributions that it claims.
 * Seeds are fixed: a test that passes always passes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "near.h"
#include "stats/distribution.h"
#include "stats/random.h"
#include "stats/values.h"

/* The outputs for seed 1234567 that Rosetta Code lists, "Pseudo-random numbers/Splitmix64". */
static void splitmix64_is_the_published_one(void **state)
{
    (void)state;
    uint64_t seed = 1234567;
    assert_true(tare_splitmix64(&seed) == UINT64_C(6457827717110365317));
    assert_true(tare_splitmix64(&seed) == UINT64_C(3203168211198807973));
    assert_true(tare_splitmix64(&seed) == UINT64_C(9817491932198370423));
    assert_true(tare_splitmix64(&seed) == UINT64_C(4593380528125082431));
    assert_true(tare_splitmix64(&seed) == UINT64_C(16408922859458223821));
}

/*
 * The outputs for the state 1, 2, 3, 4, made with the authors' C code, that other implementations are tested
 * with.
 */
static void xoshiro256_is_the_published_one(void **state)
{
    (void)state;
    static const uint64_t expected[] = {
        UINT64_C(11520),
        UINT64_C(0),
        UINT64_C(1509978240),
        UINT64_C(1215971899390074240),
        UINT64_C(1216172134540287360),
        UINT64_C(607988272756665600),
        UINT64_C(16172922978634559625),
        UINT64_C(8476171486693032832),
        UINT64_C(10595114339597558777),
        UINT64_C(2904607092377533576),
    };
    struct tare_random random = {.state = {1, 2, 3, 4}};
    for (size_t i = 0; i < COUNT(expected); i++) {
        assert_true(tare_random_next(&random) == expected[i]);
    }
}

static void equal_seeds_are_equal_and_others_are_not(void **state)
{
    (void)state;
    struct tare_random a, b, c;
    tare_random_seed(&a, 0);
    tare_random_seed(&b, 0);
    tare_random_seed(&c, 1);
    assert_memory_equal(&a, &b, sizeof(a));
    int equal = 0;
    for (int i = 0; i < 1000; i++) {
        uint64_t next = tare_random_next(&a);
        assert_true(next == tare_random_next(&b));
        equal += next == tare_random_next(&c);
    }
    assert_int_equal(equal, 0);
}

/*
 * Of 6 x 10^4 draws below 6, counts differ from 10^4 by chi squared with 5 degrees of freedom, above 20.5 with
 * a chance of 0.001 (R: qchisq(0.999, 5)).
 */
static void whole_numbers_are_equally_likely(void **state)
{
    (void)state;
    struct tare_random random;
    tare_random_seed(&random, 6);
    double counts[6] = {0}, squares = 0.0;
    for (int i = 0; i < 60000; i++) {
        uint64_t value = tare_random_below(&random, 6);
        assert_true(value < 6);
        counts[value] += 1.0;
    }
    for (int i = 0; i < 6; i++) {
        squares += (counts[i] - 10000.0) * (counts[i] - 10000.0) / 10000.0;
    }
    assert_true(squares < 20.5);

    /*
     * Below three quarters of 2^64 the multiples of 3 would be drawn in half of all cases, were no draw
     * refused. 155 is 3.3 standard deviations of binomial(10^4, 1/3).
     */
    const uint64_t bound = UINT64_C(3) << 62;
    int multiples = 0;
    for (int i = 0; i < 10000; i++) {
        uint64_t value = tare_random_below(&random, bound);
        assert_true(value < bound);
        multiples += value % 3 == 0;
    }
    assert_between(multiples, 3333 - 155, 3333 + 155);
    assert_true(tare_random_below(&random, 0) == 0 && tare_random_below(&random, 1) == 0);
}

/*
 * Kolmogorov and Smirnov's distance of n values from what they should be; sqrt(n) times it is above 1.95 with a
 * chance of 0.001.
 */
static double distance_from(double *shares, size_t n)
{
    double distance = 0.0;
    tare_values_sort(shares, n);
    for (size_t i = 0; i < n; i++) {
        distance =
            fmax(distance, fmax((double)(i + 1) / (double)n - shares[i], shares[i] - (double)i / (double)n));
    }
    return sqrt((double)n) * distance;
}

static void draws_have_their_distributions(void **state)
{
    (void)state;
    static double shares[5000];
    struct tare_random random;
    tare_random_seed(&random, 2024);
    for (size_t i = 0; i < COUNT(shares); i++) {
        shares[i] = tare_random_uniform(&random);
        assert_true(shares[i] >= 0.0 && shares[i] < 1.0);
    }
    assert_true(distance_from(shares, COUNT(shares)) < 1.95);
    for (size_t i = 0; i < COUNT(shares); i++) {
        shares[i] = tare_normal_cdf(tare_random_normal(&random));
    }
    assert_true(distance_from(shares, COUNT(shares)) < 1.95);
    static const double parameters[][2] = {{1, 1}, {1, 9}, {3, 2}, {12.5, 12.5}, {400, 600}, {1, 10000}};
    for (size_t p = 0; p < COUNT(parameters); p++) {
        double a = parameters[p][0], b = parameters[p][1];
        for (size_t i = 0; i < COUNT(shares); i++) {
            shares[i] = tare_beta_cdf(tare_random_beta(&random, a, b), a, b);
        }
        assert_true(distance_from(shares, COUNT(shares)) < 1.95);
    }
}

static void parameters_out_of_range_are_refused(void **state)
{
    (void)state;
    struct tare_random random;
    tare_random_seed(&random, 1);
    assert_true(isnan(tare_random_beta(&random, 0.99, 1.0)));
    assert_true(isnan(tare_random_beta(&random, 1.0, 0.0)));
    assert_true(isnan(tare_random_beta(&random, NAN, 1.0)));
    assert_true(isnan(tare_random_beta(&random, 1.0, INFINITY)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(splitmix64_is_the_published_one),
        cmocka_unit_test(xoshiro256_is_the_published_one),
        cmocka_unit_test(equal_seeds_are_equal_and_others_are_not),
        cmocka_unit_test(whole_numbers_are_equally_likely),
        cmocka_unit_test(draws_have_their_distributions),
        cmocka_unit_test(parameters_out_of_range_are_refused),
    };
    return cmocka_run_group_tests_name("random", tests, NULL, NULL);
}
