/* SPDX-License-Identifier: MIT */
/* Which tool a file is of, and who reads it. */
#include "history/import.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "history/import_parts.h"

const char *const tare_import_names[TARE_IMPORT_FORMATS] = {
    [TARE_IMPORT_GUESS] = "guess",         [TARE_IMPORT_GOOGLE_BENCHMARK] = "google-benchmark",
    [TARE_IMPORT_HYPERFINE] = "hyperfine", [TARE_IMPORT_PYPERF] = "pyperf",
    [TARE_IMPORT_CRITERION] = "criterion", [TARE_IMPORT_ASV] = "asv",
    [TARE_IMPORT_PERF_STAT] = "perf-stat", [TARE_IMPORT_GITHUB_ACTION] = "github-action-benchmark",
};

/* ---- which format ---- */

enum sign { /* what is among the members of the root */
            CONTEXT = 1,
            BENCHMARKS = 2,
            RESULTS_ARRAY = 4,
            RESULTS_OBJECT = 8,
            COMMIT_HASH = 16,
            ENTRIES = 32,
            MEAN = 64,
            MEDIAN = 128,
            BUNDLE = 256,
            TARE = 512,
};

static unsigned sign_of(const char *key, size_t size, char value)
{
    static const struct {
        const char *key;
        char value; /* the first character of its value */
        unsigned sign;
    } signs[] = {
        {"context", '{', CONTEXT},
        {"benchmarks", '[', BENCHMARKS},
        {"results", '[', RESULTS_ARRAY},
        {"results", '{', RESULTS_OBJECT},
        {"commit_hash", '"', COMMIT_HASH},
        {"entries", '{', ENTRIES},
        {"mean", '{', MEAN},
        {"median", '{', MEDIAN},
        {"estimates.json", '{', BUNDLE},
        {"schema", '"', TARE},
    };
    for (size_t i = 0; i < sizeof signs / sizeof signs[0]; i++) {
        if (size == strlen(signs[i].key) && memcmp(key, signs[i].key, size) == 0 && value == signs[i].value) {
            return signs[i].sign;
        }
    }
    return 0;
}

/* The signs of an object; as far as it can be read. */
static unsigned signs_of(struct import_scan scan)
{
    unsigned signs = 0;
    if (!import__scan_mark(&scan, '{')) {
        return 0;
    }
    do {
        import__scan_space(&scan);
        const char *key = scan.at + 1;
        if (!import__scan_string(&scan)) {
            return signs;
        }
        size_t size = (size_t)(scan.at - 1 - key);
        if (!import__scan_mark(&scan, ':') || scan.at >= scan.end) {
            return signs;
        }
        signs |= sign_of(key, size, *scan.at);
    } while (import__scan_value(&scan) && import__scan_mark(&scan, ','));
    return signs;
}

static unsigned signs_of_file(const char *bytes, size_t size)
{
    struct import_scan scan = {bytes, bytes + size};
    import__scan_space(&scan);
    return signs_of(scan);
}

/* Bytes of the mark that some editors and shells of Windows put before UTF-8. */
static size_t mark_of(const char *bytes, size_t size)
{
    return size >= 3 && memcmp(bytes, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
}

enum tare_import_format tare_import_guess(const char *bytes, size_t size)
{
    size_t mark = mark_of(bytes, size);
    bytes += mark;
    size -= mark;
    if (import__github_data(bytes, size) != NULL) {
        return TARE_IMPORT_GITHUB_ACTION;
    }
    unsigned signs = signs_of_file(bytes, size);
    if (signs & TARE) {
        return TARE_IMPORT_GUESS;
    }
    if (signs & RESULTS_OBJECT && signs & COMMIT_HASH) {
        return TARE_IMPORT_ASV;
    }
    if (signs & RESULTS_ARRAY) {
        return TARE_IMPORT_HYPERFINE;
    }
    if (signs & BENCHMARKS) {
        return signs & CONTEXT ? TARE_IMPORT_GOOGLE_BENCHMARK : TARE_IMPORT_PYPERF;
    }
    if (signs & BUNDLE || (signs & MEAN && signs & MEDIAN)) {
        return TARE_IMPORT_CRITERION;
    }
    if (signs & ENTRIES) {
        return TARE_IMPORT_GITHUB_ACTION;
    }
    return import__is_perf_stat(bytes, size) ? TARE_IMPORT_PERF_STAT : TARE_IMPORT_GUESS;
}

/* ---- files of a folder ---- */

const char *const *tare_import_neighbours(const char *path)
{
    static const char *const of_criterion[] = {"benchmark.json", "sample.json", NULL};
    static const char *const of_asv[] = {"machine.json", "../benchmarks.json", NULL};
    static const char *const none[] = {NULL};
    const char *name = import__base(path);
    size_t length = strlen(name);
    if (strcmp(name, "estimates.json") == 0) {
        return of_criterion;
    }
    return length > 5 && strcmp(name + length - 5, ".json") == 0 ? of_asv : none;
}

/* Whether the folder that the path's last part is in has that name. */
static bool lies_in(const char *path, const char *folder)
{
    const char *name = import__base(path);
    size_t length = strlen(folder);
    return (size_t)(name - path) > length && strncmp(name - 1 - length, folder, length) == 0 &&
           (name - 1 - length == path || name[-2 - (ptrdiff_t)length] == '/');
}

bool tare_import_takes(const char *path)
{
    const char *name = import__base(path);
    const char *dot = strrchr(name, '.');
    if (dot == NULL || (strcmp(dot, ".json") != 0 && strcmp(dot, ".js") != 0 && strcmp(dot, ".csv") != 0 &&
                        strcmp(dot, ".txt") != 0)) {
        return false;
    }
    /* criterion: "base" is the run before, "change" a comparison */
    if (strcmp(name, "estimates.json") == 0) {
        return !lies_in(path, "base") && !lies_in(path, "change");
    }
    bool criterion = lies_in(path, "new") || lies_in(path, "base");
    static const char *const parts[] = {"benchmark.json", "sample.json", "tukey.json", "raw.csv"};
    for (size_t i = 0; criterion && i < sizeof parts / sizeof parts[0]; i++) {
        if (strcmp(name, parts[i]) == 0) {
            return false;
        }
    }
    return strcmp(name, "machine.json") != 0 && name[0] != '.';
}

bool tare_import_is_part(const char *path)
{
    return strcmp(import__base(path), "benchmarks.json") == 0;
}

bool tare_import_is_own(const char *bytes, size_t size)
{
    size_t mark = mark_of(bytes, size);
    return (signs_of_file(bytes + mark, size - mark) & TARE) != 0;
}

/* ---- reading ---- */

static bool read_as(struct import *import, enum tare_import_format format)
{
    switch (format) {
    case TARE_IMPORT_GOOGLE_BENCHMARK:
        return import__google(import);
    case TARE_IMPORT_HYPERFINE:
        return import__hyperfine(import);
    case TARE_IMPORT_PYPERF:
        return import__pyperf(import);
    case TARE_IMPORT_CRITERION:
        return import__criterion(import);
    case TARE_IMPORT_ASV:
        return import__asv(import);
    case TARE_IMPORT_PERF_STAT:
        return import__perf_stat(import);
    case TARE_IMPORT_GITHUB_ACTION:
        return import__github(import);
    default:
        return import__fail(import, "there is no such format");
    }
}

static bool not_known(struct import *import)
{
    const struct tare_import_file *file = &import->files[0];
    if (signs_of_file(file->bytes, file->size) & TARE) {
        return import__fail(import, "it is a result of tare itself: give it to 'tare history add'");
    }
    if (file->size >= 2 && memcmp(file->bytes, "\x1f\x8b", 2) == 0) {
        return import__fail(import, "it is compressed: unpack it with gunzip first");
    }
    char formats[256] = "";
    for (int i = 1; i < TARE_IMPORT_FORMATS; i++) {
        size_t length = strlen(formats);
        snprintf(formats + length, sizeof formats - length, "%s%s", i > 1 ? ", " : "", tare_import_names[i]);
    }
    return import__fail(
        import, "it is no file of a tool that is known (%s): say with --from which one wrote it", formats);
}

/* Records in which there is nothing are no records; none at all is an error that says why. */
static bool has_points(struct import *import)
{
    size_t kept = 0;
    for (size_t i = 0; i < import->count; i++) {
        if (import->records[i].line_count == 0) {
            tare_history_record_release(&import->records[i]);
        } else {
            import->records[kept++] = import->records[i];
        }
    }
    import->count = kept;
    if (kept > 0) {
        return true;
    }
    if (import->reasons > 0) {
        char why[256];
        import__say(import, 0, why, sizeof why);
        return import__fail(import, "there is nothing in it to import: %s", why);
    }
    return import__fail(import, "there are no figures in it");
}

static void say_left_out(struct import *import)
{
    size_t length = 0;
    for (size_t i = 0; i < import->reasons && length + 3 < import->message_size; i++) {
        if (i > 0) {
            strcpy(import->message + length, "; ");
            length += 2;
        }
        length += import__say(import, i, import->message + length, import->message_size - length);
    }
}

int tare_import(enum tare_import_format format, const struct tare_import_file *files, size_t file_count,
                const struct tare_origin *origin, int64_t when_ms, struct tare_history_record **records,
                size_t *count, char *message, size_t message_size)
{
    struct tare_import_file plain[IMPORT_FILES_MAX];
    for (size_t i = 0; i < file_count && i < IMPORT_FILES_MAX; i++) {
        size_t mark = mark_of(files[i].bytes, files[i].size);
        plain[i] = (struct tare_import_file){files[i].path, files[i].bytes + mark, files[i].size - mark};
    }
    file_count = file_count < IMPORT_FILES_MAX ? file_count : IMPORT_FILES_MAX;
    struct import import = {
        .given = files,
        .files = plain,
        .file_count = file_count,
        .origin = origin,
        .when_ms = when_ms,
        .message = message,
        .message_size = message_size,
    };
    *records = NULL;
    *count = 0;
    if (message_size > 0) {
        message[0] = '\0';
    }
    bool well = true;
    for (size_t i = 0; well && i < file_count; i++) {
        well = files[i].size <= TARE_IMPORT_SIZE_MAX ||
               import__fail(&import, "it is larger than %d MiB", TARE_IMPORT_SIZE_MAX >> 20);
    }
    if (well && (file_count == 0 || plain[0].size == 0)) {
        well = import__fail(&import, "it is empty");
    }
    if (well && plain[0].size >= 2 &&
        (memcmp(plain[0].bytes, "\xff\xfe", 2) == 0 || memcmp(plain[0].bytes, "\xfe\xff", 2) == 0)) {
        well = import__fail(&import, "it is UTF-16: make it UTF-8 with 'iconv -f UTF-16 -t UTF-8'");
    }
    if (well && format == TARE_IMPORT_GUESS) {
        format = tare_import_guess(plain[0].bytes, plain[0].size);
        well = format != TARE_IMPORT_GUESS || not_known(&import);
    }
    well = well && read_as(&import, format) && has_points(&import);
    free(import.seen);
    if (!well) {
        for (size_t i = 0; i < import.count; i++) {
            tare_history_record_release(&import.records[i]);
        }
        free(import.records);
        return import.error != 0 ? import.error : -EINVAL;
    }
    say_left_out(&import);
    *records = import.records;
    *count = import.count;
    return 0;
}
