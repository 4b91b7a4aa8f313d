/* SPDX-License-Identifier: MIT */
/*
 * Budgets: what the metrics of a result may be. A budget is an INI file, read with inih, in which a section is
 * about a metric (result/metrics.h); tare-budget(5) is its description for users. No I/O; any number of threads
 * may read a budget that does not change.
 */
#ifndef TARE_RESULT_BUDGET_H
#define TARE_RESULT_BUDGET_H

#include <stdbool.h>
#include <stddef.h>

#include "result/metrics.h"

enum tare_budget_direction {
    TARE_BUDGET_NO_LIMIT, /* only of an informational entry */
    TARE_BUDGET_AT_MOST,
    TARE_BUDGET_AT_LEAST,
};

/* What a unit in the file says that a number is. */
enum tare_budget_dimension {
    TARE_BUDGET_PLAIN,
    TARE_BUDGET_PERCENT, /* 5 % is 0.05 */
    TARE_BUDGET_TIME,
    TARE_BUDGET_BYTES,
    TARE_BUDGET_BYTE_RATE,
    TARE_BUDGET_RATE,
};

struct tare_budget_limit {
    char *text;   /* as it was written; NULL: there is none */
    double value; /* in the unit of enum tare_metric_unit */
    enum tare_budget_dimension dimension;
    size_t line;
};

struct tare_budget_entry {
    char *metric;
    size_t line; /* of the section, from 1 */
    enum tare_budget_direction direction;
    struct tare_budget_limit target, critical;
    bool to_baseline;  /* limits are of the ratio to the same metric of the baseline */
    char *relative_to; /* or to this metric of the same result; NULL */
    size_t relative_line;
    bool informational;
};

struct tare_budget {
    struct tare_budget_entry *entries; /* in the order of the file */
    size_t count;
};

/* What is wrong, and where. */
struct tare_budget_problem {
    size_t line;       /* from 1; 0: of no line */
    char message[320]; /* one line, no full stop */
    char word[160];    /* the word that is not known; "": the problem is another one */
};

/* The keys that a section may have, NULL-terminated: for a near miss. */
extern const char *const tare_budget_keys[];

/* Whether this was built with inih. */
bool tare_budget_available(void);

/*
 * Reads a budget. Returns 0 and sets *budget, or -EINVAL with the first problem (by lines), -ENOSYS without
 * inih, or -ENOMEM.
 */
int tare_budget_parse(const char *text, size_t size, struct tare_budget **budget,
                      struct tare_budget_problem *problem);
void tare_budget_free(struct tare_budget *budget); /* NULL is fine */

enum tare_judgement {
    TARE_JUDGED_PASS,
    TARE_JUDGED_WARN, /* beyond the target, and not beyond what is critical */
    TARE_JUDGED_FAIL,
    TARE_JUDGED_UNKNOWN, /* there is no value to judge: not a pass */
    TARE_JUDGED_INFORMATION,
    TARE_JUDGEMENTS,
};

/* "pass", "warn", "fail", "unknown", "info". */
extern const char *const tare_judgement_names[TARE_JUDGEMENTS];

/* Text belongs to the budget, the metrics or the results, or is constant. */
struct tare_judged {
    const struct tare_budget_entry *entry;
    const struct tare_metric *metric;
    const struct tare_metric *base; /* that it is relative to; NULL: none, or the baseline does not have it */
    enum tare_metric_unit unit;     /* of what is judged: TARE_METRIC_RATIO where it is relative */
    double value, low, high;        /* what is judged, and its interval; NAN: unknown */
    bool exact;
    bool unsampled;                /* the interval is too narrow: struct tare_metric */
    enum tare_judgement judgement; /* by the value */
    int unsure;      /* 1: some of the interval would be judged otherwise; 0; -1: unknown, as the interval is */
    double left;     /* how far it is from the target, as a share of that; negative beyond; NAN: unknown */
    const char *why; /* it is unknown; NULL */
};

/*
 * Judges one entry. `baseline` NULL: there is none, which is a problem for an entry that is relative to it.
 * Returns 0, or -EINVAL with a problem: the metric, or the one it is relative to, is not one of the result
 * (`word` is its name), or a limit is in another unit than its value.
 */
int tare_budget_judge(const struct tare_budget_entry *entry, const struct tare_metrics *metrics,
                      const struct tare_metrics *baseline, struct tare_judged *judged,
                      struct tare_budget_problem *problem);

#endif
