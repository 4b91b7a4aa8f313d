/* SPDX-License-Identifier: MIT */
/* What the files of the store share: history/store*.c. */
#ifndef TARE_HISTORY_STORE_PARTS_H
#define TARE_HISTORY_STORE_PARTS_H

#include "history/sql.h"
#include "history/store.h"

struct tare_store {
    struct tare__sql *sql; /* never NULL */
    bool usable;           /* it was opened */
};

/* From ids to places in an array. All zero is empty. */
struct tare__ids {
    int64_t *keys;
    size_t *places; /* SIZE_MAX: free */
    size_t room, count;
};
/* -ENOMEM. An id that is there already gets the new place. */
int tare__ids_put(struct tare__ids *ids, int64_t id, size_t place);
/* SIZE_MAX: not there. */
size_t tare__ids_find(const struct tare__ids *ids, int64_t id);
void tare__ids_release(struct tare__ids *ids);

/* store_bytes.c: a run's points as bytes, see docs/history-store.md. */

struct tare__point_of {
    int64_t series;
    const struct tare_history_point *point;
};

/* Of `points` in this order. *values is NULL if none has any. -EINVAL: a figure cannot be kept; -ENOMEM. */
int tare__points_write(const struct tare__point_of *points, size_t count, void **bytes, size_t *size,
                       void **values, size_t *values_size);

/* A figure or a value of a block is beyond TARE_VALUE_LIMIT: nothing that judges takes it. */
bool tare__point_is_beyond(const struct tare_history_point *point);

struct tare__points {
    const unsigned char *at, *end;
    size_t left;
    const unsigned char *values_at, *values_end; /* NULL: not asked for, or there are none */
};

/* `values` may be NULL. -EINVAL: damaged. */
int tare__points_begin(struct tare__points *points, const void *bytes, size_t size, const void *values,
                       size_t values_size);
/*
 * 1: *point is the next (its run is the caller's to fill in) and *packed its values, or NULL; 0: there are
 * no more; -EINVAL.
 */
int tare__points_next(struct tare__points *points, int64_t *series, struct tare_history_point *point,
                      const void **packed, size_t *packed_size);

enum { TARE__POINT_LEAST = 8 + 1 }; /* bytes of a point: its series, and what is known */

/* One of the points of a run that is read. */
struct tare__stored_point {
    int64_t series;
    struct tare_history_point point; /* its run and its values are not filled in */
    const void *packed; /* the values of its blocks; NULL: there are none, or they were not asked for */
    size_t packed_size;
};
typedef int tare__point_user(void *data, struct tare__stored_point *point);
/*
 * Calls `use` for each point of the row that is looked at, until one call is not 0, which is returned: `column` has
 * the points, and, if `values`, the next one the values of blocks. -EINVAL: damaged, as the message says.
 */
int tare__store_each_point(struct tare_store *store, int column, bool values, tare__point_user *use,
                           void *data);
/* Fills in the values of its blocks; they belong to the point from then on. -EINVAL and -ENOMEM, with a message. */
int tare__store_unpack(struct tare_store *store, struct tare__stored_point *point);

/* store.c */

int tare__store_damaged(struct tare_store *store, const char *what);
int tare__store_no_memory(struct tare_store *store);
/* NULL and "" are equal to themselves alone. */
bool tare__same_text(const char *a, const char *b);
/* strdup(), with NULL for NULL; false without memory. */
bool tare__copy_text(char **to, const char *from);

struct tare__project {
    int64_t id;
    char *name;
};
/* All projects, or the one of this name (none if there is no such), sorted by name. */
int tare__store_projects(struct tare_store *store, const char *name, struct tare__project **projects,
                         size_t *count);
void tare__projects_free(struct tare__project *projects, size_t count);
/* Its series, in any order; `project` is their name of it. */
int tare__store_series(struct tare_store *store, const struct tare__project *project,
                       struct tare_history_series **series, size_t *count);
void tare__series_free(struct tare_history_series *series, size_t count);
/* Its commits, ascending by id. */
int tare__store_commits(struct tare_store *store, const struct tare__project *project,
                        struct tare_history_commit **commits, size_t *count);
void tare__commits_free(struct tare_history_commit *commits, size_t count);
int tare__store_baselines(struct tare_store *store, const struct tare__project *project,
                          struct tare_history_baseline **baselines, size_t *count);
void tare__baselines_free(struct tare_history_baseline *baselines, size_t count);

/*
 * Columns with which a run begins, and what they are; then TARE__RUN_REST and up are the caller's. What a run refers
 * to and is not there is NULL, and found by tare__store_run().
 */
#define TARE__RUN_COLUMNS                                                                                      \
    "r.run, r.digest, o.kind, r.started_ms, c.commit_id, o.branch, r.dirty, r.link, o.tool, o.environment, "   \
    "w.size, r.point_count, r.commit_key, o.origin"
#define TARE__RUN_KINDS "wbTwBTWTTWWwWW"
#define TARE__RAW_TABLES "tare_runs r LEFT JOIN tare_raws w ON w.project = r.project AND w.run = r.run"
#define TARE__RUN_TABLES                                                                                       \
    TARE__RAW_TABLES " LEFT JOIN tare_origins o ON o.project = r.project AND o.origin = r.origin"              \
                     " LEFT JOIN tare_commits c ON c.project = r.project AND c.commit_key = r.commit_key"
enum { TARE__RUN_COMMIT = 4, TARE__RUN_POINTS = 11, TARE__RUN_COMMIT_KEY, TARE__RUN_ORIGIN, TARE__RUN_REST };
/* Of the row that is looked at; its environment is only an id yet. */
int tare__store_run(struct tare_store *store, const char *project, struct tare_history_run *run,
                    int64_t *environment);
/*
 * Commits' ids, separated by spaces, as bytes and back. 0, -ENOMEM; -EINVAL: damaged bytes. NULL is NULL.
 */
int tare__commit_ids_write(const char *ids, void **bytes, size_t *size);
int tare__commit_ids_read(const void *bytes, size_t size, char **ids);
/* The text of an environment; NULL for an unknown id. */
int tare__store_environment(struct tare_store *store, int64_t project, int64_t id, char **text);
/* Fills in those of all runs. `ids` are as tare__store_run() gave them. */
int tare__store_environments(struct tare_store *store, int64_t project, struct tare_history_run *runs,
                             const int64_t *ids, size_t count);

/* Room for one more behind `count`: grows by doubling. NULL without memory. */
void *tare__store_room(void *array, size_t count, size_t *room, size_t size);

bool tare__title_matches(const struct tare_history_series *series, const char *const *patterns, bool *match);
bool tare__hex_to_bytes(const char *hex, unsigned char *bytes, size_t size);
void tare__bytes_to_hex(const unsigned char *bytes, size_t size, char *hex);

/* store_read.c */

/* Appends a project's lines, runs, commits and baselines, in any order. */
int tare__store_read_project(struct tare_store *store, const struct tare_history_query *query,
                             const struct tare__project *project, struct tare_history *history);
/* Sorts runs, commits and points, as struct tare_history has them. */
int tare__store_order(struct tare_store *store, struct tare_history *history);

/* store_add.c */

int64_t tare__environment_id(const char *text);
int64_t tare__commit_key(const char *id);
/* Of what runs have in common; `environment` may be unknown. */
int64_t tare__origin_id(const char *kind, const char *branch, const char *tool, int64_t environment);
/* What adding changed is added to *counts (may be NULL). */
int tare__store_add(struct tare_store *store, const struct tare_history_record *records, size_t count,
                    size_t *added, struct tare_store_counts *counts);
/* Commits that belong to no run. */
int tare__store_add_commits(struct tare_store *store, const char *project,
                            const struct tare_history_commit *commits, size_t count,
                            struct tare_store_counts *counts);

/* A raw result of a run that is there without it. */
int tare__store_add_raw(struct tare_store *store, const char *project, int64_t run, const char *raw,
                        size_t size, bool *added);

#endif
