/* SPDX-License-Identifier: MIT */
/* Figures of a flame graph: errors of shares, changes between two profiles, what is wide enough to be seen. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "stats/interval.h"
#include "view/flame_layout.h"

#define Z95 1.959963984540054 /* of the normal distribution, for 95 % */

const double tare__flame_steps[3] = {0.1, 0.25, 0.5};

double tare__flame_share_error(double share, double n)
{
    return tare_share_error(share, n, 0.95);
}

struct tare__flame_change tare__flame_change(const struct tare__flame *flame, uint64_t weight, uint64_t before)
{
    const struct tare__flame_side *sides = flame->sides;
    const uint64_t weights[] = {weight, before};
    struct tare__flame_change change = {.error = NAN, .difference = NAN};
    double variance = 0, totals[TARE__FLAME_SIDES];
    for (int side = 0; side < TARE__FLAME_SIDES; side++) {
        totals[side] = (double)sides[side].weight * (double)sides[side].unit;
    }
    double largest = totals[0] > totals[1] ? totals[0] : totals[1];
    for (int side = 0; side < TARE__FLAME_SIDES; side++) {
        double n = sides[side].effective;
        double total = flame->not_normalized ? largest : totals[side];
        change.share[side] = total > 0 ? (double)weights[side] * (double)sides[side].unit / total : NAN;
        if (!flame->not_normalized) {
            double share = (change.share[side] * n + 1) / (n + 2);
            variance += share * (1 - share) / (n + 2);
        } else {
            /* One of the samples is worth so much of the larger total, and there are so many of them. */
            double worth = n > 0 ? totals[side] / n / largest : 0;
            double count = worth > 0 ? change.share[side] / worth : 0;
            variance += (count + 1) * worth * worth;
        }
    }
    if (sides[0].samples > 0 && sides[1].samples > 0) {
        change.difference = change.share[0] - change.share[1];
        change.error = Z95 * sqrt(variance);
    }
    return change;
}

double tare__flame_largest_change(const struct tare__flame *flame)
{
    double largest = 0;
    for (size_t i = 0; i < flame->node_count; i++) {
        const struct tare__flame_node *node = &flame->nodes[i];
        struct tare__flame_change change = tare__flame_change(flame, node->total[0], node->total[1]);
        double size = fabs(change.difference);
        if (size > change.error && size > largest) {
            largest = size;
        }
    }
    return largest;
}

int tare__flame_step(const struct tare__flame_change *change, double largest)
{
    double size = fabs(change->difference);
    if (!(size > change->error) || !(largest > 0)) {
        return 0;
    }
    int step = 1;
    for (size_t i = 0; i < sizeof(tare__flame_steps) / sizeof(tare__flame_steps[0]); i++) {
        step += size > tare__flame_steps[i] * largest;
    }
    return change->difference > 0 ? step : -step;
}

static int compare_weights(const void *left, const void *right)
{
    uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;
    return (a < b) - (a > b); /* the largest first */
}

int tare__flame_choose(const struct tare__flame *flame, double width, double min_width, size_t most,
                       bool *drawn, struct tare__flame_left_out *left_out)
{
    *left_out = (struct tare__flame_left_out){.least_px = min_width};
    const struct tare__flame_node *nodes = flame->nodes;
    double all = (double)nodes[0].total[0];
    uint64_t *weights = malloc(flame->node_count * sizeof(*weights));
    if (weights == NULL) {
        return -ENOMEM;
    }
    size_t count = 0;
    for (size_t i = 0; i < flame->node_count; i++) {
        drawn[i] = nodes[i].total[0] > 0 && (double)nodes[i].total[0] / all * width >= min_width;
        if (drawn[i]) {
            weights[count++] = nodes[i].total[0];
        }
    }
    if (count > most) {
        /* All frames of one width are drawn or none: which of them it would be, would be chance. */
        qsort(weights, count, sizeof(*weights), compare_weights);
        uint64_t too_small = weights[most];
        left_out->least_px = (double)too_small / all * width;
        for (size_t i = 0; i < flame->node_count; i++) {
            drawn[i] = drawn[i] && nodes[i].total[0] > too_small;
        }
    }
    uint64_t hidden = 0;
    for (size_t i = 0; i < flame->node_count; i++) {
        if (!drawn[i] && nodes[i].total[0] > 0) {
            left_out->frames++;
            hidden += nodes[i].self[0];
        }
    }
    left_out->share = all > 0 ? (double)hidden / all : 0;
    free(weights);
    return 0;
}
