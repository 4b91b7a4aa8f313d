/* SPDX-License-Identifier: MIT */
/* `tare history baseline`: levels that were accepted. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/history.h"
#include "view/history_show.h"

struct baseline {
    struct history_common common;
    const char *commit, *reason, *series;
    const char *set_option, *show_option; /* the first one given that is for `set`, or `show`, alone */
    bool json;
};

static int take_option(void *data, int id, const char *value)
{
    struct baseline *baseline = data;
    switch (id) {
    case HISTORY_COMMIT:
        baseline->set_option = "--commit";
        baseline->commit = value;
        return 0;
    case HISTORY_REASON:
        baseline->set_option = "--reason";
        baseline->reason = value;
        return 0;
    case HISTORY_SERIES:
        baseline->set_option = "--series";
        baseline->series = value;
        return 0;
    case OPTION_FORMAT:
        baseline->show_option = "--format";
        return option_table_or_json(&baseline->json, id, value);
    default:
        return history_common_option(&baseline->common, id, value);
    }
}

/* The commits that are known, and whether there are any points at all. */
static bool read_commits(struct baseline *baseline, struct tare_store *store, struct tare_history *history)
{
    const char *const patterns[] = {baseline->series, NULL};
    const struct tare_history_query query = {
        .project = baseline->common.project,
        .patterns = baseline->series != NULL ? patterns : NULL,
        .since_ms = TARE_HISTORY_UNKNOWN,
        .last = 1,
        .every_commit = true,
    };
    int failure = tare_store_read(store, &query, history);
    if (failure != 0) {
        history_store_error(&baseline->common, store, "read", failure);
    } else if (history->line_count == 0) {
        history_say_nothing(&baseline->common, store, (char *const *)patterns);
    }
    return failure == 0 && history->line_count > 0;
}

static int set(struct baseline *baseline, const char *name)
{
    struct tare_history history = {0};
    char *id = NULL;
    int exit_code = EXIT_TROUBLE;
    struct tare_store *store = history_open(&baseline->common, TARE_STORE_WRITE);
    if (store == NULL || !read_commits(baseline, store, &history)) {
        goto out;
    }
    if (baseline->commit != NULL) {
        id = history_revision("--commit", baseline->commit, &history);
        if (id != NULL && tare_history_find_commit(&history, id) == NULL) {
            error("the history has no result of '%s', nor of a commit before it", baseline->commit);
            free(id);
            id = NULL;
        }
        if (id == NULL) {
            goto out;
        }
    }
    const struct tare_history_baseline set = {
        .project = (char *)baseline->common.project,
        .name = (char *)name,
        .commit = id,
        .set_ms = history_now_ms(),
        .reason = (char *)baseline->reason,
        .selection = (char *)(baseline->series != NULL ? baseline->series : "*"),
    };
    const struct tare_history_baseline *before = NULL; /* of that name */
    for (size_t i = 0; i < history.baseline_count; i++) {
        before = strcmp(history.baselines[i].name, name) == 0 ? &history.baselines[i] : before;
    }
    int failure = tare_store_baseline_set(store, &set);
    if (failure != 0) {
        history_store_error(&baseline->common, store, "write", failure);
        goto out;
    }
    if (before != NULL && before->commit != NULL) {
        printf("moved the baseline '%s' from commit %.8s: ", name, before->commit);
    } else if (before != NULL) {
        printf("moved the baseline '%s' from %s: ", name, history_time(before->set_ms).text);
    } else {
        printf("set the baseline '%s': ", name);
    }
    printf("changes up to %s%.8s are accepted\n", id != NULL ? "commit " : "now", id != NULL ? id : "");
    exit_code = EXIT_FINE;
out:
    free(id);
    tare_history_release(&history);
    tare_store_close(store);
    return exit_code;
}

static int show(struct baseline *baseline)
{
    struct tare_history history = {0};
    const struct tare_history_query query = {
        .project = baseline->common.project, .since_ms = TARE_HISTORY_UNKNOWN, .last = 1, .every_commit = true};
    int exit_code = EXIT_TROUBLE;
    struct tare_store *store = history_open(&baseline->common, TARE_STORE_READ);
    int failure = store != NULL ? tare_store_read(store, &query, &history) : 0;
    if (failure != 0) {
        history_store_error(&baseline->common, store, "read", failure);
    } else if (store != NULL && history.baseline_count == 0 && !baseline->json) {
        error("there is no baseline of the project '%s': 'tare history baseline set' sets one",
              baseline->common.project);
    } else if (store != NULL) {
        const struct tare_history_view view = {.what = TARE_HISTORY_VIEW_BASELINES,
                                               .ascii = !locale_is_utf8(),
                                               .project = baseline->common.project};
        failure =
            tare_view_history(&history, &view, baseline->json ? TARE_FORMAT_JSON : TARE_FORMAT_TABLE, stdout);
        exit_code = failure == 0 ? EXIT_FINE : EXIT_TROUBLE;
        if (failure == -ENOMEM) {
            error("out of memory");
        }
    }
    tare_history_release(&history);
    tare_store_close(store);
    return exit_code;
}

static int take_away(struct baseline *baseline, const char *name)
{
    bool removed = false;
    struct tare_store *store = history_open(&baseline->common, TARE_STORE_WRITE);
    if (store == NULL) {
        return EXIT_TROUBLE;
    }
    int failure = tare_store_baseline_remove(store, baseline->common.project, name, &removed);
    if (failure != 0) {
        history_store_error(&baseline->common, store, "write", failure);
    } else if (!removed) {
        error("there is no baseline '%s' of the project '%s': 'tare history baseline show' lists them", name,
              baseline->common.project);
    } else {
        printf("removed the baseline '%s'\n", name);
    }
    tare_store_close(store);
    return failure == 0 && removed ? EXIT_FINE : EXIT_TROUBLE;
}

static int act(struct baseline *baseline, char *const *operands, int count)
{
    static const char *const words[] = {"set", "show", "remove"};
    const char *word = count > 0 ? operands[0] : NULL;
    bool is_set = word != NULL && strcmp(word, words[0]) == 0,
         is_show = word != NULL && strcmp(word, words[1]) == 0;
    if (word == NULL) {
        error("which of set, show and remove? see 'tare history baseline --help'");
        return EXIT_TROUBLE;
    }
    if (!is_set && !is_show && strcmp(word, words[2]) != 0) {
        const char *near = suggest(word, words, sizeof(words) / sizeof(words[0]));
        error("unknown '%s' of 'tare history baseline': %s%s%s", word, near != NULL ? "did you mean '" : "",
              near != NULL ? near : "one of set, show, remove", near != NULL ? "'?" : "");
        return EXIT_TROUBLE;
    }
    if (count > 2 - is_show) {
        error("'%s' is one too many: tare history baseline %s takes %s", operands[2 - is_show], word,
              is_show ? "no name" : "one name");
        return EXIT_TROUBLE;
    }
    if (baseline->set_option != NULL && !is_set) {
        error("'%s' is for 'tare history baseline set'", baseline->set_option);
        return EXIT_TROUBLE;
    }
    if (baseline->show_option != NULL && !is_show) {
        error("'%s' is for 'tare history baseline show'", baseline->show_option);
        return EXIT_TROUBLE;
    }
    if (count > 1 && operands[1][0] == '\0') {
        error("a baseline needs a name");
        return EXIT_TROUBLE;
    }
    if (is_set) {
        return set(baseline, count > 1 ? operands[1] : "default");
    }
    if (is_show) {
        return show(baseline);
    }
    return take_away(baseline, count > 1 ? operands[1] : "default");
}

int history_baseline(const struct command *command, int argc, char **argv)
{
    struct baseline baseline = {0};
    int exit_code = EXIT_TROUBLE,
        operand = options_parse(command, argc, argv, take_option, &baseline, &exit_code);
    if (operand >= 0) {
        exit_code = act(&baseline, argv + operand, argc - operand);
    }
    history_common_release(&baseline.common);
    return exit_code;
}
