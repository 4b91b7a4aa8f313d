/* SPDX-License-Identifier: MIT */
/*
 * The member "profile" of a result: tables of fields (result/json_fields.h), names and limits, for
 * result/json_profile_write.c and result/json_profile_read.c alike. Private to them.
 *
 * What there are many of stands in columns: one array for each member, as long as each other.
 *
 *     "strings": ["main", "a.c", ...]         functions and files, each once; frames say which by its number
 *     "frames":  {"function": [0, ...], "object": [0, ...], "file": [1, ...], ...}
 *     "nodes":   {"parent": [null, 0, ...], "frame": [0, ...]}
 *     "samples": {"weight": [1, ...], "node": [1, ...], "time_ns": [12, ...], ...}
 *
 * A column of samples that is unknown in all of them is null in place of an array. 100,000 stacks of 30 calls
 * take some 10 MB so.
 */
#ifndef TARE_RESULT_JSON_PROFILE_FIELDS_H
#define TARE_RESULT_JSON_PROFILE_FIELDS_H

#include "record/profile.h"
#include "result/json_fields.h"

/*
 * Calls in one stack: far more than any recorder takes, and few enough to go over each stack without thinking.
 */
enum { PROFILE_DEPTH_MAX = 16384 };

_Static_assert(TARE_PROFILE_UNKNOWN == TARE_COUNT_UNKNOWN, "unknown counts are written as FIELD_COUNT_UNKNOWN");

#define FIELD(member, type)                                                                                    \
    {                                                                                                          \
#member, type, offsetof(STRUCT, member)                                                                \
    }

#define STRUCT struct tare_profile
static const struct field profile_array[] = {
    FIELD(mode, FIELD_STRING),
    FIELD(reason, FIELD_STRING),
    FIELD(event, FIELD_STRING),
    FIELD(unit, FIELD_STRING),
    FIELD(frequency_hz, FIELD_AMOUNT),
    FIELD(interval_ns, FIELD_AMOUNT),
    FIELD(wall_ns, FIELD_AMOUNT),
    FIELD(by_timer, FIELD_BOOL),
    FIELD(off_cpu, FIELD_BOOL),
    FIELD(lost, FIELD_COUNT_UNKNOWN),
    FIELD(unknown, FIELD_COUNT),
    FIELD(truncated, FIELD_COUNT_UNKNOWN),
    FIELD(threads_missed, FIELD_COUNT_UNKNOWN),
};
#undef STRUCT
static const struct field_table profile_fields = FIELD_TABLE(profile_array);

#define STRUCT struct tare_profile_overhead
static const struct field profile_overhead_array[] = {
    FIELD(ratio, FIELD_AMOUNT),
    FIELD(low, FIELD_AMOUNT),
    FIELD(high, FIELD_AMOUNT),
    FIELD(pairs, FIELD_COUNT),
};
#undef STRUCT
static const struct field_table profile_overhead_fields = FIELD_TABLE(profile_overhead_array);

#define STRUCT struct tare_profile_object
static const struct field profile_object_array[] = {
    FIELD(path, FIELD_NAME),
    FIELD(build_id, FIELD_STRING),
};
#undef STRUCT
static const struct field_table profile_object_fields = FIELD_TABLE(profile_object_array);

#define STRUCT struct tare_profile_process
static const struct field profile_process_array[] = {
    FIELD(pid, FIELD_U32),
    FIELD(command, FIELD_STRING),
};
#undef STRUCT
static const struct field_table profile_process_fields = FIELD_TABLE(profile_process_array);

#define STRUCT struct tare_profile_thread
static const struct field profile_thread_array[] = {
    FIELD(process, FIELD_U32),
    FIELD(tid, FIELD_U32),
    FIELD(name, FIELD_STRING),
};
#undef STRUCT
static const struct field_table profile_thread_fields = FIELD_TABLE(profile_thread_array);

#define STRUCT struct tare_profile_timer
static const struct field profile_timer_array[] = {
    FIELD(module, FIELD_NAME),
    FIELD(name, FIELD_NAME),
};
#undef STRUCT
static const struct field_table profile_timer_fields = FIELD_TABLE(profile_timer_array);
#undef FIELD

/* Indexed by enum tare_profile_object_kind. */
static const char *const profile_kind_names[] = {"file", "kernel", "vdso", "jit", "unknown"};
enum { PROFILE_KINDS = sizeof profile_kind_names / sizeof profile_kind_names[0] };

/* Bit by bit of enum tare_profile_object_flags. */
static const char *const profile_flag_names[] = {"no-symbols", "no-debug", "deleted", "changed", "unreadable"};
enum { PROFILE_FLAGS = sizeof profile_flag_names / sizeof profile_flag_names[0] };

#endif
