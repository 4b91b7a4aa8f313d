/* SPDX-License-Identifier: MIT */
/* What the files of `tare compare` share. compare_read.c reads and checks results, compare_json.c writes JSON.
 */
#ifndef TARE_CLI_COMPARE_H
#define TARE_CLI_COMPARE_H

#include "cli/cli.h"
#include "record/sha256.h"
#include "view/compare.h"

/* A file that was named, and what is in it. */
struct compare_file {
    const char *label; /* its name, or "standard input" */
    struct tare_result *result;
    char content[TARE_SHA256_HEX + 1]; /* hash; "": not known, as of a pipe */
};

/* Reads it. False after an error was printed. */
bool compare_read(struct compare_file *file, const char *path);

/* Whether the two are the same file, or one of them a copy. An error was printed then. */
bool compare_same(const struct compare_file *a, const struct compare_file *b);

/* Whether `file` can be compared with `old`, as to its kind. False after an error was printed. */
bool compare_kinds(const struct compare_file *old, const struct compare_file *file);

/*
 * Fills in what `source`, whose label and result are set, has in common with `old`. Returns whether they may be
 * compared; else an error was printed, with the parts that differ, unless `force`.
 */
bool compare_fingerprints(const struct compare_file *old, struct tare_compare_source *source, bool force);

/* A stream_writer without errors of its own: 0 or -errno. */
int compare_write_json(const struct tare_compare_report *report, const char *arm, FILE *out);

#endif
