/* SPDX-License-Identifier: MIT */
/*
 * github-action-benchmark's data.js, "window.BENCHMARK_DATA = {…}", or the object alone: for each suite a list
 * of entries, one a run, with its commit. Fields: src/extract.ts and src/write/ of github-action-benchmark.
 *
 * Such a file grows by an entry with each commit and becomes large. So it is read entry by entry, and each is a
 * record with raw bytes of its own: {"entries":{"SUITE":[ENTRY]}} in canonical form, which is itself such data.
 * What else is in the file (lastUpdate, repoUrl) changes and is no part of it: a file that has grown by one
 * entry adds one record.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "history/import_parts.h"
#include "history/units.h"

const char *import__github_data(const char *bytes, size_t size)
{
    static const char name[] = "window.BENCHMARK_DATA";
    struct import_scan scan = {bytes, bytes + size};
    import__scan_space(&scan);
    if ((size_t)(scan.end - scan.at) < strlen(name) || memcmp(scan.at, name, strlen(name)) != 0) {
        return NULL;
    }
    scan.at += strlen(name);
    return import__scan_mark(&scan, '=') ? scan.at : NULL;
}

struct unit {
    char name[64]; /* ours, or the file's */
    double factor;
    enum tare_history_better better;
    bool time;
};

/*
 * Which way is worse, by the tool (src/write/biggerIsBetter.ts) and, of those that measure several things, by
 * the unit.
 */
static enum tare_history_better better_of(const char *tool, const char *unit)
{
    static const char *const bigger[] = {"benchmarkjs", "pytest", "customBiggerIsBetter"};
    static const char *const smaller[] = {"cargo",
                                          "go",
                                          "benchmarkluau",
                                          "googlecpp",
                                          "catch2",
                                          "julia",
                                          "jmh",
                                          "benchmarkdotnet",
                                          "customSmallerIsBetter"};
    for (size_t i = 0; i < sizeof bigger / sizeof bigger[0]; i++) {
        if (strcmp(tool, bigger[i]) == 0) {
            return TARE_BETTER_HIGHER;
        }
    }
    for (size_t i = 0; i < sizeof smaller / sizeof smaller[0]; i++) {
        if (strcmp(tool, smaller[i]) == 0) {
            size_t length = strlen(unit);
            bool rate = (length > 2 && strcmp(unit + length - 2, "/s") == 0) ||
                        (length > 4 && strcmp(unit + length - 4, "/sec") == 0);
            bool custom = strncmp(tool, "custom", 6) == 0;
            return rate && !custom ? TARE_BETTER_HIGHER : TARE_BETTER_LOWER;
        }
    }
    return TARE_BETTER_UNKNOWN;
}

static void read_unit(const char *tool, const char *text, struct unit *unit)
{
    /* A time of one of something; "ns/MB" and the like stay as they are. */
    enum tare_metric_unit found = TARE_METRIC_COUNT;
    double factor = 1;
    bool time = tare_unit_find_of_one(text, &found, &factor) && found == TARE_METRIC_TIME;
    *unit = (struct unit){.factor = 1, .better = better_of(tool, text), .time = time};
    const char *name = text;
    if (unit->time) {
        unit->factor = factor;
        name = "ns";
    } else if (strcmp(text, "ops/sec") == 0 || strcmp(text, "ops/s") == 0 || strcmp(text, "iter/sec") == 0) {
        name = "1/s";
    } else if (strcmp(text, "bytes") == 0 || strcmp(text, "byte") == 0 || strcmp(text, "B") == 0) {
        name = "bytes";
    }
    snprintf(unit->name, sizeof unit->name, "%s", name);
}

/*
 * A number that may have commas before each three digits, "2,802"; NAN: there is none, or not to the end of the
 * text.
 */
static double grouped(const char *text, char end_mark)
{
    char plain[40];
    size_t size = 0;
    for (; *text != '\0' && size < sizeof plain - 1; text++) {
        bool group = *text == ',' && strspn(text + 1, "0123456789") == 3;
        if (!group) {
            plain[size++] = *text;
        }
    }
    plain[size] = '\0';
    char *end;
    double value = import__strtod(plain, &end);
    const char expected[] = {end_mark, '\0'};
    return end != plain && *text == '\0' && strcmp(end, expected) == 0 ? value : NAN;
}

/*
 * "± 20" or "+/- 2,802" in the value's unit, "±1.1%", as half an interval: what it means is the tool's affair.
 * NAN: it says something else ("stddev: 0.1").
 */
static double half_width(const char *range, double value)
{
    static const char *const signs[] = {"\xc2\xb1", "+/-", "+-"};
    for (size_t i = 0; range != NULL && i < sizeof signs / sizeof signs[0]; i++) {
        size_t length = strlen(signs[i]);
        if (strncmp(range, signs[i], length) == 0) {
            range += length + strspn(range + length, " ");
            double width = grouped(range, '\0');
            return !isnan(width) ? width : fabs(value) * grouped(range, '%') / 100;
        }
    }
    return NAN;
}

/* Go's and other tools write what is no number as text, since JSON has no other way. */
static bool says_no_number(const json_t *value)
{
    static const char *const words[] = {"NaN",  "nan",  "Infinity", "-Infinity", "inf",
                                        "-inf", "+Inf", "-Inf",     "Inf"};
    const char *text = json_string_value(value);
    for (size_t i = 0; text != NULL && i < sizeof words / sizeof words[0]; i++) {
        if (strcmp(text, words[i]) == 0) {
            return true;
        }
    }
    return false;
}

static bool add_bench(struct import *import, const json_t *bench, const char *place, const char *tool)
{
    const char *name, *unit_text, *range;
    double value;
    if (!json_is_object(bench)) {
        return import__fail(import, "'%s' is not an object", place);
    }
    bool none = says_no_number(json_object_get(bench, "value"));
    value = NAN;
    if (!import__text(import, bench, place, "name", true, &name) ||
        !import__text(import, bench, place, "unit", false, &unit_text) ||
        (!none && !import__number(import, bench, place, "value", false, &value))) {
        return false;
    }
    const json_t *range_value =
        json_object_get(bench, "range"); /* a number in hand-made ones: it says nothing */
    range = json_string_value(range_value);
    struct unit unit;
    read_unit(tool, unit_text != NULL ? unit_text : "", &unit);
    double scaled = value * unit.factor;
    if (!isfinite(scaled) || (unit.time && (scaled < 0 || scaled > IMPORT_NS_MAX))) {
        import__leave_out(import, "left out # whose value is no number that can be", name);
        return true;
    }
    struct tare_history_point *point = import__line(import, name, "", "value", unit.name, unit.better);
    if (point == NULL) {
        return false;
    }
    double half = half_width(range, value) * unit.factor;
    point->value = scaled;
    if (isfinite(half)) {
        point->low = scaled - half;
        point->high = scaled + half;
    }
    return true;
}

static bool read_commit(struct import *import, const json_t *entry, const char *place)
{
    const json_t *commit;
    const char *id, *message, *time, *url;
    char inner[IMPORT_PLACE];
    snprintf(inner, sizeof inner, "%.100s.commit", place);
    if (!import__object(import, entry, place, "commit", true, &commit) ||
        !import__text(import, commit, inner, "id", true, &id) ||
        !import__text(import, commit, inner, "message", false, &message) ||
        !import__text(import, commit, inner, "timestamp", false, &time) ||
        !import__text(import, commit, inner, "url", false, &url)) {
        return false;
    }
    int64_t ms = time != NULL ? import__date_ms(time) : TARE_HISTORY_UNKNOWN;
    return import__commit(import, id, ms != TARE_HISTORY_UNKNOWN ? ms / 1000 : ms, message, url);
}

/* {"entries":{"SUITE":[ENTRY]}}; NULL without memory. */
static char *raw_of(const json_t *entry, const char *suite, size_t *size)
{
    json_t *root = json_pack("{s:{s:[O]}}", "entries", suite, entry);
    char *raw = root != NULL ? import__canonical(root, size) : NULL;
    json_decref(root);
    return raw;
}

static bool add_entry(struct import *import, const json_t *entry, const char *suite, const char *place)
{
    const json_t *benches;
    const char *tool;
    double date;
    char settings[80];
    if (!import__text(import, entry, place, "tool", false, &tool) ||
        !import__number(import, entry, place, "date", false, &date) ||
        !import__array(import, entry, place, "benches", true, &benches)) {
        return false;
    }
    struct tare_history_record *record = import__begin(import, "github-action-benchmark");
    if (record == NULL || !read_commit(import, entry, place)) {
        return false;
    }
    if (date > 0 && date < 1e14) {
        record->run.started_ms = (int64_t)date;
    }
    tool = tool != NULL ? tool : "";
    snprintf(settings, sizeof settings, "%s%.60s", tool[0] != '\0' ? "tool=" : "", tool);
    import->suite = suite;
    import->settings = settings;
    for (size_t i = 0; i < json_array_size(benches); i++) {
        char inner[IMPORT_PLACE];
        snprintf(inner, sizeof inner, "%.120s.benches[%zu]", place, i);
        if (!add_bench(import, json_array_get(benches, i), inner, tool)) {
            return false;
        }
    }
    size_t size = 0;
    char *raw = raw_of(entry, suite, &size);
    return import__end(import, raw, size);
}

/* The text of a name that the scan is at, and over it; NULL after a complaint. */
static char *scan_name(struct import *import, struct import_scan *scan)
{
    const char *from = scan->at;
    if (!import__scan_string(scan)) {
        import__fail(import, "it is not JSON that can be read: a name is missing at byte %zu",
                     (size_t)(from - import->files[0].bytes));
        return NULL;
    }
    json_t *text = json_loadb(from, (size_t)(scan->at - from), JSON_DECODE_ANY, NULL);
    char *name = json_is_string(text) ? strdup(json_string_value(text)) : NULL;
    if (name == NULL) {
        import__fail(import, "it is not JSON that can be read: the name at byte %zu is damaged",
                     (size_t)(from - import->files[0].bytes));
    }
    json_decref(text);
    return name;
}

static bool unexpected(struct import *import, const struct import_scan *scan)
{
    return import__fail(import, "it is not JSON that can be read: it breaks off or goes wrong at byte %zu",
                        (size_t)(scan->at - import->files[0].bytes));
}

static bool read_suite(struct import *import, struct import_scan *scan, const char *suite)
{
    if (!import__scan_mark(scan, '[')) {
        return import__fail(import, "'entries.%.100s' is not an array", suite);
    }
    if (import__scan_mark(scan, ']')) {
        return true;
    }
    size_t index = 0;
    do {
        char place[IMPORT_PLACE];
        snprintf(place, sizeof place, "entries.%.80s[%zu]", suite, index++);
        const char *from = scan->at;
        if (!import__scan_value(scan)) {
            return unexpected(import, scan);
        }
        json_t *entry = import__parse(import, from, (size_t)(scan->at - from), place);
        if (entry == NULL) {
            return false;
        }
        bool well = json_is_object(entry) ? add_entry(import, entry, suite, place)
                                          : import__fail(import, "'%s' is not an object", place);
        json_decref(entry);
        if (!well) {
            return false;
        }
    } while (import__scan_mark(scan, ','));
    return import__scan_mark(scan, ']') || unexpected(import, scan);
}

static bool read_suites(struct import *import, struct import_scan *scan)
{
    if (!import__scan_mark(scan, '{')) {
        return import__fail(import, "'entries' is not an object");
    }
    if (import__scan_mark(scan, '}')) {
        return true;
    }
    do {
        char *suite = scan_name(import, scan);
        bool well = suite != NULL && (import__scan_mark(scan, ':') || unexpected(import, scan)) &&
                    read_suite(import, scan, suite);
        free(suite);
        if (!well) {
            return false;
        }
    } while (import__scan_mark(scan, ','));
    return import__scan_mark(scan, '}') || unexpected(import, scan);
}

bool import__github(struct import *import)
{
    const struct tare_import_file *file = &import->files[0];
    const char *data = import__github_data(file->bytes, file->size);
    struct import_scan scan = {data != NULL ? data : file->bytes, file->bytes + file->size};
    bool found = false;
    if (!import__scan_mark(&scan, '{')) {
        return import__fail(import, "it has no object where the data should begin");
    }
    do {
        char *key = scan_name(import, &scan);
        if (key == NULL) {
            return false;
        }
        bool entries = strcmp(key, "entries") == 0;
        free(key);
        if (!import__scan_mark(&scan, ':')) {
            return unexpected(import, &scan);
        }
        if (entries) {
            if (found) {
                return import__fail(import, "'entries' is there twice");
            }
            if (!read_suites(import, &scan)) {
                return false;
            }
        } else if (!import__scan_value(&scan)) {
            return unexpected(import, &scan);
        }
        found |= entries;
    } while (import__scan_mark(&scan, ','));
    if (!import__scan_mark(&scan, '}')) {
        return unexpected(import, &scan);
    }
    import__scan_mark(&scan, ';');
    if (scan.at != scan.end) {
        return unexpected(import, &scan);
    }
    return found || import__fail(import, "'entries' is missing");
}
