/* SPDX-License-Identifier: MIT */
/*
 * Other tools' files as records of history: docs/history-import.md says what becomes of what. Parses bytes from
 * outside: every reader is fuzzed. No I/O, no state; any number of threads.
 */
#ifndef TARE_HISTORY_IMPORT_H
#define TARE_HISTORY_IMPORT_H

#include "history/extract.h"
#include "history/model.h"

enum tare_import_format {
    TARE_IMPORT_GUESS,            /* from the content; what cannot be told is an error that lists the formats */
    TARE_IMPORT_GOOGLE_BENCHMARK, /* --benchmark_format=json */
    TARE_IMPORT_HYPERFINE,        /* --export-json */
    TARE_IMPORT_PYPERF,           /* -o */
    TARE_IMPORT_CRITERION, /* estimates.json, with sample.json and benchmark.json beside it if they are there */
    TARE_IMPORT_ASV,       /* results/MACHINE/COMMIT-ENV.json */
    TARE_IMPORT_PERF_STAT, /* perf stat -x, */
    TARE_IMPORT_GITHUB_ACTION, /* github-action-benchmark's data.js or its JSON */
    TARE_IMPORT_FORMATS,
};
/*
 * "guess", "google-benchmark", "hyperfine", "pyperf", "criterion", "asv", "perf-stat",
 * "github-action-benchmark".
 */
extern const char *const tare_import_names[TARE_IMPORT_FORMATS];

enum {
    TARE_IMPORT_SIZE_MAX = 512 << 20, /* bytes of one file: larger ones are refused */
    TARE_IMPORT_MESSAGE = 1024,       /* enough for any message or note */
};

struct tare_import_file {
    const char *path; /* as it was given: names may come from it */
    const char *bytes;
    size_t size;
};

/* The format of a file by its content; TARE_IMPORT_GUESS: it is none of them. Reads the file once at most. */
enum tare_import_format tare_import_guess(const char *bytes, size_t size);

/*
 * Names of the files that are to be given behind a file of this path where they exist, relative to its folder;
 * ends with NULL, never NULL itself. Where they are not for the file's format they do no harm.
 */
const char *const *tare_import_neighbours(const char *path);

/*
 * Whether a file that was found in a folder (and not named by somebody) is one to read. False for what is known
 * by its path to be no result of its own: parts of another one, criterion's copies of earlier runs, reports.
 */
bool tare_import_takes(const char *path);

/*
 * Whether a file that was found in a folder, and that is of no known format, belongs to others there and need not be
 * named: asv's list of benchmarks.
 */
bool tare_import_is_part(const char *path);

/* Whether it is a result of tare itself, by its beginning. */
bool tare_import_is_own(const char *bytes, size_t size);

/*
 * Records of one file (of criterion: of one folder's files, the estimates first). `origin` says what the file
 * does not: project, commit, branch; a commit that the file names itself comes first. `when_ms`: the file's
 * time, for those that have none. Returns 0 with *records (count at least 1), to be released one by one and
 * freed, and in `message` "" or one line on what of the file was left out; -EINVAL with one line in `message`;
 * -ENOMEM.
 *
 * A record's raw bytes are the file's own, where the file is one run. Of criterion they are a JSON object with
 * its files, of github-action-benchmark each run's entry as data of its own; both can be imported again, with
 * the same digest.
 */
int tare_import(enum tare_import_format format, const struct tare_import_file *files, size_t file_count,
                const struct tare_origin *origin, int64_t when_ms, struct tare_history_record **records,
                size_t *count, char *message, size_t message_size);

#endif
