/* SPDX-License-Identifier: MIT */
/*
 * `tare history add`, and keeping for --history of other commands. All that is given is read and understood
 * before anything of it is added, so that a wrong file in a long list leaves nothing half-done.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/history.h"
#include "history/import.h"
#include "result/json.h"

/* What tare_result_read_json() reads, at most. */
static const size_t RESULT_MAX_BYTES = (size_t)1 << 30;

struct add {
    struct history_common common;
    const char *commit, *branch, *link;
    int dirty;                 /* -1: not given */
    struct tare_origin origin; /* what is checked out, or --commit */
    struct tare_origin other;  /* of the result before, which named another commit */
    struct tare_history_record *records;
    size_t count;
};

static int take_option(void *data, int id, const char *value)
{
    struct add *add = data;
    switch (id) {
    case HISTORY_COMMIT:
        add->commit = value;
        return 0;
    case HISTORY_BRANCH:
        add->branch = value;
        return 0;
    case HISTORY_LINK:
        add->link = value;
        return history_is_link("--link", value) ? 0 : EXIT_TROUBLE;
    case HISTORY_DIRTY:
        add->dirty = strcmp(value, "yes") == 0;
        if (strcmp(value, "yes") != 0 && strcmp(value, "no") != 0) {
            error("'%s' is no answer for --dirty: yes or no", value);
            return EXIT_TROUBLE;
        }
        return 0;
    default:
        return history_common_option(&add->common, id, value);
    }
}

static void release(struct add *add)
{
    for (size_t i = 0; i < add->count; i++) {
        tare_history_record_release(&add->records[i]);
    }
    free(add->records);
    tare_origin_release(&add->origin);
    tare_origin_release(&add->other);
    history_common_release(&add->common);
}

/* False: no memory. */
static bool replace_text(char **text, const char *given)
{
    if (given != NULL) {
        free(*text);
        *text = strdup(given);
    }
    return given == NULL || *text != NULL;
}

/*
 * What the command line says of a result, against what the result says itself: the bytes stay as they are. False after an
 * error was printed.
 */
static bool correct(const struct add *add, struct tare_result *result)
{
    struct tare_environment *environment = &result->environment;
    if (add->commit != NULL) {
        bool same = environment->commit != NULL && add->origin.has_commit &&
                    strcmp(environment->commit, add->origin.commit.id) == 0;
        if (!same) {
            environment->commit_dirty = -1;
        }
        free(environment->commit);
        free(environment->branch);
        environment->commit = environment->branch = NULL;
    }
    if (add->dirty >= 0) {
        environment->commit_dirty = add->dirty;
    }
    bool fine =
        replace_text(&environment->branch, add->branch) && replace_text(&environment->job_link, add->link);
    if (!fine) {
        error("out of memory");
    }
    return fine;
}

/*
 * Of the commit that the result names, if that is not the one that is checked out: git may know its place, too. NULL after an error was printed.
 */
static struct tare_origin *origin_of(struct add *add, const struct tare_result *result)
{
    const char *commit = result->environment.commit;
    if (commit == NULL || (add->origin.has_commit && strcmp(commit, add->origin.commit.id) == 0)) {
        return &add->origin;
    }
    if (!add->other.has_commit || strcmp(commit, add->other.commit.id) != 0) {
        tare_origin_release(&add->other);
        if (!history_origin(&add->common, commit, add->branch, add->link, add->dirty, 0, &add->other)) {
            return NULL;
        }
    }
    return &add->other;
}

/*
 * What the result does not say itself is asked of git: to look at all files, or to count all commits, takes longer than
 * the rest of adding. NULL after an error was printed.
 */
static const struct tare_origin *whole_origin_of(struct add *add, const struct tare_result *result)
{
    const struct tare_environment *environment = &result->environment;
    struct tare_origin *origin = origin_of(add, result);
    bool own = environment->commit != NULL;
    unsigned wanted = own && environment->commit_parents != NULL && isfinite(environment->commit_time_s) &&
                              environment->commit_subject != NULL
                          ? 0
                          : TARE_ORIGIN_DETAILS;
    if (!own && environment->commit_dirty < 0 && add->dirty < 0) {
        wanted |= TARE_ORIGIN_DIRTY;
    }
    if (origin != NULL && tare_origin_more(".", wanted, origin) != 0) {
        error("out of memory");
        return NULL;
    }
    return origin;
}

/* Adds a record made of the file, in memory. False after an error was printed. */
static bool read_one(struct add *add, const char *path)
{
    size_t size = 0;
    char message[256] = "", *bytes = history_read_file(path, RESULT_MAX_BYTES, &size);
    struct tare_result *result = NULL;
    if (bytes == NULL) {
        return false;
    }
    int failure = tare_result_parse_json(bytes, size, &result, message, sizeof(message));
    const struct tare_origin *origin = NULL;
    bool fine = failure != 0 || (correct(add, result) && (origin = whole_origin_of(add, result)) != NULL);
    if (failure == 0 && fine) {
        struct tare_history_record *record = &add->records[add->count++];
        failure = tare_history_extract(result, bytes, size, origin, record, message, sizeof(message));
        if (failure == 0 && add->dirty >= 0) {
            record->run.dirty = add->dirty;
        }
    }
    if (failure != 0) {
        enum tare_import_format other = failure == -EINVAL ? tare_import_guess(bytes, size) : TARE_IMPORT_GUESS;
        if (other != TARE_IMPORT_GUESS) {
            snprintf(message, sizeof(message), "it is a file of %s: give it to 'tare history import'",
                     tare_import_names[other]);
        }
        char *text = printable(message);
        error("cannot add '%s': %s", strcmp(path, "-") == 0 ? "standard input" : path,
              text != NULL && *text != '\0' ? text : strerror(-failure));
        free(text);
    }
    tare_result_free(result);
    free(bytes);
    return fine && failure == 0;
}

static bool prepare(struct add *add, char *const *paths, size_t count)
{
    add->records = calloc(count, sizeof(*add->records));
    if (add->records == NULL) {
        error("out of memory");
        return false;
    }
    if (!history_origin(&add->common, add->commit, add->branch, add->link, add->dirty, 0, &add->origin)) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        progress("reading %zu of %zu", i + 1, count);
        if (!read_one(add, paths[i])) {
            return false;
        }
    }
    progress_clear();
    return true;
}

static int compare_ids(const void *a, const void *b)
{
    int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;
    return (left > right) - (left < right);
}

bool history_tally_record(struct history_tally *tally, const struct tare_history_record *record)
{
    int64_t *ids = reallocarray(tally->series, tally->series_count + record->line_count + 1, sizeof(*ids));
    if (ids == NULL) {
        error("out of memory");
        return false;
    }
    tally->series = ids;
    tally->runs++;
    for (size_t i = 0; i < record->line_count; i++) {
        ids[tally->series_count++] = tare_history_series_id(&record->lines[i].series);
        tally->points += record->lines[i].count;
    }
    return true;
}

size_t history_tally_series(struct history_tally *tally)
{
    size_t different = 0;
    if (tally->series_count > 0) {
        qsort(tally->series, tally->series_count, sizeof(*tally->series), compare_ids);
    }
    for (size_t i = 0; i < tally->series_count; i++) {
        different += i == 0 || tally->series[i] != tally->series[i - 1];
    }
    return different;
}

/* Each is a transaction. False after an error was printed, which says how many there are by then. */
static bool add_records(struct add *add, struct tare_store *store, struct history_tally *tally)
{
    for (size_t i = 0; i < add->count; i++) {
        bool added = false;
        progress("adding %zu of %zu", i + 1, add->count);
        if (!history_place(&add->common, store, &add->records[i])) {
            return false;
        }
        int failure = tare_store_add(store, &add->records[i], &added);
        if (failure != 0) {
            char done[64];
            history_store_error(&add->common, store, "add to", failure);
            if (i > 0) {
                error("%s before that %s added", history_plural(done, sizeof(done), i, "result"),
                      i == 1 ? "was" : "were");
            }
            return false;
        }
        tally->known += !added;
        if (added && !history_tally_record(tally, &add->records[i])) {
            return false;
        }
    }
    progress_clear();
    return true;
}

static void say_added(struct history_tally *tally, size_t given)
{
    char runs[64], points[64], series[64];
    if (tally->runs == 0) {
        printf("added nothing: %s there already\n", given == 1 ? "the result was" : "the results were");
        return;
    }
    printf("added %s: %s in %s", history_plural(runs, sizeof(runs), tally->runs, "result"),
           history_plural(points, sizeof(points), tally->points, "point"),
           history_plural(series, sizeof(series), history_tally_series(tally), "series"));
    if (tally->known > 0) {
        printf("; %zu %s there already", tally->known, tally->known == 1 ? "was" : "were");
    }
    putchar('\n');
}

int history_add(const struct command *command, int argc, char **argv)
{
    struct add add = {.dirty = -1};
    struct history_tally tally = {0};
    int exit_code = EXIT_TROUBLE, operand = options_parse(command, argc, argv, take_option, &add, &exit_code);
    if (operand < 0) {
        return exit_code;
    }
    if (operand == argc) {
        error("which RESULT? give files, or - for standard input");
        return EXIT_TROUBLE;
    }
    exit_code = EXIT_TROUBLE;
    if (prepare(&add, argv + operand, (size_t)(argc - operand))) {
        history_interruptible("tare: interrupted: of the results, those that were not added yet are not");
        struct tare_store *store = history_open(&add.common, TARE_STORE_WRITE | TARE_STORE_CREATE);
        if (store != NULL && add_records(&add, store, &tally)) {
            say_added(&tally, add.count);
            exit_code = EXIT_FINE;
        }
        tare_store_close(store);
    }
    free(tally.series);
    release(&add);
    return exit_code;
}

/* Whether what --history asks for could be done. */
static int try_to_keep(struct add *add)
{
    struct tare_store *store = NULL;
    struct stat st;
    add->common.warned = true; /* it is said when there is something to keep */
    if (!history_find(&add->common)) {
        return EXIT_TROUBLE;
    }
    if (!history_is_url(add->common.where) && stat(add->common.where, &st) != 0 && errno == ENOENT) {
        /* It is made with its folder, but not with that one's. */
        char *folder = strdup(add->common.where);
        for (int i = 0; i < 2 && folder != NULL && (i == 0 || stat(folder, &st) != 0); i++) {
            char *slash = strrchr(folder, '/');
            strcpy(slash == NULL ? folder : slash == folder ? slash + 1 : slash, slash == NULL ? "." : "");
        }
        bool fine = folder != NULL && access(folder, W_OK | X_OK) == 0;
        if (!fine) {
            error("cannot make '%s': %s", add->common.shown, strerror(errno));
        }
        free(folder);
        return fine ? EXIT_FINE : EXIT_TROUBLE;
    }
    int failure = tare_store_open(add->common.where, TARE_STORE_WRITE, &store);
    /* The tables are made when there is something to keep. */
    failure = failure == -ENOENT && history_is_url(add->common.where) ? 0 : failure;
    if (failure != 0) {
        history_store_error(&add->common, store, "open", failure);
    }
    tare_store_close(store);
    return failure == 0 ? EXIT_FINE : EXIT_TROUBLE;
}

/*
 * What may be thin about the points: they are kept all the same, and carry it (n, rounds_dropped). Of a benchmark the
 * values are of a process each, and rounds are dropped as something else was running.
 */
static void say_doubts(const struct tare_history_record *record)
{
    const struct tare_history_point *dropped = NULL;
    bool single = false;
    for (size_t i = 0; i < record->line_count; i++) {
        const struct tare_history_point *point = &record->lines[i].points[0];
        if (point->rounds <= 0 || point->rounds_dropped == TARE_HISTORY_UNKNOWN) {
            continue;
        }
        single |= point->n == 1;
        if (point->rounds_dropped > 0 &&
            (dropped == NULL || point->rounds_dropped * (double)dropped->rounds >
                                    dropped->rounds_dropped * (double)point->rounds)) {
            dropped = point;
        }
    }
    if (dropped != NULL) {
        fprintf(stderr, "; %lld of %lld rounds were dropped", (long long)dropped->rounds_dropped,
                (long long)dropped->rounds);
    }
    if (single) {
        fputs("; some are of one process alone", stderr);
    }
}

int history_keep(int argc, char **argv)
{
    static char input[] = "-";
    char *const paths[] = {input};
    struct add add = {.dirty = -1};
    struct history_tally tally = {0};
    int exit_code = EXIT_TROUBLE;
    if (argc > 1 && strcmp(argv[1], "--try") == 0) {
        exit_code = try_to_keep(&add);
    } else if (prepare(&add, paths, 1)) {
        struct tare_store *store = history_open(&add.common, TARE_STORE_WRITE | TARE_STORE_CREATE);
        if (store != NULL && add_records(&add, store, &tally)) {
            char points[64];
            fprintf(stderr, "kept in '%s': %s", add.common.shown,
                    history_plural(points, sizeof(points), tally.points, "point"));
            say_doubts(&add.records[0]);
            fputc('\n', stderr);
            exit_code = EXIT_FINE;
        }
        tare_store_close(store);
    }
    free(tally.series);
    release(&add);
    return exit_code;
}
