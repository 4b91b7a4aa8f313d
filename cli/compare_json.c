/* SPDX-License-Identifier: MIT */
/* A comparison as JSON: schema "tare-comparison", which docs/comparison.schema.json describes. */
#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>

#include <tare/version.h>

#include "cli/compare.h"

enum { SCHEMA_VERSION = 1, INDENT = 2 };

/* Something that could not be made, for want of memory. */
struct writer {
    bool failed;
};

/* Takes over `value`, which may be NULL, as `object` may be. */
static void put(struct writer *writer, json_t *object, const char *name, json_t *value)
{
    writer->failed |= json_object_set_new(object, name, value) != 0;
}

static void append(struct writer *writer, json_t *array, json_t *value)
{
    writer->failed |= json_array_append_new(array, value) != 0;
}

static json_t *number(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

static json_t *count_value(uint64_t count)
{
    return count <= INT64_MAX ? json_integer((json_int_t)count) : json_null();
}

/* A name of a file may be anything; JSON is UTF-8. Strings of results are: they were read from JSON. */
static json_t *text(const char *value)
{
    if (value == NULL) {
        return json_null();
    }
    json_t *string = json_string(value);
    if (string == NULL) {
        char *safe = printable(value);
        string = safe != NULL ? json_string(safe) : NULL;
        free(safe);
    }
    return string;
}

static json_t *flag_or_null(int flag)
{
    return flag < 0 ? json_null() : json_boolean(flag);
}

static const char *kind_name(enum tare_fingerprint_kind kind)
{
    switch (kind) {
    case TARE_FINGERPRINT_IDENTITY:
        return "identity";
    case TARE_FINGERPRINT_SETTING:
        return "setting";
    default:
        return "measurement";
    }
}

static json_t *differing_parts(struct writer *writer, const struct tare_compare_report *report,
                               const struct tare_compare_source *source)
{
    json_t *parts = json_array();
    for (unsigned part = 0; part < TARE_FINGERPRINT_PARTS; part++) {
        if ((source->different >> part & 1) != 0) {
            json_t *one = json_object();
            put(writer, one, "name", text(tare_fingerprint_name(part)));
            put(writer, one, "kind", text(kind_name(tare_fingerprint_kind(part))));
            put(writer, one, "old", text(report->old.result->fingerprint.parts[part]));
            put(writer, one, "here", text(source->result->fingerprint.parts[part]));
            append(writer, parts, one);
        }
    }
    return parts;
}

static json_t *source_value(struct writer *writer, const struct tare_compare_report *report,
                            const struct tare_compare_source *source)
{
    const struct tare_result *result = source->result;
    json_t *object = json_object();
    bool is_old = source == &report->old;
    put(writer, object, "file", text(source->label));
    put(writer, object, "kind", text(result->kind));
    put(writer, object, "started", text(result->started));
    put(writer, object, "tare_version", text(result->tare_version));
    put(writer, object, "commit", text(result->environment.commit));
    put(writer, object, "commit_dirty", flag_or_null(result->environment.commit_dirty));
    put(writer, object, "incomplete", json_boolean(result->incomplete));
    put(writer, object, "fingerprint",
        text(result->fingerprint.hash[0] != '\0' ? result->fingerprint.hash : NULL));
    if (!is_old) {
        put(writer, object, "measured_alike", flag_or_null(source->unknown ? -1 : source->different == 0));
        put(writer, object, "differs_in", differing_parts(writer, report, source));
    }
    return object;
}

static json_t *side_value(struct writer *writer, const struct tare_compared_row *row,
                          const struct tare_compared_side *side)
{
    if (!side->there) {
        return json_null();
    }
    json_t *object = json_object();
    put(writer, object, "ns", number(side->ns));
    put(writer, object, "low_ns", number(side->low_ns));
    put(writer, object, "high_ns", number(side->high_ns));
    if (row->module == NULL) {
        put(writer, object, "processes", count_value(side->count));
        put(writer, object, "dropped", count_value(side->dropped));
        put(writer, object, "failed", json_boolean(side->failed));
        return object;
    }
    put(writer, object, "limit_ns", number(side->limit_ns));
    put(writer, object, "below_limit", json_boolean(side->below_limit));
    put(writer, object, "calls", count_value(side->count));
    for (size_t i = 0; i < TARE_COMPARED_PERCENTILES; i++) {
        char name[16];
        snprintf(name, sizeof(name), "%s_ns", tare_compared_percentiles[i]);
        put(writer, object, name, number(side->percentile_ns[i]));
    }
    return object;
}

static json_t *control_value(struct writer *writer, const struct tare_comparison *comparison)
{
    json_t *object = json_object();
    put(writer, object, "ratio", number(comparison->control_ratio));
    put(writer, object, "low", number(comparison->control_low));
    put(writer, object, "high", number(comparison->control_high));
    put(writer, object, "differs", json_boolean(comparison->control_differs));
    return object;
}

static json_t *row_value(struct writer *writer, const struct tare_compared_row *row, bool controlled)
{
    static const char *const presences[] = {
        [TARE_COMPARED_BOTH] = "both",
        [TARE_COMPARED_REMOVED] = "removed",
        [TARE_COMPARED_ADDED] = "added",
    };
    const struct tare_comparison *comparison = &row->comparison;
    bool both = row->presence == TARE_COMPARED_BOTH;
    json_t *object = json_object();
    put(writer, object, "module", text(row->module));
    put(writer, object, "name", text(row->name));
    put(writer, object, "presence", text(presences[row->presence]));
    put(writer, object, "verdict", text(both ? tare_verdict_names[comparison->verdict] : NULL));
    put(writer, object, "within_margin", both ? json_boolean(comparison->within_margin) : json_null());
    put(writer, object, "ratio", number(comparison->ratio));
    put(writer, object, "low", number(comparison->low));
    put(writer, object, "high", number(comparison->high));
    put(writer, object, "difference_ns", number(row->difference_ns));
    put(writer, object, "difference_low_ns", number(row->difference_low_ns));
    put(writer, object, "difference_high_ns", number(row->difference_high_ns));
    put(writer, object, "smallest", number(comparison->smallest));
    put(writer, object, "control", both && controlled ? control_value(writer, comparison) : json_null());
    put(writer, object, "why", text(row->why));
    put(writer, object, "failure", text(row->failure));
    put(writer, object, "old", side_value(writer, row, &row->old));
    put(writer, object, "new", side_value(writer, row, &row->new));
    return object;
}

static json_t *section_value(struct writer *writer, const struct tare_compare_report *report, size_t index)
{
    const struct tare_compared_section *section = &report->compared->sections[index];
    json_t *object = source_value(writer, report, &report->news[index]);
    json_t *counts = json_object(), *rows = json_array();
    for (int verdict = 0; verdict < TARE_VERDICTS; verdict++) {
        put(writer, counts, tare_verdict_names[verdict], count_value(section->verdicts[verdict]));
    }
    put(writer, counts, "slower_beyond_margin", count_value(section->slower_beyond));
    put(writer, counts, "faster_beyond_margin", count_value(section->faster_beyond));
    put(writer, counts, "failed", count_value(section->failed));
    put(writer, counts, "removed", count_value(section->removed));
    put(writer, counts, "added", count_value(section->added));
    for (size_t i = 0; i < section->row_count; i++) {
        append(writer, rows, row_value(writer, &section->rows[i], report->compared->controlled));
    }
    put(writer, object, "counts", counts);
    put(writer, object, "rows", rows);
    return object;
}

int compare_write_json(const struct tare_compare_report *report, const char *arm, FILE *out)
{
    const struct tare_compared *compared = report->compared;
    const struct tare_compare_rule *rule = &compared->rule;
    struct writer writer = {0};
    json_t *root = json_object(), *news = json_array();
    put(&writer, root, "schema", text("tare-comparison"));
    put(&writer, root, "schema_version", json_integer(SCHEMA_VERSION));
    put(&writer, root, "tare_version", text(TARE_VERSION));
    put(&writer, root, "of", text(compared->kind == TARE_COMPARED_TIMERS ? "timers" : "benchmarks"));
    put(&writer, root, "arm", text(arm));
    put(&writer, root, "paired", json_false());
    put(&writer, root, "alpha", number(rule->alpha));
    put(&writer, root, "comparisons", count_value(rule->comparisons));
    put(&writer, root, "confidence", number(compared->confidence));
    put(&writer, root, "margin", number(rule->margin));
    put(&writer, root, "control_alpha", number(rule->control_alpha));
    put(&writer, root, "old", source_value(&writer, report, &report->old));
    put(&writer, root, "control",
        report->control != NULL ? source_value(&writer, report, report->control) : json_null());
    for (size_t i = 0; i < compared->section_count; i++) {
        append(&writer, news, section_value(&writer, report, i));
    }
    put(&writer, root, "new", news);
    int error = writer.failed || root == NULL ? -ENOMEM : 0;
    if (error == 0 && (json_dumpf(root, out, JSON_INDENT(INDENT)) != 0 || putc('\n', out) == EOF)) {
        error = -EIO;
    }
    json_decref(root);
    return error != 0 ? error : fflush(out) != 0 || ferror(out) ? -EIO : 0;
}
