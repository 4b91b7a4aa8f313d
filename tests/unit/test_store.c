/* SPDX-License-Identifier: MIT */
/*
 * The store of history, on SQLite, or, with TARE_TEST_POSTGRESQL set to a server's URL, on PostgreSQL: the
 * same tests (tests/cli/history_store.bats does that). What is of files alone is tested on SQLite alone.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zlib.h>

#include "history/schema.h"
#include "history/store.h"
#include "history/store_parts.h"
#include "store_records.h"

static char folder[] = "/tmp/tare-store.XXXXXX";
static const char *server;
static unsigned stores;

/* The name of a store that is not there yet. */
static char *fresh(void)
{
    char *where;
    if (server == NULL) {
        assert_true(asprintf(&where, "%s/%u.db", folder, stores++) > 0);
        return where;
    }
    char text[100];
    struct tare__sql *sql;
    assert_int_equal(tare__sql_open(server, TARE_STORE_WRITE, &sql), 0);
    snprintf(text, sizeof text, "CREATE SCHEMA s%u_%d", stores, (int)getpid());
    assert_int_equal(tare__sql_run(sql, text, NULL, 0, NULL), 0);
    tare__sql_close(sql);
    assert_true(asprintf(&where, "%s%coptions=-csearch_path%%3Ds%u_%d", server, strchr(server, '?') ? '&' : '?',
                         stores, (int)getpid()) > 0);
    stores++;
    return where;
}

static struct tare_store *opened(const char *where, int flags)
{
    struct tare_store *store;
    int result = tare_store_open(where, flags, &store);
    if (result != 0) {
        fail_msg("%s: %d: %s", where, result, tare_store_message(store));
    }
    return store;
}

static struct tare_store *made(char **where)
{
    *where = fresh();
    return opened(*where, TARE_STORE_CREATE);
}

static void dropped(struct tare_store *store, char *where)
{
    tare_store_close(store);
    free(where);
}

#define OK(store, call)                                                                                        \
    do {                                                                                                       \
        int ok_result = (call);                                                                                \
        if (ok_result != 0) {                                                                                  \
            fail_msg("%s: %d: %s", #call, ok_result, tare_store_message(store));                               \
        }                                                                                                      \
    } while (0)

static bool add_number(struct tare_store *store, const char *project, unsigned number, size_t series)
{
    struct tare_history_record record;
    bool added;
    store_record(&record, project, number, series, NULL);
    OK(store, tare_store_add(store, &record, &added));
    tare_history_record_release(&record);
    return added;
}

static struct tare_store_counts counted(struct tare_store *store)
{
    struct tare_store_counts counts;
    OK(store, tare_store_count(store, &counts));
    return counts;
}

static void print_found(void *data, const char *what)
{
    (void)data;
    print_message("fsck: %s\n", what);
}

static size_t wrongs(struct tare_store *store)
{
    size_t wrong = 99;
    OK(store, tare_store_fsck(store, print_found, NULL, &wrong));
    return wrong;
}

static struct tare_history all_of(struct tare_store *store, bool values)
{
    struct tare_history history;
    struct tare_history_query query = {.since_ms = TARE_HISTORY_UNKNOWN, .values = values};
    OK(store, tare_store_read(store, &query, &history));
    return history;
}

static void same_double(double a, double b)
{
    assert_true(memcmp(&a, &b, sizeof a) == 0 || (isnan(a) && isnan(b)));
}

static void what_is_added_comes_back_whole(void **state)
{
    (void)state;
    char *where;
    struct tare_store *store = made(&where);
    struct tare_history_record record;
    bool added;
    store_record(&record, "p", 3, 40, NULL);
    record.run.link = strdup("https://ci.example/7?a=b&c='d\"");
    record.run.dirty = -1;
    record.lines[7].points[0].control_ratio = NAN;
    record.lines[7].points[0].n = TARE_HISTORY_UNKNOWN;
    record.lines[8].points[0].value = 0x1.fffffffffffffp-1022;
    record.lines[8].points[0].low = -0.0;
    OK(store, tare_store_add(store, &record, &added));
    assert_true(added);
    tare_store_close(store);
    store = opened(where, TARE_STORE_READ);
    struct tare_history history = all_of(store, true);
    assert_int_equal(history.line_count, 40);
    assert_int_equal(history.run_count, 1);
    assert_int_equal(history.commit_count, 1);
    const struct tare_history_run *run = &history.runs[0];
    assert_int_equal(run->id, record.run.id);
    assert_string_equal(run->digest, record.run.digest);
    assert_string_equal(run->link, record.run.link);
    assert_string_equal(run->environment, record.run.environment);
    assert_string_equal(run->branch, "main");
    assert_int_equal(run->dirty, -1);
    assert_int_equal(run->raw_size, record.raw_size);
    assert_int_equal(run->started_ms, record.run.started_ms);
    assert_string_equal(history.commits[0].subject, record.commit.subject);
    assert_int_equal(history.commits[0].ordinal, 4);
    for (size_t i = 0; i < history.line_count; i++) {
        const struct tare_history_line *line = &history.lines[i], *was = NULL;
        for (size_t k = 0; k < record.line_count; k++) {
            was = record.lines[k].series.id == line->series.id ? &record.lines[k] : was;
        }
        assert_non_null(was);
        assert_string_equal(line->series.name, was->series.name);
        assert_string_equal(line->series.settings, was->series.settings);
        assert_int_equal(line->series.better, TARE_BETTER_LOWER);
        assert_int_equal(line->count, 1);
        const struct tare_history_point *is = &line->points[0], *had = &was->points[0];
        same_double(is->value, had->value);
        same_double(is->low, had->low);
        same_double(is->high, had->high);
        same_double(is->control_ratio, had->control_ratio);
        same_double(is->control_high, had->control_high);
        same_double(is->stolen, had->stolen);
        assert_int_equal(is->n, had->n);
        assert_int_equal(is->rounds, had->rounds);
        assert_int_equal(is->rounds_dropped, had->rounds_dropped);
        assert_int_equal(is->value_count, 20);
        assert_memory_equal(is->values, had->values, 20 * sizeof(double));
    }
    char *raw;
    size_t size;
    OK(store, tare_store_raw(store, "p", record.run.id, &raw, &size));
    assert_int_equal(size, record.raw_size);
    assert_memory_equal(raw, record.raw, size);
    free(raw);
    assert_int_equal(tare_store_raw(store, "q", record.run.id, &raw, &size), -ENODATA);
    assert_int_equal(wrongs(store), 0);
    tare_history_release(&history);
    tare_history_record_release(&record);
    dropped(store, where);
}

static void adding_twice_changes_nothing(void **state)
{
    (void)state;
    char *where;
    struct tare_store *store = made(&where);
    assert_true(add_number(store, "p", 1, 5));
    assert_false(add_number(store, "p", 1, 5));
    assert_true(add_number(store, "q", 1, 5));
    struct tare_store_counts counts = counted(store);
    assert_int_equal(counts.runs, 2);
    assert_int_equal(counts.points, 10);
    assert_int_equal(counts.series, 10);
    assert_int_equal(counts.raws, 2);
    assert_int_equal(counts.commits, 2);
    char **names;
    OK(store, tare_store_projects(store, &names));
    assert_string_equal(names[0], "p");
    assert_string_equal(names[1], "q");
    assert_null(names[2]);
    free(names[0]);
    free(names[1]);
    free(names);
    dropped(store, where);
}

static void a_commit_becomes_known_better(void **state)
{
    (void)state;
    char *where;
    struct tare_store *store = made(&where);
    struct tare_history_record record;
    bool added;
    store_record(&record, "p", 5, 1, NULL);
    record.commit.ordinal = TARE_HISTORY_UNKNOWN; /* a shallow clone */
    record.commit.parents[0] = '\0';
    OK(store, tare_store_add(store, &record, &added));
    record.commit.ordinal = 77;
    record.commit.link = strdup("https://example.org/c/5");
    free(record.commit.parents);
    record.commit.parents = strdup("abc");
    OK(store, tare_store_add(store, &record, &added));
    assert_false(added);
    record.commit.ordinal = 78; /* what is known stays */
    OK(store, tare_store_add(store, &record, &added));
    struct tare_history history = all_of(store, false);
    assert_int_equal(history.commits[0].ordinal, 77);
    assert_string_equal(history.commits[0].link, "https://example.org/c/5");
    assert_string_equal(history.commits[0].parents, "abc");
    tare_history_release(&history);
    tare_history_record_release(&record);
    dropped(store, where);
}

static void a_query_chooses(void **state)
{
    (void)state;
    char *where;
    struct tare_store *store = made(&where);
    for (unsigned i = 0; i < 10; i++) {
        struct tare_history_record record;
        bool added;
        store_record(&record, "p", 9 - i, 12, NULL); /* newest first: the order is the commits' */
        record.run.dirty = i == 0;
        if (i == 1) {
            strcpy(record.run.branch, "topi");
        }
        OK(store, tare_store_add(store, &record, &added));
        tare_history_record_release(&record);
    }
    add_number(store, "other", 1, 3);
    struct tare_history history;
    struct tare_history_query query = {.project = "p", .since_ms = TARE_HISTORY_UNKNOWN};
    OK(store, tare_store_read(store, &query, &history));
    assert_int_equal(history.line_count, 12);
    assert_int_equal(history.run_count, 10);
    for (size_t i = 1; i < 12; i++) {
        char *before = tare_history_title(&history.lines[i - 1].series);
        char *title = tare_history_title(&history.lines[i].series);
        assert_true(strcmp(before, title) < 0);
        free(before);
        free(title);
    }
    for (size_t i = 0; i < 10; i++) {
        assert_int_equal(tare_history_find_run(&history, history.lines[4].points[i].run)->started_ms,
                         INT64_C(1763700000000) + (int64_t)i * 3600000);
    }
    tare_history_release(&history);

    const char *const patterns[] = {"*benchmark3/*", "*benchmark1[01]/*", NULL};
    query.patterns = patterns;
    query.last = 4;
    OK(store, tare_store_read(store, &query, &history));
    assert_int_equal(history.line_count, 3);
    assert_int_equal(history.lines[0].count, 4);
    assert_int_equal(history.run_count, 4);
    assert_int_equal(history.commit_count, 4);
    tare_history_release(&history);

    query = (struct tare_history_query){.project = "p", .since_ms = TARE_HISTORY_UNKNOWN, .branch = "topi"};
    OK(store, tare_store_read(store, &query, &history));
    assert_int_equal(history.run_count, 1);
    assert_int_equal(history.commit_count, 1);
    tare_history_release(&history);

    query = (struct tare_history_query){
        .project = "p", .since_ms = INT64_C(1763700000000) + 5 * 3600000, .clean = true};
    query.every_commit = true;
    OK(store, tare_store_read(store, &query, &history));
    assert_int_equal(history.run_count, 4); /* 5 to 8; 9 is dirty */
    assert_int_equal(history.commit_count, 10);
    tare_history_release(&history);

    query = (struct tare_history_query){.fingerprint = "0123", .since_ms = TARE_HISTORY_UNKNOWN};
    OK(store, tare_store_read(store, &query, &history));
    assert_int_equal(history.line_count, 15);
    tare_history_release(&history);
    query.fingerprint = "1";
    OK(store, tare_store_read(store, &query, &history));
    assert_int_equal(history.line_count, 0);
    tare_history_release(&history);
    query = (struct tare_history_query){.project = "nobody's", .since_ms = TARE_HISTORY_UNKNOWN};
    OK(store, tare_store_read(store, &query, &history));
    assert_int_equal(history.line_count, 0);
    tare_history_release(&history);

    struct tare_history_run *runs;
    size_t count;
    OK(store, tare_store_runs(store, "p", 3, &runs, &count));
    assert_int_equal(count, 3);
    assert_true(runs[0].started_ms > runs[1].started_ms && runs[1].started_ms > runs[2].started_ms);
    for (size_t i = 0; i < count; i++) {
        tare_history_run_release(&runs[i]);
    }
    free(runs);
    dropped(store, where);
}

static void texts_of_all_kinds(void **state)
{
    (void)state;
    char *where;
    struct tare_store *store = made(&where);
    struct tare_history_record record;
    bool added;
    static const char odd[] =
        "'; DROP TABLE tare_runs; -- \" \\ $1 {BYTES} <script> \xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80\n\t";
    store_record(&record, odd, 1, 1, odd);
    free(record.lines[0].series.name);
    record.lines[0].series.name = strdup(odd);
    record.lines[0].series.id = tare_history_series_id(&record.lines[0].series);
    OK(store, tare_store_add(store, &record, &added));
    assert_true(added);
    struct tare_history history = all_of(store, false);
    assert_string_equal(history.lines[0].series.name, odd);
    assert_string_equal(history.lines[0].series.project, odd);
    tare_history_release(&history);
    tare_history_record_release(&record);
    dropped(store, where);
}

static void many_come_in_one_transaction(void **state)
{
    (void)state;
    char *where;
    struct tare_store *store = made(&where);
    enum { MANY = 60 };
    struct tare_history_record records[MANY];
    for (unsigned i = 0; i < MANY; i++) {
        store_record(&records[i], "p", i % 50, 200, NULL);
    }
    size_t added;
    OK(store, tare_store_add_all(store, records, MANY, &added));
    assert_int_equal(added, 50);
    assert_int_equal(counted(store).points, 50 * 200);
    OK(store, tare_store_add_all(store, records, MANY, &added));
    assert_int_equal(added, 0);
    /* One that cannot be kept: none of them is. */
    struct tare_history_record bad[2];
    store_record(&bad[0], "p", 70, 3, NULL);
    store_record(&bad[1], "p", 71, 3, NULL);
    bad[1].lines[2].points[0].value = INFINITY;
    assert_int_equal(tare_store_add_all(store, bad, 2, &added), -EINVAL);
    assert_int_equal(added, 0);
    assert_int_equal(counted(store).runs, 50);
    assert_int_equal(counted(store).commits, 50);
    tare_history_record_release(&bad[0]);
    tare_history_record_release(&bad[1]);
    for (unsigned i = 0; i < MANY; i++) {
        tare_history_record_release(&records[i]);
    }
    assert_int_equal(wrongs(store), 0);
    dropped(store, where);
}

static void a_collision_is_an_error(void **state)
{
    (void)state;
    char *where;
    struct tare_store *store = made(&where);
    add_number(store, "p", 1, 3);
    /* As if another series had the id of the first. */
    struct tare__sql_value values[] = {tare__sql_text("another")};
    OK(store, tare__sql_run(store->sql, "UPDATE tare_series SET name = $1", values, 1, NULL));
    struct tare_history_record record;
    bool added;
    store_record(&record, "p", 2, 3, NULL);
    assert_int_equal(tare_store_add(store, &record, &added), -EEXIST);
    assert_false(added);
    assert_int_equal(counted(store).runs, 1);
    assert_int_equal(counted(store).commits, 1);
    assert_true(wrongs(store) >= 3);
    tare_history_record_release(&record);
    /* The same of a run. */
    static const unsigned char other[TARE_SHA256_BYTES] = {1};
    struct tare__sql_value digest[] = {tare__sql_bytes(other, sizeof other)};
    OK(store, tare__sql_run(store->sql, "UPDATE tare_runs SET digest = $1", digest, 1, NULL));
    store_record(&record, "p", 1, 3, NULL);
    assert_int_equal(tare_store_add(store, &record, &added), -EEXIST);
    tare_history_record_release(&record);
    dropped(store, where);
}

static void baselines_are_set_and_removed(void **state)
{
    (void)state;
    char *where;
    struct tare_store *store = made(&where);
    add_number(store, "p", 1, 3);
    char project[] = "p", name[] = "default", commit[] = "c0ffee", reason[] = "it's faster",
         selection[] = "*x*";
    struct tare_history_baseline baseline = {.project = project, .name = name, .commit = commit, .set_ms = 5};
    OK(store, tare_store_baseline_set(store, &baseline));
    commit[5] = 'f';
    baseline.reason = reason;
    baseline.selection = selection;
    OK(store, tare_store_baseline_set(store, &baseline));
    struct tare_history history = all_of(store, false);
    assert_int_equal(history.baseline_count, 1);
    assert_string_equal(history.baselines[0].commit, "c0ffef");
    assert_string_equal(history.baselines[0].reason, "it's faster");
    assert_string_equal(history.baselines[0].selection, "*x*");
    assert_int_equal(history.baselines[0].set_ms, 5);
    tare_history_release(&history);
    bool removed;
    OK(store, tare_store_baseline_remove(store, "p", "nothing", &removed));
    assert_false(removed);
    OK(store, tare_store_baseline_remove(store, "p", "default", &removed));
    assert_true(removed);
    assert_int_equal(counted(store).baselines, 0);
    dropped(store, where);
}

static void pruning_takes_what_is_old(void **state)
{
    (void)state;
    char *where;
    struct tare_store *store = made(&where);
    for (unsigned i = 0; i < 10; i++) {
        add_number(store, "p", i, 6);
        add_number(store, "q", i, 2);
    }
    struct tare_store_counts gone;
    int64_t hour_5 = INT64_C(1763700000000) + 5 * 3600000;
    struct tare_prune what = {.project = "p", .before_ms = hour_5, .dry_run = true};
    OK(store, tare_store_prune(store, &what, &gone));
    assert_int_equal(gone.runs, 5);
    assert_int_equal(gone.points, 30);
    assert_int_equal(gone.raws, 5);
    assert_int_equal(counted(store).runs, 20);

    what.raws_only = true;
    what.dry_run = false;
    OK(store, tare_store_prune(store, &what, &gone));
    assert_int_equal(gone.raws, 5);
    assert_int_equal(gone.points, 0);
    assert_int_equal(counted(store).raws, 15);
    assert_int_equal(counted(store).runs, 20);

    /* Some series of some runs: these are written anew without them. */
    const char *const patterns[] = {"*benchmark[0-3]/*", NULL};
    what =
        (struct tare_prune){.project = "p", .before_ms = TARE_HISTORY_UNKNOWN, .keep = 2, .patterns = patterns};
    OK(store, tare_store_prune(store, &what, &gone));
    assert_int_equal(gone.points, 4 * 8);
    assert_int_equal(gone.runs, 0);
    struct tare_history history = all_of(store, true);
    size_t points = 0;
    for (size_t i = 0; i < history.line_count; i++) {
        points += history.lines[i].count;
        for (size_t k = 0; k < history.lines[i].count; k++) {
            assert_int_equal(history.lines[i].points[k].value_count, 20);
        }
    }
    assert_int_equal(points, 60 + 20 - 32);
    tare_history_release(&history);
    assert_int_equal(wrongs(store), 0);

    what = (struct tare_prune){.project = "p", .before_ms = hour_5};
    OK(store, tare_store_prune(store, &what, &gone));
    assert_int_equal(gone.runs, 5);
    assert_int_equal(gone.points, 10);
    assert_int_equal(gone.commits, 5);
    what = (struct tare_prune){.before_ms = TARE_HISTORY_UNKNOWN};
    OK(store, tare_store_prune(store, &what, &gone));
    assert_int_equal(gone.runs, 15);
    struct tare_store_counts left = counted(store);
    assert_int_equal(left.runs + left.points + left.series + left.raws + left.commits, 0);
    assert_int_equal(wrongs(store), 0);
    assert_true(add_number(store, "p", 1, 3)); /* and it goes on */
    dropped(store, where);
}

static void merge_into(struct tare_store *to, struct tare_store *from)
{
    struct tare_store_counts added;
    for (unsigned i = 0; i < 5; i++) {
        add_number(to, "p", i, 4);
        add_number(from, "p", i + 3, 4);
        add_number(from, "q", i, 2);
    }
    struct tare_prune no_raw = {
        .project = "q", .before_ms = INT64_C(1763700000000) + 3600000, .raws_only = true};
    OK(from, tare_store_prune(from, &no_raw, &added));
    char project[] = "q", name[] = "default";
    struct tare_history_baseline baseline = {.project = project, .name = name, .set_ms = 1};
    OK(from, tare_store_baseline_set(from, &baseline));
    OK(to, tare_store_merge(to, from, &added));
    assert_int_equal(added.runs, 3 + 5);
    assert_int_equal(added.points, 3 * 4 + 5 * 2);
    assert_int_equal(added.raws, 3 + 4);
    assert_int_equal(added.baselines, 1);
    assert_int_equal(added.series, 2);
    OK(to, tare_store_merge(to, from, &added));
    assert_int_equal(added.runs + added.points + added.raws + added.baselines + added.series + added.commits,
                     0);
    OK(to, tare_store_merge(to, to, &added));
    assert_int_equal(added.runs, 0);
    assert_int_equal(wrongs(to), 0);
    struct tare_history history = all_of(to, true);
    assert_int_equal(history.line_count, 6);
    assert_int_equal(history.lines[0].count, 8);
    struct tare_history_record record;
    store_record(&record, "p", 7, 4, NULL);
    assert_memory_equal(history.lines[0].points[7].values, record.lines[0].points[0].values,
                        20 * sizeof(double));
    tare_history_record_release(&record);
    tare_history_release(&history);
}

static void merging_brings_what_is_not_there(void **state)
{
    (void)state;
    char *where, *other_where;
    struct tare_store *store = made(&where), *other = made(&other_where);
    merge_into(store, other);
    dropped(store, where);
    dropped(other, other_where);
}

static void merging_crosses_engines(void **state)
{
    (void)state;
    if (server == NULL) {
        print_message("merging across engines is tested where there is a PostgreSQL server, too\n");
        skip();
    }
    for (int direction = 0; direction < 2; direction++) {
        char *where, *file;
        struct tare_store *store = made(&where);
        assert_true(asprintf(&file, "%s/cross%d.db", folder, direction) > 0);
        struct tare_store *local = opened(file, TARE_STORE_CREATE);
        merge_into(direction == 0 ? store : local, direction == 0 ? local : store);
        dropped(store, where);
        dropped(local, file);
    }
}

static void what_is_not_there_is_said(void **state)
{
    (void)state;
    char *where = fresh();
    struct tare_store *store;
    for (int flags = TARE_STORE_READ; flags <= TARE_STORE_WRITE; flags++) {
        assert_int_equal(tare_store_open(where, flags, &store), -ENOENT);
        assert_non_null(strstr(tare_store_message(store), "there is no history"));
        tare_store_close(store);
    }
    free(where);
}

/* The example in docs/history-store.md. */
static void points_have_the_bytes_that_the_document_says(void **state)
{
    (void)state;
    static const unsigned char expected[] = {1, 1, 7, 0, 0, 0,    0,    0,    0,    0,    9,    0,
                                             0, 0, 0, 0, 0, 0xf0, 0x3f, 0x14, 0xac, 0x8c, 0xab, 0x57};
    struct tare_history_point point = tare_history_point_unknown();
    point.value = 1;
    point.n = 20;
    struct tare__point_of of = {7, &point};
    void *bytes, *values;
    size_t size, values_size;
    assert_int_equal(tare__points_write(&of, 1, &bytes, &size, &values, &values_size), 0);
    assert_int_equal(size, sizeof expected);
    assert_memory_equal(bytes, expected, size);
    assert_null(values);
    free(bytes);
}

/* Versions */

static const char *const old_first[] = {"CREATE TABLE tare_meta (project BIGINT NOT NULL, name TEXT NOT NULL,"
                                        " value BIGINT NOT NULL, PRIMARY KEY (project, name)) {BY KEY}",
                                        "CREATE TABLE things (project BIGINT NOT NULL, id BIGINT NOT NULL,"
                                        " PRIMARY KEY (project, id)) {BY KEY}",
                                        NULL};
static const char *const old_second[] = {"ALTER TABLE things ADD COLUMN colour TEXT",
                                         "UPDATE things SET colour = 'grey'", NULL};
static const char *const old_bad[] = {"ALTER TABLE things ADD COLUMN size BIGINT",
                                      "UPDATE nothing_of_this_name SET size = 1", NULL};

static const struct tare__schema_step old_steps[] = {{old_first}, {old_second}};
static const struct tare__schema_step bad_steps[] = {{old_first}, {old_second}, {old_bad}};
static const struct tare__schema version_1 = {old_steps, 1}, version_2 = {old_steps, 2},
                                 version_3 = {bad_steps, 3};

static void older_schemas_are_brought_up_to_date(void **state)
{
    (void)state;
    char *where = fresh();
    struct tare__sql *sql;
    assert_int_equal(tare__sql_open(where, TARE_STORE_CREATE, &sql), 0);
    assert_int_equal(tare__schema_bring(sql, &version_1, TARE_STORE_CREATE), 0);
    assert_int_equal(tare__sql_run(sql, "INSERT INTO things (project, id) VALUES (1, 2)", NULL, 0, NULL), 0);
    /* Only to be read, it stays. */
    assert_int_equal(tare__schema_bring(sql, &version_2, TARE_STORE_READ), -ENOTSUP);
    assert_non_null(strstr(tare__sql_message(sql), "earlier tare"));
    assert_int_equal(tare__schema_bring(sql, &version_2, TARE_STORE_WRITE), 0);
    assert_int_equal(tare__sql_query(sql, "wT", "SELECT id, colour FROM things", NULL, 0), 0);
    assert_int_equal(tare__sql_next(sql), 1);
    assert_string_equal(tare__sql_get_text(sql, 1), "grey");
    tare__sql_end(sql);
    assert_int_equal(tare__schema_bring(sql, &version_2, TARE_STORE_WRITE), 0); /* again: nothing to do */
    assert_int_equal(tare__schema_bring(sql, &version_1, TARE_STORE_WRITE), -ENOTSUP);
    assert_non_null(strstr(tare__sql_message(sql), "later tare"));
    /* A step that fails leaves nothing of itself. */
    assert_int_not_equal(tare__schema_bring(sql, &version_3, TARE_STORE_WRITE), 0);
    assert_int_equal(tare__schema_bring(sql, &version_2, TARE_STORE_READ), 0);
    assert_int_not_equal(tare__sql_run(sql, "UPDATE things SET size = 1", NULL, 0, NULL), 0);
    tare__sql_close(sql);
    free(where);
}

static void a_later_schema_is_refused(void **state)
{
    (void)state;
    char *where;
    struct tare_store *store = made(&where);
    add_number(store, "p", 1, 3);
    OK(store, tare__sql_run(store->sql, "UPDATE tare_meta SET value = 2", NULL, 0, NULL));
    tare_store_close(store);
    for (int flags = TARE_STORE_READ; flags <= TARE_STORE_CREATE; flags++) {
        assert_int_equal(tare_store_open(where, flags, &store), -ENOTSUP);
        assert_non_null(strstr(tare_store_message(store), "later tare"));
        tare_store_close(store);
    }
    free(where);
}

/* Files */

static char *file_of(const char *name, const char *bytes, size_t size)
{
    char *path;
    assert_true(asprintf(&path, "%s/%s", folder, name) > 0);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
    return path;
}

static char *bytes_of(const char *path, size_t *size)
{
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    assert_int_equal(fseek(file, 0, SEEK_END), 0);
    *size = (size_t)ftell(file);
    rewind(file);
    char *bytes = malloc(*size + 1);
    assert_int_equal(fread(bytes, 1, *size, file), *size);
    fclose(file);
    return bytes;
}

static void other_files_are_left_alone(void **state)
{
    (void)state;
    static const char text[] =
        "this is a text, and longer than the header of a database, which has a hundred bytes; "
        "so it goes on for a while longer";
    char *path = file_of("text.db", text, sizeof text - 1);
    struct tare_store *store;
    for (int flags = TARE_STORE_READ; flags <= TARE_STORE_CREATE; flags++) {
        assert_int_equal(tare_store_open(path, flags, &store), -EINVAL);
        assert_non_null(strstr(tare_store_message(store), "not a history"));
        tare_store_close(store);
    }
    size_t size;
    char *bytes = bytes_of(path, &size);
    assert_int_equal(size, sizeof text - 1);
    assert_memory_equal(bytes, text, size);
    free(bytes);
    free(path);

    assert_true(asprintf(&path, "%s/other.db", folder) > 0);
    struct tare__sql *sql;
    assert_int_equal(tare__sql_open(path, TARE_STORE_CREATE, &sql), 0);
    assert_int_equal(tare__sql_run(sql, "CREATE TABLE songs (name TEXT)", NULL, 0, NULL), 0);
    tare__sql_close(sql);
    size_t before_size, after_size;
    char *before = bytes_of(path, &before_size);
    assert_int_equal(tare_store_open(path, TARE_STORE_CREATE, &store), -EINVAL);
    assert_non_null(strstr(tare_store_message(store), "something else"));
    tare_store_close(store);
    char *after = bytes_of(path, &after_size);
    assert_int_equal(before_size, after_size);
    assert_memory_equal(before, after, before_size);
    free(before);
    free(after);
    free(path);

    assert_int_equal(tare_store_open(folder, TARE_STORE_CREATE, &store), -EINVAL);
    tare_store_close(store);
    assert_int_equal(tare_store_open("", TARE_STORE_CREATE, &store), -EINVAL);
    tare_store_close(store);
    assert_int_equal(tare_store_open("mysql://me:secret@host/x", TARE_STORE_CREATE, &store), -EINVAL);
    assert_null(strstr(tare_store_message(store), "secret"));
    assert_null(strstr(tare_store_name(store), "secret"));
    tare_store_close(store);
}

static void passwords_are_not_shown(void **state)
{
    (void)state;
    static const char *const urls[] = {
        "postgresql://me:s3cret@/db?host=/nowhere/at/all",
        "postgresql://me:s3cret@/db?host=/nowhere/at/all&bogus=s3cret",
        "postgresql://me@/db?host=/nowhere/at/all&password=s3cret",
        "postgresql://me:s3cret@[::1/db",
        "POSTGRES://me:s3cret@/db?host=/nowhere",
    };
    for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++) {
        struct tare_store *store;
        assert_true(tare_store_open(urls[i], TARE_STORE_READ, &store) < 0);
        assert_null(strstr(tare_store_message(store), "s3cret"));
        assert_null(strstr(tare_store_name(store), "s3cret"));
        assert_null(strchr(tare_store_message(store), '\n'));
        assert_true(strlen(tare_store_message(store)) > 10);
        tare_store_close(store);
    }
}

static void a_folder_is_made(void **state)
{
    (void)state;
    char path[200];
    struct tare_store *store;
    snprintf(path, sizeof path, "%s/made/history.db", folder);
    store = opened(path, TARE_STORE_CREATE);
    tare_store_close(store);
    assert_int_equal(access(path, R_OK), 0);
    snprintf(path, sizeof path, "%s/not/made/history.db", folder);
    assert_int_equal(tare_store_open(path, TARE_STORE_CREATE, &store), -ENOENT);
    tare_store_close(store);
}

static void somebody_elses_lock_is_waited_for(void **state)
{
    (void)state;
    char *where;
    struct tare_store *store = made(&where), *other = opened(where, TARE_STORE_WRITE);
    add_number(store, "p", 1, 2);
    OK(other, tare__sql_run(other->sql, other->sql->driver->begin_write, NULL, 0, NULL));
    if (server != NULL) { /* there, only who needs the same row waits */
        OK(other, tare__sql_run(other->sql, "UPDATE tare_projects SET name = name", NULL, 0, NULL));
    }
    tare_store_wait(store, 50);
    struct tare_history_record record;
    bool added;
    store_record(&record, "p", 2, 2, NULL);
    assert_int_equal(tare_store_add(store, &record, &added), -EBUSY);
    assert_non_null(strstr(tare_store_message(store), "locked by others"));
    struct tare_history history = all_of(store, false); /* reading goes on */
    assert_int_equal(history.run_count, 1);
    tare_history_release(&history);
    /* Pruning would sweep its commit meanwhile. */
    struct tare_history_baseline baseline = {
        .project = (char *)"p", .name = (char *)"default", .commit = (char *)"c0ffee", .set_ms = 1};
    assert_int_equal(tare_store_baseline_set(store, &baseline), -EBUSY);
    OK(other, tare__sql_run(other->sql, "ROLLBACK", NULL, 0, NULL));
    OK(store, tare_store_baseline_set(store, &baseline));
    OK(store, tare_store_add(store, &record, &added));
    assert_true(added);
    tare_history_record_release(&record);
    tare_store_close(other);
    dropped(store, where);
}

/* A file that must not grow any more, as on a disk that is full. */
static void a_full_disk_changes_nothing(void **state)
{
    (void)state;
    char *where;
    struct tare_store *store = made(&where);
    add_number(store, "p", 1, 20);
    tare_store_close(store);
    pid_t child = fork();
    if (child == 0) {
        signal(SIGXFSZ, SIG_IGN);
        struct stat about;
        stat(where, &about);
        struct rlimit limit = {(rlim_t)about.st_size + 40000, RLIM_INFINITY};
        setrlimit(RLIMIT_FSIZE, &limit);
        int code = 1;
        if (tare_store_open(where, TARE_STORE_WRITE, &store) == 0) {
            for (unsigned i = 2; i < 300 && code == 1; i++) {
                struct tare_history_record record;
                bool added;
                store_record(&record, "p", i, 20, NULL);
                int result = tare_store_add(store, &record, &added);
                code = result == 0 ? 1 : result == -ENOSPC && !added ? 0 : 3;
                if (code == 3) {
                    fprintf(stderr, "%d: %s\n", result, tare_store_message(store));
                }
                struct tare_store_counts counts;
                if (code == 0 && (tare_store_count(store, &counts) != 0 || counts.runs != i - 1)) {
                    code = 4;
                }
                tare_history_record_release(&record);
            }
            tare_store_close(store);
        }
        _exit(code);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    store = opened(where, TARE_STORE_WRITE);
    assert_int_equal(wrongs(store), 0);
    struct tare_store_counts counts = counted(store);
    assert_int_equal(counts.points, 20 * counts.runs);
    assert_int_equal(counts.raws, counts.runs);
    add_number(store, "p", 999, 20);
    dropped(store, where);
}

/* Takes all room that is left; returns the size. */
static off_t fill(const char *path)
{
    static const char zeros[4096];
    int fd = open(path, O_CREAT | O_WRONLY | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    off_t size = 0;
    for (ssize_t put; (put = write(fd, zeros, sizeof zeros)) > 0;) {
        size += put;
    }
    close(fd);
    return size;
}

/* The same on a disk that is really full. */
static void a_disk_without_room_is_survived(void **state)
{
    (void)state;
    char disk[100], where[120], ballast[120], elsewhere[120];
    snprintf(disk, sizeof disk, "%s/disk", folder);
    snprintf(where, sizeof where, "%s/history.db", disk);
    snprintf(ballast, sizeof ballast, "%s/ballast", disk);
    snprintf(elsewhere, sizeof elsewhere, "%s/elsewhere.db", folder);
    assert_int_equal(mkdir(disk, 0755), 0);
    /* In a name space of its own: nobody else sees it, and it goes with this process. */
    if (unshare(CLONE_NEWNS) != 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
        mount("tmpfs", disk, "tmpfs", 0, "size=1m") != 0) {
        print_message("a full disk is tested where a small one can be mounted: %s\n", strerror(errno));
        rmdir(disk);
        skip();
    }
    struct tare_store *store = opened(where, TARE_STORE_CREATE);
    add_number(store, "p", 1, 20);
    tare_store_close(store);
    off_t room = fill(ballast);
    assert_true(room > 300000);
    assert_int_equal(truncate(ballast, room - 200000), 0);
    store = opened(where, TARE_STORE_WRITE);
    struct tare_history_record record;
    unsigned number = 1;
    for (int result = 0; result == 0;) {
        assert_true(++number < 200);
        struct tare_store_counts before = counted(store), after;
        bool added;
        store_record(&record, "p", number, 20, NULL);
        result = tare_store_add(store, &record, &added);
        after = counted(store);
        if (result != 0) {
            assert_int_equal(result, -ENOSPC);
            assert_false(added);
            assert_memory_equal(&before, &after, sizeof before);
        }
        tare_history_record_release(&record);
    }
    tare_store_close(store);
    char more[130];
    snprintf(more, sizeof more, "%s.more", ballast);
    fill(more);
    /* It is read, and taken elsewhere. */
    store = opened(where, TARE_STORE_READ);
    assert_int_equal(wrongs(store), 0);
    struct tare_store_counts there = counted(store), merged;
    assert_int_equal(there.runs, number - 1);
    struct tare_store *other = opened(elsewhere, TARE_STORE_CREATE);
    OK(other, tare_store_merge(other, store, &merged));
    assert_int_equal(merged.points, there.points);
    tare_store_close(other);
    tare_store_close(store);
    /* Pruning says what to do. */
    struct tare_prune what = {.before_ms = TARE_HISTORY_UNKNOWN, .keep = 1};
    struct tare_store_counts gone;
    int result = tare_store_open(where, TARE_STORE_WRITE, &store);
    if (result == 0) {
        result = tare_store_prune(store, &what, &gone);
        assert_true(result == 0 || strstr(tare_store_message(store), "pruning needs a little itself") != NULL);
    }
    assert_true(result == 0 || result == -ENOSPC);
    tare_store_close(store);
    assert_int_equal(unlink(more), 0);
    assert_int_equal(unlink(ballast), 0);
    store = opened(where, TARE_STORE_WRITE);
    assert_int_equal(wrongs(store), 0);
    assert_true(add_number(store, "p", number, 20));
    OK(store, tare_store_prune(store, &what, &gone));
    assert_int_equal(counted(store).points, 20);
    assert_int_equal(wrongs(store), 0);
    tare_store_close(store);
    assert_int_equal(umount(disk), 0);
    rmdir(disk);
}

/* Nothing that judges takes such figures: they are refused, and named where somebody else wrote them. */
static void figures_beyond_the_limit_are_refused(void **state)
{
    (void)state;
    char *where;
    struct tare_store *store = made(&where);
    static const double beyond[] = {1.1e100, -1.1e100, INFINITY};
    for (size_t i = 0; i < 2 * sizeof beyond / sizeof beyond[0]; i++) {
        struct tare_history_record record;
        bool added;
        store_record(&record, "p", 1, 3, NULL);
        struct tare_history_point *point = &record.lines[1].points[0];
        *(i % 2 == 0 ? &point->value : &point->values[3]) = beyond[i / 2];
        assert_int_equal(tare_store_add(store, &record, &added), -EINVAL);
        assert_non_null(strstr(tare_store_message(store), "larger than 1e+100"));
        assert_false(added);
        tare_history_record_release(&record);
    }
    assert_int_equal(counted(store).runs, 0);
    add_number(store, "p", 1, 1);
    /* The value 1e300 of the only series, written past us. */
    struct tare_history history = all_of(store, false);
    unsigned char bytes[24] = {1, 1};
    uint64_t id = htole64((uint64_t)history.lines[0].series.id), bits;
    double value = 1e300;
    memcpy(&bits, &value, sizeof bits);
    bits = htole64(bits);
    memcpy(bytes + 2, &id, 8);
    bytes[10] = 1;
    memcpy(bytes + 11, &bits, 8);
    uint32_t crc = htole32((uint32_t)crc32_z(0, bytes, 19));
    memcpy(bytes + 19, &crc, 4);
    struct tare__sql_value row = tare__sql_bytes(bytes, 23);
    OK(store,
       tare__sql_run(store->sql, "UPDATE tare_runs SET points = $1, block_values = NULL", &row, 1, NULL));
    assert_int_equal(wrongs(store), 1);
    tare_history_release(&history);
    dropped(store, where);
}

static void ids_of_commits_come_back(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t size;
    } ids[] = {
        {"", 1},       {"0123456789abcdef0123456789abcdef01234567", 22},
        {"00 ff", 5},  {"abc", 4}, /* half a byte */
        {"ABCD", 5},               /* another letter */
        {"ab ", 4},    {" ab", 4},
        {"ab  cd", 7}, {"v1.0-3-g\xc3\xa4", 11},
    };
    for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++) {
        void *bytes;
        size_t size;
        char *back;
        assert_int_equal(tare__commit_ids_write(ids[i].text, &bytes, &size), 0);
        assert_int_equal(size, ids[i].size);
        assert_int_equal(tare__commit_ids_read(bytes, size, &back), 0);
        assert_string_equal(back, ids[i].text);
        free(back);
        free(bytes);
    }
    static const char *const bad[] = {
        "\x02", "\x01\x02z", "\x01\x41zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz", "\x01z", "\x01\x80"};
    char *back;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(tare__commit_ids_read(bad[i], strlen(bad[i]), &back), -EINVAL);
    }
    assert_int_equal(tare__commit_ids_read("\0\xff", 2, &back), -EINVAL);
    assert_int_equal(tare__commit_ids_read("", 0, &back), -EINVAL);
    assert_int_equal(tare__commit_ids_read(NULL, 0, &back), 0);
    assert_null(back);
}

static void without_room_for_a_page_nothing_changes(void **state)
{
    (void)state;
    char *where;
    struct tare_store *store = made(&where);
    add_number(store, "p", 1, 20);
    tare_store_close(store);
    store = opened(where, TARE_STORE_WRITE);
    int64_t pages = 0;
    OK(store, tare__sql_query(store->sql, "w", "PRAGMA page_count", NULL, 0));
    while (tare__sql_next(store->sql) == 1) {
        pages = tare__sql_get_whole(store->sql, 0);
    }
    char text[60];
    snprintf(text, sizeof text, "PRAGMA max_page_count = %d", (int)pages + 12);
    OK(store, tare__sql_run(store->sql, text, NULL, 0, NULL));
    unsigned number = 2;
    for (int result = 0; result == 0; number++) {
        struct tare_history_record record;
        struct tare_store_counts before = counted(store), after;
        bool added;
        store_record(&record, "p", number, 20, NULL);
        result = tare_store_add(store, &record, &added);
        after = counted(store);
        if (result != 0) {
            assert_int_equal(result, -ENOSPC);
            assert_non_null(strstr(tare_store_message(store), "no room left"));
            assert_false(added);
            assert_memory_equal(&before, &after, sizeof before);
        }
        tare_history_record_release(&record);
        assert_true(number < 50);
    }
    assert_int_equal(wrongs(store), 0);
    dropped(store, where);
}

static void a_file_that_may_only_be_read_is_read(void **state)
{
    (void)state;
    char path[200], inner[250];
    snprintf(path, sizeof path, "%s/read-only", folder);
    snprintf(inner, sizeof inner, "%s/history.db", path);
    struct tare_store *store = opened(inner, TARE_STORE_CREATE);
    add_number(store, "p", 1, 3);
    tare_store_close(store);
    assert_int_equal(chmod(inner, 0444), 0);
    assert_int_equal(chmod(path, 0555), 0);
    pid_t child = fork(); /* as somebody whom the file's mode stops */
    if (child == 0) {
        if (geteuid() == 0 && (setgid(65534) != 0 || setuid(65534) != 0)) {
            _exit(77);
        }
        int code = 1;
        if (tare_store_open(inner, TARE_STORE_READ, &store) == 0) {
            struct tare_history_query query = {.since_ms = TARE_HISTORY_UNKNOWN};
            struct tare_history history;
            code = tare_store_read(store, &query, &history) == 0 && history.line_count == 3 ? 0 : 2;
            tare_history_release(&history);
        } else {
            fprintf(stderr, "%s\n", tare_store_message(store));
        }
        tare_store_close(store);
        if (code == 0 && tare_store_open(inner, TARE_STORE_WRITE, &store) != -EACCES) {
            code = 3;
        }
        tare_store_close(store);
        _exit(code);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    chmod(path, 0755);
    assert_int_equal(status, 0);
}

static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static void nothing(void *data, const char *what)
{
    (void)data;
    assert_null(strchr(what, '\n'));
}

static void use_all(const char *path)
{
    struct tare_store *store;
    if (tare_store_open(path, TARE_STORE_WRITE, &store) == 0) {
        struct tare_history_query query = {.since_ms = TARE_HISTORY_UNKNOWN, .values = true};
        struct tare_history history;
        struct tare_store_counts counts;
        struct tare_history_record record;
        size_t wrong;
        bool added;
        tare_store_count(store, &counts);
        if (tare_store_read(store, &query, &history) == 0) {
            for (size_t i = 0; i < history.run_count; i++) {
                char *raw;
                size_t size;
                if (tare_store_raw(store, history.runs[i].project, history.runs[i].id, &raw, &size) == 0) {
                    free(raw);
                }
            }
            tare_history_release(&history);
        }
        tare_store_fsck(store, nothing, NULL, &wrong);
        store_record(&record, "p", 50, 4, NULL);
        tare_store_add(store, &record, &added);
        tare_history_record_release(&record);
        struct tare_prune what = {.before_ms = TARE_HISTORY_UNKNOWN, .keep = 2};
        tare_store_prune(store, &what, &counts);
    } else {
        assert_true(strlen(tare_store_message(store)) > 10);
        assert_null(strchr(tare_store_message(store), '\n'));
    }
    tare_store_close(store);
}

static void damaged_files_are_survived(void **state)
{
    (void)state;
    char *where;
    struct tare_store *store = made(&where);
    for (unsigned i = 0; i < 4; i++) {
        add_number(store, "p", i, 4);
    }
    tare_store_close(store);
    size_t size;
    char *whole = bytes_of(where, &size);
    uint64_t seed = UINT64_C(0x2545f4914f6cdd1d);
    for (int round = 0; round < 250; round++) {
        char *bytes = malloc(size);
        memcpy(bytes, whole, size);
        size_t length = size;
        if (round % 5 == 4) {
            length = (size_t)(next_random(&seed) % size);
        } else {
            for (uint64_t i = 0, flips = 1 + next_random(&seed) % 8; i < flips; i++) {
                uint64_t at = next_random(&seed) % (round % 2 == 0 ? size : 3000);
                bytes[at % size] ^= (char)(1 << next_random(&seed) % 8);
            }
        }
        char *path = file_of("damaged.db", bytes, length);
        use_all(path);
        char beside[300];
        unlink(path);
        snprintf(beside, sizeof beside, "%s-wal", path);
        unlink(beside);
        snprintf(beside, sizeof beside, "%s-shm", path);
        unlink(beside);
        free(path);
        free(bytes);
    }
    free(whole);
    free(where);
}

/* What the engine cannot see: bits that fell over inside what it keeps. */
static void damage_inside_is_found(void **state)
{
    (void)state;
    static const char *const damages[] = {
        "UPDATE tare_runs SET points = $1",
        "UPDATE tare_runs SET block_values = $1",
        "UPDATE tare_raws SET data = $1",
    };
    for (size_t i = 0; i < sizeof damages / sizeof damages[0]; i++) {
        char *where;
        struct tare_store *store = made(&where);
        add_number(store, "p", 1, 3);
        struct tare__sql_value garbage[] = {tare__sql_bytes("\1\3abcdefghijklmnopqrstuvwxyz", 28)};
        OK(store, tare__sql_run(store->sql, damages[i], garbage, 1, NULL));
        assert_int_equal(wrongs(store), 1);
        struct tare_history history;
        struct tare_history_query query = {.since_ms = TARE_HISTORY_UNKNOWN, .values = true};
        int result = tare_store_read(store, &query, &history);
        assert_int_equal(result, i < 2 ? -EINVAL : 0);
        tare_history_release(&history);
        dropped(store, where);
    }
    static const char *const gone[] = {
        "DELETE FROM tare_series",
        "DELETE FROM tare_commits",
        "DELETE FROM tare_environments",
        "DELETE FROM tare_origins",
        "UPDATE tare_origins SET branch = 'another'",
        "UPDATE tare_runs SET origin = 7",
        "UPDATE tare_commits SET commit_key = 7",
        "DELETE FROM tare_runs",
        "DELETE FROM tare_projects",
        "UPDATE tare_runs SET point_count = 9",
        "UPDATE tare_environments SET data = '{}'",
        "UPDATE tare_raws SET size = 3",
        "UPDATE tare_raws SET size = 9223372036854775807",
    };
    for (size_t i = 0; i < sizeof gone / sizeof gone[0]; i++) {
        char *where;
        struct tare_store *store = made(&where);
        add_number(store, "p", 1, 3);
        OK(store, tare__sql_run(store->sql, gone[i], NULL, 0, NULL));
        assert_true(wrongs(store) >= 1);
        dropped(store, where);
    }
}

static int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) == NULL || chmod(folder, 0755) != 0;
}

static int remove_folder(void **state)
{
    (void)state;
    char command[100];
    snprintf(command, sizeof command, "rm -rf %s", folder);
    return system(command);
}

#define BOTH                                                                                                   \
    cmocka_unit_test(what_is_added_comes_back_whole), cmocka_unit_test(adding_twice_changes_nothing),          \
        cmocka_unit_test(a_commit_becomes_known_better), cmocka_unit_test(a_query_chooses),                    \
        cmocka_unit_test(texts_of_all_kinds), cmocka_unit_test(many_come_in_one_transaction),                  \
        cmocka_unit_test(a_collision_is_an_error), cmocka_unit_test(baselines_are_set_and_removed),            \
        cmocka_unit_test(pruning_takes_what_is_old), cmocka_unit_test(merging_brings_what_is_not_there),       \
        cmocka_unit_test(merging_crosses_engines), cmocka_unit_test(what_is_not_there_is_said),                \
        cmocka_unit_test(older_schemas_are_brought_up_to_date), cmocka_unit_test(a_later_schema_is_refused),   \
        cmocka_unit_test(somebody_elses_lock_is_waited_for), cmocka_unit_test(damage_inside_is_found),         \
        cmocka_unit_test(passwords_are_not_shown), cmocka_unit_test(figures_beyond_the_limit_are_refused)

int main(void)
{
    const char *url = getenv("TARE_TEST_POSTGRESQL");
    if (url != NULL && *url != '\0') {
        server = url;
        const struct CMUnitTest tests[] = {BOTH};
        return cmocka_run_group_tests_name("store, PostgreSQL", tests, make_folder, remove_folder);
    }
    const struct CMUnitTest tests[] = {
        BOTH,
        cmocka_unit_test(points_have_the_bytes_that_the_document_says),
        cmocka_unit_test(other_files_are_left_alone),
        cmocka_unit_test(a_folder_is_made),
        cmocka_unit_test(a_full_disk_changes_nothing),
        cmocka_unit_test(a_disk_without_room_is_survived),
        cmocka_unit_test(ids_of_commits_come_back),
        cmocka_unit_test(without_room_for_a_page_nothing_changes),
        cmocka_unit_test(a_file_that_may_only_be_read_is_read),
        cmocka_unit_test(damaged_files_are_survived),
    };
    return cmocka_run_group_tests_name("store, SQLite", tests, make_folder, remove_folder);
}
