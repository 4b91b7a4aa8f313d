/* SPDX-License-Identifier: MIT */
/* What `tare check` found, as JSON. tare-check(1) lists the members. */
#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/check.h"
#include "cli/cli.h"

enum { INDENT = 2, DIGITS = 12 };

/* Takes over `value`; a NULL among them shows in *failed. */
static void put(json_t *object, const char *name, json_t *value, bool *failed)
{
    *failed |= json_object_set_new(object, name, value) != 0;
}

static json_t *number(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

/* A name of a file may be anything, and so may what a budget's author writes; JSON is UTF-8. */
static json_t *text(const char *string)
{
    if (string == NULL) {
        return json_null();
    }
    json_t *value = json_string(string);
    if (value == NULL) {
        char *shown = printable(string);
        value = shown != NULL ? json_string(shown) : NULL;
        free(shown);
    }
    return value;
}

/* value, low and high in the metric's unit, with no interval where it is exact. */
static void put_value(json_t *object, enum tare_metric_unit unit, double value, double low, double high,
                      bool exact, bool unsampled, bool *failed)
{
    put(object, "unit", json_string(tare_metric_unit_names[unit]), failed);
    put(object, "value", number(value), failed);
    put(object, "low", number(low), failed);
    put(object, "high", number(high), failed);
    put(object, "exact", json_boolean(exact), failed);
    put(object, "unsampled", json_boolean(unsampled && !isnan(low)), failed);
}

static json_t *metric_value(const struct tare_metric *metric, bool *failed)
{
    json_t *object = json_object();
    put(object, "metric", text(metric->name), failed);
    put_value(object, metric->unit, metric->value, metric->low, metric->high, metric->exact, metric->unsampled,
              failed);
    return object;
}

static json_t *limit_value(const struct tare_budget_limit *limit)
{
    return limit->text != NULL ? number(limit->value) : json_null();
}

static json_t *judged_value(const struct tare_judged *judged, bool *failed)
{
    static const char *const directions[] = {
        [TARE_BUDGET_NO_LIMIT] = NULL,
        [TARE_BUDGET_AT_MOST] = "at-most",
        [TARE_BUDGET_AT_LEAST] = "at-least",
    };
    const struct tare_budget_entry *entry = judged->entry;
    bool relative = entry->to_baseline || entry->relative_to != NULL;
    json_t *object = json_object();
    put(object, "metric", text(entry->metric), failed);
    put(object, "line", json_integer((json_int_t)entry->line), failed);
    put(object, "judgement", json_string(tare_judgement_names[judged->judgement]), failed);
    put(object, "why", text(judged->why), failed);
    put_value(object, judged->unit, judged->value, judged->low, judged->high, judged->exact, judged->unsampled,
              failed);
    put(object, "within_error", judged->unsure < 0 ? json_null() : json_boolean(judged->unsure), failed);
    put(object, "direction", text(directions[entry->direction]), failed);
    put(object, "target", limit_value(&entry->target), failed);
    put(object, "critical", limit_value(&entry->critical), failed);
    put(object, "left_share", number(judged->left), failed);
    put(object, "informational", json_boolean(entry->informational), failed);
    put(object, "relative_to",
        relative ? text(entry->to_baseline ? "baseline" : entry->relative_to) : json_null(), failed);
    put(object, "measured", relative ? metric_value(judged->metric, failed) : json_null(), failed);
    put(object, "base", judged->base != NULL ? metric_value(judged->base, failed) : json_null(), failed);
    return object;
}

static int write_document(json_t *root, bool failed, FILE *out)
{
    int error = failed || root == NULL ? -ENOMEM : 0;
    if (error == 0 && json_dumpf(root, out, JSON_INDENT(INDENT) | JSON_REAL_PRECISION(DIGITS)) != 0) {
        error = ferror(out) ? -EIO : -ENOMEM;
    }
    putc('\n', out);
    json_decref(root);
    return error != 0 ? error : fflush(out) != 0 || ferror(out) ? -EIO : 0;
}

int check_write_json(const struct check_report *report, FILE *out)
{
    bool failed = false;
    size_t counts[TARE_JUDGEMENTS];
    json_t *root = json_object(), *count_object = json_object(), *metrics = json_array(), *notes = json_array();
    put(root, "schema", json_string("tare-check"), &failed);
    put(root, "schema_version", json_integer(1), &failed);
    put(root, "result", text(report->result), &failed);
    put(root, "started", text(report->started), &failed);
    put(root, "budget", text(report->budget), &failed);
    put(root, "baseline", text(report->baseline), &failed);
    put(root, "verdict", json_string(report->verdict), &failed);
    put(root, "confidence", number(report->view.confidence), &failed);
    tare_view_budget_counts(&report->view, counts);
    for (int i = 0; i < TARE_JUDGEMENTS; i++) {
        put(count_object, tare_judgement_names[i], json_integer((json_int_t)counts[i]), &failed);
    }
    put(root, "counts", count_object, &failed);
    for (size_t i = 0; i < report->view.count; i++) {
        failed |= json_array_append_new(metrics, judged_value(&report->view.judged[i], &failed)) != 0;
    }
    put(root, "metrics", metrics, &failed);
    for (const char *const *note = report->view.notes; note != NULL && *note != NULL; note++) {
        failed |= json_array_append_new(notes, text(*note)) != 0;
    }
    put(root, "notes", notes, &failed);
    return write_document(root, failed, out);
}

int check_write_metrics_json(const struct tare_metrics *metrics, const char *result, FILE *out)
{
    bool failed = false;
    json_t *root = json_object(), *array = json_array();
    put(root, "schema", json_string("tare-metrics"), &failed);
    put(root, "schema_version", json_integer(1), &failed);
    put(root, "result", text(result), &failed);
    for (size_t i = 0; i < metrics->count; i++) {
        failed |= json_array_append_new(array, metric_value(&metrics->metrics[i], &failed)) != 0;
    }
    put(root, "metrics", array, &failed);
    return write_document(root, failed, out);
}
