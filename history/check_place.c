/* SPDX-License-Identifier: MIT */
/*
 * What came before what, in a history whose commits are known in part: by the number of commits up to each
 * (on one line of first parents that is the order), else by the times of the commits, else by when was
 * measured. Points of two branches have no order by these. So what was measured on another branch than a
 * commit is behind that commit, unless it is the commit itself.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "history/check_parts.h"

static const struct tare_history_run *run_of(const struct tare_history *history,
                                             const struct tare_history_point *point)
{
    return tare_history_find_run(history, point->run);
}

/*
 * tare_history_sort() puts the points of a line into the order of their commits' ordinals if all have one, else
 * of the commits' times if all have one, else of when they were measured. A moment is found in that same order.
 */
enum order { BY_ORDINAL, BY_COMMIT_TIME, BY_TIME };

/* Of what was measured on another branch than the moment's (NULL: of any) nothing is asked. */
static enum order order_of(const struct tare_history *history, const struct tare_history_line *line,
                           const char *branch)
{
    bool all_ordinals = true, all_times = true;
    for (size_t i = 0; i < line->count; i++) {
        const struct tare_history_run *run = run_of(history, &line->points[i]);
        if (run != NULL && run->branch != NULL && branch != NULL && strcmp(run->branch, branch) != 0) {
            continue;
        }
        const struct tare_history_commit *commit =
            run != NULL && run->commit != NULL ? tare_history_find_commit(history, run->commit) : NULL;
        all_ordinals = all_ordinals && commit != NULL && commit->ordinal != TARE_HISTORY_UNKNOWN;
        all_times = all_times && commit != NULL && commit->time_s != TARE_HISTORY_UNKNOWN;
    }
    return all_ordinals ? BY_ORDINAL : all_times ? BY_COMMIT_TIME : BY_TIME;
}

bool tare__is_by_time(const struct tare_history *history, const struct tare_history_line *line)
{
    if (order_of(history, line, NULL) != BY_TIME) {
        return false;
    }
    for (size_t i = 0; i < line->count; i++) {
        const struct tare_history_run *run = run_of(history, &line->points[i]);
        const struct tare_history_commit *commit =
            run != NULL && run->commit != NULL ? tare_history_find_commit(history, run->commit) : NULL;
        if (commit != NULL &&
            (commit->ordinal != TARE_HISTORY_UNKNOWN || commit->time_s != TARE_HISTORY_UNKNOWN)) {
            return true;
        }
    }
    return false;
}

/* A commit is on a branch where it was measured last. */
static const struct tare_history_run *last_run_of(const struct tare_history *history, const char *commit)
{
    const struct tare_history_run *last = NULL;
    for (size_t i = 0; i < history->run_count; i++) {
        const struct tare_history_run *run = &history->runs[i];
        if (run->commit != NULL && strcmp(run->commit, commit) == 0 &&
            (last == NULL || run->started_ms > last->started_ms)) {
            last = run;
        }
    }
    return last;
}

int tare__moment_of_commit(const struct tare_history *history, const char *id,
                           const struct tare_history_commit *known, struct tare__moment *moment)
{
    const struct tare_history_run *run = last_run_of(history, id);
    const struct tare_history_commit *commit = tare_history_find_commit(history, id);
    *moment = (struct tare__moment){
        .commit = known != NULL ? known : commit,
        .branch = run != NULL ? run->branch : NULL,
        .time_ms = run != NULL ? run->started_ms : TARE_HISTORY_UNKNOWN,
    };
    return moment->commit != NULL ? 0 : -EINVAL;
}

/* Whether a point of that run belongs to it, or to what was before; a run that is not there does not. */
static bool is_before(const struct tare_history *history, const struct tare_history_run *run,
                      const struct tare__moment *moment, enum order order)
{
    const struct tare_history_commit *there = moment->commit;
    if (run == NULL) {
        return false;
    }
    if (there == NULL) {
        return run->started_ms <= moment->time_ms;
    }
    if (run->commit != NULL && strcmp(run->commit, there->id) == 0) {
        return true;
    }
    if (run->branch != NULL && moment->branch != NULL && strcmp(run->branch, moment->branch) != 0) {
        return false;
    }
    const struct tare_history_commit *here =
        run->commit != NULL ? tare_history_find_commit(history, run->commit) : NULL;
    if (order == BY_ORDINAL && here != NULL && there->ordinal != TARE_HISTORY_UNKNOWN) {
        return here->ordinal <= there->ordinal;
    }
    if (order != BY_TIME && here != NULL && here->time_s != TARE_HISTORY_UNKNOWN &&
        there->time_s != TARE_HISTORY_UNKNOWN) {
        return here->time_s <= there->time_s;
    }
    if (moment->time_ms != TARE_HISTORY_UNKNOWN) {
        return run->started_ms <= moment->time_ms;
    }
    return there->time_s != TARE_HISTORY_UNKNOWN && run->started_ms / 1000 <= there->time_s;
}

size_t tare__points_before(const struct tare_history *history, const struct tare_history_line *line,
                           const struct tare__moment *moment)
{
    /* Its own points settle it, wherever the order of the others has put them. */
    for (size_t i = line->count; moment->commit != NULL && i-- > 0;) {
        const struct tare_history_run *run = run_of(history, &line->points[i]);
        if (run != NULL && run->commit != NULL && strcmp(run->commit, moment->commit->id) == 0) {
            return i + 1;
        }
    }
    enum order order = order_of(history, line, moment->branch);
    size_t count = 0;
    while (count < line->count && is_before(history, run_of(history, &line->points[count]), moment, order)) {
        count++;
    }
    return count;
}

const struct tare_history_run *tare_history_newest_run(const struct tare_history *history)
{
    const struct tare_history_run *newest = NULL;
    for (size_t i = 0; i < history->line_count; i++) {
        const struct tare_history_line *line = &history->lines[i];
        for (size_t j = 0; j < line->count; j++) {
            const struct tare_history_run *run = run_of(history, &line->points[j]);
            if (run != NULL && (newest == NULL || run->started_ms > newest->started_ms)) {
                newest = run;
            }
        }
    }
    return newest;
}

/* What is to be kept. */
struct kept {
    const char *branch;
    struct tare__moment against;
    bool other;                         /* that commit is of another branch */
    struct tare_history_point *scratch; /* room for the points of the longest line */
};

/* 0: goes; 1: of the other branch, up to the commit; 2: of the branch that is judged. */
static int group_of(const struct tare_history *history, const struct tare_history_point *point,
                    const struct kept *kept, enum order order)
{
    const struct tare_history_run *run = run_of(history, point);
    bool ours = run == NULL || run->branch == NULL || strcmp(run->branch, kept->branch) == 0;
    if (!kept->other) {
        return ours ? 2 : 0;
    }
    bool theirs = run != NULL && (run->branch == NULL || strcmp(run->branch, kept->against.branch) == 0);
    if (theirs && is_before(history, run, &kept->against, order)) {
        return 1;
    }
    return ours ? 2 : 0;
}

/* Returns how many points of the other branch come first. */
static size_t keep_points(struct tare_history *history, struct tare_history_line *line, const struct kept *kept)
{
    enum order order = order_of(history, line, kept->other ? kept->against.branch : NULL);
    size_t count = 0, first = 0;
    for (int group = 1; group <= 2; group++) {
        for (size_t i = 0; i < line->count; i++) {
            if (group_of(history, &line->points[i], kept, order) == group) {
                kept->scratch[count++] = line->points[i];
            }
        }
        first = group == 1 ? count : first;
    }
    for (size_t i = 0; i < line->count; i++) {
        if (group_of(history, &line->points[i], kept, order) == 0) {
            tare_history_point_release(&line->points[i]);
        }
    }
    if (count > 0) {
        memcpy(line->points, kept->scratch, count * sizeof(*kept->scratch));
    }
    line->count = count;
    return first;
}

/*
 * Each branch's points by what is known of them: a point that is gone may have been the one without a commit.
 * `parts` are lines that lend theirs.
 */
static int keep_lines(struct tare_history *history, const struct kept *kept, struct tare_history_line *parts)
{
    struct tare_history parted = *history;
    size_t count = 0;
    parted.lines = parts;
    parted.line_count = 0;
    for (size_t i = 0; i < history->line_count; i++) {
        struct tare_history_line *line = &history->lines[i];
        size_t first = keep_points(history, line, kept);
        if (line->count == 0) {
            tare_history_line_release(line);
            continue;
        }
        parts[parted.line_count++] = (struct tare_history_line){.points = line->points, .count = first};
        parts[parted.line_count++] =
            (struct tare_history_line){.points = line->points + first, .count = line->count - first};
        history->lines[count++] = *line;
    }
    history->line_count = count;
    return tare_history_sort(&parted);
}

int tare_history_keep_branch(struct tare_history *history, const char *branch, const char *against,
                             const struct tare_history_commit *against_commit)
{
    struct kept kept = {.branch = branch, .against = {.time_ms = TARE_HISTORY_UNKNOWN}};
    size_t most = 1;
    if (branch == NULL) {
        return 0;
    }
    if (against != NULL && tare__moment_of_commit(history, against, against_commit, &kept.against) != 0) {
        kept.against.branch = NULL; /* it was never measured: tare_history_check() says so */
    }
    kept.other = kept.against.branch != NULL && strcmp(kept.against.branch, branch) != 0;
    for (size_t i = 0; i < history->line_count; i++) {
        most = history->lines[i].count > most ? history->lines[i].count : most;
    }
    kept.scratch = calloc(most, sizeof(*kept.scratch));
    struct tare_history_line *parts = calloc(2 * history->line_count + 1, sizeof(*parts));
    int error = kept.scratch != NULL && parts != NULL ? keep_lines(history, &kept, parts) : -ENOMEM;
    free(kept.scratch);
    free(parts);
    return error;
}
