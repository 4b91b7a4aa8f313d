/* SPDX-License-Identifier: MIT */
/*
 * Figures in few columns. Four digits are what a row of a live screen has room for, and more than most rates
 * hold still for; whoever wants all of them exports the snapshot.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "view/columns.h"
#include "view/screen_parts.h"

/* Decimals with which a number below 10000 shows four digits. */
static int decimals_of(double size)
{
    return size >= 999.95 ? 0 : size >= 99.995 ? 1 : size >= 9.9995 ? 2 : 3;
}

static char *scaled(char buffer[TARE__FIGURE], double value, const char *unit)
{
    char number[TARE__VIEW_NUMBER];
    snprintf(buffer, TARE__FIGURE, "%.24s%s", tare__view_fixed(number, value, decimals_of(fabs(value))), unit);
    return buffer;
}

char *tare__figure_time(char buffer[TARE__FIGURE], double ns, bool ascii)
{
    double size = fabs(ns);
    if (!isfinite(ns)) {
        return strcpy(buffer, "-");
    }
    if (size < 0.0005) {
        return strcpy(buffer, "0ns");
    }
    if (size < 999.95) {
        return scaled(buffer, ns, "ns");
    }
    if (size < 999.95e3) {
        return scaled(buffer, ns / 1e3, ascii ? "us" : "µs");
    }
    if (size < 999.95e6) {
        return scaled(buffer, ns / 1e6, "ms");
    }
    return size < 9999.5e9 ? scaled(buffer, ns / 1e9, "s") : tare__figure_age(buffer, ns);
}

char *tare__figure_number(char buffer[TARE__FIGURE], double value)
{
    static const char *const powers[] = {"", "k", "M", "G", "T", "P", "E"};
    if (!isfinite(value)) {
        return strcpy(buffer, "-");
    }
    double size = fabs(value);
    if (size < 9999.5 && size == floor(size)) {
        snprintf(buffer, TARE__FIGURE, "%d", (int)value);
        return buffer;
    }
    if (size < 0.0005) {
        int exponent = 0;
        for (; fabs(value) < 0.995 && exponent < 308; exponent++) {
            value *= 10;
        }
        char number[TARE__VIEW_NUMBER];
        snprintf(buffer, TARE__FIGURE, "%.24se-%d", tare__view_fixed(number, value, 1), exponent);
        return buffer;
    }
    size_t power = 0;
    while (fabs(value) >= 999.95 && power + 1 < sizeof(powers) / sizeof(powers[0])) {
        value /= 1000;
        power++;
    }
    if (fabs(value) < 9999.5) {
        return scaled(buffer, value, powers[power]);
    }
    int exponent = 18; /* beyond the powers with a name */
    for (; fabs(value) >= 9.95; exponent++) {
        value /= 10;
    }
    char number[TARE__VIEW_NUMBER];
    snprintf(buffer, TARE__FIGURE, "%.24se+%d", tare__view_fixed(number, value, 1), exponent);
    return buffer;
}

char *tare__figure_bytes(char buffer[TARE__FIGURE], double bytes)
{
    static const char *const powers[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    if (!isfinite(bytes)) {
        return strcpy(buffer, "-");
    }
    size_t power = 0;
    while (fabs(bytes) >= 1023.5 && power + 1 < sizeof(powers) / sizeof(powers[0])) {
        bytes /= 1024;
        power++;
    }
    char number[TARE__VIEW_NUMBER];
    bool whole = power == 0 && bytes == floor(bytes);
    double size = fabs(bytes);
    int decimals = whole || size >= 999.5 ? 0 : size >= 99.95 ? 1 : 2;
    snprintf(buffer, TARE__FIGURE, "%.24s%s", tare__view_fixed(number, bytes, decimals), powers[power]);
    return buffer;
}

char *tare__figure_share(char buffer[TARE__FIGURE], double share)
{
    char number[TARE__VIEW_NUMBER];
    if (!isfinite(share)) {
        return strcpy(buffer, "-");
    }
    double percent = share * 100;
    snprintf(buffer, TARE__FIGURE, "%.24s%%",
             tare__view_fixed(number, percent, fabs(percent) >= 999.95 ? 0 : 1));
    return buffer;
}

char *tare__figure_age(char buffer[TARE__FIGURE], double ns)
{
    if (!isfinite(ns) || ns < 0 || ns > 1e18) {
        return strcpy(buffer, "-");
    }
    unsigned long seconds = (unsigned long)(ns / 1e9), days = seconds / 86400;
    if (days > 0) {
        snprintf(buffer, TARE__FIGURE, "%lud%02luh", days, seconds / 3600 % 24);
    } else if (seconds >= 3600) {
        snprintf(buffer, TARE__FIGURE, "%luh%02lum", seconds / 3600, seconds / 60 % 60);
    } else if (seconds >= 60) {
        snprintf(buffer, TARE__FIGURE, "%lum%02lus", seconds / 60, seconds % 60);
    } else {
        snprintf(buffer, TARE__FIGURE, "%lus", seconds);
    }
    return buffer;
}

bool tare__is_of_few(double p, uint64_t count)
{
    static const double median = 0.5;
    enum { MEDIAN_LEAST = 6 }; /* of 5, the extremes are no 95 % interval of the median */
    if (p == median) {
        return count < MEDIAN_LEAST;
    }
    return (double)count * fmin(p, 1 - p) < 1 - 1e-9; /* 1 - 0.99 is less than 0.01 */
}

bool tare__is_coarse(const struct tare_distribution *distribution, double raw, double net, double step_ns)
{
    static const double share = 1.0 / 8;
    const struct tare_result_bucket *buckets = distribution->buckets;
    size_t low = 0, high = distribution->bucket_count;
    double ticks = raw / distribution->scale;
    if (!isfinite(ticks) || high == 0) {
        return false;
    }
    while (high - low > 1) { /* the last one that begins below it */
        size_t middle = low + (high - low) / 2;
        if ((double)buckets[middle].low_ticks <= ticks) {
            low = middle;
        } else {
            high = middle;
        }
    }
    double below = low > 0 ? (double)(buckets[low].low_ticks - buckets[low - 1].low_ticks) : INFINITY;
    double above = low + 1 < distribution->bucket_count
                       ? (double)(buckets[low + 1].low_ticks - buckets[low].low_ticks)
                       : INFINITY;
    double step = fmin(below, above), width = (double)buckets[low].width_ticks;
    step = (isfinite(step) ? fmax(step, width) : width) * distribution->scale;
    step = step_ns > step ? step_ns : step; /* of values in one bucket, nothing else tells */
    return !(step / 2 <= net * share);
}

bool tare__is_rough(const struct tare_distribution *distribution, double p, double raw, double net,
                    double step_ns)
{
    return tare__is_of_few(p, distribution->count) || tare__is_coarse(distribution, raw, net, step_ns);
}

char *tare__figure_mark(char buffer[TARE__FIGURE], bool rough)
{
    enum { MOST = 8 };
    if (!rough || strcmp(buffer, "-") == 0) {
        return buffer;
    }
    size_t length = strlen(buffer), point = strcspn(buffer, ".");
    if (tare__columns_of(buffer) >= MOST && point < length) { /* there is a sign, too: the last digit goes */
        size_t digits = strspn(buffer + point + 1, "0123456789"), end = point + 1 + digits;
        size_t from = digits < 2 ? point : end - 1; /* and its point */
        memmove(buffer + from, buffer + end, length + 1 - end);
        length -= end - from;
    }
    if (length + 2 <= TARE__FIGURE) {
        memmove(buffer + 1, buffer, length + 1);
        buffer[0] = '~';
    }
    return buffer;
}

/* Columns, or bytes, that a unit may take; what is longer is cut between two characters. */
enum { UNIT_MOST = 48 };

static bool is_counted(const char *unit)
{
    return unit == NULL || *unit == '\0' || strcmp(unit, "1") == 0;
}

/* Of a unit that is scaled, the first `length` bytes of it; NULL: it is not. */
static char *scaled_of_unit(char buffer[TARE__FIGURE], double value, const char *unit, size_t length,
                            bool ascii)
{
    static const struct {
        const char *name;
        double ns;
    } times[] = {{"ns", 1}, {"us", 1e3}, {"µs", 1e3}, {"ms", 1e6}, {"s", 1e9}, {"seconds", 1e9}};
    if (length == strlen("bytes") && strncmp(unit, "bytes", length) == 0) {
        return tare__figure_bytes(buffer, value);
    }
    if (length == strlen("ratio") && strncmp(unit, "ratio", length) == 0) {
        return tare__figure_share(buffer, value);
    }
    for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
        if (length == strlen(times[i].name) && strncmp(unit, times[i].name, length) == 0) {
            return tare__figure_time(buffer, value * times[i].ns, ascii);
        }
    }
    return NULL;
}

static char *append(char buffer[TARE__FIGURE], const char *between, const char *unit)
{
    size_t used = strlen(buffer), length = strlen(unit);
    if (length > UNIT_MOST) {
        for (length = UNIT_MOST; length > 0 && ((unsigned char)unit[length] & 0xc0) == 0x80;) {
            length--;
        }
    }
    snprintf(buffer + used, TARE__FIGURE - used, "%s%.*s", between, (int)length, unit);
    return buffer;
}

char *tare__figure_of_unit(char buffer[TARE__FIGURE], double value, const char *unit, bool ascii)
{
    if (is_counted(unit) || !isfinite(value)) {
        return tare__figure_number(buffer, value);
    }
    size_t length = strlen(unit);
    if (scaled_of_unit(buffer, value, unit, length, ascii) != NULL) {
        return buffer;
    }
    if (length > 2 && strcmp(unit + length - 2, "/s") == 0 &&
        scaled_of_unit(buffer, value, unit, length - 2, ascii) != NULL) {
        return append(buffer, "", "/s");
    }
    tare__figure_number(buffer, value);
    return strcmp(unit, "1/s") == 0 ? append(buffer, "", "/s") : append(buffer, *unit == '%' ? "" : " ", unit);
}

char *tare__figure_rate(char buffer[TARE__FIGURE], double per_s, const char *unit, bool ascii)
{
    tare__figure_of_unit(buffer, per_s, unit, ascii);
    return is_counted(unit) || !isfinite(per_s) ? buffer : append(buffer, "", "/s");
}

char *tare__figure_change(char buffer[TARE__FIGURE], double value, const char *unit, bool ascii)
{
    tare__figure_of_unit(buffer, value, unit, ascii);
    size_t length = strlen(buffer);
    if (value > 0 && isfinite(value) && length + 2 <= TARE__FIGURE) {
        memmove(buffer + 1, buffer, length + 1);
        *buffer = '+';
    }
    return buffer;
}
