/* SPDX-License-Identifier: MIT */
/*
 * The store of history: a database of SQLite (a file) or PostgreSQL (a URL), with one schema (docs/history.md).
 * Writers in several processes, or on several machines, lose nothing and double nothing: adding is one
 * transaction, keys come from content, and what is there already is left alone.
 *
 * A store belongs to one thread. Functions return 0 or -errno, and say in tare_store_message() what went wrong
 * in one line: -ENOENT (no such database), -EINVAL (not a history; damaged), -ENOTSUP (made by a later tare; built
 * without the library), -ENOSPC, -EACCES, -EBUSY (locked by others for longer than was waited), -ECONNREFUSED (the
 * server is not reached, or the connection is lost: whether a commit under way was made is not known then, and adding
 * again does not double), -EEXIST (two things with one id), -E2BIG, -EIO, -ENOMEM.
 */
#ifndef TARE_HISTORY_STORE_H
#define TARE_HISTORY_STORE_H

#include "history/model.h"

struct tare_store;

enum {
    TARE_STORE_READ = 0,
    TARE_STORE_WRITE = 1,   /* and bring an older schema up to date */
    TARE_STORE_CREATE = 2,  /* and make it where there is none, with its folder */
    TARE_STORE_VERSION = 1, /* of the schema */
};

/*
 * `where`: a file, or postgresql://… (postgres://…). Sets *store also on failure, for its message, unless there is
 * no memory (NULL).
 */
int tare_store_open(const char *where, int flags, struct tare_store **store);
void tare_store_close(struct tare_store *store); /* NULL is fine */
const char *tare_store_message(const struct tare_store *store);
bool tare_store_is_damaged(const struct tare_store *store); /* whether the last failure was about damage */
/* Where it is, for people: without a password. */
const char *tare_store_name(const struct tare_store *store);
/* "sqlite" or "postgresql". */
const char *tare_store_engine(const struct tare_store *store);
/* How long is waited for others who write, at most: 30,000 ms if nothing is said. */
void tare_store_wait(struct tare_store *store, int wait_ms);

/*
 * Adds a record whole, or, on failure, nothing of it. *added is false if it was there already (the same bytes in
 * the same project): then nothing changes, but that a commit becomes known better (an ordinal, a link).
 */
int tare_store_add(struct tare_store *store, const struct tare_history_record *record, bool *added);

/* Many in one transaction: for imports. */
int tare_store_add_all(struct tare_store *store, const struct tare_history_record *records, size_t count,
                       size_t *added);

struct tare_history_query {
    const char *project;         /* NULL: all */
    const char *const *patterns; /* globs of titles (tare_history_title), NULL-terminated; NULL: all */
    const char *branch;          /* points of this branch, and those of which none is known; NULL: all */
    const char *fingerprint;     /* of this machine (a prefix of the hash); NULL: all */
    int64_t since_ms;            /* points measured at or after; TARE_HISTORY_UNKNOWN: all */
    size_t last;                 /* of each series the newest so many points; 0: all */
    bool clean;                  /* without dirty ones */
    bool values;                 /* with the values of blocks */
    bool every_commit;           /* all commits that are known, not only those of the points */
};

/* Lines come in the order of their titles, their points sorted; series without a point are left out. */
int tare_store_read(struct tare_store *store, const struct tare_history_query *query,
                    struct tare_history *history);

/*
 * What is known of one commit; `commit` is to be released. -ENOENT: nothing, and it is empty; the message says nothing of
 * that.
 */
int tare_store_commit(struct tare_store *store, const char *project, const char *id,
                      struct tare_history_commit *commit);

/* Runs alone, newest first; `limit` 0: all. */
int tare_store_runs(struct tare_store *store, const char *project, size_t limit, struct tare_history_run **runs,
                    size_t *count);

/* The bytes of a raw result, as they were added. -ENODATA: they are not kept (any more). */
int tare_store_raw(struct tare_store *store, const char *project, int64_t run, char **bytes, size_t *size);

struct tare_store_counts {
    uint64_t runs, series, points, raws, baselines, commits;
};
int tare_store_count(struct tare_store *store, struct tare_store_counts *counts);
/* Names of the projects in it, sorted; NULL-terminated, to be freed one by one. */
int tare_store_projects(struct tare_store *store, char ***names);

/* All that `from` has and `store` has not, run by run, each a transaction; engines may differ. */
int tare_store_merge(struct tare_store *store, struct tare_store *from, struct tare_store_counts *added);

struct tare_prune {
    const char *project;         /* NULL: all */
    int64_t before_ms;           /* what was measured before; UNKNOWN: whenever */
    size_t keep;                 /* the newest so many points of each series stay; 0: none for being new */
    const char *const *patterns; /* as above */
    bool raws_only;              /* points stay: of runs of which all would go, the raw results go */
    bool dry_run;
};
/* What goes is counted. Runs that have no point left go as well. One transaction. */
int tare_store_prune(struct tare_store *store, const struct tare_prune *what, struct tare_store_counts *gone);

int tare_store_baseline_set(struct tare_store *store, const struct tare_history_baseline *baseline);
int tare_store_baseline_remove(struct tare_store *store, const char *project, const char *name, bool *removed);

/* Each thing that is wrong is said by one call. */
typedef void tare_store_found(void *data, const char *what);
/* Checks the database and what it holds: digests of raws, ids of series, references. *wrong: how many. */
int tare_store_fsck(struct tare_store *store, tare_store_found *found, void *data, size_t *wrong);

#endif
