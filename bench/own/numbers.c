/* SPDX-License-Identifier: MIT */
/* bench-own: what is made of numbers: a benchmark's figures from its values, and change points from a series'. */
#include <stdlib.h>
#include <string.h>

#include <tare/bench.h>

#include "stats/changepoint.h"
#include "stats/quantile.h"
#include "stats/random.h"
#include "stats/summary.h"

enum { MOST = 1000 };

/* Like a benchmark's: 1 % of scatter, one in 20 an outlier, and behind the middle `step` times as much. */
static void draw(double *values, size_t count, double step)
{
    struct tare_random random;
    tare_random_seed(&random, count);
    for (size_t i = 0; i < count; i++) {
        double value = (i < count / 2 ? 100 : 100 * step) * (1 + 0.01 * tare_random_normal(&random));
        values[i] = tare_random_below(&random, 20) == 0 ? 1.5 * value : value;
    }
}

static int ascending(const void *a, const void *b)
{
    double left = *(const double *)a, right = *(const double *)b;
    return (left > right) - (left < right);
}

TARE_BENCH(quantiles)
{
    double values[MOST];
    size_t count = (size_t)b->arg[0];
    draw(values, count, 1);
    qsort(values, count, sizeof(*values), ascending);
    tare_require(tare_quantile(values, count, 0) == values[0]);
    TARE_EACH(b)
    {
        tare_clobber();
        tare_keep(tare_quantile(values, count, 0.5) + tare_quantile(values, count, 0.95) +
                  tare_quantile(values, count, 0.99));
    }
}
TARE_BENCH_ARGS(quantiles, 1000);

TARE_BENCH(summary)
{
    double drawn[MOST], values[MOST];
    size_t count = (size_t)b->arg[0];
    struct tare_summary summary;
    draw(drawn, count, 1);
    TARE_EACH(b)
    {
        memcpy(values, drawn, count * sizeof(*values)); /* they are sorted each time */
        tare_require(tare_summary_of(values, count, 0.95, 0, &summary) == 0);
    }
    tare_require(summary.n == count && summary.median > 90 && summary.median < 110);
    tare_items(b, (double)count);
}
TARE_BENCH_ARGS(summary, 40, 1000);

TARE_BENCH(changes_none)
{
    double values[MOST];
    size_t count = (size_t)b->arg[0];
    struct tare_changes changes;
    draw(values, count, 1);
    TARE_EACH(b)
    {
        tare_require(tare_changes_find(values, count, TARE_CHANGE_ALPHA, &changes) == 0);
        tare_changes_release(&changes);
    }
    tare_items(b, (double)count);
}
TARE_BENCH_ARGS(changes_none, 200, 1000);

TARE_BENCH(changes_step)
{
    double values[MOST];
    size_t count = (size_t)b->arg[0];
    struct tare_changes changes;
    draw(values, count, 1.1);
    TARE_EACH(b)
    {
        tare_require(tare_changes_find(values, count, TARE_CHANGE_ALPHA, &changes) == 0 && changes.count > 0);
        tare_changes_release(&changes);
    }
    tare_items(b, (double)count);
}
TARE_BENCH_ARGS(changes_step, 200, 1000);
