/* SPDX-License-Identifier: MIT */
/* view/view.h: whole tables compared letter by letter, and what hostile names and odd terminals do to them. */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "runtime/text.h"
#include "tests/unit/comma_locale.h"
#include "tests/unit/sample_result.h"
#include "view/view.h"

typedef int view_function(const struct tare_result *, const struct tare_view_options *, FILE *);

#define CLOCK                                                                                                  \
    "clock tsc-ordered, 2596.1 MHz ± 0.3 ppm, steps of 10.0 ns; one scope costs 22.3 ns inside and "          \
    "33.0 to 39.0 ns outside, subtracted in column net\n"
#define RECURSION                                                                                              \
    "note: fdtables::walk calls itself (or a signal handler does): 15 calls, 4 outermost; times are of the "   \
    "outermost\n"

static char *shown(view_function *view, const struct tare_result *result,
                   const struct tare_view_options *options)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    assert_int_equal(view(result, options, out), 0);
    assert_int_equal(fclose(out), 0);
    return text;
}

static void assert_shown(view_function *view, const struct tare_result *result,
                         const struct tare_view_options *options, const char *expected)
{
    char *text = shown(view, result, options);
    assert_string_equal(text, expected);
    free(text);
}

/* Of the sample for tables. */
static void assert_sample(view_function *view, const struct tare_view_options *options, const char *expected)
{
    struct tare_result *result = sample_result_table();
    assert_shown(view, result, options, expected);
    tare_result_free(result);
}

static void assert_contains(view_function *view, const struct tare_result *result,
                            const struct tare_view_options *options, const char *part)
{
    char *text = shown(view, result, options);
    if (strstr(text, part) == NULL) {
        fail_msg("no '%s' in: %s", part, text);
    }
    free(text);
}

static void the_table_has_net_and_its_error(void **state)
{
    (void)state;
    assert_sample(
        tare_view_table, &(struct tare_view_options){0},
        "\n"
        "--------------------------------------------FDTABLES---------------------------------------------\n"
        "name                                                  calls          avg          net      ± 95 %\n"
        "fdtables::close_virtualfd                              1000    123.500ns    101.000ns     0.250ns\n"
        "fdtables::walk                                           15     20.000ns     -2.500ns     0.250ns\n"
        "\n"
        "--------------------------------------------LIND-BOOT--------------------------------------------\n"
        "name                                                  calls          avg          net      ± 95 %\n"
        "lind_boot::load_main_module                               1     25.123ms     25.123ms     0.250ns\n"
        "\n" RECURSION CLOCK);
}

static void the_classic_table_can_be_asked_for(void **state)
{
    (void)state;
    assert_sample(
        tare_view_table, &(struct tare_view_options){.columns = "name,calls,total,avg"},
        "\n"
        "--------------------------------------------FDTABLES---------------------------------------------\n"
        "name                                                              calls        total          avg\n"
        "fdtables::close_virtualfd                                          1000    123.500µs    123.500ns\n"
        "fdtables::walk                                                       15     80.000ns     20.000ns\n"
        "\n"
        "--------------------------------------------LIND-BOOT--------------------------------------------\n"
        "name                                                              calls        total          avg\n"
        "lind_boot::load_main_module                                           1     25.123ms     25.123ms\n"
        "\n" RECURSION CLOCK);
}

static void a_narrow_terminal_gets_a_shorter_column_of_names(void **state)
{
    (void)state;
    struct tare_result *result = sample_result_table();
    assert_non_null(
        tare_result_add_timer(result, "lind_boot", "a_name_which_does_not_fit_into_43_columns_at_all"));
    assert_shown(tare_view_table, result, &(struct tare_view_options){.width = 80, .all = true},
                 "\n"
                 "------------------------------------FDTABLES------------------------------------\n"
                 "name                                              calls          net      ± 95 %\n"
                 "fdtables::close_virtualfd                          1000    101.000ns     0.250ns\n"
                 "fdtables::never                                       0            -           -\n"
                 "fdtables::walk                                       15     -2.500ns     0.250ns\n"
                 "\n"
                 "-----------------------------------LIND-BOOT------------------------------------\n"
                 "name                                              calls          net      ± 95 %\n"
                 "lind_boot::load_main_module                           1     25.123ms     0.250ns\n"
                 "lind_boot::a_name_whic…nto_43_columns_at_all          0            -           -\n"
                 "\n" RECURSION CLOCK);
    assert_contains(tare_view_table, result,
                    &(struct tare_view_options){.width = 80, .all = true, .ascii = true},
                    "\nlind_boot::a_name_whi...to_43_columns_at_all          0            -           -\n");
    tare_result_free(result);
}

static void a_wide_terminal_gets_more_columns(void **state)
{
    (void)state;
#define HEADER                                                                                                 \
    "name                                                              calls        total          avg       " \
    "   net      ± 95 %          p50          p99\n"
    assert_sample(
        tare_view_table, &(struct tare_view_options){.width = 160},
        "\n"
        "----------------------------------------------------------------------FDTABLES------------------------"
        "----------------------------------------------\n" HEADER
        "fdtables::close_virtualfd                                          1000    123.500µs    123.500ns    "
        "101.000ns     0.250ns     99.500ns    370.500ns\n"
        "fdtables::walk                                                       15     80.000ns     20.000ns     "
        "-2.500ns     0.250ns     -4.000ns     60.000ns\n"
        "\n"
        "---------------------------------------------------------------------LIND-BOOT------------------------"
        "----------------------------------------------\n" HEADER
        "lind_boot::load_main_module                                           1     25.123ms     25.123ms     "
        "25.123ms     0.250ns     25.123ms     75.370ms\n"
        "\n" RECURSION CLOCK);
#undef HEADER
}

static void net_is_there_at_every_width_with_its_error(void **state)
{
    (void)state;
    struct tare_result *result = sample_result_table();
    static const struct {
        int width;
        const char *header;
    } cases[] = {
        {60, " calls          net      ± 95 %\n"},
        {96, " calls          net      ± 95 %\n"},
        {97, " calls          avg          net      ± 95 %\n"},
        {0, " calls          avg          net      ± 95 %\n"},
        {121, " calls          avg          net      ± 95 %\n"},
        {122, " calls        total          avg          net      ± 95 %\n"},
        {147, " calls        total          avg          net      ± 95 %\n"},
        {148, " calls        total          avg          net      ± 95 %          p50          p99\n"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_contains(tare_view_table, result, &(struct tare_view_options){.width = cases[i].width},
                        cases[i].header);
    }
    tare_result_free(result);
}

/* Of the table's own lines: notes may be longer. */
static void assert_fits(const struct tare_result *result, const struct tare_view_options *options)
{
    char *text = shown(tare_view_table, result, options);
    char *end = strstr(text, "\n\nnote:");
    assert_non_null(end);
    *end = '\0';
    for (char *line = strtok(text, "\n"); line != NULL; line = strtok(NULL, "\n")) {
        size_t width = tare__text_width(line);
        if (width > (size_t)options->width) {
            fail_msg("%zu columns for a terminal of %d: '%s'", width, options->width, line);
        }
    }
    free(text);
}

static void every_width_from_60_on_is_kept(void **state)
{
    (void)state;
    struct tare_result *result = sample_result_table();
    struct tare_result_timer *timer =
        tare_result_add_timer(result, "lind_boot", "a_näme_of_fifty_columns_with_its_module");
    assert_non_null(timer);
    for (int exclusive = 0; exclusive < 2; exclusive++) {
        result->timers[0].has_exclusive = exclusive != 0;
        for (int width = 60; width < 180; width++) {
            assert_fits(result, &(struct tare_view_options){.width = width, .all = true});
            assert_fits(result, &(struct tare_view_options){.width = width, .all = true, .ascii = true});
        }
    }
    tare_result_free(result);
}

/* A file is not read in a terminal of some width, and scripts look for whole names in it. */
static void a_long_name_is_not_cut_where_there_is_no_terminal(void **state)
{
    (void)state;
    struct tare_result *result = sample_result_table();
    free(result->timers[1].name);
    result->timers[1].name = sample_string("a_name_that_takes_58_columns_together_with_them");
    assert_contains(
        tare_view_table, result, &(struct tare_view_options){0},
        "name                                                            calls          avg          net      "
        "± 95 %\n"
        "lind_boot::a_name_that_takes_58_columns_together_with_them          1     25.123ms     25.123ms     "
        "0.250ns\n");
    free(result->timers[1].name);
    result->timers[1].name = sample_string("a_name_that_is_longer_than_sixty_columns_and_makes_its_row_grow");
    assert_contains(tare_view_table, result, &(struct tare_view_options){0},
                    "name                                                              calls          avg      "
                    "    net      ± 95 %\n"
                    "lind_boot::a_name_that_is_longer_than_sixty_columns_and_makes_its_row_grow          1     "
                    "25.123ms     "
                    "25.123ms     0.250ns\n");
    tare_result_free(result);
}

static void without_utf8_the_signs_are_spelled_out(void **state)
{
    (void)state;
    struct tare_result *result = sample_result_table();
    free(result->timers[1].name);
    result->timers[1].name = sample_string("größe");
    char *text = shown(tare_view_table, result, &(struct tare_view_options){.width = 160, .ascii = true});
    for (const char *p = text; *p != '\0'; p++) {
        assert_true((unsigned char)*p < 0x80);
    }
    assert_non_null(strstr(text, "    123.500us    123.500ns    101.000ns     0.250ns"));
    assert_non_null(strstr(text, "          net     +- 95 %          p50"));
    assert_non_null(strstr(text, "2596.1 MHz +- 0.3 ppm, steps of 10.0 ns;"));
    assert_non_null(strstr(text, "\nlind_boot::gr\\xF6\\xDFe "));
    free(text);
    tare_result_free(result);
}

static void ticks_are_whole_where_they_were_counted(void **state)
{
    (void)state;
    struct tare_result *result = sample_result_table();
    result->timers[3].figures.has_ticks = false;
    result->clock.rate_hz = 2.5e9;
    const struct tare_view_options options = {.unit = TARE_UNIT_TICKS, .columns = "name,total,avg,min,max,net"};
    char *text = shown(tare_view_table, result, &options);
    assert_non_null(strstr(text, "\nfdtables::close_virtualfd"
                                 "                                          308750        308.8          154"
                                 "         3087        252.5\n"));
    assert_non_null(
        strstr(text, "\nfdtables::walk"
                     "                                                          -            -            -"
                     "            -         -6.2\n"));
    free(text);
    result->clock.rate_hz = NAN;
    assert_contains(tare_view_table, result, &options,
                    "        308.8          154         3087            -\n");
    tare_result_free(result);
}

static void timers_without_calls_are_left_out(void **state)
{
    (void)state;
    struct tare_result *result = sample_result_table();
    char *text = shown(tare_view_table, result, &(struct tare_view_options){0});
    assert_null(strstr(text, "never"));
    free(text);
    assert_contains(tare_view_table, result, &(struct tare_view_options){.all = true},
                    "\nfdtables::never                                           0            -            -   "
                    "        -\n");
    tare_result_free(result);
}

static void a_timer_called_only_when_it_was_alone_is_shown(void **state)
{
    (void)state;
    struct tare_result *result = sample_result_table();
    result->timers[2].has_exclusive = true;
    result->timers[2].exclusive.calls = 1;
    assert_contains(tare_view_table, result, &(struct tare_view_options){0}, "\nfdtables::never ");
    tare_result_free(result);
}

static void an_empty_table_says_so(void **state)
{
    (void)state;
    struct tare_result *result = tare_result_new();
    assert_non_null(result);
    assert_shown(tare_view_table, result, &(struct tare_view_options){0},
                 "no timers\n\nclock unknown; what a scope costs is unknown, and so is net\n");
    assert_non_null(tare_result_add_timer(result, "m", "t"));
    assert_shown(
        tare_view_markdown, result, &(struct tare_view_options){0},
        "no timer was called; 1 is declared\n\nclock unknown; what a scope costs is unknown, and so is net\n");
    tare_result_free(result);
}

static void a_sorted_table_is_one_list_with_the_unknown_last(void **state)
{
    (void)state;
    assert_sample(tare_view_table,
                  &(struct tare_view_options){.sort = "net", .columns = "name,calls,net", .all = true},
                  "\n"
                  "-----------------------------------TIMERS BY NET------------------------------------\n"
                  "name                                                              calls          net\n"
                  "lind_boot::load_main_module                                           1     25.123ms\n"
                  "fdtables::close_virtualfd                                          1000    101.000ns\n"
                  "fdtables::walk                                                       15     -2.500ns\n"
                  "fdtables::never                                                       0            -\n"
                  "\n" RECURSION CLOCK);
    assert_sample(tare_view_table,
                  &(struct tare_view_options){.sort = "-net", .columns = "net,name", .all = true},
                  "\n"
                  "-------------------------TIMERS BY NET, REVERSED-------------------------\n"
                  "         net name\n"
                  "    -2.500ns fdtables::walk\n"
                  "   101.000ns fdtables::close_virtualfd\n"
                  "    25.123ms lind_boot::load_main_module\n"
                  "           - fdtables::never\n"
                  "\n" RECURSION CLOCK);
    assert_sample(
        tare_view_table, &(struct tare_view_options){.sort = "file", .columns = "name,file"},
        "\n"
        "---------------------------------------TIMERS BY FILE----------------------------------------\n"
        "name                                                         file\n"
        "lind_boot::load_main_module                                  src/boot.c:12\n"
        "fdtables::close_virtualfd                                    -\n"
        "fdtables::walk                                               -\n"
        "\n" RECURSION CLOCK);
}

static void the_column_of_the_order_is_shown(void **state)
{
    (void)state;
    struct tare_result *result = sample_result_table();
    char *text = shown(tare_view_table, result, &(struct tare_view_options){.sort = "-total"});
    assert_non_null(strstr(text, "          avg          net      ± 95 %        total\n"));
    free(text);
    text = shown(tare_view_table, result, &(struct tare_view_options){.sort = "avg"});
    assert_non_null(strstr(text, "          avg          net      ± 95 %\n")); /* once is enough */
    free(text);
    tare_result_free(result);
}

static void a_table_sorted_by_name_keeps_its_headings(void **state)
{
    (void)state;
    assert_sample(tare_view_table, &(struct tare_view_options){.sort = "-name", .columns = "name,calls"},
                  "\n"
                  "-------------------------------LIND-BOOT-------------------------------\n"
                  "name                                                              calls\n"
                  "lind_boot::load_main_module                                           1\n"
                  "\n"
                  "-------------------------------FDTABLES--------------------------------\n"
                  "name                                                              calls\n"
                  "fdtables::walk                                                       15\n"
                  "fdtables::close_virtualfd                                          1000\n"
                  "\n" RECURSION CLOCK);
}

static void counts_beyond_a_doubles_precision_are_sorted_right(void **state)
{
    (void)state;
    struct tare_result *result = sample_result_table();
    result->timers[0].figures.bytes = 9007199254740993;
    result->timers[1].figures.bytes = 9007199254740992;
    result->timers[3].figures.bytes = 9007199254740994;
    char *text = shown(tare_view_csv, result, &(struct tare_view_options){.sort = "bytes", .columns = "bytes"});
    assert_string_equal(text, "bytes\n9007199254740994\n9007199254740993\n9007199254740992\n");
    free(text);
    tare_result_free(result);
}

static void exclusive_passes_stand_beside_the_single_pass(void **state)
{
    (void)state;
    struct tare_result *result = sample_result_table();
    struct tare_result_timer *timer = &result->timers[0];
    timer->has_exclusive = true;
    timer->exclusive.calls = 1000;
    timer->exclusive.outermost_calls = 1000;
    timer->exclusive.net_avg_ns = 100.5;
    timer->exclusive.net_avg_error_ns = 0.5;
    timer->exclusive.net_avg_error_part_ns[TARE_ERROR_SAMPLING] = 0.1;
    static const char plain[] =
        "name                                      calls          net      ± 95 %         excl      excl ±\n"
        "fdtables::close_virtualfd                  1000    101.000ns     0.250ns    100.500ns     0.500ns\n"
        "fdtables::walk                               15     -2.500ns     0.250ns            -           -\n";
    assert_contains(tare_view_table, result, &(struct tare_view_options){0}, plain);
    assert_contains(tare_view_table, result, &(struct tare_view_options){.width = 97}, plain);
    assert_contains(tare_view_table, result, &(struct tare_view_options){.width = 80},
                    "name                                 calls          net      ± 95 %         excl\n"
                    "fdtables::close_virtualfd             1000    101.000ns     0.250ns    100.500ns\n");
    assert_contains(tare_view_table, result, &(struct tare_view_options){.width = 60},
                    "name                         calls          net         excl\n"
                    "fdtables::c…e_virtualfd       1000    101.000ns    100.500ns\n");
    assert_contains(tare_view_table, result, &(struct tare_view_options){.width = 122},
                    "        avg          net      ± 95 %         excl      excl ±\n");
    assert_contains(tare_view_table, result, &(struct tare_view_options){.width = 173},
                    "      total          avg          net      ± 95 %         excl      excl ±          p50");
    tare_result_free(result);
}

static void what_is_below_the_limit_is_said_to_be_less(void **state)
{
    (void)state;
    struct tare_result *result = sample_result_table();
    struct tare_result_figures *figures = &result->timers[0].figures;
    figures->net_avg_ns = -0.2;
    figures->net_total_ns = -200;
    figures->net_avg_limit_ns = 0.5;
    const struct tare_view_options options = {.columns = "name,net,net-total,limit", .sort = "-net"};
    assert_shown(
        tare_view_table, result, &options,
        "\n"
        "--------------------------------------TIMERS BY NET, "
        "REVERSED--------------------------------------\n"
        "name                                                                  net    net total        limit\n"
        "fdtables::walk                                                   -2.500ns    -10.000ns      0.500ns\n"
        "fdtables::close_virtualfd                                       < 0.500ns  < 500.000ns      0.500ns\n"
        "lind_boot::load_main_module                                      25.123ms     25.123ms      0.500ns\n"
        "\n" RECURSION "note: '<': below the detection limit, so that it cannot be told from 0\n" CLOCK);
    assert_contains(tare_view_markdown, result, &options,
                    "\n| fdtables::close\\_virtualfd | &lt; 0.500ns | &lt; 500.000ns | 0.500ns |\n");
    assert_contains(tare_view_csv, result, &options,
                    "\nfdtables,walk,-2.5,-10,0.5\nfdtables,close_virtualfd,-0.2,-200,0.5\n");
    result->clock.rate_hz = 2e9;
    assert_contains(tare_view_table, result,
                    &(struct tare_view_options){.columns = "net", .unit = TARE_UNIT_TICKS}, "       < 1.0\n");
    figures->net_avg_limit_ns = 0.3; /* half of it is less than 0.2: the method has failed */
    char *text = shown(tare_view_table, result, &(struct tare_view_options){0});
    assert_non_null(strstr(text, "     -0.200ns     0.250ns\n"));
    assert_null(strstr(text, "note: '<'"));
    free(text);
    tare_result_free(result);
}

static void an_error_that_lacks_a_part_is_a_lower_bound(void **state)
{
    (void)state;
    struct tare_result *result = sample_result_table();
    result->timers[0].figures.net_avg_error_part_ns[TARE_ERROR_SAMPLING] = NAN;
    static const char note[] = "\nnote: '>': without the sampling error, which is unknown: ";
    assert_contains(tare_view_table, result, &(struct tare_view_options){0}, "    101.000ns   > 0.250ns\n");
    assert_contains(tare_view_table, result, &(struct tare_view_options){0}, note);
    assert_contains(tare_view_markdown, result, &(struct tare_view_options){0},
                    " | 101.000ns | &gt; 0.250ns | ");
    assert_contains(tare_view_csv, result, &(struct tare_view_options){.columns = "net,error,error-sampling"},
                    "101,0.25,\n");
    char *text = shown(tare_view_table, result, &(struct tare_view_options){.columns = "name,net"});
    assert_null(strstr(text, "note: '>'"));
    free(text);
    result->timers[0].figures.net_avg_error_ns = NAN; /* all of it is unknown, and that is said */
    text = shown(tare_view_table, result, &(struct tare_view_options){0});
    assert_non_null(strstr(text, "    101.000ns           -\n"));
    assert_null(strstr(text, "note: '>'"));
    free(text);
    tare_result_free(result);
}

static void a_disagreement_is_marked_and_explained(void **state)
{
    (void)state;
    struct tare_result *result = sample_result_table();
    struct tare_result_timer *timer = &result->timers[0];
    timer->has_exclusive = true;
    timer->exclusive = timer->figures;
    timer->exclusive.net_avg_ns = 80;
    timer->disagrees = 1;
    static const char note[] =
        "note: '!': the exclusive pass disagrees with the common one by more than both errors.";
    const struct tare_view_options options = {0};
    assert_contains(tare_view_table, result, &options, "    101.000ns     0.250ns   ! 80.000ns     0.250ns\n");
    assert_contains(tare_view_table, result, &options, note);
    assert_contains(tare_view_markdown, result, &options, " | \\! 80.000ns | 0.250ns | ");
    assert_contains(tare_view_table, result, &(struct tare_view_options){.columns = "disagrees"},
                    "      yes\n        -\n");
    assert_contains(tare_view_csv, result,
                    &(struct tare_view_options){.columns = "name,exclusive-net,disagrees"},
                    "\nfdtables,close_virtualfd,80,true\nfdtables,walk,,\n");
    timer->exclusive.net_avg_ns = 0;
    assert_contains(tare_view_table, result, &options, "  ! < 0.500ns     0.250ns\n");
    timer->disagrees = 0;
    char *text = shown(tare_view_table, result, &options);
    assert_null(strstr(text, "! "));
    assert_null(strstr(text, "'!'"));
    free(text);
    memset(&timer->exclusive, 0, sizeof timer->exclusive);
    tare_result_free(result);
}

static void what_measuring_took_is_told_where_it_is_known(void **state)
{
    (void)state;
    view_function *const views[] = {tare_view_table, tare_view_markdown};
    for (size_t i = 0; i < sizeof views / sizeof views[0]; i++) {
        struct tare_result *result = sample_result_table();
        char *text = shown(views[i], result, &(struct tare_view_options){0});
        assert_null(strstr(text, "measuring took"));
        free(text);
        result->cpu_ns = 34e6;
        result->measuring_ns = 4.2e6;
        result->measuring_share = 4.2 / 34;
        assert_contains(views[i], result, &(struct tare_view_options){0},
                        "\nmeasuring took 12 % of this run: 4.200ms of 34.000ms processor time\n");
        result->measuring_share = 0.0123;
        free(result->kind);
        result->kind = sample_string("attach");
        assert_contains(views[i], result, &(struct tare_view_options){.per_process = true},
                        "\nmeasuring took 1.2 % of this process: ");
        tare_result_free(result);
    }
}

static void shares_are_shown_in_percent(void **state)
{
    (void)state;
    struct tare_result *result = sample_result_table();
    result->timers[0].figures.measuring_ns = 12345;
    result->timers[0].figures.measuring_share = 0.1234;
    const struct tare_view_options options = {.columns = "name,measuring,share", .sort = "share"};
    assert_contains(tare_view_table, result, &options,
                    "name                                                            measuring    share\n"
                    "fdtables::close_virtualfd                                        12.345µs   12.3 %\n"
                    "lind_boot::load_main_module                                             -        -\n");
    assert_contains(tare_view_csv, result, &options,
                    "module,name,measuring_ns,measuring_share\nfdtables,close_virtualfd,12345,0.1234\n");
    tare_result_free(result);
}

static void another_confidence_is_stated(void **state)
{
    (void)state;
    struct tare_result *result = sample_result_table();
    result->confidence = 0.995;
    assert_contains(tare_view_table, result, &(struct tare_view_options){0}, "    ± 99.5 %\n");
    tare_result_free(result);
}

static void notes_say_what_the_figures_cannot(void **state)
{
    (void)state;
    struct tare_result *result = sample_result_table();
    result->lost_instruments = 1;
    result->lost_threads = 2;
    result->lost_scopes = 3;
    result->dropped_scopes = 4;
    result->lost_processes = 5;
    result->incomplete = true;
    result->processes[0].end = TARE_END_SIGNALED;
    result->processes[0].code = SIGKILL;
    assert_int_equal(tare_result_note(result, "a note"), 0);
    result->clock.rate_error_ppm = 0.04;
    result->clock.outer.n = 0;
    assert_contains(
        tare_view_table, result, &(struct tare_view_options){0},
        "\n\n" RECURSION "note: 1 instrument did not fit and was not counted: set TARE_TIMERS (up to 65536)\n"
        "note: 2 threads found no room: set TARE_THREADS higher\n"
        "note: 3 scopes of threads without room were not recorded: set TARE_THREADS higher\n"
        "note: 4 scopes were dropped: signal handlers interrupted a recording too often at once\n"
        "note: 5 processes found no page and were not counted\n"
        "note: interrupted: this is what there was until then\n"
        "note: killed by signal 9 (SIGKILL); the table holds what was counted until then\n"
        "note: a note\n"
        "clock tsc-ordered, 2596.1 MHz ± 0.040 ppm, steps of 10.0 ns; what a scope costs is unknown, and so is "
        "net\n");
    tare_result_free(result);
}

static void a_counter_that_is_trapped_is_told(void **state)
{
    (void)state;
    view_function *const views[] = {tare_view_table, tare_view_markdown};
    for (size_t i = 0; i < sizeof views / sizeof views[0]; i++) {
        struct tare_result *result = sample_result_table();
        assert_int_equal(result->clock.counter_traps, 0);
        char *text = shown(views[i], result, &(struct tare_view_options){0});
        assert_null(strstr(text, "trapped"));
        free(text);
        result->clock.counter_traps = 1;
        result->clock.granularity_ns = NAN;
        assert_contains(views[i], result, &(struct tare_view_options){0},
                        "clock tsc-ordered (trapped: over 150 ns a reading), 2596.1 MHz ± 0.3 ppm; one ");
        free(result->clock.name);
        result->clock.name = sample_string("clock");
        assert_contains(views[i], result, &(struct tare_view_options){0},
                        "clock clock (the counter is trapped: over 150 ns a reading), 2596.1 MHz");
        tare_result_free(result);
    }
}

static void each_end_by_a_signal_is_told(void **state)
{
    (void)state;
    struct tare_result *result = sample_result_table();
    struct tare_result_process *process = tare_result_add_process(result);
    assert_non_null(process);
    process->pid = 124;
    process->end = TARE_END_TIMEOUT;
    process->code = SIGTERM;
    const struct tare_view_options options = {0};
    assert_contains(
        tare_view_table, result, &options,
        "\nnote: pid 124 (-) stopped by the timeout with signal 15 (SIGTERM); the table holds what was "
        "counted until then\n");
    process->code = 0; /* it went by itself when asked to */
    assert_contains(tare_view_table, result, &options,
                    "\nnote: pid 124 (-) stopped by the timeout; the table holds");
    process->end = TARE_END_SIGNALED;
    process->code = SIGRTMIN + 1; /* without a name */
    char expected[96];
    snprintf(expected, sizeof expected, "\nnote: pid 124 (-) killed by signal %d; the table holds",
             SIGRTMIN + 1);
    assert_contains(tare_view_table, result, &options, expected);
    for (int i = 0; i < 5; i++) {
        process = tare_result_add_process(result);
        assert_non_null(process);
        process->end = TARE_END_SIGNALED;
        process->code = SIGSEGV;
    }
    assert_contains(tare_view_table, result, &options, "\nnote: 6 processes were killed; the table holds");
    tare_result_free(result);
    result = tare_result_new();
    assert_non_null(result);
    struct tare_result_pass *pass = tare_result_add_pass(result);
    assert_non_null(pass);
    pass->end = TARE_END_SIGNALED;
    pass->code = SIGSEGV;
    assert_contains(tare_view_table, result, &options,
                    "\nnote: killed by signal 11 (SIGSEGV); the table holds");
    tare_result_free(result);
}

static void each_process_gets_its_table(void **state)
{
    (void)state;
    struct tare_result *result = sample_result_table();
    struct tare_result_process *process = &result->processes[0];
    struct tare_result_timer *timer = tare_result_process_add_timer(process, "m", "t");
    assert_non_null(timer);
    timer->figures.calls = 7;
    timer->figures.outermost_calls = 7;
    process = tare_result_add_process(result);
    assert_non_null(process);
    process->pid = 124;
    process->end = TARE_END_RUNNING;
    process->lost_threads = 1;
    assert_shown(tare_view_table, result,
                 &(struct tare_view_options){.per_process = true, .columns = "name,calls"},
                 "== pid 123: /usr/bin/foo, exited 0\n"
                 "\n"
                 "-----------------------------------M-----------------------------------\n"
                 "name                                                              calls\n"
                 "m::t                                                                  7\n"
                 "\n"
                 "== pid 124: -, running\n"
                 "no timers\n"
                 "\n"
                 "note: 1 thread found no room: set TARE_THREADS higher\n"
                 "\n" CLOCK);
    assert_shown(tare_view_markdown, result,
                 &(struct tare_view_options){.per_process = true, .columns = "name,calls"},
                 "### pid 123: /usr/bin/foo, exited 0\n"
                 "\n"
                 "| name | calls |\n"
                 "| :--- | ---: |\n"
                 "| m::t | 7 |\n"
                 "\n"
                 "### pid 124: -, running\n"
                 "\n"
                 "no timers\n"
                 "\n"
                 "note: 1 thread found no room: set TARE\\_THREADS higher\n"
                 "\n" CLOCK);
    assert_shown(tare_view_csv, result,
                 &(struct tare_view_options){.per_process = true, .columns = "name,calls"},
                 "pid,executable,module,name,calls\n"
                 "123,/usr/bin/foo,m,t,7\n");
    tare_result_free(result);
}

static void colour_is_for_headings_and_errors_alone(void **state)
{
    (void)state;
    assert_sample(tare_view_table,
                  &(struct tare_view_options){.color = true, .columns = "name,error", .sort = "name"},
                  "\n"
                  "\033[1m--------------------------------FDTABLES--------------------------------\033[0m\n"
                  "name                                                              ± 95 %\n"
                  "fdtables::close_virtualfd                                    \033[2m    0.250ns\033[0m\n"
                  "fdtables::walk                                               \033[2m    0.250ns\033[0m\n"
                  "\n"
                  "\033[1m-------------------------------LIND-BOOT--------------------------------\033[0m\n"
                  "name                                                              ± 95 %\n"
                  "lind_boot::load_main_module                                  \033[2m    0.250ns\033[0m\n"
                  "\n" RECURSION CLOCK);
}

/* A module and timer that try everything. */
static struct tare_result *hostile_result(void)
{
    struct tare_result *result = sample_result_table();
    struct tare_result_timer *timer = &result->timers[1];
    free(timer->module);
    free(timer->name);
    free(timer->file);
    timer->module = sample_string("\x1b[2J");
    timer->name = sample_string("a|b`c`<script>&\n=1,\"q\"\x9b"
                                "31m\xc2\x9b\xe2\x80\xae\x7f\xff\\|*_[x](http://y)www.z");
    timer->file = sample_string("\t@me");
    free(result->processes[0].executable);
    result->processes[0].executable = sample_string("\x1b]0;title\x07");
    assert_int_equal(tare_result_note(result, "<b>\r\x1b[31m"), 0);
    return result;
}

static void no_control_character_reaches_a_terminal(void **state)
{
    (void)state;
    struct tare_result *result = hostile_result();
    for (int i = 0; i < 8; i++) {
        const struct tare_view_options options = {
            .ascii = (i & 1) != 0, .per_process = (i & 2) != 0, .width = (i & 4) != 0 ? 80 : 0};
        char *table = shown(tare_view_table, result, &options);
        char *markdown = shown(tare_view_markdown, result, &options);
        for (const char *text = table; text != NULL; text = text == table ? markdown : NULL) {
            for (const char *p = text; *p != '\0'; p++) {
                assert_true((unsigned char)*p >= 0x20 || *p == '\n');
                assert_int_not_equal(*p, 0x7f);
            }
            assert_null(strstr(text, "\xc2\x9b"));
            assert_null(strstr(text, "\x9b"));
            assert_null(strstr(text, "\xe2\x80\xae"));
            assert_null(strchr(text, '\xff'));
        }
        free(table);
        free(markdown);
    }
    assert_contains(tare_view_table, result, &(struct tare_view_options){.columns = "name,file"}, "-\\x1B[2J-");
    assert_contains(
        tare_view_table, result, &(struct tare_view_options){.columns = "name,file"},
        "\n\\x1B[2J::a|b`c`<script>&\\x0A=1,\"q\"\\x9B31m\\x9B\\u202E\\x7F\\xFF\\|*_[x](http://y)www.z "
        "\\x09@me:12\n");
    assert_contains(tare_view_table, result, &(struct tare_view_options){0}, "\nnote: <b>\\x0D\\x1B[31m\n");
    assert_contains(tare_view_table, result, &(struct tare_view_options){.per_process = true},
                    "== pid 123: \\x1B]0;title\\x07, exited 0\n");
    tare_result_free(result);
}

static void markdown_keeps_hostile_names_text(void **state)
{
    (void)state;
    struct tare_result *result = hostile_result();
    assert_contains(
        tare_view_markdown, result, &(struct tare_view_options){.columns = "name,file"},
        "\n| \\\\x1B\\[2J::a\\|b\\`c\\`&lt;script&gt;&amp;\\\\x0A=1,\"q\"\\\\x9B31m\\\\x9B\\\\u202E\\\\x7F"
        "\\\\xFF\\\\\\|\\*\\_\\[x\\](http\\://y)www\\.z | \\\\x09\\@me:12 |\n");
    tare_result_free(result);
}

static void the_fingerprint_stands_above_the_clock(void **state)
{
    (void)state;
    view_function *const views[] = {tare_view_table, tare_view_markdown};
    for (size_t i = 0; i < sizeof views / sizeof views[0]; i++) {
        const char *gap = views[i] == tare_view_markdown ? "\n" : "";
        struct tare_result *result = sample_result_table();
        struct tare_fingerprint *fingerprint = &result->fingerprint;
        char *text = shown(views[i], result, &(struct tare_view_options){0}), expected[256];
        assert_null(strstr(text, "fingerprint")); /* there is none */
        free(text);
        strcpy(fingerprint->hash, "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef");
        snprintf(expected, sizeof expected,
                 "fingerprint 0123456789abcdef: processor unknown, virtualization unknown\n%sclock ", gap);
        assert_contains(views[i], result, &(struct tare_view_options){0}, expected);
        fingerprint->parts[TARE_FINGERPRINT_CPU_MODEL] = sample_string("A\033CPU");
        fingerprint->parts[TARE_FINGERPRINT_VIRTUALIZATION] = sample_string("none");
        snprintf(expected, sizeof expected,
                 "fingerprint 0123456789abcdef: A%sx1BCPU, virtualization none\n%sclock ",
                 views[i] == tare_view_markdown ? "\\\\" : "\\", gap);
        assert_contains(views[i], result, &(struct tare_view_options){0}, expected);
        tare_result_free(result);
    }
}

static void markdown_is_a_table(void **state)
{
    (void)state;
    assert_sample(
        tare_view_markdown, &(struct tare_view_options){0},
        "| name | calls | total | avg | net | ± 95 % | p50 | p99 |\n"
        "| :--- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n"
        "| fdtables::close\\_virtualfd | 1000 | 123.500µs | 123.500ns | 101.000ns | 0.250ns | 99.500ns | "
        "370.500ns |\n"
        "| fdtables::walk | 15 | 80.000ns | 20.000ns | -2.500ns | 0.250ns | -4.000ns | 60.000ns |\n"
        "| lind\\_boot::load\\_main\\_module | 1 | 25.123ms | 25.123ms | 25.123ms | 0.250ns | 25.123ms | "
        "75.370ms |\n"
        "\n" RECURSION "\n" CLOCK);
}

static void csv_has_every_figure_with_its_unit(void **state)
{
    (void)state;
    assert_sample(
        tare_view_csv, &(struct tare_view_options){0},
        "module,name,calls,outermost_calls,raw_total_ns,raw_avg_ns,raw_min_ns,raw_max_ns,net_total_ns,"
        "net_avg_ns,net_avg_error_ns,net_avg_limit_ns,net_avg_error_calibration_ns,net_avg_error_drift_ns,"
        "net_avg_error_context_ns,net_avg_error_rate_ns,net_avg_error_granularity_ns,net_avg_error_sampling_ns,"
        "net_p50_ns,net_p90_ns,net_p95_ns,net_p99_ns,net_p999_ns,raw_p50_ns,raw_p90_ns,raw_p95_ns,raw_p99_ns,"
        "raw_p999_ns,p50_error_ns,p90_error_ns,p95_error_ns,p99_error_ns,p999_error_ns,scopes_within,bytes,"
        "measuring_ns,measuring_share,exclusive_raw_avg_ns,exclusive_net_avg_ns,exclusive_net_avg_error_ns,"
        "exclusive_net_avg_limit_ns,disagrees,file,line\n"
        "fdtables,close_virtualfd,1000,1000,123500,123.5,61.75,1235,101000,101,0.25,0.5,0.1,0.1,0.1,0.1,0.1,0."
        "1,"
        "99.5,,,370.5,,,,,,,,,,,,0,0,,,,,,,,,\n"
        "fdtables,walk,15,4,80,20,10,200,-10,-2.5,0.25,0.5,0.1,0.1,0.1,0.1,0.1,0.1,-4,,,60,,,,,,,,,,,,0,0,,,,,,"
        ",,,\n"
        "lind_boot,load_main_module,1,1,25123456,25123456,12561728,251234560,25123433.5,25123433.5,0.25,0.5,0."
        "1,"
        "0.1,0.1,0.1,0.1,0.1,25123432,,,75370368,,,,,,,,,,,,0,0,,,,,,,,src/boot.c,12\n");
    assert_sample(
        tare_view_csv,
        &(struct tare_view_options){.columns = "name,total,avg,p50", .unit = TARE_UNIT_TICKS, .all = true},
        "module,name,raw_total_ticks,raw_avg_ticks,net_p50_ticks\n"
        "fdtables,close_virtualfd,308750,308.75,258.311950124375\n"
        "fdtables,never,,,\n"
        "fdtables,walk,200,50,-10.384400005\n"
        "lind_boot,load_main_module,62808640,62808640,65222941.84660429\n");
}

static void csv_quotes_what_needs_it_and_changes_nothing(void **state)
{
    (void)state;
    struct tare_result *result = hostile_result();
    assert_contains(tare_view_csv, result, &(struct tare_view_options){.columns = "name,file"},
                    "\n\x1b[2J,\"a|b`c`<script>&\n=1,\"\"q\"\"\x9b"
                    "31m\xc2\x9b\xe2\x80\xae\x7f\xff\\|*_[x](http://y)www.z"
                    "\",\t@me,12\n");
    tare_result_free(result);
}

static void figures_have_a_point_in_a_locale_with_a_comma(void **state)
{
    (void)state;
    struct tare_result *result = sample_result_table();
    const struct tare_view_options options = {.width = 160, .unit = TARE_UNIT_TICKS};
    view_function *const views[] = {tare_view_table, tare_view_csv, tare_view_markdown};
    for (size_t i = 0; i < sizeof views / sizeof views[0]; i++) {
        char *plain = shown(views[i], result, &options);
        if (!comma_locale_begin()) {
            fputs("no locale with a decimal comma is installed, and localedef(1) made none\n", stderr);
            skip();
        }
        char *foreign = shown(views[i], result, &options);
        comma_locale_end();
        assert_string_equal(foreign, plain);
        free(plain);
        free(foreign);
    }
    tare_result_free(result);
}

static void assert_check(const char *columns, const char *sort, const char *expected)
{
    char message[128] = "";
    const struct tare_view_options options = {.columns = columns, .sort = sort};
    assert_int_equal(tare_view_check(&options, message, sizeof message), expected[0] == '\0' ? 0 : -EINVAL);
    assert_memory_equal(message, expected, strlen(expected));
}

static void a_mistyped_column_gets_the_near_miss(void **state)
{
    (void)state;
    assert_check(NULL, NULL, "");
    assert_check("name, calls ,p50", "-exclusive-net", "");
    assert_check("name,nett", NULL, "unknown column 'nett': did you mean 'net'?");
    assert_check(NULL, "-cals", "unknown column 'cals': did you mean 'calls'?");
    assert_check("name,p999,", NULL, "");
    assert_check("name,,p50", NULL, "empty name in the list of columns");
    assert_check("", NULL, "empty name in the list of columns");
    assert_check(NULL, "", "unknown column '': '--columns help' lists them");
    assert_check("completely else", NULL, "unknown column 'completely else': '--columns help' lists them");
    char many[1024] = "name";
    for (int i = 0; i < 64; i++) {
        strcat(many, ",calls");
    }
    assert_check(many, NULL, "more than 64 columns");
    struct tare_result *result = sample_result_table();
    FILE *out = tmpfile();
    assert_non_null(out);
    view_function *const views[] = {tare_view_table, tare_view_csv, tare_view_markdown};
    for (size_t i = 0; i < sizeof views / sizeof views[0]; i++) {
        assert_int_equal(views[i](result, &(struct tare_view_options){.columns = "nett"}, out), -EINVAL);
        assert_int_equal(views[i](result, &(struct tare_view_options){.sort = "nett"}, out), -EINVAL);
    }
    fclose(out);
    tare_result_free(result);
}

static void every_column_can_be_asked_for_and_sorted_by(void **state)
{
    (void)state;
    struct tare_result *result = sample_result_full();
    for (const struct tare_view_column_info *column = tare_view_columns; column->name != NULL; column++) {
        assert_true(column->help != NULL && column->help[0] != '\0');
        assert_check(column->name, column->name, "");
        for (int unit = TARE_UNIT_TIME; unit <= TARE_UNIT_TICKS; unit++) {
            const struct tare_view_options options = {
                .columns = column->name, .sort = column->name, .unit = (enum tare_unit)unit, .all = true};
            free(shown(tare_view_table, result, &options));
            free(shown(tare_view_markdown, result, &options));
            free(shown(tare_view_csv, result, &options));
        }
    }
    tare_result_free(result);
}

static void a_full_disk_is_an_error(void **state)
{
    (void)state;
    struct tare_result *result = sample_result_table();
    view_function *const views[] = {tare_view_table, tare_view_csv, tare_view_markdown};
    for (size_t i = 0; i < sizeof views / sizeof views[0]; i++) {
        FILE *full = fopen("/dev/full", "w");
        if (full == NULL) {
            fputs("there is no /dev/full\n", stderr);
            skip();
        }
        assert_int_equal(views[i](result, &(struct tare_view_options){0}, full), -EIO);
        fclose(full);
    }
    tare_result_free(result);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_table_has_net_and_its_error),
        cmocka_unit_test(the_classic_table_can_be_asked_for),
        cmocka_unit_test(a_narrow_terminal_gets_a_shorter_column_of_names),
        cmocka_unit_test(a_wide_terminal_gets_more_columns),
        cmocka_unit_test(net_is_there_at_every_width_with_its_error),
        cmocka_unit_test(every_width_from_60_on_is_kept),
        cmocka_unit_test(a_long_name_is_not_cut_where_there_is_no_terminal),
        cmocka_unit_test(without_utf8_the_signs_are_spelled_out),
        cmocka_unit_test(ticks_are_whole_where_they_were_counted),
        cmocka_unit_test(timers_without_calls_are_left_out),
        cmocka_unit_test(a_timer_called_only_when_it_was_alone_is_shown),
        cmocka_unit_test(an_empty_table_says_so),
        cmocka_unit_test(a_sorted_table_is_one_list_with_the_unknown_last),
        cmocka_unit_test(the_column_of_the_order_is_shown),
        cmocka_unit_test(a_table_sorted_by_name_keeps_its_headings),
        cmocka_unit_test(counts_beyond_a_doubles_precision_are_sorted_right),
        cmocka_unit_test(exclusive_passes_stand_beside_the_single_pass),
        cmocka_unit_test(what_is_below_the_limit_is_said_to_be_less),
        cmocka_unit_test(an_error_that_lacks_a_part_is_a_lower_bound),
        cmocka_unit_test(a_disagreement_is_marked_and_explained),
        cmocka_unit_test(what_measuring_took_is_told_where_it_is_known),
        cmocka_unit_test(shares_are_shown_in_percent),
        cmocka_unit_test(another_confidence_is_stated),
        cmocka_unit_test(notes_say_what_the_figures_cannot),
        cmocka_unit_test(a_counter_that_is_trapped_is_told),
        cmocka_unit_test(each_end_by_a_signal_is_told),
        cmocka_unit_test(each_process_gets_its_table),
        cmocka_unit_test(colour_is_for_headings_and_errors_alone),
        cmocka_unit_test(no_control_character_reaches_a_terminal),
        cmocka_unit_test(markdown_keeps_hostile_names_text),
        cmocka_unit_test(the_fingerprint_stands_above_the_clock),
        cmocka_unit_test(markdown_is_a_table),
        cmocka_unit_test(csv_has_every_figure_with_its_unit),
        cmocka_unit_test(csv_quotes_what_needs_it_and_changes_nothing),
        cmocka_unit_test(figures_have_a_point_in_a_locale_with_a_comma),
        cmocka_unit_test(a_mistyped_column_gets_the_near_miss),
        cmocka_unit_test(every_column_can_be_asked_for_and_sorted_by),
        cmocka_unit_test(a_full_disk_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
