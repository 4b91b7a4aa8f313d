/* SPDX-License-Identifier: MIT */
/*
 * Which of the findings matter depends on the clock that was used: a counter that was set does nothing to those
 * who read CLOCK_MONOTONIC_RAW, and a sleep is in a counter that goes on, but not in that clock.
 */
#include "result/clock_quality.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define DURING "during the measurement"

enum { TIME_TEXT = 32 };

/* Plain ASCII, as a note goes where there may be no µ. */
static const char *time_text(char text[TIME_TEXT], double ns)
{
    if (ns >= 1e9) {
        snprintf(text, TIME_TEXT, "%.4g s", ns / 1e9);
    } else if (ns >= 1e6) {
        snprintf(text, TIME_TEXT, "%.3g ms", ns / 1e6);
    } else {
        snprintf(text, TIME_TEXT, "%.0f ns", ns);
    }
    return text;
}

/* Whether the one step that was seen is the counter's going on while the machine slept. */
static bool slept_on(const struct tare_clock_findings *found)
{
    return found->counter_known && found->steps == 1 && found->backwards == 0 &&
           fabs(found->step_ns / found->suspended_ns - 1) < 0.05;
}

static int note_sleep(struct tare_result *result, const struct tare_clock_findings *found, bool counter)
{
    char time[TIME_TEXT];
    const char *consequence = "times that span it may be wrong by that";
    if (!(found->suspended_ns > 0)) {
        return 0;
    }
    if (!counter || (found->counter_known && found->steps == 0)) {
        consequence = "times that span it leave that out";
    } else if (slept_on(found)) {
        consequence = "times that span it are too long by that";
    }
    return tare_result_note(result, "the machine was suspended for %s " DURING ": %s",
                            time_text(time, found->suspended_ns), consequence);
}

static int note_steps(struct tare_result *result, const struct tare_clock_findings *found)
{
    char time[TIME_TEXT];
    if (found->backwards > 0) {
        return tare_result_note(result,
                                "the processor's counter went back %" PRIu64 " time%s " DURING
                                ": times that span it are wrong",
                                found->backwards, found->backwards == 1 ? "" : "s");
    }
    if (found->steps == 0 || (found->suspended_ns > 0 && slept_on(found))) {
        return 0;
    }
    return tare_result_note(result,
                            "the processor's counter was set %" PRIu64 " time%s " DURING
                            ", by up to %s: times that span it are wrong by that",
                            found->steps, found->steps == 1 ? "" : "s", time_text(time, found->step_ns));
}

static int note_rate(struct tare_result *result, const struct tare_clock_findings *found)
{
    if (!(found->rate_change_ppm > TARE_CLOCK_RATE_CHANGE_PPM)) {
        return 0;
    }
    return tare_result_note(result,
                            "the rate of the processor's counter changed by %.3g ppm " DURING
                            ": times are uncertain by that",
                            found->rate_change_ppm);
}

static int note_source(struct tare_result *result, const struct tare_clock_findings *found)
{
    if (!found->source_left) {
        return 0;
    }
    return tare_result_note(result,
                            "the kernel took '%s' in place of '%s' as its clock source " DURING
                            ": compare with what '--clock clock' gives",
                            found->source_after, found->source_before);
}

static int note_migrations(struct tare_result *result, const struct tare_migrations *migrations)
{
    uint64_t count = tare_migrations_count(migrations);
    if (migrations->pin < 0) {
        return 0;
    }
    if (migrations->elsewhere > 0 && migrations->elsewhere_cpu >= 0) {
        return tare_result_note(
            result,
            "thread %d ran on processor %d, although the program was pinned to processor %d: "
            "it, or somebody else, changed what it may run on",
            (int)migrations->elsewhere_tid, migrations->elsewhere_cpu, migrations->pin);
    }
    if (migrations->elsewhere > 0) {
        return tare_result_note(result,
                                "thread %d may run elsewhere, although the program was pinned to processor %d: "
                                "it, or somebody else, changed that",
                                (int)migrations->elsewhere_tid, migrations->pin);
    }
    if (count != UINT64_MAX && count > 0) {
        return tare_result_note(result,
                                "threads were moved between processors %" PRIu64
                                " time%s, although the program was pinned to processor %d",
                                count, count == 1 ? "" : "s", migrations->pin);
    }
    return 0;
}

int tare_result_clock_quality(struct tare_result *result, const struct tare_clock_findings *found,
                              const struct tare_migrations *migrations)
{
    struct tare_result_clock *clock = &result->clock;
    bool counter = clock->name != NULL && strncmp(clock->name, "tsc", 3) == 0;
    counter = counter || (clock->name != NULL && strcmp(clock->name, "mixed") == 0);
    clock->watch_points = found->points;
    clock->watched_ns = found->points > 0 ? found->watched_ns : NAN;
    clock->suspended_ns = found->suspended_ns;
    if (counter && found->counter_known) {
        clock->steps = found->steps;
        clock->step_ns = found->step_ns;
        clock->rate_change_ppm = found->rate_change_ppm;
    }
    int error = note_sleep(result, found, counter);
    if (error == 0 && counter && found->counter_known) {
        error = note_steps(result, found);
        error = error == 0 ? note_rate(result, found) : error;
    }
    if (error == 0 && counter) {
        error = note_source(result, found);
    }
    if (error == 0 && migrations != NULL) {
        clock->migrations = tare_migrations_count(migrations);
        error = note_migrations(result, migrations);
    }
    return error;
}
