/* SPDX-License-Identifier: MIT */
/* Rows of the store's tables as what they are of: series, commits, baselines, runs, environments. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "history/store_parts.h"

/* Series */

void tare__series_free(struct tare_history_series *series, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        tare_history_series_release(&series[i]);
    }
    free(series);
}

static bool get_series(const struct tare__sql *sql, const char *project, struct tare_history_series *series)
{
    *series = (struct tare_history_series){.id = tare__sql_get_whole(sql, 0)};
    int64_t better = tare__sql_get_whole(sql, 9);
    series->better = better == TARE_BETTER_LOWER || better == TARE_BETTER_HIGHER
                         ? (enum tare_history_better)better
                         : TARE_BETTER_UNKNOWN;
    char **texts[] = {&series->suite, &series->name,        &series->arguments, &series->metric,
                      &series->unit,  &series->fingerprint, &series->harness,   &series->settings};
    bool done = tare__copy_text(&series->project, project);
    for (int i = 0; i < 8 && done; i++) {
        done = tare__copy_text(texts[i], tare__sql_get_text(sql, i + 1));
    }
    return done;
}

int tare__store_series(struct tare_store *store, const struct tare__project *project,
                       struct tare_history_series **series, size_t *count)
{
    *series = NULL;
    *count = 0;
    size_t room = 0;
    struct tare__sql_value key = tare__sql_whole(project->id);
    int result = tare__sql_query(store->sql, "wttttttttw",
                                 "SELECT series, suite, name, arguments, metric, unit, fingerprint, harness,"
                                 " settings, better FROM tare_series WHERE project = $1",
                                 &key, 1);
    if (result != 0) {
        return result;
    }
    while ((result = tare__sql_next(store->sql)) == 1) {
        struct tare_history_series *grown = tare__store_room(*series, *count, &room, sizeof *grown);
        if (grown == NULL) {
            result = tare__store_no_memory(store);
            break;
        }
        *series = grown;
        if (!get_series(store->sql, project->name, &grown[(*count)++])) {
            result = tare__store_no_memory(store);
            break;
        }
    }
    tare__sql_end(store->sql);
    if (result != 0) {
        tare__series_free(*series, *count);
        *series = NULL;
        *count = 0;
    }
    return result;
}

/* Commits */

static int by_id(const void *a, const void *b)
{
    return strcmp(((const struct tare_history_commit *)a)->id, ((const struct tare_history_commit *)b)->id);
}

void tare__commits_free(struct tare_history_commit *commits, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        tare_history_commit_release(&commits[i]);
    }
    free(commits);
}

enum { IDS_TEXT = 0, IDS_HEX = 1, ID_BYTES_MAX = 64 };

/* Ids of git are hexadecimal: half as many bytes, each id with its length before it. */
static bool write_hex(const char *ids, unsigned char *at, size_t *size)
{
    unsigned char *start = at;
    *at++ = IDS_HEX;
    while (*ids != '\0') {
        size_t length = strcspn(ids, " ");
        char id[2 * ID_BYTES_MAX + 1];
        if (length == 0 || length % 2 != 0 || length >= sizeof id) {
            return false;
        }
        memcpy(id, ids, length);
        id[length] = '\0';
        *at++ = (unsigned char)(length / 2);
        if (!tare__hex_to_bytes(id, at, length / 2)) {
            return false;
        }
        at += length / 2;
        ids += length;
        if (*ids == ' ' && *++ids == '\0') {
            return false;
        }
    }
    *size = (size_t)(at - start);
    return true;
}

int tare__commit_ids_write(const char *ids, void **bytes, size_t *size)
{
    *bytes = NULL;
    *size = 0;
    if (ids == NULL) {
        return 0;
    }
    size_t length = strlen(ids);
    unsigned char *made = malloc(length + 2);
    if (made == NULL) {
        return -ENOMEM;
    }
    if (!write_hex(ids, made, size)) {
        made[0] = IDS_TEXT;
        memcpy(made + 1, ids, length);
        *size = length + 1;
    }
    *bytes = made;
    return 0;
}

int tare__commit_ids_read(const void *bytes, size_t size, char **ids)
{
    *ids = NULL;
    if (bytes == NULL) {
        return 0;
    }
    const unsigned char *at = bytes, *end = at + size;
    if (size == 0 || *at > IDS_HEX || (*at == IDS_TEXT && !tare__sql_is_text(at + 1, size - 1))) {
        return -EINVAL;
    }
    char *text = malloc(2 * size + 1), *to = text; /* a length is what becomes a space */
    if (text == NULL) {
        return -ENOMEM;
    }
    if (*at++ == IDS_TEXT) {
        memcpy(to, at, size - 1);
        to += size - 1;
        at = end;
    }
    while (at < end) {
        size_t length = *at++;
        if (length == 0 || length > ID_BYTES_MAX || length > (size_t)(end - at)) {
            free(text);
            return -EINVAL;
        }
        if (to > text) {
            *to++ = ' ';
        }
        tare__bytes_to_hex(at, length, to);
        to += 2 * length;
        at += length;
    }
    *to = '\0';
    *ids = text;
    return 0;
}

static int get_ids(struct tare_store *store, int column, char **ids)
{
    size_t size;
    const void *bytes = tare__sql_get_bytes(store->sql, column, &size);
    int result = tare__commit_ids_read(bytes, size, ids);
    return result == 0         ? 0
           : result == -ENOMEM ? tare__store_no_memory(store)
                               : tare__store_damaged(store, "a commit's id");
}

#define COMMIT_COLUMNS "commit_id, parents, time_s, ordinal, subject, link"
#define COMMIT_KINDS "bBWWTT"

/* Of the row that is looked at. */
static int get_commit(struct tare_store *store, struct tare_history_commit *commit)
{
    const struct tare__sql *sql = store->sql;
    *commit = (struct tare_history_commit){.time_s = tare__sql_get_whole(sql, 2),
                                           .ordinal = tare__sql_get_whole(sql, 3)};
    int result = get_ids(store, 0, &commit->id);
    if (result == 0) {
        result = get_ids(store, 1, &commit->parents);
    }
    if (result == 0 && (!tare__copy_text(&commit->subject, tare__sql_get_text(sql, 4)) ||
                        !tare__copy_text(&commit->link, tare__sql_get_text(sql, 5)))) {
        result = tare__store_no_memory(store);
    }
    return result;
}

int tare_store_commit(struct tare_store *store, const char *project, const char *id,
                      struct tare_history_commit *commit)
{
    struct tare__sql_value key[] = {tare__sql_whole(tare_history_project_id(project)),
                                    tare__sql_whole(tare__commit_key(id))};
    *commit = (struct tare_history_commit){.time_s = TARE_HISTORY_UNKNOWN, .ordinal = TARE_HISTORY_UNKNOWN};
    int result = tare__sql_query(
        store->sql, COMMIT_KINDS,
        "SELECT " COMMIT_COLUMNS " FROM tare_commits WHERE project = $1 AND commit_key = $2", key, 2);
    if (result != 0) {
        return result;
    }
    result = tare__sql_next(store->sql);
    bool there = result == 1;
    if (there) {
        result = get_commit(store, commit);
    }
    tare__sql_end(store->sql);
    if (result == 0 && there && strcmp(commit->id, id) == 0) {
        return 0;
    }
    tare_history_commit_release(commit);
    *commit = (struct tare_history_commit){.time_s = TARE_HISTORY_UNKNOWN, .ordinal = TARE_HISTORY_UNKNOWN};
    return result != 0 ? result : -ENOENT;
}

int tare__store_commits(struct tare_store *store, const struct tare__project *project,
                        struct tare_history_commit **commits, size_t *count)
{
    *commits = NULL;
    *count = 0;
    size_t room = 0;
    struct tare__sql_value key = tare__sql_whole(project->id);
    int result = tare__sql_query(store->sql, COMMIT_KINDS,
                                 "SELECT " COMMIT_COLUMNS " FROM tare_commits WHERE project = $1", &key, 1);
    if (result != 0) {
        return result;
    }
    while ((result = tare__sql_next(store->sql)) == 1) {
        struct tare_history_commit *grown = tare__store_room(*commits, *count, &room, sizeof *grown);
        if (grown == NULL) {
            result = tare__store_no_memory(store);
            break;
        }
        *commits = grown;
        result = get_commit(store, &grown[(*count)++]);
        if (result != 0) {
            break;
        }
    }
    tare__sql_end(store->sql);
    if (result != 0) {
        tare__commits_free(*commits, *count);
        *commits = NULL;
        *count = 0;
    } else if (*count > 1) {
        qsort(*commits, *count, sizeof **commits, by_id);
    }
    return result;
}

/* Baselines */

void tare__baselines_free(struct tare_history_baseline *baselines, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        tare_history_baseline_release(&baselines[i]);
    }
    free(baselines);
}

int tare__store_baselines(struct tare_store *store, const struct tare__project *project,
                          struct tare_history_baseline **baselines, size_t *count)
{
    *baselines = NULL;
    *count = 0;
    size_t room = 0;
    const struct tare__sql *sql = store->sql;
    struct tare__sql_value key = tare__sql_whole(project->id);
    int result = tare__sql_query(store->sql, "tTWTT",
                                 "SELECT name, commit_id, set_ms, reason, selection FROM tare_baselines"
                                 " WHERE project = $1 ORDER BY name",
                                 &key, 1);
    if (result != 0) {
        return result;
    }
    while ((result = tare__sql_next(store->sql)) == 1) {
        struct tare_history_baseline *grown = tare__store_room(*baselines, *count, &room, sizeof *grown);
        if (grown == NULL) {
            result = tare__store_no_memory(store);
            break;
        }
        *baselines = grown;
        struct tare_history_baseline *baseline = &grown[(*count)++];
        *baseline = (struct tare_history_baseline){.set_ms = tare__sql_get_whole(sql, 2)};
        const char *selection = tare__sql_get_text(sql, 4);
        if (!tare__copy_text(&baseline->project, project->name) ||
            !tare__copy_text(&baseline->name, tare__sql_get_text(sql, 0)) ||
            !tare__copy_text(&baseline->commit, tare__sql_get_text(sql, 1)) ||
            !tare__copy_text(&baseline->reason, tare__sql_get_text(sql, 3)) ||
            !tare__copy_text(&baseline->selection, selection != NULL ? selection : "*")) {
            result = tare__store_no_memory(store);
            break;
        }
    }
    tare__sql_end(store->sql);
    if (result != 0) {
        tare__baselines_free(*baselines, *count);
        *baselines = NULL;
        *count = 0;
    }
    return result;
}

/* Runs */

int tare__store_run(struct tare_store *store, const char *project, struct tare_history_run *run,
                    int64_t *environment)
{
    const struct tare__sql *sql = store->sql;
    *run =
        (struct tare_history_run){.id = tare__sql_get_whole(sql, 0), .started_ms = tare__sql_get_whole(sql, 3)};
    size_t size;
    const unsigned char *digest = tare__sql_get_bytes(sql, 1, &size);
    if (size != TARE_SHA256_BYTES || run->id < 0) {
        return tare__store_damaged(store, "a run's id or digest");
    }
    size_t commit_size;
    const void *commit = tare__sql_get_bytes(sql, TARE__RUN_COMMIT, &commit_size);
    if (tare__sql_get_whole(sql, TARE__RUN_ORIGIN) == TARE_HISTORY_UNKNOWN) {
        return tare__store_damaged(store, "what a run came from is not there");
    }
    if (commit == NULL && tare__sql_get_whole(sql, TARE__RUN_COMMIT_KEY) != TARE_HISTORY_UNKNOWN) {
        return tare__store_damaged(store, "a run's commit is not there");
    }
    int result = get_ids(store, TARE__RUN_COMMIT, &run->commit);
    if (result != 0) {
        return result;
    }
    tare__bytes_to_hex(digest, size, run->digest);
    int64_t dirty = tare__sql_get_whole(sql, 6);
    run->dirty = dirty == 0 || dirty == 1 ? (int)dirty : -1;
    *environment = tare__sql_get_whole(sql, 9);
    int64_t raw_size = tare__sql_get_whole(sql, 10);
    run->raw_size = raw_size == TARE_HISTORY_UNKNOWN ? 0 : raw_size;
    if (!tare__copy_text(&run->project, project) || !tare__copy_text(&run->kind, tare__sql_get_text(sql, 2)) ||
        !tare__copy_text(&run->branch, tare__sql_get_text(sql, 5)) ||
        !tare__copy_text(&run->link, tare__sql_get_text(sql, 7)) ||
        !tare__copy_text(&run->tool, tare__sql_get_text(sql, 8))) {
        tare_history_run_release(run);
        return tare__store_no_memory(store);
    }
    return 0;
}

int tare__store_environment(struct tare_store *store, int64_t project, int64_t id, char **text)
{
    *text = NULL;
    if (id == TARE_HISTORY_UNKNOWN) {
        return 0;
    }
    struct tare__sql_value key[] = {tare__sql_whole(project), tare__sql_whole(id)};
    int result = tare__sql_query(
        store->sql, "t", "SELECT data FROM tare_environments WHERE project = $1 AND environment = $2", key, 2);
    if (result != 0) {
        return result;
    }
    result = tare__sql_next(store->sql);
    if (result == 0) {
        return tare__store_damaged(store, "a run's environment is not there");
    }
    if (result == 1) {
        result = tare__copy_text(text, tare__sql_get_text(store->sql, 0)) ? 0 : tare__store_no_memory(store);
    }
    tare__sql_end(store->sql);
    return result;
}

int tare__store_environments(struct tare_store *store, int64_t project, struct tare_history_run *runs,
                             const int64_t *ids, size_t count)
{
    /* Few environments have many runs: each is asked for once. */
    struct tare__ids first = {0};
    int result = 0;
    for (size_t i = 0; i < count && result == 0; i++) {
        if (ids[i] == TARE_HISTORY_UNKNOWN) {
            continue;
        }
        size_t before = tare__ids_find(&first, ids[i]);
        if (before != SIZE_MAX) {
            result = tare__copy_text(&runs[i].environment, runs[before].environment)
                         ? 0
                         : tare__store_no_memory(store);
            continue;
        }
        result = tare__store_environment(store, project, ids[i], &runs[i].environment);
        if (result == 0 && tare__ids_put(&first, ids[i], i) != 0) {
            result = tare__store_no_memory(store);
        }
    }
    tare__ids_release(&first);
    return result;
}
