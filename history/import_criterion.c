/* SPDX-License-Identifier: MIT */
/*
 * criterion (Rust) leaves a folder for each benchmark: estimates.json with point estimates and their intervals,
 * in ns, sample.json with the time of each sample and how often it ran in it, benchmark.json with its name and
 * what it works off. The median is the figure. The fields are those of criterion 0.3 and later, in which more
 * kinds of throughput came.
 *
 * A record's raw bytes are an object {"benchmark.json":…,"estimates.json":…,"sample.json":…}, which is also
 * read.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "history/import_parts.h"

static const char *const parts[] = {"estimates.json", "benchmark.json", "sample.json"};
enum part { ESTIMATES, BENCHMARK, SAMPLE, PARTS };

/* The files as one object; NULL after a complaint. */
static json_t *gather(struct import *import)
{
    json_t *bundle = json_object();
    if (bundle == NULL) {
        import__no_memory(import);
        return NULL;
    }
    for (size_t i = 0; i < import->file_count; i++) {
        const struct tare_import_file *file = &import->files[i];
        const char *name = i == 0 ? parts[ESTIMATES] : import__base(file->path);
        bool wanted = i == 0 || strcmp(name, parts[BENCHMARK]) == 0 || strcmp(name, parts[SAMPLE]) == 0;
        json_t *value = wanted ? import__parse(import, file->bytes, file->size, i == 0 ? "it" : name) : NULL;
        if (!wanted) {
            continue;
        }
        if (value != NULL && !json_is_object(value)) {
            import__fail(import, "'%s' is not an object", name);
            json_decref(value);
            value = NULL;
        }
        if (value == NULL) {
            json_decref(bundle);
            return NULL;
        }
        if (i == 0 && json_object_get(value, parts[ESTIMATES]) != NULL) {
            json_decref(bundle);
            return value; /* what was exported */
        }
        if (json_object_set_new(bundle, name, value) != 0) {
            import__no_memory(import);
            json_decref(bundle);
            return NULL;
        }
    }
    return bundle;
}

struct names {
    char *name;      /* GROUP, GROUP/FUNCTION */
    char *arguments; /* the parameter's value */
};

/* What a path ".../criterion/GROUP/FUNCTION/VALUE/new/estimates.json" says, where benchmark.json is missing. */
static char *name_of_path(const char *path)
{
    const char *root = strstr(path, "criterion/");
    const char *from = root != NULL ? root + strlen("criterion/") : path;
    const char *end = import__base(path);
    while (end > from && end[-1] == '/') {
        end--;
    }
    if (end - from > 4 && strncmp(end - 4, "/new", 4) == 0) {
        end -= 4;
    }
    if (root == NULL) { /* the last folder that there is */
        const char *at = end;
        while (at > from && at[-1] != '/') {
            at--;
        }
        from = at;
    }
    return end > from ? strndup(from, (size_t)(end - from)) : strdup("criterion");
}

static bool read_names(struct import *import, const json_t *benchmark, struct names *names)
{
    const char *group, *function, *value;
    if (benchmark == NULL) {
        names->name = name_of_path(import->files[0].path);
        names->arguments = strdup("");
        return (names->name != NULL && names->arguments != NULL) || import__no_memory(import);
    }
    if (!import__text(import, benchmark, parts[BENCHMARK], "group_id", true, &group) ||
        !import__text(import, benchmark, parts[BENCHMARK], "function_id", false, &function) ||
        !import__text(import, benchmark, parts[BENCHMARK], "value_str", false, &value)) {
        return false;
    }
    names->arguments = strdup(value != NULL ? value : "");
    if (asprintf(&names->name, "%s%s%s", group, function != NULL ? "/" : "", function != NULL ? function : "") <
        0) {
        names->name = NULL;
    }
    return (names->name != NULL && names->arguments != NULL) || import__no_memory(import);
}

struct estimate {
    double point, low, high, level;
};

static bool is_time(double ns)
{
    return ns > 0 && ns <= IMPORT_NS_MAX;
}

static bool read_median(struct import *import, const json_t *estimates, struct estimate *median)
{
    static const char place[] = "median";
    static const char inner[] = "median.confidence_interval";
    const json_t *object, *interval;
    if (!import__object(import, estimates, "", place, true, &object) ||
        !import__number(import, object, place, "point_estimate", true, &median->point) ||
        !import__object(import, object, place, "confidence_interval", true, &interval) ||
        !import__number(import, interval, inner, "lower_bound", false, &median->low) ||
        !import__number(import, interval, inner, "upper_bound", false, &median->high) ||
        !import__number(import, interval, inner, "confidence_level", true, &median->level)) {
        return false;
    }
    if (!is_time(median->point)) {
        return import__fail(import, "'median.point_estimate' is not a time that can be");
    }
    if (!(median->level > 0 && median->level < 1)) {
        return import__fail(import, "'%s.confidence_level' is not between 0 and 1", inner);
    }
    if (!(is_time(median->low) && is_time(median->high) && median->low <= median->high)) {
        median->low = NAN;
        median->high = NAN;
    }
    return true;
}

struct sample {
    double *ns; /* of one iteration */
    size_t count;
};

static bool read_sample(struct import *import, const json_t *sample, struct sample *to)
{
    static const char place[] = "sample.json";
    const json_t *iterations, *times;
    if (sample == NULL) {
        return true;
    }
    if (!import__array(import, sample, place, "iters", true, &iterations) ||
        !import__array(import, sample, place, "times", true, &times)) {
        return false;
    }
    size_t count = json_array_size(times);
    if (json_array_size(iterations) != count) {
        return import__fail(import, "'sample.json.iters' is not as long as 'times'");
    }
    to->ns = reallocarray(NULL, count + 1, sizeof *to->ns);
    if (to->ns == NULL) {
        return import__no_memory(import);
    }
    for (size_t i = 0; i < count; i++) {
        double time, often;
        if (!import__element(import, times, i, "sample.json.times", &time) ||
            !import__element(import, iterations, i, "sample.json.iters", &often)) {
            return false;
        }
        if (!(often >= 1) || !(time >= 0) || !(time / often <= IMPORT_NS_MAX)) {
            return import__fail(import, "'sample.json.times[%zu]' is not a time that can be", i);
        }
        to->ns[i] = time / often;
    }
    to->count = count;
    return true;
}

static bool add_time(struct import *import, const struct names *names, const struct estimate *median,
                     const struct sample *sample)
{
    struct tare_history_point *point =
        import__line(import, names->name, names->arguments, "median", "ns", TARE_BETTER_LOWER);
    if (point == NULL) {
        return false;
    }
    point->value = median->point;
    point->low = median->low;
    point->high = median->high;
    if (sample->count > 0) {
        point->n = (int64_t)sample->count;
        point->values = reallocarray(NULL, sample->count, sizeof *point->values);
        if (point->values == NULL) {
            return import__no_memory(import);
        }
        memcpy(point->values, sample->ns, sample->count * sizeof *sample->ns);
        point->value_count = sample->count;
    }
    return true;
}

/* What it works off in one iteration, over the median time. */
static bool add_rate(struct import *import, const struct names *names, const struct estimate *median,
                     const struct sample *sample, const char *metric, const char *unit, double amount)
{
    double rate = amount * 1e9;
    if (!(amount > 0 && isfinite(rate / median->point))) {
        return true;
    }
    struct tare_history_point *point =
        import__line(import, names->name, names->arguments, metric, unit, TARE_BETTER_HIGHER);
    if (point == NULL) {
        return false;
    }
    point->value = rate / median->point;
    point->low = rate / median->high;
    point->high = rate / median->low;
    if (sample->count > 0) {
        point->n = (int64_t)sample->count;
    }
    return true;
}

static bool add_throughput(struct import *import, const json_t *benchmark, const struct names *names,
                           const struct estimate *median, const struct sample *sample)
{
    static const struct {
        const char *key, *metric, *unit;
        double factor;
    } kinds[] = {
        {"Bytes", "throughput", "bytes/s", 1},      {"BytesDecimal", "throughput", "bytes/s", 1},
        {"Bits", "throughput", "bytes/s", 1.0 / 8}, {"Elements", "throughput", "1/s", 1},
        {"bytes", "throughput", "bytes/s", 1},      {"elements", "elements", "1/s", 1},
    };
    const json_t *throughput;
    if (!import__object(import, benchmark, parts[BENCHMARK], "throughput", false, &throughput)) {
        return false;
    }
    const json_t *both = json_object_get(throughput, "ElementsAndBytes");
    throughput = json_is_object(both) ? both : throughput;
    for (size_t i = 0; throughput != NULL && i < sizeof kinds / sizeof kinds[0]; i++) {
        double amount;
        if (!import__number(import, throughput, "benchmark.json.throughput", kinds[i].key, false, &amount) ||
            !add_rate(import, names, median, sample, kinds[i].metric, kinds[i].unit,
                      amount * kinds[i].factor)) {
            return false;
        }
    }
    return true;
}

bool import__criterion(struct import *import)
{
    struct names names = {0};
    struct sample sample = {0};
    struct estimate median;
    char settings[64];
    const json_t *objects[PARTS] = {0};
    json_t *bundle = gather(import);
    bool well = bundle != NULL;
    for (int i = 0; well && i < PARTS; i++) {
        well = import__object(import, bundle, "", parts[i], i == ESTIMATES, &objects[i]);
    }
    well = well && import__begin(import, "criterion") != NULL &&
           read_names(import, objects[BENCHMARK], &names) && read_median(import, objects[ESTIMATES], &median) &&
           read_sample(import, objects[SAMPLE], &sample);
    if (well) {
        /* Not in the C locale's hands: the level is written as hundredths of a percent, without a point. */
        int level = (int)lround(median.level * 1e4);
        snprintf(settings, sizeof settings, "interval=%d.%02d%%", level / 100, level % 100);
        import->settings = level == 9500 ? "" : settings;
        well = add_time(import, &names, &median, &sample) &&
               add_throughput(import, objects[BENCHMARK], &names, &median, &sample);
    }
    if (well) {
        size_t size = 0;
        char *raw = import__canonical(bundle, &size);
        well = import__end(import, raw, size);
    }
    free(names.name);
    free(names.arguments);
    free(sample.ns);
    json_decref(bundle);
    return well;
}
