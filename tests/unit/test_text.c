/* SPDX-License-Identifier: MIT */
/* runtime/text.h: times, widths, headings. */
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

static void assert_time(double ns, const char *expected)
{
    char buffer[TARE_TEXT_TIME];
    assert_ptr_equal(tare__text_time(buffer, ns, "µs"), buffer);
    assert_string_equal(buffer, expected);
}

static void times_take_the_unit_of_their_size(void **state)
{
    (void)state;
    assert_time(0, "0.000ns");
    assert_time(12.345, "12.345ns");
    assert_time(1000, "1.000µs");
    assert_time(123456, "123.456µs");
    assert_time(3.2e6, "3.200ms");
    assert_time(61e9, "61.000s");
    assert_time(86400e9, "86400.000s");
}

static void a_time_that_rounds_to_a_thousand_goes_to_the_next_unit(void **state)
{
    (void)state;
    assert_time(999.9994, "999.999ns");
    assert_time(999.9995, "1.000µs");
    assert_time(999.9999, "1.000µs");
    assert_time(999999.4, "999.999µs");
    assert_time(999999.5, "1.000ms");
    assert_time(999999499.0, "999.999ms");
    assert_time(999999500.0, "1.000s");
    assert_time(999999999999.0, "1000.000s"); /* there is no unit above */
}

static void negative_times_keep_their_sign_unless_they_round_to_nothing(void **state)
{
    (void)state;
    assert_time(-3.2e6, "-3.200ms");
    assert_time(-999.9995, "-1.000µs");
    assert_time(-0.0005, "-0.001ns");
    assert_time(-0.0004, "0.000ns");
    assert_time(-0.0, "0.000ns");
}

static void what_is_no_time_is_a_dash(void **state)
{
    (void)state;
    assert_time(NAN, "-");
    assert_time(INFINITY, "-");
    assert_time(-INFINITY, "-");
}

static void the_longest_times_fit_the_buffer(void **state)
{
    (void)state;
    assert_time(1e20, "100000000000.000s");
    assert_time(1e22, "1.000e+13s");
    assert_time(-1.7976931348623157e308, "-1.798e+299s");
    assert_time(9.9996e30, "1.000e+22s");
    for (int exponent = -320; exponent <= 308; exponent++) {
        char buffer[TARE_TEXT_TIME + 1];
        buffer[TARE_TEXT_TIME] = '#';
        tare__text_time(buffer, -9.87654321 * pow(10, exponent), "µs");
        assert_int_equal(buffer[TARE_TEXT_TIME], '#');
        assert_true(strlen(buffer) < TARE_TEXT_TIME);
    }
}

static void the_micro_sign_is_the_callers(void **state)
{
    (void)state;
    char buffer[TARE_TEXT_TIME];
    assert_string_equal(tare__text_time(buffer, 1500, "us"), "1.500us");
}

static void times_have_a_point_in_a_locale_with_a_comma(void **state)
{
    (void)state;
    if (!comma_locale_begin()) {
        fputs("no locale with a decimal comma is installed, and localedef(1) made none\n", stderr);
        skip();
    }
    char buffer[TARE_TEXT_TIME];
    tare__text_time(buffer, 12.345, "µs");
    comma_locale_end();
    assert_string_equal(buffer, "12.345ns");
}

static void width_counts_characters(void **state)
{
    (void)state;
    assert_int_equal(tare__text_width(""), 0);
    assert_int_equal(tare__text_width("abc"), 3);
    assert_int_equal(tare__text_width("1.000µs"), 7);
    assert_int_equal(tare__text_width("…"), 1);
    assert_int_equal(tare__text_width("\xf0\x9f\x98\x80"), 1);
}

/* What `print` writes, as a string to be freed. */
static char *printed_pad(const char *text, int width)
{
    char *written = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&written, &size);
    assert_non_null(out);
    tare__text_pad(out, text, width);
    fclose(out);
    return written;
}

static void assert_pad(const char *text, int width, const char *expected)
{
    char *written = printed_pad(text, width);
    assert_string_equal(written, expected);
    free(written);
}

static void pad_aligns_left_and_right_and_never_cuts(void **state)
{
    (void)state;
    assert_pad("ab", 4, "ab  ");
    assert_pad("ab", -4, "  ab");
    assert_pad("abcde", 4, "abcde");
    assert_pad("abcde", -4, "abcde");
    assert_pad("µs", -4, "  µs");
    assert_pad("", 0, "");
}

static void assert_heading(const char *title, int width, const char *expected)
{
    char *written = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&written, &size);
    assert_non_null(out);
    tare__text_heading(out, title, width);
    fclose(out);
    assert_string_equal(written, expected);
    free(written);
}

static void a_heading_stands_in_the_middle(void **state)
{
    (void)state;
    assert_heading("AB", 6, "--AB--");
    assert_heading("AB", 7, "--AB---");
    assert_heading("TOO-LONG", 4, "TOO-LONG");
    assert_heading(
        "FDTABLES", TARE_TABLE_WIDTH,
        "--------------------------------------------FDTABLES---------------------------------------------");
}

static void a_title_is_the_module_in_capitals(void **state)
{
    (void)state;
    char title[16];
    assert_string_equal(tare__text_title(title, sizeof title, "lind_boot"), "LIND-BOOT");
    assert_string_equal(tare__text_title(title, 5, "lind_boot"), "LIND");
}

static void the_columns_add_up_to_the_classic_width(void **state)
{
    (void)state;
    assert_int_equal(TARE_TABLE_NAME + 1 + TARE_TABLE_CALLS + 1 + TARE_TABLE_TIME + 1 + TARE_TABLE_TIME,
                     TARE_TABLE_WIDTH);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(times_take_the_unit_of_their_size),
        cmocka_unit_test(a_time_that_rounds_to_a_thousand_goes_to_the_next_unit),
        cmocka_unit_test(negative_times_keep_their_sign_unless_they_round_to_nothing),
        cmocka_unit_test(what_is_no_time_is_a_dash),
        cmocka_unit_test(the_longest_times_fit_the_buffer),
        cmocka_unit_test(the_micro_sign_is_the_callers),
        cmocka_unit_test(times_have_a_point_in_a_locale_with_a_comma),
        cmocka_unit_test(width_counts_characters),
        cmocka_unit_test(pad_aligns_left_and_right_and_never_cuts),
        cmocka_unit_test(a_heading_stands_in_the_middle),
        cmocka_unit_test(a_title_is_the_module_in_capitals),
        cmocka_unit_test(the_columns_add_up_to_the_classic_width),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
