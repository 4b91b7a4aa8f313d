/* SPDX-License-Identifier: MIT */
/*
 * `tare history import`: other tools' files. Folders are walked here; what a file means, history/import.h
 * knows. All is read before anything is added, and that in one transaction.
 */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/history.h"
#include "history/import.h"
#include "record/clean.h"

/* More than that is no result of one of these tools. */
static const size_t FILE_MAX_BYTES = (size_t)1 << 30;
enum { DEPTH_MAX = 32, FILES_MAX = 8, MACHINE_MAX = 200 };

struct import {
    struct history_common common;
    enum tare_import_format format;
    const char *commit, *branch, *machine;
    bool dry_run;
    struct tare_origin origin;
    struct tare_history_record *records;
    size_t count;
    size_t files, skipped; /* of folders: looked at; of no known format */
    size_t own;            /* results of tare */
    char *first_skipped, *first_own;
};

static int take_format(struct import *import, const char *value)
{
    for (int i = TARE_IMPORT_GUESS + 1; i < TARE_IMPORT_FORMATS; i++) {
        if (strcmp(value, tare_import_names[i]) == 0) {
            import->format = (enum tare_import_format)i;
            return 0;
        }
    }
    const char *near = suggest(value, tare_import_names + 1, TARE_IMPORT_FORMATS - 1);
    if (near != NULL) {
        error("unknown format '%s': did you mean '%s'?", value, near);
    } else {
        error("unknown format '%s': 'tare history import --help' names them", value);
    }
    return EXIT_TROUBLE;
}

static int take_option(void *data, int id, const char *value)
{
    struct import *import = data;
    switch (id) {
    case HISTORY_FROM:
        return take_format(import, value);
    case HISTORY_COMMIT:
        import->commit = value;
        return 0;
    case HISTORY_BRANCH:
        import->branch = value;
        return 0;
    case HISTORY_MACHINE:
        if (*value == '\0' || strlen(value) > MACHINE_MAX) {
            error("the name for --machine has to have 1 to %d bytes", MACHINE_MAX);
            return EXIT_TROUBLE;
        }
        import->machine = value;
        return 0;
    case HISTORY_DRY_RUN:
        import->dry_run = true;
        return 0;
    default:
        return history_common_option(&import->common, id, value);
    }
}

static void release(struct import *import)
{
    for (size_t i = 0; i < import->count; i++) {
        tare_history_record_release(&import->records[i]);
    }
    free(import->records);
    free(import->first_skipped);
    free(import->first_own);
    tare_origin_release(&import->origin);
    history_common_release(&import->common);
}

/*
 * Where the files belong. What git says of here and now is about somebody's past measurement only if he says so
 * by --commit.
 */
static bool find_origin(struct import *import)
{
    if (!history_origin(&import->common, import->commit, import->branch, NULL, -1,
                        import->commit != NULL ? TARE_ORIGIN_DETAILS : 0, &import->origin)) {
        return false;
    }
    struct tare_origin *origin = &import->origin;
    free(origin->link);
    origin->link = NULL;
    origin->dirty = -1;
    if (import->machine != NULL) {
        origin->machine = strdup(import->machine);
        if (origin->machine == NULL) {
            error("out of memory");
            return false;
        }
        tare__clean_text(origin->machine);
    }
    if (import->commit == NULL) {
        if (origin->has_commit) {
            tare_history_commit_release(&origin->commit);
            origin->commit =
                (struct tare_history_commit){.time_s = TARE_HISTORY_UNKNOWN, .ordinal = TARE_HISTORY_UNKNOWN};
            origin->has_commit = false;
        }
        if (import->branch == NULL) {
            free(origin->branch);
            origin->branch = NULL;
        }
    }
    return true;
}

static const char *shown_name(const char *path)
{
    return strcmp(path, "-") == 0 ? "standard input" : path;
}

/* The file, and behind it the neighbours that belong to it. False after an error was printed. */
struct group {
    struct tare_import_file files[FILES_MAX];
    char *paths[FILES_MAX], *bytes[FILES_MAX];
    size_t count;
};

static void group_release(struct group *group)
{
    for (size_t i = 0; i < group->count; i++) {
        free(group->paths[i]);
        free(group->bytes[i]);
    }
}

static bool group_add(struct group *group, char *path)
{
    size_t size = 0;
    char *bytes = path != NULL ? history_read_file(path, FILE_MAX_BYTES, &size) : NULL;
    if (path == NULL) {
        error("out of memory");
    }
    if (bytes == NULL) {
        free(path);
        return false;
    }
    group->paths[group->count] = path;
    group->bytes[group->count] = bytes;
    group->files[group->count] = (struct tare_import_file){path, bytes, size};
    group->count++;
    return true;
}

static bool group_add_neighbours(struct group *group, const char *path)
{
    const char *const *names = tare_import_neighbours(path), *slash = strrchr(path, '/');
    for (size_t i = 0; names[i] != NULL && group->count < FILES_MAX && strcmp(path, "-") != 0; i++) {
        char *neighbour = NULL;
        struct stat st;
        if (asprintf(&neighbour, "%.*s%s", slash != NULL ? (int)(slash + 1 - path) : 0, path, names[i]) < 0) {
            error("out of memory");
            return false;
        }
        if (stat(neighbour, &st) != 0 || !S_ISREG(st.st_mode)) {
            free(neighbour);
        } else if (!group_add(group, neighbour)) {
            return false;
        }
    }
    return true;
}

/* Takes over the records, and the array. False after an error was printed. */
static bool keep_records(struct import *import, struct tare_history_record *records, size_t count)
{
    struct tare_history_record *all = reallocarray(import->records, import->count + count, sizeof(*all));
    if (all == NULL) {
        for (size_t i = 0; i < count; i++) {
            tare_history_record_release(&records[i]);
        }
        free(records);
        error("out of memory");
        return false;
    }
    memcpy(all + import->count, records, count * sizeof(*all));
    import->records = all;
    import->count += count;
    free(records);
    return true;
}

static void say_records(const char *path, const struct tare_history_record *records, size_t count)
{
    char runs[64], points[64], *name = printable(path);
    const struct tare_history_record *last = &records[count - 1];
    size_t all = 0;
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < records[i].line_count; k++) {
            all += records[i].lines[k].count;
        }
    }
    printf("%s: %s of %s, %s, %s%s%.8s\n", name != NULL ? name : path,
           history_plural(runs, sizeof(runs), count, "result"),
           last->run.tool != NULL ? last->run.tool : "unknown",
           history_plural(points, sizeof(points), all, "point"), history_time(last->run.started_ms).text,
           last->has_commit ? ", commit " : "", last->has_commit ? last->commit.id : "");
    free(name);
}

/* `found`: in a folder, where what is of no known format is passed over. False after an error was printed. */
static bool import_file(struct import *import, const char *path, bool found)
{
    struct group group = {0};
    struct tare_history_record *records = NULL;
    size_t count = 0;
    char message[512] = "";
    struct stat st;
    bool fine = group_add(&group, strdup(path));
    if (fine && found && import->format == TARE_IMPORT_GUESS &&
        tare_import_guess(group.bytes[0], group.files[0].size) == TARE_IMPORT_GUESS) {
        if (tare_import_is_own(group.bytes[0], group.files[0].size)) {
            import->first_own = import->own++ == 0 ? strdup(path) : import->first_own;
        } else if (!tare_import_is_part(path)) {
            import->first_skipped = import->skipped++ == 0 ? strdup(path) : import->first_skipped;
        }
        group_release(&group);
        return true;
    }
    fine = fine && group_add_neighbours(&group, path);
    if (fine) {
        int64_t when_ms = strcmp(path, "-") != 0 && stat(path, &st) == 0
                              ? (int64_t)st.st_mtim.tv_sec * 1000 + st.st_mtim.tv_nsec / 1000000
                              : history_now_ms();
        int failure = tare_import(import->format, group.files, group.count, &import->origin, when_ms, &records,
                                  &count, message, sizeof(message));
        char *text = printable(message);
        fine = failure == 0;
        if (failure != 0) {
            error("cannot import '%s': %s", shown_name(path),
                  text != NULL && *text != '\0' ? text : strerror(-failure));
        } else if (text != NULL && *text != '\0') {
            warning("'%s': %s", shown_name(path), text);
        }
        free(text);
    }
    if (fine && import->dry_run) {
        say_records(shown_name(path), records, count);
    }
    import->files++;
    fine = fine && keep_records(import, records, count);
    group_release(&group);
    return fine;
}

static bool import_folder(struct import *import, const char *path, int depth);

static bool import_entry(struct import *import, const char *path, int depth)
{
    struct stat st;
    if (lstat(path, &st) != 0) {
        error("cannot read '%s': %s", path, strerror(errno));
        return false;
    }
    if (S_ISDIR(st.st_mode)) {
        return import_folder(import, path, depth + 1);
    }
    if (!S_ISREG(st.st_mode) || !tare_import_takes(path)) {
        return true;
    }
    progress("reading '%s'", path);
    return import_file(import, path, true);
}

/* In the order of their names; those that begin with a dot are not looked at, and links are not followed. */
static bool import_folder(struct import *import, const char *path, int depth)
{
    struct dirent **entries = NULL;
    if (depth > DEPTH_MAX) {
        error("cannot import '%s': there are more than %d folders in each other", path, DEPTH_MAX);
        return false;
    }
    int count = scandir(path, &entries, NULL, alphasort);
    if (count < 0) {
        error("cannot read '%s': %s", path, strerror(errno));
        return false;
    }
    bool fine = true;
    for (int i = 0; i < count; i++) {
        char *entry = NULL;
        size_t length = strlen(path);
        if (fine && entries[i]->d_name[0] != '.') {
            if (asprintf(&entry, "%s%s%s", path, length > 0 && path[length - 1] == '/' ? "" : "/",
                         entries[i]->d_name) < 0) {
                error("out of memory");
                fine = false;
                entry = NULL;
            } else {
                fine = import_entry(import, entry, depth);
            }
        }
        free(entry);
        free(entries[i]);
    }
    free(entries);
    return fine;
}

/* One operand. */
static bool import_path(struct import *import, const char *path)
{
    struct stat st;
    size_t before = import->count;
    if (strcmp(path, "-") == 0 || stat(path, &st) != 0 || !S_ISDIR(st.st_mode)) {
        return import_file(import, path, false);
    }
    if (!import_folder(import, path, 0)) {
        return false;
    }
    if (import->count == before && import->own > 0) {
        error("there are only results of tare itself in the folder '%s': give them to 'tare history add'",
              path);
        return false;
    }
    if (import->count == before) {
        error("there is nothing in the folder '%s' that can be imported: 'tare history import --help' names "
              "the formats",
              path);
        return false;
    }
    return true;
}

static void say_skipped(const struct import *import)
{
    if (import->own > 0) {
        char results[64];
        warning("left out %s of tare itself, as '%s': give them to 'tare history add'",
                history_plural(results, sizeof(results), import->own, "result"),
                import->first_own != NULL ? import->first_own : "-");
    }
    if (import->skipped == 1) {
        warning("left out '%s', which is of no known format",
                import->first_skipped != NULL ? import->first_skipped : "a file");
    } else if (import->skipped > 1) {
        warning("left out %zu files of no known format, as '%s'", import->skipped,
                import->first_skipped != NULL ? import->first_skipped : "-");
    }
}

static int add_all(struct import *import, struct history_tally *tally)
{
    char runs[64], points[64], series[64];
    size_t added = 0;
    struct tare_store *store = history_open(&import->common, TARE_STORE_WRITE | TARE_STORE_CREATE);
    if (store == NULL) {
        return EXIT_TROUBLE;
    }
    const char *commit = import->origin.has_commit ? import->origin.commit.id : NULL;
    for (size_t i = 0; commit != NULL && i < import->count; i++) {
        struct tare_history_record *record = &import->records[i];
        if (record->has_commit && strcmp(record->commit.id, commit) == 0 &&
            !history_place(&import->common, store, record)) {
            tare_store_close(store);
            return EXIT_TROUBLE;
        }
    }
    progress("adding %s", history_plural(runs, sizeof(runs), import->count, "result"));
    int failure = tare_store_add_all(store, import->records, import->count, &added);
    progress_clear();
    if (failure != 0) {
        history_store_error(&import->common, store, "add to", failure);
    } else if (added == import->count) {
        printf("added %s: %s in %s\n", history_plural(runs, sizeof(runs), added, "result"),
               history_plural(points, sizeof(points), tally->points, "point"),
               history_plural(series, sizeof(series), history_tally_series(tally), "series"));
    } else if (added == 0) {
        printf("added nothing: %s there already\n", import->count == 1 ? "the result was" : "the results were");
    } else {
        printf("added %s; %zu %s there already\n", history_plural(runs, sizeof(runs), added, "result"),
               import->count - added, import->count - added == 1 ? "was" : "were");
    }
    tare_store_close(store);
    return failure == 0 ? EXIT_FINE : EXIT_TROUBLE;
}

int history_import(const struct command *command, int argc, char **argv)
{
    struct import import = {.format = TARE_IMPORT_GUESS};
    struct history_tally tally = {0};
    int exit_code = EXIT_TROUBLE,
        operand = options_parse(command, argc, argv, take_option, &import, &exit_code);
    if (operand < 0) {
        return exit_code;
    }
    if (operand == argc) {
        error("which FILE or FOLDER? - is standard input");
        return EXIT_TROUBLE;
    }
    history_interruptible("tare: interrupted: nothing was added");
    bool fine = find_origin(&import);
    for (int i = operand; fine && i < argc; i++) {
        fine = import_path(&import, argv[i]);
    }
    for (size_t i = 0; fine && i < import.count; i++) {
        fine = history_tally_record(&tally, &import.records[i]);
    }
    progress_clear();
    exit_code = EXIT_TROUBLE;
    if (fine) {
        say_skipped(&import);
        if (import.dry_run) {
            char runs[64], points[64], series[64];
            printf("would add %s: %s in %s\n", history_plural(runs, sizeof(runs), tally.runs, "result"),
                   history_plural(points, sizeof(points), tally.points, "point"),
                   history_plural(series, sizeof(series), history_tally_series(&tally), "series"));
            exit_code = EXIT_FINE;
        } else {
            exit_code = add_all(&import, &tally);
        }
    }
    free(tally.series);
    release(&import);
    return exit_code;
}
