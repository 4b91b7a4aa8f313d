/* SPDX-License-Identifier: MIT */
/*
 * Finds the changes of all series: nearly all of the time that judging takes. Series have nothing to do with
 * each other, so that of many each processor takes its share.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "history/check_parts.h"

enum {
    WORKERS_MAX = 8,
    WORTH_A_WORKER = 20000, /* points: about 20 ms; a thread takes a hundredth of that to start */
};

/* Every `step`-th series, from the one of that number on. */
struct worker {
    struct tare_history_report *report;
    size_t first, step, most; /* points of the longest line */
    pthread_t thread;
    int error;
    size_t failed; /* series */
};

static int find_changes(struct tare_judged_series *series, double alpha, double *scratch)
{
    const struct tare_history_line *line = series->line;
    for (size_t i = 0; i < line->count; i++) {
        scratch[i] = line->points[i].value;
    }
    series->counted = tare__is_counted(scratch, line->count);
    if (series->counted) {
        return tare__counted_changes(scratch, line->count, &series->changes, &series->suspicion);
    }
    int error = tare_changes_find(scratch, line->count, alpha, &series->changes);
    return error != 0 ? error : tare__suspect(scratch, line->count, &series->changes, &series->suspicion);
}

static void *work(void *data)
{
    struct worker *worker = data;
    double *scratch = calloc(worker->most + 1, sizeof(*scratch));
    worker->error = scratch != NULL ? 0 : -ENOMEM;
    for (size_t i = worker->first; worker->error == 0 && i < worker->report->count; i += worker->step) {
        worker->error = find_changes(&worker->report->series[i], worker->report->rule.alpha, scratch);
        worker->failed = i;
    }
    free(scratch);
    return NULL;
}

static size_t worker_count(const struct tare_history_report *report)
{
    size_t points = 0;
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    for (size_t i = 0; i < report->count; i++) {
        points += report->series[i].line->count;
    }
    size_t count = 1 + points / WORTH_A_WORKER;
    count = processors > 0 && count > (size_t)processors ? (size_t)processors : count;
    return count > WORKERS_MAX ? WORKERS_MAX : count;
}

int tare__find_all(struct tare_history_report *report, char *message, size_t message_size)
{
    struct worker workers[WORKERS_MAX];
    size_t count = worker_count(report), most = 0, failed = 0;
    sigset_t all, before;
    int error = 0;
    for (size_t i = 0; i < report->count; i++) {
        most = report->series[i].line->count > most ? report->series[i].line->count : most;
    }
    /* Signals are for the thread that was there before. */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    bool started[WORKERS_MAX] = {false};
    for (size_t i = 0; i < count; i++) {
        workers[i] = (struct worker){.report = report, .first = i, .step = count, .most = most};
        started[i] = i > 0 && pthread_create(&workers[i].thread, NULL, work, &workers[i]) == 0;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    for (size_t i = 0; i < count; i++) {
        if (started[i]) {
            pthread_join(workers[i].thread, NULL);
        } else {
            work(&workers[i]);
        }
        if (workers[i].error != 0 && error == 0) {
            error = workers[i].error;
            failed = workers[i].failed;
        }
    }
    if (error == -EINVAL && message_size > 0) {
        const struct tare_history_series *series = &report->series[failed].line->series;
        char *title = tare_history_title(series);
        snprintf(message, message_size,
                 "the series '%s' has a value that is no number: 'tare history fsck' says where",
                 title != NULL ? title : series->name);
        free(title);
    }
    return error;
}
