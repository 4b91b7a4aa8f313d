/* SPDX-License-Identifier: MIT */
/* view/bench.h: benchmarks as histograms, as Markdown and as CSV. */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/sample_bench.h"
#include "tests/unit/sample_result.h"
#include "view/bench.h"

static const struct tare_view_options plain = {.width = 80};
static const struct tare_view_options ascii = {.width = 80, .ascii = true};

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

static void assert_part(char *text, const char *part)
{
    if (strstr(text, part) == NULL) {
        fail_msg("no '%s' in: %s", part, text);
    }
    free(text);
}

/* Histograms */

static char *plotted(const struct tare_result_benchmark *benchmark, const struct tare_view_options *options)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    assert_int_equal(tare_view_bench_plot(benchmark, options, out), 0);
    assert_int_equal(fclose(out), 0);
    return text;
}

static void assert_plot(const struct tare_result_benchmark *benchmark, const struct tare_view_options *options,
                        const char *expected)
{
    char *text = plotted(benchmark, options);
    assert_string_equal(text, expected);
    free(text);
}

static void add_values(struct tare_result_arm *arm, const double *values, size_t count, double offset)
{
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(tare_result_add_value(arm, values[i] + offset, (uint32_t)i + 1), 0);
    }
}

/* Eight to each side of 100, and one far off. */
static const double heap[] = {100, 99,  101, 99,  101, 98, 102, 100, 100,
                              99,  101, 97,  103, 100, 98, 102, 100, 900};
enum { HEAP = sizeof heap / sizeof heap[0] };

static void arms_share_an_axis_and_what_is_beyond_it_is_counted(void **state)
{
    (void)state;
    struct tare_result *result = sample_bench();
    struct tare_result_benchmark *benchmark = sample_bench_compared(result, "x", 100, 1.05);
    add_values(&benchmark->arms[0], heap, HEAP, 0);
    add_values(&benchmark->arms[1], heap, HEAP, 0);
    add_values(&benchmark->arms[2], heap, HEAP - 1, 5);
    assert_plot(benchmark, &plain,
                "  A  │              ▆▆▆▆▆▆▆                                   │\n"
                "     │              ███████                                   │\n"
                "     │▃▃▃▃▃▃▃▃▃▃▃▃▃▃███████                                   │\n"
                "     │████████████████████████████▄▄▄▄▄▄▄                     │ 1 above\n"
                "     └───────────────▲────────────────────────────────────────┘\n"
                "  B  │                                   ███████              │\n"
                "     │                                   ███████              │\n"
                "     │                                   ███████▄▄▄▄▄▄▄▄▄▄▄▄▄▄│\n"
                "     │                     ▄▄▄▄▄▄▄████████████████████████████│\n"
                "     └────────────────────────────────────────▲───────────────┘\n"
                "     97.0 ns                  102.5 ns                 108.0 ns\n");
    assert_plot(benchmark, &ascii,
                "  A  |              :::::::                                   |\n"
                "     |              #######                                   |\n"
                "     |..............#######                                   |\n"
                "     |############################.......                     | 1 above\n"
                "     +---------------^----------------------------------------+\n"
                "  B  |                                   #######              |\n"
                "     |                                   #######              |\n"
                "     |                                   #######::::::::::::::|\n"
                "     |                     :::::::############################|\n"
                "     +----------------------------------------^---------------+\n"
                "     97.0 ns                  102.5 ns                 108.0 ns\n");
    /* The control arm runs the same as A: it is shown to those who want everything. */
    assert_part(plotted(benchmark, &(struct tare_view_options){.width = 80, .full = true}), "\n  A' │");
    tare_result_free(result);
}

static void values_of_dropped_rounds_are_not_plotted(void **state)
{
    (void)state;
    struct tare_result *result = sample_bench();
    struct tare_result_arm *arm = sample_bench_values(result, "x", heap, HEAP);
    assert_part(plotted(&result->bench->benchmarks[0], &plain), "│ 1 above\n");
    arm->dropped[HEAP - 1] = true;
    char *text = plotted(&result->bench->benchmarks[0], &plain);
    assert_null(strstr(text, "above"));
    /* One arm has no letter to be told apart by. */
    assert_int_equal(strncmp(text, "     │", strlen("     │")), 0);
    free(text);
    tare_result_free(result);
}

static void a_wide_axis_is_logarithmic(void **state)
{
    (void)state;
    static const double wide[] = {1, 2.5, 5, 10, 20, 40, 80, 160, 300, 700, 1000};
    struct tare_result *result = sample_bench();
    sample_bench_values(result, "x", wide, 11);
    assert_plot(&result->bench->benchmarks[0], &ascii,
                "     |                                                ############|\n"
                "     |::::::::::::::::::::::::::::::::::::::::::::::::############|\n"
                "     |############################################################|\n"
                "     |############################################################|\n"
                "     +--------------------------------^---------------------------+\n"
                "     1.000 ns                   31.62 ns                   1.000 us (log)\n");
    tare_result_free(result);
}

static void few_or_odd_values_are_plotted_or_left_out(void **state)
{
    (void)state;
    static const double equal[] = {5, 5, 5, 5}, one[] = {0}, below[] = {-3, -2, -1, 1};
    struct tare_result *result = sample_bench();
    sample_bench_values(result, "equal", equal, 4);
    sample_bench_values(result, "one", one, 1);
    sample_bench_values(result, "below", below, 4);
    sample_bench_single(result, "none", 100);
    assert_non_null(tare_result_add_benchmark(result->bench, "empty"));
    const struct tare_result_benchmark *benchmarks = result->bench->benchmarks;
    assert_part(plotted(&benchmarks[0], &ascii), "     4.975 ns");
    assert_part(plotted(&benchmarks[1], &ascii), "     -0.5 ns");
    assert_part(plotted(&benchmarks[2], &ascii), "     -3.0 ns");
    assert_plot(&benchmarks[3], &ascii, "");
    assert_plot(&benchmarks[4], &ascii, "");
    tare_result_free(result);
}

static void a_bar_that_holds_a_value_is_seen(void **state)
{
    (void)state;
    double values[2001];
    for (size_t i = 0; i < 2000; i++) {
        values[i] = 100 + (double)(i % 20) * 0.5;
    }
    values[2000] = 118; /* alone, within the fences */
    struct tare_result *result = sample_bench();
    sample_bench_values(result, "x", values, 2001);
    char *text = plotted(&result->bench->benchmarks[0], &ascii);
    assert_non_null(strstr(text, ".|\n"));
    free(text);
    tare_result_free(result);
}

/* Markdown */

static void markdown_is_a_table_with_its_doubts_below(void **state)
{
    (void)state;
    struct tare_result *result = sample_bench();
    struct tare_result_benchmark *benchmark = sample_bench_single(result, "ring_write/64", 12.34);
    benchmark->arms[0].bytes_per_op = 64;
    benchmark->arms[0].warmup_settled = 0;
    benchmark->contamination.dropped = 2;
    sample_bench_single(result, "a|b", 1234);
    benchmark = sample_bench_single(result, "crashes", 1);
    benchmark->arms[0].summary = (struct tare_summary){.median = NAN, .mad = NAN, .min = NAN, .p99 = NAN};
    benchmark->arms[0].failure = sample_string("killed by signal 11");
    struct tare_result_growth *growth = tare_result_add_growth(result->bench, "ring_write");
    assert_non_null(growth);
    growth->growth = (struct tare_growth){
        .best = TARE_GROWTH_LINEAR, .clear = true, .base = 12.1, .factor = 0.0214, .error = 0.031};
    char *text = shown(result, &plain, TARE_FORMAT_MARKDOWN, false);
    assert_string_equal(
        text, "| benchmark | median ± | MAD | min | p99 | rate | n |\n"
              "| :--- | ---: | ---: | ---: | ---: | ---: | ---: |\n"
              "| ring\\_write/64 | 12.34 ns ± 0.05 ns | 1.0 % | 12.09 ns | 12.96 ns | 5.19 GB/s | 30 |\n"
              "| a\\|b | 1.234 µs ± 5 ns | 1.0 % | 1.209 µs | 1.296 µs | - | 30 |\n"
              "| crashes | failed | - | - | - | - | 0 |\n"
              "\n"
              "note: ring\\_write/64: never settled: the times still moved at the end; 2 of 30 rounds "
              "dropped\n"
              "\n"
              "note: crashes: failed: killed by signal 11\n"
              "\n"
              "growth: ring\\_write grows as O(n): 12.1 ns + 0.0214 ns × n (error 3.1 %)\n"
              "\n"
              "a round is dropped, for all arms, if waiting took over 10 % of its time\n");
    free(text);
    tare_result_free(result);
}

static void markdown_has_a_row_for_each_comparison(void **state)
{
    (void)state;
    struct tare_result *result = sample_bench();
    struct tare_result_benchmark *benchmark = sample_bench_compared(result, "a", 100, 1.02);
    sample_bench_compare(benchmark, 2, TARE_VERDICT_SLOWER, 1.02, 1.01, 1.03);
    sample_bench_compare(benchmark, 2, TARE_VERDICT_FASTER, 0.996, 0.994, 0.998);
    sample_bench_compare(sample_bench_compared(result, "b", 100, 1), 2, TARE_VERDICT_UNRESOLVED, 1, 0.95, 1.05)
        ->smallest = 0.04;
    sample_bench_compare(sample_bench_compared(result, "c", 100, 1), 2, TARE_VERDICT_UNRESOLVED, 1, 0.95, 1.05)
        ->control_differs = true;
    sample_bench_compared(result, "d", 100, 1);
    result->incomplete = true;
    char *text = shown(result, &plain, TARE_FORMAT_MARKDOWN, false);
    static const char expected[] =
        "**INCOMPLETE**: interrupted, so that this is what there was until then\n"
        "\n"
        "| benchmark | A | B | change | interval | verdict |\n"
        "| :--- | ---: | ---: | ---: | ---: | :--- |\n"
        "| a, B | 100.0 ns ± 0.4 ns | 102.0 ns ± 0.4 ns | +2.0 % | +1.0 to +3.0 % | **slower** |\n"
        "| a, B | 100.0 ns ± 0.4 ns | 102.0 ns ± 0.4 ns | -0.4 % | -0.6 to -0.2 % | faster, within the margin "
        "|\n"
        "| b | 100.0 ns ± 0.4 ns | 100.0 ns ± 0.4 ns | 0 % | -5 to +5 % | unresolved: could have seen 4.0 % |\n"
        "| c | 100.0 ns ± 0.4 ns | 100.0 ns ± 0.4 ns | 0 % | -5 to +5 % | unresolved: the control arm differs "
        "|\n"
        "| d | 100.0 ns ± 0.4 ns | 100.0 ns ± 0.4 ns | - | - | - |\n"
        "\n"
        "arm A: ./old/ring\\_bench\n"
        "\n"
        "arm B: ./new/ring\\_bench\n"
        "\n"
        "4 comparisons: 1 slower, 1 faster, 2 unresolved\n"
        "\n"
        "<details>\n"
        "<summary>control arms, rounds, and what else the machine did</summary>\n"
        "\n"
        "- of a: control A against A: +0.1 % (-0.2 to +0.3 %); decided in 40 rounds, 4.2 s; steal 0.1 %";
    if (strncmp(text, expected, strlen(expected)) != 0) {
        assert_string_equal(text, expected);
    }
    free(text);
    tare_result_free(result);
}

static void markdown_holds_its_plots_as_they_are(void **state)
{
    (void)state;
    struct tare_result *result = sample_bench();
    sample_bench_values(result, "a_b", heap, HEAP);
    char *plot = plotted(&result->bench->benchmarks[0], &plain), *part;
    assert_true(asprintf(&part, "\nvalues of a\\_b\n\n```text\n%s```\n", plot) > 0);
    assert_part(shown(result, &plain, TARE_FORMAT_MARKDOWN, true), part);
    free(part);
    free(plot);
    tare_result_free(result);
}

/* CSV */

#define CSV_HEADER                                                                                             \
    "benchmark,bench,args,threads,arm,control,what,revision,failure,exit_code,n,median_ns,median_low_ns,"      \
    "median_high_ns,mad_ns,mean_ns,sd_ns,cv,min_ns,p50_ns,p95_ns,p99_ns,max_ns,outliers_low_severe,"           \
    "outliers_low_mild,outliers_high_mild,outliers_high_severe,modes,first_ns,warmup,warmup_settled,"          \
    "iterations,samples,loop_ns,start_ns,bytes_per_op,items_per_op,syscalls_per_op,page_faults_per_op,"        \
    "context_switches_per_op,allocations_per_op,allocated_bytes_per_op,cycles_per_op,instructions_per_op,"     \
    "branches_per_op,branch_misses_per_op,cache_references_per_op,cache_misses_per_op,"                        \
    "valgrind_instructions_per_op,user_ns_per_op,system_ns_per_op,verdict,ratio,ratio_low,ratio_high,"         \
    "confidence,within_margin,control_ratio,control_low,control_high,control_differs,units,smallest_change,"   \
    "units_needed,decided_early,rounds,rounds_dropped,steal_ns,wait_ns,measured_ns,involuntary_switches,"      \
    "migrations,pressure_ns,spent_ns\n"

static void csv_has_a_line_for_each_arm(void **state)
{
    (void)state;
    struct tare_result *result = sample_bench();
    struct tare_result_benchmark *benchmark = sample_bench_compared(result, "copy/1/2.5", 100, 1);
    const double args[] = {1, 2.5};
    benchmark->bench = sample_string("copy");
    assert_int_equal(tare_result_set_args(benchmark, args, 2), 0);
    sample_bench_compare(benchmark, 2, TARE_VERDICT_SLOWER, 1.0625, 1.03125, 1.125);
    benchmark->arms[0].summary = (struct tare_summary){
        .n = 4,
        .median = 100,
        .median_low = 99.5,
        .median_high = 100.5,
        .mad = 1,
        .mean = 101,
        .sd = 2,
        .cv = 0.02,
        .min = 98,
        .max = 110,
        .p50 = 100,
        .p95 = 108,
        .p99 = 109,
        .outliers = {1, 2, 3, 4, 5},
        .modes = {.count = 2},
    };
    benchmark->arms[0].warmup = 2;
    benchmark->arms[0].warmup_settled = 1;
    benchmark->arms[0].iterations = 4096;
    benchmark->arms[0].samples = 12;
    benchmark->arms[0].loop_ns = 0.25;
    benchmark->arms[0].first_ns = 1000;
    benchmark->arms[0].bytes_per_op = 64;
    benchmark->arms[0].per_op[TARE_PER_OP_SYSCALLS] = 2;
    benchmark->arms[1].summary = benchmark->arms[2].summary = benchmark->arms[0].summary;
    free(benchmark->arms[2].what);
    benchmark->arms[2].what = sample_string("sort \"x\", y");
    benchmark->arms[2].revision = sample_string("1a2b3c4");
    benchmark->arms[2].failure = sample_string("killed");
    benchmark->arms[2].exit_code = 3;
#define FIGURES "4,100,99.5,100.5,1,101,2,0.02,98,100,108,109,110,1,2,4,5,2,"
#define ROUNDS "40,0,4000000,8000000,4000000000,12,1,50000000,4200000000\n"
    char *text = shown(result, &plain, TARE_FORMAT_CSV, true);
    assert_string_equal(
        text,
        CSV_HEADER "copy/1/2.5,copy,1 2.5,1,A,false,./old/ring_bench,,,," FIGURES
                   "1000,2,true,4096,12,0.25,,64,,2,,,,,,,,,,,,,,,,,,,,,,,,,,,," ROUNDS
                   "copy/1/2.5,copy,1 2.5,1,A',true,./old/ring_bench,,,," FIGURES
                   ",,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,," ROUNDS
                   "copy/1/2.5,copy,1 2.5,1,B,false,\"sort \"\"x\"\", y\",1a2b3c4,killed,3," FIGURES
                   ",,,,,,,,,,,,,,,,,,,,,,,slower,1.0625,1.03125,1.125,0.9998,false,1.001,0.998,1.003,false,"
                   "20,,,true," ROUNDS);
    free(text);
    tare_result_free(result);
}

static void csv_leaves_the_unknown_empty(void **state)
{
    (void)state;
    struct tare_result *result = sample_bench();
    struct tare_result_benchmark *benchmark = tare_result_add_benchmark(result->bench, "x");
    assert_non_null(benchmark);
    assert_non_null(tare_result_add_arm(benchmark, "A", "./bench"));
    char *text = shown(result, &plain, TARE_FORMAT_CSV, true);
    assert_string_equal(text,
                        CSV_HEADER "x,,,1,A,false,./bench,,,,0,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,"
                                   ",,,,,,,,,,,,,,,,\n");
    free(text);
    tare_result_free(result);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arms_share_an_axis_and_what_is_beyond_it_is_counted),
        cmocka_unit_test(values_of_dropped_rounds_are_not_plotted),
        cmocka_unit_test(a_wide_axis_is_logarithmic),
        cmocka_unit_test(few_or_odd_values_are_plotted_or_left_out),
        cmocka_unit_test(a_bar_that_holds_a_value_is_seen),
        cmocka_unit_test(markdown_is_a_table_with_its_doubts_below),
        cmocka_unit_test(markdown_has_a_row_for_each_comparison),
        cmocka_unit_test(markdown_holds_its_plots_as_they_are),
        cmocka_unit_test(csv_has_a_line_for_each_arm),
        cmocka_unit_test(csv_leaves_the_unknown_empty),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
