/* SPDX-License-Identifier: MIT */
/*
 * Results of earlier runs, compared: which benchmarks or timers of an old result are in new ones, and whether
 * they take longer there. The method stands in compare_judge.c. No I/O; any number of threads may compare results
 * that do not change meanwhile.
 *
 * Two runs at different times have no pairs of rounds and no control arm: what the machine did between them
 * cannot be told from a change of the code. A third result, of the old code again, is a control of that.
 */
#ifndef TARE_RESULT_COMPARE_H
#define TARE_RESULT_COMPARE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "result/model.h"
#include "stats/compare.h"

/* What there is to compare in a result. */
enum tare_compared_kind {
    TARE_COMPARED_NOTHING, /* of a kind that is not known here */
    TARE_COMPARED_BENCHMARKS,
    TARE_COMPARED_TIMERS, /* run, attach, page */
};
enum tare_compared_kind tare_compared_kind_of(const struct tare_result *result);

enum tare_compared_presence {
    TARE_COMPARED_BOTH,
    TARE_COMPARED_REMOVED, /* in the old result alone */
    TARE_COMPARED_ADDED,
};

/* Percentiles of single scopes, for information: "p50", "p90", "p95", "p99", "p999". */
enum { TARE_COMPARED_PERCENTILES = 5 };
extern const char *const tare_compared_percentiles[TARE_COMPARED_PERCENTILES];

/* One benchmark or timer in one result. Unknown: NAN. */
struct tare_compared_side {
    bool there;
    bool measured; /* there are figures of it to be judged */
    bool failed;   /* a benchmark that was stopped, or computed the wrong thing */
    double ns;     /* of a benchmark: the median of its processes; of a timer: a call, net, on average */
    double low_ns, high_ns; /* its interval, at 95 % */
    double limit_ns;        /* of a timer: the detection limit */
    bool below_limit;       /* the timer's time cannot be told from 0 */
    uint64_t count;         /* of a benchmark: processes whose value counts; of a timer: calls */
    uint64_t dropped;       /* of a benchmark: processes that the rule on contamination dropped */
    double percentile_ns[TARE_COMPARED_PERCENTILES]; /* of a timer, net */
};

/* A benchmark or timer. Text belongs to the results, or is constant. */
struct tare_compared_row {
    const char *module; /* of a timer; NULL: it is a benchmark */
    const char *name;
    enum tare_compared_presence presence;
    struct tare_compared_side old, new;
    /*
     * Where it is in both; else all unknown. `ratio`, `low` and `high` are NAN, one by one, where the old time
     * cannot be told from 0. control: of the control result to the old one, if there is one.
     */
    struct tare_comparison comparison;
    double difference_ns, difference_low_ns,
        difference_high_ns; /* new - old; of timers alone with an interval */
    const char *why;        /* one line: why it is unresolved, or not in both; NULL: nothing to say */
    const char *failure;    /* of the benchmark, in its own words; NULL */
};

/* One new result against the old one. */
struct tare_compared_section {
    const struct tare_result *result;
    struct tare_compared_row *rows;
    size_t row_count;
    size_t verdicts[TARE_VERDICTS];
    size_t slower_beyond, faster_beyond; /* of which the interval does not lie within the margin as a whole */
    size_t failed;                       /* in the new result, and not in the old one */
    size_t matched, removed, added;
};

struct tare_compared {
    enum tare_compared_kind kind;
    struct tare_compare_rule rule;          /* with the number of comparisons that were made */
    double confidence;                      /* of each interval: 1 - alpha / comparisons */
    bool controlled;                        /* there is a control result */
    struct tare_compared_section *sections; /* in the order of the new results */
    size_t section_count;
};

struct tare_compared_options {
    struct tare_compare_rule rule; /* `comparisons` is not looked at */
    const char *arm;               /* label of the benchmarks' arm that is compared; NULL: the first one */
    /* Which are compared. Of benchmarks module is NULL, of timers `bench`, the name without arguments. NULL:
     * all. */
    bool (*wanted)(void *data, const char *module, const char *name, const char *bench);
    void *data;
};

/*
 * Compares each of `news` with `old`; `control`, of the old code like `old`, may be NULL. Rows stand in the
 * order of the old result, behind them those that were added. Timers that were called in neither are left out.
 * The results have to live as long as *compared, which tare_compared_free() frees.
 *
 * Returns 0, -EINVAL if the kinds of the results differ or are not known, or a rule is out of range, or
 * -ENOMEM.
 */
int tare_results_compare(const struct tare_result *old, const struct tare_result *const *news, size_t count,
                         const struct tare_result *control, const struct tare_compared_options *options,
                         struct tare_compared **compared);
void tare_compared_free(struct tare_compared *compared); /* NULL is fine */

enum tare_compared_order {
    TARE_COMPARED_BY_EFFECT, /* slower and faster ones, the largest change first; then unresolved, same,
                                unmatched */
    TARE_COMPARED_BY_NAME,
};
void tare_compared_sort(struct tare_compared *compared, enum tare_compared_order order);

/*
 * Whether a change is larger than nothing and not small as a whole: faster or slower, with an interval that
 * does not lie within the margin.
 */
static inline bool tare_compared_beyond(const struct tare_compared_row *row)
{
    return row->presence == TARE_COMPARED_BOTH && !row->comparison.within_margin &&
           (row->comparison.verdict == TARE_VERDICT_SLOWER || row->comparison.verdict == TARE_VERDICT_FASTER);
}

#endif
