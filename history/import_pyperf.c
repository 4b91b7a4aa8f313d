/* SPDX-License-Identifier: MIT */
/*
 * pyperf's JSON: benchmarks, each a list of runs, each run a process with a few values (seconds of one loop,
 * mostly). Runs without values calibrated the number of loops, and warm-ups are listed apart: both are left
 * out. What all runs have in common stands once, in front. Fields: doc/api.rst of pyperf and pyperf/_bench.py,
 * which says when what came.
 *
 * The values of one process depend on each other (addresses and hashes are the process's), so a process is a
 * block: its mean. The figure is what pyperf shows first, the mean of all values; its interval is of the
 * processes' means.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "history/import_parts.h"
#include "stats/interval.h"
#include "stats/moments.h"

struct unit {
    const char *name; /* ours */
    double factor, most;
    enum tare_history_better better;
};

static bool unit_of(struct import *import, const char *name, struct unit *unit)
{
    if (name == NULL || strcmp(name, "second") == 0) {
        *unit = (struct unit){"ns", 1e9, IMPORT_NS_MAX, TARE_BETTER_LOWER};
    } else if (strcmp(name, "byte") == 0) {
        *unit = (struct unit){"bytes", 1, 1e300, TARE_BETTER_LOWER};
    } else if (strcmp(name, "integer") == 0) {
        *unit = (struct unit){"count", 1, 1e300, TARE_BETTER_UNKNOWN};
    } else {
        return import__fail(import, "its unit '%.40s' is not second, byte or integer", name);
    }
    return true;
}

/* Metadata: that of the run, of the benchmark, and of all of them, the nearest first. */
struct metadata {
    const json_t *levels[3]; /* NULL: there is none */
};

static const json_t *metadata_of(const struct metadata *metadata, const char *key)
{
    for (int i = 0; i < 3; i++) {
        const json_t *value = json_object_get(metadata->levels[i], key);
        if (value != NULL && !json_is_null(value)) {
            return value;
        }
    }
    return NULL;
}

static const char *text_of(const struct metadata *metadata, const char *key)
{
    return json_string_value(metadata_of(metadata, key)); /* NULL also where it is no text */
}

/* The mean of a run's values, and what they add up to; *count 0: a calibration. */
static bool read_run(struct import *import, const json_t *run, const char *place, const struct unit *unit,
                     double *sum, size_t *count)
{
    const json_t *values;
    char inner[IMPORT_PLACE];
    *count = 0;
    *sum = 0;
    if (!json_is_object(run)) {
        return import__fail(import, "'%s' is not an object", place);
    }
    if (!import__array(import, run, place, "values", false, &values)) {
        return false;
    }
    snprintf(inner, sizeof inner, "%.100s.values", place);
    for (size_t i = 0; i < json_array_size(values); i++) {
        double value;
        if (!import__element(import, values, i, inner, &value)) {
            return false;
        }
        value *= unit->factor;
        if (!(value > 0 && value <= unit->most)) {
            return import__fail(import, "'%s[%zu]' is not a number above 0 that can be", inner, i);
        }
        *sum += value;
        ++*count;
    }
    return true;
}

struct blocks {
    double *means; /* of processes */
    size_t count, values;
    double sum;
};

static void set_point(struct tare_history_point *point, struct blocks *blocks)
{
    struct tare_moments moments = {0};
    for (size_t i = 0; i < blocks->count; i++) {
        tare_moments_add(&moments, blocks->means[i]);
    }
    struct tare_interval interval;
    point->value = blocks->sum / (double)blocks->values;
    point->n = (int64_t)blocks->values;
    if (tare_mean_interval(&moments, (double)blocks->count, 0.95, &interval) == 0) {
        point->low = point->value - (interval.estimate - interval.low);
        point->high = point->value + (interval.high - interval.estimate);
    }
    point->values = blocks->means;
    point->value_count = blocks->count;
    blocks->means = NULL;
}

static bool read_runs(struct import *import, const json_t *runs, const char *place, const struct unit *unit,
                      struct metadata *metadata, struct blocks *blocks)
{
    struct tare_history_record *record = &import->records[import->count - 1];
    for (size_t i = 0; i < json_array_size(runs); i++) {
        char inner[IMPORT_PLACE];
        double sum;
        size_t count;
        const json_t *run = json_array_get(runs, i);
        snprintf(inner, sizeof inner, "%.100s.runs[%zu]", place, i);
        if (!read_run(import, run, inner, unit, &sum, &count) ||
            !import__object(import, run, inner, "metadata", false, &metadata->levels[0])) {
            return false;
        }
        const char *date = text_of(metadata, "date");
        int64_t ms = date != NULL ? import__date_ms(date) : TARE_HISTORY_UNKNOWN;
        if (ms != TARE_HISTORY_UNKNOWN &&
            (record->run.started_ms == TARE_HISTORY_UNKNOWN || ms < record->run.started_ms)) {
            record->run.started_ms = ms;
        }
        if (count > 0) {
            blocks->means[blocks->count++] = sum / (double)count;
            blocks->sum += sum;
            blocks->values += count;
        }
    }
    return true;
}

static bool read_benchmark(struct import *import, const json_t *benchmark, const json_t *common, size_t i)
{
    char place[IMPORT_PLACE];
    snprintf(place, sizeof place, "benchmarks[%zu]", i);
    if (!json_is_object(benchmark)) {
        return import__fail(import, "'%s' is not an object", place);
    }
    const json_t *runs;
    struct metadata metadata = {{NULL, NULL, common}};
    if (!import__object(import, benchmark, place, "metadata", false, &metadata.levels[1]) ||
        !import__array(import, benchmark, place, "runs", true, &runs)) {
        return false;
    }
    /* With one run everything of it may stand in the run itself. */
    metadata.levels[0] = json_object_get(json_array_get(runs, 0), "metadata");
    const char *name = text_of(&metadata, "name");
    if (name == NULL) {
        return import__fail(import, "'%s' has no name", place);
    }
    struct unit unit = {0};
    if (!unit_of(import, text_of(&metadata, "unit"), &unit)) {
        return false;
    }
    struct blocks blocks = {.means = reallocarray(NULL, json_array_size(runs) + 1, sizeof *blocks.means)};
    bool well = blocks.means != NULL || import__no_memory(import);
    well = well && read_runs(import, runs, place, &unit, &metadata, &blocks);
    if (well && blocks.count == 0) {
        import__leave_out(import, "left out # without a value", name);
    } else if (well) {
        struct tare_history_point *point = import__line(import, name, "", "mean", unit.name, unit.better);
        well = point != NULL;
        if (well) {
            set_point(point, &blocks);
        }
    }
    free(blocks.means);
    return well;
}

/* Not the name of the host, which changes with each container and tells nothing. */
static bool read_machine(struct import *import, const struct metadata *metadata, char hash[TARE_SHA256_HEX + 1])
{
    static const char *const keys[] = {
        "cpu_model_name",        "cpu_count",      "cpu_config", "platform", "aslr",
        "python_implementation", "python_version",
    };
    hash[0] = '\0';
    if (text_of(metadata, "cpu_model_name") == NULL) {
        return true; /* too little to tell machines apart */
    }
    json_t *parts = json_object();
    bool well = parts != NULL;
    for (size_t i = 0; well && i < sizeof keys / sizeof keys[0]; i++) {
        const json_t *value = metadata_of(metadata, keys[i]);
        size_t size;
        if (json_is_string(value)) {
            well = json_object_set_new(parts, keys[i], json_string(json_string_value(value))) == 0;
        } else if (value != NULL) {
            char *text = import__canonical(value, &size);
            well = text != NULL && json_object_set_new(parts, keys[i], json_string(text)) == 0;
            free(text);
        }
    }
    well = well ? import__machine(import, parts, hash) : import__no_memory(import);
    json_decref(parts);
    return well;
}

static bool read_common(struct import *import, const json_t *root, const json_t *common,
                        const json_t *benchmarks, char hash[TARE_SHA256_HEX + 1], char **harness)
{
    const json_t *version = json_object_get(root, "version");
    bool now = json_is_string(version) && strcmp(json_string_value(version), "1.0") == 0;
    if (!now && !(json_is_number(version) && json_number_value(version) == 6)) {
        return import__fail(import, "it is not of a version of the format that is known ('1.0' or 6): "
                                    "convert it with 'python3 -m pyperf convert'");
    }
    /* Of a file with one benchmark the metadata stand with it. */
    const json_t *first = json_array_get(benchmarks, 0);
    struct metadata metadata = {{json_object_get(json_array_get(json_object_get(first, "runs"), 0), "metadata"),
                                 json_object_get(first, "metadata"), common}};
    const char *perf = text_of(&metadata, "perf_version");
    if (perf == NULL) {
        perf = text_of(&metadata, "pyperf_version");
    }
    if (asprintf(harness, "pyperf%s%s", perf != NULL ? " " : "", perf != NULL ? perf : "") < 0) {
        *harness = NULL;
        return import__no_memory(import);
    }
    if (import__begin(import, *harness) == NULL) {
        return false;
    }
    const char *commit = text_of(&metadata, "commit_id");
    const char *date = text_of(&metadata, "commit_date");
    int64_t ms = date != NULL ? import__date_ms(date) : TARE_HISTORY_UNKNOWN;
    if (commit != NULL &&
        !import__commit(import, commit, ms != TARE_HISTORY_UNKNOWN ? ms / 1000 : ms, NULL, NULL)) {
        return false;
    }
    return read_machine(import, &metadata, hash);
}

bool import__pyperf(struct import *import)
{
    const struct tare_import_file *file = &import->files[0];
    char hash[TARE_SHA256_HEX + 1];
    char *harness = NULL;
    const json_t *benchmarks = NULL;
    const json_t *common = NULL;
    json_t *root = import__parse(import, file->bytes, file->size, "it");
    bool well = root != NULL && import__array(import, root, "", "benchmarks", true, &benchmarks) &&
                import__object(import, root, "", "metadata", false, &common) &&
                read_common(import, root, common, benchmarks, hash, &harness);
    import->harness = harness;
    import->fingerprint = hash;
    import->settings = "statistic=mean";
    for (size_t i = 0; well && i < json_array_size(benchmarks); i++) {
        well = read_benchmark(import, json_array_get(benchmarks, i), common, i);
    }
    if (well) {
        well = import__end_file(import);
    }
    free(harness);
    json_decref(root);
    return well;
}
