/* SPDX-License-Identifier: MIT */
/*
 * From one point to the next the counter is expected to go as far as its rate says, give or take the brackets,
 * the error of the rate, and a tolerance. Where it does not, the interval after that tells what it was: if the
 * counter runs as before, it was set (a step); if it runs otherwise, its rate has changed, and what the change
 * does not explain was a step, too. At the end, when nothing follows, it is taken for a step.
 *
 * A rate that changes slowly escapes this, since each interval is within the tolerance. So whole stretches of a
 * second or more between two steps are compared with each other, too: only the slowest and the fastest need be
 * kept.
 *
 * Each reading of the counter lies anywhere in its bracket, half of it from the middle at most, as in
 * runtime/clock.c; errors here are bounds, not standard errors.
 */
#include "record/clockwatch.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "record/files.h"
#include "runtime/clock.h"

static const double STRETCH_NS = 1e9;

/* Less than this is no sleep: it takes the kernel longer to put its devices down. */
static const double SLEEP_MIN_NS = 1e6;

void tare_clock_watch_init(struct tare_clock_watch *watch, uint32_t kind)
{
    *watch = (struct tare_clock_watch){.kind = kind, .slowest = INFINITY, .fastest = 0};
}

static double gap_ns(const struct tare_clock_point *from, const struct tare_clock_point *to)
{
    return (double)(to->raw_ns - from->raw_ns);
}

/* How far the length of an interval may be off for its ends alone. */
static double ends_ns(const struct tare_clock_point *from, const struct tare_clock_point *to)
{
    return ((double)from->bracket_ns + (double)to->bracket_ns) / 2;
}

static void note_step(struct tare_clock_watch *watch, double off_ns)
{
    watch->steps++;
    watch->step_ns = fmax(watch->step_ns, fabs(off_ns)); /* a NAN is passed over */
}

static void note_change(struct tare_clock_watch *watch, double ticks_per_ns, double error)
{
    double change = fabs(ticks_per_ns / watch->ticks_per_ns - 1) - error - watch->rate_error;
    watch->change_ppm = fmax(watch->change_ppm, change * 1e6);
}

/* The stretch from `begun` to `end` tells a rate; a short one, with a large error, bounds little. */
static void close_stretch(struct tare_clock_watch *watch, const struct tare_clock_point *end)
{
    double length_ns = gap_ns(&watch->begun, end);
    if (length_ns <= 0) {
        return;
    }
    double rate = (double)(end->ticks - watch->begun.ticks) / length_ns;
    double error = ends_ns(&watch->begun, end) / length_ns;
    double bound = error + TARE_CLOCK_STEP_NS / length_ns; /* there may be a step in it that was tolerated */
    watch->slowest = fmin(watch->slowest, rate * (1 + bound));
    watch->fastest = fmax(watch->fastest, rate * (1 - bound));
    if (length_ns >= STRETCH_NS) {
        watch->ticks_per_ns = rate;
        watch->rate_error = error;
        watch->stretched = true;
    }
}

/* The interval that ends here is as expected, or the first of its kind. */
static void extend_stretch(struct tare_clock_watch *watch, const struct tare_clock_point *end)
{
    double length_ns = gap_ns(&watch->begun, end);
    if (length_ns >= STRETCH_NS) {
        close_stretch(watch, end);
        watch->begun = *end;
        return;
    }
    double error = ends_ns(&watch->begun, end) / length_ns;
    if (!watch->stretched && (watch->ticks_per_ns == 0 || error < watch->rate_error)) {
        watch->ticks_per_ns = (double)(end->ticks - watch->begun.ticks) / length_ns;
        watch->rate_error = error;
    }
}

/* The interval from `last` follows one that was off, by a step or because the rate is another now. */
static void settle_doubt(struct tare_clock_watch *watch, const struct tare_clock_point *point, bool as_before)
{
    watch->doubted = false;
    if (as_before) {
        note_step(watch, watch->doubted_off_ns);
        return;
    }
    double gap = gap_ns(&watch->last, point);
    double rate = (double)(point->ticks - watch->last.ticks) / gap;
    double error = ends_ns(&watch->last, point) / gap;
    note_change(watch, rate, error + TARE_CLOCK_STEP_NS / gap);
    /* Of the interval before, any part may have run at the new rate. */
    double explained = (rate / watch->ticks_per_ns - 1) * watch->doubted_gap_ns;
    double beyond = watch->doubted_off_ns > 0 ? watch->doubted_off_ns - fmax(explained, 0)
                                              : fmin(explained, 0) - watch->doubted_off_ns;
    if (beyond > watch->doubted_free_ns) {
        note_step(watch, beyond);
    }
    watch->ticks_per_ns = rate;
    watch->rate_error = error;
    watch->stretched = false;
}

static void check_backwards(struct tare_clock_watch *watch, const struct tare_clock_point *point)
{
    if (watch->doubted) {
        settle_doubt(watch, point, true);
    }
    double back = (double)(watch->last.ticks - point->ticks);
    watch->backwards++;
    note_step(watch, watch->ticks_per_ns != 0 ? back / watch->ticks_per_ns + gap_ns(&watch->last, point) : NAN);
    close_stretch(watch, &watch->last);
    watch->begun = *point;
}

static void check_counter(struct tare_clock_watch *watch, const struct tare_clock_point *point)
{
    if (point->ticks < watch->last.ticks) {
        check_backwards(watch, point);
        return;
    }
    if (watch->ticks_per_ns == 0) {
        extend_stretch(watch, point);
        return;
    }
    double gap = gap_ns(&watch->last, point);
    double off = (double)(point->ticks - watch->last.ticks) / watch->ticks_per_ns - gap;
    double open =
        ends_ns(&watch->last, point) + TARE_CLOCK_STEP_NS + (watch->rate_error + TARE_CLOCK_WANDER) * gap;
    bool as_expected = fabs(off) <= open;
    watch->compared++;
    if (watch->doubted) {
        settle_doubt(watch, point, as_expected);
        extend_stretch(watch, point);
    } else if (as_expected) {
        extend_stretch(watch, point);
    } else {
        watch->doubted = true;
        watch->doubted_off_ns = off;
        watch->doubted_free_ns = open;
        watch->doubted_gap_ns = gap;
        close_stretch(watch, &watch->last);
        watch->begun = *point;
    }
}

void tare_clock_watch_add(struct tare_clock_watch *watch, const struct tare_clock_point *point)
{
    if (watch->points == 0) {
        watch->first = watch->last = watch->begun = *point;
        watch->points = 1;
        return;
    }
    if (point->raw_ns <= watch->last.raw_ns) {
        return; /* the kernel's clock is coarse, and there is nothing to compare with */
    }
    if (watch->kind != TARE_CLOCK_NONE) {
        check_counter(watch, point);
    }
    watch->points++;
    watch->last = *point;
}

static double suspended_ns(const struct tare_clock_point *first, const struct tare_clock_point *last)
{
    if (first->boottime_ns == 0 || last->boottime_ns == 0) {
        return NAN;
    }
    double asleep = (double)(int64_t)((last->boottime_ns - first->boottime_ns) -
                                      (last->monotonic_ns - first->monotonic_ns));
    double error = ((double)first->boot_bracket_ns + (double)last->boot_bracket_ns) / 2;
    return asleep > error + SLEEP_MIN_NS ? asleep : 0;
}

struct tare_clock_findings tare_clock_watch_findings(const struct tare_clock_watch *watch)
{
    struct tare_clock_watch end = *watch;
    if (end.doubted) {
        note_step(&end, end.doubted_off_ns);
    } else {
        close_stretch(&end, &end.last);
    }
    struct tare_clock_findings found = {
        .points = end.points,
        .watched_ns = gap_ns(&end.first, &end.last),
        .counter_known = end.compared > 0 || end.backwards > 0,
        .steps = end.steps,
        .backwards = end.backwards,
        .step_ns = end.steps > 0 && end.step_ns == 0 ? NAN : end.step_ns,
        .rate_change_ppm = fmax(end.change_ppm, 0),
        .suspended_ns = end.points > 0 ? suspended_ns(&end.first, &end.last) : NAN,
        .source_left = end.source_before[0] != '\0' && end.source_after[0] != '\0' &&
                       strcmp(end.source_before, end.source_after) != 0,
    };
    if (end.fastest > end.slowest) {
        found.rate_change_ppm = fmax(found.rate_change_ppm, (end.fastest / end.slowest - 1) * 1e6);
    }
    memcpy(found.source_before, end.source_before, sizeof(found.source_before));
    memcpy(found.source_after, end.source_after, sizeof(found.source_after));
    return found;
}

/* On this machine */

static uint64_t read_ns(clockid_t id)
{
    struct timespec now;
    return clock_gettime(id, &now) == 0 ? (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec : 0;
}

static void read_boottime(struct tare_clock_point *point)
{
    enum { TRIES = 3 };
    point->boot_bracket_ns = UINT64_MAX;
    for (int i = 0; i < TRIES; i++) {
        uint64_t before = read_ns(CLOCK_MONOTONIC);
        uint64_t boottime_ns = read_ns(CLOCK_BOOTTIME);
        uint64_t bracket_ns = read_ns(CLOCK_MONOTONIC) - before;
        if (bracket_ns < point->boot_bracket_ns) {
            point->boot_bracket_ns = bracket_ns;
            point->monotonic_ns = before + bracket_ns / 2;
            point->boottime_ns = boottime_ns;
        }
    }
}

void tare_clock_watch_poll(struct tare_clock_watch *watch)
{
    struct tare_anchor anchor = tare__clock_anchor(watch->kind);
    struct tare_clock_point point = {
        .ticks = watch->kind != TARE_CLOCK_NONE ? anchor.ticks : 0,
        .raw_ns = anchor.raw_ns,
        .bracket_ns = anchor.bracket_ns,
    };
    /* Without high-resolution timers the clock moves once a tick, and the bracket does not show it. */
    struct timespec step;
    if (clock_getres(CLOCK_MONOTONIC_RAW, &step) == 0 && step.tv_sec == 0 && step.tv_nsec > 1) {
        point.bracket_ns += 2 * (uint64_t)step.tv_nsec;
    }
    read_boottime(&point);
    tare_clock_watch_add(watch, &point);
}

static void read_source(char source[32])
{
    tare__file_line("", "/sys/devices/system/clocksource/clocksource0/current_clocksource", source, 32);
}

void tare_clock_watch_begin(struct tare_clock_watch *watch)
{
    bool readable = tare__clock_usable(TARE_CLOCK_TSC_ORDERED);
    tare_clock_watch_init(watch, readable ? TARE_CLOCK_TSC_ORDERED : TARE_CLOCK_NONE);
    read_source(watch->source_before);
    tare_clock_watch_poll(watch);
}

void tare_clock_watch_end(struct tare_clock_watch *watch)
{
    tare_clock_watch_poll(watch);
    read_source(watch->source_after);
}
