/* SPDX-License-Identifier: MIT */
/* printf() writes a comma for the point where the program that is benchmarked has chosen such a locale. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/harness.h"

bool tare__bench_decimal(char text[DECIMAL_MAX], double value, unsigned decimals)
{
    uint64_t unit = 1;
    for (unsigned i = 0; i < decimals; i++) {
        unit *= 10;
    }
    double scaled = round(fabs(value) * (double)unit);
    text[0] = '\0';
    if (!(scaled < 1e18)) {
        return false;
    }
    uint64_t whole = (uint64_t)scaled;
    const char *sign = value < 0 && whole != 0 ? "-" : "";
    if (decimals == 0) {
        snprintf(text, DECIMAL_MAX, "%s%" PRIu64, sign, whole);
    } else {
        snprintf(text, DECIMAL_MAX, "%s%" PRIu64 ".%0*" PRIu64, sign, whole / unit, (int)decimals,
                 whole % unit);
    }
    return true;
}

/* Four digits, with the prefix that leaves one to three of them before the point. */
static void scaled(char text[DECIMAL_MAX], double value, const char *const *prefixes, size_t count,
                   const char *unit, const char *between)
{
    size_t at = 0;
    while (at + 1 < count && fabs(value) >= 999.95) { /* which would be written as 1000 */
        value /= 1000;
        at++;
    }
    char number[DECIMAL_MAX];
    double size = fabs(value);
    unsigned decimals = size < 9.9995 ? 3 : size < 99.995 ? 2 : 1;
    if (tare__bench_decimal(number, value, decimals)) {
        snprintf(text, DECIMAL_MAX, "%.20s%s%s%s", number, between, prefixes[at], unit);
    } else {
        strcpy(text, "-");
    }
}

/* The micro sign where the environment asks for UTF-8: the program need not have called setlocale. */
static const char *micro(void)
{
    const char *const names[] = {"LC_ALL", "LC_CTYPE", "LANG"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        const char *locale = getenv(names[i]);
        if (locale != NULL && *locale != '\0') {
            return strcasestr(locale, "UTF-8") != NULL || strcasestr(locale, "utf8") != NULL ? "\302\265" : "u";
        }
    }
    return "u";
}

char *tare__bench_time(char text[DECIMAL_MAX], double ns)
{
    const char *const prefixes[] = {"n", micro(), "m", ""};
    scaled(text, ns, prefixes, sizeof(prefixes) / sizeof(prefixes[0]), "s", "");
    return text;
}

char *tare__bench_rate(char text[DECIMAL_MAX], double per_second, const char *unit)
{
    static const char *const prefixes[] = {"", "k", "M", "G", "T"};
    char unit_per_second[16];
    snprintf(unit_per_second, sizeof(unit_per_second), "%s/s", unit);
    scaled(text, per_second, prefixes, sizeof(prefixes) / sizeof(prefixes[0]), unit_per_second, " ");
    return text;
}
