/* SPDX-License-Identifier: MIT */
/* `tare history export`: raw results byte for byte as they were added, or points. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/history.h"
#include "view/history_show.h"

enum { RUN_DIGITS = 8 };
enum format { FORMAT_RAW, FORMAT_CSV, FORMAT_JSON };

struct exported {
    struct history_common common;
    enum format format;
    bool all;
    const char *file, *folder;
    struct tare_store *store;
    struct tare_history_run *runs; /* all of the project */
    size_t run_count;
    bool *chosen; /* of them */
    size_t chosen_count;
};

static int take_option(void *data, int id, const char *value)
{
    static const char *const formats[] = {"raw", "csv", "json"};
    struct exported *exported = data;
    switch (id) {
    case OPTION_ALL:
        exported->all = true;
        return 0;
    case OPTION_OUTPUT:
        exported->file = strcmp(value, "-") == 0 ? NULL : value;
        return 0;
    case HISTORY_TO:
        exported->folder = value;
        return 0;
    case OPTION_FORMAT:
        for (unsigned i = 0; i < 3; i++) {
            if (strcmp(value, formats[i]) == 0) {
                exported->format = (enum format)i;
                return 0;
            }
        }
        error("unknown format '%s': one of raw, csv, json", value);
        return EXIT_TROUBLE;
    default:
        return history_common_option(&exported->common, id, value);
    }
}

/* Its id, or the beginning of its digest. */
static bool is_run(const struct tare_history_run *run, const char *text)
{
    char id[20];
    snprintf(id, sizeof(id), "%016" PRIx64, (uint64_t)run->id);
    return strcasecmp(text, id) == 0 ||
           (strlen(text) >= 4 && strncasecmp(text, run->digest, strlen(text)) == 0);
}

/* False after an error was printed. */
static bool choose(struct exported *exported, char *const *names, size_t count)
{
    int failure =
        tare_store_runs(exported->store, exported->common.project, 0, &exported->runs, &exported->run_count);
    if (failure != 0) {
        history_store_error(&exported->common, exported->store, "read", failure);
        return false;
    }
    exported->chosen = calloc(exported->run_count + 1, sizeof(*exported->chosen));
    if (exported->chosen == NULL) {
        error("out of memory");
        return false;
    }
    for (size_t i = 0; i < exported->run_count && exported->all; i++) {
        exported->chosen[i] = true;
    }
    exported->chosen_count = exported->all ? exported->run_count : 0;
    if (exported->run_count == 0) {
        history_say_nothing(&exported->common, exported->store, NULL);
        return false;
    }
    for (size_t k = 0; k < count; k++) {
        size_t matches = 0, match = 0;
        for (size_t i = 0; i < exported->run_count; i++) {
            if (is_run(&exported->runs[i], names[k])) {
                matches++;
                match = i;
            }
        }
        if (matches != 1) {
            error(matches == 0 ? "there is no run '%s': 'tare history show --runs' lists them"
                               : "'%s' begins the digests of several runs: give more of it",
                  names[k]);
            return false;
        }
        exported->chosen_count += !exported->chosen[match];
        exported->chosen[match] = true;
    }
    return true;
}

/* Raw results */

struct bytes {
    char *bytes;
    size_t size;
};

static int write_bytes(void *data, FILE *out)
{
    const struct bytes *bytes = data;
    return fwrite(bytes->bytes, 1, bytes->size, out) == bytes->size && fflush(out) == 0 ? 0 : -EIO;
}

/* So many of the digest's digits as `show --runs` prints, and more where they are another run's, too. */
static int digits_of(const struct exported *exported, const struct tare_history_run *run)
{
    size_t digits = RUN_DIGITS;
    for (size_t i = 0; i < exported->run_count; i++) {
        const char *other = exported->runs[i].digest;
        size_t same = 0;
        while (&exported->runs[i] != run && other[same] != '\0' && other[same] == run->digest[same]) {
            same++;
        }
        digits = same >= digits ? same + 1 : digits;
    }
    return (int)digits;
}

/*
 * One raw result into the file, NULL: standard output; into a folder, called by its digest. 0, -ENODATA if it
 * is not kept, -EIO after an error was printed.
 */
static int export_raw(struct exported *exported, const struct tare_history_run *run)
{
    struct bytes bytes = {0};
    char *path = NULL;
    int failure = tare_store_raw(exported->store, run->project, run->id, &bytes.bytes, &bytes.size);
    if (failure == -ENODATA) {
        return failure;
    }
    if (failure != 0) {
        history_store_error(&exported->common, exported->store, "read", failure);
        return -EIO;
    }
    if (exported->folder != NULL) {
        size_t blank = bytes.size > 0 ? strspn(bytes.bytes, " \t\r\n") : 0;
        bool json = blank < bytes.size && (bytes.bytes[blank] == '{' || bytes.bytes[blank] == '[');
        if (asprintf(&path, "%s/%.*s%s", exported->folder, digits_of(exported, run), run->digest,
                     json ? ".json" : ".txt") < 0) {
            error("out of memory");
            free(bytes.bytes);
            return -EIO;
        }
    }
    bool fine = output_write_whole(path != NULL ? path : exported->file, write_bytes, &bytes);
    free(path);
    free(bytes.bytes);
    return fine ? 0 : -EIO;
}

static int export_raws(struct exported *exported)
{
    size_t written = 0, missing = 0;
    if (exported->folder == NULL && exported->chosen_count > 1) {
        error("%zu results do not go into one file: give --to FOLDER, or --format csv or json for their points",
              exported->chosen_count);
        return EXIT_TROUBLE;
    }
    if (exported->folder != NULL && mkdir(exported->folder, 0777) != 0 && errno != EEXIST) {
        error("cannot make '%s': %s", exported->folder, strerror(errno));
        return EXIT_TROUBLE;
    }
    for (size_t i = 0; i < exported->run_count; i++) {
        if (!exported->chosen[i]) {
            continue;
        }
        int failure = export_raw(exported, &exported->runs[i]);
        if (failure == -ENODATA && !exported->all) {
            error("the raw result of '%.*s' is not kept: --format json gives its points", RUN_DIGITS,
                  exported->runs[i].digest);
            return EXIT_TROUBLE;
        }
        if (failure != 0 && failure != -ENODATA) {
            return EXIT_TROUBLE;
        }
        written += failure == 0;
        missing += failure == -ENODATA;
        if (exported->folder != NULL) {
            progress("%zu of %zu", written + missing, exported->chosen_count);
        }
    }
    progress_clear();
    if (missing > 0) {
        warning("of %zu of %zu results the raw one is not kept any more", missing, exported->chosen_count);
    }
    if (exported->folder != NULL) {
        char text[64];
        fprintf(stderr, "wrote %s to '%s'\n", history_plural(text, sizeof(text), written, "result"),
                exported->folder);
    }
    return EXIT_FINE;
}

/* Points */

static int compare_run(const void *key, const void *element)
{
    int64_t id = *(const int64_t *)key, other = *(const int64_t *)element;
    return (id > other) - (id < other);
}

static int compare_ids(const void *a, const void *b)
{
    return compare_run(a, b);
}

/* Leaves the points of the chosen runs, and the series that have some. */
static bool keep_chosen(const struct exported *exported, struct tare_history *history)
{
    size_t count = 0, lines = 0;
    int64_t *ids = calloc(exported->chosen_count + 1, sizeof(*ids));
    if (ids == NULL) {
        error("out of memory");
        return false;
    }
    for (size_t i = 0; i < exported->run_count; i++) {
        if (exported->chosen[i]) {
            ids[count++] = exported->runs[i].id;
        }
    }
    qsort(ids, count, sizeof(*ids), compare_ids);
    for (size_t i = 0; i < history->line_count; i++) {
        struct tare_history_line *line = &history->lines[i];
        size_t kept = 0;
        for (size_t k = 0; k < line->count; k++) {
            if (bsearch(&line->points[k].run, ids, count, sizeof(*ids), compare_run) != NULL) {
                struct tare_history_point point = line->points[k];
                line->points[k] = line->points[kept];
                line->points[kept++] = point;
            }
        }
        while (line->count > kept) {
            tare_history_point_release(&line->points[--line->count]);
        }
    }
    for (size_t i = 0; i < history->line_count; i++) {
        if (history->lines[i].count > 0) {
            struct tare_history_line line = history->lines[i];
            history->lines[i] = history->lines[lines];
            history->lines[lines++] = line;
        }
    }
    while (history->line_count > lines) {
        tare_history_line_release(&history->lines[--history->line_count]);
    }
    free(ids);
    return true;
}

struct points {
    struct tare_history history;
    struct tare_history_view view;
    enum tare_format format;
};

static int write_points(void *data, FILE *out)
{
    const struct points *points = data;
    return tare_view_history(&points->history, &points->view, points->format, out);
}

static int export_points(struct exported *exported)
{
    struct points points = {
        .view = {.what = TARE_HISTORY_VIEW_POINTS,
                 .project = exported->common.project,
                 .values = exported->format == FORMAT_JSON},
        .format = exported->format == FORMAT_CSV ? TARE_FORMAT_CSV : TARE_FORMAT_JSON,
    };
    const struct tare_history_query query = {
        .project = exported->common.project,
        .since_ms = TARE_HISTORY_UNKNOWN,
        .values = exported->format == FORMAT_JSON,
    };
    int exit_code = EXIT_TROUBLE;
    if (exported->folder != NULL) {
        error("--to is for raw results: points go into one file, -o");
        return EXIT_TROUBLE;
    }
    int failure = tare_store_read(exported->store, &query, &points.history);
    if (failure != 0) {
        history_store_error(&exported->common, exported->store, "read", failure);
    } else if ((exported->all || keep_chosen(exported, &points.history)) &&
               output_write_whole(exported->file, write_points, &points)) {
        exit_code = EXIT_FINE;
    }
    tare_history_release(&points.history);
    return exit_code;
}

static int run_export(struct exported *exported, char *const *names, size_t count)
{
    if (count == 0 && !exported->all) {
        error("which RUN? 'tare history show --runs' lists them; --all takes every one");
        return EXIT_TROUBLE;
    }
    if (count > 0 && exported->all) {
        error("'%s' and --all: give one of the two", names[0]);
        return EXIT_TROUBLE;
    }
    if (exported->folder != NULL && exported->file != NULL) {
        error("--to and -o: give one of the two");
        return EXIT_TROUBLE;
    }
    if (exported->file != NULL && !output_can_write(exported->file)) {
        return EXIT_TROUBLE;
    }
    exported->store = history_open(&exported->common, TARE_STORE_READ);
    if (exported->store == NULL || !choose(exported, names, count)) {
        return EXIT_TROUBLE;
    }
    return exported->format == FORMAT_RAW ? export_raws(exported) : export_points(exported);
}

int history_export(const struct command *command, int argc, char **argv)
{
    struct exported exported = {0};
    int exit_code = EXIT_TROUBLE,
        operand = options_parse(command, argc, argv, take_option, &exported, &exit_code);
    if (operand >= 0) {
        exit_code = run_export(&exported, argv + operand, (size_t)(argc - operand));
    }
    for (size_t i = 0; i < exported.run_count; i++) {
        tare_history_run_release(&exported.runs[i]);
    }
    free(exported.runs);
    free(exported.chosen);
    tare_store_close(exported.store);
    history_common_release(&exported.common);
    return exit_code;
}
