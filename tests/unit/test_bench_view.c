/* SPDX-License-Identifier: MIT */
/* view/bench.h: what people read of benchmarks, letter by letter, and what odd terminals and names do to it. */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "runtime/text.h"
#include "tests/unit/comma_locale.h"
#include "tests/unit/sample_bench.h"
#include "tests/unit/sample_result.h"
#include "view/bench.h"
#include "view/bench_text.h"

#define HEADER "benchmark                        median  ± 95 %     MAD       min       p99    n\n"
#define RULE                                                                                                   \
    "\n% are of time: 2 % faster takes 2 % less; where nothing differs, at most 1 call\n"                      \
    "in 500 says faster or slower, all of its comparisons together\n"

static char *shown(const struct tare_result *result, const struct tare_view_options *options,
                   enum tare_format format, bool plot)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    assert_int_equal(tare_view_bench(result, options, format, plot, out), 0);
    assert_int_equal(fclose(out), 0);
    return text;
}

static void assert_table(const struct tare_result *result, const struct tare_view_options *options,
                         const char *expected)
{
    char *text = shown(result, options, TARE_FORMAT_TABLE, false);
    assert_string_equal(text, expected);
    free(text);
}

static void assert_says(const struct tare_result *result, const struct tare_view_options *options,
                        const char *part)
{
    char *text = shown(result, options, TARE_FORMAT_TABLE, false);
    if (strstr(text, part) == NULL) {
        fail_msg("no '%s' in: %s", part, text);
    }
    free(text);
}

static void assert_silent(const struct tare_result *result, const struct tare_view_options *options,
                          const char *part)
{
    char *text = shown(result, options, TARE_FORMAT_TABLE, false);
    if (strstr(text, part) != NULL) {
        fail_msg("'%s' in: %s", part, text);
    }
    free(text);
}

static const struct tare_view_options plain = {.width = 80};
static const struct tare_view_options ascii = {.width = 80, .ascii = true};
static const struct tare_view_options full = {.width = 80, .full = true};

/* Without comparison */

static void a_quiet_benchmark_is_one_line(void **state)
{
    (void)state;
    struct tare_result *result = sample_bench();
    sample_bench_single(result, "ring_write/64", 12.34);
    assert_table(result, &plain,
                 HEADER "ring_write/64                  12.34 ns   0.4 %   1.0 %  12.09 ns  12.96 ns   30\n");
    assert_table(result, &(struct tare_view_options){.width = 100},
                 "benchmark                                 median  ± 95 %     MAD       min       p99       "
                 "rate    n\n"
                 "ring_write/64                           12.34 ns   0.4 %   1.0 %  12.09 ns  12.96 ns        "
                 "  -   30\n");
    assert_table(result, &(struct tare_view_options){.width = 60},
                 "benchmark                        median  ± 95 %     MAD    n\n"
                 "ring_write/64                  12.34 ns   0.4 %   1.0 %   30\n");
    tare_result_free(result);
}

static void what_matters_stands_below_a_benchmark(void **state)
{
    (void)state;
    struct tare_result *result = sample_bench();
    struct tare_result_benchmark *benchmark = sample_bench_single(result, "ring_write/64", 12.34);
    struct tare_result_arm *arm = &benchmark->arms[0];
    arm->first_ns = 12.34 * 145;
    arm->warmup = 3;
    arm->warmup_settled = 0;
    arm->summary.outliers[TARE_OUTLIER_HIGH_MILD] = 2;
    arm->summary.outliers[TARE_OUTLIER_HIGH_SEVERE] = 1;
    arm->summary.modes.count = 2;
    arm->summary.modes.mode[0] = (struct tare_mode){.location = 12.1, .low = 12, .high = 12.3, .share = 0.7};
    arm->summary.modes.mode[1] = (struct tare_mode){.location = 14.52, .low = 14, .high = 15, .share = 0.3};
    arm->loop_ns = 0.27;
    arm->bytes_per_op = 64;
    arm->items_per_op = 1;
    arm->per_op[TARE_PER_OP_SYSCALLS] = 2;
    arm->per_op[TARE_PER_OP_PAGE_FAULTS] = 0.00123;
    arm->per_op[TARE_PER_OP_CONTEXT_SWITCHES] = 0;
    arm->per_op[TARE_PER_OP_ALLOCATIONS] = 0;
    arm->per_op[TARE_PER_OP_CYCLES] = 32;
    arm->per_op[TARE_PER_OP_INSTRUCTIONS] = 80;
    arm->per_op[TARE_PER_OP_VALGRIND_INSTRUCTIONS] = 412345;
    struct tare_result_inner_timer *timer = tare_result_add_inner_timer(arm, "ring", "copy");
    assert_non_null(timer);
    timer->calls = 2;
    timer->net_ns = 4.123;
    timer->net_error_ns = 0.31;
    assert_non_null(tare_result_add_inner_timer(arm, "ring", "wait"));
    benchmark->contamination.dropped = 2;
    benchmark->contamination.wait_ns = 8e7;
    assert_table(result, &plain,
                 HEADER "ring_write/64                  12.34 ns   0.4 %   1.0 %  12.09 ns  12.96 ns   30\n"
                        "    5.19 GB/s; 81.0 M items/s; first 1.79 µs, 145 ×; warm-up: 3 samples left\n"
                        "    out; never settled: the times still moved at the end; outliers: 2 high mild,\n"
                        "    1 high severe of 30; 2 modes: 12.10 ns (70 %), 14.5 ns (30 %); loop: 0.27 ns\n"
                        "    subtracted\n"
                        "    per operation: 2 syscalls, 0.001 page faults, 32 cycles, 80 instructions,\n"
                        "    412 k instructions by valgrind, IPC 2.50, no allocations\n"
                        "    timer ring::copy: 2 calls, net 4.1 ns ± 0.3 ns\n"
                        "    timer ring::wait: net unknown\n"
                        "    2 of 30 rounds dropped; waiting 2.0 %\n"
                        "\n"
                        "a round is dropped, for all arms, if waiting took over 10 % of its time\n");
    timer = &arm->timers[0];
    timer->net_p50_ns = 4.4; /* as near as both errors allow */
    timer->net_p50_error_ns = 0.2;
    assert_says(result, &plain, "timer ring::copy: 2 calls, net 4.1 ns ± 0.3 ns\n");
    timer->net_p50_error_ns = 0.09; /* less than a third of the average's */
    assert_says(result, &plain, "timer ring::copy: 2 calls, net p50 4.40 ns ± 0.09 ns, average 4.1 ns ±\n");
    timer->net_p50_error_ns = 0.2;
    timer->net_ns = 15.59; /* something that the average alone has */
    timer->net_error_ns = 2.8;
    assert_says(result, &plain, "timer ring::copy: 2 calls, net p50 4.4 ns ± 0.2 ns, average 16 ns ± 3 ns\n");
    timer->net_ns = 4.123;
    timer->net_error_ns = 0.31;
    arm->per_op[TARE_PER_OP_PAGE_FAULTS] = -0.000006;
    assert_silent(result, &plain, "page faults");
    assert_says(result, &full, "2 syscalls, -6e-06 page faults");
    assert_says(result, &ascii, "first 1.79 us, 145 x;");
    assert_says(result, &ascii, "net 4.1 ns +- 0.3 ns");
    tare_result_free(result);
}

static void a_rate_has_its_column_where_there_is_room(void **state)
{
    (void)state;
    struct tare_result *result = sample_bench();
    struct tare_result_benchmark *bytes = sample_bench_single(result, "copy", 10);
    bytes->arms[0].bytes_per_op = 64;
    bytes->arms[0].items_per_op = 1;
    sample_bench_single(result, "push", 10)->arms[0].items_per_op = 2;
    const struct tare_view_options wide = {.width = 120};
    assert_says(result, &wide, " 6.40 GB/s   30\n    100 M items/s\n");
    assert_says(result, &wide, "   200 M/s   30\n");
    assert_says(result, &plain, "\n    6.40 GB/s; 100 M items/s\n");
    assert_says(result, &plain, "\n    200 M items/s\n");
    tare_result_free(result);
}

static void a_failure_is_told_with_the_figures_that_there_are(void **state)
{
    (void)state;
    struct tare_result *result = sample_bench();
    struct tare_result_benchmark *benchmark = sample_bench_single(result, "crashes", 100);
    benchmark->arms[0].summary = (struct tare_summary){0};
    benchmark->arms[0].failure = sample_string("killed by signal 11 (SIGSEGV)");
    sample_bench_single(result, "hangs", 100)->arms[0].failure = sample_string("took longer than 10 s");
    sample_bench_single(result, "fine", 100);
    assert_non_null(tare_result_add_benchmark(result->bench, "empty"));
    assert_table(result, &plain,
                 HEADER "crashes\n"
                        "    failed: killed by signal 11 (SIGSEGV)\n"
                        "hangs                          100.0 ns   0.4 %   1.0 %   98.0 ns  105.0 ns   30\n"
                        "    failed: took longer than 10 s\n"
                        "fine                           100.0 ns   0.4 %   1.0 %   98.0 ns  105.0 ns   30\n"
                        "empty\n"
                        "    nothing was measured\n"
                        "2 of 4 benchmarks failed\n");
    tare_result_free(result);
}

static void everything_can_be_asked_for(void **state)
{
    (void)state;
    struct tare_result *result = sample_bench();
    struct tare_result_benchmark *benchmark = sample_bench_single(result, "ring_write/64", 12.34);
    benchmark->file = sample_string("ring_bench.c");
    benchmark->line = 12;
    benchmark->threads = 4;
    benchmark->layouts = 3;
    benchmark->arms[0].iterations = 4096;
    benchmark->arms[0].samples = 12;
    benchmark->arms[0].loop_ns = 0.01;
    assert_table(result, &full,
                 HEADER "ring_write/64                  12.34 ns   0.4 %   1.0 %  12.09 ns  12.96 ns   30\n"
                        "    n 30 processes, each the median of 12 samples of 4096 iterations; 4 threads;\n"
                        "    3 layouts; took 4.2 s; ring_bench.c:12\n"
                        "    median 12.34 ns (12.29 ns to 12.39 ns at 95 %), MAD 0.123 ns, mean 12.46 ns,\n"
                        "    sd 0.370 ns, CV 3.0 %\n"
                        "    min 12.09 ns, p50 12.34 ns, p95 12.59 ns, p99 12.96 ns, max 18.51 ns\n"
                        "    outliers: 0 low severe, 0 low mild, 0 high mild, 0 high severe of 30;\n"
                        "    1 mode; dip: p 0.600\n"
                        "    loop: 0.01 ns subtracted\n"
                        "    steal 0.1 %, waiting 0.2 %, pressure 2.5 %, 12 involuntary switches,\n"
                        "    1 migration, 2.59 to 2.61 GHz\n");
    tare_result_free(result);
}

static void growth_is_said_with_how_well_it_fits(void **state)
{
    (void)state;
    static const struct tare_growth growths[] = {
        {.best = TARE_GROWTH_LINEAR, .clear = true, .base = 12.1, .factor = 0.0214, .error = 0.031},
        {.best = TARE_GROWTH_LOG, .second = TARE_GROWTH_CONSTANT, .base = 8.2, .factor = 0.14, .error = 0.051},
        {.best = TARE_GROWTH_CONSTANT, .clear = true, .base = 8.2, .error = 0.012, .exponent = 0.01},
        {.best = TARE_GROWTH_QUADRATIC,
         .clear = true,
         .base = 0,
         .factor = 3.2,
         .error = 0.1,
         .exponent = 1.96},
        {.base = NAN, .factor = NAN, .error = NAN, .exponent = NAN},
    };
    static const char *const names[] = {"ring_write", "find", "push", "sort", "odd"};
    struct tare_result *result = sample_bench();
    for (size_t i = 0; i < 5; i++) {
        struct tare_result_growth *growth = tare_result_add_growth(result->bench, names[i]);
        assert_non_null(growth);
        growth->growth = growths[i];
    }
    assert_table(result, &plain,
                 "no benchmarks\n"
                 "\n"
                 "ring_write grows as O(n): 12.1 ns + 0.0214 ns × n (error 3.1 %)\n"
                 "find grows as O(log n) or O(1), these data do not tell; as O(log n): 8.2 ns +\n"
                 "    0.140 ns × log2 n (error 5.1 %)\n"
                 "push is O(1): 8.20 ns (error 1.2 %)\n"
                 "sort grows as O(n^2): 0.000 ns + 3.2 ns × n² (error 10 %)\n"
                 "odd grows in an unknown way\n");
    assert_says(result, &full, "(error 10 %, exponent 1.96)");
    assert_says(result, &ascii, "3.2 ns x n^2");
    tare_result_free(result);
}

static void growth_names_its_arm_and_argument_where_there_are_several(void **state)
{
    (void)state;
    struct tare_result *result = sample_bench();
    struct tare_result_benchmark *benchmark = sample_bench_compared(result, "copy/1/2", 10, 1);
    const double args[] = {1, 2};
    benchmark->bench = sample_string("copy");
    assert_int_equal(tare_result_set_args(benchmark, args, 2), 0);
    struct tare_result_growth *growth = tare_result_add_growth(result->bench, "copy");
    assert_non_null(growth);
    growth->arm = 2;
    growth->arg = 1;
    growth->growth =
        (struct tare_growth){.best = TARE_GROWTH_CONSTANT, .clear = true, .base = 10, .error = 0.01};
    assert_says(result, &plain, "\ncopy (B), in argument 2, is O(1): 10.00 ns (error 1.0 %)\n");
    tare_result_free(result);
}

/* With comparisons */

static void the_verdict_stands_right_below_the_name(void **state)
{
    (void)state;
    struct tare_result *result = sample_bench();
    struct tare_result_benchmark *benchmark = sample_bench_compared(result, "ring_write/64", 12.34, 1.018);
    sample_bench_compare(benchmark, 2, TARE_VERDICT_SLOWER, 1.018, 1.015, 1.021);
    benchmark->arms[2].revision = sample_string("1a2b3c4");
    assert_table(result, &plain,
                 "A  ./old/ring_bench\n"
                 "B  ./new/ring_bench at 1a2b3c4\n"
                 "\n" HEADER "\n"
                 "ring_write/64\n"
                 "  => B is 1.8 % slower (1.5 to 2.1 %, 99.8 % sure over the call)\n"
                 "  A                            12.34 ns   0.4 %   1.0 %  12.09 ns  12.96 ns   40\n"
                 "  B                            12.56 ns   0.4 %   1.0 %  12.31 ns  13.19 ns   40\n"
                 "     control A against A: +0.1 % (-0.2 to +0.3 %); decided in 40 rounds, 4.2 s\n"
                 "     steal 0.1 %, waiting 0.2 %, pressure 2.5 %, 12 involuntary switches,\n"
                 "     1 migration, 2.59 to 2.61 GHz\n" RULE);
    assert_says(result, &full, "\n  A'                           12.34 ns");
    tare_result_free(result);
}

static void assert_verdict(enum tare_verdict verdict, double ratio, double low, double high, const char *line)
{
    struct tare_result *result = sample_bench();
    sample_bench_compare(sample_bench_compared(result, "x", 100, ratio), 2, verdict, ratio, low, high);
    char *whole;
    assert_true(asprintf(&whole, "\nx\n  => %s\n", line) > 0);
    assert_says(result, &plain, whole);
    free(whole);
    tare_result_free(result);
}

static void each_verdict_has_its_words(void **state)
{
    (void)state;
    assert_verdict(TARE_VERDICT_FASTER, 0.98, 0.977, 0.983,
                   "B is 2.0 % faster (1.7 to 2.3 %, 99.8 % sure over the call)");
    assert_verdict(TARE_VERDICT_SLOWER, 1.0042, 1.0031, 1.0053,
                   "B is 0.42 % slower (0.31 to 0.53 %, 99.8 % sure over the call): less than\n"
                   "     the margin of 1 %");
    assert_verdict(TARE_VERDICT_SAME, 1.0005, 0.998, 1.003, "B is the same within 1 % (-0.2 to +0.3 %)");
    assert_verdict(TARE_VERDICT_SLOWER, 2.51, 2.42, 2.6,
                   "B is 2.51 × slower (2.42 to 2.60 ×, 99.8 % sure over the call)");
    assert_verdict(TARE_VERDICT_FASTER, 0.25, 0.24, 0.26,
                   "B is 4.00 × faster (3.85 to 4.17 ×, 99.8 % sure over the call)");
    /* The end next to 0 is not shown as 0, or it would contradict the verdict. */
    assert_verdict(TARE_VERDICT_SLOWER, 1.02, 1.0002, 1.04,
                   "B is 2.00 % slower (0.02 to 4.00 %, 99.8 % sure over the call)");
    assert_verdict(TARE_VERDICT_UNRESOLVED, 1.0075, 0.996, 1.019, "B is unresolved: -0.4 to +1.9 %");
    assert_verdict(TARE_VERDICT_UNRESOLVED, NAN, NAN, NAN, "B is unresolved: too few rounds for an interval");
}

static void an_unresolved_verdict_says_what_would_settle_it(void **state)
{
    (void)state;
    struct tare_result *result = sample_bench();
    struct tare_comparison *comparison = sample_bench_compare(sample_bench_compared(result, "x", 100, 1), 2,
                                                              TARE_VERDICT_UNRESOLVED, 1.0075, 0.996, 1.019);
    comparison->smallest = 0.016;
    comparison->units_needed = 187.2; /* of which there are 20; a unit is two rounds, 40 rounds took 4.2 s */
    result->bench->benchmarks[0].comparisons[0].reason = sample_string("the interval holds 1");
    assert_says(result, &plain,
                "  => B is unresolved: -0.4 to +1.9 %; this run could have seen 1.6 % or more;\n"
                "     some 340 rounds (36 s) more would settle it\n");
    comparison->units_needed = 20; /* it has them, and yet: nothing is known of how many more */
    assert_silent(result, &plain, "more would settle it");
    comparison->units_needed = NAN;
    comparison->layouts_needed = 14;
    assert_says(result, &plain,
                "  => B is unresolved: -0.4 to +1.9 %; this run could have seen 1.6 % or more;\n"
                "     some 14 link orders would settle it\n");
    tare_result_free(result);
}

/* A time that is not above zero: the order is known, and no ratio. */
static void a_verdict_without_a_ratio_says_why(void **state)
{
    (void)state;
    struct tare_result *result = sample_bench();
    struct tare_result_benchmark *benchmark = sample_bench_compared(result, "x", 100, 1);
    sample_bench_compare(benchmark, 2, TARE_VERDICT_SLOWER, NAN, NAN, NAN);
    benchmark->comparisons[0].reason = sample_string("there is no ratio");
    assert_says(result, &plain, "  => B is slower (99.8 % sure over the call): there is no ratio\n");
    tare_result_free(result);
}

/* Of two units, which say nothing of the control yet. */
static void a_control_that_says_nothing_is_not_shown_with_figures(void **state)
{
    (void)state;
    struct tare_result *result = sample_bench();
    struct tare_comparison *comparison = sample_bench_compare(sample_bench_compared(result, "x", 100, 1), 2,
                                                              TARE_VERDICT_UNRESOLVED, NAN, NAN, NAN);
    comparison->control_ratio = 2.471;
    comparison->control_low = 1e-24;
    comparison->control_high = 6.2e23;
    assert_says(result, &plain, "     control A against A: too few rounds for an interval; 40 rounds, 4.2 s\n");
    tare_result_free(result);
}

/*
 * A program that sleeps: what others wait for is no part of the little that it ran. Stolen time is of all processors,
 * and of an unknown number of them no share is known.
 */
static void shares_of_the_machine_are_of_the_rounds(void **state)
{
    (void)state;
    struct tare_result *result = sample_bench();
    struct tare_result_benchmark *benchmark = sample_bench_compared(result, "x", 100, 1);
    sample_bench_compare(benchmark, 2, TARE_VERDICT_SAME, 1, 0.998, 1.002);
    struct tare_result_contamination *seen = &benchmark->contamination;
    seen->measured_ns = 1e3;
    seen->wait_ns = 0;
    seen->steal_ns = 1e9;
    seen->pressure_ns = 5e8;
    assert_says(result, &plain, "     steal 25 %, waiting 0.0 %, pressure 25 %, ");
    result->environment.cpu_count = 0;
    assert_says(result, &plain, "     waiting 0.0 %, pressure 25 %, ");
    seen->wall_ns = NAN;
    assert_says(result, &plain, "     waiting 0.0 %, 12 involuntary");
    tare_result_free(result);
}

static void a_control_arm_that_differs_is_the_reason(void **state)
{
    (void)state;
    struct tare_result *result = sample_bench();
    struct tare_comparison *comparison = sample_bench_compare(sample_bench_compared(result, "x", 100, 1.02), 2,
                                                              TARE_VERDICT_UNRESOLVED, 1.02, 1.01, 1.03);
    comparison->control_differs = true;
    comparison->control_ratio = 1.006;
    comparison->control_low = 1.002;
    comparison->control_high = 1.01;
    comparison->smallest = 0.01;
    comparison->units_needed = 99;
    assert_says(result, &plain, "  => B is unresolved: +1.0 to +3.0 %; the control arm differs\n");
    assert_says(result, &plain, "     control A against A: +0.6 % (+0.2 to +1.0 %); 40 rounds, 4.2 s\n");
    tare_result_free(result);
}

static void several_arms_have_a_verdict_each(void **state)
{
    (void)state;
    struct tare_result *result = sample_bench();
    struct tare_result_benchmark *benchmark = sample_bench_compared(result, "x", 100, 1.03);
    struct tare_result_arm *arm = tare_result_add_arm(benchmark, "C", "./third/ring_bench");
    assert_non_null(arm);
    arm->summary = benchmark->arms[0].summary;
    sample_bench_compare(benchmark, 2, TARE_VERDICT_SLOWER, 1.03, 1.02, 1.04);
    sample_bench_compare(benchmark, 3, TARE_VERDICT_SAME, 1, 0.998, 1.002);
    assert_says(result, &plain,
                "\nx\n"
                "  => B is 3.0 % slower (2.0 to 4.0 %, 99.8 % sure over the call)\n"
                "  => C is the same within 1 % (-0.2 to +0.2 %)\n");
    assert_says(result, &plain,
                "\n2 comparisons: 1 slower, 1 same\n  slower    +3.0 %  x B (+2.0 to +4.0 %)\n");
    tare_result_free(result);
}

static void many_comparisons_end_with_what_changed(void **state)
{
    (void)state;
    struct tare_result *result = sample_bench();
    sample_bench_compare(sample_bench_compared(result, "a", 100, 1.01), 2, TARE_VERDICT_SLOWER, 1.018, 1.015,
                         1.021);
    sample_bench_compare(sample_bench_compared(result, "b", 100, 1), 2, TARE_VERDICT_SAME, 1, 0.998, 1.002);
    sample_bench_compare(sample_bench_compared(result, "c", 100, 0.3), 2, TARE_VERDICT_FASTER, 0.3, 0.29, 0.31);
    sample_bench_compare(sample_bench_compared(result, "d", 100, 3), 2, TARE_VERDICT_SLOWER, 3, 2.9, 3.1);
    sample_bench_compare(sample_bench_compared(result, "e", 100, 0.996), 2, TARE_VERDICT_FASTER, 0.996, 0.994,
                         0.998);
    sample_bench_compare(sample_bench_compared(result, "f", 100, 1), 2, TARE_VERDICT_UNRESOLVED, 1, 0.95, 1.05);
    assert_says(result, &plain,
                "\n"
                "6 comparisons: 2 slower, 2 faster, 1 same, 1 unresolved\n"
                "  slower    3.00 ×  d (2.90 to 3.10 ×)\n"
                "  slower    +1.8 %  a (+1.5 to +2.1 %)\n"
                "  faster    -0.4 %  e (-0.6 to -0.2 %), less than the margin\n"
                "  faster   0.300 ×  c (0.290 to 0.310 ×)\n" RULE);
    tare_result_free(result);
}

static void commands_are_told_which_ran_faster(void **state)
{
    (void)state;
    struct tare_result *result = sample_bench();
    struct tare_result_benchmark *benchmark = sample_bench_compared(result, "gzip", 1.2e8, 0.81);
    sample_bench_compare(benchmark, 2, TARE_VERDICT_FASTER, 1 / 1.23, 1 / 1.26, 1 / 1.2);
    assert_silent(result, &plain, " ran ");
    benchmark->command = true;
    benchmark->arms[2].exit_code = 3;
    assert_says(result, &plain,
                "  => B is 19 % faster (17 to 21 %, 99.8 % sure over the call)\n"
                "     './new/ring_bench' ran 1.23 × (1.20 to 1.26 ×) faster than\n"
                "     './old/ring_bench'\n");
    assert_says(result, &plain, "\n     exited 3\n");
    tare_result_free(result);
}

static void what_an_arm_does_more_of_is_told(void **state)
{
    (void)state;
    struct tare_result *result = sample_bench();
    struct tare_result_benchmark *benchmark = sample_bench_compared(result, "x", 100, 1.05);
    struct tare_result_arm *a = &benchmark->arms[0], *b = &benchmark->arms[2];
    sample_bench_compare(benchmark, 2, TARE_VERDICT_SLOWER, 1.05, 1.04, 1.06);
    a->per_op[TARE_PER_OP_SYSCALLS] = 2;
    b->per_op[TARE_PER_OP_SYSCALLS] = 3;
    a->per_op[TARE_PER_OP_INSTRUCTIONS] = 410;
    b->per_op[TARE_PER_OP_INSTRUCTIONS] = 410.1;
    a->per_op[TARE_PER_OP_ALLOCATIONS] = 0;
    b->per_op[TARE_PER_OP_ALLOCATIONS] = 1;
    a->per_op[TARE_PER_OP_CACHE_MISSES] = 1;
    b->per_op[TARE_PER_OP_CACHE_MISSES] = 9;
    b->per_op[TARE_PER_OP_BRANCHES] = 9;
    assert_says(result, &plain,
                "\n     per operation, A and B: 2 and 3 syscalls (+50.0 %), 0 and 1 allocations\n");
    tare_result_free(result);
}

static void dropped_rounds_come_with_the_rule(void **state)
{
    (void)state;
    struct tare_result *result = sample_bench();
    struct tare_result_benchmark *benchmark = sample_bench_compared(result, "x", 100, 1);
    sample_bench_compare(benchmark, 2, TARE_VERDICT_SAME, 1, 0.998, 1.002);
    assert_silent(result, &plain, "dropped");
    benchmark->contamination.dropped = 2;
    assert_says(result, &plain, "\n     2 of 40 rounds dropped; steal 0.1 %");
    assert_says(result, &plain, "dropped, for all arms, if waiting took over 10 % of its time\n");
    benchmark->contamination.dropped = 0;
    benchmark->contamination.rule_suspended = true;
    assert_says(result, &plain,
                "\n     more than half of the rounds were disturbed, so that none was dropped;");
    tare_result_free(result);
}

static void arms_that_failed_leave_no_verdict(void **state)
{
    (void)state;
    struct tare_result *result = sample_bench();
    struct tare_result_benchmark *benchmark = sample_bench_compared(result, "x", 100, 1);
    benchmark->arms[2].summary = (struct tare_summary){0};
    benchmark->arms[2].failure = sample_string("tare_require(x == 3) in ring_bench.c:20");
    assert_says(result, &plain,
                "\nx\n"
                "  => no verdict\n"
                "  A                            100.0 ns   0.4 %   1.0 %   98.0 ns  105.0 ns   40\n"
                "  B\n"
                "     failed: tare_require(x == 3) in ring_bench.c:20\n");
    tare_result_free(result);
}

static void a_call_that_something_else_ended_names_it(void **state)
{
    (void)state;
    struct tare_result *result = sample_bench();
    sample_bench_single(result, "x", 100);
    result->bench->ended_by = sample_string("--prepare 'fal\033se' exited with code 1");
    result->incomplete = true;
    assert_says(result, &plain,
                "\n"
                "INCOMPLETE: --prepare 'fal\\x1Bse' exited with code 1, so that this is what there\n"
                "    was until then\n");
    tare_result_free(result);
}

static void an_interrupted_call_says_so_last(void **state)
{
    (void)state;
    struct tare_result *result = sample_bench();
    sample_bench_single(result, "x", 100);
    assert_int_equal(tare_result_note(result, "x printed something"), 0);
    result->incomplete = true;
    assert_says(result, &plain,
                "note: x printed something\n"
                "\n"
                "INCOMPLETE: interrupted, so that this is what there was until then\n");
    tare_result_free(result);
}

static void blocks_can_be_printed_as_they_are_done(void **state)
{
    (void)state;
    struct tare_result *result = sample_bench();
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    for (size_t i = 0; i < 3; i++) {
        sample_bench_compare(sample_bench_compared(result,
                                                   i == 0   ? "a"
                                                   : i == 1 ? "b"
                                                            : "c",
                                                   100, 1),
                             2, TARE_VERDICT_SAME, 1, 0.998, 1.002);
        assert_int_equal(tare_view_bench_one(result, i, &plain, true, out), 0);
    }
    assert_int_equal(tare_view_bench_one(result, 3, &plain, true, out), -EINVAL);
    assert_int_equal(tare_view_bench_end(result, &plain, out), 0);
    assert_int_equal(fclose(out), 0);
    char *whole = shown(result, &plain, TARE_FORMAT_TABLE, true);
    assert_string_equal(text, whole);
    free(whole);
    free(text);
    tare_result_free(result);
}

/* Terminals, names, what is unknown */

/* Everything that can be long is; what comes from outside holds what a terminal obeys. */
static struct tare_result *hostile(void)
{
    enum { LENGTH = 1000 };
    char name[LENGTH + 1];
    memset(name, 'n', LENGTH);
    name[LENGTH] = '\0';
    memcpy(name, "begin \033[31m\r\n\t\xff\xe2\x80\xae|`<b>", 22);
    memcpy(name + LENGTH - 4, " end", 4);
    struct tare_result *result = sample_bench();
    struct tare_result_benchmark *benchmark = sample_bench_compared(result, name, 1.5, 1);
    sample_bench_compare(benchmark, 2, TARE_VERDICT_SLOWER, 1.1, 1.09, 1.11);
    benchmark->command = true;
    for (size_t i = 0; i < benchmark->arm_count; i++) {
        struct tare_result_arm *arm = &benchmark->arms[i];
        free(arm->label);
        free(arm->what);
        arm->label = sample_string(name);
        arm->what = sample_string(name);
        arm->revision = sample_string(name);
        arm->failure = sample_string(name);
        assert_non_null(tare_result_add_inner_timer(arm, name, name));
        assert_int_equal(tare_result_add_value(arm, 1.5, 1), 0);
    }
    benchmark = sample_bench_compared(result, "x", 1.5, 1);
    sample_bench_compare(benchmark, 2, TARE_VERDICT_UNRESOLVED, NAN, NAN, NAN);
    benchmark->comparisons[0].reason = sample_string(name);
    benchmark->file = sample_string(name);
    benchmark->bench = sample_string(name);
    benchmark = sample_bench_single(result, name, 1e20);
    benchmark->arms[0].failure = sample_string(name);
    assert_non_null(tare_result_add_growth(result->bench, name));
    assert_int_equal(tare_result_note(result, "%s", name), 0);
    result->incomplete = true;
    return result;
}

static void assert_fits(const char *text, size_t width)
{
    while (*text != '\0') {
        size_t size = strcspn(text, "\n");
        char *line = strndup(text, size);
        assert_non_null(line);
        if (tare__text_width(line) > width || (size > 0 && line[size - 1] == ' ')) {
            fail_msg("not within %zu columns, or with a blank at the end: '%s'", width, line);
        }
        free(line);
        text += size + (text[size] == '\n');
    }
}

static void no_line_is_wider_than_the_terminal(void **state)
{
    (void)state;
    static const int widths[] = {60, 61, 71, 72, 80, 99, 100, 120, 250};
    struct tare_result *result = hostile();
    for (size_t i = 0; i < sizeof widths / sizeof widths[0]; i++) {
        for (int how = 0; how < 4; how++) {
            const struct tare_view_options options = {
                .width = widths[i], .ascii = (how & 1) != 0, .full = (how & 2) != 0};
            char *text = shown(result, &options, TARE_FORMAT_TABLE, true);
            assert_fits(text, (size_t)widths[i]);
            free(text);
        }
    }
    tare_result_free(result);
}

static void names_are_shown_and_not_obeyed(void **state)
{
    (void)state;
    static const int widths[] = {0, 80};
    static const enum tare_format formats[] = {TARE_FORMAT_TABLE, TARE_FORMAT_MARKDOWN};
    struct tare_result *result = hostile();
    for (int how = 0; how < 8; how++) {
        const struct tare_view_options options = {
            .width = widths[how & 1], .ascii = (how & 2) != 0, .full = true};
        char *text = shown(result, &options, formats[how / 4], true);
        for (const unsigned char *p = (const unsigned char *)text; *p != '\0'; p++) {
            assert_true(*p == '\n' || *p >= 0x20);
            assert_true(*p != 0x7f && *p != 0xff && (!options.ascii || *p < 0x80));
        }
        assert_null(strstr(text, "\xe2\x80\xae"));
        free(text);
    }
    tare_result_free(result);
}

static void what_is_unknown_is_a_dash(void **state)
{
    (void)state;
    static const enum tare_format formats[] = {TARE_FORMAT_TABLE, TARE_FORMAT_MARKDOWN, TARE_FORMAT_CSV};
    struct tare_result *result = sample_bench();
    result->confidence = NAN;
    result->bench->settings = (struct tare_result_bench_settings){
        .time_s = NAN, .margin = NAN, .alpha = NAN, .control_alpha = NAN, .block_ns = NAN, .pin = -1};
    for (int i = 0; i < 2; i++) {
        struct tare_result_benchmark *benchmark = tare_result_add_benchmark(result->bench, i == 0 ? "x" : "y");
        assert_non_null(benchmark);
        for (int arm = 0; arm <= i; arm++) {
            struct tare_result_arm *made = tare_result_add_arm(benchmark, arm == 0 ? "A" : "B", "./bench");
            assert_non_null(made);
            made->summary.n = 3;
            assert_int_equal(tare_result_add_value(made, NAN, 1), 0);
            assert_non_null(tare_result_add_inner_timer(made, "m", "t"));
        }
        for (int verdict = 0; i == 1 && verdict < TARE_VERDICTS; verdict++) {
            struct tare_result_comparison *found = tare_result_add_comparison(benchmark, verdict == 3 ? 9 : 1);
            assert_non_null(found);
            found->comparison.verdict = (enum tare_verdict)verdict;
        }
        benchmark->contamination.rounds = 3;
        benchmark->contamination.dropped = 1;
    }
    assert_non_null(tare_result_add_growth(result->bench, "x"));
    for (int how = 0; how < 6; how++) {
        const struct tare_view_options options = {.width = 80, .full = how >= 3};
        char *text = shown(result, &options, formats[how % 3], true);
        assert_null(strstr(text, "nan"));
        assert_null(strstr(text, "inf"));
        free(text);
    }
    assert_says(result, &plain,
                "x                                     -       -       -         -         -    3\n");
    assert_says(result, &plain, "\n  => B is unresolved: too few rounds for an interval\n");
    assert_says(result, &plain, "\n  => B is faster\n");
    tare_result_free(result);
}

static void color_is_only_where_it_is_asked_for(void **state)
{
    (void)state;
    struct tare_result *result = sample_bench();
    sample_bench_compare(sample_bench_compared(result, "a", 100, 1.02), 2, TARE_VERDICT_SLOWER, 1.02, 1.01,
                         1.03);
    sample_bench_compare(sample_bench_compared(result, "b", 100, 0.98), 2, TARE_VERDICT_FASTER, 0.98, 0.97,
                         0.985);
    sample_bench_compare(sample_bench_compared(result, "c", 100, 1), 2, TARE_VERDICT_UNRESOLVED, 1, 0.9, 1.1);
    const struct tare_view_options color = {.width = 80, .color = true};
    assert_silent(result, &plain, "\033");
    assert_says(result, &color, "  \033[1;31m=> B is 2.0 % slower\033[0m (1.0 to");
    assert_says(result, &color, "  \033[1;32m=> B is 2.0 % faster\033[0m (1.5 to");
    assert_says(result, &color, "  \033[1;33m=> B is unresolved:\033[0m -10 to +10 %\n");
    /* Every style ends. */
    char *text = shown(result, &color, TARE_FORMAT_TABLE, false);
    size_t begun = 0, ended = 0;
    for (const char *p = text; (p = strchr(p, '\033')) != NULL; p++) {
        if (strncmp(p, "\033[0m", 4) == 0) {
            ended++;
        } else {
            begun++;
        }
    }
    assert_true(begun > 0);
    assert_int_equal(begun, ended);
    free(text);
    tare_result_free(result);
}

static void numbers_have_the_digits_that_their_error_leaves(void **state)
{
    (void)state;
    char text[TARE__NUMBER_TEXT];
    static const struct {
        double ns, error;
        const char *text;
    } durations[] = {
        {12.3456, 0.05, "12.35 ns"},
        {12.3456, 0.15, "12.35 ns"},
        {12.3456, 0.3, "12.3 ns"},
        {12.3456, 5, "12 ns"},
        {12.3456, NAN, "12.35 ns"},
        {12.3456, 1e-9, "12.346 ns"},
        {123.4567, 1e-9, "123.46 ns"},
        {999.96, 0.3, "1.000 µs"},
        {1e9, 2e7, "1.00 s"},
        {0.02143, 0.0006, "0.0214 ns"},
        {0, 0, "0.000 ns"},
        {-0.0001, 0.3, "0.0 ns"},
        {-5, 0.3, "-5.0 ns"},
        {NAN, 1, "-"},
        {INFINITY, 1, "-"},
    };
    for (size_t i = 0; i < sizeof durations / sizeof durations[0]; i++) {
        assert_string_equal(tare__text_duration(text, durations[i].ns, durations[i].error, false),
                            durations[i].text);
    }
    assert_string_equal(tare__text_duration(text, 1500, 5, true), "1.500 us");
    assert_string_equal(tare__text_duration(text, -1e20, NAN, true), "-1.0e+11 s");
    assert_string_equal(tare__text_percent(text, 0.0004), "0.04 %");
    assert_string_equal(tare__text_percent(text, 0.0123), "1.2 %");
    assert_string_equal(tare__text_percent(text, 0.123), "12 %");
    assert_string_equal(tare__text_percent(text, 1e6), "1e+08 %");
    assert_string_equal(tare__text_percent(text, NAN), "-");
    assert_string_equal(tare__text_count(text, 0), "0");
    assert_string_equal(tare__text_count(text, 2), "2");
    assert_string_equal(tare__text_count(text, 2.25), "2.25");
    assert_string_equal(tare__text_count(text, 0.00123), "0.001");
    assert_string_equal(tare__text_count(text, 0.0000123), "1e-05");
    assert_string_equal(tare__text_count(text, 99999), "99999");
    assert_string_equal(tare__text_count(text, 412345), "412 k");
    assert_string_equal(tare__text_count(text, 1.5e7), "15.0 M");
    assert_string_equal(tare__text_roughly(text, 14e9), "14 s");
    assert_string_equal(tare__text_roughly(text, 100e9), "100 s");
    assert_string_equal(tare__text_roughly(text, 180e9), "3.0 min");
    assert_string_equal(tare__text_roughly(text, 86400e9 * 30), "30 days");
    assert_string_equal(tare__text_bytes_rate(text, 64, 12.34), "5.19 GB/s");
    assert_string_equal(tare__text_bytes_rate(text, 64, -1), "-");
    assert_string_equal(tare__text_items_rate(text, 1, 1e9, false), "1.00 /s");
}

static void the_locale_does_not_matter(void **state)
{
    (void)state;
    struct tare_result *result = sample_bench();
    sample_bench_compare(sample_bench_compared(result, "a", 100, 1.02), 2, TARE_VERDICT_SLOWER, 1.02, 1.01,
                         1.03);
    char *expected[3], *text;
    static const enum tare_format formats[] = {TARE_FORMAT_TABLE, TARE_FORMAT_MARKDOWN, TARE_FORMAT_CSV};
    for (int i = 0; i < 3; i++) {
        expected[i] = shown(result, &full, formats[i], true);
    }
    bool comma = comma_locale_begin();
    for (int i = 0; i < 3; i++) {
        text = shown(result, &full, formats[i], true);
        assert_string_equal(text, expected[i]);
        free(text);
        free(expected[i]);
    }
    comma_locale_end();
    tare_result_free(result);
    if (!comma) {
        print_message("no locale with a decimal comma\n");
        skip();
    }
}

static void errors_are_reported(void **state)
{
    (void)state;
    struct tare_result *result = sample_bench(), *other = sample_result_table();
    sample_bench_single(result, "x", 100);
    FILE *out = fopen("/dev/full", "w");
    assert_non_null(out);
    assert_int_equal(tare_view_bench(result, &plain, TARE_FORMAT_TABLE, true, out), -EIO);
    assert_int_equal(tare_view_bench(result, &plain, TARE_FORMAT_MARKDOWN, true, out), -EIO);
    assert_int_equal(tare_view_bench(result, &plain, TARE_FORMAT_CSV, true, out), -EIO);
    fclose(out);
    assert_int_equal(tare_view_bench(result, &plain, TARE_FORMAT_JSON, false, stdout), -EINVAL);
    assert_int_equal(tare_view_bench(other, &plain, TARE_FORMAT_TABLE, false, stdout), -EINVAL);
    assert_int_equal(tare_view_bench_one(other, 0, &plain, false, stdout), -EINVAL);
    assert_int_equal(tare_view_bench_end(other, &plain, stdout), -EINVAL);
    tare_result_free(other);
    tare_result_free(result);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_quiet_benchmark_is_one_line),
        cmocka_unit_test(what_matters_stands_below_a_benchmark),
        cmocka_unit_test(a_rate_has_its_column_where_there_is_room),
        cmocka_unit_test(a_failure_is_told_with_the_figures_that_there_are),
        cmocka_unit_test(everything_can_be_asked_for),
        cmocka_unit_test(growth_is_said_with_how_well_it_fits),
        cmocka_unit_test(growth_names_its_arm_and_argument_where_there_are_several),
        cmocka_unit_test(the_verdict_stands_right_below_the_name),
        cmocka_unit_test(each_verdict_has_its_words),
        cmocka_unit_test(an_unresolved_verdict_says_what_would_settle_it),
        cmocka_unit_test(a_verdict_without_a_ratio_says_why),
        cmocka_unit_test(a_control_that_says_nothing_is_not_shown_with_figures),
        cmocka_unit_test(shares_of_the_machine_are_of_the_rounds),
        cmocka_unit_test(a_control_arm_that_differs_is_the_reason),
        cmocka_unit_test(several_arms_have_a_verdict_each),
        cmocka_unit_test(many_comparisons_end_with_what_changed),
        cmocka_unit_test(commands_are_told_which_ran_faster),
        cmocka_unit_test(what_an_arm_does_more_of_is_told),
        cmocka_unit_test(dropped_rounds_come_with_the_rule),
        cmocka_unit_test(arms_that_failed_leave_no_verdict),
        cmocka_unit_test(an_interrupted_call_says_so_last),
        cmocka_unit_test(a_call_that_something_else_ended_names_it),
        cmocka_unit_test(blocks_can_be_printed_as_they_are_done),
        cmocka_unit_test(no_line_is_wider_than_the_terminal),
        cmocka_unit_test(names_are_shown_and_not_obeyed),
        cmocka_unit_test(what_is_unknown_is_a_dash),
        cmocka_unit_test(color_is_only_where_it_is_asked_for),
        cmocka_unit_test(numbers_have_the_digits_that_their_error_leaves),
        cmocka_unit_test(the_locale_does_not_matter),
        cmocka_unit_test(errors_are_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
