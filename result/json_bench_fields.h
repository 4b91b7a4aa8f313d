/* SPDX-License-Identifier: MIT */
/*
 * The tables of fields (result/json_fields.h) of the member "bench". Private to result/json_bench_write.c and
 * result/json_bench_read.c.
 *
 * What is a difference of two measured things is a FIELD_NUMBER, as it may come out below 0: net times, counts
 * for each operation, and what the kernel's counters of time rose by (that of stolen time has been seen to go
 * back).
 */
#ifndef TARE_RESULT_JSON_BENCH_FIELDS_H
#define TARE_RESULT_JSON_BENCH_FIELDS_H

#include "result/json_fields.h"

_Static_assert(sizeof(unsigned) == sizeof(uint32_t), "unsigned members are written as FIELD_U32");

#define NAMED(name, type, member)                                                                              \
    {                                                                                                          \
        name, type, offsetof(STRUCT, member)                                                                   \
    }
#define FIELD(member, type) NAMED(#member, type, member)

#define STRUCT struct tare_result_bench_settings
static const struct field settings_array[] = {
    FIELD(time_s, FIELD_AMOUNT),       FIELD(margin, FIELD_AMOUNT),     FIELD(alpha, FIELD_SHARE),
    FIELD(control_alpha, FIELD_SHARE), FIELD(comparisons, FIELD_COUNT), FIELD(block_ns, FIELD_AMOUNT),
    FIELD(pin, FIELD_INT_OR_NULL),
};
#undef STRUCT
static const struct field_table settings_fields = FIELD_TABLE(settings_array);

#define STRUCT struct tare_result_bench
static const struct field bench_array[] = {FIELD(ended_by, FIELD_STRING)};
#undef STRUCT
static const struct field_table bench_fields = FIELD_TABLE(bench_array);

#define STRUCT struct tare_result_benchmark
static const struct field benchmark_array[] = {
    FIELD(name, FIELD_NAME),       FIELD(bench, FIELD_STRING), FIELD(threads, FIELD_U32),
    FIELD(command, FIELD_BOOL),    FIELD(file, FIELD_STRING),  FIELD(line, FIELD_U32_OR_NULL),
    FIELD(spent_ns, FIELD_AMOUNT), FIELD(layouts, FIELD_U32),
};
#undef STRUCT
static const struct field_table benchmark_fields = FIELD_TABLE(benchmark_array);

#define STRUCT struct tare_result_contamination
static const struct field contamination_array[] = {
    FIELD(rounds, FIELD_COUNT),
    FIELD(dropped, FIELD_COUNT),
    FIELD(rule_suspended, FIELD_BOOL),
    FIELD(threshold, FIELD_AMOUNT),
    FIELD(measured_ns, FIELD_AMOUNT),
    FIELD(wall_ns, FIELD_AMOUNT),
    FIELD(steal_ns, FIELD_NUMBER),
    FIELD(wait_ns, FIELD_NUMBER),
    FIELD(pressure_ns, FIELD_NUMBER),
    FIELD(involuntary, FIELD_COUNT_UNKNOWN),
    FIELD(migrations, FIELD_COUNT_UNKNOWN),
    FIELD(frequency_low_hz, FIELD_AMOUNT),
    FIELD(frequency_high_hz, FIELD_AMOUNT),
};
#undef STRUCT
static const struct field_table contamination_fields = FIELD_TABLE(contamination_array);

/* Columns of contamination.each_round: an array for each of them, FIELD_NUMBER or FIELD_COUNT_UNKNOWN alone. */
#define STRUCT struct tare_result_round
static const struct field round_array[] = {
    FIELD(wall_ns, FIELD_NUMBER),
    FIELD(measured_ns, FIELD_NUMBER),
    FIELD(steal_ns, FIELD_NUMBER),
    FIELD(wait_ns, FIELD_NUMBER),
    FIELD(pressure_ns, FIELD_NUMBER),
    FIELD(frequency_hz, FIELD_NUMBER),
    FIELD(involuntary, FIELD_COUNT_UNKNOWN),
    FIELD(migrations, FIELD_COUNT_UNKNOWN),
};
#undef STRUCT
static const struct field_table round_fields = FIELD_TABLE(round_array);

#define STRUCT struct tare_result_arm
static const struct field arm_array[] = {
    FIELD(label, FIELD_NAME),      FIELD(control, FIELD_BOOL),   FIELD(what, FIELD_NAME),
    FIELD(revision, FIELD_STRING), FIELD(failure, FIELD_STRING), FIELD(exit_code, FIELD_INT_OR_NULL),
};
/* Behind the summary. */
static const struct field arm_more_array[] = {
    FIELD(first_ns, FIELD_NUMBER),
    FIELD(warmup, FIELD_COUNT_UNKNOWN),
    FIELD(warmup_settled, FIELD_BOOL_OR_NULL),
    FIELD(iterations, FIELD_COUNT_OR_NULL),
    FIELD(samples, FIELD_COUNT_OR_NULL),
    FIELD(loop_ns, FIELD_NUMBER),
    FIELD(start_ns, FIELD_NUMBER),
    FIELD(bytes_per_op, FIELD_AMOUNT),
    FIELD(items_per_op, FIELD_AMOUNT),
};
#undef STRUCT
static const struct field_table arm_fields = FIELD_TABLE(arm_array);
static const struct field_table arm_more_fields = FIELD_TABLE(arm_more_array);

#define STRUCT struct tare_summary
static const struct field summary_array[] = {
    FIELD(n, FIELD_SIZE),
    NAMED("median_ns", FIELD_NUMBER, median),
    NAMED("median_low_ns", FIELD_NUMBER, median_low),
    NAMED("median_high_ns", FIELD_NUMBER, median_high),
    NAMED("mad_ns", FIELD_AMOUNT, mad),
    NAMED("mean_ns", FIELD_NUMBER, mean),
    NAMED("sd_ns", FIELD_AMOUNT, sd),
    NAMED("cv", FIELD_NUMBER, cv),
    NAMED("min_ns", FIELD_NUMBER, min),
    NAMED("max_ns", FIELD_NUMBER, max),
    NAMED("p50_ns", FIELD_NUMBER, p50),
    NAMED("p95_ns", FIELD_NUMBER, p95),
    NAMED("p99_ns", FIELD_NUMBER, p99),
};
#define OUTLIER(name, class) NAMED(name, FIELD_SIZE, outliers[TARE_OUTLIER_##class])
static const struct field outliers_array[] = {
    OUTLIER("low_severe", LOW_SEVERE), OUTLIER("low_mild", LOW_MILD),       OUTLIER("normal", NORMAL),
    OUTLIER("high_mild", HIGH_MILD),   OUTLIER("high_severe", HIGH_SEVERE),
};
#undef OUTLIER
#undef STRUCT
static const struct field_table summary_fields = FIELD_TABLE(summary_array);
static const struct field_table outliers_fields = FIELD_TABLE(outliers_array);

#define STRUCT struct tare_modes
static const struct field modes_array[] = {
    FIELD(dip, FIELD_SHARE),
    FIELD(p, FIELD_SHARE),
    NAMED("grain_ns", FIELD_AMOUNT, grain),
    FIELD(more, FIELD_BOOL),
};
#undef STRUCT
static const struct field_table modes_fields = FIELD_TABLE(modes_array);

#define STRUCT struct tare_mode
static const struct field mode_array[] = {
    NAMED("location_ns", FIELD_NUMBER, location),
    NAMED("low_ns", FIELD_NUMBER, low),
    NAMED("high_ns", FIELD_NUMBER, high),
    FIELD(share, FIELD_SHARE),
};
#undef STRUCT
static const struct field_table mode_fields = FIELD_TABLE(mode_array);

#define STRUCT struct tare_result_inner_timer
static const struct field inner_timer_array[] = {
    FIELD(module, FIELD_NAME),   FIELD(name, FIELD_NAME),           FIELD(calls, FIELD_AMOUNT),
    FIELD(net_ns, FIELD_NUMBER), FIELD(net_error_ns, FIELD_AMOUNT), FIELD(net_p50_ns, FIELD_NUMBER),
    FIELD(net_p50_error_ns, FIELD_AMOUNT), FIELD(net_p99_ns, FIELD_NUMBER),
};
#undef STRUCT
static const struct field_table inner_timer_fields = FIELD_TABLE(inner_timer_array);

#define STRUCT struct tare_result_comparison
static const struct field comparison_array[] = {
    FIELD(arm, FIELD_U32),
    FIELD(decided_early, FIELD_BOOL),
    FIELD(reason, FIELD_STRING),
    NAMED("within_margin", FIELD_BOOL, comparison.within_margin),
    NAMED("control_differs", FIELD_BOOL, comparison.control_differs),
    NAMED("stop", FIELD_BOOL, comparison.stop),
    NAMED("ratio", FIELD_AMOUNT, comparison.ratio),
    NAMED("low", FIELD_AMOUNT, comparison.low),
    NAMED("high", FIELD_AMOUNT, comparison.high),
    NAMED("confidence", FIELD_SHARE, comparison.confidence),
    NAMED("control_ratio", FIELD_AMOUNT, comparison.control_ratio),
    NAMED("control_low", FIELD_AMOUNT, comparison.control_low),
    NAMED("control_high", FIELD_AMOUNT, comparison.control_high),
    NAMED("smallest_change", FIELD_AMOUNT, comparison.smallest),
    NAMED("units", FIELD_SIZE, comparison.units),
    NAMED("units_effective", FIELD_AMOUNT, comparison.units_effective),
    NAMED("units_needed", FIELD_AMOUNT, comparison.units_needed),
    NAMED("layouts_needed", FIELD_AMOUNT, comparison.layouts_needed),
};
#undef STRUCT
static const struct field_table comparison_fields = FIELD_TABLE(comparison_array);

#define STRUCT struct tare_result_growth
static const struct field growth_array[] = {
    FIELD(bench, FIELD_NAME),
    FIELD(arm, FIELD_U32),
    FIELD(arg, FIELD_U32),
    NAMED("clear", FIELD_BOOL, growth.clear),
    NAMED("base_ns", FIELD_NUMBER, growth.base),
    NAMED("factor_ns", FIELD_NUMBER, growth.factor),
    NAMED("error", FIELD_AMOUNT, growth.error),
    NAMED("exponent", FIELD_NUMBER, growth.exponent),
};
#undef STRUCT
static const struct field_table growth_fields = FIELD_TABLE(growth_array);

#undef FIELD
#undef NAMED

#endif
