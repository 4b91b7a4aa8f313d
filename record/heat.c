/* SPDX-License-Identifier: MIT */
/*
 * The processor's temperature and its limit, as far as the machine shows them: thermal zones (with trip points)
 * and hwmon chips (with tempN_max and tempN_crit), all in thousandths of a degree Celsius; and how often it was
 * slowed down for heat, which x86 counts for each processor. Documentation/driver-api/thermal and hwmon of
 * Linux.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "record/files.h"
#include "record/machine.h"

enum { SENSORS_MAX = 64, INPUTS_MAX = 32, TRIPS_MAX = 12, PROCESSORS_MAX = 4096 };

#define ZONES "/sys/class/thermal"
#define CHIPS "/sys/class/hwmon"

static double read_celsius(const char *root, const char *name)
{
    long long value;
    /* Sensors that are not connected say -128 or 0 kelvin. */
    if (tare__file_number(root, name, &value) != 0 || value <= -100000 || value > 250000) {
        return NAN;
    }
    return (double)value / 1000;
}

/* Keeps the sensor that is nearest to its limit; one without a limit only while there is none with. */
static void consider(struct tare_heat *heat, double celsius, double limit, const char *sensor)
{
    bool better = isnan(heat->celsius) || (isnan(heat->limit_celsius) && !isnan(limit));
    if (isnan(heat->limit_celsius) == isnan(limit) && !isnan(heat->celsius)) {
        better = isnan(limit) ? celsius > heat->celsius : limit - celsius < heat->limit_celsius - heat->celsius;
    }
    if (!isnan(celsius) && better) {
        heat->celsius = celsius;
        heat->limit_celsius = limit;
        snprintf(heat->sensor, sizeof heat->sensor, "%s", sensor);
    }
}

/* Zones of the processor; a battery's or a radio's heat is none of ours. */
static bool is_processor(const char *type)
{
    static const char *const words[] = {"x86_pkg_temp", "cpu",    "CPU",      "soc",    "coretemp",
                                        "k10temp",      "k8temp", "zenpower", "acpitz", "package"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (strstr(type, words[i]) != NULL) {
            return true;
        }
    }
    return false;
}

static void read_zones(struct tare_heat *heat, const char *root)
{
    unsigned zones[SENSORS_MAX];
    size_t count = tare__file_numbered(root, ZONES, "thermal_zone", zones, SENSORS_MAX);
    for (size_t i = 0; i < count; i++) {
        char name[128], type[64];
        double limit = NAN;
        snprintf(name, sizeof name, ZONES "/thermal_zone%u/type", zones[i]);
        if (tare__file_line(root, name, type, sizeof type) != 0 || !is_processor(type)) {
            continue;
        }
        for (unsigned trip = 0; trip < TRIPS_MAX; trip++) {
            char kind[32];
            snprintf(name, sizeof name, ZONES "/thermal_zone%u/trip_point_%u_type", zones[i], trip);
            if (tare__file_line(root, name, kind, sizeof kind) != 0) {
                break;
            }
            snprintf(name, sizeof name, ZONES "/thermal_zone%u/trip_point_%u_temp", zones[i], trip);
            double celsius = strcmp(kind, "active") != 0 ? read_celsius(root, name) : NAN; /* active: a fan */
            if (celsius > 0 && !(celsius >= limit)) {
                limit = celsius;
            }
        }
        snprintf(name, sizeof name, ZONES "/thermal_zone%u/temp", zones[i]);
        consider(heat, read_celsius(root, name), limit, type);
    }
}

static void read_chips(struct tare_heat *heat, const char *root)
{
    unsigned chips[SENSORS_MAX];
    size_t count = tare__file_numbered(root, CHIPS, "hwmon", chips, SENSORS_MAX);
    for (size_t i = 0; i < count; i++) {
        char name[128], type[64];
        snprintf(name, sizeof name, CHIPS "/hwmon%u/name", chips[i]);
        if (tare__file_line(root, name, type, sizeof type) != 0 || !is_processor(type)) {
            continue;
        }
        for (unsigned input = 1; input < INPUTS_MAX; input++) {
            snprintf(name, sizeof name, CHIPS "/hwmon%u/temp%u_input", chips[i], input);
            double celsius = read_celsius(root, name);
            if (isnan(celsius)) {
                continue;
            }
            snprintf(name, sizeof name, CHIPS "/hwmon%u/temp%u_max", chips[i], input);
            double limit = read_celsius(root, name);
            if (!(limit > 0)) {
                snprintf(name, sizeof name, CHIPS "/hwmon%u/temp%u_crit", chips[i], input);
                limit = read_celsius(root, name);
            }
            consider(heat, celsius, limit > 0 ? limit : NAN, type);
        }
    }
}

/* A core's count stands under each processor of it, so it is counted once for each; it is told as "times", not divided. */
static double read_throttles(const char *root)
{
    unsigned processors[PROCESSORS_MAX];
    size_t count = tare__file_numbered(root, "/sys/devices/system/cpu", "cpu", processors, PROCESSORS_MAX);
    double total = NAN;
    for (size_t i = 0; i < count; i++) {
        static const char *const files[] = {"core_throttle_count", "package_throttle_count"};
        for (size_t file = 0; file < 2; file++) {
            char name[128];
            long long value;
            snprintf(name, sizeof name, "/sys/devices/system/cpu/cpu%u/thermal_throttle/%s", processors[i],
                     files[file]);
            if (tare__file_number(root, name, &value) == 0 && value >= 0) {
                total = (isnan(total) ? 0 : total) + (double)value;
            }
        }
    }
    return total;
}

void tare_heat_read(struct tare_heat *heat, const char *root)
{
    *heat = (struct tare_heat){.celsius = NAN, .limit_celsius = NAN};
    read_zones(heat, root);
    read_chips(heat, root);
    heat->throttles = read_throttles(root);
}
