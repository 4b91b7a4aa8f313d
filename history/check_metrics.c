/* SPDX-License-Identifier: MIT */
/*
 * Which way is worse for a metric. What is an amount of work, or says something of the measurement and not of
 * what was measured (calls, rounds, values), has no worse way: a program that is called more often has not
 * become slow. Such metrics are named; all others go by their unit.
 */
#include <string.h>

#include "history/check_parts.h"
#include "history/units.h"

static bool is_one_of(const char *word, size_t size, const char *const *words)
{
    for (; *words != NULL; words++) {
        if (strlen(*words) == size && memcmp(*words, word, size) == 0) {
            return true;
        }
    }
    return false;
}

/* The figure's own name: behind the label of an arm and the name of a timer, "B.fdtables::close.net_avg". */
static const char *figure_of(const char *metric)
{
    const char *dot = strrchr(metric, '.');
    return dot != NULL ? dot + 1 : metric;
}

/* Without what it is for each of: "ns" of "ns/iter". */
static size_t amount_of(const char *unit)
{
    return strcspn(unit, "/");
}

bool tare__is_time(const char *unit)
{
    enum tare_metric_unit found;
    double factor;
    return tare_unit_find(unit, amount_of(unit), &found, &factor) && found == TARE_METRIC_TIME;
}

static enum tare_history_better by_unit(const char *unit)
{
    static const char *const seconds[] = {"s", "sec", "second", NULL};
    static const char *const amounts[] = {"bytes", "B",   "kB",  "KB",     "MB",          "GB",
                                          "KiB",   "MiB", "GiB", "allocs", "allocations", NULL};
    const char *slash = strchr(unit, '/');
    if (slash != NULL && is_one_of(slash + 1, strlen(slash + 1), seconds)) {
        return TARE_BETTER_HIGHER;
    }
    return tare__is_time(unit) || is_one_of(unit, amount_of(unit), amounts) ? TARE_BETTER_LOWER
                                                                            : TARE_BETTER_UNKNOWN;
}

enum tare_history_better tare_metric_better(const char *metric, const char *unit)
{
    static const char *const neither[] = {
        "calls", "outermost_calls", "values",        "rounds",          "rounds_dropped", "spent", "measuring",
        "bytes", "measuring_share", "control_ratio", "smallest_change", "page_size",      NULL,
    };
    /* Without a unit that says so. "ratio": an arm's time to the first arm's. */
    static const char *const costs[] = {
        "syscalls",
        "page_faults",
        "context_switches",
        "allocations",
        "cycles",
        "instructions",
        "branches",
        "branch_misses",
        "cache_misses",
        "cache_references",
        "valgrind_instructions",
        "cv",
        "ratio",
        "exponent",
        "lost_instruments",
        "lost_threads",
        "lost_scopes",
        "lost_processes",
        "dropped_scopes",
        "cpu_migrations",
        "page-faults",
        "context-switches",
        "branch-misses",
        "cache-misses",
        "cache-references",
        "cpu-migrations",
        NULL,
    };
    const char *figure = figure_of(metric);
    size_t size = strcspn(figure, ":"); /* perf's modifiers: "instructions:u" */
    if (is_one_of(figure, size, neither)) {
        return TARE_BETTER_UNKNOWN;
    }
    return is_one_of(figure, size, costs) ? TARE_BETTER_LOWER : by_unit(unit);
}
