/* SPDX-License-Identifier: MIT */
/*
 * Reading: one pass over the runs of a project, of which each brings all its points at once. All of it is of
 * one state of the store.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "history/store_parts.h"

/* Of one project, while it is read. */
struct gathering {
    struct tare_store *store;
    const struct tare_history_query *query;
    const struct tare__project *project;
    struct tare_history_series *series;
    size_t series_count;
    struct tare__ids places;         /* of series */
    bool *wanted;                    /* of each series */
    struct tare_history_line *lines; /* of each series, their series empty */
    size_t *rooms;                   /* of each line */
    struct tare_history_run *runs;
    int64_t *environments;
    size_t run_count, run_room, environment_room;
};

static void release_gathering(struct gathering *gathering)
{
    for (size_t i = 0; i < gathering->series_count && gathering->lines != NULL; i++) {
        tare_history_line_release(&gathering->lines[i]);
    }
    for (size_t i = 0; i < gathering->run_count; i++) {
        tare_history_run_release(&gathering->runs[i]);
    }
    tare__series_free(gathering->series, gathering->series_count);
    tare__ids_release(&gathering->places);
    free(gathering->wanted);
    free(gathering->lines);
    free(gathering->rooms);
    free(gathering->runs);
    free(gathering->environments);
}

static int gather_series(struct gathering *gathering)
{
    const struct tare_history_query *query = gathering->query;
    int result =
        tare__store_series(gathering->store, gathering->project, &gathering->series, &gathering->series_count);
    if (result != 0) {
        return result;
    }
    size_t count = gathering->series_count;
    gathering->wanted = calloc(count + 1, sizeof *gathering->wanted);
    gathering->lines = calloc(count + 1, sizeof *gathering->lines);
    gathering->rooms = calloc(count + 1, sizeof *gathering->rooms);
    if (gathering->wanted == NULL || gathering->lines == NULL || gathering->rooms == NULL) {
        return tare__store_no_memory(gathering->store);
    }
    for (size_t i = 0; i < count; i++) {
        const struct tare_history_series *series = &gathering->series[i];
        bool match;
        if (tare__ids_put(&gathering->places, series->id, i) != 0 ||
            !tare__title_matches(series, query->patterns, &match)) {
            return tare__store_no_memory(gathering->store);
        }
        gathering->wanted[i] =
            match && (query->fingerprint == NULL ||
                      strncmp(series->fingerprint, query->fingerprint, strlen(query->fingerprint)) == 0);
    }
    return 0;
}

/* The points of a run that is looked at. */
struct gathering_run {
    struct gathering *gathering;
    int64_t run;
    bool any;
};

static int keep_point(void *data, struct tare__stored_point *stored)
{
    struct gathering_run *run = data;
    struct gathering *gathering = run->gathering;
    size_t place = tare__ids_find(&gathering->places, stored->series);
    if (place == SIZE_MAX) {
        return tare__store_damaged(gathering->store, "a point's series is not there");
    }
    if (!gathering->wanted[place]) {
        return 0;
    }
    run->any = true;
    struct tare_history_line *line = &gathering->lines[place];
    struct tare_history_point *grown =
        tare__store_room(line->points, line->count, &gathering->rooms[place], sizeof *grown);
    if (grown == NULL) {
        return tare__store_no_memory(gathering->store);
    }
    line->points = grown;
    int result = tare__store_unpack(gathering->store, stored);
    if (result != 0) {
        return result;
    }
    stored->point.run = run->run;
    line->points[line->count++] = stored->point;
    return 0;
}

static int keep_run(struct gathering *gathering)
{
    struct tare_store *store = gathering->store;
    struct gathering_run run = {.gathering = gathering, .run = tare__sql_get_whole(store->sql, 0)};
    int result = tare__store_each_point(store, TARE__RUN_REST, gathering->query->values, keep_point, &run);
    if (result != 0 || !run.any) {
        return result;
    }
    struct tare_history_run *runs =
        tare__store_room(gathering->runs, gathering->run_count, &gathering->run_room, sizeof *runs);
    gathering->runs = runs != NULL ? runs : gathering->runs;
    int64_t *environments = tare__store_room(gathering->environments, gathering->run_count,
                                             &gathering->environment_room, sizeof *environments);
    gathering->environments = environments != NULL ? environments : gathering->environments;
    if (runs == NULL || environments == NULL) {
        return tare__store_no_memory(store);
    }
    result = tare__store_run(store, gathering->project->name, &runs[gathering->run_count],
                             &environments[gathering->run_count]);
    gathering->run_count += result == 0;
    return result;
}

static int gather_runs(struct gathering *gathering)
{
    const struct tare_history_query *query = gathering->query;
    struct tare__sql *sql = gathering->store->sql;
    struct tare__sql_value values[] = {
        tare__sql_whole(gathering->project->id),
        tare__sql_whole(query->since_ms == TARE_HISTORY_UNKNOWN ? -INT64_MAX : query->since_ms),
        tare__sql_whole(query->branch == NULL),
        tare__sql_text(query->branch != NULL ? query->branch : ""),
        tare__sql_whole(query->clean ? 0 : 1),
    };
    /* Not asked for, values are not read from the disk either. */
    const char *text =
        query->values
            ? "SELECT " TARE__RUN_COLUMNS ", r.points, r.block_values FROM " TARE__RUN_TABLES
              " WHERE r.project = $1 AND r.started_ms >= $2 AND ($3 = 1 OR o.branch IS NULL OR o.branch = $4)"
              " AND (r.dirty IS NULL OR r.dirty <= $5)"
            : "SELECT " TARE__RUN_COLUMNS ", r.points FROM " TARE__RUN_TABLES
              " WHERE r.project = $1 AND r.started_ms >= $2 AND ($3 = 1 OR o.branch IS NULL OR o.branch = $4)"
              " AND (r.dirty IS NULL OR r.dirty <= $5)";
    int result = tare__sql_query(sql, query->values ? TARE__RUN_KINDS "bB" : TARE__RUN_KINDS "b", text, values,
                                 sizeof values / sizeof values[0]);
    if (result != 0) {
        return result;
    }
    while ((result = tare__sql_next(sql)) == 1) {
        result = keep_run(gathering);
        if (result != 0) {
            break;
        }
    }
    tare__sql_end(sql);
    return result != 0 ? result
                       : tare__store_environments(gathering->store, gathering->project->id, gathering->runs,
                                                  gathering->environments, gathering->run_count);
}

/* `count` elements behind those of `array`, which they belong to from then on; NULL without memory. */
static void *joined(void *array, size_t array_count, const void *elements, size_t count, size_t size)
{
    char *grown = reallocarray(array, array_count + count + 1, size);
    if (grown != NULL && count > 0) {
        memcpy(grown + array_count * size, elements, count * size);
    }
    return grown;
}

/* Hands what was gathered over to the history. */
static int give_lines(struct gathering *gathering, struct tare_history *history)
{
    size_t count = 0;
    for (size_t i = 0; i < gathering->series_count; i++) {
        count += gathering->lines[i].count > 0;
    }
    struct tare_history_line *grown =
        reallocarray(history->lines, history->line_count + count + 1, sizeof *grown);
    if (grown == NULL) {
        return tare__store_no_memory(gathering->store);
    }
    history->lines = grown;
    for (size_t i = 0; i < gathering->series_count; i++) {
        if (gathering->lines[i].count > 0) {
            struct tare_history_line *line = &history->lines[history->line_count++];
            *line = gathering->lines[i];
            line->series = gathering->series[i];
            gathering->lines[i] = (struct tare_history_line){0};
            gathering->series[i] = (struct tare_history_series){0};
        }
    }
    struct tare_history_run *runs =
        joined(history->runs, history->run_count, gathering->runs, gathering->run_count, sizeof *runs);
    if (runs == NULL) {
        return tare__store_no_memory(gathering->store);
    }
    history->runs = runs;
    history->run_count += gathering->run_count;
    gathering->run_count = 0;
    return 0;
}

static int give_commits(struct tare_store *store, const struct tare__project *project,
                        struct tare_history *history)
{
    struct tare_history_commit *commits;
    size_t count;
    int result = tare__store_commits(store, project, &commits, &count);
    if (result != 0) {
        return result;
    }
    struct tare_history_commit *all =
        joined(history->commits, history->commit_count, commits, count, sizeof *all);
    if (all == NULL) {
        tare__commits_free(commits, count);
        return tare__store_no_memory(store);
    }
    history->commits = all;
    history->commit_count += count;
    free(commits);
    return 0;
}

static int give_baselines(struct tare_store *store, const struct tare__project *project,
                          struct tare_history *history)
{
    struct tare_history_baseline *baselines;
    size_t count;
    int result = tare__store_baselines(store, project, &baselines, &count);
    if (result != 0) {
        return result;
    }
    struct tare_history_baseline *all =
        joined(history->baselines, history->baseline_count, baselines, count, sizeof *all);
    if (all == NULL) {
        tare__baselines_free(baselines, count);
        return tare__store_no_memory(store);
    }
    history->baselines = all;
    history->baseline_count += count;
    free(baselines);
    return 0;
}

int tare__store_read_project(struct tare_store *store, const struct tare_history_query *query,
                             const struct tare__project *project, struct tare_history *history)
{
    struct gathering gathering = {.store = store, .query = query, .project = project};
    int result = gather_series(&gathering);
    if (result == 0) {
        result = gather_runs(&gathering);
    }
    if (result == 0) {
        result = give_lines(&gathering, history);
    }
    release_gathering(&gathering);
    if (result == 0) {
        result = give_commits(store, project, history);
    }
    return result != 0 ? result : give_baselines(store, project, history);
}

/* The whole */

static int by_run_id(const void *a, const void *b)
{
    int64_t first = ((const struct tare_history_run *)a)->id, second = ((const struct tare_history_run *)b)->id;
    return first < second ? -1 : first > second;
}

static int by_commit_id(const void *a, const void *b)
{
    return strcmp(((const struct tare_history_commit *)a)->id, ((const struct tare_history_commit *)b)->id);
}

/* Projects that share a repository know the same commits: one of each stays, the one that is known better. */
static void join_commits(struct tare_history *history)
{
    size_t kept = 0;
    for (size_t i = 0; i < history->commit_count; i++) {
        struct tare_history_commit *commit = &history->commits[i];
        struct tare_history_commit *before = kept > 0 ? &history->commits[kept - 1] : NULL;
        if (before == NULL || strcmp(before->id, commit->id) != 0) {
            history->commits[kept++] = *commit;
            continue;
        }
        if (before->ordinal == TARE_HISTORY_UNKNOWN && commit->ordinal != TARE_HISTORY_UNKNOWN) {
            tare_history_commit_release(before);
            *before = *commit;
        } else {
            tare_history_commit_release(commit);
        }
    }
    history->commit_count = kept;
}

struct titled {
    char *title;
    struct tare_history_line line;
};

static int by_title(const void *a, const void *b)
{
    const struct titled *first = a, *second = b;
    int order = strcmp(first->title, second->title);
    const struct tare_history_series *one = &first->line.series, *other = &second->line.series;
    order = order != 0 ? order : strcmp(one->project, other->project);
    order = order != 0 ? order : strcmp(one->fingerprint, other->fingerprint);
    return order != 0 ? order : one->id < other->id ? -1 : one->id > other->id;
}

static int sort_lines(struct tare_store *store, struct tare_history *history)
{
    struct titled *titled = calloc(history->line_count + 1, sizeof *titled);
    bool done = titled != NULL;
    for (size_t i = 0; i < history->line_count && done; i++) {
        titled[i] = (struct titled){tare_history_title(&history->lines[i].series), history->lines[i]};
        done = titled[i].title != NULL;
    }
    if (done) {
        qsort(titled, history->line_count, sizeof *titled, by_title);
        for (size_t i = 0; i < history->line_count; i++) {
            history->lines[i] = titled[i].line;
        }
    }
    for (size_t i = 0; titled != NULL && i < history->line_count; i++) {
        free(titled[i].title);
    }
    free(titled);
    return done ? 0 : tare__store_no_memory(store);
}

static void keep_last(struct tare_history *history, size_t last)
{
    for (size_t i = 0; i < history->line_count; i++) {
        struct tare_history_line *line = &history->lines[i];
        if (last == 0 || line->count <= last) {
            continue;
        }
        size_t gone = line->count - last;
        for (size_t k = 0; k < gone; k++) {
            tare_history_point_release(&line->points[k]);
        }
        memmove(line->points, line->points + gone, last * sizeof *line->points);
        line->count = last;
    }
}

/* Runs without a point, and commits that nothing is of. */
static int drop_unused(struct tare_store *store, const struct tare_history_query *query,
                       struct tare_history *history)
{
    bool *used_runs = calloc(history->run_count + 1, sizeof *used_runs);
    bool *used_commits = calloc(history->commit_count + 1, sizeof *used_commits);
    if (used_runs == NULL || used_commits == NULL) {
        free(used_runs);
        free(used_commits);
        return tare__store_no_memory(store);
    }
    for (size_t i = 0; i < history->line_count && query->last > 0; i++) {
        for (size_t k = 0; k < history->lines[i].count; k++) {
            const struct tare_history_run *run =
                tare_history_find_run(history, history->lines[i].points[k].run);
            used_runs[run - history->runs] = true;
        }
    }
    for (size_t i = 0; i < history->baseline_count; i++) {
        const struct tare_history_commit *commit =
            tare_history_find_commit(history, history->baselines[i].commit);
        if (commit != NULL) {
            used_commits[commit - history->commits] = true;
        }
    }
    size_t kept = 0;
    for (size_t i = 0; i < history->run_count; i++) {
        if (query->last > 0 && !used_runs[i]) {
            tare_history_run_release(&history->runs[i]);
            continue;
        }
        const struct tare_history_commit *commit = tare_history_find_commit(history, history->runs[i].commit);
        if (commit != NULL) {
            used_commits[commit - history->commits] = true;
        }
        history->runs[kept++] = history->runs[i];
    }
    history->run_count = kept;
    kept = 0;
    for (size_t i = 0; i < history->commit_count; i++) {
        if (used_commits[i] || query->every_commit) {
            history->commits[kept++] = history->commits[i];
        } else {
            tare_history_commit_release(&history->commits[i]);
        }
    }
    history->commit_count = kept;
    free(used_runs);
    free(used_commits);
    return 0;
}

struct reading {
    struct tare_store *store;
    const struct tare_history_query *query;
    struct tare_history *history;
};

static int read_all(struct tare__sql *sql, void *data)
{
    (void)sql;
    struct reading *reading = data;
    tare_history_release(reading->history);
    struct tare__project *projects;
    size_t count;
    int result = tare__store_projects(reading->store, reading->query->project, &projects, &count);
    for (size_t i = 0; i < count && result == 0; i++) {
        result = tare__store_read_project(reading->store, reading->query, &projects[i], reading->history);
    }
    tare__projects_free(projects, count);
    return result;
}

int tare__store_order(struct tare_store *store, struct tare_history *history)
{
    if (history->run_count > 0) {
        qsort(history->runs, history->run_count, sizeof *history->runs, by_run_id);
    }
    if (history->commit_count > 0) {
        qsort(history->commits, history->commit_count, sizeof *history->commits, by_commit_id);
        join_commits(history);
    }
    return tare_history_sort(history) == 0 ? 0 : tare__store_no_memory(store);
}

int tare_store_read(struct tare_store *store, const struct tare_history_query *query,
                    struct tare_history *history)
{
    *history = (struct tare_history){0};
    struct reading reading = {store, query, history};
    int result = tare__sql_transaction(store->sql, false, read_all, &reading);
    if (result == 0) {
        result = tare__store_order(store, history);
    }
    if (result == 0) {
        result = sort_lines(store, history);
    }
    if (result == 0) {
        keep_last(history, query->last);
        result = drop_unused(store, query, history);
    }
    if (result != 0) {
        tare_history_release(history);
    }
    return result;
}

/* Runs alone */

static int by_age(const void *a, const void *b)
{
    const struct tare_history_run *first = a, *second = b;
    if (first->started_ms != second->started_ms) {
        return first->started_ms > second->started_ms ? -1 : 1;
    }
    return first->id < second->id ? -1 : first->id > second->id;
}

struct listing {
    struct tare_store *store;
    const char *project;
    struct tare_history_run *runs;
    size_t count, room;
};

static void release_listing(struct listing *listing)
{
    for (size_t i = 0; i < listing->count; i++) {
        tare_history_run_release(&listing->runs[i]);
    }
    free(listing->runs);
    listing->runs = NULL;
    listing->count = listing->room = 0;
}

static int list_project(struct listing *listing, const struct tare__project *project)
{
    struct tare_store *store = listing->store;
    struct tare__sql_value key = tare__sql_whole(project->id);
    size_t first = listing->count, environment_count = 0, environment_room = 0;
    int64_t *environments = NULL;
    int result =
        tare__sql_query(store->sql, TARE__RUN_KINDS,
                        "SELECT " TARE__RUN_COLUMNS " FROM " TARE__RUN_TABLES " WHERE r.project = $1", &key, 1);
    if (result != 0) {
        return result;
    }
    while ((result = tare__sql_next(store->sql)) == 1) {
        struct tare_history_run *runs =
            tare__store_room(listing->runs, listing->count, &listing->room, sizeof *runs);
        listing->runs = runs != NULL ? runs : listing->runs;
        int64_t *more = tare__store_room(environments, environment_count, &environment_room, sizeof *more);
        environments = more != NULL ? more : environments;
        if (runs == NULL || more == NULL) {
            result = tare__store_no_memory(store);
            break;
        }
        result = tare__store_run(store, project->name, &runs[listing->count], &environments[environment_count]);
        if (result != 0) {
            break;
        }
        listing->count++;
        environment_count++;
    }
    tare__sql_end(store->sql);
    if (result == 0) {
        result = tare__store_environments(store, project->id, listing->runs + first, environments,
                                          environment_count);
    }
    free(environments);
    return result;
}

static int list_all(struct tare__sql *sql, void *data)
{
    (void)sql;
    struct listing *listing = data;
    release_listing(listing);
    struct tare__project *projects;
    size_t count;
    int result = tare__store_projects(listing->store, listing->project, &projects, &count);
    for (size_t i = 0; i < count && result == 0; i++) {
        result = list_project(listing, &projects[i]);
    }
    tare__projects_free(projects, count);
    return result;
}

int tare_store_runs(struct tare_store *store, const char *project, size_t limit, struct tare_history_run **runs,
                    size_t *count)
{
    struct listing listing = {.store = store, .project = project};
    int result = tare__sql_transaction(store->sql, false, list_all, &listing);
    *runs = NULL;
    *count = 0;
    if (result != 0) {
        release_listing(&listing);
        return result;
    }
    if (listing.count > 0) {
        qsort(listing.runs, listing.count, sizeof *listing.runs, by_age);
    }
    while (limit > 0 && listing.count > limit) {
        tare_history_run_release(&listing.runs[--listing.count]);
    }
    *runs = listing.runs;
    *count = listing.count;
    return 0;
}
