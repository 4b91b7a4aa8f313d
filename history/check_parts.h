/* SPDX-License-Identifier: MIT */
/* What the files of history/check*.c share. Private to history/. */
#ifndef TARE_HISTORY_CHECK_PARTS_H
#define TARE_HISTORY_CHECK_PARTS_H

#include "history/check.h"

/* A moment in the history: a commit, or a time where `commit` is NULL. */
struct tare__moment {
    const struct tare_history_commit *commit;
    const char *branch; /* that it was measured on; NULL: unknown, or it was not measured */
    int64_t time_ms;    /* of a commit: when it was measured last; UNKNOWN */
};

/*
 * The moment of a commit: `known` if it is not NULL, else as the history has it. -EINVAL: it does not have it.
 */
int tare__moment_of_commit(const struct tare_history *history, const char *id,
                           const struct tare_history_commit *known, struct tare__moment *moment);
/*
 * Whether the points of a line are in the order of measuring though commits of some have a place: one of them
 * has none.
 */
bool tare__is_by_time(const struct tare_history *history, const struct tare_history_line *line);
/* How many of the line's points, from the first on, are at or before it. */
size_t tare__points_before(const struct tare_history *history, const struct tare_history_line *line,
                           const struct tare__moment *moment);

/* Fills in the changes and suspicions of all series. As tare_history_check(). */
int tare__find_all(struct tare_history_report *report, char *message, size_t message_size);

/* What the budget says of the series of `report`, whose levels are known. As tare_history_check(). */
int tare__check_budget(struct tare_history_report *report, char *message, size_t message_size);

/*
 * Whether the values are of something that is counted, and what changed in it: check_counted.c. 0 or -ENOMEM.
 */
bool tare__is_counted(const double *values, size_t n);
int tare__counted_changes(const double *values, size_t n, struct tare_changes *out,
                          struct tare_suspicion *suspicion);

/*
 * Sets whether the series scatters too much for a step of `share` to be seen soon, and then what would
 * stabilise it. 0 or -ENOMEM.
 */
int tare__check_stability(struct tare_judged_series *series, double share);

/*
 * As tare_changes_suspect(), and carries a suspicion on over more points than that while they bear it out.
 */
int tare__suspect(const double *values, size_t n, const struct tare_changes *changes,
                  struct tare_suspicion *out);

/*
 * check_level.c. The level of the line at point `at`, from points that are of it for sure, if there are enough.
 * `scratch`: room for all its points.
 */
double tare__level_at(const struct tare_judged_series *series, size_t at, double *scratch);
double tare__level_now(const struct tare_judged_series *series);
/* Of a drift, the line at point `at`. */
double tare__drift_at(const struct tare_change *drift, size_t at);

/* Whether a unit is one of time; "ns/iter" is, "1/s" is not. */
bool tare__is_time(const char *unit);

#endif
