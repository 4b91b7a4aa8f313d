/* SPDX-License-Identifier: MIT */
/*
 * Merging: what another store has is read as records and added like any other, run by run, so that a merge
 * that is ended is simply begun again. Nothing is asked of one store while the other is waited for: they may
 * be the same.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "history/store_parts.h"

struct merging {
    struct tare_store *to, *from;
    const struct tare__project *project;
    struct tare_history_series *series; /* of the project, in `from` */
    size_t series_count;
    struct tare__ids places;
    struct tare__ids there; /* runs in `to`; 1: with their raw result, 0: without */
    struct tare_store_counts *added;
};

/* What `from` says of its error is said by `to`, whose message the caller asks for. */
static int failed_there(struct merging *merging, int result)
{
    return merging->to == merging->from
               ? result
               : tare__sql_fail(merging->to->sql, result, "%s", tare_store_message(merging->from));
}

static int look_what_is_there(struct merging *merging)
{
    struct tare__sql *sql = merging->to->sql;
    struct tare__sql_value key = tare__sql_whole(merging->project->id);
    int result = tare__sql_query(
        sql, "wW", "SELECT r.run, w.size FROM " TARE__RAW_TABLES " WHERE r.project = $1", &key, 1);
    if (result != 0) {
        return result;
    }
    while ((result = tare__sql_next(sql)) == 1) {
        if (tare__ids_put(&merging->there, tare__sql_get_whole(sql, 0),
                          tare__sql_get_whole(sql, 1) != TARE_HISTORY_UNKNOWN) != 0) {
            result = tare__store_no_memory(merging->to);
            break;
        }
    }
    tare__sql_end(sql);
    return result;
}

/* One run of `from`. Series and run belong to others. */
struct loading {
    struct merging *merging;
    int64_t run;
    bool found;
    struct tare_history_record record;
};

static void release_loading(struct loading *loading)
{
    for (size_t i = 0; i < loading->record.line_count; i++) {
        struct tare_history_line *line = &loading->record.lines[i];
        line->series = (struct tare_history_series){0}; /* not its own */
    }
    tare_history_record_release(&loading->record);
}

static int load_point(void *data, struct tare__stored_point *stored)
{
    struct loading *loading = data;
    struct merging *merging = loading->merging;
    size_t place = tare__ids_find(&merging->places, stored->series);
    if (place == SIZE_MAX) {
        return tare__store_damaged(merging->from, "a point's series is not there");
    }
    int result = tare__store_unpack(merging->from, stored);
    if (result != 0) {
        return result;
    }
    struct tare_history_line *line = tare_history_record_add(&loading->record);
    if (line == NULL) {
        tare_history_point_release(&stored->point);
        return tare__store_no_memory(merging->from);
    }
    line->series = merging->series[place];
    line->points[0] = stored->point;
    line->points[0].run = loading->run;
    return 0;
}

static int load(struct tare__sql *sql, void *data)
{
    struct loading *loading = data;
    struct merging *merging = loading->merging;
    release_loading(loading);
    loading->found = false;
    int64_t environment = TARE_HISTORY_UNKNOWN;
    struct tare__sql_value key[] = {tare__sql_whole(merging->project->id), tare__sql_whole(loading->run)};
    int result = tare__sql_query(sql, TARE__RUN_KINDS "bB",
                                 "SELECT " TARE__RUN_COLUMNS ", r.points, r.block_values FROM " TARE__RUN_TABLES
                                 " WHERE r.project = $1 AND r.run = $2",
                                 key, 2);
    if (result != 0 || (result = tare__sql_next(sql)) != 1) {
        return result; /* gone meanwhile: then there is nothing to merge */
    }
    loading->found = true;
    result = tare__store_run(merging->from, merging->project->name, &loading->record.run, &environment);
    if (result == 0) {
        result = tare__store_each_point(merging->from, TARE__RUN_REST, true, load_point, loading);
    }
    tare__sql_end(sql);
    if (result == 0) {
        result = tare__store_environment(merging->from, merging->project->id, environment,
                                         &loading->record.run.environment);
    }
    if (result == 0 && loading->record.run.raw_size > 0) {
        result = tare_store_raw(merging->from, merging->project->name, loading->run, &loading->record.raw,
                                &loading->record.raw_size);
    }
    return result;
}

static int merge_run(struct merging *merging, const struct tare_history_run *run)
{
    size_t there = tare__ids_find(&merging->there, run->id);
    if (there == 1 || (there == 0 && run->raw_size == 0)) {
        return 0;
    }
    if (there == 0) {
        char *raw;
        size_t size;
        int result = tare_store_raw(merging->from, merging->project->name, run->id, &raw, &size);
        if (result != 0) {
            return result == -ENODATA ? 0 : failed_there(merging, result);
        }
        bool added;
        result = tare__store_add_raw(merging->to, merging->project->name, run->id, raw, size, &added);
        merging->added->raws += added;
        free(raw);
        return result;
    }
    struct loading loading = {.merging = merging, .run = run->id};
    tare_history_record_init(&loading.record);
    int result = tare__sql_transaction(merging->from->sql, false, load, &loading);
    if (result != 0) {
        result = failed_there(merging, result);
    } else if (loading.found) {
        size_t added;
        result = tare__store_add(merging->to, &loading.record, 1, &added, merging->added);
    }
    release_loading(&loading);
    return result;
}

static int merge_runs(struct merging *merging, struct tare_history_run *runs, size_t count)
{
    int result = 0;
    for (size_t i = count; i-- > 0 && result == 0;) { /* oldest first, as they would have been added */
        result = merge_run(merging, &runs[i]);
    }
    return result;
}

static int merge_commits(struct merging *merging)
{
    struct tare_history_commit *commits;
    size_t count;
    int result = tare__store_commits(merging->from, merging->project, &commits, &count);
    if (result != 0) {
        return failed_there(merging, result);
    }
    result = tare__store_add_commits(merging->to, merging->project->name, commits, count, merging->added);
    tare__commits_free(commits, count);
    return result;
}

static int merge_baselines(struct merging *merging)
{
    struct tare_history_baseline *theirs, *ours;
    size_t count, our_count;
    int result = tare__store_baselines(merging->from, merging->project, &theirs, &count);
    if (result != 0) {
        return failed_there(merging, result);
    }
    result = tare__store_baselines(merging->to, merging->project, &ours, &our_count);
    for (size_t i = 0; i < count && result == 0; i++) {
        bool there = false;
        for (size_t k = 0; k < our_count; k++) {
            there |= strcmp(theirs[i].name, ours[k].name) == 0;
        }
        if (!there) {
            result = tare_store_baseline_set(merging->to, &theirs[i]);
            merging->added->baselines += result == 0;
        }
    }
    tare__baselines_free(theirs, count);
    tare__baselines_free(ours, our_count);
    return result;
}

/* Series are read behind the runs: those of all runs that were seen are there, whoever adds meanwhile. */
static int load_series(struct merging *merging)
{
    int result = tare__store_series(merging->from, merging->project, &merging->series, &merging->series_count);
    if (result != 0) {
        return failed_there(merging, result);
    }
    for (size_t i = 0; i < merging->series_count; i++) {
        if (tare__ids_put(&merging->places, merging->series[i].id, i) != 0) {
            return tare__store_no_memory(merging->to);
        }
    }
    return 0;
}

static int merge_project(struct merging *merging)
{
    struct tare_history_run *runs;
    size_t count;
    int result = tare_store_runs(merging->from, merging->project->name, 0, &runs, &count);
    if (result != 0) {
        return failed_there(merging, result);
    }
    result = load_series(merging);
    if (result == 0) {
        result = look_what_is_there(merging);
    }
    if (result == 0) {
        result = merge_commits(merging);
    }
    if (result == 0) {
        result = merge_runs(merging, runs, count);
    }
    for (size_t i = 0; i < count; i++) {
        tare_history_run_release(&runs[i]);
    }
    free(runs);
    return result != 0 ? result : merge_baselines(merging);
}

int tare_store_merge(struct tare_store *store, struct tare_store *from, struct tare_store_counts *added)
{
    *added = (struct tare_store_counts){0};
    struct tare__project *projects;
    size_t count;
    int result = tare__store_projects(from, NULL, &projects, &count);
    if (result != 0) {
        return tare__sql_fail(store->sql, result, "%s", tare_store_message(from));
    }
    for (size_t i = 0; i < count && result == 0; i++) {
        struct merging merging = {.to = store, .from = from, .project = &projects[i], .added = added};
        result = merge_project(&merging);
        tare__series_free(merging.series, merging.series_count);
        tare__ids_release(&merging.places);
        tare__ids_release(&merging.there);
    }
    tare__projects_free(projects, count);
    return result;
}
