/* SPDX-License-Identifier: MIT */
/*
 * Adding. All rows have keys from their content, and are inserted where they are not: whoever is first
 * writes, the others find it written. What is found under an id is compared with what was to be written, as
 * ids are hashes. Everything is in the order of ids, so that two who add the same wait for each other and not
 * in a circle.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <zlib.h>

#include "history/store_parts.h"
#include "stats/values.h"

/* Of zlib: 3 takes 9 ms for 2.4 MB of JSON and leaves 12 %, where 6 takes 23 ms and leaves 11 %. */
enum { RAW_LEVEL = 3 };

/* Statements have few lengths, so that few are prepared. */
enum {
    ASKED_MOST = 128,
    ASKED_FEWER = 16,
    INSERTED_MOST = 32,
    INSERTED_FEWER = 8,
    SERIES_COLUMNS = 11,
    STATEMENT_MAX = 6000
};

struct adding {
    struct tare_store *store;
    const struct tare_history_record *records;
    size_t count;
    size_t added;
    struct tare_store_counts counts;
    int64_t project; /* that was looked at last */
    const char *project_name;
    const char *environment;                  /* the same */
    const struct tare_history_run *origin_of; /* whose origin was looked at last; NULL: none */
    int64_t origin;
    struct tare__ids known; /* series that are there: places in `series` */
    const struct tare_history_series **series;
    size_t series_count, series_room;
};

static int64_t id_of(struct tare_sha256 *hash)
{
    uint8_t digest[TARE_SHA256_BYTES];
    tare_sha256_finish(hash, digest);
    uint64_t id = 0;
    for (int i = 0; i < 8; i++) {
        id = id << 8 | digest[i];
    }
    return (int64_t)(id & INT64_MAX);
}

int64_t tare__environment_id(const char *text)
{
    struct tare_sha256 hash;
    static const char kind[] = "tare-environment-1";
    tare_sha256_init(&hash);
    tare_sha256_add(&hash, kind, sizeof kind);
    tare_sha256_add(&hash, text, strlen(text));
    return id_of(&hash);
}

int64_t tare__commit_key(const char *id)
{
    struct tare_sha256 hash;
    static const char kind[] = "tare-commit-1";
    tare_sha256_init(&hash);
    tare_sha256_add(&hash, kind, sizeof kind);
    tare_sha256_add(&hash, id, strlen(id));
    return id_of(&hash);
}

int64_t tare__origin_id(const char *kind, const char *branch, const char *tool, int64_t environment)
{
    struct tare_sha256 hash;
    static const char origin[] = "tare-origin-1";
    const char *const texts[] = {kind, branch, tool};
    tare_sha256_init(&hash);
    tare_sha256_add(&hash, origin, sizeof origin);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        tare_sha256_add(&hash, texts[i] != NULL ? "1" : "0", 1);
        if (texts[i] != NULL) {
            tare_sha256_add(&hash, texts[i], strlen(texts[i]) + 1);
        }
    }
    uint8_t bytes[8]; /* an unknown one is a number, too */
    for (int i = 0; i < 8; i++) {
        bytes[i] = (uint8_t)((uint64_t)environment >> 8 * i);
    }
    tare_sha256_add(&hash, bytes, sizeof bytes);
    return id_of(&hash);
}

static int collision(struct tare_store *store, const char *what, const char *name)
{
    return tare__sql_fail(store->sql, -EEXIST,
                          "the %s '%s' has the id of another one in '%s': nothing was added", what, name,
                          store->sql->name);
}

/*
 * Reads the first column of one row, a text; *there: whether there is one. `text` has room for what is
 * compared.
 */
static int ask_text(struct tare_store *store, const char *statement, const struct tare__sql_value *key,
                    size_t count, const char *expected, bool *there, bool *same)
{
    *there = *same = false;
    int result = tare__sql_query(store->sql, "t", statement, key, count);
    if (result != 0) {
        return result;
    }
    result = tare__sql_next(store->sql);
    if (result == 1) {
        *there = true;
        *same = strcmp(tare__sql_get_text(store->sql, 0), expected) == 0;
        result = 0;
    }
    tare__sql_end(store->sql);
    return result;
}

/* Inserts what is not there, and makes sure that it is the same. Both statements get the same values. */
static int ensure_text(struct tare_store *store, const char *ask, size_t key_count, const char *insert,
                       const struct tare__sql_value *values, size_t value_count, const char *expected,
                       const char *what)
{
    bool there, same;
    int result = ask_text(store, ask, values, key_count, expected, &there, &same);
    if (result == 0 && !there) {
        result = tare__sql_run(store->sql, insert, values, value_count, NULL);
        if (result == 0) { /* others may have been faster */
            result = ask_text(store, ask, values, key_count, expected, &there, &same);
        }
    }
    return result != 0 ? result : !same ? collision(store, what, expected) : 0;
}

/* And keeps it from being pruned until this is committed. */
static int ensure_project(struct adding *adding, const char *name)
{
    if (adding->project_name != NULL && strcmp(adding->project_name, name) == 0) {
        return 0;
    }
    int64_t id = tare_history_project_id(name);
    struct tare__sql_value values[] = {tare__sql_whole(id), tare__sql_text(name)};
    int result = ensure_text(adding->store, "SELECT name FROM tare_projects WHERE project = $1 {SHARED}", 1,
                             "INSERT INTO tare_projects (project, name) VALUES ($1, $2)"
                             " ON CONFLICT (project) DO NOTHING",
                             values, 2, name, "project");
    adding->project = id;
    adding->project_name = result == 0 ? name : NULL;
    tare__ids_release(&adding->known);
    adding->series_count = 0;
    adding->environment = NULL;
    adding->origin_of = NULL;
    return result;
}

static int ensure_environment(struct adding *adding, const char *text, int64_t *id)
{
    *id = TARE_HISTORY_UNKNOWN;
    if (text == NULL) {
        return 0;
    }
    *id = tare__environment_id(text);
    if (adding->environment != NULL && strcmp(adding->environment, text) == 0) {
        return 0;
    }
    struct tare__sql_value values[] = {tare__sql_whole(adding->project), tare__sql_whole(*id),
                                       tare__sql_text(text)};
    int result = ensure_text(adding->store,
                             "SELECT data FROM tare_environments WHERE project = $1 AND environment = $2", 2,
                             "INSERT INTO tare_environments (project, environment, data) VALUES ($1, $2, $3)"
                             " ON CONFLICT (project, environment) DO NOTHING",
                             values, 3, text, "environment");
    adding->environment = result == 0 ? text : NULL;
    return result;
}

static int ask_origin(struct adding *adding, const struct tare_history_run *run, int64_t environment,
                      const struct tare__sql_value *key, bool *there)
{
    struct tare__sql *sql = adding->store->sql;
    *there = false;
    int result = tare__sql_query(
        sql, "TTTW",
        "SELECT kind, branch, tool, environment FROM tare_origins WHERE project = $1 AND origin = $2", key, 2);
    if (result != 0) {
        return result;
    }
    result = tare__sql_next(sql);
    if (result == 1) {
        *there = true;
        bool same = tare__same_text(tare__sql_get_text(sql, 0), run->kind) &&
                    tare__same_text(tare__sql_get_text(sql, 1), run->branch) &&
                    tare__same_text(tare__sql_get_text(sql, 2), run->tool) &&
                    tare__sql_get_whole(sql, 3) == environment;
        result = same ? 0 : collision(adding->store, "origin of the result", run->digest);
    }
    tare__sql_end(sql);
    return result;
}

/* What this run has in common with others, once for all of them. */
static int ensure_origin(struct adding *adding, const struct tare_history_run *run, int64_t *id)
{
    const struct tare_history_run *last = adding->origin_of;
    if (last != NULL && tare__same_text(last->kind, run->kind) && tare__same_text(last->branch, run->branch) &&
        tare__same_text(last->tool, run->tool) && tare__same_text(last->environment, run->environment)) {
        *id = adding->origin;
        return 0;
    }
    int64_t environment;
    int result = ensure_environment(adding, run->environment, &environment);
    *id = tare__origin_id(run->kind, run->branch, run->tool, environment);
    struct tare__sql_value values[] = {
        tare__sql_whole(adding->project), tare__sql_whole(*id),      tare__sql_text(run->kind),
        tare__sql_text(run->branch),      tare__sql_text(run->tool), tare__sql_whole(environment),
    };
    bool there = false;
    if (result == 0) {
        result = ask_origin(adding, run, environment, values, &there);
    }
    if (result == 0 && !there) {
        int64_t changed = 0;
        result = tare__sql_run(adding->store->sql,
                               "INSERT INTO tare_origins (project, origin, kind, branch, tool, environment)"
                               " VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (project, origin) DO NOTHING",
                               values, 6, &changed);
        if (result == 0 && changed == 0) { /* others were faster */
            result = ask_origin(adding, run, environment, values, &there);
        }
    }
    adding->origin_of = result == 0 ? run : NULL;
    adding->origin = *id;
    return result;
}

/* Commits */

/*
 * Whether `commit` says what the row that is looked at does not: a shallow clone, for one, knows neither all
 * parents nor ordinals.
 */
static bool knows_more(const struct tare__sql *sql, const struct tare_history_commit *commit)
{
    size_t size;
    const void *parents = tare__sql_get_bytes(sql, 0, &size); /* none is one byte */
    return (size <= 1 && commit->parents != NULL && (parents == NULL || *commit->parents != '\0')) ||
           (tare__sql_get_whole(sql, 1) == TARE_HISTORY_UNKNOWN && commit->time_s != TARE_HISTORY_UNKNOWN) ||
           (tare__sql_get_whole(sql, 2) == TARE_HISTORY_UNKNOWN && commit->ordinal != TARE_HISTORY_UNKNOWN) ||
           (tare__sql_get_text(sql, 3) == NULL && commit->subject != NULL) ||
           (tare__sql_get_text(sql, 4) == NULL && commit->link != NULL);
}

/* `values` are as for inserting it; *more: it says what is not known yet. */
static int ask_commit(struct adding *adding, const struct tare_history_commit *commit,
                      const struct tare__sql_value *values, bool *there, bool *more)
{
    struct tare__sql *sql = adding->store->sql;
    *there = *more = false;
    int result = tare__sql_query(sql, "BWWTTb",
                                 "SELECT parents, time_s, ordinal, subject, link, commit_id FROM tare_commits"
                                 " WHERE project = $1 AND commit_key = $2",
                                 values, 2);
    if (result != 0) {
        return result;
    }
    result = tare__sql_next(sql);
    if (result == 1) {
        size_t size;
        const void *id = tare__sql_get_bytes(sql, 5, &size);
        *there = true;
        *more = knows_more(sql, commit);
        result = size == values[2].size && memcmp(id, values[2].bytes, size) == 0
                     ? 0
                     : collision(adding->store, "commit", commit->id);
    }
    tare__sql_end(sql);
    return result;
}

static int ensure_commit_row(struct adding *adding, const struct tare_history_commit *commit, bool insert,
                             const struct tare__sql_value values[8])
{
    struct tare__sql *sql = adding->store->sql;
    bool there, more;
    int result = ask_commit(adding, commit, values, &there, &more);
    if (result != 0) {
        return result;
    }
    if (!there && insert) {
        int64_t changed = 0;
        result = tare__sql_run(
            sql,
            "INSERT INTO tare_commits (project, commit_key, commit_id, parents, time_s, ordinal, subject, link)"
            " VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (project, commit_key) DO NOTHING",
            values, 8, &changed);
        adding->counts.commits += result == 0 && changed > 0;
        if (result == 0 && changed == 0) { /* others were faster */
            result = ask_commit(adding, commit, values, &there, &more);
        }
    }
    if (result == 0 && more) {
        struct tare__sql_value known[] = {values[0], values[1], values[3], values[4],
                                          values[5], values[6], values[7]};
        result = tare__sql_run(
            sql,
            "UPDATE tare_commits SET parents = CASE WHEN parents IS NULL OR length(parents) <= 1"
            " THEN COALESCE($3, parents) ELSE parents END,"
            " time_s = COALESCE(time_s, $4), ordinal = COALESCE(ordinal, $5), subject = COALESCE(subject, $6),"
            " link = COALESCE(link, $7) WHERE project = $1 AND commit_key = $2",
            known, 7, NULL);
    }
    return result;
}

static int ensure_commit(struct adding *adding, const struct tare_history_commit *commit, bool insert)
{
    void *id = NULL, *parents = NULL;
    size_t id_size, parents_size;
    if (tare__commit_ids_write(commit->id, &id, &id_size) != 0 ||
        tare__commit_ids_write(commit->parents, &parents, &parents_size) != 0) {
        free(id);
        return tare__store_no_memory(adding->store);
    }
    struct tare__sql_value values[8] = {
        tare__sql_whole(adding->project), tare__sql_whole(tare__commit_key(commit->id)),
        tare__sql_bytes(id, id_size),     tare__sql_bytes(parents, parents_size),
        tare__sql_whole(commit->time_s),  tare__sql_whole(commit->ordinal),
        tare__sql_text(commit->subject),  tare__sql_text(commit->link),
    };
    int result = ensure_commit_row(adding, commit, insert, values);
    free(id);
    free(parents);
    return result;
}

static int ensure_commit_of(struct adding *adding, const struct tare_history_record *record, bool insert)
{
    int result = 0;
    if (record->has_commit && record->commit.id != NULL) {
        result = ensure_commit(adding, &record->commit, insert);
        if (result != 0 || tare__same_text(record->run.commit, record->commit.id)) {
            return result;
        }
    }
    if (record->run.commit == NULL) {
        return 0;
    }
    struct tare_history_commit bare = {
        .id = record->run.commit, .time_s = TARE_HISTORY_UNKNOWN, .ordinal = TARE_HISTORY_UNKNOWN};
    return ensure_commit(adding, &bare, insert);
}

/* Series */

static bool same_series(const struct tare_history_series *a, const struct tare_history_series *b)
{
    return strcmp(a->suite, b->suite) == 0 && strcmp(a->name, b->name) == 0 &&
           strcmp(a->arguments, b->arguments) == 0 && strcmp(a->metric, b->metric) == 0 &&
           strcmp(a->unit, b->unit) == 0 && strcmp(a->fingerprint, b->fingerprint) == 0 &&
           strcmp(a->harness, b->harness) == 0 && strcmp(a->settings, b->settings) == 0;
}

static bool row_is_series(const struct tare__sql *sql, const struct tare_history_series *series)
{
    const char *const texts[] = {series->suite, series->name,        series->arguments, series->metric,
                                 series->unit,  series->fingerprint, series->harness,   series->settings};
    for (int i = 0; i < 8; i++) {
        if (strcmp(tare__sql_get_text(sql, i + 1), texts[i]) != 0) {
            return false;
        }
    }
    return true;
}

/* Series that are to be looked for. */
struct wanted {
    const struct tare_history_series **series; /* by id, each once */
    bool *there, *better; /* of each: it is there; it is, and which way is worse is not known there */
    size_t count;
};

static size_t find_wanted(const struct wanted *wanted, int64_t id)
{
    size_t low = 0, high = wanted->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (wanted->series[middle]->id < id) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < wanted->count && wanted->series[low]->id == id ? low : SIZE_MAX;
}

/* Looks for those from `from`, in one statement. */
static int ask_series(struct adding *adding, struct wanted *wanted, size_t from, size_t *asked)
{
    struct tare__sql *sql = adding->store->sql;
    size_t left = wanted->count - from, length = left > ASKED_FEWER ? ASKED_MOST : left > 1 ? ASKED_FEWER : 1;
    struct tare__sql_value values[1 + ASKED_MOST];
    char text[STATEMENT_MAX];
    int at =
        snprintf(text, sizeof text,
                 "SELECT series, suite, name, arguments, metric, unit, fingerprint, harness, settings, better"
                 " FROM tare_series WHERE project = $1 AND series IN (");
    values[0] = tare__sql_whole(adding->project);
    for (size_t i = 0; i < length; i++) {
        size_t place = i < left ? from + i : wanted->count - 1;
        values[1 + i] = tare__sql_whole(wanted->series[place]->id);
        at += snprintf(text + at, sizeof text - (size_t)at, "%s$%zu", i > 0 ? ", " : "", i + 2);
    }
    snprintf(text + at, sizeof text - (size_t)at, ")");
    *asked = length < left ? length : left;
    int result = tare__sql_query(sql, "wttttttttw", text, values, 1 + length);
    if (result != 0) {
        return result;
    }
    while ((result = tare__sql_next(sql)) == 1) {
        size_t place = find_wanted(wanted, tare__sql_get_whole(sql, 0));
        if (place == SIZE_MAX) {
            continue;
        }
        if (!row_is_series(sql, wanted->series[place])) {
            tare__sql_end(sql);
            return collision(adding->store, "series", wanted->series[place]->name);
        }
        wanted->there[place] = true;
        wanted->better[place] = tare__sql_get_whole(sql, 9) == TARE_BETTER_UNKNOWN &&
                                wanted->series[place]->better != TARE_BETTER_UNKNOWN;
    }
    return result;
}

static int insert_series(struct adding *adding, const struct wanted *wanted, const size_t *places, size_t count)
{
    struct tare__sql_value values[INSERTED_MOST * SERIES_COLUMNS];
    char text[STATEMENT_MAX];
    size_t used = 0;
    int at =
        snprintf(text, sizeof text,
                 "INSERT INTO tare_series (project, series, suite, name, arguments, metric, unit, fingerprint,"
                 " harness, settings, better) VALUES ");
    for (size_t i = 0; i < count; i++) {
        const struct tare_history_series *series = wanted->series[places[i]];
        if (series->id != tare_history_series_id(series)) {
            return tare__sql_fail(adding->store->sql, -EINVAL, "the id of the series '%s' is not its own",
                                  series->name);
        }
        const struct tare__sql_value row[SERIES_COLUMNS] = {
            tare__sql_whole(adding->project),
            tare__sql_whole(series->id),
            tare__sql_text(series->suite),
            tare__sql_text(series->name),
            tare__sql_text(series->arguments),
            tare__sql_text(series->metric),
            tare__sql_text(series->unit),
            tare__sql_text(series->fingerprint),
            tare__sql_text(series->harness),
            tare__sql_text(series->settings),
            tare__sql_whole((int64_t)series->better),
        };
        memcpy(&values[used], row, sizeof row);
        for (size_t k = 0; k < SERIES_COLUMNS; k++) {
            at += snprintf(text + at, sizeof text - (size_t)at, "%s$%zu",
                           k > 0   ? ", "
                           : i > 0 ? "), ("
                                   : "(",
                           used + k + 1);
        }
        used += SERIES_COLUMNS;
    }
    snprintf(text + at, sizeof text - (size_t)at, ") ON CONFLICT (project, series) DO NOTHING");
    int64_t changed = 0;
    int result = tare__sql_run(adding->store->sql, text, values, used, &changed);
    adding->counts.series += result == 0 && changed > 0 ? (uint64_t)changed : 0;
    return result;
}

static int insert_missing(struct adding *adding, const struct wanted *wanted, bool *any)
{
    size_t places[INSERTED_MOST], count = 0;
    int result = 0;
    *any = false;
    for (size_t i = 0; i < wanted->count && result == 0; i++) {
        if (!wanted->there[i]) {
            places[count++] = i;
            *any = true;
        }
        if (count == INSERTED_MOST) {
            result = insert_series(adding, wanted, places, count);
            count = 0;
        }
    }
    for (size_t at = 0, length; at < count && result == 0; at += length) {
        length = count - at >= INSERTED_FEWER ? INSERTED_FEWER : 1;
        result = insert_series(adding, wanted, places + at, length);
    }
    return result;
}

static int ask_all_series(struct adding *adding, struct wanted *wanted)
{
    int result = 0;
    for (size_t from = 0, asked = 0; from < wanted->count && result == 0; from += asked) {
        result = ask_series(adding, wanted, from, &asked);
    }
    return result;
}

static int remember_series(struct adding *adding, const struct wanted *wanted)
{
    for (size_t i = 0; i < wanted->count; i++) {
        if (adding->series_count >= adding->series_room) {
            const struct tare_history_series **grown =
                tare__store_room(adding->series, adding->series_count, &adding->series_room, sizeof *grown);
            if (grown == NULL) {
                return tare__store_no_memory(adding->store);
            }
            adding->series = grown;
        }
        adding->series[adding->series_count] = wanted->series[i];
        if (tare__ids_put(&adding->known, wanted->series[i]->id, adding->series_count++) != 0) {
            return tare__store_no_memory(adding->store);
        }
    }
    return 0;
}

static int say_better(struct adding *adding, const struct wanted *wanted)
{
    int result = 0;
    for (size_t i = 0; i < wanted->count && result == 0; i++) {
        if (wanted->better[i]) {
            struct tare__sql_value values[] = {tare__sql_whole(adding->project),
                                               tare__sql_whole(wanted->series[i]->id),
                                               tare__sql_whole((int64_t)wanted->series[i]->better)};
            result = tare__sql_run(adding->store->sql,
                                   "UPDATE tare_series SET better = $3 WHERE project = $1 AND series = $2",
                                   values, 3, NULL);
        }
    }
    return result;
}

/* `points` are in the order of ids, `by_place` has the series of each. */
static int ensure_series(struct adding *adding, const struct tare__point_of *points,
                         const struct tare_history_series *const *by_place, size_t count)
{
    struct wanted wanted = {
        .series = calloc(count + 1, sizeof *wanted.series),
        .there = calloc(count + 1, sizeof *wanted.there),
        .better = calloc(count + 1, sizeof *wanted.better),
    };
    int result = wanted.series != NULL && wanted.there != NULL && wanted.better != NULL
                     ? 0
                     : tare__store_no_memory(adding->store);
    for (size_t i = 0; i < count && result == 0; i++) {
        size_t known = tare__ids_find(&adding->known, points[i].series);
        const struct tare_history_series *before =
            known != SIZE_MAX ? adding->series[known]
            : wanted.count > 0 && i > 0 && points[i - 1].series == points[i].series
                ? wanted.series[wanted.count - 1]
                : NULL;
        if (before == NULL) {
            wanted.series[wanted.count++] = by_place[i];
        } else if (!same_series(before, by_place[i])) {
            result = collision(adding->store, "series", by_place[i]->name);
        }
    }
    bool any = false;
    if (result == 0) {
        result = ask_all_series(adding, &wanted);
    }
    if (result == 0) {
        result = insert_missing(adding, &wanted, &any);
    }
    if (result == 0 && any) { /* others may have been faster, with something else under the same id */
        result = ask_all_series(adding, &wanted);
    }
    if (result == 0) {
        result = say_better(adding, &wanted);
    }
    if (result == 0) {
        result = remember_series(adding, &wanted);
    }
    free(wanted.series);
    free(wanted.there);
    free(wanted.better);
    return result;
}

/* Runs */

static int ask_run(struct adding *adding, const struct tare_history_run *run, const unsigned char *digest,
                   bool *there)
{
    struct tare__sql *sql = adding->store->sql;
    struct tare__sql_value key[] = {tare__sql_whole(adding->project), tare__sql_whole(run->id)};
    *there = false;
    int result =
        tare__sql_query(sql, "b", "SELECT digest FROM tare_runs WHERE project = $1 AND run = $2", key, 2);
    if (result != 0) {
        return result;
    }
    result = tare__sql_next(sql);
    if (result == 1) {
        size_t size;
        const void *found = tare__sql_get_bytes(sql, 0, &size);
        *there = true;
        result = size == TARE_SHA256_BYTES && memcmp(found, digest, size) == 0
                     ? 0
                     : collision(adding->store, "result", run->digest);
    }
    tare__sql_end(sql);
    return result;
}

static int insert_raw(struct adding *adding, int64_t run, const char *raw, size_t size)
{
    if (raw == NULL || size == 0) {
        return 0;
    }
    uLong bound = compressBound(size);
    Bytef *data = malloc(bound);
    if (data == NULL || compress2(data, &bound, (const Bytef *)raw, size, RAW_LEVEL) != Z_OK) {
        free(data);
        return tare__store_no_memory(adding->store);
    }
    struct tare__sql_value values[] = {tare__sql_whole(adding->project), tare__sql_whole(run),
                                       tare__sql_whole((int64_t)size), tare__sql_bytes(data, bound)};
    int64_t changed = 0;
    int result = tare__sql_run(adding->store->sql,
                               "INSERT INTO tare_raws (project, run, size, data) VALUES ($1, $2, $3, $4)"
                               " ON CONFLICT (project, run) DO NOTHING",
                               values, 4, &changed);
    adding->counts.raws += result == 0 && changed > 0;
    free(data);
    return result;
}

static int insert_run(struct adding *adding, const struct tare_history_run *run, const unsigned char *digest,
                      const struct tare__point_of *points, size_t count, int64_t origin, bool *inserted)
{
    void *bytes = NULL, *values = NULL;
    size_t size = 0, values_size = 0;
    int result = tare__points_write(points, count, &bytes, &size, &values, &values_size);
    if (result != 0) {
        return result == -ENOMEM
                   ? tare__store_no_memory(adding->store)
                   : tare__sql_fail(adding->store->sql, -EINVAL,
                                    "a figure of the result is larger than %g, or negative where none can be: "
                                    "nothing was added",
                                    TARE_VALUE_LIMIT);
    }
    struct tare__sql_value row[] = {
        tare__sql_whole(adding->project),
        tare__sql_whole(run->id),
        tare__sql_whole(origin),
        tare__sql_whole(run->commit != NULL ? tare__commit_key(run->commit) : TARE_HISTORY_UNKNOWN),
        tare__sql_whole(run->started_ms),
        tare__sql_whole(run->dirty < 0 ? TARE_HISTORY_UNKNOWN : run->dirty != 0),
        tare__sql_text(run->link),
        tare__sql_bytes(digest, TARE_SHA256_BYTES),
        tare__sql_whole((int64_t)count),
        tare__sql_bytes(bytes, size),
        tare__sql_bytes(values, values_size),
    };
    int64_t changed = 0;
    result = tare__sql_run(
        adding->store->sql,
        "INSERT INTO tare_runs (project, run, origin, commit_key, started_ms, dirty, link, digest,"
        " point_count, points, block_values)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)"
        " ON CONFLICT (project, run) DO NOTHING",
        row, sizeof row / sizeof row[0], &changed);
    *inserted = changed > 0;
    free(bytes);
    free(values);
    return result;
}

/* Records */

struct placed_point {
    struct tare__point_of point;
    const struct tare_history_series *series;
    size_t at;
};

static int by_series(const void *a, const void *b)
{
    const struct placed_point *first = a, *second = b;
    if (first->point.series != second->point.series) {
        return first->point.series < second->point.series ? -1 : 1;
    }
    return first->at < second->at ? -1 : 1;
}

static bool is_complete(const struct tare_history_record *record, unsigned char *digest)
{
    const struct tare_history_run *run = &record->run;
    if (run->project == NULL || run->started_ms == TARE_HISTORY_UNKNOWN ||
        !tare__hex_to_bytes(run->digest, digest, TARE_SHA256_BYTES) || !tare_history_run_has_id(run)) {
        return false;
    }
    for (size_t i = 0; i < record->line_count; i++) {
        const struct tare_history_series *series = &record->lines[i].series;
        if (series->suite == NULL || series->name == NULL || series->arguments == NULL ||
            series->metric == NULL || series->unit == NULL || series->fingerprint == NULL ||
            series->harness == NULL || series->settings == NULL ||
            !tare__same_text(series->project, run->project) || series->id < 0) {
            return false;
        }
    }
    return true;
}

static int add_points(struct adding *adding, const struct tare_history_record *record,
                      const unsigned char *digest, int64_t origin, bool *inserted)
{
    size_t count = 0;
    for (size_t i = 0; i < record->line_count; i++) {
        count += record->lines[i].count;
    }
    struct placed_point *placed = calloc(count + 1, sizeof *placed);
    struct tare__point_of *points = calloc(count + 1, sizeof *points);
    const struct tare_history_series **series = calloc(count + 1, sizeof *series);
    int result = placed != NULL && points != NULL && series != NULL ? 0 : tare__store_no_memory(adding->store);
    if (result == 0) {
        size_t at = 0;
        for (size_t i = 0; i < record->line_count; i++) {
            for (size_t k = 0; k < record->lines[i].count; k++, at++) {
                const struct tare_history_line *line = &record->lines[i];
                placed[at] = (struct placed_point){{line->series.id, &line->points[k]}, &line->series, at};
            }
        }
        qsort(placed, count, sizeof *placed, by_series);
        for (size_t i = 0; i < count; i++) {
            points[i] = placed[i].point;
            series[i] = placed[i].series;
        }
        result = ensure_series(adding, points, series, count);
    }
    if (result == 0) {
        result = insert_run(adding, &record->run, digest, points, count, origin, inserted);
    }
    if (result == 0 && *inserted) {
        adding->counts.runs++;
        adding->counts.points += count;
    }
    free(placed);
    free(points);
    free(series);
    return result;
}

static int add_record(struct adding *adding, const struct tare_history_record *record)
{
    unsigned char digest[TARE_SHA256_BYTES];
    if (!is_complete(record, digest)) {
        return tare__sql_fail(adding->store->sql, -EINVAL, "the result is incomplete: nothing was added");
    }
    int result = ensure_project(adding, record->run.project);
    bool there = false, inserted = false;
    if (result == 0) {
        result = ask_run(adding, &record->run, digest, &there);
    }
    if (result == 0) {
        result = ensure_commit_of(adding, record, !there);
    }
    if (result != 0 || there) {
        return result;
    }
    int64_t origin;
    result = ensure_origin(adding, &record->run, &origin);
    if (result == 0) {
        result = add_points(adding, record, digest, origin, &inserted);
    }
    if (result == 0 && !inserted) { /* somebody else added it meanwhile: the same, or another one with its id */
        return ask_run(adding, &record->run, digest, &there);
    }
    if (result == 0) {
        result = insert_raw(adding, record->run.id, record->raw, record->raw_size);
        adding->added += result == 0;
    }
    return result;
}

static int add_all(struct tare__sql *sql, void *data)
{
    (void)sql;
    struct adding *adding = data;
    adding->added = 0;
    adding->counts = (struct tare_store_counts){0};
    adding->project_name = NULL; /* nothing is known of what is there: it may be another attempt */
    int result = 0;
    for (size_t i = 0; i < adding->count && result == 0; i++) {
        result = add_record(adding, &adding->records[i]);
    }
    return result;
}

static void add_counts(struct tare_store_counts *sum, const struct tare_store_counts *more)
{
    if (sum != NULL) {
        sum->runs += more->runs;
        sum->series += more->series;
        sum->points += more->points;
        sum->raws += more->raws;
        sum->baselines += more->baselines;
        sum->commits += more->commits;
    }
}

int tare__store_add(struct tare_store *store, const struct tare_history_record *records, size_t count,
                    size_t *added, struct tare_store_counts *counts)
{
    struct adding adding = {.store = store, .records = records, .count = count};
    int result = tare__sql_transaction(store->sql, true, add_all, &adding);
    tare__ids_release(&adding.known);
    free(adding.series);
    if (result == 0) {
        add_counts(counts, &adding.counts);
    }
    *added = result == 0 ? adding.added : 0;
    return result;
}

int tare_store_add_all(struct tare_store *store, const struct tare_history_record *records, size_t count,
                       size_t *added)
{
    return tare__store_add(store, records, count, added, NULL);
}

int tare_store_add(struct tare_store *store, const struct tare_history_record *record, bool *added)
{
    size_t count;
    int result = tare__store_add(store, record, 1, &count, NULL);
    *added = count > 0;
    return result;
}

/* Commits alone */

struct adding_commits {
    struct adding adding;
    const char *project;
    const struct tare_history_commit *commits;
    size_t count;
};

static int add_commits(struct tare__sql *sql, void *data)
{
    (void)sql;
    struct adding_commits *commits = data;
    commits->adding.project_name = NULL;
    commits->adding.counts = (struct tare_store_counts){0};
    int result = ensure_project(&commits->adding, commits->project);
    for (size_t i = 0; i < commits->count && result == 0; i++) {
        result = ensure_commit(&commits->adding, &commits->commits[i], true);
    }
    return result;
}

int tare__store_add_commits(struct tare_store *store, const char *project,
                            const struct tare_history_commit *commits, size_t count,
                            struct tare_store_counts *counts)
{
    struct adding_commits adding = {
        .adding = {.store = store}, .project = project, .commits = commits, .count = count};
    int result = tare__sql_transaction(store->sql, true, add_commits, &adding);
    tare__ids_release(&adding.adding.known);
    if (result == 0) {
        add_counts(counts, &adding.adding.counts);
    }
    return result;
}

/* Raws alone */

struct adding_raw {
    struct adding adding;
    const char *project;
    int64_t run;
    const char *raw;
    size_t size;
};

static int add_raw(struct tare__sql *sql, void *data)
{
    (void)sql;
    struct adding_raw *raw = data;
    raw->adding.project_name = NULL;
    raw->adding.counts = (struct tare_store_counts){0};
    int result = ensure_project(&raw->adding, raw->project);
    return result != 0 ? result : insert_raw(&raw->adding, raw->run, raw->raw, raw->size);
}

int tare__store_add_raw(struct tare_store *store, const char *project, int64_t run, const char *raw,
                        size_t size, bool *added)
{
    struct adding_raw adding = {
        .adding = {.store = store}, .project = project, .run = run, .raw = raw, .size = size};
    int result = tare__sql_transaction(store->sql, true, add_raw, &adding);
    tare__ids_release(&adding.adding.known);
    *added = result == 0 && adding.adding.counts.raws > 0;
    return result;
}
