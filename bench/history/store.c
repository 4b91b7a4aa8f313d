/* SPDX-License-Identifier: MIT */
/*
 * For bench/history/run.py: fills a store through the library, and times the library where the command's own start
 * would hide it; the floors are plain SQLite. Numbers go to standard output, a name and a figure on each line.
 *
 *     bench-history-store build WHERE RESULT RUNS    RUNS records like RESULT, through tare_store_add_all()
 *     bench-history-store add WHERE RESULT...        opens it, adds one and closes it, and says how long each took
 *     bench-history-store check WHERE ROUNDS         reads all of the project and judges it
 *     bench-history-store bulk FILE RESULT RUNS      floor: a plain table with the same figures, by SQLite itself
 *     bench-history-store insert FILE RESULT...      floor: the same for one result, a transaction as durable as ours
 *
 * RESULT has been made by `tare bench`; what it has values of blocks of are the series. Figures are drawn anew for each
 * run, equal ones for equal arguments: a level for each series, which moves from run to run (a standard deviation of
 * 0.5 to 3 %, and a correlation of 0.3 with the run before), and BLOCKS values about it that scatter as much, of
 * which one in 20 is an outlier to the slow side. One series in 20 has a step of 5 % somewhere.
 */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "history/check.h"
#include "history/extract.h"
#include "history/store.h"
#include "result/json.h"
#include "stats/random.h"

enum {
    BLOCKS = 20,
    LOW = 5,    /* 6th and 15th of 20: the 95 % interval of the median by the sign test */
    HIGH = 14,  /* (both from 0) */
    BATCH = 20, /* runs in a call of tare_store_add_all(): 20,000 points of 1,000 series, 4 MB */
};
static const char PROJECT[] = "bench-history";
static char nothing[] = "", subject[] = "bench: make up a commit", branch[] = "main";
static const int64_t FIRST_MS = 1700000000000, STEP_MS = 3600000; /* a run each hour, since November 2023 */

static _Noreturn void die(const char *what, const char *why)
{
    fprintf(stderr, "bench-history-store: %s: %s\n", what, why);
    exit(2);
}

static void *need(void *memory)
{
    if (memory == NULL) {
        die("cannot go on", "no memory");
    }
    return memory;
}

static double now_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static char *read_file(const char *path, size_t *size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat about;
    if (fd < 0 || fstat(fd, &about) != 0) {
        die(path, strerror(errno));
    }
    char *bytes = need(malloc((size_t)about.st_size + 1));
    *size = 0;
    for (ssize_t got; (got = read(fd, bytes + *size, (size_t)about.st_size - *size)) > 0;) {
        *size += (size_t)got;
    }
    close(fd);
    return bytes;
}

/* The record of a result, as `tare history add` makes it. */
static void record_of(const char *path, struct tare_history_record *record)
{
    size_t size;
    char message[300] = "", *bytes = read_file(path, &size);
    struct tare_result *result = NULL;
    if (tare_result_parse_json(bytes, size, &result, message, sizeof(message)) != 0) {
        die(path, message);
    }
    struct tare_origin origin = {.project = need(strdup(PROJECT)), .dirty = -1};
    tare_history_record_init(record);
    if (tare_history_extract(result, bytes, size, &origin, record, message, sizeof(message)) != 0) {
        die(path, message);
    }
    tare_origin_release(&origin);
    tare_result_free(result);
    free(bytes);
}

static struct tare_store *open_store(const char *where, int flags)
{
    struct tare_store *store = NULL;
    if (tare_store_open(where, flags, &store) != 0) {
        die(where, store != NULL ? tare_store_message(store) : "no memory");
    }
    return store;
}

/* What a series is like, and where it stands now. */
struct level {
    double ns, scatter, off; /* off: of the run, in standard deviations */
    size_t step_at;          /* SIZE_MAX: never */
};

static void draw_levels(struct tare_random *random, struct level *levels, size_t count, size_t runs)
{
    for (size_t i = 0; i < count; i++) {
        levels[i] = (struct level){
            .ns = 5 * pow(200000, fmod((double)i * 0.618034, 1)), /* 5 ns to 1 ms; run.py knows it, too */
            .scatter = 0.005 + 0.025 * tare_random_uniform(random),
            .off = tare_random_normal(random),
            .step_at = i % 20 == 7 ? (size_t)tare_random_below(random, runs) : SIZE_MAX,
        };
    }
}

static int ascending(const void *a, const void *b)
{
    double left = *(const double *)a, right = *(const double *)b;
    return (left > right) - (left < right);
}

static void draw_point(struct tare_random *random, struct level *level, size_t run,
                       struct tare_history_point *point)
{
    double sorted[BLOCKS];
    level->off = 0.3 * level->off + sqrt(1 - 0.3 * 0.3) * tare_random_normal(random);
    double about = level->ns * (run >= level->step_at ? 1.05 : 1) * exp(level->scatter * level->off);
    for (size_t k = 0; k < BLOCKS; k++) {
        double value = about * exp(level->scatter * tare_random_normal(random));
        point->values[k] =
            tare_random_below(random, 20) == 0 ? value * (1.2 + 0.8 * tare_random_uniform(random)) : value;
    }
    memcpy(sorted, point->values, sizeof(sorted));
    qsort(sorted, BLOCKS, sizeof(*sorted), ascending);
    point->value = (sorted[BLOCKS / 2 - 1] + sorted[BLOCKS / 2]) / 2;
    point->low = sorted[LOW];
    point->high = sorted[HIGH];
    point->n = BLOCKS;
    point->rounds = BLOCKS;
    point->rounds_dropped = tare_random_below(random, 10) == 0;
    point->stolen = 0;
}

/* Of some text, 64 digits: ids of runs and commits that nobody has. */
static void digits_of(const char *what, size_t number, char hex[TARE_SHA256_HEX + 1])
{
    struct tare_sha256 hash;
    tare_sha256_init(&hash);
    tare_sha256_add(&hash, what, strlen(what));
    tare_sha256_add(&hash, &number, sizeof(number));
    tare_sha256_finish_hex(&hash, hex);
}

/* A record for each of BATCH runs, which share the series' texts with `base`. */
struct batch {
    struct tare_history_record records[BATCH];
    char commits[BATCH][TARE_SHA256_HEX + 1], parents[BATCH][TARE_SHA256_HEX + 1];
    double *values;
};

static void make_batch(const struct tare_history_record *base, struct batch *batch)
{
    batch->values = need(malloc(BATCH * base->line_count * BLOCKS * sizeof(double)));
    for (size_t r = 0; r < BATCH; r++) {
        struct tare_history_record *record = &batch->records[r];
        *record = *base;
        record->raw = NULL;
        record->raw_size = 0;
        record->run.raw_size = 0;
        record->lines = need(calloc(base->line_count, sizeof(*record->lines)));
        for (size_t i = 0; i < base->line_count; i++) {
            record->lines[i] = base->lines[i];
            record->lines[i].points = need(malloc(sizeof(struct tare_history_point)));
            record->lines[i].points[0] = base->lines[i].points[0];
            record->lines[i].points[0].values = batch->values + (r * base->line_count + i) * BLOCKS;
            record->lines[i].points[0].value_count = BLOCKS;
        }
    }
}

static void release_batch(struct batch *batch)
{
    for (size_t r = 0; r < BATCH; r++) {
        for (size_t i = 0; i < batch->records[r].line_count; i++) {
            free(batch->records[r].lines[i].points);
        }
        free(batch->records[r].lines);
    }
    free(batch->values);
}

static void fill_record(struct batch *batch, size_t slot, size_t run, struct tare_random *random,
                        struct level *levels)
{
    struct tare_history_record *record = &batch->records[slot];
    digits_of("commit", run, batch->commits[slot]);
    digits_of("commit", run - 1, batch->parents[slot]);
    batch->commits[slot][40] = batch->parents[slot][40] = '\0';
    record->has_commit = true;
    record->commit = (struct tare_history_commit){
        .id = batch->commits[slot],
        .parents = run == 0 ? nothing : batch->parents[slot],
        .time_s = (FIRST_MS + (int64_t)run * STEP_MS) / 1000,
        .ordinal = (int64_t)run + 1,
        .subject = subject,
    };
    digits_of("run", run, record->run.digest);
    record->run.id = tare_history_run_id(record->run.project, record->run.digest);
    record->run.started_ms = FIRST_MS + (int64_t)run * STEP_MS;
    record->run.commit = batch->commits[slot];
    record->run.branch = branch;
    record->run.dirty = 0;
    for (size_t i = 0; i < record->line_count; i++) {
        record->lines[i].points[0].run = record->run.id;
        draw_point(random, &levels[i], run, record->lines[i].points);
    }
}

/* What is to be done with BATCH runs, or fewer at the end. */
typedef void batch_user(void *data, struct tare_history_record *records, size_t count);

/* Draws all runs; returns how long their users took, in seconds. */
static double each_batch(const char *path, size_t runs, batch_user *use, void *data, size_t *series)
{
    struct tare_history_record base;
    static struct batch batch;
    struct tare_random random;
    double taken = 0;
    record_of(path, &base);
    size_t kept = 0; /* what has no values of blocks is not what is measured here */
    for (size_t i = 0; i < base.line_count; i++) {
        if (base.lines[i].count == 1 && base.lines[i].points[0].value_count > 0) {
            struct tare_history_line line = base.lines[kept];
            base.lines[kept++] = base.lines[i];
            base.lines[i] = line;
        }
    }
    const size_t all = base.line_count;
    if (kept == 0) {
        die(path, "no metric has values of blocks");
    }
    base.line_count = *series = kept;
    struct level *levels = need(calloc(kept, sizeof(*levels)));
    tare_random_seed(&random, 1);
    draw_levels(&random, levels, kept, runs);
    make_batch(&base, &batch);
    for (size_t run = 0; run < runs; run += BATCH) {
        size_t count = runs - run < BATCH ? runs - run : BATCH;
        for (size_t slot = 0; slot < count; slot++) {
            fill_record(&batch, slot, run + slot, &random, levels);
        }
        double start = now_s();
        use(data, batch.records, count);
        taken += now_s() - start;
    }
    release_batch(&batch);
    free(levels);
    base.line_count = all;
    tare_history_record_release(&base);
    return taken;
}

static void add_batch(void *data, struct tare_history_record *records, size_t count)
{
    struct tare_store *store = data;
    size_t added = 0;
    if (tare_store_add_all(store, records, count, &added) != 0) {
        die("cannot add", tare_store_message(store));
    }
    if (added != count) {
        die("cannot add", "some of it was there already");
    }
}

static void build(const char *where, const char *result, size_t runs)
{
    struct tare_store *store = open_store(where, TARE_STORE_WRITE | TARE_STORE_CREATE);
    struct tare_store_counts counts;
    size_t series;
    double seconds = each_batch(result, runs, add_batch, store, &series);
    if (tare_store_count(store, &counts) != 0) {
        die(where, tare_store_message(store));
    }
    if (counts.points != runs * series || counts.runs != runs) {
        die(where, "it does not hold what was added");
    }
    tare_store_close(store);
    printf("series %zu\npoints %llu\nseconds %.6f\n", series, (unsigned long long)counts.points, seconds);
}

static void add(const char *where, char **results, int count)
{
    for (int i = 0; i < count; i++) {
        struct tare_history_record record;
        bool added = false;
        record_of(results[i], &record);
        double start = now_s();
        struct tare_store *store = open_store(where, TARE_STORE_WRITE);
        double opened = now_s();
        if (tare_store_add(store, &record, &added) != 0) {
            die(results[i], tare_store_message(store));
        }
        double at = now_s();
        if (!added) {
            die(results[i], "it was there already");
        }
        tare_store_close(store); /* SQLite writes then what it has not yet */
        double end = now_s();
        printf("lines %zu\nopen_ms %.6f\nadd_ms %.6f\nclose_ms %.6f\nwhole_ms %.6f\n", record.line_count,
               (opened - start) * 1e3, (at - opened) * 1e3, (end - at) * 1e3, (end - start) * 1e3);
        tare_history_record_release(&record);
    }
}

static void check(const char *where, int rounds)
{
    for (int i = 0; i < rounds; i++) {
        struct tare_history history = {0};
        struct tare_history_report report = {0};
        const struct tare_history_query query = {.project = PROJECT, .since_ms = TARE_HISTORY_UNKNOWN};
        const struct tare_check_rule rule = {
            .margin = 0.01, .alpha = TARE_CHANGE_ALPHA, .window = 50, .since_ms = TARE_HISTORY_UNKNOWN};
        char message[300] = "";
        double start = now_s();
        struct tare_store *store = open_store(where, TARE_STORE_READ);
        if (tare_store_read(store, &query, &history) != 0) {
            die(where, tare_store_message(store));
        }
        double read_at = now_s();
        if (tare_history_check(&history, &rule, &report, message, sizeof(message)) != 0) {
            die(where, message);
        }
        double end = now_s();
        size_t points = 0, changes = 0;
        for (size_t k = 0; k < history.line_count; k++) {
            points += history.lines[k].count;
        }
        for (size_t k = 0; k < report.count; k++) {
            changes += report.series[k].changes.count;
        }
        printf("read_ms %.6f\ncheck_ms %.6f\nread_points %zu\nchanges %zu\n", (read_at - start) * 1e3,
               (end - read_at) * 1e3, points, changes);
        tare_history_report_release(&report);
        tare_history_release(&history);
        tare_store_close(store);
    }
}

/* The floor: the figures of a point alone, in a table without any index but its own order. */
struct plain {
    sqlite3 *database;
    sqlite3_stmt *insert;
};

static void plain_must(struct plain *plain, int code, int wanted)
{
    if (code != wanted) {
        die("SQLite", sqlite3_errmsg(plain->database));
    }
}

static struct plain plain_open(const char *path)
{
    struct plain plain = {0};
    plain_must(&plain, sqlite3_open(path, &plain.database), SQLITE_OK);
    plain_must(
        &plain,
        sqlite3_exec(plain.database,
                     "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
                     "CREATE TABLE IF NOT EXISTS point (series INTEGER, run INTEGER, value REAL, low REAL,"
                     " high REAL, n INTEGER, rounds INTEGER, dropped INTEGER, stolen REAL, blocks BLOB)",
                     NULL, NULL, NULL),
        SQLITE_OK);
    plain_must(&plain,
               sqlite3_prepare_v2(plain.database, "INSERT INTO point VALUES (?,?,?,?,?,?,?,?,?,?)", -1,
                                  &plain.insert, NULL),
               SQLITE_OK);
    return plain;
}

static void plain_close(struct plain *plain)
{
    sqlite3_finalize(plain->insert);
    plain_must(plain, sqlite3_close(plain->database), SQLITE_OK);
}

static void plain_add(void *data, struct tare_history_record *records, size_t count)
{
    struct plain *plain = data;
    plain_must(plain, sqlite3_exec(plain->database, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    for (size_t r = 0; r < count; r++) {
        for (size_t i = 0; i < records[r].line_count; i++) {
            const struct tare_history_point *point = records[r].lines[i].points;
            sqlite3_bind_int64(plain->insert, 1, records[r].lines[i].series.id);
            sqlite3_bind_int64(plain->insert, 2, point->run);
            sqlite3_bind_double(plain->insert, 3, point->value);
            sqlite3_bind_double(plain->insert, 4, point->low);
            sqlite3_bind_double(plain->insert, 5, point->high);
            sqlite3_bind_int64(plain->insert, 6, point->n);
            sqlite3_bind_int64(plain->insert, 7, point->rounds);
            sqlite3_bind_int64(plain->insert, 8, point->rounds_dropped);
            sqlite3_bind_double(plain->insert, 9, point->stolen);
            sqlite3_bind_blob64(plain->insert, 10, point->values, point->value_count * sizeof(double),
                                SQLITE_STATIC);
            plain_must(plain, sqlite3_step(plain->insert), SQLITE_DONE);
            plain_must(plain, sqlite3_reset(plain->insert), SQLITE_OK);
        }
    }
    plain_must(plain, sqlite3_exec(plain->database, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
}

static void bulk(const char *path, const char *result, size_t runs)
{
    struct plain plain = plain_open(path);
    size_t series;
    double seconds = each_batch(result, runs, plain_add, &plain, &series);
    double start = now_s();
    plain_close(&plain);
    printf("series %zu\nseconds %.6f\n", series, seconds + now_s() - start);
}

static void insert(const char *path, char **results, int count)
{
    struct plain made = plain_open(path); /* makes the file */
    plain_close(&made);
    for (int i = 0; i < count; i++) {
        struct tare_history_record record;
        record_of(results[i], &record);
        double start = now_s();
        struct plain plain = plain_open(path);
        plain_add(&plain, &record, 1);
        plain_close(&plain);
        printf("insert_ms %.6f\n", (now_s() - start) * 1e3);
        tare_history_record_release(&record);
    }
}

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";
    if (strcmp(what, "build") == 0 && argc == 5) {
        build(argv[2], argv[3], strtoul(argv[4], NULL, 10));
    } else if (strcmp(what, "add") == 0 && argc > 3) {
        add(argv[2], argv + 3, argc - 3);
    } else if (strcmp(what, "check") == 0 && argc == 4) {
        check(argv[2], atoi(argv[3]));
    } else if (strcmp(what, "bulk") == 0 && argc == 5) {
        bulk(argv[2], argv[3], strtoul(argv[4], NULL, 10));
    } else if (strcmp(what, "insert") == 0 && argc > 3) {
        insert(argv[2], argv + 3, argc - 3);
    } else {
        fprintf(stderr,
                "usage: bench-history-store build|add|check|bulk|insert ...; see bench/history/store.c\n");
        return 2;
    }
    return fflush(stdout) == 0 ? 0 : 2;
}
