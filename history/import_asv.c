/* SPDX-License-Identifier: MIT */
/*
 * airspeed velocity's results/MACHINE/COMMIT-ENV.json: all benchmarks of one commit in one environment. In
 * version 2 of the format a benchmark is a row whose columns "result_columns" names, and trailing ones are left
 * out; in version 1 it is a number, or an object. A benchmark with parameters has a value for each of their
 * combinations, the last parameter changing fastest; null has failed, NaN was skipped. Fields: asv/results.py
 * (save(), update_to_2()) of asv.
 *
 * Units are not in the file: asv takes them from the benchmark's kind, which its name begins with (time_, mem_,
 * peakmem_, track_), or from benchmarks.json in the folder above, if that is given. machine.json gives what the
 * file itself lacks of the machine.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "history/import_parts.h"

enum { COMBINATIONS_MAX = 100000 }; /* of parameters of one benchmark */

/* A benchmark's columns; NULL: there are none. */
struct row {
    const json_t *result, *params, *version, *started_at, *samples;
    const json_t *low, *high, *repeat;
    json_t *made; /* arrays that version 1 does not have */
};

struct kind {
    const char *metric, *unit;
    double factor;
    enum tare_history_better better;
};

struct asv {
    struct import *import;
    const json_t *columns; /* NULL: version 1 */
    const json_t *root;
    const json_t *benchmarks; /* of benchmarks.json; NULL */
    const char *environment;
};

static const json_t *not_null(const json_t *value)
{
    return value == NULL || json_is_null(value) ? NULL : value;
}

static bool row_of_columns(struct asv *asv, const json_t *value, const char *name, struct row *row)
{
    static const char *const wanted[] = {"result",  "params",        "version",       "started_at",
                                         "samples", "stats_ci_99_a", "stats_ci_99_b", "stats_repeat"};
    const json_t **to[] = {&row->result,  &row->params, &row->version, &row->started_at,
                           &row->samples, &row->low,    &row->high,    &row->repeat};
    if (!json_is_array(value)) {
        return import__fail(asv->import, "'results.%.200s' is not an array", name);
    }
    for (size_t i = 0; i < json_array_size(asv->columns); i++) {
        const char *column = json_string_value(json_array_get(asv->columns, i));
        for (size_t k = 0; column != NULL && k < sizeof wanted / sizeof wanted[0]; k++) {
            if (strcmp(column, wanted[k]) == 0) {
                *to[k] = not_null(json_array_get(value, i));
            }
        }
    }
    return true;
}

/* An array with the value in it, or, where it is one, the value. NULL without memory. */
static json_t *as_array(const json_t *value)
{
    json_t *shared = json_incref((json_t *)(uintptr_t)value);
    if (json_is_array(shared)) {
        return shared;
    }
    json_t *array = json_array();
    if (array == NULL || json_array_append_new(array, shared) != 0) {
        json_decref(array);
        return NULL;
    }
    return array;
}

/* From [{"ci_99":[a,b],"repeat":n}, null] the three columns. */
static bool stats_of(struct asv *asv, const json_t *stats, struct row *row)
{
    json_t *columns[] = {json_array(), json_array(), json_array()};
    bool well = columns[0] != NULL && columns[1] != NULL && columns[2] != NULL;
    for (size_t i = 0; well && i < json_array_size(stats); i++) {
        const json_t *of_one = json_array_get(stats, i);
        const json_t *interval = json_object_get(of_one, "ci_99");
        const json_t *values[] = {json_array_get(interval, 0), json_array_get(interval, 1),
                                  json_object_get(of_one, "repeat")};
        for (int k = 0; well && k < 3; k++) {
            json_t *copy = json_is_number(values[k]) ? json_real(json_number_value(values[k])) : json_null();
            well = json_array_append_new(columns[k], copy) == 0;
        }
    }
    for (int k = 0; k < 3; k++) { /* they live as long as the row */
        well = well && json_array_append(row->made, columns[k]) == 0;
    }
    row->low = columns[0];
    row->high = columns[1];
    row->repeat = columns[2];
    for (int k = 0; k < 3; k++) {
        json_decref(columns[k]);
    }
    return well || import__no_memory(asv->import);
}

static bool row_of_object(struct asv *asv, const json_t *value, const char *name, struct row *row)
{
    bool object = json_is_object(value);
    const json_t *found = object ? not_null(json_object_get(value, "result")) : value;
    if (found == NULL) {
        return true; /* all of it failed */
    }
    json_t *result = as_array(found);
    row->made = json_array();
    if (result == NULL || row->made == NULL || json_array_append(row->made, result) != 0) {
        json_decref(result);
        return import__no_memory(asv->import);
    }
    json_decref(result);
    row->result = result;
    row->version = not_null(json_object_get(json_object_get(asv->root, "benchmark_version"), name));
    row->started_at = not_null(json_object_get(json_object_get(asv->root, "started_at"), name));
    if (!object) {
        return true;
    }
    row->params = not_null(json_object_get(value, "params"));
    row->samples = not_null(json_object_get(value, "samples"));
    const json_t *stats = not_null(json_object_get(value, "stats"));
    if (stats == NULL) {
        return true;
    }
    json_t *array = as_array(stats);
    bool well = array != NULL ? stats_of(asv, array, row) : import__no_memory(asv->import);
    json_decref(array);
    return well;
}

static bool begins(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

/* asv's own rule (asv_runner): the function's name, or, as "TimeSomething", that of a class of its. */
static struct kind kind_of(const struct asv *asv, const char *name)
{
    const char *dot = strrchr(name, '.');
    const char *last = dot != NULL ? dot + 1 : name;
    const json_t *known = json_object_get(asv->benchmarks, name);
    const char *type = json_string_value(json_object_get(known, "type"));
    const char *unit = json_string_value(json_object_get(known, "unit"));
    if ((type != NULL && strcmp(type, "time") == 0) || begins(last, "time_") || begins(last, "timeraw_")) {
        return (struct kind){"median", "ns", 1e9, TARE_BETTER_LOWER};
    }
    if ((type != NULL && strcmp(type, "memory") == 0) || begins(last, "mem_")) {
        return (struct kind){"memory", "bytes", 1, TARE_BETTER_LOWER};
    }
    if ((type != NULL && strcmp(type, "peakmemory") == 0) || begins(last, "peakmem_")) {
        return (struct kind){"peak_memory", "bytes", 1, TARE_BETTER_LOWER};
    }
    if (unit != NULL && strcmp(unit, "bytes") == 0) {
        return (struct kind){"value", "bytes", 1, TARE_BETTER_UNKNOWN};
    }
    return (struct kind){"value", unit != NULL && strcmp(unit, "unit") != 0 ? unit : "", 1,
                         TARE_BETTER_UNKNOWN};
}

/* How many combinations of parameters there are: 1 without any, 0: too many, or a list that is none. */
static size_t combinations(const json_t *params)
{
    size_t count = 1;
    for (size_t i = 0; i < json_array_size(params); i++) {
        const json_t *list = json_array_get(params, i);
        if (!json_is_array(list) || json_array_size(list) == 0 || json_array_size(list) > COMBINATIONS_MAX) {
            return 0;
        }
        count *= json_array_size(list);
        if (count > COMBINATIONS_MAX) {
            return 0;
        }
    }
    return count;
}

/* "10/'numpy'" of the index-th combination; NULL without memory. */
static char *arguments_of(const json_t *params, size_t index, size_t count)
{
    char *text = strdup("");
    for (size_t i = 0; text != NULL && i < json_array_size(params); i++) {
        const json_t *list = json_array_get(params, i);
        count /= json_array_size(list);
        const json_t *value = json_array_get(list, index / count);
        index %= count;
        size_t size;
        char *other = json_is_string(value) ? NULL : import__canonical(value, &size);
        char *longer = NULL;
        const char *part = json_is_string(value) ? json_string_value(value) : other;
        if (part == NULL || asprintf(&longer, "%s%s%s", text, i > 0 ? "/" : "", part) < 0) {
            longer = NULL;
        }
        free(other);
        free(text);
        text = longer;
    }
    return text;
}

/* An element of a column that may be missing; NAN: it is. */
static double element(const json_t *column, size_t index)
{
    const json_t *value = json_is_array(column) ? json_array_get(column, index) : NULL;
    return json_is_number(value) ? json_number_value(value) : NAN;
}

static bool in_range(double value, const struct kind *kind)
{
    double most = kind->factor == 1e9 ? IMPORT_NS_MAX : 1e300;
    return isfinite(value) && fabs(value) <= most && (kind->better == TARE_BETTER_UNKNOWN || value >= 0);
}

static bool add_samples(struct asv *asv, const json_t *samples, const char *name, const struct kind *kind,
                        struct tare_history_point *point)
{
    size_t count = json_array_size(samples);
    if (count == 0) {
        return true;
    }
    point->values = reallocarray(NULL, count, sizeof *point->values);
    if (point->values == NULL) {
        return import__no_memory(asv->import);
    }
    for (size_t i = 0; i < count; i++) {
        const json_t *value = json_array_get(samples, i);
        double sample = json_is_number(value) ? json_number_value(value) * kind->factor : NAN;
        if (!in_range(sample, kind)) {
            return import__fail(asv->import, "a sample of 'results.%.200s' is not a number that can be", name);
        }
        point->values[i] = sample;
    }
    point->value_count = count;
    point->n = (int64_t)count;
    return true;
}

static bool add_value(struct asv *asv, const struct row *row, const char *name, const struct kind *kind,
                      size_t index, const char *arguments)
{
    const char *dot = strrchr(name, '.');
    const json_t *result = json_array_get(row->result, index);
    if (result != NULL && !json_is_number(result) && !json_is_null(result)) {
        return import__fail(asv->import, "a result of 'results.%.200s' is not a number", name);
    }
    double value = element(row->result, index) * kind->factor;
    if (isnan(value)) {
        import__leave_out(asv->import, "left out # that failed or was skipped", name);
        return true;
    }
    if (!in_range(value, kind)) {
        import__leave_out(asv->import, "left out # whose value is no number that can be", name);
        return true;
    }
    struct tare_history_point *point = import__line(asv->import, dot != NULL ? dot + 1 : name, arguments,
                                                    kind->metric, kind->unit, kind->better);
    if (point == NULL) {
        return false;
    }
    double low = element(row->low, index) * kind->factor;
    double high = element(row->high, index) * kind->factor;
    double repeat = element(row->repeat, index);
    point->value = value;
    if (in_range(low, kind) && in_range(high, kind) && low <= high) {
        point->low = low;
        point->high = high;
    }
    if (repeat >= 1 && repeat <= 1e9) {
        point->n = (int64_t)repeat;
    }
    const json_t *samples = json_is_array(row->samples) ? json_array_get(row->samples, index) : NULL;
    return add_samples(asv, samples, name, kind, point);
}

static bool add_row(struct asv *asv, const struct row *row, const char *name)
{
    struct import *import = asv->import;
    if (row->result == NULL) {
        import__leave_out(import, "left out # that failed or was skipped", name);
        return true;
    }
    if (!json_is_array(row->result) || (row->params != NULL && !json_is_array(row->params))) {
        return import__fail(import, "the result or the parameters of 'results.%.200s' are not an array", name);
    }
    size_t count = combinations(row->params);
    if (count == 0 || json_array_size(row->result) != count) {
        return import__fail(import, "'results.%.200s' has not one value for each combination of parameters",
                            name);
    }
    double started = element(row->started_at, 0);
    started = json_is_number(row->started_at) ? json_number_value(row->started_at) : started;
    struct tare_history_record *record = &import->records[import->count - 1];
    if (started > 0 && started < 1e14 &&
        (record->run.started_ms == TARE_HISTORY_UNKNOWN || (int64_t)started < record->run.started_ms)) {
        record->run.started_ms = (int64_t)started;
    }
    /* As asv does: what was measured by other code is another series. */
    const char *dot = strrchr(name, '.');
    const char *version = json_string_value(row->version);
    char *settings = NULL;
    char *suite = strndup(name, dot != NULL ? (size_t)(dot - name) : 0);
    if (suite == NULL || asprintf(&settings, "env=%s interval=99%%%s%.12s", asv->environment,
                                  version != NULL ? " code=" : "", version != NULL ? version : "") < 0) {
        free(suite);
        return import__no_memory(import);
    }
    import->settings = settings;
    import->suite = suite;
    const struct kind kind = kind_of(asv, name);
    bool well = true;
    for (size_t i = 0; well && i < count; i++) {
        char *arguments = arguments_of(row->params, i, count);
        well = arguments != NULL ? add_value(asv, row, name, &kind, i, arguments) : import__no_memory(import);
        free(arguments);
    }
    free(settings);
    free(suite);
    return well;
}

/* ---- the whole file ---- */

static bool read_machine(struct asv *asv, const json_t *params, const json_t *machine,
                         char hash[TARE_SHA256_HEX + 1])
{
    static const char *const keys[] = {"arch", "cpu", "machine", "num_cpu", "os", "ram"};
    json_t *parts = json_object();
    bool well = parts != NULL;
    hash[0] = '\0';
    for (size_t i = 0; well && i < sizeof keys / sizeof keys[0]; i++) {
        const json_t *value = not_null(json_object_get(params, keys[i]));
        value = value != NULL ? value : not_null(json_object_get(machine, keys[i]));
        size_t size;
        if (json_is_string(value) && json_string_value(value)[0] != '\0') {
            well = json_object_set_new(parts, keys[i], json_string(json_string_value(value))) == 0;
        } else if (json_is_number(value)) {
            char *text = import__canonical(value, &size);
            well = text != NULL && json_object_set_new(parts, keys[i], json_string(text)) == 0;
            free(text);
        }
    }
    if (!well) {
        import__no_memory(asv->import);
    } else {
        bool known = json_object_get(parts, "cpu") != NULL || json_object_get(parts, "machine") != NULL;
        well = import__machine(asv->import, known ? parts : NULL, hash);
    }
    json_decref(parts);
    return well;
}

/* Version 1 need not say it: of Python's version and the packages, as asv itself makes it up. */
static char *environment_of(const json_t *root)
{
    const char *name = json_string_value(json_object_get(root, "env_name"));
    if (name != NULL) {
        return strdup(name);
    }
    const char *python = json_string_value(json_object_get(root, "python"));
    size_t size;
    const json_t *requirements = json_object_get(root, "requirements");
    char *packages = json_object_size(requirements) > 0 ? import__canonical(requirements, &size) : strdup("");
    char *text = NULL;
    if (packages == NULL || asprintf(&text, "py%s%s", python != NULL ? python : "", packages) < 0) {
        text = NULL;
    }
    free(packages);
    return text;
}

static bool read_commit(struct asv *asv, const json_t *root)
{
    const char *commit;
    double date;
    if (!import__text(asv->import, root, "", "commit_hash", true, &commit) ||
        !import__number(asv->import, root, "", "date", false, &date)) {
        return false;
    }
    bool known = date > 0 && date < 1e14;
    return import__commit(asv->import, commit, known ? (int64_t)(date / 1000) : TARE_HISTORY_UNKNOWN, NULL,
                          NULL);
}

/* The file of that name among those beside it; *to NULL: it is not there. */
static bool read_beside(struct import *import, const char *name, json_t **to)
{
    *to = NULL;
    for (size_t i = 1; i < import->file_count && *to == NULL; i++) {
        const struct tare_import_file *file = &import->files[i];
        if (strcmp(import__base(file->path), name) == 0) {
            *to = import__parse(import, file->bytes, file->size, name);
            if (*to == NULL) {
                return false;
            }
        }
    }
    return true;
}

static bool read_results(struct asv *asv, const json_t *root)
{
    const json_t *results;
    double version;
    if (!import__object(asv->import, root, "", "results", true, &results) ||
        !import__array(asv->import, root, "", "result_columns", false, &asv->columns) ||
        !import__number(asv->import, root, "", "version", false, &version)) {
        return false;
    }
    if (version > 2) {
        return import__fail(asv->import, "it is of version %.0f of asv's format, and only 1 and 2 are known",
                            version);
    }
    json_t *iterable = (json_t *)(uintptr_t)results;
    for (void *at = json_object_iter(iterable); at != NULL; at = json_object_iter_next(iterable, at)) {
        const char *name = json_object_iter_key(at);
        const json_t *value = json_object_iter_value(at);
        struct row row = {0};
        bool well = asv->columns != NULL ? row_of_columns(asv, value, name, &row)
                                         : row_of_object(asv, value, name, &row);
        well = well && add_row(asv, &row, name);
        json_decref(row.made);
        if (!well) {
            return false;
        }
    }
    return true;
}

bool import__asv(struct import *import)
{
    const struct tare_import_file *file = &import->files[0];
    char hash[TARE_SHA256_HEX + 1];
    char *environment = NULL;
    json_t *machine = NULL;
    json_t *benchmarks = NULL;
    const json_t *params = NULL;
    json_t *root = import__parse(import, file->bytes, file->size, "it");
    struct asv asv = {.import = import, .root = root};
    bool well = root != NULL && read_beside(import, "machine.json", &machine) &&
                read_beside(import, "benchmarks.json", &benchmarks) &&
                import__object(import, root, "", "params", false, &params) &&
                import__begin(import, "asv") != NULL && read_commit(&asv, root) &&
                read_machine(&asv, params, machine, hash);
    if (well) {
        environment = environment_of(root);
        well = environment != NULL || import__no_memory(import);
    }
    asv.environment = environment;
    asv.benchmarks = benchmarks;
    import->fingerprint = hash;
    well = well && read_results(&asv, root);
    if (well) {
        well = import__end_file(import);
    }
    free(environment);
    json_decref(machine);
    json_decref(benchmarks);
    json_decref(root);
    return well;
}
