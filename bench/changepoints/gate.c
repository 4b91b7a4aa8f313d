/* SPDX-License-Identifier: MIT */
/*
 * What the gate says of a step: judges made-up histories as `tare history check` does, and prints the tables of
 * docs/gates.md. Values are normal with a coefficient of variation of 2 %, 200 of them before the step.
 *
 *     bench-changepoint-gate [REPETITIONS [SEED]]    (default 400 1)
 *
 * Silent is every other status than regressed and suspected. Exits 1 if a step that was found right behind the
 * commit that was asked about was silent, as none may be.
 */
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "history/check.h"
#include "stats/random.h"

enum { BEFORE = 200, MOST_BEHIND = 32, POINTS = BEFORE + MOST_BEHIND, ID = 40, RERUNS = 3, EACH_RERUN = 3 };

static const double CV = 0.02;

struct history {
    struct tare_history history;
    char ids[POINTS][ID + 1];
};

static void *room(size_t count, size_t size)
{
    void *made = calloc(count, size);
    if (made == NULL) {
        fputs("bench-changepoint-gate: out of memory\n", stderr);
        exit(2);
    }
    return made;
}

static struct history *make(size_t series)
{
    struct history *made = room(1, sizeof(*made));
    struct tare_history *history = &made->history;
    history->runs = room(POINTS, sizeof(*history->runs));
    history->commits = room(POINTS, sizeof(*history->commits));
    history->lines = room(series, sizeof(*history->lines));
    history->run_count = history->commit_count = POINTS;
    history->line_count = series;
    for (size_t i = 0; i < POINTS; i++) {
        snprintf(made->ids[i], sizeof(made->ids[i]), "%08zx%032d", i, 0);
        history->runs[i] = (struct tare_history_run){.id = (int64_t)i + 1,
                                                     .project = (char *)"p",
                                                     .started_ms = (int64_t)i * 1000,
                                                     .commit = made->ids[i]};
        history->commits[i] = (struct tare_history_commit){
            .id = made->ids[i], .parents = (char *)"", .time_s = (int64_t)i, .ordinal = (int64_t)i + 1};
    }
    for (size_t i = 0; i < series; i++) {
        char *none = (char *)"";
        history->lines[i].series = (struct tare_history_series){.id = (int64_t)i + 1,
                                                                .project = (char *)"p",
                                                                .suite = none,
                                                                .name = (char *)"b",
                                                                .arguments = none,
                                                                .metric = (char *)"median",
                                                                .unit = (char *)"ns",
                                                                .fingerprint = none,
                                                                .harness = none,
                                                                .settings = none,
                                                                .better = TARE_BETTER_LOWER};
        history->lines[i].points = room(POINTS, sizeof(*history->lines[i].points));
        for (size_t j = 0; j < POINTS; j++) {
            history->lines[i].points[j] = tare_history_point_unknown();
            history->lines[i].points[j].run = (int64_t)j + 1;
        }
    }
    return made;
}

static void release(struct history *made)
{
    for (size_t i = 0; i < made->history.line_count; i++) {
        free(made->history.lines[i].points);
    }
    free(made->history.lines);
    free(made->history.commits);
    free(made->history.runs);
    free(made);
}

/* The first series has the step. */
static void fill(struct history *made, struct tare_random *random, double step)
{
    for (size_t i = 0; i < made->history.line_count; i++) {
        for (size_t j = 0; j < POINTS; j++) {
            double level = i == 0 && j >= BEFORE ? 100 * (1 + step) : 100;
            made->history.lines[i].points[j].value = level * (1 + CV * tare_random_normal(random));
        }
    }
}

/* With the first `behind` points behind the step. Released by the caller. */
static void judge(struct history *made, size_t behind, const char *against, struct tare_history_report *report)
{
    char message[256];
    const struct tare_check_rule rule = {.margin = 0.01,
                                         .alpha = TARE_CHANGE_ALPHA,
                                         .window = 50,
                                         .since_ms = TARE_HISTORY_UNKNOWN,
                                         .against = against};
    for (size_t i = 0; i < made->history.line_count; i++) {
        made->history.lines[i].count = BEFORE + behind;
    }
    if (tare_history_check(&made->history, &rule, report, message, sizeof(message)) != 0) {
        fprintf(stderr, "bench-changepoint-gate: %s\n", message);
        exit(2);
    }
}

struct counts {
    size_t regressed, suspected, all;
};

static void count(struct counts *counts, enum tare_series_status status)
{
    counts->regressed += status == TARE_SERIES_REGRESSED;
    counts->suspected += status == TARE_SERIES_SUSPECTED;
    counts->all++;
}

static void print_counts(const struct counts *counts)
{
    double all = (double)counts->all / 100;
    printf(" %.1f %% | %.1f %% | %.1f %% |", (double)counts->regressed / all, (double)counts->suspected / all,
           (double)(counts->all - counts->regressed - counts->suspected) / all);
}

static void among_others(size_t series, double step, size_t behind, size_t repetitions, uint64_t seed)
{
    struct history *made = make(series);
    struct tare_random random;
    struct counts first = {0}, later = {0}, others = {0};
    tare_random_seed(&random, seed);
    for (size_t i = 0; i < repetitions; i++) {
        struct tare_history_report report;
        fill(made, &random, step);
        judge(made, behind, NULL, &report);
        enum tare_series_status status = report.series[0].status;
        count(&first, status);
        for (size_t j = 1; j < series; j++) {
            count(&others, report.series[j].status);
        }
        tare_history_report_release(&report);
        for (size_t j = 1; j <= RERUNS && status == TARE_SERIES_SUSPECTED; j++) {
            judge(made, behind + j * EACH_RERUN, NULL, &report);
            status = report.series[0].status;
            tare_history_report_release(&report);
        }
        count(&later, status);
    }
    printf("| %zu | %.0f %% | %zu |", series, 100 * step, behind);
    print_counts(&first);
    print_counts(&later);
    if (others.all > 0) {
        printf(" %.2f %% | %.2f %% |\n", 100 * (double)others.regressed / (double)others.all,
               100 * (double)others.suspected / (double)others.all);
    } else {
        puts(" - | - |");
    }
    fflush(stdout);
    release(made);
}

/* A step right behind the commit, and what is said of it. Returns whether one that was found was silent. */
static bool right_behind(double scatters, size_t repetitions, uint64_t seed)
{
    struct history *made = make(1);
    struct tare_random random;
    size_t found = 0, silent = 0;
    struct counts counts = {0};
    tare_random_seed(&random, seed);
    for (size_t i = 0; i < repetitions; i++) {
        fill(made, &random, scatters * CV);
        for (size_t behind = 3; behind <= 10; behind++) {
            struct tare_history_report report;
            judge(made, behind, made->ids[BEFORE - 1], &report);
            const struct tare_judged_series *series = &report.series[0];
            const struct tare_changes *changes = &series->changes;
            bool is_found =
                changes->count > 0 && changes->changes[changes->count - 1].at + 20 >= BEFORE + behind;
            count(&counts, series->status);
            found += is_found;
            silent +=
                is_found && series->status != TARE_SERIES_REGRESSED && series->status != TARE_SERIES_SUSPECTED;
            tare_history_report_release(&report);
        }
    }
    printf("| %.0f |", scatters);
    print_counts(&counts);
    printf(" %zu of %zu |\n", silent, found);
    release(made);
    return silent > 0;
}

int main(int argc, char **argv)
{
    size_t repetitions = argc > 1 ? strtoul(argv[1], NULL, 10) : 400;
    uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
    static const struct {
        double step;
        size_t behind;
    } steps[] = {{0.05, 5}, {0.03, 8}, {0.05, 3}, {0.10, 3}};
    static const size_t series[] = {1, 100};
    if (repetitions == 0) {
        fprintf(stderr, "bench-changepoint-gate: '%s' is no number of repetitions: give one, as 400\n",
                argv[1]);
        return 2;
    }
    puts("| series | step | behind it | regressed | suspected | silent | after re-runs: regressed | suspected "
         "| silent |"
         " others regressed | others suspected |");
    puts("| ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |");
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        for (size_t j = 0; j < sizeof(series) / sizeof(series[0]); j++) {
            among_others(series[j], steps[i].step, steps[i].behind, repetitions, seed);
        }
    }
    puts("\n| scatters | regressed | suspected | silent | silent of those found |");
    puts("| ---: | ---: | ---: | ---: | ---: |");
    bool any = false;
    for (double scatters = 3; scatters <= 20; scatters += scatters < 6 ? 1 : scatters < 10 ? 2 : 5) {
        any |= right_behind(scatters, repetitions, seed);
    }
    return any ? EXIT_FAILURE : EXIT_SUCCESS;
}
