/* SPDX-License-Identifier: MIT */
/*
 * hyperfine's JSON (--export-json): a command each, with the time of every run, in seconds, and the exit codes.
 * It says nothing of the machine or the moment. Fields: src/benchmark/benchmark_result.rs of hyperfine;
 * memory_usage_byte came with version 1.19.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "history/import_parts.h"

struct command_runs {
    double *values; /* room for all */
    size_t total;
    const json_t *exit_codes; /* NULL: there are none */
    size_t failed;
};

/* "n=1/size=10" of {"n":"1","size":"10"}, in the file's order; NULL without memory. */
static char *arguments_of(struct import *import, const json_t *parameters, const char *place)
{
    char *text = strdup("");
    json_t *iterable = (json_t *)(uintptr_t)parameters;
    for (void *at = parameters != NULL ? json_object_iter(iterable) : NULL; text != NULL && at != NULL;
         at = json_object_iter_next(iterable, at)) {
        const json_t *value = json_object_iter_value(at);
        char *longer = NULL;
        size_t size;
        char *number = json_is_number(value) ? import__canonical(value, &size) : NULL;
        if (number == NULL && !json_is_string(value)) {
            import__fail(import, "'%s.parameters.%.80s' is neither text nor a number", place,
                         json_object_iter_key(at));
            free(text);
            return NULL;
        }
        if (asprintf(&longer, "%s%s%s=%s", text, text[0] != '\0' ? "/" : "", json_object_iter_key(at),
                     number != NULL ? number : json_string_value(value)) < 0) {
            longer = NULL;
        }
        free(number);
        free(text);
        text = longer;
    }
    if (text == NULL) {
        import__no_memory(import);
    }
    return text;
}

static bool has_failed(const struct command_runs *runs, size_t i)
{
    /* null: ended by a signal */
    const json_t *code = json_array_get(runs->exit_codes, i);
    return code != NULL && (!json_is_number(code) || json_number_value(code) != 0);
}

static bool read_exit_codes(struct import *import, const json_t *result, const char *place,
                            struct command_runs *runs)
{
    if (!import__array(import, result, place, "exit_codes", false, &runs->exit_codes)) {
        return false;
    }
    if (runs->exit_codes != NULL && json_array_size(runs->exit_codes) != runs->total) {
        return import__fail(import, "'%s.exit_codes' is not as long as 'times'", place);
    }
    for (size_t i = 0; i < runs->total; i++) {
        runs->failed += has_failed(runs, i);
    }
    return true;
}

/*
 * A line of the runs' values, without those of runs that failed, unless all did. They have to be there, and
 * above or equal to 0.
 */
static bool add_runs(struct import *import, const json_t *array, const char *place, struct command_runs *runs,
                     double factor, struct tare_history_point *point)
{
    size_t kept = 0;
    for (size_t i = 0; i < runs->total; i++) {
        double value;
        if (!import__element(import, array, i, place, &value)) {
            return false;
        }
        value *= factor;
        if (!(value >= 0 && value <= IMPORT_NS_MAX)) {
            return import__fail(import, "'%s[%zu]' is not a number that can be", place, i);
        }
        if (!has_failed(runs, i) || runs->failed == runs->total) {
            runs->values[kept++] = value;
        }
    }
    point->rounds = (int64_t)runs->total;
    point->rounds_dropped = (int64_t)(runs->total - kept);
    return import__median(import, point, runs->values, kept);
}

static bool add_mean(struct import *import, const json_t *result, const char *place, const char *key,
                     const char *command, const char *arguments, size_t runs)
{
    double seconds;
    if (!import__number(import, result, place, key, false, &seconds)) {
        return false;
    }
    if (isnan(seconds)) {
        return true;
    }
    if (!(seconds >= 0 && seconds * 1e9 <= IMPORT_NS_MAX)) {
        return import__fail(import, "'%s.%s' is not a time that can be", place, key);
    }
    struct tare_history_point *point = import__line(import, command, arguments, key, "ns", TARE_BETTER_LOWER);
    if (point == NULL) {
        return false;
    }
    point->value = seconds * 1e9;
    point->n = (int64_t)runs;
    return true;
}

static bool add_figures(struct import *import, const json_t *result, const char *place, const char *command,
                        const char *arguments, struct command_runs *runs, const json_t *times)
{
    char inner[IMPORT_PLACE];
    snprintf(inner, sizeof inner, "%.100s.times", place);
    bool all_failed = runs->failed == runs->total;
    import->settings = all_failed ? "exit=failure" : "";
    struct tare_history_point *point =
        import__line(import, command, arguments, "median", "ns", TARE_BETTER_LOWER);
    if (point == NULL || !add_runs(import, times, inner, runs, 1e9, point)) {
        return false;
    }
    if (all_failed) {
        import__leave_out(import, "kept apart # of which every run failed", command);
    } else if (runs->failed > 0) {
        /* What it gives of these is over all runs, failed ones as well. */
        import__leave_out(import, "left out the failed runs of #", command);
    }
    if (runs->failed == 0 || all_failed) {
        if (!add_mean(import, result, place, "user", command, arguments, runs->total) ||
            !add_mean(import, result, place, "system", command, arguments, runs->total)) {
            return false;
        }
    }
    const json_t *memory;
    if (!import__array(import, result, place, "memory_usage_byte", false, &memory)) {
        return false;
    }
    if (memory == NULL || json_array_size(memory) != runs->total) {
        return true;
    }
    snprintf(inner, sizeof inner, "%.100s.memory_usage_byte", place);
    point = import__line(import, command, arguments, "peak_memory", "bytes", TARE_BETTER_LOWER);
    return point != NULL && add_runs(import, memory, inner, runs, 1, point);
}

static bool read_result(struct import *import, const json_t *result, size_t i)
{
    char place[IMPORT_PLACE];
    snprintf(place, sizeof place, "results[%zu]", i);
    const char *command;
    const json_t *times, *parameters;
    if (!json_is_object(result)) {
        return import__fail(import, "'%s' is not an object", place);
    }
    if (!import__text(import, result, place, "command", true, &command) ||
        !import__array(import, result, place, "times", true, &times) ||
        !import__object(import, result, place, "parameters", false, &parameters)) {
        return false;
    }
    if (json_array_size(times) == 0) {
        import__leave_out(import, "left out # without a run", command);
        return true;
    }
    struct command_runs runs = {.total = json_array_size(times)};
    char *arguments = NULL;
    bool well = read_exit_codes(import, result, place, &runs);
    if (well) {
        arguments = arguments_of(import, parameters, place);
        runs.values = reallocarray(NULL, runs.total, sizeof *runs.values);
        well = arguments != NULL && (runs.values != NULL || import__no_memory(import));
    }
    well = well && add_figures(import, result, place, command, arguments, &runs, times);
    free(runs.values);
    free(arguments);
    return well;
}

bool import__hyperfine(struct import *import)
{
    const struct tare_import_file *file = &import->files[0];
    const json_t *results;
    json_t *root = import__parse(import, file->bytes, file->size, "it");
    bool well = root != NULL && import__array(import, root, "", "results", true, &results) &&
                import__begin(import, "hyperfine") != NULL;
    for (size_t i = 0; well && i < json_array_size(results); i++) {
        well = read_result(import, json_array_get(results, i), i);
    }
    if (well) {
        well = import__end_file(import);
    }
    json_decref(root);
    return well;
}
