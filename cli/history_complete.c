/* SPDX-License-Identifier: MIT */
/*
 * What completion can offer of a history, one in a line: `tare history __complete baselines|branches|patterns|runs`.
 * Where there is no history, nothing. No subcommand of `tare history`.
 */
#include <stdlib.h>
#include <string.h>

#include "cli/history.h"

enum { RUNS_MAX = 200 }; /* the newest: more of them nobody looks through */

static const struct option_spec options[] = {
    HISTORY_COMMON_OPTIONS,
    {0},
};

static const struct command command = {
    .name = "history __complete",
    .operands = "WHAT",
    .summary = "what completion offers",
    .options = options,
    .details = "",
    .usage_exit = EXIT_TROUBLE,
};

static int take_option(void *data, int id, const char *value)
{
    return history_common_option(data, id, value);
}

/* Such names would not come back from a shell as they are. */
static void print_name(const char *name)
{
    bool plain = *name != '\0';
    for (const char *at = name; *at != '\0'; at++) {
        plain = plain && (unsigned char)*at >= ' ' && *at != 0x7f;
    }
    if (plain) {
        puts(name);
    }
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void print_runs(const struct tare_history_run *runs, size_t count, bool branches)
{
    const char **names = calloc(count + 1, sizeof(*names));
    size_t named = 0;
    for (size_t i = 0; names != NULL && i < count; i++) {
        if (!branches) {
            printf("%.8s\n", runs[i].digest);
        } else if (runs[i].branch != NULL) {
            names[named++] = runs[i].branch;
        }
    }
    if (names != NULL) {
        qsort(names, named, sizeof(*names), by_name);
    }
    for (size_t i = 0; i < named; i++) {
        if (i == 0 || strcmp(names[i], names[i - 1]) != 0) {
            print_name(names[i]);
        }
    }
    free(names);
}

static void print_series(const struct tare_history *history, bool baselines)
{
    char *before = NULL;
    for (size_t i = 0; baselines && i < history->baseline_count; i++) {
        print_name(history->baselines[i].name);
    }
    for (size_t i = 0; !baselines && i < history->line_count; i++) {
        char *title = tare_history_title(&history->lines[i].series);
        if (title != NULL && (before == NULL || strcmp(title, before) != 0)) { /* they come sorted */
            print_name(title);
        }
        free(before);
        before = title;
    }
    free(before);
}

int history_complete(int argc, char **argv)
{
    struct history_common common = {0};
    int exit_code = EXIT_TROUBLE,
        operand = options_parse(&command, argc, argv, take_option, &common, &exit_code);
    if (operand < 0) {
        return exit_code;
    }
    const char *what = operand < argc ? argv[operand] : "";
    struct tare_store *store = history_open(&common, TARE_STORE_READ);
    int failure = store == NULL ? -1 : 0;
    bool branches = strcmp(what, "branches") == 0, baselines = strcmp(what, "baselines") == 0;
    if (failure == 0 && (branches || strcmp(what, "runs") == 0)) {
        struct tare_history_run *runs = NULL;
        size_t count = 0;
        failure = tare_store_runs(store, common.project, branches ? 0 : RUNS_MAX, &runs, &count);
        print_runs(runs, failure == 0 ? count : 0, branches);
        for (size_t i = 0; i < count; i++) {
            tare_history_run_release(&runs[i]);
        }
        free(runs);
    } else if (failure == 0 && (baselines || strcmp(what, "patterns") == 0)) {
        struct tare_history history = {0};
        const struct tare_history_query query = {
            .project = common.project, .since_ms = TARE_HISTORY_UNKNOWN, .last = 1};
        failure = tare_store_read(store, &query, &history);
        if (failure == 0) {
            print_series(&history, baselines);
        }
        tare_history_release(&history);
    }
    tare_store_close(store);
    history_common_release(&common);
    return failure == 0 ? EXIT_FINE : EXIT_TROUBLE;
}
