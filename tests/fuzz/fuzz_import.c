/* SPDX-License-Identifier: MIT */
/*
 * Fuzz target: whatever bytes are given as another tool's file, to the readers of all formats. There are
 * records whose figures are numbers, or one line of error. Behind a line "===" another file begins, that is
 * beside the first one.
 */
#include <errno.h>
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "history/import.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { FILES = 5 };

static void demand(bool that)
{
    if (!that) {
        abort();
    }
}

static void check_point(const struct tare_history_point *point)
{
    demand(isfinite(point->value));
    demand(isnan(point->low) == isnan(point->high) && !(point->low > point->high));
    for (size_t i = 0; i < point->value_count; i++) {
        demand(isfinite(point->values[i]));
    }
}

static void check_record(const struct tare_history_record *record)
{
    demand(record->line_count > 0 && record->raw != NULL);
    demand(strlen(record->run.digest) == TARE_SHA256_HEX && record->run.started_ms != TARE_HISTORY_UNKNOWN);
    demand(record->has_commit == (record->run.commit != NULL));
    for (size_t i = 0; i < record->line_count; i++) {
        const struct tare_history_series *series = &record->lines[i].series;
        demand(series->name != NULL && series->metric != NULL && series->unit != NULL && series->id >= 0);
        demand(record->lines[i].count == 1);
        check_point(&record->lines[i].points[0]);
    }
}

/* What export gives back is the same run. */
static void check_again(enum tare_import_format format, const struct tare_history_record *record,
                        const struct tare_origin *origin)
{
    char message[TARE_IMPORT_MESSAGE];
    const struct tare_import_file file = {"x", record->raw, record->raw_size};
    struct tare_history_record *again;
    size_t count;
    demand(tare_import(format, &file, 1, origin, 1, &again, &count, message, sizeof message) == 0);
    demand(count == 1 && strcmp(again->run.digest, record->run.digest) == 0);
    tare_history_record_release(again);
    free(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const names[FILES] = {"m/new/estimates.json", "m/new/benchmark.json",
                                             "m/new/sample.json", "m/machine.json", "benchmarks.json"};
    static const char mark[] = "\n===\n";
    static char project[] = "p";
    const struct tare_origin origin = {.project = project, .dirty = -1};
    struct tare_import_file files[FILES];
    const char *at = (const char *)data;
    const char *end = at + size;
    size_t file_count = 0;
    while (file_count < FILES) {
        const char *next = size > 0 ? memmem(at, (size_t)(end - at), mark, sizeof mark - 1) : NULL;
        files[file_count] =
            (struct tare_import_file){names[file_count], at, (size_t)((next != NULL ? next : end) - at)};
        file_count++;
        if (next == NULL) {
            break;
        }
        at = next + sizeof mark - 1;
    }
    for (int i = TARE_IMPORT_GUESS; i < TARE_IMPORT_FORMATS; i++) {
        enum tare_import_format format = (enum tare_import_format)i;
        char message[TARE_IMPORT_MESSAGE];
        struct tare_history_record *records;
        size_t count;
        int failure =
            tare_import(format, files, file_count, &origin, 1, &records, &count, message, sizeof message);
        demand(strpbrk(message, "\n\r\033") == NULL);
        demand(failure == 0 ? count > 0 : (records == NULL && count == 0 && message[0] != '\0'));
        demand(failure == 0 || failure == -EINVAL);
        for (size_t k = 0; k < count; k++) {
            check_record(&records[k]);
            if (format == TARE_IMPORT_CRITERION || format == TARE_IMPORT_GITHUB_ACTION) {
                check_again(format, &records[k], &origin);
            }
            tare_history_record_release(&records[k]);
        }
        free(records);
    }
    return 0;
}
