/* SPDX-License-Identifier: MIT */
/*
 * Shares and disagreement. They are kept in the result rather than computed by whoever shows it, so that all
 * who read one say the same.
 */
#include "result/figures.h"

#include <math.h>

/* What overlaps with the work around is a fifth of what a scope costs (docs/accuracy.md). */
#define SHARE_MOST 1.5

static double share_of(double measuring_ns, double cpu_ns)
{
    double share = cpu_ns > 0 ? measuring_ns / cpu_ns : NAN;
    return share >= 0 && share <= SHARE_MOST ? (share < 1 ? share : 1) : NAN;
}

void tare_figures_measuring(struct tare_result_figures *figures, double cpu_ns)
{
    figures->measuring_share = share_of(figures->measuring_ns, cpu_ns);
}

void tare_result_measuring(struct tare_result *result, double cpu_ns)
{
    double sum_ns = 0;
    for (size_t i = 0; i < result->timer_count; i++) {
        sum_ns += result->timers[i].figures.measuring_ns;
    }
    bool whole = cpu_ns > 0 && !(sum_ns > SHARE_MOST * cpu_ns);
    result->cpu_ns = whole ? cpu_ns : NAN;
    result->measuring_ns = sum_ns;
    result->measuring_share = share_of(sum_ns, result->cpu_ns);
    for (size_t i = 0; i < result->timer_count; i++) {
        tare_figures_measuring(&result->timers[i].figures, result->cpu_ns);
    }
}

void tare_result_compare(struct tare_result_timer *timer)
{
    const struct tare_result_figures *together = &timer->figures, *alone = &timer->exclusive;
    double distance_ns = fabs(together->net_avg_ns - alone->net_avg_ns);
    double both_ns = together->net_avg_error_ns + alone->net_avg_error_ns;
    bool sampled = !isnan(together->net_avg_error_part_ns[TARE_ERROR_SAMPLING]) &&
                   !isnan(alone->net_avg_error_part_ns[TARE_ERROR_SAMPLING]);
    timer->disagrees =
        timer->has_exclusive && sampled && !isnan(distance_ns - both_ns) ? distance_ns > both_ns : -1;
}
