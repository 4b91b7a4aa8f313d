/* SPDX-License-Identifier: MIT */
/*
 * The store's tables. Every key begins with the project, so that a server that distributes tables can do so
 * by it, and all that one transaction touches lies together. Ids come from content, so no sequence is asked
 * for one. There are neither triggers nor foreign keys: a result is one row, whole or not there, and
 * tare_store_fsck() follows references.
 *
 * A result's points are bytes in its row (history/store_bytes.c), not rows of their own: those took more than
 * their 250 bytes, of which their keys and an index over them were half.
 */
#include "history/schema.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "history/store.h"

static const char *const first[] = {
    "CREATE TABLE IF NOT EXISTS tare_meta ("
    " project BIGINT NOT NULL," /* 0: of the whole */
    " name TEXT NOT NULL,"
    " value BIGINT NOT NULL,"
    " PRIMARY KEY (project, name)) {BY KEY}",

    "CREATE TABLE IF NOT EXISTS tare_projects ("
    " project BIGINT NOT NULL,"
    " name TEXT NOT NULL,"
    " PRIMARY KEY (project)) {BY KEY}",

    "CREATE TABLE IF NOT EXISTS tare_series ("
    " project BIGINT NOT NULL,"
    " series BIGINT NOT NULL,"
    " suite TEXT NOT NULL,"
    " name TEXT NOT NULL,"
    " arguments TEXT NOT NULL,"
    " metric TEXT NOT NULL,"
    " unit TEXT NOT NULL,"
    " fingerprint TEXT NOT NULL,"
    " harness TEXT NOT NULL,"
    " settings TEXT NOT NULL,"
    " better BIGINT NOT NULL,"
    " PRIMARY KEY (project, series)) {BY KEY}",

    "CREATE TABLE IF NOT EXISTS tare_commits ("
    " project BIGINT NOT NULL,"
    " commit_key BIGINT NOT NULL,"
    " commit_id {BYTES} NOT NULL,"
    " parents {BYTES},"
    " time_s BIGINT,"
    " ordinal BIGINT,"
    " subject TEXT,"
    " link TEXT,"
    " PRIMARY KEY (project, commit_key)) {BY KEY}",

    "CREATE TABLE IF NOT EXISTS tare_environments ("
    " project BIGINT NOT NULL,"
    " environment BIGINT NOT NULL,"
    " data TEXT NOT NULL,"
    " PRIMARY KEY (project, environment)) {BY KEY}",

    /* What many runs have in common. */
    "CREATE TABLE IF NOT EXISTS tare_origins ("
    " project BIGINT NOT NULL,"
    " origin BIGINT NOT NULL,"
    " kind TEXT,"
    " branch TEXT,"
    " tool TEXT,"
    " environment BIGINT,"
    " PRIMARY KEY (project, origin)) {BY KEY}",

    "CREATE TABLE IF NOT EXISTS tare_runs ("
    " project BIGINT NOT NULL,"
    " run BIGINT NOT NULL,"
    " origin BIGINT NOT NULL,"
    " commit_key BIGINT,"
    " started_ms BIGINT NOT NULL,"
    " dirty BIGINT,"
    " link TEXT,"
    " digest {BYTES} NOT NULL,"
    " point_count BIGINT NOT NULL,"
    " points {BYTES} NOT NULL,"
    " block_values {BYTES},"
    " PRIMARY KEY (project, run))",

    "CREATE TABLE IF NOT EXISTS tare_raws ("
    " project BIGINT NOT NULL,"
    " run BIGINT NOT NULL,"
    " size BIGINT NOT NULL,"
    " data {BYTES} NOT NULL,"
    " PRIMARY KEY (project, run))",

    "CREATE TABLE IF NOT EXISTS tare_baselines ("
    " project BIGINT NOT NULL,"
    " name TEXT NOT NULL,"
    " commit_id TEXT,"
    " commit_key BIGINT,"
    " set_ms BIGINT,"
    " reason TEXT,"
    " selection TEXT,"
    " PRIMARY KEY (project, name)) {BY KEY}",
    NULL,
};

static const struct tare__schema_step steps[] = {{first}};

_Static_assert(sizeof steps / sizeof steps[0] == TARE_STORE_VERSION, "a step for each version");

const struct tare__schema tare__store_schema = {.steps = steps, .version = TARE_STORE_VERSION};

/* The version is written behind all tables, so that where it is not there, nothing else can be. */
static int check_empty(struct tare__sql *sql)
{
    bool has, other, any = false;
    int result = tare__sql_has_table(sql, "tare_projects", &has, &other);
    if (result != 0 || !has) {
        return result;
    }
    result = tare__sql_query(sql, "w", "SELECT project FROM tare_projects LIMIT 1", NULL, 0);
    while (result == 0 && (result = tare__sql_next(sql)) == 1) {
        any = true;
        result = 0;
    }
    if (result == 0 && any) {
        return tare__sql_damaged(
            sql, "the history '%s' is damaged: it does not say its version; restore it from a copy", sql->name);
    }
    return result;
}

/* *version is 0 if there is none: nothing, or what somebody began who was ended. */
static int look(struct tare__sql *sql, int64_t *version, bool *other)
{
    bool has;
    *version = 0;
    int result = tare__sql_has_table(sql, "tare_meta", &has, other);
    if (result != 0 || !has) {
        return result;
    }
    result = tare__sql_query(sql, "w", "SELECT value FROM tare_meta WHERE project = 0 AND name = 'version'",
                             NULL, 0);
    if (result != 0) {
        return result;
    }
    bool known = false;
    while ((result = tare__sql_next(sql)) == 1) {
        *version = tare__sql_get_whole(sql, 0);
        known = true;
    }
    return result != 0 || known ? result : check_empty(sql);
}

static int judge(struct tare__sql *sql, const struct tare__schema *schema, int64_t version, bool other)
{
    if (other) {
        return tare__sql_fail(sql, -EINVAL, "'%s' is not a history: it is a database of something else",
                              sql->name);
    }
    if (version < 0) {
        return tare__sql_damaged(sql,
                                 "the history '%s' is damaged: its version is %lld; restore it from a copy",
                                 sql->name, (long long)version);
    }
    if (version > schema->version) {
        return tare__sql_fail(
            sql, -ENOTSUP,
            "the history '%s' has version %lld and was made by a later tare; this one knows %d: "
            "update it",
            sql->name, (long long)version, schema->version);
    }
    return 0;
}

static int run_steps(struct tare__sql *sql, void *data)
{
    const struct tare__schema *schema = data;
    int64_t version;
    bool other;
    int result = look(sql, &version, &other); /* others may just have done it */
    if (result == 0) {
        result = judge(sql, schema, version, other);
    }
    if (result != 0 || version == schema->version) {
        return result;
    }
    for (int64_t at = version; at < schema->version && result == 0; at++) {
        for (const char *const *text = schema->steps[at].statements; *text != NULL && result == 0; text++) {
            result = tare__sql_run(sql, *text, NULL, 0, NULL);
        }
    }
    if (result != 0) {
        return result;
    }
    struct tare__sql_value value = tare__sql_whole(schema->version);
    return tare__sql_run(sql,
                         "INSERT INTO tare_meta (project, name, value) VALUES (0, 'version', $1)"
                         " ON CONFLICT (project, name) DO UPDATE SET value = excluded.value",
                         &value, 1, NULL);
}

int tare__schema_bring(struct tare__sql *sql, const struct tare__schema *schema, int flags)
{
    int64_t version;
    bool other;
    int result = look(sql, &version, &other);
    if (result == 0) {
        result = judge(sql, schema, version, other);
    }
    if (result != 0 || version == schema->version) {
        return result;
    }
    if (version == 0 && !(flags & TARE_STORE_CREATE)) {
        return tare__sql_fail(sql, -ENOENT, "there is no history in '%s': 'tare history add' makes one",
                              sql->name);
    }
    if (flags == TARE_STORE_READ) {
        return tare__sql_fail(
            sql, -ENOTSUP,
            "the history '%s' has version %lld, of an earlier tare: 'tare history add' or 'merge' "
            "brings it up to date",
            sql->name, (long long)version);
    }
    return tare__sql_transaction(sql, true, run_steps, (void *)(uintptr_t)schema);
}
