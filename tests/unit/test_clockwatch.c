/* SPDX-License-Identifier: MIT */
/*
 * The watch over the clock, on machines that are made up: what happened to their clocks is known, and so is
 * what has to be noticed, and what must not be.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <string.h>

#include <tare/page.h>

#include "record/clockwatch.h"

/* A machine with four clocks, and somebody who reads them. */
struct machine {
    double time_ns;      /* awake */
    double asleep_ns;    /* on top of it, on CLOCK_BOOTTIME */
    double ticks;        /* of the counter */
    double ticks_per_ns; /* how fast it runs */
    uint64_t bracket_ns;
    uint64_t random; /* where in its bracket a reading lies; 0: always in the middle */
    struct tare_clock_watch watch;
};

static struct machine machine_make(void)
{
    struct machine m = {
        .time_ns = 1e12, .ticks = 5e12, .ticks_per_ns = 2.6, .bracket_ns = 60, .random = 0x9e3779b97f4a7c15};
    tare_clock_watch_init(&m.watch, TARE_CLOCK_TSC_ORDERED);
    return m;
}

static void pass_time(struct machine *m, double ns)
{
    m->time_ns += ns;
    m->ticks += ns * m->ticks_per_ns;
}

/* From -0.5 to 0.5 (xorshift64, Marsaglia 2003: the same in every run). */
static double next_random(struct machine *m)
{
    if (m->random == 0) {
        return 0;
    }
    m->random ^= m->random << 13;
    m->random ^= m->random >> 7;
    m->random ^= m->random << 17;
    return (double)(m->random >> 11) / 9007199254740992.0 - 0.5;
}

static void look(struct machine *m)
{
    double bracket_ns = (double)m->bracket_ns;
    double off_ns = next_random(m) * bracket_ns, boot_off_ns = next_random(m) * bracket_ns;
    struct tare_clock_point point = {
        .ticks = (uint64_t)(m->ticks + off_ns * m->ticks_per_ns),
        .raw_ns = (uint64_t)m->time_ns,
        .bracket_ns = m->bracket_ns,
        .monotonic_ns = (uint64_t)m->time_ns + 77,
        .boottime_ns = (uint64_t)(m->time_ns + 77 + m->asleep_ns + 1e9 + boot_off_ns),
        .boot_bracket_ns = m->bracket_ns,
    };
    tare_clock_watch_add(&m->watch, &point);
}

/* The usual poll, `times` times. */
static void watch_for(struct machine *m, unsigned times)
{
    for (unsigned i = 0; i < times; i++) {
        pass_time(m, 1e8);
        look(m);
    }
}

static struct tare_clock_findings findings(const struct machine *m)
{
    return tare_clock_watch_findings(&m->watch);
}

static void assert_between(double low, double found, double high)
{
    if (!(low <= found && found <= high)) {
        fail_msg("%.10g is not from %.10g to %.10g", found, low, high);
    }
}

static void assert_quiet(const struct tare_clock_findings *found)
{
    assert_true(found->counter_known);
    assert_int_equal(found->steps, 0);
    assert_int_equal(found->backwards, 0);
    assert_true(found->step_ns == 0);
    assert_between(0, found->rate_change_ppm, 2);
    assert_true(found->suspended_ns == 0);
    assert_false(found->source_left);
}

static void nothing_happens_and_nothing_is_noticed(void **state)
{
    (void)state;
    static const uint64_t brackets[] = {0, 60, 1000, 50000, 5000000};
    for (size_t b = 0; b < sizeof brackets / sizeof brackets[0]; b++) {
        for (uint64_t seed = 1; seed <= 200; seed++) {
            struct machine m = machine_make();
            m.bracket_ns = brackets[b];
            m.random = seed * 0x9e3779b97f4a7c15u;
            look(&m);
            watch_for(&m, 100);
            struct tare_clock_findings found = findings(&m);
            assert_quiet(&found);
            assert_int_equal(found.points, 101);
            assert_between(1e10 - 1, found.watched_ns, 1e10 + 1);
        }
    }
}

static void polls_at_uneven_distances(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 200; seed++) {
        struct machine m = machine_make();
        m.random = seed * 0x9e3779b97f4a7c15u;
        look(&m);
        for (unsigned i = 0; i < 200; i++) {
            pass_time(&m, pow(10, 3.5 + 6 * (next_random(&m) + 0.5))); /* 3 µs to 3 s */
            look(&m);
        }
        pass_time(&m, 600e9); /* we were stopped for ten minutes */
        look(&m);
        struct tare_clock_findings found = findings(&m);
        assert_quiet(&found);
    }
}

static void a_step(void **state)
{
    (void)state;
    static const double steps_ns[] = {3e6, -3e6, 1e4, -1e4, 9e7, -9e7, 3.6e12};
    for (size_t i = 0; i < sizeof steps_ns / sizeof steps_ns[0]; i++) {
        for (unsigned at = 5; at < 60; at += 7) {
            struct machine m = machine_make();
            look(&m);
            watch_for(&m, at);
            m.ticks += steps_ns[i] * m.ticks_per_ns;
            watch_for(&m, 60 - at);
            struct tare_clock_findings found = findings(&m);
            assert_int_equal(found.steps, 1);
            assert_int_equal(found.backwards, 0);
            double within_ns = 1500 + 1e-6 * fabs(steps_ns[i]);
            assert_between(fabs(steps_ns[i]) - within_ns, found.step_ns, fabs(steps_ns[i]) + within_ns);
            assert_between(0, found.rate_change_ppm, 2);
        }
    }
}

static void several_steps_the_largest_is_told(void **state)
{
    (void)state;
    struct machine m = machine_make();
    look(&m);
    for (int i = 1; i <= 5; i++) {
        watch_for(&m, 4);
        m.ticks += (i % 2 ? 1e6 : -1e6) * i * m.ticks_per_ns;
    }
    watch_for(&m, 4);
    struct tare_clock_findings found = findings(&m);
    assert_int_equal(found.steps, 5);
    assert_between(5e6 - 1500, found.step_ns, 5e6 + 1500);
    assert_between(0, found.rate_change_ppm, 2);
}

static void a_step_at_the_very_end(void **state)
{
    (void)state;
    struct machine m = machine_make();
    look(&m);
    watch_for(&m, 20);
    m.ticks += 1e5 * m.ticks_per_ns;
    watch_for(&m, 1);
    struct tare_clock_findings found = findings(&m);
    assert_int_equal(found.steps, 1);
    assert_between(1e5 - 1500, found.step_ns, 1e5 + 1500);
    /* and asking did not end the watch: what follows decides */
    watch_for(&m, 5);
    found = findings(&m);
    assert_int_equal(found.steps, 1);
}

static void a_step_within_what_the_readings_leave_open(void **state)
{
    (void)state;
    struct machine m = machine_make();
    m.bracket_ns = 50000;
    look(&m);
    watch_for(&m, 20);
    m.ticks += 1e4 * m.ticks_per_ns; /* as large as one that is noticed with narrow brackets */
    watch_for(&m, 20);
    struct tare_clock_findings found = findings(&m);
    assert_int_equal(found.steps, 0);
}

static void the_counter_runs_backwards(void **state)
{
    (void)state;
    struct machine m = machine_make();
    look(&m);
    watch_for(&m, 20);
    m.ticks -= 3e8 * m.ticks_per_ns;
    watch_for(&m, 20);
    struct tare_clock_findings found = findings(&m);
    assert_int_equal(found.backwards, 1);
    assert_int_equal(found.steps, 1);
    assert_between(3e8 - 1500, found.step_ns, 3e8 + 1500);
    assert_between(0, found.rate_change_ppm, 2);
}

static void backwards_before_anything_is_known(void **state)
{
    (void)state;
    struct machine m = machine_make();
    look(&m);
    m.ticks = 1000;
    watch_for(&m, 1);
    struct tare_clock_findings found = findings(&m);
    assert_true(found.counter_known);
    assert_int_equal(found.backwards, 1);
    assert_int_equal(found.steps, 1);
    assert_true(isnan(found.step_ns));
}

/* After `before` polls, somewhere in the middle between two of them, the counter runs faster by `ppm`. */
static struct machine change_rate(unsigned before, double ppm, double step_ns)
{
    struct machine m = machine_make();
    look(&m);
    watch_for(&m, before);
    pass_time(&m, 4e7);
    m.ticks_per_ns *= 1 + ppm * 1e-6;
    m.ticks += step_ns * m.ticks_per_ns;
    pass_time(&m, 6e7);
    look(&m);
    watch_for(&m, 50);
    return m;
}

static void another_rate(void **state)
{
    (void)state;
    static const double changes_ppm[] = {100, -100, 1000, -1e5, 5e5, 3e6};
    for (size_t i = 0; i < sizeof changes_ppm / sizeof changes_ppm[0]; i++) {
        struct machine m = change_rate(40, changes_ppm[i], 0);
        struct tare_clock_findings found = findings(&m);
        double ppm = fabs(changes_ppm[i]);
        if (changes_ppm[i] < 0) {
            ppm = ppm / (1 - ppm * 1e-6); /* the faster of the two against the slower */
        }
        assert_int_equal(found.steps, 0);
        assert_between(ppm * 0.999 - 5, found.rate_change_ppm, ppm * 1.001 + 1);
    }
}

static void another_rate_and_a_step(void **state)
{
    (void)state;
    static const double steps_ns[] = {1e6, -1e6};
    for (size_t i = 0; i < 2; i++) {
        struct machine m = change_rate(40, 200, steps_ns[i]);
        struct tare_clock_findings found = findings(&m);
        assert_int_equal(found.steps, 1);
        assert_between(0.95e6, found.step_ns, 1.05e6);
        assert_between(190, found.rate_change_ppm, 201);
    }
}

static void a_rate_that_creeps(void **state)
{
    (void)state;
    struct machine m = machine_make();
    look(&m);
    for (unsigned i = 0; i < 1000; i++) { /* 50 ppm in 100 s */
        m.ticks_per_ns *= 1 + 0.05e-6;
        watch_for(&m, 1);
    }
    struct tare_clock_findings found = findings(&m);
    assert_int_equal(found.steps, 0);
    assert_between(40, found.rate_change_ppm, 51);
}

static void a_crystal_that_warms_up(void **state)
{
    (void)state;
    struct machine m = machine_make();
    look(&m);
    for (unsigned i = 0; i < 1000; i++) {
        m.ticks_per_ns = 2.6 * (1 + 1e-6 * sin(i / 100.0));
        watch_for(&m, 1);
    }
    struct tare_clock_findings found = findings(&m);
    assert_int_equal(found.steps, 0);
    assert_between(0, found.rate_change_ppm, 3);
}

static void the_machine_sleeps(void **state)
{
    (void)state;
    for (int counts = 0; counts < 2; counts++) {
        struct machine m = machine_make();
        look(&m);
        watch_for(&m, 20);
        m.asleep_ns += 12e9;
        m.ticks += counts ? 12e9 * m.ticks_per_ns : 0; /* some counters go on, others stand still */
        watch_for(&m, 20);
        struct tare_clock_findings found = findings(&m);
        assert_between(12e9 - 1000, found.suspended_ns, 12e9 + 1000);
        assert_int_equal(found.steps, counts);
        assert_between(counts * 12e9 - 2000, found.step_ns, counts * 12e9 + 2000);
    }
}

static void no_sleep_where_there_is_none(void **state)
{
    (void)state;
    struct machine m = machine_make();
    m.bracket_ns = 3000000; /* somebody else had the processor between two readings */
    look(&m);
    watch_for(&m, 20);
    struct tare_clock_findings found = findings(&m);
    assert_true(found.suspended_ns == 0);

    m = machine_make();
    struct tare_clock_point point = {.ticks = 1, .raw_ns = 1, .monotonic_ns = 1};
    tare_clock_watch_add(&m.watch, &point);
    point = (struct tare_clock_point){.ticks = 2000, .raw_ns = 1000, .monotonic_ns = 1000};
    tare_clock_watch_add(&m.watch, &point);
    found = findings(&m);
    assert_true(isnan(found.suspended_ns)); /* a kernel without CLOCK_BOOTTIME */
}

static void too_little_to_tell(void **state)
{
    (void)state;
    struct machine m = machine_make();
    struct tare_clock_findings found = findings(&m);
    assert_int_equal(found.points, 0);
    assert_false(found.counter_known);
    assert_true(isnan(found.suspended_ns));
    look(&m);
    assert_false(findings(&m).counter_known);
    look(&m); /* at the same instant */
    found = findings(&m);
    assert_int_equal(found.points, 1);
    assert_false(found.counter_known);
    watch_for(&m, 1);
    found = findings(&m);
    assert_int_equal(found.points, 2);
    assert_false(found.counter_known); /* a rate, and nothing to compare it with */
    assert_true(found.suspended_ns == 0);
    watch_for(&m, 1);
    assert_true(findings(&m).counter_known);
}

static void without_a_counter(void **state)
{
    (void)state;
    struct machine m = machine_make();
    tare_clock_watch_init(&m.watch, TARE_CLOCK_NONE);
    look(&m);
    watch_for(&m, 10);
    m.ticks = 0;
    m.asleep_ns = 2e9;
    watch_for(&m, 10);
    struct tare_clock_findings found = findings(&m);
    assert_false(found.counter_known);
    assert_int_equal(found.steps, 0);
    assert_between(2e9 - 1000, found.suspended_ns, 2e9 + 1000);
}

static void the_kernel_gives_its_clock_source_up(void **state)
{
    (void)state;
    struct machine m = machine_make();
    strcpy(m.watch.source_before, "tsc");
    assert_false(findings(&m).source_left); /* what it is now is not known */
    strcpy(m.watch.source_after, "tsc");
    assert_false(findings(&m).source_left);
    strcpy(m.watch.source_after, "hpet");
    struct tare_clock_findings found = findings(&m);
    assert_true(found.source_left);
    assert_string_equal(found.source_before, "tsc");
    assert_string_equal(found.source_after, "hpet");
}

static void on_this_machine(void **state)
{
    (void)state;
    struct tare_clock_watch watch;
    tare_clock_watch_begin(&watch);
    for (int i = 0; i < 10; i++) {
        tare_clock_watch_poll(&watch);
    }
    tare_clock_watch_end(&watch);
    struct tare_clock_findings found = tare_clock_watch_findings(&watch);
    assert_between(2, (double)found.points, 12); /* a coarse clock may not have moved between two */
    assert_true(found.watched_ns > 0);
    assert_true(isnan(found.suspended_ns) || found.suspended_ns == 0);
    assert_false(found.source_left);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_happens_and_nothing_is_noticed),
        cmocka_unit_test(polls_at_uneven_distances),
        cmocka_unit_test(a_step),
        cmocka_unit_test(several_steps_the_largest_is_told),
        cmocka_unit_test(a_step_at_the_very_end),
        cmocka_unit_test(a_step_within_what_the_readings_leave_open),
        cmocka_unit_test(the_counter_runs_backwards),
        cmocka_unit_test(backwards_before_anything_is_known),
        cmocka_unit_test(another_rate),
        cmocka_unit_test(another_rate_and_a_step),
        cmocka_unit_test(a_rate_that_creeps),
        cmocka_unit_test(a_crystal_that_warms_up),
        cmocka_unit_test(the_machine_sleeps),
        cmocka_unit_test(no_sleep_where_there_is_none),
        cmocka_unit_test(too_little_to_tell),
        cmocka_unit_test(without_a_counter),
        cmocka_unit_test(the_kernel_gives_its_clock_source_up),
        cmocka_unit_test(on_this_machine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
