/* SPDX-License-Identifier: MIT */
/* The store: opening it, what is in it, raw results, baselines. */
#include "history/store.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <zlib.h>

#include "history/schema.h"
#include "history/store_parts.h"

enum {
    RAW_MAX = 1 << 30,     /* bytes of a raw result */
    DEFLATED_TIMES = 1032, /* what a deflated byte can become, at most: zlib's technical notes */
};

/* Small things that all parts need */

int tare__store_damaged(struct tare_store *store, const char *what)
{
    return tare__sql_damaged(store->sql, "the history '%s' is damaged (%s): 'tare history fsck' says more",
                             store->sql->name, what);
}

int tare__store_no_memory(struct tare_store *store)
{
    return tare__sql_fail(store->sql, -ENOMEM, "no memory");
}

bool tare__same_text(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

bool tare__copy_text(char **to, const char *from)
{
    *to = from != NULL ? strdup(from) : NULL;
    return from == NULL || *to != NULL;
}

void *tare__store_room(void *array, size_t count, size_t *room, size_t size)
{
    if (count < *room) {
        return array;
    }
    size_t more = *room == 0 ? 16 : 2 * *room;
    void *grown = reallocarray(array, more, size);
    if (grown != NULL) {
        *room = more;
    }
    return grown;
}

bool tare__hex_to_bytes(const char *hex, unsigned char *bytes, size_t size)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < 2 * size; i++) {
        const char *digit = hex[i] != '\0' ? strchr(digits, hex[i]) : NULL;
        if (digit == NULL) {
            return false;
        }
        unsigned value = (unsigned)(digit - digits);
        bytes[i / 2] = (unsigned char)(i % 2 == 0 ? value << 4 : bytes[i / 2] | value);
    }
    return hex[2 * size] == '\0';
}

void tare__bytes_to_hex(const unsigned char *bytes, size_t size, char *hex)
{
    for (size_t i = 0; i < size; i++) {
        hex[2 * i] = "0123456789abcdef"[bytes[i] >> 4];
        hex[2 * i + 1] = "0123456789abcdef"[bytes[i] & 15];
    }
    hex[2 * size] = '\0';
}

bool tare__title_matches(const struct tare_history_series *series, const char *const *patterns, bool *match)
{
    *match = patterns == NULL || patterns[0] == NULL;
    if (*match) {
        return true;
    }
    char *title = tare_history_title(series);
    if (title == NULL) {
        return false;
    }
    for (size_t i = 0; patterns[i] != NULL && !*match; i++) {
        *match = fnmatch(patterns[i], title, 0) == 0;
    }
    free(title);
    return true;
}

/* Ids are hashes: their lowest bits are as good a place as any. */

static size_t place_for(const struct tare__ids *ids, int64_t id)
{
    size_t at = (size_t)id & (ids->room - 1);
    while (ids->places[at] != SIZE_MAX && ids->keys[at] != id) {
        at = (at + 1) & (ids->room - 1);
    }
    return at;
}

int tare__ids_put(struct tare__ids *ids, int64_t id, size_t place)
{
    if (2 * (ids->count + 1) > ids->room) {
        struct tare__ids larger = {.room = ids->room == 0 ? 64 : 2 * ids->room};
        larger.keys = calloc(larger.room, sizeof *larger.keys);
        larger.places = malloc(larger.room * sizeof *larger.places);
        if (larger.keys == NULL || larger.places == NULL) {
            free(larger.keys);
            free(larger.places);
            return -ENOMEM;
        }
        memset(larger.places, 0xff, larger.room * sizeof *larger.places);
        for (size_t i = 0; i < ids->room; i++) {
            if (ids->places[i] != SIZE_MAX) {
                size_t at = place_for(&larger, ids->keys[i]);
                larger.keys[at] = ids->keys[i];
                larger.places[at] = ids->places[i];
            }
        }
        larger.count = ids->count;
        tare__ids_release(ids);
        *ids = larger;
    }
    size_t at = place_for(ids, id);
    ids->count += ids->places[at] == SIZE_MAX;
    ids->keys[at] = id;
    ids->places[at] = place;
    return 0;
}

size_t tare__ids_find(const struct tare__ids *ids, int64_t id)
{
    return ids->room == 0 ? SIZE_MAX : ids->places[place_for(ids, id)];
}

void tare__ids_release(struct tare__ids *ids)
{
    free(ids->keys);
    free(ids->places);
    *ids = (struct tare__ids){0};
}

/* Opening */

int tare_store_open(const char *where, int flags, struct tare_store **store)
{
    *store = calloc(1, sizeof **store);
    if (*store == NULL) {
        return -ENOMEM;
    }
    int result = tare__sql_open(where, flags, &(*store)->sql);
    if ((*store)->sql == NULL) {
        free(*store);
        *store = NULL;
        return -ENOMEM;
    }
    if (result == 0) {
        result = tare__schema_bring((*store)->sql, &tare__store_schema, flags);
    }
    (*store)->usable = result == 0;
    return result;
}

void tare_store_close(struct tare_store *store)
{
    if (store != NULL) {
        tare__sql_close(store->sql);
        free(store);
    }
}

const char *tare_store_message(const struct tare_store *store)
{
    return store != NULL ? tare__sql_message(store->sql) : "no memory";
}

bool tare_store_is_damaged(const struct tare_store *store)
{
    return store != NULL && store->sql->damaged;
}

const char *tare_store_name(const struct tare_store *store)
{
    return tare__sql_name(store->sql);
}

const char *tare_store_engine(const struct tare_store *store)
{
    return tare__sql_engine(store->sql);
}

void tare_store_wait(struct tare_store *store, int wait_ms)
{
    if (store->usable) {
        tare__sql_wait(store->sql, wait_ms);
    }
}

/* What is in it */

static int count_of(struct tare_store *store, const char *text, uint64_t *count)
{
    int result = tare__sql_query(store->sql, "w", text, NULL, 0);
    if (result != 0) {
        return result;
    }
    *count = 0;
    while ((result = tare__sql_next(store->sql)) == 1) {
        int64_t value = tare__sql_get_whole(store->sql, 0);
        *count = value > 0 ? (uint64_t)value : 0;
    }
    return result;
}

int tare_store_count(struct tare_store *store, struct tare_store_counts *counts)
{
    *counts = (struct tare_store_counts){0};
    const struct {
        const char *text;
        uint64_t *count;
    } all[] = {
        {"SELECT count(*) FROM tare_runs", &counts->runs},
        {"SELECT count(*) FROM tare_series", &counts->series},
        {"SELECT CAST(COALESCE(SUM(point_count), 0) AS BIGINT) FROM tare_runs", &counts->points},
        {"SELECT count(*) FROM tare_raws", &counts->raws},
        {"SELECT count(*) FROM tare_baselines", &counts->baselines},
        {"SELECT count(*) FROM tare_commits", &counts->commits},
    };
    int result = 0;
    for (size_t i = 0; i < sizeof all / sizeof all[0] && result == 0; i++) {
        result = count_of(store, all[i].text, all[i].count);
    }
    return result;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct tare__project *)a)->name, ((const struct tare__project *)b)->name);
}

void tare__projects_free(struct tare__project *projects, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        free(projects[i].name);
    }
    free(projects);
}

int tare__store_projects(struct tare_store *store, const char *name, struct tare__project **projects,
                         size_t *count)
{
    *projects = NULL;
    *count = 0;
    struct tare__sql_value id = tare__sql_whole(name != NULL ? tare_history_project_id(name) : 0);
    int result = name != NULL
                     ? tare__sql_query(store->sql, "wt",
                                       "SELECT project, name FROM tare_projects WHERE project = $1", &id, 1)
                     : tare__sql_query(store->sql, "wt", "SELECT project, name FROM tare_projects", NULL, 0);
    if (result != 0) {
        return result;
    }
    size_t room = 0;
    while ((result = tare__sql_next(store->sql)) == 1) {
        const char *found = tare__sql_get_text(store->sql, 1);
        if (name != NULL && strcmp(name, found) != 0) {
            continue; /* two names with one id: the other one is here, and this one is not */
        }
        struct tare__project *grown = tare__store_room(*projects, *count, &room, sizeof *grown);
        if (grown == NULL) {
            result = tare__store_no_memory(store);
            break;
        }
        *projects = grown;
        struct tare__project *project = &grown[*count];
        *project = (struct tare__project){.id = tare__sql_get_whole(store->sql, 0)};
        if (!tare__copy_text(&project->name, found)) {
            result = tare__store_no_memory(store);
            break;
        }
        ++*count;
    }
    tare__sql_end(store->sql);
    if (result != 0) {
        tare__projects_free(*projects, *count);
        *projects = NULL;
        *count = 0;
    } else if (*count > 1) {
        qsort(*projects, *count, sizeof **projects, by_name);
    }
    return result;
}

int tare_store_projects(struct tare_store *store, char ***names)
{
    struct tare__project *projects;
    size_t count;
    *names = NULL;
    int result = tare__store_projects(store, NULL, &projects, &count);
    if (result != 0) {
        return result;
    }
    *names = calloc(count + 1, sizeof **names);
    for (size_t i = 0; i < count && *names != NULL; i++) {
        (*names)[i] = projects[i].name;
        projects[i].name = NULL;
    }
    tare__projects_free(projects, count);
    return *names != NULL ? 0 : tare__store_no_memory(store);
}

/* Raw results */

static int inflate_raw(struct tare_store *store, const void *data, size_t size, int64_t raw_size, char **bytes)
{
    if (raw_size < 0 || raw_size > RAW_MAX || (uint64_t)raw_size > (uint64_t)size * DEFLATED_TIMES + 64) {
        return tare__store_damaged(store, "a raw result's size");
    }
    *bytes = malloc((size_t)raw_size + 1);
    if (*bytes == NULL) {
        return tare__store_no_memory(store);
    }
    uLongf out = (uLongf)raw_size;
    int code = uncompress((Bytef *)*bytes, &out, data, (uLong)size);
    if (code != Z_OK || out != (uLongf)raw_size) {
        free(*bytes);
        *bytes = NULL;
        return code == Z_MEM_ERROR ? tare__store_no_memory(store) : tare__store_damaged(store, "a raw result");
    }
    (*bytes)[raw_size] = '\0';
    return 0;
}

int tare_store_raw(struct tare_store *store, const char *project, int64_t run, char **bytes, size_t *size)
{
    *bytes = NULL;
    *size = 0;
    struct tare__sql_value key[] = {tare__sql_whole(tare_history_project_id(project)), tare__sql_whole(run)};
    int result =
        tare__sql_query(store->sql, "wbb",
                        "SELECT w.size, w.data, r.digest FROM tare_raws w JOIN tare_runs r"
                        " ON r.project = w.project AND r.run = w.run WHERE w.project = $1 AND w.run = $2",
                        key, 2);
    if (result != 0) {
        return result;
    }
    result = tare__sql_next(store->sql);
    if (result == 0) {
        return tare__sql_fail(store->sql, -ENODATA, "the raw result is not kept in '%s'", store->sql->name);
    }
    if (result == 1) {
        size_t data_size, digest_size;
        const void *data = tare__sql_get_bytes(store->sql, 1, &data_size);
        const void *digest = tare__sql_get_bytes(store->sql, 2, &digest_size);
        int64_t raw_size = tare__sql_get_whole(store->sql, 0);
        result = inflate_raw(store, data, data_size, raw_size, bytes);
        if (result == 0) {
            struct tare_sha256 hash;
            uint8_t found[TARE_SHA256_BYTES];
            tare_sha256_init(&hash);
            tare_sha256_add(&hash, *bytes, (size_t)raw_size);
            tare_sha256_finish(&hash, found);
            if (digest_size != sizeof found || memcmp(found, digest, sizeof found) != 0) {
                free(*bytes);
                *bytes = NULL;
                result = tare__store_damaged(store, "a raw result is not what was added");
            } else {
                *size = (size_t)raw_size;
            }
        }
    }
    tare__sql_end(store->sql);
    return result;
}

/* Baselines */

struct setting {
    const struct tare_history_baseline *baseline;
    int64_t project;
};

static int set_baseline(struct tare__sql *sql, void *data)
{
    const struct setting *setting = data;
    const struct tare_history_baseline *baseline = setting->baseline;
    struct tare__sql_value project[] = {tare__sql_whole(setting->project), tare__sql_text(baseline->project)};
    int result = tare__sql_run(sql,
                               "INSERT INTO tare_projects (project, name) VALUES ($1, $2)"
                               " ON CONFLICT (project) DO NOTHING",
                               project, 2, NULL);
    if (result == 0) { /* as who adds: prune must not sweep its commit meanwhile */
        result =
            tare__sql_query(sql, "t", "SELECT name FROM tare_projects WHERE project = $1 {SHARED}", project, 1);
        while (result == 0 && (result = tare__sql_next(sql)) == 1) {
            result = 0;
        }
    }
    struct tare__sql_value values[] = {
        tare__sql_whole(setting->project),
        tare__sql_text(baseline->name),
        tare__sql_text(baseline->commit),
        tare__sql_whole(baseline->commit != NULL ? tare__commit_key(baseline->commit) : TARE_HISTORY_UNKNOWN),
        tare__sql_whole(baseline->set_ms),
        tare__sql_text(baseline->reason),
        tare__sql_text(baseline->selection != NULL ? baseline->selection : "*"),
    };
    if (result == 0) {
        result = tare__sql_run(sql,
                               "INSERT INTO tare_baselines (project, name, commit_id, commit_key, set_ms,"
                               " reason, selection) VALUES ($1, $2, $3, $4, $5, $6, $7)"
                               " ON CONFLICT (project, name) DO UPDATE SET commit_id = excluded.commit_id,"
                               " commit_key = excluded.commit_key, set_ms = excluded.set_ms,"
                               " reason = excluded.reason, selection = excluded.selection",
                               values, 7, NULL);
    }
    return result;
}

int tare_store_baseline_set(struct tare_store *store, const struct tare_history_baseline *baseline)
{
    if (baseline->project == NULL || baseline->name == NULL) {
        return tare__sql_fail(store->sql, -EINVAL, "a baseline needs a project and a name");
    }
    struct setting setting = {baseline, tare_history_project_id(baseline->project)};
    return tare__sql_transaction(store->sql, true, set_baseline, &setting);
}

struct removing {
    struct tare__sql_value key[2];
    int64_t changed;
};

static int remove_baseline(struct tare__sql *sql, void *data)
{
    struct removing *removing = data;
    return tare__sql_run(sql, "DELETE FROM tare_baselines WHERE project = $1 AND name = $2", removing->key, 2,
                         &removing->changed);
}

int tare_store_baseline_remove(struct tare_store *store, const char *project, const char *name, bool *removed)
{
    struct removing removing = {
        .key = {tare__sql_whole(tare_history_project_id(project)), tare__sql_text(name)},
    };
    int result = tare__sql_transaction(store->sql, true, remove_baseline, &removing);
    *removed = result == 0 && removing.changed > 0;
    return result;
}
