/* SPDX-License-Identifier: MIT */
/*
 * A history as it is: series, points, runs, baselines. A table is laid out by what is in it; on a terminal that
 * is too narrow for it columns are left out that matter least, then names are cut in the middle. Below it stands
 * what the rows do not say: what they leave out, which benchmarks have their points in several series, and why.
 */
#include "view/history_show.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "view/history_rows.h"

static const char *or_empty(const char *text)
{
    return text != NULL ? text : "";
}

/* JSON: the head, and a line for each series, run or baseline. */

static json_t *json_or_null(const char *text)
{
    json_t *value = text != NULL ? json_string(text) : json_null();
    if (value == NULL) { /* bytes that are no UTF-8 */
        char *safe = tare__view_safe(text, false);
        value = safe != NULL ? json_string(safe) : NULL;
        free(safe);
    }
    return value;
}

static json_t *json_number(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

static json_t *json_count(int64_t value)
{
    return value != TARE_HISTORY_UNKNOWN ? json_integer(value) : json_null();
}

static json_t *json_answer(int value)
{
    return value < 0 ? json_null() : json_boolean(value != 0);
}

static json_t *json_time(int64_t ms)
{
    char text[TARE__HISTORY_TIME];
    return ms != TARE_HISTORY_UNKNOWN ? json_string(tare__history_time(text, ms, true)) : json_null();
}

static json_t *json_id(int64_t id)
{
    char text[20];
    snprintf(text, sizeof(text), "%016" PRIx64, (uint64_t)id);
    return json_string(text);
}

/* The names become the object's; without memory, NULL. */
static json_t *json_commit(const struct tare_history *history, const char *id)
{
    const struct tare_history_commit *commit = id != NULL ? tare_history_find_commit(history, id) : NULL;
    if (id == NULL) {
        return json_null();
    }
    return json_pack("{so so so so so}", "id", json_or_null(id), "time",
                     commit != NULL && commit->time_s != TARE_HISTORY_UNKNOWN ? json_time(commit->time_s * 1000)
                                                                              : json_null(),
                     "ordinal", commit != NULL ? json_count(commit->ordinal) : json_null(), "subject",
                     json_or_null(commit != NULL ? commit->subject : NULL), "link",
                     json_or_null(commit != NULL ? commit->link : NULL));
}

static json_t *json_values(const struct tare_history_point *point)
{
    json_t *array = point->values != NULL ? json_array() : json_null();
    for (size_t i = 0; array != NULL && point->values != NULL && i < point->value_count; i++) {
        if (json_array_append_new(array, json_number(point->values[i])) != 0) {
            json_decref(array);
            return NULL;
        }
    }
    return array;
}

static json_t *json_point(const struct tare_history *history, const struct tare_history_point *point,
                          bool values)
{
    const struct tare_history_run *run = tare_history_find_run(history, point->run);
    json_t *object = json_pack(
        "{so so so so so so so so so so so so so so so}", "run", json_id(point->run), "started",
        json_time(run != NULL ? run->started_ms : TARE_HISTORY_UNKNOWN), "commit",
        json_commit(history, run != NULL ? run->commit : NULL), "branch",
        json_or_null(run != NULL ? run->branch : NULL), "dirty", json_answer(run != NULL ? run->dirty : -1),
        "value", json_number(point->value), "low", json_number(point->low), "high", json_number(point->high),
        "n", json_count(point->n), "control_ratio", json_number(point->control_ratio), "control_low",
        json_number(point->control_low), "control_high", json_number(point->control_high), "rounds",
        json_count(point->rounds), "rounds_dropped", json_count(point->rounds_dropped), "stolen",
        json_number(point->stolen));
    if (values && object != NULL && json_object_set_new(object, "values", json_values(point)) != 0) {
        json_decref(object);
        return NULL;
    }
    return object;
}

static json_t *json_series(const struct tare_history *history, const struct tare_history_line *line,
                           bool values)
{
    static const char *const better[] = {
        [TARE_BETTER_UNKNOWN] = NULL, [TARE_BETTER_LOWER] = "lower", [TARE_BETTER_HIGHER] = "higher"};
    const struct tare_history_series *series = &line->series;
    char *title = tare_history_title(series);
    json_t *points = json_array(), *object = NULL;
    for (size_t i = 0; points != NULL && i < line->count; i++) {
        if (json_array_append_new(points, json_point(history, &line->points[i], values)) != 0) {
            json_decref(points);
            points = NULL;
        }
    }
    if (points != NULL && title != NULL) {
        object = json_pack("{so so so so so so so so so so so so so}", "id", json_id(series->id), "title",
                           json_or_null(title), "project", json_or_null(series->project), "suite",
                           json_or_null(series->suite), "name", json_or_null(series->name), "arguments",
                           json_or_null(series->arguments), "metric", json_or_null(series->metric), "unit",
                           json_or_null(series->unit), "fingerprint", json_or_null(series->fingerprint),
                           "harness", json_or_null(series->harness), "settings", json_or_null(series->settings),
                           "better", json_or_null(better[series->better]), "points", points);
    } else {
        json_decref(points);
    }
    free(title);
    return object;
}

static json_t *json_run(const struct tare_history *history, const struct tare_history_run *run)
{
    json_t *environment =
        run->environment != NULL ? json_loads(run->environment, JSON_DECODE_ANY, NULL) : json_null();
    return json_pack("{so so so so so so so so so so so so}", "id", json_id(run->id), "digest",
                     json_or_null(run->digest), "project", json_or_null(run->project), "kind",
                     json_or_null(run->kind), "started", json_time(run->started_ms), "commit",
                     json_commit(history, run->commit), "branch", json_or_null(run->branch), "dirty",
                     json_answer(run->dirty), "link", json_or_null(run->link), "tool", json_or_null(run->tool),
                     "environment", environment != NULL ? environment : json_null(), "raw_size",
                     json_integer(run->raw_size));
}

static json_t *json_baseline(const struct tare_history *history, const struct tare_history_baseline *baseline)
{
    return json_pack("{so so so so so so}", "name", json_or_null(baseline->name), "project",
                     json_or_null(baseline->project), "commit", json_commit(history, baseline->commit), "set",
                     json_time(baseline->set_ms), "reason", json_or_null(baseline->reason), "selection",
                     json_or_null(baseline->selection));
}

/* An element of the array, which it takes over. */
static int put_json(FILE *out, json_t *object, bool first)
{
    if (object == NULL) {
        return -ENOMEM;
    }
    fputs(first ? "\n" : ",\n", out);
    int failure = json_dumpf(object, out, JSON_COMPACT);
    json_decref(object);
    return failure != 0 ? -EIO : 0;
}

static int write_json(const struct tare_history *history, const struct tare_history_view *view, FILE *out)
{
    static const char *const names[] = {"series", "series", "runs", "baselines"};
    json_t *head = json_pack("{ss si so}", "schema", "tare-history", "schema_version", 1, "project",
                             json_or_null(view->project));
    if (head != NULL && view->what <= TARE_HISTORY_VIEW_POINTS &&
        json_object_set_new(head, "branch", json_or_null(view->branch)) != 0) {
        json_decref(head);
        head = NULL;
    }
    char *text = head != NULL ? json_dumps(head, JSON_COMPACT) : NULL;
    json_decref(head);
    if (text == NULL) {
        return -ENOMEM;
    }
    int failure = 0;
    text[strlen(text) - 1] = '\0'; /* goes on */
    fprintf(out, "%s,\"%s\":[", text, names[view->what]);
    free(text);
    switch (view->what) {
    case TARE_HISTORY_VIEW_RUNS: {
        const struct tare_history_run **runs = tare__history_runs(history);
        failure = runs == NULL ? -ENOMEM : 0;
        for (size_t i = 0; failure == 0 && i < history->run_count; i++) {
            failure = put_json(out, json_run(history, runs[i]), i == 0);
        }
        free(runs);
        break;
    }
    case TARE_HISTORY_VIEW_BASELINES:
        for (size_t i = 0; failure == 0 && i < history->baseline_count; i++) {
            failure = put_json(out, json_baseline(history, &history->baselines[i]), i == 0);
        }
        break;
    default:
        for (size_t i = 0; failure == 0 && i < history->line_count; i++) {
            failure = put_json(out, json_series(history, &history->lines[i], view->values), i == 0);
        }
        break;
    }
    fputs("\n]}\n", out);
    return failure;
}

/* CSV */

struct csv {
    FILE *out;
    bool first; /* in its line */
};

static void put(struct csv *csv, const char *text)
{
    if (!csv->first) {
        putc(',', csv->out);
    }
    csv->first = false;
    tare__escape_csv(csv->out, text);
}

static void put_number(struct csv *csv, double value)
{
    char text[TARE__VIEW_NUMBER];
    put(csv, isfinite(value) ? tare__view_number(text, value) : "");
}

static void put_count(struct csv *csv, int64_t value)
{
    char text[24] = "";
    if (value != TARE_HISTORY_UNKNOWN) {
        snprintf(text, sizeof(text), "%" PRId64, value);
    }
    put(csv, text);
}

static void put_time(struct csv *csv, int64_t ms)
{
    char text[TARE__HISTORY_TIME];
    put(csv, ms != TARE_HISTORY_UNKNOWN ? tare__history_time(text, ms, true) : "");
}

static void put_answer(struct csv *csv, int value)
{
    put(csv, value < 0 ? "" : value > 0 ? "yes" : "no");
}

static void end_line(struct csv *csv)
{
    putc('\n', csv->out);
    csv->first = true;
}

static void put_series(struct csv *csv, const struct tare_history_series *series)
{
    put(csv, series->project);
    put(csv, series->suite);
    put(csv, series->name);
    put(csv, series->arguments);
    put(csv, series->metric);
    put(csv, series->unit);
    put(csv, series->fingerprint);
    put(csv, series->harness);
    put(csv, series->settings);
}

static void put_run(struct csv *csv, const struct tare_history *history, const struct tare_history_run *run)
{
    const struct tare_history_commit *commit =
        run != NULL && run->commit != NULL ? tare_history_find_commit(history, run->commit) : NULL;
    put_time(csv, run != NULL ? run->started_ms : TARE_HISTORY_UNKNOWN);
    put(csv, run != NULL ? or_empty(run->commit) : "");
    put_time(csv, commit != NULL && commit->time_s != TARE_HISTORY_UNKNOWN ? commit->time_s * 1000
                                                                           : TARE_HISTORY_UNKNOWN);
    put(csv, run != NULL ? or_empty(run->branch) : "");
    put_answer(csv, run != NULL ? run->dirty : -1);
    put(csv, run != NULL ? or_empty(run->link) : "");
    put(csv, run != NULL ? or_empty(run->tool) : "");
}

#define SERIES_FIELDS "project,suite,name,arguments,metric,unit,fingerprint,harness,settings"
#define RUN_FIELDS "started,commit,commit_time,branch,dirty,link,tool"

static void write_csv_points(const struct tare_history *history, struct csv *csv)
{
    fputs(SERIES_FIELDS
          ",run," RUN_FIELDS
          ",value,low,high,n,control_ratio,control_low,control_high,rounds,rounds_dropped,stolen\n",
          csv->out);
    for (size_t i = 0; i < history->line_count; i++) {
        const struct tare_history_line *line = &history->lines[i];
        for (size_t k = 0; k < line->count; k++) {
            const struct tare_history_point *point = &line->points[k];
            char id[20];
            snprintf(id, sizeof(id), "%016" PRIx64, (uint64_t)point->run);
            put_series(csv, &line->series);
            put(csv, id);
            put_run(csv, history, tare_history_find_run(history, point->run));
            put_number(csv, point->value);
            put_number(csv, point->low);
            put_number(csv, point->high);
            put_count(csv, point->n);
            put_number(csv, point->control_ratio);
            put_number(csv, point->control_low);
            put_number(csv, point->control_high);
            put_count(csv, point->rounds);
            put_count(csv, point->rounds_dropped);
            put_number(csv, point->stolen);
            end_line(csv);
        }
    }
}

static int write_csv_series(const struct tare_history *history, struct csv *csv)
{
    fputs(SERIES_FIELDS ",points,last,median,spread,commit\n", csv->out);
    for (size_t i = 0; i < history->line_count; i++) {
        const struct tare_history_line *line = &history->lines[i];
        struct tare__history_levels levels;
        if (tare__history_levels(line, &levels) != 0) {
            return -ENOMEM;
        }
        const struct tare_history_run *run =
            line->count > 0 ? tare_history_find_run(history, line->points[line->count - 1].run) : NULL;
        put_series(csv, &line->series);
        put_count(csv, (int64_t)line->count);
        put_number(csv, levels.last);
        put_number(csv, levels.median);
        put_number(csv, levels.spread);
        put(csv, run != NULL ? or_empty(run->commit) : "");
        end_line(csv);
    }
    return 0;
}

static int write_csv_runs(const struct tare_history *history, struct csv *csv)
{
    const struct tare_history_run **runs = tare__history_runs(history);
    if (runs == NULL) {
        return -ENOMEM;
    }
    fputs("id,digest,project,kind," RUN_FIELDS ",raw_size\n", csv->out);
    for (size_t i = 0; i < history->run_count; i++) {
        char id[20];
        snprintf(id, sizeof(id), "%016" PRIx64, (uint64_t)runs[i]->id);
        put(csv, id);
        put(csv, runs[i]->digest);
        put(csv, runs[i]->project);
        put(csv, or_empty(runs[i]->kind));
        put_run(csv, history, runs[i]);
        put_count(csv, runs[i]->raw_size);
        end_line(csv);
    }
    free(runs);
    return 0;
}

static void write_csv_baselines(const struct tare_history *history, struct csv *csv)
{
    fputs("project,name,commit,set,selection,reason\n", csv->out);
    for (size_t i = 0; i < history->baseline_count; i++) {
        const struct tare_history_baseline *baseline = &history->baselines[i];
        put(csv, or_empty(baseline->project));
        put(csv, baseline->name);
        put(csv, or_empty(baseline->commit));
        put_time(csv, baseline->set_ms);
        put(csv, or_empty(baseline->selection));
        put(csv, or_empty(baseline->reason));
        end_line(csv);
    }
}

static int write_csv(const struct tare_history *history, const struct tare_history_view *view, FILE *out)
{
    struct csv csv = {.out = out, .first = true};
    switch (view->what) {
    case TARE_HISTORY_VIEW_POINTS:
        write_csv_points(history, &csv);
        return 0;
    case TARE_HISTORY_VIEW_RUNS:
        return write_csv_runs(history, &csv);
    case TARE_HISTORY_VIEW_BASELINES:
        write_csv_baselines(history, &csv);
        return 0;
    case TARE_HISTORY_VIEW_SERIES:
    default:
        return write_csv_series(history, &csv);
    }
}

int tare_view_history(const struct tare_history *history, const struct tare_history_view *view,
                      enum tare_format format, FILE *out)
{
    int failure = format == TARE_FORMAT_JSON  ? write_json(history, view, out)
                  : format == TARE_FORMAT_CSV ? write_csv(history, view, out)
                                              : tare__history_table(history, view, format, out);
    int ended = tare__view_finish(out);
    return failure != 0 ? failure : ended;
}
