/* SPDX-License-Identifier: MIT */
/*
 * For the tests named bench_*: a case of this program's benchmarks measured in this process, and a job done
 * by this program started once more, as `tare bench` would. The test's main() begins with
 * BENCH_MAIN_OF_A_JOB.
 */
#ifndef TARE_TESTS_BENCH_DRIVING_H
#define TARE_TESTS_BENCH_DRIVING_H

#include <tare/bench.h>

#include "harness/harness.h"
#include "tests/behaviour/behaviour.h"

enum { LINES_FD = 9 };

#define BENCH_MAIN_OF_A_JOB(argc, argv)                                                                        \
    if (getenv("TARE_BENCH_DRIVE") != NULL) {                                                                  \
        return tare_bench_main(argc, argv);                                                                    \
    }

/* The case of that name; the program goes on with none. Its number in *number. */
static UNUSED struct bench_unit case_named(const char *name, unsigned *number)
{
    struct bench_units units;
    char message[512] = "";
    struct bench_unit found = {.bench = NULL};
    if (tare__bench_units(&units, message, sizeof(message)) != 0) {
        note_failure(__FILE__, __LINE__, message);
    }
    for (unsigned i = 0; i < units.count; i++) {
        if (strcmp(units.units[i].name, name) == 0) {
            found = units.units[i];
            *number = i;
        }
    }
    tare__bench_units_release(&units);
    MUST(found.bench != NULL);
    return found;
}

/* Here, in this process. */
static UNUSED struct measured measure_here(const char *name, const struct plan *plan)
{
    struct measured measured;
    unsigned number;
    struct bench_unit unit = case_named(name, &number);
    MUST(tare__bench_measure(&unit, plan, &measured) == 0);
    return measured;
}

static UNUSED struct measured exactly(const char *name, uint64_t iterations)
{
    const struct plan plan = {.kind = PLAN_EXACT, .samples = 1, .iterations = iterations};
    return measure_here(name, &plan);
}

static UNUSED struct measured samples_of(const char *name, size_t samples, uint64_t iterations)
{
    const struct plan plan = {.kind = PLAN_TIME,
                              .samples = samples,
                              .samples_min = samples,
                              .sample_ns = 1e5,
                              .iterations = iterations};
    return measure_here(name, &plan);
}

/* By another process; its words, which the caller frees, and its status as of waitpid(2). */
static UNUSED char *job_said(const char *job, int *status)
{
    enum { ROOM = 1 << 20 };
    int fds[2];
    char *said = malloc(ROOM);
    size_t size = 0;
    ssize_t n = 0;
    MUST(said != NULL && pipe2(fds, O_CLOEXEC) == 0);
    MUST(fds[0] != LINES_FD && dup2(fds[1], LINES_FD) == LINES_FD);
    pid_t pid = start_self("job", ENVIRONMENT(text("TARE_BENCH_DRIVE=fd=%d %s", LINES_FD, job)), NULL);
    close(LINES_FD);
    if (fds[1] != LINES_FD) {
        close(fds[1]);
    }
    while (size + 1 < ROOM &&
           ((n = read(fds[0], said + size, ROOM - 1 - size)) > 0 || (n < 0 && errno == EINTR))) {
        size += n > 0 ? (size_t)n : 0;
    }
    close(fds[0]);
    said[size] = '\0';
    *status = status_of(pid);
    return said;
}

/* A job with a case of this program. `rest` follows. */
static UNUSED struct bench_block job_of(const char *kind, const char *name, const char *rest, int *status)
{
    struct bench_block block;
    unsigned number;
    char message[256] = "";
    case_named(name, &number);
    char *said = job_said(text("job=%s case=%u %s", kind, number, rest), status);
    if (bench_lines_block(said, strlen(said), &block, message, sizeof(message)) != 0) {
        note_failure(__FILE__, __LINE__, message);
        printf("# %s\n", said);
    }
    free(said);
    return block;
}

#endif
