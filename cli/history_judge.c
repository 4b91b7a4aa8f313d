/* SPDX-License-Identifier: MIT */
/* What `tare history check` and `html` judge, and by what: the options that both have. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/check.h"
#include "cli/history.h"

void history_judge_init(struct history_judge *judge)
{
    *judge = (struct history_judge){.margin = 0.01, .alpha = TARE_CHANGE_ALPHA, .window = 50};
}

int history_judge_option(struct history_judge *judge, int id, const char *value)
{
    double percent;
    switch (id) {
    case HISTORY_AGAINST:
        judge->against = value;
        return 0;
    case HISTORY_SINCE:
        judge->since = value;
        return 0;
    case HISTORY_BASELINE:
        judge->baseline = value;
        return 0;
    case HISTORY_BUDGET:
        judge->budget_path = value;
        return 0;
    case HISTORY_BRANCH:
        judge->branch = value;
        return 0;
    case HISTORY_CLEAN:
        judge->clean = true;
        return 0;
    case HISTORY_MARGIN:
        if (!parse_number("--margin", value, true, 0, 1000, &percent)) {
            return EXIT_TROUBLE;
        }
        judge->margin = percent / 100;
        return 0;
    case HISTORY_ALPHA:
        return parse_number("--alpha", value, false, 1e-9, 0.5, &judge->alpha) ? 0 : EXIT_TROUBLE;
    case HISTORY_WINDOW:
        return parse_count("--window", value, 1, 1000000000, &judge->window) ? 0 : EXIT_TROUBLE;
    default:
        return -1;
    }
}

static bool find_since(struct history_judge *judge)
{
    if (judge->since == NULL) {
        return true;
    }
    if (history_date(judge->since, history_now_ms(), &judge->rule.since_ms)) {
        return true;
    }
    judge->since_id = history_revision("--since", judge->since, &judge->history);
    judge->rule.since = judge->since_id;
    return judge->since_id != NULL;
}

static bool find_against(struct history_judge *judge)
{
    if (judge->against == NULL) {
        return true;
    }
    judge->against_id = history_revision("--against", judge->against, &judge->history);
    judge->rule.against = judge->against_id;
    return judge->against_id != NULL;
}

/* Branches */

/* Whether a run that has a point is of that branch. */
bool history_has_branch(const struct tare_history *history, const char *branch)
{
    for (size_t i = 0; i < history->line_count; i++) {
        const struct tare_history_line *line = &history->lines[i];
        for (size_t j = 0; j < line->count; j++) {
            const struct tare_history_run *run = tare_history_find_run(history, line->points[j].run);
            if (run != NULL && run->branch != NULL && strcmp(run->branch, branch) == 0) {
                return true;
            }
        }
    }
    return false;
}

static bool is_first_of_branch(const struct tare_history *history, size_t run)
{
    for (size_t i = 0; i < run; i++) {
        if (history->runs[i].branch != NULL &&
            strcmp(history->runs[i].branch, history->runs[run].branch) == 0) {
            return false;
        }
    }
    return true;
}

/* An error that names those there are. */
static void say_branches(const struct history_judge *judge)
{
    enum { NAMES = 20 };
    const struct tare_history *history = &judge->history;
    char *names = NULL;
    size_t size, count = 0;
    FILE *out = open_memstream(&names, &size);
    for (size_t i = 0; out != NULL && i < history->run_count && count <= NAMES; i++) {
        const char *branch = history->runs[i].branch;
        if (branch != NULL && is_first_of_branch(history, i) && history_has_branch(history, branch)) {
            fprintf(out, count == NAMES ? ", ..." : "%s'%s'", count > 0 ? ", " : "", branch);
            count++;
        }
    }
    if (out == NULL || fclose(out) != 0) {
        error("out of memory");
    } else if (count == 0) {
        error("no points of the branch '%s': of none of them a branch is known", judge->branch);
    } else {
        char *text = printable(names);
        error("no points of the branch '%s': there are %s", judge->branch, text != NULL ? text : names);
        free(text);
    }
    free(names);
}

/* What somebody is working on, where there is something of it, goes before what was measured last. */
static bool find_branch(struct history_judge *judge)
{
    struct tare_origin origin = {0};
    char message[256];
    const struct tare_history_run *run = tare_history_newest_run(&judge->history);
    const char *newest = run != NULL ? run->branch : NULL;
    judge->judged_branch = judge->branch != NULL ? judge->branch : newest;
    if (judge->branch != NULL) {
        return true;
    }
    if (tare_origin_read(".", NULL, &origin, message, sizeof(message)) == 0 && origin.branch != NULL) {
        judge->checked_out = origin.branch;
        origin.branch = NULL;
    }
    tare_origin_release(&origin);
    if (judge->checked_out == NULL || (newest != NULL && strcmp(newest, judge->checked_out) == 0)) {
        return true;
    }
    bool known = history_has_branch(&judge->history, judge->checked_out);
    judge->judged_branch = known ? judge->checked_out : newest;
    int printed = 0;
    if (known && newest != NULL) {
        printed = asprintf(&judge->branch_note,
                           "judged is the branch '%s', which is checked out; the newest result is of '%s': "
                           "--branch chooses",
                           judge->checked_out, newest);
    } else if (!known && newest != NULL) {
        printed = asprintf(&judge->branch_note,
                           "judged is the branch '%s', of the newest result, as there is none of '%s', which "
                           "is checked out",
                           newest, judge->checked_out);
    }
    if (printed < 0) {
        judge->branch_note = NULL;
        error("out of memory");
    }
    return printed >= 0;
}

/* The points of the branch, and of what it is judged against. */
static bool choose_branch(struct history_judge *judge)
{
    if (!find_branch(judge)) {
        return false;
    }
    if (judge->branch != NULL && !history_has_branch(&judge->history, judge->branch)) {
        say_branches(judge);
        return false;
    }
    int failure = tare_history_keep_branch(&judge->history, judge->judged_branch, judge->against_id, NULL);
    if (failure != 0) {
        error("%s", strerror(-failure));
        return false;
    }
    for (size_t i = 0; i < judge->history.line_count; i++) {
        judge->points += judge->history.lines[i].count;
    }
    return true;
}

static bool judge_all(struct history_judge *judge)
{
    char message[512] = "";
    int failure = tare_history_check(&judge->history, &judge->rule, &judge->report, message, sizeof(message));
    const struct tare_budget_problem *problem = &judge->report.problem;
    if (failure == -EINVAL && problem->message[0] != '\0') {
        error("%s:%zu: %s%s", judge->budget_path, problem->line, problem->message,
              problem->word[0] != '\0' ? ": 'tare history show' lists the series there are" : "");
    } else if (failure != 0) {
        error("%s", message[0] != '\0' ? message : strerror(-failure));
    }
    return failure == 0;
}

bool history_judge_read(struct history_judge *judge, const struct history_common *common,
                        struct tare_store *store, char *const *patterns)
{
    const struct tare_history_query query = {
        .project = common->project,
        .patterns = *patterns != NULL ? (const char *const *)patterns : NULL,
        .since_ms = TARE_HISTORY_UNKNOWN,
        .clean = judge->clean,
        .every_commit = true,
    };
    if (judge->budget_path != NULL && !tare_budget_available()) {
        error("this tare was built without inih, which reads budgets: install libinih-dev and build it again");
        return false;
    }
    if (judge->budget_path != NULL && (judge->budget = check_read_budget(judge->budget_path)) == NULL) {
        return false;
    }
    judge->rule = (struct tare_check_rule){
        .margin = judge->margin,
        .alpha = judge->alpha,
        .window = judge->window,
        .since_ms = TARE_HISTORY_UNKNOWN,
        .baseline = judge->baseline,
        .budget = judge->budget,
        .partial = *patterns != NULL,
    };
    int failure = tare_store_read(store, &query, &judge->history);
    if (failure != 0) {
        history_store_error(common, store, "read", failure);
        return false;
    }
    if (judge->history.line_count == 0) {
        history_say_nothing(common, store, patterns);
        return false;
    }
    return find_since(judge) && find_against(judge) && choose_branch(judge) && judge_all(judge);
}

void history_judge_release(struct history_judge *judge)
{
    tare_history_report_release(&judge->report);
    tare_history_release(&judge->history);
    tare_budget_free(judge->budget);
    free(judge->since_id);
    free(judge->against_id);
    free(judge->checked_out);
    free(judge->branch_note);
    history_judge_init(judge);
}
