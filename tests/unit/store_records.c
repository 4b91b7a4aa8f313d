/* SPDX-License-Identifier: MIT */
#include "store_records.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *text(const char *format, unsigned number)
{
    char buffer[100];
    snprintf(buffer, sizeof buffer, format, number);
    char *copy = strdup(buffer);
    if (copy == NULL) {
        abort();
    }
    return copy;
}

/* xorshift64 (Marsaglia 2003): digits as measured values have them. */
static double noise(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return (double)(*state >> 11) * 0x1p-53;
}

static void fill_point(struct tare_history_line *line, size_t at, uint64_t *state)
{
    struct tare_history_point *point = &line->points[0];
    line->series.suite = text("suite", 0);
    line->series.name = text("benchmark%u", (unsigned)at);
    line->series.arguments = text("64/2", 0);
    line->series.metric = text("median", 0);
    line->series.unit = text("ns", 0);
    line->series.fingerprint = text("0123456789abcdef", 0);
    line->series.harness = text("tare 0.1.0", 0);
    line->series.settings = text("rounds 20", 0);
    line->series.better = TARE_BETTER_LOWER;
    point->value = 100 + 5 * noise(state);
    point->low = point->value - noise(state);
    point->high = point->value + noise(state);
    point->n = 20;
    point->control_ratio = 1 + 0.01 * noise(state);
    point->control_low = point->control_ratio - 0.01;
    point->control_high = point->control_ratio + 0.01;
    point->rounds = 20;
    point->rounds_dropped = 1;
    point->stolen = 0.001 * noise(state);
    point->value_count = 20;
    point->values = calloc(20, sizeof *point->values);
    for (size_t i = 0; i < 20; i++) {
        point->values[i] = (float)(100 + 5 * noise(state));
    }
}

void store_record(struct tare_history_record *record, const char *project, unsigned number, size_t series,
                  const char *raw)
{
    uint64_t state = UINT64_C(88172645463325252) + number * UINT64_C(0x9e3779b97f4a7c15);
    tare_history_record_init(record);
    record->raw = raw != NULL ? strdup(raw) : text("{\"result\": %u}\n", number);
    record->raw_size = strlen(record->raw);
    record->run.project = strdup(project);
    record->run.kind = text("bench", 0);
    record->run.started_ms = INT64_C(1763700000000) + number * INT64_C(3600000);
    record->run.commit = text("%040x", number + 1);
    record->run.branch = text("main", 0);
    record->run.dirty = 0;
    record->run.tool = text("tare 0.1.0", 0);
    record->run.environment = text("{\"machine\": \"x86_64\"}", 0);
    record->has_commit = true;
    record->commit.id = text("%040x", number + 1);
    record->commit.parents = number > 0 ? text("%040x", number) : text("", 0);
    record->commit.time_s = 1763690000 + number * 3600;
    record->commit.ordinal = number + 1;
    record->commit.subject = text("change %u", number);
    for (size_t i = 0; i < series; i++) {
        fill_point(tare_history_record_add(record), i, &state);
    }
    if (tare_history_record_finish(record) != 0) {
        abort();
    }
}
