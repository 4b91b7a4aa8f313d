/* SPDX-License-Identifier: MIT */
/*
 * Checking: what the engine finds wrong with its file, and whether what the rows say of each other is so: ids
 * are those of their content, points are whole and of series that are there, raw results are what their
 * digests say.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "history/store_parts.h"
#include "stats/values.h"

struct checking {
    struct tare_store *store;
    tare_store_found *found;
    void *data;
    size_t wrong;
    const struct tare__project *project;
    struct tare__ids series, environments, runs;
    struct {
        int64_t id;
        unsigned char digest[TARE_SHA256_BYTES];
        bool raw;
    } * listed;
    size_t listed_count, listed_room;
};

static void say(struct checking *checking, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void say(struct checking *checking, const char *format, ...)
{
    char text[1200], line[1200];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    tare__sql_line(line, sizeof line, text);
    checking->found(checking->data, line);
    checking->wrong++;
}

/* Damage is what is looked for: it is said, and the next thing is looked at. */
static int go_on(struct checking *checking, int result)
{
    if (result == -EINVAL) {
        say(checking, "%s", tare__sql_message(checking->store->sql));
        return 0;
    }
    return result;
}

static int check_series(struct checking *checking)
{
    struct tare_history_series *series;
    size_t count;
    int result = tare__store_series(checking->store, checking->project, &series, &count);
    for (size_t i = 0; i < count && result == 0; i++) {
        if (series[i].id != tare_history_series_id(&series[i])) {
            say(checking, "project '%s': the series '%s' is kept under the id of another one (%016llx)",
                checking->project->name, series[i].name, (unsigned long long)series[i].id);
        }
        result =
            tare__ids_put(&checking->series, series[i].id, i) == 0 ? 0 : tare__store_no_memory(checking->store);
    }
    tare__series_free(series, count);
    return go_on(checking, result);
}

static int check_environments(struct checking *checking)
{
    struct tare__sql *sql = checking->store->sql;
    struct tare__sql_value key = tare__sql_whole(checking->project->id);
    int result = tare__sql_query(sql, "wt",
                                 "SELECT environment, data FROM tare_environments WHERE project = $1", &key, 1);
    if (result != 0) {
        return go_on(checking, result);
    }
    while ((result = tare__sql_next(sql)) == 1) {
        int64_t id = tare__sql_get_whole(sql, 0);
        if (id != tare__environment_id(tare__sql_get_text(sql, 1))) {
            say(checking, "project '%s': the environment %016llx is not what was added",
                checking->project->name, (unsigned long long)id);
        }
        if (tare__ids_put(&checking->environments, id, 0) != 0) {
            result = tare__store_no_memory(checking->store);
            break;
        }
    }
    tare__sql_end(sql);
    return go_on(checking, result);
}

static int check_origins(struct checking *checking)
{
    struct tare__sql *sql = checking->store->sql;
    struct tare__sql_value key = tare__sql_whole(checking->project->id);
    int result = tare__sql_query(sql, "wTTTW",
                                 "SELECT origin, kind, branch, tool, environment FROM tare_origins"
                                 " WHERE project = $1",
                                 &key, 1);
    if (result != 0) {
        return go_on(checking, result);
    }
    while ((result = tare__sql_next(sql)) == 1) {
        int64_t id = tare__sql_get_whole(sql, 0);
        if (id != tare__origin_id(tare__sql_get_text(sql, 1), tare__sql_get_text(sql, 2),
                                  tare__sql_get_text(sql, 3), tare__sql_get_whole(sql, 4))) {
            say(checking, "project '%s': the origin %016llx is not what was added", checking->project->name,
                (unsigned long long)id);
        }
    }
    return go_on(checking, result);
}

static int check_commits(struct checking *checking)
{
    struct tare_history_commit *commits;
    size_t count;
    int result = tare__store_commits(checking->store, checking->project, &commits, &count);
    tare__commits_free(commits, count);
    if (result != 0) {
        return go_on(checking, result);
    }
    struct tare__sql *sql = checking->store->sql;
    struct tare__sql_value key = tare__sql_whole(checking->project->id);
    result = tare__sql_query(sql, "wb", "SELECT commit_key, commit_id FROM tare_commits WHERE project = $1",
                             &key, 1);
    if (result != 0) {
        return go_on(checking, result);
    }
    while ((result = tare__sql_next(sql)) == 1) {
        size_t size;
        const void *bytes = tare__sql_get_bytes(sql, 1, &size);
        char *id;
        result = tare__commit_ids_read(bytes, size, &id);
        if (result != 0) {
            result = result == -ENOMEM ? tare__store_no_memory(checking->store)
                                       : tare__store_damaged(checking->store, "a commit's id");
            break;
        }
        if (tare__sql_get_whole(sql, 0) != tare__commit_key(id)) {
            say(checking, "project '%s': the commit '%s' is kept under the key of another one",
                checking->project->name, id);
        }
        free(id);
    }
    tare__sql_end(sql);
    return go_on(checking, result);
}

/* The points of a run that is looked at. */
struct checked_points {
    struct checking *checking;
    int64_t count, missing, beyond;
    bool unpacks;
};

static int check_point(void *data, struct tare__stored_point *stored)
{
    struct checked_points *checked = data;
    checked->count++;
    checked->missing += tare__ids_find(&checked->checking->series, stored->series) == SIZE_MAX;
    int result = tare__store_unpack(checked->checking->store, stored);
    if (result == -ENOMEM) {
        return result;
    }
    checked->unpacks &= result == 0;
    checked->beyond += tare__point_is_beyond(&stored->point);
    tare_history_point_release(&stored->point);
    return 0;
}

/* Of the row that is looked at: what its points say. */
static int check_points(struct checking *checking, const struct tare_history_run *run)
{
    const struct tare__sql *sql = checking->store->sql;
    struct checked_points checked = {.checking = checking, .unpacks = true};
    int64_t says = tare__sql_get_whole(sql, TARE__RUN_POINTS);
    int result = tare__store_each_point(checking->store, TARE__RUN_REST, true, check_point, &checked);
    if (result == -ENOMEM) {
        return result;
    }
    if (result != 0) {
        say(checking, "project '%s': the points of the result %.16s are damaged", checking->project->name,
            run->digest);
    } else if (checked.count != says) {
        say(checking, "project '%s': the result %.16s has %lld points where it says %lld",
            checking->project->name, run->digest, (long long)checked.count, (long long)says);
    }
    if (!checked.unpacks) {
        say(checking, "project '%s': the values of blocks of the result %.16s are damaged",
            checking->project->name, run->digest);
    }
    if (checked.missing > 0) {
        say(checking, "project '%s': %lld points of the result %.16s are of series that are not there",
            checking->project->name, (long long)checked.missing, run->digest);
    }
    if (checked.beyond > 0) {
        say(checking, "project '%s': %lld points of the result %.16s have figures beyond %g",
            checking->project->name, (long long)checked.beyond, run->digest, TARE_VALUE_LIMIT);
    }
    return 0;
}

/* What a run refers to. False: something is not there, and was said. */
static bool check_references(struct checking *checking)
{
    const struct tare__sql *sql = checking->store->sql;
    bool origin = tare__sql_get_whole(sql, TARE__RUN_ORIGIN) != TARE_HISTORY_UNKNOWN;
    size_t size;
    bool commit = tare__sql_get_whole(sql, TARE__RUN_COMMIT_KEY) == TARE_HISTORY_UNKNOWN ||
                  tare__sql_get_bytes(sql, TARE__RUN_COMMIT, &size) != NULL;
    if (!origin || !commit) {
        say(checking, "project '%s': the %s of the result with the id %016llx is not there",
            checking->project->name, origin ? "commit" : "origin",
            (unsigned long long)tare__sql_get_whole(sql, 0));
    }
    return origin && commit;
}

static int check_run(struct checking *checking)
{
    struct tare_history_run run;
    int64_t environment;
    if (!check_references(checking)) {
        return tare__ids_put(&checking->runs, tare__sql_get_whole(checking->store->sql, 0), 0) == 0
                   ? 0
                   : tare__store_no_memory(checking->store);
    }
    int result = tare__store_run(checking->store, checking->project->name, &run, &environment);
    if (result != 0) {
        return go_on(checking, result);
    }
    if (!tare_history_run_has_id(&run)) {
        say(checking, "project '%s': the result %.16s is kept under the id of another one",
            checking->project->name, run.digest);
    }
    if (environment != TARE_HISTORY_UNKNOWN &&
        tare__ids_find(&checking->environments, environment) == SIZE_MAX) {
        say(checking, "project '%s': the environment of the result %.16s is not there", checking->project->name,
            run.digest);
    }
    result = check_points(checking, &run);
    if (result != 0) {
        tare_history_run_release(&run);
        return result;
    }
    void *grown = tare__store_room(checking->listed, checking->listed_count, &checking->listed_room,
                                   sizeof *checking->listed);
    if (grown == NULL || tare__ids_put(&checking->runs, run.id, 0) != 0) {
        checking->listed = grown != NULL ? grown : checking->listed;
        tare_history_run_release(&run);
        return tare__store_no_memory(checking->store);
    }
    checking->listed = grown;
    checking->listed[checking->listed_count].id = run.id;
    checking->listed[checking->listed_count].raw = run.raw_size > 0;
    tare__hex_to_bytes(run.digest, checking->listed[checking->listed_count].digest, TARE_SHA256_BYTES);
    checking->listed_count++;
    tare_history_run_release(&run);
    return 0;
}

static int check_runs(struct checking *checking)
{
    struct tare__sql *sql = checking->store->sql;
    struct tare__sql_value key = tare__sql_whole(checking->project->id);
    int result = tare__sql_query(sql, TARE__RUN_KINDS "bB",
                                 "SELECT " TARE__RUN_COLUMNS ", r.points, r.block_values FROM " TARE__RUN_TABLES
                                 " WHERE r.project = $1",
                                 &key, 1);
    if (result != 0) {
        return go_on(checking, result);
    }
    while ((result = tare__sql_next(sql)) == 1) {
        result = check_run(checking);
        if (result != 0) {
            break;
        }
    }
    tare__sql_end(sql);
    return go_on(checking, result);
}

static int check_raws(struct checking *checking)
{
    int result = 0;
    for (size_t i = 0; i < checking->listed_count && result == 0; i++) {
        char *raw = NULL;
        size_t size;
        if (!checking->listed[i].raw) {
            continue;
        }
        result = tare_store_raw(checking->store, checking->project->name, checking->listed[i].id, &raw, &size);
        free(raw);
        if (result == -EINVAL || result == -ENODATA) {
            char hex[TARE_SHA256_HEX + 1];
            tare__bytes_to_hex(checking->listed[i].digest, TARE_SHA256_BYTES, hex);
            say(checking, "project '%s': the raw result of %.16s is damaged", checking->project->name, hex);
            result = 0;
        }
    }
    struct tare__sql *sql = checking->store->sql;
    struct tare__sql_value key = tare__sql_whole(checking->project->id);
    if (result == 0) {
        result = tare__sql_query(sql, "w", "SELECT run FROM tare_raws WHERE project = $1", &key, 1);
    }
    if (result != 0) {
        return go_on(checking, result);
    }
    while ((result = tare__sql_next(sql)) == 1) {
        if (tare__ids_find(&checking->runs, tare__sql_get_whole(sql, 0)) == SIZE_MAX) {
            say(checking, "project '%s': there is a raw result of a run that is not there (%016llx)",
                checking->project->name, (unsigned long long)tare__sql_get_whole(sql, 0));
        }
    }
    return go_on(checking, result);
}

static int check_baselines(struct checking *checking)
{
    struct tare_history_baseline *baselines;
    size_t count;
    int result = tare__store_baselines(checking->store, checking->project, &baselines, &count);
    tare__baselines_free(baselines, count);
    return go_on(checking, result);
}

static int check_project(struct checking *checking, const struct tare__project *project)
{
    static int (*const parts[])(struct checking *) = {check_series,   check_environments, check_origins,
                                                      check_commits,  check_runs,         check_raws,
                                                      check_baselines};
    checking->project = project;
    if (project->id != tare_history_project_id(project->name)) {
        say(checking, "the project '%s' is kept under the id of another one", project->name);
    }
    int result = 0;
    for (size_t i = 0; i < sizeof parts / sizeof parts[0] && result == 0; i++) {
        result = parts[i](checking);
    }
    tare__ids_release(&checking->series);
    tare__ids_release(&checking->environments);
    tare__ids_release(&checking->runs);
    free(checking->listed);
    checking->listed = NULL;
    checking->listed_count = checking->listed_room = 0;
    return result;
}

/* Rows of no project. */
static int check_strays(struct checking *checking)
{
    static const struct {
        const char *table, *text;
    } tables[] = {
#define STRAYS(table) "SELECT count(*) FROM " table " WHERE project NOT IN (SELECT project FROM tare_projects)"
        {"series", STRAYS("tare_series")},
        {"commits", STRAYS("tare_commits")},
        {"environments", STRAYS("tare_environments")},
        {"origins", STRAYS("tare_origins")},
        {"results", STRAYS("tare_runs")},
        {"raw results", STRAYS("tare_raws")},
        {"baselines", STRAYS("tare_baselines")},
    };
    struct tare__sql *sql = checking->store->sql;
    int result = 0;
    for (size_t i = 0; i < sizeof tables / sizeof tables[0] && result == 0; i++) {
        result = tare__sql_query(sql, "w", tables[i].text, NULL, 0);
        while (result == 0 && (result = tare__sql_next(sql)) == 1) {
            int64_t count = tare__sql_get_whole(sql, 0);
            if (count != 0) {
                say(checking, "%lld %s are of a project that is not there", (long long)count, tables[i].table);
            }
            result = 0;
        }
        tare__sql_end(sql);
        result = go_on(checking, result);
    }
    return result;
}

static int check_all(struct tare__sql *sql, void *data)
{
    struct checking *checking = data;
    checking->wrong = 0;
    int result = tare__sql_check(sql, checking->found, checking->data, &checking->wrong);
    if (result != 0) {
        return result;
    }
    struct tare__project *projects;
    size_t count;
    result = go_on(checking, tare__store_projects(checking->store, NULL, &projects, &count));
    for (size_t i = 0; i < count && result == 0; i++) {
        result = check_project(checking, &projects[i]);
    }
    tare__projects_free(projects, count);
    return result != 0 ? result : check_strays(checking);
}

int tare_store_fsck(struct tare_store *store, tare_store_found *found, void *data, size_t *wrong)
{
    struct checking checking = {.store = store, .found = found, .data = data};
    int result = go_on(&checking, tare__sql_transaction(store->sql, false, check_all, &checking));
    *wrong = checking.wrong;
    return result;
}
