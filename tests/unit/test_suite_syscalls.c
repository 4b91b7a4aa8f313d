/* SPDX-License-Identifier: MIT */
/*
 * suites/syscalls/finish.c: layers' own times are differences of what passes through them, add up to the benchmark, have
 * errors, and are unknown where calls of two parties overlap or the errors are too large. And the suite's table hangs together.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "result/model.h"
#include "suites/syscalls/syscalls.h"

static void add_timer(struct tare_result_arm *arm, const char *module, const char *name, double calls,
                      double net_ns, double error_ns)
{
    struct tare_result_inner_timer *timer = tare_result_add_inner_timer(arm, module, name);
    assert_non_null(timer);
    timer->calls = calls;
    timer->net_ns = net_ns;
    timer->net_error_ns = error_ns;
}

static struct tare_result *new_result(void)
{
    struct tare_result *result = tare_result_new();
    assert_non_null(result);
    result->bench = tare_result_bench_new();
    result->suite = tare_result_suite_new("syscalls", true);
    assert_non_null(result->bench);
    assert_non_null(result->suite);
    static char about[] = "", labels[][10] = {"native", "sandboxed"}, arms[][2] = {"A", "B"};
    struct tare_suite_side native = {.label = labels[0], .about = about, .arm = arms[0]};
    struct tare_suite_side sandboxed = {.label = labels[1], .about = about, .arm = arms[1]};
    assert_int_equal(tare_suite_add_side(result->suite, &native), 0);
    assert_int_equal(tare_suite_add_side(result->suite, &sandboxed), 0);
    return result;
}

/* A benchmark with both arms; that of the sandboxed side is returned. */
static struct tare_result_arm *add_benchmark(struct tare_result *result, const char *name, const char *bench,
                                             double native_ns, double sandboxed_ns)
{
    struct tare_result_benchmark *benchmark = tare_result_add_benchmark(result->bench, name);
    assert_non_null(benchmark);
    benchmark->bench = strdup(bench);
    const char *labels[] = {"A", "B"};
    const double medians[] = {native_ns, sandboxed_ns};
    struct tare_result_arm *arm = NULL;
    for (size_t i = 0; i < 2; i++) {
        arm = tare_result_add_arm(benchmark, labels[i], "program");
        assert_non_null(arm);
        arm->summary.n = 10;
        arm->summary.median = medians[i];
        arm->summary.median_low = medians[i] - 2;
        arm->summary.median_high = medians[i] + 2;
    }
    return arm;
}

static const struct tare_suite_figure *look_for(const struct tare_result *result, const char *kind,
                                                const char *benchmark, const char *part)
{
    for (size_t i = 0; i < result->suite->figure_count; i++) {
        const struct tare_suite_figure *figure = &result->suite->figures[i];
        if (strcmp(figure->kind, kind) == 0 && strcmp(figure->benchmark, benchmark) == 0 &&
            strcmp(figure->part, part) == 0) {
            return figure;
        }
    }
    return NULL;
}

static const struct tare_suite_figure *find(const struct tare_result *result, const char *kind,
                                            const char *benchmark, const char *part)
{
    const struct tare_suite_figure *figure = look_for(result, kind, benchmark, part);
    if (figure == NULL) {
        fail_msg("no figure '%s' of '%s', '%s'", kind, benchmark, part);
    }
    return figure;
}

static void assert_near(double found, double expected)
{
    if (!(fabs(found - expected) < 1e-9)) {
        fail_msg("%.17g is not %.17g", found, expected);
    }
}

static void assert_figure(const struct tare_result *result, const char *benchmark, const char *part, double ns,
                          double error_ns)
{
    const struct tare_suite_figure *figure = find(result, "layer-ns", benchmark, part);
    assert_int_equal(figure->unit, TARE_SUITE_NS);
    assert_string_equal(figure->side, "sandboxed");
    assert_near(figure->value, ns);
    assert_near(figure->low, ns - error_ns);
    assert_near(figure->high, ns + error_ns);
}

static void layers_are_differences(void **state)
{
    (void)state;
    struct tare_result *result = new_result();
    struct tare_result_arm *arm = add_benchmark(result, "pread/4096", "pread", 100, 200);
    add_timer(arm, "lind_boot", "invoke_func", 0.001, 1000, 1);
    add_timer(arm, "lind_common", "add_to_linker::make-syscall", 1, 190, 3);
    add_timer(arm, "threei", "make_syscall", 1, 170, 4);
    add_timer(arm, "rawposix", "pread_syscall", 1, 160, 0);
    add_timer(arm, "fdtables", "translate_virtual_fd", 1, 10, 0);
    add_timer(arm, "elsewhere", "what", 1, 70, 0);
    assert_int_equal(suite_syscalls_finish(result), 0);
    assert_int_equal(result->suite->figure_count, 10);
    assert_figure(result, "pread/4096", "module", 10, hypot(2, 3));
    assert_figure(result, "pread/4096", "lind-common", 20, 5);
    assert_figure(result, "pread/4096", "threei", 10, 4);
    assert_figure(result, "pread/4096", "rawposix, kernel", 150, 0);
    assert_figure(result, "pread/4096", "fdtables", 10, 0);
    double shares = 0;
    for (size_t i = 0; i < result->suite->figure_count; i++) {
        const struct tare_suite_figure *figure = &result->suite->figures[i];
        if (figure->unit == TARE_SUITE_SHARE) {
            assert_string_equal(figure->kind, "layer");
            assert_true(figure->low <= figure->value && figure->value <= figure->high);
            shares += figure->value;
        }
    }
    assert_near(shares, 1);
    /* 150 of 200 +- 2: the quotient's error comes from the divisor alone. */
    const struct tare_suite_figure *kernel = find(result, "layer", "pread/4096", "rawposix, kernel");
    assert_near(kernel->value, 0.75);
    assert_near(kernel->high - kernel->value, 0.0075);
    tare_result_free(result);
}

/* Several calls in an iteration, by several timers of a layer. */
static void calls_count_as_often_as_they_are_made(void **state)
{
    (void)state;
    struct tare_result *result = new_result();
    struct tare_result_arm *arm = add_benchmark(result, "fd_fill", "fd_fill", 1000, 5000);
    add_timer(arm, "lind_common", "add_to_linker::make-syscall", 20, 200, 1);
    add_timer(arm, "threei", "make_syscall", 20, 150, 1);
    add_timer(arm, "rawposix", "dup_syscall", 10, 100, 3);
    add_timer(arm, "rawposix", "close_syscall", 10, 120, 4);
    add_timer(arm, "fdtables", "dup_virtual_fd", 10, 60, 0);
    add_timer(arm, "fdtables", "close_virtualfd", 10, 70, 0);
    assert_int_equal(suite_syscalls_finish(result), 0);
    assert_figure(result, "fd_fill", "module", 1000, hypot(2, 20));
    assert_figure(result, "fd_fill", "lind-common", 1000, hypot(20, 20));
    assert_figure(result, "fd_fill", "threei", 800, hypot(20, 50));
    assert_figure(result, "fd_fill", "rawposix, kernel", 900, 50);
    assert_figure(result, "fd_fill", "fdtables", 1300, 0);
    tare_result_free(result);
}

/* A mean has in it what disturbed that execution. */
static void the_median_stands_for_each_call(void **state)
{
    (void)state;
    struct tare_result *result = new_result();
    struct tare_result_arm *arm = add_benchmark(result, "fd_dup_close/0", "fd_dup_close", 100, 100);
    add_timer(arm, "lind_common", "add_to_linker::make-syscall", 2, 900, 500);
    add_timer(arm, "threei", "make_syscall", 2, 20, 0);
    arm->timers[0].net_p50_ns = 30;
    arm->timers[0].net_p50_error_ns = 2;
    assert_int_equal(suite_syscalls_finish(result), 0);
    assert_figure(result, "fd_dup_close/0", "module", 40, hypot(2, 4));
    assert_figure(result, "fd_dup_close/0", "lind-common", 20, 4);
    assert_figure(result, "fd_dup_close/0", "threei", 40, 0); /* no median is known */
    tare_result_free(result);
}

static void what_overlaps_is_unknown(void **state)
{
    (void)state;
    struct tare_result *result = new_result();
    struct tare_result_arm *arm = add_benchmark(result, "pipe_pingpong", "pipe_pingpong", 1000, 2000);
    add_timer(arm, "lind_common", "add_to_linker::make-syscall", 4, 900, 1);
    add_timer(arm, "threei", "make_syscall", 4, 800, 1);
    assert_int_equal(suite_syscalls_finish(result), 0);
    assert_int_equal(result->suite->figure_count, 1);
    const struct tare_suite_figure *figure = &result->suite->figures[0];
    assert_null(figure->part);
    assert_true(isnan(figure->value) && isnan(figure->low) && isnan(figure->high));
    assert_non_null(figure->note);
    tare_result_free(result);
}

static void a_grate_is_in_threei(void **state)
{
    (void)state;
    struct tare_result *result = new_result();
    struct tare_result_arm *arm = add_benchmark(result, "grate_memory_pread/1", "grate_memory_pread", 100, 300);
    add_timer(arm, "lind_common", "add_to_linker::make-syscall", 1, 280, 1);
    add_timer(arm, "threei", "make_syscall", 1, 250, 1);
    add_timer(arm, "threei", "copy_data_between_cages", 1, 60, 1); /* within the former */
    assert_int_equal(suite_syscalls_finish(result), 0);
    assert_figure(result, "grate_memory_pread/1", "threei", 250, 1);
    assert_non_null(find(result, "layer", "grate_memory_pread/1", "threei")->note);
    assert_null(look_for(result, "layer", "grate_memory_pread/1", "rawposix, kernel")); /* the grate answers */
    assert_null(look_for(result, "layer-ns", "grate_memory_pread/1", "fdtables"));
    tare_result_free(result);
}

/* A layer that was not called has no part, and takes none of another's. */
static void layers_that_were_not_called(void **state)
{
    (void)state;
    struct tare_result *result = new_result();
    struct tare_result_arm *arm = add_benchmark(result, "close_bad", "close_bad", 80, 100);
    add_timer(arm, "lind_common", "add_to_linker::make-syscall", 1, 90, 1);
    add_timer(arm, "threei", "make_syscall", 1, 70, 0);
    add_timer(arm, "rawposix", "pread_syscall", 0, 50, 2);
    add_timer(arm, "fdtables", "close_virtualfd", 1, 20, 0);
    assert_int_equal(suite_syscalls_finish(result), 0);
    assert_int_equal(result->suite->figure_count, 8);
    assert_figure(result, "close_bad", "lind-common", 20, 1);
    assert_figure(result, "close_bad", "threei", 50, 0);
    assert_figure(result, "close_bad", "fdtables", 20, 0);
    assert_null(look_for(result, "layer", "close_bad", "rawposix, kernel"));
    tare_result_free(result);
}

/* More than half of the call either way says nothing. */
static void what_is_too_uncertain_is_unknown(void **state)
{
    (void)state;
    struct tare_result *result = new_result();
    struct tare_result_arm *arm = add_benchmark(result, "fd_cages/1000", "fd_cages", 80, 100);
    add_timer(arm, "lind_common", "add_to_linker::make-syscall", 1, 90, 30);
    add_timer(arm, "threei", "make_syscall", 1, 70, 30);
    add_timer(arm, "rawposix", "dup_syscall", 1, 65, 45);
    add_timer(arm, "fdtables", "dup_virtual_fd", 1, 20, 49);
    assert_int_equal(suite_syscalls_finish(result), 0);
    assert_int_equal(result->suite->figure_count, 10);
    const char *unknown[] = {"threei", "rawposix, kernel"}; /* hypot(30, 45) and hypot(45, 49) of 100 */
    for (size_t i = 0; i < 2; i++) {
        const char *kinds[] = {"layer", "layer-ns"};
        for (size_t j = 0; j < 2; j++) {
            const struct tare_suite_figure *figure = find(result, kinds[j], "fd_cages/1000", unknown[i]);
            assert_true(isnan(figure->value) && isnan(figure->low) && isnan(figure->high));
            assert_non_null(strstr(figure->note, "too uncertain"));
        }
    }
    assert_figure(result, "fd_cages/1000", "lind-common", 20, hypot(30, 30));
    assert_figure(result, "fd_cages/1000", "fdtables", 20, 49);
    assert_null(find(result, "layer", "fd_cages/1000", "fdtables")->note);
    tare_result_free(result);
}

/* The timers' sum is beyond the benchmark's time: shares are of that sum, and what the module takes is unknown. */
static void parts_beyond_the_whole_are_said(void **state)
{
    (void)state;
    struct tare_result *result = new_result();
    struct tare_result_arm *arm = add_benchmark(result, "null_call", "null_call", 80, 110);
    add_timer(arm, "lind_common", "add_to_linker::make-syscall", 1, 400, 10);
    add_timer(arm, "threei", "make_syscall", 1, 300, 1);
    add_timer(arm, "rawposix", "geteuid_syscall", 1, 200, 1);
    assert_int_equal(suite_syscalls_finish(result), 0);
    assert_true(isnan(find(result, "layer", "null_call", "module")->value));
    assert_near(find(result, "layer", "null_call", "threei")->value, 0.25);
    assert_near(find(result, "layer", "null_call", "rawposix, kernel")->value, 0.5);
    assert_non_null(find(result, "layer", "null_call", "module")->note);
    assert_null(find(result, "layer", "null_call", "threei")->note);
    /* Within the errors it is not: a little below 0 is what it is. */
    arm = add_benchmark(result, "close_bad", "close_bad", 80, 100);
    add_timer(arm, "lind_common", "add_to_linker::make-syscall", 1, 105, 10);
    assert_int_equal(suite_syscalls_finish(result), 0);
    assert_near(find(result, "layer-ns", "close_bad", "module")->value, -5);
    assert_null(find(result, "layer-ns", "close_bad", "module")->note);
    tare_result_free(result);
}

/* No timers, no calls, no figures of the benchmark, no suite. */
static void what_was_not_measured_has_no_layers(void **state)
{
    (void)state;
    struct tare_result *result = new_result();
    add_benchmark(result, "null_call", "null_call", 100, 200);
    struct tare_result_arm *arm = add_benchmark(result, "fibonacci/20", "fibonacci", 100, 120);
    add_timer(arm, "lind_boot", "invoke_func", 0.1, 1000, 1);
    arm = add_benchmark(result, "close_bad", "close_bad", 100, NAN);
    add_timer(arm, "lind_common", "add_to_linker::make-syscall", 1, 100, 1);
    assert_int_equal(suite_syscalls_finish(result), 0);
    assert_int_equal(result->suite->figure_count, 0);
    tare_result_suite_free(result->suite);
    result->suite = NULL;
    assert_int_equal(suite_syscalls_finish(result), 0);
    tare_result_free(result);
}

static void the_table_hangs_together(void **state)
{
    (void)state;
    for (size_t i = 0; i < suite_syscalls.group_count; i++) {
        const struct suite_group *group = suite_syscalls.groups[i], *found;
        assert_true(group->count > 0);
        for (size_t j = 0; j < group->count; j++) {
            const struct suite_case *one = &group->cases[j];
            assert_ptr_equal(suite_find_case(&suite_syscalls, one->bench, &found),
                             one); /* its name occurs once */
            assert_ptr_equal(found, group);
            assert_true(one->about[0] != '\0' && one->about[strlen(one->about) - 1] != '.');
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(layers_are_differences),
        cmocka_unit_test(calls_count_as_often_as_they_are_made),
        cmocka_unit_test(the_median_stands_for_each_call),
        cmocka_unit_test(what_overlaps_is_unknown),
        cmocka_unit_test(a_grate_is_in_threei),
        cmocka_unit_test(layers_that_were_not_called),
        cmocka_unit_test(what_is_too_uncertain_is_unknown),
        cmocka_unit_test(parts_beyond_the_whole_are_said),
        cmocka_unit_test(what_was_not_measured_has_no_layers),
        cmocka_unit_test(the_table_hangs_together),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
