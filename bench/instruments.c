/* SPDX-License-Identifier: MIT */
/*
 * `make bench-instruments`: what counting costs, as the difference to the same loop with a plain addition to a
 * thread-local variable, measured in the same process in interleaved rounds. A process's figure is the median over
 * rounds of a round's difference, so that a disturbance of this machine spoils rounds, not the figure.
 *
 * The loops hold nothing else, which is the worst place: amid work, most of it overlaps. A row more is a loop
 * more, and a line in `rows`.
 *
 * Where a process's memory lies is chance, and in some places each plain addition waits for the store of the one
 * before, which takes it four to seven times as long; less such a floor, counting would seem to take less than
 * nothing. So the whole is measured in several processes, each placed anew. The least that the plain addition
 * took in any is what it takes; a process in which it took much more says nothing of that row, and the figure is
 * the median of the others. Where too few are left, what counting took in all of them is compared with that least
 * addition, which makes the difference larger, not smaller: within the limit it is met, beyond it the row is not
 * measurable here, and not met.
 *
 * Exit status: 0 if all limits are met, 1 if one is not, 2 if that could not be told: a row was not measurable, or
 * others disturbed what was missed (bench/quiet.h).
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <tare/tare.h>

#include "bench/quiet.h"
#include "runtime/clock.h"
#include "stats/quantile.h"

TARE_MODULE("bench");
TARE_COUNTER(added);
TARE_COUNTER(other);
TARE_COUNTER(off);
TARE_GAUGE(level);
TARE_HISTOGRAM(sizes);
TARE_STATE(mode, "one", "two");

enum {
    ROUNDS = 101,
    TIMES = 100000,
    PLACES = 9,       /* processes at first */
    PLACES_MOST = 25, /* and as long as a row has fewer than these that say something: */
    PLACES_LEAST = 5,
};

static __thread uint64_t plain, plain_too;

/* What is in memory is in memory after each iteration, as amid other code. */
#define LOOP(name, body)                                                                                       \
    static __attribute__((noinline)) void name(void)                                                           \
    {                                                                                                          \
        for (uint64_t i = 0; i < TIMES; i++) {                                                                 \
            body;                                                                                              \
            __asm__ volatile("" : : : "memory");                                                               \
        }                                                                                                      \
    }                                                                                                          \
    struct tare__semicolon

LOOP(loop_plain, plain += 1);
LOOP(loop_plain_any, plain += i);
LOOP(loop_plain_two, (plain += 1, plain_too += 1));
LOOP(loop_add, TARE_ADD(added, 1));
LOOP(loop_add_any, TARE_ADD(added, i));
LOOP(loop_add_two, (TARE_ADD(added, 1), TARE_ADD(other, 1)));
LOOP(loop_off, TARE_ADD(off, 1));
LOOP(loop_set, TARE_SET(level, i & 1023));
LOOP(loop_record, TARE_RECORD(sizes, i & 4095));
LOOP(loop_enter, TARE_ENTER(mode, i & 1));

/* `most`: over the plain loop, in ns; 0: no limit was set. */
static const struct row {
    const char *what;
    void (*plain)(void), (*counted)(void);
    double most;
    int additions; /* in the plain loop */
} rows[] = {
    {"TARE_ADD of 1", loop_plain, loop_add, 1, 1},
    {"TARE_ADD of a variable", loop_plain_any, loop_add_any, 1, 1},
    {"TARE_ADD to two counters, both together", loop_plain_two, loop_add_two, 2, 2},
    {"TARE_ADD to a counter that is disabled", loop_plain, loop_off, 1, 1},
    {"TARE_SET", loop_plain, loop_set, 0, 1},
    {"TARE_RECORD", loop_plain, loop_record, 0, 1},
    {"TARE_ENTER, each time another state", loop_plain, loop_enter, 0, 1},
};

static double ns_of(void (*loop)(void))
{
    uint64_t start = clock_raw_ns();
    loop();
    return (double)(clock_raw_ns() - start) / TIMES;
}

enum { ROWS = sizeof(rows) / sizeof(rows[0]) };
static const double NOISE_NS = 0.1; /* more than this below nothing is no difference */

/* What one process saw of a row, in ns. */
struct seen {
    double floor, over;
};

/* One process's part, to standard output: a line for each row. */
static int measure(void)
{
    static double floors[ROUNDS], differences[ROUNDS];
    if (tare_clock_hz() == 0) {
        fputs("bench-instruments: there is no page: nothing would be counted; is TARE=off set?\n", stderr);
        return 2;
    }
    tare_disable("bench.off");
    for (size_t r = 0; r < ROWS; r++) {
        const struct row *row = &rows[r];
        for (int i = 0; i < ROUNDS; i++) {
            double before = ns_of(row->plain), counted = ns_of(row->counted), after = ns_of(row->plain);
            floors[i] = (before + after) / 2;
            differences[i] = counted - floors[i];
        }
        printf("%.9f %.9f\n", tare_median(floors, ROUNDS), tare_median(differences, ROUNDS));
    }
    uint64_t expected = (uint64_t)TIMES * ROUNDS * 2 + (uint64_t)TIMES * (TIMES - 1) / 2 * ROUNDS;
    if (TARE_TOTAL(added) != expected) {
        fputs("bench-instruments: the sum is wrong: what was measured is not counting\n", stderr);
        return 2;
    }
    return 0;
}

/* The same in another process, whose memory lies elsewhere. */
static int measure_elsewhere(struct seen seen[ROWS])
{
    int ends[2];
    if (pipe(ends) != 0) {
        return -errno;
    }
    pid_t pid = fork();
    if (pid == 0) {
        dup2(ends[1], STDOUT_FILENO);
        close(ends[0]);
        close(ends[1]);
        execl("/proc/self/exe", "bench-instruments", "place", (char *)NULL);
        _exit(127);
    }
    close(ends[1]);
    FILE *in = fdopen(ends[0], "r");
    size_t count = 0;
    while (in != NULL && count < ROWS && fscanf(in, "%lf %lf", &seen[count].floor, &seen[count].over) == 2) {
        count++;
    }
    if (in != NULL) {
        fclose(in);
    } else {
        close(ends[0]);
    }
    int status = -1;
    if (pid > 0) {
        waitpid(pid, &status, 0);
    }
    return count == ROWS && status == 0 ? 0 : -EIO;
}

/* What a plain addition takes: the least that a loop of them took. Two can take as long as one. */
static double least_addition(struct seen seen[PLACES_MOST][ROWS], size_t places)
{
    double least = INFINITY;
    for (size_t k = 0; k < places; k++) {
        for (size_t r = 0; r < ROWS; r++) {
            least = fmin(least, seen[k][r].floor);
        }
    }
    return least;
}

/* The places that say something of a row: in them, the plain addition took what it takes. */
static size_t usable(struct seen seen[PLACES_MOST][ROWS], size_t places, size_t r, struct seen out[PLACES_MOST])
{
    double least = least_addition(seen, places);
    size_t count = 0;
    for (size_t k = 0; k < places; k++) {
        if (seen[k][r].floor <= 1.5 * least * rows[r].additions + 0.05) {
            out[count++] = seen[k][r];
        }
    }
    return count;
}

static double median_of(const struct seen *seen, size_t count, size_t offset)
{
    double values[PLACES_MOST];
    for (size_t i = 0; i < count; i++) {
        values[i] = *(const double *)((const char *)&seen[i] + offset);
    }
    return tare_median(values, count);
}

static int show(struct seen seen[PLACES_MOST][ROWS], size_t places, struct bench_quiet quiet)
{
    bool missed = false, untold = false;
    printf("%-42s %14s %11s %9s  %-16s %s\n", "what", "plain addition", "over that", "at most", "",
           "processes");
    for (size_t r = 0; r < ROWS; r++) {
        struct seen of[PLACES_MOST];
        size_t count = usable(seen, places, r, of);
        char most[16] = "-";
        if (rows[r].most > 0) {
            snprintf(most, sizeof(most), "+%.0f ns", rows[r].most);
        }
        const char *verdict = "";
        bool alone = count < PLACES_LEAST;
        if (alone) { /* all that counting took, less the least of an addition: at least what it takes over it */
            count = 0;
            for (size_t k = 0; k < places; k++) {
                double least = least_addition(seen, places);
                of[count++] = (struct seen){.floor = least, .over = seen[k][r].floor + seen[k][r].over - least};
            }
        }
        double floor = median_of(of, count, offsetof(struct seen, floor));
        double over = median_of(of, count, offsetof(struct seen, over));
        /* Counting is a plain addition and more: a difference far below 0 is none. */
        bool known =
            over > -NOISE_NS * rows[r].additions && !(alone && rows[r].most > 0 && over > rows[r].most);
        if (!known) {
            verdict = "not measurable";
            untold |= rows[r].most > 0;
        } else if (rows[r].most > 0) {
            verdict = over <= rows[r].most ? "met" : "NOT MET";
            missed |= over > rows[r].most;
        }
        printf("%-42s %11.2f ns %+8.2f ns %9s  %-16s ", rows[r].what, floor, over, most, verdict);
        if (alone) {
            printf("all of %zu, over the best addition of any\n", places);
        } else {
            printf("%zu of %zu\n", count, places);
        }
    }
    bool noisy = bench_is_noisy(quiet);
    return missed && !noisy ? 1 : missed || untold ? 2 : 0;
}

int main(int argc, char **argv)
{
    static struct seen seen[PLACES_MOST][ROWS];
    if (argc == 2 && strcmp(argv[1], "place") == 0) {
        return measure();
    }
    struct bench_quiet quiet = bench_quiet_now();
    size_t places = 0, least = 0;
    while (places < PLACES || (places < PLACES_MOST && least < PLACES_LEAST)) {
        if (measure_elsewhere(seen[places]) != 0) {
            fputs("bench-instruments: a process could not measure\n", stderr);
            return 2;
        }
        places++;
        least = places;
        for (size_t r = 0; r < ROWS; r++) {
            struct seen of[PLACES_MOST];
            size_t count = usable(seen, places, r, of);
            least = rows[r].most > 0 && count < least ? count : least;
        }
    }
    return show(seen, places, quiet);
}
