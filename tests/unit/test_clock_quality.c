/* SPDX-License-Identifier: MIT */
/* What the watch noticed, as the result tells it: figures, and one sentence for each trouble. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "result/clock_quality.h"
#include "result/collect.h"
#include "tests/unit/sample_result.h"

static const struct tare_clock_findings quiet = {
    .points = 20,
    .watched_ns = 2e9,
    .counter_known = true,
    .source_before = "tsc",
    .source_after = "tsc",
};

static struct tare_result *told(const char *clock, const struct tare_clock_findings *found,
                                const struct tare_migrations *migrations)
{
    struct tare_result *result = tare_result_new();
    assert_non_null(result);
    result->clock.name = clock != NULL ? sample_string(clock) : NULL;
    assert_int_equal(tare_result_clock_quality(result, found, migrations), 0);
    return result;
}

/* The only note, or NULL for none; the result goes. */
static void assert_note(struct tare_result *result, const char *expected)
{
    const char *first = result->notes != NULL ? result->notes[0] : NULL;
    if (expected == NULL) {
        assert_null(first);
    } else {
        assert_non_null(first);
        assert_string_equal(first, expected);
        assert_null(result->notes[1]);
    }
    tare_result_free(result);
}

static void nothing_was_noticed(void **state)
{
    (void)state;
    static const char *const counters[] = {"tsc-ordered", "tsc", "mixed"};
    for (size_t i = 0; i < sizeof counters / sizeof counters[0]; i++) {
        struct tare_result *result = told(counters[i], &quiet, NULL);
        assert_int_equal(result->clock.watch_points, 20);
        assert_true(result->clock.watched_ns == 2e9);
        assert_int_equal(result->clock.steps, 0);
        assert_true(result->clock.step_ns == 0 && result->clock.rate_change_ppm == 0);
        assert_true(result->clock.suspended_ns == 0);
        assert_true(result->clock.migrations == TARE_COUNT_UNKNOWN);
        assert_note(result, NULL);
    }
}

static void what_is_not_known_stays_unknown(void **state)
{
    (void)state;
    struct tare_clock_findings found = quiet;
    found.counter_known = false;
    struct tare_result *result = told("tsc", &found, NULL);
    assert_true(result->clock.steps == TARE_COUNT_UNKNOWN);
    assert_true(isnan(result->clock.step_ns) && isnan(result->clock.rate_change_ppm));
    assert_note(result, NULL);

    found = (struct tare_clock_findings){.suspended_ns = NAN};
    result = told(NULL, &found, NULL);
    assert_int_equal(result->clock.watch_points, 0);
    assert_true(isnan(result->clock.watched_ns) && isnan(result->clock.suspended_ns));
    assert_note(result, NULL);
}

static void a_counter_that_was_not_used_matters_to_nobody(void **state)
{
    (void)state;
    struct tare_clock_findings found = quiet;
    found.steps = found.backwards = 3;
    found.step_ns = 1e9;
    found.rate_change_ppm = 1e5;
    strcpy(found.source_after, "hpet");
    found.source_left = true;
    struct tare_result *result = told("clock", &found, NULL);
    assert_true(result->clock.steps == TARE_COUNT_UNKNOWN);
    assert_true(isnan(result->clock.step_ns) && isnan(result->clock.rate_change_ppm));
    assert_note(result, NULL);
}

static void steps_are_told(void **state)
{
    (void)state;
    struct tare_clock_findings found = quiet;
    found.steps = 1;
    found.step_ns = 3.25e6;
    struct tare_result *result = told("tsc-ordered", &found, NULL);
    assert_int_equal(result->clock.steps, 1);
    assert_true(result->clock.step_ns == 3.25e6);
    assert_note(result,
                "the processor's counter was set 1 time during the measurement, by up to 3.25 ms: times that "
                "span it are wrong by that");
    found.steps = 2;
    found.step_ns = 15000;
    assert_note(
        told("mixed", &found, NULL),
        "the processor's counter was set 2 times during the measurement, by up to 15000 ns: times that span it "
        "are wrong by that");
    found.backwards = 2;
    found.step_ns = NAN;
    assert_note(
        told("tsc", &found, NULL),
        "the processor's counter went back 2 times during the measurement: times that span it are wrong");
}

static void another_rate_is_told(void **state)
{
    (void)state;
    struct tare_clock_findings found = quiet;
    found.rate_change_ppm = TARE_CLOCK_RATE_CHANGE_PPM;
    struct tare_result *result = told("tsc", &found, NULL);
    assert_true(result->clock.rate_change_ppm == TARE_CLOCK_RATE_CHANGE_PPM);
    assert_note(result, NULL);
    found.rate_change_ppm = 123.4;
    assert_note(told("tsc", &found, NULL), "the rate of the processor's counter changed by 123 ppm during the "
                                           "measurement: times are uncertain by that");
}

static void a_sleep_is_told_for_what_it_does_to_the_clock(void **state)
{
    (void)state;
    struct tare_clock_findings found = quiet;
    found.suspended_ns = 12e9;
    assert_note(told("tsc", &found, NULL),
                "the machine was suspended for 12 s during the measurement: times that span it leave that out");
    assert_note(told("clock", &found, NULL),
                "the machine was suspended for 12 s during the measurement: times that span it leave that out");
    found.steps = 1;
    found.step_ns = 12.0001e9;
    assert_note(
        told("tsc", &found, NULL),
        "the machine was suspended for 12 s during the measurement: times that span it are too long by that");
    found.counter_known = false;
    found.suspended_ns = 1.5e9;
    assert_note(told("tsc", &found, NULL),
                "the machine was suspended for 1.5 s during the measurement: times that "
                "span it may be wrong by that");
    found.counter_known = true;
    found.steps = 2; /* one of which the sleep does not explain */
    struct tare_result *result = told("tsc", &found, NULL);
    assert_non_null(result->notes[1]);
    assert_null(result->notes[2]);
    tare_result_free(result);
}

static void a_kernel_that_changes_its_mind_is_told(void **state)
{
    (void)state;
    struct tare_clock_findings found = quiet;
    strcpy(found.source_after, "hpet");
    found.source_left = true;
    assert_note(told("tsc-ordered", &found, NULL), "the kernel took 'hpet' in place of 'tsc' as its clock "
                                                   "source during the measurement: compare with what "
                                                   "'--clock clock' gives");
}

static void threads_that_left_their_processor_are_told(void **state)
{
    (void)state;
    struct tare_migrations_thread thread = {.pid = 7, .tid = 8, .before = 1, .moves = 4};
    struct tare_migrations migrations = {.pin = -1, .threads = &thread, .count = 1, .told = true, .moves = 2};
    struct tare_result *result = told("tsc", &quiet, &migrations);
    assert_int_equal(result->clock.migrations, 5);
    assert_note(result, NULL); /* nobody wanted them to stay */

    migrations.pin = 3;
    assert_note(
        told("tsc", &quiet, &migrations),
        "threads were moved between processors 5 times, although the program was pinned to processor 3");
    migrations.elsewhere = 1;
    migrations.elsewhere_tid = 8;
    migrations.elsewhere_cpu = -1;
    assert_note(
        told("tsc", &quiet, &migrations),
        "thread 8 may run elsewhere, although the program was pinned to processor 3: it, or somebody else, "
        "changed that");
    migrations.elsewhere_cpu = 1;
    assert_note(
        told("tsc", &quiet, &migrations),
        "thread 8 ran on processor 1, although the program was pinned to processor 3: it, or somebody else, "
        "changed what it may run on");

    migrations = (struct tare_migrations){.pin = 3};
    result = told("tsc", &quiet, &migrations);
    assert_true(result->clock.migrations == TARE_COUNT_UNKNOWN);
    assert_note(result, NULL);
}

/* Adds a page without timers. */
static void add_page(struct tare_collector *collector, uint32_t flags)
{
    struct tare_page_view view = {.header = {.clock = TARE_CLOCK_TSC, .rate_hz = 1000000000, .flags = flags}};
    struct tare_page_context context = {0};
    assert_int_equal(tare_collector_add(collector, &view, &context), 0);
}

static void one_page_with_a_trapped_counter_is_enough(void **state)
{
    (void)state;
    struct tare_result *result = tare_result_new();
    struct tare_collector *collector = tare_collector_new(result);
    assert_int_equal(result->clock.counter_traps, -1);
    add_page(collector, 0);
    assert_int_equal(result->clock.counter_traps, 0);
    add_page(collector, TARE_PAGE_COUNTER_TRAPS);
    assert_int_equal(result->clock.counter_traps, 1);
    add_page(collector, 0);
    assert_int_equal(result->clock.counter_traps, 1);
    tare_collector_free(collector);
    tare_result_free(result);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_was_noticed),
        cmocka_unit_test(what_is_not_known_stays_unknown),
        cmocka_unit_test(a_counter_that_was_not_used_matters_to_nobody),
        cmocka_unit_test(steps_are_told),
        cmocka_unit_test(another_rate_is_told),
        cmocka_unit_test(a_sleep_is_told_for_what_it_does_to_the_clock),
        cmocka_unit_test(a_kernel_that_changes_its_mind_is_told),
        cmocka_unit_test(threads_that_left_their_processor_are_told),
        cmocka_unit_test(one_page_with_a_trapped_counter_is_enough),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
