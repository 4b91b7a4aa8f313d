/* SPDX-License-Identifier: MIT */
/*
 * Reads the member "bench" of a result, and trusts nothing in it, as json_read.c says. Its figures are checked
 * one by one here, and how they hang together by tare_result_bench_check() at the end.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "result/json_bench_fields.h"
#include "result/json_parts.h"

/* The index of a word, or `count` if it is not one of them. */
static size_t word_of(const json_t *value, const char *const *words, size_t count)
{
    size_t found = 0;
    while (found < count && (!json_is_string(value) || strcmp(json_string_value(value), words[found]) != 0)) {
        found++;
    }
    return found;
}

static bool read_word(struct json_reader *r, const json_t *object, const struct json_place *place,
                      const char *key, const char *const *words, size_t count, const char *wanted, unsigned *to)
{
    struct json_place here = {.up = place, .key = key};
    const json_t *value = tare__json_member_of(r, object, key, &here, true);
    if (value == NULL) {
        return false;
    }
    size_t found = word_of(value, words, count);
    if (found == count) {
        return tare__json_unfit(r, &here, wanted);
    }
    *to = (unsigned)found;
    return true;
}

static bool is_object(struct json_reader *r, const json_t *value, const struct json_place *place)
{
    return json_is_object(value) ? true : tare__json_unfit(r, place, "an object");
}

static bool read_seed(struct json_reader *r, const json_t *object, const struct json_place *place,
                      uint64_t *seed)
{
    struct json_place here = {.up = place, .key = "seed"};
    const json_t *value = tare__json_member_of(r, object, here.key, &here, true);
    if (value == NULL) {
        return false;
    }
    const char *text = json_string_value(value);
    if (text == NULL || text[0] == '\0' || text[strspn(text, "0123456789")] != '\0') {
        return tare__json_unfit(r, &here, "a whole number as a string");
    }
    errno = 0;
    *seed = strtoull(text, NULL, 10);
    return errno == 0 ? true : tare__json_unfit(r, &here, "a number of 64 bits");
}

static bool read_settings(struct json_reader *r, const json_t *bench, const struct json_place *place,
                          struct tare_result_bench_settings *settings)
{
    struct json_place here = {.up = place, .key = "settings"};
    const json_t *object = tare__json_object_of(r, bench, &here);
    return object != NULL && tare__json_read_fields(r, object, &settings_fields, &here, settings) &&
           read_seed(r, object, &here, &settings->seed);
}

static bool read_modes(struct json_reader *r, const json_t *summary, const struct json_place *place,
                       struct tare_modes *modes)
{
    struct json_place here = {.up = place, .key = "modes"};
    struct json_place array_place = {.up = &here, .key = "modes"};
    const json_t *object = tare__json_object_of(r, summary, &here);
    if (object == NULL || !tare__json_read_fields(r, object, &modes_fields, &here, modes)) {
        return false;
    }
    const json_t *array = tare__json_array_of(r, object, &array_place);
    if (array == NULL) {
        return false;
    }
    if (json_array_size(array) > TARE_MODES_MAX) {
        return tare__json_unfit(r, &array_place, "an array of at most 8");
    }
    for (size_t i = 0; i < json_array_size(array); i++) {
        struct json_place mode_place = {.up = &array_place, .index = i};
        const json_t *mode = json_array_get(array, i);
        modes->mode[i] = (struct tare_mode){.location = NAN, .low = NAN, .high = NAN, .share = NAN};
        modes->count = i + 1;
        if (!is_object(r, mode, &mode_place) ||
            !tare__json_read_fields(r, mode, &mode_fields, &mode_place, &modes->mode[i])) {
            return false;
        }
    }
    return true;
}

static bool read_summary(struct json_reader *r, const json_t *arm, const struct json_place *place,
                         struct tare_summary *summary)
{
    struct json_place here = {.up = place, .key = "summary"};
    struct json_place outliers_place = {.up = &here, .key = "outliers"};
    const json_t *object = tare__json_object_of(r, arm, &here);
    if (object == NULL || !tare__json_read_fields(r, object, &summary_fields, &here, summary)) {
        return false;
    }
    const json_t *outliers = tare__json_object_of(r, object, &outliers_place);
    return outliers != NULL &&
           tare__json_read_fields(r, outliers, &outliers_fields, &outliers_place, summary) &&
           read_modes(r, object, &here, &summary->modes);
}

static bool read_per_op(struct json_reader *r, const json_t *arm, const struct json_place *place,
                        double per_op[TARE_PER_OPS])
{
    struct json_place here = {.up = place, .key = "per_op"};
    const json_t *object = tare__json_object_of(r, arm, &here);
    for (int i = 0; object != NULL && i < TARE_PER_OPS; i++) {
        struct json_place count_place = {.up = &here, .key = tare_per_op_names[i]};
        const json_t *value = json_object_get(object, tare_per_op_names[i]);
        if (value != NULL && !json_is_null(value) &&
            !tare__json_read_number(r, value, &count_place, true, &per_op[i])) {
            return false;
        }
    }
    return object != NULL;
}

static bool read_inner_timers(struct json_reader *r, const json_t *object, const struct json_place *place,
                              struct tare_result_arm *arm)
{
    struct json_place here = {.up = place, .key = "timers"};
    const json_t *array = tare__json_array_of(r, object, &here);
    for (size_t i = 0; i < json_array_size(array); i++) {
        struct json_place timer_place = {.up = &here, .index = i};
        const json_t *element = json_array_get(array, i);
        if (!is_object(r, element, &timer_place)) {
            return false;
        }
        struct tare_result_inner_timer *timer = tare_result_add_inner_timer(arm, "", "");
        if (timer == NULL) {
            return tare__json_out_of_memory(r);
        }
        free(timer->module);
        free(timer->name);
        timer->module = NULL;
        timer->name = NULL;
        if (!tare__json_read_fields(r, element, &inner_timer_fields, &timer_place, timer)) {
            return false;
        }
    }
    return array != NULL;
}

/* Three arrays of one length. */
static bool read_values(struct json_reader *r, const json_t *object, const struct json_place *place,
                        struct tare_result_arm *arm)
{
    struct json_place values_place = {.up = place, .key = "values_ns"};
    struct json_place rounds_place = {.up = place, .key = "rounds"};
    struct json_place dropped_place = {.up = place, .key = "dropped"};
    const json_t *values = tare__json_array_of(r, object, &values_place);
    const json_t *rounds = values != NULL ? tare__json_array_of(r, object, &rounds_place) : NULL;
    const json_t *dropped = rounds != NULL ? tare__json_array_of(r, object, &dropped_place) : NULL;
    if (dropped == NULL) {
        return false;
    }
    size_t count = json_array_size(values);
    if (json_array_size(rounds) != count) {
        return tare__json_unfit(r, &rounds_place, "as long as values_ns");
    }
    if (json_array_size(dropped) != count) {
        return tare__json_unfit(r, &dropped_place, "as long as values_ns");
    }
    for (size_t i = 0; i < count; i++) {
        struct json_place value_place = {.up = &values_place, .index = i};
        struct json_place round_place = {.up = &rounds_place, .index = i};
        struct json_place mark_place = {.up = &dropped_place, .index = i};
        const json_t *mark = json_array_get(dropped, i);
        double value;
        uint64_t round;
        if (!json_is_number(json_array_get(values, i))) {
            return tare__json_unfit(r, &value_place, "a number");
        }
        if (!tare__json_read_number(r, json_array_get(values, i), &value_place, true, &value) ||
            !tare__json_read_integer(r, json_array_get(rounds, i), &round_place, UINT32_MAX, &round)) {
            return false;
        }
        if (!json_is_boolean(mark)) {
            return tare__json_unfit(r, &mark_place, "true or false");
        }
        if (tare_result_add_value(arm, value, (uint32_t)round) != 0) {
            return tare__json_out_of_memory(r);
        }
        arm->dropped[i] = json_is_true(mark);
    }
    return true;
}

static bool read_arms(struct json_reader *r, const json_t *object, const struct json_place *place,
                      struct tare_result_benchmark *benchmark)
{
    struct json_place here = {.up = place, .key = "arms"};
    const json_t *array = tare__json_array_of(r, object, &here);
    for (size_t i = 0; i < json_array_size(array); i++) {
        struct json_place arm_place = {.up = &here, .index = i};
        const json_t *element = json_array_get(array, i);
        if (!is_object(r, element, &arm_place)) {
            return false;
        }
        struct tare_result_arm *arm = tare_result_add_arm(benchmark, "", "");
        if (arm == NULL) {
            return tare__json_out_of_memory(r);
        }
        free(arm->label);
        free(arm->what);
        arm->label = NULL;
        arm->what = NULL;
        if (!tare__json_read_fields(r, element, &arm_fields, &arm_place, arm) ||
            !read_summary(r, element, &arm_place, &arm->summary) ||
            !tare__json_read_fields(r, element, &arm_more_fields, &arm_place, arm) ||
            !read_per_op(r, element, &arm_place, arm->per_op) ||
            !read_inner_timers(r, element, &arm_place, arm) || !read_values(r, element, &arm_place, arm)) {
            return false;
        }
    }
    return array != NULL;
}

static bool read_comparisons(struct json_reader *r, const json_t *object, const struct json_place *place,
                             struct tare_result_benchmark *benchmark)
{
    struct json_place here = {.up = place, .key = "comparisons"};
    const json_t *array = tare__json_array_of(r, object, &here);
    for (size_t i = 0; i < json_array_size(array); i++) {
        struct json_place comparison_place = {.up = &here, .index = i};
        const json_t *element = json_array_get(array, i);
        if (!is_object(r, element, &comparison_place)) {
            return false;
        }
        struct tare_result_comparison *comparison = tare_result_add_comparison(benchmark, 0);
        if (comparison == NULL) {
            return tare__json_out_of_memory(r);
        }
        unsigned verdict;
        if (!tare__json_read_fields(r, element, &comparison_fields, &comparison_place, comparison) ||
            !read_word(r, element, &comparison_place, "verdict", tare_verdict_names, TARE_VERDICTS,
                       "unresolved, same, faster or slower", &verdict)) {
            return false;
        }
        comparison->comparison.verdict = (enum tare_verdict)verdict;
    }
    return array != NULL;
}

static bool read_args(struct json_reader *r, const json_t *object, const struct json_place *place,
                      struct tare_result_benchmark *benchmark)
{
    struct json_place here = {.up = place, .key = "args"};
    const json_t *array = tare__json_array_of(r, object, &here);
    size_t count = json_array_size(array);
    if (count == 0) {
        return array != NULL;
    }
    benchmark->args = reallocarray(NULL, count, sizeof *benchmark->args);
    if (benchmark->args == NULL) {
        return tare__json_out_of_memory(r);
    }
    for (size_t i = 0; i < count; i++) {
        struct json_place arg_place = {.up = &here, .index = i};
        const json_t *value = json_array_get(array, i);
        if (!json_is_number(value)) {
            return tare__json_unfit(r, &arg_place, "a number");
        }
        if (!tare__json_read_number(r, value, &arg_place, true, &benchmark->args[i])) {
            return false;
        }
        benchmark->arg_count = i + 1;
    }
    return true;
}

static bool read_column(struct json_reader *r, const json_t *column, const struct json_place *here,
                        const struct field *field, struct tare_result_contamination *seen)
{
    if (!json_is_array(column) || json_array_size(column) != seen->each_count) {
        return tare__json_unfit(r, here, "an array as long as the others");
    }
    for (size_t i = 0; i < seen->each_count; i++) {
        struct json_place place = {.up = here, .index = i};
        const json_t *value = json_array_get(column, i);
        void *member = (char *)&seen->each[i] + field->offset;
        if (json_is_null(value)) {
            continue; /* unknown, as it is made */
        }
        if (!(field->type == FIELD_COUNT_UNKNOWN ? tare__json_read_integer(r, value, &place, INT64_MAX, member)
                                                 : tare__json_read_number(r, value, &place, true, member))) {
            return false;
        }
    }
    return true;
}

/* Results of before have none, and a column of them may be missing. */
static bool read_rounds(struct json_reader *r, const json_t *contamination, const struct json_place *place,
                        struct tare_result_benchmark *benchmark)
{
    struct json_place here = {.up = place, .key = "each_round"};
    const json_t *object = json_object_get(contamination, here.key);
    struct tare_result_contamination *seen = &benchmark->contamination;
    bool first = true;
    if (object == NULL || json_is_null(object)) {
        return true;
    }
    if (!is_object(r, object, &here)) {
        return false;
    }
    for (size_t i = 0; i < round_fields.count; i++) {
        const struct field *field = &round_fields.fields[i];
        struct json_place column_place = {.up = &here, .key = field->name};
        const json_t *column = json_object_get(object, field->name);
        if (column == NULL) {
            continue;
        }
        /* The first one says how many; whether that is right is tare_result_bench_check()'s. */
        while (first && seen->each_count < json_array_size(column)) {
            if (tare_result_add_round(benchmark) == NULL) {
                return tare__json_out_of_memory(r);
            }
        }
        first = false;
        if (!read_column(r, column, &column_place, field, seen)) {
            return false;
        }
    }
    return true;
}

static bool read_benchmark(struct json_reader *r, const json_t *object, const struct json_place *place,
                           struct tare_result_bench *bench)
{
    struct json_place contamination_place = {.up = place, .key = "contamination"};
    if (!is_object(r, object, place)) {
        return false;
    }
    struct tare_result_benchmark *benchmark = tare_result_add_benchmark(bench, "");
    if (benchmark == NULL) {
        return tare__json_out_of_memory(r);
    }
    free(benchmark->name);
    benchmark->name = NULL;
    if (!tare__json_read_fields(r, object, &benchmark_fields, place, benchmark) ||
        !read_args(r, object, place, benchmark)) {
        return false;
    }
    const json_t *contamination = tare__json_object_of(r, object, &contamination_place);
    return contamination != NULL &&
           tare__json_read_fields(r, contamination, &contamination_fields, &contamination_place,
                                  &benchmark->contamination) &&
           read_rounds(r, contamination, &contamination_place, benchmark) &&
           read_comparisons(r, object, place, benchmark) && read_arms(r, object, place, benchmark);
}

static bool read_benchmarks(struct json_reader *r, const json_t *object, const struct json_place *place,
                            struct tare_result_bench *bench)
{
    struct json_place here = {.up = place, .key = "benchmarks"};
    const json_t *array = tare__json_array_of(r, object, &here);
    for (size_t i = 0; i < json_array_size(array); i++) {
        struct json_place benchmark_place = {.up = &here, .index = i};
        if (!read_benchmark(r, json_array_get(array, i), &benchmark_place, bench)) {
            return false;
        }
    }
    return array != NULL;
}

static bool read_growths(struct json_reader *r, const json_t *object, const struct json_place *place,
                         struct tare_result_bench *bench)
{
    static const char wanted[] = "O(1), O(log n), O(n), O(n log n) or O(n^2)";
    struct json_place here = {.up = place, .key = "growths"};
    const json_t *array = tare__json_array_of(r, object, &here);
    for (size_t i = 0; i < json_array_size(array); i++) {
        struct json_place growth_place = {.up = &here, .index = i};
        const json_t *element = json_array_get(array, i);
        if (!is_object(r, element, &growth_place)) {
            return false;
        }
        struct tare_result_growth *growth = tare_result_add_growth(bench, "");
        if (growth == NULL) {
            return tare__json_out_of_memory(r);
        }
        free(growth->bench);
        growth->bench = NULL;
        unsigned best, second;
        if (!tare__json_read_fields(r, element, &growth_fields, &growth_place, growth) ||
            !read_word(r, element, &growth_place, "best", tare_growth_names, TARE_GROWTH_CLASSES, wanted,
                       &best) ||
            !read_word(r, element, &growth_place, "second", tare_growth_names, TARE_GROWTH_CLASSES, wanted,
                       &second)) {
            return false;
        }
        growth->growth.best = (enum tare_growth_class)best;
        growth->growth.second = (enum tare_growth_class)second;
    }
    return array != NULL;
}

bool tare__json_read_bench(struct json_reader *r, const json_t *root, struct tare_result_bench **to)
{
    struct json_place here = {.key = "bench"};
    const json_t *object = json_object_get(root, here.key);
    if (object == NULL || json_is_null(object)) {
        return true;
    }
    if (!json_is_object(object)) {
        return tare__json_unfit(r, &here, "an object or null");
    }
    struct tare_result_bench *bench = tare_result_bench_new();
    *to = bench;
    if (bench == NULL) {
        return tare__json_out_of_memory(r);
    }
    if (!tare__json_read_fields(r, object, &bench_fields, &here, bench) ||
        !read_settings(r, object, &here, &bench->settings) || !read_benchmarks(r, object, &here, bench) ||
        !read_growths(r, object, &here, bench)) {
        return false;
    }
    char message[280];
    int error = tare_result_bench_check(bench, message, sizeof message);
    if (error == -EINVAL) {
        return tare__json_complain(r, error, "bad value in result: %s", message);
    }
    return error == 0 ? true : tare__json_out_of_memory(r);
}
