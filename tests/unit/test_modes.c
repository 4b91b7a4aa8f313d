/* SPDX-License-Identifier: MIT */
/*
 * The dip against R's package diptest (0.76.0), its chance level against that package's table and against
 * simulation, and how often modes are found that are not there, or missed, in hundreds of seeded samples.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "near.h"
#include "stats/distribution.h"
#include "stats/modes.h"
#include "stats/random.h"
#include "stats/values.h"

static double dip_of(const double *values, size_t n)
{
    double sorted[100];
    struct tare_dip dip;
    memcpy(sorted, values, n * sizeof(double));
    tare_values_sort(sorted, n);
    assert_int_equal(tare_dip_of(sorted, n, &dip), 0);
    return dip.dip;
}

/* dip(x). The long ones: precip and lh are data sets of R; sixty is (((1:60) * 7919) %% 997) / 10. */
static void dips_are_diptests(void **state)
{
    (void)state;
    static const double precip[] = {7,    7.2,  7.8,  7.8,  11.5, 13,   14,   14.6, 15,   15.2, 16.2, 17.2,
                                    17.4, 20.7, 22.9, 24.7, 25.9, 29.1, 30.2, 30.2, 30.6, 30.8, 31,   31.4,
                                    31.7, 32.5, 33.4, 34.4, 35,   35.1, 35.9, 35.9, 36.1, 36.2, 36.2, 37,
                                    37,   37.6, 38.7, 38.8, 38.9, 39,   39.9, 40.2, 40.2, 40.8, 40.8, 41.8,
                                    42.5, 42.5, 42.6, 42.7, 42.8, 43.1, 43.4, 44.7, 45.5, 46,   46.4, 48.2,
                                    48.3, 48.5, 49.1, 49.2, 54.5, 54.7, 56.8, 59.2, 59.8, 67};
    static const double lh[] = {2.4, 2.4, 2.4, 2.2, 2.1, 1.5, 2.3, 2.3, 2.5, 2.0, 1.9, 1.7, 2.2, 1.8, 3.2, 3.2,
                                2.7, 2.2, 2.2, 1.9, 1.9, 1.8, 2.7, 3.0, 2.3, 2.0, 2.0, 2.9, 2.9, 2.7, 2.7, 2.3,
                                2.6, 2.4, 1.8, 1.7, 1.5, 1.4, 2.1, 3.3, 3.5, 3.5, 3.1, 2.6, 2.1, 3.4, 3.0, 2.9};
    double sixty[60];
    for (int i = 1; i <= 60; i++) {
        sixty[i - 1] = (double)(i * 7919 % 997) / 10.0;
    }
    const struct {
        double values[14];
        size_t n;
        double dip;
    } cases[] = {
        {{0, 1, 3, 4, 10, 11, 12, 13.5}, 8, 0.15},
        {{1, 2, 3, 4}, 4, 0.125},
        {{1, 1, 2, 2}, 4, 0.25},
        {{5, 5, 5, 5, 5}, 5, 0.1},
        {{1, 2, 4, 7, 11, 16, 22}, 7, 0.0714285714285714},
        {{0, 2, 3, 5, 6}, 5, 0.133333333333333},
        {{1, 2, 2, 2, 2, 2, 2, 2, 2, 2}, 10, 0.05},
        {{1, 1.1, 1.2, 5, 5.1, 5.2, 9, 9.1, 9.2}, 9, 0.158333333333333},
        {{0, 1, 2, 2.5, 2.9, 3, 3.1, 3.6, 8, 8.2, 8.3, 9, 9.5, 15}, 14, 0.13317191283293},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        assert_near(dip_of(cases[i].values, cases[i].n), cases[i].dip, 1e-13);
    }
    assert_near(dip_of(precip, COUNT(precip)), 0.0357142857142857, 1e-13);
    assert_near(dip_of(lh, COUNT(lh)), 0.0416666666666667, 1e-13);
    assert_near(dip_of(sixty, COUNT(sixty)), 0.01637426900584801, 1e-13);
}

/* Sorted values of one of a few shapes; true if it has one mode. */
enum shape { UNIFORM, NORMAL, EXPONENTIAL, LOGNORMAL, SHAPES };

static void draw(struct tare_random *random, enum shape shape, double *values, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        double u = 1.0 - tare_random_uniform(random);
        values[i] = shape == UNIFORM       ? u
                    : shape == NORMAL      ? tare_random_normal(random)
                    : shape == EXPONENTIAL ? -log(u)
                                           : exp(0.7 * tare_random_normal(random));
    }
    tare_values_sort(values, n);
}

static void dip_has_the_symmetries_of_its_definition(void **state)
{
    (void)state;
    struct tare_random random;
    tare_random_seed(&random, 51);
    for (int run = 0; run < 300; run++) {
        double values[60], other[60];
        size_t n = 1 + (size_t)tare_random_below(&random, 60);
        draw(&random, (enum shape)(run % SHAPES), values, n);
        if (run % 3 == 0) { /* ties */
            for (size_t i = 0; i < n; i++) {
                values[i] = floor(4.0 * values[i]);
            }
        }
        struct tare_dip dip, mirrored, scaled;
        assert_int_equal(tare_dip_of(values, n, &dip), 0);
        assert_true(dip.dip >= 0.5 / (double)n - 1e-15 && dip.dip <= 0.25 + 1e-15 + (n < 2 ? 0.25 : 0.0));
        assert_true(dip.left <= dip.right && dip.right < n);
        for (size_t i = 0; i < n; i++) {
            other[n - 1 - i] = -values[i];
        }
        assert_int_equal(tare_dip_of(other, n, &mirrored), 0);
        assert_near(mirrored.dip, dip.dip, 1e-12);
        for (size_t i = 0; i < n; i++) {
            other[i] = 8.0 * values[i] - 64.0;
        }
        assert_int_equal(tare_dip_of(other, n, &scaled), 0);
        assert_near(scaled.dip, dip.dip, 1e-12);
    }
}

/*
 * diptest's qDiptab, from 1000001 samples for each n; 10 and more of its digits are not reached by either
 * table.
 */
static void chances_are_diptests(void **state)
{
    (void)state;
    static const struct {
        size_t n;
        double dip[4];
    } rows[] = {
        {10, {0.13046215, 0.1396114, 0.15968416, 0.1806112}},
        {50, {0.064913632, 0.070273788, 0.081199842, 0.094093011}},
        {200, {0.033996781, 0.036841841, 0.04268648, 0.0497198}},
        {1000, {0.015614806, 0.016934397, 0.019608026, 0.022868917}},
        {10000, {0.0050017881, 0.0054237224, 0.0062803473, 0.0073182263}},
        {40000, {0.002510, 0.002724, 0.003159, 0.003694}}, /* between the rows of ours */
    };
    static const double chances[] = {0.1, 0.05, 0.01, 0.001};
    for (size_t i = 0; i < COUNT(rows); i++) {
        for (size_t c = 0; c < COUNT(chances); c++) {
            assert_close(tare_dip_chance(rows[i].dip[c], rows[i].n), chances[c], 0.1);
        }
    }
    for (size_t n = 4; n < 3000; n = n * 5 / 4 + 1) { /* it falls as the dip grows, from 1 to 0.0001 */
        double last = 1.0;
        assert_true(tare_dip_chance(0.5 / (double)n, n) == 1.0);
        for (int i = 1; i <= 100; i++) {
            double chance = tare_dip_chance(0.0025 * i, n);
            assert_true(chance <= last && chance >= 0.0001);
            last = chance;
        }
        assert_true(tare_dip_chance(0.25, n) < (n < 10 ? 0.06 : 0.0011));
    }
    assert_true(isnan(tare_dip_chance(0.1, 3)) && isnan(tare_dip_chance(NAN, 10)) &&
                isnan(tare_dip_chance(-0.1, 10)));
    assert_true(tare_dip_chance(INFINITY, 10) == 0.0001);
}

/*
 * The table's simulation again, with other seeds: 10^4 uniform samples, for n within and between rows. Of 5 %
 * chance leaves 430 to 573 of them, of 1 % 69 to 134 (scipy.stats.binom.ppf([.0005, .9995], 10000, p)).
 */
static void uniform_values_dip_as_often_as_the_table_says(void **state)
{
    (void)state;
    static const size_t sizes[] = {6, 20, 40, 100};
    struct tare_random random;
    tare_random_seed(&random, 52);
    for (size_t s = 0; s < COUNT(sizes); s++) {
        int fives = 0, ones = 0;
        for (int run = 0; run < 10000; run++) {
            double values[100], sum = 0.0;
            for (size_t i = 0; i < sizes[s]; i++) { /* uniform order statistics, but for a common scale */
                sum -= log(1.0 - tare_random_uniform(&random));
                values[i] = sum;
            }
            struct tare_dip dip;
            assert_int_equal(tare_dip_of(values, sizes[s], &dip), 0);
            fives += dip.p <= 0.05;
            ones += dip.p <= 0.01;
        }
        assert_between(fives, 430, 573);
        assert_between(ones, 69, 134);
    }
}

/*
 * False alarms. Of one mode more must not be found than in 5 % of samples, by alpha: of 400 in 36 at most, but
 * for a chance of 0.0005 (scipy.stats.binom.ppf(.9995, 400, .05)); for shapes other than the uniform one it is
 * rarer.
 */
static void one_mode_is_one(void **state)
{
    (void)state;
    static const size_t sizes[] = {30, 200};
    struct tare_random random;
    tare_random_seed(&random, 53);
    for (int shape = 0; shape < SHAPES; shape++) {
        for (size_t s = 0; s < COUNT(sizes); s++) {
            int alarms = 0;
            for (int run = 0; run < 400; run++) {
                double values[200];
                draw(&random, (enum shape)shape, values, sizes[s]);
                struct tare_modes modes;
                assert_int_equal(tare_modes_of(values, sizes[s], 0.0, 0.05, &modes), 0);
                assert_true(modes.grain == 0.0);
                assert_true((modes.count > 1) == (modes.p <= 0.05));
                alarms += modes.count > 1;
            }
            assert_between(alarms, 0, shape == UNIFORM ? 36 : 8);
        }
    }
}

/*
 * The same on a coarse clock, whose step is given or not: values of a standard deviation of 0.2 to 5 steps, on
 * which a test that took each step for an atom would find modes nearly always (which the last assert shows).
 */
static void steps_of_a_clock_are_no_modes(void **state)
{
    (void)state;
    static const double deviations[] = {0.2, 0.7, 2.0, 5.0};
    const double grain = 26.0 / 2.6; /* ns */
    struct tare_random random;
    tare_random_seed(&random, 54);
    int as_atoms = 0;
    for (size_t d = 0; d < COUNT(deviations); d++) {
        for (int skewed = 0; skewed < 2; skewed++) {
            int alarms = 0, blind_alarms = 0;
            for (int run = 0; run < 400; run++) {
                double values[200];
                for (size_t i = 0; i < 200; i++) {
                    double z = tare_random_normal(&random);
                    double x = 30.0 + deviations[d] * (skewed ? exp(0.7 * z) : z);
                    values[i] = grain * floor(x);
                }
                tare_values_sort(values, 200);
                struct tare_modes modes;
                struct tare_dip dip;
                assert_int_equal(tare_modes_of(values, 200, grain, 0.05, &modes), 0);
                alarms += modes.count > 1;
                assert_int_equal(tare_modes_of(values, 200, 0.0, 0.05, &modes), 0);
                blind_alarms += modes.count > 1;
                assert_int_equal(tare_dip_of(values, 200, &dip), 0);
                as_atoms += deviations[d] == 0.7 && dip.p <= 0.05;
            }
            assert_between(alarms, 0, 36);
            assert_between(blind_alarms, 0, 36);
        }
    }
    assert_true(as_atoms > 700); /* of 800 */
}

/*
 * Two normal modes 6 standard deviations apart, 30 % of 200 values in the right one, and two 10 apart with 18
 * %: found as two in 19 of 20 samples at least, and where they are.
 */
static void two_modes_are_found_where_they_are(void **state)
{
    (void)state;
    static const struct {
        double distance, share;
    } cases[] = {{6.0, 0.30}, {10.0, 0.18}};
    struct tare_random random;
    tare_random_seed(&random, 55);
    for (size_t c = 0; c < COUNT(cases); c++) {
        int found = 0;
        for (int run = 0; run < 200; run++) {
            double values[200];
            size_t right = (size_t)(200.0 * cases[c].share + 0.5);
            for (size_t i = 0; i < 200; i++) {
                values[i] = 100.0 + tare_random_normal(&random) + (i < right ? cases[c].distance : 0.0);
            }
            tare_values_sort(values, 200);
            struct tare_modes modes;
            assert_int_equal(tare_modes_of(values, 200, 0.0, 0.01, &modes), 0);
            if (modes.count != 2) {
                continue;
            }
            found++;
            assert_near(modes.mode[0].location, 100.0, 0.8);
            assert_near(modes.mode[1].location, 100.0 + cases[c].distance, 1.2);
            assert_near(modes.mode[1].share, cases[c].share, 0.04);
            assert_near(modes.mode[0].share + modes.mode[1].share, 1.0, 1e-12);
            assert_true(modes.mode[0].low == values[0] && modes.mode[1].high == values[199]);
            assert_true(modes.mode[0].high <= modes.mode[1].low);
        }
        assert_between(found, 190, 200);
    }
}

/* Two modes that do not stand apart are one: 2 standard deviations are the limit, and 400 samples show none. */
static void modes_that_melt_are_one(void **state)
{
    (void)state;
    struct tare_random random;
    tare_random_seed(&random, 56);
    int found = 0;
    for (int run = 0; run < 400; run++) {
        double values[200];
        for (size_t i = 0; i < 200; i++) {
            values[i] = tare_random_normal(&random) + (i % 2 ? 2.0 : 0.0);
        }
        tare_values_sort(values, 200);
        struct tare_modes modes;
        assert_int_equal(tare_modes_of(values, 200, 0.0, 0.05, &modes), 0);
        found += modes.count > 1;
    }
    assert_between(found, 0, 36);
}

/* A wild value, or a few, is no mode and hides none. */
static void outliers_are_no_modes(void **state)
{
    (void)state;
    struct tare_random random;
    tare_random_seed(&random, 57);
    for (int run = 0; run < 100; run++) {
        double values[200];
        int two = run % 2;
        for (size_t i = 0; i < 200; i++) {
            values[i] = 100.0 + tare_random_normal(&random) + (two && i % 2 ? 8.0 : 0.0);
        }
        values[0] = 1e4;
        values[1] = 1e9;
        values[2] = -5e6;
        tare_values_sort(values, 200);
        struct tare_modes modes;
        assert_int_equal(tare_modes_of(values, 200, 0.0, 0.001, &modes), 0);
        assert_int_equal(modes.count, two ? 2 : 1);
        assert_near(modes.mode[0].location, 100.0, 1.0);
    }
}

static void many_modes_are_counted(void **state)
{
    (void)state;
    struct tare_random random;
    tare_random_seed(&random, 58);
    double *values = malloc(2000 * sizeof(*values));
    assert_non_null(values);
    static const size_t counts[] = {3, 5, 8, 10};
    for (size_t c = 0; c < COUNT(counts); c++) {
        for (size_t i = 0; i < 2000; i++) {
            values[i] = 20.0 * (double)(i % counts[c]) + tare_random_normal(&random);
        }
        tare_values_sort(values, 2000);
        struct tare_modes modes;
        assert_int_equal(tare_modes_of(values, 2000, 0.0, 0.01, &modes), 0);
        assert_int_equal(modes.count, counts[c] <= TARE_MODES_MAX ? counts[c] : TARE_MODES_MAX);
        assert_true(modes.more == (counts[c] > TARE_MODES_MAX));
        for (size_t m = 0; m < modes.count && !modes.more; m++) {
            assert_near(modes.mode[m].location, 20.0 * (double)m, 1.0);
            assert_near(modes.mode[m].share, 1.0 / (double)counts[c], 1e-3);
        }
    }
    free(values);
}

/* Two readings of a clock of 10 ns are one step, or two modes if the clock's step is known to be 1 ns. */
static void the_grain_says_what_two_readings_are(void **state)
{
    (void)state;
    double values[100];
    for (size_t i = 0; i < 100; i++) {
        values[i] = i < 60 ? 100.0 : 110.0;
    }
    struct tare_modes modes;
    assert_int_equal(tare_modes_of(values, 100, 10.0, 0.05, &modes), 0);
    assert_true(modes.count == 1 && modes.grain == 10.0);
    assert_int_equal(tare_modes_of(values, 100, 1.0, 0.05, &modes), 0);
    assert_int_equal(modes.count, 2);
    assert_true(modes.mode[0].location == 100.0 && modes.mode[1].location == 110.0);
    assert_near(modes.mode[0].share, 0.6, 1e-12);
    assert_int_equal(tare_modes_of(values, 100, 0.0, 0.05, &modes), 0);
    assert_true(modes.count == 1 && modes.grain == 10.0); /* found */
    for (size_t i = 0; i < 100; i++) { /* readings nearer than half a step are the same one */
        values[i] += 0.03 * (double)i - (i < 60 ? 0.0 : 1.8);
    }
    assert_int_equal(tare_modes_of(values, 100, 10.0, 0.05, &modes), 0);
    assert_int_equal(modes.count, 1);
    assert_int_equal(tare_modes_of(values, 100, 0.03, 0.05, &modes), 0);
    assert_int_equal(modes.count, 2);
}

/*
 * Steps of 10 between the quartiles, but for one reading between them; farther out are readings that differ
 * more.
 */
static void an_unknown_grain_is_that_of_the_middle(void **state)
{
    (void)state;
    double values[60];
    size_t n = 0;
    for (int i = 12; i > 0; i--) {
        values[n++] = -57.25 * i;
    }
    for (int i = 0; i < 36; i++) {
        values[n++] = i == 6 ? 105.0 : 100.0 + 10.0 * (double)(i / 6);
    }
    for (int i = 1; i <= 12; i++) {
        values[n++] = 200.0 + 57.25 * i;
    }
    tare_values_sort(values, n);
    struct tare_modes modes;
    assert_int_equal(tare_modes_of(values, n, 0.0, 0.05, &modes), 0);
    assert_true(modes.grain == 10.0);

    const double mostly_equal[] = {1, 5, 5, 5, 5, 5, 5, 5, 8}; /* none differ between the quartiles */
    assert_int_equal(tare_modes_of(mostly_equal, COUNT(mostly_equal), 0.0, 0.05, &modes), 0);
    assert_true(modes.grain == 3.5);
}

/* 2 ... 3.3 is the shortest interval with 5 of the 9 values; the median of all is 3.2. */
static void a_mode_is_where_values_are_dense(void **state)
{
    (void)state;
    const double values[] = {1, 2, 3, 3.1, 3.2, 3.3, 9, 20, 50};
    struct tare_modes modes;
    assert_int_equal(tare_modes_of(values, COUNT(values), 0.0, 0.001, &modes), 0);
    assert_true(modes.count == 1 && modes.mode[0].location == 3.1);
}

static void edges(void **state)
{
    (void)state;
    struct tare_dip dip;
    struct tare_modes modes;
    assert_int_equal(tare_dip_of(NULL, 0, &dip), 0);
    assert_true(isnan(dip.dip) && isnan(dip.p));
    assert_int_equal(tare_modes_of(NULL, 0, 0.0, 0.05, &modes), 0);
    assert_true(modes.count == 0 && isnan(modes.dip) && isnan(modes.p));

    const double few[] = {1.0, 5.0, 100.0};
    for (size_t n = 1; n <= 3; n++) {
        assert_int_equal(tare_dip_of(few, n, &dip), 0);
        assert_true(dip.dip == 0.5 / (double)n && isnan(dip.p));
        assert_int_equal(tare_modes_of(few, n, 0.0, 0.05, &modes), 0);
        assert_true(modes.count == 1 && isnan(modes.p));
        assert_true(modes.mode[0].low == 1.0 && modes.mode[0].high == few[n - 1] && modes.mode[0].share == 1.0);
    }
    assert_int_equal(tare_modes_of(few, 1, 0.0, 0.05, &modes), 0);
    assert_true(modes.mode[0].location == 1.0);
    assert_int_equal(tare_modes_of(few, 2, 0.0, 0.05, &modes), 0);
    assert_true(modes.mode[0].location == 3.0);
    const double equal[] = {7, 7, 7, 7, 7, 7, 7, 7};
    assert_int_equal(tare_modes_of(equal, COUNT(equal), 0.0, 0.05, &modes), 0);
    assert_true(modes.count == 1 && modes.p == 1.0 && modes.mode[0].location == 7.0 && !modes.more);
    assert_int_equal(tare_modes_of(equal, COUNT(equal), 3.0, 0.05, &modes), 0);
    assert_true(modes.count == 1 && modes.mode[0].location == 7.0 && modes.mode[0].high == 7.0);

    const double refused[] = {NAN, INFINITY, -INFINITY};
    for (size_t i = 0; i < COUNT(refused); i++) {
        const double values[] = {1, 2, 3, refused[i]};
        assert_int_equal(tare_dip_of(values, 4, &dip), -EINVAL);
        assert_true(isnan(dip.dip) && isnan(dip.p));
        assert_int_equal(tare_modes_of(values, 4, 0.0, 0.05, &modes), -EINVAL);
        assert_true(modes.count == 0 && isnan(modes.p));
        assert_int_equal(tare_modes_of(few, 3, refused[i], 0.05, &modes), -EINVAL);
        assert_int_equal(tare_modes_of(few, 3, 0.0, refused[i], &modes), -EINVAL);
    }
    assert_int_equal(tare_modes_of(few, 3, -1.0, 0.05, &modes), -EINVAL);
    assert_int_equal(tare_modes_of(few, 3, 0.0, 0.0001, &modes), -EINVAL); /* no chance is below it */
    assert_int_equal(tare_modes_of(few, 3, 0.0, 1.0, &modes), -EINVAL);
    const double unsorted[] = {2.0, 1.0};
    assert_int_equal(tare_dip_of(unsorted, 2, &dip), -EINVAL);
    assert_int_equal(tare_modes_of(unsorted, 2, 0.0, 0.05, &modes), -EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dips_are_diptests),
        cmocka_unit_test(dip_has_the_symmetries_of_its_definition),
        cmocka_unit_test(chances_are_diptests),
        cmocka_unit_test(uniform_values_dip_as_often_as_the_table_says),
        cmocka_unit_test(one_mode_is_one),
        cmocka_unit_test(steps_of_a_clock_are_no_modes),
        cmocka_unit_test(two_modes_are_found_where_they_are),
        cmocka_unit_test(modes_that_melt_are_one),
        cmocka_unit_test(outliers_are_no_modes),
        cmocka_unit_test(many_modes_are_counted),
        cmocka_unit_test(the_grain_says_what_two_readings_are),
        cmocka_unit_test(an_unknown_grain_is_that_of_the_middle),
        cmocka_unit_test(a_mode_is_where_values_are_dense),
        cmocka_unit_test(edges),
    };
    return cmocka_run_group_tests_name("modes", tests, NULL, NULL);
}
