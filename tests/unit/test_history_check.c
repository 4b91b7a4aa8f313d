/* SPDX-License-Identifier: MIT */
/*
 * history/check.h and view/history_check.h: what counts as a regression and what does not, by series where
 * the answer is obvious; what stats/changepoint.h finds is test_changepoint.c's.
 */
#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "history/check.h"
#include "runtime/text.h"
#include "stats/random.h"
#include "tests/unit/near.h"
#include "view/history_check.h"

enum { RUNS = 220, FIRST_TIME_S = 1700000000 };

/* Runs of 220 commits, an hour apart, each measured when it was made. */
struct world {
    struct tare_history history;
    struct tare_history_report report;
    struct tare_check_rule rule;
    char message[256];
    struct tare_random random;
};

static char *copy(const char *text)
{
    char *made = strdup(text);
    assert_non_null(made);
    return made;
}

static void *room(size_t count, size_t size)
{
    void *made = calloc(count, size);
    assert_non_null(made);
    return made;
}

static const char *commit_id(size_t number)
{
    static char id[41];
    snprintf(id, sizeof(id), "abc%03zx%034d", number, 0);
    return id;
}

static int begin(void **state)
{
    struct world *world = room(1, sizeof(*world));
    struct tare_history *history = &world->history;
    history->runs = room(RUNS, sizeof(*history->runs));
    history->commits = room(RUNS, sizeof(*history->commits));
    history->run_count = history->commit_count = RUNS;
    for (size_t i = 0; i < RUNS; i++) {
        int64_t time_s = FIRST_TIME_S + 3600 * (int64_t)i;
        history->runs[i] = (struct tare_history_run){
            .id = (int64_t)i + 1,
            .project = copy("p"),
            .kind = copy("bench"),
            .started_ms = time_s * 1000,
            .commit = copy(commit_id(i)),
            .branch = copy("main"),
            .tool = copy("tare"),
        };
        history->commits[i] = (struct tare_history_commit){
            .id = copy(commit_id(i)),
            .parents = copy(""),
            .time_s = time_s,
            .ordinal = (int64_t)i + 1,
        };
    }
    world->rule = (struct tare_check_rule){
        .margin = 0.01,
        .alpha = 1e-4, /* nothing here is left to chance */
        .window = 50,
        .since_ms = TARE_HISTORY_UNKNOWN,
    };
    tare_random_seed(&world->random, 7);
    *state = world;
    return 0;
}

static int end(void **state)
{
    struct world *world = *state;
    tare_history_report_release(&world->report);
    tare_history_release(&world->history);
    free(world);
    return 0;
}

/* A series of one point for each of the first `count` runs, with these values. */
static struct tare_history_line *add(struct world *world, const char *name, const double *values, size_t count)
{
    struct tare_history *history = &world->history;
    struct tare_history_line *lines =
        realloc(history->lines, (history->line_count + 1) * sizeof(*history->lines));
    assert_non_null(lines);
    history->lines = lines;
    struct tare_history_line *line = &lines[history->line_count++];
    *line = (struct tare_history_line){
        .series = {.id = (int64_t)history->line_count,
                   .project = copy("p"),
                   .suite = copy("suite"),
                   .name = copy(name),
                   .arguments = copy("64"),
                   .metric = copy("median"),
                   .unit = copy("ns"),
                   .fingerprint = copy("f00d"),
                   .harness = copy("tare"),
                   .settings = copy(""),
                   .better = TARE_BETTER_LOWER},
        .points = room(count, sizeof(struct tare_history_point)),
        .count = count,
    };
    for (size_t i = 0; i < count; i++) {
        line->points[i] = tare_history_point_unknown();
        line->points[i].run = (int64_t)i + 1;
        line->points[i].value = values[i];
    }
    return line;
}

/* A level until `until`, each value off by `noise` (a share) at random; the next one follows. */
struct level {
    size_t until;
    double value;
};

static struct tare_history_line *add_levels(struct world *world, const char *name, double noise,
                                            const struct level *levels)
{
    double values[RUNS];
    size_t count = 0;
    for (; levels->until > 0; levels++) {
        while (count < levels->until) {
            values[count++] = levels->value * (1 + noise * tare_random_normal(&world->random));
        }
    }
    return add(world, name, values, count);
}
#define LEVELS(...) ((const struct level[]){__VA_ARGS__, {0, 0}})

static const struct tare_judged_series *check(struct world *world)
{
    tare_history_report_release(&world->report);
    int error = tare_history_check(&world->history, &world->rule, &world->report, world->message,
                                   sizeof(world->message));
    if (error != 0) {
        fail_msg("%d: %s", error, world->message);
    }
    return world->report.series;
}

static void assert_status(const struct tare_judged_series *series, enum tare_series_status status)
{
    if (series->status != status) {
        fail_msg("'%s' is %s, not %s", series->line->series.name, tare_series_status_names[series->status],
                 tare_series_status_names[status]);
    }
}

static void assert_refused(struct world *world, const char *part)
{
    tare_history_report_release(&world->report);
    int error = tare_history_check(&world->history, &world->rule, &world->report, world->message,
                                   sizeof(world->message));
    if (error != -EINVAL || strstr(world->message, part) == NULL) {
        fail_msg("%d, '%s', not '%s'", error, world->message, part);
    }
}

/* Changes */

static void a_series_that_stays_is_steady(void **state)
{
    struct world *world = *state;
    add_levels(world, "a", 0.005, LEVELS({60, 100}));
    const struct tare_judged_series *series = check(world);
    assert_status(series, TARE_SERIES_STEADY);
    assert_false(world->report.fails);
    assert_false(world->report.suspected);
    assert_int_equal(world->report.judged, 1);
    assert_int_equal(world->report.missing, 0);
    assert_int_equal(series->decisive, series->changes.count);
    assert_true(isnan(series->ratio) && isnan(series->baseline) && isnan(series->against));
    assert_true(series->last == series->line->points[59].value);
    assert_true(series->previous == series->line->points[58].value);
    assert_null(series->advice);
}

static void a_step_for_the_worse_fails_with_its_range_of_commits(void **state)
{
    struct world *world = *state;
    add_levels(world, "a", 0.005, LEVELS({40, 100}, {60, 110}));
    const struct tare_judged_series *series = check(world);
    assert_status(series, TARE_SERIES_REGRESSED);
    assert_true(world->report.fails);
    assert_int_equal(series->changes.count, 1);
    assert_int_equal(series->decisive, 0);
    const struct tare_judged_change *judged = &series->judged[0];
    assert_int_equal(judged->weight, TARE_CHANGE_COUNTS);
    assert_int_equal(judged->direction, 1);
    assert_int_equal(judged->change.at, 40);
    assert_near(series->ratio, 1.1, 0.01);
    assert_true(judged->adjusted <= world->rule.alpha);
    assert_true(judged->change.low <= 40 && judged->change.high >= 40 && judged->change.high < 44);
    assert_string_equal(judged->good->id, commit_id(judged->change.low - 1));
    assert_string_equal(judged->bad->id, commit_id(judged->change.high));
    assert_string_equal(judged->likely->id, commit_id(40));
}

static void which_way_is_worse_decides(void **state)
{
    struct world *world = *state;
    add_levels(world, "faster", 0.005, LEVELS({40, 100}, {60, 90}));
    add_levels(world, "throughput up", 0.005, LEVELS({40, 100}, {60, 110}))->series.better = TARE_BETTER_HIGHER;
    add_levels(world, "neither", 0.005, LEVELS({40, 100}, {60, 110}))->series.better = TARE_BETTER_UNKNOWN;
    const struct tare_judged_series *series = check(world);
    assert_status(&series[0], TARE_SERIES_IMPROVED);
    assert_status(&series[1], TARE_SERIES_IMPROVED);
    assert_status(&series[2], TARE_SERIES_CHANGED);
    assert_int_equal(series[2].judged[0].direction, 0);
    assert_int_equal(series[2].judged[0].weight, TARE_CHANGE_COUNTS);
    assert_false(world->report.fails);
    world->history.lines[1].series.better = TARE_BETTER_LOWER;
    world->history.lines[0].series.better = TARE_BETTER_HIGHER;
    series = check(world);
    assert_status(&series[0], TARE_SERIES_REGRESSED);
    assert_status(&series[1], TARE_SERIES_REGRESSED);
    assert_int_equal(world->report.by_status[TARE_SERIES_REGRESSED], 2);
}

static void what_lies_behind_the_window_is_old(void **state)
{
    struct world *world = *state;
    add_levels(world, "a", 0.005, LEVELS({40, 100}, {100, 110}));
    const struct tare_judged_series *series = check(world);
    assert_status(series, TARE_SERIES_STEADY);
    assert_int_equal(series->changes.count, 1);
    assert_int_equal(series->judged[0].weight, TARE_CHANGE_OLD);
    assert_int_equal(series->first, 50);
    world->rule.window = 70;
    assert_status(check(world), TARE_SERIES_REGRESSED);
}

static void what_was_taken_back_does_not_count(void **state)
{
    struct world *world = *state;
    add_levels(world, "a", 0, LEVELS({30, 100}, {45, 110}, {60, 100}));
    add_levels(world, "partly", 0, LEVELS({30, 100}, {45, 120}, {60, 110}));
    add_levels(world, "stairs", 0, LEVELS({25, 100}, {40, 110}, {55, 120}, {70, 110}));
    world->rule.window = 100;
    const struct tare_judged_series *series = check(world);
    assert_status(&series[0], TARE_SERIES_IMPROVED); /* the step back is one from where it was */
    assert_int_equal(series[0].changes.count, 2);
    assert_int_equal(series[0].judged[0].weight, TARE_CHANGE_UNDONE);
    assert_status(&series[1], TARE_SERIES_REGRESSED);
    assert_int_equal(series[1].judged[0].weight, TARE_CHANGE_COUNTS);
    assert_status(&series[2], TARE_SERIES_REGRESSED);
    assert_int_equal(series[2].changes.count, 3);
    assert_int_equal(series[2].judged[0].weight, TARE_CHANGE_COUNTS);
    assert_int_equal(series[2].judged[1].weight, TARE_CHANGE_UNDONE);
    assert_int_equal(series[2].decisive, 0);
}

static void a_change_below_the_margin_is_information(void **state)
{
    struct world *world = *state;
    add_levels(world, "a", 0.0005, LEVELS({40, 100}, {60, 100.6}));
    const struct tare_judged_series *series = check(world);
    assert_int_equal(series->changes.count, 1);
    assert_status(series, TARE_SERIES_CHANGED);
    assert_int_equal(series->judged[0].weight, TARE_CHANGE_SMALL);
    world->rule.margin = 0.001;
    assert_status(check(world), TARE_SERIES_REGRESSED);
}

static void one_point_is_suspected_and_fails_nothing(void **state)
{
    struct world *world = *state;
    add_levels(world, "worse", 0.005, LEVELS({40, 100}, {41, 120}));
    add_levels(world, "better", 0.005, LEVELS({40, 100}, {41, 80}));
    add_levels(world, "two", 0.005, LEVELS({40, 100}, {42, 120}));
    const struct tare_judged_series *series = check(world);
    assert_status(&series[0], TARE_SERIES_SUSPECTED);
    assert_int_equal(series[0].suspicion.count, 1);
    assert_int_equal(series[0].suspicion_direction, 1);
    assert_status(&series[1], TARE_SERIES_STEADY);
    assert_int_equal(series[1].suspicion_direction, -1);
    assert_status(&series[2], TARE_SERIES_SUSPECTED);
    assert_int_equal(series[2].suspicion.count, 2);
    assert_false(world->report.fails);
    assert_true(world->report.suspected);
    world->rule.margin = 0.3;
    assert_status(check(world), TARE_SERIES_STEADY);
    assert_false(world->report.suspected);
}

static void a_suspicion_lasts_until_it_is_a_change(void **state)
{
    struct world *world = *state;
    bool confirmed = false;
    for (size_t count = 1; count <= 8; count++) {
        tare_random_seed(&world->random, 11);
        add_levels(world, "a", 0.005, LEVELS({40, 100}, {40 + count, 120}));
        const struct tare_judged_series *series = check(world);
        confirmed = series->status == TARE_SERIES_REGRESSED;
        assert_true(confirmed || series->status == TARE_SERIES_SUSPECTED);
        assert_true(confirmed || series->suspicion.count == count);
        tare_history_line_release(&world->history.lines[0]);
        world->history.line_count = 0;
    }
    assert_true(confirmed);
    /* It was nothing: the next points are as before. */
    add_levels(world, "a", 0.005, LEVELS({40, 100}, {41, 120}, {43, 100}));
    assert_status(check(world), TARE_SERIES_STEADY);
}

static void what_is_counted_is_sure_with_three_points(void **state)
{
    struct world *world = *state;
    add_levels(world, "three", 0, LEVELS({30, 40}, {33, 41}));
    add_levels(world, "one", 0, LEVELS({30, 40}, {31, 41}));
    add_levels(world, "from none", 0, LEVELS({30, 0}, {33, 1}));
    for (size_t i = 0; i < 40; i++) { /* many others make nothing of this a matter of chance */
        add_levels(world, "other", 0.01, LEVELS({33, 40}));
    }
    const struct tare_judged_series *series = check(world);
    assert_status(&series[0], TARE_SERIES_REGRESSED);
    assert_int_equal(series[0].judged[0].change.at, 30);
    assert_status(&series[1], TARE_SERIES_SUSPECTED);
    assert_status(&series[2], TARE_SERIES_REGRESSED);
    assert_true(isnan(series[2].ratio));
    assert_int_equal(world->report.by_status[TARE_SERIES_REGRESSED], 2);
}

static void with_few_points_nothing_is_judged(void **state)
{
    struct world *world = *state;
    add_levels(world, "a", 0.005, LEVELS({3, 100}, {6, 200}));
    add_levels(world, "b", 0.005, LEVELS({2, 100}));
    add_levels(world, "c", 0.005, LEVELS({1, 100}));
    const struct tare_judged_series *series = check(world);
    assert_status(&series[0], TARE_SERIES_TOO_FEW);
    assert_status(&series[2], TARE_SERIES_TOO_FEW);
    assert_int_equal(world->report.judged, 0);
    assert_int_equal(world->report.missing, TARE_CHANGE_FEWEST - 6);
    assert_false(world->report.fails);
    assert_true(isnan(series[2].previous));
    assert_true(isnan(series[0].changes.p));
}

static void over_many_series_chance_is_allowed_for(void **state)
{
    struct world *world = *state;
    double even[60];
    for (size_t i = 0; i < 60; i++) {
        even[i] = 100 + (double)(i * 7 % 5); /* no side of it is larger */
    }
    world->rule.alpha = 0.01;
    world->rule.window = 100;
    world->rule.margin = 0.0001;
    /* A series of chance alone of which a change is found: about 1 in 100 are. */
    for (uint64_t seed = 0;; seed++) {
        assert_true(seed < 5000);
        tare_random_seed(&world->random, seed);
        add_levels(world, "chance", 0.01, LEVELS({60, 100}));
        const struct tare_judged_series *series = check(world);
        if (series->changes.count > 0 && series->changes.p > 0.002) {
            break;
        }
        tare_history_line_release(&world->history.lines[0]);
        world->history.line_count = 0;
    }
    const struct tare_judged_series *series = check(world);
    assert_int_equal(series->judged[0].weight, TARE_CHANGE_COUNTS);
    for (size_t i = 0; i < 50; i++) {
        add(world, "steady", even, 60);
    }
    add_levels(world, "counted", 0, LEVELS({60, 100})); /* is none of the family, */
    add_levels(world, "few", 0.01, LEVELS({5, 100}));   /* nor is this */
    series = check(world);
    assert_int_equal(series->judged[0].weight, TARE_CHANGE_MANY_SERIES);
    assert_close(series->judged[0].adjusted, fmin(1, 51 * series->judged[0].change.p), 1e-9);
    assert_false(world->report.fails);
}

static void many_series_are_judged_as_one_is(void **state)
{
    struct world *world = *state;
    for (size_t i = 0; i < 400; i++) { /* so many that threads share them */
        add_levels(world, "steady", 0.005, LEVELS({60, 100}));
        if (i % 10 == 0) {
            add_levels(world, "slow", 0.005, LEVELS({40, 100}, {60, 110}));
        }
    }
    const struct tare_judged_series *series = check(world);
    for (size_t i = 0; i < world->report.count; i++) {
        bool slow = strcmp(series[i].line->series.name, "slow") == 0;
        assert_int_equal(series[i].status == TARE_SERIES_REGRESSED, slow);
    }
    assert_int_equal(world->report.by_status[TARE_SERIES_REGRESSED], 40);
    world->history.lines[7].points[3].value = INFINITY;
    assert_refused(world, "has a value that is no number");
}

static void a_step_within_one_commit_is_not_of_the_code(void **state)
{
    struct world *world = *state;
    add_levels(world, "a", 0.001, LEVELS({40, 100}, {60, 150}));
    for (size_t i = 30; i < 50; i++) {
        strcpy(world->history.runs[i].commit, commit_id(30));
    }
    const struct tare_judged_series *series = check(world);
    assert_status(series, TARE_SERIES_REGRESSED);
    assert_non_null(series->judged[0].good);
    assert_ptr_equal(series->judged[0].good, series->judged[0].bad);
    size_t last_good = series->judged[0].change.low - 1;
    free(world->history.runs[last_good].commit);
    world->history.runs[last_good].commit = NULL;
    series = check(world);
    assert_null(series->judged[0].good);
    assert_non_null(series->judged[0].bad);
}

/* Whether it is said that it got worse, now that the history has this one series. Takes it out again. */
static void assert_worse(struct world *world, const char *what, bool sure)
{
    const struct tare_judged_series *series = check(world);
    if (series->status != TARE_SERIES_REGRESSED && (sure || series->status != TARE_SERIES_SUSPECTED)) {
        fail_msg("%s: %s", what, tare_series_status_names[series->status]);
    }
}

static void forget(struct world *world)
{
    tare_history_report_release(&world->report);
    while (world->history.line_count > 0) {
        tare_history_line_release(&world->history.lines[--world->history.line_count]);
    }
}

static void a_drift_that_goes_on_counts(void **state)
{
    struct world *world = *state;
    double values[200];
    char start[41], later[41], late[41];
    snprintf(start, sizeof(start), "%s", commit_id(99));
    snprintf(later, sizeof(later), "%s", commit_id(130));
    snprintf(late, sizeof(late), "%s", commit_id(199));
    world->rule.alpha = 0.01;
    for (uint64_t seed = 0; seed < 20; seed++) {
        tare_random_seed(&world->random, seed);
        for (size_t i = 0; i < COUNT(values); i++) {
            double level = i < 100 ? 100 : 100 + 0.1 * (double)(i - 99);
            values[i] = level * (1 + 0.02 * tare_random_normal(&world->random));
        }
        add(world, "a", values, COUNT(values));
        assert_worse(world, "in the window", true);
        const struct tare_judged_series *series = world->report.series;
        bool goes_on = series->changes.changes[series->decisive].kind == TARE_CHANGE_DRIFT &&
                       series->changes.changes[series->decisive].high + 1 >= COUNT(values);
        assert_non_null(series->judged[series->decisive].good);
        assert_int_equal(series->judged[series->decisive].bad == NULL, goes_on);
        world->rule.against = start;
        assert_worse(world, "against its start", true);
        world->rule.against = later;
        assert_worse(world, "against a point of it", true);
        world->rule.against = NULL;
        world->rule.since = start;
        assert_worse(world, "since its start", true);
        world->rule.since = later;
        assert_worse(world, "since a point of it", true);
        world->rule.since = late;
        assert_status(check(world), TARE_SERIES_STEADY); /* nothing is behind it */
        assert_false(world->report.behind);
        world->rule.since = NULL;
        forget(world);
    }
}

static void a_step_right_behind_a_commit_is_never_silent(void **state)
{
    struct world *world = *state;
    static const double scatters[] = {4, 6, 10, 20};
    static const size_t behind[] = {3, 5, 8, 10};
    size_t found = 0;
    char last_good[41];
    snprintf(last_good, sizeof(last_good), "%s", commit_id(99));
    world->rule.alpha = 0.01;
    for (uint64_t seed = 0; seed < 50 * COUNT(scatters) * COUNT(behind); seed++) {
        size_t count = behind[seed % COUNT(behind)];
        double step = 0.02 * scatters[seed / COUNT(behind) % COUNT(scatters)];
        tare_random_seed(&world->random, seed);
        add_levels(world, "a", 0.02, LEVELS({100, 100}, {100 + count, 100 * (1 + step)}));
        const struct tare_changes *changes = &check(world)->changes;
        if (changes->count > 0 && changes->changes[changes->count - 1].at >= 100 - TARE_CHANGE_SIDE) {
            found++;
            world->rule.against = last_good;
            assert_worse(world, "against", false);
            if (world->report.series[0].status == TARE_SERIES_REGRESSED) {
                assert_near(world->report.series[0].against, 100, 3);
            }
            world->rule.against = NULL;
            world->rule.since = last_good;
            assert_worse(world, "since", false);
            world->rule.since = NULL;
        }
        forget(world);
    }
    assert_true(found > 600);
}

static void what_may_be_chance_is_measured_again(void **state)
{
    struct world *world = *state;
    double even[60];
    bool any = false;
    for (size_t i = 0; i < COUNT(even); i++) {
        even[i] = 100 + (double)(i * 7 % 5);
    }
    world->rule.alpha = 0.01;
    for (uint64_t seed = 0; !any; seed++) {
        assert_true(seed < 1000);
        tare_random_seed(&world->random, seed);
        add_levels(world, "a", 0.01, LEVELS({52, 100}, {60, 102}));
        for (size_t i = 0; i < 50; i++) {
            add(world, "steady", even, COUNT(even));
        }
        const struct tare_judged_series *series = check(world);
        any = series->changes.count == 1 && series->judged[0].weight == TARE_CHANGE_MANY_SERIES;
        if (any) {
            assert_status(series, TARE_SERIES_SUSPECTED);
            assert_int_equal(series->unsure, 0);
            assert_true(world->report.suspected);
            world->history.lines[0].series.better = TARE_BETTER_HIGHER;
            series = check(world);
            assert_status(series, TARE_SERIES_CHANGED);
            assert_int_equal(series->unsure, series->changes.count);
        }
        forget(world);
    }
}

static void times_below_what_can_be_measured_are_unstable(void **state)
{
    struct world *world = *state;
    double near_zero[60], from_zero[60];
    for (size_t i = 0; i < COUNT(near_zero); i++) {
        double off = 0.05 * tare_random_normal(&world->random);
        near_zero[i] = (i < 40 ? -0.5 : -0.1) + off;
        from_zero[i] = (i < 40 ? -0.1 : 100) + off;
    }
    add(world, "near zero", near_zero, COUNT(near_zero));
    add(world, "from zero", from_zero, COUNT(from_zero));
    free(add(world, "no time", near_zero, COUNT(near_zero))->series.unit);
    world->history.lines[2].series.unit = copy("count");
    const struct tare_judged_series *series = check(world);
    assert_status(&series[0], TARE_SERIES_UNSTABLE);
    assert_true(series[0].below);
    assert_non_null(strstr(series[0].advice, "below what can be measured"));
    assert_int_equal(series[0].judged[0].weight, TARE_CHANGE_SMALL);
    assert_status(&series[1], TARE_SERIES_REGRESSED);
    assert_false(series[1].below);
    assert_status(&series[2], TARE_SERIES_REGRESSED);
}

static void one_point_without_a_commit_puts_all_in_the_order_of_time(void **state)
{
    struct world *world = *state;
    struct tare_history *history = &world->history;
    add_levels(world, "a", 0.001, LEVELS({40, 100}, {60, 110}));
    /* Measured backwards: in the order of the commits the step is at 40. */
    for (size_t i = 0; i < RUNS; i++) {
        history->runs[i].started_ms = (FIRST_TIME_S - 3600 * (int64_t)i) * 1000;
    }
    assert_int_equal(tare_history_sort(history), 0);
    assert_int_equal(check(world)->by_time, 0);
    assert_int_equal(history->lines[0].points[0].run, 1);
    free(history->runs[50].commit);
    history->runs[50].commit = NULL;
    assert_int_equal(tare_history_sort(history), 0);
    assert_int_equal(history->lines[0].points[0].run, 60);
    /* Of a commit without a point here: what was measured before it, and not the commits before it. */
    world->rule.since = commit_id(30);
    history->lines[0].points[29].run = 1000;
    const struct tare_judged_series *series = check(world);
    assert_int_equal(series->first, 29);
    assert_true(series->by_time);
    assert_int_equal(world->report.by_time, 1);
    /* Where that point is of another branch, what stays is in the order of the commits again. */
    free(history->runs[50].branch);
    history->runs[50].branch = copy("other");
    history->lines[0].points[29].run = 31;
    assert_int_equal(tare_history_keep_branch(history, "main", NULL, NULL), 0);
    assert_int_equal(history->lines[0].count, 59);
    assert_int_equal(history->lines[0].points[0].run, 1);
    assert_int_equal(check(world)->by_time, 0);
}

/* What it is judged against */

static void since_leaves_out_what_was_before(void **state)
{
    struct world *world = *state;
    add_levels(world, "a", 0, LEVELS({40, 100}, {60, 110}));
    world->rule.since = commit_id(39); /* the last good one */
    assert_status(check(world), TARE_SERIES_REGRESSED);
    world->rule.since = commit_id(40);
    const struct tare_judged_series *series = check(world);
    assert_status(series, TARE_SERIES_STEADY);
    assert_int_equal(series->first, 41);
    world->rule.since = NULL;
    world->rule.since_ms = (FIRST_TIME_S + 3600 * 39) * (int64_t)1000;
    assert_status(check(world), TARE_SERIES_REGRESSED);
    world->rule.since_ms += 3600 * 1000;
    assert_status(check(world), TARE_SERIES_STEADY);
}

static void a_commit_that_nobody_knows_is_an_error(void **state)
{
    struct world *world = *state;
    add_levels(world, "a", 0.005, LEVELS({40, 100}, {60, 110}));
    world->rule.since = "0123";
    assert_refused(world, "'0123' is not in the history");
    world->rule.since = NULL;
    world->rule.against = "4567";
    assert_refused(world, "'4567' is not in the history");
    /* One that was never measured, but whose place is known. */
    const struct tare_history_commit known = {.id = (char *)"4567", .ordinal = 30, .time_s = 5};
    world->rule.against_commit = &known;
    assert_int_equal(check(world)->first, 30);
    world->rule.against = world->rule.baseline = NULL;
    world->rule.baseline = "release";
    assert_refused(world, "unknown baseline 'release'");
    world->rule.baseline = NULL;
    world->history.lines[0].points[3].value = NAN;
    assert_refused(world, "'suite::a/64 median' has a value that is no number");
}

static void against_a_commit_only_the_sum_counts(void **state)
{
    struct world *world = *state;
    add_levels(world, "worse", 0, LEVELS({30, 100}, {60, 110}));
    add_levels(world, "there and back", 0, LEVELS({30, 100}, {45, 120}, {60, 100}));
    add_levels(world, "better and back", 0, LEVELS({30, 100}, {45, 80}, {60, 100}));
    add_levels(world, "creeping", 0, LEVELS({30, 100}, {45, 100.8}, {60, 101.6}));
    add_levels(world, "before", 0, LEVELS({15, 100}, {60, 120}));
    add_levels(world, "better", 0, LEVELS({30, 100}, {60, 90}));
    world->rule.against = commit_id(24);
    const struct tare_judged_series *series = check(world);
    assert_status(&series[0], TARE_SERIES_REGRESSED);
    assert_near(series[0].against, 100, 0.1);
    assert_near(series[0].ratio, 1.1, 0.001);
    assert_status(&series[1], TARE_SERIES_CHANGED);
    assert_int_equal(series[1].judged[0].weight, TARE_CHANGE_UNDONE);
    assert_status(&series[2], TARE_SERIES_CHANGED);
    assert_status(&series[3], TARE_SERIES_REGRESSED);
    assert_status(&series[4], TARE_SERIES_STEADY);
    assert_near(series[4].against, 120, 0.1);
    assert_status(&series[5], TARE_SERIES_IMPROVED);
    world->rule.against = NULL;
    world->rule.window = 36;
    series = check(world);
    assert_status(&series[2], TARE_SERIES_REGRESSED); /* what had been won is lost again */
    assert_status(&series[3], TARE_SERIES_CHANGED);
}

static void set_baseline(struct world *world, const char *name, const char *commit, int64_t set_ms,
                         const char *selection)
{
    struct tare_history *history = &world->history;
    struct tare_history_baseline *grown =
        realloc(history->baselines, (history->baseline_count + 1) * sizeof(*grown));
    assert_non_null(grown);
    history->baselines = grown;
    grown[history->baseline_count++] = (struct tare_history_baseline){
        .project = copy("p"),
        .name = copy(name),
        .commit = commit != NULL ? copy(commit) : NULL,
        .set_ms = set_ms,
        .selection = copy(selection),
    };
}

static void a_baseline_accepts_what_was_before(void **state)
{
    struct world *world = *state;
    add_levels(world, "a", 0.005, LEVELS({20, 100}, {40, 110}, {60, 110}));
    add_levels(world, "b", 0.005, LEVELS({40, 100}, {60, 110}));
    set_baseline(world, "default", commit_id(30), 0, "*");
    const struct tare_judged_series *series = check(world);
    assert_ptr_equal(world->report.baseline, &world->history.baselines[0]);
    assert_status(&series[0], TARE_SERIES_STEADY);
    assert_near(series[0].baseline, 110, 1);
    assert_near(series[0].ratio, 1, 0.01);
    assert_status(&series[1], TARE_SERIES_REGRESSED);
    assert_near(series[1].baseline, 100, 1);
    assert_near(series[1].ratio, 1.1, 0.01);
    /* Another by its name; by time; of some series alone. */
    set_baseline(world, "late", NULL, (FIRST_TIME_S + 3600 * 50) * (int64_t)1000, "*a/64*");
    world->rule.baseline = "late";
    series = check(world);
    assert_int_equal(series[0].first, 51);
    assert_true(isnan(series[1].baseline));
    assert_status(&series[1], TARE_SERIES_REGRESSED);
    /* A commit that was pruned: what was there when it was set. */
    set_baseline(world, "lost", "beef", (FIRST_TIME_S + 3600 * 20) * (int64_t)1000, "*");
    world->rule.baseline = "lost";
    assert_int_equal(check(world)[0].first, 21);
}

/* A copy of the first `count` runs' points on a branch of its own. */
static void put_on_branch(struct world *world, size_t from, const char *branch, int64_t ordinal)
{
    for (size_t i = from; i < RUNS; i++) {
        free(world->history.runs[i].branch);
        world->history.runs[i].branch = copy(branch);
        world->history.commits[i].ordinal = ordinal++;
    }
}

static void a_pull_request_is_judged_against_its_base(void **state)
{
    struct world *world = *state;
    /* main is 40 commits long; the branch left it behind the 30th, and has 20 of its own. */
    add_levels(world, "a", 0.005, LEVELS({30, 100}, {40, 100}, {60, 110}));
    add_levels(world, "other", 0.005, LEVELS({40, 100}));
    put_on_branch(world, 40, "feature", 31);
    assert_int_equal(tare_history_sort(&world->history), 0);
    assert_string_equal(tare_history_newest_run(&world->history)->branch, "feature");
    char base[41];
    snprintf(base, sizeof(base), "%s", commit_id(39));
    assert_int_equal(tare_history_keep_branch(&world->history, "feature", base, NULL), 0);
    assert_int_equal(world->history.line_count, 2);
    assert_int_equal(world->history.lines[0].count, 60);
    assert_int_equal(world->history.lines[0].points[39].run, 40);
    assert_int_equal(world->history.lines[0].points[40].run, 41);
    world->rule.against = base;
    const struct tare_judged_series *series = check(world);
    assert_int_equal(series[0].first, 40);
    assert_status(&series[0], TARE_SERIES_REGRESSED);
    assert_near(series[0].against, 100, 1);
    /* Without it, the branch's own points are all there is. */
    assert_int_equal(tare_history_keep_branch(&world->history, "feature", NULL, NULL), 0);
    assert_int_equal(world->history.line_count, 1);
    assert_int_equal(world->history.lines[0].count, 20);
    assert_int_equal(world->history.lines[0].points[0].run, 41);
}

static void commits_of_which_only_the_id_is_known_come_as_they_were_measured(void **state)
{
    struct world *world = *state;
    add_levels(world, "a", 0.005, LEVELS({40, 100}, {60, 110}));
    for (size_t i = 0; i < RUNS; i++) {
        world->history.commits[i].ordinal = world->history.commits[i].time_s = TARE_HISTORY_UNKNOWN;
    }
    world->rule.since = commit_id(30);
    assert_int_equal(check(world)->first, 31);
    /* It has no point here: those that were measured before it. */
    world->history.lines[0].points[30].run = 999;
    assert_int_equal(check(world)->first, 30);
}

static void points_of_no_known_branch_stay(void **state)
{
    struct world *world = *state;
    add_levels(world, "a", 0.005, LEVELS({60, 100}));
    put_on_branch(world, 50, "feature", 31);
    free(world->history.runs[7].branch);
    world->history.runs[7].branch = NULL;
    assert_int_equal(tare_history_keep_branch(&world->history, NULL, NULL, NULL), 0);
    assert_int_equal(world->history.lines[0].count, 60);
    assert_int_equal(tare_history_keep_branch(&world->history, "feature", NULL, NULL), 0);
    assert_int_equal(world->history.lines[0].count, 11);
    assert_int_equal(world->history.lines[0].points[0].run, 8);
}

/* Stability */

static void what_scatters_is_listed_with_advice(void **state)
{
    struct world *world = *state;
    double drifting[60], groups[60], last = 0;
    struct tare_random random;
    tare_random_seed(&random, 3);
    for (size_t i = 0; i < 60; i++) {
        last = 0.8 * last + tare_random_normal(&random);
        drifting[i] = 100 + 8 * last;
        groups[i] = (tare_random_next(&random) & 1 ? 100 : 150) + tare_random_normal(&random);
    }
    add(world, "drifting", drifting, 60);
    add(world, "groups", groups, 60);
    add_levels(world, "disturbed", 0.15, LEVELS({60, 100}));
    add_levels(world, "few", 0.15, LEVELS({60, 100}));
    add_levels(world, "plain", 0.15, LEVELS({60, 100}));
    for (size_t i = 0; i < 60; i++) {
        world->history.lines[2].points[i].rounds = 50;
        world->history.lines[2].points[i].rounds_dropped = 20;
        world->history.lines[3].points[i].n = 4;
        world->history.lines[4].points[i].n = 40;
    }
    const struct tare_judged_series *series = check(world);
    static const char *const parts[] = {"--vs", "--relink", "--lock", "few processes", "tare doctor"};
    for (size_t i = 0; i < 5; i++) {
        assert_status(&series[i], TARE_SERIES_UNSTABLE);
        assert_non_null(series[i].advice);
        if (strstr(series[i].advice, parts[i]) == NULL) {
            fail_msg("'%s': %s", series[i].line->series.name, series[i].advice);
        }
    }
    assert_false(world->report.fails);
}

static void other_machines_are_told(void **state)
{
    struct world *world = *state;
    add_levels(world, "a", 0.005, LEVELS({20, 100}));
    add_levels(world, "b", 0.005, LEVELS({20, 100}));
    add_levels(world, "a", 0.005, LEVELS({20, 100}))->series.fingerprint[0] = 'b';
    const struct tare_judged_series *series = check(world);
    assert_true(series[0].mixed && series[2].mixed);
    assert_false(series[1].mixed);
}

/* Budgets */

static struct tare_budget *budget_of(const char *text)
{
    struct tare_budget *budget = NULL;
    struct tare_budget_problem problem;
    if (!tare_budget_available()) {
        print_message("built without inih: no budget can be read\n");
        skip();
    }
    int error = tare_budget_parse(text, strlen(text), &budget, &problem);
    if (error != 0) {
        fail_msg("%d: line %zu: %s", error, problem.line, problem.message);
    }
    return budget;
}

static void the_newest_value_is_held_to_the_budget(void **state)
{
    struct world *world = *state;
    struct tare_budget *budget = budget_of("[a/64.median]\nat-most = 105 ns\n"
                                           "[suite::b/64.median]\nat-most = 105 ns\n"
                                           "[c/64.median]\nat-most = 105 ns\ninformational = yes\n"
                                           "[d/64.median]\nat-most = 1.2\nrelative-to = a/64.median\n");
    add_levels(world, "a", 0.001, LEVELS({20, 100}));
    add_levels(world, "b", 0.001, LEVELS({4, 110}));
    add_levels(world, "c", 0.001, LEVELS({20, 110}));
    add_levels(world, "d", 0.001, LEVELS({20, 110}));
    add_levels(world, "e", 0.001, LEVELS({20, 110}));
    world->rule.budget = budget;
    const struct tare_judged_series *series = check(world);
    assert_int_equal(series[0].budget.judgement, TARE_JUDGED_PASS);
    assert_status(&series[0], TARE_SERIES_STEADY);
    assert_int_equal(series[1].budget.judgement, TARE_JUDGED_FAIL);
    assert_status(&series[1], TARE_SERIES_OVER_BUDGET);
    assert_int_equal(series[2].budget.judgement, TARE_JUDGED_INFORMATION);
    assert_status(&series[2], TARE_SERIES_STEADY);
    assert_int_equal(series[3].budget.judgement, TARE_JUDGED_PASS);
    assert_near(series[3].budget.value, 1.1, 0.01);
    assert_null(series[4].budget.entry);
    assert_true(world->report.fails);
    /* A unit of an import is taken as what it is. */
    free(world->history.lines[0].series.unit);
    world->history.lines[0].series.unit = copy("us");
    series = check(world);
    assert_int_equal(series[0].budget.judgement, TARE_JUDGED_FAIL);
    assert_near(series[0].budget.value, 1e5, 1e3);
    tare_history_report_release(&world->report);
    tare_budget_free(budget);
}

static void the_baseline_is_what_a_budget_can_be_relative_to(void **state)
{
    struct world *world = *state;
    struct tare_budget *budget = budget_of("[a/64.median]\nat-most = 1.05\nrelative-to = baseline\n");
    add_levels(world, "a", 0.001, LEVELS({20, 100}, {21, 110}));
    world->rule.budget = budget;
    assert_refused(world, "relative to a baseline, and none is given");
    assert_int_equal(world->report.problem.line, 3);
    set_baseline(world, "default", commit_id(15), 0, "*");
    const struct tare_judged_series *series = check(world);
    assert_int_equal(series->budget.judgement, TARE_JUDGED_FAIL);
    assert_near(series->budget.value, 1.1, 0.01);
    /* Of a series that has no point so early nothing is known, and that is no pass. */
    strcpy(world->history.baselines[0].selection, "b");
    series = check(world);
    assert_int_equal(series->budget.judgement, TARE_JUDGED_UNKNOWN);
    assert_true(world->report.fails);
    assert_int_equal(world->report.unknown, 1);
    tare_history_report_release(&world->report);
    tare_budget_free(budget);
}

static void a_budget_of_nothing_there_is_an_error(void **state)
{
    struct world *world = *state;
    struct tare_budget *budget = budget_of("[a/64.median]\nat-most = 200 ns\n[b/64.median]\nat-most = 1 ns\n");
    add_levels(world, "a", 0.001, LEVELS({20, 100}));
    world->rule.budget = budget;
    assert_refused(world, "line 3 of the budget: unknown metric 'b/64.median'");
    world->rule.partial = true;
    assert_int_equal(check(world)->budget.judgement, TARE_JUDGED_PASS);
    tare_history_report_release(&world->report);
    tare_budget_free(budget);
}

/* Metrics */

static void each_metric_has_its_way(void **state)
{
    (void)state;
    static const struct {
        const char *metric, *unit;
        enum tare_history_better better;
    } cases[] = {
        {"median", "ns", TARE_BETTER_LOWER},
        {"B.median", "ns", TARE_BETTER_LOWER},
        {"net_avg", "ns", TARE_BETTER_LOWER},
        {"fdtables::close.net_avg", "ns", TARE_BETTER_LOWER},
        {"fdtables::close.calls", "count", TARE_BETTER_UNKNOWN},
        {"calls", "count", TARE_BETTER_UNKNOWN},
        {"rounds_dropped", "count", TARE_BETTER_UNKNOWN},
        {"bytes", "bytes", TARE_BETTER_UNKNOWN},
        {"allocated_bytes", "bytes", TARE_BETTER_LOWER},
        {"instructions", "count", TARE_BETTER_LOWER},
        {"instructions:u", "count", TARE_BETTER_LOWER},
        {"bytes_per_s", "bytes/s", TARE_BETTER_HIGHER},
        {"items_per_s", "1/s", TARE_BETTER_HIGHER},
        {"anything", "ops/sec", TARE_BETTER_HIGHER},
        {"anything", "ns/iter", TARE_BETTER_LOWER},
        {"anything", "s", TARE_BETTER_LOWER},
        {"B.ratio", "ratio", TARE_BETTER_LOWER},
        {"B.control_ratio", "ratio", TARE_BETTER_UNKNOWN},
        {"anything", "count", TARE_BETTER_UNKNOWN},
        {"anything", "", TARE_BETTER_UNKNOWN},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        if (tare_metric_better(cases[i].metric, cases[i].unit) != cases[i].better) {
            fail_msg("%s in %s", cases[i].metric, cases[i].unit);
        }
    }
}

/* Showing */

static char *shown(struct world *world, enum tare_format format, const struct tare_view_options *options,
                   const char *rerun)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    const struct tare_history_check_view view = {
        .report = &world->report,
        .history = &world->history,
        .project = "p",
        .branch = "main",
        .rerun = rerun,
    };
    assert_int_equal(tare_view_history_check(&view, options, format, out), 0);
    assert_int_equal(fclose(out), 0);
    return text;
}

static void add_all_kinds(struct world *world)
{
    add_levels(world, "steady", 0.001, LEVELS({60, 100}));
    add_levels(world, "slow", 0.001, LEVELS({40, 1000}, {60, 1100}));
    add_levels(world, "fast", 0.001, LEVELS({40, 100}, {60, 90}));
    add_levels(world, "odd", 0.001, LEVELS({59, 100}, {60, 120}));
    add_levels(world, "noisy", 0.2, LEVELS({60, 100}));
    add_levels(world, "young", 0.001, LEVELS({4, 100}));
    add_levels(world, "a name | that is *rather* long, longer than a line of a terminal has room for", 0.001,
               LEVELS({40, 100}, {60, 100.5}));
}

static void a_table_says_what_happened_and_what_to_do(void **state)
{
    struct world *world = *state;
    const struct tare_view_options options = {.ascii = true, .width = 80};
    add_all_kinds(world);
    check(world);
    char *text = shown(world, TARE_FORMAT_TABLE, &options, "tare bench ./x --history");
    static const char *const parts[] = {
        "regressed    suite::slow/64 median\n             +10.",
        "to do: git log --oneline ",
        "suspected    suite::odd/64 median\n             +",
        "the newest point alone",
        "to do: measure again: tare bench ./x --history\n",
        "unstable     suite::noisy/64 median\n",
        "improved     suite::fast/64 median\n             -10.",
        "; below",
        "7 series of 'p' on branch 'main': 1 regressed, 1 suspected, 1 unstable,",
        " 1 steady\n",
        "1 of the series could not be judged for changes: one needs 10 points, and the\n",
        "Judged are changes within the newest 50 points of a series, above the margin",
        "over 6 series.\n",
    };
    for (size_t i = 0; i < COUNT(parts); i++) {
        if (strstr(text, parts[i]) == NULL) {
            fail_msg("no '%s' in:\n%s", parts[i], text);
        }
    }
    assert_true(strstr(text, "regressed") < strstr(text, "suspected"));
    assert_null(strstr(text, "suite::steady"));
    for (const char *line = text; *line != '\0'; line = strchr(line, '\n') + 1) {
        assert_true(strchr(line, '\n') - line <= 80);
    }
    free(text);
}

static void nothing_to_judge_is_said(void **state)
{
    struct world *world = *state;
    const struct tare_view_options options = {.ascii = true};
    add_levels(world, "young", 0.001, LEVELS({4, 100}));
    check(world);
    char *text = shown(world, TARE_FORMAT_TABLE, &options, NULL);
    assert_string_equal(text, "1 series of 'p' on branch 'main': 1 with too few points\n"
                              "no change could be judged: a series needs 10 points, and the fullest lacks 6\n");
    free(text);
    text = shown(world, TARE_FORMAT_MARKDOWN, &options, NULL);
    assert_non_null(strstr(text, "### Nothing could be judged\n"));
    free(text);
}

static void a_markdown_table_is_not_obeyed(void **state)
{
    struct world *world = *state;
    const struct tare_view_options options = {.ascii = true};
    add_all_kinds(world);
    check(world);
    char *text = shown(world, TARE_FORMAT_MARKDOWN, &options, "tare bench <b>");
    assert_non_null(strstr(text, "### It got worse\n"));
    assert_non_null(strstr(text, "| **regressed** | suite::slow/64 median | +10."));
    assert_non_null(strstr(text, "a name \\| that is \\*rather\\* long"));
    assert_null(strstr(text, "<b>"));
    assert_non_null(strstr(text, "<summary>3 more</summary>"));
    free(text);
}

static void json_has_every_series(void **state)
{
    struct world *world = *state;
    const struct tare_view_options options = {0};
    add_all_kinds(world);
    check(world);
    char *text = shown(world, TARE_FORMAT_JSON, &options, NULL);
    json_error_t problem;
    json_t *root = json_loads(text, 0, &problem);
    assert_non_null(root);
    assert_string_equal(json_string_value(json_object_get(root, "schema")), "tare-history-check");
    assert_string_equal(json_string_value(json_object_get(root, "verdict")), "fail");
    json_t *series = json_object_get(root, "series");
    assert_int_equal(json_array_size(series), 7);
    json_t *slow = json_array_get(series, 1), *first = json_array_get(json_object_get(slow, "changes"), 0);
    assert_string_equal(json_string_value(json_object_get(slow, "status")), "regressed");
    assert_string_equal(json_string_value(json_object_get(first, "direction")), "worse");
    size_t low = (size_t)json_integer_value(json_object_get(first, "low"));
    assert_string_equal(json_string_value(json_object_get(first, "good")), commit_id(low - 1));
    assert_true(json_is_null(json_object_get(json_array_get(series, 5), "p")));
    json_decref(root);
    free(text);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_series_that_stays_is_steady),
        TEST(a_step_for_the_worse_fails_with_its_range_of_commits),
        TEST(which_way_is_worse_decides),
        TEST(what_lies_behind_the_window_is_old),
        TEST(what_was_taken_back_does_not_count),
        TEST(a_change_below_the_margin_is_information),
        TEST(one_point_is_suspected_and_fails_nothing),
        TEST(a_suspicion_lasts_until_it_is_a_change),
        TEST(what_is_counted_is_sure_with_three_points),
        TEST(with_few_points_nothing_is_judged),
        TEST(over_many_series_chance_is_allowed_for),
        TEST(many_series_are_judged_as_one_is),
        TEST(a_step_within_one_commit_is_not_of_the_code),
        TEST(a_drift_that_goes_on_counts),
        TEST(a_step_right_behind_a_commit_is_never_silent),
        TEST(what_may_be_chance_is_measured_again),
        TEST(times_below_what_can_be_measured_are_unstable),
        TEST(one_point_without_a_commit_puts_all_in_the_order_of_time),
        TEST(since_leaves_out_what_was_before),
        TEST(a_commit_that_nobody_knows_is_an_error),
        TEST(against_a_commit_only_the_sum_counts),
        TEST(a_baseline_accepts_what_was_before),
        TEST(a_pull_request_is_judged_against_its_base),
        TEST(commits_of_which_only_the_id_is_known_come_as_they_were_measured),
        TEST(points_of_no_known_branch_stay),
        TEST(what_scatters_is_listed_with_advice),
        TEST(other_machines_are_told),
        TEST(the_newest_value_is_held_to_the_budget),
        TEST(the_baseline_is_what_a_budget_can_be_relative_to),
        TEST(a_budget_of_nothing_there_is_an_error),
        cmocka_unit_test(each_metric_has_its_way),
        TEST(a_table_says_what_happened_and_what_to_do),
        TEST(nothing_to_judge_is_said),
        TEST(a_markdown_table_is_not_obeyed),
        TEST(json_has_every_series),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
