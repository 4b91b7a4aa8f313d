/* SPDX-License-Identifier: MIT */
/* History in memory: what it owns, the ids of what it holds, and the order of points. */
#include "history/model.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "result/grow.h"

void tare_history_commit_release(struct tare_history_commit *commit)
{
    free(commit->id);
    free(commit->parents);
    free(commit->subject);
    free(commit->link);
    *commit = (struct tare_history_commit){.time_s = TARE_HISTORY_UNKNOWN, .ordinal = TARE_HISTORY_UNKNOWN};
}

void tare_history_series_release(struct tare_history_series *series)
{
    free(series->project);
    free(series->suite);
    free(series->name);
    free(series->arguments);
    free(series->metric);
    free(series->unit);
    free(series->fingerprint);
    free(series->harness);
    free(series->settings);
    *series = (struct tare_history_series){0};
}

void tare_history_run_release(struct tare_history_run *run)
{
    free(run->project);
    free(run->kind);
    free(run->commit);
    free(run->branch);
    free(run->link);
    free(run->tool);
    free(run->environment);
    *run = (struct tare_history_run){.started_ms = TARE_HISTORY_UNKNOWN, .dirty = -1};
}

struct tare_history_point tare_history_point_unknown(void)
{
    return (struct tare_history_point){
        .value = NAN,
        .low = NAN,
        .high = NAN,
        .n = TARE_HISTORY_UNKNOWN,
        .control_ratio = NAN,
        .control_low = NAN,
        .control_high = NAN,
        .rounds = TARE_HISTORY_UNKNOWN,
        .rounds_dropped = TARE_HISTORY_UNKNOWN,
        .stolen = NAN,
    };
}

void tare_history_point_release(struct tare_history_point *point)
{
    free(point->values);
    *point = tare_history_point_unknown();
}

void tare_history_line_release(struct tare_history_line *line)
{
    tare_history_series_release(&line->series);
    for (size_t i = 0; i < line->count; i++) {
        tare_history_point_release(&line->points[i]);
    }
    free(line->points);
    line->points = NULL;
    line->count = 0;
}

void tare_history_baseline_release(struct tare_history_baseline *baseline)
{
    free(baseline->project);
    free(baseline->name);
    free(baseline->commit);
    free(baseline->reason);
    free(baseline->selection);
    *baseline = (struct tare_history_baseline){.set_ms = TARE_HISTORY_UNKNOWN};
}

void tare_history_record_init(struct tare_history_record *record)
{
    *record = (struct tare_history_record){
        .run = {.started_ms = TARE_HISTORY_UNKNOWN, .dirty = -1},
        .commit = {.time_s = TARE_HISTORY_UNKNOWN, .ordinal = TARE_HISTORY_UNKNOWN},
    };
}

void tare_history_record_release(struct tare_history_record *record)
{
    tare_history_run_release(&record->run);
    tare_history_commit_release(&record->commit);
    for (size_t i = 0; i < record->line_count; i++) {
        tare_history_line_release(&record->lines[i]);
    }
    free(record->lines);
    free(record->raw);
    tare_history_record_init(record);
}

void tare_history_release(struct tare_history *history)
{
    for (size_t i = 0; i < history->line_count; i++) {
        tare_history_line_release(&history->lines[i]);
    }
    for (size_t i = 0; i < history->run_count; i++) {
        tare_history_run_release(&history->runs[i]);
    }
    for (size_t i = 0; i < history->commit_count; i++) {
        tare_history_commit_release(&history->commits[i]);
    }
    for (size_t i = 0; i < history->baseline_count; i++) {
        tare_history_baseline_release(&history->baselines[i]);
    }
    free(history->lines);
    free(history->runs);
    free(history->commits);
    free(history->baselines);
    *history = (struct tare_history){0};
}

struct tare_history_line *tare_history_record_add(struct tare_history_record *record)
{
    struct tare_history_line *grown = tare__result_grow(record->lines, record->line_count, sizeof *grown);
    if (grown == NULL) {
        return NULL;
    }
    record->lines = grown;
    struct tare_history_line *line = &grown[record->line_count];
    *line = (struct tare_history_line){.points = malloc(sizeof *line->points), .count = 1};
    if (line->points == NULL) {
        return NULL;
    }
    line->points[0] = tare_history_point_unknown();
    record->line_count++;
    return line;
}

/* Ids */

/* Each text with its length before it: no two lists of texts are the same bytes. NULL is the empty text. */
static void add_text(struct tare_sha256 *hash, const char *text)
{
    uint64_t length = text != NULL ? strlen(text) : 0;
    uint8_t bytes[8];
    for (size_t i = 0; i < sizeof bytes; i++) {
        bytes[i] = (uint8_t)(length >> 8 * i);
    }
    tare_sha256_add(hash, bytes, sizeof bytes);
    tare_sha256_add(hash, text != NULL ? text : "", length);
}

/*
 * The first 8 bytes, highest first, without their top bit: what a signed column of every database holds. Of a
 * million series, two get the same id with a probability of 5e-8.
 */
static int64_t id_of(const char *const *texts, size_t count)
{
    struct tare_sha256 hash;
    uint8_t digest[TARE_SHA256_BYTES];
    tare_sha256_init(&hash);
    for (size_t i = 0; i < count; i++) {
        add_text(&hash, texts[i]);
    }
    tare_sha256_finish(&hash, digest);
    uint64_t id = 0;
    for (size_t i = 0; i < 8; i++) {
        id = id << 8 | digest[i];
    }
    return (int64_t)(id & INT64_MAX);
}

int64_t tare_history_series_id(const struct tare_history_series *series)
{
    const char *const texts[] = {
        "tare-series-1", series->project, series->suite,       series->name,    series->arguments,
        series->metric,  series->unit,    series->fingerprint, series->harness, series->settings,
    };
    return id_of(texts, sizeof texts / sizeof texts[0]);
}

int64_t tare_history_run_id(const char *project, const char *digest)
{
    const char *const texts[] = {"tare-run-1", project, digest};
    return id_of(texts, sizeof texts / sizeof texts[0]);
}

int64_t tare_history_import_id(const char *project, const char *digest, const char *commit)
{
    const char *const texts[] = {"tare-import-1", project, digest, commit};
    return id_of(texts, sizeof texts / sizeof texts[0]);
}

bool tare_history_run_has_id(const struct tare_history_run *run)
{
    return run->id == tare_history_run_id(run->project, run->digest) ||
           (run->commit != NULL && run->id == tare_history_import_id(run->project, run->digest, run->commit));
}

int64_t tare_history_project_id(const char *project)
{
    const char *const texts[] = {"tare-project-1", project};
    return id_of(texts, sizeof texts / sizeof texts[0]);
}

/* What is still NULL and must not be becomes "". */
static int fill_in(char **text, const char *with)
{
    if (*text == NULL) {
        *text = strdup(with);
    }
    return *text != NULL ? 0 : -ENOMEM;
}

static int by_series_id(const void *a, const void *b)
{
    const struct tare_history_line *const *first = a;
    const struct tare_history_line *const *second = b;
    if ((*first)->series.id != (*second)->series.id) {
        return (*first)->series.id < (*second)->series.id ? -1 : 1;
    }
    return *first < *second ? -1 : *first > *second; /* as they came */
}

/* Two things of a result may go by one name: the first one is kept, as a series has one point of a run. */
static int drop_doubles(struct tare_history_record *record)
{
    size_t count = record->line_count;
    struct tare_history_line **sorted = calloc(count + 1, sizeof *sorted);
    bool *drop = calloc(count + 1, sizeof *drop);
    if (sorted == NULL || drop == NULL) {
        free(sorted);
        free(drop);
        return -ENOMEM;
    }
    for (size_t i = 0; i < count; i++) {
        sorted[i] = &record->lines[i];
    }
    qsort(sorted, count, sizeof(struct tare_history_line *), by_series_id);
    for (size_t i = 1; i < count; i++) {
        drop[sorted[i] - record->lines] = sorted[i]->series.id == sorted[i - 1]->series.id;
    }
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        if (drop[i]) {
            tare_history_line_release(&record->lines[i]);
        } else {
            record->lines[kept++] = record->lines[i];
        }
    }
    /* The array's room follows from the count (result/grow.h): what was given up stays as room. */
    record->line_count = kept;
    free(sorted);
    free(drop);
    return 0;
}

int tare_history_record_finish(struct tare_history_record *record)
{
    struct tare_history_run *run = &record->run;
    int result = fill_in(&run->project, "default");
    if (result != 0 || (result = fill_in(&run->kind, "import")) != 0 ||
        (result = fill_in(&run->tool, "")) != 0 || (result = fill_in(&run->environment, "{}")) != 0) {
        return result;
    }
    struct tare_sha256 hash;
    tare_sha256_init(&hash);
    tare_sha256_add(&hash, record->raw, record->raw_size);
    tare_sha256_finish_hex(&hash, run->digest);
    run->raw_size = (int64_t)record->raw_size;
    bool import = strcmp(run->kind, "import") == 0 && run->commit != NULL;
    run->id = import ? tare_history_import_id(run->project, run->digest, run->commit)
                     : tare_history_run_id(run->project, run->digest);
    for (size_t i = 0; i < record->line_count; i++) {
        struct tare_history_series *series = &record->lines[i].series;
        char **texts[] = {&series->suite, &series->name,        &series->arguments, &series->metric,
                          &series->unit,  &series->fingerprint, &series->harness,   &series->settings};
        result = fill_in(&series->project, run->project);
        for (size_t k = 0; k < sizeof texts / sizeof texts[0] && result == 0; k++) {
            result = fill_in(texts[k], "");
        }
        if (result != 0) {
            return result;
        }
        series->id = tare_history_series_id(series);
        for (size_t k = 0; k < record->lines[i].count; k++) {
            record->lines[i].points[k].run = run->id;
        }
    }
    return drop_doubles(record);
}

/* Finding */

static int run_by_id(const void *key, const void *element)
{
    int64_t id = *(const int64_t *)key;
    const struct tare_history_run *run = element;
    return id < run->id ? -1 : id > run->id;
}

const struct tare_history_run *tare_history_find_run(const struct tare_history *history, int64_t id)
{
    if (history->run_count == 0) {
        return NULL;
    }
    return bsearch(&id, history->runs, history->run_count, sizeof *history->runs, run_by_id);
}

static int commit_by_id(const void *key, const void *element)
{
    return strcmp(key, ((const struct tare_history_commit *)element)->id);
}

const struct tare_history_commit *tare_history_find_commit(const struct tare_history *history, const char *id)
{
    if (history->commit_count == 0 || id == NULL) {
        return NULL;
    }
    return bsearch(id, history->commits, history->commit_count, sizeof *history->commits, commit_by_id);
}

/* Order */

/* What decides on the place of a run's points: looked up once for each run, as there are many points of each. */
struct place {
    int64_t ordinal, time_s, started_ms;
};

struct placed {
    int64_t key, started_ms, run;
    size_t was;
};

static int by_place(const void *a, const void *b)
{
    const struct placed *first = a;
    const struct placed *second = b;
    if (first->key != second->key) {
        return first->key < second->key ? -1 : 1;
    }
    if (first->started_ms != second->started_ms) {
        return first->started_ms < second->started_ms ? -1 : 1;
    }
    if (first->run != second->run) {
        return first->run < second->run ? -1 : 1;
    }
    return first->was < second->was ? -1 : first->was > second->was; /* of one run several: as they came */
}

static const struct place *place_of(const struct tare_history *history, const struct place *places, int64_t run)
{
    static const struct place nowhere = {TARE_HISTORY_UNKNOWN, TARE_HISTORY_UNKNOWN, TARE_HISTORY_UNKNOWN};
    const struct tare_history_run *found = tare_history_find_run(history, run);
    return found != NULL ? &places[found - history->runs] : &nowhere;
}

/* `order` and `moved` have room for all points of the line. */
static void sort_line(const struct tare_history *history, const struct place *places,
                      struct tare_history_line *line, struct placed *order, struct tare_history_point *moved)
{
    bool all_ordinals = true;
    bool all_times = true;
    bool sorted = true;
    for (size_t i = 0; i < line->count; i++) {
        const struct place *place = place_of(history, places, line->points[i].run);
        all_ordinals = all_ordinals && place->ordinal != TARE_HISTORY_UNKNOWN;
        all_times = all_times && place->time_s != TARE_HISTORY_UNKNOWN;
    }
    for (size_t i = 0; i < line->count; i++) {
        const struct place *place = place_of(history, places, line->points[i].run);
        int64_t key = all_ordinals ? place->ordinal : all_times ? place->time_s : place->started_ms;
        order[i] = (struct placed){key, place->started_ms, line->points[i].run, i};
        sorted = sorted && (i == 0 || by_place(&order[i - 1], &order[i]) < 0);
    }
    if (sorted) {
        return;
    }
    qsort(order, line->count, sizeof *order, by_place);
    memcpy(moved, line->points, line->count * sizeof *moved);
    for (size_t i = 0; i < line->count; i++) {
        line->points[i] = moved[order[i].was];
    }
}

int tare_history_sort(struct tare_history *history)
{
    size_t longest = 0;
    for (size_t i = 0; i < history->line_count; i++) {
        longest = history->lines[i].count > longest ? history->lines[i].count : longest;
    }
    struct place *places = calloc(history->run_count + 1, sizeof *places);
    struct placed *order = calloc(longest + 1, sizeof *order);
    struct tare_history_point *moved = calloc(longest + 1, sizeof *moved);
    int result = places != NULL && order != NULL && moved != NULL ? 0 : -ENOMEM;
    for (size_t i = 0; i < history->run_count && result == 0; i++) {
        const struct tare_history_run *run = &history->runs[i];
        const struct tare_history_commit *commit = tare_history_find_commit(history, run->commit);
        places[i] = (struct place){
            .ordinal = commit != NULL ? commit->ordinal : TARE_HISTORY_UNKNOWN,
            .time_s = commit != NULL ? commit->time_s : TARE_HISTORY_UNKNOWN,
            .started_ms = run->started_ms,
        };
    }
    for (size_t i = 0; i < history->line_count && result == 0; i++) {
        sort_line(history, places, &history->lines[i], order, moved);
    }
    free(places);
    free(order);
    free(moved);
    return result;
}

static const char *text_or_empty(const char *text)
{
    return text != NULL ? text : "";
}

char *tare_history_title(const struct tare_history_series *series)
{
    const char *suite = text_or_empty(series->suite);
    const char *name = text_or_empty(series->name);
    const char *arguments = text_or_empty(series->arguments);
    const char *metric = text_or_empty(series->metric);
    char *title = NULL;
    bool subject = suite[0] != '\0' || name[0] != '\0' || arguments[0] != '\0';
    int length =
        asprintf(&title, "%s%s%s%s%s%s%s", suite, suite[0] != '\0' && name[0] != '\0' ? "::" : "", name,
                 arguments[0] != '\0' ? "/" : "", arguments, subject && metric[0] != '\0' ? " " : "", metric);
    return length >= 0 ? title : NULL;
}
