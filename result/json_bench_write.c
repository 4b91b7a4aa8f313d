/* SPDX-License-Identifier: MIT */
/*
 * Writes the member "bench" of a result: what `tare bench` found. What tare_result_bench_check() does not pass
 * is not written (-EINVAL), as it could not be read again.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "result/json_bench_fields.h"
#include "result/json_parts.h"

static json_t *settings_value(struct json_builder *b, const struct tare_result_bench_settings *settings)
{
    json_t *object = tare__json_fields(b, &settings_fields, settings);
    /* A string: it takes all 64 bits, more than jansson holds, and more than most readers of numbers do. */
    char seed[24];
    snprintf(seed, sizeof seed, "%" PRIu64, settings->seed);
    tare__json_put(b, object, "seed", json_string(seed));
    return object;
}

static json_t *summary_value(struct json_builder *b, const struct tare_summary *summary)
{
    json_t *object = tare__json_fields(b, &summary_fields, summary);
    tare__json_put(b, object, "outliers", tare__json_fields(b, &outliers_fields, summary));
    json_t *modes = tare__json_fields(b, &modes_fields, &summary->modes);
    json_t *array = json_array();
    for (size_t i = 0; i < summary->modes.count; i++) {
        tare__json_append(b, array, tare__json_fields(b, &mode_fields, &summary->modes.mode[i]));
    }
    tare__json_put(b, modes, "modes", array);
    tare__json_put(b, object, "modes", modes);
    return object;
}

static json_t *arm_value(struct json_builder *b, const struct tare_result_arm *arm)
{
    json_t *object = tare__json_fields(b, &arm_fields, arm);
    tare__json_put(b, object, "summary", summary_value(b, &arm->summary));
    tare__json_put_fields(b, object, &arm_more_fields, arm);
    json_t *per_op = json_object();
    for (int i = 0; i < TARE_PER_OPS; i++) {
        tare__json_put(b, per_op, tare_per_op_names[i], tare__json_number(b, arm->per_op[i], true));
    }
    tare__json_put(b, object, "per_op", per_op);
    json_t *timers = json_array();
    for (size_t i = 0; i < arm->timer_count; i++) {
        tare__json_append(b, timers, tare__json_fields(b, &inner_timer_fields, &arm->timers[i]));
    }
    tare__json_put(b, object, "timers", timers);
    json_t *values = json_array();
    json_t *rounds = json_array();
    json_t *dropped = json_array();
    for (size_t i = 0; i < arm->value_count; i++) {
        tare__json_append(b, values, tare__json_number(b, arm->values_ns[i], true));
        tare__json_append(b, rounds, json_integer(arm->rounds[i]));
        tare__json_append(b, dropped, json_boolean(arm->dropped[i]));
    }
    tare__json_put(b, object, "values_ns", values);
    tare__json_put(b, object, "rounds", rounds);
    tare__json_put(b, object, "dropped", dropped);
    return object;
}

/* A column for each field: of hundreds of rounds an object for each would say the names as often. */
static json_t *rounds_value(struct json_builder *b, const struct tare_result_contamination *seen)
{
    json_t *object = json_object();
    for (size_t i = 0; i < round_fields.count; i++) {
        const struct field *field = &round_fields.fields[i];
        json_t *column = json_array();
        for (size_t j = 0; j < seen->each_count; j++) {
            const void *member = (const char *)&seen->each[j] + field->offset;
            json_t *value = NULL;
            if (field->type == FIELD_COUNT_UNKNOWN) {
                uint64_t count = *(const uint64_t *)member;
                value = count == TARE_COUNT_UNKNOWN ? json_null() : tare__json_count(b, count);
            } else {
                value = tare__json_number(b, *(const double *)member, true);
            }
            tare__json_append(b, column, value);
        }
        tare__json_put(b, object, field->name, column);
    }
    return object;
}

static json_t *benchmark_value(struct json_builder *b, const struct tare_result_benchmark *benchmark)
{
    json_t *object = tare__json_fields(b, &benchmark_fields, benchmark);
    json_t *args = json_array();
    for (size_t i = 0; i < benchmark->arg_count; i++) {
        tare__json_append(b, args, tare__json_number(b, benchmark->args[i], true));
    }
    tare__json_put(b, object, "args", args);
    json_t *contamination = tare__json_fields(b, &contamination_fields, &benchmark->contamination);
    tare__json_put(b, contamination, "each_round",
                   benchmark->contamination.each_count != 0 ? rounds_value(b, &benchmark->contamination)
                                                            : json_null());
    tare__json_put(b, object, "contamination", contamination);
    json_t *comparisons = json_array();
    for (size_t i = 0; i < benchmark->comparison_count; i++) {
        const struct tare_result_comparison *comparison = &benchmark->comparisons[i];
        json_t *element = tare__json_fields(b, &comparison_fields, comparison);
        tare__json_put(b, element, "verdict", json_string(tare_verdict_names[comparison->comparison.verdict]));
        tare__json_append(b, comparisons, element);
    }
    tare__json_put(b, object, "comparisons", comparisons);
    json_t *arms = json_array();
    for (size_t i = 0; i < benchmark->arm_count; i++) {
        tare__json_append(b, arms, arm_value(b, &benchmark->arms[i]));
    }
    tare__json_put(b, object, "arms", arms);
    return object;
}

static json_t *growth_value(struct json_builder *b, const struct tare_result_growth *growth)
{
    json_t *object = tare__json_fields(b, &growth_fields, growth);
    tare__json_put(b, object, "best", json_string(tare_growth_names[growth->growth.best]));
    tare__json_put(b, object, "second", json_string(tare_growth_names[growth->growth.second]));
    return object;
}

json_t *tare__json_bench(struct json_builder *b, const struct tare_result_bench *bench)
{
    char message[200];
    if (bench == NULL) {
        return json_null();
    }
    int error = tare_result_bench_check(bench, message, sizeof message);
    if (error != 0) {
        tare__json_fail(b, error);
        return json_null();
    }
    json_t *object = tare__json_fields(b, &bench_fields, bench);
    tare__json_put(b, object, "settings", settings_value(b, &bench->settings));
    json_t *benchmarks = json_array();
    for (size_t i = 0; i < bench->benchmark_count; i++) {
        tare__json_append(b, benchmarks, benchmark_value(b, &bench->benchmarks[i]));
    }
    tare__json_put(b, object, "benchmarks", benchmarks);
    json_t *growths = json_array();
    for (size_t i = 0; i < bench->growth_count; i++) {
        tare__json_append(b, growths, growth_value(b, &bench->growths[i]));
    }
    tare__json_put(b, object, "growths", growths);
    return object;
}
