/* SPDX-License-Identifier: MIT */
/*
 * Pruning. Which points go is decided in memory, over the series in the order in which they are shown; then
 * runs of which nothing is left are deleted, and the others are written anew without what goes. The project
 * is locked against adding meanwhile, as a result that arrives could need a series that is about to go.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "history/store_parts.h"

struct going {
    int64_t run, series;
};

struct run_row {
    int64_t run, started_ms, points, raw_size;
};

struct pruning {
    struct tare_store *store;
    const struct tare_prune *what;
    struct tare_store_counts gone;
};

/* Of one project. */
struct cut {
    const struct tare__project *project;
    struct going *going; /* by run, then series */
    size_t count, room;
    int64_t *series; /* that have no point left */
    size_t series_count, series_room;
    struct run_row *runs;
    size_t run_count, run_room;
};

static int by_run(const void *a, const void *b)
{
    const struct going *first = a, *second = b;
    if (first->run != second->run) {
        return first->run < second->run ? -1 : 1;
    }
    return first->series < second->series ? -1 : first->series > second->series;
}

static bool is_before(const struct tare_prune *what, int64_t started_ms)
{
    return what->before_ms == TARE_HISTORY_UNKNOWN || started_ms < what->before_ms;
}

static int choose_points(struct pruning *pruning, struct cut *cut, const struct tare_history *history)
{
    for (size_t i = 0; i < history->line_count; i++) {
        const struct tare_history_line *line = &history->lines[i];
        size_t old = line->count > pruning->what->keep ? line->count - pruning->what->keep : 0, gone = 0;
        for (size_t k = 0; k < old; k++) {
            const struct tare_history_run *run = tare_history_find_run(history, line->points[k].run);
            if (run == NULL || !is_before(pruning->what, run->started_ms)) {
                continue;
            }
            struct going *grown = tare__store_room(cut->going, cut->count, &cut->room, sizeof *grown);
            if (grown == NULL) {
                return tare__store_no_memory(pruning->store);
            }
            cut->going = grown;
            cut->going[cut->count++] = (struct going){run->id, line->series.id};
            gone++;
        }
        if (gone == line->count) {
            int64_t *grown = tare__store_room(cut->series, cut->series_count, &cut->series_room, sizeof *grown);
            if (grown == NULL) {
                return tare__store_no_memory(pruning->store);
            }
            cut->series = grown;
            cut->series[cut->series_count++] = line->series.id;
        }
    }
    if (cut->count > 0) {
        qsort(cut->going, cut->count, sizeof *cut->going, by_run);
    }
    return 0;
}

static int choose(struct pruning *pruning, struct cut *cut)
{
    struct tare_history history = {0};
    struct tare_history_query query = {.patterns = pruning->what->patterns, .since_ms = TARE_HISTORY_UNKNOWN};
    int result = tare__store_read_project(pruning->store, &query, cut->project, &history);
    if (result == 0) {
        result = tare__store_order(pruning->store, &history);
    }
    if (result == 0) {
        result = choose_points(pruning, cut, &history);
    }
    tare_history_release(&history);
    return result;
}

static int list_runs(struct pruning *pruning, struct cut *cut)
{
    struct tare__sql *sql = pruning->store->sql;
    struct tare__sql_value key = tare__sql_whole(cut->project->id);
    int result = tare__sql_query(sql, "wwwW",
                                 "SELECT r.run, r.started_ms, r.point_count, w.size FROM " TARE__RAW_TABLES
                                 " WHERE r.project = $1",
                                 &key, 1);
    if (result != 0) {
        return result;
    }
    while ((result = tare__sql_next(sql)) == 1) {
        struct run_row *grown = tare__store_room(cut->runs, cut->run_count, &cut->run_room, sizeof *grown);
        if (grown == NULL) {
            result = tare__store_no_memory(pruning->store);
            break;
        }
        cut->runs = grown;
        cut->runs[cut->run_count++] =
            (struct run_row){tare__sql_get_whole(sql, 0), tare__sql_get_whole(sql, 1),
                             tare__sql_get_whole(sql, 2), tare__sql_get_whole(sql, 3)};
    }
    tare__sql_end(sql);
    return result;
}

/* Where the points of a run that go begin, and how many they are. */
static size_t going_of(const struct cut *cut, int64_t run, size_t *first)
{
    size_t low = 0, high = cut->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (cut->going[middle].run < run) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    *first = low;
    while (low < cut->count && cut->going[low].run == run) {
        low++;
    }
    return low - *first;
}

static int delete_one(struct pruning *pruning, const struct cut *cut, const char *text, int64_t id)
{
    if (pruning->what->dry_run) {
        return 0;
    }
    struct tare__sql_value key[] = {tare__sql_whole(cut->project->id), tare__sql_whole(id)};
    return tare__sql_run(pruning->store->sql, text, key, 2, NULL);
}

/* A run of which some points go: those that stay. */
struct rest {
    struct pruning *pruning;
    const struct going *going; /* of this run */
    size_t going_count;
    struct tare__point_of *kept;
    struct tare_history_point *points;
    size_t left, room;
};

static int keep_point(void *data, struct tare__stored_point *stored)
{
    struct rest *rest = data;
    struct going key = {rest->going[0].run, stored->series};
    if (bsearch(&key, rest->going, rest->going_count, sizeof key, by_run) != NULL) {
        return 0;
    }
    int result = tare__store_unpack(rest->pruning->store, stored);
    if (result != 0) {
        return result;
    }
    rest->points[rest->left] = stored->point;
    rest->kept[rest->left] = (struct tare__point_of){stored->series, &rest->points[rest->left]};
    rest->left++;
    return 0;
}

static int write_rest(struct pruning *pruning, const struct cut *cut, int64_t run,
                      const struct tare__point_of *kept, size_t count)
{
    void *bytes = NULL, *values = NULL;
    size_t size = 0, values_size = 0;
    int result = tare__points_write(kept, count, &bytes, &size, &values, &values_size);
    if (result != 0) {
        return result == -ENOMEM ? tare__store_no_memory(pruning->store)
                                 : tare__store_damaged(pruning->store, "a figure of a point that stays");
    }
    struct tare__sql_value row[] = {
        tare__sql_whole(cut->project->id),    tare__sql_whole(run),
        tare__sql_whole((int64_t)count),      tare__sql_bytes(bytes, size),
        tare__sql_bytes(values, values_size),
    };
    result = tare__sql_run(pruning->store->sql,
                           "UPDATE tare_runs SET point_count = $3, points = $4, block_values = $5"
                           " WHERE project = $1 AND run = $2",
                           row, sizeof row / sizeof row[0], NULL);
    free(bytes);
    free(values);
    return result;
}

static int rewrite(struct pruning *pruning, const struct cut *cut, const struct run_row *row, size_t first,
                   size_t count)
{
    struct tare__sql *sql = pruning->store->sql;
    struct tare__sql_value key[] = {tare__sql_whole(cut->project->id), tare__sql_whole(row->run)};
    int result = tare__sql_query(
        sql, "bB", "SELECT points, block_values FROM tare_runs WHERE project = $1 AND run = $2", key, 2);
    if (result != 0 || (result = tare__sql_next(sql)) != 1) {
        return result;
    }
    size_t size;
    tare__sql_get_bytes(sql, 0, &size);
    size /= TARE__POINT_LEAST;
    struct rest rest = {.pruning = pruning,
                        .going = &cut->going[first],
                        .going_count = count,
                        .room = size,
                        .kept = calloc(size + 1, sizeof *rest.kept),
                        .points = calloc(size + 1, sizeof *rest.points)};
    result = rest.kept != NULL && rest.points != NULL
                 ? tare__store_each_point(pruning->store, 0, true, keep_point, &rest)
                 : tare__store_no_memory(pruning->store);
    tare__sql_end(sql);
    if (result == 0) {
        result = write_rest(pruning, cut, row->run, rest.kept, rest.left);
    }
    for (size_t i = 0; i < rest.left; i++) {
        tare_history_point_release(&rest.points[i]);
    }
    free(rest.kept);
    free(rest.points);
    return result;
}

static int prune_run(struct pruning *pruning, const struct cut *cut, const struct run_row *row)
{
    const struct tare_prune *what = pruning->what;
    size_t first, count = going_of(cut, row->run, &first);
    bool everything = what->patterns == NULL || what->patterns[0] == NULL;
    /* Without points there is no series that could ask for it to be kept. */
    bool whole = row->points > 0 ? count == (uint64_t)row->points
                                 : everything && what->keep == 0 && is_before(what, row->started_ms);
    int result = 0;
    if (whole && row->raw_size != TARE_HISTORY_UNKNOWN) {
        pruning->gone.raws++;
        result = delete_one(pruning, cut, "DELETE FROM tare_raws WHERE project = $1 AND run = $2", row->run);
    }
    if (what->raws_only || result != 0) {
        return result;
    }
    pruning->gone.points += count;
    if (whole) {
        pruning->gone.runs++;
        return delete_one(pruning, cut, "DELETE FROM tare_runs WHERE project = $1 AND run = $2", row->run);
    }
    return count > 0 && !what->dry_run ? rewrite(pruning, cut, row, first, count) : 0;
}

/* What nothing refers to any more. */
static int sweep(struct pruning *pruning, const struct cut *cut)
{
    struct tare__sql_value key = tare__sql_whole(cut->project->id);
    int64_t commits = 0;
    int result = 0;
    for (size_t i = 0; i < cut->series_count && result == 0; i++) {
        pruning->gone.series++;
        result = delete_one(pruning, cut, "DELETE FROM tare_series WHERE project = $1 AND series = $2",
                            cut->series[i]);
    }
    if (result == 0) {
        result = tare__sql_run(pruning->store->sql,
                               "DELETE FROM tare_origins WHERE project = $1"
                               " AND origin NOT IN (SELECT origin FROM tare_runs WHERE project = $1)",
                               &key, 1, NULL);
    }
    if (result == 0) {
        result = tare__sql_run(pruning->store->sql,
                               "DELETE FROM tare_environments WHERE project = $1"
                               " AND environment NOT IN (SELECT environment FROM tare_origins"
                               " WHERE project = $1 AND environment IS NOT NULL)",
                               &key, 1, NULL);
    }
    if (result == 0) {
        result = tare__sql_run(pruning->store->sql,
                               "DELETE FROM tare_commits WHERE project = $1"
                               " AND commit_key NOT IN (SELECT commit_key FROM tare_runs"
                               " WHERE project = $1 AND commit_key IS NOT NULL)"
                               " AND commit_key NOT IN (SELECT commit_key FROM tare_baselines"
                               " WHERE project = $1 AND commit_key IS NOT NULL)",
                               &key, 1, &commits);
        pruning->gone.commits += commits > 0 ? (uint64_t)commits : 0;
    }
    return result;
}

static int lock(struct pruning *pruning, const struct tare__project *project)
{
    struct tare__sql_value key = tare__sql_whole(project->id);
    int result = tare__sql_query(pruning->store->sql, "t",
                                 "SELECT name FROM tare_projects WHERE project = $1 {LOCKED}", &key, 1);
    if (result == 0) {
        while ((result = tare__sql_next(pruning->store->sql)) == 1) {
        }
    }
    return result;
}

static int prune_project(struct pruning *pruning, const struct tare__project *project)
{
    struct cut cut = {.project = project};
    int result = pruning->what->dry_run ? 0 : lock(pruning, project);
    if (result == 0) {
        result = choose(pruning, &cut);
    }
    if (result == 0) {
        result = list_runs(pruning, &cut);
    }
    for (size_t i = 0; i < cut.run_count && result == 0; i++) {
        result = prune_run(pruning, &cut, &cut.runs[i]);
    }
    if (result == 0 && !pruning->what->raws_only) {
        if (pruning->what->dry_run) {
            pruning->gone.series += cut.series_count;
        } else {
            result = sweep(pruning, &cut);
        }
    }
    free(cut.going);
    free(cut.series);
    free(cut.runs);
    return result;
}

static int prune_all(struct tare__sql *sql, void *data)
{
    (void)sql;
    struct pruning *pruning = data;
    pruning->gone = (struct tare_store_counts){0};
    struct tare__project *projects;
    size_t count;
    int result = tare__store_projects(pruning->store, pruning->what->project, &projects, &count);
    for (size_t i = 0; i < count && result == 0; i++) {
        result = prune_project(pruning, &projects[i]);
    }
    tare__projects_free(projects, count);
    return result;
}

int tare_store_prune(struct tare_store *store, const struct tare_prune *what, struct tare_store_counts *gone)
{
    struct pruning pruning = {.store = store, .what = what};
    int result = tare__sql_transaction(store->sql, !what->dry_run, prune_all, &pruning);
    if (result == -ENOSPC) {
        result =
            tare__sql_fail(store->sql, result,
                           "there is no room left for the history '%s', and pruning needs a little itself: "
                           "nothing was changed; make some, or 'tare history merge' it into one elsewhere and "
                           "prune that",
                           store->sql->name);
    }
    *gone = result == 0 ? pruning.gone : (struct tare_store_counts){0};
    if (result == 0 && !what->dry_run) {
        tare__sql_shrink(store->sql);
    }
    return result;
}
