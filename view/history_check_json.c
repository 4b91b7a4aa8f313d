/* SPDX-License-Identifier: MIT */
/* A judged history as JSON: schema "tare-history-check", which docs/history-check.schema.json describes. */
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <tare/version.h>

#include "view/history_check_parts.h"

enum { SCHEMA_VERSION = 1, INDENT = 1, DIGITS = 12 };

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

static json_t *count_value(size_t count)
{
    return json_integer((json_int_t)count);
}

static json_t *time_value(int64_t ms)
{
    return ms != TARE_HISTORY_UNKNOWN ? json_integer(ms) : json_null();
}

/* What a user typed may be anything; JSON is UTF-8. */
static json_t *text(const char *value)
{
    if (value == NULL) {
        return json_null();
    }
    json_t *string = json_string(value);
    if (string == NULL) {
        char *safe = tare__view_safe(value, false);
        string = safe != NULL ? json_string(safe) : NULL;
        free(safe);
    }
    return string;
}

static json_t *direction_value(int direction)
{
    return direction > 0 ? json_string("worse") : direction < 0 ? json_string("better") : json_null();
}

static json_t *commit_value(const struct tare_history_commit *commit)
{
    return text(commit != NULL ? commit->id : NULL);
}

static json_t *change_value(struct writer *writer, const struct tare_judged_series *series, size_t index)
{
    const struct tare_judged_change *judged = &series->judged[index];
    const struct tare_change *change = &judged->change;
    json_t *object = json_object();
    put(writer, object, "kind", json_string(change->kind == TARE_CHANGE_DRIFT ? "drift" : "step"));
    put(writer, object, "at", count_value(change->at));
    put(writer, object, "low", count_value(change->low));
    put(writer, object, "high", count_value(change->high));
    put(writer, object, "weight", json_string(tare_change_weight_names[judged->weight]));
    put(writer, object, "decisive", json_boolean(index == series->decisive));
    put(writer, object, "direction", direction_value(judged->direction));
    put(writer, object, "p", number(change->p));
    put(writer, object, "adjusted", number(judged->adjusted));
    put(writer, object, "before", number(change->before));
    put(writer, object, "after", number(change->after));
    put(writer, object, "shift", number(change->shift));
    put(writer, object, "shift_low", number(change->shift_low));
    put(writer, object, "shift_high", number(change->shift_high));
    put(writer, object, "ratio", number(change->ratio));
    put(writer, object, "ratio_low", number(change->ratio_low));
    put(writer, object, "ratio_high", number(change->ratio_high));
    put(writer, object, "good", commit_value(judged->good));
    put(writer, object, "bad", commit_value(judged->bad));
    put(writer, object, "likely", commit_value(judged->likely));
    return object;
}

static json_t *suspicion_value(struct writer *writer, const struct tare_judged_series *series)
{
    const struct tare_suspicion *found = &series->suspicion;
    if (found->count == 0) {
        return json_null();
    }
    json_t *object = json_object();
    put(writer, object, "count", count_value(found->count));
    put(writer, object, "level", number(found->level));
    put(writer, object, "shift", number(found->shift));
    put(writer, object, "ratio", number(found->ratio));
    put(writer, object, "p", number(found->p));
    put(writer, object, "direction", direction_value(series->suspicion_direction));
    return object;
}

static json_t *limit_value(const struct tare_budget_limit *limit)
{
    return limit->text != NULL ? number(limit->value) : json_null();
}

static json_t *budget_value(struct writer *writer, const struct tare_judged *budget)
{
    static const char *const directions[] = {
        [TARE_BUDGET_NO_LIMIT] = NULL,
        [TARE_BUDGET_AT_MOST] = "at_most",
        [TARE_BUDGET_AT_LEAST] = "at_least",
    };
    const struct tare_budget_entry *entry = budget->entry;
    if (entry == NULL) {
        return json_null();
    }
    json_t *object = json_object();
    put(writer, object, "metric", text(entry->metric));
    put(writer, object, "line", count_value(entry->line));
    put(writer, object, "direction", text(directions[entry->direction]));
    put(writer, object, "target", limit_value(&entry->target));
    put(writer, object, "target_text", text(entry->target.text));
    put(writer, object, "critical", limit_value(&entry->critical));
    put(writer, object, "critical_text", text(entry->critical.text));
    put(writer, object, "relative_to", text(entry->to_baseline ? "baseline" : entry->relative_to));
    put(writer, object, "informational", json_boolean(entry->informational));
    put(writer, object, "unit", json_string(tare_metric_unit_names[budget->unit]));
    put(writer, object, "value", number(budget->value));
    put(writer, object, "low", number(budget->low));
    put(writer, object, "high", number(budget->high));
    put(writer, object, "judgement", json_string(tare_judgement_names[budget->judgement]));
    put(writer, object, "why", text(budget->why));
    return object;
}

static void put_key(struct writer *writer, json_t *object, const struct tare_history_series *series)
{
    static const char *const betters[] = {
        [TARE_BETTER_UNKNOWN] = NULL,
        [TARE_BETTER_LOWER] = "lower",
        [TARE_BETTER_HIGHER] = "higher",
    };
    char id[20], *title = tare_history_title(series);
    snprintf(id, sizeof(id), "%016" PRIx64, (uint64_t)series->id);
    put(writer, object, "id", json_string(id));
    put(writer, object, "title", title != NULL ? text(title) : NULL);
    free(title);
    put(writer, object, "project", text(series->project));
    put(writer, object, "suite", text(series->suite));
    put(writer, object, "name", text(series->name));
    put(writer, object, "arguments", text(series->arguments));
    put(writer, object, "metric", text(series->metric));
    put(writer, object, "unit", text(series->unit));
    put(writer, object, "fingerprint", text(*series->fingerprint != '\0' ? series->fingerprint : NULL));
    put(writer, object, "harness", text(series->harness));
    put(writer, object, "settings", text(series->settings));
    put(writer, object, "better", text(betters[series->better]));
}

static json_t *series_value(struct writer *writer, const struct tare_judged_series *series)
{
    const struct tare_changes *found = &series->changes;
    json_t *object = json_object(), *changes = json_array();
    bool any = series->line->count > 0;
    put_key(writer, object, &series->line->series);
    put(writer, object, "status", json_string(tare_series_status_names[series->status]));
    put(writer, object, "points", count_value(series->line->count));
    put(writer, object, "first", count_value(series->first));
    put(writer, object, "last", number(series->last));
    put(writer, object, "previous", number(series->previous));
    put(writer, object, "baseline", number(series->baseline));
    put(writer, object, "against", number(series->against));
    put(writer, object, "ratio", number(series->ratio));
    put(writer, object, "level", number(any ? found->level : NAN));
    put(writer, object, "level_from", count_value(found->level_from));
    put(writer, object, "spread", number(found->spread));
    put(writer, object, "smallest", number(found->smallest));
    put(writer, object, "autocorrelation", number(found->autocorrelation));
    put(writer, object, "p", number(found->p));
    put(writer, object, "advice", text(series->advice));
    put(writer, object, "below", json_boolean(series->below));
    put(writer, object, "by_time", json_boolean(series->by_time));
    put(writer, object, "mixed", json_boolean(series->mixed));
    put(writer, object, "budget", budget_value(writer, &series->budget));
    for (size_t i = 0; i < found->count; i++) {
        append(writer, changes, change_value(writer, series, i));
    }
    put(writer, object, "changes", changes);
    put(writer, object, "suspicion", suspicion_value(writer, series));
    return object;
}

static json_t *rule_value(struct writer *writer, const struct tare_history_check_view *view)
{
    const struct tare_check_rule *rule = &view->report->rule;
    const struct tare_history_baseline *baseline = view->report->baseline;
    json_t *object = json_object(), *at = baseline != NULL ? json_object() : json_null();
    put(writer, object, "margin", number(rule->margin));
    put(writer, object, "alpha", number(rule->alpha));
    put(writer, object, "window", count_value(rule->window));
    put(writer, object, "since", text(rule->since));
    put(writer, object, "since_ms", time_value(rule->since_ms));
    put(writer, object, "against", text(rule->against));
    if (baseline != NULL) {
        put(writer, at, "name", text(baseline->name));
        put(writer, at, "commit", text(baseline->commit));
        put(writer, at, "set_ms", time_value(baseline->set_ms));
        put(writer, at, "reason", text(baseline->reason));
        put(writer, at, "selection", text(baseline->selection));
    }
    put(writer, object, "baseline", at);
    return object;
}

int tare__history_check_json(const struct tare_history_check_view *view, FILE *out)
{
    const struct tare_history_report *report = view->report;
    struct writer writer = {0};
    json_t *root = json_object(), *counts = json_object(), *series = json_array(), *notes = json_array();
    put(&writer, root, "schema", json_string("tare-history-check"));
    put(&writer, root, "schema_version", json_integer(SCHEMA_VERSION));
    put(&writer, root, "tare_version", json_string(TARE_VERSION));
    put(&writer, root, "project", text(view->project));
    put(&writer, root, "branch", text(view->branch));
    put(&writer, root, "verdict", json_string(report->fails ? "fail" : "pass"));
    put(&writer, root, "suspected", json_boolean(report->suspected));
    put(&writer, root, "rule", rule_value(&writer, view));
    for (int i = 0; i < TARE_SERIES_STATUSES; i++) {
        put(&writer, counts, tare_series_status_names[i], count_value(report->by_status[i]));
    }
    put(&writer, root, "counts", counts);
    put(&writer, root, "judged", count_value(report->judged));
    put(&writer, root, "missing", count_value(report->missing));
    put(&writer, root, "rerun", text(view->rerun));
    for (size_t i = 0; i < report->count; i++) {
        append(&writer, series, series_value(&writer, &report->series[i]));
    }
    put(&writer, root, "series", series);
    for (const char *const *note = view->notes; note != NULL && *note != NULL; note++) {
        append(&writer, notes, text(*note));
    }
    put(&writer, root, "notes", notes);
    int error = writer.failed || root == NULL ? -ENOMEM : 0;
    if (error == 0 && (json_dumpf(root, out, JSON_INDENT(INDENT) | JSON_REAL_PRECISION(DIGITS)) != 0 ||
                       putc('\n', out) == EOF)) {
        error = -EIO;
    }
    json_decref(root);
    return error != 0 ? error : tare__view_finish(out);
}
