/* SPDX-License-Identifier: MIT */
/*
 * Did it get worse? Judges what a store gave: change points (stats/changepoint.h), baselines and budgets. Its
 * report is what `tare history check` prints and what the dashboard shows; docs/gates.md has the rules in
 * words. No I/O. Any number of threads may judge histories that do not change.
 */
#ifndef TARE_HISTORY_CHECK_H
#define TARE_HISTORY_CHECK_H

#include "history/model.h"
#include "result/budget.h"
#include "stats/changepoint.h"

struct tare_check_rule {
    double margin;     /* changes below are information: 0.01 is 1 % */
    double alpha;      /* TARE_CHANGE_ALPHA: for a series, and, by Benjamini-Hochberg, for all of them */
    size_t window;     /* without since, against and baseline: changes within the newest so many points count */
    const char *since; /* commit id: changes behind it count; NULL */
    int64_t since_ms;  /* or behind this time; UNKNOWN */
    const char *against;              /* commit id: the level now against the level there; NULL */
    const char *baseline;             /* name; NULL: "default" if there is one */
    const struct tare_budget *budget; /* NULL: none */
    /* The history has but some of the series: entries of the budget that match none are left out. */
    bool partial;
    /* The same commits, where the history does not know them: their order comes from these. NULL: it knows. */
    const struct tare_history_commit *since_commit, *against_commit;
};

/* The worst that is so, in this order. Changes that are old leave a series steady. */
enum tare_series_status {
    TARE_SERIES_REGRESSED,   /* a confirmed change for the worse: the gate fails */
    TARE_SERIES_OVER_BUDGET, /* the gate fails */
    TARE_SERIES_SUSPECTED,   /* seen in too few points: needs a re-run */
    TARE_SERIES_UNSTABLE,    /* it scatters too much to see a step of ten margins within 5 points */
    TARE_SERIES_IMPROVED,
    TARE_SERIES_CHANGED, /* which way is worse is not known, or the change does not count */
    TARE_SERIES_TOO_FEW, /* points */
    TARE_SERIES_STEADY,
    TARE_SERIES_STATUSES,
};
/* "regressed", "over budget", "suspected", "unstable", "improved", "changed", "too few", "steady". */
extern const char *const tare_series_status_names[TARE_SERIES_STATUSES];

enum tare_change_weight {
    TARE_CHANGE_COUNTS, /* for the gate */
    TARE_CHANGE_OLD,    /* surely before what is asked about, or accepted by a baseline */
    TARE_CHANGE_UNDONE, /* a later change took it back; with `against`, the changes together come to nothing */
    TARE_CHANGE_SMALL,  /* below the margin; of times that are not above 0, below what can be measured */
    TARE_CHANGE_MANY_SERIES, /* over so many series it may be chance: Benjamini-Hochberg */
    TARE_CHANGE_WEIGHTS,
};
extern const char *const tare_change_weight_names[TARE_CHANGE_WEIGHTS];

struct tare_judged_change {
    struct tare_change change; /* indices are of the line's points */
    enum tare_change_weight weight;
    int direction;   /* 1: worse, -1: better, 0: not known */
    double adjusted; /* p over all series */
    /*
     * The range: last good and first bad commit; NULL: unknown, or a drift that goes on. One and the same: it
     * is not the code that changed.
     */
    const struct tare_history_commit *good, *bad;
    const struct tare_history_commit *likely; /* of a step: the first one of the new level, most likely; NULL */
};

struct tare_judged_series {
    const struct tare_history_line *line;
    enum tare_series_status status;
    struct tare_changes changes;
    struct tare_judged_change *judged; /* changes.count of them */
    bool counted;    /* its values are counted: no noise makes them differ, and three equal ones are enough */
    bool unstable;   /* also where something worse is so */
    size_t decisive; /* the change that the status and the ratio are about; changes.count: none */
    size_t first;    /* changes that may be at this point or later are not old */
    bool below;      /* times of it are not above 0: below what can be measured; then unstable, too */
    bool by_time;    /* points are in the order of measuring, as not all commits are known, though some are */
    struct tare_suspicion suspicion; /* also of some more points, until they make a change: docs/gates.md */
    size_t unsure;           /* the suspicion is this change, as its weight is not sure; changes.count: none */
    int suspicion_direction; /* 0 also of one below the margin */
    double last, previous;   /* newest value, and the one of the run before; NAN */
    double baseline;         /* median of its level at the baseline; NAN: there is none, or not so early */
    double against;          /* of the level at `against`; NAN */
    double ratio;            /* of the level now to what it is judged against (against, baseline or the
                                         level before the worst change that counts); NAN */
    struct tare_judged budget;          /* entry NULL: the budget says nothing of it */
    struct tare_metric *budget_metrics; /* that `budget` points at */
    const char *advice; /* of one that scatters: what would stabilise it, in words; NULL. Constant */
    bool mixed;         /* the same benchmark has other series: other machines or settings */
};

struct tare_history_report {
    struct tare_check_rule rule;
    struct tare_judged_series *series; /* as in the history */
    size_t count;
    size_t by_status[TARE_SERIES_STATUSES];
    size_t judged;  /* of the series: those with points enough for a verdict */
    size_t missing; /* points that the fullest of the others still lacks; 0: there are no others */
    const struct tare_history_baseline *baseline; /* that was taken; NULL: none */
    size_t unknown; /* series that the budget judges, and whose value or base is unknown: no pass */
    size_t by_time; /* series with by_time */
    bool behind;    /* there are points in what is asked about */
    bool fails;     /* any regressed or over budget, or unknown to the budget */
    bool suspected;
    struct tare_budget_problem problem; /* of the budget, after -EINVAL; else its message is "" */
};

/*
 * `history` and what `rule` points at have to outlive the report. 0; -EINVAL with `message`: a commit or
 * baseline that is not in the history, values that are no numbers, or a budget that does not fit
 * (`report->problem` then has it, too); -ENOMEM. Released by tare_history_report_release() in any case.
 */
int tare_history_check(const struct tare_history *history, const struct tare_check_rule *rule,
                       struct tare_history_report *report, char *message, size_t message_size);
void tare_history_report_release(struct tare_history_report *report);

/* Of the runs that have a point, the one that was measured last, or NULL. The history's. */
const struct tare_history_run *tare_history_newest_run(const struct tare_history *history);

/*
 * Of the points of several branches, keeps those that a judgement of `branch` is about: its own, those of no
 * known branch, and, if the commit `against` was measured on another branch (a pull request against its
 * base), those of that branch up to it, which then come first. `branch` NULL: all stay. `against` NULL: none.
 * Series without a point left go; the points of the others are in tare_history_sort()'s order, of each
 * branch. `against_commit`: as in the rule.
 */
int tare_history_keep_branch(struct tare_history *history, const char *branch, const char *against,
                             const struct tare_history_commit *against_commit);

/* Which way is worse for a metric of tare's own, from its name and unit. */
enum tare_history_better tare_metric_better(const char *metric, const char *unit);

#endif
