/* SPDX-License-Identifier: MIT */
/*
 * Frame metrics against NumPy 1.24.2: numpy.percentile(x, [50, 95, 99, 99.9]), 1000 / those, len(x) / (x.sum()
 * / 1000), x.mean(), x.var(ddof=1), x.std(ddof=1), scipy.stats.variation(x, ddof=1) of SciPy 1.10.1.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>

#include "near.h"
#include "stats/frames.h"
#include "stats/random.h"

static void assert_frames(const struct tare_frames *found, const struct tare_frames *expected)
{
    const double pairs[][2] = {
        {found->total_ms, expected->total_ms},
        {found->avg_fps, expected->avg_fps},
        {found->median_fps, expected->median_fps},
        {found->low_1_fps, expected->low_1_fps},
        {found->low_01_fps, expected->low_01_fps},
        {found->mean_ms, expected->mean_ms},
        {found->p50_ms, expected->p50_ms},
        {found->p95_ms, expected->p95_ms},
        {found->p99_ms, expected->p99_ms},
        {found->p999_ms, expected->p999_ms},
        {found->min_ms, expected->min_ms},
        {found->max_ms, expected->max_ms},
        {found->variance_ms2, expected->variance_ms2},
        {found->sd_ms, expected->sd_ms},
        {found->cov, expected->cov},
    };
    assert_int_equal(found->frames, expected->frames);
    for (size_t i = 0; i < COUNT(pairs); i++) {
        if (isnan(pairs[i][1])) {
            assert_true(isnan(pairs[i][0]));
        } else {
            assert_close(pairs[i][0], pairs[i][1], 1e-12);
        }
    }
}

static const struct tare_frames none = {
    .total_ms = NAN,
    .avg_fps = NAN,
    .median_fps = NAN,
    .low_1_fps = NAN,
    .low_01_fps = NAN,
    .mean_ms = NAN,
    .p50_ms = NAN,
    .p95_ms = NAN,
    .p99_ms = NAN,
    .p999_ms = NAN,
    .min_ms = NAN,
    .max_ms = NAN,
    .sd_ms = NAN,
    .variance_ms2 = NAN,
    .cov = NAN,
};

static void figures_are_numpys(void **state)
{
    (void)state;
    double twenty[] = {16.6, 16.7, 16.7, 16.6, 33.4, 16.7, 16.6, 16.8, 16.7, 16.6,
                       16.7, 50.1, 16.6, 16.7, 16.7, 16.5, 16.8, 16.7, 16.6, 16.7};
    struct tare_frames found;
    assert_int_equal(tare_frames_of(twenty, COUNT(twenty), &found), 0);
    assert_frames(&found, &(struct tare_frames){
                              .frames = 20,
                              .total_ms = 383.5,
                              .avg_fps = 52.15123859191656,
                              .median_fps = 59.880239520958085,
                              .low_1_fps = NAN, /* of 20 frames none is the slowest of a hundred */
                              .low_01_fps = NAN,
                              .mean_ms = 19.175000000000001,
                              .p50_ms = 16.7,
                              .p95_ms = 34.235000000000014,
                              .p99_ms = NAN,
                              .p999_ms = NAN,
                              .min_ms = 16.5,
                              .max_ms = 50.1,
                              .variance_ms2 = 66.9503947368421,
                              .sd_ms = 8.1823220870876323,
                              .cov = 0.42671823139961573,
                          });

    double many[1008]; /* numpy.array([10 + (i * 37 % 1009) / 100 for i in range(1, 1009)]) */
    for (int i = 1; i <= 1008; i++) {
        many[i - 1] = 10.0 + (double)(i * 37 % 1009) / 100.0;
    }
    assert_int_equal(tare_frames_of(many, COUNT(many), &found), 0);
    assert_frames(&found, &(struct tare_frames){
                              .frames = 1008,
                              .total_ms = 15165.36,
                              .avg_fps = 66.467264872050521,
                              .median_fps = 66.467264872050521,
                              .low_1_fps = 50.051803616743335,
                              .low_01_fps = 49.825784145734431,
                              .mean_ms = 15.045,
                              .p50_ms = 15.045,
                              .p95_ms = 19.576499999999999,
                              .p99_ms = 19.979299999999999,
                              .p999_ms = 20.069930000000003,
                              .min_ms = 10.01,
                              .max_ms = 20.08,
                              .variance_ms2 = 8.4755999999999982,
                              .sd_ms = 2.9112883745860696,
                              .cov = 0.19350537551253372,
                          });
}

/* What holds for every run: slower percentiles are lower rates, and the definitions hold among the figures. */
static void figures_hang_together(void **state)
{
    (void)state;
    struct tare_random random;
    tare_random_seed(&random, 60);
    for (int run = 0; run < 200; run++) {
        double times[500], rates = 0.0;
        size_t n = run == 0 ? 500 : 2 + (size_t)tare_random_below(&random, 499);
        for (size_t i = 0; i < n; i++) {
            times[i] = 16.0 * exp(0.3 * tare_random_normal(&random));
            rates += 1000.0 / times[i] / (double)n;
        }
        struct tare_frames found;
        assert_int_equal(tare_frames_of(times, n, &found), 0);
        assert_true(isnan(found.p95_ms) == (n < TARE_FRAMES_P95_LEAST));
        assert_true(isnan(found.p99_ms) == (n < TARE_FRAMES_P99_LEAST));
        assert_true(isnan(found.p999_ms) == (n < TARE_FRAMES_P999_LEAST));
        assert_true(isnan(found.p99_ms) == isnan(found.low_1_fps));
        assert_true(isnan(found.p999_ms) == isnan(found.low_01_fps));
        const double ascending[] = {found.min_ms, found.p50_ms, found.p95_ms, found.p99_ms, found.p999_ms};
        for (size_t i = 1; i < COUNT(ascending); i++) { /* within what was measured */
            assert_true(isnan(ascending[i]) ||
                        (ascending[i] >= ascending[i - 1] && ascending[i] <= found.max_ms));
        }
        assert_close(found.avg_fps, 1000.0 / found.mean_ms, 1e-12);
        assert_close(found.avg_fps * found.total_ms, 1000.0 * (double)n, 1e-12);
        assert_true(found.avg_fps <= rates * (1.0 + 1e-12)); /* not the mean of the rates */
        assert_close(found.cov, found.sd_ms / found.mean_ms, 1e-14);
        assert_close(found.variance_ms2, found.sd_ms * found.sd_ms, 1e-14);
    }
}

static void edges(void **state)
{
    (void)state;
    struct tare_frames found;
    assert_int_equal(tare_frames_of(NULL, 0, &found), 0);
    assert_frames(&found, &none);

    double one[] = {20.0};
    assert_int_equal(tare_frames_of(one, 1, &found), 0);
    struct tare_frames expected = {.frames = 1,
                                   .total_ms = 20,
                                   .avg_fps = 50,
                                   .median_fps = 50,
                                   .low_1_fps = NAN,
                                   .low_01_fps = NAN,
                                   .mean_ms = 20,
                                   .p50_ms = 20,
                                   .p95_ms = NAN,
                                   .p99_ms = NAN,
                                   .p999_ms = NAN,
                                   .min_ms = 20,
                                   .max_ms = 20,
                                   .variance_ms2 = NAN,
                                   .sd_ms = NAN,
                                   .cov = NAN};
    assert_frames(&found, &expected);

    double two[] = {30.0, 10.0};
    assert_int_equal(tare_frames_of(two, 2, &found), 0);
    assert_true(two[0] == 10.0 && two[1] == 30.0); /* sorted in place */
    assert_true(found.avg_fps == 50.0 && found.median_fps == 50.0 && found.variance_ms2 == 200.0);
    assert_true(isnan(found.p95_ms) && isnan(found.low_1_fps) && isnan(found.low_01_fps));

    static const struct {
        size_t least, offset;
    } leasts[] = {{TARE_FRAMES_P95_LEAST, offsetof(struct tare_frames, p95_ms)},
                  {TARE_FRAMES_P99_LEAST, offsetof(struct tare_frames, p99_ms)},
                  {TARE_FRAMES_P999_LEAST, offsetof(struct tare_frames, p999_ms)}};
    double many[TARE_FRAMES_P999_LEAST];
    for (size_t i = 0; i < COUNT(leasts); i++) {
        for (size_t n = leasts[i].least - 1; n <= leasts[i].least; n++) {
            for (size_t k = 0; k < n; k++) {
                many[k] = 16.0 + (double)k;
            }
            assert_int_equal(tare_frames_of(many, n, &found), 0);
            double percentile = *(const double *)((const char *)&found + leasts[i].offset);
            assert_true(n < leasts[i].least ? isnan(percentile)
                                            : percentile > many[n - 2] && percentile <= many[n - 1]);
        }
    }

    double equal[] = {12.5, 12.5, 12.5};
    assert_int_equal(tare_frames_of(equal, 3, &found), 0);
    assert_true(found.avg_fps == 80.0 && found.median_fps == 80.0 && found.sd_ms == 0.0 && found.cov == 0.0);

    double zero[] = {0.0, 0.0, 0.0, 4.0}; /* a coarse clock: no rate is infinite */
    assert_int_equal(tare_frames_of(zero, 4, &found), 0);
    assert_true(isnan(found.median_fps) && found.p50_ms == 0.0 && found.avg_fps == 1000.0);
    double zeros[] = {0.0, 0.0};
    assert_int_equal(tare_frames_of(zeros, 2, &found), 0);
    assert_true(isnan(found.avg_fps) && isnan(found.low_1_fps) && isnan(found.cov) && found.total_ms == 0.0);

    const double refused[] = {NAN, INFINITY, -INFINITY, -0.001};
    for (size_t i = 0; i < COUNT(refused); i++) {
        double values[] = {16.0, refused[i], 17.0};
        assert_int_equal(tare_frames_of(values, 3, &found), -EINVAL);
        assert_frames(&found, &none);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(figures_are_numpys),
        cmocka_unit_test(figures_hang_together),
        cmocka_unit_test(edges),
    };
    return cmocka_run_group_tests_name("frames", tests, NULL, NULL);
}
