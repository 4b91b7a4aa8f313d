/* SPDX-License-Identifier: MIT */
/*
 * Fuzz target: whatever bytes claim to come from tare-rungs. What is taken must be what the header promises:
 * counts that can be divided by, repetitions in order, and nothing that a terminal obeys.
 */
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "verify/lines.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool truth)
{
    if (!truth) {
        abort();
    }
}

static void check_plain(const char *text, size_t size)
{
    require(memchr(text, '\0', size) != NULL);
    for (; *text != '\0'; text++) {
        require(*text >= ' ' && *text <= '~');
    }
}

static void check_rung(const struct verify_run *run, const struct verify_rung *rung)
{
    require(rung->class < VERIFY_CLASSES && rung->levels > 0 && rung->levels <= VERIFY_LEVELS_MAX);
    check_plain(rung->name, sizeof(rung->name));
    check_plain(rung->skipped, sizeof(rung->skipped));
    for (unsigned level = 0; level < rung->levels; level++) {
        check_plain(rung->level_name[level], sizeof(rung->level_name[level]));
    }
    for (size_t i = 0; i < rung->pair_count; i++) {
        const struct verify_pair *pair = &rung->pairs[i];
        require(pair->timed_calls != 0 && pair->timed_ns != 0 && pair->repetition < run->repetitions);
        require(i == 0 || pair->repetition >= rung->pairs[i - 1].repetition);
        for (unsigned level = 0; level < rung->levels; level++) {
            const struct verify_counts *counts = &pair->level[level];
            require(counts->bare_calls != 0 && counts->bare_ns != 0 && counts->outermost != 0 &&
                    counts->outermost <= counts->calls && counts->uncounted <= counts->within);
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct verify_run run;
    char message[256] = "";
    int failure = verify_lines_parse((const char *)data, size, &run, message, sizeof(message));
    require((failure == 0) == (message[0] == '\0') || failure == -ENOMEM);
    check_plain(message, sizeof(message));
    require(run.rung_count <= VERIFY_RUNGS_MAX);
    for (size_t i = 0; failure == 0 && i < run.rung_count; i++) {
        check_rung(&run, &run.rungs[i]);
    }
    verify_run_release(&run);
    return 0;
}
