/* SPDX-License-Identifier: MIT */
/*
 * The timers inside benchmarked code, for the program that runs by itself: one short run more with all of them
 * enabled, so that what is timed is timed without. Counted is the loop alone, not the set-up.
 */
#include <stdlib.h>
#include <string.h>

#include <tare/tare.h>

#include "harness/harness.h"

struct watching {
    tare_stats *before, *after;
    size_t room, count_before, count_after;
};

static size_t snapshot(tare_stats *stats, size_t room)
{
    int count = tare_snapshot(NULL, stats, room);
    return count < 0 ? 0 : (size_t)count < room ? (size_t)count : room;
}

static void loop_begins(void *data)
{
    struct watching *watching = data;
    watching->count_before = snapshot(watching->before, watching->room);
}

static void loop_ends(void *data)
{
    struct watching *watching = data;
    watching->count_after = snapshot(watching->after, watching->room);
}

void tare__bench_timers(size_t *count, size_t *enabled)
{
    int found = tare_snapshot(NULL, NULL, 0);
    *enabled = 0;
    *count = found > 0 ? (size_t)found : 0;
    tare_stats *stats = *count != 0 ? calloc(*count, sizeof(*stats)) : NULL;
    for (size_t i = 0; stats != NULL && i < snapshot(stats, *count); i++) {
        *enabled += stats[i].enabled;
    }
    free(stats);
}

/* Timers keep their places. */
static size_t differences(const struct watching *watching, uint64_t iterations, struct inner_timer *timers)
{
    size_t found = 0;
    for (size_t i = 0; i < watching->count_after; i++) {
        const tare_stats *after = &watching->after[i];
        static const tare_stats none;
        const tare_stats *before = i < watching->count_before ? &watching->before[i] : &none;
        uint64_t outermost = after->outermost - before->outermost;
        if (outermost == 0) { /* none, or only within a call from before: no time of its own */
            continue;
        }
        struct inner_timer *timer = &timers[found++];
        snprintf(timer->name, sizeof(timer->name), "%s::%s", after->module, after->name);
        timer->calls = (double)outermost / (double)iterations;
        timer->net_ns = (after->net_ns - before->net_ns) / (double)outermost;
    }
    return found;
}

struct inner_timer *tare__bench_inner_timers(const struct bench_unit *unit, uint64_t iterations, size_t *count)
{
    struct measured measured;
    struct watching watching = {.room = 0};
    size_t enabled;
    *count = 0;
    tare__bench_timers(&watching.room, &enabled);
    if (watching.room == 0) {
        return NULL;
    }
    watching.before = calloc(watching.room, sizeof(tare_stats));
    watching.after = calloc(watching.room, sizeof(tare_stats));
    struct inner_timer *timers = calloc(watching.room, sizeof(*timers));
    if (watching.before != NULL && watching.after != NULL && timers != NULL) {
        const struct plan plan = {
            .kind = PLAN_EXACT,
            .samples = 1,
            .iterations = iterations,
            .begin = loop_begins,
            .end = loop_ends,
            .data = &watching,
        };
        if (enabled == 0) { /* else the user has chosen */
            tare_enable("*");
        }
        if (tare__bench_measure(unit, &plan, &measured) == 0 && measured.failed[0] == '\0') {
            *count = differences(&watching, iterations * unit->threads, timers);
        }
        tare__bench_measured_release(&measured);
        if (enabled == 0) {
            tare_disable("*");
        }
    }
    free(watching.before);
    free(watching.after);
    return timers;
}
