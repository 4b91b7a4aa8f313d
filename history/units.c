/* SPDX-License-Identifier: MIT */
#include "history/units.h"

#include <string.h>

static const struct {
    const char *name;
    enum tare_metric_unit unit;
    double factor;
} units[] = {
    {"ns", TARE_METRIC_TIME, 1},
    {"nsec", TARE_METRIC_TIME, 1},
    {"nanosecond", TARE_METRIC_TIME, 1},
    {"nanoseconds", TARE_METRIC_TIME, 1},
    {"us", TARE_METRIC_TIME, 1e3},
    {"usec", TARE_METRIC_TIME, 1e3},
    {"\xc2\xb5s", TARE_METRIC_TIME, 1e3}, /* U+00B5, the micro sign, and U+03BC, the letter */
    {"\xce\xbcs", TARE_METRIC_TIME, 1e3},
    {"microsecond", TARE_METRIC_TIME, 1e3},
    {"microseconds", TARE_METRIC_TIME, 1e3},
    {"ms", TARE_METRIC_TIME, 1e6},
    {"msec", TARE_METRIC_TIME, 1e6},
    {"millisecond", TARE_METRIC_TIME, 1e6},
    {"milliseconds", TARE_METRIC_TIME, 1e6},
    {"s", TARE_METRIC_TIME, 1e9},
    {"sec", TARE_METRIC_TIME, 1e9},
    {"second", TARE_METRIC_TIME, 1e9},
    {"seconds", TARE_METRIC_TIME, 1e9},
    {"min", TARE_METRIC_TIME, 60e9},
    {"minutes", TARE_METRIC_TIME, 60e9},
    {"h", TARE_METRIC_TIME, 3600e9},
    {"hours", TARE_METRIC_TIME, 3600e9},
    {"bytes", TARE_METRIC_BYTES, 1},
    {"byte", TARE_METRIC_BYTES, 1},
    {"B", TARE_METRIC_BYTES, 1},
    {"bytes/s", TARE_METRIC_BYTE_RATE, 1},
    {"B/s", TARE_METRIC_BYTE_RATE, 1},
    {"1/s", TARE_METRIC_RATE, 1},
    {"count", TARE_METRIC_COUNT, 1},
    {"share", TARE_METRIC_SHARE, 1},
    {"%", TARE_METRIC_SHARE, 0.01},
    {"ratio", TARE_METRIC_RATIO, 1},
};

bool tare_unit_find(const char *name, size_t size, enum tare_metric_unit *unit, double *factor)
{
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        if (strlen(units[i].name) == size && memcmp(units[i].name, name, size) == 0) {
            *unit = units[i].unit;
            *factor = units[i].factor;
            return true;
        }
    }
    return false;
}

bool tare_unit_find_of_one(const char *name, enum tare_metric_unit *unit, double *factor)
{
    static const char *const ends[] = {"", "/iter", "/op", "/call", "/iteration", " per iteration"};
    size_t size = strlen(name);
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        size_t length = strlen(ends[i]);
        if (length <= size && strcmp(name + size - length, ends[i]) == 0 &&
            tare_unit_find(name, size - length, unit, factor)) {
            return true;
        }
    }
    return false;
}
