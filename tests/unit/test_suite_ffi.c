/* SPDX-License-Identifier: MIT */
/* What follows from the benchmarks of the suite ffi, of results whose truth is known. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "result/model.h"
#include "result/suite.h"
#include "stats/random.h"
#include "suites/ffi/ffi.h"

enum { ROUNDS = 10 };

static struct tare_result *begin(const char *const *labels)
{
    static const char *const arms[] = {"A", "B", "C", "D"};
    struct tare_result *result = tare_result_new();
    assert_non_null(result);
    result->bench = tare_result_bench_new();
    result->suite = tare_result_suite_new("ffi", false);
    for (size_t i = 0; labels[i] != NULL; i++) {
        const struct tare_suite_side side = {.label = (char *)labels[i], .arm = (char *)arms[i]};
        assert_int_equal(tare_suite_add_side(result->suite, &side), 0);
    }
    return result;
}

/* Medians of the sides, in the order of their arms; NAN: the side has none. `scatter` as a share. */
static void add(struct tare_result *result, const char *bench, double size, const double *medians, size_t count,
                double scatter, double c_side_ns)
{
    struct tare_random random;
    char name[64];
    tare_random_seed(&random, 1 + (uint64_t)result->bench->benchmark_count);
    snprintf(name, sizeof name, size > 0 ? "%s/%g" : "%s", bench, size);
    struct tare_result_benchmark *benchmark = tare_result_add_benchmark(result->bench, name);
    benchmark->bench = strdup(bench);
    assert_int_equal(tare_result_set_args(benchmark, &size, size > 0), 0);
    for (size_t i = 0; i < count; i++) {
        const char label[] = {(char)('A' + i), '\0'};
        if (isnan(medians[i])) {
            continue;
        }
        struct tare_result_arm *arm = tare_result_add_arm(benchmark, label, "side");
        for (uint32_t round = 1; round <= ROUNDS; round++) {
            double value = medians[i] * (1 + scatter * tare_random_normal(&random));
            assert_int_equal(tare_result_add_value(arm, value, round), 0);
        }
        arm->summary.n = ROUNDS;
        arm->summary.median = medians[i];
        arm->summary.median_low = medians[i] * (1 - scatter);
        arm->summary.median_high = medians[i] * (1 + scatter);
        if (c_side_ns > 0) {
            struct tare_result_inner_timer *timer = tare_result_add_inner_timer(arm, "benchlib", bench);
            timer->calls = 1;
            timer->net_ns = c_side_ns;
            timer->net_error_ns = 0.01 * c_side_ns;
        }
    }
}

static const struct tare_suite_figure *figure_of(const struct tare_result *result, const char *kind,
                                                 const char *benchmark, const char *side)
{
    for (size_t i = 0; i < result->suite->figure_count; i++) {
        const struct tare_suite_figure *one = &result->suite->figures[i];
        if (strcmp(one->kind, kind) == 0 && strcmp(one->benchmark, benchmark) == 0 &&
            strcmp(one->side, side) == 0) {
            return one;
        }
    }
    return NULL;
}

static const struct tare_suite_hypothesis *about(const struct tare_result *result, const char *word)
{
    for (size_t i = 0; i < result->suite->hypothesis_count; i++) {
        if (strstr(result->suite->hypotheses[i].text, word) != NULL) {
            return &result->suite->hypotheses[i];
        }
    }
    fail_msg("there is no hypothesis about '%s'", word);
    return NULL;
}

static void a_crossing_is_the_whole_without_the_c_side(void **state)
{
    (void)state;
    static const char *const labels[] = {"c", "ctypes", NULL};
    struct tare_result *result = begin(labels);
    add(result, "add_i32", 0, (const double[]){2, 100}, 2, 0.03, 1.5);
    add(result, "noop", 0, (const double[]){2, 90}, 2, 0.03, 0); /* its timer was not read */
    assert_int_equal(suite_ffi_finish(result), 0);
    const struct tare_suite_figure *figure = figure_of(result, "crossing", "add_i32", "ctypes");
    assert_non_null(figure);
    assert_true(fabs(figure->value - 98.5) < 1e-9);
    double half = hypot(3, 0.015);
    assert_true(fabs(figure->high - figure->value - half) < 1e-9 &&
                fabs(figure->value - figure->low - half) < 1e-9);
    assert_null(figure_of(result, "crossing", "noop", "ctypes"));
    tare_result_free(result);
}

/* A crossing of 100 ns, and work of n * n * n / 10 ns: a tenth is at 900 ns of work, n = 20.8. */
static void a_crossover_is_where_the_share_is_a_tenth(void **state)
{
    (void)state;
    static const char *const labels[] = {"c", "ctypes", NULL};
    static const double sizes[] = {4, 8, 16, 32, 64};
    struct tare_result *result = begin(labels);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        double work = pow(sizes[i], 3) / 10;
        add(result, "matmul", sizes[i], (const double[]){work + 1e-6, work + 100}, 2, 0.001, work);
        add(result, "vector_add", sizes[i], (const double[]){NAN, sizes[i] + 1000}, 2, 0.001, sizes[i]);
    }
    assert_int_equal(suite_ffi_finish(result), 0);
    const struct tare_suite_figure *figure = figure_of(result, "crossover", "matmul", "ctypes");
    assert_non_null(figure);
    assert_true(figure->value > 19 && figure->value < 23);
    assert_true(figure->low <= figure->value && figure->value <= figure->high);
    figure = figure_of(result, "crossover", "matmul", "c");
    assert_true(isnan(figure->value) && strstr(figure->note, "already") != NULL);
    figure = figure_of(result, "crossover", "vector_add", "ctypes");
    assert_true(isnan(figure->value) && strstr(figure->note, "not up to") != NULL);
    tare_result_free(result);
}

/* Uncertain crossings, some of which come out below 0: the ends are in order all the same. */
static void the_ends_of_a_crossover_are_in_order(void **state)
{
    (void)state;
    static const char *const labels[] = {"c", "ctypes", NULL};
    static const double sizes[] = {16, 256, 4096}, crossings[] = {300, 150, -20};
    struct tare_result *result = begin(labels);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        add(result, "array_sum", sizes[i], (const double[]){NAN, sizes[i] + crossings[i]}, 2, 0.02, sizes[i]);
    }
    assert_int_equal(suite_ffi_finish(result), 0);
    const struct tare_suite_figure *figure = figure_of(result, "crossover", "array_sum", "ctypes");
    assert_non_null(figure);
    assert_true(figure->value > 256 && figure->value < 4096);
    assert_true(figure->low <= figure->value && figure->value <= figure->high);
    tare_result_free(result);
}

/* Crossings below 0, certain: with less than two sizes that say something there is no answer, and the reason stands there. */
static void a_crossover_that_is_not_known_says_why(void **state)
{
    (void)state;
    static const char *const labels[] = {"c", "c-plt", "ctypes", NULL};
    static const double sizes[] = {16, 256, 4096};
    struct tare_result *result = begin(labels);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        double work = sizes[i], none = 0.8 * work, some = i == 0 ? work + 5 : none;
        add(result, "array_sum", sizes[i], (const double[]){none, some, work + 100}, 3, 0.01, work);
    }
    add(result, "dot", 1024, (const double[]){800, 800, 800}, 3, 0.01,
        1024); /* of one size nothing was asked */
    assert_int_equal(suite_ffi_finish(result), 0);
    static const char *const unknown[] = {"c", "c-plt"};
    for (size_t i = 0; i < sizeof unknown / sizeof unknown[0]; i++) {
        const struct tare_suite_figure *figure = figure_of(result, "crossover", "array_sum", unknown[i]);
        assert_non_null(figure);
        assert_true(isnan(figure->value) && isnan(figure->low) && isnan(figure->high));
        assert_non_null(strstr(figure->note, "below 0"));
    }
    const struct tare_suite_figure *figure = figure_of(result, "crossover", "array_sum", "ctypes");
    assert_true(figure != NULL && figure->value > 256 && figure->note == NULL);
    assert_null(figure_of(result, "crossover", "dot", "c"));
    tare_result_free(result);
}

/* Not those that could have been, and not the values of the other sides. */
static void calls_that_were_measured_are_named_and_values_of_the_deciding_side_counted(void **state)
{
    (void)state;
    static const char *const labels[] = {"c", "cffi-api", "ctypes", NULL};
    for (size_t both = 0; both < 2; both++) {
        struct tare_result *result = begin(labels);
        add(result, "array_sum", 64, (const double[]){30, 100, 300}, 3, 0.02, 0);
        add(result, "array_sum_copied", 64, (const double[]){30, 200, 330}, 3, 0.02, 0);
        if (both != 0) {
            add(result, "array_scale", 64, (const double[]){30, 100, NAN}, 3, 0.02, 0);
            add(result, "array_scale_copied", 64, (const double[]){30, 200, NAN}, 3, 0.02, 0);
        }
        assert_int_equal(suite_ffi_finish(result), 0);
        const struct tare_suite_hypothesis *one = about(result, "1.5 times");
        assert_string_equal(one->quantity,
                            both != 0
                                ? "with over without, of array_sum and array_scale: mean, lowest and highest "
                                  "end, of 2 sides"
                                : "with over without, of array_sum: mean, lowest and highest end, of 2 sides");
        assert_int_equal(one->n,
                         ROUNDS); /* of ctypes, by which it is refuted; cffi-api may have twice as many */
        assert_true(one->p > 0.9);
        one = about(result, "faster than ctypes");
        assert_null(strstr(one->quantity, ", of "));
        tare_result_free(result);
    }
}

/* What is true of the mean and not of one binding is not supported, and it is named. */
static void one_side_is_enough_to_refute(void **state)
{
    (void)state;
    static const char *const labels[] = {"c", "cffi-api", "ctypes", "luajit", NULL};
    struct tare_result *result = begin(labels);
    add(result, "add_i32", 0, (const double[]){1, 50, 50, 1}, 4, 0.02, 0);
    add(result, "callback_once", 0, (const double[]){2, 250, 250, 80}, 4, 0.02, 0);
    assert_int_equal(suite_ffi_finish(result), 0);
    const struct tare_suite_hypothesis *one = about(result, "3 to 10");
    assert_int_equal(one->answer, TARE_SUITE_NOT_SUPPORTED);
    assert_non_null(strstr(one->reason, "luajit "));
    assert_null(strstr(one->reason, "ctypes"));
    assert_true(one->p > 0.9);
    tare_result_free(result);

    result = begin(labels);
    add(result, "add_i32", 0, (const double[]){1, 50, 50, 1}, 4, 0.02, 0);
    add(result, "callback_once", 0, (const double[]){2, 250, 300, 5}, 4, 0.02, 0);
    assert_int_equal(suite_ffi_finish(result), 0);
    one = about(result, "3 to 10");
    assert_int_equal(one->answer, TARE_SUITE_SUPPORTED);
    assert_true(one->low > 3 && one->high < 10 && one->p_adjusted < 0.01 && one->n == ROUNDS);
    tare_result_free(result);
}

static void hypotheses_get_the_answer_that_is_true(void **state)
{
    (void)state;
    static const char *const labels[] = {"c", "cffi-api", "ctypes", "py-c-api", NULL};
    struct tare_result *result = begin(labels);
    add(result, "noop", 0, (const double[]){1, 50, 150, 40}, 4, 0.02, 0);
    add(result, "add_i32", 0, (const double[]){1, 60, 200, 50}, 4, 0.02, 0);
    add(result, "array_sum", 64, (const double[]){30, 100, 300, 90}, 4, 0.02, 0);
    add(result, "array_sum_copied", 64, (const double[]){30, 110, 330, 99}, 4, 0.02, 0);
    add(result, "callback_once", 0, (const double[]){2, 60 * 2.9, 200 * 3.1, 50 * 3}, 4, 0.2, 0);
    assert_int_equal(suite_ffi_finish(result), 0);
    const struct tare_suite_hypothesis *one = about(result, "faster than ctypes");
    assert_int_equal(one->answer, TARE_SUITE_SUPPORTED);
    assert_int_equal(one->n, 5 * ROUNDS); /* all calls that both sides have */
    assert_true(one->p_adjusted < 0.01 && one->p_adjusted >= one->p);
    one = about(result, "1.5 times");
    assert_int_equal(one->answer, TARE_SUITE_NOT_SUPPORTED);
    assert_true(one->estimate > 1.05 && one->estimate < 1.15 && one->p_adjusted > 0.9);
    one = about(result, "3 to 10");
    assert_int_equal(one->answer, TARE_SUITE_UNRESOLVED);
    assert_true(one->low < 3 && one->high > 3 && one->reason != NULL);
    one = about(result, "dict");
    assert_int_equal(one->answer, TARE_SUITE_UNRESOLVED);
    assert_true(isnan(one->estimate) && isnan(one->p) && one->n == 0 && one->reason != NULL);
    tare_result_free(result);
}

/* Of nothing, nothing follows, and nothing breaks. */
static void nothing_is_fine(void **state)
{
    (void)state;
    static const char *const labels[] = {NULL};
    struct tare_result *result = begin(labels);
    assert_int_equal(suite_ffi_finish(result), 0);
    assert_int_equal(result->suite->figure_count, 0);
    for (size_t i = 0; i < result->suite->hypothesis_count; i++) {
        assert_int_equal(result->suite->hypotheses[i].answer, TARE_SUITE_UNRESOLVED);
    }
    tare_result_free(result);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_crossing_is_the_whole_without_the_c_side),
        cmocka_unit_test(a_crossover_is_where_the_share_is_a_tenth),
        cmocka_unit_test(the_ends_of_a_crossover_are_in_order),
        cmocka_unit_test(a_crossover_that_is_not_known_says_why),
        cmocka_unit_test(calls_that_were_measured_are_named_and_values_of_the_deciding_side_counted),
        cmocka_unit_test(one_side_is_enough_to_refute),
        cmocka_unit_test(hypotheses_get_the_answer_that_is_true),
        cmocka_unit_test(nothing_is_fine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
