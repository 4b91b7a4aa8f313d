/* SPDX-License-Identifier: MIT */
/* How a benchmark program writes numbers: with a point in every locale, and with four digits for people. */
#include <math.h>

#include "tests/behaviour/bench_driving.h"

static void check_text(const char *actual, const char *expected)
{
    if (strcmp(actual, expected) != 0) {
        printf("# '%s', should be '%s'\n", actual, expected);
        failed_checks++;
    }
}

int main(void)
{
    char out[DECIMAL_MAX];
    begin_case("decimals");
    static const struct {
        double value;
        unsigned decimals;
        const char *text;
    } decimals[] = {
        {0, 0, "0"},
        {0, 3, "0.000"},
        {-0.0004, 3, "0.000"},
        {-12.345, 2, "-12.35"},
        {1e12, 1, "1000000000000.0"},
        {0.96, 1, "1.0"},
        {5.05e-3, 4, "0.0051"},
    };
    for (size_t i = 0; i < sizeof(decimals) / sizeof(decimals[0]); i++) {
        CHECK(tare__bench_decimal(out, decimals[i].value, decimals[i].decimals));
        check_text(out, decimals[i].text);
    }
    CHECK(!tare__bench_decimal(out, NAN, 1));
    CHECK(!tare__bench_decimal(out, INFINITY, 1));
    CHECK(!tare__bench_decimal(out, 1e19, 0));
    check_text(out, "");

    begin_case("times and rates have four digits");
    setenv("LC_ALL", "C", 1);
    static const struct {
        double ns;
        const char *text;
    } times[] = {
        {0.2586, "0.259ns"},   {9.9994, "9.999ns"}, {9.9996, "10.00ns"},
        {123.44, "123.4ns"},   {999.94, "999.9ns"}, {999.96, "1.000us"},
        {12345678, "12.35ms"}, {5e9, "5.000s"},     {7.2e12, "7200.0s"},
        {-3.25, "-3.250ns"},   {NAN, "-"},          {INFINITY, "-"},
    };
    for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
        check_text(tare__bench_time(out, times[i].ns), times[i].text);
    }
    check_text(tare__bench_rate(out, 5.2014e9, "B"), "5.201 GB/s");
    check_text(tare__bench_rate(out, 12, "items"), "12.00 items/s");
    check_text(tare__bench_rate(out, 3.3e16, "B"), "33000.0 TB/s");
    setenv("LC_ALL", "C.UTF-8", 1);
    check_text(tare__bench_time(out, 1234), "1.234\302\265s");
    return finish();
}
