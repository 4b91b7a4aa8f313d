/* SPDX-License-Identifier: MIT */
/* `tare history show`: what there is, without a judgement. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/history.h"
#include "view/history_show.h"

struct show {
    struct history_common common;
    struct output output;
    bool points, runs; /* asked for, instead of series */
    const char *branch, *machine, *since;
    unsigned long last;
    bool clean, all;
    struct tare_history history;
    const char *shown_branch; /* as given, or chosen; NULL: all */
    size_t left_out;          /* points of other branches */
    char *checked_out;        /* memory of shown_branch; NULL */
    char *mixed;              /* names of branches that share series; NULL */
    bool fold;
};

static int take_option(void *data, int id, const char *value)
{
    struct show *show = data;
    switch (id) {
    case HISTORY_POINTS:
        show->points = true;
        return 0;
    case HISTORY_RUNS:
        show->runs = true;
        return 0;
    case OPTION_ALL:
        show->all = true;
        return 0;
    case HISTORY_BRANCH:
        show->branch = value;
        return 0;
    case HISTORY_MACHINE:
        show->machine = value;
        return 0;
    case HISTORY_SINCE:
        show->since = value;
        return 0;
    case HISTORY_LAST:
        return parse_count("--last", value, 1, 1000000000, &show->last) ? 0 : EXIT_TROUBLE;
    case HISTORY_CLEAN:
        show->clean = true;
        return 0;
    case HISTORY_DB:
    case HISTORY_PROJECT:
        return history_common_option(&show->common, id, value);
    default:
        return output_option(&show->output, id, value) == 0 ? 0 : EXIT_TROUBLE;
    }
}

/*
 * Whether the commit lies before `since`: by its place in the line of first parents, else by its time; false:
 * unknown.
 */
static bool is_before(const struct tare_history_commit *commit, const struct tare_history_commit *since)
{
    if (commit->ordinal != TARE_HISTORY_UNKNOWN && since->ordinal != TARE_HISTORY_UNKNOWN) {
        return commit->ordinal < since->ordinal;
    }
    return commit->time_s != TARE_HISTORY_UNKNOWN && since->time_s != TARE_HISTORY_UNKNOWN &&
           commit->time_s < since->time_s;
}

/* Leaves points of commits from `since` on (NULL: all), of which at most the newest `last` (0: all). */
static void cut(struct tare_history *history, const struct tare_history_commit *since, size_t last)
{
    size_t lines = 0;
    for (size_t i = 0; i < history->line_count; i++) {
        struct tare_history_line *line = &history->lines[i];
        size_t kept = 0;
        for (size_t k = 0; k < line->count; k++) {
            const struct tare_history_run *run = tare_history_find_run(history, line->points[k].run);
            const struct tare_history_commit *commit =
                run != NULL && run->commit != NULL ? tare_history_find_commit(history, run->commit) : NULL;
            if (since == NULL || (commit != NULL && !is_before(commit, since))) {
                struct tare_history_point point = line->points[k];
                line->points[k] = line->points[kept];
                line->points[kept++] = point;
            }
        }
        while (line->count > kept) {
            tare_history_point_release(&line->points[--line->count]);
        }
        if (last > 0 && line->count > last) {
            size_t gone = line->count - last;
            for (size_t k = 0; k < gone; k++) {
                tare_history_point_release(&line->points[k]);
            }
            memmove(line->points, line->points + gone, last * sizeof(*line->points));
            line->count = last;
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
}

/* Leaves the runs that the points are of. */
static int keep_runs(struct tare_history *history)
{
    size_t kept = 0;
    bool *used = calloc(history->run_count + 1, sizeof(*used));
    if (used == NULL) {
        return -ENOMEM;
    }
    for (size_t i = 0; i < history->line_count; i++) {
        for (size_t k = 0; k < history->lines[i].count; k++) {
            const struct tare_history_run *run =
                tare_history_find_run(history, history->lines[i].points[k].run);
            if (run != NULL) {
                used[run - history->runs] = true;
            }
        }
    }
    for (size_t i = 0; i < history->run_count; i++) {
        if (used[i]) {
            struct tare_history_run run = history->runs[i];
            history->runs[i] = history->runs[kept];
            history->runs[kept++] = run;
        }
    }
    while (history->run_count > kept) {
        tare_history_run_release(&history->runs[--history->run_count]);
    }
    free(used);
    return 0;
}

static size_t count_points(const struct tare_history *history)
{
    size_t points = 0;
    for (size_t i = 0; i < history->line_count; i++) {
        points += history->lines[i].count;
    }
    return points;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* "'main', 'side'": the runs' branches, each once; "" if none is known. NULL without memory. */
static char *branches_of(const struct tare_history_run *runs, size_t run_count, size_t *count)
{
    const char **names = calloc(run_count + 1, sizeof(*names));
    char *text = NULL;
    size_t size = 0, named = 0;
    FILE *out = names != NULL ? open_memstream(&text, &size) : NULL;
    *count = 0;
    if (out == NULL) {
        free(names);
        return NULL;
    }
    for (size_t i = 0; i < run_count; i++) {
        if (runs[i].branch != NULL) {
            names[named++] = runs[i].branch;
        }
    }
    qsort(names, named, sizeof(*names), by_name);
    for (size_t i = 0; i < named; i++) {
        if (i == 0 || strcmp(names[i], names[i - 1]) != 0) {
            fprintf(out, "%s'%s'", *count > 0 ? ", " : "", names[i]);
            ++*count;
        }
    }
    free(names);
    return fclose(out) == 0 ? text : NULL;
}

/* Says that the branch has no point, and which branches there are. */
static void say_branches(const struct show *show, struct tare_store *store)
{
    struct tare_history_run *runs = NULL;
    size_t run_count = 0, count = 0;
    int failure = tare_store_runs(store, show->common.project, 0, &runs, &run_count);
    char *names = failure == 0 ? branches_of(runs, run_count, &count) : NULL;
    char *text = names != NULL ? printable(names) : NULL;
    if (failure != 0) {
        history_store_error(&show->common, store, "read", failure);
    } else if (text == NULL) {
        error("out of memory");
    } else {
        error("no points of the branch '%s': %s%s", show->branch,
              count > 0 ? "there are " : "of none of them a branch is known", text);
    }
    for (size_t i = 0; i < run_count; i++) {
        tare_history_run_release(&runs[i]);
    }
    free(runs);
    free(names);
    free(text);
}

/* One branch's points, as `check` judges them: several in one row would look like one line of commits. */
static int choose_branch(struct show *show)
{
    size_t points = count_points(&show->history), count;
    if (show->branch != NULL) {
        show->shown_branch = show->branch; /* read so */
        return 0;
    }
    if (show->all) {
        char *names = branches_of(show->history.runs, show->history.run_count, &count);
        if (names == NULL) {
            return -ENOMEM;
        }
        show->mixed = count > 1 ? names : NULL;
        if (count <= 1) {
            free(names);
        }
        return 0;
    }
    /* What somebody is working on, where there is something of it, goes before what was measured last. */
    struct tare_origin origin = {0};
    char message[256];
    const struct tare_history_run *newest = tare_history_newest_run(&show->history);
    show->shown_branch = newest != NULL ? newest->branch : NULL;
    if (tare_origin_read(".", NULL, &origin, message, sizeof(message)) == 0 && origin.branch != NULL &&
        history_has_branch(&show->history, origin.branch)) {
        show->shown_branch = show->checked_out = origin.branch;
        origin.branch = NULL;
    }
    tare_origin_release(&origin);
    int failure = tare_history_keep_branch(&show->history, show->shown_branch, NULL, NULL);
    show->left_out = points - count_points(&show->history);
    return failure;
}

static int read_history(struct show *show, struct tare_store *store, char *const *patterns)
{
    bool chosen = show->branch != NULL || show->all || show->runs; /* by the store, or not at all */
    struct tare_history_query query = {
        .project = show->common.project,
        .patterns = *patterns != NULL ? (const char *const *)patterns : NULL,
        .branch = show->branch,
        .fingerprint = show->machine,
        .since_ms = TARE_HISTORY_UNKNOWN,
        .last = chosen ? show->last : 0,
        .clean = show->clean,
    };
    bool by_commit = show->since != NULL && !history_date(show->since, history_now_ms(), &query.since_ms);
    if (by_commit) { /* which points these are is known only when they are here */
        query.last = 0;
        query.every_commit = true;
    }
    int failure = tare_store_read(store, &query, &show->history);
    if (failure == 0 && by_commit && show->history.line_count > 0) {
        char *id = history_revision("--since", show->since, &show->history);
        const struct tare_history_commit *since =
            id != NULL ? tare_history_find_commit(&show->history, id) : NULL;
        if (id != NULL && since == NULL) {
            error("the history has no result of '%s', nor of a commit before it", show->since);
        }
        if (since != NULL) {
            cut(&show->history, since, chosen ? show->last : 0);
        }
        free(id);
        if (since == NULL) {
            return EXIT_TROUBLE;
        }
    }
    if (failure == 0 && show->branch != NULL && !history_has_branch(&show->history, show->branch)) {
        say_branches(show, store);
        return EXIT_TROUBLE;
    }
    if (failure == 0 && show->runs) {
        failure = keep_runs(&show->history);
    } else if (failure == 0) {
        failure = choose_branch(show);
        if (failure == 0 && !chosen && show->last > 0) {
            cut(&show->history, NULL, show->last);
        }
    }
    if (failure != 0) {
        return history_store_error(&show->common, store, "read", failure);
    }
    if (show->history.line_count == 0) {
        history_say_nothing(&show->common, store, patterns);
        return EXIT_TROUBLE;
    }
    return EXIT_FINE;
}

/* All, or the newest: no points have to be read for that. */
static int read_runs(struct show *show, struct tare_store *store)
{
    int failure =
        tare_store_runs(store, show->common.project, show->last, &show->history.runs, &show->history.run_count);
    if (failure != 0) {
        return history_store_error(&show->common, store, "read", failure);
    }
    if (show->history.run_count == 0) {
        history_say_nothing(&show->common, store, NULL);
        return EXIT_TROUBLE;
    }
    return EXIT_FINE;
}

static int write_history(void *data, FILE *out)
{
    const struct show *show = data;
    const struct tare_history_view view = {
        .what = show->points ? TARE_HISTORY_VIEW_POINTS
                : show->runs ? TARE_HISTORY_VIEW_RUNS
                             : TARE_HISTORY_VIEW_SERIES,
        .project = show->common.project,
        .color = show->output.view.color,
        .ascii = show->output.view.ascii,
        .width = show->output.view.width,
        .fold = show->fold,
        .branch = show->shown_branch,
        .left_out = show->left_out,
        .mixed_branches = show->mixed,
    };
    return tare_view_history(&show->history, &view, show->output.format, out);
}

int history_show(const struct command *command, int argc, char **argv)
{
    struct show show = {0};
    int exit_code = EXIT_TROUBLE;
    output_init(&show.output);
    int operand = options_parse(command, argc, argv, take_option, &show, &exit_code);
    if (operand < 0) {
        return exit_code;
    }
    exit_code = EXIT_TROUBLE;
    if (show.points && show.runs) {
        error("--points and --runs: give one of the two");
        return exit_code;
    }
    show.fold = operand == argc && !show.all;
    struct tare_store *store = output_check(&show.output) ? history_open(&show.common, TARE_STORE_READ) : NULL;
    if (store != NULL) {
        bool plain =
            operand == argc && show.branch == NULL && show.machine == NULL && show.since == NULL && !show.clean;
        exit_code = show.runs && plain ? read_runs(&show, store) : read_history(&show, store, argv + operand);
    }
    if (exit_code == EXIT_FINE && !output_write_whole(show.output.file, write_history, &show)) {
        exit_code = EXIT_TROUBLE;
    }
    tare_store_close(store);
    tare_history_release(&show.history);
    history_common_release(&show.common);
    free(show.checked_out);
    free(show.mixed);
    return exit_code;
}
