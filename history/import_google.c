/* SPDX-License-Identifier: MIT */
/*
 * Google Benchmark's JSON: an entry for each repetition of a benchmark, and entries with statistics of them.
 * The repetitions are what counts; the tool's own statistics are taken where there are only those
 * (--benchmark_report_aggregates_only). Fields: docs/user_guide.md of Google Benchmark, and
 * src/json_reporter.cc for what is written when; before version 1.5 there is no run_type, and statistics are
 * told by the ends of names.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "history/import_parts.h"

struct instance {
    const char *name; /* of the run: the file's */
    const json_t **entries;
    size_t count;
    double last_index; /* of a repetition */
    const json_t *median, *mean;
};

struct google {
    struct import *import;
    struct instance *instances;
    size_t count;
    json_t *by_name; /* the newest instance of each name */
    char *suite, *settings_median, *settings_mean;
    double *values; /* as many as there are entries */
};

static struct instance *add_instance(struct google *g, const char *name)
{
    if ((g->count & (g->count - 1)) == 0) {
        struct instance *grown = reallocarray(g->instances, g->count > 0 ? 2 * g->count : 1, sizeof *grown);
        if (grown == NULL) {
            import__no_memory(g->import);
            return NULL;
        }
        g->instances = grown;
    }
    if (json_object_set_new(g->by_name, name, json_integer((json_int_t)g->count)) != 0) {
        import__no_memory(g->import);
        return NULL;
    }
    g->instances[g->count] = (struct instance){.name = name, .last_index = NAN};
    return &g->instances[g->count++];
}

static struct instance *instance_of(struct google *g, const char *name, double index)
{
    const json_t *known = json_object_get(g->by_name, name);
    if (known != NULL) {
        struct instance *instance = &g->instances[json_integer_value(known)];
        /* Repetitions come in order: one that does not is of another benchmark of the same name. */
        if (isnan(index) || instance->count == 0 || index > instance->last_index) {
            return instance;
        }
    }
    return add_instance(g, name);
}

static bool add_entry(struct google *g, struct instance *instance, const json_t *entry, double index)
{
    if ((instance->count & (instance->count - 1)) == 0) {
        const json_t **grown =
            reallocarray(instance->entries, instance->count > 0 ? 2 * instance->count : 1, sizeof *grown);
        if (grown == NULL) {
            return import__no_memory(g->import);
        }
        instance->entries = grown;
    }
    instance->entries[instance->count++] = entry;
    instance->last_index = index;
    return true;
}

/* What the end of a name says where nothing else does; *length without it. "": it is a repetition. */
static const char *old_statistic(const char *name, size_t *length)
{
    static const char *const statistics[] = {"mean", "median", "stddev", "cv", "BigO", "RMS"};
    const char *line = strrchr(name, '_');
    *length = strlen(name);
    for (size_t i = 0; line != NULL && i < sizeof statistics / sizeof statistics[0]; i++) {
        if (strcmp(line + 1, statistics[i]) == 0) {
            *length = (size_t)(line - name);
            return statistics[i];
        }
    }
    return "";
}

static bool sort_entry(struct google *g, const json_t *entry, size_t i)
{
    struct import *import = g->import;
    char place[IMPORT_PLACE];
    snprintf(place, sizeof place, "benchmarks[%zu]", i);
    if (!json_is_object(entry)) {
        return import__fail(import, "'%s' is not an object", place);
    }
    const char *name, *run_name, *run_type, *statistic;
    double index;
    if (!import__text(import, entry, place, "name", true, &name) ||
        !import__text(import, entry, place, "run_name", false, &run_name) ||
        !import__text(import, entry, place, "run_type", false, &run_type) ||
        !import__text(import, entry, place, "aggregate_name", false, &statistic) ||
        !import__number(import, entry, place, "repetition_index", false, &index)) {
        return false;
    }
    if (json_is_true(json_object_get(entry, "error_occurred"))) {
        import__leave_out(import, "left out # that failed", name);
        return true;
    }
    if (json_is_true(json_object_get(entry, "skipped"))) {
        import__leave_out(import, "left out # that was skipped", name);
        return true;
    }
    char *own_name = NULL;
    if (run_type == NULL) {
        size_t length;
        statistic = old_statistic(name, &length);
        own_name = strndup(name, length);
        if (own_name == NULL) {
            return import__no_memory(import);
        }
        /* A benchmark may be called "x_mean" itself: a statistic follows what it is of. */
        if (statistic[0] != '\0' && json_object_get(g->by_name, own_name) != NULL) {
            const json_t *known = json_object_get(g->by_name, own_name);
            run_name = g->instances[json_integer_value(known)].name;
        } else {
            statistic = "";
            run_name = name;
        }
        free(own_name);
    } else if (strcmp(run_type, "aggregate") != 0) {
        statistic = "";
    } else if (statistic == NULL) {
        return import__fail(import, "'%s.aggregate_name' is missing", place);
    }
    if (run_name == NULL) {
        run_name = name;
    }
    bool aggregate = statistic[0] != '\0';
    bool median = strcmp(statistic, "median") == 0;
    if (aggregate && !median && strcmp(statistic, "mean") != 0) {
        return true; /* spread, fits of complexity, and what the user made up */
    }
    struct instance *instance = instance_of(g, run_name, aggregate ? NAN : isnan(index) ? INFINITY : index);
    if (instance != NULL && (median ? instance->median : aggregate ? instance->mean : NULL) != NULL) {
        instance = add_instance(g, run_name); /* another one of the same name, without its repetitions */
    }
    if (instance == NULL) {
        return false;
    }
    if (median) {
        instance->median = entry;
    } else if (aggregate) {
        instance->mean = entry;
    }
    return aggregate || add_entry(g, instance, entry, isnan(index) ? -INFINITY : index);
}

/* What is no figure of the benchmark. */
static bool is_description(const char *key)
{
    static const char *const keys[] = {
        "family_index",
        "per_family_instance_index",
        "repetitions",
        "repetition_index",
        "threads",
        "iterations",
        "cpu_coefficient",
        "real_coefficient",
        "rms",
    };
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        if (strcmp(key, keys[i]) == 0) {
            return true;
        }
    }
    return false;
}

struct figure {
    const char *unit;
    enum tare_history_better better;
    double factor; /* to the unit; 0: by the entry's time_unit */
};

static struct figure figure_of(const char *key)
{
    if (strcmp(key, "real_time") == 0 || strcmp(key, "cpu_time") == 0) {
        return (struct figure){"ns", TARE_BETTER_LOWER, 0};
    }
    if (strcmp(key, "bytes_per_second") == 0) {
        return (struct figure){"bytes/s", TARE_BETTER_HIGHER, 1};
    }
    if (strcmp(key, "items_per_second") == 0) {
        return (struct figure){"1/s", TARE_BETTER_HIGHER, 1};
    }
    if (strcmp(key, "allocs_per_iter") == 0) {
        return (struct figure){"count", TARE_BETTER_LOWER, 1};
    }
    if (strcmp(key, "max_bytes_used") == 0 || strcmp(key, "total_allocated_bytes") == 0) {
        return (struct figure){"bytes", TARE_BETTER_LOWER, 1};
    }
    return (struct figure){"", TARE_BETTER_UNKNOWN, 1}; /* a user's counter: the file does not say of what */
}

/* The figure of an entry; NAN: it has none, or not one that can be. */
static bool read_figure(struct google *g, const json_t *entry, const char *key, const char *name,
                        const struct figure *figure, double *to)
{
    double factor = figure->factor;
    const json_t *value = json_object_get(entry, key);
    *to = NAN;
    if (value == NULL || json_is_null(value)) {
        return true;
    }
    if (!json_is_number(value)) {
        return import__fail(g->import, "'%s' of '%.200s' is not a number", key, name);
    }
    if (factor == 0) {
        const json_t *unit = json_object_get(entry, "time_unit");
        factor = unit == NULL ? 1 : json_is_string(unit) ? import__unit_ns(json_string_value(unit)) : NAN;
        if (isnan(factor)) {
            return import__fail(g->import, "'time_unit' of '%.200s' is not ns, us, ms or s", name);
        }
    }
    *to = json_number_value(value) * factor;
    if (!isfinite(*to) || (figure->better != TARE_BETTER_UNKNOWN && *to < 0) ||
        (figure->factor == 0 && *to > IMPORT_NS_MAX)) {
        *to = NAN;
    }
    return true;
}

/* Where the arguments begin: behind the first '/' that is not within the angle brackets of a template. */
static void split_name(const char *name, char **base, const char **arguments)
{
    int depth = 0;
    const char *slash = NULL;
    for (const char *at = name; *at != '\0' && slash == NULL; at++) {
        depth += (*at == '<') - (*at == '>' && depth > 0);
        slash = *at == '/' && depth == 0 ? at : NULL;
    }
    if (slash == NULL && depth > 0) {
        slash = strchr(name, '/');
    }
    *base = strndup(name, slash != NULL ? (size_t)(slash - name) : strlen(name));
    *arguments = slash != NULL ? slash + 1 : "";
}

static bool add_figure(struct google *g, const struct instance *instance, const char *key, const char *base,
                       const char *arguments)
{
    struct import *import = g->import;
    const struct figure figure = figure_of(key);
    const json_t *aggregate = instance->median != NULL ? instance->median : instance->mean;
    size_t known = 0;
    size_t dropped = 0;
    double value = NAN;
    for (size_t i = 0; i < instance->count; i++) {
        if (!read_figure(g, instance->entries[i], key, instance->name, &figure, &g->values[known])) {
            return false;
        }
        bool usable = !isnan(g->values[known]);
        dropped += !usable;
        known += usable;
    }
    if (instance->count == 0 && !read_figure(g, aggregate, key, instance->name, &figure, &value)) {
        return false;
    }
    if (known == 0 && isnan(value)) {
        import__leave_out(import, "left out # whose value is no number that can be", instance->name);
        return true;
    }
    bool mean = instance->count == 0 && instance->median == NULL;
    import->settings = mean ? g->settings_mean : g->settings_median;
    struct tare_history_point *point = import__line(import, base, arguments, key, figure.unit, figure.better);
    if (point == NULL) {
        return false;
    }
    if (known > 0) {
        point->rounds = (int64_t)instance->count;
        point->rounds_dropped = (int64_t)dropped;
        return import__median(import, point, g->values, known);
    }
    point->value = value;
    double repetitions;
    if (!import__number(import, aggregate, instance->name, "repetitions", false, &repetitions)) {
        return false;
    }
    if (repetitions >= 1 && repetitions <= 1e9) {
        point->n = (int64_t)repetitions;
    }
    return true;
}

static bool add_figures(struct google *g, const struct instance *instance)
{
    const json_t *first = instance->count > 0        ? instance->entries[0]
                          : instance->median != NULL ? instance->median
                                                     : instance->mean;
    if (first == NULL) { /* statistics that are of no use alone */
        import__leave_out(g->import, "left out # of which there is neither a repetition nor a mean",
                          instance->name);
        return true;
    }
    char *base;
    const char *arguments;
    split_name(instance->name, &base, &arguments);
    if (base == NULL) {
        return import__no_memory(g->import);
    }
    bool well = true;
    json_t *iterable = (json_t *)(uintptr_t)first;
    for (void *at = json_object_iter(iterable); well && at != NULL; at = json_object_iter_next(iterable, at)) {
        const char *key = json_object_iter_key(at);
        const json_t *value = json_object_iter_value(at);
        bool number = json_is_number(value) || json_is_null(value);
        if ((number || figure_of(key).better != TARE_BETTER_UNKNOWN) && !is_description(key)) {
            well = add_figure(g, instance, key, base, arguments);
        }
    }
    free(base);
    return well;
}

/* "L1 Data 49152/1, ...": level, kind, bytes, and how many processors share it. NULL without memory. */
static char *caches_of(const json_t *caches)
{
    char *text = strdup("");
    for (size_t i = 0; text != NULL && i < json_array_size(caches); i++) {
        const json_t *cache = json_array_get(caches, i);
        const char *type = json_string_value(json_object_get(cache, "type"));
        char *longer = NULL;
        if (asprintf(&longer, "%s%sL%.0f %.40s %.0f/%.0f", text, i > 0 ? ", " : "",
                     json_number_value(json_object_get(cache, "level")), type != NULL ? type : "",
                     json_number_value(json_object_get(cache, "size")),
                     json_number_value(json_object_get(cache, "num_sharing"))) < 0) {
            longer = NULL;
        }
        free(text);
        text = longer;
    }
    return text;
}

/*
 * What identifies the machine: not the name of the host, which changes with each container and tells nothing.
 */
static bool read_machine(struct google *g, const json_t *context, char hash[TARE_SHA256_HEX + 1])
{
    static const char *const keys[] = {"num_cpus", "cpu_scaling_enabled", "aslr_enabled"};
    const json_t *caches = json_object_get(context, "caches");
    if (!json_is_number(json_object_get(context, "num_cpus")) || json_array_size(caches) == 0) {
        return import__machine(g->import, NULL, hash); /* too little to tell machines apart */
    }
    json_t *parts = json_object();
    char *text = caches_of(caches);
    bool well = parts != NULL && text != NULL && json_object_set_new(parts, "caches", json_string(text)) == 0;
    free(text);
    for (size_t i = 0; well && i < sizeof keys / sizeof keys[0]; i++) {
        const json_t *value = json_object_get(context, keys[i]);
        size_t size;
        text = value != NULL ? import__canonical(value, &size) : NULL;
        well = value == NULL || (text != NULL && json_object_set_new(parts, keys[i], json_string(text)) == 0);
        free(text);
    }
    well = well ? import__machine(g->import, parts, hash) : import__no_memory(g->import);
    json_decref(parts);
    return well;
}

static bool read_context(struct google *g, const json_t *context, char hash[TARE_SHA256_HEX + 1],
                         char **harness)
{
    struct import *import = g->import;
    const char *date, *executable, *version, *build;
    if (!import__text(import, context, "context", "date", false, &date) ||
        !import__text(import, context, "context", "executable", false, &executable) ||
        !import__text(import, context, "context", "library_version", false, &version) ||
        !import__text(import, context, "context", "library_build_type", false, &build)) {
        return false;
    }
    version = version != NULL && version[0] == 'v' ? version + 1 : version;
    g->suite = strdup(executable != NULL ? import__base(executable) : "");
    if (g->suite == NULL ||
        asprintf(harness, "google-benchmark%s%s", version != NULL ? " " : "", version != NULL ? version : "") <
            0 ||
        asprintf(&g->settings_median, "statistic=median%s%s", build != NULL ? " library=" : "",
                 build != NULL ? build : "") < 0 ||
        asprintf(&g->settings_mean, "statistic=mean%s%s", build != NULL ? " library=" : "",
                 build != NULL ? build : "") < 0) {
        return import__no_memory(import);
    }
    struct tare_history_record *record = import__begin(import, *harness);
    if (record == NULL) {
        return false;
    }
    if (date != NULL) {
        record->run.started_ms = import__date_ms(date);
    }
    return read_machine(g, context, hash);
}

bool import__google(struct import *import)
{
    struct google g = {.import = import};
    const struct tare_import_file *file = &import->files[0];
    char hash[TARE_SHA256_HEX + 1];
    char *harness = NULL;
    const json_t *context = NULL;
    const json_t *benchmarks = NULL;
    json_t *root = import__parse(import, file->bytes, file->size, "it");
    bool well = root != NULL;
    well = well && import__object(import, root, "", "context", true, &context) &&
           import__array(import, root, "", "benchmarks", true, &benchmarks) &&
           read_context(&g, context, hash, &harness);
    if (well) {
        g.by_name = json_object();
        g.values = reallocarray(NULL, json_array_size(benchmarks) + 1, sizeof *g.values);
        well = (g.by_name != NULL && g.values != NULL) || import__no_memory(import);
    }
    for (size_t i = 0; well && i < json_array_size(benchmarks); i++) {
        well = sort_entry(&g, json_array_get(benchmarks, i), i);
    }
    import->suite = g.suite;
    import->harness = harness;
    import->fingerprint = hash;
    for (size_t i = 0; well && i < g.count; i++) {
        well = add_figures(&g, &g.instances[i]);
    }
    if (well) {
        well = import__end_file(import);
    }
    for (size_t i = 0; i < g.count; i++) {
        free(g.instances[i].entries);
    }
    free(g.instances);
    free(g.suite);
    free(g.settings_median);
    free(g.settings_mean);
    free(g.values);
    free(harness);
    json_decref(g.by_name);
    json_decref(root);
    return well;
}
